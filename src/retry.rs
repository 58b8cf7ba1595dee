//! May a failed attempt be made again, and when? Decided from the call's effect, how far the
//! attempt got, and the answer. The table is the design's:
//!
//! | what happened | read-only | idempotent | creates | charges |
//! |---|---|---|---|---|
//! | never reached the service | again | again | again | again |
//! | sent, no answer or a broken one | again | again | unknown | unknown |
//! | 429 | once, after `Retry-After` or 30 s | same | same | same |
//! | 5xx | again | again | unknown | unknown |
//! | any other refusal | error | error | error | error |
//!
//! "Unknown" is never sent again. A new token after 1001 is not a retry and not decided here.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::Effect;

/// Decides what follows a failed attempt. A client's policy is shared by all its calls.
///
/// A policy cannot make a call unsafe: where [`AttemptInfo::may_be_repeated`] is false, a decision to
/// retry is not followed.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::mock::{Endpoint, MockNemo};
/// use nemovideo::{AttemptInfo, RetryDecision, Effect, RetryPolicy, ExponentialRetry};
///
/// /// What changes nothing is tried again as usual, everything else once only.
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
/// let nemo = MockNemo::start().await;
/// # use nemovideo::mock::{Answer, wiremock::ResponseTemplate};
/// # for endpoint in [Endpoint::Credits, Endpoint::Render] {
/// #     nemo.given(Answer::raw(endpoint, ResponseTemplate::new(503))).await;
/// # }
/// let standard = ExponentialRetry::default().with_max_attempts(2);
/// let policy = ReadsOnly(standard.with_base(std::time::Duration::from_millis(1)));
/// let client = nemo.client_builder().retry(policy).build()?;
/// assert!(client.credits().await.is_err()); // 503, twice
/// assert_eq!(nemo.requests(Endpoint::Credits).await.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub trait RetryPolicy: Send + Sync + fmt::Debug {
    /// What to do after this attempt.
    fn decide(&self, attempt: &AttemptInfo) -> RetryDecision;
}

/// A failed attempt, as a policy sees it.
///
/// ```
/// use nemovideo::{AttemptInfo, RetryDecision, Effect, FailureKind, RetryPolicy as _, ExponentialRetry};
///
/// let policy = ExponentialRetry::default();
/// let mut attempt = AttemptInfo::new(Effect::ReadOnly, FailureKind::ServerError { status: 503, retry_after: None });
/// assert!(matches!(policy.decide(&attempt), RetryDecision::RetryAfter(_)));
/// attempt.number = policy.max_attempts; // the last one
/// assert_eq!(policy.decide(&attempt), RetryDecision::GiveUp);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptInfo {
    /// What the call can do on the other side.
    pub effect: Effect,
    /// How the attempt failed.
    pub failure: FailureKind,
    /// Which attempt it was, from 1.
    pub number: u32,
    /// How many of the attempts so far were answered with 429, this one included.
    pub rate_limited: u32,
    /// Since the first attempt began.
    pub elapsed: Duration,
}

impl AttemptInfo {
    /// A first attempt that has just failed; its fields are there to be changed. For the tests of
    /// a policy.
    ///
    /// ```
    /// use nemovideo::{AttemptInfo, RetryDecision, Effect, FailureKind, RetryPolicy as _, ExponentialRetry};
    ///
    /// let broken = AttemptInfo::new(Effect::Billable, FailureKind::NoAnswer);
    /// assert_eq!(ExponentialRetry::default().decide(&broken), RetryDecision::GiveUp);
    /// ```
    #[must_use]
    pub const fn new(effect: Effect, failure: FailureKind) -> Self {
        Self { effect, failure, number: 1, rate_limited: 0, elapsed: Duration::ZERO }
    }

    /// A failed attempt at a call that changes nothing.
    pub(crate) const fn read_only(failure: FailureKind, number: u32, elapsed: Duration) -> Self {
        Self { effect: Effect::ReadOnly, failure, number, rate_limited: 0, elapsed }
    }

    /// Whether another attempt cannot do anything twice.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::{Endpoint, MockNemo};
    /// use nemovideo::{AttemptInfo, RetryDecision, FailureKind, RetryPolicy};
    /// use std::time::Duration;
    ///
    /// /// Retries whatever fails.
    /// #[derive(Debug)]
    /// struct Stubborn;
    ///
    /// impl RetryPolicy for Stubborn {
    ///     fn decide(&self, attempt: &AttemptInfo) -> RetryDecision {
    ///         let safe = attempt.may_be_repeated();
    ///         println!("attempt {}: {:?}; safe: {safe}", attempt.number, attempt.failure);
    ///         match attempt.failure {
    ///             FailureKind::ServerError { .. } if attempt.number > 9 => RetryDecision::GiveUp,
    ///             _ => RetryDecision::RetryAfter(Duration::ZERO),
    ///         }
    ///     }
    /// }
    ///
    /// let nemo = MockNemo::start().await;
    /// # use nemovideo::mock::{Answer, wiremock::ResponseTemplate};
    /// # nemo.given(Answer::raw(Endpoint::Message, ResponseTemplate::new(503))).await;
    /// let client = nemo.client_builder().retry(Stubborn).build()?;
    /// let failed = client.send_message(&"session".into(), "make it warmer").await; // 503
    /// assert!(failed.unwrap_err().may_have_taken_effect());
    /// assert_eq!(nemo.messages().await.len(), 1); // a message is never sent twice
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub const fn may_be_repeated(&self) -> bool {
        match self.failure {
            FailureKind::NotSent | FailureKind::RateLimited { .. } => true,
            FailureKind::NoAnswer | FailureKind::ServerError { .. } => self.effect.is_repeatable(),
        }
    }
}

/// How an attempt failed.
///
/// ```
/// use nemovideo::{AttemptInfo, Effect, FailureKind};
///
/// // A message costs money: it goes out again only where it surely was not taken.
/// let message = |failure| AttemptInfo::new(Effect::Billable, failure).may_be_repeated();
/// assert!(message(FailureKind::NotSent));
/// assert!(message(FailureKind::RateLimited { retry_after: None }));
/// assert!(!message(FailureKind::NoAnswer));
/// assert!(!message(FailureKind::ServerError { status: 503, retry_after: None }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// The service was never reached: no address, refused, no TLS.
    NotSent,
    /// Sent, perhaps in part, and no whole answer came back.
    NoAnswer,
    /// The service answered 5xx.
    ServerError {
        /// The HTTP status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The service answered 429 and did nothing.
    RateLimited {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
}

/// What to do after a failed attempt.
///
/// ```
/// use nemovideo::{AttemptInfo, RetryDecision, Effect, FailureKind, RetryPolicy as _, ExponentialRetry};
/// use std::time::Duration;
///
/// let told_to_wait = |pause| {
///     let failure = FailureKind::RateLimited { retry_after: Some(pause) };
///     ExponentialRetry::default().decide(&AttemptInfo::new(Effect::Creates, failure))
/// };
/// let minute = Duration::from_secs(60);
/// assert_eq!(told_to_wait(minute), RetryDecision::RetryAfter(minute));
/// assert_eq!(told_to_wait(minute * 60), RetryDecision::GiveUp); // the caller hears of it at once
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// Make another attempt after a pause.
    RetryAfter(Duration),
    /// Report it.
    GiveUp,
}

/// The policy of a client that names none.
///
/// Backoff is exponential with full jitter: before attempt *n* + 1 a random pause up to
/// `base · 2ⁿ⁻¹`, at most `longest_pause`. A 429 is waited out once.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::mock::{Answer, Endpoint, MockNemo};
/// use nemovideo::mock::wiremock::ResponseTemplate;
/// use nemovideo::ExponentialRetry;
/// use std::time::Duration;
///
/// let nemo = MockNemo::start().await;
/// nemo.given(Answer::raw(Endpoint::Credits, ResponseTemplate::new(503)).times(2)).await;
/// nemo.given(Answer::credits(100.0)).await;
///
/// let patient = ExponentialRetry::default().with_max_attempts(3).with_base(Duration::from_millis(1));
/// let client = nemo.client_builder().retry(patient).build()?;
/// assert_eq!(client.credits().await?.available.get(), 100.0);
/// assert_eq!(nemo.requests(Endpoint::Credits).await.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExponentialRetry {
    /// How many attempts at the most, the first included. Default 4.
    pub max_attempts: u32,
    /// The longest first pause. Default 500 ms.
    pub base: Duration,
    /// The longest pause of all. Default 10 s.
    pub longest_pause: Duration,
    /// No attempt begins later than this after the first, but for a 429's. Default 60 s.
    pub max_elapsed: Duration,
    /// The pause after a 429 that names none. Default 30 s, as documented.
    pub rate_limit_pause: Duration,
    /// A 429 that asks for a longer pause than this is reported at once: a client that was given
    /// its token for the week is told to come back in days. So is a 5xx. Default 2 min.
    pub longest_rate_limit_pause: Duration,
}

impl Default for ExponentialRetry {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            base: Duration::from_millis(500),
            longest_pause: Duration::from_secs(10),
            max_elapsed: Duration::from_secs(60),
            rate_limit_pause: Duration::from_secs(30),
            longest_rate_limit_pause: Duration::from_secs(2 * 60),
        }
    }
}

impl ExponentialRetry {
    /// A policy that never makes a second attempt.
    ///
    /// ```
    /// use nemovideo::ExponentialRetry;
    ///
    /// assert_eq!(ExponentialRetry::never().max_attempts, 1);
    /// ```
    #[must_use]
    pub fn never() -> Self {
        Self { max_attempts: 1, ..Self::default() }
    }

    /// How many attempts at the most.
    #[must_use]
    pub const fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The longest first pause.
    #[must_use]
    pub const fn with_base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// The pause after a 429 that names none.
    ///
    /// ```
    /// use nemovideo::ExponentialRetry;
    /// use std::time::Duration;
    ///
    /// let policy = ExponentialRetry::default();
    /// assert_eq!(policy.rate_limit_pause, Duration::from_secs(30));
    /// let hasty = policy.with_rate_limit_pause(Duration::from_secs(5));
    /// assert_eq!(hasty.rate_limit_pause, Duration::from_secs(5));
    /// ```
    #[must_use]
    pub const fn with_rate_limit_pause(mut self, pause: Duration) -> Self {
        self.rate_limit_pause = pause;
        self
    }

    fn backoff(&self, number: u32) -> Duration {
        let doublings = number.saturating_sub(1).min(20);
        let longest = self.base.saturating_mul(1 << doublings).min(self.longest_pause);
        longest.mul_f64(random_fraction())
    }
}

impl RetryPolicy for ExponentialRetry {
    fn decide(&self, attempt: &AttemptInfo) -> RetryDecision {
        if attempt.number >= self.max_attempts || !attempt.may_be_repeated() {
            return RetryDecision::GiveUp;
        }
        let pause = match attempt.failure {
            FailureKind::RateLimited { .. } if attempt.rate_limited > 1 => {
                return RetryDecision::GiveUp;
            }
            // A pause that the service asks for is kept whole or not at all: to come back earlier
            // would only be refused again.
            FailureKind::RateLimited { retry_after } => {
                let pause = retry_after.unwrap_or(self.rate_limit_pause);
                if pause > self.longest_rate_limit_pause {
                    return RetryDecision::GiveUp;
                }
                return RetryDecision::RetryAfter(pause);
            }
            FailureKind::ServerError { retry_after: Some(pause), .. } => {
                if pause > self.longest_rate_limit_pause {
                    return RetryDecision::GiveUp;
                }
                pause.max(self.backoff(attempt.number))
            }
            _ => self.backoff(attempt.number),
        };
        if attempt.elapsed + pause > self.max_elapsed {
            return RetryDecision::GiveUp;
        }
        RetryDecision::RetryAfter(pause)
    }
}

/// Uniform in 0..1. A version 4 UUID is the random source that the crate has anyway.
fn random_fraction() -> f64 {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    // The top 48 bits of a version 4 UUID are random.
    (high >> 16) as f64 / (1_u64 << 48) as f64
}

/// How many retries a client's calls have left together, so that a service in trouble is not
/// hammered by many callers at once. Ten at first; each success brings a tenth of one back.
#[derive(Debug)]
pub(crate) struct RetryBudget(AtomicU32);

impl RetryBudget {
    const FULL: u32 = 100;
    const RETRY: u32 = 10;
    const SUCCESS: u32 = 1;

    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(Self::FULL))
    }

    /// Takes one retry; false when there is none left.
    pub(crate) fn take(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(Self::RETRY)
            })
            .is_ok()
    }

    /// A call went well.
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
    use crate::error::Effect;

    const EFFECTS: [Effect; 4] =
        [Effect::ReadOnly, Effect::Idempotent, Effect::Creates, Effect::Billable];

    fn attempt(effect: Effect, failure: FailureKind) -> AttemptInfo {
        AttemptInfo { effect, failure, number: 1, rate_limited: 1, elapsed: Duration::ZERO }
    }

    fn retries(effect: Effect, failure: FailureKind) -> bool {
        ExponentialRetry::default().decide(&attempt(effect, failure)) != RetryDecision::GiveUp
    }

    #[test]
    fn the_table_of_the_design_holds() {
        for effect in EFFECTS {
            assert!(retries(effect, FailureKind::NotSent));
            assert!(retries(effect, FailureKind::RateLimited { retry_after: None }));
            let repeatable = matches!(effect, Effect::ReadOnly | Effect::Idempotent);
            assert_eq!(retries(effect, FailureKind::NoAnswer), repeatable);
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
        assert_eq!(policy.decide(&limited), RetryDecision::GiveUp, "the caller hears of it now");
        limited.failure = FailureKind::RateLimited { retry_after: None };
        assert_eq!(policy.decide(&limited), RetryDecision::RetryAfter(Duration::from_secs(30)));
        limited.rate_limited = 2;
        assert_eq!(policy.decide(&limited), RetryDecision::GiveUp);
    }

    #[test]
    fn a_failing_service_is_not_asked_sooner_than_it_says() {
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
    fn pauses_grow_are_capped_and_end() {
        let policy = ExponentialRetry::default().with_max_attempts(100);
        for number in 1..99 {
            let mut failed = attempt(Effect::ReadOnly, FailureKind::NoAnswer);
            failed.number = number;
            let RetryDecision::RetryAfter(pause) = policy.decide(&failed) else {
                panic!("gave up")
            };
            assert!(pause <= policy.longest_pause);
            assert!(pause <= policy.base * 2_u32.saturating_pow(number - 1));
        }
        let mut late = attempt(Effect::ReadOnly, FailureKind::NoAnswer);
        late.elapsed = Duration::from_secs(61);
        assert_eq!(policy.decide(&late), RetryDecision::GiveUp);
        late.number = 100;
        assert_eq!(policy.decide(&late), RetryDecision::GiveUp);
    }

    #[test]
    fn a_failing_service_uses_the_shared_budget_up() {
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
