//! Which call meets which fault, and work that is put off until the state is read.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use tokio::sync::{oneshot, watch};

use super::Plan;
use super::fault::Fault;
use crate::protocol::Endpoint;
use crate::sync::lock;

/// The planned faults of one backend, in the order in which they were planned.
#[derive(Debug, Default)]
pub(crate) struct FaultPlans {
    plans: Mutex<Vec<Plan>>,
    /// Ends every stall when something is sent.
    release: watch::Sender<()>,
    late: Mutex<Vec<LateEntry>>,
}

impl FaultPlans {
    pub(super) fn add(&self, plan: Plan) {
        lock(&self.plans).push(plan);
    }

    /// Returns the fault of a call: the first plan that is due provides it. The release that comes
    /// with it is subscribed to from now on, because [`clear`](Self::clear) may be called as soon
    /// as the call is counted, before it stalls.
    pub(super) fn take(&self, endpoint: Endpoint) -> Option<(Fault, Release)> {
        let mut taken = None;
        let mut plans = lock(&self.plans);
        let release = Release(self.release.subscribe());
        for plan in plans.iter_mut().filter(|plan| plan.concerns(endpoint)) {
            if plan.spared > 0 {
                plan.spared -= 1;
            } else if taken.is_none() && plan.left != Some(0) {
                plan.left = plan.left.map(|left| left - 1);
                plan.hits.fetch_add(1, Ordering::Relaxed);
                taken = Some(plan.fault.clone());
            }
        }
        plans.retain(|plan| plan.left != Some(0));
        taken.map(|fault| (fault, release))
    }

    /// Returns the start signal of a message whose fault puts its work off. The release is that of
    /// the call, because [`clear`](Self::clear) may have been called since the call was counted.
    pub(crate) fn put_off(&self, fault: &Fault, release: Release) -> Option<LateStart> {
        let Fault::LateWork { reads, .. } = fault else { return None };
        let (begin, beginning) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        lock(&self.late).push(LateEntry { reads: *reads, begin, ended });
        Some(LateStart { begin: beginning, release, _ended: end })
    }

    /// Called before the state is read: does the work first that is due at this read.
    pub(super) async fn before_state_read(&self) {
        let due: Vec<_> = {
            let mut late = lock(&self.late);
            let due = late.extract_if(.., |entry| entry.reads == 0).collect();
            late.iter_mut().for_each(|entry| entry.reads -= 1);
            due
        };
        for LateEntry { begin, ended, .. } in due {
            drop(begin);
            // An error only says that the work has ended.
            let _ = ended.await;
        }
    }

    /// Drops all plans, releases stalled calls, and lets work that was put off begin.
    pub(crate) fn clear(&self) {
        lock(&self.plans).clear();
        lock(&self.late).clear();
        self.release.send_replace(());
    }
}

impl Plan {
    fn concerns(&self, endpoint: Endpoint) -> bool {
        self.fault.applies_to(endpoint) && self.endpoint.is_none_or(|own| own == endpoint)
    }
}

/// What ends a stall: the plans are cleared, or the backend is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Release(watch::Receiver<()>);

impl Release {
    pub(super) fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut released = self.0.clone();
        async move {
            // A dropped sender releases as well.
            let _ = released.changed().await;
        }
    }
}

#[derive(Debug)]
struct LateEntry {
    /// State reads that are still to pass before the work begins.
    reads: u32,
    /// Dropping it starts the work.
    begin: oneshot::Sender<()>,
    /// Resolves when the work has ended, successful or not.
    ended: oneshot::Receiver<()>,
}

/// Held by the task that does work which was put off; dropping it reports the end of the work.
#[derive(Debug)]
pub(crate) struct LateStart {
    begin: oneshot::Receiver<()>,
    release: Release,
    _ended: oneshot::Sender<()>,
}

impl LateStart {
    /// Waits until the work may begin.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            // Nothing is ever sent; the sender is dropped.
            _ = &mut self.begin => {}
            () = self.release.wait() => {}
        }
    }
}
