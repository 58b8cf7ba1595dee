//! What the examples share: where to connect, how to show progress, how to fail.
//!
//! Progress goes to stderr (a bar when that is a terminal, plain lines otherwise), results to
//! stdout; with `--json` both become one JSON object a line on stdout.

#![allow(dead_code, unreachable_pub, reason = "each example uses its own part of this")]

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use nemovideo::client::DEFAULT_API_URL;
use nemovideo::local::{LocalBackend, LocalBackendBuilder};
use nemovideo::{Attribution, ClientBuilder, NemoClient, RenderPolling};
use serde_json::{Value, json};
use tempfile::TempDir;

pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why an example ends without its work done: what happened, and what to do.
#[derive(Debug)]
pub struct Failure {
    what: String,
    advice: Option<String>,
}

impl Failure {
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), advice: None }
    }

    /// What to do about it.
    pub fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }

    pub fn with_advice(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), advice: Some(advice.into()) }
    }
}

impl From<nemovideo::Error> for Failure {
    fn from(error: nemovideo::Error) -> Self {
        let mut what = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let words = error.to_string();
            // Some errors repeat their cause in their own words.
            if !what.contains(&words) {
                what = format!("{what}: {words}");
            }
            cause = error.source();
        }
        Self::with_advice(what, error.advice())
    }
}

impl From<nemovideo::local::LocalError> for Failure {
    fn from(error: nemovideo::local::LocalError) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Which service an example talks to.
#[derive(Debug)]
pub enum Service {
    /// A backend of its own, inside this process.
    Embedded(Box<LocalBackendBuilder>),
    /// Another address.
    At(String),
    /// The cloud, or wherever the environment points.
    Cloud,
}

/// A client, and the backend that must outlive it when it is embedded.
pub struct Connection {
    pub client: NemoClient,
    pub backend: Option<LocalBackend>,
}

pub async fn connect(service: Service) -> Result<Connection> {
    let (backend, builder, address) = match service {
        Service::Embedded(backend) => {
            let files = tempfile::Builder::new().prefix("nemovideo-").tempdir();
            let files =
                files.map_err(|error| Failure::new(format!("no place for the films: {error}")))?;
            let backend = backend.data_dir(files.path()).start().await?;
            if let Ok(mut slot) = FILES.lock() {
                *slot = Some(files);
            }
            let address = backend.url().to_owned();
            (Some(backend), NemoClient::builder().in_memory_credentials(), address)
        }
        Service::At(url) => (None, ClientBuilder::from_env()?, url),
        Service::Cloud => {
            let address = std::env::var("NEMO_API_URL").unwrap_or(DEFAULT_API_URL.to_owned());
            (None, ClientBuilder::from_env()?, address)
        }
    };
    let attribution = Attribution::new("nemovideo-examples", env!("CARGO_PKG_VERSION"))?;
    let client =
        builder.polling(polling(&address)).base_url(address).attribution(attribution).build()?;
    Ok(Connection { client, backend })
}

/// A backend on this machine is asked often; the cloud every 30 s, as documented.
fn polling(address: &str) -> RenderPolling {
    let host = address.split("://").nth(1).unwrap_or_default();
    if ["localhost", "127.", "[::1]"].iter().any(|local| host.starts_with(local)) {
        // 15 minutes in all, the documented limit of a message.
        RenderPolling::new(Duration::from_millis(50), 18_000)
    } else {
        RenderPolling::default()
    }
}

/// Runs an example and turns its failure into words and an exit code.
///
/// Ctrl-C and SIGTERM drop the work and end the process, without waiting for a film that nobody
/// will see.
pub async fn run(json: bool, work: impl Future<Output = Result<()>>) -> ExitCode {
    let done = {
        let work = std::pin::pin!(work);
        tokio::select! {
            done = work => Some(done),
            () = stopped() => None,
        }
    };
    if let Ok(mut files) = FILES.lock() {
        files.take();
    }
    let failure = match done {
        Some(Ok(())) => return ExitCode::SUCCESS,
        Some(Err(failure)) => failure,
        None => {
            let advice = GO_ON.lock().ok().and_then(|mut advice| advice.take());
            tell(json, &Failure { what: "stopped".to_owned(), advice });
            std::process::exit(130);
        }
    };
    fail(json, &failure)
}

/// Tells why an example failed.
pub fn fail(json: bool, failure: &Failure) -> ExitCode {
    tell(json, failure);
    ExitCode::FAILURE
}

fn tell(json: bool, failure: &Failure) {
    let Failure { what, advice } = failure;
    if json {
        return line("failure", json!({ "message": what, "advice": advice }));
    }
    note(&format!("error: {what}"));
    if let Some(advice) = advice {
        note(&format!("  {advice}"));
    }
}

/// The films of an embedded backend. A backend that is still at work when the process is stopped
/// would leave a folder of its own behind.
static FILES: Mutex<Option<TempDir>> = Mutex::new(None);

/// What to tell whoever stops the example now.
static GO_ON: Mutex<Option<String>> = Mutex::new(None);

/// From now on, whoever stops the example is told this.
pub fn when_stopped(advice: String) {
    if let Ok(mut slot) = GO_ON.lock() {
        *slot = Some(advice);
    }
}

/// Ends when the process is asked to stop.
pub async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _heard = tokio::signal::ctrl_c().await;
}

/// A line of the result, on stdout. A reader that has gone away is no reason to fail, here and
/// below.
pub fn say(words: &str) {
    let _gone = writeln!(std::io::stdout().lock(), "{}", plain(words));
}

/// A piece of a line, on stdout, at once.
pub fn say_on(words: &str) {
    let mut stdout = std::io::stdout().lock();
    let _gone = write!(stdout, "{}", plain(words)).and_then(|()| stdout.flush());
}

/// A line beside the result, on stderr.
pub fn note(words: &str) {
    let _gone = writeln!(std::io::stderr().lock(), "{}", plain(words));
}

/// The words without what a terminal would obey: scripts and services may hold escape sequences.
fn plain(words: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    if words.contains(obeyed) { words.replace(obeyed, "").into() } else { words.into() }
}

/// One JSON object on stdout, its kind first.
pub fn line(kind: &str, fields: Value) {
    let fields = fields.to_string();
    let rest = match fields.trim_start_matches('{') {
        "}" => "}".to_owned(),
        rest => format!(",{rest}"),
    };
    let _gone = writeln!(std::io::stdout().lock(), "{{\"kind\":\"{kind}\"{rest}");
}

/// Tells how far the work is.
pub struct Stages {
    json: bool,
    began: Instant,
    bar: Option<ProgressBar>,
}

impl Stages {
    pub fn new(json: bool) -> Self {
        Self { json, began: Instant::now(), bar: None }
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// A new stage.
    pub fn say(&mut self, words: &str) {
        self.clear();
        if self.json {
            let elapsed_ms = self.began.elapsed().as_millis();
            line("stage", json!({ "message": words, "elapsed_ms": elapsed_ms }));
        } else {
            note(words);
        }
    }

    /// How far the stage under way is, 0 to 100: a bar on a terminal, nothing elsewhere.
    pub fn percent(&mut self, percent: f64) {
        if self.json {
            line("progress", json!({ "percent": percent.round() }));
        } else if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| {
                let style = ProgressStyle::with_template("  {bar:32.cyan/dim} {pos:>3} %")
                    .unwrap_or_else(|_| ProgressStyle::default_bar());
                ProgressBar::new(100).with_style(style)
            });
            bar.set_position(percent.clamp(0.0, 100.0) as u64);
        }
    }

    /// Takes the bar off the screen.
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        self.clear();
    }
}

/// `1:07.7`, as players show it.
pub fn clock(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// `1.4 MB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
