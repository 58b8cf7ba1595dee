//! The events of the agent server (Google's Agent Development Kit). Written in camelCase as it
//! writes them, read in snake_case as well. Reading takes what it can: a field of the wrong type
//! is as good as missing, and must not cost the text beside it.

use serde::{Deserialize, Deserializer, Serialize};

use crate::draft::{Json, Number, Object};

/// One event of the agent server.
///
/// ```
/// use nemovideo::wire::event::{AdkEvent, Content, Part};
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

/// What was said and done, and by whom.
///
/// ```
/// use nemovideo::wire::event::{AdkEvent, Content, Part};
///
/// let json = r#"{"content":{"parts":[{"text":"All "},{"text":"done."}],"role":"model"}}"#;
/// let content = serde_json::from_str::<AdkEvent>(json)?.content.ok_or("no content")?;
/// let parts = ["All ", "done."].map(Part::text);
/// assert_eq!(content, Content::model(parts.into()));
/// assert!(json.contains(&serde_json::to_string(&content)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Content {
    /// The pieces of it, in their order.
    pub parts: Vec<Part>,
    /// `model`, or `user` for the results of tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl Content {
    /// What a model says.
    #[must_use]
    pub fn model(parts: Vec<Part>) -> Self {
        Self { parts, role: Some("model".to_owned()) }
    }

    /// What a tool gives back: the server says it in the user's place.
    #[must_use]
    pub fn user(parts: Vec<Part>) -> Self {
        Self { parts, role: Some("user".to_owned()) }
    }
}

/// One piece of a content.
///
/// ```
/// use nemovideo::wire::event::{AdkEvent, Part};
///
/// let json = r#"{"content":{"parts":[{"text":"hm","thought":true},{"inlineData":{"data":""}}]}}"#;
/// let parts = serde_json::from_str::<AdkEvent>(json)?.content.ok_or("no content")?.parts;
/// assert_eq!(parts[0], Part::Text { text: "hm".to_owned(), thought: true });
/// assert!(matches!(parts[1], Part::Unknown(_)));
/// assert_eq!(serde_json::to_string(&parts[1])?, r#"{"inlineData":{"data":""}}"#); // as it came
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
// Serde wants the variants without a tag last.
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Part {
    /// The use of a tool.
    FunctionCall(FunctionCall),
    /// What a tool gave back.
    FunctionResponse(FunctionResponse),
    /// Text.
    #[serde(untagged)]
    Text {
        /// The text.
        text: String,
        /// Whether it is reasoning, not for the user.
        #[serde(skip_serializing_if = "is_false")]
        thought: bool,
    },
    /// Anything else: data, files, what is yet to come.
    #[serde(untagged)]
    Unknown(Json),
}

impl Part {
    /// Text for the user.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), thought: false }
    }
}

/// The use of a tool.
///
/// ```
/// use nemovideo::wire::event::{AdkEvent, Part};
///
/// let json = r#"{"content":{"parts":[{"functionCall":{"name":"cut","args":{"to":5}}}]}}"#;
/// let content = serde_json::from_str::<AdkEvent>(json)?.content.ok_or("no content")?;
/// let Part::FunctionCall(call) = &content.parts[0] else { panic!("{content:?}") };
/// assert_eq!((call.name.as_str(), call.args.to_string().as_str()), ("cut", r#"{"to":5}"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FunctionCall {
    /// The id that its result will have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What the tool is given.
    pub args: Json,
    /// The tool.
    pub name: String,
}

/// What a tool gave back.
///
/// ```
/// use nemovideo::draft::Object;
/// use nemovideo::wire::event::{Content, FunctionResponse, Part};
///
/// let mut response = FunctionResponse::default();
/// response.name = "cut".to_owned();
/// response.response = Object::from([("ok", true)]).into();
/// let content = Content::user(vec![Part::FunctionResponse(response)]); // as the server does
/// assert_eq!(
///     serde_json::to_string(&content)?,
///     r#"{"parts":[{"functionResponse":{"name":"cut","response":{"ok":true}}}],"role":"user"}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FunctionResponse {
    /// The id of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The tool.
    pub name: String,
    /// What it gave back.
    pub response: Json,
}

/// What an event changes beside talking.
///
/// ```
/// use nemovideo::draft::{Json, Object};
/// use nemovideo::wire::event::AdkEvent;
///
/// let mut event = AdkEvent::default();
/// event.actions.state_delta = Object::from([("draft", Json::from(Object::new()))]);
/// assert!(serde_json::to_string(&event)?.contains(r#""stateDelta":{"draft":{}}"#));
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
        let json = Json::deserialize(deserializer)?;
        let object = json.as_object();
        let object = object.ok_or_else(|| serde::de::Error::custom("an event is an object"))?;
        Ok(Self::read(object).0)
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
                .and_then(Json::as_number)
                .map(Number::as_f64)
                .filter(|seconds| seconds.is_finite())
                .unwrap_or_default(),
        };
        let mut soundness = fields.soundness;
        if let Some(content) = content {
            let mut fields = Fields::of(content);
            let parts = fields.take("parts", Json::as_array).unwrap_or_default();
            event.content = Some(Content {
                parts: parts.iter().flat_map(Part::read).collect(),
                role: field(content, "role").and_then(word),
            });
            soundness = soundness.and(fields.soundness);
        }
        if let Some(actions) = actions {
            let mut fields = Fields::of(actions);
            let mut delta = |key| fields.take(key, |json| json.as_object().cloned());
            event.actions = Actions {
                state_delta: delta("stateDelta").unwrap_or_default(),
                artifact_delta: delta("artifactDelta").unwrap_or_default(),
                requested_auth_configs: delta("requestedAuthConfigs").unwrap_or_default(),
                requested_tool_confirmations: delta("requestedToolConfirmations")
                    .unwrap_or_default(),
            };
            soundness = soundness.and(fields.soundness);
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

impl Part {
    /// The server puts one thing in a part, but nothing forbids two.
    fn read(json: &Json) -> Vec<Self> {
        let Some(object) = json.as_object() else {
            return vec![Self::Unknown(json.clone())];
        };
        let mut fields = Fields::of(object);
        let thought = field(object, "thought").and_then(Json::as_bool);
        let text = fields
            .take("text", Json::as_str)
            .map(|text| Self::Text { text: text.to_owned(), thought: thought.unwrap_or_default() });
        let call = fields.take("functionCall", FunctionCall::read);
        let response = fields.take("functionResponse", FunctionResponse::read);
        let mut parts: Vec<_> = text
            .into_iter()
            .chain(call.map(Self::FunctionCall))
            .chain(response.map(Self::FunctionResponse))
            .collect();
        let says_more = || object.iter().any(|(_, value)| !value.is_null());
        if fields.soundness == Soundness::Broken || (parts.is_empty() && says_more()) {
            parts.push(Self::Unknown(json.clone()));
        }
        parts
    }
}

impl FunctionCall {
    fn read(json: &Json) -> Option<Self> {
        let object = json.as_object()?;
        Some(Self {
            id: field(object, "id").and_then(word),
            args: field(object, "args").cloned().unwrap_or_else(|| Object::new().into()),
            name: field(object, "name")?.as_str()?.to_owned(),
        })
    }
}

impl FunctionResponse {
    fn read(json: &Json) -> Option<Self> {
        let object = json.as_object()?;
        Some(Self {
            id: field(object, "id").and_then(word),
            name: field(object, "name")?.as_str()?.to_owned(),
            response: field(object, "response").cloned().unwrap_or_default(),
        })
    }
}

/// Whether everything that was there could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Soundness {
    Sound,
    Broken,
}

impl Soundness {
    fn and(self, other: Self) -> Self {
        if self == Self::Sound { other } else { self }
    }
}

/// Reads the fields of an object and remembers when one was not what it should be.
struct Fields<'j> {
    object: &'j Object,
    soundness: Soundness,
}

impl<'j> Fields<'j> {
    fn of(object: &'j Object) -> Self {
        Self { object, soundness: Soundness::Sound }
    }

    fn take<T>(&mut self, camel: &str, read: impl Fn(&'j Json) -> Option<T>) -> Option<T> {
        let value = read(field(self.object, camel)?);
        if value.is_none() {
            self.soundness = Soundness::Broken;
        }
        value
    }
}

/// The value under a camelCase key or its snake_case form; `null` is as good as missing.
pub(super) fn field<'j>(object: &'j Object, camel: &str) -> Option<&'j Json> {
    let value = object.get(camel).or_else(|| {
        let snake = |key: &str| {
            let letters = key.bytes().filter(|byte| *byte != b'_');
            letters.eq(camel.bytes().map(|byte| byte.to_ascii_lowercase()))
        };
        object.iter().rev().find(|(key, _)| snake(key)).map(|(_, value)| value)
    });
    value.filter(|value| !value.is_null())
}

fn string(object: &Object, camel: &str) -> String {
    field(object, camel).and_then(word).unwrap_or_default()
}

/// A string, or a number in the place of one: codes and ids come as either.
pub(super) fn word(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.as_str().to_owned()),
        Json::Number(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

fn strings(json: &Json) -> Option<Vec<String>> {
    json.as_array()?.iter().map(word).collect()
}

fn is_false(value: &bool) -> bool {
    !value
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
    fn only_an_object_is_an_event() {
        assert!(serde_json::from_str::<AdkEvent>("[]").is_err());
        assert_eq!(serde_json::from_str::<AdkEvent>("{}").unwrap(), AdkEvent::default());
    }
}
