//! Where the bearer token comes from: the user's own, or an anonymous account's.
//!
//! A token is asked for once however many calls need one, and kept beside the client id in a
//! folder that others cannot read, because the service gives an anonymous client only one token
//! a week. For the same reason a token serves until the service refuses it; its end only says when
//! to look for another. A token that the user gave is never swapped for an anonymous one unless
//! asked: that would be another account, with other credits.

mod account;
mod failure;
mod issue;
mod live;
mod secret;
mod store;

use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use url::Url;

use crate::error::{Error, Result};
use crate::protocol::ClientId;
use crate::sync::lock;
use crate::transport::Transport;
pub use account::Account;
use live::CachedToken;
pub(crate) use secret::Secret;
pub(crate) use store::CredentialStore;

/// What a client may do when its own token is refused.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::mock::{MockResponse, Endpoint, MockNemo};
/// use nemovideo::{Error, ErrorCode, Reauthenticate};
///
/// let nemo = MockNemo::start().await;
/// nemo.given(MockResponse::refusal(Endpoint::Credits, ErrorCode::TokenInvalid).times(2)).await;
/// nemo.given(MockResponse::credits(100.0)).await;
///
/// let own = || nemo.client_builder().token("nmv_usr_expired");
/// let error = own().build()?.credits().await.unwrap_err();
/// assert!(matches!(error, Error::TokenInvalid(_)));
///
/// let client = own().reauthenticate(Reauthenticate::Always).build()?;
/// assert_eq!(client.credits().await?.available.get(), 100.0); // another account's
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reauthenticate {
    /// An anonymous token is replaced; a token that the user gave is not, and the call ends with
    /// [`Error::TokenInvalid`].
    #[default]
    Anonymous,
    /// A token that the user gave is replaced by an anonymous one too. That is **another
    /// account**: other credits, other sessions.
    Always,
}

/// A token as one attempt used it.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    secret: Secret,
    /// Counts the tokens of this client, so that many calls refused at once replace one only.
    generation: u64,
}

impl Bearer {
    /// Refuses what is no token before it is sent as one.
    fn checked(self) -> Result<Self> {
        if self.secret.is_blank() {
            return Err(Error::InvalidInput("the token is empty".to_owned()));
        }
        Ok(self)
    }

    /// `Authorization: Bearer …`, marked sensitive so that no log of the HTTP stack shows it.
    pub(crate) fn header(&self) -> Result<HeaderMap> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.secret.expose()))
            .map_err(|_| Error::InvalidInput("the token cannot stand in a header".to_owned()))?;
        value.set_sensitive(true);
        Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
    }

    /// The text without the token, which a service may have put into its answer.
    pub(crate) fn struck_from(&self, text: String) -> String {
        if text.contains(self.secret.expose()) {
            text.replace(self.secret.expose(), "…")
        } else {
            text
        }
    }
}

/// The tokens of a client.
#[derive(Debug)]
pub(crate) struct Auth {
    reauthenticate: Reauthenticate,
    client_id: Option<ClientId>,
    store: Option<CredentialStore>,
    /// Held while a token is asked for: one call at a time does.
    turn: tokio::sync::Mutex<()>,
    /// Never held for longer than a look or a change takes.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The user's own token, until it is refused and may be replaced.
    own: Option<Secret>,
    live: Option<CachedToken>,
    generation: u64,
    /// Tokens that the service refused and that may still be on the disk.
    refused: Vec<Secret>,
    /// The id that the tokens hang on, where the user named none.
    client_id: Option<ClientId>,
    /// The account of the last anonymous token, also while there is none.
    account: Option<Account>,
    /// How many calls have had a turn at asking.
    turns: u64,
    /// What the last of them failed of.
    failure: Option<Error>,
}

impl State {
    /// The token in hand.
    fn bearer(&self) -> Option<Bearer> {
        let live = self.live.as_ref().map(|live| &live.secret);
        let secret = self.own.as_ref().or(live)?.clone();
        Some(Bearer { secret, generation: self.generation })
    }

    /// The token in hand, where it is time to ask for a newer one.
    fn due(&self, now: SystemTime) -> Option<&CachedToken> {
        self.live.as_ref().filter(|live| self.own.is_none() && live.refresh_is_due(now))
    }

    fn install(&mut self, live: CachedToken) {
        self.generation += 1;
        self.account = Some(live.account.clone());
        self.live = Some(live);
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

    /// The token to use now; asks for one when there is none, or the one there is ends soon.
    pub(crate) async fn bearer(&self, transport: &Transport) -> Result<Bearer> {
        self.refresh(transport).await;
        let before = {
            let state = self.state();
            if let Some(bearer) = state.bearer() {
                return bearer.checked();
            }
            state.turns
        };
        let _turn = self.turn.lock().await;
        {
            let state = self.state();
            // While this call waited, another one got it, or failed to. To ask again at once would
            // make the last of many wait for all of their failures, one after the other.
            if let Some(bearer) = state.bearer() {
                return bearer.checked();
            }
            if state.turns > before
                && let Some(failure) = state.failure.as_ref().and_then(failure::copy)
            {
                return Err(failure);
            }
        }
        let obtained = self.issue(transport, None).await;
        let mut state = self.state();
        state.turns += 1;
        match obtained {
            Ok(live) => {
                let secret = live.secret.clone();
                state.failure = None;
                state.install(live);
                Bearer { secret, generation: state.generation }.checked()
            }
            Err(error) => {
                state.failure = failure::copy(&error);
                Err(error)
            }
        }
    }

    /// Replaces a token in its last minutes. Nobody else waits for that: the old one serves.
    async fn refresh(&self, transport: &Transport) {
        if self.state().due(SystemTime::now()).is_none() {
            return;
        }
        let Ok(_turn) = self.turn.try_lock() else {
            return;
        };
        let old = {
            let mut state = self.state();
            let now = SystemTime::now();
            // Another call may have had its turn since the look above.
            let Some(old) = state.due(now).cloned() else {
                return;
            };
            // Noted before, since this call may be dropped while it waits.
            if let Some(live) = &mut state.live {
                live.note_try(now);
            }
            old
        };
        let secret = old.secret.clone();
        if let Ok(live) = self.issue(transport, Some(old)).await
            && live.secret != secret
        {
            self.state().install(live);
        }
    }

    /// The service refused this token: forgets it, and says whether another may be had.
    pub(crate) async fn reject(&self, refused: &Bearer) -> bool {
        let mut state = self.state();
        if state.own.is_some() && self.reauthenticate != Reauthenticate::Always {
            return false;
        }
        if refused.generation != state.generation {
            // Another call has replaced it already.
            return true;
        }
        if state.own.take().is_some() {
            state.generation += 1;
        } else if let Some(live) = state.live.take() {
            // It leaves the disk when the next one is asked for, under the folder's lock.
            state.refused.push(live.secret);
        }
        true
    }

    /// Who this client is.
    pub(crate) async fn account(&self, transport: &Transport) -> Result<Account> {
        self.bearer(transport).await?;
        Ok(self.state().account.clone().unwrap_or(Account::own()))
    }

    /// Where an anonymous account becomes a registered one.
    pub(crate) fn registration_link(&self, web: &Url) -> Option<Url> {
        self.state().account.as_ref()?.registration_link(web)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}
