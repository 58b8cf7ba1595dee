//! JSON that a strict parser rejects as a whole because of a detail, made readable.
//!
//! Python's encoder writes `NaN` and `Infinity`, other programs write `nan` or `undefined`, and
//! text that is cut or encoded in the wrong way leaves invalid UTF-8, unpaired surrogates, raw
//! control characters and unknown escapes in strings. None of that hides the values beside it. A
//! draft, however, must be returned exactly as it came, so a repair inside one is reported.

use serde::de::IgnoredAny;

/// The key whose value must be exact.
const DRAFT: &[u8] = b"\"draft\"";

/// The depth from which on arrays and objects are left out, unless they are in a draft: less than
/// what [`Json`](crate::draft::Json) accepts.
const MAX_DEPTH: usize = 100;

/// JSON after [`repair_json`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RepairedJson {
    /// Valid JSON.
    pub(crate) text: String,
    /// Whether nothing was replaced in a value under the key `draft`.
    pub(crate) is_draft_exact: bool,
}

/// What becomes of an escaped surrogate without its other half, such as `\ud83d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoneSurrogates {
    /// It stays, for [`Json`](crate::draft::Json), which keeps it.
    Keep,
    /// It becomes U+FFFD, except in a draft: a Rust string cannot hold it.
    Replace,
}

/// Returns an object or array with every unreadable detail replaced: a literal that JSON does not
/// have, and what is nested too deeply, by `null`, and a byte that is not UTF-8 by U+FFFD. Raw
/// control characters are escaped, and so is the backslash of an unknown escape.
///
/// `None` means that the text is not JSON even so, for example because its end is missing.
pub(crate) fn repair_json(bytes: &[u8], surrogates: LoneSurrogates) -> Option<RepairedJson> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    if !bytes.starts_with(b"{") && !bytes.starts_with(b"[") {
        return None;
    }
    let mut repair = Repair {
        text: String::with_capacity(bytes.len() + 16),
        surrogates,
        depth: 0,
        is_draft_next: false,
        draft_depth: None,
        is_draft_exact: true,
    };
    repair.read(bytes);
    let Repair { text, is_draft_exact, .. } = repair;
    serde_json::from_str::<IgnoredAny>(&text).ok()?;
    Some(RepairedJson { text, is_draft_exact })
}

struct Repair {
    text: String,
    surrogates: LoneSurrogates,
    depth: usize,
    /// Whether the next value is a draft.
    is_draft_next: bool,
    /// The depth at which the draft around the current position began.
    draft_depth: Option<usize>,
    is_draft_exact: bool,
}

impl Repair {
    fn read(&mut self, mut rest: &[u8]) {
        // Whether the last token was the key `draft`.
        let mut is_draft_key = false;
        while let [byte, ..] = rest {
            let length = match byte {
                b'"' => string_length(rest),
                b'{' | b'[' if self.is_too_deep() => container_length(rest),
                byte if is_word(*byte) => {
                    rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len())
                }
                _ => 1,
            };
            let (token, after) = rest.split_at(length);
            rest = after;
            match byte {
                b'"' => self.string(token),
                b'{' | b'[' if self.is_too_deep() => {
                    self.text.push_str("null");
                    is_draft_key = false;
                    continue;
                }
                b'{' | b'[' => {
                    if self.is_draft_next && self.draft_depth.is_none() {
                        self.draft_depth = Some(self.depth);
                    }
                    self.depth += 1;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.draft_depth == Some(self.depth) {
                        self.draft_depth = None;
                    }
                }
                byte if is_word(*byte) => self.word(token),
                _ => {}
            }
            match byte {
                b'"' => {}
                byte if is_word(*byte) => {}
                byte if byte.is_ascii() => self.text.push(char::from(*byte)),
                // Outside a string it makes the text unreadable.
                _ => self.text.push(char::REPLACEMENT_CHARACTER),
            }
            if !byte.is_ascii_whitespace() {
                self.is_draft_next = *byte == b':' && is_draft_key;
                is_draft_key = token == DRAFT;
            }
        }
    }

    /// Records a replacement.
    fn replaced(&mut self) {
        if self.is_in_draft() {
            self.is_draft_exact = false;
        }
    }

    fn is_too_deep(&self) -> bool {
        self.depth >= MAX_DEPTH && !self.is_in_draft()
    }

    fn is_in_draft(&self) -> bool {
        self.is_draft_next || self.draft_depth.is_some()
    }

    /// Reads a literal or a number.
    fn word(&mut self, word: &[u8]) {
        // Every byte of a word is ASCII.
        let word = str::from_utf8(word).unwrap_or_default();
        if serde_json::from_str::<IgnoredAny>(word).is_ok() {
            self.text.push_str(word);
        } else {
            self.text.push_str("null");
            self.replaced();
        }
    }

    /// Reads a string with its quotation marks.
    fn string(&mut self, token: &[u8]) {
        for chunk in token.utf8_chunks() {
            self.characters(chunk.valid());
            if !chunk.invalid().is_empty() {
                self.text.push(char::REPLACEMENT_CHARACTER);
                self.replaced();
            }
        }
    }

    fn characters(&mut self, mut rest: &str) {
        while let Some(at) = rest.find(|c: char| c < ' ' || c == '\\') {
            self.text.push_str(&rest[..at]);
            rest = &rest[at..];
            if !rest.starts_with('\\') {
                // The value stays the same, so this is no replacement.
                self.text.push_str(&format!("\\u{:04x}", rest.as_bytes()[0]));
                rest = &rest[1..];
                continue;
            }
            let length = match escape(rest) {
                Escape::Valid(length) => {
                    self.text.push_str(&rest[..length]);
                    length
                }
                Escape::LoneSurrogate => {
                    let is_kept = self.surrogates == LoneSurrogates::Keep || self.is_in_draft();
                    self.text.push_str(if is_kept { &rest[..6] } else { "\\ufffd" });
                    6
                }
                Escape::Unknown => {
                    self.text.push_str("\\\\");
                    self.replaced();
                    1
                }
            };
            rest = &rest[length..];
        }
        self.text.push_str(rest);
    }
}

/// Returns the length of the string at the start, with its quotation marks.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    bytes.len()
}

/// Returns the length of the array or object at the start.
fn container_length(bytes: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'"' => string_length(&bytes[at..]),
            _ => 1,
        };
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return at,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    bytes.len()
}

/// Whether a byte can be part of a literal or a number, also of one that JSON does not have.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_' | b'#')
}

enum Escape {
    /// Its length in bytes; a pair of surrogates is one escape.
    Valid(usize),
    LoneSurrogate,
    Unknown,
}

/// Classifies the escape at the start of `text`.
fn escape(text: &str) -> Escape {
    let unit = |from: usize| {
        let digits = text.get(from..from + 6)?.strip_prefix("\\u")?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
    };
    match (text.as_bytes().get(1), unit(0)) {
        (Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'), _) => Escape::Valid(2),
        (_, Some(0xd800..=0xdbff)) => match unit(6) {
            Some(0xdc00..=0xdfff) => Escape::Valid(12),
            _ => Escape::LoneSurrogate,
        },
        (_, Some(0xdc00..=0xdfff)) => Escape::LoneSurrogate,
        (_, Some(_)) => Escape::Valid(6),
        _ => Escape::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Json;

    fn repaired(bytes: &[u8]) -> RepairedJson {
        let repaired = repair_json(bytes, LoneSurrogates::Replace);
        repaired.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(bytes)))
    }

    #[test]
    fn every_literal_that_json_does_not_have_becomes_null() {
        for word in [
            "NaN",
            "-NaN",
            "nan",
            "Infinity",
            "-Infinity",
            "+inf",
            "1.#QNAN",
            "undefined",
            "None",
            "01",
            ".5",
            "1.",
            "0x1F",
            "True",
        ] {
            for (text, expected) in [
                (format!(r#"{{"a":{word},"b":[1.10,{word}]}}"#), r#"{"a":null,"b":[1.10,null]}"#),
                (format!(r#"[ {word} , "NaN" ]"#), r#"[ null , "NaN" ]"#),
            ] {
                assert_eq!(repaired(text.as_bytes()).text, expected, "{word}");
            }
        }
    }

    #[test]
    fn every_broken_character_costs_itself_alone() {
        for (bytes, expected) in [
            (b"{\"a\":\"caf\xe9\",\"b\":1}".as_slice(), r#"{"a":"caf\ufffd","b":1}"#),
            (b"{\"a\":\"\xe4\xbd\",\"\xff\":1}", r#"{"a":"\ufffd","\ufffd":1}"#),
            (b"\xef\xbb\xbf {\"a\":\"x\ty\r\n\0\"}\n", r#"{"a":"x\u0009y\u000d\u000a\u0000"}"#),
            (br#"{"a":"cut \ud83d","b":"\ude00x"}"#, r#"{"a":"cut \ufffd","b":"\ufffdx"}"#),
            (br#"{"a":"\ud83d\ude00 \ud83d\u0041"}"#, r#"{"a":"\ud83d\ude00 \ufffdA"}"#),
            (r#"{"a":"\x41 \u12 \' \\u \" é"}"#.as_bytes(), r#"{"a":"\\x41 \\u12 \\' \\u \" é"}"#),
        ] {
            let text = repaired(bytes).text;
            let [text, expected] = [text.as_str(), expected].map(|t| t.parse::<Json>().unwrap());
            assert_eq!(text, expected);
        }
        let kept = repair_json(br#"{"a":"\ud83d","b":NaN}"#, LoneSurrogates::Keep).unwrap();
        assert_eq!(kept.text, r#"{"a":"\ud83d","b":null}"#);
    }

    #[test]
    fn a_repair_inside_a_draft_is_reported_and_one_beside_it_is_not() {
        for (bytes, is_exact) in [
            (br#"{"draft":{"t":[{"sg":[1.10]}]},"x":{"y":NaN}}"#.as_slice(), true),
            (br#"{"x":NaN,"state":{"draft" : {"t":[]},"y":"\xz"}}"#, true),
            (b"{\"draft\":null,\"note\":\"caf\xe9\"}", true),
            (b"{\"draft\":{\"a\":\"\t\\ud800\"},\"y\":NaN}", true),
            (b"{\"x\":[\"draft\",NaN],\"draft\":[],\"y\":nan}", true),
            (br#"{"state":{"draft":{"t":[{"sg":[{"d":NaN}]}]}}}"#, false),
            (br#"{"draft": NaN}"#, false),
            (br#"{"draft":{"draft":{},"d":NaN}}"#, false),
            (b"{\"draft\" :\n\"\xff\"}", false),
            (b"{\"draft\":{\"\xff\":1}}", false),
        ] {
            let repaired = repaired(bytes);
            assert_eq!(repaired.is_draft_exact, is_exact, "{}", repaired.text);
        }
        // A surrogate in a draft stays as it is.
        let repaired = repaired(br#"{"draft":{"a":"\ud800"},"y":"\ud800"}"#);
        assert_eq!(repaired.text, r#"{"draft":{"a":"\ud800"},"y":"\ufffd"}"#);
    }

    #[test]
    fn what_is_nested_too_deeply_becomes_null_except_in_a_draft() {
        let deep = |depth| format!("{}\"]\\\"\"{}", "[".repeat(depth), "]".repeat(depth));
        let text = format!(r#"{{"a":{},"draft":{},"b":1}}"#, deep(5_000), deep(110));
        let RepairedJson { text: pruned, is_draft_exact } = repaired(text.as_bytes());
        assert!(is_draft_exact);
        let json = pruned.parse::<Json>().unwrap();
        assert_eq!(json.get("draft").unwrap().to_string(), deep(110));
        assert_eq!(json.get("b").and_then(Json::as_u64), Some(1));
        assert!(pruned.starts_with(r#"{"a":[[[["#) && pruned.contains("[null]"), "{pruned}");
        assert_eq!(repair_json("[".repeat(5_000).as_bytes(), LoneSurrogates::Keep), None);
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for text in [
            "",
            "NaN",
            "heartbeat",
            "Error: agent failed",
            r#"{"a":NaN"#,
            r#"{"a":"x"#,
            r#"{a:1}"#,
            r#"{"a" NaN}"#,
            r#"{"a":"x\"#,
            "[é]",
            "<html>",
            "{]",
        ] {
            assert_eq!(repair_json(text.as_bytes(), LoneSurrogates::Replace), None, "{text}");
        }
    }

    #[test]
    fn valid_json_keeps_its_values() {
        let text = r#" {"a":[1.10,-0,1E5,true,null],"\u00e9":"\u00e9\"\/","draft":{"b":"é"}} "#;
        let RepairedJson { text: again, is_draft_exact } = repaired(text.as_bytes());
        assert!(is_draft_exact);
        assert_eq!(again, text.trim());
    }
}
