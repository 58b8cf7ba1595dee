//! The timeline as an image: tracks as rows, segments to scale, times on an axis. As SVG for a page,
//! as text for a terminal.
//!
//! This file computes what is drawn where, in whole cells: pixels or columns. How a cell looks is
//! left to `svg` and `text`.

mod svg;
mod text;

use std::ops::RangeInclusive;
use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::model::{Draft, Segment, Track};
use super::summary::{Language, Phrase, TrackLabel, shorten};

/// Default width of an image, in pixels.
const DEFAULT_WIDTH: u32 = 960;
/// From the narrowest legible image to the width of any screen.
const WIDTHS: RangeInclusive<u32> = 320..=8192;
/// Number of tracks that are drawn; the others are counted.
const MAX_ROWS: usize = 48;

impl Draft {
    /// Draws the timeline as a self-contained SVG image: without scripts, fonts or links. It stays
    /// small for any draft: adjacent segments too small to see are drawn as one, with their number.
    /// A small segment beside a long one keeps a mark of its own.
    ///
    /// ```
    /// use nemovideo::draft::{Draft, PictureStyle, PictureTheme};
    ///
    /// let draft: Draft = r#"{"t":[{"tt":7,"sg":[{"d":3000,"m":{"text":"Salt & Pepper"}}]}]}"#.parse()?;
    /// let svg = draft.to_svg(&PictureStyle::default().with_theme(PictureTheme::Dark));
    /// assert!(svg.starts_with("<svg ") && svg.contains("Salt &amp; Pepper"));
    /// # Ok::<(), nemovideo::draft::ParseError>(())
    /// ```
    #[must_use]
    pub fn to_svg(&self, style: &PictureStyle) -> String {
        svg::draw(self, style)
    }

    /// Draws the timeline as English text for a terminal; see [`to_text_in`](Self::to_text_in).
    #[must_use]
    pub fn to_text(&self, width: usize) -> String {
        self.to_text_in(width, Language::default())
    }

    /// Draws the timeline as text for a terminal. No line is wider than `width` columns (at least
    /// 40), of which Chinese characters and emoji take two.
    #[must_use]
    pub fn to_text_in(&self, width: usize, language: Language) -> String {
        text::draw(self, width, language)
    }
}

/// The appearance of an image of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureStyle {
    width: u32,
    theme: PictureTheme,
    language: Language,
}

/// The colours of an image of the timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PictureTheme {
    /// The reader's system chooses (`prefers-color-scheme`).
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl PictureStyle {
    /// Sets the width in pixels, from 320 to 8192; 960 by default.
    #[must_use]
    pub fn with_width(mut self, width: u32) -> Self {
        self.width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
        self
    }

    /// Returns the width in pixels.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Sets the colours. By default the reader's system chooses them.
    #[must_use]
    pub const fn with_theme(mut self, theme: PictureTheme) -> Self {
        self.theme = theme;
        self
    }

    /// Returns the colours.
    #[must_use]
    pub const fn theme(&self) -> PictureTheme {
        self.theme
    }

    /// Sets the language of the words that are not the draft's own; English by default.
    #[must_use]
    pub const fn with_language(mut self, language: Language) -> Self {
        self.language = language;
        self
    }

    /// Returns the language of the words that are not the draft's own.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }
}

impl Default for PictureStyle {
    fn default() -> Self {
        Self { width: DEFAULT_WIDTH, theme: PictureTheme::Auto, language: Language::default() }
    }
}

struct Rows {
    rows: Vec<Row>,
    /// Number of tracks that are not drawn.
    more: usize,
    scale: Scale,
}

struct Row {
    label: TrackLabel,
    name: Option<String>,
    /// The volume, where all segments have the same.
    volume: Option<f64>,
    blocks: Vec<SegmentBlock>,
}

/// One segment, or several that cannot be drawn apart.
struct SegmentBlock {
    from: u32,
    to: u32,
    start: Duration,
    end: Duration,
    segments: usize,
    /// Whether each of its segments is too small to be seen alone.
    is_small: bool,
    /// Duration of the longest segment.
    longest: Duration,
    /// Text or name of the longest segment, or else of its track.
    caption: String,
}

/// The smallest sizes, in cells.
#[derive(Clone, Copy)]
struct Least {
    /// Narrower segments are drawn as one with such neighbours.
    alone: u32,
    /// Width of the narrowest mark.
    mark: u32,
}

impl Rows {
    /// Lays a draft out on a number of cells.
    fn of(draft: &Draft, cells: u32, least: Least) -> Self {
        let ends = draft.tracks().map(|track| track.end());
        let length = ends.chain([draft.duration()]).max().unwrap_or_default();
        let scale = Scale { length, cells };
        let tracks = draft.tracks().take(MAX_ROWS);
        let rows = tracks.map(|track| Row::of(track, scale, least)).collect();
        Self { rows, more: draft.tracks().len().saturating_sub(MAX_ROWS), scale }
    }
}

#[derive(Clone, Copy)]
struct Scale {
    /// Length of the axis: the duration of the video, or the end of what continues after it.
    length: Duration,
    cells: u32,
}

impl Scale {
    fn cell(self, time: Duration) -> u32 {
        let length = self.length.as_millis().max(1);
        let cell = (time.as_millis() * u128::from(self.cells) + length / 2) / length;
        u32::try_from(cell).map_or(self.cells, |cell| cell.min(self.cells))
    }
}

impl Row {
    fn of(track: Track<'_>, scale: Scale, least: Least) -> Self {
        let label = TrackLabel::of(track);
        let mut segments: Vec<Segment<'_>> = track.segments().collect();
        segments.sort_by_key(|segment| segment.start());
        let mut blocks: Vec<SegmentBlock> = Vec::new();
        for segment in segments {
            let block = SegmentBlock::of(segment, scale, least);
            let caption = || caption(track, segment, label);
            match blocks.last_mut() {
                Some(last) if last.is_small && block.is_small && block.from <= last.to => {
                    last.merge(&block, caption);
                }
                Some(last) => match block.beside(last, scale, least) {
                    Ok(block) => blocks.push(SegmentBlock { caption: caption(), ..block }),
                    Err(block) => last.merge(&block, caption),
                },
                None => blocks.push(SegmentBlock { caption: caption(), ..block }),
            }
        }
        let name = track.name().map(|name| visible(&shorten(name)));
        Self { label, name, volume: volume(track, label), blocks }
    }

    fn segment_count(&self) -> usize {
        self.blocks.iter().map(|block| block.segments).sum()
    }
}

/// Returns the volume of a track, where it is constant and worth showing: full volume only is for
/// music.
fn volume(track: Track<'_>, label: TrackLabel) -> Option<f64> {
    let mut volumes = track.segments().map(|segment| segment.volume());
    let volume = volumes.next()??;
    let is_shown = volume < 1.0 || label == TrackLabel::Music;
    (is_shown && volumes.all(|other| other == Some(volume))).then_some(volume)
}

impl SegmentBlock {
    /// Places a segment, whatever else is there.
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
            caption: String::new(),
        }
    }

    /// Moves the block off the previous one, a little later, so that a tiny block keeps its mark
    /// and a long one its caption. The error is the block, when there is no room.
    fn beside(self, last: &mut Self, scale: Scale, least: Least) -> Result<Self, Self> {
        let from = self.from.max(last.to);
        let to = if self.is_small { from + least.mark } else { self.to };
        // A segment within another one, which no editor produces, has no room of its own.
        let is_within = self.end <= last.end && self.start < last.end;
        if to <= scale.cells && to >= from + least.mark && (from == self.from || !is_within) {
            return Ok(Self { from, to: to.max(self.to), ..self });
        }
        let yields = !last.is_small && self.start >= last.end;
        if yields && self.from >= last.from + least.mark {
            last.to = self.from;
            return Ok(self);
        }
        Err(self)
    }

    fn merge(&mut self, other: &Self, caption: impl FnOnce() -> String) {
        self.to = self.to.max(other.to);
        self.end = self.end.max(other.end);
        self.segments += 1;
        self.is_small &= other.is_small;
        // Of several small segments only the number is shown.
        if !self.is_small && other.longest > self.longest {
            self.caption = caption();
        }
        self.longest = self.longest.max(other.longest);
    }

    /// Whether these are several segments of which none can be seen alone.
    fn is_many(&self) -> bool {
        self.segments > 1 && self.is_small
    }

    /// Describes the content: a caption, also with the number of other segments, or their number.
    fn describe(&self, language: Language) -> String {
        match self.segments {
            1 => self.caption.clone(),
            n if self.is_small || self.caption.is_empty() => language.segment_count(n),
            n => format!("{} +{}", self.caption, n - 1),
        }
    }
}

fn caption(track: Track<'_>, segment: Segment<'_>, label: TrackLabel) -> String {
    let caption = Phrase::of(segment.text(), segment.name(), label).map(Phrase::as_str);
    caption.or(track.name()).map(|caption| visible(&shorten(caption))).unwrap_or_default()
}

/// Words for the tracks that are not drawn.
fn more_tracks(count: usize, language: Language) -> String {
    let plural = if count == 1 { "" } else { "s" };
    let english = format!("… and {count} more track{plural}");
    language.pick(english, format!("……另有 {count} 条轨道"))
}

/// Steps between the marks of the axis, in milliseconds: those that people count in.
const STEPS: &[u64] = &[
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000,
];

/// Returns equidistant times from 0 to `length`; at most `most` after the first.
fn marks(length: Duration, most: u32) -> Vec<Duration> {
    let (length, most) = (length.as_millis(), u128::from(most.max(1)));
    let fits = |step: &&u64| length / u128::from(**step) <= most;
    // Beyond days any even division will do.
    let step = STEPS.iter().find(fits).map_or(length / most, |step| u128::from(*step)).max(1);
    (0..=length / step)
        .map(|at| Duration::from_millis(u64::try_from(at * step).unwrap_or(u64::MAX)))
        .collect()
}

/// Returns the label of a mark: `2.5s` on a short axis, else `1:30` or `1:00:00`.
fn mark_label(time: Duration, length: Duration) -> String {
    let seconds = time.as_secs();
    if length < Duration::from_secs(60) {
        return format!("{}s", (time.as_secs_f64() * 10.0).round() / 10.0);
    }
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if length < Duration::from_secs(3600) {
        format!("{minutes}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}

/// Returns the number of characters of the longest label.
fn widest_label(length: Duration) -> u32 {
    u32::try_from(mark_label(length, length).len()).unwrap_or(u32::MAX)
}

/// Cuts text to a number of columns, with a sign that there was more. Chinese characters and emoji
/// take two columns; combining characters stay with their base.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut end = 0;
    for (at, char) in text.char_indices() {
        // A character without a width of its own, or a joined one, belongs to the one before.
        if char.width() != Some(0) && !text[..at].ends_with('\u{200d}') {
            end = at;
        }
        if text[..at + char.len_utf8()].width() >= columns {
            break;
        }
    }
    format!("{}…", text[..end].trim_end())
}

/// Removes what would control a terminal or reverse the line rather than be displayed.
fn visible(text: &str) -> String {
    let is_control = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|c| !is_control(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_few() {
        let labels = |ms, most| {
            let length = Duration::from_millis(ms);
            let marks = marks(length, most);
            marks.into_iter().map(|time| mark_label(time, length)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(67_700, 8), "0:00 0:10 0:20 0:30 0:40 0:50 1:00");
        assert_eq!(labels(3_000, 6), "0s 0.5s 1s 1.5s 2s 2.5s 3s");
        assert_eq!(labels(7_000_000, 4), "0:00:00 0:30:00 1:00:00 1:30:00");
        assert_eq!(labels(0, 4), "0s");
        assert_eq!(marks(Duration::from_millis(u64::MAX), 8).len(), 9);
    }

    #[test]
    fn what_is_cut_fits_and_is_whole() {
        assert_eq!(cut("Hello", 5), "Hello");
        assert_eq!(cut("Hello", 4), "Hel…");
        assert_eq!(cut("你好世界", 6), "你好…");
        assert_eq!(cut("你好世界", 5), "你好…");
        assert_eq!(cut("a👩‍👩‍👧‍👦b", 4), "a👩‍👩‍👧‍👦b");
        assert_eq!(cut("a👩‍👩‍👧‍👦bc", 3), "a…");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        for text in ["你a好b世c界", "👩‍👩‍👧‍👦👍🏽❤️✈️🇩🇪x", "ก็ดี\u{301}\u{302}ab", ""]
        {
            for columns in 1..12 {
                assert!(cut(text, columns).width() <= columns, "{text} in {columns}");
            }
        }
    }

    #[test]
    fn nothing_controls_the_terminal() {
        assert_eq!(visible("\u{1b}[31mred\u{7}\u{202e}"), "[31mred");
    }
}
