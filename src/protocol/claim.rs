//! `POST /api/auth/claim-token`: a link that opens an anonymous project in a browser.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::tolerant::{Fields, Unreadable, text, whole};
use super::{SessionId, TaskId};

/// Which project to hand over.
///
/// ```
/// use nemovideo::protocol::{ClaimRequest, Session};
///
/// let session = Session::new("task", "session");
/// let json = r#"{"task_id":"task","session_id":"session"}"#;
/// let request: ClaimRequest = serde_json::from_str(json)?;
/// assert_eq!(request.session_id, session.session_id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct ClaimRequest {
    /// The task.
    #[serde(alias = "taskId")]
    pub task_id: TaskId,
    /// Its session.
    #[serde(alias = "sessionId")]
    pub session_id: SessionId,
}

/// A token that opens one project in a browser and has no access to the API.
///
/// Its `Debug` does not show it.
///
/// ```
/// use nemovideo::protocol::ClaimToken;
///
/// let week = ClaimToken::new("clm_secret", 604_800);
/// assert!(!format!("{week:?}").contains("secret"));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
#[non_exhaustive]
pub struct ClaimToken {
    /// `clm_…`.
    pub claim_token: String,
    /// Seconds until it ends; documented as 604 800, a week.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

impl ClaimToken {
    /// A claim token that lives for a number of seconds.
    pub fn new(claim_token: impl Into<String>, expires_in: u64) -> Self {
        Self { claim_token: claim_token.into(), expires_in: Some(expires_in) }
    }
}

impl TryFrom<Fields> for ClaimToken {
    type Error = Unreadable;

    fn try_from(mut fields: Fields) -> Result<Self, Unreadable> {
        Ok(Self {
            claim_token: fields.need("claim_token", text)?,
            expires_in: fields.read(&["expires_in"], whole),
        })
    }
}

impl fmt::Debug for ClaimToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimToken")
            .field("claim_token", &"[redacted]")
            .field("expires_in", &self.expires_in)
            .finish()
    }
}
