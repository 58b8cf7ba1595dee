//! SVOX Pico, the speech engine that is built in: six languages, no system package, no network.
//! The only module with unsafe code: the engine is C, and [`Engine`] is all that touches it.
//! Splitting a script into sentences is left to [`script`](crate::media::script).

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_void};
use std::fs;
use std::path::Path;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;
use ttspico_sys as sys;

use super::{Delivery, Gender, Voice, best_language};
use crate::media::{MediaError, Sound};

const SAMPLE_RATE: u32 = 16_000;
/// A male voice is the female one with a longer throat: what was made for 16 kHz is played at
/// 14 kHz, which lowers the resonances as well, and the speed is raised to make up for it.
const MALE_SAMPLE_RATE: u32 = 14_000;
/// The rest of the way down to a man's pitch, in per cent.
const MALE_PITCH: u32 = 76;

/// The engine speaks at −12 LUFS, close to clipping; films are at −16, and leave room for music.
const GAIN: f32 = 0.65;

/// The engine's own memory. It asks for no other; 4 MiB hold any of its voices.
const MEMORY: usize = 4 << 20;
const VOICE_NAME: &CStr = c"voice";

/// The data of one voice, as the build script embeds it: file name and content.
struct VoiceData {
    language: &'static str,
    analysis: (&'static str, &'static [u8]),
    speech: (&'static str, &'static [u8]),
}

static VOICES: &[VoiceData] = &include!(concat!(env!("OUT_DIR"), "/pico_voices.rs"));

/// The built-in voices: en-US, en-GB, de-DE, es-ES, fr-FR and it-IT.
///
/// The same text gives the same samples in every run and on every thread. The recordings are
/// of women; a male voice is rendered from them, lower and with a longer throat.
///
/// The engine reads its voices from files only, so each one that is used is written to a private
/// temporary folder, once per process; the folder goes when the last `Pico` does.
///
/// ```
/// use nemovideo::media::{Delivery, Pico, Voice as _};
///
/// let pico = Pico::new();
/// assert!(pico.languages().contains(&"it-IT".to_owned()));
/// let spoken = pico.speak("Buongiorno.", &Delivery::new("it-IT"))?;
/// assert!(spoken.duration().as_millis() > 300);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Pico {
    files: Arc<VoiceFiles>,
}

impl Pico {
    /// All built-in voices. Cheap: nothing is written or loaded until something is said.
    #[must_use]
    pub fn new() -> Self {
        static SHARED: Mutex<Weak<VoiceFiles>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let files = shared.upgrade().unwrap_or_else(|| {
            let files = Arc::new(VoiceFiles::default());
            *shared = Arc::downgrade(&files);
            files
        });
        Self { files }
    }
}

impl Default for Pico {
    fn default() -> Self {
        Self::new()
    }
}

impl Voice for Pico {
    fn languages(&self) -> Vec<String> {
        VOICES.iter().map(|voice| voice.language.to_owned()).collect()
    }

    fn speak(&self, text: &str, how: &Delivery) -> Result<Sound, MediaError> {
        let voice = best_language(&how.language, VOICES.iter().map(|voice| voice.language))
            .and_then(|language| VOICES.iter().find(|voice| voice.language == language))
            .ok_or_else(|| MediaError::NoVoice {
                language: how.language.clone(),
                available: self.languages(),
            })?;
        if is_mostly_foreign(text) {
            return Err(MediaError::Voice(format!(
                "the built-in voices read Latin letters only, not “{}”; plug in a voice of your own",
                text.chars().take(40).collect::<String>()
            )));
        }
        let paths = self.files.paths(voice)?;
        // A fresh engine for each sentence: what was said before must not colour it.
        let mut samples = Engine::start(&paths)?.speak(&marked_up(text, how))?;
        for sample in &mut samples {
            *sample = (f32::from(*sample) * GAIN) as i16;
        }
        Ok(Sound::new(sample_rate(how.gender), samples))
    }
}

const fn sample_rate(gender: Gender) -> u32 {
    match gender {
        Gender::Female => SAMPLE_RATE,
        Gender::Male => MALE_SAMPLE_RATE,
    }
}

/// Whether most letters are of a script that the engine would pass over without a sound.
fn is_mostly_foreign(text: &str) -> bool {
    const LAST_LATIN: char = '\u{24f}';
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let (latin, foreign): (Vec<char>, Vec<char>) = letters.partition(|&c| c <= LAST_LATIN);
    foreign.len() > latin.len()
}

/// The text in the engine's markup. What the user wrote is not markup, so its angle brackets go.
fn marked_up(text: &str, how: &Delivery) -> String {
    let stretch = SAMPLE_RATE as f32 / sample_rate(how.gender) as f32;
    let speed = (how.pace.factor() * stretch * 100.0).round();
    let pitch = match how.gender {
        Gender::Female => 100,
        Gender::Male => MALE_PITCH,
    };
    let plain: String = text
        .chars()
        .map(|c| match c {
            '<' | '>' => ' ',
            c if c.is_control() => ' ',
            // The engine knows the typewriter's marks only.
            '‘' | '’' | 'ʼ' => '\'',
            '“' | '”' | '„' | '«' | '»' => '"',
            '–' | '—' | '―' => ',',
            '\u{a0}' | '\u{202f}' | '\u{2009}' => ' ',
            '‐' | '‑' => '-',
            c => c,
        })
        .collect();
    format!(r#"<pitch level="{pitch}"><speed level="{speed}">{plain}</speed></pitch>"#)
}

/// The voice files of this process, shared by every [`Pico`].
#[derive(Debug, Default)]
struct VoiceFiles(Mutex<Option<Folder>>);

#[derive(Debug)]
struct Folder {
    dir: TempDir,
    written: BTreeMap<&'static str, VoicePaths>,
}

#[derive(Debug, Clone)]
struct VoicePaths {
    analysis: CString,
    speech: CString,
}

impl VoiceFiles {
    fn paths(&self, voice: &VoiceData) -> Result<VoicePaths, MediaError> {
        let mut folder = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = match &mut *folder {
            Some(folder) => folder,
            none => {
                let mut builder = tempfile::Builder::new();
                builder.prefix("nemovideo-voices-");
                #[cfg(unix)]
                {
                    use std::os::unix::fs::PermissionsExt as _;
                    // Nobody else may put other voice data where a C parser reads it.
                    builder.permissions(fs::Permissions::from_mode(0o700));
                }
                let dir = builder
                    .tempdir()
                    .map_err(MediaError::io("make a temporary folder for the voices"))?;
                none.insert(Folder { dir, written: BTreeMap::new() })
            }
        };
        if let Some(paths) = folder.written.get(voice.language) {
            return Ok(paths.clone());
        }
        let paths = VoicePaths {
            analysis: write_file(folder.dir.path(), voice.analysis)?,
            speech: write_file(folder.dir.path(), voice.speech)?,
        };
        folder.written.insert(voice.language, paths.clone());
        Ok(paths)
    }
}

fn write_file(dir: &Path, (name, data): (&str, &[u8])) -> Result<CString, MediaError> {
    let path = dir.join(name);
    fs::write(&path, data).map_err(MediaError::io(format!("write {}", path.display())))?;
    path.to_str().and_then(|path| CString::new(path).ok()).ok_or_else(|| {
        MediaError::Voice(format!(
            "the temporary folder {} has a name that the engine cannot take; set TMPDIR to another",
            dir.display()
        ))
    })
}

/// One engine with one voice, in memory of its own, so that any number run side by side.
struct Engine {
    system: sys::pico_System,
    engine: sys::pico_Engine,
    /// Lives as long as `system` works in it. Zeroed, because the engine's output depends on
    /// what its memory held before; `u128`, because it wants 16-byte alignment.
    _memory: Vec<u128>,
}

impl Engine {
    fn start(paths: &VoicePaths) -> Result<Self, MediaError> {
        let mut memory = vec![0_u128; MEMORY / size_of::<u128>()];
        let mut system = ptr::null_mut();
        // SAFETY: the memory is `MEMORY` bytes, writable, and outlives `system`: both sit in
        // `Self`, whose `drop` ends the system before its fields are freed. A `Vec` that moves
        // keeps its buffer where it is.
        let status = unsafe {
            sys::pico_initialize(
                memory.as_mut_ptr().cast::<c_void>(),
                MEMORY as u32,
                &raw mut system,
            )
        };
        let mut this = Self { system, engine: ptr::null_mut(), _memory: memory };
        this.ok(status, "start")?;
        let voice_name = VOICE_NAME.as_ptr().cast();
        // SAFETY (all of this block): `system` was initialised above; every name is a C string
        // that lives across its call, and the engine copies what it keeps; `resource_name` has
        // the size that `picodefs.h` asks for.
        unsafe {
            let status = sys::pico_createVoiceDefinition(this.system, voice_name);
            this.ok(status, "define a voice")?;
            for path in [&paths.analysis, &paths.speech] {
                let mut resource = ptr::null_mut();
                let status =
                    sys::pico_loadResource(this.system, path.as_ptr().cast(), &raw mut resource);
                this.ok(status, "load its voice data")?;
                let mut resource_name: sys::pico_Retstring = [0; sys::PICO_RETSTRINGSIZE];
                let name = resource_name.as_mut_ptr();
                let status = sys::pico_getResourceName(this.system, resource, name);
                this.ok(status, "name its voice data")?;
                let status =
                    sys::pico_addResourceToVoiceDefinition(this.system, voice_name, name.cast());
                this.ok(status, "add its voice data")?;
            }
            let status = sys::pico_newEngine(this.system, voice_name, &raw mut this.engine);
            this.ok(status, "make the voice")?;
        }
        Ok(this)
    }

    /// Speaks a text in the engine's markup to its end.
    fn speak(&mut self, text: &str) -> Result<Vec<i16>, MediaError> {
        let mut input = text.as_bytes().to_vec();
        input.push(0); // The end of the text: without it the engine waits for more.
        let mut rest = input.as_slice();
        let mut samples = Vec::new();
        let mut buffer = [0_i16; 1024];
        loop {
            let mut idle_after_put = true;
            if !rest.is_empty() {
                let offered = rest.len().min(i16::MAX as usize);
                let mut taken = 0;
                // SAFETY: `engine` is running; `rest` holds at least `offered` bytes.
                let status = unsafe {
                    sys::pico_putTextUtf8(
                        self.engine,
                        rest.as_ptr(),
                        offered as i16,
                        &raw mut taken,
                    )
                };
                self.ok(status, "take the text")?;
                rest = &rest[usize::try_from(taken).unwrap_or(0).min(offered)..];
                idle_after_put = taken == 0;
            }
            loop {
                let (mut bytes, mut kind) = (0, 0);
                // SAFETY: `engine` is running; the buffer is as large as said, and takes any bytes.
                let status = unsafe {
                    sys::pico_getData(
                        self.engine,
                        buffer.as_mut_ptr().cast::<c_void>(),
                        size_of_val(&buffer) as i16,
                        &raw mut bytes,
                        &raw mut kind,
                    )
                };
                let count = usize::try_from(bytes).unwrap_or(0) / size_of::<i16>();
                samples.extend_from_slice(&buffer[..count.min(buffer.len())]);
                match status {
                    sys::PICO_STEP_BUSY => {}
                    sys::PICO_STEP_IDLE => break,
                    status => self.ok(status.min(sys::PICO_STEP_ERROR), "speak")?,
                }
            }
            if rest.is_empty() {
                return Ok(samples);
            }
            if idle_after_put {
                return Err(MediaError::Voice("the engine takes no more text".to_owned()));
            }
        }
    }

    fn ok(&self, status: sys::pico_Status, doing: &str) -> Result<(), MediaError> {
        if status == sys::PICO_OK {
            return Ok(());
        }
        let mut message: sys::pico_Retstring = [0; sys::PICO_RETSTRINGSIZE];
        if !self.system.is_null() {
            // SAFETY: `system` was initialised; the buffer has the size the engine asks for.
            unsafe {
                sys::pico_getSystemStatusMessage(self.system, status, message.as_mut_ptr());
            }
        }
        message[sys::PICO_RETSTRINGSIZE - 1] = 0;
        // SAFETY: the last byte was just made a zero.
        let message = unsafe { CStr::from_ptr(message.as_ptr()) }.to_string_lossy();
        Err(MediaError::Voice(format!(
            "the speech engine could not {doing} (status {status}: {message})"
        )))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: each handle is null or was given by the engine and not yet given back; the
        // engine goes before the system, as its documentation asks.
        unsafe {
            if !self.engine.is_null() {
                sys::pico_disposeEngine(self.system, &raw mut self.engine);
            }
            if !self.system.is_null() {
                sys::pico_terminate(&raw mut self.system);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Pace;

    const TEXT: &str = "A goatherd saw his goats dance.";

    fn say(how: &Delivery) -> Sound {
        Pico::new().speak(TEXT, how).expect("the voice speaks")
    }

    #[test]
    fn every_thread_and_every_run_gives_the_same_samples() {
        let first = say(&Delivery::default());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..3 {
                        assert_eq!(say(&Delivery::default()), first);
                    }
                });
            }
        });
        // What another process got: the engine computes in integers.
        let sum = first
            .samples()
            .iter()
            .fold(0_u32, |sum, &s| sum.wrapping_mul(31).wrapping_add(s as u32));
        assert_eq!((first.samples().len(), sum), (40_256, 2_309_247_825));
    }

    #[test]
    fn all_six_languages_speak() {
        let pico = Pico::new();
        let languages = pico.languages();
        assert_eq!(languages, ["en-US", "en-GB", "de-DE", "es-ES", "fr-FR", "it-IT"]);
        for language in languages {
            let sound = pico.speak("Radio 2024, Paris.", &Delivery::new(&language)).unwrap();
            assert!(sound.duration().as_secs_f32() > 0.8, "{language}: {sound:?}");
            let loud = sound.samples().iter().filter(|s| s.unsigned_abs() > 1000).count();
            assert!(loud > 2000, "{language} is silent: {loud}");
        }
    }

    #[test]
    fn a_language_without_a_voice_is_told_with_the_voices_there_are() {
        let error = Pico::new().speak("こんにちは", &Delivery::new("ja")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no voice for the language `ja`; choose one of en-US, en-GB, de-DE, es-ES, fr-FR, it-IT, or plug in your own voice"
        );
    }

    #[test]
    fn words_are_not_passed_over_in_silence() {
        let error = Pico::new().speak("OK, コーヒーの歴史", &Delivery::default()).unwrap_err();
        assert!(error.to_string().contains("コーヒー"), "{error}");
        Pico::new().speak("The number π, a Greek letter.", &Delivery::default()).unwrap();
    }

    #[test]
    fn pace_changes_the_length_and_gender_does_not() {
        let normal = say(&Delivery::default()).duration().as_secs_f32();
        let fast = say(&Delivery::default().with_pace(Pace::new(1.5))).duration().as_secs_f32();
        let male = say(&Delivery::default().with_gender(Gender::Male)).duration().as_secs_f32();
        assert!((normal / fast - 1.5).abs() < 0.2, "{normal} {fast}");
        assert!((normal / male - 1.0).abs() < 0.1, "{normal} {male}");
    }

    #[test]
    fn markup_in_the_text_is_not_obeyed() {
        let pico = Pico::new();
        let how = Delivery::default();
        let plain = pico.speak("One. Two.", &how).unwrap().duration();
        let marked = pico.speak(r#"One. <break time="9000ms"/> Two."#, &how).unwrap().duration();
        assert!(marked < plain + std::time::Duration::from_secs(5), "{plain:?} {marked:?}");
    }

    #[test]
    fn a_text_longer_than_the_engine_takes_at_once_is_spoken_whole() {
        let text = "word ".repeat(1_500);
        let sound = Pico::new().speak(&text, &Delivery::default()).unwrap();
        assert!(sound.duration().as_secs() > 190, "{:?}", sound.duration());
    }

    #[cfg(unix)]
    #[test]
    fn the_voice_files_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let pico = Pico::new();
        pico.speak("Hello.", &Delivery::default()).unwrap();
        let folder = pico.files.0.lock().unwrap();
        let mode = folder.as_ref().unwrap().dir.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
