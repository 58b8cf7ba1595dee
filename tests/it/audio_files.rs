//! Audio as people have it: files of many programs, damaged files and hostile ones.

use std::path::PathBuf;
use std::time::Duration;

use nemovideo::media::{AudioBuffer, AudioClip, FrameSize, MediaError, Timeline};

fn cases() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases/audio")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(cases().join(name)).unwrap()
}

fn decode(name: &str) -> Result<AudioBuffer, MediaError> {
    AudioBuffer::decode(&read(name), name)
}

fn peak(audio: &AudioBuffer) -> u16 {
    audio.samples().iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0)
}

/// Name, sample rate, number of samples, and the peak, which MP3 and AAC only come near.
const READ: &[(&str, u32, usize, u16)] = &[
    ("ref.wav", 16_000, 3200, 4095),
    ("len-ffffffff.wav", 16_000, 3200, 4095),
    ("len-zero.wav", 16_000, 3200, 4095),
    ("odd-list.wav", 16_000, 3200, 4095),
    ("data-odd-bytes.wav", 16_000, 3200, 4095),
    ("ext-24-in-32.wav", 16_000, 3200, 4095),
    ("f64.wav", 16_000, 800, 4095),
    ("mulaw.wav", 16_000, 3200, 4092),
    ("rf64.wav", 16_000, 3200, 4095),
    ("truncated.wav", 16_000, 2699, 4095),
    ("surround.wav", 16_000, 800, 2896),
    ("stereo-opposite.wav", 16_000, 3200, 4095),
    ("mp3-in.wav", 16_000, 4608, 4095),
    ("aac.m4a", 44_100, 44_100, 2896),
    ("mp3-one-byte-after.mp3", 44_100, 44_100, 2807),
    ("cbr-id3v23.mp3", 44_100, 44_100, 2807),
    ("cover.mp3", 44_100, 44_100, 2807),
    ("ape-hf-v1.mp3", 44_100, 44_100, 2807),
    ("vbr.mp3", 44_100, 44_100, 3073),
    ("mpeg2.mp3", 22_050, 22_050, 2791),
    // Without a header that counts the padding, all 40 frames are audio.
    ("no-xing.mp3", 44_100, 46_080, 2807),
    ("ape-end.mp3", 44_100, 46_080, 2807),
    ("id3-footer.mp3", 44_100, 46_080, 2807),
    ("id3-short-size.mp3", 44_100, 46_080, 2807),
    ("id3v1-end.mp3", 44_100, 46_080, 2807),
    ("id3v1-spaces-end.mp3", 44_100, 46_080, 2807),
    ("junk-front-ff.mp3", 44_100, 46_080, 2807),
    ("two-id3.mp3", 44_100, 46_080, 2807),
    ("zero-middle.mp3", 44_100, 46_080, 2807),
    ("broken-middle.mp3", 44_100, 46_080, 2807),
];

/// Name, and what the error says.
const NAMED: &[(&str, &str)] = &[("adpcm.wav", "IMA ADPCM"), ("alac.m4a", "Apple Lossless (ALAC)")];

#[test]
fn ordinary_files_come_out_whole() {
    for (name, rate, samples, expected) in READ {
        let audio = decode(name).unwrap();
        assert_eq!((audio.sample_rate(), audio.samples().len()), (*rate, *samples), "{name}");
        let (peak, lossy) = (peak(&audio), !name.ends_with(".wav") || name.starts_with("mp3"));
        let margin = if lossy { expected / 4 } else { 1 };
        assert!(peak.abs_diff(*expected) <= margin, "{name}: {peak}");
    }
}

#[test]
fn a_coding_that_is_not_supported_is_named_with_the_file() {
    for (name, coding) in NAMED {
        let error = decode(name).unwrap_err().to_string();
        assert!(error.contains(coding) && error.contains(name), "{error}");
        assert!(error.contains("convert it to MP3"), "{error}");
    }
}

#[test]
fn every_case_file_is_tested() {
    let mut tested: Vec<_> =
        READ.iter().map(|row| row.0).chain(NAMED.iter().map(|row| row.0)).collect();
    tested.sort_unstable();
    let entries = std::fs::read_dir(cases()).unwrap();
    let mut files: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort_unstable();
    assert_eq!(tested, files);
}

#[test]
fn the_same_samples_are_read_from_every_container_of_them() {
    let reference = decode("ref.wav").unwrap();
    for name in
        ["len-ffffffff.wav", "len-zero.wav", "odd-list.wav", "rf64.wav", "data-odd-bytes.wav"]
    {
        assert_eq!(decode(name).unwrap(), reference, "{name}");
    }
    let plain = decode("no-xing.mp3").unwrap();
    for name in ["ape-end.mp3", "id3-short-size.mp3", "junk-front-ff.mp3", "two-id3.mp3"] {
        assert_eq!(decode(name).unwrap(), plain, "{name}");
    }
    let tagged = decode("cbr-id3v23.mp3").unwrap();
    for name in ["mp3-one-byte-after.mp3", "cover.mp3", "ape-hf-v1.mp3"] {
        assert_eq!(decode(name).unwrap(), tagged, "{name}");
    }
}

/// A generator that gives the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Decodes a damaged file: to audio that is not larger than the file can hold, or to an error that
/// names it.
fn check(bytes: &[u8], name: &str, damage: std::fmt::Arguments<'_>) {
    match AudioBuffer::decode(bytes, name) {
        Ok(audio) => {
            let samples = audio.samples().len();
            assert!(samples > 0 && samples <= (2 << 20) + 12 * bytes.len(), "{name}, {damage}");
            assert!((1000..=768_000).contains(&audio.sample_rate()), "{name}, {damage}");
        }
        Err(error) => assert!(error.to_string().contains(name), "{name}, {damage}: {error}"),
    }
}

#[test]
fn cut_and_changed_files_give_audio_or_an_error() {
    let mut numbers = Numbers(9);
    for name in READ.iter().map(|row| row.0).chain(NAMED.iter().map(|row| row.0)) {
        let file = read(name);
        // Headers decide, and more so where the rest takes long to decode.
        let is_pcm = name.ends_with(".wav") && !name.starts_with("mp3");
        let (header, sampled) = if is_pcm { (80, 40) } else { (10, 6) };
        let samples: Vec<usize> = (0..sampled).map(|_| numbers.below(file.len())).collect();
        for at in (0..header).chain(samples) {
            check(&file[..at], name, format_args!("cut at {at}"));
            let mut changed = file.clone();
            changed[at] = [0, 0xFF, file[at] ^ 1 << numbers.below(8)][numbers.below(3)];
            check(&changed, name, format_args!("{at} is {}", changed[at]));
        }
    }
}

#[test]
fn the_index_of_an_m4a_file_is_not_trusted() {
    let mut numbers = Numbers(7);
    let file = read("aac.m4a");
    let index = file.windows(4).position(|kind| kind == b"moov").unwrap();
    for _ in 0..60 {
        let at = index + numbers.below(file.len() - index);
        let mut changed = file.clone();
        let end = (at + 1 + numbers.below(4)).min(file.len());
        changed[at..end].fill(numbers.below(256) as u8);
        check(&changed, "aac.m4a", format_args!("{at} to {end}"));
    }
}

#[test]
fn a_small_file_does_not_become_hours_of_audio() {
    // 8 kbit/s at 24 kHz: 24 bytes become 576 samples.
    let frame = [b"\xFF\xF3\x14\xC4".as_slice(), &[0; 20]].concat();
    let error = AudioBuffer::decode(&frame.repeat(15_000), "long.mp3").unwrap_err();
    assert!(error.to_string().contains("file of its size"), "{error}");
    let short = AudioBuffer::decode(&frame.repeat(3000), "short.mp3").unwrap();
    assert_eq!(short.samples().len(), 3000 * 576);
}

#[test]
fn a_voice_cannot_make_the_mixer_take_all_memory() {
    let mut timeline = Timeline::new(FrameSize::LANDSCAPE, Duration::from_secs(1));
    timeline.audio.push(AudioClip::new(AudioBuffer::new(u32::MAX, [1; 9]), Duration::ZERO));
    let error = timeline.check().unwrap_err();
    assert!(
        matches!(&error, MediaError::Timeline(why) if why.contains("4294967295 Hz")),
        "{error}"
    );
}
