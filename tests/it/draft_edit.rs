//! A change without checks touches only what it names.

use std::time::Duration;

use nemovideo::draft::{Draft, Json, TrackKind};

const DRAFT: &str = r#"{"v":1.10,"t":[{"x":1,"tt":0,"sg":[{"d":1000,"y":-0},{"d":500}]},{"tt":1,"sg":[{"d":9}],"z":[]}],"d":1500}"#;

fn draft() -> Draft {
    Draft::from_json(DRAFT).unwrap()
}

#[test]
fn a_change_touches_nothing_else() {
    let mut draft = draft();
    let mut track = draft.track_mut(0).unwrap();
    let mut end = track.segment_mut(1).unwrap();
    end.set_duration(Duration::from_millis(700)).set_metadata("name", "end");
    let changed = DRAFT.replace(r#"{"d":500}"#, r#"{"d":700,"m":{"name":"end"}}"#);
    assert_eq!(draft.to_json(), changed);
}

#[test]
fn tracks_and_segments_are_added_and_removed() {
    let mut draft = draft();
    draft.insert_track(0, TrackKind::Unknown(42)).set("id", "a");
    assert!(draft.to_json().starts_with(r#"{"v":1.10,"t":[{"tt":42,"id":"a"},{"x":1,"#));
    draft.remove_track(0);
    assert_eq!(draft.to_json(), DRAFT);

    assert_eq!(draft.remove_track(2), None);
    let audio = draft.remove_track(1).unwrap();
    assert_eq!(audio.to_string(), r#"{"tt":1,"sg":[{"d":9}],"z":[]}"#);
    let mut video = draft.track_mut(0).unwrap();
    assert!(video.remove_segment(0).is_some());
    assert_eq!(video.remove("x"), Some(Json::from(1)));
    assert_eq!(draft.to_json(), r#"{"v":1.10,"t":[{"tt":0,"sg":[{"d":500}]}],"d":1500}"#);
}

#[test]
fn segments_are_retained_by_their_times_before_the_removal() {
    let mut draft = draft();
    let mut track = draft.track_mut(0).unwrap();
    track.push_segment(Duration::from_millis(10));
    track.retain_segments(|segment| segment.start() >= Duration::from_millis(1000));
    let segments = track.as_track().get("sg").map(Json::to_string);
    assert_eq!(segments.as_deref(), Some(r#"[{"d":500},{"d":10}]"#));
}

#[test]
fn a_value_of_the_wrong_type_is_replaced() {
    let mut draft = Draft::from_json(r#"{"t":5,"m":"x"}"#).unwrap();
    draft.set_metadata("aspect", "16:9");
    draft.push_track(TrackKind::Video).push_segment(Duration::ZERO);
    assert_eq!(draft.to_json(), r#"{"t":[{"tt":0,"sg":[{"d":0}]}],"m":{"aspect":"16:9"}}"#);
    let mut draft = Draft::from_json("null").unwrap();
    draft.set("d", 5);
    assert_eq!(draft.to_json(), r#"{"d":5}"#);
}
