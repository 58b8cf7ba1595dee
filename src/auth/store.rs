//! The credentials directory: the client id, and the anonymous tokens issued for it.
//!
//! `client_id` holds one UUID and a newline, as the vendor's other clients write it; `tokens/` holds
//! one JSON file for each service and client id. Files have mode 0600 and directories 0700, also
//! where another program created them otherwise. Each file is written to a temporary name and
//! renamed, so that no reader sees half of one.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::token::MAX_LOCKED;
use crate::clock::{Instant, sleep};
use crate::error::{Error, Result};
use crate::fs::{TempPath, is_temporary, leftovers, remove_leftovers};
use crate::protocol::{AnonymousToken, ClientId, Secret};

/// How long to wait for another process before continuing without the lock. One that works releases
/// it before that; one that was suspended may never.
const LOCK_TIMEOUT: Duration = MAX_LOCKED.saturating_add(Duration::from_secs(5));
const LOCK_INTERVAL: Duration = Duration::from_millis(25);

/// Size limit of the files, in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// Number of client ids that are kept as backups. After that the last is replaced, so that a service
/// that rejects every id cannot fill the disk.
const MAX_BACKUPS: u32 = 9;

/// Stores credentials between runs.
#[derive(Clone, Debug)]
pub(crate) struct CredentialStore {
    dir: PathBuf,
    api: Url,
}

/// The content of a token's file.
#[derive(Serialize, Deserialize)]
struct StoredToken {
    api: String,
    client_id: ClientId,
    token: AnonymousToken,
}

/// The lock of the directory, released when dropped.
#[derive(Debug)]
pub(crate) struct StoreLock {
    _file: File,
}

/// The result of [`CredentialStore::try_lock`].
#[derive(Debug)]
pub(crate) enum LockAttempt {
    Locked(StoreLock),
    /// Another process holds the lock.
    Busy,
    /// No process can lock it: a read-only home directory.
    Impossible,
}

impl CredentialStore {
    pub(crate) fn new(dir: PathBuf, api: Url) -> Self {
        Self { dir, api }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns `nemovideo` in the directory for settings that the user has chosen with
    /// `XDG_CONFIG_HOME`, or else `~/.config/nemovideo`, where the vendor's other clients store
    /// theirs: on Windows, that is below `%USERPROFILE%`.
    pub(crate) fn default_dir() -> Option<PathBuf> {
        let chosen = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        Self::dir_among(chosen, std::env::home_dir())
    }

    /// An account that is in the home directory stays there, unless the chosen directory has one.
    fn dir_among(chosen: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
        let has_account =
            |dir: &PathBuf| dir.join("client_id").exists() || dir.join("tokens").exists();
        let usual = home.map(|home| home.join(".config").join("nemovideo"));
        // As the XDG specification demands, a relative path is ignored.
        match chosen.filter(|dir| dir.is_absolute()).map(|dir| dir.join("nemovideo")) {
            Some(chosen) if has_account(&chosen) => Some(chosen),
            Some(chosen) => usual.filter(has_account).or(Some(chosen)),
            None => usual,
        }
    }

    /// Waits until no other process uses the directory. `None` if the lock cannot be had; the caller
    /// then continues without.
    pub(crate) async fn lock(&self) -> Option<StoreLock> {
        let file = self.lock_file()?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Some(StoreLock { _file: file }),
                Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_TIMEOUT => {
                    sleep(LOCK_INTERVAL).await;
                }
                Err(_) => return None,
            }
        }
    }

    /// Locks the directory without waiting.
    pub(crate) fn try_lock(&self) -> LockAttempt {
        let Some(file) = self.lock_file() else {
            return LockAttempt::Impossible;
        };
        match file.try_lock() {
            Ok(()) => LockAttempt::Locked(StoreLock { _file: file }),
            Err(TryLockError::WouldBlock) => LockAttempt::Busy,
            Err(TryLockError::Error(_)) => LockAttempt::Impossible,
        }
    }

    fn lock_file(&self) -> Option<File> {
        create_private_dir(&self.dir).ok()?;
        self.restrict();
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        private(&mut options).open(self.dir.join("lock")).ok()
    }

    /// Removes other users' access to what an earlier version, another client or an unpacked backup
    /// left accessible. A directory that holds other files too keeps its mode.
    fn restrict(&self) {
        let Some(probe) = OwnershipProbe::new(&self.dir) else {
            return;
        };
        if Self::default_dir().as_ref() == Some(&self.dir) || has_only_credentials(&self.dir) {
            probe.restrict(&self.dir);
        }
        probe.restrict(&self.dir.join("tokens"));
        probe.restrict(&self.client_id_path());
        probe.restrict(&self.dir.join("lock"));
    }

    /// Returns the stored client id. A file without a valid one counts as no file.
    pub(crate) fn client_id(&self) -> Result<Option<ClientId>> {
        let path = self.client_id_path();
        match File::open(&path).and_then(read_limited) {
            Ok(bytes) => Ok(parse_client_id(&bytes)),
            // Also where the directory can never be: a home that is no directory.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(Error::io("read the client id", &path, error)),
        }
    }

    /// Stores a client id. An account depends on the previous one, so that is kept as a backup. If
    /// the id cannot be stored, only this process uses it.
    pub(crate) fn store_client_id(&self, id: &ClientId) {
        let path = self.client_id_path();
        let stored =
            back_up(&path).and_then(|()| write_private(&path, format!("{id}\n").as_bytes()));
        if let Err(error) = stored {
            tracing::warn!(%error, "the client id could not be stored; the next run is another account");
        }
    }

    /// Returns the stored token of this client id at this service, unless another user may have put
    /// it there: with another's token the work would go to another's account.
    pub(crate) fn token(&self, id: &ClientId) -> Option<AnonymousToken> {
        let path = self.token_path(id);
        let file = File::open(&path).ok()?;
        let metadata = file.metadata().ok()?;
        let probe = OwnershipProbe::new(&self.dir);
        let is_ours = match &probe {
            Some(probe) => probe.vouches_for(&metadata),
            None => mode_and_owner(&metadata).0 & WRITABLE_BY_OTHERS == 0,
        };
        if !is_ours {
            tracing::warn!("the stored token is not used: others can write its file");
            return None;
        }
        if let Some(probe) = probe {
            probe.restrict(&path);
        }
        let stored: StoredToken = serde_json::from_slice(&read_limited(file).ok()?).ok()?;
        (stored.client_id == *id && stored.api == self.api.as_str()).then_some(stored.token)
    }

    /// Takes over the tokens that killed processes had received and not renamed yet. The service
    /// would issue no other ones for a week.
    pub(crate) fn take_over_leftovers(&self) {
        for (path, file) in leftovers(&self.dir.join("tokens")) {
            let stored = read_limited(&file).ok().and_then(|json| {
                let stored: StoredToken = serde_json::from_slice(&json).ok()?;
                Some(token_path(&self.dir, &Url::parse(&stored.api).ok()?, &stored.client_id))
            });
            let done = match stored {
                Some(destination) => fs::rename(path, destination),
                None => fs::remove_file(path),
            };
            // Its lock ends only now: its process may live and be about to lock it, and would then
            // write into a file that is gone.
            drop(file);
            if let Err(error) = done {
                tracing::debug!(%error, "a token of a killed process could not be taken over");
            }
        }
    }

    /// Stores a token, and returns whether it was stored. A failure does not affect the call that
    /// needed it.
    pub(crate) fn store_token(&self, id: &ClientId, token: &AnonymousToken) -> bool {
        let token = token.clone();
        let stored = StoredToken { api: self.api.to_string(), client_id: id.clone(), token };
        // One left for the same account is older, and must not replace this one later.
        self.take_over_leftovers();
        let written = serde_json::to_vec(&stored)
            .map_err(io::Error::other)
            .and_then(|json| write_private(&self.token_path(id), &json));
        if let Err(error) = &written {
            tracing::warn!(%error, dir = %self.dir.display(), "the anonymous token could not be stored; this process alone has the account");
        }
        written.is_ok()
    }

    /// Removes the stored token if it is the rejected one. Requires the lock: between the check and
    /// the removal another process may store a new one.
    pub(crate) fn remove_token(&self, _lock: &StoreLock, id: &ClientId, rejected: &Secret) {
        let path = self.token_path(id);
        let stored = File::open(&path)
            .and_then(read_limited)
            .ok()
            .and_then(|json| serde_json::from_slice::<StoredToken>(&json).ok());
        if stored.is_some_and(|stored| stored.token.token == *rejected)
            && let Err(error) = fs::remove_file(path)
        {
            tracing::debug!(%error, "the rejected token could not be removed");
        }
    }

    fn client_id_path(&self) -> PathBuf {
        self.dir.join("client_id")
    }

    fn token_path(&self, id: &ClientId) -> PathBuf {
        token_path(&self.dir, &self.api, id)
    }
}

/// Returns a path for each account: a run under another client id must not cost this one its
/// token, which would not be issued again for a week.
fn token_path(dir: &Path, api: &Url, id: &ClientId) -> PathBuf {
    let host = api.host_str().unwrap_or("host");
    let port = api.port_or_known_default().unwrap_or(0);
    let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let name = format!("{host}_{port}_{id}").replace(|c| !is_safe(c), "_");
    dir.join("tokens").join(format!("{name}.json"))
}

/// Returns whether a directory holds nothing but what this module creates.
fn has_only_credentials(dir: &Path) -> bool {
    let is_ours = |name: &str| {
        matches!(name, "lock" | "tokens" | "client_id")
            || name.starts_with("client_id.old")
            || is_temporary(name)
    };
    fs::read_dir(dir).is_ok_and(|mut entries| {
        entries.all(|entry| {
            let name = entry.map(|entry| entry.file_name());
            name.as_ref().ok().and_then(|name| name.to_str()).is_some_and(is_ours)
        })
    })
}

fn read_limited(file: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads the id in the first line that is not blank. People write this file too, with editors that
/// put a byte order mark first.
fn parse_client_id(bytes: &[u8]) -> Option<ClientId> {
    let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}');
    let id = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    // An id need not be a UUID; the service decides. A word like `null` or `undefined` is rejected:
    // it would be an account that many installations share.
    let may_be_an_id = (8..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        && id.bytes().any(|byte| byte.is_ascii_digit());
    (may_be_an_id || Uuid::parse_str(id).is_ok()).then(|| ClientId::new(id))
}

/// Renames a client id to a backup.
fn back_up(path: &Path) -> io::Result<()> {
    let backup = |number| match number {
        1 => path.with_extension("old"),
        _ => path.with_extension(format!("old.{number}")),
    };
    let number = (1..MAX_BACKUPS).find(|number| fs::symlink_metadata(backup(*number)).is_err());
    let backup = backup(number.unwrap_or(MAX_BACKUPS));
    match fs::rename(path, &backup) {
        Ok(()) => {
            tracing::warn!(path = %backup.display(), "a client id was replaced; this is its backup");
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Creates a directory, and its parents, that only its owner can use.
fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Lets only the owner use the files that are created with these options.
fn private(options: &mut OpenOptions) -> &OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Writes a whole file or none.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    create_private_dir(path.parent().unwrap_or(Path::new(".")))?;
    let (mut file, temporary) = create_temporary(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    temporary.persist()
}

/// Creates a temporary file. What killed processes have left beside it stays: it may be a token.
fn create_temporary(destination: &Path) -> io::Result<(File, TempPath)> {
    TempPath::create_with(destination, private(OpenOptions::new().write(true).create_new(true)))
}

const OPEN_TO_OTHERS: u32 = 0o077;
const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// The metadata of a file that this process has just created in a directory: it shows who owns this
/// process's files, and which mode bits the file system there supports. On one that supports none,
/// every file seems open to all users, which means nothing.
#[derive(Debug)]
struct OwnershipProbe(Metadata);

impl OwnershipProbe {
    /// Removes first what killed processes have left there, such as their probes. `None` where no
    /// file can be created.
    fn new(dir: &Path) -> Option<Self> {
        remove_leftovers(dir);
        let (file, _temporary) = create_temporary(&dir.join("probe")).ok()?;
        file.metadata().ok().map(Self)
    }

    /// Returns whether only this process's own user can have written a file.
    fn vouches_for(&self, metadata: &Metadata) -> bool {
        self.is_mine(metadata) && self.open_to_others(metadata) & WRITABLE_BY_OTHERS == 0
    }

    /// Removes other users' access to a file or a directory that this process's user owns.
    fn restrict(&self, path: &Path) {
        // The target of a link is not ours to change.
        let Ok(metadata) = fs::symlink_metadata(path) else {
            return;
        };
        let (mode, _) = mode_and_owner(&metadata);
        // A directory with the sticky bit is a shared one, like `/tmp`.
        let is_ours = metadata.is_file() || (metadata.is_dir() && mode & STICKY == 0);
        if is_ours
            && self.is_mine(&metadata)
            && self.open_to_others(&metadata) != 0
            && let Err(error) = set_mode(path, mode & !OPEN_TO_OTHERS & 0o7777)
        {
            tracing::warn!(%error, "credentials could not be closed to others");
        }
    }

    fn is_mine(&self, metadata: &Metadata) -> bool {
        mode_and_owner(metadata).1 == mode_and_owner(&self.0).1
    }

    fn open_to_others(&self, metadata: &Metadata) -> u32 {
        mode_and_owner(metadata).0 & !mode_and_owner(&self.0).0 & OPEN_TO_OTHERS
    }
}

/// The mode bits of a file's metadata, and its owner. Where files have no modes, a user's own
/// directory is closed to others as it is.
#[cfg(unix)]
fn mode_and_owner(metadata: &Metadata) -> (u32, u32) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.mode(), metadata.uid())
}

#[cfg(not(unix))]
fn mode_and_owner(_: &Metadata) -> (u32, u32) {
    (0, 0)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use tempfile::TempDir;

    use super::*;

    fn store(dir: &Path, api: &str) -> CredentialStore {
        CredentialStore::new(dir.join("a").join("b"), Url::parse(api).unwrap())
    }

    /// A temporary directory, and an empty store below it.
    fn empty() -> (TempDir, CredentialStore) {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), "https://api.test");
        (dir, store)
    }

    /// A store with an id and the token `secret` in it, and the token's file.
    async fn with_token() -> (TempDir, CredentialStore, ClientId, PathBuf) {
        let (dir, store) = empty();
        let id = ClientId::generate();
        let _lock = store.lock().await.unwrap();
        store.store_client_id(&id);
        store.store_token(&id, &AnonymousToken::new("secret"));
        assert_eq!(store.token(&id).unwrap().token.expose(), "secret");
        let file = dir.path().join(format!("a/b/tokens/api.test_443_{id}.json"));
        (dir, store, id, file)
    }

    #[test]
    fn the_chosen_directory_comes_first_and_no_account_is_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        let [home, config] = ["home", "config"].map(|name| dir.path().join(name));
        let among = |chosen: &Path| {
            CredentialStore::dir_among(Some(chosen.to_owned()), Some(home.clone())).unwrap()
        };
        let (usual, chosen) = (home.join(".config/nemovideo"), config.join("nemovideo"));
        assert_eq!(CredentialStore::dir_among(None, Some(home.clone())), Some(usual.clone()));
        assert_eq!(CredentialStore::dir_among(None, None), None);
        assert_eq!(among(Path::new("relative")), usual);
        assert_eq!(among(Path::new("")), usual);
        assert_eq!(among(&config), chosen);
        assert_eq!(CredentialStore::dir_among(Some(config.clone()), None), Some(chosen.clone()));
        // The account that was there before is not lost, and is not mixed with one that is chosen.
        fs::create_dir_all(usual.join("tokens")).unwrap();
        assert_eq!(among(&config), usual);
        fs::create_dir_all(&chosen).unwrap();
        fs::write(chosen.join("client_id"), "0c4cb5f5-6a5e-4ef5-8ea9-ee5c4a51c0a5\n").unwrap();
        assert_eq!(among(&config), chosen);
    }

    #[tokio::test]
    async fn a_run_under_another_client_id_leaves_the_token_of_this_one() {
        let (_dir, store, id, _) = with_token().await;
        let other = ClientId::generate();
        store.store_token(&other, &AnonymousToken::new("another"));
        assert_eq!(store.token(&id).unwrap().token.expose(), "secret");
        assert_eq!(store.token(&other).unwrap().token.expose(), "another");
    }

    #[test]
    fn a_client_id_is_stored_as_one_line() {
        let (dir, store) = empty();
        assert_eq!(store.client_id().unwrap(), None);
        let id = ClientId::generate();
        store.store_client_id(&id);
        assert_eq!(store.client_id().unwrap(), Some(id.clone()));
        let text = fs::read_to_string(dir.path().join("a/b/client_id")).unwrap();
        assert_eq!(text, format!("{id}\n"));
    }

    #[test]
    fn whatever_the_client_id_replaces_is_backed_up() {
        let (dir, store) = empty();
        store.store_client_id(&ClientId::generate());
        let path = dir.path().join("a/b/client_id");
        fs::write(&path, "my account, see the note").unwrap();
        assert_eq!(store.client_id().unwrap(), None);
        let id = ClientId::generate();
        store.store_client_id(&id);
        assert_eq!(store.client_id().unwrap(), Some(id));
        let backup = fs::read_to_string(path.with_extension("old")).unwrap();
        assert_eq!(backup, "my account, see the note");
    }

    #[tokio::test]
    async fn a_token_that_a_killed_process_had_not_renamed_yet_is_taken_over() {
        let (dir, store, id, file) = with_token().await;
        let left = |name: &str| dir.path().join(format!("a/b/tokens/.nemovideo-{name:0>16}.part"));
        fs::rename(&file, left("0")).unwrap();
        fs::write(left("1"), "{\"api\":\"https://api.te").unwrap();
        assert_eq!(store.token(&id), None);
        store.take_over_leftovers();
        assert_eq!(store.token(&id).unwrap().token.expose(), "secret");
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
        // Not while its process lives.
        fs::rename(&file, left("2")).unwrap();
        let alive = File::open(left("2")).unwrap();
        alive.lock().unwrap();
        store.take_over_leftovers();
        assert_eq!(store.token(&id), None);
    }

    #[tokio::test]
    async fn a_token_that_a_killed_process_had_not_renamed_yet_outlasts_another_that_is_stored() {
        let (dir, store, id, file) = with_token().await;
        let left = dir.path().join("a/b/tokens/.nemovideo-0123456789abcdef.part");
        let other = ClientId::generate();
        for (stored, expected) in [(&other, "secret"), (&id, "newer")] {
            fs::rename(&file, &left).unwrap();
            store.store_token(stored, &AnonymousToken::new("newer"));
            store.take_over_leftovers();
            assert_eq!(store.token(&id).unwrap().token.expose(), expected);
            assert_eq!(store.token(&other).unwrap().token.expose(), "newer");
            assert!(!left.exists());
        }
    }

    #[tokio::test]
    async fn what_a_process_that_only_read_has_left_is_removed_by_the_next_one_that_reads() {
        let (dir, store, id, _) = with_token().await;
        let left = dir.path().join("a/b/.nemovideo-0123456789abcdef.part");
        fs::write(&left, "").unwrap();
        assert!(store.token(&id).is_some());
        assert!(!left.exists());
    }

    #[tokio::test]
    async fn a_token_is_stored_for_its_own_id_and_service_alone() {
        let (dir, here, id, _) = with_token().await;
        let there = store(dir.path(), "https://api.test:8443");
        assert_eq!(here.token(&ClientId::generate()), None);
        assert_eq!(there.token(&id), None);

        let lock = here.lock().await.unwrap();
        here.remove_token(&lock, &id, &Secret::new("another"));
        assert!(here.token(&id).is_some());
        here.remove_token(&lock, &id, &Secret::new("secret"));
        assert_eq!(here.token(&id), None);
    }

    #[test]
    fn a_token_is_stored_without_an_expiry_that_cannot_be_written() {
        let (_dir, store) = empty();
        let id = ClientId::generate();
        let year_9999 = Duration::from_secs(253_402_300_799);
        let ends = [
            (UNIX_EPOCH + Duration::from_millis(u64::MAX), false),
            (UNIX_EPOCH + year_9999 + Duration::from_secs(1), false),
            (UNIX_EPOCH - Duration::from_secs(1), false),
            (UNIX_EPOCH + year_9999, true),
            (UNIX_EPOCH, true),
        ];
        for (end, writable) in ends {
            let mut token = AnonymousToken::new("secret");
            token.expires_at = Some(end);
            store.store_token(&id, &token);
            assert_eq!(store.token(&id).unwrap().expires_at.is_some(), writable, "{end:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_process_at_a_time_locks_the_directory() {
        let (_dir, store) = empty();
        let held = store.lock().await.unwrap();
        assert!(matches!(store.try_lock(), LockAttempt::Busy));
        let (_, second) = tokio::join!(
            async {
                sleep(MAX_LOCKED).await;
                drop(held);
            },
            store.lock()
        );
        assert!(second.is_some(), "a holder is waited for as long as it may take");
        drop(second);
        assert!(matches!(store.try_lock(), LockAttempt::Locked(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_for_another_process_is_limited() {
        let (_dir, store) = empty();
        let _held = store.lock().await.unwrap();
        let started = Instant::now();
        assert!(store.lock().await.is_none());
        assert!(started.elapsed() >= LOCK_TIMEOUT);
    }

    #[test]
    fn a_directory_that_cannot_be_created_has_no_lock() {
        let (dir, store) = empty();
        fs::write(dir.path().join("a"), "a file").unwrap();
        assert!(matches!(store.try_lock(), LockAttempt::Impossible));
    }

    #[cfg(unix)]
    mod file_modes {
        use std::os::unix::fs::{PermissionsExt as _, chown};

        use super::*;

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o7777
        }

        fn set_mode(path: &Path, mode: u32) {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }

        const FILES: [&str; 2] = ["a/b/client_id", "a/b/lock"];
        const DIRECTORIES: [&str; 2] = ["a/b", "a/b/tokens"];

        fn assert_private(dir: &Path, token: &Path) {
            for (paths, private) in [(DIRECTORIES, 0o700), (FILES, 0o600)] {
                for path in paths {
                    assert_eq!(mode(&dir.join(path)), private, "{path}");
                }
            }
            assert_eq!(mode(token), 0o600);
        }

        #[tokio::test]
        async fn others_can_read_neither_files_nor_directories() {
            let (dir, _, _, token) = with_token().await;
            assert_private(dir.path(), &token);
            assert_eq!(mode(&dir.path().join("a")), 0o700);
            let left = fs::read_dir(dir.path().join("a/b")).unwrap().count();
            assert_eq!(left, 3, "nothing else is left behind");
        }

        #[tokio::test]
        async fn what_was_left_open_to_others_is_closed() {
            let (dir, store, id, token) = with_token().await;
            for path in DIRECTORIES {
                set_mode(&dir.path().join(path), 0o755);
            }
            for path in FILES {
                set_mode(&dir.path().join(path), 0o644);
            }
            drop(store.lock().await.unwrap());
            assert_eq!(
                store.token(&id).unwrap().token.expose(),
                "secret",
                "others could only read it"
            );
            assert_private(dir.path(), &token);
        }

        #[tokio::test]
        async fn a_directory_that_is_used_for_other_things_too_keeps_its_mode() {
            for (name, open) in [("a/b/report.pdf", 0o755), ("a/b/lock", 0o1777)] {
                let (dir, store, ..) = with_token().await;
                fs::write(dir.path().join(name), "").unwrap();
                let parent = dir.path().join("a/b");
                set_mode(&parent, open);
                drop(store.lock().await.unwrap());
                assert_eq!(mode(&parent), open);
                assert_eq!(mode(&dir.path().join("a/b/client_id")), 0o600);
            }
        }

        #[tokio::test]
        async fn a_token_that_others_can_write_is_not_used() {
            for open in [0o666, 0o620, 0o602] {
                let (_dir, store, id, token) = with_token().await;
                set_mode(&token, open);
                assert_eq!(store.token(&id), None, "{open:o}");
                // Closing it does not make it what it was.
                drop(store.lock().await.unwrap());
                assert_eq!(store.token(&id), None, "{open:o}");
                store.store_token(&id, &AnonymousToken::new("own"));
                assert_eq!(store.token(&id).unwrap().token.expose(), "own");
            }
        }

        #[tokio::test]
        async fn a_token_that_another_user_put_there_is_not_used() {
            let (_dir, store, id, token) = with_token().await;
            // Only the superuser can change the owner.
            if chown(&token, Some(12_345), None).is_ok() {
                assert_eq!(store.token(&id), None);
            }
        }
    }

    const ID: &str = "5ec2e7c1-1d00-4000-8000-000000000000";

    #[test]
    fn a_client_id_is_read_however_it_was_saved() {
        let marked = format!("\u{feff}{ID}\r\n");
        for bytes in [
            ID.as_bytes().to_vec(),
            format!("{ID}\n").into_bytes(),
            format!("\r\n \n\t{ID} \r\n").into_bytes(),
            format!("{ID}\nmade by hand\n").into_bytes(),
            marked.into_bytes(),
        ] {
            assert_eq!(parse_client_id(&bytes).unwrap().as_str(), ID, "{bytes:02x?}");
        }
        // Not ours, but an account may depend on it.
        assert_eq!(parse_client_id(b"client-4711\n").unwrap().as_str(), "client-4711");
    }

    #[test]
    fn what_cannot_be_a_client_id_is_none() {
        let long = "1".repeat(129);
        for text in [
            "",
            "\n\n",
            "not an id\r\nx-evil: 1",
            "null",
            "undefined",
            "4711",
            "<html>404</html>",
            "\"5ec2e7c1\"",
            "ä1234567",
            &long,
        ] {
            assert_eq!(parse_client_id(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_client_id(b"\xc3\x28\x99"), None);
        assert_eq!(parse_client_id(&[0; 36]), None);
    }

    #[test]
    fn the_first_backups_are_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("client_id");
        back_up(&path).unwrap();
        for number in 0..30 {
            fs::write(&path, number.to_string()).unwrap();
            back_up(&path).unwrap();
        }
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(read("client_id.old"), "0");
        assert_eq!(read("client_id.old.2"), "1");
        let files = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(files, usize::try_from(MAX_BACKUPS).unwrap());
    }
}
