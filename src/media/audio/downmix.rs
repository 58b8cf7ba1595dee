//! Mixes the channels of decoded audio down to one: first to stereo by where the loudspeakers
//! stand, then to mono.

use std::f32::consts::FRAC_1_SQRT_2;

/// Share of a channel in the left and in the right channel of a stereo mix.
pub(crate) type Pan = (f32, f32);

/// −3 dB.
const HALF_POWER: f32 = FRAC_1_SQRT_2;
const LEFT: Pan = (1.0, 0.0);
const RIGHT: Pan = (0.0, 1.0);
const CENTRE: Pan = (HALF_POWER, HALF_POWER);
const LEFT_SURROUND: Pan = (HALF_POWER, 0.0);
const RIGHT_SURROUND: Pan = (0.0, HALF_POWER);
/// A loudspeaker behind or above the listener, at −3 dB on both sides of −3 dB.
pub(crate) const REAR_CENTRE: Pan = (0.5, 0.5);
/// The channel for low-frequency effects is left out: it only repeats what the others hold.
const LOW_FREQUENCY: Pan = (0.0, 0.0);

/// A channel of a coding that names its channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    FrontLeft,
    FrontRight,
    FrontCentre,
    LowFrequency,
    Left,
    Right,
    Other,
}

impl Speaker {
    /// Returns its share in the stereo mix of ITU-R BS.775.
    const fn pan(self) -> Pan {
        match self {
            Self::FrontLeft => LEFT,
            Self::FrontRight => RIGHT,
            Self::FrontCentre => CENTRE,
            Self::LowFrequency => LOW_FREQUENCY,
            Self::Left => LEFT_SURROUND,
            Self::Right => RIGHT_SURROUND,
            Self::Other => REAR_CENTRE,
        }
    }
}

/// Loudspeakers in the order of the bits of `dwChannelMask` in `WAVEFORMATEXTENSIBLE`.
const MASK_ORDER: [Speaker; 18] = {
    use Speaker::{FrontCentre, FrontLeft, FrontRight, Left, LowFrequency, Other, Right};
    [
        FrontLeft,
        FrontRight,
        FrontCentre,
        LowFrequency,
        // Back left and right; front left and right of centre; back centre; side left and right.
        Left,
        Right,
        FrontLeft,
        FrontRight,
        Other,
        Left,
        Right,
        // Above: centre; front left, centre and right; back left, centre and right.
        Other,
        Left,
        Other,
        Right,
        Left,
        Other,
        Right,
    ]
};

/// Masks of files that have none, by number of channels: those that FFmpeg takes.
const DEFAULT_MASKS: [u32; 9] = [0, 0x4, 0x3, 0x7, 0x33, 0x37, 0x3F, 0x70F, 0x63F];

/// How the channels of a file become two.
#[derive(Debug, Clone)]
pub(crate) struct Layout(Vec<Pan>);

impl Layout {
    /// Creates a layout from the channel mask of a WAV file; 0 stands for an unknown one.
    pub(crate) fn from_mask(channels: usize, mask: u32) -> Self {
        let mask = if mask == 0 { DEFAULT_MASKS.get(channels).copied().unwrap_or(0) } else { mask };
        let mut speakers = MASK_ORDER.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
        Self::new((0..channels).map(|_| speakers.next().map_or(Speaker::Other, |(_, at)| *at)))
    }

    pub(crate) fn new(speakers: impl IntoIterator<Item = Speaker>) -> Self {
        let mut pans: Vec<Pan> = speakers.into_iter().map(Speaker::pan).collect();
        match pans.as_mut_slice() {
            // Whatever they are called, one channel is both sides, and two are left and right.
            [both] => *both = (1.0, 1.0),
            [left, right] => (*left, *right) = (LEFT, RIGHT),
            // No speaker is known, or all are low-frequency: an average.
            pans if pans.iter().all(|pan| *pan == REAR_CENTRE || *pan == LOW_FREQUENCY) => {
                let share = 1.0 / pans.len().max(1) as f32;
                pans.fill((share, share));
            }
            _ => {}
        }
        Self(pans)
    }

    pub(crate) const fn channels(&self) -> usize {
        self.0.len()
    }

    /// Mixes one sample of each channel, from −1.0 to 1.0.
    pub(crate) fn stereo(&self, frame: impl IntoIterator<Item = f32>) -> (f32, f32) {
        let mut mixed = (0.0, 0.0);
        for (sample, pan) in frame.into_iter().zip(&self.0) {
            // A NaN counts as silence.
            let sample = if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) };
            mixed.0 += sample * pan.0;
            mixed.1 += sample * pan.1;
        }
        mixed
    }
}

/// Mixes left and right to mono samples.
#[derive(Debug)]
pub(crate) struct Downmix {
    pan: Pan,
    samples: Vec<i16>,
    /// Sums of left², right² and left × right.
    energy: [f64; 3],
    peak: f32,
}

impl Downmix {
    /// Takes the memory for a known number of samples at once: growing, it would take twice as much.
    pub(crate) fn expect(&mut self, samples: usize) {
        self.samples.reserve_exact(samples.saturating_sub(self.samples.len()));
    }

    /// Runs a decoder that pushes its samples, and returns the mixed ones.
    ///
    /// The decoder runs a second time when the mix turns out to be wrong only at its end: because
    /// the two sides cancel each other, or because the sum of many channels is too loud. To keep
    /// both sides until then would take twice the memory.
    pub(crate) fn run(
        mut decode: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<Vec<i16>, String> {
        let mut mix = Self { pan: (0.5, 0.5), samples: Vec::new(), energy: [0.0; 3], peak: 0.0 };
        decode(&mut mix)?;
        if let Some(pan) = mix.correction() {
            (mix.pan, mix.energy, mix.peak) = (pan, [0.0; 3], 0.0);
            mix.samples.clear();
            decode(&mut mix)?;
        }
        Ok(mix.samples)
    }

    pub(crate) fn push(&mut self, (left, right): (f32, f32)) {
        let [lefts, rights, products] = &mut self.energy;
        *lefts += f64::from(left * left);
        *rights += f64::from(right * right);
        *products += f64::from(left * right);
        let mono = left * self.pan.0 + right * self.pan.1;
        self.peak = self.peak.max(mono.abs());
        // A conversion with `as` saturates.
        self.samples.push((mono * 32_768.0).round() as i16);
    }

    pub(crate) fn push_silence(&mut self, samples: usize) {
        self.samples.resize(self.samples.len() + samples, 0);
    }

    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Removes the samples outside `range`, such as the delay of an encoder.
    pub(crate) fn keep(&mut self, range: std::ops::Range<usize>) {
        self.samples.truncate(range.end);
        self.samples.drain(..range.start.min(self.samples.len()));
    }

    /// The shares of the two sides for a second run, if the first mix is wrong.
    fn correction(&self) -> Option<Pan> {
        /// From this correlation on, the sum is at least 6 dB quieter than the sides.
        const OPPOSITE: f64 = -0.5;
        let [left, right, product] = self.energy;
        if product < OPPOSITE * (left * right).sqrt() {
            return Some(if right > left { RIGHT } else { LEFT });
        }
        // Mono and stereo are at most as loud as their channels, which cannot exceed 1.0.
        (self.peak > 1.0).then(|| (0.5 / self.peak, 0.5 / self.peak))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(layout: &Layout, frames: &[&[f32]]) -> Vec<i16> {
        Downmix::run(|mix| {
            frames.iter().for_each(|frame| mix.push(layout.stereo(frame.iter().copied())));
            Ok(())
        })
        .unwrap()
    }

    #[test]
    fn each_loudspeaker_has_its_level() {
        // 0.5 of one channel: 8192 is −6 dB of it, 11585 is −3 dB, 5793 is −9 dB.
        for (channels, mask, expected) in [
            (1, 0, &[16_384][..]),
            (1, 0x8, &[16_384]),
            (2, 0, &[8192, 8192]),
            (2, 0x30, &[8192, 8192]),
            (3, 0, &[8192, 8192, 11_585]),
            (3, 0xB, &[8192, 8192, 0]),
            (4, 0, &[8192, 8192, 5793, 5793]),
            (5, 0, &[8192, 8192, 11_585, 5793, 5793]),
            (6, 0, &[8192, 8192, 11_585, 0, 5793, 5793]),
            (6, 0x60F, &[8192, 8192, 11_585, 0, 5793, 5793]),
            (7, 0, &[8192, 8192, 11_585, 0, 8192, 5793, 5793]),
            (8, 0, &[8192, 8192, 11_585, 0, 5793, 5793, 5793, 5793]),
            (4, 0x8000_0000, &[4096, 4096, 4096, 4096]),
            (10, 0, &[1638; 10]),
        ] {
            let layout = Layout::from_mask(channels, mask);
            for (index, expected) in expected.iter().enumerate() {
                let mut frame = vec![0.0; channels];
                frame[index] = 0.5;
                assert_eq!(mixed(&layout, &[&frame]), [*expected], "{channels} {mask:x} {index}");
            }
        }
    }

    #[test]
    fn opposite_sides_do_not_cancel_each_other() {
        let stereo = Layout::from_mask(2, 0);
        assert_eq!(mixed(&stereo, &[&[0.5, -0.5], &[-0.25, 0.25]]), [16_384, -8192]);
        assert_eq!(mixed(&stereo, &[&[0.25, -0.5], &[-0.25, 0.5]]), [-16_384, 16_384]);
        // Independent sides and a single quiet moment are mixed as usual.
        assert_eq!(mixed(&stereo, &[&[0.5, 0.5], &[0.25, -0.25]]), [16_384, 0]);
        assert_eq!(mixed(&stereo, &[&[0.5, 0.0], &[0.0, -0.5]]), [8192, -8192]);
    }

    #[test]
    fn many_loud_channels_do_not_clip() {
        let layout = Layout::from_mask(6, 0);
        let (loud, half) = ([1.0; 6], [0.5; 6]);
        assert_eq!(mixed(&layout, &[&loud, &half]), [32_767, 16_384]);
    }

    #[test]
    fn samples_that_are_no_numbers_are_silent() {
        let mono = Layout::from_mask(1, 0);
        let odd = [&[f32::NAN][..], &[f32::INFINITY], &[f32::NEG_INFINITY], &[0.5]];
        assert_eq!(mixed(&mono, &odd), [0, i16::MAX, i16::MIN, 16_384]);
    }
}
