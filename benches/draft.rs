//! What a large draft costs: parsed, serialized, summarized, compared with another.
//!
//! `cargo bench --bench draft`

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nemovideo::draft::{Draft, Json, TrackKind};
use serde_json::Value;

/// A draft with this many segments, as the embedded backend writes them.
fn draft_of(segments: u32) -> Draft {
    let mut draft = Draft::new();
    for (kind, role) in [(TrackKind::Audio, "voiceover"), (TrackKind::Text, "captions")] {
        let mut track = draft.push_track(kind);
        track.set_metadata("role", role);
        for at in 0..segments / 2 {
            let mut segment = track.push_segment(Duration::from_millis(2500));
            segment
                .set_metadata("start", at * 2500)
                .set_metadata("text", format!("Sentence {at} of many."))
                .set_metadata("volume", 0.8);
        }
    }
    draft
}

fn large_draft(c: &mut Criterion) {
    let draft = draft_of(10_000);
    let json = draft.to_json();
    let mut group = c.benchmark_group("10,000 segments");
    group.bench_function("summary", |b| b.iter(|| black_box(&draft).summary()));
    group.bench_function("duration", |b| b.iter(|| black_box(&draft).duration()));
    let mut shorter = draft.clone();
    shorter.track_mut(1).and_then(|mut track| track.remove_segment(2500));
    let mut reworded = draft.clone();
    for mut track in reworded.tracks_mut() {
        for mut segment in track.segments_mut() {
            segment.set_metadata("text", "Another sentence.");
        }
    }
    for (what, newer) in [("one removed", &shorter), ("all reworded", &reworded)] {
        group.bench_function(format!("diff, {what}"), |b| {
            b.iter(|| black_box(&draft).diff(black_box(newer)));
        });
    }
    group.throughput(Throughput::Bytes(json.len() as u64));
    group.bench_function("parse", |b| b.iter(|| Draft::from_json(black_box(&json))));
    group.bench_function("parse by serde_json, which loses digits and order", |b| {
        b.iter(|| serde_json::from_str::<Value>(black_box(&json)));
    });
    group.bench_function("serialize", |b| b.iter(|| serde_json::to_string(black_box(&draft))));
    group.finish();
}

/// Returns a draft of about 10 MB, as the embedded backend writes them.
fn segments() -> String {
    draft_of(100_000).to_json()
}

/// Returns JSON of about 10 MB in which every kind of value is frequent.
fn mixed() -> String {
    let unit = r#"{"created_at":"Mon Nov 23 10:00:00 +0000 2026","id":505874924095815681,
        "text":"@nemo \n\n\u4f60\u597d: \"é\" 🎬","user":{"id":1186275104,"name":"AYUMI",
        "verified":false,"geo":null,"counts":[262,252,1235,0.5,-1.25e3],"color":"C0DEED"},
        "entities":{"urls":[],"mentions":[{"name":"x","indices":[0,9]}]},"retweets":0}"#;
    format!("[{}]", vec![unit; 25_000].join(","))
}

/// Ten megabytes, parsed and serialized, beside `serde_json`, which loses digits and order.
fn ten_megabytes(c: &mut Criterion) {
    for (name, text) in [("10 MB of segments", segments()), ("10 MB of mixed JSON", mixed())] {
        let mut group = c.benchmark_group(name);
        group.sample_size(10).throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("parse and serialize", |b| {
            b.iter(|| Draft::from_json(black_box(&text)).map(|draft| draft.to_json()));
        });
        group.bench_function("parse and serialize by serde_json", |b| {
            b.iter(|| {
                let value = serde_json::from_str::<Value>(black_box(&text));
                value.map(|value| value.to_string())
            });
        });
        group.bench_function("parse and look at every value", |b| {
            b.iter(|| Draft::from_json(black_box(&text)).map(|draft| scalars(draft.as_json())));
        });
        group.bench_function("parse by serde_json", |b| {
            b.iter(|| serde_json::from_str::<Value>(black_box(&text)));
        });
        group.finish();
    }
}

/// Returns the number of values that hold no others.
fn scalars(json: &Json) -> usize {
    match (json.as_array(), json.as_object()) {
        (Some(items), _) => items.iter().map(scalars).sum(),
        (_, Some(object)) => object.iter().map(|(_, value)| scalars(value)).sum(),
        (None, None) => 1,
    }
}

criterion_group!(benches, large_draft, ten_megabytes);
criterion_main!(benches);
