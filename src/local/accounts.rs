//! Anonymous accounts: the client ids to which they belong, the tokens that open them with their
//! scopes, and their credits, which are available, frozen for work in progress, or taken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::response::Rejected;
use super::store::{Change, Store, StoreError};
use crate::protocol::{
    AnonymousToken, ApiToken, ClientId, CreateToken, CreditBalance, Credits, Endpoint, Secret,
    TokenId, TokenScope, UserId,
};
use crate::sync::lock;

#[derive(Debug, Default)]
pub(crate) struct Accounts {
    maps: Mutex<AccountMaps>,
    store: Arc<Store>,
}

#[derive(Debug, Default)]
pub(crate) struct AccountMaps {
    pub(crate) by_client: HashMap<ClientId, Arc<LocalAccount>>,
    pub(crate) tokens: HashMap<TokenHash, LocalToken>,
}

/// The SHA-256 of a token: the token itself is neither kept in memory nor on the disk.
pub(crate) type TokenHash = [u8; 32];

fn hash(token: &str) -> TokenHash {
    Sha256::digest(token).into()
}

#[derive(Debug)]
pub(crate) struct LocalToken {
    pub(crate) account: Arc<LocalAccount>,
    pub(crate) scopes: Vec<TokenScope>,
    pub(crate) expires_at: SystemTime,
    /// The properties of a token that its user created; `None` for an anonymous one.
    pub(crate) info: Option<ApiToken>,
}

impl LocalToken {
    fn is_valid(&self) -> bool {
        let is_revoked = self.info.as_ref().is_some_and(|info| info.revoked_at.is_some());
        !is_revoked && SystemTime::now() < self.expires_at
    }
}

impl AccountMaps {
    /// Returns the oldest expired and revoked tokens of an account beyond [`MAX_ENDED_TOKENS`].
    fn surplus_tokens(&self, account: &Arc<LocalAccount>) -> Vec<TokenHash> {
        let own = self.tokens.iter().filter(|(_, t)| Arc::ptr_eq(&t.account, account));
        let ended = own.filter(|(_, token)| !token.is_valid());
        let mut ended: Vec<(Option<SystemTime>, &TokenId, TokenHash)> = ended
            .filter_map(|(hash, token)| Some((token.info.as_ref()?, hash)))
            .map(|(info, hash)| (info.created_at, &info.id, *hash))
            .collect();
        ended.sort();
        ended.truncate(ended.len().saturating_sub(MAX_ENDED_TOKENS));
        ended.into_iter().map(|(_, _, hash)| hash).collect()
    }
}

/// What a valid token allows.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) account: Arc<LocalAccount>,
    scopes: Vec<TokenScope>,
}

impl Grant {
    pub(crate) fn allows(&self, scope: &TokenScope) -> bool {
        self.scopes.contains(&TokenScope::All) || self.scopes.contains(scope)
    }
}

/// The lifetime of a token that was created without one, in days.
const DEFAULT_DAYS: u32 = 90;
/// The number of expired and revoked tokens of an account that stay listed: the newest ones.
const MAX_ENDED_TOKENS: usize = 100;

#[derive(Debug)]
pub(crate) struct LocalAccount {
    pub(crate) user: UserId,
    pub(crate) ledger: Arc<Ledger>,
    /// Expiry of the newest anonymous token: an account has one valid one at a time.
    pub(crate) expires_at: Mutex<SystemTime>,
}

impl Accounts {
    pub(crate) fn new(maps: AccountMaps, store: Arc<Store>) -> Self {
        Self { maps: Mutex::new(maps), store }
    }

    /// Issues a token to a client. A known client gets its account again once its last token has
    /// expired; until then, this is an error with the remaining lifetime of that token.
    pub(crate) fn issue(
        &self,
        client: ClientId,
        credits: Credits,
        lifetime: Duration,
        scopes: &[TokenScope],
    ) -> Result<AnonymousToken, Rejected> {
        let now = SystemTime::now();
        let expires_at = now.checked_add(lifetime).unwrap_or(now);
        let mut maps = lock(&self.maps);
        let account = match maps.by_client.get(&client) {
            Some(account) => {
                if let Ok(remaining) = lock(&account.expires_at).duration_since(now)
                    && !remaining.is_zero()
                {
                    let message = "this client has a token that is still valid";
                    return Err(Rejected::RateLimited(remaining.as_secs() + 1, message.to_owned()));
                }
                Arc::clone(account)
            }
            None => Arc::new(LocalAccount {
                user: UserId::new(format!("anon_{}", Uuid::new_v4().simple())),
                ledger: Arc::new(Ledger::new(credits, Credits::ZERO)),
                expires_at: Mutex::new(expires_at),
            }),
        };
        let mut token = AnonymousToken::new(format!("nmv_usr_{}", Uuid::new_v4().simple()));
        token.user_id = Some(account.user.clone());
        token.credits = Some(account.ledger.balance().available);
        token.expires_at = Some(expires_at);
        token.scopes = Some(scopes.to_vec());
        let hash = hash(token.token.expose());
        let user = Arc::clone(&account);
        let issued = LocalToken { account: user, scopes: scopes.to_vec(), expires_at, info: None };
        self.store.write(&[
            Change::Account { client: &client, account: &account, expires_at },
            Change::Token(&hash, &issued),
            Change::Count("tokens_issued"),
        ])?;
        *lock(&account.expires_at) = expires_at;
        maps.tokens
            .retain(|_, other| other.info.is_some() || !Arc::ptr_eq(&other.account, &account));
        maps.tokens.insert(hash, issued);
        maps.by_client.insert(client, account);
        Ok(token)
    }

    /// Creates a token of an account, for scopes that the creator's token has: `*` stands for all
    /// of these. A scope that it does not have is an error.
    pub(crate) fn create_token(
        &self,
        creator: &Grant,
        request: CreateToken,
    ) -> Result<(Secret, ApiToken), Rejected> {
        let is_missing = |scope: &&TokenScope| **scope != TokenScope::All && !creator.allows(scope);
        if let Some(missing) = request.scopes.iter().find(is_missing) {
            return Err(Rejected::missing_scope(Endpoint::TokenCreate, missing));
        }
        let is_all = request.scopes.contains(&TokenScope::All);
        let scopes = if is_all { creator.scopes.clone() } else { request.scopes };
        let now = SystemTime::now();
        let days = u64::from(request.expires_in_days.unwrap_or(DEFAULT_DAYS));
        let lifetime = Duration::from_secs(days * 24 * 60 * 60);
        let expires_at = now.checked_add(lifetime).unwrap_or(now);
        let mut info = ApiToken::new(format!("tok_{}", Uuid::new_v4().simple()), request.name);
        info.scopes.clone_from(&scopes);
        (info.created_at, info.expires_at) = (Some(now), Some(expires_at));
        let secret = Secret::new(format!("nmv_usr_{}", Uuid::new_v4().simple()));
        let account = Arc::clone(&creator.account);
        let mut maps = lock(&self.maps);
        let surplus = maps.surplus_tokens(&account);
        let hash = hash(secret.expose());
        let token = LocalToken { account, scopes, expires_at, info: Some(info.clone()) };
        let mut changes = vec![Change::Token(&hash, &token), Change::Count("tokens_created")];
        changes.extend(surplus.iter().map(Change::RemoveToken));
        self.store.write(&changes)?;
        maps.tokens.retain(|hash, _| !surplus.contains(hash));
        maps.tokens.insert(hash, token);
        Ok((secret, info))
    }

    /// Returns the tokens that the user of an account created, the oldest first.
    pub(crate) fn tokens_of(&self, account: &Arc<LocalAccount>) -> Vec<ApiToken> {
        let maps = lock(&self.maps);
        let own = maps.tokens.values().filter(|token| Arc::ptr_eq(&token.account, account));
        let mut list: Vec<ApiToken> = own.filter_map(|token| token.info.clone()).collect();
        list.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        list
    }

    /// Revokes a token that the user of an account created. Returns whether it was not revoked
    /// before; `None` if there is no such token.
    pub(crate) fn revoke_token(
        &self,
        account: &Arc<LocalAccount>,
        id: &TokenId,
    ) -> Result<Option<bool>, StoreError> {
        let mut maps = lock(&self.maps);
        let mut own = maps.tokens.iter_mut().filter(|(_, t)| Arc::ptr_eq(&t.account, account));
        let is_it = |token: &LocalToken| token.info.as_ref().is_some_and(|info| info.id == *id);
        let Some((hash, token)) = own.find(|(_, token)| is_it(token)) else { return Ok(None) };
        let before = token.info.clone();
        let Some(info) = token.info.as_mut().filter(|info| info.revoked_at.is_none()) else {
            return Ok(Some(false));
        };
        info.revoked_at = Some(SystemTime::now());
        let changes = [Change::Token(hash, token), Change::Count("tokens_revoked")];
        self.store.write(&changes).inspect_err(|_| token.info = before)?;
        Ok(Some(true))
    }

    /// Returns what a token allows, unless it has expired or was revoked.
    pub(crate) fn by_token(&self, token: &str) -> Option<Grant> {
        let maps = lock(&self.maps);
        let token = maps.tokens.get(&hash(token)).filter(|token| token.is_valid())?;
        Some(Grant { account: Arc::clone(&token.account), scopes: token.scopes.clone() })
    }

    /// Expires all tokens. The accounts stay, and those that users created stay listed.
    pub(crate) fn expire_tokens(&self) {
        let mut maps = lock(&self.maps);
        if let Err(error) = self.store.write(&[Change::ExpireTokens]) {
            tracing::warn!(%error, "the expiry of the tokens ends with this process");
        }
        for token in maps.tokens.values_mut() {
            token.expires_at = SystemTime::UNIX_EPOCH;
        }
        for account in maps.by_client.values() {
            *lock(&account.expires_at) = SystemTime::UNIX_EPOCH;
        }
    }

    pub(crate) fn all(&self) -> Vec<Arc<LocalAccount>> {
        lock(&self.maps).by_client.values().cloned().collect()
    }

    /// Returns the credits taken from all accounts together.
    pub(crate) fn credits_taken(&self) -> Credits {
        let maps = lock(&self.maps);
        maps.by_client.values().fold(Credits::ZERO, |sum, account| sum + account.ledger.taken())
    }
}

#[derive(Debug)]
pub(crate) struct Ledger(Mutex<Amounts>);

#[derive(Debug)]
struct Amounts {
    available: Credits,
    frozen: Credits,
    taken: Credits,
}

impl Ledger {
    pub(crate) fn new(available: Credits, taken: Credits) -> Self {
        Self(Mutex::new(Amounts { available, frozen: Credits::ZERO, taken }))
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
    pub(crate) fn amount(&self) -> Credits {
        self.amount
    }

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
        let issue = |client: &str, credits, lifetime| {
            accounts.issue(client.into(), Credits::new(credits), lifetime, &[TokenScope::All])
        };
        let first = issue("c", 7.0, Duration::ZERO).unwrap();
        assert!(!is_valid(&first), "its lifetime is zero");

        let second = issue("c", 99.0, WEEK).unwrap();
        assert_eq!(second.user_id, first.user_id);
        assert_eq!(second.credits, Some(Credits::new(7.0)));
        assert!(is_valid(&second));
        assert!(!is_valid(&first), "an expired token stays expired");

        let Err(Rejected::RateLimited(remaining, _)) = issue("c", 0.0, WEEK) else { panic!() };
        assert!(remaining > WEEK.as_secs() - 60);
        let other = issue("d", 0.0, WEEK).unwrap();
        assert_ne!(other.user_id, first.user_id);
    }

    #[test]
    fn a_created_token_has_no_more_scopes_than_its_creator() {
        use TokenScope::{All, Read, Render, Write};
        let accounts = Accounts::default();
        let issued = accounts.issue("c".into(), Credits::ZERO, WEEK, &[Read, Write]).unwrap();
        let creator = accounts.by_token(issued.token.expose()).unwrap();
        let create = |scopes: &[TokenScope]| {
            let request = CreateToken::named("t").scopes(scopes.iter().cloned());
            accounts.create_token(&creator, request)
        };
        let error = format!("{:?}", create(&[Read, Render]).unwrap_err());
        assert!(error.contains("lacks the `render` scope"), "{error}");
        let (secret, info) = create(&[All]).unwrap();
        assert_eq!(info.scopes, [Read, Write]);
        assert!(!accounts.by_token(secret.expose()).unwrap().allows(&Render));

        let (reader, info) = create(&[Read]).unwrap();
        let grant = accounts.by_token(reader.expose()).unwrap();
        assert!(grant.allows(&Read) && !grant.allows(&Write));
        assert_eq!(accounts.tokens_of(&creator.account).len(), 2);
        let revoke = |id: &TokenId| accounts.revoke_token(&creator.account, id).unwrap();
        assert_eq!(revoke(&info.id), Some(true));
        assert_eq!(revoke(&info.id), Some(false));
        assert_eq!(revoke(&"tok_other".into()), None);
        assert!(accounts.by_token(reader.expose()).is_none(), "it is revoked");
        assert!(accounts.by_token(secret.expose()).is_some());

        accounts.expire_tokens();
        assert!(accounts.by_token(secret.expose()).is_none());
        accounts.issue("c".into(), Credits::ZERO, WEEK, &[Read]).unwrap();
        assert_eq!(accounts.tokens_of(&creator.account).len(), 2, "they stay listed");
    }

    #[test]
    fn the_debug_of_the_accounts_shows_no_token() {
        let accounts = Accounts::default();
        let issued = accounts.issue("c".into(), Credits::ZERO, WEEK, &[TokenScope::All]).unwrap();
        let creator = accounts.by_token(issued.token.expose()).unwrap();
        let (secret, info) = accounts.create_token(&creator, CreateToken::named("t")).unwrap();
        let shown = format!("{accounts:?} {accounts:#?} {creator:?}");
        assert!(shown.contains(info.id.as_str()), "{shown}");
        for token in [issued.token.expose(), secret.expose(), "nmv_usr_"] {
            assert!(!shown.contains(token), "{shown}");
        }
    }

    #[test]
    fn only_the_newest_of_the_ended_tokens_stay_listed() {
        let accounts = Accounts::default();
        let of = |client: &str| {
            let issued = accounts.issue(client.into(), Credits::ZERO, WEEK, &[TokenScope::All]);
            accounts.by_token(issued.unwrap().token.expose()).unwrap()
        };
        let (one, other) = (of("one"), of("other"));
        let create = |creator, name: &str, days| {
            let request = CreateToken::named(name).expires_in_days(days);
            accounts.create_token(creator, request).unwrap()
        };
        create(&other, "ended, of another account", 0);
        let (valid, _) = create(&one, "valid", 90);
        for _ in 0..2 * MAX_ENDED_TOKENS {
            create(&one, "expired", 0);
            let (_, revoked) = create(&one, "revoked", 90);
            accounts.revoke_token(&one.account, &revoked.id).unwrap();
        }
        let (_, newest) = create(&one, "newest", 0);
        let listed = accounts.tokens_of(&one.account);
        assert_eq!(listed.len(), 1 + MAX_ENDED_TOKENS + 1);
        assert!(listed.iter().any(|token| token.id == newest.id));
        assert!(accounts.by_token(valid.expose()).is_some(), "a valid one is never removed");
        assert_eq!(accounts.tokens_of(&other.account).len(), 1);
    }

    fn balance(available: f64, frozen: f64) -> CreditBalance {
        CreditBalance::new(Credits::new(available), Credits::new(frozen))
    }

    #[test]
    fn credits_are_frozen_then_taken_or_released() {
        let ledger = Arc::new(Ledger::new(Credits::new(30.0), Credits::ZERO));
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
