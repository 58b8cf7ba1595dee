//! What can go wrong, in words: the faults, and for each whether the work is done.

use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use url::Url;

use crate::local::route::Route;
use crate::protocol::ErrorCode;

/// One thing that goes wrong with one call.
///
/// | fault | is the work done? |
/// |---|---|
/// | [`Unread`](Self::StopReading), [`Instead`](Self::ReplaceResponse) | no |
/// | [`Lost`](Self::DropResponse), [`Cut`](Self::Cut), [`Trickle`](Self::Trickle), [`WrongContentType`](Self::WrongContentType) | yes, before the caller sees anything |
/// | [`LateWork`](Self::LateWork) | yes, later |
/// | [`FailedRender`](Self::FailedRender) | begun and counted, and without a film |
/// | [`SlowRender`](Self::SlowRender) | yes; it is told later |
/// | the faults of files | there is none to do |
///
/// *Before the caller sees anything* holds for messages too: their work has ended, state, ledger
/// and [counters](crate::local::Counters) included, when the first byte of a spoilt answer goes
/// out. A render is taken in by then, and goes on. The exception is called so.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, CreateSession, ExponentialRetry, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .retry(ExponentialRetry::never())
/// #     .build()?;
/// use nemovideo::Error;
/// use nemovideo::local::{Fault, Route, FaultyResponse};
///
/// // Two resets that look the same to a client: before the work, and after it.
/// for fault in [Fault::ReplaceResponse(FaultyResponse::Reset), Fault::DropResponse(FaultyResponse::Reset)] {
///     let (before, works) = (backend.counters().sessions_created, fault.does_the_work());
///     backend.faults().inject(fault).on(Route::Session).once();
///     let error = client.create_session(CreateSession::default()).await.unwrap_err();
///     assert!(matches!(error, Error::OutcomeUnknown(_)));
///     assert_eq!(backend.counters().sessions_created - before, u64::from(works));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The backend stops reading after this many bytes of the request's body, and then the
    /// connection breaks. **The work is not done.**
    ///
    /// A body that is no longer than that is read whole. [`Ending::End`] and
    /// [`Ending::Heartbeats`] have no sense here and close the connection.
    StopReading {
        /// As many bytes of the body are taken, give or take a buffer.
        bytes: u64,
        /// How it breaks.
        ending: Ending,
    },
    /// The request is read whole, and this is the answer. **The work is not done.**
    ReplaceResponse(FaultyResponse),
    /// **The work is done**, its answer thrown away, and this comes in its place.
    DropResponse(FaultyResponse),
    /// **The work is done**, and its answer breaks on the way.
    Cut(Cut, Ending),
    /// **The work is done**, and its answer comes one byte at a time, headers included.
    Trickle {
        /// The time between two bytes.
        pause: Duration,
    },
    /// **The work is done**, and its answer comes as `application/octet-stream`.
    WrongContentType,
    /// [`Route::Message`]: the message is taken in and counted, its stream breaks before the first
    /// event, and **the work is done later**: the [state](Route::State) can be read this many
    /// times before anything has changed, and the next time it has.
    ///
    /// Until then the price is frozen. Other messages do not wait for this one.
    /// [`Faults::clear`](super::Faults::clear) lets the work begin.
    LateWork {
        /// Answers of the state, whosever it is, that still tell of no change.
        reads: u32,
        /// How the stream breaks.
        ending: Ending,
    },
    /// [`Route::RenderSubmit`]: the render is taken in, **begins and counts, and fails**.
    FailedRender,
    /// [`Route::RenderSubmit`]: **the work is done** as fast as ever, but whoever asks hears
    /// `processing` this many times before the truth.
    SlowRender {
        /// Questions answered with `processing`.
        polls: u32,
    },
    /// Files: one byte in the middle is another; length and entity tag are as they were.
    CorruptFile,
    /// Files: only the first half is there, and its length is given as that of the whole.
    ShortFile,
    /// Files: another file of the same length has taken its place, with an entity tag of its own.
    /// [After](super::FaultBuilder::after) a call that was cut, this is a file that changed between
    /// two parts of a download.
    ChangedFile,
    /// Files: a `Range` is overlooked, and the whole file sent.
    IgnoredRange,
}

/// What comes in place of an answer.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{Limits, NemoClient, ExponentialRetry, Timeouts, local::LocalBackend};
/// use nemovideo::Error;
/// use nemovideo::local::{Fault, Route, FaultyResponse};
///
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let timeouts = Timeouts::default().with_response(std::time::Duration::from_secs(1));
/// # let limits = Limits::default().with_body(1024 * 1024);
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .retry(ExponentialRetry::never())
/// #     .timeouts(timeouts)
/// #     .limits(limits)
/// #     .build()?;
/// // What a client makes of them that waits a second, reads a megabyte and tries nothing twice.
/// let error_of = async |trouble| {
///     backend.faults().inject(Fault::ReplaceResponse(trouble)).on(Route::Credits).once();
///     client.credits().await.unwrap_err()
/// };
/// assert!(matches!(error_of(FaultyResponse::Close).await, Error::Disconnected(_)));
/// assert!(matches!(error_of(FaultyResponse::NotHttp).await, Error::Disconnected(_)));
/// assert!(matches!(error_of(FaultyResponse::Html).await, Error::Decode { .. }));
/// assert!(matches!(error_of(FaultyResponse::EndlessJson).await, Error::LimitExceeded { .. }));
/// assert!(matches!(error_of(FaultyResponse::Stall).await, Error::Timeout { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultyResponse {
    /// The connection is reset.
    Reset,
    /// The connection is closed as if all had been said.
    Close,
    /// Nothing, until the caller hangs up.
    Stall,
    /// A refusal.
    Refusal(Refusal),
    /// A 307 to another address.
    Redirect(Url),
    /// Bytes that are no HTTP, and then the end of the connection.
    NotHttp,
    /// A page of HTML under 200, as a proxy may send it.
    Html,
    /// JSON under 200 that ends in the middle of a string.
    BrokenJson,
    /// One JSON string under 200 that does not end until the caller hangs up.
    EndlessJson,
    /// One line of an event stream that does not end until the caller hangs up.
    EndlessLine,
    /// [`Route::Message`]: an event stream of nothing but `{"type":"heartbeat"}`, until the caller
    /// hangs up.
    Heartbeats {
        /// The time between two of them.
        every: Duration,
    },
}

/// How much of an answer arrives.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
/// #     .retry(nemovideo::ExponentialRetry::default().with_initial_delay(std::time::Duration::from_millis(1)))
/// #     .build()?;
/// # let project = client.project("demo").await?;
/// # project.say("narrate: Good morning.").await?.finish().await?;
/// # let folder = tempfile::tempdir()?;
/// # let out = folder.path().join("out.mp4");
/// use nemovideo::local::{Cut, Ending, Fault, Route};
///
/// let exported = project.export().await?;
/// // 500 bytes of the film come, and then the connection ends: the client fetches the rest.
/// let cut = Fault::Cut(Cut::Bytes(500), Ending::Close);
/// backend.faults().inject(cut).on(Route::File).once();
/// let file = exported.download(&out).await?;
/// assert_eq!(Some(file.bytes), exported.video.size);
/// assert_eq!(backend.counters().requests(Route::File), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cut {
    /// The headers and this many bytes of the body. A body of a known length still says how long
    /// it would have been.
    Bytes(u64),
    /// [`Route::Message`]: this many events; heartbeats in comments do not count.
    Events(u32),
    /// [`Route::Message`]: up to the middle of the first character that takes several bytes. A
    /// stream without one gets an event at its end that has one.
    Character,
}

/// What comes after a [`Cut`].
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url());
/// # let client = client.in_memory_credentials().build()?;
/// # let session = client.create_session(CreateSession::default()).await?;
/// # let id = &session.session_id;
/// use futures::StreamExt as _;
/// use nemovideo::local::{Cut, Ending, Fault};
///
/// // A reset tells that something is missing; an end like any other hides it.
/// for (ending, tells) in [(Ending::Reset, true), (Ending::End, false)] {
///     backend.faults().inject(Fault::Cut(Cut::Events(2), ending)).once();
///     let stream = client.send_message(id, "narrate: Good morning.").await?;
///     let events: Vec<_> = stream.collect().await;
///     assert_eq!(events.last().is_some_and(|event| event.is_err()), tells);
/// }
/// assert_eq!(backend.counters().messages_run, 2); // both were worked on to the end
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The connection is reset. What was sent before may be lost with it on some systems; on
    /// Linux it arrives.
    Reset,
    /// The connection is closed without the end that HTTP owes the body.
    Close,
    /// The body ends as if that were all of it. One that said how long it is cannot, and is
    /// closed.
    End,
    /// Nothing more, until the caller hangs up.
    Stall,
    /// [`Route::Message`]: `{"type":"heartbeat"}` and nothing else, until the caller hangs up.
    Heartbeats {
        /// The time between two of them.
        every: Duration,
    },
}

/// An error as an answer.
///
/// ```
/// use std::time::Duration;
///
/// use nemovideo::local::{Fault, Refusal, FaultyResponse};
/// use nemovideo::protocol::ErrorCode;
///
/// // 429 with `Retry-After: 2`, before any work.
/// let limited = Refusal::code(ErrorCode::RateLimited).retry_after(Duration::from_secs(2));
/// let fault = Fault::ReplaceResponse(FaultyResponse::Refusal(limited));
/// assert!(!fault.does_the_work());
///
/// // A bad gateway that hides an answer.
/// let fault = Fault::DropResponse(FaultyResponse::Refusal(Refusal::status(502)));
/// assert!(fault.does_the_work());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: Option<ErrorCode>,
    pub(super) retry_after: Option<RetryAfter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RetryAfter {
    Seconds(u64),
    Date(SystemTime),
}

impl Refusal {
    /// A code in an envelope: 400, 402 and 429 also as the HTTP status, the others under 200.
    pub fn code(code: ErrorCode) -> Self {
        let status = match code {
            ErrorCode::ClientIdMissing => StatusCode::BAD_REQUEST,
            ErrorCode::ExportBlocked => StatusCode::PAYMENT_REQUIRED,
            ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::OK,
        };
        Self { status, code: Some(code), retry_after: None }
    }

    /// An HTTP status with `{"detail":…}`, as the agent server answers.
    ///
    /// # Panics
    /// For a number that cannot be the status of an answer: they go from 200 to 999.
    pub fn status(status: u16) -> Self {
        Self { status: valid(status), code: None, retry_after: None }
    }

    /// The same under another status: a 429 under 200, for one.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, ExponentialRetry, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .retry(ExponentialRetry::never())
    /// #     .build()?;
    /// use nemovideo::local::{Fault, Refusal, Route};
    /// use nemovideo::{Error, ErrorCode};
    ///
    /// let limited = Refusal::code(ErrorCode::RateLimited).under(200);
    /// backend.faults().inject(Fault::ReplaceResponse(limited.into())).on(Route::Credits).once();
    /// match client.credits().await {
    ///     // The code in the envelope counts, not the status.
    ///     Err(Error::RateLimited(refused)) => assert_eq!(refused.status, Some(200)),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Panics
    /// For a number that cannot be the status of an answer: they go from 200 to 999.
    pub fn under(mut self, status: u16) -> Self {
        self.status = valid(status);
        self
    }

    /// With `Retry-After` in whole seconds, rounded up.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.retry_after = Some(RetryAfter::Seconds(seconds));
        self
    }

    /// With `Retry-After` as a date, from 1970 on, which knows no fractions of a second.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// use std::time::{Duration, SystemTime};
    ///
    /// use nemovideo::ErrorCode;
    /// use nemovideo::local::{Fault, Refusal, Route};
    ///
    /// let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
    /// let limited = Refusal::code(ErrorCode::RateLimited).retry_at(in_an_hour);
    /// backend.faults().inject(Fault::ReplaceResponse(limited.into())).on(Route::Credits).once();
    /// let error = client.credits().await.unwrap_err(); // longer than a client waits by itself
    /// let wait = error.api().and_then(|refused| refused.retry_after);
    /// assert!(wait.is_some_and(|wait| wait > Duration::from_secs(3500)));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn retry_at(mut self, when: SystemTime) -> Self {
        self.retry_after = Some(RetryAfter::Date(when.max(SystemTime::UNIX_EPOCH)));
        self
    }
}

#[allow(clippy::expect_used)] // Only tests get here, and a wrong number is their mistake.
fn valid(status: u16) -> StatusCode {
    let status = StatusCode::from_u16(status).ok().filter(|status| !status.is_informational());
    status.expect("an HTTP status from 200 to 999")
}

impl From<Refusal> for FaultyResponse {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl Fault {
    /// Whether the work of the call is done all the same, if the call is a good one.
    #[must_use]
    pub const fn does_the_work(&self) -> bool {
        !matches!(self, Self::StopReading { .. } | Self::ReplaceResponse(_))
    }

    /// Whether it can happen to calls of this route; to others it never does.
    ///
    /// ```
    /// use nemovideo::local::{Cut, Ending, Fault, Route};
    ///
    /// let routes = Route::ALL.into_iter().filter(|route| Fault::ShortFile.fits(*route));
    /// assert!(routes.eq([Route::RenderDownload, Route::File]));
    /// // Any answer has bytes, only a message's has events.
    /// assert!(Fault::Cut(Cut::Bytes(10), Ending::Reset).fits(Route::Credits));
    /// assert!(!Fault::Cut(Cut::Events(1), Ending::Reset).fits(Route::Credits));
    /// ```
    #[must_use]
    pub const fn fits(&self, route: Route) -> bool {
        match self {
            Self::FailedRender | Self::SlowRender { .. } => matches!(route, Route::RenderSubmit),
            Self::CorruptFile | Self::ShortFile | Self::ChangedFile | Self::IgnoredRange => {
                crate::local::route::serves_files(route)
            }
            Self::LateWork { .. }
            | Self::Cut(Cut::Events(_) | Cut::Character, _)
            | Self::Cut(_, Ending::Heartbeats { .. })
            | Self::ReplaceResponse(FaultyResponse::Heartbeats { .. })
            | Self::DropResponse(FaultyResponse::Heartbeats { .. }) => {
                matches!(route, Route::Message)
            }
            _ => true,
        }
    }
}
