//! What a track or a segment says of its own place: an index, an end, an id that only counts. All
//! of it changes behind an insertion without anybody having changed it, so it neither tells who
//! is who nor is a change of its own.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::align::key;
use crate::draft::json::{Json, Object};
use crate::draft::lookup::{self, END, ID, INDEX, METADATA, START};

/// A place among others, and in time, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) index: usize,
    pub(super) start: i128,
    pub(super) end: i128,
}

/// An id, as a key to match by.
pub(super) fn id(json: &Json) -> Option<u64> {
    match json {
        Json::Number(number) => Some(key(number.as_str())),
        _ => lookup::text(json).map(key),
    }
}

/// Whether ids only say which thing this is in the order (`caption-3`), or when it starts: then
/// the one behind it gets its id when it goes. True where there are none.
pub(super) fn count<'j>(things: impl Iterator<Item = (usize, &'j Json)> + Clone) -> bool {
    let start = |json: &Json| {
        lookup::find(json, START, lookup::millis).map(|time| time.as_millis().cast_signed())
    };
    ids_follow(things.clone(), |at, _| Some(at as i128))
        || ids_follow(things, |_, json| start(json))
}

/// Whether the number in each id is as far from what `place` says as in every other.
fn ids_follow<'j>(
    things: impl Iterator<Item = (usize, &'j Json)>,
    place: impl Fn(usize, &Json) -> Option<i128>,
) -> bool {
    let mut first = None;
    things.into_iter().all(|(at, json)| {
        let Some(id) = lookup::find(json, ID, |json| is_id(json).then_some(json)) else {
            return true;
        };
        let Some((before, number)) = counted(id) else { return false };
        let Some(place) = place(at, json) else { return false };
        let from = (before, number - place);
        *first.get_or_insert(from) == from
    })
}

fn is_id(json: &Json) -> bool {
    matches!(json, Json::Number(_)) || lookup::text(json).is_some()
}

/// A number, or the one at the end of a text, and what is before it.
fn counted(json: &Json) -> Option<(&str, i128)> {
    let (text, is_number) = match json {
        Json::Number(number) => (number.as_str(), true),
        _ => (lookup::text(json)?, false),
    };
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
    if is_number && !before.is_empty() {
        return None;
    }
    Some((before, text[before.len()..].parse().ok()?))
}

/// A key for all that a thing says but its place.
pub(super) fn key_without(json: &Json, others: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let Some(object) = json.as_object() else {
        json.hash_meaning(&mut hasher);
        return hasher.finish();
    };
    let tells = |key: &str| [ID, INDEX, START, END].iter().any(|keys| keys.contains(&key));
    let mut hash = |object: &Object, others: &[&str], inside: bool| {
        for (name, value) in object.entries() {
            let name_is = name.as_str();
            let is_metadata = !inside && name_is == METADATA && value.as_object().is_some();
            if !tells(name_is) && !others.contains(&name_is) && !is_metadata {
                (inside, name).hash(&mut hasher);
                value.hash_meaning(&mut hasher);
            }
        }
    };
    hash(object, others, false);
    if let Some(metadata) = json.get(METADATA).and_then(Json::as_object) {
        hash(metadata, &[], true);
    }
    hasher.finish()
}

/// Whether a key changed just as the place of its thing did.
pub(super) fn explains(
    name: &str,
    (was, older): (Option<&Json>, Position),
    (is, newer): (Option<&Json>, Position),
) -> bool {
    let (Some(was), Some(is)) = (was, is) else { return false };
    let by_end = newer.end - older.end;
    if END.contains(&name) && by_end != 0 {
        let millis = |json| lookup::millis(json).map(|time| time.as_millis().cast_signed());
        return millis(was).zip(millis(is)).is_some_and(|(was, is)| is - was == by_end);
    }
    if INDEX.contains(&name) || ID.contains(&name) {
        let (Some(was), Some(is)) = (counted(was), counted(is)) else { return false };
        let by = is.1 - was.1;
        let places = newer.index as i128 - older.index as i128;
        let times = newer.start - older.start;
        let follows = by == places || (ID.contains(&name) && by == times);
        return was.0 == is.0 && by != 0 && follows;
    }
    false
}
