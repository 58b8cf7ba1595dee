//! A script in, a narrated video out: the main job.
//!
//! ```sh
//! cargo run --release --example voiceover
//! cargo run --release --example voiceover -- --script talk.docx --voice male --aspect portrait
//! echo "Hello there." | cargo run --release --example voiceover -- --script - --out hello.m4a
//! ```
//!
//! Without `--api` or `--cloud` it starts the embedded backend and talks to it as it would to the
//! cloud: a token, a session, a message answered by a stream, the state, a render, a download.

mod support;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::{Parser, ValueEnum};
use nemovideo::local::LocalBackend;
use nemovideo::project::{JobProgress, Script, TurnEvent, VoiceChoice};
use nemovideo::{Aspect, Error};
use serde_json::json;

use support::{Connection, Failure, Result, Service, Stages};

/// The script that comes with the repository.
const DEFAULT_SCRIPT: &str = include_str!("scripts/voiceover.txt");

/// Makes a narrated video from a script.
#[derive(Debug, Parser)]
struct Args {
    /// The script: a TXT or DOCX file, or - for standard input.
    #[arg(long, value_name = "FILE|-", conflicts_with = "text")]
    script: Option<PathBuf>,
    /// The script itself.
    #[arg(long, value_name = "T")]
    text: Option<String>,
    /// Where to write the video; .m4a and .wav give the sound alone.
    #[arg(long, value_name = "FILE", default_value = "voiceover.mp4")]
    out: PathBuf,
    /// Who speaks.
    #[arg(long, value_enum, default_value_t)]
    voice: VoiceKind,
    /// The language of the script, a BCP-47 tag.
    #[arg(long, value_name = "TAG", default_value = "en-US")]
    language: String,
    /// The shape of the picture.
    #[arg(long, value_enum, default_value_t)]
    aspect: Shape,
    /// A font for captions that the built-in one cannot draw, such as Chinese.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["api", "cloud"])]
    font: Option<PathBuf>,
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

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum VoiceKind {
    #[default]
    Female,
    Male,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Shape {
    #[default]
    Landscape,
    Portrait,
    Square,
}

impl From<Shape> for Aspect {
    fn from(shape: Shape) -> Self {
        match shape {
            Shape::Landscape => Self::Landscape,
            Shape::Portrait => Self::Portrait,
            Shape::Square => Self::Square,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    support::run(args.json, make(args)).await
}

async fn make(args: Args) -> Result<()> {
    let mut stages = Stages::new(args.json);
    let script = script_of(&args)?;
    stages.say("Setting things up…");
    let service = match (args.api.clone(), args.cloud) {
        (Some(url), _) => Service::At(url),
        (None, true) => Service::Cloud,
        (None, false) => {
            let mut backend = LocalBackend::builder();
            if let Some(font) = &args.font {
                backend = backend.font(font);
            }
            Service::Embedded(Box::new(backend))
        }
    };
    let Connection { client, backend } = support::connect(service).await?;
    // What an embedded backend makes is gone with this process: there is nothing to go on with.
    let notes = backend.is_none().then(|| Notes::beside(&args));
    let watch = Arc::new(Mutex::new(Watch { stages, notes, at: Times::default(), job: false }));
    let watched = Arc::clone(&watch);
    let voice = match args.voice {
        VoiceKind::Female => VoiceChoice::female(&args.language),
        VoiceKind::Male => VoiceChoice::male(&args.language),
    };
    let made = client
        .voiceover(script)
        .voice(voice)
        .aspect(args.aspect.into())
        .save_to(&args.out)
        .on_progress(move |stage| {
            if let Ok(mut watch) = watched.lock() {
                watch.see(stage);
            }
        })
        .await;
    let ended = match watch.lock() {
        Ok(mut watch) => watch.end(made.as_ref().err()),
        Err(_) => return Err(Failure::new("the progress could not be shown")),
    };
    let video = made.map_err(|error| match &ended.advice {
        Some(advice) => Failure::with_advice(Failure::from(error).to_string(), advice),
        None => Failure::from(error),
    })?;
    let credits = client.credits().await?;
    let length = video.video.duration.unwrap_or_else(|| video.draft.duration());
    let Times { ready, spoken, rendered } = ended.at;
    let done = ended.elapsed;
    if args.json {
        support::line(
            "result",
            json!({
                "path": video.path,
                "seconds": length.as_secs_f64(),
                "bytes": video.bytes,
                "summary": video.draft.summary(),
                "credits": credits.available.get(),
                "timing_ms": {
                    "setup": ready.as_millis(),
                    "speech": spoken.saturating_sub(ready).as_millis(),
                    "render": rendered.saturating_sub(spoken).as_millis(),
                    "download": done.saturating_sub(rendered).as_millis(),
                    "total": done.as_millis(),
                },
            }),
        );
    } else {
        support::say(&format!(
            "{} ({}, {}, made in {:.1} s)",
            video.path.display(),
            support::clock(length),
            support::size(video.bytes),
            done.as_secs_f64()
        ));
        support::say(&video.draft.summary());
        support::say(&format!("{} credits left", credits.available));
    }
    if let Some(backend) = backend {
        backend.shutdown().await;
    }
    Ok(())
}

/// What to speak: checked before anything is asked of the service.
fn script_of(args: &Args) -> Result<Script> {
    let text = match (&args.script, &args.text) {
        (Some(path), _) if path == Path::new("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| {
                Failure::with_advice(
                    format!("could not read the script: {error}"),
                    "Scripts are plain text in UTF-8, or DOCX.",
                )
            })?;
            text
        }
        (Some(path), _) => {
            return Script::from_path(path).map_err(|error| {
                Failure::with_advice(
                    Failure::from(error).to_string(),
                    "Scripts are plain text in UTF-8 or UTF-16, or DOCX.",
                )
            });
        }
        (None, Some(text)) => text.clone(),
        (None, None) => DEFAULT_SCRIPT.to_owned(),
    };
    Ok(Script::text(text)?)
}

/// Shows each stage, and notes what another process could go on with.
struct Watch {
    stages: Stages,
    notes: Option<Notes>,
    at: Times,
    /// A render was submitted.
    job: bool,
}

/// When each part of the work was over.
#[derive(Clone, Copy, Default)]
struct Times {
    ready: Duration,
    spoken: Duration,
    rendered: Duration,
}

/// What there is to say when it is over.
struct Ended {
    at: Times,
    elapsed: Duration,
    advice: Option<String>,
}

impl Watch {
    fn see(&mut self, progress: JobProgress) {
        let now = self.stages.elapsed();
        match progress {
            JobProgress::SessionOpened(_) if self.at.ready.is_zero() => {
                self.at.ready = now;
                self.stages.say("Ready");
            }
            JobProgress::Uploading => self.stages.say("Uploading the script…"),
            JobProgress::Sending(pending) => {
                self.note(&pending);
                self.stages.say("Speaking the script…");
            }
            JobProgress::Sent(pending) => self.note(&pending),
            JobProgress::Turn(TurnEvent::StillWorking { elapsed }) => {
                self.stages.say(&format!("Still working ({} s)…", elapsed.as_secs()));
            }
            JobProgress::Turn(TurnEvent::RawClipReady) => self.stages.say("Raw clip ready"),
            JobProgress::Turn(TurnEvent::PostProductionDone) => {
                self.stages.say("Captions and titles added")
            }
            JobProgress::Submitting(job) => {
                self.note(&job);
                if std::mem::replace(&mut self.job, true) {
                    self.stages.say("The render failed; trying once more…");
                } else {
                    self.at.spoken = now;
                    self.stages.say("Rendering…");
                }
            }
            JobProgress::Rendering { percent: Some(percent) } => {
                self.stages.percent(f64::from(percent));
            }
            JobProgress::Downloading { .. } if self.at.rendered.is_zero() => {
                self.at.rendered = now;
                self.stages.say("Downloading…");
            }
            _ => {}
        }
    }

    fn note(&mut self, what: &impl serde::Serialize) {
        if let Some(notes) = &mut self.notes {
            notes.write(what);
        }
    }

    /// The end: tells how to go on where something was paid and is not there.
    fn end(&mut self, error: Option<&Error>) -> Ended {
        self.stages.clear();
        let lost = error.is_some_and(|error| self.job || error.may_have_taken_effect());
        let mut advice = None;
        if let Some(notes) = &self.notes {
            match lost && notes.written {
                true => advice = Some(notes.advice.clone()),
                false => notes.remove(),
            }
        }
        Ended { at: self.at, elapsed: self.stages.elapsed(), advice }
    }
}

/// The message or the render under way, in a file for the `resume` example.
struct Notes {
    path: PathBuf,
    /// How to go on with them.
    advice: String,
    written: bool,
}

impl Notes {
    fn beside(args: &Args) -> Self {
        let mut path = args.out.as_os_str().to_owned();
        path.push(".job.json");
        let path = PathBuf::from(path);
        let mut command = format!(
            "cargo run --example resume -- {} --out {}",
            path.display(),
            args.out.display()
        );
        if let Some(url) = &args.api {
            command.push_str(&format!(" --api {url}"));
        }
        let advice = format!("It may be paid, and is not lost: {command}");
        Self { path, advice, written: false }
    }

    fn write(&mut self, what: &impl serde::Serialize) {
        // A note that cannot be written is no reason to give up what it would be about.
        let json = serde_json::to_vec_pretty(what).ok();
        self.written = json.is_some_and(|json| std::fs::write(&self.path, json).is_ok());
        if self.written {
            support::when_stopped(self.advice.clone());
        }
    }

    fn remove(&self) {
        if self.written {
            let _left = std::fs::remove_file(&self.path);
        }
    }
}
