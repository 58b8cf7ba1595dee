//! The integration tests, in one binary so that shared helpers are compiled and linked once.
//!
//! | promise | modules |
//! |---|---|
//! | nothing is charged twice | `tests/fault_matrix`, `client_calls`, `tokens`, `turn_recovery` |
//! | nothing is lost | `renders`, `transfers`, `turn_left`, `batch`, `draft_round_trip` |
//! | nothing but its end ends a stream | `sse_vectors`, `sse_adk_streams`, `sse_text_accumulator`, `stream_ends` |
//! | nothing leaks | `tests/secrets.rs`, in a process of its own |
//! | it runs without the cloud | `main_job`, `local_*`, `media_*` |
//!
//! Tests that measure or replace something of the whole process are binaries of their own beside
//! this directory: `fault_matrix`, `chaos`, `memory`, `secrets` and `examples`.

// Clippy exempts test functions, not their helpers: a helper that fails fails its test.
#![allow(clippy::unwrap_used)]

mod support;

mod batch;
mod client_calls;
mod draft_diff;
mod draft_editor;
mod draft_picture;
mod draft_round_trip;
mod intents;
mod local_agent;
mod local_faults;
mod local_faults_responses;
mod local_faults_videos;
mod local_odd_calls;
mod local_protocol;
mod local_videos;
mod main_job;
mod media_ffmpeg;
mod media_video;
mod project;
mod renders;
mod screen_words;
mod sse_adk_streams;
mod sse_text_accumulator;
mod sse_vectors;
mod stream_ends;
mod tokens;
mod transfers;
mod turn_left;
mod turn_recovery;
mod turn_report;
mod voiceover;
