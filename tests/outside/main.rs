//! The programs as processes, seen from outside.
//!
//! | module | what happens to them |
//! |---|---|
//! | `examples` | they are run as users run them |
//! | `kills` | they are killed, at every call and every step on the disk |
//! | `proxy` | each exchange with the backend is cut, reset, mangled, stalled or trickled |
//! | `browser` | a video is played in Chromium |
//! | `watch` | the page of `local_server` is driven in Chromium |
//!
//! `cargo test` runs few cells, with each kind of moment and of disturbance among them. All of them,
//! but only every seventh exchange of the programs in `proxy`, take minutes:
//!
//! ```sh
//! cargo build --release --examples && NEMOVIDEO_LONG=1 cargo test --release --test outside -- --nocapture
//! ```
//!
//! `NEMOVIDEO_CELL` limits `kills` and `proxy` to the cells whose names contain it, and
//! `NEMOVIDEO_SEED` repeats the random moments of a run.

// Clippy exempts test functions but not their helpers. A helper that panics fails its test.
#![allow(clippy::unwrap_used)]

mod browser;
#[path = "../chaos/dice.rs"]
#[allow(dead_code, reason = "shared with `tests/chaos`, which uses the rest of it")]
mod dice;
mod examples;
mod kills;
mod place;
mod proxy;
mod relay;
#[cfg(target_os = "linux")]
mod steps;
mod watch;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::Debug;

use futures::StreamExt as _;

/// Whether all cells are to be run.
fn is_long() -> bool {
    std::env::var_os("NEMOVIDEO_LONG").is_some()
}

/// Whether only the cells that `NEMOVIDEO_CELL` names are to be run.
fn is_limited() -> bool {
    std::env::var_os("NEMOVIDEO_CELL").is_some()
}

/// Returns few cells that have each kind among them, and others, evenly spread, up to a number; or
/// the cells that `NEMOVIDEO_CELL` names.
fn selected<T: Debug>(
    mut cells: Vec<T>,
    count: usize,
    kinds: impl Fn(&T) -> Vec<String>,
) -> Vec<T> {
    if let Ok(part) = std::env::var("NEMOVIDEO_CELL") {
        cells.retain(|cell| format!("{cell:?}").contains(&part));
        return cells;
    }
    let mut missing: BTreeSet<String> = cells.iter().flat_map(&kinds).collect();
    let mut selected = Vec::new();
    while !missing.is_empty() {
        let new =
            |at: usize| kinds(&cells[at]).iter().filter(|kind| missing.contains(*kind)).count();
        let best = (0..cells.len()).max_by_key(|&at| (new(at), Reverse(at)));
        let cell = cells.remove(best.expect("a cell of each kind"));
        for kind in kinds(&cell) {
            missing.remove(&kind);
        }
        selected.push(cell);
    }
    let (others, all) = (count.saturating_sub(selected.len()), cells.len());
    let is_other = |at: usize| at * others % all < others;
    let others = cells.into_iter().enumerate().filter(|(at, _)| is_other(*at));
    selected.extend(others.map(|(_, cell)| cell));
    selected
}

/// Returns the name of an enum's variant.
fn variant(value: &impl Debug) -> String {
    format!("{value:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
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
