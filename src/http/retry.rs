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
/// A policy cannot make a call unsafe: where [`Attempt::may_be_repeated`] is false, a decision to
/// retry is not followed.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use nemovideo::mock::{Endpoint, MockNemo};
/// use nemovideo::{Attempt, Decision, Effect, RetryPolicy, StandardRetry};
///
/// /// What changes nothing is tried again as usual, everything else once only.
/// #[derive(Debug, Default)]
/// struct ReadsOnly(StandardRetry);
///
/// impl RetryPolicy for ReadsOnly {
///     fn decide(&self, attempt: &Attempt) -> Decision {
///         match attempt.effect {
///             Effect::ReadOnly => self.0.decide(attempt),
///             _ => Decision::GiveUp,
///         }
///     }
/// }
///
/// let nemo = MockNemo::start().await;
/// # use nemovideo::mock::{Answer, wiremock::ResponseTemplate};
/// # for endpoint in [Endpoint::Credits, Endpoint::Render] {
/// #     nemo.given(Answer::raw(endpoint, ResponseTemplate::new(503))).await;
/// # }
/// let standard = StandardRetry::default().with_max_attempts(2);
/// let policy = ReadsOnly(standard.with_base(std::time::Duration::from_millis(1)));
/// let client = nemo.client_builder().retry(policy).build()?;
/// assert!(client.credits().await.is_err()); // 503, twice
/// assert_eq!(nemo.requests(Endpoint::Credits).await.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub trait RetryPolicy: Send + Sync + fmt::Debug {
    /// What to do after this attempt.
    fn decide(&self, attempt: &Attempt) -> Decision;
}

/// A failed attempt, as a policy sees it.
///
/// ```
/// use nemovideo::{Attempt, Decision, Effect, Failure, RetryPolicy as _, StandardRetry};
///
/// let policy = StandardRetry::default();
/// let mut attempt = Attempt::new(Effect::ReadOnly, Failure::ServerError { status: 503 });
/// assert!(matches!(policy.decide(&attempt), Decision::RetryAfter(_)));
/// attempt.number = policy.max_attempts; // the last one
/// assert_eq!(policy.decide(&attempt), Decision::GiveUp);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// What the call can do on the other side.
    pub effect: Effect,
    /// How the attempt failed.
    pub failure: Failure,
    /// Which attempt it was, from 1.
    pub number: u32,
    /// How many of the attempts so far were answered with 429, this one included.
    pub rate_limited: u32,
    /// Since the first attempt began.
    pub elapsed: Duration,
}

impl Attempt {
    /// A first attempt that has just failed; its fields are there to be changed. For the tests of
    /// a policy.
    ///
    /// ```
    /// use nemovideo::{Attempt, Decision, Effect, Failure, RetryPolicy as _, StandardRetry};
    ///
    /// let broken = Attempt::new(Effect::Charges, Failure::NoAnswer);
    /// assert_eq!(StandardRetry::default().decide(&broken), Decision::GiveUp);
    /// ```
    #[must_use]
    pub const fn new(effect: Effect, failure: Failure) -> Self {
        Self { effect, failure, number: 1, rate_limited: 0, elapsed: Duration::ZERO }
    }

    /// A failed attempt at a call that changes nothing.
    pub(crate) const fn read_only(failure: Failure, number: u32, elapsed: Duration) -> Self {
        Self { effect: Effect::ReadOnly, failure, number, rate_limited: 0, elapsed }
    }

    /// Whether another attempt cannot do anything twice.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::mock::{Endpoint, MockNemo};
    /// use nemovideo::{Attempt, Decision, Failure, RetryPolicy};
    /// use std::time::Duration;
    ///
    /// /// Retries whatever fails.
    /// #[derive(Debug)]
    /// struct Stubborn;
    ///
    /// impl RetryPolicy for Stubborn {
    ///     fn decide(&self, attempt: &Attempt) -> Decision {
    ///         let safe = attempt.may_be_repeated();
    ///         println!("attempt {}: {:?}; safe: {safe}", attempt.number, attempt.failure);
    ///         match attempt.failure {
    ///             Failure::ServerError { .. } if attempt.number > 9 => Decision::GiveUp,
    ///             _ => Decision::RetryAfter(Duration::ZERO),
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
            Failure::NotSent | Failure::RateLimited { .. } => true,
            Failure::NoAnswer | Failure::ServerError { .. } => self.effect.is_repeatable(),
        }
    }
}

/// How an attempt failed.
///
/// ```
/// use nemovideo::{Attempt, Effect, Failure};
///
/// // A message costs money: it goes out again only where it surely was not taken.
/// let message = |failure| Attempt::new(Effect::Charges, failure).may_be_repeated();
/// assert!(message(Failure::NotSent));
/// assert!(message(Failure::RateLimited { retry_after: None }));
/// assert!(!message(Failure::NoAnswer));
/// assert!(!message(Failure::ServerError { status: 503 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The service was never reached: no address, refused, no TLS.
    NotSent,
    /// Sent, perhaps in part, and no whole answer came back.
    NoAnswer,
    /// The service answered 5xx.
    ServerError {
        /// The HTTP status.
        status: u16,
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
/// use nemovideo::{Attempt, Decision, Effect, Failure, RetryPolicy as _, StandardRetry};
/// use std::time::Duration;
///
/// let told_to_wait = |pause| {
///     let failure = Failure::RateLimited { retry_after: Some(pause) };
///     StandardRetry::default().decide(&Attempt::new(Effect::Creates, failure))
/// };
/// let minute = Duration::from_secs(60);
/// assert_eq!(told_to_wait(minute), Decision::RetryAfter(minute));
/// assert_eq!(told_to_wait(minute * 60), Decision::GiveUp); // the caller hears of it at once
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
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
/// use nemovideo::StandardRetry;
/// use std::time::Duration;
///
/// let nemo = MockNemo::start().await;
/// nemo.given(Answer::raw(Endpoint::Credits, ResponseTemplate::new(503)).times(2)).await;
/// nemo.given(Answer::credits(100.0)).await;
///
/// let patient = StandardRetry::default().with_max_attempts(3).with_base(Duration::from_millis(1));
/// let client = nemo.client_builder().retry(patient).build()?;
/// assert_eq!(client.credits().await?.available.get(), 100.0);
/// assert_eq!(nemo.requests(Endpoint::Credits).await.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StandardRetry {
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
    /// its token for the week is told to come back in days. Default 2 min.
    pub longest_rate_limit_pause: Duration,
}

impl Default for StandardRetry {
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

impl StandardRetry {
    /// A policy that never makes a second attempt.
    ///
    /// ```
    /// use nemovideo::StandardRetry;
    ///
    /// assert_eq!(StandardRetry::never().max_attempts, 1);
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
    /// use nemovideo::StandardRetry;
    /// use std::time::Duration;
    ///
    /// let policy = StandardRetry::default();
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

impl RetryPolicy for StandardRetry {
    fn decide(&self, attempt: &Attempt) -> Decision {
        if attempt.number >= self.max_attempts || !attempt.may_be_repeated() {
            return Decision::GiveUp;
        }
        let pause = match attempt.failure {
            Failure::RateLimited { .. } if attempt.rate_limited > 1 => return Decision::GiveUp,
            // A pause that the service asks for is kept whole or not at all: to come back earlier
            // would only be refused again.
            Failure::RateLimited { retry_after } => {
                let pause = retry_after.unwrap_or(self.rate_limit_pause);
                if pause > self.longest_rate_limit_pause {
                    return Decision::GiveUp;
                }
                return Decision::RetryAfter(pause);
            }
            _ => self.backoff(attempt.number),
        };
        if attempt.elapsed + pause > self.max_elapsed {
            return Decision::GiveUp;
        }
        Decision::RetryAfter(pause)
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

    use super::{Attempt, Decision, Failure, RetryBudget, RetryPolicy, StandardRetry};
    use crate::error::Effect;

    const EFFECTS: [Effect; 4] =
        [Effect::ReadOnly, Effect::Idempotent, Effect::Creates, Effect::Charges];

    fn attempt(effect: Effect, failure: Failure) -> Attempt {
        Attempt { effect, failure, number: 1, rate_limited: 1, elapsed: Duration::ZERO }
    }

    fn retries(effect: Effect, failure: Failure) -> bool {
        StandardRetry::default().decide(&attempt(effect, failure)) != Decision::GiveUp
    }

    #[test]
    fn the_table_of_the_design_holds() {
        for effect in EFFECTS {
            assert!(retries(effect, Failure::NotSent));
            assert!(retries(effect, Failure::RateLimited { retry_after: None }));
            let repeatable = matches!(effect, Effect::ReadOnly | Effect::Idempotent);
            assert_eq!(retries(effect, Failure::NoAnswer), repeatable);
            assert_eq!(retries(effect, Failure::ServerError { status: 503 }), repeatable);
        }
    }

    #[test]
    fn a_rate_limit_is_waited_out_once_and_as_long_as_asked() {
        let wait = Duration::from_secs(120);
        let mut limited =
            attempt(Effect::Charges, Failure::RateLimited { retry_after: Some(wait) });
        let policy = StandardRetry::default();
        assert_eq!(policy.decide(&limited), Decision::RetryAfter(wait));
        let week = Duration::from_secs(604_800);
        limited.failure = Failure::RateLimited { retry_after: Some(week) };
        assert_eq!(policy.decide(&limited), Decision::GiveUp, "the caller hears of it now");
        limited.failure = Failure::RateLimited { retry_after: None };
        assert_eq!(policy.decide(&limited), Decision::RetryAfter(Duration::from_secs(30)));
        limited.rate_limited = 2;
        assert_eq!(policy.decide(&limited), Decision::GiveUp);
    }

    #[test]
    fn pauses_grow_are_capped_and_end() {
        let policy = StandardRetry::default().with_max_attempts(100);
        for number in 1..99 {
            let mut failed = attempt(Effect::ReadOnly, Failure::NoAnswer);
            failed.number = number;
            let Decision::RetryAfter(pause) = policy.decide(&failed) else { panic!("gave up") };
            assert!(pause <= policy.longest_pause);
            assert!(pause <= policy.base * 2_u32.saturating_pow(number - 1));
        }
        let mut late = attempt(Effect::ReadOnly, Failure::NoAnswer);
        late.elapsed = Duration::from_secs(61);
        assert_eq!(policy.decide(&late), Decision::GiveUp);
        late.number = 100;
        assert_eq!(policy.decide(&late), Decision::GiveUp);
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
