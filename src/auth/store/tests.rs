use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use url::Url;

use super::{CredentialStore, LOCK_PATIENCE, Locked};
use crate::auth::Secret;
use crate::auth::issue::LOCKED_AT_MOST;
use crate::protocol::{AnonymousToken, ClientId};

fn store(dir: &Path, api: &str) -> CredentialStore {
    CredentialStore::new(dir.join("a").join("b"), Url::parse(api).unwrap())
}

/// A store with an id and the token `secret` in it, and the token's file.
async fn with_token(dir: &Path) -> (CredentialStore, ClientId, PathBuf) {
    let store = store(dir, "https://api.test");
    let id = ClientId::generate();
    let _lock = store.lock().await.unwrap();
    store.keep_client_id(&id);
    store.keep_token(&id, &AnonymousToken::new("secret"));
    assert_eq!(store.token(&id).unwrap().token, "secret");
    let file = dir.join(format!("a/b/tokens/api.test_443_{id}.json"));
    (store, id, file)
}

#[tokio::test]
async fn a_run_under_another_client_id_leaves_the_token_of_this_one() {
    let dir = tempfile::tempdir().unwrap();
    let (store, id, _) = with_token(dir.path()).await;
    let other = ClientId::generate();
    store.keep_token(&other, &AnonymousToken::new("another"));
    assert_eq!(store.token(&id).unwrap().token, "secret");
    assert_eq!(store.token(&other).unwrap().token, "another");
}

#[test]
fn a_client_id_is_kept_as_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), "https://api.test");
    assert_eq!(store.client_id().unwrap(), None);
    let id = ClientId::generate();
    store.keep_client_id(&id);
    assert_eq!(store.client_id().unwrap(), Some(id.clone()));
    let text = fs::read_to_string(dir.path().join("a/b/client_id")).unwrap();
    assert_eq!(text, format!("{id}\n"));
}

#[test]
fn what_stood_in_a_client_ids_place_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), "https://api.test");
    store.keep_client_id(&ClientId::generate());
    let path = dir.path().join("a/b/client_id");
    fs::write(&path, "my account, see the note").unwrap();
    assert_eq!(store.client_id().unwrap(), None);
    let id = ClientId::generate();
    store.keep_client_id(&id);
    assert_eq!(store.client_id().unwrap(), Some(id));
    let aside = fs::read_to_string(path.with_extension("old")).unwrap();
    assert_eq!(aside, "my account, see the note");
}

#[tokio::test]
async fn a_token_is_kept_for_its_own_id_and_service_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (here, id, _) = with_token(dir.path()).await;
    let there = store(dir.path(), "https://api.test:8443");
    assert_eq!(here.token(&ClientId::generate()), None);
    assert_eq!(there.token(&id), None);

    let lock = here.lock().await.unwrap();
    here.forget_token(&lock, &id, &Secret::new("another"));
    assert!(here.token(&id).is_some());
    here.forget_token(&lock, &id, &Secret::new("secret"));
    assert_eq!(here.token(&id), None);
}

#[test]
fn a_token_is_kept_without_an_end_that_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), "https://api.test");
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
        store.keep_token(&id, &token);
        assert_eq!(store.token(&id).unwrap().expires_at.is_some(), writable, "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_process_at_a_time_holds_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), "https://api.test");
    let held = store.lock().await.unwrap();
    assert!(matches!(store.try_lock(), Locked::Elsewhere));
    let (_, second) = tokio::join!(
        async {
            tokio::time::sleep(LOCKED_AT_MOST).await;
            drop(held);
        },
        store.lock()
    );
    assert!(second.is_some(), "a holder is waited for as long as one may work");
    drop(second);
    assert!(matches!(store.try_lock(), Locked::Here(_)));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_never_gives_the_folder_back_is_not_waited_for_without_end() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), "https://api.test");
    let _held = store.lock().await.unwrap();
    let began = Instant::now();
    assert!(store.lock().await.is_none());
    assert!(began.elapsed() >= LOCK_PATIENCE);
}

#[test]
fn a_folder_that_cannot_be_made_has_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "a file").unwrap();
    let store = store(dir.path(), "https://api.test");
    assert!(matches!(store.try_lock(), Locked::Impossible));
}

#[cfg(unix)]
mod modes {
    use std::os::unix::fs::{PermissionsExt as _, chown};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    const FILES: [&str; 2] = ["a/b/client_id", "a/b/lock"];

    #[tokio::test]
    async fn others_can_read_neither_files_nor_folders() {
        let dir = tempfile::tempdir().unwrap();
        let (_, _, token) = with_token(dir.path()).await;
        assert_eq!(mode(&token), 0o600);
        for path in ["a", "a/b", "a/b/tokens"] {
            assert_eq!(mode(&dir.path().join(path)), 0o700, "{path}");
        }
        for path in FILES {
            assert_eq!(mode(&dir.path().join(path)), 0o600, "{path}");
        }
        let left = fs::read_dir(dir.path().join("a/b")).unwrap().count();
        assert_eq!(left, 3, "nothing else is left behind");
    }

    #[tokio::test]
    async fn what_was_left_open_to_others_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let (store, id, token) = with_token(dir.path()).await;
        for path in ["a/b", "a/b/tokens"] {
            set_mode(&dir.path().join(path), 0o755);
        }
        for path in FILES {
            set_mode(&dir.path().join(path), 0o644);
        }
        drop(store.lock().await.unwrap());
        assert_eq!(store.token(&id).unwrap().token, "secret", "others could only read it");
        for path in ["a/b", "a/b/tokens"] {
            assert_eq!(mode(&dir.path().join(path)), 0o700, "{path}");
        }
        for path in FILES {
            assert_eq!(mode(&dir.path().join(path)), 0o600, "{path}");
        }
        assert_eq!(mode(&token), 0o600);
    }

    #[tokio::test]
    async fn a_folder_that_is_used_for_other_things_too_keeps_its_mode() {
        for (name, open) in [("a/b/report.pdf", 0o755), ("a/b/lock", 0o1777)] {
            let dir = tempfile::tempdir().unwrap();
            let (store, ..) = with_token(dir.path()).await;
            fs::write(dir.path().join(name), "").unwrap();
            let folder = dir.path().join("a/b");
            set_mode(&folder, open);
            drop(store.lock().await.unwrap());
            assert_eq!(mode(&folder), open);
            assert_eq!(mode(&dir.path().join("a/b/client_id")), 0o600);
        }
    }

    #[tokio::test]
    async fn a_token_that_others_can_write_is_not_used() {
        for open in [0o666, 0o620, 0o602] {
            let dir = tempfile::tempdir().unwrap();
            let (store, id, token) = with_token(dir.path()).await;
            set_mode(&token, open);
            assert_eq!(store.token(&id), None, "{open:o}");
            // Closing it does not make it what it was.
            drop(store.lock().await.unwrap());
            assert_eq!(store.token(&id), None, "{open:o}");
            store.keep_token(&id, &AnonymousToken::new("own"));
            assert_eq!(store.token(&id).unwrap().token, "own");
        }
    }

    #[tokio::test]
    async fn a_token_that_another_user_put_there_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let (store, id, token) = with_token(dir.path()).await;
        // Only the superuser can give a file away.
        if chown(&token, Some(12_345), None).is_ok() {
            assert_eq!(store.token(&id), None);
        }
    }
}

#[test]
fn the_clock_of_now_can_be_written() {
    assert!(super::is_writable(SystemTime::now()));
}
