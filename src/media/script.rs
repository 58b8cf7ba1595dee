//! Splits a script into sentences and decides how long to pause after each: first Markdown is
//! removed, then paragraphs are split. Speaking the sentences is left to
//! [`narration`](super::narration), captions to [`captions`](super::captions).

use std::time::Duration;

use super::characters::{is_emoji, is_wide};

const AFTER_SENTENCE: Duration = Duration::from_millis(300);
const AFTER_ELLIPSIS: Duration = Duration::from_millis(450);
const AFTER_PARAGRAPH: Duration = Duration::from_millis(620);
/// Pause between the parts of a sentence that is too long to be spoken in one go.
const AFTER_PART: Duration = Duration::from_millis(120);

/// Longer sentences are split: some scripts have no full stops, but a voice must pause.
const MAX_SENTENCE_CHARS: usize = 400;

/// One sentence of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScriptSentence {
    /// Text for captions: with emoji, without markup.
    pub(crate) text: String,
    /// Silence after the sentence.
    pub(crate) pause_after: Duration,
}

/// Splits a script into sentences, leaving out those without a letter or digit.
///
/// Handles any line ending, paragraphs, Markdown, abbreviations, numbers, quotes, ellipses, and
/// Chinese and Japanese punctuation.
pub(crate) fn sentences(script: &str) -> Vec<ScriptSentence> {
    let mut found: Vec<ScriptSentence> = Vec::new();
    for paragraph in paragraphs(script) {
        let before = found.len();
        for text in split(&paragraph) {
            if !text.chars().any(char::is_alphanumeric) {
                continue;
            }
            let end = text.trim_end_matches(|c| is_closing(c) || is_emoji(c) || c == ' ');
            let ellipsis = end.ends_with('…') || end.ends_with("...");
            let pause = if ellipsis { AFTER_ELLIPSIS } else { AFTER_SENTENCE };
            let mut parts = split_long(text).peekable();
            while let Some(part) = parts.next() {
                let pause_after = if parts.peek().is_some() { AFTER_PART } else { pause };
                found.push(ScriptSentence { text: part.to_owned(), pause_after });
            }
        }
        if let Some(last) = found[before..].last_mut() {
            last.pause_after = AFTER_PARAGRAPH;
        }
    }
    found
}

/// Splits a paragraph after each terminator that ends a sentence.
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
        // `?!`, `...`, and the quotes and brackets that the sentence closes.
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

/// Returns the length of the emoji that directly follow a terminator: they belong to its sentence.
fn emoji_ahead(rest: &str) -> usize {
    let other = rest.find(|c: char| !is_emoji(c) && !c.is_whitespace()).unwrap_or(rest.len());
    rest[..other].trim_end().len()
}

/// Returns whether the terminator between `before` and `after` ends a sentence.
fn ends_sentence(before: &str, terminator: char, after: &str) -> bool {
    if matches!(terminator, '。' | '！' | '？' | '．' | '｡') {
        return true;
    }
    let rest = after.trim_start();
    let Some(next) = rest.chars().find(|c| !is_opening(*c)) else {
        return true;
    };
    if rest.len() == after.len() {
        // Without a space: `3.5`, `example.com`, `U.S.`. Chinese text has no spaces.
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

/// Returns whether `word`, which precedes a full stop, is an abbreviation and the sentence continues
/// with `rest`.
fn is_abbreviation(word: &str, rest: &str) -> bool {
    /// Always followed by a name or number, so they never end a sentence.
    const ALWAYS: [&str; 37] = [
        "dr", "mr", "mrs", "ms", "prof", "rev", "hon", "st", "mt", "sen", "rep", "gov", "gen",
        "col", "capt", "lt", "sgt", "vs", "e.g", "i.e", "cf", "fig", "sra", "srta", "dña", "dott",
        "sig", "mme", "mlle", "hr", "fr", "bzw", "z.b", "d.h", "u.a", "ca", "nr",
    ];
    /// End a sentence unless a number follows.
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
    const GERMAN_MONTHS: &str = "Januar Februar März April Mai Juni Juli August September \
                                 Oktober November Dezember";
    let next = rest
        .split(|c: char| !c.is_alphanumeric())
        .find(|word| !word.is_empty())
        .unwrap_or_default();
    let lower = word.to_lowercase();
    if ALWAYS.contains(&lower.as_str()) {
        return true;
    }
    // `No. 5`, but `He said no. Then …`.
    if SOMETIMES.contains(&lower.as_str()) {
        return next.starts_with(|c: char| c.is_ascii_digit());
    }
    if GERMAN_MONTHS.split(' ').any(|month| month == next)
        && word.len() <= 2
        && word.chars().all(|c| c.is_ascii_digit())
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

/// Splits a sentence that is too long, preferably after a clause, else after a word.
fn split_long(sentence: &str) -> impl Iterator<Item = &str> {
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
            // The comma in `1,000` does not end a clause.
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

fn is_opening(c: char) -> bool {
    const MARKS: &str = "\"'“‘„«‹([¿¡「『（【《";
    MARKS.contains(c)
}

// Scripts are often pasted from notes. What follows is not a Markdown parser: it removes the
// markup that is common in notes and keeps everything else.

/// Returns the paragraphs of a script without Markdown, one line each. A heading or list item is a
/// paragraph of its own.
fn paragraphs(script: &str) -> Vec<String> {
    let script = script.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let mut paragraphs = Vec::new();
    let mut current = String::new();
    let mut finish = |current: &mut String| {
        let done = std::mem::take(current);
        if !done.is_empty() {
            paragraphs.push(done);
        }
    };
    for line in script.lines() {
        let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if line.is_empty() || is_rule(line) {
            finish(&mut current);
            continue;
        }
        let (marker, text) = strip_marker(line);
        if marker != LineMarker::None {
            finish(&mut current);
        }
        let text = inline(text);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let joins = current.chars().next_back().zip(text.chars().next());
        if joins.is_some_and(|(a, b)| !is_wide(a) || !is_wide(b)) {
            current.push(' ');
        }
        current.push_str(&text);
        if marker == LineMarker::Heading {
            finish(&mut current);
        }
    }
    finish(&mut current);
    paragraphs
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineMarker {
    None,
    Heading,
    Item,
}

/// Returns whether a line is a rule (`---`, `***`, `===`) or the fence of a code block.
fn is_rule(line: &str) -> bool {
    line.starts_with("```")
        || (line.len() >= 3 && line.chars().all(|c| matches!(c, '-' | '*' | '=' | '_' | '~' | ' ')))
}

fn strip_marker(line: &str) -> (LineMarker, &str) {
    let line = line.trim_start_matches("> ");
    let heading = line.trim_start_matches('#');
    if heading.len() < line.len() && (heading.is_empty() || heading.starts_with(' ')) {
        return (LineMarker::Heading, heading.trim_end_matches('#'));
    }
    for bullet in ["- ", "* ", "+ ", "• ", "– "] {
        if let Some(item) = line.strip_prefix(bullet) {
            return (LineMarker::Item, item);
        }
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=2).contains(&digits)
        && let Some(item) =
            line[digits..].strip_prefix(". ").or_else(|| line[digits..].strip_prefix(") "))
    {
        return (LineMarker::Item, item);
    }
    (LineMarker::None, line)
}

/// Removes emphasis, code marks, link targets, images and invisible characters.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((label, tail)) = link(rest.trim_start_matches('!')) {
            if c != '!' {
                out.push_str(&inline(label));
            }
            rest = tail;
            continue;
        }
        let run = rest.len() - rest.trim_start_matches(c).len();
        let (marks, tail) = rest.split_at(run);
        let inside_word =
            out.ends_with(char::is_alphanumeric) && tail.starts_with(char::is_alphanumeric);
        match c {
            '`' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => {}
            // `2 * 3`, `5*4` and `snake_case` are not emphasis.
            '*' | '_'
                if (!inside_word || run > 1) && !(out.ends_with(' ') && tail.starts_with(' ')) => {}
            '~' if run > 1 => {}
            _ => out.push_str(marks),
        }
        rest = tail;
    }
    out
}

/// Parses `[label](target)` at the start of a text into the label and the rest of the text.
fn link(text: &str) -> Option<(&str, &str)> {
    /// Limits the search, so that many unmatched brackets do not take quadratic time.
    const MAX_LENGTH: usize = 1000;
    let until = |text: &str, stop: fn(char) -> bool| {
        text.char_indices().take(MAX_LENGTH).find(|(_, c)| stop(*c)).map(|(at, _)| at)
    };
    let rest = text.strip_prefix('[')?;
    let (label, rest) = rest.split_at(until(rest, |c| c == '[' || c == ']')?);
    let target = rest.strip_prefix("](")?;
    let tail = target[until(target, |c| c == ')' || c.is_whitespace())?..].strip_prefix(')')?;
    Some((label, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(script: &str) -> Vec<String> {
        sentences(script).into_iter().map(|sentence| sentence.text).collect()
    }

    #[test]
    fn a_script_without_words_has_no_sentences() {
        for script in ["", " \r\n\t ", "...", "— … !?", "***\n\n---\n", "🎉🎉", "\u{feff}\n"]
        {
            assert_eq!(texts(script), [""; 0], "{script:?}");
        }
    }

    #[test]
    fn a_full_stop_inside_a_sentence_does_not_end_it() {
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
    fn lines_are_joined_and_paragraphs_pause_longer_with_any_line_ending() {
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
    fn an_ellipsis_is_followed_by_a_longer_pause() {
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
    fn an_emoji_stays_with_the_sentence_before_it() {
        assert_eq!(
            texts("We won! 🎉 Great 👍🏽 day."),
            ["We won! 🎉", "Great 👍🏽 day."].map(str::to_owned).to_vec()
        );
    }

    #[test]
    fn an_endless_sentence_is_split_at_clauses() {
        let script = format!("{} end", "first part of it, second part ".repeat(60));
        let found = sentences(&script);
        assert!(found.len() > 3);
        let joined: Vec<_> = found.iter().map(|s| s.text.as_str()).collect();
        assert_eq!(joined.join(" ").split_whitespace().count(), script.split_whitespace().count());
        assert!(found.iter().all(|s| s.text.chars().count() <= MAX_SENTENCE_CHARS));
        assert!(found[0].text.ends_with(','));
        assert_eq!(texts(&"字".repeat(1000)).len(), 3);
    }

    #[test]
    fn markdown_is_reduced_to_its_text() {
        let script = "# The *Big* Day\nIt **was** a `warm` day, see [the map](https://a.b/c).\n\n\
                      ![an image](x.png)\n- first\n- second\n1. third\n> quoted\n---\n```\nend";
        assert_eq!(
            paragraphs(script),
            [
                "The Big Day",
                "It was a warm day, see the map.",
                "first",
                "second",
                "third quoted",
                "end"
            ]
        );
    }

    #[test]
    fn text_that_only_resembles_markdown_is_kept() {
        for text in [
            "2 * 3 is 6",
            "my snake_case name",
            "C# and F#",
            "#1 in 2024",
            "a [b] (c)",
            "1,5 ~ 2",
            "5*4",
        ] {
            assert_eq!(paragraphs(text), [text]);
        }
    }

    #[test]
    fn unmatched_brackets_take_linear_time() {
        let brackets = "[".repeat(200_000);
        assert_eq!(paragraphs(&brackets), [brackets]);
    }

    #[test]
    fn chinese_lines_are_joined_without_a_space() {
        assert_eq!(paragraphs("今天\n天气\nis good"), ["今天天气 is good"]);
    }
}
