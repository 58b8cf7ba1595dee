//! Splits a sentence into captions of at most two lines and about equal length, preferably after
//! a comma, each timed by its share of the sentence. Drawing them is left to
//! [`canvas`](super::canvas).

use std::time::Duration;

use super::TextClip;
use super::characters::{breaks_after_hyphen, breaks_between, is_wide};

/// Two lines of 42 characters, a common limit for subtitles. A full-width character counts twice.
const MAX_WIDTH: usize = 84;

/// Longer texts are halved before their captions are balanced.
const MAX_BALANCED_WIDTH: usize = 12 * MAX_WIDTH;

/// Splits a sentence that is spoken from `start` on for `duration` into captions of at most two
/// lines.
#[must_use]
pub fn captions(text: &str, start: Duration, duration: Duration) -> Vec<TextClip> {
    let parts = balanced(text.trim());
    let total: usize = parts.iter().map(|part| weight(part)).sum();
    let share = |weight: usize| duration.mul_f64(weight as f64 / total.max(1) as f64);
    let mut before = 0;
    parts
        .into_iter()
        .map(|part| {
            let offset = share(before);
            before += weight(part);
            // Computed from the sum, so that the last caption ends exactly with the sentence.
            TextClip::caption(part, start + offset, share(before) - offset)
        })
        .collect()
}

/// Returns the relative time a text takes to say, in characters; a comma adds a short pause.
fn weight(text: &str) -> usize {
    let pauses = text.chars().filter(|&c| is_clause_mark(c)).count();
    width(text) + 3 * pauses
}

fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

const fn is_clause_mark(c: char) -> bool {
    matches!(c, ',' | ';' | ':' | '，' | '、' | '；' | '：' | '—' | '–' | '.' | '…')
}

/// A position where the text may be split: the byte offsets where one caption may end and the
/// next one begins, and the widths up to them.
struct BreakPoint {
    end: usize,
    next: usize,
    end_width: usize,
    next_width: usize,
    after_clause: bool,
}

impl BreakPoint {
    /// Splits the text where there is no space.
    const fn within(at: usize, width: usize, after_clause: bool) -> Self {
        Self { end: at, next: at, end_width: width, next_width: width, after_clause }
    }
}

fn break_points(text: &str) -> Vec<BreakPoint> {
    let mut points = Vec::new();
    let mut before: Option<char> = None;
    let mut at_width = 0;
    let mut word_width = 0;
    // The last hyphen of the word and the width up to it: the preferred position to split a long
    // word.
    let mut hyphen: Option<(usize, usize)> = None;
    for (at, c) in text.char_indices() {
        let char_width = width(c.encode_utf8(&mut [0; 4]));
        let point = |next: usize, next_width: usize| BreakPoint {
            end: at,
            next,
            end_width: at_width,
            next_width,
            after_clause: before.is_some_and(is_clause_mark),
        };
        if c.is_whitespace() {
            points.push(point(at + c.len_utf8(), at_width + char_width));
            (word_width, hyphen) = (0, None);
        } else if before.is_some_and(|before| breaks_between(before, c)) {
            points.push(point(at, at_width));
            (word_width, hyphen) = (char_width, None);
        } else {
            if breaks_after_hyphen(&text[..at], c) {
                hyphen = Some((at, at_width));
            }
            word_width += char_width;
            if word_width > MAX_WIDTH {
                // A word wider than a caption, such as a URL, has to be split somewhere.
                let (end, width) = hyphen.take().unwrap_or((at, at_width));
                points.push(BreakPoint::within(end, width, false));
                word_width = at_width + char_width - width;
            }
        }
        at_width += char_width;
        before = Some(c);
    }
    points.push(BreakPoint::within(text.len(), at_width, true));
    points
}

/// Splits a text into as few parts as fit, with the most equal widths and the most clause ends.
fn balanced(text: &str) -> Vec<&str> {
    let total = width(text);
    if total <= MAX_WIDTH {
        return if text.is_empty() { Vec::new() } else { vec![text] };
    }
    let points = break_points(text);
    if total > MAX_BALANCED_WIDTH {
        // The balancing takes quadratic time.
        let middle = points.iter().min_by_key(|point| point.end_width.abs_diff(total / 2));
        if let Some(point) = middle {
            return [balanced(&text[..point.end]), balanced(text[point.next..].trim())].concat();
        }
    }
    let fewest = total.div_ceil(MAX_WIDTH);
    // Ending a part at every break point always fits.
    (fewest..=points.len()).find_map(|count| split_ends(&points, count, total / count)).map_or_else(
        || vec![text],
        |ends| {
            let mut start = 0;
            let part = |end: usize| {
                let part = text[start..points[end].end].trim();
                start = points[end].next;
                part
            };
            ends.into_iter().map(part).collect()
        },
    )
}

/// Returns the break points that best end `count` parts, as indices, or `None` when none fit.
fn split_ends(points: &[BreakPoint], count: usize, target: usize) -> Option<Vec<usize>> {
    /// Ending at a clause is worth an imbalance of this many characters.
    const CLAUSE: usize = 20;
    let cost = |from_width: usize, point: &BreakPoint| {
        let width = point.end_width.saturating_sub(from_width);
        (width <= MAX_WIDTH).then(|| {
            let clause = if point.after_clause { 0 } else { CLAUSE * CLAUSE };
            width.abs_diff(target).pow(2) + clause
        })
    };
    // For each break point: the least cost of ending a part there, and the break point before it.
    let mut best: Vec<Option<(usize, usize)>> =
        points.iter().map(|point| cost(0, point).map(|cost| (cost, usize::MAX))).collect();
    let mut rounds = Vec::with_capacity(count);
    for _ in 1..count {
        let next = (0..points.len())
            .map(|to| {
                (0..to)
                    .rev()
                    .take_while(|&from| {
                        points[to].end_width.saturating_sub(points[from].next_width) <= MAX_WIDTH
                    })
                    .filter_map(|from| {
                        let step = cost(points[from].next_width, &points[to])?;
                        Some((best[from]?.0 + step, from))
                    })
                    .min()
            })
            .collect();
        rounds.push(std::mem::replace(&mut best, next));
    }
    rounds.push(best);
    let mut ends = Vec::with_capacity(count);
    let mut end = points.len() - 1;
    for round in rounds.iter().rev() {
        let (_, from) = round[end]?;
        ends.push(end);
        end = from;
    }
    ends.reverse();
    Some(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "When the siege of Vienna ended, the story goes, the fleeing army left behind \
        sacks of strange beans, and a man who knew what they were for opened the first coffee house \
        of the city.";

    #[test]
    fn a_short_sentence_is_one_caption_for_its_whole_time() {
        let found = captions(" Hello there. ", Duration::ZERO, Duration::from_secs(2));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text, "Hello there.");
        assert_eq!(found[0].duration, Duration::from_secs(2));
        assert!(captions("  ", Duration::ZERO, Duration::from_secs(2)).is_empty());
    }

    #[test]
    fn captions_fit_and_are_contiguous_and_complete() {
        let duration = Duration::from_millis(9_137);
        let found = captions(LONG, Duration::ZERO, duration);
        assert_eq!(found.len(), 3);
        let mut at = Duration::ZERO;
        for caption in &found {
            assert!(width(&caption.text) <= MAX_WIDTH, "{caption:?}");
            assert!(width(&caption.text) >= 35, "{caption:?}");
            assert_eq!(caption.start, at);
            at += caption.duration;
        }
        assert_eq!(at, duration);
        let joined: Vec<_> = found.iter().map(|caption| caption.text.as_str()).collect();
        assert_eq!(joined.join(" "), LONG);
        assert!(found[0].text.ends_with(','), "{found:?}");
    }

    #[test]
    fn chinese_is_split_between_characters_but_never_before_a_comma() {
        let text = "咖啡是在十七世纪由商人从奥斯曼帝国带到威尼斯的，从那里它传遍了整个欧洲，改变了人们见面、交谈和做生意的方式，也改变了城市本身。";
        let found = captions(text, Duration::ZERO, Duration::from_secs(10));
        assert_eq!(found.len(), 2);
        let joined: String = found.iter().map(|caption| caption.text.as_str()).collect();
        assert_eq!(joined, text);
        assert!(!found[1].text.starts_with('，'));
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
        let found = captions(&text, Duration::ZERO, Duration::from_secs(3));
        let joined: String = found.iter().map(|caption| caption.text.as_str()).collect();
        assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
        assert!(found.iter().all(|caption| width(&caption.text) <= MAX_WIDTH));
    }
}
