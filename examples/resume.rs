//! Continues a render that another process submitted, or a message that it sent.
//!
//! A `RenderJob` is plain JSON: persist it, and any process of the same account can wait for the
//! video and download it. So is a `PendingTurn`, which stands for a message before its render: the
//! session's state shows what came of it, and the message is not sent again.
//!
//! ```sh
//! cargo run --example resume -- job.json --out out.mp4
//! ```

mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use futures::StreamExt as _;
use nemovideo::draft::Draft;
use nemovideo::{NemoClient, PendingTurn, RenderJob, RenderOutput, RenderProgress, TurnUpdate};
use serde_json::json;

use support::job_file::write_json;
use support::output::{Progress, format_size, print_json, print_line};
use support::{Connection, Result};

/// Waits for what another process began, and downloads the video.
#[derive(Debug, Parser)]
struct Args {
    /// The render or the message in progress, as JSON.
    job: PathBuf,
    /// Path of the video.
    #[arg(long, value_name = "FILE", default_value = "out.mp4")]
    out: PathBuf,
    /// Connect to the service at this URL instead of the cloud.
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    support::run(args.json, resume(args)).await
}

async fn resume(args: Args) -> Result<()> {
    let progress = Progress::new(args.json);
    let client = Connection::remote(args.api.as_deref())?.client;
    let job = match read_job(&args.job)? {
        Job::Render(job) => job,
        Job::Message(pending) => {
            let output = output_for(&args.out)?;
            progress.stage("Waiting for the message's video…");
            let draft = wait_for_draft(&client, &pending).await?;
            let job = RenderJob::new(pending.session_id, draft, output);
            write_json(&args.job, &job)?;
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
                write_json(&args.job, &job)?;
                progress.stage("The render failed; trying once more…");
            }
            RenderProgress::Completed(video) => {
                progress.stage("Downloading…");
                let bytes = client.download(&video, &args.out).await?;
                progress.clear();
                print_result(&args.out, bytes, video.duration, args.json);
            }
            _ => {}
        }
    }
    Ok(())
}

fn print_result(path: &Path, bytes: u64, duration: Option<Duration>, json: bool) {
    if json {
        let seconds = duration.map(|duration| duration.as_secs_f64());
        print_json("result", json!({ "path": path, "bytes": bytes, "seconds": seconds }));
    } else {
        print_line(&format!("{} ({})", path.display(), format_size(bytes)));
    }
}

/// What the other process persisted.
enum Job {
    Render(RenderJob),
    Message(PendingTurn),
}

fn read_job(path: &Path) -> Result<Job> {
    let shown = path.display();
    let json = std::fs::read_to_string(path)
        .map_err(|error| format!("could not read the job {shown}: {error}"))?;
    // The error for a file that is neither is the one for a render.
    let job = serde_json::from_str(&json)
        .map(Job::Render)
        .or_else(|error| serde_json::from_str(&json).map(Job::Message).map_err(|_| error))
        .map_err(|error| format!("{shown} contains no job: {error}"))?;
    Ok(job)
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
