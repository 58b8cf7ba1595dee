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
mod tests;
