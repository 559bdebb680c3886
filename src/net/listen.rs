//! Listen sockets.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections the kernel completes for us before we accept them.
const BACKLOG: i32 = 512;

/// Binds every `host:port` of `wanted`. Where port 0 is asked for, the system chooses; once it has,
/// later port 0 entries try the same number first, so that one port can be told to trackers for
/// both address families. The sockets are non-blocking and close on exec.
#[must_use]
pub fn bind_all(wanted: &[String]) -> Vec<(String, io::Result<TcpListener>)> {
    let mut chosen = None;
    let mut out = Vec::with_capacity(wanted.len());
    for entry in wanted {
        let result = bind_entry(entry, chosen);
        if let Ok(Ok(addr)) = result.as_ref().map(TcpListener::local_addr) {
            chosen = chosen.or_else(|| Some(addr.port()));
        }
        out.push((entry.clone(), result));
    }
    out
}

/// Binds the first address of `entry` that can be bound; `hint` replaces port 0 when that is free.
fn bind_entry(entry: &str, hint: Option<u16>) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on");
    for addr in entry.to_socket_addrs()? {
        if let (0, Some(port)) = (addr.port(), hint)
            && let Ok(listener) = bind(SocketAddr::new(addr.ip(), port))
        {
            return Ok(listener);
        }
        match bind(addr) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A listening, non-blocking socket on exactly this address.
pub fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    // `Socket::new` sets close-on-exec, atomically where the system can.
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if addr.is_ipv6() {
        // One family per socket: then `[::]` and `0.0.0.0` can share a port, on every system.
        socket.set_only_v6(true)?;
    }
    // On Unix: a restart may bind while old connections linger. On Windows it would mean stealing.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_zero_entries_share_a_port_and_bad_entries_fail_alone() {
        let wanted = ["127.0.0.1:0", "nonsense", "127.0.0.2:0"].map(String::from);
        let bound = bind_all(&wanted);
        let port = |i: usize| bound[i].1.as_ref().unwrap().local_addr().unwrap().port();
        assert_ne!(port(0), 0);
        assert_eq!(port(0), port(2));
        assert!(bound[1].1.is_err());
    }

    #[test]
    fn a_taken_port_is_an_error_when_asked_for_and_no_obstacle_as_a_hint() {
        let taken = bind("127.0.0.1:0".parse().unwrap()).unwrap().local_addr().unwrap();
        let keep = bind(taken);
        let holder = keep.unwrap_or_else(|_| bind(taken).unwrap());
        assert!(bind(holder.local_addr().unwrap()).is_err());
        let other = bind_entry("127.0.0.1:0", Some(taken.port())).unwrap();
        assert_ne!(other.local_addr().unwrap().port(), taken.port());
    }
}
