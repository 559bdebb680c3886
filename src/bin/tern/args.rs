//! What can be said on the command line, and the exit codes. Deliberately absent: doing any of it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use crate::args_dht::Dht;
use crate::units::parse_bytes;

/// Done.
pub(crate) const OK: u8 = 0;
/// It failed: a message on standard error says why.
pub(crate) const FAILED: u8 = 1;
/// The command line was wrong.
pub(crate) const USAGE: u8 = 2;
/// `verify` found damage, or `get` ended before everything was there.
pub(crate) const INCOMPLETE: u8 = 3;
/// Ctrl-C or SIGTERM; what was downloaded and its state are saved.
pub(crate) const INTERRUPTED: u8 = 130;

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed; standard error says why
  2    wrong command line
  3    incomplete: verify found damage, or get ended early
  130  interrupted; progress is saved, run it again to go on";

/// A BitTorrent client built on libtern.
#[derive(Debug, Parser)]
#[command(name = "tern", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    /// Report as JSON: one object per line, the last one the result.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Report only the result.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Download a torrent; run again after any interruption, it goes on where it was.
    Get(Get),
    /// Serve a torrent whose content is here, or all that are known here; what was checked once is
    /// remembered.
    Seed(Seed),
    /// Make a .torrent file from a file or directory.
    Create(Create),
    /// Print the magnet links of .torrent files.
    Magnet(Magnet),
    /// Show what a .torrent file says.
    Show(Show),
    /// Compare content with a .torrent file, piece by piece.
    Verify(Verify),
    /// Show the torrents known here and how far they are.
    List(List),
    /// Announce to a tracker once and show the peers it tells.
    Announce(Announce),
    /// Ask a tracker how many have a torrent.
    Scrape(Scrape),
    /// Take over the torrents of another client, with what it has; get and seed go on from there.
    Import(Import),
    /// Write the torrents known here as a folder of qBittorrent's, which goes on from there.
    Export(Export),
    /// Ask the DHT for peers, items and nodes, or run a node of it.
    Dht(Dht),
}

/// What downloads and uploads have in common.
#[derive(Debug, Args)]
pub(crate) struct Network {
    /// Listen on this TCP port, 0 for any.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) port: u16,
    /// Listen on this address only.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) bind: Option<std::net::IpAddr>,
    /// Connect to this peer (may be given several times).
    #[arg(long = "peer", value_name = "HOST:PORT")]
    pub(crate) peers: Vec<String>,
    /// Use no trackers.
    #[arg(long)]
    pub(crate) no_trackers: bool,
    /// Use no DHT.
    #[arg(long)]
    pub(crate) no_dht: bool,
    /// Start the DHT from these nodes instead of the usual ones.
    #[arg(long = "bootstrap", value_name = "HOST:PORT", value_delimiter = ',')]
    pub(crate) bootstrap: Vec<String>,
    /// Exchange no peers with peers (BEP 11).
    #[arg(long)]
    pub(crate) no_pex: bool,
    /// Download at most this much per second, for instance 500k or 2M; 0 lifts a limit that was
    /// set before or imported.
    #[arg(long, value_name = "RATE", value_parser = parse_bytes)]
    pub(crate) limit_down: Option<u64>,
    /// Upload at most this much per second, or 0.
    #[arg(long, value_name = "RATE", value_parser = parse_bytes)]
    pub(crate) limit_up: Option<u64>,
    /// Remember progress here [default: $XDG_STATE_HOME/tern or ~/.local/state/tern].
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Stop after this many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) stop_after: Option<u64>,
    /// Set an option of the library by its name (may be given several times).
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_set)]
    pub(crate) set: Vec<(String, String)>,
}

/// A tracker to be asked.
#[derive(Debug, Args)]
pub(crate) struct AskTracker {
    /// The announce URL: http, https or udp.
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Give up after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) timeout: u64,
    /// Set an option of the library by its name (may be given several times).
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_set)]
    pub(crate) set: Vec<(String, String)>,
}

/// `tern announce`.
#[derive(Debug, Args)]
pub(crate) struct Announce {
    #[command(flatten)]
    pub(crate) tracker: AskTracker,
    /// The info-hash in hexadecimal, or a .torrent file.
    #[arg(value_name = "INFOHASH")]
    pub(crate) torrent: String,
    /// What happened.
    #[arg(long, value_enum, default_value_t = Event::None)]
    pub(crate) event: Event,
    /// The port to be reached at [default: none that anybody listens at].
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Peers wanted.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) num_want: u32,
    /// Say that everything is here.
    #[arg(long)]
    pub(crate) seed: bool,
}

/// An announce's event.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Event {
    /// A regular announce.
    None,
    /// The first.
    Started,
    /// The last: the tracker forgets us.
    Stopped,
    /// The download is complete.
    Completed,
}

/// `tern scrape`.
#[derive(Debug, Args)]
pub(crate) struct Scrape {
    #[command(flatten)]
    pub(crate) tracker: AskTracker,
    /// Info-hashes in hexadecimal, or .torrent files.
    #[arg(value_name = "INFOHASH", required = true)]
    pub(crate) torrents: Vec<String>,
}

fn parse_set(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// Sets options by their names.
pub(crate) fn apply(
    config: &mut tern::api::Config,
    set: &[(String, String)],
) -> Result<(), tern::api::Error> {
    set.iter().try_for_each(|(name, value)| config.set_text(name, value))
}

/// `tern get`.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The .torrent file, a magnet link, or an info-hash (40 hexadecimal digits).
    #[arg(value_name = "FILE.torrent|MAGNET|INFOHASH")]
    pub(crate) torrent: String,
    /// Fetch only the metadata of a magnet link, and write the .torrent file.
    #[arg(long)]
    pub(crate) metadata_only: bool,
    /// Write the .torrent file here [default with --metadata-only: NAME.torrent in the output
    /// directory].
    #[arg(long, value_name = "FILE")]
    pub(crate) save_torrent: Option<PathBuf>,
    /// Put the content here.
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub(crate) output: PathBuf,
    /// Download only these files, numbered as `tern show` does (`--file 0,2,5`), or `all` again
    /// [default: as the last time].
    #[arg(long = "file", value_name = "N", value_delimiter = ',', value_parser = parse_file)]
    pub(crate) files: Vec<Chosen>,
    /// Download in order.
    #[arg(long)]
    pub(crate) sequential: bool,
    /// Go on serving when everything is there.
    #[arg(long)]
    pub(crate) seed: bool,
    /// Network.
    #[command(flatten)]
    pub(crate) network: Network,
}

/// A file of a torrent, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// All.
    All,
    /// This one.
    File(u32),
}

fn parse_file(text: &str) -> Result<Chosen, String> {
    match text {
        "all" => Ok(Chosen::All),
        _ => text.parse().map(Chosen::File).map_err(|_| "a file number, or `all`".into()),
    }
}

/// `tern seed`.
#[derive(Debug, Args)]
pub(crate) struct Seed {
    /// The .torrent file [default: every complete torrent that the state directory knows, as `tern
    /// list` shows them].
    #[arg(value_name = "FILE.torrent")]
    pub(crate) torrent: Option<PathBuf>,
    /// Where the content of that file is [default: .].
    #[arg(short, long, value_name = "DIR", requires = "torrent")]
    pub(crate) dir: Option<PathBuf>,
    /// Network.
    #[command(flatten)]
    pub(crate) network: Network,
}

/// `tern create`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// File or directory.
    pub(crate) path: PathBuf,
    /// Write here [default: NAME.torrent in the current directory].
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Tracker; each further -t opens a further tier, commas separate trackers of one tier.
    #[arg(short, long = "tracker", value_name = "URL[,URL..]")]
    pub(crate) trackers: Vec<String>,
    /// Piece length, a power of two such as 256k [default: chosen by size].
    #[arg(short, long, value_name = "BYTES", value_parser = parse_bytes)]
    pub(crate) piece_length: Option<u64>,
    /// Only trackers may tell about peers (BEP 27).
    #[arg(long)]
    pub(crate) private: bool,
    /// Free text.
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    /// Mark of a private tracker, changes the info-hash.
    #[arg(long, value_name = "TEXT")]
    pub(crate) source: Option<String>,
    /// URL that serves the content (BEP 19; may be given several times).
    #[arg(long = "web-seed", value_name = "URL")]
    pub(crate) web_seeds: Vec<String>,
    /// Threads that read and hash [default: one per processor, at most 8].
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<u32>,
    /// Instructions to hash with: auto, portable, sha-ni, avx2, avx512, neon or armv8.
    #[arg(long, value_name = "PATH", default_value = "auto")]
    pub(crate) hash_path: String,
    /// Replace an existing .torrent file.
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Leave out the creation date, so that the same content gives the same file.
    #[arg(long)]
    pub(crate) no_date: bool,
}

/// `tern magnet`.
#[derive(Debug, Args)]
pub(crate) struct Magnet {
    /// The .torrent files.
    #[arg(value_name = "FILE.torrent", required = true)]
    pub(crate) torrents: Vec<PathBuf>,
}

/// `tern show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The .torrent file.
    #[arg(value_name = "FILE.torrent")]
    pub(crate) torrent: PathBuf,
}

/// `tern verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The .torrent file.
    #[arg(value_name = "FILE.torrent")]
    pub(crate) torrent: PathBuf,
    /// Where the content is.
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
}

/// `tern list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Where progress is remembered [default: $XDG_STATE_HOME/tern or ~/.local/state/tern].
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// `tern import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The client's folder, or its database or list: ~/.local/share/qBittorrent,
    /// ~/.config/transmission-daemon, an rtorrent session, ~/.config/deluge, what aria2's
    /// --save-session wrote.
    pub(crate) path: PathBuf,
    /// The client, when the folder does not show it: qbittorrent, transmission, rtorrent, deluge or
    /// aria2.
    #[arg(long, value_name = "CLIENT")]
    pub(crate) from: Option<String>,
    /// Only torrents whose info-hash starts so, or whose name or label contains this (may be given
    /// several times).
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Vec<String>,
    /// Look for .torrent files here too, for clients that do not keep them.
    #[arg(long, value_name = "DIR")]
    pub(crate) torrents: Vec<PathBuf>,
    /// Show what would be taken, change nothing.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Replace what is known here about these torrents.
    #[arg(long)]
    pub(crate) replace: bool,
    /// Leave unfinished files under the names that mark them so (.part, .!qB).
    #[arg(long)]
    pub(crate) keep_names: bool,
    /// Remember progress here [default: $XDG_STATE_HOME/tern or ~/.local/state/tern].
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// `tern export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The folder to write, for instance ~/.local/share/qBittorrent/BT_backup.
    pub(crate) folder: PathBuf,
    /// Only torrents whose info-hash starts so, or whose name contains this (may be given several
    /// times).
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Vec<String>,
    /// Replace torrents that are in the folder already.
    #[arg(long)]
    pub(crate) replace: bool,
    /// Where progress is remembered [default: $XDG_STATE_HOME/tern or ~/.local/state/tern].
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_full_get_is_understood() {
        let line = "tern get a.torrent -o out --peer h:1 --peer 10.0.0.1:2 --file 0,2 --file 5 \
                    --limit-up 64k --sequential --json";
        let cli = Cli::try_parse_from(line.split_whitespace()).expect("valid");
        let Command::Get(get) = cli.command else { panic!("not get") };
        assert_eq!(get.files, [0, 2, 5].map(Chosen::File));
        assert_eq!(get.network.peers, ["h:1", "10.0.0.1:2"]);
        assert_eq!(get.network.limit_up, Some(65536));
        assert!(get.sequential && cli.json && !get.seed);
    }

    #[test]
    fn a_wrong_command_line_is_usage() {
        let error = Cli::try_parse_from(["tern", "get"]).expect_err("no torrent");
        assert_eq!(error.exit_code(), i32::from(USAGE));
    }
}
