//! Throughput of decoding a stream: compared with another decoder, and cut into single bytes.
//!
//! `cargo bench --bench sse`

use std::convert::Infallible;
use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use eventsource_stream::Eventsource;
use futures::{FutureExt, StreamExt};
use nemovideo::protocol::event::AgentEvent;
use nemovideo::sse::{Decoder, Frame};

const RECORDED: &str = include_str!("../tests/fixtures/adk/voiceover_streaming.sse");
/// Roughly the size of a network read.
const CHUNK: usize = 8 * 1024;

/// Counts the frames of this crate.
fn ours(stream: &[u8], chunk: usize) -> usize {
    let mut decoder = Decoder::new();
    let mut frames = 0;
    for mut chunk in stream.chunks(chunk) {
        while let Some(frame) = decoder.next_frame(&mut chunk) {
            black_box(frame).expect("no event is too large");
            frames += 1;
        }
    }
    frames
}

/// Counts the frames of the crate `eventsource-stream`.
fn theirs(stream: &[u8], chunk: usize) -> usize {
    let chunks = stream.chunks(chunk).map(Ok::<_, Infallible>);
    let frames = futures::stream::iter(chunks).eventsource().map(black_box).count();
    frames.now_or_never().expect("all chunks are ready")
}

/// Returns one event of `size` bytes.
fn large(size: usize) -> Vec<u8> {
    format!("data: {}\n\n", "x".repeat(size)).into_bytes()
}

fn throughput(c: &mut Criterion) {
    let recorded = RECORDED.repeat(100).into_bytes();
    let frames = RECORDED.matches("\n\n").count() * 100;
    let large = large(512 * 1024);
    let mut group = c.benchmark_group("throughput");
    for (name, stream, frames) in [("recorded", &recorded, frames), ("one large event", &large, 1)]
    {
        assert_eq!((ours(stream, CHUNK), theirs(stream, CHUNK)), (frames, frames));
        group.throughput(Throughput::Bytes(stream.len() as u64));
        group.bench_function(BenchmarkId::new("nemovideo", name), |b| {
            b.iter(|| ours(stream, CHUNK));
        });
        group.bench_function(BenchmarkId::new("eventsource-stream", name), |b| {
            b.iter(|| theirs(stream, CHUNK));
        });
    }
    group.finish();
}

/// The time must be linear in the size, so every line should report the same throughput.
fn one_byte_at_a_time(c: &mut Criterion) {
    let mut group = c.benchmark_group("one byte at a time");
    group.sample_size(10);
    for size in [8 * 1024, 16 * 1024, 32 * 1024] {
        let stream = large(size);
        group.throughput(Throughput::Bytes(stream.len() as u64));
        group.bench_function(BenchmarkId::new("nemovideo", size), |b| b.iter(|| ours(&stream, 1)));
        group.bench_function(BenchmarkId::new("eventsource-stream", size), |b| {
            b.iter(|| theirs(&stream, 1));
        });
    }
    let stream = large(1024 * 1000);
    group.throughput(Throughput::Bytes(stream.len() as u64));
    group.bench_function(BenchmarkId::new("nemovideo", stream.len()), |b| {
        b.iter(|| ours(&stream, 1));
    });
    group.finish();
}

/// Measures decoding the JSON of a frame, which is most of the cost of an event.
fn agent_events(c: &mut Criterion) {
    let decode = |frame: &Frame| AgentEvent::decode(&frame.event, &frame.data);
    let mut decoder = Decoder::new();
    let mut input = RECORDED.as_bytes();
    let frames: Vec<_> =
        std::iter::from_fn(|| decoder.next_frame(&mut input)).filter_map(Result::ok).collect();
    let mut group = c.benchmark_group("agent events");
    group.throughput(Throughput::Bytes(RECORDED.len() as u64));
    group.bench_function("recorded", |b| {
        b.iter_batched(
            || &frames,
            |frames| frames.iter().map(|frame| decode(frame).len()).sum::<usize>(),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, throughput, one_byte_at_a_time, agent_events);
criterion_main!(benches);
