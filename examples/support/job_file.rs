//! The job file beside a video: what another process continues with.
//!
//! Whenever a process ends, the file holds the previous job or the whole new one, and nothing that
//! may be charged is sent before its job is on disk.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use nemovideo::draft::{Draft, SubtitleFormat};
use nemovideo::{
    Error, NemoClient, PendingTurn, RenderFormat, RenderJob, RenderOutput, RenderProgress, Session,
    TurnUpdate,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Result;
use super::output::Progress;

/// A JSON file that one process at a time works with. What a killed one has left beside it is
/// removed.
pub struct StateFile {
    path: PathBuf,
    /// Locked for as long as its process lives.
    lock_path: PathBuf,
    _lock: File,
}

impl StateFile {
    /// Opens the file, which need not exist yet.
    ///
    /// # Errors
    /// An error if another process works with it, or nothing can be written beside it.
    pub fn open(path: PathBuf) -> Result<Self> {
        let lock_path = with_suffix(&path, ".lock");
        let lock = loop {
            let lock = File::options().write(true).create(true).truncate(false).open(&lock_path);
            let lock =
                lock.map_err(|error| format!("could not write {}: {error}", lock_path.display()))?;
            if let Err(TryLockError::WouldBlock) = lock.try_lock() {
                return Err(format!("another process works with {}", path.display()).into());
            }
            // The process that had locked it may have removed it since it was opened.
            if is_at(&lock, &lock_path) {
                break lock;
            }
        };
        Ok(Self { path, lock_path, _lock: lock })
    }

    /// Reads the file, if there is one.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let read = match fs::read(&self.path) {
            Ok(json) => serde_json::from_slice(&json).map(Some).map_err(Into::into),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        Ok(read.map_err(|error| format!("could not read {}: {error}", self.path.display()))?)
    }

    /// Replaces the content. Once this returns, it is on the disk.
    pub fn write(&self, value: &impl Serialize) -> Result<()> {
        let json = serde_json::to_vec_pretty(value)?;
        let written = || {
            let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
            // Before the rename: after it, the write has to succeed.
            let directory = open_directory(directory.unwrap_or(Path::new(".")))?;
            let temporary = self.temporary();
            let mut file = File::create(&temporary)?;
            file.write_all(&json)?;
            file.sync_all()?;
            fs::rename(temporary, &self.path)?;
            // The rename is on the disk once the directory is.
            directory.map_or(Ok(()), |directory| directory.sync_all())
        };
        written().map_err(|error: io::Error| {
            format!("could not write {}: {error}", self.path.display()).into()
        })
    }

    /// Removes the file: there is nothing to continue.
    pub fn remove(&self) {
        let _result = fs::remove_file(&self.path);
    }

    fn temporary(&self) -> PathBuf {
        with_suffix(&self.path, ".tmp")
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        let _result = fs::remove_file(self.temporary());
        let _result = fs::remove_file(&self.lock_path);
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let of = |metadata: io::Result<fs::Metadata>| metadata.map(|m| (m.dev(), m.ino())).ok();
    of(file.metadata()) == of(path.metadata())
}

/// A file that is open cannot be replaced here.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

/// Opens a directory to synchronize it. Elsewhere that cannot be done, and need not be.
fn open_directory(path: &Path) -> io::Result<Option<File>> {
    if cfg!(unix) { File::open(path).map(Some) } else { Ok(None) }
}

/// What to do after this process, in place of what its error advises.
static ADVICE: Mutex<Option<String>> = Mutex::new(None);

/// Returns the advice for a process that ends before its work is done, if its files call for one.
pub fn advice() -> Option<String> {
    ADVICE.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

pub fn set_advice(advice: Option<String>) {
    *ADVICE.lock().unwrap_or_else(PoisonError::into_inner) = advice;
}

/// The content of a job file: a message or a render in progress, and what it was requested for.
#[derive(Debug, Deserialize, Serialize)]
struct JobRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<Box<PendingTurn>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    render: Option<Box<RenderJob>>,
}

/// What can be continued.
#[derive(Debug)]
pub enum Job {
    /// A message that may have been accepted.
    Message(Box<PendingTurn>),
    /// A render that may have been submitted.
    Render(Box<RenderJob>),
}

/// The job file beside a video.
pub struct JobFile {
    file: StateFile,
    request: Option<String>,
    advice: String,
}

impl JobFile {
    /// Creates the job file beside a video that is made with the service at `api`. `request`
    /// distinguishes it from another video of the same path.
    pub fn beside(video: &Path, request: String, api: Option<&str>) -> Result<Self> {
        let file = StateFile::open(with_suffix(video, ".job.json"))?;
        let (job, out) = (file.path.display(), video.display());
        let api = api.map(|url| format!(" --api {url}")).unwrap_or_default();
        let command = format!("cargo run --example resume -- {job} --out {out}{api}");
        let advice = format!("The work may have been charged; continue it with: {command}");
        Ok(Self { file, request: Some(request), advice })
    }

    /// Creates the job file at a path.
    pub fn at(path: PathBuf) -> Result<Self> {
        let advice = format!("Run it again to continue with {}.", path.display());
        Ok(Self { file: StateFile::open(path)?, request: None, advice })
    }

    /// Reads the job of an earlier process, if there is one.
    ///
    /// # Errors
    /// An error for a file that holds no job, or the job of another request.
    pub fn read(&mut self) -> Result<Option<Job>> {
        let shown = self.file.path.display();
        let Some(JobRecord { request, message, render }) = self.file.read()? else {
            return Ok(None);
        };
        let job = render.map(Job::Render).or(message.map(Job::Message));
        let job = job.ok_or_else(|| format!("{shown} contains no job"))?;
        match &self.request {
            Some(own) if request.as_ref() != Some(own) => Err(format!(
                "{shown} belongs to another voiceover; finish that with the example resume, or delete the file"
            )
            .into()),
            _ => {
                self.request = request;
                set_advice(Some(self.advice.clone()));
                Ok(Some(job))
            }
        }
    }

    /// Persists the job.
    ///
    /// # Errors
    /// An error if it is not on the disk. The step that it stands for must not be taken then.
    pub fn write(&mut self, job: Job) -> Result<()> {
        let (message, render) = match job {
            Job::Message(message) => (Some(message), None),
            Job::Render(render) => (None, Some(render)),
        };
        self.file.write(&JobRecord { request: self.request.clone(), message, render })?;
        set_advice(Some(self.advice.clone()));
        Ok(())
    }

    /// Removes the file: the job is done, or there is nothing to continue.
    pub fn remove(&self) {
        self.file.remove();
        set_advice(None);
    }

    /// Advises what to do where the job can hardly be continued. That it is paid for anew is the
    /// user's decision.
    pub fn advise_after(&self, error: &Error) {
        if matches!(
            error,
            Error::SessionNotFound(_) | Error::OutcomeUnknown(_) | Error::AgentFailed(_)
        ) {
            set_advice(Some(format!(
                "What was sent may have been charged: compare the credits. Run it again to look once \
                 more, or delete {} to make the video anew, which is charged again.",
                self.file.path.display()
            )));
        }
    }
}

/// A video whose job was continued.
pub struct Resumed {
    /// The size of the file in bytes.
    pub bytes: u64,
    /// The duration of the video, if known.
    pub duration: Option<Duration>,
    /// The render that it was downloaded from.
    pub job: RenderJob,
}

/// Writes the subtitles and the poster of a video that is there. Returns the files that could not
/// be written, and why.
pub async fn write_beside(
    client: &NemoClient,
    job: &RenderJob,
    subtitles: Option<&Path>,
    poster: Option<&Path>,
) -> Vec<(PathBuf, String)> {
    let project = client.resume_project(Session::new("voiceover", job.session_id.clone()));
    let mut missed = Vec::new();
    if let Some(path) = subtitles {
        let format = SubtitleFormat::of(path).ok_or("its extension is none of .srt and .vtt");
        let text = format.and_then(|format| {
            job.draft.to_subtitles(format).ok_or("the video has no text for subtitles")
        });
        let written = text
            .map_err(str::to_owned)
            .and_then(|text| fs::write(path, text).map_err(|error| error.to_string()));
        missed.extend(written.err().map(|reason| (path.to_owned(), reason)));
    }
    if let Some(path) = poster {
        let extension = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        let missing = match RenderFormat::from(extension) {
            RenderFormat::Jpg | RenderFormat::Png => {
                let export = project.export().draft(job.draft.clone()).save_to(path);
                export.await.err().map(|error| error.to_string())
            }
            // It would be rendered as a whole video once more.
            _ => Some("its extension is none of .jpg and .png".to_owned()),
        };
        missed.extend(missing.map(|reason| (path.to_owned(), reason)));
    }
    missed
}

/// Continues a job of an earlier process up to its file.
pub async fn resume(
    client: &NemoClient,
    job: Job,
    file: &mut JobFile,
    out: &Path,
    progress: &Progress,
) -> Result<Resumed> {
    let mut job = match job {
        Job::Render(job) => *job,
        Job::Message(pending) => {
            let output = output_for(out)?;
            progress.stage("Waiting for the message's video…");
            let draft = wait_for_draft(client, &pending).await;
            let draft = draft.inspect_err(|error| file.advise_after(error))?;
            let job = RenderJob::new(pending.session_id, draft, output);
            file.write(Job::Render(Box::new(job.clone())))?;
            job
        }
    };
    progress.stage(&format!("Waiting for {}…", job.id));
    // The other process may have ended before it submitted the job.
    client.ensure_submitted(&job).await.inspect_err(|error| file.advise_after(error))?;
    let mut render = client.wait_for_render(&job);
    while let Some(step) = render.next().await {
        match step? {
            RenderProgress::Processing { percent } => progress.polled(percent),
            RenderProgress::Missed { reason } => progress.missed(&reason),
            RenderProgress::Replaced(another) => {
                // The previous id is of no use to the process that continues next.
                job.clone_from(&another);
                file.write(Job::Render(another))?;
                progress.stage("The render failed; trying once more…");
            }
            RenderProgress::Completed(video) => {
                progress.stage("Downloading…");
                let shown = progress.clone();
                let download = client.download(&video, out);
                let bytes =
                    download.on_progress(move |bytes, total| shown.received(bytes, total)).await?;
                progress.clear();
                file.remove();
                return Ok(Resumed { bytes, duration: video.duration, job });
            }
            _ => {}
        }
    }
    Err("the render ended without a video".into())
}

/// Returns the draft that the agent made for a message, once its work is done.
async fn wait_for_draft(client: &NemoClient, pending: &PendingTurn) -> nemovideo::Result<Draft> {
    let mut updates = client.resume_turn(pending);
    let mut draft = None;
    while let Some(update) = updates.next().await {
        if let TurnUpdate::Recovered(state) = update? {
            draft = state.draft;
        }
    }
    // A video is made in two stages; its credits are frozen until both are done. Others may be
    // frozen for longer than a message may take.
    for _ in 0..MAX_SETTLING / SETTLING_PAUSE {
        if client.credits().await?.frozen.get() <= 0.0 {
            break;
        }
        tokio::time::sleep(Duration::from_secs(SETTLING_PAUSE)).await;
    }
    let latest = client.session_state(&pending.session_id).await?.draft;
    let draft = latest.or(draft).filter(Draft::is_ready_to_export);
    draft.ok_or_else(|| Error::AgentFailed("the message made no video".to_owned()))
}

/// The documented limit of a message, in seconds.
const MAX_SETTLING: u64 = 15 * 60;
/// The seconds between two looks at the credits.
const SETTLING_PAUSE: u64 = 2;

fn output_for(path: &Path) -> Result<RenderOutput> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("mp4") => Ok(RenderOutput::mp4()),
        Some("m4a") => Ok(RenderOutput::m4a()),
        Some("wav") => Ok(RenderOutput::wav()),
        _ => Err(format!("{} does not end in .mp4, .m4a or .wav", path.display()).into()),
    }
}
