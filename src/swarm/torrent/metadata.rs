//! The stage before a torrent's metadata is here (BEP 9), and giving ours to others.
//!
//! A torrent that starts from an info-hash has [`Info::unknown`] in the place of a description: no
//! files, no pieces, so that every part of it is there, and empty. It dials and accepts, asks
//! whoever offers the dictionary, and keeps what peers say of pieces it does not know yet. When the
//! dictionary comes, from a peer or from elsewhere, the parts are made anew for it, the peers stay,
//! what they said is said again, and the torrent starts as any other does: by looking at its files.
//!
//! Deliberately absent: the exchange itself (`proto::peer::ut_metadata`), magnet links.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::accounts::{Accounts, DEFAULT, HIGHEST};
use super::{Output, Phase, Torrent};
use crate::base::limits::{FILES, UNKNOWN_PIECES};
use crate::base::{Bitset, FileIndex, PeerKey, PieceIndex, Rng};
use crate::codec::metainfo::Info;
use crate::codec::resume::{Resume, TernKeys};
use crate::proto::peer::ut_metadata::{
    FetchInput, FetchOutput, MetadataFetch, MetadataHash, MetadataMessage,
};
use crate::proto::peer::{Fault, Message};
use crate::proto::tracker::AnnounceEvent;
use crate::swarm::picker::Picker;
use crate::swarm::types::{CloseReason, DiskOp, Notice, SaveConditions, TorrentParams};

/// What trackers are told is left while nobody knows, in bytes.
pub(super) const LEFT: u64 = 16 * 1024;
/// A peer that has not helped for so long makes room when all places are taken.
const HELPLESS: Duration = Duration::from_secs(60);
/// How often that is looked at while they are.
const ROOM_ROUND: Duration = Duration::from_secs(10);
/// Suggestions and allowed-fast grants kept of one peer until their pieces are known.
const HINTS_MAX: usize = 32;

/// What is done while the metadata is not here.
#[derive(Debug)]
pub(super) struct Sought {
    fetch: MetadataFetch,
    /// What connected peers said of pieces.
    said: BTreeMap<PeerKey, Said>,
    /// File priorities the host gave, with those of the saved state below them; `None` leaves them
    /// to the latter.
    priorities: Option<Vec<u8>>,
    /// Of files beyond that list, those wanted (BEP 53); else all are.
    selected: Option<Vec<(u32, u32)>>,
    link: Option<Box<str>>,
}

impl Sought {
    pub(super) fn new(params: &TorrentParams) -> Self {
        // A selection was changed file by file.
        let saved = || {
            let saved = params.resume.as_deref().filter(|_| params.selected.is_some());
            saved.map(|blob| blob.file_priority.clone()).filter(|list| !list.is_empty())
        };
        Self {
            fetch: fetch(&params.info, &params.tuning),
            said: BTreeMap::new(),
            priorities: params.file_priority.clone().or_else(saved),
            selected: params.selected.clone().filter(|_| params.file_priority.is_none()),
            link: params.link.clone(),
        }
    }

    /// The priorities that `files` files get; `None` when nobody said anything.
    fn priorities_of(&self, files: usize) -> Option<Vec<u8>> {
        if self.priorities.is_none() && self.selected.is_none() {
            return None;
        }
        let given = self.priorities.as_deref().unwrap_or_default();
        let within = |file: u32| {
            let inside = |(first, last): &(u32, u32)| (*first..=*last).contains(&file);
            self.selected.as_ref().is_none_or(|ranges| ranges.iter().any(inside))
        };
        let usual = |file| if within(file) { DEFAULT } else { 0 };
        let one = |file: u32| given.get(file as usize).copied().unwrap_or_else(|| usual(file));
        Some((0u32..).take(files).map(one).collect())
    }
}

/// The priorities a torrent begins with; `None` leaves them to the saved state.
pub(super) fn priorities(params: &TorrentParams) -> Option<Vec<u8>> {
    let known = params.info.is_known() && params.selected.is_some();
    let chosen = known.then(|| Sought::new(params).priorities_of(params.info.files.len()));
    chosen.flatten().or_else(|| params.file_priority.clone())
}

/// What a peer has, in messages whose indexes cannot be judged yet.
#[derive(Debug, Default)]
struct Said {
    first: First,
    /// Wire order, as long as it takes.
    bits: Vec<u8>,
    suggested: Vec<PieceIndex>,
    allowed: Vec<PieceIndex>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum First {
    /// No bitfield.
    #[default]
    Nothing,
    /// One of so many bytes.
    Bitfield(usize),
    All,
    None,
}

impl Said {
    fn set(&mut self, piece: PieceIndex, on: bool) {
        let (at, mask) = (piece.idx() / 8, 0x80 >> (piece.0 % 8));
        if at >= self.bits.len() && on && piece.0 < UNKNOWN_PIECES {
            self.bits.resize(at + 1, 0);
        }
        if let Some(byte) = self.bits.get_mut(at) {
            *byte = if on { *byte | mask } else { *byte & !mask };
        }
    }

    /// What that is of `count` pieces; `None` when it cannot be, and no set when nothing was said.
    fn of(mut self, count: u32) -> Option<Option<Bitset>> {
        let bytes = (count as usize).div_ceil(8);
        match self.first {
            First::Nothing if self.bits.is_empty() => return Some(None),
            First::All => return Some(Some(Bitset::full(count))),
            First::Bitfield(len) if len != bytes => return None,
            First::Nothing | First::None | First::Bitfield(_) => {}
        }
        if self.bits.len() > bytes {
            return None;
        }
        self.bits.resize(bytes, 0);
        Bitset::from_wire(&self.bits, count).map(Some)
    }
}

fn fetch(info: &Info, tuning: &crate::swarm::types::Tuning) -> MetadataFetch {
    MetadataFetch::new(MetadataHash::V1(info.info_hash)).at_most(tuning.max_metadata_bytes)
}

impl Torrent {
    /// First start without metadata.
    pub(super) fn start_seeking(&mut self) {
        // All there is to know may be saved at any time.
        self.flags.loaded = true;
        self.flags.embeds_info = true;
        self.saver.changed(self.now, SaveConditions::METADATA);
        if let Some(saved) = self.loading.as_ref().and_then(|l| l.resume.clone()) {
            self.recall_peers(&saved);
        }
        if self.user_paused {
            self.set_phase(Phase::Paused);
        } else {
            self.seek();
        }
    }

    /// The saved state it started from, until that was compared with the files.
    fn saved(&self) -> Option<&Resume> {
        self.loading.as_ref()?.resume.as_deref()
    }

    /// Goes out to find it.
    pub(super) fn seek(&mut self) {
        if let Some(sought) = &mut self.sought {
            sought.fetch = fetch(&self.info, &self.tuning);
        }
        self.set_phase(Phase::Metadata);
        if !core::mem::replace(&mut self.flags.announced, true) {
            self.out.push_back(Output::Announce(AnnounceEvent::Started));
        }
    }

    /// Pieces had of it, from 0 to 1; `None` once it is here.
    #[expect(clippy::cast_precision_loss, reason = "a ratio for display")]
    pub(super) fn metadata_progress(&self) -> Option<f64> {
        let (had, all) = self.sought.as_ref()?.fetch.progress();
        Some(if all == 0 { 0.0 } else { had as f64 / f64::from(all) })
    }

    /// A peer's extension handshake came.
    pub(super) fn metadata_offered(&mut self, peer: PeerKey) {
        let employed = self.peers.get(&peer).filter(|p| p.spare.is_none());
        let offer = employed.map(|p| &p.extensions).filter(|e| e.metadata);
        let Some(size) = offer.and_then(|e| e.metadata_size) else { return };
        self.advance_fetch(FetchInput::Offer { peer, size });
    }

    /// A peer is not to be asked for now; it may offer again.
    pub(super) fn metadata_not_from(&mut self, peer: PeerKey) {
        self.advance_fetch(FetchInput::Gone(peer));
    }

    pub(super) fn metadata_peer_gone(&mut self, peer: PeerKey) {
        if let Some(sought) = &mut self.sought {
            sought.said.remove(&peer);
            self.advance_fetch(FetchInput::Gone(peer));
        }
    }

    /// `ut_metadata`, whichever way.
    pub(super) fn on_metadata(&mut self, key: PeerKey, payload: &[u8]) {
        let Some(Some(message)) = MetadataMessage::decode(payload) else { return };
        if let MetadataMessage::Request(piece) = message {
            let info = self.sought.is_none().then_some(&*self.info.raw);
            let Some(peer) = self.peers.get_mut(&key) else { return };
            if let Some(answer) = peer.given.answer(piece, info.filter(|raw| !raw.is_empty())) {
                self.send(key, Message::Metadata(answer.into()));
            }
            return;
        }
        self.advance_fetch(FetchInput::Message { peer: key, message: &message });
    }

    /// Time-outs of requests, and room for others when nobody helps.
    pub(super) fn tick_metadata(&mut self) {
        let Some(sought) = self.sought.as_ref().filter(|_| self.phase == Phase::Metadata) else {
            return;
        };
        if sought.fetch.next_deadline().is_some_and(|due| due <= self.now) {
            self.advance_fetch(FetchInput::Timeout);
        } else if let Some(due) = sought.fetch.next_deadline() {
            self.wake_at(due);
        }
        if self.phase == Phase::Metadata {
            self.make_room();
        }
    }

    /// All places are taken by peers that do not help, and others are known: one leaves.
    fn make_room(&mut self) {
        if self.peers.len() < self.tuning.max_connections as usize {
            return;
        }
        self.wake_in(ROOM_ROUND);
        if self.known.next_due().is_none_or(|due| due > self.now) {
            return;
        }
        let Some(sought) = &self.sought else { return };
        let idle = |key: &PeerKey| !sought.fetch.is_asked(*key);
        let long = |connected| self.now.since(connected) >= HELPLESS;
        let helpless = self
            .peers
            .iter()
            .filter(|(key, p)| p.established && idle(key) && long(p.connected))
            .min_by_key(|(_, p)| p.connected);
        if let Some(key) = helpless.map(|(key, _)| *key) {
            self.close_peer(key, CloseReason::Useless);
        }
    }

    fn advance_fetch(&mut self, input: FetchInput<'_>) {
        let Some(sought) = &mut self.sought else { return };
        sought.fetch.handle(self.now, input);
        while let Some(output) = self.sought.as_mut().and_then(|s| s.fetch.poll_output()) {
            match output {
                FetchOutput::Request { peer, piece } => {
                    let request = MetadataMessage::Request(piece).encode();
                    self.send(peer, Message::Metadata(request.into()));
                }
                FetchOutput::Blame(peer) => self.blame_for_metadata(peer),
                FetchOutput::Done(raw) => self.metadata_fetched(&raw),
            }
        }
        if let Some(due) = self.sought.as_ref().and_then(|s| s.fetch.next_deadline()) {
            self.wake_at(due);
        }
    }

    /// It sent what is not the metadata: it goes and is not called again; who does it over and over
    /// is banned, as for bad pieces.
    fn blame_for_metadata(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get(&key) else { return };
        let addr = peer.addr;
        self.known.forget(addr);
        self.notice(Notice::PeerBanned(addr));
        let strikes = self.strikes.entry(addr.ip()).or_insert(0);
        *strikes += 1;
        if *strikes >= self.tuning.max_bad_pieces.max(1) {
            self.strikes.remove(&addr.ip());
            self.ban(addr.ip());
        } else {
            self.close_peer(key, CloseReason::Banned);
        }
    }

    fn metadata_fetched(&mut self, raw: &[u8]) {
        match Info::parse(raw) {
            Ok(info) => self.learn(&Arc::new(info)),
            Err(error) => {
                self.notice(Notice::MetadataUnusable(error));
                self.fail();
            }
        }
    }

    /// From the host: a torrent file, or a source a magnet link names.
    pub(super) fn metadata_given(&mut self, info: &Arc<Info>) {
        if info.info_hash == self.info.info_hash && info.is_known() {
            self.learn(info);
        }
    }

    /// The description is here.
    fn learn(&mut self, info: &Arc<Info>) {
        if matches!(self.phase, Phase::Closing(_) | Phase::Closed) {
            return;
        }
        let Some(sought) = self.sought.take() else { return };
        self.replace_info(info, &sought);
        self.out.push_back(Output::Metadata(Arc::clone(info)));
        self.notice(Notice::Metadata);
        self.flags.embeds_info = true;
        if info.private {
            self.keep_private();
        }
        if self.phase != Phase::New {
            self.flags.loaded = false;
            self.flags.arriving = true;
            self.set_phase(Phase::Stat { retry: false });
            self.disk(DiskOp::Stat);
        }
        self.tell_peers();
        for (key, said) in sought.said {
            self.say_again(key, said);
        }
        self.saver.changed(self.now, SaveConditions::METADATA);
    }

    fn replace_info(&mut self, info: &Arc<Info>, sought: &Sought) {
        let count = info.piece_count();
        let given = sought.priorities_of(info.files.len());
        let mut picker = Picker::new(info.geometry, Rng::new(self.rng.next_u64()));
        picker.set_sequential(self.sequential);
        self.picker = picker;
        self.accounts = Accounts::new(info, given.as_deref(), self.saved());
        self.durable = Bitset::new(count);
        self.info = Arc::clone(info);
        self.carried.learn();
        self.apply_piece_priorities();
        for peer in self.peers.values_mut() {
            peer.has = Bitset::new(count);
            peer.has_told = false;
        }
    }

    /// BEP 27: whom only others than trackers and the host named is not to be known.
    fn keep_private(&mut self) {
        self.known.keep_private();
        let public = self.peers.iter().filter(|(_, p)| p.source.is_public());
        for key in public.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.close_peer(key, CloseReason::Stopped);
        }
        self.peers.values_mut().for_each(|peer| peer.pex = None);
        self.pex_due = None;
    }

    /// Peers may ask us for it now.
    fn tell_peers(&mut self) {
        let size = u32::try_from(self.info.raw.len()).unwrap_or(0);
        let (count, pex) = (self.info.piece_count(), self.exchanges_peers());
        for (key, peer) in &mut self.peers {
            if let Some(conn) = peer.conn.as_mut() {
                conn.set_metadata(self.now, count, size, pex);
                self.transmit.insert(*key);
            }
        }
        for key in self.established_keys() {
            self.follow_extensions(key);
            self.exchange_soon(key);
        }
    }

    /// What a peer said while it could not be understood.
    fn say_again(&mut self, key: PeerKey, mut said: Said) {
        let count = self.info.piece_count();
        let hints = [&mut said.suggested, &mut said.allowed].map(core::mem::take);
        let [suggested, allowed] = hints;
        match said.of(count) {
            None => return self.close_peer(key, CloseReason::Fault(Fault::BadMessage(5))),
            Some(None) => {}
            Some(Some(has)) => self.on_has(key, has),
        }
        let hints = suggested.into_iter().map(Message::Suggest);
        for message in hints.chain(allowed.into_iter().map(Message::AllowedFast)) {
            if matches!(message, Message::Suggest(p) | Message::AllowedFast(p) if p.0 < count) {
                self.on_message(key, message);
            }
        }
    }

    /// Keeps a message about pieces for later while none are known; gives others back.
    pub(super) fn put_off(&mut self, key: PeerKey, message: Message) -> Option<Message> {
        let Some(sought) = &mut self.sought else { return Some(message) };
        let about = matches!(
            message,
            Message::Have(_)
                | Message::Bitfield(_)
                | Message::HaveAll
                | Message::HaveNone
                | Message::DontHave(_)
                | Message::Suggest(_)
                | Message::AllowedFast(_)
        );
        if !about {
            return Some(message);
        }
        let said = sought.said.entry(key).or_default();
        match message {
            Message::Have(piece) => said.set(piece, true),
            Message::DontHave(piece) => said.set(piece, false),
            Message::Bitfield(bits) => {
                // Again in place of many `have`s: nothing is taken back by it.
                if said.bits.len() < bits.len() {
                    said.bits.resize(bits.len(), 0);
                }
                said.bits.iter_mut().zip(&bits).for_each(|(to, from)| *to |= from);
                said.first = First::Bitfield(bits.len());
            }
            Message::HaveAll => said.first = First::All,
            Message::HaveNone => said.first = First::None,
            Message::Suggest(piece) if said.suggested.len() < HINTS_MAX => {
                said.suggested.push(piece);
            }
            Message::AllowedFast(piece) if said.allowed.len() < HINTS_MAX => {
                said.allowed.push(piece);
            }
            _ => {}
        }
        None
    }

    /// The first look found pieces that were ours before: peers that came earlier hear of them.
    pub(super) fn tell_restored(&mut self) {
        for key in self.established_keys() {
            for piece in self.picker.have().iter().collect::<Vec<_>>() {
                self.send(key, Message::Have(PieceIndex(piece)));
            }
        }
    }

    /// We run: peers that were there before are peers as others are.
    pub(super) fn welcome_kept(&mut self) {
        if !core::mem::take(&mut self.flags.arriving) {
            return;
        }
        for key in self.established_keys() {
            if !self.close_if_both_seeds(key) {
                self.grant_fast(key);
                self.update_interest(key);
            }
        }
        self.touch_all();
        self.fill_slots();
        self.wake_at(self.now);
    }

    /// What saved state says while there is no description: all that was loaded, so that nothing is
    /// lost by it, the host's wishes, and the link.
    pub(super) fn blob_without_metadata(&self, blob: &mut Resume) {
        let Some(sought) = &self.sought else { return };
        let blank = Resume::default();
        let loaded = self.saved().unwrap_or(&blank);
        blob.pieces = loaded.pieces.clone();
        blob.unfinished = loaded.unfinished.clone();
        blob.seed_mode = loaded.seed_mode;
        blob.piece_priority = loaded.piece_priority.clone();
        blob.file_priority =
            sought.priorities.clone().unwrap_or_else(|| loaded.file_priority.clone());
        let keys = blob.tern.take().unwrap_or_default();
        let kept = loaded.tern.clone().filter(|_| loaded.pieces.is_some());
        let (version, generation) = (keys.version, keys.generation);
        let magnet = sought.link.as_deref().map(str::to_owned);
        // Exact for all but libtorrent 2.1's blobs; those pieces are then hashed again.
        let piece_count = loaded.piece_count_said();
        let kept = kept.unwrap_or(keys);
        blob.tern = Some(TernKeys { version, generation, piece_count, magnet, ..kept });
    }

    pub(super) fn sought_priority(&mut self, file: FileIndex, priority: u8) {
        let Some(sought) = self.sought.as_mut().filter(|_| file.idx() < FILES) else { return };
        if sought.priorities.is_none() {
            let saved = self.loading.as_ref().and_then(|l| l.resume.as_deref());
            let saved = saved.map(|blob| blob.file_priority.clone());
            sought.priorities = saved.filter(|list| !list.is_empty());
        }
        let known = sought.priorities.as_ref().map_or(0, Vec::len).max(file.idx() + 1);
        let mut all = sought.priorities_of(known).unwrap_or_else(|| vec![DEFAULT; known]);
        if let Some(slot) = all.get_mut(file.idx()) {
            *slot = priority.min(HIGHEST);
        }
        sought.priorities = Some(all);
        self.config_changed();
    }

    pub(super) fn sought_priorities(&mut self, mut all: Vec<u8>) {
        if let Some(sought) = &mut self.sought {
            all.truncate(FILES);
            (sought.priorities, sought.selected) = (Some(all), None);
            self.config_changed();
        }
    }

    /// Nothing is on disk yet: the directory is only a name.
    pub(super) fn sought_move(&mut self, path: Vec<u8>) {
        self.carried.save_path = path.as_slice().into();
        self.config_changed();
        self.notice(Notice::Moved(Ok(path)));
    }
}
