//! Videos in a queue that survives its processes, for any number of workers.
//!
//! ```sh
//! cargo run --release --features queue --example queue -- push examples/scripts --out videos
//! cargo run --release --features queue --example queue -- work
//! cargo run --release --features queue --example queue -- status --follow
//! ```
//!
//! The queue is `tasks.db` in this directory; `--store postgres://…` or `NEMOVIDEO_QUEUE` names
//! another one. Workers may be killed at any time, and started again; what was charged is not charged
//! again. The embedded backend of `work` ends with it, and forgets what it was making: several workers
//! connect to one, such as `local_server`, with `--api`.

mod support;

use std::collections::HashMap;
use std::path::{Path, PathBuf, absolute};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use futures::TryStreamExt as _;
use nemovideo::Credits;
use nemovideo::NemoClient;
use nemovideo::local::LocalBackend;
use nemovideo::project::VoiceChoice;
use nemovideo::queue::{Queue, TaskRecord, TaskState, VoiceoverTask};
use serde_json::{Value, json};

use support::output::{eprint_line, print_json, print_line};
use support::{Result, ServiceArgs, StopSignals, find_scripts, video_of};

/// Makes videos from a queue.
#[derive(Debug, Parser)]
struct Args {
    /// The database of the queue: sqlite:FILE or postgres://….
    #[arg(
        long,
        global = true,
        env = "NEMOVIDEO_QUEUE",
        default_value = "sqlite:tasks.db",
        hide_env_values = true
    )]
    store: String,
    /// Print results as JSON, one object in each line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a task for each script, TXT, MD or DOCX, in a directory. The key of a task is the path of
    /// its video, so a script is not queued twice.
    Push {
        /// The directory of the scripts.
        scripts: PathBuf,
        /// The directory for the videos.
        #[arg(long, value_name = "DIR", default_value = "videos")]
        out: PathBuf,
        /// The language of the scripts, a BCP-47 tag.
        #[arg(long, value_name = "TAG", default_value = "en-US")]
        language: String,
        /// The account that pays.
        #[arg(long, value_name = "NAME", default_value = "default")]
        account: String,
    },
    /// Make the videos, until Ctrl-C or SIGTERM. Those in progress then have --grace to end, and
    /// otherwise continue with another worker.
    Work {
        /// How many videos this worker makes at once.
        #[arg(long, value_name = "N", default_value_t = 4)]
        at_once: usize,
        /// The account that this worker's client belongs to.
        #[arg(long, value_name = "NAME", default_value = "default")]
        account: String,
        /// After how many seconds without a sign of life another worker takes over.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        lease: u64,
        /// How many seconds the videos in progress have to end.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        grace: u64,
        /// How often a task may fail in a way that passes, or its worker may die.
        #[arg(long, value_name = "N", default_value_t = 8)]
        max_failures: u32,
        /// End when no task is queued or in progress.
        #[arg(long)]
        until_empty: bool,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// Show the tasks.
    Status {
        /// Only those in this state: queued, running, done, failed, unknown or cancelled.
        #[arg(long, value_name = "STATE")]
        state: Option<TaskState>,
        /// Show each change, until no task is queued or in progress.
        #[arg(long)]
        follow: bool,
    },
    /// Cancel a task.
    Cancel { key: String },
    /// Continue failed, unknown or cancelled tasks. Nothing that may have been charged is done again.
    Retry {
        /// The key of one, or else --state.
        #[arg(required_unless_present = "state")]
        key: Option<String>,
        /// All in this state.
        #[arg(long, value_name = "STATE", conflicts_with = "key")]
        state: Option<TaskState>,
    },
    /// Make a failed, unknown or cancelled task from its beginning; it may be charged again.
    Restart { key: String },
    /// Set how many tasks of an account are in progress at once, in all processes; 0 for any number.
    Limit { account: String, at_once: u32 },
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let result = match args.command {
        // It ends gracefully by itself.
        Command::Work { .. } => run(&args).await,
        _ => return support::run(args.json, async { run(&args).await }).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => support::fail(args.json, &*error),
    }
}

async fn run(args: &Args) -> Result<()> {
    let queue = Queue::open(&args.store).await?;
    match &args.command {
        Command::Push { scripts, out, language, account } => {
            push(args.json, &queue, scripts, out, language, account).await
        }
        Command::Work { .. } => work(&queue, &args.command).await,
        Command::Status { state, follow } => status(args.json, &queue, *state, *follow).await,
        Command::Cancel { key } => {
            changed(queue.cancel(key).await?, key, "has ended, or is unknown")
        }
        Command::Retry { key: Some(key), .. } => {
            changed(queue.retry(key).await?, key, "is not failed, unknown or cancelled")
        }
        Command::Retry { key: None, state } => {
            let tasks: Vec<TaskRecord> = queue.list(*state).try_collect().await?;
            let mut count = 0;
            for task in tasks {
                count += u32::from(queue.retry(&task.key).await?);
            }
            print_line(&format!("{count} tasks are queued again"));
            Ok(())
        }
        Command::Restart { key } => {
            changed(queue.restart(key).await?, key, "is not failed, unknown or cancelled")
        }
        Command::Limit { account, at_once } => {
            Ok(queue.limit(account, (*at_once > 0).then_some(*at_once)).await?)
        }
    }
}

fn changed(is_changed: bool, key: &str, otherwise: &str) -> Result<()> {
    match is_changed {
        true => Ok(()),
        false => Err(format!("{key} {otherwise}").into()),
    }
}

async fn push(
    json: bool,
    queue: &Queue,
    scripts: &Path,
    out: &Path,
    language: &str,
    account: &str,
) -> Result<()> {
    let scripts = find_scripts(scripts, &["txt", "md", "docx"])?;
    std::fs::create_dir_all(out)
        .map_err(|error| format!("could not create {}: {error}", out.display()))?;
    // It makes no request: the workers have clients of their own.
    let client = NemoClient::builder().in_memory_credentials().build()?;
    let mut tasks = Vec::new();
    for script in &scripts {
        let video = absolute(video_of(script, &scripts, out))?;
        let voice = VoiceChoice::female(language);
        let voiceover = client.voiceover(script.clone()).voice(voice).save_to(&video);
        tasks.push(VoiceoverTask::new(video.display().to_string(), &voiceover)?.account(account));
    }
    let (mut new, total) = (0, tasks.len());
    for task in tasks {
        new += usize::from(queue.push(&task).await?);
    }
    match json {
        true => print_json("pushed", json!({ "new": new, "known": total - new })),
        false if new == total => print_line(&format!("{new} tasks are queued")),
        false => print_line(&format!("{new} tasks are queued; {} were known", total - new)),
    }
    Ok(())
}

async fn work(queue: &Queue, command: &Command) -> Result<()> {
    let Command::Work { at_once, account, lease, grace, max_failures, until_empty, service } =
        command
    else {
        return Ok(());
    };
    // Videos of the embedded backend cost nothing: its credits must not end the work.
    let backend = LocalBackend::builder().credits(Credits::new(1e9));
    let connection = service.connect(backend).await?;
    let worker = queue
        .worker()
        .account(account, connection.client.clone())
        .at_once(*at_once)
        .lease(Duration::from_secs(*lease))
        .grace(Duration::from_secs(*grace))
        .max_failures(*max_failures);
    eprint_line("working; Ctrl-C to stop");
    let mut signals = StopSignals::listen();
    let ended = worker.run_until(async {
        tokio::select! {
            () = signals.next() => eprint_line("ending; a second Ctrl-C ends at once"),
            () = emptied(queue), if *until_empty => {}
        }
    });
    let mut second = StopSignals::listen();
    let at_once = async {
        second.next().await;
        second.next().await;
    };
    tokio::select! {
        ended = ended => Ok(ended?),
        () = at_once => std::process::exit(130),
    }
}

/// Waits until no task is queued or in progress.
async fn emptied(queue: &Queue) {
    loop {
        if let Ok(counts) = queue.counts().await
            && counts.iter().all(|(state, count)| state.is_final() || *count == 0)
        {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn status(json: bool, queue: &Queue, state: Option<TaskState>, follow: bool) -> Result<()> {
    let mut shown: HashMap<String, TaskRecord> = HashMap::new();
    loop {
        let mut tasks = Box::pin(queue.list(state));
        while let Some(task) = tasks.try_next().await? {
            if shown.get(&task.key) != Some(&task) {
                show(json, &task);
                shown.insert(task.key.clone(), task);
            }
        }
        let counts = queue.counts().await?;
        let is_over = counts.iter().all(|(state, count)| state.is_final() || *count == 0);
        if !follow || is_over {
            let counts = counts.iter().filter(|(_, count)| **count > 0);
            if json {
                let counts: HashMap<&str, u64> =
                    counts.map(|(state, count)| (state.name(), *count)).collect();
                print_json("counts", json!(counts));
            } else {
                let counts: Vec<_> =
                    counts.map(|(state, count)| format!("{count} {state}")).collect();
                let counts =
                    if counts.is_empty() { "no tasks".to_owned() } else { counts.join(", ") };
                print_line(&counts);
            }
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn show(json: bool, task: &TaskRecord) {
    if json {
        print_json(
            "task",
            json!({
                "key": task.key, "account": task.account, "state": task.state.name(),
                "attempt": task.attempt, "percent": task.percent, "worker": task.worker,
                "progress": task.progress, "error": task.error,
            }),
        );
        return;
    }
    let stage = task.progress.as_ref().and_then(|progress| progress.get("stage"));
    let what = match (task.state, &task.error) {
        (TaskState::Running, _) => {
            stage.and_then(Value::as_str).unwrap_or_default().replace('_', " ")
        }
        (_, Some(error)) => error.clone(),
        _ => String::new(),
    };
    print_line(format!("{:9} {:3.0} %  {}  {what}", task.state, task.percent, task.key).trim_end());
}
