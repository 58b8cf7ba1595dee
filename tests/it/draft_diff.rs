//! A diff reports every change of a draft, and its summary describes them in few lines.

use crate::support::json::node;
use nemovideo::draft::{Change, Diff, Draft, Json, Language, TrackKind};
use proptest::prelude::*;
use std::time::Duration;

const DRAFT: &str = r#"{"v":1.10,"t":[
    {"tt":0,"m":{"role":"background","name":"Dusk gradient"},"sg":[{"d":9000,"m":{"start":0,"gradient":"dusk"}}]},
    {"tt":1,"m":{"role":"music"},"sg":[{"d":9000,"m":{"start":0,"name":"calm.mp3","volume":0.8}}]},
    {"tt":7,"m":{"role":"captions"},"sg":[
        {"d":2000,"m":{"start":0,"text":"One."}},{"d":2000,"m":{"start":2000,"text":"Two."}},
        {"d":2000,"m":{"start":4000,"text":"Three."}},{"d":3000,"m":{"start":6000,"text":"Four."}}]},
    {"tt":7,"m":{"role":"title"},"sg":[{"d":3000,"m":{"start":0,"text":"Morning"}}]}
],"d":9000,"m":{"aspect":"16:9"}}"#;

fn draft(json: &str) -> Draft {
    json.parse().unwrap()
}

/// Returns the summaries of an edit in both languages.
fn summaries(edit: impl FnOnce(&mut Draft)) -> (String, String) {
    let older = draft(DRAFT);
    let mut newer = older.clone();
    edit(&mut newer);
    let diff = older.diff(&newer);
    (diff.summary(Language::English), diff.summary(Language::Chinese))
}

fn assert_summary(edit: impl FnOnce(&mut Draft), english: &str, chinese: &str) {
    assert_eq!(summaries(edit), (english.to_owned(), chinese.to_owned()));
}

fn caption(text: &str, start: u64, duration: u64) -> Json {
    format!(r#"{{"d":{duration},"m":{{"start":{start},"text":"{text}"}}}}"#).parse().unwrap()
}

/// Changes the segments of a track as JSON.
fn segments(draft: &mut Draft, track: usize, change: impl FnOnce(&mut Vec<Json>)) {
    let mut json = draft.clone().into_json();
    let tracks = json.as_object_mut().and_then(|o| o.get_mut("t")).unwrap().as_array_mut().unwrap();
    let segments = tracks[track].as_object_mut().and_then(|o| o.get_mut("sg")).unwrap();
    change(segments.as_array_mut().unwrap());
    *draft = json.into();
}

fn start_later(segment: &mut Json, by: u64) {
    let start = segment.get("m").and_then(|m| m.get("start")).and_then(Json::as_u64).unwrap();
    set_start(segment, start + by);
}

fn set_start(segment: &mut Json, start: u64) {
    let metadata = segment.as_object_mut().and_then(|o| o.get_mut("m")).unwrap();
    metadata.as_object_mut().unwrap().insert("start", start);
}

#[test]
fn the_summary_of_no_change_says_so() {
    assert_summary(|_| {}, "Nothing changed.", "没有任何变化。");
    assert!(draft(DRAFT).diff(&draft(DRAFT)).is_empty());
}

#[test]
fn every_change_is_described_in_both_languages() {
    let ms = Duration::from_millis;
    assert_summary(
        |draft| {
            let mut track = draft.push_track(TrackKind::Text);
            track.set_metadata("role", "title");
            track
                .push_segment(ms(3000))
                .set_metadata("start", 1000)
                .set_metadata("text", "Morning Brew");
        },
        "Title added: “Morning Brew” (1–4 s)",
        "标题已添加：“Morning Brew”（1–4 秒）",
    );
    assert_summary(
        |draft| drop(draft.remove_track(1)),
        "Music removed: calm.mp3 (0–9 s)",
        "音乐已移除：calm.mp3（0–9 秒）",
    );
    assert_summary(
        |draft| drop(draft.remove_track(2)),
        "Captions removed: 4 segments (0–9 s)",
        "字幕已移除：4 段（0–9 秒）",
    );
    assert_summary(
        |draft| {
            draft.track_mut(1).unwrap().segment_mut(0).unwrap().set_metadata("volume", 0.35);
        },
        "Music volume: 80 % → 35 %",
        "音乐音量：80% → 35%",
    );
    assert_summary(
        |draft| {
            draft.track_mut(3).unwrap().segment_mut(0).unwrap().set_metadata("text", "Evening");
        },
        "Title: “Morning” → “Evening”",
        "标题：“Morning” → “Evening”",
    );
    assert_summary(
        |draft| {
            draft.track_mut(2).unwrap().segment_mut(1).unwrap().set_metadata("text", "Too.");
        },
        "Caption: “Two.” → “Too.”",
        "字幕：“Two.” → “Too.”",
    );
    assert_summary(
        |draft| {
            draft.track_mut(3).unwrap().segment_mut(0).unwrap().set_metadata("start", 2500);
        },
        "Title retimed: “Morning” (0–3 s → 2.5–5.5 s)",
        "标题时间已调整：“Morning”（0–3 秒 → 2.5–5.5 秒）",
    );
    assert_summary(
        |draft| {
            draft.set_metadata("aspect", "9:16").set_duration(ms(30_500));
        },
        "Canvas: 16:9 → 9:16\nLength: 9 s → 30.5 s",
        "画幅：16:9 → 9:16\n时长：9 秒 → 30.5 秒",
    );
    assert_summary(
        |draft| {
            draft.track_mut(1).unwrap().segment_mut(0).unwrap().set_metadata("name", "rain.mp3");
        },
        "Music clip renamed: calm.mp3 → rain.mp3",
        "音乐片段已更名：calm.mp3 → rain.mp3",
    );
    assert_summary(
        |draft| {
            draft.track_mut(1).unwrap().set("tt", 0);
        },
        "Track 2 retyped: audio → video",
        "轨道 2 类型已更改：音频 → 视频",
    );
    assert_summary(
        |draft| {
            draft.set("v", 2);
            draft.track_mut(0).unwrap().segment_mut(0).unwrap().set_metadata("gradient", "dawn");
        },
        "Video clip: other settings changed (m.gradient)\nTimeline: other settings changed (v)",
        "视频片段：其他设置已更改（m.gradient）\n影片：其他设置已更改（v）",
    );
}

#[test]
fn an_insertion_in_the_middle_is_one_change() {
    // The others make room, with or without stated starts.
    let inserted = |room: u64| {
        move |draft: &mut Draft| {
            segments(draft, 2, |list| {
                list[2..].iter_mut().for_each(|segment| start_later(segment, room));
                list.insert(2, caption("New.", 4000, 1500));
            });
        }
    };
    for room in [0, 1500] {
        assert_summary(
            inserted(room),
            "Caption added: “New.” (4–5.5 s)",
            "字幕已添加：“New.”（4–5.5 秒）",
        );
    }
    assert_summary(
        inserted(2000),
        "Caption added: “New.” (4–5.5 s)\nCaptions 4–5: 2 s later",
        "字幕已添加：“New.”（4–5.5 秒）\n字幕 4–5：推后 2 秒",
    );
    assert_summary(
        |draft| {
            draft.insert_track(1, TrackKind::Video);
        },
        "Video added (empty)",
        "视频已添加（空）",
    );
}

#[test]
fn a_removal_and_a_move_are_one_change_each() {
    assert_summary(
        |draft| segments(draft, 2, |list| drop(list.remove(1))),
        "Caption removed: “Two.” (2–4 s)",
        "字幕已移除：“Two.”（2–4 秒）",
    );
    assert_summary(
        |draft| {
            segments(draft, 2, |list| {
                let first = list.remove(0);
                list.insert(2, first);
                for (segment, start) in list.iter_mut().zip([0, 2000, 4000]) {
                    set_start(segment, start);
                }
            })
        },
        "Caption moved: “One.” (0–2 s → 4–6 s)",
        "字幕已移动：“One.”（0–2 秒 → 4–6 秒）",
    );
    assert_summary(
        |draft| {
            let mut json = draft.clone().into_json();
            let tracks =
                json.as_object_mut().and_then(|o| o.get_mut("t")).unwrap().as_array_mut().unwrap();
            let music = tracks.remove(1);
            tracks.push(music);
            *draft = json.into();
        },
        "Music moved: track 2 → 4",
        "音乐已移动：轨道 2 → 4",
    );
}

#[test]
fn many_changes_of_one_kind_are_one_line() {
    assert_summary(
        |draft| {
            segments(draft, 2, |list| {
                for (at, segment) in list.iter_mut().enumerate() {
                    let changed =
                        caption(&format!("Changed {at}."), at as u64 * 2000, [2000, 3000][at / 3]);
                    *segment = changed;
                }
            })
        },
        "Captions: 4 segments reworded (0–9 s)",
        "字幕：4 段文字已修改（0–9 秒）",
    );
    let older = draft(r#"{"t":[]}"#);
    let mut newer = older.clone();
    for _ in 0..60 {
        newer.push_track(TrackKind::Unknown(9));
    }
    let summary = older.diff(&newer).summary(Language::English);
    assert_eq!(summary.lines().count(), 21, "{summary}");
    assert!(summary.ends_with("… and 40 more changes"), "{summary}");
}

#[test]
fn a_volume_for_the_whole_track_is_one_change() {
    let older = draft(
        r#"{"t":[{"tt":1,"m":{"volume":1},"sg":[{"d":1,"volume":0.5},{"d":1,"volume":0.5},{"d":1}]}]}"#,
    );
    let mut quieter = older.clone();
    quieter.track_mut(0).unwrap().segments_mut().for_each(|mut s| {
        s.set("volume", 0.2);
    });
    let diff = older.diff(&quieter);
    assert_eq!(diff.changes().len(), 3, "from two volumes to one: {diff:?}");
    let mut still = quieter.clone();
    still.track_mut(0).unwrap().segments_mut().for_each(|mut s| {
        s.set("volume", 0.1);
    });
    let diff = quieter.diff(&still);
    assert!(
        matches!(
            diff.changes(),
            [Change::VolumeChanged { segment: None, from: Some(0.2), to: Some(0.1), .. }]
        ),
        "{diff:?}"
    );
}

#[test]
fn changes_can_be_serialized() {
    let older = draft(DRAFT);
    let mut newer = older.clone();
    newer.set_duration(Duration::from_millis(8000));
    newer.remove_track(3);
    assert_eq!(
        serde_json::to_string(older.diff(&newer).changes()).unwrap(),
        r#"[{"change":"track_removed","track":{"index":3,"kind":7,"role":"title","name":null,"text":null,"start":0,"end":3000},"segments":[{"index":0,"kind":7,"role":"title","name":null,"text":"Morning","start":0,"end":3000}]},{"change":"length_changed","from":9000,"to":8000}]"#
    );
}

/// Returns captions “s0”, “s1” and so on, without one of them. Each has the keys of its position
/// that `position` returns.
fn numbered(position: impl Fn(usize) -> String, without: Option<usize>) -> Draft {
    let captions: Vec<String> = (0..8)
        .filter(|text| Some(*text) != without)
        .enumerate()
        .map(|(at, text)| format!(r#"{{{}"d":1000,"m":{{"text":"s{text}"}}}}"#, position(at)))
        .collect();
    let captions = captions.join(",");
    draft(&format!(r#"{{"d":8000,"t":[{{"tt":7,"m":{{"role":"captions"}},"sg":[{captions}]}}]}}"#))
}

#[test]
fn an_insertion_is_one_change_under_whichever_key_segments_state_their_position() {
    let positions: [&dyn Fn(usize) -> String; 6] = [
        &|_| String::new(),
        &|at| format!(r#""start":{},"#, at * 1000),
        &|at| format!(r#""start":{},"end":{},"#, at * 1000, (at + 1) * 1000),
        &|at| format!(r#""index":{at},"#),
        &|at| format!(r#""id":"{at}","start":{},"#, at * 1000),
        &|at| {
            format!(
                r#""id":"caption-{}","idx":"{}","end_ms":{},"#,
                at + 1,
                at + 1,
                at * 1000 + 1000
            )
        },
    ];
    for position in positions {
        let (fewer, all) = (numbered(position, Some(3)), numbered(position, None));
        let summary = |older: &Draft, newer: &Draft| {
            let diff = older.diff(newer);
            diff.summary(Language::English)
        };
        assert_eq!(summary(&fewer, &all), "Caption added: “s3” (3–4 s)", "{all:?}");
        assert_eq!(summary(&all, &fewer), "Caption removed: “s3” (3–4 s)", "{all:?}");
    }
}

#[test]
fn clips_without_text_are_distinguished_by_their_files() {
    let draft_of = |files: &[&str]| {
        let clips = files.iter().enumerate().map(|(at, file)| {
            let (start, end) = (at * 1000, at * 1000 + 1000);
            format!(r#"{{"id":{at},"d":1000,"m":{{"start":{start},"end":{end},"src":"{file}"}}}}"#)
        });
        draft(&format!(
            r#"{{"d":5000,"t":[{{"tt":0,"sg":[{}]}}]}}"#,
            clips.collect::<Vec<_>>().join(",")
        ))
    };
    let diff = draft_of(&["a", "b", "c", "d"]).diff(&draft_of(&["a", "x", "b", "c", "d"]));
    assert_eq!(diff.summary(Language::English), "Video clip added (1–2 s)");
}

#[test]
fn an_id_that_is_not_a_position_identifies_a_segment() {
    let draft_of = |captions: [(&str, &str); 3]| {
        let captions =
            captions.map(|(id, text)| format!(r#"{{"id":"{id}","d":1000,"text":"{text}"}}"#));
        draft(&format!(r#"{{"t":[{{"tt":7,"sg":[{}]}}]}}"#, captions.join(",")))
    };
    let older = draft_of([("e1", "One"), ("77", "Two"), ("a5", "Three")]);
    let newer = draft_of([("e1", "Two"), ("77", "One"), ("a5", "Three")]);
    let diff = older.diff(&newer);
    assert_eq!(
        diff.summary(Language::English),
        "Title: “One” → “Two”\nTitle: “Two” → “One”",
        "{diff:?}"
    );
    // An id that changed for another reason than a new position is reported.
    let newer = draft_of([("e1", "One"), ("78", "Two"), ("a5", "Three")]);
    let summary = older.diff(&newer).summary(Language::English);
    assert_eq!(summary, "Title: other settings changed (id)");
}

#[test]
fn an_inserted_track_is_one_change_if_tracks_have_numbered_ids() {
    let draft_of = |names: &[&str]| {
        let tracks = names.iter().enumerate().map(|(at, name)| {
            format!(r#"{{"id":"track_{at}","tt":0,"sg":[{{"d":1000,"name":"{name}"}}]}}"#)
        });
        draft(&format!(r#"{{"t":[{}]}}"#, tracks.collect::<Vec<_>>().join(",")))
    };
    let diff = draft_of(&["a", "b", "c"]).diff(&draft_of(&["a", "x", "b", "c"]));
    assert_eq!(diff.summary(Language::English), "Video added: x (0–1 s)");
}

#[test]
fn a_number_written_in_another_form_has_not_changed() {
    let older = draft(
        r#"{"d":1000.0,"x":[1.10],"t":[{"tt":0,"y":1e2,"sg":[{"d":1000.0,"m":{"z":-0.0}},{"d":5,"id":1.0}]}]}"#,
    );
    let newer = draft(
        r#"{"d":1000,"x":[1.1],"t":[{"tt":0.0,"y":100,"sg":[{"d":1e3,"m":{"z":0}},{"d":5.00,"id":1}]}]}"#,
    );
    let diff = older.diff(&newer);
    assert_eq!(diff.changes(), []);
    assert!(!diff.is_empty());
    assert_eq!(diff.summary(Language::English), "Nothing changed but how numbers are written.");
    let longer = draft(&newer.to_json().replace("1e3", "2e3"));
    let summary = older.diff(&longer).summary(Language::English);
    assert_eq!(summary, "Video clip retimed (0–1 s → 0–2 s)");
}

#[test]
fn a_changed_aspect_ratio_is_reported_in_any_form() {
    for (older, newer, summary) in [
        (r#"{"canvas":{"ratio":"16:9"}}"#, r#"{"canvas":{"ratio":"9:16"}}"#, "Canvas: 16:9 → 9:16"),
        (
            r#"{"m":{"width":1920,"height":1080}}"#,
            r#"{"m":{"width":1080,"height":1920}}"#,
            "Canvas: 1920×1080 → 1080×1920",
        ),
        (
            r#"{"canvas":{"ratio":"16:9","color":1}}"#,
            r#"{"canvas":{"ratio":"9:16","color":2}}"#,
            "Canvas: 16:9 → 9:16\nTimeline: other settings changed (canvas)",
        ),
    ] {
        assert_eq!(draft(older).diff(&draft(newer)).summary(Language::English), summary);
    }
}

#[test]
fn ten_thousand_segments_are_compared() {
    let draft_of = |count: u64| {
        let mut draft = Draft::new();
        let mut track = draft.push_track(TrackKind::Text);
        for at in 0..count {
            let mut segment = track.push_segment(Duration::from_millis(2500));
            segment
                .set_metadata("start", at * 2500)
                .set_metadata("text", format!("Sentence {at}."));
        }
        draft
    };
    let older = draft_of(10_000);
    let mut inserted = older.clone();
    segments(&mut inserted, 0, |list| {
        list[5000..].iter_mut().for_each(|segment| start_later(segment, 1000));
        list.insert(5000, caption("New.", 5000 * 2500, 1000));
    });
    let mut reworded = older.clone();
    segments(&mut reworded, 0, |list| {
        for (at, segment) in list.iter_mut().enumerate() {
            *segment = caption(&format!("Other {at}."), at as u64 * 2400, 2400);
        }
    });
    let mut reversed = older.clone();
    segments(&mut reversed, 0, |list| list.reverse());
    // Each segment states its position under three keys, so that an insertion changes all later
    // ones.
    let set_positions = |list: &mut Vec<Json>| {
        for (at, segment) in list.iter_mut().enumerate() {
            let end = at * 2500 + 2500;
            let segment = segment.as_object_mut().unwrap();
            for (key, value) in [("id", at), ("index", at), ("end", end)] {
                segment.insert(key, value);
            }
            segment.get_mut("m").unwrap().as_object_mut().unwrap().insert("start", at * 2500);
        }
    };
    let (mut numbered, mut inserted_numbered) = (older.clone(), older.clone());
    segments(&mut numbered, 0, set_positions);
    segments(&mut inserted_numbered, 0, |list| {
        list.insert(5000, caption("New.", 0, 2500));
        set_positions(list);
    });
    let same = |newer| (older.clone(), newer);
    for (what, (older, newer), lines) in [
        ("inserted", same(inserted), 2),
        ("reworded", same(reworded), 3),
        ("reversed", same(reversed), 1),
        ("inserted among positions", (numbered, inserted_numbered), 2),
    ] {
        let diff = older.diff(&newer);
        let summary = diff.summary(Language::English);
        assert_eq!(summary.lines().count(), lines, "{what}: {summary}");
    }
}

/// Changes a tree somewhere. Each byte makes one choice.
fn mutate(json: &mut Json, choices: &mut impl Iterator<Item = u8>, spare: &Json) {
    let Some(choice) = choices.next() else { return };
    let at = |len: usize, choice: u8| usize::from(choice) % len;
    if let Some(items) = json.as_array_mut().filter(|items| !items.is_empty()) {
        let other = at(items.len(), choices.next().unwrap_or_default());
        let this = at(items.len(), choice / 8);
        match choice % 8 {
            0 => drop(items.remove(this)),
            1 => items.insert(this, spare.clone()),
            2 => items.insert(this, items[other].clone()),
            3 => items.swap(this, other),
            _ => mutate(&mut items[this], choices, spare),
        }
    } else if let Some(object) = json.as_object_mut().filter(|object| !object.is_empty()) {
        let keys: Vec<String> = object.keys().map(str::to_owned).collect();
        let key = &keys[at(keys.len(), choice / 8)];
        match choice % 8 {
            0 => drop(object.remove(key)),
            1 => drop(object.insert("extra", spare.clone())),
            2 => *object = object.iter().rev().map(|(k, v)| (k, v.clone())).collect(),
            _ => object.get_mut(key).into_iter().for_each(|value| mutate(value, choices, spare)),
        }
    } else {
        *json = spare.clone();
    }
}

/// A draft with the usual keys, in several of the shapes that services write.
fn video() -> impl Strategy<Value = Draft> {
    let segment =
        (0..4_u64, 0..6_u64, "[a-c]{0,2}", 0..7_u8).prop_map(|(d, start, text, shape)| {
            let d = d * 1000;
            let start = start * 500;
            match shape {
                0 => format!(r#"{{"d":{d}}}"#),
                1 => format!(r#"{{"d":{d},"m":{{"start":{start},"text":"{text}"}}}}"#),
                2 => format!(
                    r#"{{"d":{d},"text":"{text}","st":{start},"m":{{"volume":0.{start}1}}}}"#
                ),
                3 => format!(r#"{{"id":"{text}","d":{d},"name":"{text}"}}"#),
                4 => format!(r#"{{"d":"{d}","x":[{start}],"m":{{"title":"{text}"}}}}"#),
                5 => format!(r#"{{"d":{d}.5,"d":{start},"volume":{start}}}"#),
                _ => "7".to_owned(),
            }
        });
    let segments = prop::collection::vec(segment, 0..7);
    let track = (0..9_u8, 0..5_u8, segments).prop_map(|(kind, role, segments)| {
        let role = ["music", "captions", "title", "voiceover", "?"][usize::from(role)];
        let segments = segments.join(",");
        format!(r#"{{"tt":{kind},"m":{{"role":"{role}"}},"sg":[{segments}]}}"#)
    });
    prop::collection::vec(track, 0..5).prop_map(|tracks| {
        let tracks = tracks.join(",");
        draft(&format!(r#"{{"v":1,"t":[{tracks}],"d":9000,"m":{{"aspect":"16:9"}}}}"#))
    })
}

/// Returns true if two trees are equal except for the notation of their numbers.
fn is_semantically_equal(a: &Json, b: &Json) -> bool {
    if let (Some(a), Some(b)) = (a.as_array(), b.as_array()) {
        return a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_semantically_equal(a, b));
    }
    if let (Some(x), Some(y)) = (a.as_object(), b.as_object()) {
        // A key with a lone surrogate is read with a replacement character, and differs from one
        // that was written with it.
        if x.keys().any(|key| key.contains('\u{FFFD}')) {
            return a.to_string() == b.to_string();
        }
        let (a, b) = (x, y);
        let mut pairs = a.iter().zip(b.iter());
        return a.len() == b.len()
            && pairs.all(|(a, b)| a.0 == b.0 && is_semantically_equal(a.1, b.1));
    }
    a == b || (a.as_f64().is_some() && b.as_f64().is_some() && decimal(a) == decimal(b))
}

/// Returns the sign, the digits and the exponent of a number, alike for all notations of it.
fn decimal(number: &Json) -> (bool, String, i64) {
    let text = number.to_string().to_ascii_lowercase();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return (false, String::new(), 0);
    }
    let exponent: i64 = exponent.parse().expect("an exponent of a few digits");
    let places = (digits.len() - significant.len()) as i64 - fraction.len() as i64;
    (whole.starts_with('-'), significant.to_owned(), exponent + places)
}

fn assert_complete(older: &Draft, newer: &Draft) -> Result<(), TestCaseError> {
    let diff = older.diff(newer);
    prop_assert_eq!(diff.is_empty(), older == newer);
    let is_same = is_semantically_equal(older.as_json(), newer.as_json());
    prop_assert_eq!(diff.changes().is_empty(), is_same, "{:?} {:?}", older, newer);
    for language in [Language::English, Language::Chinese] {
        prop_assert!(!diff.summary(language).is_empty());
        prop_assert!(diff.changes().iter().all(|c| !c.describe(language).contains('\n')));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_difference_between_any_two_drafts_is_missed(older in node(), newer in node()) {
        assert_complete(&draft(&older.to_json("")), &draft(&newer.to_json("")))?;
    }

    #[test]
    fn no_change_of_any_json_is_missed(
        older in node(), spare in node(), choices in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let older = draft(&older.to_json(""));
        let mut newer = older.clone().into_json();
        let spare = draft(&spare.to_json("")).into_json();
        let mut choices = choices.into_iter();
        while choices.len() > 0 {
            mutate(&mut newer, &mut choices, &spare);
        }
        assert_complete(&older, &newer.into())?;
    }

    #[test]
    fn no_change_of_a_video_is_missed(
        older in video(), spare in video(), choices in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let mut newer = older.clone().into_json();
        let mut choices = choices.into_iter();
        while choices.len() > 0 {
            mutate(&mut newer, &mut choices, spare.as_json());
        }
        assert_complete(&older, &newer.into())?;
    }

    #[test]
    fn no_difference_between_two_videos_is_missed(older in video(), newer in video()) {
        assert_complete(&older, &newer)?;
    }
}

#[test]
fn the_changes_of_an_enormous_draft_are_counted() {
    let list = |count: usize| {
        draft(&format!(r#"{{"d":1,"t":[{{"tt":7,"sg":[{}]}}]}}"#, vec!["{}"; count].join(",")))
    };
    let diff = list(1).diff(&list(Diff::MAX_LISTED + 6));
    assert_eq!((diff.changes().len(), diff.omitted()), (Diff::MAX_LISTED, 5));
    let summary = diff.summary(Language::English);
    assert!(summary.ends_with("… and 5 more changes"), "{summary}");
    // What concerns the whole video is always listed, and a track that was added is one change.
    let diff = draft(r#"{"d":2}"#).diff(&list(Diff::MAX_LISTED * 2));
    assert_eq!(diff.omitted(), 0);
    let [Change::TrackAdded { segments, .. }, Change::LengthChanged { .. }] = diff.changes() else {
        panic!("{:?}", diff.changes().len());
    };
    assert!(segments.len() < Diff::MAX_LISTED);
    assert!(diff.summary(Language::English).contains("40000 segments"));
}

#[test]
fn a_long_name_of_a_track_is_not_in_each_of_its_changes() {
    let of = |name: char, duration: u32| {
        let name = name.to_string().repeat(1000);
        draft(&format!(
            r#"{{"t":[{{"name":"{name}","role":"{name}","sg":[{{"d":{duration}}}]}}]}}"#
        ))
    };
    let diff = of('é', 1).diff(&of('é', 2));
    let Some(Change::SegmentRetimed { track, .. }) = diff.changes().first() else {
        panic!("{:?}", diff.changes());
    };
    assert_eq!((track.name.clone(), &track.role), (Some("é".repeat(200)), &None));
    let diff = of('a', 1).diff(&of('b', 1));
    let renamed = |change: &Change| matches!(change, Change::Renamed { to: Some(to), .. } if to.len() == 1000);
    assert!(diff.changes().iter().any(renamed), "{:?}", diff.changes());
}

#[test]
fn looks_and_sounds_are_reported_in_words() {
    let older: Draft = r##"{"t":[{"tt":7,"m":{"role":"captions","style":{"color":"#FFFFFF"}},"sg":[
        {"d":900,"m":{"text":"Hi","words":[[0,0]]}}]},
        {"tt":1,"m":{"role":"music"},"sg":[{"d":9000,"m":{"duck":true,"media":"a"}}]},
        {"tt":0,"sg":[{"d":9000,"m":{"media":"b","motion":"none"}}]}]}"##
        .parse()
        .unwrap();
    let change = |from: &str, to: &str| -> Draft {
        let json = older.to_json();
        assert!(json.contains(from), "{from} is not in {json}");
        json.replacen(from, to, 1).parse().unwrap()
    };
    for (from, to, english, chinese) in [
        (
            r##"{"color":"#FFFFFF"}"##,
            r##"{"color":"#FFE600","mode":"boxed"}"##,
            "Captions style: plain → boxed\nCaptions color: white → yellow",
            "字幕样式：普通 → 方框\n字幕颜色：白色 → 黄色",
        ),
        (
            r#""duck":true"#,
            r#""duck":false"#,
            "Music clip ducking under speech: on → off",
            "音乐片段随人声降低：开 → 关",
        ),
        (
            r#""duck":true"#,
            r#""duck":true,"fade_out":3000"#,
            "Music clip fade-out: not set → 3 s",
            "音乐片段淡出：未设置 → 3 秒",
        ),
        (r#""none""#, r#""zoom""#, "Video clip motion: none → zoom", "视频片段动态：无 → 缓慢放大"),
        // Values that have the same words are told apart.
        (
            r##"{"color":"#FFFFFF"}"##,
            r#"{"color":"white"}"#,
            "Captions color: #FFFFFF → white",
            "字幕颜色：#FFFFFF → white",
        ),
        (
            "]}]}",
            r#"]}],"m":{"poster":1500}}"#,
            "Timeline poster: not set → 1.5 s",
            "影片封面：未设置 → 1.5 秒",
        ),
        // What has no name is reported by its key.
        (
            r##"{"color":"#FFFFFF"}"##,
            r##"{"color":"#FFFFFF","glow":1}"##,
            "Captions: other settings changed (m.style)",
            "字幕：其他设置已更改（m.style）",
        ),
        // The words belong to the duration that changed.
        (
            r#"{"d":900,"m":{"text":"Hi","words":[[0,0]]}}"#,
            r#"{"d":800,"m":{"text":"Hi","words":[[0,10]]}}"#,
            "Caption retimed: “Hi” (0–0.9 s → 0–0.8 s)",
            "字幕时间已调整：“Hi”（0–0.9 秒 → 0–0.8 秒）",
        ),
    ] {
        let diff = older.diff(&change(from, to));
        assert_eq!(diff.summary(Language::English), english);
        assert_eq!(diff.summary(Language::Chinese), chinese);
    }
    // Times are rounded, unless that would hide the change.
    let faded = |ms: u32| change(r#""duck":true"#, &format!(r#""duck":true,"fade_out":{ms}"#));
    let volume = |volume: &str| change(r#""duck":true"#, &format!(r#""volume":{volume}"#));
    let length = |ms: u32| change(r#"{"t":"#, &format!(r#"{{"d":{ms},"t":"#));
    for (from, to, words) in [
        (faded(3000), faded(3001), "Music clip fade-out: 3000 → 3001"),
        (volume("0.201"), volume("0.204"), "Music volume: 0.201 → 0.204"),
        (length(9001), length(9002), "Length: 9.001 s → 9.002 s"),
        (length(9001), length(9102), "Length: 9 s → 9.1 s"),
    ] {
        assert_eq!(from.diff(&to).summary(Language::English), words);
    }
}
