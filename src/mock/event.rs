//! The events of a scripted stream, in the form of the agent server.
//!
//! Each function returns an [`Event`] for [`NemoMock::stream`](super::NemoMock::stream).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::draft::{Draft, Json};
use crate::protocol::event::{
    AdkActions, AdkContent, AdkEvent, AdkPart, FunctionCall, FunctionResponse, Question,
};

/// A step of a scripted stream: one event, or a few that belong together.
#[derive(Clone, Debug)]
pub struct Event(String);

impl Event {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns a complete text.
#[must_use]
pub fn text(text: &str) -> Event {
    content(AdkContent::model(vec![AdkPart::text(text)]), false)
}

/// Returns a text in partial events and then as a whole, as with partial text requested.
#[must_use]
pub fn pieces<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Event {
    let (mut stream, mut whole) = (String::new(), String::new());
    for piece in pieces {
        whole.push_str(piece);
        stream.push_str(content(AdkContent::model(vec![AdkPart::text(piece)]), true).as_str());
    }
    stream.push_str(text(&whole).as_str());
    Event(stream)
}

/// Returns a tool call and its response.
#[must_use]
pub fn tool(name: &str, args: impl Into<Json>, response: impl Into<Json>) -> Event {
    let (name, id) = (name.to_owned(), Some(next_id("call")));
    let call = FunctionCall { id: id.clone(), args: args.into(), name: name.clone() };
    let result = FunctionResponse { id, name, response: response.into() };
    let call = content(AdkContent::model(vec![AdkPart::FunctionCall(call)]), false);
    let result = content(AdkContent::user(vec![AdkPart::FunctionResponse(result)]), false);
    Event(call.0 + result.as_str())
}

/// Returns a call of the tool by which the agent asks the user:
/// `{"title":…,"questions":[{"id":…,"prompt":…,"options":[{"id":…,"label":…}]}]}`. The stream
/// normally ends with it.
#[must_use]
pub fn question(args: impl Into<Json>) -> Event {
    let (name, id) = (Question::TOOL.to_owned(), Some(next_id("call")));
    let call = FunctionCall { id, args: args.into(), name };
    content(AdkContent::model(vec![AdkPart::FunctionCall(call)]), false)
}

/// Returns a state delta with a changed draft.
#[must_use]
pub fn draft(draft: &Draft) -> Event {
    let mut actions = AdkActions::default();
    actions.state_delta.insert("draft", draft.as_json().clone());
    adk(AdkEvent { actions, ..AdkEvent::default() })
}

/// Returns a heartbeat.
#[must_use]
pub fn heartbeat() -> Event {
    raw("data: heartbeat\n\n")
}

/// Returns an error of the model.
#[must_use]
pub fn failure(code: &str, message: &str) -> Event {
    adk(AdkEvent {
        error_code: Some(code.to_owned()),
        error_message: Some(message.to_owned()),
        ..AdkEvent::default()
    })
}

/// Returns any text of the stream as it is, with the blank line that ends an event.
#[must_use]
pub fn raw(text: impl Into<String>) -> Event {
    Event(text.into())
}

fn content(content: AdkContent, partial: bool) -> Event {
    adk(AdkEvent { content: Some(content), partial, ..AdkEvent::default() })
}

fn adk(event: AdkEvent) -> Event {
    let event = AdkEvent {
        id: next_id("event"),
        invocation_id: "invocation".to_owned(),
        author: crate::protocol::AGENT_NAME.to_owned(),
        ..event
    };
    let json = serde_json::to_string(&event).expect("an event is JSON");
    Event(format!("data: {json}\n\n"))
}

fn next_id(of: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{of}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
