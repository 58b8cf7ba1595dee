use super::*;
use crate::client::message::push_text;
use crate::protocol::event::TextAccumulator;

/// Returns the events of a body in chunks of this size, one line each, and how it ended.
fn read_in_chunks(body: &[u8], is_typed: bool, size: usize) -> (Vec<String>, BodyEnd) {
    let mut reader = EventReader::new(1024, is_typed, Secrets::default());
    let mut events = Vec::new();
    for mut chunk in body.chunks(size) {
        while let Some(frame) = reader.next_events(&mut chunk) {
            events.extend(frame.events);
        }
    }
    let (last, end) = reader.finish();
    events.extend(last);
    (events.iter().map(line).collect(), end)
}

fn line(event: &AgentEvent) -> String {
    match event {
        AgentEvent::Text(text) => text.text.clone(),
        AgentEvent::Error(failure) => format!("! {failure}"),
        AgentEvent::Unknown(raw) => format!("? {raw}"),
        AgentEvent::ToolCall(call) => format!("{}()", call.name),
        other => other.kind().to_owned(),
    }
}

fn read(body: &str, is_typed: bool) -> (String, BodyEnd) {
    let whole = read_in_chunks(body.as_bytes(), is_typed, body.len().max(1));
    for size in [1, 2, 3, 7, 64] {
        let in_chunks = read_in_chunks(body.as_bytes(), is_typed, size);
        assert_eq!(in_chunks, whole, "{body:?} in chunks of {size}");
    }
    (whole.0.join("|"), whole.1)
}

const A: &str = r#"{"type":"text","content":"a"}"#;
const B: &str = r#"{"content":{"parts":[{"text":"b"}]},"author":"x"}"#;

#[test]
fn an_error_without_a_field_name_is_reported() {
    let stream = |end: &str| format!("data: {A}\n\n{end}");
    for (end, expected) in [
        ("Error: agent failed\n\n", "! Error: agent failed"),
        ("Error: agent failed", "! Error: agent failed"),
        ("Error: agent failed\r\n\r\n", "! Error: agent failed"),
        ("Error: agent failed\r", "! Error: agent failed"),
        ("upstream connect failure\n", "! upstream connect failure"),
        ("something went wrong here\n", "! something went wrong here"),
        ("内部错误\n", "! 内部错误"),
        ("Internal Server Error\n\ndata: heartbeat\n\n", "! Internal Server Error|heartbeat"),
        ("{\"code\":\"gap\",\"error\":\"overloaded\"}\n\n", "! gap: overloaded"),
        ("{\"code\":\"gap\",\n  \"error\":\"overloaded\"\n}\n", "! gap: overloaded"),
        ("{\"detail\":\"Session not found: s\"}", "! Session not found: s"),
        ("{\"error\":\"a\"}{\"error\":\"b\"}\n", "! a|! b"),
        (
            "Traceback (most recent call last):\n  File \"x\"\nValueError: boom\n",
            "! ValueError: boom",
        ),
        ("oops: {\"error\":1}\nmore of it\ndata: heartbeat\n\n", "! oops: {\"error\":1}|heartbeat"),
        ("processing failed\n", "! processing failed"),
        ("ValueError: boom\n", "! ValueError: boom"),
        ("status: failed\n", "! status: failed"),
        // None of these is an error.
        ("ping\n\n", "? ping"),
        ("pong 1\n\n", "? pong 1"),
        ("keep-alive ping\n", "? keep-alive ping"),
        ("keep-alive: timeout=5, max=100\n", "? keep-alive: timeout=5, max=100"),
        ("Heartbeat at 12:00\n", "? Heartbeat at 12:00"),
        ("still working\n\n", "? still working"),
        ("processing 3 of 5\n\n", "? processing 3 of 5"),
        ("retry-timeout: 5\n\n", "? retry-timeout: 5"),
        ("heartbeat\n\n", "heartbeat"),
        ("version: 3 of it\n\n", "? version: 3 of it"),
        (": comment\n\n", ""),
    ] {
        let expected = format!("a|{expected}");
        let expected = expected.trim_end_matches('|');
        assert_eq!(read(&stream(end), true), (expected.to_owned(), BodyEnd::Complete), "{end:?}");
    }
    // An error between two events, and one that begins a stream.
    let (events, end) = read(&format!("Error: x\n\n{}", stream("")), true);
    assert_eq!((events.as_str(), end), ("! Error: x|a", BodyEnd::Complete));
}

#[test]
fn only_what_names_an_error_ends_the_silence() {
    for (line, is_progress) in [
        ("Error: agent failed\n\n", true),
        ("something went wrong here\n\n", false),
        ("still working\n\n", false),
        ("data: heartbeat\n\n", false),
        ("data: {\"odd\":1}\n\n", true),
    ] {
        let mut reader = EventReader::new(1024, true, Secrets::default());
        // The next field ends bare text.
        let input = format!("{line}data: heartbeat\n\n");
        let mut input = input.as_bytes();
        let first = reader.next_events(&mut input).unwrap();
        assert_eq!(first.is_progress, is_progress, "{line:?}");
    }
}

#[test]
fn what_was_received_is_kept_when_the_connection_breaks() {
    let ask = r#"{"content":{"parts":[{"functionCall":{"name":"ask_question","args":{"question":"Which?"}}}]},"partial":true}"#;
    for (body, expected) in [
        (format!("data: {A}\n\nError: agent failed\n"), "a|! Error: agent failed"),
        (format!("data: {A}"), "a"),
        (format!("data: {A}\n"), "a"),
        (format!("data: {A}\n\ndata: {{\"type\":\"te"), "a"),
        (format!("data: {ask}\n\n"), "question"),
        (r#"{"code":1002,"message":"gone"}"#.to_owned(), "! 1002: gone"),
    ] {
        for size in [1, 7, 1000] {
            let mut reader = EventReader::new(1024, true, Secrets::default());
            let mut events = Vec::new();
            for mut chunk in body.as_bytes().chunks(size) {
                while let Some(frame) = reader.next_events(&mut chunk) {
                    events.extend(frame.events);
                }
            }
            events.extend(reader.interrupt());
            let lines: Vec<_> = events.iter().map(line).collect();
            assert_eq!(lines.join("|"), expected, "{body}");
        }
    }
}

#[test]
fn an_error_response_alone_is_one_and_an_event_among_others() {
    let error = r#"{"code":2001,"message":"none left"}"#;
    for body in [error.to_owned(), format!("\n{error}\n\n"), format!(": hi\n\n{error}\r\n")] {
        let (events, end) = read(&body, true);
        let BodyEnd::ErrorResponse(code, failure) = end else { panic!("{body}: {end:?}") };
        assert_eq!((events.as_str(), code), ("", ErrorCode::OutOfCredits), "{body}");
        assert_eq!(failure.message, "none left");
    }
    for (body, expected) in [
        (format!("{error}\ndata: {A}\n\n"), "! 2001: none left|a"),
        (format!("data: {A}\n\n{error}"), "a|! 2001: none left"),
        (format!("{error}{error}"), "! 2001: none left|! 2001: none left"),
        (format!("data: {error}\n\n"), "! 2001: none left"),
        (error.replace("2001", "5003"), "! 5003: none left"),
    ] {
        assert_eq!(read(&body, true), (expected.to_owned(), BodyEnd::Complete), "{body}");
    }
}

#[test]
fn a_failure_does_not_show_a_secret() {
    let secret = "nmv_usr_s3cret";
    for body in [
        format!("Error: invalid token {secret}\n\n"),
        format!(
            "data: {{\"error\":\"bad {secret}\",\"error_details\":{{\"a\":\"{secret}\"}}}}\n\n"
        ),
        format!("data: {{\"odd\":\"{secret}\"}}\n\n"),
        format!("{{\"code\":1001,\"message\":\"{secret} is over\"}}"),
    ] {
        let mut reader = EventReader::new(1024, true, Secrets::from_iter([secret]));
        let mut input = body.as_bytes();
        let mut events = Vec::new();
        while let Some(frame) = reader.next_events(&mut input) {
            events.extend(frame.events);
        }
        let (last, end) = reader.finish();
        let shown = format!("{events:?}{last:?}{end:?}");
        assert!(shown.contains('…') && !shown.contains(secret), "{shown}");
    }
}

#[test]
fn json_in_place_of_a_stream_is_read_whatever_its_content_type() {
    for body in [
        format!("{A}\n{B}\n"),
        format!("{A}\n{B}"),
        format!("{A}\r\n\r\n\r\n{B}\r\n"),
        format!("\u{feff}{A}\n\n{B}"),
        format!("[{A},{B}]"),
        format!("[\n  {A},\n  {B}\n]\n"),
        format!("[{A}\n,{B}\n]\n"),
        format!("{}{}", A.replace(',', ",\n  "), B.replace('{', "{\n")),
        format!(r#"{{"code":0,"data":[{A},{B}]}}"#),
        format!(r#"{{"events":[{A},{B}]}}"#),
        format!("data: [{A},{B}]\n\n"),
        format!("data: {A}\n\n{B}\n"),
        format!("{A}\ndata: {B}\n\n"),
        format!("\n\n data\n{A}\n{B}\n").replace(" data", ": ok"),
    ] {
        for is_typed in [true, false] {
            let read = read(&body, is_typed);
            assert_eq!(read, ("a|b".to_owned(), BodyEnd::Complete), "{body:?}");
        }
    }
    let (events, _) = read(&format!("{{\"type\":\"te\n{A}\n{B}\n"), true);
    assert_eq!(events, "? {\"type\":\"te|a|b");
    let (events, end) = read(&format!("{A}\n{{\"type\":\"te"), true);
    assert_eq!((events.as_str(), end), ("a", BodyEnd::Truncated));
}

#[test]
fn a_body_without_an_event_is_no_stream() {
    for body in [
        "",
        "\n",
        "<html>\n<h1>502 Bad Gateway</h1>\n</html>\n",
        "<!DOCTYPE html><html>",
        "[]",
        r#"{"code":0,"message":"ok"}"#,
        r#"{"status":"queued"}"#,
        "upstream request timeout",
        "data: {\"odd\":1}\n\n",
    ] {
        assert_eq!(read(body, false).1, BodyEnd::NoEvents, "{body:?}");
    }
    // A silent turn, and a page where events were promised.
    assert_eq!(read("", true), (String::new(), BodyEnd::Complete));
    assert_eq!(read(": connected\n\n", true), (String::new(), BodyEnd::Complete));
    assert_eq!(read("<html>\n\nBad Gateway\n</html>\n", true).1, BodyEnd::Complete);
    assert_eq!(read("<html>\n<h1>502 Bad Gateway</h1>\n", true).1, BodyEnd::NoEvents);
    let page = format!("data: {A}\n\n<html>\n<p>gone</p>\n\n<p>gone</p>");
    let expected = ("a|! a page came in place of events".to_owned(), BodyEnd::Complete);
    assert_eq!(read(&page, true), expected);
}

#[test]
fn a_large_array_is_read_element_by_element() {
    let body = format!("[{}]", vec![A; 1000].join(","));
    let (events, end) = read(&body, false);
    assert_eq!((events.len(), end), (1999, BodyEnd::Complete));
    let large = format!("[{A},{{\"x\":\"{}\"}},{B}]", "y".repeat(2000));
    let (events, _) = read(&large, false);
    assert!(events.starts_with("a|? an event") && events.ends_with("|b"), "{events}");
}

#[test]
fn a_detail_that_is_not_json_costs_nothing() {
    for body in [
        r#"data: {"content":{"parts":[{"text":"a"}]},"customMetadata":{"score":NaN}}"#,
        r#"data: {"type":"text","content":"a","score":-Infinity}"#,
        r#"{"type":"text","content":"a","note":"\ud83d \x"}"#,
        "data: {\"type\":\"text\",\"content\":\"a\",\"note\":\"\u{1}\t\"}",
        r#"data: {"type":"text","content":"a","usage":[nan,undefined,None]}"#,
    ] {
        for end in ["", "\n", "\n\n", "\r\n\r\n"] {
            let expected = ("a".to_owned(), BodyEnd::Complete);
            assert_eq!(read(&format!("{body}{end}"), true), expected, "{body} {end:?}");
        }
    }
    let latin = b"data: {\"type\":\"text\",\"content\":\"a\",\"note\":\"caf\xe9\"}\n\n";
    assert_eq!(read_in_chunks(latin, true, 5).0, ["a"]);
}

/// Returns the text for the user in a body, as it is shown.
fn shown(body: &[u8], is_typed: bool) -> String {
    let mut reader = EventReader::new(1024, is_typed, Secrets::default());
    let mut texts = TextAccumulator::new();
    let (mut shown, mut events, mut input) = (String::new(), Vec::new(), body);
    while let Some(frame) = reader.next_events(&mut input) {
        events.extend(frame.events);
    }
    events.extend(reader.finish().0);
    for event in &events {
        shown.extend(push_text(&mut texts, event));
    }
    shown
}

#[test]
fn no_prefix_and_no_changed_byte_of_a_body_costs_more_than_itself() {
    for (case, text) in [
        (
            include_bytes!("../../../tests/data/cases/wire/sse-bare-json-error.http").as_slice(),
            "Working",
        ),
        (include_bytes!("../../../tests/data/cases/wire/sse-lone-surrogate.http"), "Great 😀 day"),
        (include_bytes!("../../../tests/data/cases/wire/sse-nan.http"), "Your video is ready."),
        (include_bytes!("../../../tests/data/cases/wire/sse-no-ctype.http"), "Hi"),
        (include_bytes!("../../../tests/data/cases/wire/sse-partial-tool-preview.http"), "Done."),
        (include_bytes!("../../../tests/data/cases/wire/sse-plain-text-error.http"), "Working"),
    ] {
        let head = case.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let body = &case[head..];
        assert_eq!(shown(body, true), text);
        for end in 0..=body.len() {
            for is_typed in [true, false] {
                let whole = read_in_chunks(&body[..end], is_typed, body.len());
                assert_eq!(read_in_chunks(&body[..end], is_typed, 3), whole);
                // Nothing is shown twice.
                let shown = shown(&body[..end], is_typed);
                assert!(text.starts_with(&shown), "{shown} before {end}");
            }
        }
        for at in 0..body.len() {
            for byte in [b'\0', b'\n', b'\r', b'"', b'\\', b'{', b'}', b'[', b':', b'<', 0xff] {
                let mut changed = body.to_vec();
                changed[at] = byte;
                // Text is shown once even so, and broken JSON as it is.
                let (events, end) = read_in_chunks(&changed, false, 64);
                assert!(!events.is_empty() || end != BodyEnd::Complete, "{changed:?}");
                assert_eq!(read_in_chunks(&changed, false, 3), (events, end), "{changed:?}");
                let shown = shown(&changed, true);
                assert!(shown.matches(text).count() <= 1, "{shown}");
            }
        }
    }
}
