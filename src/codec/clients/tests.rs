//! Files that real clients wrote (`tests/fixtures/clients`, named by client and version), and what
//! damage does to them.

use super::super::bencode::{Encoder, Item};
use super::super::metainfo::{Info, Metainfo};
use super::*;
use crate::base::{FileIndex, FileStat, InfoHash};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/fixtures/clients/", $name))
    };
}

const TORRENT: &[u8] = fixture!("t.torrent");
const QBITTORRENT: &[u8] = fixture!("qbittorrent-4.5.2.fastresume");
const TRANSMISSION: &[u8] = fixture!("transmission-3.00.resume");
const RTORRENT: (&[u8], &[u8]) =
    (fixture!("rtorrent-0.9.8.libtorrent_resume"), fixture!("rtorrent-0.9.8.rtorrent"));
const DELUGE: (&[u8], &[u8]) =
    (fixture!("deluge-2.0.3.state"), fixture!("deluge-2.0.3.fastresume"));
const ARIA2: (&[u8], &[u8]) = (fixture!("aria2-1.36.0.aria2"), fixture!("aria2-1.36.0.session"));
const HASH: &str = "457b3f714212636ade08a7adc902a7e96a4027b3";

/// 135 pieces of 64 KiB; 8 files, number 2 is padding.
fn info() -> std::sync::Arc<Info> {
    Metainfo::parse(TORRENT).unwrap().info
}

/// All files whole, changed at this second.
fn whole(info: &Info, seconds: i64) -> Vec<Option<FileStat>> {
    let mtime_ns = i128::from(seconds) * 1_000_000_000 + 5;
    info.files.iter().map(|f| Some(FileStat { size: f.length, mtime_ns })).collect()
}

fn claimed(settled: &Settled) -> Vec<u32> {
    settled.resume.have(135).map(|(set, _)| set.iter().collect()).unwrap_or_default()
}

/// Settled claims hold together, whatever they came from.
fn check(info: &Info, state: ClientState, stats: &[Option<FileStat>]) -> Settled {
    let settled = settle(info, state, stats);
    let count = info.piece_count();
    let read = Resume::parse(&settled.resume.encode(count)).unwrap();
    let have = read.have(count).map_or(0, |(have, _)| have.count());
    assert_eq!(have, settled.restored);
    assert!(settled.restored.checked_add(settled.check).is_some_and(|sum| sum <= count));
    assert_eq!(read.info_hash, info.info_hash);
    settled
}

#[test]
fn qbittorrents_state_is_read() {
    let info = info();
    let state = qbittorrent::fastresume(QBITTORRENT).unwrap();
    assert_eq!(state.place, Place::Under(b"/srv/media/QBittorrent/down".to_vec()));
    let labels = &state.labels;
    assert_eq!((labels.category.as_str(), labels.name.as_str()), ("cat", "my name"));
    assert_eq!(
        (labels.tags.as_slice(), labels.ratio_limit),
        (&["a".into(), "b".into()][..], Some(2500))
    );
    assert_eq!((labels.seeding_minutes, labels.idle_minutes), (None, None));
    assert!(state.resume.file_priority.is_empty(), "1 is normal there");
    let settled = check(&info, state.clone(), &whole(&info, 1));
    assert_eq!((settled.restored, settled.check, settled.partial), (99, 0, 2));
    assert_eq!(Labels::of(&settled.resume), state.labels);

    // Back again: its own keys are as they were.
    let written = qbittorrent::write(&settled.resume, &info);
    let back = qbittorrent::fastresume(&written).unwrap();
    assert_eq!(back.labels, state.labels);
    assert_eq!(claimed(&check(&info, back, &whole(&info, 1))), claimed(&settled));
    let key = |name: &str| {
        let read = Resume::parse(&written).unwrap();
        let found = read.unknown.into_iter().find(|(key, _)| key == name.as_bytes());
        String::from_utf8(found.unwrap().1).unwrap()
    };
    assert_eq!((key("qBt-ratioLimit"), key("qBt-seedStatus")), ("i2500e".into(), "i0e".into()));
    assert_eq!(key("qBt-tags"), "l1:a1:be");
    assert_eq!(key("qBt-savePath"), "27:/srv/media/QBittorrent/down");
    assert_eq!(Resume::parse(&written).unwrap().file_priority, [1; 8]);
}

#[test]
fn what_others_keep_becomes_keys_of_qbittorrents() {
    let info = info();
    let labels = Labels {
        client: "deluge".into(),
        category: "c".into(),
        tags: vec!["t".into()],
        ratio_limit: Some(1500),
        queue: Some(3),
        ..Labels::default()
    };
    let mut resume = Resume { paused: true, file_priority: vec![0, 7, 4, 6], ..Resume::default() };
    labels.put(&mut resume);
    resume.info_hash = info.info_hash;
    let written = qbittorrent::write(&resume, &info);
    let state = qbittorrent::fastresume(&written).unwrap();
    assert!(state.resume.paused && !state.resume.auto_managed);
    assert_eq!(state.resume.file_priority, [0, 7, 1, 6, 1, 1, 1, 1]);
    let expected = Labels { client: "qbittorrent".into(), ..labels };
    assert_eq!(state.labels, expected);
}

#[test]
fn a_row_of_the_database_says_more_than_its_blob() {
    let row = qbittorrent::Row {
        resume: QBITTORRENT.to_vec(),
        stopped: true,
        labels: Labels { category: "column".into(), ..Labels::default() },
        ..qbittorrent::Row::default()
    };
    let state = qbittorrent::row(&row).unwrap();
    assert!(state.resume.paused && !state.resume.auto_managed);
    assert_eq!(state.labels.category, "column");
    let bad = qbittorrent::Row { resume: b"de".to_vec(), ..row };
    let error = qbittorrent::row(&bad).unwrap_err();
    assert_eq!(error.field, "libtorrent_resume_data file-format");
}

#[test]
fn transmissions_state_is_read() {
    let info = info();
    let state = transmission::resume(TRANSMISSION, &info.name_raw).unwrap();
    let Place::Named { dir, name } = &state.place else { panic!("no name") };
    assert_eq!(dir.as_slice(), b"/srv/library/down");
    assert_eq!(name[..], *info.name_raw);
    assert_eq!(state.labels.tags, ["x", "y"]);
    assert_eq!((state.labels.ratio_limit, state.labels.name.as_str()), (Some(2500), ""));
    assert_eq!(state.resume.download_rate_limit, Some(900_000));
    assert_eq!(state.resume.file_priority, [4, 4, 4, 4, 0, 4, 4, 7]);
    // Every file older than what was verified in it.
    let settled = check(&info, state.clone(), &whole(&info, 1));
    assert!(settled.restored > 20 && settled.check == 0);
    // A file still being written may be newer.
    let newer = check(&info, state, &whole(&info, i64::from(u32::MAX)));
    assert!(newer.restored + 5 > settled.restored, "few are in complete files");
    assert_eq!(newer.restored + newer.check, settled.restored);
}

fn transmission_4(progress: Item) -> Vec<u8> {
    let dict = |items: Vec<(&str, Item)>| {
        Item::Dict(items.into_iter().map(|(k, v)| (k.as_bytes().to_vec(), v)).collect())
    };
    dict(vec![("destination", "/d".into()), ("progress", progress), ("paused", Item::Int(1))])
        .encode()
}

#[test]
fn transmission_4_says_what_it_verified_and_when_files_changed() {
    let info = info();
    let mtimes = |time: i64| Item::List(vec![Item::Int(time); 8]);
    let progress = |blocks: &str, pieces: &[u8], time: i64| {
        Item::Dict(
            [
                (b"blocks".to_vec(), blocks.into()),
                (b"pieces".to_vec(), Item::Bytes(pieces.to_vec())),
                (b"mtimes".to_vec(), mtimes(time)),
            ]
            .into(),
        )
    };
    let settled = |progress: Item, now: i64| {
        let state = transmission::resume(&transmission_4(progress), b"n").unwrap();
        assert!(state.resume.paused);
        check(&info, state, &whole(&info, now))
    };
    let all = settled(progress("all", b"all", 7), 7);
    assert_eq!((all.restored, all.check), (135, 0));
    // Three pieces were not verified.
    let mut some = [0xff; 17];
    some[0] = 0x1f;
    let some = settled(progress("all", &some, 7), 7);
    assert_eq!((some.restored, some.check), (132, 3));
    let changed = settled(progress("all", b"all", 7), 8);
    assert_eq!((changed.restored, changed.check), (0, 135));
    assert_eq!(changed.resume.tern.unwrap().dirty.len(), 135);
    let wrong = transmission_4(Item::Dict([(b"blocks".to_vec(), Item::Int(1))].into()));
    let error = transmission::resume(&wrong, b"n").unwrap_err();
    assert_eq!(error.field, "progress.blocks");
    assert_eq!(transmission::resume(b"de", b"n").unwrap_err().field, "destination");
}

#[test]
fn rtorrents_state_is_read() {
    let info = info();
    let state = rtorrent::session(TORRENT, Some(RTORRENT.0), Some(RTORRENT.1)).unwrap();
    let Place::Within(dir) = &state.place else { panic!("not within") };
    assert!(dir.starts_with(b"/srv/media/RTorrent/down/") && dir.ends_with(&info.name_raw));
    assert!(!state.resume.paused && state.resume.trackers.is_none());
    assert_eq!(state.resume.total_downloaded, 4_255_062);
    let times: Vec<i64> = match &state.claims {
        Claims::Known(known) => known
            .stamps
            .iter()
            .map(|stamp| if let Stamp::At(time) = stamp { *time } else { panic!("{stamp:?}") })
            .collect(),
        other => panic!("{other:?}"),
    };
    let mut stats = whole(&info, 0);
    for (stat, time) in stats.iter_mut().zip(&times) {
        stat.as_mut().unwrap().mtime_ns = i128::from(*time) * 1_000_000_000;
    }
    // All of the last minutes: rtorrent would hash them too.
    let settled = check(&info, state.clone(), &stats);
    assert_eq!((settled.restored, settled.check), (0, 65));
    let mut sure = state;
    let Claims::Known(known) = &mut sure.claims else { panic!("not known") };
    known.uncertain = vec![3];
    assert_eq!(check(&info, sure.clone(), &stats).restored, 64);
    stats[7].as_mut().unwrap().mtime_ns += 1_000_000_000;
    let changed = check(&info, sure, &stats);
    assert_eq!((changed.restored, changed.check), (5, 60), "only the pieces of that file");
}

#[test]
fn rtorrents_old_form_is_inside_the_torrent() {
    let mut both = Encoder::new();
    both.dict(|d| {
        d.raw(b"libtorrent_resume", b"d8:bitfieldi135e5:filesld5:mtimei-1eeee");
        d.raw(b"rtorrent", b"d9:directory2:/d7:custom15:a%2Fb5:statei0ee");
    });
    let info = info();
    let state = rtorrent::session(&both.finish(), None, None).unwrap();
    assert_eq!((state.labels.category.as_str(), state.resume.paused), ("a/b", true));
    assert_eq!(state.place, Place::Within(b"/d".to_vec()));
    let Claims::Known(known) = &state.claims else { panic!("not known") };
    assert_eq!((&known.bits, known.stamps.as_slice()), (&Bits::All, &[Stamp::Distrust][..]));
    assert_eq!(check(&info, state, &whole(&info, 1)).restored, 135, "the first file is empty");
    let error = rtorrent::session(b"de", None, None).unwrap_err();
    assert_eq!(error.field, "rtorrent.directory");
    let error = rtorrent::session(b"de", Some(b"x"), None).unwrap_err();
    assert_eq!(error.field, "libtorrent_resume");
}

#[test]
fn deluges_state_is_read() {
    let info = info();
    let mut list = deluge::state(DELUGE.0).unwrap();
    let kept = list.pop().unwrap().unwrap();
    assert!(list.is_empty());
    assert_eq!(kept.info_hash.to_string(), HASH);
    assert_eq!(kept.state.place, Place::Under(b"/srv/media/Deluge/down".to_vec()));
    assert_eq!(kept.state.labels.queue, Some(0));
    let trackers = kept.state.resume.trackers.as_deref().unwrap();
    assert_eq!(*trackers, [["http://127.0.0.1:9/announce"]]);
    let (hash, raw) = deluge::fastresume(DELUGE.1).unwrap().pop().unwrap();
    assert_eq!(hash, kept.info_hash);
    let state = deluge::join(kept.state, Resume::parse(&raw).unwrap());
    let settled = check(&info, state, &whole(&info, 1));
    assert!(settled.restored > 50 && settled.check == 0);
}

#[test]
fn deluges_errors_name_the_attribute() {
    // {"torrents": [{"torrent_id": "x"}]}, as protocol 0 and as protocol 4 write it.
    let old = b"(dp0\nVtorrents\np1\n(lp2\n(dp3\nVtorrent_id\np4\nVx\np5\nsas.";
    let new = b"\x80\x04\x95\x20\0\0\0\0\0\0\0}\x94\x8c\x08torrents\x94]\x94}\x94\x8c\ntorrent_id\
                \x94\x8c\x01x\x94sas.";
    for pickle in [&old[..], new] {
        let list = deluge::state(pickle).unwrap();
        let error = list[0].as_ref().unwrap_err();
        assert_eq!(error.field, "torrents.torrent_id");
    }
    assert_eq!(deluge::state(b"}.").unwrap_err().field, "torrents");
    assert_eq!(deluge::state(b"I1\n").unwrap_err().field, "pickle byte 3");
}

#[test]
fn a_pickle_runs_nothing() {
    // os.system("true"), as the exploit in every lecture.
    let pickle = pickle::Pickle::parse(b"cposix\nsystem\n(S'true'\ntR.").unwrap();
    let pickle::Node::Object { class, state: None } = pickle.node(pickle.root()) else {
        panic!("not an object")
    };
    assert_eq!(*pickle.node(*class), pickle::Node::Global("posix system".into()));
    // A list in itself.
    let cycle = pickle::Pickle::parse(b"]q\0h\0a.").unwrap();
    assert_eq!(cycle.items(cycle.root()), [cycle.root()]);
    for bad in [&b"P1\n."[..], b"\x82\x01.", b"h\x05.", b"a.", b"u.", b"(.", b"\x80\x09.", b"NNs."]
    {
        assert!(pickle::Pickle::parse(bad).is_err(), "{}", bad.escape_ascii());
    }
    let text = |raw: &[u8]| {
        let pickle = pickle::Pickle::parse(raw).unwrap();
        pickle.node(pickle.root()).clone()
    };
    assert_eq!(text(b"S'a\\x41\\n\\''\n."), pickle::Node::Bytes(b"aA\n'".to_vec()));
    assert_eq!(text(b"V\\u00e9\xe9\n."), pickle::Node::Bytes("\u{e9}\u{e9}".into()));
    assert_eq!(text(b"I01\n."), pickle::Node::Bool(true));
    assert_eq!(text(b"\x8a\x02\x00\xff."), pickle::Node::Int(-256));
    assert_eq!(text(b"J\xff\xff\xff\xff."), pickle::Node::Int(-1));
}

#[test]
fn aria2s_control_file_and_list_are_read() {
    let info = info();
    let control = aria2::control(ARIA2.0).unwrap();
    assert_eq!(control.info_hash.to_string(), HASH);
    assert_eq!((control.piece_length, control.total_length), (65536, info.geometry.total_len()));
    let list = aria2::session(core::str::from_utf8(ARIA2.1).unwrap());
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].torrent, "/srv/media/t.torrent");
    assert_eq!(list[0].option("dir"), Some("/srv/media/Aria2/down"));
    let state = ClientState {
        resume: list[0].settings(8),
        place: Place::Under(b"/d".to_vec()),
        claims: control.claims,
        labels: Labels::default(),
        endings: &[],
    };
    let settled = check(&info, state, &whole(&info, 1));
    assert!(settled.restored > 30 && settled.check == 0);
}

#[test]
fn aria2s_options_are_read() {
    let text = "magnet:?xt=x\n gid=1\n/a.torrent\thttp://seed/\n gid=2\n select-file=1,3-5,99\n \
                pause=true\n max-upload-limit=500K\n index-out=2=b/c\n index-out=0=no\n\
                http://host/file\n dir=/x\n";
    let list = aria2::session(text);
    assert_eq!(list.len(), 1);
    let settings = list[0].settings(6);
    assert_eq!(settings.file_priority, [4, 0, 4, 4, 4, 0]);
    assert_eq!((settings.paused, settings.upload_rate_limit), (true, Some(512_000)));
    assert_eq!(list[0].renamed(), [(1, "b/c".into())]);
}

#[test]
fn files_that_shrank_or_went_away_are_not_believed() {
    let info = info();
    let state = || qbittorrent::fastresume(QBITTORRENT).unwrap();
    let mut stats = whole(&info, 1);
    let all = claimed(&check(&info, state(), &stats));
    stats[7] = None;
    let settled = check(&info, state(), &stats);
    let last = info.pieces_of(FileIndex(7));
    let kept: Vec<u32> = all.iter().copied().filter(|piece| !last.contains(piece)).collect();
    assert_eq!(claimed(&settled), kept);
    assert_eq!(settled.check as usize, all.len() - kept.len(), "and are hashed, not forgotten");
    stats[7] = Some(FileStat { size: info.files[7].length - 1, mtime_ns: 0 });
    let settled = check(&info, state(), &stats);
    assert_eq!(settled.check, u32::from(all.contains(&134)));
}

#[test]
fn a_torrent_in_seed_mode_is_hashed_but_for_what_was_verified() {
    let info = info();
    let mut state = qbittorrent::fastresume(QBITTORRENT).unwrap();
    state.resume.seed_mode = true;
    state.resume.verified = vec![0xe0];
    let settled = check(&info, state, &whole(&info, 1));
    assert_eq!((settled.restored, settled.check), (3, 132));
    assert!(!settled.resume.seed_mode);
}

/// Cut at every byte and with every bit flipped, each is an error or claims that hold together.
#[test]
fn damage_is_an_error_or_safe() {
    let info = info();
    let stats = whole(&info, 1);
    type Read<'a> = &'a dyn Fn(&[u8]) -> Result<ClientState, ClientError>;
    let aria2_state = |data: &[u8]| {
        let claims = aria2::control(data)?.claims;
        let place = Place::Under(Vec::new());
        let (resume, labels) = (Resume::default(), Labels::default());
        Ok(ClientState { resume, place, claims, labels, endings: &[] })
    };
    let deluge_state = |data: &[u8]| {
        let first = deluge::state(data)?.into_iter().next();
        first.unwrap_or_else(|| Err(ClientError::new("", "none"))).map(|kept| kept.state)
    };
    let readers: [(&[u8], Read<'_>); 5] = [
        (TRANSMISSION, &|data| transmission::resume(data, b"name")),
        (RTORRENT.0, &|data| rtorrent::session(TORRENT, Some(data), Some(RTORRENT.1))),
        (RTORRENT.1, &|data| rtorrent::session(TORRENT, Some(RTORRENT.0), Some(data))),
        (DELUGE.0, &deluge_state),
        (ARIA2.0, &aria2_state),
    ];
    for (original, read) in readers {
        assert!(read(original).is_ok());
        for cut in 0..original.len() {
            assert!(read(&original[..cut]).is_err(), "cut at {cut}");
        }
        for bit in 0..original.len() * 8 {
            let mut bad = original.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            if let Ok(state) = read(&bad) {
                check(&info, state, &stats);
            }
        }
    }
}

#[test]
fn hex_is_forty_digits() {
    assert_eq!(hash_of(HASH.as_bytes()).map(|h| h.to_string()), Some(HASH.into()));
    assert_eq!(hash_of(&HASH.as_bytes()[1..]), None);
    assert_eq!(hash_of(&[b'g'; 40]), None);
    assert_eq!(hash_of(&[b'F'; 40]), Some(InfoHash([255; 20])));
}
