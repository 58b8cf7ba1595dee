//! The events of the agent, one server-sent event after the other.
//!
//! The agent server is Google's Agent Development Kit (ADK) and sends its own events; other
//! revisions of the service send a simple form, `{"type":"text","content":…}`. Both may come in
//! one stream, between keep-alives. [`AgentEvent::decode`] reads them all and never fails: what it
//! does not understand becomes [`AgentEvent::Unknown`], because no event may end a stream whose
//! work is already charged.
//!
//! ```
//! use nemovideo::protocol::event::{AgentEvent, TextAccumulator};
//!
//! let mut texts = TextAccumulator::new();
//! let mut shown = String::new();
//! for data in [
//!     r#"{"content":{"parts":[{"text":"Your video "}]},"partial":true}"#,
//!     r#"{"content":{"parts":[{"text":"is ready."}]},"partial":true}"#,
//!     r#"{"content":{"parts":[{"text":"Your video is ready."},{"inlineData":{}}]}}"#,
//! ] {
//!     for event in AgentEvent::decode("message", data) {
//!         shown.extend(texts.push(&event).and_then(|delta| delta.text()));
//!     }
//! }
//! assert_eq!(shown, "Your video is ready.");
//! ```

use std::fmt;

use crate::draft::{Draft, Json, Object};

mod adk;
mod decode;
mod preview;
mod question;
mod text;
mod usual;

#[cfg(feature = "mock")]
pub(crate) use adk::AdkActions;
#[cfg(any(feature = "local", feature = "mock"))]
pub(crate) use adk::{AdkContent, AdkEvent, AdkPart, FunctionCall, FunctionResponse};
pub(crate) use preview::PreviewFilter;
pub(crate) use question::QuestionTracker;
pub use question::{Question, QuestionItem, QuestionOption};
pub use text::{TextAccumulator, TextDelta};

/// An event of the agent.
///
/// ```
/// use nemovideo::protocol::event::AgentEvent;
///
/// let data = r#"{"content":{"parts":[{"functionCall":{"name":"cut"}},{"text":"Shorter now."}]},
///     "actions":{"stateDelta":{"draft":{"t":[]}}}}"#;
/// let line = |event| match event {
///     AgentEvent::Text(text) => format!("text: {}", text.text),
///     AgentEvent::ToolCall(call) => format!("tool: {}", call.name),
///     AgentEvent::StateDelta(delta) if delta.draft().is_some() => "new draft".to_owned(),
///     other => other.kind().to_owned(),
/// };
/// let log: Vec<_> = AgentEvent::decode("message", data).into_iter().map(line).collect();
/// assert_eq!(log, ["tool: cut", "text: Shorter now.", "new draft"]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AgentEvent {
    /// Text for the user. A text may come in parts and then whole: see [`TextAccumulator`].
    Text(TextEvent),
    /// Reasoning of the model, not meant for the user.
    Thought(TextEvent),
    /// A call of a tool by the agent, except of the tool that asks the user.
    ToolCall(ToolCall),
    /// A question to the user, whose response is the next message.
    Question(Question),
    /// The result of a tool call.
    ToolResult(ToolResult),
    /// A change of the session state.
    StateDelta(StateDelta),
    /// A keep-alive without content.
    Heartbeat,
    /// A failure of the agent or its model. The stream may continue.
    Error(AgentFailure),
    /// The raw text of an event that this version does not understand.
    Unknown(String),
}

impl AgentEvent {
    /// Decodes a frame of the stream from its event name and its data.
    ///
    /// A frame may hold several events, or none: an ADK event that only reports token usage is
    /// neither text nor unknown.
    #[must_use]
    pub fn decode(event: &str, data: &str) -> Vec<Self> {
        Self::with_questions(Self::decode_calls(event, data))
    }

    /// Returns a failure of which the server sent no code.
    pub(crate) fn failure(message: String, details: Option<Json>) -> Self {
        Self::Error(AgentFailure { code: None, message, details })
    }

    /// Returns the kind in one word: `text`, `thought`, `tool_call`, `question`, `tool_result`,
    /// `state_delta`, `heartbeat`, `error` or `unknown`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Thought(_) => "thought",
            Self::ToolCall(_) => "tool_call",
            Self::Question(_) => "question",
            Self::ToolResult(_) => "tool_result",
            Self::StateDelta(_) => "state_delta",
            Self::Heartbeat => "heartbeat",
            Self::Error(_) => "error",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// A text or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextEvent {
    /// The text, never empty.
    pub text: String,
    /// Whether the text is complete.
    pub kind: TextKind,
    /// The source of the event.
    pub origin: Origin,
    /// Whether the next text of the same event continues this one.
    pub(crate) continues: bool,
    /// The halves of characters at the ends, each of which U+FFFD stands for in the text.
    pub(crate) halves: SurrogateHalves,
}

/// The halves of surrogate pairs at the ends of a text that was cut within a character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SurrogateHalves {
    /// The second half of a pair, at the start.
    pub(crate) low: Option<u16>,
    /// The first half of a pair, at the end.
    pub(crate) high: Option<u16>,
}

/// Whether a text is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TextKind {
    /// A part, which continues the parts before it.
    Partial,
    /// The complete text. If it came in parts before, this repeats them.
    Final,
}

/// The source of an event, as far as the event states it. Events in the simple form state nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Origin {
    /// The id of the event. The parts of a text and the whole text usually share one.
    pub event_id: Option<String>,
    /// The id of the turn.
    pub invocation_id: Option<String>,
    /// The name of the agent.
    pub author: Option<String>,
}

/// A call of a tool by the agent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolCall {
    /// The id of the call, which its result repeats.
    pub id: Option<String>,
    /// The name of the tool.
    pub name: String,
    /// The arguments.
    pub args: Json,
    /// Whether the result is sent in a later event.
    pub long_running: bool,
    /// Whether this is a preview from an event with partial content, which a later event repeats
    /// with the final arguments.
    ///
    /// A [`MessageStream`](crate::MessageStream) yields one event per call: it yields a preview
    /// only if its stream, or the result of the call, comes before the final call.
    pub is_preview: bool,
    /// Whether the same event asks the user: then the agent waits for both.
    pub(crate) is_beside_question: bool,
    /// The source of the event.
    pub origin: Origin,
}

/// The result of a tool call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolResult {
    /// The id of the call.
    pub id: Option<String>,
    /// The name of the tool.
    pub name: String,
    /// The result.
    pub response: Json,
    /// The source of the event.
    pub origin: Origin,
}

/// The changed entries of the session state, with key order and numbers kept exactly.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDelta(Object);

impl StateDelta {
    /// Returns the new draft, if it changed.
    #[must_use]
    pub fn draft(&self) -> Option<Draft> {
        let draft = self.get("draft").filter(|draft| !draft.is_null());
        draft.cloned().map(Draft::from)
    }

    /// Returns the new value of an entry.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.get(key)
    }

    /// Returns all changed entries.
    #[must_use]
    pub fn as_object(&self) -> &Object {
        &self.0
    }
}

impl From<Object> for StateDelta {
    fn from(object: Object) -> Self {
        Self(object)
    }
}

/// A failure of the agent or its model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AgentFailure {
    /// The error code, such as `RESOURCE_EXHAUSTED`.
    pub code: Option<String>,
    /// The server's message; the code when there is none.
    pub message: String,
    /// Further details.
    pub details: Option<Json>,
}

impl fmt::Display for AgentFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) if *code != self.message => write!(f, "{code}: {}", self.message),
            _ => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for AgentFailure {}
