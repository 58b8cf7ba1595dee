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
use serde_json::json;

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
        check_path(&path, true, "")?;
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
            Ok(json) => serde_json::from_slice(&json).map(Some).map_err(|error| {
                format!("it is not what an earlier run has written, or is damaged ({error})")
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
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
    /// Creates the job file beside a video that is made, with other files beside it, with the service
    /// at `api`. `request` distinguishes it from another video of the same path.
    pub fn beside(
        video: &Path,
        files: &BesideArgs,
        request: String,
        api: Option<&str>,
    ) -> Result<Self> {
        let file = StateFile::open(with_suffix(video, ".job.json"))?;
        let api = api.map(|url| format!(" --api {}", quoted(url))).unwrap_or_default();
        let (job, out) = (quoted(&file.path.to_string_lossy()), quoted(&video.to_string_lossy()));
        let command =
            format!("cargo run --example resume -- {job} --out {out}{}{api}", files.command());
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

// The files that are requested beside a video. A doc comment here would be the help text of each
// example.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct BesideArgs {
    /// Write the subtitles as well, .srt or .vtt.
    #[arg(long, value_name = "FILE")]
    pub subtitles: Option<PathBuf>,
    /// Save a poster as well, .jpg or .png.
    #[arg(long, value_name = "FILE")]
    pub poster: Option<PathBuf>,
    /// The second of the video that the poster shows.
    #[arg(long, value_name = "SECONDS", requires = "poster", value_parser = seconds)]
    pub poster_at: Option<Duration>,
}

fn seconds(text: &str) -> Result<Duration> {
    let seconds = text.parse().ok().and_then(|it| Duration::try_from_secs_f64(it).ok());
    Ok(seconds.ok_or("write a number of seconds, like 2.5")?)
}

/// Returns an argument as a shell takes it for one.
fn quoted(argument: &str) -> String {
    // Without its NUL bytes, which no argument has, this cannot fail.
    let argument = argument.replace('\0', "");
    shlex::try_quote(&argument).map(Into::into).unwrap_or_default()
}

impl BesideArgs {
    /// Checks that the files and their video can be written, before anything is waited for.
    pub fn check(&self, video: &Path) -> Result<()> {
        use RenderFormat::{Jpg, M4a, Mp4, Png, Wav};
        let is_video = matches!(format_of(video), Mp4 | M4a | Wav);
        check_path(video, is_video, ".mp4, .m4a or .wav")?;
        if let Some(path) = &self.subtitles {
            check_path(path, SubtitleFormat::of(path).is_some(), ".srt or .vtt")?;
        }
        if let Some(path) = &self.poster {
            // Of another format, it would be rendered as a whole video once more.
            check_path(path, matches!(format_of(path), Jpg | Png), ".jpg or .png")?;
        }
        Ok(())
    }

    /// Returns the arguments for the same files.
    fn command(&self) -> String {
        let Self { subtitles, poster, poster_at } = self;
        let path = |path: &Option<PathBuf>| Some(quoted(&path.as_ref()?.to_string_lossy()));
        let args = [
            (" --subtitles ", path(subtitles)),
            (" --poster ", path(poster)),
            (" --poster-at ", poster_at.map(|time| time.as_secs_f64().to_string())),
        ];
        args.into_iter().filter_map(|(name, value)| Some(name.to_owned() + &value?)).collect()
    }

    /// Writes the files of a video that is there. Returns those that could not be written, and why.
    async fn write(&self, client: &NemoClient, job: &RenderJob) -> Vec<(PathBuf, String)> {
        let project = client.resume_project(Session::new("voiceover", job.session_id.clone()));
        let mut missed = Vec::new();
        if let Some(path) = &self.subtitles {
            let text = SubtitleFormat::of(path).and_then(|format| job.draft.to_subtitles(format));
            let written = match text {
                Some(text) => fs::write(path, text).map_err(|error| error.to_string()),
                None => Err("the video has no text for subtitles".to_owned()),
            };
            missed.extend(written.err().map(|reason| (path.clone(), reason)));
        }
        if let Some(path) = &self.poster {
            let mut draft = job.draft.clone();
            let time = self.poster_at.map(|time| time.min(draft.duration()));
            let set = time.map_or(Ok(()), |time| draft.edit().set_poster(time).map(drop));
            let written = match set {
                Ok(()) => {
                    let saved = project.export().draft(draft).save_to(path).await;
                    saved.err().map(|error| error.to_string())
                }
                Err(error) => Some(error.to_string()),
            };
            missed.extend(written.map(|reason| (path.clone(), reason)));
        }
        missed
    }
}

/// A video whose job was continued.
pub struct Resumed {
    /// The size of the file in bytes.
    pub bytes: u64,
    /// The duration of the video, if known.
    pub duration: Option<Duration>,
    /// The files beside it that could not be written, and why.
    pub missed: Vec<(PathBuf, String)>,
}

impl Resumed {
    /// Returns the files beside the video as JSON: those that were written, and those that were not.
    pub fn beside(&self, requested: &BesideArgs) -> serde_json::Value {
        let is_written = |path: &&PathBuf| self.missed.iter().all(|(missed, _)| missed != *path);
        let missed = self.missed.iter();
        let missed: Vec<_> =
            missed.map(|(path, reason)| json!({ "path": path, "reason": reason })).collect();
        json!({
            "subtitles": requested.subtitles.as_ref().filter(is_written),
            "poster": requested.poster.as_ref().filter(is_written),
            "missed": missed,
        })
    }
}

/// Continues a job of an earlier process up to its files.
pub async fn resume(
    client: &NemoClient,
    job: Job,
    file: &mut JobFile,
    out: &Path,
    beside: &BesideArgs,
    progress: &Progress,
) -> Result<Resumed> {
    let mut job = match job {
        Job::Render(job) => *job,
        Job::Message(pending) => {
            let output = RenderOutput::new(format_of(out));
            progress.stage("Waiting for the message's video…");
            let draft = wait_for_draft(client, &pending, progress).await;
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
                let missed = beside.write(client, &job).await;
                progress.clear();
                // Until here, another process can continue with it.
                file.remove();
                return Ok(Resumed { bytes, duration: video.duration, missed });
            }
            _ => {}
        }
    }
    Err("the render ended without a video".into())
}

/// Returns the draft that the agent made for a message, once its work is done.
async fn wait_for_draft(
    client: &NemoClient,
    pending: &PendingTurn,
    progress: &Progress,
) -> nemovideo::Result<Draft> {
    let mut updates = client.resume_turn(pending);
    let mut draft = None;
    while let Some(update) = updates.next().await {
        match update? {
            TurnUpdate::Recovered(state) => draft = state.draft,
            TurnUpdate::Unchanged { next_poll, .. } => progress.looks_again(next_poll),
            _ => {}
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

fn check_path(path: &Path, is_known: bool, extensions: &str) -> Result<()> {
    let shown = path.display();
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let why = match dir {
        _ if path.as_os_str().is_empty() => "the path of a file to write is empty".to_owned(),
        _ if path.is_dir() => format!("{shown} is a directory: name a file in it"),
        Some(dir) if dir.is_file() => format!("{} is a file, not a directory", dir.display()),
        Some(dir) if !dir.is_dir() => {
            format!("there is no directory {}: create it, or choose another one", dir.display())
        }
        _ if !is_known => {
            format!("{shown} does not end in {extensions}: the end states the format")
        }
        _ => return Ok(()),
    };
    Err(why.into())
}

fn format_of(path: &Path) -> RenderFormat {
    RenderFormat::from(path.extension().and_then(|end| end.to_str()).unwrap_or_default())
}
