//! Streams recorded from a real agent server say what they are known to say, however they are cut.

use nemovideo::protocol::event::{AgentEvent, TextAccumulator, TextKind};
use nemovideo::sse::Decoder;

const TEXT: &str = include_str!("../fixtures/adk/text.sse");
const TEXT_STREAMING: &str = include_str!("../fixtures/adk/text_streaming.sse");
const VOICEOVER: &str = include_str!("../fixtures/adk/voiceover.sse");
const VOICEOVER_STREAMING: &str = include_str!("../fixtures/adk/voiceover_streaming.sse");
const MODEL_ERROR: &str = include_str!("../fixtures/adk/model_error.sse");

fn events_in_pieces(stream: &str, size: usize) -> Vec<AgentEvent> {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    for mut chunk in stream.as_bytes().chunks(size) {
        while let Some(frame) = decoder.next_frame(&mut chunk) {
            events.extend(frame.expect("no event is too large").agent_events());
        }
    }
    assert!(!decoder.is_inside_event());
    events
}

/// All events of a stream; the same ones, however it is cut.
fn events(stream: &str) -> Vec<AgentEvent> {
    let events = events_in_pieces(stream, stream.len());
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(events_in_pieces(stream, size), events, "in pieces of {size}");
    }
    events
}

/// The events in short: their kind, and what there is to read in them.
fn outline(events: &[AgentEvent]) -> Vec<(&'static str, String)> {
    let line = |event: &AgentEvent| {
        let words = match event {
            AgentEvent::Text(text) => format!("{:?} {}", text.kind, text.text),
            AgentEvent::ToolCall(call) => format!("{} {}", call.name, call.args),
            AgentEvent::ToolResult(result) => format!("{} {}", result.name, result.response),
            AgentEvent::StateDelta(delta) => delta.as_object().to_string(),
            AgentEvent::Error(failure) => format!("{:?} {}", failure.code, failure.message),
            other => format!("{other:?}"),
        };
        (event.kind(), words)
    };
    events.iter().map(line).collect()
}

fn expect(events: &[AgentEvent], expected: &[(&'static str, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(kind, words)| (*kind, words.to_string())).collect();
    assert_eq!(outline(events), expected);
}

fn shown_once(events: &[AgentEvent]) -> String {
    let mut once = TextAccumulator::new();
    let mut shown = String::new();
    for event in events {
        shown.extend(once.push(event).and_then(|fresh| fresh.text()));
    }
    shown
}

#[test]
fn a_plain_answer_is_one_whole_text() {
    expect(&events(TEXT), &[("text", "Final Hello there, 你好 🎬")]);
}

#[test]
fn the_same_answer_in_pieces_is_repeated_whole() {
    let events = events(TEXT_STREAMING);
    expect(
        &events,
        &[
            ("text", "Partial Hello "),
            ("text", "Partial there, "),
            ("text", "Partial 你好 "),
            ("text", "Partial 🎬"),
            ("text", "Final Hello there, 你好 🎬"),
        ],
    );
}

#[test]
fn a_voiceover_is_text_call_result_draft_and_text() {
    let events = events(VOICEOVER);
    expect(
        &events,
        &[
            ("text", "Final Working on it…"),
            ("tool_call", r#"generate_voiceover {"script":"Hello","voice":"female"}"#),
            (
                "tool_result",
                r#"generate_voiceover {"status":"ok","url":"https://cdn.example.com/a.mp3"}"#,
            ),
            ("state_delta", r#"{"draft":{"t":[{"tt":1,"sg":[{"d":1000}]}]}}"#),
            ("text", "Final Your voiceover is ready. Click the Export button to save it."),
        ],
    );
    let [
        AgentEvent::Text(text),
        AgentEvent::ToolCall(call),
        AgentEvent::ToolResult(result),
        AgentEvent::StateDelta(delta),
        _,
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(text.origin.author.as_deref(), Some("nemo_agent"));
    assert_eq!(text.origin.event_id.as_deref(), Some("b227624e-0c14-4c4c-8e95-1fe383971395"));
    assert_eq!(
        call.origin.invocation_id.as_deref(),
        Some("e-304f6890-9c1d-46ca-be59-1eaeabf52467")
    );
    assert_eq!(call.id.as_deref(), Some("adk-17e4a106-d6f7-41fe-a9b8-c6f255f61ddb"));
    assert_eq!(call.id, result.id);
    assert!(!call.long_running);
    assert!(delta.draft().unwrap().is_ready_to_export());
}

#[test]
fn a_voiceover_in_pieces_says_the_same_with_pieces_before() {
    let streamed = events(VOICEOVER_STREAMING);
    let is_piece = |event: &&AgentEvent| matches!(event, AgentEvent::Text(text) if text.kind == TextKind::Partial);
    let pieces: Vec<&str> = streamed
        .iter()
        .filter(is_piece)
        .filter_map(|event| match event {
            AgentEvent::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        pieces,
        [
            "Working on ",
            "it…",
            "Your ",
            "voiceover ",
            "is ",
            "ready. ",
            "Click ",
            "the ",
            "Export ",
            "button ",
            "to ",
            "save ",
            "it. "
        ]
    );
    let rest: Vec<AgentEvent> = streamed.iter().filter(|event| !is_piece(event)).cloned().collect();
    assert_eq!(outline(&rest), outline(&events(VOICEOVER)));
}

#[test]
fn a_model_that_fails_is_an_error_and_nothing_else() {
    expect(&events(MODEL_ERROR), &[("error", r#"Some("RESOURCE_EXHAUSTED") model overloaded"#)]);
}

#[test]
fn text_is_shown_once_whether_or_not_it_came_in_pieces() {
    assert_eq!(shown_once(&events(TEXT)), "Hello there, 你好 🎬");
    assert_eq!(shown_once(&events(TEXT_STREAMING)), "Hello there, 你好 🎬");
    let voiceover = "Working on it…Your voiceover is ready. Click the Export button to save it.";
    assert_eq!(shown_once(&events(VOICEOVER)), voiceover);
    // Its last piece has a space at the end that the whole text has not.
    assert_eq!(shown_once(&events(VOICEOVER_STREAMING)), voiceover);
}
