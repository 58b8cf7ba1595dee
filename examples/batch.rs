//! A directory of scripts in, a directory of videos out, in one session.
//!
//! ```sh
//! cargo run --release --example batch -- examples/scripts --out videos
//! ```
//!
//! With `--api` or `--cloud` the batch is persisted before each step, in `batch.json` beside the
//! videos. The same command continues from that file: what was charged is not charged again.

mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use futures::StreamExt as _;
use nemovideo::local::LocalBackend;
use nemovideo::project::{
    BatchItem, BatchItemState, BatchState, JobProgress, JobStage, SavedVideo, TurnEvent,
};
use nemovideo::{Credits, Session};
use serde_json::json;

use support::job_file::StateFile;
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
    /// Make the videos again that failed in an earlier run, or whose outcome it could not find out;
    /// they may be charged again.
    #[arg(long)]
    retry_failed: bool,
    #[command(flatten)]
    service: ServiceArgs,
    /// Print the progress and the results as JSON, one object in each line.
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
    if args.out.is_file() {
        return Err(format!("{out} is a file, not a directory").into());
    }
    std::fs::create_dir_all(&args.out)
        .map_err(|error| format!("could not create {out}: {error}"))?;
    // Videos of the embedded backend cost nothing: its credits must not end the batch.
    let backend = LocalBackend::builder().credits(Credits::new(1e9));
    let state_file = args.service.is_remote().then(|| StateFile::open(args.out.join("batch.json")));
    let state_file = state_file.transpose()?;
    let state = state_file.as_ref().map(StateFile::read::<BatchState>).transpose()?.flatten();
    let connection = args.service.connect(backend).await?;
    let mut batch = match state {
        Some(mut state) => {
            eprint_line("Continuing the previous batch…");
            if args.retry_failed {
                let session = state.session.as_ref();
                let failed = state.items.iter_mut().filter(|item| needs_retry(item, session));
                failed.for_each(|item| item.stage = JobStage::Waiting);
            }
            connection.client.resume_batch(state)
        }
        None => {
            let items = batch_items(&scripts, &args.out);
            connection.client.project("batch").await?.batch(items)
        }
    };
    let reporter = Reporter { progress: Progress::new(args.json), json: args.json };
    while let Some((index, progress)) = batch.next().await {
        let state = batch.state();
        // Before the next poll, which may send what is charged.
        if let Some(file) = &state_file {
            file.write(&state)?;
        }
        reporter.show(&script_name(&state.items[index].item), progress);
    }

    // How the batch ended follows from its state: earlier processes have finished or failed items.
    let state = batch.stop();
    let total = state.items.len();
    let is_finished = |item: &&BatchItemState| matches!(item.stage, JobStage::Finished { .. });
    let finished = state.items.iter().filter(is_finished).count();
    let to_retry =
        state.items.iter().filter(|item| needs_retry(item, state.session.as_ref())).count();
    if finished == total {
        if let Some(file) = &state_file {
            file.remove();
        }
        return Ok(());
    }
    let missing = format!("{} of {total} videos are missing.", total - finished);
    let Some(file) = &state_file else { return Err(missing.into()) };
    file.write(&state)?;
    for item in state.items.iter().filter(|item| item.stage == JobStage::Failed) {
        let reason = item.error.as_deref().unwrap_or("it failed");
        eprint_line(&format!("{}: {reason}", script_name(&item.item)));
    }
    let advice = match to_retry {
        0 => "Run it again to continue.".to_owned(),
        _ => format!(
            "Run it again to continue, or with --retry-failed to make the {to_retry} again that \
             failed or whose outcome is unknown; they may be charged again."
        ),
    };
    Err(format!("{missing} {advice}").into())
}

/// Returns whether an item is made again only on request, since it may be charged again: it failed,
/// or an earlier run looked for what its message did and found nothing. `session` is the one of the
/// batch, which leaves that of such a message. A message that was not looked for yet, because its
/// process was killed, is observed first.
fn needs_retry(item: &BatchItemState, session: Option<&Session>) -> bool {
    match &item.stage {
        JobStage::Failed => true,
        JobStage::Message(sent) => {
            item.error.is_some()
                && session.is_none_or(|session| session.session_id != sent.session_id)
        }
        _ => false,
    }
}

/// Returns the scripts of a directory, sorted by name.
fn find_scripts(directory: &Path) -> Result<Vec<PathBuf>> {
    let shown = directory.display();
    if directory.is_file() {
        return Err(format!("{shown} is a file: name the directory that it is in").into());
    }
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
            Ok(JobProgress::Rendering { percent }) => self.progress.polled(percent),
            Ok(JobProgress::PollMissed { reason }) => self.progress.missed(&reason),
            Ok(JobProgress::Downloading { bytes, total }) => self.progress.received(bytes, total),
            Ok(JobProgress::Turn(TurnEvent::Recovering { what })) => {
                stage(&format!("the stream ended early ({what}); reading the state…"));
            }
            Ok(JobProgress::Finished(video)) => {
                let SavedVideo { path, bytes, report, .. } = &*video;
                // What the agent said, such as what it could not speak.
                let reply = report.as_ref().map_or("", |report| report.text.trim());
                let message = format!("{} ({})\n{reply}", path.display(), format_size(*bytes));
                self.end(script, Some(path), message.trim_end());
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
