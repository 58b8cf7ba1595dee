//! Faults on demand: what can go wrong between a program and the service, made to go wrong on a
//! real socket, at the call and the moment that a test asks for.
//!
//! | file | holds |
//! |---|---|
//! | `fault` | what can go wrong, and whether the work is done all the same |
//! | `plan` | which call meets which fault, and work that is put off |
//! | `inject` | a fault carried out: around a handler, on its response, on its connection |
//! | `connection` | a listener that can refuse, and a socket that can be reset, closed or slowed |

mod connection;
mod fault;
mod inject;
mod plan;

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::server::Service;
use crate::protocol::Endpoint;

pub(super) use connection::{Gate, GateListener};
pub use fault::{Cut, Ending, ErrorReply, Fault, FaultyResponse};
pub(super) use inject::inject;
pub(super) use plan::{FaultPlans, LateStart, Release};

/// Makes calls to an embedded backend fail. Returned by [`LocalBackend::faults`]; clones are cheap
/// and refer to the same backend.
///
/// Every fault is real: a reset is a reset of the connection, a stall a connection on which
/// nothing arrives. [`Counters`] report what was done all the same and how many requests arrived,
/// so that a test can compare the two:
///
/// ```
/// use nemovideo::local::{Fault, FaultyResponse, LocalBackend};
/// use nemovideo::protocol::Endpoint;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let backend = LocalBackend::start().await?;
/// # rustls::crypto::ring::default_provider().install_default().ok();
/// let http = reqwest::Client::builder().no_proxy().build()?;
/// let token = || {
///     let url = format!("{}/api/auth/anonymous-token", backend.url());
///     http.post(url).header("X-Client-Id", "b7d0c9b2-6f0f-4ad5-9d5c-0b8a2f6f2c11").send()
/// };
///
/// // The token is issued, and its response lost.
/// let lost = Fault::DropResponse(FaultyResponse::Reset);
/// let handle = backend.faults().inject(lost).on(Endpoint::Token).once();
/// assert!(token().await.is_err());
/// assert_eq!((handle.hits(), backend.counters().tokens_issued), (1, 1));
///
/// // This client has a valid token now, as far as the backend knows.
/// assert_eq!(token().await?.status(), 429);
/// assert_eq!(backend.counters().requests(Endpoint::Token), 2);
///
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
    /// Weak, so that a backend's files are removed when it is dropped.
    service: Weak<Service>,
}

impl Faults {
    pub(super) fn new(service: &Arc<Service>) -> Self {
        Self { service: Arc::downgrade(service) }
    }

    /// Does something with the backend, unless it is dropped.
    fn with<T>(&self, act: impl FnOnce(&Service) -> T) -> Option<T> {
        self.service.upgrade().map(|service| act(&service))
    }

    /// Plans a fault. It takes effect when [`once`](FaultBuilder::once),
    /// [`times`](FaultBuilder::times) or [`always`](FaultBuilder::always) is called.
    ///
    /// At most one fault applies to a call: that of the oldest plan that is due.
    pub fn inject(&self, fault: Fault) -> FaultBuilder<'_> {
        FaultBuilder { faults: self, fault, endpoint: None, after: 0 }
    }

    /// Cancels all plans, ends every stalled call with a reset, and lets work that was
    /// [put off](Fault::LateWork) begin. Connections are no longer dropped; a backend that
    /// [refuses connections](Self::refuse_connections) goes on refusing them.
    pub fn clear(&self) {
        self.with(|service| {
            service.gate.drop_next(0);
            service.plans.clear();
        });
    }

    /// Expires all tokens now: calls that carry one get 1001, and a client that asks gets a new
    /// token for its old account.
    pub fn expire_tokens(&self) {
        self.with(|service| service.accounts.expire_tokens());
    }

    /// Refuses connections from now on, as a service that is down: the listener is closed, the
    /// port kept, and open connections are reset. No counter changes meanwhile.
    pub fn refuse_connections(&self) {
        self.with(|service| service.gate.close());
    }

    /// Listens again, on the same port.
    ///
    /// # Errors
    /// When the system rejects the port, for example because another program has taken it.
    pub fn accept_connections(&self) -> io::Result<()> {
        self.with(|service| service.gate.open()).unwrap_or(Ok(()))
    }

    /// Accepts the next `connections` connections and closes each before a byte is read. Open
    /// connections are reset, so that the next call makes a new one.
    ///
    /// Dropped connections count as [connections](super::Counters::connections) and as no
    /// requests.
    pub fn drop_connections(&self, connections: u64) {
        self.with(|service| service.gate.drop_next(connections));
    }
}

/// The fault in which a handler takes part, put into the request by [`inject`].
#[derive(Debug)]
pub(super) struct HandlerFault(pub(super) Option<Fault>);

impl<S: Sync> FromRequestParts<S> for HandlerFault {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.remove()))
    }
}

/// A fault that is being planned; returned by [`Faults::inject`].
#[derive(Debug)]
#[must_use = "a fault takes effect with `once`, `times` or `always`"]
pub struct FaultBuilder<'a> {
    faults: &'a Faults,
    fault: Fault,
    endpoint: Option<Endpoint>,
    after: u64,
}

impl FaultBuilder<'_> {
    /// Limits the fault to calls of one endpoint. By default it happens to calls of every endpoint
    /// to which it [applies](Fault::applies_to).
    pub fn on(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Skips the first `calls` calls to which the fault could happen.
    pub fn after(mut self, calls: u64) -> Self {
        self.after = calls;
        self
    }

    /// Makes the fault happen to one call.
    pub fn once(self) -> FaultHandle {
        self.times(1)
    }

    /// Makes the fault happen to this many calls.
    pub fn times(self, calls: u64) -> FaultHandle {
        self.plan(Some(calls))
    }

    /// Makes the fault happen to all calls, until [`Faults::clear`].
    pub fn always(self) -> FaultHandle {
        self.plan(None)
    }

    fn plan(self, left: Option<u64>) -> FaultHandle {
        let hits = Arc::default();
        if let Some(service) = self.faults.service.upgrade() {
            let hits = Arc::clone(&hits);
            let Self { fault, endpoint, after: spared, .. } = self;
            service.plans.add(Plan { fault, endpoint, spared, left, hits });
        }
        FaultHandle { hits }
    }
}

#[derive(Debug)]
struct Plan {
    fault: Fault,
    /// `None`: every endpoint to which the fault applies.
    endpoint: Option<Endpoint>,
    /// Calls that succeed before the first that does not.
    spared: u64,
    /// Calls to which the fault is still to happen; `None`: all.
    left: Option<u64>,
    hits: Arc<AtomicU64>,
}

/// A planned fault, which reports how often it has happened.
#[derive(Clone, Debug)]
pub struct FaultHandle {
    hits: Arc<AtomicU64>,
}

impl FaultHandle {
    /// Returns how many calls the fault has happened to. A test that ends with zero has tested
    /// nothing.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }
}
