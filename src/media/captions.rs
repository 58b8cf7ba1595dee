//! A sentence to captions: pieces that fit two lines, of much the same length, cut at a comma
//! where one is near, each shown for its share of the sentence. How they look is left to
//! [`canvas`](super::canvas).

use std::time::Duration;

use super::characters::{breaks_after_hyphen, breaks_between, is_wide};

/// Two lines of 42 characters, the usual measure of subtitles. A Chinese character counts twice.
const MAX_WIDTH: usize = 84;

/// A longer text is halved before its captions are balanced.
const MAX_TOGETHER: usize = 12 * MAX_WIDTH;

/// One caption within a sentence.
///
/// ```
/// use nemovideo::media::cues;
/// use std::time::Duration;
///
/// let text = "Coffee reached Venice in the sixteen hundreds, carried by merchants who had \
///             tasted it in the markets of Constantinople.";
/// let cues = cues(text, Duration::from_secs(8));
/// assert!(cues.iter().all(|cue| cue.text.len() <= 2 * 42)); // two lines on the screen
/// assert!(cues[1].duration > cues[0].duration); // the longer one stays longer
/// assert_eq!(cues[1].start + cues[1].duration, Duration::from_secs(8)); // as long as the sentence
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cue {
    /// When it appears, from the start of the sentence.
    pub start: Duration,
    /// How long it stays.
    pub duration: Duration,
    /// What it says.
    pub text: String,
}

/// Cuts a sentence that is spoken in `duration` into captions of at most two lines.
///
/// ```
/// use std::time::Duration;
///
/// let text = "Coffee reached Venice in the sixteen hundreds, carried by merchants who had \
///             tasted it in the markets of Constantinople.";
/// let cues = nemovideo::media::cues(text, Duration::from_secs(8));
/// assert_eq!(cues[0].text, "Coffee reached Venice in the sixteen hundreds,");
/// assert_eq!(cues[1].start, cues[0].duration);
/// ```
#[must_use]
pub fn cues(text: &str, duration: Duration) -> Vec<Cue> {
    let pieces = balanced(text.trim());
    let total: usize = pieces.iter().map(|piece| weight(piece)).sum();
    let share = |weight: usize| duration.mul_f64(weight as f64 / total.max(1) as f64);
    let mut before = 0;
    pieces
        .into_iter()
        .map(|piece| {
            let start = share(before);
            before += weight(piece);
            // From the sum, not piece by piece: the last one must end with the sentence.
            let duration = share(before) - start;
            Cue { start, duration, text: piece.to_owned() }
        })
        .collect()
}

/// How long a piece takes to say, in characters; a comma is a short rest.
fn weight(text: &str) -> usize {
    let rests = text.chars().filter(|&c| is_clause_mark(c)).count();
    width(text) + 3 * rests
}

fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

const fn is_clause_mark(c: char) -> bool {
    matches!(c, ',' | ';' | ':' | '，' | '、' | '；' | '：' | '—' | '–' | '.' | '…')
}

/// A place where the text may be cut: where a piece may end, where the next then begins, both in
/// bytes, and the widths up to there.
struct Cut {
    end: usize,
    next: usize,
    end_width: usize,
    next_width: usize,
    after_clause: bool,
}

fn cuts(text: &str) -> Vec<Cut> {
    let mut cuts = Vec::new();
    let mut before: Option<char> = None;
    let mut at_width = 0;
    let mut word_width = 0;
    // The last hyphen of the word, with the width up to it: the better place to cut it.
    let mut hyphen: Option<(usize, usize)> = None;
    for (at, c) in text.char_indices() {
        let char_width = width(c.encode_utf8(&mut [0; 4]));
        let cut = |next: usize, next_width: usize| Cut {
            end: at,
            next,
            end_width: at_width,
            next_width,
            after_clause: before.is_some_and(is_clause_mark),
        };
        if c.is_whitespace() {
            cuts.push(cut(at + c.len_utf8(), at_width + char_width));
            (word_width, hyphen) = (0, None);
        } else if before.is_some_and(|before| breaks_between(before, c)) {
            cuts.push(cut(at, at_width));
            (word_width, hyphen) = (char_width, None);
        } else {
            if breaks_after_hyphen(&text[..at], c) {
                hyphen = Some((at, at_width));
            }
            word_width += char_width;
            if word_width > MAX_WIDTH {
                // A word wider than a caption, an address perhaps, has to be cut somewhere.
                let (place, width) = hyphen.take().unwrap_or((at, at_width));
                cuts.push(Cut {
                    end: place,
                    next: place,
                    end_width: width,
                    next_width: width,
                    after_clause: false,
                });
                word_width = at_width + char_width - width;
            }
        }
        at_width += char_width;
        before = Some(c);
    }
    cuts.push(Cut {
        end: text.len(),
        next: text.len(),
        end_width: at_width,
        next_width: at_width,
        after_clause: true,
    });
    cuts
}

/// The fewest pieces that fit, and of those the ones nearest to equal width and to clauses.
fn balanced(text: &str) -> Vec<&str> {
    let total = width(text);
    if total <= MAX_WIDTH {
        return if text.is_empty() { Vec::new() } else { vec![text] };
    }
    let cuts = cuts(text);
    if total > MAX_TOGETHER {
        // Weighing every cut of a very long text against every other would take very long too.
        let middle = cuts.iter().min_by_key(|cut| cut.end_width.abs_diff(total / 2));
        if let Some(cut) = middle {
            return [balanced(&text[..cut.end]), balanced(text[cut.next..].trim())].concat();
        }
    }
    let fewest = total.div_ceil(MAX_WIDTH);
    // Each cut ends at least one piece, so as many pieces as cuts always fit.
    (fewest..=cuts.len()).find_map(|count| in_pieces(&cuts, count, total / count)).map_or_else(
        || vec![text],
        |ends| {
            let mut start = 0;
            let piece = |cut: usize| {
                let piece = text[start..cuts[cut].end].trim();
                start = cuts[cut].next;
                piece
            };
            ends.into_iter().map(piece).collect()
        },
    )
}

/// The best way to end `count` pieces at these cuts, as indices; `None` when none fits.
fn in_pieces(cuts: &[Cut], count: usize, target: usize) -> Option<Vec<usize>> {
    /// A comma is worth an imbalance of this many characters.
    const CLAUSE: usize = 20;
    let cost = |from_width: usize, cut: &Cut| {
        let width = cut.end_width.saturating_sub(from_width);
        (width <= MAX_WIDTH).then(|| {
            let clause = if cut.after_clause { 0 } else { CLAUSE * CLAUSE };
            width.abs_diff(target).pow(2) + clause
        })
    };
    // best[cut]: the least cost of ending a piece there, and the cut before it.
    let mut best: Vec<Option<(usize, usize)>> =
        cuts.iter().map(|cut| cost(0, cut).map(|cost| (cost, usize::MAX))).collect();
    let mut rounds = Vec::with_capacity(count);
    for _ in 1..count {
        let next = (0..cuts.len())
            .map(|to| {
                (0..to)
                    .rev()
                    .take_while(|&from| {
                        cuts[to].end_width.saturating_sub(cuts[from].next_width) <= MAX_WIDTH
                    })
                    .filter_map(|from| {
                        let step = cost(cuts[from].next_width, &cuts[to])?;
                        Some((best[from]?.0 + step, from))
                    })
                    .min()
            })
            .collect();
        rounds.push(std::mem::replace(&mut best, next));
    }
    rounds.push(best);
    let mut ends = Vec::with_capacity(count);
    let mut cut = cuts.len() - 1;
    for round in rounds.iter().rev() {
        let (_, from) = round[cut]?;
        ends.push(cut);
        cut = from;
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
        let found = cues(" Hello there. ", Duration::from_secs(2));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text, "Hello there.");
        assert_eq!(found[0].duration, Duration::from_secs(2));
        assert!(cues("  ", Duration::from_secs(2)).is_empty());
    }

    #[test]
    fn captions_fit_follow_each_other_and_lose_no_word() {
        let duration = Duration::from_millis(9_137);
        let found = cues(LONG, duration);
        assert_eq!(found.len(), 3);
        let mut at = Duration::ZERO;
        for cue in &found {
            assert!(width(&cue.text) <= MAX_WIDTH, "{cue:?}");
            assert!(width(&cue.text) >= 35, "{cue:?}");
            assert_eq!(cue.start, at);
            at += cue.duration;
        }
        assert_eq!(at, duration);
        let joined: Vec<_> = found.iter().map(|cue| cue.text.as_str()).collect();
        assert_eq!(joined.join(" "), LONG);
        assert!(found[0].text.ends_with(','), "{found:?}");
    }

    #[test]
    fn chinese_is_cut_between_characters_but_never_before_a_comma() {
        let text = "咖啡是在十七世纪由商人从奥斯曼帝国带到威尼斯的，从那里它传遍了整个欧洲，改变了人们见面、交谈和做生意的方式，也改变了城市本身。";
        let found = cues(text, Duration::from_secs(10));
        assert_eq!(found.len(), 2);
        let joined: String = found.iter().map(|cue| cue.text.as_str()).collect();
        assert_eq!(joined, text);
        assert!(!found[1].text.starts_with('，'));
    }

    #[test]
    fn a_long_word_is_cut_after_a_hyphen() {
        let text = "donaudampfschifffahrtsgesellschaft-".repeat(4);
        let found = cues(text.trim_end_matches('-'), Duration::from_secs(3));
        assert_eq!(found.len(), 2);
        assert!(found[0].text.ends_with("gesellschaft-"), "{found:?}");
    }

    #[test]
    fn a_word_without_end_is_cut_rather_than_lost() {
        let text = format!("See https://example.com/{} now", "a".repeat(300));
        let found = cues(&text, Duration::from_secs(3));
        let joined: String = found.iter().map(|cue| cue.text.as_str()).collect();
        assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
        assert!(found.iter().all(|cue| width(&cue.text) <= MAX_WIDTH));
    }
}
