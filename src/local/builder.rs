//! How a backend is set up before it starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::accounts::Accounts;
use super::counters::Tally;
use super::engine::{Engine, Placeholder};
use super::error::LocalError;
use super::faults::{FaultPlans, Gate, GateListener};
use super::library::Library;
use super::renders::Renders;
use super::server::LocalBackend;
use super::service::Service;
use super::sessions::Sessions;
use super::settings::{FetchFrom, Prices, Settings, SilentEdits, TrailingNoise};
use super::workers::Workers;
use crate::protocol::Credits;

/// Sets up a [`LocalBackend`]; every setting has a default.
///
/// ```
/// use std::time::Duration;
///
/// use nemovideo::local::{LocalBackend, Prices, SilentEdits, TrailingNoise};
/// use nemovideo::protocol::Credits;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), nemovideo::local::LocalError> {
/// let backend = LocalBackend::builder()
///     .credits(Credits::new(5.0))
///     .prices(Prices { edit: Credits::new(1.0), ..Prices::default() })
///     .heartbeat_every(Duration::from_millis(100))
///     .silent_edits(SilentEdits::Never)
///     .trailing_noise(TrailingNoise::EverySecond)
///     .start()
///     .await?;
/// assert!(backend.url().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LocalBackendBuilder {
    port: u16,
    data_dir: Option<PathBuf>,
    settings: Settings,
    placeholder: bool,
    #[cfg(feature = "media")]
    voice: Option<Arc<dyn crate::media::Voice>>,
    #[cfg(feature = "media")]
    font: Option<PathBuf>,
}

impl LocalBackendBuilder {
    /// The port to listen on, always on the loopback interface. 0, the default, takes any that is
    /// free.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::local::LocalBackend;
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// use nemovideo::local::LocalError;
    ///
    /// let (_, port) = backend.url().rsplit_once(':').ok_or("no port")?;
    /// let port = port.parse()?;
    /// let taken = LocalBackend::builder().port(port).start().await.unwrap_err();
    /// assert!(matches!(taken, LocalError::PortInUse { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Where files are kept: uploads, speech, films. It is made when it is not there, and its
    /// files stay. Without it they lie in a private temporary directory that goes away with the
    /// backend.
    ///
    /// Accounts and sessions live in memory either way.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::local::LocalBackend;
    /// use nemovideo::{NemoClient, CreateSession};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let backend = LocalBackend::builder().data_dir(folder.path().join("nemo")).start().await?;
    /// let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
    /// let session = client.create_session(CreateSession::default()).await?.session_id;
    /// client.upload_bytes(&session, "script.txt", "Good morning.").await?;
    /// backend.shutdown().await;
    /// assert!(folder.path().join("nemo").read_dir()?.next().is_some()); // its files stay
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self
    }

    /// What an anonymous account starts with; 100 by default.
    pub fn credits(mut self, credits: Credits) -> Self {
        self.settings.credits = credits;
        self
    }

    /// What work costs.
    pub fn prices(mut self, prices: Prices) -> Self {
        self.settings.prices = prices;
        self
    }

    /// How long a token lives; 7 days by default.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::{NemoClient, local::LocalBackend};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let hour = Duration::from_secs(60 * 60);
    /// let backend = LocalBackend::builder().token_lifetime(hour).start().await?;
    /// let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
    /// let account = client.authenticate().await?;
    /// assert!(account.expires_at.is_some_and(|end| end <= SystemTime::now() + hour));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// The time between two heartbeats of a running message; 5 s by default. One is sent at once,
    /// whatever is set here.
    pub fn heartbeat_every(mut self, interval: Duration) -> Self {
        self.settings.heartbeat_every = interval;
        self
    }

    /// How often an edit ends without text; [every third](SilentEdits::EveryThird) by default.
    pub fn silent_edits(mut self, silent_edits: SilentEdits) -> Self {
        self.settings.silent_edits = silent_edits;
        self
    }

    /// How often an answer ends with a meaningless "I encountered a temporary issue";
    /// [never](TrailingNoise::Never) by default.
    pub fn trailing_noise(mut self, trailing_noise: TrailingNoise) -> Self {
        self.settings.trailing_noise = trailing_noise;
        self
    }

    /// From where uploads by address are fetched; [this machine](FetchFrom::Loopback) by default.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::CreateSession;
    /// use nemovideo::NemoClient;
    /// use nemovideo::local::{FetchFrom, LocalBackend};
    ///
    /// let backend = LocalBackend::builder().fetch_from(FetchFrom::Loopback).start().await?;
    /// let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
    /// # let one = client.create_session(CreateSession::default()).await?.session_id;
    /// # let other = client.create_session(CreateSession::default()).await?.session_id;
    /// let mut answer = client.upload_bytes(&one, "script.txt", "Good morning.").await?;
    /// // Its address is one of this machine's, so another session may name it.
    /// let address = answer.files.remove(0).cdn_url.ok_or("no address")?;
    /// client.upload_urls(&other, [address]).await?;
    /// assert_eq!(backend.counters().uploads_taken, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn fetch_from(mut self, fetch_from: FetchFrom) -> Self {
        self.settings.fetch_from = fetch_from;
        self
    }

    /// As long as calls under way may still take when the backend stops; 5 s by default. Those that
    /// are not answered by then are reset.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::local::LocalBackend;
    /// use std::time::{Duration, Instant};
    ///
    /// let quick = Duration::from_millis(50);
    /// let backend = LocalBackend::builder().shutdown_within(quick).start().await?;
    /// // A client that says half of what it wants and then nothing more.
    /// let address = backend.url().trim_start_matches("http://").to_owned();
    /// let mut client = std::net::TcpStream::connect(address)?;
    /// std::io::Write::write_all(&mut client, b"GET /api/credits HTTP/1.1\r\nHost:")?;
    ///
    /// let begun = Instant::now();
    /// backend.shutdown().await;
    /// assert!(begun.elapsed() < Duration::from_secs(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn shutdown_within(mut self, time: Duration) -> Self {
        self.settings.shutdown_within = time;
        self
    }

    /// Speaks nothing and renders nothing: every film is the same second, in a file called
    /// `placeholder.mp4`. Without the `media` feature this is always so; with it, this makes tests
    /// fast that are about the protocol.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::local::LocalBackend;
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// use nemovideo::{NemoClient, RenderPolling, project::Script};
    /// use std::time::Duration;
    ///
    /// let client = NemoClient::builder()
    ///     .base_url(backend.url())
    ///     .in_memory_credentials()
    ///     .polling(RenderPolling::new(Duration::from_millis(20), 500))
    ///     .build()?;
    /// # let folder = tempfile::tempdir()?;
    /// let script = Script::text("Nothing of this is spoken.")?;
    /// let film = client.voiceover(script).save_to(folder.path().join("out.mp4")).await?;
    /// assert!(film.video.url.ends_with("placeholder.mp4"));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn placeholder_videos(mut self) -> Self {
        self.placeholder = true;
        self
    }

    /// Another voice than the built-in one.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::local::LocalBackend;
    /// use nemovideo::media::CommandVoice;
    /// use std::sync::Arc;
    ///
    /// let polish = CommandVoice::new("espeak-ng", ["pl"]).args(["-vpl", "-w{out}", "{text}"]);
    /// let backend = LocalBackend::builder().voice(Arc::new(polish)).start().await?;
    /// assert_eq!(backend.counters().messages_run, 0); // the program runs when something is said
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[cfg(feature = "media")]
    #[cfg_attr(docsrs, doc(cfg(feature = "media")))]
    pub fn voice(mut self, voice: Arc<dyn crate::media::Voice>) -> Self {
        self.voice = Some(voice);
        self
    }

    /// A font file (TTF or OTF) to write with, for scripts that the built-in font lacks, Chinese
    /// for one.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let folder = tempfile::tempdir()?;
    /// # let font = folder.path().join("font.ttf");
    /// # std::fs::write(&font, notosans::REGULAR_TTF)?;
    /// use nemovideo::local::{LocalBackend, LocalError};
    ///
    /// // The file is read when the backend starts, and one that is no font is told then.
    /// LocalBackend::builder().font(&font).start().await?;
    /// # let font = folder.path().join("script.txt");
    /// std::fs::write(&font, "Good morning.")?;
    /// let refused = LocalBackend::builder().font(&font).start().await;
    /// assert!(matches!(refused, Err(LocalError::Font(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[cfg(feature = "media")]
    #[cfg_attr(docsrs, doc(cfg(feature = "media")))]
    pub fn font(mut self, path: impl Into<PathBuf>) -> Self {
        self.font = Some(path.into());
        self
    }

    /// Starts the backend on the current Tokio runtime.
    ///
    /// # Errors
    /// [`LocalError::PortInUse`] or [`LocalError::Listen`] when the port cannot be had,
    /// [`LocalError::DataDir`] when there is no place for files, and `LocalError::Font` when the
    /// font cannot be used.
    pub async fn start(self) -> Result<LocalBackend, LocalError> {
        let port = self.port;
        let engine = self.engine()?;
        let library = Library::open(self.data_dir.as_deref())
            .map_err(|(path, source)| LocalError::DataDir { path, source })?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listen = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => LocalError::PortInUse { port, source },
            _ => LocalError::Listen { port, source },
        };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let gate = Gate::new(address, listener);
        let service = Arc::new(Service {
            url: format!("http://{address}"),
            settings: self.settings,
            accounts: Accounts::default(),
            sessions: Sessions::default(),
            library,
            renders: Renders::default(),
            renderers: Workers::default(),
            speakers: Workers::default(),
            engine,
            tally: Tally::default(),
            plans: FaultPlans::default(),
            gate: Arc::clone(&gate),
        });
        Ok(LocalBackend::serve(service, GateListener(gate)))
    }

    #[cfg(feature = "media")]
    fn engine(&self) -> Result<Arc<dyn Engine>, LocalError> {
        if self.placeholder {
            return Ok(Arc::new(Placeholder));
        }
        let real = super::engine::Real::new(self.voice.clone(), self.font.as_deref())?;
        Ok(Arc::new(real))
    }

    #[cfg(not(feature = "media"))]
    #[allow(clippy::unnecessary_wraps)] // Fails only with `media`.
    fn engine(&self) -> Result<Arc<dyn Engine>, LocalError> {
        tracing::debug!(chosen = self.placeholder, "films are placeholders without `media`");
        Ok(Arc::new(Placeholder))
    }
}
