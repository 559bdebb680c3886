//! Measuring and limiting rates.
//!
//! [`Meter`] tells how fast bytes flow, [`Bucket`] how many may. Both are plain arithmetic on the
//! time they are given: constant size, constant work per call, integers only, so that a simulated
//! run gives the same numbers on every machine. Deliberately absent: timers, and who shares a
//! limit with whom (the driver's matter).

use core::time::Duration;

use super::lazy::Part;
use crate::base::{BLOCK_LEN, Instant};

const MICROS: u64 = 1_000_000;
/// Seconds a meter looks back, the running one not counted.
const WINDOW: u64 = 5;
/// One slot for each second of the window and one for the running second.
const SLOTS: usize = 6;

/// Bytes per second, smoothed over about five seconds.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// Bytes of the seconds `last - 5 ..= last`, each at its second modulo [`SLOTS`].
    slots: [u64; SLOTS],
    /// Second of the latest addition.
    last: u64,
    /// When this stretch of traffic began, so that a young meter is not averaged with silence.
    began: Option<Instant>,
    total: u64,
}

impl Part for Meter {
    const BLANK: &'static Self = &Self { slots: [0; SLOTS], last: 0, began: None, total: 0 };

    fn fresh() -> Self {
        Self::default()
    }

    fn is_blank(&self) -> bool {
        self.total == 0
    }
}

impl Meter {
    /// Counts bytes.
    pub fn add(&mut self, now: Instant, bytes: u64) {
        let second = now.as_micros() / MICROS;
        if self.began.is_none() || second > self.last + WINDOW {
            self.slots = [0; SLOTS];
            self.began = Some(now);
            self.last = second;
        }
        while self.last < second {
            self.last += 1;
            self.slots[slot(self.last)] = 0;
        }
        // A clock that went back counts for the running second.
        let current = &mut self.slots[slot(self.last)];
        *current = current.saturating_add(bytes);
        self.total = self.total.saturating_add(bytes);
    }

    /// Bytes per second now: those of the running and the five seconds before it, over that time
    /// (at least one second, at most since the traffic began).
    #[must_use]
    pub fn rate(&self, now: Instant) -> u64 {
        let Some(began) = self.began else { return 0 };
        let second = (now.as_micros() / MICROS).max(self.last);
        let first = second.saturating_sub(WINDOW);
        let bytes =
            (first..=self.last).fold(0u64, |sum, s| sum.saturating_add(self.slots[slot(s)]));
        let since = Instant::from_micros(first * MICROS).max(began);
        let span = now.since(since).max(Duration::from_secs(1)).as_micros();
        u64::try_from(u128::from(bytes) * u128::from(MICROS) / span).unwrap_or(u64::MAX)
    }

    /// Bytes in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }
}

fn slot(second: u64) -> usize {
    usize::try_from(second % SLOTS as u64).unwrap_or(0)
}

/// A token bucket: bytes per second with a burst of a quarter second (at least 16 KiB).
///
/// Who takes no more than [`Bucket::available`] passes in any stretch of time at most the limit
/// times the stretch plus one burst, exactly: tokens are counted in millionths of a byte. A limit
/// of 0 lets nothing pass.
#[derive(Clone, Debug)]
pub struct Bucket {
    limit: Option<u64>,
    /// Millionths of a byte; negative after an overdraft.
    tokens: i128,
    filled: Instant,
}

impl Bucket {
    /// `None` is unlimited. A new bucket is full.
    #[must_use]
    pub fn new(now: Instant, limit: Option<u64>) -> Self {
        Self { limit, tokens: limit.map_or(0, burst), filled: now }
    }

    /// Changes the limit. What was saved up under the old one is kept as far as the new burst
    /// allows, and so is a debt.
    pub fn set_limit(&mut self, now: Instant, limit: Option<u64>) {
        self.fill(now);
        self.tokens = match (self.limit, limit) {
            (_, None) => 0,
            (None, Some(new)) => burst(new),
            (Some(_), Some(new)) => self.tokens.min(burst(new)),
        };
        self.limit = limit;
    }

    /// Bytes that may pass now; `usize::MAX` when unlimited.
    pub fn available(&mut self, now: Instant) -> usize {
        self.fill(now);
        if self.limit.is_none() {
            return usize::MAX;
        }
        usize::try_from(self.tokens.max(0) / i128::from(MICROS)).unwrap_or(usize::MAX)
    }

    /// Bytes passed (may overdraw: later ones wait).
    pub fn consume(&mut self, bytes: usize) {
        if self.limit.is_some() {
            self.tokens = self.tokens.saturating_sub(micro(bytes));
        }
    }

    /// When at least `bytes` (capped at the burst) will be available; `None` when now or
    /// unlimited. With a limit of 0 that is the end of the clock.
    #[must_use]
    pub fn ready_at(&self, now: Instant, bytes: usize) -> Option<Instant> {
        let limit = self.limit?;
        if limit == 0 {
            return (bytes > 0).then_some(Instant::from_micros(u64::MAX));
        }
        let missing = micro(bytes).min(burst(limit)) - self.level(now);
        if missing <= 0 {
            return None;
        }
        let limit = i128::from(limit);
        let micros = u64::try_from((missing + limit - 1) / limit).unwrap_or(u64::MAX);
        Some(now.max(self.filled) + Duration::from_micros(micros))
    }

    fn level(&self, now: Instant) -> i128 {
        let Some(limit) = self.limit else { return 0 };
        let micros = i128::try_from(now.since(self.filled).as_micros()).unwrap_or(i128::MAX);
        let gained = i128::from(limit).saturating_mul(micros);
        self.tokens.saturating_add(gained).min(burst(limit))
    }

    fn fill(&mut self, now: Instant) {
        self.tokens = self.level(now);
        self.filled = self.filled.max(now);
    }
}

fn burst(limit: u64) -> i128 {
    if limit == 0 {
        return 0;
    }
    i128::from((limit / 4).max(u64::from(BLOCK_LEN))) * i128::from(MICROS)
}

fn micro(bytes: usize) -> i128 {
    i128::try_from(bytes).unwrap_or(i128::MAX).saturating_mul(i128::from(MICROS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(millis: u64) -> Instant {
        Instant::from_micros(millis * 1000)
    }

    #[test]
    fn a_steady_flow_reads_as_its_rate() {
        let mut meter = Meter::default();
        assert_eq!(meter.rate(ms(0)), 0);
        for step in 0..200 {
            meter.add(ms(10_000 + step * 50), 500);
            if step >= 40 {
                let rate = meter.rate(ms(10_000 + step * 50));
                assert!((9_800..=10_300).contains(&rate), "{rate} at step {step}");
            }
        }
        assert_eq!(meter.total(), 100_000);
    }

    #[test]
    fn silence_fades_and_a_new_stretch_starts_afresh() {
        let mut meter = Meter::default();
        meter.add(ms(0), 60_000);
        assert_eq!(meter.rate(ms(500)), 60_000);
        assert_eq!(meter.rate(ms(5_000)), 12_000);
        assert_eq!(meter.rate(ms(7_000)), 0);
        meter.add(ms(60_000), 1_000);
        assert_eq!(meter.rate(ms(60_000)), 1_000);
        assert_eq!(meter.total(), 61_000);
    }

    #[test]
    fn a_meter_survives_extreme_times_and_counts() {
        let mut meter = Meter::default();
        meter.add(Instant::from_micros(u64::MAX), u64::MAX);
        meter.add(ms(0), u64::MAX);
        assert!(meter.rate(ms(0)) > 0 && meter.total() == u64::MAX);
    }

    #[test]
    fn unlimited_and_zero() {
        let mut free = Bucket::new(ms(0), None);
        free.consume(1 << 40);
        assert_eq!((free.available(ms(0)), free.ready_at(ms(0), 9)), (usize::MAX, None));
        let mut shut = Bucket::new(ms(0), Some(0));
        assert_eq!(shut.available(ms(1_000_000)), 0);
        assert_eq!(shut.ready_at(ms(5), 1), Some(Instant::from_micros(u64::MAX)));
        shut.set_limit(ms(5), None);
        assert_eq!(shut.available(ms(5)), usize::MAX);
    }

    #[test]
    fn a_debt_is_paid_before_more_passes() {
        let mut bucket = Bucket::new(ms(0), Some(100_000));
        bucket.consume(25_000 + 50_000);
        assert_eq!(bucket.available(ms(500)), 0);
        assert_eq!(bucket.ready_at(ms(0), 10_000), Some(ms(600)));
        assert_eq!(bucket.available(ms(600)), 10_000);
        bucket.set_limit(ms(600), Some(1_000));
        assert_eq!(bucket.available(ms(600)), 10_000);
        assert_eq!(bucket.available(ms(900_000)), 16_384);
    }

    proptest! {
        /// Over any window: bytes passed <= limit * time + burst.
        #[test]
        fn no_window_exceeds_limit_and_burst(
            limit in 1u64..5_000_000,
            steps in prop::collection::vec((0u64..700_000, 0usize..400_000), 1..60),
        ) {
            let mut bucket = Bucket::new(Instant::ZERO, Some(limit));
            let mut micros = 0;
            let mut passed = Vec::new();
            for (wait, want) in steps {
                micros += wait;
                let take = want.min(bucket.available(Instant::from_micros(micros)));
                bucket.consume(take);
                passed.push((micros, take as u128));
            }
            let burst = u128::from((limit / 4).max(16_384));
            for from in 0..passed.len() {
                let mut sum = 0;
                for &(at, bytes) in &passed[from..] {
                    sum += bytes;
                    let span = u128::from(at - passed[from].0);
                    prop_assert!(sum * 1_000_000 <= u128::from(limit) * span + burst * 1_000_000);
                }
            }
        }

        /// `ready_at` is the very first microsecond at which the bytes are there.
        #[test]
        fn ready_at_is_exact(
            limit in 1u64..5_000_000,
            used in 0usize..400_000,
            want in 1usize..400_000,
        ) {
            let mut bucket = Bucket::new(Instant::ZERO, Some(limit));
            bucket.consume(used);
            let want = want.min(usize::try_from((limit / 4).max(16_384)).unwrap());
            match bucket.ready_at(Instant::ZERO, want) {
                None => prop_assert!(bucket.available(Instant::ZERO) >= want),
                Some(at) => {
                    let before = Instant::from_micros(at.as_micros() - 1);
                    prop_assert!(bucket.clone().available(before) < want);
                    prop_assert!(bucket.available(at) >= want);
                }
            }
        }
    }
}
