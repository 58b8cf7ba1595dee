//! `POST /api/auth/anonymous-token` and `POST /api/auth/claim-token`: tokens of anonymous accounts.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::tolerant::{
    FieldError, Fields, id, integer, number, serialize_rfc3339, text, timestamp,
};
use super::{Credits, SessionId, TaskId, UserId};
use crate::draft::Json;

/// A token. Neither `Debug` nor any error shows it, and it has no `Display`.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Secret(Arc<str>);

impl Secret {
    pub(crate) fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the text, for the header, the link or the file that it belongs in.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    fn read(json: &Json) -> Option<Self> {
        text(json).map(Self::new).filter(|secret| !secret.is_blank())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The token of a new anonymous account, documented to start with 100 credits and to live for 7
/// days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields<'static>")]
pub(crate) struct AnonymousToken {
    /// The bearer token.
    pub(crate) token: Secret,
    /// The account, `anon_…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<UserId>,
    /// The credits that the account starts with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credits: Option<Credits>,
    /// The time at which the token expires.
    #[serde(serialize_with = "serialize_rfc3339", skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<SystemTime>,
}

#[cfg(any(test, feature = "local", feature = "mock"))]
impl AnonymousToken {
    pub(crate) fn new(token: impl Into<Arc<str>>) -> Self {
        Self { token: Secret::new(token), user_id: None, credits: None, expires_at: None }
    }
}

impl TryFrom<Fields<'_>> for AnonymousToken {
    type Error = FieldError;

    fn try_from(mut fields: Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            token: fields.require("token", Secret::read)?,
            user_id: fields.read("user_id", id),
            credits: fields.read("credits", number).map(Credits::new),
            expires_at: fields.read("expires_at", timestamp),
        })
    }
}

/// A request for a [`ClaimToken`] of a project.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ClaimRequest {
    #[serde(alias = "taskId")]
    pub(crate) task_id: TaskId,
    #[serde(alias = "sessionId")]
    pub(crate) session_id: SessionId,
}

/// A token that opens one project in a browser and has no access to the API.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "Fields<'static>")]
pub(crate) struct ClaimToken {
    /// The token, `clm_…`.
    pub(crate) claim_token: Secret,
    /// The seconds until the token expires; documented as 604 800, a week.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
}

#[cfg(any(feature = "local", feature = "mock"))]
impl ClaimToken {
    pub(crate) fn new(claim_token: impl Into<Arc<str>>, expires_in: u64) -> Self {
        Self { claim_token: Secret::new(claim_token), expires_in: Some(expires_in) }
    }
}

impl TryFrom<Fields<'_>> for ClaimToken {
    type Error = FieldError;

    fn try_from(mut fields: Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            claim_token: fields.require("claim_token", Secret::read)?,
            expires_in: fields.read("expires_in", integer),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{AnonymousToken, ClaimToken};
    use crate::protocol::decode;

    #[test]
    fn the_debug_of_a_token_does_not_show_it() {
        let claim: ClaimToken = serde_json::from_str(r#"{"claimToken":"clm_secret"}"#).unwrap();
        let shown = format!("{:#?} {claim:?}", AnonymousToken::new("nmv_usr_secret"));
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn both_documented_responses_are_read() {
        let bare: AnonymousToken =
            decode(br#"{"code":0,"message":"","data":{"token":"nmv_usr_1"}}"#).unwrap().unwrap();
        assert_eq!(bare, AnonymousToken::new("nmv_usr_1"));

        let body = br#"{"success":true,"data":{"token":"nmv_usr_1","user_id":"anon_1",
            "credits":100,"expires_at":"2026-11-29T12:00:00Z"}}"#;
        let full: AnonymousToken = decode(body).unwrap().unwrap();
        assert_eq!(full.user_id.as_ref().unwrap().as_str(), "anon_1");
        assert_eq!(full.credits.unwrap().get(), 100.0);
        let back = serde_json::to_string(&full).unwrap();
        assert!(back.contains("2026-11-29T12:00:00Z"), "{back}");
        assert_eq!(serde_json::from_str::<AnonymousToken>(&back).unwrap(), full);
    }

    #[test]
    fn an_odd_expiry_does_not_cost_the_token() {
        for odd in ["\"soon\"", "1795351293000000000", "18446744073709551615", "[]", "-1"] {
            let body =
                format!(r#"{{"token":"t","expires_at":{odd},"credits":"all","user_id":{{}}}}"#);
            let token: AnonymousToken = serde_json::from_str(&body).unwrap();
            assert_eq!(token, AnonymousToken::new("t"), "{odd}");
        }
        let body = r#"{"token":"t","credits":"100","user_id":17,"userId":"17"}"#;
        let token: AnonymousToken = serde_json::from_str(body).unwrap();
        assert_eq!(token.credits.unwrap().get(), 100.0);
        assert_eq!(token.user_id.unwrap().as_str(), "17");
    }

    #[test]
    fn a_token_that_cannot_be_read_is_not_shown() {
        for body in [
            r#"{"code":0,"data":"nmv_usr_secret"}"#,
            r#"{"code":0,"data":{"token":["nmv_usr_secret"]}}"#,
            r#""nmv_usr_secret""#,
            r#"{"code":0,"token":"nmv_usr_secret","data":"nmv_usr_secret"}"#,
        ] {
            let error = decode::<AnonymousToken>(body.as_bytes()).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("secret"), "{shown}");
        }
    }
}
