//! The one way to stop work that is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::MediaError;

/// A flag shared by whoever does the work and whoever may want it stopped.
///
/// Work looks at it between sentences, pictures and seconds of sound.
///
/// ```
/// use nemovideo::media::{Cancel, Delivery, MediaError, Pico, narrate};
///
/// let cancel = Cancel::new();
/// cancel.clone().cancel(); // from another thread, say
/// let stopped = narrate("Good morning.", &Pico::new(), &Delivery::default(), &cancel);
/// assert!(cancel.is_cancelled() && matches!(stopped, Err(MediaError::Cancelled)));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every holder of this flag to stop. There is no way back.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the work should stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// `Err(Cancelled)` once the flag is set.
    pub(super) fn check(&self) -> Result<(), MediaError> {
        if self.is_cancelled() {
            return Err(MediaError::Cancelled);
        }
        Ok(())
    }
}
