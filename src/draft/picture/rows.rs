//! What is drawn where. The scale is in whole cells, pixels or columns; how a cell looks is left
//! to `svg` and `text`.

use std::time::Duration;

use super::columns::visible;
use crate::draft::model::{Draft, Segment, Track};
use crate::draft::summary::{Label, shorten};

/// So many tracks are drawn; the rest are counted.
const ROWS: usize = 48;

pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    /// Tracks that are not drawn.
    pub(super) more: usize,
    /// How long the axis is: the film, or what goes on after its end.
    pub(super) length: Duration,
}

pub(super) struct Row {
    pub(super) label: Label,
    pub(super) name: Option<String>,
    /// The volume, where all segments have the same.
    pub(super) volume: Option<f64>,
    pub(super) blocks: Vec<Block>,
}

/// One segment, or some that are too small to tell apart.
pub(super) struct Block {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) start: Duration,
    pub(super) end: Duration,
    pub(super) segments: usize,
    /// What the first one says or is called, or else its track.
    pub(super) words: String,
}

impl Rows {
    /// Lays a draft out on so many cells; what is narrower than `least` is drawn with its
    /// neighbours of that kind.
    pub(super) fn of(draft: &Draft, cells: u32, least: u32) -> Self {
        let ends = draft.tracks().map(|track| track.end());
        let length = ends.chain([draft.duration()]).max().unwrap_or_default();
        let scale = Scale { length, cells };
        let rows = draft.tracks().take(ROWS).map(|track| Row::of(track, scale, least)).collect();
        Self { rows, more: draft.tracks().len().saturating_sub(ROWS), length }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) length: Duration,
    pub(super) cells: u32,
}

impl Scale {
    pub(super) fn cell(self, time: Duration) -> u32 {
        let length = self.length.as_millis().max(1);
        let cell = (time.as_millis() * u128::from(self.cells) + length / 2) / length;
        u32::try_from(cell).map_or(self.cells, |cell| cell.min(self.cells))
    }
}

impl Row {
    fn of(track: Track<'_>, scale: Scale, least: u32) -> Self {
        let label = Label::of(track);
        let mut segments: Vec<Segment<'_>> = track.segments().collect();
        segments.sort_by_key(|segment| segment.start());
        let mut blocks: Vec<Block> = Vec::new();
        for segment in segments {
            let from = scale.cell(segment.start()).min(scale.cells.saturating_sub(1));
            let to = scale.cell(segment.end()).max(from + 1);
            let is_small = to - from < least;
            if let Some(last) = blocks.last_mut()
                && (from < last.to || (is_small && last.is_small(least) && from <= last.to))
            {
                last.to = last.to.max(to);
                last.end = last.end.max(segment.end());
                last.segments += 1;
            } else {
                let (start, end) = (segment.start(), segment.end());
                blocks.push(Block {
                    from,
                    to,
                    start,
                    end,
                    segments: 1,
                    words: words(track, segment, label),
                });
            }
        }
        let name = track.name().map(|name| visible(&shorten(name)));
        Self { label, name, volume: volume(track, label), blocks }
    }
}

/// How loud a track is, where it is one volume and worth telling: full volume is, of music.
pub(super) fn volume(track: Track<'_>, label: Label) -> Option<f64> {
    let mut volumes = track.segments().map(|segment| segment.volume());
    let volume = volumes.next()??;
    let told =
        volumes.all(|other| other == Some(volume)) && (volume < 1.0 || label == Label::Music);
    told.then_some(volume)
}

impl Block {
    /// Small itself, or made of what is.
    fn is_small(&self, least: u32) -> bool {
        self.segments > 1 || self.to - self.from < least
    }
}

fn words(track: Track<'_>, segment: Segment<'_>, label: Label) -> String {
    let (text, name) = (segment.text(), segment.name());
    let words = if label.is_words() { text.or(name) } else { name.or(text) };
    words.or(track.name()).map(|words| visible(&shorten(words))).unwrap_or_default()
}
