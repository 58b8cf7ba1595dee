//! An anonymous token: where it comes from, and when to request the next one.
//!
//! The expiry of a token is only a hint: the clocks of the service and of this machine may differ by
//! days, and the service alone knows which tokens it accepts. So a token is used until it is
//! rejected, and its expiry only determines when to request another meanwhile.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tracing::Instrument as _;

use super::store::{LockAttempt, StoreLock};
use super::{Account, Auth};
use crate::clock::{now, timeout};
use crate::error::{Error, Result};
use crate::protocol::{AnonymousToken, ClientId, Endpoint, ErrorCode, Secret, headers};
use crate::transport::{AttemptError, Exchange, Payload, Transport, call_span};

/// How long before its expiry a token is replaced, so that no call is interrupted by it.
const REFRESH_AHEAD: Duration = Duration::from_secs(5 * 60);

/// The time between two attempts to refresh. The service issues one token a week, so most of them
/// yield nothing until the old token has expired.
const REFRESH_INTERVAL: Duration = Duration::from_secs(60);

/// The longest time for which the directory stays locked. A token request has no such limit: a
/// policy may retry as often, and a timeout be as long, as the user likes. A longer request
/// continues without the lock.
pub(crate) const MAX_LOCKED: Duration = Duration::from_secs(2 * 60);

/// A token that the service has not rejected.
#[derive(Clone, Debug)]
pub(crate) struct CachedToken {
    pub(crate) secret: Secret,
    pub(crate) account: Account,
    /// The last time that a newer one was requested and not issued.
    refreshed: Option<SystemTime>,
}

impl CachedToken {
    fn new(token: AnonymousToken, is_stored: bool) -> Self {
        Self {
            secret: token.token,
            account: Account {
                anonymous: true,
                stored: is_stored,
                user_id: token.user_id,
                credits: token.credits,
                expires_at: token.expires_at,
                scopes: token.scopes,
            },
            refreshed: None,
        }
    }

    /// Notes that a newer token was requested.
    pub(crate) fn note_refresh(&mut self, now: SystemTime) {
        self.refreshed = Some(now);
    }

    fn expires_soon(&self, now: SystemTime) -> bool {
        self.account.expires_at.is_some_and(|end| end <= now + REFRESH_AHEAD)
    }

    /// Returns whether to request a newer token now: at intervals in its last minutes, and once
    /// more after its expiry. If that yields nothing either, the token is used until it is rejected.
    pub(crate) fn refresh_is_due(&self, now: SystemTime) -> bool {
        let (Some(end), true) = (self.account.expires_at, self.expires_soon(now)) else {
            return false;
        };
        match self.refreshed {
            None => true,
            Some(last) if end <= now => last < end,
            Some(last) => now.duration_since(last).is_ok_and(|since| since >= REFRESH_INTERVAL),
        }
    }
}

/// Ignores an expiry in the past of a token that was issued just now. Otherwise a clock that is
/// ahead would cause a new token to be requested at every call.
fn just_issued(mut token: AnonymousToken, now: SystemTime) -> AnonymousToken {
    token.expires_at = token.expires_at.filter(|end| *end > now);
    token
}

impl Auth {
    /// Returns a token to continue with: the one that an earlier run or another process stored,
    /// else a new one. With an `old` token, returns only a newer one, or `old` itself.
    ///
    /// Runs in one call at a time.
    pub(crate) async fn issue(
        &self,
        transport: &Transport,
        old: Option<CachedToken>,
    ) -> Result<CachedToken> {
        // Two processes that start at once would each request a token, and the second request would
        // be rejected for a week: the lock lets the second one find the token of the first.
        let mut lock = match (&self.store, old.as_ref()) {
            (None, _) => None,
            (Some(store), None) => store.lock().await,
            (Some(store), Some(old)) => match store.try_lock() {
                LockAttempt::Locked(lock) => Some(lock),
                // Another process is requesting one, and will have stored it by the next time.
                LockAttempt::Busy => return Ok(old.clone()),
                LockAttempt::Impossible => None,
            },
        };
        let id = self.client_id()?;
        if let Some(store) = &self.store {
            store.take_over_leftovers();
        }
        let stored = self.stored(&id, lock.as_ref());
        if let Some(stored) = &stored
            && !stored.expires_soon(now())
            && old.as_ref().is_none_or(|old| old.secret != stored.secret)
        {
            return Ok(stored.clone());
        }
        let old = old.or(stored);
        let request = async {
            match &old {
                // A token that was not rejected remains usable, so nothing is worth a wait: least
                // of all the 429 of a service that issues no second one before the first expires.
                Some(_) => request_once(transport, &id).await.map(|token| (id, token)),
                None => self.request_with_retries(transport, id).await,
            }
        };
        let was_locked = lock.is_some();
        let issued = run_locked(&mut lock, request).await;
        let (id, token) = match (issued, old) {
            (Ok(issued), _) => issued,
            (Err(Error::RateLimited(mut api)), None) => {
                // The id of the caller is not in the directory.
                let store = self.store.as_ref().filter(|_| self.client_id.is_none());
                api.id_dir = store.map(|store| store.dir().to_owned());
                return Err(Error::RateLimited(api));
            }
            (Err(error), None) => return Err(error),
            (Err(error), Some(mut old)) => {
                tracing::debug!(%error, "no newer token was issued; the old one remains in use");
                old.note_refresh(now());
                return Ok(old);
            }
        };
        let token = just_issued(token, now());
        let mut is_stored = false;
        if let Some(store) = &self.store {
            let _lock = match lock {
                None if was_locked => store.lock().await,
                lock => lock,
            };
            is_stored = store.store_token(&id, &token);
        }
        tracing::debug!("an anonymous token was issued");
        Ok(CachedToken::new(token, is_stored))
    }

    /// Returns the client id: the user's, the stored one, or a new one that is stored now.
    fn client_id(&self) -> Result<ClientId> {
        if let Some(id) = &self.client_id {
            return Ok(id.clone());
        }
        if let Some(store) = &self.store
            && let Some(id) = store.client_id()?
        {
            self.state().client_id = Some(id.clone());
            return Ok(id);
        }
        // The one that this process has used before, if it could not be stored.
        let id = self.state().client_id.get_or_insert_with(ClientId::generate).clone();
        if let Some(store) = &self.store {
            store.store_client_id(&id);
        }
        Ok(id)
    }

    /// Returns the stored token, unless the service rejected it. A rejected one is removed, and is
    /// not used again even if that fails.
    fn stored(&self, id: &ClientId, lock: Option<&StoreLock>) -> Option<CachedToken> {
        let store = self.store.as_ref()?;
        let stored = store.token(id).map(|token| CachedToken::new(token, true));
        let secret = stored.as_ref().map(|stored| &stored.secret);
        let mut state = self.state();
        // A token that the file no longer holds cannot come back from it.
        state.rejected.retain(|rejected| Some(rejected) == secret);
        if state.rejected.is_empty() {
            return stored;
        }
        drop(state);
        if let (Some(lock), Some(secret)) = (lock, secret) {
            store.remove_token(lock, id, secret);
        }
        None
    }

    /// Requests a token with all the retries that the policy allows.
    async fn request_with_retries(
        &self,
        transport: &Transport,
        id: ClientId,
    ) -> Result<(ClientId, AnonymousToken)> {
        match request(transport, &id).await {
            // The id did not arrive or was not accepted: a new one, once.
            Err(Error::ClientIdMissing(_)) if self.client_id.is_none() => {
                let id = ClientId::generate();
                self.state().client_id = Some(id.clone());
                if let Some(store) = &self.store {
                    store.store_client_id(&id);
                }
                let token = request(transport, &id).await?;
                Ok((id, token))
            }
            Err(Error::RateLimited(mut api)) if api.code == ErrorCode::RateLimited => {
                api.message = format!(
                    "{} (the service issues one anonymous token per client and week)",
                    api.message
                );
                Err(Error::RateLimited(api))
            }
            issued => issued.map(|token| (id, token)),
        }
    }
}

async fn request(transport: &Transport, id: &ClientId) -> Result<AnonymousToken> {
    let mut exchange = token_exchange(transport, id)?;
    let attempts = async {
        loop {
            match exchange.read_json().await {
                Ok(token) => return Ok(token),
                Err(error) => exchange.wait_to_retry(error).await?,
            }
        }
    };
    attempts.instrument(call_span(Endpoint::Token)).await
}

async fn request_once(transport: &Transport, id: &ClientId) -> Result<AnonymousToken> {
    let mut exchange = token_exchange(transport, id)?;
    let attempt = exchange.read_json().instrument(call_span(Endpoint::Token));
    attempt.await.map_err(AttemptError::into_error)
}

fn token_exchange<'a>(transport: &'a Transport, id: &ClientId) -> Result<Exchange<'a>> {
    let mut value = HeaderValue::from_str(id.as_str())
        .map_err(|_| Error::InvalidInput("the client id cannot be sent in a header".to_owned()))?;
    value.set_sensitive(true);
    let headers = HeaderMap::from_iter([(HeaderName::from_static(headers::CLIENT_ID), value)]);
    Exchange::new(transport, Endpoint::Token, &[], Payload::Empty, headers, &Arc::default())
}

/// Runs a request with the directory locked, but not longer than other processes wait for it.
async fn run_locked<T>(lock: &mut Option<StoreLock>, request: impl Future<Output = T>) -> T {
    let mut request = pin!(request);
    match timeout(MAX_LOCKED, &mut request).await {
        Ok(done) => done,
        Err(_elapsed) => {
            *lock = None;
            request.await
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};
    use url::Url;

    use super::*;
    use crate::auth::CredentialStore;

    fn token(expires_at: SystemTime) -> AnonymousToken {
        let mut token = AnonymousToken::new("t");
        token.expires_at = Some(expires_at);
        token
    }

    #[test]
    fn a_token_just_issued_has_not_expired() {
        let now = SystemTime::now();
        let second = Duration::from_secs(1);
        assert_eq!(just_issued(token(now - second), now).expires_at, None);
        assert_eq!(just_issued(token(now), now).expires_at, None);
        assert_eq!(just_issued(token(now + second), now).expires_at, Some(now + second));
    }

    #[test]
    fn a_refresh_is_due_at_intervals_in_the_last_minutes_and_once_after_the_expiry() {
        let end = SystemTime::now() + Duration::from_secs(86_400);
        let second = Duration::from_secs(1);
        let mut cached = CachedToken::new(token(end), false);
        let early = end - REFRESH_AHEAD;
        assert!(!cached.refresh_is_due(early - second));
        assert!(cached.refresh_is_due(early));

        cached.note_refresh(early);
        assert!(!cached.refresh_is_due(early + REFRESH_INTERVAL - second));
        assert!(cached.refresh_is_due(early + REFRESH_INTERVAL));

        cached.note_refresh(end - second);
        assert!(cached.refresh_is_due(end));
        cached.note_refresh(end);
        assert!(!cached.refresh_is_due(end + Duration::from_secs(86_400)), "the service decides");

        assert!(!CachedToken::new(AnonymousToken::new("t"), false).refresh_is_due(end));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_request_without_end_locks_no_process_out() {
        let dir = tempfile::tempdir().unwrap();
        let api = Url::parse("https://api.test").unwrap();
        let store = CredentialStore::new(dir.path().to_owned(), api);
        let started = Instant::now();
        let hour = Duration::from_secs(3_600);
        let mut lock = store.lock().await;
        let request = run_locked(&mut lock, sleep(hour));
        let other = async {
            assert!(store.lock().await.is_some(), "the other process gets the lock");
            started.elapsed()
        };
        let ((), waited) = tokio::join!(request, other);
        assert!(waited >= MAX_LOCKED && waited < MAX_LOCKED + Duration::from_secs(1));
        assert!(lock.is_none());
        assert_eq!(started.elapsed(), hour, "the request completes nevertheless");
    }
}
