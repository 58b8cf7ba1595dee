//! What people hear of a stream, as it came on the wire.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Presenter;
use crate::draft::{Draft, Language};
use crate::project::Suggestion;
use crate::project::report::{Aside, Outcome, TurnReport};
use crate::project::turn::TurnEvent;
use crate::protocol::event::AgentEvent;
use crate::sse::Decoder;

/// Tells a stream as it came on the wire, and sums it up as a turn does.
fn tell(stream: &str) -> (Vec<TurnEvent>, TurnReport) {
    let mut presenter = Presenter::new(None, Language::English);
    let mut decoder = Decoder::new();
    let mut input = stream.as_bytes();
    let mut told = Vec::new();
    while let Some(frame) = decoder.next_frame(&mut input) {
        let frame = frame.unwrap();
        for event in AgentEvent::decode(&frame.event, &frame.data) {
            told.extend(presenter.hear(&event));
        }
    }
    told.extend(presenter.end());
    let draft = presenter.last_draft();
    let changes = Draft::default().diff(draft.as_ref().unwrap_or(&Draft::default()));
    let text = presenter.text().to_owned();
    let outcome = if text.is_empty() { Outcome::Silent } else { Outcome::Answered };
    let report = TurnReport {
        text,
        changes,
        draft,
        suggestions: presenter.suggestions().to_vec(),
        outcome,
        spent: None,
        failure: presenter.failure().cloned(),
        pending: None,
        aside: Aside { failed: presenter.failed(), ..Aside::default() },
    };
    (told, report)
}

fn text_of(told: &[TurnEvent]) -> String {
    told.iter()
        .filter_map(|event| match event {
            TurnEvent::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn the_recorded_streams_are_told_as_a_person_would_hear_them() {
    let hello = include_str!("../../../tests/fixtures/adk/text.sse");
    let pieces = include_str!("../../../tests/fixtures/adk/text_streaming.sse");
    for stream in [hello, pieces] {
        let (told, report) = tell(stream);
        assert_eq!(text_of(&told), "Hello there, 你好 🎬");
        assert_eq!(report.summary(), "Hello there, 你好 🎬");
    }
    let whole = include_str!("../../../tests/fixtures/adk/voiceover.sse");
    let pieces = include_str!("../../../tests/fixtures/adk/voiceover_streaming.sse");
    for stream in [whole, pieces] {
        let (told, report) = tell(stream);
        assert_eq!(report.text, "Working on it…\nYour voiceover is ready.");
        assert_eq!(report.suggestions.len(), 1);
        let tools = told.iter().filter(|event| {
            matches!(event, TurnEvent::ToolStarted { .. } | TurnEvent::ToolFinished { .. })
        });
        assert_eq!(tools.count(), 2);
        assert!(told.contains(&TurnEvent::RawClipReady));
    }
    let failed = include_str!("../../../tests/fixtures/adk/model_error.sse");
    assert_eq!(tell(failed).1.summary(), "model overloaded");
}

/// Whole texts, one event each.
fn texts(texts: &[&str]) -> String {
    texts.iter().map(|text| model(&json!([{ "text": text }]), false)).collect()
}

#[test]
fn a_whole_text_does_not_run_into_the_next_one() {
    for (said, told, suggested) in [
        (["All done.", "Click the Export button to save it."], "All done.", true),
        (["All done.", "I encountered a temporary issue."], "All done.", false),
        (["做好了", "请点击导出按钮。"], "做好了", true),
        (["做好了。", "我遇到了一个临时问题。"], "做好了。", false),
        (["I cut it", "Click Export."], "I cut it", true),
        (
            ["Script:\nClick here, they say.", "Click Export."],
            "Script:\nClick here, they say.",
            true,
        ),
        (["Click Export.", "I cut it"], "I cut it", true),
        (["I cut it", "I added music"], "I cut it\nI added music", false),
        (["I cut it. ", "I added music"], "I cut it. I added music", false),
        (["I cut it.\n", "\nI added music"], "I cut it.\n\nI added music", false),
    ] {
        let (_, report) = tell(&texts(&said));
        assert_eq!(report.text, told, "{said:?}");
        assert_eq!(report.suggestions.contains(&Suggestion::Export), suggested, "{said:?}");
    }
}

#[test]
fn a_sentence_is_told_before_what_happens_after_it() {
    let tool = r#"[{ "functionCall": { "id": "1", "name": "cut", "args": {} } }]"#;
    let tool = model(&serde_json::from_str(tool).unwrap(), false);
    let piece = |text: &str| model(&json!([{ "text": text }]), true);
    for said in [
        texts(&["I'm generating it now."]),
        texts(&["Working on it"]),
        model(&json!([{ "text": "Working " }, { "text": "on it" }]), false),
        piece("I'm generating ") + &piece("it now."),
    ] {
        let (told, _) = tell(&(said + &tool));
        let [TurnEvent::Text(_), TurnEvent::ToolStarted { .. }] = &told[..] else {
            panic!("{told:?}")
        };
    }
    // It does not wait for what happens either.
    for said in ["I'm generating it now.", "Working on it"] {
        let mut presenter = Presenter::new(None, Language::English);
        let frame = texts(&[said]);
        let mut input = frame.as_bytes();
        let frame = Decoder::new().next_frame(&mut input).unwrap().unwrap();
        let told: Vec<_> = AgentEvent::decode(&frame.event, &frame.data)
            .iter()
            .flat_map(|e| presenter.hear(e))
            .collect();
        assert_eq!(told, [TurnEvent::Text(said.to_owned())]);
    }
    // What comes in several parts, or is still coming in pieces, is not cut.
    let parts = json!([{ "text": "Click the Exp" }, { "text": "ort button." }]);
    let (_, report) = tell(&model(&parts, false));
    assert_eq!((report.text.as_str(), report.suggestions.len()), ("", 1));
    let beat = "data: heartbeat\n\n";
    let (_, report) = tell(&(piece("Click the Exp") + beat + &piece("ort button.")));
    assert_eq!((report.text.as_str(), report.suggestions.len()), ("", 1));
}

#[test]
fn a_failure_is_told_unless_the_agent_goes_on_after_it() {
    let failure = |message: &str| frame(&json!({ "errorCode": "X", "errorMessage": message }));
    let summary = |stream: &str| tell(stream).1.summary();
    let working = texts(&["Working on it…"]);
    assert_eq!(
        summary(&(working + &failure("model overloaded"))),
        "Working on it…\nmodel overloaded"
    );
    assert_eq!(summary(&(failure("retrying") + &texts(&["All done."]))), "All done.");
    let gui = "Please click the Retry button or open the billing panel.";
    for stream in [failure(gui), texts(&["Hm."]) + &failure(gui)] {
        let (told, report) = tell(&stream);
        for text in [format!("{told:?}"), report.summary()] {
            assert!(!text.contains("button") && !text.contains("panel"), "{text}");
        }
        assert!(told.iter().any(|event| matches!(event, TurnEvent::Failed { .. })));
    }
    assert!(!summary("data: {\"error\":\" \"}\n\n").trim().is_empty());
}

/// What an agent may do in a turn. Each said text has words of its own, so that a repetition
/// can be told.
#[derive(Clone, Debug)]
enum Did {
    Said { text: String, pieces: bool, end: &'static str },
    Gui(&'static str, &'static str),
    Tool,
    Draft,
    Thought(String),
    Raw(&'static str),
}

const GUI: [&str; 6] = [
    "Click the Export button to save it.",
    "Open the media panel to see your uploads.",
    "点击“导出”按钮保存。",
    "Preview it in the timeline.",
    "打开素材面板查看。",
    "Check your account's billing page.",
];

/// Texts bring the space between them, or do not.
fn end() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", " ", "\n"])
}

fn did() -> impl Strategy<Value = Did> {
    let words = prop::collection::vec(
        prop::sample::select(vec!["warm", "clip", "小猫", "🎬", "ready", "3.5", "naïve", "夜"]),
        1..6,
    );
    prop_oneof![
        4 => (words, any::<bool>(), end()).prop_map(|(words, pieces, end)| Did::Said {
            text: words.join(" "),
            pieces,
            end,
        }),
        2 => (prop::sample::select(GUI.to_vec()), end()).prop_map(|(text, end)| Did::Gui(text, end)),
        1 => Just(Did::Tool),
        1 => Just(Did::Draft),
        1 => "[a-z]{3,9}".prop_map(Did::Thought),
        1 => prop::sample::select(vec![
            ": comment\n\n",
            "data: heartbeat\n\n",
            "data: {broken\n\n",
            "data: {\"new\":1}\n\n",
            "data\n\n",
        ])
        .prop_map(Did::Raw),
    ]
}

fn frame(event: &Value) -> String {
    format!("data: {event}\n\n")
}

fn model(parts: &Value, partial: bool) -> String {
    frame(&json!({ "content": { "parts": parts, "role": "model" }, "partial": partial,
        "invocationId": "i", "author": "a" }))
}

/// The stream of these deeds, and every text in it with a number of its own.
fn stream_of(deeds: &[Did]) -> (String, Vec<String>) {
    let mut stream = String::new();
    let mut said = Vec::new();
    for (number, did) in deeds.iter().enumerate() {
        match did {
            Did::Said { text, pieces, end } => {
                let text = format!("Take{number} {text}.{end}");
                if *pieces {
                    for piece in text.split_inclusive(' ') {
                        stream += &model(&json!([{ "text": piece }]), true);
                    }
                }
                stream += &model(&json!([{ "text": text }]), false);
                said.push(text.trim().to_owned());
            }
            Did::Gui(text, end) => {
                stream += &model(&json!([{ "text": format!("{text}{end}") }]), false);
            }
            Did::Tool => {
                stream += &model(
                    &json!([{ "functionCall": { "id": number.to_string(), "name": "cut", "args": {} } }]),
                    false,
                );
                stream += &model(
                    &json!([{ "functionResponse": { "id": number.to_string(), "name": "cut", "response": {} } }]),
                    false,
                );
            }
            Did::Draft => {
                let draft = json!({ "t": [{ "tt": 0, "sg": [{ "d": number + 1 }] }] });
                stream += &frame(&json!({ "actions": { "stateDelta": { "draft": draft } } }));
            }
            Did::Thought(text) => {
                stream += &model(&json!([{ "text": text, "thought": true }]), false);
            }
            Did::Raw(raw) => stream += raw,
        }
    }
    (stream, said)
}

proptest! {
    #[test]
    fn every_turn_has_words_each_text_once_and_no_words_of_a_screen(
        deeds in prop::collection::vec(did(), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let (stream, said) = stream_of(&deeds);
        let (told, report) = tell(&stream);
        prop_assert!(!report.summary().trim().is_empty());
        let text = text_of(&told);
        for said in &said {
            prop_assert_eq!(text.matches(said.as_str()).count(), 1, "{:?} in {:?}", said, text);
        }
        for gui in GUI {
            prop_assert!(!text.contains(gui), "{:?} in {:?}", gui, text);
        }
        for did in &deeds {
            if let Did::Thought(thought) = did {
                prop_assert!(!text.contains(thought.as_str()));
            }
        }

        // A stream that breaks anywhere still has messages, and none of them twice.
        let mut at = cut.index(stream.len() + 1);
        while !stream.is_char_boundary(at) {
            at -= 1;
        }
        let (told, report) = tell(&stream[..at]);
        prop_assert!(!report.summary().trim().is_empty());
        let text = text_of(&told);
        for said in &said {
            prop_assert!(text.matches(said.as_str()).count() <= 1);
        }
    }
}
