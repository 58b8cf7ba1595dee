//! A message that may be under way though nobody listens: kept, and picked up again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Project, Turn};
use crate::client::{PendingTurn, TurnTracker};
use crate::error::{Error, Result};

/// The last message of a project, and what was left open before it.
#[derive(Default)]
pub(super) struct Kept(Mutex<Messages>);

#[derive(Default)]
struct Messages {
    last: Option<TurnTracker>,
    /// Stays as long as the last one was surely not taken.
    earlier: Option<PendingTurn>,
}

impl Messages {
    fn pending(&self) -> Option<PendingTurn> {
        match &self.last {
            Some(last) if last.is_accepted() => last.pending(),
            Some(last) => last.pending().or_else(|| self.earlier.clone()),
            None => None,
        }
    }
}

impl Kept {
    /// Another message is about to be sent, or an earlier one is picked up.
    pub(super) fn turn(&self, turn: TurnTracker) {
        let mut messages = self.lock();
        messages.earlier = messages.pending();
        messages.last = Some(turn);
    }

    fn lock(&self) -> MutexGuard<'_, Messages> {
        // Nothing can panic while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Project {
    /// A message that may have been taken, and of which it is not known how it ended: to be
    /// written down, or picked up with [`resume_turn`](Self::resume_turn).
    ///
    /// It is there from before the message is sent until its end is known. So it is also there
    /// after the future of [`say`](Self::say) or the [`Turn`] was dropped, and after a turn whose
    /// outcome is unknown. Of several such messages the last one is kept.
    ///
    /// The next [`say`](Self::say) is not refused because of it. Its report may then hold the
    /// changes of the earlier message too, since both work on the same timeline: resume the
    /// earlier one first where that matters.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let client =
    /// #     NemoClient::builder().base_url(backend.url()).in_memory_credentials().build()?;
    /// let project = client.project("demo").await?;
    /// let turn = project.say("narrate: Good morning.").await?;
    /// let pending = project.pending().ok_or("nobody knows how it ends")?;
    /// println!("{}", serde_json::to_string(&pending)?); // for another process to go on with
    /// turn.finish().await?;
    /// assert!(project.pending().is_none());
    ///
    /// drop(project.say("add a title 'Tea'").await?);
    /// assert!(project.pending().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn pending(&self) -> Option<PendingTurn> {
        self.inner.kept.lock().pending()
    }

    /// Watches a message that was sent before to its end, from [`pending`](Self::pending) or
    /// written down by another process. Nothing is sent but reads of the session's state.
    ///
    /// What the agent had said until it was left is part of the report's text and not told again;
    /// what it said after that is lost with its stream, so the changes are told from the state.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// use nemovideo::TurnRecovery;
    /// use nemovideo::project::{Outcome, Project};
    /// use std::time::Duration;
    ///
    /// let soon = Duration::from_millis(50);
    /// let client = NemoClient::builder()
    ///     .base_url(backend.url())
    ///     .in_memory_credentials()
    ///     .recovery(TurnRecovery::new(soon, soon, 100))
    ///     .build()?;
    /// let project = client.project("demo").await?;
    /// drop(project.say("narrate: Good morning.").await?); // a crash, say
    /// let session = serde_json::to_string(&project.session())?;
    /// let pending = serde_json::to_string(&project.pending())?;
    ///
    /// let project = Project::resume(&client, serde_json::from_str(&session)?);
    /// let report = project.resume_turn(&serde_json::from_str(&pending)?)?.finish().await?;
    /// assert_eq!(report.outcome, Outcome::Recovered);
    /// assert!(report.draft.is_some() && project.pending().is_none());
    /// assert_eq!(backend.counters().messages_run, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::Busy`] while another turn is alive; [`Error::InvalidInput`] when the message was
    /// sent to another session.
    pub fn resume_turn(&self, pending: &PendingTurn) -> Result<Turn> {
        if pending.session_id != self.session_id() {
            let what = "the message was sent to another session than the project's";
            return Err(Error::InvalidInput(what.to_owned()));
        }
        let lock = Arc::clone(&self.inner.turn);
        let guard = lock.try_lock_owned().map_err(|_| Self::busy())?;
        self.touch();
        let updates = self.client().resume_turn(pending);
        self.inner.kept.turn(updates.tracker());
        Ok(Turn::new(self.clone(), None, updates, guard))
    }
}
