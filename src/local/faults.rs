//! Faults on demand: what can go wrong between a program and the service, made to go wrong on a
//! real socket, at the call and the moment that a test asks for.
//!
//! | file | holds |
//! |---|---|
//! | `fault` | what can go wrong, and whether the work is done all the same |
//! | `plans` | which fault meets which call |
//! | `late` | work that waits until somebody looks for it |
//! | `play` | a fault played: around a handler, on its answer, on its connection |
//! | `answers` | the answers that no call should get |
//! | `socket` | a connection that can be reset, closed, slowed down and made to say nonsense |
//! | `door` | the listener, which can refuse |

mod answers;
mod door;
mod fault;
mod late;
mod plans;
mod play;
mod socket;

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

pub use self::fault::{Cut, Ending, Fault, FaultyResponse, Refusal};
use self::plans::Plan;
use super::route::Route;
use super::service::Service;

pub(super) use self::door::{Door, Entrance};
pub(super) use self::plans::Plans;
pub(super) use self::play::play;
pub(super) use self::socket::Over;

/// Makes calls to an embedded backend go wrong. [`LocalBackend::faults`] gives it; clones are
/// cheap and mean the same backend.
///
/// Every fault is real: a reset is a reset of the connection, a stall a connection on which
/// nothing comes. [`Counters`] tell what was done all the same, and how many requests came in,
/// so that a test can hold one against the other:
///
/// ```
/// use nemovideo::local::{Fault, LocalBackend, Route, FaultyResponse};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let backend = LocalBackend::start().await?;
/// let http = reqwest::Client::builder().no_proxy().build()?;
/// let token = || {
///     let url = format!("{}/api/auth/anonymous-token", backend.url());
///     http.post(url).header("X-Client-Id", "b7d0c9b2-6f0f-4ad5-9d5c-0b8a2f6f2c11").send()
/// };
///
/// // The token is made, and its answer lost.
/// backend.faults().inject(Fault::DropResponse(FaultyResponse::Reset)).on(Route::Token).once();
/// assert!(token().await.is_err());
/// assert_eq!(backend.counters().tokens_issued, 1);
///
/// // This client has a living token now, as far as the backend knows.
/// assert_eq!(token().await?.status(), 429);
/// assert_eq!(backend.counters().tokens_issued, 1);
/// assert_eq!(backend.counters().requests(Route::Token), 2);
///
/// // What the program under test does about that is the point of the test.
/// backend.faults().expire_tokens();
/// assert_eq!(token().await?.status(), 200);
/// # Ok(())
/// # }
/// ```
///
/// [`LocalBackend::faults`]: super::LocalBackend::faults
/// [`Counters`]: super::Counters
#[derive(Clone, Debug)]
pub struct Faults {
    /// Not held, so that a backend's files go when it goes.
    service: Weak<Service>,
}

impl Faults {
    pub(super) fn new(service: &Arc<Service>) -> Self {
        Self { service: Arc::downgrade(service) }
    }

    /// Plans a fault. It begins to happen when [`once`](FaultBuilder::once),
    /// [`times`](FaultBuilder::times) or [`always`](FaultBuilder::always) is called.
    ///
    /// A call meets one fault at most: that of the oldest plan which is due.
    pub fn inject(&self, fault: Fault) -> FaultBuilder<'_> {
        FaultBuilder { faults: self, fault, route: None, after: 0 }
    }

    /// Takes back all plans, lets every stalled call end, by a reset, and work that
    /// [was put off](Fault::LateWork) begin. Connections are no longer dropped; those that are
    /// [refused](Self::refuse_connections) stay so.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, ExponentialRetry, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .retry(ExponentialRetry::default().with_initial_delay(std::time::Duration::from_millis(1)))
    /// #     .build()?;
    /// use nemovideo::local::{Fault, Route, FaultyResponse};
    ///
    /// let faults = backend.faults();
    /// let stalled = faults.inject(Fault::ReplaceResponse(FaultyResponse::Stall)).on(Route::Credits).always();
    /// let waiting = tokio::spawn({
    ///     let client = client.clone();
    ///     async move { client.credits().await }
    /// });
    /// while stalled.hits() == 0 {
    ///     tokio::task::yield_now().await;
    /// }
    /// faults.clear();
    /// waiting.await??; // the connection was reset, and the client asked once more
    /// assert_eq!(backend.counters().requests(Route::Credits), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn clear(&self) {
        if let Some(service) = self.service.upgrade() {
            service.door.turn_away(0);
            service.plans.clear();
        }
    }

    /// Ends all tokens now: calls that carry one get 1001, and a client that asks gets a new token
    /// for its old account.
    pub fn expire_tokens(&self) {
        if let Some(service) = self.service.upgrade() {
            service.accounts.expire_tokens();
        }
    }

    /// Refuses connections from now on, as a service that is down: the listener is closed, the
    /// port kept, and connections that are open are reset.
    ///
    /// Nothing gets in, so no counter moves.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, ExponentialRetry, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .retry(ExponentialRetry::never())
    /// #     .build()?;
    /// use nemovideo::Error;
    ///
    /// backend.faults().refuse_connections();
    /// let error = client.credits().await.unwrap_err();
    /// assert!(matches!(error, Error::Unreachable(_)));
    /// assert!(error.is_retryable() && !error.may_have_taken_effect()); // nothing was sent
    /// assert_eq!(backend.counters().connections, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn refuse_connections(&self) {
        if let Some(service) = self.service.upgrade() {
            service.door.shut();
        }
    }

    /// Listens again, at the same address.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, ExponentialRetry, local::LocalBackend};
    /// use std::time::Duration;
    ///
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let retry = ExponentialRetry::default().with_initial_delay(Duration::from_millis(20));
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .retry(retry.with_max_attempts(10))
    /// #     .build()?;
    /// // Down for a moment: whoever goes on trying gets through.
    /// backend.faults().refuse_connections();
    /// let soon = async { backend.faults().accept_connections() };
    /// let (credits, listens) = tokio::join!(client.credits(), soon);
    /// listens?;
    /// assert_eq!(credits?.available.get(), 100.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// When the system does not let it, for another program has taken the port.
    pub fn accept_connections(&self) -> io::Result<()> {
        self.service.upgrade().map_or(Ok(()), |service| service.door.open())
    }

    /// Lets the next connections be made and closes each before a byte is read, whatever it is
    /// for. Connections that are open now are reset, so that the next call makes a new one.
    ///
    /// They count as [connections](super::Counters::connections) and as no requests.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, ExponentialRetry, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .retry(ExponentialRetry::default().with_initial_delay(std::time::Duration::from_millis(1)))
    /// #     .build()?;
    /// use nemovideo::local::Route;
    ///
    /// backend.faults().drop_connections(1);
    /// client.authenticate().await?; // asked again, over another connection
    /// let counters = backend.counters();
    /// assert_eq!((counters.connections, counters.requests(Route::Token)), (2, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn drop_connections(&self, connections: u64) {
        if let Some(service) = self.service.upgrade() {
            service.door.turn_away(connections);
        }
    }
}

/// The fault that a handler has a part in, told by [`play`].
#[derive(Debug)]
pub(super) struct Met(pub(super) Option<Fault>);

impl<S: Sync> FromRequestParts<S> for Met {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.remove()))
    }
}

/// A fault that is being planned.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, ExponentialRetry, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .retry(ExponentialRetry::never())
/// #     .build()?;
/// use nemovideo::local::{Fault, Refusal, Route};
///
/// // The second and the third question go wrong, asked by a client that tries nothing twice.
/// let busy = Fault::ReplaceResponse(Refusal::status(503).into());
/// backend.faults().inject(busy).on(Route::Credits).after(1).times(2);
/// for goes_well in [true, false, false, true] {
///     assert_eq!(client.credits().await.is_ok(), goes_well);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "a fault begins to happen with `once`, `times` or `always`"]
pub struct FaultBuilder<'a> {
    faults: &'a Faults,
    fault: Fault,
    route: Option<Route>,
    after: u64,
}

impl FaultBuilder<'_> {
    /// Only to calls of this route. Without it: to calls of every route that the fault
    /// [fits](Fault::fits).
    pub fn on(mut self, route: Route) -> Self {
        self.route = Some(route);
        self
    }

    /// Spares this many calls first, of those that it could happen to.
    pub fn after(mut self, calls: u64) -> Self {
        self.after = calls;
        self
    }

    /// To one call.
    pub fn once(self) -> FaultHandle {
        self.times(1)
    }

    /// To this many calls.
    pub fn times(self, calls: u64) -> FaultHandle {
        self.plan(Some(calls))
    }

    /// To all calls, until [`Faults::clear`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// # let session = client.create_session(CreateSession::default()).await?;
    /// # let id = &session.session_id;
    /// use nemovideo::local::{Fault, Refusal, Route};
    /// use nemovideo::{Error, ErrorCode};
    ///
    /// let no_credits = Refusal::code(ErrorCode::OutOfCredits);
    /// backend.faults().inject(Fault::ReplaceResponse(no_credits.into())).on(Route::Message).always();
    /// for _ in 0..3 {
    ///     let refused = client.send_message(id, "narrate: Good morning.").await;
    ///     assert!(matches!(refused, Err(Error::OutOfCredits(_))));
    /// }
    /// backend.faults().clear();
    /// assert!(client.send_message(id, "narrate: Good morning.").await.is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn always(self) -> FaultHandle {
        self.plan(None)
    }

    fn plan(self, left: Option<u64>) -> FaultHandle {
        let met = Arc::default();
        if let Some(service) = self.faults.service.upgrade() {
            let met = Arc::clone(&met);
            let Self { fault, route, after: spared, .. } = self;
            service.plans.add(Plan { fault, route, spared, left, met });
        }
        FaultHandle { met }
    }
}

/// A fault that was planned.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, CreateSession, ExponentialRetry, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .retry(ExponentialRetry::default().with_initial_delay(std::time::Duration::from_millis(1)))
/// #     .build()?;
/// # let session = client.create_session(CreateSession::default()).await?;
/// # let id = &session.session_id;
/// use nemovideo::local::{Fault, Route, FaultyResponse};
///
/// let injected = backend.faults().inject(Fault::DropResponse(FaultyResponse::Reset)).on(Route::State).once();
/// client.credits().await?;
/// assert_eq!(injected.hits(), 0); // a test that ends here has tested nothing
/// client.session_state(id).await?;
/// assert_eq!(injected.hits(), 1); // met, and the client asked once more
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct FaultHandle {
    met: Arc<AtomicU64>,
}

impl FaultHandle {
    /// How many calls it has happened to.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.met.load(Ordering::Relaxed)
    }
}
