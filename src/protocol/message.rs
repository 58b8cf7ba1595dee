//! `POST /run_sse`: what the user says, in the request body of the agent server (Google's ADK).

use serde::{Deserialize, Serialize};

use super::SessionId;

/// The agent that every session talks to.
pub const AGENT_NAME: &str = "nemo_agent";
/// How the caller names itself in paths and bodies; the token tells who that is.
pub const ME: &str = "me";

/// One message of the user.
///
/// ```
/// use nemovideo::protocol::RunRequest;
///
/// let request = RunRequest::new("s1".into(), "make it warmer");
/// assert_eq!(
///     serde_json::to_string(&request)?,
///     r#"{"app_name":"nemo_agent","user_id":"me","session_id":"s1","new_message":{"parts":[{"text":"make it warmer"}]}}"#
/// );
/// assert_eq!(request.text(), "make it warmer");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunRequest {
    /// Always [`AGENT_NAME`].
    #[serde(alias = "appName")]
    pub app_name: String,
    /// Always [`ME`].
    #[serde(alias = "userId")]
    pub user_id: String,
    /// The session it is said in.
    #[serde(alias = "sessionId")]
    pub session_id: SessionId,
    /// What is said.
    #[serde(alias = "newMessage")]
    pub new_message: NewMessage,
    /// Asks for partial text while it is made; absent unless wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub streaming: bool,
}

impl RunRequest {
    /// A message of one text.
    pub fn new(session_id: SessionId, text: impl Into<String>) -> Self {
        Self {
            app_name: AGENT_NAME.to_owned(),
            user_id: ME.to_owned(),
            session_id,
            new_message: NewMessage { parts: vec![Part { text: text.into() }] },
            streaming: false,
        }
    }

    /// What is said, all parts together.
    #[must_use]
    pub fn text(&self) -> String {
        self.new_message.parts.iter().map(|part| part.text.as_str()).collect()
    }
}

/// The content of a message.
///
/// ```
/// use nemovideo::protocol::{NewMessage, Part, RunRequest};
///
/// let mut request = RunRequest::new("s1".into(), "");
/// let parts = ["make it ", "warmer"].map(|text| Part { text: text.to_owned() });
/// request.new_message = NewMessage { parts: parts.into() };
/// assert_eq!(request.text(), "make it warmer");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct NewMessage {
    /// Its parts, usually one.
    pub parts: Vec<Part>,
}

/// One part of a message.
///
/// ```
/// use nemovideo::protocol::{NewMessage, Part};
///
/// let message: NewMessage =
///     serde_json::from_str(r#"{"parts":[{"text":"make it warmer"},{"inlineData":{}}]}"#)?;
/// assert_eq!(message.parts[0], Part { text: "make it warmer".to_owned() });
/// assert_eq!(message.parts[1].text, ""); // of another kind
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct Part {
    /// Its text; a part of another kind reads as empty.
    #[serde(default)]
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::RunRequest;

    #[test]
    fn a_message_is_written_as_specified() {
        let mut request = RunRequest::new("s1".into(), "make it warmer");
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"app_name":"nemo_agent","user_id":"me","session_id":"s1","new_message":{"parts":[{"text":"make it warmer"}]}}"#
        );
        request.streaming = true;
        assert!(serde_json::to_string(&request).unwrap().ends_with(r#","streaming":true}"#));
    }

    #[test]
    fn the_agent_servers_own_spelling_is_read_too() {
        let body = r#"{"appName":"nemo_agent","userId":"me","sessionId":"s",
            "newMessage":{"role":"user","parts":[{"text":"a"},{"inlineData":{}},{"text":"b"}]}}"#;
        let request: RunRequest = serde_json::from_str(body).unwrap();
        assert_eq!(request.text(), "ab");
    }
}
