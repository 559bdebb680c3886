//! A TCP relay that breaks its first connection after some bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Relays connections to `target`; the first one is cut, both ways, after `bytes` from the target.
pub fn cut_first(target: SocketAddr, bytes: u64) -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let cuts = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&cuts);
    std::thread::spawn(move || {
        let mut limit = bytes;
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(target) else { return };
            relay(near, far, limit, &counted);
            limit = u64::MAX;
        }
    });
    (addr, cuts)
}

fn relay(near: TcpStream, far: TcpStream, limit: u64, cuts: &Arc<AtomicU64>) {
    let (mut near_in, mut far_out) = (near.try_clone().unwrap(), far.try_clone().unwrap());
    let (mut far_in, mut near_out) = (far, near);
    std::thread::spawn(move || {
        _ = std::io::copy(&mut near_in, &mut far_out);
        _ = far_out.shutdown(Shutdown::Both);
    });
    let cuts = Arc::clone(cuts);
    std::thread::spawn(move || {
        let (mut passed, mut chunk) = (0, [0; 4096]);
        while passed < limit {
            match far_in.read(&mut chunk) {
                Ok(n) if n > 0 && near_out.write_all(&chunk[..n]).is_ok() => passed += n as u64,
                _ => break,
            }
        }
        cuts.fetch_add(u64::from(passed >= limit), Ordering::Relaxed);
        _ = far_in.shutdown(Shutdown::Both);
        _ = near_out.shutdown(Shutdown::Both);
    });
}
