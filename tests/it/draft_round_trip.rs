//! A draft goes back as it came: what is not documented in it belongs to the service.

use crate::support::json::node;
use nemovideo::draft::Draft;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Holder {
    draft: Draft,
}

proptest! {
    #[test]
    fn the_same_tokens_go_back_in_the_same_order(node in node()) {
        let compact = node.to_json("");
        for space in ["", " ", "\n\t\r "] {
            let text = node.to_json(space);
            prop_assert_eq!(Draft::from_json(&text).unwrap().to_json(), &compact[..]);

            let holder: Holder = serde_json::from_str(&format!("{{\"draft\":{text}}}")).unwrap();
            let back = serde_json::to_string(&holder).unwrap();
            prop_assert_eq!(back, format!("{{\"draft\":{compact}}}"));
        }
    }

    #[test]
    fn an_edit_changes_nothing_else(node in node()) {
        let compact = node.to_json("");
        let mut draft = Draft::from_json(&compact).unwrap();
        prop_assume!(draft.as_json().as_object().is_some() && draft.get("new").is_none());
        draft.set("new", 1);
        draft.remove("new");
        prop_assert_eq!(draft.to_json(), compact);
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
    fn what_is_not_json_is_refused_not_a_panic(text in "[\\[\\]{}\",:0-9eE+.\\-truefalsn\\\\ ]{0,40}") {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(Draft::from_json(&text).is_ok(), is_json);
    }
}
