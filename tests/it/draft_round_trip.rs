//! A draft is sent back exactly as it was received, including the keys that are not documented.

use crate::support::json::node;
use nemovideo::draft::Draft;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Holder {
    draft: Draft,
}

/// Rewrites every string as UTF-16 code units, so that only the choice of escapes is lost.
fn in_utf16(json: &str) -> String {
    let mut out = String::new();
    let mut chars = json.chars();
    while let Some(char) = chars.next() {
        out.push(char);
        if char != '"' {
            continue;
        }
        while let Some(char) = chars.next().filter(|char| *char != '"') {
            let unit = match char {
                '\\' => match chars.next().unwrap() {
                    'u' => {
                        let digits: String = chars.by_ref().take(4).collect();
                        u16::from_str_radix(&digits, 16).unwrap()
                    }
                    'b' => 8,
                    'f' => 12,
                    'n' => 10,
                    'r' => 13,
                    't' => 9,
                    literal => literal as u16,
                },
                char => {
                    char.encode_utf16(&mut [0; 2])
                        .iter()
                        .for_each(|unit| out += &format!("{unit:04x}"));
                    continue;
                }
            };
            out += &format!("{unit:04x}");
        }
        out.push('"');
    }
    out
}

proptest! {
    #[test]
    fn the_same_tokens_are_written_in_the_same_order(node in node()) {
        let expected = in_utf16(&node.to_json(""));
        let held = in_utf16(&format!("{{\"draft\":{}}}", node.to_json("")));
        for space in ["", " ", "\n\t\r "] {
            let text = node.to_json(space);
            let back = Draft::from_json(&text).unwrap().to_json();
            prop_assert_eq!(in_utf16(&back), &expected[..]);
            prop_assert_eq!(Draft::from_json(&back).unwrap().to_json(), back);

            let holder: Holder = serde_json::from_str(&format!("{{\"draft\":{text}}}")).unwrap();
            prop_assert_eq!(in_utf16(&serde_json::to_string(&holder).unwrap()), &held[..]);
        }
    }

    #[test]
    fn an_edit_changes_nothing_else(node in node()) {
        let compact = node.to_json("");
        let mut draft = Draft::from_json(&compact).unwrap();
        prop_assume!(draft.as_json().as_object().is_some() && draft.get("new").is_none());
        draft.set("new", 1);
        draft.remove("new");
        prop_assert_eq!(in_utf16(&draft.to_json()), in_utf16(&compact));
    }

    #[test]
    fn any_json_can_be_read_as_a_draft(node in node()) {
        let draft = Draft::from_json(&node.to_json("")).unwrap();
        let ends = draft.tracks().flat_map(|track| track.segments()).map(|s| s.end()).max();
        if draft.get("d").is_none() {
            prop_assert_eq!(draft.duration(), ends.unwrap_or_default());
        }
        prop_assert_eq!(draft.is_ready_to_export(), ends.is_some());
        prop_assert!(draft.summary().starts_with("Timeline ("));
        prop_assert!(!draft.summary().contains('\n'));
    }

    #[test]
    fn text_that_is_not_json_is_an_error_not_a_panic(text in "[\\[\\]{}\",:0-9eE+.\\-truefalsn\\\\ ]{0,40}") {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(Draft::from_json(&text).is_ok(), is_json);
    }
}
