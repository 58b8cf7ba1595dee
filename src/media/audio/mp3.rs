//! MP3 audio, and that of the MPEG layers I and II.
//!
//! The frames are found here and decoded one by one, because the decoder's own search gives up a
//! frame when what follows it is not another one: a stray byte, a tag, a gap.

use nanomp3::{Decoder, MAX_SAMPLES_PER_FRAME, VbrTag};

use super::downmix::Downmix;
use super::{AudioBuffer, Limits};

/// Delay of every MP3 decoder, on top of that of the encoder.
const DECODER_DELAY: usize = 529;

/// Returns the length of the ID3v2 tags at the start of a file, as they declare it.
pub(crate) fn tags_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        match nanomp3::id3v2_len(rest) {
            0 => return at,
            length => at += length.min(rest.len()),
        }
    }
}

/// Decodes a file; `None` if it has no frames.
pub(crate) fn decode(bytes: &[u8], limits: Limits<'_>) -> Option<Result<AudioBuffer, String>> {
    let bytes = nanomp3::strip_trailing_tags(bytes);
    // A tag may declare a wrong length. Then frames are searched from its start.
    let after_tags = Frames::new(bytes, tags_len(bytes));
    let frames = if after_tags.frame().is_some() { after_tags } else { Frames::new(bytes, 0) };
    let mut headers = frames.map(|(_, header)| header);
    let first = headers.next()?;
    // Headers are counted faster than frames are decoded.
    let length = headers.fold(first.samples, |length, header| length + header.samples);
    let samples = limits.check(length, first.rate).and_then(|()| {
        Downmix::run(|mix| {
            mix.expect(length);
            decode_frames(frames, mix, limits)
        })
    });
    Some(samples.map(|samples| AudioBuffer::new(first.rate, samples)))
}

fn decode_frames(frames: Frames<'_>, mix: &mut Downmix, limits: Limits<'_>) -> Result<(), String> {
    let mut decoder = Decoder::new();
    let mut samples = [0.0_f32; MAX_SAMPLES_PER_FRAME];
    let mut info = None;
    let (mut count, mut rate) = (0_u64, None);
    for (frame, header) in frames {
        limits.check_cancel()?;
        if *rate.get_or_insert(header.rate) != header.rate {
            return Err(format!(
                "its sample rate changes from {} Hz to {} Hz",
                rate.unwrap_or_default(),
                header.rate
            ));
        }
        if count == 0 && info.is_none() {
            info = info_frame(frame);
            if info.is_some() {
                continue;
            }
        }
        count += 1;
        match decoder.decode(frame, &mut samples).1 {
            Ok(decoded) => {
                let channels = usize::from(decoded.channels.num());
                for frame in samples[..decoded.samples_produced * channels].chunks_exact(channels) {
                    mix.push((frame[0], frame[channels - 1]));
                }
            }
            // What cannot be decoded, such as a frame whose predecessor is missing, is silent, so
            // that the rest stays at its time.
            Err(_) => mix.push_silence(header.samples),
        }
    }
    if let Some(tag) = info
        && let Some((delay, padding)) = tag.encoder_delay_padding
    {
        let is_whole = tag.frames.is_some_and(|frames| u64::from(frames).abs_diff(count) <= 1);
        let padding = usize::from(padding).saturating_sub(DECODER_DELAY);
        let end = mix.len() - if is_whole { padding.min(mix.len()) } else { 0 };
        mix.keep(usize::from(delay) + DECODER_DELAY..end);
    }
    Ok(())
}

/// Reads a first frame that has no audio but describes the stream.
fn info_frame(frame: &[u8]) -> Option<VbrTag> {
    /// Offset of the tag of Fraunhofer's encoder, in every frame.
    const VBRI: usize = 36;
    let is_vbri = frame.get(VBRI..).is_some_and(|rest| rest.starts_with(b"VBRI"));
    let unknown = VbrTag { frames: None, encoder_delay_padding: None };
    VbrTag::parse(frame).or(is_vbri.then_some(unknown))
}

/// Bit rates in kbit/s, by their index less one, of ISO/IEC 11172-3 and 13818-3.
const BIT_RATES: [[u32; 14]; 5] = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    /// Version, layer and sample rate, which are the same in all frames of a stream.
    format: u16,
    /// Samples per second.
    rate: u32,
    /// Samples of a channel.
    samples: usize,
    /// Size in bytes, header included.
    size: usize,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let [sync, kind, rates, mode, ..] = *bytes else { return None };
        if sync != 0xFF || kind & 0xE0 != 0xE0 || mode & 3 == 2 {
            return None;
        }
        // 3 is MPEG 1, 2 is MPEG 2, 0 is MPEG 2.5; 1 is reserved.
        let version = kind >> 3 & 3;
        let shift = [2, u32::MAX, 1, 0][usize::from(version)];
        let layer = 4 - (kind >> 1 & 3);
        let (bit_rate, rate) = (usize::from(rates >> 4), usize::from(rates >> 2 & 3));
        // A bit rate of 0 is a free one, which no encoder uses by itself.
        if version == 1 || layer == 4 || bit_rate == 0 {
            return None;
        }
        let row = match (version, layer) {
            (3, layer) => usize::from(layer) - 1,
            (_, 1) => 3,
            _ => 4,
        };
        let bit_rate = BIT_RATES[row].get(bit_rate - 1)? * 1000;
        let rate = [44_100, 48_000, 32_000].get(rate)? >> shift;
        let samples = match (version, layer) {
            (_, 1) => 384,
            (3, _) | (_, 2) => 1152,
            _ => 576,
        };
        // Layer I counts in slots of four bytes.
        let slot = if layer == 1 { 4 } else { 1 };
        let padding = u32::from(rates >> 1 & 1);
        let size = (samples / 8 / slot * bit_rate / rate + padding) * slot;
        Some(Self {
            format: u16::from(kind & 0xFE) << 8 | u16::from(rates & 0x0C),
            rate,
            samples: samples as usize,
            size: size as usize,
        })
    }
}

/// Iterates over the frames of a file and skips what is between them.
#[derive(Debug, Clone, Copy)]
struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    format: Option<u16>,
    /// Whether a frame is expected here: where the search starts, and where another frame ended.
    is_in_step: bool,
}

impl<'a> Frames<'a> {
    const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, format: None, is_in_step: true }
    }

    /// Returns the frame at this position, if it is one.
    fn frame(&self) -> Option<Header> {
        let header_at = |at: usize| Header::parse(self.bytes.get(at..)?);
        let first = header_at(self.at)?;
        let is_known = self.format == Some(first.format);
        // Four bytes that look like a header are common. Frames that follow each other are not.
        let following = match (is_known, self.is_in_step) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 3,
        };
        let may_be_last = is_known || self.format.is_none() && self.is_in_step;
        let mut next = self.at.checked_add(first.size).filter(|end| *end <= self.bytes.len())?;
        for found in 0..following {
            match header_at(next) {
                Some(header) if header.format == first.format => next += header.size,
                // The file ends before there are as many.
                _ if next >= self.bytes.len() && (found > 0 || may_be_last) => break,
                _ => return None,
            }
        }
        Some(first)
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = (&'a [u8], Header);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(header) = self.frame() {
                let frame = &self.bytes[self.at..self.at + header.size];
                self.at += header.size;
                (self.format, self.is_in_step) = (Some(header.format), true);
                return Some((frame, header));
            }
            self.is_in_step = false;
            let from = self.at + 1;
            self.at = from + self.bytes.get(from..)?.iter().position(|byte| *byte == 0xFF)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Cancel;

    /// One second at 44.1 kHz in stereo, of 40 frames, without tags.
    const PLAIN: &[u8] = include_bytes!("../../../tests/data/cases/audio/no-xing.mp3");
    const SAMPLES: usize = 40 * 1152;

    /// Number of samples in a file, with the number of them that are loud.
    fn samples(bytes: &[u8]) -> Option<(usize, usize)> {
        let audio = decode(bytes, Limits::of(bytes.len(), &Cancel::new()))?.unwrap();
        let loud = audio.samples().iter().filter(|sample| sample.unsigned_abs() > 100).count();
        Some((audio.samples().len(), loud))
    }

    fn frames(bytes: &[u8]) -> usize {
        Frames::new(bytes, 0).count()
    }

    #[test]
    fn headers_of_every_version_and_layer_are_read() {
        for (bytes, rate, samples, size) in [
            ([0xFF, 0xFB, 0x90, 0x64], 44_100, 1152, 417),
            ([0xFF, 0xFB, 0x92, 0x64], 44_100, 1152, 418),
            ([0xFF, 0xFA, 0xE4, 0x64], 48_000, 1152, 960),
            ([0xFF, 0xFD, 0xC8, 0x00], 32_000, 1152, 1152),
            ([0xFF, 0xFF, 0xC2, 0x00], 44_100, 384, 420),
            ([0xFF, 0xF3, 0x80, 0xC4], 22_050, 576, 208),
            ([0xFF, 0xE3, 0x18, 0xC4], 8_000, 576, 72),
            ([0xFF, 0xF5, 0x80, 0xC4], 22_050, 1152, 417),
        ] {
            let header = Header::parse(&bytes).unwrap();
            assert_eq!((header.rate, header.samples, header.size), (rate, samples, size));
        }
        for bytes in [
            &[0xFF, 0xFB, 0x90][..],
            &[0xFE, 0xFB, 0x90, 0],
            &[0xFF, 0xEB, 0x90, 0],
            &[0xFF, 0xF9, 0x90, 0],
            &[0xFF, 0xFB, 0x00, 0],
            &[0xFF, 0xFB, 0xF0, 0],
            &[0xFF, 0xFB, 0x9C, 0],
            &[0xFF, 0xFB, 0x90, 2],
        ] {
            assert_eq!(Header::parse(bytes), None, "{bytes:x?}");
        }
    }

    #[test]
    fn what_follows_the_last_frame_costs_nothing() {
        let ape = [b"APETAGEX\xD0\x07\0\0", &40_u32.to_le_bytes()[..], &[0; 56]].concat();
        let tails: [&[u8]; 9] = [
            b"",
            b"\0",
            b"\xFF",
            b"\xFF\xFB\x50",
            &[0; 5000],
            &[0x55; 3],
            b"TAG shorter than a tag",
            &[b"TAG".as_slice(), &[b' '; 125]].concat(),
            &ape,
        ];
        for tail in tails {
            let file = [PLAIN, tail].concat();
            assert_eq!(samples(&file).unwrap().0, SAMPLES, "{tail:?}");
        }
    }

    #[test]
    fn what_comes_before_the_first_frame_is_skipped() {
        let tag = |declared: u8, actual: usize| {
            [b"ID3\x03\0\0\0\0\0", &[declared][..], &vec![b'x'; actual]].concat()
        };
        for (name, front) in [
            ("zeros", vec![0; 1000]),
            ("noise", (0..1000).map(|n| (n * n % 251) as u8).collect()),
            ("sync words", b"\xFF\xFB".repeat(100)),
            ("tag", tag(20, 20)),
            ("tag that declares too little", tag(5, 20)),
            ("tag that declares too much", tag(120, 20)),
            ("two tags", [tag(20, 20), tag(7, 7)].concat()),
        ] {
            let file = [&front[..], PLAIN].concat();
            assert_eq!(samples(&file).unwrap().0, SAMPLES, "{name}");
        }
        let endless = [b"ID3\x03\0\0\x7F\x7F\x7F\x7F", PLAIN].concat();
        assert_eq!(samples(&endless).unwrap().0, SAMPLES);
    }

    #[test]
    fn a_gap_and_a_broken_frame_leave_the_others() {
        let (_, all) = samples(PLAIN).unwrap();
        let middle = PLAIN.len() / 2;
        for gap in [&[0; 3000][..], &[0x55; 1], b"\xFF\xFB\xFF\xFB\xFF"] {
            let file = [&PLAIN[..middle], gap, &PLAIN[middle..]].concat();
            let (count, loud) = samples(&file).unwrap();
            // The frame that was cut in two, and what of the next depended on it.
            assert!(SAMPLES - count <= 1152 && loud + 4 * 1152 >= all, "{count} {loud}");
        }
        let mut broken = PLAIN.to_vec();
        broken[middle..middle + 900].fill(0);
        // 900 bytes hold five headers, at most.
        assert!(samples(&broken).unwrap().0 >= SAMPLES - 5 * 1152);
    }

    #[test]
    fn joined_files_are_read_whole_and_one_rate_is_kept() {
        let joined = PLAIN.repeat(2);
        assert_eq!(samples(&joined).unwrap().0, 2 * SAMPLES);
        let slow = include_bytes!("../../../tests/data/cases/audio/mpeg2.mp3");
        let mixed = [PLAIN, slow].concat();
        let error = decode(&mixed, Limits::of(mixed.len(), &Cancel::new())).unwrap().unwrap_err();
        assert_eq!(error, "its sample rate changes from 44100 Hz to 22050 Hz");
    }

    #[test]
    fn a_file_cut_anywhere_has_the_frames_that_are_whole() {
        let size = Header::parse(PLAIN).unwrap().size;
        for cut in (0..PLAIN.len()).step_by(97) {
            let whole = frames(&PLAIN[..cut]);
            assert!(whole >= (cut / (size + 1)).saturating_sub(1), "{cut}: {whole}");
        }
        assert_eq!(frames(&PLAIN[..size]), 1);
        assert_eq!(frames(PLAIN), 40);
    }

    #[test]
    fn other_files_have_no_frames() {
        let noise: Vec<u8> = (0_u32..200_000)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13).wrapping_mul(n | 1) as u8)
            .collect();
        for bytes in [&noise[..], b"", b"\xFF\xFB\x90\x64", &[0xFF; 4000], &[0; 4000]] {
            assert!(decode(bytes, Limits::of(bytes.len(), &Cancel::new())).is_none());
        }
    }
}
