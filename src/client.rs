//! [`NemoClient`]: every call of the protocol, typed.
//!
//! One file per group of endpoints. What a call may do twice, and so how often it is tried, is
//! told by its [`Effect`](crate::Effect); the trying itself is `transport`'s.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # use nemovideo::{NemoClient, local::LocalBackend};
//! # let backend = LocalBackend::builder().placeholder_videos().start().await?;
//! # let client = NemoClient::builder().base_url(backend.url());
//! # let client = client.in_memory_credentials().build()?;
//! use nemovideo::{Error, CreateSession};
//!
//! // A refusal is an error of its own type, with a sentence for the person at the keyboard.
//! let session = client.create_session(CreateSession::named("demo")).await?;
//! match client.upload_bytes(&session.session_id, "notes.xls", "").await {
//!     Err(error @ Error::UnsupportedFileType(_)) => assert!(error.advice().contains("docx")),
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

mod account;
mod atomic_file;
mod builder;
mod call;
mod config;
mod download;
mod message;
mod render;
mod session;
mod turn;
mod upload;
mod url_policy;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use url::Url;

use crate::auth::Auth;
use crate::error::{Error, Result};
use crate::transport::{Payload, Transport};
pub(crate) use atomic_file::can_be_written;
pub use builder::ClientBuilder;
pub use config::{Limits, Timeouts};
pub use download::{Download, Downloaded};
pub use message::{Message, MessageStream};
pub use render::{RenderPoller, RenderPolling, RenderProgress, RenderedVideo};
pub(crate) use turn::Shared;
pub use turn::{PendingTurn, TurnRecovery, TurnState, TurnStream, TurnUpdate};
pub use upload::Upload;

/// Where the service's API is.
pub const DEFAULT_API_URL: &str = "https://mega-api-prod.nemovideo.ai";
/// Where people register and claim projects.
pub const DEFAULT_WEB_URL: &str = "https://nemovideo.com";

/// A client of the NemoVideo service.
///
/// It is cheap to clone: all clones share connections, token and retry budget. Build one with
/// [`NemoClient::from_env`] or [`NemoClient::builder`]. Nothing is sent before the first call;
/// the first call that needs a token gets one.
///
/// ```
/// # tokio_test(async {
/// use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
///
/// let backend = LocalBackend::start().await?;
/// let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
/// let session = client.create_session(CreateSession::named("demo").language("en")).await?;
/// println!("{} has {} credits", session.session_id, client.credits().await?.available);
/// # Ok(()) });
/// # fn tokio_test(f: impl Future<Output = Result<(), Box<dyn std::error::Error>>>) {
/// #     tokio::runtime::Runtime::new().unwrap().block_on(f).unwrap()
/// # }
/// ```
#[derive(Clone)]
pub struct NemoClient {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Transport,
    /// The web site, for links that people open.
    web: Url,
    /// For files at other hosts: no token, no attribution, redirects followed.
    files: reqwest::Client,
    auth: Auth,
    timeouts: Timeouts,
    limits: Limits,
    polling: RenderPolling,
    recovery: TurnRecovery,
}

impl NemoClient {
    /// A client as the environment describes it: `NEMO_TOKEN`, `NEMO_API_URL`, `NEMO_WEB_URL`,
    /// `NEMO_CLIENT_ID`; without a token, anonymous.
    ///
    /// ```
    /// let client = nemovideo::NemoClient::from_env()?;
    /// println!("calls go to {}", client.base_url()); // none has yet
    /// # Ok::<(), nemovideo::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Configuration`] when one of them makes no sense.
    pub fn from_env() -> Result<Self> {
        ClientBuilder::from_env()?.build()
    }

    /// A client to be described step by step. Of the environment only `SKILL_SOURCE`, the home
    /// folder and the system's proxies count.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The base address of the API.
    ///
    /// ```
    /// use nemovideo::{NemoClient, client::DEFAULT_API_URL};
    ///
    /// let client = NemoClient::builder().build()?;
    /// assert_eq!(client.base_url().as_str().trim_end_matches('/'), DEFAULT_API_URL);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.inner.transport.base
    }

    /// How a broken turn is observed.
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

/// A JSON body.
fn json(body: &impl Serialize) -> Result<Payload> {
    let json = serde_json::to_vec(body)
        .map_err(|error| Error::InvalidInput(format!("the request cannot be written: {error}")))?;
    Ok(Payload::Json(json.into()))
}

/// A client is shared between tasks and threads; its futures move between them.
const _: () = {
    const fn shared<T: Clone + Send + Sync + 'static>() {}
    const fn moved<T: Send>() {}
    shared::<NemoClient>();
    moved::<MessageStream>();
    moved::<RenderPoller>();
    moved::<TurnStream>();
    moved::<Message>();
    moved::<Upload>();
    moved::<Download>();
};
