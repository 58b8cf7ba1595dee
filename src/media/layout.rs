//! Lays out texts in a frame: balanced lines inside the safe area, one below the other where several
//! texts are visible. Drawing them is left to [`canvas`](super::canvas).

use std::ops::Range;

use super::characters::{breaks_after_hyphen, breaks_between};
use super::syllables::{Hyphenator, is_address};
use super::timeline::TextKind;
use super::{
    Cancel, CaptionPosition, CaptionSize, CaptionStyle, Font, FrameSize, MediaError, TextClip,
};

/// The title-safe area of television leaves a margin of 5 % on each side.
const SAFE_MARGIN: f32 = 0.05;
/// Longer text is truncated: it would be illegible, and slow to lay out.
const MAX_CHARS: usize = 1000;
const LINE_HEIGHT: f32 = 1.28;
/// The size of large captions, as a factor.
pub(crate) const LARGE: f32 = 1.25;

/// What a text may take of a frame of one size.
struct TextLayout {
    size: f32,
    /// The smallest size for the sake of a word that is too long for a line. Below it, the word is
    /// broken.
    smallest: f32,
    max_width: f32,
    max_height: f32,
    /// The most lines that are usual.
    lines: usize,
    anchor: Anchor,
}

/// Vertical position of a part of the block of lines.
#[derive(Clone, Copy)]
enum Anchor {
    Top(f32),
    Middle(f32),
    Bottom(f32),
}

impl TextLayout {
    fn of(kind: TextKind, style: CaptionStyle, frame: FrameSize) -> Self {
        let (width, height) = (frame.width as f32, frame.height as f32);
        let portrait = height > 1.2 * width;
        let short = width.min(height);
        let safe = width * (1.0 - 2.0 * SAFE_MARGIN);
        let caption = short * if portrait { 0.062 } else { 0.055 };
        let scale = match style.size {
            CaptionSize::Small => 0.8,
            CaptionSize::Medium => 1.0,
            CaptionSize::Large => LARGE,
        };
        match kind {
            TextKind::Caption => Self {
                size: caption * scale,
                smallest: 0.75 * caption * scale,
                max_width: if portrait { safe * 0.94 } else { safe.min(short * 1.42) },
                max_height: height * if portrait { 0.26 } else { 0.30 },
                lines: if portrait { 3 } else { 2 },
                anchor: match style.position {
                    // The controls of a phone cover the lowest part of a portrait video, and a few
                    // of them the highest.
                    CaptionPosition::Top => {
                        Anchor::Top(height * if portrait { 0.13 } else { 0.085 })
                    }
                    CaptionPosition::Middle => Anchor::Middle(height * 0.5),
                    CaptionPosition::Bottom => {
                        Anchor::Bottom(height * if portrait { 0.80 } else { 0.915 })
                    }
                },
            },
            TextKind::Title => Self {
                size: short * if portrait { 0.112 } else { 0.104 },
                smallest: caption,
                max_width: safe * 0.92,
                max_height: height * 0.42,
                lines: 3,
                anchor: Anchor::Middle(height * if portrait { 0.42 } else { 0.45 }),
            },
        }
    }
}

/// Returns the width of a line of a caption, in ems of its font.
pub(crate) fn caption_width(frame: FrameSize) -> f32 {
    let layout = TextLayout::of(TextKind::Caption, CaptionStyle::default(), frame);
    layout.max_width / layout.size
}

/// Returns the number of lines that a caption takes.
#[cfg(test)]
pub(crate) fn caption_lines(clip: &TextClip, frame: FrameSize, font: &Font) -> usize {
    let placed = blocks(&[clip], font, Hyphenator::of(None), frame, &Cancel::new()).unwrap();
    placed[0].1.lines.len()
}

/// A text with its size and position in a frame.
#[derive(Debug)]
pub(crate) struct TextBlock {
    pub(crate) size: f32,
    pub(crate) lines: Vec<TextLine>,
    /// Upper edge of the first line.
    pub(crate) top: f32,
}

/// A line of a text.
#[derive(Debug, Default, Clone)]
pub(crate) struct TextLine {
    pub(crate) text: String,
    /// Where each unit begins, and the words of the clip in it.
    parts: Vec<(usize, Range<usize>)>,
}

impl TextBlock {
    fn new(
        clip: &TextClip,
        layout: &TextLayout,
        font: &Font,
        hyphenator: Hyphenator,
    ) -> Option<Self> {
        let offsets: Vec<usize> = clip.words.iter().map(|(offset, _)| *offset).collect();
        let units = units(&clip.text, &offsets, font);
        let (size, lines) = lay_out(&units, layout, font, hyphenator)?;
        let height = size * LINE_HEIGHT * lines.len() as f32;
        let top = match layout.anchor {
            Anchor::Top(top) => top,
            Anchor::Middle(middle) => middle - height / 2.0,
            Anchor::Bottom(bottom) => bottom - height,
        };
        Some(Self { size, lines, top })
    }

    pub(crate) fn line_height(&self) -> f32 {
        self.size * LINE_HEIGHT
    }

    pub(crate) fn height(&self) -> f32 {
        self.line_height() * self.lines.len() as f32
    }

    /// Returns the baseline of a line. The letters are centered rather than their box: their middle
    /// is about a third of the size above the baseline.
    pub(crate) fn baseline(&self, line: usize) -> f32 {
        self.top + self.line_height() * (line as f32 + 0.5) + self.size * 0.36
    }

    /// Returns the lines that a word of the clip is in, and which part of each it is.
    pub(crate) fn word(&self, word: usize) -> impl Iterator<Item = (usize, Range<usize>)> + '_ {
        self.lines.iter().enumerate().filter_map(move |(index, line)| {
            let is_in = |(_, words): &(usize, Range<usize>)| words.contains(&word);
            let first = line.parts.iter().position(is_in)?;
            let next = line.parts[first..].iter().position(|part| !is_in(part));
            let end = next.map_or(line.text.len(), |next| line.parts[first + next].0);
            let start = line.parts[first].0;
            Some((index, start..start + line.text[start..end].trim_end().len()))
        })
    }
}

/// Lays out texts that are visible together, so that none covers another one. Returns the blocks of
/// those of which something is visible, with the indices of their texts.
pub(crate) fn blocks(
    clips: &[&TextClip],
    font: &Font,
    hyphenator: Hyphenator,
    frame: FrameSize,
    cancel: &Cancel,
) -> Result<Vec<(usize, TextBlock)>, MediaError> {
    /// More text than fits is drawn smaller.
    const FACTORS: [f32; 5] = [1.0, 0.8, 0.64, 0.5, 0.4];
    let mut laid_out = Vec::new();
    for factor in FACTORS {
        laid_out.clear();
        for (index, clip) in clips.iter().enumerate() {
            cancel.check()?;
            let mut layout = TextLayout::of(clip.kind, clip.style, frame);
            layout.size *= factor;
            layout.smallest *= factor;
            layout.max_height *= factor;
            let block = TextBlock::new(clip, &layout, font, hyphenator);
            laid_out.extend(block.map(|block| (index, block)));
        }
        if arrange(&mut laid_out, |index| clips[index].kind, frame) {
            break;
        }
    }
    Ok(laid_out)
}

/// Moves the blocks that cover others, captions rather than titles, and returns whether none is left.
fn arrange(
    blocks: &mut [(usize, TextBlock)],
    kind: impl Fn(usize) -> TextKind,
    frame: FrameSize,
) -> bool {
    let height = frame.height as f32;
    let (margin, gap) = (height * SAFE_MARGIN, height * 0.02);
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|&at| kind(blocks[at].0) != TextKind::Title);
    let mut placed: Vec<(f32, f32)> = Vec::new();
    let mut fits = true;
    for at in order {
        let block = &mut blocks[at].1;
        let is_free = |top: f32| {
            placed.iter().all(|(start, end)| top + block.height() <= *start || top >= *end)
        };
        if !is_free(block.top) {
            let above = placed.iter().map(|(start, _)| start - gap - block.height());
            let beside = placed.iter().map(|(_, end)| end + gap).chain(above);
            let inside = |top: &f32| *top >= margin && *top + block.height() <= height - margin;
            let distance = |top: &f32| (top - block.top).abs();
            let free = beside.filter(|top| inside(top) && is_free(*top));
            match free.min_by(|a, b| distance(a).total_cmp(&distance(b))) {
                Some(top) => block.top = top,
                None => fits = false,
            }
        }
        placed.push((block.top, block.top + block.height()));
    }
    fits
}

/// Returns the font size and the lines of a text. The size is that of the layout, or smaller where a
/// word is too long for a line or the lines would not fit.
fn lay_out(
    units: &[WrapUnit],
    layout: &TextLayout,
    font: &Font,
    hyphenator: Hyphenator,
) -> Option<(f32, Vec<TextLine>)> {
    if units.is_empty() {
        return None;
    }
    let setter = LineSetter { font, hyphenator, max_width: layout.max_width };
    let lines = |size: f32| setter.balanced_lines(&setter.broken(units, size), size);
    let mut size = layout.size;
    let width = |unit: &WrapUnit| font.width(&unit.text, size);
    if units.iter().any(|unit| width(unit) > layout.max_width) {
        /// From one size that is tried to the next.
        const STEP: f32 = 0.97;
        let words = units.iter().filter(|unit| !is_address(&unit.text));
        let longest = words.map(width).fold(0.0, f32::max);
        // Small enough for the longest word, or for the usual number of lines.
        let fitting = size * layout.max_width / longest.max(layout.max_width) * 0.999;
        let largest = if fitting >= layout.smallest { fitting.min(size) } else { size };
        let sizes = std::iter::successors(Some(largest), |size| Some(size * STEP));
        let mut sizes = sizes.take_while(|size| *size >= layout.smallest);
        size = sizes.find(|size| lines(*size).len() <= layout.lines).unwrap_or(largest);
    }
    loop {
        let lines = lines(size);
        let fits = lines.len() as f32 * size * LINE_HEIGHT <= layout.max_height;
        if fits || size < 0.1 {
            return Some((size, lines));
        }
        size *= 0.92;
    }
}

/// A unit of text that must not be broken, and what separates it from the next one.
#[derive(Debug, Clone)]
struct WrapUnit {
    text: String,
    /// The words of the clip in it.
    words: Range<usize>,
    after: Separator,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Nothing,
    /// A line that ends with the unit gets a hyphen.
    Hyphen,
    Space,
    LineBreak,
}

/// Splits a text into units, in the characters that the font can draw. `words` are the offsets of
/// its words.
fn units(text: &str, words: &[usize], font: &Font) -> Vec<WrapUnit> {
    let mut units: Vec<WrapUnit> = Vec::new();
    let mut current = String::new();
    let mut start = 0;
    let mut finish = |current: &mut String, range: Range<usize>, after: Separator| {
        // Substituted only now: a character drawn as a hyphen may be a non-breaking one.
        let text = font.drawable(&std::mem::take(current));
        let word = |offset: usize| words.partition_point(|word| *word < offset);
        let mut inside = word(range.start)..word(range.end);
        if let Some(last) = units.last_mut() {
            if text.is_empty() && matches!(after, Separator::Space | Separator::LineBreak) {
                let is_break = last.after == Separator::LineBreak;
                last.after = if is_break { last.after } else { after };
            } else if inside.is_empty() && last.after == Separator::Nothing {
                // The unit continues the word before it.
                inside = last.words.clone();
            }
        }
        if !text.is_empty() {
            units.push(WrapUnit { text, words: inside, after });
        }
    };
    let inside = text.len() - text.trim_start().len()..text.trim_end().len();
    let shown = text.char_indices().filter(|(at, _)| inside.contains(at));
    for (at, c) in shown.take(MAX_CHARS) {
        if c.is_whitespace() && c != '\u{a0}' {
            let after = if c == '\n' { Separator::LineBreak } else { Separator::Space };
            finish(&mut current, start..at, after);
            start = at + c.len_utf8();
        } else if !c.is_control() {
            let wide = |before| breaks_between(before, c);
            if current.chars().next_back().is_some_and(wide) || breaks_after_hyphen(&current, c) {
                finish(&mut current, start..at, Separator::Nothing);
                start = at;
            }
            current.push(c);
        }
    }
    finish(&mut current, start..text.len(), Separator::Nothing);
    units
}

/// Sets units in lines.
struct LineSetter<'f> {
    font: &'f Font,
    hyphenator: Hyphenator,
    max_width: f32,
}

impl LineSetter<'_> {
    /// Returns the units with those that are wider than a line broken.
    fn broken(&self, units: &[WrapUnit], size: f32) -> Vec<WrapUnit> {
        let fits = |text: &str| self.font.width(text, size) <= self.max_width;
        let mut broken = Vec::with_capacity(units.len());
        for unit in units {
            if fits(&unit.text) {
                broken.push(unit.clone());
                continue;
            }
            let mut add = |text: &str, after| {
                broken.push(WrapUnit { text: text.to_owned(), words: unit.words.clone(), after });
            };
            let breaks = self.hyphenator.breaks(&unit.text);
            let mut start = 0;
            let ends = breaks.iter().map(|at| (at.offset, at.hyphen));
            for (end, hyphen) in ends.chain([(unit.text.len(), false)]) {
                let after = if hyphen { Separator::Hyphen } else { Separator::Nothing };
                let part = &unit.text[start..end];
                if fits(&format!("{part}-")) {
                    add(part, after);
                } else {
                    let mut letters = part.char_indices().peekable();
                    while let Some((at, c)) = letters.next() {
                        let after = match letters.peek() {
                            None => after,
                            Some((_, next)) if c.is_alphabetic() && next.is_alphabetic() => {
                                Separator::Hyphen
                            }
                            Some(_) => Separator::Nothing,
                        };
                        add(&part[at..at + c.len_utf8()], after);
                    }
                }
                start = end;
            }
            if let Some(last) = broken.last_mut() {
                last.after = unit.after;
            }
        }
        broken
    }

    /// Breaks a text into as few lines as possible, then narrows them as far as no more lines are
    /// needed, so that the lines have similar lengths.
    fn balanced_lines(&self, units: &[WrapUnit], size: f32) -> Vec<TextLine> {
        let fewest = self.lines(units, self.max_width, size);
        let (mut narrow, mut wide) = (self.max_width / fewest.len() as f32 * 0.5, self.max_width);
        let mut best = fewest;
        for _ in 0..8 {
            let middle = (narrow + wide) / 2.0;
            let tried = self.lines(units, middle, size);
            let fits = |line: &TextLine| self.font.width(&line.text, size) <= middle;
            if tried.len() <= best.len() && tried.iter().all(fits) {
                best = tried;
                wide = middle;
            } else {
                narrow = middle;
            }
        }
        best
    }

    /// Breaks a text greedily.
    fn lines(&self, units: &[WrapUnit], max_width: f32, size: f32) -> Vec<TextLine> {
        let mut lines = Vec::new();
        let mut line = TextLine::default();
        let mut before = Separator::Nothing;
        for unit in units {
            let space = if before == Separator::Space { " " } else { "" };
            let length = line.text.len();
            line.text.push_str(space);
            let start = line.text.len();
            line.text.push_str(&unit.text);
            let end = line.text.len();
            if unit.after == Separator::Hyphen {
                line.text.push('-');
            }
            let is_full =
                before == Separator::LineBreak || self.font.width(&line.text, size) > max_width;
            line.text.truncate(end);
            if length > 0 && is_full {
                line.text.truncate(length);
                if before == Separator::Hyphen {
                    line.text.push('-');
                }
                let next = TextLine { text: unit.text.clone(), parts: Vec::new() };
                lines.push(std::mem::replace(&mut line, next));
                line.parts.push((0, unit.words.clone()));
            } else {
                line.parts.push((start, unit.words.clone()));
            }
            before = unit.after;
        }
        if !line.text.is_empty() {
            lines.push(line);
        }
        lines
    }
}

#[cfg(test)]
mod tests;
