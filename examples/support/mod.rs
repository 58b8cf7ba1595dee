//! What the examples share: the connection, and how a program ends.
//!
//! `output` prints results and progress; `job_file` persists what another process can continue.

#![allow(dead_code, unreachable_pub, reason = "each example uses its own part of this")]

pub mod job_file;
pub mod output;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use nemovideo::client::DEFAULT_API_URL;
use nemovideo::local::{LocalBackend, LocalBackendBuilder};
use nemovideo::media::{CommandVoice, Voice};
use nemovideo::protocol::ClientId;
use nemovideo::{Attribution, ClientBuilder, NemoClient, RenderPolling, TurnRecovery};
use serde_json::json;

pub type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

// The options that choose a service. A doc comment here would be the help text of each example.
#[derive(Debug, clap::Args)]
pub struct ServiceArgs {
    /// Connect to the service at this URL, in place of an embedded backend. NEMO_TOKEN is sent only
    /// if the URL is also in NEMO_API_URL.
    #[arg(long, value_name = "URL", conflicts_with = "cloud")]
    pub api: Option<String>,
    /// Connect to the cloud, with the token in NEMO_TOKEN or anonymously.
    #[arg(long)]
    pub cloud: bool,
    /// A font of the embedded backend for captions that the built-in one lacks, such as Chinese.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["api", "cloud"])]
    pub font: Option<PathBuf>,
}

impl ServiceArgs {
    /// Whether the service is another process. An embedded backend ends with this one, and its
    /// sessions and jobs with it.
    pub fn is_remote(&self) -> bool {
        self.api.is_some() || self.cloud
    }

    /// Connects to the chosen service, or to `embedded`, with the font, when none was chosen.
    pub async fn connect(&self, embedded: LocalBackendBuilder) -> Result<Connection> {
        match (self.is_remote(), &self.font) {
            (true, _) => Connection::remote(self.api.as_deref()).await,
            (false, Some(font)) => Connection::embedded(embedded.font(font)).await,
            (false, None) => Connection::embedded(embedded).await,
        }
    }
}

/// A client, and the embedded backend if it is connected to one.
pub struct Connection {
    pub client: NemoClient,
    /// Runs for as long as this lives.
    _backend: Option<LocalBackend>,
}

impl Connection {
    /// Connects to the service at `api`. Defaults to the one of the environment, then to the cloud.
    ///
    /// The token of the environment is for the service of the environment: it is not sent to
    /// another one.
    pub async fn remote(api: Option<&str>) -> Result<Self> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let usual = variable("NEMO_API_URL");
        let same = |url: &str| usual.as_deref().is_some_and(|usual| is_same_url(usual, url));
        let builder = match api {
            Some(url) if !same(url) => {
                if variable("NEMO_TOKEN").is_some() {
                    output::eprint_line(
                        "Note: NEMO_TOKEN is not sent to this URL. It is if NEMO_API_URL has the URL.",
                    );
                }
                let builder = NemoClient::builder();
                match variable("NEMO_CLIENT_ID") {
                    Some(id) => builder.client_id(ClientId::new(id)),
                    None => builder,
                }
            }
            _ => ClientBuilder::from_env()?,
        };
        let client = build(builder, api.or(usual.as_deref()).unwrap_or(DEFAULT_API_URL))?;
        let account = client.authenticate().await?;
        if account.anonymous && !account.stored {
            output::eprint_line(
                "Note: the credentials directory, ~/.config/nemovideo or the one in XDG_CONFIG_HOME, \
                 cannot be written, so this anonymous account is kept in memory alone and ends with \
                 this process. Set XDG_CONFIG_HOME to a directory that can be written, or NEMO_TOKEN \
                 to a token of yours.",
            );
        }
        Ok(Self { client, _backend: None })
    }

    /// Starts the backend in this process and connects to it.
    pub async fn embedded(backend: LocalBackendBuilder) -> Result<Self> {
        let backend = backend.start().await?;
        let client = build(NemoClient::builder().in_memory_credentials(), backend.url())?;
        Ok(Self { client, _backend: Some(backend) })
    }
}

/// Returns an error if a file would be written over one that is read. The library checks the files
/// that it knows of, for a new video.
pub fn check_apart<const R: usize, const W: usize>(
    read: [&Option<PathBuf>; R],
    written: [&Option<PathBuf>; W],
) -> Result<()> {
    // Through links, two paths may lead to one file.
    let existing = |path: &PathBuf| path.canonicalize().ok();
    let read: Vec<PathBuf> = read.into_iter().flatten().filter_map(existing).collect();
    let mut written = written.into_iter().flatten();
    match written.find(|path| existing(path).is_some_and(|path| read.contains(&path))) {
        Some(path) => Err(format!("{} is read, so it is not written", path.display()).into()),
        None => Ok(()),
    }
}

/// Returns the scripts of a directory, with one of these extensions, sorted by name.
pub fn find_scripts(directory: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>> {
    let shown = directory.display();
    if directory.is_file() {
        return Err(format!("{shown} is a file: name the directory that it is in").into());
    }
    let entries = std::fs::read_dir(directory)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| format!("could not read {shown}: {error}"))?;
    let mut scripts: Vec<_> = entries.iter().map(std::fs::DirEntry::path).collect();
    scripts.retain(|path| {
        let extension = path.extension().unwrap_or_default();
        path.is_file() && extensions.iter().any(|known| extension.eq_ignore_ascii_case(known))
    });
    scripts.sort();
    match scripts.is_empty() {
        true => {
            let known = extensions.join(", ").to_uppercase();
            Err(format!("there is no script, {known}, in {shown}").into())
        }
        false => Ok(scripts),
    }
}

/// Returns the path of the video of a script. `talk.txt` and `talk.docx` each get one.
pub fn video_of(script: &Path, scripts: &[PathBuf], out: &Path) -> PathBuf {
    let stem = |script: &Path| script.file_stem().unwrap_or_default().to_ascii_lowercase();
    let is_unique = scripts.iter().filter(|other| stem(other) == stem(script)).count() == 1;
    let name = if is_unique { script.file_stem() } else { script.file_name() };
    let mut video = out.join(name.unwrap_or_default()).into_os_string();
    video.push(".mp4");
    video.into()
}

/// Returns the voice that runs a command, which is split like a shell does.
pub fn command_voice(command: &str, languages: &[String]) -> Result<Arc<dyn Voice>> {
    let words = shlex::split(command).ok_or("the voice command has an open quotation mark")?;
    let (program, args) = words.split_first().ok_or("the voice command names no program")?;
    let voice = CommandVoice::new(program, languages).with_args(args);
    voice.find_program()?;
    Ok(Arc::new(voice))
}

/// Whether two URLs differ in nothing but a slash at the end.
fn is_same_url(one: &str, other: &str) -> bool {
    one.trim().trim_end_matches('/') == other.trim().trim_end_matches('/')
}

fn build(builder: ClientBuilder, url: &str) -> nemovideo::Result<NemoClient> {
    let host = url.split("://").nth(1).unwrap_or_default();
    let is_local = ["localhost", "127.", "[::1]"].iter().any(|local| host.starts_with(local));
    let (polling, recovery) = match is_local {
        // For 15 minutes, the documented limit of a message; and as long as by default.
        true => (
            RenderPolling::new(Duration::from_millis(10), 90_000),
            TurnRecovery::new(Duration::from_millis(500), Duration::from_secs(5), 48),
        ),
        false => (RenderPolling::default(), TurnRecovery::default()),
    };
    let attribution = Attribution::new("nemovideo-examples", env!("CARGO_PKG_VERSION"))?;
    let builder = builder.polling(polling).recovery(recovery);
    builder.base_url(url).attribution(attribution).build()
}

/// Runs an example, prints its error, and returns its exit code. While it waits, it says so. Ctrl-C
/// and SIGTERM drop the work and end the process at once, but for the time to kill a program that speaks.
pub async fn run(json: bool, work: impl Future<Output = Result<()>>) -> ExitCode {
    let result = tokio::select! {
        result = work => Some(result),
        () = stop_signal() => None,
        never = output::report_waiting(json) => match never {},
    };
    match result {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => fail(json, &*error),
        None => {
            fail(json, &*Box::<dyn Error>::from("stopped"));
            // The thread that waits for a program looks every few milliseconds whether to kill it.
            tokio::time::sleep(Duration::from_millis(100)).await;
            // The runtime would wait for threads that render or read standard input.
            std::process::exit(130)
        }
    }
}

/// Prints an error and what to do about it, and returns the exit code.
pub fn fail(json: bool, error: &(dyn Error + 'static)) -> ExitCode {
    let message = message_of(error);
    let advice = job_file::advice()
        .or_else(|| error.downcast_ref().map(|error: &nemovideo::Error| error.advice()));
    if json {
        output::print_json("failure", json!({ "message": message, "advice": advice }));
    } else {
        let advice = advice.map(|advice| format!("\n  {advice}")).unwrap_or_default();
        output::eprint_line(&format!("error: {message}{advice}"));
    }
    ExitCode::FAILURE
}

/// Returns the texts of an error and its sources.
pub fn message_of(error: &(dyn Error + 'static)) -> String {
    let texts = std::iter::successors(Some(error), |&error| error.source());
    texts.map(<dyn Error>::to_string).collect::<Vec<_>>().join(": ")
}

/// Waits until the process is asked to stop.
pub async fn stop_signal() {
    StopSignals::listen().next().await;
}

/// The requests to stop the process, each counted from the creation of this on.
pub struct StopSignals {
    #[cfg(unix)]
    signals: std::io::Result<[tokio::signal::unix::Signal; 2]>,
}

impl StopSignals {
    pub fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let signals = signal(SignalKind::terminate())
                .and_then(|terminate| Ok([terminate, signal(SignalKind::interrupt())?]));
            Self { signals }
        }
        #[cfg(not(unix))]
        Self {}
    }

    pub async fn next(&mut self) {
        #[cfg(unix)]
        if let Ok([terminate, interrupt]) = &mut self.signals {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = interrupt.recv() => return,
            }
        }
        let _result = tokio::signal::ctrl_c().await;
    }
}
