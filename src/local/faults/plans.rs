//! Which fault meets which call: the plans, in the order in which they were made.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::fault::Fault;
use super::late::{Late, Waiting};
use crate::local::route::Route;

/// The plans of one backend, and the word that lets go of whoever is stalled.
#[derive(Debug, Default)]
pub(in crate::local) struct Plans {
    plans: Mutex<Vec<Plan>>,
    released: watch::Sender<()>,
    late: Waiting,
}

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) fault: Fault,
    /// `None`: every route that the fault fits.
    pub(super) route: Option<Route>,
    /// Calls that go well before the first that does not.
    pub(super) spared: u64,
    /// `None`: always.
    pub(super) left: Option<u64>,
    pub(super) met: Arc<AtomicU64>,
}

impl Plans {
    pub(super) fn add(&self, plan: Plan) {
        self.plans().push(plan);
    }

    /// The fault of a call: the first plan that is due has it, and a call meets one fault at most.
    /// With it comes the word that ends it, listened to from now on: whoever sees the call counted
    /// may [`clear`](Self::clear) the plans before it stalls.
    pub(super) fn take(&self, route: Route) -> Option<(Fault, Release)> {
        let mut taken = None;
        let mut plans = self.plans();
        let release = Release(self.released.subscribe());
        for plan in plans.iter_mut().filter(|plan| plan.concerns(route)) {
            if plan.spared > 0 {
                plan.spared -= 1;
            } else if taken.is_none() && plan.left != Some(0) {
                plan.left = plan.left.map(|left| left - 1);
                plan.met.fetch_add(1, Ordering::Relaxed);
                taken = Some(plan.fault.clone());
            }
        }
        plans.retain(|plan| plan.left != Some(0));
        taken.map(|fault| (fault, release))
    }

    /// The work of a message whose fault puts it off.
    pub(in crate::local) fn put_off(&self, fault: &Fault) -> Option<Late> {
        match fault {
            Fault::LateWork { reads, .. } => Some(self.late.put_off(*reads)),
            _ => None,
        }
    }

    /// The state is about to be read, which work may have waited for.
    pub(super) async fn state_is_read(&self) {
        self.late.state_is_read().await;
    }

    /// No more faults; the calls that are stalled by one are let go, and work that was put off
    /// begins.
    pub(in crate::local) fn clear(&self) {
        self.plans().clear();
        self.late.clear();
        self.released.send_replace(());
    }

    fn plans(&self) -> MutexGuard<'_, Vec<Plan>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What ends a stall: the plans are cleared, or the backend is gone.
#[derive(Debug)]
pub(super) struct Release(watch::Receiver<()>);

impl Release {
    pub(super) fn given(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut released = self.0.clone();
        async move {
            // A sender that is gone releases as well.
            let _ = released.changed().await;
        }
    }
}

impl Plan {
    fn concerns(&self, route: Route) -> bool {
        self.fault.fits(route) && self.route.is_none_or(|own| own == route)
    }
}
