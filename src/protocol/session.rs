//! Sessions and the messages in them: `POST /api/tasks/me/with-session/nemo_agent` and
//! `POST /run_sse`, the endpoint of the agent server (Google's Agent Development Kit).

use serde::{Deserialize, Serialize};

use super::tolerant::{FieldError, Fields, id, text};
use super::{SessionId, TaskId, UserId};

/// The agent of every session, named in paths and bodies as specified.
pub(crate) const AGENT_NAME: &str = "nemo_agent";
/// The caller's name in paths and bodies as specified; the token identifies the account.
pub(crate) const ME: &str = "me";

/// A request for a new session.
///
/// ```
/// use nemovideo::CreateSession;
///
/// let request = CreateSession::named("product demo").language("zh-CN");
/// let json = serde_json::to_string(&request)?;
/// assert_eq!(json, r#"{"task_name":"product demo","language":"zh-CN"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CreateSession {
    /// The name of the project.
    #[serde(alias = "taskName", default = "default_name")]
    pub task_name: String,
    /// The language of the conversation, as a BCP-47 tag (`en`, `zh-CN`, `ja`). Without one, the
    /// service chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl CreateSession {
    /// Creates a request for a session with a project name.
    pub fn named(task_name: impl Into<String>) -> Self {
        Self { task_name: task_name.into(), language: None }
    }

    /// Sets the language of the conversation, a BCP-47 tag.
    #[must_use]
    pub fn language(mut self, tag: impl Into<String>) -> Self {
        self.language = Some(tag.into());
        self
    }
}

impl Default for CreateSession {
    /// A session named `project`, as the specification shows.
    fn default() -> Self {
        Self::named(default_name())
    }
}

fn default_name() -> String {
    "project".to_owned()
}

/// A session of the service. Another process can continue it after deserializing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields<'static>")]
#[non_exhaustive]
pub struct Session {
    /// The id of the session.
    pub session_id: SessionId,
    /// The id of the task that the session belongs to.
    pub task_id: TaskId,
    /// The account that owns the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The language that the session was created with, a BCP-47 tag. The service does not return
    /// it; the client adds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl Session {
    /// Creates a session from its two ids.
    pub fn new(task_id: impl Into<TaskId>, session_id: impl Into<SessionId>) -> Self {
        let (task_id, session_id) = (task_id.into(), session_id.into());
        Self { session_id, task_id, user_id: None, language: None }
    }

    /// Sets the language that the session was created with, a BCP-47 tag.
    #[must_use]
    pub fn language(mut self, tag: impl Into<String>) -> Self {
        self.language = Some(tag.into());
        self
    }
}

impl TryFrom<Fields<'_>> for Session {
    type Error = FieldError;

    fn try_from(mut fields: Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            session_id: fields.require("session_id", id)?,
            task_id: fields.require("task_id", id)?,
            user_id: fields.read("user_id", id),
            language: fields.read("language", text),
        })
    }
}

/// A message of the user, as sent to the agent server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunRequest {
    /// The name of the agent, always `nemo_agent`.
    #[serde(alias = "appName")]
    pub(crate) app_name: String,
    /// The caller, always `me`.
    #[serde(alias = "userId")]
    pub(crate) user_id: String,
    /// The session that the message belongs to.
    #[serde(alias = "sessionId")]
    pub(crate) session_id: SessionId,
    #[serde(alias = "newMessage")]
    new_message: MessageContent,
    /// Whether partial text is requested.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) streaming: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct MessageContent {
    parts: Vec<MessagePart>,
}

#[derive(Debug, Serialize, Deserialize)]
struct MessagePart {
    /// Empty for a part of another kind.
    #[serde(default)]
    text: String,
}

impl RunRequest {
    /// Creates a message of one text.
    pub(crate) fn new(session_id: SessionId, text: impl Into<String>) -> Self {
        Self {
            app_name: AGENT_NAME.to_owned(),
            user_id: ME.to_owned(),
            session_id,
            new_message: MessageContent { parts: vec![MessagePart { text: text.into() }] },
            streaming: false,
        }
    }

    /// Returns the text of the message, all its parts joined.
    #[cfg(any(test, feature = "local", feature = "mock"))]
    pub(crate) fn text(&self) -> String {
        self.new_message.parts.iter().map(|part| part.text.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{CreateSession, RunRequest, Session};

    #[test]
    fn the_default_request_has_a_name_and_no_language() {
        let request = serde_json::to_string(&CreateSession::default()).unwrap();
        assert_eq!(request, r#"{"task_name":"project"}"#);
    }

    #[test]
    fn ids_are_read_in_both_spellings_or_both_at_once_and_as_numbers() {
        for body in [
            r#"{"task_id":"4711","session_id":"s1","new_key":[1]}"#,
            r#"{"taskId":"4711","sessionId":"s1"}"#,
            r#"{"task_id":4711,"taskId":"4711","session_id":"s1","sessionId":null}"#,
        ] {
            let session: Session = serde_json::from_str(body).unwrap();
            assert_eq!(session, Session::new("4711", "s1"), "{body}");
        }
        let error = serde_json::from_str::<Session>(r#"{"session_id":"s1"}"#).unwrap_err();
        assert!(error.to_string().contains("missing field `task_id`"), "{error}");
    }

    #[test]
    fn an_id_that_cannot_stand_in_a_url_is_no_session() {
        for id in ["", ".", "..", r"a\u0000", r"a\nb", r"\u202ea"] {
            let body = format!(r#"{{"task_id":"t","session_id":"{id}"}}"#);
            let error = serde_json::from_str::<Session>(&body).unwrap_err();
            assert!(error.to_string().contains("session_id"), "{body}: {error}");
        }
    }

    #[test]
    fn a_session_reads_what_it_wrote() {
        let session = Session::new("t1", "s1").language("zh-CN");
        let json = serde_json::to_string(&session).unwrap();
        assert!(json.contains(r#""language":"zh-CN""#), "{json}");
        assert_eq!(serde_json::from_str::<Session>(&json).unwrap(), session);
    }

    #[test]
    fn a_session_can_be_a_part_of_another_type() {
        #[derive(serde::Deserialize)]
        struct Saved {
            #[serde(flatten)]
            session: Session,
        }
        let json = r#"{"task_id":"t1","session_id":"s1"}"#;
        let saved: Saved = serde_json::from_str(json).unwrap();
        assert_eq!(saved.session, Session::new("t1", "s1"));
    }

    #[test]
    fn a_message_is_serialized_as_specified() {
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
