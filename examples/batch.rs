//! A directory of scripts in, a directory of videos out, in one session.
//!
//! ```sh
//! cargo run --release --example batch -- examples/scripts --out videos
//! ```
//!
//! With `--api` or `--cloud` the batch is persisted before each step, in `batch.json` beside the
//! videos. The same command continues from that file: what was charged is not charged again.

mod support;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use futures::StreamExt as _;
use nemovideo::Credits;
use nemovideo::local::LocalBackend;
use nemovideo::project::{BatchItem, BatchState, JobProgress, JobStage, SavedVideo, TurnEvent};
use serde_json::json;

use support::job_file::write_json;
use support::output::{Progress, eprint_line, format_size, print_json, print_line};
use support::{Result, ServiceArgs, message_of};

/// Makes a video of each TXT and DOCX file in a directory.
#[derive(Debug, Parser)]
struct Args {
    /// The directory of the scripts.
    scripts: PathBuf,
    /// The directory for the videos.
    #[arg(long, value_name = "DIR", default_value = "videos")]
    out: PathBuf,
    #[command(flatten)]
    service: ServiceArgs,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    support::run(args.json, make(args)).await
}

async fn make(args: Args) -> Result<()> {
    let scripts = find_scripts(&args.scripts)?;
    let out = args.out.display();
    std::fs::create_dir_all(&args.out)
        .map_err(|error| format!("could not create {out}: {error}"))?;
    // Videos of the embedded backend cost nothing: its credits must not end the batch.
    let backend = LocalBackend::builder().credits(Credits::new(1e9));
    let connection = args.service.connect(backend).await?;
    // An embedded backend ends with this process, and its jobs with it.
    let state_file = (!connection.is_embedded()).then(|| args.out.join("batch.json"));
    let mut batch = match state_file.as_deref().map(read_state).transpose()?.flatten() {
        Some(state) => {
            eprint_line("Continuing the previous batch…");
            connection.client.resume_batch(state)
        }
        None => {
            let items = batch_items(&scripts, &args.out);
            connection.client.project("batch").await?.batch(items)
        }
    };
    let reporter = Reporter { progress: Progress::new(args.json), json: args.json };
    let mut failed = 0;
    while let Some((index, progress)) = batch.next().await {
        let state = batch.state();
        // Before the next poll, which may send what is charged.
        if let Some(path) = &state_file {
            write_json(path, &state)?;
        }
        failed += usize::from(progress.is_err());
        reporter.show(&script_name(&state.items[index].item), progress);
    }

    let state = batch.stop();
    let is_done = |stage: &JobStage| matches!(stage, JobStage::Finished { .. } | JobStage::Failed);
    let is_resumable = state.items.iter().any(|item| !is_done(&item.stage));
    if let Some(path) = &state_file {
        match is_resumable {
            true => write_json(path, &state)?,
            false => _ = std::fs::remove_file(path),
        }
    }
    let total = state.items.len();
    match is_resumable && state_file.is_some() {
        _ if failed == 0 => Ok(()),
        true => Err(format!("{failed} of {total} videos failed. Run it again to continue.").into()),
        false => Err(format!("{failed} of {total} videos failed").into()),
    }
}

/// Returns the scripts of a directory, sorted by name.
fn find_scripts(directory: &Path) -> Result<Vec<PathBuf>> {
    let shown = directory.display();
    let entries = std::fs::read_dir(directory)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| format!("could not read {shown}: {error}"))?;
    let mut scripts: Vec<_> = entries.iter().map(std::fs::DirEntry::path).collect();
    scripts.retain(|path| {
        let extension = path.extension().unwrap_or_default();
        path.is_file() && ["txt", "docx"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    });
    scripts.sort();
    match scripts.is_empty() {
        true => Err(format!("there is no script, TXT or DOCX, in {shown}").into()),
        false => Ok(scripts),
    }
}

fn batch_items(scripts: &[PathBuf], out: &Path) -> Vec<BatchItem> {
    let stem = |script: &Path| script.file_stem().unwrap_or_default().to_ascii_lowercase();
    let item = |script: &PathBuf| {
        // `talk.txt` and `talk.docx` each get a video.
        let is_unique = scripts.iter().filter(|other| stem(other) == stem(script)).count() == 1;
        let name = if is_unique { script.file_stem() } else { script.file_name() };
        let mut video = out.join(name.unwrap_or_default()).into_os_string();
        video.push(".mp4");
        BatchItem::new("Make a voiceover video of the uploaded script.", video).upload(script)
    };
    scripts.iter().map(item).collect()
}

fn script_name(item: &BatchItem) -> String {
    let path = item.upload.as_ref().unwrap_or(&item.save_to);
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns the batch that an earlier process persisted, if any.
fn read_state(path: &Path) -> Result<Option<BatchState>> {
    let read = match std::fs::read(path) {
        Ok(json) => serde_json::from_slice(&json).map(Some).map_err(Into::into),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    Ok(read.map_err(|error| format!("could not read {}: {error}", path.display()))?)
}

/// Shows how far each script is, and how it ended.
struct Reporter {
    progress: Progress,
    json: bool,
}

impl Reporter {
    fn show(&self, script: &str, progress: nemovideo::Result<JobProgress>) {
        let stage = |stage| self.progress.stage(&format!("{script}: {stage}"));
        match progress {
            Ok(JobProgress::Uploading) => stage("uploading…"),
            Ok(JobProgress::Sending(_)) => stage("speaking…"),
            Ok(JobProgress::Turn(TurnEvent::RawClipReady)) => stage("raw clip ready"),
            Ok(JobProgress::Turn(TurnEvent::PostProductionDone)) => stage("captions added"),
            Ok(JobProgress::Submitting(_)) => stage("rendering…"),
            Ok(JobProgress::Rendering { percent: Some(percent) }) => self.progress.percent(percent),
            Ok(JobProgress::Finished(video)) => {
                let SavedVideo { path, bytes, .. } = &*video;
                let message = format!("{} ({})", path.display(), format_size(*bytes));
                self.end(script, Some(path), &message);
            }
            Ok(_) => {}
            Err(error) => {
                self.end(script, None, &format!("{}. {}", message_of(&error), error.advice()));
            }
        }
    }

    fn end(&self, script: &str, video: Option<&Path>, message: &str) {
        self.progress.clear();
        if self.json {
            let done = video.is_some();
            let result =
                json!({ "script": script, "done": done, "path": video, "message": message });
            print_json("result", result);
        } else {
            print_line(&format!("{script}: {message}"));
        }
    }
}
