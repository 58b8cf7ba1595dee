//! An interactive conversation about one video: say something, see the timeline, export.
//!
//! ```sh
//! cargo run --release --example edit
//! ```
//!
//! Try: `narrate: The sky is blue, and there is a reason.`, `add a title "Blue"`, `undo`,
//! `credits?`, `export portrait`. An empty line, `quit` or Ctrl-D ends it.

mod support;

use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser;
use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use nemovideo::RenderFormat;
use nemovideo::draft::Draft;
use nemovideo::local::LocalBackend;
use nemovideo::project::{
    Dispatched, Export, JobProgress, Project, Suggestion, Turn, TurnEvent, UploadHint,
};

use support::{Connection, Failure, Result, Service};

/// Talks about one video.
#[derive(Debug, Parser)]
struct Args {
    /// Talk to the service at this address.
    #[arg(long, value_name = "URL", conflicts_with = "cloud")]
    api: Option<String>,
    /// Talk to the cloud, with NEMO_TOKEN or anonymously.
    #[arg(long)]
    cloud: bool,
    /// The language to talk in, a BCP-47 tag.
    #[arg(long, value_name = "TAG", default_value = "en")]
    language: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    support::run(false, converse(args)).await
}

async fn converse(args: Args) -> Result<()> {
    support::say("Setting things up…");
    let service = match (args.api, args.cloud) {
        (Some(url), _) => Service::At(url),
        (None, true) => Service::Cloud,
        (None, false) => Service::Embedded(Box::new(LocalBackend::builder())),
    };
    // The backend, if it is ours, must outlive the conversation.
    let Connection { client, backend: _backend } = support::connect(service).await?;
    let project = client.project("edit").language(args.language).await?;
    support::say("Ready. SendMessage what you want; an empty line ends it.");
    while let Some(line) = read_line().await? {
        // What goes wrong in one turn is no reason to end the conversation.
        if let Err(failure) = answer(&project, &line).await {
            support::say(&format!("{failure}"));
            if let Some(advice) = failure.advice() {
                support::say(advice);
            }
        }
    }
    Ok(())
}

/// The next line that was said, `None` at the end.
async fn read_line() -> Result<Option<String>> {
    support::say_on("> ");
    let read = tokio::task::spawn_blocking(|| {
        // One bad byte is no reason to end the conversation.
        let mut line = Vec::new();
        let read = std::io::stdin().lock().read_until(b'\n', &mut line);
        read.map(|_| String::from_utf8_lossy(&line).into_owned())
    });
    let line = read
        .await
        .map_err(|error| Failure::new(error.to_string()))?
        .map_err(|error| Failure::new(format!("could not read what you said: {error}")))?;
    if line.is_empty() {
        support::say("");
    }
    let line = line.trim();
    let over = ["", "quit", "exit", "bye", "退出", "再见"].contains(&line.to_lowercase().as_str());
    Ok((!over).then(|| line.to_owned()))
}

async fn answer(project: &Project, line: &str) -> Result<()> {
    match project.dispatch(line).await? {
        Dispatched::Turn(turn) => watch(turn).await,
        Dispatched::Export(export) => save(export).await,
        Dispatched::Credits(balance) => {
            support::say(&format!("{} credits left", balance.available));
            Ok(())
        }
        Dispatched::State(draft) => {
            draw(draft.as_ref());
            Ok(())
        }
        Dispatched::Upload(hint) => upload(project, hint).await,
        _ => Err(Failure::new("this example does not know what to do with that")),
    }
}

/// Shows a turn as it happens: text as it comes, a spinner while the agent works, the timeline at
/// the end.
async fn watch(mut turn: Turn) -> Result<()> {
    let mut spinner = Spinner::start("thinking…");
    let mut text_open = false;
    while let Some(event) = turn.next().await {
        match event? {
            TurnEvent::Text(text) => {
                let text = if text_open { text.as_str() } else { text.trim_start() };
                if !text.is_empty() {
                    // A line that is still being written has no room for a spinner.
                    if !std::mem::replace(&mut text_open, true) {
                        spinner.stop();
                    }
                    support::say_on(text);
                }
            }
            event => {
                if std::mem::take(&mut text_open) {
                    support::say("");
                    spinner = Spinner::start("thinking…");
                }
                match event {
                    TurnEvent::ToolStarted { name } => spinner.say(&name.replace('_', " ")),
                    TurnEvent::ToolFinished { .. } => spinner.say("thinking…"),
                    TurnEvent::RawClipReady => spinner.line("· raw clip ready"),
                    TurnEvent::PostProductionDone => spinner.line("· captions and titles added"),
                    TurnEvent::StillWorking { elapsed } => {
                        spinner.line(&format!("· still working ({} s)", elapsed.as_secs()));
                    }
                    TurnEvent::Recovering { what } => {
                        spinner.line(&format!("· {what}; looking what became of it"));
                    }
                    TurnEvent::Suggestion(suggestion) => spinner.line(hint(&suggestion)),
                    TurnEvent::Finished(report) => {
                        spinner.stop();
                        if report.text.is_empty() {
                            support::say(&report.summary());
                        }
                        if !report.changes.is_empty() {
                            draw(report.draft.as_ref());
                        }
                        if let Some(spent) = report.spent.filter(|spent| spent.get() > 0.0) {
                            support::say(&format!("({spent} credits)"));
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// What the agent sent the user to a screen for, in this program's own words.
fn hint(suggestion: &Suggestion) -> &'static str {
    match suggestion {
        Suggestion::Export => "· say \"export\" to save it",
        Suggestion::ShowState => "· say \"show tracks\" to see the timeline",
        Suggestion::ShowCredits => "· say \"credits\" to see what is left",
        Suggestion::Upload => "· say \"upload FILE\" to add your own",
        Suggestion::SendEdit(_) => "· say what should change",
        _ => "·",
    }
}

fn draw(draft: Option<&Draft>) {
    match draft {
        Some(draft) => {
            support::say(&draft.to_text(console_width()));
            support::say(&draft.summary());
        }
        None => support::say("There is nothing on the timeline yet."),
    }
}

/// The columns of the terminal, 80 where there is none.
fn console_width() -> usize {
    let (_rows, columns) = console::Term::stdout().size_checked().unwrap_or((24, 80));
    usize::from(columns).clamp(40, 120)
}

async fn upload(project: &Project, hint: UploadHint) -> Result<()> {
    if hint.is_empty() {
        support::say("Which file? SendMessage: upload picture.png");
        return Ok(());
    }
    for path in &hint.files {
        for file in project.upload(path).await? {
            support::say(&format!("uploaded {}", file.filename));
        }
    }
    if !hint.urls.is_empty() {
        project.upload_urls(hint.urls).await?;
        support::say("uploaded");
    }
    Ok(())
}

async fn save(export: Export) -> Result<()> {
    let path = free_name(&export.format());
    let bar = Arc::new(Mutex::new(Spinner::start("rendering…")));
    let shown = Arc::clone(&bar);
    let saved = export
        .save_to(&path)
        .on_progress(move |step| {
            if let (JobProgress::Rendering { percent: Some(percent) }, Ok(bar)) =
                (step, shown.lock())
            {
                bar.say(&format!("rendering… {percent:.0} %"));
            }
        })
        .await;
    if let Ok(bar) = bar.lock() {
        bar.stop();
    }
    let saved = saved?;
    support::say(&format!("{} ({})", saved.path.display(), support::size(saved.bytes)));
    Ok(())
}

/// `video.mp4`, or `video-2.mp4` where that is taken.
fn free_name(format: &RenderFormat) -> PathBuf {
    let names = (1_u32..).map(|number| match number {
        1 => format!("video.{format}"),
        number => format!("video-{number}.{format}"),
    });
    names.map(PathBuf::from).find(|path| !Path::new(path).exists()).unwrap_or_default()
}

/// A spinner on a terminal; nothing elsewhere.
struct Spinner(ProgressBar);

impl Spinner {
    fn start(words: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{spinner:.cyan} {msg:.dim}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let spinner = ProgressBar::new_spinner().with_style(style);
        spinner.set_message(words.to_owned());
        spinner.enable_steady_tick(Duration::from_millis(100));
        Self(spinner)
    }

    fn say(&self, words: &str) {
        self.0.set_message(words.to_owned());
    }

    fn line(&self, words: &str) {
        self.0.suspend(|| support::say(words));
    }

    fn stop(&self) {
        self.0.finish_and_clear();
    }
}
