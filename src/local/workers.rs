//! How much heavy work is done at once: about as much as there are cores, the rest in the order in
//! which it came. More would be no faster, and each piece of work takes memory of its own.

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinError;

/// Places to work at; whoever has none waits.
#[derive(Debug)]
pub(super) struct Workers(Semaphore);

/// One of the places, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place<'w>(#[allow(dead_code)] Option<SemaphorePermit<'w>>);

impl Workers {
    pub(super) fn new(places: usize) -> Self {
        Self(Semaphore::new(places.max(1)))
    }

    /// The next place that is free. The longest waiting gets it; a wait that is dropped gives up
    /// its turn.
    pub(super) async fn place(&self) -> Place<'_> {
        // Closed, which this never is, it would keep nobody waiting.
        Place(self.0.acquire().await.ok())
    }
}

impl Default for Workers {
    /// As many places as there are cores.
    fn default() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
    }
}

impl Place<'_> {
    /// Does work that blocks, and holds the place until it is done.
    ///
    /// # Errors
    /// When the work panicked.
    pub(super) async fn work<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        tokio::task::spawn_blocking(work).await
    }
}
