//! Torrent creation. CONTRACT SKETCH.
