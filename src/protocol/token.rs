//! Tokens: those of anonymous accounts (`POST /api/auth/anonymous-token` and
//! `POST /api/auth/claim-token`), and a registered user's own (`/api/tokens`), which some revisions
//! of the service document.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::tolerant::{
    FieldError, Fields, id, integer, number, serialize_rfc3339, text, timestamp,
};
use super::{Credits, SessionId, TaskId, TokenId, UserId};
use crate::draft::Json;

/// A token. Neither `Debug` nor any error shows it, and it has no `Display`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
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

/// A map of secrets, whose `Debug` shows none of them, is searched by a text.
impl Borrow<str> for Secret {
    fn borrow(&self) -> &str {
        self.expose()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

string_enum! {
    /// What a token may be used for, documented by some revisions of the service.
    TokenScope {
        /// Everything.
        All = "*",
        /// Reading: credits, states, renders, files.
        Read = "read",
        /// Sessions, messages, and the user's own tokens.
        Write = "write",
        /// Uploads.
        Upload = "upload",
        /// Exports. A token without it gets code 402 for them.
        Render = "render",
    }
}

impl TokenScope {
    /// Reads a list of scopes: an array, or one text in which spaces or commas separate them.
    fn read_list(json: &Json) -> Option<Vec<Self>> {
        let words = |text: &str| -> Vec<Self> {
            let words = text.split([' ', ',']).filter(|word| !word.is_empty());
            words.map(Self::from).collect()
        };
        match json.as_array() {
            Some(list) => list.iter().map(|scope| Some(Self::from(scope.as_str()?))).collect(),
            None => json.as_str().map(words),
        }
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
    /// What the token may be used for, if the service states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scopes: Option<Vec<TokenScope>>,
}

#[cfg(any(test, feature = "local", feature = "mock"))]
impl AnonymousToken {
    pub(crate) fn new(token: impl Into<Arc<str>>) -> Self {
        Self {
            token: Secret::new(token),
            user_id: None,
            credits: None,
            expires_at: None,
            scopes: None,
        }
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
            scopes: fields.read_any(SCOPES, TokenScope::read_list),
        })
    }
}

/// The names under which scopes are sent.
const SCOPES: &[&str] = &["scopes", "scope"];

/// A request for one of a user's own tokens.
///
/// ```
/// use nemovideo::protocol::{CreateToken, TokenScope};
///
/// let request = CreateToken::named("ci").scopes([TokenScope::Read]).expires_in_days(30);
/// let json = serde_json::to_string(&request)?;
/// assert_eq!(json, r#"{"name":"ci","scopes":["read"],"expires_in_days":30}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CreateToken {
    /// The name of the token, for the user.
    pub name: String,
    /// What the token may be used for; everything by default, as in the documented example.
    #[serde(default = "all_scopes")]
    pub scopes: Vec<TokenScope>,
    /// The days until the token expires; 90 by default, as in the documented example. `None` leaves
    /// the choice to the service.
    #[serde(default, alias = "expiresInDays", skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u32>,
}

impl CreateToken {
    /// Creates a request for a token of this name that may be used for everything, for 90 days.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), scopes: all_scopes(), expires_in_days: Some(90) }
    }

    /// Sets what the token may be used for.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = TokenScope>) -> Self {
        self.scopes = scopes.into_iter().collect();
        self
    }

    /// Sets the days until the token expires.
    #[must_use]
    pub fn expires_in_days(mut self, days: u32) -> Self {
        self.expires_in_days = Some(days);
        self
    }
}

fn all_scopes() -> Vec<TokenScope> {
    vec![TokenScope::All]
}

/// One of a user's own tokens, without the token itself: the service shows that only once, in a
/// [`CreatedToken`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields<'static>")]
#[non_exhaustive]
pub struct ApiToken {
    /// The id of the token, by which it is revoked.
    pub id: TokenId,
    /// The name of the token.
    pub name: String,
    /// What the token may be used for; empty if the service does not state it.
    pub scopes: Vec<TokenScope>,
    /// The time at which the token was created.
    #[serde(serialize_with = "serialize_rfc3339", skip_serializing_if = "Option::is_none")]
    pub created_at: Option<SystemTime>,
    /// The time at which the token expires.
    #[serde(serialize_with = "serialize_rfc3339", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<SystemTime>,
    /// The time at which the token was revoked.
    #[serde(serialize_with = "serialize_rfc3339", skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<SystemTime>,
}

impl ApiToken {
    /// Creates a token with an id and a name and nothing else.
    pub fn new(id: impl Into<TokenId>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            scopes: Vec::new(),
            created_at: None,
            expires_at: None,
            revoked_at: None,
        }
    }
}

impl TryFrom<Fields<'_>> for ApiToken {
    type Error = FieldError;

    fn try_from(mut fields: Fields<'_>) -> Result<Self, FieldError> {
        let id = match fields.read("token_id", id) {
            Some(id) => id,
            None => fields.require("id", id)?,
        };
        Ok(Self {
            id,
            name: fields.read("name", text).unwrap_or_default(),
            scopes: fields.read_any(SCOPES, TokenScope::read_list).unwrap_or_default(),
            created_at: fields.read("created_at", timestamp),
            expires_at: fields.read("expires_at", timestamp),
            revoked_at: fields.read("revoked_at", timestamp),
        })
    }
}

/// A token that was just created. The service shows it only this once. Neither `Debug` nor any error
/// shows it, and it cannot be serialized.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CreatedToken {
    /// The properties of the token.
    pub info: ApiToken,
    pub(crate) secret: Secret,
}

impl CreatedToken {
    /// Returns the token itself, for [`ClientBuilder::token`](crate::ClientBuilder::token) or for
    /// the place where the user keeps secrets.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        self.secret.expose()
    }
}

/// The response to a [`CreateToken`]: the properties of the token, and the token itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "Fields<'static>")]
pub(crate) struct TokenCreated {
    token: Secret,
    #[serde(flatten)]
    info: ApiToken,
}

#[cfg(any(feature = "local", feature = "mock"))]
impl TokenCreated {
    pub(crate) fn new(token: impl Into<Arc<str>>, info: ApiToken) -> Self {
        Self { token: Secret::new(token), info }
    }
}

impl From<TokenCreated> for CreatedToken {
    fn from(created: TokenCreated) -> Self {
        Self { info: created.info, secret: created.token }
    }
}

impl TryFrom<Fields<'_>> for TokenCreated {
    type Error = FieldError;

    fn try_from(mut fields: Fields<'_>) -> Result<Self, FieldError> {
        // The token beside its properties, or in an object of its own: the form is not documented.
        let nested = fields.read("token", |json| json.as_object().cloned());
        if let Some(object) = nested {
            return Self::try_from(Fields::of(&object));
        }
        let secret = fields.read_any(&["token", "secret", "access_token"], Secret::read);
        let token = match secret {
            Some(secret) => secret,
            None => fields.require("token", Secret::read)?,
        };
        Ok(Self { token, info: ApiToken::try_from(fields)? })
    }
}

/// The response to a listing of a user's own tokens: an array, or an object that holds it.
#[derive(Debug)]
pub(crate) struct TokenList(pub(crate) Vec<ApiToken>);

impl<'de> Deserialize<'de> for TokenList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Through `Value`, which any data format can deserialize.
        let json = Json::from_value(&serde_json::Value::deserialize(deserializer)?);
        let list = match json.as_object() {
            None => json.as_array().map(<[Json]>::to_vec),
            Some(object) => Fields::of(object)
                .read_any(&["tokens", "items", "list"], |json| Some(json.as_array()?.to_vec())),
        };
        let list = list.ok_or_else(|| serde::de::Error::custom("expected a list of tokens"))?;
        let token = |json: &Json| ApiToken::try_from(Fields::of(json.as_object()?)).ok();
        // A token that cannot be read must not hide the others.
        let tokens: Vec<ApiToken> = list.iter().filter_map(token).collect();
        if tokens.is_empty() && !list.is_empty() {
            return Err(serde::de::Error::custom("no token of the list has an id"));
        }
        Ok(Self(tokens))
    }
}

#[cfg(any(feature = "local", feature = "mock"))]
impl Serialize for TokenList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct List<'a> {
            tokens: &'a [ApiToken],
        }

        List { tokens: &self.0 }.serialize(serializer)
    }
}

/// A successful response to a revocation of a token or a cancellation of a render. Its form is not
/// documented: an object without an error in it.
#[derive(Debug)]
pub(crate) struct Accepted;

impl<'de> Deserialize<'de> for Accepted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        match json.as_object().map(|object| object.get("error")) {
            Some(None | Some(serde_json::Value::Null)) => Ok(Self),
            _ => Err(serde::de::Error::custom("expected an object without an error")),
        }
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
    use super::{
        AnonymousToken, ApiToken, ClaimToken, CreateToken, CreatedToken, TokenCreated, TokenList,
        TokenScope,
    };
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
    fn the_scopes_of_a_token_are_read_in_any_form() {
        let scopes = |json: &str| {
            let body = format!(r#"{{"token":"t",{json}}}"#);
            serde_json::from_str::<AnonymousToken>(&body).unwrap().scopes
        };
        let expected = Some(vec![TokenScope::Read, TokenScope::Other("fly".to_owned())]);
        for json in [
            r#""scopes":["read","fly"]"#,
            r#""scope":"read fly""#,
            r#""scopes":"read, fly""#,
            r#""scopes":7,"scope":["READ","fly"]"#,
        ] {
            assert_eq!(scopes(json), expected, "{json}");
        }
        assert_eq!(scopes(r#""scopes":[1]"#), None);
        assert_eq!(scopes(r#""scopes":null"#), None);
        let written = serde_json::to_string(&AnonymousToken::new("t")).unwrap();
        assert!(!written.contains("scopes"), "{written}");
    }

    #[test]
    fn a_request_for_a_token_is_the_documented_one() {
        let json = serde_json::to_string(&CreateToken::named("n")).unwrap();
        assert_eq!(json, r#"{"name":"n","scopes":["*"],"expires_in_days":90}"#);
        assert_eq!(serde_json::from_str::<CreateToken>(&json).unwrap(), CreateToken::named("n"));
        let bare: CreateToken = serde_json::from_str(r#"{"name":"n"}"#).unwrap();
        assert_eq!((bare.scopes, bare.expires_in_days), (vec![TokenScope::All], None));
    }

    #[test]
    fn a_created_token_is_read_in_any_form_and_never_shown() {
        for body in [
            r#"{"code":0,"data":{"id":"tok_1","name":"ci","token":"nmv_usr_secret"}}"#,
            r#"{"success":true,"data":{"tokenId":"tok_1","name":"ci","secret":"nmv_usr_secret"}}"#,
            r#"{"id":"tok_1","name":"ci","access_token":"nmv_usr_secret","scopes":null}"#,
            r#"{"data":{"token":{"id":"tok_1","name":"ci","token":"nmv_usr_secret"}}}"#,
        ] {
            let created: TokenCreated = decode(body.as_bytes()).unwrap().unwrap();
            let created = CreatedToken::from(created);
            assert_eq!(created.info, ApiToken::new("tok_1", "ci"), "{body}");
            assert_eq!(created.expose_secret(), "nmv_usr_secret");
            assert!(!format!("{created:?} {created:#?}").contains("secret\""), "{created:?}");
            assert!(!format!("{created:?}").contains("nmv_usr"), "{created:?}");
        }
        for broken in [r#"{"id":"tok_1"}"#, r#"{"id":"tok_1","token":["nmv_usr_secret"]}"#] {
            let error = decode::<TokenCreated>(broken.as_bytes()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("nmv_usr"), "{error:?}");
        }
    }

    #[test]
    fn a_list_of_tokens_is_read_in_any_form() {
        let token = r#"{"id":17,"name":"ci","scopes":["*"],"created_at":"2026-11-26T06:00:00Z",
            "expires_at":1795351293}"#;
        for body in [
            format!(r#"[{token}]"#),
            format!(r#"{{"code":0,"data":[{token}]}}"#),
            format!(r#"{{"code":0,"data":{{"tokens":[{token},7,{{"name":"no id"}}]}}}}"#),
            format!(r#"{{"tokens":[{token}],"message":"ok"}}"#),
        ] {
            let TokenList(list) = decode(body.as_bytes()).unwrap().unwrap();
            assert_eq!(list.len(), 1, "{body}");
            assert_eq!((list[0].id.as_str(), list[0].name.as_str()), ("17", "ci"));
            assert_eq!(list[0].scopes, [TokenScope::All]);
            assert!(list[0].created_at.is_some() && list[0].expires_at.is_some());
            assert_eq!(list[0].revoked_at, None);
        }
        for broken in [r#"{"id":"s"}"#, r#"{"tokens":[{"name":"no id"}]}"#, r#"{"tokens":"all"}"#] {
            assert!(decode::<TokenList>(broken.as_bytes()).is_err(), "{broken}");
        }
        let TokenList(none) = decode(br#"{"data":{"tokens":[]}}"#).unwrap().unwrap();
        assert!(none.is_empty());
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
