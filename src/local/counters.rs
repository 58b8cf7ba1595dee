//! How many times each effect really happened: one counter, raised in one place, for each.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::wire::Credits;

/// What the embedded backend has really done since it started.
///
/// A call that was refused is not in here; a message whose caller hung up is, because its work
/// was done and charged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Counters {
    /// Anonymous tokens handed out.
    pub tokens_issued: u64,
    /// Sessions opened.
    pub sessions_created: u64,
    /// Messages that reached the agent.
    pub messages_run: u64,
    /// Renders taken in; a repeated submit of one id counts once.
    pub renders_started: u64,
    /// Files stored from uploads, by body or by address.
    pub uploads_taken: u64,
    /// Credits taken from all accounts together.
    pub credits_taken: Credits,
}

/// The live numbers; the credits are counted by the [ledgers](super::ledger).
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) tokens_issued: Count,
    pub(super) sessions_created: Count,
    pub(super) messages_run: Count,
    pub(super) renders_started: Count,
    pub(super) uploads_taken: Count,
}

#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn raise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
