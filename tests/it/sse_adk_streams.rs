//! Streams recorded from a real agent server are decoded into their known events, however they are
//! split into chunks, and every other form of event is decoded without losing any of it.

use nemovideo::draft::{Json, Object};
use nemovideo::protocol::event::{AgentEvent, Origin, TextAccumulator, TextKind};
use nemovideo::sse::Decoder;
use serde_json::json;

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

fn message(data: &str) -> Vec<AgentEvent> {
    AgentEvent::decode("message", data)
}

fn parsed(text: &str) -> Json {
    text.parse().unwrap()
}

fn unknown(text: &str) -> AgentEvent {
    AgentEvent::Unknown(text.to_owned())
}

/// A final text without an origin, which is all that the simple form has.
fn whole(text: &str) -> AgentEvent {
    let mut events = message(&json!({ "type": "text", "content": text }).to_string());
    events.pop().expect("a text")
}

/// Returns the code, the message and the details of the only event, a failure.
fn failure(events: &[AgentEvent]) -> (Option<&str>, &str, Option<Json>) {
    let [AgentEvent::Error(failure)] = events else { panic!("{events:?}") };
    (failure.code.as_deref(), &failure.message, failure.details.clone())
}

#[test]
fn every_keep_alive_is_a_heartbeat() {
    for (event, data) in [
        ("message", ""),
        ("message", " "),
        ("message", "heartbeat"),
        ("message", r#"{"type":"heartbeat"}"#),
        ("heartbeat", ""),
        ("heartbeat", r#"{"ts":1}"#),
        ("heartbeat", "{"),
    ] {
        assert_eq!(AgentEvent::decode(event, data), [AgentEvent::Heartbeat], "{event}: {data}");
    }
}

#[test]
fn an_event_without_content_yields_nothing() {
    for data in [
        r#"{"content":{"parts":[],"role":"model"},"author":"a"}"#,
        r#"{"content":{"role":"model"}}"#,
        r#"{"content":{"parts":null}}"#,
        r#"{"content":{"parts":[{"text":""},{"text":null},{}]}}"#,
        r#"{"author":"a","actions":{"stateDelta":{}}}"#,
        r#"{"content":null,"author":"a","errorCode":null,"error":null}"#,
        r#"{"usageMetadata":{"totalTokenCount":7}}"#,
        r#"{"turn_complete":true}"#,
        r#"{"type":"text","content":""}"#,
    ] {
        assert_eq!(message(data), [], "{data}");
    }
}

#[test]
fn one_unknown_part_costs_none_of_the_others() {
    let data = r#"{"content":{"parts":[{"text":"a"},{"inlineData":{"data":"AA==","n":1.0}},
        {"fileData":{"fileUri":"x"}},{"hologram":[]},7,null,{"text":5},{"functionCall":"f"},
        {"functionCall":{"args":{}}},{"text":"b","functionResponse":[]},{"text":"c"}]}}"#;
    assert_eq!(
        message(data),
        [
            whole("a"),
            unknown(r#"{"inlineData":{"data":"AA==","n":1.0}}"#),
            unknown(r#"{"fileData":{"fileUri":"x"}}"#),
            unknown(r#"{"hologram":[]}"#),
            unknown("7"),
            unknown("null"),
            unknown(r#"{"text":5}"#),
            unknown(r#"{"functionCall":"f"}"#),
            unknown(r#"{"functionCall":{"args":{}}}"#),
            whole("b"),
            unknown(r#"{"text":"b","functionResponse":[]}"#),
            whole("c"),
        ]
    );
}

#[test]
fn a_wrong_type_is_reported_and_costs_nothing_else() {
    for data in [
        r#"{"content":5,"actions":{"stateDelta":{"a":1}}}"#,
        r#"{"content":{"parts":"x"},"actions":{"stateDelta":{"a":1}}}"#,
        r#"{"partial":"yes","actions":{"stateDelta":{"a":1}}}"#,
        r#"{"errorCode":[],"actions":{"stateDelta":{"a":1}}}"#,
        r#"{"longRunningToolIds":"x","actions":{"stateDelta":{"a":1}}}"#,
    ] {
        let delta = AgentEvent::StateDelta(Object::from([("a", 1)]).into());
        assert_eq!(message(data), [delta, unknown(data)]);
    }
    for data in [
        r#"{"content":{"parts":[{"text":"hi"}]},"actions":[]}"#,
        r#"{"content":{"parts":[{"text":"hi"}]},"actions":{"stateDelta":7}}"#,
    ] {
        assert_eq!(message(data), [whole("hi"), unknown(data)]);
    }
    // Fields that nothing depends on.
    let data = r#"{"content":{"parts":[{"text":"hi"}],"role":[]},"timestamp":"today","id":{}}"#;
    assert_eq!(message(data), [whole("hi")]);
}

#[test]
fn what_is_not_understood_is_passed_on_raw() {
    let deep = format!("{{\"content\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    for data in [
        "{\"content\":{\"parts\":[",
        "[DONE]",
        "null",
        "7",
        "[]",
        "{}",
        " {\"foo\" : 1.0} ",
        r#"{"type":"poem","verse":1}"#,
        r#"{"type":"tool_call","args":{}}"#,
        r#"{"type":"text","content":{"html":"<p>"}}"#,
        r#"{"code":0,"message":"ok","data":{}}"#,
        "plain words",
        "\u{fffd}",
        &deep,
    ] {
        assert_eq!(message(data), [unknown(data)]);
    }
}

#[test]
fn the_simple_form_is_read_too() {
    let events = message(r#"{"type":"text","content":"Hello"}"#);
    let [AgentEvent::Text(text)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((text.text.as_str(), text.kind), ("Hello", TextKind::Final));
    assert_eq!(text.origin, Origin::default());
    let events = message(r#"{"type":"tool_call","name":"trim","args":{"to":1}}"#);
    assert!(
        matches!(&events[..], [AgentEvent::ToolCall(call)] if call.name == "trim" && call.args == parsed(r#"{"to":1}"#))
    );
    let events = message(r#"{"type":"tool_result","name":"trim","result":[1e999]}"#);
    assert!(
        matches!(&events[..], [AgentEvent::ToolResult(result)] if result.response == parsed("[1e999]"))
    );
}

#[test]
fn every_form_of_failure_is_an_error() {
    for (data, code, expected) in [
        (r#"{"errorCode":"E","errorMessage":"busy","author":"a"}"#, Some("E"), "busy"),
        (r#"{"error_message":"busy","error_code":""}"#, None, "busy"),
        (r#"{"error":"boom"}"#, None, "boom"),
        (r#"{"error":{"code":503,"message":"busy"}}"#, Some("503"), "busy"),
        (r#"{"code":1001,"message":"token expired"}"#, Some("1001"), "token expired"),
        (r#"{"detail":"Not Found"}"#, None, "Not Found"),
        (r#"{"type":"error","message":"no"}"#, None, "no"),
    ] {
        assert_eq!(failure(&message(data)), (code, expected, None), "{data}");
    }
    let named = |data| AgentEvent::decode("error", data);
    assert_eq!(failure(&named(r#"{"error":"boom"}"#)), (None, "boom", None));
    assert_eq!(failure(&named("it broke")), (None, "it broke", None));
    let data = r#"{"error":"boom","error_details":{"type":"ValueError"}}"#;
    let details = Some(parsed(r#"{"type":"ValueError"}"#));
    assert_eq!(failure(&message(data)), (None, "boom", details));
}

#[test]
fn a_failure_is_displayed_as_its_code_and_message() {
    for (data, expected) in [
        (r#"{"errorCode":"E","errorMessage":"too busy"}"#, "E: too busy"),
        (r#"{"errorCode":"E"}"#, "E"),
        (r#"{"error":"boom"}"#, "boom"),
    ] {
        let events = message(data);
        let [AgentEvent::Error(failure)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(failure.to_string(), expected);
    }
}

#[test]
fn an_event_with_an_error_keeps_its_text() {
    let data = r#"{"content":{"parts":[{"text":"so far"}]},"error":"boom"}"#;
    let events = message(data);
    assert_eq!(events[0], whole("so far"));
    assert_eq!(failure(&events[1..]), (None, "boom", None));
}
