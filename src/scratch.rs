//! Temporary directories that do not outlive their owner: what a killed process has left is removed
//! by the next one.
//!
//! The owner holds an advisory lock, which the system releases when the process ends, however it
//! ends. Only what is not locked is removed, and only under the names that are given here.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;

use uuid::Uuid;

use crate::fs::is_held;

const PREFIX: &str = "nemovideo-";
/// The file within a directory that its owner has locked.
const LOCK: &str = ".nemovideo-lock";

/// A private directory below the system's one for temporary files. It is removed when this is
/// dropped, or by the next process that creates one.
#[derive(Debug)]
pub(crate) struct ScratchDir {
    path: PathBuf,
    /// Unlocked when it is closed, so after the directory was removed.
    _lock: File,
}

impl ScratchDir {
    /// Creates a directory that other users cannot read or change. The first call of a process
    /// removes those that killed processes have left.
    pub(crate) fn create() -> io::Result<Self> {
        static SWEPT: Once = Once::new();
        let parent = std::env::temp_dir();
        SWEPT.call_once(|| remove_abandoned_dirs(&parent));
        Self::create_in(&parent)
    }

    fn create_in(parent: &Path) -> io::Result<Self> {
        loop {
            let path = parent.join(format!("{PREFIX}{}", Uuid::new_v4().simple()));
            #[cfg_attr(not(unix), allow(unused_mut))]
            let mut builder = DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(&path)?;
            let lock = path.join(LOCK);
            // Another process may take the directory for an abandoned one until it is locked.
            match File::create_new(&lock) {
                Ok(file) if is_held(&file, &lock) => return Ok(Self { path, _lock: file }),
                Err(error)
                    if !matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists
                    ) =>
                {
                    let _removed = fs::remove_dir(&path);
                    return Err(error);
                }
                _ => {}
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the directory now. What cannot be removed is left to the next process.
    pub(crate) fn remove(&self) {
        remove_dir(&self.path);
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Removes a directory, the lock last: without it, the rest would belong to nobody.
fn remove_dir(path: &Path) {
    for inside in entries(path, |name| name != LOCK) {
        let _removed = match inside.is_dir() {
            true => fs::remove_dir_all(&inside),
            false => fs::remove_file(&inside),
        };
    }
    let is_removed = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
    if entries(path, |name| name != LOCK).is_empty()
        && fs::remove_file(path.join(LOCK)).map_or_else(is_removed, |()| true)
    {
        let _removed = fs::remove_dir(path);
    }
}

fn remove_abandoned_dirs(parent: &Path) {
    let is_ours = |name: &str| {
        let random = name.strip_prefix(PREFIX).unwrap_or_default();
        random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    for path in entries(parent, is_ours) {
        let lock = path.join(LOCK);
        match OpenOptions::new().read(true).write(true).open(&lock) {
            Ok(file) if file.try_lock().is_ok() => remove_dir(&path),
            Ok(_) => {}
            // Killed before it was locked: it is empty, or it is not ours.
            Err(_) => {
                let _removed = fs::remove_dir(&path);
            }
        }
    }
}

/// Returns the entries of a directory with certain names, links excepted.
fn entries(dir: &Path, is_named: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_str().is_some_and(&is_named))
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()))
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn only_a_directory_without_its_owner_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let owned = ScratchDir::create_in(parent.path()).unwrap();
        fs::write(owned.path().join("video.mp4"), "video").unwrap();
        // As a killed process leaves them: with everything in it, and before it was locked.
        let name = |digit: &str| format!("{PREFIX}{}", digit.repeat(32));
        let abandoned = parent.path().join(name("a"));
        fs::create_dir(&abandoned).unwrap();
        fs::write(abandoned.join(LOCK), "").unwrap();
        fs::write(abandoned.join("video.mp4"), "video").unwrap();
        fs::create_dir(parent.path().join(name("b"))).unwrap();
        // What people have made is not ours, whatever its name.
        let kept = [name("c"), "nemovideo-holiday".to_owned()];
        for name in &kept {
            fs::create_dir(parent.path().join(name)).unwrap();
            fs::write(parent.path().join(name).join("file"), "mine").unwrap();
        }

        remove_abandoned_dirs(parent.path());
        let own = owned.path().file_name().unwrap().to_str().unwrap().to_owned();
        let mut expected = [&[own][..], &kept].concat();
        expected.sort();
        assert_eq!(names(parent.path()), expected);
        assert!(owned.path().join("video.mp4").exists());
        drop(owned);
        assert_eq!(names(parent.path()), kept);
    }

    #[cfg(unix)]
    #[test]
    fn the_directory_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = ScratchDir::create().unwrap();
        let mode = fs::metadata(dir.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
