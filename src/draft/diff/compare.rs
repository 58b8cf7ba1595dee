//! Finds what changed between two drafts. Tracks and segments are matched first (see `align`), then
//! each pair is compared. Numbers are compared by value: `1000.0` is `1000`.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::align::{self, Pairs};
use super::{Change, ChangedItem, Diff};
use super::{Label, Position, SegmentView, millis};
use crate::draft::canvas;
use crate::draft::json::{Json, JsonString, Object};
use crate::draft::keys::{
    self, ASPECT, DURATION, HEIGHT, KeyPath, METADATA, SEGMENTS, SIZE, TRACK_TYPE, TRACKS, WIDTH,
};
use crate::draft::model::{Draft, Track};
use crate::draft::style::CaptionStyle;

/// What is found on the tracks.
struct Changes {
    listed: Vec<Change>,
    /// How many there are, those included that are not listed.
    count: usize,
    /// How many more changes, and segments of whole tracks, are listed.
    room: usize,
}

impl Changes {
    fn push(&mut self, change: Change) {
        self.count += 1;
        if self.room > 0 {
            self.room -= 1;
            self.listed.push(change);
        }
    }

    /// Returns the segments of a track that was added or removed.
    fn segments(&mut self, track: Track<'_>) -> Vec<ChangedItem> {
        let views = SegmentView::all(track).take(self.room.saturating_sub(1));
        let segments: Vec<_> = views.enumerate().map(|(at, view)| view.at(at)).collect();
        self.room -= segments.len();
        segments
    }
}

/// Returns the changes, and how many more there are than are listed.
pub(super) fn changes(older: &Draft, newer: &Draft) -> (Vec<Change>, usize) {
    let mut on_tracks = Changes { listed: Vec::new(), count: 0, room: Diff::MAX_LISTED };
    compare_tracks(older, newer, &mut on_tracks);
    let Changes { listed: mut changes, count, .. } = on_tracks;
    let omitted = count - changes.len();
    let (was, is) = (older.as_json(), newer.as_json());
    let (from, to) = (canvas::stated(was), canvas::stated(is));
    let is_reshaped = from != to;
    if is_reshaped {
        changes.push(Change::CanvasChanged { from, to });
    }
    let (from, to) = (older.duration(), newer.duration());
    if from != to {
        changes.push(Change::LengthChanged { from, to });
    }
    let mut keys = ChangedKeys::between(was, is, Some(TRACKS));
    let shape = [ASPECT, SIZE, WIDTH, HEIGHT].concat();
    keys.exclude_if(is_reshaped, |key| {
        shape.contains(&key.key) && canvas::differ_only_in_shape(key.get(was), key.get(is))
    });
    keys.exclude_own(from != to, DURATION);
    for change in settings(was, is, &mut keys) {
        changes.push(change.of(None, None));
    }
    let same_tracks =
        || older.tracks().map(|t| t.as_json()).eq(newer.tracks().map(|t| t.as_json()));
    keys.exclude_own(!same_tracks(), TRACKS);
    if let Some(keys) = keys.rest() {
        changes.push(Change::OtherChanged { track: None, segment: None, keys });
    }
    (changes, omitted)
}

fn compare_tracks(older: &Draft, newer: &Draft, changes: &mut Changes) {
    let was: Vec<Track<'_>> = older.tracks().collect();
    let is: Vec<Track<'_>> = newer.tracks().collect();
    let pairs = align::match_tracks(&was, &is);
    let steady = pairs.steady();
    for (at, &track) in is.iter().enumerate() {
        let Some(from) = pairs.older[at] else {
            let segments = changes.segments(track);
            changes.push(Change::TrackAdded { track: ChangedItem::of_track(at, track), segments });
            continue;
        };
        if !steady[at] {
            changes.push(Change::TrackMoved { track: ChangedItem::of_track(at, track), from });
        }
        if was[from].as_json() != track.as_json() {
            Comparison::of(ChangedItem::of_track(at, track), from, was[from], track)
                .compare(changes);
        }
    }
    for (at, &track) in was.iter().enumerate().filter(|(at, _)| pairs.newer[*at].is_none()) {
        let segments = changes.segments(track);
        changes.push(Change::TrackRemoved { track: ChangedItem::of_track(at, track), segments });
    }
}

/// Two versions of one track.
struct Comparison<'d> {
    at: ChangedItem,
    /// Index in the older draft.
    from: usize,
    older: Track<'d>,
    newer: Track<'d>,
    was: Vec<SegmentView<'d>>,
    is: Vec<SegmentView<'d>>,
    pairs: Pairs,
    steady: Vec<bool>,
}

impl<'d> Comparison<'d> {
    fn of(at: ChangedItem, from: usize, older: Track<'d>, newer: Track<'d>) -> Self {
        let (was, is): (Vec<_>, Vec<_>) =
            (SegmentView::all(older).collect(), SegmentView::all(newer).collect());
        let pairs = align::match_segments(&was, &is);
        let steady = pairs.steady();
        Self { at, from, older, newer, was, is, pairs, steady }
    }

    fn compare(&self, changes: &mut Changes) {
        let (older, newer) = (self.older.as_json(), self.newer.as_json());
        let mut keys = ChangedKeys::between(older, newer, Some(SEGMENTS));
        let (from, to) = (self.older.kind(), self.newer.kind());
        if from != to {
            changes.push(Change::TrackRetyped { track: self.at.clone(), from, to });
        }
        keys.exclude_own(from != to, TRACK_TYPE);
        let label = |track: Track<'d>| Label { text: track.text(), name: track.name() };
        self.compare_labels(None, label(self.older), label(self.newer), &mut keys, changes);
        let (from, to) = (self.older.volume(), self.newer.volume());
        if from != to {
            changes.push(Change::VolumeChanged { track: self.at.clone(), segment: None, from, to });
        }
        keys.exclude(from != to, keys::VOLUME);
        for change in settings(older, newer, &mut keys) {
            changes.push(change.of(Some(&self.at), None));
        }
        let before = changes.count;
        self.compare_times(changes);
        self.compare_volumes(changes);
        for (at, was, is) in self.matched() {
            self.compare_segment(at, was, is, changes);
        }
        keys.exclude_own(changes.count > before, SEGMENTS);
        let position = |index| Position { index, start: 0, end: 0 };
        let (from, to) = (position(self.from), position(self.at.index));
        keys.exclude_if(true, |key| {
            align::is_position(key.key)
                && align::follows_position(key.key, (key.get(older), from), (key.get(newer), to))
        });
        self.report_other(None, keys, changes);
    }

    /// Returns the matched segments: the index of the newer one, the older, the newer.
    fn matched(&self) -> impl Iterator<Item = (usize, &SegmentView<'d>, &SegmentView<'d>)> {
        let older = |at: usize| self.pairs.older[at].map(|from| &self.was[from]);
        self.is.iter().enumerate().filter_map(move |(at, is)| Some((at, older(at)?, is)))
    }

    /// Compares texts, names and everything without a type of one segment.
    fn compare_segment(
        &self,
        at: usize,
        was: &SegmentView<'d>,
        is: &SegmentView<'d>,
        changes: &mut Changes,
    ) {
        if was.json == is.json {
            return;
        }
        let mut keys = ChangedKeys::between(was.json, is.json, None);
        keys.exclude(was.span.start != is.span.start, keys::START);
        keys.exclude_own(was.duration() != is.duration(), DURATION);
        keys.exclude(!was.is_as_loud_as(is), keys::VOLUME);
        let from = self.pairs.older[at].unwrap_or(at);
        let (from, to) = (was.position(from), is.position(at));
        keys.exclude_if(true, |key| {
            // Looked up only for these: there may be a hundred thousand others.
            align::is_position(key.key)
                && align::follows_position(
                    key.key,
                    (key.get(was.json), from),
                    (key.get(is.json), to),
                )
        });
        // Most segments behind a change have nothing more to report.
        if was.label == is.label && !keys.differs {
            return;
        }
        let segment = is.at(at);
        for change in settings(was.json, is.json, &mut keys) {
            changes.push(change.of(Some(&self.at), Some(&segment)));
        }
        // They belong to the text and its time.
        let is_respoken = was.label.text != is.label.text || was.duration() != is.duration();
        for timed in [keys::WORDS, keys::MARKS, keys::PARAGRAPHS, keys::SENTENCES] {
            keys.exclude(is_respoken, timed);
        }
        self.compare_labels(Some(&segment), was.label, is.label, &mut keys, changes);
        self.report_other(Some(segment), keys, changes);
    }

    fn compare_labels(
        &self,
        segment: Option<&ChangedItem>,
        was: Label<'_>,
        is: Label<'_>,
        keys: &mut ChangedKeys,
        changes: &mut Changes,
    ) {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (track, segment) = (self.at.clone(), segment.cloned());
        // Some drafts store the text of a title under `name`.
        let has_no_text = was.text.is_none() && is.text.is_none();
        let is_text_named = self.at.label.is_written() && segment.is_some() && has_no_text;
        let (from, to) = if is_text_named { (was.name, is.name) } else { (was.text, is.text) };
        if from != to {
            let (track, segment) = (track.clone(), segment.clone());
            let (from, to) = (owned(from), owned(to));
            changes.push(Change::TextChanged { track, segment, from, to });
        }
        if was.name != is.name && !is_text_named {
            let (from, to) = (owned(was.name), owned(is.name));
            changes.push(Change::Renamed { track, segment, from, to });
        }
        keys.exclude(was.text != is.text, keys::TEXT);
        keys.exclude(was.name != is.name, keys::NAME);
    }

    fn report_other(&self, segment: Option<ChangedItem>, keys: ChangedKeys, changes: &mut Changes) {
        if let Some(keys) = keys.rest() {
            changes.push(Change::OtherChanged { track: Some(self.at.clone()), segment, keys });
        }
    }

    fn compare_volumes(&self, changes: &mut Changes) {
        let changed: Vec<_> = self.matched().filter(|(_, a, b)| !a.is_as_loud_as(b)).collect();
        let Some((_, was, is)) = changed.first() else { return };
        let (from, to) = (was.volume, is.volume);
        let is_alike = changed.iter().all(|(_, a, b)| (a.volume, b.volume) == (from, to));
        let track = || self.at.clone();
        if is_alike && changed.len() == self.is.len() {
            changes.push(Change::VolumeChanged { track: track(), segment: None, from, to });
            return;
        }
        for (at, was, is) in changed {
            let (segment, from, to) = (Some(is.at(at)), was.volume, is.volume);
            changes.push(Change::VolumeChanged { track: track(), segment, from, to });
        }
    }

    /// Reports segments that were added, removed, moved and retimed, in their order. Segments
    /// behind an insertion that only make room belong to that one change, whether or not they state
    /// their start.
    fn compare_times(&self, changes: &mut Changes) {
        let mut walk = Walk { of: self, run: None, changes };
        let mut passed = 0;
        let mut shift = 0;
        for (at, is) in self.is.iter().enumerate() {
            let Some(from) = self.pairs.older[at] else {
                walk.report(Change::SegmentAdded { track: self.at.clone(), segment: is.at(at) });
                shift += millis(is.duration());
                continue;
            };
            let was = &self.was[from];
            if !self.steady[at] {
                let (track, segment) = (self.at.clone(), is.at(at));
                walk.report(Change::SegmentMoved { track, segment, from: was.span.clone() });
                shift += millis(is.duration());
                continue;
            }
            shift -= self.report_removed(passed..from, &mut walk);
            passed = from + 1;
            let by = millis(is.span.start) - millis(was.span.start);
            if was.duration() != is.duration() {
                let (track, segment) = (self.at.clone(), is.at(at));
                walk.report(Change::SegmentRetimed { track, segment, from: was.span.clone() });
                shift = millis(is.span.end) - millis(was.span.end);
            } else if by == 0 {
                shift = 0;
            } else if by != shift {
                walk.extend_run(at, by);
            }
        }
        self.report_removed(passed..self.was.len(), &mut walk);
        walk.end_run();
    }

    /// Reports the removed segments in a range of older ones. Returns the total duration of the
    /// range, in milliseconds.
    fn report_removed(&self, range: Range<usize>, walk: &mut Walk<'_, '_>) -> i128 {
        let mut length = 0;
        for at in range {
            let was = &self.was[at];
            length += millis(was.duration());
            if self.pairs.newer[at].is_none() {
                let (track, segment) = (self.at.clone(), was.at(at));
                walk.report(Change::SegmentRemoved { track, segment });
            }
        }
        length
    }
}

/// A change of a setting, of which item is open.
struct ChangedSetting {
    setting: &'static str,
    from: Option<String>,
    to: Option<String>,
}

impl ChangedSetting {
    fn of(self, track: Option<&ChangedItem>, segment: Option<&ChangedItem>) -> Change {
        let Self { setting, from, to } = self;
        Change::SettingChanged {
            track: track.cloned(),
            segment: segment.cloned(),
            setting,
            from,
            to,
        }
    }
}

/// Returns the settings that differ between two versions of an item.
fn settings(was: &Json, is: &Json, keys: &mut ChangedKeys) -> Vec<ChangedSetting> {
    /// The settings that are a single value.
    const VALUES: [&[&str]; 7] = [
        keys::FIT,
        keys::MOTION,
        keys::FADE,
        keys::DUCK,
        keys::FADE_IN,
        keys::FADE_OUT,
        keys::POSTER,
    ];
    let mut found = Vec::new();
    let text = |json: &Json| json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    if !keys.differs {
        return found;
    }
    for names in VALUES {
        let value = |json| keys::find(json, names, |json| (!json.is_null()).then(|| text(json)));
        let (from, to) = (value(was), value(is));
        if from != to {
            found.push(ChangedSetting { setting: names[0], from, to });
            keys.exclude(true, names);
        }
    }
    const STYLE: [&str; 5] =
        ["style.mode", "style.size", "style.color", "style.outline", "style.position"];
    let style = |json| keys::find(json, keys::STYLE, |json| json.as_object().map(|_| json));
    let (old, new) = (style(was), style(is));
    let mut is_known = true;
    for (setting, (key, default)) in STYLE.into_iter().zip(CaptionStyle::default().entries()) {
        let stated = |style: Option<&Json>| style?.get(key).map(text);
        let value = |style| Some(stated(style).unwrap_or_else(|| default.clone()));
        let (from, to) = (value(old), value(new));
        if from != to {
            found.push(ChangedSetting { setting, from, to });
        }
    }
    for (key, value) in [old, new].into_iter().flatten().flat_map(|style| entries(style, None)) {
        let is_setting =
            STYLE.iter().any(|setting| setting.strip_prefix("style.") == Some(key.as_str()));
        is_known &= is_setting
            || [old, new].iter().all(|style| {
                style.and_then(|style| style.get(key.as_str())).is_some_and(|other| other == value)
            });
    }
    keys.exclude(
        is_known && found.iter().any(|change| STYLE.contains(&change.setting)),
        keys::STYLE,
    );
    found
}

/// A walk along a track.
struct Walk<'w, 'd> {
    of: &'w Comparison<'d>,
    /// The current run of segments that start earlier or later by the same time: the first one, the
    /// last one, the time.
    run: Option<(usize, usize, i128)>,
    changes: &'w mut Changes,
}

impl Walk<'_, '_> {
    fn report(&mut self, change: Change) {
        self.end_run();
        self.changes.push(change);
    }

    fn extend_run(&mut self, at: usize, by: i128) {
        match &mut self.run {
            Some((_, last, run_by)) if *run_by == by && *last + 1 == at => *last = at,
            _ => {
                self.end_run();
                self.run = Some((at, at, by));
            }
        }
    }

    fn end_run(&mut self) {
        let Some((first, last, by)) = self.run.take() else { return };
        let Comparison { at: track, was, is, pairs, .. } = self.of;
        let track = track.clone();
        self.changes.push(match pairs.older[first] {
            Some(older) if first == last => {
                let from = was[older].span.clone();
                Change::SegmentRetimed { track, segment: is[first].at(first), from }
            }
            _ => {
                let by_ms = by.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
                Change::SegmentsShifted { track, first, last, by_ms }
            }
        });
    }
}

/// The keys that differ between two versions of an item, less those that a typed change reports.
struct ChangedKeys {
    /// Whether a key is in the metadata, and the key.
    changed: Vec<(bool, String)>,
    differs: bool,
}

impl ChangedKeys {
    /// Compares everything except the elements of the array under `list`, which the caller reports.
    fn between(older: &Json, newer: &Json, list: Option<&str>) -> Self {
        let mut keys = Self { changed: Vec::new(), differs: false };
        if older == newer {
            return keys;
        }
        let (was, is) = (entries(older, list), entries(newer, list));
        let changed_keys = changed(&was, &is);
        let are_objects = older.as_object().is_some() && newer.as_object().is_some();
        keys.differs =
            if are_objects { !changed_keys.is_empty() } else { !older.semantic_eq(newer) };
        for key in changed_keys {
            let own = (false, key.to_owned());
            if key != METADATA {
                keys.changed.push(own);
                continue;
            }
            let inside = changed(&metadata_entries(older), &metadata_entries(newer));
            keys.changed.extend(inside.is_empty().then_some(own));
            keys.changed.extend(inside.into_iter().map(|key| (true, key.to_owned())));
        }
        keys
    }

    /// Excludes some keys, wherever they are, if a typed change has reported them.
    fn exclude(&mut self, reported: bool, names: &[&str]) {
        self.exclude_if(reported, |key| names.contains(&key.key));
    }

    /// Excludes a key outside the metadata, if a typed change has reported it.
    fn exclude_own(&mut self, reported: bool, name: &str) {
        self.exclude_if(reported, |key| !key.in_metadata && key.key == name);
    }

    fn exclude_if(&mut self, reported: bool, is_excluded: impl Fn(KeyPath<'_>) -> bool) {
        if reported && !self.changed.is_empty() {
            self.changed.retain(|(in_metadata, name)| {
                !is_excluded(KeyPath { in_metadata: *in_metadata, key: name })
            });
            self.differs = !self.changed.is_empty();
        }
    }

    /// Returns what no typed change has reported.
    fn rest(self) -> Option<Vec<String>> {
        let path = |(in_metadata, key)| if in_metadata { format!("{METADATA}.{key}") } else { key };
        self.differs.then(|| self.changed.into_iter().map(path).collect())
    }
}

type Entries<'j> = Vec<(&'j JsonString, &'j Json)>;

/// Returns all entries; an array under `list` counts as empty.
fn entries<'j>(json: &'j Json, list: Option<&str>) -> Entries<'j> {
    let entries = json.as_object().map(Object::entries).unwrap_or_default();
    let mut entries: Entries<'j> = entries.iter().map(|(key, value)| (key, value)).collect();
    let last = list.and_then(|list| entries.iter_mut().rfind(|(key, _)| key.as_str() == list));
    if let Some((_, value)) = last
        && value.as_array().is_some()
    {
        *value = Json::EMPTY_ARRAY;
    }
    entries
}

fn metadata_entries(json: &Json) -> Entries<'_> {
    json.get(METADATA).map(|metadata| entries(metadata, None)).unwrap_or_default()
}

/// Returns the keys with different values, or the first one out of order where only the order
/// differs.
fn changed<'j>(older: &Entries<'j>, newer: &Entries<'j>) -> Vec<&'j str> {
    // The keys are nearly always the same, and grouping them is what costs.
    if older.len() == newer.len() && older.iter().zip(newer).all(|(a, b)| a.0 == b.0) {
        let differing = older.iter().zip(newer).filter(|(a, b)| !a.1.semantic_eq(b.1));
        let mut seen = HashSet::new();
        return differing
            .map(|((key, _), _)| key.as_str())
            .filter(|key| seen.insert(*key))
            .collect();
    }
    let group = |entries: &Entries<'j>| {
        let mut values: HashMap<&'j JsonString, Vec<&'j Json>> = HashMap::new();
        entries.iter().for_each(|(key, value)| values.entry(key).or_default().push(value));
        values
    };
    let (was, is) = (group(older), group(newer));
    let is_same = |key: &JsonString| match (was.get(key), is.get(key)) {
        (Some(was), Some(is)) => {
            was.len() == is.len() && was.iter().zip(is).all(|(was, is)| was.semantic_eq(is))
        }
        _ => false,
    };
    let mut seen = HashSet::new();
    let mut keys: Vec<&str> = (newer.iter().chain(older))
        .filter(|(key, _)| seen.insert(*key) && !is_same(key))
        .map(|(key, _)| key.as_str())
        .collect();
    if keys.is_empty() {
        let mut both = newer.iter().zip(older);
        let moved = both.find(|(new, old)| new.0 != old.0 || !new.1.semantic_eq(old.1));
        keys.extend(moved.map(|((key, _), _)| key.as_str()));
    }
    keys
}
