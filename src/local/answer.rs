//! What the routes read and answer: envelopes, refusals in the service's codes, complaints in the
//! agent server's form, and the two things almost every call needs, its caller and its body.

use std::sync::Arc;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};

use super::accounts::Account;
use super::service::Shared;
use crate::protocol::headers::ATTRIBUTION;
use crate::protocol::{Envelope, ErrorCode};

/// The largest JSON body that is read.
const MAX_JSON_BYTES: usize = 64 * 1024 * 1024;

/// An answer under code 0.
#[derive(Debug)]
pub(super) struct Success<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        Json(Envelope::success(self.0)).into_response()
    }
}

/// A call that is refused.
#[derive(Debug)]
pub(super) enum Refused {
    /// One of the service's codes: 400, 402 and 429 are also the HTTP status, the others come
    /// under 200.
    Code(ErrorCode, String),
    /// 429 with the seconds to wait.
    TooSoon(u64, String),
    /// The agent server's way: a status and `{"detail":…}`.
    Detail(StatusCode, Value),
}

impl Refused {
    pub(super) fn detail(status: StatusCode, words: impl Into<String>) -> Self {
        Self::Detail(status, Value::String(words.into()))
    }

    /// 422 as the agent server writes it.
    pub(super) fn invalid(loc: &[&str], msg: impl Into<String>, kind: &str) -> Self {
        let detail = json!([{ "type": kind, "loc": loc, "msg": msg.into() }]);
        Self::Detail(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub(super) fn not_found() -> Self {
        Self::detail(StatusCode::NOT_FOUND, "Not Found")
    }

    pub(super) fn unknown_session() -> Self {
        Self::Code(ErrorCode::SessionNotFound, "session not found".to_owned())
    }

    /// Something broke on this side.
    pub(super) fn internal(error: impl std::fmt::Display) -> Self {
        Self::detail(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Code(code, message) => {
                let status = match code {
                    ErrorCode::ClientIdMissing => StatusCode::BAD_REQUEST,
                    ErrorCode::ExportBlocked => StatusCode::PAYMENT_REQUIRED,
                    ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
                    _ => StatusCode::OK,
                };
                (status, Json(Envelope::error(code, message))).into_response()
            }
            Self::TooSoon(seconds, message) => {
                let mut response = Self::Code(ErrorCode::RateLimited, message).into_response();
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                response
            }
            Self::Detail(status, detail) => {
                (status, Json(json!({ "detail": detail }))).into_response()
            }
        }
    }
}

/// Whoever holds the bearer token of the call; without a living one, 1001.
#[derive(Debug)]
pub(super) struct Caller(pub(super) Arc<Account>);

impl FromRequestParts<Shared> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, service: &Shared) -> Result<Self, Refused> {
        bearer(&parts.headers)
            .and_then(|token| service.accounts.by_token(token))
            .map(Self)
            .ok_or_else(|| {
                let message = "the token is missing, expired or invalid";
                Refused::Code(ErrorCode::TokenInvalid, message.to_owned())
            })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The three attribution headers, without which nothing is exported: 402.
#[derive(Debug)]
pub(super) struct Attributed;

impl<S: Sync> FromRequestParts<S> for Attributed {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let told = |name| parts.headers.get(name).is_some_and(|value| !value.is_empty());
        match ATTRIBUTION.into_iter().find(|name| !told(*name)) {
            None => Ok(Self),
            Some(name) => Err(Refused::Code(
                ErrorCode::ExportBlocked,
                format!("export is blocked: the attribution header {name} is missing"),
            )),
        }
    }
}

/// What the variable parts of the path say. One that is no text is found nowhere: 404.
#[derive(Debug)]
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(named)| Self(named)).map_err(|_| Refused::not_found())
    }
}

/// A JSON body, whatever content type it claims: `curl -d` claims a form.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Refused> {
        let bytes = to_bytes(request.into_body(), MAX_JSON_BYTES).await.map_err(|error| {
            Refused::detail(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body was not read: {error}"),
            )
        })?;
        read(&bytes).map(Self)
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) else {
        return Err(Refused::invalid(&["body"], "Field required", "missing"));
    };
    // Every body is an object; an array would be taken for one, its items for the fields in order.
    if *first != b'{' && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        let message = "Input should be a valid dictionary or object to extract fields from";
        return Err(Refused::invalid(&["body"], message, "model_attributes_type"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        let mut loc = vec!["body"];
        if error.is_data() {
            // The path stops at the object that lacks the field; the agent server names the field.
            let message = error.to_string();
            loc.extend(path.split('.').filter(|step| !step.is_empty()));
            if let Some(field) = message.strip_prefix("missing field `") {
                loc.extend(field.split('`').next());
                return Refused::invalid(&loc, "Field required", "missing");
            }
            return Refused::invalid(&loc, message.as_str(), "value_error");
        }
        Refused::invalid(&loc, format!("JSON decode error: {error}"), "json_invalid")
    })?;
    deserializer.end().map_err(|error| {
        Refused::invalid(&["body"], format!("JSON decode error: {error}"), "json_invalid")
    })?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::{Refused, read};
    use crate::protocol::RunRequest;

    #[test]
    fn a_malformed_body_is_complained_of_by_place() {
        for (body, loc, kind) in [
            ("", r#"["body"]"#, "missing"),
            ("{", r#"["body"]"#, "json_invalid"),
            ("[", r#"["body"]"#, "json_invalid"),
            ("[]", r#"["body"]"#, "model_attributes_type"),
            (
                r#"["nemo_agent","me","s",{"parts":[{"text":"hi"}]}]"#,
                r#"["body"]"#,
                "model_attributes_type",
            ),
            (r#""text""#, r#"["body"]"#, "model_attributes_type"),
            (
                r#"{"app_name":"a","user_id":"me","new_message":{"parts":[]}}"#,
                r#"["body","session_id"]"#,
                "missing",
            ),
            (
                r#"{"app_name":"a","user_id":"me","session_id":7}"#,
                r#"["body","session_id"]"#,
                "value_error",
            ),
            (
                r#"{"app_name":"a","user_id":"me","session_id":"s","new_message":{}}"#,
                r#"["body","new_message","parts"]"#,
                "missing",
            ),
        ] {
            let Err(Refused::Detail(status, detail)) = read::<RunRequest>(body.as_bytes()) else {
                panic!("{body} was taken");
            };
            assert_eq!(status, 422);
            assert_eq!(detail[0]["loc"].to_string(), loc, "{body}");
            assert_eq!(detail[0]["type"], kind, "{body}");
        }
    }
}
