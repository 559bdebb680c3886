//! The host's wishes. Deliberately absent: what they lead to, where that is a topic of its own.

use std::sync::Arc;

use super::Torrent;
use crate::base::{FileIndex, PeerKey, PieceIndex};
use crate::swarm::types::{CloseReason, Command, DiskOp, PeerSource, SaveConditions, Tuning};

impl Torrent {
    pub(super) fn on_command(&mut self, command: Command) {
        match command {
            Command::Pause => self.pause(),
            Command::Resume => self.resume(),
            Command::Close => self.close(),
            Command::Metadata(info) => self.metadata_given(&info),
            Command::FilePriority(file, priority) if self.sought.is_some() => {
                self.sought_priority(file, priority);
            }
            Command::FilePriorities(all) if self.sought.is_some() => self.sought_priorities(all),
            Command::Move(path) if self.sought.is_some() => self.sought_move(path),
            Command::Recheck => self.recheck(0..self.info.piece_count()),
            Command::RecheckFile(file) => self.recheck(self.info.pieces_of(file)),
            Command::RecheckPieces(first, end) => {
                self.recheck(first..end.min(self.info.piece_count()));
            }
            Command::FilePriority(file, priority) => {
                if self.accounts.set_file(&self.info, file, priority) {
                    self.file_priorities_changed();
                }
            }
            Command::FilePriorities(all) => {
                for (file, priority) in (0u32..).map(FileIndex).zip(all) {
                    self.accounts.set_file(&self.info, file, priority);
                }
                self.file_priorities_changed();
            }
            Command::PiecePriority(piece, priority) => {
                if self.info.geometry.contains(piece) {
                    self.accounts.set_piece(&self.info, piece, priority);
                    self.priorities_changed();
                }
            }
            Command::Sequential(on) => {
                self.sequential = on;
                self.picker.set_sequential(on);
                self.config_changed();
            }
            Command::RateLimits(upload, download) => {
                self.carried.set_limits(upload, download);
                self.config_changed();
            }
            Command::Tuning(tuning) => self.set_tuning(tuning),
            Command::AddPeer(addr) => {
                self.known.add(addr, PeerSource::Manual);
            }
            Command::BanPeer(addr) => self.ban(addr.ip()),
            Command::DropPeer(key) => self.drop_peer(key),
            Command::Save { ticket, conditions, with_info } => {
                let done = self.saver.request(ticket, conditions, with_info);
                self.tell_saves(done);
            }
            Command::SavePolicy(policy) => self.saver.set_policy(self.now, policy),
            Command::Verifier(window) => self.set_verifier(window),
            Command::Trackers(tiers) => {
                self.carried.trackers = Some(tiers);
                self.changed(SaveConditions::METADATA);
            }
            Command::Move(path) => self.disk(DiskOp::Move(path)),
            Command::Rename(file, path) => {
                self.renames.push_back((file, path.clone()));
                self.disk(DiskOp::Rename(file, path));
            }
        }
    }

    fn drop_peer(&mut self, key: PeerKey) {
        self.close_peer(key, CloseReason::Host);
    }

    fn set_tuning(&mut self, tuning: Arc<Tuning>) {
        self.known.set_limits(tuning.max_known_peers, tuning.max_per_ip);
        self.choker.set_slots(tuning.unchoke_slots);
        self.tuning = tuning;
        self.switch_exchange();
        while self.peers.len() > self.tuning.max_connections as usize {
            let Some(key) = self.peers.keys().next_back().copied() else { break };
            self.close_peer(key, CloseReason::TooMany);
        }
        if self.peers.values().any(|p| p.established) {
            self.wake_at(self.now);
        }
        self.config_changed();
    }

    fn file_priorities_changed(&mut self) {
        let priorities = self.accounts.file_priority.clone();
        self.disk(DiskOp::SetPriorities(priorities));
        self.priorities_changed();
    }

    fn priorities_changed(&mut self) {
        self.apply_piece_priorities();
        self.accounts.recount(&self.info, self.picker.have());
        for key in self.established_keys() {
            self.update_interest(key);
        }
        self.touch_all();
        self.refresh_state();
        self.config_changed();
    }

    /// Tells the picker all priorities.
    pub(super) fn apply_piece_priorities(&mut self) {
        for piece in (0..self.info.piece_count()).map(PieceIndex) {
            let priority = self.accounts.piece_priority(&self.info, piece);
            if self.picker.priority(piece) != priority {
                self.picker.set_priority(piece, priority);
            }
        }
    }
}
