//! Removes HTML from a script: tags and comments are not spoken, what stands between tags is.
//! Text that only resembles a tag, such as `5 < 6 > 3` or `<your name>`, is kept.

use std::collections::HashSet;

/// Elements that begin a line of their own.
const BLOCKS: &str = " address article aside blockquote body center dd details dialog div dl dt \
    fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html li main menu nav \
    ol optgroup option p pre section select summary table tbody tfoot thead title tr ul ";

/// Elements inside a line.
const INLINE: &str = " a abbr acronym area audio b base bdi bdo big br button canvas cite code col \
    colgroup data datalist del dfn em embed figure font i iframe img input ins kbd label link map \
    mark meta meter nobr noscript object output param picture progress q rp rt ruby s samp slot \
    small source span strike strong sub sup svg td template textarea th time track tt u var video \
    wbr ";

/// Elements whose content is not text.
const HIDDEN: [&str; 2] = ["script", "style"];

/// Longer tags and code spans are text: this limits the search for their end.
const MAX_TAG: usize = 2000;
const MAX_CODE: usize = 200;

/// Returns a script without HTML. Struck-out text is marked as in Markdown.
pub(super) fn without_html(script: &str) -> String {
    if !script.contains('<') {
        return script.to_owned();
    }
    let closed = closed_elements(script);
    let mut out = String::with_capacity(script.len());
    let mut rest = script;
    // The end of each kind of markup is searched once in vain at most.
    let mut unclosed: HashSet<&str> = HashSet::new();
    while let Some(at) = rest.find(['<', '`']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = if rest.starts_with('`') {
            let code = code_span(rest);
            out.push_str(&rest[..code]);
            code
        } else if let Some(length) = hidden(rest, &mut unclosed) {
            length
        } else if let Some(tag) = Tag::parse(rest).filter(|tag| tag.is_markup(&closed)) {
            tag.write(&mut out);
            if tag.is_script(&["sup", "sub"])
                && let Some(shifted) = shifted(&rest[tag.length..], &tag.name)
            {
                out.push_str(&shifted.0);
                tag.length + shifted.1
            } else {
                tag.length
            }
        } else {
            out.push('<');
            1
        };
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
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

/// Returns the length of a comment, a declaration or a hidden element at the start of a text.
fn hidden<'t>(text: &'t str, unclosed: &mut HashSet<&'t str>) -> Option<usize> {
    const KINDS: [(&str, &str); 4] =
        [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<!", ">"), ("<?", "?>")];
    for (start, end) in KINDS {
        if let Some(inside) = text.strip_prefix(start) {
            let is_declaration =
                start != "<!" || inside.starts_with(|c: char| c.is_ascii_alphabetic());
            if !is_declaration || unclosed.contains(end) {
                return None;
            }
            let found = inside.find(end);
            if found.is_none() {
                unclosed.insert(end);
            }
            return found.map(|at| start.len() + at + end.len());
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
    end
}

/// Returns the names of the elements that are closed somewhere.
fn closed_elements(script: &str) -> HashSet<String> {
    let tags = script.match_indices("</").filter_map(|(at, _)| Tag::parse(&script[at..]));
    tags.map(|tag| tag.name).collect()
}

struct Tag {
    /// In lower case.
    name: String,
    length: usize,
    is_closing: bool,
    has_attributes: bool,
    is_plain: bool,
}

impl Tag {
    /// Parses a tag at the start of a text.
    fn parse(text: &str) -> Option<Self> {
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
        let end = rest.char_indices().take(MAX_TAG).find_map(|(at, c)| {
            match quote {
                Some(mark) if mark == c => quote = None,
                Some(_) => {}
                None if c == '"' || c == '\'' => quote = Some(c),
                None if c == '<' => return Some(None),
                None if c == '>' => return Some(Some(at)),
                None => {}
            }
            None
        })??;
        let attributes = rest[..end].trim();
        Some(Self {
            name: name.to_ascii_lowercase(),
            length: text.len() - rest.len() + end + 1,
            is_closing,
            has_attributes: attributes.contains('=') || attributes.ends_with('/'),
            is_plain: attributes.is_empty(),
        })
    }

    fn is_script(&self, names: &[&str]) -> bool {
        !self.is_closing && names.contains(&self.name.as_str())
    }

    fn is_in(&self, list: &str) -> bool {
        list.split_ascii_whitespace().any(|name| name == self.name)
    }

    /// Returns whether this is a tag rather than words in angle brackets.
    fn is_markup(&self, closed: &HashSet<String>) -> bool {
        let is_known = self.is_in(BLOCKS) || self.is_in(INLINE);
        self.is_closing
            || self.has_attributes
            || self.is_plain && (is_known || closed.contains(&self.name))
    }

    /// Writes what stands for the tag in plain text.
    fn write(&self, out: &mut String) {
        match self.name.as_str() {
            // A line break inside a table row would end the row.
            "br" => out.push_str(if in_table_row(out) { " " } else { "\n" }),
            "td" | "th" if !self.is_closing && !out.trim_end_matches(' ').ends_with('\n') => {
                out.push_str(", ");
            }
            "del" | "s" | "strike" => out.push_str("~~"),
            "li" if !self.is_closing => out.push_str("\n\n"),
            _ if self.is_in(BLOCKS) && !in_table_row(out) => out.push_str("\n\n"),
            _ => {}
        }
    }
}

fn in_table_row(out: &str) -> bool {
    out.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with('|'))
}

/// Returns a number raised or lowered by `<sup>` or `<sub>` in the characters for it, and the
/// length of its source.
fn shifted(rest: &str, name: &str) -> Option<(String, usize)> {
    let end = rest.find('<').filter(|&end| end <= 12)?;
    let tag = Tag::parse(&rest[end..]).filter(|tag| tag.is_closing && tag.name == name)?;
    let (digits, from) = if name == "sup" {
        ("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
    } else {
        ("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-")
    };
    let shift = |c| digits.chars().nth(from.find(if c == '−' { '-' } else { c })?);
    let text: Option<String> = rest[..end].chars().map(shift).collect();
    Some((text.filter(|text| !text.is_empty())?, end + tag.length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(html: &str) -> String {
        without_html(html).split_whitespace().collect::<Vec<_>>().join(" ")
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
            ("<s>old</s> new", "~~old~~ new"),
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
        ] {
            assert_eq!(words(text), text);
        }
    }

    #[test]
    fn broken_markup_takes_linear_time() {
        for part in ["<", "<!--", "<a ", "<script>", "</b", "`", "<sup>", "<?", "`` ` "] {
            let _ = without_html(&part.repeat(20_000));
        }
    }
}
