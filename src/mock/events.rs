//! A scripted event stream in the form of the agent server.

use crate::draft::{Draft, Json};
use crate::protocol::event::{
    AdkActions, AdkContent, AdkEvent, AdkPart, FunctionCall, FunctionResponse, Question,
};

/// The event stream of one message: each method appends an event.
#[derive(Clone, Debug, Default)]
pub struct Events {
    body: String,
    count: usize,
}

impl Events {
    /// Returns a stream without events, as of a silent edit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a complete text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.content(AdkContent::model(vec![AdkPart::text(text)]), false)
    }

    /// Appends a text in partial events and then as a whole, as with partial text requested.
    #[must_use]
    pub fn pieces<'a>(mut self, pieces: impl IntoIterator<Item = &'a str>) -> Self {
        let mut whole = String::new();
        for piece in pieces {
            whole.push_str(piece);
            self = self.content(AdkContent::model(vec![AdkPart::text(piece)]), true);
        }
        self.text(&whole)
    }

    /// Appends a tool call and its response.
    #[must_use]
    pub fn tool(self, name: &str, args: impl Into<Json>, response: impl Into<Json>) -> Self {
        let id = format!("call-{}", self.count);
        let call = FunctionCall { id: Some(id.clone()), args: args.into(), name: name.to_owned() };
        let result =
            FunctionResponse { id: Some(id), name: name.to_owned(), response: response.into() };
        self.content(AdkContent::model(vec![AdkPart::FunctionCall(call)]), false)
            .content(AdkContent::user(vec![AdkPart::FunctionResponse(result)]), false)
    }

    /// Appends a call of the tool by which the agent asks the user:
    /// `{"title":…,"questions":[{"id":…,"prompt":…,"options":[{"id":…,"label":…}]}]}`. The stream
    /// normally ends with it.
    #[must_use]
    pub fn question(self, args: impl Into<Json>) -> Self {
        let call = FunctionCall {
            id: Some(format!("call-{}", self.count)),
            args: args.into(),
            name: Question::TOOL.to_owned(),
        };
        self.content(AdkContent::model(vec![AdkPart::FunctionCall(call)]), false)
    }

    /// Appends a state delta with a changed draft.
    #[must_use]
    pub fn draft(self, draft: &Draft) -> Self {
        let mut actions = AdkActions::default();
        actions.state_delta.insert("draft", draft.as_json().clone());
        self.event(AdkEvent { actions, ..AdkEvent::default() })
    }

    /// Appends a heartbeat.
    #[must_use]
    pub fn heartbeat(self) -> Self {
        self.raw("data: heartbeat\n\n")
    }

    /// Appends an error of the model.
    #[must_use]
    pub fn failure(self, code: &str, message: &str) -> Self {
        self.event(AdkEvent {
            error_code: Some(code.to_owned()),
            error_message: Some(message.to_owned()),
            ..AdkEvent::default()
        })
    }

    /// Appends any bytes of the stream as they are.
    #[must_use]
    pub fn raw(mut self, text: &str) -> Self {
        self.body.push_str(text);
        self.count += 1;
        self
    }

    fn content(self, content: AdkContent, partial: bool) -> Self {
        self.event(AdkEvent { content: Some(content), partial, ..AdkEvent::default() })
    }

    fn event(self, event: AdkEvent) -> Self {
        let event = AdkEvent {
            id: format!("event-{}", self.count),
            invocation_id: "invocation".to_owned(),
            author: crate::protocol::AGENT_NAME.to_owned(),
            ..event
        };
        let json = serde_json::to_string(&event).expect("an event is JSON");
        self.raw(&format!("data: {json}\n\n"))
    }

    pub(crate) fn into_body(self) -> String {
        self.body
    }
}
