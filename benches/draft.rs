//! What a large draft costs: parsed, serialized, summarized, compared with another.
//!
//! `cargo bench --bench draft`

mod compare;

use std::hint::black_box;
use std::time::Duration;

use compare::{Amount, Row};
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

/// What people wait for: the summary of a draft, and what has changed in it.
fn large_draft() {
    let draft = draft_of(10_000);
    let mut shorter = draft.clone();
    shorter.track_mut(1).and_then(|mut track| track.remove_segment(2500));
    let mut reworded = draft.clone();
    for mut track in reworded.tracks_mut() {
        for mut segment in track.segments_mut() {
            segment.set_metadata("text", "Another sentence.");
        }
    }
    Row::new("10,000 segments: summary")
        .run("nemovideo", || black_box(&draft).summary().len())
        .measure(Amount::Whole);
    for (title, newer) in [
        ("10,000 segments: one was removed", &shorter),
        ("10,000 segments: all were reworded", &reworded),
    ] {
        Row::new(title)
            .run("nemovideo", || black_box(&draft).diff(black_box(newer)).changes().len())
            .measure(Amount::Whole);
    }
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
fn ten_megabytes(name: &str, text: &str) {
    let value = || serde_json::from_str::<Value>(black_box(text)).expect("JSON");
    let draft = || Draft::from_json(black_box(text)).expect("a draft");
    Row::new(&format!("{name}: parse and serialize"))
        .run("nemovideo", || usize::from(!draft().to_json().is_empty()))
        .run("serde_json", || usize::from(!value().to_string().is_empty()))
        .measure(Amount::Bytes(text.len()));
    Row::new(&format!("{name}: parse and look at every value"))
        .run("nemovideo", || scalars(draft().as_json()))
        .run("serde_json", || scalars_of(&value()))
        .measure(Amount::Bytes(text.len()));
}

/// Returns the number of values that hold no others.
fn scalars(json: &Json) -> usize {
    match (json.as_array(), json.as_object()) {
        (Some(items), _) => items.iter().map(scalars).sum(),
        (_, Some(object)) => object.iter().map(|(_, value)| scalars(value)).sum(),
        (None, None) => 1,
    }
}

/// The same of the other tree.
fn scalars_of(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(scalars_of).sum(),
        Value::Object(entries) => entries.values().map(scalars_of).sum(),
        _ => 1,
    }
}

fn main() {
    large_draft();
    ten_megabytes("10 MB of segments", &segments());
    ten_megabytes("10 MB of mixed JSON", &mixed());
}
