//! How a client is put together.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use url::{Host, Url};

use super::{
    DEFAULT_API_URL, DEFAULT_WEB_URL, Inner, Limits, NemoClient, RenderPolling, Timeouts,
    TurnRecovery, url_policy,
};
use crate::auth::{Auth, CredentialStore, Reauthenticate, Secret};
use crate::error::{Error, Result};
use crate::protocol::ClientId;
use crate::retry::{ExponentialRetry, RetryBudget, RetryPolicy};
use crate::transport::{Attribution, Transport};

/// Puts a [`NemoClient`] together.
///
/// ```
/// use nemovideo::{Attribution, Error, Limits, NemoClient};
/// use nemovideo::{RenderPolling, Reauthenticate, TurnRecovery, ExponentialRetry, Timeouts};
/// use std::time::Duration;
///
/// let mut timeouts = Timeouts::default();
/// timeouts.total = Duration::MAX; // off
/// let client = NemoClient::builder()
///     .base_url("https://nemo.example")
///     .web_url("https://www.nemo.example")
///     .token("nmv_usr_secret")
///     .reauthenticate(Reauthenticate::Anonymous)
///     .attribution(Attribution::new("my-program", "1.2.3")?)
///     .retry(ExponentialRetry::default().with_max_attempts(2))
///     .polling(RenderPolling::new(Duration::from_secs(5), 120))
///     .recovery(TurnRecovery::new(Duration::from_secs(5), Duration::from_secs(10), 3))
///     .timeouts(timeouts)
///     .limits(Limits::default())
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

/// Where anonymous credentials live between runs.
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
    /// As the environment describes it, to be changed from there.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::local::LocalBackend;
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// use nemovideo::ClientBuilder;
    ///
    /// // As in the environment, but another service, and an account that is gone with the program.
    /// let client =
    ///     ClientBuilder::from_env()?.base_url(backend.url()).in_memory_credentials().build()?;
    /// assert_eq!(client.base_url().as_str().trim_end_matches('/'), backend.url());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
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

    /// The address of the API. Default [`DEFAULT_API_URL`].
    #[must_use]
    pub fn base_url(mut self, url: impl AsRef<str>) -> Self {
        self.base_url = url.as_ref().to_owned();
        self
    }

    /// The address of the web site, for the links that people open. Default [`DEFAULT_WEB_URL`].
    #[must_use]
    pub fn web_url(mut self, url: impl AsRef<str>) -> Self {
        self.web_url = url.as_ref().to_owned();
        self
    }

    /// A token of the user's own; without one the client is anonymous.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(Secret::new(token.into()));
        self
    }

    /// The client id that an anonymous account hangs on, in place of the kept one.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::ClientId;
    /// use nemovideo::mock::MockNemo;
    /// use nemovideo::protocol::Endpoint;
    ///
    /// let nemo = MockNemo::start().await;
    /// let id = ClientId::generate();
    /// nemo.client_builder().client_id(id.clone()).build()?.authenticate().await?;
    /// assert_eq!(nemo.requests(Endpoint::Token).await[0].headers["x-client-id"], id.as_str());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn client_id(mut self, id: ClientId) -> Self {
        self.client_id = Some(id);
        self
    }

    /// Where the client id and the anonymous token are kept. Default `~/.config/nemovideo`.
    ///
    /// The folder is made with mode 0700 and its files with 0600 when first needed.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// # let session = client.create_session(CreateSession::default()).await?;
    /// # let id = &session.session_id;
    /// # let folder = tempfile::tempdir()?;
    /// let again =
    ///     || NemoClient::builder().base_url(backend.url()).credentials_dir(folder.path()).build();
    /// let first = again()?.authenticate().await?;
    /// let second = again()?.authenticate().await?;
    /// assert_eq!(first.user_id, second.user_id); // the second found the first one's token
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn credentials_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.credentials = Credentials::Dir(dir.into());
        self
    }

    /// Keeps nothing: each client that is built is an anonymous account of its own.
    ///
    /// For tests and for the embedded backend. Against the cloud this soon meets the limit of ten
    /// accounts for an address in a week.
    #[must_use]
    pub fn in_memory_credentials(mut self) -> Self {
        self.credentials = Credentials::Memory;
        self
    }

    /// What to do when the user's own token is refused.
    #[must_use]
    pub fn reauthenticate(mut self, when: Reauthenticate) -> Self {
        self.reauthenticate = when;
        self
    }

    /// Who is calling. Default [`Attribution::default`].
    #[must_use]
    pub fn attribution(mut self, attribution: Attribution) -> Self {
        self.attribution = Some(attribution);
        self
    }

    /// When failed attempts are made again. Default [`ExponentialRetry`].
    #[must_use]
    pub fn retry(mut self, policy: impl RetryPolicy + 'static) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// The clocks; `Duration::MAX` turns one off.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How renders are asked for by default.
    #[must_use]
    pub fn polling(mut self, polling: RenderPolling) -> Self {
        self.polling = polling;
        self
    }

    /// How a message whose stream broke is observed.
    #[must_use]
    pub fn recovery(mut self, recovery: TurnRecovery) -> Self {
        self.recovery = recovery;
        self
    }

    /// Allows plain `transport` to a host other than loopback: the token then travels in the clear.
    ///
    /// ```
    /// use nemovideo::{Error, NemoClient};
    ///
    /// let plain = || NemoClient::builder().base_url("http://nemo.lan:8080");
    /// assert!(matches!(plain().build(), Err(Error::Configuration(_))));
    /// assert!(plain().allow_plain_http("nemo.lan").build().is_ok());
    /// ```
    #[must_use]
    pub fn allow_plain_http(mut self, host: impl Into<String>) -> Self {
        self.plain_http_hosts.insert(host.into().to_ascii_lowercase());
        self
    }

    /// Builds the client. Nothing is sent and no file is touched.
    ///
    /// # Errors
    /// [`Error::Configuration`] for an address that is none, a plain `transport` address that is not
    /// allowed, or a machine without the TLS that the address needs.
    pub fn build(self) -> Result<NemoClient> {
        if self.token.as_ref().is_some_and(Secret::is_blank) {
            return Err(Error::InvalidInput("the token is empty".to_owned()));
        }
        let base = checked_url("the API's", &self.base_url)?;
        let web = checked_url("the web site's", &self.web_url)?;
        let loopback = is_loopback(&base);
        if base.scheme() == "http" && !loopback {
            let host = base.host_str().unwrap_or_default();
            if !self.plain_http_hosts.contains(host) {
                return Err(Error::Configuration(format!(
                    "plain transport to {host} would show the token to the network; use https, or allow it by name"
                )));
            }
        }
        let store = match self.credentials {
            Credentials::Memory => None,
            Credentials::Dir(dir) => Some(dir),
            Credentials::DefaultDir => CredentialStore::default_dir(),
        }
        .map(|dir| CredentialStore::new(dir, base.clone()));

        // A redirect on the API would carry the token to wherever it points.
        let api = connection(self.timeouts.connect, loopback).redirect(Policy::none());
        let mut files = connection(self.timeouts.connect, loopback)
            .redirect(url_policy::redirects(base.clone()))
            .referer(false);
        if !loopback {
            files = files.dns_resolver(url_policy::PublicOnly::new(&base));
        }
        Ok(NemoClient {
            inner: Arc::new(Inner {
                transport: Transport {
                    api: api.build().map_err(unbuildable)?,
                    base,
                    attribution: self.attribution.unwrap_or_default(),
                    policy: self.policy,
                    budget: RetryBudget::new(),
                    response_timeout: self.timeouts.answer,
                    body_limit: self.limits.body,
                },
                web,
                files: files.build().map_err(unbuildable)?,
                auth: Auth::new(self.token, self.reauthenticate, self.client_id, store),
                timeouts: self.timeouts,
                limits: self.limits,
                polling: self.polling,
                recovery: self.recovery,
            }),
        })
    }
}

/// What both HTTP clients have in common.
fn connection(connect: Duration, loopback: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .connect_timeout(connect)
        // What may be sent again is decided in `http::retry` alone.
        .retry(reqwest::retry::never())
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    // A proxy of the environment's cannot reach this machine's own loopback.
    if loopback { builder.no_proxy() } else { builder }
}

fn unbuildable(error: reqwest::Error) -> Error {
    Error::Configuration(error.without_url().to_string())
}

fn checked_url(whose: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text)
        .map_err(|error| Error::Configuration(format!("{whose} address: {error}")))?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
        return Err(Error::Configuration(format!(
            "{whose} address must be transport or https, without a user, a password or a query"
        )));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
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

#[cfg(test)]
mod tests {
    use crate::{Error, NemoClient};

    fn built(url: &str) -> Result<NemoClient, Error> {
        NemoClient::builder().base_url(url).build()
    }

    #[test]
    fn a_token_never_travels_in_the_clear_unless_allowed_by_name() {
        for url in
            ["https://api.test", "http://127.0.0.1:80", "http://[::1]:1", "http://localhost:1"]
        {
            assert!(built(url).is_ok(), "{url}");
        }
        for url in ["http://api.test", "http://10.0.0.1", "http://localhost.evil.test"] {
            assert!(matches!(built(url), Err(Error::Configuration(_))), "{url}");
        }
        let allowed =
            NemoClient::builder().base_url("http://nas.home").allow_plain_http("nas.home");
        assert!(allowed.build().is_ok());
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for url in
            ["", "api.test", "ftp://api.test", "https://me:pw@api.test", "https://a.test/?k=v"]
        {
            let error = built(url).unwrap_err();
            assert!(matches!(error, Error::Configuration(_)), "{url}");
            assert!(!error.to_string().contains("pw"), "{error}");
        }
    }

    #[test]
    fn a_clients_debug_holds_no_secret() {
        let client = NemoClient::builder().token("nmv_usr_hunter2").build().unwrap();
        assert!(!format!("{client:#?}").contains("hunter2"));
        let builder = NemoClient::builder().token("nmv_usr_hunter2");
        assert!(!format!("{builder:#?}").contains("hunter2"));
    }
}
