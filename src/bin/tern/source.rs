//! What `tern get` is given: a `.torrent` file, a magnet link, or an info-hash; and writing the
//! `.torrent` file of what came of it. Deliberately absent: fetching.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use tern::api::{InfoHash, Metainfo, magnet_info_hash};

use crate::args::Chosen;
use crate::{Failure, load};

/// A torrent to get.
pub(crate) enum Source {
    /// All of it is known.
    File(Metainfo),
    /// Its metadata has to be found.
    Link {
        /// Magnet link.
        link: String,
        /// Its info-hash.
        info_hash: InfoHash,
    },
}

impl Source {
    /// From the command line. What is a file is taken for one.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let is_link = text.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("magnet:"));
        let is_hash = text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let link = if is_link {
            text.to_owned()
        } else if is_hash && !Path::new(text).exists() {
            format!("magnet:?xt=urn:btih:{text}")
        } else {
            return load(Path::new(text)).map(Self::File);
        };
        let info_hash = magnet_info_hash(&link)?;
        Ok(Self::Link { link, info_hash })
    }

    /// The info-hash.
    pub(crate) fn info_hash(&self) -> InfoHash {
        match self {
            Self::File(torrent) => torrent.info_hash(),
            Self::Link { info_hash, .. } => *info_hash,
        }
    }
}

/// The link with these files chosen (BEP 53) instead of those it names; as it is when none is.
pub(crate) fn select(link: &str, chosen: &[Chosen]) -> String {
    if chosen.is_empty() {
        return link.to_owned();
    }
    let mut parts: Vec<&str> = link.split('&').filter(|part| !part.starts_with("so=")).collect();
    let numbers: Vec<String> = chosen
        .iter()
        .filter_map(|chosen| match chosen {
            Chosen::File(number) => Some(number.to_string()),
            Chosen::All => None,
        })
        .collect();
    let selection = format!("so={}", numbers.join(","));
    if numbers.len() == chosen.len() {
        parts.push(&selection);
    }
    parts.join("&")
}

/// Writes a `.torrent` file. One that is there stays, and is an error unless it is the same.
pub(crate) fn write(torrent: &Metainfo, path: &Path) -> Result<(), Failure> {
    let failed = |e| Failure::about(path.display(), e);
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            file.write_all(torrent.bytes()).and_then(|()| file.sync_all()).map_err(failed)
        }
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            let there = load(path).is_ok_and(|there| there.info_hash() == torrent.info_hash());
            if there { Ok(()) } else { Err(failed(e)) }
        }
        Err(e) => Err(failed(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_hashes_are_told_from_files() {
        let hash = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a";
        for text in [hash.to_owned(), format!("MAGNET:?xt=urn:btih:{hash}&dn=x")] {
            let Ok(Source::Link { info_hash, .. }) = Source::parse(&text) else { panic!("{text}") };
            assert_eq!(info_hash.to_string(), hash);
        }
        assert!(Source::parse("no-such-file.torrent").is_err());
        let v2 = format!("magnet:?xt=urn:btmh:1220{}", "ab".repeat(32));
        assert!(Source::parse(&v2).is_err_and(|e| e.text.contains("v2")));
    }

    #[test]
    fn chosen_files_take_the_place_of_the_links() {
        let link = "magnet:?xt=urn:btih:x&so=7&dn=n";
        assert_eq!(select(link, &[]), link);
        let some = [Chosen::File(0), Chosen::File(3)];
        assert_eq!(select(link, &some), "magnet:?xt=urn:btih:x&dn=n&so=0,3");
        assert_eq!(select(link, &[Chosen::All]), "magnet:?xt=urn:btih:x&dn=n");
    }

    #[test]
    fn another_file_in_its_place_stays() {
        let raw = b"d4:infod6:lengthi1e4:name1:a12:piece lengthi16384e\
                    6:pieces20:aaaaaaaaaaaaaaaaaaaaee";
        let torrent = Metainfo::parse(raw).expect("a torrent");
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("a.torrent");
        assert!(write(&torrent, &path).is_ok() && write(&torrent, &path).is_ok());
        std::fs::write(&path, "mine").expect("written");
        assert!(write(&torrent, &path).is_err());
        assert_eq!(std::fs::read(&path).expect("read"), b"mine");
    }
}
