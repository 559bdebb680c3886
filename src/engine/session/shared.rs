//! Values that many torrents have alike, kept once: the directory of the content, the trackers.
//!
//! Only the few seen last are compared with, because torrents come in runs of their kind and a
//! comparison with all would cost more than it saves. Deliberately absent: forgetting; a handful of
//! values stay until the session ends.

use std::path::Path;
use std::sync::Arc;

use crate::codec::metainfo::Tiers;

/// Values compared with.
const KEPT: usize = 8;

/// The values seen last.
#[derive(Debug, Default)]
pub(super) struct Shared {
    paths: Recent<(Arc<Path>, Arc<[u8]>)>,
    tiers: Recent<Tiers>,
}

impl Shared {
    /// A directory, and its bytes for the saved state.
    pub(super) fn path(&mut self, path: &Path) -> (Arc<Path>, Arc<[u8]>) {
        let fresh = || (path.into(), path.as_os_str().as_encoded_bytes().into());
        self.paths.find(|(kept, _)| **kept == *path, fresh)
    }

    /// Tracker tiers.
    pub(super) fn tiers(&mut self, tiers: &Tiers) -> Tiers {
        self.tiers.find(|kept| **kept == **tiers, || Arc::clone(tiers))
    }
}

#[derive(Debug)]
struct Recent<T>(Vec<T>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone> Recent<T> {
    fn find(&mut self, is: impl Fn(&T) -> bool, fresh: impl FnOnce() -> T) -> T {
        if let Some(at) = self.0.iter().position(is) {
            let kept = self.0.remove(at);
            self.0.insert(0, kept.clone());
            return kept;
        }
        let fresh = fresh();
        self.0.truncate(KEPT - 1);
        self.0.insert(0, fresh.clone());
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_kept_once() {
        let mut shared = Shared::default();
        let tiers = |url: &str| Tiers::new(vec![vec![url.to_owned()]]);
        let first = shared.tiers(&tiers("a"));
        for other in 0..KEPT - 1 {
            shared.tiers(&tiers(&other.to_string()));
        }
        assert!(Arc::ptr_eq(&first, &shared.tiers(&tiers("a"))));
        for other in 0..KEPT {
            shared.tiers(&tiers(&other.to_string()));
        }
        assert!(!Arc::ptr_eq(&first, &shared.tiers(&tiers("a"))));
        let (path, bytes) = shared.path(Path::new("/a"));
        assert_eq!((&*path, &*bytes), (Path::new("/a"), &b"/a"[..]));
        assert!(Arc::ptr_eq(&path, &shared.path(Path::new("/a")).0));
    }
}
