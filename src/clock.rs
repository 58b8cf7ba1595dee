//! The clocks and timers of the platform: those of tokio, and in WebAssembly, where the standard
//! library has none, those of JavaScript. Knows no other module.

use std::time::{Duration, SystemTime};

pub(crate) use platform::{Instant, NEVER, Sleep, now, sleep, sleep_until, timeout, timeout_at};

/// Returns how long ago a time was; zero for one in the future.
pub(crate) fn since(time: SystemTime) -> Duration {
    now().duration_since(time).unwrap_or_default()
}

/// Returns a deadline. `Duration::MAX`, which turns a timeout off, is later than an [`Instant`] can
/// represent, so it becomes [`NEVER`].
pub(crate) fn after(start: Instant, timeout: Duration) -> Instant {
    start + timeout.min(NEVER)
}

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use std::time::{Duration, SystemTime};

    pub(crate) use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout, timeout_at};

    /// Thirty years.
    pub(crate) const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

    pub(crate) fn now() -> SystemTime {
        SystemTime::now()
    }
}

#[cfg(target_arch = "wasm32")]
mod platform {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    pub(crate) use wasmtimer::std::Instant;
    pub(crate) use wasmtimer::tokio::{Sleep, sleep_until, timeout_at};
    use wasmtimer::{std as js, tokio};

    /// Twenty days: `setTimeout` takes at most 2³¹ ms, and no time at all for more.
    pub(crate) const NEVER: Duration = Duration::from_secs(20 * 24 * 60 * 60);

    pub(crate) fn now() -> SystemTime {
        UNIX_EPOCH + js::SystemTime::now().duration_since(js::UNIX_EPOCH).unwrap_or_default()
    }

    pub(crate) fn sleep(duration: Duration) -> Sleep {
        tokio::sleep(duration.min(NEVER))
    }

    pub(crate) fn timeout<F: Future>(duration: Duration, future: F) -> tokio::Timeout<F> {
        tokio::timeout(duration.min(NEVER), future)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_that_is_turned_off_has_a_deadline_far_away() {
        let now = Instant::now();
        assert_eq!(after(now, Duration::from_secs(1)), now + Duration::from_secs(1));
        assert_eq!(after(now, Duration::MAX), now + NEVER);
    }
}
