//! The bearer token of a client: the user's own, or that of an anonymous account.
//!
//! A token is requested once however many calls need one, and kept beside the client id in a
//! directory that others cannot read, because the service issues only one anonymous token per client
//! and week. For the same reason a token is used until the service rejects it; its expiry only
//! determines when to request another. The user's own token is never replaced by an anonymous one
//! unless configured: that would be another account, with other credits.

mod store;
mod token;

use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use url::Url;

use crate::clock::now;
use crate::error::{Error, Result};
use crate::protocol::{ClientId, Credits, Secret, TokenScope, UserId};
use crate::sync::lock;
use crate::transport::{Authorization, Secrets, Transport};
pub(crate) use store::CredentialStore;
use token::CachedToken;

/// When a client may replace a token that the service rejects (code 1001, 1010 or 1011).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reauthenticate {
    /// Replaces an anonymous token. With the user's own token the call ends with
    /// [`Error::TokenInvalid`].
    #[default]
    Anonymous,
    /// Replaces the user's own token by an anonymous one, too. That is **another account**,
    /// with other credits and other sessions.
    Always,
}

/// The account of a client.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Account {
    /// Whether it is anonymous: created by the service for this installation.
    pub anonymous: bool,
    /// Whether its token is stored for later processes. It is not with credentials in memory, and
    /// where the credentials directory cannot be written, which is also logged as a warning: the
    /// account then ends with this process. Always false for the user's own token.
    pub stored: bool,
    /// Its id, if the service sent it.
    pub user_id: Option<UserId>,
    /// The credits when its token was issued, if the service sent them. That may be days ago and in
    /// another process; [`NemoClient::credits`](crate::NemoClient::credits) returns the current
    /// balance.
    pub credits: Option<Credits>,
    /// When its token expires, if that is known.
    pub expires_at: Option<SystemTime>,
    /// What its token may be used for, if the service states it, as some revisions do. Without
    /// [`TokenScope::Render`], exports end with
    /// [`Error::ExportBlocked`](crate::Error::ExportBlocked).
    pub scopes: Option<Vec<TokenScope>>,
}

impl Account {
    /// The account of the user's own token, about which nothing is known.
    const OWN: Self = Self {
        anonymous: false,
        stored: false,
        user_id: None,
        credits: None,
        expires_at: None,
        scopes: None,
    };

    /// Returns `<web>/register?bind=<user id>`, where an anonymous account becomes a registered
    /// one. `None` for the user's own account, which tops up instead. In some revisions of the
    /// service, registering brings 100 credits more and keeps the projects.
    fn registration_link(&self, web: &Url) -> Option<Url> {
        if !self.anonymous {
            return None;
        }
        let mut link = web.clone();
        // Not `Url::join`, which would replace the last segment of `https://host/nemo`.
        link.path_segments_mut().ok()?.pop_if_empty().push("register");
        if let Some(user) = &self.user_id {
            link.query_pairs_mut().append_pair("bind", user.as_str());
        }
        Some(link)
    }
}

/// The token of one attempt.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    secret: Secret,
    /// Counts the tokens of this client, so that many calls rejected at once replace only one.
    generation: u64,
}

impl Bearer {
    pub(crate) fn authorization(&self) -> Result<Authorization> {
        Authorization::bearer(self.secret.expose())
    }

    /// Rejects an empty token before it is sent.
    fn checked(self) -> Result<Self> {
        if self.secret.is_blank() {
            return Err(Error::InvalidInput("the token is empty".to_owned()));
        }
        Ok(self)
    }
}

/// The tokens of a client.
#[derive(Debug)]
pub(crate) struct Auth {
    reauthenticate: Reauthenticate,
    client_id: Option<ClientId>,
    store: Option<CredentialStore>,
    /// Held while a token is requested, by one call at a time.
    turn: tokio::sync::Mutex<()>,
    /// Never held across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The user's own token, until it is rejected and may be replaced.
    own: Option<Secret>,
    cached: Option<CachedToken>,
    generation: u64,
    /// Tokens that the service rejected and that may still be on disk.
    rejected: Vec<Secret>,
    /// The client id of the tokens, if the user set none.
    client_id: Option<ClientId>,
    /// The account of the last anonymous token, also while there is none.
    account: Option<Account>,
    /// How many calls have requested a token.
    requests: u64,
    /// The error of the last request, if it failed.
    failure: Option<Error>,
}

impl State {
    fn bearer(&self) -> Option<Bearer> {
        let cached = self.cached.as_ref().map(|cached| &cached.secret);
        let secret = self.own.as_ref().or(cached)?.clone();
        Some(Bearer { secret, generation: self.generation })
    }

    /// Returns the current token if it is time to request a newer one.
    fn due(&self, now: SystemTime) -> Option<&CachedToken> {
        self.cached.as_ref().filter(|cached| self.own.is_none() && cached.refresh_is_due(now))
    }

    fn install(&mut self, token: CachedToken) {
        self.generation += 1;
        self.account = Some(token.account.clone());
        self.cached = Some(token);
    }
}

impl Auth {
    pub(crate) fn new(
        own: Option<Secret>,
        reauthenticate: Reauthenticate,
        client_id: Option<ClientId>,
        store: Option<CredentialStore>,
    ) -> Self {
        Self {
            reauthenticate,
            client_id,
            store,
            turn: tokio::sync::Mutex::default(),
            state: Mutex::new(State { own, ..State::default() }),
        }
    }

    /// Returns the token to use now. Requests one if there is none, or the current one expires
    /// soon.
    pub(crate) async fn bearer(&self, transport: &Transport) -> Result<Bearer> {
        self.refresh(transport).await;
        let before = {
            let state = self.state();
            if let Some(bearer) = state.bearer() {
                return bearer.checked();
            }
            state.requests
        };
        let _turn = self.turn.lock().await;
        {
            let state = self.state();
            // While this call waited, another one got the token, or failed to. Requesting it again
            // at once would make the last of many calls wait for all failures, one by one.
            if let Some(bearer) = state.bearer() {
                return bearer.checked();
            }
            if state.requests > before
                && let Some(failure) = &state.failure
            {
                return Err(failure.clone());
            }
        }
        // Boxed: it is large and rare, and every call has room for it.
        let issued = Box::pin(self.issue(transport, None)).await;
        let mut state = self.state();
        state.requests += 1;
        state.failure = issued.as_ref().err().cloned();
        let token = issued?;
        let secret = token.secret.clone();
        state.install(token);
        Bearer { secret, generation: state.generation }.checked()
    }

    /// Replaces a token in its last minutes. No other call waits for that: the old one is still
    /// valid.
    async fn refresh(&self, transport: &Transport) {
        if self.state().due(now()).is_none() {
            return;
        }
        let Ok(_turn) = self.turn.try_lock() else {
            return;
        };
        let old = {
            let mut state = self.state();
            let now = now();
            // Another call may have replaced it since the check above.
            let Some(old) = state.due(now).cloned() else {
                return;
            };
            // Noted in advance, since this call may be dropped while it waits.
            if let Some(cached) = &mut state.cached {
                cached.note_refresh(now);
            }
            old
        };
        let secret = old.secret.clone();
        if let Ok(token) = Box::pin(self.issue(transport, Some(old))).await
            && token.secret != secret
        {
            self.state().install(token);
        }
    }

    /// Forgets a token that the service rejected, and returns whether another may be requested.
    pub(crate) fn reject(&self, rejected: &Bearer) -> bool {
        let mut state = self.state();
        if state.own.is_some() && self.reauthenticate != Reauthenticate::Always {
            return false;
        }
        if rejected.generation != state.generation {
            // Another call has replaced it already.
            return true;
        }
        if state.own.take().is_some() {
            state.generation += 1;
        } else if let Some(cached) = state.cached.take() {
            // It is removed from the disk with the next request, under the directory's lock.
            state.rejected.push(cached.secret);
        }
        true
    }

    pub(crate) async fn account(&self, transport: &Transport) -> Result<Account> {
        self.bearer(transport).await?;
        Ok(self.state().account.clone().unwrap_or(Account::OWN))
    }

    /// Returns a message of the service without the token, which it may echo.
    pub(crate) fn redact(&self, message: String) -> String {
        let bearer = self.state().bearer();
        Secrets::from_iter(bearer.iter().map(|bearer| bearer.secret.expose())).redact(message)
    }

    /// Returns the page where an anonymous account becomes a registered one.
    pub(crate) fn registration_link(&self, web: &Url) -> Option<Url> {
        self.state().account.as_ref()?.registration_link(web)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::Account;

    #[test]
    fn a_registration_link_keeps_the_path_of_the_web_site() {
        let account = Account { anonymous: true, user_id: Some("anon_1".into()), ..Account::OWN };
        for (web, link) in [
            ("https://nemo.test", "https://nemo.test/register?bind=anon_1"),
            ("https://nemo.test/", "https://nemo.test/register?bind=anon_1"),
            ("https://host.test/nemo", "https://host.test/nemo/register?bind=anon_1"),
            ("https://host.test/nemo/", "https://host.test/nemo/register?bind=anon_1"),
        ] {
            let web = Url::parse(web).unwrap();
            assert_eq!(account.registration_link(&web).unwrap().as_str(), link);
        }
        let web = Url::parse("https://nemo.test").unwrap();
        assert_eq!(Account::OWN.registration_link(&web), None);
    }
}
