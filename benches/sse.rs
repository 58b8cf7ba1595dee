//! Throughput of decoding server-sent events, beside other decoders and a bare scan for line ends.
//!
//! `cargo bench --bench sse`

mod agent;
mod compare;

use std::alloc::System;
use std::convert::Infallible;
use std::hint::black_box;

use bytes::Bytes;
use compare::{Amount, Row};
use eventsource_stream::Eventsource as _;
use futures::{FutureExt as _, Stream, StreamExt as _};
use nemovideo::sse::Decoder;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A stream of many small events, as a model generates its text.
fn generated_text(events: usize) -> String {
    (0..events).map(agent::generated).collect()
}

/// What is sent while nothing happens.
fn heartbeats(count: usize) -> String {
    ": keep-alive\n\ndata: heartbeat\n\n".repeat(count)
}

fn large_events(count: usize) -> String {
    format!("data: {}\n\n", "x".repeat(256 * 1024)).repeat(count)
}

fn chunks_of(text: String, size: usize) -> Vec<Bytes> {
    let bytes = Bytes::from(text.into_bytes());
    let starts = (0..bytes.len()).step_by(size);
    starts.map(|start| bytes.slice(start..(start + size).min(bytes.len()))).collect()
}

/// Counts the frames of this crate. Their data is borrowed where it can be.
fn ours(chunks: &[Bytes]) -> usize {
    let mut decoder = Decoder::new().with_bare_text();
    let mut frames = 0;
    for chunk in chunks {
        let mut chunk = &chunk[..];
        while let Some(frame) = decoder.next_frame(&mut chunk) {
            black_box(frame.expect("no event is too large"));
            frames += 1;
        }
    }
    frames
}

/// Counts the frames of this crate, each with data of its own, as those of the other decoders.
fn ours_owned(chunks: &[Bytes]) -> usize {
    let mut decoder = Decoder::new().with_bare_text();
    let mut frames = 0;
    for chunk in chunks {
        let mut chunk = &chunk[..];
        while let Some(frame) = decoder.next_frame(&mut chunk) {
            black_box(frame.expect("no event is too large").into_owned());
            frames += 1;
        }
    }
    frames
}

fn stream(chunks: &[Bytes]) -> impl Stream<Item = Result<Bytes, Infallible>> {
    futures::stream::iter(chunks.iter().cloned().map(Ok))
}

fn count<T>(events: impl Stream<Item = T>) -> usize {
    events.map(black_box).count().now_or_never().expect("all chunks are ready")
}

/// `sse-stream` yields an empty event for a comment, which is not counted.
fn sse_stream(chunks: &[Bytes]) -> usize {
    let events = sse_stream::SseStream::from_bytes_stream(stream(chunks));
    let has_data = |event: &Result<sse_stream::Sse, _>| {
        futures::future::ready(event.as_ref().is_ok_and(|event| event.data.is_some()))
    };
    count(events.filter(has_data))
}

fn sseer(chunks: &[Bytes]) -> usize {
    count(sseer::event_stream::EventStream::new(stream(chunks)))
}

fn eventsource_stream(chunks: &[Bytes]) -> usize {
    count(stream(chunks).eventsource())
}

/// Looks for each line end anew, without decoding anything.
fn scan(chunks: &[Bytes], frames: usize) -> usize {
    let lines = chunks.iter().map(|chunk| memchr::memchr2_iter(b'\r', b'\n', chunk).count());
    black_box(lines.sum::<usize>());
    frames
}

fn throughput(title: &str, text: String, size: usize) {
    let bytes = text.len();
    let chunks = chunks_of(text, size);
    let frames = ours(&chunks);
    let is_slow = title.starts_with("events of 256 KiB") && size < 1024;
    let mut row = Row::new(title)
        .run("nemovideo", || ours(&chunks))
        .run("nemovideo, owned", || ours_owned(&chunks))
        .run("sse-stream", || sse_stream(&chunks))
        .run("sseer", || sseer(&chunks));
    // Its time grows with the square of an event's pieces.
    if !is_slow {
        row = row.run("eventsource-stream", || eventsource_stream(&chunks));
    }
    row.run("scan", || scan(&chunks, frames)).measure(Amount::Bytes(bytes));
}

fn allocations(title: &str, text: String, size: usize) {
    let chunks = chunks_of(text, size);
    let per_event = |run: fn(&[Bytes]) -> usize| {
        let region = Region::new(ALLOCATOR);
        let events = run(&chunks) as f64;
        let taken = region.change();
        let (new, grown) = (taken.allocations as f64, taken.reallocations as f64);
        format!("{:.2} + {:.2}", new / events, grown / events)
    };
    println!(
        "| allocations + reallocations per event, {title} | nemovideo {} | owned {} | sse-stream {} | sseer {} |",
        per_event(ours),
        per_event(ours_owned),
        per_event(sse_stream),
        per_event(sseer),
    );
}

fn main() {
    throughput("generated text, 16 KiB", generated_text(100_000), 16 * 1024);
    throughput("generated text, 1,400 B", generated_text(100_000), 1400);
    throughput("generated text, 64 B", generated_text(100_000), 64);
    throughput("heartbeats and comments, 16 KiB", heartbeats(100_000), 16 * 1024);
    throughput("events of 256 KiB, 16 KiB", large_events(100), 16 * 1024);
    throughput("events of 256 KiB, 64 B", large_events(100), 64);
    allocations("generated text, 16 KiB", generated_text(10_000), 16 * 1024);
    allocations("generated text, 64 B", generated_text(10_000), 64);
    allocations("heartbeats, 16 KiB", heartbeats(10_000), 16 * 1024);
}
