//! WAV files: reading their chunks and samples, and writing them.
//!
//! Nothing that a header declares is trusted: programs that write to a pipe cannot go back to fill
//! in lengths, and others count them wrong.

use super::downmix::{Downmix, Layout};
use super::{AudioBuffer, Limits, formats, mp3};

/// More channels are not audio for listeners.
const MAX_CHANNELS: usize = 64;

/// Whether the file is a WAV file, of up to 4 GB or a longer one.
pub(crate) fn is_wav(bytes: &[u8]) -> bool {
    let is_riff = [b"RIFF", b"RF64", b"BW64"].iter().any(|id| bytes.starts_with(*id));
    is_riff && bytes.get(8..12) == Some(b"WAVE")
}

pub(crate) fn decode(bytes: &[u8], limits: Limits<'_>) -> Result<AudioBuffer, String> {
    let (format, data) = chunks(bytes)?;
    let format = Format::parse(format)?;
    // MPEG layers I and II, and MP3.
    if matches!(format.tag, 0x0050 | 0x0055) {
        return mp3::decode(data, limits)
            .unwrap_or_else(|| Err("its MP3 audio is broken".to_owned()));
    }
    let coding = format.coding(data)?;
    let length = data.len() / format.frame_size();
    limits.check(length, format.rate)?;
    let samples = Downmix::run(|mix| {
        mix.expect(length);
        for second in data.chunks(format.frame_size() * format.rate as usize) {
            limits.check_cancel()?;
            for frame in second.chunks_exact(format.frame_size()) {
                let samples = frame.chunks_exact(format.sample_size);
                mix.push(format.layout.stereo(samples.map(|bytes| coding.sample(bytes))));
            }
        }
        Ok(())
    })?;
    Ok(AudioBuffer::new(format.rate, samples))
}

/// Finds the content of the chunks `fmt ` and `data`.
fn chunks(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let (mut format, mut data, mut long_size) = (None, None, None);
    let mut at = 12;
    while let Some((id, size)) = chunk_header(bytes, at) {
        let start = at + 8;
        let rest = &bytes[start..];
        let end = match id {
            b"data" => {
                let size = data_size(bytes, start, size, long_size);
                data = data.filter(|data: &&[u8]| !data.is_empty()).or(Some(&rest[..size]));
                start + size
            }
            _ => start + (size as usize).min(rest.len()),
        };
        let content = &bytes[start..end];
        match id {
            b"fmt " => format = format.or(Some(content)),
            // The size of `data` is the second number.
            b"ds64" => long_size = content.get(8..16).map(le),
            _ => {}
        }
        at = next_chunk(bytes, end, size);
    }
    let format = format.ok_or("the WAV file has no format")?;
    // A chunk with a wrong size may hide the rest.
    let data = data.or_else(|| {
        let at = bytes.windows(4).position(|id| id == b"data")? + 8;
        bytes.get(at..)
    });
    Ok((format, data.ok_or("the WAV file is incomplete: it has no samples")?))
}

fn chunk_header(bytes: &[u8], at: usize) -> Option<(&[u8; 4], u32)> {
    let (id, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
    Some((id, u32::from_le_bytes(*rest.first_chunk()?)))
}

/// Returns the size of the chunk `data`, or the rest of the file if the header does not know it.
fn data_size(bytes: &[u8], start: usize, size: u32, long_size: Option<u64>) -> usize {
    let rest = bytes.len() - start;
    // A file of a known length may really have no samples. Programs that write to a pipe leave
    // both lengths 0, or count the bytes of the header.
    let is_known_length = chunk_header(bytes, 0)
        .is_some_and(|(_, length)| (length as usize).abs_diff(bytes.len() - 8) <= 1);
    let size = match (size, long_size) {
        (u32::MAX, Some(long)) => usize::try_from(long).unwrap_or(usize::MAX),
        (size, _) => size as usize,
    };
    if size == 0 && !is_known_length { rest } else { size.min(rest) }
}

/// Returns where the chunk after one that ends at `end` begins: at an even distance, unless a
/// program has forgotten the byte of padding.
fn next_chunk(bytes: &[u8], end: usize, size: u32) -> usize {
    const KNOWN: [&[u8; 4]; 10] =
        [b"data", b"fmt ", b"fact", b"LIST", b"bext", b"cue ", b"smpl", b"id3 ", b"JUNK", b"PAD "];
    let is_known = |at| chunk_header(bytes, at).is_some_and(|(id, _)| KNOWN.contains(&id));
    let padded = end + (size & 1) as usize;
    if !is_known(padded) && is_known(end) { end } else { padded }
}

/// The content of the chunk `fmt `.
#[derive(Debug)]
struct Format {
    tag: u16,
    rate: u32,
    /// Size of a sample in bytes.
    sample_size: usize,
    /// Number of bits of a sample that are used.
    bits: usize,
    layout: Layout,
}

impl Format {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        const EXTENSIBLE: u16 = 0xFFFE;
        let number = |at: usize, size: usize| bytes.get(at..at + size).map(le);
        let short = |at| number(at, 2).map(|number| number as u16);
        let incomplete = || "the format of the WAV file is incomplete".to_owned();
        let (mut tag, channels) = short(0).zip(short(2)).ok_or_else(incomplete)?;
        let rate = number(4, 4).ok_or_else(incomplete)? as u32;
        let frame_size = usize::from(short(12).ok_or_else(incomplete)?);
        let channels = usize::from(channels);
        if channels == 0 || channels > MAX_CHANNELS {
            return Err(format!("it has {channels} channels, not 1 to {MAX_CHANNELS}"));
        }
        let mut mask = 0;
        let mut bits = usize::from(short(14).unwrap_or(0));
        if tag == EXTENSIBLE
            && let (Some(valid), Some(speakers), Some(coding)) =
                (short(18), number(20, 4), short(24))
        {
            (tag, mask) = (coding, speakers as u32);
            bits = if (1..=bits).contains(&usize::from(valid)) { usize::from(valid) } else { bits };
        }
        // The size of a sample is that of its container, which may have more bits than are used.
        // Where the size of a frame contradicts the others, it is wrong.
        let declared = usize::from(short(14).unwrap_or(0)).div_ceil(8);
        let container = frame_size / channels;
        let is_contradicted = number(8, 4) == Some(u64::from(rate) * (channels * declared) as u64);
        let is_container = frame_size.is_multiple_of(channels) && container >= declared.max(1);
        let sample_size = if is_container && !is_contradicted { container } else { declared };
        let bits = if bits == 0 { sample_size * 8 } else { bits };
        Limits::check_rate(rate)?;
        Ok(Self { tag, rate, sample_size, bits, layout: Layout::from_mask(channels, mask) })
    }

    const fn frame_size(&self) -> usize {
        self.sample_size * self.layout.channels()
    }

    fn coding(&self, data: &[u8]) -> Result<Coding, String> {
        match (self.tag, self.sample_size) {
            (1, 1) => Ok(Coding::Unsigned8),
            (1, size @ 2..=8) => Ok(Coding::Signed { shift: self.shift(size, data) }),
            (3, 4) => Ok(Coding::Float32),
            (3, 8) => Ok(Coding::Float64),
            (6, 1) => Ok(Coding::ALaw),
            (7, 1) => Ok(Coding::MuLaw),
            (1 | 3 | 6 | 7, size) => Err(format!(
                "the WAV file has samples of {} bits, which are not supported",
                size * 8
            )),
            (tag, _) => Err(formats::unsupported_wave(tag)),
        }
    }

    /// Returns by how many bits samples are shifted to the left to fill their container.
    ///
    /// Samples narrower than their container fill its upper bits by definition, so that there is
    /// nothing to do. Some programs fill the lower ones: then the upper bits of all samples are
    /// copies of the sign, and the lower ones are not all 0.
    fn shift(&self, size: usize, data: &[u8]) -> u32 {
        let unused = (size * 8).saturating_sub(self.bits) as u32;
        if unused == 0 {
            return 0;
        }
        let (mut is_upper, mut is_lower) = (true, true);
        for bytes in data.chunks_exact(size) {
            let sample = signed(bytes);
            is_upper &= sample.trailing_zeros() >= 64 - size as u32 * 8 + unused;
            is_lower &= (sample << unused) >> unused == sample;
            if !is_lower {
                return 0;
            }
        }
        if is_upper { 0 } else { unused }
    }
}

/// How a sample is stored.
#[derive(Debug, Clone, Copy)]
enum Coding {
    Unsigned8,
    Signed { shift: u32 },
    Float32,
    Float64,
    ALaw,
    MuLaw,
}

impl Coding {
    /// Decodes a sample to a number from −1.0 to 1.0.
    fn sample(self, bytes: &[u8]) -> f32 {
        match self {
            Self::Unsigned8 => (f32::from(bytes[0]) - 128.0) / 128.0,
            Self::Signed { shift } => {
                // Two to the 63rd: the sample fills the upper bits.
                ((signed(bytes) << shift) as f64 / 9_223_372_036_854_775_808.0) as f32
            }
            Self::Float32 => f32::from_bits(le(bytes) as u32),
            Self::Float64 => f64::from_bits(le(bytes)) as f32,
            Self::ALaw => f32::from(a_law(bytes[0])) / 32_768.0,
            Self::MuLaw => f32::from(mu_law(bytes[0])) / 32_768.0,
        }
    }
}

fn le(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Reads a signed number into the upper bits.
fn signed(bytes: &[u8]) -> i64 {
    (le(bytes) << (64 - 8 * bytes.len())) as i64
}

/// ITU-T G.711: a sign, three bits of exponent and four of mantissa.
fn mu_law(byte: u8) -> i16 {
    const BIAS: i16 = 0x84;
    let byte = !byte;
    let magnitude = ((i16::from(byte & 0x0F) << 3) + BIAS) << (byte >> 4 & 7);
    if byte & 0x80 == 0 { magnitude - BIAS } else { BIAS - magnitude }
}

fn a_law(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let mantissa = (i16::from(byte & 0x0F) << 4) + 8;
    let magnitude = match byte >> 4 & 7 {
        0 => mantissa,
        exponent => (mantissa + 0x100) << (exponent - 1),
    };
    if byte & 0x80 == 0 { -magnitude } else { magnitude }
}

/// Size of [`header`].
pub(crate) const HEADER: usize = 44;

/// Returns the header of a WAV file of 16-bit mono samples.
pub(crate) fn header(rate: u32, samples: u64) -> [u8; HEADER] {
    let size = u32::try_from(samples * 2).unwrap_or(u32::MAX);
    let mut header =
        *b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\0\0\0\0\0\0\0\0\x02\0\x10\0data\0\0\0\0";
    for (at, number) in
        [(4, size.saturating_add(36)), (24, rate), (28, rate.saturating_mul(2)), (40, size)]
    {
        header[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Cancel;

    fn chunk(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let padding = vec![0; content.len() % 2];
        [id, &(content.len() as u32).to_le_bytes()[..], content, &padding].concat()
    }

    fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
        let content = [b"WAVE".to_vec(), chunks.concat()].concat();
        chunk(b"RIFF", &content)
    }

    /// The chunk `fmt ` for samples of `bits` in containers of `size` bytes.
    fn format(tag: u16, channels: u16, size: u16, bits: u16) -> Vec<u8> {
        let (rate, frame) = (16_000_u32, channels * size);
        let mut content = [tag, channels].map(u16::to_le_bytes).concat();
        content.extend([rate, rate * u32::from(frame)].map(u32::to_le_bytes).concat());
        content.extend([frame, bits].map(u16::to_le_bytes).concat());
        chunk(b"fmt ", &content)
    }

    fn extensible(tag: u16, channels: u16, size: u16, bits: u16, mask: u32) -> Vec<u8> {
        let mut content = format(0xFFFE, channels, size, size * 8)[8..].to_vec();
        content.extend([22, bits].map(u16::to_le_bytes).concat());
        content.extend(mask.to_le_bytes());
        content.extend(tag.to_le_bytes());
        content.extend(b"\0\0\0\0\x10\0\x80\0\0\xAA\0\x38\x9B\x71");
        chunk(b"fmt ", &content)
    }

    fn samples(file: &[u8]) -> Result<Vec<i16>, String> {
        decode(file, Limits::of(file.len(), &Cancel::new())).map(|audio| audio.samples().to_vec())
    }

    const VALUES: [i16; 4] = [0, 4096, -4096, 12_288];

    fn pcm() -> Vec<u8> {
        VALUES.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn every_width_fills_the_upper_bits_of_its_container() {
        for size in 2..=8_u16 {
            for bits in [size * 8 - 7, size * 8 - 4, size * 8] {
                let data: Vec<u8> = VALUES
                    .iter()
                    .flat_map(|value| {
                        // The lowest used bit shows whether the upper or the lower bits are read.
                        let number = i64::from(*value) << 48 | 1 << (64 - bits);
                        number.to_le_bytes()[8 - usize::from(size)..].to_vec()
                    })
                    .collect();
                for format in [format(1, 1, size, bits), extensible(1, 1, size, bits, 4)] {
                    let read = samples(&riff(&[format, chunk(b"data", &data)])).unwrap();
                    let is_near = |(a, b): (&i16, &i16)| a.abs_diff(*b) <= 1 << (16 - bits.min(16));
                    assert!(read.iter().zip(&VALUES).all(is_near), "{size} {bits}: {read:?}");
                }
            }
        }
    }

    #[test]
    fn samples_in_the_lower_bits_are_found() {
        let data: Vec<u8> =
            VALUES.iter().flat_map(|value| (i32::from(*value) << 8 | 1).to_le_bytes()).collect();
        for format in [format(1, 1, 4, 24), extensible(1, 1, 4, 24, 4)] {
            assert_eq!(samples(&riff(&[format, chunk(b"data", &data)])).unwrap(), VALUES);
        }
    }

    #[test]
    fn a_wrong_frame_size_is_not_used() {
        let mut format = format(1, 1, 2, 16);
        format[20] = 4;
        assert_eq!(samples(&riff(&[format, chunk(b"data", &pcm())])).unwrap(), VALUES);
    }

    #[test]
    fn floats_bytes_and_companded_samples_are_read() {
        let numbers = [0.0, 0.125, -0.125, f64::NAN, 3.0];
        let expected = [0, 4096, -4096, 0, i16::MAX];
        let doubles: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let singles: Vec<u8> =
            numbers.iter().flat_map(|number| (*number as f32).to_le_bytes()).collect();
        for (format, data, expected) in [
            (format(3, 1, 8, 64), &doubles[..], &expected[..]),
            (extensible(3, 1, 4, 32, 4), &singles, &expected),
            (format(1, 1, 1, 8), &[128, 144, 112, 0, 255], &[0, 4096, -4096, i16::MIN, 32_512]),
            // The values of ITU-T G.711, scaled to 16 bits.
            (format(7, 1, 1, 8), &[0xFF, 0x80, 0x00, 0x7F], &[0, 32_124, -32_124, 0]),
            (format(6, 1, 1, 8), &[0xD5, 0xAA, 0x2A, 0x55], &[8, 32_256, -32_256, -8]),
        ] {
            assert_eq!(samples(&riff(&[format, chunk(b"data", data)])).unwrap(), expected);
        }
    }

    #[test]
    fn channels_are_mixed_by_their_mask() {
        let data: Vec<u8> =
            [0_i16, 0, 8192, 30_000].into_iter().flat_map(i16::to_le_bytes).collect();
        // Left, right, centre, low-frequency; then left, right, back left, back right.
        for (mask, expected) in [(0xF, 5793), (0x33, 13_503)] {
            let file = riff(&[extensible(1, 4, 2, 16, mask), chunk(b"data", &data)]);
            assert_eq!(samples(&file).unwrap(), [expected]);
        }
    }

    #[test]
    fn chunks_come_in_any_order_with_or_without_padding() {
        let format = format(1, 1, 2, 16);
        let data = chunk(b"data", &pcm());
        let odd = chunk(b"LIST", b"INFO\0");
        let unpadded = odd[..odd.len() - 1].to_vec();
        let empty = chunk(b"data", b"");
        let huge = [b"LIST".as_slice(), &[0xF0; 4], b"INFO"].concat();
        let unknown = chunk(b"\x01\x02\x03\x04", &[7; 9]);
        for chunks in [
            vec![format.clone(), data.clone()],
            vec![data.clone(), format.clone()],
            vec![odd.clone(), format.clone(), odd.clone(), data.clone(), odd.clone()],
            vec![format.clone(), unpadded.clone(), data.clone()],
            vec![unpadded.clone(), format.clone(), unpadded, data.clone()],
            vec![format.clone(), unknown, data.clone()],
            vec![format.clone(), empty, data.clone()],
            // A wrong size hides the samples.
            vec![format, huge, data],
        ] {
            assert_eq!(samples(&riff(&chunks)).unwrap(), VALUES);
        }
    }

    #[test]
    fn a_length_that_is_not_known_lasts_to_the_end() {
        let whole = riff(&[format(1, 1, 2, 16), chunk(b"data", &pcm())]);
        for length in [0, u32::MAX, 0x7FFF_F000, 0x7FFF_FFFF, 9] {
            for riff_length in [0, u32::MAX, length.wrapping_add(36)] {
                let mut file = whole.clone();
                file[4..8].copy_from_slice(&riff_length.to_le_bytes());
                file[40..44].copy_from_slice(&length.to_le_bytes());
                assert_eq!(samples(&file).unwrap(), VALUES, "{length:x} {riff_length:x}");
            }
        }
        let long = |id: &[u8; 4], size: u64| {
            let mut ds64 = vec![0; 28];
            ds64[8..16].copy_from_slice(&size.to_le_bytes());
            let mut data = chunk(b"data", &pcm());
            data[4..8].fill(0xFF);
            let mut file = riff(&[chunk(b"ds64", &ds64), format(1, 1, 2, 16), data]);
            file[..4].copy_from_slice(id);
            file[4..8].fill(0xFF);
            [file, chunk(b"LIST", b"INFO")].concat()
        };
        assert_eq!(samples(&long(b"RF64", 8)).unwrap(), VALUES);
        assert_eq!(samples(&long(b"BW64", 8)).unwrap(), VALUES);
        assert_eq!(samples(&long(b"RF64", u64::MAX)).unwrap()[..4], VALUES);
    }

    #[test]
    fn a_file_that_was_cut_keeps_its_start() {
        let whole = riff(&[format(1, 1, 2, 16), chunk(b"data", &pcm())]);
        for cut in 0..44 {
            assert!(samples(&whole[..cut]).is_err() || samples(&whole[..cut]).unwrap().is_empty());
        }
        for cut in 44..whole.len() {
            assert_eq!(samples(&whole[..cut]).unwrap(), VALUES[..(cut - 44) / 2]);
        }
    }

    #[test]
    fn what_a_header_claims_is_checked_before_any_work() {
        let file = |change: &dyn Fn(&mut [u8])| {
            let mut format = format(1, 1, 2, 16);
            change(&mut format);
            samples(&riff(&[format, chunk(b"data", &pcm())])).unwrap_err()
        };
        for (expected, at, bytes) in [
            ("4000000000 Hz", 12, &4_000_000_000_u32.to_le_bytes()[..]),
            ("is 0 Hz", 12, &[0; 4]),
            ("0 channels", 10, &[0; 2]),
            ("65535 channels", 10, &[0xFF; 2]),
            ("IMA ADPCM", 8, &[0x11, 0]),
            ("Microsoft ADPCM", 8, &[2, 0]),
            ("0xBEEF", 8, &[0xEF, 0xBE]),
            ("0 bits", 20, &[0; 4]),
            ("MP3 audio is broken", 8, &[0x55, 0]),
        ] {
            let error = file(&|format| format[at..at + bytes.len()].copy_from_slice(bytes));
            assert!(error.contains(expected), "{error}");
        }
        assert!(samples(&riff(&[format(1, 1, 2, 16)])).unwrap_err().contains("no samples"));
        assert!(samples(&riff(&[chunk(b"data", &pcm())])).unwrap_err().contains("no format"));
        let long = [vec![1, 1], vec![0; 9000]].concat();
        let mut slow = format(1, 1, 1, 8);
        slow[12..16].copy_from_slice(&1000_u32.to_le_bytes());
        assert_eq!(samples(&riff(&[slow, chunk(b"data", &long)])).unwrap().len(), 9002);
    }
}
