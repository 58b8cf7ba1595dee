//! Picks up a render that another process submitted.
//!
//! A `RenderJob` is plain JSON: write it down after `submit_render`, and any process of the same
//! account can wait for the film and fetch it.
//!
//! ```sh
//! cargo run --example resume -- job.json --out out.mp4
//! ```

mod support;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use futures::StreamExt as _;
use nemovideo::{RenderJob, RenderProgress};
use serde_json::json;

use support::{Connection, Failure, Result, Service, Stages};

/// Waits for a render and downloads it.
#[derive(Debug, Parser)]
struct Args {
    /// The job, as JSON.
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
    let job: RenderJob = serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("{} holds no job: {error}", args.job.display())))?;
    let service = args.api.map_or(Service::Cloud, Service::At);
    let Connection { client, .. } = support::connect(service).await?;

    stages.say(&format!("Waiting for {}…", job.id));
    let mut steps = Box::pin(client.render(&job).progress());
    while let Some(step) = steps.next().await {
        match step? {
            RenderProgress::Completed(video) => {
                stages.say("Downloading…");
                let file = client.download(&video, &args.out).await?;
                stages.clear();
                if args.json {
                    support::line(
                        "result",
                        json!({
                            "path": file.path,
                            "bytes": file.bytes,
                            "seconds": video.duration.map(|length| length.as_secs_f64()),
                        }),
                    );
                } else {
                    let size = support::size(file.bytes);
                    support::say(&format!("{} ({size})", file.path.display()));
                }
                return Ok(());
            }
            RenderProgress::Processing { percent: Some(percent) } => {
                stages.percent(f64::from(percent));
            }
            RenderProgress::Replaced(job) => {
                // The old id is dead: whoever comes next must find the new one.
                let json = serde_json::to_vec_pretty(&*job)
                    .map_err(|error| Failure::new(format!("the job cannot be written: {error}")))?;
                std::fs::write(&args.job, json).map_err(|error| {
                    Failure::new(format!("could not write {}: {error}", args.job.display()))
                })?;
                stages.say("The render failed; trying once more…");
            }
            _ => {}
        }
    }
    Err(Failure::new("the render ended without a file"))
}
