//! Sessions, and what they hold.

use super::{NemoClient, json};
use crate::error::Result;
use crate::protocol::{CreateSession, Endpoint, Session, SessionId, SessionState, StateResponse};
use crate::transport::Payload;

impl NemoClient {
    /// Opens a session, in which one video is made.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// use nemovideo::CreateSession;
    ///
    /// let session = client.create_session(CreateSession::named("demo").language("zh-CN")).await?;
    /// // All else is said of the session by its id.
    /// assert!(client.session_state(&session.session_id).await?.draft.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown) when the answer was lost: a session
    /// may be open that nobody knows, which costs nothing. The connection errors.
    ///
    /// # Cancel safety
    /// Dropping the future may leave a session that nobody knows; it costs nothing.
    pub async fn create_session(&self, session: CreateSession) -> Result<Session> {
        self.call(Endpoint::Session, &[], json(&session)?).await
    }

    /// What a session holds now.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// # let session = client.create_session(CreateSession::default()).await?;
    /// # let id = &session.session_id;
    /// let before = client.session_state(id).await?;
    /// assert_eq!(before.draft, None); // nothing was made yet
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::SessionNotFound`](crate::Error::SessionNotFound), the connection errors.
    pub async fn session_state(&self, session: &SessionId) -> Result<SessionState> {
        Ok(self.session_state_answer(session).await?.state)
    }

    /// What a session holds now, and what the service says around it.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// # let session = client.create_session(CreateSession::default()).await?;
    /// # let id = &session.session_id;
    /// let answer = client.session_state_answer(id).await?;
    /// assert_eq!(answer.session_id.as_ref(), Some(id));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As for [`session_state`](Self::session_state).
    pub async fn session_state_answer(&self, session: &SessionId) -> Result<StateResponse> {
        let params = [session.as_str()];
        self.call(Endpoint::State, &params, Payload::Empty).await
    }
}
