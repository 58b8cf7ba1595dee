//! What handlers read and send: extractors for the account, the path and the body of a call,
//! envelopes, and error responses in the service's form and in the agent server's.

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

use super::accounts::{Grant, LocalAccount};
use super::server::SharedService;
use super::store::StoreError;
use crate::protocol::headers::ATTRIBUTION;
use crate::protocol::{Endpoint, Envelope, ErrorCode, TokenScope};

/// The maximum size of a JSON body.
const MAX_JSON_BYTES: usize = 8 * 1024 * 1024;
/// The maximum size of one with a draft, which may have grown over many turns.
const MAX_DRAFT_BYTES: usize = 64 * 1024 * 1024;

/// A successful response: an envelope with code 0.
#[derive(Debug)]
pub(crate) struct Success<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        Json(Envelope::success(self.0)).into_response()
    }
}

/// An error response.
#[derive(Debug)]
pub(crate) enum Rejected {
    /// An envelope with a code of the service, under [its status](status_of).
    Code(ErrorCode, String),
    /// 429 with `Retry-After` in seconds.
    RateLimited(u64, String),
    /// A status and `{"detail":…}`, as the agent server sends it.
    Detail(StatusCode, Value),
}

impl Rejected {
    pub(crate) fn detail(status: StatusCode, message: impl Into<String>) -> Self {
        Self::Detail(status, Value::String(message.into()))
    }

    /// Returns a 422 as the agent server sends it.
    pub(crate) fn invalid(loc: &[&str], msg: impl Into<String>, kind: &str) -> Self {
        let detail = json!([{ "type": kind, "loc": loc, "msg": msg.into() }]);
        Self::Detail(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::detail(StatusCode::NOT_FOUND, "Not Found")
    }

    /// Returns the error response to a call whose token lacks a scope: code 402 for an export, as
    /// documented, and a 403 otherwise.
    pub(crate) fn missing_scope(endpoint: Endpoint, scope: &TokenScope) -> Self {
        if endpoint == Endpoint::RenderSubmit {
            let message = format!("export is blocked: the token lacks the `{scope}` scope");
            return Self::Code(ErrorCode::ExportBlocked, message);
        }
        Self::detail(StatusCode::FORBIDDEN, format!("The token lacks the `{scope}` scope"))
    }

    pub(crate) fn unknown_session() -> Self {
        Self::Code(ErrorCode::SessionNotFound, "session not found".to_owned())
    }

    /// Returns a 500.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        Self::detail(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

/// Code 4002 where a smaller file could be stored, and a 500 otherwise.
impl From<StoreError> for Rejected {
    fn from(error: StoreError) -> Self {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match error.source.kind() {
            FileTooLarge | QuotaExceeded | StorageFull => {
                Self::Code(ErrorCode::FileTooLarge, error.to_string())
            }
            _ => Self::internal(error),
        }
    }
}

impl From<std::io::Error> for Rejected {
    fn from(error: std::io::Error) -> Self {
        Self::internal(error)
    }
}

/// Returns the HTTP status of an envelope with this code.
pub(crate) const fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::ClientIdMissing => StatusCode::BAD_REQUEST,
        ErrorCode::ExportBlocked => StatusCode::PAYMENT_REQUIRED,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::OK,
    }
}

impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        match self {
            Self::Code(code, message) => {
                (status_of(code), Json(Envelope::error(code, message))).into_response()
            }
            Self::RateLimited(seconds, message) => {
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

/// What the call's bearer token allows; code 1001 without a valid token, and an error response
/// without the scope of the endpoint.
#[derive(Debug)]
pub(crate) struct Authorized(pub(crate) Grant);

impl FromRequestParts<SharedService> for Authorized {
    type Rejection = Rejected;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &SharedService,
    ) -> Result<Self, Rejected> {
        let grant = bearer(&parts.headers).and_then(|token| service.accounts.by_token(token));
        let grant = grant.ok_or_else(|| {
            let message = "the token is missing, expired or invalid";
            Rejected::Code(ErrorCode::TokenInvalid, message.to_owned())
        })?;
        // Every route has its endpoint as an extension.
        let endpoint = parts.extensions.get::<Endpoint>().copied();
        match endpoint.map(|endpoint| (endpoint, scope_of(endpoint))) {
            Some((endpoint, Some(scope))) if !grant.allows(&scope) => {
                Err(Rejected::missing_scope(endpoint, &scope))
            }
            _ => Ok(Self(grant)),
        }
    }
}

/// Returns the scope that calls to an endpoint require. The service documents the scopes, but not
/// which call requires which.
const fn scope_of(endpoint: Endpoint) -> Option<TokenScope> {
    Some(match endpoint {
        Endpoint::Token | Endpoint::File => return None,
        Endpoint::Credits
        | Endpoint::State
        | Endpoint::TokenList
        | Endpoint::RenderStatus
        | Endpoint::RenderDownload => TokenScope::Read,
        Endpoint::Upload => TokenScope::Upload,
        Endpoint::RenderSubmit | Endpoint::RenderCancel => TokenScope::Render,
        Endpoint::Claim
        | Endpoint::TokenCreate
        | Endpoint::TokenRevoke
        | Endpoint::Session
        | Endpoint::Message => TokenScope::Write,
    })
}

/// The account of the call's bearer token; the errors of [`Authorized`].
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) Arc<LocalAccount>);

impl FromRequestParts<SharedService> for Caller {
    type Rejection = Rejected;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &SharedService,
    ) -> Result<Self, Rejected> {
        let Authorized(grant) = Authorized::from_request_parts(parts, service).await?;
        Ok(Self(grant.account))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Requires the three attribution headers; code 402 without them.
#[derive(Debug)]
pub(crate) struct RequireAttribution;

impl<S: Sync> FromRequestParts<S> for RequireAttribution {
    type Rejection = Rejected;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejected> {
        let is_set = |name| parts.headers.get(name).is_some_and(|value| !value.is_empty());
        match ATTRIBUTION.into_iter().find(|name| !is_set(*name)) {
            None => Ok(Self),
            Some(name) => Err(Rejected::Code(
                ErrorCode::ExportBlocked,
                format!("export is blocked: the attribution header {name} is missing"),
            )),
        }
    }
}

/// The parameters of the path; 404 if one is not UTF-8.
#[derive(Debug)]
pub(crate) struct PathParams<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathParams<T> {
    type Rejection = Rejected;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejected> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(params)| Self(params)).map_err(|_| Rejected::not_found())
    }
}

/// A JSON body. Its content type is ignored, because `curl -d` declares a form.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<SharedService> for JsonBody<T> {
    type Rejection = Rejected;

    async fn from_request(request: Request, _: &SharedService) -> Result<Self, Rejected> {
        let limit = match request.extensions().get() {
            Some(Endpoint::RenderSubmit) => MAX_DRAFT_BYTES,
            _ => MAX_JSON_BYTES,
        };
        let bytes = to_bytes(request.into_body(), limit).await.map_err(|error| {
            Rejected::detail(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("reading the body failed: {error}; it may have {limit} bytes"),
            )
        })?;
        read(&bytes).map(Self)
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Rejected> {
    let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) else {
        return Err(Rejected::invalid(&["body"], "Field required", "missing"));
    };
    // Every body is an object. Serde would accept an array as one, its items as the fields in order.
    if *first != b'{' && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        let message = "Input should be a valid dictionary or object to extract fields from";
        return Err(Rejected::invalid(&["body"], message, "model_attributes_type"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        let mut loc = vec!["body"];
        if error.is_data() {
            // The path ends at the object that lacks the field; the agent server names the field.
            let message = error.to_string();
            loc.extend(path.split('.').filter(|step| !step.is_empty()));
            if let Some(field) = message.strip_prefix("missing field `") {
                loc.extend(field.split('`').next());
                return Rejected::invalid(&loc, "Field required", "missing");
            }
            return Rejected::invalid(&loc, message.as_str(), "value_error");
        }
        Rejected::invalid(&loc, format!("JSON decode error: {error}"), "json_invalid")
    })?;
    deserializer.end().map_err(|error| {
        Rejected::invalid(&["body"], format!("JSON decode error: {error}"), "json_invalid")
    })?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::{Rejected, read};
    use crate::protocol::RunRequest;

    #[test]
    fn the_error_of_a_malformed_body_names_its_location() {
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
            let Err(Rejected::Detail(status, detail)) = read::<RunRequest>(body.as_bytes()) else {
                panic!("{body} was accepted");
            };
            assert_eq!(status, 422);
            assert_eq!(detail[0]["loc"].to_string(), loc, "{body}");
            assert_eq!(detail[0]["type"], kind, "{body}");
        }
    }
}
