//! One account's credits: free to spend, held by work in progress, and taken. What things cost is
//! left to [`Prices`](super::Prices).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::protocol::{CreditBalance, Credits};

#[derive(Debug)]
pub(super) struct Ledger(Mutex<Amounts>);

#[derive(Debug)]
struct Amounts {
    available: Credits,
    frozen: Credits,
    taken: Credits,
}

impl Ledger {
    pub(super) fn new(credits: Credits) -> Self {
        Self(Mutex::new(Amounts {
            available: credits,
            frozen: Credits::ZERO,
            taken: Credits::ZERO,
        }))
    }

    pub(super) fn balance(&self) -> CreditBalance {
        let amounts = self.amounts();
        CreditBalance::new(amounts.available, amounts.frozen)
    }

    pub(super) fn taken(&self) -> Credits {
        self.amounts().taken
    }

    /// Holds an amount for work to come; `None` when there is not enough.
    pub(super) fn freeze(self: &Arc<Self>, amount: Credits) -> Option<Hold> {
        let mut amounts = self.amounts();
        if amounts.available < amount {
            return None;
        }
        amounts.available = amounts.available - amount;
        amounts.frozen = amounts.frozen + amount;
        Some(Hold { ledger: Arc::clone(self), amount })
    }

    fn amounts(&self) -> MutexGuard<'_, Amounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Credits held by work in progress. Dropped, they go back: work that fails, or panics, costs
/// nothing.
#[derive(Debug)]
pub(super) struct Hold {
    ledger: Arc<Ledger>,
    amount: Credits,
}

impl Hold {
    /// The work is done: the credits are taken.
    pub(super) fn take(mut self) {
        let amount = std::mem::take(&mut self.amount);
        let mut amounts = self.ledger.amounts();
        amounts.frozen = amounts.frozen - amount;
        amounts.taken = amounts.taken + amount;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut amounts = self.ledger.amounts();
        amounts.frozen = amounts.frozen - self.amount;
        amounts.available = amounts.available + self.amount;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Ledger;
    use crate::protocol::{CreditBalance, Credits};

    fn balance(available: f64, frozen: f64) -> CreditBalance {
        CreditBalance::new(Credits::new(available), Credits::new(frozen))
    }

    #[test]
    fn credits_are_held_then_taken_or_given_back() {
        let ledger = Arc::new(Ledger::new(Credits::new(30.0)));
        let hold = ledger.freeze(Credits::new(20.0)).unwrap();
        assert_eq!(ledger.balance(), balance(10.0, 20.0));
        assert!(ledger.freeze(Credits::new(10.5)).is_none());
        hold.take();
        assert_eq!(ledger.balance(), balance(10.0, 0.0));
        assert_eq!(ledger.taken(), Credits::new(20.0));

        drop(ledger.freeze(Credits::new(10.0)).unwrap());
        assert_eq!(ledger.balance(), balance(10.0, 0.0));
        assert_eq!(ledger.taken(), Credits::new(20.0));
    }
}
