//! One task per peer connection: bytes between a socket and its torrent's brain.
//!
//! The task owns the socket and the receive buffer. It reads as long as the brain wants input, the
//! disk keeps up and the rate limits allow, hands what it read to the brain in place, and writes
//! what the brain queued, many messages per system call. An idle connection holds no buffer.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{BufMut, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::Shard;
use super::fleet::Permit;
use super::limit::{self, Direction, Grant};
use super::outbox::{Failure, Way};
use super::slot::{Conn, Slot};
use crate::engine::host::Traffic;
use crate::engine::settings::SendInPlace;
use crate::net::{canonical, send};
use crate::swarm::Input;

/// Bytes of buffer a connection starts reading with.
const CHUNK_MIN: usize = 16 * 1024;
/// From here on it reads into the shard's pooled buffers, which hold some 16 blocks; below, into
/// a buffer of its own.
const CHUNK_MAX: usize = 128 * 1024;
/// Bytes of partial message for which a buffer is never too full to go on.
const SPARE_MIN: usize = 4 * 1024;
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
    if !shard.may_use(slot.id, conn.addr, false).await {
        slot.conns.borrow_mut().remove(&conn.key);
        return shard.input(&slot, Input::ConnectFailed { peer: conn.key });
    }
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
    let in_place = sends_in_place(&shard, &stream, conn.addr.ip());
    let end = {
        let (shard, slot, conn) = (&shard, &slot, &*conn);
        let mut io =
            Io { shard, slot, conn, stream, in_place, buf: rest, chunk: CHUNK_MIN, pooled: false };
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
    /// File content goes to this peer without passing through our memory.
    in_place: bool,
    buf: BytesMut,
    /// Buffer size to read with: grows while reads fill it, shrinks while they do not.
    chunk: usize,
    /// `buf` is one of the shard's pool.
    pooled: bool,
}

impl Drop for Io<'_> {
    fn drop(&mut self) {
        // A pooled buffer is not lost with its connection, however that ends.
        self.buf.clear();
        self.return_buffer();
    }
}

impl Io<'_> {
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.conn.note_waker(cx.waker());
        let last = self.slot.brain.borrow().reads_last(self.conn.key);
        for _ in 0..if last { 1 } else { TURNS } {
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
        while !self.conn.out.borrow().is_empty() {
            let Some((allowed, limited)) = self.grant(Direction::Up, cx) else { break };
            let Poll::Ready(ready) = self.stream.poll_write_ready(cx) else { break };
            ready.map_err(|e| lost(&e))?;
            let sent = {
                let mut copies = self.shard.copies.borrow_mut();
                let way = if self.in_place { Way::InPlace } else { Way::Copied(&mut copies) };
                self.conn.out.borrow_mut().send(&self.stream, way, allowed)
            };
            match sent {
                // Full: readiness is gone until there is room.
                Ok(0) => continue,
                Ok(n) => {
                    self.consume(Direction::Up, n);
                    written += n;
                }
                Err(Failure::Socket(e)) => return Err(lost(&e)),
                Err(Failure::Content(error)) => {
                    let peer = self.conn.key;
                    self.shard.input(self.slot, Input::Unreadable { peer, error });
                    return Err(End::Ours);
                }
            }
            step = Step::Moved;
            if limited {
                step = Step::Yield;
                break;
            }
        }
        if written > 0 {
            if self.slot.wire.get() {
                let (peer, addr, bytes) = (self.conn.key, self.conn.addr, written as u64);
                self.shard.host.traffic(self.slot.id, Traffic::Sent { peer, addr, bytes });
            }
            let pending = self.conn.pending();
            self.shard.input(self.slot, Input::Drained { peer: self.conn.key, pending });
        }
        Ok(step)
    }

    /// Reads once and lets the brain have it.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<Step, End> {
        if self.conn.closed.get() || !self.shard.may_read(self.slot, self.conn.key) {
            return Ok(Step::Idle);
        }
        let Some((allowed, limited)) = self.grant(Direction::Down, cx) else {
            return Ok(Step::Idle);
        };
        match self.stream.poll_read_ready(cx) {
            Poll::Pending => {
                self.rest();
                return Ok(Step::Idle);
            }
            Poll::Ready(ready) => ready.map_err(|e| lost(&e))?,
        }
        let Poll::Ready(result) = self.fill(cx, allowed) else { return Ok(Step::Idle) };
        match result.map_err(|e| lost(&e))? {
            0 => return Err(End::Theirs(0)),
            n => {
                self.consume(Direction::Down, n);
                if self.slot.wire.get() {
                    let (peer, addr, bytes) = (self.conn.key, self.conn.addr, n as u64);
                    self.shard.host.traffic(self.slot.id, Traffic::Received { peer, addr, bytes });
                }
            }
        }
        self.deliver();
        Ok(if limited { Step::Yield } else { Step::Moved })
    }

    /// One read into the buffer, of at most `allowed` bytes.
    fn fill(&mut self, cx: &mut Context<'_>, allowed: usize) -> Poll<io::Result<usize>> {
        if self.buf.capacity() - self.buf.len() < SPARE_MIN.max(self.chunk / 4) {
            self.make_room();
        }
        let room = (self.buf.capacity() - self.buf.len()).min(allowed);
        let result = {
            let mut target = (&mut self.buf).limit(room);
            let reading = pin!(self.stream.read_buf(&mut target));
            reading.poll(cx)
        };
        match result {
            Poll::Ready(Ok(n)) if n == room && n < allowed => {
                self.chunk = (self.chunk * 2).min(CHUNK_MAX);
            }
            Poll::Ready(Ok(n)) if n < self.chunk / 8 => {
                self.chunk = (self.chunk / 2).max(CHUNK_MIN);
            }
            Poll::Ready(Ok(_)) => {}
            _ => self.rest(),
        }
        result
    }

    /// Gets a buffer with room; what was received of a message that is not complete moves along.
    fn make_room(&mut self) {
        let mut pool = self.shard.buffers.borrow_mut();
        let fits = self.chunk == CHUNK_MAX && self.buf.len() <= pool.size() / 2;
        let fresh = if fits { pool.take() } else { None };
        drop(pool);
        match fresh {
            Some(fresh) => {
                self.shard.buffers_used();
                self.move_to(fresh);
                self.pooled = true;
            }
            None if self.pooled => {
                self.move_to(BytesMut::with_capacity(self.buf.len() + CHUNK_MIN));
            }
            None => {
                if self.buf.is_empty() {
                    self.buf = self.shard.scratch.take();
                }
                self.buf.reserve(self.chunk);
            }
        }
    }

    /// Goes on in another buffer.
    fn move_to(&mut self, mut fresh: BytesMut) {
        fresh.extend_from_slice(&self.buf);
        self.buf.clear();
        self.return_buffer();
        self.buf = fresh;
    }

    /// Gives the received bytes to the brain; what is left is the beginning of a message.
    fn deliver(&mut self) {
        self.shard.received(self.slot, self.conn.key, &mut self.buf);
        if !self.pooled {
            self.return_buffer();
        }
    }

    /// Nothing to read for now: others may need the buffer more.
    fn rest(&mut self) {
        if self.pooled && !self.buf.is_empty() && self.shard.buffers.borrow().is_short() {
            self.move_to(BytesMut::with_capacity(self.buf.len() + CHUNK_MIN));
        }
        self.return_buffer();
    }

    /// An empty buffer goes to whoever reads next.
    fn return_buffer(&mut self) {
        if !self.buf.is_empty() || self.buf.capacity() == 0 && !self.pooled {
            return;
        }
        let buffer = std::mem::take(&mut self.buf);
        if std::mem::take(&mut self.pooled) {
            self.shard.buffers.borrow_mut().retire(buffer);
        } else {
            self.shard.scratch.set(buffer);
        }
    }
}

/// Whether file content is sent to this peer without reading it.
fn sends_in_place(shard: &Shard, stream: &TcpStream, peer: IpAddr) -> bool {
    match shard.settings().send_in_place {
        _ if !send::FILES => false,
        SendInPlace::Never => false,
        SendInPlace::Always => true,
        // Between processes of one machine two copies out of warm memory cost both sides less
        // together than one out of the page cache.
        SendInPlace::Remote => {
            let ours = stream.local_addr().map(|addr| canonical(addr).ip());
            !peer.is_loopback() && ours.is_ok_and(|ours| ours != peer)
        }
    }
}

fn lost(error: &io::Error) -> End {
    End::Theirs(error.raw_os_error().unwrap_or(0))
}
