//! Sessions, the account behind them, and the link that opens one in a browser.

use std::time::Duration;

use url::Url;

use super::{NemoClient, json};
use crate::auth::Account;
use crate::error::{Error, Result};
use crate::protocol::{
    ClaimRequest, ClaimToken, CreateSession, CreditBalance, Endpoint, Session, SessionId,
    SessionState, StateResponse,
};
use crate::transport::Payload;

/// The time to read the credits before and after a turn. The amount spent is an optional part of
/// a report, so it must not delay the turn.
const QUICK_READ: Duration = Duration::from_secs(1);

impl NemoClient {
    /// Obtains a token now instead of on the first call, and returns the account it belongs to.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when this installation already received its anonymous token of the
    /// week and it is not stored here; the [connection errors](NemoClient#connection-errors).
    ///
    /// # Cancel safety
    /// Safe to drop. A token that is issued meanwhile is lost to this process until the service
    /// issues another one for the client id.
    pub async fn authenticate(&self) -> Result<Account> {
        self.auth().account(self.transport()).await
    }

    /// Returns the credits of the account.
    ///
    /// # Errors
    /// [`Error::TokenInvalid`]; the [connection errors](NemoClient#connection-errors).
    pub async fn credits(&self) -> Result<CreditBalance> {
        self.call(Endpoint::Credits, &[], Payload::Empty).await
    }

    /// Returns the credits if one attempt yields them within a second.
    pub(crate) async fn credits_at_once(&self) -> Option<CreditBalance> {
        // The token is outside of the timeout: a request for one must not be dropped, since the
        // service may issue no other this week. Calls made in parallel wait for it anyway.
        self.auth().bearer(self.transport()).await.ok()?;
        let credits = self.call_once(Endpoint::Credits);
        tokio::time::timeout(QUICK_READ, credits).await.ok()?.ok()
    }

    /// Creates a session, in which one video is made. It keeps the requested language, which the
    /// service does not return.
    ///
    /// # Errors
    /// [`Error::OutcomeUnknown`] when the response was lost: a session may exist whose id is not
    /// known, which costs nothing. The [connection errors](NemoClient#connection-errors).
    ///
    /// # Cancel safety
    /// Dropping the future may leave a session whose id is not known; it costs nothing.
    pub async fn create_session(&self, session: CreateSession) -> Result<Session> {
        let mut created: Session = self.call(Endpoint::Session, &[], json(&session)?).await?;
        created.language = session.language.or(created.language);
        Ok(created)
    }

    /// Returns the current state of a session.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`]; the [connection errors](NemoClient#connection-errors).
    pub async fn session_state(&self, session: &SessionId) -> Result<SessionState> {
        let params = [session.as_str()];
        let response: StateResponse = self.call(Endpoint::State, &params, Payload::Empty).await?;
        Ok(response.state)
    }

    /// Returns a link that opens an anonymous project in a browser, valid for a week.
    ///
    /// The link holds a claim token, which has no access to the API. The bearer token is never
    /// part of a link.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`], [`Error::TokenInvalid`]; the [connection
    /// errors](NemoClient#connection-errors).
    pub async fn claim_link(&self, session: &Session) -> Result<Url> {
        let request = ClaimRequest {
            task_id: session.task_id.clone(),
            session_id: session.session_id.clone(),
        };
        let claim: ClaimToken = self.call(Endpoint::Claim, &[], json(&request)?).await?;
        // Appended to the web site's own path; `Url::join` would replace its last segment.
        let mut link = self.inner.web.clone();
        link.path_segments_mut()
            .map_err(|()| Error::Configuration("the web site's URL has no path".to_owned()))?
            .pop_if_empty()
            .extend(["workspace", "claim"]);
        link.query_pairs_mut().append_pair("ct", claim.claim_token.expose());
        Ok(link)
    }
}
