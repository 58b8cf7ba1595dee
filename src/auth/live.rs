//! A token in hand, and when to look for the next one.
//!
//! What a token says of its end is a hint and no more: the service's clock and this machine's may
//! differ by days, and the service alone knows which tokens it takes. So a token serves until it
//! is refused, and its end only tells when to ask for another meanwhile.

use std::time::{Duration, SystemTime};

use super::{Account, Secret};
use crate::protocol::AnonymousToken;

/// A token is replaced this long before it ends, so that no call meets its end half-way.
const REFRESH_AHEAD: Duration = Duration::from_secs(5 * 60);

/// How long after a refresh that brought nothing the next one is tried. The service gives one
/// token a week, so most of them bring nothing until the old token has ended.
const REFRESH_PAUSE: Duration = Duration::from_secs(60);

/// A token that the service has not refused.
#[derive(Clone, Debug)]
pub(super) struct CachedToken {
    pub(super) secret: Secret,
    pub(super) account: Account,
    /// The last time a newer one was asked for in vain.
    tried: Option<SystemTime>,
}

/// A token as it may be believed this moment: one that was given out just now has not ended,
/// whatever it says. Else a clock that is ahead would have a new one asked for at every call.
pub(super) fn just_issued(mut token: AnonymousToken, now: SystemTime) -> AnonymousToken {
    token.expires_at = token.expires_at.filter(|end| *end > now);
    token
}

impl CachedToken {
    pub(super) fn new(token: AnonymousToken) -> Self {
        Self {
            secret: Secret::new(token.token),
            account: Account {
                anonymous: true,
                user_id: token.user_id,
                credits: token.credits,
                expires_at: token.expires_at,
            },
            tried: None,
        }
    }

    /// Notes that a newer one was asked for.
    pub(super) fn note_try(&mut self, now: SystemTime) {
        self.tried = Some(now);
    }

    pub(super) fn ends_soon(&self, now: SystemTime) -> bool {
        self.account.expires_at.is_some_and(|end| end <= now + REFRESH_AHEAD)
    }

    /// Whether to ask for a newer one now: in its last minutes, with a pause between; and once
    /// more when it has ended. If that brings nothing either, the service's refusal decides.
    pub(super) fn refresh_is_due(&self, now: SystemTime) -> bool {
        let (Some(end), true) = (self.account.expires_at, self.ends_soon(now)) else {
            return false;
        };
        match self.tried {
            None => true,
            Some(tried) if end <= now => tried < end,
            Some(tried) => now.duration_since(tried).is_ok_and(|since| since >= REFRESH_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{CachedToken, REFRESH_AHEAD, REFRESH_PAUSE, just_issued};
    use crate::protocol::AnonymousToken;

    fn token(expires_at: SystemTime) -> AnonymousToken {
        let mut token = AnonymousToken::new("t");
        token.expires_at = Some(expires_at);
        token
    }

    #[test]
    fn a_token_just_issued_has_not_ended() {
        let now = SystemTime::now();
        let second = Duration::from_secs(1);
        assert_eq!(just_issued(token(now - second), now).expires_at, None);
        assert_eq!(just_issued(token(now), now).expires_at, None);
        assert_eq!(just_issued(token(now + second), now).expires_at, Some(now + second));
    }

    #[test]
    fn a_refresh_is_tried_in_the_last_minutes_with_pauses_and_once_at_the_end() {
        let end = SystemTime::now() + Duration::from_secs(86_400);
        let second = Duration::from_secs(1);
        let mut live = CachedToken::new(token(end));
        let early = end - REFRESH_AHEAD;
        assert!(!live.refresh_is_due(early - second));
        assert!(live.refresh_is_due(early));

        live.note_try(early);
        assert!(!live.refresh_is_due(early + REFRESH_PAUSE - second));
        assert!(live.refresh_is_due(early + REFRESH_PAUSE));

        live.note_try(end - second);
        assert!(live.refresh_is_due(end));
        live.note_try(end);
        assert!(!live.refresh_is_due(end + Duration::from_secs(86_400)), "the service decides");

        assert!(!CachedToken::new(AnonymousToken::new("t")).refresh_is_due(end));
    }
}
