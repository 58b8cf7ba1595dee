//! Measures speaking the script of the examples, rendering it as a 1920×1080 video, and both with
//! the embedded backend and a client, as the example `voiceover` does.
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
    Cancel, FrameSize, Narration, Pico, RenderOptions, SpeechOptions, Timeline, narrate, render,
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
    let timeline = video(&speech());
    let render = || {
        let options = RenderOptions::default();
        let duration = render(&timeline, options, &path, &|_| {}, &Cancel::new());
        duration.expect("the video is rendered").as_millis() as usize
    };
    Row::new("rendering").run("nemovideo", render).measure(Amount::Whole);
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
