//! What is kept across processes, as the other modules see it: an effect is a list of changes, which
//! are written together or not at all. They write it before they apply it in memory and report it.
//!
//! Without the feature `persistence`, and without a directory, nothing is written.

#[cfg(feature = "persistence")]
mod sqlite;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::accounts::{AccountMaps, LocalAccount, LocalToken, TokenHash};
use super::agent::AskedBy;
use super::library::StoredFile;
use super::server::Counters;
use super::sessions::{LocalSession, SessionMap, WorkChange};
use super::watch::{SessionLog, WatchedSubtitles};
use crate::protocol::{ClientId, Credits, RenderId, RenderJob, RenderState, SessionId, UserId};
#[cfg(feature = "persistence")]
pub(crate) use sqlite::open;

/// One change of what is kept.
#[derive(Debug)]
#[cfg_attr(not(feature = "persistence"), allow(dead_code, reason = "nothing is written"))]
pub(crate) enum Change<'c> {
    /// A new account, or the new expiry of its anonymous token.
    Account {
        client: &'c ClientId,
        account: &'c LocalAccount,
        expires_at: SystemTime,
    },
    /// A token, new or changed. An anonymous one replaces the one before it.
    Token(&'c TokenHash, &'c LocalToken),
    RemoveToken(&'c TokenHash),
    ExpireTokens,
    /// Credits that are taken. Frozen ones are available when the process has ended.
    Charge(&'c UserId, Credits),
    Session(&'c LocalSession),
    /// What a message leaves in its session beside the work.
    Turn {
        session: &'c SessionId,
        turns: u64,
        edits: u64,
        asked: Option<AskedBy<'c>>,
    },
    /// The change of the work, and how many turns can be undone.
    Work(&'c SessionId, &'c WorkChange, usize),
    File {
        file: &'c StoredFile,
        role: FileRole,
        /// What is spoken in it.
        text: Option<&'c str>,
    },
    Render {
        user: &'c UserId,
        job: &'c RenderJob,
        state: &'c RenderState,
    },
    RenderEnd {
        user: &'c UserId,
        id: &'c RenderId,
        state: &'c RenderState,
        file: Option<&'c StoredFile>,
        subtitles: Option<&'c WatchedSubtitles>,
    },
    /// What was said in a session, as JSON.
    Log(&'c SessionId, &'c str),
    /// One more in a field of the [`Counters`].
    Count(&'static str),
}

/// What a file is to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileRole {
    Upload = 0,
    Speech = 1,
    Render = 2,
}

/// Why something could not be stored.
#[derive(Debug, thiserror::Error)]
#[error("nothing can be stored in {}: {source}", directory.display())]
pub(crate) struct StoreError {
    directory: PathBuf,
    pub(crate) source: io::Error,
}

impl StoreError {
    pub(crate) fn new(directory: &Path, source: io::Error) -> Self {
        Self { directory: directory.to_owned(), source }
    }
}

/// What earlier processes have kept in the directory, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) store: Arc<Store>,
    pub(crate) accounts: AccountMaps,
    pub(crate) sessions: SessionMap,
    #[cfg(feature = "persistence")]
    pub(crate) renders: Vec<super::renders::KeptRender>,
    pub(crate) counters: Counters,
    pub(crate) logs: HashMap<SessionId, SessionLog>,
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    #[cfg(feature = "persistence")]
    database: Option<sqlite::Database>,
}

#[cfg(feature = "persistence")]
impl Store {
    pub(crate) const fn is_persistent(&self) -> bool {
        self.database.is_some()
    }

    /// Writes an effect, whole or not at all.
    pub(crate) fn write(&self, changes: &[Change<'_>]) -> Result<(), StoreError> {
        self.database.as_ref().map_or(Ok(()), |database| database.write(changes))
    }

    /// Waits until the disk has the content of files, to which an effect will refer.
    pub(crate) fn sync<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p Path>,
    ) -> Result<(), StoreError> {
        self.database.as_ref().map_or(Ok(()), |database| database.sync(paths))
    }

    /// Ends the use of the directory. Nothing is written from now on.
    pub(crate) fn close(&self) {
        if let Some(database) = &self.database {
            database.close();
        }
    }
}

#[cfg(not(feature = "persistence"))]
#[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "only files are stored")]
impl Store {
    pub(crate) const fn is_persistent(&self) -> bool {
        false
    }

    pub(crate) const fn write(&self, _: &[Change<'_>]) -> Result<(), StoreError> {
        Ok(())
    }

    pub(crate) fn sync<'p>(&self, _: impl IntoIterator<Item = &'p Path>) -> Result<(), StoreError> {
        Ok(())
    }

    pub(crate) const fn close(&self) {}
}
