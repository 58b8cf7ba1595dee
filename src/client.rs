//! [`NemoClient`]: every call of the protocol, typed.
//!
//! Whether a failed call is attempted again follows from its [`Effect`](crate::Effect): see
//! [`retry`](crate::retry). Nothing that may have been charged is sent again.

// One file per group of endpoints; the attempts are made in `transport`.

mod builder;
mod call;
mod config;
#[cfg(not(target_arch = "wasm32"))]
mod download;
mod http;
mod message;
mod poller;
mod reader;
mod render;
mod request;
mod session;
mod turn;
mod upload;
#[cfg(not(target_arch = "wasm32"))]
mod url_policy;

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use url::Url;

use crate::auth::Auth;
use crate::error::{Error, Result};
pub use crate::protocol::PendingTurn;
use crate::transport::{CallOptions, Payload, Transport};
pub use builder::ClientBuilder;
pub use config::{Limits, RenderPolling, Timeouts, TurnRecovery};
#[cfg(not(target_arch = "wasm32"))]
pub use download::Download;
use http::HttpSettings;
pub use message::{MessageRequest, MessageStream, TextStream};
pub use poller::{RenderPoller, RenderProgress};
pub use render::RenderedVideo;
pub use request::ApiRequest;
use request::call_options;
pub(crate) use turn::{EventText, TurnTracker};
pub use turn::{TurnStream, TurnUpdate};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use upload::OpenSession;
pub use upload::Upload;

pub use crate::transport::RequestEvent;

/// The URL of the service's API.
pub const DEFAULT_API_URL: &str = "https://mega-api-prod.nemovideo.ai";
/// The URL of the web site where users register and claim projects.
pub const DEFAULT_WEB_URL: &str = "https://nemovideo.com";

/// A client of the NemoVideo service.
///
/// It is cheap to clone: all clones share connections, token and retry budget. It is made by
/// [`NemoClient::from_env`] or [`NemoClient::builder`]. Nothing is sent before the first call;
/// the first call that needs a token requests one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use nemovideo::{CreateSession, local::LocalBackend};
///
/// let backend = LocalBackend::start().await?; // for the cloud: `NemoClient::from_env()?`
/// let client = backend.client();
/// let session = client.create_session(CreateSession::named("demo").language("en")).await?;
/// println!("{} has {} credits", session.session_id, client.credits().await?.available);
/// # Ok(()) }
/// ```
///
/// # Connection errors
///
/// Every call can fail with *the connection errors*: [`Error::Unreachable`],
/// [`Error::Disconnected`], [`Error::Timeout`] and [`Error::RateLimited`]. Each of them is returned
/// after the retries that the [policy](crate::retry) allows, and none of them is returned for a call
/// that may have created or charged something; that is [`Error::OutcomeUnknown`].
#[derive(Clone)]
pub struct NemoClient {
    inner: Arc<ClientInner>,
    /// The options of a single call, in the clone of the client that makes it.
    options: Arc<CallOptions>,
}

struct ClientInner {
    transport: Transport,
    /// The web site, for links that users open.
    web: Url,
    /// See [`NemoClient::files`].
    files: OnceLock<Result<reqwest::Client>>,
    http: HttpSettings,
    auth: Auth,
    timeouts: Timeouts,
    limits: Limits,
    polling: RenderPolling,
    recovery: TurnRecovery,
}

impl NemoClient {
    /// Creates a client from the environment: `NEMO_TOKEN`, `NEMO_API_URL`, `NEMO_WEB_URL` and
    /// `NEMO_CLIENT_ID`. Without a token it uses an anonymous account.
    ///
    /// # Errors
    /// [`Error::Configuration`] when a variable is invalid.
    pub fn from_env() -> Result<Self> {
        ClientBuilder::from_env()?.build()
    }

    /// Returns a builder with the default settings. Of the environment it uses only
    /// `SKILL_SOURCE`, the home directory and the system's proxies.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Returns the base URL of the API.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.inner.transport.base
    }

    /// Returns the pace at which a broken turn is observed.
    pub(crate) fn recovery(&self) -> TurnRecovery {
        self.inner.recovery
    }

    fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    fn auth(&self) -> &Auth {
        &self.inner.auth
    }
}

impl fmt::Debug for NemoClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NemoClient")
            .field("base_url", &self.inner.transport.base.as_str())
            .field("attribution", &self.inner.transport.attribution)
            .finish_non_exhaustive()
    }
}

/// Serializes a JSON body.
fn json(body: &impl Serialize) -> Result<Payload> {
    let json = serde_json::to_vec(body).map_err(|error| {
        Error::InvalidInput(format!("the request cannot be serialized: {error}"))
    })?;
    Ok(Payload::Json(json.into()))
}

/// Clients are shared between tasks and threads, builders and streams move between them, and
/// streams are polled without being pinned.
const _: () = {
    const fn shared<T: Clone + Send + Sync + 'static>() {}
    const fn movable<T: Send + 'static>() {}
    const fn stream<T: Send + Unpin + 'static>() {}
    shared::<NemoClient>();
    movable::<MessageRequest>();
    #[cfg(not(target_arch = "wasm32"))]
    movable::<Upload>();
    movable::<ApiRequest<()>>();
    #[cfg(not(target_arch = "wasm32"))]
    movable::<Download>();
    stream::<MessageStream>();
    stream::<TextStream>();
    stream::<TurnStream>();
    stream::<RenderPoller>();
};
