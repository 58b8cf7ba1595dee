//! A segment and what is asked of it again and again while two versions of a track are compared.

use std::time::Duration;

use super::change::{SegmentAt, Span};
use super::position::Position;
use crate::draft::json::Json;
use crate::draft::lookup;
use crate::draft::model::{Segment, Track};

#[derive(Clone, Copy)]
pub(super) struct Piece<'d> {
    pub(super) json: &'d Json,
    pub(super) span: Span,
    pub(super) said: Said<'d>,
    own_volume: Option<f64>,
    pub(super) volume: Option<f64>,
}

pub(super) fn pieces<'d>(track: Track<'d>) -> Vec<Piece<'d>> {
    let of_track = track.volume();
    let piece = |segment: Segment<'d>| {
        let json = segment.as_json();
        let own_volume = lookup::find(json, lookup::VOLUME, lookup::volume);
        let said = Said { text: segment.text(), name: segment.name() };
        let span = Span { start: segment.start(), end: segment.end() };
        Piece { json, span, said, own_volume, volume: own_volume.or(of_track) }
    };
    track.segments().map(piece).collect()
}

impl Piece<'_> {
    pub(super) fn at(&self, index: usize) -> SegmentAt {
        let (text, name) = (self.said.text.map(str::to_owned), self.said.name.map(str::to_owned));
        SegmentAt { index, span: self.span, text, name }
    }

    pub(super) fn position(&self, index: usize) -> Position {
        let millis = |time: Duration| time.as_millis().cast_signed();
        Position { index, start: millis(self.span.start), end: millis(self.span.end) }
    }

    pub(super) fn duration(&self) -> Duration {
        self.span.end.saturating_sub(self.span.start)
    }

    /// A volume of its own that changed and cannot be heard does not count.
    pub(super) fn is_as_loud_as(&self, other: &Self) -> bool {
        self.own_volume == other.own_volume || self.volume == other.volume
    }
}

/// What a track or a segment says of itself.
#[derive(Clone, Copy, PartialEq, Hash)]
pub(super) struct Said<'d> {
    pub(super) text: Option<&'d str>,
    pub(super) name: Option<&'d str>,
}
