//! What can go wrong with a call, and for each fault whether the work is done.

use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use url::Url;

use crate::local::response::status_of;
use crate::protocol::{Endpoint, ErrorCode};

/// One thing that goes wrong with one call.
///
/// | fault | is the work done? |
/// |---|---|
/// | [`StopReading`](Self::StopReading), [`ReplaceResponse`](Self::ReplaceResponse) | no |
/// | [`DropResponse`](Self::DropResponse), [`Cut`](Self::Cut), [`Trickle`](Self::Trickle), [`WrongContentType`](Self::WrongContentType) | yes, before the caller receives a byte |
/// | [`LateWork`](Self::LateWork) | yes, later |
/// | [`FailedRender`](Self::FailedRender) | begun and counted, without a video |
/// | [`SlowRender`](Self::SlowRender) | yes, and reported later |
/// | faults of files | not applicable |
///
/// "Before the caller receives a byte" includes messages: their work has ended, with state, ledger
/// and [counters](crate::local::Counters) updated, when the first byte of a faulty response is
/// sent. A render is accepted by then, and continues.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The backend stops reading after this many bytes of the request's body, and the connection
    /// breaks. **The work is not done.**
    ///
    /// A body that is not longer than that is read whole. [`Ending::End`] and
    /// [`Ending::Heartbeats`] close the connection.
    StopReading {
        /// Bytes of the body to read, plus at most one buffer.
        bytes: u64,
        /// How the connection breaks.
        ending: Ending,
    },
    /// The request is read whole, and this is the response. **The work is not done.**
    ReplaceResponse(FaultyResponse),
    /// **The work is done**, its response is dropped, and this one is sent in its place.
    DropResponse(FaultyResponse),
    /// **The work is done**, and its response breaks off.
    Cut(Cut, Ending),
    /// **The work is done**, and its response is sent one byte at a time, headers included.
    Trickle {
        /// The time between two bytes.
        pause: Duration,
    },
    /// **The work is done**, and its response has the type `application/octet-stream`.
    WrongContentType,
    /// [`Endpoint::Message`]: the message is accepted and counted, its stream breaks before the
    /// first event, and **the work is done later**: the [state](Endpoint::State) can be read
    /// `reads` times before anything has changed, and the next read shows the change.
    ///
    /// Until then the price is frozen. Other messages do not wait for this one.
    /// [`Faults::clear`](super::Faults::clear) lets the work begin.
    LateWork {
        /// Reads of any session's state that still show no change.
        reads: u32,
        /// How the stream breaks.
        ending: Ending,
    },
    /// [`Endpoint::RenderSubmit`]: the render **is accepted and counted, and then fails**.
    FailedRender,
    /// [`Endpoint::RenderSubmit`]: **the work is done** at the usual speed, but the first `polls`
    /// polls report `processing`.
    SlowRender {
        /// Polls that report `processing`.
        polls: u32,
    },
    /// Files: one byte in the middle differs; length and entity tag are unchanged. As the service
    /// sends no checksum, no client can notice that, unless the byte is the size or the type of a box
    /// of an MP4 file.
    CorruptFile,
    /// Files: only the first half is sent, declared as the whole. A client notices it by the size
    /// that the render has reported, or by the boxes of an MP4 file.
    ShortFile,
    /// Files: another file of the same length has replaced it, with an entity tag of its own.
    /// [After](super::FaultBuilder::after) a call that was cut, this is a file that changed between
    /// two parts of a download.
    ChangedFile,
    /// Files: a `Range` header is ignored, and the whole file sent.
    IgnoredRange,
}

/// What is sent in place of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultyResponse {
    /// The connection is reset.
    Reset,
    /// The connection is closed in an orderly manner.
    Close,
    /// Nothing is sent until the caller disconnects.
    Stall,
    /// An error response.
    Error(ErrorReply),
    /// A 307 to another URL.
    Redirect(Url),
    /// Bytes that are not HTTP, and then the end of the connection.
    NotHttp,
    /// An HTML page under status 200, as a proxy may send it.
    Html,
    /// JSON under status 200 that ends in the middle of a string.
    BrokenJson,
    /// One JSON string under status 200 that does not end until the caller disconnects.
    EndlessJson,
    /// One line of an event stream that does not end until the caller disconnects.
    EndlessLine,
    /// [`Endpoint::Message`]: an event stream of `{"type":"heartbeat"}` alone, until the caller
    /// disconnects.
    Heartbeats {
        /// The time between two heartbeats.
        every: Duration,
    },
}

/// How much of a response arrives before it breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cut {
    /// The headers and this many bytes of the body. A body of known length still declares its full
    /// length.
    Bytes(u64),
    /// [`Endpoint::Message`]: this many events; heartbeats in comments do not count.
    Events(u32),
    /// [`Endpoint::Message`]: up to the middle of the first character that takes several bytes. A
    /// stream without one gets an event at its end that has one.
    Character,
}

/// What happens after a [`Cut`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The connection is reset. Some systems lose what was sent before; Linux delivers it.
    Reset,
    /// The connection is closed without the end that HTTP requires of the body.
    Close,
    /// The body ends as if it were complete. One that declared its length cannot, and the
    /// connection is closed.
    End,
    /// Nothing more is sent until the caller disconnects.
    Stall,
    /// [`Endpoint::Message`]: `{"type":"heartbeat"}` alone, until the caller disconnects.
    Heartbeats {
        /// The time between two heartbeats.
        every: Duration,
    },
}

/// An error response as a fault.
///
/// ```
/// use std::time::Duration;
///
/// use nemovideo::ErrorCode;
/// use nemovideo::local::{ErrorReply, Fault};
///
/// // 429 with `Retry-After: 2`, before any work.
/// let limited = ErrorReply::code(ErrorCode::RateLimited).retry_after(Duration::from_secs(2));
/// assert!(!Fault::ReplaceResponse(limited.into()).does_the_work());
///
/// // A bad gateway that hides a response.
/// assert!(Fault::DropResponse(ErrorReply::status(502).into()).does_the_work());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct ErrorReply {
    pub(super) status: StatusCode,
    pub(super) code: Option<ErrorCode>,
    pub(super) retry_after: Option<RetryAfter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RetryAfter {
    Seconds(u64),
    Date(SystemTime),
}

impl ErrorReply {
    /// Returns an envelope with a code: 400, 402 and 429 are the HTTP status too, other codes have
    /// status 200.
    pub fn code(code: ErrorCode) -> Self {
        Self { status: status_of(code), code: Some(code), retry_after: None }
    }

    /// Returns an HTTP status with `{"detail":…}`, as the agent server sends it.
    ///
    /// # Panics
    /// For a number that is not the status of a final response, 200 to 999.
    pub fn status(status: u16) -> Self {
        Self { status: final_status(status), code: None, retry_after: None }
    }

    /// Changes the HTTP status, for example to send code 429 under status 200.
    ///
    /// # Panics
    /// For a number that is not the status of a final response, 200 to 999.
    pub fn under(mut self, status: u16) -> Self {
        self.status = final_status(status);
        self
    }

    /// Adds `Retry-After` in whole seconds, rounded up.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.retry_after = Some(RetryAfter::Seconds(seconds));
        self
    }

    /// Adds `Retry-After` as a date, not before 1970; fractions of a second are lost.
    pub fn retry_at(mut self, when: SystemTime) -> Self {
        self.retry_after = Some(RetryAfter::Date(when.max(SystemTime::UNIX_EPOCH)));
        self
    }
}

#[allow(clippy::expect_used, reason = "a documented panic; only tests plan faults")]
fn final_status(status: u16) -> StatusCode {
    let status = StatusCode::from_u16(status).ok().filter(|status| !status.is_informational());
    status.expect("an HTTP status from 200 to 999")
}

impl From<ErrorReply> for FaultyResponse {
    fn from(reply: ErrorReply) -> Self {
        Self::Error(reply)
    }
}

impl Fault {
    /// Returns whether the work of a valid call is done despite the fault.
    #[must_use]
    pub const fn does_the_work(&self) -> bool {
        !matches!(self, Self::StopReading { .. } | Self::ReplaceResponse(_))
    }

    /// Returns whether the fault can happen to calls of this endpoint.
    #[must_use]
    pub const fn applies_to(&self, endpoint: Endpoint) -> bool {
        match self {
            Self::FailedRender | Self::SlowRender { .. } => {
                matches!(endpoint, Endpoint::RenderSubmit)
            }
            Self::CorruptFile | Self::ShortFile | Self::ChangedFile | Self::IgnoredRange => {
                serves_files(endpoint)
            }
            Self::LateWork { .. }
            | Self::Cut(Cut::Events(_) | Cut::Character, _)
            | Self::Cut(_, Ending::Heartbeats { .. })
            | Self::ReplaceResponse(FaultyResponse::Heartbeats { .. })
            | Self::DropResponse(FaultyResponse::Heartbeats { .. }) => {
                matches!(endpoint, Endpoint::Message)
            }
            _ => true,
        }
    }
}

/// Returns whether the endpoint's responses are files.
pub(super) const fn serves_files(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::RenderDownload | Endpoint::File)
}
