//! What the embedded backend can be told before it starts.

use std::time::Duration;

use crate::protocol::Credits;

/// What work costs. These prices are the embedded backend's own, not the service's: small enough
/// that a fresh account of 100 credits makes a few films.
///
/// Questions, and what the agent does not understand or cannot do, cost nothing; neither does an
/// export.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::local::{LocalBackend, Prices};
/// use nemovideo::{Credits, Error, NemoClient, CreateSession};
///
/// let prices = Prices { voiceover: Credits::new(500.0), ..Prices::default() };
/// let backend = LocalBackend::builder().prices(prices).placeholder_videos().start().await?;
/// let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
/// let session = client.create_session(CreateSession::default()).await?.session_id;
/// let refused = client.send_message(&session, "narrate: Good morning.").await;
/// assert!(matches!(refused, Err(Error::OutOfCredits(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::exhaustive_structs)]
pub struct Prices {
    /// Speaking a script, also again in another voice, language or pace. 20 by default.
    pub voiceover: Credits,
    /// Any other change of the draft, an undo included. 2 by default.
    pub edit: Credits,
}

impl Default for Prices {
    fn default() -> Self {
        Self { voiceover: Credits::new(20.0), edit: Credits::new(2.0) }
    }
}

/// How often an edit ends without a word, as about 30 % do on the service: the tool call, its
/// result and the changed draft come, and no text.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::local::{LocalBackend, SilentEdits};
/// use nemovideo::{NemoClient, project::Outcome};
///
/// let always = LocalBackend::builder().silent_edits(SilentEdits::Always);
/// let backend = always.placeholder_videos().start().await?;
/// let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
/// let project = client.project("demo").await?;
/// project.say("narrate: Good morning.").await?.finish().await?;
/// let report = project.say("add a title 'Morning Brew'").await?.finish().await?;
/// assert_eq!(report.outcome, Outcome::Silent);
/// assert!(report.summary().contains("Morning Brew"));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SilentEdits {
    /// Every third successful edit of a session.
    #[default]
    EveryThird,
    /// None: tests that look at texts want this.
    Never,
    /// All of them.
    Always,
}

impl SilentEdits {
    /// Whether the nth edit of a session, from 1, is one.
    pub(super) fn includes(self, nth: u64) -> bool {
        match self {
            Self::EveryThird => nth.is_multiple_of(3),
            Self::Never => false,
            Self::Always => true,
        }
    }
}

/// How often the agent adds "I encountered a temporary issue" to an answer, as the service does at
/// times. It means nothing: the work is done. Failures and silent edits stay as they are.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use futures::TryStreamExt as _;
/// use nemovideo::local::{LocalBackend, TrailingNoise};
/// use nemovideo::protocol::event::AgentEvent;
/// # use nemovideo::{NemoClient, CreateSession};
///
/// let noisy = LocalBackend::builder().trailing_noise(TrailingNoise::Always);
/// let backend = noisy.placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
/// # let id = client.create_session(CreateSession::default()).await?.session_id;
/// let stream = client.send_message(&id, "narrate: Good morning.").await?;
/// let events: Vec<AgentEvent> = stream.try_collect().await?;
/// let Some(AgentEvent::Text(last)) = events.last() else { panic!("{events:?}") };
/// assert_eq!(last.text, "I encountered a temporary issue.");
/// assert!(client.session_state(&id).await?.draft.is_some()); // the work is done
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrailingNoise {
    /// Never.
    #[default]
    Never,
    /// In every second turn of a session.
    EverySecond,
    /// Always.
    Always,
}

impl TrailingNoise {
    /// Whether the nth turn of a session, from 1, is one.
    pub(super) fn includes(self, nth: u64) -> bool {
        match self {
            Self::Never => false,
            Self::EverySecond => nth.is_multiple_of(2),
            Self::Always => true,
        }
    }
}

/// From where files are fetched that an upload names by address.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::local::{FetchFrom, LocalBackend};
/// use nemovideo::{NemoClient, CreateSession};
///
/// let backend = LocalBackend::builder().fetch_from(FetchFrom::Loopback).start().await?;
/// let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
/// let session = client.create_session(CreateSession::default()).await?.session_id;
/// assert!(client.upload_urls(&session, ["http://192.0.2.1/city.mp4"]).await.is_err());
/// assert_eq!(backend.counters().uploads_taken, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchFrom {
    /// This machine only, so that whoever reaches the backend cannot make it reach further.
    #[default]
    Loopback,
    /// Anywhere.
    Anywhere,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) credits: Credits,
    pub(super) prices: Prices,
    pub(super) token_lifetime: Duration,
    pub(super) heartbeat_every: Duration,
    pub(super) silent_edits: SilentEdits,
    pub(super) trailing_noise: TrailingNoise,
    pub(super) fetch_from: FetchFrom,
    pub(super) shutdown_within: Duration,
}

/// As long as calls under way may take to be answered once the backend is to stop. Longer than any
/// answer but a long voiceover's, and short enough for a program that wants to end.
const SHUTDOWN_WITHIN: Duration = Duration::from_secs(5);

impl Default for Settings {
    fn default() -> Self {
        Self {
            // The documented start of an anonymous account: 100 credits, 7 days.
            credits: Credits::new(100.0),
            prices: Prices::default(),
            token_lifetime: Duration::from_secs(7 * 24 * 60 * 60),
            heartbeat_every: Duration::from_secs(5),
            silent_edits: SilentEdits::default(),
            trailing_noise: TrailingNoise::default(),
            fetch_from: FetchFrom::default(),
            shutdown_within: SHUTDOWN_WITHIN,
        }
    }
}
