//! `cutfs MOUNTPOINT`: a file system in memory that loses what was not synced, on command.
//!
//! It reads commands from its standard input, one per line, and answers each with `ok`, numbers or
//! `error: ..` on its standard output. It says `ready` when it is mounted, and ends with its input.
//!
//! | command | does |
//! |---|---|
//! | `cut SEED` | the power goes: nothing may be open there; mounted again when answered |
//! | `space BYTES` or `space none` | so many bytes still fit |
//! | `fail syncs N`, `fail writes N`, `fail reads N` | the next so many fail with EIO |
//! | `readonly on` or `readonly off` | every change fails with EROFS |
//! | `counts` | answers `writes N bytes N syncs N` |
//!
//! Deliberately absent: options. What a loss of power may leave is in `volume`.

mod mount;
mod volume;

use std::io::{self, BufRead, Write};
use std::path::Path;

use mount::Mounted;
use volume::Rng;

fn main() -> io::Result<()> {
    let Some(at) = std::env::args_os().nth(1) else {
        return Err(io::Error::other("usage: cutfs MOUNTPOINT"));
    };
    let mut mounted = Mounted::new(Path::new(&at))?;
    let mut out = io::stdout();
    writeln!(out, "ready")?;
    out.flush()?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        match command(&mut mounted, &line) {
            Ok(answer) => writeln!(out, "{answer}")?,
            Err(error) => writeln!(out, "error: {line}: {error}")?,
        }
        out.flush()?;
    }
    mounted.end()
}

fn command(mounted: &mut Mounted, line: &str) -> io::Result<String> {
    let bad = || io::Error::new(io::ErrorKind::InvalidInput, "no such command");
    let number = |text: &str| text.parse::<u64>().map_err(|_| bad());
    let count = |text: &str| text.parse::<u32>().map_err(|_| bad());
    let words: Vec<_> = line.split_whitespace().collect();
    match words.as_slice() {
        ["cut", seed] => {
            let mut rng = Rng::new(number(seed)?);
            mounted.while_unmounted(|volume| volume.cut(&mut rng))?;
        }
        ["space", "none"] => mounted.volume().faults.space = None,
        ["space", bytes] => mounted.volume().faults.space = Some(number(bytes)?),
        ["fail", "syncs", n] => mounted.volume().faults.syncs = count(n)?,
        ["fail", "writes", n] => mounted.volume().faults.writes = count(n)?,
        ["fail", "reads", n] => mounted.volume().faults.reads = count(n)?,
        ["readonly", "on"] => mounted.volume().faults.read_only = true,
        ["readonly", "off"] => mounted.volume().faults.read_only = false,
        ["counts"] => {
            let counts = mounted.volume().counts;
            let (writes, bytes, syncs) = (counts.writes, counts.written, counts.syncs);
            return Ok(format!("writes {writes} bytes {bytes} syncs {syncs}"));
        }
        _ => return Err(bad()),
    }
    Ok("ok".into())
}
