//! A draft is read wherever and in whatever form it states a value.

use std::time::Duration;

use nemovideo::draft::{Aspect, Draft, ParseError, TrackKind, TrackRole};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn draft(json: &str) -> Draft {
    Draft::from_json(json).unwrap()
}

#[test]
fn the_duration_is_the_stated_one_or_else_the_last_end() {
    assert_eq!(draft(r#"{"t":[],"d":67700}"#).duration(), ms(67_700));
    let tracks = r#""t":[{"sg":[{"d":1000}]},{"sg":[{"d":900,"m":{"start":2000}}]}]"#;
    assert_eq!(draft(&format!("{{{tracks}}}")).duration(), ms(2900));
    assert_eq!(draft(&format!(r#"{{{tracks},"d":0}}"#)).duration(), ms(2900));
    assert_eq!(draft(&format!(r#"{{{tracks},"d":null}}"#)).duration(), ms(2900));
    assert_eq!(Draft::new().duration(), ms(0));
}

#[test]
fn unknown_kinds_and_roles_are_kept() {
    let draft = draft(
        r#"{"t":[{"tt":0},{"tt":1,"m":{"role":"BGM"}},{"tt":7,"role":"subtitles"},
            {"tt":42,"m":{"role":"sparkle"}},{"tt":"x","type":"x"},{"m":{"type":"tts"}}]}"#,
    );
    let kinds: Vec<_> = draft.tracks().map(|track| track.kind()).collect();
    let unknown = Some(TrackKind::Unknown(42));
    let (video, audio, text) = (TrackKind::Video, TrackKind::Audio, TrackKind::Text);
    assert_eq!(kinds, [Some(video), Some(audio), Some(text), unknown, None, None]);
    let roles: Vec<_> = draft.tracks().map(|track| track.role()).collect();
    let sparkle = Some(TrackRole::Unknown("sparkle".to_owned()));
    let (music, captions) = (Some(TrackRole::Music), Some(TrackRole::Captions));
    let voice = Some(TrackRole::Voiceover);
    assert_eq!(roles, [None, music, captions, sparkle, None, voice]);
}

#[test]
fn a_segment_starts_as_stated_or_after_the_previous_one() {
    let draft = draft(
        r#"{"t":[{"sg":[{"d":1000},{"d":500,"m":{"start":3000}},{"d":"250"},{"start_ms":0}]}]}"#,
    );
    let track = draft.tracks().next().unwrap();
    let times: Vec<_> = track.segments().map(|s| (s.start(), s.end())).collect();
    assert_eq!(
        times,
        [(ms(0), ms(1000)), (ms(3000), ms(3500)), (ms(3500), ms(3750)), (ms(0), ms(0))]
    );
    assert_eq!(track.end(), ms(3750));
}

#[test]
fn a_volume_is_a_factor_or_a_percentage() {
    for (json, expected) in [
        ("0.35", Some(0.35)),
        ("35", Some(0.35)),
        ("\"35%\"", Some(0.35)),
        ("\" 0.5 \"", Some(0.5)),
        ("1", Some(1.0)),
        ("250", Some(1.0)),
        ("-3", Some(0.0)),
        ("1e999", None),
        ("\"loud\"", None),
        ("[1]", None),
    ] {
        let draft = draft(&format!(r#"{{"t":[{{"m":{{"volume":{json}}},"sg":[{{}}]}}]}}"#));
        let track = draft.tracks().next().unwrap();
        assert_eq!(track.volume(), expected, "{json}");
        assert_eq!(track.segments().next().unwrap().volume(), expected, "{json}");
    }
}

#[test]
fn an_aspect_ratio_is_read_in_any_form() {
    for (json, expected) in [
        (r#"{"canvas":{"ratio":"16:9"}}"#, Some(Aspect::Landscape)),
        (r#"{"canvas":"1080x1920"}"#, Some(Aspect::Portrait)),
        (r#"{"m":{"aspect_ratio":1.7778}}"#, Some(Aspect::Landscape)),
        (r#"{"m":{"width":720,"height":"1280"}}"#, Some(Aspect::Portrait)),
        (r#"{"canvas":{"size":{"w":500,"h":500}}}"#, Some(Aspect::Square)),
        (r#"{"resolution":"854 × 480"}"#, Some(Aspect::Landscape)),
        (r#"{"width":1920,"height":1080,"m":{"aspect":"1:1"}}"#, Some(Aspect::Square)),
        (r#"{"resolution":"1080p","m":{"aspect":"4:3"}}"#, None),
        (r#"{"width":1920,"canvas":{"color":"black"},"ratio":true}"#, None),
    ] {
        assert_eq!(draft(json).aspect(), expected, "{json}");
    }
}

#[test]
fn an_aspect_ratio_is_parsed_from_its_ratio_or_word() {
    assert_eq!("9:16".parse(), Ok(Aspect::Portrait));
    assert_eq!("square".parse(), Ok(Aspect::Square));
    let unknown = ParseError::UnknownAspect("4:3".to_owned());
    assert_eq!("4:3".parse::<Aspect>(), Err(unknown));
}
