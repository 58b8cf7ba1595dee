//! The construction of a client from its settings.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use url::Url;

use super::{
    ClientInner, DEFAULT_API_URL, DEFAULT_WEB_URL, Limits, NemoClient, RenderPolling, Timeouts,
    TurnRecovery, url_policy,
};
use crate::address::{PublicOnly, is_loopback};
use crate::auth::{Auth, CredentialStore, Reauthenticate};
use crate::error::{Error, Result};
use crate::protocol::{ClientId, Secret};
use crate::retry::{ExponentialRetry, RetryBudget, RetryPolicy};
use crate::tls;
use crate::transport::{Attribution, Transport};

/// A builder of a [`NemoClient`]. Created by [`NemoClient::builder`] or
/// [`ClientBuilder::from_env`].
///
/// ```
/// use nemovideo::{Attribution, Error, ExponentialRetry, NemoClient};
///
/// let client = NemoClient::builder()
///     .base_url("https://nemo.example")
///     .token("nmv_usr_secret")
///     .attribution(Attribution::new("my-program", "1.2.3")?)
///     .retry(ExponentialRetry::default().with_max_attempts(2))
///     .build()?;
/// assert!(!format!("{client:?}").contains("secret"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    base_url: String,
    web_url: String,
    token: Option<Secret>,
    client_id: Option<ClientId>,
    credentials: Credentials,
    reauthenticate: Reauthenticate,
    attribution: Option<Attribution>,
    policy: Arc<dyn RetryPolicy>,
    timeouts: Timeouts,
    limits: Limits,
    polling: RenderPolling,
    recovery: TurnRecovery,
    plain_http_hosts: BTreeSet<String>,
}

/// The place where anonymous credentials are stored between runs.
#[derive(Clone, Debug)]
enum Credentials {
    DefaultDir,
    Dir(PathBuf),
    Memory,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            base_url: DEFAULT_API_URL.to_owned(),
            web_url: DEFAULT_WEB_URL.to_owned(),
            token: None,
            client_id: None,
            credentials: Credentials::DefaultDir,
            reauthenticate: Reauthenticate::default(),
            attribution: None,
            policy: Arc::new(ExponentialRetry::default()),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            polling: RenderPolling::default(),
            recovery: TurnRecovery::default(),
            plain_http_hosts: BTreeSet::new(),
        }
    }
}

impl ClientBuilder {
    /// Creates a builder with the settings of the environment: see [`NemoClient::from_env`].
    ///
    /// # Errors
    /// [`Error::Configuration`] when a variable is not valid Unicode.
    pub fn from_env() -> Result<Self> {
        let mut builder = Self::default();
        if let Some(url) = variable("NEMO_API_URL")? {
            builder.base_url = url;
        }
        if let Some(url) = variable("NEMO_WEB_URL")? {
            builder.web_url = url;
        }
        if let Some(token) = variable("NEMO_TOKEN")? {
            builder = builder.token(token);
        }
        if let Some(id) = variable("NEMO_CLIENT_ID")? {
            builder.client_id = Some(ClientId::new(id));
        }
        Ok(builder)
    }

    /// Sets the base URL of the API. The default is [`DEFAULT_API_URL`].
    #[must_use]
    pub fn base_url(mut self, url: impl AsRef<str>) -> Self {
        self.base_url = url.as_ref().to_owned();
        self
    }

    /// Sets the URL of the web site, for links that users open. The default is
    /// [`DEFAULT_WEB_URL`].
    #[must_use]
    pub fn web_url(mut self, url: impl AsRef<str>) -> Self {
        self.web_url = url.as_ref().to_owned();
        self
    }

    /// Sets the user's own token. Without one the client uses an anonymous account.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(Secret::new(token.into()));
        self
    }

    /// Sets the client id that identifies an anonymous account, in place of the stored one.
    #[must_use]
    pub fn client_id(mut self, id: ClientId) -> Self {
        self.client_id = Some(id);
        self
    }

    /// Sets the directory that stores the client id and the anonymous token. The default is
    /// `~/.config/nemovideo`.
    ///
    /// The directory is created with mode 0700 and its files with 0600 when first needed.
    #[must_use]
    pub fn credentials_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.credentials = Credentials::Dir(dir.into());
        self
    }

    /// Stores no credentials: each client that is built uses an anonymous account of its own.
    ///
    /// Meant for tests and the embedded backend. The cloud limits each IP address to ten accounts
    /// a week.
    #[must_use]
    pub fn in_memory_credentials(mut self) -> Self {
        self.credentials = Credentials::Memory;
        self
    }

    /// Sets what happens when the service rejects the user's own token.
    #[must_use]
    pub fn reauthenticate(mut self, when: Reauthenticate) -> Self {
        self.reauthenticate = when;
        self
    }

    /// Sets the calling program's name and version. The default is this crate's.
    #[must_use]
    pub fn attribution(mut self, attribution: Attribution) -> Self {
        self.attribution = Some(attribution);
        self
    }

    /// Sets the policy that decides whether a failed attempt is retried. The default is
    /// [`ExponentialRetry`].
    #[must_use]
    pub fn retry(mut self, policy: impl RetryPolicy + 'static) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// Sets the timeouts.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets the size limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the default pace at which renders are polled.
    #[must_use]
    pub fn polling(mut self, polling: RenderPolling) -> Self {
        self.polling = polling;
        self
    }

    /// Sets the pace at which the outcome of a message is polled after its stream broke.
    #[must_use]
    pub fn recovery(mut self, recovery: TurnRecovery) -> Self {
        self.recovery = recovery;
        self
    }

    /// Allows plain `http` to a host other than loopback. The token is then sent unencrypted.
    #[must_use]
    pub fn allow_plain_http(mut self, host: impl Into<String>) -> Self {
        self.plain_http_hosts.insert(host.into().to_ascii_lowercase());
        self
    }

    /// Builds the client. Nothing is sent, and the stored credentials are not read yet.
    ///
    /// # Errors
    /// [`Error::Configuration`] for an invalid URL, a plain `http` URL whose host is not allowed,
    /// or a URL that needs TLS where there is none; [`Error::InvalidInput`] for an empty token.
    pub fn build(self) -> Result<NemoClient> {
        if self.token.as_ref().is_some_and(Secret::is_blank) {
            return Err(Error::InvalidInput("the token is empty".to_owned()));
        }
        let base = checked_url("the API", &self.base_url)?;
        let web = checked_url("the web site", &self.web_url)?;
        let loopback = base.host().is_some_and(|host| is_loopback(&host));
        if base.scheme() == "http" && !loopback {
            let host = base.host_str().unwrap_or_default();
            if !self.plain_http_hosts.contains(host) {
                return Err(Error::Configuration(format!(
                    "plain http to {host} would reveal the token to the network; use https, or allow the host by name"
                )));
            }
        }
        let store = match self.credentials {
            Credentials::Memory => None,
            Credentials::Dir(dir) => Some(dir),
            Credentials::DefaultDir => CredentialStore::default_dir(),
        }
        .map(|dir| CredentialStore::new(dir, base.clone()));

        // A redirect of an API call would carry the token to its target.
        let attribution = self.attribution.unwrap_or_default();
        let api = connection(self.timeouts.connect(), loopback, attribution.headers())
            .redirect(Policy::none());
        let api = if base.scheme() == "http" && loopback {
            tls::without_certificates(api)
        } else {
            tls::with_system_certificates(api, &[] as &[&str])
        }
        .map_err(Error::Configuration)?;
        Ok(NemoClient {
            inner: Arc::new(ClientInner {
                transport: Transport {
                    api: api.build().map_err(unbuildable)?,
                    base,
                    attribution,
                    policy: self.policy,
                    budget: RetryBudget::new(),
                    response_timeout: self.timeouts.response(),
                    body_limit: self.limits.body(),
                },
                web,
                files: OnceLock::new(),
                auth: Auth::new(self.token, self.reauthenticate, self.client_id, store),
                timeouts: self.timeouts,
                limits: self.limits,
                polling: self.polling,
                recovery: self.recovery,
            }),
        })
    }
}

impl NemoClient {
    /// Returns the HTTP client for files on any host, which sends neither token nor attribution and
    /// follows redirects. It is built by the first download: reading the system's certificates takes
    /// milliseconds.
    pub(super) fn files(&self) -> Result<&reqwest::Client> {
        let build = || {
            let base = self.base_url();
            let loopback = base.host().is_some_and(|host| is_loopback(&host));
            let files = connection(self.inner.timeouts.connect(), loopback, HeaderMap::new())
                .redirect(url_policy::redirects(base.clone()))
                .referer(false);
            let files = if loopback {
                files
            } else {
                files.dns_resolver(PublicOnly::except(base.host_str()))
            };
            tls::with_system_certificates(files, &[] as &[&str])
                .map_err(Error::Configuration)?
                .build()
                .map_err(unbuildable)
        };
        self.inner.files.get_or_init(build).as_ref().map_err(Clone::clone)
    }
}

/// Returns the settings that both HTTP clients have in common, with these headers of every request.
fn connection(connect: Duration, loopback: bool, mut headers: HeaderMap) -> reqwest::ClientBuilder {
    // Nothing here decodes a compressed body, and a part of one could not be resumed.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let builder = reqwest::Client::builder()
        .connect_timeout(connect)
        .default_headers(headers)
        // Retries are decided in `transport` alone.
        .retry(reqwest::retry::never())
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    // A proxy cannot reach this machine's loopback interface.
    if loopback { builder.no_proxy() } else { builder }
}

fn unbuildable(error: reqwest::Error) -> Error {
    Error::Configuration(error.without_url().to_string())
}

fn checked_url(whose: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text)
        .map_err(|error| Error::Configuration(format!("the URL of {whose} is invalid: {error}")))?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
        return Err(Error::Configuration(format!(
            "the URL of {whose} must be http or https, without a user, a password or a query"
        )));
    }
    Ok(url)
}

fn variable(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Error::Configuration(format!("{name} is not valid Unicode")))
        }
    }
}
