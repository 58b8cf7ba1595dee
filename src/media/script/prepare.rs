//! Prepares a script for the Markdown parser. CommonMark takes some things for markup that people
//! mean as text, such as a date at the start of a line, and has none for others, such as `•`; both
//! are settled here, line by line, so that no words are lost.

use std::collections::HashMap;

use super::html::without_html;
use super::language::{LanguageTable, WordList};
use super::split::is_terminated;

/// How far apart the items of a numbered list may be, in lines.
const LIST_REACH: usize = 20;

/// A script as CommonMark, and the texts that are not part of it, such as its front matter.
pub(super) struct Prepared {
    pub(super) markdown: String,
    pub(super) left_out: Vec<String>,
}

pub(super) fn prepared(script: &str, table: &LanguageTable) -> Prepared {
    let script = with_plain_characters(script);
    let (front_matter, body) = front_matter(&script);
    let mut left_out: Vec<String> = front_matter.map(str::to_owned).into_iter().collect();
    let body = without_html(body, &mut left_out);
    let lines: Vec<SourceLine<'_>> = body.lines().map(SourceLine::new).collect();
    let labels = labels(&body);
    let mut markdown = String::with_capacity(body.len() + body.len() / 8);
    let mut before = Before::Blank;
    let mut numbered: Vec<NumberedItem> = Vec::new();
    for at in 0..lines.len() {
        let line = &lines[at];
        let previous = at.checked_sub(1).map(|at| &lines[at]);
        let follows_quote = previous.is_some_and(|line| line.is_quote);
        if line.text.is_empty() || is_ignored(line.text) {
            markdown.push('\n');
            before = Before::Blank;
            continue;
        }
        if line.is_quote != follows_quote && before != Before::Blank {
            markdown.push('\n');
            before = Before::Blank;
        }
        let goes_on = previous.is_some_and(|line| line.goes_on(table));
        if before == Before::Blank && lines.get(at + 1).is_some_and(|next| line.is_title(next)) {
            markdown.push_str("# ");
            markdown.push_str(line.text);
            markdown.push('\n');
            continue;
        }
        before = if let Some(item) = line.bullet {
            let is_text = before == Before::Text
                && !previous.is_some_and(|line| line.ends_clause())
                && lines.get(at + 1).is_none_or(|next| next.bullet.is_none())
                && !item.starts_with(char::is_uppercase);
            if is_text {
                escape(line.text, &mut markdown);
                before
            } else {
                markdown.push_str("- ");
                markdown.push_str(item);
                Before::Item
            }
        } else if let Some((digits, rest)) = line.number {
            if is_list(&lines, at, before, rest, &numbered, table) {
                numbered.extend(line.value().map(|value| NumberedItem { line: at, value }));
                markdown.push_str(line.text);
                Before::Item
            } else {
                // `12. Nobody` is no item of a list.
                markdown.push_str(&line.text[..digits]);
                markdown.push('\\');
                markdown.push_str(&line.text[digits..]);
                before.or_text()
            }
        } else {
            let is_after_list = before == Before::Item
                && !line.is_indented
                && line.text.starts_with(char::is_uppercase)
                && previous.is_some_and(|item| item.text.chars().count() < 50 && !goes_on);
            if is_after_list {
                markdown.push('\n');
                before = Before::Blank;
            }
            if line.text.starts_with('>') || is_definition(line.text, &labels) == Some(false) {
                escape(line.text, &mut markdown);
            } else {
                markdown.push_str(line.text);
            }
            if line.is_heading() { Before::Blank } else { before.or_text() }
        };
        markdown.push('\n');
    }
    Prepared { markdown, left_out }
}

/// What stands before a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Blank,
    Text,
    /// An item of a list or its continuation.
    Item,
}

impl Before {
    /// Returns what stands before the next line when this one is text.
    const fn or_text(self) -> Self {
        if matches!(self, Self::Item) { Self::Item } else { Self::Text }
    }
}

/// Writes a line whose first character is not markup.
fn escape(text: &str, markdown: &mut String) {
    if text.starts_with(|c: char| c.is_ascii_punctuation()) {
        markdown.push('\\');
    }
    markdown.push_str(text);
}

/// Returns the script with one kind of line ending and without invisible characters.
fn with_plain_characters(script: &str) -> String {
    let script = script.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{85}'], "\n");
    let script = script.replace(['\u{2029}', '\u{b}', '\u{c}'], "\n\n");
    let mut plain = String::with_capacity(script.len());
    let mut rest = script.as_str();
    while let Some(at) = rest.find(['\u{ad}', '\u{200b}', '\u{2060}', '\u{feff}', '\0']) {
        plain.push_str(&rest[..at]);
        let mut chars = rest[at..].chars();
        let is_soft_hyphen = chars.next() == Some('\u{ad}');
        rest = chars.as_str();
        // A soft hyphen at the end of a line is undone with the line's end.
        let next = rest.trim_start_matches([' ', '\t']).strip_prefix('\n').map(str::trim_start);
        if is_soft_hyphen
            && let Some(next) = next.filter(|next| next.starts_with(char::is_alphabetic))
        {
            rest = next;
        }
    }
    plain.push_str(rest);
    plain
}

/// Splits the front matter, which describes a file and is not part of its text, from a script.
fn front_matter(script: &str) -> (Option<&str>, &str) {
    let whole = (None, script);
    let mut rest = script.trim_start();
    let Some(mark) = ["---", "+++"].into_iter().find(|mark| rest.starts_with(mark)) else {
        return whole;
    };
    let mut take_line = || {
        let (line, tail) = rest.split_once('\n')?;
        rest = tail;
        Some(line.trim_end())
    };
    if take_line() != Some(mark) {
        return whole;
    }
    let start = script.len() - rest.len();
    let mut keys = 0;
    loop {
        let before = script.len() - rest.len();
        let (line, tail) = rest.split_once('\n').unwrap_or((rest, ""));
        let is_last = tail.is_empty() && !rest.contains('\n');
        let line = line.trim_end();
        if line == mark || mark == "---" && line == "..." {
            return if keys > 0 { (Some(script[start..before].trim()), tail) } else { whole };
        }
        let key = line.split_once([':', '=']).map(|(key, _)| key.trim_end());
        let is_key = key.is_some_and(|key| {
            key.starts_with(|c: char| c.is_ascii_alphabetic())
                && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        });
        keys += usize::from(is_key);
        let is_value = line.is_empty() || line.starts_with([' ', '\t', '#', '-', ']', '}', '[']);
        if !is_key && !is_value || is_last {
            return whole;
        }
        rest = tail;
    }
}

/// A line of the script without the space around it, and what it may be the start of.
struct SourceLine<'s> {
    text: &'s str,
    is_indented: bool,
    is_quote: bool,
    /// The text behind a bullet.
    bullet: Option<&'s str>,
    /// The number of digits before a `.` or `)`, and the text behind it.
    number: Option<(usize, &'s str)>,
}

impl<'s> SourceLine<'s> {
    fn new(line: &'s str) -> Self {
        let is_indented = line.starts_with([' ', '\t']);
        let mut text = line.trim();
        let mut is_quote = false;
        // `>5` is a number with a sign.
        let is_sign = |c: char| c.is_ascii_digit() || c == '=';
        while let Some(quoted) = text.strip_prefix('>')
            && !quoted.starts_with(is_sign)
        {
            (text, is_quote) = (quoted.trim_start(), true);
        }
        let is_alert = is_quote && text.starts_with("[!") && text.ends_with(']');
        let text = if is_alert { "" } else { text };
        Self { text, is_indented, is_quote, bullet: bullet(text), number: number(text) }
    }

    fn is_heading(&self) -> bool {
        let text = self.text.trim_start_matches('#');
        (1..=6).contains(&(self.text.len() - text.len()))
            && (text.is_empty() || text.starts_with([' ', '\t']))
    }

    /// Returns whether the line is a heading because of the line that underlines it. One of dashes may
    /// be a rule below a paragraph as well, or the border of a table.
    fn is_title(&self, next: &Self) -> bool {
        /// Longer lines are paragraphs.
        const MAX_TITLE: usize = 100;
        let is_line_of = |mark: char| {
            next.text.len() >= 3 && next.text.chars().all(|c| c == mark) && !next.is_indented
        };
        let is_text = self.bullet.is_none()
            && !self.is_quote
            && !self.is_heading()
            && !self.text.contains('|')
            && self.text.contains(char::is_alphanumeric);
        is_text
            && (is_line_of('=')
                || is_line_of('-')
                    && !self.ends_clause()
                    && self.text.chars().take(MAX_TITLE + 1).count() <= MAX_TITLE)
    }

    fn value(&self) -> Option<u64> {
        self.text[..self.number?.0].parse().ok()
    }

    /// Returns whether the line ends with a word or mark that something must follow.
    fn goes_on(&self, table: &LanguageTable) -> bool {
        let word = self.text.rsplit(char::is_whitespace).next().unwrap_or_default();
        self.text.ends_with([',', ';', '-', '–', '—']) || table.has(WordList::Joins, word)
    }

    fn ends_clause(&self) -> bool {
        is_terminated(self.text) || self.text.ends_with([':', ',', ';'])
    }
}

fn bullet(text: &str) -> Option<&str> {
    const BULLETS: &[char] = &[
        '-', '*', '+', '•', '◦', '▪', '▫', '‣', '⁃', '●', '○', '■', '□', '·', '–', '—', '►', '✓',
        '✔', '☐', '☑', '➤',
    ];
    let rest = text.strip_prefix(BULLETS)?;
    if let Some(item) = text.strip_prefix('•') {
        return Some(item.trim_start());
    }
    rest.starts_with([' ', '\t', '\u{a0}'])
        .then(|| rest.trim_start())
        .filter(|item| !item.is_empty())
}

fn number(text: &str) -> Option<(usize, &str)> {
    /// CommonMark's limit.
    const MAX_DIGITS: usize = 9;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text[digits..].strip_prefix(['.', ')'])?;
    let is_marker = (1..=MAX_DIGITS).contains(&digits) && rest.starts_with([' ', '\t']);
    is_marker.then(|| (digits, rest.trim_start()))
}

/// An item of a numbered list.
struct NumberedItem {
    line: usize,
    value: u64,
}

/// Returns whether the number at the start of a line is the marker of an item: a paragraph is
/// interrupted by 1 only, as in CommonMark, and a larger number that follows no item is text, such
/// as a year.
fn is_list(
    lines: &[SourceLine<'_>],
    at: usize,
    before: Before,
    item: &str,
    numbered: &[NumberedItem],
    table: &LanguageTable,
) -> bool {
    let Some(value) = lines[at].value() else { return false };
    let next_word = item.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    if table.has(WordList::Ordinal, next_word) {
        return false;
    }
    if value > 1 {
        let near = numbered.iter().rev().take_while(|last| last.line + LIST_REACH >= at);
        let mut near = near.map(|last| last.value);
        return before != Before::Text && near.any(|last| last == value || last + 1 == value);
    }
    let later = &lines[at + 1..lines.len().min(at + 1 + LIST_REACH)];
    let next = later.iter().find_map(SourceLine::value);
    let goes_on = next.is_some_and(|next| next == value || next == value + 1);
    goes_on || before != Before::Text && !table.has_dotted_ordinals()
}

/// Returns whether a line has no text: a rule, the border of a table or the fence of a code block,
/// whose content is text like any other.
fn is_ignored(line: &str) -> bool {
    let is_fence = ["```", "~~~"].iter().any(|fence| {
        let mark = &fence[..1];
        line.starts_with(fence) && !line.trim_start_matches(mark).contains(mark)
    });
    is_fence || line.chars().count() >= 3 && line.chars().all(|c| "-*=_~+ ─━═│┼".contains(c))
}

/// Returns how often each label in brackets occurs.
fn labels(script: &str) -> HashMap<&str, usize> {
    let mut labels = HashMap::new();
    for (at, _) in script.match_indices('[') {
        if let Some(label) = label(&script[at..]) {
            *labels.entry(label).or_default() += 1;
        }
    }
    labels
}

fn label(text: &str) -> Option<&str> {
    /// Limits the search, so that many unmatched brackets do not take quadratic time.
    const MAX_LABEL: usize = 100;
    let inside = text.strip_prefix('[')?;
    let end = inside.char_indices().take(MAX_LABEL).find(|(_, c)| matches!(c, '[' | ']' | '\n'))?;
    (end.1 == ']').then(|| &inside[..end.0])
}

/// Returns whether a line in the form of a link reference definition is one: `[Ann]: Hello` has
/// no URL, and a label that is used nowhere is text.
fn is_definition(line: &str, labels: &HashMap<&str, usize>) -> Option<bool> {
    let label = label(line)?;
    let target = line[label.len() + 2..].strip_prefix(':')?.trim_start();
    if label.starts_with('^') {
        return None;
    }
    let starts = ["/", "#", "./", "../", "<", "mailto:", "www."];
    let is_url = target.split_whitespace().next().is_some_and(|target| {
        target.contains("://") || starts.iter().any(|start| target.starts_with(start))
    });
    Some(is_url && labels.get(label).is_some_and(|count| *count > 1))
}
