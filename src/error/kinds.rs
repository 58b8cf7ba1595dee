//! The parts that errors are made of.

use std::fmt;
use std::time::Duration;

use url::Url;

use super::Source;
use crate::wire::ErrorCode;

/// What a call can do on the other side: the ground on which it may, or may not, be sent again.
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
    Charges,
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// The number, and what it means.
    pub code: ErrorCode,
    /// What the service said.
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
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectionError {
    /// The call.
    pub call: Call,
    /// What the HTTP client said, without the address.
    pub source: Source,
}

/// A call that may have taken effect and whose answer is not known.
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
}

impl UnknownOutcome {
    pub(crate) fn new(call: Call, what: String, source: Option<Source>) -> Self {
        Self { call, what, source, text: String::new(), reads: 0 }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Clock {
    /// Until the whole of a plain answer is there.
    Answer,
    /// Between two bytes of a stream; heartbeats are bytes.
    Idle,
    /// Heartbeats alone, nothing said.
    Silence,
    /// All of a message, from sending it to the end of its stream.
    Total,
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answer => "no whole answer",
            Self::Idle => "no byte came",
            Self::Silence => "nothing but heartbeats came",
            Self::Total => "the stream did not end",
        })
    }
}
