//! SVOX Pico, the built-in speech engine: six languages, without a system package or network. This
//! is the only module with unsafe code: the engine is written in C, and only [`PicoEngine`] calls
//! it. Splitting a script into sentences is left to [`script`](crate::media::script), and timing
//! the words of one to [`words`].

mod words;

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_void};
use std::fs;
use std::path::Path;
use std::ptr;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use ttspico_sys as sys;

use self::words::{ItemStreams, word_starts};
use super::{SpeechOptions, Voice, VoiceGender, best_match};
use crate::media::{AudioBuffer, Cancel, MediaError, lock, thread_count};
use crate::scratch::ScratchDir;

const SAMPLE_RATE: u32 = 16_000;
/// A male voice is the female one with a longer vocal tract: audio generated for 16 kHz is played at
/// 14 kHz, which also lowers the resonances, and the speed is raised to compensate.
const MALE_SAMPLE_RATE: u32 = 14_000;
/// Lowers the pitch further to that of a male voice, in percent.
const MALE_PITCH: u32 = 76;

/// The engine speaks at −12 LUFS, close to clipping. Videos use −16 LUFS, with headroom for music.
const GAIN: f32 = 0.65;

/// Size of the engine's memory. It allocates no other; 4 MiB suffice for any voice.
const MEMORY: usize = 4 << 20;
const WORDS: usize = MEMORY / size_of::<u128>();
const VOICE_NAME: &CStr = c"voice";

/// Data of one voice, embedded by the build script: file names and contents.
struct VoiceData {
    language: &'static str,
    analysis: (&'static str, &'static [u8]),
    speech: (&'static str, &'static [u8]),
}

static VOICES: &[VoiceData] = &include!(concat!(env!("OUT_DIR"), "/pico_voices.rs"));

/// The built-in voices: en-US, en-GB, de-DE, es-ES, fr-FR and it-IT.
///
/// The same text produces the same samples in every run and on every thread. The recordings are of
/// women; the male voice is derived from them.
///
/// The engine reads its voices from files only. Each voice in use is written to a private temporary
/// directory, once per process; the directory is removed when the last `Pico` is dropped. Until
/// then, at most eight engines are kept for further sentences, with a few megabytes and two open
/// files each.
#[derive(Debug, Clone)]
pub struct Pico {
    files: Arc<VoiceFiles>,
}

impl Pico {
    /// The name of the engine.
    pub(crate) const ENGINE: &str = "SVOX Pico";

    /// Creates a handle to all built-in voices. Nothing is written or loaded before the first use.
    #[must_use]
    pub fn new() -> Self {
        static SHARED: Mutex<Weak<VoiceFiles>> = Mutex::new(Weak::new());
        let mut shared = lock(&SHARED);
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

    fn speak(&self, text: &str, options: &SpeechOptions) -> Result<AudioBuffer, MediaError> {
        self.speak_until(text, options, &Cancel::new())
    }

    fn speak_until(
        &self,
        text: &str,
        options: &SpeechOptions,
        cancel: &Cancel,
    ) -> Result<AudioBuffer, MediaError> {
        self.speak_timed(text, &[], options, cancel).map(|(audio, _)| audio)
    }

    fn speak_timed(
        &self,
        text: &str,
        offsets: &[usize],
        options: &SpeechOptions,
        cancel: &Cancel,
    ) -> Result<(AudioBuffer, Option<Vec<Duration>>), MediaError> {
        cancel.check()?;
        let voice = best_match(options.language(), VOICES, |voice| voice.language)?;
        if is_mostly_foreign(text) {
            return Err(MediaError::Voice(format!(
                "the built-in voices read Latin letters only, not “{}”; plug in a voice of your own",
                text.chars().take(40).collect::<String>()
            )));
        }
        let mut engine = self.files.engine(voice)?;
        let (mut samples, streams) = engine.speak(&marked_up(text, options), cancel)?;
        self.files.put_back(voice, engine);
        for sample in &mut samples {
            *sample = (f32::from(*sample) * GAIN) as i16;
        }
        let rate = sample_rate(options.gender());
        let starts =
            streams.and_then(|streams| word_starts(text, offsets, &streams, samples.len()));
        let time = |sample: usize| Duration::from_secs_f64(sample as f64 / f64::from(rate));
        let starts = starts.map(|starts| starts.into_iter().map(time).collect());
        Ok((AudioBuffer::new(rate, samples), starts))
    }
}

const fn sample_rate(gender: VoiceGender) -> u32 {
    match gender {
        VoiceGender::Female => SAMPLE_RATE,
        VoiceGender::Male => MALE_SAMPLE_RATE,
    }
}

/// Returns whether most letters are of a script that the engine would silently skip.
fn is_mostly_foreign(text: &str) -> bool {
    const LAST_LATIN: char = '\u{24f}';
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let (latin, foreign): (Vec<char>, Vec<char>) = letters.partition(|&c| c <= LAST_LATIN);
    foreign.len() > latin.len()
}

/// Returns the text in the engine's markup. Angle brackets in the text are removed, so that it is
/// never read as markup.
fn marked_up(text: &str, options: &SpeechOptions) -> String {
    let stretch = SAMPLE_RATE as f32 / sample_rate(options.gender()) as f32;
    let speed = (options.rate() * stretch * 100.0).round();
    let pitch = match options.gender() {
        VoiceGender::Female => 100,
        VoiceGender::Male => MALE_PITCH,
    };
    let plain = text.replace(|c: char| matches!(c, '<' | '>') || c.is_control(), " ");
    format!(r#"<pitch level="{pitch}"><speed level="{speed}">{plain}</speed></pitch>"#)
}

/// The voice files of this process, shared by all [`Pico`] values.
#[derive(Debug, Default)]
struct VoiceFiles {
    /// Engines between two sentences, with their languages. Their files are closed before the
    /// directory is removed.
    idle: Mutex<Vec<(&'static str, PicoEngine)>>,
    directory: Mutex<Option<VoiceDirectory>>,
}

#[derive(Debug)]
struct VoiceDirectory {
    dir: ScratchDir,
    written: BTreeMap<&'static str, VoicePaths>,
}

#[derive(Debug, Clone)]
struct VoicePaths {
    analysis: CString,
    speech: CString,
}

impl VoiceFiles {
    /// Returns an engine as it is after its start.
    fn engine(&self, voice: &VoiceData) -> Result<PicoEngine, MediaError> {
        let mut idle = lock(&self.idle);
        if let Some(index) = idle.iter().position(|(language, _)| *language == voice.language) {
            return Ok(idle.swap_remove(index).1);
        }
        drop(idle);
        PicoEngine::start(&self.paths(voice)?)
    }

    /// Takes an engine back for another sentence, which takes less time than to start one.
    fn put_back(&self, voice: &VoiceData, mut engine: PicoEngine) {
        engine.restore();
        let mut idle = lock(&self.idle);
        if idle.len() >= thread_count() {
            idle.remove(0);
        }
        idle.push((voice.language, engine));
    }

    fn paths(&self, voice: &VoiceData) -> Result<VoicePaths, MediaError> {
        let mut shared = lock(&self.directory);
        let directory = match &mut *shared {
            Some(directory) => directory,
            none => {
                // Private: other users must not be able to replace data that a C parser reads.
                let dir = ScratchDir::create()
                    .map_err(MediaError::io("create a temporary directory for the voices"))?;
                none.insert(VoiceDirectory { dir, written: BTreeMap::new() })
            }
        };
        if let Some(paths) = directory.written.get(voice.language) {
            return Ok(paths.clone());
        }
        let paths = VoicePaths {
            analysis: write_file(directory.dir.path(), voice.analysis)?,
            speech: write_file(directory.dir.path(), voice.speech)?,
        };
        directory.written.insert(voice.language, paths.clone());
        Ok(paths)
    }
}

fn write_file(dir: &Path, (name, data): (&str, &[u8])) -> Result<CString, MediaError> {
    let path = dir.join(name);
    fs::write(&path, data).map_err(MediaError::io(format!("write {}", path.display())))?;
    path.to_str().and_then(|path| CString::new(path).ok()).ok_or_else(|| {
        MediaError::Voice(format!(
            "the engine does not support the temporary directory {}; set TMPDIR to another one",
            dir.display()
        ))
    })
}

/// An engine with one voice. Each has its own memory, so any number can run concurrently.
struct PicoEngine {
    system: sys::pico_System,
    engine: sys::pico_Engine,
    /// The loaded voice data. Each keeps its file open until it is unloaded.
    resources: Vec<sys::pico_Resource>,
    /// Must outlive `system`, which uses it. Zeroed, because the engine's output depends on the
    /// initial content of its memory; `u128`, because it needs 16-byte alignment.
    _memory: Vec<u128>,
    /// The start of the memory.
    base: *mut u128,
    /// What was in the memory after the start. The rest was zero.
    pristine: Vec<u128>,
}

// SAFETY: the engine uses nothing but its memory and its open files, which are its own, and no state
// of a thread.
unsafe impl Send for PicoEngine {}

impl std::fmt::Debug for PicoEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PicoEngine").finish_non_exhaustive()
    }
}

impl PicoEngine {
    fn start(paths: &VoicePaths) -> Result<Self, MediaError> {
        let mut memory = vec![0_u128; WORDS];
        let base = memory.as_mut_ptr();
        let mut system = ptr::null_mut();
        // SAFETY: the memory has `MEMORY` bytes, is writable, and outlives `system`: both are in
        // `Self`, whose `drop` terminates the system before its fields are freed. Moving a `Vec`
        // does not move its buffer.
        let status =
            unsafe { sys::pico_initialize(base.cast::<c_void>(), MEMORY as u32, &raw mut system) };
        let engine = ptr::null_mut();
        let (resources, pristine) = (Vec::new(), Vec::new());
        let mut this = Self { system, engine, resources, _memory: memory, base, pristine };
        this.ok(status, "start")?;
        let voice_name = VOICE_NAME.as_ptr().cast();
        // SAFETY (the whole block): `system` was initialized above; every name is a C string that
        // outlives its call, and the engine copies what it keeps; `resource_name` has the size
        // that `picodefs.h` requires.
        unsafe {
            this.ok(sys::pico_createVoiceDefinition(this.system, voice_name), "define a voice")?;
            for path in [&paths.analysis, &paths.speech] {
                let mut resource = ptr::null_mut();
                let status =
                    sys::pico_loadResource(this.system, path.as_ptr().cast(), &raw mut resource);
                this.ok(status, "load its voice data")?;
                this.resources.push(resource);
                let mut resource_name: sys::pico_Retstring = [0; sys::PICO_RETSTRINGSIZE];
                let name = resource_name.as_mut_ptr();
                let status = sys::pico_getResourceName(this.system, resource, name);
                this.ok(status, "name its voice data")?;
                let status =
                    sys::pico_addResourceToVoiceDefinition(this.system, voice_name, name.cast());
                this.ok(status, "add its voice data")?;
            }
            let status = sys::pico_newEngine(this.system, voice_name, &raw mut this.engine);
            this.ok(status, "create the voice")?;
            // SAFETY: the memory has so many words, all of them initialized; the engine does not
            // run meanwhile.
            let words = std::slice::from_raw_parts(this.base, WORDS);
            let used = words.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
            this.pristine = words[..used].to_vec();
        }
        Ok(this)
    }

    /// Restores the memory, so that the next output does not depend on the sentences before it. To
    /// reset the engine does not suffice for that.
    fn restore(&mut self) {
        let used = self.pristine.len();
        // SAFETY: the memory has `WORDS` words, of which `pristine` is a copy of the first; the
        // engine does not run meanwhile. What it holds besides, its open files, is not changed by
        // speaking: all data was read at its start.
        unsafe {
            ptr::copy_nonoverlapping(self.pristine.as_ptr(), self.base, used);
            for index in used..WORDS {
                let word = self.base.add(index);
                // Memory that was never written is not to be taken from the system now.
                if *word != 0 {
                    *word = 0;
                }
            }
        }
    }

    /// Speaks a text in the engine's markup. Returns the samples and, if they could be observed, the
    /// items from which they were made.
    fn speak(
        &mut self,
        text: &str,
        cancel: &Cancel,
    ) -> Result<(Vec<i16>, Option<ItemStreams>), MediaError> {
        let mut input = text.as_bytes().to_vec();
        input.push(0); // Ends the text: without it, the engine waits for more.
        let mut rest = input.as_slice();
        let mut samples = Vec::new();
        let mut taps = self.taps();
        let mut streams = ItemStreams::default();
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
                // SAFETY: `engine` is running; the buffer has the given size and accepts any bytes.
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
                if let Some(taps) = &mut taps {
                    for (tap, stream) in taps.iter_mut().zip(streams.all()) {
                        // SAFETY: the engine that owns the buffer of the tap is running.
                        unsafe { tap.read(stream) };
                    }
                }
                if count > 0 {
                    cancel.check()?;
                }
                match status {
                    sys::PICO_STEP_BUSY => {}
                    sys::PICO_STEP_IDLE => break,
                    status => self.ok(status.min(sys::PICO_STEP_ERROR), "speak")?,
                }
            }
            if rest.is_empty() {
                return Ok((samples, taps.map(|_| streams)));
            }
            if idle_after_put {
                return Err(MediaError::Voice("the engine accepts no more text".to_owned()));
            }
        }
    }

    /// Returns the buffers through which the engine passes its words, their phones, and the
    /// durations of these, or `None` if the engine is not made as expected.
    fn taps(&self) -> Option<[Tap; 3]> {
        /// The processing units of an engine, in order: text to tokens, words, parts of speech,
        /// syntax, accents, phones, durations, spectra, samples.
        const UNITS: u8 = 9;
        const OBSERVED: [usize; 3] = [1, 5, 6];
        /// `MAGIC_MASK` of `picoctrl.c`.
        const MAGIC: usize = 0x5069_436F;
        let engine = self.engine.cast::<EngineStruct>();
        // SAFETY: `engine` was returned by `pico_newEngine`, so it points to the `struct
        // picoctrl_engine` of the pinned version, whose fields `EngineStruct` repeats; so do the
        // other structs. All are in `_memory`, and valid until the engine is disposed of.
        unsafe {
            if (*engine).magic != engine as usize ^ MAGIC {
                return None;
            }
            let control = (*(*engine).control).sub_object.cast::<ControlStruct>();
            if (*control).unit_count != UNITS {
                return None;
            }
            Some(OBSERVED.map(|unit| {
                let buffer = (*(*control).units[unit]).output;
                Tap { buffer, position: (*buffer).rear }
            }))
        }
    }

    fn ok(&self, status: sys::pico_Status, doing: &str) -> Result<(), MediaError> {
        if status == sys::PICO_OK {
            return Ok(());
        }
        let mut message: sys::pico_Retstring = [0; sys::PICO_RETSTRINGSIZE];
        if !self.system.is_null() {
            // SAFETY: `system` was initialized; the buffer has the size that the engine requires.
            unsafe {
                sys::pico_getSystemStatusMessage(self.system, status, message.as_mut_ptr());
            }
        }
        message[sys::PICO_RETSTRINGSIZE - 1] = 0;
        // SAFETY: the last byte was just set to zero.
        let message = unsafe { CStr::from_ptr(message.as_ptr()) }.to_string_lossy();
        Err(MediaError::Voice(format!(
            "the speech engine could not {doing} (status {status}: {message})"
        )))
    }
}

/// `struct picoctrl_engine` of `picoctrl.c`, up to its last field that is read; and so on.
#[repr(C)]
struct EngineStruct {
    magic: usize,
    _memory: *const c_void,
    _common: *const c_void,
    _voice: *const c_void,
    control: *const UnitStruct,
}

/// `struct picodata_processing_unit` of `picodata.h`.
#[repr(C)]
struct UnitStruct {
    /// Three functions, the voice, the common object and the input.
    _others: [*const c_void; 6],
    output: *const BufferStruct,
    _deallocate: *const c_void,
    sub_object: *const c_void,
}

/// `struct ctrl_subobj` of `picoctrl.c`.
#[repr(C)]
struct ControlStruct {
    unit_count: u8,
    _current: u8,
    _last_item: u8,
    units: [*const UnitStruct; 25],
}

/// `struct picodata_char_buffer` of `picodata.c`, a ring.
#[repr(C)]
struct BufferStruct {
    bytes: *const u8,
    /// The next position to be written.
    rear: u16,
    _front: u16,
    _length: u16,
    size: u16,
}

/// Observes what is written to a buffer of an engine. A step of the engine writes less than a buffer
/// holds, so that nothing is missed between two steps.
struct Tap {
    buffer: *const BufferStruct,
    position: u16,
}

impl Tap {
    /// Appends what was written since the last call.
    ///
    /// # Safety
    /// The engine to which the buffer belongs is running.
    unsafe fn read(&mut self, stream: &mut Vec<u8>) {
        // SAFETY: the buffer is valid by the contract of this function; it has `size` bytes, and
        // `rear` is below `size`.
        unsafe {
            let BufferStruct { bytes, rear, size, .. } = *self.buffer;
            while self.position != rear {
                stream.push(*bytes.add(usize::from(self.position)));
                self.position = (self.position + 1) % size;
            }
        }
    }
}

impl Drop for PicoEngine {
    fn drop(&mut self) {
        if self.system.is_null() {
            return;
        }
        // SAFETY: the system was initialized, and each other handle was returned by it and not yet
        // disposed of. They are disposed of in the order that its documentation requires: the
        // engine, the voice that it used, the resources of the voice, the system.
        unsafe {
            if !self.engine.is_null() {
                sys::pico_disposeEngine(self.system, &raw mut self.engine);
            }
            sys::pico_releaseVoiceDefinition(self.system, VOICE_NAME.as_ptr().cast());
            for resource in &mut self.resources {
                sys::pico_unloadResource(self.system, resource);
            }
            sys::pico_terminate(&raw mut self.system);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "A goatherd saw his goats dance.";

    fn say(options: &SpeechOptions) -> AudioBuffer {
        Pico::new().speak(TEXT, options).expect("the voice speaks")
    }

    #[test]
    fn every_thread_and_every_run_produces_the_same_samples() {
        let first = say(&SpeechOptions::default());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..3 {
                        assert_eq!(say(&SpeechOptions::default()), first);
                    }
                });
            }
        });
        // Equal in every process: the engine uses integer arithmetic.
        let sum = first
            .samples()
            .iter()
            .fold(0_u32, |sum, &s| sum.wrapping_mul(31).wrapping_add(s as u32));
        assert_eq!((first.samples().len(), sum), (40_256, 2_309_247_825));
    }

    #[test]
    fn what_was_spoken_before_makes_no_difference() {
        let options = SpeechOptions::new("de-DE");
        let long = "Die Rechnung kam an, aber niemand konnte sie bezahlen, weil alles zu war. ";
        let texts = ["Ja.", &long.repeat(9), "Wie bitte?", "Achtzehn Männer, siebzig Bücher."];
        let pico = Pico::new();
        let paths = pico.files.paths(&VOICES[2]).unwrap();
        let mut used = PicoEngine::start(&paths).unwrap();
        for text in texts.iter().chain(&texts) {
            let [used, fresh] =
                [&mut used, &mut PicoEngine::start(&paths).unwrap()].map(|engine| {
                    let spoken = engine.speak(&marked_up(text, &options), &Cancel::new()).unwrap();
                    engine.restore();
                    spoken.0
                });
            assert!(used == fresh, "{text}");
        }
    }

    #[test]
    fn all_six_languages_speak() {
        let pico = Pico::new();
        let languages = pico.languages();
        assert_eq!(languages, ["en-US", "en-GB", "de-DE", "es-ES", "fr-FR", "it-IT"]);
        for language in languages {
            let audio = pico.speak("Radio 2024, Paris.", &SpeechOptions::new(&language)).unwrap();
            assert!(audio.duration().as_secs_f32() > 0.8, "{language}: {audio:?}");
            let loud = audio.samples().iter().filter(|s| s.unsigned_abs() > 1000).count();
            assert!(loud > 2000, "{language} is silent: {loud}");
        }
    }

    #[test]
    fn an_unsupported_language_is_reported_with_the_supported_ones() {
        let error = Pico::new().speak("こんにちは", &SpeechOptions::new("ja")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no voice for the language `ja`; choose one of en-US, en-GB, de-DE, es-ES, fr-FR, it-IT, or plug in your own voice"
        );
    }

    #[test]
    fn a_foreign_script_is_an_error_rather_than_silence() {
        let error = Pico::new().speak("OK, コーヒーの歴史", &SpeechOptions::default()).unwrap_err();
        assert!(error.to_string().contains("コーヒー"), "{error}");
        Pico::new().speak("The number π, a Greek letter.", &SpeechOptions::default()).unwrap();
    }

    #[test]
    fn the_rate_changes_the_duration_and_the_gender_does_not() {
        let normal = say(&SpeechOptions::default()).duration().as_secs_f32();
        let fast = say(&SpeechOptions::default().with_rate(1.5)).duration().as_secs_f32();
        let male =
            say(&SpeechOptions::default().with_gender(VoiceGender::Male)).duration().as_secs_f32();
        assert!((normal / fast - 1.5).abs() < 0.2, "{normal} {fast}");
        assert!((normal / male - 1.0).abs() < 0.1, "{normal} {male}");
    }

    #[test]
    fn markup_in_the_text_is_not_interpreted() {
        let pico = Pico::new();
        let options = SpeechOptions::default();
        let plain = pico.speak("One. Two.", &options).unwrap().duration();
        let marked =
            pico.speak(r#"One. <break time="9000ms"/> Two."#, &options).unwrap().duration();
        assert!(marked < plain + Duration::from_secs(5), "{plain:?} {marked:?}");
    }

    #[test]
    fn a_text_longer_than_the_input_buffer_is_spoken_whole() {
        let text = "word ".repeat(1_500);
        let audio = Pico::new().speak(&text, &SpeechOptions::default()).unwrap();
        assert!(audio.duration().as_secs() > 190, "{:?}", audio.duration());
    }

    #[cfg(unix)]
    #[test]
    fn the_voice_files_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let pico = Pico::new();
        pico.speak("Hello.", &SpeechOptions::default()).unwrap();
        let directory = pico.files.directory.lock().unwrap();
        let mode = directory.as_ref().unwrap().dir.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
