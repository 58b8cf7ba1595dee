//! The summary of a draft names what is on its timeline, wherever the draft states it.

use std::fmt::Write as _;

use nemovideo::draft::{Draft, Language};

fn summary(json: &str) -> String {
    Draft::from_json(json).unwrap().summary()
}

#[test]
fn the_line_is_the_one_of_the_protocol() {
    let expected = r#"Timeline (3 tracks): 1. Video: city timelapse (0-10s) 2. BGM: Lo-fi (0-10s, 35%) 3. Title: "Urban Dreams" (0-3s)"#;
    let by_metadata_of_segments = r#"{"t":[
        {"tt":0,"sg":[{"d":10000,"m":{"name":"city timelapse"}}]},
        {"tt":1,"sg":[{"d":10000,"m":{"name":"Lo-fi","volume":0.35}}]},
        {"tt":7,"sg":[{"d":3000,"m":{"text":"Urban Dreams"}}]}]}"#;
    let by_metadata_of_tracks = r#"{"t":[
        {"tt":0,"m":{"title":"city timelapse"},"sg":[{"d":10000}]},
        {"tt":1,"m":{"role":"music","name":"Lo-fi","volume":35},"sg":[{"d":10000}]},
        {"tt":7,"m":{"role":"title"},"sg":[{"d":3000,"content":"Urban Dreams"}]}]}"#;
    let by_names_of_tracks = r#"{"t":[
        {"tt":0,"name":"city timelapse","sg":[{"d":10000}]},
        {"tt":1,"type":"audio","name":"Lo-fi","sg":[{"d":10000,"m":{"volume":0.35}}]},
        {"tt":7,"name":"Urban Dreams","sg":[{"d":3000}]}]}"#;
    let by_own_keys = r#"{"t":[
        {"tt":0,"sg":[{"d":10000,"name":"city timelapse"}]},
        {"tt":1,"sg":[{"d":10000,"name":"Lo-fi","vol":"35%"}]},
        {"tt":7,"sg":[{"d":3000,"title":"Urban Dreams"}]}]}"#;
    assert_eq!(summary(by_metadata_of_segments), expected);
    assert_eq!(summary(by_metadata_of_tracks), expected);
    assert_eq!(summary(by_names_of_tracks), expected);
    assert_eq!(summary(by_own_keys), expected);
}

#[test]
fn a_narrated_video_is_described_by_its_roles() {
    let sentences = |n: usize| {
        (0..n).fold(String::new(), |mut out, at| {
            let comma = if at == 0 { "" } else { "," };
            let start = at * 2_500;
            write!(out, r#"{comma}{{"d":2500,"m":{{"start":{start},"text":"Sentence {at}.","volume":1.0}}}}"#).unwrap();
            out
        })
    };
    let video = |n| {
        format!(
            r#"{{"t":[{{"tt":0,"m":{{"role":"background","name":"Dusk gradient"}},"sg":[{{"d":57500,"m":{{"start":0}}}}]}},
                {{"tt":1,"m":{{"role":"voiceover","name":"Voiceover"}},"sg":[{0}]}},
                {{"tt":1,"m":{{"role":"music"}},"sg":[{{"d":57500,"m":{{"start":0,"name":"calm.mp3","volume":0.2}}}}]}},
                {{"tt":7,"m":{{"role":"captions"}},"sg":[{0}]}}]}}"#,
            sentences(n)
        )
    };
    assert_eq!(
        summary(&video(23)),
        "Timeline (4 tracks): 1. Video: Dusk gradient (0-57.5s) 2. Voiceover: 23 segments (0-57.5s) \
         3. BGM: calm.mp3 (0-57.5s, 20%) 4. Captions: 23 segments (0-57.5s)"
    );
    assert_eq!(
        summary(&video(2)),
        "Timeline (4 tracks): 1. Video: Dusk gradient (0-57.5s) 2. Voiceover: \"Sentence 0.\", \"Sentence 1.\" (0-5s) \
         3. BGM: calm.mp3 (0-57.5s, 20%) 4. Captions: \"Sentence 0.\", \"Sentence 1.\" (0-5s)"
    );
}

#[test]
fn several_segments_are_named_once_each_then_counted() {
    let json = r#"{"t":[{"tt":0,"sg":[{"d":1000,"name":"a"},{"d":1000,"name":"b"},{"d":1000,"name":"a"},
        {"d":1000,"name":"c"},{"d":1000,"name":"d"},{"d":1500,"name":"e"}]}]}"#;
    assert_eq!(summary(json), "Timeline (1 track): 1. Video: a, b, c +2 more (0-6.5s)");
}

#[test]
fn an_unknown_track_type_keeps_its_number() {
    let json =
        r#"{"t":[{"tt":42,"sg":[{"d":250,"name":"sparkles","start":1000}]},{"tt":-1,"sg":[]}]}"#;
    assert_eq!(
        summary(json),
        "Timeline (2 tracks): 1. Track type 42: sparkles (1-1.3s) 2. Track type -1 (empty)"
    );
}

#[test]
fn what_is_missing_or_ill_typed_is_left_out() {
    assert_eq!(summary("{}"), "Timeline (0 tracks)");
    assert_eq!(summary("null"), "Timeline (0 tracks)");
    assert_eq!(summary(r#"{"t":{"tt":0}}"#), "Timeline (0 tracks)");
    assert_eq!(
        summary(
            r#"{"t":[7,{},{"tt":"0","sg":[{"d":"x"}]},{"tt":1,"sg":[{"d":-5,"m":[1]},{"d":1e4}]},
                {"tt":1,"sg":[{"d":1000}]},{"tt":7.5,"sg":3},{"tt":7,"sg":[{"d":400,"text":"  "}]}]}"#
        ),
        "Timeline (7 tracks): 1. Track of unknown type (empty) 2. Track of unknown type (empty) \
         3. Video (0-0s) 4. Audio: 2 segments (0-10s) 5. Audio (0-1s) \
         6. Track of unknown type (empty) 7. Title (0-0.4s)"
    );
}

#[test]
fn a_volume_that_changes_is_a_range() {
    let json = r#"{"t":[{"tt":1,"sg":[{"d":1000,"name":"x","volume":0.2},{"d":1000,"volume":60},{"d":1,"volume":"no"}]}]}"#;
    assert_eq!(summary(json), "Timeline (1 track): 1. BGM: x (0-2s, 20-60%)");
}

#[test]
fn long_and_broken_lines_are_shortened() {
    let json =
        format!(r#"{{"t":[{{"tt":7,"sg":[{{"d":1000,"text":"one\n two{}"}}]}}]}}"#, "é".repeat(99));
    let line = summary(&json);
    assert!(line.starts_with("Timeline (1 track): 1. Title: \"one twoé"), "{line}");
    assert!(line.ends_with("é…\" (0-1s)"), "{line}");
    assert!(line.chars().count() < 110, "{line}");
}

#[test]
fn many_tracks_are_counted() {
    let line = summary(&format!(r#"{{"t":[{}]}}"#, vec![r#"{"tt":0}"#; 60].join(",")));
    assert!(line.starts_with("Timeline (60 tracks): 1. Video (empty) 2."), "{line}");
    assert!(line.ends_with(" 50. Video (empty) … and 10 more"), "{line}");
}

#[test]
fn a_language_is_parsed_from_a_tag() {
    for (tag, language) in [
        ("en", Language::English),
        ("en-GB", Language::English),
        ("zh", Language::Chinese),
        ("ZH_hans", Language::Chinese),
        ("zh-Hant-TW", Language::Chinese),
    ] {
        assert_eq!(tag.parse(), Ok(language), "{tag}");
    }
    for tag in ["", "de", "zhx", "english", "-en"] {
        let error = tag.parse::<Language>().unwrap_err();
        assert!(error.to_string().contains(&format!("`{tag}`")), "{error}");
    }
}
