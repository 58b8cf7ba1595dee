//! Speaks a script sentence by sentence and times each sentence and its captions. Adding images is
//! left to [`render`](super::render()).

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use super::align::part_starts;
use super::audio::MAX_SAMPLE_RATE;
use super::captions::{
    CaptionLayout, CaptionMark, CaptionTimes, MIN_CAPTION, caption_breaks, timed_captions,
};
use super::characters::{breaks_between, is_decoration, is_wide, words};
use super::ordered::in_order;
use super::script::{Script, ScriptSentence, sentences};
use super::spoken::{SpokenPiece, SpokenText, spoken};
use super::{
    AudioBuffer, AudioClip, Cancel, FrameSize, MediaError, SpeechOptions, TextClip, Voice,
};

/// A spoken script, from [`narrate`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Narration {
    /// The sentences in order.
    pub sentences: Vec<SpokenSentence>,
    /// The parts of the script that are not spoken. Emoji, which are decoration, are not reported;
    /// those that cannot be drawn are reported by [`Timeline::undrawn`](super::Timeline::undrawn).
    pub warnings: Vec<NarrationWarning>,
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
    /// Speech without silence before or after it, or silence for a sentence of which no word can be
    /// spoken.
    pub audio: AudioBuffer,
    /// What is known of when words are spoken. Captions may begin there.
    marks: Vec<CaptionMark>,
    /// The number of the paragraph that begins with it, from 1.
    pub(crate) paragraph: Option<usize>,
    /// The heading that begins with it.
    pub(crate) heading: Option<String>,
}

/// A word of a [`Narration`], from [`Narration::words`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpokenWord {
    /// Index of the sentence.
    pub sentence: usize,
    /// Byte range in the text of the sentence, without the white space around the word, but with its
    /// punctuation.
    pub range: Range<usize>,
    /// Time from the start of the narration to the word.
    pub start: Duration,
}

impl SpokenSentence {
    /// Returns the time from the start of the narration to the end of the last word.
    #[must_use]
    pub fn end(&self) -> Duration {
        self.start + self.audio.duration()
    }

    /// Returns the byte offsets in the text at which captions may begin, with their times from the
    /// start of the sentence. With a voice that times its words, these are all words, except those
    /// within what is spoken as one, such as a date.
    pub(crate) fn marks(&self) -> impl Iterator<Item = (usize, Duration)> + '_ {
        self.marks.iter().map(|mark| (mark.offset, mark.time))
    }
}

/// A part of a script that is not spoken, from [`Narration::warnings`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NarrationWarning {
    /// A sentence has signs for which the language has no words, such as `☃`, or words in another
    /// script. They are in the captions.
    NotSpoken {
        /// Text of the sentence.
        sentence: String,
        /// The signs and words.
        parts: Vec<String>,
    },
    /// A text that is neither spoken nor in the captions: front matter, a comment, text that is
    /// struck out, the description of an image, or a line without words.
    LeftOut {
        /// The text.
        text: String,
    },
}

impl NarrationWarning {
    /// Returns the parts of the script that are not spoken.
    pub(crate) fn unspoken(&self) -> Vec<&str> {
        match self {
            Self::NotSpoken { parts, .. } => parts.iter().map(String::as_str).collect(),
            Self::LeftOut { text } => vec![text],
        }
    }
}

impl fmt::Display for NarrationWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSpoken { sentence, parts } => {
                write!(f, "not spoken in “{sentence}”: {}", parts.join(", "))
            }
            Self::LeftOut { text } => write!(f, "left out: “{text}”"),
        }
    }
}

impl Narration {
    /// Returns the total duration, including the pause after the last sentence.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        self.duration
    }

    /// Returns the words of the captions in order, each with the time at which it is spoken.
    ///
    /// Words are separated by white space. In Chinese, Japanese and Korean, each character is a word,
    /// with the punctuation beside it. What has no letter or digit, such as an emoji, is no word.
    ///
    /// With a voice that [times its words](Voice::speak_timed), as the built-in ones do, a time is
    /// correct to 0.1 s; within what is spoken in other words, such as a date or a telephone number,
    /// it is an estimate. With any other voice, it is one as well: by the length of the text between
    /// the starts of captions, whose times are found in the audio.
    ///
    /// ```
    /// use nemovideo::media::{Cancel, Pico, SpeechOptions, narrate};
    ///
    /// let options = SpeechOptions::default();
    /// let narration = narrate("Good morning, Ada.", &Pico::new(), &options, &Cancel::new())?;
    /// let text = &narration.sentences[0].text;
    /// let words = narration.words();
    /// let shown: Vec<&str> = words.iter().map(|word| &text[word.range.clone()]).collect();
    /// assert_eq!(shown, ["Good", "morning,", "Ada."]);
    /// assert!(words.is_sorted_by_key(|word| word.start));
    /// # Ok::<(), nemovideo::media::MediaError>(())
    /// ```
    #[must_use]
    pub fn words(&self) -> Vec<SpokenWord> {
        let of_sentence = |(sentence, spoken): (usize, &SpokenSentence)| {
            let times = CaptionTimes::new(&spoken.text, spoken.audio.duration(), &spoken.marks);
            let start = spoken.start;
            words(&spoken.text).into_iter().map(move |range| {
                let start = start + times.at(range.start);
                SpokenWord { sentence, range, start }
            })
        };
        self.sentences.iter().enumerate().flat_map(of_sentence).collect()
    }

    /// Returns one audio clip for each sentence.
    #[must_use]
    pub fn audio(&self) -> Vec<AudioClip> {
        let clip = |spoken: &SpokenSentence| AudioClip::speech(spoken.audio.clone(), spoken.start);
        self.sentences.iter().map(clip).collect()
    }

    /// Returns the captions for a landscape video. [`captions_for`](Self::captions_for) returns
    /// those for any frame.
    #[must_use]
    pub fn captions(&self) -> Vec<TextClip> {
        self.captions_for(FrameSize::LANDSCAPE)
    }

    /// Returns the captions for a frame: at most three lines each where the frame is portrait, and
    /// two lines elsewhere. Each appears with its words and stays until the next one appears, or
    /// for at most 750 ms after its words.
    #[must_use]
    pub fn captions_for(&self, frame: FrameSize) -> Vec<TextClip> {
        /// A caption that disappeared shortly before the next one would flicker.
        const LINGER: Duration = Duration::from_millis(750);
        let layout = CaptionLayout::of(frame);
        let extend = |last: Option<&mut TextClip>, until: Duration| {
            if let Some(last) = last {
                let longest = (last.duration + LINGER).max(MIN_CAPTION);
                last.duration = (until - last.start).min(longest);
            }
        };
        let mut clips: Vec<TextClip> = Vec::new();
        for spoken in &self.sentences {
            extend(clips.last_mut(), spoken.start);
            let duration = spoken.audio.duration();
            clips.extend(timed_captions(
                &spoken.text,
                spoken.start,
                duration,
                &spoken.marks,
                layout,
            ));
        }
        extend(clips.last_mut(), self.duration);
        clips
    }
}

/// Speaks a script, several sentences at a time on all cores. The result does not depend on the
/// number of cores.
///
/// Line breaks, paragraphs, Markdown and HTML in the script are handled; emoji are not spoken, but
/// stay in the captions. What else is not spoken is in [`Narration::warnings`].
///
/// When each word is spoken, and so each caption of a long sentence, is known from a voice that
/// [times its words](Voice::speak_timed), as the built-in ones do. For any other voice, the sentence
/// is spoken once more in parts, which are searched for in its audio and not used otherwise.
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
/// - [`MediaError::Voice`] when the voice fails, produces only silence for a sentence, or when no
///   sentence has words that can be spoken.
/// - [`MediaError::Cancelled`] once `cancel` is set.
pub fn narrate(
    script: &str,
    voice: &dyn Voice,
    options: &SpeechOptions,
    cancel: &Cancel,
) -> Result<Narration, MediaError> {
    let mut narration =
        Narration { sentences: Vec::new(), warnings: Vec::new(), duration: Duration::ZERO };
    (narration.warnings, narration.duration) =
        narrate_each(script, voice, options, cancel, |sentence| {
            narration.sentences.push(sentence);
            Ok(())
        })?;
    Ok(narration)
}

/// Speaks a script like [`narrate`], and passes each sentence to `take` as soon as it and those
/// before it are spoken: the audio of a script of hours need not be in memory. Returns the warnings
/// and the duration.
pub(crate) fn narrate_each(
    script: &str,
    voice: &dyn Voice,
    options: &SpeechOptions,
    cancel: &Cancel,
    mut take: impl FnMut(SpokenSentence) -> Result<(), MediaError>,
) -> Result<(Vec<NarrationWarning>, Duration), MediaError> {
    let Script { sentences, left_out, .. } = sentences(script, options.language());
    let Some(first) = sentences.first() else { return Err(MediaError::EmptyScript) };
    let mut warnings: Vec<NarrationWarning> =
        left_out.into_iter().map(|text| NarrationWarning::LeftOut { text }).collect();
    let mut end = Duration::ZERO;
    let mut is_silent = true;
    let speak = |index: usize| {
        cancel.check()?;
        let plan = SentencePlan::new(&sentences[index], options);
        let spoken = speak(&plan, voice, options, cancel)?;
        Ok((plan.text.unspoken, spoken))
    };
    in_order(sentences.len(), speak, |index, (unspoken, spoken)| {
        let TimedSpeech { audio, marks, last_caption } = spoken;
        let sentence = &sentences[index];
        is_silent &= audio.samples().iter().all(|sample| *sample == 0);
        let parts: Vec<String> = unspoken.into_iter().filter(|part| !is_decoration(part)).collect();
        if !parts.is_empty() {
            let sentence = sentence.text.clone();
            warnings.push(NarrationWarning::NotSpoken { sentence, parts });
        }
        let start = end;
        // After a word such as “No.”, the pause is as long as the last caption needs.
        let last_words = audio.duration().saturating_sub(last_caption);
        let pause = sentence.pause_after.max(MIN_CAPTION.saturating_sub(last_words));
        let ScriptSentence { text, paragraph, heading, .. } = sentence.clone();
        let spoken = SpokenSentence { text, start, audio, marks, paragraph, heading };
        end = spoken.end() + pause;
        take(spoken)
    })?;
    if is_silent {
        return Err(silent(&first.text, options));
    }
    Ok((warnings, end))
}

/// A sentence before it is spoken.
#[derive(Debug)]
struct SentencePlan<'s> {
    sentence: &'s ScriptSentence,
    text: SpokenText,
    /// The most captions of any frame.
    captions: usize,
    /// Offsets in the text of the sentence where captions of any frame may begin, and of which a
    /// voice can tell when it comes to them.
    breaks: Vec<usize>,
    /// What is spoken from the start and from each break on.
    parts: Vec<Range<usize>>,
    /// The breaks, and the words whose place in the spoken text is known.
    words: Vec<usize>,
}

impl<'s> SentencePlan<'s> {
    fn new(sentence: &'s ScriptSentence, options: &SpeechOptions) -> Self {
        /// The time that a letter takes, in milliseconds. Where a caption may be too short depends
        /// on the voice, so there are breaks for a fast, a usual and a slow one.
        const LETTERS: [u64; 3] = [40, 55, 75];
        /// A Chinese character is a syllable.
        const WIDE: u32 = 4;
        let text = spoken(&sentence.text, options.language());
        let is_word = |offset: usize| SplitPoint::of(&sentence.text, &text, offset).is_word();
        let time = |offset: usize, letter: u64| {
            let place = SplitPoint::of(&sentence.text, &text, offset).place;
            let letters = text.text[..place].chars().map(|c| if is_wide(c) { WIDE } else { 1 });
            Duration::from_millis(letter).mul_f32(letters.sum::<u32>() as f32 / options.rate())
        };
        let mut breaks: Vec<usize> = CaptionLayout::ALL
            .into_iter()
            .flat_map(|layout| LETTERS.map(|letter| (layout, letter)))
            .flat_map(|(layout, letter)| {
                caption_breaks(&sentence.text, layout, &is_word, &|offset| time(offset, letter))
            })
            .collect();
        breaks.sort_unstable();
        breaks.dedup();
        let captions = breaks.len() + 1;
        // Captions of one long word share its time by their lengths.
        breaks.retain(|offset| SplitPoint::of(&sentence.text, &text, *offset).is_timed);
        let mut parts = Vec::new();
        if !breaks.is_empty() && has_words(&text.text) {
            let mut start = 0;
            for &offset in &breaks {
                let end = SplitPoint::of(&sentence.text, &text, offset).place.max(start);
                parts.push(start..end);
                start = end;
            }
            parts.push(start..text.text.len());
        }
        let starts = words(&sentence.text).into_iter().map(|range| range.start);
        let mut words: Vec<usize> = starts.filter(|start| *start > 0 && is_word(*start)).collect();
        words.extend(&breaks);
        words.sort_unstable();
        words.dedup();
        Self { sentence, text, captions, breaks, parts, words }
    }

    /// Returns whether no word of the sentence can be spoken.
    fn is_silent(&self) -> bool {
        !has_words(&self.text.text)
    }

    /// Returns silence in which the captions of the sentence can be read.
    fn silence(&self) -> AudioBuffer {
        const RATE: u32 = 16_000;
        let duration = MIN_CAPTION * self.captions as u32;
        let samples = (duration.as_millis() as usize * RATE as usize).div_ceil(1000);
        AudioBuffer::new(RATE, vec![0; samples])
    }
}

fn has_words(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

/// Where the words from an offset of a sentence on begin in its spoken text.
#[derive(Debug, Clone, Copy)]
struct SplitPoint {
    place: usize,
    /// A number of several words is one piece, within which the place is an estimate.
    is_exact: bool,
    /// Whether the offset is inside a URL or telephone number.
    is_inner: bool,
    /// Whether a voice can tell when it comes to the place: not inside one word.
    is_timed: bool,
}

impl SplitPoint {
    fn of(source: &str, text: &SpokenText, offset: usize) -> Self {
        let is_blank =
            |range: Range<usize>| source.get(range).is_none_or(|part| part.trim().is_empty());
        let before = |piece: &SpokenPiece| piece.source.end <= offset;
        let mut index = text.pieces.partition_point(before);
        if let Some(piece) = text.pieces.get(index)
            && offset > piece.source.start
            && !is_blank(piece.source.start..offset)
        {
            if !is_blank(offset..piece.source.end) {
                let (place, is_timed) = estimate(text, piece, offset);
                return Self { place, is_exact: false, is_inner: true, is_timed };
            }
            index += 1;
        }
        let piece = text.pieces.get(index);
        Self {
            place: piece.map_or(text.text.len(), |piece| piece.spoken.start),
            is_exact: true,
            is_inner: piece.is_some_and(|piece| piece.is_inner),
            is_timed: true,
        }
    }

    const fn is_word(&self) -> bool {
        self.is_exact && !self.is_inner
    }
}

/// Returns the place between words of a piece that is nearest to an offset of the sentence: a space,
/// or any place beside a full-width character, as in Chinese. In a piece of one word, it is the place
/// by length, and false.
fn estimate(text: &SpokenText, piece: &SpokenPiece, offset: usize) -> (usize, bool) {
    let share = (offset - piece.source.start) * piece.spoken.len() / piece.source.len().max(1);
    let mut estimate = piece.spoken.start + share;
    while !text.text.is_char_boundary(estimate) {
        estimate -= 1;
    }
    let spoken = &text.text[piece.spoken.clone()];
    let pairs = spoken.char_indices().zip(spoken.char_indices().skip(1));
    let places = pairs.filter_map(|((at, before), (next, after))| match before {
        ' ' => Some(piece.spoken.start + at),
        _ => breaks_between(before, after).then_some(piece.spoken.start + next),
    });
    let nearest = places.min_by_key(|at| at.abs_diff(estimate));
    (nearest.unwrap_or(estimate), nearest.is_some())
}

/// A spoken sentence: its audio without the silence around it, what is known of when its words are
/// spoken, and when the last of its captions begins at the latest.
struct TimedSpeech {
    audio: AudioBuffer,
    marks: Vec<CaptionMark>,
    last_caption: Duration,
}

/// Speaks a sentence.
fn speak(
    plan: &SentencePlan<'_>,
    voice: &dyn Voice,
    options: &SpeechOptions,
    cancel: &Cancel,
) -> Result<TimedSpeech, MediaError> {
    if plan.is_silent() {
        let audio = plan.silence();
        return Ok(TimedSpeech { audio, marks: Vec::new(), last_caption: Duration::ZERO });
    }
    let shown = &plan.sentence.text;
    let text = plan.text.text.trim();
    let before = plan.text.text.len() - plan.text.text.trim_start().len();
    let mut latest = 0;
    let offset = |offset: &usize| {
        let place = SplitPoint::of(shown, &plan.text, *offset).place;
        latest = place.saturating_sub(before).min(text.len()).max(latest);
        latest
    };
    let offsets: Vec<usize> = plan.words.iter().map(offset).collect();
    let (audio, starts) = voice.speak_timed(text, &offsets, options, cancel)?;
    let (audio, cut) = with_valid_rate(audio)?.trimmed();
    if audio.samples().is_empty() {
        return Err(silent(shown, options));
    }
    let starts = starts.filter(|starts| starts.len() == offsets.len());
    let (offsets, starts) = match starts {
        Some(starts) => (&plan.words, in_audio(starts, cut, audio.duration())),
        None if plan.breaks.is_empty() => (&plan.breaks, Vec::new()),
        None => (&plan.breaks, part_starts(&audio, &speak_parts(plan, voice, options, cancel)?)),
    };
    let marks = offsets.iter().zip(starts).map(|(&offset, time)| CaptionMark { offset, time });
    let marks: Vec<CaptionMark> = marks.collect();
    let breaks = marks.iter().rev().find(|mark| plan.breaks.contains(&mark.offset));
    let planned = breaks.map_or(Duration::ZERO, |mark| mark.time);
    // With words to begin at, or inside a long word, a caption may begin where none was planned.
    let captions = |layout| timed_captions(shown, Duration::ZERO, audio.duration(), &marks, layout);
    let last = CaptionLayout::ALL.into_iter().filter_map(|layout| captions(layout).pop());
    let last_caption = last.map(|clip| clip.start).fold(planned, Duration::max);
    Ok(TimedSpeech { audio, marks, last_caption })
}

/// Returns the times in audio of which silence was cut off. They do not decrease.
fn in_audio(starts: Vec<Duration>, cut: Duration, duration: Duration) -> Vec<Duration> {
    let mut latest = Duration::ZERO;
    let starts = starts.into_iter().map(|start| start.saturating_sub(cut).min(duration));
    starts
        .map(|start| {
            latest = latest.max(start);
            latest
        })
        .collect()
}

/// Speaks each part of a sentence on its own. One that cannot be spoken so is `None`.
fn speak_parts(
    plan: &SentencePlan<'_>,
    voice: &dyn Voice,
    options: &SpeechOptions,
    cancel: &Cancel,
) -> Result<Vec<Option<AudioBuffer>>, MediaError> {
    let speak = |part: &Range<usize>| {
        cancel.check()?;
        let text = plan.text.text[part.clone()].trim();
        if !has_words(text) {
            return Ok(None);
        }
        match voice.speak_until(text, options, cancel).and_then(with_valid_rate) {
            Ok(audio) => Ok(Some(audio)),
            Err(MediaError::Cancelled) => Err(MediaError::Cancelled),
            // The sentence as a whole can be spoken; only the times of its captions are less exact.
            Err(_) => Ok(None),
        }
    };
    plan.parts.iter().map(speak).collect()
}

/// Returns the error for a sentence that is not spoken.
fn silent(sentence: &str, options: &SpeechOptions) -> MediaError {
    let start: String = sentence.chars().take(40).collect();
    MediaError::Voice(format!(
        "the voice for `{}` is silent for “{start}”; is the script in another language?",
        options.language()
    ))
}

/// Checks the sample rate of a voice, which the memory for aligning its audio depends on.
fn with_valid_rate(audio: AudioBuffer) -> Result<AudioBuffer, MediaError> {
    /// Speech has no words below half of this rate.
    const MIN_SAMPLE_RATE: u32 = 1000;
    let rate = audio.sample_rate();
    if (MIN_SAMPLE_RATE..=MAX_SAMPLE_RATE).contains(&rate) {
        return Ok(audio);
    }
    Err(MediaError::Voice(format!(
        "its audio has a sample rate of {rate} Hz, not {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz"
    )))
}

#[cfg(test)]
mod tests;
