//! `POST /api/tasks/me/with-session/nemo_agent`: a session, in which one video is made.

use serde::{Deserialize, Serialize};

use super::tolerant::{Fields, Unreadable, id, text};
use super::{SessionId, TaskId, UserId};

/// What a new session is asked for with.
///
/// ```
/// use nemovideo::CreateSession;
///
/// let new = CreateSession::named("product demo").language("zh-CN");
/// assert_eq!(
///     serde_json::to_string(&new)?,
///     r#"{"task_name":"product demo","language":"zh-CN"}"#
/// );
/// assert_eq!(CreateSession::default().task_name, "project");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CreateSession {
    /// What the project is called.
    #[serde(alias = "taskName", default = "default_name")]
    pub task_name: String,
    /// The language to talk in, as a BCP-47 tag (`en`, `zh-CN`, `ja`); the service chooses when
    /// there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl CreateSession {
    /// A session for a project of this name.
    pub fn named(task_name: impl Into<String>) -> Self {
        Self { task_name: task_name.into(), language: None }
    }

    /// Sets the language to talk in, a BCP-47 tag.
    #[must_use]
    pub fn language(mut self, tag: impl Into<String>) -> Self {
        self.language = Some(tag.into());
        self
    }
}

impl Default for CreateSession {
    /// A session called `project`, the name that the specification shows.
    fn default() -> Self {
        Self::named(default_name())
    }
}

fn default_name() -> String {
    "project".to_owned()
}

/// A session that the service has opened.
///
/// ```
/// use nemovideo::Session;
///
/// // Written down, and taken up by another process.
/// let kept = serde_json::to_string(&Session::new("task", "session"))?;
/// let session: Session = serde_json::from_str(&kept)?;
/// assert_eq!(session.session_id.as_str(), "session");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
#[non_exhaustive]
pub struct Session {
    /// What every other call names it by.
    pub session_id: SessionId,
    /// The task around it; a [claim](super::ClaimRequest) needs it.
    pub task_id: TaskId,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The language that it was opened to talk in, a BCP-47 tag. The service does not say; whoever
    /// opened it knows, and writes it down with the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl Session {
    /// A session by its two ids.
    pub fn new(task_id: impl Into<TaskId>, session_id: impl Into<SessionId>) -> Self {
        let (task_id, session_id) = (task_id.into(), session_id.into());
        Self { session_id, task_id, user_id: None, language: None }
    }

    /// Sets the language that it was opened to talk in, a BCP-47 tag.
    ///
    /// ```
    /// use nemovideo::Session;
    ///
    /// let session = Session::new("task", "session").language("zh-CN");
    /// assert!(serde_json::to_string(&session)?.contains(r#""language":"zh-CN""#));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn language(mut self, tag: impl Into<String>) -> Self {
        self.language = Some(tag.into());
        self
    }

    /// In the language that it was asked for with.
    pub(crate) fn in_language_of(mut self, new: &CreateSession) -> Self {
        self.language = new.language.clone().or(self.language);
        self
    }
}

impl TryFrom<Fields> for Session {
    type Error = Unreadable;

    fn try_from(mut fields: Fields) -> Result<Self, Unreadable> {
        Ok(Self {
            session_id: fields.need("session_id", id)?,
            task_id: fields.need("task_id", id)?,
            user_id: fields.read(&["user_id"], id),
            language: fields.read(&["language"], text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{CreateSession, Session};

    #[test]
    fn a_request_is_written_as_specified() {
        let request = CreateSession::default().language("zh-CN");
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"task_name":"project","language":"zh-CN"}"#
        );
        let without = serde_json::to_string(&CreateSession::named("demo")).unwrap();
        assert_eq!(without, r#"{"task_name":"demo"}"#);
    }

    #[test]
    fn an_answer_is_read_in_both_spellings() {
        let snake = r#"{"task_id":"t1","session_id":"s1","new_key":[1]}"#;
        let camel = r#"{"taskId":"t1","sessionId":"s1"}"#;
        for body in [snake, camel] {
            let session: Session = serde_json::from_str(body).unwrap();
            assert_eq!(session, Session::new("t1", "s1"));
        }
    }

    #[test]
    fn both_spellings_at_once_and_ids_that_are_numbers_are_read() {
        let body = r#"{"task_id":4711,"taskId":"4711","session_id":"s1","sessionId":null}"#;
        let session: Session = serde_json::from_str(body).unwrap();
        assert_eq!(session, Session::new("4711", "s1"));
        let error = serde_json::from_str::<Session>(r#"{"session_id":"s1"}"#).unwrap_err();
        assert!(error.to_string().contains("missing field `task_id`"), "{error}");
    }
}
