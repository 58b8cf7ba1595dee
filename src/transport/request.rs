//! What a call is made of: the shared settings, the URL, the headers and the body.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::multipart;
use url::Url;

use super::fetch::Response;
use super::{Attribution, CallOptions, Observers, OnBytesSent};
use crate::error::{Call, Error, Result};
use crate::protocol::{Endpoint, Secret, is_id};
use crate::retry::{AttemptInfo, RetryBudget, RetryDecision, RetryPolicy};

/// How a client reaches the service; shared by all its calls.
#[derive(Debug)]
pub(crate) struct Transport {
    /// Follows no redirect: that would carry the token to its target.
    pub(crate) api: reqwest::Client,
    /// The headers of every request to the API, the attribution among them.
    pub(crate) headers: HeaderMap,
    pub(crate) base: Url,
    pub(crate) attribution: Attribution,
    pub(crate) policy: Arc<dyn RetryPolicy>,
    pub(crate) budget: RetryBudget,
    pub(crate) observers: Observers,
    /// Limits a whole JSON response, and the head of a stream.
    pub(crate) response_timeout: Duration,
    /// Size limit of a response that is read whole, in bytes.
    pub(crate) body_limit: u64,
}

/// A request body, rebuilt for each attempt.
pub(crate) enum Payload {
    Empty,
    Json(Bytes),
    Form(Form),
}

/// A multipart body whose parts are opened again for each attempt.
pub(crate) struct Form {
    pub(crate) open: Box<dyn Fn() -> FormFuture + Send + Sync>,
    /// The local error that interrupted reading a part. The HTTP client itself only reports that
    /// the body failed.
    pub(crate) failure: Arc<Mutex<Option<Error>>>,
    /// Called as the body is sent.
    pub(crate) progress: Option<OnBytesSent>,
}

pub(crate) type FormFuture = Pin<Box<dyn Future<Output = Result<multipart::Form>> + Send>>;

/// What grants access in one call. The service may echo it in its errors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(Vec<Secret>);

impl Secrets {
    /// Anything shorter occurs in a text by chance, and grants no access.
    const MIN_BYTES: usize = 8;

    /// Returns the text without the secrets.
    pub(crate) fn redact(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| match text.contains(secret.expose()) {
            true => text.replace(secret.expose(), "…"),
            false => text,
        })
    }
}

impl<'a> FromIterator<&'a str> for Secrets {
    fn from_iter<I: IntoIterator<Item = &'a str>>(secrets: I) -> Self {
        let secrets = secrets.into_iter().filter(|secret| secret.len() >= Self::MIN_BYTES);
        Self(secrets.map(Secret::new).collect())
    }
}

/// A successful response whose body is still to be read.
#[derive(Debug)]
pub(crate) struct PendingResponse {
    pub(crate) response: Response,
    /// What was read of the body already, where the content type does not say what it is.
    pub(crate) start: Option<UntypedStart>,
    /// The call so far, for errors of what follows.
    pub(crate) call: Call,
    /// What those errors must not show.
    pub(crate) secrets: Secrets,
}

/// The start of a body that came with another content type than the expected one, or with none.
#[derive(Debug)]
pub(crate) struct UntypedStart {
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
    /// How the connection broke after these bytes, if it did.
    pub(crate) broken: Option<reqwest::Error>,
}

/// The value of the `Authorization` header.
///
/// It is marked sensitive, so that neither `Debug` nor a log of the HTTP stack shows it.
#[derive(Clone, Debug)]
pub(crate) struct Authorization(HeaderValue);

const BEARER: &str = "Bearer ";

impl Authorization {
    /// Creates a bearer authorization.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a token that cannot be sent in a header.
    pub(crate) fn bearer(token: &str) -> Result<Self> {
        let mut value = HeaderValue::from_str(&format!("{BEARER}{token}"))
            .map_err(|_| Error::InvalidInput("the token cannot be sent in a header".to_owned()))?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.0.to_str().ok()?.strip_prefix(BEARER)
    }
}

/// The values of a template's braces, in order.
pub(crate) type Params<'a> = &'a [&'a str];

impl Transport {
    /// Returns the URL of an endpoint below the base URL.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an id that could leave its segment of the path: an empty one, a
    /// dot segment, or one with control characters or direction marks. Slashes, question marks and
    /// the like are escaped.
    pub(crate) fn url(&self, endpoint: Endpoint, params: Params<'_>) -> Result<Url> {
        url_below(&self.base, endpoint, params)
    }

    /// Returns the policy of a call.
    pub(crate) fn policy<'a>(&'a self, options: &'a CallOptions) -> &'a dyn RetryPolicy {
        options.policy().unwrap_or(&*self.policy)
    }

    /// Decides what follows a failed attempt. The policy is overruled where the attempt may not be
    /// repeated at all, or the call's time or the shared budget is used up.
    pub(crate) fn decide(&self, options: &CallOptions, attempt: &AttemptInfo) -> RetryDecision {
        match self.policy(options).decide(attempt) {
            RetryDecision::RetryAfter(pause)
                if attempt.may_be_repeated()
                    && options.time_left().is_none_or(|left| pause < left)
                    && self.budget.take() =>
            {
                RetryDecision::RetryAfter(pause)
            }
            _ => RetryDecision::GiveUp,
        }
    }
}

fn url_below(base: &Url, endpoint: Endpoint, params: Params<'_>) -> Result<Url> {
    let mut params = params.iter();
    let mut url = base.clone();
    {
        let mut path = url
            .path_segments_mut()
            .map_err(|()| Error::Configuration("the base URL cannot have a path".to_owned()))?;
        path.pop_if_empty();
        for segment in endpoint.template().split('/').skip(1) {
            if segment.starts_with('{') {
                path.push(checked_id(params.next().copied().unwrap_or_default())?);
            } else {
                path.push(segment);
            }
        }
    }
    Ok(url)
}

fn checked_id(id: &str) -> Result<&str> {
    if is_id(id) { Ok(id) } else { Err(Error::InvalidInput(format!("{id:?} is not an id"))) }
}

/// Returns the span of a call. It is built from an allow-list and holds no id.
pub(crate) fn call_span(endpoint: Endpoint) -> tracing::Span {
    tracing::debug_span!("call", method = endpoint.method(), path = endpoint.template())
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Authorization, Secrets, url_below};
    use crate::protocol::Endpoint;

    #[test]
    fn an_id_never_leaves_its_segment_of_the_path() {
        let base = Url::parse("https://api.test/v1/").unwrap();
        let url = url_below(&base, Endpoint::State, &["a/../b?x=1#f%2f"]).unwrap();
        assert_eq!(
            url.as_str(),
            "https://api.test/v1/api/state/nemo_agent/me/a%2F..%2Fb%3Fx=1%23f%252f/latest"
        );
        for id in ["", ".", "..", "a\nb", "a\0"] {
            assert!(url_below(&base, Endpoint::State, &[id]).is_err(), "{id:?}");
        }
    }

    #[test]
    fn a_base_with_and_without_a_slash_is_the_same() {
        for base in ["http://127.0.0.1:1", "http://127.0.0.1:1/"] {
            let url = url_below(&Url::parse(base).unwrap(), Endpoint::Message, &[]).unwrap();
            assert_eq!(url.as_str(), "http://127.0.0.1:1/run_sse");
        }
    }

    #[test]
    fn a_secret_is_removed_from_a_text_and_the_letters_of_a_short_one_are_not() {
        let secrets = Secrets::from_iter(["nmv_usr_hunter2", "t", ""]);
        let text = "token nmv_usr_hunter2 is not nmv_usr_hunter".to_owned();
        assert_eq!(secrets.redact(text), "token … is not nmv_usr_hunter");
        assert!(!format!("{secrets:?}").contains("hunter2"));
    }

    #[test]
    fn an_authorization_hides_its_token() {
        let authorization = Authorization::bearer("nmv_usr_hunter2").unwrap();
        let shown = format!("{authorization:?} {:?}", authorization.header());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(authorization.token(), Some("nmv_usr_hunter2"));
        assert!(Authorization::bearer("a\r\nx-evil: 1").is_err());
    }
}
