//! Reads a script as Markdown: what is left is the text that people see, block by block. Which
//! lines of a block belong together is left to [`lines`](super::lines).

use std::collections::HashSet;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::language::LanguageTable;
use super::prepare::prepared;
use super::split::is_terminated;

/// The text of a script without markup.
#[derive(Debug, Default)]
pub(super) struct Markup {
    /// The lines of each heading, paragraph, item of a list and row of a table.
    pub(super) blocks: Vec<Vec<String>>,
    /// The indices of the blocks that are headings.
    pub(super) headings: HashSet<usize>,
    /// The targets of images, each with the index of the block in which it stands or that follows.
    pub(super) images: Vec<(usize, String)>,
    /// Text that is not part of what is to be said: front matter, comments, what is struck out,
    /// and what images show.
    pub(super) left_out: Vec<String>,
}

/// Reads a script.
pub(super) fn markup(script: &str, table: &LanguageTable) -> Markup {
    let prepared = prepared(script, table);
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS;
    let mut reader = MarkupReader { source: &prepared.markdown, ..MarkupReader::default() };
    reader.found.left_out.extend_from_slice(&prepared.left_out);
    for (event, range) in Parser::new_ext(&prepared.markdown, options).into_offset_iter() {
        reader.read(event, range);
    }
    reader.finish();
    reader.found
}

#[derive(Default)]
struct MarkupReader<'s> {
    source: &'s str,
    found: Markup,
    block: String,
    is_heading: bool,
    cells: Vec<String>,
    last_cell: usize,
    /// How many images the text describes, one inside another, and their description.
    images: usize,
    image_text: String,
    /// The number of tildes of each strikethrough that is open.
    tildes: Vec<usize>,
    /// How many of these strike text out, and that text.
    strikes: usize,
    struck: String,
}

impl MarkupReader<'_> {
    fn read(&mut self, event: Event<'_>, range: std::ops::Range<usize>) {
        match event {
            Event::Text(text)
            | Event::Code(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text) => self.push(&text),
            Event::SoftBreak | Event::HardBreak => self.push("\n"),
            Event::Rule => self.finish(),
            Event::FootnoteReference(_) | Event::TaskListMarker(_) => {}
            Event::Start(Tag::Heading { .. }) => {
                self.finish();
                self.is_heading = true;
            }
            Event::End(TagEnd::Heading(_)) => {
                self.finish();
                self.is_heading = false;
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                if self.images == 0 && self.strikes == 0 {
                    self.found.images.push((self.found.blocks.len(), dest_url.into_string()));
                }
                self.images += 1;
            }
            Event::End(TagEnd::Image) => {
                self.images -= 1;
                if self.images == 0 {
                    let text = std::mem::take(&mut self.image_text);
                    self.leave_out(text);
                }
            }
            Event::Start(Tag::Strikethrough) => {
                let count = if self.source[range.start..].starts_with("~~") { 2 } else { 1 };
                self.tildes.push(count);
                self.strike(count, 1);
            }
            Event::End(TagEnd::Strikethrough) => {
                let count = self.tildes.pop().unwrap_or_default();
                self.strike(count, -1);
            }
            Event::Start(Tag::Emphasis) if self.is_sign(range.start) => self.push("*"),
            Event::End(TagEnd::Emphasis) if self.is_sign(range.end - 1) => self.push("*"),
            Event::Start(
                Tag::Emphasis | Tag::Strong | Tag::Link { .. } | Tag::Superscript | Tag::Subscript,
            )
            | Event::End(
                TagEnd::Emphasis
                | TagEnd::Strong
                | TagEnd::Link
                | TagEnd::Superscript
                | TagEnd::Subscript,
            ) => {}
            Event::End(TagEnd::TableCell) => {
                self.cells.push(std::mem::take(&mut self.block));
                self.last_cell = range.end;
            }
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => {
                // The parser leaves out the cells for which the head has no column.
                let rest = self.source.get(self.last_cell..range.end).unwrap_or_default();
                self.cells.extend(rest.split('|').map(clean));
                let cells = std::mem::take(&mut self.cells);
                self.block = row(cells.iter().map(String::as_str));
                self.finish();
            }
            Event::Start(_) | Event::End(_) => self.finish(),
        }
    }

    fn push(&mut self, text: &str) {
        let target = if self.images > 0 {
            &mut self.image_text
        } else if self.strikes > 0 {
            &mut self.struck
        } else {
            &mut self.block
        };
        target.push_str(text);
    }

    /// Begins or ends a strikethrough. One tilde stands for “about” or “to”.
    fn strike(&mut self, tildes: usize, change: isize) {
        if tildes < 2 {
            return self.push("~");
        }
        self.strikes = self.strikes.saturating_add_signed(change);
        if self.strikes == 0 {
            let struck = std::mem::take(&mut self.struck);
            self.leave_out(struck);
        }
    }

    fn leave_out(&mut self, text: String) {
        self.found.left_out.extend(Some(text).filter(|text| has_words(text)));
    }

    /// Returns whether the mark at a position is between two letters or digits, as in `5*4*3`, and
    /// therefore not emphasis.
    fn is_sign(&self, at: usize) -> bool {
        let before = self.source[..at].chars().next_back();
        let after = self.source[at..].chars().nth(1);
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        self.source[at..].starts_with('*') && is_letter(before) && is_letter(after)
    }

    fn finish(&mut self) {
        let block = std::mem::take(&mut self.block);
        let mut lines = Vec::new();
        for line in block.lines() {
            // A table without a head.
            let cells = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|'));
            if let Some(cells) = cells.filter(|cells| cells.contains('|') || !has_words(cells)) {
                self.add(std::mem::take(&mut lines));
                self.add(vec![clean(&row(cells.split('|')))]);
            } else {
                lines.push(clean(line));
            }
        }
        self.add(lines);
    }

    fn add(&mut self, lines: Vec<String>) {
        if lines.iter().any(|line| !line.is_empty()) {
            if self.is_heading {
                self.found.headings.insert(self.found.blocks.len());
            }
            self.found.blocks.push(lines);
        }
    }
}

fn has_words(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

/// Returns the cells of a row as one line. A dash stands for an empty cell.
fn row<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let mut row = String::new();
    let mut has_pause = false;
    let is_empty = |cell: &str| cell.chars().all(|c| c.is_whitespace() || "-–—:=".contains(c));
    for cell in cells.map(str::trim).filter(|cell| !is_empty(cell)) {
        if !row.is_empty() {
            row.push_str(if has_pause { " " } else { ", " });
        }
        // Of the cell alone: looking at the whole row for each cell would take quadratic time.
        has_pause = is_terminated(cell) || cell.ends_with([',', ';', ':']);
        row.push_str(cell);
    }
    row
}

/// Removes marks that have no counterpart and references to notes that do not exist, and collapses
/// white space.
fn clean(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if let Some(tail) = note_reference(rest) {
            rest = tail;
            continue;
        }
        let run = rest.len() - rest.trim_start_matches(c).len();
        let (marks, tail) = rest.split_at(run);
        let inside_word =
            out.ends_with(char::is_alphanumeric) && tail.starts_with(char::is_alphanumeric);
        match c {
            '`' => {}
            // `2 * 3`, `5*4` and `snake_case` are not emphasis.
            '*' | '_'
                if (!inside_word || run > 1) && !(out.ends_with(' ') && tail.starts_with(' ')) => {}
            '~' if run > 1 => {}
            _ => out.push_str(marks),
        }
        rest = tail;
    }
    collapsed(&out)
}

/// Returns a text with one space for white space, which may not break where it separates the digits
/// of one number.
fn collapsed(text: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit();
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some(at) = rest.find(char::is_whitespace) {
        let (word, tail) = rest.split_at(at);
        let next = tail.trim_start();
        let is_fixed =
            matches!(&tail[..tail.len() - next.len()], "\u{a0}" | "\u{2009}" | "\u{202f}")
                && word.ends_with(is_digit)
                && next.starts_with(is_digit);
        out.push_str(word);
        out.push(if is_fixed { '\u{a0}' } else { ' ' });
        rest = next;
    }
    out.push_str(rest);
    out
}

/// Returns what follows a reference to a note, such as `[^1]`.
fn note_reference(text: &str) -> Option<&str> {
    const MAX_LABEL: usize = 20;
    let label = text.strip_prefix("[^")?;
    let end = label.char_indices().take(MAX_LABEL).find(|(_, c)| !c.is_alphanumeric())?;
    label[end.0..].strip_prefix(']').filter(|_| end.0 > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(script: &str) -> Vec<String> {
        let found = markup(script, LanguageTable::of("en"));
        found.blocks.iter().map(|lines| lines.join("/")).collect()
    }

    #[test]
    fn markdown_is_reduced_to_its_text() {
        let script = "# The *Big* Day\nIt **was** a `warm` day, see [the map](https://a.b/c).\n\n\
                      ![an image](x.png)\n- first\n- second\n1. third\n2. fourth\n> quoted\n---\n\
                      ```\nend";
        assert_eq!(
            blocks(script),
            [
                "The Big Day",
                "It was a warm day, see the map.",
                "first",
                "second",
                "third",
                "fourth",
                "quoted",
                "end"
            ]
        );
    }

    #[test]
    fn what_is_not_text_is_left_out() {
        for (script, text) in [
            ("| Name | Price |\n|------|-------|\n| Tea | 3 |", "Name, Price|Tea, 3"),
            (
                "Name | Price\n:-- | --:\nTea | 3 | extra | more\nSolo",
                "Name, Price|Tea, 3, extra, more|Solo",
            ),
            ("| a | b |\n| c | d |", "a, b|c, d"),
            ("| a | b | c |\n|---|---|---|\n| Export | ✗ | ✓ |", "a, b, c|Export, ✗, ✓"),
            ("| € | ≥ 5. | – |\n| ∞ |  | d |", "€, ≥ 5.|∞, d"),
            ("10\u{202f}000 people,\u{a0}5\u{a0}kg", "10\u{a0}000 people, 5 kg"),
            ("1. a\n   1. b\n   2. c\n   3. d\n2. e", "a|b|c|d|e"),
            ("1914. War begins.\n1915. Italy joins.", "1914. War begins./1915. Italy joins."),
            ("Dates\n\n1914. War.\n\n1915. Italy.", "Dates|1914. War.|1915. Italy."),
            ("+---+---+\n| a | b |\n+---+---+", "a, b"),
            ("<p>One &amp; two</p><!-- no -->\n<b>three</b>", "One & two|three"),
            ("A note[^1] here.[^2]\n\n[^1]: The note.", "A note here.|The note."),
            ("- [ ] open\n- [x] done", "open|done"),
            ("```rust\nlet a_b = 1;\n```", "let a_b = 1;"),
            ("    indented\n    prose", "indented/prose"),
            ("Use `a*b` and ``c ` d``", "Use a*b and c d"),
            ("See [this][1].\n\n[1]: https://example.com", "See this."),
            ("* one\n* two\n\n+ three", "one|two|three"),
            ("• one\n• two\n– three", "one|two|three"),
            ("– Ça va?\n– Oui.", "Ça va?|Oui."),
            ("**unclosed and __more", "unclosed and more"),
            ("Title\n=====\nText", "Title|Text"),
            ("> a\n> b\n>> c", "a/b/c"),
            ("> [!NOTE]\n> Mind this.", "Mind this."),
            ("- milk\n- eggs\nThen we bake.", "milk|eggs|Then we bake."),
            ("&copy; 2024 &lt;b&gt; &#8212; AT&T", "© 2024 <b> — AT&T"),
            ("1. one\n\n   more of it\n\n2. two", "one|more of it|two"),
            ("nega\u{ad}\ntive and soft\u{ad}ly", "negative and softly"),
        ] {
            assert_eq!(blocks(script).join("|"), text, "{script:?}");
        }
    }

    #[test]
    fn struck_text_and_front_matter_are_reported() {
        let script = "---\ntitle: The Day\ntags:\n  - a\n---\nWe ~~sold~~ bought ~5 kg.\n\nEnd.";
        let found = markup(script, LanguageTable::of("en"));
        assert_eq!(found.left_out, ["title: The Day\ntags:\n  - a", "sold"]);
        assert_eq!(found.blocks, [["We bought ~5 kg."], ["End."]]);
        for prose in ["---\nIt was a day: warm.\n---\nEnd.", "---\nNo end: here", "---"] {
            assert!(markup(prose, LanguageTable::of("en")).left_out.is_empty(), "{prose}");
        }
    }

    #[test]
    fn nested_strikes_and_descriptions_of_images_are_reported() {
        for (script, text, left_out) in [
            ("~~a ~b~ c~~ d", "d", &["a ~b~ c"][..]),
            ("We ~~sold~~ see ![a cat](x.png) here.", "We see here.", &["sold", "a cat"]),
            ("![](x.png) <s>no</s> yes <!-- draft -->", "yes", &["no", "draft"]),
        ] {
            let found = markup(script, LanguageTable::of("en"));
            assert_eq!(found.blocks, [[text]], "{script}");
            assert_eq!(found.left_out, left_out, "{script}");
        }
    }

    #[test]
    fn images_belong_to_the_block_in_which_they_stand_or_that_follows() {
        let script = "![](a.png)\n\n# The ![x](b.png) sky\n\n![](c_d%20e.png)\n![](f.png) Blue. \
                      ![](g.png)\n\n- One ![](h.png)\n- ![](i.png)\n\n~~![](j.png)~~ `![](k.png)` \
                      [![](l.png)](x)\n\n![](m.png)";
        let found = markup(script, LanguageTable::of("en"));
        let images: Vec<String> =
            found.images.iter().map(|(block, target)| format!("{block} {target}")).collect();
        assert_eq!(
            images,
            [
                "0 a.png",
                "0 b.png",
                "1 c_d%20e.png",
                "1 f.png",
                "1 g.png",
                "2 h.png",
                "3 i.png",
                "3 l.png",
                "4 m.png"
            ]
        );
        assert_eq!(found.blocks.len(), 4, "{:?}", found.blocks);
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
            "5*4*3 = 60",
            "5 < 6 > 3",
            "a < b",
            "1~2 and 3~4",
            "12. Nobody scored",
            "[Ann]: Hello there",
            "[Source]: https://example.com",
            ">5 and >= 6",
            "-5 degrees",
            "I <3 you",
            "Dear <name>",
            "100% & more",
        ] {
            assert_eq!(blocks(text), [text]);
        }
        assert_eq!(blocks("The score was\n12. Nobody"), ["The score was/12. Nobody"]);
        assert_eq!(blocks("The score was\n1. Nobody"), ["The score was/1. Nobody"]);
        assert_eq!(blocks("We go\n- finally - home"), ["We go/- finally - home"]);
        let found = markup("Er kam am\n3. Oktober\n\n1. Mai", LanguageTable::of("de"));
        assert_eq!(found.blocks, [vec!["Er kam am", "3. Oktober"], vec!["1. Mai"]]);
    }
}
