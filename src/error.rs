//! What can go wrong, and what each means for the user's money and the next step.
//!
//! Every [`Error`] answers four questions: [`code`](Error::code) (the service's number),
//! [`is_retryable`](Error::is_retryable) (may the same call be made again),
//! [`may_have_taken_effect`](Error::may_have_taken_effect) (was anything done or charged), and
//! [`advice`](Error::advice) (a sentence for the person at the keyboard).
//!
//! No error holds a token, a client id, an address with its query, or a body.
//!
//! ```
//! // What a program does with an error of any kind.
//! fn report(error: &nemovideo::Error) -> String {
//!     let cost = if error.may_have_taken_effect() { "it may have cost credits" } else { "free" };
//!     format!("{error} ({cost}). {}", error.advice())
//! }
//!
//! let error = nemovideo::project::Script::text(" ").unwrap_err();
//! assert!(report(&error).contains("(free). Change the argument"));
//! ```

mod advice;
mod kinds;
mod words;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use crate::protocol::ErrorCode;
use crate::protocol::{RenderId, RenderJob, one_line};
pub use kinds::{ApiError, Call, ConnectionError, Effect, TimeoutKind, UnknownOutcome};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whatever an error was caused by.
pub(crate) type Source = Box<dyn StdError + Send + Sync>;

/// Why a call did not do what it was asked.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::mock::{MockResponse, Endpoint, MockNemo};
/// use nemovideo::{Error, ErrorCode};
///
/// let nemo = MockNemo::start().await;
/// nemo.given(MockResponse::refusal(Endpoint::Credits, ErrorCode::RateLimited)).await;
/// let error = nemo.client().credits().await.unwrap_err();
/// assert!(matches!(error, Error::RateLimited(_)));
/// assert_eq!(error.code(), Some(ErrorCode::RateLimited));
/// assert!(error.is_retryable() && !error.may_have_taken_effect());
/// println!("{error}\n{}", error.advice());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// 1001: the token is expired or invalid, and the client may not replace it.
    TokenInvalid(Box<ApiError>),
    /// 1002: the service does not know this session.
    SessionNotFound(Box<ApiError>),
    /// 2001: no credits left; [`ApiError::link`] says where to get some.
    OutOfCredits(Box<ApiError>),
    /// 4001: the service does not take this type of file.
    UnsupportedFileType(Box<ApiError>),
    /// 4002: the file is larger than the service takes.
    FileTooLarge(Box<ApiError>),
    /// 400: the client id did not arrive.
    ClientIdMissing(Box<ApiError>),
    /// 402: the plan does not allow this export.
    ExportBlocked(Box<ApiError>),
    /// 429: too many requests, also after waiting once.
    RateLimited(Box<ApiError>),
    /// Any other refusal; its number and message are kept.
    Api(Box<ApiError>),
    /// The service was not reached: nothing was sent, nothing was done.
    Unreachable(Box<ConnectionError>),
    /// The connection broke on a call that changes nothing, or nothing more when it is made again.
    Disconnected(Box<ConnectionError>),
    /// One of the client's clocks ran out on such a call.
    Timeout {
        /// Which one.
        clock: TimeoutKind,
        /// How long it ran.
        after: Duration,
        /// The call.
        call: Box<Call>,
    },
    /// The request may have been taken and its answer never came. It was **not** sent again.
    OutcomeUnknown(Box<UnknownOutcome>),
    /// The answer could not be read; names the place in its JSON.
    Decode {
        /// Where in the JSON.
        path: String,
        /// What is wrong there.
        source: serde_json::Error,
        /// The call.
        call: Box<Call>,
    },
    /// The answer to a message was not an event stream.
    NotAStream {
        /// The content type that came instead.
        content_type: String,
        /// The call.
        call: Box<Call>,
    },
    /// Something passed one of the client's limits.
    LimitExceeded {
        /// What.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
    /// The service could not render this draft.
    RenderFailed {
        /// The render.
        id: RenderId,
        /// What the service said.
        reason: String,
    },
    /// The render is not done yet after all the polls allowed; it goes on, and its job can be
    /// polled again.
    RenderUnfinished {
        /// The job to go on with.
        job: Box<RenderJob>,
        /// How often it was asked for.
        polls: u32,
    },
    /// The agent, or the model behind it, said that it failed.
    AgentFailed(String),
    /// A message is being worked on in this session; one at a time is taken.
    Busy,
    /// An argument that cannot be sent.
    InvalidInput(String),
    /// The client could not be built like this.
    Configuration(String),
    /// A file of the user's could not be read or written.
    Io {
        /// What was being done, in words.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// The system's word on it.
        source: std::io::Error,
    },
}

impl Error {
    /// The service's code, where it gave one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        self.api().map(|api| api.code)
    }

    /// The refusal, where the service refused.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::{MockResponse, Endpoint, MockNemo};
    /// use nemovideo::{Error, ErrorCode};
    ///
    /// let nemo = MockNemo::start().await;
    /// nemo.given(MockResponse::refusal(Endpoint::Credits, ErrorCode::Other(5003))).await;
    /// let error = nemo.client().credits().await.unwrap_err();
    /// let api = error.api().expect("a refusal");
    /// assert_eq!((api.code.number(), api.status), (5003, Some(200)));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::TokenInvalid(api)
            | Self::SessionNotFound(api)
            | Self::OutOfCredits(api)
            | Self::UnsupportedFileType(api)
            | Self::FileTooLarge(api)
            | Self::ClientIdMissing(api)
            | Self::ExportBlocked(api)
            | Self::RateLimited(api)
            | Self::Api(api) => Some(api),
            _ => None,
        }
    }

    /// The call that failed, where there was one.
    ///
    /// ```
    /// use nemovideo::{Effect, Error};
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let nemo = nemovideo::mock::MockNemo::start().await;
    ///
    /// // This service knows nothing of credits: 404.
    /// let error = nemo.client().credits().await.unwrap_err();
    /// let call = error.call().expect("a call that was sent");
    /// assert_eq!((call.method, call.route), ("GET", "/api/credits/balance/simple"));
    /// assert_eq!((call.effect, call.attempts), (Effect::ReadOnly, 1));
    /// # });
    /// ```
    #[must_use]
    pub fn call(&self) -> Option<&Call> {
        match self {
            Self::Unreachable(failure) | Self::Disconnected(failure) => Some(&failure.call),
            Self::OutcomeUnknown(unknown) => Some(&unknown.call),
            Self::Timeout { call, .. }
            | Self::Decode { call, .. }
            | Self::NotAStream { call, .. } => Some(call),
            _ => self.api().and_then(|api| api.call.as_ref()),
        }
    }

    /// Whether making the same call again later may work **and** cannot do anything twice.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited(_)
            | Self::Unreachable(_)
            | Self::RenderUnfinished { .. }
            | Self::Busy => true,
            // Calls that may be repeated alone end like this; the others are `OutcomeUnknown`.
            Self::Disconnected(_) | Self::Timeout { .. } => true,
            Self::Api(api) => {
                api.has_trouble()
                    && api.call.as_ref().is_none_or(|call| call.effect.is_repeatable())
            }
            _ => false,
        }
    }

    /// Whether the service may have done, and charged for, what it was asked. Where the token for
    /// the call could not be had, it was not asked.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// # let session = client.create_session(CreateSession::default()).await?;
    /// # let id = &session.session_id;
    /// use nemovideo::local::{Fault, Route, FaultyResponse};
    /// use nemovideo::Error;
    ///
    /// let lost = Fault::DropResponse(FaultyResponse::Reset); // the work is done, the answer lost
    /// backend.faults().inject(lost).on(Route::Session).once();
    /// let error = client.create_session(CreateSession::default()).await.unwrap_err();
    /// assert!(matches!(error, Error::OutcomeUnknown(_)));
    /// assert!(error.may_have_taken_effect() && !error.is_retryable());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            // What an agent did before it failed is for the state to tell.
            Self::OutcomeUnknown(_) | Self::RenderUnfinished { .. } | Self::AgentFailed(_) => true,
            Self::Decode { call, .. }
            | Self::NotAStream { call, .. }
            | Self::Timeout { call, .. } => call.changes_something(),
            Self::Disconnected(failure) => failure.call.changes_something(),
            Self::Api(api) => {
                (api.has_trouble() || api.is_lone_words())
                    && api.call.as_ref().is_some_and(Call::changes_something)
            }
            _ => false,
        }
    }

    /// The render to go on with, where one may be under way: of [`Error::OutcomeUnknown`] after a
    /// submit, and of [`Error::RenderUnfinished`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, CreateSession, ExponentialRetry, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url()).retry(ExponentialRetry::never());
    /// # let client = client.in_memory_credentials().build()?;
    /// # let session = client.create_session(CreateSession::default()).await?;
    /// # let id = &session.session_id;
    /// # futures::StreamExt::count(client.send_message(id, "narrate: Hello.").await?).await;
    /// # let draft = client.session_state(id).await?.draft.ok_or("nothing was made")?;
    /// use nemovideo::RenderOutput;
    /// use nemovideo::local::{Fault, Refusal, Route, FaultyResponse};
    ///
    /// // The submit arrives, its answer is lost, and asking for the render fails too.
    /// backend.faults().inject(Fault::DropResponse(FaultyResponse::Reset)).on(Route::RenderSubmit).once();
    /// let down = FaultyResponse::from(Refusal::status(503));
    /// backend.faults().inject(Fault::ReplaceResponse(down)).on(Route::RenderStatus).once();
    /// let error = client.submit_render(id, &draft, RenderOutput::mp4()).await.unwrap_err();
    ///
    /// let job = error.render_job().expect("the render that may be under way");
    /// client.ensure_submitted(job).await?; // in another process, say
    /// assert_eq!(backend.counters().renders_started, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn render_job(&self) -> Option<&RenderJob> {
        match self {
            Self::OutcomeUnknown(unknown) => unknown.job.as_deref(),
            Self::RenderUnfinished { job, .. } => Some(job),
            _ => None,
        }
    }

    pub(crate) fn io(doing: &'static str, path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { doing, path: path.as_ref().to_owned(), source }
    }

    /// The variant that a code stands for.
    pub(crate) fn from_api(mut api: ApiError) -> Self {
        api.message = one_line(&api.message);
        // 400 is documented for a missing client id, and is what any malformed request gets too.
        if api.code == ErrorCode::ClientIdMissing && !speaks_of_a_client_id(&api.message) {
            api.code = ErrorCode::Other(api.code.number());
        }
        let variant = match api.code {
            ErrorCode::TokenInvalid => Self::TokenInvalid,
            ErrorCode::SessionNotFound => Self::SessionNotFound,
            ErrorCode::OutOfCredits => Self::OutOfCredits,
            ErrorCode::UnsupportedFileType => Self::UnsupportedFileType,
            ErrorCode::FileTooLarge => Self::FileTooLarge,
            ErrorCode::ClientIdMissing => Self::ClientIdMissing,
            ErrorCode::ExportBlocked => Self::ExportBlocked,
            ErrorCode::RateLimited => Self::RateLimited,
            ErrorCode::Other(_) => Self::Api,
        };
        variant(Box::new(api))
    }
}

/// Whether a message is about the client id, or about nothing at all.
fn speaks_of_a_client_id(message: &str) -> bool {
    let letters = message.chars().filter(|c| c.is_alphanumeric());
    message.is_empty() || letters.collect::<String>().to_lowercase().contains("clientid")
}

#[cfg(test)]
mod tests {
    use super::{ApiError, Error};
    use crate::protocol::ErrorCode;

    #[test]
    fn every_documented_code_has_its_variant_and_its_advice() {
        for number in [1001, 1002, 2001, 4001, 4002, 400, 402, 429] {
            let code = ErrorCode::from(number);
            let error = Error::from_api(ApiError::local(code, code.meaning()));
            assert!(!matches!(error, Error::Api(_)), "{number}");
            assert_eq!(error.code().unwrap().number(), number);
            assert!(error.to_string().contains(&number.to_string()), "{error}");
            assert!(error.advice().len() > 20, "{number}");
            assert!(!error.may_have_taken_effect());
        }
        let other = Error::from_api(ApiError::local(ErrorCode::Other(5003), "said"));
        assert!(matches!(other, Error::Api(_)));
        assert!(other.to_string().contains("5003") && other.to_string().contains("said"));
    }

    #[test]
    fn a_400_about_something_else_is_not_about_the_client_id() {
        let error = |words: &str| Error::from_api(ApiError::local(ErrorCode::from(400), words));
        for words in ["", "X-Client-Id required", "the client id is missing", "no client_id"] {
            assert!(matches!(error(words), Error::ClientIdMissing(_)), "{words}");
        }
        let other = error("language is not a BCP-47 tag");
        assert!(matches!(other, Error::Api(_)) && !other.advice().contains("CLIENT_ID"));
        assert!(other.to_string().contains("(400): language"), "{other}");
    }

    #[test]
    fn what_a_service_says_is_one_line_that_ends() {
        let words = format!("no\n\u{1b}[2J{}", "x".repeat(1_000_000));
        let error = Error::from_api(ApiError::local(ErrorCode::Other(5003), words));
        let shown = format!("{error}{error:?}");
        assert!(shown.len() < 2_000 && !shown.contains(['\n', '\u{1b}']), "{shown}");
    }
}
