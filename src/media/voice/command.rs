//! A voice that is a program on this machine, such as `piper` or `espeak-ng`.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write as _};
use std::mem;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::{Delivery, Voice, best_language};
use crate::media::{MediaError, Sound};

const OUT: &str = "{out}";
const TEXT: &str = "{text}";
const LANGUAGE: &str = "{language}";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);

/// Runs a program for each sentence and reads the WAV that it makes.
///
/// In the arguments `{out}` stands for the file to write, `{language}` for the language, one of
/// those declared, and `{text}` for the sentence. Without `{text}` the sentence goes to the
/// program's standard input; without `{out}` the WAV is taken from its standard output. There is
/// no shell: nothing in a sentence can become a command. Pace and gender are not passed on.
///
/// ```
/// use nemovideo::media::CommandVoice;
///
/// let piper = CommandVoice::new("piper", ["nl-NL"])
///     .args(["--model", "nl_NL-mls-medium.onnx", "--output_file", "{out}"]);
/// let espeak = CommandVoice::new("espeak-ng", ["pl", "cs"])
///     .args(["-v", "{language}", "-w", "{out}", "--", "{text}"]);
/// # let _ = (piper, espeak);
/// ```
#[derive(Debug, Clone)]
pub struct CommandVoice {
    program: OsString,
    args: Vec<String>,
    languages: Vec<String>,
    timeout: Duration,
}

impl CommandVoice {
    /// A program that speaks these languages.
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
        }
    }

    /// Adds arguments, with `{out}`, `{text}` and `{language}` in them.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// How long a sentence may take; two minutes if not set. A program that takes longer is
    /// ended; on Unix with all that it has started, which elsewhere is left to run.
    ///
    /// ```
    /// use nemovideo::media::{CommandVoice, Delivery, MediaError, Voice as _};
    /// use std::time::{Duration, Instant};
    ///
    /// // A program that does not come to an end.
    /// let stuck = CommandVoice::new("sleep", ["en"]).args(["600"]);
    /// let stuck = stuck.with_timeout(Duration::from_millis(50));
    /// let begun = Instant::now();
    /// let failed = stuck.speak("Good morning.", &Delivery::new("en"));
    /// assert!(matches!(failed, Err(MediaError::Voice(_))));
    /// assert!(begun.elapsed() < Duration::from_secs(60));
    /// ```
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
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

    fn speak(&self, text: &str, how: &Delivery) -> Result<Sound, MediaError> {
        let language = best_language(&how.language, self.languages.iter().map(String::as_str))
            .ok_or_else(|| MediaError::NoVoice {
                language: how.language.clone(),
                available: self.languages(),
            })?;
        let folder =
            tempfile::tempdir().map_err(MediaError::io("make a temporary folder for the voice"))?;
        let out = folder.path().join("speech.wav");
        let args = self.args.iter().map(|arg| {
            // The text last, so that what it says is never taken for a placeholder.
            arg.replace(OUT, &out.to_string_lossy()).replace(LANGUAGE, language).replace(TEXT, text)
        });
        let mut child = in_a_group(Command::new(&self.program).args(args))
            .stdin(if self.uses(TEXT) { Stdio::null() } else { Stdio::piped() })
            .stdout(if self.uses(OUT) { Stdio::null() } else { Stdio::piped() })
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                self.failed(format_args!("could not be run: {error}; is it installed?"))
            })?;
        let (status, stdout, stderr) = self.attend(&mut child, text)?;
        if !status.success() {
            let stderr = String::from_utf8_lossy(&stderr);
            let why = stderr.trim().lines().last().unwrap_or("it gave no reason");
            return Err(self.failed(format_args!("ended with {status}: {why}")));
        }
        let wav = if self.uses(OUT) {
            std::fs::read(&out)
                .map_err(|error| self.failed(format_args!("wrote no sound: {error}")))?
        } else {
            stdout
        };
        Sound::decode(&wav, "its output").map_err(|error| self.failed(error))
    }
}

impl CommandVoice {
    /// Feeds the program and reads what it says, all at once, since each waits for the other
    /// when a pipe is full; ends it when its time is over.
    ///
    /// A program may have started others, which hold its pipes open after it is gone. So nobody
    /// waits for the threads at the pipes without an end to their patience; they end with the pipes.
    fn attend(
        &self,
        child: &mut Child,
        text: &str,
    ) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), MediaError> {
        let begun = Instant::now();
        if let Some(mut stdin) = child.stdin.take() {
            let text = text.to_owned();
            // A program that has heard enough closes its end; its exit status tells the rest.
            thread::spawn(move || stdin.write_all(text.as_bytes()));
        }
        let (stdout, stderr) = (Pipe::of(child.stdout.take()), Pipe::of(child.stderr.take()));
        let status = self.wait(child, begun)?;
        if !status.success() {
            return Ok((status, Vec::new(), stderr.read(LAST_WORDS).1));
        }
        let (end, stdout) = stdout.read(self.timeout.saturating_sub(begun.elapsed()));
        match end {
            End::Reached => Ok((status, stdout, Vec::new())),
            End::Open => Err(self.too_slow()),
        }
    }

    fn wait(&self, child: &mut Child, begun: Instant) -> Result<ExitStatus, MediaError> {
        const LOOK_EVERY: Duration = Duration::from_millis(5);
        loop {
            if let Some(status) = child.try_wait().map_err(MediaError::io("wait for the voice"))? {
                return Ok(status);
            }
            if begun.elapsed() >= self.timeout {
                end(child);
                child.wait().map_err(MediaError::io("wait for the voice"))?;
                return Err(self.too_slow());
            }
            // The standard library waits without an end or not at all, and a signal handler is
            // nothing for a library to install.
            thread::sleep(LOOK_EVERY);
        }
    }

    fn too_slow(&self) -> MediaError {
        self.failed(format_args!("took longer than {:?} for a sentence", self.timeout))
    }
}

/// So long a program that failed may take to say why, should others hold its pipe open.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A process group of its own can be ended as a whole, with what the program has started. The
/// price is that it does not hear a Ctrl-C at the terminal; it ends after its sentence then.
fn in_a_group(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}

/// Ends a program that has not been waited for yet, so that its number is still its own. It may
/// have ended by itself in this very moment.
fn end(child: &mut Child) {
    #[cfg(unix)]
    let _ = rustix::process::kill_process_group(
        rustix::process::Pid::from_child(child),
        rustix::process::Signal::KILL,
    );
    let _ = child.kill();
}

/// What a program says, as far as it has been heard.
struct Pipe {
    heard: Arc<Mutex<Vec<u8>>>,
    /// Disconnected when the pipe is at its end.
    end: Receiver<Infallible>,
}

enum End {
    Reached,
    Open,
}

impl Pipe {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (open, end) = mpsc::channel();
        if let Some(mut pipe) = pipe {
            let heard = Arc::clone(&heard);
            thread::spawn(move || {
                let _open = open;
                let mut bytes = [0; 16 * 1024];
                loop {
                    match pipe.read(&mut bytes) {
                        Ok(0) => return,
                        Ok(count) => {
                            let Ok(mut heard) = heard.lock() else { return };
                            heard.extend_from_slice(&bytes[..count]);
                        }
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        Err(_) => return,
                    }
                }
            });
        }
        Self { heard, end }
    }

    /// What was said until the end, or until nobody wants to wait any longer.
    fn read(&self, patience: Duration) -> (End, Vec<u8>) {
        let end = match self.end.recv_timeout(patience) {
            Err(RecvTimeoutError::Timeout) => End::Open,
            Err(RecvTimeoutError::Disconnected) => End::Reached,
            Ok(never) => match never {},
        };
        (end, self.heard.lock().map(|mut heard| mem::take(&mut *heard)).unwrap_or_default())
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> CommandVoice {
        CommandVoice::new("sh", ["en-US", "pl"]).args(["-c", script, "sh"])
    }

    fn wav() -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hum.wav");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        (0..800).for_each(|_| writer.write_sample(7_000_i16).unwrap());
        writer.finalize().unwrap();
        let path = path.to_str().unwrap().to_owned();
        (folder, path)
    }

    fn say(voice: &CommandVoice, text: &str) -> Result<Sound, MediaError> {
        voice.speak(text, &Delivery::new("en"))
    }

    #[test]
    fn the_wav_is_read_from_the_file_or_from_the_output() {
        let (_folder, wav) = wav();
        let to_file = shell(r#"test "$(cat)" = "Hello" && cp "$1" "$2""#).args([wav.as_str(), OUT]);
        let to_output = shell(r#"test "$2 $3" = "Hello en-US" && cat "$1""#).args([
            wav.as_str(),
            TEXT,
            LANGUAGE,
        ]);
        for voice in [to_file, to_output] {
            let sound = say(&voice, "Hello").unwrap();
            assert_eq!((sound.sample_rate(), sound.samples().len()), (8_000, 800));
        }
    }

    #[test]
    fn a_sentence_is_never_a_command_nor_a_placeholder() {
        let (_folder, wav) = wav();
        let text = "$(exit 1); {language} {out}";
        let expected = format!("{wav}.txt");
        std::fs::write(&expected, text).unwrap();
        let voice =
            shell(r#"printf %s "$3" | cmp - "$2" && cat "$1""#).args([&wav, &expected, TEXT]);
        say(&voice, text).unwrap();
    }

    #[test]
    fn a_failure_is_told_in_the_program_s_own_words() {
        let error = say(&shell("echo warming up >&2; echo no such model >&2; exit 3"), "Hi")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`sh`") && error.contains("no such model") && error.contains('3'),
            "{error}"
        );
        let error =
            say(&CommandVoice::new("no-such-program", ["en"]), "Hi").unwrap_err().to_string();
        assert!(error.contains("is it installed?"), "{error}");
        let error = say(&shell("echo no wav"), "Hi").unwrap_err().to_string();
        assert!(error.contains("not a sound"), "{error}");
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let voice = shell("exec sleep 1000").with_timeout(Duration::from_millis(50));
        let error = say(&voice, "Hi").unwrap_err().to_string();
        assert!(error.contains("50ms"), "{error}");
    }

    #[test]
    fn a_program_that_hangs_in_another_is_ended_in_time_with_it() {
        let folder = tempfile::tempdir().unwrap();
        for script in ["exec 3> \"$1\"; sleep 600; true", "exec 3> \"$1\"; sleep 600 & cat; wait"] {
            // Its reader comes to the end when nobody holds the other one any more.
            let fifo = folder.path().join(script.len().to_string());
            assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
            let voice = shell(script).args([fifo.to_str().unwrap()]);
            let (ended, end) = mpsc::channel();
            thread::spawn(move || ended.send(std::fs::read(fifo).map(|bytes| bytes.len())));
            let begun = Instant::now();
            let error = say(&voice.with_timeout(Duration::from_millis(100)), "Hi").unwrap_err();
            assert!(error.to_string().contains("took longer than 100ms"), "{error}");
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
            assert_eq!(end.recv_timeout(Duration::from_secs(20)).unwrap().unwrap(), 0);
        }
    }

    #[test]
    fn what_a_program_leaves_behind_holds_nobody_up() {
        let (folder, wav) = wav();
        let begun = Instant::now();
        let failed = say(&shell("sleep 30 & echo no model >&2; exit 3"), "Hi").unwrap_err();
        assert!(failed.to_string().contains("no model"), "{failed}");
        let to_file = shell(r#"sleep 30 & cat > /dev/null; cp "$1" "$2""#).args([&wav, OUT]);
        assert!(say(&to_file, "Hi").is_ok());
        let to_output = shell(r#"sleep 30 & cat "$1""#).args([wav.as_str()]);
        let late = say(&to_output.with_timeout(Duration::from_millis(200)), "Hi").unwrap_err();
        assert!(late.to_string().contains("took longer"), "{late}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        drop(folder);
    }

    #[test]
    fn a_language_that_was_not_declared_has_no_voice() {
        let result = shell("true").speak("Hi", &Delivery::new("ja"));
        assert!(
            matches!(result, Err(MediaError::NoVoice { available, .. }) if available == ["en-US", "pl"])
        );
    }
}
