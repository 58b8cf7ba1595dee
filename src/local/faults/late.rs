//! Work put off until somebody looks for it: what a caller finds who has lost a stream and asks for
//! the state now and again.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

/// The work that waits.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    /// The state may be read as many times before the work begins.
    reads: u32,
    /// Dropped, it is the word to begin.
    begin: oneshot::Sender<()>,
    /// Resolves when the work has ended, done or not.
    ended: oneshot::Receiver<()>,
}

/// Kept by whoever does the work, and dropped when it has ended.
#[derive(Debug)]
pub(in crate::local) struct Late {
    begin: oneshot::Receiver<()>,
    _ended: oneshot::Sender<()>,
}

impl Late {
    /// Until the work may begin.
    pub(in crate::local) async fn wait(&mut self) {
        // Nothing is ever sent.
        let _ = (&mut self.begin).await;
    }
}

impl Waiting {
    pub(super) fn put_off(&self, reads: u32) -> Late {
        let (begin, beginning) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        self.entries(|entries| entries.push(Entry { reads, begin, ended }));
        Late { begin: beginning, _ended: end }
    }

    /// The state is about to be read: whatever is due now is done before.
    pub(super) async fn state_is_read(&self) {
        let due = self.entries(|entries| {
            let due = entries.extract_if(.., |entry| entry.reads == 0).collect::<Vec<_>>();
            entries.iter_mut().for_each(|entry| entry.reads -= 1);
            due
        });
        for Entry { begin, ended, .. } in due {
            drop(begin);
            let _ = ended.await;
        }
    }

    /// Lets everything begin.
    pub(super) fn clear(&self) {
        self.entries(Vec::clear);
    }

    fn entries<T>(&self, action: impl FnOnce(&mut Vec<Entry>) -> T) -> T {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
