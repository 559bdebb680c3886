//! Every path and every kernel of this machine against the published vectors and the `sha1` and
//! `sha2` crates.

use ::sha1::Digest;
use proptest::prelude::*;

use super::*;

/// All paths that this machine has.
fn paths() -> Vec<Hasher> {
    HashPath::ALL.into_iter().filter_map(|path| Hasher::new(path).ok()).collect()
}

fn sha1_of(bytes: &[u8]) -> [u8; 20] {
    ::sha1::Sha1::digest(bytes).into()
}

fn sha256_of(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// Bytes that differ from place to place and from seed to seed.
fn content(seed: usize, len: usize) -> Vec<u8> {
    let mut x = seed as u64 * 0x9e37_79b9 + 1;
    let step = |_| {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 56) as u8
    };
    (0..len).map(step).collect()
}

const TWO_BLOCKS: &[u8] = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
const LONGER: &[u8] = b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn\
                        hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

#[test]
fn vectors_of_fips_180() {
    let million = vec![b'a'; 1_000_000];
    let messages: [&[&[u8]]; 6] =
        [&[b"abc"], &[], &[TWO_BLOCKS], &[LONGER], &[&million], &[b"a", b"", b"bc"]];
    for hasher in paths() {
        let out: Vec<_> = hasher.sha1_many(&messages).iter().map(|d| hex(d)).collect();
        let want = [
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            "a49b2446a02c645bf419f995b67091253a04a259",
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
        ];
        assert_eq!(out, want, "{hasher:?}");
        let out: Vec<_> = hasher.sha256_many(&messages).iter().map(|d| hex(d)).collect();
        let want = [
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ];
        assert_eq!(out, want, "{hasher:?}");
    }
}

/// Each kernel alone, in all its lanes and with several blocks, whatever the plans pick it for.
#[test]
fn every_kernel_compresses_as_the_portable_one_does() {
    use lanes::{BLOCK, Lanes, WIDEST};
    let streams: Vec<Vec<u8>> = (0..WIDEST).map(|i| content(i, 5 * BLOCK + i)).collect();
    // Each begins at another alignment.
    let inputs: [&[u8]; WIDEST] = core::array::from_fn(|i| &streams[i][i..]);
    let portable = plan::plans(HashPath::Portable).unwrap();
    for path in HashPath::ALL {
        let Ok(plans) = plan::plans(path) else { continue };
        let both = [(plans.sha1, portable.sha1), (plans.sha256, portable.sha256)];
        for (plan, oracle) in both {
            for kernel in plan.kernels() {
                let mut lanes = Lanes::new();
                (0..WIDEST).zip(7..).for_each(|(lane, word)| lanes.put(lane, &[word; 8]));
                let before = lanes.clone();
                assert_eq!(kernel.run(&mut lanes, &inputs), 5, "{path}");
                for (lane, input) in inputs.iter().enumerate() {
                    let mut one = Lanes::new();
                    one.put(0, &before.get(lane));
                    if lane < kernel.width() {
                        assert_eq!(oracle.pick(1).run(&mut one, &[input; WIDEST]), 5);
                    }
                    let (found, want) = (lanes.get(lane), one.get(0));
                    assert_eq!(found[..5], want[..5], "{path}, {kernel:?}, lane {lane}");
                }
            }
        }
    }
}

#[test]
fn kernels_stop_at_the_shortest_input() {
    use lanes::{Lanes, WIDEST};
    let bytes = content(1, 640);
    for hasher in paths() {
        let kernel = plan::plans(hasher.path()).unwrap().sha1.pick(WIDEST);
        let mut inputs: [&[u8]; WIDEST] = [&bytes; WIDEST];
        inputs[kernel.width() - 1] = &bytes[..191];
        assert_eq!(kernel.run(&mut Lanes::new(), &inputs), 2);
        inputs[kernel.width() - 1] = &bytes[..63];
        let mut lanes = Lanes::new();
        assert_eq!(kernel.run(&mut lanes, &inputs), 0);
        assert_eq!(lanes.words, Lanes::new().words);
    }
}

/// Lengths around every border of blocks and padding, every number of streams.
#[test]
fn lengths_and_counts() {
    for hasher in paths() {
        for count in (0..=20).chain([33, 64]) {
            let bytes: Vec<Vec<u8>> = (0..count).map(|i| content(i, 50 + 7 * i)).collect();
            let parts: Vec<[&[u8]; 1]> = bytes.iter().map(|b| [b.as_slice()]).collect();
            let messages: Vec<&[&[u8]]> = parts.iter().map(|p| p.as_slice()).collect();
            let want: Vec<_> = bytes.iter().map(|b| sha1_of(b)).collect();
            assert_eq!(hasher.sha1_many(&messages), want, "{:?} {count}", hasher.path());
            let want: Vec<_> = bytes.iter().map(|b| sha256_of(b)).collect();
            assert_eq!(hasher.sha256_many(&messages), want, "{:?} {count}", hasher.path());
        }
    }
}

#[test]
fn streams_are_used_again() {
    for hasher in paths() {
        let (mut one, mut two) = (hasher.sha1_streams(), hasher.sha256_streams());
        assert_eq!(one.finish(), Vec::<[u8; 20]>::new());
        for count in [3, 40, 1] {
            // What came before does not matter, finished or not.
            one.begin(2);
            one.update(&[b"left", b"over"]);
            one.begin(count);
            two.begin(count);
            // Fewer inputs than streams, and more.
            one.update(&[b"x"]);
            two.update(&vec![&b"y"[..]; count + 5]);
            let mut want = vec![sha1_of(b""); count];
            want[0] = sha1_of(b"x");
            assert_eq!(one.finish(), want);
            assert_eq!(two.finish(), vec![sha256_of(b"y"); count]);
            assert!(one.finish().is_empty());
        }
    }
}

/// One stream much longer than the others, which all end at different times.
#[test]
fn ragged_messages_in_many_parts() {
    let bytes: Vec<Vec<u8>> =
        (0..37).map(|i| content(i, if i == 20 { 200_000 } else { 400 * i })).collect();
    for hasher in paths() {
        let cut: Vec<Vec<&[u8]>> =
            bytes.iter().enumerate().map(|(i, b)| b.chunks(97 + 100 * i).collect()).collect();
        let messages: Vec<&[&[u8]]> = cut.iter().map(Vec::as_slice).collect();
        let want: Vec<_> = bytes.iter().map(|b| sha1_of(b)).collect();
        assert_eq!(hasher.sha1_many(&messages), want, "{hasher:?}");
    }
}

#[test]
fn lanes_are_those_of_the_widest_kernel() {
    let lanes = |hasher: Hasher| hasher.sha1_streams().lanes();
    let others: Vec<_> = paths().into_iter().skip(1).map(lanes).collect();
    for hasher in paths() {
        let want = match hasher.path() {
            HashPath::Avx512 => 16,
            HashPath::Avx2 => 8,
            HashPath::Neon => 4,
            HashPath::ShaNi | HashPath::Armv8 => 2,
            HashPath::Portable => 1,
            HashPath::Auto => {
                assert!(others.contains(&lanes(hasher)), "auto is one of the others");
                continue;
            }
        };
        assert_eq!(lanes(hasher), want, "{hasher:?}");
    }
}

#[test]
fn paths_have_names_and_missing_ones_are_refused() {
    for path in HashPath::ALL {
        assert_eq!(path.name().parse(), Ok(path));
        assert_eq!(path.is_available(), Hasher::new(path).is_ok());
        if let Err(error) = Hasher::new(path) {
            assert_eq!(error, HashPathError::Unavailable(path));
        }
    }
    assert_eq!("fast".parse::<HashPath>(), Err(HashPathError::Unknown));
    assert!(HashPath::Auto.is_available() && HashPath::Portable.is_available());
    // No processor is of two families.
    assert!(!(HashPath::Neon.is_available() && HashPath::Avx2.is_available()));
}

proptest! {
    /// However a message is cut into parts and whoever shares its batch, its digest is its own.
    #[test]
    fn cuts_and_company_do_not_matter(
        messages in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..5), 0..24),
    ) {
        let cut: Vec<Vec<&[u8]>> =
            messages.iter().map(|m| m.iter().map(Vec::as_slice).collect()).collect();
        let batch: Vec<&[&[u8]]> = cut.iter().map(Vec::as_slice).collect();
        let sha1: Vec<_> = messages.iter().map(|m| sha1_of(&m.concat())).collect();
        let sha256: Vec<_> = messages.iter().map(|m| sha256_of(&m.concat())).collect();
        for hasher in paths() {
            prop_assert_eq!(&hasher.sha1_many(&batch), &sha1);
            prop_assert_eq!(&hasher.sha256_many(&batch), &sha256);
        }
    }

    /// Streams that are fed in rounds of any lengths, at any alignment.
    #[test]
    fn streams_take_any_split(
        rounds in prop::collection::vec(
            prop::collection::vec((0_usize..700, 0_usize..64), 0..24), 0..6),
        count in 0_usize..24,
    ) {
        let pool = content(3, 1024);
        let mut want = vec![Vec::new(); count];
        let rounds: Vec<Vec<&[u8]>> = rounds
            .iter()
            .map(|r| r.iter().map(|(len, skip)| &pool[*skip..skip + len]).collect())
            .collect();
        for round in &rounds {
            want.iter_mut().zip(round).for_each(|(all, input)| all.extend_from_slice(input));
        }
        for hasher in paths() {
            let (mut one, mut two) = (hasher.sha1_streams(), hasher.sha256_streams());
            one.begin(count);
            two.begin(count);
            for round in &rounds {
                one.update(round);
                two.update(round);
            }
            let sha1: Vec<_> = want.iter().map(|all| sha1_of(all)).collect();
            let sha256: Vec<_> = want.iter().map(|all| sha256_of(all)).collect();
            prop_assert_eq!(one.finish(), sha1);
            prop_assert_eq!(two.finish(), sha256);
        }
    }
}
