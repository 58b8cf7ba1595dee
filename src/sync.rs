//! Locking without a poison check; knows no other module.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex, ignoring poison.
///
/// For state that every critical section leaves consistent even if it panics.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
