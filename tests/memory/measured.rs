//! Hostile files, each read in a process of its own whose memory and time are measured.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

/// What one file of up to [`MAX_FILE`] bytes may take beside its own bytes.
pub(crate) const MAX_MEMORY: u64 = 64 << 20;
pub(crate) const MAX_FILE: usize = 2_000_000;
/// The time of the processor, which other processes do not lengthen. Unoptimized code may take
/// more.
const MAX_TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 8 } else { 2 });

/// Names the variable with the path of the file that a child reads.
const FILE: &str = "NEMOVIDEO_TEST_FILE";

/// A file, by a name that tells what is hostile about it.
pub(crate) type HostileFile = (String, Vec<u8>);

/// Reads each file in a process of its own, which runs `test`, the test that calls this. Fails if
/// one takes more than the limits, or ends without a result.
pub(crate) fn each(
    test: &str,
    files: impl FnOnce() -> Vec<HostileFile>,
    read: impl Fn(&str, &[u8]),
) {
    if let Some(path) = std::env::var_os(FILE) {
        let path = Path::new(&path);
        let bytes = std::fs::read(path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let (memory, time) = (status("VmRSS"), processor_time());
        read(name, &bytes);
        let peak = status("VmHWM").saturating_sub(memory);
        println!("\ntaken: {peak} {}", (processor_time() - time).as_millis());
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let files = Mutex::new(files());
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some((name, bytes)) = files.lock().unwrap().pop() else { break };
                    assert!(bytes.len() <= MAX_FILE, "{name} has {} bytes", bytes.len());
                    let path = directory.path().join(&name);
                    std::fs::write(&path, bytes).unwrap();
                    let fault = fault(test, &path);
                    faults.lock().unwrap().extend(fault.map(|fault| format!("{name}: {fault}")));
                    std::fs::remove_file(path).unwrap();
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether the test runs in a process of its own; if not, runs it in one.
#[allow(dead_code, reason = "unit tests use this file, too")]
pub(crate) fn is_alone(test: &str) -> bool {
    const IS_ALONE: &str = "NEMOVIDEO_TEST_IS_ALONE";
    if std::env::var_os(IS_ALONE).is_some() {
        return true;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", test, "--nocapture"]).env(IS_ALONE, "1").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // A process that was given a wrong name runs nothing, and succeeds.
    let has_passed = output.status.success() && text.contains(" 1 passed");
    assert!(has_passed, "{text}{}", String::from_utf8_lossy(&output.stderr));
    false
}

/// Runs a child, and returns what is wrong with what it took.
fn fault(test: &str, path: &Path) -> Option<String> {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FILE, path)
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout).into_owned();
    let taken = output.lines().find_map(|line| line.strip_prefix("taken: ")?.split_once(' '));
    let Some((memory, millis)) = taken.filter(|_| child.status.success()) else {
        return Some(format!(
            "{}: {output}{}",
            child.status,
            String::from_utf8_lossy(&child.stderr)
        ));
    };
    let (memory, millis): (u64, u64) = (memory.parse().unwrap(), millis.parse().unwrap());
    let is_cheap = memory <= MAX_MEMORY && Duration::from_millis(millis) <= MAX_TIME;
    println!("{}: {} KiB, {millis} ms", path.file_name().unwrap().display(), memory >> 10);
    (!is_cheap).then(|| format!("{} MiB, {millis} ms", memory >> 20))
}

/// Returns an entry of the process's memory status in bytes.
pub(crate) fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("the process's status");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("the line");
    let kilobytes: u64 = line.trim_matches([':', '\t', ' ', 'k', 'B']).parse().expect("a number");
    kilobytes * 1_024
}

/// The time that the process took of all processors.
pub(crate) fn processor_time() -> Duration {
    /// `USER_HZ`, which is 100 on every architecture that Rust runs on.
    const TICKS_PER_SECOND: u64 = 100;
    let text = std::fs::read_to_string("/proc/self/stat").expect("the process's statistics");
    // The name of the program comes second, in brackets; the times are the 14th and the 15th.
    let (_, rest) = text.rsplit_once(')').expect("the name");
    let ticks = rest.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}
