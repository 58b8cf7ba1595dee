//! What is drawn where. The scale is in whole cells, pixels or columns; how a cell looks is left
//! to `svg` and `text`.

use std::time::Duration;

use super::columns::visible;
use crate::draft::language::Language;
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

/// One segment, or some that cannot be drawn apart.
pub(super) struct Block {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) start: Duration,
    pub(super) end: Duration,
    pub(super) segments: usize,
    /// Whether all in it are too small to be seen alone.
    is_small: bool,
    /// How long the longest in it is.
    longest: Duration,
    /// What the longest one says or is called, or else its track.
    words: String,
}

/// How small things are drawn, in cells.
#[derive(Clone, Copy)]
pub(super) struct Least {
    /// What is narrower is drawn with its neighbours of that kind.
    pub(super) alone: u32,
    /// No mark is narrower than this.
    pub(super) mark: u32,
}

impl Rows {
    /// Lays a draft out on so many cells.
    pub(super) fn of(draft: &Draft, cells: u32, least: Least) -> Self {
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
    fn of(track: Track<'_>, scale: Scale, least: Least) -> Self {
        let label = Label::of(track);
        let mut segments: Vec<Segment<'_>> = track.segments().collect();
        segments.sort_by_key(|segment| segment.start());
        let mut blocks: Vec<Block> = Vec::new();
        for segment in segments {
            let block = Block::of(segment, scale, least);
            let words = || words(track, segment, label);
            match blocks.last_mut() {
                Some(last) if last.is_small && block.is_small && block.from <= last.to => {
                    last.take_in(&block, words);
                }
                Some(last) => match block.beside(last, scale, least) {
                    Ok(block) => blocks.push(Block { words: words(), ..block }),
                    Err(block) => last.take_in(&block, words),
                },
                None => blocks.push(Block { words: words(), ..block }),
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
    /// A segment where it belongs, whatever else is there.
    fn of(segment: Segment<'_>, scale: Scale, least: Least) -> Self {
        let (start, end) = (segment.start(), segment.end());
        let from = scale.cell(start).min(scale.cells.saturating_sub(least.mark));
        let to = scale.cell(end).max(from);
        Self {
            from,
            to: to.max(from + least.mark),
            start,
            end,
            segments: 1,
            is_small: to - from < least.alone,
            longest: segment.duration(),
            words: String::new(),
        }
    }

    /// The block where it does not cover the one before it: a little later, so that a tiny one
    /// keeps its mark and a long one its words. The error is the block, when there is no room.
    fn beside(self, last: &mut Self, scale: Scale, least: Least) -> Result<Self, Self> {
        let from = self.from.max(last.to);
        let to = if self.is_small { from + least.mark } else { self.to };
        // What lasts within another, as in no film that an editor made, has no place of its own.
        let is_within = self.end <= last.end && self.start < last.end;
        if to <= scale.cells && to >= from + least.mark && (from == self.from || !is_within) {
            return Ok(Self { from, to: to.max(self.to), ..self });
        }
        let gives_way = !last.is_small && self.start >= last.end;
        if gives_way && self.from >= last.from + least.mark {
            last.to = self.from;
            return Ok(self);
        }
        Err(self)
    }

    fn take_in(&mut self, other: &Self, words: impl FnOnce() -> String) {
        self.to = self.to.max(other.to);
        self.end = self.end.max(other.end);
        self.segments += 1;
        self.is_small &= other.is_small;
        // Of many small ones only the number is told.
        if !self.is_small && other.longest > self.longest {
            self.words = words();
        }
        self.longest = self.longest.max(other.longest);
    }

    /// Whether these are several of which none can be seen alone.
    pub(super) fn is_many(&self) -> bool {
        self.segments > 1 && self.is_small
    }

    /// What is in it: words, also with how many more, or a number; nothing where one has no words.
    pub(super) fn told(&self, language: Language) -> String {
        match self.segments {
            1 => self.words.clone(),
            segments if self.is_small || self.words.is_empty() => language.segments(segments),
            segments => format!("{} +{}", self.words, segments - 1),
        }
    }
}

fn words(track: Track<'_>, segment: Segment<'_>, label: Label) -> String {
    let (text, name) = (segment.text(), segment.name());
    let words = if label.is_words() { text.or(name) } else { name.or(text) };
    words.or(track.name()).map(|words| visible(&shorten(words))).unwrap_or_default()
}
