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

use clap::{Parser, ValueEnum};
use futures::StreamExt as _;
use nemovideo::draft::Draft;
use nemovideo::local::LocalBackend;
use nemovideo::wire::event::{AgentEvent, TextOnce};
use nemovideo::{
    Aspect, NemoClient, NewSession, RenderFormat, RenderOutput, RenderProgress, RenderedVideo,
    SessionId,
};
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
    // Everything that can be wrong on this side is found before anything is asked of the service.
    let script = Script::from_args(&args)?;
    let output = RenderOutput::new(format_of(&args.out)?);
    check_writable(&args.out)?;

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
    client.authenticate().await?;
    let new = NewSession::default().language(&args.language);
    let session = client.create_session(new).await?.session_id;
    let ready = stages.elapsed();
    stages.say("Ready");

    let request = request(&args, &script);
    if let Script::File(path) = &script {
        stages.say(&format!("Uploading {}…", path.display()));
        client.upload_file(&session, path).await?;
    }
    stages.say("Speaking the script…");
    say(&client, &session, request, &mut stages).await?;
    let draft = draft_of(&client, &session).await?;
    let spoken = stages.elapsed();

    stages.say("Rendering…");
    let job = client.submit_render(&session, &draft, output).await?;
    let video = wait(&client, &job, &mut stages).await?;
    let rendered = stages.elapsed();

    stages.say("Downloading…");
    let file = client.download(&video, &args.out).await?;
    let credits = client.credits().await?;
    let done = stages.elapsed();
    stages.clear();

    let length = video.duration.unwrap_or_else(|| draft.duration());
    if args.json {
        support::line(
            "result",
            json!({
                "path": file.path,
                "seconds": length.as_secs_f64(),
                "bytes": file.bytes,
                "summary": draft.summary(),
                "credits": credits.available.get(),
                "timing_ms": {
                    "setup": ready.as_millis(),
                    "speech": (spoken - ready).as_millis(),
                    "render": (rendered - spoken).as_millis(),
                    "download": (done - rendered).as_millis(),
                    "total": done.as_millis(),
                },
            }),
        );
    } else {
        println!(
            "{} ({}, {}, made in {:.1} s)",
            file.path.display(),
            support::clock(length),
            support::size(file.bytes),
            done.as_secs_f64()
        );
        println!("{}", draft.summary());
        println!("{} credits left", credits.available);
    }
    if let Some(backend) = backend {
        backend.shutdown().await;
    }
    Ok(())
}

/// What to speak.
enum Script {
    /// Sent with the message.
    Text(String),
    /// Uploaded, since the service reads the format itself.
    File(PathBuf),
}

impl Script {
    fn from_args(args: &Args) -> Result<Self> {
        let text = match (&args.script, &args.text) {
            (Some(path), _) if path == Path::new("-") => {
                let mut bytes = Vec::new();
                std::io::stdin()
                    .read_to_end(&mut bytes)
                    .map_err(|error| Failure::new(format!("could not read the script: {error}")))?;
                text_of(bytes, "the standard input")?
            }
            (Some(path), _) => {
                let extension = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
                if extension.eq_ignore_ascii_case("docx") {
                    if !path.is_file() {
                        return Err(Failure::new(format!("there is no file {}", path.display())));
                    }
                    return Ok(Self::File(path.clone()));
                }
                let bytes = std::fs::read(path).map_err(|error| {
                    Failure::new(format!("could not read the script {}: {error}", path.display()))
                })?;
                text_of(bytes, &path.display().to_string())?
            }
            (None, Some(text)) => text.clone(),
            (None, None) => DEFAULT_SCRIPT.to_owned(),
        };
        if !text.chars().any(char::is_alphanumeric) {
            return Err(Failure::with_advice(
                "the script has no words to speak",
                "Give a script with at least one word.",
            ));
        }
        Ok(Self::Text(text))
    }
}

fn text_of(bytes: Vec<u8>, whose: &str) -> Result<String> {
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::with_advice(
            format!("{whose} is not UTF-8 text"),
            "Scripts are plain text in UTF-8, or DOCX.",
        )
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

/// The message, in the words that a person would use.
fn request(args: &Args, script: &Script) -> String {
    let voice = match args.voice {
        VoiceKind::Female => "female",
        VoiceKind::Male => "male",
    };
    let aspect = Aspect::from(args.aspect);
    let options = format!(
        "Voice: {voice}. Language: {}. Aspect ratio: {aspect}. Captions: on.",
        args.language
    );
    match script {
        Script::Text(text) => {
            format!("Make a voiceover video of this script. {options}\n\nScript:\n{text}")
        }
        Script::File(_) => format!("Make a voiceover video of the uploaded script. {options}"),
    }
}

/// Sends the message and follows its stream to the end.
async fn say(
    client: &NemoClient,
    session: &SessionId,
    message: String,
    stages: &mut Stages,
) -> Result<()> {
    let mut events = client.send_message(session, message).await?;
    let mut once = TextOnce::new();
    let mut words = String::new();
    let mut failure = None;
    let mut drafts = 0;
    while let Some(event) = events.next().await {
        let event = event?;
        words.extend(once.feed(&event).and_then(|fresh| fresh.text()));
        match event {
            AgentEvent::StateDelta(delta) if delta.draft().is_some() => {
                drafts += 1;
                // The service makes a film in two stages.
                match drafts {
                    1 => stages.say("Raw clip ready"),
                    _ => stages.say("Captions and titles added"),
                }
            }
            AgentEvent::Error(error) => failure = Some(error.message),
            _ => {}
        }
    }
    match failure {
        None => Ok(()),
        Some(message) if words.trim().is_empty() || words.contains(&message) => {
            Err(Failure::new(message))
        }
        Some(message) => Err(Failure::new(format!("{message}: {}", words.trim()))),
    }
}

async fn draft_of(client: &NemoClient, session: &SessionId) -> Result<Draft> {
    client.session_state(session).await?.draft.filter(Draft::is_ready_to_export).ok_or_else(|| {
        Failure::with_advice(
            "the service made nothing of the script",
            "Change the script or the language, then try again.",
        )
    })
}

async fn wait(
    client: &NemoClient,
    job: &nemovideo::RenderJob,
    stages: &mut Stages,
) -> Result<RenderedVideo> {
    let mut steps = Box::pin(client.render(job).progress());
    while let Some(step) = steps.next().await {
        match step? {
            RenderProgress::Completed(video) => return Ok(video),
            RenderProgress::Processing { percent: Some(percent) } => {
                stages.percent(f64::from(percent));
            }
            RenderProgress::Replaced(_) => stages.say("The render failed; trying once more…"),
            _ => {}
        }
    }
    Err(Failure::new("the render ended without a file"))
}

fn format_of(out: &Path) -> Result<RenderFormat> {
    let extension = out.extension().and_then(|end| end.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "mp4" => Ok(RenderFormat::Mp4),
        "m4a" => Ok(RenderFormat::M4a),
        "wav" => Ok(RenderFormat::Wav),
        _ => Err(Failure::with_advice(
            format!("{} does not say which format to make", out.display()),
            "End the name in .mp4, .m4a or .wav.",
        )),
    }
}

/// Finds out before the work, not after it, that the result could not be written.
fn check_writable(out: &Path) -> Result<()> {
    let refuse = |why: String| {
        let what = format!("cannot write {}: {why}", out.display());
        Failure::with_advice(what, "Choose another place with --out.")
    };
    if out.is_dir() {
        return Err(refuse("it is a folder".to_owned()));
    }
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(refuse(format!("there is no folder {}", folder.display())));
    }
    // The error names a file that nobody knows; its kind says enough.
    tempfile::NamedTempFile::new_in(folder).map_err(|error| refuse(error.kind().to_string()))?;
    Ok(())
}
