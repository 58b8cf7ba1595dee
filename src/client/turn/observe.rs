//! A message whose stream is gone, told from the session's state.

use std::time::Duration;

use futures::Stream;
use tokio::time::{Instant, sleep_until};

use super::{PendingTurn, Shared, TurnRecovery, TurnState, TurnUpdate};
use crate::NemoClient;
use crate::error::{Call, Error, Result, UnknownOutcome, source};
use crate::protocol::{Endpoint, SessionState};
use crate::transport::after;

/// Goes on with a message that an earlier stream, or another process, has sent.
pub(super) fn resume(
    client: NemoClient,
    pending: PendingTurn,
    shared: Shared,
) -> impl Stream<Item = Result<TurnUpdate>> + Send {
    let call = Call::once(Endpoint::Message, pending.sent_at.elapsed().unwrap_or_default());
    let what = "the stream was left before its end".to_owned();
    let unknown = Box::new(UnknownOutcome::new(call, what, None));
    observe(client, pending, Duration::ZERO, unknown, shared)
}

/// Reads the session's state, first after `wait`, until the message's work is seen in it, or has
/// not been for long enough.
///
/// A key that nobody knows may move by itself, so a change of nothing else ends nothing early. It
/// counts at the last read, if it stood still then.
pub(super) fn observe(
    client: NemoClient,
    pending: PendingTurn,
    wait: Duration,
    mut unknown: Box<UnknownOutcome>,
    shared: Shared,
) -> impl Stream<Item = Result<TurnUpdate>> + Send {
    async_stream::stream! {
        let TurnRecovery { interval, max_unchanged_polls, .. } = client.inner.recovery;
        let began = Instant::now();
        let mut patience = Patience::new(&client, &pending);
        let mut next = after(began, wait);
        let mut reads = 0;
        let mut last: Option<SessionState> = None;
        loop {
            while let Some(elapsed) = patience.wait_until(next).await {
                yield Ok(TurnUpdate::StillWorking { elapsed });
            }
            shared.enter(TurnState::Recovering);
            let mut stands_still = false;
            match client.session_state(&pending.session_id).await {
                Ok(state) if !state.parts_changed_since(&pending.baseline).is_empty() => {
                    shared.end();
                    yield Ok(TurnUpdate::Recovered(Box::new(state)));
                    return;
                }
                Ok(state) => {
                    stands_still = last.as_ref() == Some(&state);
                    last = Some(state);
                }
                // A state that cannot be read tells as little as one that has not changed.
                Err(error) => unknown.source = Some(source(error)),
            }
            reads += 1;
            if reads >= max_unchanged_polls {
                let moved = last.filter(|state| stands_still && *state != pending.baseline);
                if let Some(state) = moved {
                    shared.end();
                    yield Ok(TurnUpdate::Recovered(Box::new(state)));
                    return;
                }
                break;
            }
            yield Ok(TurnUpdate::Unchanged { reads });
            next = after(Instant::now(), interval);
        }
        unknown.reads = reads;
        unknown.call.elapsed += began.elapsed();
        if let Some(pending) = shared.lock().pending.clone() {
            unknown.text = pending.text;
        }
        // What was not found out now may be later: the pending turn stays.
        shared.enter(TurnState::Ended);
        yield Err(Error::OutcomeUnknown(unknown));
    }
}

/// Says now and then that the work goes on, while there is nothing to do but to wait.
struct Patience {
    every: Duration,
    told: Instant,
    began: Instant,
    /// From the message to here.
    before: Duration,
}

impl Patience {
    fn new(client: &NemoClient, pending: &PendingTurn) -> Self {
        let now = Instant::now();
        let before = pending.sent_at.elapsed().unwrap_or_default();
        Self { every: client.inner.timeouts.still_working, told: now, began: now, before }
    }

    /// Waits until then; gives the time since the message where it is to be told before that.
    async fn wait_until(&mut self, then: Instant) -> Option<Duration> {
        let due = after(self.told, self.every);
        sleep_until(due.min(then)).await;
        if due > then {
            return None;
        }
        self.told = Instant::now();
        Some(self.before + self.began.elapsed())
    }
}
