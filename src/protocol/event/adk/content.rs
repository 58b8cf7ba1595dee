//! What was said and done, piece by piece: to read and to write.

use serde::{Deserialize, Deserializer, Serialize};

use super::fields::{Fields, Soundness, field, is_false, read_object, word};
use crate::draft::{Json, Object};

/// What was said and done, and by whom.
///
/// ```
/// use nemovideo::protocol::event::{AdkEvent, Content, Part};
///
/// let json = r#"{"content":{"parts":[{"text":"All "},{"text":"done."}],"role":"model"}}"#;
/// let content = serde_json::from_str::<AdkEvent>(json)?.content.ok_or("no content")?;
/// let parts = ["All ", "done."].map(Part::text);
/// assert_eq!(content, Content::model(parts.into()));
/// assert!(json.contains(&serde_json::to_string(&content)?));
///
/// // On its own it is read as tolerantly as in an event.
/// let same: Content = serde_json::from_str(&serde_json::to_string(&content)?)?;
/// assert_eq!(same, content);
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
/// In a content, JSON that says two things at once is read as two parts, and with what is not
/// known of it once more as a whole. A part on its own is one thing: JSON that says two things at
/// once, or nothing that is known, is read as [`Unknown`](Self::Unknown) with all of it, so nothing
/// is lost. No JSON is an error.
///
/// ```
/// use nemovideo::protocol::event::{AdkEvent, Part};
///
/// let json = r#"{"content":{"parts":[{"text":"hm","thought":true},{"inlineData":{"data":""}}]}}"#;
/// let parts = serde_json::from_str::<AdkEvent>(json)?.content.ok_or("no content")?.parts;
/// assert_eq!(parts[0], Part::Text { text: "hm".to_owned(), thought: true });
/// assert!(matches!(parts[1], Part::Unknown(_)));
/// assert_eq!(serde_json::to_string(&parts[1])?, r#"{"inlineData":{"data":""}}"#); // as it came
///
/// let part: Part = serde_json::from_str(r#"{"text":"All done."}"#)?;
/// assert_eq!(part, Part::text("All done."));
/// let two = r#"{"text":"Cutting.","functionCall":{"name":"cut"}}"#;
/// assert_eq!(serde_json::from_str::<Part>(two)?, Part::Unknown(two.parse()?));
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
/// use nemovideo::protocol::event::{AdkEvent, FunctionCall, Part};
///
/// let json = r#"{"content":{"parts":[{"functionCall":{"name":"cut","args":{"to":5}}}]}}"#;
/// let content = serde_json::from_str::<AdkEvent>(json)?.content.ok_or("no content")?;
/// let Part::FunctionCall(call) = &content.parts[0] else { panic!("{content:?}") };
/// assert_eq!((call.name.as_str(), call.args.to_string().as_str()), ("cut", r#"{"to":5}"#));
///
/// // On its own it needs no more than a name; ids come as numbers as well.
/// let call: FunctionCall = serde_json::from_str(r#"{"id":7,"name":"cut"}"#)?;
/// assert_eq!((call.id.as_deref(), call.args.to_string()), (Some("7"), "{}".to_owned()));
/// assert!(serde_json::from_str::<FunctionCall>(r#"{"args":{"to":5}}"#).is_err());
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
/// use nemovideo::protocol::event::{Content, FunctionResponse, Part};
///
/// let mut response = FunctionResponse::default();
/// response.name = "cut".to_owned();
/// response.response = Object::from([("ok", true)]).into();
/// let content = Content::user(vec![Part::FunctionResponse(response)]); // as the server does
/// assert_eq!(
///     serde_json::to_string(&content)?,
///     r#"{"parts":[{"functionResponse":{"name":"cut","response":{"ok":true}}}],"role":"user"}"#
/// );
///
/// let response: FunctionResponse = serde_json::from_str(r#"{"name":"cut","response":"done"}"#)?;
/// assert_eq!(response.response.as_str(), Some("done"));
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

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_object(deserializer, "a content is an object", |object| Some(Self::read(object).0))
    }
}

impl Content {
    /// What can be read of it, and whether that is all that matters of it.
    pub(super) fn read(object: &Object) -> (Self, Soundness) {
        let mut fields = Fields::of(object);
        let parts = fields.take("parts", Json::as_array).unwrap_or_default();
        let content = Self {
            parts: parts.iter().flat_map(Part::read).collect(),
            role: field(object, "role").and_then(word),
        };
        (content, fields.soundness)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        let one = <[Self; 1]>::try_from(Self::read(&json));
        Ok(one.map_or_else(|_| Self::Unknown(json), |[part]| part))
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
        let call = fields.take("functionCall", |json| FunctionCall::read(json.as_object()?));
        let response =
            fields.take("functionResponse", |json| FunctionResponse::read(json.as_object()?));
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

impl<'de> Deserialize<'de> for FunctionCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_object(deserializer, "a function call is an object with a name", Self::read)
    }
}

impl FunctionCall {
    fn read(object: &Object) -> Option<Self> {
        Some(Self {
            id: field(object, "id").and_then(word),
            args: field(object, "args").cloned().unwrap_or_else(|| Object::new().into()),
            name: field(object, "name")?.as_str()?.to_owned(),
        })
    }
}

impl<'de> Deserialize<'de> for FunctionResponse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_object(deserializer, "a function response is an object with a name", Self::read)
    }
}

impl FunctionResponse {
    fn read(object: &Object) -> Option<Self> {
        Some(Self {
            id: field(object, "id").and_then(word),
            name: field(object, "name")?.as_str()?.to_owned(),
            response: field(object, "response").cloned().unwrap_or_default(),
        })
    }
}
