//! Picks up a render that another process submitted, or a message that it sent.
//!
//! A `RenderJob` is plain JSON: write it down, and any process of the same account can wait for
//! the film and fetch it. So is a `PendingTurn`, which stands for a message before its render: the
//! session's state tells what came of it, and the message is not sent again.
//!
//! ```sh
//! cargo run --example resume -- job.json --out out.mp4
//! ```

mod support;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use futures::StreamExt as _;
use nemovideo::draft::Draft;
use nemovideo::{NemoClient, PendingTurn, RenderJob, RenderOutput, RenderProgress, TurnUpdate};
use serde_json::json;

use support::{Connection, Failure, Result, Service, Stages};

/// Waits for what another process has begun, and downloads it.
#[derive(Debug, Parser)]
struct Args {
    /// The job, or the message under way, as JSON.
    job: PathBuf,
    /// Where to write the video.
    #[arg(long, value_name = "FILE", default_value = "out.mp4")]
    out: PathBuf,
    /// Talk to the service at this address instead of the cloud.
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
    let mut stages = Stages::new(args.json);
    let text = std::fs::read_to_string(&args.job).map_err(|error| {
        Failure::new(format!("could not read the job {}: {error}", args.job.display()))
    })?;
    let begun = Begun::read(&text)
        .map_err(|error| Failure::new(format!("{} holds no job: {error}", args.job.display())))?;
    let service = args.api.clone().map_or(Service::Cloud, Service::At);
    let Connection { client, .. } = support::connect(service).await?;
    let job = match begun {
        Begun::Render(job) => job,
        Begun::Message(pending) => {
            stages.say("Looking what became of the message…");
            let job = RenderJob::new(
                pending.session_id.clone(),
                draft_of(&client, &pending).await?,
                output_for(&args)?,
            );
            write(&args, &job)?;
            job
        }
    };

    stages.say(&format!("Waiting for {}…", job.id));
    // The other process may have ended before it was sent.
    client.ensure_submitted(&job).await?;
    let mut steps = client.wait_for_render(&job);
    while let Some(step) = steps.next().await {
        match step? {
            RenderProgress::Completed(video) => {
                stages.say("Downloading…");
                let bytes = client.download(&video, &args.out).await?;
                stages.clear();
                if args.json {
                    support::line(
                        "result",
                        json!({
                            "path": args.out,
                            "bytes": bytes,
                            "seconds": video.duration.map(|length| length.as_secs_f64()),
                        }),
                    );
                } else {
                    let size = support::size(bytes);
                    support::say(&format!("{} ({size})", args.out.display()));
                }
                return Ok(());
            }
            RenderProgress::Processing { percent: Some(percent) } => {
                stages.percent(f64::from(percent));
            }
            RenderProgress::Replaced(job) => {
                // The old id is dead: whoever comes next must find the new one.
                write(&args, &job)?;
                stages.say("The render failed; trying once more…");
            }
            _ => {}
        }
    }
    Err(Failure::new("the render ended without a file"))
}

/// What the other process has begun.
enum Begun {
    Render(RenderJob),
    Message(PendingTurn),
}

impl Begun {
    fn read(text: &str) -> serde_json::Result<Self> {
        // What neither can be read as was meant for a job.
        serde_json::from_str(text)
            .map(Self::Render)
            .or_else(|error| serde_json::from_str(text).map(Self::Message).map_err(|_| error))
    }
}

/// The film that came of a message, once its work is done.
async fn draft_of(client: &NemoClient, pending: &PendingTurn) -> Result<Draft> {
    let mut updates = client.resume_turn(pending);
    let mut draft = None;
    while let Some(update) = updates.next().await {
        if let TurnUpdate::Recovered(state) = update? {
            draft = state.draft;
        }
    }
    // A film is made in two stages; the price is frozen until both are over.
    while client.credits().await?.frozen.get() > 0.0 {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let latest = client.session_state(&pending.session_id).await?.draft;
    latest.or(draft).filter(Draft::is_ready_to_export).ok_or_else(|| {
        Failure::with_advice("nothing came of the message", "It was not sent again; send it anew.")
    })
}

fn output_for(args: &Args) -> Result<RenderOutput> {
    let extension = args.out.extension().and_then(|end| end.to_str()).unwrap_or_default();
    match extension {
        "mp4" => Ok(RenderOutput::mp4()),
        "m4a" => Ok(RenderOutput::m4a()),
        "wav" => Ok(RenderOutput::wav()),
        _ => Err(Failure::new(format!("{} does not end in .mp4", args.out.display()))),
    }
}

fn write(args: &Args, job: &RenderJob) -> Result<()> {
    let json = serde_json::to_vec_pretty(job)
        .map_err(|error| Failure::new(format!("the job cannot be written: {error}")))?;
    std::fs::write(&args.job, json)
        .map_err(|error| Failure::new(format!("could not write {}: {error}", args.job.display())))
}
