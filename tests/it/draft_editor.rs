//! An edit either succeeds, so that the video can still be exported, or leaves the draft unchanged.

use std::time::Duration;

use nemovideo::draft::{Aspect, CaptionPosition, CaptionStyle, Draft, EditError, Editor};
use proptest::prelude::*;

const DRAFT: &str = r#"{"v":1.10,"t":[
    {"tt":0,"m":{"role":"background"},"sg":[{"d":9000,"m":{"start":0,"media":"p"}}],"a":[]},
    {"tt":1,"m":{"role":"voiceover"},"sg":[{"id":"x","d":3000,"y":{"z":1},"m":{"media":"v","start":0,"volume":0.5}},{"d":2000,"m":{"media":"w","start":4000,"volume":0.5}}]},
    {"tt":7,"m":{"role":"captions"},"sg":[{"d":2000,"text":"One."},{"d":1000,"text":"Two."},{"d":4000,"text":"Three."}]}
],"d":9000,"m":{"aspect":"16:9"}}"#;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn sample() -> Draft {
    DRAFT.parse().unwrap()
}

/// Returns `start-end` of each segment of a track.
fn times(draft: &Draft, track: usize) -> String {
    let times = draft.tracks().nth(track).unwrap().segments();
    let times = times.map(|s| format!("{}-{}", s.start().as_millis(), s.end().as_millis()));
    times.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn assert_edit(edit: impl FnOnce(&mut Editor<'_>), json: &str, newer: &str) {
    let mut draft = sample();
    edit(&mut draft.edit());
    let expected = sample().to_json();
    assert!(expected.contains(json), "{json} is not in {expected}");
    assert_eq!(draft.to_json(), expected.replacen(json, newer, 1));
}

#[track_caller]
fn assert_rejected(edit: impl FnOnce(&mut Draft) -> Result<(), EditError>, expected: EditError) {
    let mut draft = sample();
    assert_eq!(edit(&mut draft), Err(expected));
    assert_eq!(draft.to_json(), sample().to_json());
}

#[test]
fn a_title_is_written_where_the_draft_keeps_its_texts() {
    let mut draft = sample();
    draft.edit().add_title("Brew", ms(1000), ms(2000)).unwrap();
    let title = draft.tracks().last().unwrap().as_json().to_string();
    assert_eq!(
        title,
        r#"{"tt":7,"m":{"role":"title"},"sg":[{"d":2000,"m":{"start":1000},"text":"Brew"}]}"#
    );
    draft.edit().set_text(3, 0, "Tea").unwrap();
    assert_eq!(draft.to_json().matches(r#""text":"Tea""#).count(), 1);

    let mut named: Draft = r#"{"t":[{"tt":7,"sg":[{"d":9,"title":"Old"}]}]}"#.parse().unwrap();
    named.edit().set_text(0, 0, "New").unwrap();
    assert_eq!(named.to_json(), r#"{"t":[{"tt":7,"sg":[{"d":9,"title":"New"}]}]}"#);
}

#[test]
fn a_volume_is_written_where_and_as_it_was() {
    assert_edit(
        |edit| {
            edit.set_segment_volume(1, 1, 0.25).unwrap();
        },
        r#""w","start":4000,"volume":0.5"#,
        r#""w","start":4000,"volume":0.25"#,
    );
    for (before, after) in [
        (
            r#"{"tt":1,"sg":[{"volume":80},{}]}"#,
            r#"{"tt":1,"sg":[{"volume":35},{}],"m":{"volume":0.35}}"#,
        ),
        (r#"{"tt":1,"sg":[{"vol":"80%"}]}"#, r#"{"tt":1,"sg":[{"vol":"35%"}]}"#),
        (r#"{"tt":1,"m":{"volume":1.0},"sg":[{}]}"#, r#"{"tt":1,"m":{"volume":0.35},"sg":[{}]}"#),
        (
            r#"{"tt":1,"sg":[{"m":{"x":1}}]}"#,
            r#"{"tt":1,"sg":[{"m":{"x":1}}],"m":{"volume":0.35}}"#,
        ),
    ] {
        let mut draft: Draft = format!(r#"{{"t":[{before}]}}"#).parse().unwrap();
        draft.edit().set_track_volume(0, 0.35).unwrap();
        assert_eq!(draft.to_json(), format!(r#"{{"t":[{after}]}}"#));
        assert!(draft.tracks().flat_map(|t| t.segments()).all(|s| s.volume() == Some(0.35)));
    }
    // 0.5 % written as a percentage would read as half of full volume.
    let mut draft: Draft = r#"{"t":[{"tt":1,"sg":[{"volume":80}]}]}"#.parse().unwrap();
    draft.edit().set_track_volume(0, 0.005).unwrap();
    assert_eq!(draft.tracks().next().unwrap().segments().next().unwrap().volume(), Some(0.005));
}

#[test]
fn a_trimmed_video_has_the_requested_length() {
    let mut draft = sample();
    draft.edit().trim_to(ms(2500)).unwrap();
    assert_eq!(draft.duration(), ms(2500));
    let all: Vec<_> = (0..3).map(|track| times(&draft, track)).collect();
    assert_eq!(all, ["0-2500", "0-2500", "0-2000 2000-2500"]);
    assert!(draft.to_json().contains(r#""y":{"z":1}"#) && draft.to_json().contains(r#""a":[]"#));
    assert!(!draft.to_json().contains("skip"));
    // It has this length already.
    let trimmed = draft.to_json();
    draft.edit().trim_to(ms(2500)).unwrap();
    assert_eq!(draft.to_json(), trimmed);
}

#[test]
fn segments_around_a_cut_stay_in_sync() {
    let mut draft = sample();
    draft.edit().cut(ms(1000)..ms(2500)).unwrap();
    let all: Vec<_> = (0..3).map(|track| times(&draft, track)).collect();
    assert_eq!(all, ["0-7500", "0-1000 1000-1500 2500-4500", "0-1000 1000-1500 1500-5500"]);
    assert_eq!(draft.duration(), ms(7500));
    let voice = draft.tracks().nth(1).unwrap().segments().nth(1).unwrap().as_json().to_string();
    assert_eq!(
        voice,
        r#"{"d":500,"y":{"z":1},"m":{"media":"v","start":1000,"volume":0.5,"skip":2500}}"#
    );
}

#[test]
fn the_remaining_segments_keep_their_times() {
    let mut draft = sample();
    draft.edit().remove_segment(2, 1).unwrap();
    assert_eq!(times(&draft, 2), "0-2000 3000-7000");
    draft.edit().set_times(2, 0, ms(1000), ms(1500)).unwrap();
    assert_eq!(times(&draft, 2), "1000-2500 3000-7000");
    draft.edit().remove_segment(2, 0).unwrap().remove_segment(2, 0).unwrap();
    assert_eq!(draft.tracks().len(), 2, "an empty track is removed");
}

#[test]
fn segments_are_reordered_and_pauses_keep_their_place() {
    let mut draft = sample();
    draft.edit().move_segment(2, 0, 2).unwrap().move_segment(1, 1, 0).unwrap();
    let captions: Vec<_> = draft.tracks().nth(2).unwrap().segments().map(|s| s.text()).collect();
    assert_eq!(captions, [Some("Two."), Some("Three."), Some("One.")]);
    assert_eq!(times(&draft, 2), "0-1000 1000-5000 5000-7000");
    assert_eq!(times(&draft, 1), "0-2000 3000-6000");
    // A segment that follows the previous one needs no stated start.
    assert!(draft.to_json().contains(r#"{"d":1000,"text":"Two."}"#));
}

#[test]
fn tracks_are_reordered_and_the_aspect_ratio_is_changed() {
    let mut draft = sample();
    draft.edit().move_track(0, 2).unwrap().set_aspect(Aspect::Square).unwrap();
    let kinds: Vec<_> = draft.tracks().filter_map(|t| Some(t.kind()?.number())).collect();
    assert_eq!(kinds, [1, 7, 0]);
    assert_eq!(draft.aspect(), Some(Aspect::Square));
    assert_edit(
        |edit| {
            edit.set_aspect(Aspect::Portrait).unwrap();
        },
        r#"{"aspect":"16:9"}"#,
        r#"{"aspect":"9:16"}"#,
    );
}

#[test]
fn an_impossible_edit_fails_and_changes_nothing() {
    let length = ms(9000);
    assert_rejected(|d| d.edit().add_title(" ", ms(0), ms(1)).map(drop), EditError::NoText);
    assert_rejected(|d| d.edit().add_title("x", ms(0), ms(0)).map(drop), EditError::NoLength);
    assert_rejected(
        |d| d.edit().add_title("x", ms(8000), ms(1001)).map(drop),
        EditError::PastEnd { end: ms(9001), length },
    );
    assert_rejected(
        |d| d.edit().add_title("x", Duration::MAX, ms(1)).map(drop),
        EditError::PastEnd { end: Duration::MAX, length },
    );
    assert_rejected(
        |d| d.edit().trim_to(ms(9001)).map(drop),
        EditError::PastEnd { end: ms(9001), length },
    );
    assert_rejected(|d| d.edit().trim_to(ms(0)).map(drop), EditError::NoLength);
    assert_rejected(|d| d.edit().cut(ms(0)..length).map(drop), EditError::NothingLeft);
    assert_rejected(|d| d.edit().set_track_volume(1, 1.1).map(drop), EditError::Volume(1.1));
    assert_rejected(
        |d| d.edit().set_track_volume(2, 1.0).map(drop),
        EditError::Silent { track: 2 },
    );
    assert_rejected(
        |d| d.edit().set_times(1, 0, ms(2000), ms(2001)).map(drop),
        EditError::Overlap { track: 1, segment: 1 },
    );
    assert_rejected(
        |d| d.edit().remove_track(3).map(drop),
        EditError::NoTrack { index: 3, tracks: 3 },
    );
    assert_rejected(
        |d| d.edit().move_segment(1, 0, 2).map(drop),
        EditError::NoSegment { track: 1, index: 2, segments: 2 },
    );
    assert!(sample().edit().set_track_volume(1, f64::NAN).is_err());

    let mut last: Draft = r#"{"t":[{"tt":0,"sg":[{"d":5}]}]}"#.parse().unwrap();
    assert_eq!(last.edit().remove_segment(0, 0).map(drop), Err(EditError::NothingLeft));
    assert_eq!(last.edit().remove_track(0).map(drop), Err(EditError::NothingLeft));
    assert!(last.is_ready_to_export());
}

fn us(us: u64) -> Duration {
    Duration::from_micros(us)
}

#[test]
fn times_between_milliseconds_leave_no_empty_segment() {
    let clip = r#"{"t":[{"tt":0,"sg":[{"d":210,"m":{"media":"a"}}]}]}"#;
    let cut = |from, to| {
        let mut draft: Draft = clip.parse().unwrap();
        draft.edit().cut(us(from)..us(to)).map(drop).map(|()| times(&draft, 0))
    };
    assert_eq!(cut(214, 92_648), Ok("0-117".to_owned()));
    assert_eq!(cut(92_214, 92_648), Ok("0-92 92-209".to_owned()));
    assert_eq!(cut(209_300, 210_400), Ok("0-209".to_owned()));
    assert_eq!(cut(92_100, 92_400), Err(EditError::NoLength));
    // Both ends are rounded, so frames of a thirtieth of a second stay contiguous.
    let mut draft: Draft = clip.parse().unwrap();
    let frame = Duration::from_secs(1) / 30;
    for at in 0..6 {
        draft.edit().add_title("x", frame * at, frame).unwrap();
    }
    let titles: Vec<_> = (1..7).map(|track| times(&draft, track)).collect();
    assert_eq!(titles, ["0-33", "33-67", "67-100", "100-133", "133-167", "167-200"]);
    draft.edit().trim_to(us(33_333)).unwrap();
    assert_eq!((draft.tracks().len(), draft.duration()), (2, ms(33)));
    assert_eq!(draft.edit().trim_to(us(400)).map(drop), Err(EditError::NoLength));
}

#[test]
fn a_duration_of_zero_is_never_written() {
    // The segment continues for four seconds after the stated end.
    let text = r#"{"d":5000,"t":[{"tt":0,"sg":[{"d":9000,"media":"a"}]}]}"#;
    let mut draft: Draft = text.parse().unwrap();
    assert_eq!(draft.edit().cut(ms(0)..ms(5000)).map(drop), Err(EditError::NothingLeft));
    assert_eq!(draft.to_json(), text);
    draft.edit().cut(ms(0)..ms(4000)).unwrap();
    assert_eq!(draft.duration(), ms(1000));
    draft.edit().trim_to(ms(1000)).unwrap();
    assert_eq!(times(&draft, 0), "0-1000");
}

#[test]
fn the_media_of_a_clip_stays_in_sync_or_the_cut_fails() {
    let draft_of = |clip: &str| -> Draft {
        format!(r#"{{"d":9000,"t":[{{"tt":7,"sg":[{{"d":9000,"text":"x"}}]}},{clip}]}}"#)
            .parse()
            .unwrap()
    };
    let indivisible = Err(EditError::Indivisible { track: 1, segment: 0 });
    for clip in [
        r#"{"tt":0,"sg":[{"d":9000,"m":{"src":"a.mp4"}}]}"#,
        r#"{"tt":1,"m":{"role":"voiceover"},"sg":[{"d":9000,"m":{"url":"v.mp3"}}]}"#,
    ] {
        for (from, to) in [(2000, 4000), (0, 4000)] {
            let mut draft = draft_of(clip);
            assert_eq!(draft.edit().cut(ms(from)..ms(to)).map(drop), indivisible, "{clip}");
            assert_eq!(draft, draft_of(clip));
        }
        // The end of a clip can always be removed.
        let mut draft = draft_of(clip);
        draft.edit().cut(ms(7000)..ms(9000)).unwrap().trim_to(ms(5000)).unwrap();
        assert_eq!(times(&draft, 1), "0-5000");
    }
    // A clip that states how much of its media it skips shows the key for that.
    let mut draft = draft_of(r#"{"tt":0,"sg":[{"d":9000,"skip":500,"src":"a.mp4"}]}"#);
    draft.edit().cut(ms(2000)..ms(4000)).unwrap();
    let clips = r#"[{"d":2000,"skip":500,"src":"a.mp4"},{"d":5000,"skip":4500,"src":"a.mp4"}]"#;
    assert!(draft.to_json().contains(clips), "{}", draft.to_json());
    // A clip that only fills the time is shortened.
    for filling in [
        r#"{"tt":1,"m":{"role":"bgm"},"sg":[{"d":9000,"m":{"src":"m.mp3"}}]}"#,
        r#"{"tt":0,"m":{"role":"background"},"sg":[{"d":9000,"m":{"src":"b.png"}}]}"#,
        r#"{"tt":42,"sg":[{"d":9000,"m":{"effect":"snow"}}]}"#,
    ] {
        let mut draft = draft_of(filling);
        draft.edit().cut(ms(2000)..ms(4000)).unwrap().cut(ms(0)..ms(1000)).unwrap();
        assert_eq!(times(&draft, 1), "0-6000");
        assert!(!draft.to_json().contains("skip"));
    }
}

#[test]
fn a_draft_never_states_two_aspect_ratios() {
    let to_portrait = |json: &str| {
        let mut draft: Draft = format!(r#"{{{json},"t":[]}}"#).parse().unwrap();
        draft.edit().set_aspect(Aspect::Portrait).map(drop).map(|()| {
            assert_eq!(draft.aspect(), Some(Aspect::Portrait));
            let json = draft.to_json();
            json[1..].replacen(r#","t":[]"#, "", 1).trim_end_matches('}').to_owned()
        })
    };
    for (json, newer) in [
        (r#""x":1"#, r#""x":1,"m":{"aspect":"9:16""#),
        (r#""canvas":{"ratio":"16:9""#, r#""canvas":{"ratio":"9:16""#),
        (r#""m":{"width":1920,"height":1080"#, r#""m":{"width":1080,"height":1920"#),
        (r#""w":"1280","h":"720","ratio":"4:3""#, r#""w":"720","h":"1280","ratio":"9:16""#),
        (r#""canvas":"1440x1080","aspect":1.5"#, r#""canvas":"1080x1920","aspect":0.5625"#),
        (
            r#""aspect":"landscape","canvas":{"color":1"#,
            r#""aspect":"portrait","canvas":{"color":1"#,
        ),
        (
            r#""resolution":"1080p","m":{"size":{"w":854,"h":480"#,
            r#""resolution":"1080p","m":{"size":{"w":480,"h":854"#,
        ),
        // The ratio is the requested one already.
        (
            r#""canvas":{"ratio":"9:16","width":720.0,"height":1280"#,
            r#""canvas":{"ratio":"9:16","width":720.0,"height":1280"#,
        ),
    ] {
        let closed = |json: &str| json.to_owned() + &"}".repeat(json.matches('{').count());
        assert_eq!(to_portrait(&closed(json)), Ok(newer.to_owned()), "{json}");
    }
    for unknown in [r#""canvas":{"preset":7}"#, r#""aspect":[9,16]"#, r#""ratio":true"#] {
        assert_eq!(to_portrait(unknown), Err(EditError::Canvas), "{unknown}");
    }
}

/// Makes one edit of any kind, valid or not, at times in microseconds.
fn edit(draft: &mut Draft, (kind, a, b, c): (u8, u64, u64, u64)) -> Result<(), EditError> {
    let (i, j, k) = ((a % 5) as usize, (b % 5) as usize, (c % 5) as usize);
    let mut editor = draft.edit();
    let done = match kind {
        0 => editor.add_title("Title", us(a), us(b)),
        1 => editor.set_track_volume(i, b as f64 / 5_000_000.0),
        2 => editor.set_segment_volume(i, j, c as f64 / 5_000_000.0),
        3 => editor.set_times(i, j, us(b), us(c)),
        4 => editor.trim_to(us(a)),
        5 => editor.cut(us(a)..us(b)),
        11 => editor.cut(us(a)..us(a + b % 3000)),
        6 => editor.remove_track(i),
        7 => editor.remove_segment(i, j),
        8 => editor.move_track(i, j),
        9 => editor.move_segment(i, j, k),
        _ => editor.set_text(i, j, "Text"),
    };
    done.map(drop)
}

proptest! {
    #[test]
    fn edits_never_leave_an_invalid_video(
        edits in prop::collection::vec(
            (0..12_u8, 0..9_500_000_u64, 0..9_500_000_u64, 0..9_500_000_u64), 1..25,
        ),
    ) {
        let mut draft = sample();
        for step in edits {
            let before = draft.clone();
            match edit(&mut draft, step) {
                Err(_) => prop_assert_eq!(&draft, &before),
                Ok(()) => prop_assert_eq!(before.diff(&draft).is_empty(), before == draft),
            }
            prop_assert!(draft.is_ready_to_export());
            prop_assert!(draft.to_json().contains(r#""v":1.10,"#), "unknown keys are kept");
            for track in draft.tracks() {
                prop_assert!(track.end() <= draft.duration(), "{:?} {:?}", step, draft);
                let mut spans: Vec<_> = track.segments().map(|s| (s.start(), s.end())).collect();
                spans.sort();
                let apart = spans.windows(2).all(|pair| pair[0].1 <= pair[1].0);
                prop_assert!(apart, "{:?} made {:?} of {:?}", step, draft, before);
                let lasting = spans.iter().all(|span| span.0 < span.1);
                prop_assert!(lasting, "{:?} made {:?} of {:?}", step, draft, before);
            }
        }
    }
}

/// Two captions with the times of their words, and a poster.
const TIMED: &str = r#"{"t":[{"tt":7,"m":{"role":"captions"},"sg":[
    {"d":2000,"m":{"text":"one two three","start":0,"words":[[0,0],[4,500],[8,1500]]}},
    {"d":1000,"m":{"text":"four five","start":2000,"words":[[0,0],[5,400]]}}]},
    {"tt":1,"m":{"role":"music"},"sg":[{"d":3000}]}],"m":{"poster":2500}}"#;

#[test]
fn a_cut_moves_the_words_of_captions_and_the_poster() {
    let words = |draft: &Draft| -> Vec<Vec<u128>> {
        let captions = draft.tracks().next().unwrap();
        let times = |s: nemovideo::draft::Segment<'_>| {
            s.words().iter().map(|(_, time)| time.as_millis()).collect()
        };
        captions.segments().map(times).collect()
    };
    for (range, expected, poster) in [
        // What was spoken within the range is spoken where it was cut out.
        (ms(0)..ms(700), [vec![0, 0, 800], vec![0, 400]], 1800),
        (ms(1000)..ms(1200), [vec![0, 500, 1300], vec![0, 400]], 2300),
        (ms(1900)..ms(2300), [vec![0, 500, 1500], vec![0, 100]], 2100),
        (ms(2600)..ms(2700), [vec![0, 500, 1500], vec![0, 400]], 2500),
    ] {
        let mut draft: Draft = TIMED.parse().unwrap();
        draft.edit().cut(range.clone()).unwrap();
        assert_eq!(words(&draft), expected, "{range:?}");
        assert_eq!(draft.poster(), Some(ms(poster)), "{range:?}");
    }
}

#[test]
fn chapters_last_until_the_next_one() {
    let mut draft = sample();
    draft.edit().add_chapter("B", ms(4000)).unwrap().add_chapter("A", ms(0)).unwrap();
    draft.edit().add_chapter("C", ms(8000)).unwrap().add_chapter("Bee", ms(4000)).unwrap();
    assert_eq!(times(&draft, 3), "0-4000 4000-8000 8000-9000");
    let titles: Vec<_> = draft.chapters().filter_map(|chapter| chapter.text()).collect();
    assert_eq!(titles, ["A", "Bee", "C"]);
    // They are cut with everything else, and are no text of the video.
    draft.edit().cut(ms(1000)..ms(2000)).unwrap();
    assert_eq!(times(&draft, 3), "0-3000 3000-7000 7000-8000");
    assert!(draft.to_srt().unwrap().contains("One."), "the captions");
    let end = EditError::NoLength;
    assert_rejected(|draft| draft.edit().add_chapter("D", ms(9000)).map(drop), end);
    assert_rejected(|draft| draft.edit().add_chapter(" ", ms(1)).map(drop), EditError::NoText);
}

#[test]
fn looks_and_sounds_are_set_where_they_belong() {
    let style = CaptionStyle::boxed().position(CaptionPosition::Top);
    assert_edit(
        |editor| drop(editor.set_caption_style(2, style)),
        r#""m":{"role":"captions"}"#,
        r#""m":{"role":"captions","style":{"mode":"boxed","position":"top"}}"#,
    );
    assert_edit(
        |editor| drop(editor.set_image(0, 0, "q", "sea.png")),
        r#""m":{"start":0,"media":"p"}"#,
        r#""m":{"start":0,"media":"q","name":"sea.png"}"#,
    );
    assert_edit(
        |editor| drop(editor.set_poster(ms(1500))),
        r#""m":{"aspect":"16:9"}"#,
        r#""m":{"aspect":"16:9","poster":1500}"#,
    );
    let mut draft = sample();
    draft.edit().set_ducking(1, true).unwrap().set_fades(1, ms(500), ms(1500)).unwrap();
    let voice = draft.tracks().nth(1).unwrap().segments().next().unwrap();
    assert_eq!(
        (voice.is_ducked(), voice.fade_in(), voice.fade_out()),
        (Some(true), ms(500), ms(1500))
    );
    let wrong = |track, expected| EditError::WrongTrack { track, expected };
    assert_rejected(|it| it.edit().set_caption_style(1, style).map(drop), wrong(1, "captions"));
    assert_rejected(|it| it.edit().set_ducking(0, true).map(drop), wrong(0, "audio"));
    assert_rejected(|it| it.edit().set_image(1, 0, "q", "n").map(drop), wrong(1, "images"));
    let long = EditError::PastEnd { end: ms(2001), length: ms(2000) };
    assert_rejected(|it| it.edit().set_fades(1, ms(1), ms(2000)).map(drop), long);
    let late = EditError::PastEnd { end: ms(9001), length: ms(9000) };
    assert_rejected(|it| it.edit().set_poster(ms(9001)).map(drop), late);
}
