//! Files that get their final name only once they are complete; knows no other module.
//!
//! A file is written under a temporary name in its destination's directory and renamed. A reader
//! finds the previous file or the whole new one, never a part of it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

const PREFIX: &str = ".";
const SUFFIX: &str = ".part";

/// A temporary name beside a destination. The file of that name is removed when this is dropped,
/// unless it was [persisted](Self::persist).
#[derive(Debug)]
pub(crate) struct TempPath {
    temporary: PathBuf,
    destination: PathBuf,
    is_persisted: bool,
}

impl TempPath {
    /// Picks an unused name in the directory of `destination`. Nothing is created.
    ///
    /// # Errors
    /// An error for a destination that is a directory, names no file, or has a name that the
    /// file system does not take.
    pub(crate) fn beside(destination: &Path) -> io::Result<Self> {
        if destination.file_name().is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it names no file"));
        }
        if destination.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        }
        // A name that is too long or invalid is reported now, not when the file is complete.
        match destination.symlink_metadata() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Its length does not depend on the destination's: a name of the maximum length leaves no
        // room for anything to be added.
        let random = Uuid::new_v4().simple().to_string();
        let name = format!("{PREFIX}{}{SUFFIX}", &random[..16]);
        Ok(Self {
            temporary: destination.with_file_name(name),
            destination: destination.to_owned(),
            is_persisted: false,
        })
    }

    /// Returns the temporary path.
    pub(crate) fn path(&self) -> &Path {
        &self.temporary
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

/// Returns whether a file name is one that [`TempPath`] picks.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// Checks whether a file can be written at `destination`, by creating and removing a temporary
/// file beside it.
pub(crate) fn ensure_writable(destination: &Path) -> io::Result<()> {
    let temporary = TempPath::beside(destination)?;
    File::create_new(temporary.path()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_final_name_only_once_it_is_persisted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.mp4");
        fs::write(&path, "before").unwrap();
        let files = || fs::read_dir(dir.path()).unwrap().count();

        let dropped = TempPath::beside(&path).unwrap();
        fs::write(dropped.path(), "half").unwrap();
        assert_eq!(files(), 2);
        drop(dropped);
        assert_eq!((files(), fs::read_to_string(&path).unwrap().as_str()), (1, "before"));

        let persisted = TempPath::beside(&path).unwrap();
        fs::write(persisted.path(), "whole").unwrap();
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
}
