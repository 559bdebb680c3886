//! The DHT: lookups, items, pointers, nodes, and the hook that is asked about queries.

use core::ffi::{c_char, c_void};
use std::time::Duration;

use super::consts::*;
use super::convert::{Sized32, address, buf, bytes, path, put, put_sized, text};
use super::guard::{self, entry};
use super::hooks::{Registration, User};
use super::object::{get, get_mut};
use super::session::{hash, writable};
use super::types::*;
use crate::api::{
    DhtItem, DhtItemKey, Error, ErrorKind, MutableItem, NodeId, PeerSearch, PublicKey, SecretKey,
    Session, dht_sign, dht_value, dht_verify,
};

/// Snapshot of the DHT.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct tern_dht_stats {
    /// Bytes of this structure that are valid.
    pub struct_size: u32,
    /// Addresses it listens on, 0 when it is off.
    pub endpoints: u32,
    /// Nodes that answered us, over all addresses.
    pub nodes: u32,
    /// Torrents of ours that are looked up and announced.
    pub torrents: u32,
    /// Lookups under way.
    pub lookups: u32,
    /// Pointers followed and published.
    pub pointers: u32,
    /// Torrents whose peers we keep for others.
    pub stored_torrents: u64,
    /// Peers we keep for others.
    pub stored_peers: u64,
    /// Items we keep for others.
    pub stored_items: u64,
    /// Queries we answered.
    pub queries_in: u64,
    /// Queries we sent.
    pub queries_out: u64,
    /// Of these, how many were answered.
    pub answers_in: u64,
    /// Datagrams received.
    pub received: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Bytes per second received.
    pub receive_rate: u64,
    /// Bytes per second sent.
    pub send_rate: u64,
    /// Datagrams that were no message.
    pub garbage: u64,
    /// Answers nobody waited for.
    pub unsolicited: u64,
    /// Queries dropped because their sender sends too many.
    pub flooded: u64,
    /// Answers not sent because of the rate limit.
    pub throttled: u64,
    /// Stores refused for a bad token.
    pub bad_tokens: u64,
}

// SAFETY: plain data, `repr(C)`, the size is first.
unsafe impl Sized32 for tern_dht_stats {}

fn stats(session: &Session) -> Result<tern_dht_stats, Error> {
    let stats = session.dht_stats()?;
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let machine = stats.machine;
    let (torrents, peers, items) = machine.stored;
    Ok(tern_dht_stats {
        struct_size: 0,
        endpoints: small(stats.endpoints),
        nodes: small(machine.nodes),
        torrents: small(stats.torrents),
        lookups: small(machine.lookups),
        pointers: small(stats.pointers),
        stored_torrents: torrents as u64,
        stored_peers: peers as u64,
        stored_items: items as u64,
        queries_in: machine.queries,
        queries_out: machine.asked,
        answers_in: machine.answered,
        received: machine.received,
        received_bytes: machine.received_bytes,
        sent: machine.sent,
        sent_bytes: machine.sent_bytes,
        receive_rate: stats.rates.0,
        send_rate: stats.rates.1,
        garbage: machine.garbage,
        unsolicited: machine.unsolicited,
        flooded: machine.flooded,
        throttled: machine.throttled,
        bad_tokens: machine.bad_tokens,
    })
}

/// So many bytes behind a pointer.
///
/// # Safety
/// `ptr` is NULL or points to `N` readable bytes.
unsafe fn array<const N: usize>(ptr: *const u8, what: &str) -> Result<[u8; N], Error> {
    // SAFETY: the caller's promise; an array of bytes has no alignment.
    let found = unsafe { ptr.cast::<[u8; N]>().as_ref() };
    found.copied().ok_or_else(|| Error::new(ErrorKind::Invalid, format!("the {what} is NULL")))
}

/// A target.
///
/// # Safety
/// As [`array()`], 20 bytes.
unsafe fn target(ptr: *const u8) -> Result<NodeId, Error> {
    // SAFETY: the caller's promise.
    Ok(NodeId(unsafe { array::<20>(ptr, "target") }?))
}

/// Looks for peers of a torrent (`info_hash`, 20 bytes), which need not be in the session. `flags`
/// are `TERN_DHT_*`; with `TERN_DHT_ANNOUNCE` it is announced at `port`, 0 for the session's own.
/// Comes as DHT_PEERS, DHT_SCRAPED and DHT_PEERS_DONE with `*out_token`.
///
/// Like all that give a token: `TERN_E_STATE` while the DHT is off, `TERN_E_BUSY` when a thousand
/// run or have results nobody took. A call made before the network is found waits for it, for some
/// seconds. Results are never masked; the one that ends a command is never dropped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_get_peers(
    s: *const tern_session,
    info_hash: *const u8,
    flags: u32,
    port: u16,
    out_token: *mut u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_get_peers"), err, || unsafe {
        writable(out_token)?;
        let known = TERN_DHT_ANNOUNCE | TERN_DHT_SEED | TERN_DHT_SCRAPE | TERN_DHT_NOSEED;
        if flags & !known != 0 {
            return Err(Error::new(ErrorKind::Invalid, "no such flags"));
        }
        let search = PeerSearch {
            announce: flags & TERN_DHT_ANNOUNCE != 0,
            port,
            seed: flags & TERN_DHT_SEED != 0,
            scrape: flags & TERN_DHT_SCRAPE != 0,
            noseed: flags & TERN_DHT_NOSEED != 0,
        };
        put(out_token, get(s)?.dht_get_peers(hash(info_hash)?, search)?)
    })
}

/// Finds the immutable item (BEP 44) whose value has this SHA-1 (`target`, 20 bytes). Comes as
/// DHT_ITEM and DHT_ITEM_DONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_get(
    s: *const tern_session,
    target: *const u8,
    out_token: *mut u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_get"), err, || unsafe {
        writable(out_token)?;
        let key = DhtItemKey::Immutable(self::target(target)?);
        put(out_token, get(s)?.dht_get(key)?)
    })
}

/// Finds the newest version of the mutable item (BEP 44) of an owner (`key`, 32 bytes) under a salt
/// of at most 64 bytes, which may be empty. Comes as DHT_ITEM, with each newer version, and
/// DHT_ITEM_DONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_get_mutable(
    s: *const tern_session,
    key: *const u8,
    salt: *const u8,
    salt_len: usize,
    out_token: *mut u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_get_mutable"), err, || unsafe {
        writable(out_token)?;
        let key = PublicKey(array(key, "key")?);
        let key = DhtItemKey::Mutable { key, salt: bytes(salt, salt_len)?.to_vec() };
        put(out_token, get(s)?.dht_get(key)?)
    })
}

/// Stores a bencoded value of at most 1000 bytes under its SHA-1 (BEP 44). Comes as DHT_PUT_DONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_put(
    s: *const tern_session,
    value: *const u8,
    value_len: usize,
    out_token: *mut u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_put"), err, || unsafe {
        writable(out_token)?;
        put(out_token, get(s)?.dht_put(dht_value(bytes(value, value_len)?)?)?)
    })
}

/// Signs a bencoded value with a secret key (64 bytes, see `tern_dht_keypair`) and stores it as the
/// next version of the owner's item under a salt (BEP 44): the sequence number is one more than the
/// newest that is found. With `replaces` of 0 or more the put fails unless that is the newest
/// (`cas`); -1 replaces whatever is found. Comes as DHT_PUT_DONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_put_mutable(
    s: *const tern_session,
    secret: *const u8,
    salt: *const u8,
    salt_len: usize,
    value: *const u8,
    value_len: usize,
    replaces: i64,
    out_token: *mut u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_put_mutable"), err, || unsafe {
        writable(out_token)?;
        let secret = SecretKey::from_expanded(&array(secret, "secret key")?);
        let (salt, value) = (bytes(salt, salt_len)?, dht_value(bytes(value, value_len)?)?);
        let replaces = (replaces >= 0).then_some(replaces);
        put(out_token, get(s)?.dht_put_mutable(secret, salt, value, replaces)?)
    })
}

/// Stores an item that somebody else signed, to keep it alive (BEP 44). `TERN_E_INVALID` when the
/// signature (64 bytes) does not fit. Comes as DHT_PUT_DONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_put_signed(
    s: *const tern_session,
    key: *const u8,
    salt: *const u8,
    salt_len: usize,
    seq: i64,
    signature: *const u8,
    value: *const u8,
    value_len: usize,
    out_token: *mut u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_put_signed"), err, || unsafe {
        writable(out_token)?;
        let session = get(s)?;
        let item = signed((key, signature), (salt, salt_len), seq, (value, value_len))?;
        put(out_token, session.dht_put_signed(item)?)
    })
}

/// A signed item as C gives it.
///
/// # Safety
/// Key and signature point to 32 and 64 bytes or are NULL; the others as for [`bytes()`].
unsafe fn signed(
    (key, signature): (*const u8, *const u8),
    (salt, salt_len): (*const u8, usize),
    seq: i64,
    (value, value_len): (*const u8, usize),
) -> Result<MutableItem, Error> {
    // SAFETY: the caller's promises.
    unsafe {
        let key = PublicKey(array(key, "key")?);
        let signature: [u8; 64] = array(signature, "signature")?;
        let value = dht_value(bytes(value, value_len)?)?;
        dht_verify(key, bytes(salt, salt_len)?, seq, &signature, value)
    }
}

/// Asks a node whether it is there, `192.0.2.1:6881` or `[2001:db8::1]:6881`. Comes as DHT_PONG or
/// DHT_FAILED. A node that answers is remembered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_ping(
    s: *const tern_session,
    node: *const c_char,
    node_len: usize,
    out_token: *mut u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_ping"), err, || unsafe {
        writable(out_token)?;
        put(out_token, get(s)?.dht_ping(address(text(node, node_len)?)?)?)
    })
}

/// Finds the nodes nearest to a target (20 bytes). Comes as DHT_NODES.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_find_node(
    s: *const tern_session,
    target: *const u8,
    out_token: *mut u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_find_node"), err, || unsafe {
        writable(out_token)?;
        put(out_token, get(s)?.dht_find_node(self::target(target)?)?)
    })
}

/// Asks for info-hashes (BEP 51): one node when `node_len` is not 0, else all on the way to a
/// target (20 bytes). Comes as DHT_SAMPLES or DHT_FAILED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_sample(
    s: *const tern_session,
    target: *const u8,
    node: *const c_char,
    node_len: usize,
    out_token: *mut u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_sample"), err, || unsafe {
        writable(out_token)?;
        let to = if node_len == 0 { None } else { Some(address(text(node, node_len)?)?) };
        put(out_token, get(s)?.dht_sample(self::target(target)?, to)?)
    })
}

/// Follows the pointer to a torrent (BEP 46) that an owner (`key`, 32 bytes) publishes under a
/// salt: DHT_UPDATE comes with each newer version, and at once with the one an earlier session
/// knew. It is asked for every `interval_secs` (at least 60) and stored again when few nodes have
/// it. With
/// `save_path_len` not 0 the torrents it points at are added there by their info-hashes. It runs
/// until `tern_session_dht_cancel`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_follow(
    s: *const tern_session,
    key: *const u8,
    salt: *const u8,
    salt_len: usize,
    interval_secs: u32,
    save_path: *const c_char,
    save_path_len: usize,
    out_token: *mut u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_follow"), err, || unsafe {
        writable(out_token)?;
        let (key, salt) = (PublicKey(array(key, "key")?), bytes(salt, salt_len)?);
        let add_to = if save_path_len == 0 { None } else { Some(path(save_path, save_path_len)?) };
        let interval = Duration::from_secs(interval_secs.into());
        put(out_token, get(s)?.dht_follow(key, salt, interval, add_to)?)
    })
}

/// Publishes a pointer to a torrent (BEP 46) with a secret key (64 bytes) under a salt, and keeps
/// it alive until `tern_session_dht_cancel`. Comes as DHT_PUBLISHED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_publish(
    s: *const tern_session,
    secret: *const u8,
    salt: *const u8,
    salt_len: usize,
    info_hash: *const u8,
    out_token: *mut u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_publish"), err, || unsafe {
        writable(out_token)?;
        let secret = SecretKey::from_expanded(&array(secret, "secret key")?);
        let salt = bytes(salt, salt_len)?;
        put(out_token, get(s)?.dht_publish(secret, salt, hash(info_hash)?)?)
    })
}

/// Ends what runs under a token of the DHT. Results that are queued stay; nothing more comes. Fine
/// when nothing runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_cancel(
    s: *const tern_session,
    token: u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_cancel"), err, || unsafe {
        get(s)?.dht_cancel(token)?;
        Ok(())
    })
}

/// A node to get acquainted with, `host:port`; names are resolved.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_add_node(
    s: *const tern_session,
    host: *const c_char,
    host_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_add_node"), err, || unsafe {
        get(s)?.dht_add_node(text(host, host_len)?)?;
        Ok(())
    })
}

/// The id (20 bytes) of our node at the first listening address. `TERN_E_STATE` while there is
/// none. Waits for the network thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_id(
    s: *const tern_session,
    out: *mut u8,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_id"), err, || unsafe {
        let ids = get(s)?.dht_ids()?;
        let none = || Error::new(ErrorKind::State, "there is no node of the DHT");
        put(out.cast::<[u8; 20]>(), ids.first().ok_or_else(none)?.id.0)
    })
}

/// Takes an id (20 bytes) at the first listening address, for programs that keep their ids
/// themselves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_set_id(
    s: *const tern_session,
    id: *const u8,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_set_id"), err, || unsafe {
        get(s)?.dht_set_id(target(id)?)?;
        Ok(())
    })
}

/// The nodes that are known to be there, one a line: id, a space, address. Waits for the network
/// thread.
///
/// Ownership: `tern_buf_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_take_dht_nodes(
    s: *const tern_session,
    out: *mut tern_buf,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_take_dht_nodes"), err, || unsafe {
        writable(out)?;
        let nodes = get(s)?.dht_nodes()?;
        let lines: Vec<String> = nodes.iter().map(|n| format!("{} {}", n.id, n.addr)).collect();
        put(out, buf(lines.join("\n").into_bytes()))
    })
}

/// Snapshot of the DHT; zeros while it is off. Waits for the network thread. Call the macro
/// `tern_session_dht_stats`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_dht_stats_sized(
    s: *const tern_session,
    out: *mut tern_dht_stats,
    out_size: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_dht_stats_sized"), err, || unsafe {
        put_sized(out, out_size, stats(get(s)?)?)?;
        Ok(())
    })
}

/// Sets the hook that is asked about each query of others before it is answered (DHT_QUERY). `mode`
/// is `TERN_HOOK_*`, `flags` is 0. ACCEPT and PASS let it be answered; any other verdict, or none
/// within five seconds, does not. While 256 wait, further ones are not answered. `destroy` may be
/// NULL; it runs exactly once, also when this call fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_set_dht_hook(
    s: *const tern_session,
    mode: i32,
    flags: u32,
    hook: tern_hook_fn,
    user: *mut c_void,
    destroy: tern_destroy_fn,
    err: *mut *mut tern_error,
) -> tern_result {
    let registration = Registration { mode, flags, hook, user: User { user, destroy } };
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_set_dht_hook"), err, || unsafe {
        let hook = registration.hook();
        get(s)?.set_dht_hook(hook?)?;
        Ok(())
    })
}

/// What a host without a state directory keeps for the next session: ids and nodes of the DHT,
/// pointers that were followed and published. Waits for the network thread.
///
/// Ownership: `tern_buf_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_take_state(
    s: *const tern_session,
    out: *mut tern_buf,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_take_state"), err, || unsafe {
        writable(out)?;
        put(out, buf(get(s)?.save_state()?))
    })
}

/// Takes what `tern_session_take_state` gave, of any session; best right after `tern_session_new`.
/// `TERN_E_RESUME` when it is something else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_load_state(
    s: *const tern_session,
    state: *const u8,
    state_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_load_state"), err, || unsafe {
        get(s)?.load_state(bytes(state, state_len)?)?;
        Ok(())
    })
}

/// Whether the torrent starts with the DHT: 1 or 0. Without this call it does, unless it is private
/// or its resume data says otherwise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_dht(
    add: *mut tern_add,
    on: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_dht"), err, || unsafe {
        get_mut(add)?.set_dht(on != 0);
        Ok(())
    })
}

/// Switches a torrent's use of the DHT on (1) or off (0): to be looked up and announced. Saved with
/// its state. Private torrents never do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_dht(
    t: *const tern_torrent,
    on: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_dht"), err, || unsafe {
        get(t)?.set_dht(on != 0)?;
        Ok(())
    })
}

/// Looks a torrent up and announces it now. `TERN_E_STATE` when it is private or the DHT is off.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_dht_announce(
    t: *const tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_dht_announce"), err, || unsafe {
        get(t)?.dht_announce()?;
        Ok(())
    })
}

/// The ed25519 key pair that follows from 32 bytes of the host's entropy: a secret key (64 bytes,
/// expanded form, as libtorrent has it) and a public key (32 bytes). Either output may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_dht_keypair(
    seed: *const u8,
    out_secret: *mut u8,
    out_public: *mut u8,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_dht_keypair"), err, || unsafe {
        let secret = SecretKey::from_seed(&array(seed, "seed")?);
        if !out_secret.is_null() {
            put(out_secret.cast::<[u8; 64]>(), *secret.expanded())?;
        }
        if !out_public.is_null() {
            put(out_public.cast::<[u8; 32]>(), secret.public().0)?;
        }
        Ok(())
    })
}

/// Signs a bencoded value as version `seq` of an item under a salt (BEP 44): writes 64 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_dht_sign(
    secret: *const u8,
    salt: *const u8,
    salt_len: usize,
    seq: i64,
    value: *const u8,
    value_len: usize,
    out_signature: *mut u8,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_dht_sign"), err, || unsafe {
        let secret = SecretKey::from_expanded(&array(secret, "secret key")?);
        let value = dht_value(bytes(value, value_len)?)?;
        let item = dht_sign(&secret, bytes(salt, salt_len)?, seq, value)?;
        put(out_signature.cast::<[u8; 64]>(), *item.signature())
    })
}

/// Where an item is stored (BEP 44): writes 20 bytes. With `key` NULL the SHA-1 of a bencoded
/// value; else that of the key (32 bytes) and the salt, and the value is not looked at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_dht_target(
    key: *const u8,
    salt: *const u8,
    salt_len: usize,
    value: *const u8,
    value_len: usize,
    out_target: *mut u8,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_dht_target"), err, || unsafe {
        let target = if key.is_null() {
            DhtItem::Immutable(dht_value(bytes(value, value_len)?)?).target()
        } else {
            PublicKey(array(key, "key")?).target(bytes(salt, salt_len)?)
        };
        put(out_target.cast::<[u8; 20]>(), target.0)
    })
}
