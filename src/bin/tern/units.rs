//! Sizes, rates and times as people write and read them. Deliberately absent: any I/O.

use std::time::Duration;

/// Bytes with a binary unit: `999 B`, `1.5 KiB`, `240 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut unit = 0;
    let mut below = count;
    // Kept in integers: a count beyond 2^53 must not lose its last digits on the way.
    while below >= 1024 * 1024 && unit + 1 < UNITS.len() {
        below /= 1024;
        unit += 1;
    }
    let tenths = below * 10 / 1024;
    if tenths >= 1000 {
        format!("{} {}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// Bytes per second.
pub(crate) fn rate(per_second: u64) -> String {
    format!("{}/s", bytes(per_second))
}

/// A duration in its two largest units: `59s`, `2m 05s`, `3h 20m`, `4d 02h`.
pub(crate) fn time(duration: Duration) -> String {
    let secs = duration.as_secs();
    let (mins, hours, days) = (secs / 60, secs / 3600, secs / 86400);
    match (days, hours, mins) {
        (0, 0, 0) => format!("{secs}s"),
        (0, 0, _) => format!("{mins}m {:02}s", secs % 60),
        (0, ..) => format!("{hours}h {:02}m", mins % 60),
        _ => format!("{days}d {:02}h", hours % 24),
    }
}

/// Share of `total`, in tenths of a percent, rounded down: 999 is never "all".
pub(crate) fn per_mille(done: u64, total: u64) -> u64 {
    if total == 0 {
        return 1000;
    }
    let share = u128::from(done.min(total)) * 1000 / u128::from(total);
    u64::try_from(share).unwrap_or(1000)
}

/// `42.7%`.
pub(crate) fn percent(done: u64, total: u64) -> String {
    let share = per_mille(done, total);
    format!("{}.{}%", share / 10, share % 10)
}

/// Time left at this rate; `None` when nothing moves.
pub(crate) fn eta(left: u64, per_second: u64) -> Option<Duration> {
    (per_second > 0).then(|| Duration::from_secs(left.div_ceil(per_second)))
}

/// Reads a number of bytes: `500`, `64k`, `2M`, `1.5GiB`. Units are powers of 1024.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(format!("`{unit}` is not a unit: use k, M, G or T")),
    };
    let number = number.trim();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let bad = || format!("`{text}` is not a number of bytes");
    let whole: u64 = whole.parse().map_err(|_| bad())?;
    let size = whole.checked_mul(1 << shift).ok_or_else(|| format!("`{text}` is too large"))?;
    if fraction.is_empty() {
        return Ok(size);
    }
    let digits = &fraction[..fraction.len().min(6)];
    let part: u64 = digits.parse().map_err(|_| bad())?;
    let scale = 10_u64.pow(u32::try_from(digits.len()).unwrap_or(6));
    size.checked_add((part << shift) / scale).ok_or_else(|| format!("`{text}` is too large"))
}

/// Text from a torrent must not steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (200 << 20, "200 MiB"),
            (1 << 30, "1.0 GiB"),
            (u64::MAX, "16383 PiB"),
        ];
        for (count, text) in cases {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn times_read_well() {
        let cases =
            [(0, "0s"), (59, "59s"), (125, "2m 05s"), (12000, "3h 20m"), (352800, "4d 02h")];
        for (secs, text) in cases {
            assert_eq!(time(Duration::from_secs(secs)), text);
        }
    }

    #[test]
    fn nearly_done_is_not_done() {
        assert_eq!(percent(u64::MAX - 1, u64::MAX), "99.9%");
        assert_eq!(percent(u64::MAX, u64::MAX), "100.0%");
        assert_eq!(percent(0, 0), "100.0%");
        assert_eq!(percent(427, 1000), "42.7%");
    }

    #[test]
    fn an_eta_needs_movement() {
        assert_eq!(eta(100, 0), None);
        assert_eq!(eta(101, 100), Some(Duration::from_secs(2)));
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!(parse_bytes("500"), Ok(500));
        assert_eq!(parse_bytes(" 64k "), Ok(65536));
        assert_eq!(parse_bytes("1.5GiB"), Ok(3 << 29));
        assert_eq!(parse_bytes("0.25M"), Ok(1 << 18));
        for bad in ["", "k", "-1", "1x", "1.k2", "99999999999999999999", "20000000T", "1.-5M"] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
