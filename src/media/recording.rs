//! Aligns a script with a recording of it, by its pauses: the sentences are laid out over the parts
//! between pauses so that the length of each fits its syllables, and long pauses are between
//! sentences. No speech is recognized.

use std::ops::Range;
use std::time::Duration;

use super::characters::is_wide;
use super::script::{Script, sentences};
use super::spoken::spoken;
use super::{AudioBuffer, Cancel, MediaError};

/// A sentence of a script and when it is spoken, from [`align_recording`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimedSentence {
    /// Text of the sentence, for display.
    pub text: String,
    /// Time from the start of the recording to the first word.
    pub start: Duration,
    /// Time from the first word to the end of the last one.
    pub duration: Duration,
}

/// Returns when each sentence of a script is spoken in a recording of it, or `None` if the recording
/// does not seem to be one of this script, or is too noisy to tell.
///
/// `language` is the BCP-47 tag of the script. The recording may be noisy, and the speaker may pause
/// within sentences or leave out a pause between two; a word may be different, but not a paragraph.
/// Sentences start within about 0.3 s of what is returned, those without a pause before them within
/// a second.
///
/// # Errors
/// - [`MediaError::EmptyScript`] when the script has no words.
/// - [`MediaError::Cancelled`] once `cancel` is set.
pub fn align_recording(
    script: &str,
    language: &str,
    recording: &AudioBuffer,
    cancel: &Cancel,
) -> Result<Option<Vec<TimedSentence>>, MediaError> {
    let Script { sentences, .. } = sentences(script, language);
    if sentences.is_empty() {
        return Err(MediaError::EmptyScript);
    }
    let weights: Vec<f32> =
        sentences.iter().map(|sentence| syllables(&sentence.text, language)).collect();
    let Some(speech) = Runs::of(recording) else { return Ok(None) };
    let Some(found) = Alignment::of(&weights, &speech, cancel)? else { return Ok(None) };
    if !found.is_plausible(&weights, &speech, cancel)? {
        return Ok(None);
    }
    let time = |frame: f32| Duration::from_secs_f32((frame.max(0.0)) * FRAME);
    let timed = sentences.into_iter().zip(found.times(&weights, &speech));
    let timed = timed.map(|(sentence, range)| TimedSentence {
        text: sentence.text,
        start: time(range.start),
        duration: time(range.end - range.start).min(recording.duration()),
    });
    Ok(Some(timed.collect()))
}

/// Time between two frames in seconds.
const FRAME: f32 = 0.01;

/// The parts of a recording between its pauses, in frames.
#[derive(Debug, Clone, PartialEq)]
struct Runs {
    runs: Vec<Range<usize>>,
    /// How much speech there is before each run, and at the end.
    before: Vec<f32>,
}

impl Runs {
    /// Finds the speech in a recording. `None` if nothing stands out of the noise.
    fn of(recording: &AudioBuffer) -> Option<Self> {
        /// A closed mouth within a word is shorter.
        const MIN_PAUSE: usize = 12;
        /// A click or a breath is shorter than a word.
        const MIN_RUN: usize = 8;
        /// The least that speech is above its pauses, in dB.
        const MIN_RANGE: f32 = 7.0;
        /// Consonants are quieter than vowels by up to this.
        const MAX_RANGE: f32 = 32.0;
        let levels = levels(recording);
        let mut sorted = levels.clone();
        sorted.sort_by(f32::total_cmp);
        let share = |share: f32| sorted.get((sorted.len() as f32 * share) as usize).copied();
        let (noise, speech) = (share(0.05)?, share(0.9)?);
        let range = speech - noise;
        if range < MIN_RANGE {
            return None;
        }
        let threshold = (noise + 0.35 * range).max(speech - MAX_RANGE);
        let mut runs: Vec<Range<usize>> = Vec::new();
        for (at, _) in levels.iter().enumerate().filter(|(_, level)| **level > threshold) {
            match runs.last_mut() {
                Some(last) if at < last.end + MIN_PAUSE => last.end = at + 1,
                _ => runs.push(at..at + 1),
            }
        }
        runs.retain(|run| run.len() >= MIN_RUN);
        let mut before = vec![0.0];
        for run in &runs {
            before.push(before[before.len() - 1] + run.len() as f32);
        }
        (!runs.is_empty()).then_some(Self { runs, before })
    }

    fn len(&self) -> usize {
        self.runs.len()
    }

    /// Returns how much speech there is in some runs.
    fn speech(&self, runs: Range<usize>) -> f32 {
        self.before[runs.end] - self.before[runs.start]
    }

    /// Returns the length of the pause before a run.
    fn pause(&self, run: usize) -> f32 {
        (self.runs[run].start - self.runs[run - 1].end) as f32
    }

    /// Returns the frame after so much speech, from the start of a run on.
    fn frame_after(&self, first: usize, speech: f32) -> f32 {
        let total = self.before[first] + speech;
        let run = self.before.partition_point(|before| *before <= total).clamp(1, self.len()) - 1;
        self.runs[run].start as f32 + total - self.before[run]
    }
}

/// Returns the level of each frame in dB, in the band of speech.
fn levels(recording: &AudioBuffer) -> Vec<f32> {
    /// Digital silence is treated as a little noise.
    const SILENCE: f32 = 1e-8;
    const BAND: Range<f32> = 150.0..3500.0;
    let rate = recording.sample_rate() as f32;
    let coefficient = |hertz: f32| 1.0 - (-2.0 * std::f32::consts::PI * hertz / rate).exp();
    let (low, high) = (coefficient(BAND.start), coefficient(BAND.end));
    let (mut rumble, mut smooth) = (0.0, 0.0);
    let samples = recording.samples();
    let count = (samples.len() as f64 / (f64::from(rate) * f64::from(FRAME))) as usize;
    let mut powers = Vec::with_capacity(count);
    for frame in 0..count {
        let at = |frame: usize| (frame as f64 * f64::from(rate) * f64::from(FRAME)) as usize;
        let frame = &samples[at(frame)..at(frame + 1).min(samples.len())];
        let mut sum = 0.0;
        for sample in frame {
            let sample = f32::from(*sample) / 32_768.0;
            rumble += low * (sample - rumble);
            smooth += high * (sample - rumble - smooth);
            sum += smooth * smooth;
        }
        powers.push(sum / frame.len().max(1) as f32);
    }
    (0..count)
        .map(|at| {
            let near = &powers[at.saturating_sub(1)..(at + 2).min(count)];
            10.0 * (near.iter().sum::<f32>() / near.len() as f32 + SILENCE).log10()
        })
        .collect()
}

/// Sentences that are spoken without a pause between them, and the runs that they take.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    sentences: Range<usize>,
    runs: Range<usize>,
}

/// Sentences laid out over runs.
#[derive(Debug, Clone, PartialEq)]
struct Alignment {
    groups: Vec<Group>,
    cost: f32,
}

/// The most sentences without a pause between them.
const MAX_GROUP: usize = 3;
/// Cost of a missing pause.
const NO_PAUSE: f32 = 4.0;
/// The most runs before and after the script: a cough, a word to oneself. Each has a cost.
const MAX_SKIPPED: usize = 3;
const SKIPPED: f32 = 3.0;

impl Alignment {
    /// Lays out sentences at the lowest cost. `None` if they do not fit at all.
    fn of(weights: &[f32], speech: &Runs, cancel: &Cancel) -> Result<Option<Self>, MediaError> {
        /// How far the pace may drift, in frames and as a share of the whole.
        const DRIFT: f32 = 1500.0;
        const DRIFT_SHARE: f32 = 0.06;
        let (count, runs) = (weights.len(), speech.len());
        let total: f32 = weights.iter().sum();
        let pace = speech.before[runs] / total;
        let reach = DRIFT.max(DRIFT_SHARE * speech.before[runs]);
        let usual = usual_pause(speech, count);
        let mut sums = vec![0.0];
        for weight in weights {
            sums.push(sums[sums.len() - 1] + weight);
        }
        // The runs before which a sentence may begin; for the end, after which the last may end.
        let band = |sentence: usize| {
            let expected = sums[sentence] * pace;
            let from = speech.before.partition_point(|before| *before < expected - reach);
            let to = speech.before.partition_point(|before| *before <= expected + reach);
            from..to
        };
        // The best cost at each sentence and run, and where its group began.
        let mut best: Vec<Vec<(f32, u32, u8)>> =
            (0..=count).map(|sentence| vec![(f32::INFINITY, 0, 0); band(sentence).len()]).collect();
        for run in band(0).filter(|run| *run <= MAX_SKIPPED.min(runs - 1)) {
            best[0][run - band(0).start].0 = SKIPPED * run as f32;
        }
        for sentence in 0..count {
            cancel.check()?;
            let starts = band(sentence);
            for first in starts.clone().filter(|first| *first < runs) {
                let before = best[sentence][first - starts.start].0;
                if before.is_infinite() {
                    continue;
                }
                for group in 1..=MAX_GROUP.min(count - sentence) {
                    let next = sentence + group;
                    let expected = (sums[next] - sums[sentence]) * pace;
                    let missing = NO_PAUSE * (group - 1) as f32;
                    let ends = band(next);
                    for end in ends.start.max(first + 1)..ends.end {
                        let speech_time = speech.speech(first..end);
                        if speech_time > 3.0 * expected {
                            break;
                        }
                        let pause = match end < runs && next < count {
                            true => pause_cost(speech.pause(end), usual),
                            false => 0.0,
                        };
                        let weight = sums[next] - sums[sentence];
                        let cost =
                            before + length_cost(speech_time, expected, weight) + missing + pause;
                        let entry = &mut best[next][end - ends.start];
                        if cost < entry.0 {
                            *entry = (cost, first as u32, group as u8);
                        }
                    }
                }
            }
        }
        let ends = band(count);
        let last = ends.clone().filter(|end| *end > 0 && runs - end <= MAX_SKIPPED);
        let cost = |end: usize| best[count][end - ends.start].0 + SKIPPED * (runs - end) as f32;
        let Some(mut end) = last.min_by(|a, b| cost(*a).total_cmp(&cost(*b))) else {
            return Ok(None);
        };
        let cost = cost(end);
        if cost.is_infinite() {
            return Ok(None);
        }
        let mut groups = Vec::new();
        let mut sentence = count;
        while sentence > 0 {
            let (_, first, group) = best[sentence][end - band(sentence).start];
            let (first, group) = (first as usize, usize::from(group));
            groups.push(Group { sentences: sentence - group..sentence, runs: first..end });
            (sentence, end) = (sentence - group, first);
        }
        groups.reverse();
        Ok(Some(Self { groups, cost }))
    }

    /// Returns whether the recording seems to be one of the script: the lengths fit, and they fit
    /// better than in any other order of the sentences.
    fn is_plausible(
        &self,
        weights: &[f32],
        speech: &Runs,
        cancel: &Cancel,
    ) -> Result<bool, MediaError> {
        /// Syllables per second of speech without pauses, from very slow to very fast.
        const PACE: Range<f32> = 2.0..12.0;
        /// How much worse other orders are, for each sentence.
        const MARGIN: f32 = 0.1;
        /// Fewer sentences have no order that could be told from another one.
        const MIN_ORDERED: usize = 4;
        let count = weights.len();
        let pace = weights.iter().sum::<f32>() / (speech.before[speech.len()] * FRAME);
        if !PACE.contains(&pace) || self.misfit(weights, speech) > MAX_MISFIT {
            return Ok(false);
        }
        if count < MIN_ORDERED {
            return Ok(true);
        }
        for other in other_orders(weights) {
            let other = Self::of(&other, speech, cancel)?;
            if other.is_some_and(|other| other.cost < self.cost + MARGIN * count as f32) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns how badly the lengths of the sentences fit, on average.
    fn misfit(&self, weights: &[f32], speech: &Runs) -> f32 {
        let weight = |group: &Group| weights[group.sentences.clone()].iter().sum::<f32>();
        let total: f32 = self.groups.iter().map(weight).sum();
        let spoken: f32 = self.groups.iter().map(|group| speech.speech(group.runs.clone())).sum();
        let cost = |group: &Group| {
            let expected = weight(group) * spoken / total;
            length_cost(speech.speech(group.runs.clone()), expected, weight(group))
                + NO_PAUSE * (group.sentences.len() - 1) as f32
        };
        self.groups.iter().map(cost).sum::<f32>() / weights.len() as f32
    }

    /// Returns the frames of each sentence.
    fn times(&self, weights: &[f32], speech: &Runs) -> Vec<Range<f32>> {
        let mut times = Vec::new();
        for Group { sentences, runs } in &self.groups {
            let total: f32 = weights[sentences.clone()].iter().sum();
            let share = speech.speech(runs.clone()) / total;
            let mut at = speech.runs[runs.start].start as f32;
            let mut spoken = 0.0;
            for sentence in sentences.clone() {
                spoken += weights[sentence] * share;
                let end = match sentence + 1 == sentences.end {
                    true => speech.runs[runs.end - 1].end as f32,
                    false => speech.frame_after(runs.start, spoken),
                };
                times.push(at..end);
                at = end;
            }
        }
        times
    }
}

/// A worse fit is that of another text: those of readings are below 0.3.
const MAX_MISFIT: f32 = 0.5;

/// Returns some other orders of the sentences that have different lengths: rotated, and reversed.
fn other_orders(weights: &[f32]) -> Vec<Vec<f32>> {
    const ORDERS: usize = 12;
    let count = weights.len();
    let order = |index: usize| {
        let mut order = weights.to_vec();
        if index >= count {
            order.reverse();
        }
        order.rotate_left(index % count);
        order
    };
    let step = (2 * count).div_ceil(ORDERS).max(1);
    (1..2 * count).step_by(step).map(order).filter(|order| order != weights).collect()
}

/// Returns the cost of a length of speech: of the logarithm of its ratio to the expected one, whose
/// spread is larger for few syllables.
fn length_cost(speech: f32, expected: f32, syllables: f32) -> f32 {
    let ratio = (speech / expected).ln();
    ratio * ratio / (2.0 * (0.02 + 0.4 / syllables))
}

/// Returns the length of the pauses that is reached by as many as there are between sentences.
fn usual_pause(speech: &Runs, sentences: usize) -> f32 {
    let mut pauses: Vec<f32> = (1..speech.len()).map(|run| speech.pause(run)).collect();
    pauses.sort_by(|a, b| b.total_cmp(a));
    let last = sentences.saturating_sub(2).min(pauses.len().saturating_sub(1));
    pauses.get(last).copied().unwrap_or(1.0)
}

/// Returns the cost of a pause between sentences, relative to the usual one: below zero for a longer.
fn pause_cost(pause: f32, usual: f32) -> f32 {
    -1.5 * (pause / usual).ln().clamp(-1.5, 1.0)
}

/// Returns about how many syllables a sentence has.
fn syllables(text: &str, language: &str) -> f32 {
    let text = spoken(text, language).text;
    text.split(|c: char| !c.is_alphanumeric() && c != '\'').map(syllables_of).sum::<f32>().max(1.0)
}

fn syllables_of(word: &str) -> f32 {
    const VOWELS: &str = "aeiouyàáâãäåæèéêëìíîïòóôõöøœùúûüýÿаеёиоуыэюяіїєαάεέηήιίϊΐοόυύϋΰωώ";
    let (mut count, mut letters, mut was_vowel) = (0.0, 0, false);
    for c in word.chars().flat_map(char::to_lowercase) {
        if is_wide(c) {
            count += 1.0;
        } else if c.is_numeric() {
            count += 1.5;
        } else if c.is_alphabetic() {
            letters += 1;
        }
        let is_vowel = VOWELS.contains(c);
        if is_vowel && !was_vowel {
            count += 1.0;
        }
        was_vowel = is_vowel;
    }
    match count > 0.0 {
        true => count,
        // An abbreviation, or an alphabet without vowels.
        false => (letters as f32 / 2.5).ceil(),
    }
}

#[cfg(test)]
mod tests;
