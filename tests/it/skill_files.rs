//! The front matter of a skill file names the calling program, whatever else the file contains.

use std::path::Path;

use nemovideo::Attribution;

fn read(yaml: &str) -> Option<(String, String)> {
    let attribution = Attribution::from_front_matter(&format!("---\n{yaml}\n---\n")).ok()?;
    Some((attribution.source().to_owned(), attribution.version().to_owned()))
}

#[test]
fn name_and_version_come_from_the_outermost_front_matter() {
    let skill = "---\r\nname: \"nemo video: maker\"\r\nmetadata:\r\n  name: inner\r\n  tags: [a, b]\r\nversion: 1.10\r\ndescription: |\r\n  version: 9\r\n---\r\n# Skill\r\nname: no\r\n";
    let attribution = Attribution::from_front_matter(skill).unwrap();
    assert_eq!(attribution.source(), "nemo video: maker");
    assert_eq!(attribution.version(), "1.10");
    assert_eq!(attribution.platform(), "unknown");
}

#[test]
fn each_style_of_a_scalar_is_read() {
    for yaml in [
        "name: it's # a note\nversion: 2",
        "name: \"it's\" # a note\nversion: '2'",
        "name: 'it''s'\nversion: \"2\"",
        "name: >-\n  it's\nversion: |\n  2\n",
        "# a note\n\n\"name\" : it's\n'version':\n  2",
        "name: !!str it's\nversion: &v 2",
        "  name: it's\n  version: 2",
        "name:\tit's\nversion:\t2",
        "{\"name\":\"it's\", version: 2, more: [a, b]}",
    ] {
        assert_eq!(read(yaml), Some(("it's".to_owned(), "2".to_owned())), "{yaml:?}");
    }
    let folded = "name: >\n  two\n\n  words\nversion: 1\n  beta";
    assert_eq!(read(folded), Some(("two words".to_owned(), "1 beta".to_owned())));
}

#[test]
fn other_keys_may_be_any_yaml() {
    for other in [
        "a: b: c",
        "a: @b",
        "a: *b*",
        "a: \"unclosed",
        "a: [unclosed",
        "a: %b",
        "[: {",
        "a: `b`",
        "- a",
        "a: @scope/name",
        "a: Makes videos. Use when: asked, or: not",
        "a: *new* and &old",
        "a: !important",
        "a: yes: no: maybe",
        "a: 50% off, {half",
        "a: |\n  ---\n  name: no\n  version: no",
        "a:\n  name: no\n  version: no",
    ] {
        let right = Some(("my-skill".to_owned(), "1.0".to_owned()));
        assert_eq!(read(&format!("name: my-skill\n{other}\nversion: 1.0")), right, "{other}");
    }
}

#[test]
fn a_version_under_metadata_counts_when_there_is_no_other() {
    for (yaml, version) in [
        ("metadata:\n  author: x\n  version: \"1.0\"", Some("1.0")),
        ("metadata:\n# a note\n    version: 1.0", Some("1.0")),
        ("metadata: {author: 'a, b', version: 1.0}", Some("1.0")),
        ("metadata:\n  {\"a\": {\"version\": 9},\n  \"version\":\"1.0\"}", Some("1.0")),
        ("version: 1.0\nmetadata:\n  version: 9", Some("1.0")),
        ("version: null\nmetadata:\n  version: 1.0", Some("1.0")),
        ("metadata:\n  more:\n    version: 9", None),
        ("metadata: {more: {version: 9}}", None),
        ("metadata: version", None),
        ("version: ~\nmetadata:\n  version: ~", None),
        ("version:\nmetadata:\n  version: '1.0'", Some("1.0")),
    ] {
        let read = read(&format!("name: x\n{yaml}")).map(|(_, version)| version);
        assert_eq!(read.as_deref(), version, "{yaml:?}");
    }
}

#[test]
fn a_file_without_both_keys_is_rejected() {
    for text in [
        "",
        "# no front matter",
        "---\nname: x\n---\n",
        "---\nname: x\nversion: 1\n",
        "---\nname: x\nversion:\n---\n",
        "---\nname: {a: x}\nversion: 1\n---\n",
        "---\nname:\n  a: x\nversion: 1\n---\n",
        "---\n[: {\n---\n",
    ] {
        assert!(Attribution::from_front_matter(text).is_err(), "{text:?}");
    }
}

#[test]
fn every_skill_file_of_the_fixtures_is_read_right() {
    let one = Some("my-skill 1.0.0");
    let cases = [
        ("at", Some("@scope/my-skill 1.0.0")),
        ("blank-first", None),
        ("bom-crlf", Some("my-skill 1.10")),
        // Keys are case-sensitive.
        ("caps", None),
        // A header holds ASCII alone.
        ("cjk-name", None),
        ("colon", one),
        ("comment-first", None),
        ("cr", one),
        ("dots", None),
        ("dup", Some("b 1.0.0")),
        ("emoji", one),
        ("folded", one),
        ("four", None),
        ("hash", one),
        ("indented", None),
        ("latin1", None),
        ("meta-version", one),
        ("nested-dash", one),
        ("no-version", None),
        ("null-version", None),
        ("ok", one),
        ("star", one),
        ("utf16", None),
    ];
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/skill");
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), cases.len());
    for (name, right) in cases {
        let read = Attribution::from_skill_file(dir.join(name).with_extension("md")).ok();
        let read = read.map(|read| format!("{} {}", read.source(), read.version()));
        assert_eq!(read.as_deref(), right, "{name}");
    }
}

#[test]
fn a_null_is_no_version() {
    for null in ["~", "null", "Null", "NULL", "", "~ # later", "!!null ~", "\"\""] {
        assert_eq!(read(&format!("name: x\nversion: {null}")), None, "{null}");
    }
    let quoted = read("name: x\nversion: 'null'").map(|(_, version)| version);
    assert_eq!(quoted.as_deref(), Some("null"));
}

#[test]
fn a_file_cut_or_changed_anywhere_gives_a_result_or_an_error() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/skill");
    for entry in std::fs::read_dir(dir).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let read = |bytes: &[u8]| {
            let _ = Attribution::from_front_matter(&String::from_utf8_lossy(bytes));
        };
        for at in 0..bytes.len() {
            read(&bytes[..at]);
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                read(&changed);
            }
        }
    }
}
