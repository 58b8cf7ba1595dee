//! FFmpeg, which most players are based on, accepts the rendered files. Without `ffmpeg` and
//! `ffprobe` these tests are skipped with a note, except under CI, where they fail.
//! `media_video.rs` needs neither.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nemovideo::media::{
    Cancel, Chapter, FrameSize, Gradient, Narration, Pico, RenderOptions, SpeechOptions, TextClip,
    Timeline, VideoBackground, narrate, poster, render,
};

const SCRIPT: &str = "Coffee came to Venice by ship. Within a century, all of Europe drank it!";

fn is_installed() -> bool {
    let runs = |program: &str| {
        let mut command = Command::new(program);
        command.arg("-version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let installed = runs("ffmpeg") && runs("ffprobe");
    if !installed {
        assert!(std::env::var_os("CI").is_none(), "CI needs ffmpeg and ffprobe");
        eprintln!("ffmpeg or ffprobe is not installed: this test is skipped");
    }
    installed
}

fn output(program: &str, args: &[&str], file: &Path) -> String {
    let output = Command::new(program).args(args).arg(file).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn narrated(frame: FrameSize) -> (Timeline, Narration) {
    let narration =
        narrate(SCRIPT, &Pico::new(), &SpeechOptions::default(), &Cancel::new()).unwrap();
    let mut video = Timeline::new(frame, narration.duration());
    video.audio = narration.audio();
    video.texts = narration.captions();
    (video, narration)
}

fn make(timeline: &Timeline, options: RenderOptions, path: &Path) {
    render(timeline, options, path, &|_| {}, &Cancel::new()).unwrap();
}

fn decodes_without_errors(path: &Path) {
    let file = path.to_str().unwrap();
    let args = ["-v", "error", "-i", file, "-f", "null", "-"];
    let output = Command::new("ffmpeg").args(args).output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_video_has_the_properties_that_players_expect_in_every_shape() {
    if !is_installed() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for frame in [FrameSize::LANDSCAPE, FrameSize::PORTRAIT, FrameSize::SQUARE] {
        let path = directory.path().join("video.mp4");
        let (video, _) = narrated(frame);
        make(&video, RenderOptions::mp4(), &path);
        decodes_without_errors(&path);
        let probe = |stream: &str, entries: &str| -> Vec<String> {
            let entries = format!("stream={entries}");
            let args = [
                "-v",
                "error",
                "-count_frames",
                "-select_streams",
                stream,
                "-show_entries",
                &entries,
                "-of",
                "csv=p=0",
            ];
            output("ffprobe", &args, &path).trim().split(',').map(str::to_owned).collect()
        };
        let frames = (video.duration.as_secs_f64() * 30.0).round() as u32;
        let fields = probe(
            "v",
            "codec_name,width,height,r_frame_rate,avg_frame_rate,nb_read_frames,color_range,color_space,color_primaries,color_transfer",
        );
        for expected in [
            "h264",
            "30/1",
            "tv",
            "bt709",
            &frame.width.to_string(),
            &frame.height.to_string(),
            &frames.to_string(),
        ] {
            assert!(fields.iter().any(|field| field == expected), "{expected} in {fields:?}");
        }
        assert_eq!(fields.iter().filter(|field| *field == "30/1").count(), 2, "{fields:?}");
        assert_eq!(probe("a", "codec_name,sample_rate"), ["aac", "48000"]);
        let ends = |stream: &str| {
            let fields = probe(stream, "start_time,duration");
            fields.iter().map(|field| field.parse::<f64>().unwrap()).sum::<f64>()
        };
        assert!((ends("v") - ends("a")).abs() < 0.05, "{} {}", ends("v"), ends("a"));
        assert!((ends("v") - video.duration.as_secs_f64()).abs() < 0.02);
    }
}

#[test]
fn chapters_and_languages_are_listed() {
    if !is_installed() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let long = "Ü".repeat(127);
    for chapters in [
        vec![(0, "Intro"), (1000, "第二章：咖啡"), (2345, &*long)],
        // The first one is late.
        vec![(1500, "Nur dies 🎉")],
        vec![(250, "A"), (4000, "B")],
    ] {
        for (options, name) in
            [(RenderOptions::mp4(), "video.mp4"), (RenderOptions::m4a(), "audio.m4a")]
        {
            let path = directory.path().join(name);
            let mut video = Timeline::new(FrameSize::SQUARE, Duration::from_millis(5000));
            video.language = Some("de-AT".to_owned());
            let chapter =
                |(start, title): &(u64, &str)| Chapter::new(*title, Duration::from_millis(*start));
            video.chapters = chapters.iter().map(chapter).collect();
            make(&video, options, &path);
            decodes_without_errors(&path);
            let args = ["-v", "warning", "-show_chapters", "-show_streams", "-of", "json"];
            let probed = output("ffprobe", &args, &path);
            let probed: serde_json::Value = serde_json::from_str(&probed).unwrap();
            let millis = |time: &serde_json::Value| {
                (time.as_str().unwrap().parse::<f64>().unwrap() * 1000.0).round() as u64
            };
            let found: Vec<(u64, u64, &str)> = probed["chapters"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| {
                    let title = it["tags"]["title"].as_str().unwrap();
                    (millis(&it["start_time"]), millis(&it["end_time"]), title)
                })
                .collect();
            // FFmpeg takes the duration of the chapters for the end of the last one.
            let end = 5000 - chapters[0].0;
            let ends = chapters.iter().skip(1).map(|(start, _)| *start).chain([end]);
            let expected: Vec<_> = chapters
                .iter()
                .zip(ends)
                .map(|((start, title), end)| (*start, end, *title))
                .collect();
            assert_eq!(found, expected, "{name}");
            for stream in probed["streams"].as_array().unwrap() {
                assert_eq!(stream["tags"]["language"], "deu", "{stream}");
                if stream["codec_type"] != "data" {
                    assert_eq!(millis(&stream["duration"]), 5000, "{stream}");
                    assert_eq!(millis(&stream["start_time"]), 0, "{stream}");
                }
            }
        }
    }
}

#[test]
fn a_poster_has_the_pixels_of_the_video() {
    if !is_installed() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let [path, still] = ["video.mp4", "poster.png"].map(|name| directory.path().join(name));
    let size = FrameSize { width: 640, height: 360 };
    let millis = Duration::from_millis;
    let mut video = Timeline::new(size, millis(3000));
    video.background = VideoBackground::Gradient(Gradient::Ember);
    video.texts.push(TextClip::title("One", millis(500), millis(1000)));
    video.texts.push(TextClip::caption("Two", millis(1200), millis(1000)));
    make(&video, RenderOptions::mp4(), &path);
    for frame in [0, 35, 36, 66] {
        poster(&video, millis(frame * 1000 / 30 + 1), &still, &Cancel::new()).unwrap();
        // With each color for four pixels, as in the poster, and not interpolated.
        let scale = "scale=in_color_matrix=bt709:flags=neighbor+accurate_rnd+full_chroma_int";
        let select = format!("select=eq(n\\,{frame}),{scale},format=rgb24");
        let pixels = |file: &Path, filter: &str| {
            let args = ["-v", "error", "-i", file.to_str().unwrap(), "-vf", filter];
            let mut command = Command::new("ffmpeg");
            command.args(args).args(["-frames:v", "1", "-f", "rawvideo", "-"]);
            command.output().unwrap().stdout
        };
        let (shown, poster) = (pixels(&path, &select), pixels(&still, "format=rgb24"));
        assert_eq!((shown.len(), poster.len()), (640 * 360 * 3, 640 * 360 * 3));
        let worst = shown.iter().zip(&poster).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= 2, "frame {frame}: {worst}");
    }
}

#[test]
fn speech_begins_when_its_caption_does() {
    if !is_installed() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for (options, name) in [
        (RenderOptions::mp4(), "video.mp4"),
        (RenderOptions::m4a(), "audio.m4a"),
        (RenderOptions::wav(), "audio.wav"),
    ] {
        let path = directory.path().join(name);
        let (mut video, narration) = narrated(FrameSize::SQUARE);
        // Not at the start of a video frame or an AAC frame.
        let late = Duration::from_millis(123);
        video.duration += late;
        video.audio.iter_mut().for_each(|clip| clip.start += late);
        video.texts.iter_mut().for_each(|clip| clip.start += late);
        make(&video, options, &path);
        decodes_without_errors(&path);
        let pcm = Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-i",
                path.to_str().unwrap(),
                "-f",
                "s16le",
                "-ac",
                "1",
                "-ar",
                "16000",
                "-",
            ])
            .output()
            .unwrap()
            .stdout;
        let heard: Vec<f64> =
            pcm.chunks_exact(2).map(|s| f64::from(i16::from_le_bytes([s[0], s[1]]))).collect();
        for spoken in &narration.sentences {
            let expected: Vec<f64> = spoken.audio.samples().iter().map(|&s| f64::from(s)).collect();
            let position = ((spoken.start + late).as_secs_f64() * 16_000.0).round() as i64;
            // The shift, of up to 40 ms, with the highest correlation.
            let correlation = |shift: i64| -> f64 {
                let start = usize::try_from(position + shift).unwrap();
                expected.iter().zip(&heard[start..]).map(|(a, b)| a * b).sum()
            };
            let best =
                (-640..=640).max_by(|a, b| correlation(*a).total_cmp(&correlation(*b))).unwrap();
            assert!(best.abs() <= 16, "{name}: {:?} is {} ms off", spoken.text, best as f64 / 16.0);
        }
    }
}
