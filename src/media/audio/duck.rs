//! Makes music quiet while there is speech: it falls before the first word and comes back in long
//! pauses, both softly.

use std::ops::Range;
use std::time::Duration;

use super::loudness::{HOPS, Loudness, factor, loudness_of};
use super::mix::{SAMPLE_RATE, samples};

/// How far music is below speech, in LU. Its loudest seconds are, so that all of it stays more than
/// ten below a voice whose sentences differ.
const DEPTH: f64 = 13.0;
/// The music is back in pauses that are longer than this.
const PAUSE: Duration = Duration::from_secs(2);
/// How long the music takes to fall before speech.
const ATTACK: Duration = Duration::from_millis(400);
/// How long it takes to come back.
const RELEASE: Duration = Duration::from_millis(800);
/// Words begin and end quieter than speech is recognized.
const MARGIN: Duration = Duration::from_millis(100);
/// Speech is within so many LU of its clip's loudness. Its pauses and its noise are below.
const RANGE: f64 = 18.0;
/// The loudness of music is that of so many hops at a time: three seconds (EBU Tech 3341).
const SHORT_TERM: usize = 3 * HOPS as usize;

/// Samples of the mix per hop.
const HOP: u64 = SAMPLE_RATE as u64 / HOPS;

/// A passage of speech.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Passage {
    /// Where it is, in samples of the mix.
    pub(crate) range: Range<u64>,
    /// The loudness of its quietest clip in LUFS.
    loudness: f64,
}

/// Returns the power of a clip that plays again from its start after each `period`, at a time after
/// its first start.
fn power_at(clip: &Loudness, period: u64, time: u64) -> f64 {
    let hop = (time % period.max(1)) / HOP;
    f64::from(clip.hops.get(hop as usize).copied().unwrap_or(0.0))
}

/// Returns where a clip has speech. It plays at `range` of the mix, again from its start after each
/// `period`. `gain` is how much it is amplified in dB.
pub(crate) fn passages_of(
    clip: &Loudness,
    range: &Range<u64>,
    period: u64,
    gain: f64,
) -> Vec<Passage> {
    let Some(own) = clip.integrated() else { return Vec::new() };
    let is_loud = |power: f64| power > 0.0 && loudness_of(power) > own - RANGE;
    let passage = |at: u64| Passage {
        range: at.saturating_sub(samples(MARGIN))..(at + HOP + samples(MARGIN)).min(range.end),
        loudness: own + gain,
    };
    let hops = range.clone().step_by(HOP as usize);
    let loud = hops.filter(|at| is_loud(power_at(clip, period, at - range.start)));
    joined(loud.map(passage).collect())
}

/// Joins passages with a short pause between them.
pub(crate) fn joined(mut passages: Vec<Passage>) -> Vec<Passage> {
    passages.sort_by_key(|passage| passage.range.start);
    let mut joined: Vec<Passage> = Vec::new();
    for passage in passages {
        match joined.last_mut() {
            Some(last) if passage.range.start <= last.range.end + samples(PAUSE) => {
                last.range.end = last.range.end.max(passage.range.end);
                last.loudness = last.loudness.min(passage.loudness);
            }
            _ => joined.push(passage),
        }
    }
    joined
}

/// A range of the mix in which music is quieter, and by how much in dB.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Duck {
    range: Range<u64>,
    gain: f64,
}

impl Duck {
    /// Returns how much quieter a clip of music is in each passage. `gain` is its own volume in dB.
    /// It plays at `range` of the mix, again from its start after each `period`.
    pub(crate) fn all(
        music: &Loudness,
        gain: f64,
        range: &Range<u64>,
        period: u64,
        passages: &[Passage],
    ) -> Vec<Self> {
        let duck = |passage: &Passage| {
            let from = passage.range.start.max(range.start);
            let to = passage.range.end.min(range.end);
            let hops: Vec<f64> = (from..to)
                .step_by(HOP as usize)
                .map(|at| power_at(music, period, at - range.start))
                .collect();
            let loudest = hops
                .windows(SHORT_TERM.min(hops.len().max(1)))
                .map(|window| window.iter().sum::<f64>() / window.len() as f64)
                .fold(0.0, f64::max);
            let gain = passage.loudness - DEPTH - (loudness_of(loudest) + gain);
            (gain < 0.0).then(|| Self { range: passage.range.clone(), gain })
        };
        passages.iter().filter_map(duck).collect()
    }

    /// Multiplies music by its gain. `start` is the position of the audio in the mix.
    pub(crate) fn apply(all: &[Self], start: u64, audio: &mut [f32]) {
        let (attack, release) = (samples(ATTACK), samples(RELEASE));
        let end = start + audio.len() as u64;
        let first = all.partition_point(|duck| duck.range.end + release <= start);
        for duck in &all[first..] {
            let from = duck.range.start.saturating_sub(attack).max(start);
            if from >= end {
                break;
            }
            let quiet = factor(duck.gain) as f32;
            for at in from..end.min(duck.range.end + release) {
                let before = duck.range.start.saturating_sub(at) as f32 / attack as f32;
                let after = at.saturating_sub(duck.range.end) as f32 / release as f32;
                let back = soft(before.max(after));
                // In dB, as it is heard.
                let gain = if back > 0.0 { quiet.powf(1.0 - back) } else { quiet };
                audio[(at - start) as usize] *= gain;
            }
        }
    }
}

/// Returns a ramp from 0 to 1 without a corner at either end.
pub(crate) fn soft(share: f32) -> f32 {
    let share = share.clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(levels: &[(f64, usize)]) -> Loudness {
        let hops = levels.iter().flat_map(|&(level, hops)| {
            std::iter::repeat_n(10_f64.powf((level + 0.691) / 10.0) as f32, hops)
        });
        Loudness { hops: hops.collect() }
    }

    const SECOND: u64 = SAMPLE_RATE as u64;

    #[test]
    fn speech_is_found_within_a_recording_and_short_pauses_are_a_part_of_it() {
        let recording =
            clip(&[(-60.0, 30), (-20.0, 20), (-60.0, 15), (-24.0, 20), (-60.0, 40), (-20.0, 10)]);
        let found = passages_of(&recording, &(SECOND..SECOND * 20), 19 * SECOND, 4.0);
        let hop = |n: u64| SECOND + n * HOP;
        let ranges: Vec<_> = found.iter().map(|passage| passage.range.clone()).collect();
        assert_eq!(ranges, [hop(29)..hop(86), hop(124)..hop(136)]);
        assert!((found[0].loudness + 17.4).abs() < 1.0, "{}", found[0].loudness);
        assert_eq!(passages_of(&clip(&[(-90.0, 50)]), &(0..SECOND), SECOND, 0.0), []);
    }

    #[test]
    fn speech_is_found_in_every_playback_up_to_its_end() {
        // A second of speech in each six, played twice and in part.
        let recording = clip(&[(-20.0, 10), (-60.0, 50)]);
        let found = passages_of(&recording, &(0..125 * HOP), 6 * SECOND, 0.0);
        let ranges: Vec<_> = found.into_iter().map(|passage| passage.range).collect();
        assert_eq!(ranges, [0..11 * HOP, 59 * HOP..71 * HOP, 119 * HOP..125 * HOP]);
        // What is behind the end of the video is not heard.
        let late = clip(&[(-20.0, 10), (-60.0, 90), (-20.0, 10)]);
        let found = passages_of(&late, &(0..5 * SECOND), 11 * SECOND, 0.0);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn music_is_quiet_before_the_first_word_and_back_after_the_last() {
        let passage = Passage { range: 3 * SECOND..5 * SECOND, loudness: -16.0 };
        let music = clip(&[(-14.0, 50), (-40.0, 50)]);
        let ducks =
            Duck::all(&music, -6.0, &(0..20 * SECOND), 10 * SECOND, std::slice::from_ref(&passage));
        assert_eq!(ducks.len(), 1);
        assert!((ducks[0].gain + 9.0).abs() < 0.01, "{ducks:?}");
        let mut audio = vec![1.0; 8 * SECOND as usize];
        for (n, chunk) in audio.chunks_mut(10_007).enumerate() {
            Duck::apply(&ducks, n as u64 * 10_007, chunk);
        }
        let at = |ms: u64| audio[(ms * SECOND / 1000) as usize];
        assert_eq!((at(2590), at(5801)), (1.0, 1.0));
        let quiet = factor(-9.0) as f32;
        assert!((at(2999) - quiet).abs() < 0.01 && (at(5001) - quiet).abs() < 0.01);
        assert!((at(2800) - quiet.sqrt()).abs() < 0.01 && (at(5400) - quiet.sqrt()).abs() < 0.01);
        // What is quiet enough stays as it is, also where it is repeated.
        let later = Passage { range: 16 * SECOND..19 * SECOND, ..passage.clone() };
        assert_eq!(Duck::all(&music, -6.0, &(0..20 * SECOND), 10 * SECOND, &[later]), []);
        let none = Duck::all(&Loudness::default(), 0.0, &(0..9), 0, &[passage]);
        assert_eq!(none, []);
    }
}
