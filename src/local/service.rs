//! Everything the routes share: one of these for each running backend.

use std::sync::Arc;

use super::accounts::Accounts;
use super::counters::{Count, Counters, Tally};
use super::engine::Engine;
use super::faults::{FaultPlans, Gate};
use super::library::Library;
use super::renders::Renders;
use super::sessions::Sessions;
use super::settings::Settings;
use super::workers::Workers;

pub(super) type Shared = Arc<Service>;

#[derive(Debug)]
pub(super) struct Service {
    /// Where this backend is reached, without a slash at the end.
    pub(super) url: String,
    pub(super) settings: Settings,
    pub(super) accounts: Accounts,
    pub(super) sessions: Sessions,
    pub(super) library: Library,
    pub(super) renders: Renders,
    /// Those who render, and those who answer messages. Two groups, so that a word takes no longer
    /// to be answered because films are made.
    pub(super) renderers: Workers,
    pub(super) speakers: Workers,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) tally: Tally,
    pub(super) plans: FaultPlans,
    pub(super) gate: Arc<Gate>,
}

impl Service {
    pub(super) fn counters(&self) -> Counters {
        let tally = &self.tally;
        Counters {
            tokens_issued: tally.tokens_issued.get(),
            sessions_created: tally.sessions_created.get(),
            messages_run: tally.messages_run.get(),
            renders_started: tally.renders_started.get(),
            renders_finished: tally.renders_finished.get(),
            uploads_taken: tally.uploads_taken.get(),
            files_served: tally.files_served.get(),
            credits_taken: self.accounts.credits_taken(),
            connections: self.gate.accepted(),
            requests: tally.requests.each_ref().map(Count::get),
        }
    }
}
