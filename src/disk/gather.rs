//! How long a finished piece waits for company.
//!
//! Sixteen pieces hashed in lanes cost what three cost one by one, so while pieces finish in quick
//! succession it pays to let a few gather. It never pays when they come slowly, and nobody should
//! notice: the wait is bounded, and over as soon as no more blocks come in (the last pieces of a
//! download). Deliberately absent: clocks and queues; the scheduler brings both.

use std::time::{Duration, Instant};

/// No piece waits longer for company. Pieces come in quick succession at 50 MiB/s and more; there
/// it is less than a piece takes to arrive from one of several peers.
const WAIT_MAX: Duration = Duration::from_millis(300);
/// Pieces that come more slowly than this do not wait: there would be three or fewer.
const GAP_MAX: Duration = Duration::from_millis(80);
/// After this long without a block nothing is about to finish.
const PAUSE: Duration = Duration::from_millis(20);

/// Watches the pace at which blocks come and pieces are finished.
#[derive(Default)]
pub(super) struct Gather {
    /// When the last block came.
    block: Option<Instant>,
    /// When the last piece was finished.
    piece: Option<Instant>,
    /// Usual time between two pieces; `None` before the second.
    gap: Option<Duration>,
}

impl Gather {
    /// Blocks came in.
    pub(super) fn blocks(&mut self, now: Instant) {
        self.block = Some(now);
    }

    /// A piece is finished.
    pub(super) fn piece(&mut self, now: Instant) {
        if let Some(last) = self.piece.replace(now) {
            // A long silence is forgotten within a few quick pieces.
            let gap = now.saturating_duration_since(last).min(GAP_MAX * 4);
            self.gap = Some(self.gap.map_or(gap, |usual| (usual * 3 + gap) / 4));
        }
    }

    /// Until when a piece that has waited since `first` may wait for more.
    pub(super) fn until(&self, first: Instant) -> Instant {
        match (self.block, self.gap) {
            (Some(block), Some(gap)) if gap <= GAP_MAX => {
                (first + WAIT_MAX).min(first.max(block + PAUSE))
            }
            _ => first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// The pace after pieces that came at these times, in ms, with their last blocks.
    fn after(times: &[u32]) -> (Gather, Instant) {
        let (mut gather, start) = (Gather::default(), Instant::now());
        for t in times {
            gather.blocks(start + MS * *t);
            gather.piece(start + MS * *t);
        }
        (gather, start)
    }

    #[test]
    fn lone_and_slow_pieces_never_wait() {
        let (gather, start) = after(&[0]);
        assert_eq!(gather.until(start), start);
        let (gather, start) = after(&[0, 400, 800, 1200]);
        assert_eq!(gather.until(start + MS * 1200), start + MS * 1200);
        // Two that happen to come together in a slow swarm start no habit.
        let (gather, start) = after(&[0, 400, 800, 801]);
        assert_eq!(gather.until(start + MS * 800), start + MS * 800);
    }

    #[test]
    fn quick_ones_wait_while_blocks_come_and_never_long() {
        let times: Vec<u32> = (0..40).map(|i| i * 10).collect();
        let (mut gather, start) = after(&times);
        let last = start + MS * 390;
        assert_eq!(gather.until(last), last + MS * 20, "nothing is about to finish");
        gather.blocks(start + MS * 400);
        assert_eq!(gather.until(last), last + MS * 30);
        gather.blocks(start + MS * 2000);
        assert_eq!(gather.until(last), last + MS * 300, "the bound");
    }

    #[test]
    fn a_burst_after_a_silence_is_noticed_soon() {
        let burst: Vec<u32> = [0].into_iter().chain(5000..5010).collect();
        let (gather, start) = after(&burst);
        assert!(gather.until(start + MS * 5009) > start + MS * 5009);
    }
}
