//! Decompression of a reply's body, bounded.

use flate2::{Decompress, FlushDecompress, Status};

use super::http::HttpError;

/// Decompresses a whole gzip (RFC 1952) body of at most `limit` bytes. Servers say `gzip` and send
/// zlib or nothing compressed at all now and then: a body that does not begin like gzip is refused.
pub(super) fn gunzip(body: &[u8], limit: usize) -> Result<Vec<u8>, HttpError> {
    let deflated = skip_header(body).ok_or(HttpError::BadCompression)?;
    let mut inflate = Decompress::new(false);
    let mut out = Vec::new();
    loop {
        let start = usize::try_from(inflate.total_in()).unwrap_or(usize::MAX);
        let rest = deflated.get(start..).unwrap_or_default();
        // Grown step by step, never past the limit: the output's size is the attacker's choice.
        if out.len() == out.capacity() {
            if out.len() >= limit {
                return Err(HttpError::TooLarge);
            }
            out.reserve_exact((16 << 10).max(out.len()).min(limit - out.len()));
        }
        let before = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress_vec(rest, &mut out, FlushDecompress::None)
            .map_err(|_| HttpError::BadCompression)?;
        let stuck = before == (inflate.total_in(), inflate.total_out());
        match status {
            Status::StreamEnd => break,
            _ if stuck && out.len() < out.capacity() => return Err(HttpError::Truncated),
            _ => {}
        }
    }
    let consumed = usize::try_from(inflate.total_in()).unwrap_or(usize::MAX);
    check_trailer(deflated.get(consumed..).unwrap_or_default(), &out)?;
    if out.len() > limit {
        return Err(HttpError::TooLarge);
    }
    Ok(out)
}

/// What follows the member's header (RFC 1952 section 2.3).
fn skip_header(body: &[u8]) -> Option<&[u8]> {
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const HEADER_CRC: u8 = 2;
    let ([0x1f, 0x8b, 8, flags, _, _, _, _, _, _], mut rest) = body.split_first_chunk::<10>()?
    else {
        return None;
    };
    if flags & EXTRA != 0 {
        let (length, tail) = rest.split_first_chunk::<2>()?;
        rest = tail.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|b| *b == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & HEADER_CRC != 0 { rest.get(2..) } else { Some(rest) }
}

/// The trailer's checksum and length; what follows it is not looked at.
fn check_trailer(trailer: &[u8], out: &[u8]) -> Result<(), HttpError> {
    let (crc, rest) = trailer.split_first_chunk::<4>().ok_or(HttpError::Truncated)?;
    let length = rest.first_chunk::<4>().ok_or(HttpError::Truncated)?;
    let mut sum = flate2::Crc::new();
    sum.update(out);
    let same = sum.sum() == u32::from_le_bytes(*crc) && sum.amount() == u32::from_le_bytes(*length);
    if same { Ok(()) } else { Err(HttpError::BadCompression) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, GzBuilder};

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut gz = GzBuilder::new()
            .filename("name")
            .comment("comment")
            .extra("extra")
            .write(Vec::new(), Compression::default());
        gz.write_all(plain).unwrap();
        gz.finish().unwrap()
    }

    #[test]
    fn sizes_around_the_buffer_and_the_limit() {
        for size in [0, 1, 16383, 16384, 16385, 100_000] {
            let plain: Vec<u8> = (0..=250u8).cycle().take(size).collect();
            let packed = gzip(&plain);
            assert_eq!(gunzip(&packed, size + 1).as_ref(), Ok(&plain), "{size}");
            if size > 0 {
                assert_eq!(gunzip(&packed, size - 1), Err(HttpError::TooLarge), "{size}");
            }
        }
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let bomb = gzip(&vec![0; 8 << 20]);
        assert!(bomb.len() < 20_000);
        assert_eq!(gunzip(&bomb, 1 << 20), Err(HttpError::TooLarge));
    }

    #[test]
    fn every_truncation_and_every_changed_trailer_byte_is_noticed() {
        let packed = gzip(b"d8:intervali1800ee");
        for end in 0..packed.len() {
            assert!(gunzip(&packed[..end], 1000).is_err(), "{end}");
        }
        for at in packed.len() - 8..packed.len() {
            let mut changed = packed.clone();
            changed[at] ^= 1;
            assert_eq!(gunzip(&changed, 1000), Err(HttpError::BadCompression), "{at}");
        }
        assert_eq!(gunzip(b"d8:intervali1800ee", 1000), Err(HttpError::BadCompression));
    }
}
