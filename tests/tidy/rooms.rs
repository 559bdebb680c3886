//! The rooms: which may see which, which words are banned where, and where `unsafe` may stand.

use crate::source::{Finding, Source, closing, words};

/// A room, the rooms below it that it may name, and the words it must not contain.
pub struct Room {
    /// Folder below `src`.
    pub name: &'static str,
    /// Rooms it may use.
    pub sees: &'static [&'static str],
    /// Banned words (identifiers or paths) and what to do instead.
    pub bans: &'static [(&'static [&'static str], &'static str)],
    /// Whether the room may contain `unsafe`.
    pub may_be_unsafe: bool,
}

const TIME: (&[&str], &str) = (
    &["SystemTime", "std::time::Instant", "Instant::now", "sleep"],
    "time is an argument: take `base::Instant` from the caller",
);
const LOCKS: (&[&str], &str) = (
    &["Mutex", "RwLock", "Condvar", "parking_lot", "mpsc", "OnceLock", "LazyLock", "once_cell"],
    "one owner per state: return an output instead of sharing",
);
const THREADS: (&[&str], &str) =
    (&["thread", "spawn"], "no threads here: return a job and let a driver run it");
const ASYNC: (&[&str], &str) =
    (&["tokio", "async", "await"], "sans-IO: `handle(now, input)` in, `poll_output()` out");
const SOCKETS: (&[&str], &str) = (
    &["TcpStream", "TcpListener", "UdpSocket", "ToSocketAddrs", "socket2"],
    "no sockets here: the net room has them",
);
const FILES: (&[&str], &str) =
    (&["std::fs", "File", "OpenOptions", "libc"], "no files here: the disk room has them");
const CHANCE: (&[&str], &str) = (
    &["rand", "getrandom", "RandomState", "DefaultHasher"],
    "randomness is an argument: take `base::Rng`, so that a seed replays",
);
const ORDER: (&[&str], &str) = (
    &["HashMap", "HashSet"],
    "its order differs from run to run and breaks replay: use BTreeMap, BTreeSet or a Vec",
);
const C_TYPES: (&[&str], &str) = (
    &["c_int", "c_char", "c_void", "c_long", "CStr", "CString"],
    "C types belong to the capi room (system calls: to disk and net)",
);

/// All rooms, bottom first. An edge that is not here is an error, and so is a room that is not.
pub const ROOMS: &[Room] = &[
    Room {
        name: "base",
        sees: &[],
        bans: &[TIME, LOCKS, THREADS, ASYNC, SOCKETS, FILES, CHANCE, C_TYPES],
        may_be_unsafe: false,
    },
    Room {
        name: "codec",
        sees: &["base"],
        bans: &[TIME, LOCKS, THREADS, ASYNC, SOCKETS, FILES, CHANCE, C_TYPES],
        may_be_unsafe: false,
    },
    Room {
        name: "proto",
        sees: &["base", "codec"],
        bans: &[TIME, LOCKS, THREADS, ASYNC, SOCKETS, FILES, CHANCE, ORDER, C_TYPES],
        may_be_unsafe: false,
    },
    Room {
        name: "swarm",
        sees: &["base", "codec", "proto"],
        bans: &[TIME, LOCKS, THREADS, ASYNC, SOCKETS, FILES, CHANCE, ORDER, C_TYPES],
        may_be_unsafe: false,
    },
    Room {
        name: "hash",
        sees: &["base"],
        bans: &[TIME, ASYNC, SOCKETS, FILES, CHANCE],
        may_be_unsafe: true,
    },
    Room {
        name: "disk",
        sees: &["base", "codec"],
        bans: &[ASYNC, SOCKETS, CHANCE],
        may_be_unsafe: true,
    },
    Room { name: "net", sees: &["base", "codec", "proto"], bans: &[CHANCE], may_be_unsafe: true },
    Room {
        name: "engine",
        sees: &["base", "codec", "proto", "swarm", "hash", "disk", "net"],
        bans: &[C_TYPES],
        may_be_unsafe: false,
    },
    Room {
        name: "api",
        sees: &["base", "codec", "proto", "swarm", "hash", "engine"],
        bans: &[C_TYPES, (&["tokio", "socket2"], "the public face shows no foreign types")],
        may_be_unsafe: false,
    },
    Room {
        name: "capi",
        sees: &["api"],
        bans: &[(&["tokio", "socket2"], "the C face is built on the api room alone")],
        may_be_unsafe: true,
    },
];

/// Words banned in every room: a library is a guest in its host's process.
const GUEST: &[(&[&str], &str)] = &[
    (
        &["println!", "eprintln!", "print!", "eprint!", "dbg!", "stdout", "stderr"],
        "a library prints nothing: return an error or queue an event",
    ),
    (&["process::exit", "process::abort", "libc::abort"], "a library does not end its host"),
    (&["set_current_dir", "umask"], "process-wide state belongs to the host"),
    (&["sigaction", "signal_hook", "SIG_IGN"], "signal handlers belong to the host"),
    (&["env::var", "env::vars", "env::set_var"], "options come through the option table"),
    (&["todo!", "unimplemented!"], "finish it before it is committed"),
    (&["static mut"], "no process globals"),
];

/// A file that may break one rule, and why: `(path, word or rule, reason)`.
pub const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "src/capi/fork.rs",
        "static",
        "the fork generation: a pthread_atfork handler can reach nothing else",
    ),
    (
        "src/capi/guard.rs",
        "static",
        "per-thread call depth and hook mark; the quiet panic hook is the process's by nature",
    ),
    (
        "src/capi/options_text.rs",
        "static",
        "C strings of the constant option table, made once and never changed",
    ),
];

fn excused(path: &str, what: &str) -> bool {
    EXCEPTIONS.iter().any(|(p, w, _)| *p == path && *w == what)
}

/// The room a path below `src` lies in; `None` for `src/lib.rs` and for the binaries.
pub fn room_of(path: &str) -> Option<&str> {
    let (room, _) = path.strip_prefix("src/")?.split_once('/')?;
    (room != "bin").then_some(room)
}

/// Reports edges that the table does not have.
pub fn edges(source: &Source) -> Vec<Finding> {
    let rule = "rooms";
    if source.path.starts_with("src/bin/") {
        return private_uses(source);
    }
    let Some(name) = room_of(&source.path) else { return Vec::new() };
    let Some(room) = ROOMS.iter().find(|r| r.name == name) else {
        let help = format!("room `{name}` is not in the table of tests/tidy/rooms.rs");
        return vec![source.finding(1, rule, help)];
    };
    let mut out = Vec::new();
    for (offset, target) in crate_paths(source) {
        let line = source.line_of(offset);
        if target == name || room.sees.contains(&target.as_str()) {
            continue;
        }
        out.push(source.finding(line, rule, edge_help(room, &target)));
    }
    out
}

fn edge_help(room: &Room, target: &str) -> String {
    let allowed = if room.sees.is_empty() { "nothing".into() } else { room.sees.join(", ") };
    if ROOMS.iter().any(|r| r.name == target) {
        return format!(
            "`{}` must not see `{target}`, only {allowed}: move the type down or pass a value",
            room.name
        );
    }
    format!("`crate::{target}` is not a room: name the room it lives in")
}

/// Every room named by a `crate::` path, a group after `crate::`, or a `super::` chain that leaves
/// the room: `(offset, name)`.
fn crate_paths(source: &Source) -> Vec<(usize, String)> {
    let code = &source.code;
    let mut out = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if at > 0 && code.as_bytes()[at - 1] == b'$' {
            continue;
        }
        heads(code, at + "crate::".len(), at, &mut out);
    }
    for (at, _) in code.match_indices("super::") {
        if code[..at].ends_with("super::") {
            continue;
        }
        let mut end = at;
        let mut ups = 0;
        while code[end..].starts_with("super::") {
            end += "super::".len();
            ups += 1;
        }
        if ups > module_depth(source, at) {
            heads(code, end, at, &mut out);
        }
    }
    out
}

/// How many `super`s lead from here to a top-level module of the crate (one more leaves the room).
fn module_depth(source: &Source, offset: usize) -> usize {
    let parts: Vec<&str> = source.path.trim_start_matches("src/").split('/').collect();
    let file = parts.last().copied().unwrap_or_default();
    let from_path = parts.len() - 1 - usize::from(file == "mod.rs");
    let code = &source.code;
    let inline = code.match_indices("mod ").filter(|(i, _)| {
        let open = code[*i..].find(['{', ';']).map(|o| i + o);
        open.is_some_and(|o| code.as_bytes()[o] == b'{' && o < offset && offset < closing(code, o))
    });
    from_path + inline.count()
}

/// The first path segment at `at`, or those of a `{...}` group.
fn heads(code: &str, at: usize, report: usize, out: &mut Vec<(usize, String)>) {
    let rest = &code[at..];
    if !rest.starts_with('{') {
        out.extend(words(rest).next().filter(|w| rest.starts_with(w)).map(|w| (report, w.into())));
        return;
    }
    let inner = &code[at + 1..closing(code, at).saturating_sub(1)];
    let mut depth = 0;
    let mut start = 0;
    for (i, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let head = words(&inner[start..i]).next();
                out.extend(head.map(|w| (at + 1 + start, w.to_owned())));
                start = i + 1;
            }
            _ => {}
        }
    }
}

/// A binary may use the public face only.
fn private_uses(source: &Source) -> Vec<Finding> {
    let code = &source.code;
    let mut found = Vec::new();
    for (at, _) in code.match_indices("tern::") {
        let whole = at == 0 || !is_word(code.as_bytes()[at - 1]);
        if whole {
            heads(code, at + "tern::".len(), at, &mut found);
        }
    }
    let private = |name: &str| name != "api" && ROOMS.iter().any(|r| r.name == name);
    found
        .into_iter()
        .filter(|(_, name)| private(name))
        .map(|(at, name)| {
            let help = format!("a binary uses the public face: not `tern::{name}` but `tern::api`");
            source.finding(source.line_of(at), "rooms", help)
        })
        .collect()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Reports words banned in the file's room, and in every room.
pub fn banned(source: &Source) -> Vec<Finding> {
    let Some(room) = room_of(&source.path) else { return Vec::new() };
    let bans = ROOMS.iter().find(|r| r.name == room).map_or(&[][..], |r| r.bans);
    let mut out = Vec::new();
    for (line, code) in source.plain_code() {
        for (list, instead) in bans.iter().chain(GUEST) {
            for word in list.iter().filter(|w| has_word(code, w) && !excused(&source.path, w)) {
                out.push(source.finding(line, "banned", format!("`{word}` in {room}: {instead}")));
            }
        }
    }
    out
}

/// Whether `word` stands in `code` as a whole identifier or path.
fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = at.checked_sub(1).map(|i| code.as_bytes()[i]);
        let after = code.as_bytes().get(at + word.len());
        !before.is_some_and(is_word) && !after.is_some_and(|b| is_word(*b))
    })
}

/// Reports `unsafe` outside the rooms that may have it, and any without a `SAFETY:` note.
pub fn unsafety(source: &Source) -> Vec<Finding> {
    let Some(room) = room_of(&source.path) else { return Vec::new() };
    let allowed =
        ROOMS.iter().any(|r| r.name == room && r.may_be_unsafe) || excused(&source.path, "unsafe");
    let comments: Vec<&str> = source.comments.lines().collect();
    let mut out = Vec::new();
    for (line, code) in source.plain_code().filter(|(_, c)| has_word(c, "unsafe")) {
        if !allowed {
            let help = format!("no unsafe in `{room}`: put the system call into disk or net");
            out.push(source.finding(line, "unsafe", help));
        }
        let opens = ["unsafe {", "unsafe impl"].iter().any(|w| code.contains(w));
        let near = &comments[line.saturating_sub(8)..line.min(comments.len())];
        if opens && !near.iter().any(|c| c.contains("SAFETY:")) {
            let help = "say above it, after `SAFETY:`, why it is sound";
            out.push(source.finding(line, "unsafe", help));
        }
    }
    out
}

/// Reports statics that can change: they are process globals.
pub fn globals(source: &Source) -> Vec<Finding> {
    let cells = ["Mutex", "RwLock", "OnceLock", "OnceCell", "LazyLock", "Lazy", "Cell", "RefCell"];
    let cell = |c: &str| words(c).any(|w| cells.contains(&w) || w.starts_with("Atomic"));
    if room_of(&source.path).is_none() || excused(&source.path, "static") {
        return Vec::new();
    }
    source
        .plain_code()
        .filter(|(_, c)| words(c).any(|w| w == "static") && c.contains(':') && cell(c))
        .filter(|(_, c)| !c.contains("'static"))
        .map(|(line, _)| {
            let help = "a static that changes is a process global: put it into the session";
            source.finding(line, "globals", help)
        })
        .collect()
}

mod tests {
    use super::*;

    fn lines(found: &[Finding]) -> Vec<usize> {
        found.iter().map(|f| f.line).collect()
    }

    #[test]
    fn an_edge_upwards_or_sideways_is_found() {
        let text =
            "use crate::engine::Settings;\nuse crate::{base::Rng, disk::{Pool, Job}, codec};\n";
        let found = edges(&Source::rust("src/swarm/torrent.rs", text));
        assert_eq!(lines(&found), [1, 2]);
        assert!(found[1].help.contains("`swarm` must not see `disk`"), "{}", found[1]);
    }

    #[test]
    fn an_edge_through_super_or_inside_a_body_is_found() {
        let text = "fn f() { super::super::net::dial(); super::peer(); }\n";
        assert_eq!(lines(&edges(&Source::rust("src/disk/pool.rs", text))), [1]);
        assert!(edges(&Source::rust("src/disk/a/pool.rs", text)).is_empty());
        let nested = "mod tests { use super::super::x; use super::super::super::net::y; }\n";
        assert_eq!(lines(&edges(&Source::rust("src/disk/pool.rs", nested))), [1]);
        let body = "fn f() -> crate::net::Socket { todo() }\n";
        assert_eq!(lines(&edges(&Source::rust("src/hash/mod.rs", body))), [1]);
    }

    #[test]
    fn an_unknown_room_and_a_root_item_are_found() {
        assert_eq!(edges(&Source::rust("src/misc/mod.rs", "")).len(), 1);
        let found = edges(&Source::rust("src/capi/mod.rs", "use crate::Session;\n"));
        assert!(found[0].help.contains("not a room"), "{}", found[0]);
    }

    #[test]
    fn comments_and_strings_make_no_edges() {
        let text = "//! See crate::engine.\nconst A: &str = \"crate::engine\";\n";
        assert!(edges(&Source::rust("src/base/x.rs", text)).is_empty());
    }

    #[test]
    fn a_binary_sees_the_face_only() {
        let text = "use tern::api::Session;\nuse tern::{codec::bencode, Session};\n";
        assert_eq!(lines(&edges(&Source::rust("src/bin/tern/main.rs", text))), [2]);
    }

    #[test]
    fn banned_words_are_found_outside_tests_only() {
        let text = "fn a() { let n = std::time::Instant::now(); }\nuse std::collections::HashMap;\n\
                    fn b() { println!(\"x\"); }\n#[cfg(test)]\nmod tests { use std::fs; }\n";
        let found = banned(&Source::rust("src/swarm/x.rs", text));
        assert_eq!(lines(&found), [1, 1, 2, 3]);
        assert!(banned(&Source::rust("src/bin/tern/x.rs", text)).is_empty());
        assert_eq!(lines(&banned(&Source::rust("src/net/x.rs", text))), [3]);
        assert!(
            banned(&Source::rust("src/swarm/x.rs", "use base::Instant; // tokio\n")).is_empty()
        );
    }

    #[test]
    fn unsafe_needs_a_room_and_a_note() {
        let bare = "fn a() { unsafe { f() } }\n";
        assert_eq!(unsafety(&Source::rust("src/codec/x.rs", bare)).len(), 2);
        assert_eq!(unsafety(&Source::rust("src/disk/x.rs", bare)).len(), 1);
        let noted = "fn a() {\n    // SAFETY: f has no preconditions.\n    unsafe { f() }\n}\n";
        assert!(unsafety(&Source::rust("src/disk/x.rs", noted)).is_empty());
    }

    #[test]
    fn a_global_is_found() {
        let text = "static N: AtomicU32 = AtomicU32::new(0);\nstatic T: &[u8] = b\"\";\n\
                    fn f(x: &'static Mutex<u8>) {}\n";
        assert_eq!(lines(&globals(&Source::rust("src/engine/x.rs", text))), [1]);
    }
}
