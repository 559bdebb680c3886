//! The queue: the torrents' order that the host sees, can change, and finds again after a restart.
//!
//! A torrent's place is known by its rank, a number with room around it: moving one torrent changes
//! one rank, in memory and in the store. Deliberately absent: what an order means; nothing here
//! starts or stops torrents.

use std::collections::BTreeSet;

use crate::base::TorrentId;

/// Distance of ranks that are given anew.
const GAP: i64 = 1 << 20;

/// Who stands where.
#[derive(Debug, Default)]
pub(super) struct Order {
    by_rank: BTreeSet<(i64, TorrentId)>,
}

impl Order {
    /// Puts a torrent where it stood in an earlier session.
    pub(super) fn enter(&mut self, id: TorrentId, rank: i64) {
        self.by_rank.insert((rank, id));
    }

    /// Puts a torrent at the end; its rank.
    pub(super) fn append(&mut self, id: TorrentId) -> i64 {
        let last = self.by_rank.last().map(|(rank, _)| *rank);
        let rank = last.map_or(0, |last| last.saturating_add(GAP));
        self.enter(id, rank);
        rank
    }

    /// Takes a torrent out.
    pub(super) fn leave(&mut self, id: TorrentId, rank: i64) {
        self.by_rank.remove(&(rank, id));
    }

    /// How many stand before it. Takes time by their number.
    pub(super) fn position(&self, id: TorrentId, rank: i64) -> usize {
        self.by_rank.range(..(rank, id)).count()
    }

    /// Everybody in order.
    pub(super) fn ids(&self) -> impl Iterator<Item = TorrentId> {
        self.by_rank.iter().map(|(_, id)| *id)
    }

    /// Puts a torrent so that `position` others stand before it, or all; the ranks that changed.
    pub(super) fn move_to(
        &mut self,
        id: TorrentId,
        rank: i64,
        position: usize,
    ) -> Vec<(TorrentId, i64)> {
        self.leave(id, rank);
        let position = position.min(self.by_rank.len());
        let mut around =
            self.by_rank.iter().map(|(rank, _)| *rank).skip(position.saturating_sub(1));
        let before = if position == 0 { None } else { around.next() };
        let after = around.next();
        let wanted = match (before, after) {
            (None, None) => Some(0),
            (None, Some(after)) => after.checked_sub(GAP),
            (Some(before), None) => before.checked_add(GAP),
            (Some(before), Some(after)) => {
                Some(before.midpoint(after)).filter(|m| *m > before && *m < after)
            }
        };
        if let Some(new) = wanted {
            self.enter(id, new);
            return vec![(id, new)];
        }
        // No room: everybody anew.
        let mut ids: Vec<TorrentId> = self.ids().collect();
        ids.insert(position, id);
        self.by_rank.clear();
        let ranks: Vec<_> = ids.into_iter().zip((0..).map(|n: i64| n * GAP)).collect();
        ranks.iter().for_each(|(id, rank)| self.enter(*id, *rank));
        ranks
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_list(moves in prop::collection::vec((0usize..12, 0usize..14), 0..200)) {
            let (mut order, mut list) = (Order::default(), Vec::new());
            let mut ranks = BTreeMap::new();
            for id in (0..12).map(TorrentId) {
                ranks.insert(id, order.append(id));
                list.push(id);
            }
            for (who, to) in moves {
                let id = TorrentId(who as u64);
                ranks.extend(order.move_to(id, ranks[&id], to));
                list.retain(|other| *other != id);
                list.insert(to.min(list.len()), id);
                prop_assert_eq!(order.ids().collect::<Vec<_>>(), list.clone());
                prop_assert_eq!(order.position(id, ranks[&id]), to.min(11));
            }
            for id in list {
                order.leave(id, ranks[&id]);
            }
            prop_assert_eq!(order.ids().count(), 0);
        }
    }

    #[test]
    fn without_room_everybody_gets_a_new_rank() {
        let mut order = Order::default();
        (0..3).for_each(|n| order.enter(TorrentId(n), i64::try_from(n).unwrap()));
        let changed = order.move_to(TorrentId(2), 2, 1);
        assert_eq!(changed.len(), 3);
        assert_eq!(order.ids().collect::<Vec<_>>(), [0, 2, 1].map(TorrentId));
        order.enter(TorrentId(9), i64::MAX);
        assert_eq!(order.append(TorrentId(10)), i64::MAX);
        assert_eq!(order.position(TorrentId(10), i64::MAX), 4);
    }
}
