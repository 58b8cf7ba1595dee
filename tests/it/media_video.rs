//! A rendered file contains the images, captions and audio of its timeline, each at its time.
//! The files are decoded with the crate's own dependencies, so no player is needed;
//! `media_ffmpeg.rs` checks them with FFmpeg.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use nemovideo::media::{
    AudioBuffer, AudioClip, Cancel, FrameSize, Gradient, Image, MediaError, Quality, RenderOptions,
    TextClip, Timeline, VideoBackground, render,
};
use openh264::decoder::Decoder;
use openh264::formats::YUVSource as _;

const SIZE: FrameSize = FrameSize { width: 320, height: 180 };

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns a tone with abrupt ends.
fn beep(length: Duration) -> AudioBuffer {
    let samples = (length.as_secs_f64() * 16_000.0) as usize;
    let wave = |n: usize| (12_000.0 * (n as f32 * 0.4).sin()) as i16;
    AudioBuffer::new(16_000, (0..samples).map(wave).collect::<Vec<_>>())
}

/// Returns a timeline of beeps with a caption each.
fn beeping_video() -> Timeline {
    let mut video = Timeline::new(SIZE, millis(4_000));
    for (start, length) in [(500, 700), (1_750, 350), (2_600, 1_000)] {
        video.audio.push(AudioClip::new(beep(millis(length)), millis(start)));
        video.texts.push(TextClip::caption("Beep beep", millis(start), millis(length)));
    }
    video
}

fn make(timeline: &Timeline, options: RenderOptions, name: &str) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    let duration = render(timeline, options, &path, &|_| {}, &Cancel::new()).unwrap();
    assert!(duration.abs_diff(timeline.duration) <= millis(17), "half a frame: {duration:?}");
    std::fs::read(&path).unwrap()
}

/// Returns the boxes with this path in an MP4.
fn boxes<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Vec<&'a [u8]> {
    let [kind, deeper @ ..] = path else { return vec![bytes] };
    let mut found = Vec::new();
    let mut rest = bytes;
    while rest.len() >= 8 {
        let size = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        if rest[4..8] == kind[..] {
            found.extend(boxes(&rest[8..size], deeper));
        }
        rest = &rest[size..];
    }
    found
}

fn numbers(table: &[u8], skip: usize) -> Vec<usize> {
    table[skip..]
        .chunks_exact(4)
        .map(|n| u32::from_be_bytes(n.try_into().unwrap()) as usize)
        .collect()
}

/// Decodes an MP4 and returns the brightest pixel in the lower third of each frame.
fn brightness(file: &[u8]) -> Vec<u8> {
    let tables = boxes(file, &[b"moov", b"trak", b"mdia", b"minf", b"stbl"]);
    let stbl =
        tables.iter().find(|stbl| !boxes(stbl, &[b"stss"]).is_empty()).expect("a video track");
    let sizes = numbers(boxes(stbl, &[b"stsz"])[0], 12);
    let chunks = numbers(boxes(stbl, &[b"stco"])[0], 8);
    let groups = numbers(boxes(stbl, &[b"stsc"])[0], 8);
    let mut offsets = Vec::new();
    for (chunk, number) in chunks.into_iter().zip(1..) {
        let group = groups.chunks_exact(3).rfind(|group| group[0] <= number).unwrap();
        let mut offset = chunk;
        for _ in 0..group[1] {
            let size = sizes[offsets.len()];
            offsets.push(offset);
            offset += size;
        }
    }
    assert_eq!(sizes.len(), offsets.len());
    // The parameter sets from the sample description, as a player reads them.
    let description = boxes(stbl, &[b"stsd"])[0];
    let avc_config = description.windows(4).position(|w| w == b"avcC").unwrap() + 4;
    let avcc = &description[avc_config..];
    let sps = u16::from_be_bytes([avcc[6], avcc[7]]) as usize;
    let pps = u16::from_be_bytes([avcc[9 + sps], avcc[10 + sps]]) as usize;
    let mut stream =
        [&[0, 0, 0, 1], &avcc[8..8 + sps], &[0, 0, 0, 1], &avcc[11 + sps..][..pps]].concat();
    let mut decoder = Decoder::new().unwrap();
    offsets
        .into_iter()
        .zip(sizes)
        .map(|(offset, size)| {
            let mut sample = &file[offset..offset + size];
            while !sample.is_empty() {
                let length = u32::from_be_bytes(sample[..4].try_into().unwrap()) as usize;
                stream.extend([0, 0, 0, 1]);
                stream.extend(&sample[4..4 + length]);
                sample = &sample[4 + length..];
            }
            let frame = decoder.decode(&std::mem::take(&mut stream)).unwrap().expect("a frame");
            assert_eq!(frame.dimensions(), (320, 180));
            let lower = &frame.y()[frame.strides().0 * 120..];
            *lower.iter().max().unwrap()
        })
        .collect()
}

/// Returns the start and end of each loud span in seconds.
fn loud_spans(samples: &[f32], rate: u32) -> Vec<(f64, f64)> {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (at, sample) in samples.iter().enumerate() {
        if sample.abs() > 0.1 {
            match spans.last_mut() {
                Some((_, end)) if at - *end < rate as usize / 20 => *end = at,
                _ => spans.push((at, at)),
            }
        }
    }
    let seconds = |at: usize| at as f64 / f64::from(rate);
    spans.into_iter().map(|(start, end)| (seconds(start), seconds(end))).collect()
}

fn assert_beeps(samples: &[f32], rate: u32) {
    let spans = loud_spans(samples, rate);
    let expected = [(0.5, 1.2), (1.75, 2.1), (2.6, 3.6)];
    assert_eq!(spans.len(), expected.len(), "{spans:?}");
    for (span, planned) in spans.iter().zip(expected) {
        let off = (span.0 - planned.0).abs().max((span.1 - planned.1).abs());
        assert!(off < 0.01, "{spans:?}");
    }
}

#[test]
fn captions_and_audio_appear_at_their_times_only() {
    let file = make(&beeping_video(), RenderOptions::default(), "video.mp4");
    let bright = brightness(&file);
    assert_eq!(bright.len(), 120);
    let shown =
        |frame: u32| [(15..36), (53..63), (78..108)].iter().any(|span| span.contains(&frame));
    for (frame, &brightest) in bright.iter().enumerate() {
        assert_eq!(brightest > 200, shown(frame as u32), "frame {frame}: {brightest}");
    }
    let audio = syom::decode(&file).unwrap();
    assert_beeps(&audio.channels[0], audio.sample_rate);
    let length = audio.channels[0].len() as f64 / 48_000.0;
    assert_eq!(length, 4.0, "the encoder's delay and padding are removed");
}

#[test]
fn the_index_comes_first_so_that_a_video_plays_while_it_loads() {
    let file = make(&beeping_video(), RenderOptions::default(), "video.mp4");
    let at = |kind: &[u8]| file.windows(4).position(|w| w == kind).unwrap();
    assert!(at(b"moov") < at(b"mdat"));
}

#[test]
fn audio_files_contain_the_audio_of_the_video() {
    let m4a = make(&beeping_video(), RenderOptions::m4a(), "audio.m4a");
    let audio = syom::decode(&m4a).unwrap();
    assert_eq!(audio.channels[0].len(), 4 * 48_000, "the encoder's delay and padding are removed");
    assert_beeps(&audio.channels[0], audio.sample_rate);
    let wav = make(&beeping_video(), RenderOptions::wav(), "audio.wav");
    let audio = AudioBuffer::decode(&wav, "audio.wav").unwrap();
    assert_eq!(audio.samples().len(), 4 * 48_000);
    let samples: Vec<f32> = audio.samples().iter().map(|&s| f32::from(s) / 32_768.0).collect();
    assert_beeps(&samples, 48_000);
}

#[test]
fn the_same_timeline_gives_the_same_file() {
    let video = beeping_video();
    let once = make(&video, RenderOptions::default(), "video.mp4");
    assert!(once == make(&video, RenderOptions::default(), "video.mp4"));
    let smaller = make(&video, RenderOptions::default().with_quality(Quality::Low), "video.mp4");
    assert!(smaller.len() < once.len());
}

#[test]
fn a_timeline_without_audio_and_text_is_rendered() {
    let file = make(&Timeline::new(SIZE, millis(12_345)), RenderOptions::default(), "video.mp4");
    assert_eq!(brightness(&file).len(), 370);
    assert!(loud_spans(&syom::decode(&file).unwrap().channels[0], 48_000).is_empty());
}

#[test]
fn an_image_is_visible_behind_the_captions() {
    let mut png = std::io::Cursor::new(Vec::new());
    let white = image::RgbImage::from_pixel(64, 48, image::Rgb([255, 255, 255]));
    white.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let mut video = Timeline::new(SIZE, millis(500));
    video.background = VideoBackground::Gradient(Gradient::Ocean);
    let dark = brightness(&make(&video, RenderOptions::default(), "video.mp4"));
    video.background = VideoBackground::Image(Image::decode(png.get_ref(), "image.png").unwrap());
    let light = brightness(&make(&video, RenderOptions::default(), "video.mp4"));
    assert!(dark.iter().all(|&b| b < 150) && light.iter().all(|&b| b > 225), "{dark:?} {light:?}");
}

#[test]
fn progress_never_decreases_and_ends_at_one() {
    let seen = Mutex::new(Vec::new());
    let directory = tempfile::tempdir().unwrap();
    let note = |part: f32| seen.lock().unwrap().push(part);
    render(
        &beeping_video(),
        RenderOptions::default(),
        &directory.path().join("f.mp4"),
        &note,
        &Cancel::new(),
    )
    .unwrap();
    let seen = seen.into_inner().unwrap();
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!((seen.first(), seen.last()), (Some(&0.0), Some(&1.0)));
}

#[test]
fn cancelled_or_failed_work_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("video.mp4");
    let is_empty = || std::fs::read_dir(directory.path()).unwrap().next().is_none();
    for options in [RenderOptions::mp4(), RenderOptions::m4a(), RenderOptions::wav()] {
        let cancel = Cancel::new();
        let stop = |part: f32| {
            if part > 0.0 {
                cancel.cancel()
            }
        };
        let result = render(&beeping_video(), options, &path, &stop, &cancel);
        assert!(matches!(result, Err(MediaError::Cancelled)), "{result:?}");
        assert!(is_empty());
    }
    let mut video = beeping_video();
    video.texts.push(TextClip::title("咖啡", millis(0), millis(100)));
    let result = render(&video, RenderOptions::default(), &path, &|_| {}, &Cancel::new());
    assert!(matches!(result, Err(MediaError::NoGlyphs { .. })));
    assert!(is_empty());
    let nowhere = Path::new("/no/such/directory/video.mp4");
    let result =
        render(&beeping_video(), RenderOptions::default(), nowhere, &|_| {}, &Cancel::new());
    assert!(matches!(result, Err(MediaError::Io { .. })));
}

fn problem(edit: impl FnOnce(&mut Timeline)) -> String {
    let mut timeline = Timeline::new(FrameSize::SQUARE, Duration::from_secs(1));
    timeline.check().expect("it is valid before the edit");
    edit(&mut timeline);
    timeline.check().expect_err("it is invalid after the edit").to_string()
}

#[test]
fn an_unsupported_timeline_is_rejected() {
    assert!(problem(|t| t.duration = Duration::ZERO).contains("shorter"));
    assert!(problem(|t| t.duration = Duration::from_secs(1 << 30)).contains("longer"));
    assert!(problem(|t| t.frame.width = 1081).contains("1081×1080"));
    assert!(problem(|t| t.frame = FrameSize { width: 3840, height: 3840 }).contains("3840×3840"));
    let chinese =
        problem(|t| t.texts.push(TextClip::caption("咖啡 ok 咖", Duration::ZERO, t.duration)));
    assert!(chinese.contains("“咖啡”") && chinese.contains("font file"), "{chinese}");
}
