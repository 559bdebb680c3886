//! Style as a test: the rooms and who may see whom, banned words with what to do instead, the shape
//! of files, and the papers. Every rule has a small test of its own that shows it can fail.
//!
//! Run it with `cargo test --test tidy`. A finding reads `file:line: [rule] what to do`.

#[path = "tidy/papers.rs"]
mod papers;
#[path = "tidy/rooms.rs"]
mod rooms;
#[path = "tidy/shape.rs"]
mod shape;
#[path = "tidy/source.rs"]
mod source;

use source::{Finding, project_files, read, rust_sources};

fn assert_clean(findings: &[Finding]) {
    let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} finding(s):\n{}", list.len(), list.join("\n"));
}

fn each_rust(rule: fn(&source::Source) -> Vec<Finding>) {
    let sources = rust_sources();
    assert!(sources.len() > 20, "only {} sources found: wrong directory?", sources.len());
    assert_clean(&sources.iter().flat_map(rule).collect::<Vec<_>>());
}

/// Text files of the project: path and content.
fn texts() -> Vec<(String, String)> {
    project_files()
        .into_iter()
        .filter(|p| !p.ends_with(".lock"))
        .filter_map(|p| Some((p.clone(), std::fs::read_to_string(source::root().join(p)).ok()?)))
        .collect()
}

#[test]
fn rooms_see_only_what_the_table_allows() {
    each_rust(rooms::edges);
}

#[test]
fn rooms_contain_no_banned_words() {
    each_rust(rooms::banned);
}

#[test]
fn unsafe_stands_where_it_may_and_says_why() {
    each_rust(rooms::unsafety);
}

#[test]
fn there_are_no_process_globals() {
    each_rust(rooms::globals);
}

#[test]
fn every_exception_is_used() {
    for (path, what, reason) in rooms::EXCEPTIONS {
        assert!(reason.len() > 10, "{path}: say why `{what}` is allowed");
        assert!(read(path).contains(what), "{path} has no `{what}` any more: delete the row");
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    each_rust(shape::module_docs);
}

#[test]
fn rooms_explain_themselves() {
    // The C face is a reference, so it needs more.
    assert_clean(&shape::documented(&rust_sources(), |r| if r == "capi" { 15 } else { 10 }));
}

#[test]
fn functions_are_short() {
    each_rust(shape::functions);
}

#[test]
fn files_are_short_narrow_and_ascii() {
    let texts = texts();
    let sources = texts.iter().filter(|(p, _)| shape::is_source(p));
    assert_clean(&sources.flat_map(|(p, t)| shape::layout(p, t)).collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_over() {
    let texts = texts();
    assert_clean(&texts.iter().flat_map(|(p, t)| shape::leftovers(p, t)).collect::<Vec<_>>());
}

#[test]
fn every_source_is_compiled() {
    assert_clean(&shape::orphans(&rust_sources()));
}

#[test]
fn unwraps_are_rare() {
    let (count, lines, found) = shape::unwraps(&rust_sources());
    if count * 1000 > lines * shape::UNWRAPS_PER_1000 {
        assert_clean(&found);
    }
}

#[test]
fn every_decision_record_is_listed() {
    assert_clean(&papers::records(&project_files(), &read("docs/adr/README.md")));
}

#[test]
fn every_dependency_has_a_reason() {
    let manifests = ["Cargo.toml", "xtask/Cargo.toml", "fuzz/Cargo.toml", "tests/cutfs/Cargo.toml"]
        .map(|p| (p, p))
        .into_iter();
    let manifests: Vec<_> = manifests
        .filter(|(p, _)| source::root().join(p).is_file())
        .map(|(p, _)| (p, read(p)))
        .collect();
    assert_clean(&papers::reasons(&manifests, &read("docs/dependencies.md")));
}

#[test]
fn no_text_names_one_machine() {
    let texts = texts();
    assert_clean(&texts.iter().flat_map(|(p, t)| papers::machine_words(p, t)).collect::<Vec<_>>());
}

#[test]
fn the_changelog_has_its_headings() {
    assert_clean(&papers::changelog(&read("CHANGELOG.md"), env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_readme_shows_the_examples_as_they_are() {
    let readme = read("README.md");
    let examples = ["c/minimal.c", "perl/minimal.pl", "python/minimal.py"];
    let shown = examples.iter().map(|e| format!("examples/{e}"));
    assert_clean(&shown.flat_map(|p| papers::shown(&readme, &p, &read(&p))).collect::<Vec<_>>());
}
