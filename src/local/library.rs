//! The files on disk: uploads, speech and videos. Each has an id that cannot be guessed, by which a
//! draft refers to it and `/files/` serves it.

use std::collections::HashMap;
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::engine::{Engine, EngineError};
use super::store::StoreError;
use crate::fs::{TempPath, ensure_writable};
use crate::protocol::{FileFormat, SessionId, UploadedFile};
use crate::scratch::ScratchDir;
use crate::sync::lock;

#[derive(Debug)]
pub(crate) struct Library {
    root: PathBuf,
    files: Mutex<HashMap<String, Arc<StoredFile>>>,
    /// Removed with its contents when the backend is dropped.
    private: Option<ScratchDir>,
}

impl Library {
    /// Opens a library in a directory of the user, where files stay, or in a private temporary one.
    pub(crate) fn open(root: Option<PathBuf>) -> Result<Self, (PathBuf, io::Error)> {
        let (root, private) = match root {
            Some(root) => (root, None),
            None => {
                let dir = ScratchDir::create().map_err(|error| (std::env::temp_dir(), error))?;
                (dir.path().to_owned(), Some(dir))
            }
        };
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&root).map_err(|error| (root.clone(), error))?;
        // Reports a directory that is not writable now, not at the first upload, and removes what
        // killed processes have left there. Another backend may use the same directory.
        ensure_writable(&root.join("file")).map_err(|error| (root.clone(), error))?;
        Ok(Self { root, files: Mutex::default(), private })
    }

    /// Removes the private directory, if this is one.
    pub(crate) fn remove_private(&self) {
        if let Some(private) = &self.private {
            private.remove();
        }
    }

    /// Removes files that were not written whole, and names their directory in the error.
    pub(crate) fn not_written<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p Path>,
        mut error: EngineError,
    ) -> EngineError {
        for path in paths {
            let _removed = std::fs::remove_file(path);
        }
        if error.code == "IO" {
            let directory = self.root.display();
            error.message = format!("{} (in the directory {directory})", error.message);
        }
        error
    }

    /// Returns the error of storing a file.
    pub(crate) fn error(&self, source: io::Error) -> StoreError {
        StoreError::new(&self.root, source)
    }

    /// Returns an id and a path for a new file.
    pub(crate) fn new_path(&self, format: FileFormat) -> FilePath {
        self.path_of(Uuid::new_v4().simple().to_string(), format)
    }

    /// Returns the path of the file of an id.
    pub(crate) fn path_of(&self, id: String, format: FileFormat) -> FilePath {
        let path = self.root.join(format!("{id}.{format}"));
        FilePath { id, path, format }
    }

    /// Creates a file whose content arrives in chunks.
    pub(crate) fn receive(&self, format: FileFormat) -> io::Result<IncomingFile> {
        let path = self.new_path(format);
        let (file, temp) =
            TempPath::create_with(&path.path, OpenOptions::new().write(true).create_new(true))?;
        Ok(IncomingFile { path, file: File::from_std(file), temp, hash: Sha256::new(), size: 0 })
    }

    /// Removes the files that nobody knows of: a process was killed after it had written them.
    #[cfg(feature = "persistence")]
    pub(crate) fn remove_unknown(&self) -> io::Result<()> {
        let files = lock(&self.files);
        for entry in std::fs::read_dir(&self.root)? {
            let path = entry?.path();
            let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let is_ours = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_ours && !files.contains_key(id) {
                remove_file(&path);
            }
        }
        Ok(())
    }

    pub(crate) fn add(&self, file: StoredFile) -> Arc<StoredFile> {
        let file = Arc::new(file);
        lock(&self.files).insert(file.id.clone(), Arc::clone(&file));
        file
    }

    /// Returns the number of files that are known, and of those on the disk.
    #[cfg(test)]
    pub(crate) fn count(&self) -> (usize, usize) {
        (lock(&self.files).len(), std::fs::read_dir(&self.root).expect("a directory").count())
    }

    /// Removes a file that nobody knows of.
    pub(crate) fn remove(&self, file: &StoredFile) {
        lock(&self.files).remove(&file.id);
        remove_file(&file.path);
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<StoredFile>> {
        lock(&self.files).get(id).cloned()
    }
}

/// Identity and path of a file that is yet to be written.
#[derive(Clone, Debug)]
pub(crate) struct FilePath {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    pub(crate) format: FileFormat,
}

impl FilePath {
    /// Returns the entry of the written file.
    pub(crate) fn stored(self, session: SessionId, name: impl Into<String>) -> StoredFile {
        let Self { id, path, format } = self;
        let size = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        StoredFile {
            id,
            path,
            format,
            session,
            name: name.into(),
            source: None,
            size,
            hash: None,
            info: MediaInfo::default(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct StoredFile {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    pub(crate) format: FileFormat,
    /// The session to which it belongs; drafts of other sessions cannot use it.
    pub(crate) session: SessionId,
    pub(crate) name: String,
    /// The URL from which it was fetched.
    pub(crate) source: Option<String>,
    pub(crate) size: u64,
    pub(crate) hash: Option<String>,
    pub(crate) info: MediaInfo,
}

/// What an image or audio file says about itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MediaInfo {
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) duration: Option<Duration>,
}

impl StoredFile {
    /// Returns the URL at which it is served to whoever knows it.
    pub(crate) fn url(&self, base: &str) -> String {
        let plain = format!("{base}/files/{}", self.id);
        let Ok(mut url) = Url::parse(&plain) else { return plain };
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(&self.name);
        }
        url.into()
    }

    pub(crate) fn uploaded(&self, base: &str) -> UploadedFile {
        UploadedFile {
            filename: self.name.clone(),
            file_type: Some(self.format.file_type),
            cdn_url: Some(self.url(base)),
            duration: self.info.duration.map(|duration| duration.as_secs_f64()),
            width: self.info.size.map(|(width, _)| width),
            height: self.info.size.map(|(_, height)| height),
            fps: None,
            hash: self.hash.clone(),
        }
    }
}

/// A file that is being received. It is removed on drop, unless it was finished.
#[derive(Debug)]
pub(crate) struct IncomingFile {
    path: FilePath,
    file: File,
    temp: TempPath,
    hash: Sha256,
    size: u64,
}

impl IncomingFile {
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.size += bytes.len() as u64;
        self.hash.update(bytes);
        self.file.write_all(bytes).await
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Closes the file and moves it to its path.
    pub(crate) async fn finish(
        mut self,
        session: SessionId,
        name: String,
    ) -> io::Result<StagedFile> {
        self.file.flush().await?;
        self.temp.persist()?;
        let hash = self.hash.finalize();
        let mut stored = self.path.stored(session, name);
        stored.hash = Some(hash.iter().map(|byte| format!("{byte:02x}")).collect());
        Ok(StagedFile(Some(stored)))
    }
}

/// A received file that is not in the library yet. It is removed on drop, because another file of
/// the same upload may be rejected.
#[derive(Debug)]
pub(crate) struct StagedFile(Option<StoredFile>);

impl StagedFile {
    pub(crate) fn probe(
        &mut self,
        engine: &dyn Engine,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        if let Some(file) = &mut self.0 {
            file.info = engine.probe(file, cancel)?;
        }
        Ok(())
    }

    pub(crate) fn size(&self) -> u64 {
        self.0.as_ref().map_or(0, |file| file.size)
    }

    pub(crate) fn take(mut self) -> StoredFile {
        self.0.take().unwrap_or_else(|| unreachable!("a staged file is taken once, by value"))
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if let Some(file) = &self.0 {
            remove_file(&file.path);
        }
    }
}

fn remove_file(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "a file that is not needed could not be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::Library;
    use crate::protocol::FileFormat;

    #[tokio::test]
    async fn a_file_that_is_not_finished_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let library = Library::open(Some(dir.path().join("files"))).unwrap();
        let count = || std::fs::read_dir(dir.path().join("files")).unwrap().count();
        let format = FileFormat::of("a b?.txt").unwrap();

        let mut dropped = library.receive(format).unwrap();
        dropped.write(b"half").await.unwrap();
        assert_eq!(count(), 1);
        drop(dropped);
        assert_eq!(count(), 0);

        let mut kept = library.receive(format).unwrap();
        kept.write(b"abc").await.unwrap();
        let kept = kept.finish("s".into(), "a b?.txt".to_owned()).await.unwrap();
        let kept = library.add(kept.take());
        assert_eq!(count(), 1);
        let unwanted = library.receive(format).unwrap();
        let unwanted = unwanted.finish("s".into(), "b.txt".to_owned()).await.unwrap();
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
    fn the_private_directory_is_closed_to_others_and_removed() {
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
