//! Takes the Markdown out of a script and gives its paragraphs, one line each.
//!
//! Scripts are often pasted from notes. This is no Markdown parser: it knows what people leave
//! in such notes, and leaves everything else as it is.

use crate::media::characters::is_wide;

/// The paragraphs of a script; a heading or an item of a list is one of its own.
pub(super) fn paragraphs(script: &str) -> Vec<String> {
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
        if marker != Marker::None {
            finish(&mut current);
        }
        let text = inline(text);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let joins = current.chars().next_back().zip(text.chars().next());
        if joins.is_some_and(|(a, b)| !is_wide(a) || !is_wide(b)) {
            current.push(' ');
        }
        current.push_str(&text);
        if marker == Marker::Heading {
            finish(&mut current);
        }
    }
    finish(&mut current);
    paragraphs
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    None,
    Heading,
    Item,
}

/// `---`, `***`, `===`, and the fence of a code block.
fn is_rule(line: &str) -> bool {
    line.starts_with("```")
        || (line.len() >= 3 && line.chars().all(|c| matches!(c, '-' | '*' | '=' | '_' | '~' | ' ')))
}

fn strip_marker(line: &str) -> (Marker, &str) {
    let line = line.trim_start_matches("> ");
    let heading = line.trim_start_matches('#');
    if heading.len() < line.len() && (heading.is_empty() || heading.starts_with(' ')) {
        return (Marker::Heading, heading.trim_end_matches('#'));
    }
    for bullet in ["- ", "* ", "+ ", "• ", "– "] {
        if let Some(item) = line.strip_prefix(bullet) {
            return (Marker::Item, item);
        }
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=2).contains(&digits)
        && let Some(item) =
            line[digits..].strip_prefix(". ").or_else(|| line[digits..].strip_prefix(") "))
    {
        return (Marker::Item, item);
    }
    (Marker::None, line)
}

/// Takes out emphasis, code marks, the targets of links, pictures and invisible characters.
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
            // `2 * 3`, `5*4` and `snake_case` are no emphasis.
            '*' | '_'
                if (!inside_word || run > 1) && !(out.ends_with(' ') && tail.starts_with(' ')) => {}
            '~' if run > 1 => {}
            _ => out.push_str(marks),
        }
        rest = tail;
    }
    out
}

/// `[label](target)` at the very start: the label and what comes after.
fn link(text: &str) -> Option<(&str, &str)> {
    /// Looked for no further than this: a million brackets must not take a million looks each.
    const LONGEST: usize = 1000;
    let until = |text: &str, stop: fn(char) -> bool| {
        text.char_indices().take(LONGEST).find(|(_, c)| stop(*c)).map(|(at, _)| at)
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

    #[test]
    fn markdown_is_read_as_its_words() {
        let script = "# The *Big* Day\nIt **was** a `warm` day, see [the map](https://a.b/c).\n\n\
                      ![a picture](x.png)\n- first\n- second\n1. third\n> quoted\n---\n```\nend";
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
    fn what_only_looks_like_markdown_stays() {
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
    fn brackets_without_end_take_no_time() {
        let brackets = "[".repeat(200_000);
        assert_eq!(paragraphs(&brackets), [brackets]);
    }

    #[test]
    fn chinese_lines_join_without_a_space() {
        assert_eq!(paragraphs("今天\n天气\nis good"), ["今天天气 is good"]);
    }
}
