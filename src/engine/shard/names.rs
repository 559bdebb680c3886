//! What is known of trackers' hosts: their addresses, and what the DNS says of them (BEP 34).
//!
//! Thousands of torrents have the same few trackers: each name is looked up once, whoever asks
//! meanwhile waits for that answer, and it is kept for a while. Deliberately absent: the look-ups
//! themselves (`net`'s), the system's own idea of how long an answer is good (it does not tell).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::Shard;
use crate::base::Instant;
use crate::net::names;
use crate::proto::tracker::udp::Preferences;

/// How long an answer is kept; and one that is none.
const KEEP: Duration = Duration::from_secs(300);
const KEEP_FAILURE: Duration = Duration::from_secs(30);
/// Names kept before old ones are looked for.
const NAMES: usize = 256;
/// Time for a name server to tell a name's texts.
const TEXT_TIMEOUT: Duration = Duration::from_secs(2);

/// What is known of a host.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Its addresses, in the resolver's order; or why not, as text.
    pub(super) addrs: Result<Vec<IpAddr>, String>,
    /// Its owner's wishes, when there are any.
    pub(super) preferences: Option<Preferences>,
}

#[derive(Default)]
struct Name {
    /// Held by whoever looks it up.
    line: Mutex<()>,
    found: RefCell<Option<(Instant, Rc<Found>)>>,
}

impl Name {
    fn fresh(&self, now: Instant) -> Option<Rc<Found>> {
        let found = self.found.borrow();
        found.as_ref().filter(|(until, _)| *until > now).map(|(_, found)| Rc::clone(found))
    }
}

/// The names of a shard.
#[derive(Default)]
pub(super) struct Names(RefCell<BTreeMap<String, Rc<Name>>>);

impl Names {
    fn name(&self, host: &str, now: Instant) -> Rc<Name> {
        let mut names = self.0.borrow_mut();
        if let Some(name) = names.get(host) {
            return Rc::clone(name);
        }
        if names.len() >= NAMES {
            names.retain(|_, name| Rc::strong_count(name) > 1 || name.fresh(now).is_some());
        }
        Rc::clone(names.entry(host.to_owned()).or_default())
    }

    /// Forgets what was found, as the settings for looking it up changed.
    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}

impl Shard {
    /// What is known of a host; looks it up when that is too long ago. Literal addresses are what
    /// they are.
    pub(super) async fn host(&self, host: &str) -> Rc<Found> {
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = literal.parse::<IpAddr>() {
            return Rc::new(Found { addrs: Ok(vec![ip]), preferences: None });
        }
        let name = self.names.name(host, self.now());
        let _turn = name.line.lock().await;
        if let Some(found) = name.fresh(self.now()) {
            return found;
        }
        let (addrs, preferences) = tokio::join!(names::addresses(host), self.preferences(host));
        let addrs = match addrs {
            Ok(addrs) if addrs.is_empty() => Err("the name has no address".to_owned()),
            Ok(addrs) => Ok(addrs),
            Err(error) => Err(format!("name not resolved: {error}")),
        };
        let keep = if addrs.is_ok() { KEEP } else { KEEP_FAILURE };
        let found = Rc::new(Found { addrs, preferences });
        *name.found.borrow_mut() = Some((self.now() + keep, Rc::clone(&found)));
        found
    }

    /// BEP 34. That nobody tells is no failure: then there are no wishes.
    async fn preferences(&self, host: &str) -> Option<Preferences> {
        let settings = self.settings();
        // A name without a dot is of this network, and no tracker's owner has records for it.
        if !settings.tracker_dns_preferences || !host.contains('.') {
            return None;
        }
        let system;
        let servers = if settings.dns_servers.is_empty() {
            system = names::servers();
            &system
        } else {
            &settings.dns_servers
        };
        let id = u16::try_from(self.rng.borrow_mut().below(1 << 16)).unwrap_or(0);
        let texts = names::texts(host, servers, id, TEXT_TIMEOUT).await.ok()?;
        Preferences::parse(texts.iter().map(Vec::as_slice))
    }
}
