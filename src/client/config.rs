//! The settings of a client: timeouts, limits, and the pace of polling. Each type has the
//! documented defaults, `with_…` setters and a getter of each field's name.

use std::time::Duration;

use crate::protocol::MAX_UPLOAD_BYTES;
use crate::sse;

/// The timeouts of a client's calls. [`Duration::MAX`] disables one.
///
/// ```
/// use nemovideo::{Limits, NemoClient, RenderPolling, Timeouts, TurnRecovery};
/// use std::time::Duration;
///
/// let client = NemoClient::builder()
///     .timeouts(Timeouts::default().with_idle(Duration::from_secs(60)))
///     .limits(Limits::default().with_event(4 * 1024 * 1024))
///     .polling(RenderPolling::default().with_interval(Duration::from_secs(5)))
///     .recovery(TurnRecovery::default().with_max_unchanged_polls(10))
///     .build()?;
/// # Ok::<(), nemovideo::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    connect: Duration,
    response: Duration,
    idle: Duration,
    silence: Duration,
    total: Duration,
    still_working: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            response: Duration::from_secs(60),
            idle: Duration::from_secs(5 * 60),
            silence: Duration::from_secs(10 * 60),
            total: Duration::from_secs(15 * 60),
            still_working: Duration::from_secs(2 * 60),
        }
    }
}

impl Timeouts {
    /// Sets the time to establish a connection. The default is 10 s.
    #[must_use]
    pub const fn with_connect(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// Sets the time to receive a whole plain response, or the head of a stream or a file. It
    /// does not run while a request body makes progress. The default is 60 s.
    #[must_use]
    pub const fn with_response(mut self, response: Duration) -> Self {
        self.response = response;
        self
    }

    /// Sets the time between two bytes of a stream or a download; heartbeats are bytes. The
    /// default is 5 min: a generation, the longest documented operation, takes 300 s.
    #[must_use]
    pub const fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Sets the time for which a stream may carry nothing but heartbeats. The default is the
    /// documented 10 min.
    #[must_use]
    pub const fn with_silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// Sets the time for the whole stream of a message. The default is the documented 15 min.
    #[must_use]
    pub const fn with_total(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    /// Sets the time without an event after which a watched turn reports
    /// [`TurnUpdate::StillWorking`](super::TurnUpdate::StillWorking). The default is the
    /// documented 2 min.
    #[must_use]
    pub const fn with_still_working(mut self, still_working: Duration) -> Self {
        self.still_working = still_working;
        self
    }

    /// Returns the time to establish a connection.
    #[must_use]
    pub const fn connect(&self) -> Duration {
        self.connect
    }

    /// Returns the time to receive a whole plain response, or the head of a stream or a file.
    #[must_use]
    pub const fn response(&self) -> Duration {
        self.response
    }

    /// Returns the time between two bytes of a stream or a download.
    #[must_use]
    pub const fn idle(&self) -> Duration {
        self.idle
    }

    /// Returns the time for which a stream may carry nothing but heartbeats.
    #[must_use]
    pub const fn silence(&self) -> Duration {
        self.silence
    }

    /// Returns the time for the whole stream of a message.
    #[must_use]
    pub const fn total(&self) -> Duration {
        self.total
    }

    /// Returns the time without an event after which a watched turn reports that it is still
    /// working.
    #[must_use]
    pub const fn still_working(&self) -> Duration {
        self.still_working
    }
}

/// The largest sizes, in bytes, that a client accepts. Exceeding one is an error, so a
/// misbehaving peer cannot exhaust the memory or the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    event: usize,
    body: u64,
    download: u64,
    upload: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event: sse::DEFAULT_LIMIT,
            body: 64 * 1024 * 1024,
            download: 10_000_000_000,
            upload: MAX_UPLOAD_BYTES,
        }
    }
}

impl Limits {
    /// Sets the limit of one event of a stream. The default is 1 MiB. A larger event is replaced
    /// by [`AgentEvent::Unknown`](crate::protocol::event::AgentEvent::Unknown).
    #[must_use]
    pub const fn with_event(mut self, event: usize) -> Self {
        self.event = event;
        self
    }

    /// Sets the limit of one plain response. The default is 64 MiB.
    #[must_use]
    pub const fn with_body(mut self, body: u64) -> Self {
        self.body = body;
        self
    }

    /// Sets the limit of a download whose size is not known beforehand. The default is 10 GB.
    #[must_use]
    pub const fn with_download(mut self, download: u64) -> Self {
        self.download = download;
        self
    }

    /// Sets the limit of one uploaded file. The default is 200 MB, the service's own limit.
    #[must_use]
    pub const fn with_upload(mut self, upload: u64) -> Self {
        self.upload = upload;
        self
    }

    /// Returns the limit of one event of a stream.
    #[must_use]
    pub const fn event(&self) -> usize {
        self.event
    }

    /// Returns the limit of one plain response.
    #[must_use]
    pub const fn body(&self) -> u64 {
        self.body
    }

    /// Returns the limit of a download whose size is not known beforehand.
    #[must_use]
    pub const fn download(&self) -> u64 {
        self.download
    }

    /// Returns the limit of one uploaded file.
    #[must_use]
    pub const fn upload(&self) -> u64 {
        self.upload
    }
}

/// The pace at which a render is polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderPolling {
    interval: Duration,
    max_polls: u32,
}

impl RenderPolling {
    /// Polls at an interval, at most `max_polls` times.
    #[must_use]
    pub const fn new(interval: Duration, max_polls: u32) -> Self {
        Self { interval, max_polls }
    }

    /// Sets the pause between two polls. The default is the documented 30 s.
    #[must_use]
    pub const fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets the number of polls after which waiting ends; the render itself continues. The
    /// default is the documented 10.
    #[must_use]
    pub const fn with_max_polls(mut self, max_polls: u32) -> Self {
        self.max_polls = max_polls;
        self
    }

    /// Returns the pause between two polls.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// Returns the number of polls after which waiting ends.
    #[must_use]
    pub const fn max_polls(&self) -> u32 {
        self.max_polls
    }
}

impl Default for RenderPolling {
    fn default() -> Self {
        Self::new(Duration::from_secs(30), 10)
    }
}

/// The pace at which the session's state is polled after a message's stream broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnRecovery {
    initial_delay: Duration,
    interval: Duration,
    max_unchanged_polls: u32,
}

impl TurnRecovery {
    /// Polls first after `initial_delay`, then at `interval`, and ends after
    /// `max_unchanged_polls` polls without a change.
    #[must_use]
    pub const fn new(
        initial_delay: Duration,
        interval: Duration,
        max_unchanged_polls: u32,
    ) -> Self {
        Self { initial_delay, interval, max_unchanged_polls }
    }

    /// Sets the delay between the break and the first poll. The default is the documented 30 s.
    #[must_use]
    pub const fn with_initial_delay(mut self, initial_delay: Duration) -> Self {
        self.initial_delay = initial_delay;
        self
    }

    /// Sets the pause between two polls. The default is the documented 60 s.
    #[must_use]
    pub const fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets the number of polls without a change after which the outcome counts as unknown. The
    /// default is the documented 5.
    #[must_use]
    pub const fn with_max_unchanged_polls(mut self, max_unchanged_polls: u32) -> Self {
        self.max_unchanged_polls = max_unchanged_polls;
        self
    }

    /// Returns the delay between the break and the first poll.
    #[must_use]
    pub const fn initial_delay(&self) -> Duration {
        self.initial_delay
    }

    /// Returns the pause between two polls.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// Returns the number of polls without a change after which the outcome counts as unknown.
    #[must_use]
    pub const fn max_unchanged_polls(&self) -> u32 {
        self.max_unchanged_polls
    }
}

impl Default for TurnRecovery {
    fn default() -> Self {
        Self::new(Duration::from_secs(30), Duration::from_secs(60), 5)
    }
}
