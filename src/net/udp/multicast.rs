//! Sockets that hear a multicast group, on chosen interfaces.
//!
//! One socket per family and port, shared with other programs on the machine that listen to the
//! same group. Deliberately absent: what is said in the group.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::UdpSocket;

/// Hops a datagram to a group may take: BEP 14's groups are of the site, but one network is what is
/// meant.
const HOPS: u32 = 1;

/// An address of one of this machine's interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Name as the system has it.
    pub name: String,
    /// Its number, for IPv6.
    pub index: u32,
    /// The address.
    pub ip: IpAddr,
}

/// The addresses of the interfaces that are up and can do multicast. The loopback interface can
/// not, as far as the system says.
///
/// # Errors
/// When the system does not tell.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    Ok(all()?.into_iter().filter(|(_, usable)| *usable).map(|(interface, _)| interface).collect())
}

/// All addresses of this machine, as far as the system tells.
#[must_use]
pub fn own_addresses() -> Vec<IpAddr> {
    all().unwrap_or_default().into_iter().map(|(interface, _)| interface.ip).collect()
}

/// Every address, and whether its interface is up and can do multicast.
#[cfg(unix)]
fn all() -> io::Result<Vec<(Interface, bool)>> {
    let mut first: *mut libc::ifaddrs = core::ptr::null_mut();
    // SAFETY: the call puts a list there that is ours until it is freed below.
    if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut found = Vec::new();
    let mut at = first;
    // SAFETY: entries of the list are valid until it is freed; the last has no next one.
    while let Some(entry) = unsafe { at.as_ref() } {
        // SAFETY: as above; the entry's name is a C string.
        found.extend(unsafe { read(entry) });
        at = entry.ifa_next;
    }
    // SAFETY: the list is the one that was given to us, and nothing of it is used any more.
    unsafe { libc::freeifaddrs(first) };
    Ok(found)
}

/// An entry, when it is an address.
///
/// # Safety
/// The entry is one of `getifaddrs`' list that was not freed.
#[cfg(unix)]
unsafe fn read(entry: &libc::ifaddrs) -> Option<(Interface, bool)> {
    let flags = i32::try_from(entry.ifa_flags).unwrap_or(0);
    let usable = flags & libc::IFF_UP != 0 && flags & libc::IFF_MULTICAST != 0;
    // SAFETY: an address is absent or valid, and as long as its family says.
    let ip: IpAddr = unsafe {
        let family = i32::from(entry.ifa_addr.as_ref()?.sa_family);
        match family {
            libc::AF_INET => {
                let addr = entry.ifa_addr.cast::<libc::sockaddr_in>().read_unaligned();
                Ipv4Addr::from(u32::from_be(addr.sin_addr.s_addr)).into()
            }
            libc::AF_INET6 => {
                let addr = entry.ifa_addr.cast::<libc::sockaddr_in6>().read_unaligned();
                Ipv6Addr::from(addr.sin6_addr.s6_addr).into()
            }
            _ => return None,
        }
    };
    // SAFETY: the name is a C string of the entry.
    let (name, index) = unsafe {
        let name = std::ffi::CStr::from_ptr(entry.ifa_name);
        (name.to_string_lossy().into_owned(), libc::if_nametoindex(entry.ifa_name))
    };
    Some((Interface { name, index, ip }, usable))
}

/// Not on this system.
///
/// # Errors
/// `Unsupported`, always.
#[cfg(not(unix))]
fn all() -> io::Result<Vec<(Interface, bool)>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A socket that hears what is sent to the port of `group`, once it has joined ([`join`]).
///
/// # Errors
/// When the port is taken by a program that does not share it.
pub fn bind(group: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(group), Type::DGRAM, Some(Protocol::UDP))?;
    // Shared with every other client on this machine.
    socket.set_reuse_address(true)?;
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    // On Unix binding to the group keeps out what others send to this port of ours.
    let at = if cfg!(unix) {
        group
    } else if group.is_ipv6() {
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, group.port()))
    } else {
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, group.port()))
    };
    if group.is_ipv6() {
        socket.set_only_v6(true)?;
        socket.set_multicast_hops_v6(HOPS)?;
        socket.set_multicast_loop_v6(true)?;
    } else {
        socket.set_multicast_ttl_v4(HOPS)?;
        socket.set_multicast_loop_v4(true)?;
    }
    socket.bind(&at.into())?;
    Ok(socket.into())
}

/// Hears the group on an interface from now on. Having joined before is no error.
///
/// # Errors
/// When the interface cannot, or belongs to the other family.
pub fn join(socket: &UdpSocket, group: IpAddr, on: &Interface) -> io::Result<()> {
    let joined = match (group, on.ip) {
        (IpAddr::V4(group), IpAddr::V4(ip)) => socket.join_multicast_v4(group, ip),
        (IpAddr::V6(group), IpAddr::V6(_)) => socket.join_multicast_v6(&group, on.index),
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    match joined {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(()),
        other => other,
    }
}

/// Sends a datagram to the group on an interface.
///
/// # Errors
/// As [`super::send`].
pub fn send(socket: &UdpSocket, group: SocketAddr, on: &Interface, data: &[u8]) -> io::Result<()> {
    let options = SockRef::from(socket);
    match on.ip {
        IpAddr::V4(ip) => options.set_multicast_if_v4(&ip)?,
        IpAddr::V6(_) => options.set_multicast_if_v6(on.index)?,
    }
    super::send(socket, group, data)
}
