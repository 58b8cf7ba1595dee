//! The clocks and limits of a client, and their documented defaults.

use std::time::Duration;

use crate::protocol::MAX_UPLOAD_BYTES;
use crate::sse;

/// The clocks that watch a client's calls.
///
/// ```
/// use nemovideo::{NemoClient, Timeouts};
/// use std::time::Duration;
///
/// let mut timeouts = Timeouts::default();
/// assert_eq!(timeouts.total, Duration::from_secs(15 * 60));
/// timeouts.idle = Duration::from_secs(60);
/// let client = NemoClient::builder().timeouts(timeouts).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Until a connection is there. Default 10 s.
    pub connect: Duration,
    /// Until the whole of a plain answer is there, and the head of a stream's. Default 60 s.
    pub answer: Duration,
    /// Between two bytes of a stream or a download; heartbeats are bytes. Default 5 min: the
    /// longest documented work, a generation, takes 300 s.
    pub idle: Duration,
    /// Heartbeats alone, nothing said. Default 10 min, as documented.
    pub silence: Duration,
    /// All of a message's stream. Default 15 min, as documented.
    pub total: Duration,
    /// After so long without a word from the agent a watched turn says that it is still working.
    /// Default 2 min, as documented.
    pub still_working: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            idle: Duration::from_secs(5 * 60),
            silence: Duration::from_secs(10 * 60),
            total: Duration::from_secs(15 * 60),
            still_working: Duration::from_secs(2 * 60),
        }
    }
}

/// How much a client takes in, in bytes. Past a limit there is an error, not a full memory.
///
/// ```
/// use nemovideo::{Limits, NemoClient};
///
/// let mut limits = Limits::default();
/// assert_eq!(limits.upload, 200_000_000);
/// limits.event = 4 * 1024 * 1024;
/// let client = NemoClient::builder().limits(limits).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// One event of a stream. Default 1 MiB.
    pub event: usize,
    /// One plain answer. Default 64 MiB.
    pub body: u64,
    /// One file to download whose size nobody told. Default 10 GB.
    pub download: u64,
    /// One file to upload. Default 200 MB, the service's own limit.
    pub upload: u64,
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
