//! A file that is being written: under its final name only once it is whole.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};
use uuid::Uuid;

/// A temporary file beside its destination, removed unless it is [finished](Self::finish).
#[derive(Debug)]
pub(super) struct PartialFile {
    file: Option<File>,
    temporary: PathBuf,
    destination: PathBuf,
}

impl PartialFile {
    pub(super) async fn create(destination: &Path) -> io::Result<Self> {
        let temporary = temporary_beside(destination)?;
        let file = File::options().write(true).create_new(true).open(&temporary).await?;
        Ok(Self { file: Some(file), temporary, destination: destination.to_owned() })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(bytes).await,
            None => Err(io::Error::other("the file is finished")),
        }
    }

    /// Forgets what was written so far.
    pub(super) async fn restart(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.flush().await?;
            file.rewind().await?;
            file.set_len(0).await?;
        }
        Ok(())
    }

    /// Gives the file its final name, in place of whatever had it.
    pub(super) async fn finish(mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.flush().await?;
            file.sync_all().await?;
        }
        tokio::fs::rename(&self.temporary, &self.destination).await?;
        self.file = None;
        Ok(())
    }
}

/// Whether a file could be written here, found out by doing so; nothing is left behind.
pub(crate) fn can_be_written(destination: &Path) -> io::Result<()> {
    let temporary = temporary_beside(destination)?;
    std::fs::File::create_new(&temporary)?;
    std::fs::remove_file(&temporary)
}

/// A new name in the folder of a file that is to be written.
fn temporary_beside(destination: &Path) -> io::Result<PathBuf> {
    if destination.file_name().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it names no file"));
    }
    if destination.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    // What is too long or no name at all is found out now, not when all is there.
    match destination.symlink_metadata() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Short, whatever the file is called: a name that is just not too long for its folder would
    // be so with anything added.
    let random = Uuid::new_v4().simple().to_string();
    Ok(destination.with_file_name(format!(".{}.part", &random[..16])))
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Nothing more can be done about a file that does not go away.
            let _left = std::fs::remove_file(&self.temporary);
        }
    }
}
