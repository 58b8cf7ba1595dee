//! When a failed attempt is made again: decided from the effect of the call, how far the attempt
//! got, and the response.
//!
//! | what happened | read-only | idempotent | creates | billable |
//! |---|---|---|---|---|
//! | the service was not reached | retry | retry | retry | retry |
//! | sent, no or a broken response | retry | retry | unknown | unknown |
//! | 429 | once, after `Retry-After` or 30 s | same | same | same |
//! | 5xx | retry | retry | unknown | unknown |
//! | a status that the service never sends, such as a redirect | error | error | unknown | unknown |
//! | any other error response | error | error | error | error |
//!
//! "Unknown" is never sent again. A new token after code 1001, 1010 or 1011 is not a retry and not
//! decided here.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::protocol::Effect;

/// Decides what follows a failed attempt. All calls of a client share its policy.
///
/// A policy cannot make a call unsafe: a decision to retry is not followed where
/// [`AttemptInfo::may_be_repeated`] is false.
///
/// Nor does it override the retry budget that all calls of a client share, so that many callers do
/// not overload a failing service: ten retries at first; each successful call returns a tenth of
/// one, up to ten. Without a budget left, the error is returned in place of a retry.
///
/// ```
/// use nemovideo::retry::{AttemptInfo, ExponentialRetry, RetryDecision, RetryPolicy};
/// use nemovideo::{Effect, NemoClient};
///
/// /// Retries what changes nothing, and nothing else.
/// #[derive(Debug, Default)]
/// struct ReadsOnly(ExponentialRetry);
///
/// impl RetryPolicy for ReadsOnly {
///     fn decide(&self, attempt: &AttemptInfo) -> RetryDecision {
///         match attempt.effect {
///             Effect::ReadOnly => self.0.decide(attempt),
///             _ => RetryDecision::GiveUp,
///         }
///     }
/// }
///
/// let client = NemoClient::builder().retry(ReadsOnly::default()).build()?;
/// # Ok::<(), nemovideo::Error>(())
/// ```
pub trait RetryPolicy: Send + Sync + fmt::Debug {
    /// Decides what follows this attempt.
    fn decide(&self, attempt: &AttemptInfo) -> RetryDecision;
}

/// A failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptInfo {
    /// What the call can do on the server.
    pub effect: Effect,
    /// How the attempt failed.
    pub failure: FailureKind,
    /// Number of the attempt, from 1.
    pub number: u32,
    /// How many attempts so far got a 429 response, this one included.
    pub rate_limited: u32,
    /// Time since the first attempt began.
    pub elapsed: Duration,
}

impl AttemptInfo {
    /// Creates a first attempt that has just failed, to test a policy with.
    #[must_use]
    pub const fn new(effect: Effect, failure: FailureKind) -> Self {
        Self { effect, failure, number: 1, rate_limited: 0, elapsed: Duration::ZERO }
    }

    /// Creates a failed attempt at a call that changes nothing.
    pub(crate) const fn read_only(failure: FailureKind, number: u32, elapsed: Duration) -> Self {
        Self { effect: Effect::ReadOnly, failure, number, rate_limited: 0, elapsed }
    }

    /// Returns whether another attempt cannot do anything twice.
    ///
    /// ```
    /// use nemovideo::Effect;
    /// use nemovideo::retry::{AttemptInfo, FailureKind};
    ///
    /// // A message costs credits: it is sent again only where it surely was not accepted.
    /// let message = |failure| AttemptInfo::new(Effect::Billable, failure).may_be_repeated();
    /// assert!(message(FailureKind::NotSent));
    /// assert!(!message(FailureKind::NoResponse));
    /// ```
    #[must_use]
    pub const fn may_be_repeated(&self) -> bool {
        match self.failure {
            FailureKind::NotSent | FailureKind::RateLimited { .. } => true,
            FailureKind::NoResponse | FailureKind::ServerError { .. } => {
                self.effect.is_repeatable()
            }
        }
    }
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// The service was not reached: name resolution, connection or TLS failed.
    NotSent,
    /// The request was sent, perhaps in part, and no complete response came back.
    NoResponse,
    /// The service responded with 5xx.
    ServerError {
        /// The HTTP status.
        status: u16,
        /// How long the service asks to wait.
        retry_after: Option<Duration>,
    },
    /// The service responded with 429 and did nothing.
    RateLimited {
        /// How long the service asks to wait.
        retry_after: Option<Duration>,
    },
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryDecision {
    /// Makes another attempt after a delay.
    RetryAfter(Duration),
    /// Reports the error.
    GiveUp,
}

settings! {
    /// The default policy: exponential backoff with full jitter.
    ///
    /// The delay before attempt *n* + 1 is random, up to `initial_delay · 2ⁿ⁻¹` and at most
    /// `max_delay`. A 429 is waited out once.
    ///
    /// ```
    /// use nemovideo::ExponentialRetry;
    /// use std::time::Duration;
    ///
    /// let patient = ExponentialRetry::default()
    ///     .with_max_attempts(8)
    ///     .with_max_elapsed(Duration::from_secs(300));
    /// assert_eq!(patient.rate_limit_delay(), Duration::from_secs(30));
    /// ```
    ExponentialRetry {
        "the maximum number of attempts, the first included"
        /// The default is 4.
        with_max_attempts, max_attempts: u32 = 4;

        "the upper bound of the first delay"
        /// The default is 500 ms.
        with_initial_delay, initial_delay: Duration = Duration::from_millis(500);

        "the upper bound of all delays"
        /// The default is 10 s.
        with_max_delay, max_delay: Duration = Duration::from_secs(10);

        "the time after the first attempt past which no other begins, except after a 429"
        /// The default is 60 s.
        with_max_elapsed, max_elapsed: Duration = Duration::from_secs(60);

        "the delay after a 429 without `Retry-After`"
        /// The default is the documented 30 s.
        with_rate_limit_delay, rate_limit_delay: Duration = Duration::from_secs(30);

        "the longest `Retry-After` that is waited out"
        /// A longer one is reported at once. The default is 2 min: the service asks a
        /// client that has had its token for the week to wait for days.
        with_max_retry_after, max_retry_after: Duration = Duration::from_secs(2 * 60);
    }
}

impl ExponentialRetry {
    /// Creates a policy that never makes a second attempt.
    #[must_use]
    pub fn never() -> Self {
        Self::default().with_max_attempts(1)
    }

    fn backoff(&self, number: u32) -> Duration {
        let doublings = number.saturating_sub(1).min(20);
        let longest = self.initial_delay.saturating_mul(1 << doublings).min(self.max_delay);
        longest.mul_f64(random_fraction())
    }
}

impl RetryPolicy for ExponentialRetry {
    fn decide(&self, attempt: &AttemptInfo) -> RetryDecision {
        if attempt.number >= self.max_attempts || !attempt.may_be_repeated() {
            return RetryDecision::GiveUp;
        }
        let delay = match attempt.failure {
            FailureKind::RateLimited { .. } if attempt.rate_limited > 1 => {
                return RetryDecision::GiveUp;
            }
            // A requested delay is kept whole or not at all: an earlier attempt would only be
            // rejected again.
            FailureKind::RateLimited { retry_after } => {
                let delay = retry_after.unwrap_or(self.rate_limit_delay);
                if delay > self.max_retry_after {
                    return RetryDecision::GiveUp;
                }
                return RetryDecision::RetryAfter(delay);
            }
            FailureKind::ServerError { retry_after: Some(delay), .. } => {
                if delay > self.max_retry_after {
                    return RetryDecision::GiveUp;
                }
                delay.max(self.backoff(attempt.number))
            }
            _ => self.backoff(attempt.number),
        };
        if attempt.elapsed + delay > self.max_elapsed {
            return RetryDecision::GiveUp;
        }
        RetryDecision::RetryAfter(delay)
    }
}

/// Returns a uniform random number in 0..1. UUIDs are the random source that the crate has anyway.
fn random_fraction() -> f64 {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    // The top 48 bits of a version 4 UUID are random.
    (high >> 16) as f64 / (1_u64 << 48) as f64
}

/// The number of retries that all calls of a client have left together, so that many callers do not
/// overload a failing service. Ten at first; each success adds a tenth of one.
#[derive(Debug)]
pub(crate) struct RetryBudget(AtomicU32);

impl RetryBudget {
    const FULL: u32 = 100;
    const RETRY: u32 = 10;
    const SUCCESS: u32 = 1;

    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(Self::FULL))
    }

    /// Takes one retry; returns false when none is left.
    pub(crate) fn take(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(Self::RETRY)
            })
            .is_ok()
    }

    /// Adds the share of a successful call.
    pub(crate) fn refill(&self) {
        let add = |left: u32| (left < Self::FULL).then_some(left + Self::SUCCESS);
        // A full budget stays as it is.
        let _full = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        AttemptInfo, ExponentialRetry, FailureKind, RetryBudget, RetryDecision, RetryPolicy,
    };
    use crate::protocol::Effect;

    const EFFECTS: [Effect; 4] =
        [Effect::ReadOnly, Effect::Idempotent, Effect::Creates, Effect::Billable];

    fn attempt(effect: Effect, failure: FailureKind) -> AttemptInfo {
        AttemptInfo { effect, failure, number: 1, rate_limited: 1, elapsed: Duration::ZERO }
    }

    fn retries(effect: Effect, failure: FailureKind) -> bool {
        ExponentialRetry::default().decide(&attempt(effect, failure)) != RetryDecision::GiveUp
    }

    #[test]
    fn the_table_in_the_module_docs_holds() {
        for effect in EFFECTS {
            assert!(retries(effect, FailureKind::NotSent));
            assert!(retries(effect, FailureKind::RateLimited { retry_after: None }));
            let repeatable = matches!(effect, Effect::ReadOnly | Effect::Idempotent);
            assert_eq!(retries(effect, FailureKind::NoResponse), repeatable);
            assert_eq!(
                retries(effect, FailureKind::ServerError { status: 503, retry_after: None }),
                repeatable
            );
        }
    }

    #[test]
    fn a_rate_limit_is_waited_out_once_and_as_long_as_asked() {
        let wait = Duration::from_secs(120);
        let mut limited =
            attempt(Effect::Billable, FailureKind::RateLimited { retry_after: Some(wait) });
        let policy = ExponentialRetry::default();
        assert_eq!(policy.decide(&limited), RetryDecision::RetryAfter(wait));
        let week = Duration::from_secs(604_800);
        limited.failure = FailureKind::RateLimited { retry_after: Some(week) };
        assert_eq!(policy.decide(&limited), RetryDecision::GiveUp, "it is reported at once");
        limited.failure = FailureKind::RateLimited { retry_after: None };
        assert_eq!(policy.decide(&limited), RetryDecision::RetryAfter(Duration::from_secs(30)));
        limited.rate_limited = 2;
        assert_eq!(policy.decide(&limited), RetryDecision::GiveUp);
    }

    #[test]
    fn a_failing_service_gets_the_delay_it_asks_for() {
        let policy = ExponentialRetry::default();
        let failed = |seconds| {
            let retry_after = Some(Duration::from_secs(seconds));
            policy.decide(&attempt(
                Effect::ReadOnly,
                FailureKind::ServerError { status: 503, retry_after },
            ))
        };
        assert_eq!(failed(20), RetryDecision::RetryAfter(Duration::from_secs(20)));
        assert_eq!(failed(3_600), RetryDecision::GiveUp);
    }

    #[test]
    fn delays_grow_are_capped_and_end() {
        let policy = ExponentialRetry::default().with_max_attempts(100);
        for number in 1..99 {
            let mut failed = attempt(Effect::ReadOnly, FailureKind::NoResponse);
            failed.number = number;
            let RetryDecision::RetryAfter(delay) = policy.decide(&failed) else {
                panic!("gave up")
            };
            assert!(delay <= policy.max_delay);
            assert!(delay <= policy.initial_delay * 2_u32.saturating_pow(number - 1));
        }
        let mut late = attempt(Effect::ReadOnly, FailureKind::NoResponse);
        late.elapsed = Duration::from_secs(61);
        assert_eq!(policy.decide(&late), RetryDecision::GiveUp);
        late.number = 100;
        assert_eq!(policy.decide(&late), RetryDecision::GiveUp);
    }

    #[test]
    fn a_failing_service_exhausts_the_shared_budget() {
        let budget = RetryBudget::new();
        assert_eq!((0..50).filter(|_| budget.take()).count(), 10);
        for _ in 0..9 {
            budget.refill();
        }
        assert!(!budget.take());
        budget.refill();
        assert!(budget.take());
        for _ in 0..1_000 {
            budget.refill();
        }
        assert_eq!((0..50).filter(|_| budget.take()).count(), 10);
    }
}
