use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::project::turn::report::TurnReport;
use crate::protocol::SessionState;
use crate::protocol::event::TextAccumulator;

/// Presents the events of a stream, given as lines `data: {…}`.
fn push_all(presenter: &mut Presenter, stream: &str) -> Vec<TurnEvent> {
    let mut accumulator = TextAccumulator::new();
    let mut events = Vec::new();
    for data in stream.lines().filter_map(|line| line.strip_prefix("data:")) {
        for event in AgentEvent::decode("message", data.trim_start()) {
            let text = EventText::of(&event, &mut accumulator);
            events.extend(presenter.push(&event, text));
        }
    }
    events
}

/// Presents a whole stream, and sums it up as a turn does.
fn present(stream: &str) -> (Vec<TurnEvent>, TurnReport) {
    let mut presenter = Presenter::new(None, "", Language::English);
    let mut events = push_all(&mut presenter, stream);
    let (held_back, transcript) = presenter.finish();
    events.extend(held_back);
    let outcome = transcript.outcome();
    let state = SessionState { draft: transcript.draft.clone(), ..SessionState::default() };
    let before = SessionState::default();
    let report = TurnReport::new(&transcript, &before, Some(state), outcome, Language::English);
    (events, report)
}

fn text_of(events: &[TurnEvent]) -> String {
    let text = |event: &TurnEvent| match event {
        TurnEvent::Text(text) => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

fn frame(event: &Value) -> String {
    format!("data: {event}\n\n")
}

fn model(parts: &Value, partial: bool) -> String {
    frame(&json!({ "content": { "parts": parts, "role": "model" }, "partial": partial,
            "invocationId": "i", "author": "a" }))
}

/// Whole texts, one event each.
fn texts(texts: &[&str]) -> String {
    texts.iter().map(|text| model(&json!([{ "text": text }]), false)).collect()
}

fn tool(kind: &str) -> String {
    model(&json!([{ kind: { "id": "1", "name": "cut", "args": {}, "response": {} } }]), false)
}

#[test]
fn recorded_streams_are_presented_for_people() {
    macro_rules! recorded {
        ($name:literal) => {
            include_str!(concat!("../../../../tests/fixtures/adk/", $name, ".sse"))
        };
    }
    for stream in [recorded!("text"), recorded!("text_streaming")] {
        let (events, report) = present(stream);
        assert_eq!(text_of(&events), "Hello there, 你好 🎬");
        assert_eq!(report.summary(), "Hello there, 你好 🎬");
    }
    for stream in [recorded!("voiceover"), recorded!("voiceover_streaming")] {
        let (events, report) = present(stream);
        assert_eq!(report.text, "Working on it…\nYour voiceover is ready.");
        assert_eq!(report.suggestions.len(), 1);
        let tools = events.iter().filter(|event| {
            matches!(event, TurnEvent::ToolStarted { .. } | TurnEvent::ToolFinished { .. })
        });
        assert_eq!(tools.count(), 2);
        assert!(events.contains(&TurnEvent::RawClipReady));
    }
    assert_eq!(present(recorded!("model_error")).1.summary(), "model overloaded");
}

#[test]
fn a_question_is_an_event_of_its_own_until_the_agent_works_on() {
    let ask = |prompt: &str| {
        let args = json!({ "questions": [{ "prompt": prompt, "options": ["a", "b"] }] });
        model(&json!([{ "functionCall": { "name": "ask_question", "args": args } }]), false)
    };
    let result = model(
        &json!([{ "functionResponse": { "name": "ask_question", "response": { "ok": 1 } } }]),
        false,
    );
    let stream = texts(&["Almost done."]) + &ask("Which?") + &result;
    let (events, report) = present(&stream);
    let [TurnEvent::Text(_), TurnEvent::Question(question)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(report.outcome, Outcome::AwaitingInput);
    assert_eq!(report.question.as_ref(), Some(question));
    assert_eq!(report.summary(), "Almost done.\n1. Which?\n   1) a\n   2) b");

    // Nothing but the question, asked in both forms of events, and another one.
    let simple = frame(&json!({ "type": "tool_call", "name": "ask_question",
            "args": { "questions": [{ "prompt": "Which?", "options": ["a", "b"] }] } }));
    let (events, report) = present(&(ask("Which?") + &simple + &ask("When?")));
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(report.question.unwrap().items.len(), 2);

    // The agent did not wait.
    let (_, report) = present(&(ask("Which?") + &tool("functionCall") + &texts(&["Done."])));
    assert_eq!((report.outcome, report.question), (Outcome::Replied, None));
    // Two calls of one event run at once, whatever their order.
    let question = json!({ "functionCall": { "name": "ask_question",
            "args": { "questions": ["Which?"] } } });
    let call = json!({ "functionCall": { "name": "cut" } });
    for parts in [json!([question, call]), json!([call, question])] {
        let (_, report) = present(&model(&parts, false));
        assert_eq!(report.outcome, Outcome::AwaitingInput, "{parts}");
    }
    // A question of which nothing can be read is one all the same.
    let empty = frame(&json!({ "type": "tool_call", "name": "ask_question" }));
    let (_, report) = present(&empty);
    assert_eq!(report.outcome, Outcome::AwaitingInput);
    assert!(!report.summary().is_empty());
}

#[test]
fn a_whole_text_does_not_run_into_the_next_one() {
    let script = "Script:\nClick here, they say.";
    for (said, expected, suggested) in [
        (["All done.", "Click the Export button to save it."], "All done.", true),
        (["All done.", "I encountered a temporary issue."], "All done.", false),
        (["做好了", "请点击导出按钮。"], "做好了", true),
        (["做好了。", "我遇到了一个临时问题。"], "做好了。", false),
        (["I cut it", "Click Export."], "I cut it", true),
        ([script, "Click Export."], script, true),
        (["Click Export.", "I cut it"], "I cut it", true),
        (["I cut it", "I added music"], "I cut it\nI added music", false),
        (["I cut it. ", "I added music"], "I cut it. I added music", false),
        (["I cut it.\n", "\nI added music"], "I cut it.\n\nI added music", false),
    ] {
        let (_, report) = present(&texts(&said));
        assert_eq!(report.text, expected, "{said:?}");
        assert_eq!(report.suggestions.contains(&Suggestion::Export), suggested, "{said:?}");
    }
}

#[test]
fn a_sentence_is_presented_before_what_happens_after_it() {
    let piece = |text: &str| model(&json!([{ "text": text }]), true);
    let parts = |texts: [&str; 2]| model(&json!(texts.map(|text| json!({ "text": text }))), false);
    for said in [
        texts(&["I'm generating it now."]),
        texts(&["Working on it"]),
        parts(["Working ", "on it"]),
        piece("I'm generating ") + &piece("it now."),
    ] {
        let (events, _) = present(&(said + &tool("functionCall")));
        let [TurnEvent::Text(_), TurnEvent::ToolStarted { .. }] = &events[..] else {
            panic!("{events:?}")
        };
    }
    // It does not wait for what happens either.
    for said in ["I'm generating it now.", "Working on it"] {
        let mut presenter = Presenter::new(None, "", Language::English);
        let events = push_all(&mut presenter, &texts(&[said]));
        assert_eq!(events, [TurnEvent::Text(said.to_owned())]);
    }
    // What comes in several parts, or is still coming in pieces, is not cut.
    let pieces = piece("Click the Exp") + "data: heartbeat\n\n" + &piece("ort button.");
    for stream in [parts(["Click the Exp", "ort button."]), pieces] {
        let (_, report) = present(&stream);
        assert_eq!((report.text.as_str(), report.suggestions.len()), ("", 1));
    }
}

#[test]
fn a_failure_is_reported_unless_the_agent_continues_after_it() {
    let failure = |message: &str| frame(&json!({ "errorCode": "X", "errorMessage": message }));
    let summary = |stream: &str| present(stream).1.summary();
    let failed = texts(&["Working on it…"]) + &failure("model overloaded");
    assert_eq!(summary(&failed), "Working on it…\nmodel overloaded");
    assert_eq!(summary(&(failure("retrying") + &texts(&["All done."]))), "All done.");
    let gui = "Please click the Retry button or open the billing panel.";
    for stream in [failure(gui), texts(&["Hm."]) + &failure(gui)] {
        let (events, report) = present(&stream);
        for text in [format!("{events:?}"), report.summary()] {
            assert!(!text.contains("button") && !text.contains("panel"), "{text}");
        }
        assert!(events.iter().any(|event| matches!(event, TurnEvent::Failed { .. })));
    }
    assert!(!summary("data: {\"error\":\" \"}\n\n").trim().is_empty());
}

/// What an agent may do in a turn.
#[derive(Clone, Debug)]
enum Action {
    /// A text, which is given a number of its own so that a repetition can be noticed.
    Said { text: String, pieces: bool, end: &'static str },
    /// Events of any other kind, and the text in them that must not be shown.
    Other { stream: String, hidden: Option<String> },
}

fn action() -> impl Strategy<Value = Action> {
    let word = vec!["warm", "clip", "小猫", "🎬", "ready", "3.5", "naïve", "夜"];
    let words = prop::collection::vec(prop::sample::select(word), 1..6);
    let gui = [
        "Click the Export button to save it.",
        "Open the media panel to see your uploads.",
        "点击“导出”按钮保存。",
        "Preview it in the timeline.",
        "打开素材面板查看。",
        "Check your account's billing page.",
    ];
    let raw = [": comment", "data: heartbeat", "data: {broken", "data: {\"new\":1}", "data"];
    // Texts end in white space, or do not.
    let end = || prop::sample::select(vec!["", " ", "\n"]);
    let other = |stream: String| Action::Other { stream, hidden: None };
    let draft = |duration: u32| {
        let draft = json!({ "t": [{ "tt": 0, "sg": [{ "d": duration }] }] });
        frame(&json!({ "actions": { "stateDelta": { "draft": draft } } }))
    };
    prop_oneof![
        4 => (words, any::<bool>(), end()).prop_map(|(words, pieces, end)| {
            Action::Said { text: words.join(" "), pieces, end }
        }),
        2 => (prop::sample::select(gui.to_vec()), end()).prop_map(|(text, end)| {
            let stream = texts(&[&format!("{text}{end}")]);
            Action::Other { stream, hidden: Some(text.to_owned()) }
        }),
        1 => Just(other(tool("functionCall") + &tool("functionResponse"))),
        1 => (1..13_u32).prop_map(move |duration| other(draft(duration))),
        1 => "[a-z]{3,9}".prop_map(|text| {
            let stream = model(&json!([{ "text": text, "thought": true }]), false);
            Action::Other { stream, hidden: Some(text) }
        }),
        1 => prop::sample::select(raw.to_vec())
            .prop_map(move |raw| other(format!("{raw}\n\n"))),
    ]
}

/// The stream of these actions, every text in it, and everything that must not be shown.
fn stream_of(actions: &[Action]) -> (String, Vec<String>, Vec<&str>) {
    let (mut all, mut said, mut unseen) = (String::new(), Vec::new(), Vec::new());
    for (number, action) in actions.iter().enumerate() {
        match action {
            Action::Said { text, pieces, end } => {
                let text = format!("Take{number} {text}.{end}");
                for piece in text.split_inclusive(' ').filter(|_| *pieces) {
                    all += &model(&json!([{ "text": piece }]), true);
                }
                all += &texts(&[&text]);
                said.push(text.trim().to_owned());
            }
            Action::Other { stream, hidden } => {
                all += stream;
                unseen.extend(hidden.as_deref());
            }
        }
    }
    (all, said, unseen)
}

proptest! {
    #[test]
    fn every_turn_has_text_each_once_and_no_directions_for_a_screen(
        actions in prop::collection::vec(action(), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let (stream, said, unseen) = stream_of(&actions);
        let (events, report) = present(&stream);
        prop_assert!(!report.summary().trim().is_empty());
        let text = text_of(&events);
        for said in &said {
            prop_assert_eq!(text.matches(said.as_str()).count(), 1, "{:?} in {:?}", said, text);
        }
        for hidden in unseen {
            prop_assert!(!text.contains(hidden), "{:?} in {:?}", hidden, text);
        }

        // A stream that breaks anywhere still has text, and none of it twice.
        let mut at = cut.index(stream.len() + 1);
        while !stream.is_char_boundary(at) {
            at -= 1;
        }
        let (events, report) = present(&stream[..at]);
        prop_assert!(!report.summary().trim().is_empty());
        let text = text_of(&events);
        for said in &said {
            prop_assert!(text.matches(said.as_str()).count() <= 1);
        }
    }
}

#[test]
fn new_content_and_no_other_edit_makes_the_two_stages() {
    const BOTH: &[TurnEvent] = &[TurnEvent::RawClipReady, TurnEvent::PostProductionDone];
    let video = |script: &str, volume: u32, captions: bool| {
        let spoken = format!(r#"{{"d":900,"m":{{"text":"{script}","volume":{volume}}}}}"#);
        let captions = match captions {
            true => format!(r#",{{"tt":7,"m":{{"role":"captions"}},"sg":[{spoken}]}}"#),
            false => String::new(),
        };
        format!(
            r#"{{"t":[{{"tt":0,"sg":[{{"d":900,"m":{{"name":"Dusk"}}}}]}},
                    {{"tt":1,"m":{{"role":"voiceover"}},"sg":[{spoken}]}}{captions}]}}"#
        )
    };
    let first = video("One", 1, true);
    let (raw, done) = (video("Two", 1, false), video("Two", 1, true));
    // Music is known by more than its role.
    let silent = r#"{"t":[{"tt":0,"sg":[{"d":1000}]}]}"#;
    let music = r#"{"t":[{"tt":0,"sg":[{"d":1000}]},
            {"tt":1,"sg":[{"name":"Lo-fi","vol":"35%"}]}]}"#;
    for (drafts, expected) in [
        (["{}", &raw, &done], BOTH),
        ([&first, &raw, &done], BOTH),
        (["{}", silent, music], BOTH),
        ([&first, &video("One", 0, true), &first.replace("900", "500")], &[]),
        ([&first, &video("One", 1, false), &first], &[]),
    ] {
        // The first draft is the baseline.
        let [baseline, rest @ ..] = drafts.map(|draft| draft.parse::<Draft>().unwrap());
        let mut stages = StageTracker::new(Some(&baseline));
        let found: Vec<_> = rest.iter().filter_map(|draft| stages.push(draft)).collect();
        assert_eq!(found, expected, "{drafts:?}");
    }
}
