//! The parts that errors are made of.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::Source;
use crate::protocol::{Effect, Endpoint, ErrorCode, FileFormat, RenderJob, ResponseMetadata};

/// One logical call: its endpoint, the number of attempts, and the time they took.
///
/// It shows the path of the endpoint as a template (`/api/state/nemo_agent/me/{session}/latest`),
/// so it holds no id and no query, and can be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Number of attempts.
    pub attempts: u32,
    /// Time from the first attempt to the error.
    pub elapsed: Duration,
    /// Request id of the last response, if the service sent one.
    pub request_id: Option<String>,
    /// What the head of the last response says, if there was one.
    pub(crate) response: Option<Box<ResponseMetadata>>,
}

impl Call {
    /// Creates a call of one attempt.
    pub(crate) const fn once(endpoint: Endpoint, elapsed: Duration) -> Self {
        Self { endpoint, attempts: 1, elapsed, request_id: None, response: None }
    }

    /// Returns what the head of the last response says, if there was one.
    #[must_use]
    pub fn metadata(&self) -> Option<&ResponseMetadata> {
        self.response.as_deref()
    }

    /// Returns what the call can do on the server.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.endpoint.effect()
    }

    /// Returns whether the call, once received, has changed something. A token request changes
    /// nothing that the caller requested, and costs nothing.
    pub(crate) const fn changes_something(&self) -> bool {
        !matches!(self.effect(), Effect::ReadOnly) && !matches!(self.endpoint, Endpoint::Token)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, path) = (self.endpoint.method(), self.endpoint.template());
        let (count, seconds) = (self.attempts, self.elapsed.as_secs_f64());
        let attempts = if count == 1 { "attempt" } else { "attempts" };
        write!(f, "{method} {path} ({count} {attempts}, {seconds:.1} s")?;
        if let Some(id) = &self.request_id {
            write!(f, ", request {id}")?;
        }
        f.write_str(")")
    }
}

/// An error response of the service, or one that the client foresaw.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// The code and its meaning.
    pub code: ErrorCode,
    /// The message of the service, as one line of at most 500 characters.
    pub message: String,
    /// The HTTP status, `None` when nothing was sent.
    pub status: Option<u16>,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
    /// Where the user can resolve it: the registration page for an anonymous account that is out
    /// of credits. In some revisions of the service, registering brings 100 credits more, and the
    /// projects stay.
    pub link: Option<Url>,
    /// The call, `None` when nothing was sent.
    pub call: Option<Call>,
    /// A message was sent before the call, which found its session gone.
    pub(crate) follows_message: bool,
    /// The directory from which the client has its own id, where the call was for a token.
    pub(crate) id_dir: Option<PathBuf>,
}

impl ApiError {
    /// Creates an error that is known before anything is sent.
    pub(crate) fn local(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            status: None,
            retry_after: None,
            link: None,
            call: None,
            follows_message: false,
            id_dir: None,
        }
    }

    /// Returns what the head of the response says; `None` when nothing was sent.
    #[must_use]
    pub fn metadata(&self) -> Option<&ResponseMetadata> {
        self.call.as_ref()?.metadata()
    }

    pub(super) fn advice(&self) -> String {
        match (self.code, &self.link, self.retry_after) {
            (ErrorCode::OutOfCredits, Some(link), _) => {
                return format!(
                    "Register at {link}: that brings 100 credits more and keeps the projects."
                );
            }
            (ErrorCode::UnsupportedFileType, ..) => {
                return format!("Use one of these formats: {}.", FileFormat::accepted());
            }
            (
                ErrorCode::TokenInvalid | ErrorCode::TokenInvalid1010 | ErrorCode::TokenInvalid1011,
                ..,
            ) => {
                "Set NEMO_TOKEN to a valid token, or unset it to continue anonymously."
            }
            // A token whose response was lost, or that could not be stored.
            (ErrorCode::RateLimited, ..)
                if self.call.as_ref().is_some_and(|call| call.endpoint == Endpoint::Token) =>
            {
                let removed = self.id_dir.as_ref().map_or_else(String::new, |dir| {
                    format!(", or remove the file {}", dir.join("client_id").display())
                });
                return format!(
                    "Set NEMO_TOKEN to a token of yours, or wait until the service issues this \
                     client id its next one. Or continue as another anonymous account, with other \
                     credits and sessions: set NEMO_CLIENT_ID to a new UUID{removed}. The service \
                     issues ten such tokens per network and week."
                );
            }
            (ErrorCode::RateLimited, _, Some(wait)) => {
                return format!("Wait {} s, then try again.", wait.as_secs().max(1));
            }
            (ErrorCode::SessionNotFound, ..) if self.follows_message => {
                "Look at the credits before sending the message again in a new session: it may have \
                 been charged. This session is gone or belongs to another account."
            }
            (ErrorCode::SessionNotFound, ..) => {
                "Start a new session; this one is gone or belongs to another account."
            }
            (ErrorCode::OutOfCredits, ..) => "Top up the account's credits, then try again.",
            (ErrorCode::FileTooLarge, ..) => "Compress or trim the file below 200 MB.",
            (ErrorCode::ClientIdMissing, ..) => {
                "Set NEMO_CLIENT_ID to a UUID, or remove it so that one is generated."
            }
            (ErrorCode::ExportBlocked, ..) => {
                "Credits do not help: an export needs a subscription to a plan that includes it, all \
                 three attribution headers, and, in some revisions of the service, a token with the \
                 `render` scope."
            }
            (ErrorCode::RateLimited, ..) => "Wait 30 s, then try again.",
            (ErrorCode::Other(_), ..) if self.status.is_some_and(|status| status >= 500) => {
                "The service has a problem; try again in a few minutes."
            }
            _ => match self.status {
                Some(403) => "Use a token (NEMO_TOKEN) that is allowed to do this.",
                Some(404) => {
                    "Check the id: nothing has it, or what has it belongs to another account."
                }
                _ => {
                    "Change what the message of the service names, and try again. If it names nothing \
                     of yours, report its code and the request id to the service."
                }
            },
        }
        .to_owned()
    }

    /// Returns whether the service itself failed, which leaves open what was done.
    pub(crate) fn is_server_error(&self) -> bool {
        matches!(self.code, ErrorCode::Other(_)) && self.status.is_some_and(|status| status >= 500)
    }

    /// Returns whether a successful response held a message without a code, which leaves open
    /// what was done, too.
    pub(crate) fn has_only_a_message(&self) -> bool {
        match (self.code, self.status) {
            (ErrorCode::Other(0), None) => true,
            // Without a code the status stands for it.
            (ErrorCode::Other(code), Some(status @ 200..300)) => code == i64::from(status),
            _ => false,
        }
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

/// A call that may have taken effect and whose response was lost.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UnknownOutcome {
    /// The call. It was not repeated after the attempt whose outcome is unknown.
    pub call: Call,
    /// What happened instead of a response.
    pub what: String,
    /// The error behind it, without the URL.
    pub source: Option<Source>,
    /// The text of the agent so far.
    pub text: String,
    /// The number of polls of the session's state afterwards, none of which found a change.
    pub polls: u32,
    /// The render that was submitted. [`ensure_submitted`](crate::NemoClient::ensure_submitted)
    /// looks it up by its id, and submits it again only if the service does not know it.
    pub job: Option<Box<RenderJob>>,
}

impl UnknownOutcome {
    pub(crate) fn new(call: Call, what: String, source: Option<Source>) -> Self {
        Self { call, what, source, text: String::new(), polls: 0, job: None }
    }
}

impl fmt::Display for UnknownOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; it may have been done and was not sent again", self.call, self.what)?;
        if self.polls > 0 {
            write!(f, " (the session's state was read {} times and had not changed)", self.polls)?;
        }
        Ok(())
    }
}

/// A timeout of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutKind {
    /// The limit for a whole JSON response, and for the head of a stream.
    Response,
    /// The limit between two bytes of a stream; heartbeats are bytes.
    Idle,
    /// The limit for a stream that carries only heartbeats.
    Silence,
    /// The limit for the whole stream of a message, after the head of the response.
    Total,
}

impl fmt::Display for TimeoutKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Response => "no complete response",
            Self::Idle => "no data received",
            Self::Silence => "only heartbeats received",
            Self::Total => "the stream did not end",
        })
    }
}
