//! How a run is told: a bar on a terminal, plain lines into a pipe, JSON for programs.
//!
//! Results go to standard output; errors and the bar go to standard error. Deliberately absent:
//! anything that decides what happens.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value, json};

use crate::units;

/// A moment of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Progress {
    /// `checking`, `downloading`, `seeding`, `paused`, `hashing`.
    pub(crate) phase: &'static str,
    /// Bytes done of `total`.
    pub(crate) done: u64,
    /// Bytes wanted.
    pub(crate) total: u64,
    /// Payload bytes per second, downwards.
    pub(crate) down_rate: u64,
    /// Payload bytes per second, upwards.
    pub(crate) up_rate: u64,
    /// Payload bytes sent in this run.
    pub(crate) uploaded: u64,
    /// Connected peers; `None` when no network is involved.
    pub(crate) peers: Option<u64>,
    /// Where peers come from: the source's name, connected and known ones.
    pub(crate) sources: Vec<(&'static str, u32, u32)>,
}

impl Progress {
    /// `42.7% of 240 MiB, 3.1 MiB/s, 4 peers, 1m 20s left`.
    pub(crate) fn text(&self) -> String {
        let mut out = match self.phase {
            "metadata" => "looking for the metadata".to_owned(),
            _ => {
                format!("{} of {}", units::percent(self.done, self.total), units::bytes(self.total))
            }
        };
        if self.phase == "seeding" {
            out +=
                &format!(", sent {} at {}", units::bytes(self.uploaded), units::rate(self.up_rate));
        } else {
            out += &format!(", {}", units::rate(self.down_rate));
        }
        match self.peers {
            Some(1) => out += ", 1 peer",
            Some(n) => out += &format!(", {n} peers"),
            None => {}
        }
        let connected = self.sources.iter().filter(|(_, connected, _)| *connected > 0);
        let connected: Vec<String> = connected.map(|(name, n, _)| format!("{n} {name}")).collect();
        if !connected.is_empty() {
            out += &format!(" ({})", connected.join(", "));
        }
        let left = units::eta(self.total.saturating_sub(self.done), self.down_rate);
        if let Some(left) = left.filter(|_| self.done < self.total) {
            out += &format!(", {} left", units::time(left));
        }
        out
    }

    fn json(&self) -> Value {
        let left = units::eta(self.total.saturating_sub(self.done), self.down_rate);
        json!({
            "event": "progress",
            "phase": self.phase,
            "done": self.done,
            "total": self.total,
            "down_rate": self.down_rate,
            "up_rate": self.up_rate,
            "uploaded": self.uploaded,
            "peers": self.peers,
            "sources": self.sources.iter().map(|(name, connected, known)| {
                ((*name).to_owned(), json!({ "connected": connected, "known": known }))
            }).collect::<Map<String, Value>>(),
            "eta_secs": left.map(|l| l.as_secs()),
        })
    }
}

enum Face {
    Bar(ProgressBar),
    Plain { every: Duration },
    Json { every: Duration },
    Silent { json: bool },
}

/// Tells a run.
pub(crate) struct Reporter {
    face: Face,
    last: Option<(Instant, &'static str)>,
}

impl Reporter {
    /// Chooses the face: `--json`, `--quiet`, a terminal, or a pipe.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let face = if quiet {
            Face::Silent { json }
        } else if json {
            Face::Json { every: Duration::from_secs(1) }
        } else if std::io::stdout().is_terminal() && std::io::stderr().is_terminal() {
            Face::Bar(bar())
        } else {
            Face::Plain { every: Duration::from_secs(5) }
        };
        Self { face, last: None }
    }

    /// Whether results are JSON.
    fn is_json(&self) -> bool {
        matches!(self.face, Face::Json { .. } | Face::Silent { json: true })
    }

    /// Shows a moment; lines are limited in number, a bar is not.
    pub(crate) fn progress(&mut self, progress: &Progress) {
        let now = Instant::now();
        let due = |every: &Duration| {
            self.last.is_none_or(|(at, phase)| {
                phase != progress.phase || now.duration_since(at) >= *every
            })
        };
        match &self.face {
            Face::Bar(bar) => {
                bar.set_length(progress.total.max(1));
                bar.set_position(if progress.total == 0 { 1 } else { progress.done });
                bar.set_prefix(progress.phase);
                bar.set_message(progress.text());
            }
            Face::Plain { every } if due(every) => {
                line(&format!("{}: {}", progress.phase, progress.text()));
                self.last = Some((now, progress.phase));
            }
            Face::Json { every } if due(every) => {
                line(&progress.json().to_string());
                self.last = Some((now, progress.phase));
            }
            _ => {}
        }
    }

    /// Something worth a line: `kind` and `fields` for programs, `text` for people.
    pub(crate) fn event(&self, kind: &str, text: &str, fields: Value) {
        match &self.face {
            Face::Bar(bar) => bar.suspend(|| line(text)),
            Face::Plain { .. } => line(text),
            Face::Json { .. } => line(&object(kind, fields).to_string()),
            Face::Silent { .. } => {}
        }
    }

    /// The result; the last line.
    pub(crate) fn result(&self, text: &str, fields: Value) {
        if let Face::Bar(bar) = &self.face {
            bar.finish_and_clear();
        }
        if self.is_json() {
            line(&object("result", fields).to_string());
        } else if !text.is_empty() {
            line(text);
        }
    }

    /// An error that ends the run, on standard error.
    pub(crate) fn error(&self, text: &str) {
        if let Face::Bar(bar) = &self.face {
            bar.finish_and_clear();
        }
        if self.is_json() {
            line(&json!({ "event": "error", "message": text }).to_string());
        }
        // A closed standard error is no reason to fail.
        let _ = writeln!(std::io::stderr(), "tern: {text}");
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(5));
    let style = ProgressStyle::with_template("{prefix:>11} [{bar:30}] {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar
}

fn object(kind: &str, fields: Value) -> Value {
    let mut map = Map::new();
    map.insert("event".into(), kind.into());
    if let Value::Object(fields) = fields {
        map.extend(fields);
    }
    Value::Object(map)
}

/// Writes a line to standard output. A reader that went away (`tern ... | head`) ends nothing: the
/// download goes on, unseen.
fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halfway() -> Progress {
        Progress {
            phase: "downloading",
            done: 100 << 20,
            total: 200 << 20,
            down_rate: 10 << 20,
            peers: Some(1),
            sources: vec![("pex", 1, 4), ("dht", 0, 7)],
            ..Progress::default()
        }
    }

    #[test]
    fn people_read_share_rate_peers_and_time() {
        assert_eq!(halfway().text(), "50.0% of 200 MiB, 10.0 MiB/s, 1 peer (1 pex), 10s left");
        let none = Progress { sources: Vec::new(), ..halfway() };
        let done = Progress { done: 200 << 20, peers: Some(0), down_rate: 0, ..none };
        assert_eq!(done.text(), "100.0% of 200 MiB, 0 B/s, 0 peers");
        let seeding = Progress { phase: "seeding", uploaded: 1 << 20, up_rate: 1024, ..done };
        assert_eq!(seeding.text(), "100.0% of 200 MiB, sent 1.0 MiB at 1.0 KiB/s, 0 peers");
    }

    #[test]
    fn programs_read_numbers() {
        let value = halfway().json();
        assert_eq!(value["eta_secs"], 10);
        assert_eq!(value["done"], 100 << 20);
        assert_eq!(value["sources"]["dht"], json!({ "connected": 0, "known": 7 }));
        assert_eq!(object("x", json!({ "a": 1 })), json!({ "event": "x", "a": 1 }));
    }
}
