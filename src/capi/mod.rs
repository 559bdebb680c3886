//! Layer 7: the C ABI. Exported functions over the `api` room and nothing else.
//!
//! The header (`include/tern.h`), `abi/symbols.tsv`, `docs/options.md` and `bindings/options.json`
//! are generated from this folder and the option table by `cargo run -p xtask -- header`. Rules for
//! every function: the body runs inside a guard (panics, fork, re-entrancy), pointers are checked
//! for NULL, out-parameters are written only on success, nothing is printed, no host memory is
//! freed. Deliberately absent: behaviour. What a function does is in `api`.
#![expect(non_camel_case_types, reason = "the C names are the types' names")]

mod add;
mod config;
pub mod consts;
mod consts_dht;
mod convert;
mod create;
mod dht;
mod error;
mod event;
mod event_dht;
mod events;
mod fork;
mod guard;
mod hooks;
mod metainfo;
mod object;
mod options_text;
mod session;
pub mod table;
mod torrent;
mod torrent_info;
pub mod types;
mod version;
