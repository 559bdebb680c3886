//! One task per peer connection: bytes between a socket and its torrent's brain.
//!
//! The task owns the socket and the receive buffer. It reads as long as the brain wants input, the
//! disk keeps up and the rate limits allow, hands what it read to the brain in place, and writes
//! what the brain queued, many messages per system call. An idle connection holds no buffer.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::Shard;
use super::fleet::Permit;
use super::limit::{self, Direction, Grant};
use super::slot::{Conn, Slot};
use crate::swarm::Input;

/// Bytes of buffer a connection starts reading with.
const CHUNK_MIN: usize = 16 * 1024;
/// Bytes of buffer a busy connection reads with: some 16 blocks per system call.
const CHUNK_MAX: usize = 256 * 1024;
/// Bytes of partial message for which a buffer is never too full to go on.
const SPARE_MIN: usize = 4 * 1024;
/// Slices per vectored write.
const SLICES: usize = 64;
/// Reads and writes per turn before other connections get theirs.
const TURNS: u32 = 8;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The brain or the shard closed it.
    Ours,
    /// The other side or the network; errno, 0 for an orderly end.
    Theirs(i32),
}

/// What one half of a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Nothing to do; will be woken.
    Idle,
    /// Bytes moved; there may be more.
    Moved,
    /// A rate-limited quantum moved: others' turn.
    Yield,
}

/// An outgoing attempt from permit to end. `conn` is already in the torrent's table.
pub(super) async fn dial(shard: Rc<Shard>, slot: Rc<Slot>, conn: Rc<Conn>) {
    let Some((permit, attempt)) = permits(&shard, &conn).await else { return };
    let timeout = shard.settings().connect_timeout;
    let connected = {
        let mut connecting = pin!(crate::net::dial::connect(conn.addr, timeout));
        poll_fn(|cx| {
            conn.note_waker(cx.waker());
            if conn.closed.get() {
                return Poll::Ready(None);
            }
            connecting.as_mut().poll(cx).map(Some)
        })
        .await
    };
    drop(attempt);
    shard.dials.permit_freed();
    match connected {
        None => {}
        Some(Ok(stream)) => {
            shard.input(&slot, Input::Connected { peer: conn.key });
            run(shard, slot, conn, stream, BytesMut::new(), permit).await;
        }
        Some(Err(_)) => {
            slot.conns.borrow_mut().remove(&conn.key);
            shard.input(&slot, Input::ConnectFailed { peer: conn.key });
        }
    }
}

/// Waits for room in the session's budgets: one connection, one attempt. `None` when given up.
async fn permits(shard: &Rc<Shard>, conn: &Rc<Conn>) -> Option<(Permit, Permit)> {
    poll_fn(|cx| {
        conn.note_waker(cx.waker());
        if conn.closed.get() {
            // A wake-up for a free permit may have come to us: pass it on.
            shard.dials.permit_freed();
            return Poll::Ready(None);
        }
        let permits = shard.fleet.half_open().and_then(|h| Some((shard.fleet.connection()?, h)));
        if permits.is_none() {
            let due = shard.dials.wait(conn, shard.now());
            shard.wake_by(due);
            return Poll::Pending;
        }
        Poll::Ready(permits)
    })
    .await
}

/// Serves an established connection until it ends, then tells the brain.
pub(super) async fn run(
    shard: Rc<Shard>,
    slot: Rc<Slot>,
    conn: Rc<Conn>,
    stream: TcpStream,
    rest: BytesMut,
    permit: Permit,
) {
    let end = {
        let mut io = Io { shard: &shard, slot: &slot, conn: &conn, stream, buf: rest, chunk: 0 };
        io.chunk = CHUNK_MIN;
        if !io.buf.is_empty() {
            io.deliver();
        }
        poll_fn(|cx| {
            conn.in_turn.set(true);
            let polled = io.turn(cx);
            conn.in_turn.set(false);
            polled
        })
        .await
    };
    // The socket is closed by now; room for another connection.
    drop(permit);
    shard.dials.permit_freed();
    if let End::Theirs(os_errno) = end
        && slot.conns.borrow_mut().remove(&conn.key).is_some()
    {
        shard.input(&slot, Input::Disconnected { peer: conn.key, os_errno });
    }
}

/// A connection's socket and buffer during its task.
struct Io<'a> {
    shard: &'a Rc<Shard>,
    slot: &'a Rc<Slot>,
    conn: &'a Conn,
    stream: TcpStream,
    buf: BytesMut,
    /// Buffer size to read with: grows while reads fill it, shrinks while they do not.
    chunk: usize,
}

impl Io<'_> {
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.conn.note_waker(cx.waker());
        for _ in 0..TURNS {
            if self.conn.closed.get() {
                return Poll::Ready(End::Ours);
            }
            let steps = [Self::write, Self::read].map(|half| half(self, cx));
            let (mut moved, mut yielded) = (false, false);
            for step in steps {
                match step {
                    Ok(step) => {
                        moved |= step == Step::Moved;
                        yielded |= step == Step::Yield;
                    }
                    Err(_) if self.conn.closed.get() => return Poll::Ready(End::Ours),
                    Err(end) => return Poll::Ready(end),
                }
            }
            if yielded {
                break;
            }
            if !moved {
                // What the two halves led to may have queued bytes or closed us meanwhile.
                if self.conn.closed.get() {
                    return Poll::Ready(End::Ours);
                }
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// What the limits allow to pass now; `None` when the connection has been put in line.
    fn grant(&self, direction: Direction, cx: &Context<'_>) -> Option<(usize, bool)> {
        let limits = [&self.shard.limits, &self.slot.limits];
        match limit::grant(limits, direction, || self.shard.now()) {
            Grant::Unlimited => Some((usize::MAX, false)),
            Grant::Bytes(bytes) => Some((bytes, true)),
            Grant::NotBefore(at) => {
                let ticket: &Cell<u64> = &self.conn.tickets[direction as usize];
                self.shard.wait_for_rate(ticket, cx.waker(), at);
                None
            }
        }
    }

    fn consume(&self, direction: Direction, bytes: usize) {
        limit::consume([&self.shard.limits, &self.slot.limits], direction, bytes);
    }

    /// Writes until the queue is empty, the socket full or the quantum used up.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<Step, End> {
        let (mut written, mut step) = (0_usize, Step::Idle);
        loop {
            advance(&mut self.conn.out.borrow_mut(), 0);
            if self.conn.out.borrow().is_empty() {
                break;
            }
            let Some((allowed, limited)) = self.grant(Direction::Up, cx) else { break };
            let Poll::Ready(ready) = self.stream.poll_write_ready(cx) else { break };
            ready.map_err(|e| lost(&e))?;
            let result = write_some(&self.stream, &self.conn.out.borrow(), allowed);
            match result {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => continue,
                Err(e) => return Err(lost(&e)),
                Ok(0) => return Err(End::Theirs(0)),
                Ok(n) => {
                    advance(&mut self.conn.out.borrow_mut(), n);
                    self.consume(Direction::Up, n);
                    written += n;
                }
            }
            step = Step::Moved;
            if limited {
                step = Step::Yield;
                break;
            }
        }
        if written > 0 {
            let pending = self.conn.pending();
            self.shard.input(self.slot, Input::Drained { peer: self.conn.key, pending });
        }
        Ok(step)
    }

    /// Reads once and lets the brain have it.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<Step, End> {
        if self.conn.closed.get() || !self.shard.may_read(self.slot) {
            return Ok(Step::Idle);
        }
        let Some((allowed, limited)) = self.grant(Direction::Down, cx) else {
            return Ok(Step::Idle);
        };
        match self.stream.poll_read_ready(cx) {
            Poll::Pending => return Ok(Step::Idle),
            Poll::Ready(ready) => ready.map_err(|e| lost(&e))?,
        }
        let Poll::Ready(result) = self.fill(cx, allowed) else { return Ok(Step::Idle) };
        match result.map_err(|e| lost(&e))? {
            0 => return Err(End::Theirs(0)),
            n => self.consume(Direction::Down, n),
        }
        self.deliver();
        Ok(if limited { Step::Yield } else { Step::Moved })
    }

    /// One read into the buffer, of at most `allowed` bytes.
    fn fill(&mut self, cx: &mut Context<'_>, allowed: usize) -> Poll<io::Result<usize>> {
        if self.buf.is_empty() {
            self.buf = self.shard.scratch.take();
        }
        if self.buf.capacity() - self.buf.len() < SPARE_MIN.max(self.chunk / 4) {
            self.buf.reserve(self.chunk);
        }
        let room = (self.buf.capacity() - self.buf.len()).min(allowed);
        let result = {
            let mut target = (&mut self.buf).limit(room);
            let reading = pin!(self.stream.read_buf(&mut target));
            reading.poll(cx)
        };
        if let Poll::Ready(Ok(n)) = result {
            if n == room && n < allowed {
                self.chunk = (self.chunk * 2).min(CHUNK_MAX);
            } else if n < self.chunk / 8 {
                self.chunk = (self.chunk / 2).max(CHUNK_MIN);
            }
        } else {
            self.return_buffer();
        }
        result
    }

    /// Gives the received bytes to the brain; what is left is the beginning of a message.
    fn deliver(&mut self) {
        self.shard.received(self.slot, self.conn.key, &mut self.buf);
        self.return_buffer();
    }

    /// An empty buffer goes to whoever reads next.
    fn return_buffer(&mut self) {
        if self.buf.is_empty() && self.buf.capacity() > 0 {
            self.shard.scratch.set(std::mem::take(&mut self.buf));
        }
    }
}

/// One vectored write of at most `allowed` bytes from the front of the queue.
fn write_some(stream: &TcpStream, out: &VecDeque<Bytes>, allowed: usize) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    let (mut used, mut left) = (0, allowed);
    for (slice, bytes) in slices.iter_mut().zip(out.iter().filter(|b| !b.is_empty())) {
        let part = bytes.get(..left).unwrap_or(bytes);
        if part.is_empty() {
            break;
        }
        left -= part.len();
        *slice = IoSlice::new(part);
        used += 1;
    }
    stream.try_write_vectored(slices.get(..used).unwrap_or(&[]))
}

/// Drops `n` written bytes from the front of the queue, and empty chunks that follow them.
fn advance(out: &mut VecDeque<Bytes>, mut n: usize) {
    while let Some(front) = out.front_mut() {
        if n < front.len() {
            front.advance(n);
            return;
        }
        n -= front.len();
        out.pop_front();
    }
}

fn lost(error: &io::Error) -> End {
    End::Theirs(error.raw_os_error().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advancing_drops_whole_and_partial_chunks() {
        let mut out: VecDeque<Bytes> = ["abc", "de", "", "fgh"].map(Bytes::from).into();
        advance(&mut out, 4);
        assert_eq!(out, ["e", "", "fgh"].map(Bytes::from));
        advance(&mut out, 1);
        assert_eq!(out, ["fgh"].map(Bytes::from));
        advance(&mut out, 3);
        assert!(out.is_empty());
    }
}
