//! Streams recorded from a real agent server are decoded into their known events, however they are
//! split into chunks.

use nemovideo::protocol::event::{AgentEvent, TextAccumulator, TextKind};
use nemovideo::sse::Decoder;

const TEXT: &str = include_str!("../fixtures/adk/text.sse");
const TEXT_STREAMING: &str = include_str!("../fixtures/adk/text_streaming.sse");
const VOICEOVER: &str = include_str!("../fixtures/adk/voiceover.sse");
const VOICEOVER_STREAMING: &str = include_str!("../fixtures/adk/voiceover_streaming.sse");
const MODEL_ERROR: &str = include_str!("../fixtures/adk/model_error.sse");

fn events_in_chunks(stream: &str, size: usize) -> Vec<AgentEvent> {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    for mut chunk in stream.as_bytes().chunks(size) {
        while let Some(frame) = decoder.next_frame(&mut chunk) {
            let frame = frame.expect("no event is too large");
            events.extend(AgentEvent::decode(&frame.event, &frame.data));
        }
    }
    assert!(!decoder.is_inside_event());
    events
}

/// Returns all events of a stream, which are the same for every chunk size.
fn events(stream: &str) -> Vec<AgentEvent> {
    let events = events_in_chunks(stream, stream.len());
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(events_in_chunks(stream, size), events, "in chunks of {size}");
    }
    events
}

/// Returns the kind and the content of each event.
fn outline(events: &[AgentEvent]) -> Vec<(&'static str, String)> {
    let line = |event: &AgentEvent| {
        let content = match event {
            AgentEvent::Text(text) => format!("{:?} {}", text.kind, text.text),
            AgentEvent::ToolCall(call) => format!("{} {}", call.name, call.args),
            AgentEvent::ToolResult(result) => format!("{} {}", result.name, result.response),
            AgentEvent::StateDelta(delta) => delta.as_object().to_string(),
            AgentEvent::Error(failure) => format!("{:?} {}", failure.code, failure.message),
            other => format!("{other:?}"),
        };
        (event.kind(), content)
    };
    events.iter().map(line).collect()
}

fn expect(events: &[AgentEvent], expected: &[(&'static str, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(kind, content)| (*kind, content.to_string())).collect();
    assert_eq!(outline(events), expected);
}

fn accumulated(events: &[AgentEvent]) -> String {
    let mut accumulator = TextAccumulator::new();
    let mut text = String::new();
    for event in events {
        text.extend(accumulator.push(event).and_then(|delta| delta.text()));
    }
    text
}

#[test]
fn a_response_without_partial_texts_is_one_final_text() {
    expect(&events(TEXT), &[("text", "Final Hello there, 你好 🎬")]);
}

#[test]
fn a_response_with_partial_texts_ends_with_the_final_text() {
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
fn a_streamed_voiceover_has_the_same_events_after_its_partial_texts() {
    let streamed = events(VOICEOVER_STREAMING);
    let is_partial = |event: &&AgentEvent| matches!(event, AgentEvent::Text(text) if text.kind == TextKind::Partial);
    let partial_texts: Vec<&str> = streamed
        .iter()
        .filter(is_partial)
        .filter_map(|event| match event {
            AgentEvent::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        partial_texts,
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
    let rest: Vec<AgentEvent> =
        streamed.iter().filter(|event| !is_partial(event)).cloned().collect();
    assert_eq!(outline(&rest), outline(&events(VOICEOVER)));
}

#[test]
fn a_model_failure_is_one_error_event() {
    expect(&events(MODEL_ERROR), &[("error", r#"Some("RESOURCE_EXHAUSTED") model overloaded"#)]);
}

#[test]
fn text_is_accumulated_once_with_and_without_partial_texts() {
    assert_eq!(accumulated(&events(TEXT)), "Hello there, 你好 🎬");
    assert_eq!(accumulated(&events(TEXT_STREAMING)), "Hello there, 你好 🎬");
    let voiceover = "Working on it…Your voiceover is ready. Click the Export button to save it.";
    assert_eq!(accumulated(&events(VOICEOVER)), voiceover);
    // Its last partial text ends with a space that the final text lacks.
    assert_eq!(accumulated(&events(VOICEOVER_STREAMING)), voiceover);
}
