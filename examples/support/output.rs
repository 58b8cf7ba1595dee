//! Output: results on stdout, progress on stderr; with `--json` both as JSON lines on stdout.
//!
//! Output that nobody reads any more is no reason to fail, so write errors are ignored.

use std::borrow::Cow;
use std::io::{Write as _, stderr, stdout};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::{Value, json};

/// Prints a line on stdout.
pub fn print_line(line: &str) {
    let _result = writeln!(stdout().lock(), "{}", without_control(line));
}

/// Prints text on stdout, without a line break, at once.
pub fn print_text(text: &str) {
    let mut stdout = stdout().lock();
    let _result = write!(stdout, "{}", without_control(text)).and_then(|()| stdout.flush());
}

/// Prints a line on stderr.
pub fn eprint_line(line: &str) {
    let _result = writeln!(stderr().lock(), "{}", without_control(line));
}

/// Prints a JSON object on a line of stdout, its kind first.
pub fn print_json(kind: &str, fields: Value) {
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

/// The stages of the work, and a progress bar when stderr is a terminal.
pub struct Progress {
    json: bool,
    started: Instant,
    bar: ProgressBar,
}

impl Progress {
    pub fn new(json: bool) -> Self {
        let style = ProgressStyle::with_template("  {bar:32.cyan/dim} {pos:>3} %")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { json, started: Instant::now(), bar: ProgressBar::new(100).with_style(style) }
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Prints that a stage begins.
    pub fn stage(&self, message: &str) {
        self.clear();
        if self.json {
            let elapsed_ms = self.elapsed().as_millis();
            print_json("stage", json!({ "message": message, "elapsed_ms": elapsed_ms }));
        } else {
            eprint_line(message);
        }
    }

    /// Shows how much of the stage is done, 0 to 100.
    pub fn percent(&self, percent: f32) {
        if self.json {
            return print_json("progress", json!({ "percent": percent.round() }));
        }
        if self.bar.is_finished() {
            self.bar.reset();
        }
        self.bar.set_position(percent.clamp(0.0, 100.0) as u64);
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
