//! The server's connections: what a request may cost before it is complete, in time and in bytes.

use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, StreamExt as _};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::faults::GateListener;
use super::response::Rejected;
use crate::sync::lock;

/// The size of a request's head at most. It is that of common servers, and bounds the memory for a
/// connection.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The bytes per second that extend the time for a body. A body that is slower on average ends when
/// its time is over.
const MIN_BODY_RATE: u32 = 16 * 1024;

/// Serves connections until `stop`, and then waits until those that are open have their responses.
pub(crate) async fn serve(
    mut listener: GateListener,
    router: Router,
    request_timeout: Duration,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(request_timeout);
    http.max_buf_size(MAX_HEAD_BYTES);
    let (connections, ending) = (TaskTracker::new(), CancellationToken::new());
    let mut stop = pin!(stop);
    loop {
        let socket = tokio::select! {
            socket = listener.accept() => socket,
            () = &mut stop => break,
        };
        let (handle, disturbed) = (socket.connection(), socket.connection());
        let router = TowerToHyperService::new(router.clone());
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(handle.clone());
            router.call(request)
        });
        let connection = http.serve_connection(TokioIo::new(socket), service);
        let ending = ending.clone();
        connections.spawn(async move {
            let served = async {
                let mut connection = pin!(connection);
                match ending.run_until_cancelled(connection.as_mut()).await {
                    Some(served) => served,
                    None => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                }
            };
            tokio::select! {
                served = served => {
                    if let Err(error) = served {
                        tracing::debug!(%error, "a connection ended early");
                    }
                }
                // Hyper does not read while a handler leaves the body unread or the next request
                // has arrived, so a call that waits would never end.
                () = disturbed.ended() => tracing::debug!("a connection was closed or reset"),
            }
        });
    }
    drop(listener);
    ending.cancel();
    connections.close();
    connections.wait().await;
}

/// Bytes of a body that are discarded at most: those of five uploads of the maximum size.
const MAX_DRAINED_BYTES: usize = 1_000_000_000;
/// The longest time for which a body is discarded.
const MAX_DRAIN_TIME: Duration = Duration::from_secs(60);

/// Runs a call, within the time for its body, and discards what it left of the body, up to a limit.
///
/// An error response may be ready before the body is read. Closing a connection with unread bytes
/// resets it, and the client would lose the response.
pub(crate) async fn bound_body(
    State(timeout): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    // A client that waits for `100 Continue` has sent nothing yet, and need not after a response.
    let expects_continue = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let state = BodyState {
        body: body.into_data_stream(),
        is_sent: !expects_continue,
        is_complete: false,
        is_late: false,
        patience: Patience { most: timeout, left: timeout, wait: None },
    };
    let body = BoundBody(Arc::new(Mutex::new(state)));
    let request = Request::from_parts(parts, Body::from_stream(body.clone()));
    let mut response = next.run(request).await;
    if body.has_more() {
        // After the timeout, the connection is reset, as it would have been without this.
        let _ = tokio::time::timeout(MAX_DRAIN_TIME, discard(body.clone())).await;
    }
    // What was done is reported, whether the rest of the body arrives or not.
    if lock(&body.0).is_late && !response.status().is_success() {
        let what = "the body of the request did not arrive in time";
        response = Rejected::detail(StatusCode::REQUEST_TIMEOUT, what).into_response();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn discard(mut body: BoundBody) {
    let mut discarded = 0;
    while discarded <= MAX_DRAINED_BYTES
        && let Some(Ok(bytes)) = body.next().await
    {
        discarded += bytes.len();
    }
}

/// A request's body, read by the handler first and then by [`bound_body`].
#[derive(Clone, Debug)]
struct BoundBody(Arc<Mutex<BodyState>>);

#[derive(Debug)]
struct BodyState {
    body: BodyDataStream,
    /// Whether the client sends the body.
    is_sent: bool,
    is_complete: bool,
    /// Whether it took too long.
    is_late: bool,
    patience: Patience,
}

/// How much longer the server waits for bytes. The time in which it does not ask for any is its own.
#[derive(Debug)]
struct Patience {
    most: Duration,
    left: Duration,
    wait: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Patience {
    /// Waits on; ready once the time is over.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let left = self.left;
        let begin = || (Instant::now(), Box::pin(tokio::time::sleep(left)));
        self.wait.get_or_insert_with(begin).1.as_mut().poll(context)
    }

    /// Ends the wait; the bytes that have arrived extend the time.
    fn arrived(&mut self, bytes: usize) {
        if let Some((begin, _)) = self.wait.take() {
            self.left = self.left.saturating_sub(begin.elapsed());
        }
        let earned = Duration::from_secs_f64(bytes as f64 / f64::from(MIN_BODY_RATE));
        self.left = self.left.saturating_add(earned).min(self.most);
    }
}

impl BoundBody {
    fn has_more(&self) -> bool {
        let state = lock(&self.0);
        state.is_sent && !state.is_complete
    }
}

impl Stream for BoundBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let state = &mut *lock(&self.0);
        state.is_sent = true;
        if state.is_complete {
            return Poll::Ready(None);
        }
        let Poll::Ready(next) = state.body.poll_next_unpin(context) else {
            if state.patience.poll_over(context).is_pending() {
                return Poll::Pending;
            }
            (state.is_complete, state.is_late) = (true, true);
            let late = io::Error::from(io::ErrorKind::TimedOut);
            return Poll::Ready(Some(Err(axum::Error::new(late))));
        };
        match &next {
            Some(Ok(bytes)) => state.patience.arrived(bytes.len()),
            None | Some(Err(_)) => state.is_complete = true,
        }
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod tests {
    use axum::middleware::from_fn_with_state;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Notify;

    use super::*;
    use crate::local::faults::Gate;

    #[tokio::test]
    async fn a_reset_ends_a_call_that_neither_reads_nor_writes() {
        for (reads, sent) in [(false, "half of it"), (true, "all of this body, and more")] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let gate = Gate::new(listener.local_addr().unwrap(), listener);
            let begun = Arc::new(Notify::new());
            let begin = Arc::clone(&begun);
            let router: Router = Router::new().fallback(move |request: Request| {
                let begun = Arc::clone(&begin);
                async move {
                    let mut body = request.into_body().into_data_stream();
                    while reads && body.next().await.is_some() {}
                    begun.notify_one();
                    std::future::pending::<()>().await;
                }
            });
            let address = gate.url().replace("http://", "");
            let (listener, closing) = (GateListener(Arc::clone(&gate)), CancellationToken::new());
            let stop = closing.clone().cancelled_owned();
            let server = tokio::spawn(serve(listener, router, Duration::from_secs(45), stop));

            let mut client = TcpStream::connect(address).await.unwrap();
            let head = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 16\r\n\r\n";
            client.write_all(format!("{head}{sent}").as_bytes()).await.unwrap();
            begun.notified().await;
            closing.cancel();
            gate.reset_all();
            let minute = Duration::from_secs(60);
            tokio::time::timeout(minute, server).await.expect("it ends").unwrap();
            let received = client.read(&mut [0; 16]).await;
            assert_eq!(received.unwrap_err().kind(), io::ErrorKind::ConnectionReset, "{sent}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_body_is_an_error_unless_the_work_is_done() {
        let status = async |router: Router| {
            let router = router.layer(from_fn_with_state(Duration::from_secs(30), bound_body));
            let never = futures::stream::pending::<io::Result<Bytes>>();
            let request = Request::new(Body::from_stream(never));
            TowerToHyperService::new(router).call(request).await.unwrap().status()
        };
        let done = Router::new().fallback(async || "done");
        assert_eq!(status(done).await, StatusCode::OK);
        let reads = Router::new().fallback(|_: Bytes| async { "read" });
        assert_eq!(status(reads).await, StatusCode::REQUEST_TIMEOUT);
        let rejects = Router::new().fallback(async || StatusCode::NOT_FOUND);
        assert_eq!(status(rejects).await, StatusCode::REQUEST_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_pause_but_not_trickle_for_ever() {
        let most = Duration::from_secs(30);
        // Each is a pause before so many bytes.
        let ends = async |pause: Duration, bytes: usize| {
            let mut patience = Patience { most, left: most, wait: None };
            for received in 0..10_000 {
                let over = std::future::poll_fn(|context| patience.poll_over(context));
                if tokio::time::timeout(pause, over).await.is_ok() {
                    return Some(received);
                }
                patience.arrived(bytes);
            }
            None
        };
        let second = Duration::from_secs(1);
        assert_eq!(ends(most + second, 1 << 20).await, Some(0));
        assert_eq!(ends(second, 1).await, Some(30));
        assert_eq!(ends(second, MIN_BODY_RATE as usize).await, None);
        assert_eq!(ends(most - second, 1 << 20).await, None);
    }
}
