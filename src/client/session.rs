//! Sessions, and what they hold.

use super::{NemoClient, json};
use crate::error::Result;
use crate::http::{Payload, routes};
use crate::wire::{NewSession, Session, SessionId, SessionState, StateAnswer};

impl NemoClient {
    /// Opens a session, in which one video is made.
    ///
    /// # Errors
    /// [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown) when the answer was lost: a session
    /// may be open that nobody knows, which costs nothing. The connection errors.
    pub async fn create_session(&self, session: NewSession) -> Result<Session> {
        self.http().json(Some(self.auth()), routes::SESSION, &[], json(&session)?).await
    }

    /// What a session holds now.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`](crate::Error::SessionNotFound), the connection errors.
    pub async fn session_state(&self, session: &SessionId) -> Result<SessionState> {
        Ok(self.session_state_answer(session).await?.state)
    }

    /// What a session holds now, and what the service says around it.
    ///
    /// # Errors
    /// As for [`session_state`](Self::session_state).
    pub async fn session_state_answer(&self, session: &SessionId) -> Result<StateAnswer> {
        let params = [session.as_str()];
        self.http().json(Some(self.auth()), routes::STATE, &params, Payload::Empty).await
    }
}
