//! The credentials folder: the client id, and the anonymous tokens that hang on it.
//!
//! `client_id` holds one UUID and a line end, as the vendor's other clients write it; `tokens/`
//! holds one JSON file for each service address and client id. Files have mode 0600, folders 0700, also where
//! they were made otherwise; each is written to a temporary name and renamed, so that no reader
//! sees half of one.

mod client_id;
mod private;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::time::Instant;
use url::Url;

use super::Secret;
use super::issue::LOCKED_AT_MOST;
use crate::error::{Error, Result};
use crate::protocol::{AnonymousToken, ClientId};
use private::OwnershipProbe;

/// How long another process is waited for before this one goes on without the lock. One that
/// works gives it back before that; one that was stopped may never.
const LOCK_PATIENCE: Duration = LOCKED_AT_MOST.saturating_add(Duration::from_secs(5));
const LOCK_POLL: Duration = Duration::from_millis(25);

/// No file of this folder is larger.
const LARGEST_FILE: u64 = 64 * 1024;

/// Where credentials are kept between runs.
#[derive(Clone, Debug)]
pub(crate) struct CredentialStore {
    dir: PathBuf,
    api: Url,
}

/// A token on disk, with what it belongs to.
#[derive(Serialize, Deserialize)]
struct KeptToken {
    api: String,
    client_id: ClientId,
    token: AnonymousToken,
}

/// Held while credentials are read, made or replaced; freed when dropped.
#[derive(Debug)]
pub(crate) struct StoreLock {
    _file: File,
}

/// The lock, if it is free.
#[derive(Debug)]
pub(super) enum Locked {
    Here(StoreLock),
    /// Another process has it.
    Elsewhere,
    /// Nobody can have it: a read-only home.
    Impossible,
}

impl CredentialStore {
    pub(crate) fn new(dir: PathBuf, api: Url) -> Self {
        Self { dir, api }
    }

    /// `~/.config/nemovideo`, where the vendor's other clients keep theirs.
    pub(crate) fn default_dir() -> Option<PathBuf> {
        Some(std::env::home_dir()?.join(".config").join("nemovideo"))
    }

    /// Keeps other processes out of the folder. `None` when that cannot be had: the calls then do
    /// what they can without.
    pub(super) async fn lock(&self) -> Option<StoreLock> {
        let file = self.lock_file()?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Some(StoreLock { _file: file }),
                Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_PATIENCE => {
                    tokio::time::sleep(LOCK_POLL).await;
                }
                Err(_) => return None,
            }
        }
    }

    /// The same without waiting.
    pub(super) fn try_lock(&self) -> Locked {
        let Some(file) = self.lock_file() else {
            return Locked::Impossible;
        };
        match file.try_lock() {
            Ok(()) => Locked::Here(StoreLock { _file: file }),
            Err(TryLockError::WouldBlock) => Locked::Elsewhere,
            Err(TryLockError::Error(_)) => Locked::Impossible,
        }
    }

    fn lock_file(&self) -> Option<File> {
        private::folder(&self.dir).ok()?;
        self.tighten();
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        private::open(&mut options, &self.dir.join("lock")).ok()
    }

    /// Closes to others what an earlier version, another client or an unpacked backup left open.
    /// A folder of the user's choice that holds other things too keeps its mode.
    fn tighten(&self) {
        let Some(witness) = OwnershipProbe::in_folder(&self.dir) else {
            return;
        };
        if Self::default_dir().as_ref() == Some(&self.dir) || holds_credentials_alone(&self.dir) {
            witness.close_folder(&self.dir);
        }
        witness.close_folder(&self.tokens());
        witness.close_file(&self.dir.join("client_id"));
        witness.close_file(&self.dir.join("lock"));
    }

    /// The kept client id. A file that holds none is as good as no file.
    pub(super) fn client_id(&self) -> Result<Option<ClientId>> {
        let path = self.dir.join("client_id");
        match File::open(&path).and_then(read_limited) {
            Ok(bytes) => Ok(client_id::read(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read the client id", &path, error)),
        }
    }

    /// Keeps a client id. An account hangs on whatever was in its place, so that is set aside.
    /// Where it cannot be kept it serves this process alone.
    pub(super) fn keep_client_id(&self, id: &ClientId) {
        let path = self.dir.join("client_id");
        let kept = client_id::set_aside(&path)
            .and_then(|()| private::write(&path, format!("{id}\n").as_bytes()));
        if let Err(error) = kept {
            tracing::warn!(%error, "the client id could not be kept; the next run is another account");
        }
    }

    /// The kept token of this client id at this service, if there is one that nobody else can
    /// have put there: with another's token the work goes to another's account.
    pub(super) fn token(&self, id: &ClientId) -> Option<AnonymousToken> {
        let path = self.token_path(id);
        let file = File::open(&path).ok()?;
        let metadata = file.metadata().ok()?;
        let witness = OwnershipProbe::in_folder(&self.dir);
        let is_ours = match &witness {
            Some(witness) => witness.vouches_for(&metadata),
            None => private::only_its_owner_writes(&metadata),
        };
        if !is_ours {
            tracing::warn!("the kept token is not used: others can write its file");
            return None;
        }
        if let Some(witness) = witness {
            witness.close_file(&path);
        }
        let kept: KeptToken = serde_json::from_slice(&read_limited(file).ok()?).ok()?;
        (kept.client_id == *id && kept.api == self.api.as_str()).then_some(kept.token)
    }

    /// Keeps a token. Not being able to is no reason to fail the call that needed it.
    pub(super) fn keep_token(&self, id: &ClientId, token: &AnonymousToken) {
        let mut token = token.clone();
        token.expires_at = token.expires_at.filter(|end| is_writable(*end));
        let kept = KeptToken { api: self.api.to_string(), client_id: id.clone(), token };
        let written = serde_json::to_vec(&kept)
            .map_err(io::Error::other)
            .and_then(|json| private::write(&self.token_path(id), &json));
        if let Err(error) = written {
            tracing::warn!(%error, "the anonymous token could not be kept");
        }
    }

    /// Removes the kept token if it is the refused one. Only under the lock: between the look and
    /// the removal another process may keep a new one.
    pub(super) fn forget_token(&self, _lock: &StoreLock, id: &ClientId, refused: &Secret) {
        let path = self.token_path(id);
        let kept = File::open(&path)
            .and_then(read_limited)
            .ok()
            .and_then(|json| serde_json::from_slice::<KeptToken>(&json).ok());
        if kept.is_some_and(|kept| kept.token.token == refused.expose())
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::debug!(%error, "the refused token could not be removed");
        }
    }

    fn tokens(&self) -> PathBuf {
        self.dir.join("tokens")
    }

    /// One file for each account: a run under another client id must not cost this one its token,
    /// which would not be given again for a week.
    fn token_path(&self, id: &ClientId) -> PathBuf {
        let host = self.api.host_str().unwrap_or("host");
        let port = self.api.port_or_known_default().unwrap_or(0);
        let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let name = format!("{host}_{port}_{id}").replace(|c| !is_safe(c), "_");
        self.tokens().join(format!("{name}.json"))
    }
}

/// Whether nothing is in a folder but what this crate puts there.
fn holds_credentials_alone(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut entries| {
        entries.all(|entry| {
            let name = entry.map(|entry| entry.file_name());
            let name = name.as_ref().ok().and_then(|name| name.to_str()).unwrap_or_default();
            matches!(name, "lock" | "tokens") || client_id::is_ours(name) || private::is_ours(name)
        })
    })
}

fn read_limited(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a moment can be written as RFC 3339, which knows four digits of a year. The service may
/// name any.
fn is_writable(moment: SystemTime) -> bool {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).ok();
    since
        .and_then(|since| time::Duration::try_from(since).ok())
        .and_then(|since| OffsetDateTime::UNIX_EPOCH.checked_add(since))
        .is_some_and(|moment| moment.year() <= 9999)
}

#[cfg(test)]
mod tests;
