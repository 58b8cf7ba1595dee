//! Any bytes, cut anywhere, decode to the same frames, none larger than the limit.
//!
//! `cargo fuzz run sse`
#![no_main]

use libfuzzer_sys::fuzz_target;
use nemovideo::protocol::event::AgentEvent;
use nemovideo::sse::{Decoder, EventTooLarge, Frame};

type Frames<'a> = Vec<Result<Frame<'a>, EventTooLarge>>;

fn decode(mut decoder: Decoder, stream: &[u8], piece: usize) -> Frames<'_> {
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
    let decoder = || Decoder::with_limit(limit);
    let frames = decode(decoder(), stream, usize::from(piece));
    assert_eq!(frames, decode(decoder(), stream, stream.len()));
    let with_bare_text = decode(decoder().with_bare_text(), stream, usize::from(piece));
    assert_eq!(with_bare_text, decode(decoder().with_bare_text(), stream, stream.len()));
    for frame in frames.into_iter().flatten() {
        // Each byte that is not UTF-8 is replaced by a character of three bytes.
        assert!(frame.data.len() <= 3 * limit);
        assert!(!frame.event.is_empty());
        std::hint::black_box(AgentEvent::decode(&frame.event, &frame.data));
    }
});
