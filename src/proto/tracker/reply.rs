//! SKETCH of signatures; body follows.
#![allow(unused_variables, clippy::todo, reason = "contract sketch")]

use super::{AnnounceReply, ReplyError};

/// Reads an announce reply.
pub fn parse_announce(body: &[u8]) -> Result<AnnounceReply, ReplyError> {
    todo!()
}
