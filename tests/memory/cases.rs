//! The collected files, cut and changed anywhere: a result or an error, within the limits.
//!
//! `NEMOVIDEO_LONG=1` before the test's command is the long form: every prefix, and every byte
//! changed in four ways. Documents, and what the results must be, are in the tests of each reader.

use std::path::Path;
use std::time::Duration;

use nemovideo::Attribution;
use nemovideo::draft::Draft;
use nemovideo::media::{AudioBuffer, Image};
use nemovideo::project::Script;
use nemovideo::protocol::event::AgentEvent;
use nemovideo::sse::Decoder;

use super::measured::{self, HostileFile, MAX_MEMORY};

/// How often a file is cut and changed in the short form.
const SAMPLES: usize = 12;

fn read(group: &str, directory: &Path, bytes: &[u8]) {
    let text = || String::from_utf8_lossy(bytes);
    match group {
        "audio" => drop(AudioBuffer::decode(bytes, "a")),
        "pic" => drop(Image::decode(bytes, "a")),
        "txt" => {
            let path = directory.join("a.txt");
            std::fs::write(&path, bytes).unwrap();
            drop(Script::from_path(&path));
            drop(Script::from_path_with_encoding(&path, "windows-1252"));
        }
        "skill" => drop(Attribution::from_front_matter(&text())),
        "wire" => {
            drop(text().parse::<Draft>());
            let mut decoder = Decoder::new().with_bare_text();
            let mut input = bytes;
            while let Some(frame) = decoder.next_frame(&mut input) {
                drop(frame.map(|frame| AgentEvent::decode(&frame.event, &frame.data)));
            }
        }
        _ => unreachable!("{group}"),
    }
}

fn files() -> Vec<HostileFile> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut files = Vec::new();
    for directory in [
        "data/cases/audio",
        "data/cases/pic",
        "data/cases/txt",
        "data/cases/wire",
        "fixtures/skill",
    ] {
        let (_, group) = directory.rsplit_once('/').unwrap();
        let before = files.len();
        for entry in std::fs::read_dir(tests.join(directory)).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            files.push((format!("{group}-{name}"), std::fs::read(entry.path()).unwrap()));
        }
        assert!(files.len() > before + 3, "{group}");
    }
    files
}

#[test]
fn the_collected_files_cut_and_changed_anywhere() {
    const THIS: &str = "cases::the_collected_files_cut_and_changed_anywhere";
    if !measured::is_alone(THIS) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let is_long = std::env::var_os("NEMOVIDEO_LONG").is_some();
    for (name, file) in files() {
        let (group, _) = name.split_once('-').unwrap();
        let step = if is_long { 1 } else { file.len().div_ceil(SAMPLES).max(1) };
        let check = |bytes: &[u8], how: &str, at: usize| {
            let (before, start) = (measured::status("VmRSS"), measured::processor_time());
            read(group, directory.path(), bytes);
            let time = measured::processor_time() - start;
            // Peaks are those of the process: the largest file counts.
            let taken = measured::status("VmHWM").saturating_sub(before);
            assert!(taken <= MAX_MEMORY, "{name} {how} at {at}: {taken} bytes");
            assert!(time < Duration::from_secs(2), "{name} {how} at {at}: {time:?}");
        };
        for at in (0..file.len()).step_by(step) {
            check(&file[..at], "cut", at);
            for byte in [0, 0xFF, file[at] ^ 1, file[at] ^ 0x80] {
                let mut changed = file.clone();
                changed[at] = byte;
                check(&changed, "changed", at);
            }
        }
    }
}
