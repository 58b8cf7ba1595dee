//! The text of an HTML file that is inserted into a document. HTML from word processors is seldom
//! well-formed, so this reads tags one by one and never fails.

use quick_xml::escape::resolve_html5_entity;

/// Elements whose content is not text.
const SKIPPED: [&str; 6] = ["head", "script", "style", "template", "title", "noscript"];
/// Elements within a paragraph. All others end one.
const INLINE: &str = " a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label \
                      mark q s samp small span strike strong sub sup time tt u var wbr ";
/// The longest character reference: `&CounterClockwiseContourIntegral;`.
const MAX_REFERENCE_BYTES: usize = 33;

/// Returns the paragraphs of an HTML document.
pub(super) fn text_of_html(html: &str) -> String {
    let mut text = String::new();
    let mut paragraph = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        push_text(&mut paragraph, &rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if !rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
        {
            push_text(&mut paragraph, "<");
            rest = &rest[1..];
            continue;
        }
        // The text ends within a tag.
        let Some((tag, after)) = rest[1..].split_once('>') else {
            rest = "";
            break;
        };
        rest = after;
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric());
        let name = name.into_iter().next().unwrap_or_default().to_ascii_lowercase();
        if SKIPPED.contains(&name.as_str()) && !tag.starts_with('/') && !tag.ends_with('/') {
            rest = after_end_tag(rest, &name);
        } else if name == "br" {
            paragraph.push('\n');
        } else if !INLINE.contains(&format!(" {name} ")) {
            end_paragraph(&mut text, &mut paragraph);
        }
    }
    push_text(&mut paragraph, rest);
    end_paragraph(&mut text, &mut paragraph);
    text.trim_end().to_owned()
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

fn end_paragraph(text: &mut String, paragraph: &mut String) {
    let lines = paragraph.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let lines = lines.trim();
    if !lines.is_empty() {
        text.push_str(lines);
        text.push_str("\n\n");
    }
    paragraph.clear();
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
    use super::text_of_html;

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
            ("<style>no end", ""),
            ("", ""),
        ] {
            assert_eq!(text_of_html(html), text, "{html}");
        }
    }

    #[test]
    fn many_unfinished_tags_take_linear_time() {
        for html in [
            "<".repeat(1 << 16),
            "&".repeat(1 << 16),
            "<!--".repeat(1 << 14),
            "<style>".repeat(1 << 14),
        ] {
            text_of_html(&html);
        }
    }
}
