//! The command `tern` as people start it: what only shows between its runs.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

const QUIET: [&str; 5] = ["--no-trackers", "--no-dht", "--no-pex", "--bind", "127.0.0.1"];

struct Place(tempfile::TempDir);

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn tern(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tern"));
        command.args(words).arg("--json").current_dir(self.0.path());
        command.env("XDG_STATE_HOME", self.path("state")).stdout(Stdio::piped());
        command
    }

    /// Runs it to its end: the exit code, and the lines it printed.
    fn run(&self, words: &[&str]) -> (i32, Vec<Value>) {
        let output = self.tern(words).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), text.lines().map(parsed).collect())
    }

    /// A torrent of one file in a directory of its own, checked once so that it is known.
    fn torrent(&self, name: &str, fill: u8) {
        let dir = self.path(&format!("{name}-dir"));
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join(name), vec![fill; 200_000]).unwrap();
        let content = format!("{name}-dir/{name}");
        assert_eq!(self.run(&["create", &content, "-p", "16k"]).0, 0);
        let (file, dir) = (format!("{name}.torrent"), format!("{name}-dir"));
        // All of it is there, so this checks it, remembers that, and ends.
        let get = ["get", &file, "-o", &dir];
        assert_eq!(self.run(&[&get[..], &QUIET].concat()).0, 0, "{name}");
    }
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))
}

/// Lines of a running command until one is what is looked for.
fn until(lines: &mut impl Iterator<Item = Value>, found: impl Fn(&Value) -> bool) -> Value {
    lines.find(|line| found(line)).unwrap()
}

fn stop(child: &Child) {
    let pid = libc::pid_t::try_from(child.id()).unwrap();
    // SAFETY: sends a signal to a child that was not waited for.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
}

fn same(a: &Path, b: &Path) -> bool {
    fs::read(a).unwrap() == fs::read(b).unwrap()
}

#[test]
fn seed_alone_serves_everything_that_is_complete_and_known() {
    let place = Place(tempfile::tempdir().unwrap());
    let (code, lines) = place.run(&[&["seed", "--stop-after", "5"], &QUIET[..]].concat());
    assert_eq!(code, 1, "there is no state directory: {lines:?}");
    fs::create_dir_all(place.path("state/tern")).unwrap();
    let (code, lines) = place.run(&[&["seed"], &QUIET[..]].concat());
    assert_eq!((code, lines.last().unwrap()["torrents"].as_u64()), (3, Some(0)));

    for (name, fill) in [("one", 1), ("two", 2), ("half", 3)] {
        place.torrent(name, fill);
    }
    // Of this one something is missing: it is told, and nothing of it is fetched.
    fs::write(place.path("half-dir/half"), [3; 100_000]).unwrap();

    let mut seed = place.tern(&[&["seed"], &QUIET[..]].concat()).spawn().unwrap();
    let out = BufReader::new(seed.stdout.take().unwrap()).lines();
    let mut out = out.map(|line| parsed(&line.unwrap()));
    let started = until(&mut out, |line| line["event"] == "started");
    assert_eq!(started["torrents"], 3);
    let peer = format!("127.0.0.1:{}", started["port"]);
    let told = until(&mut out, |line| line["event"] == "incomplete");
    assert_eq!(told["name"], "half");
    for name in ["one", "two"] {
        let file = format!("{name}.torrent");
        let get = ["get", &file, "-o", "got", "--peer", &peer, "--stop-after", "60"];
        assert_eq!(place.run(&[&get[..], &QUIET].concat()).0, 0, "{name}");
        assert!(same(&place.path("got").join(name), &place.path(&format!("{name}-dir/{name}"))));
    }
    stop(&seed);
    let end = until(&mut out, |line| line["event"] == "result");
    assert_eq!(end["status"], "interrupted");
    assert_eq!((&end["seeding"], &end["incomplete"]), (&Value::from(2), &Value::from(1)));
    assert_eq!(seed.wait().unwrap().code(), Some(130));
    assert_eq!(fs::metadata(place.path("half-dir/half")).unwrap().len(), 100_000);

    // Each went back to its own place, with what it sent and what is there of it.
    let (code, lines) = place.run(&["list"]);
    assert_eq!(code, 0);
    let kept = |name: &str| {
        let dir = place.path(&format!("{name}-dir")).canonicalize().unwrap();
        let of = |line: &&Value| line["save_path"] == dir.to_str().unwrap();
        let line = lines.iter().find(of).unwrap();
        (line["have"].as_u64().unwrap(), line["uploaded"].as_u64().unwrap())
    };
    assert_eq!(["one", "two", "half"].map(kept), [(13, 200_000), (13, 200_000), (6, 0)]);
}
