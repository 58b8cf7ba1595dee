//! The files beside a video: subtitles and a poster. Each is checked before anything is sent, and
//! written once the video is there. One that cannot be made is reported, and does not take the
//! video with it, which is paid for. And the file of a video that is wanted elsewhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::export::{SavedVideo, check_path, unwritable};
use crate::client::{NemoClient, RenderPolling};
use crate::draft::{Draft, SubtitleFormat};
use crate::error::{Error, Result};
use crate::fs::{NamedFile, write_whole};
use crate::protocol::{RenderFormat, RenderJob, RenderOutput, SessionId};
use crate::scratch::ScratchDir;

/// The files that are requested beside a video.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExtraFiles {
    pub(super) subtitles: Option<PathBuf>,
    pub(super) poster: Option<PathBuf>,
    /// The moment that the poster shows, in place of the one that the draft states.
    pub(super) poster_time: Option<Duration>,
}

/// A file beside a video that was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissedFile {
    /// Path of the file.
    pub path: PathBuf,
    /// Why it was not written, for people.
    pub reason: String,
}

impl ExtraFiles {
    /// Checks the paths.
    pub(super) fn check(&self) -> Result<()> {
        if let Some(path) = &self.subtitles {
            if SubtitleFormat::of(path).is_none() {
                return Err(unwritable(path, "its extension is none of .srt and .vtt"));
            }
            check_path(path)?;
        }
        if let Some(path) = &self.poster {
            poster_output(path)?;
            check_path(path)?;
        }
        Ok(())
    }

    /// Checks that neither the video nor a file beside it would replace one that is read, or another
    /// one of them.
    pub(super) fn check_apart<'p>(
        &self,
        video: &Path,
        read: impl IntoIterator<Item = &'p PathBuf>,
    ) -> Result<()> {
        let read: Vec<NamedFile> = read.into_iter().map(|path| NamedFile::of(path)).collect();
        let mut written = Vec::new();
        let beside = [&self.subtitles, &self.poster].into_iter().flatten();
        for path in std::iter::once(video).chain(beside.map(PathBuf::as_path)) {
            let file = NamedFile::of(path);
            if read.contains(&file) {
                return Err(unwritable(path, "the video is made of it"));
            }
            if written.contains(&file) {
                return Err(unwritable(path, "another file of the video has this name"));
            }
            written.push(file);
        }
        Ok(())
    }
}

/// Writes the subtitles of a draft, in the format that the extension stands for.
pub(super) fn write_subtitles(draft: &Draft, path: &Path) -> Result<(), MissedFile> {
    let missed = |reason: String| MissedFile { path: path.to_owned(), reason };
    // The path is checked.
    let format = SubtitleFormat::of(path).unwrap_or(SubtitleFormat::Srt);
    let text = draft.to_subtitles(format);
    let text = text.ok_or_else(|| missed("the video has no text for subtitles".to_owned()))?;
    write_whole(path, text.as_bytes()).map_err(|error| missed(error.to_string()))
}

/// Renders and downloads the poster of a draft.
pub(super) async fn save_poster(
    client: &NemoClient,
    session: &SessionId,
    draft: &Draft,
    path: &Path,
    time: Option<Duration>,
    polling: Option<RenderPolling>,
) -> Result<(), MissedFile> {
    let saved = async {
        let mut draft = draft.clone();
        if let Some(time) = time {
            // Past the end, it is the last moment.
            let time = time.min(draft.duration());
            let set = draft.edit().set_poster(time).map(drop);
            set.map_err(|error| Error::InvalidInput(error.to_string()))?;
        }
        let job = RenderJob::new(session.clone(), draft, poster_output(path)?);
        client.submit(&job).await?;
        let mut poller = client.wait_for_render(&job);
        if let Some(polling) = polling {
            poller = poller.polling(polling);
        }
        let image = poller.await?;
        client.download(&image, path).await.map(drop)
    };
    saved
        .await
        .map_err(|error: Error| MissedFile { path: path.to_owned(), reason: error.to_string() })
}

fn poster_output(path: &Path) -> Result<RenderOutput> {
    let extension = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
    match RenderFormat::from(extension) {
        format @ (RenderFormat::Jpg | RenderFormat::Png) => Ok(RenderOutput::new(format)),
        _ => Err(unwritable(path, "its extension is none of .jpg and .png")),
    }
}

/// A video in a private directory, which is removed with it.
pub(super) struct ScratchVideo {
    saved: SavedVideo,
    file: File,
    _dir: ScratchDir,
}

impl ScratchVideo {
    /// Makes a video that gets the name of `path`, with what saves it to another path.
    pub(super) async fn make<V: Future<Output = Result<SavedVideo>>>(
        path: &Path,
        make: impl FnOnce(PathBuf) -> V,
    ) -> Result<Self> {
        let name = PathBuf::from(path.file_name().unwrap_or("video.mp4".as_ref()));
        let dir = ScratchDir::create();
        let dir = dir.map_err(|error| Error::io("write", std::env::temp_dir(), error))?;
        let mut saved = make(dir.path().join(&name)).await?;
        let file = File::open(&saved.path).await;
        let file = file.map_err(|error| Error::io("read the video", &saved.path, error))?;
        saved.path = name;
        Ok(Self { saved, file, _dir: dir })
    }

    pub(super) async fn write_to(
        mut self,
        mut writer: impl AsyncWrite + Unpin + Send,
    ) -> Result<SavedVideo> {
        let written = async {
            tokio::io::copy(&mut self.file, &mut writer).await?;
            writer.flush().await
        };
        written.await.map_err(|error| Error::io("write", &self.saved.path, error))?;
        Ok(self.saved)
    }

    pub(super) async fn bytes(mut self) -> Result<(SavedVideo, Bytes)> {
        let mut bytes = Vec::new();
        let read = self.file.read_to_end(&mut bytes).await;
        read.map_err(|error| Error::io("read the video", &self.saved.path, error))?;
        Ok((self.saved, bytes.into()))
    }
}
