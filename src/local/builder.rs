//! The settings of a backend, and its start.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::engine::{Engine, PlaceholderEngine};
use super::faults::{Gate, GateListener};
use super::library::Library;
use super::server::{LocalBackend, LocalError, Service, WorkerPool};
use super::store::Kept;
use crate::protocol::{Credits, TokenScope};

/// Builds a [`LocalBackend`]. Every setting has a default.
///
/// ```
/// use std::time::Duration;
///
/// use nemovideo::local::{Frequency, LocalBackend, Prices};
/// use nemovideo::protocol::Credits;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), nemovideo::local::LocalError> {
/// let backend = LocalBackend::builder()
///     .credits(5)
///     .prices(Prices::default().with_edit(Credits::new(1.0)))
///     .heartbeat_every(Duration::from_millis(100))
///     .silent_edits(Frequency::Never)
///     .trailing_noise(Frequency::Every(2))
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
    #[cfg(feature = "persistence")]
    persistent: bool,
    settings: Settings,
    placeholder: bool,
    #[cfg(feature = "media")]
    voice: Option<Arc<dyn crate::media::Voice>>,
    #[cfg(feature = "media")]
    font: Option<PathBuf>,
}

impl LocalBackendBuilder {
    /// Sets the port, always on the loopback interface. 0, the default, selects any free port.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the directory for uploads, speech and videos. It is created if it does not exist, and
    /// its files stay. By default, files are stored in a private temporary directory that is
    /// removed with the backend, or, when the process is killed, by the next one that starts a
    /// backend.
    ///
    /// Accounts and sessions are kept in memory in both cases; with the feature `persistence`,
    /// `persistent` keeps them too.
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self
    }

    /// Keeps everything in a directory, so that a backend that is killed and started again there
    /// continues where it was: accounts, tokens, credits, sessions with their drafts and undo
    /// history, the agent's open questions, uploads, speech, renders, and the
    /// [counters](LocalBackend::counters) of what was done. The directory is created if it does not
    /// exist, and it is for one backend at a time.
    ///
    /// Whatever a call does is kept whole or not at all, before its response reports it. A message
    /// that is killed before its end has not happened: its credits are available again. A render
    /// that had not ended is rendered again. When the machine itself loses its power, the last
    /// effects may be lost, each as a whole.
    ///
    /// Injected [faults](LocalBackend::faults) end with the process. URLs of files hold the
    /// [port](Self::port): start the backend on the same one, so that those that were handed out
    /// stay valid.
    ///
    /// ```
    /// use nemovideo::local::LocalBackend;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// let backend = LocalBackend::builder().persistent(dir.path()).start().await?;
    /// backend.client().project("demo").await?;
    /// drop(backend);
    ///
    /// let backend = LocalBackend::builder().persistent(dir.path()).start().await?;
    /// assert_eq!(backend.counters().sessions_created, 1);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "persistence")]
    #[cfg_attr(docsrs, doc(cfg(feature = "persistence")))]
    pub fn persistent(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self.persistent = true;
        self
    }

    /// Sets the initial credits of an anonymous account; 10,000 by default, for hundreds of videos.
    /// The service documents 100. `credits(0)` is for tests of an account that has none left.
    pub fn credits(mut self, credits: impl Into<Credits>) -> Self {
        self.settings.credits = credits.into();
        self
    }

    /// Sets the prices of work.
    pub fn prices(mut self, prices: Prices) -> Self {
        self.settings.prices = prices;
        self
    }

    /// Sets the lifetime of tokens; 7 days by default.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// Sets what anonymous tokens may be used for. By default they may read, write, upload and
    /// render; revisions of the service differ in whether they may render.
    pub fn token_scopes(mut self, scopes: impl IntoIterator<Item = TokenScope>) -> Self {
        self.settings.token_scopes = scopes.into_iter().collect();
        self
    }

    /// Sets the time between two heartbeats of a message in progress; 1 s by default. The first
    /// heartbeat is sent at once.
    pub fn heartbeat_every(mut self, interval: Duration) -> Self {
        self.settings.heartbeat_every = interval;
        self
    }

    /// Sets how often an edit of a session ends without text, as about 30 % do on the service: the
    /// tool call, its result and the changed draft arrive, and no text. By default every third;
    /// [`Frequency::Never`] is for tests that check texts.
    pub fn silent_edits(mut self, frequency: Frequency) -> Self {
        self.settings.silent_edits = frequency;
        self
    }

    /// Sets how often the reply of a turn ends with "I encountered a temporary issue", as it
    /// sometimes does on the service; never by default. The sentence means nothing, because the
    /// work is done. Failures and silent edits do not get it.
    pub fn trailing_noise(mut self, frequency: Frequency) -> Self {
        self.settings.trailing_noise = frequency;
        self
    }

    /// Allows uploads by URL from this host, even if it is this machine or in its private network,
    /// such as `127.0.0.1` or `localhost`. By default, uploads are fetched only from the public
    /// internet and from the backend itself, so that its clients cannot read from other services
    /// of this machine. Call it for each host.
    pub fn fetch_from(mut self, host: impl Into<String>) -> Self {
        self.settings.fetch_hosts.insert(host.into().to_ascii_lowercase());
        self
    }

    /// Sets how long calls in progress may continue during a
    /// [shutdown](LocalBackend::shutdown); 5 s by default. After that they are reset.
    pub fn shutdown_within(mut self, timeout: Duration) -> Self {
        self.settings.shutdown_within = timeout;
        self
    }

    /// Sets how long a client may take to send the head of a request, may leave a connection unused,
    /// and may pause in all while it sends a body; 45 s by default. Each 16 KiB of the body extend
    /// the time by a second again. Later, the response is a 408, or the connection is closed.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.settings.request_timeout = timeout;
        self
    }

    /// Replaces speech and rendering by placeholders: every video is the same second, in a file
    /// named `placeholder.mp4`.
    ///
    /// Without the `media` feature this is always so. With it, this makes tests of the protocol
    /// fast.
    pub fn placeholder_videos(mut self) -> Self {
        self.placeholder = true;
        self
    }

    /// Serves a page at `/` of the [URL](LocalBackend::url), on which a browser shows what goes on:
    /// the sessions with their conversations and timelines, the renders with their progress, the
    /// videos with their subtitles, and the credits of the accounts. It is not served by default.
    ///
    /// The page changes nothing and needs no network. It is for every user of this machine, because it
    /// asks for no token: do not turn it on where others may not see what the backend makes. For the
    /// page, the newest 200 messages and replies of a session are kept, up to 256 KiB; a persistent
    /// backend shows those of earlier processes as well.
    pub fn watch_page(mut self) -> Self {
        self.settings.watch_page = true;
        self
    }

    /// Sets a voice in place of the built-in one.
    #[cfg(feature = "media")]
    #[cfg_attr(docsrs, doc(cfg(feature = "media")))]
    pub fn voice(mut self, voice: Arc<dyn crate::media::Voice>) -> Self {
        self.voice = Some(voice);
        self
    }

    /// Sets a font file (TTF or OTF) for scripts that the built-in font lacks, such as Chinese. It
    /// is read when the backend starts.
    #[cfg(feature = "media")]
    #[cfg_attr(docsrs, doc(cfg(feature = "media")))]
    pub fn font(mut self, path: impl Into<PathBuf>) -> Self {
        self.font = Some(path.into());
        self
    }

    /// Starts the backend on the current Tokio runtime.
    ///
    /// # Errors
    /// [`LocalError::PortInUse`] or [`LocalError::Listen`] when the port is not available,
    /// [`LocalError::DataDir`] when no files can be stored or another backend keeps its data there,
    /// and `LocalError::Font` when the font cannot be used.
    pub async fn start(self) -> Result<LocalBackend, LocalError> {
        let port = self.port;
        let engine = self.engine()?;
        let unusable = |(path, source)| LocalError::DataDir { path, source };
        #[cfg(feature = "persistence")]
        let (library, mut kept) = match self.data_dir.as_deref().filter(|_| self.persistent) {
            Some(dir) => open_store(dir).await.map_err(unusable)?,
            None => (self.library().map_err(unusable)?, Kept::default()),
        };
        #[cfg(not(feature = "persistence"))]
        let (library, kept) = (self.library().map_err(unusable)?, Kept::default());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listen = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => LocalError::PortInUse { port, source },
            _ => LocalError::Listen { port, source },
        };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let gate = Gate::new(address, listener);
        let render_workers = WorkerPool::default();
        #[cfg(feature = "persistence")]
        let renders = std::mem::take(&mut kept.renders);
        let own_gate = Arc::clone(&gate);
        let service = Service::new(own_gate, self.settings, library, engine, render_workers, kept);
        let service = Arc::new(service);
        #[cfg(feature = "persistence")]
        super::renders::restore(&service, renders);
        Ok(LocalBackend::serve(service, GateListener(gate)))
    }

    fn library(&self) -> Result<Library, (PathBuf, std::io::Error)> {
        Library::open(self.data_dir.as_ref().map(|dir| dir.join("files")))
    }

    #[cfg(feature = "media")]
    fn engine(&self) -> Result<Arc<dyn Engine>, LocalError> {
        if self.placeholder {
            return Ok(Arc::new(PlaceholderEngine));
        }
        let engine = super::engine::MediaEngine::new(self.voice.clone(), self.font.as_deref())?;
        Ok(Arc::new(engine))
    }

    #[cfg(not(feature = "media"))]
    #[allow(clippy::unnecessary_wraps, reason = "fails only with `media`")]
    fn engine(&self) -> Result<Arc<dyn Engine>, LocalError> {
        tracing::debug!(requested = self.placeholder, "videos are placeholders without `media`");
        Ok(Arc::new(PlaceholderEngine))
    }
}

/// Opens a directory, also if its last process is not quite gone: the system releases the lock of a
/// killed process a moment later, and that of this one is held by each child until it is executed.
#[cfg(feature = "persistence")]
async fn open_store(dir: &std::path::Path) -> Result<(Library, Kept), (PathBuf, std::io::Error)> {
    const INTERVAL: Duration = Duration::from_millis(50);
    for _ in 0..20 {
        match super::store::open(dir) {
            Err((_, error)) if error.kind() == std::io::ErrorKind::ResourceBusy => {
                tokio::time::sleep(INTERVAL).await;
            }
            result => return result,
        }
    }
    super::store::open(dir)
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) credits: Credits,
    pub(crate) prices: Prices,
    pub(crate) token_lifetime: Duration,
    pub(crate) token_scopes: Vec<TokenScope>,
    pub(crate) heartbeat_every: Duration,
    pub(crate) silent_edits: Frequency,
    pub(crate) trailing_noise: Frequency,
    pub(crate) fetch_hosts: BTreeSet<String>,
    pub(crate) shutdown_within: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) watch_page: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            credits: Credits::new(10_000.0),
            prices: Prices::default(),
            // As documented for anonymous accounts: 7 days.
            token_lifetime: Duration::from_secs(7 * 24 * 60 * 60),
            token_scopes: vec![
                TokenScope::Read,
                TokenScope::Write,
                TokenScope::Upload,
                TokenScope::Render,
            ],
            heartbeat_every: Duration::from_secs(1),
            silent_edits: Frequency::Every(3),
            trailing_noise: Frequency::Never,
            fetch_hosts: BTreeSet::new(),
            // Longer than any response but a long voiceover's, and short enough for a program that
            // wants to end.
            shutdown_within: Duration::from_secs(5),
            // No documented interval of polls is the same, so that a connection is not closed just
            // when the next one is sent.
            request_timeout: Duration::from_secs(45),
            watch_page: false,
        }
    }
}

/// The prices of work. They are the embedded backend's own, not the service's: low enough that an
/// account of the documented 100 credits makes a few videos.
///
/// Questions, exports, an undo, and messages that the agent does not understand or cannot carry out
/// cost nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prices {
    voiceover: Credits,
    edit: Credits,
}

impl Prices {
    /// Sets the price of speaking a script.
    #[must_use]
    pub const fn with_voiceover(mut self, price: Credits) -> Self {
        self.voiceover = price;
        self
    }

    /// Sets the price of any other change of the draft.
    #[must_use]
    pub const fn with_edit(mut self, price: Credits) -> Self {
        self.edit = price;
        self
    }

    /// Returns the price of speaking a script, also again with another voice, language or pace; 20
    /// by default.
    #[must_use]
    pub const fn voiceover(&self) -> Credits {
        self.voiceover
    }

    /// Returns the price of any other change of the draft; 2 by default. An undo costs
    /// nothing.
    #[must_use]
    pub const fn edit(&self) -> Credits {
        self.edit
    }
}

impl Default for Prices {
    fn default() -> Self {
        Self { voiceover: Credits::new(20.0), edit: Credits::new(2.0) }
    }
}

/// How often the agent behaves in a certain way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frequency {
    /// Never.
    Never,
    /// Every nth time in a session; 0 is never.
    Every(u64),
    /// Every time.
    Always,
}

impl Frequency {
    /// Returns whether the nth time, from 1, is included.
    pub(crate) const fn includes(self, nth: u64) -> bool {
        match self {
            Self::Never => false,
            Self::Every(every) => nth.is_multiple_of(every),
            Self::Always => true,
        }
    }
}
