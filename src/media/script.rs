//! A script to sentences: where to stop, and for how long. Saying them is left to
//! [`narration`](super::narration), cutting them into captions to [`captions`](super::captions).

mod markup;

use std::time::Duration;

use super::characters::{is_emoji, is_wide};

const AFTER_SENTENCE: Duration = Duration::from_millis(300);
const AFTER_ELLIPSIS: Duration = Duration::from_millis(450);
const AFTER_PARAGRAPH: Duration = Duration::from_millis(620);
/// Between the parts of a sentence that is too long to be spoken in one go.
const AFTER_PART: Duration = Duration::from_millis(120);

/// Scripts without full stops exist; a voice needs to breathe all the same.
const MAX_SENTENCE_CHARS: usize = 400;

/// One sentence of a script.
///
/// ```
/// use nemovideo::media::sentences;
///
/// let found = sentences("It **rains** today ☔. Stay in!\n\nTomorrow it will snow.");
/// assert_eq!(found[0].text, "It rains today ☔.");
/// assert!(found[1].pause_after > found[0].pause_after); // the end of a paragraph
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sentence {
    /// Its text, for the eye: emoji are in it, markup is not.
    pub text: String,
    /// The silence that belongs after it.
    pub pause_after: Duration,
}

/// Splits a script into the sentences to be spoken.
///
/// Line ends of any kind, paragraphs, Markdown, abbreviations, numbers, quotes, ellipses and
/// the full stops of Chinese and Japanese are understood. A script without a word gives none.
///
/// ```
/// let found = nemovideo::media::sentences("Dr. Lee paid $3.50. “Why?” he asked…\r\n\r\nNobody knew.");
/// let texts: Vec<_> = found.iter().map(|sentence| sentence.text.as_str()).collect();
/// assert_eq!(texts, ["Dr. Lee paid $3.50.", "“Why?” he asked…", "Nobody knew."]);
/// assert!(found[1].pause_after > found[0].pause_after);
/// ```
#[must_use]
pub fn sentences(script: &str) -> Vec<Sentence> {
    let mut found: Vec<Sentence> = Vec::new();
    for paragraph in markup::paragraphs(script) {
        let before = found.len();
        for text in split(&paragraph) {
            if !text.chars().any(char::is_alphanumeric) {
                continue;
            }
            let end = text.trim_end_matches(|c| is_closing(c) || is_emoji(c) || c == ' ');
            let ellipsis = end.ends_with('…') || end.ends_with("...");
            let pause = if ellipsis { AFTER_ELLIPSIS } else { AFTER_SENTENCE };
            let mut parts = breathe(text).peekable();
            while let Some(part) = parts.next() {
                let pause_after = if parts.peek().is_some() { AFTER_PART } else { pause };
                found.push(Sentence { text: part.to_owned(), pause_after });
            }
        }
        if let Some(last) = found[before..].last_mut() {
            last.pause_after = AFTER_PARAGRAPH;
        }
    }
    found
}

/// Splits a paragraph after each full stop that ends a sentence.
fn split(paragraph: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut chars = paragraph.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !is_terminator(c) {
            continue;
        }
        let mut end = at + c.len_utf8();
        let mut last = c;
        // `?!`, `...`, and the quotes and brackets that close with the sentence.
        while let Some(&(next, c)) = chars.peek() {
            if !is_terminator(c) && !is_closing(c) {
                break;
            }
            if is_terminator(c) {
                last = c;
            }
            end = next + c.len_utf8();
            chars.next();
        }
        if ends_sentence(&paragraph[start..at], last, &paragraph[end..]) {
            end += emoji_ahead(&paragraph[end..]);
            found.push(paragraph[start..end].trim());
            start = end;
            while chars.next_if(|(next, _)| *next < end).is_some() {}
        }
    }
    found.push(paragraph[start..].trim());
    found.retain(|sentence| !sentence.is_empty());
    found
}

/// The length of the emoji right after a full stop: they belong to the sentence before.
fn emoji_ahead(rest: &str) -> usize {
    let other = rest.find(|c: char| !is_emoji(c) && !c.is_whitespace()).unwrap_or(rest.len());
    rest[..other].trim_end().len()
}

/// Whether the terminator between `before` and `after` ends a sentence.
fn ends_sentence(before: &str, terminator: char, after: &str) -> bool {
    if matches!(terminator, '。' | '！' | '？' | '．' | '｡') {
        return true;
    }
    let rest = after.trim_start();
    let Some(next) = rest.chars().find(|c| !is_opening(*c)) else {
        return true;
    };
    if rest.len() == after.len() {
        // No space: `3.5`, `example.com`, `U.S.`; Chinese text may go on with no space at all.
        return is_wide(next) || is_emoji(next);
    }
    if next.is_lowercase() {
        // `“Why?” he asked.`, `well … maybe`, `approx. five`.
        return false;
    }
    if terminator != '.' {
        return true;
    }
    let word =
        before.rsplit(|c: char| c.is_whitespace() || is_opening(c)).next().unwrap_or_default();
    !is_abbreviation(word, rest)
}

/// Whether `word`, which stands before a full stop, is an abbreviation that goes on with `rest`.
fn is_abbreviation(word: &str, rest: &str) -> bool {
    /// They come before a name or a number, so they never end a sentence.
    const ALWAYS: [&str; 37] = [
        "dr", "mr", "mrs", "ms", "prof", "rev", "hon", "st", "mt", "sen", "rep", "gov", "gen",
        "col", "capt", "lt", "sgt", "vs", "e.g", "i.e", "cf", "fig", "sra", "srta", "dña", "dott",
        "sig", "mme", "mlle", "hr", "fr", "bzw", "z.b", "d.h", "u.a", "ca", "nr",
    ];
    /// They may end a sentence: they do when the next word looks like the start of one.
    const SOMETIMES: [&str; 17] = [
        "etc", "inc", "ltd", "co", "corp", "jr", "sr", "a.m", "p.m", "no", "vol", "approx", "dept",
        "est", "usw", "ecc", "bros",
    ];
    const STARTS: [&str; 40] = [
        "The", "A", "An", "It", "Its", "In", "On", "At", "He", "She", "They", "We", "You", "I",
        "But", "And", "So", "This", "That", "These", "Those", "There", "Then", "When", "While",
        "If", "As", "For", "From", "With", "Today", "Now", "Yet", "Our", "His", "Her", "Their",
        "My", "What", "Not",
    ];
    /// `am 3. Oktober`
    const GERMAN_MONTHS: [&str; 12] = [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ];
    let next = rest
        .split(|c: char| !c.is_alphanumeric())
        .find(|word| !word.is_empty())
        .unwrap_or_default();
    let lower = word.to_lowercase();
    if ALWAYS.contains(&lower.as_str()) {
        return true;
    }
    if lower == "no" {
        // `No. 5`, but `He said no. Then …`.
        return next.starts_with(|c: char| c.is_ascii_digit());
    }
    if SOMETIMES.contains(&lower.as_str()) {
        return next.starts_with(|c: char| c.is_ascii_digit());
    }
    if GERMAN_MONTHS.contains(&next) && word.len() <= 2 && word.chars().all(|c| c.is_ascii_digit())
    {
        return true;
    }
    // Initials: `J. R. R. Tolkien`, `the U.S. Army`. “I” alone is a word of its own.
    let mut letters = word.split('.');
    let initials = !word.is_empty()
        && letters.all(|part| {
            let mut chars = part.chars();
            chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
        });
    initials && !(word == "I" || STARTS.contains(&next))
}

/// Cuts a sentence that is too long, after a clause where there is one, else after a word.
fn breathe(sentence: &str) -> impl Iterator<Item = &str> {
    let mut rest = sentence;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((limit, _)) = rest.char_indices().nth(MAX_SENTENCE_CHARS) else {
            return Some(std::mem::take(&mut rest));
        };
        let head = &rest[..limit];
        let after = |found: (usize, &str)| found.0 + found.1.len();
        let cut = head
            .rmatch_indices([',', ';', ':', '，', '、', '；', '：'])
            .map(after)
            // `1,000` is no clause.
            .find(|&cut| cut > limit / 3 && !rest[cut..].starts_with(|c: char| c.is_ascii_digit()))
            .or_else(|| head.rmatch_indices(char::is_whitespace).map(after).next())
            .unwrap_or(limit);
        let (part, tail) = rest.split_at(cut);
        rest = tail.trim_start();
        Some(part.trim_end())
    })
}

const fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？' | '．' | '｡' | '‽')
}

const fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | '›' | ')' | ']' | '」' | '』' | '）' | '】' | '》')
}

const fn is_opening(c: char) -> bool {
    matches!(
        c,
        '"' | '\''
            | '“'
            | '‘'
            | '„'
            | '«'
            | '‹'
            | '('
            | '['
            | '¿'
            | '¡'
            | '「'
            | '『'
            | '（'
            | '【'
            | '《'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(script: &str) -> Vec<String> {
        sentences(script).into_iter().map(|sentence| sentence.text).collect()
    }

    #[test]
    fn a_script_without_words_gives_no_sentence() {
        for script in ["", " \r\n\t ", "...", "— … !?", "***\n\n---\n", "🎉🎉", "\u{feff}\n"]
        {
            assert_eq!(texts(script), [""; 0], "{script:?}");
        }
    }

    #[test]
    fn full_stops_inside_a_sentence_do_not_end_it() {
        for whole in [
            "Dr. Smith met Mrs. Jones at 3.5 km.",
            "Fruit, e.g. apples, i.e. what grows on trees, vs. Meat.",
            "J. R. R. Tolkien visited the U.S. Army.",
            "She works at Example.com every day.",
            "“Why?” he asked.",
            "Well... maybe.",
            "Er kam am 3. Oktober an.",
            "It is No. 5 of approx. five.",
            "Acme Inc. makes 1.000 things.",
        ] {
            assert_eq!(texts(whole), [whole]);
        }
    }

    #[test]
    fn full_stops_between_sentences_end_them() {
        for (script, expected) in [
            ("He left the U.S. The end.", vec!["He left the U.S.", "The end."]),
            ("It was 1683. Then what?! Ha!", vec!["It was 1683.", "Then what?!", "Ha!"]),
            ("Apples, pears, etc. They grow.", vec!["Apples, pears, etc.", "They grow."]),
            ("So did I. Then he left.", vec!["So did I.", "Then he left."]),
            ("(It rained.) “No!” It did…  Yes.", vec!["(It rained.)", "“No!”", "It did…", "Yes."]),
            ("He said no. Nobody came.", vec!["He said no.", "Nobody came."]),
            ("¿Qué? ¡Sí! Bueno.", vec!["¿Qué?", "¡Sí!", "Bueno."]),
        ] {
            assert_eq!(texts(script), expected);
        }
    }

    #[test]
    fn chinese_and_japanese_need_no_spaces() {
        assert_eq!(
            texts("今天天气很好。我们去公园！「好吗？」好。"),
            ["今天天气很好。", "我们去公园！", "「好吗？」", "好。"]
        );
    }

    #[test]
    fn lines_join_and_paragraphs_pause_longer_whatever_the_line_ends() {
        for script in [
            "One\ntwo. Three.\n\nFour.",
            "One\r\ntwo. Three.\r\n\r\nFour.",
            "One\rtwo. Three.\r\rFour.",
        ] {
            let found = sentences(script);
            let texts: Vec<_> = found.iter().map(|s| s.text.as_str()).collect();
            assert_eq!(texts, ["One two.", "Three.", "Four."], "{script:?}");
            assert_eq!(found[0].pause_after, AFTER_SENTENCE);
            assert_eq!(found[1].pause_after, AFTER_PARAGRAPH);
        }
    }

    #[test]
    fn a_sentence_that_trails_off_is_followed_by_a_longer_pause() {
        let pauses: Vec<_> = sentences("Well… “So...” Yes. Fine… then. End.")
            .iter()
            .map(|s| s.pause_after)
            .collect();
        assert_eq!(
            pauses,
            [AFTER_ELLIPSIS, AFTER_ELLIPSIS, AFTER_SENTENCE, AFTER_SENTENCE, AFTER_PARAGRAPH]
        );
    }

    #[test]
    fn an_emoji_stays_with_the_sentence_it_follows() {
        assert_eq!(
            texts("We won! 🎉 Great 👍🏽 day."),
            ["We won! 🎉", "Great 👍🏽 day."].map(str::to_owned).to_vec()
        );
    }

    #[test]
    fn a_sentence_without_end_is_cut_where_one_can_breathe() {
        let script = format!("{} end", "first part of it, second part ".repeat(60));
        let found = sentences(&script);
        assert!(found.len() > 3);
        let joined: Vec<_> = found.iter().map(|s| s.text.as_str()).collect();
        assert_eq!(joined.join(" ").split_whitespace().count(), script.split_whitespace().count());
        assert!(found.iter().all(|s| s.text.chars().count() <= MAX_SENTENCE_CHARS));
        assert!(found[0].text.ends_with(','));
        assert_eq!(texts(&"字".repeat(1000)).len(), 3);
    }
}
