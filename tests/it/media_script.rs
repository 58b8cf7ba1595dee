//! Scripts as people write them: each case of `tests/data/cases/speech` has the sentences, words
//! and captions that a reader would expect.

use std::path::Path;
use std::time::Duration;

use nemovideo::media::{
    AudioBuffer, Cancel, FrameSize, MediaError, Narration, SpeechOptions, Voice, narrate,
};

/// Hums for each letter.
#[derive(Debug)]
struct HumVoice;

impl Voice for HumVoice {
    fn languages(&self) -> Vec<String> {
        ["en", "de", "es"].map(str::to_owned).to_vec()
    }

    fn speak(&self, text: &str, _: &SpeechOptions) -> Result<AudioBuffer, MediaError> {
        Ok(AudioBuffer::new(1_000, vec![9_000; text.chars().count() * 65]))
    }
}

fn narrated(script: &str, language: &str) -> Narration {
    narrate(script, &HumVoice, &SpeechOptions::new(language), &Cancel::new()).unwrap()
}

fn case(name: &str) -> Narration {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases/speech");
    let script = std::fs::read_to_string(directory.join(name)).unwrap();
    let language = name.trim_end_matches(".txt").rsplit('-').next().unwrap_or_default();
    narrated(&script, if ["de", "es"].contains(&language) { language } else { "en" })
}

#[test]
fn each_case_has_the_sentences_that_a_reader_sees() {
    for (name, sentences) in [
        ("abbr-es.txt", &["El Sr. Gómez vive en EE. UU.", "Véase la pág. 10."][..]),
        (
            "abbr-de.txt",
            &["Es kostet 3 Mio. Euro.", "Das 19. Jahrhundert war lang.", "Siehe Abb. 3."],
        ),
        ("wrapped-number.txt", &["The score was 12.", "Nobody scored again."]),
        (
            "lines-without-stops.txt",
            &["There are four fruits that we want:", "Apple", "Banana", "Orange"],
        ),
        ("end-of-line-hyphen.txt", &["The word negative is here."]),
        ("markdown-table.txt", &["Name, Price", "Tea, 3"]),
        ("caption-flash.txt", &["Yes.", "No.", "Go.", "Stop now."]),
        ("em-dash.txt", &["Our company—founded in 1990—makes tea."]),
        ("double-hyphen.txt", &["Let us go -- now."]),
        ("all-caps.txt", &["HOW TO MAKE TEA", "ABOUT US", "Do it NOW."]),
    ] {
        let narration = case(name);
        let found: Vec<_> = narration.sentences.iter().map(|s| s.text.as_str()).collect();
        assert_eq!(found, sentences, "{name}");
        assert!(narration.warnings.is_empty(), "{name}: {:?}", narration.warnings);
    }
}

#[test]
fn lines_without_full_stops_are_followed_by_a_pause() {
    let narration = case("lines-without-stops.txt");
    for pair in narration.sentences.windows(2) {
        assert!(pair[1].start >= pair[0].end() + Duration::from_millis(600));
    }
}

#[test]
fn no_caption_is_too_short_to_be_read() {
    for script in
        ["Yes. No. Go. Stop now.", "No.", "I. A. Go! Ha.", "Oh. And then we all went home."]
    {
        let narration = narrated(script, "en");
        for frame in [FrameSize::LANDSCAPE, FrameSize::PORTRAIT, FrameSize::SQUARE] {
            for caption in narration.captions_for(frame) {
                assert!(caption.duration >= Duration::from_secs_f64(0.83), "{caption:?}");
            }
        }
    }
}
