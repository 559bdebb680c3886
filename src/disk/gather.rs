//! How long a finished piece waits for company.
//!
//! Sixteen pieces hashed in lanes cost what three cost one by one, so while pieces finish in quick
//! succession it pays to let a few gather. It never pays when they come slowly, and nobody should
//! notice: the wait is bounded, and over as soon as the stream of pieces pauses (the last pieces of
//! a download). Deliberately absent: clocks and queues; the scheduler brings both.

use std::time::{Duration, Instant};

/// No piece waits longer for company.
const WAIT_MAX: Duration = Duration::from_millis(150);
/// Pieces that come more slowly than this do not wait.
const GAP_MAX: Duration = Duration::from_millis(25);
/// The stream has paused when so many usual gaps passed without a piece, and at least `PAUSE_MIN`.
const PAUSE_GAPS: u32 = 3;
/// Shorter pauses are only the threads' scheduling.
const PAUSE_MIN: Duration = Duration::from_millis(8);

/// Watches the pace at which pieces are finished.
#[derive(Default)]
pub(super) struct Gather {
    /// When the last one was.
    last: Option<Instant>,
    /// Usual time between two; `None` before the second.
    gap: Option<Duration>,
}

impl Gather {
    /// A piece is finished.
    pub(super) fn arrived(&mut self, now: Instant) {
        if let Some(last) = self.last.replace(now) {
            // A long silence is forgotten within a few quick pieces.
            let gap = now.saturating_duration_since(last).min(GAP_MAX * 4);
            self.gap = Some(self.gap.map_or(gap, |usual| (usual * 3 + gap) / 4));
        }
    }

    /// Until when a piece that has waited since `first` may wait for more.
    pub(super) fn until(&self, first: Instant) -> Instant {
        match (self.last, self.gap) {
            (Some(last), Some(gap)) if gap <= GAP_MAX => {
                let pause = (gap * PAUSE_GAPS).max(PAUSE_MIN);
                (first + WAIT_MAX).min(last + pause)
            }
            _ => first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// The pace after pieces that came at these times, in ms.
    fn after(times: &[u32]) -> (Gather, Instant) {
        let (mut gather, start) = (Gather::default(), Instant::now());
        times.iter().for_each(|t| gather.arrived(start + MS * *t));
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
    fn quick_ones_wait_until_the_stream_pauses_and_never_long() {
        let times: Vec<u32> = (0..40).map(|i| i * 10).collect();
        let (gather, start) = after(&times);
        let last = start + MS * 390;
        assert_eq!(gather.until(last), last + MS * 30, "a pause of three gaps");
        assert_eq!(gather.until(start + MS * 250), start + MS * 400, "the bound");
        let (gather, start) = after(&(0..40).collect::<Vec<_>>());
        assert_eq!(gather.until(start + MS * 39), start + MS * 47);
    }

    #[test]
    fn a_burst_after_a_silence_is_noticed_soon() {
        let burst: Vec<u32> = [0].into_iter().chain(5000..5010).collect();
        let (gather, start) = after(&burst);
        assert!(gather.until(start + MS * 5009) > start + MS * 5009);
    }
}
