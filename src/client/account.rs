//! Who one is, what is left, and the link that hands a project to a browser.

use std::time::Duration;

use url::Url;

use super::{NemoClient, json};
use crate::auth::Account;
use crate::error::{Error, Result};
use crate::protocol::{ClaimRequest, ClaimToken, CreditBalance, Endpoint, Session};
use crate::transport::Payload;

/// So long a turn waits for the credits before and after it. They are not worth more: what was
/// spent is the last thing that a report tells, and may be left out.
const AT_ONCE: Duration = Duration::from_secs(1);

impl NemoClient {
    /// Gets a token now rather than on the first call, and tells whose it is.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// let account = client.authenticate().await?;
    /// assert!(account.anonymous);
    /// assert_eq!(account.credits.map(|credits| credits.get()), Some(100.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::RateLimited`] when this installation has had its anonymous token for the week and
    /// it is not kept here; the connection errors.
    ///
    /// # Cancel safety
    /// Safe to drop. A token that was given out meanwhile is lost to this process until the
    /// client id may have another.
    pub async fn authenticate(&self) -> Result<Account> {
        self.auth().account(self.transport()).await
    }

    /// The credits of the account.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// let credits = client.credits().await?;
    /// assert_eq!(credits.total, credits.available + credits.frozen);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::TokenInvalid`], the connection errors.
    pub async fn credits(&self) -> Result<CreditBalance> {
        self.call(Endpoint::Credits, &[], Payload::Empty).await
    }

    /// The credits, where they can be told without holding anything up: one try, and not for
    /// long.
    pub(crate) async fn credits_at_once(&self) -> Option<CreditBalance> {
        // Whatever is asked beside this waits for the token too; and a token that is under way
        // must not be dropped, since there may be no other one this week.
        self.auth().bearer(self.transport()).await.ok()?;
        let asked = self.call_once(Endpoint::Credits);
        tokio::time::timeout(AT_ONCE, asked).await.ok()?.ok()
    }

    /// A link that opens an anonymous project in a browser, for a week.
    ///
    /// It holds a claim token, which has no access to the API; the bearer token is never part of
    /// a link.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, CreateSession, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client = NemoClient::builder().base_url(backend.url());
    /// # let client = client.in_memory_credentials().build()?;
    /// # let session = client.create_session(CreateSession::default()).await?;
    /// # let id = &session.session_id;
    /// let link = client.claim_link(&session).await?;
    /// assert!(link.as_str().starts_with("https://nemovideo.com/workspace/claim?ct=clm_"));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::SessionNotFound`], [`Error::TokenInvalid`], the connection errors.
    pub async fn claim_link(&self, session: &Session) -> Result<Url> {
        let request = ClaimRequest {
            task_id: session.task_id.clone(),
            session_id: session.session_id.clone(),
        };
        let claim: ClaimToken = self.call(Endpoint::Claim, &[], json(&request)?).await?;
        // Below the site's own path, if it has one; joining would take its last step off.
        let mut link = self.inner.web.clone();
        link.path_segments_mut()
            .map_err(|()| Error::Configuration("the web site's address has no path".to_owned()))?
            .pop_if_empty()
            .extend(["workspace", "claim"]);
        link.query_pairs_mut().append_pair("ct", &claim.claim_token);
        Ok(link)
    }
}
