//! Whatever a state directory's database and log are made of: it opens, or is refused or set aside;
//! what it gives can be looked at; and it can be used. The first two bytes say where the log is.

use std::ops::ControlFlow;

use tern::base::InfoHash;
use tern::engine::store::{Change, Save, SqliteStore, Store};

/// One input.
pub fn run(data: &[u8]) {
    let Some((at, rest)) = data.split_first_chunk::<2>() else { return };
    let at = usize::from(u16::from_be_bytes(*at)) * 16;
    let (database, log) = rest.split_at(at.min(rest.len()));
    let id = (std::process::id(), std::thread::current().id());
    let dir = std::env::temp_dir().join(format!("tern-fuzz-{id:?}"));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir(&dir).expect("a directory");
    std::fs::write(dir.join("tern.db"), database).expect("the database");
    std::fs::write(dir.join("tern.db-wal"), log).expect("the log");
    if let Ok(store) = SqliteStore::open(&dir) {
        let mut hashes = vec![InfoHash([1; 20])];
        let each = &mut |stored: tern::engine::store::Stored| {
            assert!(stored.window.is_sorted());
            hashes.push(stored.info_hash);
            ControlFlow::Continue(())
        };
        store.load_all(each).expect("what is damaged is set aside");
        for info_hash in hashes {
            store.load(&info_hash).expect("loads");
            let blob = Some(b"blob".as_slice().into());
            let save = Save { info_hash, blob, settled: u64::MAX, ..Save::default() };
            store.commit(&[Change::Save(save)]).remove(0).expect("saves");
            let stored = store.load(&info_hash).expect("loads").expect("is there");
            assert_eq!(stored.blob.as_deref(), Some(b"blob".as_slice()));
            assert!(stored.window.is_empty());
        }
        assert!(store.state("x").is_ok());
        store.close().expect("closes");
    }
    std::fs::remove_dir_all(&dir).expect("goes away");
}
