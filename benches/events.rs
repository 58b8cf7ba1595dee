//! What decoding the data of an event costs, beside `serde_json`.
//!
//! `cargo bench --bench events`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nemovideo::protocol::event::AgentEvent;
use serde::Deserialize;
use serde_json::Value;

/// The events as a client of this service alone would declare them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "read by nobody here")]
struct TypedEvent {
    content: Option<TypedContent>,
    #[serde(default)]
    partial: bool,
    invocation_id: String,
    author: String,
    id: String,
    timestamp: f64,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "read by nobody here")]
struct TypedContent {
    parts: Vec<TypedPart>,
    role: Option<String>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "read by nobody here")]
struct TypedPart {
    text: Option<String>,
    #[serde(default)]
    thought: bool,
}

/// A part of a text as a model streams it.
const TEXT: &str = r#"{"content":{"parts":[{"text":"Working on it, "}],"role":"model"},"partial":true,"invocationId":"e-6ff08096-0eab-4c66-bd7e-b8f8ce9c6bf9","author":"nemo_agent","id":"6c5ca00c-2ec6-4a70-bdc9-f5cbee2acbd1","timestamp":1795351293.3258953}"#;
/// The same with all that the server adds.
const WHOLE_TEXT: &str = r#"{"content":{"parts":[{"text":"Working on it, "}],"role":"model"},"partial":true,"invocationId":"e-6ff08096-0eab-4c66-bd7e-b8f8ce9c6bf9","author":"nemo_agent","actions":{"stateDelta":{},"artifactDelta":{},"requestedAuthConfigs":{},"requestedToolConfirmations":{}},"nodeInfo":{"path":"nemo_agent@1"},"id":"6c5ca00c-2ec6-4a70-bdc9-f5cbee2acbd1","timestamp":1795351293.3258953}"#;
/// A call of a tool, which takes the tolerant reader.
const CALL: &str = r#"{"content":{"parts":[{"functionCall":{"id":"adk-3fde1882","args":{"script":"Hello","voice":"female"},"name":"generate_voiceover"}}],"role":"model"},"invocationId":"e-6ff08096-0eab-4c66-bd7e-b8f8ce9c6bf9","author":"nemo_agent","id":"6c5ca00c-2ec6-4a70-bdc9-f5cbee2acbd1","timestamp":1795351293.3258953}"#;

fn events(c: &mut Criterion) {
    for (name, data) in [("text", TEXT), ("text with actions", WHOLE_TEXT), ("tool call", CALL)] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(1));
        group.bench_function("AgentEvent", |b| {
            b.iter(|| AgentEvent::decode("message", black_box(data)));
        });
        group.bench_function("typed struct", |b| {
            b.iter(|| serde_json::from_str::<TypedEvent>(black_box(data)));
        });
        group.bench_function("serde_json::Value", |b| {
            b.iter(|| serde_json::from_str::<Value>(black_box(data)));
        });
        group.finish();
    }
}

criterion_group!(benches, events);
criterion_main!(benches);
