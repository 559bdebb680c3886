//! Many datagrams with one call, and the kernel's queue of those that were not delivered.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::AsRawFd;
use std::ptr;

use socket2::Socket;
use tokio::net::UdpSocket;

use super::{BATCH, DATAGRAM_BYTES};

/// Reports of undelivered datagrams read at a time: a flood of them does not keep us.
const BOUNCES_MAX: usize = 64;
/// Bytes of an address, as the system counts them.
#[expect(clippy::cast_possible_truncation, reason = "128 bytes")]
const NAME_BYTES: libc::socklen_t = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
/// [`BATCH`], as the system counts.
#[expect(clippy::cast_possible_truncation, reason = "a small constant")]
const BATCH_C: libc::c_uint = BATCH as libc::c_uint;
/// Bytes of a report's ancillary data: an error, the address of who reported it, and some room.
const CONTROL_BYTES: usize = 256;

/// Has the kernel keep reports of datagrams that were not delivered. Without them a tracker that
/// is not there costs its whole time-out.
pub(super) fn report_bounces(socket: &Socket, v6: bool) {
    let (level, option) = if v6 {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
    } else {
        (libc::IPPROTO_IP, libc::IP_RECVERR)
    };
    let on: libc::c_int = 1;
    let length = libc::socklen_t::try_from(size_of_val(&on)).unwrap_or(0);
    // SAFETY: the descriptor is open while it is borrowed, and the value lives through the call.
    unsafe {
        // A kernel that cannot do it leaves us with time-outs.
        libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const on).cast(), length);
    }
}

/// Takes what is there, a datagram for each slot of `bytes`; says how many did not fit one.
pub(super) fn receive(
    socket: &UdpSocket,
    bytes: &mut [u8],
    heads: &mut Vec<(usize, SocketAddr)>,
) -> io::Result<u64> {
    // SAFETY: zero bytes are a valid value of this C structure.
    let mut names: [libc::sockaddr_storage; BATCH] = unsafe { mem::zeroed() };
    // SAFETY: as above.
    let mut parts: [libc::iovec; BATCH] = unsafe { mem::zeroed() };
    // SAFETY: as above.
    let mut headers: [libc::mmsghdr; BATCH] = unsafe { mem::zeroed() };
    let slots = bytes.chunks_exact_mut(DATAGRAM_BYTES);
    for (((header, part), name), slot) in
        headers.iter_mut().zip(&mut parts).zip(&mut names).zip(slots)
    {
        part.iov_base = slot.as_mut_ptr().cast();
        part.iov_len = slot.len();
        let header = &mut header.msg_hdr;
        header.msg_name = ptr::from_mut(name).cast();
        header.msg_namelen = NAME_BYTES;
        header.msg_iov = part;
        header.msg_iovlen = 1;
    }
    // SAFETY: every header points at a name, a part and a slot that live and are not otherwise
    // used until the call returns; there are `BATCH` of them.
    let count = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            BATCH_C,
            libc::MSG_DONTWAIT as _,
            ptr::null_mut(),
        )
    };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    let mut lost = 0;
    for (at, (header, name)) in headers.iter().zip(&names).take(count).enumerate() {
        let whole = header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0;
        match address(name).filter(|_| whole) {
            Some(from) => {
                let len = header.msg_len as usize;
                // Slots are found by their number: one that is left out moves the others up.
                let kept = heads.len();
                if kept != at {
                    let start = at * DATAGRAM_BYTES;
                    bytes.copy_within(start..start + len, kept * DATAGRAM_BYTES);
                }
                heads.push((len, from));
            }
            None => lost += 1,
        }
    }
    Ok(lost)
}

/// Takes reports of undelivered datagrams: where those should have gone.
pub(super) fn bounces(socket: &UdpSocket, bounced: &mut Vec<SocketAddr>) {
    for _ in 0..BOUNCES_MAX {
        // SAFETY: zero bytes are a valid value of this C structure.
        let mut name: libc::sockaddr_storage = unsafe { mem::zeroed() };
        // SAFETY: as above.
        let mut header: libc::msghdr = unsafe { mem::zeroed() };
        // Of 8-byte words: ancillary data must be aligned.
        let mut control = [0u64; CONTROL_BYTES / 8];
        header.msg_name = ptr::from_mut(&mut name).cast();
        header.msg_namelen = NAME_BYTES;
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = CONTROL_BYTES as _;
        let flags = libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT;
        // SAFETY: name and control data live through the call and are as long as it is told.
        if unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags) } < 0 {
            return;
        }
        // SAFETY: the header is the one the kernel just filled in.
        let final_error = unsafe { errno(&header) };
        if let (true, Some(to)) = (final_error, address(&name)) {
            bounced.push(to);
        }
    }
}

/// Whether a report says that a datagram cannot be delivered at all.
///
/// # Safety
/// `header` was filled in by `recvmsg`, and its control data is still there.
unsafe fn errno(header: &libc::msghdr) -> bool {
    // SAFETY: by the caller's promise; the macros stay within the control data, and the kernel puts
    // a whole `sock_extended_err` into a message of these types.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while let Some(head) = message.as_ref() {
            let ours =
                [(libc::IPPROTO_IP, libc::IP_RECVERR), (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)];
            if ours.contains(&(head.cmsg_level, head.cmsg_type)) {
                let data = libc::CMSG_DATA(message).cast::<libc::sock_extended_err>();
                let error = i32::try_from(data.read_unaligned().ee_errno).unwrap_or(0);
                return super::is_bounce(&io::Error::from_raw_os_error(error));
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    false
}

/// The internet address in a C structure.
fn address(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the storage is large and aligned enough for every address, and its family
            // says which it is.
            let name = unsafe { &*ptr::from_ref(name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr));
            Some(SocketAddr::from((ip, u16::from_be(name.sin_port))))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let name = unsafe { &*ptr::from_ref(name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
            let port = u16::from_be(name.sin6_port);
            Some(SocketAddrV6::new(ip, port, 0, name.sin6_scope_id).into())
        }
        _ => None,
    }
}
