//! Where the bearer token comes from: the user's own, or an anonymous account's.
//!
//! A token is asked for once however many calls need one, and kept beside the client id in a
//! folder that others cannot read, because the service gives an anonymous client only one token
//! a week. A token that the user gave is never swapped for an anonymous one unless asked: that
//! would be another account, with other credits.

mod account;
mod secret;
mod store;

use std::time::{Duration, SystemTime};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use tokio::sync::Mutex;
use url::Url;

use crate::error::{Error, Result};
use crate::http::Http;
use crate::wire::{AnonymousToken, ClientId, ErrorCode};
pub use account::Account;
pub(crate) use secret::Secret;
pub(crate) use store::CredentialStore;

/// A token is replaced this long before it ends, so that no call meets its end half-way.
const REFRESH_AHEAD: Duration = Duration::from_secs(5 * 60);

/// What a client may do when its own token is refused.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::mock::{Answer, Endpoint, MockNemo};
/// use nemovideo::{Error, ErrorCode, Reauthenticate};
///
/// let nemo = MockNemo::start().await;
/// nemo.given(Answer::refusal(Endpoint::Credits, ErrorCode::TokenInvalid).times(2)).await;
/// nemo.given(Answer::credits(100.0)).await;
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
    /// `Authorization: Bearer …`, marked sensitive so that no log of the HTTP stack shows it.
    pub(crate) fn header(&self) -> Result<HeaderMap> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.secret.expose()))
            .map_err(|_| Error::InvalidInput("the token cannot stand in a header".to_owned()))?;
        value.set_sensitive(true);
        Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
    }
}

/// The tokens of a client.
#[derive(Debug)]
pub(crate) struct Auth {
    own: Option<Secret>,
    reauthenticate: Reauthenticate,
    client_id: Option<ClientId>,
    store: Option<CredentialStore>,
    /// Held while a token is asked for: one refresh at a time.
    state: Mutex<State>,
    /// The account, for whoever must not wait for a refresh.
    known: std::sync::Mutex<Option<Account>>,
}

#[derive(Debug, Default)]
struct State {
    live: Option<Live>,
    generation: u64,
    /// The user's own token was refused and may be replaced.
    own_refused: bool,
    client_id: Option<ClientId>,
}

#[derive(Clone, Debug)]
struct Live {
    secret: Secret,
    account: Account,
}

impl Live {
    fn new(token: AnonymousToken) -> Self {
        Self {
            secret: Secret::new(token.token),
            account: Account {
                anonymous: true,
                user_id: token.user_id,
                credits: token.credits,
                expires_at: token.expires_at,
            },
        }
    }

    fn ends_soon(&self, now: SystemTime) -> bool {
        self.has_ended(now + REFRESH_AHEAD)
    }

    fn has_ended(&self, now: SystemTime) -> bool {
        self.account.expires_at.is_some_and(|end| end <= now)
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
            own,
            reauthenticate,
            client_id,
            store,
            state: Mutex::default(),
            known: std::sync::Mutex::default(),
        }
    }

    /// The token to use now; asks for one when there is none, or the one there is ends soon.
    pub(crate) async fn bearer(&self, http: &Http) -> Result<Bearer> {
        let mut state = self.state.lock().await;
        if let Some(own) = self.own.as_ref().filter(|_| !state.own_refused) {
            return Ok(Bearer { secret: own.clone(), generation: state.generation });
        }
        let usable = state.live.as_ref().filter(|live| !live.ends_soon(SystemTime::now()));
        let live = match usable {
            Some(live) => live.clone(),
            None => {
                // A service that gives no new token before the old one's end refuses the refresh;
                // until then the old one serves.
                let old = state.live.clone().filter(|live| !live.has_ended(SystemTime::now()));
                match (self.obtain(http, &mut state).await, old) {
                    (Ok(live), _) => {
                        state.generation += 1;
                        state.live = Some(live.clone());
                        live
                    }
                    (Err(_), Some(old)) => old,
                    (Err(error), None) => return Err(error),
                }
            }
        };
        self.remember(Some(live.account.clone()));
        Ok(Bearer { secret: live.secret, generation: state.generation })
    }

    /// The service refused this token: forgets it, and says whether another may be had.
    pub(crate) async fn reject(&self, refused: &Bearer) -> bool {
        let mut state = self.state.lock().await;
        let own = self.own.is_some() && !state.own_refused;
        if own && self.reauthenticate != Reauthenticate::Always {
            return false;
        }
        if refused.generation != state.generation {
            // Another call has replaced it already.
            return true;
        }
        if own {
            state.own_refused = true;
            state.generation += 1;
        } else if let Some(live) = state.live.take()
            && let Some(store) = &self.store
        {
            store.forget_token(&live.secret).await;
        }
        true
    }

    /// Who this client is.
    pub(crate) async fn account(&self, http: &Http) -> Result<Account> {
        self.bearer(http).await?;
        let known = self.known.lock().ok().and_then(|known| known.clone());
        Ok(known.unwrap_or(Account::own()))
    }

    /// Where an anonymous account becomes a registered one.
    pub(crate) fn registration_link(&self, web: &Url) -> Option<Url> {
        self.known.lock().ok()?.as_ref()?.registration_link(web)
    }

    fn remember(&self, account: Option<Account>) {
        if let Ok(mut known) = self.known.lock() {
            *known = account;
        }
    }

    /// A token that an earlier run kept, or a new one.
    async fn obtain(&self, http: &Http, state: &mut State) -> Result<Live> {
        let Some(store) = &self.store else {
            let id = state
                .client_id
                .get_or_insert_with(|| self.client_id.clone().unwrap_or_else(ClientId::generate));
            let issued = match http.issue(id).await {
                Err(Error::ClientIdMissing(_)) if self.client_id.is_none() => {
                    *id = ClientId::generate();
                    http.issue(id).await
                }
                issued => issued,
            };
            return Ok(Live::new(issued?));
        };
        // Two processes that start at once would each ask for a token, and the second would be
        // refused for a week: the lock lets the second find the first one's.
        let _lock = store.lock().await;
        let id = match &self.client_id {
            Some(id) => id.clone(),
            None => store.client_id().await?,
        };
        let kept = store.token(&id).await.map(Live::new);
        if let Some(kept) = kept.clone().filter(|kept| !kept.ends_soon(SystemTime::now())) {
            return Ok(kept);
        }
        let issued = http.issue(&id).await;
        if issued.is_err()
            && let Some(kept) = kept.filter(|kept| !kept.has_ended(SystemTime::now()))
        {
            // It ends soon, and has not ended.
            return Ok(kept);
        }
        let issued = match issued {
            // The id did not arrive or was not liked: a new one, once.
            Err(Error::ClientIdMissing(_)) if self.client_id.is_none() => {
                let id = store.new_client_id().await?;
                let issued = http.issue(&id).await?;
                store.keep_token(&id, &issued).await;
                issued
            }
            Err(Error::RateLimited(mut api)) if api.code == ErrorCode::RateLimited => {
                api.message = format!(
                    "{} (the service gives a client one anonymous token a week)",
                    api.message
                );
                return Err(Error::RateLimited(api));
            }
            issued => {
                let issued = issued?;
                store.keep_token(&id, &issued).await;
                issued
            }
        };
        tracing::debug!("an anonymous account was opened");
        Ok(Live::new(issued))
    }
}
