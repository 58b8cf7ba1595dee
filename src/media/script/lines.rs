//! Joins the lines of a block of text that are one paragraph, and keeps those apart that are not:
//! prose may be wrapped at any width, while the items of a list and a heading may have neither a
//! marker nor a full stop.

use std::collections::HashSet;

use super::language::{LanguageTable, WordList};
use super::split::{is_closing, is_opening, is_terminated};
use crate::media::characters::{is_emoji, is_wide};

/// Longer lines are prose, not headings or items of a list.
const MAX_ITEM: usize = 48;

/// The words of a script, which show how a word is spelled that is split at the end of a line.
#[derive(Debug, Default)]
pub(super) struct Vocabulary(HashSet<String>);

impl Vocabulary {
    pub(super) fn of(script: &str) -> Self {
        if !script.contains(['-', '\u{2010}']) {
            return Self::default();
        }
        let words = script.split_whitespace().map(|word| bare(word).to_lowercase());
        Self(words.filter(|word| !word.is_empty()).collect())
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(&word.to_lowercase())
    }
}

/// Returns a word without the punctuation around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// Returns the paragraphs that the lines of a block are.
pub(super) fn paragraphs(
    lines: &[String],
    table: &LanguageTable,
    vocabulary: &Vocabulary,
) -> Vec<String> {
    let lines: Vec<Line<'_>> = lines
        .iter()
        .map(|line| line.as_str())
        .filter(|line| !line.is_empty())
        .map(|line| Line::new(line, table))
        .collect();
    let ends = line_ends(&lines, table);
    let mut found: Vec<String> = Vec::new();
    let mut is_new = true;
    for (line, ends) in lines.iter().zip(ends) {
        match found.last_mut() {
            Some(paragraph) if !is_new => join(paragraph, line.text, table, vocabulary),
            _ => found.push(line.text.to_owned()),
        }
        is_new = ends;
    }
    found
}

/// A line, and what its shape shows.
struct Line<'l> {
    text: &'l str,
    width: usize,
    words: usize,
    first_word: usize,
    start: Start,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Lower,
    Upper,
    Wide,
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// A mark ends the sentence.
    Stop,
    Colon,
    /// A comma, a hyphen, or a word that another one must follow.
    GoesOn,
    Open,
}

impl<'l> Line<'l> {
    fn new(text: &'l str, table: &LanguageTable) -> Self {
        let start = match text.chars().find(|&c| !is_opening(c) && !is_emoji(c) && c != ' ') {
            Some(c) if is_wide(c) => Start::Wide,
            Some(c) if c.is_lowercase() => Start::Lower,
            Some(c) if c.is_uppercase() => Start::Upper,
            _ => Start::Other,
        };
        let trimmed = text.trim_end_matches(|c| is_closing(c) || is_emoji(c) || c == ' ');
        let last_word = bare(text.rsplit(char::is_whitespace).next().unwrap_or_default());
        let end = match trimmed.chars().next_back() {
            _ if is_terminated(text) => End::Stop,
            Some(':' | '：') => End::Colon,
            Some(c) if ",;-\u{2010}–—/&+=，、；".contains(c) || is_opening(c) => End::GoesOn,
            _ if table.has(WordList::Joins, last_word) => End::GoesOn,
            _ => End::Open,
        };
        Self {
            text,
            width: width(text),
            words: text.split_whitespace().count(),
            first_word: text.split_whitespace().next().map_or(0, width),
            start,
            end,
        }
    }

    /// Returns whether the line may be a heading or an item of a list.
    fn is_short(&self) -> bool {
        self.width <= MAX_ITEM && self.words <= 9
    }
}

fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

/// Returns for each line whether a paragraph ends with it.
fn line_ends(lines: &[Line<'_>], table: &LanguageTable) -> Vec<bool> {
    let longest = lines.iter().map(|line| line.width).max().unwrap_or_default();
    // Prose is wrapped where the next word would be too long for the line.
    let fits = |at: usize| {
        lines.get(at + 1).is_some_and(|next| lines[at].width + 1 + next.first_word <= longest)
    };
    let mut ends = vec![false; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        let (length, may_be_list) = item_run(&lines[at..]);
        let run = &lines[at..at + length];
        let follows_colon = at > 0 && lines[at - 1].end == End::Colon;
        // In German, many lines of prose begin with a noun, in upper case.
        let is_list = if !may_be_list {
            false
        } else if run.iter().any(|line| line.start == Start::Lower) {
            length >= 3 && follows_colon && at + length == lines.len()
        } else if run.first().is_some_and(|line| line.start == Start::Wide) {
            length >= 3
        } else {
            let prose = table.has_dotted_ordinals() && !(at..at + length).any(fits);
            let is_all = at == 0 && length == lines.len() && run.iter().all(|l| l.end == End::Open);
            length >= 3 && !prose || length >= 2 && (follows_colon || is_all)
        };
        if is_list {
            ends[at..at + length].fill(true);
            if follows_colon {
                ends[at - 1] = true;
            }
        }
        // A part of a run that is no list is no list either.
        at += length.max(1);
    }
    if let [first, second, ..] = lines {
        // A heading without an empty line after it.
        let is_heading = first.is_short()
            && first.end == End::Open
            && second.start == Start::Upper
            && fits(0)
            && longest >= 30
            && first.width * 5 <= longest * 3;
        ends[0] |= is_heading;
    }
    ends
}

/// Returns the number of lines at the start that are alike and of which all but the last one have
/// nothing at their end that says whether the sentence goes on, and whether they may be a list.
fn item_run(lines: &[Line<'_>]) -> (usize, bool) {
    let Some(first) = lines.first() else { return (0, false) };
    let is_lower = first.start == Start::Lower;
    let fits = |line: &Line<'_>| {
        line.is_short()
            && line.end != End::GoesOn
            && line.end != End::Colon
            && (line.start == Start::Lower) == is_lower
            && (line.start == Start::Wide) == (first.start == Start::Wide)
            && (!is_lower || line.words <= 3)
            && (line.start != Start::Wide || line.width <= 24)
    };
    let open = lines.iter().take_while(|line| fits(line) && line.end == End::Open).count();
    let next = lines.get(open);
    if first.start == Start::Wide {
        // Chinese prose has no spaces to wrap it at.
        (open, next.is_none_or(|next| next.start == Start::Wide))
    } else {
        // The last item may have a full stop.
        (open + usize::from(next.is_some_and(fits)), true)
    }
}

/// Appends a line to a paragraph. A word that is taken apart by the line's end becomes whole.
fn join(paragraph: &mut String, line: &str, table: &LanguageTable, vocabulary: &Vocabulary) {
    /// Limits the search for the start of a word, so that many hyphens do not take quadratic time.
    const MAX_WORD: usize = 64;
    let (Some(last), Some(next)) = (paragraph.chars().next_back(), line.chars().next()) else {
        paragraph.push_str(line);
        return;
    };
    if is_wide(last) && is_wide(next) {
        paragraph.push_str(line);
        return;
    }
    let start = paragraph.char_indices().rev().take(MAX_WORD).last().map_or(0, |(at, _)| at);
    let left = paragraph[start..].rsplit(char::is_whitespace).next().unwrap_or_default();
    let left =
        left.strip_suffix(['-', '\u{2010}']).filter(|left| left.ends_with(char::is_alphanumeric));
    if let Some(left) = left.map(str::to_owned)
        && next.is_alphanumeric()
    {
        let right = bare(line.split_whitespace().next().unwrap_or_default());
        match hyphen(bare(&left), right, table, vocabulary) {
            Hyphen::Undone => {
                paragraph.pop();
            }
            Hyphen::Kept => {}
            Hyphen::Suspended => paragraph.push(' '),
        }
    } else {
        paragraph.push(' ');
    }
    paragraph.push_str(line);
}

/// What becomes of a hyphen at the end of a line.
#[derive(Debug, PartialEq, Eq)]
enum Hyphen {
    /// `nega-` and `tive` are `negative`.
    Undone,
    /// `well-` and `known` are `well-known`.
    Kept,
    /// `Vor-` and `und` are `Vor- und`.
    Suspended,
}

fn hyphen(left: &str, right: &str, table: &LanguageTable, vocabulary: &Vocabulary) -> Hyphen {
    if table.has(WordList::Pairs, right) {
        return Hyphen::Suspended;
    }
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    let is_lower = right.chars().next().is_some_and(|c| c.is_alphabetic() && !c.is_uppercase());
    let last = left.chars().next_back();
    // `X-Ray`, `COVID-19`, `20-year`, `Anglo-American`, `state-of-the-art`.
    // A single letter is not split off a word: `e-mail`.
    let is_single = left.chars().count() == 1;
    if !is_lower || !is_letter(last) || is_single || left.contains(['-', '\u{2010}']) {
        return Hyphen::Kept;
    }
    if vocabulary.has(&format!("{left}-{right}")) {
        return Hyphen::Kept;
    }
    if vocabulary.has(&format!("{left}{right}")) {
        return Hyphen::Undone;
    }
    // `LED-` is a word of its own, `nega-` is not.
    let is_acronym = left.chars().count() > 1 && left.chars().all(char::is_uppercase);
    let is_compound = is_acronym
        || table.has(WordList::Compounds, left)
        || table.has(WordList::Tails, right.split('-').next().unwrap_or(right));
    if is_compound { Hyphen::Kept } else { Hyphen::Undone }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraphs_of(language: &str, text: &str) -> Vec<String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        paragraphs(&lines, LanguageTable::of(language), &Vocabulary::of(text))
    }

    #[test]
    fn lines_of_a_list_or_a_heading_are_paragraphs() {
        for (language, text) in [
            ("en", "There are four fruits that we want:\nApple\nBanana\nOrange"),
            ("en", "We need:\nMilk\nEggs"),
            ("en", "We need:\nmilk\neggs\nsugar"),
            ("en", "Apple\nBanana\nOrange."),
            ("en", "Milk\nEggs"),
            ("en", "Roses are red\nViolets are blue\nSugar is sweet\nAnd so are you."),
            (
                "en",
                "The History of Coffee\nCoffee came to Venice by ship, and all of Europe drank it.",
            ),
            ("en", "ABOUT US\nWe have been making tea for a hundred years."),
            ("de", "Wir brauchen:\nMilch\nEier\nBrot und Butter"),
            ("es", "Necesitamos:\nleche\nhuevos\npan"),
            ("zh", "苹果\n香蕉\n橙子"),
        ] {
            let expected: Vec<_> = text.lines().collect();
            assert_eq!(paragraphs_of(language, text), expected);
        }
    }

    #[test]
    fn wrapped_prose_is_one_paragraph() {
        for (language, text) in [
            ("en", "One\ntwo. Three."),
            ("en", "The score was\n12. Nobody scored again."),
            ("en", "He met\nMary Jones in town."),
            (
                "en",
                "When the siege of Vienna ended the story goes\nthat the fleeing army of Turks \
                    had left sacks of\nStrange beans behind and a man who knew them\nOpened the \
                    first coffee house of the city",
            ),
            ("en", "It was sold by\nJohn and\nMary."),
            ("de", "Er kam am\n3. Oktober in\nBerlin an."),
            (
                "de",
                "In der alten Stadt stand das große\nHaus eines Kaufmanns mit einem hohen\n\
                    Turm und vielen Fenstern über dem\nFluss",
            ),
            ("fr", "Le café est venu\nà Venise"),
        ] {
            let expected = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(paragraphs_of(language, text), [expected]);
        }
        assert_eq!(paragraphs_of("zh", "今天\n天气\nis good"), ["今天天气 is good"]);
    }

    #[test]
    fn a_hyphen_at_a_line_end_is_undone_where_the_word_is_whole_afterwards() {
        for (language, text, joined) in [
            ("en", "The word nega-\ntive is here.", "The word negative is here."),
            ("en", "a well-\nknown man", "a well-known man"),
            ("en", "her self-\nesteem", "her self-esteem"),
            ("en", "a state-of-the-\nart thing", "a state-of-the-art thing"),
            (
                "en",
                "an X-\nRay, COVID-\n19, a 20-\nyear plan",
                "an X-Ray, COVID-19, a 20-year plan",
            ),
            ("en", "an evidence-\nbased view", "an evidence-based view"),
            ("en", "pre-\nand post-war", "pre- and post-war"),
            ("en", "a wind-\nmill. The wind-mill turns.", "a wind-mill. The wind-mill turns."),
            ("en", "a post-\nman. The postman rings.", "a postman. The postman rings."),
            ("en", "an e-\nmail", "an e-mail"),
            ("en", "a blue-\ngreen sea", "a blue-green sea"),
            ("en", "go --\nnow", "go -- now"),
            ("en", "go -\nnow", "go - now"),
            ("de", "Die Ver-\nwaltung", "Die Verwaltung"),
            ("de", "Vor-\nund Nachteile", "Vor- und Nachteile"),
            ("de", "die S-\nBahn", "die S-Bahn"),
            ("fr", "Peut-\nêtre une pro-\nmenade", "Peut-être une promenade"),
            ("es", "la na-\nción", "la nación"),
        ] {
            assert_eq!(paragraphs_of(language, text), [joined]);
        }
    }
}
