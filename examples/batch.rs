//! A folder of scripts in, a folder of videos out, in one session.
//!
//! ```sh
//! cargo run --release --example batch -- examples/scripts --out videos
//! ```
//!
//! With `--api` or `--cloud` the batch is written down before each step, in `batch.json` beside the
//! videos. When the same command finds that file it goes on there: what is paid is not paid again.

mod support;

use std::io::{ErrorKind, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use futures::StreamExt as _;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use nemovideo::Credits;
use nemovideo::local::LocalBackend;
use nemovideo::project::{BatchItem, BatchItemState, BatchState, JobProgress, JobStage, TurnEvent};
use serde_json::json;

use support::{Connection, Failure, Result, Service};

/// Makes a video of each TXT and DOCX file in a folder.
#[derive(Debug, Parser)]
struct Args {
    /// The folder with the scripts.
    scripts: PathBuf,
    /// The folder for the videos.
    #[arg(long, value_name = "DIR", default_value = "videos")]
    out: PathBuf,
    /// Talk to the service at this address.
    #[arg(long, value_name = "URL", conflicts_with = "cloud")]
    api: Option<String>,
    /// Talk to the cloud, with NEMO_TOKEN or anonymously.
    #[arg(long)]
    cloud: bool,
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
    let scripts = scripts_in(&args.scripts)?;
    std::fs::create_dir_all(&args.out)
        .map_err(|error| Failure::new(format!("cannot make {}: {error}", args.out.display())))?;
    let service = match (&args.api, args.cloud) {
        (Some(url), _) => Service::At(url.clone()),
        (None, true) => Service::Cloud,
        (None, false) => {
            // Its films cost nothing, so there is no reason to stop at a hundred credits' worth.
            let plenty = Credits::new(1e9);
            Service::Embedded(Box::new(LocalBackend::builder().credits(plenty)))
        }
    };
    let Connection { client, backend } = support::connect(service).await?;
    // What an embedded backend makes is gone with this process: there is nothing to go on with.
    let note = backend.is_none().then(|| args.out.join("batch.json"));
    let mut batch = match note.as_deref().map(read).transpose()?.flatten() {
        Some(state) => {
            support::note("going on with the batch that was left");
            client.resume_batch(state)
        }
        None => client.project("batch").await?.batch(items_of(&args, &scripts)),
    };
    let names = batch.state().items.iter().map(|entry| name_of(&entry.item)).collect();
    let rows = Rows::new(names, args.json);
    let mut failed = 0;
    while let Some((index, progress)) = batch.next().await {
        if let Some(note) = &note {
            write(note, &batch.state())?;
        }
        match progress {
            Ok(JobProgress::Uploading) => rows.say(index, "uploading", 0.0),
            Ok(JobProgress::Sending(_)) => rows.say(index, "speaking", 5.0),
            Ok(JobProgress::Turn(TurnEvent::RawClipReady)) => {
                rows.say(index, "raw clip", 20.0);
            }
            Ok(JobProgress::Turn(TurnEvent::PostProductionDone)) => {
                rows.say(index, "captions", 30.0);
            }
            Ok(JobProgress::Rendering { percent }) => {
                rows.say(index, "rendering", 30.0 + f64::from(percent.unwrap_or(0.0)) * 0.7);
            }
            Ok(JobProgress::Finished(video)) => {
                let words = format!("{} ({})", video.path.display(), support::size(video.bytes));
                rows.end(index, Some(&video.path), &words);
            }
            Err(error) => {
                failed += 1;
                let failure = Failure::from(error);
                let advice = failure.advice().unwrap_or_default().to_owned();
                let what = failure.to_string();
                let words = format!("{}. {advice}", what.trim_end_matches('.'));
                rows.end(index, None, words.trim_end());
            }
            _ => {}
        }
    }
    let state = batch.stop();
    let open = |entry: &BatchItemState| {
        !matches!(entry.stage, JobStage::Finished { .. } | JobStage::Failed)
    };
    let (total, left) = (state.items.len(), state.items.iter().filter(|entry| open(entry)).count());
    if let Some(note) = &note {
        match left {
            0 => _ = std::fs::remove_file(note),
            _ => write(note, &state)?,
        }
    }
    let what = format!("{failed} of {total} videos were not made");
    match (failed, left, &note) {
        (0, ..) => Ok(()),
        (_, 1.., Some(_)) => {
            Err(Failure::with_advice(what, "Run it again to go on with those that can be."))
        }
        _ => Err(Failure::new(what)),
    }
}

fn items_of(args: &Args, scripts: &[PathBuf]) -> Vec<BatchItem> {
    let item = |script: &PathBuf| {
        let stem = |script: &Path| script.file_stem().unwrap_or_default().to_ascii_lowercase();
        // `talk.txt` and `talk.docx` each have a film of their own.
        let same = scripts.iter().filter(|other| stem(other) == stem(script)).count();
        let name = if same == 1 { script.file_stem() } else { script.file_name() };
        let mut out = args.out.join(name.unwrap_or_default()).into_os_string();
        out.push(".mp4");
        BatchItem::new("Make a voiceover video of the uploaded script.", out).upload(script)
    };
    scripts.iter().map(item).collect()
}

/// The batch that was left here, if there was one.
fn read(note: &Path) -> Result<Option<BatchState>> {
    let failed = |error: String| Failure::new(format!("cannot read {}: {error}", note.display()));
    match std::fs::read(note) {
        Ok(json) => serde_json::from_slice(&json).map(Some).map_err(|e| failed(e.to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Under another name first, so that a process that ends meanwhile leaves the note before.
fn write(note: &Path, state: &BatchState) -> Result<()> {
    let failed = |error: String| Failure::new(format!("cannot write {}: {error}", note.display()));
    let json = serde_json::to_vec_pretty(state).map_err(|error| failed(error.to_string()))?;
    let half = note.with_extension("json.part");
    std::fs::write(&half, json)
        .and_then(|()| std::fs::rename(&half, note))
        .map_err(|error| failed(error.to_string()))
}

fn name_of(item: &BatchItem) -> String {
    let path = item.upload.as_ref().unwrap_or(&item.save_to);
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The scripts of a folder, by name.
fn scripts_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |error| Failure::new(format!("cannot read {}: {error}", folder.display()));
    let mut scripts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let extension = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        if path.is_file()
            && ["txt", "docx"].iter().any(|known| extension.eq_ignore_ascii_case(known))
        {
            scripts.push(path);
        }
    }
    scripts.sort();
    if scripts.is_empty() {
        return Err(Failure::with_advice(
            format!("there is no script in {}", folder.display()),
            "Scripts are TXT and DOCX files.",
        ));
    }
    Ok(scripts)
}

/// A row for each script: bars on a terminal, lines elsewhere.
struct Rows {
    names: Vec<String>,
    bars: Option<Vec<ProgressBar>>,
    json: bool,
}

impl Rows {
    fn new(names: Vec<String>, json: bool) -> Self {
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let shown = std::io::stderr().is_terminal() && !json;
        let bars = shown.then(|| {
            let rows = MultiProgress::new();
            let style = ProgressStyle::with_template("{prefix} {bar:24.cyan/dim} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = |name: &String| {
                let bar = rows.add(ProgressBar::new(100).with_style(style.clone()));
                bar.set_prefix(format!("{name:width$}"));
                bar.set_message("waiting");
                bar
            };
            names.iter().map(bar).collect()
        });
        Self { names, bars, json }
    }

    fn say(&self, index: usize, stage: &str, percent: f64) {
        if let Some(bars) = &self.bars {
            bars[index].set_position(percent as u64);
            bars[index].set_message(stage.to_owned());
        } else if self.json {
            let script = &self.names[index];
            support::line(
                "progress",
                json!({ "script": script, "stage": stage, "percent": percent }),
            );
        }
    }

    /// The last word on one; the film's path when it was made.
    fn end(&self, index: usize, film: Option<&Path>, words: &str) {
        let done = film.is_some();
        let script = &self.names[index];
        if let Some(bars) = &self.bars {
            bars[index].set_position(if done { 100 } else { bars[index].position() });
            bars[index].abandon_with_message(words.to_owned());
        } else if self.json {
            support::line(
                "result",
                json!({ "script": script, "done": done, "path": film, "message": words }),
            );
        } else {
            support::say(&format!("{script}: {words}"));
        }
    }
}
