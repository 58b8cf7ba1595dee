//! An interactive conversation about one video: say something, see the timeline, export.
//!
//! ```sh
//! cargo run --release --example edit
//! ```
//!
//! Try: `narrate: The sky is blue, and there is a reason.`, `add a title "Blue"`, `undo`,
//! `credits?`, `export portrait`, `export film.mp4`. An empty line, `quit` or Ctrl-D ends it.
//!
//! With `--api` or `--cloud` the session is kept in a file, with which the same command continues.

mod support;

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use futures::StreamExt as _;
use nemovideo::draft::{Draft, Language, SubtitleFormat};
use nemovideo::local::LocalBackend;
use nemovideo::project::{
    Dispatched, Export, JobProgress, Project, Suggestion, ToolActivity, Turn, TurnEvent,
    TurnReport, UploadHint,
};
use nemovideo::{Error, Session};

use support::job_file::{StateFile, set_advice};
use support::output::{Progress, UsersTurn, format_size, print_line, print_text};
use support::{Result, ServiceArgs, message_of};

/// Makes and edits one video in a conversation.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    service: ServiceArgs,
    /// The language of the conversation, a BCP-47 tag.
    #[arg(long, value_name = "TAG", default_value = "en")]
    language: String,
    /// The file in which the session is kept, with --api or --cloud.
    #[arg(long, value_name = "FILE", default_value = "edit.session.json")]
    session: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    support::run(false, converse(Args::parse())).await
}

async fn converse(args: Args) -> Result<()> {
    print_line("Setting things up…");
    let file =
        args.service.is_remote().then(|| StateFile::open(args.session.clone())).transpose()?;
    let connection = args.service.connect(LocalBackend::builder()).await?;
    let session = file.as_ref().map(StateFile::read::<Session>).transpose()?.flatten();
    let project = match session {
        Some(session) => {
            let shown = args.session.display();
            print_line(&format!(
                "Continuing the session in {shown}; without it, a new one begins."
            ));
            let project = connection.client.resume_project(session);
            let state = connection.client.session_state(&project.session_id()).await;
            let state = state.inspect_err(|error| {
                if matches!(error, Error::SessionNotFound(_)) {
                    set_advice(Some(format!(
                        "The session is gone, or belongs to another account: use that one, or \
                         delete {shown} to begin anew."
                    )));
                }
            })?;
            draw(state.draft.as_ref());
            project
        }
        None => {
            let project = connection.client.project("edit").language(&args.language).await?;
            if let Some(file) = &file {
                file.write(&project.session())?;
            }
            project
        }
    };
    print_line("Ready. Say what you want; an empty line ends it.");
    while let Some(line) = read_line().await? {
        // An error in one turn does not end the conversation.
        if let Err(error) = handle(&project, &line).await {
            print_line(&format!("{}\n{}", message_of(&error), error.advice()));
        }
    }
    Ok(())
}

/// Returns the next line of the user; `None` at the end.
async fn read_line() -> Result<Option<String>> {
    print_text("> ");
    let users_turn = UsersTurn::begin();
    let read = tokio::task::spawn_blocking(|| {
        let mut line = Vec::new();
        std::io::stdin().lock().read_until(b'\n', &mut line).map(|_| line)
    });
    let line = read.await??;
    drop(users_turn);
    if line.is_empty() {
        print_line("");
    }
    // An invalid byte does not end the conversation.
    let line = String::from_utf8_lossy(&line).trim().to_owned();
    let is_end = ["", "quit", "exit", "bye", "退出", "再见"].contains(&&*line.to_lowercase());
    Ok((!is_end).then_some(line))
}

async fn handle(project: &Project, line: &str) -> Result<(), Error> {
    match project.dispatch(line).await? {
        Dispatched::Turn(turn) => show_turn(turn).await?,
        Dispatched::Export(export) => save(*export).await?,
        Dispatched::Subtitles { format, text } => save_subtitles(format, text),
        Dispatched::Credits(balance) => print_line(&format!("{} credits left", balance.available)),
        Dispatched::State(draft) => draw(draft.as_ref()),
        Dispatched::Upload(hint) => upload(project, hint).await?,
        _ => print_line("This example does not support that."),
    }
    Ok(())
}

/// Shows a turn as it proceeds, and the timeline at the end.
async fn show_turn(mut turn: Turn) -> Result<(), Error> {
    // Whether the last line on the screen is text of the agent that may continue.
    let mut is_in_text = false;
    while let Some(event) = turn.next().await {
        let event = event?;
        if let TurnEvent::Text(text) = &event {
            let text = if is_in_text { text } else { text.trim_start() };
            is_in_text |= !text.is_empty();
            print_text(text);
            continue;
        }
        if std::mem::take(&mut is_in_text) {
            print_line("");
        }
        match event {
            TurnEvent::ToolStarted { name } => {
                let activity = ToolActivity::of(&name);
                let activity = activity.map(|activity| activity.in_language(Language::English));
                print_line(&format!("· {}…", activity.unwrap_or(&name)));
            }
            TurnEvent::RawClipReady => print_line("· raw clip ready"),
            TurnEvent::PostProductionDone => print_line("· captions and titles added"),
            TurnEvent::StillWorking { elapsed, .. } => {
                print_line(&format!("· still working ({} s)", elapsed.as_secs()));
            }
            TurnEvent::Recovering { what } => {
                print_line(&format!("· {what}; reading the session's state"));
            }
            TurnEvent::Suggestion(suggestion) => print_line(hint(&suggestion)),
            TurnEvent::Finished(report) => show_report(&report),
            _ => {}
        }
    }
    Ok(())
}

fn show_report(report: &TurnReport) {
    if report.text.is_empty() {
        print_line(&report.summary());
    } else if let Some(question) = &report.question {
        print_line(&question.to_string());
    }
    if !report.changes.is_empty() {
        draw(report.draft.as_ref());
    }
    if let Some(spent) = report.spent.filter(|spent| spent.get() > 0.0) {
        print_line(&format!("({spent} credits)"));
    }
}

/// Returns what to say here for what the agent asked the user to do on a screen.
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
            // 80 columns where there is no terminal.
            let (_rows, columns) = console::Term::stdout().size_checked().unwrap_or((24, 80));
            print_line(&draft.to_text(usize::from(columns).clamp(40, 120)));
            print_line(&draft.summary());
        }
        None => print_line("There is nothing on the timeline yet."),
    }
}

async fn upload(project: &Project, hint: UploadHint) -> Result<(), Error> {
    if hint.is_empty() {
        print_line("Which file? Say: upload image.png");
    }
    for path in &hint.files {
        for file in project.upload(path).await? {
            print_line(&format!("uploaded {}", file.filename));
        }
    }
    if !hint.urls.is_empty() {
        project.upload_urls(hint.urls).await?;
        print_line("uploaded");
    }
    Ok(())
}

async fn save(export: Export) -> Result<(), Error> {
    let named = export.named_file().map(Path::to_owned);
    let path = unused_path(named, export.format().as_str());
    let progress = Progress::new(false);
    progress.stage("Rendering…");
    let on_progress = move |step| match step {
        JobProgress::Rendering { percent } => progress.polled(percent),
        JobProgress::PollMissed { reason } => progress.missed(&reason),
        JobProgress::Downloading { bytes, total } => progress.received(bytes, total),
        _ => {}
    };
    let saved = export.save_to(path).on_progress(on_progress).await?;
    print_line(&format!("{} ({})", saved.path.display(), format_size(saved.bytes)));
    Ok(())
}

fn save_subtitles(format: SubtitleFormat, text: Option<String>) {
    let Some(text) = text else {
        print_line("There is no text for subtitles yet.");
        return;
    };
    let path = unused_path(None, format.as_str());
    match std::fs::write(&path, text) {
        Ok(()) => print_line(&path.display().to_string()),
        Err(error) => print_line(&format!("could not write {}: {error}", path.display())),
    }
}

/// Returns the path that the user named, or `video.mp4`; where that exists, `video-2.mp4`.
fn unused_path(named: Option<PathBuf>, extension: &str) -> PathBuf {
    let first = named.unwrap_or_else(|| PathBuf::from(format!("video.{extension}")));
    let (mut path, mut number) = (first.clone(), 1_u32);
    while path.exists() {
        number += 1;
        let stem = first.file_stem().unwrap_or_default().to_string_lossy();
        let extension = first.extension().unwrap_or_default().to_string_lossy();
        path = first.with_file_name(format!("{stem}-{number}.{extension}"));
    }
    path
}
