//! Listen sockets: for each address one for connections and one for datagrams, at the same port.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections the kernel completes for us before we accept them.
const BACKLOG: i32 = 512;

/// Ports that are tried where the system chooses, until one is free for datagrams too.
const PORTS_TRIED: usize = 16;

/// The sockets of one address.
#[derive(Debug)]
pub struct Bound {
    /// For connections.
    pub tcp: TcpListener,
    /// For datagrams, at the same address and port; or why not.
    pub udp: io::Result<UdpSocket>,
}

/// Binds every `host:port` of `wanted`. Where port 0 is asked for, the system chooses; once it has,
/// later port 0 entries try the same number first, so that one port can be told to trackers for
/// both address families. The sockets are non-blocking and close on exec.
#[must_use]
pub fn bind_all(wanted: &[String]) -> Vec<(String, io::Result<Bound>)> {
    let mut chosen = None;
    let mut out = Vec::with_capacity(wanted.len());
    for entry in wanted {
        let result = bind_entry(entry, chosen);
        if let Ok(Ok(addr)) = result.as_ref().map(|bound| bound.tcp.local_addr()) {
            chosen = chosen.or_else(|| Some(addr.port()));
        }
        out.push((entry.clone(), result));
    }
    out
}

/// Binds the first address of `entry` that can be bound; `hint` replaces port 0 when that is free.
fn bind_entry(entry: &str, hint: Option<u16>) -> io::Result<Bound> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on");
    for addr in entry.to_socket_addrs()? {
        if let (0, Some(port)) = (addr.port(), hint)
            && let Ok(bound) = bind_both(SocketAddr::new(addr.ip(), port))
            && bound.udp.is_ok()
        {
            return Ok(bound);
        }
        match bind_both(addr) {
            Ok(bound) => return Ok(bound),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Both sockets of an address. Where the system chooses the port, one that is free for both is
/// looked for; a port that was asked for is used for connections even if others have its datagrams.
fn bind_both(addr: SocketAddr) -> io::Result<Bound> {
    let tries = if addr.port() == 0 { PORTS_TRIED } else { 1 };
    // Kept until the end, so that the system does not choose them again.
    let mut passed = Vec::new();
    loop {
        let tcp = bind(addr)?;
        let udp = tcp.local_addr().and_then(super::udp::bind);
        if udp.is_ok() || passed.len() + 1 >= tries {
            return Ok(Bound { tcp, udp });
        }
        passed.push(tcp);
    }
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
        let port = |i: usize| bound[i].1.as_ref().unwrap().tcp.local_addr().unwrap().port();
        assert_ne!(port(0), 0);
        assert_eq!(port(0), port(2));
        assert!(bound[1].1.is_err());
        for bound in [&bound[0].1, &bound[2].1] {
            let bound = bound.as_ref().unwrap();
            let udp = bound.udp.as_ref().unwrap().local_addr().unwrap();
            assert_eq!(udp, bound.tcp.local_addr().unwrap());
        }
    }

    #[test]
    fn somebody_elses_datagrams_cost_only_ours() {
        let taken = super::super::udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let addr = taken.local_addr().unwrap();
        let bound = bind_entry(&addr.to_string(), None).unwrap();
        assert_eq!(bound.tcp.local_addr().unwrap(), addr);
        assert_eq!(bound.udp.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        // Where the port is not given, one that is free for both is found.
        let other = bind_entry("127.0.0.1:0", Some(addr.port())).unwrap();
        let port = |a: io::Result<SocketAddr>| a.unwrap().port();
        assert_eq!(port(other.udp.unwrap().local_addr()), port(other.tcp.local_addr()));
    }

    #[test]
    fn a_taken_port_is_an_error_when_asked_for_and_no_obstacle_as_a_hint() {
        let taken = bind("127.0.0.1:0".parse().unwrap()).unwrap().local_addr().unwrap();
        let keep = bind(taken);
        let holder = keep.unwrap_or_else(|_| bind(taken).unwrap());
        assert!(bind(holder.local_addr().unwrap()).is_err());
        let other = bind_entry("127.0.0.1:0", Some(taken.port())).unwrap();
        assert_ne!(other.tcp.local_addr().unwrap().port(), taken.port());
    }
}
