//! JSON files from which another process can continue the work.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tempfile::NamedTempFile;

use super::Result;

/// Writes a value as JSON. Whenever the process ends, the file holds the previous value or the
/// whole new one.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let json = serde_json::to_vec_pretty(value)?;
    NamedTempFile::new_in(path.parent().unwrap_or(Path::new("")))
        .and_then(|mut file| file.write_all(&json).map(|()| file))
        .and_then(|file| Ok(file.persist(path)?))
        .map_err(|error| format!("could not write {}: {error}", path.display()))?;
    Ok(())
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

/// The message or the render in progress, for the `resume` example.
pub struct JobFile {
    path: PathBuf,
    advice: String,
    is_written: bool,
}

impl JobFile {
    /// A job file beside the video that is being made with the service at `api`.
    pub fn beside(video: &Path, api: Option<&str>) -> Self {
        let mut path = video.as_os_str().to_owned();
        path.push(".job.json");
        let path = PathBuf::from(path);
        let (job, out) = (path.display(), video.display());
        let api = api.map(|url| format!(" --api {url}")).unwrap_or_default();
        let command = format!("cargo run --example resume -- {job} --out {out}{api}");
        let advice = format!("The work may have been charged; continue it with: {command}");
        Self { path, advice, is_written: false }
    }

    /// Persists the job. Failing to do so is no reason to give the job up.
    pub fn write(&mut self, job: &impl Serialize) {
        if write_json(&self.path, job).is_ok() {
            self.is_written = true;
            set_advice(Some(self.advice.clone()));
        }
    }

    /// Removes the file: the job is done, or there is nothing to continue.
    pub fn remove(&mut self) {
        if std::mem::take(&mut self.is_written) {
            let _result = std::fs::remove_file(&self.path);
            set_advice(None);
        }
    }
}
