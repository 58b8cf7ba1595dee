//! Work on all cores whose results are taken in order, a few items ahead at most: memory does not
//! grow with the number of items.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use super::{MediaError, lock, thread_count};

/// How many items are worked on or wait to be taken, for each thread.
const AHEAD: usize = 3;

/// Works on the items from 0 to `count` on all cores, and passes the results to `take` in the order
/// of the items, on this thread. The first error in this order ends the work and is returned.
pub(crate) fn in_order<R: Send>(
    count: usize,
    work: impl Fn(usize) -> Result<R, MediaError> + Sync,
    mut take: impl FnMut(usize, R) -> Result<(), MediaError>,
) -> Result<(), MediaError> {
    let threads = thread_count().min(count);
    let queue = Queue {
        state: Mutex::new(State { next: 0, taken: 0, is_over: false, done: HashMap::new() }),
        changed: Condvar::new(),
        ahead: AHEAD * threads,
        count,
    };
    let run = || {
        // A panic must not leave the others waiting for a result.
        let _end = EndOnPanic(&queue);
        while let Some(index) = queue.next() {
            let result = work(index);
            lock(&queue.state).done.insert(index, result);
            queue.changed.notify_all();
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let end = End(&queue);
        let mut result = Ok(());
        for index in 0..count {
            let Some(done) = queue.result(index) else { break };
            result = done.and_then(|done| take(index, done));
            if result.is_err() {
                break;
            }
        }
        drop(end);
        for worker in workers {
            worker.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
        result
    })
}

struct Queue<R> {
    state: Mutex<State<R>>,
    changed: Condvar,
    ahead: usize,
    count: usize,
}

struct State<R> {
    /// The next item to be worked on.
    next: usize,
    /// The number of items that were taken.
    taken: usize,
    /// Whether no more results are taken.
    is_over: bool,
    done: HashMap<usize, Result<R, MediaError>>,
}

impl<R> Queue<R> {
    /// Returns the next item to work on once it is not too far ahead.
    fn next(&self) -> Option<usize> {
        let mut state = self
            .changed
            .wait_while(lock(&self.state), |state| {
                !state.is_over && state.next < self.count && state.next >= state.taken + self.ahead
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.is_over || state.next == self.count {
            return None;
        }
        state.next += 1;
        Some(state.next - 1)
    }

    /// Returns the result of an item once it is there, or `None` when a worker panicked.
    fn result(&self, index: usize) -> Option<Result<R, MediaError>> {
        let mut state = self
            .changed
            .wait_while(lock(&self.state), |state| {
                !state.is_over && !state.done.contains_key(&index)
            })
            .unwrap_or_else(PoisonError::into_inner);
        let result = state.done.remove(&index);
        state.taken = index + 1;
        drop(state);
        self.changed.notify_all();
        result
    }

    fn end(&self) {
        lock(&self.state).is_over = true;
        self.changed.notify_all();
    }
}

/// Ends the work when it is dropped.
struct End<'q, R>(&'q Queue<R>);

impl<R> Drop for End<'_, R> {
    fn drop(&mut self) {
        self.0.end();
    }
}

struct EndOnPanic<'q, R>(&'q Queue<R>);

impl<R> Drop for EndOnPanic<'_, R> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn failure(index: usize) -> MediaError {
        MediaError::Voice(index.to_string())
    }

    #[test]
    fn results_are_taken_in_order_and_only_a_few_are_ahead() {
        let (begun, mut taken) = (AtomicUsize::new(0), 0);
        let ahead = AHEAD * thread_count();
        let work = |index: usize| {
            begun.fetch_add(1, Ordering::Relaxed);
            Ok(index * index)
        };
        in_order(200, work, |index, square| {
            assert_eq!((index, square), (taken, taken * taken));
            taken += 1;
            assert!(begun.load(Ordering::Relaxed) <= taken + ahead);
            Ok(())
        })
        .unwrap();
        assert_eq!(taken, 200);
        in_order(0, |_| Ok(()), |_, ()| panic!("there is nothing to take")).unwrap();
    }

    #[test]
    fn the_first_error_in_order_ends_the_work() {
        let begun = AtomicUsize::new(0);
        let work = |index: usize| {
            begun.fetch_add(1, Ordering::Relaxed);
            if index >= 7 { Err(failure(index)) } else { Ok(()) }
        };
        let error = in_order(1_000_000, work, |_, ()| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), failure(7).to_string());
        assert!(begun.into_inner() < 1000);
        let error = in_order(1000, |_| Ok(()), |index, ()| Err(failure(index))).unwrap_err();
        assert_eq!(error.to_string(), failure(0).to_string());
    }

    #[test]
    fn a_panic_is_passed_on() {
        let work = |index: usize| if index == 5 { panic!("five") } else { Ok(()) };
        let result = std::panic::catch_unwind(|| in_order(100, work, |_, ()| Ok(())));
        assert_eq!(result.unwrap_err().downcast_ref(), Some(&"five"));
        let take = |index: usize, ()| if index == 6 { panic!("six") } else { Ok(()) };
        let result = std::panic::catch_unwind(|| in_order(1000, |_| Ok(()), take));
        assert_eq!(result.unwrap_err().downcast_ref(), Some(&"six"));
    }
}
