//! The settings of a client: timeouts, limits, and the pace of polling. The defaults are the values
//! that the service documents, where it documents any.

use std::time::Duration;

use crate::protocol::MAX_UPLOAD_BYTES;
use crate::sse;

settings! {
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
    Timeouts {
        "the time to establish a connection"
        /// The default is 10 s.
        with_connect, connect: Duration = Duration::from_secs(10);

        "the time to receive a whole JSON response, or the head of a stream or a file"
        /// It does not run while a request body makes progress. The default is 60 s.
        with_response, response: Duration = Duration::from_secs(60);

        "the time between two bytes of a stream or a download"
        /// Heartbeats are bytes. The default is 5 min: a generation, the longest documented
        /// operation, takes 300 s.
        with_idle, idle: Duration = Duration::from_secs(5 * 60);

        "the time for which a stream may carry nothing but heartbeats"
        /// The default is the documented 10 min.
        with_silence, silence: Duration = Duration::from_secs(10 * 60);

        "the time for the whole stream of a message"
        /// The default is the documented 15 min.
        with_total, total: Duration = Duration::from_secs(15 * 60);

        "the time without an event after which a watched turn reports that it is still working"
        /// See [`TurnUpdate::StillWorking`](super::TurnUpdate::StillWorking). The default is the
        /// documented 2 min.
        with_still_working, still_working: Duration = Duration::from_secs(2 * 60);
    }
}

settings! {
    /// The largest sizes, in bytes, that a client accepts. Exceeding one is an error, so a
    /// misbehaving peer cannot exhaust the memory or the disk.
    Limits {
        "the limit of one event of a stream"
        /// A larger event is replaced by
        /// [`AgentEvent::Unknown`](crate::protocol::event::AgentEvent::Unknown). The default is
        /// 1 MiB.
        with_event, event: usize = sse::DEFAULT_LIMIT;

        "the limit of one JSON response"
        /// The default is 64 MiB.
        with_body, body: u64 = 64 * 1024 * 1024;

        "the limit of a download whose size is not known beforehand"
        /// The default is 10 GB.
        with_download, download: u64 = 10_000_000_000;

        "the limit of one uploaded file"
        /// The default is 200 MB, the limit of the specification. Some revisions of the service
        /// document 500 MB.
        with_upload, upload: u64 = MAX_UPLOAD_BYTES;
    }
}

settings! {
    /// The pace at which a render is polled.
    ///
    /// The default is the documented one, at most ten polls with 30 s between them. A typical
    /// render takes 27 s, so [growing](Self::growing) pauses find its end sooner:
    ///
    /// ```
    /// use nemovideo::RenderPolling;
    /// use std::time::Duration;
    ///
    /// // The pace of the service's own tools: 2 s, 3 s, 4.5 s … 15 s, for five minutes.
    /// let (first, longest) = (Duration::from_secs(2), Duration::from_secs(15));
    /// let polling = RenderPolling::growing(first, 150, longest);
    /// assert_eq!(polling.max_wait(), Duration::from_secs(300));
    /// ```
    RenderPolling {
        "the pause between two polls, or the first pause if they grow"
        /// The default is the documented 30 s.
        with_interval, interval: Duration = Duration::from_secs(30);

        "the length of each pause in percent of the one before"
        /// The default is 100: all pauses are the same. The pauses of a render that replaces a
        /// failed one grow from the first one again.
        with_growth, growth: u32 = 100;

        "the longest pause between two polls, however long they grow"
        /// The default is [`Duration::MAX`].
        with_max_interval, max_interval: Duration = Duration::MAX;

        "the number of polls after which waiting ends"
        /// The render itself continues. The default is the documented 10.
        with_max_polls, max_polls: u32 = 10;

        "the time after which waiting ends, however few polls were made"
        /// The render itself continues. The default is [`Duration::MAX`].
        with_max_wait, max_wait: Duration = Duration::MAX;
    }
}

impl RenderPolling {
    /// The time after which the service's own tools end their polling.
    const VENDOR_MAX_WAIT: Duration = Duration::from_secs(5 * 60);

    /// Creates a pace with an interval and a maximum number of polls.
    #[must_use]
    pub const fn new(interval: Duration, max_polls: u32) -> Self {
        Self {
            interval,
            growth: 100,
            max_interval: Duration::MAX,
            max_polls,
            max_wait: Duration::MAX,
        }
    }

    /// Creates a pace of growing intervals, which ends after five minutes as that of the service's
    /// own tools does: each pause has `percent` percent of the length of the one before, up to
    /// `longest`.
    #[must_use]
    pub const fn growing(first: Duration, percent: u32, longest: Duration) -> Self {
        Self {
            interval: first,
            growth: percent,
            max_interval: longest,
            max_polls: u32::MAX,
            max_wait: Self::VENDOR_MAX_WAIT,
        }
    }

    /// Returns the pauses after the first poll of a render, the second one and so on.
    pub(crate) fn pauses(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        let Self { growth, max_interval, .. } = *self;
        let grow = move |pause: &Duration| {
            let longer = pause.as_secs_f64() * f64::from(growth) / 100.0;
            Some(Duration::try_from_secs_f64(longer).unwrap_or(max_interval).min(max_interval))
        };
        std::iter::successors(Some(self.interval.min(max_interval)), grow)
    }
}

settings! {
    /// The pace at which the session's state is polled after a message's stream broke.
    TurnRecovery {
        "the delay between the break and the first poll"
        /// The default is the documented 30 s.
        with_initial_delay, initial_delay: Duration = Duration::from_secs(30);

        "the pause between two polls"
        /// The default is the documented 60 s. A message that is
        /// [resumed](super::NemoClient::resume_turn) is polled at once and then after 1, 2, 4 … s up
        /// to this pause; the polls in between do not count.
        with_interval, interval: Duration = Duration::from_secs(60);

        "the number of polls without a change after which the outcome counts as unknown"
        /// The default is the documented 5.
        with_max_unchanged_polls, max_unchanged_polls: u32 = 5;
    }
}

impl TurnRecovery {
    /// The first pause between two polls of a message that is resumed. Its work is usually done by
    /// then, and its user waits.
    const FIRST_PAUSE: Duration = Duration::from_secs(1);

    /// Returns the pauses between the polls. Where the polling of a resumed message begins, they
    /// double from one second up to the interval.
    pub(crate) fn pauses(&self, is_resumed: bool) -> impl Iterator<Item = Duration> + Send + use<> {
        let interval = self.interval;
        let first = if is_resumed { Self::FIRST_PAUSE.min(interval) } else { interval };
        std::iter::successors(Some(first), move |pause| Some(pause.saturating_mul(2).min(interval)))
    }

    /// Creates a pace: the first poll after `initial_delay`, then one at each `interval`, until
    /// `max_unchanged_polls` polls were made without a change.
    #[must_use]
    pub const fn new(
        initial_delay: Duration,
        interval: Duration,
        max_unchanged_polls: u32,
    ) -> Self {
        Self { initial_delay, interval, max_unchanged_polls }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, RenderPolling, TurnRecovery};

    fn millis(polling: RenderPolling, count: usize) -> Vec<u128> {
        polling.pauses().take(count).map(|pause| pause.as_millis()).collect()
    }

    #[test]
    fn pauses_stay_the_same_unless_they_are_to_grow() {
        assert_eq!(millis(RenderPolling::default(), 3), [30_000; 3]);
        assert_eq!(millis(RenderPolling::new(Duration::from_millis(7), 2), 3), [7; 3]);
        assert_eq!(millis(RenderPolling::new(Duration::ZERO, 2), 3), [0; 3]);
        let longest = RenderPolling::new(Duration::MAX, 2).pauses().nth(5);
        assert_eq!(longest, Some(Duration::MAX));
    }

    #[test]
    fn a_resumed_message_is_looked_for_soon_and_then_at_the_documented_pace() {
        let seconds = |recovery: TurnRecovery, is_resumed| -> Vec<u64> {
            recovery.pauses(is_resumed).take(8).map(|pause| pause.as_secs()).collect()
        };
        let recovery = TurnRecovery::default();
        assert_eq!(seconds(recovery, true), [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(seconds(recovery, false), [60; 8]);
        assert_eq!(seconds(recovery.with_interval(Duration::ZERO), true), [0; 8]);
        let never = recovery.with_interval(Duration::MAX).pauses(true).nth(100);
        assert_eq!(never, Some(Duration::MAX));
    }

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let [first, longest] = [2, 15].map(Duration::from_secs);
        let growing = RenderPolling::growing(first, 150, longest);
        assert_eq!(millis(growing, 7), [2_000, 3_000, 4_500, 6_750, 10_125, 15_000, 15_000]);
        let short = growing.with_interval(Duration::from_secs(60));
        assert_eq!(millis(short, 2), [15_000; 2]);
        let unbounded = growing.with_growth(u32::MAX).with_max_interval(Duration::MAX);
        assert_eq!(unbounded.pauses().nth(20), Some(Duration::MAX));
        assert_eq!(millis(growing.with_growth(0), 3), [2_000, 0, 0]);
    }
}
