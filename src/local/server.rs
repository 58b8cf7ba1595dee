//! The running backend: its state, its router and its end.

use std::future::IntoFuture as _;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, StreamExt as _};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::task::JoinHandle;
use url::Url;

use super::accounts::Accounts;
use super::builder::{LocalBackendBuilder, Settings};
use super::endpoints;
use super::engine::Engine;
use super::faults::{Connection, FaultPlans, Faults, Gate, GateListener};
use super::library::Library;
use super::renders::Renders;
use super::response::Rejected;
use super::sessions::Sessions;
use crate::address::is_loopback;
use crate::protocol::{Credits, Endpoint};
use crate::sync::lock;

/// A running embedded backend, which stops when it is dropped.
///
/// It runs on the Tokio runtime on which it was started, and ends with it.
#[derive(Debug)]
pub struct LocalBackend {
    service: SharedService,
    faults: Faults,
    /// Dropping it stops the server.
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

impl LocalBackend {
    /// Starts a backend with the default settings, on any free port of the loopback interface.
    ///
    /// # Errors
    /// [`LocalError`] when no port or no directory for files is available.
    pub async fn start() -> Result<Self, LocalError> {
        Self::builder().start().await
    }

    /// Returns a builder with the default settings.
    pub fn builder() -> LocalBackendBuilder {
        LocalBackendBuilder::default()
    }

    /// Returns the base URL, `http://127.0.0.1:<port>`, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.service.url
    }

    /// Returns what the backend has really done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.service.counters()
    }

    /// Returns the control over faults, with which calls to this backend are made to fail.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Serves until the server fails, which normally never happens.
    ///
    /// # Errors
    /// [`LocalError::Stopped`] when the server has failed.
    pub async fn serve_forever(self) -> Result<(), LocalError> {
        let _until_the_end = self.stop;
        let result = self.server.await.map_err(|error| LocalError::Stopped(error.to_string()))?;
        result.map_err(|error| LocalError::Stopped(error.to_string()))
    }

    /// Accepts no more calls and waits until those in progress have their responses, at most
    /// [as long as configured](LocalBackendBuilder::shutdown_within), because a client may never
    /// send the rest of a request. Calls stalled by a [fault](Self::faults) are reset at once.
    ///
    /// # Cancel safety
    /// If the future is dropped, the backend still stops, and calls in progress are completed.
    pub async fn shutdown(self) {
        drop(self.stop);
        // A server that has failed earlier has stopped as well.
        let _ = self.server.await;
    }

    pub(crate) fn serve(service: SharedService, listener: GateListener) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let faults = Faults::new(&service);
        let router = router(&service).into_make_service_with_connect_info::<Connection>();
        let ending = Arc::clone(&service);
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            stopped.await.unwrap_or_default();
            // The server waits for calls in progress, and a stalled one would never end.
            ending.plans.clear();
            tokio::spawn(async move {
                tokio::time::sleep(ending.settings.shutdown_within).await;
                ending.gate.reset_all();
            });
        });
        Self { service, faults, stop, server: tokio::spawn(server.into_future()) }
    }
}

/// Why an embedded backend could not start, or stopped. Each text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// Another program listens on the port.
    #[error("port {port} is in use; choose another one, or 0 for any free port")]
    PortInUse {
        /// The requested port.
        port: u16,
        /// The system's error.
        source: io::Error,
    },
    /// The system rejected the port, for example one below 1024 without the privilege for it.
    #[error("cannot listen on port {port}")]
    Listen {
        /// The requested port.
        port: u16,
        /// The system's error.
        source: io::Error,
    },
    /// No files can be stored in the data directory.
    #[error("the data directory {} cannot be used", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The font cannot be used.
    #[cfg(feature = "media")]
    #[error(transparent)]
    Font(#[from] crate::media::MediaError),
    /// The server has failed.
    #[error("the embedded backend stopped: {0}")]
    Stopped(String),
}

pub(crate) type SharedService = Arc<Service>;

/// The state of a backend, shared by all calls.
#[derive(Debug)]
pub(crate) struct Service {
    /// The base URL, without a trailing slash.
    pub(crate) url: String,
    pub(crate) settings: Settings,
    pub(crate) accounts: Accounts,
    pub(crate) sessions: Sessions,
    pub(crate) library: Library,
    pub(crate) renders: Renders,
    /// Renders and messages have separate pools, so that replies do not wait for videos.
    pub(crate) render_workers: WorkerPool,
    pub(crate) message_workers: WorkerPool,
    pub(crate) engine: Arc<dyn Engine>,
    /// What is counted here; credits are counted by the accounts, and connections by the gate.
    counters: Mutex<Counters>,
    pub(crate) plans: FaultPlans,
    pub(crate) gate: Arc<Gate>,
}

impl Service {
    pub(crate) fn new(
        gate: Arc<Gate>,
        settings: Settings,
        library: Library,
        engine: Arc<dyn Engine>,
        render_workers: WorkerPool,
    ) -> Self {
        Self {
            url: gate.url(),
            settings,
            accounts: Accounts::default(),
            sessions: Sessions::default(),
            library,
            renders: Renders::default(),
            render_workers,
            message_workers: WorkerPool::default(),
            engine,
            counters: Mutex::default(),
            plans: FaultPlans::default(),
            gate,
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        let (credits_taken, connections) = (self.accounts.credits_taken(), self.gate.accepted());
        Counters { credits_taken, connections, ..*lock(&self.counters) }
    }

    /// Changes the counters.
    pub(crate) fn count(&self, count: impl FnOnce(&mut Counters)) {
        count(&mut lock(&self.counters));
    }
}

/// What an embedded backend has really done since it started.
///
/// A call that got an error response has done nothing. A message whose client disconnected was
/// done and charged, so it counts. Requests are counted regardless of their outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Counters {
    /// Anonymous tokens issued.
    pub tokens_issued: u64,
    /// Tokens that users created for themselves.
    pub tokens_created: u64,
    /// Tokens that users revoked; a token that is revoked again counts once.
    pub tokens_revoked: u64,
    /// Sessions created.
    pub sessions_created: u64,
    /// Messages that reached the agent.
    pub messages_run: u64,
    /// Renders accepted; a second submit of one id is rejected.
    pub renders_started: u64,
    /// Renders that have a video.
    pub renders_finished: u64,
    /// Files stored from uploads, by body or by URL.
    pub uploads_taken: u64,
    /// Responses that began to send a file, whole or a range of it.
    pub files_served: u64,
    /// Credits taken from all accounts together.
    pub credits_taken: Credits,
    /// Connections accepted, including those dropped at once.
    pub connections: u64,
    pub(crate) requests: [u64; Endpoint::ALL.len()],
}

impl Counters {
    /// Returns how many requests to an endpoint arrived, regardless of their outcome. A request is
    /// counted when its headers have been read.
    #[must_use]
    pub const fn requests(&self, endpoint: Endpoint) -> u64 {
        self.requests[endpoint as usize]
    }

    /// Returns how many requests to all endpoints together arrived.
    #[must_use]
    pub fn all_requests(&self) -> u64 {
        self.requests.iter().sum()
    }
}

/// Limits how much blocking work runs at once, by default to one piece per core. More would be no
/// faster, and each piece needs memory of its own.
#[derive(Debug)]
pub(crate) struct WorkerPool(Semaphore);

impl WorkerPool {
    pub(crate) fn new(workers: usize) -> Self {
        Self(Semaphore::new(workers.max(1)))
    }

    /// Waits for a free worker, first come, first served. It is free again when the permit is
    /// dropped.
    pub(crate) async fn worker(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed; if it were, nobody would have to wait.
        self.0.acquire().await.ok()
    }
}

impl Default for WorkerPool {
    fn default() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
    }
}

fn router(service: &SharedService) -> Router {
    endpoints::all(service)
        .fallback(async || Rejected::not_found())
        .method_not_allowed_fallback(async || {
            Rejected::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .layer(middleware::from_fn(drain))
        .layer(middleware::from_fn(reject_foreign))
        .with_state(Arc::clone(service))
}

/// Rejects calls that a web page of another site makes.
///
/// Such a page can give its own name the address of this machine (DNS rebinding). The browser then
/// takes the responses for the page's own, but names its host in `Host` and `Origin`.
async fn reject_foreign(request: Request, next: Next) -> Response {
    if is_from_here(request.uri(), request.headers()) {
        return next.run(request).await;
    }
    let what = "the embedded backend serves programs and pages of this machine only";
    Rejected::detail(StatusCode::FORBIDDEN, what.to_owned()).into_response()
}

fn is_from_here(uri: &Uri, headers: &HeaderMap) -> bool {
    let header = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_here = |url: &str| {
        Url::parse(url).is_ok_and(|url| url.host().is_some_and(|host| is_loopback(&host)))
    };
    let host = uri.authority().map(|authority| authority.as_str());
    host.or_else(|| header(header::HOST)).is_none_or(|host| is_here(&format!("http://{host}/")))
        && header(header::ORIGIN).is_none_or(is_here)
}

/// Bytes of a body that are discarded at most: those of five uploads of the maximum size.
const MAX_DRAINED_BYTES: usize = 1_000_000_000;
/// The longest time for which a body is discarded.
const MAX_DRAIN_TIME: Duration = Duration::from_secs(60);

/// Runs a call and discards what it left of the request's body, up to a limit.
///
/// An error response may be ready before the body is read. Closing a connection with unread bytes
/// resets it, and the client would lose the response.
async fn drain(request: Request, next: Next) -> Response {
    // A client that waits for `100 Continue` has sent nothing yet, and need not after a response.
    let expects_continue = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let state = DrainState {
        body: body.into_data_stream(),
        is_sent: !expects_continue,
        is_complete: false,
    };
    let body = DrainedBody(Arc::new(Mutex::new(state)));
    let request = Request::from_parts(parts, Body::from_stream(body.clone()));
    let response = next.run(request).await;
    if body.has_more() {
        // After the timeout, the connection is reset, as it would have been without this.
        let _ = tokio::time::timeout(MAX_DRAIN_TIME, discard(body)).await;
    }
    response
}

async fn discard(mut body: DrainedBody) {
    let mut discarded = 0;
    while discarded <= MAX_DRAINED_BYTES
        && let Some(Ok(bytes)) = body.next().await
    {
        discarded += bytes.len();
    }
}

/// A request's body, read by the handler first and then by [`drain`].
#[derive(Clone, Debug)]
struct DrainedBody(Arc<Mutex<DrainState>>);

#[derive(Debug)]
struct DrainState {
    body: BodyDataStream,
    /// Whether the client sends the body.
    is_sent: bool,
    is_complete: bool,
}

impl DrainedBody {
    fn has_more(&self) -> bool {
        let state = lock(&self.0);
        state.is_sent && !state.is_complete
    }
}

impl Stream for DrainedBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = lock(&self.0);
        state.is_sent = true;
        if state.is_complete {
            return Poll::Ready(None);
        }
        let next = state.body.poll_next_unpin(context);
        state.is_complete = matches!(next, Poll::Ready(None | Some(Err(_))));
        next
    }
}
