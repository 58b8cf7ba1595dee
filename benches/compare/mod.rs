//! Contenders that take turns, and a table of what each took.
//!
//! The speed of a machine changes from second to second, so the figures of two runs cannot be
//! compared. Contenders that take turns in one run meet the same changes, and the shortest round of
//! each is close to what it takes on an idle machine: their ratio counts.

#![allow(dead_code, reason = "each benchmark uses a part")]

use std::time::{Duration, Instant};

/// Whether this run only shows that the benchmark works: `cargo test` does not pass what
/// `cargo bench` does.
pub(crate) fn is_brief() -> bool {
    std::env::args().all(|arg| arg != "--bench")
}

/// Whether a name on the command line, if there is one, is part of the title.
pub(crate) fn is_selected(title: &str) -> bool {
    let names: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    names.is_empty() || names.iter().any(|name| title.contains(name))
}

/// The only contender to run, for a profiler: `--contender=NAME`.
fn contender() -> Option<String> {
    std::env::args().find_map(|arg| arg.strip_prefix("--contender=").map(str::to_owned))
}

/// One row of the table: what is measured, and the unit of its speed.
pub(crate) struct Row<'a> {
    title: &'a str,
    contenders: Vec<Contender<'a>>,
}

/// A name, and the work of one round, which returns what all have to agree on.
type Contender<'a> = (&'a str, Box<dyn FnMut() -> usize + 'a>);

impl<'a> Row<'a> {
    pub(crate) fn new(title: &'a str) -> Self {
        Self { title, contenders: Vec::new() }
    }

    /// Adds a contender, whose result must be that of all the others. The first one is this crate.
    pub(crate) fn run(mut self, name: &'a str, run: impl FnMut() -> usize + 'a) -> Self {
        self.contenders.push((name, Box::new(run)));
        self
    }

    /// Measures, and prints the time of each contender, its speed by `amount` and the ratio to the
    /// first one.
    pub(crate) fn measure(mut self, amount: Amount) {
        if !is_selected(self.title) {
            return;
        }
        if let Some(only) = contender() {
            self.contenders.retain(|(name, _)| *name == only);
        }
        let mut shortest = vec![Duration::MAX; self.contenders.len()];
        let mut result = None;
        let rounds = if is_brief() { 1 } else { 25 };
        for _ in 0..rounds {
            for ((name, run), shortest) in self.contenders.iter_mut().zip(&mut shortest) {
                let start = Instant::now();
                let counted = run();
                *shortest = start.elapsed().min(*shortest);
                assert_eq!(*result.get_or_insert(counted), counted, "{}: {name}", self.title);
            }
        }
        print!("| {} |", self.title);
        for ((name, _), time) in self.contenders.iter().zip(&shortest) {
            let ratio = time.as_secs_f64() / shortest[0].as_secs_f64();
            print!(" {name} {}", amount.speed(*time));
            if *time != shortest[0] {
                print!(" ({ratio:.2})");
            }
            print!(" |");
        }
        println!();
    }
}

/// Returns a figure of this process in bytes, by its name in `/proc/self/status`: `VmRSS` for the
/// memory that it holds, `VmHWM` for the most that it has held. Zero where there is no such file.
pub(crate) fn memory(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// What one round works on.
#[derive(Clone, Copy)]
pub(crate) enum Amount {
    Bytes(usize),
    Events(usize),
    Calls(usize),
    /// The video or the draft that a round makes.
    Whole,
}

impl Amount {
    fn speed(self, time: Duration) -> String {
        let seconds = time.as_secs_f64();
        match self {
            Self::Bytes(bytes) => format!("{:.0} MB/s", bytes as f64 / seconds / 1e6),
            Self::Events(events) => format!("{:.0} ns/event", seconds * 1e9 / events as f64),
            Self::Calls(calls) => format!("{:.0} µs/call", seconds * 1e6 / calls as f64),
            Self::Whole => format!("{:.2} ms", seconds * 1e3),
        }
    }
}
