//! Datagram sockets: bound as we want them, read in batches, sent on without waiting.
//!
//! [`bind`] makes a socket, [`Batch`] takes what waits in it with one system call where the system
//! can do that, [`send`] gives the kernel one datagram. That a datagram could not be delivered is
//! told where the system tells it ([`Batch::bounced`]). Deliberately absent: who reads what came,
//! waiting for room to send (a datagram that does not fit is lost, as others are on their way).

#[cfg(target_os = "linux")]
mod linux;
pub mod multicast;

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Datagrams of one batch at most.
pub const BATCH: usize = 32;
/// Bytes of a datagram that are taken; a longer one is dropped and counted. Room for a tracker's
/// reply with 450 IPv6 peers.
pub const DATAGRAM_BYTES: usize = 8192;
/// Bytes the kernel keeps of what came while we did something else.
const KERNEL_BYTES: usize = 1 << 20;

/// A non-blocking socket on exactly this address, closed on exec.
///
/// # Errors
/// When the address is not ours or is taken.
pub fn bind(addr: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        // One family per socket, as for TCP.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // Less room is no reason to do without the socket.
    let _ = socket.set_recv_buffer_size(KERNEL_BYTES);
    #[cfg(target_os = "linux")]
    linux::report_bounces(&socket, addr.is_ipv6());
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

/// Gives the kernel a datagram. Does not wait.
///
/// # Errors
/// `WouldBlock` when the socket has no room now; whatever the system says of the address.
pub fn send(socket: &UdpSocket, to: SocketAddr, data: &[u8]) -> io::Result<()> {
    // Straight to the system: the reactor would have to have seen the socket writable before.
    let (socket, to) = (SockRef::from(socket), to.into());
    let sent = match socket.send_to(data, &to) {
        // Where bounces are reported, the error of an earlier datagram comes back here once.
        Err(error) if is_bounce(&error) => socket.send_to(data, &to)?,
        other => other?,
    };
    if sent == data.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Waits until something came or bounced; may end for nothing.
///
/// # Errors
/// When the socket is broken.
pub async fn ready(socket: &UdpSocket) -> io::Result<()> {
    socket.ready(interest()).await.map(drop)
}

fn interest() -> Interest {
    // An interest in errors alone is not to be had on all systems, nor are bounces.
    #[cfg(target_os = "linux")]
    return Interest::READABLE | Interest::ERROR;
    #[cfg(not(target_os = "linux"))]
    Interest::READABLE
}

fn is_bounce(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
}

/// A datagram that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// From.
    pub from: SocketAddr,
    /// Bytes.
    pub data: &'a [u8],
}

/// Room for datagrams, and the datagrams in it.
#[derive(Debug)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Length and sender of each.
    heads: Vec<(usize, SocketAddr)>,
    bounced: Vec<SocketAddr>,
    oversized: u64,
}

impl Default for Batch {
    /// The memory is the system's until it is written to.
    fn default() -> Self {
        Self {
            bytes: vec![0; BATCH * DATAGRAM_BYTES],
            heads: Vec::with_capacity(BATCH),
            bounced: Vec::new(),
            oversized: 0,
        }
    }
}

impl Batch {
    /// Takes at most [`BATCH`] datagrams, in place of those that were here. Wait for [`ready`]
    /// before.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there; otherwise the socket is broken. What became of datagrams
    /// is no error.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<()> {
        self.heads.clear();
        self.bounced.clear();
        let read = socket.try_io(Interest::READABLE, || self.fill(socket));
        #[cfg(target_os = "linux")]
        if socket.try_io(Interest::ERROR, || self.take_bounces(socket)).is_ok() {
            return Ok(());
        }
        read
    }

    /// Would block once there are none, so that the reactor looks again.
    #[cfg(target_os = "linux")]
    fn take_bounces(&mut self, socket: &UdpSocket) -> io::Result<()> {
        linux::bounces(socket, &mut self.bounced);
        if self.bounced.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    }

    #[cfg(target_os = "linux")]
    fn fill(&mut self, socket: &UdpSocket) -> io::Result<()> {
        match linux::receive(socket, &mut self.bytes, &mut self.heads) {
            Ok(oversized) => self.oversized += oversized,
            Err(error) if is_bounce(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn fill(&mut self, socket: &UdpSocket) -> io::Result<()> {
        let socket = socket2::SockRef::from(socket);
        for slot in self.bytes.chunks_exact_mut(DATAGRAM_BYTES) {
            let socket: &Socket = &socket;
            match io_loop::receive_from(socket, slot) {
                Ok(Some(head)) => self.heads.push(head),
                Ok(None) => self.oversized += 1,
                Err(_) if !self.heads.is_empty() => break,
                // Some systems report here that an earlier datagram of ours bounced.
                Err(error) if is_bounce(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The datagrams, in order of arrival.
    pub fn datagrams(&self) -> impl Iterator<Item = Datagram<'_>> {
        let slots = self.bytes.chunks_exact(DATAGRAM_BYTES);
        self.heads.iter().zip(slots).map(|((len, from), slot)| Datagram {
            from: *from,
            data: slot.get(..*len).unwrap_or(slot),
        })
    }

    /// Where datagrams of ours were not delivered: nobody listens there, or no way leads there.
    #[must_use]
    pub fn bounced(&self) -> &[SocketAddr] {
        &self.bounced
    }

    /// Datagrams longer than [`DATAGRAM_BYTES`] that were dropped since this was last asked.
    pub fn take_oversized(&mut self) -> u64 {
        core::mem::take(&mut self.oversized)
    }
}

#[cfg(not(target_os = "linux"))]
mod io_loop {
    //! One datagram at a time.

    use std::io;
    use std::mem::MaybeUninit;
    use std::net::SocketAddr;

    use socket2::Socket;

    /// `None` for one that does not fit, or that came from no internet address.
    pub(super) fn receive_from(
        socket: &Socket,
        slot: &mut [u8],
    ) -> io::Result<Option<(usize, SocketAddr)>> {
        let room = slot.len();
        // SAFETY: initialised bytes are fine where uninitialised ones are; the call only writes
        // initialised ones.
        let slot = unsafe { &mut *(core::ptr::from_mut(slot) as *mut [MaybeUninit<u8>]) };
        let (len, from) = socket.recv_from(slot)?;
        Ok(from.as_socket().filter(|_| len < room).map(|from| (len, from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(test: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(test)
    }

    fn open(addr: &str) -> UdpSocket {
        UdpSocket::from_std(bind(addr.parse().unwrap()).unwrap()).unwrap()
    }

    async fn receive(batch: &mut Batch, socket: &UdpSocket) {
        loop {
            ready(socket).await.unwrap();
            match batch.receive(socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other.unwrap(),
            }
        }
    }

    fn taken(batch: &Batch) -> Vec<(SocketAddr, Vec<u8>)> {
        batch.datagrams().map(|d| (d.from, d.data.to_vec())).collect()
    }

    fn both_families(addr: &str) {
        run(async {
            let (ours, theirs) = (open(addr), open(addr));
            let (to, from) = (ours.local_addr().unwrap(), theirs.local_addr().unwrap());
            let sent: Vec<Vec<u8>> = (0..40u8).map(|n| vec![n; usize::from(n)]).collect();
            for data in &sent {
                send(&theirs, to, data).unwrap();
            }
            let (mut batch, mut got, mut largest) = (Batch::default(), Vec::new(), 0);
            while got.len() < sent.len() {
                receive(&mut batch, &ours).await;
                largest = largest.max(taken(&batch).len());
                got.extend(taken(&batch));
            }
            assert!(largest <= BATCH);
            let expected: Vec<_> = sent.into_iter().map(|data| (from, data)).collect();
            assert_eq!(got, expected);
        });
    }

    #[test]
    fn datagrams_come_in_batches_in_order_and_whole() {
        both_families("127.0.0.1:0");
        both_families("[::1]:0");
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        run(async {
            let (ours, theirs) = (open("127.0.0.1:0"), open("127.0.0.1:0"));
            let to = ours.local_addr().unwrap();
            send(&theirs, to, &vec![1; DATAGRAM_BYTES + 1]).unwrap();
            send(&theirs, to, b"after").unwrap();
            let mut batch = Batch::default();
            while taken(&batch).is_empty() {
                receive(&mut batch, &ours).await;
            }
            assert_eq!(taken(&batch)[0].1, b"after");
            assert_eq!(batch.take_oversized(), 1);
            assert_eq!(batch.take_oversized(), 0);
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_closed_port_bounces_and_the_socket_goes_on() {
        run(async {
            for addr in ["127.0.0.1:0", "[::1]:0"] {
                let (ours, theirs) = (open(addr), open(addr));
                let closed = open(addr).local_addr().unwrap();
                send(&ours, closed, b"anybody?").unwrap();
                let mut batch = Batch::default();
                while batch.bounced().is_empty() {
                    receive(&mut batch, &ours).await;
                }
                assert_eq!(batch.bounced(), [closed]);
                // Somebody else hears us although one did not.
                send(&ours, closed, b"still nobody?").unwrap();
                send(&ours, theirs.local_addr().unwrap(), b"and you?").unwrap();
                receive(&mut batch, &theirs).await;
                assert_eq!(taken(&batch)[0].1, b"and you?");
            }
        });
    }
}
