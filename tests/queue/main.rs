//! The queue: what its tasks go through, in both databases, and a simulation whose processes are
//! killed.
//!
//! ```sh
//! cargo test --features queue,persistence --test queue
//! ```
//!
//! PostgreSQL is started from the programs of the system, in a temporary directory on a free port.
//! Without them, its tests say so, and fail where `CI` is set. `NEMOVIDEO_LONG=1` is the long form of
//! the simulation: 500 tasks.

// Clippy exempts test functions but not their helpers. A helper that panics fails its test.
#![allow(clippy::unwrap_used, clippy::future_not_send)]

mod database;
#[path = "../chaos/dice.rs"]
#[allow(dead_code, reason = "shared with `tests/chaos`, which uses the rest of it")]
mod dice;
#[cfg(feature = "persistence")]
mod killed;
mod queries;
mod tasks;
