//! How much of a request was handed to the connection: what tells "surely never taken" from
//! "perhaps taken", and a slow upload from a stalled one.

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
pub(super) struct Handed(Arc<Mutex<Progress>>);

struct Progress {
    /// The connection has asked for the body, so the head of the request is on its way.
    begun: bool,
    bytes: u64,
    last: Instant,
}

impl Handed {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Progress { begun: false, bytes: 0, last: Instant::now() })))
    }

    /// Whether any of the body may have reached the service. A request whose body was never
    /// asked for cannot have been understood.
    pub(super) fn begun(&self) -> bool {
        self.lock().begun
    }

    /// Ends when nothing has been handed over for so long; after the last byte, when no answer
    /// has come for so long.
    pub(super) async fn stalled(&self, patience: Duration) {
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
        // Nothing can panic while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Watched {
    inner: reqwest::Body,
    handed: Handed,
    progress: Option<OnProgress>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        self.handed.lock().begun = true;
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
