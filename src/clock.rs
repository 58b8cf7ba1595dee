//! The clocks and timers of the platform: those of tokio, and in WebAssembly, where the standard
//! library has none, those of JavaScript. Knows no other module.

use std::time::{Duration, SystemTime};

pub(crate) use platform::{Instant, Sleep, now, sleep, sleep_until, timeout, timeout_at};

/// Returns how long ago a time was; zero for one in the future.
pub(crate) fn since(time: SystemTime) -> Duration {
    now().duration_since(time).unwrap_or_default()
}

/// Thirty years.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Returns a deadline. `Duration::MAX`, which turns a timeout off, is later than an [`Instant`] can
/// represent, so it becomes [`NEVER`].
pub(crate) fn after(start: Instant, timeout: Duration) -> Instant {
    start + timeout.min(NEVER)
}

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use std::time::SystemTime;

    pub(crate) use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout, timeout_at};

    pub(crate) fn now() -> SystemTime {
        SystemTime::now()
    }
}

#[cfg(target_arch = "wasm32")]
mod platform {
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, ready};
    use std::time::{Duration, SystemTime};

    use futures::future::{Either, select};
    use gloo_timers::future::TimeoutFuture;
    use send_wrapper::SendWrapper;
    pub(crate) use web_time::Instant;
    use web_time::web::SystemTimeExt as _;

    pub(crate) fn now() -> SystemTime {
        web_time::SystemTime::now().to_std()
    }

    /// A wait until a deadline.
    pub(crate) struct Sleep {
        deadline: Instant,
        timer: SendWrapper<TimeoutFuture>,
    }

    pub(crate) fn sleep_until(deadline: Instant) -> Sleep {
        let left = deadline.saturating_duration_since(Instant::now());
        // Rounded up, and at most what `setTimeout` takes: for more it does not wait at all.
        let millis = (left.as_millis() + 1).min(i32::MAX as u128) as u32;
        Sleep { deadline, timer: SendWrapper::new(TimeoutFuture::new(millis)) }
    }

    impl Sleep {
        pub(crate) fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
            *self = sleep_until(deadline);
        }
    }

    impl Future for Sleep {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            loop {
                ready!(Pin::new(&mut self.timer).poll(cx));
                if self.deadline <= Instant::now() {
                    return Poll::Ready(());
                }
                *self = sleep_until(self.deadline);
            }
        }
    }

    pub(crate) fn sleep(duration: Duration) -> Sleep {
        sleep_until(super::after(Instant::now(), duration))
    }

    /// A timeout that has elapsed.
    pub(crate) struct Elapsed;

    pub(crate) async fn timeout_at<F: Future>(
        deadline: Instant,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        match select(pin!(future), sleep_until(deadline)).await {
            Either::Left((output, _)) => Ok(output),
            Either::Right(_) => Err(Elapsed),
        }
    }

    pub(crate) async fn timeout<F: Future>(
        duration: Duration,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        timeout_at(super::after(Instant::now(), duration), future).await
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
