//! Layer 4: sockets. CONTRACT SKETCH.
//!
//! tokio TCP sockets and listeners, name resolution, the HTTP(S) client transport. Deliberately absent:
//! torrents, peers' meaning, policy.
