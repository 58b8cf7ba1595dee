//! The embedded backend keeps its data: what it has done is there after it was killed, whole, once,
//! and whatever it was doing.
//!
//! ```sh
//! cargo build --features persistence --example local_server
//! cargo test --features persistence --test persistence -- --nocapture
//! ```
//!
//! `NEMOVIDEO_LONG=1` is the long form, and `NEMOVIDEO_SEED` repeats the random choices of a run.

// Clippy exempts test functions but not their helpers. A helper that panics fails its test.
#![allow(clippy::unwrap_used)]

#[path = "../it/support/caller.rs"]
#[allow(dead_code, reason = "shared with `tests/it`, which uses the rest of it")]
mod caller;
#[path = "../chaos/dice.rs"]
#[allow(dead_code, reason = "shared with `tests/chaos`, which uses the rest of it")]
mod dice;
mod killed;
mod restarted;
#[cfg(target_os = "linux")]
#[path = "../outside/steps.rs"]
mod steps;
