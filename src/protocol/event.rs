//! What the agent says while it works: one server-sent event after the other.
//!
//! The agent server is Google's ADK and sends [`AdkEvent`]s; other revisions of the service send
//! [`PlainEvent`]s, and both may come in one stream, between keep-alives. [`AgentEvent::decode`]
//! makes one list of all of it and never fails: what it does not understand it hands on as
//! [`AgentEvent::Unknown`], because no event may end a stream whose work has been paid for.
//!
//! ```
//! use nemovideo::protocol::event::{AgentEvent, TextAccumulator};
//!
//! let mut once = TextAccumulator::new();
//! let mut shown = String::new();
//! for data in [
//!     r#"{"content":{"parts":[{"text":"Your video "}]},"partial":true}"#,
//!     r#"{"content":{"parts":[{"text":"is ready."}]},"partial":true}"#,
//!     r#"{"content":{"parts":[{"text":"Your video is ready."},{"inlineData":{}}]}}"#,
//! ] {
//!     for event in AgentEvent::decode("message", data) {
//!         shown.extend(once.push(&event).and_then(|fresh| fresh.text()));
//!     }
//! }
//! assert_eq!(shown, "Your video is ready.");
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `adk` | [`AdkEvent`]: the agent server's own events, to read and to write |
//! | `plain` | [`PlainEvent`]: the simple form |
//! | `decode` | the data of a frame → [`AgentEvent`]s |
//! | `text` | [`TextAccumulator`]: partial text and its repetition, shown once |

use std::fmt;

use serde_json::Value;

use crate::draft::{Draft, Json, Object};

mod adk;
mod decode;
mod plain;
mod text;

pub use adk::{Actions, AdkEvent, Content, FunctionCall, FunctionResponse, Part};
pub use plain::PlainEvent;
pub use text::{TextAccumulator, TextDelta};

/// Something the agent said or did.
///
/// ```
/// use nemovideo::protocol::event::AgentEvent;
///
/// let data = r#"{"content":{"parts":[{"functionCall":{"name":"cut"}},{"text":"Shorter now."}]},
///     "actions":{"stateDelta":{"draft":{"t":[]}}}}"#;
/// let told = |event| match event {
///     AgentEvent::Text(text) => format!("it says: {}", text.text),
///     AgentEvent::ToolCall(call) => format!("it uses {}", call.name),
///     AgentEvent::StateDelta(delta) if delta.draft().is_some() => "a new timeline".to_owned(),
///     other => format!("({})", other.kind()), // of which there may be more one day
/// };
/// let log: Vec<_> = AgentEvent::decode("message", data).into_iter().map(told).collect();
/// assert_eq!(log, ["it uses cut", "it says: Shorter now.", "a new timeline"]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AgentEvent {
    /// Text for the user. Pieces and their repetition both come: see [`TextAccumulator`].
    Text(TextEvent),
    /// The model's reasoning: not for the user.
    Thought(TextEvent),
    /// The agent uses one of its tools.
    ToolCall(ToolCall),
    /// What the tool gave back.
    ToolResult(ToolResult),
    /// What changed in the state of the session.
    StateDelta(StateDelta),
    /// Nothing but a sign of life.
    Heartbeat,
    /// The agent, or the model behind it, failed. The stream may go on.
    Error(AgentFailure),
    /// Something this version does not know: its raw text.
    Unknown(String),
}

impl AgentEvent {
    /// Decodes one frame of the stream: the name of its event and its data.
    ///
    /// One frame may hold several events, in their order, or none: an ADK event that only says
    /// how many tokens were used is neither text nor unknown.
    ///
    /// ```
    /// use nemovideo::protocol::event::AgentEvent;
    ///
    /// let data = r#"{"content":{"parts":[{"text":"On it."},{"functionCall":{"name":"cut"}}]}}"#;
    /// let events = AgentEvent::decode("message", data);
    /// assert_eq!(events.iter().map(AgentEvent::kind).collect::<Vec<_>>(), ["text", "tool_call"]);
    /// assert_eq!(AgentEvent::decode("message", "heartbeat"), [AgentEvent::Heartbeat]);
    /// assert_eq!(AgentEvent::decode("message", "{oops")[0].kind(), "unknown");
    /// ```
    #[must_use]
    pub fn decode(event: &str, data: &str) -> Vec<Self> {
        decode::decode(event, data)
    }

    /// The kind in one word: `text`, `thought`, `tool_call`, `tool_result`, `state_delta`,
    /// `heartbeat`, `error` or `unknown`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Thought(_) => "thought",
            Self::ToolCall(_) => "tool_call",
            Self::ToolResult(_) => "tool_result",
            Self::StateDelta(_) => "state_delta",
            Self::Heartbeat => "heartbeat",
            Self::Error(_) => "error",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Text, or a piece of it.
///
/// ```
/// use nemovideo::protocol::event::{AgentEvent, TextKind};
///
/// let piece = r#"{"content":{"parts":[{"text":"Your "}]},"partial":true,"author":"nemo"}"#;
/// let events = AgentEvent::decode("message", piece);
/// let [AgentEvent::Text(text)] = &events[..] else { panic!("{events:?}") };
/// assert_eq!((text.text.as_str(), text.kind), ("Your ", TextKind::Partial));
/// assert_eq!(text.origin.author.as_deref(), Some("nemo"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextEvent {
    /// The text, never empty.
    pub text: String,
    /// Whether it is whole.
    pub kind: TextKind,
    /// Where it came from.
    pub origin: Origin,
    /// Whether the next part of the same event goes on with it.
    pub(crate) more: bool,
}

/// Whether a text is whole.
///
/// ```
/// use nemovideo::protocol::event::{AgentEvent, TextKind};
///
/// let kind = |data| match &AgentEvent::decode("message", data)[..] {
///     [AgentEvent::Text(text)] => text.kind,
///     other => panic!("{other:?}"),
/// };
/// let piece = r#"{"content":{"parts":[{"text":"Your "}]},"partial":true}"#;
/// assert_eq!(kind(piece), TextKind::Partial);
/// assert_eq!(kind(r#"{"content":{"parts":[{"text":"Your film."}]}}"#), TextKind::Final);
/// assert_eq!(kind(r#"{"type":"text","content":"Your film."}"#), TextKind::Final);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextKind {
    /// A piece, to be put behind the pieces before it.
    Partial,
    /// The whole text, repeated if it came in pieces before.
    Final,
}

/// Which agent said it, and when: as far as the event tells.
///
/// ```
/// use nemovideo::protocol::event::{AgentEvent, Origin};
///
/// let data = r#"{"content":{"parts":[{"text":"On it."}]},"author":"nemo","invocationId":"e-1"}"#;
/// let events = AgentEvent::decode("message", data);
/// let [AgentEvent::Text(text)] = &events[..] else { panic!("{events:?}") };
/// assert_eq!(text.origin.author.as_deref(), Some("nemo"));
/// assert_eq!(text.origin.invocation_id.as_deref(), Some("e-1"));
///
/// // The simple form tells nothing of it.
/// let events = AgentEvent::decode("message", r#"{"type":"text","content":"On it."}"#);
/// assert!(matches!(&events[..], [AgentEvent::Text(text)] if text.origin == Origin::default()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Origin {
    /// The id of the event. Pieces of a text and the whole of it usually share one.
    pub event_id: Option<String>,
    /// The id of the turn.
    pub invocation_id: Option<String>,
    /// The name of the agent.
    pub author: Option<String>,
}

/// The agent uses a tool.
///
/// ```
/// use nemovideo::protocol::event::AgentEvent;
///
/// let data = r#"{"type":"tool_call","name":"add_title","args":{"text":"Morning Brew"}}"#;
/// let events = AgentEvent::decode("message", data);
/// let [AgentEvent::ToolCall(call)] = &events[..] else { panic!("{events:?}") };
/// assert_eq!((call.name.as_str(), call.long_running), ("add_title", false));
/// assert_eq!(call.args["text"], "Morning Brew");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolCall {
    /// The id that its result will have.
    pub id: Option<String>,
    /// The tool.
    pub name: String,
    /// What it is given.
    pub args: Value,
    /// Whether the result comes later than with the next events.
    pub long_running: bool,
    /// Where it came from.
    pub origin: Origin,
}

/// What a tool gave back.
///
/// ```
/// use nemovideo::protocol::event::AgentEvent;
///
/// let data = r#"{"type":"tool_result","name":"add_title","result":{"ok":true}}"#;
/// let events = AgentEvent::decode("message", data);
/// let [AgentEvent::ToolResult(result)] = &events[..] else { panic!("{events:?}") };
/// assert_eq!(result.response["ok"], true);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolResult {
    /// The id of the call.
    pub id: Option<String>,
    /// The tool.
    pub name: String,
    /// What it gave back.
    pub response: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// What changed in the state of the session; exact, like a [`Draft`].
///
/// ```
/// use nemovideo::protocol::event::AgentEvent;
///
/// let data = r#"{"actions":{"stateDelta":{"draft":{"t":[]},"mood":"warm"}}}"#;
/// let events = AgentEvent::decode("message", data);
/// let [AgentEvent::StateDelta(delta)] = &events[..] else { panic!("{events:?}") };
/// assert!(delta.draft().is_some());
/// assert_eq!(delta.get("mood").and_then(|mood| mood.as_str()), Some("warm"));
/// assert_eq!(delta.keys().collect::<Vec<_>>(), ["draft", "mood"]);
/// assert!(!delta.is_empty() && delta.as_object().len() == 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDelta(Object);

impl StateDelta {
    /// The new draft, if it changed.
    #[must_use]
    pub fn draft(&self) -> Option<Draft> {
        let draft = self.get("draft").filter(|draft| !draft.is_null());
        draft.cloned().map(Draft::from)
    }

    /// The new value of a key of the state.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.get(key)
    }

    /// The keys that changed.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys()
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of it.
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

/// The agent, or the model behind it, failed.
///
/// ```
/// use nemovideo::protocol::event::AgentEvent;
///
/// let data = r#"{"errorCode":"RESOURCE_EXHAUSTED","errorMessage":"too many requests"}"#;
/// let events = AgentEvent::decode("message", data);
/// let [AgentEvent::Error(failure)] = &events[..] else { panic!("{events:?}") };
/// assert_eq!(failure.code.as_deref(), Some("RESOURCE_EXHAUSTED"));
/// assert!(failure.to_string().contains("too many requests"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AgentFailure {
    /// The code, such as `RESOURCE_EXHAUSTED`.
    pub code: Option<String>,
    /// What happened, in the server's words; the code again when it has none.
    pub message: String,
    /// What else it told.
    pub details: Option<Value>,
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
