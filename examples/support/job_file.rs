//! The job file beside a video: what another process continues with.
//!
//! Whenever a process ends, the file holds the previous job or the whole new one, and nothing that
//! may be charged is sent before its job is on disk.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use nemovideo::draft::Draft;
use nemovideo::{NemoClient, PendingTurn, RenderJob, RenderOutput, RenderProgress, TurnUpdate};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::Result;
use super::output::Progress;

/// Writes a value as JSON. Once this returns, it is on the disk.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let json = serde_json::to_vec_pretty(value)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    NamedTempFile::new_in(directory)
        .and_then(|mut file| file.write_all(&json).map(|()| file))
        .and_then(|file| file.as_file().sync_all().map(|()| file))
        .and_then(|file| Ok(file.persist(path)?))
        // The rename is on the disk once the directory is.
        .and_then(|_| sync_directory(directory))
        .map_err(|error| format!("could not write {}: {error}", path.display()))?;
    Ok(())
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

/// Directories cannot be synchronized here, and need not be.
#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Reads a JSON file, if there is one.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let read = match std::fs::read(path) {
        Ok(json) => serde_json::from_slice(&json).map(Some).map_err(Into::into),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    Ok(read.map_err(|error| format!("could not read {}: {error}", path.display()))?)
}

/// How to continue what the [`JobFile`] of this process holds.
static ADVICE: Mutex<Option<String>> = Mutex::new(None);

/// Returns the advice for a process that ends before its job is done, if it has a job file.
pub fn advice() -> Option<String> {
    ADVICE.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn set_advice(advice: Option<String>) {
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
    path: PathBuf,
    request: Option<String>,
    advice: String,
}

impl JobFile {
    /// Creates the job file beside a video that is made with the service at `api`. `request`
    /// distinguishes it from another video of the same path.
    pub fn beside(video: &Path, request: String, api: Option<&str>) -> Self {
        let mut path = video.as_os_str().to_owned();
        path.push(".job.json");
        let path = PathBuf::from(path);
        let (job, out) = (path.display(), video.display());
        let api = api.map(|url| format!(" --api {url}")).unwrap_or_default();
        let command = format!("cargo run --example resume -- {job} --out {out}{api}");
        let advice = format!("The work may have been charged; continue it with: {command}");
        Self { path, request: Some(request), advice }
    }

    /// Creates the job file at a path.
    pub fn at(path: PathBuf) -> Self {
        let advice = format!("Run it again to continue with {}.", path.display());
        Self { path, request: None, advice }
    }

    /// Reads the job of an earlier process, if there is one.
    ///
    /// # Errors
    /// An error for a file that holds no job, or the job of another request.
    pub fn read(&mut self) -> Result<Option<Job>> {
        let shown = self.path.display();
        let Some(JobRecord { request, message, render }) = read_json(&self.path)? else {
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
        write_json(&self.path, &JobRecord { request: self.request.clone(), message, render })?;
        set_advice(Some(self.advice.clone()));
        Ok(())
    }

    /// Removes the file: the job is done, or there is nothing to continue.
    pub fn remove(&self) {
        let _result = std::fs::remove_file(&self.path);
        set_advice(None);
    }
}

/// Continues a job of an earlier process up to its file. Returns the size of the file in bytes and
/// the duration of the video, if known.
pub async fn resume(
    client: &NemoClient,
    job: Job,
    file: &mut JobFile,
    out: &Path,
    progress: &Progress,
) -> Result<(u64, Option<Duration>)> {
    let job = match job {
        Job::Render(job) => *job,
        Job::Message(pending) => {
            let output = output_for(out)?;
            progress.stage("Waiting for the message's video…");
            let draft = wait_for_draft(client, &pending).await?;
            let job = RenderJob::new(pending.session_id, draft, output);
            file.write(Job::Render(Box::new(job.clone())))?;
            job
        }
    };
    progress.stage(&format!("Waiting for {}…", job.id));
    // The other process may have ended before it submitted the job.
    client.ensure_submitted(&job).await?;
    let mut render = client.wait_for_render(&job);
    while let Some(step) = render.next().await {
        match step? {
            RenderProgress::Processing { percent: Some(percent) } => progress.percent(percent),
            RenderProgress::Replaced(job) => {
                // The previous id is of no use to the process that continues next.
                file.write(Job::Render(job))?;
                progress.stage("The render failed; trying once more…");
            }
            RenderProgress::Completed(video) => {
                progress.stage("Downloading…");
                let bytes = client.download(&video, out).await?;
                progress.clear();
                file.remove();
                return Ok((bytes, video.duration));
            }
            _ => {}
        }
    }
    Err("the render ended without a video".into())
}

/// Returns the draft that the agent made for a message, once its work is done.
async fn wait_for_draft(client: &NemoClient, pending: &PendingTurn) -> Result<Draft> {
    let mut updates = client.resume_turn(pending);
    let mut draft = None;
    while let Some(update) = updates.next().await {
        if let TurnUpdate::Recovered(state) = update? {
            draft = state.draft;
        }
    }
    // A video is made in two stages; its credits are frozen until both are done.
    while client.credits().await?.frozen.get() > 0.0 {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let latest = client.session_state(&pending.session_id).await?.draft;
    let draft = latest.or(draft).filter(Draft::is_ready_to_export);
    Ok(draft.ok_or("the message had no effect; send it again")?)
}

fn output_for(path: &Path) -> Result<RenderOutput> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("mp4") => Ok(RenderOutput::mp4()),
        Some("m4a") => Ok(RenderOutput::m4a()),
        Some("wav") => Ok(RenderOutput::wav()),
        _ => Err(format!("{} does not end in .mp4, .m4a or .wav", path.display()).into()),
    }
}
