//! A backend, a relay before it, and a directory in which programs run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use nemovideo::local::{Counters, LocalBackend};
use nemovideo::media::{AudioBuffer, MediaError, SpeechOptions, Voice};
use nemovideo::{ClientBuilder, Credits, NemoClient};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::examples::example;
use crate::relay::Relay;

/// No program takes longer, unless it hangs.
pub(crate) const HANG: Duration = Duration::from_secs(120);
/// The price of a voiceover in the embedded backend.
pub(crate) const PRICE: f64 = 20.0;

/// A script whose video has several megabytes, and takes seconds to make.
pub(crate) const LONG: &str = "A long word.";
/// Scripts whose videos are small.
pub(crate) const SHORT: [&str; 2] = ["The sky is blue.", "The sea is green."];

/// The rate of the backend's videos, so that nothing is converted.
const RATE: u32 = 48_000;
const LONG_SECONDS: usize = 200;

/// Speaks noise at once: one second, or minutes for the word "long".
#[derive(Debug)]
struct Noise;

impl Voice for Noise {
    fn languages(&self) -> Vec<String> {
        vec!["en-US".to_owned()]
    }

    fn speak(&self, text: &str, _: &SpeechOptions) -> Result<AudioBuffer, MediaError> {
        let seconds = if text.contains("long") { LONG_SECONDS } else { 1 };
        let mut state = text.len() as u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 18) as i16
        });
        Ok(AudioBuffer::new(RATE, noise.take(seconds * RATE as usize).collect::<Vec<_>>()))
    }
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) shown: String,
}

pub(crate) struct Place {
    dir: TempDir,
    data: Arc<TempDir>,
    pub(crate) backend: Arc<LocalBackend>,
    pub(crate) relay: Relay,
    /// The token of an account that was there before; otherwise the programs get one of their own.
    token: Option<String>,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let data = Arc::new(tempfile::tempdir().expect("a directory"));
        let backend = LocalBackend::builder()
            .voice(Arc::new(Noise))
            .credits(Credits::new(1e6))
            .data_dir(data.path())
            .start()
            .await
            .expect("a backend");
        Self::at(Arc::new(backend), data, None).await
    }

    /// Returns another place, before the backend and with the account of this one.
    pub(crate) async fn beside(&self) -> Self {
        let tokens = files(&self.tokens());
        let stored = tokens.first().and_then(|path| std::fs::read(path).ok()).expect("a token");
        let stored: serde_json::Value = serde_json::from_slice(&stored).expect("JSON");
        let token = stored["token"]["token"].as_str().expect("a token").to_owned();
        Self::at(Arc::clone(&self.backend), Arc::clone(&self.data), Some(token)).await
    }

    async fn at(backend: Arc<LocalBackend>, data: Arc<TempDir>, token: Option<String>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let relay = Relay::start(backend.url()).await;
        let place = Self { dir, data, backend, relay, token };
        for dir in [place.work(), place.tokens(), place.dir.path().join("tmp")] {
            std::fs::create_dir_all(dir).expect("a directory");
        }
        place
    }

    /// Returns the working directory of the programs.
    pub(crate) fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub(crate) fn credentials(&self) -> PathBuf {
        self.dir.path().join("home/.config/nemovideo")
    }

    pub(crate) fn tokens(&self) -> PathBuf {
        self.credentials().join("tokens")
    }

    pub(crate) fn counters(&self) -> Counters {
        self.backend.counters()
    }

    /// Returns how often work was paid for.
    pub(crate) fn payments(&self) -> u64 {
        (self.counters().credits_taken.get() / PRICE).round() as u64
    }

    /// Returns a program that is connected through the relay.
    pub(crate) fn program(&self, name: &str, args: &[&str]) -> Command {
        let mut command = Command::from(example(name));
        command.current_dir(self.work()).args(args).args(["--api", self.relay.url()]);
        command.env("HOME", self.dir.path().join("home"));
        command.env("TMPDIR", self.dir.path().join("tmp"));
        if let Some(token) = &self.token {
            command.env("NEMO_TOKEN", token).env("NEMO_API_URL", self.relay.url());
        }
        command.kill_on_drop(true).stdin(Stdio::piped());
        command
    }

    /// Runs a program to its end.
    pub(crate) async fn run(&self, mut command: Command, input: &str) -> Ended {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("the program starts");
        let mut stdin = process.stdin.take().expect("a pipe");
        // A program that ends early does not read it.
        _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = tokio::time::timeout(HANG, process.wait_with_output()).await;
        let output = output.unwrap_or_else(|_| panic!("{command:?} hangs")).expect("it ran");
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8_lossy(&shown).into_owned();
        assert!(!shown.contains("panicked"), "{command:?}: {shown}");
        Ended { code: output.status.code(), shown }
    }

    /// Returns a builder for a client of the account of the programs.
    pub(crate) fn client(&self) -> ClientBuilder {
        let client = NemoClient::builder().base_url(self.relay.url());
        match &self.token {
            Some(token) => client.token(token.as_str()),
            None => client.credentials_dir(self.credentials()),
        }
    }

    /// Undoes what no program can: the service issues no other token for a week to an account whose
    /// token was lost on its way.
    fn let_a_week_pass_if_the_token_is_lost(&self) {
        let is_stored = files(&self.tokens()).iter().any(|path| path.extension().is_some());
        if !is_stored && self.counters().tokens_issued > 0 {
            self.backend.faults().expire_tokens();
        }
    }

    /// Waits until the backend works on no message any more, once all programs have ended, and lets
    /// the time pass that a program may need to wait for.
    pub(crate) async fn settle(&self) {
        self.relay.idle().await;
        self.let_a_week_pass_if_the_token_is_lost();
        if self.counters().messages_run == 0 {
            return;
        }
        let client = self.client().build().expect("a client");
        while client.credits().await.expect("the balance").frozen > Credits::ZERO {
            tokio::task::yield_now().await;
        }
    }

    /// Checks that every file of a final name is whole: videos equal one of the backend's files,
    /// states are JSON.
    pub(crate) fn check_files(&self, name: &str) {
        for path in [files(&self.work()), files(&self.credentials())].concat() {
            let shown = path.strip_prefix(self.dir.path()).expect("it is inside").display();
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let bytes = std::fs::read(&path).expect("a readable file");
            if file.starts_with('.') {
                continue;
            }
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => {
                    let value = serde_json::from_slice::<serde_json::Value>(&bytes);
                    assert!(value.is_ok_and(|value| value.is_object()), "{name}: {shown}");
                }
                Some("mp4" | "m4a" | "wav") => {
                    let is_whole = self.server_files().any(|file| file == bytes);
                    assert!(
                        is_whole,
                        "{name}: {shown} of {} bytes is not the server's",
                        bytes.len()
                    );
                }
                _ if file == "client_id" => assert_eq!(bytes.len(), 37, "{name}: {shown}"),
                _ => {}
            }
        }
    }

    fn server_files(&self) -> impl Iterator<Item = Vec<u8>> {
        files(self.data.path()).into_iter().flat_map(std::fs::read)
    }

    /// Checks that exactly these files are in the working directory, and nothing but the account in
    /// the directory of credentials.
    pub(crate) fn check_nothing_else_is_left(&self, name: &str, expected: &[&str]) {
        let relative = |dir: PathBuf| -> BTreeSet<String> {
            let paths = files(&dir).into_iter();
            let path =
                |path: PathBuf| path.strip_prefix(&dir).map(|path| path.display().to_string());
            paths.flat_map(path).collect()
        };
        let work = relative(self.work());
        let expected: BTreeSet<_> = expected.iter().map(|&path| path.to_owned()).collect();
        assert_eq!(work, expected, "{name}");
        let mut credentials = relative(self.credentials());
        credentials.retain(|path| !path.starts_with("tokens/127.0.0.1"));
        if self.token.is_none() {
            let account = ["client_id", "lock"].map(str::to_owned);
            assert_eq!(credentials, account.into(), "{name}");
        }
        let temporary = relative(self.dir.path().join("tmp"));
        assert!(temporary.is_empty(), "{name}: {temporary:?}");
    }
}

/// Returns all files below a directory.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let paths = entries.flat_map(|entry| match entry.path() {
        path if path.is_dir() => files(&path),
        path => vec![path],
    });
    paths.collect()
}
