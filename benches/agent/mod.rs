//! The events of the agent, and what a client of this one service would declare to decode them.

#![allow(dead_code, reason = "each benchmark uses a part, and what is decoded is not read")]

use serde::Deserialize;

/// Returns one server-sent event of a text that a model generates.
pub(crate) fn generated(at: usize) -> String {
    format!(
        "data: {{\"content\":{{\"parts\":[{{\"text\":\"token {at} of the text that streams\"}}],\
         \"role\":\"model\"}},\"partial\":true,\"invocationId\":\"e-5f0c8a1e\",\
         \"author\":\"nemo_agent\",\"id\":\"8b6f1c2e-{at:08}\",\"timestamp\":1764000000.123}}\n\n"
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TypedEvent {
    pub(crate) content: Option<TypedContent>,
    #[serde(default)]
    partial: bool,
    invocation_id: String,
    author: String,
    id: String,
    timestamp: f64,
}

#[derive(Deserialize)]
pub(crate) struct TypedContent {
    pub(crate) parts: Vec<TypedPart>,
    role: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct TypedPart {
    pub(crate) text: Option<String>,
    #[serde(default)]
    thought: bool,
}
