//! All JSON is taken, nothing else is, and what was written reads back the same.
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
            let again = Draft::from_json(&json).expect("what was written can be read");
            assert_eq!(again, draft);
            assert_eq!(again.to_json(), json);
            // Outside of strings, white space is all that may be lost.
            let without_space = |text: &str| text.split_ascii_whitespace().collect::<String>();
            assert_eq!(without_space(&json), without_space(text));
            assert!(draft.summary().starts_with("Timeline ("));
            std::hint::black_box(draft.duration());
        }
        Err(ParseError::TooDeep) => assert!(is_json),
        Err(_) => assert!(!is_json),
    }
});
