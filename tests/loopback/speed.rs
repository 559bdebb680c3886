//! How fast, and where the time goes. Run by hand: `cargo test --release --test loopback speed --
//! --ignored --nocapture`; `TERN_SPEED_MIB` sets the size.

use std::io::Write;
use std::time::Instant;

use tempfile::tempdir_in;

use crate::rig::{Content, Rig};

/// CPU seconds of each thread of this process whose name starts with `tern`, summed by name.
#[cfg(target_os = "linux")]
fn cpu_by_thread() -> Vec<(String, f64)> {
    let mut out = Vec::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        let Some((head, tail)) = stat.rsplit_once(')') else { continue };
        let name = head.split_once('(').map_or("", |(_, name)| name);
        let fields: Vec<f64> = tail.split(' ').filter_map(|f| f.parse().ok()).collect();
        // After the state come fields 4 and on; 14 and 15 are user and system time in 1/100 s.
        if let (true, Some(user), Some(system)) =
            (name.starts_with("tern"), fields.get(10), fields.get(11))
        {
            out.push((name.to_owned(), (user + system) / 100.0));
        }
    }
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "a measurement, not a test"]
fn one_gibibyte() {
    let mib = std::env::var("TERN_SPEED_MIB").ok().and_then(|v| v.parse().ok()).unwrap_or(1024);
    let content = Content::new("big", 1 << 20, &[("", mib << 20)]);
    let base = std::env::temp_dir();
    let (from, to) = (tempdir_in(&base).unwrap(), tempdir_in(&base).unwrap());
    content.write(from.path(), |_| true);
    let (mut seed, mut leech) = (Rig::new(1, |_| ()), Rig::new(1, |_| ()));
    let started = Instant::now();
    let s = seed.add(0, &content.info, from.path(), |_| ());
    seed.wait_checked(s);
    let checked = started.elapsed().as_secs_f64();
    let before = cpu_by_thread();
    let addr = seed.addr;
    let started = Instant::now();
    let l = leech.add(0, &content.info, to.path(), |add| add.peers.push(addr));
    leech.wait_finished(l);
    let took = started.elapsed().as_secs_f64();
    let after = cpu_by_thread();
    let mut out = std::io::stdout().lock();
    let rate = |seconds: f64| content.info.geometry.total_len() as f64 / 1048576.0 / seconds;
    writeln!(out, "check {:.0} MiB/s, transfer {:.0} MiB/s", rate(checked), rate(took)).unwrap();
    for ((name, new), (_, old)) in after.iter().zip(&before) {
        writeln!(out, "  {name}: {:.2} s CPU", new - old).unwrap();
    }
    let status = leech.status(l);
    writeln!(out, "  wasted {} of {} bytes", status.wasted, status.downloaded).unwrap();
    leech.close(l);
    content.compare(to.path());
    leech.end();
    seed.end();
}
