//! Scripts as people write them: each case of `tests/data/cases/speech` has the sentences, words
//! and captions that a reader would expect.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nemovideo::local::{Frequency, LocalBackend};
use nemovideo::media::{
    AudioBuffer, Cancel, FrameSize, MediaError, Narration, SpeechOptions, Voice, narrate,
};
use serde_json::Value;

use crate::support::caller::Caller;

/// Hums for each letter.
#[derive(Debug)]
struct HumVoice;

impl Voice for HumVoice {
    fn languages(&self) -> Vec<String> {
        ["en-US", "de", "es"].map(str::to_owned).to_vec()
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

/// Returns the start of each caption, without those that begin with a sentence, and the times of
/// the marks, both in milliseconds from the start of the video.
fn starts_and_marks(draft: &Value) -> (Vec<u64>, Vec<u64>) {
    let track = |role: &str| {
        let tracks = draft["t"].as_array().unwrap();
        tracks.iter().find(|track| track["m"]["role"] == role).unwrap()["sg"].as_array().unwrap()
    };
    let start = |segment: &Value| segment["m"]["start"].as_u64().unwrap_or(0);
    let sentences: Vec<u64> = track("voiceover").iter().map(start).collect();
    let marks = track("voiceover").iter().flat_map(|segment| {
        let marks = segment["m"]["marks"].as_array().cloned().unwrap_or_default();
        marks.into_iter().map(move |mark| start(segment) + mark[1].as_u64().unwrap())
    });
    let starts = track("captions").iter().map(start).filter(|start| !sentences.contains(start));
    (starts.collect(), marks.collect())
}

#[tokio::test]
async fn the_agent_names_what_is_not_spoken_and_times_captions_by_the_speech() {
    let builder = LocalBackend::builder().silent_edits(Frequency::Never);
    let backend = builder.voice(Arc::new(HumVoice)).start().await.unwrap();
    let caller = Caller::new(&backend, "unspoken").await;
    let session = caller.session().await;
    let script = "narrate: We ~~sold~~ bought the house that stands beside the old mill in the \
                  valley, because nobody else had asked for it in all of the seven years. Short.";
    let stream = caller.say(&session, script).await;
    let reply = stream.texts().last().copied().unwrap_or_default().to_owned();
    assert!(reply.ends_with("Not spoken: sold."), "{reply}");
    let (landscape, marks) = starts_and_marks(&caller.draft(&session).await);
    assert_eq!(landscape.len(), 1);
    caller.say(&session, "make it portrait").await;
    let (portrait, _) = starts_and_marks(&caller.draft(&session).await);
    assert!(portrait.len() >= landscape.len());
    for start in landscape.iter().chain(&portrait) {
        assert!(marks.iter().any(|mark| mark.abs_diff(*start) <= 1), "{start}: {marks:?}");
    }
}
