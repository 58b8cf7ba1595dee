//! Files and folders that nobody else can read or write.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// Makes a folder, and those above it, where there is none.
pub(super) fn folder(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

pub(super) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

/// Writes a file whole or not at all.
pub(super) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    folder(dir)?;
    let (mut file, temporary) = new_file(dir)?;
    let written = file
        .write_all(content)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error to report is the one above.
        let _left = fs::remove_file(&temporary);
    }
    written
}

/// Whether a name is one that [`write`] makes and renames.
pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}

fn new_file(dir: &Path) -> io::Result<(File, PathBuf)> {
    let path = dir.join(format!(".{}.tmp", Uuid::new_v4().simple()));
    let file = open(OpenOptions::new().write(true).create_new(true), &path)?;
    Ok((file, path))
}

/// Whether nobody but its owner can write a file.
pub(super) fn only_its_owner_writes(metadata: &Metadata) -> bool {
    modes::open_to_others(metadata) & 0o022 == 0
}

/// What a file looks like that this process has just made in a folder: it tells whose this
/// process's files are, and which modes the filesystem there keeps. On one that keeps none, every
/// file seems open to everybody, and that says nothing.
#[derive(Debug)]
pub(super) struct OwnershipProbe(Metadata);

impl OwnershipProbe {
    /// `None` where no file can be made.
    pub(super) fn in_folder(dir: &Path) -> Option<Self> {
        let (file, path) = new_file(dir).ok()?;
        let metadata = file.metadata();
        // It has said what it knows.
        let _left = fs::remove_file(path);
        metadata.ok().map(Self)
    }

    /// Whether nobody but this process's own user can have written a file.
    pub(super) fn vouches_for(&self, metadata: &Metadata) -> bool {
        self.is_mine(metadata) && self.open_to_others(metadata) & 0o022 == 0
    }

    /// Takes everybody else's rights to a file of one's own away.
    pub(super) fn close_file(&self, path: &Path) {
        self.close(path, Metadata::is_file);
    }

    /// The same for a folder. One with the sticky bit is meant for many, like `/tmp`.
    pub(super) fn close_folder(&self, path: &Path) {
        self.close(path, |metadata| metadata.is_dir() && !modes::is_sticky(metadata));
    }

    fn close(&self, path: &Path, is_right: impl Fn(&Metadata) -> bool) {
        // What a link points to is somebody else's to decide.
        let Ok(metadata) = fs::symlink_metadata(path) else {
            return;
        };
        if is_right(&metadata)
            && self.is_mine(&metadata)
            && self.open_to_others(&metadata) != 0
            && let Err(error) = modes::close(path, &metadata)
        {
            tracing::warn!(%error, "credentials could not be closed to others");
        }
    }

    fn is_mine(&self, metadata: &Metadata) -> bool {
        modes::owner(metadata) == modes::owner(&self.0)
    }

    fn open_to_others(&self, metadata: &Metadata) -> u32 {
        modes::open_to_others(metadata) & !modes::open_to_others(&self.0)
    }
}

#[cfg(unix)]
mod modes {
    use std::fs::{self, Metadata, Permissions};
    use std::io;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::path::Path;

    pub(super) fn owner(metadata: &Metadata) -> u32 {
        metadata.uid()
    }

    pub(super) fn open_to_others(metadata: &Metadata) -> u32 {
        metadata.mode() & 0o077
    }

    pub(super) fn is_sticky(metadata: &Metadata) -> bool {
        metadata.mode() & 0o1000 != 0
    }

    pub(super) fn close(path: &Path, metadata: &Metadata) -> io::Result<()> {
        fs::set_permissions(path, Permissions::from_mode(metadata.mode() & 0o7700))
    }
}

/// Where files have no modes, a user's own folder is closed to others as it is.
#[cfg(not(unix))]
mod modes {
    use std::fs::Metadata;
    use std::io;
    use std::path::Path;

    pub(super) fn owner(_: &Metadata) -> u32 {
        0
    }

    pub(super) fn open_to_others(_: &Metadata) -> u32 {
        0
    }

    pub(super) fn is_sticky(_: &Metadata) -> bool {
        false
    }

    pub(super) fn close(_: &Path, _: &Metadata) -> io::Result<()> {
        Ok(())
    }
}
