//! Deluge's state directory: `torrents.state`, a pickle of what its user set, and
//! `torrents.fastresume`, one dictionary of libtorrent's resume data as strings by info-hash.
//!
//! What is there is libtorrent's to say; place, limits, priorities and labels are Deluge's, which
//! sets them anew at every start. Deliberately absent: moving on completion, owners, magnets
//! without metadata, plug-ins (the Label plug-in keeps its labels elsewhere).

use super::super::bencode::{Document, Limits};
use super::super::resume::Resume;
use super::pickle::{Id, Node, Pickle};
use super::{Claims, ClientError, ClientState, Labels, Place, hash_of, text};
use crate::base::InfoHash;

/// Bytes of `torrents.fastresume`, which holds all torrents.
const FASTRESUME_BYTES: usize = 1 << 30;
/// Attributes of one torrent: a huge dictionary that many torrents share would be searched for
/// each.
const ATTRIBUTES: usize = 1000;

/// One torrent of `torrents.state`.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The torrent.
    pub info_hash: InfoHash,
    /// Where and how.
    pub state: ClientState,
}

/// Reads `torrents.state`.
///
/// # Errors
/// When it is not a pickle of Deluge's state. A torrent without a proper id or place is an error of
/// its own, in the list.
pub fn state(data: &[u8]) -> Result<Vec<Result<Kept, ClientError>>, ClientError> {
    let pickle = Pickle::parse(data)?;
    let torrents = pickle
        .get(pickle.root(), "torrents")
        .ok_or_else(|| ClientError::new("torrents", "missing"))?;
    // Shared values must not be copied more often than a file of this size has room to write them.
    let mut budget = data.len();
    Ok(pickle.items(torrents).iter().map(|id| kept(&pickle, *id, &mut budget)).collect())
}

struct Attributes<'a> {
    pickle: &'a Pickle,
    of: Id,
}

impl Attributes<'_> {
    fn node(&self, key: &str) -> &Node {
        self.pickle.get(self.of, key).map_or(&Node::None, |id| self.pickle.node(id))
    }

    fn bytes(&self, key: &str) -> Option<&[u8]> {
        match self.node(key) {
            Node::Bytes(raw) => Some(raw),
            _ => None,
        }
    }

    fn flag(&self, key: &str) -> bool {
        matches!(self.node(key), Node::Bool(true)) || matches!(self.node(key), Node::Int(1..))
    }

    fn int(&self, key: &str) -> Option<i64> {
        match self.node(key) {
            Node::Int(value) => Some(*value),
            Node::Float(value) if value.abs() < 1e15 => {
                #[expect(clippy::cast_possible_truncation, reason = "its size was looked at")]
                let whole = *value as i64;
                Some(whole)
            }
            _ => None,
        }
    }

    /// A number that may have a fraction, times 1000 or 1024; nothing when it is below zero.
    fn scaled(&self, key: &str, by: u32) -> Option<u64> {
        let value = match self.node(key) {
            #[expect(clippy::cast_precision_loss, reason = "rates and ratios are small")]
            Node::Int(value) => *value as f64,
            Node::Float(value) => *value,
            _ => return None,
        };
        let scaled = value * f64::from(by);
        if !(scaled > 0.0 && scaled < 1e15) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded")]
        let whole = scaled.round() as u64;
        Some(whole)
    }
}

fn kept(pickle: &Pickle, id: Id, budget: &mut usize) -> Result<Kept, ClientError> {
    let wrong = |field: &str| ClientError::new(format!("torrents.{field}"), "missing or wrong");
    let entries = match pickle.node(id) {
        Node::Object { state: Some(state), .. } => pickle.node(*state),
        other => other,
    };
    if matches!(entries, Node::Dict(entries) if entries.len() > ATTRIBUTES) {
        return Err(ClientError::new("torrents", "too many attributes"));
    }
    let from = Attributes { pickle, of: id };
    let info_hash = from.bytes("torrent_id").and_then(hash_of);
    let info_hash = info_hash.ok_or_else(|| wrong("torrent_id"))?;
    let save_path = from.bytes("save_path").filter(|path| !path.is_empty());
    let save_path = save_path.ok_or_else(|| wrong("save_path"))?.to_vec();
    let list = |key: &str| pickle.get(id, key).map_or(&[][..], |list| pickle.items(list));
    let (priorities, trackers) = (list("file_priorities"), list("trackers"));
    *budget = budget
        .checked_sub(priorities.len() + trackers.len() + save_path.len())
        .ok_or_else(|| ClientError::new("torrents", "shares too much"))?;
    let count = |key: &str| from.int(key).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    let resume = Resume {
        info_hash,
        paused: from.flag("paused"),
        auto_managed: from.flag("auto_managed"),
        sequential: from.flag("sequential_download"),
        max_connections: count("max_connections"),
        max_uploads: count("max_upload_slots"),
        // KiB per second.
        upload_rate_limit: from.scaled("max_upload_speed", 1024),
        download_rate_limit: from.scaled("max_download_speed", 1024),
        file_priority: priorities.iter().map(|p| priority(pickle.node(*p))).collect(),
        trackers: Some(tiers(pickle, trackers))
            .filter(|tiers| !tiers.is_empty())
            .map(std::sync::Arc::new),
        ..Resume::default()
    };
    let ratio = from.scaled("stop_ratio", 1000).filter(|_| from.flag("stop_at_ratio"));
    let labels = Labels {
        client: "deluge".into(),
        name: from.bytes("name").map(text).unwrap_or_default(),
        ratio_limit: ratio,
        queue: from.int("queue").and_then(|n| u64::try_from(n).ok()),
        ..Labels::default()
    };
    let place = Place::Under(save_path);
    let state = ClientState { resume, place, claims: Claims::Unknown, labels, endings: &[] };
    Ok(Kept { info_hash, state })
}

/// Deluge 1 has 0 to 7 with 1 as normal, Deluge 2 has 0, 1, 4 and 7 as libtorrent does.
fn priority(node: &Node) -> u8 {
    match node {
        Node::Int(value) => u8::try_from((*value).clamp(0, 7)).unwrap_or(4),
        Node::Bool(wanted) => 4 * u8::from(*wanted),
        _ => 4,
    }
}

fn tiers(pickle: &Pickle, trackers: &[Id]) -> Vec<Vec<String>> {
    let mut tiers: Vec<(i64, Vec<String>)> = Vec::new();
    for id in trackers {
        let from = Attributes { pickle, of: *id };
        let Some(url) = from.bytes("url").map(text).filter(|url| !url.is_empty()) else { continue };
        let tier = from.int("tier").unwrap_or(0);
        match tiers.iter_mut().find(|(known, _)| *known == tier) {
            Some((_, urls)) => urls.push(url),
            None => tiers.push((tier, vec![url])),
        }
    }
    tiers.sort_by_key(|(tier, _)| *tier);
    tiers.into_iter().map(|(_, urls)| urls).collect()
}

/// Reads `torrents.fastresume`: libtorrent's resume data by info-hash, each still encoded.
///
/// # Errors
/// When it is not a dictionary of strings.
pub fn fastresume(data: &[u8]) -> Result<Vec<(InfoHash, Vec<u8>)>, ClientError> {
    let document = Document::parse_with(data, Limits::with_bytes(FASTRESUME_BYTES))?;
    let entries = document.root().as_dict();
    let entries = entries.ok_or_else(|| ClientError::new("", "not a dictionary"))?;
    let mut out = Vec::new();
    for (id, value) in entries {
        let Some(info_hash) = hash_of(id) else { continue };
        // Older versions kept the dictionary itself.
        let raw = value.as_bytes().unwrap_or_else(|| value.raw());
        out.push((info_hash, raw.to_vec()));
    }
    Ok(out)
}

/// What libtorrent says put under what Deluge says.
#[must_use]
pub fn join(mut kept: ClientState, resume: Resume) -> ClientState {
    let own = core::mem::take(&mut kept.resume);
    kept.resume = Resume {
        paused: own.paused,
        auto_managed: own.auto_managed,
        sequential: own.sequential,
        max_connections: own.max_connections,
        max_uploads: own.max_uploads,
        upload_rate_limit: own.upload_rate_limit,
        download_rate_limit: own.download_rate_limit,
        file_priority: own.file_priority,
        trackers: own.trackers.or_else(|| resume.trackers.clone()),
        // Made from the files' by Deluge.
        piece_priority: Vec::new(),
        ..resume
    };
    kept.claims = Claims::Resume;
    kept
}
