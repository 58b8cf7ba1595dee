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

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
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

fn media(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("media");
    group.sample_size(10);
    group.bench_function("narrate", |bencher| bencher.iter(|| black_box(speech())));
    let timeline = video(&speech());
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("video.mp4");
    group.bench_function("render", |bencher| {
        bencher.iter(|| {
            render(&timeline, RenderOptions::default(), &path, &|_| {}, &Cancel::new())
                .expect("the video is rendered")
        });
    });
    let runtime = Runtime::new().expect("a runtime");
    group.bench_function("script_to_video", |bencher| {
        bencher.iter(|| {
            runtime.block_on(voiceover(SCRIPT.to_owned(), &path)).expect("the video is made")
        });
    });
    group.finish();
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
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    println!(
        "{words} words, {:.0} s of video in {:.1} s: {:.0} times real time; {peak}",
        length.as_secs_f64(),
        took.as_secs_f64(),
        length.as_secs_f64() / took.as_secs_f64()
    );
}

criterion_group!(benches, media);

fn main() {
    if std::env::var_os("NEMOVIDEO_LONG").is_some() {
        return long();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
