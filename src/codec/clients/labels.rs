//! What a client's user says about a torrent and our engine has no use for: kept in the blob under
//! a key of its own, `tern-labels`, which every rewrite preserves like any unknown key.

use super::super::bencode::{Document, Encoder, Limits, Value};
use super::super::resume::Resume;
use super::text;
use crate::base::limits;

/// The key in the resume blob.
const KEY: &[u8] = b"tern-labels";

/// Labels, and limits that end seeding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// The client they come from.
    pub client: String,
    /// Category or label; empty for none.
    pub category: String,
    /// Tags.
    pub tags: Vec<String>,
    /// The name the user gave, when it is not the torrent's; empty for none.
    pub name: String,
    /// Stop at this share ratio, in thousandths.
    pub ratio_limit: Option<u64>,
    /// Stop after seeding this many minutes.
    pub seeding_minutes: Option<u64>,
    /// Stop after this many minutes without an upload.
    pub idle_minutes: Option<u64>,
    /// Place in the client's queue, from 0.
    pub queue: Option<u64>,
}

impl Labels {
    /// Those in a blob; none when there are none.
    #[must_use]
    pub fn of(resume: &Resume) -> Self {
        let Some((_, raw)) = resume.unknown.iter().find(|(key, _)| key == KEY) else {
            return Self::default();
        };
        let limits = Limits::with_bytes(limits::RESUME_BYTES);
        Document::parse_with(raw, limits).map(|d| Self::read(d.root())).unwrap_or_default()
    }

    fn read(dict: Value<'_, '_>) -> Self {
        let word = |key: &[u8]| dict.get_bytes(key).map(text).unwrap_or_default();
        let number = |key: &[u8]| dict.get(key).and_then(|v| v.as_uint());
        let tags = dict.get(b"tags").and_then(|v| v.as_list()).into_iter().flatten();
        Self {
            client: word(b"client"),
            category: word(b"category"),
            tags: tags.filter_map(|tag| tag.as_bytes().map(text)).collect(),
            name: word(b"name"),
            ratio_limit: number(b"ratio_limit"),
            seeding_minutes: number(b"seeding_minutes"),
            idle_minutes: number(b"idle_minutes"),
            queue: number(b"queue"),
        }
    }

    /// Puts them into a blob, in place of those that are there.
    pub fn put(&self, resume: &mut Resume) {
        let mut out = Encoder::new();
        out.dict(|d| {
            let words: [(&[u8], &str); 3] =
                [(b"category", &self.category), (b"client", &self.client), (b"name", &self.name)];
            for (key, value) in words.iter().filter(|(_, value)| !value.is_empty()) {
                d.bytes(key, value.as_bytes());
            }
            let numbers: [(&[u8], Option<u64>); 4] = [
                (b"idle_minutes", self.idle_minutes),
                (b"queue", self.queue),
                (b"ratio_limit", self.ratio_limit),
                (b"seeding_minutes", self.seeding_minutes),
            ];
            for (key, value) in numbers {
                if let Some(value) = value {
                    d.entry(key, |e| e.uint(value));
                }
            }
            if !self.tags.is_empty() {
                d.list(b"tags", |l| self.tags.iter().for_each(|tag| l.bytes(tag.as_bytes())));
            }
        });
        resume.unknown.retain(|(key, _)| key != KEY);
        resume.unknown.push((KEY.to_vec(), out.finish()));
    }
}
