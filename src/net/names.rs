//! Names: their addresses from the system's resolver, their texts from its name servers.
//!
//! Deliberately absent: remembering what was found, bounds on concurrent look-ups, what texts mean.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;

use crate::proto::dns::{self, DnsError};

/// Where the system keeps its name servers.
const SYSTEM: &str = "/etc/resolv.conf";
/// Port of the DNS.
const PORT: u16 = 53;
/// Name servers asked, as the C library has it.
const SERVERS_MAX: usize = 3;
/// Bytes of that file that are read.
const SYSTEM_BYTES: usize = 64 * 1024;
/// Bytes of an answer that are taken: what fits a datagram without asking for more (RFC 1035, and
/// what servers send anyway).
const ANSWER_BYTES: usize = 4096;
/// Packets to one server that are no answers, before it is given up: somebody guesses.
const STRAY_MAX: usize = 32;

/// The addresses of a name, in the resolver's order; literals do not bother it. Runs on the
/// runtime's blocking pool, whose size bounds concurrent look-ups.
///
/// # Errors
/// What the resolver says.
pub async fn addresses(host: &str) -> io::Result<Vec<IpAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![ip]);
    }
    let mut found = Vec::new();
    for addr in tokio::net::lookup_host((host, 0)).await? {
        if !found.contains(&addr.ip()) {
            found.push(addr.ip());
        }
    }
    Ok(found)
}

/// The system's name servers. Empty where it does not keep them in the file that Unix has.
#[must_use]
pub fn servers() -> Vec<SocketAddr> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(SYSTEM).map(|file| file.take(SYSTEM_BYTES as u64));
    if file.and_then(|mut file| file.read_to_string(&mut text)).is_err() {
        return Vec::new();
    }
    parse(&text)
}

fn parse(text: &str) -> Vec<SocketAddr> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        let ours = words.next() == Some("nameserver");
        let ip: IpAddr = words.next().filter(|_| ours)?.parse().ok()?;
        Some(SocketAddr::new(ip, PORT))
    };
    text.lines().filter_map(server).take(SERVERS_MAX).collect()
}

/// The texts (TXT records) of a name, from the first server that answers; each has `timeout`. `id`
/// must be one that nobody can guess.
///
/// # Errors
/// The last server's trouble; `InvalidInput` for what is no name.
pub async fn texts(
    host: &str,
    servers: &[SocketAddr],
    id: u16,
    timeout: Duration,
) -> io::Result<Vec<Vec<u8>>> {
    let question = dns::question(id, host).ok_or(io::ErrorKind::InvalidInput)?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no name server is known");
    for server in servers {
        match tokio::time::timeout(timeout, ask(&question, *server)).await {
            Ok(Ok(texts)) => return Ok(texts),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

/// Asks one server, from a port of its own, so that a forger has that to guess too.
async fn ask(question: &[u8], server: SocketAddr) -> io::Result<Vec<Vec<u8>>> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    // Connected: the system drops what comes from others, and tells when nobody is there.
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut answer = vec![0; ANSWER_BYTES];
    for _ in 0..STRAY_MAX {
        let len = socket.recv(&mut answer).await?;
        match dns::texts(question, answer.get(..len).unwrap_or(&answer)) {
            Ok(texts) => return Ok(texts),
            Err(DnsError::NotAnAnswer) => {}
            Err(error) => return Err(io::Error::other(error)),
        }
    }
    Err(io::Error::other(DnsError::NotAnAnswer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_file_is_read_as_the_system_does() {
        let text = "# comment\nsearch example\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 \n\
                    nameserver nonsense\nnameservers 192.0.2.9\nnameserver 192.0.2.2\n\
                    nameserver 192.0.2.3\n";
        let expected = ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.2:53"];
        assert_eq!(parse(text), expected.map(|addr| addr.parse().unwrap()));
    }

    #[test]
    fn texts_come_from_the_first_server_that_answers() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async {
            let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
            let at = server.local_addr().unwrap();
            let serve = async {
                let mut packet = [0; 512];
                let (len, from) = server.recv_from(&mut packet).await.unwrap();
                // A guess of somebody else, then the answer: the question with one record.
                server.send_to(&[7; 40], from).await.unwrap();
                let mut answer = packet[..len].to_vec();
                (answer[2], answer[7]) = (0x81, 1);
                answer.extend_from_slice(b"\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x00\x00\x03\x02hi");
                server.send_to(&answer, from).await.unwrap();
            };
            let servers = [closed, at];
            let long = Duration::from_secs(60);
            let (found, ()) = tokio::join!(texts("t.example", &servers, 7, long), serve);
            assert_eq!(found.unwrap(), [b"hi".to_vec()]);
            assert!(texts("..", &servers, 7, long).await.is_err());
            assert!(texts("t.example", &[], 7, long).await.is_err());
        });
    }
}
