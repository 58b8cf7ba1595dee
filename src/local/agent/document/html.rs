//! The text of an HTML file that is inserted into a document. HTML from word processors is seldom
//! well-formed, so this reads tags one by one and never fails.

use quick_xml::escape::resolve_html5_entity;

use super::numbering::{formatted, spoken};
use super::styles::HeadingLevel;
use super::{Omission, Omitted, heading, symbols};

/// Elements whose content is not text.
const SKIPPED: [&str; 6] = ["head", "script", "style", "template", "title", "noscript"];
/// Elements within a paragraph. All others end one.
const INLINE: &str = " a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd \
                      label mark nobr q rp rt ruby s samp small span strike strong sub sup time \
                      tt u var wbr ";
/// Elements without content.
const VOID: &str = " area base br col embed hr img input link meta param source track wbr ";
/// Lists within lists; more than any page has.
const MAX_LISTS: usize = 100;
/// The longest character reference: `&CounterClockwiseContourIntegral;`.
const MAX_REFERENCE_BYTES: usize = 33;

/// Returns the paragraphs of an HTML document, and what they are without.
pub(super) fn text_of_html(html: &str) -> (String, Omitted) {
    let mut page = Page::default();
    let mut rest = html;
    let mut obeys_quotes = true;
    while let Some(at) = rest.find('<') {
        page.push_text(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if !rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
        {
            page.push_text("<");
            rest = &rest[1..];
            continue;
        }
        let split = obeys_quotes.then(|| split_at_end(&rest[1..])).flatten();
        // Where a value never ends, looking for the end of each would take quadratic time.
        obeys_quotes &= split.is_some();
        // The text ends within a tag.
        let Some((tag, after)) = split.or_else(|| rest[1..].split_once('>')) else {
            rest = "";
            break;
        };
        rest = after;
        // Not an element, such as the conditions that Word writes within paragraphs.
        if tag.starts_with(['!', '?']) {
            continue;
        }
        let tag = Tag::parse(tag);
        if SKIPPED.contains(&tag.name.as_str()) && !tag.is_closing && !tag.is_empty {
            rest = after_end_tag(rest, &tag.name);
        } else {
            page.tag(&tag);
        }
    }
    page.push_text(rest);
    page.end_paragraph();
    (page.text.trim_end().to_owned(), page.omitted)
}

#[derive(Debug)]
struct Tag {
    /// In lower case.
    name: String,
    /// In lower case.
    attributes: String,
    is_closing: bool,
    is_empty: bool,
}

impl Tag {
    /// Parses what stands between angle brackets.
    fn parse(tag: &str) -> Self {
        let is_closing = tag.starts_with('/');
        let inner = tag.trim_start_matches('/');
        let is_in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-');
        let end = inner.find(|c: char| !is_in_name(c)).unwrap_or(inner.len());
        let (name, attributes) = inner.split_at(end);
        let attributes = attributes.to_ascii_lowercase();
        let is_empty = tag.ends_with('/') || VOID.contains(&format!(" {} ", name.to_lowercase()));
        Self { name: name.to_ascii_lowercase(), attributes, is_closing, is_empty }
    }

    /// The names and values of its attributes.
    fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = self.attributes.as_str();
        std::iter::from_fn(move || {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if rest.is_empty() {
                return None;
            }
            let is_end = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '/');
            let (name, after) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
            let Some(value) = after.trim_ascii_start().strip_prefix('=') else {
                rest = after;
                return Some((name, ""));
            };
            let value = value.trim_ascii_start();
            let value_and_rest = match value.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    let value = &value[1..];
                    value.split_once(quote).unwrap_or((value, ""))
                }
                _ => value.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((value, "")),
            };
            rest = value_and_rest.1;
            Some((name, value_and_rest.0))
        })
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes().find(|(found, _)| *found == name)?;
        Some(value.trim_end_matches('/'))
    }

    /// Whether it stands within a paragraph. Browsers show elements of other vocabularies so.
    fn is_inline(&self) -> bool {
        self.name.contains([':', '-']) || INLINE.contains(&format!(" {} ", self.name))
    }

    /// Whether its content is not on the page.
    fn is_hidden(&self) -> bool {
        let is_hiding = |style: &str| {
            let style: String = style.split_ascii_whitespace().collect();
            let hiding = ["display:none", "visibility:hidden", "mso-hide:all"];
            hiding.iter().any(|hiding| style.contains(hiding))
        };
        matches!(self.name.as_str(), "rt" | "rp")
            || self
                .attributes()
                .any(|(name, value)| name == "hidden" || (name == "style" && is_hiding(value)))
    }
}

/// An element whose content is left out.
#[derive(Debug)]
struct HiddenElement {
    name: String,
    /// How many elements of its name are open.
    depth: usize,
    is_struck: bool,
}

/// The text of a page as far as it is read.
#[derive(Debug, Default)]
struct Page {
    text: String,
    paragraph: String,
    omitted: Omitted,
    hidden: Option<HiddenElement>,
    /// Where the raised or lowered text begins in the paragraph.
    shifted: Option<usize>,
    /// The number of the next item of each open list, and its format; `None` for bullets.
    lists: Vec<Option<(u32, &'static str)>>,
    /// The number of the item that begins.
    label: Option<String>,
    /// The level of the heading that is open.
    heading: HeadingLevel,
}

impl Page {
    fn tag(&mut self, tag: &Tag) {
        if let Some(hidden) = &mut self.hidden {
            if hidden.name != tag.name {
                return;
            }
            // A paragraph ends where another begins.
            match tag.is_closing || tag.name == "p" {
                true => hidden.depth -= 1,
                false => hidden.depth += usize::from(!tag.is_empty),
            }
            if hidden.depth > 0 {
                return;
            }
            self.hidden = None;
            if tag.is_closing {
                return;
            }
        }
        let name = tag.name.as_str();
        let is_struck = matches!(name, "del" | "s" | "strike");
        if !tag.is_inline() && name != "br" {
            self.end_paragraph();
        }
        if !tag.is_closing && !tag.is_empty && (is_struck || tag.is_hidden()) {
            self.hidden = Some(HiddenElement { name: name.to_owned(), depth: 1, is_struck });
            return;
        }
        match (name, tag.is_closing) {
            ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", is_closing) => {
                let level = name[1..].parse().ok();
                self.heading = level.filter(|_| !is_closing);
            }
            ("br", _) => self.paragraph.push('\n'),
            ("sup" | "sub", false) => self.shifted = Some(self.paragraph.len()),
            ("sup" | "sub", true) => self.end_shift(name == "sup"),
            ("ol" | "ul", false) if self.lists.len() < MAX_LISTS => {
                let first =
                    tag.attribute("start").and_then(|start| start.parse().ok()).unwrap_or(1_u32);
                // The letter case of a type is lost, and does not matter to a listener.
                let format = match tag.attribute("type") {
                    Some("a") => "lowerLetter",
                    Some("i") => "upperRoman",
                    _ => "decimal",
                };
                self.lists.push((name == "ol").then_some((first, format)));
            }
            ("ol" | "ul", true) => {
                self.lists.pop();
                self.label = None;
            }
            ("li", false) => {
                self.label = None;
                if let Some(Some((next, format))) = self.lists.last_mut() {
                    let own = tag.attribute("value").and_then(|value| value.parse().ok());
                    let number = own.unwrap_or(*next);
                    *next = number.saturating_add(1);
                    let shown = match *format {
                        "lowerLetter" if number > 0 => letters(number),
                        format => formatted(number, format),
                    };
                    self.label = Some(spoken(&format!("{shown}.")));
                }
            }
            _ => {}
        }
    }

    fn end_shift(&mut self, is_raised: bool) {
        let Some(at) = self.shifted.take().filter(|at| self.paragraph.is_char_boundary(*at)) else {
            return;
        };
        let text = self.paragraph.split_off(at);
        if is_raised {
            let raised = symbols::superscript(&self.paragraph, text);
            self.paragraph.push_str(&raised);
        } else {
            if text.starts_with(|c: char| c.is_ascii_digit()) {
                symbols::lower_numerator(&mut self.paragraph);
            }
            self.paragraph.push_str(&text);
        }
    }

    fn end_paragraph(&mut self) {
        self.shifted = None;
        let lines = self.paragraph.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        let lines = lines.trim();
        if !lines.is_empty() {
            let text = match self.label.take() {
                Some(label) => format!("{label} {lines}"),
                None => lines.to_owned(),
            };
            self.text.push_str(&heading(self.heading.take(), text));
            self.text.push_str("\n\n");
        }
        self.paragraph.clear();
    }

    fn push_text(&mut self, text: &str) {
        match &self.hidden {
            None => {
                symbols::degrees(&mut self.paragraph, text);
                push_text(&mut self.paragraph, text);
            }
            Some(hidden) if hidden.is_struck && !text.trim().is_empty() => {
                self.omitted.insert(Omission::StruckText);
            }
            Some(_) => {}
        }
    }
}

/// a, b … z, aa, ab … as browsers count, other than Word.
fn letters(mut count: u32) -> String {
    let mut reversed = Vec::new();
    while count > 0 {
        count -= 1;
        reversed.push(char::from(b'a' + (count % 26) as u8));
        count /= 26;
    }
    reversed.iter().rev().collect()
}

/// Splits a text that begins within a tag at the end of it, which is not within a quoted value.
fn split_at_end(text: &str) -> Option<(&str, &str)> {
    let (mut quote, mut before) = (None, ' ');
    for (at, c) in text.char_indices() {
        match quote {
            None if c == '>' => return Some((&text[..at], &text[at + 1..])),
            None if matches!(c, '"' | '\'') && before == '=' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => {}
        }
        if !c.is_ascii_whitespace() {
            before = c;
        }
    }
    None
}

/// Returns what follows the end tag of an element without text, or nothing if there is none.
fn after_end_tag<'t>(text: &'t str, name: &str) -> &'t str {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("</") {
        let found = after.get(..name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name));
        if found && !after[name.len()..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return after.split_once('>').map_or("", |(_, after)| after);
        }
        rest = after;
    }
    ""
}

/// Adds text with its character references resolved, and with a single space for any whitespace.
fn push_text(paragraph: &mut String, text: &str) {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = rest.bytes().take(MAX_REFERENCE_BYTES).position(|byte| byte == b';');
        let reference = end.filter(|_| c == '&').and_then(|end| rest.get(1..end));
        if let Some((reference, character)) =
            reference.and_then(|name| Some((name, resolved(name)?)))
        {
            paragraph.push_str(&character);
            rest = &rest[reference.len() + 2..];
            continue;
        }
        if !c.is_ascii_whitespace() {
            paragraph.push(c);
        } else if !paragraph.ends_with([' ', '\n']) {
            paragraph.push(' ');
        }
        rest = &rest[c.len_utf8()..];
    }
}

fn resolved(reference: &str) -> Option<String> {
    let Some(number) = reference.strip_prefix('#') else {
        return resolve_html5_entity(reference).map(str::to_owned);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    let character = char::from_u32(code.ok()?).filter(|c| !c.is_control())?;
    Some(character.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_read_as_a_browser_shows_it() {
        for (html, text) in [
            ("<html><body><p>The words in the chunk.</p></body></html>", "The words in the chunk."),
            ("<p>One<br>two</p><p>Three", "One\ntwo\n\nThree"),
            (
                "<head><title>x</title></head><STYLE>p {}</style><b>B</b>old &amp; <i>thin</i>",
                "Bold & thin",
            ),
            ("a &lt; b &eacute; &#8212; &#x41; &nope; &", "a < b é — A &nope; &"),
            ("1 < 2 and <!-- a > b --> 3", "1 < 2 and 3"),
            ("<script>if (a</b) {}</script>after", "after"),
            ("  many \n  spaces ", "many spaces"),
            ("<ul><li>One</li><li>Two</li></ul>", "One\n\nTwo"),
            ("cut <off", "cut"),
            ("a <img alt=\"x > y\"> b <a title = 'x>'>c</a>", "a b c"),
            ("a <b title=\"x>y</b> and <i>c</i>", "a y and c"),
            ("<p title=\"a hidden gem\" class='x hidden y'>a</p>", "a"),
            ("in <st1:City w:st=\"on\">Paris</st1:City><o:p></o:p> now", "in Paris now"),
            ("<p><![if !supportLists]>1.<![endif]> a<?xml:namespace ?>b</p>", "1. ab"),
            ("<style>no end", ""),
            ("", ""),
        ] {
            assert_eq!(text_of_html(html), (text.to_owned(), Omitted::new()), "{html}");
        }
    }

    #[test]
    fn html_keeps_to_the_rules_of_documents() {
        for (html, text) in [
            ("10<sup>6</sup> and H<sub>2</sub>O", "10⁶ and H2O"),
            ("<p>It is old.<sup><a href=\"#n\">[3]</a></sup> So", "It is old. So"),
            ("20<sup>o</sup>C and <sup>1</sup>/<sub>2</sub> cup", "20°C and 1/2 cup"),
            ("<ol><li>One<li></li><li><p>Two</p><p>More</p></ol>", "1: One\n\n3: Two\n\nMore"),
            ("<ol start=\"4\" type='a'><li>One<ul><li>Two</ul></ol>", "d: One\n\nTwo"),
            ("<ol type=a start=28><li>One<li title='value=1'>Two</ol>", "ab: One\n\nac: Two"),
            ("<ol><li value=7>One<li>Two</ol><p>End", "7: One\n\n8: Two\n\nEnd"),
            ("<ol start=0><li>One<li>Two</ol>", "0: One\n\n1: Two"),
            ("a <span style=\"color: red; DISPLAY : none\">b <span>c</span> d</span>e", "a e"),
            ("<div hidden><p>a</p></div><p>b", "b"),
            ("<div id=x hidden=''>a</div>b", "b"),
            ("<p style='mso-hide:all'>a<p>b", "b"),
            ("<img style='display:none'>a", "a"),
            ("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "漢"),
        ] {
            assert_eq!(text_of_html(html), (text.to_owned(), Omitted::new()), "{html}");
        }
        for html in ["a <del>b</del>c", "a <s>b <i>b</i></s>c", "a <strike>b</strike>c"] {
            let struck = Omitted::from([Omission::StruckText]);
            assert_eq!(text_of_html(html), ("a c".to_owned(), struck), "{html}");
        }
    }

    #[test]
    fn many_unfinished_tags_take_linear_time() {
        for html in [
            "<".repeat(1 << 16),
            "&".repeat(1 << 16),
            "<!--".repeat(1 << 14),
            "<a b=\">\" b='".repeat(1 << 14),
            "<style>".repeat(1 << 14),
            "<sup>1".repeat(1 << 14),
            "<ol><li>".repeat(1 << 14),
            "<del>".repeat(1 << 14),
        ] {
            text_of_html(&html);
        }
    }
}
