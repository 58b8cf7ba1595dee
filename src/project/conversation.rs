//! A project: one session, talked to one message at a time.

use std::fmt;
use std::future::IntoFuture;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::pending::Kept;
use super::turn::SendMessage;
use super::{Export, Intent, UploadHint};
use crate::client::Upload;
use crate::draft::{Draft, Language};
use crate::error::{Error, Result};
use crate::protocol::{CreateSession, CreditBalance, Session, SessionId, UploadResponse};
use crate::{NemoClient, client};

/// A conversation about one video. Cheap to clone; all clones are the same conversation.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
/// #     .build()?;
/// # let project = client.project("demo").await?;
/// let clone = project.clone(); // the same conversation
/// assert_eq!(clone.session_id(), project.session_id());
/// assert!(project.draft().await?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Project {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) client: NemoClient,
    pub(super) words: Language,
    /// Held by the turn under way.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
    /// The message that may be under way though its turn is gone.
    pub(super) kept: Kept,
    pub(super) new: CreateSession,
    session: Mutex<Session>,
    /// Something was said or uploaded, which a new session would not have.
    touched: AtomicBool,
}

/// A project that is about to be opened; `.await` opens it.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::NemoClient;
/// # use nemovideo::local::{LocalBackend, SilentEdits};
/// # let silent = LocalBackend::builder().silent_edits(SilentEdits::Always);
/// # let backend = silent.placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
/// let new = client.project("demo").language("zh-CN");
/// assert_eq!(backend.counters().sessions_created, 0); // nothing was sent yet
/// let project = new.await?;
/// project.say("narrate: Good morning.").await?.finish().await?;
///
/// // The agent says nothing to this, so the change is told in the project's language.
/// let report = project.say("add a title 'Morning Brew'").await?.finish().await?;
/// assert!(report.summary().contains("标题已添加"), "{}", report.summary());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a project is opened when it is awaited"]
pub struct CreateProject {
    client: NemoClient,
    new: CreateSession,
}

/// What a sentence of the user's came to.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
/// #     .build()?;
/// # let project = client.project("demo").await?;
/// use nemovideo::project::Dispatched;
///
/// let reply = project.dispatch("narrate: Good morning.").await?;
/// let Dispatched::Turn(turn) = reply else { panic!("{reply:?}") };
/// println!("{}", turn.finish().await?.summary());
///
/// match project.dispatch("show me the status").await? {
///     Dispatched::State(Some(draft)) => println!("{}", draft.summary()),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Dispatched {
    /// It was said to the agent.
    Turn(super::Turn),
    /// It asks for the file; nothing was rendered yet.
    Export(Export),
    /// It asked for the credits.
    Credits(CreditBalance),
    /// It asked what is there; `None` as long as there is nothing.
    State(Option<Draft>),
    /// It wants to upload these; nothing was uploaded yet.
    Upload(UploadHint),
}

impl NemoClient {
    /// Opens a conversation about one video.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::{NemoClient, local::LocalBackend};
    ///
    /// let backend = LocalBackend::start().await?;
    /// let client =
    ///     NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
    /// let project = client.project("product demo").language("en").await?;
    /// let report = project.say("narrate: Our product works.").await?.finish().await?;
    /// println!("{}", report.summary());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`create_session`](NemoClient::create_session).
    pub fn project(&self, name: impl Into<String>) -> CreateProject {
        CreateProject { client: self.clone(), new: CreateSession::named(name) }
    }
}

impl CreateProject {
    /// The language to talk in, a BCP-47 tag; reports are in Chinese for `zh`, else in English.
    pub fn language(mut self, tag: impl Into<String>) -> Self {
        self.new = self.new.language(tag);
        self
    }
}

impl IntoFuture for CreateProject {
    type Output = Result<Project>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let session = self.client.create_session(self.new.clone()).await?;
            let session = session.in_language_of(&self.new);
            Ok(Project::new(self.client, self.new, session, false))
        })
    }
}

impl Project {
    pub(super) fn new(
        client: NemoClient,
        new: CreateSession,
        session: Session,
        touched: bool,
    ) -> Self {
        let words = words_of(session.language.as_deref());
        let inner = Inner {
            client,
            words,
            turn: Arc::default(),
            kept: Kept::default(),
            new,
            session: Mutex::new(session),
            touched: AtomicBool::new(touched),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Goes on with a session that is open already, in the language that is written down
    /// with it.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let project = client.project("demo").language("zh-CN").await?;
    /// use nemovideo::project::Project;
    /// use nemovideo::Session;
    ///
    /// let written_down = serde_json::to_string(&project.session())?;
    /// let session: Session = serde_json::from_str(&written_down)?; // in another process, say
    /// let again = Project::resume(&client, session);
    /// assert_eq!(again.session_id(), project.session_id());
    /// assert_eq!(again.session().language.as_deref(), Some("zh-CN")); // reports are in Chinese
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn resume(client: &NemoClient, session: Session) -> Self {
        Self::new(client.clone(), CreateSession::default(), session, true)
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> Session {
        self.locked().clone()
    }

    /// The id of the session.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.locked().session_id.clone()
    }

    /// The client below.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let project = client.project("demo").await?;
    /// // For what a project has no call of its own: a link to hand it over to a browser.
    /// let link = project.client().claim_link(&project.session()).await?;
    /// assert!(link.as_str().contains("/workspace/claim?ct="));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn client(&self) -> &NemoClient {
        &self.inner.client
    }

    /// Says something to the agent, whatever it means: nothing is routed elsewhere.
    ///
    /// `.await` sends it and gives the [`Turn`](super::Turn).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let project = client.project("demo").await?;
    /// use nemovideo::Error;
    ///
    /// let turn = project.say("narrate: Good morning.").await?;
    /// // One at a time; a message that may wait is `queued()`.
    /// assert!(matches!(project.say("add music").await, Err(Error::Busy)));
    /// turn.finish().await?;
    /// let queued = project.say("add a title 'Morning Brew'").queued().whole_texts().await?;
    /// let report = queued.finish().await?;
    /// assert!(!report.summary().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::Busy`] while another turn is alive; [`Error::InvalidInput`] for a blank message;
    /// [`Error::SessionNotFound`] where a new session would lose something; those of
    /// [`send_message`](NemoClient::send_message).
    ///
    /// # Cancel safety
    /// Dropped before it gave the turn, the message may have been taken, and charged:
    /// [`pending`](Self::pending) then holds what it takes to find out. Sending another message
    /// instead is the caller's decision, and the report of that one may hold the changes of both.
    pub fn say(&self, text: impl Into<String>) -> SendMessage {
        SendMessage::new(self.clone(), text.into())
    }

    /// Does what a sentence means, by the rule of [`Intent`]: tells the credits or the state,
    /// prepares an export or an upload, or says it to the agent.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let project = client.project("demo").await?;
    /// use nemovideo::project::Dispatched;
    ///
    /// assert!(matches!(project.dispatch("what's my balance?").await?, Dispatched::Credits(_)));
    /// assert!(matches!(project.dispatch("导出竖屏视频").await?, Dispatched::Export(_)));
    /// assert_eq!(backend.counters().messages_run, 0); // the agent was not asked
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of the call that it comes to. A blank message is [`Error::InvalidInput`], and an
    /// export while a turn is alive [`Error::Busy`].
    ///
    /// # Cancel safety
    /// As for the call that it comes to: a message may have been taken, all else changes nothing.
    pub async fn dispatch(&self, text: impl Into<String>) -> Result<Dispatched> {
        let text = text.into();
        Ok(match Intent::of(&text) {
            Intent::Export(request) => {
                self.ensure_free()?;
                Dispatched::Export(self.export().output(request.output()))
            }
            Intent::Credits => Dispatched::Credits(self.inner.client.credits().await?),
            Intent::State => Dispatched::State(self.draft().await?),
            Intent::Upload(hint) => Dispatched::Upload(hint),
            _ => Dispatched::Turn(self.say(text).await?),
        })
    }

    /// The timeline, once there is one.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let project = client.project("demo").await?;
    /// project.say("narrate: Good morning.").await?.finish().await?;
    /// let draft = project.draft().await?.ok_or("nothing was made")?;
    /// assert!(draft.is_ready_to_export());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`session_state`](NemoClient::session_state).
    pub async fn draft(&self) -> Result<Option<Draft>> {
        Ok(self.inner.client.session_state(&self.session_id()).await?.draft)
    }

    /// Uploads a file of the user's.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let project = client.project("demo").await?;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("script.txt");
    /// std::fs::write(&path, "Good morning.")?;
    /// let answer = project.upload(&path).await?;
    /// assert_eq!(answer.files[0].filename, "script.txt");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`upload_file`](NemoClient::upload_file); [`Error::SessionNotFound`] where a new
    /// session would lose something.
    pub fn upload(&self, path: impl AsRef<Path>) -> Upload {
        self.or_elsewhere(self.inner.client.upload_file(&self.session_id(), path))
    }

    /// Uploads what is in memory under a name, whose end tells the format.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let project = client.project("demo").await?;
    /// project.upload_bytes("script.txt", "Good morning.").await?;
    /// let turn = project.say("turn the uploaded script into a video").await?;
    /// assert!(turn.finish().await?.draft.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As for [`upload`](Self::upload).
    pub fn upload_bytes(&self, name: impl Into<String>, bytes: impl Into<Bytes>) -> Upload {
        self.or_elsewhere(self.inner.client.upload_bytes(&self.session_id(), name, bytes))
    }

    /// Names files for the service to fetch itself.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::{MockResponse, MockNemo};
    /// use nemovideo::protocol::UploadedFile;
    ///
    /// let nemo = MockNemo::start().await;
    /// # nemo.given(MockResponse::session("task", "session")).await;
    /// let file: UploadedFile = serde_json::from_str(r#"{"filename":"city.mp4"}"#)?;
    /// nemo.given(MockResponse::upload([file])).await;
    /// let project = nemo.client().project("demo").await?;
    /// let answer = project.upload_urls(["https://example.com/city.mp4"]).await?;
    /// assert_eq!(answer.files[0].filename, "city.mp4");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`upload_urls`](NemoClient::upload_urls); [`Error::SessionNotFound`] where a new
    /// session would lose something.
    ///
    /// # Cancel safety
    /// Dropping the future does not call the uploads off; the service may fetch the files.
    pub async fn upload_urls(
        &self,
        urls: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<UploadResponse> {
        let urls: Vec<String> = urls.into_iter().map(Into::into).collect();
        let touched = self.touch();
        match self.inner.client.upload_urls(&self.session_id(), &urls).await {
            Err(Error::SessionNotFound(_)) if !touched => {
                self.open_again().await?;
                self.inner.client.upload_urls(&self.session_id(), &urls).await
            }
            answer => answer,
        }
    }

    /// An upload into this conversation: where it is the first thing in a session that the service
    /// has lost, nothing is lost with that, and a new one serves as well.
    fn or_elsewhere(&self, upload: Upload) -> Upload {
        if self.touch() {
            return upload;
        }
        let project = self.clone();
        upload.or_in_new_session(Box::new(move || {
            Box::pin(async move {
                project.open_again().await?;
                Ok(project.session_id())
            })
        }))
    }

    /// Makes the file.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let project = client.project("demo").await?;
    /// project.say("narrate: Good morning.").await?.finish().await?;
    /// let out = "out.mp4";
    /// # let folder = tempfile::tempdir()?;
    /// # let out = folder.path().join(out);
    /// let file = project.export().await?.download(&out).await?;
    /// assert_eq!(std::fs::metadata(&out)?.len(), file.bytes);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::Busy`] while a turn is alive, since the timeline is being worked on;
    /// [`Error::InvalidInput`] when there is nothing to export yet; those of
    /// [`submit_render`](NemoClient::submit_render) and of
    /// [`RenderPoller`](crate::RenderPoller).
    ///
    /// # Cancel safety
    /// Dropped while it waits, the render goes on, and its job is lost with the future: where that
    /// matters take [`submit`](Export::submit) and [`NemoClient::render`].
    pub fn export(&self) -> Export {
        Export::new(self.clone())
    }

    /// Notes that a new session would lose something; tells whether it would have before.
    pub(super) fn touch(&self) -> bool {
        self.inner.touched.swap(true, Ordering::Relaxed)
    }

    /// A new session in place of one that the service has lost, where nothing was in it.
    pub(super) async fn open_again(&self) -> Result<()> {
        let session = self.inner.client.create_session(self.inner.new.clone()).await?;
        *self.locked() = session.in_language_of(&self.inner.new);
        Ok(())
    }

    pub(super) fn busy() -> Error {
        Error::Busy
    }

    /// Refuses what does not go together with a turn under way.
    pub(super) fn ensure_free(&self) -> Result<()> {
        self.inner.turn.try_lock().map(drop).map_err(|_| Self::busy())
    }

    fn locked(&self) -> MutexGuard<'_, Session> {
        // Nothing can panic while it is held.
        self.inner.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The language in which people are told what the agent did.
/// The language to tell a change in.
pub(super) fn words_of(tag: Option<&str>) -> Language {
    let tag = tag.unwrap_or_default().to_ascii_lowercase();
    if tag.starts_with("zh") { Language::Chinese } else { Language::English }
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Project").field("session", &self.session_id()).finish_non_exhaustive()
    }
}

/// Conversations are shared between tasks.
const _: () = {
    const fn shared<T: Clone + Send + Sync + 'static>() {}
    const fn moved<T: Send>() {}
    shared::<Project>();
    moved::<super::Turn>();
    moved::<client::TurnStream>();
};
