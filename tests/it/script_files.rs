//! A script file is read as its author wrote it, or rejected with a reason that names the file and
//! what it is, before anything is sent.

use std::path::{Path, PathBuf};

use nemovideo::local::{Frequency, LocalBackend};
use nemovideo::project::Script;
use reqwest::multipart::{Form, Part};

use crate::support::caller::Caller;

fn cases(group: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases").join(group)
}

const LETTER: &str = "It’s a café — “naïve” façade for €5.\r\nSecond line.\r\n";

#[test]
fn each_collected_text_file_is_read_or_rejected_with_a_reason() {
    let read = [
        ("UPPER.TXT", "Hello there."),
        ("bidi.txt", "Hello \u{202e}olleh\u{202c} there."),
        ("cr-only.txt", "One.\rTwo.\r\rThree."),
        ("mojibake.txt", "Itâ€™s a cafÃ©."),
        ("nel.txt", "One.\u{85}Two."),
        ("noext", "Hello there."),
        ("script.md", "# Title\nHello there."),
        ("script.text", "Hello there."),
        ("utf16be-bom.txt", LETTER),
        ("utf16le-bom.txt", LETTER),
        ("utf16le-nobom.txt", LETTER),
        ("utf16le-nobom-ascii.txt", "Hello there.\n"),
        ("utf8-bom.txt", LETTER),
        ("vt.txt", "Line one\u{b}Line two."),
        ("zwj.txt", "Zero\u{200b}width\u{feff} mid\u{2060}dle bom."),
    ];
    let rejected = [
        ("ansi.txt", "it holds '\\u{1b}'"),
        ("ascii-with-one-bad.txt", "looks like windows-1252"),
        ("bell.txt", "it holds '\\u{8}'"),
        ("cp1252.txt", "looks like windows-1252"),
        ("ctrl-z.txt", "it holds '\\u{1a}'"),
        ("gbk.txt", "looks like gbk"),
        ("html-named.txt", "it is an HTML document"),
        ("mac-roman.txt", "looks like macintosh"),
        ("nul-end.txt", "neither UTF-8 nor UTF-16"),
        ("rtf-named.txt", "it is an RTF document"),
        ("sjis.txt", "looks like shift_jis"),
        ("utf16le-bom-odd.txt", "nor complete UTF-16"),
        ("utf16le-nobom-cjk.txt", "neither UTF-8 nor UTF-16"),
        ("word-hyphen.txt", "it holds '\\u{1e}'"),
    ];
    let dir = cases("txt");
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), read.len() + rejected.len());
    for (name, text) in read {
        let script = Script::from_path(dir.join(name)).unwrap();
        assert_eq!(script, Script::text(text).unwrap(), "{name}");
    }
    for (name, reason) in rejected {
        let error = Script::from_path(dir.join(name)).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains(name), "{name}: {error}");
    }
}

#[test]
fn the_extension_and_the_content_decide_what_a_file_is() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let hello = Script::text("Hello.").unwrap();
    for name in ["a.md", "a.Markdown", "a.TEXT", "a.Txt", "README", ".script"] {
        assert_eq!(Script::from_path(write(name, b"Hello.")).unwrap(), hello, "{name}");
    }
    assert!(Script::from_path(write("talk.DOCX", b"PK\x03\x04")).is_ok());
    // A text may begin with the name of a format.
    for text in ["ID3 tags hold the artist.", "RIFF is a file format.", "GIF89a was the second."] {
        let script = Script::from_path(write("a.txt", text.as_bytes())).unwrap();
        assert_eq!(script, Script::text(text).unwrap());
    }
    for (name, bytes, reason) in [
        ("a.csv", &b"Hello."[..], "neither a text file"),
        ("a.txt", b"%PDF-1.7", "a PDF document"),
        ("a.txt", b"ID3\x04\0\0\0\0\0\x21TIT2", "an audio file"),
        ("a.txt", b"<html\n lang=\"en\"><p>Hello.", "an HTML document"),
        ("a.md", b"PK\x03\x04", "a ZIP archive or an Office document"),
        ("script", b"PK\x03\x04", "a ZIP archive or an Office document"),
        ("a.docx", b"{\\rtf1 Hello.}", "not a DOCX document: it is an RTF document"),
        ("a.docx", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old or encrypted Office document"),
    ] {
        let error = Script::from_path(write(name, bytes)).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains(name), "{name}: {error}");
    }
}

#[test]
fn an_encoding_that_is_named_is_read() {
    for (name, label, text) in [
        ("cp1252.txt", "windows-1252", None),
        ("gbk.txt", "gbk", Some("今天天气")),
        ("sjis.txt", "Shift_JIS", None),
        ("mac-roman.txt", "macintosh", Some("It’s a café.")),
    ] {
        let script = Script::from_path_with_encoding(cases("txt").join(name), label).unwrap();
        if let Some(text) = text {
            assert!(format!("{script:?}").contains(text), "{name}: {script:?}");
        }
    }
    let script =
        Script::from_path_with_encoding(cases("txt").join("cp1252.txt"), "cp1252").unwrap();
    assert_eq!(script, Script::text(LETTER).unwrap());
    for (name, label, reason) in [
        ("gbk.txt", "klingon", "\"klingon\" is not the name of an encoding"),
        ("cp1252.txt", "shift_jis", "bytes that are no character"),
        ("rtf-named.txt", "windows-1252", "an RTF document"),
        ("ansi.txt", "windows-1252", "it holds '\\u{1b}'"),
    ] {
        let path = cases("txt").join(name);
        let error = Script::from_path_with_encoding(path, label).unwrap_err().to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
}

/// Returns the text of a script, with what its `Debug` puts around it.
fn text_of(script: &Script) -> String {
    format!("{script:?}")
}

#[test]
fn a_text_file_cut_anywhere_is_a_part_of_it_or_an_error_that_names_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("script.txt");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Script::from_path(&path)
    };
    for entry in std::fs::read_dir(cases("txt")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        // A file in UTF-16 without its mark may be cut to something else; the others may not.
        let whole = String::from_utf8(bytes.clone()).ok();
        for end in 0..bytes.len() {
            match read(&bytes[..end]) {
                Ok(script) => {
                    if whole.as_ref().is_some_and(|whole| !whole.contains('\0')) {
                        let start = std::str::from_utf8(&bytes[..end]).unwrap();
                        assert_eq!(script, Script::text(start).unwrap(), "{name} to {end}");
                    }
                }
                Err(error) => {
                    let error = error.to_string();
                    assert!(error.contains("script.txt"), "{name} to {end}: {error}");
                }
            }
        }
    }
}

#[test]
fn a_text_file_changed_anywhere_is_never_read_as_another_alphabet() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("script.txt");
    for name in ["UPPER.TXT", "utf8-bom.txt", "utf16le-bom.txt", "utf16le-nobom-ascii.txt"] {
        let bytes = std::fs::read(cases("txt").join(name)).unwrap();
        let whole = text_of(&Script::from_path(cases("txt").join(name)).unwrap());
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            std::fs::write(&path, &changed).unwrap();
            match Script::from_path(&path) {
                // One changed byte changes one character or two, but not the encoding.
                Ok(script) => {
                    let text = text_of(&script);
                    let ends = |a: &str, b: &str| {
                        a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
                    };
                    let reversed = |text: &str| text.chars().rev().collect::<String>();
                    let same = ends(&text, &whole) + ends(&reversed(&text), &reversed(&whole));
                    let length = whole.chars().count();
                    assert!(same + 12 >= length, "{name} at {at}: {text}");
                }
                Err(error) => assert!(error.to_string().contains("script.txt"), "{error}"),
            }
            let _ = Script::from_path_with_encoding(&path, "gbk");
        }
    }
}

#[tokio::test]
async fn an_uploaded_file_is_read_like_a_local_one_and_what_it_lacks_is_said() {
    let backend = LocalBackend::builder().placeholder_videos().silent_edits(Frequency::Never);
    let backend = backend.start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    for (group, name, text, note) in [
        ("txt", "utf16le-nobom-ascii.txt", "Hello there.", None),
        ("docx", "sym.docx", "The dose must be ≥ 5 grams, or 3 × 2 drops at 20°C.", None),
        ("docx", "placeholder.docx", "Dear reader.", Some("fields that nobody filled in")),
    ] {
        let session = caller.session().await;
        let bytes = std::fs::read(cases(group).join(name)).unwrap();
        caller
            .upload(&session, Form::new().part("files", Part::bytes(bytes).file_name(name)))
            .await;
        let stream = caller.say(&session, "Turn the uploaded script into a video").await;
        let draft = caller.draft(&session).await.to_string();
        assert!(draft.contains(text) && !draft.contains("\\u0000"), "{name}: {draft}");
        let last = stream.texts().last().copied().unwrap_or_default();
        let said = format!("Not spoken from `{name}`: {}.", note.unwrap_or_default());
        assert_eq!(last.contains(&said), note.is_some(), "{name}: {last}");
    }
}
