//! Measures speaking the script of the examples and rendering it as a 1920×1080 video.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nemovideo::media::{
    Cancel, FrameSize, Narration, Pico, RenderOptions, SpeechOptions, Timeline, narrate, render,
};

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
    group.finish();
}

criterion_group!(benches, media);
criterion_main!(benches);
