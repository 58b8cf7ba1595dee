//! Any bytes, cut anywhere, decode to the same frames, none larger than the limit.
//!
//! `cargo fuzz run sse`
#![no_main]

use libfuzzer_sys::fuzz_target;
use nemovideo::protocol::event::AgentEvent;
use nemovideo::sse::{Decoder, EventTooLarge, Frame};

fn decode(stream: &[u8], piece: usize, limit: usize) -> Vec<Result<Frame, EventTooLarge>> {
    let mut decoder = Decoder::with_limit(limit);
    let mut frames = Vec::new();
    for mut chunk in stream.chunks(piece.max(1)) {
        while let Some(frame) = decoder.next_frame(&mut chunk) {
            frames.push(frame);
        }
        assert!(chunk.is_empty());
    }
    frames
}

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (piece, limit, stream) = input;
    let limit = usize::from(limit);
    let frames = decode(stream, usize::from(piece), limit);
    assert_eq!(frames, decode(stream, stream.len(), limit));
    for frame in frames.into_iter().flatten() {
        // Each byte that is not UTF-8 is replaced by a character of three bytes.
        assert!(frame.data.len() <= 3 * limit);
        assert!(!frame.event.is_empty());
        std::hint::black_box(AgentEvent::decode(&frame.event, &frame.data));
    }
});
