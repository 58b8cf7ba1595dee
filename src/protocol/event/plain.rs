//! The simple form of events: a `type`, and what belongs to it.

use serde::{Deserialize, Deserializer, Serialize};

use super::adk::{field, word};
use crate::draft::{Json, Object};

/// One event in the simple form.
///
/// ```
/// use nemovideo::protocol::event::PlainEvent;
///
/// let event = PlainEvent::Text { content: "All done.".to_owned() };
/// assert_eq!(serde_json::to_string(&event)?, r#"{"type":"text","content":"All done."}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlainEvent {
    /// Text for the user.
    Text {
        /// The text.
        content: String,
    },
    /// The use of a tool.
    ToolCall {
        /// The id that its result will have.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The tool.
        name: String,
        /// What it is given.
        args: Json,
    },
    /// What a tool gave back.
    ToolResult {
        /// The id of the call.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The tool.
        name: String,
        /// What it gave back.
        result: Json,
    },
    /// Nothing but a sign of life.
    Heartbeat,
}

impl PlainEvent {
    pub(super) fn read(object: &Object) -> Option<Self> {
        let id = || field(object, "id").and_then(word);
        let name = || Some(field(object, "name")?.as_str()?.to_owned());
        Some(match field(object, "type")?.as_str()? {
            "text" => {
                let content = field(object, "content").or_else(|| field(object, "text"))?;
                Self::Text { content: content.as_str()?.to_owned() }
            }
            "tool_call" => Self::ToolCall {
                id: id(),
                name: name()?,
                args: field(object, "args").cloned().unwrap_or_else(|| Object::new().into()),
            },
            "tool_result" => Self::ToolResult {
                id: id(),
                name: name()?,
                result: field(object, "result").cloned().unwrap_or_default(),
            },
            "heartbeat" => Self::Heartbeat,
            _ => return None,
        })
    }
}

impl<'de> Deserialize<'de> for PlainEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        let event = json.as_object().and_then(Self::read);
        event.ok_or_else(|| serde::de::Error::custom("not a plain event"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for json in [
            r#"{"type":"text","content":"Hello"}"#,
            r#"{"type":"tool_call","id":"1","name":"trim","args":{"to":1.50}}"#,
            r#"{"type":"tool_result","name":"trim","result":[1E2]}"#,
            r#"{"type":"heartbeat"}"#,
        ] {
            let event: PlainEvent = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&event).unwrap(), json);
        }
    }

    #[test]
    fn another_type_is_none_of_ours() {
        for json in [r#"{"type":"poem"}"#, r#"{"type":"text","content":3}"#, "{}", "[]"] {
            assert!(serde_json::from_str::<PlainEvent>(json).is_err(), "{json}");
        }
    }
}
