//! Events of the DHT in their C form.

use super::consts::*;
use super::event::Filler;
use super::version::dht_failure;
use crate::api::{
    DhtContact, DhtEvent, DhtFailure, DhtItem, DhtOutcome, LookupStats, QueryKind, dht_pointer,
};

fn int<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn lines<T: ToString>(list: &[T]) -> String {
    list.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn nodes(list: &[DhtContact]) -> String {
    list.iter().map(|c| format!("{} {}", c.id, c.addr)).collect::<Vec<_>>().join("\n")
}

/// An estimate as a whole number.
#[expect(clippy::cast_possible_truncation, reason = "it is small, and a cast saturates")]
fn rounded(estimate: f64) -> i64 {
    estimate.round() as i64
}

/// The number of a kind of query.
pub(super) fn query_code(kind: QueryKind) -> i32 {
    match kind {
        QueryKind::Ping => TERN_DHT_QUERY_PING,
        QueryKind::FindNode => TERN_DHT_QUERY_FIND_NODE,
        QueryKind::GetPeers => TERN_DHT_QUERY_GET_PEERS,
        QueryKind::AnnouncePeer => TERN_DHT_QUERY_ANNOUNCE_PEER,
        QueryKind::Get => TERN_DHT_QUERY_GET,
        QueryKind::Put => TERN_DHT_QUERY_PUT,
        QueryKind::SampleInfohashes => TERN_DHT_QUERY_SAMPLE_INFOHASHES,
    }
}

impl Filler {
    pub(super) fn dht(&mut self, event: &DhtEvent) {
        match event {
            DhtEvent::Peers { token, peers } => {
                (self.raw.kind, self.raw.token) = (TERN_EVENT_DHT_PEERS, *token);
                self.raw.a = int(peers.len());
                self.text(&lines(peers));
            }
            DhtEvent::Item { token, item } => {
                (self.raw.kind, self.raw.token) = (TERN_EVENT_DHT_ITEM, *token);
                self.item(item);
            }
            DhtEvent::Swarm { token, seeds, downloaders } => {
                (self.raw.kind, self.raw.token) = (TERN_EVENT_DHT_SCRAPED, *token);
                (self.raw.a, self.raw.b) = (rounded(*seeds), rounded(*downloaders));
            }
            DhtEvent::Done { token, outcome, stats } => {
                self.raw.token = *token;
                self.outcome(outcome, stats);
            }
            DhtEvent::Update { token, item, .. } | DhtEvent::Published { token, item, .. } => {
                self.raw.token = *token;
                self.raw.kind = TERN_EVENT_DHT_UPDATE;
                self.item(&DhtItem::Mutable((**item).clone()));
                self.raw.info_hash = dht_pointer(item.value()).map_or([0; 20], |hash| hash.0);
                if let DhtEvent::Published { stored, .. } = event {
                    self.raw.kind = TERN_EVENT_DHT_PUBLISHED;
                    self.raw.b = int(*stored);
                }
            }
            DhtEvent::Superseded { token } => {
                (self.raw.kind, self.raw.token) = (TERN_EVENT_DHT_PUBLISHED, *token);
                self.raw.code = TERN_E_REFUSED;
            }
            event => self.dht_notice(event),
        }
    }

    fn dht_notice(&mut self, event: &DhtEvent) {
        match event {
            DhtEvent::Query { token, from, kind, target } => {
                (self.raw.kind, self.raw.token) = (TERN_EVENT_DHT_QUERY, token.unwrap_or(0));
                self.raw.code = query_code(*kind);
                self.addr(from);
                if let Some(target) = target {
                    self.raw.data = self.keep(&target.0);
                }
            }
            DhtEvent::Bootstrapped { local, nodes } => {
                (self.raw.kind, self.raw.a) = (TERN_EVENT_DHT_BOOTSTRAPPED, int(*nodes));
                self.addr(local);
            }
            DhtEvent::External { local, ip } => {
                self.raw.kind = TERN_EVENT_DHT_EXTERNAL;
                self.raw.addr = self.keep(ip.to_string().as_bytes());
                self.text(&local.to_string());
            }
            DhtEvent::Unresolved { host, reason } => {
                self.raw.kind = TERN_EVENT_DHT_UNRESOLVED;
                self.text(host);
                self.text2(reason);
            }
            _ => {}
        }
    }

    fn item(&mut self, item: &DhtItem) {
        self.raw.data = self.keep(item.value().as_bytes());
        self.raw.a = item.seq().unwrap_or(-1);
        if let DhtItem::Mutable(item) = item {
            self.text(&item.key().to_string());
            self.text2(&hex(item.signature()));
        }
    }

    fn outcome(&mut self, outcome: &DhtOutcome, stats: &LookupStats) {
        match outcome {
            DhtOutcome::Peers { found, announced, .. } => {
                self.raw.kind = TERN_EVENT_DHT_PEERS_DONE;
                (self.raw.a, self.raw.b) = (int(*found), int(*announced));
                self.raw.c = int(stats.answered);
            }
            DhtOutcome::Item { item, copies } => {
                (self.raw.kind, self.raw.b) = (TERN_EVENT_DHT_ITEM_DONE, int(*copies));
                match item {
                    Some(item) => self.item(item),
                    None => (self.raw.code, self.raw.a) = (TERN_E_NOT_FOUND, -1),
                }
            }
            DhtOutcome::Put { item, stored, refused } => {
                self.item(item);
                (self.raw.kind, self.raw.b) = (TERN_EVENT_DHT_PUT_DONE, int(*stored));
                self.raw.c = refused.unwrap_or(0);
                self.raw.code = if *stored > 0 { TERN_OK } else { TERN_E_REFUSED };
                self.text(&item.target().to_string());
            }
            DhtOutcome::Pong { id, rtt } => {
                (self.raw.kind, self.raw.a) = (TERN_EVENT_DHT_PONG, int(rtt.as_micros()));
                self.text(&id.to_string());
            }
            DhtOutcome::Nodes(list) => {
                (self.raw.kind, self.raw.a) = (TERN_EVENT_DHT_NODES, int(list.len()));
                self.text(&nodes(list));
            }
            DhtOutcome::Samples { samples, interval, num, nodes: near } => {
                self.raw.kind = TERN_EVENT_DHT_SAMPLES;
                (self.raw.a, self.raw.b) = (int(*interval), int(*num));
                self.raw.c = int(samples.len());
                let bytes: Vec<u8> = samples.iter().flat_map(|hash| hash.0).collect();
                self.raw.data = self.keep(&bytes);
                self.text(&nodes(near));
            }
            // No command of the host's ends so.
            DhtOutcome::Accepted => self.raw.kind = TERN_EVENT_DHT_NODES,
            DhtOutcome::Failed(failure) => {
                (self.raw.kind, self.raw.code) = (TERN_EVENT_DHT_FAILED, dht_failure(*failure));
                if let DhtFailure::Refused(code) = failure {
                    self.raw.a = *code;
                }
                self.text(&failure.to_string());
            }
        }
    }
}
