//! Any data decodes, and no event is half-empty.
//!
//! `cargo fuzz run events`
#![no_main]

use libfuzzer_sys::fuzz_target;
use nemovideo::protocol::event::{AdkEvent, AgentEvent, PlainEvent, TextAccumulator};

fuzz_target!(|data: &str| {
    let mut once = TextAccumulator::new();
    let events: Vec<AgentEvent> =
        data.lines().flat_map(|line| AgentEvent::decode("message", line)).collect();
    let mut said = 0;
    let mut shown = 0;
    for event in &events {
        if let AgentEvent::Text(text) = event {
            assert!(!text.text.is_empty());
            said += text.text.len();
        }
        shown += once.push(event).and_then(|fresh| fresh.text()).map_or(0, str::len);
    }
    assert!(shown <= said);
    // What can be read can be written, and what was written can be read.
    if let Ok(event) = serde_json::from_str::<AdkEvent>(data) {
        let json = serde_json::to_string(&event).expect("an event can be written");
        serde_json::from_str::<AdkEvent>(&json).expect("what was written can be read");
    }
    if let Ok(event) = serde_json::from_str::<PlainEvent>(data) {
        let json = serde_json::to_string(&event).expect("an event can be written");
        assert_eq!(serde_json::from_str::<PlainEvent>(&json).ok(), Some(event));
    }
});
