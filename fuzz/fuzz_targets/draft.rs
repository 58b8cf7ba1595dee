//! Exactly the valid JSON is accepted, and what is serialized parses to the same.
//!
//! `cargo fuzz run draft`
#![no_main]

use libfuzzer_sys::fuzz_target;
use nemovideo::draft::{Draft, ParseError};
use serde_json::value::RawValue;

fuzz_target!(|text: &str| {
    let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
    match Draft::from_json(text) {
        Ok(draft) => {
            assert!(is_json);
            let json = draft.to_json();
            let again = Draft::from_json(&json).expect("serialized JSON is valid");
            assert_eq!(again, draft);
            assert_eq!(again.to_json(), json);
            // Outside of strings only white space may be lost; in strings only the choice of escapes.
            assert_eq!(outside_strings(&json), outside_strings(text));
            let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
            assert_eq!(value(&json), value(text));
            assert!(draft.summary().starts_with("Timeline ("));
            std::hint::black_box(draft.duration());
        }
        Err(ParseError::TooDeep) => assert!(is_json),
        Err(_) => assert!(!is_json),
    }
});

/// The text without white space and without the content of strings.
fn outside_strings(json: &str) -> String {
    let mut out = String::new();
    let mut chars = json.chars();
    while let Some(char) = chars.next() {
        if char == '"' {
            while let Some(char) = chars.next().filter(|char| *char != '"') {
                if char == '\\' {
                    chars.next();
                }
            }
        }
        out.extend((!char.is_ascii_whitespace()).then_some(char));
    }
    out
}
