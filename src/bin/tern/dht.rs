//! `tern dht`: questions to the network, and a node that answers them. Deliberately absent:
//! torrents.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tern::api::{
    Config, DhtEvent, DhtItem, DhtItemKey, DhtOutcome, Event, EventKind, InfoHash, LookupStats,
    NodeId, PeerSearch, PublicKey, SecretKey, Session, class, dht_value,
};

use crate::args::{Dht, FAILED, INTERRUPTED, OK};
use crate::args_dht::DhtCommand;
use crate::report::Reporter;
use crate::{Failure, signals, units};

/// Longest wait before signals are looked at.
const SLICE: Duration = Duration::from_millis(200);

/// Runs the command.
pub(crate) fn run(dht: &Dht, reporter: &Reporter) -> Result<u8, Failure> {
    let session = Session::new(&config(dht)?)?;
    let saved = dht.state.as_ref().and_then(|path| std::fs::read(path).ok());
    if let Some(saved) = saved {
        session.load_state(&saved)?;
    }
    let code = match &dht.command {
        DhtCommand::Node { queries, stop_after } => node(&session, *queries, *stop_after, reporter),
        command => ask(&session, command, dht.timeout, reporter),
    }?;
    if let Some(path) = &dht.state {
        let state = session.save_state()?;
        std::fs::write(path, state).map_err(|e| Failure::about(path.display(), e))?;
    }
    session.close(Some(Duration::from_secs(5))).map_err(|unsaved| unsaved.error)?;
    Ok(code)
}

fn config(dht: &Dht) -> Result<Config, Failure> {
    let mut config = Config::new();
    let port = dht.port;
    let listen = match dht.bind {
        Some(std::net::IpAddr::V6(ip)) => format!("[{ip}]:{port}"),
        Some(ip) => format!("{ip}:{port}"),
        None => format!("0.0.0.0:{port},[::]:{port}"),
    };
    config.set_text("listen", &listen)?;
    match dht.bootstrap.as_slice() {
        [] => {}
        [none] if none == "none" => config.set_text("dht_bootstrap", "")?,
        list => config.set_text("dht_bootstrap", &list.join(","))?,
    }
    // Who only asks is of no use to others as a node.
    if !matches!(dht.command, DhtCommand::Node { .. }) {
        config.set_text("dht_read_only", "true")?;
    }
    Ok(config)
}

/// Begins a command; its token.
fn begin(session: &Session, command: &DhtCommand) -> Result<u64, Failure> {
    Ok(match command {
        DhtCommand::GetPeers { info_hash } => {
            session.dht_get_peers(InfoHash(*info_hash), PeerSearch::default())?
        }
        DhtCommand::Announce { info_hash, peer_port, seed } => {
            let (port, seed) = (*peer_port, *seed);
            let search = PeerSearch { announce: true, port, seed, ..PeerSearch::default() };
            session.dht_get_peers(InfoHash(*info_hash), search)?
        }
        DhtCommand::Get { what, salt } => session.dht_get(item_key(what, salt))?,
        DhtCommand::Put { value, bencoded, seed, salt, replaces } => {
            let value = if *bencoded { value.clone() } else { format!("{}:{value}", value.len()) };
            let value = dht_value(value.as_bytes())?;
            match seed {
                None => session.dht_put(value)?,
                Some(seed) => {
                    let secret = SecretKey::from_seed(seed);
                    session.dht_put_mutable(secret, salt.as_bytes(), value, *replaces)?
                }
            }
        }
        DhtCommand::Sample { target, node } => session.dht_sample(NodeId(*target), *node)?,
        DhtCommand::Ping { node } => session.dht_ping(*node)?,
        DhtCommand::Node { .. } => return Err(Failure::usage("not a question")),
    })
}

/// Begins the search for the size of a swarm beside the one for its peers. It is one of its own:
/// libtorrent's nodes, which are most of the network, name no peers to who asks for the size.
fn begin_scrape(session: &Session, command: &DhtCommand) -> Result<Option<u64>, Failure> {
    let DhtCommand::GetPeers { info_hash } = command else { return Ok(None) };
    let search = PeerSearch { scrape: true, ..PeerSearch::default() };
    Ok(Some(session.dht_get_peers(InfoHash(*info_hash), search)?))
}

fn item_key(what: &[u8], salt: &str) -> DhtItemKey {
    match (what.try_into(), what.try_into()) {
        (Ok(target), _) => DhtItemKey::Immutable(NodeId(target)),
        (_, Ok(key)) => DhtItemKey::Mutable { key: PublicKey(key), salt: salt.as_bytes().to_vec() },
        // The parser lets only these two lengths pass.
        _ => DhtItemKey::Immutable(NodeId([0; 20])),
    }
}

fn ask(
    session: &Session,
    command: &DhtCommand,
    timeout: u64,
    reporter: &Reporter,
) -> Result<u8, Failure> {
    let token = begin(session, command)?;
    let mut scrape = begin_scrape(session, command)?;
    let deadline = Instant::now() + Duration::from_secs(timeout);
    let mut swarm = None;
    let mut heard = HashSet::new();
    let mut done = None;
    loop {
        if let (Some((outcome, stats)), None) = (&done, scrape) {
            return Ok(conclude(outcome, stats, swarm, heard.len(), reporter));
        }
        if signals::stop_requested() {
            return Ok(INTERRUPTED);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::new(format!("no answer within {timeout} seconds")));
        }
        session.wait(Some(left.min(SLICE)))?;
        for event in session.take(0) {
            match &event.kind {
                EventKind::Dht(event) => match &**event {
                    DhtEvent::Peers { token: of, peers } if *of == token || Some(*of) == scrape => {
                        for peer in peers.iter().filter(|peer| heard.insert(**peer)) {
                            let text = peer.to_string();
                            reporter.event("peer", &text, json!({"address": text}));
                        }
                    }
                    DhtEvent::Swarm { seeds, downloaders, .. } => {
                        swarm = Some((seeds.round(), downloaders.round()));
                    }
                    DhtEvent::Done { token: of, outcome, stats } if *of == token => {
                        done = Some((outcome.clone(), *stats));
                    }
                    DhtEvent::Done { token: of, .. } if Some(*of) == scrape => scrape = None,
                    _ => {}
                },
                EventKind::ListenFailed { wanted, reason, .. } => {
                    let text = format!("{wanted}: {reason}");
                    reporter.event("warning", &text, json!({"message": text}));
                }
                _ => {}
            }
        }
    }
}

/// Tells of a result; the exit code.
fn conclude(
    outcome: &DhtOutcome,
    stats: &LookupStats,
    swarm: Option<(f64, f64)>,
    heard: usize,
    reporter: &Reporter,
) -> u8 {
    let (text, mut facts, code) = told(outcome, swarm, heard);
    if let Value::Object(facts) = &mut facts {
        facts.insert("asked".into(), stats.asked.into());
        facts.insert("answered".into(), stats.answered.into());
    }
    reporter.result(&text, facts);
    code
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn item_facts(item: &DhtItem) -> Value {
    let mut facts = json!({
        "target": item.target().to_string(),
        "value": String::from_utf8_lossy(item.value().as_bytes()),
        "value_hex": hex(item.value().as_bytes()),
    });
    if let (DhtItem::Mutable(item), Value::Object(facts)) = (item, &mut facts) {
        facts.insert("key".into(), item.key().to_string().into());
        facts.insert("salt_hex".into(), hex(item.salt()).into());
        facts.insert("seq".into(), item.seq().into());
        facts.insert("signature".into(), hex(item.signature()).into());
    }
    facts
}

/// What an outcome is for people and for programs, and the exit code.
fn told(outcome: &DhtOutcome, swarm: Option<(f64, f64)>, heard: usize) -> (String, Value, u8) {
    match outcome {
        DhtOutcome::Peers { announced, .. } => {
            let size = swarm.map(|(seeds, peers)| format!("; about {seeds} seeds, {peers} others"));
            let text = format!("{heard} peers; announced at {announced} nodes");
            let facts = json!({
                "peers": heard, "announced": announced,
                "seeds": swarm.map(|s| s.0), "downloaders": swarm.map(|s| s.1),
            });
            (text + &size.unwrap_or_default(), facts, OK)
        }
        DhtOutcome::Item { item: Some(item), copies } => {
            let mut facts = item_facts(item);
            if let Value::Object(facts) = &mut facts {
                facts.insert("copies".into(), (*copies).into());
            }
            let seq = item.seq().map(|seq| format!(", version {seq}")).unwrap_or_default();
            let value = String::from_utf8_lossy(item.value().as_bytes());
            (format!("{}{seq}", units::printable(&value)), facts, OK)
        }
        DhtOutcome::Item { item: None, .. } => {
            ("nobody has it".into(), json!({"copies": 0}), FAILED)
        }
        DhtOutcome::Put { item, stored, refused } => {
            let mut facts = item_facts(item);
            if let Value::Object(facts) = &mut facts {
                facts.insert("stored".into(), (*stored).into());
                facts.insert("refused".into(), json!(refused));
            }
            let code = if *stored > 0 { OK } else { FAILED };
            (format!("{} stored at {stored} nodes", item.target()), facts, code)
        }
        DhtOutcome::Pong { id, rtt } => {
            let text = format!("{id} after {} ms", rtt.as_millis());
            let micros = u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX);
            (text, json!({"id": id.to_string(), "rtt_us": micros}), OK)
        }
        DhtOutcome::Samples { samples, interval, num, .. } => {
            let hashes: Vec<String> = samples.iter().map(ToString::to_string).collect();
            let facts = json!({"interval": interval, "num": num, "samples": &hashes});
            (hashes.join("\n"), facts, OK)
        }
        DhtOutcome::Nodes(nodes) => {
            let nodes: Vec<String> = nodes.iter().map(|n| n.addr.to_string()).collect();
            (nodes.join("\n"), json!({"nodes": &nodes}), OK)
        }
        DhtOutcome::Accepted => ("done".into(), json!({}), OK),
        DhtOutcome::Failed(failure) => {
            (failure.to_string(), json!({"error": failure.to_string()}), FAILED)
        }
    }
}

fn node(
    session: &Session,
    queries: bool,
    stop_after: Option<u64>,
    reporter: &Reporter,
) -> Result<u8, Failure> {
    session.subscribe(class::DEFAULT | class::DHT);
    if queries {
        let mut config = Config::new();
        config.set_text("dht_query_notices", "true")?;
        session.apply(&config)?;
    }
    for id in session.dht_ids()? {
        let text = format!("node {} at {}", id.id, id.addr);
        let facts = json!({"id": id.id.to_string(), "address": id.addr.to_string()});
        reporter.event("node", &text, facts);
    }
    // Looking for our own place is what joins the network.
    if let Some(own) = session.dht_ids()?.first() {
        session.dht_find_node(own.id)?;
    }
    let end = stop_after.map(|secs| Instant::now() + Duration::from_secs(secs));
    while !signals::stop_requested() && end.is_none_or(|end| Instant::now() < end) {
        session.wait(Some(SLICE))?;
        session.take(0).iter().for_each(|event| tell(event, reporter));
    }
    let stats = session.dht_stats()?;
    let text = format!(
        "{} nodes, {} queries answered, {} sent, {} received",
        stats.machine.nodes,
        stats.machine.queries,
        units::bytes(stats.machine.sent_bytes),
        units::bytes(stats.machine.received_bytes)
    );
    let (torrents, peers, items) = stats.machine.stored;
    let facts = json!({
        "nodes": stats.machine.nodes, "queries": stats.machine.queries,
        "sent_bytes": stats.machine.sent_bytes, "received_bytes": stats.machine.received_bytes,
        "torrents": torrents, "peers": peers, "items": items,
    });
    reporter.result(&text, facts);
    Ok(OK)
}

fn tell(event: &Event, reporter: &Reporter) {
    let EventKind::Dht(event) = &event.kind else { return };
    match &**event {
        DhtEvent::Query { from, kind, target, .. } => {
            let target = target.map(|t| t.to_string());
            let text = format!("{from} {} {}", kind.name(), target.as_deref().unwrap_or(""));
            let facts = json!({"name": kind.name(), "from": from.to_string(), "target": target});
            reporter.event("query", text.trim_end(), facts);
        }
        DhtEvent::Bootstrapped { local, nodes } => {
            let text = format!("{local}: {nodes} nodes");
            let facts = json!({"address": local.to_string(), "nodes": nodes});
            reporter.event("bootstrapped", &text, facts);
        }
        DhtEvent::External { ip, .. } => {
            let facts = json!({"address": ip.to_string()});
            reporter.event("external", &format!("seen as {ip}"), facts);
        }
        DhtEvent::Unresolved { host, reason } => {
            let text = format!("{host}: {reason}");
            reporter.event("warning", &text, json!({"message": text}));
        }
        _ => {}
    }
}
