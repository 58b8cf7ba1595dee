//! Output: results on stdout, progress on stderr; with `--json` both as JSON lines on stdout.
//!
//! Output that nobody reads any more is no reason to fail, so write errors are ignored.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io::{Write as _, stderr, stdout};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::{Value, json};

/// Prints a line on stdout.
pub fn print_line(line: &str) {
    line_printed();
    let _result = writeln!(stdout().lock(), "{}", without_control(line));
}

/// Prints text on stdout, without a line break, at once.
pub fn print_text(text: &str) {
    line_printed();
    let mut stdout = stdout().lock();
    let _result = write!(stdout, "{}", without_control(text)).and_then(|()| stdout.flush());
}

/// Prints a line on stderr.
pub fn eprint_line(line: &str) {
    line_printed();
    let _result = writeln!(stderr().lock(), "{}", without_control(line));
}

/// Prints a JSON object on a line of stdout, its kind first.
pub fn print_json(kind: &str, fields: Value) {
    line_printed();
    #[derive(Serialize)]
    struct Line<'a> {
        kind: &'a str,
        #[serde(flatten)]
        fields: Value,
    }
    let line = serde_json::to_string(&Line { kind, fields }).unwrap_or_default();
    let _result = writeln!(stdout().lock(), "{line}");
}

/// Removes control characters: text of scripts and services may contain escape sequences.
fn without_control(text: &str) -> Cow<'_, str> {
    let is_control = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains(is_control) { text.replace(is_control, "").into() } else { text.into() }
}

/// Formats a duration as players do: `1:07.7`.
pub fn format_duration(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// Formats a file size: `1.4 MB`.
pub fn format_size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// After this time without a line, a program says that it is still waiting.
const MAX_SILENCE: Duration = Duration::from_secs(10);

/// What a program that waits says.
static WAITING: Mutex<Waiting> = Mutex::new(Waiting {
    last_line: None,
    is_users_turn: false,
    stage: String::new(),
    since: None,
    percent: None,
    has_missed: false,
    bar: None,
});

struct Waiting {
    last_line: Option<Instant>,
    is_users_turn: bool,
    stage: String,
    /// When the stage began.
    since: Option<Instant>,
    percent: Option<u8>,
    /// The last poll of the render was missed, which was printed.
    has_missed: bool,
    bar: Option<ProgressBar>,
}

fn waiting() -> MutexGuard<'static, Waiting> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn line_printed() {
    waiting().last_line = Some(Instant::now());
}

/// Prints a line whenever there was none for a while. Runs beside the work and never ends.
pub async fn report_waiting(json: bool) -> Infallible {
    line_printed();
    waiting().since.get_or_insert_with(Instant::now);
    loop {
        let last = waiting().last_line.unwrap_or_else(Instant::now);
        let silence = last.elapsed();
        if silence < MAX_SILENCE {
            tokio::time::sleep(MAX_SILENCE - silence).await;
            continue;
        }
        let (is_users_turn, stage, elapsed, percent, bar) = {
            let state = waiting();
            // A stage that has ended, or none, says nothing about what is waited for.
            let stage = if state.stage.ends_with('…') { &state.stage } else { "Waiting…" };
            let elapsed = state.since.unwrap_or(last).elapsed();
            (state.is_users_turn, stage.to_owned(), elapsed, state.percent, state.bar.clone())
        };
        if !is_users_turn {
            say_waiting(json, &stage, elapsed, percent, bar);
        }
        line_printed();
    }
}

fn say_waiting(
    json: bool,
    stage: &str,
    elapsed: Duration,
    percent: Option<u8>,
    bar: Option<ProgressBar>,
) {
    if json {
        let elapsed_ms = elapsed.as_millis();
        let fields = json!({ "message": stage, "elapsed_ms": elapsed_ms, "percent": percent });
        return print_json("waiting", fields);
    }
    let percent = percent.map(|percent| format!("{percent} % ")).unwrap_or_default();
    let line = format!("{stage} {percent}({} s)", elapsed.as_secs());
    match bar.filter(|bar| !bar.is_finished()) {
        Some(bar) => bar.suspend(|| eprint_line(&line)),
        None => eprint_line(&line),
    }
}

/// Says nothing while the user is to say something, until this is dropped.
pub struct UsersTurn;

impl UsersTurn {
    pub fn begin() -> Self {
        waiting().is_users_turn = true;
        Self
    }
}

impl Drop for UsersTurn {
    fn drop(&mut self) {
        let now = Some(Instant::now());
        let mut waiting = waiting();
        (waiting.is_users_turn, waiting.last_line, waiting.since) = (false, now, now);
        waiting.stage.clear();
    }
}

/// The stages of the work, and a progress bar when stderr is a terminal.
#[derive(Clone)]
pub struct Progress {
    json: bool,
    started: Instant,
    bar: ProgressBar,
}

impl Progress {
    pub fn new(json: bool) -> Self {
        let style = ProgressStyle::with_template("  {bar:32.cyan/dim} {pos:>3} %")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(100).with_style(style);
        waiting().bar = Some(bar.clone());
        Self { json, started: Instant::now(), bar }
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Prints that a stage begins.
    pub fn stage(&self, message: &str) {
        {
            let mut state = waiting();
            (state.stage, state.since) = (message.to_owned(), Some(Instant::now()));
            (state.percent, state.has_missed) = (None, false);
        }
        self.line("stage", message);
    }

    /// Prints that the state shows no result yet, and when it is read next.
    pub fn looks_again(&self, pause: Duration) {
        let seconds = pause.as_secs_f64().ceil();
        self.stage(&format!("No result yet; looking again in {seconds} s…"));
    }

    /// Prints a line within a stage.
    fn line(&self, kind: &str, message: &str) {
        self.clear();
        if self.json {
            let elapsed_ms = self.elapsed().as_millis();
            print_json(kind, json!({ "message": message, "elapsed_ms": elapsed_ms }));
        } else {
            eprint_line(message);
        }
    }

    /// Shows that a poll of the render showed its status.
    pub fn polled(&self, percent: Option<f32>) {
        waiting().has_missed = false;
        if let Some(percent) = percent {
            self.percent(percent);
        }
    }

    /// Shows that a poll of the render showed no status: the first one of a row.
    pub fn missed(&self, reason: &str) {
        if !std::mem::replace(&mut waiting().has_missed, true) {
            self.line("missed", &format!("No response about the render ({reason}); polling on…"));
        }
    }

    /// Shows how much of the stage is done, 0 to 100. Without a terminal, the next line says it.
    pub fn percent(&self, percent: f32) {
        let percent = percent.clamp(0.0, 100.0).round() as u8;
        if waiting().percent.replace(percent) == Some(percent) {
            return;
        }
        if self.json {
            return print_json("progress", json!({ "percent": percent }));
        }
        if self.bar.is_finished() {
            self.bar.reset();
        }
        self.bar.set_position(percent.into());
        if !self.bar.is_hidden() {
            line_printed();
        }
    }

    /// Shows how much of a file was received.
    pub fn received(&self, bytes: u64, total: Option<u64>) {
        if let Some(total) = total.filter(|total| *total > 0) {
            self.percent(bytes as f32 / total as f32 * 100.0);
        }
    }

    /// Removes the bar from the terminal.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
