//! Sessions, the account behind them and its tokens, and the link that opens a session in a
//! browser.

use std::time::Duration;

use url::Url;

use super::{ApiRequest, NemoClient, json};
use crate::auth::Account;
use crate::clock::timeout;
use crate::error::{Error, Result};
use crate::protocol::{
    Accepted, ApiToken, ClaimRequest, ClaimToken, CreateSession, CreateToken, CreatedToken,
    CreditBalance, Endpoint, Session, SessionId, SessionState, StateResponse, TokenCreated,
    TokenId, TokenList,
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
    pub fn credits(&self) -> ApiRequest<CreditBalance> {
        self.request(
            |client| async move { client.call(Endpoint::Credits, &[], Payload::Empty).await },
        )
    }

    /// Returns the credits if one attempt yields them within a second.
    pub(crate) async fn credits_at_once(&self) -> Option<CreditBalance> {
        // The token is outside of the timeout: a request for one must not be dropped, since the
        // service may issue no other this week. Calls made in parallel wait for it anyway.
        self.auth().bearer(self.transport()).await.ok()?;
        let credits = self.call_once(Endpoint::Credits);
        timeout(QUICK_READ, credits).await.ok()?.ok()
    }

    /// Creates one of the user's own tokens, for another program or machine. Some revisions of the
    /// service document this for registered users.
    ///
    /// The service shows the token only in this response. It is in no log, no error and no `Debug`;
    /// [`CreatedToken::expose_secret`] returns it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use nemovideo::{Error, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = backend.client();
    /// use nemovideo::{CreateToken, TokenScope};
    ///
    /// let request = CreateToken::named("dashboard").scopes([TokenScope::Read]).expires_in_days(7);
    /// let created = client.create_token(request).await?;
    /// let dashboard = backend.client_builder().token(created.expose_secret()).build()?;
    /// assert_eq!(dashboard.credits().await?.available.get(), 10_000.0);
    ///
    /// client.revoke_token(&created.info.id).await?;
    /// assert!(matches!(dashboard.credits().await, Err(Error::TokenInvalid(_))));
    /// assert!(client.tokens().await?[0].revoked_at.is_some());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::OutcomeUnknown`] when the response was lost: a token may exist that nobody knows. It
    /// is listed by [`tokens`](Self::tokens) and can be revoked. The error responses of the service;
    /// the connection errors.
    ///
    /// # Cancel safety
    /// Dropping the future may leave a token that nobody knows, as above.
    pub fn create_token(&self, token: CreateToken) -> ApiRequest<CreatedToken> {
        self.request(move |client| async move {
            let created: TokenCreated =
                client.call(Endpoint::TokenCreate, &[], json(&token)?).await?;
            Ok(created.into())
        })
    }

    /// Returns the user's own tokens, without their secrets. Some revisions of the service document
    /// this.
    ///
    /// # Errors
    /// [`Error::TokenInvalid`]; the error responses of the service; the connection errors.
    pub fn tokens(&self) -> ApiRequest<Vec<ApiToken>> {
        self.request(|client| async move {
            let TokenList(tokens) = client.call(Endpoint::TokenList, &[], Payload::Empty).await?;
            Ok(tokens)
        })
    }

    /// Revokes one of the user's own tokens: from then on, calls with it end with
    /// [`Error::TokenInvalid`]. Some revisions of the service document this, but not its response:
    /// one that cannot be decoded is a success only if the [list](Self::tokens) confirms it.
    ///
    /// # Errors
    /// [`Error::Decode`] as above; the error responses of the service; the connection errors. The
    /// token may be revoked all the same; it is safe to revoke it again.
    ///
    /// # Cancel safety
    /// Safe to drop; revoke it again.
    pub fn revoke_token(&self, id: &TokenId) -> ApiRequest<()> {
        let id = id.clone();
        self.request(move |client| async move {
            let params = [id.as_str()];
            match client.call(Endpoint::TokenRevoke, &params, Payload::Empty).await {
                Ok(Accepted) => Ok(()),
                Err(error @ Error::Decode { .. }) => {
                    let is_valid = |token: &ApiToken| token.id == id && token.revoked_at.is_none();
                    match client.tokens().await {
                        Ok(tokens) if !tokens.iter().any(is_valid) => Ok(()),
                        _ => Err(error),
                    }
                }
                Err(error) => Err(error),
            }
        })
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
    pub fn create_session(&self, session: CreateSession) -> ApiRequest<Session> {
        self.request(move |client| async move {
            let mut created: Session = client.call(Endpoint::Session, &[], json(&session)?).await?;
            created.language = session.language.or(created.language);
            Ok(created)
        })
    }

    /// Returns the current state of a session.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`]; the [connection errors](NemoClient#connection-errors).
    pub fn session_state(&self, session: &SessionId) -> ApiRequest<SessionState> {
        let session = session.clone();
        self.request(move |client| async move {
            let params = [session.as_str()];
            let response: StateResponse =
                client.call(Endpoint::State, &params, Payload::Empty).await?;
            Ok(response.state)
        })
    }

    /// Returns a link that opens an anonymous project in a browser, valid for a week.
    ///
    /// The link holds a claim token, which has no access to the API. The bearer token is never
    /// part of a link.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`], [`Error::TokenInvalid`]; the [connection
    /// errors](NemoClient#connection-errors).
    pub fn claim_link(&self, session: &Session) -> ApiRequest<Url> {
        let request = ClaimRequest {
            task_id: session.task_id.clone(),
            session_id: session.session_id.clone(),
        };
        self.request(move |client| async move {
            let claim: ClaimToken = client.call(Endpoint::Claim, &[], json(&request)?).await?;
            // Appended to the web site's own path; `Url::join` would replace its last segment.
            let mut link = client.inner.web.clone();
            link.path_segments_mut()
                .map_err(|()| Error::Configuration("the web site's URL has no path".to_owned()))?
                .pop_if_empty()
                .extend(["workspace", "claim"]);
            link.query_pairs_mut().append_pair("ct", claim.claim_token.expose());
            Ok(link)
        })
    }
}
