//! The events of the agent server (Google's Agent Development Kit). Written in camelCase as it
//! writes them, read in snake_case as well. Reading takes what it can: a field of the wrong type
//! is as good as missing, and must not cost the text beside it.
//!
//! | file | holds |
//! |---|---|
//! | `content` | [`Content`] and its [`Part`]s: what was said and done |
//! | `fields` | reading a field of an object, whatever stands in it |

use serde::{Deserialize, Deserializer, Serialize};

use crate::draft::{Json, Object};

mod content;
mod fields;

pub use content::{Content, FunctionCall, FunctionResponse, Part};
use fields::{Fields, is_false, read_object, string, strings};
pub(super) use fields::{Soundness, field, word};

/// One event of the agent server.
///
/// ```
/// use nemovideo::protocol::event::{AdkEvent, Content, Part};
///
/// let mut event = AdkEvent::default();
/// event.content = Some(Content::model(vec![Part::text("All done.")]));
/// let json = serde_json::to_string(&event)?;
/// assert!(json.starts_with(r#"{"content":{"parts":[{"text":"All done."}],"role":"model"}"#));
/// assert_eq!(serde_json::from_str::<AdkEvent>(&json)?, event);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AdkEvent {
    /// Why the model failed, as a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Why the model failed, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// What was said and done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// Whether the text is a piece that a later event repeats.
    #[serde(skip_serializing_if = "is_false")]
    pub partial: bool,
    /// The id of the turn.
    pub invocation_id: String,
    /// The name of the agent.
    pub author: String,
    /// What it changed beside talking.
    pub actions: Actions,
    /// Ids of calls whose result comes later.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub long_running_tool_ids: Vec<String>,
    /// The id of the event.
    pub id: String,
    /// Seconds since 1970.
    pub timestamp: f64,
}

/// What an event changes beside talking.
///
/// ```
/// use nemovideo::draft::{Json, Object};
/// use nemovideo::protocol::event::{Actions, AdkEvent};
///
/// let mut event = AdkEvent::default();
/// event.actions.state_delta = Object::from([("draft", Json::from(Object::new()))]);
/// assert!(serde_json::to_string(&event)?.contains(r#""stateDelta":{"draft":{}}"#));
///
/// // On its own it is read as tolerantly as in an event.
/// let actions: Actions = serde_json::from_str(r#"{"state_delta":{"draft":{}},"artifactDelta":7}"#)?;
/// assert_eq!(actions, event.actions);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Actions {
    /// What changed in the state of the session.
    pub state_delta: Object,
    /// Versions of files that were saved.
    pub artifact_delta: Object,
    /// Credentials that tools ask for.
    pub requested_auth_configs: Object,
    /// Confirmations that tools ask for.
    pub requested_tool_confirmations: Object,
}

impl<'de> Deserialize<'de> for AdkEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_object(deserializer, "an event is an object", |object| Some(Self::read(object).0))
    }
}

impl<'de> Deserialize<'de> for Actions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_object(deserializer, "actions are an object", |object| Some(Self::read(object).0))
    }
}

impl Actions {
    fn read(object: &Object) -> (Self, Soundness) {
        let mut fields = Fields::of(object);
        let mut delta = |key| fields.take(key, |json| json.as_object().cloned());
        let actions = Self {
            state_delta: delta("stateDelta").unwrap_or_default(),
            artifact_delta: delta("artifactDelta").unwrap_or_default(),
            requested_auth_configs: delta("requestedAuthConfigs").unwrap_or_default(),
            requested_tool_confirmations: delta("requestedToolConfirmations").unwrap_or_default(),
        };
        (actions, fields.soundness)
    }
}

impl AdkEvent {
    /// What can be read of an event, and whether that is all that matters of it.
    pub(super) fn read(object: &Object) -> (Self, Soundness) {
        let mut fields = Fields::of(object);
        let content = fields.take("content", Json::as_object);
        let actions = fields.take("actions", Json::as_object);
        let mut event = Self {
            error_code: fields.take("errorCode", word),
            error_message: fields.take("errorMessage", word),
            content: None,
            partial: fields.take("partial", Json::as_bool).unwrap_or_default(),
            invocation_id: string(object, "invocationId"),
            author: string(object, "author"),
            actions: Actions::default(),
            long_running_tool_ids: fields.take("longRunningToolIds", strings).unwrap_or_default(),
            id: string(object, "id"),
            timestamp: field(object, "timestamp")
                .and_then(Json::as_f64)
                .filter(|seconds| seconds.is_finite())
                .unwrap_or_default(),
        };
        let mut soundness = fields.soundness;
        if let Some(content) = content {
            let (content, content_soundness) = Content::read(content);
            event.content = Some(content);
            soundness = soundness.and(content_soundness);
        }
        if let Some(actions) = actions {
            let (actions, actions_soundness) = Actions::read(actions);
            event.actions = actions;
            soundness = soundness.and(actions_soundness);
        }
        (event, soundness)
    }

    /// Whether an object has any of the marks of such an event.
    pub(super) fn is_likely(object: &Object) -> bool {
        const MARKS: [&str; 10] = [
            "content",
            "partial",
            "actions",
            "invocationId",
            "author",
            "errorCode",
            "errorMessage",
            "longRunningToolIds",
            "turnComplete",
            "usageMetadata",
        ];
        MARKS.iter().any(|mark| field(object, mark).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let event = AdkEvent {
            content: Some(Content::model(vec![
                Part::text("Working on it…"),
                Part::Text { text: "hm".to_owned(), thought: true },
                Part::FunctionCall(FunctionCall {
                    id: Some("adk-1".to_owned()),
                    args: Object::from([("pace", 1.10)]).into(),
                    name: "generate_voiceover".to_owned(),
                }),
                Part::FunctionResponse(FunctionResponse {
                    id: None,
                    name: "generate_voiceover".to_owned(),
                    response: "done".into(),
                }),
                Part::Unknown(r#"{"inlineData":{"data":"AA=="}}"#.parse().unwrap()),
            ])),
            partial: true,
            invocation_id: "e-1".to_owned(),
            author: "nemo_agent".to_owned(),
            actions: Actions { state_delta: [("draft", "x")].into(), ..Actions::default() },
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
        assert_eq!(serde_json::from_str::<AdkEvent>(&json).unwrap(), event);
    }

    #[test]
    fn snake_case_is_read_as_camel_case() {
        let snake = r#"{"error_code":"E","error_message":"m","content":{"parts":[{"function_call":{"name":"a"}},{"function_response":{"name":"a","response":1}}]},"invocation_id":"i","actions":{"state_delta":{"a":1},"artifact_delta":{"f":0},"requested_auth_configs":{"c":{}},"requested_tool_confirmations":{"t":{}}},"long_running_tool_ids":["x"]}"#;
        let camel = r#"{"errorCode":"E","errorMessage":"m","content":{"parts":[{"functionCall":{"name":"a"}},{"functionResponse":{"name":"a","response":1}}]},"invocationId":"i","actions":{"stateDelta":{"a":1},"artifactDelta":{"f":0},"requestedAuthConfigs":{"c":{}},"requestedToolConfirmations":{"t":{}}},"longRunningToolIds":["x"]}"#;
        let read = |json| serde_json::from_str::<AdkEvent>(json).unwrap();
        assert_eq!(read(snake), read(camel));
        assert_eq!(read(snake).actions.state_delta.len(), 1);
    }

    #[test]
    fn each_piece_of_an_event_is_read_on_its_own_as_in_it() {
        for content in [
            r#"{"parts":[{"text":"a"},{"inlineData":{}},7,{"text":5}],"role":"model"}"#,
            r#"{"parts":[{"function_call":{"id":1,"name":"f"}}]}"#,
            r#"{"parts":{},"role":7}"#,
            "{}",
        ] {
            let event = format!(r#"{{"content":{content}}}"#);
            let event: AdkEvent = serde_json::from_str(&event).unwrap();
            assert_eq!(event.content, serde_json::from_str(content).unwrap(), "{content}");
        }
        // A part is one thing: where it says more, or what is not known, all of it is kept.
        for kept in [
            r#"{"text":"a","functionCall":{"name":"f"}}"#,
            r#"{"text":"a","functionCall":{"args":1}}"#,
            r#"{"thought":true,"executableCode":{"x":1.10}}"#,
            "{}",
            "null",
        ] {
            let part: Part = serde_json::from_str(kept).unwrap();
            assert_eq!(part, Part::Unknown(kept.parse().unwrap()));
            assert_eq!(serde_json::to_string(&part).unwrap(), kept);
        }
        assert!(serde_json::from_str::<FunctionCall>(r#"{"args":{}}"#).is_err());
        assert!(serde_json::from_str::<FunctionResponse>("[]").is_err());
        assert!(serde_json::from_str::<Content>("\"a\"").is_err());
        assert!(serde_json::from_str::<Actions>("null").is_err());
    }

    #[test]
    fn only_an_object_is_an_event() {
        assert!(serde_json::from_str::<AdkEvent>("[]").is_err());
        assert_eq!(serde_json::from_str::<AdkEvent>("{}").unwrap(), AdkEvent::default());
    }
}
