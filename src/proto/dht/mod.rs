//! The distributed hash table (BEP 5, 32, 33, 42, 43, 44, 45, 46, 51), sans-IO.
//!
//! [`Dht`] is one session's presence in the DHT: a node for each listening address, one store for
//! all of them. [`Packet`] is the wire format; [`Item`] and its parts are what BEP 44 stores;
//! [`Follower`] and [`Publisher`] keep a torrent's mutable pointer up to date (BEP 46); [`Rounds`]
//! says whose turn it is when many torrents want to be looked up.
//! Deliberately absent: sockets, names (a driver resolves bootstrap hosts), clocks, files, and any
//! randomness but the generator and the secret that [`Dht::new`] is given.
//!
//! # How a driver uses it
//!
//! 1. [`Dht::new`] with the saved [`State`], then [`Input::Listen`] for each UDP socket; the socket
//!    may be shared with uTP, as [`Packet::looks_like`] tells whose a datagram is. Then
//!    [`Command::AddRouter`] with the addresses that the bootstrap hosts resolved to.
//! 2. Each datagram goes in as [`Input::Datagram`]; after each input, and when
//!    [`Dht::next_deadline`] has passed ([`Input::Timeout`]), [`Dht::poll_output`] is called until
//!    it has nothing. [`Output::Send`] goes out by that endpoint's socket; one that cannot be sent
//!    is dropped.
//! 3. Commands carry a number of the driver's and end with [`Output::Done`]. Peers are told as they
//!    are found. [`Input::Cancel`] ends a command without a word.
//! 4. [`Dht::save`] from time to time and at the end.
//!
//! Everything is bounded: see `base::limits`, [`Config`] and [`StorageConfig`]. Memory for others
//! is at most some 12 bytes a peer (24 for IPv6) and about 1200 bytes an item.

mod bloom;
mod calls;
mod compact;
mod guard;
mod id;
mod item;
mod krpc;
mod lookup;
mod machine;
mod results;
mod rounds;
mod run;
mod serve;
mod state;
mod storage;
mod table;
mod token;
mod types;
mod updates;
mod upkeep;

#[cfg(test)]
pub(super) mod tests;

pub use bloom::{BLOOM_BYTES, Bloom};
pub use compact::{Contact, is_usable, read_addr, read_contacts, write_addr, write_contacts};
pub use id::{Distance, ID_BITS, NodeId, is_exempt};
pub use item::{Item, ItemError, MutableItem, PublicKey, SecretKey, Value};
pub use krpc::{
    Body, DecodeError, Method, Packet, PutMutable, Query, Response, Sample, Want, code,
};
pub use machine::Dht;
pub use rounds::{Found, Role, Rounds, RoundsConfig, Turn};
pub use state::State;
pub use storage::{PutRefusal, Storage, StorageConfig};
pub use table::{K, Table, TableConfig};
pub use types::{
    Announce, Command, CommandId, Config, EndpointId, Failure, Input, ItemKey, LookupStats,
    Observe, Outcome, Output, QueryKind, Security, Stats, Ticket,
};
pub use updates::{
    Follower, FollowerInput, FollowerOutput, Publisher, PublisherInput, PublisherOutput,
    decode_pointer, encode_pointer,
};
