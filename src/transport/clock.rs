//! Moments in the future.

use std::time::Duration;

use tokio::time::Instant;

/// As good as never.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// So long after `moment`. `Duration::MAX`, the natural way to turn a clock off, is later than an
/// `Instant` can tell, so it is far away instead.
pub(crate) fn after(moment: Instant, patience: Duration) -> Instant {
    moment.checked_add(patience).unwrap_or_else(|| moment + FAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_never_runs_out_is_far_away() {
        let now = Instant::now();
        assert_eq!(after(now, Duration::from_secs(1)), now + Duration::from_secs(1));
        assert_eq!(after(now, Duration::MAX), now + FAR);
    }
}
