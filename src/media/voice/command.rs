//! A voice that runs an installed program, such as `piper` or `espeak-ng`.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read, Write as _};
use std::mem;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::cache::{SpeechCache, SpeechKey};
use super::{SpeechOptions, Voice, VoiceGender, best_match};
use crate::media::{AudioBuffer, Cancel, MediaError, lock, thread_count};
use crate::scratch::ScratchDir;

const OUT: &str = "{out}";
const TEXT: &str = "{text}";
const LANGUAGE: &str = "{language}";
/// Followed by what stands for a female voice, `|`, what stands for a male one, and `}`.
const GENDER: &str = "{gender:";
/// The words per minute at the normal rate, as `espeak-ng` counts them.
const WORDS_PER_MINUTE: f32 = 175.0;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);

/// A voice that runs a program for each sentence and reads the audio that it writes: a WAV
/// file, or any other that [`AudioBuffer::decode`] reads.
///
/// In the arguments, these are replaced:
///
/// | placeholder | by |
/// |---|---|
/// | `{text}` | the sentence; without it, the sentence is sent to standard input |
/// | `{out}` | the path of the file to write; without it, the audio is read from standard output |
/// | `{language}` | one of the declared languages |
/// | `{gender:f3\|m3}` | `f3` for a female voice, `m3` for a male one, or whatever is there |
/// | `{rate}` | the speaking rate: 1 is normal, 2 is twice as fast |
/// | `{wpm}` | the same in words per minute: 175 is normal, 350 is twice as fast |
/// | `{stretch}` | the same as a factor of the duration: 1 is normal, 0.5 is twice as fast |
///
/// Gender and rate have no effect without their placeholders. No shell is involved, so nothing in a
/// sentence is run as a command. A program that writes 64 MiB or more for a sentence is killed, as is
/// one that exceeds its [timeout](Self::with_timeout).
///
/// The program is not run again for a sentence that it has spoken with the same arguments: the audio
/// is kept in a temporary directory, up to 1 GiB, until this voice and all its clones are dropped.
///
/// ```
/// use nemovideo::media::CommandVoice;
///
/// let piper = CommandVoice::new("piper", ["nl-NL"])
///     .with_args(["-m", "nl_NL-mls-medium.onnx", "--length-scale", "{stretch}", "-f", "{out}"]);
/// let espeak = CommandVoice::new("espeak-ng", ["pl", "zh-CN"])
///     .with_args(["-v", "{language}+{gender:f3|m3}", "-s", "{wpm}", "--stdout", "--", "{text}"]);
/// # let _ = (piper, espeak);
/// ```
#[derive(Debug, Clone)]
pub struct CommandVoice {
    program: OsString,
    args: Vec<String>,
    languages: Vec<String>,
    timeout: Duration,
    slots: Arc<Slots>,
    cache: Arc<SpeechCache>,
}

impl CommandVoice {
    /// Creates a voice from a program and the languages that it speaks.
    #[must_use]
    pub fn new<L: Into<String>>(
        program: impl Into<OsString>,
        languages: impl IntoIterator<Item = L>,
    ) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            languages: languages.into_iter().map(Into::into).collect(),
            timeout: DEFAULT_TIMEOUT,
            slots: Arc::new(Slots::new(thread_count())),
            cache: Arc::default(),
        }
    }

    /// Adds arguments, which may contain placeholders.
    #[must_use]
    pub fn with_args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets the timeout for one sentence; the default is two minutes. A program that exceeds it is
    /// killed, on Unix together with its child processes.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many programs run at a time; the default is one for each core, but no more than
    /// eight. A program that uses all cores itself, or much memory, may need a lower limit.
    #[must_use]
    pub fn with_concurrency(mut self, programs: usize) -> Self {
        self.slots = Arc::new(Slots::new(programs.max(1)));
        self
    }

    /// Returns the program.
    #[must_use]
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// Returns the arguments, with their placeholders.
    #[must_use]
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// Returns the timeout for one sentence.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns the path of the program, which is searched for in the directories of `PATH` unless it
    /// names a directory itself. The program is not run.
    ///
    /// # Errors
    /// [`MediaError::Voice`] when it is not there, or is not a program.
    pub fn find_program(&self) -> Result<PathBuf, MediaError> {
        let program = Path::new(&self.program);
        let places = match program.components().count() {
            1 => std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
                .map(|directory| directory.join(program))
                .collect(),
            _ => vec![program.to_owned()],
        };
        let found = places.into_iter().flat_map(|path| {
            let mut with_suffix = path.clone().into_os_string();
            with_suffix.push(std::env::consts::EXE_SUFFIX);
            [path, with_suffix.into()]
        });
        found.into_iter().find(|path| is_program(path)).ok_or_else(|| {
            self.failed("was not found, or is not a program; install it, or name its path")
        })
    }

    /// Returns the arguments for a sentence. The text is inserted last, so that it is never searched
    /// for placeholders.
    fn arguments(
        &self,
        out: &str,
        language: &str,
        text: &str,
        options: &SpeechOptions,
    ) -> Vec<String> {
        let rate = options.rate();
        let (words, stretch) = (rate * WORDS_PER_MINUTE, 1.0 / rate);
        let filled = |arg: &String| {
            gendered(arg, options.gender())
                .replace(OUT, out)
                .replace(LANGUAGE, language)
                .replace("{rate}", &rate.to_string())
                .replace("{wpm}", &format!("{words:.0}"))
                .replace("{stretch}", &format!("{stretch:.3}"))
                .replace(TEXT, text)
        };
        self.args.iter().map(filled).collect()
    }

    fn failed(&self, why: impl std::fmt::Display) -> MediaError {
        MediaError::Voice(format!("`{}` {why}", self.program.display()))
    }

    fn uses(&self, placeholder: &str) -> bool {
        self.args.iter().any(|arg| arg.contains(placeholder))
    }
}

impl Voice for CommandVoice {
    fn languages(&self) -> Vec<String> {
        self.languages.clone()
    }

    fn speak(&self, text: &str, options: &SpeechOptions) -> Result<AudioBuffer, MediaError> {
        self.speak_until(text, options, &Cancel::new())
    }

    fn speak_until(
        &self,
        text: &str,
        options: &SpeechOptions,
        cancel: &Cancel,
    ) -> Result<AudioBuffer, MediaError> {
        cancel.check()?;
        let language = best_match(options.language(), &self.languages, String::as_str)?;
        let same = self.arguments(OUT, language, text, options);
        let key = SpeechKey::new(same.iter().map(String::as_str).chain([text]));
        if let Some(audio) = self.cache.get(&key) {
            return Ok(audio);
        }
        let _slot = self.slots.take(cancel)?;
        let directory = ScratchDir::create()
            .map_err(MediaError::io("create a temporary directory for the voice"))?;
        let out = directory.path().join("speech.wav");
        let args = self.arguments(&out.to_string_lossy(), language, text, options);
        let mut child = in_process_group(Command::new(&self.program).args(args))
            .stdin(if self.uses(TEXT) { Stdio::null() } else { Stdio::piped() })
            .stdout(if self.uses(OUT) { Stdio::null() } else { Stdio::piped() })
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                self.failed(format_args!("could not be run: {error}; is it installed?"))
            })?;
        let out = self.uses(OUT).then_some(&*out);
        let stdout = self.communicate(&mut child, text, out, cancel)?;
        let wav = match out {
            Some(out) => std::fs::read(out)
                .map_err(|error| self.failed(format_args!("wrote no audio: {error}")))?,
            None => stdout,
        };
        let audio = AudioBuffer::from_file(&wav, cancel);
        // What was cancelled may look like a file that is broken or was cut.
        cancel.check()?;
        let audio = audio
            .map_err(|why| self.failed(format_args!("wrote audio that cannot be used: {why}")))?;
        if let Err(error) = self.cache.put(&key, &audio) {
            tracing::debug!(%error, "a spoken sentence could not be kept");
        }
        Ok(audio)
    }
}

/// Replaces `{gender:FEMALE|MALE}` by one of its parts.
fn gendered(arg: &str, gender: VoiceGender) -> String {
    let placeholder = arg.split_once(GENDER).and_then(|(before, rest)| {
        let (choice, after) = rest.split_once('}')?;
        Some((before, choice.split_once('|')?, after))
    });
    let Some((before, (female, male), after)) = placeholder else { return arg.to_owned() };
    let chosen = if gender == VoiceGender::Male { male } else { female };
    format!("{before}{chosen}{}", gendered(after, gender))
}

fn is_program(path: &Path) -> bool {
    #[cfg(unix)]
    let is_executable = |metadata: &std::fs::Metadata| {
        std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
    };
    #[cfg(not(unix))]
    let is_executable = |_: &std::fs::Metadata| true;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && is_executable(&metadata))
}

/// Limits how many programs run at a time.
#[derive(Debug)]
struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Slots {
    const fn new(count: usize) -> Self {
        Self { free: Mutex::new(count), freed: Condvar::new() }
    }

    /// Waits for a slot, which is free again when the returned value is dropped.
    fn take(&self, cancel: &Cancel) -> Result<Slot<'_>, MediaError> {
        let mut free = lock(&self.free);
        while *free == 0 {
            cancel.check()?;
            let woken = self.freed.wait_timeout(free, POLL_INTERVAL);
            free = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        *free -= 1;
        Ok(Slot(self))
    }
}

struct Slot<'s>(&'s Slots);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.freed.notify_one();
    }
}

impl CommandVoice {
    /// Writes to the program and reads its standard output concurrently, because each side blocks
    /// when a pipe is full; kills the program at its timeout or when it is cancelled.
    ///
    /// Child processes of the program may hold its pipes open after it has exited. The threads that
    /// read the pipes are therefore never joined; they end when the pipes are closed.
    fn communicate(
        &self,
        child: &mut Child,
        text: &str,
        out: Option<&Path>,
        cancel: &Cancel,
    ) -> Result<Vec<u8>, MediaError> {
        let start = Instant::now();
        if let Some(mut stdin) = child.stdin.take() {
            let text = text.to_owned();
            // The program may close its end early; its exit status reports success.
            thread::spawn(move || stdin.write_all(text.as_bytes()));
        }
        let (stdout, stderr) =
            (OutputPipe::of(child.stdout.take()), OutputPipe::of(child.stderr.take()));
        let is_full = || match out {
            Some(out) => out.metadata().is_ok_and(|file| file.len() >= MAX_OUTPUT as u64),
            None => stdout.is_full(),
        };
        let status = self.wait(child, &is_full, start, cancel)?;
        if !status.success() {
            stderr.wait(STDERR_TIMEOUT, cancel);
            let stderr = stderr.take();
            let stderr = String::from_utf8_lossy(&stderr);
            let why = stderr.trim().lines().last().unwrap_or("it gave no reason");
            return Err(self.failed(format_args!("ended with {status}: {why}")));
        }
        let remaining = self.timeout.saturating_sub(start.elapsed());
        if !stdout.wait(remaining, cancel) {
            return Err(cancel.check().err().unwrap_or_else(|| self.timed_out()));
        }
        // The program may have ended before anybody looked.
        if is_full() { Err(self.too_long()) } else { Ok(stdout.take()) }
    }

    fn wait(
        &self,
        child: &mut Child,
        is_full: &dyn Fn() -> bool,
        start: Instant,
        cancel: &Cancel,
    ) -> Result<ExitStatus, MediaError> {
        loop {
            if let Some(status) = child.try_wait().map_err(MediaError::io("wait for the voice"))? {
                return Ok(status);
            }
            let failure = match cancel.check() {
                _ if start.elapsed() >= self.timeout => Some(self.timed_out()),
                _ if is_full() => Some(self.too_long()),
                cancelled => cancelled.err(),
            };
            if let Some(failure) = failure {
                kill(child);
                child.wait().map_err(MediaError::io("wait for the voice"))?;
                return Err(failure);
            }
            // The standard library has no wait with a timeout, and a library must not install a
            // signal handler. A thread that waits would free the process ID before it is used here
            // to kill the program.
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn too_long(&self) -> MediaError {
        self.failed(format_args!("wrote {} MiB or more for a sentence", MAX_OUTPUT >> 20))
    }

    fn timed_out(&self) -> MediaError {
        self.failed(format_args!("took longer than {:?} for a sentence", self.timeout))
    }
}

/// Time between two looks at a program that runs, and at the flag that cancels it.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The most that a program may write for a sentence: six minutes of stereo sound at 48 kHz, where one
/// that never ends would take all memory before its timeout.
const MAX_OUTPUT: usize = 64 << 20;

/// Time to read the error message of a failed program whose pipe is still held open.
const STDERR_TIMEOUT: Duration = Duration::from_millis(500);

/// Starts the program in a process group of its own, which can be killed together with its child
/// processes. The group does not receive Ctrl-C from the terminal, but ends after its sentence.
fn in_process_group(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}

/// Kills a program that has not been waited for, so that its process ID cannot have been reused. It
/// may just have exited, so errors are ignored.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    let _ = rustix::process::kill_process_group(
        rustix::process::Pid::from_child(child),
        rustix::process::Signal::KILL,
    );
    let _ = child.kill();
}

/// Output of a program, read by a thread.
struct OutputPipe {
    output: Arc<Mutex<Vec<u8>>>,
    /// Disconnected at the end of the pipe.
    end: Receiver<Infallible>,
}

impl OutputPipe {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let output = Arc::new(Mutex::new(Vec::new()));
        let (open, end) = mpsc::channel();
        if let Some(mut pipe) = pipe {
            let output = Arc::clone(&output);
            thread::spawn(move || {
                let _open = open;
                let mut bytes = [0; 16 * 1024];
                loop {
                    match pipe.read(&mut bytes) {
                        Ok(0) => return,
                        Ok(count) => {
                            let mut output = lock(&output);
                            // What is beyond is read all the same, so that the program can end.
                            let room = MAX_OUTPUT - output.len();
                            output.extend_from_slice(&bytes[..count.min(room)]);
                        }
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        Err(_) => return,
                    }
                }
            });
        }
        Self { output, end }
    }

    fn is_full(&self) -> bool {
        lock(&self.output).len() == MAX_OUTPUT
    }

    /// Waits for the end of the pipe. Returns false at the timeout, or when it is cancelled.
    fn wait(&self, timeout: Duration, cancel: &Cancel) -> bool {
        let start = Instant::now();
        loop {
            let remaining = timeout.saturating_sub(start.elapsed());
            let end = self.end.recv_timeout(remaining.min(POLL_INTERVAL));
            let is_open = end == Err(RecvTimeoutError::Timeout);
            if !is_open || remaining.is_zero() || cancel.is_cancelled() {
                return !is_open;
            }
        }
    }

    /// Returns what has been read so far.
    fn take(self) -> Vec<u8> {
        mem::take(&mut *lock(&self.output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe that is open as long as its sender exists.
    struct OpenPipe(Receiver<Infallible>);

    impl Read for OpenPipe {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            self.0.recv().map_or(Ok(0), |never| match never {})
        }
    }

    #[test]
    fn a_pipe_that_stays_open_is_waited_for_until_the_timeout_or_the_flag_is_set() {
        let (sender, receiver) = mpsc::channel();
        let pipe = OutputPipe::of(Some(OpenPipe(receiver)));
        let cancel = Cancel::new();
        assert!(!pipe.wait(2 * POLL_INTERVAL, &cancel));
        cancel.cancel();
        assert!(!pipe.wait(Duration::MAX, &cancel));
        drop(sender);
        assert!(pipe.wait(Duration::MAX, &Cancel::new()));
    }
}
