//! How long the main job takes: the script that comes with the examples, spoken and made into a
//! film of 1920×1080.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nemovideo::media::{
    Cancel, Delivery, FrameSize, Narration, Output, Pico, Timeline, narrate, render,
};

const SCRIPT: &str = include_str!("../examples/scripts/voiceover.txt");

fn speech() -> Narration {
    narrate(SCRIPT, &Pico::new(), &Delivery::default(), &Cancel::new()).expect("the voice speaks")
}

fn film(narration: &Narration) -> Timeline {
    let mut film = Timeline::new(FrameSize::LANDSCAPE, narration.duration());
    film.sounds = narration.sounds();
    film.texts = narration.captions();
    film
}

fn media(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("media");
    group.sample_size(10);
    group.bench_function("narrate", |bencher| bencher.iter(|| black_box(speech())));
    let film = film(&speech());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("film.mp4");
    group.bench_function("render", |bencher| {
        bencher.iter(|| {
            render(&film, Output::default(), &path, &|_| {}, &Cancel::new())
                .expect("the film is made")
        });
    });
    group.finish();
}

criterion_group!(benches, media);
criterion_main!(benches);
