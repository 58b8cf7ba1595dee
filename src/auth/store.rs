//! The credentials folder: the client id, and the anonymous tokens that hang on it.
//!
//! `client_id` holds one UUID and a line end, as the vendor's other clients write it; `tokens/`
//! holds one JSON file for each service address. Files have mode 0600, folders 0700; each is
//! written to a temporary name and renamed, so that no reader sees half of one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::Secret;
use crate::error::{Error, Result};
use crate::wire::{AnonymousToken, ClientId};

/// How long another process may hold the folder before this one goes on without it. It is held
/// for one token request, which has a clock of its own.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);
const LOCK_POLL: Duration = Duration::from_millis(25);

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

impl CredentialStore {
    pub(crate) fn new(dir: PathBuf, api: Url) -> Self {
        Self { dir, api }
    }

    /// `~/.config/nemovideo`, where the vendor's other clients keep theirs.
    pub(crate) fn default_dir() -> Option<PathBuf> {
        Some(std::env::home_dir()?.join(".config").join("nemovideo"))
    }

    /// Keeps other processes out of the folder. `None` when that cannot be had (a read-only
    /// home): the calls then do what they can without.
    pub(crate) async fn lock(&self) -> Option<StoreLock> {
        let path = self.dir.join("lock");
        private_folder(&self.dir).ok()?;
        let file = private_file(OpenOptions::new().write(true).create(true).truncate(false), &path)
            .ok()?;
        let began = std::time::Instant::now();
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

    /// The kept client id, or a new one that is kept from now on.
    pub(crate) async fn client_id(&self) -> Result<ClientId> {
        let path = self.dir.join("client_id");
        let kept = match fs::read_to_string(&path) {
            Ok(text) => first_uuid(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::io("read the client id", &path, error)),
        };
        match kept {
            Some(id) => Ok(id),
            None => self.new_client_id().await,
        }
    }

    /// A new client id in place of the kept one. Where it cannot be kept it serves this process
    /// alone.
    pub(crate) async fn new_client_id(&self) -> Result<ClientId> {
        let id = ClientId::generate();
        let path = self.dir.join("client_id");
        match write_private(&path, format!("{id}\n").as_bytes()) {
            Ok(()) => Ok(id),
            Err(error) => {
                tracing::warn!(%error, "the client id could not be kept; the next run is another account");
                Ok(id)
            }
        }
    }

    /// The kept token of this client id at this service, if there is one.
    pub(crate) async fn token(&self, id: &ClientId) -> Option<AnonymousToken> {
        let kept: KeptToken = serde_json::from_slice(&fs::read(self.token_path()).ok()?).ok()?;
        (kept.client_id == *id && kept.api == self.api.as_str()).then_some(kept.token)
    }

    /// Keeps a token. Not being able to is no reason to fail the call that needed it.
    pub(crate) async fn keep_token(&self, id: &ClientId, token: &AnonymousToken) {
        let kept =
            KeptToken { api: self.api.to_string(), client_id: id.clone(), token: token.clone() };
        let written = serde_json::to_vec(&kept)
            .map_err(io::Error::other)
            .and_then(|json| write_private(&self.token_path(), &json));
        if let Err(error) = written {
            tracing::warn!(%error, "the anonymous token could not be kept");
        }
    }

    /// Removes the kept token, unless another process has replaced it meanwhile.
    pub(crate) async fn forget_token(&self, refused: &Secret) {
        let path = self.token_path();
        let kept =
            fs::read(&path).ok().and_then(|json| serde_json::from_slice::<KeptToken>(&json).ok());
        if kept.is_some_and(|kept| kept.token.token == refused.expose()) {
            // Gone already is as good.
            let _gone = fs::remove_file(path);
        }
    }

    fn token_path(&self) -> PathBuf {
        let host = self.api.host_str().unwrap_or("host");
        let port = self.api.port_or_known_default().unwrap_or(0);
        let safe: String = host
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' })
            .collect();
        self.dir.join("tokens").join(format!("{safe}_{port}.json"))
    }
}

/// The UUID on the first line; a file with anything else in it is replaced.
fn first_uuid(text: &str) -> Option<ClientId> {
    let line = text.lines().next()?.trim();
    Uuid::parse_str(line).ok().map(|_| ClientId::new(line))
}

fn private_folder(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn private_file(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

/// Writes a file that others cannot read, whole or not at all.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    private_folder(dir)?;
    let temporary = dir.join(format!(".{}.tmp", Uuid::new_v4().simple()));
    let written = private_file(OpenOptions::new().write(true).create_new(true), &temporary)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error to report is the one above.
        let _left = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{CredentialStore, first_uuid};
    use crate::wire::{AnonymousToken, ClientId};

    fn store(dir: &std::path::Path, api: &str) -> CredentialStore {
        CredentialStore::new(dir.join("a").join("b"), Url::parse(api).unwrap())
    }

    #[tokio::test]
    async fn a_client_id_is_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), "https://api.test");
        let first = store.client_id().await.unwrap();
        assert_eq!(store.client_id().await.unwrap(), first);
        let text = std::fs::read_to_string(dir.path().join("a/b/client_id")).unwrap();
        assert_eq!(text, format!("{first}\n"));
    }

    #[tokio::test]
    async fn a_broken_client_id_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), "https://api.test");
        store.client_id().await.unwrap();
        let path = dir.path().join("a/b/client_id");
        std::fs::write(&path, "not an id\r\nx-evil: 1").unwrap();
        let id = store.client_id().await.unwrap();
        assert_eq!(first_uuid(&std::fs::read_to_string(path).unwrap()), Some(id));
    }

    #[tokio::test]
    async fn a_token_is_kept_for_its_own_id_and_service_alone() {
        let dir = tempfile::tempdir().unwrap();
        let here = store(dir.path(), "https://api.test");
        let there = store(dir.path(), "https://api.test:8443");
        let (id, other) = (ClientId::generate(), ClientId::generate());
        here.keep_token(&id, &AnonymousToken::new("secret")).await;
        assert_eq!(here.token(&id).await.unwrap().token, "secret");
        assert_eq!(here.token(&other).await, None);
        assert_eq!(there.token(&id).await, None);

        here.forget_token(&super::Secret::new("another")).await;
        assert!(here.token(&id).await.is_some());
        here.forget_token(&super::Secret::new("secret")).await;
        assert_eq!(here.token(&id).await, None);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn others_can_read_neither_files_nor_folders() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), "https://api.test");
        let _lock = store.lock().await.unwrap();
        let id = store.client_id().await.unwrap();
        store.keep_token(&id, &AnonymousToken::new("secret")).await;
        let mode = |path: &str| {
            std::fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o777
        };
        for (path, wanted) in [
            ("a", 0o700),
            ("a/b", 0o700),
            ("a/b/client_id", 0o600),
            ("a/b/lock", 0o600),
            ("a/b/tokens", 0o700),
            ("a/b/tokens/api.test_443.json", 0o600),
        ] {
            assert_eq!(mode(path), wanted, "{path}");
        }
    }

    #[tokio::test]
    async fn one_process_at_a_time_holds_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), "https://api.test");
        let held = store.lock().await.unwrap();
        let second = {
            let store = store.clone();
            tokio::spawn(async move { store.lock().await.is_some() })
        };
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(held);
        assert!(second.await.unwrap());
    }
}
