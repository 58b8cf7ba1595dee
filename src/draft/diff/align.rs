//! Which track and which segment of one draft became which of another, in near-linear time.
//!
//! The rule is the same at every stage: items that share a key are matched, in their order, when
//! there are as many of them on both sides. The stages go from strict keys to loose ones, so that
//! unchanged items anchor the lists and only the rest is guessed.
//!
//! What an item states about its own position (an index, an end, an id that only counts) changes
//! behind an insertion although no edit changed it, so it neither identifies the item nor is a
//! change of its own.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, Hasher as _};

use super::{Label, Position, SegmentView, millis};
use crate::draft::json::{Json, Object};
use crate::draft::keys::{self, END, ID, INDEX, METADATA, START, TRACK_TYPE};
use crate::draft::model::Track;
use crate::draft::summary::TrackLabel;

/// Matches the tracks of two drafts.
pub(super) fn match_tracks(older: &[Track<'_>], newer: &[Track<'_>]) -> Pairs {
    let mut pairs = Pairs::new(older.len(), newer.len());
    pairs.match_ends(|a, b| older[a].as_json() == newer[b].as_json());
    // Most videos have one music track, one title track, and so on.
    let purpose = |track: Track<'_>| hash((track.kind(), TrackLabel::of(track), track.name()));
    pairs.match_at_most(1, |a| Some(purpose(older[a])), |b| Some(purpose(newer[b])));
    let mut by = |key: &dyn Fn(Track<'_>) -> Option<u64>| {
        pairs.match_by(|a| key(older[a]), |b| key(newer[b]))
    };
    let id = |track: Track<'_>| id_hash(track.as_json());
    let jsons = |tracks: &[Track<'_>]| ids_only_count(tracks.iter().map(|track| track.as_json()));
    // An equal id identifies a track, unless ids only count.
    if !(jsons(older) && jsons(newer)) {
        by(&id);
    }
    by(&|track| Some(content_hash(track.as_json(), &[])));
    by(&|track| Some(content_hash(track.as_json(), &[TRACK_TYPE])));
    by(&|track| {
        let labels: Vec<_> = track.segments().map(|s| (s.text(), s.name())).collect();
        let has_any = labels.iter().any(|(text, name)| text.or(*name).is_some());
        has_any.then(|| hash((track.kind(), labels)))
    });
    by(&id);
    by(&|track| Some(purpose(track)));
    by(&|track| Some(hash((track.kind(), TrackLabel::of(track)))));
    by(&|track| track.role().is_none().then(|| hash(track.kind())));
    pairs
}

/// Matches the segments of two versions of a track.
pub(super) fn match_segments(older: &[SegmentView<'_>], newer: &[SegmentView<'_>]) -> Pairs {
    let mut pairs = Pairs::new(older.len(), newer.len());
    let is_equal = |a: usize, b: usize| older[a].json == newer[b].json;
    pairs.match_ends(is_equal);
    pairs.match_by(|a| Some(hash(older[a].json)), |b| Some(hash(newer[b].json)));
    pairs.match_neighbours(is_equal);
    let jsons = |views: &[SegmentView<'_>]| ids_only_count(views.iter().map(|view| view.json));
    if !(jsons(older) && jsons(newer)) {
        pairs.match_by(|a| id_hash(older[a].json), |b| id_hash(newer[b].json));
    }
    let content = |view: &SegmentView<'_>| content_hash(view.json, &[]);
    pairs.match_by(|a| Some(content(&older[a])), |b| Some(content(&newer[b])));
    pairs.match_neighbours(|a, b| content(&older[a]) == content(&newer[b]));
    let label = |label: Label<'_>| label.text.or(label.name).map(|_| hash(label));
    pairs.match_by(|a| label(older[a].label), |b| label(newer[b].label));
    pairs.match_by(|a| id_hash(older[a].json), |b| id_hash(newer[b].json));
    pairs.match_within_gaps(|a| Some(hash(&older[a].span)), |b| Some(hash(&newer[b].span)));
    pairs.match_within_gaps(|_| Some(0), |_| Some(0));
    pairs
}

/// Returns a key for [`Pairs::match_by`]. Different values may collide: a match is never proof of
/// equality.
fn hash(value: impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

/// The matches so far, by index.
pub(super) struct Pairs {
    /// For each older item the newer one.
    pub(super) newer: Vec<Option<usize>>,
    /// For each newer item the older one.
    pub(super) older: Vec<Option<usize>>,
}

impl Pairs {
    fn new(older: usize, newer: usize) -> Self {
        Self { newer: vec![None; older], older: vec![None; newer] }
    }

    fn pair(&mut self, older: usize, newer: usize) {
        self.newer[older] = Some(newer);
        self.older[newer] = Some(older);
    }

    fn are_free(&self, older: usize, newer: usize) -> bool {
        self.newer.get(older) == Some(&None) && self.older.get(newer) == Some(&None)
    }

    /// Matches equal items at both ends, which suffices for most edits, and makes one more item
    /// among equal ones a single insertion.
    fn match_ends(&mut self, is_equal: impl Fn(usize, usize) -> bool) {
        let shorter = self.newer.len().min(self.older.len());
        let head = (0..shorter).take_while(|&at| is_equal(at, at)).count();
        (0..head).for_each(|at| self.pair(at, at));
        let (older, newer) = (self.newer.len(), self.older.len());
        let back = |at| (older - 1 - at, newer - 1 - at);
        let tail = (0..shorter - head).take_while(|&at| is_equal(back(at).0, back(at).1)).count();
        (0..tail).for_each(|at| self.pair(back(at).0, back(at).1));
    }

    /// Matches free items whose key is equally frequent on both sides.
    fn match_by(
        &mut self,
        older: impl Fn(usize) -> Option<u64>,
        newer: impl Fn(usize) -> Option<u64>,
    ) {
        self.match_at_most(usize::MAX, older, newer);
    }

    /// Matches free items whose key occurs equally often on both sides, at most `most` times.
    fn match_at_most(
        &mut self,
        most: usize,
        older: impl Fn(usize) -> Option<u64>,
        newer: impl Fn(usize) -> Option<u64>,
    ) {
        let keyed = |matches: &[Option<usize>], key: &dyn Fn(usize) -> Option<u64>| {
            let free = (0..matches.len()).filter(|&at| matches[at].is_none());
            let mut keyed: Vec<_> = free.filter_map(|at| Some((key(at)?, at))).collect();
            keyed.sort_unstable();
            keyed
        };
        let older = keyed(&self.newer, &older);
        if older.is_empty() {
            return;
        }
        let newer = keyed(&self.older, &newer);
        let same = |a: &(u64, usize), b: &(u64, usize)| a.0 == b.0;
        let mut groups = newer.chunk_by(same).peekable();
        for older in older.chunk_by(same) {
            while groups.next_if(|newer| newer[0].0 < older[0].0).is_some() {}
            let newer = groups.next_if(|newer| same(&newer[0], &older[0])).unwrap_or_default();
            if older.len() == newer.len() && older.len() <= most {
                older.iter().zip(newer).for_each(|(older, newer)| self.pair(older.1, newer.1));
            }
        }
    }

    /// As [`match_by`](Self::match_by), among the items between the same two matches.
    fn match_within_gaps(
        &mut self,
        older: impl Fn(usize) -> Option<u64>,
        newer: impl Fn(usize) -> Option<u64>,
    ) {
        let steady = self.steady();
        let gaps = |steady: &mut dyn Iterator<Item = bool>| -> Vec<usize> {
            let count = |gap: &mut usize, steady| {
                *gap += usize::from(steady);
                Some(*gap)
            };
            steady.scan(0, count).collect()
        };
        let older_gaps = gaps(&mut self.newer.iter().map(|at| at.is_some_and(|at| steady[at])));
        let newer_gaps = gaps(&mut steady.iter().copied());
        self.match_by(
            |at| older(at).map(|key| hash((key, older_gaps[at]))),
            |at| newer(at).map(|key| hash((key, newer_gaps[at]))),
        );
    }

    /// Matches equal neighbours of matched items, which keys that are not unique could not match.
    fn match_neighbours(&mut self, is_equal: impl Fn(usize, usize) -> bool) {
        for newer in 1..self.older.len() {
            if let Some(older) = self.older[newer - 1].map(|older| older + 1)
                && self.are_free(older, newer)
                && is_equal(older, newer)
            {
                self.pair(older, newer);
            }
        }
        for newer in (1..self.older.len()).rev() {
            if let Some(older) = self.older[newer].and_then(|older| older.checked_sub(1))
                && self.are_free(older, newer - 1)
                && is_equal(older, newer - 1)
            {
                self.pair(older, newer - 1);
            }
        }
    }

    /// For each newer item whether it is in the longest run of matches that are in order on both
    /// sides. A matched item outside of it has moved.
    pub(super) fn steady(&self) -> Vec<bool> {
        // Patience sorting: the best run of each length ends as early as possible.
        let mut ends: Vec<(usize, usize)> = Vec::new();
        let mut before: Vec<Option<usize>> = vec![None; self.older.len()];
        for (newer, older) in self.older.iter().enumerate() {
            let Some(older) = *older else { continue };
            let length = ends.partition_point(|&(end, _)| end < older);
            before[newer] = length.checked_sub(1).map(|shorter| ends[shorter].1);
            if length == ends.len() {
                ends.push((older, newer));
            } else {
                ends[length] = (older, newer);
            }
        }
        let mut steady = vec![false; self.older.len()];
        let mut at = ends.last().map(|&(_, newer)| newer);
        while let Some(newer) = at {
            steady[newer] = true;
            at = before[newer];
        }
        steady
    }
}

/// Reads an id: a number, or text.
fn id_text(json: &Json) -> Option<&str> {
    json.as_number_str().or_else(|| keys::text(json))
}

fn id_hash(json: &Json) -> Option<u64> {
    keys::find(json, ID, id_text).map(hash)
}

/// Whether all ids only state the position in the order (`caption-3`) or the start time, so that
/// the next item inherits the id of a removed one. True where there are no ids.
fn ids_only_count<'j>(items: impl Iterator<Item = &'j Json> + Clone) -> bool {
    let start = |json: &Json| keys::find(json, START, keys::millis).map(millis);
    ids_follow(items.clone(), |at, _| Some(at as i128)) || ids_follow(items, |_, json| start(json))
}

/// Whether the number in each id has the same distance from `position`.
fn ids_follow<'j>(
    mut items: impl Iterator<Item = &'j Json>,
    position: impl Fn(usize, &Json) -> Option<i128>,
) -> bool {
    let mut first = None;
    let mut index = 0;
    items.all(|json| {
        index += 1;
        let Some(id) = keys::find(json, ID, |json| id_text(json).map(|_| json)) else {
            return true;
        };
        let Some((prefix, number)) = counter(id) else { return false };
        let Some(position) = position(index - 1, json) else { return false };
        let distance = (prefix, number - position);
        *first.get_or_insert(distance) == distance
    })
}

/// Reads an integer, or the one at the end of a text with what is before it.
fn counter(json: &Json) -> Option<(&str, i128)> {
    let text = id_text(json)?;
    let prefix = text.trim_end_matches(|c: char| c.is_ascii_digit());
    if json.as_number_str().is_some() && !prefix.is_empty() {
        return None;
    }
    Some((prefix, text[prefix.len()..].parse().ok()?))
}

/// Hashes everything that an item states except its position and the keys of `except`.
fn content_hash(json: &Json, except: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let Some(object) = json.as_object() else {
        json.semantic_hash(&mut hasher);
        return hasher.finish();
    };
    let mut hash = |object: &Object, except: &[&str], in_metadata: bool| {
        for (key, value) in object.entries() {
            let name = key.as_str();
            let is_metadata = !in_metadata && name == METADATA && value.as_object().is_some();
            if !is_position(name) && !except.contains(&name) && !is_metadata {
                (in_metadata, key).hash(&mut hasher);
                value.semantic_hash(&mut hasher);
            }
        }
    };
    hash(object, except, false);
    if let Some(metadata) = json.get(METADATA).and_then(Json::as_object) {
        hash(metadata, &[], true);
    }
    hasher.finish()
}

/// Whether a key states a position in a list, or in time.
pub(super) fn is_position(key: &str) -> bool {
    [ID, INDEX, START, END].iter().any(|keys| keys.contains(&key))
}

/// Whether the value under a key changed exactly as the position of its item did.
pub(super) fn follows_position(
    key: &str,
    (older, was): (Option<&Json>, Position),
    (newer, is): (Option<&Json>, Position),
) -> bool {
    let (Some(older), Some(newer)) = (older, newer) else { return false };
    let by_end = is.end - was.end;
    if END.contains(&key) && by_end != 0 {
        let time = |json| keys::millis(json).map(millis);
        return time(older).zip(time(newer)).is_some_and(|(a, b)| b - a == by_end);
    }
    if INDEX.contains(&key) || ID.contains(&key) {
        let (Some(older), Some(newer)) = (counter(older), counter(newer)) else { return false };
        let by = newer.1 - older.1;
        let by_index = is.index as i128 - was.index as i128;
        let is_shift = by == by_index || (ID.contains(&key) && by == is.start - was.start);
        return older.0 == newer.0 && by != 0 && is_shift;
    }
    false
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn pairs(older: &str, newer: &str) -> Pairs {
        let (older, newer): (Vec<_>, Vec<_>) = (older.chars().collect(), newer.chars().collect());
        let mut pairs = Pairs::new(older.len(), newer.len());
        pairs.match_ends(|a, b| older[a] == newer[b]);
        pairs.match_by(|at| Some(hash(older[at])), |at| Some(hash(newer[at])));
        pairs.match_neighbours(|a, b| older[a] == newer[b]);
        pairs
    }

    #[test]
    fn equal_items_are_matched_in_order_and_what_was_carried_has_moved() {
        for (older, newer, matches, steady) in [
            ("aaaa", "aaaaa", "0123-", "ttttf"),
            ("abcdef", "bcdefa", "123450", "tttttf"),
            ("abcd", "xbcda", "-1230", "ftttf"),
            ("a1b2c", "axbyc", "0-2-4", "tftft"),
        ] {
            let pairs = pairs(older, newer);
            let text = |at: &Option<usize>| at.map_or("-".to_owned(), |at| at.to_string());
            assert_eq!(pairs.older.iter().map(text).collect::<String>(), matches, "{newer}");
            let text = |steady: bool| if steady { 't' } else { 'f' };
            assert_eq!(pairs.steady().into_iter().map(text).collect::<String>(), steady, "{newer}");
        }
        let mut pairs = pairs("a1b2c", "axbyc");
        pairs.match_within_gaps(|_| Some(0), |_| Some(0));
        assert_eq!(pairs.older, [Some(0), Some(1), Some(2), Some(3), Some(4)]);
    }

    #[test]
    fn each_stage_looks_at_each_item_a_constant_number_of_times() {
        const COUNT: usize = 10_000;
        let looks = Cell::new(0);
        let look = |key: usize| {
            looks.set(looks.get() + 1);
            Some(key as u64)
        };
        let is_equal = |_: usize, _: usize| look(0).is_none();
        type Key = fn(usize) -> usize;
        let reversed: [Key; 2] = [|at| at, |at| COUNT - at];
        let all_equal: [Key; 2] = [|_| 7, |_| 7];
        let all_different: [Key; 2] = [|at| at, |at| COUNT + at];
        for [older, newer] in [reversed, all_equal, all_different] {
            looks.set(0);
            let mut pairs = Pairs::new(COUNT, COUNT - 1);
            pairs.match_ends(is_equal);
            pairs.match_by(|at| look(older(at)), |at| look(newer(at)));
            pairs.match_neighbours(is_equal);
            pairs.match_within_gaps(|_| look(0), |_| look(0));
            assert!(looks.get() <= 6 * COUNT + 2, "{}", looks.get());
        }
    }
}
