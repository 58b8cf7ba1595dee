//! Who one is, what is left, and the link that hands a project to a browser.

use url::Url;

use super::{NemoClient, json};
use crate::auth::Account;
use crate::error::{Error, Result};
use crate::http::{Payload, routes};
use crate::wire::{ClaimRequest, ClaimToken, CreditBalance, Session};

impl NemoClient {
    /// Gets a token now rather than on the first call, and tells whose it is.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when this installation has had its anonymous token for the week and
    /// it is not kept here; the connection errors.
    ///
    /// # Cancel safety
    /// Safe to drop. A token that was given out meanwhile is lost to this process until the
    /// client id may have another.
    pub async fn authenticate(&self) -> Result<Account> {
        self.auth().account(self.http()).await
    }

    /// The credits of the account.
    ///
    /// # Errors
    /// [`Error::TokenInvalid`], the connection errors.
    pub async fn credits(&self) -> Result<CreditBalance> {
        self.http().json(Some(self.auth()), routes::CREDITS, &[], Payload::Empty).await
    }

    /// A link that opens an anonymous project in a browser, for a week.
    ///
    /// It holds a claim token, which has no access to the API; the bearer token is never part of
    /// a link.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`], [`Error::TokenInvalid`], the connection errors.
    pub async fn claim_link(&self, session: &Session) -> Result<Url> {
        let request = ClaimRequest {
            task_id: session.task_id.clone(),
            session_id: session.session_id.clone(),
        };
        let claim: ClaimToken =
            self.http().json(Some(self.auth()), routes::CLAIM, &[], json(&request)?).await?;
        let mut link =
            self.http().web.join("workspace/claim").map_err(|error| {
                Error::Configuration(format!("the web site's address: {error}"))
            })?;
        link.query_pairs_mut().append_pair("ct", &claim.claim_token);
        Ok(link)
    }
}
