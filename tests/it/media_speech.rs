//! A narration has the sentences of its script, each at its time, in any voice; a voice may be a
//! program, which is neither waited for without end nor given a sentence as a command.

use std::time::Duration;

use nemovideo::media::{
    AudioBuffer, Cancel, MediaError, Narration, Pico, SpeechOptions, Voice, VoiceGender, narrate,
};

/// Produces a second of audio for each word, with silence around it; silent for `Shh`.
#[derive(Debug)]
struct WordVoice;

impl Voice for WordVoice {
    fn languages(&self) -> Vec<String> {
        vec!["en".to_owned()]
    }

    fn speak(&self, text: &str, _: &SpeechOptions) -> Result<AudioBuffer, MediaError> {
        if text.contains("fail") {
            return Err(MediaError::Voice(text.to_owned()));
        }
        let words = text.split_whitespace().filter(|word| !word.starts_with("Shh")).count();
        let mut samples = vec![0; 700];
        samples.extend(vec![9_000; words * 1_000]);
        samples.extend(vec![0; 900]);
        Ok(AudioBuffer::new(1_000, samples))
    }
}

fn narrated(script: &str) -> Result<Narration, MediaError> {
    narrate(script, &WordVoice, &SpeechOptions::default(), &Cancel::new())
}

#[test]
fn sentences_keep_their_order_and_start_when_their_words_do() {
    let script: String = (1..60).map(|n| format!("{}.\n\n", "Word ".repeat(n))).collect();
    let narration = narrated(&script).unwrap();
    assert_eq!(narration.sentences.len(), 59);
    let margins = Duration::from_millis(30);
    let mut at = Duration::ZERO;
    for (n, spoken) in narration.sentences.iter().enumerate() {
        assert_eq!(spoken.start, at);
        assert_eq!(spoken.audio.duration(), Duration::from_secs(n as u64 + 1) + margins);
        at = spoken.end() + Duration::from_millis(620);
    }
    assert_eq!(narration.duration(), at);
}

#[test]
fn captions_start_with_their_words_and_stay_until_the_next() {
    let narration = narrated("One two. Three.\n\nFour.").unwrap();
    let captions = narration.captions();
    assert_eq!(captions.len(), 3);
    for (caption, spoken) in captions.iter().zip(&narration.sentences) {
        assert_eq!((&caption.text, caption.start), (&spoken.text, spoken.start));
    }
    let end = |n: usize| captions[n].start + captions[n].duration;
    assert_eq!((end(0), end(1)), (captions[1].start, captions[2].start));
    assert_eq!(end(2), narration.duration());
    assert_eq!(narration.audio().len(), 3);
}

#[test]
fn an_empty_script_and_a_silent_sentence_are_errors() {
    assert!(matches!(narrated("..."), Err(MediaError::EmptyScript)));
    let error = narrated("Fine. Shh!").unwrap_err().to_string();
    assert!(error.contains("“Shh!”"), "{error}");
}

#[test]
fn the_first_failure_stops_the_rest() {
    let error = narrated(&"It must fail here. ".repeat(500)).unwrap_err();
    assert!(matches!(error, MediaError::Voice(_)));
}

#[test]
fn a_cancelled_narration_fails_at_once() {
    let cancel = Cancel::new();
    cancel.cancel();
    let result = narrate("One. Two.", &WordVoice, &SpeechOptions::default(), &cancel);
    assert!(matches!(result, Err(MediaError::Cancelled)));
}

/// `NEMOVIDEO_LONG=1` before the test's command is the long form: 2,000 sentences.
#[cfg(unix)]
#[test]
fn any_number_of_sentences_is_spoken_with_64_file_descriptors() {
    const IS_CHILD: &str = "NEMOVIDEO_TEST_IS_CHILD";
    const THIS: &str = "media_speech::any_number_of_sentences_is_spoken_with_64_file_descriptors";
    let count = if std::env::var_os("NEMOVIDEO_LONG").is_some() { 2000 } else { 200 };
    if std::env::var_os(IS_CHILD).is_some() {
        let options = SpeechOptions::default();
        let narration = narrate(&"So. ".repeat(count), &Pico::new(), &options, &Cancel::new());
        assert_eq!(narration.unwrap().sentences.len(), count);
        return;
    }
    let output = std::process::Command::new("sh")
        .args(["-c", r#"ulimit -n 64 && exec "$0" --exact "$1""#])
        .args([std::env::current_exe().unwrap().as_os_str(), THIS.as_ref()])
        .env(IS_CHILD, "1")
        .output()
        .unwrap();
    // A process that was given a wrong name runs nothing, and succeeds.
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.contains(" 1 passed"), "{output:?}");
}

#[cfg(unix)]
mod programs {
    use std::process::Command;
    use std::sync::mpsc;
    use std::thread;

    use nemovideo::media::CommandVoice;

    use super::*;

    fn shell(script: &str) -> CommandVoice {
        CommandVoice::new("sh", ["en-US", "pl"]).with_args(["-c", script, "sh"])
    }

    fn wav() -> (tempfile::TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hum.wav");
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
        (directory, path)
    }

    fn say(voice: &CommandVoice, text: &str) -> Result<AudioBuffer, MediaError> {
        voice.speak(text, &SpeechOptions::new("en"))
    }

    /// Longer than the timeouts of the voices, and shorter than their child processes run.
    const HANG: Duration = Duration::from_secs(60);

    /// Runs a function that must not hang.
    fn within<T: Send + 'static>(limit: Duration, run: impl FnOnce() -> T + Send + 'static) -> T {
        let (ended, end) = mpsc::channel();
        thread::spawn(move || ended.send(run()));
        end.recv_timeout(limit).expect("the voice ends")
    }

    fn error(voice: &CommandVoice) -> String {
        say(voice, "Hi").unwrap_err().to_string()
    }

    #[test]
    fn the_wav_is_read_from_the_file_or_standard_output() {
        let (_directory, wav) = wav();
        let to_file =
            shell(r#"test "$(cat)" = "Hello" && cp "$1" "$2""#).with_args([wav.as_str(), "{out}"]);
        let to_output = shell(r#"test "$2 $3" = "Hello en-US" && cat "$1""#).with_args([
            wav.as_str(),
            "{text}",
            "{language}",
        ]);
        for voice in [to_file, to_output] {
            let audio = say(&voice, "Hello").unwrap();
            assert_eq!((audio.sample_rate(), audio.samples().len()), (8_000, 800));
        }
    }

    #[test]
    fn the_wav_may_be_what_a_program_writes_to_a_pipe() {
        let case =
            |name: &str| format!("{}/tests/data/cases/audio/{name}", env!("CARGO_MANIFEST_DIR"));
        for name in ["len-ffffffff.wav", "len-zero.wav", "rf64.wav", "mulaw.wav"] {
            let audio =
                say(&shell(r#"cat > /dev/null; cat "$1""#).with_args([case(name)]), "Hi").unwrap();
            assert_eq!((audio.sample_rate(), audio.samples().len()), (16_000, 3200), "{name}");
        }
        let to_file = shell(r#"cat > /dev/null; cp "$1" "$2""#)
            .with_args([case("adpcm.wav"), "{out}".to_owned()]);
        let error = error(&to_file);
        assert!(
            error.contains("`sh` wrote audio that cannot be used") && error.contains("IMA ADPCM")
        );
        assert!(!error.contains("speech.wav"), "{error}");
    }

    #[test]
    fn a_sentence_is_never_a_command_or_a_placeholder() {
        let (_directory, wav) = wav();
        let text = "$(exit 1); {language} {out}";
        let expected = format!("{wav}.txt");
        std::fs::write(&expected, text).unwrap();
        let voice = shell(r#"printf %s "$3" | cmp - "$2" && cat "$1""#)
            .with_args([&wav, &expected, "{text}"]);
        say(&voice, text).unwrap();
    }

    #[test]
    fn gender_and_rate_are_passed_on() {
        let (_directory, wav) = wav();
        let voice = shell(r#"test "$2 $3 $4 $5 $6" = "$7" && cat "$1""#).with_args([
            wav.as_str(),
            "{language}+{gender:f3|m3}{gender:|!}",
            "{rate}",
            "{wpm}",
            "{stretch}",
            "{gender:}{ a | b; }",
            "{text}",
        ]);
        let female = SpeechOptions::new("pl");
        let male = female.clone().with_gender(VoiceGender::Male).with_rate(1.25);
        voice.speak("pl+f3 1 175 1.000 {gender:}{ a | b; }", &female).unwrap();
        voice.speak("pl+m3! 1.25 219 0.800 {gender:}{ a | b; }", &male).unwrap();
    }

    /// A voice that adds a line to a file for each run. It cannot speak the word “wrong”.
    fn counted(wav: &str) -> (CommandVoice, impl Fn() -> Vec<String>) {
        let log = format!("{wav}.log");
        let script = r#"cat >> "$2"; echo >> "$2"; ! grep -q wrong "$2" && cp "$1" "$3""#;
        let voice = shell(script).with_args([wav, &log, "{out}", "{wpm}"]);
        let runs = move || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            std::fs::write(&log, "").unwrap();
            lines
        };
        (voice, runs)
    }

    #[test]
    fn a_sentence_is_spoken_once() {
        let (_directory, wav) = wav();
        let (voice, runs) = counted(&wav);
        let voice = voice.with_concurrency(1);
        let narrate_with = |voice: &CommandVoice, script: &str, options: &SpeechOptions| {
            narrate(script, voice, options, &Cancel::new())
        };
        let options = SpeechOptions::new("en");
        let first = narrate_with(&voice, "One here. Two there.", &options).unwrap();
        assert_eq!(runs(), ["One here.", "Two there."]);
        // A clone, and a gender of which the program knows nothing, change nothing.
        let male = options.clone().with_gender(VoiceGender::Male);
        let again = narrate_with(&voice.clone(), "One here. Two there.", &male).unwrap();
        assert_eq!((again, runs()), (first, vec![]));
        narrate_with(&voice, "One here. Three there. One here.", &options).unwrap();
        assert_eq!(runs(), ["Three there."]);
        narrate_with(&voice, "One here.", &options.clone().with_rate(2.0)).unwrap();
        assert_eq!(runs(), ["One here."]);
        let changed = voice.clone().with_args(["--louder"]);
        narrate_with(&changed, "One here.", &options).unwrap();
        assert_eq!(runs(), ["One here."]);
        // What failed is tried again.
        for _ in 0..2 {
            narrate_with(&voice, "It is wrong.", &options).unwrap_err();
            assert_eq!(runs(), ["It is wrong."]);
        }
    }

    #[test]
    fn no_more_programs_run_at_a_time_than_allowed() {
        let (directory, wav) = wav();
        let lock = directory.path().join("lock");
        // A directory can be created only once.
        let voice = shell(r#"mkdir "$2" && cp "$1" "$3" && rmdir "$2""#)
            .with_args([wav.as_str(), lock.to_str().unwrap(), "{out}"])
            .with_concurrency(1);
        thread::scope(|scope| {
            for text in ["One.", "Two.", "Three.", "Four.", "Five."] {
                let voice = voice.clone();
                scope.spawn(move || say(&voice, text).unwrap());
            }
        });
    }

    #[test]
    fn a_program_is_found_before_it_is_run() {
        let find = |program: &str| CommandVoice::new(program, ["en"]).find_program();
        let shell = find("sh").unwrap();
        assert!(shell.is_absolute() && shell.ends_with("sh"), "{}", shell.display());
        assert_eq!(find(shell.to_str().unwrap()).unwrap(), shell);
        for missing in ["no-such-program", "./sh", "/dev/null", "/", ""] {
            let error = find(missing).unwrap_err().to_string();
            assert!(error.contains(&format!("`{missing}` was not found")), "{error}");
        }
    }

    #[test]
    fn a_failure_reports_the_error_output_of_the_program() {
        let failing = shell("echo warming up >&2; echo no such model >&2; exit 3");
        let missing = CommandVoice::new("no-such-program", ["en"]);
        for (voice, expected) in [
            (failing, &["`sh`", "no such model", "3"][..]),
            (missing, &["is it installed?"]),
            (shell("echo no wav"), &["not a known audio format"]),
        ] {
            let error = error(&voice);
            assert!(expected.iter().all(|part| error.contains(part)), "{error}");
        }
    }

    #[test]
    fn a_program_that_hangs_is_killed() {
        let voice = shell("exec sleep 1000").with_timeout(Duration::from_millis(50));
        let error = error(&voice);
        assert!(error.contains("50ms"), "{error}");
    }

    #[test]
    fn a_program_is_killed_when_its_work_is_cancelled() {
        let directory = tempfile::tempdir().unwrap();
        let begun = directory.path().join("begun");
        let voice = shell("touch \"$1\"; exec sleep 1000").with_args([begun.to_str().unwrap()]);
        let cancel = Cancel::new();
        let flag = cancel.clone();
        thread::spawn(move || {
            while !begun.exists() {
                thread::yield_now();
            }
            flag.cancel();
        });
        let options = SpeechOptions::new("en");
        let narrated = within(HANG, move || narrate("Hi there.", &voice, &options, &cancel));
        assert!(matches!(narrated, Err(MediaError::Cancelled)), "{narrated:?}");
    }

    #[test]
    fn a_hanging_child_process_is_killed_with_its_program() {
        let directory = tempfile::tempdir().unwrap();
        for script in ["exec 3> \"$1\"; sleep 600; true", "exec 3> \"$1\"; sleep 600 & cat; wait"] {
            // Reading ends when no process holds the other end of the pipe.
            let fifo = directory.path().join(script.len().to_string());
            assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
            let voice = shell(script).with_args([fifo.to_str().unwrap()]);
            let (ended, end) = mpsc::channel();
            thread::spawn(move || ended.send(std::fs::read(fifo).map(|bytes| bytes.len())));
            let error =
                within(HANG, move || error(&voice.with_timeout(Duration::from_millis(300))));
            assert!(error.contains("took longer than 300ms"), "{error}");
            assert_eq!(end.recv_timeout(HANG).unwrap().unwrap(), 0);
        }
    }

    #[test]
    fn a_program_that_never_stops_writing_is_killed() {
        let endless = shell("exec cat /dev/zero");
        let to_file = shell(r#"exec cat /dev/zero > "$1""#).with_args(["{out}"]);
        // One that ends by itself, just when it has written as much.
        let ended = shell("head -c 67108864 /dev/zero");
        for voice in [endless, to_file, ended] {
            let error = within(HANG, move || error(&voice));
            assert!(error.contains("wrote 64 MiB or more"), "{error}");
        }
        let to_errors = shell("exec cat /dev/zero >&2").with_timeout(Duration::from_secs(1));
        let to_errors = within(HANG, move || error(&to_errors));
        assert!(to_errors.contains("took longer than 1s"), "{to_errors}");
    }

    #[test]
    fn a_remaining_child_process_does_not_block() {
        let (_directory, wav) = wav();
        let failed = within(HANG, move || error(&shell("sleep 600 & echo no model >&2; exit 3")));
        assert!(failed.contains("no model"), "{failed}");
        let to_file =
            shell(r#"sleep 600 & cat > /dev/null; cp "$1" "$2""#).with_args([&wav, "{out}"]);
        assert!(within(HANG, move || say(&to_file, "Hi").is_ok()));
        let to_output = shell(r#"sleep 600 & cat "$1""#).with_args([wav.as_str()]);
        let late = within(HANG, move || error(&to_output.with_timeout(Duration::from_millis(200))));
        assert!(late.contains("took longer"), "{late}");
    }

    #[test]
    fn an_undeclared_language_has_no_voice() {
        let result = shell("true").speak("Hi", &SpeechOptions::new("ja"));
        assert!(
            matches!(result, Err(MediaError::NoVoice { available, .. }) if available == ["en-US", "pl"])
        );
    }
}
