//! Lets a caller see a refusal that came before its body was read. A connection closed on unread
//! bytes is reset, and the answer is lost with it; so what is still being sent is taken and thrown
//! away, up to a limit.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use futures::{Stream, StreamExt as _};

/// Past five uploads of the largest size, a caller that sends on is not owed an answer.
const MAX_DRAINED_BYTES: usize = 1_000_000_000;
/// Nor is one that dawdles.
const MAX_DRAIN_TIME: Duration = Duration::from_secs(60);

/// Runs a call and then takes what it left of its body.
pub(super) async fn drain(request: Request, next: Next) -> Response {
    // Who waits for a `100 Continue` has sent nothing yet, and need not once there is an answer.
    let waits = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let incoming = Incoming { body: body.into_data_stream(), touched: !waits, ended: false };
    let incoming = SharedBody(Arc::new(Mutex::new(incoming)));
    let request = Request::from_parts(parts, Body::from_stream(incoming.clone()));
    let response = next.run(request).await;
    if incoming.has_more() {
        // Running out of time ends in the reset that would have come anyway.
        let _ = tokio::time::timeout(MAX_DRAIN_TIME, throw_away(incoming)).await;
    }
    response
}

async fn throw_away(mut body: SharedBody) {
    let mut taken = 0;
    while let Some(Ok(bytes)) = body.next().await {
        taken += bytes.len();
        if taken > MAX_DRAINED_BYTES {
            return;
        }
    }
}

/// A body that whoever gave it away can go on reading.
#[derive(Clone, Debug)]
struct SharedBody(Arc<Mutex<Incoming>>);

#[derive(Debug)]
struct Incoming {
    body: BodyDataStream,
    touched: bool,
    ended: bool,
}

impl SharedBody {
    fn has_more(&self) -> bool {
        let incoming = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        incoming.touched && !incoming.ended
    }
}

impl Stream for SharedBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut incoming = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        incoming.touched = true;
        if incoming.ended {
            return Poll::Ready(None);
        }
        let next = incoming.body.poll_next_unpin(context);
        incoming.ended = matches!(next, Poll::Ready(None | Some(Err(_))));
        next
    }
}
