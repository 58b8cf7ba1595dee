//! AAC audio in M4A and MP4 files, ADTS and LATM streams.

use syom::{AacError, Channel, DecodeOptions, Frame, MemoryBudgets};

use super::downmix::{Downmix, Layout, Speaker};
use super::{AudioBuffer, Limits, formats};

/// Whether the file, without tags at its start, may be AAC.
pub(crate) fn is_aac(bytes: &[u8]) -> bool {
    syom::sniff_aac(bytes)
}

pub(crate) fn decode(bytes: &[u8], limits: Limits) -> Result<AudioBuffer, String> {
    if syom::sniff_is_isobmff(bytes)
        && let Some(why) = formats::unsupported_mp4(bytes)
    {
        return Err(why);
    }
    let options = options(limits);
    let mut rate = 0;
    let samples = Downmix::run(limits.samples, |mix| {
        let mut stopped = None;
        let mut layout: Option<Layout> = None;
        let result = syom::decode_streaming(bytes, &options, |frame| {
            rate = frame.sample_rate;
            let layout =
                layout.get_or_insert_with(|| Layout::new(frame.meta.labels().map(speaker)));
            push(mix, layout, &frame);
            let limit = limits.check(mix.len(), rate).and_then(|()| mix.check());
            limit.map_err(|why| {
                stopped = Some(why);
                AacError::NotAac
            })
        });
        match (stopped, result) {
            (Some(why), _) => Err(why),
            (None, Ok(_)) => Ok(()),
            // The file was cut: what is there is used.
            (None, Err(error)) if mix.len() > 0 && is_cut(&error) => Ok(()),
            (None, Err(AacError::NotAac)) => Err("its AAC audio is broken".to_owned()),
            (None, Err(error)) => Err(error.to_string()),
        }
    })?;
    Ok(AudioBuffer::new(rate, samples))
}

/// The length is limited by the samples themselves, and here against edits that skip them all.
fn options(limits: Limits) -> DecodeOptions {
    const RATE: u32 = 8000;
    let mut options = DecodeOptions::audio().with_memory(MemoryBudgets::unbounded_collection());
    options.max_decode_sample_rate = RATE;
    options.max_duration_secs = limits.samples as f64 / f64::from(RATE);
    options
}

fn is_cut(error: &AacError) -> bool {
    match error {
        AacError::Truncated { .. } => true,
        AacError::Format(why) => why.contains("past end of file"),
        _ => false,
    }
}

fn push(mix: &mut Downmix, layout: &Layout, frame: &Frame<'_>) {
    for at in 0..frame.samples {
        let samples = frame.planar.iter().map(|plane| plane.get(at).copied().unwrap_or_default());
        mix.push(layout.stereo(samples));
    }
}

const fn speaker(channel: Channel) -> Speaker {
    match channel {
        Channel::FrontLeft => Speaker::FrontLeft,
        Channel::FrontRight => Speaker::FrontRight,
        Channel::FrontCenter => Speaker::FrontCentre,
        Channel::Lfe => Speaker::LowFrequency,
        Channel::BackLeft | Channel::SideLeft => Speaker::Left,
        Channel::BackRight | Channel::SideRight => Speaker::Right,
        _ => Speaker::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(count: usize) -> Vec<f32> {
        (0..count).map(|n| 0.5 * (n as f32 * 0.05).sin()).collect()
    }

    fn decoded(bytes: &[u8]) -> Result<AudioBuffer, String> {
        decode(bytes, Limits::of(bytes.len()))
    }

    #[test]
    fn m4a_and_adts_keep_their_length_and_level() {
        let tone = tone(48_000);
        let opposite: Vec<f32> = tone.iter().map(|sample| -sample).collect();
        let (m4a, adts) = (syom::EncodeOptions::m4a(), syom::EncodeOptions::adts());
        for (name, planes, options) in [
            ("m4a", &[&tone[..]][..], &m4a),
            ("adts", &[&tone[..]], &adts),
            ("stereo", &[&tone[..], &tone[..]], &m4a),
            ("out of phase", &[&tone[..], &opposite[..]], &m4a),
        ] {
            let file = syom::encode_with(planes, 48_000, options).unwrap();
            let audio = decoded(&file).unwrap();
            assert_eq!(audio.sample_rate(), 48_000, "{name}");
            assert_eq!(audio.samples().len(), 48_000, "{name}");
            let peak = audio.samples().iter().map(|s| s.unsigned_abs()).max().unwrap();
            assert!((15_000..18_500).contains(&peak), "{name}: {peak}");
        }
    }

    #[test]
    fn a_file_that_was_cut_keeps_its_start() {
        let adts =
            syom::encode_with(&[tone(48_000)], 48_000, &syom::EncodeOptions::adts()).unwrap();
        let half = decoded(&adts[..adts.len() / 2]).unwrap().samples().len();
        assert!((18_000..28_000).contains(&half), "{half}");
    }
}
