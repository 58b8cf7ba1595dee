//! The bytes of a response to a message, read as events in whatever form they come.
//!
//! An event stream is decoded as the standard says. What the standard ignores is read too, because
//! the message is paid: errors that a server writes without `data:`, and JSON, line by line or in an
//! array, in place of a stream.

use crate::protocol::event::{AgentEvent, AgentFailure, PreviewFilter};
use crate::protocol::{ErrorCode, redact_urls};
use crate::sse::{Decoder, EventTooLarge, Frame};
use crate::transport::Secrets;

/// Decodes the body of one response.
#[derive(Debug)]
pub(super) struct EventReader {
    decoder: Decoder,
    previews: PreviewFilter,
    /// Whether the content type says that the body is an event stream.
    is_typed: bool,
    /// Whether anything was understood.
    has_events: bool,
    has_markup: bool,
    /// What no failure may show.
    secrets: Secrets,
    /// Whether a frame was read.
    has_frames: bool,
    /// A documented error in the envelope of the other endpoints, for as long as it is all that
    /// was read: then it is the response, and not an event.
    envelope: Option<(ErrorCode, AgentFailure)>,
}

/// The events of one frame.
#[derive(Debug, Default)]
pub(super) struct FrameEvents {
    pub(super) events: Vec<AgentEvent>,
    /// Whether the frame shows that the agent works, unlike a heartbeat.
    pub(super) is_progress: bool,
}

/// How a body ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum BodyEnd {
    /// After its last event.
    Complete,
    /// After a documented error response, which is all that the body holds.
    ErrorResponse(ErrorCode, AgentFailure),
    /// Within an event, so the connection was cut.
    Truncated,
    /// Without an event, and the body is no event stream either.
    NoEvents,
}

impl EventReader {
    /// Creates a reader of events that hold at most `limit` bytes each.
    pub(super) fn new(limit: usize, is_typed: bool, secrets: Secrets) -> Self {
        Self {
            decoder: Decoder::with_limit(limit).with_bare_text(),
            previews: PreviewFilter::default(),
            is_typed,
            has_events: false,
            has_markup: false,
            secrets,
            has_frames: false,
            envelope: None,
        }
    }

    /// Returns the events of the next frame and advances `input` past it; `None` when all of
    /// `input` was read.
    pub(super) fn next_events(&mut self, input: &mut &[u8]) -> Option<FrameEvents> {
        let frame = self.decoder.next_frame(input)?;
        Some(self.next(frame))
    }

    fn next(&mut self, frame: Result<Frame<'_>, EventTooLarge>) -> FrameEvents {
        let held = self.release();
        let is_first = !std::mem::replace(&mut self.has_frames, true);
        if let (true, Ok(frame)) = (is_first, &frame)
            && let Some((code, failure)) = envelope(frame)
        {
            self.envelope = Some((code, self.redacted(failure)));
            return FrameEvents { events: Vec::new(), is_progress: true };
        }
        let mut frame = self.read(frame);
        if let Some(held) = held {
            frame.events.insert(0, held);
        }
        frame
    }

    /// Returns the error response that was held back, as the event that it is among others.
    fn release(&mut self) -> Option<AgentEvent> {
        // To take what is not there would move it all the same, at every frame.
        self.envelope.as_ref()?;
        let (_, failure) = self.envelope.take()?;
        self.has_events = true;
        Some(AgentEvent::Error(failure))
    }

    /// Returns the events that are left when the connection breaks: what was received is paid for.
    pub(super) fn interrupt(self) -> Vec<AgentEvent> {
        let (mut events, end) = self.finish();
        if let BodyEnd::ErrorResponse(_, failure) = end {
            events.push(AgentEvent::Error(failure));
        }
        events
    }

    /// Returns the events that the body ended with, where the blank line after the last one is
    /// missing, and how it ended.
    pub(super) fn finish(mut self) -> (Vec<AgentEvent>, BodyEnd) {
        let mut events = Vec::new();
        let mut end = BodyEnd::Complete;
        if self.decoder.is_inside_event() {
            let mut input = b"\n\n".as_slice();
            let mut has_frame = false;
            while let Some(frame) = self.decoder.next_frame(&mut input) {
                has_frame = true;
                match frame {
                    // A complete last event counts like any other.
                    Ok(frame) if is_complete(&frame) => {
                        events.extend(self.next(Ok(frame)).events);
                    }
                    _ => end = BodyEnd::Truncated,
                }
            }
            if !has_frame {
                end = BodyEnd::Truncated;
            }
        }
        if end == BodyEnd::Complete
            && let Some((code, failure)) = self.envelope.take()
        {
            return (events, BodyEnd::ErrorResponse(code, failure));
        }
        events.extend(self.release());
        if end == BodyEnd::Complete && !self.has_events && (self.has_markup || !self.is_typed) {
            end = BodyEnd::NoEvents;
        }
        events.extend(self.previews.finish());
        (events, end)
    }

    fn read(&mut self, frame: Result<Frame<'_>, EventTooLarge>) -> FrameEvents {
        let frame = match frame {
            Ok(frame) => frame,
            // The event is lost; the stream continues after it.
            Err(too_large) => {
                let events = vec![AgentEvent::Unknown(too_large.to_string())];
                return FrameEvents { events, is_progress: true };
            }
        };
        if frame.is_bare && frame.data.starts_with('<') {
            return self.read_markup(&frame);
        }
        let mut events = decode(&frame);
        let is_known = events.iter().any(|event| !matches!(event, AgentEvent::Unknown(_)));
        let is_text = frame.is_bare && !frame.data.starts_with(['{', '[']);
        // Text in a body of another type is no response of the agent.
        self.has_events |= is_known && (self.is_typed || !is_text);
        events = self.previews.push(events);
        for event in &mut events {
            self.make_safe(event);
        }
        let is_progress = match is_text {
            // Any other sentence is a keep-alive as likely as an error.
            true => AgentEvent::names_an_error(&frame.data),
            false => events.iter().any(|event| !matches!(event, AgentEvent::Heartbeat)),
        };
        FrameEvents { events, is_progress }
    }

    /// Reads a page, which a proxy sent in place of the rest.
    fn read_markup(&mut self, frame: &Frame<'_>) -> FrameEvents {
        let is_first = !std::mem::replace(&mut self.has_markup, true);
        if !is_first || !self.has_events {
            return FrameEvents::default();
        }
        let message = "a page came in place of events".to_owned();
        let details = Some((*frame.data).into());
        let mut failure = AgentEvent::failure(message, details);
        self.make_safe(&mut failure);
        FrameEvents { events: vec![failure], is_progress: true }
    }

    /// Removes the secrets that a server echoed in a failure, or in what may be one, and the
    /// signatures of URLs from a failure. The agent's own text is left as it is: a link in it may need
    /// them.
    fn make_safe(&self, event: &mut AgentEvent) {
        match event {
            AgentEvent::Error(failure) => *failure = self.redacted(failure.clone()),
            AgentEvent::Unknown(raw) => *raw = self.secrets.redact(std::mem::take(raw)),
            _ => {}
        }
    }

    fn redacted(&self, failure: AgentFailure) -> AgentFailure {
        let redact = |text| redact_urls(&self.secrets.redact(text)).into_owned();
        AgentFailure {
            code: failure.code.map(redact),
            message: redact(failure.message),
            details: failure.details.map(|details| {
                let redacted = redact(details.to_string());
                redacted.parse().unwrap_or_else(|_| redacted.into())
            }),
        }
    }
}

/// Returns the documented error that a frame reports in the envelope of the other endpoints.
fn envelope(frame: &Frame<'_>) -> Option<(ErrorCode, AgentFailure)> {
    if !(frame.is_bare && frame.data.starts_with('{')) {
        return None;
    }
    let [AgentEvent::Error(failure)] = &AgentEvent::decode_bare(&frame.data)[..] else {
        return None;
    };
    let code = ErrorCode::from(failure.code.as_deref()?.parse::<i64>().ok()?);
    (!matches!(code, ErrorCode::Other(_))).then(|| (code, failure.clone()))
}

fn decode(frame: &Frame<'_>) -> Vec<AgentEvent> {
    match frame.is_bare {
        true => AgentEvent::decode_bare(&frame.data),
        false => AgentEvent::decode_calls(&frame.event, &frame.data),
    }
}

/// Whether the last frame of a body is whole, although no blank line follows it.
fn is_complete(frame: &Frame<'_>) -> bool {
    const FIELDS: [&str; 4] = ["data", "event", "id", "retry"];
    let data = &*frame.data;
    if frame.is_bare {
        let is_name = FIELDS.iter().any(|name| name.starts_with(data));
        // An object is bare text of its own once it is closed.
        let is_open = data.starts_with('{') && !data.ends_with('}');
        return !is_name && !is_open;
    }
    AgentEvent::is_json(data)
        || decode(frame).iter().all(|event| !matches!(event, AgentEvent::Unknown(_)))
}

#[cfg(test)]
mod tests {
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
            (
                "oops: {\"error\":1}\nmore of it\ndata: heartbeat\n\n",
                "! oops: {\"error\":1}|heartbeat",
            ),
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
            assert_eq!(
                read(&stream(end), true),
                (expected.to_owned(), BodyEnd::Complete),
                "{end:?}"
            );
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
                include_bytes!("../../tests/data/cases/wire/sse-bare-json-error.http").as_slice(),
                "Working",
            ),
            (include_bytes!("../../tests/data/cases/wire/sse-lone-surrogate.http"), "Great 😀 day"),
            (include_bytes!("../../tests/data/cases/wire/sse-nan.http"), "Your video is ready."),
            (include_bytes!("../../tests/data/cases/wire/sse-no-ctype.http"), "Hi"),
            (include_bytes!("../../tests/data/cases/wire/sse-partial-tool-preview.http"), "Done."),
            (include_bytes!("../../tests/data/cases/wire/sse-plain-text-error.http"), "Working"),
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
}
