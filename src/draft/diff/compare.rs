//! Finds what changed between two drafts. Tracks and segments are matched first (see `matches`);
//! then each pair is compared. Numbers are compared by value: `1000.0` is `1000`.

use std::ops::Range;
use std::time::Duration;

use super::align::Pairs;
use super::change::{Change, SegmentAt, TrackAt};
use super::keys::Keys;
use super::matches;
use super::piece::{Piece, Said, pieces};
use super::position::{self, Position};
use crate::draft::canvas;
use crate::draft::lookup::{
    self, ASPECT, DURATION, HEIGHT, SEGMENTS, SIZE, TRACK_TYPE, TRACKS, WIDTH,
};
use crate::draft::model::{Draft, Track};
use crate::draft::summary::Label;

pub(super) fn changes(older: &Draft, newer: &Draft) -> Vec<Change> {
    let mut changes = Vec::new();
    tracks(older, newer, &mut changes);
    let (from, to) = (canvas::written(older.as_json()), canvas::written(newer.as_json()));
    let reshaped = from != to;
    if reshaped {
        changes.push(Change::CanvasChanged { from, to });
    }
    let (from, to) = (older.duration(), newer.duration());
    if from != to {
        changes.push(Change::LengthChanged { from, to });
    }
    let mut keys = Keys::between(older.as_json(), newer.as_json(), Some(TRACKS));
    let shape = [ASPECT, SIZE, WIDTH, HEIGHT].concat();
    keys.told_where(reshaped, |key| {
        let (was, is) = (key.of(older.as_json()), key.of(newer.as_json()));
        shape.contains(&key.name) && canvas::differ_in_shape_alone(was, is)
    });
    keys.told_outside_metadata(from != to, DURATION);
    keys.told_outside_metadata(!same(older.tracks(), newer.tracks()), TRACKS);
    if let Some(keys) = keys.rest() {
        changes.push(Change::OtherChanged { track: None, segment: None, keys });
    }
    changes
}

fn same<'d>(
    older: impl ExactSizeIterator<Item = Track<'d>>,
    newer: impl ExactSizeIterator<Item = Track<'d>>,
) -> bool {
    older.len() == newer.len() && older.zip(newer).all(|(a, b)| a.as_json() == b.as_json())
}

fn tracks(older: &Draft, newer: &Draft, changes: &mut Vec<Change>) {
    let was: Vec<Track<'_>> = older.tracks().collect();
    let is: Vec<Track<'_>> = newer.tracks().collect();
    let pairs = matches::tracks(&was, &is);
    let steady = pairs.steady();
    let segments = |track| -> Vec<SegmentAt> {
        pieces(track).iter().enumerate().map(|(at, piece)| piece.at(at)).collect()
    };
    for (at, &track) in is.iter().enumerate() {
        let Some(from) = pairs.older[at] else {
            let segments = segments(track);
            changes.push(Change::TrackAdded { track: TrackAt::of(at, track), segments });
            continue;
        };
        if !steady[at] {
            changes.push(Change::TrackMoved { track: TrackAt::of(at, track), from });
        }
        if was[from].as_json() != track.as_json() {
            Comparison::of(TrackAt::of(at, track), from, was[from], track).compare(changes);
        }
    }
    for (at, &track) in was.iter().enumerate().filter(|(at, _)| pairs.newer[*at].is_none()) {
        let segments = segments(track);
        changes.push(Change::TrackRemoved { track: TrackAt::of(at, track), segments });
    }
}

/// Two versions of one track.
struct Comparison<'d> {
    at: TrackAt,
    /// Where it stood.
    from: usize,
    older: Track<'d>,
    newer: Track<'d>,
    was: Vec<Piece<'d>>,
    is: Vec<Piece<'d>>,
    pairs: Pairs,
    steady: Vec<bool>,
}

impl<'d> Comparison<'d> {
    fn of(at: TrackAt, from: usize, older: Track<'d>, newer: Track<'d>) -> Self {
        let (was, is) = (pieces(older), pieces(newer));
        let pairs = matches::segments(&was, &is);
        let steady = pairs.steady();
        Self { at, from, older, newer, was, is, pairs, steady }
    }

    fn compare(&self, changes: &mut Vec<Change>) {
        let (older, newer) = (self.older.as_json(), self.newer.as_json());
        let mut keys = Keys::between(older, newer, Some(SEGMENTS));
        let (from, to) = (self.older.kind(), self.newer.kind());
        if from != to {
            changes.push(Change::TrackRetyped { track: self.at.clone(), from, to });
        }
        keys.told_outside_metadata(from != to, TRACK_TYPE);
        let was = Said { text: self.older.text(), name: self.older.name() };
        let is = Said { text: self.newer.text(), name: self.newer.name() };
        self.words(None, was, is, &mut keys, changes);
        let (from, to) = (self.older.volume(), self.newer.volume());
        if from != to {
            changes.push(Change::VolumeChanged { track: self.at.clone(), segment: None, from, to });
        }
        keys.told(from != to, lookup::VOLUME);
        let told = changes.len();
        self.come_and_gone(changes);
        self.volumes(changes);
        for (at, was, is) in self.matched() {
            self.segment(at, was, is, changes);
        }
        keys.told_outside_metadata(changes.len() > told, SEGMENTS);
        let place = |index| Position { index, start: 0, end: 0 };
        let (from, to) = (place(self.from), place(self.at.index));
        keys.told_where(true, |key| {
            position::explains(key.name, (key.of(older), from), (key.of(newer), to))
        });
        self.other(None, keys, changes);
    }

    /// The matched segments: the newer one's place, the older, the newer.
    fn matched(&self) -> impl Iterator<Item = (usize, &Piece<'d>, &Piece<'d>)> {
        let older = |at: usize| self.pairs.older[at].map(|from| &self.was[from]);
        self.is.iter().enumerate().filter_map(move |(at, is)| Some((at, older(at)?, is)))
    }

    /// Words, names and everything without a type, of one segment.
    fn segment(&self, at: usize, was: &Piece<'d>, is: &Piece<'d>, changes: &mut Vec<Change>) {
        if was.json == is.json {
            return;
        }
        let mut keys = Keys::between(was.json, is.json, None);
        keys.told(was.span.start != is.span.start, lookup::START);
        keys.told_outside_metadata(was.duration() != is.duration(), DURATION);
        keys.told(!was.is_as_loud_as(is), lookup::VOLUME);
        let from = self.pairs.older[at].unwrap_or(at);
        let (from, to) = (was.position(from), is.position(at));
        keys.told_where(true, |key| {
            position::explains(key.name, (key.of(was.json), from), (key.of(is.json), to))
        });
        // Most that stand behind a change have nothing more to tell.
        if was.said == is.said && keys.is_empty() {
            return;
        }
        let segment = is.at(at);
        self.words(Some(&segment), was.said, is.said, &mut keys, changes);
        self.other(Some(segment), keys, changes);
    }

    fn words(
        &self,
        segment: Option<&SegmentAt>,
        was: Said<'_>,
        is: Said<'_>,
        keys: &mut Keys,
        changes: &mut Vec<Change>,
    ) {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (track, segment) = (self.at.clone(), segment.cloned());
        let label = self.at.label;
        // A title may stand under `name`; what is written in place of a text is one.
        let written = label.is_words() && label != Label::Voiceover && segment.is_some();
        let by_name = written && was.text.is_none() && is.text.is_none();
        let (from, to) = if by_name { (was.name, is.name) } else { (was.text, is.text) };
        if from != to {
            let (track, segment, from, to) =
                (track.clone(), segment.clone(), owned(from), owned(to));
            changes.push(match label {
                Label::Title => Change::TitleChanged { track, segment, from, to },
                _ => Change::SegmentRetexted { track, segment, from, to },
            });
        }
        if was.name != is.name && !by_name {
            let (from, to) = (owned(was.name), owned(is.name));
            changes.push(Change::Renamed { track, segment, from, to });
        }
        keys.told(was.text != is.text, lookup::TEXT);
        keys.told(was.name != is.name, lookup::NAME);
    }

    fn other(&self, segment: Option<SegmentAt>, keys: Keys, changes: &mut Vec<Change>) {
        if let Some(keys) = keys.rest() {
            changes.push(Change::OtherChanged { track: Some(self.at.clone()), segment, keys });
        }
    }

    fn volumes(&self, changes: &mut Vec<Change>) {
        let changed: Vec<_> = self.matched().filter(|(_, a, b)| !a.is_as_loud_as(b)).collect();
        let Some((_, was, is)) = changed.first() else { return };
        let (from, to) = (was.volume, is.volume);
        let alike = changed.iter().all(|(_, a, b)| (a.volume, b.volume) == (from, to));
        let track = || self.at.clone();
        if alike && changed.len() == self.is.len() {
            changes.push(Change::VolumeChanged { track: track(), segment: None, from, to });
            return;
        }
        changes.extend(changed.into_iter().map(|(at, was, is)| Change::VolumeChanged {
            track: track(),
            segment: Some(is.at(at)),
            from: was.volume,
            to: is.volume,
        }));
    }

    /// Segments added, removed, moved and retimed, as they stand. What follows an insertion and
    /// only makes room for it is part of that one change, be its start written down or not.
    fn come_and_gone(&self, changes: &mut Vec<Change>) {
        let mut walk = Walk { at: &self.at, run: None, changes };
        let mut passed = 0;
        let mut shift = 0;
        for (at, is) in self.is.iter().enumerate() {
            let Some(from) = self.pairs.older[at] else {
                let (track, segment) = (self.at.clone(), is.at(at));
                walk.tell(Change::SegmentAdded { track, segment });
                shift += millis(is.duration());
                continue;
            };
            let was = &self.was[from];
            if !self.steady[at] {
                let (track, segment) = (self.at.clone(), is.at(at));
                walk.tell(Change::SegmentMoved { track, segment, from: was.span });
                shift += millis(is.duration());
                continue;
            }
            shift -= self.gone(passed..from, &mut walk);
            passed = from + 1;
            let by = millis(is.span.start) - millis(was.span.start);
            if was.duration() != is.duration() {
                let (track, segment) = (self.at.clone(), is.at(at));
                walk.tell(Change::SegmentRetimed { track, segment, from: was.span });
                shift = millis(is.span.end) - millis(was.span.end);
            } else if by == 0 {
                shift = 0;
            } else if by != shift {
                walk.shifted(at, by, was, is);
            }
        }
        self.gone(passed..self.was.len(), &mut walk);
        walk.end_run();
    }

    /// Tells of the removed ones among older segments; gives how long those that left were.
    fn gone(&self, range: Range<usize>, walk: &mut Walk<'_, 'd>) -> i128 {
        let mut length = 0;
        for at in range {
            let was = &self.was[at];
            length += millis(was.duration());
            if self.pairs.newer[at].is_none() {
                let (track, segment) = (self.at.clone(), was.at(at));
                walk.tell(Change::SegmentRemoved { track, segment });
            }
        }
        length
    }
}

/// The way along a track, with the run of segments that are shifted alike.
struct Walk<'w, 'd> {
    at: &'w TrackAt,
    run: Option<Run<'d>>,
    changes: &'w mut Vec<Change>,
}

struct Run<'d> {
    first: usize,
    last: usize,
    by: i128,
    was: Piece<'d>,
    is: Piece<'d>,
}

impl<'d> Walk<'_, 'd> {
    fn tell(&mut self, change: Change) {
        self.end_run();
        self.changes.push(change);
    }

    fn shifted(&mut self, at: usize, by: i128, was: &Piece<'d>, is: &Piece<'d>) {
        match &mut self.run {
            Some(run) if run.by == by && run.last + 1 == at => run.last = at,
            _ => {
                self.end_run();
                self.run = Some(Run { first: at, last: at, by, was: *was, is: *is });
            }
        }
    }

    fn end_run(&mut self) {
        let Some(Run { first, last, by, was, is }) = self.run.take() else { return };
        let track = self.at.clone();
        self.changes.push(if first == last {
            let segment = is.at(first);
            Change::SegmentRetimed { track, segment, from: was.span }
        } else {
            let by_ms = by.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
            Change::SegmentsShifted { track, first, last, by_ms }
        });
    }
}

/// Wide enough for sums and differences of any times that a draft may claim.
fn millis(time: Duration) -> i128 {
    time.as_millis().cast_signed()
}
