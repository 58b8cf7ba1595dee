//! `POST /api/auth/anonymous-token`: an account for whoever has none.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::tolerant::{Fields, Unreadable, id, number, text};
use super::{Credits, UserId, time};

/// A new anonymous account: 100 credits and a week's life, as documented.
///
/// Its `Debug` does not show the token.
///
/// ```
/// use nemovideo::protocol::{AnonymousToken, decode};
///
/// let body = br#"{"code":0,"data":{"token":"nmv_usr_secret","credits":100}}"#;
/// let token: AnonymousToken = decode(body)?.expect("a token");
/// assert_eq!(token.token, "nmv_usr_secret");
/// assert!(!format!("{token:?}").contains("secret"));
/// # Ok::<(), nemovideo::protocol::DecodeError>(())
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
#[non_exhaustive]
pub struct AnonymousToken {
    /// The bearer token.
    pub token: String,
    /// The account, `anon_…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The credits it starts with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<Credits>,
    /// When it ends.
    #[serde(serialize_with = "time::serialize", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<SystemTime>,
}

impl AnonymousToken {
    /// A token with nothing else known of it.
    pub fn new(token: impl Into<String>) -> Self {
        Self { token: token.into(), user_id: None, credits: None, expires_at: None }
    }
}

impl TryFrom<Fields> for AnonymousToken {
    type Error = Unreadable;

    fn try_from(mut fields: Fields) -> Result<Self, Unreadable> {
        let some_text = |value: &_| text(value).filter(|text| !text.trim().is_empty());
        Ok(Self {
            token: fields.need("token", some_text)?,
            user_id: fields.read(&["user_id"], id),
            credits: fields.read(&["credits"], number).map(Credits::new),
            expires_at: fields.read(&["expires_at"], time::read),
        })
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
    use crate::protocol::decode;

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
