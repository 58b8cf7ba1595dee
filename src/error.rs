//! What can go wrong, and what each failure means for the user's credits and the next step.
//!
//! Every [`Error`] has four properties: [`code`](Error::code) (the service's error code),
//! [`is_retryable`](Error::is_retryable) (may the same call be made again),
//! [`may_have_taken_effect`](Error::may_have_taken_effect) (was anything done or charged), and
//! [`advice`](Error::advice) (a sentence for the end user).
//!
//! No error holds a token, a client id, a URL with its query, or a body. The `Display` of an error
//! does not repeat its [`source`](std::error::Error::source); print the whole chain, as `anyhow`'s
//! `{:#}` does.
//!
//! ```
//! // What a program does with an error of any kind.
//! fn report(error: &nemovideo::Error) -> String {
//!     let cost = if error.may_have_taken_effect() { "it may have cost credits" } else { "free" };
//!     format!("{error} ({cost}). {}", error.advice())
//! }
//!
//! let error = nemovideo::project::Script::text(" ").unwrap_err();
//! assert!(report(&error).contains("(free). Correct that"));
//! ```

mod connection;
mod details;
mod interrupted;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

pub(crate) use crate::protocol::ErrorCode;
use crate::protocol::{RenderId, RenderJob, ResponseMetadata, one_line};
pub use connection::{ConnectionError, ConnectionFailure};
pub use details::{ApiError, Call, TimeoutKind, UnknownOutcome};
pub use interrupted::{Interrupted, Interruption};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause of an error, shared between its clones.
pub(crate) type Source = Arc<dyn StdError + Send + Sync>;

/// Makes an error, or a text, the source of another error.
pub(crate) fn source(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Source {
    error.into().into()
}

/// Why a call failed.
///
/// The variants for the documented codes 1001, 1002, 2001, 4001, 4002, 400, 402 and 429, what to do
/// about each and a test that meets each are in a [chapter of the guide](crate::guide::errors).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use nemovideo::mock::NemoMock;
/// use nemovideo::protocol::Endpoint;
/// use nemovideo::{Error, ErrorCode};
///
/// let nemo = NemoMock::start().await;
/// nemo.fails(Endpoint::Credits, ErrorCode::RateLimited);
/// let error = nemo.client().credits().await.unwrap_err();
/// assert!(matches!(error, Error::RateLimited(_)));
/// assert!(error.is_retryable() && !error.may_have_taken_effect());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// Code 1001, or 1010 or 1011 of some revisions of the service: the token is expired or invalid,
    /// and the client may not replace it.
    TokenInvalid(Box<ApiError>),
    /// Code 1002: the service does not know this session. What was sent to it before may have been
    /// charged.
    SessionNotFound(Box<ApiError>),
    /// Code 2001: no credits are left; [`ApiError::link`] is where to get some.
    OutOfCredits(Box<ApiError>),
    /// Code 4001: the service does not accept this type of file.
    UnsupportedFileType(Box<ApiError>),
    /// Code 4002: the file is larger than the service accepts.
    FileTooLarge(Box<ApiError>),
    /// Code 400: the client id is missing.
    ClientIdMissing(Box<ApiError>),
    /// Code 402: this export is not allowed. The cause is the plan, a missing attribution header,
    /// or, in some revisions of the service, a token without the `render` scope.
    ExportBlocked(Box<ApiError>),
    /// Code 429: too many requests. By default the client waits and retries once, unless
    /// `Retry-After` is too long.
    RateLimited(Box<ApiError>),
    /// Any other error response; its code and message are kept.
    Api(Box<ApiError>),
    /// The service was not reached: nothing was sent, nothing was done.
    Unreachable(Box<ConnectionError>),
    /// The connection broke during a call that is safe to repeat.
    Disconnected(Box<ConnectionError>),
    /// One of the client's timeouts elapsed during a call that is safe to repeat.
    Timeout {
        /// Which timeout elapsed.
        kind: TimeoutKind,
        /// Its duration.
        after: Duration,
        /// The call.
        call: Box<Call>,
    },
    /// The request may have been accepted, and no response of the service shows whether it was. It
    /// was **not** sent again.
    OutcomeUnknown(Box<UnknownOutcome>),
    /// The response could not be decoded.
    Decode {
        /// Path in the JSON of the response.
        path: String,
        /// What is wrong there.
        source: Arc<dyn StdError + Send + Sync>,
        /// The call.
        call: Box<Call>,
    },
    /// The response to a message was not an event stream.
    NotAStream {
        /// Content type of the response.
        content_type: String,
        /// The call.
        call: Box<Call>,
    },
    /// A limit of the client was exceeded.
    LimitExceeded {
        /// What exceeded the limit.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
    /// The render failed or was cancelled.
    RenderFailed {
        /// Id of the render.
        id: RenderId,
        /// The message of the service.
        reason: String,
    },
    /// The render is not done after the maximum number of polls. It continues on the server, and
    /// its job can be polled again.
    RenderUnfinished {
        /// The job to continue with.
        job: Box<RenderJob>,
        /// Number of polls made.
        polls: u32,
    },
    /// The program itself ended a voiceover or a batch, by a deadline or by cancelling it. It can
    /// be continued.
    Interrupted(Box<Interrupted>),
    /// The agent, or the model behind it, reported a failure.
    AgentFailed(String),
    /// Another message is in progress in this session, which accepts one at a time.
    Busy,
    /// An argument cannot be sent.
    InvalidInput(String),
    /// The client cannot be built with these settings.
    Configuration(String),
    /// A local file could not be read or written.
    Io {
        /// What was attempted, as a verb phrase: "read the script".
        action: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: Arc<io::Error>,
    },
}

impl Error {
    /// Returns the error code, whether the service sent it or the client foresaw it.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        self.api().map(|api| api.code)
    }

    /// Returns the error response, whether the service sent it or the client foresaw it.
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

    /// Returns the call that failed, if the error is about one.
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

    /// Returns what the head of the last response says, if the call that failed got one.
    #[must_use]
    pub fn metadata(&self) -> Option<&ResponseMetadata> {
        self.call().and_then(Call::metadata)
    }

    /// Returns whether making the same call again later may succeed **and** cannot do anything
    /// twice.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited(_)
            | Self::Unreachable(_)
            | Self::RenderUnfinished { .. }
            | Self::Busy => true,
            // Only calls that may be repeated end like this; the others are `OutcomeUnknown`.
            Self::Disconnected(_) | Self::Timeout { .. } => true,
            Self::Api(api) => {
                api.is_server_error()
                    && api.call.as_ref().is_none_or(|call| call.effect().is_repeatable())
            }
            _ => false,
        }
    }

    /// Returns whether the service may have done, and charged for, what was requested.
    ///
    /// It is false when the token for the call could not be obtained, since the call itself was
    /// then not made.
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            // Only the session's state shows what an agent did before it failed.
            Self::OutcomeUnknown(_) | Self::RenderUnfinished { .. } | Self::AgentFailed(_) => true,
            Self::Decode { call, .. }
            | Self::NotAStream { call, .. }
            | Self::Timeout { call, .. } => call.changes_something(),
            Self::Disconnected(failure) => failure.call.changes_something(),
            Self::SessionNotFound(api) => api.follows_message,
            Self::Interrupted(interrupted) => interrupted.may_be_charged(),
            Self::Api(api) => {
                (api.is_server_error() || api.has_only_a_message())
                    && api.call.as_ref().is_some_and(Call::changes_something)
            }
            _ => false,
        }
    }

    /// Returns what to do next, as a sentence for the end user.
    #[must_use]
    pub fn advice(&self) -> String {
        if let Some(api) = self.api() {
            return api.advice();
        }
        match self {
            Self::Unreachable(failure) => failure.reason.advice(),
            Self::Disconnected(_) | Self::Timeout { .. } if self.may_have_taken_effect() => {
                "Try again: if it was done already, it is not done twice."
            }
            Self::Disconnected(_) | Self::Timeout { .. } => {
                "Try again: this call changes nothing on the server."
            }
            Self::OutcomeUnknown(unknown) if unknown.job.is_some() => {
                "Submit the same job again: the render is looked up by its id first, and started once."
            }
            Self::OutcomeUnknown(_) => {
                "Look at the timeline and the credits before sending it again: it may have been done and \
                 charged."
            }
            Self::Decode { .. } | Self::NotAStream { .. } => {
                "Check that NEMO_API_URL is the URL of the service, and not of a proxy or a web page. \
                 If it is, update this library: the service may have changed its responses."
            }
            Self::LimitExceeded { .. } => {
                "If data of this size is expected, raise the limit with `ClientBuilder::limits`."
            }
            Self::RenderFailed { .. } => {
                "Export the video again: exports are free. If that fails as well, undo the last edit or \
                 remove what the reason names, and export once more."
            }
            Self::RenderUnfinished { .. } => {
                "Wait for the same job again: its render continues on the server."
            }
            Self::Interrupted(interrupted) => interrupted.advice(),
            Self::AgentFailed(_) => {
                "Change what the agent's message names, or say it in other words, and send it again. \
                 Compare the credits first: a part may have been done and charged."
            }
            Self::Busy => "Wait until the message in progress is finished, then send this one.",
            Self::InvalidInput(_) => "Correct that and try again: nothing was sent or charged.",
            Self::Configuration(_) => {
                "Correct that setting where the client is built, or in the environment variables \
                 NEMO_API_URL, NEMO_TOKEN and NEMO_CLIENT_ID."
            }
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => "Check the spelling of the path: nothing is there.",
                io::ErrorKind::IsADirectory => "Name a file: this is a directory.",
                io::ErrorKind::NotADirectory => {
                    "Check the path: a part of it that should be a directory is a file."
                }
                io::ErrorKind::PermissionDenied => {
                    "Choose another path, or give this user the permission for it."
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "Free some space, or choose a path on another disk."
                }
                io::ErrorKind::ReadOnlyFilesystem => {
                    "Choose a path on another disk: this one can only be read."
                }
                _ => "Try another path: the system rejects this one for the reason given.",
            },
            // Each of the others holds an error response, whose advice is returned above.
            _ => "Try again in a few minutes.",
        }
        .to_owned()
    }

    /// Returns the render to continue with, if one may be in progress: after
    /// [`Error::OutcomeUnknown`] of a submit, after [`Error::RenderUnfinished`], and after
    /// [`Error::Interrupted`].
    #[must_use]
    pub fn render_job(&self) -> Option<&RenderJob> {
        match self {
            Self::OutcomeUnknown(unknown) => unknown.job.as_deref(),
            Self::RenderUnfinished { job, .. } => Some(job),
            Self::Interrupted(interrupted) => interrupted.job.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_owned(), source: Arc::new(source) }
    }

    /// Creates the variant that corresponds to the code.
    pub(crate) fn from_api(mut api: ApiError) -> Self {
        api.message = one_line(&api.message);
        // 400 is documented for a missing client id, but any malformed request gets it too.
        if api.code == ErrorCode::ClientIdMissing && !mentions_the_client_id(&api.message) {
            api.code = ErrorCode::Other(api.code.number());
        }
        let variant = match api.code {
            code if code.is_token_rejection() => Self::TokenInvalid,
            ErrorCode::SessionNotFound => Self::SessionNotFound,
            ErrorCode::OutOfCredits => Self::OutOfCredits,
            ErrorCode::UnsupportedFileType => Self::UnsupportedFileType,
            ErrorCode::FileTooLarge => Self::FileTooLarge,
            ErrorCode::ClientIdMissing => Self::ClientIdMissing,
            ErrorCode::ExportBlocked => Self::ExportBlocked,
            ErrorCode::RateLimited => Self::RateLimited,
            _ => Self::Api,
        };
        variant(Box::new(api))
    }
}

/// Returns whether a message is about the client id, or empty.
fn mentions_the_client_id(message: &str) -> bool {
    let letters = message.chars().filter(|c| c.is_alphanumeric());
    message.is_empty() || letters.collect::<String>().to_lowercase().contains("clientid")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TokenInvalid(api)
            | Self::SessionNotFound(api)
            | Self::OutOfCredits(api)
            | Self::UnsupportedFileType(api)
            | Self::FileTooLarge(api)
            | Self::ClientIdMissing(api)
            | Self::ExportBlocked(api)
            | Self::RateLimited(api)
            | Self::Api(api) => write!(f, "{api}"),
            Self::Unreachable(failure) => {
                write!(f, "{}: the service was not reached", failure.call)?;
                failure.reason.explain(f)
            }
            Self::Disconnected(failure) => {
                write!(f, "{}: the connection broke", failure.call)?;
                failure.reason.explain(f)
            }
            Self::Timeout { kind, after, call } => {
                write!(f, "{call}: {kind} for {:.1} s", after.as_secs_f64())
            }
            Self::OutcomeUnknown(unknown) => write!(f, "{unknown}"),
            Self::Decode { path, call, .. } => {
                write!(f, "{call}: the response could not be decoded at `{path}`")
            }
            Self::NotAStream { content_type, call } => {
                write!(f, "{call}: expected an event stream, got {content_type}")
            }
            Self::LimitExceeded { what, limit } => {
                write!(f, "{what} is larger than the limit of {limit} bytes")
            }
            Self::RenderFailed { id, reason } => write!(f, "render {id} failed: {reason}"),
            Self::RenderUnfinished { job, polls } => {
                write!(f, "render {} is not done after {polls} polls; it continues", job.id)
            }
            Self::Interrupted(interrupted) => write!(f, "{interrupted}"),
            Self::AgentFailed(message) => write!(f, "the agent failed: {message}"),
            Self::Busy => f.write_str("another message is in progress in this session"),
            Self::InvalidInput(what) => write!(f, "invalid input: {what}"),
            Self::Configuration(what) => write!(f, "the client cannot be built: {what}"),
            Self::Io { action, path, .. } => write!(f, "could not {action} {}", path.display()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source: &Source = match self {
            Self::Unreachable(failure) | Self::Disconnected(failure) => &failure.source,
            Self::OutcomeUnknown(unknown) => unknown.source.as_ref()?,
            Self::Decode { source, .. } => source,
            Self::Io { source, .. } => return Some(&**source),
            _ => return None,
        };
        Some(&**source)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as StdError;
    use std::io;

    use super::{ApiError, Error};
    use crate::protocol::ErrorCode;

    #[test]
    fn every_documented_code_has_its_variant_and_its_advice() {
        for number in [1001, 1010, 1011, 1002, 2001, 4001, 4002, 400, 402, 429] {
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
    fn advice_on_a_file_says_what_is_wrong_with_its_path() {
        for (kind, word) in [
            (io::ErrorKind::NotFound, "spelling"),
            (io::ErrorKind::IsADirectory, "directory"),
            (io::ErrorKind::PermissionDenied, "permission"),
            (io::ErrorKind::StorageFull, "space"),
            (io::ErrorKind::Other, "another path"),
        ] {
            let advice = Error::io("read", "/x", kind.into()).advice();
            assert!(advice.contains(word), "{advice}");
        }
    }

    #[test]
    fn a_400_about_something_else_is_no_missing_client_id() {
        let error = |message: &str| Error::from_api(ApiError::local(ErrorCode::from(400), message));
        for message in ["", "X-Client-Id required", "the client id is missing", "no client_id"] {
            assert!(matches!(error(message), Error::ClientIdMissing(_)), "{message}");
        }
        let other = error("language is not a BCP-47 tag");
        assert!(matches!(other, Error::Api(_)) && !other.advice().contains("CLIENT_ID"));
        assert!(other.to_string().contains("(400): language"), "{other}");
    }

    #[test]
    fn a_message_is_one_line_of_limited_length() {
        let message = format!("no\n\u{1b}[2J{}", "x".repeat(1_000_000));
        let error = Error::from_api(ApiError::local(ErrorCode::Other(5003), message));
        let shown = format!("{error}{error:?}");
        assert!(shown.len() < 2_000 && !shown.contains(['\n', '\u{1b}']), "{shown}");
    }

    #[test]
    fn a_clone_shares_its_source_and_neither_repeats_it() {
        let error = Error::io("read", "/x", io::Error::other("the disk is on fire"));
        for error in [error.clone(), error] {
            assert_eq!(error.to_string(), "could not read /x");
            assert_eq!(error.source().unwrap().to_string(), "the disk is on fire");
        }
    }
}
