//! Anonymous accounts: the client ids to which they belong, the tokens that open them, and their
//! credits, which are available, frozen for work in progress, or taken.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::protocol::{AnonymousToken, ClientId, CreditBalance, Credits, UserId};
use crate::sync::lock;

#[derive(Debug, Default)]
pub(crate) struct Accounts(Mutex<AccountMaps>);

#[derive(Default)]
struct AccountMaps {
    by_client: HashMap<ClientId, Arc<LocalAccount>>,
    by_token: HashMap<String, Arc<LocalAccount>>,
}

/// The tokens are keys, and not printed.
impl fmt::Debug for AccountMaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountMaps").field("by_client", &self.by_client).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) struct LocalAccount {
    pub(crate) user: UserId,
    pub(crate) ledger: Arc<Ledger>,
    /// Expiry of the newest token: an account has one valid token at a time.
    expires_at: Mutex<SystemTime>,
}

impl Accounts {
    /// Issues a token to a client. A known client gets its account again once its last token has
    /// expired; until then, the error is the remaining lifetime of that token.
    pub(crate) fn issue(
        &self,
        client: ClientId,
        credits: Credits,
        lifetime: Duration,
    ) -> Result<AnonymousToken, Duration> {
        let now = SystemTime::now();
        let expires_at = now.checked_add(lifetime).unwrap_or(now);
        let mut maps = lock(&self.0);
        let account = match maps.by_client.get(&client) {
            Some(account) => {
                let mut last = lock(&account.expires_at);
                if let Ok(remaining) = last.duration_since(now)
                    && !remaining.is_zero()
                {
                    return Err(remaining);
                }
                *last = expires_at;
                Arc::clone(account)
            }
            None => {
                let account = Arc::new(LocalAccount {
                    user: UserId::new(format!("anon_{}", Uuid::new_v4().simple())),
                    ledger: Arc::new(Ledger::new(credits)),
                    expires_at: Mutex::new(expires_at),
                });
                maps.by_client.insert(client, Arc::clone(&account));
                account
            }
        };
        let mut token = AnonymousToken::new(format!("nmv_usr_{}", Uuid::new_v4().simple()));
        token.user_id = Some(account.user.clone());
        token.credits = Some(account.ledger.balance().available);
        token.expires_at = Some(expires_at);
        maps.by_token.retain(|_, other| !Arc::ptr_eq(other, &account));
        maps.by_token.insert(token.token.expose().to_owned(), account);
        Ok(token)
    }

    /// Returns the account of a token, unless it has expired.
    pub(crate) fn by_token(&self, token: &str) -> Option<Arc<LocalAccount>> {
        let account = Arc::clone(lock(&self.0).by_token.get(token)?);
        let is_valid = SystemTime::now() < *lock(&account.expires_at);
        is_valid.then_some(account)
    }

    /// Expires all tokens. The accounts stay.
    pub(crate) fn expire_tokens(&self) {
        let mut maps = lock(&self.0);
        maps.by_token.clear();
        for account in maps.by_client.values() {
            *lock(&account.expires_at) = SystemTime::UNIX_EPOCH;
        }
    }

    /// Returns the credits taken from all accounts together.
    pub(crate) fn credits_taken(&self) -> Credits {
        let maps = lock(&self.0);
        maps.by_client.values().fold(Credits::ZERO, |sum, account| sum + account.ledger.taken())
    }
}

#[derive(Debug)]
pub(crate) struct Ledger(Mutex<Amounts>);

#[derive(Debug, Default)]
struct Amounts {
    available: Credits,
    frozen: Credits,
    taken: Credits,
}

impl Ledger {
    pub(crate) fn new(credits: Credits) -> Self {
        Self(Mutex::new(Amounts { available: credits, ..Amounts::default() }))
    }

    pub(crate) fn balance(&self) -> CreditBalance {
        let amounts = lock(&self.0);
        CreditBalance::new(amounts.available, amounts.frozen)
    }

    pub(crate) fn taken(&self) -> Credits {
        lock(&self.0).taken
    }

    /// Freezes an amount for work to come; `None` if less is available.
    pub(crate) fn freeze(self: &Arc<Self>, amount: Credits) -> Option<Hold> {
        let mut amounts = lock(&self.0);
        if amounts.available < amount {
            return None;
        }
        amounts.available = amounts.available - amount;
        amounts.frozen = amounts.frozen + amount;
        Some(Hold { ledger: Arc::clone(self), amount })
    }
}

/// Frozen credits of work in progress. They are released on drop, so that work that fails or panics
/// costs nothing.
#[derive(Debug)]
pub(crate) struct Hold {
    ledger: Arc<Ledger>,
    amount: Credits,
}

impl Hold {
    /// Takes the credits, because the work is done.
    pub(crate) fn take(mut self) {
        let amount = std::mem::take(&mut self.amount);
        let mut amounts = lock(&self.ledger.0);
        amounts.frozen = amounts.frozen - amount;
        amounts.taken = amounts.taken + amount;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut amounts = lock(&self.ledger.0);
        amounts.frozen = amounts.frozen - self.amount;
        amounts.available = amounts.available + self.amount;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: Duration = Duration::from_secs(604_800);

    #[test]
    fn a_client_has_one_valid_token_and_keeps_its_account() {
        let accounts = Accounts::default();
        let is_valid = |issued: &AnonymousToken| accounts.by_token(issued.token.expose()).is_some();
        let first = accounts.issue("c".into(), Credits::new(7.0), Duration::ZERO).unwrap();
        assert!(!is_valid(&first), "its lifetime is zero");

        let second = accounts.issue("c".into(), Credits::new(99.0), WEEK).unwrap();
        assert_eq!(second.user_id, first.user_id);
        assert_eq!(second.credits, Some(Credits::new(7.0)));
        assert!(is_valid(&second));
        assert!(!is_valid(&first), "an expired token stays expired");

        let remaining = accounts.issue("c".into(), Credits::ZERO, WEEK).unwrap_err();
        assert!(remaining > WEEK - Duration::from_secs(60));
        let other = accounts.issue("d".into(), Credits::ZERO, WEEK).unwrap();
        assert_ne!(other.user_id, first.user_id);
    }

    fn balance(available: f64, frozen: f64) -> CreditBalance {
        CreditBalance::new(Credits::new(available), Credits::new(frozen))
    }

    #[test]
    fn credits_are_frozen_then_taken_or_released() {
        let ledger = Arc::new(Ledger::new(Credits::new(30.0)));
        let hold = ledger.freeze(Credits::new(20.0)).unwrap();
        assert_eq!(ledger.balance(), balance(10.0, 20.0));
        assert!(ledger.freeze(Credits::new(10.5)).is_none());
        hold.take();
        assert_eq!(ledger.balance(), balance(10.0, 0.0));
        assert_eq!(ledger.taken(), Credits::new(20.0));

        drop(ledger.freeze(Credits::new(10.0)).unwrap());
        assert_eq!(ledger.balance(), balance(10.0, 0.0));
        assert_eq!(ledger.taken(), Credits::new(20.0));
    }
}
