//! What a magnet link says besides the info-hash: peers whose names have to be resolved, and places
//! that may have the torrent file.
//!
//! Sources are asked one after another, while the torrent looks for its metadata and no longer;
//! what they give counts only when its info-hash is right. Deliberately absent: reading links.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use super::Shard;
use super::jobs::Ticket;
use super::slot::Slot;
use crate::base::limits::METAINFO_BYTES;
use crate::codec::metainfo::{Info, Metainfo};
use crate::disk::Job;
use crate::engine::host::Link;
use crate::net::http::Wants;
use crate::net::{canonical, http, names};
use crate::swarm::{Command, Input, PeerSource, TorrentState};

impl Shard {
    /// More places to look.
    pub(super) fn follow(self: &Rc<Self>, slot: &Rc<Slot>, link: Link) {
        let (mut addrs, mut names) = (Vec::new(), Vec::new());
        for peer in link.peers {
            match peer.parse::<SocketAddr>() {
                Ok(addr) => addrs.push(canonical(addr)),
                Err(_) => names.push(peer),
            }
        }
        self.found(slot, PeerSource::Magnet, &addrs);
        if !names.is_empty() {
            let (shard, slot) = (Rc::clone(self), Rc::clone(slot));
            self.start(Some(slot.id), async move { shard.resolve_peers(&slot, names).await });
        }
        let mut new = link.sources;
        new.retain(|url| !slot.sources.borrow().contains(url));
        slot.sources.borrow_mut().extend(new.iter().cloned());
        self.ask_for_file(slot, new);
    }

    async fn resolve_peers(self: &Rc<Self>, slot: &Rc<Slot>, names: Vec<String>) {
        for name in names {
            let Some((host, port)) = name.rsplit_once(':') else { continue };
            let Ok(port) = port.parse() else { continue };
            // One that is not there is one peer less.
            let Ok(found) = names::addresses(host).await else { continue };
            if slot.gone.get() || slot.closing.get() {
                return;
            }
            let addrs = found.into_iter().map(|ip| canonical(SocketAddr::new(ip, port)));
            let addrs: Vec<SocketAddr> = addrs.collect();
            self.found(slot, PeerSource::Magnet, &addrs);
        }
    }

    /// The torrent begins to look for its metadata: all sources are asked.
    pub(super) fn ask_sources(self: &Rc<Self>, slot: &Rc<Slot>) {
        let urls = slot.sources.borrow().clone();
        self.ask_for_file(slot, urls);
    }

    /// Asks some sources, if the metadata is looked for.
    fn ask_for_file(self: &Rc<Self>, slot: &Rc<Slot>, urls: Vec<String>) {
        if urls.is_empty() || !self.seeks(slot) {
            return;
        }
        let (shard, slot) = (Rc::clone(self), Rc::clone(slot));
        self.start(Some(slot.id), async move {
            for url in urls {
                let _room = shard.desk.room().await;
                if !shard.seeks(&slot) {
                    return;
                }
                match shard.ask_source(&slot, &url).await {
                    Ok(file) => {
                        shard.host.source_file(slot.id, &file);
                        shard.input(&slot, Input::Command(Command::Metadata(file.info)));
                    }
                    Err(reason) => shard.host.source_failed(slot.id, url, reason),
                }
            }
        });
    }

    fn seeks(&self, slot: &Slot) -> bool {
        let on = self.settings.borrow().magnet_sources;
        let state = || slot.brain.borrow().status(self.now()).state;
        on && !slot.gone.get() && !slot.closing.get() && state() == TorrentState::Metadata
    }

    async fn ask_source(&self, slot: &Slot, url: &str) -> Result<Metainfo, String> {
        let settings = self.settings();
        let tls = self.fleet.tls();
        let wants = Wants {
            user_agent: &settings.user_agent,
            timeout: settings.tracker_timeout,
            v6: None,
            private_redirects: settings.magnet_private_sources,
        };
        let public_only = !settings.magnet_private_sources;
        let answer = http::get_file(url, &wants, &tls, METAINFO_BYTES, public_only).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("http status {}", answer.status));
        }
        let metainfo = Metainfo::parse(&answer.body).map_err(|error| error.to_string())?;
        if metainfo.info.info_hash != slot.info().info_hash {
            return Err("it has the file of another torrent".into());
        }
        Ok(metainfo)
    }

    /// The description came.
    pub(super) fn described(&self, slot: &Slot, info: Arc<Info>) {
        slot.sources.borrow_mut().clear();
        if slot.registered.replace(false) {
            // What the disk knew was of no content at all.
            let tag = slot.jobs.borrow_mut().track(Ticket::Silent);
            self.to_disk(slot.id, vec![(tag, Job::Close)]);
        }
        // It may turn out to be private: the DHT and the neighbours forget it then (BEP 27).
        self.dht_switch(slot);
        if slot.is_private() {
            self.local_stop(slot);
        }
        self.host.metadata(slot.id, info);
    }
}
