//! A directory of scripts in, a directory of videos out.
//!
//! ```sh
//! cargo run --release --example batch -- examples/scripts --out videos
//! cargo run --release --example batch -- examples/scripts --out videos --at-once 3
//! ```
//!
//! The batch is persisted before each step, in `batch.json` beside the videos. The same command
//! continues from that file: what was charged is not charged again, and a video is made again only
//! when its script was changed. What an embedded backend had not finished begins anew, since its
//! sessions end with it.

mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use futures::StreamExt as _;
use nemovideo::local::LocalBackend;
use nemovideo::project::{
    BatchItem, BatchItemState, BatchState, JobProgress, JobStage, SavedVideo, TurnEvent,
};
use nemovideo::{CreateSession, Credits, Session};
use serde_json::json;

use support::job_file::StateFile;
use support::output::{Progress, eprint_line, format_size, print_json, print_line};
use support::{Result, ServiceArgs, find_scripts, message_of, video_of};

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
    /// How many videos are made at the same time, each in a session of its own.
    #[arg(long, value_name = "N", default_value_t = 1)]
    at_once: usize,
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
    let scripts = find_scripts(&args.scripts, &["txt", "docx"])?;
    let out = args.out.display();
    if let Some(file) = args.out.ancestors().find(|directory| directory.is_file()) {
        return Err(format!("{} is a file, not a directory", file.display()).into());
    }
    std::fs::create_dir_all(&args.out)
        .map_err(|error| format!("could not create {out}: {error}"))?;
    // Videos of the embedded backend cost nothing: its credits must not end the batch.
    let backend = LocalBackend::builder().credits(Credits::new(1e9));
    let state_file = StateFile::open(args.out.join("batch.json"))?;
    let items = batch_items(&scripts, &args.out);
    let (mut state, finished) = match state_file.read::<BatchState>()? {
        Some(earlier) => merged(earlier, items, args.service.is_remote()),
        None => (BatchState::new(CreateSession::named("batch"), items), 0),
    };
    if args.retry_failed {
        let session = state.session.clone();
        let failed = state.items.iter_mut().filter(|item| needs_retry(item, session.as_ref()));
        failed.for_each(|item| item.stage = JobStage::Waiting);
    }
    if finished > 0 {
        let names = if finished == 1 { "video is" } else { "videos are" };
        eprint_line(&format!("{finished} {names} finished already."));
    }
    state_file.write(&state)?;
    let connection = args.service.connect(backend).await?;
    let mut batch = connection.client.resume_batch(state).at_once(args.at_once);
    let reporter = Reporter { progress: Progress::new(args.json), json: args.json };
    while let Some((index, progress)) = batch.next().await {
        let state = batch.state();
        // Before the next poll, which may send what is charged. Most of the progress changes nothing.
        let is_new = progress.as_ref().map_or(true, |progress| {
            progress.stage().is_some() || matches!(progress, JobProgress::SessionOpened(_))
        });
        if is_new {
            state_file.write(&state)?;
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
    // Kept also when all is done: the next run then makes only what is new.
    state_file.write(&state)?;
    if finished == total {
        return Ok(());
    }
    let missing = format!("{} of {total} videos are missing.", total - finished);
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

/// Returns the state to continue from: the earlier one with the items that are new. Of the earlier
/// ones, those that are finished stay as they are, unless their scripts were changed since, and those
/// that another backend had in progress begin anew. Returns also how many are finished.
fn merged(earlier: BatchState, items: Vec<BatchItem>, is_remote: bool) -> (BatchState, usize) {
    let mut state = BatchState::new(earlier.project, []);
    state.session = earlier.session.filter(|_| is_remote);
    let (mut entries, mut finished) = (earlier.items, 0);
    let is_of = |item: &BatchItem, entry: &BatchItemState| entry.item.save_to == item.save_to;
    // What may be charged already is not lost, even if its script is gone.
    entries.retain(|entry| {
        let is_paid = matches!(entry.stage, JobStage::Message(_) | JobStage::Rendering(_));
        (is_paid && is_remote) || items.iter().any(|item| is_of(item, entry))
    });
    for entry in &mut entries {
        match &mut entry.stage {
            JobStage::Finished { .. } if is_changed(&entry.item) => {
                *entry = BatchItemState::new(entry.item.clone());
            }
            JobStage::Finished { job, path, .. } => {
                if !is_remote {
                    // The backend that knew it is gone.
                    *job = None;
                    if !path.exists() {
                        *entry = BatchItemState::new(entry.item.clone());
                        continue;
                    }
                }
                finished += 1;
            }
            _ if !is_remote => *entry = BatchItemState::new(entry.item.clone()),
            _ => {}
        }
    }
    let is_new = |item: &BatchItem| !entries.iter().any(|entry| is_of(item, entry));
    let new: Vec<_> = items.into_iter().filter(is_new).map(BatchItemState::new).collect();
    state.items = entries.into_iter().chain(new).collect();
    // A session that nothing is in progress in may be gone by now; another one costs nothing.
    if state
        .items
        .iter()
        .all(|item| matches!(item.stage, JobStage::Waiting | JobStage::Finished { .. }))
    {
        state.session = None;
    }
    (state, finished)
}

/// Whether the script of an item was changed after its video was made.
fn is_changed(item: &BatchItem) -> bool {
    let modified = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let script = item.upload.as_deref().and_then(modified);
    script.zip(modified(&item.save_to)).is_some_and(|(script, video)| script > video)
}

/// Returns whether an item is made again only on request, since it may be charged again: it failed,
/// or an earlier run looked for what its message did and found nothing. Such an item, or the batch,
/// whose `session` this is, has left the session of the message. A message that was not looked for yet, because its
/// process was killed, is observed first.
fn needs_retry(item: &BatchItemState, session: Option<&Session>) -> bool {
    match &item.stage {
        JobStage::Failed => true,
        JobStage::Message(sent) => {
            let session = item.session.as_ref().or(session);
            item.error.is_some()
                && session.is_none_or(|session| session.session_id != sent.session_id)
        }
        _ => false,
    }
}

fn batch_items(scripts: &[PathBuf], out: &Path) -> Vec<BatchItem> {
    let item = |script: &PathBuf| {
        let video = video_of(script, scripts, out);
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
            Ok(JobProgress::Turn(TurnEvent::StillWorking { next_poll: Some(pause), .. })) => {
                self.progress.looks_again(pause);
            }
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
