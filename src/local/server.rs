//! The running backend: its state, its router and its end.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use super::accounts::Accounts;
use super::builder::{LocalBackendBuilder, Settings};
use super::endpoints;
use super::engine::Engine;
use super::faults::{FaultPlans, Faults, Gate, GateListener};
use super::http;
use super::library::Library;
use super::renders::Renders;
use super::response::Rejected;
use super::sessions::Sessions;
use super::store::{Kept, Store};
use super::watch::{self, Watch};
use crate::address::is_loopback;
use crate::protocol::{Credits, Endpoint, UserId};
use crate::sync::lock;

/// A running embedded backend.
///
/// When it is dropped, it stops at once: calls in progress are reset, and the work behind them and
/// the renders are cancelled. [`shutdown`](Self::shutdown) lets calls in progress end. It runs on
/// the Tokio runtime on which it was started, and ends with it.
#[derive(Debug)]
pub struct LocalBackend {
    service: SharedService,
    faults: Faults,
    /// Set when no more calls are accepted.
    closing: CancellationToken,
    server: JoinHandle<()>,
}

/// How long a shutdown waits for work to notice that it was cancelled.
const CANCEL_WITHIN: Duration = Duration::from_secs(2);

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
    pub async fn serve_forever(mut self) -> Result<(), LocalError> {
        (&mut self.server).await.map_err(|error| LocalError::Stopped(error.to_string()))
    }

    /// Accepts no more calls, waits until those in progress have their responses, cancels what work
    /// is left, and removes the private directory.
    ///
    /// It waits for calls at most [as long as configured](LocalBackendBuilder::shutdown_within),
    /// because a client may never send the rest of a request, and a message may take minutes; then
    /// they are reset. For the cancelled work it waits two seconds more at most. What does not notice
    /// by then, such as a voice of the program's own, ends by itself and is not charged. Calls
    /// stalled by a [fault](Self::faults) are reset at once.
    ///
    /// # Cancel safety
    /// If the future is dropped, the backend stops at once, as if it had been dropped itself.
    pub async fn shutdown(mut self) {
        self.closing.cancel();
        // A server that has failed earlier has stopped as well.
        let _ = (&mut self.server).await;
        self.service.stopping.cancel();
        self.service.jobs.close();
        let _ = tokio::time::timeout(CANCEL_WITHIN, self.service.jobs.wait()).await;
    }

    pub(crate) fn serve(service: SharedService, listener: GateListener) -> Self {
        let closing = CancellationToken::new();
        let faults = Faults::new(&service);
        let (ending, closed) = (Arc::clone(&service), closing.clone());
        let stop = async move {
            closed.cancelled().await;
            // The server waits for calls in progress, and a stalled one would never end.
            ending.plans.clear();
            let (gate, timeout) = (Arc::clone(&ending.gate), ending.settings.shutdown_within);
            tokio::spawn(async move {
                tokio::time::sleep(timeout).await;
                gate.reset_all();
            });
        };
        // The work ends with the server, also when the runtime drops it.
        let stopping = service.stopping.clone().drop_guard();
        let (router, timeout) = (router(&service), service.settings.request_timeout);
        let server = tokio::spawn(async move {
            let _stopping = stopping;
            http::serve(listener, router, timeout, stop).await;
        });
        Self { service, faults, closing, server }
    }
}

impl Drop for LocalBackend {
    fn drop(&mut self) {
        self.closing.cancel();
        // Before the work: the stream of a cancelled message would end as if it was complete.
        self.service.gate.reset_all();
        self.service.stopping.cancel();
        // Another backend may use the directory from now on, whatever is still at work here.
        self.service.store.close();
        self.service.library.remove_private();
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
    pub(crate) store: Arc<Store>,
    pub(crate) library: Library,
    pub(crate) renders: Renders,
    /// Renders and messages have separate pools, so that replies do not wait for videos.
    pub(crate) render_workers: WorkerPool,
    pub(crate) message_workers: WorkerPool,
    /// Uploads are examined once they have arrived.
    pub(crate) upload_workers: WorkerPool,
    /// Work that outlives its call, or cannot be dropped.
    pub(crate) jobs: TaskTracker,
    /// Set when all work is to end.
    pub(crate) stopping: CancellationToken,
    pub(crate) engine: Arc<dyn Engine>,
    /// What is counted here; credits are counted by the accounts, and connections by the gate.
    counters: Mutex<Counters>,
    pub(crate) plans: FaultPlans,
    pub(crate) gate: Arc<Gate>,
    /// What the page shows beside all this; `None` without the page.
    pub(crate) watch: Option<Arc<Watch>>,
}

impl Service {
    pub(crate) fn new(
        gate: Arc<Gate>,
        settings: Settings,
        library: Library,
        engine: Arc<dyn Engine>,
        render_workers: WorkerPool,
        kept: Kept,
    ) -> Self {
        let store = kept.store;
        let watch = settings.watch_page.then(|| Watch::new(kept.logs, Arc::clone(&store)));
        Self {
            url: gate.url(),
            watch: watch.map(Arc::new),
            settings,
            accounts: Accounts::new(kept.accounts, Arc::clone(&store)),
            sessions: Sessions::new(kept.sessions, Arc::clone(&store)),
            store,
            library,
            renders: Renders::default(),
            render_workers,
            message_workers: WorkerPool::default(),
            upload_workers: WorkerPool::default(),
            jobs: TaskTracker::new(),
            stopping: CancellationToken::new(),
            engine,
            counters: Mutex::new(kept.counters),
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

/// What an embedded backend has really done since it started, or, if it is
/// `persistent`, in its directory.
///
/// A call that got an error response has done nothing. A message whose client disconnected was
/// done and charged, so it counts. Requests are counted regardless of their outcome; they, the files
/// served and the connections are those since the start in any case.
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

/// Limits how much blocking work runs at once. More than a piece per core would be no faster, and
/// each needs memory of its own.
///
/// An account gets all workers but one, and waits with the rest of its work outside of the queue.
/// So that of another account never waits for all of it.
#[derive(Debug)]
pub(crate) struct WorkerPool {
    all: Semaphore,
    share: usize,
    shares: Mutex<HashMap<UserId, Arc<Semaphore>>>,
}

/// A place in a [`WorkerPool`], given back on drop.
#[derive(Debug)]
pub(crate) struct Worker<'p> {
    _any: SemaphorePermit<'p>,
    _own: OwnedSemaphorePermit,
}

impl WorkerPool {
    /// Creates a pool of so many workers, at least two.
    pub(crate) fn new(workers: usize) -> Self {
        let workers = workers.max(2);
        Self { all: Semaphore::new(workers), share: workers - 1, shares: Mutex::default() }
    }

    /// Waits for a worker. Callers get one in the order in which they came, those of an account
    /// among each other. `None` if there were none, which never happens: the semaphores are not
    /// closed.
    pub(crate) async fn worker(&self, user: &UserId) -> Option<Worker<'_>> {
        let own = {
            let mut shares = lock(&self.shares);
            let new = || Arc::new(Semaphore::new(self.share));
            Arc::clone(shares.entry(user.clone()).or_insert_with(new))
        };
        let own = own.acquire_owned().await.ok()?;
        Some(Worker { _any: self.all.acquire().await.ok()?, _own: own })
    }
}

impl Default for WorkerPool {
    fn default() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
    }
}

fn router(service: &SharedService) -> Router {
    let page = service.watch.as_ref().map_or_else(Router::new, |_| watch::routes());
    endpoints::all(service)
        .merge(page)
        .fallback(async || Rejected::not_found())
        .method_not_allowed_fallback(async || {
            Rejected::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .layer(middleware::from_fn_with_state(service.settings.request_timeout, http::bound_body))
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
    let is_here = |url: &str| {
        Url::parse(url).is_ok_and(|url| url.host().is_some_and(|host| is_loopback(&host)))
    };
    let is_host = |host: &str| is_here(&format!("http://{host}/"));
    let all = |name: HeaderName, is: &dyn Fn(&str) -> bool| {
        headers.get_all(name).iter().all(|value| is(value.to_str().unwrap_or_default()))
    };
    uri.authority().is_none_or(|authority| is_host(authority.as_str()))
        && all(header::HOST, &is_host)
        && all(header::ORIGIN, &is_here)
}
