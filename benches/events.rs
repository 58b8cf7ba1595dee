//! What decoding the data of an event costs, beside `serde_json`.
//!
//! `cargo bench --bench events`

mod agent;
mod compare;

use std::hint::black_box;

use agent::TypedEvent;
use compare::{Amount, Row};
use nemovideo::protocol::event::AgentEvent;
use serde_json::Value;

/// The events of one round.
const EVENTS: usize = 10_000;

/// A part of a text as a model streams it.
const TEXT: &str = r#"{"content":{"parts":[{"text":"Working on it, "}],"role":"model"},"partial":true,"invocationId":"e-6ff08096-0eab-4c66-bd7e-b8f8ce9c6bf9","author":"nemo_agent","id":"6c5ca00c-2ec6-4a70-bdc9-f5cbee2acbd1","timestamp":1795351293.3258953}"#;
/// The same with all that the server adds.
const WHOLE_TEXT: &str = r#"{"content":{"parts":[{"text":"Working on it, "}],"role":"model"},"partial":true,"invocationId":"e-6ff08096-0eab-4c66-bd7e-b8f8ce9c6bf9","author":"nemo_agent","actions":{"stateDelta":{},"artifactDelta":{},"requestedAuthConfigs":{},"requestedToolConfirmations":{}},"nodeInfo":{"path":"nemo_agent@1"},"id":"6c5ca00c-2ec6-4a70-bdc9-f5cbee2acbd1","timestamp":1795351293.3258953}"#;
/// A call of a tool, which takes the tolerant reader.
const CALL: &str = r#"{"content":{"parts":[{"functionCall":{"id":"adk-3fde1882","args":{"script":"Hello","voice":"female"},"name":"generate_voiceover"}}],"role":"model"},"invocationId":"e-6ff08096-0eab-4c66-bd7e-b8f8ce9c6bf9","author":"nemo_agent","id":"6c5ca00c-2ec6-4a70-bdc9-f5cbee2acbd1","timestamp":1795351293.3258953}"#;

fn main() {
    for (name, data) in [("text", TEXT), ("text with actions", WHOLE_TEXT), ("tool call", CALL)] {
        let decode = || AgentEvent::decode("message", black_box(data)).len();
        let typed = || serde_json::from_str::<TypedEvent>(black_box(data)).map(black_box);
        let value = || serde_json::from_str::<Value>(black_box(data)).map(black_box);
        Row::new(name)
            .run("AgentEvent", || (0..EVENTS).map(|_| decode()).sum())
            .run("typed struct", || (0..EVENTS).filter(|_| typed().is_ok()).count())
            .run("serde_json::Value", || (0..EVENTS).filter(|_| value().is_ok()).count())
            .measure(Amount::Events(EVENTS));
    }
}
