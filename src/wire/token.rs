//! `POST /api/auth/anonymous-token`: an account for whoever has none.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{Credits, UserId};

/// A new anonymous account: 100 credits and a week's life, as documented.
///
/// Its `Debug` does not show the token.
///
/// ```
/// use nemovideo::wire::{AnonymousToken, decode};
///
/// let body = br#"{"code":0,"data":{"token":"nmv_usr_secret","credits":100}}"#;
/// let token: AnonymousToken = decode(body)?.expect("a token");
/// assert_eq!(token.token, "nmv_usr_secret");
/// assert!(!format!("{token:?}").contains("secret"));
/// # Ok::<(), nemovideo::wire::DecodeError>(())
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AnonymousToken {
    /// The bearer token.
    pub token: String,
    /// The account, `anon_…`.
    #[serde(default, alias = "userId", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The credits it starts with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<Credits>,
    /// When it ends.
    #[serde(
        default,
        alias = "expiresAt",
        with = "super::time",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<SystemTime>,
}

impl AnonymousToken {
    /// A token with nothing else known of it.
    pub fn new(token: impl Into<String>) -> Self {
        Self { token: token.into(), user_id: None, credits: None, expires_at: None }
    }
}

impl fmt::Debug for AnonymousToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnonymousToken")
            .field("token", &"[redacted]")
            .field("user_id", &self.user_id)
            .field("credits", &self.credits)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::AnonymousToken;
    use crate::wire::decode;

    #[test]
    fn the_debug_of_a_token_does_not_show_it() {
        let shown = format!("{:#?}", AnonymousToken::new("nmv_usr_secret"));
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn both_documented_answers_are_read() {
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
        let token: AnonymousToken =
            serde_json::from_str(r#"{"token":"t","expires_at":"soon"}"#).unwrap();
        assert_eq!(token.expires_at, None);
    }
}
