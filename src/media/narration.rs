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
    let sentences = sentences(script);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Produces a second of audio for each word, with silence around it; silent for digits.
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
            let words = text.split_whitespace().filter(|w| w.contains(char::is_alphabetic)).count();
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
        let error = narrated("Fine. 2024!").unwrap_err().to_string();
        assert!(error.contains("“2024!”"), "{error}");
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
}
