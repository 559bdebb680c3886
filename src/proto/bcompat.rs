//! Temporary reader until `codec::bencode` lands; same shape as needed by proto.

/// One value's raw bytes.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a>(&'a [u8]);

fn string_end(input: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = input.get(at..)?;
    let colon = rest.iter().take(12).position(|b| *b == b':')?;
    let digits = core::str::from_utf8(rest.get(..colon)?).ok()?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let start = at + colon + 1;
    let end = start.checked_add(digits.parse::<usize>().ok()?)?;
    (end <= input.len()).then_some((start, end))
}

fn skip(input: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match *input.get(at)? {
            b'i' => {
                let e = input.get(at..)?.iter().take(24).position(|b| *b == b'e')?;
                at += e + 1;
            }
            b'l' | b'd' => {
                depth += 1;
                at += 1;
                if depth > 100 {
                    return None;
                }
                continue;
            }
            b'e' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            _ => at = string_end(input, at)?.1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

impl<'a> Raw<'a> {
    pub(crate) fn parse(input: &'a [u8]) -> Option<Self> {
        let end = skip(input, 0)?;
        input.get(..end).map(Self)
    }
    pub(crate) fn items(self) -> Option<Vec<Raw<'a>>> {
        if self.0.first() != Some(&b'l') && self.0.first() != Some(&b'd') {
            return None;
        }
        let (mut at, mut out) = (1, Vec::new());
        while at + 1 < self.0.len() {
            let end = skip(self.0, at)?;
            out.push(Raw(self.0.get(at..end)?));
            at = end;
        }
        Some(out)
    }
    pub(crate) fn entries(self) -> Option<Vec<(&'a [u8], Raw<'a>)>> {
        if self.0.first() != Some(&b'd') {
            return None;
        }
        let items = self.items()?;
        items.chunks_exact(2).map(|kv| Some((kv.first()?.bytes()?, *kv.get(1)?))).collect()
    }
    pub(crate) fn get(self, key: &[u8]) -> Option<Raw<'a>> {
        self.entries()?.into_iter().find(|(k, _)| *k == key).map(|(_, v)| v)
    }
    pub(crate) fn bytes(self) -> Option<&'a [u8]> {
        let (start, end) = string_end(self.0, 0)?;
        self.0.get(start..end)
    }
    pub(crate) fn int(self) -> Option<i64> {
        let inner = self.0.strip_prefix(b"i")?.strip_suffix(b"e")?;
        core::str::from_utf8(inner).ok()?.parse().ok()
    }
}
