//! How loud speech and music are, after ITU-R BS.1770-4, and by how much speech is amplified.

use std::ops::Range;
use std::sync::Mutex;

use ebur128::{EbuR128, Mode};

use super::mix::ClipSamples;
use crate::media::ordered::in_order;
use crate::media::{Cancel, MediaError, lock};

/// Loudness of all speech in LUFS: that of podcasts, and of videos as they are played on phones
/// (AES TD1008).
pub(crate) const SPEECH_LOUDNESS: f64 = -16.0;

/// How far a sentence may differ from [`SPEECH_LOUDNESS`]. Within it, the sentences of a voice keep
/// their differences; beyond it, there are several voices.
const TOLERANCE: f64 = 2.0;

/// More than this, in dB, would only make noise loud.
const MAX_GAIN: f64 = 30.0;

/// Number of hops per second, in which the power is measured.
pub(crate) const HOPS: u64 = 10;

/// A block of BS.1770 has so many hops.
const BLOCK: usize = 4;

/// Loudness below which a block does not count, in LUFS.
const ABSOLUTE_GATE: f64 = -70.0;

/// How much quieter a block that counts may be, in LU.
const RELATIVE_GATE: f64 = -10.0;

/// The frequency-weighted power of a clip in each hop from its start on.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Loudness {
    pub(crate) hops: Vec<f32>,
}

impl Loudness {
    /// Returns the power of all blocks that have a part of the clip in them, with silence around it.
    fn blocks(&self) -> impl Iterator<Item = f64> + '_ {
        let hop = |at: usize| {
            let at = at.checked_sub(BLOCK - 1);
            f64::from(at.and_then(|at| self.hops.get(at)).copied().unwrap_or(0.0))
        };
        let count = self.hops.len() + BLOCK - 1;
        (0..count).map(move |first| (first..first + BLOCK).map(hop).sum::<f64>() / BLOCK as f64)
    }

    /// Returns the integrated loudness in LUFS, or `None` for silence.
    pub(crate) fn integrated(&self) -> Option<f64> {
        integrated(|| self.blocks())
    }
}

/// Measures clips on all cores, each with its sample rate. The samples of a long one are read and
/// measured in pieces.
pub(crate) fn measure(
    clips: &[(&ClipSamples<'_>, u32)],
    cancel: &Cancel,
) -> Result<Vec<Loudness>, MediaError> {
    /// Half a minute at a usual rate.
    const PIECE: u64 = 30 * 48_000;
    /// Audio of a lower rate has no words, and is not measured.
    const MIN_RATE: u64 = 1000;
    let mut pieces: Vec<(usize, Range<usize>)> = Vec::new();
    for (index, (samples, rate)) in clips.iter().enumerate() {
        let rate = u64::from(*rate);
        if rate >= MIN_RATE {
            let hops = (samples.len() as u64 * HOPS).div_ceil(rate) as usize;
            let piece = (PIECE * HOPS / rate).max(1) as usize;
            let starts = (0..hops).step_by(piece);
            pieces.extend(starts.map(|start| (index, start..hops.min(start + piece))));
        }
    }
    let mut measured = vec![Loudness::default(); clips.len()];
    let meters = Mutex::new(Vec::new());
    let work = |index: usize| {
        cancel.check()?;
        let (clip, hops) = &pieces[index];
        let (samples, rate) = clips[*clip];
        // A meter allocates more than it computes for a short sentence.
        let found = lock(&meters).pop();
        let meter = found.filter(|meter: &EbuR128| meter.rate() == rate);
        let mut meter = match meter {
            Some(meter) => meter,
            None => EbuR128::new(1, rate, Mode::M).map_err(failed)?,
        };
        meter.reset();
        let powers = piece(samples, rate, hops.clone(), &mut meter)?;
        lock(&meters).push(meter);
        Ok(powers)
    };
    in_order(pieces.len(), work, |index, powers: Vec<f32>| {
        measured[pieces[index].0].hops.extend(powers);
        Ok(())
    })?;
    Ok(measured)
}

fn failed(error: ebur128::Error) -> MediaError {
    MediaError::Encode(format!("loudness: {error}"))
}

/// Measures some hops of a clip.
fn piece(
    samples: &ClipSamples<'_>,
    rate: u32,
    hops: Range<usize>,
    meter: &mut EbuR128,
) -> Result<Vec<f32>, MediaError> {
    /// The filters forget what precedes so many hops.
    const RUN_UP: usize = 2;
    let at = |hop: usize| hop * rate as usize / HOPS as usize;
    let first = at(hops.start.saturating_sub(RUN_UP));
    let audio = samples
        .padded(first as i64, at(hops.end) - first, 1.0 / 32_768.0)
        .map_err(MediaError::io("read the audio"))?;
    meter.seed_frames_f32(&audio[..at(hops.start) - first]).map_err(failed)?;
    let power = |hop: usize| {
        meter.add_frames_f32(&audio[at(hop) - first..at(hop + 1) - first])?;
        let loudness = meter.loudness_window(1000 / HOPS as u32)?;
        Ok(10_f64.powf((loudness - POWER_OFFSET) / 10.0) as f32)
    };
    hops.map(power).collect::<Result<_, _>>().map_err(failed)
}

/// Loudness of a power of one, in LUFS.
const POWER_OFFSET: f64 = -0.691;

/// Returns the loudness of a power in LUFS.
pub(crate) fn loudness_of(power: f64) -> f64 {
    POWER_OFFSET + 10.0 * power.log10()
}

/// Returns the factor of a gain in dB.
pub(crate) fn factor(gain: f64) -> f64 {
    10_f64.powf(gain / 20.0)
}

/// Returns the gated loudness of blocks in LUFS, or `None` for silence.
fn integrated<I: Iterator<Item = f64>>(blocks: impl Fn() -> I) -> Option<f64> {
    let gated = |gate: f64| {
        let (mut sum, mut count) = (0.0, 0_u64);
        for power in blocks().filter(|power| *power > 0.0 && loudness_of(*power) >= gate) {
            sum += power;
            count += 1;
        }
        (count > 0).then(|| loudness_of(sum / count as f64))
    };
    let ungated = gated(ABSOLUTE_GATE)?;
    gated((ungated + RELATIVE_GATE).max(ABSOLUTE_GATE))
}

/// Returns by how much each clip of speech is amplified, in dB, so that all together have
/// [`SPEECH_LOUDNESS`], and none differs from it by more than [`TOLERANCE`].
pub(crate) fn speech_gains(clips: &[Loudness]) -> Vec<f64> {
    let own: Vec<Option<f64>> = clips.iter().map(Loudness::integrated).collect();
    let mut gains = vec![0.0; clips.len()];
    // What is measured after the first round differs by the clips that were not amplified alike.
    for _ in 0..2 {
        let all = integrated(|| {
            clips.iter().zip(&gains).flat_map(|(clip, gain)| {
                let power = factor(*gain).powi(2);
                clip.blocks().map(move |block| block * power)
            })
        });
        let Some(all) = all else { break };
        for (gain, own) in gains.iter_mut().zip(&own) {
            if let Some(own) = own {
                let exact = SPEECH_LOUDNESS - own;
                let common = *gain + SPEECH_LOUDNESS - all;
                *gain = common.clamp(exact - TOLERANCE, exact + TOLERANCE).min(MAX_GAIN);
            }
        }
    }
    gains
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    fn tone(rate: u32, seconds: f64, level: f64) -> Vec<i16> {
        let count = (f64::from(rate) * seconds) as usize;
        let sample = |n: usize| (2.0 * PI * 997.0 * n as f64 / f64::from(rate)).sin();
        (0..count).map(|n| (sample(n) * factor(level) * 32_767.0) as i16).collect()
    }

    fn measured(samples: &[i16], rate: u32) -> Loudness {
        let samples = ClipSamples::Memory(samples);
        measure(&[(&samples, rate)], &Cancel::new()).unwrap().remove(0)
    }

    #[test]
    fn the_loudness_is_that_of_the_meter_at_every_rate_and_in_pieces() {
        for rate in [8000, 13_927, 16_000, 22_050, 44_100, 48_000] {
            let mut samples = tone(rate, 33.0, -20.0);
            samples.extend(tone(rate, 40.0, -26.0));
            samples.extend(tone(rate, 20.0, -60.0));
            let mut meter = EbuR128::new(1, rate, Mode::I).unwrap();
            meter.add_frames_i16(&samples).unwrap();
            let (own, expected) =
                (measured(&samples, rate).integrated().unwrap(), meter.loudness_global().unwrap());
            assert!((own - expected).abs() < 0.05, "{rate}: {own} {expected}");
        }
    }

    #[test]
    fn a_full_scale_tone_has_the_loudness_of_the_standard() {
        let loudness = measured(&tone(48_000, 60.0, 0.0), 48_000).integrated().unwrap();
        assert!((loudness + 3.01).abs() < 0.1, "{loudness}");
        assert_eq!(measured(&[0; 48_000], 48_000).integrated(), None);
        assert_eq!(measured(&[], 48_000).integrated(), None);
    }

    #[test]
    fn sentences_keep_their_differences_but_voices_do_not() {
        let clip = |level| measured(&tone(16_000, 3.0, level), 16_000);
        let clips = [clip(-30.0), clip(-31.0), clip(-29.0), clip(-42.0), Loudness::default()];
        let gains = speech_gains(&clips);
        assert!((gains[0] - gains[1]).abs() < 0.001 && (gains[0] - gains[2]).abs() < 0.001);
        assert_eq!(gains[4], 0.0);
        for (clip, gain) in clips.iter().zip(&gains).take(4) {
            let loudness = clip.integrated().unwrap() + gain;
            assert!((loudness - SPEECH_LOUDNESS).abs() < TOLERANCE + 0.01, "{loudness}");
        }
        assert_eq!(speech_gains(&[clip(-62.0)]), [MAX_GAIN]);
    }
}
