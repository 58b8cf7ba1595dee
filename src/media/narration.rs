//! A script spoken: its sentences one after the other, each with its sound and its time. Putting
//! pictures to them is left to [`render`](super::render()).

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::characters::without_emoji;
use super::{
    Cancel, Delivery, MediaError, Sentence, Sound, SoundClip, TextClip, Voice, cues, sentences,
};

/// A spoken script.
///
/// ```
/// use nemovideo::media::{Cancel, Delivery, FrameSize, Pico, Timeline, narrate};
/// use std::time::Duration;
///
/// let narration =
///     narrate("Good morning.", &Pico::new(), &Delivery::new("en-GB"), &Cancel::new())?;
/// // The last sentence is not cut off by the end of the film.
/// assert!(narration.duration() >= narration.sentences[0].end() + Duration::from_millis(300));
///
/// let mut film = Timeline::new(FrameSize::SQUARE, narration.duration());
/// film.sounds = narration.sounds();
/// film.texts = narration.captions();
/// assert_eq!(film.texts[0].text, "Good morning.");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Narration {
    /// What is said, in order.
    pub sentences: Vec<Spoken>,
    duration: Duration,
}

/// One spoken sentence.
///
/// ```
/// use nemovideo::media::{Cancel, Delivery, Pico, narrate};
///
/// let narration =
///     narrate("Good morning. It rains.", &Pico::new(), &Delivery::default(), &Cancel::new())?;
/// let [first, second] = &narration.sentences[..] else { panic!() };
/// assert_eq!((first.text.as_str(), first.start.as_secs_f64()), ("Good morning.", 0.0));
/// assert_eq!(first.end(), first.start + first.sound.duration());
/// assert!(second.start > first.end()); // there is a pause between them
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spoken {
    /// What is said, as it should be read.
    pub text: String,
    /// When the first word begins, from the start of the narration.
    pub start: Duration,
    /// The sound, without silence before or after.
    pub sound: Sound,
}

impl Spoken {
    /// When the last word ends.
    #[must_use]
    pub fn end(&self) -> Duration {
        self.start + self.sound.duration()
    }
}

impl Narration {
    /// How long it takes, with the rest that follows the last sentence.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        self.duration
    }

    /// Its sounds, each at its time.
    #[must_use]
    pub fn sounds(&self) -> Vec<SoundClip> {
        let clip = |spoken: &Spoken| SoundClip::new(spoken.sound.clone(), spoken.start);
        self.sentences.iter().map(clip).collect()
    }

    /// Its captions. Each appears with its words and stays until the next one, or for a moment
    /// longer than it is heard.
    #[must_use]
    pub fn captions(&self) -> Vec<TextClip> {
        /// A caption that goes just before the next one comes flickers.
        const LINGER: Duration = Duration::from_millis(750);
        let mut captions: Vec<TextClip> = Vec::new();
        for spoken in &self.sentences {
            if let Some(last) = captions.last_mut() {
                last.duration = (spoken.start - last.start).min(last.duration + LINGER);
            }
            captions.extend(
                cues(&spoken.text, spoken.sound.duration())
                    .into_iter()
                    .map(|cue| TextClip::caption(cue.text, spoken.start + cue.start, cue.duration)),
            );
        }
        if let Some(last) = captions.last_mut() {
            last.duration = (self.duration - last.start).min(last.duration + LINGER);
        }
        captions
    }
}

/// Speaks a script, several sentences at a time on all cores. The result does not depend on how
/// many there are.
///
/// ```
/// use nemovideo::media::{Cancel, Delivery, Gender, Pace, Pico, narrate};
///
/// let how = Delivery::new("en-GB").with_gender(Gender::Male).with_pace(Pace::new(1.5));
/// let narration = narrate("Good morning. It rains.", &Pico::new(), &how, &Cancel::new())?;
/// assert_eq!(narration.sentences.len(), 2);
/// assert!(narration.sentences[0].end() <= narration.sentences[1].start);
/// assert_eq!((narration.sounds().len(), narration.captions().len()), (2, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`MediaError::EmptyScript`] when there is nothing to say, [`MediaError::NoVoice`] when the
/// voice does not speak the language, [`MediaError::Voice`] when it fails or has no sound for a
/// whole sentence, [`MediaError::Cancelled`].
pub fn narrate(
    script: &str,
    voice: &dyn Voice,
    how: &Delivery,
    cancel: &Cancel,
) -> Result<Narration, MediaError> {
    let sentences = sentences(script);
    if sentences.is_empty() {
        return Err(MediaError::EmptyScript);
    }
    let sounds = speak_all(&sentences, voice, how, cancel)?;
    let mut at = Duration::ZERO;
    let spoken = sentences
        .into_iter()
        .zip(sounds)
        .map(|(sentence, sound)| {
            let spoken = Spoken { text: sentence.text, start: at, sound };
            at = spoken.end() + sentence.pause_after;
            spoken
        })
        .collect();
    Ok(Narration { sentences: spoken, duration: at })
}

fn speak_all(
    sentences: &[Sentence],
    voice: &dyn Voice,
    how: &Delivery,
    cancel: &Cancel,
) -> Result<Vec<Sound>, MediaError> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let done: Mutex<Vec<Option<Result<Sound, MediaError>>>> =
        Mutex::new(sentences.iter().map(|_| None).collect());
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(sentence) = sentences.get(index) else { return };
            let spoken = cancel.check().and_then(|()| speak(&sentence.text, voice, how));
            failed.fetch_or(spoken.is_err(), Ordering::Relaxed);
            done.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(spoken);
        }
    };
    thread::scope(|scope| {
        for _ in 1..super::cores().min(sentences.len()) {
            scope.spawn(work);
        }
        work();
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Sentences are handed out in order, so before one that was never spoken stands an error.
    done.into_iter().flatten().collect()
}

fn speak(text: &str, voice: &dyn Voice, how: &Delivery) -> Result<Sound, MediaError> {
    let sound = voice.speak(&without_emoji(text), how)?.trimmed();
    if sound.samples().is_empty() {
        let start: String = text.chars().take(40).collect();
        return Err(MediaError::Voice(format!(
            "the voice for `{}` has no sound for “{start}”; is the script in another language?",
            how.language
        )));
    }
    Ok(sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hums a second for each word, with silence around it; mute for digits.
    #[derive(Debug)]
    struct Hum;

    impl Voice for Hum {
        fn languages(&self) -> Vec<String> {
            vec!["en".to_owned()]
        }

        fn speak(&self, text: &str, _: &Delivery) -> Result<Sound, MediaError> {
            if text.contains("fail") {
                return Err(MediaError::Voice(text.to_owned()));
            }
            let words = text.split_whitespace().filter(|w| w.contains(char::is_alphabetic)).count();
            let mut samples = vec![0; 700];
            samples.extend(vec![9_000; words * 1_000]);
            samples.extend(vec![0; 900]);
            Ok(Sound::new(1_000, samples))
        }
    }

    fn hum(script: &str) -> Result<Narration, MediaError> {
        narrate(script, &Hum, &Delivery::default(), &Cancel::new())
    }

    #[test]
    fn sentences_keep_their_order_and_start_when_their_words_do() {
        let script: String = (1..60).map(|n| format!("{}.\n\n", "Word ".repeat(n))).collect();
        let narration = hum(&script).unwrap();
        assert_eq!(narration.sentences.len(), 59);
        let margins = Duration::from_millis(30);
        let mut at = Duration::ZERO;
        for (n, spoken) in narration.sentences.iter().enumerate() {
            assert_eq!(spoken.start, at);
            assert_eq!(spoken.sound.duration(), Duration::from_secs(n as u64 + 1) + margins);
            at = spoken.end() + Duration::from_millis(620);
        }
        assert_eq!(narration.duration(), at);
    }

    #[test]
    fn captions_begin_with_their_words_and_stay_until_the_next() {
        let narration = hum("One two. Three.\n\nFour.").unwrap();
        let captions = narration.captions();
        assert_eq!(captions.len(), 3);
        for (caption, spoken) in captions.iter().zip(&narration.sentences) {
            assert_eq!((&caption.text, caption.start), (&spoken.text, spoken.start));
        }
        let end = |n: usize| captions[n].start + captions[n].duration;
        assert_eq!((end(0), end(1)), (captions[1].start, captions[2].start));
        assert_eq!(end(2), narration.duration());
        assert_eq!(narration.sounds().len(), 3);
    }

    #[test]
    fn nothing_to_say_and_no_sound_for_it_are_errors() {
        assert!(matches!(hum("..."), Err(MediaError::EmptyScript)));
        let error = hum("Fine. 2024!").unwrap_err().to_string();
        assert!(error.contains("“2024!”"), "{error}");
    }

    #[test]
    fn the_first_failure_stops_the_rest() {
        let error = hum(&"It must fail here. ".repeat(500)).unwrap_err();
        assert!(matches!(error, MediaError::Voice(_)));
    }

    #[test]
    fn a_cancelled_narration_ends_at_once() {
        let cancel = Cancel::new();
        cancel.cancel();
        let result = narrate("One. Two.", &Hum, &Delivery::default(), &cancel);
        assert!(matches!(result, Err(MediaError::Cancelled)));
    }
}
