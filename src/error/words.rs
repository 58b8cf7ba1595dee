//! How errors are told: their line, and what caused them.

use std::error::Error as StdError;
use std::fmt;

use super::Error;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(failure) => {
                write!(f, "{}: the service was not reached: {}", failure.call, failure.source)
            }
            Self::Disconnected(failure) => {
                write!(f, "{}: the connection broke: {}", failure.call, failure.source)
            }
            Self::Timeout { clock, after, call } => {
                write!(f, "{call}: {clock} for {:.1} s", after.as_secs_f64())
            }
            Self::OutcomeUnknown(unknown) => write!(f, "{unknown}"),
            Self::Decode { path, source, call } => {
                write!(f, "{call}: the answer could not be read at `{path}`: {source}")
            }
            Self::NotAStream { content_type, call } => {
                write!(f, "{call}: expected an event stream, got {content_type}")
            }
            Self::LimitExceeded { what, limit } => {
                write!(f, "{what} is larger than the limit of {limit} bytes")
            }
            Self::RenderFailed { id, reason } => write!(f, "render {id} failed: {reason}"),
            Self::RenderUnfinished { job, polls } => {
                write!(f, "render {} is not done after {polls} polls; it goes on", job.id)
            }
            Self::AgentFailed(message) => write!(f, "the agent failed: {message}"),
            Self::Busy => f.write_str("a message is being worked on in this session"),
            Self::InvalidInput(what) => write!(f, "invalid input: {what}"),
            Self::Configuration(what) => write!(f, "the client cannot be built: {what}"),
            Self::Io { doing, path, source } => {
                write!(f, "could not {doing} {}: {source}", path.display())
            }
            _ => match self.api() {
                Some(api) => write!(f, "{api}"),
                None => f.write_str("the call failed"),
            },
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Unreachable(failure) | Self::Disconnected(failure) => Some(&*failure.source),
            Self::OutcomeUnknown(unknown) => {
                unknown.source.as_deref().map(|source| source as &(dyn StdError + 'static))
            }
            Self::Decode { source, .. } => Some(source),
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
