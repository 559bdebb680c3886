//! Bytes on their way out: small messages coalesced, block payloads untouched and withdrawable.
//!
//! A queued block keeps its header unwritten until it is taken, so that withdrawing one (after a
//! cancel or a choke) is the removal of one element. Deliberately absent: rate limits, sockets.

use std::collections::VecDeque;

use bytes::BytesMut;

use super::wire;
use crate::base::{BlockSpan, Payload};

#[derive(Debug)]
enum Item {
    /// Encoded messages.
    Small(BytesMut),
    /// A piece message; `data` is as long as the span says.
    Block { span: BlockSpan, data: Payload },
}

/// Messages queued for one peer, in order.
#[derive(Debug, Default)]
pub(super) struct Output {
    items: VecDeque<Item>,
    bytes: usize,
}

impl Output {
    /// Bytes queued, headers included.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    /// Lets `write` append small messages.
    pub(super) fn push_small(&mut self, write: impl FnOnce(&mut BytesMut)) {
        if !matches!(self.items.back(), Some(Item::Small(_))) {
            self.items.push_back(Item::Small(BytesMut::new()));
        }
        if let Some(Item::Small(buffer)) = self.items.back_mut() {
            let before = buffer.len();
            write(buffer);
            self.bytes += buffer.len() - before;
        }
    }

    /// Appends a piece message.
    pub(super) fn push_block(&mut self, span: BlockSpan, data: Payload) {
        self.bytes += wire::PIECE_HEADER_LEN + data.len();
        self.items.push_back(Item::Block { span, data });
    }

    /// Withdraws the first queued block that is exactly `span`.
    pub(super) fn remove_block(&mut self, span: BlockSpan) -> bool {
        let found = self
            .items
            .iter()
            .position(|item| matches!(item, Item::Block { span: queued, .. } if *queued == span));
        let Some(Item::Block { data, .. }) = found.and_then(|at| self.items.remove(at)) else {
            return false;
        };
        self.bytes -= wire::PIECE_HEADER_LEN + data.len();
        true
    }

    /// Withdraws all queued blocks, in order.
    pub(super) fn remove_blocks(&mut self) -> Vec<BlockSpan> {
        let mut removed = Vec::new();
        let mut bytes = 0;
        self.items.retain(|item| match item {
            Item::Small(_) => true,
            Item::Block { span, data } => {
                removed.push(*span);
                bytes += wire::PIECE_HEADER_LEN + data.len();
                false
            }
        });
        self.bytes -= bytes;
        removed
    }

    /// Moves everything out. Headers join the small messages in front of them.
    pub(super) fn take(&mut self, out: &mut VecDeque<Payload>) {
        // All headers of one take share an allocation.
        let headers = self.items.iter().filter(|item| matches!(item, Item::Block { .. })).count();
        let mut small = BytesMut::with_capacity(headers * wire::PIECE_HEADER_LEN);
        for item in self.items.drain(..) {
            match item {
                Item::Small(buffer) if headers == 0 && small.is_empty() => small = buffer,
                Item::Small(buffer) => small.extend_from_slice(&buffer),
                Item::Block { span, data } => {
                    wire::encode_piece_header(span, &mut small);
                    out.push_back(small.split().freeze().into());
                    out.push_back(data);
                }
            }
        }
        if !small.is_empty() {
            out.push_back(small.freeze().into());
        }
        self.bytes = 0;
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
