//! Files that get their final name only once they are complete; knows no other module.
//!
//! A file is written under a temporary name in its destination's directory and renamed. A reader
//! finds the previous file or the whole new one, never a part of it. The process that writes a
//! temporary file holds a lock on it, which ends with the process: so the next one that writes into
//! the directory can tell what killed processes have left there, and removes it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// No other program's files begin like this.
const PREFIX: &str = ".nemovideo-";
const SUFFIX: &str = ".part";
/// The number of random hexadecimal digits between them.
const DIGITS: usize = 16;

/// How often a temporary file is created anew after another process took it for a leftover, in the
/// moment before it was locked.
const MAX_ATTEMPTS: u32 = 10;

/// A temporary name beside a destination. The file of that name is removed when this is dropped,
/// unless it was [persisted](Self::persist).
#[derive(Debug)]
pub(crate) struct TempPath {
    temporary: PathBuf,
    destination: PathBuf,
    is_persisted: bool,
}

impl TempPath {
    /// Creates a temporary file in the directory of `destination`, after removing what killed
    /// processes have left there. It is locked until it is closed.
    ///
    /// # Errors
    /// An error for a destination that is a directory, names no file, or has a name that the
    /// file system does not take; those of creating the file.
    pub(crate) fn create(destination: &Path) -> io::Result<(File, Self)> {
        remove_leftovers(directory_of(destination));
        Self::create_with(destination, OpenOptions::new().write(true).create_new(true))
    }

    /// As [`create`](Self::create), with options that create a new file for writing, and in a
    /// directory that is left as it is.
    pub(crate) fn create_with(
        destination: &Path,
        options: &OpenOptions,
    ) -> io::Result<(File, Self)> {
        check_destination(destination)?;
        for _ in 0..MAX_ATTEMPTS {
            let temporary = Self::beside(destination);
            let file = options.open(&temporary.temporary)?;
            if is_held(&file, &temporary.temporary) {
                return Ok((file, temporary));
            }
        }
        Err(io::Error::other("another process removes its temporary files"))
    }

    fn beside(destination: &Path) -> Self {
        // Its length does not depend on the destination's: a name of the maximum length leaves no
        // room for anything to be added.
        let random = Uuid::new_v4().simple().to_string();
        let name = format!("{PREFIX}{}{SUFFIX}", &random[..DIGITS]);
        Self {
            temporary: destination.with_file_name(name),
            destination: destination.to_owned(),
            is_persisted: false,
        }
    }

    /// Renames the temporary file to the destination, replacing what is there.
    pub(crate) fn persist(mut self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.destination)?;
        self.is_persisted = true;
        Ok(())
    }
}

impl Drop for TempPath {
    fn drop(&mut self) {
        if !self.is_persisted {
            // A file that cannot be removed stays behind; there is nobody to report it to.
            let _removed = fs::remove_file(&self.temporary);
        }
    }
}

fn check_destination(destination: &Path) -> io::Result<()> {
    if destination.file_name().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it names no file"));
    }
    if destination.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    // A name that is too long or invalid is reported now, not when the file is complete.
    match destination.symlink_metadata() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file that a path names, however it is spelt: through links, or a new one in another case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NamedFile {
    Existing(PathBuf),
    /// Names that differ in case alone may be those of one file.
    New(PathBuf),
}

impl NamedFile {
    pub(crate) fn of(path: &Path) -> Self {
        if let Ok(existing) = path.canonicalize() {
            return Self::Existing(existing);
        }
        let dir = directory_of(path);
        let dir = dir.canonicalize().or_else(|_| std::path::absolute(dir));
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        Self::New(dir.unwrap_or_default().join(name))
    }
}

/// Writes a file that has its name only once it is whole, in a directory that is left as it is.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (mut file, temporary) =
        TempPath::create_with(path, OpenOptions::new().write(true).create_new(true))?;
    io::Write::write_all(&mut file, bytes)?;
    temporary.persist()
}

/// Locks a new file, and returns whether it still has its name: another process may have taken it
/// for a leftover until it was locked.
pub(crate) fn is_held(file: &File, path: &Path) -> bool {
    // Where files cannot be locked, none is ever taken for a leftover.
    !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) && path.exists()
}

/// Removes the temporary files in a directory whose processes have ended.
pub(crate) fn remove_leftovers(dir: &Path) {
    for (path, _lock) in leftovers(dir) {
        // One that cannot be removed stays behind; there is nobody to report it to.
        let _removed = fs::remove_file(path);
    }
}

/// Returns the temporary files in a directory whose processes have ended, each opened and locked,
/// so that no other process takes it.
pub(crate) fn leftovers(dir: &Path) -> impl Iterator<Item = (PathBuf, File)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
        if !entry.file_name().to_str().is_some_and(is_temporary) || !is_file() {
            return None;
        }
        let file = OpenOptions::new().read(true).write(true).open(entry.path()).ok()?;
        file.try_lock().ok()?;
        Some((entry.path(), file))
    })
}

/// Returns whether a file name is one that [`TempPath`] picks.
pub(crate) fn is_temporary(name: &str) -> bool {
    let digits = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
    digits.is_some_and(|digits| {
        digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Checks whether a file can be written at `destination`, by creating and removing a temporary
/// file beside it.
pub(crate) fn ensure_writable(destination: &Path) -> io::Result<()> {
    TempPath::create(destination).map(drop)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_has_its_final_name_only_once_it_is_persisted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.mp4");
        fs::write(&path, "before").unwrap();
        let files = || fs::read_dir(dir.path()).unwrap().count();

        let (mut file, dropped) = TempPath::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(files(), 2);
        drop(dropped);
        assert_eq!((files(), fs::read_to_string(&path).unwrap().as_str()), (1, "before"));

        let (mut file, persisted) = TempPath::create(&path).unwrap();
        file.write_all(b"whole").unwrap();
        persisted.persist().unwrap();
        assert_eq!((files(), fs::read_to_string(&path).unwrap().as_str()), (1, "whole"));
    }

    #[test]
    fn a_destination_that_cannot_be_written_is_an_error_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["..", "no/such/out.mp4", &"a".repeat(300)] {
            assert!(ensure_writable(&dir.path().join(name)).is_err(), "{name}");
        }
        assert!(ensure_writable(dir.path()).is_err());
        ensure_writable(&dir.path().join("a".repeat(255))).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_is_the_same_however_its_path_is_spelt() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("sub")).unwrap();
        for name in ["a.png", "b.png"] {
            fs::write(path(name), name).unwrap();
        }
        let is_same = |a: &str, b: &str| NamedFile::of(&path(a)) == NamedFile::of(&path(b));
        assert!(is_same("a.png", "sub/../a.png") && !is_same("a.png", "b.png"));
        // Neither exists: on some systems, both would be one file.
        assert!(is_same("new.png", "sub/../NEW.png") && !is_same("new.png", "sub/new.png"));
        assert!(is_same("no/new.png", "no/new.png") && !is_same("new.png", "new.jpg"));
        // Where `A.png` is not `a.png`, it does not exist.
        assert_eq!(is_same("a.png", "A.png"), path("A.png").exists());
        #[cfg(unix)]
        {
            let link = |to: &str, name: &str| std::os::unix::fs::symlink(path(to), path(name));
            link("a.png", "link.png").unwrap();
            link("sub", "linked").unwrap();
            assert!(is_same("link.png", "a.png") && is_same("linked/new.png", "sub/new.png"));
        }
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_a_living_one_writes_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let foreign = [".other.part", "a.part", ".nemovideo-a", ".nemovideo-my-second-cut.part"];
        for name in foreign.into_iter().chain([".nemovideo-0123456789abcdef.part"]) {
            fs::write(path(name), "half").unwrap();
        }
        let (_alive, first) = TempPath::create(&path("out.mp4")).unwrap();
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(names.len(), foreign.len() + 1, "{names:?}");
        assert!(foreign.iter().all(|name| path(name).exists()), "{names:?}");
        ensure_writable(&path("b.mp4")).unwrap();
        first.persist().unwrap();
        assert!(path("out.mp4").exists());
        // A file without its process: its handle, and so its lock, is gone.
        let (file, left) = TempPath::create(&path("out.mp4")).unwrap();
        drop(file);
        ensure_writable(&path("b.mp4")).unwrap();
        assert!(!left.temporary.exists());
    }
}
