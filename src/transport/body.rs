//! How much of a request was handed to the connection: what tells "surely never taken" from
//! "perhaps taken", and a slow upload from a idle_for one.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use super::after;

/// Called with the bytes handed over so far.
pub(crate) type OnProgress = Arc<dyn Fn(u64) + Send + Sync>;

/// What is known of one attempt's body; shared with the body itself.
#[derive(Clone)]
pub(super) struct BodyTracker(Arc<Mutex<Progress>>);

struct Progress {
    /// The connection has asked for the body, so the head of the request is on its way.
    is_started: bool,
    /// Nobody waits for the answer any more, and none of the body was handed over: none will be.
    cancelled: bool,
    bytes: u64,
    last: Instant,
}

impl BodyTracker {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Progress {
            is_started: false,
            cancelled: false,
            bytes: 0,
            last: Instant::now(),
        })))
    }

    /// Whether any of the body may have reached the service. A request whose body was never
    /// asked for cannot have been understood.
    pub(super) fn is_started(&self) -> bool {
        self.lock().is_started
    }

    /// Gives a request up whose answer is no longer waited for; false when some of its body may
    /// have reached the service. The connection may have it in hand at this very moment, so a
    /// look alone would not do: a body that is cancelled has nothing in it.
    pub(super) fn cancel_if_unsent(&self) -> bool {
        let mut progress = self.lock();
        progress.cancelled = !progress.is_started;
        progress.cancelled
    }

    /// Ends when nothing has been handed over for so long; after the last byte, when no answer
    /// has come for so long.
    pub(super) async fn idle_for(&self, patience: Duration) {
        loop {
            let deadline = after(self.lock().last, patience);
            if deadline <= Instant::now() {
                return;
            }
            sleep_until(deadline).await;
        }
    }

    /// Watches a body.
    pub(super) fn watch(&self, body: reqwest::Body, progress: Option<OnProgress>) -> reqwest::Body {
        reqwest::Body::wrap(Watched { inner: body, handed: self.clone(), progress })
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        // Never can panic while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Watched {
    inner: reqwest::Body,
    handed: BodyTracker,
    progress: Option<OnProgress>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        {
            let mut progress = self.handed.lock();
            if progress.cancelled {
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
                let mut progress = self.handed.lock();
                progress.last = Instant::now();
                progress.bytes += bytes;
                progress.bytes
            };
            if let Some(tell) = self.progress.as_ref().filter(|_| bytes > 0) {
                tell(total);
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
    async fn a_body_that_was_given_up_is_never_handed_over() {
        let handed = BodyTracker::new();
        let body = handed.watch("a message".into(), None);
        assert!(handed.cancel_if_unsent() && !handed.is_started());
        // The connection asks for it after all.
        let mut body = std::pin::pin!(body);
        let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        assert!(frame.is_none(), "{frame:?}");
        assert!(!handed.is_started());
    }

    #[tokio::test]
    async fn a_body_that_was_begun_cannot_be_given_up() {
        let handed = BodyTracker::new();
        let mut body = std::pin::pin!(handed.watch("a message".into(), None));
        let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        assert!(frame.is_some_and(|frame| frame.is_ok()));
        assert!(handed.is_started() && !handed.cancel_if_unsent());
    }
}
