//! The events of the agent server, Google's Agent Development Kit. The client reads them, the
//! embedded backend and the mock write them.
//!
//! They are written in camelCase as the server does, and read in snake_case too. A field of an
//! unexpected type counts as absent, so that it does not cost the text beside it.

use serde::Serialize;

use super::SurrogateHalves;
use crate::draft::{Json, Object};
use crate::protocol::tolerant::{Fields, flag, number, text};

/// An event of the agent server.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdkEvent {
    /// The error code of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_code: Option<String>,
    /// The error message of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_message: Option<String>,
    /// The texts and tool calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<AdkContent>,
    /// Whether the text is a part that a later event repeats.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) partial: bool,
    /// The id of the turn.
    pub(crate) invocation_id: String,
    /// The name of the agent.
    pub(crate) author: String,
    /// The changes beside the content.
    pub(crate) actions: AdkActions,
    /// The ids of calls whose results come later.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) long_running_tool_ids: Vec<String>,
    /// The id of the event.
    pub(crate) id: String,
    /// Seconds since 1970.
    pub(crate) timestamp: f64,
}

/// The changes that an event makes beside its content.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdkActions {
    /// The changed entries of the session state.
    pub(crate) state_delta: Object,
    /// The versions of saved files.
    pub(crate) artifact_delta: Object,
    /// The credentials that tools request.
    pub(crate) requested_auth_configs: Object,
    /// The confirmations that tools request.
    pub(crate) requested_tool_confirmations: Object,
}

/// The content of an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct AdkContent {
    pub(crate) parts: Vec<AdkPart>,
    /// `model`, or `user` for the results of tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
}

/// A part of a content.
#[derive(Clone, Debug, PartialEq, Serialize)]
// Serde requires the variants without a tag to be last.
#[serde(rename_all = "camelCase")]
pub(crate) enum AdkPart {
    FunctionCall(FunctionCall),
    FunctionResponse(FunctionResponse),
    #[serde(untagged)]
    Text {
        text: String,
        /// Whether the text is reasoning, not meant for the user.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        thought: bool,
        #[serde(skip)]
        halves: SurrogateHalves,
    },
    /// Anything else: data, files, and kinds that are yet to come.
    #[serde(untagged)]
    Unknown(Json),
}

/// A call of a tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct FunctionCall {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) args: Json,
    pub(crate) name: String,
}

/// The result of a tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct FunctionResponse {
    /// The id of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) response: Json,
}

#[cfg(any(test, feature = "local", feature = "mock"))]
impl AdkContent {
    /// A content that the model generated.
    pub(crate) fn model(parts: Vec<AdkPart>) -> Self {
        Self { parts, role: Some("model".to_owned()) }
    }

    /// The results of tools, which the server sends in the user's role.
    #[cfg(any(feature = "local", feature = "mock"))]
    pub(crate) fn user(parts: Vec<AdkPart>) -> Self {
        Self { parts, role: Some("user".to_owned()) }
    }
}

#[cfg(any(test, feature = "local", feature = "mock"))]
impl AdkPart {
    /// Text for the user.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), thought: false, halves: SurrogateHalves::default() }
    }
}

/// The longest id, and the longest name of an agent, that is not taken for a broken one.
const MAX_DETAIL_BYTES: usize = 256;

/// Whether a text can be an id or the name of an agent.
pub(super) fn is_detail(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_DETAIL_BYTES
}

impl AdkEvent {
    /// Reads an event. The second value is whether every field had its expected type.
    pub(super) fn read(object: &Object) -> (Self, bool) {
        let mut fields = Fields::of(object);
        let content = fields.read("content", |json| json.as_object().map(AdkContent::read));
        let actions = fields.read("actions", |json| json.as_object().map(AdkActions::read));
        let (content, is_content_sound) = content.unzip();
        let (actions, are_actions_sound) = actions.unzip();
        let strings = |json: &Json| json.as_array()?.iter().map(text).collect();
        // Nothing depends on these, so that their types do not matter. Each part of the event is
        // returned with them: long ones would fill the memory.
        let detail = |name| {
            let value = Fields::of(object).read(name, text);
            value.filter(|value| is_detail(value)).unwrap_or_default()
        };
        let event = Self {
            error_code: fields.read("error_code", text),
            error_message: fields.read("error_message", text),
            content,
            partial: fields.read("partial", flag).unwrap_or_default(),
            invocation_id: detail("invocation_id"),
            author: detail("author"),
            actions: actions.unwrap_or_default(),
            long_running_tool_ids: fields
                .read("long_running_tool_ids", strings)
                .unwrap_or_default(),
            id: detail("id"),
            timestamp: fields.get("timestamp").and_then(number).unwrap_or_default(),
        };
        let are_parts_sound = is_content_sound.unwrap_or(true) && are_actions_sound.unwrap_or(true);
        (event, fields.is_sound() && are_parts_sound)
    }

    /// Whether an object has a key that identifies such an event.
    pub(super) fn is_likely(object: &Object) -> bool {
        const KEYS: [&str; 10] = [
            "content",
            "partial",
            "actions",
            "invocation_id",
            "author",
            "error_code",
            "error_message",
            "long_running_tool_ids",
            "turn_complete",
            "usage_metadata",
        ];
        let fields = Fields::of(object);
        KEYS.iter().any(|key| fields.get(key).is_some())
    }
}

impl AdkActions {
    fn read(object: &Object) -> (Self, bool) {
        let mut fields = Fields::of(object);
        let mut entries =
            |name| fields.read(name, |json| json.as_object().cloned()).unwrap_or_default();
        let actions = Self {
            state_delta: entries("state_delta"),
            artifact_delta: entries("artifact_delta"),
            requested_auth_configs: entries("requested_auth_configs"),
            requested_tool_confirmations: entries("requested_tool_confirmations"),
        };
        (actions, fields.is_sound())
    }
}

impl AdkContent {
    fn read(object: &Object) -> (Self, bool) {
        let mut fields = Fields::of(object);
        let parts = |json: &Json| Some(json.as_array()?.iter().flat_map(AdkPart::read).collect());
        let content = Self {
            parts: fields.read("parts", parts).unwrap_or_default(),
            role: fields.get("role").and_then(text),
        };
        (content, fields.is_sound())
    }
}

impl AdkPart {
    /// Reads a part. The server puts one thing in a part, but nothing forbids two, and both are
    /// returned. A part that is not fully understood is returned as a whole too, as `Unknown`.
    fn read(json: &Json) -> Vec<Self> {
        let Some(object) = json.as_object() else {
            return vec![Self::Unknown(json.clone())];
        };
        let mut fields = Fields::of(object);
        let thought = fields.get("thought").and_then(flag).unwrap_or_default();
        let text = |json: &Json| {
            let (low, high) = json.surrogate_halves();
            let halves = SurrogateHalves { low, high };
            Some(Self::Text { text: json.as_str()?.to_owned(), thought, halves })
        };
        let call = |json: &Json| FunctionCall::read(json.as_object()?).map(Self::FunctionCall);
        let response =
            |json: &Json| FunctionResponse::read(json.as_object()?).map(Self::FunctionResponse);
        let mut parts: Vec<_> = [
            fields.read("text", text),
            fields.read("function_call", call),
            fields.read("function_response", response),
        ]
        .into_iter()
        .flatten()
        .collect();
        let has_content = || object.iter().any(|(_, value)| !value.is_null());
        if !fields.is_sound() || (parts.is_empty() && has_content()) {
            parts.push(Self::Unknown(json.clone()));
        }
        parts
    }
}

impl FunctionCall {
    fn read(object: &Object) -> Option<Self> {
        let fields = Fields::of(object);
        Some(Self {
            id: fields.get("id").and_then(text),
            args: fields.get("args").cloned().unwrap_or_else(|| Object::new().into()),
            name: fields.get("name")?.as_str()?.to_owned(),
        })
    }
}

impl FunctionResponse {
    fn read(object: &Object) -> Option<Self> {
        let fields = Fields::of(object);
        Some(Self {
            id: fields.get("id").and_then(text),
            name: fields.get("name")?.as_str()?.to_owned(),
            response: fields.get("response").cloned().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> AdkEvent {
        let json: Json = json.parse().unwrap();
        AdkEvent::read(json.as_object().unwrap()).0
    }

    #[test]
    fn what_is_written_is_read_back() {
        let event = AdkEvent {
            content: Some(AdkContent::model(vec![
                AdkPart::text("Working on it…"),
                AdkPart::Text {
                    text: "hm".to_owned(),
                    thought: true,
                    halves: SurrogateHalves::default(),
                },
                AdkPart::FunctionCall(FunctionCall {
                    id: Some("adk-1".to_owned()),
                    args: Object::from([("pace", 1.10)]).into(),
                    name: "generate_voiceover".to_owned(),
                }),
                AdkPart::FunctionResponse(FunctionResponse {
                    id: None,
                    name: "generate_voiceover".to_owned(),
                    response: "done".into(),
                }),
                AdkPart::Unknown(r#"{"inlineData":{"data":"AA=="}}"#.parse().unwrap()),
            ])),
            partial: true,
            invocation_id: "e-1".to_owned(),
            author: "nemo_agent".to_owned(),
            actions: AdkActions { state_delta: [("draft", "x")].into(), ..AdkActions::default() },
            long_running_tool_ids: vec!["adk-1".to_owned()],
            id: "1".to_owned(),
            timestamp: 1_795_351_293.079_958,
            error_code: Some("MAX_TOKENS".to_owned()),
            error_message: Some("cut off".to_owned()),
        };
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(
            json,
            r#"{"errorCode":"MAX_TOKENS","errorMessage":"cut off","content":{"parts":[{"text":"Working on it…"},{"text":"hm","thought":true},{"functionCall":{"id":"adk-1","args":{"pace":1.1},"name":"generate_voiceover"}},{"functionResponse":{"name":"generate_voiceover","response":"done"}},{"inlineData":{"data":"AA=="}}],"role":"model"},"partial":true,"invocationId":"e-1","author":"nemo_agent","actions":{"stateDelta":{"draft":"x"},"artifactDelta":{},"requestedAuthConfigs":{},"requestedToolConfirmations":{}},"longRunningToolIds":["adk-1"],"id":"1","timestamp":1795351293.079958}"#
        );
        assert_eq!(read(&json), event);
    }

    #[test]
    fn snake_case_is_read_as_camel_case() {
        let snake = r#"{"error_code":"E","error_message":"m","content":{"parts":[{"function_call":{"name":"a"}},{"function_response":{"name":"a","response":1}}]},"invocation_id":"i","actions":{"state_delta":{"a":1},"artifact_delta":{"f":0},"requested_auth_configs":{"c":{}},"requested_tool_confirmations":{"t":{}}},"long_running_tool_ids":["x"]}"#;
        let camel = r#"{"errorCode":"E","errorMessage":"m","content":{"parts":[{"functionCall":{"name":"a"}},{"functionResponse":{"name":"a","response":1}}]},"invocationId":"i","actions":{"stateDelta":{"a":1},"artifactDelta":{"f":0},"requestedAuthConfigs":{"c":{}},"requestedToolConfirmations":{"t":{}}},"longRunningToolIds":["x"]}"#;
        assert_eq!(read(snake), read(camel));
        assert_eq!(read(snake).actions.state_delta.len(), 1);
        assert_eq!(read("{}"), AdkEvent::default());
    }

    #[test]
    fn a_flag_is_read_in_every_form() {
        for yes in ["true", "\"true\"", "\"True\"", "1", "\"1\""] {
            let part = format!(r#"{{"text":"a","thought":{yes}}}"#);
            let event = read(&format!(r#"{{"content":{{"parts":[{part}]}},"partial":{yes}}}"#));
            assert!(event.partial, "{yes}");
            let parts = event.content.unwrap().parts;
            assert!(matches!(&parts[..], [AdkPart::Text { thought: true, .. }]), "{parts:?}");
        }
        assert!(!read(r#"{"partial":"false"}"#).partial && !read(r#"{"partial":0}"#).partial);
    }

    #[test]
    fn whatever_is_read_can_be_written_and_read_again() {
        for content in [
            r#"{"parts":[{"text":"a"},{"inlineData":{"x":1.10}},7,null,{"text":5}],"role":"model"}"#,
            r#"{"parts":[{"function_call":{"id":1,"name":"f"}},{"function_call":{"args":{}}}]}"#,
            r#"{"parts":[{"thought":true,"executableCode":{"x":1}}],"role":7}"#,
            r#"{"parts":{}}"#,
        ] {
            let event = read(&format!(r#"{{"content":{content},"timestamp":1e999,"id":7}}"#));
            assert_eq!(read(&serde_json::to_string(&event).unwrap()), event, "{content}");
        }
    }
}
