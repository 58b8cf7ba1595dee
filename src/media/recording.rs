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
    /// The number of the paragraph that begins with it, from 1.
    pub(crate) paragraph: Option<usize>,
    /// The heading that begins with it.
    pub(crate) heading: Option<String>,
}

/// Returns when each sentence of a script is spoken in a recording of it, or `None` if the recording
/// does not seem to be one of this script, or is too noisy to tell.
///
/// No speech is recognized: a recording of another text may be accepted by chance, above all if it is
/// about as long and has as many sentences.
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
    let lengths: Vec<Vec<f32>> =
        sentences.iter().map(|sentence| clauses(&sentence.text, language)).collect();
    let Some(speech) = Runs::of(recording, cancel)? else { return Ok(None) };
    let Some(found) = Alignment::of(&lengths, &speech, cancel)? else { return Ok(None) };
    if !found.is_plausible(&lengths, &speech, cancel)? {
        return Ok(None);
    }
    let time = |frame: f32| Duration::from_secs_f32(frame.max(0.0) * FRAME);
    let timed = sentences.into_iter().zip(found.times(&speech));
    let timed = timed.map(|(sentence, range)| TimedSentence {
        text: sentence.text,
        start: time(range.start),
        duration: time(range.end - range.start).min(recording.duration()),
        paragraph: sentence.paragraph,
        heading: sentence.heading,
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
    fn of(recording: &AudioBuffer, cancel: &Cancel) -> Result<Option<Self>, MediaError> {
        /// A closed mouth within a word is shorter.
        const MIN_PAUSE: usize = 12;
        /// A click or a breath is shorter than a word.
        const MIN_RUN: usize = 8;
        /// The least that speech is above its pauses, in dB.
        const MIN_RANGE: f32 = 7.0;
        /// Consonants are quieter than vowels by up to this.
        const MAX_RANGE: f32 = 32.0;
        let levels = levels(recording, cancel)?;
        let mut sorted = levels.clone();
        sorted.sort_by(f32::total_cmp);
        let share = |share: f32| sorted.get((sorted.len() as f32 * share) as usize).copied();
        let (Some(noise), Some(speech)) = (share(0.05), share(0.9)) else { return Ok(None) };
        let range = speech - noise;
        if range < MIN_RANGE {
            return Ok(None);
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
        Ok((!runs.is_empty()).then_some(Self { runs, before }))
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
fn levels(recording: &AudioBuffer, cancel: &Cancel) -> Result<Vec<f32>, MediaError> {
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
        // Each second.
        if frame % 100 == 0 {
            cancel.check()?;
        }
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
    let level = |at: usize| {
        let near = &powers[at.saturating_sub(1)..(at + 2).min(count)];
        10.0 * (near.iter().sum::<f32>() / near.len() as f32 + SILENCE).log10()
    };
    Ok((0..count).map(level).collect())
}

/// Clauses that are spoken without a pause between them, and the runs that they take.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    clauses: Range<usize>,
    runs: Range<usize>,
}

/// A part of a sentence, between commas.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Clause {
    syllables: f32,
    ends_sentence: bool,
}

/// Clauses laid out over runs.
#[derive(Debug, Clone, PartialEq)]
struct Alignment {
    clauses: Vec<Clause>,
    groups: Vec<Group>,
    cost: f32,
}

/// The most clauses without a pause between them.
const MAX_GROUP: usize = 6;
/// Cost of a missing pause between sentences, and of one between clauses.
const NO_PAUSE: f32 = 4.0;
const NO_COMMA: f32 = 0.5;
/// The most runs before and after the script: a cough, a word to oneself. Each has a cost, besides
/// that of the pause between it and the script.
const MAX_SKIPPED: usize = 3;
const SKIPPED: f32 = 1.0;

impl Alignment {
    /// Lays out sentences at the lowest cost, by the syllables of their clauses. `None` if they do not
    /// fit at all.
    fn of(
        sentences: &[Vec<f32>],
        speech: &Runs,
        cancel: &Cancel,
    ) -> Result<Option<Self>, MediaError> {
        /// How far the pace may drift, in frames and as a share of the whole.
        const DRIFT: f32 = 1500.0;
        const DRIFT_SHARE: f32 = 0.06;
        let clause = |(at, length): (usize, &f32), count: usize| Clause {
            syllables: *length,
            ends_sentence: at + 1 == count,
        };
        let clauses: Vec<Clause> = sentences
            .iter()
            .flat_map(|sentence| {
                sentence.iter().enumerate().map(move |part| clause(part, sentence.len()))
            })
            .collect();
        let (count, runs) = (clauses.len(), speech.len());
        let usual = usual_pause(speech, sentences.len());
        let mut sums = vec![0.0];
        for clause in &clauses {
            sums.push(sums[sums.len() - 1] + clause.syllables);
        }
        let pace = speech.before[runs] / sums[count];
        let reach = DRIFT.max(DRIFT_SHARE * speech.before[runs]);
        // The runs before which a clause may begin; for the end, after which the last may end.
        let band = |clause: usize| {
            let expected = sums[clause] * pace;
            let from = speech.before.partition_point(|before| *before < expected - reach);
            let to = speech.before.partition_point(|before| *before <= expected + reach);
            from..to
        };
        // The best cost at each clause and run, and where its group began.
        let mut best: Vec<Vec<(f32, u32, u8)>> =
            (0..=count).map(|sentence| vec![(f32::INFINITY, 0, 0); band(sentence).len()]).collect();
        for run in band(0).filter(|run| *run <= MAX_SKIPPED.min(runs - 1)) {
            let pause = if run > 0 { pause_cost(speech.pause(run), usual) } else { 0.0 };
            best[0][run - band(0).start].0 = SKIPPED * run as f32 + pause;
        }
        for clause in 0..count {
            cancel.check()?;
            let starts = band(clause);
            for first in starts.clone().filter(|first| *first < runs) {
                let before = best[clause][first - starts.start].0;
                if before.is_infinite() {
                    continue;
                }
                let mut missing = 0.0;
                for next in clause + 1..=count.min(clause + MAX_GROUP) {
                    let syllables = sums[next] - sums[clause];
                    let ends = band(next);
                    for end in ends.start.max(first + 1)..ends.end {
                        let speech_time = speech.speech(first..end);
                        if speech_time > 3.0 * syllables * pace {
                            break;
                        }
                        let pause = match end < runs && clauses[next - 1].ends_sentence {
                            true if next < count => pause_cost(speech.pause(end), usual),
                            _ => 0.0,
                        };
                        let length = length_cost(speech_time, syllables * pace, syllables);
                        let cost = before + missing + length + pause;
                        let entry = &mut best[next][end - ends.start];
                        if cost < entry.0 {
                            *entry = (cost, first as u32, (next - clause) as u8);
                        }
                    }
                    missing += clauses[next - 1].pause_cost();
                }
            }
        }
        let ends = band(count);
        let last = ends.clone().filter(|end| *end > 0 && runs - end <= MAX_SKIPPED);
        let cost = |end: usize| {
            let pause = if end < runs { pause_cost(speech.pause(end), usual) } else { 0.0 };
            best[count][end - ends.start].0 + SKIPPED * (runs - end) as f32 + pause
        };
        let Some(mut end) = last.min_by(|a, b| cost(*a).total_cmp(&cost(*b))) else {
            return Ok(None);
        };
        let cost = cost(end);
        if cost.is_infinite() {
            return Ok(None);
        }
        let mut groups = Vec::new();
        let mut clause = count;
        while clause > 0 {
            let (_, first, group) = best[clause][end - band(clause).start];
            let (first, group) = (first as usize, usize::from(group));
            groups.push(Group { clauses: clause - group..clause, runs: first..end });
            (clause, end) = (clause - group, first);
        }
        groups.reverse();
        Ok(Some(Self { clauses, groups, cost }))
    }

    /// Returns whether the recording seems to be one of the script: the lengths fit, and they fit
    /// better than in any other order of the sentences.
    fn is_plausible(
        &self,
        sentences: &[Vec<f32>],
        speech: &Runs,
        cancel: &Cancel,
    ) -> Result<bool, MediaError> {
        /// Syllables per second of speech without pauses, from very slow to very fast.
        const PACE: Range<f32> = 2.0..12.0;
        /// How much worse other orders are, for each sentence.
        const MARGIN: f32 = 0.1;
        /// Fewer sentences have no order that could be told from another one.
        const MIN_ORDERED: usize = 4;
        let count = sentences.len();
        let syllables = self.syllables(0..self.clauses.len());
        let pace = syllables / (speech.before[speech.len()] * FRAME);
        if !PACE.contains(&pace) || self.misfit(speech) > MAX_MISFIT {
            return Ok(false);
        }
        if count < MIN_ORDERED {
            return Ok(true);
        }
        for other in other_orders(sentences) {
            let other = Self::of(&other, speech, cancel)?;
            if other.is_some_and(|other| other.cost < self.cost + MARGIN * count as f32) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn syllables(&self, clauses: Range<usize>) -> f32 {
        self.clauses[clauses].iter().map(|clause| clause.syllables).sum()
    }

    /// Returns how badly the lengths of the clauses fit, on average.
    fn misfit(&self, speech: &Runs) -> f32 {
        let spoken: f32 = self.groups.iter().map(|group| speech.speech(group.runs.clone())).sum();
        let pace = spoken / self.syllables(0..self.clauses.len());
        let cost = |group: &Group| {
            let syllables = self.syllables(group.clauses.clone());
            let inner = &self.clauses[group.clauses.start..group.clauses.end - 1];
            length_cost(speech.speech(group.runs.clone()), syllables * pace, syllables)
                + inner.iter().map(Clause::pause_cost).sum::<f32>()
        };
        self.groups.iter().map(cost).sum::<f32>() / self.groups.len() as f32
    }

    /// Returns the frames of each sentence.
    fn times(&self, speech: &Runs) -> Vec<Range<f32>> {
        let mut times = Vec::new();
        let mut start = None;
        for Group { clauses, runs } in &self.groups {
            let share = speech.speech(runs.clone()) / self.syllables(clauses.clone());
            let mut at = speech.runs[runs.start].start as f32;
            for clause in clauses.clone() {
                let from = *start.get_or_insert(at);
                let spoken = self.syllables(clauses.start..clause + 1) * share;
                at = match clause + 1 == clauses.end {
                    true => speech.runs[runs.end - 1].end as f32,
                    false => speech.frame_after(runs.start, spoken),
                };
                if self.clauses[clause].ends_sentence {
                    times.push(from..at);
                    start = None;
                }
            }
        }
        times
    }
}

impl Clause {
    /// Returns the cost of no pause after it.
    const fn pause_cost(&self) -> f32 {
        if self.ends_sentence { NO_PAUSE } else { NO_COMMA }
    }
}

/// A worse fit is that of another text: those of readings are below 0.5.
const MAX_MISFIT: f32 = 0.65;

/// Returns some other orders of the sentences that have different lengths: rotated, and reversed.
fn other_orders(sentences: &[Vec<f32>]) -> Vec<Vec<Vec<f32>>> {
    const ORDERS: usize = 12;
    let count = sentences.len();
    let order = |index: usize| {
        let mut order = sentences.to_vec();
        if index >= count {
            order.reverse();
        }
        order.rotate_left(index % count);
        order
    };
    let step = (2 * count).div_ceil(ORDERS).max(1);
    (1..2 * count).step_by(step).map(order).filter(|order| order != sentences).collect()
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

/// Returns about how many syllables the parts of a sentence between commas have.
fn clauses(text: &str, language: &str) -> Vec<f32> {
    let is_mark = |c: char| matches!(c, ',' | ';' | ':' | '–' | '—' | '，' | '、' | '；' | '：');
    let mut clauses: Vec<f32> = text
        .split_inclusive(is_mark)
        .filter(|clause| clause.contains(char::is_alphanumeric))
        .map(|clause| syllables(clause, language))
        .collect();
    if clauses.is_empty() {
        clauses.push(1.0);
    }
    clauses
}

/// Returns about how many syllables a text has.
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
