//! Measures speaking the script of the examples, rendering it as a 1920×1080 video, over a gradient
//! and over images that grow and fade, and speaking and rendering with the embedded backend and a
//! client, as the example `voiceover` does.
//!
//! With `NEMOVIDEO_LONG` set, it makes the video of a script of 9,450 words once, 59 minutes long,
//! and prints the time and the peak of the memory:
//!
//! ```sh
//! cargo bench --bench media
//! NEMOVIDEO_LONG=1 cargo bench --bench media
//! ```

mod compare;

use std::path::Path;
use std::time::{Duration, Instant};

use compare::{Amount, Row, memory};
use nemovideo::local::LocalBackend;
use nemovideo::media::{
    Cancel, FrameSize, Image, ImageMotion, Narration, Pico, RenderOptions, Scene, SpeechOptions,
    Timeline, VideoBackground, narrate, render,
};
use nemovideo::project::Script;
use nemovideo::{NemoClient, RenderPolling};
use tokio::runtime::Runtime;

const SCRIPT: &str = include_str!("../examples/scripts/voiceover.txt");

fn speech() -> Narration {
    narrate(SCRIPT, &Pico::new(), &SpeechOptions::default(), &Cancel::new())
        .expect("the voice speaks")
}

fn video(narration: &Narration) -> Timeline {
    let mut timeline = Timeline::new(FrameSize::LANDSCAPE, narration.duration());
    timeline.audio = narration.audio();
    timeline.texts = narration.captions();
    timeline
}

/// Returns an image with as much detail as a photo.
fn photo(seed: u32) -> Image {
    let value = |x: u32, y: u32, channel: u32| {
        let wave =
            ((x + seed * 400) as f32 / 90.0).sin() * ((y + channel * 50) as f32 / 70.0).cos();
        let leaf = ((x * y / 900 + seed) as f32 / 12.0).sin() * 20.0;
        let noise = (x * 73 + y * 179 + channel * 283).wrapping_mul(2_654_435_761) >> 28;
        (wave * 80.0 + leaf + noise as f32 + 110.0) as u8
    };
    let pixel = |x, y| image::Rgb([value(x, y, 0), value(x, y, 1), value(x, y, 2)]);
    let mut png = std::io::Cursor::new(Vec::new());
    let photo = image::RgbImage::from_fn(2400, 1600, pixel);
    photo.write_to(&mut png, image::ImageFormat::Png).expect("an image");
    Image::decode(png.get_ref(), "photo.png").expect("an image")
}

/// A scene every twelve seconds.
fn scenes(timeline: &mut Timeline) {
    let starts = (0..).map(|number: u32| (number, Duration::from_secs(12) * number));
    for (number, start) in starts.take_while(|(_, start)| *start < timeline.duration) {
        let mut scene = Scene::new(VideoBackground::Image(photo(number)), start);
        scene.motion = ImageMotion::Zoom;
        scene.fade = Duration::from_millis(500);
        timeline.scenes.push(scene);
    }
}

/// Makes a video with a new backend and client, and returns its duration.
async fn voiceover(script: String, path: &Path) -> nemovideo::Result<Duration> {
    let backend = LocalBackend::builder().start().await.expect("the backend starts");
    let client = NemoClient::builder()
        .base_url(backend.url())
        .in_memory_credentials()
        .polling(RenderPolling::new(Duration::from_millis(10), 90_000))
        .build()?;
    let saved = client.voiceover(Script::text(script)?).save_to(path).await?;
    Ok(saved.video.duration.unwrap_or_default())
}

/// The steps, and all of them as a program takes them.
fn short() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("video.mp4");
    Row::new("speech").run("nemovideo", || speech().sentences.len()).measure(Amount::Whole);
    let mut timeline = video(&speech());
    let rendered = |timeline: &Timeline| {
        let options = RenderOptions::default();
        let duration = render(timeline, options, &path, &|_| {}, &Cancel::new());
        duration.expect("the video is rendered").as_millis() as usize
    };
    Row::new("rendering").run("nemovideo", || rendered(&timeline)).measure(Amount::Whole);
    scenes(&mut timeline);
    Row::new("rendering with images that grow and fade")
        .run("nemovideo", || rendered(&timeline))
        .measure(Amount::Whole);
    let runtime = Runtime::new().expect("a runtime");
    let voiceover = || {
        let length = runtime.block_on(voiceover(SCRIPT.to_owned(), &path));
        length.expect("the video is made").as_millis() as usize
    };
    Row::new("script to video").run("nemovideo", voiceover).measure(Amount::Whole);
}

/// Makes the long video once.
fn long() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("video.mp4");
    let script = vec![SCRIPT.trim(); 45].join("\n\n");
    let words = script.split_whitespace().count();
    let began = Instant::now();
    let runtime = Runtime::new().expect("a runtime");
    let length = runtime.block_on(voiceover(script, &path)).expect("the video is made");
    let took = began.elapsed();
    println!(
        "{words} words, {:.0} s of video in {:.1} s: {:.0} times real time; at most {:.0} MB of memory",
        length.as_secs_f64(),
        took.as_secs_f64(),
        length.as_secs_f64() / took.as_secs_f64(),
        memory("VmHWM") as f64 / 1e6
    );
}

fn main() {
    match std::env::var_os("NEMOVIDEO_LONG") {
        Some(_) => long(),
        None => short(),
    }
}
