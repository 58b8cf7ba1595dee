//! Any file is a script or an error, and any script is cut into sentences that are spoken in order.
//!
//! `cargo fuzz run script`
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use nemovideo::media::{AudioBuffer, Cancel, FrameSize, MediaError, SpeechOptions, Voice, narrate};
use nemovideo::project::Script;

/// Hums for each letter.
#[derive(Debug)]
struct HumVoice;

const LANGUAGES: [&str; 6] = ["en-US", "en-GB", "de-DE", "es-ES", "fr-FR", "it-IT"];

impl Voice for HumVoice {
    fn languages(&self) -> Vec<String> {
        LANGUAGES.map(str::to_owned).to_vec()
    }

    fn speak(&self, text: &str, _: &SpeechOptions) -> Result<AudioBuffer, MediaError> {
        Ok(AudioBuffer::new(100, vec![9_000; text.chars().count().max(1)]))
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else { return };
    let directory = std::env::temp_dir();
    let path = directory.join(format!("nemovideo-fuzz-{}.txt", std::process::id()));
    std::fs::write(&path, bytes).expect("the file for the script can be written");
    std::hint::black_box(Script::from_path(&path).is_ok());

    let Ok(text) = std::str::from_utf8(bytes) else { return };
    std::hint::black_box(Script::markdown(text, &directory).is_ok());
    let language = LANGUAGES[usize::from(*first) % LANGUAGES.len()];
    let options = SpeechOptions::new(language);
    let Ok(narration) = narrate(text, &HumVoice, &options, &Cancel::new()) else { return };
    let mut end = Duration::ZERO;
    for sentence in &narration.sentences {
        assert!(sentence.start >= end);
        end = sentence.end();
    }
    assert!(end <= narration.duration());
    for caption in narration.captions_for(FrameSize::PORTRAIT) {
        assert!(!caption.text.trim().is_empty());
    }
});
