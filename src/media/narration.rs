//! Speaks a script sentence by sentence and times each sentence. Adding images is left to
//! [`render`](super::render()).

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::characters::without_emoji;
use super::script::{ScriptSentence, sentences};
use super::{
    AudioBuffer, AudioClip, Cancel, MediaError, SpeechOptions, TextClip, Voice, captions, lock,
    thread_count,
};

/// A spoken script, from [`narrate`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Narration {
    /// The sentences in order.
    pub sentences: Vec<SpokenSentence>,
    duration: Duration,
}

/// One sentence of a [`Narration`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpokenSentence {
    /// Text of the sentence, for display.
    pub text: String,
    /// Time from the start of the narration to the first word.
    pub start: Duration,
    /// Speech without silence before or after it.
    pub audio: AudioBuffer,
}

impl SpokenSentence {
    /// Returns the time from the start of the narration to the end of the last word.
    #[must_use]
    pub fn end(&self) -> Duration {
        self.start + self.audio.duration()
    }
}

impl Narration {
    /// Returns the total duration, including the pause after the last sentence.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        self.duration
    }

    /// Returns one audio clip for each sentence.
    #[must_use]
    pub fn audio(&self) -> Vec<AudioClip> {
        let clip = |spoken: &SpokenSentence| AudioClip::new(spoken.audio.clone(), spoken.start);
        self.sentences.iter().map(clip).collect()
    }

    /// Returns the captions. Each appears with its words and stays until the next one appears, or
    /// for at most 750 ms after its words.
    #[must_use]
    pub fn captions(&self) -> Vec<TextClip> {
        /// A caption that disappeared shortly before the next one would flicker.
        const LINGER: Duration = Duration::from_millis(750);
        let extend = |last: Option<&mut TextClip>, until: Duration| {
            if let Some(last) = last {
                last.duration = (until - last.start).min(last.duration + LINGER);
            }
        };
        let mut clips: Vec<TextClip> = Vec::new();
        for spoken in &self.sentences {
            extend(clips.last_mut(), spoken.start);
            clips.extend(captions(&spoken.text, spoken.start, spoken.audio.duration()));
        }
        extend(clips.last_mut(), self.duration);
        clips
    }
}

/// Speaks a script, several sentences at a time on all cores. The result does not depend on the
/// number of cores.
///
/// Line breaks, paragraphs and Markdown in the script are handled; emoji are not spoken, but stay
/// in the captions.
///
/// ```
/// use nemovideo::media::{Cancel, Pico, SpeechOptions, VoiceGender, narrate};
///
/// let options = SpeechOptions::new("en-GB").with_gender(VoiceGender::Male).with_rate(1.5);
/// let narration = narrate("Good morning. It rains.", &Pico::new(), &options, &Cancel::new())?;
/// let [first, second] = &narration.sentences[..] else { panic!() };
/// assert_eq!((first.text.as_str(), second.text.as_str()), ("Good morning.", "It rains."));
/// assert!(second.start > first.end()); // there is a pause between them
/// # Ok::<(), nemovideo::media::MediaError>(())
/// ```
///
/// # Errors
/// - [`MediaError::EmptyScript`] when the script has no words.
/// - [`MediaError::NoVoice`] when the voice does not support the language.
/// - [`MediaError::Voice`] when the voice fails, or produces only silence for a sentence.
/// - [`MediaError::Cancelled`] once `cancel` is set.
pub fn narrate(
    script: &str,
    voice: &dyn Voice,
    options: &SpeechOptions,
    cancel: &Cancel,
) -> Result<Narration, MediaError> {
    let sentences = sentences(script, &options.language).sentences;
    if sentences.is_empty() {
        return Err(MediaError::EmptyScript);
    }
    let audio = speak_all(&sentences, voice, options, cancel)?;
    let mut at = Duration::ZERO;
    let spoken = sentences
        .into_iter()
        .zip(audio)
        .map(|(sentence, audio)| {
            let spoken = SpokenSentence { text: sentence.text, start: at, audio };
            at = spoken.end() + sentence.pause_after;
            spoken
        })
        .collect();
    Ok(Narration { sentences: spoken, duration: at })
}

fn speak_all(
    sentences: &[ScriptSentence],
    voice: &dyn Voice,
    options: &SpeechOptions,
    cancel: &Cancel,
) -> Result<Vec<AudioBuffer>, MediaError> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let done: Mutex<Vec<Option<Result<AudioBuffer, MediaError>>>> =
        Mutex::new(sentences.iter().map(|_| None).collect());
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(sentence) = sentences.get(index) else { return };
            let spoken = cancel.check().and_then(|()| speak(&sentence.text, voice, options));
            failed.fetch_or(spoken.is_err(), Ordering::Relaxed);
            lock(&done)[index] = Some(spoken);
        }
    };
    thread::scope(|scope| {
        for _ in 1..thread_count().min(sentences.len()) {
            scope.spawn(work);
        }
        work();
    });
    // Sentences are taken in order, so an error precedes any sentence that was not spoken.
    let done = std::mem::take(&mut *lock(&done));
    done.into_iter().flatten().collect()
}

fn speak(
    text: &str,
    voice: &dyn Voice,
    options: &SpeechOptions,
) -> Result<AudioBuffer, MediaError> {
    let audio = voice.speak(&without_emoji(text), options)?.trimmed();
    if audio.samples().is_empty() {
        let start: String = text.chars().take(40).collect();
        return Err(MediaError::Voice(format!(
            "the voice for `{}` is silent for “{start}”; is the script in another language?",
            options.language
        )));
    }
    Ok(audio)
}
