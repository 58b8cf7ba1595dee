//! Who calls: anonymous accounts, the client ids they hang on, and the tokens that open them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::ledger::Ledger;
use crate::protocol::{AnonymousToken, ClientId, Credits, UserId};

#[derive(Debug, Default)]
pub(super) struct Accounts(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    by_client: HashMap<ClientId, Arc<Account>>,
    by_token: HashMap<String, Arc<Account>>,
}

#[derive(Debug)]
pub(super) struct Account {
    pub(super) user: UserId,
    pub(super) ledger: Arc<Ledger>,
    /// When the newest token ends: one token lives at a time.
    expires_at: Mutex<SystemTime>,
}

impl Account {
    fn expires_at(&self) -> MutexGuard<'_, SystemTime> {
        self.expires_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accounts {
    /// A token for a client. A client that was here before gets its old account, once its last
    /// token has ended; until then, how much longer that lives.
    pub(super) fn issue(
        &self,
        client: ClientId,
        credits: Credits,
        lifetime: Duration,
    ) -> Result<AnonymousToken, Duration> {
        let now = SystemTime::now();
        let expires_at = now.checked_add(lifetime).unwrap_or(now);
        let mut inner = self.inner();
        let account = match inner.by_client.get(&client) {
            Some(account) => {
                let mut last = account.expires_at();
                if let Ok(left) = last.duration_since(now)
                    && !left.is_zero()
                {
                    return Err(left);
                }
                *last = expires_at;
                Arc::clone(account)
            }
            None => {
                let account = Arc::new(Account {
                    user: UserId::new(format!("anon_{}", Uuid::new_v4().simple())),
                    ledger: Arc::new(Ledger::new(credits)),
                    expires_at: Mutex::new(expires_at),
                });
                inner.by_client.insert(client, Arc::clone(&account));
                account
            }
        };
        let mut token = AnonymousToken::new(format!("nmv_usr_{}", Uuid::new_v4().simple()));
        token.user_id = Some(account.user.clone());
        token.credits = Some(account.ledger.balance().available);
        token.expires_at = Some(expires_at);
        inner.by_token.retain(|_, other| !Arc::ptr_eq(other, &account));
        inner.by_token.insert(token.token.clone(), account);
        Ok(token)
    }

    /// Whose token this is, while it lives.
    pub(super) fn by_token(&self, token: &str) -> Option<Arc<Account>> {
        let account = Arc::clone(self.inner().by_token.get(token)?);
        let alive = SystemTime::now() < *account.expires_at();
        alive.then_some(account)
    }

    /// Ends all tokens; their accounts stay.
    pub(super) fn expire_tokens(&self) {
        let mut inner = self.inner();
        inner.by_token.clear();
        for account in inner.by_client.values() {
            *account.expires_at() = SystemTime::UNIX_EPOCH;
        }
    }

    /// Credits taken from all of them together.
    pub(super) fn credits_taken(&self) -> Credits {
        let inner = self.inner();
        inner.by_client.values().fold(Credits::ZERO, |sum, account| sum + account.ledger.taken())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Accounts;
    use crate::protocol::Credits;

    const WEEK: Duration = Duration::from_secs(604_800);

    #[test]
    fn a_client_has_one_living_token_and_keeps_its_account() {
        let accounts = Accounts::default();
        let first = accounts.issue("c".into(), Credits::new(7.0), Duration::ZERO).unwrap();
        assert!(accounts.by_token(&first.token).is_none(), "it ended as it was made");

        let second = accounts.issue("c".into(), Credits::new(99.0), WEEK).unwrap();
        assert_eq!(second.user_id, first.user_id);
        assert_eq!(second.credits, Some(Credits::new(7.0)));
        assert!(accounts.by_token(&second.token).is_some());
        assert!(accounts.by_token(&first.token).is_none(), "an old token does not revive");

        let left = accounts.issue("c".into(), Credits::ZERO, WEEK).unwrap_err();
        assert!(left > WEEK - Duration::from_secs(60));
        let other = accounts.issue("d".into(), Credits::ZERO, WEEK).unwrap();
        assert_ne!(other.user_id, first.user_id);
    }
}
