//! The running backend: its listener, its routes, its end.

use std::future::IntoFuture as _;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::answer::Refused;
use super::builder::LocalBackendBuilder;
use super::counters::Counters;
use super::drain::drain;
use super::endpoints;
use super::error::LocalError;
use super::faults::{Connection, Faults, GateListener};
use super::service::Shared;

/// The embedded backend, running. Dropped, it stops.
///
/// It lives on the Tokio runtime that it was started on, and ends with it.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::{Error, NemoClient, ExponentialRetry, local::LocalBackend};
///
/// let backend = LocalBackend::start().await?;
/// let client = NemoClient::builder()
///     .base_url(backend.url())
///     .in_memory_credentials()
///     .retry(ExponentialRetry::never())
///     .build()?;
/// assert_eq!(client.credits().await?.available.get(), 100.0);
/// backend.shutdown().await;
/// assert!(matches!(client.credits().await, Err(Error::Unreachable(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct LocalBackend {
    service: Shared,
    faults: Faults,
    /// Dropped with the backend, which the server takes for the word to stop.
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

impl LocalBackend {
    /// Starts a backend with the defaults, on any free port of the loopback interface.
    ///
    /// # Errors
    /// [`LocalError`] when it cannot listen or has no place for files.
    pub async fn start() -> Result<Self, LocalError> {
        Self::builder().start().await
    }

    /// Sets up a backend.
    pub fn builder() -> LocalBackendBuilder {
        LocalBackendBuilder::default()
    }

    /// Where it is reached: `http://127.0.0.1:<port>`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.service.url
    }

    /// What it has really done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.service.counters()
    }

    /// Makes calls to it go wrong.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// use nemovideo::local::{Fault, Refusal, Endpoint, FaultyResponse};
    ///
    /// // The service is busy, once: the client waits as long as it is told and asks again.
    /// let busy = Refusal::status(429).retry_after(std::time::Duration::ZERO);
    /// let fault = Fault::Instead(FaultyResponse::Refusal(busy));
    /// let injected = backend.faults().inject(fault).on(Endpoint::Credits).once();
    /// client.credits().await?;
    /// assert_eq!((injected.hits(), backend.counters().requests(Endpoint::Credits)), (1, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Serves until the server breaks, which it normally never does.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::local::LocalBackend;
    /// use std::time::Duration;
    ///
    /// let backend = LocalBackend::start().await?;
    /// println!("listening on {}", backend.url());
    /// let forever = backend.serve_forever();
    /// // A program would await it as it is.
    /// assert!(tokio::time::timeout(Duration::from_millis(5), forever).await.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`LocalError::Stopped`] when it did.
    pub async fn serve_forever(self) -> Result<(), LocalError> {
        let _until_the_end = self.stop;
        ended(self.server.await)
    }

    /// Takes no more calls and waits until those under way are answered, though
    /// [not for long](LocalBackendBuilder::shutdown_within): a caller may never say the rest of
    /// what it began. Those that a [fault](Self::faults) has stalled are reset at once.
    ///
    /// # Cancel safety
    /// Dropped halfway, the backend still stops; the calls under way are answered meanwhile.
    pub async fn shutdown(self) {
        drop(self.stop);
        // A server that had broken before is stopped all the same.
        let _ = self.server.await;
    }

    pub(super) fn serve(service: Shared, entrance: GateListener) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let faults = Faults::new(&service);
        let calls = router(&service).into_make_service_with_connect_info::<Connection>();
        let ending = Shared::clone(&service);
        let server = axum::serve(entrance, calls).with_graceful_shutdown(async move {
            stopped.await.unwrap_or_default();
            // The server waits for the calls under way, and a stalled one would never end.
            ending.plans.clear();
            tokio::spawn(async move {
                tokio::time::sleep(ending.settings.shutdown_within).await;
                ending.gate.reset_all();
            });
        });
        Self { service, faults, stop, server: tokio::spawn(server.into_future()) }
    }
}

fn ended(result: Result<std::io::Result<()>, tokio::task::JoinError>) -> Result<(), LocalError> {
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(LocalError::Stopped(error.to_string())),
        Err(error) => Err(LocalError::Stopped(error.to_string())),
    }
}

fn router(service: &Shared) -> Router {
    endpoints::all(service)
        .fallback(async || Refused::not_found())
        .method_not_allowed_fallback(async || {
            Refused::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .layer(middleware::from_fn(drain))
        .with_state(Shared::clone(service))
}
