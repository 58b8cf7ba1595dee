//! The programs as processes, seen from outside.
//!
//! | module | what happens to them |
//! |---|---|
//! | `examples` | they are run as users run them |
//! | `kills` | they are killed, at every call and every step on the disk |
//! | `server` | `local_server` is killed |
//! | `proxy` | each exchange with the backend is cut, reset, mangled, stalled or trickled |
//!
//! `cargo test` runs a selection that takes seconds. All of it, in minutes:
//! `NEMOVIDEO_LONG=1 cargo test --release --test outside -- --nocapture`.
//! `NEMOVIDEO_CELL` limits both suites to the cells whose names contain it, and `NEMOVIDEO_SEED`
//! repeats the random moments of a run.

// Clippy exempts test functions but not their helpers. A helper that panics fails its test.
#![allow(clippy::unwrap_used)]

#[path = "../chaos/dice.rs"]
#[allow(dead_code, reason = "shared with `tests/chaos`, which uses the rest of it")]
mod dice;
mod examples;
mod kills;
mod place;
mod proxy;
mod relay;
mod server;
#[cfg(target_os = "linux")]
mod steps;

use std::fmt::Debug;

use futures::StreamExt as _;

/// Whether all cells are to be run.
fn is_long() -> bool {
    std::env::var_os("NEMOVIDEO_LONG").is_some()
}

/// Returns every nth cell, or those that `NEMOVIDEO_CELL` names.
fn selected<T: Debug>(cells: Vec<T>, nth: usize) -> Vec<T> {
    match std::env::var("NEMOVIDEO_CELL") {
        Ok(part) => cells.into_iter().filter(|cell| format!("{cell:?}").contains(&part)).collect(),
        Err(_) => cells.into_iter().step_by(nth).collect(),
    }
}

/// Runs cells, some at a time, and panics if any of them has.
async fn run_all<F>(at_once: usize, cells: impl IntoIterator<Item = F>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let runs = cells.into_iter().map(|cell| async move { tokio::spawn(cell).await.is_err() });
    let mut failed: usize = 0;
    let mut ended = futures::stream::iter(runs).buffer_unordered(at_once);
    while let Some(has_failed) = ended.next().await {
        failed += usize::from(has_failed);
    }
    assert_eq!(failed, 0, "cells failed, see above");
}
