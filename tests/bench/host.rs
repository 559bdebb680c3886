//! The host program that `make bench` measures: a small client on libtern's public face, driven
//! by lines on standard input, answering with one JSON object per line.
//!
//! ```text
//! bench-host options                                    names of all options
//! bench-host recheck FILE.torrent DIR [--set NAME=VALUE]..
//! bench-host create PATH PIECE-LENGTH THREADS           0: as many as the library thinks right
//! bench-host run FILE.torrent DIR [--set NAME=VALUE]..  seed or leech: what is in DIR tells
//! ```
//!
//! A job waits for the line `go` after `{"event":"ready"}`, so that start-up is not measured.
//! `run` takes `peer HOST:PORT`, `flush`, `stat` and `quit`. `tests/bench/lt.py` speaks the same
//! language for libtorrent. Deliberately absent: clocks and CPU counters; the harness reads those
//! from outside, for every program the same way.

use std::error::Error;
use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use tern::{
    AddTorrent, Config, EventKind, Metainfo, Notice, SavePolicy, Session, Torrent, TorrentBuilder,
    TorrentState, class,
};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let mut words = std::env::args().skip(1);
    let job = words.next().unwrap_or_default();
    let mut plain = Vec::new();
    let mut config = Config::new();
    while let Some(word) = words.next() {
        if word == "--set" {
            let pair = words.next().ok_or("--set wants NAME=VALUE")?;
            let (name, value) = pair.split_once('=').ok_or("--set wants NAME=VALUE")?;
            config.set_text(name, value)?;
        } else {
            plain.push(word);
        }
    }
    match (job.as_str(), plain.as_slice()) {
        ("options", []) => options(),
        ("recheck", [torrent, dir]) => recheck(&mut config, torrent, dir),
        ("create", [path, piece, threads]) => create(path, piece.parse()?, threads.parse()?),
        ("run", [torrent, dir]) => run(&config, torrent, dir),
        _ => Err("bench-host options | recheck | create | run: see tests/bench/host.rs".into()),
    }
}

fn say(line: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

fn options() -> Outcome {
    let mut id = 0;
    while let Some(option) = Config::option_after(id) {
        say(option.name)?;
        id = option.id;
    }
    Ok(())
}

/// Says that it is ready and waits for `go`.
fn wait_for_go() -> Outcome {
    say(r#"{"event":"ready"}"#)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if line.trim() == "go" { Ok(()) } else { Err("ended before go".into()) }
}

/// Hashes what is in `dir` as a session does when a torrent without saved state is added.
fn recheck(config: &mut Config, torrent: &str, dir: &str) -> Outcome {
    config.set_text("listen", "")?;
    let session = Session::new(config)?;
    session.subscribe(class::TORRENT | class::ERROR);
    let mut add = AddTorrent::new(&Metainfo::load(torrent)?, dir);
    add.set_paused(true);
    wait_for_go()?;
    let torrent = session.add(add)?;
    let all = torrent.metainfo().piece_count();
    let have = loop {
        session.wait(None)?;
        let checked = session.take(0).into_iter().find_map(|event| match event.kind {
            EventKind::Notice(Notice::Checked { have, hashed, .. }) if hashed == all => Some(have),
            _ => None,
        });
        if let Some(have) = checked {
            break have;
        }
    };
    say(&format!(r#"{{"event":"done","have":{have},"pieces":{all}}}"#))?;
    rest()
}

/// Makes a torrent of `path`.
fn create(path: &str, piece: u32, threads: u32) -> Outcome {
    let mut builder = TorrentBuilder::new(path);
    builder.set_piece_length(Some(piece))?.set_creation_date(0).set_threads(threads);
    wait_for_go()?;
    let bytes = builder.run(|_| true)?;
    let torrent = Metainfo::parse(&bytes)?;
    say(&format!(r#"{{"event":"done","info_hash":"{}"}}"#, torrent.info_hash()))?;
    rest()
}

/// Stays until the harness has read its counters.
fn rest() -> Outcome {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(())
}

/// One torrent in one session, until told to quit.
fn run(config: &Config, torrent: &str, dir: &str) -> Outcome {
    let session = Session::new(config)?;
    session.subscribe(class::TORRENT | class::ERROR | class::PEER);
    let mut add = AddTorrent::new(&Metainfo::load(torrent)?, dir);
    add.set_save_policy(SavePolicy { interval: None, ..SavePolicy::default() });
    let torrent = session.add(add)?;
    let lines = commands(&session);
    let mut client = Client { session, torrent, ready: false, done: false, connected: false };
    loop {
        client.session.wait(Some(Duration::from_millis(500)))?;
        client.hear()?;
        loop {
            match lines.try_recv() {
                Ok(line) if line == "quit" => return client.quit(),
                Ok(line) => client.obey(&line)?,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return client.quit(),
            }
        }
    }
}

/// The lines of standard input; each wakes the session's waiter.
fn commands(session: &Session) -> Receiver<String> {
    let (sender, lines) = channel();
    let session = session.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.send(line.trim().to_owned()).is_err() {
                break;
            }
            session.wake();
        }
        drop(sender);
        session.wake();
    });
    lines
}

struct Client {
    session: Session,
    torrent: Torrent,
    ready: bool,
    done: bool,
    connected: bool,
}

impl Client {
    fn hear(&mut self) -> Outcome {
        let mut look = !self.ready;
        for event in self.session.take(0) {
            match event.kind {
                EventKind::Notice(Notice::PeerConnected { .. }) if !self.connected => {
                    self.connected = true;
                    say(r#"{"event":"connected"}"#)?;
                }
                EventKind::Notice(Notice::Finished) => look = true,
                EventKind::Notice(Notice::DiskFailed(error)) => {
                    return Err(format!("disk: {error:?}").into());
                }
                EventKind::Fatal(why) => return Err(why.into()),
                _ => {}
            }
        }
        if !look {
            return Ok(());
        }
        let status = self.torrent.status()?;
        let finished = status.is_finished();
        let checking = matches!(status.state, TorrentState::Starting | TorrentState::Checking);
        if !self.ready && !checking {
            self.ready = true;
            self.done = finished;
            say(&format!(
                r#"{{"event":"ready","complete":{finished},"port":{}}}"#,
                self.session.listen_port()
            ))?;
        }
        if self.ready && !self.done && finished {
            self.done = true;
            say(r#"{"event":"done"}"#)?;
        }
        Ok(())
    }

    fn obey(&mut self, line: &str) -> Outcome {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("peer") => {
                for addr in words {
                    self.torrent.add_peer(addr.parse::<SocketAddr>()?)?;
                }
                Ok(())
            }
            // A piece passes when it is written.
            Some("flush") => say(r#"{"event":"flushed"}"#),
            Some("stat") => {
                let status = self.torrent.status()?;
                let (down, up) = (status.downloaded, status.uploaded);
                say(&format!(r#"{{"event":"stat","downloaded":{down},"uploaded":{up}}}"#))
            }
            _ => Err(format!("unknown command: {line}").into()),
        }
    }

    fn quit(&self) -> Outcome {
        let _ = self.session.close(Some(Duration::from_secs(10)));
        Ok(())
    }
}
