//! A script in, a narrated video out: the main job.
//!
//! ```sh
//! cargo run --release --example voiceover
//! cargo run --release --example voiceover -- --script talk.docx --voice male --aspect portrait
//! cargo run --release --example voiceover -- --script talk.md --motion none --fade 1
//! echo "Hello there." | cargo run --release --example voiceover -- --script - --out hello.m4a
//! cargo run --release --example voiceover -- --text 你好。 --language zh-CN --font wqy-microhei.ttc \
//!     --voice-command "espeak-ng -v {language} -w {out} -- {text}"
//! ```
//!
//! Without `--api` or `--cloud` it starts the embedded backend and uses it like the cloud. With
//! them, the message or render in progress is persisted beside the video before it is sent. The same
//! command, or the example `resume`, continues from there.

mod support;

use std::borrow::Cow;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Parser, ValueEnum};
use futures::StreamExt as _;
use nemovideo::draft::{CaptionStyle, ImageFit, ImageMotion};
use nemovideo::local::LocalBackend;
use nemovideo::project::{Captions, JobProgress, Script, TurnEvent, VoiceChoice};
use nemovideo::{Aspect, Error};
use serde::Serialize;
use serde_json::{Map, Value, json};

use support::job_file::{self, BesideArgs, Job, JobFile};
use support::output::{Progress, format_duration, format_size, print_json, print_line};
use support::{Result, ServiceArgs};

/// The script that comes with the repository.
const DEFAULT_SCRIPT: &str = include_str!("scripts/voiceover.txt");

/// Makes a narrated video of a script. Without --script and --text, it is the script that comes with
/// the example.
#[derive(Debug, Parser)]
struct Args {
    /// The script: a text file (TXT, MD), a DOCX document, or - for standard input. Each image of a
    /// Markdown file, ![](photo.jpg), is shown from its paragraph until the next one.
    #[arg(long, value_name = "FILE|-", conflicts_with = "text")]
    script: Option<PathBuf>,
    /// The encoding of a text file that is neither UTF-8 nor UTF-16, such as gbk or windows-1252.
    #[arg(long, value_name = "NAME", requires = "script")]
    encoding: Option<String>,
    /// The text of the script, in place of a file.
    #[arg(long, value_name = "TEXT")]
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
    /// The pace of the voice, from 0.5 to 2.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = number::<f32>)]
    pace: f32,
    /// A program that speaks a sentence in place of the built-in voices, with its arguments. It
    /// writes audio to the file {out} or to standard output, and reads {text} or standard input.
    /// {language}, {gender:F|M} (F or M), {rate} (1 is normal), {wpm} (175) and {stretch} (1) are
    /// replaced as well.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["api", "cloud", "narration"])]
    voice_command: Option<String>,
    /// A recording of the script to play in place of a voice: MP3, WAV, M4A or AAC.
    #[arg(long, value_name = "FILE")]
    narration: Option<PathBuf>,
    /// A title to show at the beginning.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// How captions are shown.
    #[arg(long, value_enum, default_value_t)]
    captions: CaptionChoice,
    /// Music to play under the voice: MP3, WAV, M4A or AAC.
    #[arg(long, value_name = "FILE")]
    music: Option<PathBuf>,
    /// An image to show in the background: JPG, PNG, GIF or WebP.
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// How the images of the script move.
    #[arg(long, default_value = "zoom", value_parser = motions())]
    motion: ImageMotion,
    /// How the images of the script fill a frame of another shape: cut off, or whole with a blurred
    /// copy behind them.
    #[arg(long, default_value = "cover", value_parser = fits())]
    fit: ImageFit,
    /// The cross-fade between the images of the script, in seconds; 0 for none.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5, value_parser = number::<f64>)]
    fade: f64,
    #[command(flatten)]
    beside: BesideArgs,
    /// The aspect ratio of the video: 16:9 (landscape), 9:16 (portrait) or 1:1 (square).
    #[arg(long, value_name = "RATIO", default_value = "landscape")]
    aspect: Aspect,
    #[command(flatten)]
    service: ServiceArgs,
    /// Print the progress and the result as JSON, one object in each line.
    #[arg(long)]
    json: bool,
}

/// How captions are shown.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum CaptionChoice {
    /// Text with an outline.
    #[default]
    Plain,
    /// Text on a box.
    Boxed,
    /// The spoken word is marked.
    Words,
    None,
}

impl From<CaptionChoice> for Captions {
    fn from(choice: CaptionChoice) -> Self {
        match choice {
            CaptionChoice::Plain => Self::On,
            CaptionChoice::Boxed => CaptionStyle::boxed().into(),
            CaptionChoice::Words => CaptionStyle::words().into(),
            CaptionChoice::None => Self::Off,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Gender {
    #[default]
    Female,
    Male,
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|_| "write a number, like 1.2")
}

fn motions() -> impl clap::builder::TypedValueParser<Value = ImageMotion> {
    PossibleValuesParser::new(["zoom", "none"]).try_map(|word| word.parse::<ImageMotion>())
}

fn fits() -> impl clap::builder::TypedValueParser<Value = ImageFit> {
    PossibleValuesParser::new(["cover", "contain"]).try_map(|word| word.parse::<ImageFit>())
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
    let fade = Duration::try_from_secs_f64(args.fade)
        .map_err(|_| format!("--fade {} is not a number of seconds from 0 to 10", args.fade))?;
    args.beside.check(&args.out)?;
    let BesideArgs { subtitles, poster, .. } = &args.beside;
    let Args { script: file, music, image, narration, service, .. } = &args;
    support::check_apart(
        [file, music, image, narration, &service.font],
        [&Some(args.out.clone()), subtitles, poster],
    )?;
    let api = args.service.api.as_deref();
    let mut job_file = match args.service.is_remote() {
        true => Some(JobFile::beside(&args.out, &args.beside, request(&args, &script), api)?),
        false => None,
    };
    let job = job_file.as_mut().map(JobFile::read).transpose()?.flatten();
    progress.stage("Setting things up…");
    let mut backend = LocalBackend::builder();
    if let Some(command) = &args.voice_command {
        let has_rate = ["{rate}", "{wpm}", "{stretch}"].iter().any(|it| command.contains(it));
        if args.pace != 1.0 && !has_rate {
            return Err("--pace needs {rate}, {wpm} or {stretch} in the voice command".into());
        }
        let languages = std::slice::from_ref(&args.language);
        backend = backend.voice(support::command_voice(command, languages)?);
    }
    let connection = args.service.connect(backend).await?;
    if let (Some(file), Some(job)) = (&mut job_file, job) {
        progress.stage("Continuing the video of an earlier run…");
        let (client, out, beside) = (&connection.client, &args.out, &args.beside);
        let resumed = job_file::resume(client, job, file, out, beside, &progress).await?;
        return show(&args, &progress, out, resumed.bytes, resumed.beside(beside));
    }
    let voice = match args.voice {
        Gender::Female => VoiceChoice::female(&args.language),
        Gender::Male => VoiceChoice::male(&args.language),
    };
    let mut voiceover = connection.client.voiceover(script).voice(voice).aspect(args.aspect);
    voiceover = voiceover.pace(args.pace).captions(args.captions);
    voiceover = voiceover.scene_motion(args.motion).scene_fit(args.fit).scene_fade(fade);
    if let Some(title) = &args.title {
        voiceover = voiceover.title(title);
    }
    if let Some(path) = &args.music {
        voiceover = voiceover.music(path);
    }
    if let Some(path) = &args.image {
        voiceover = voiceover.image(path);
    }
    if let Some(path) = &args.narration {
        voiceover = voiceover.narration(path);
    }
    if let Some(path) = subtitles {
        voiceover = voiceover.subtitles(path);
    }
    if let Some(path) = poster {
        voiceover = match args.beside.poster_at {
            Some(time) => voiceover.poster_at(path, time),
            None => voiceover.poster(path),
        };
    }
    let mut steps = voiceover.save_to(&args.out).into_stream();
    let mut observer = Observer { progress, timing: Map::new(), job_file };
    let saved = loop {
        match steps.next().await.ok_or("the voiceover ended without a video")? {
            Ok(JobProgress::Finished(video)) => break video,
            // The next poll sends what may be charged, so the job must be on disk before it.
            Ok(step) => observer.observe(step)?,
            Err(error) => {
                observer.finish(Some(&error));
                return Err(error.into());
            }
        }
    };
    observer.finish(None);
    let length = saved.video.duration.unwrap_or_else(|| saved.draft.duration());
    let credits = connection.client.credits().await?.available;
    let details = json!({
        "seconds": length.as_secs_f64(),
        "summary": saved.draft.summary(),
        "credits": credits.get(),
        // What the agent said, such as what it could not speak.
        "reply": saved.report.map(|report| report.text),
        "timing_ms": observer.timing,
        "subtitles": saved.subtitles.as_deref().map(Path::to_string_lossy),
        "poster": saved.poster.as_deref().map(Path::to_string_lossy),
        "missed": saved.missed.iter()
            .map(|file| json!({ "path": file.path.to_string_lossy(), "reason": file.reason }))
            .collect::<Vec<_>>(),
    });
    show(&args, &observer.progress, &saved.path, saved.bytes, details)
}

/// Prints the result: the file, and what is known of the video. It is an error when a file that was
/// requested beside the video is not there.
fn show(args: &Args, progress: &Progress, path: &Path, bytes: u64, details: Value) -> Result<()> {
    let is_complete = details["missed"].as_array().is_none_or(|missed| missed.is_empty());
    let result = match is_complete {
        true => Ok(()),
        false => Err("the video was saved, but not every file beside it".into()),
    };
    if args.json {
        #[derive(Serialize)]
        struct Video<'a> {
            // As far as it is Unicode, which a path need not be.
            path: Cow<'a, str>,
            bytes: u64,
            #[serde(flatten)]
            details: Value,
        }
        print_json(
            "result",
            serde_json::to_value(Video { path: path.to_string_lossy(), bytes, details })?,
        );
        return result;
    }
    let length = details["seconds"].as_f64().map(Duration::from_secs_f64).map(format_duration);
    let length = length.map(|length| format!("{length}, ")).unwrap_or_default();
    let (path, size, made) = (path.display(), format_size(bytes), progress.elapsed());
    print_line(&format!("{path} ({length}{size}, made in {:.1} s)", made.as_secs_f64()));
    for beside in ["subtitles", "poster"] {
        if let Some(path) = details[beside].as_str() {
            print_line(path);
        }
    }
    for missed in details["missed"].as_array().into_iter().flatten() {
        let text = |key: &str| missed[key].as_str().unwrap_or_default().to_owned();
        print_line(&format!("not written: {} ({})", text("path"), text("reason")));
    }
    if let (Some(summary), Some(credits)) =
        (details["summary"].as_str(), details["credits"].as_f64())
    {
        print_line(&format!("{summary}\n{credits} credits left"));
    }
    if let Some(reply) = details["reply"].as_str().map(str::trim).filter(|reply| !reply.is_empty())
    {
        print_line(reply);
    }
    result
}

/// Returns what distinguishes this voiceover from another one that is saved to the same path.
fn request(args: &Args, script: &Script) -> String {
    let Args { voice, language, aspect, pace, title, captions, music, image, narration, .. } = args;
    let mut request = format!("{script:?} {voice:?} {language} {aspect}");
    // As it was before there were any of these, so that a job of an earlier version is continued.
    if *pace != 1.0 {
        request.push_str(&format!(" pace {pace}"));
    }
    if !matches!(captions, CaptionChoice::Plain) {
        request.push_str(&format!(" captions {captions:?}"));
    }
    for (name, value, default) in [
        ("motion", args.motion.to_string(), "zoom"),
        ("fit", args.fit.to_string(), "cover"),
        ("fade", args.fade.to_string(), "0.5"),
    ] {
        if value != default {
            request.push_str(&format!(" {name} {value}"));
        }
    }
    for (name, value) in [
        ("title", title.as_deref().map(Path::new)),
        ("music", music.as_deref()),
        ("image", image.as_deref()),
        ("narration", narration.as_deref()),
    ] {
        if let Some(value) = value {
            request.push_str(&format!(" {name} {value:?}"));
        }
    }
    request
}

fn read_script(args: &Args) -> Result<Script> {
    let is_file = args.script.as_deref().is_some_and(|path| path != Path::new("-"));
    if args.encoding.is_some() && !is_file {
        return Err("--encoding is for the file of --script alone: other text is UTF-8".into());
    }
    Ok(match (&args.script, &args.text) {
        (Some(path), _) if path == Path::new("-") => {
            let mut bytes = Vec::new();
            std::io::stdin()
                .read_to_end(&mut bytes)
                .map_err(|error| format!("could not read the script: {error}"))?;
            Script::from_bytes(bytes)?
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

impl Observer {
    fn observe(&mut self, progress: JobProgress) -> Result<()> {
        match progress {
            JobProgress::SessionOpened(_) if self.end_part("setup") => self.progress.stage("Ready"),
            JobProgress::Uploading => self.progress.stage("Uploading…"),
            JobProgress::Sending(pending) => {
                self.persist(Job::Message(pending))?;
                self.progress.stage("Speaking the script…");
            }
            JobProgress::Sent(pending) => self.persist(Job::Message(pending))?,
            JobProgress::Turn(TurnEvent::StillWorking { next_poll: Some(pause), .. }) => {
                self.progress.looks_again(pause);
            }
            JobProgress::Turn(TurnEvent::StillWorking { elapsed, .. }) => {
                self.progress.stage(&format!("Still working ({} s)…", elapsed.as_secs()));
            }
            JobProgress::Turn(TurnEvent::Recovering { what }) => {
                let stage = format!("The stream ended early ({what}); reading the state…");
                self.progress.stage(&stage);
            }
            JobProgress::Turn(TurnEvent::RawClipReady) => self.progress.stage("Raw clip ready"),
            JobProgress::Turn(TurnEvent::PostProductionDone) => {
                self.progress.stage("Captions and titles added");
            }
            JobProgress::Submitting(job) => {
                self.persist(Job::Render(job))?;
                let is_first = self.end_part("speech");
                self.progress.stage(match is_first {
                    true => "Rendering…",
                    false => "The render failed; trying once more…",
                });
            }
            JobProgress::Rendering { percent } => self.progress.polled(percent),
            JobProgress::PollMissed { reason } => self.progress.missed(&reason),
            JobProgress::Downloading { bytes, total } => {
                if self.end_part("render") {
                    self.progress.stage("Downloading…");
                }
                self.progress.received(bytes, total);
            }
            _ => {}
        }
        Ok(())
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

    fn persist(&mut self, job: Job) -> Result<()> {
        self.job_file.as_mut().map_or(Ok(()), |file| file.write(job))
    }

    /// Removes the job file, unless there is no video although something was, or may have been,
    /// charged.
    fn finish(&mut self, error: Option<&Error>) {
        self.progress.clear();
        let is_submitted = self.timing.contains_key("speech");
        let is_resumable = error.is_some_and(|error| is_submitted || error.may_have_taken_effect());
        match (&self.job_file, error) {
            (Some(job_file), Some(error)) if is_resumable => job_file.advise_after(error),
            (Some(job_file), _) => job_file.remove(),
            (None, _) => {}
        }
        self.end_part("download");
        self.timing.insert("total".to_owned(), self.elapsed_ms().into());
    }
}
