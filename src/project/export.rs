//! The file of a project: which draft is rendered, into what, and where it is saved.

use std::fmt;
use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::io::AsyncWrite;
use tokio_util::sync::CancellationToken;

use super::files::{ExtraFiles, MissedFile, ScratchVideo};
use super::handle::{Control, JobHandle, RunControl};
use super::pipeline::{self, JobStream, OnProgress, SaveJob};
use super::progress::{JobProgress, JobStage};
use super::{Project, TurnReport};
use crate::client::{RenderPolling, RenderedVideo};
use crate::draft::Draft;
use crate::error::{Error, Result};
use crate::fs::ensure_writable;
use crate::protocol::{RenderFormat, RenderJob, RenderOutput};

/// A video that was rendered and downloaded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SavedVideo {
    /// Path of the file; its name alone if the video was not saved to a path.
    pub path: PathBuf,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// The render that the file was downloaded from.
    pub video: RenderedVideo,
    /// The timeline that was rendered.
    pub draft: Draft,
    /// What the agent said and what it cost: `None` for an export, and for a video whose message
    /// was finished by an earlier process.
    pub report: Option<TurnReport>,
    /// Path of the subtitles, if they were requested and written.
    pub subtitles: Option<PathBuf>,
    /// Path of the poster, if it was requested and written.
    pub poster: Option<PathBuf>,
    /// The files that were requested beside the video and are not there.
    pub missed: Vec<MissedFile>,
}

/// An export that is about to be made; `.await` renders it and saves the file.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use nemovideo::local::LocalBackend;
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = backend.client();
/// # let project = client.project("demo").await?;
/// # let dir = tempfile::tempdir()?;
/// # let out = dir.path().join("out.wav");
/// use nemovideo::RenderOutput;
///
/// project.say("narrate: Good morning.").await?.finish().await?;
///
/// // The session's draft, edited locally and exported as audio only.
/// let mut draft = project.draft().await?.ok_or("nothing was made")?;
/// draft.edit().set_track_volume(1, 0.5)?;
/// let saved = project.export().draft(draft).output(RenderOutput::wav()).save_to(&out).await?;
/// assert_eq!(std::fs::metadata(&out)?.len(), saved.bytes);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "an export is made when it is awaited"]
pub struct Export {
    project: Project,
    output: Option<RenderOutput>,
    save_to: Option<PathBuf>,
    draft: Option<Draft>,
    polling: Option<RenderPolling>,
    files: ExtraFiles,
    on_progress: Option<OnProgress>,
    control: Control,
    stage: JobStage,
    /// The file that the user named.
    pub(super) named_file: Option<PathBuf>,
}

impl Project {
    /// Renders the timeline and saves the file.
    ///
    /// # Errors
    /// [`Error::Busy`] while a turn is in progress, since it changes the timeline;
    /// [`Error::InvalidInput`] if there is nothing to export yet, or the file cannot be written;
    /// those of [`submit_render`](crate::NemoClient::submit_render),
    /// [`wait_for_render`](crate::NemoClient::wait_for_render) and
    /// [`download`](crate::NemoClient::download); [`Error::Interrupted`] after a
    /// [deadline](Export::deadline), or when it was [cancelled](Export::cancel_with).
    ///
    /// # Cancel safety
    /// If the future is dropped, the render continues. Its job is in the last
    /// [`JobProgress::Submitting`], from which [`resume`](Export::resume) continues.
    pub fn export(&self) -> Export {
        Export {
            project: self.clone(),
            output: None,
            save_to: None,
            draft: None,
            polling: None,
            files: ExtraFiles::default(),
            on_progress: None,
            control: Control::default(),
            stage: JobStage::Waiting,
            named_file: None,
        }
    }
}

impl Export {
    /// Sets the format and the quality of the file. The default is the format that the extension of
    /// [`save_to`](Self::save_to) stands for, else MP4.
    pub fn output(mut self, output: RenderOutput) -> Self {
        self.output = Some(output);
        self
    }

    /// Sets the path of the file. The default is `export.mp4`, or `export` with the extension of
    /// another format.
    pub fn save_to(mut self, path: impl Into<PathBuf>) -> Self {
        self.save_to = Some(path.into());
        self
    }

    /// Writes the subtitles as well: `.srt` or `.vtt`. See [`Draft::to_srt`] for which text they
    /// have; where captions are shown word by word, a `.vtt` has the time of each word.
    pub fn subtitles(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.subtitles = Some(path.into());
        self
    }

    /// Saves a poster as well, `.jpg` or `.png`: the moment that the draft states, or else an early
    /// one.
    pub fn poster(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.poster = Some(path.into());
        self
    }

    /// Saves a [poster](Self::poster) that shows the video at a time; past its end, the last moment.
    pub fn poster_at(mut self, path: impl Into<PathBuf>, time: Duration) -> Self {
        self.files.poster_time = Some(time);
        self.poster(path)
    }

    /// Sets a locally edited draft to render in place of the session's.
    pub fn draft(mut self, draft: Draft) -> Self {
        self.draft = Some(draft);
        self
    }

    /// Sets the pace of the polls, in place of the client's.
    pub fn polling(mut self, polling: RenderPolling) -> Self {
        self.polling = Some(polling);
        self
    }

    /// Ends the work with [`Error::Interrupted`] when it has taken so long, from its first step on.
    /// The error holds what to continue from: see [`resume`](Self::resume). A file that was saved by
    /// then is returned, without its poster.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.control.deadline = Some(deadline);
        self
    }

    /// Ends the work with [`Error::Interrupted`] when `token` is cancelled, as
    /// [`JobHandle::cancel`] does.
    pub fn cancel_with(mut self, token: CancellationToken) -> Self {
        self.control.token = Some(token);
        self
    }

    /// Also cancels the render at the service when the work ends by its deadline or is cancelled. The
    /// default is to let it continue. Another render of the draft, with which the error continues, is
    /// free.
    pub fn cancel_render(mut self) -> Self {
        self.control.cancels_render = true;
        self
    }

    /// Connects a handle, which shows the progress to other tasks and cancels the work.
    pub fn handle(mut self, handle: &JobHandle) -> Self {
        self.control.handle = Some(handle.clone());
        self
    }

    /// Continues an export from the stage that an earlier one had reached: see
    /// [`JobProgress::stage`], [`JobStage::after`] and [`JobHandle::stage`]. Its draft is rendered,
    /// and the render is looked up before it is submitted.
    pub fn resume(mut self, stage: JobStage) -> Self {
        self.stage = stage;
        self
    }

    /// Calls `on_progress` with the progress of the work.
    pub fn on_progress(
        mut self,
        on_progress: impl Fn(JobProgress) + Send + Sync + 'static,
    ) -> Self {
        self.on_progress = Some(Arc::new(on_progress));
        self
    }

    /// Returns the format that the file will have.
    #[must_use]
    pub fn format(&self) -> RenderFormat {
        self.resolved_output().format
    }

    /// Returns the file that the user named in a sentence such as "export film.mp4", which
    /// [`Project::dispatch`] has read. Nothing is written there unless it is passed to
    /// [`save_to`](Self::save_to): in a service, the sentence is that of a stranger.
    #[must_use]
    pub fn named_file(&self) -> Option<&Path> {
        self.named_file.as_deref()
    }

    /// Submits the render without waiting for it; the job can be persisted.
    ///
    /// # Errors
    /// [`Error::Busy`] while a turn of the project is in progress, unless a
    /// [`draft`](Self::draft) was given: the session's would be exported half done.
    /// [`Error::InvalidInput`] if there is nothing to export yet; those of
    /// [`submit_render`](crate::NemoClient::submit_render).
    ///
    /// # Cancel safety
    /// Dropping the future may leave a render behind; it costs nothing.
    pub async fn submit(&self) -> Result<RenderJob> {
        let job = self.job().await?;
        self.project.client().submit(&job).await?;
        Ok(job)
    }

    async fn job(&self) -> Result<RenderJob> {
        let draft = match &self.draft {
            Some(draft) => Some(draft.clone()),
            None => {
                self.project.ensure_idle()?;
                self.project.draft().await?
            }
        };
        let draft = draft
            .filter(Draft::is_ready_to_export)
            .ok_or_else(|| Error::InvalidInput("there is nothing to export yet".to_owned()))?;
        Ok(RenderJob::new(self.project.session_id(), draft, self.resolved_output()))
    }

    fn resolved_output(&self) -> RenderOutput {
        let named = || output_of(self.save_to.as_deref()?).ok();
        self.output.clone().or_else(named).unwrap_or_default()
    }

    fn path(&self) -> PathBuf {
        self.save_to.clone().unwrap_or_else(|| {
            let format = self.format();
            let is_known = !matches!(format, RenderFormat::Other(_));
            Path::new("export").with_extension(if is_known { format.as_str() } else { "mp4" })
        })
    }

    /// Returns the progress as a stream, in place of [`on_progress`](Self::on_progress) and of
    /// awaiting the export. The work proceeds only while the stream is polled.
    pub fn into_stream(self) -> JobStream {
        let handle = self.control.handle.clone();
        let steps = async_stream::stream! {
            let (client, control) = (self.project.client().clone(), self.control.begin());
            let (stage, steps) = (self.stage.clone(), self.steps(control.clone()));
            let mut steps = Box::pin(pipeline::limited(steps, client, control, stage));
            while let Some(step) = steps.next().await {
                yield step;
            }
        };
        JobStream::new(pipeline::reported(steps, handle, JobProgress::DRAFT_DONE))
    }

    fn steps(self, control: RunControl) -> impl Stream<Item = Result<JobProgress>> + Send {
        async_stream::try_stream! {
            let path = self.path();
            check_path(&path)?;
            self.files.check()?;
            self.files.check_apart(&path, [])?;
            let (job, is_resumed) = match &self.stage {
                JobStage::Rendering(job) | JobStage::Finished { job: Some(job), .. } => {
                    ((**job).clone(), true)
                }
                _ => (self.job().await?, false),
            };
            let client = self.project.client().clone();
            let Self { polling, files, .. } = self;
            let report = None;
            let job = SaveJob { client, job, polling, path, is_resumed, report, files, control };
            let mut steps = Box::pin(job.run());
            while let Some(step) = steps.next().await {
                yield step?;
            }
        }
    }

    /// Exports to `writer`, such as the body of a response or an upload, in place of a file. The path
    /// that was set determines only the format, and the name in the result.
    ///
    /// The file is complete, in a private temporary directory, before its first byte is written.
    ///
    /// # Errors
    /// As for the export itself; [`Error::Io`] if it cannot be written.
    ///
    /// # Cancel safety
    /// As for the export itself. The writer may have got a part.
    pub async fn write_to(self, writer: impl AsyncWrite + Unpin + Send) -> Result<SavedVideo> {
        self.in_scratch().await?.write_to(writer).await
    }

    /// Exports and returns the bytes, in place of a file: see [`write_to`](Self::write_to).
    ///
    /// # Errors
    /// As for [`write_to`](Self::write_to).
    ///
    /// # Cancel safety
    /// As for the export itself.
    pub async fn bytes(self) -> Result<(SavedVideo, Bytes)> {
        self.in_scratch().await?.bytes().await
    }

    async fn in_scratch(self) -> Result<ScratchVideo> {
        let (path, output) = (self.path(), self.resolved_output());
        ScratchVideo::make(&path, |path| self.output(output).save_to(path).into_future()).await
    }
}

impl IntoFuture for Export {
    type Output = Result<SavedVideo>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let on_progress = self.on_progress.clone();
        Box::pin(pipeline::finish(self.into_stream(), on_progress))
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export")
            .field("output", &self.resolved_output())
            .field("save_to", &self.save_to)
            .finish_non_exhaustive()
    }
}

/// Returns the output that the extension of a path stands for, if a file can be written there:
/// found out before anything is sent, not after the video was paid for.
pub(super) fn checked_output_of(path: &Path) -> Result<RenderOutput> {
    let output = output_of(path)?;
    if matches!(output.format, RenderFormat::Jpg | RenderFormat::Png) {
        return Err(unwritable(path, "its extension is none of .mp4, .m4a and .wav"));
    }
    check_path(path)?;
    Ok(output)
}

/// Returns the output that the extension of a path stands for.
pub(super) fn output_of(path: &Path) -> Result<RenderOutput> {
    if path.is_dir() {
        return Err(unwritable(path, "it is a directory: name a file in it"));
    }
    let extension = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
    match RenderFormat::from(extension) {
        RenderFormat::Other(_) => {
            Err(unwritable(path, "its extension is none of .mp4, .m4a, .wav, .jpg and .png"))
        }
        format => Ok(RenderOutput::new(format)),
    }
}

/// Writes a file as the download will, and removes it again.
pub(super) fn check_path(path: &Path) -> Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    if let Some(dir) = dir.filter(|dir| !dir.is_dir()) {
        let what = format!("there is no directory {:?}", dir.display().to_string());
        return Err(unwritable(path, what));
    }
    ensure_writable(path).map_err(|error| unwritable(path, error.to_string()))
}

pub(super) fn unwritable(path: &Path, why: impl fmt::Display) -> Error {
    // A name may hold anything, also control sequences of a terminal.
    let path = path.display().to_string();
    Error::InvalidInput(format!("{path:?} cannot be written: {why}"))
}

#[cfg(test)]
mod tests {
    use super::checked_output_of;
    use crate::error::Error;
    use crate::protocol::RenderFormat;

    #[test]
    fn a_path_is_tried_and_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.WAV");
        assert_eq!(checked_output_of(&path).unwrap().format, RenderFormat::Wav);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

        std::fs::write(&path, "what is there stays").unwrap();
        checked_output_of(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"what is there stays");
    }

    #[test]
    fn a_path_that_cannot_be_written_is_invalid_input() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir(path("directory.mp4")).unwrap();
        let long = "a".repeat(300) + ".mp4";
        for (name, word) in [
            ("video.avi", ".mp4"),
            ("video", ".mp4"),
            ("no/video.mp4", "no directory"),
            ("directory.mp4", "cannot be written"),
            (long.as_str(), "long"),
            ("a\0b.mp4", "cannot be written"),
        ] {
            let error = checked_output_of(&path(name)).unwrap_err();
            assert!(matches!(error, Error::InvalidInput(_)), "{name}: {error}");
            assert!(error.to_string().contains(word), "{name}: {error}");
        }
        #[cfg(target_os = "linux")]
        {
            let written = checked_output_of("/proc/video.mp4".as_ref());
            assert!(matches!(written, Err(Error::InvalidInput(_))));
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
