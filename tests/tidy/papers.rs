//! The papers: decision records, dependencies, the changelog, and words that name one machine.

use crate::source::Finding;

fn finding(path: &str, line: usize, rule: &'static str, help: String) -> Finding {
    Finding { path: path.into(), line, rule, help }
}

/// Reports decision records that the index does not list, index lines without a record, and
/// numbers used twice.
pub fn records(files: &[String], index: &str) -> Vec<Finding> {
    let rule = "adr";
    let names: Vec<&str> = files
        .iter()
        .filter_map(|p| p.strip_prefix("docs/adr/"))
        .filter(|n| n.ends_with(".md") && *n != "README.md")
        .collect();
    let mut out = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let path = format!("docs/adr/{name}");
        if !index.contains(&format!("({name})")) {
            let help = format!("list it in docs/adr/README.md as [title]({name})");
            out.push(finding(&path, 1, rule, help));
        }
        let number = name.split('-').next().unwrap_or_default();
        if number.len() != 4 || !number.bytes().all(|b| b.is_ascii_digit()) {
            out.push(finding(&path, 1, rule, "name it NNNN-what-was-decided.md".into()));
        }
        if names[..i].iter().any(|n| n.split('-').next() == Some(number)) {
            out.push(finding(&path, 1, rule, format!("number {number} is taken: use the next")));
        }
    }
    for (i, line) in index.lines().enumerate() {
        let linked = line.split("](").nth(1).and_then(|l| l.split(')').next());
        let gone = |n: &&str| n.ends_with(".md") && !n.contains('/') && !names.contains(n);
        if let Some(name) = linked.filter(gone) {
            let help = format!("{name} does not exist");
            out.push(finding("docs/adr/README.md", i + 1, rule, help));
        }
    }
    out
}

/// The dependency names of a Cargo manifest, without the crates of this tree.
pub fn dependencies(manifest: &str) -> Vec<&str> {
    let mut inside = false;
    let mut out = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            inside = table.trim_end_matches(']').ends_with("dependencies");
        } else if inside && !line.starts_with('#') && !line.contains("path = ") {
            out.extend(line.split_once('=').map(|(name, _)| name.trim().trim_matches('"')));
        }
    }
    out
}

/// Reports dependencies without a reason in `docs/dependencies.md`, and reasons without a
/// dependency. A reason is a table row that begins with the name in back-quotes.
pub fn reasons(manifests: &[(&str, String)], page: &str) -> Vec<Finding> {
    let rule = "dependencies";
    let listed: Vec<&str> = page
        .lines()
        .filter_map(|l| l.strip_prefix("| `"))
        .filter_map(|l| l.split('`').next())
        .collect();
    let mut used = Vec::new();
    let mut out = Vec::new();
    for (path, manifest) in manifests {
        for name in dependencies(manifest) {
            if !listed.contains(&name) {
                let help = format!("say in docs/dependencies.md why `{name}` is worth it");
                out.push(finding(path, 1, rule, help));
            }
            used.push(name.to_owned());
        }
    }
    for name in listed.iter().filter(|n| !used.iter().any(|u| u == *n)) {
        let help = format!("`{name}` is no longer a dependency: delete its row");
        out.push(finding("docs/dependencies.md", 1, rule, help));
    }
    out
}

/// Reports text that only makes sense on the machine it was written on.
pub fn machine_words(path: &str, text: &str) -> Vec<Finding> {
    let words = [
        concat!("../", "shared"),
        concat!("/work", "/"),
        concat!("/tmp/", "wt/"),
        concat!("/tmp/", "board"),
        concat!("/home", "/"),
    ];
    let mut out = Vec::new();
    for (i, line) in text.lines().enumerate() {
        for word in words.iter().filter(|w| line.contains(**w)) {
            let help = format!("`{word}` means nothing to a stranger: use a path of this tree");
            out.push(finding(path, i + 1, "machine", help));
        }
    }
    out
}

/// Reports a program that the README does not show as it is.
pub fn shown(readme: &str, path: &str, program: &str) -> Vec<Finding> {
    if readme.contains(&format!("\n{program}```")) {
        return Vec::new();
    }
    let help = format!("shows another text than {path}: copy the program, which is tested");
    vec![finding("README.md", 1, "readme", help)]
}

/// Reports a changelog without the headings its readers look for.
pub fn changelog(text: &str, version: &str) -> Vec<Finding> {
    let wanted = ["## [Unreleased]".to_owned(), "### ABI".into(), "### Added".into()];
    let mut out: Vec<_> = wanted
        .iter()
        .filter(|w| !text.lines().any(|l| l == w.as_str()))
        .map(|w| finding("CHANGELOG.md", 1, "changelog", format!("has no `{w}`")))
        .collect();
    if !text.contains(version) {
        let help = format!("does not mention version {version} of Cargo.toml");
        out.push(finding("CHANGELOG.md", 1, "changelog", help));
    }
    out
}

mod tests {
    use super::*;

    #[test]
    fn unlisted_missing_and_doubled_records_are_found() {
        let files: Vec<String> =
            ["0001-a.md", "0001-b.md", "notes.md"].map(|n| format!("docs/adr/{n}")).into();
        let index = "[a](0001-a.md)\n[c](0003-c.md)\n[n](notes.md)\n";
        let help: Vec<_> = records(&files, index).into_iter().map(|f| f.help).collect();
        assert_eq!(help.len(), 4, "{help:?}");
        assert!(help[0].contains("[title](0001-b.md)") && help[1].contains("is taken"));
        assert!(help[2].contains("NNNN") && help[3].contains("0003-c.md does not exist"));
    }

    #[test]
    fn dependencies_without_reason_and_back_are_found() {
        let manifest = "[dependencies]\nbytes = \"1\"\n# x = 1\nl = { path = \"..\" }\n\
                        serde = { version = \"1\" }\n\
                        [dev-dependencies]\nproptest = \"1\"\n[profile.dev]\ndebug = 1\n";
        assert_eq!(dependencies(manifest), ["bytes", "serde", "proptest"]);
        let page = "| `bytes` | buffers |\n| `proptest` | tests |\n| `old` | gone |\n";
        let found = reasons(&[("Cargo.toml", manifest.into())], page);
        assert_eq!(found.len(), 2);
        assert!(found[0].help.contains("`serde`") && found[1].help.contains("`old`"));
    }

    #[test]
    fn machine_words_are_found() {
        assert_eq!(machine_words("a.md", concat!("see ../", "shared/x\nfine\n")).len(), 1);
    }

    #[test]
    fn a_program_that_drifted_is_found() {
        let readme = "x\n```c\nint a;\n```\n";
        assert!(shown(readme, "a.c", "int a;\n").is_empty());
        assert_eq!(shown(readme, "a.c", "int b;\n").len(), 1);
    }

    #[test]
    fn changelog_headings_are_wanted() {
        assert_eq!(changelog("## [Unreleased]\n", "0.1.0").len(), 3);
        assert!(changelog("## [Unreleased]\n### Added\n### ABI\n0.1.0\n", "0.1.0").is_empty());
    }
}
