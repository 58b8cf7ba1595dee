//! The integration tests, in one binary so that the shared helpers are compiled and linked once.
//!
//! | promise | tests |
//! |---|---|
//! | nothing is charged twice | `outside`, `persistence`, `fault_matrix`, `chaos`, `client_calls`, `call_options`, `tokens`, `turn_recovery`, `batch`, `job_control` |
//! | nothing is lost | `outside`, `persistence`, `chaos`, `renders`, `polls`, `transfers`, `downloads`, `turn_left`, `voiceover`, `draft_round_trip`, `draft_edit` |
//! | nothing but its end ends a stream | `sse_vectors`, `sse_adk_streams`, `sse_text_accumulator`, `stream_bodies`, `stream_ends` |
//! | no secret leaks | `secrets`, `client_builder`, `local_watch` |
//! | what is reported is true | `turn_report`, `draft_diff`, `draft_picture`, `draft_summary`, `draft_reading` |
//! | an edit leaves a valid draft | `draft_editor` |
//! | a message is understood | `intents`, `screen_words`, `heldout`, `project`, `questions` |
//! | a script is read as it was written, or rejected with a reason | `script_files`, `scenes`, `voiceover` |
//! | a skill file names the caller, or nobody | `skill_files` |
//! | no input exhausts its reader | `memory`, `local_odd_calls` |
//! | it runs without the cloud, and is tested without it | `test_doubles`, `main_job`, `local_*`, `media_*`, `audio_files` |
//!
//! `fault_matrix`, `chaos`, `memory`, `secrets` and `outside` are binaries of their own beside this
//! directory, because they measure or replace a property of the whole process; `persistence` is, too,
//! because it needs a feature.
//!
//! `NEMOVIDEO_LONG=1` before a test's command is the long form of `outside`, `memory` and
//! `media_speech`.

// Clippy exempts test functions but not their helpers. A helper that panics fails its test.
#![allow(clippy::unwrap_used)]

mod support;

mod audio_files;
mod batch;
mod call_options;
mod client_builder;
mod client_calls;
mod downloads;
mod draft_diff;
mod draft_edit;
mod draft_editor;
mod draft_picture;
mod draft_reading;
mod draft_round_trip;
mod draft_summary;
mod heldout;
mod intents;
mod job_control;
mod local_agent;
mod local_faults;
mod local_faults_responses;
mod local_faults_videos;
mod local_looks;
mod local_odd_calls;
mod local_protocol;
mod local_questions;
mod local_tokens;
mod local_videos;
mod local_watch;
mod main_job;
mod media_ffmpeg;
mod media_loudness;
mod media_script;
mod media_speech;
mod media_video;
mod polls;
mod project;
mod questions;
mod renders;
mod scenes;
mod screen_words;
mod script_files;
mod skill_files;
mod sse_adk_streams;
mod sse_text_accumulator;
mod sse_vectors;
mod stream_bodies;
mod stream_ends;
mod test_doubles;
mod tokens;
mod transfers;
mod turn_left;
mod turn_recovery;
mod turn_report;
mod voiceover;
