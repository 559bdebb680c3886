//! Folders as clients leave them, with content made here: what is found, what is refused, and why.

use std::fs;

use tempfile::TempDir;

use super::super::{ErrorKind, TorrentBuilder, export_qbittorrent};
use super::*;
use crate::base::{Bitset, FileIndex};
use crate::codec::bencode::{Encoder, Item};
use crate::codec::resume::{Pieces, Resume};

const PIECE: usize = 16384;

/// A torrent of three files, its content in `down`, and nothing else yet.
struct Place {
    dir: TempDir,
    torrent: Metainfo,
}

impl Place {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let content = dir.path().join("down/t");
        fs::create_dir_all(content.join("sub")).unwrap();
        for (name, length) in [("a", 3 * PIECE), ("b", PIECE), ("sub/c", 2 * PIECE)] {
            fs::write(content.join(name), vec![7; length]).unwrap();
        }
        let mut builder = TorrentBuilder::new(&content);
        builder.set_piece_length(Some(16384)).unwrap();
        builder.add_tracker(0, "http://tracker.invalid/announce");
        let torrent = Metainfo::parse(&builder.run(|_| true).unwrap()).unwrap();
        Self { dir, torrent }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn hash(&self) -> String {
        self.torrent.info_hash().to_string()
    }

    /// A blob of libtorrent's that claims all pieces in `down`.
    fn blob(&self) -> Vec<u8> {
        let down = self.path("down");
        let mut out = Encoder::new();
        out.dict(|d| {
            d.bytes(b"file-format", b"libtorrent resume file");
            d.bytes(b"info-hash", &self.torrent.info_hash().0);
            d.bytes(b"pieces", &[1; 6]);
            d.bytes(b"qBt-category", b"films");
            d.bytes(b"save_path", down.as_os_str().as_encoded_bytes());
        });
        out.finish()
    }

    fn qbittorrent(&self) -> PathBuf {
        let folder = self.path("profile/data/BT_backup");
        fs::create_dir_all(&folder).unwrap();
        let file = |ending: &str| folder.join(format!("{}.{ending}", self.hash()));
        fs::write(file("fastresume"), self.blob()).unwrap();
        fs::write(file("torrent"), self.torrent.bytes()).unwrap();
        fs::write(folder.join("queue"), format!("{}\n{}\n", "ab".repeat(20), self.hash())).unwrap();
        folder
    }

    fn transmission(&self, name: &str) -> PathBuf {
        let folder = self.path("transmission");
        for part in ["torrents", "resume"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let mtimes = (0..3).map(|i| {
            let path = self
                .path("down")
                .join(self.torrent.files()[i].path.replace("t/", &format!("{name}/")));
            let part = path.with_extension("part");
            let stat = fs::metadata(&path).or_else(|_| fs::metadata(part)).unwrap();
            let secs = stat.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
            Item::Int(i64::try_from(secs.as_secs()).unwrap())
        });
        let dict = |items: Vec<(&str, Item)>| {
            Item::Dict(items.into_iter().map(|(k, v)| (k.as_bytes().to_vec(), v)).collect())
        };
        let progress = vec![
            ("blocks", Item::Bytes(vec![0b1111_0100])),
            ("mtimes", Item::List(mtimes.collect())),
            ("pieces", "all".into()),
        ];
        let resume = dict(vec![
            ("destination", Item::Bytes(self.path("down").as_os_str().as_encoded_bytes().to_vec())),
            ("name", name.into()),
            ("paused", Item::Int(1)),
            ("progress", dict(progress)),
        ]);
        fs::write(folder.join(format!("resume/{}.resume", self.hash())), resume.encode()).unwrap();
        let torrent = folder.join(format!("torrents/{}.torrent", self.hash()));
        fs::write(torrent, self.torrent.bytes()).unwrap();
        folder
    }
}

fn one(path: &Path) -> Result<Imported, ImportError> {
    let mut found = Import::open(path, None).unwrap();
    let first = found.next().unwrap();
    assert!(found.next().is_none());
    first
}

#[test]
fn qbittorrents_folder_is_found_from_above_and_from_within() {
    let place = Place::new();
    let folder = place.qbittorrent();
    for path in [folder.as_path(), &place.path("profile/data"), &place.path("profile")] {
        assert_eq!(Import::open(path, None).unwrap().client(), Client::QBittorrent);
        let torrent = one(path).unwrap();
        assert_eq!((torrent.restored, torrent.check, torrent.partial), (6, 0, 0));
        assert_eq!(torrent.save_path, place.path("down"));
        assert_eq!((torrent.labels.category.as_str(), torrent.labels.queue), ("films", Some(1)));
        assert_eq!(torrent.metainfo.info_hash(), place.torrent.info_hash());
    }
}

#[test]
fn errors_name_the_file_and_the_field() {
    let place = Place::new();
    let folder = place.qbittorrent();
    let file = folder.join(format!("{}.fastresume", place.hash()));
    let blob = place.blob();
    let with = |from: &[u8], to: &[u8]| {
        let at = blob.windows(from.len()).position(|w| w == from).unwrap();
        let mut out = blob.clone();
        out.splice(at..at + from.len(), to.iter().copied());
        fs::write(&file, out).unwrap();
        let error = one(&folder).unwrap_err();
        assert_eq!(error.source, file);
        assert!(error.to_string().starts_with(&format!("{}: ", file.display())), "{error}");
        error.field
    };
    assert_eq!(with(b"libtorrent resume file", b"libtorrent resume fil3"), "file-format");
    assert_eq!(with(b"9:info-hash", b"9:info-hush"), "info-hash");
    assert_eq!(with(b"9:save_path", b"9:save_poth"), "save path");
    fs::write(&file, &blob[..30]).unwrap();
    assert!(one(&folder).unwrap_err().message.starts_with("bencode: "));
    fs::write(&file, &blob).unwrap();
    fs::rename(place.path("down"), place.path("elsewhere")).unwrap();
    let error = one(&folder).unwrap_err();
    assert!(error.field == "save path" && error.message.contains("mounted"), "{error}");
    fs::remove_file(folder.join(format!("{}.torrent", place.hash()))).unwrap();
    assert!(one(&folder).unwrap_err().source.extension().is_some_and(|e| e == "torrent"));
}

#[test]
fn nothing_of_a_client_is_not_found() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("x.txt"), "hello\n there=1\n").unwrap();
    assert_eq!(Import::open(dir.path(), None).unwrap_err().kind(), ErrorKind::NotFound);
    let text = dir.path().join("x.txt");
    assert_eq!(Import::open(&text, None).unwrap_err().kind(), ErrorKind::NotFound);
    let gone = dir.path().join("gone");
    assert_eq!(Import::open(gone, Some(Client::Aria2)).unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn transmissions_marks_and_names_are_followed() {
    let place = Place::new();
    let down = place.path("down");
    fs::rename(down.join("t"), down.join("other")).unwrap();
    fs::rename(down.join("other/sub/c"), down.join("other/sub/c.part")).unwrap();
    let folder = place.transmission("other");
    let torrent = one(&folder).unwrap();
    assert_eq!((torrent.restored, torrent.partial, torrent.paused), (5, 0, true));
    let (from, to) = (down.join("other/sub/c.part"), down.join("other/sub/c"));
    assert_eq!(torrent.renames, [(from.clone(), to.clone())]);
    let resume = Resume::parse(&torrent.resume).unwrap();
    assert_eq!(resume.mapped_files, ["other/a", "other/b", "other/sub/c"]);

    let mut kept = Import::open(&folder, None).unwrap();
    kept.keep_names(true);
    let kept = kept.next().unwrap().unwrap();
    assert!(kept.renames.is_empty());
    let resume = Resume::parse(&kept.resume).unwrap();
    assert_eq!(resume.mapped_files[2], "other/sub/c.part");

    assert!(from.is_file());
    import_into(&place.path("state"), &torrent, false).unwrap();
    assert!(to.is_file() && !from.exists());
    let again = import_into(&place.path("state"), &torrent, false).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Duplicate);
}

#[test]
fn a_changed_file_costs_its_pieces_a_check() {
    let place = Place::new();
    let folder = place.transmission("t");
    let changed = fs::File::options().write(true).open(place.path("down/t/b")).unwrap();
    changed.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(77)).unwrap();
    let torrent = one(&folder).unwrap();
    assert_eq!((torrent.restored, torrent.check), (4, 1));
    let resume = Resume::parse(&torrent.resume).unwrap();
    assert_eq!(resume.tern.unwrap().dirty, [3]);
    assert_eq!(place.torrent.pieces_of(FileIndex(1)), 3..4);
    assert!(torrent.notes[0].contains("1 pieces"));
}

#[test]
fn rtorrents_directory_is_that_of_the_files() {
    let place = Place::new();
    let folder = place.path("session");
    fs::create_dir(&folder).unwrap();
    let file = folder.join(format!("{}.torrent", place.hash().to_uppercase()));
    fs::write(&file, place.torrent.bytes()).unwrap();
    let state = |directory: &Path| {
        let mut out = Encoder::new();
        out.dict(|d| d.bytes(b"directory", directory.as_os_str().as_encoded_bytes()));
        fs::write(folders::with_ending(&file, ".rtorrent"), out.finish()).unwrap();
    };
    let resume = b"d8:bitfieldi6e5:filesld5:mtimei-4eed5:mtimei-4eed5:mtimei-4eeee";
    fs::write(folders::with_ending(&file, ".libtorrent_resume"), resume).unwrap();
    state(&place.path("down/t"));
    let torrent = one(&folder).unwrap();
    assert_eq!((torrent.save_path.as_path(), torrent.restored), (place.path("down").as_path(), 6));
    assert!(Resume::parse(&torrent.resume).unwrap().mapped_files.is_empty());
    // Under another name the files are mapped.
    fs::rename(place.path("down/t"), place.path("down/renamed")).unwrap();
    state(&place.path("down/renamed"));
    let torrent = one(&folder).unwrap();
    assert_eq!(
        (torrent.save_path.as_path(), torrent.restored),
        (place.path("down/renamed").as_path(), 6)
    );
    assert_eq!(Resume::parse(&torrent.resume).unwrap().mapped_files, ["a", "b", "sub/c"]);
}

#[test]
fn aria2_finds_the_torrent_beside_or_where_it_is_told() {
    let place = Place::new();
    let mut control = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 20];
    control.extend(place.torrent.info_hash().0);
    control.extend(16384_u32.to_be_bytes());
    control.extend(place.torrent.total_size().to_be_bytes());
    control.extend([0; 8]);
    control.extend([0, 0, 0, 1, 0b1110_0000, 0, 0, 0, 0]);
    fs::write(place.path("down/t.aria2"), &control).unwrap();
    let error = one(&place.path("down")).unwrap_err();
    assert_eq!(error.field, "info hash");
    let torrents = place.path("torrents");
    fs::create_dir(&torrents).unwrap();
    fs::write(torrents.join("x.torrent"), place.torrent.bytes()).unwrap();
    let mut found = Import::open(place.path("down"), None).unwrap();
    found.add_torrents(&torrents).unwrap();
    assert_eq!((found.client(), found.next().unwrap().unwrap().restored), (Client::Aria2, 3));
    // With a list that knows it, the control file is not a torrent of its own.
    let list = format!(
        "{}\n gid=1\n dir={}\n",
        torrents.join("x.torrent").display(),
        place.path("down").display()
    );
    fs::write(place.path("down/session"), list).unwrap();
    assert_eq!(one(&place.path("down")).unwrap().restored, 3);
    control[30..34].copy_from_slice(&32768_u32.to_be_bytes());
    fs::write(place.path("down/t.aria2"), &control).unwrap();
    assert_eq!(one(&place.path("down")).unwrap_err().field, "piece length");
}

#[test]
fn what_was_imported_can_be_exported_and_imported_again() {
    let place = Place::new();
    let torrent = one(&place.qbittorrent()).unwrap();
    let state = place.path("state");
    import_into(&state, &torrent, false).unwrap();
    let kept = stored(&state).unwrap().torrents;
    assert_eq!(kept.len(), 1);
    let folder = place.path("out/BT_backup");
    assert_eq!(export_qbittorrent(&folder, &kept, false).unwrap(), 1);
    let again = export_qbittorrent(&folder, &kept, false).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Duplicate);
    assert_eq!(export_qbittorrent(&folder, &kept, true).unwrap(), 1);
    let queue = fs::read_to_string(folder.join("queue")).unwrap();
    assert_eq!(queue, format!("{}\n", place.hash()));
    let back = one(&folder).unwrap();
    assert_eq!((back.restored, back.labels.category.as_str()), (6, "films"));
    let written = Resume::parse(&back.resume).unwrap();
    assert_eq!(written.trackers.as_deref().unwrap(), place.torrent.trackers());
}

#[test]
fn state_without_its_torrent_is_told() {
    let place = Place::new();
    let torrent = one(&place.qbittorrent()).unwrap();
    let with = |name: &str, resume: &[u8]| {
        // As libtern 0.1 kept it.
        let state = place.path(name);
        fs::create_dir(&state).unwrap();
        fs::write(state.join(format!("{}.resume", place.hash())), resume).unwrap();
        stored(&state).unwrap()
    };
    let (hash, _) = with("without", &torrent.resume).unusable.remove(0);
    assert_eq!(hash, place.torrent.info_hash());
    // Unless the blob has it.
    let mut resume = Resume::parse(&torrent.resume).unwrap();
    resume.info = Some(place.torrent.info_bytes().to_vec());
    let kept = with("with", &resume.encode(6)).torrents;
    assert_eq!(kept[0].metainfo.info_hash(), hash);
}

#[test]
fn a_dirty_piece_is_given_as_missing_and_remembered() {
    let place = Place::new();
    let mut torrent = one(&place.qbittorrent()).unwrap();
    let mut resume = Resume::parse(&torrent.resume).unwrap();
    resume.pieces = Some(Pieces::Bits(Bitset::full(6).as_bytes().to_vec()));
    resume.tern.as_mut().unwrap().dirty = vec![2];
    torrent.resume = resume.encode(6);
    import_into(&place.path("state"), &torrent, false).unwrap();
    let kept = stored(&place.path("state")).unwrap().torrents;
    let folder = place.path("out");
    export_qbittorrent(&folder, &kept, false).unwrap();
    let raw = fs::read(folder.join(format!("{}.fastresume", place.hash()))).unwrap();
    let written = Resume::parse(&raw).unwrap();
    assert_eq!(written.pieces, Some(Pieces::Bytes(vec![1, 1, 0, 1, 1, 1])));
    assert_eq!(one(&folder).unwrap().check, 1);
}

#[cfg(feature = "store")]
#[test]
fn the_database_of_qbittorrent_is_read_whatever_its_version() {
    let place = Place::new();
    let path = place.path("torrents.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch(
            "CREATE TABLE torrents (id INTEGER PRIMARY KEY, torrent_id BLOB, queue_position INTEGER,
             name TEXT, category TEXT, tags TEXT, ratio_limit INTEGER, operating_mode TEXT,
             stopped INTEGER, libtorrent_resume_data BLOB, metadata BLOB)",
        )
        .unwrap();
    let add = "INSERT INTO torrents (torrent_id, queue_position, category, tags, ratio_limit,
               operating_mode, stopped, libtorrent_resume_data, metadata)
               VALUES (?1, 2, 'c', 'x,y', 1500, 'AutoManaged', 1, ?2, ?3)";
    let hash = place.hash();
    database.execute(add, rusqlite::params![hash, place.blob(), place.torrent.bytes()]).unwrap();
    database.execute(add, rusqlite::params!["bad", b"de", b""]).unwrap();
    drop(database);
    let mut found = Import::open(&path, None).unwrap();
    let torrent = found.next().unwrap().unwrap();
    assert_eq!((torrent.restored, torrent.paused), (6, true));
    let labels = torrent.labels;
    assert_eq!((labels.category.as_str(), labels.queue), ("c", Some(2)));
    assert_eq!((labels.tags, labels.ratio_limit), (vec!["x".into(), "y".into()], Some(1500)));
    let error = found.next().unwrap().unwrap_err();
    assert_eq!(error.field, "torrent bad libtorrent_resume_data file-format");
    fs::write(&path, b"not a database, but long enough to look at").unwrap();
    assert_eq!(Import::open(&path, None).unwrap_err().kind(), ErrorKind::Invalid);
}
