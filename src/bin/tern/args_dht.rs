//! What can be said after `tern dht`. Deliberately absent: doing any of it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `tern dht`.
#[derive(Debug, Args)]
pub(crate) struct Dht {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: DhtCommand,
    /// Start from these nodes instead of the usual ones; `none` for no node.
    #[arg(long, global = true, value_name = "HOST:PORT", value_delimiter = ',')]
    pub(crate) bootstrap: Vec<String>,
    /// Listen on this port, 0 for any.
    #[arg(long, global = true, value_name = "PORT", default_value_t = 0)]
    pub(crate) port: u16,
    /// Listen on this address only.
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) bind: Option<std::net::IpAddr>,
    /// Give up after this many seconds.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) timeout: u64,
    /// Keep ids and nodes here between runs.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum DhtCommand {
    /// Find peers of a torrent, and the size of its swarm.
    GetPeers {
        /// Info-hash, 40 hexadecimal digits.
        #[arg(value_name = "INFO-HASH", value_parser = digits::<20>)]
        info_hash: Bytes<20>,
    },
    /// Announce that peers of a torrent are here.
    Announce {
        /// Info-hash, 40 hexadecimal digits.
        #[arg(value_name = "INFO-HASH", value_parser = digits::<20>)]
        info_hash: Bytes<20>,
        /// The port peers can reach; ours by default.
        #[arg(long, value_name = "PORT", default_value_t = 0)]
        peer_port: u16,
        /// We have all of it.
        #[arg(long)]
        seed: bool,
    },
    /// Find an item (BEP 44).
    Get {
        /// Target of an immutable item, 40 hexadecimal digits, or the owner's public key, 64.
        #[arg(value_name = "TARGET|KEY", value_parser = hex)]
        what: Hex,
        /// Salt of a mutable item.
        #[arg(long, default_value = "")]
        salt: String,
    },
    /// Store an item (BEP 44): a text, unless it is said to be bencoded.
    Put {
        /// The value.
        #[arg(value_name = "VALUE")]
        value: String,
        /// The value is bencoded already.
        #[arg(long)]
        bencoded: bool,
        /// Sign it with the key that follows from this seed of 32 bytes, 64 hexadecimal digits.
        #[arg(long, value_name = "SEED", value_parser = digits::<32>)]
        seed: Option<Bytes<32>>,
        /// Salt of a mutable item.
        #[arg(long, default_value = "")]
        salt: String,
        /// Only if this is the newest version (`cas`).
        #[arg(long, value_name = "SEQ")]
        replaces: Option<i64>,
    },
    /// Ask for info-hashes (BEP 51): one node, or all on the way to a target.
    Sample {
        /// Target, 40 hexadecimal digits.
        #[arg(value_name = "TARGET", value_parser = digits::<20>)]
        target: Bytes<20>,
        /// Only this node.
        #[arg(long, value_name = "HOST:PORT")]
        node: Option<std::net::SocketAddr>,
    },
    /// Ask a node whether it is there.
    Ping {
        /// Its address.
        #[arg(value_name = "HOST:PORT")]
        node: std::net::SocketAddr,
    },
    /// Run a node until it is interrupted.
    Node {
        /// Print each query that comes in.
        #[arg(long)]
        queries: bool,
        /// Stop after this many seconds.
        #[arg(long, value_name = "SECONDS")]
        stop_after: Option<u64>,
    },
}

/// Bytes that were written in hexadecimal.
pub(crate) type Hex = std::sync::Arc<[u8]>;
/// So many of them.
pub(crate) type Bytes<const N: usize> = [u8; N];

fn hex(text: &str) -> Result<Hex, String> {
    let bytes: Option<Vec<u8>> = (text.len().is_multiple_of(2) && text.is_ascii())
        .then(|| (0..text.len()).step_by(2))
        .and_then(|places| {
            places.map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
        });
    match bytes {
        Some(bytes) if [20, 32].contains(&bytes.len()) => Ok(bytes.into()),
        _ => Err("40 or 64 hexadecimal digits are needed".into()),
    }
}

fn digits<const N: usize>(text: &str) -> Result<Bytes<N>, String> {
    let bytes = hex(text).ok().and_then(|bytes| <[u8; N]>::try_from(&*bytes).ok());
    bytes.ok_or_else(|| format!("{} hexadecimal digits are needed", 2 * N))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_of_the_right_length_and_nothing_else() {
        assert_eq!(digits::<20>(&"0aFF".repeat(10)).unwrap()[..2], [0x0a, 0xff]);
        for bad in ["", "0", "zz", "\u{e9}".repeat(20).as_str(), &"00".repeat(32)] {
            assert!(digits::<20>(bad).is_err(), "{bad}");
        }
        assert_eq!(hex(&"00".repeat(32)).unwrap().len(), 32);
    }
}
