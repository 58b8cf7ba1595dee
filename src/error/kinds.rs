//! The parts that errors are made of.

use std::fmt;
use std::time::Duration;

use url::Url;

use super::Source;
use crate::protocol::{ErrorCode, RenderJob};

/// What a call can do on the other side: the ground on which it may, or may not, be sent again.
///
/// ```
/// use nemovideo::Effect;
///
/// assert!(Effect::ReadOnly.is_read_only() && Effect::ReadOnly.is_repeatable());
/// assert!(Effect::Idempotent.is_repeatable());
/// assert!(!Effect::Creates.is_repeatable() && !Effect::Billable.is_repeatable());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// Changes nothing: credits, state, a render's status, a download.
    ReadOnly,
    /// Changes something once, however often it arrives: a token by its client id, a render by
    /// its own id, a cancel.
    Idempotent,
    /// Makes something new each time: a session, an upload.
    Creates,
    /// Costs money each time: a message.
    Billable,
}

impl Effect {
    /// Whether a call that arrives twice does no more than one that arrives once.
    #[must_use]
    pub const fn is_repeatable(self) -> bool {
        matches!(self, Self::ReadOnly | Self::Idempotent)
    }

    /// Whether the call changes nothing at all.
    #[must_use]
    pub const fn is_read_only(self) -> bool {
        matches!(self, Self::ReadOnly)
    }
}

/// One logical call: what was asked, how often it was tried, and how long that took.
///
/// It names the route by its template (`/api/state/nemo_agent/me/{session}/latest`): no id and no
/// query is in it.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url());
/// # let client = client.in_memory_credentials().build()?;
/// use nemovideo::Effect;
///
/// let error = client.session_state(&"s-4711".into()).await.unwrap_err();
/// let call = error.call().expect("a call that was sent");
/// assert_eq!(call.route, "/api/state/nemo_agent/me/{session}/latest");
/// assert_eq!((call.effect, call.attempts), (Effect::ReadOnly, 1));
/// assert!(!call.to_string().contains("s-4711")); // fit for a log
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The HTTP method.
    pub method: &'static str,
    /// The route's template.
    pub route: &'static str,
    /// What the call can do on the other side.
    pub effect: Effect,
    /// How often it was tried.
    pub attempts: u32,
    /// From the first try to the error.
    pub elapsed: Duration,
    /// The request id of the last answer, if the service sent one.
    pub request_id: Option<String>,
}

impl Call {
    /// Where tokens come from. A call for one changes nothing that the caller asked for, and costs
    /// nothing.
    const TOKEN_ROUTE: &str = "/api/auth/anonymous-token";

    /// Whether the call, once it arrived, has done something.
    pub(crate) fn changes_something(&self) -> bool {
        !self.effect.is_read_only() && self.route != Self::TOKEN_ROUTE
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempts = if self.attempts == 1 { "attempt" } else { "attempts" };
        write!(
            f,
            "{} {} ({} {attempts}, {:.1} s",
            self.method,
            self.route,
            self.attempts,
            self.elapsed.as_secs_f64()
        )?;
        if let Some(id) = &self.request_id {
            write!(f, ", request {id}")?;
        }
        f.write_str(")")
    }
}

/// The service said no, or the SDK knew that it would.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::mock::{MockResponse, Endpoint, MockNemo};
/// use nemovideo::mock::wiremock::ResponseTemplate;
/// use std::time::Duration;
///
/// let nemo = MockNemo::start().await;
/// let busy = ResponseTemplate::new(429).insert_header("Retry-After", "0");
/// nemo.given(MockResponse::raw(Endpoint::Credits, busy)).await;
/// let error = nemo.client().credits().await.unwrap_err();
/// let api = error.api().expect("a refusal");
/// assert_eq!(api.retry_after, Some(Duration::ZERO));
/// assert_eq!(api.call.as_ref().map(|call| call.attempts), Some(2)); // it was waited out once
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// The number, and what it means.
    pub code: ErrorCode,
    /// What the service said, as one line of at most 500 characters.
    pub message: String,
    /// The HTTP status, `None` when nothing was sent.
    pub status: Option<u16>,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
    /// Where a person can mend it: the registration page for an anonymous account out of credits.
    pub link: Option<Url>,
    /// The call, `None` when nothing was sent.
    pub call: Option<Call>,
}

impl ApiError {
    /// A refusal known before anything was sent.
    pub(crate) fn local(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            status: None,
            retry_after: None,
            link: None,
            call: None,
        }
    }

    /// The service met a trouble of its own, which is no word on what was done.
    pub(crate) fn has_trouble(&self) -> bool {
        matches!(self.code, ErrorCode::Other(_)) && self.status.is_some_and(|status| status >= 500)
    }

    /// The service answered with nothing but words, under no code: no word on it either.
    pub(crate) fn is_lone_words(&self) -> bool {
        self.code == ErrorCode::Other(0) && self.status.is_none()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(call) = &self.call {
            write!(f, "{call}: ")?;
        }
        write!(f, "{}", self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

/// A connection that was not made, or did not hold.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::{Error, NemoClient, ExponentialRetry};
///
/// // Nobody listens on port 1.
/// let client = NemoClient::builder()
///     .base_url("http://127.0.0.1:1")
///     .in_memory_credentials()
///     .retry(ExponentialRetry::never())
///     .build()?;
/// match client.credits().await {
///     Err(Error::Unreachable(failure)) => println!("{}: {}", failure.call, failure.source),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectionError {
    /// The call.
    pub call: Call,
    /// What the HTTP client said, without the address.
    pub source: Source,
}

/// A call that may have taken effect and whose answer is not known.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url());
/// # let client = client.in_memory_credentials().build()?;
/// # let session = client.create_session(CreateSession::default()).await?;
/// # let id = &session.session_id;
/// use nemovideo::Error;
/// use nemovideo::local::{Fault, Route, FaultyResponse};
///
/// backend.faults().inject(Fault::DropResponse(FaultyResponse::Reset)).on(Route::Session).once();
/// match client.create_session(CreateSession::default()).await {
///     Err(Error::OutcomeUnknown(unknown)) => {
///         assert_eq!(unknown.call.attempts, 1); // never sent again
///         println!("{unknown}");
///     }
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct UnknownOutcome {
    /// The call; it was sent once and not again.
    pub call: Call,
    /// What happened instead of an answer.
    pub what: String,
    /// What the HTTP client said, without the address.
    pub source: Option<Source>,
    /// What the agent had said until then.
    pub text: String,
    /// How often the session's state was read afterwards, and had not changed.
    pub reads: u32,
    /// The render that was submitted: with [`ensure_submitted`](crate::NemoClient::ensure_submitted) it is
    /// asked for by its id, and submitted again only if the service does not know it.
    pub job: Option<Box<RenderJob>>,
}

impl UnknownOutcome {
    pub(crate) fn new(call: Call, what: String, source: Option<Source>) -> Self {
        Self { call, what, source, text: String::new(), reads: 0, job: None }
    }
}

impl fmt::Display for UnknownOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; it may have been done and was not sent again", self.call, self.what)?;
        if self.reads > 0 {
            write!(f, " (the session's state was read {} times and had not changed)", self.reads)?;
        }
        Ok(())
    }
}

/// One of the clocks that watch a call.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::mock::{MockResponse, Endpoint, MockNemo};
/// use nemovideo::mock::wiremock::ResponseTemplate;
/// use nemovideo::{Error, ExponentialRetry, Timeouts, error::TimeoutKind};
/// use std::time::Duration;
///
/// let nemo = MockNemo::start().await;
/// let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
/// nemo.given(MockResponse::raw(Endpoint::Credits, late)).await;
/// let timeouts = Timeouts::default().with_response(Duration::from_millis(50));
/// let client = nemo.client_builder().retry(ExponentialRetry::never()).timeouts(timeouts).build()?;
/// let error = client.credits().await.unwrap_err();
/// assert!(matches!(error, Error::Timeout { clock: TimeoutKind::Response, .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutKind {
    /// Until the whole of a plain answer is there.
    Response,
    /// Between two bytes of a stream; heartbeats are bytes.
    Idle,
    /// Heartbeats alone, nothing said.
    Silence,
    /// All of a message, from sending it to the end of its stream.
    Total,
}

impl fmt::Display for TimeoutKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Response => "no whole answer",
            Self::Idle => "no byte came",
            Self::Silence => "nothing but heartbeats came",
            Self::Total => "the stream did not end",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Call;
    use crate::protocol::endpoint::routes;

    #[test]
    fn the_route_of_tokens_is_known_by_its_name() {
        assert_eq!(Call::TOKEN_ROUTE, routes::TOKEN.template);
    }
}
