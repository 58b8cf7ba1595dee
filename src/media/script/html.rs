//! Removes HTML from a script: tags and comments are not spoken, what stands between tags is.
//! Text that only resembles a tag, such as `5 < 6 > 3` or `<your name>`, is kept.

use std::collections::HashSet;

use crate::media::characters::{LOWERED, PLAIN, RAISED};

/// Elements that begin a line of their own.
const BLOCKS: &str = " address article aside blockquote body center dd details dialog div dl dt \
    fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html li main menu nav \
    ol optgroup option p pre section select summary table tbody tfoot thead title tr ul ";

/// Elements inside a line.
const INLINE: &str = " a abbr acronym area audio b base bdi bdo big br button canvas cite code col \
    colgroup data datalist del dfn em embed figure font i iframe img input ins kbd label link map \
    mark meta meter nobr noscript object output param picture progress q rp rt ruby s samp script \
    slot small source span strike strong style sub sup svg td template textarea th time track tt u \
    var video wbr ";

/// Elements that need no end, and those that are no words in any language.
const ALONE: &str = " blockquote br col dd div dt em h1 h2 h3 h4 h5 h6 hr html li ol p span strong \
    table tbody td tfoot th thead tr ul wbr ";

/// Attributes without a value.
const FLAGS: &str = " allowfullscreen async autoplay checked controls default defer disabled \
    hidden ismap loop multiple muted novalidate nowrap open readonly required reversed selected ";

/// Elements whose content is not text.
const HIDDEN: [&str; 2] = ["script", "style"];

/// Longer tags, not counting what is quoted in them, and longer code spans are text.
const MAX_TAG: usize = 2000;
const MAX_CODE: usize = 200;

/// Returns a script without HTML. Words that people do not see are added to `left_out`: what is
/// struck out, comments, and what images show.
pub(super) fn without_html(script: &str, left_out: &mut Vec<String>) -> String {
    if !script.contains('<') {
        return script.to_owned();
    }
    let elements = Elements::of(script);
    let mut out = Writer { text: String::with_capacity(script.len()), ..Writer::default() };
    let mut rest = script;
    // The end of each kind of markup is searched once in vain at most.
    let mut unclosed: HashSet<&str> = HashSet::new();
    while let Some(at) = rest.find(['<', '`']) {
        out.push(&rest[..at]);
        rest = &rest[at..];
        let taken = if rest.starts_with('`') {
            let code = code_span(rest);
            out.push(&rest[..code]);
            code
        } else if let Some(hidden) = Hidden::parse(rest, &mut unclosed) {
            out.push(hidden.text);
            out.leave_out(hidden.comment);
            hidden.length
        } else if let Some(tag) = Tag::parse(rest).filter(|tag| tag.is_markup(&elements)) {
            out.write(&tag);
            if !tag.is_closing
                && matches!(tag.name.as_str(), "sup" | "sub")
                && let Some(shifted) = shifted(&rest[tag.length..], &tag.name)
            {
                out.push(&shifted.0);
                tag.length + shifted.1
            } else {
                tag.length
            }
        } else {
            out.push("<");
            1
        };
        rest = &rest[taken..];
    }
    out.push(rest);
    out.finish(left_out)
}

/// Returns the length of the code span at the start, or of its backticks when it is not closed.
fn code_span(text: &str) -> usize {
    let mark = text.len() - text.trim_start_matches('`').len();
    let window: usize = text[mark..].chars().take(MAX_CODE).map(char::len_utf8).sum();
    let inside = &text[mark..mark + window];
    let inside = inside.split("\n\n").next().unwrap_or(inside);
    let end = inside
        .match_indices(&text[..mark])
        .map(|(at, _)| at)
        .find(|&at| !inside[at + mark..].starts_with('`') && !inside[..at].ends_with('`'));
    end.map_or(mark, |at| mark + at + mark)
}

/// A comment, a declaration, a hidden element or a section of plain text.
#[derive(Default)]
struct Hidden<'t> {
    length: usize,
    /// What of it is text.
    text: &'t str,
    comment: &'t str,
}

impl<'t> Hidden<'t> {
    /// Parses one at the start of a text.
    fn parse(text: &'t str, unclosed: &mut HashSet<&'t str>) -> Option<Self> {
        const COMMENT: &str = "<!--";
        const PLAIN: &str = "<![CDATA[";
        const KINDS: [(&str, &str); 4] =
            [(COMMENT, "-->"), (PLAIN, "]]>"), ("<!", ">"), ("<?", "?>")];
        for (start, end) in KINDS {
            if let Some(inside) = text.strip_prefix(start) {
                let is_declaration =
                    start != "<!" || inside.starts_with(|c: char| c.is_ascii_alphabetic());
                if !is_declaration || unclosed.contains(end) {
                    return None;
                }
                let Some(at) = inside.find(end) else {
                    unclosed.insert(end);
                    return None;
                };
                let content = |kind: &str| if start == kind { &inside[..at] } else { "" };
                return Some(Self {
                    length: start.len() + at + end.len(),
                    text: content(PLAIN),
                    comment: content(COMMENT),
                });
            }
        }
        let tag = Tag::parse(text)?;
        let name = HIDDEN.into_iter().find(|name| *name == tag.name && !tag.is_closing)?;
        if unclosed.contains(name) {
            return None;
        }
        let end = text[tag.length..].match_indices("</").find_map(|(at, _)| {
            let close = Tag::parse(&text[tag.length + at..])?;
            (close.name == name).then_some(tag.length + at + close.length)
        });
        if end.is_none() {
            unclosed.insert(name);
        }
        Some(Self { length: end?, ..Self::default() })
    }
}

/// The names of the elements that are opened or closed somewhere.
#[derive(Default)]
struct Elements {
    opened: HashSet<String>,
    closed: HashSet<String>,
}

impl Elements {
    fn of(script: &str) -> Self {
        let mut found = Self::default();
        for tag in script.match_indices('<').filter_map(|(at, _)| Tag::parse(&script[at..])) {
            let names = if tag.is_closing { &mut found.closed } else { &mut found.opened };
            names.insert(tag.name);
        }
        found
    }
}

struct Tag<'t> {
    /// In lower case.
    name: String,
    length: usize,
    is_closing: bool,
    /// What stands behind the name.
    attributes: &'t str,
    /// Whether the tag ends in `/>`.
    is_empty: bool,
}

impl<'t> Tag<'t> {
    /// Parses a tag at the start of a text. Calls for every `<` of a text take linear time together:
    /// an unquoted `<` ends the search, and of any four of them, one is unquoted in the tag that
    /// another one begins.
    fn parse(text: &'t str) -> Option<Self> {
        let inner = text.strip_prefix('<')?;
        let is_closing = inner.starts_with('/');
        let inner = if is_closing { &inner[1..] } else { inner };
        let end_of_name = inner
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
            .filter(|&end| end > 0 && inner.starts_with(|c: char| c.is_ascii_alphabetic()))?;
        let (name, rest) = inner.split_at(end_of_name);
        // `<https://…>` is a link.
        if !rest.starts_with(|c: char| c.is_whitespace() || c == '>' || c == '/') {
            return None;
        }
        let mut quote = None;
        let mut unquoted = 0;
        let end = rest.char_indices().find_map(|(at, c)| {
            if quote.is_some() {
                quote = quote.filter(|mark| *mark != c);
                return None;
            }
            unquoted += 1;
            match c {
                '>' => Some(Some(at)),
                '<' => Some(None),
                _ if unquoted > MAX_TAG => Some(None),
                '"' | '\'' => {
                    quote = Some(c);
                    None
                }
                _ => None,
            }
        })??;
        let attributes = rest[..end].trim();
        let without_slash = attributes.strip_suffix('/').map(str::trim_end);
        Some(Self {
            name: name.to_ascii_lowercase(),
            length: text.len() - rest.len() + end + 1,
            is_closing,
            attributes: without_slash.unwrap_or(attributes),
            is_empty: without_slash.is_some(),
        })
    }

    fn is_in(&self, list: &str) -> bool {
        list.split_ascii_whitespace().any(|name| name == self.name)
    }

    fn is_known(&self) -> bool {
        self.is_in(BLOCKS) || self.is_in(INLINE)
    }

    /// Returns whether this is a tag rather than words in angle brackets, such as `<title>` for a
    /// title that is not known yet.
    fn is_markup(&self, elements: &Elements) -> bool {
        if self.is_closing {
            let is_opened = elements.opened.contains(&self.name);
            return self.attributes.is_empty() && (self.is_known() || is_opened);
        }
        let is_closed = elements.closed.contains(&self.name);
        if self.attributes.is_empty() {
            return self.is_empty || is_closed || self.is_in(ALONE);
        }
        self.attributes(self.is_known() || is_closed).is_some()
    }

    /// Returns the attributes with their values, or `None` where they are words of another kind.
    /// In an unknown element, each must have a value in quotes.
    fn attributes(&self, is_known: bool) -> Option<Vec<(&'t str, &'t str)>> {
        let mut found = Vec::new();
        let mut rest = self.attributes;
        while !rest.is_empty() {
            let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
            let (name, tail) = rest.split_at(end);
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || "_:@".contains(c))
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_:.@".contains(c));
            if !is_name {
                return None;
            }
            let tail = tail.trim_start();
            let Some(value) = tail.strip_prefix('=').map(str::trim_start) else {
                let name = name.to_ascii_lowercase();
                if !is_known || !FLAGS.split_ascii_whitespace().any(|flag| flag == name) {
                    return None;
                }
                rest = tail;
                continue;
            };
            let (value, tail) =
                if let Some(mark) = value.chars().next().filter(|c| "\"'".contains(*c)) {
                    value[1..].split_once(mark)?
                } else if is_known && !value.is_empty() {
                    value.split_at(value.find(char::is_whitespace).unwrap_or(value.len()))
                } else {
                    return None;
                };
            found.push((name, value));
            rest = tail.trim_start();
        }
        Some(found)
    }
}

/// Writes the text that stands for HTML.
#[derive(Default)]
struct Writer {
    text: String,
    line: LineStart,
    /// What is struck out at present, and how many elements strike it out.
    struck: String,
    strikes: usize,
    left_out: Vec<String>,
}

/// How the last line begins.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum LineStart {
    #[default]
    Blank,
    /// With a `|`.
    TableRow,
    Text,
}

impl Writer {
    fn push(&mut self, part: &str) {
        if self.strikes > 0 {
            self.struck.push_str(part);
            return;
        }
        for c in part.chars() {
            self.line = match (self.line, c) {
                (_, '\n') => LineStart::Blank,
                (LineStart::Blank, '|') => LineStart::TableRow,
                (LineStart::Blank, c) if !c.is_whitespace() => LineStart::Text,
                (line, _) => line,
            };
        }
        self.text.push_str(part);
    }

    fn leave_out(&mut self, text: &str) {
        if text.contains(char::is_alphanumeric) {
            self.left_out.push(text.trim().to_owned());
        }
    }

    /// Writes what stands for a tag in plain text.
    fn write(&mut self, tag: &Tag<'_>) {
        let is_row = self.line == LineStart::TableRow;
        match tag.name.as_str() {
            // A line break inside a table row would end the row.
            "br" => self.push(if is_row { " " } else { "\n" }),
            "td" | "th" if !tag.is_closing => self.begin_cell(),
            "img" => {
                let attributes = tag.attributes(true).unwrap_or_default();
                let alt = attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case("alt"));
                self.leave_out(alt.map_or("", |(_, text)| text));
            }
            "del" | "s" | "strike" if tag.is_closing => self.end_strike(),
            "del" | "s" | "strike" if !tag.is_empty => self.strikes += 1,
            "li" if !tag.is_closing => self.push("\n\n"),
            _ if tag.is_in(BLOCKS) && !is_row => self.push("\n\n"),
            _ => {}
        }
    }

    fn begin_cell(&mut self) {
        if self.strikes > 0 {
            return self.push(" ");
        }
        self.text.truncate(self.text.trim_end_matches(' ').len());
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.push(", ");
        }
    }

    fn end_strike(&mut self) {
        self.strikes = self.strikes.saturating_sub(1);
        if self.strikes == 0 {
            let struck = std::mem::take(&mut self.struck);
            self.leave_out(&struck);
        }
    }

    fn finish(mut self, left_out: &mut Vec<String>) -> String {
        // What is struck out without an end is text.
        self.strikes = 0;
        let struck = std::mem::take(&mut self.struck);
        self.push(&struck);
        left_out.append(&mut self.left_out);
        self.text
    }
}

/// Returns a number raised or lowered by `<sup>` or `<sub>` in the characters for it, and the
/// length of its source.
fn shifted(rest: &str, name: &str) -> Option<(String, usize)> {
    let end = rest.find('<').filter(|&end| end <= 12)?;
    let tag = Tag::parse(&rest[end..]).filter(|tag| tag.is_closing && tag.name == name)?;
    let shifted = if name == "sup" { RAISED } else { LOWERED };
    let shift = |c| shifted.chars().nth(PLAIN.find(if c == '−' { '-' } else { c })?);
    let text: Option<String> = rest[..end].chars().map(shift).collect();
    Some((text.filter(|text| !text.is_empty())?, end + tag.length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(html: &str) -> String {
        without_html(html, &mut Vec::new()).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn tags_and_comments_are_removed_and_text_is_kept() {
        for (html, text) in [
            ("A <b>bold</b> <a href=\"x?a>b\">link</a><!-- no\nwords -->.", "A bold link."),
            ("<div>\nOne <SPAN class='a'>two</SPAN>\n</div>three", "One two three"),
            ("<style>p { color: red }</style><script>if (a < b) c();</script>Yes", "Yes"),
            ("<!DOCTYPE html><?xml version=\"1.0\"?>Yes<br/>no", "Yes no"),
            ("<table><tr><td>Tea</td><td>3</td></tr></table>", "Tea, 3"),
            ("<speak>Hi<break time=\"1s\"/> there</speak>", "Hi there"),
            ("10<sup>6</sup> and H<sub>2</sub>O", "10⁶ and H₂O"),
            ("the 2<sup>nd</sup> one", "the 2nd one"),
            ("<![CDATA[Hello]]> you", "Hello you"),
            ("<ul><li>One<li>Two</ul><p>Three<br>Four", "One Two Three Four"),
            ("<input type=checkbox checked> Yes", "Yes"),
            ("<p>Yes<path d=\"M0 0\"/><y z='1'>no</p>", "Yesno"),
            (
                "see <https://example.com/a> or <me@example.com>",
                "see <https://example.com/a> or <me@example.com>",
            ),
            ("a `<b>` tag", "a `<b>` tag"),
        ] {
            assert_eq!(words(html), text, "{html}");
        }
    }

    #[test]
    fn text_that_only_resembles_html_is_kept() {
        for text in [
            "5 < 6 > 3",
            "a <b and c> d",
            "Dear <name>, <your name> here",
            "i <3 you <",
            "<!-- never closed",
            "x << y >> z <- w",
            "<script> without an end",
            "Meet <title> at <time> in <address>.",
            "Press <s> to save, <b> or <i>, <link> or <source>",
            "x <y and y = 5 but z> 3",
            "x <b and b = 5 but z> 3",
            "a <i = 5> b",
            "the end </of the story>, </sarcasm>",
        ] {
            assert_eq!(words(text), text);
        }
    }

    #[test]
    fn long_attributes_are_removed() {
        let data = "QUJD".repeat(5000);
        let html = format!("One <img src=\"data:image/png;base64,{data}\"> <path d='{data}'/>two");
        assert_eq!(words(&html), "One two");
    }

    #[test]
    fn words_that_are_not_seen_are_left_out() {
        for (html, text, left_out) in [
            ("<s>old</s> new", "new", &["old"][..]),
            ("We <s> sold </s> bought it", "We bought it", &["sold"]),
            ("<del><p>x</p></del>y", "y", &["x"]),
            ("<del>a <s>b</s> c</del> d", "d", &["a b c"]),
            ("</s>a <s>b", "a b", &[]),
            ("a<!-- to do -->b<!-- - -->", "ab", &["to do"]),
            ("<img src=\"x.png\" alt=\"A cat\"> sleeps", "sleeps", &["A cat"]),
            ("<style>p { color: red }</style>a", "a", &[]),
        ] {
            let mut found = Vec::new();
            let shown = without_html(html, &mut found);
            assert_eq!(shown.split_whitespace().collect::<Vec<_>>().join(" "), text, "{html}");
            assert_eq!(found, left_out, "{html}");
        }
    }
}
