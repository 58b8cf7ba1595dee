//! A request body that knows how much of it was sent.
//!
//! This separates "surely not received" from "possibly received", and a slow upload from a stalled
//! one.

#[cfg(not(target_arch = "wasm32"))]
use std::pin::Pin;
use std::sync::{Arc, Mutex};
#[cfg(not(target_arch = "wasm32"))]
use std::task::{Context, Poll};
use std::time::Duration;

#[cfg(not(target_arch = "wasm32"))]
use {
    bytes::Bytes,
    http_body::{Body, Frame, SizeHint},
};

use crate::clock::{Instant, after, sleep_until};
use crate::sync::lock;

/// Called with the number of bytes sent so far.
pub(crate) type OnBytesSent = Arc<dyn Fn(u64) + Send + Sync>;

/// The progress of one attempt's body; shared with the body itself.
#[derive(Clone)]
pub(crate) struct BodyTracker(Arc<Mutex<Progress>>);

struct Progress {
    /// The connection has polled the body, so the head of the request is on its way.
    is_started: bool,
    /// The request was abandoned before any of its body was sent; the body now yields nothing.
    is_cancelled: bool,
    bytes: u64,
    last_sent: Instant,
}

impl BodyTracker {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Progress {
            is_started: false,
            is_cancelled: false,
            bytes: 0,
            last_sent: Instant::now(),
        })))
    }

    /// Returns whether any of the body may have reached the service. A request whose body was never
    /// polled cannot have been understood.
    pub(crate) fn is_started(&self) -> bool {
        lock(&self.0).is_started
    }

    /// Abandons a request, and returns whether none of its body can have reached the service.
    ///
    /// The connection may be about to poll the body at this very moment, so reading `is_started`
    /// would not be enough: a cancelled body yields nothing.
    pub(crate) fn cancel_if_unsent(&self) -> bool {
        let mut progress = lock(&self.0);
        progress.is_cancelled = !progress.is_started;
        progress.is_cancelled
    }

    /// Waits until nothing has been sent for the given time; after the last byte, until no response
    /// has come for that time.
    pub(crate) async fn idle_for(&self, timeout: Duration) {
        loop {
            let deadline = after(lock(&self.0).last_sent, timeout);
            if deadline <= Instant::now() {
                return;
            }
            sleep_until(deadline).await;
        }
    }

    /// Wraps a body so that its progress is recorded here.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn track(
        &self,
        body: reqwest::Body,
        on_progress: Option<OnBytesSent>,
    ) -> reqwest::Body {
        reqwest::Body::wrap(TrackedBody { inner: body, tracker: self.clone(), on_progress })
    }

    /// Returns a body as it is: `fetch` takes it whole, and does not tell how much of it was sent.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn track(&self, body: reqwest::Body, _: Option<OnBytesSent>) -> reqwest::Body {
        lock(&self.0).is_started = true;
        body
    }
}

#[cfg(not(target_arch = "wasm32"))]
struct TrackedBody {
    inner: reqwest::Body,
    tracker: BodyTracker,
    on_progress: Option<OnBytesSent>,
}

#[cfg(not(target_arch = "wasm32"))]
impl Body for TrackedBody {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        {
            let mut progress = lock(&self.tracker.0);
            if progress.is_cancelled {
                return Poll::Ready(None);
            }
            progress.is_started = true;
        }
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        if let Poll::Ready(frame) = &polled {
            let bytes = match frame {
                Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len) as u64,
                _ => 0,
            };
            let total = {
                let mut progress = lock(&self.tracker.0);
                progress.last_sent = Instant::now();
                progress.bytes += bytes;
                progress.bytes
            };
            if let Some(on_progress) = self.on_progress.as_ref().filter(|_| bytes > 0) {
                on_progress(total);
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cancelled_body_is_never_sent() {
        let tracker = BodyTracker::new();
        let body = tracker.track("a message".into(), None);
        assert!(tracker.cancel_if_unsent() && !tracker.is_started());
        // The connection polls it after all.
        let mut body = std::pin::pin!(body);
        let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        assert!(frame.is_none(), "{frame:?}");
        assert!(!tracker.is_started());
    }

    #[tokio::test]
    async fn a_started_body_cannot_be_cancelled() {
        let tracker = BodyTracker::new();
        let mut body = std::pin::pin!(tracker.track("a message".into(), None));
        let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        assert!(frame.is_some_and(|frame| frame.is_ok()));
        assert!(tracker.is_started() && !tracker.cancel_if_unsent());
    }
}
