//! Getting a token: the one that an earlier run or another process kept, else a new one.

use std::pin::pin;
use std::time::{Duration, SystemTime};

use super::Auth;
use super::live::{CachedToken, just_issued};
use super::store::{Locked, StoreLock};
use crate::error::{Error, Result};
use crate::protocol::{AnonymousToken, ClientId, ErrorCode};
use crate::transport::Transport;

/// How long the folder is kept locked at the most. A token request has no such end of its own: a
/// policy may try as often, and a clock run as long, as the user likes. One that takes longer goes
/// on with the folder open.
pub(super) const LOCKED_AT_MOST: Duration = Duration::from_secs(2 * 60);

impl Auth {
    /// A token to go on with. Nothing but a newer one, or `old` itself, when there is `old`.
    ///
    /// Called by one call at a time.
    pub(super) async fn issue(
        &self,
        transport: &Transport,
        old: Option<CachedToken>,
    ) -> Result<CachedToken> {
        // Two processes that start at once would each ask for a token, and the second would be
        // refused for a week: the lock lets the second find the first one's.
        let mut lock = match (&self.store, old.as_ref()) {
            (None, _) => None,
            (Some(store), None) => store.lock().await,
            (Some(store), Some(old)) => match store.try_lock() {
                Locked::Here(lock) => Some(lock),
                // Another process is at it, and will have kept it by the next time.
                Locked::Elsewhere => return Ok(old.clone()),
                Locked::Impossible => None,
            },
        };
        let id = self.id()?;
        let kept = self.kept(&id, lock.as_ref());
        if let Some(kept) = &kept
            && !kept.ends_soon(SystemTime::now())
            && old.as_ref().is_none_or(|old| old.secret != kept.secret)
        {
            return Ok(kept.clone());
        }
        let old = old.or(kept);
        let asking = async {
            match &old {
                // A token that was not refused serves while there is no other, so nothing is worth
                // a wait: least of all the refusal of a service that gives no second one before
                // the first has ended.
                Some(_) => transport.issue_once(&id).await.map(|token| (id, token)),
                None => self.issue_patiently(transport, id).await,
            }
        };
        let was_locked = lock.is_some();
        let issued = lend(&mut lock, asking).await;
        let (id, token) = match (issued, old) {
            (Ok(issued), _) => issued,
            (Err(error), None) => return Err(error),
            (Err(error), Some(mut old)) => {
                tracing::debug!(%error, "no newer token; the old one serves");
                old.note_try(SystemTime::now());
                return Ok(old);
            }
        };
        let token = just_issued(token, SystemTime::now());
        if let Some(store) = &self.store {
            let _lock = match lock {
                None if was_locked => store.lock().await,
                lock => lock,
            };
            store.keep_token(&id, &token);
        }
        tracing::debug!("an anonymous account was opened");
        Ok(CachedToken::new(token))
    }

    /// The client id: the user's, the kept one, or one that is made now and kept.
    fn id(&self) -> Result<ClientId> {
        if let Some(id) = &self.client_id {
            return Ok(id.clone());
        }
        if let Some(store) = &self.store
            && let Some(id) = store.client_id()?
        {
            self.state().client_id = Some(id.clone());
            return Ok(id);
        }
        // The one that this process used before, where it could not be kept.
        let id = self.state().client_id.get_or_insert_with(ClientId::generate).clone();
        if let Some(store) = &self.store {
            store.keep_client_id(&id);
        }
        Ok(id)
    }

    /// The kept token, unless the service refused it: that one is removed, and not used again
    /// where it cannot be.
    fn kept(&self, id: &ClientId, lock: Option<&StoreLock>) -> Option<CachedToken> {
        let store = self.store.as_ref()?;
        let kept = store.token(id).map(CachedToken::new);
        let secret = kept.as_ref().map(|kept| &kept.secret);
        let mut state = self.state();
        // What the file no longer holds does not come back from it.
        state.refused.retain(|refused| Some(refused) == secret);
        if state.refused.is_empty() {
            return kept;
        }
        drop(state);
        if let (Some(lock), Some(secret)) = (lock, secret) {
            store.forget_token(lock, id, secret);
        }
        None
    }

    /// A new token, with all the patience that the policy has.
    async fn issue_patiently(
        &self,
        transport: &Transport,
        id: ClientId,
    ) -> Result<(ClientId, AnonymousToken)> {
        match transport.issue(&id).await {
            // The id did not arrive or was not liked: a new one, once.
            Err(Error::ClientIdMissing(_)) if self.client_id.is_none() => {
                let id = ClientId::generate();
                self.state().client_id = Some(id.clone());
                if let Some(store) = &self.store {
                    store.keep_client_id(&id);
                }
                let token = transport.issue(&id).await?;
                Ok((id, token))
            }
            Err(Error::RateLimited(mut api)) if api.code == ErrorCode::RateLimited => {
                api.message = format!(
                    "{} (the service gives a client one anonymous token a week)",
                    api.message
                );
                Err(Error::RateLimited(api))
            }
            issued => issued.map(|token| (id, token)),
        }
    }
}

/// Works with the folder locked, but not for longer than anybody waits for it.
async fn lend<T>(lock: &mut Option<StoreLock>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    match tokio::time::timeout(LOCKED_AT_MOST, &mut work).await {
        Ok(done) => done,
        Err(_elapsed) => {
            *lock = None;
            work.await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};
    use url::Url;

    use super::{LOCKED_AT_MOST, lend};
    use crate::auth::CredentialStore;

    #[tokio::test(start_paused = true)]
    async fn a_token_request_without_end_keeps_nobody_out_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let api = Url::parse("https://api.test").unwrap();
        let store = CredentialStore::new(dir.path().to_owned(), api);
        let began = Instant::now();
        let hour = Duration::from_secs(3_600);
        let mut lock = store.lock().await;
        let asking = lend(&mut lock, sleep(hour));
        let other = async {
            assert!(store.lock().await.is_some(), "nobody goes on without the lock");
            began.elapsed()
        };
        let ((), waited) = tokio::join!(asking, other);
        assert!(waited >= LOCKED_AT_MOST && waited < LOCKED_AT_MOST + Duration::from_secs(1));
        assert!(lock.is_none());
        assert_eq!(began.elapsed(), hour, "what was asked for comes nevertheless");
    }
}
