//! The images of a Markdown script, which are its scenes: `![…](photo.jpg)`, by reference, or
//! `<img src="photo.jpg">`. They are found as CommonMark has it, except that a path may have spaces,
//! as people write them. What is in code or in a comment is no image.

use std::collections::HashMap;
use std::ops::Range;

use crate::protocol::{FileFormat, FileType};

/// Longer titles, labels and code spans are text, so that many that never end, or are in each other,
/// do not take quadratic time.
const MAX_SPAN: usize = 1000;
/// Deeper parentheses are not those of a target, for the same reason.
const MAX_DEPTH: usize = 32;

/// A part of a Markdown text that is taken out of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MarkdownImage {
    pub(super) range: Range<usize>,
    /// From 1.
    pub(super) line: usize,
    /// The path or the URL of the image, as written. `None` is the definition of a reference that
    /// only images use.
    pub(super) target: Option<String>,
}

/// Returns the images of a text whose lines end with `\n`, in their order.
pub(super) fn markdown_images(text: &str) -> Vec<MarkdownImage> {
    if !text.contains("![") && !text.to_ascii_lowercase().contains("<img") {
        return Vec::new();
    }
    let text = masked(text);
    let marks = Marks::of(&text);
    let mut definitions = definitions(&text, &marks);
    let mut found: Vec<(Range<usize>, Option<String>)> = Vec::new();
    let mut end = 0;
    for at in &marks.starts {
        let image = match &text[*at..=*at] {
            _ if *at < end => None,
            "!" => image(&text, *at, &marks, &mut definitions),
            _ => html_image(&text[*at..]).map(|(length, target)| (at + length, target)),
        };
        if let Some((image_end, target)) = image {
            end = image_end;
            found.push((*at..end, Some(target)));
        }
    }
    let mut uses: HashMap<String, usize> = HashMap::new();
    let is_outside = |at: usize| {
        let before = found.partition_point(|(range, _)| range.start <= at);
        before.checked_sub(1).is_none_or(|before| found[before].0.end <= at)
    };
    let is_label = |open: usize, close: usize| close - open <= MAX_SPAN && is_outside(open);
    for (open, close) in marks.brackets.iter().filter(|(open, close)| is_label(**open, **close)) {
        *uses.entry(normalized(&text[open + 1..*close])).or_default() += 1;
    }
    // Besides the definition itself, which is the first use, there may be links.
    let unused = definitions.into_iter().filter(|(label, definition)| {
        definition.is_of_image && uses.get(label).is_none_or(|uses| *uses <= 1)
    });
    found.extend(unused.map(|(_, definition)| (definition.range, None)));
    found.sort_by_key(|(range, _)| range.start);
    let (mut line, mut counted) = (1, 0);
    let with_line = found.into_iter().map(|(range, target)| {
        line += text[counted..range.start].matches('\n').count();
        counted = range.start;
        MarkdownImage { range, line, target }
    });
    with_line.collect()
}

/// Returns the text with spaces in place of code blocks and comments, of the same length in bytes.
fn masked(text: &str) -> String {
    let last_end = text.rfind("-->").unwrap_or_default();
    let mut masked = String::with_capacity(text.len());
    let mut fence: Option<&str> = None;
    let (mut is_list, mut follows_blank, mut is_code) = (false, true, false);
    let mut in_comment = false;
    for line in text.split_inclusive('\n') {
        let inner = line.trim_start_matches([' ', '\t', '>']);
        let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        let is_indented = indent.len() >= 4 || indent.contains('\t');
        let mark = inner.chars().next().filter(|c| matches!(c, '`' | '~'));
        let marks = &inner[..mark.map_or(0, |mark| run(inner, mark))];
        let info = &inner[marks.len()..];
        let is_hidden = if let Some(open) = fence {
            if marks.starts_with(open) && info.trim().is_empty() {
                fence = None;
            }
            true
        } else if !in_comment && marks.len() >= 3 && !(mark == Some('`') && info.contains('`')) {
            fence = Some(marks);
            true
        } else {
            // What is indented below an item of a list belongs to it.
            is_code = is_indented && !is_list && (follows_blank || is_code) && !in_comment;
            is_code
        };
        let is_blank = line.trim().is_empty();
        if !is_blank && !is_hidden {
            is_list = is_item(inner) || is_list && (!indent.is_empty() || !follows_blank);
        }
        follows_blank = is_blank;
        let mut rest = line;
        if is_hidden {
            hide(rest, &mut masked);
            continue;
        }
        while !rest.is_empty() {
            let end = if in_comment {
                let end = rest.find("-->").map(|at| at + 3);
                in_comment = end.is_none();
                let end = end.unwrap_or(rest.len());
                hide(&rest[..end], &mut masked);
                end
            } else {
                let start = rest.find("<!--").filter(|at| {
                    // One in code, or without an end, is text.
                    rest[..*at].matches('`').count() % 2 == 0 && masked.len() + at < last_end
                });
                in_comment = start.is_some();
                let end = start.unwrap_or(rest.len());
                masked.push_str(&rest[..end]);
                end
            };
            rest = &rest[end..];
        }
    }
    masked
}

/// Returns how often a character is repeated at the start of a text.
fn run(text: &str, c: char) -> usize {
    text.len() - text.trim_start_matches(c).len()
}

fn is_item(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = match line.len() - rest.len() {
        0 => rest.strip_prefix(['-', '*', '+']),
        1..=9 => rest.strip_prefix(['.', ')']),
        _ => None,
    };
    rest.is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

fn hide(part: &str, masked: &mut String) {
    masked.extend(part.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
}

/// What a text has outside of escapes and code.
#[derive(Debug, Default)]
struct Marks {
    /// Where an image may begin.
    starts: Vec<usize>,
    /// Where each bracket opens, and where it closes.
    brackets: HashMap<usize, usize>,
}

impl Marks {
    fn of(text: &str) -> Self {
        let mut found = Self::default();
        let mut open = Vec::new();
        let mut at = 0;
        while let Some(step) = text[at..].find(['\\', '`', '!', '<', '[', ']', '\n']) {
            at += step;
            let rest = &text[at..];
            let is_escaping = rest[1..].starts_with(|c: char| c.is_ascii_punctuation());
            match &rest[..1] {
                "\\" if is_escaping => at += 1,
                "`" => at += code_span(rest) - 1,
                "!" if rest.starts_with("![") => found.starts.push(at),
                "<" if rest.get(1..4).is_some_and(|name| name.eq_ignore_ascii_case("img")) => {
                    found.starts.push(at);
                }
                "[" => open.push(at),
                "]" => {
                    let closed = open.pop().map(|open| (open, at));
                    found.brackets.extend(closed);
                }
                // No label has a blank line in it.
                "\n" if rest[1..].trim_start_matches([' ', '\t']).starts_with('\n') => open.clear(),
                _ => {}
            }
            at += 1;
        }
        found
    }
}

/// Returns the length of the code span at the start, or of its backticks when it does not end.
fn code_span(text: &str) -> usize {
    let marks = run(text, '`');
    let inside = limited(&text[marks..]);
    let inside = inside.split("\n\n").next().unwrap_or(inside);
    let mut at = 0;
    while let Some(step) = inside[at..].find('`') {
        let length = run(&inside[at + step..], '`');
        at += step + length;
        if length == marks {
            return marks + at;
        }
    }
    marks
}

/// Returns the start of a text.
fn limited(text: &str) -> &str {
    let mut end = text.len().min(MAX_SPAN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The target of a reference.
struct Definition {
    target: String,
    /// Its line.
    range: Range<usize>,
    is_of_image: bool,
}

/// Reads the lines `[label]: photo.jpg "title"` by their labels, of which the first counts.
fn definitions(text: &str, marks: &Marks) -> HashMap<String, Definition> {
    let mut found = HashMap::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let range = start..start + line.len();
        start = range.end;
        let open = range.start + run(line, ' ');
        let read = || {
            let close = marks.brackets.get(&open).filter(|close| **close < range.end)?;
            let label = &text[open + 1..*close];
            let rest = text[close + 1..range.end].strip_prefix(':')?.trim();
            let (target, title) = destination(rest)?;
            let title = title.trim_start();
            let is_whole = title.is_empty() || title_end(title) == Some(title.len());
            (is_whole && !target.is_empty() && !label.starts_with('^'))
                .then(|| (normalized(label), target.to_owned()))
        };
        if let Some((label, target)) = read() {
            let definition = Definition { target, range, is_of_image: false };
            found.entry(label).or_insert(definition);
        }
    }
    found
}

/// Returns a label in the one form in which labels are compared.
fn normalized(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Reads the image at a position: its end and its target.
fn image(
    text: &str,
    at: usize,
    marks: &Marks,
    definitions: &mut HashMap<String, Definition>,
) -> Option<(usize, String)> {
    let close = *marks.brackets.get(&(at + 1))?;
    let label = &text[at + 2..close];
    let end = close + 1;
    let rest = &text[end..];
    if rest.starts_with('(')
        && let Some((length, target)) = inline(rest).or_else(|| spaced(rest))
    {
        return Some((end + length, target.to_owned()));
    }
    let reference = marks.brackets.get(&end).map(|close| &text[end + 1..*close]);
    let name = reference.filter(|reference| !reference.trim().is_empty()).unwrap_or(label);
    if name.len() > MAX_SPAN {
        return None;
    }
    let definition = definitions.get_mut(&normalized(name))?;
    definition.is_of_image = true;
    let end = end + reference.map_or(0, |reference| reference.len() + 2);
    Some((end, definition.target.clone()))
}

/// Reads `(target "title")`: its length and the target.
fn inline(text: &str) -> Option<(usize, &str)> {
    let (target, rest) = destination(text[1..].trim_start())?;
    let after = rest.trim_start();
    let title = title_end(after).filter(|_| after.len() < rest.len()).unwrap_or_default();
    let after = after[title..].trim_start().strip_prefix(')')?;
    Some((text.len() - after.len(), target))
}

/// Reads `(my photo.jpg "title")`.
fn spaced(text: &str) -> Option<(usize, &str)> {
    let line = limited(&text[1..]);
    let line = line.split("![").next().unwrap_or(line);
    let line = line.split('\n').next().unwrap_or(line);
    line.match_indices(')').find_map(|(at, _)| {
        let inner = line[..at].trim();
        let title = inner.find(" \"").or_else(|| inner.find(" '"));
        let target = title.map_or(inner, |title| inner[..title].trim_end());
        let is_image = FileFormat::of(target).is_some_and(|it| it.file_type == FileType::Image);
        is_image.then_some((at + 2, target))
    })
}

/// Reads the target of an image or a reference, and returns what follows it.
fn destination(text: &str) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_prefix('<') {
        let end = inner.find(['<', '>', '\n']).filter(|end| inner[*end..].starts_with('>'))?;
        return Some((&inner[..end], &inner[end + 1..]));
    }
    let mut depth = 0;
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            c if c.is_whitespace() => return Some(text.split_at(at)),
            // Another image: this one has no end.
            '!' if text[at..].starts_with("![") => return None,
            _ if is_escaped => {}
            '(' if depth == MAX_DEPTH => return None,
            '(' => depth += 1,
            ')' if depth == 0 => return Some(text.split_at(at)),
            ')' => depth -= 1,
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    Some((text, ""))
}

/// Returns the length of the title at the start of a text.
fn title_end(text: &str) -> Option<usize> {
    let close = match text.chars().next()? {
        '(' => ')',
        c @ ('"' | '\'') => c,
        _ => return None,
    };
    let mut is_escaped = false;
    let end = limited(text).char_indices().skip(1).find(|(_, c)| {
        let is_end = *c == close && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        is_end
    });
    end.map(|(at, _)| at + 1)
}

/// Returns a target without the backslashes before punctuation and without entities.
pub(super) fn unescaped(target: &str) -> String {
    let mut plain = String::with_capacity(target.len());
    let mut chars = target.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = chars.next_if(|next| c == '\\' && next.is_ascii_punctuation());
        plain.push(escaped.unwrap_or(c));
    }
    for (entity, character) in [("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] {
        plain = plain.replace(entity, character);
    }
    plain
}

/// Reads `<img src="photo.jpg">` at the start of a text: its length and its target.
fn html_image(text: &str) -> Option<(usize, String)> {
    let mut rest = &text["<img".len()..];
    if !rest.starts_with(|c: char| c.is_whitespace() || c == '/') {
        return None;
    }
    let mut source = None;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return Some((text.len() - after.len(), source?));
        }
        let end = rest.find(|c: char| c.is_whitespace() || "=>/<\"'".contains(c))?;
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return None;
        }
        let Some(value) = after.trim_start().strip_prefix('=').map(str::trim_start) else {
            rest = after;
            continue;
        };
        let (value, after) = match value.chars().next()? {
            mark @ ('"' | '\'') => value[1..].split_once(mark)?,
            _ => value.split_at(value.find(|c: char| c.is_whitespace() || "<>".contains(c))?),
        };
        let value = value.trim();
        // A tag without an end would take in the next ones.
        if value.to_ascii_lowercase().contains("<img") {
            return None;
        }
        if name.eq_ignore_ascii_case("src") && !value.is_empty() {
            // `<img src=a.png/>`
            source = Some(value.strip_suffix('/').unwrap_or(value).to_owned());
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with the target of each image between `{` and `}`, and without the lines that are
    /// only for images.
    fn marked(text: &str) -> String {
        let mut marked = String::new();
        let mut at = 0;
        for image in markdown_images(text) {
            marked.push_str(&text[at..image.range.start]);
            if let Some(target) = &image.target {
                marked.push_str(&format!("{{{target}}}"));
            }
            at = image.range.end;
        }
        marked.push_str(&text[at..]);
        marked
    }

    #[test]
    fn an_image_is_found_wherever_it_stands() {
        for (text, expected) in [
            // Alone, at the beginning, in the middle, at the end.
            ("![Sky](a.png)\n\nBlue.", "{a.png}\n\nBlue."),
            ("![](a.png) Blue.", "{a.png} Blue."),
            ("The ![sky](a.png) is blue.", "The {a.png} is blue."),
            ("Blue. ![ ](a.png)", "Blue. {a.png}"),
            // In lists, headings, quotations, tables and links.
            ("- ![](a.png) One\n- Two", "- {a.png} One\n- Two"),
            ("1. One\n\n    ![](a.png)", "1. One\n\n    {a.png}"),
            ("- One\n\n\t![](a.png)\n\nEnd", "- One\n\n\t{a.png}\n\nEnd"),
            ("# ![](a.png) Sky", "# {a.png} Sky"),
            ("> ![](a.png)\n> Sky", "> {a.png}\n> Sky"),
            ("| ![](a.png) | Sky |", "| {a.png} | Sky |"),
            ("[![Sky](a.png)](https://b.c)", "[{a.png}](https://b.c)"),
            ("**![](a.png)** and ![](a.png)", "**{a.png}** and {a.png}"),
            // Alternative texts and titles of any form.
            ("![a [b] c](a.png)", "{a.png}"),
            ("![a ![b](b.png) c](a.png)", "{a.png}"),
            ("![a \\] b](a.png)", "{a.png}"),
            ("![two\nlines](a.png)", "{a.png}"),
            ("![`]`](a.png)", "{a.png}"),
            ("![](a.png \"The sky\")", "{a.png}"),
            ("![](a.png 'It\\'s \"blue\"')", "{a.png}"),
            ("![](a.png\n  (The sky))", "{a.png}"),
            ("![]( a.png )", "{a.png}"),
            // Paths of any form.
            ("![](<my sky (1).png> \"Sky\")", "{my sky (1).png}"),
            ("![](sky_(1).png) (a)", "{sky_(1).png} (a)"),
            ("![](sky\\).png)", "{sky\\).png}"),
            ("![](my%20sky.png)", "{my%20sky.png}"),
            ("![](my sky.png \"Sky\") (x)", "{my sky.png} (x)"),
            ("![](my sky (1).jpeg)", "{my sky (1).jpeg}"),
            ("![](images\\sky.png)", "{images\\sky.png}"),
            ("![](https://a.b/c.png?d=e&f=(g))", "{https://a.b/c.png?d=e&f=(g)}"),
            ("![](data:image/png;base64,QUJD)", "{data:image/png;base64,QUJD}"),
            ("![]()x", "{}x"),
            // References.
            ("![Sky][s]\n\n[s]: a.png\nEnd", "{a.png}\n\nEnd"),
            ("![Sky ][]\n\n[ SKY]: <a b.png> 'Sky'", "{a b.png}\n\n"),
            ("![Sky], [Sky]\n\n[sky]: a.png", "{a.png}, [Sky]\n\n[sky]: a.png"),
            ("![s][s]\n[s]: a.png\n[s]: b.png", "{a.png}\n[s]: a.png\n[s]: b.png"),
            // HTML.
            ("<img src=\"a.png\" alt='>'>Sky", "{a.png}Sky"),
            ("<p><IMG width=5 src=a.png/></p>", "<p>{a.png}</p>"),
            ("<img\n  alt\n  src='a b.png'\n/>", "{a b.png}"),
        ] {
            assert_eq!(marked(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_image_is_left_as_it_is() {
        for text in [
            "A [link](a.png) and !(a.png) and [![",
            "\\![Sky](a.png)",
            "`![Sky](a.png)` and `` ` ![](b.png) ``",
            "```\n![](a.png)\n```",
            "~~~ md\n```\n![](a.png)\n~~~",
            "- Code:\n  ```\n  ![](a.png)\n  ```",
            "```\n![](a.png)",
            "Code:\n\n    ![](a.png)\n\n\t![](b.png)",
            "<!-- ![](a.png) -->",
            "<!--\n![](a.png)\n\n<img src=\"b.png\">\n-->",
            "![unknown][ref] and ![ref]",
            "![a\n\nb](a.png)",
            "![a](b c)",
            "![a](a.png",
            "![a (a.png)",
            "<img alt=\"x\"> <imgs src=\"a.png\"> <img src=\"a.png\"",
            "[^1]: note.png ![^1]",
        ] {
            assert_eq!(markdown_images(text), [], "{text:?}");
        }
        // What only resembles code or a comment.
        for (text, expected) in [
            ("`a ![](a.png)", "`a {a.png}"),
            ("a\n    ![](a.png)", "a\n    {a.png}"),
            ("<!-- ![](a.png)", "<!-- {a.png}"),
            ("`<!--` ![](a.png) -->", "`<!--` {a.png} -->"),
            ("``` a ``` ![](a.png)", "``` a ``` {a.png}"),
        ] {
            assert_eq!(marked(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_are_counted_and_targets_unescaped() {
        let text = "# Ü\n![](a.png)\n\n```\n![]\n```\n<!-- é --> ![](b.png)![](c.png)";
        let lines: Vec<usize> = markdown_images(text).iter().map(|image| image.line).collect();
        assert_eq!(lines, [2, 7, 7]);
        assert_eq!(unescaped("a\\_b\\(1\\)&amp;c\\d.png\\"), "a_b(1)&c\\d.png\\");
    }

    #[test]
    fn repeated_marks_take_linear_time() {
        for part in [
            "![",
            "![](",
            "![a](b ",
            "[",
            "]",
            "`",
            "`` ` ",
            "<img ",
            "<img a=\"",
            "<img a='\"",
            "<!--",
            "![a]",
            "![a][",
            "[a]: b\n",
            "\\",
            "![](a",
            "![](<",
            "<IMG a=\"",
            "(",
            "- ",
            "```\n",
            "    a\n",
            "![](a.png)",
        ] {
            markdown_images(&format!("![]{}", part.repeat(200_000 / part.len())));
        }
        for (open, close) in [
            ("[", "]"),
            ("![", "]"),
            ("![", "]("),
            ("![", "](a b"),
            ("![", "](<"),
            ("![", "][a]"),
            ("![](a b", ")"),
            ("![](a b", " \")"),
        ] {
            let nested = [open.repeat(100_000 / open.len()), close.repeat(100_000 / close.len())];
            markdown_images(&format!("![]{}", nested.concat()));
        }
    }
}
