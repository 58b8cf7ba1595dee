//! AAC audio in M4A and MP4 files, ADTS and LATM streams.

use syom::{AacError, Channel, DecodeOptions, Frame, MemoryBudgets};

use super::downmix::{Downmix, Layout, Speaker};
use super::{AudioBuffer, Limits, formats};

/// Whether the file, without tags at its start, may be AAC.
pub(crate) fn is_aac(bytes: &[u8]) -> bool {
    syom::sniff_aac(bytes)
}

pub(crate) fn decode(bytes: &[u8], limits: Limits<'_>) -> Result<AudioBuffer, String> {
    if syom::sniff_is_isobmff(bytes)
        && let Some(why) = formats::unsupported_mp4(bytes)
    {
        return Err(why);
    }
    let mut rate = 0;
    let samples = Downmix::run(|mix| match stream(bytes, mix, limits, &mut rate) {
        // Edits that the decoder does not know, such as an empty one at the start.
        Err(why) if why.contains("elst") => stream(&without_edits(bytes), mix, limits, &mut rate),
        result => result,
    })?;
    Ok(AudioBuffer::new(rate, samples))
}

fn stream(
    bytes: &[u8],
    mix: &mut Downmix,
    limits: Limits<'_>,
    rate: &mut u32,
) -> Result<(), String> {
    let mut stopped = None;
    let mut layout: Option<Layout> = None;
    let result = syom::decode_streaming(bytes, &options(limits), |frame| {
        *rate = frame.sample_rate;
        let layout = layout.get_or_insert_with(|| Layout::new(frame.meta.labels().map(speaker)));
        push(mix, layout, &frame);
        limits.check(mix.len(), frame.sample_rate).map_err(|why| {
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
        (None, Err(AacError::TooLong { .. })) => Err(Limits::TOO_LONG.to_owned()),
        (None, Err(error)) => Err(format!("its AAC audio is broken ({error})")),
    }
}

/// Returns the file with its edit lists renamed to free space.
fn without_edits(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    // The box `edts` has nothing but the box `elst` in it, after four bytes of its size.
    let is_edit = |window: &[u8]| window.starts_with(b"edts") && window.ends_with(b"elst");
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(12).position(is_edit) {
        at += found;
        bytes[at..at + 4].copy_from_slice(b"free");
    }
    bytes
}

/// The length is limited by the samples themselves, and here against edits that skip them all.
fn options(limits: Limits<'_>) -> DecodeOptions {
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
    use crate::media::Cancel;

    fn tone(count: usize) -> Vec<f32> {
        (0..count).map(|n| 0.5 * (n as f32 * 0.05).sin()).collect()
    }

    fn decoded(bytes: &[u8]) -> Result<AudioBuffer, String> {
        decode(bytes, Limits::of(bytes.len(), &Cancel::new()))
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
    fn an_empty_edit_costs_nothing() {
        let mut m4a =
            syom::encode_with(&[tone(48_000)], 48_000, &syom::EncodeOptions::m4a()).unwrap();
        let list = m4a.windows(4).position(|kind| kind == b"elst").unwrap() + 4;
        // The number of edits, of which the first is empty: its time is −1.
        assert_eq!(m4a[list + 4..list + 8], [0, 0, 0, 1]);
        m4a[list + 12..list + 16].fill(0xFF);
        let edited = decoded(&m4a).unwrap().samples().len();
        assert!((48_000..=48_000 + 3 * 1024).contains(&edited), "{edited}");
    }

    #[test]
    fn a_file_that_was_cut_keeps_its_start() {
        let adts =
            syom::encode_with(&[tone(48_000)], 48_000, &syom::EncodeOptions::adts()).unwrap();
        let half = decoded(&adts[..adts.len() / 2]).unwrap().samples().len();
        assert!((18_000..28_000).contains(&half), "{half}");
    }
}
