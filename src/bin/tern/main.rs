//! The `tern` command: get, seed, create, show, verify and link torrents; ask trackers and the DHT;
//! list, import and export.
//!
//! A program like any other on libtern's public face. Deliberately absent: any other room, and
//! anything a host could not do.

mod args;
mod args_dht;
mod create;
mod dht;
mod export;
mod import;
mod list;
mod magnet;
mod report;
mod seed_all;
mod show;
mod signals;
mod source;
mod state;
mod tracker;
mod transfer;
mod units;
mod verify;

use std::path::Path;
use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;
use report::Reporter;
use tern::api::Metainfo;

/// Why a command failed: one line for people, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// With these words.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: args::FAILED }
    }

    /// The command line asks for something that is not there.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: args::USAGE }
    }

    /// With what it was about in front.
    pub(crate) fn about(what: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self::new(format!("{what}: {why}"))
    }
}

impl From<tern::api::Error> for Failure {
    fn from(error: tern::api::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// Reads a `.torrent` file.
pub(crate) fn load(path: &Path) -> Result<Metainfo, Failure> {
    Metainfo::load(path).map_err(|e| {
        let text = e.to_string();
        let named = text.contains(&*path.to_string_lossy());
        if named { Failure::new(text) } else { Failure::about(path.display(), text) }
    })
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut reporter = Reporter::new(cli.json, cli.quiet);
    let result = signals::install()
        .map_err(|e| Failure::about("signals", e))
        .and_then(|()| run(&cli.command, &mut reporter));
    match result {
        Ok(code) => ExitCode::from(code),
        Err(Failure { text, code }) => {
            reporter.error(&text);
            ExitCode::from(code)
        }
    }
}

fn run(command: &Command, reporter: &mut Reporter) -> Result<u8, Failure> {
    match command {
        Command::Get(get) => transfer::get(get, reporter),
        Command::Seed(seed) => transfer::seed(seed, reporter),
        Command::Create(create) => create::run(create, reporter),
        Command::Magnet(magnet) => magnet::run(magnet, reporter),
        Command::Show(show) => show::run(show, reporter),
        Command::Verify(verify) => verify::run(verify, reporter),
        Command::Announce(ask) => tracker::announce(ask, reporter),
        Command::Scrape(ask) => tracker::scrape(ask, reporter),
        Command::Import(import) => import::run(import, reporter),
        Command::Export(export) => export::run(export, reporter),
        Command::Dht(dht) => dht::run(dht, reporter),
        Command::List(list) => list::run(list, reporter),
    }
}
