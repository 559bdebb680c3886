//! Tests of the option table: numbers, types, ranges, texts.

use super::*;

#[test]
fn ids_and_names_are_unique_sorted_and_in_their_type_range() {
    for pair in TABLE.windows(2) {
        assert!(pair[0].id < pair[1].id, "{} before {}", pair[0].name, pair[1].name);
    }
    for (i, spec) in TABLE.iter().enumerate() {
        assert!(TABLE[i + 1..].iter().all(|other| other.name != spec.name), "{}", spec.name);
        let base = match spec.access {
            Access::Int(..) => 1000,
            Access::Bool(..) => 2000,
            Access::Str(..) | Access::Path(..) => 3000,
            Access::Bytes(..) => 4000,
        };
        // Later ones come in ranges by topic.
        let fits = spec.id >= 5000 || (base..base + 1000).contains(&spec.id);
        assert!(fits, "{}", spec.name);
        assert!(spec.doc.ends_with('.'), "{}", spec.name);
        assert_eq!(by_id(spec.id).map(|s| s.name), Some(spec.name));
        assert_eq!(by_name(spec.name).map(|s| s.id), Some(spec.id));
    }
}

#[test]
fn defaults_are_in_range_and_survive_a_round_trip() {
    for spec in TABLE {
        let value = spec.get(&Settings::default());
        let mut settings = Settings::default();
        spec.set(&mut settings, &value).unwrap_or_else(|e| panic!("{}: {e}", spec.name));
        assert_eq!(spec.get(&settings), value, "{}", spec.name);
    }
}

#[test]
fn every_integer_and_boolean_reaches_its_own_place() {
    for spec in TABLE {
        let mut settings = Settings::default();
        let value = match spec.access {
            Access::Int(min, max, ..) => OptionValue::Int(min.max(1) + i64::from(max > min.max(1))),
            Access::Bool(get, _) => OptionValue::Bool(!get(&settings)),
            _ => continue,
        };
        spec.set(&mut settings, &value).unwrap();
        assert_eq!(spec.get(&settings), value, "{}", spec.name);
        for other in TABLE.iter().filter(|o| o.id != spec.id) {
            assert_eq!(other.get(&settings), other.get(&Settings::default()), "{}", spec.name);
        }
    }
}

#[test]
fn bad_values_are_refused_and_change_nothing() {
    let mut settings = Settings::default();
    let set = |settings: &mut Settings, name: &str, value: OptionValue| {
        by_name(name).unwrap().set(settings, &value)
    };
    assert_eq!(set(&mut settings, "net_threads", OptionValue::Int(0)), Err(OptionError::Range));
    assert_eq!(set(&mut settings, "net_threads", OptionValue::Bool(true)), Err(OptionError::Type));
    let bytes = |b: &[u8]| OptionValue::Bytes(b.to_vec());
    assert!(matches!(
        set(&mut settings, "listen", bytes(b"nonsense")),
        Err(OptionError::Invalid(_))
    ));
    assert!(matches!(set(&mut settings, "listen", bytes(b"\xff:1")), Err(OptionError::Invalid(_))));
    assert_eq!(set(&mut settings, "peer_id", bytes(&[0; 21])), Err(OptionError::Range));
    assert_eq!(settings.listen, Settings::default().listen);
    set(&mut settings, "listen", bytes(b" 127.0.0.1:0 , [::1]:7 ")).unwrap();
    assert_eq!(settings.listen, ["127.0.0.1:0", "[::1]:7"]);
}

#[test]
fn a_hash_path_is_taken_only_if_the_machine_has_it() {
    use crate::hash::HashPath;
    let spec = by_name("hash_path").unwrap();
    for path in HashPath::ALL {
        let mut settings = Settings::default();
        let set = spec.set(&mut settings, &OptionValue::Bytes(path.name().into()));
        assert_eq!(set.is_ok(), path.is_available(), "{path}");
        let now = if set.is_ok() { path } else { HashPath::Auto };
        assert_eq!(settings.hash_path, now);
    }
    let set = spec.set(&mut Settings::default(), &OptionValue::Bytes(b"AVX2".to_vec()));
    assert!(matches!(set, Err(OptionError::Invalid(_))));
}

#[test]
fn text_forms_parse() {
    assert_eq!(by_name("seed").unwrap().parse(" -1 "), Ok(OptionValue::Int(-1)));
    assert_eq!(by_name("preallocate").unwrap().parse("true"), Ok(OptionValue::Bool(true)));
    assert!(by_name("preallocate").unwrap().parse("maybe").is_err());
    assert!(next(0).is_some() && TABLE.last().is_some_and(|last| next(last.id).is_none()));
}
