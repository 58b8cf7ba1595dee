//! The construction of a client from its settings.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
#[cfg(not(target_arch = "wasm32"))]
use reqwest::redirect::Policy;
use url::Url;

use super::{
    ClientInner, DEFAULT_API_URL, DEFAULT_WEB_URL, HttpSettings, Limits, NemoClient, RenderPolling,
    Timeouts, TurnRecovery,
};
use crate::address::is_loopback;
use crate::auth::{Auth, CredentialStore, Reauthenticate};
use crate::error::{Error, Result};
use crate::protocol::{ClientId, Secret};
use crate::retry::{ExponentialRetry, RetryBudget, RetryPolicy};
use crate::transport::{Attribution, Observers, RequestEvent, Transport};

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
    http: HttpSettings,
    observers: Observers,
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
            http: HttpSettings::default(),
            observers: Observers::default(),
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
    /// `nemovideo` in `$XDG_CONFIG_HOME`, if that is set, unless only `~/.config/nemovideo` has an
    /// account; else `~/.config/nemovideo`, which is `%USERPROFILE%\.config\nemovideo` on Windows.
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

    /// Sets the time to establish a connection. The default is 10 s: see
    /// [`Timeouts::with_connect`], whose value it replaces.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts = self.timeouts.with_connect(timeout);
        self
    }

    /// Sends all requests through a proxy: `http://user:password@proxy.example:3128`.
    ///
    /// The default is the proxy that the system or the environment (`HTTPS_PROXY`, `NO_PROXY`)
    /// names, and none for a service on this machine. The password is not shown by `Debug`.
    #[must_use]
    #[cfg(not(target_arch = "wasm32"))]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.http.proxy = Some(Secret::new(url.into()));
        self
    }

    /// Trusts the certificates of a PEM file, in addition to the system's: those of a proxy that
    /// inspects TLS, or of a service in a network of its own. It can be called several times.
    #[must_use]
    #[cfg(not(target_arch = "wasm32"))]
    pub fn root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.http.roots.push(Bytes::copy_from_slice(pem.as_ref()));
        self
    }

    /// Sets the `User-Agent`. The default is this crate's name and version.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.http.user_agent = Some(user_agent.into());
        self
    }

    /// Makes the calls of the API with an HTTP client of the caller's own, of `reqwest` 0.13, with its
    /// connections, proxies, certificates and timeouts.
    ///
    /// It must be built with [`reqwest::redirect::Policy::none`], or [`build`](Self::build) fails:
    /// a redirect of a call would carry the client id, and in some cases the token, to another host.
    /// A response that is a redirect is an error of the call. Its own retries, if it has any, repeat
    /// no call with a body, which are those that create or cost something. All headers of the
    /// protocol are set on each request, and take precedence over its default ones. A timeout of its
    /// own should be longer than those of [`Timeouts`], which cannot see it.
    ///
    /// Files on other hosts are not downloaded with it but with a client of this crate's own, which
    /// follows redirects to the public internet only. [`proxy`](Self::proxy),
    /// [`root_certificate`](Self::root_certificate) and
    /// [`connect_timeout`](Self::connect_timeout) then apply to that one alone.
    ///
    /// This crate enables no cryptography of `reqwest` itself: the program that builds a client needs
    /// `reqwest` with its feature `rustls` or `native-tls`, or a cryptography that is installed for
    /// the process.
    ///
    /// ```
    /// use nemovideo::NemoClient;
    /// use reqwest::redirect::Policy;
    ///
    /// # rustls::crypto::ring::default_provider().install_default().ok();
    /// let http = reqwest::Client::builder().redirect(Policy::none()).build()?;
    /// let client = NemoClient::builder().http_client(http).build()?;
    ///
    /// let follows_redirects = reqwest::Client::new();
    /// assert!(NemoClient::builder().http_client(follows_redirects).build().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[cfg(not(target_arch = "wasm32"))]
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http.own = Some(client);
        self
    }

    /// Calls a function after each attempt at a call of this client, for metrics or an audit log.
    /// The same is logged as a `tracing` event of the level `DEBUG`.
    ///
    /// It is called within the call, so it should return at once. Several functions can be set.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use nemovideo::{NemoClient, local::LocalBackend};
    /// use std::sync::{Arc, Mutex};
    ///
    /// let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// let lines = Arc::new(Mutex::new(Vec::new()));
    /// let log = Arc::clone(&lines);
    /// let client = NemoClient::builder()
    ///     .base_url(backend.url())
    ///     .in_memory_credentials()
    ///     .on_request(move |event| {
    ///         let (method, route, status) = (event.method(), event.route(), event.status());
    ///         log.lock().unwrap().push(format!("{method} {route} {status:?}"));
    ///     })
    ///     .build()?;
    /// client.credits().await?;
    /// assert_eq!(lines.lock().unwrap().concat(), "POST /api/auth/anonymous-token Some(200)\
    ///     GET /api/credits/balance/simple Some(200)");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn on_request(
        mut self,
        observer: impl Fn(&RequestEvent<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.observers.add(observer);
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

        let attribution = self.attribution.unwrap_or_default();
        let headers = self.http.api_headers(&attribution)?;
        #[cfg(target_arch = "wasm32")]
        let api = reqwest::Client::new();
        #[cfg(not(target_arch = "wasm32"))]
        let api = match self.http.own_client()? {
            Some(own) => own,
            None => {
                // A redirect of an API call would carry the token to its target.
                let api = connection(self.timeouts.connect(), loopback).redirect(Policy::none());
                let is_plain = base.scheme() == "http" && loopback && self.http.proxy.is_none();
                self.http.apply(api, !is_plain)?.build().map_err(unbuildable)?
            }
        };
        Ok(NemoClient {
            inner: Arc::new(ClientInner {
                transport: Transport {
                    api,
                    headers,
                    base,
                    attribution,
                    policy: self.policy,
                    budget: RetryBudget::new(),
                    observers: self.observers,
                    response_timeout: self.timeouts.response(),
                    body_limit: self.limits.body(),
                },
                web,
                files: OnceLock::new(),
                http: self.http,
                auth: Auth::new(self.token, self.reauthenticate, self.client_id, store),
                timeouts: self.timeouts,
                limits: self.limits,
                polling: self.polling,
                recovery: self.recovery,
            }),
            options: Arc::default(),
        })
    }
}

/// Clients of a service in the same process: nothing is stored on disk, and nothing is waited for as
/// long as it is for the cloud.
#[cfg(any(feature = "local", feature = "mock"))]
impl ClientBuilder {
    /// Creates a builder whose pauses between attempts are at most this long, unless a response has
    /// `Retry-After`, and whose timeouts are seconds.
    pub(crate) fn of_test_double(url: &str, pause: Duration) -> Self {
        let seconds = Duration::from_secs;
        let retry = ExponentialRetry::default()
            .with_initial_delay(pause)
            .with_max_delay(pause)
            .with_rate_limit_delay(pause);
        // A stalled call with its retries takes 20 s. The embedded backend sends a heartbeat each
        // second; the speech of a long script may take most of the silence.
        let timeouts = Timeouts::default()
            .with_connect(seconds(2))
            .with_response(seconds(5))
            .with_idle(seconds(5))
            .with_silence(seconds(20))
            .with_total(seconds(600));
        Self::default().base_url(url).in_memory_credentials().retry(retry).timeouts(timeouts)
    }
}

/// # Clients
#[cfg(feature = "local")]
impl crate::local::LocalBackend {
    /// Returns a client of the backend for tests, with an anonymous account of its own.
    ///
    /// It is an ordinary client, except that it stores nothing on disk, polls renders after
    /// milliseconds, looks for the outcome of a broken stream every 50 ms, retries at once, and gives
    /// up on a response after 5 s, on a stream after 5 s without a byte or 20 s of heartbeats. A test
    /// with faults therefore ends within seconds. One in which no poll of a render succeeds ends after
    /// five minutes, unless it sets its own [`polling`](ClientBuilder::polling).
    ///
    /// ```
    /// use nemovideo::local::LocalBackend;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let backend = LocalBackend::start().await?;
    /// assert_eq!(backend.client().credits().await?.available.get(), 10_000.0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// When the HTTP client cannot be built on this machine.
    #[must_use]
    pub fn client(&self) -> NemoClient {
        self.client_builder().build().expect("the base URL of the backend is valid")
    }

    /// Returns the builder of that client, to change some of its settings.
    #[must_use]
    pub fn client_builder(&self) -> ClientBuilder {
        let millis = Duration::from_millis;
        let polling = RenderPolling::growing(millis(5), 150, millis(200));
        ClientBuilder::of_test_double(self.url(), millis(5))
            .polling(polling)
            .recovery(TurnRecovery::new(millis(10), millis(50), 10))
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl NemoClient {
    /// Returns the HTTP client for files on any host, which sends neither token nor attribution and
    /// follows redirects. It is built by the first download: reading the system's certificates takes
    /// milliseconds.
    pub(super) fn files(&self) -> Result<&reqwest::Client> {
        use super::url_policy;
        use crate::address::PublicOnly;

        let build = || {
            let base = self.base_url();
            let loopback = base.host().is_some_and(|host| is_loopback(&host));
            let http = &self.inner.http;
            let files = connection(self.inner.timeouts.connect(), loopback)
                .redirect(url_policy::redirects(base.clone()))
                .referer(false);
            let files = if loopback {
                files
            } else {
                let proxy = http.proxy_url();
                let proxy = proxy.as_ref().and_then(Url::host_str);
                let known = [base.host_str(), proxy].into_iter().flatten();
                files.dns_resolver(PublicOnly::except(known))
            };
            http.apply(files, true)?.build().map_err(unbuildable)
        };
        self.inner.files.get_or_init(build).as_ref().map_err(Clone::clone)
    }
}

/// Returns the settings that both HTTP clients have in common.
#[cfg(not(target_arch = "wasm32"))]
fn connection(connect: Duration, loopback: bool) -> reqwest::ClientBuilder {
    // Nothing here decodes a compressed body, and a part of one could not be resumed.
    let identity = HeaderValue::from_static("identity");
    let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, identity)]);
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

/// Returns what is wrong with a URL without a scheme, and its correct form.
fn without_scheme(whose: &str, text: &str) -> Option<Error> {
    // A name and a port, `localhost:8080`, would be parsed as a scheme and a path.
    if text.contains("://") {
        return None;
    }
    let host = text.trim_start_matches('/');
    // Anything else may hold a password.
    let is_plain =
        |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '/' | '[' | ']');
    let url = Url::parse(&format!("https://{host}")).ok().filter(|_| host.chars().all(is_plain));
    Some(Error::Configuration(match url.as_ref().and_then(Url::host) {
        Some(name) => {
            let scheme = if is_loopback(&name) { "http" } else { "https" };
            format!("the URL of {whose}, {text}, has no scheme: write {scheme}://{host}")
        }
        None if text.is_empty() => format!("the URL of {whose} is empty"),
        None => format!("the URL of {whose} has no scheme, which is https:// in most cases"),
    }))
}

fn checked_url(whose: &str, text: &str) -> Result<Url> {
    if let Some(error) = without_scheme(whose, text) {
        return Err(error);
    }
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
