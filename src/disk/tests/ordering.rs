//! Random jobs against a model: the torrent as one array that says which bytes were ever written.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const PIECE: u32 = 100;

#[derive(Clone, Debug)]
enum Step {
    Write {
        piece: u32,
        from: u32,
        len: u32,
        value: u8,
    },
    Read {
        piece: u32,
        from: u32,
        len: u32,
    },
    Hash(u32),
    Sync,
    Stat,
    Release,
    Prepare,
    Priority(usize, u8),
    Rename(usize),
    Move(u8),
    /// Waits for all answers so far.
    Settle,
}

fn info() -> Info {
    torrent(PIECE, &[("a", 130), ("b", 7), ("e", 0), ("c", 160), (".pad", 3), ("d/x", 250)])
}

fn step() -> impl Strategy<Value = Step> {
    let range = (0_u32..6, 0_u32..99, 1_u32..60);
    prop_oneof![
        12 => (range.clone(), 1_u8..).prop_map(|((piece, from, len), value)| {
            Step::Write { piece, from, len: len.min(PIECE - from), value }
        }),
        6 => range.prop_map(|(piece, from, len)| {
            Step::Read { piece, from, len: len.min(PIECE - from) }
        }),
        6 => (0_u32..6).prop_map(Step::Hash),
        1 => Just(Step::Sync),
        1 => Just(Step::Stat),
        1 => Just(Step::Release),
        1 => Just(Step::Prepare),
        3 => (0_usize..6, 0_u8..2).prop_map(|(f, p)| Step::Priority(f, p)),
        1 => (0_usize..6).prop_map(Step::Rename),
        1 => (0_u8..3).prop_map(Step::Move),
        3 => Just(Step::Settle),
    ]
}

/// What an answer must be.
enum Want {
    Done,
    Stats,
    Data(Vec<u8>),
    /// A piece of which some bytes were never written: any answer but other data or a wrong digest.
    Partly(Vec<Option<u8>>),
    Digest(Vec<u8>),
}

struct Model {
    /// Bytes by offset; `None` was never written.
    bytes: Vec<Option<u8>>,
    priorities: Vec<u8>,
    renames: u32,
    dir: PathBuf,
}

impl Model {
    fn range(&self, piece: u32, from: u32, len: u32) -> &[Option<u8>] {
        let at = (piece * PIECE + from) as usize;
        &self.bytes[at.min(self.bytes.len())..(at + len as usize).min(self.bytes.len())]
    }

    /// Applies a step; says the job and what it must answer.
    fn apply(&mut self, step: &Step, info: &Info) -> Option<(Job, Want)> {
        Some(match step {
            Step::Write { piece, from, len, value } => {
                let len = self.range(*piece, *from, *len).len();
                let at = (piece * PIECE + from) as usize;
                // Padding is zeros for everybody; what a peer sends there is hashed as sent.
                let byte = |i: usize| {
                    if (297..300).contains(&(at + i)) { 0 } else { value.wrapping_add(i as u8) }
                };
                let data: Vec<u8> = (0..len).map(byte).collect();
                for (to, byte) in self.bytes.iter_mut().skip(at).zip(&data) {
                    *to = Some(*byte);
                }
                (len > 0).then(|| (write(*piece, *from, &data), Want::Done))?
            }
            Step::Read { piece, from, len } => {
                let range = self.range(*piece, *from, *len);
                (!range.is_empty())
                    .then(|| (read(*piece, *from, range.len() as u32), wanted(range, false)))?
            }
            Step::Hash(piece) => {
                let range = self.range(*piece, 0, PIECE);
                (!range.is_empty()).then(|| (Job::Hash(PieceIndex(*piece)), wanted(range, true)))?
            }
            Step::Sync => (Job::Sync, Want::Stats),
            Step::Stat => (Job::Stat, Want::Stats),
            Step::Release => (Job::Release, Want::Done),
            Step::Prepare => (Job::Prepare, Want::Done),
            Step::Priority(file, priority) => {
                self.priorities[*file] = *priority;
                (Job::SetPriorities(self.priorities.clone()), Want::Done)
            }
            Step::Rename(file) => {
                self.renames += 1;
                let name = format!("r{}/n", self.renames);
                (Job::Rename(FileIndex(*file as u32), name), Want::Done)
            }
            Step::Move(n) => (Job::Move(self.dir.join(format!("m{n}"))), Want::Done),
            Step::Settle => return None,
        })
        .inspect(|_| assert_eq!(info.geometry.total_len() as usize, self.bytes.len()))
    }
}

fn wanted(range: &[Option<u8>], hash: bool) -> Want {
    let known: Option<Vec<u8>> = range.iter().copied().collect();
    match (known, hash) {
        (Some(bytes), true) => Want::Digest(bytes),
        (Some(bytes), false) => Want::Data(bytes),
        (None, _) => Want::Partly(range.to_vec()),
    }
}

fn fits(want: &Want, outcome: &Outcome) -> bool {
    match (want, outcome) {
        (Want::Done, Outcome::Done | Outcome::Moved(_))
        | (Want::Stats, Outcome::Stats(_) | Outcome::Synced(_)) => true,
        (Want::Data(bytes), Outcome::Data(data)) => data == bytes,
        (Want::Digest(bytes), Outcome::Digest(digest)) => *digest == sha1(bytes),
        // Never written bytes may be zeros (holes) or not there; written ones must be right.
        (Want::Partly(range), Outcome::Data(data)) => {
            range.iter().zip(data).all(|(want, got)| want.unwrap_or(0) == *got)
        }
        (Want::Partly(range), Outcome::Digest(digest)) => {
            let holes: Vec<u8> = range.iter().map(|b| b.unwrap_or(0)).collect();
            *digest == sha1(&holes)
        }
        (Want::Partly(_), Outcome::Missing) => true,
        (Want::Partly(_), Outcome::Failed(e)) => e.op == "read",
        _ => false,
    }
}

fn play(steps: &[Step], threads: usize, budget: usize) -> Result<(), TestCaseError> {
    let hasher = lanes(if threads == 1 { 16 } else { 2 });
    let config =
        PoolConfig { threads, max_open_files: 3 + threads, write_budget_bytes: budget, hasher };
    let bench = Bench::with(info(), config);
    bench.open(&[1, 0, 1, 0, 1, 1]);
    let mut model = Model {
        bytes: vec![None; bench.info.geometry.total_len() as usize],
        priorities: vec![1, 0, 1, 0, 1, 1],
        renames: 0,
        dir: bench.dir.path().to_owned(),
    };
    model.bytes[297..300].fill(Some(0));
    let mut wants = HashMap::new();
    let mut batch = Vec::new();
    let mut tag = 0;
    // The last round reads everything back.
    let last = (0..6).map(Step::Hash).chain([Step::Settle]);
    for step in steps.iter().cloned().chain(last) {
        if let Some((job, want)) = model.apply(&step, &bench.info) {
            wants.insert(tag, (step.clone(), want));
            batch.push((tag, job));
            tag += 1;
        }
        if batch.len() > 5 || matches!(step, Step::Settle) {
            bench.pool.submit(bench.sink, T, std::mem::take(&mut batch));
        }
        if matches!(step, Step::Settle) {
            // A fence makes buffered writes answer.
            bench.pool.submit(bench.sink, T, vec![(u64::MAX, Job::Stat)]);
            wants.insert(u64::MAX, (Step::Stat, Want::Stats));
            let answers = bench.answers.lock();
            while !wants.is_empty() {
                let done = answers.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
                let (step, want) = wants.remove(&done.tag).unwrap();
                prop_assert!(fits(&want, &done.outcome), "{step:?} gave {:?}", done.outcome);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn one_thread_agrees_with_the_model(steps in prop::collection::vec(step(), 1..80)) {
        play(&steps, 1, 1 << 20)?;
    }

    #[test]
    fn four_threads_and_a_tiny_budget_agree_with_the_model(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        play(&steps, 4, 150)?;
    }
}
