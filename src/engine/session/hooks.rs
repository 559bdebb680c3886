//! The two hooks: who is asked, how, and where the answers go.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;

use super::{Core, Entry, Hook, Hooks};
use crate::engine::error::{Error, ErrorKind};
use crate::engine::events::{Event, EventKind, VerifyQuestion};
use crate::engine::host::{PeerAnswer, SaveRequest, ShardCommand, VerifyRequest};
use crate::engine::requests::{Asked, Subject, Verdict};
use crate::engine::store::{Change, Save};
use crate::swarm::window;
use crate::swarm::{Command, SaveConditions, SavePolicy, SaveVerdict, VerifyVerdict};

/// What a panicking hook is taken to have answered.
const PANICKED: Verdict = Verdict::Fail(-1);

impl Core {
    /// Sets or removes the verifier of all torrents without one of their own; the old one.
    pub fn set_verify_hook(&self, hook: Option<Hook>) -> Result<Option<Hook>, Error> {
        self.check_open()?;
        let old = std::mem::replace(&mut self.hooks.lock().verify, hook);
        self.entries().iter().for_each(|entry| self.tell_verifier(entry));
        Ok(old)
    }

    /// Sets or removes the saver of all torrents without one of their own; the old one.
    pub fn set_save_hook(&self, hook: Option<Hook>) -> Result<Option<Hook>, Error> {
        self.check_open()?;
        let old = std::mem::replace(&mut self.hooks.lock().save, hook);
        self.entries().iter().for_each(|entry| self.tell_policy(entry));
        Ok(old)
    }

    /// Changes the hooks of one torrent; the old ones of those that changed.
    pub fn set_hooks(
        &self,
        entry: &Entry,
        change: impl FnOnce(&mut Hooks),
    ) -> Result<Hooks, Error> {
        if entry.is_gone() {
            return Err(Error::from(ErrorKind::Gone).of(entry.id));
        }
        let old = entry.change_hooks(change);
        self.tell_verifier(entry);
        self.tell_policy(entry);
        Ok(old)
    }

    fn tell_verifier(&self, entry: &Entry) {
        let settings = self.settings();
        let verifier = self.verifier_of(entry);
        let overrides = verifier.as_ref().is_some_and(|hook| hook.overrides);
        let tuning = {
            let mut prefs = entry.prefs.lock();
            prefs.verify_override = overrides;
            prefs.tuning(&self.tuning())
        };
        let _ = self.command(entry, Command::Tuning(tuning));
        let window = verifier.map(|_| settings.verify_window);
        let _ = self.command(entry, Command::Verifier(window));
    }

    /// Tells the torrent how to behave, after something set for it changed.
    pub(super) fn tell_tuning(&self, entry: &Entry) {
        let tuning = entry.prefs.lock().tuning(&self.tuning());
        let _ = self.command(entry, Command::Tuning(tuning));
    }

    /// Tells the torrent when to save.
    pub(super) fn tell_policy(&self, entry: &Entry) {
        let _ = self.command(entry, Command::SavePolicy(self.policy_of(entry)));
    }

    pub(super) fn verifier_of(&self, entry: &Entry) -> Option<Hook> {
        let own = entry.hooks().verify;
        own.or_else(|| self.hooks.lock().verify.clone())
    }

    pub(super) fn saver_of(&self, entry: &Entry) -> Option<Hook> {
        let own = entry.hooks().save;
        own.or_else(|| self.hooks.lock().save.clone())
    }

    /// The save policy that makes sense: none while nobody keeps what is saved.
    pub(super) fn policy_of(&self, entry: &Entry) -> SavePolicy {
        if self.keeper.is_some() || self.saver_of(entry).is_some() {
            return entry.prefs.lock().save_policy;
        }
        SavePolicy {
            on_piece: false,
            interval: None,
            conditions: SaveConditions::NONE,
            on_state_change: false,
            at_close: false,
            with_info: false,
        }
    }

    /// A shard wants a verdict on a piece.
    pub(super) fn ask_verifier(self: &Arc<Self>, entry: &Arc<Entry>, request: VerifyRequest) {
        let (piece, attempt) = (request.piece, request.attempt);
        let Some(hook) = self.verifier_of(entry) else {
            let pass = ShardCommand::Verdict(entry.id, piece, attempt, VerifyVerdict::Pass);
            let _ = self.send(entry, pass);
            return;
        };
        let token = self.requests.open(entry, Subject::Verify { piece, attempt });
        let kind = EventKind::VerifyRequest(VerifyQuestion {
            token,
            piece,
            length: request.length,
            engine_ok: request.engine_ok,
            attempt,
            peers: request.peers,
        });
        self.ask(hook, token, Event::now(Some(Arc::clone(entry)), kind));
    }

    /// Asks a torrent to save when something of this kind changed; the ticket that its one
    /// `SaveDone` has.
    pub fn request_save(
        &self,
        entry: &Entry,
        conditions: SaveConditions,
        with_info: bool,
    ) -> Result<u64, Error> {
        let ticket = self.requests.save_wanted(entry.id);
        let asked = self.command(entry, Command::Save { ticket, conditions, with_info });
        if asked.is_err() || entry.is_gone() {
            // Whoever takes it out first answers.
            if self.requests.save_done(ticket) {
                return Err(Error::from(ErrorKind::Gone).of(entry.id));
            }
        }
        Ok(ticket)
    }

    /// A shard wants pieces entered into the journal.
    pub(super) fn journal(self: &Arc<Self>, entry: &Arc<Entry>, wanted: window::Entry) {
        let window::Entry { mark, pieces, durable } = wanted;
        let (core, owner, info_hash) = (Arc::clone(self), Arc::clone(entry), entry.info_hash);
        let make = move || Change::Journal { info_hash, mark, pieces, durable };
        let told = move |result: Result<(), Error>| {
            let result = result.map_err(|error| code_of(&error));
            let _ = core.send(&owner, ShardCommand::Journaled(owner.id, mark, result));
        };
        let sent = self.keeper.as_ref().is_some_and(|keeper| keeper.submit(make, told));
        if !sent {
            let closed = Err(ErrorKind::Closed.code());
            let _ = self.send(entry, ShardCommand::Journaled(entry.id, mark, closed));
        }
    }

    /// A shard has state to keep.
    pub(super) fn ask_saver(self: &Arc<Self>, entry: &Arc<Entry>, mut request: SaveRequest) {
        let (generation, settled) = (request.generation, request.settled);
        {
            let prefs = entry.prefs.lock();
            request.state.paused = prefs.paused;
            request.state.set_flag(b"disable_dht", !prefs.dht);
        }
        let known = request.info.is_known();
        request.state.info = (request.with_info && known).then(|| request.info.raw.to_vec());
        let pieces =
            if known { request.info.piece_count() } else { request.state.piece_count_said() };
        let encode = move || Bytes::from(request.state.encode(pieces));
        if entry.drops_state() {
            return self.discard(entry, generation);
        }
        let Some(hook) = self.saver_of(entry) else {
            if self.keeper.is_none() {
                return self.discard(entry, generation);
            }
            return self.keep(entry, (generation, settled), encode);
        };
        let blob = encode();
        let subject = Subject::Save { generation, settled, blob: blob.clone() };
        let token = self.requests.open(entry, subject);
        let kind = EventKind::SaveRequest { token, generation, blob };
        self.ask(hook, token, Event::now(Some(Arc::clone(entry)), kind));
    }

    /// A shard wants to know whether an address may be used.
    pub(super) fn ask_about_peer(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        addr: SocketAddr,
        incoming: bool,
        say: PeerAnswer,
    ) {
        let token = self.requests.open(entry, Subject::Peer(Asked::new(addr, say)));
        let kind = EventKind::PeerRequest { token, addr, incoming };
        // Makes the worker's tick look after requests nobody answers.
        self.hook_worker.start();
        self.queue.push(Event::now(Some(Arc::clone(entry)), kind));
    }

    /// Nobody keeps this state: the torrent is not to ask again.
    fn discard(&self, entry: &Entry, generation: u64) {
        entry.discard(generation);
        self.saved(entry, generation, SaveVerdict::Accept);
    }

    fn saved(&self, entry: &Entry, generation: u64, verdict: SaveVerdict) {
        let _ = self.send(entry, ShardCommand::SaveAnswer(entry.id, generation, verdict));
    }

    /// Puts a request before the host.
    pub(super) fn ask(self: &Arc<Self>, hook: Hook, token: u64, event: Event) {
        let Some(call) = hook.call.clone() else {
            // Makes the worker's tick look after requests nobody answers.
            self.hook_worker.start();
            self.queue.push(event);
            return;
        };
        let core = Arc::clone(self);
        let sent = self.hook_worker.send(move || {
            let _held = hook;
            let answer = catch_unwind(AssertUnwindSafe(|| call(&event)));
            if let Some(verdict) = answer.unwrap_or(Some(PANICKED)) {
                // Gone when the torrent went meanwhile: nobody wants the answer then.
                let _ = core.complete(token, verdict);
            }
        });
        if !sent {
            let _ = self.complete(token, Verdict::Reject);
        }
    }

    /// Has the built-in store keep state of a generation; its journal is void then up to a mark.
    fn keep(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        (generation, settled): (u64, u64),
        encode: impl FnOnce() -> Bytes + Send + 'static,
    ) {
        let Some(keeper) = &self.keeper else { return self.discard(entry, generation) };
        let (core, kept) = (Arc::clone(self), Arc::clone(entry));
        let info_hash = entry.info_hash;
        let saved = Arc::clone(entry);
        let make = move || {
            let save = Save { info_hash, blob: Some(encode()), settled, ..Save::default() };
            Change::Save(Self::first_save(&saved, save))
        };
        let sent = keeper.submit(make, move |result| {
            let verdict = match result {
                Ok(()) => {
                    kept.set_kept();
                    SaveVerdict::Accept
                }
                Err(error) => {
                    let failed = Box::new((generation, error.to_string()));
                    kept.prefs.lock().save_error = Some(failed);
                    SaveVerdict::Fail(code_of(&error))
                }
            };
            core.saved(&kept, generation, verdict);
        });
        if !sent {
            self.saved(entry, generation, SaveVerdict::Reject);
        }
    }

    /// The host has this state: the journal beside it is void up to a mark. The store takes the
    /// state too, since an older one without the journal would claim too much.
    fn keep_beside(&self, entry: &Entry, settled: u64, blob: Bytes) {
        let Some(keeper) = self.keeper.as_ref().filter(|k| k.store().has_window()) else { return };
        let info_hash = entry.info_hash;
        let save = Save { info_hash, blob: Some(blob), settled, ..Save::default() };
        // Should it fail, more is hashed at the next start, and nothing is lost.
        keeper.submit(move || Change::Save(save), |_| ());
    }

    /// Answers a request: once, from any thread, without waiting.
    pub fn complete(self: &Arc<Self>, token: u64, verdict: Verdict) -> Result<(), Error> {
        let gone = || Error::new(ErrorKind::Gone, "the request was answered or withdrawn");
        let open = self.requests.close(token).ok_or_else(gone)?;
        if let Subject::DhtQuery(ticket) = open.subject {
            // Only a clear yes and what is as good as no hook let it be answered.
            return self.dht_verdict(ticket, matches!(verdict, Verdict::Accept | Verdict::Pass));
        }
        let entry = open.entry.as_ref().ok_or_else(gone)?;
        match open.subject {
            // Answered above.
            Subject::DhtQuery(_) => Ok(()),
            Subject::Verify { piece, attempt } => {
                let verdict = match verdict {
                    Verdict::Accept => VerifyVerdict::Accept,
                    Verdict::Reject => VerifyVerdict::Reject,
                    Verdict::Defer(time) => VerifyVerdict::Defer(time),
                    Verdict::Pass => VerifyVerdict::Pass,
                    Verdict::Fail(code) => VerifyVerdict::Fail(code),
                };
                self.send(entry, ShardCommand::Verdict(entry.id, piece, attempt, verdict))
            }
            Subject::Save { generation, settled, blob } => {
                let verdict = match verdict {
                    Verdict::Pass => {
                        self.keep(entry, (generation, settled), move || blob);
                        return Ok(());
                    }
                    Verdict::Accept => {
                        self.keep_beside(entry, settled, blob);
                        SaveVerdict::Accept
                    }
                    Verdict::Reject => SaveVerdict::Reject,
                    Verdict::Defer(time) => SaveVerdict::Defer(time),
                    Verdict::Fail(code) => SaveVerdict::Fail(code),
                };
                self.send(entry, ShardCommand::SaveAnswer(entry.id, generation, verdict))
            }
            Subject::Peer(asked) => {
                asked.answer(matches!(verdict, Verdict::Accept | Verdict::Pass));
                Ok(())
            }
        }
    }

    /// The bytes a request is about; they stay where they are until it is answered.
    pub fn request_data(&self, token: u64) -> Result<Bytes, Error> {
        let gone = || Error::new(ErrorKind::Gone, "the request was answered or withdrawn");
        let (entry, subject, lent) = self.requests.look(token).ok_or_else(gone)?;
        let bytes = match (subject, lent) {
            (_, Some(lent)) => return Ok(lent),
            (Subject::Save { blob, .. }, None) => blob,
            (Subject::Verify { piece, .. }, None) => self.read_piece(&entry, piece)?,
            // A query has no bytes beyond its event.
            (Subject::DhtQuery(_), None) => Bytes::new(),
            (Subject::Peer(_), None) => Bytes::new(),
        };
        self.requests.lend(token, bytes).ok_or_else(gone)
    }
}

/// What events say of a failure of the store.
fn code_of(error: &Error) -> i32 {
    match error.os_errno() {
        0 => error.code(),
        errno => errno,
    }
}
