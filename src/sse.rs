//! Server-sent events: bytes in, frames out.
//!
//! The [`Decoder`] follows the [standard](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation)
//! and does no I/O: give it the bytes as they come, cut anywhere, and take the frames as they are
//! complete. Nothing in the bytes ends a stream: invalid UTF-8 is replaced, unknown lines are
//! skipped, an event that is too large is told of and left out.
//!
//! ```
//! use nemovideo::sse::Decoder;
//!
//! let mut decoder = Decoder::new();
//! let mut data = Vec::new();
//! for chunk in [b"data: {\"type\":\"te".as_slice(), b"xt\"}\r\n\r\ndata: heart", b"beat\n\n: bye"] {
//!     let mut input = chunk;
//!     while let Some(frame) = decoder.next_frame(&mut input) {
//!         data.push(frame?.data);
//!     }
//! }
//! assert_eq!(data, [r#"{"type":"text"}"#, "heartbeat"]);
//! # Ok::<(), nemovideo::sse::EventTooLarge>(())
//! ```

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::event::AgentEvent;

mod decoder;

pub use decoder::{DEFAULT_LIMIT, Decoder};

/// One event of a stream, complete.
///
/// ```
/// use nemovideo::sse::Decoder;
///
/// let mut input = b"event: note\nid: 7\ndata: one\ndata: two\n\n".as_slice();
/// let frame = Decoder::new().next_frame(&mut input).expect("a frame")?;
/// assert_eq!((frame.event.as_str(), frame.data.as_str()), ("note", "one\ntwo"));
/// assert_eq!((&*frame.id, frame.retry), ("7", None));
/// # Ok::<(), nemovideo::sse::EventTooLarge>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The name of the event; `message` when it has none.
    pub event: String,
    /// The data: its lines, joined by line feeds.
    pub data: String,
    /// The last id of the stream: this event's own, else the one before it, else empty.
    ///
    /// Shared between the frames it holds for: a stream may set a long one once, and then send
    /// short events without end.
    pub id: Arc<str>,
    /// The id of this very event.
    pub own_id: Option<Arc<str>>,
    /// How long to wait before the stream is opened again, as this very event says.
    pub retry: Option<Duration>,
}

impl Frame {
    /// What the agent says in this frame.
    ///
    /// ```
    /// use nemovideo::sse::Decoder;
    ///
    /// let mut input = b"data: {\"type\":\"text\",\"content\":\"Hello\"}\n\n".as_slice();
    /// let frame = Decoder::new().next_frame(&mut input).expect("a frame")?;
    /// assert_eq!(frame.agent_events()[0].kind(), "text");
    /// # Ok::<(), nemovideo::sse::EventTooLarge>(())
    /// ```
    #[must_use]
    pub fn agent_events(&self) -> Vec<AgentEvent> {
        AgentEvent::decode(&self.event, &self.data)
    }
}

/// An event was larger than the decoder's limit, and is left out. The next one comes through.
///
/// ```
/// use nemovideo::sse::{Decoder, EventTooLarge};
///
/// let mut decoder = Decoder::with_limit(12);
/// let mut input = b"data: far more than that\n\ndata: short\n\n".as_slice();
/// let too_large = decoder.next_frame(&mut input).expect("a word of it").unwrap_err();
/// assert_eq!(too_large.limit, 12);
/// let next = decoder.next_frame(&mut input).expect("a frame")?;
/// assert_eq!(next.data, "short"); // the next one comes through
/// # Ok::<(), EventTooLarge>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {limit} bytes and was left out")]
#[non_exhaustive]
pub struct EventTooLarge {
    /// The limit, in bytes.
    pub limit: usize,
}
