//! Splits a sentence into captions that fit a frame: few, of about equal length, preferably ending
//! with a clause, and timed by the marks of its [`narration`](super::narration). Drawing them is
//! left to [`canvas`](super::canvas).

use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;

use super::characters::{breaks_after_hyphen, breaks_between, is_wide, words};
use super::layout::{LARGE, caption_width};
use super::{CaptionSize, Font, FrameSize, TextClip};

/// Shorter captions cannot be read: five sixths of a second, the minimum of common subtitle
/// guidelines such as Netflix's.
pub(crate) const MIN_CAPTION: Duration = Duration::from_millis(834);

/// Longer texts are halved before their captions are balanced, which takes quadratic time.
const MAX_BALANCED_CAPTIONS: f32 = 12.0;

/// So many captions more than needed are allowed where one of them would be too short otherwise.
const MORE_CAPTIONS: usize = 2;

/// When the words from a position of a sentence on are spoken. Captions begin at marks; words between
/// them are timed by the length of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CaptionMark {
    /// Byte offset in the text.
    pub(crate) offset: usize,
    /// Time from the start of the sentence.
    pub(crate) time: Duration,
}

/// How much text a caption may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CaptionLayout {
    lines: usize,
    /// Width of a line in ems.
    ems: f32,
    /// The same in characters; a full-width character counts twice.
    characters: usize,
}

impl CaptionLayout {
    /// 42 characters are a common limit for subtitles.
    pub(crate) const LANDSCAPE: Self = Self { lines: 2, ems: 25.0, characters: 42 };
    pub(crate) const SQUARE: Self = Self { lines: 2, ems: 16.0, characters: 42 };
    pub(crate) const PORTRAIT: Self = Self { lines: 3, ems: 13.3, characters: 42 };
    /// Every layout that there is.
    pub(crate) const ALL: [Self; 3] = [Self::LANDSCAPE, Self::SQUARE, Self::PORTRAIT];

    /// Returns the layout for a frame. The limits are a little below those of the frame, because
    /// fonts differ.
    pub(crate) fn of(frame: FrameSize) -> Self {
        if f64::from(frame.height) > 1.2 * f64::from(frame.width) {
            Self::PORTRAIT
        } else if caption_width(frame) >= Self::LANDSCAPE.ems {
            Self::LANDSCAPE
        } else {
            Self::SQUARE
        }
    }
}

/// Splits a sentence that is spoken from `start` on for `duration` into captions of at most two
/// lines in a landscape frame, timed by the length of their text.
///
/// The captions of a whole script, timed by its speech, are those of
/// [`Narration::captions`](super::Narration::captions). The words of the clips are timed in the same
/// way.
#[must_use]
pub fn captions(text: &str, start: Duration, duration: Duration) -> Vec<TextClip> {
    timed_captions(text, start, duration, &[], CaptionLayout::LANDSCAPE)
}

/// Splits a sentence into captions for a frame, preferably at the marks of its narration: byte
/// offsets with their times from the start of the sentence.
pub(crate) fn captions_at_marks(
    text: &str,
    start: Duration,
    duration: Duration,
    marks: &[(usize, Duration)],
    frame: FrameSize,
) -> Vec<TextClip> {
    captions_within(text, start, duration, marks, CaptionLayout::of(frame))
}

fn captions_within(
    text: &str,
    start: Duration,
    duration: Duration,
    marks: &[(usize, Duration)],
    layout: CaptionLayout,
) -> Vec<TextClip> {
    let mark = |&(offset, time): &(usize, Duration)| CaptionMark { offset, time };
    let marks: Vec<CaptionMark> = marks.iter().map(mark).collect();
    timed_captions(text, start, duration, &marks, layout)
}

/// Returns a caption that was cut for the usual size as captions of its own: several, one after the
/// other as their words are spoken, where a large one would have too many lines.
pub(crate) fn fitted(clip: TextClip, frame: FrameSize) -> Vec<TextClip> {
    let layout = CaptionLayout::of(frame);
    let layout = CaptionLayout { ems: layout.ems / LARGE, ..layout };
    // Without words, it is the text of a person, not that of a sentence.
    if clip.drawn_style().size != CaptionSize::Large || clip.words.is_empty() {
        return vec![clip];
    }
    let parts = captions_within(&clip.text, clip.start, clip.duration, &clip.words, layout);
    let has_room = parts.iter().all(|part| part.duration >= MIN_CAPTION);
    if parts.len() < 2 || !has_room {
        return vec![clip];
    }
    parts.into_iter().map(|part| TextClip { style: clip.style, ..part }).collect()
}

/// Splits a sentence into captions, preferably at its marks.
pub(crate) fn timed_captions(
    text: &str,
    start: Duration,
    duration: Duration,
    marks: &[CaptionMark],
    layout: CaptionLayout,
) -> Vec<TextClip> {
    let times = CaptionTimes::new(text, duration, marks);
    let time = |offset: usize| times.at(offset);
    let at_marks =
        |offset: usize| times.marks.binary_search_by_key(&offset, |mark| mark.offset).is_ok();
    let splitter =
        CaptionSplitter { layout, may_break: &at_marks, may_cut: &at_marks, time: Some(&time) };
    let parts = splitter.split(text).unwrap_or_else(|| {
        let anywhere = |_| true;
        CaptionSplitter { may_break: &anywhere, may_cut: &anywhere, ..splitter }
            .split(text)
            .unwrap_or_default()
    });
    let later = parts.iter().skip(1).map(|part| time(part.start));
    let starts: Vec<Duration> = std::iter::once(Duration::ZERO).chain(later).collect();
    let ends = starts.iter().skip(1).copied().chain([duration]);
    let words = words(text);
    parts
        .iter()
        .zip(starts.iter().zip(ends))
        .map(|(part, (&from, to))| {
            let shown = text[part.clone()].trim();
            let mut clip = TextClip::caption(shown, start + from, to.saturating_sub(from));
            let blank = part.len() - text[part.clone()].trim_start().len();
            let shown = part.start + blank..part.start + blank + shown.len();
            // A word that was cut goes on at the start of the next caption.
            let first = words.partition_point(|word| word.end <= shown.start);
            let inside = words[first..].iter().take_while(|word| word.start < shown.end);
            let timed = inside.map(|word| {
                let offset = word.start.max(shown.start);
                (offset - shown.start, time(offset).saturating_sub(from))
            });
            clip.words = timed.collect();
            clip
        })
        .collect()
}

/// Returns the offsets at which a layout splits a text. `is_word` is whether an offset is not
/// inside words that are spoken as one, such as a telephone number. `time` is about when the text
/// from an offset on is spoken.
pub(crate) fn caption_breaks(
    text: &str,
    layout: CaptionLayout,
    is_word: &dyn Fn(usize) -> bool,
    time: &dyn Fn(usize) -> Duration,
) -> Vec<usize> {
    let splitter =
        CaptionSplitter { layout, may_break: is_word, may_cut: &|_| true, time: Some(time) };
    let parts = splitter
        .split(text)
        .or_else(|| CaptionSplitter { may_break: &|_| true, ..splitter }.split(text));
    parts.unwrap_or_default().iter().skip(1).map(|part| part.start).collect()
}

/// When the text from each offset on is spoken. Between marks, time is shared by the length of the
/// text.
pub(crate) struct CaptionTimes {
    /// The marks in order, with one at the start and one at the end of the text.
    marks: Vec<CaptionMark>,
    /// The relative time that the text before each byte takes.
    weights: Vec<u32>,
}

impl CaptionTimes {
    pub(crate) fn new(text: &str, duration: Duration, marks: &[CaptionMark]) -> Self {
        let mut weights = Vec::with_capacity(text.len() + 1);
        let mut total = 0;
        for c in text.chars() {
            weights.resize(weights.len() + c.len_utf8(), total);
            total += weight(c);
        }
        weights.push(total);
        let start = CaptionMark { offset: 0, time: Duration::ZERO };
        let end = CaptionMark { offset: text.len(), time: duration };
        let inside = marks.iter().copied().filter(|mark| text.is_char_boundary(mark.offset));
        let mut marks: Vec<CaptionMark> =
            std::iter::once(start).chain(inside).chain([end]).collect();
        marks.sort_by_key(|mark| mark.offset);
        Self { marks, weights }
    }

    pub(crate) fn at(&self, offset: usize) -> Duration {
        let duration = self.marks.last().map_or(Duration::ZERO, |end| end.time);
        let next = self.marks.partition_point(|mark| mark.offset <= offset);
        let (before, Some(after)) = (self.marks[next.max(1) - 1], self.marks.get(next)) else {
            return duration;
        };
        let weight = |offset: usize| f64::from(self.weights[offset] - self.weights[before.offset]);
        let share = weight(offset) / weight(after.offset).max(1.0);
        let between = after.time.saturating_sub(before.time);
        (before.time + between.mul_f64(share)).min(duration)
    }
}

/// Returns the relative time that a character takes to say; a comma adds a short pause.
const fn weight(c: char) -> u32 {
    let pause = if is_clause_mark(c) { 3 } else { 0 };
    pause + if is_wide(c) { 2 } else { 1 }
}

fn characters(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

/// Returns the width of a text in ems of the built-in font. A full-width character has one em.
fn ems(text: &str) -> f32 {
    static FONT: LazyLock<Font> = LazyLock::new(Font::default);
    let wide = text.chars().filter(|&c| is_wide(c)).count();
    let narrow: String = text.chars().filter(|&c| !is_wide(c)).collect();
    wide as f32 + FONT.width(&narrow, 1.0)
}

const fn is_clause_mark(c: char) -> bool {
    matches!(c, ',' | ';' | ':' | '，' | '、' | '；' | '：' | '—' | '–' | '.' | '…')
}

/// A part of a text that a line break cannot split.
struct TextUnit {
    start: usize,
    end: usize,
    /// Where the next unit begins: after the space, if there is one.
    next: usize,
    ems: f32,
    characters: usize,
    /// The width of the space behind it.
    space: f32,
    ends_clause: bool,
    /// Whether the unit is a part of a word that is too long for a caption, but not its end.
    is_cut: bool,
    /// The same for a word that is only too long for a line.
    is_split: bool,
    /// Whether the unit ends at a hyphen within a word.
    is_inside: bool,
}

/// Returns whether the caption of the units from one to another is too short to be read. `times`
/// are those of the units and the end.
fn is_short(times: &Option<Vec<Duration>>, from: usize, to: usize) -> bool {
    let lasts = |times: &Vec<Duration>| times[to + 1].saturating_sub(times[from]);
    times.as_ref().is_some_and(|times| lasts(times) < MIN_CAPTION)
}

/// Returns whether one of the captions that end with the given units is too short to be read.
fn has_short(ends: &[usize], times: &Option<Vec<Duration>>) -> bool {
    let starts = std::iter::once(0).chain(ends.iter().map(|end| end + 1));
    starts.zip(ends).any(|(from, &to)| is_short(times, from, to))
}

/// Splits text into captions.
struct CaptionSplitter<'s> {
    layout: CaptionLayout,
    /// Returns whether a caption may begin at an offset.
    may_break: &'s dyn Fn(usize) -> bool,
    /// The same for an offset inside a word that is too long for a line.
    may_cut: &'s dyn Fn(usize) -> bool,
    /// When the text from an offset on is spoken, if that is known.
    time: Option<&'s dyn Fn(usize) -> Duration>,
}

impl CaptionSplitter<'_> {
    /// Returns the parts of a text, as few as fit, with the most equal widths and the most clause
    /// ends, or `None` when none fit.
    ///
    /// A word that is only too long for a line is cut where a caption would be too short otherwise:
    /// that of two words before a long URL.
    fn split(&self, text: &str) -> Option<Vec<Range<usize>>> {
        let whole = self.split_words(text, false);
        if whole.as_ref().is_some_and(|parts| parts.len() < 2 || !self.has_short(text, parts)) {
            return whole;
        }
        let cut = self.split_words(text, true).filter(|parts| !self.has_short(text, parts));
        cut.or(whole)
    }

    /// Returns whether one of the captions is too short to be read.
    fn has_short(&self, text: &str, parts: &[Range<usize>]) -> bool {
        let Some(time) = self.time else { return false };
        let ends = parts.iter().skip(1).map(|part| part.start).chain([text.len()]);
        let lasts =
            |(part, end): (&Range<usize>, usize)| time(end).saturating_sub(time(part.start));
        parts.iter().zip(ends).map(lasts).any(|duration| duration < MIN_CAPTION)
    }

    fn split_words(&self, text: &str, cuts: bool) -> Option<Vec<Range<usize>>> {
        let units = self.units(text, cuts);
        if units.is_empty() {
            return Some(Vec::new());
        }
        let mut parts = Vec::new();
        self.split_units(&units, &mut parts)?;
        Some(parts)
    }

    fn split_units(&self, units: &[TextUnit], parts: &mut Vec<Range<usize>>) -> Option<()> {
        let capacity = self.layout.ems * self.layout.lines as f32;
        let width: f32 = units.iter().map(|unit| unit.ems + unit.space).sum();
        if width > capacity * MAX_BALANCED_CAPTIONS {
            let mut at = 0.0;
            let half = units.iter().enumerate().skip(1).map(|(index, unit)| {
                at += units[index - 1].ems + units[index - 1].space;
                (index, (at - width / 2.0).abs(), unit.start)
            });
            let half = half.filter(|(_, _, start)| (self.may_break)(*start));
            let (middle, _, _) = half.min_by(|a, b| a.1.total_cmp(&b.1))?;
            self.split_units(&units[..middle], parts)?;
            return self.split_units(&units[middle..], parts);
        }
        let reach: Vec<usize> =
            (0..units.len()).map(|from| from + self.fitting(&units[from..])).collect();
        let ends = units.iter().map(|unit| unit.start).chain(units.last().map(|unit| unit.next));
        let times: Option<Vec<Duration>> = self.time.map(|time| ends.map(time).collect());
        let fewest = (width / capacity).ceil().max(1.0) as usize;
        let split = |count: usize| self.best_ends(units, &reach, &times, count);
        let (count, few) = (fewest..=units.len()).find_map(|count| Some((count, split(count)?)))?;
        let found = if has_short(&few, &times) {
            let more = (count + 1..=units.len()).take(MORE_CAPTIONS).filter_map(split);
            more.into_iter().find(|ends| !has_short(ends, &times)).unwrap_or(few)
        } else {
            few
        };
        let mut from = 0;
        for to in found {
            parts.push(units[from].start..units[to].end);
            from = to + 1;
        }
        Some(())
    }

    /// Returns how many units at the start fit into one caption, at least one.
    fn fitting(&self, units: &[TextUnit]) -> usize {
        let (mut lines, mut width, mut count) = (1, 0.0, 0);
        let mut total = 0;
        // The parts of a word that is cut are drawn as one word: where it began, and its width.
        let (mut before, mut gap, mut word) = ((1, 0.0), 0.0, 0.0);
        for (index, unit) in units.iter().enumerate() {
            let space = if index > 0 { units[index - 1].space } else { 0.0 };
            if index > 0 && (units[index - 1].is_split || units[index - 1].is_cut) {
                (lines, width) = before;
                word += unit.ems;
            } else {
                (before, gap, word) = ((lines, width), space, unit.ems);
            }
            if width > 0.0 && width + gap + word > self.layout.ems {
                lines += 1;
                width = word;
            } else {
                width += gap + word;
            }
            // A unit wider than a line is cut.
            while width > self.layout.ems {
                lines += 1;
                width -= self.layout.ems;
            }
            total += unit.characters + usize::from(space > 0.0);
            if index > 0
                && (lines > self.layout.lines || total > self.layout.characters * self.layout.lines)
            {
                break;
            }
            count = index + 1;
        }
        count
    }

    /// Returns the units that best end `count` captions, or `None` when they do not fit. `reach` is
    /// the end of the longest caption from each unit on, `times` are those of the units and the end.
    fn best_ends(
        &self,
        units: &[TextUnit],
        reach: &[usize],
        times: &Option<Vec<Duration>>,
        count: usize,
    ) -> Option<Vec<usize>> {
        /// Ending at a clause is worth an imbalance of this many ems.
        const CLAUSE: f32 = 12.0;
        /// So is not ending inside a word.
        const CUT: f32 = 60.0;
        /// So is a caption that is long enough to be read.
        const SHORT: f32 = 200.0;
        let mut widths = vec![0.0];
        for unit in units {
            widths.push(widths[widths.len() - 1] + unit.ems + unit.space);
        }
        let target = widths[units.len()] / count as f32;
        let is_end = |to: usize| {
            let may_end = if units[to].is_split { self.may_cut } else { self.may_break };
            units.get(to + 1).is_none_or(|next| units[to].is_cut || may_end(next.start))
        };
        let cost = |from: usize, to: usize| {
            let unit = &units[to];
            let width = widths[to + 1] - unit.space - widths[from];
            let is_last = to + 1 == units.len();
            let clause = if unit.ends_clause || is_last { 0.0 } else { CLAUSE };
            let is_inside = unit.is_cut || unit.is_split || unit.is_inside;
            let cut = if is_inside && !is_last { CUT } else { 0.0 };
            let short = if is_short(times, from, to) { SHORT } else { 0.0 };
            (width - target).powi(2) + clause * clause + cut * cut + short * short
        };
        // For each unit: the least cost of ending a caption with it, and where that caption begins.
        let mut rounds: Vec<Vec<Option<(f32, usize)>>> = Vec::with_capacity(count);
        for round in 0..count {
            let mut best: Vec<Option<(f32, usize)>> = vec![None; units.len()];
            for from in 0..units.len() {
                let before = match (round, from) {
                    (0, 0) => Some(0.0),
                    (0, _) | (_, 0) => None,
                    _ => rounds[round - 1][from - 1].map(|(cost, _)| cost),
                };
                let Some(before) = before else { continue };
                for to in (from..reach[from]).filter(|to| is_end(*to)) {
                    let total = before + cost(from, to);
                    if best[to].is_none_or(|(least, _)| total < least) {
                        best[to] = Some((total, from));
                    }
                }
            }
            rounds.push(best);
        }
        let mut ends = Vec::with_capacity(count);
        let mut end = units.len() - 1;
        for round in rounds.iter().rev() {
            let (_, from) = round[end]?;
            ends.push(end);
            end = from.wrapping_sub(1);
        }
        ends.reverse();
        Some(ends)
    }

    /// Returns the units of a text. `cuts` is whether words that are too long for a line are cut.
    fn units(&self, text: &str, cuts: bool) -> Vec<TextUnit> {
        let mut units: Vec<TextUnit> = Vec::new();
        let mut start = text.len() - text.trim_start().len();
        let mut before: Option<char> = None;
        let finish = |units: &mut Vec<TextUnit>, start: usize, end: usize, next: usize| {
            let word = &text[start..end];
            let has_space = next > end;
            self.add_word(units, word, start, next, has_space, cuts);
        };
        for (at, c) in text.char_indices() {
            if at < start {
                continue;
            }
            // A number such as `10 000` may have fixed spaces.
            if c.is_whitespace() && c != '\u{a0}' {
                if at > start {
                    let rest = &text[at..];
                    let next = at + rest.len() - rest.trim_start().len();
                    finish(&mut units, start, at, next);
                    start = next;
                }
                before = None;
                continue;
            }
            let breaks = before.is_some_and(|before| breaks_between(before, c));
            if at > start && (breaks || breaks_after_hyphen(&text[start..at], c)) {
                finish(&mut units, start, at, at);
                start = at;
            }
            before = Some(c);
        }
        let end = text.trim_end().len();
        if end > start {
            finish(&mut units, start, end, text.len());
        }
        units
    }

    /// Adds a word, in parts if it is too long for a caption, or for a line where that cuts it.
    fn add_word(
        &self,
        units: &mut Vec<TextUnit>,
        word: &str,
        start: usize,
        next: usize,
        has_space: bool,
        cuts: bool,
    ) {
        let mut rest = word;
        let mut at = start;
        let fits = self.fits(word);
        loop {
            let limit = if fits && !cuts { rest.len() } else { self.line_limit(rest) };
            let (part, tail) = rest.split_at(limit);
            let has_more = !tail.is_empty();
            let end = at + part.len();
            units.push(TextUnit {
                start: at,
                end,
                next: if has_more { end } else { next },
                ems: ems(part),
                characters: characters(part),
                space: if has_space && !has_more { ems(" ") } else { 0.0 },
                ends_clause: part.ends_with(is_clause_mark) && !has_more,
                is_cut: has_more && !fits,
                is_split: has_more && fits,
                is_inside: !has_space && part.ends_with(['-', '\u{2010}']),
            });
            if !has_more {
                return;
            }
            (rest, at) = (tail, end);
        }
    }

    /// Returns whether a word fits into a caption.
    fn fits(&self, word: &str) -> bool {
        let Self { layout, .. } = self;
        let limit = layout.lines * layout.characters;
        // A word of megabytes is not measured as a whole.
        let width: usize =
            word.chars().take(limit + 1).map(|c| if is_wide(c) { 2 } else { 1 }).sum();
        width <= limit
            && (width <= layout.lines * 10 || ems(word) <= layout.lines as f32 * layout.ems)
    }

    /// Returns the length of the part of a word that fits into a line, which ends behind a mark of a
    /// URL or telephone number if there is one in its second half.
    fn line_limit(&self, word: &str) -> usize {
        let limit = self.longest_line(word);
        let (line, rest) = word.split_at(limit);
        if rest.is_empty() {
            return limit;
        }
        let mut next = rest.chars().next();
        let after_mark = line.char_indices().rev().find_map(|(at, c)| {
            let before_word = next.replace(c).is_some_and(char::is_alphanumeric);
            (before_word && "/?&=#.-_@:)".contains(c)).then(|| at + c.len_utf8())
        });
        after_mark.filter(|end| *end > limit / 2).unwrap_or(limit)
    }

    fn longest_line(&self, word: &str) -> usize {
        let Self { layout, .. } = self;
        let mut width = 0.0;
        let mut total = 0;
        for (at, c) in word.char_indices() {
            let mut bytes = [0; 4];
            let c = c.encode_utf8(&mut bytes);
            width += ems(c);
            total += characters(c);
            if at > 0 && (width > layout.ems || total > layout.characters) {
                return at;
            }
        }
        word.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::layout::caption_lines;
    use crate::media::{CaptionMode, Dice};

    const SECOND: Duration = Duration::from_secs(1);
    const LONG: &str = "When the siege of Vienna ended, the story goes, the fleeing army left behind \
        sacks of strange beans, and a man who knew what they were for opened the first coffee house \
        of the city.";

    fn captions_of(text: &str, layout: CaptionLayout) -> Vec<TextClip> {
        timed_captions(text, Duration::ZERO, Duration::from_secs(12), &[], layout)
    }

    #[test]
    fn a_short_sentence_is_one_caption_for_its_whole_time() {
        let found = captions(" Hello there. ", Duration::ZERO, Duration::from_secs(2));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text, "Hello there.");
        assert_eq!(found[0].duration, Duration::from_secs(2));
        let offsets: Vec<usize> = found[0].words.iter().map(|(offset, _)| *offset).collect();
        assert_eq!(offsets, [0, 6]);
        assert!(captions("  ", Duration::ZERO, Duration::from_secs(2)).is_empty());
    }

    #[test]
    fn captions_fit_and_are_contiguous_and_complete() {
        let duration = Duration::from_millis(9_137);
        let found = captions(LONG, Duration::ZERO, duration);
        assert_eq!(found.len(), 3);
        let mut at = Duration::ZERO;
        for caption in &found {
            assert!(characters(&caption.text) <= 84, "{caption:?}");
            assert!(characters(&caption.text) >= 35, "{caption:?}");
            assert_eq!(caption.start, at);
            at += caption.duration;
        }
        assert_eq!(at, duration);
        let joined: Vec<_> = found.iter().map(|caption| caption.text.as_str()).collect();
        assert_eq!(joined.join(" "), LONG);
        assert!(found[0].text.ends_with(','), "{found:?}");
    }

    #[test]
    fn large_captions_have_no_more_lines_than_others() {
        let font = Font::default();
        let end = |clip: &TextClip| clip.start + clip.duration;
        for (frame, lines) in [
            (FrameSize::LANDSCAPE, 2),
            (FrameSize::SQUARE, 2),
            (FrameSize::PORTRAIT, 3),
            (FrameSize { width: 854, height: 480 }, 2),
        ] {
            let (mut whole, mut split) = (0, 0);
            for seed in 0..40 {
                let mut dice = Dice(seed);
                // Words of 1 to 12 letters.
                let word = |dice: &mut Dice| "abcdefghijkl"[..1 + dice.roll(12)].to_owned();
                let text = (0..20).map(|_| word(&mut dice)).collect::<Vec<_>>().join(" ");
                let captions =
                    timed_captions(&text, SECOND, 12 * SECOND, &[], CaptionLayout::of(frame));
                for mut clip in captions {
                    clip.style.size = CaptionSize::Large;
                    clip.style.mode = CaptionMode::Words;
                    let parts = fitted(clip.clone(), frame);
                    let text: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
                    assert_eq!(text.join(" "), clip.text);
                    assert_eq!(parts[0].start, clip.start);
                    assert_eq!(end(&parts[parts.len() - 1]), end(&clip));
                    assert!(parts.windows(2).all(|pair| end(&pair[0]) == pair[1].start));
                    let spoken = |clip: &TextClip| -> Vec<Duration> {
                        clip.words.iter().map(|(_, time)| clip.start + *time).collect()
                    };
                    assert_eq!(parts.iter().flat_map(spoken).collect::<Vec<_>>(), spoken(&clip));
                    for part in &parts {
                        assert_eq!(part.style, clip.style);
                        assert!(caption_lines(part, frame, &font) <= lines, "{part:?}");
                    }
                    *if parts.len() > 1 { &mut split } else { &mut whole } += 1;
                }
            }
            assert!(whole > 10 && split > 10, "{frame:?}: {whole} {split}");
        }
    }

    #[test]
    fn only_a_large_caption_whose_words_are_timed_is_split() {
        let frame = FrameSize::LANDSCAPE;
        let text =
            "When the siege of Vienna ended, the army left behind many sacks of strange beans.";
        let captions = timed_captions(text, SECOND, 6 * SECOND, &[], CaptionLayout::of(frame));
        assert_eq!(captions.len(), 1);
        let sized = |size| {
            let mut clip = captions[0].clone();
            clip.style.size = size;
            clip
        };
        for size in [CaptionSize::Small, CaptionSize::Medium] {
            assert_eq!(fitted(sized(size), frame), [sized(size)]);
        }
        let large = sized(CaptionSize::Large);
        assert_eq!(fitted(large.clone(), frame).len(), 2, "{large:?}");
        let untimed = TextClip { words: Vec::new(), ..large.clone() };
        assert_eq!(fitted(untimed.clone(), frame), [untimed]);
        // Nobody could read the halves.
        let short = TextClip { duration: MIN_CAPTION, ..large };
        assert_eq!(fitted(short.clone(), frame), [short]);
    }

    #[test]
    fn captions_begin_at_their_marks() {
        let offset = LONG.find("the story").unwrap();
        let other = LONG.find("sacks of").unwrap();
        let third = LONG.find("knew").unwrap();
        let marks = [(offset, 4000), (other, 6000), (third, 8000)]
            .map(|(offset, ms)| CaptionMark { offset, time: Duration::from_millis(ms) });
        let found = timed_captions(
            LONG,
            Duration::from_secs(1),
            Duration::from_secs(12),
            &marks,
            CaptionLayout::LANDSCAPE,
        );
        assert_eq!(found.len(), 3, "{found:?}");
        for caption in &found[1..] {
            let at = LONG.find(&caption.text).unwrap();
            let mark =
                marks.iter().find(|mark| mark.offset == at).expect("a caption begins at a mark");
            assert_eq!(caption.start, Duration::from_secs(1) + mark.time);
        }
    }

    #[test]
    fn a_caption_is_not_shorter_than_can_be_read_where_another_split_is_possible() {
        let half = LONG.find("left behind").unwrap();
        let late = LONG.find("and a man").unwrap();
        let marks = [(half, 200), (late, 6000)]
            .map(|(offset, ms)| CaptionMark { offset, time: Duration::from_millis(ms) });
        let text = &LONG[..120];
        let found = timed_captions(
            text,
            Duration::ZERO,
            Duration::from_secs(8),
            &marks[1..],
            CaptionLayout::LANDSCAPE,
        );
        assert!(found.iter().all(|caption| caption.duration >= MIN_CAPTION), "{found:?}");
    }

    #[test]
    fn two_words_before_a_long_url_are_no_caption_of_their_own() {
        let text = "Today see https://www.example.com/path/to?x=1 for more, and please call +1 \
                    (555) 010-0199 or the 5 × 4 m² room of the company.";
        let [url, number] = ["https", "+1"].map(|word| text.find(word).unwrap());
        let ends = [text.find(" for").unwrap(), text.find(" or the").unwrap()];
        for layout in CaptionLayout::ALL {
            let is_word =
                |at| !(url + 1..ends[0]).contains(&at) && !(number + 1..ends[1]).contains(&at);
            let time = |at: usize| Duration::from_millis(45 * at as u64);
            let breaks = caption_breaks(text, layout, &is_word, &time);
            let starts = std::iter::once(0).chain(breaks.iter().copied());
            for (start, end) in starts.zip(breaks.iter().copied().chain([text.len()])) {
                assert!(time(end - start) >= MIN_CAPTION, "{:?}", &text[start..end]);
            }
        }
        let text = format!("Today see https://example.com/{} now", "a".repeat(130));
        for layout in CaptionLayout::ALL {
            let found = captions_of(&text, layout);
            assert!(found.len() > 1);
            assert!(found.iter().all(|caption| caption.duration >= MIN_CAPTION), "{found:?}");
        }
    }

    #[test]
    fn long_texts_and_words_take_little_time() {
        for part in ["a", "字", "word ", "a, "] {
            let text = part.repeat(100_000);
            let found = captions(&text, Duration::ZERO, Duration::from_secs(100_000));
            let letters: usize =
                found.iter().flat_map(|clip| clip.text.chars()).filter(|c| *c != ' ').count();
            assert_eq!(letters, text.chars().filter(|c| *c != ' ').count());
        }
    }

    #[test]
    fn words_spoken_as_one_stay_together() {
        let text = "If you have any questions about this offer of ours, please call +1 555 010 \
                    0199 22 33 44 55 at any time.";
        let number = text.find("+1").unwrap()..text.find(" at any").unwrap();
        for layout in CaptionLayout::ALL {
            let is_word = |at| !(number.start + 1..number.end).contains(&at);
            let time = |at: usize| Duration::from_millis(60 * at as u64);
            let breaks = caption_breaks(text, layout, &is_word, &time);
            assert!(!breaks.is_empty());
            assert!(breaks.iter().all(|at| *at <= number.start || *at >= number.end), "{breaks:?}");
        }
    }

    #[test]
    fn chinese_is_split_between_characters_but_never_before_a_comma() {
        let text = "咖啡是在十七世纪由商人从奥斯曼帝国带到威尼斯的，从那里它传遍了整个欧洲，改变了人们见面、交谈和做生意的方式，也改变了城市本身。";
        for layout in CaptionLayout::ALL {
            let found = captions_of(text, layout);
            assert!(found.len() >= 2);
            let joined: String = found.iter().map(|caption| caption.text.as_str()).collect();
            assert_eq!(joined, text);
            assert!(found.iter().all(|caption| !caption.text.starts_with('，')), "{found:?}");
        }
    }

    #[test]
    fn a_long_word_is_split_after_a_hyphen() {
        let text = "donaudampfschifffahrtsgesellschaft-".repeat(4);
        let found = captions(text.trim_end_matches('-'), Duration::ZERO, Duration::from_secs(3));
        assert_eq!(found.len(), 2);
        assert!(found[0].text.ends_with("gesellschaft-"), "{found:?}");
    }

    #[test]
    fn an_endless_word_is_split_rather_than_lost() {
        let text = format!("See https://example.com/{} now", "a".repeat(300));
        for layout in CaptionLayout::ALL {
            let found = captions_of(&text, layout);
            let joined: String = found.iter().map(|caption| caption.text.as_str()).collect();
            assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
        }
        let none = captions_of(&"word ".repeat(3000), CaptionLayout::SQUARE);
        assert_eq!(none.iter().map(|c| c.text.split(' ').count()).sum::<usize>(), 3000);
    }
}
