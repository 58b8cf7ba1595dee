//! Work that its own program ended early, and what it had reached.

use std::fmt;

use crate::protocol::{Credits, PendingTurn, RenderId, RenderJob};

/// Why a program ended its own work early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Interruption {
    /// The deadline passed.
    Deadline,
    /// The work was cancelled by its handle or its token.
    Cancelled,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deadline => "the deadline passed",
            Self::Cancelled => "the work was cancelled",
        })
    }
}

/// A voiceover, an item of a batch or an export that its own program ended early. It holds what
/// another process can continue from: [`JobStage::after`](crate::project::JobStage::after) returns it
/// in the form to persist.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Interrupted {
    /// Why it was ended.
    pub why: Interruption,
    /// The message that may have been accepted, and charged.
    pub pending: Option<Box<PendingTurn>>,
    /// The render that may have been submitted. Its message is done and paid for.
    pub job: Option<Box<RenderJob>>,
    /// What was charged until then, if the credits could be read. A message that is still in
    /// progress may be charged later.
    pub spent: Option<Credits>,
    /// The render that was cancelled at the service. `job` is another one of the same draft then,
    /// which was not submitted.
    pub cancelled: Option<RenderId>,
}

impl Interrupted {
    pub(crate) const fn before_any_charge(why: Interruption) -> Self {
        Self { why, pending: None, job: None, spent: None, cancelled: None }
    }

    /// Returns whether something was or may be charged.
    pub(super) const fn may_be_charged(&self) -> bool {
        self.pending.is_some() || self.job.is_some()
    }

    pub(super) const fn advice(&self) -> &'static str {
        if self.may_be_charged() {
            "Continue from where it ended: nothing is charged again for that."
        } else {
            "Make it again; nothing was charged."
        }
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.why)?;
        match (&self.pending, &self.job, &self.cancelled) {
            (_, _, Some(id)) => write!(f, "after the message was done; render {id} was cancelled")?,
            (_, Some(job), _) => {
                write!(f, "after the message was done; render {} may continue", job.id)?;
            }
            (Some(_), ..) => {
                f.write_str("while the message was in progress, which may continue")?
            }
            _ => f.write_str("before anything was charged")?,
        }
        match self.spent {
            Some(spent) => write!(f, "; {spent} credits were charged"),
            None => Ok(()),
        }
    }
}
