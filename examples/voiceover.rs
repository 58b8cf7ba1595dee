//! A script in, a narrated video out: the main job.
//!
//! ```sh
//! cargo run --release --example voiceover
//! cargo run --release --example voiceover -- --script talk.docx --voice male --aspect portrait
//! echo "Hello there." | cargo run --release --example voiceover -- --script - --out hello.m4a
//! ```
//!
//! Without `--api` or `--cloud` it starts the embedded backend and uses it like the cloud. With
//! them, the message or render in progress is persisted beside the video, for the example `resume`.

mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Parser, ValueEnum};
use nemovideo::local::LocalBackend;
use nemovideo::project::{JobProgress, Script, TurnEvent, VoiceChoice};
use nemovideo::{Aspect, Error};
use serde::Serialize;
use serde_json::{Map, Value, json};

use support::job_file::JobFile;
use support::output::{Progress, format_duration, format_size, print_json, print_line};
use support::{Result, ServiceArgs};

/// The script that comes with the repository.
const DEFAULT_SCRIPT: &str = include_str!("scripts/voiceover.txt");

/// Makes a narrated video of a script.
#[derive(Debug, Parser)]
struct Args {
    /// The script: a TXT or DOCX file, or - for standard input.
    #[arg(long, value_name = "FILE|-", conflicts_with = "text")]
    script: Option<PathBuf>,
    /// The encoding of a TXT file in neither UTF-8 nor UTF-16, such as gbk or windows-1252.
    #[arg(long, value_name = "NAME", requires = "script")]
    encoding: Option<String>,
    /// The text of the script.
    #[arg(long, value_name = "T")]
    text: Option<String>,
    /// Path of the video; .m4a and .wav make an audio file.
    #[arg(long, value_name = "FILE", default_value = "voiceover.mp4")]
    out: PathBuf,
    /// The gender of the voice.
    #[arg(long, value_enum, default_value_t)]
    voice: Gender,
    /// The language of the script, a BCP-47 tag.
    #[arg(long, value_name = "TAG", default_value = "en-US")]
    language: String,
    /// The aspect ratio of the video.
    #[arg(long, default_value = "landscape", value_parser = aspects())]
    aspect: Aspect,
    /// A font for captions that the built-in one lacks, such as Chinese.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["api", "cloud"])]
    font: Option<PathBuf>,
    #[command(flatten)]
    service: ServiceArgs,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Gender {
    #[default]
    Female,
    Male,
}

fn aspects() -> impl clap::builder::TypedValueParser<Value = Aspect> {
    PossibleValuesParser::new(["landscape", "portrait", "square"])
        .try_map(|word| word.parse::<Aspect>())
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    support::run(args.json, make(args)).await
}

async fn make(args: Args) -> Result<()> {
    let progress = Progress::new(args.json);
    // A bad script is reported before anything is sent.
    let script = read_script(&args)?;
    progress.stage("Setting things up…");
    let mut backend = LocalBackend::builder();
    if let Some(font) = &args.font {
        backend = backend.font(font);
    }
    let connection = args.service.connect(backend).await?;
    // An embedded backend ends with this process, and its jobs with it.
    let job_file = (!connection.is_embedded())
        .then(|| JobFile::beside(&args.out, args.service.api.as_deref()));
    let observer = Arc::new(Mutex::new(Observer { progress, timing: Map::new(), job_file }));
    let callback = Arc::clone(&observer);
    let voice = match args.voice {
        Gender::Female => VoiceChoice::female(&args.language),
        Gender::Male => VoiceChoice::male(&args.language),
    };
    let saved = connection
        .client
        .voiceover(script)
        .voice(voice)
        .aspect(args.aspect)
        .save_to(&args.out)
        .on_progress(move |progress| lock(&callback).observe(progress))
        .await;
    let elapsed = lock(&observer).finish(saved.as_ref().err());
    let saved = saved?;
    let length = saved.video.duration.unwrap_or_else(|| saved.draft.duration());
    let summary = saved.draft.summary();
    let credits = connection.client.credits().await?.available;
    if args.json {
        let result = json!({
            "path": saved.path,
            "seconds": length.as_secs_f64(),
            "bytes": saved.bytes,
            "summary": summary,
            "credits": credits.get(),
            "timing_ms": lock(&observer).timing,
        });
        print_json("result", result);
    } else {
        let (path, size) = (saved.path.display(), format_size(saved.bytes));
        let (length, seconds) = (format_duration(length), elapsed.as_secs_f64());
        print_line(&format!("{path} ({length}, {size}, made in {seconds:.1} s)"));
        print_line(&format!("{summary}\n{credits} credits left"));
    }
    Ok(())
}

fn read_script(args: &Args) -> Result<Script> {
    Ok(match (&args.script, &args.text) {
        (Some(path), _) if path == Path::new("-") => {
            let text = std::io::read_to_string(std::io::stdin())
                .map_err(|error| format!("could not read the script: {error}"))?;
            Script::text(text)?
        }
        (Some(path), _) => match &args.encoding {
            Some(encoding) => Script::from_path_with_encoding(path, encoding)?,
            None => Script::from_path(path)?,
        },
        (None, Some(text)) => Script::text(text)?,
        (None, None) => Script::text(DEFAULT_SCRIPT)?,
    })
}

/// Prints each stage, and persists the job before each step that may be charged.
struct Observer {
    progress: Progress,
    /// The milliseconds that each finished part of the work took.
    timing: Map<String, Value>,
    job_file: Option<JobFile>,
}

fn lock(observer: &Mutex<Observer>) -> MutexGuard<'_, Observer> {
    observer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Observer {
    fn observe(&mut self, progress: JobProgress) {
        match progress {
            JobProgress::SessionOpened(_) if self.end_part("setup") => self.progress.stage("Ready"),
            JobProgress::Uploading => self.progress.stage("Uploading the script…"),
            JobProgress::Sending(pending) => {
                self.persist(&pending);
                self.progress.stage("Speaking the script…");
            }
            JobProgress::Sent(pending) => self.persist(&pending),
            JobProgress::Turn(TurnEvent::StillWorking { elapsed }) => {
                self.progress.stage(&format!("Still working ({} s)…", elapsed.as_secs()));
            }
            JobProgress::Turn(TurnEvent::RawClipReady) => self.progress.stage("Raw clip ready"),
            JobProgress::Turn(TurnEvent::PostProductionDone) => {
                self.progress.stage("Captions and titles added");
            }
            JobProgress::Submitting(job) => {
                self.persist(&job);
                let is_first = self.end_part("speech");
                self.progress.stage(match is_first {
                    true => "Rendering…",
                    false => "The render failed; trying once more…",
                });
            }
            JobProgress::Rendering { percent: Some(percent) } => self.progress.percent(percent),
            JobProgress::Downloading { .. } if self.end_part("render") => {
                self.progress.stage("Downloading…");
            }
            _ => {}
        }
    }

    /// Records the time that a part of the work took. Returns whether it ended for the first time.
    fn end_part(&mut self, part: &str) -> bool {
        if self.timing.contains_key(part) {
            return false;
        }
        let previous: u64 = self.timing.values().filter_map(Value::as_u64).sum();
        let part_ms = self.elapsed_ms().saturating_sub(previous);
        self.timing.insert(part.to_owned(), part_ms.into());
        true
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.progress.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn persist(&mut self, job: &impl Serialize) {
        if let Some(job_file) = &mut self.job_file {
            job_file.write(job);
        }
    }

    /// Removes the job file, unless there is no video although something was, or may have been,
    /// charged. Returns the time that the work took.
    fn finish(&mut self, error: Option<&Error>) -> Duration {
        self.progress.clear();
        let is_submitted = self.timing.contains_key("speech");
        let is_resumable = error.is_some_and(|error| is_submitted || error.may_have_taken_effect());
        if let Some(job_file) = self.job_file.as_mut().filter(|_| !is_resumable) {
            job_file.remove();
        }
        self.end_part("download");
        self.timing.insert("total".to_owned(), self.elapsed_ms().into());
        self.progress.elapsed()
    }
}
