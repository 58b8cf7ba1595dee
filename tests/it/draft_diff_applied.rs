//! Whatever two drafts are, their diff misses nothing, and applying it gives the newer one.

use crate::support::json::node;
use nemovideo::draft::{Draft, Json, Language};
use proptest::prelude::*;

fn draft(json: &str) -> Draft {
    json.parse().unwrap()
}

/// Changes a tree somewhere: each byte chooses.
fn mutate(json: &mut Json, choices: &mut impl Iterator<Item = u8>, spare: &Json) {
    let Some(choice) = choices.next() else { return };
    let at = |len: usize, choice: u8| usize::from(choice) % len;
    match json {
        Json::Array(items) if !items.is_empty() => {
            let other = at(items.len(), choices.next().unwrap_or_default());
            let this = at(items.len(), choice / 8);
            match choice % 8 {
                0 => drop(items.remove(this)),
                1 => items.insert(this, spare.clone()),
                2 => items.insert(this, items[other].clone()),
                3 => items.swap(this, other),
                _ => mutate(&mut items[this], choices, spare),
            }
        }
        Json::Object(object) if !object.is_empty() => {
            let keys: Vec<String> = object.keys().map(str::to_owned).collect();
            let key = &keys[at(keys.len(), choice / 8)];
            match choice % 8 {
                0 => drop(object.remove(key)),
                1 => drop(object.insert("extra", spare.clone())),
                2 => *object = object.iter().rev().map(|(k, v)| (k, v.clone())).collect(),
                _ => {
                    object.get_mut(key).into_iter().for_each(|value| mutate(value, choices, spare))
                }
            }
        }
        other => *other = spare.clone(),
    }
}

/// A draft as services write them, more or less.
fn film() -> impl Strategy<Value = Draft> {
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

/// Whether two trees are equal but for how their numbers are written.
fn means(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| means(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.0 == b.0 && means(a.1, b.1))
        }
        _ => a == b,
    }
}

fn assert_round_trip(older: &Draft, newer: &Draft) -> Result<(), TestCaseError> {
    let diff = older.diff(newer);
    prop_assert_eq!(&diff.apply(older).unwrap(), newer);
    prop_assert_eq!(diff.is_empty(), older == newer);
    let is_same = means(older.as_json(), newer.as_json());
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
    fn applying_gives_the_newer_draft_whatever_the_two_are(older in node(), newer in node()) {
        assert_round_trip(&draft(&older.to_json("")), &draft(&newer.to_json("")))?;
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
        assert_round_trip(&older, &newer.into())?;
    }

    #[test]
    fn no_change_of_a_film_is_missed(
        older in film(), spare in film(), choices in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let mut newer = older.clone().into_json();
        let mut choices = choices.into_iter();
        while choices.len() > 0 {
            mutate(&mut newer, &mut choices, spare.as_json());
        }
        assert_round_trip(&older, &newer.into())?;
    }

    #[test]
    fn two_films_are_told_apart(older in film(), newer in film()) {
        assert_round_trip(&older, &newer)?;
    }
}
