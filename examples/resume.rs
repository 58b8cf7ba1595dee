//! Continues a render that another process submitted, or a message that it sent.
//!
//! A `RenderJob` is plain JSON: persist it, and any process of the same account can wait for the
//! video and download it. So is a `PendingTurn`, which stands for a message before its render: the
//! session's state shows what came of it, and the message is not sent again.
//!
//! ```sh
//! cargo run --example resume -- out.mp4.job.json --out out.mp4
//! ```

mod support;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use serde_json::json;

use support::job_file::{self, BesideArgs, JobFile, Resumed};
use support::output::{Progress, format_size, print_json, print_line};
use support::{Connection, Result};

/// Waits for what another process began, and downloads the video.
#[derive(Debug, Parser)]
struct Args {
    /// The job file that the other process wrote, such as out.mp4.job.json.
    job: PathBuf,
    /// Path of the video.
    #[arg(long, value_name = "FILE", default_value = "out.mp4")]
    out: PathBuf,
    #[command(flatten)]
    beside: BesideArgs,
    /// Connect to the service at this URL, in place of NEMO_API_URL or the cloud.
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// Print the progress and the result as JSON, one object in each line.
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
    let missing = format!("there is no job file {}", args.job.display());
    if !args.job.exists() {
        return Err(missing.into());
    }
    args.beside.check(&args.out)?;
    let mut file = JobFile::at(args.job)?;
    let job = file.read()?.ok_or(missing)?;
    let client = Connection::remote(args.api.as_deref()).await?.client;
    let (out, beside) = (&args.out, &args.beside);
    let resumed = job_file::resume(&client, job, &mut file, out, beside, &progress).await?;
    let Resumed { bytes, duration, missed } = &resumed;
    if args.json {
        let seconds = duration.map(|duration| duration.as_secs_f64());
        let mut result = resumed.beside(beside);
        result["path"] = json!(out);
        result["bytes"] = json!(bytes);
        result["seconds"] = json!(seconds);
        print_json("result", result);
    } else {
        print_line(&format!("{} ({})", out.display(), format_size(*bytes)));
        for (path, reason) in missed {
            print_line(&format!("not written: {} ({reason})", path.display()));
        }
    }
    match missed.is_empty() {
        true => Ok(()),
        false => Err("the video was saved, but not every file beside it".into()),
    }
}
