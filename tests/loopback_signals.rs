//! SIGPIPE does not reach our threads. A process of its own: the test changes the process's
//! disposition.
#![cfg(unix)]

use std::io::{ErrorKind, IoSlice, Write};
use std::net::{TcpListener, TcpStream};

use tern::net::signals::Blocked;

#[test]
fn a_vectored_write_to_a_dead_peer_is_an_error_and_no_death() {
    // SAFETY: the default disposition is what a C host has. Nothing else runs in this process that
    // writes to sockets.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let blocked = Blocked::new();
    let thread = std::thread::spawn(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        drop(listener.accept().unwrap());
        let parts = [IoSlice::new(&[0; 512]), IoSlice::new(&[1; 512])];
        std::iter::repeat_with(|| near.write_vectored(&parts)).find_map(Result::err).unwrap()
    });
    drop(blocked);
    let error = thread.join().unwrap();
    assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset));
}
