//! The files on disk: uploads, speech, films. Each has an id that cannot be guessed, under which
//! a draft names it and `/files/` serves it. What a file means is left to whoever asks for it.

use std::collections::HashMap;
use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tempfile::{TempDir, TempPath};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use url::Url;
use uuid::Uuid;

use super::engine::Engine;
use crate::protocol::{FileFormat, SessionId, UploadedFile};

#[derive(Debug)]
pub(super) struct Library {
    root: PathBuf,
    files: Mutex<HashMap<String, Arc<StoredFile>>>,
    /// Removed with everything in it when the backend goes.
    _private: Option<TempDir>,
}

impl Library {
    /// In a directory of the user's, where files stay, or in a private one that goes away.
    pub(super) fn open(data_dir: Option<&Path>) -> Result<Self, (PathBuf, io::Error)> {
        let (root, private) = match data_dir {
            Some(dir) => (dir.join("files"), None),
            None => {
                let mut builder = tempfile::Builder::new();
                builder.prefix("nemovideo-");
                #[cfg(unix)]
                builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
                let dir = builder.tempdir().map_err(|error| (std::env::temp_dir(), error))?;
                (dir.path().to_owned(), Some(dir))
            }
        };
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&root).map_err(|error| (root.clone(), error))?;
        // Found out now rather than at the first upload.
        tempfile::tempfile_in(&root).map_err(|error| (root.clone(), error))?;
        Ok(Self { root, files: Mutex::default(), _private: private })
    }

    /// A place for a file that is yet to be written.
    pub(super) fn place(&self, format: FileFormat) -> Place {
        let id = Uuid::new_v4().simple().to_string();
        let path = self.root.join(format!("{id}.{format}"));
        Place { id, path, format }
    }

    /// A file that comes in piece by piece.
    pub(super) fn receive(&self, format: FileFormat) -> io::Result<Incoming> {
        let place = self.place(format);
        let (file, temp) =
            tempfile::Builder::new().prefix("incoming-").tempfile_in(&self.root)?.into_parts();
        Ok(Incoming { place, file: File::from_std(file), temp, hash: Sha256::new(), size: 0 })
    }

    pub(super) fn add(&self, file: StoredFile) -> Arc<StoredFile> {
        let file = Arc::new(file);
        self.files().insert(file.id.clone(), Arc::clone(&file));
        file
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<StoredFile>> {
        self.files().get(id).cloned()
    }

    fn files(&self) -> MutexGuard<'_, HashMap<String, Arc<StoredFile>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a file will lie.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) path: PathBuf,
    pub(super) format: FileFormat,
}

impl Place {
    /// The file, now that it is there.
    pub(super) fn stored(self, session: SessionId, name: impl Into<String>) -> StoredFile {
        let Self { id, path, format } = self;
        let size = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        StoredFile {
            id,
            path,
            format,
            session,
            name: name.into(),
            size,
            hash: None,
            facts: Facts::default(),
        }
    }
}

#[derive(Debug)]
pub(super) struct StoredFile {
    pub(super) id: String,
    pub(super) path: PathBuf,
    pub(super) format: FileFormat,
    /// Whose it is: a draft of another session does not get it.
    pub(super) session: SessionId,
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) hash: Option<String>,
    pub(super) facts: Facts,
}

/// What can be told of a file by looking into it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    pub(super) size: Option<(u32, u32)>,
    pub(super) duration: Option<Duration>,
}

impl StoredFile {
    /// Where it is served: whoever knows the address may have it.
    pub(super) fn url(&self, base: &str) -> String {
        let plain = format!("{base}/files/{}", self.id);
        let Ok(mut url) = Url::parse(&plain) else { return plain };
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(&self.name);
        }
        url.into()
    }

    pub(super) fn uploaded(&self, base: &str) -> UploadedFile {
        UploadedFile {
            filename: self.name.clone(),
            file_type: Some(self.format.file_type),
            cdn_url: Some(self.url(base)),
            duration: self.facts.duration.map(|duration| duration.as_secs_f64()),
            width: self.facts.size.map(|(width, _)| width),
            height: self.facts.size.map(|(_, height)| height),
            fps: None,
            hash: self.hash.clone(),
        }
    }
}

/// A file on its way to disk. Dropped before it is kept, it is gone.
#[derive(Debug)]
pub(super) struct Incoming {
    place: Place,
    file: File,
    temp: TempPath,
    hash: Sha256,
    size: u64,
}

impl Incoming {
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.size += bytes.len() as u64;
        self.hash.update(bytes);
        self.file.write_all(bytes).await
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Closes the file and gives it its place.
    pub(super) async fn keep(mut self, session: SessionId, name: String) -> io::Result<Kept> {
        self.file.flush().await?;
        self.temp.persist(&self.place.path).map_err(|error| error.error)?;
        let hash = self.hash.finalize();
        let mut stored = self.place.stored(session, name);
        stored.hash = Some(hash.iter().map(|byte| format!("{byte:02x}")).collect());
        Ok(Kept(Some(stored)))
    }
}

/// A file in its place that nobody has taken yet. Dropped before that, it is gone: another file of
/// the same upload may be refused.
#[derive(Debug)]
pub(super) struct Kept(Option<StoredFile>);

impl Kept {
    pub(super) fn look(&mut self, engine: &dyn Engine) {
        if let Some(file) = &mut self.0 {
            file.facts = engine.look(file);
        }
    }

    pub(super) fn take(mut self) -> StoredFile {
        self.0.take().unwrap_or_else(|| unreachable!("it is taken once"))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(file) = &self.0
            && let Err(error) = std::fs::remove_file(&file.path)
        {
            tracing::warn!(%error, "a refused upload was left behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Library;
    use crate::protocol::FileFormat;

    #[tokio::test]
    async fn a_file_that_is_not_kept_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let library = Library::open(Some(dir.path())).unwrap();
        let count = || std::fs::read_dir(dir.path().join("files")).unwrap().count();
        let format = FileFormat::of("a b?.txt").unwrap();

        let mut dropped = library.receive(format).unwrap();
        dropped.write(b"half").await.unwrap();
        assert_eq!(count(), 1);
        drop(dropped);
        assert_eq!(count(), 0);

        let mut kept = library.receive(format).unwrap();
        kept.write(b"abc").await.unwrap();
        let kept = kept.keep("s".into(), "a b?.txt".to_owned()).await.unwrap();
        let kept = library.add(kept.take());
        assert_eq!(count(), 1);
        let unwanted = library.receive(format).unwrap();
        let unwanted = unwanted.keep("s".into(), "b.txt".to_owned()).await.unwrap();
        assert_eq!(count(), 2);
        drop(unwanted);
        assert_eq!(count(), 1);
        assert_eq!(kept.size, 3);
        let hash = kept.hash.as_deref().unwrap();
        assert!(hash.starts_with("ba7816bf") && hash.len() == 64, "{hash}");
        let url = kept.url("http://127.0.0.1:1");
        assert_eq!(url, format!("http://127.0.0.1:1/files/{}/a%20b%3F.txt", kept.id));
        assert!(library.find(&kept.id).is_some());
    }

    #[test]
    fn the_private_directory_is_closed_to_others_and_goes_away() {
        let library = Library::open(None).unwrap();
        let root = library.root.clone();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
        }
        drop(library);
        assert!(!root.exists());
    }
}
