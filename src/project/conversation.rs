//! A project: one session, used for one message at a time.

use std::fmt;
use std::future::IntoFuture;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use super::question::{message_of, names_options};
use super::turn::{SendMessage, Turn};
use super::{Export, Intent, QuestionResponse, UploadHint};
use crate::client::{NemoClient, OpenSession, PendingTurn, TurnTracker, Upload};
use crate::draft::{Draft, Language, SubtitleFormat};
use crate::error::{Error, Result};
use crate::protocol::event::Question;
use crate::protocol::{CreateSession, CreditBalance, Session, SessionId, UploadedFile};
use crate::sync::lock;

/// A conversation about one video. Cheap to clone; all clones are the same conversation.
#[derive(Clone)]
pub struct Project {
    inner: Arc<ProjectInner>,
}

struct ProjectInner {
    client: NemoClient,
    /// Held by the turn in progress.
    turn: Arc<tokio::sync::Mutex<()>>,
    messages: Mutex<Messages>,
    /// What another session is opened with where the service lost this one.
    new: CreateSession,
    session: Mutex<Session>,
    /// Something was sent to the session that another one would not have.
    is_touched: AtomicBool,
    question: OpenQuestion,
}

/// What the agent asked last, until the next message.
pub(super) type OpenQuestion = Arc<Mutex<Option<Question>>>;

/// The messages of a project whose end may be unknown.
#[derive(Default)]
struct Messages {
    last: Option<TurnTracker>,
    /// The message before, for as long as the last one was certainly not accepted.
    earlier: Option<PendingTurn>,
}

impl Messages {
    /// Whether the last message may have been accepted.
    fn may_have_sent(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.is_accepted() || last.pending().is_some())
    }

    fn pending(&self) -> Option<PendingTurn> {
        match &self.last {
            Some(last) if last.is_accepted() => last.pending(),
            Some(last) => last.pending().or_else(|| self.earlier.clone()),
            None => None,
        }
    }
}

/// A project that is about to be opened; `.await` opens it.
#[derive(Clone, Debug)]
#[must_use = "a project is opened when it is awaited"]
pub struct CreateProject {
    client: NemoClient,
    new: CreateSession,
}

/// The result of [`Project::dispatch`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Dispatched {
    /// The message was sent to the agent.
    Turn(Turn),
    /// The message asked for an export, which has not started.
    Export(Box<Export>),
    /// The message asked for the subtitles.
    Subtitles {
        /// The format that was asked for, or else SRT.
        format: SubtitleFormat,
        /// The content of the file; `None` if the video has no text for subtitles, or there is none
        /// yet.
        text: Option<String>,
    },
    /// The message asked for the credit balance.
    Credits(CreditBalance),
    /// The message asked for the timeline; `None` if there is none yet.
    State(Option<Draft>),
    /// The message asked for an upload of these files, which has not started.
    Upload(UploadHint),
}

impl NemoClient {
    /// Opens a conversation about one video.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use nemovideo::local::LocalBackend;
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = backend.client();
    /// # let dir = tempfile::tempdir()?;
    /// # let out = dir.path().join("out.mp4");
    /// let project = client.project("product demo").language("en").await?;
    /// let report = project.say("narrate: Our product works.").await?.finish().await?;
    /// println!("{}", report.summary());
    /// let saved = project.export().save_to(&out).await?;
    /// println!("{} bytes", saved.bytes);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Those of [`create_session`](NemoClient::create_session).
    ///
    /// # Cancel safety
    /// Dropping the future may leave a session whose id is not known; it costs nothing.
    pub fn project(&self, name: impl Into<String>) -> CreateProject {
        CreateProject { client: self.clone(), new: CreateSession::named(name) }
    }

    /// Opens a project on an existing session, in the session's language.
    #[must_use]
    pub fn resume_project(&self, session: Session) -> Project {
        Project::resumed(self, CreateSession::default(), session)
    }
}

impl CreateProject {
    /// Sets the language of the conversation, a BCP-47 tag. Reports are in Chinese for `zh`, else
    /// in English.
    pub fn language(mut self, tag: impl Into<String>) -> Self {
        self.new = self.new.language(tag);
        self
    }
}

impl IntoFuture for CreateProject {
    type Output = Result<Project>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Project::open(&self.client, &self.new).await })
    }
}

impl Project {
    /// Opens a session for a project.
    pub(super) async fn open(client: &NemoClient, new: &CreateSession) -> Result<Self> {
        let session = client.create_session(new.clone()).await?;
        Ok(Self::new(client, new.clone(), session, false))
    }

    /// Continues with a session of unknown content, which must not be replaced by another.
    pub(super) fn resumed(client: &NemoClient, new: CreateSession, session: Session) -> Self {
        Self::new(client, new, session, true)
    }

    fn new(client: &NemoClient, new: CreateSession, session: Session, is_touched: bool) -> Self {
        let inner = ProjectInner {
            client: client.clone(),
            turn: Arc::default(),
            messages: Mutex::default(),
            new,
            session: Mutex::new(session),
            is_touched: AtomicBool::new(is_touched),
            question: OpenQuestion::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Returns the session.
    #[must_use]
    pub fn session(&self) -> Session {
        self.locked().clone()
    }

    /// Returns the id of the session.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.locked().session_id.clone()
    }

    /// Returns the client, for calls that `Project` has no method for.
    #[must_use]
    pub fn client(&self) -> &NemoClient {
        &self.inner.client
    }

    /// Classifies a message with [`Intent::of`] and carries it out: returns the credits or the
    /// timeline, prepares an export or an upload, or sends the message to the agent.
    ///
    /// While the agent [waits for a response](Self::open_question), a message that names options of
    /// the question, by their numbers, labels or ids, or that skips it, is the response, whatever
    /// else it may mean. Any other is classified as always, so that a command is never sent as a
    /// message, which costs credits; the question stays open then. What is a message is the
    /// response: in the documented form where [`QuestionResponse::parse`] understands it, else as
    /// it is.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use nemovideo::local::LocalBackend;
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = backend.client();
    /// # let project = client.project("demo").await?;
    /// use nemovideo::project::Dispatched;
    ///
    /// assert!(matches!(project.dispatch("what's my balance?").await?, Dispatched::Credits(_)));
    /// assert!(matches!(project.dispatch("导出竖屏视频").await?, Dispatched::Export(_)));
    /// assert_eq!(backend.counters().messages_run, 0); // nothing was sent to the agent
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The errors of the call that the message leads to. A blank message is
    /// [`Error::InvalidInput`], and an export while a turn is in progress [`Error::Busy`].
    ///
    /// # Cancel safety
    /// A message to the agent may have been accepted; all other calls change nothing.
    pub async fn dispatch(&self, text: impl Into<String>) -> Result<Dispatched> {
        let text = text.into();
        let question = self.open_question();
        let intent = match &question {
            Some(question) if names_options(question, &text) => Intent::Message,
            _ => Intent::of(&text),
        };
        Ok(match intent {
            Intent::Export(request) => {
                self.ensure_idle()?;
                let mut export = self.export().output(request.output());
                export.named_file = request.file;
                Dispatched::Export(Box::new(export))
            }
            Intent::Subtitles(format) => {
                let draft = self.draft().await?;
                let text = draft.and_then(|draft| draft.to_subtitles(format));
                Dispatched::Subtitles { format, text }
            }
            Intent::Credits => Dispatched::Credits(self.inner.client.credits().await?),
            Intent::State => Dispatched::State(self.draft().await?),
            Intent::Upload(hint) => Dispatched::Upload(hint),
            Intent::Message => {
                let text = match question {
                    Some(question) => message_of(&question, &text),
                    None => text,
                };
                Dispatched::Turn(self.say(text).await?)
            }
        })
    }

    /// Returns what the agent asked in the last turn, if it waits for the user. The next message
    /// that is sent is the response, whatever it says. Persist it beside the
    /// [session](Self::session) for [`with_question`](Self::with_question).
    #[must_use]
    pub fn open_question(&self) -> Option<Question> {
        lock(&self.inner.question).clone()
    }

    /// Restores the [open question](Self::open_question) that another process persisted, so that
    /// [`dispatch`](Self::dispatch) can read what follows as the response.
    ///
    /// ```
    /// # use nemovideo::{NemoClient, Session};
    /// # use nemovideo::protocol::event::Question;
    /// # fn resume(client: &NemoClient, session: Session, persisted: &str)
    /// #     -> Result<(), Box<dyn std::error::Error>> {
    /// let question: Question = serde_json::from_str(persisted)?;
    /// let project = client.resume_project(session).with_question(question);
    /// assert!(project.open_question().is_some());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_question(self, question: Question) -> Self {
        *lock(&self.inner.question) = Some(question);
        self
    }

    /// Responds to a question of the agent: one from [`open_question`](Self::open_question), from
    /// the [report](super::TurnReport::question) of a turn, or one that was persisted.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use nemovideo::mock::{NemoMock, event};
    /// use nemovideo::project::{Outcome, QuestionResponse};
    /// use nemovideo::draft::Json;
    ///
    /// let nemo = NemoMock::start().await;
    /// # nemo.session("t", "s");
    /// # nemo.state(None);
    /// let asked: Json = r#"{"questions": [{"prompt": "Which format?",
    ///     "options": [{"label": "Portrait"}, {"label": "Square"}]}]}"#.parse()?;
    /// nemo.stream([event::question(asked)]).times(1);
    /// nemo.stream([event::text("Square it is.")]);
    ///
    /// let project = nemo.client().project("demo").await?;
    /// let report = project.say("make a clip").await?.finish().await?;
    /// assert_eq!(report.outcome, Outcome::AwaitingInput);
    /// let question = report.question.expect("a question");
    ///
    /// let response = QuestionResponse::new().answer(0, "Square");
    /// let report = project.respond_to(&question, &response)?.await?.finish().await?;
    /// assert_eq!(report.text, "Square it is.");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the response does not fit the question: see
    /// [`QuestionResponse::message`].
    pub fn respond_to(
        &self,
        question: &Question,
        response: &QuestionResponse,
    ) -> Result<SendMessage> {
        Ok(self.say(response.message(question)?))
    }

    /// Returns the place that a turn keeps its question in.
    pub(super) fn question_slot(&self) -> OpenQuestion {
        Arc::clone(&self.inner.question)
    }

    /// Returns the timeline, once there is one.
    ///
    /// # Errors
    /// Those of [`session_state`](NemoClient::session_state).
    pub async fn draft(&self) -> Result<Option<Draft>> {
        Ok(self.inner.client.session_state(&self.session_id()).await?.draft)
    }

    /// Uploads a file.
    ///
    /// # Errors
    /// Those of [`upload_file`](NemoClient::upload_file); [`Error::SessionNotFound`] if the service
    /// no longer has the session and something had been sent to it (an unused session is replaced).
    pub fn upload(&self, path: impl AsRef<Path>) -> Upload {
        self.or_in_another_session(self.inner.client.upload_file(&self.session_id(), path))
    }

    /// Uploads bytes from memory under a file name, whose extension determines the format.
    ///
    /// # Errors
    /// As for [`upload`](Self::upload).
    pub fn upload_bytes(&self, name: impl Into<String>, bytes: impl Into<Bytes>) -> Upload {
        let upload = self.inner.client.upload_bytes(&self.session_id(), name, bytes);
        self.or_in_another_session(upload)
    }

    /// Has the service download files from URLs.
    ///
    /// # Errors
    /// Those of [`upload_urls`](NemoClient::upload_urls); [`Error::SessionNotFound`] if the service
    /// no longer has the session and something had been sent to it (an unused session is replaced).
    ///
    /// # Cancel safety
    /// Dropping the future does not cancel the uploads; the service may download the files.
    pub async fn upload_urls(
        &self,
        urls: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<UploadedFile>> {
        let urls: Vec<String> = urls.into_iter().map(Into::into).collect();
        let (client, urls) = (&self.inner.client, &urls);
        self.in_session(|id| async move { client.upload_urls(&id, urls).await }).await
    }

    fn or_in_another_session(&self, upload: Upload) -> Upload {
        let project = self.clone();
        upload.or_in_new_session(Box::new(move || {
            if project.touch() {
                return None;
            }
            let open: OpenSession =
                Box::new(move || Box::pin(async move { project.reopen().await }));
            Some(open)
        }))
    }

    /// Returns the message that may have been accepted and whose end is unknown: to be persisted,
    /// or observed with [`observe`](Self::observe).
    ///
    /// It is there from before the message is sent until its end is known. So it is also there
    /// after the future of [`say`](Self::say) or the [`Turn`] was dropped, and after a turn whose
    /// outcome is unknown. Of several such messages the last one is kept.
    ///
    /// It does not make the next [`say`](Self::say) fail. The report of that message may then hold
    /// the changes of the earlier one too, since both work on the same timeline: observe the
    /// earlier one first where that matters.
    #[must_use]
    pub fn pending(&self) -> Option<PendingTurn> {
        self.messages().pending()
    }

    /// Calls the service with the id of the session. Where it has lost a session that held nothing
    /// yet, nothing is lost with it: another one is opened, and the call made once more.
    pub(super) async fn in_session<T, F>(&self, mut call: impl FnMut(SessionId) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let was_touched = self.touch();
        match call(self.session_id()).await {
            Err(Error::SessionNotFound(_)) if !was_touched => call(self.reopen().await?).await,
            result => result,
        }
    }

    /// Whether the last message may have been accepted.
    pub(super) fn may_have_sent(&self) -> bool {
        self.messages().may_have_sent()
    }

    /// Keeps a message that is about to be sent, or an earlier one that is resumed.
    pub(super) fn track(&self, message: TurnTracker) {
        self.touch();
        let mut messages = self.messages();
        messages.earlier = messages.pending();
        messages.last = Some(message);
    }

    /// Records that another session would lack something, and returns whether that was so before.
    fn touch(&self) -> bool {
        self.inner.is_touched.swap(true, Ordering::Relaxed)
    }

    /// Opens another session in place of one that the service has lost.
    async fn reopen(&self) -> Result<SessionId> {
        let session = self.inner.client.create_session(self.inner.new.clone()).await?;
        *self.locked() = session;
        Ok(self.session_id())
    }

    /// Fails while a turn is in progress.
    pub(super) fn ensure_idle(&self) -> Result<()> {
        self.inner.turn.try_lock().map(drop).map_err(|_| Error::Busy)
    }

    /// Returns the lock that the turn in progress holds.
    pub(super) fn turn_lock(&self) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(&self.inner.turn)
    }

    /// Returns what another session is opened with.
    pub(super) fn session_options(&self) -> &CreateSession {
        &self.inner.new
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        lock(&self.inner.messages)
    }

    fn locked(&self) -> MutexGuard<'_, Session> {
        lock(&self.inner.session)
    }
}

/// Returns the language of reports for a BCP-47 tag.
pub(super) fn language_of(tag: Option<&str>) -> Language {
    tag.and_then(|tag| tag.parse().ok()).unwrap_or_default()
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
    moved::<Turn>();
};
