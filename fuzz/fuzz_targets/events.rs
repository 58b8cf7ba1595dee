//! Any data decodes, no text event is empty, and no text is shown more often than it came.
//!
//! `cargo fuzz run events`
#![no_main]

use libfuzzer_sys::fuzz_target;
use nemovideo::protocol::event::{AgentEvent, TextAccumulator};

fuzz_target!(|data: &str| {
    let mut texts = TextAccumulator::new();
    let events = data.lines().flat_map(|line| AgentEvent::decode("message", line));
    let (mut received, mut shown) = (0, 0);
    for event in events {
        if let AgentEvent::Text(text) = &event {
            assert!(!text.text.is_empty());
            received += text.text.len();
        }
        shown += texts.push(&event).and_then(|delta| delta.text()).map_or(0, str::len);
    }
    assert!(shown <= received);
});
