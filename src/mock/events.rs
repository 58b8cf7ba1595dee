//! A scripted event stream, in the agent server's own shape.

use serde_json::Value;

use crate::draft::{Draft, Json};
use crate::protocol::event::{
    AdkActions, AdkContent, AdkEvent, AdkPart, FunctionCall, FunctionResponse,
};

/// The events of one answer to a message, in their order.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use futures::TryStreamExt as _;
/// use nemovideo::mock::{MockResponse, Events, MockNemo};
/// use serde_json::json;
///
/// let events = Events::new()
///     .heartbeat()
///     .tool("add_title", &json!({"text": "Hi"}), &json!({"ok": true}))
///     .pieces(["All ", "done."])
///     .failure("RESOURCE_EXHAUSTED", "too many requests")
///     .raw("data: {oops\n\n");
/// let nemo = MockNemo::start().await;
/// nemo.given(MockResponse::message(events)).await;
/// let stream = nemo.client().send_message(&"session".into(), "add a title").await?;
/// let kinds: Vec<_> = stream.map_ok(|event| event.kind()).try_collect().await?;
/// assert_eq!(
///     kinds,
///     ["heartbeat", "tool_call", "tool_result", "text", "text", "text", "error", "unknown"]
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Events {
    body: String,
    count: usize,
}

impl Events {
    /// A stream that ends without a word: a silent edit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A whole text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.said(AdkContent::model(vec![AdkPart::text(text)]), false)
    }

    /// A text in pieces, then whole, as with partial text asked for.
    #[must_use]
    pub fn pieces<'a>(mut self, pieces: impl IntoIterator<Item = &'a str>) -> Self {
        let mut whole = String::new();
        for piece in pieces {
            whole.push_str(piece);
            self = self.said(AdkContent::model(vec![AdkPart::text(piece)]), true);
        }
        self.text(&whole)
    }

    /// A tool that is called and answers.
    #[must_use]
    pub fn tool(self, name: &str, args: &Value, response: &Value) -> Self {
        let id = format!("call-{}", self.count);
        let call = FunctionCall {
            id: Some(id.clone()),
            args: Json::from_value(args),
            name: name.to_owned(),
        };
        let answer = FunctionResponse {
            id: Some(id),
            name: name.to_owned(),
            response: Json::from_value(response),
        };
        self.said(AdkContent::model(vec![AdkPart::FunctionCall(call)]), false)
            .said(AdkContent::user(vec![AdkPart::FunctionResponse(answer)]), false)
    }

    /// A draft that has changed.
    #[must_use]
    pub fn draft(self, draft: &Draft) -> Self {
        let mut actions = AdkActions::default();
        actions.state_delta.insert("draft", draft.as_json().clone());
        self.event(AdkEvent { actions, ..AdkEvent::default() })
    }

    /// A sign of life.
    #[must_use]
    pub fn heartbeat(self) -> Self {
        self.raw("data: heartbeat\n\n")
    }

    /// The model failed.
    #[must_use]
    pub fn failure(self, code: &str, message: &str) -> Self {
        self.event(AdkEvent {
            error_code: Some(code.to_owned()),
            error_message: Some(message.to_owned()),
            ..AdkEvent::default()
        })
    }

    /// Anything else, as it stands on the wire.
    #[must_use]
    pub fn raw(mut self, text: &str) -> Self {
        self.body.push_str(text);
        self.count += 1;
        self
    }

    fn said(self, content: AdkContent, partial: bool) -> Self {
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

    pub(super) fn into_body(self) -> String {
        self.body
    }
}
