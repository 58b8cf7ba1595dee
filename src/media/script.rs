//! Splits a script into sentences and decides how long to pause after each: first markup is
//! removed, then lines are joined to paragraphs, then paragraphs are split. Speaking the sentences
//! is left to [`narration`](super::narration), captions to [`captions`](super::captions).

mod html;
mod language;
mod lines;
mod markup;
mod prepare;
mod split;

use std::time::Duration;

use super::characters::{is_color_emoji, is_decoration, is_emoji, is_invisible};
use language::LanguageTable;
use lines::Vocabulary;

const AFTER_SENTENCE: Duration = Duration::from_millis(300);
const AFTER_ELLIPSIS: Duration = Duration::from_millis(450);
const AFTER_PARAGRAPH: Duration = Duration::from_millis(620);
/// Pause between the parts of a sentence that is too long to be spoken in one go.
const AFTER_PART: Duration = Duration::from_millis(120);

/// Longer sentences are split: some scripts have no full stops, but a voice must pause.
const MAX_SENTENCE_CHARS: usize = 400;

/// The sentences of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) sentences: Vec<ScriptSentence>,
    /// Text that belongs to no sentence: front matter, comments, struck-out text, what images show,
    /// and lines of signs.
    pub(crate) left_out: Vec<String>,
    /// The targets of its images, each with the number of the paragraph in which it stands or that
    /// follows; the last one where none does.
    pub(crate) images: Vec<(usize, String)>,
    /// The number of paragraphs.
    pub(crate) paragraphs: usize,
}

/// One sentence of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScriptSentence {
    /// Text for captions: with emoji, without markup.
    pub(crate) text: String,
    /// Silence after the sentence.
    pub(crate) pause_after: Duration,
    /// The number of the paragraph that begins here, from 1. A heading belongs to the one after it.
    pub(crate) paragraph: Option<usize>,
    /// The whole heading that begins here.
    pub(crate) heading: Option<String>,
}

/// Splits a script into sentences, leaving out those without a letter or digit.
///
/// Handles any line ending, paragraphs, Markdown, HTML, abbreviations of the language, numbers,
/// quotes, ellipses, and Chinese and Japanese punctuation.
pub(crate) fn sentences(script: &str, language: &str) -> Script {
    let table = LanguageTable::of(language);
    let markup = markup::markup(script, table);
    let vocabulary = Vocabulary::of(script);
    let mut found = Script {
        left_out: markup.left_out,
        sentences: Vec::new(),
        images: Vec::new(),
        paragraphs: 0,
    };
    let mut images = markup.images.into_iter().peekable();
    let mut is_open = false;
    for (index, block) in markup.blocks.iter().enumerate() {
        let before = found.sentences.len();
        for paragraph in lines::paragraphs(block, table, &vocabulary) {
            found.add(&paragraph, table);
        }
        let is_heading = markup.headings.contains(&index);
        let Some(first) = found.sentences.get_mut(before) else { continue };
        if !is_open {
            found.paragraphs += 1;
            first.paragraph = Some(found.paragraphs);
        }
        first.heading = is_heading.then(|| block.join(" "));
        is_open = is_heading;
        while let Some((_, target)) = images.next_if(|(block, _)| *block <= index) {
            found.images.push((found.paragraphs, target));
        }
    }
    let last = found.paragraphs;
    found.images.extend(images.map(|(_, target)| (last, target)).filter(|_| last > 0));
    found
}

impl Script {
    fn add(&mut self, paragraph: &str, table: &LanguageTable) {
        let before = self.sentences.len();
        for text in split::split(paragraph, table) {
            if !text.chars().any(char::is_alphanumeric) {
                // Emoji and punctuation are decoration; a sign is not.
                if text.split(' ').any(|part| !is_decoration(part) && part.chars().any(is_sign)) {
                    self.left_out.push(text.to_owned());
                }
                continue;
            }
            let end = text.trim_end_matches(|c| split::is_closing(c) || is_emoji(c) || c == ' ');
            let ellipsis = end.ends_with('…') || end.ends_with("...");
            let pause = if ellipsis { AFTER_ELLIPSIS } else { AFTER_SENTENCE };
            let mut parts = split_long(text).peekable();
            while let Some(part) = parts.next() {
                let pause_after = if parts.peek().is_some() { AFTER_PART } else { pause };
                let text = part.to_owned();
                self.sentences.push(ScriptSentence {
                    text,
                    pause_after,
                    paragraph: None,
                    heading: None,
                });
            }
        }
        if let Some(last) = self.sentences[before..].last_mut() {
            last.pause_after = AFTER_PARAGRAPH;
        }
    }
}

/// Returns whether a character stands for a word without being a letter or digit: `≥`, `€`.
fn is_sign(c: char) -> bool {
    const MARKS: &str = "§¶†‡•·…‰←→↑↓¿¡«»‹›„“”‘’‚‛–—―−、。・「」『』（）【】《》〈〉！？，；：～￥";
    let is_drawn = !c.is_whitespace() && !is_invisible(c) && !is_color_emoji(c);
    !c.is_ascii() && is_drawn && !MARKS.contains(c) && !is_combining(c)
}

const fn is_combining(c: char) -> bool {
    matches!(c as u32, 0x300..=0x36F | 0x2010..=0x206F | 0x2500..=0x25FF | 0x3000..=0x303F)
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

#[cfg(test)]
mod tests {
    use super::super::captions::captions;
    use super::super::spoken::spoken;
    use super::*;

    fn texts(script: &str) -> Vec<String> {
        sentences(script, "en-US").sentences.into_iter().map(|sentence| sentence.text).collect()
    }

    #[test]
    fn a_script_without_words_has_no_sentences() {
        for script in ["", " \r\n\t ", "...", "— … !?", "***\n\n---\n", "🎉🎉", "\u{feff}\n"]
        {
            assert_eq!(texts(script), [""; 0], "{script:?}");
        }
    }

    #[test]
    fn lines_are_joined_and_paragraphs_pause_longer_with_any_line_ending() {
        for script in [
            "One\ntwo. Three.\n\nFour.",
            "One\r\ntwo. Three.\r\n\r\nFour.",
            "One\rtwo. Three.\r\rFour.",
            "One\u{2028}two. Three.\u{2029}Four.",
        ] {
            let found = sentences(script, "en").sentences;
            let texts: Vec<_> = found.iter().map(|s| s.text.as_str()).collect();
            assert_eq!(texts, ["One two.", "Three.", "Four."], "{script:?}");
            assert_eq!(found[0].pause_after, AFTER_SENTENCE);
            assert_eq!(found[1].pause_after, AFTER_PARAGRAPH);
        }
    }

    #[test]
    fn an_ellipsis_is_followed_by_a_longer_pause() {
        let pauses: Vec<_> = sentences("Well… “So...” Yes. Fine… then. End.", "en")
            .sentences
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
        let found = sentences(&script, "en").sentences;
        assert!(found.len() > 3);
        let joined: Vec<_> = found.iter().map(|s| s.text.as_str()).collect();
        assert_eq!(joined.join(" ").split_whitespace().count(), script.split_whitespace().count());
        assert!(found.iter().all(|s| s.text.chars().count() <= MAX_SENTENCE_CHARS));
        assert!(found[0].text.ends_with(','));
        assert_eq!(texts(&"字".repeat(1000)).len(), 3);
    }

    #[test]
    fn a_heading_begins_the_paragraph_after_it() {
        let script =
            "# The sky. At last\n\nIt is blue. Why?\n\nThere is a reason.\n\n## The sea\nBlue.";
        let found = sentences(script, "en").sentences;
        let starts: Vec<_> = found
            .iter()
            .map(|it| (it.text.as_str(), it.paragraph, it.heading.as_deref()))
            .collect();
        assert_eq!(
            starts,
            [
                ("The sky.", Some(1), Some("The sky. At last")),
                ("At last", None, None),
                ("It is blue.", None, None),
                ("Why?", None, None),
                ("There is a reason.", Some(2), None),
                ("The sea", Some(3), Some("The sea")),
                ("Blue.", None, None),
            ]
        );
    }

    #[test]
    fn images_are_those_of_paragraphs() {
        let script = "Hi.\n\n![](a.png)\n\n# Sky\n\n![](b.png)\nIt is blue.\n\n***\n\n![](c.png) \
                      …\n\n- One\n- Two ![](d.png)\n\n![](e.png)";
        let found = sentences(script, "en");
        let images: Vec<String> =
            found.images.iter().map(|(number, target)| format!("{number} {target}")).collect();
        assert_eq!(images, ["2 a.png", "2 b.png", "3 c.png", "4 d.png", "4 e.png"]);
        assert_eq!(found.paragraphs, 4);
        assert_eq!(sentences("![](a.png)", "en").images, []);
    }

    #[test]
    fn a_line_below_a_title_makes_it_a_heading() {
        let headings = |script: &str| {
            let found = sentences(script, "en").sentences;
            found.into_iter().filter_map(|it| it.heading).collect::<Vec<_>>().join("|")
        };
        let long = format!("{} word\n---\nText.", "long".repeat(30));
        for (script, expected) in [
            ("The sky\n=======\nIt is blue.\n\nThe sea\n---\nBlue.", "The sky|The sea"),
            ("The sky\r\n===\r\nIt is blue.", "The sky"),
            ("Why? It is.\n===========\nText", "Why? It is."),
            (
                "1. The sky\n----------\nText\n\n2. The sea\n==========\nText",
                "1. The sky|2. The sea",
            ),
            ("**The** sky\n---", "The sky"),
            // Text above a rule.
            ("It is blue.\n---\nNext.", ""),
            ("It is blue, because:\n---\nNext.", ""),
            ("First line\nof a paragraph\n---\nNext.", ""),
            (&long, ""),
            ("The sky\n\n---\nText.", ""),
            // Items, tables and quotes.
            ("- The sky\n---\nText.", ""),
            ("Name | Price\n---\nTea | 3", ""),
            ("Name Price\n---- -----\nTea  3", ""),
            ("> The sky\n---\nText", ""),
            ("***\n===\nText", ""),
            ("# The sky\n===\nText", "The sky"),
            ("---\ntitle: a\n---\nText", ""),
        ] {
            assert_eq!(headings(script), expected, "{script:?}");
        }
    }

    #[test]
    fn what_is_in_no_sentence_is_reported() {
        for (script, left_out) in [
            ("One.\n\n≥ ♪\n\nTwo.", &["≥ ♪"][..]),
            ("One.\n\n★\n\nTwo.", &["★"]),
            ("One. 🎉\n\n— “…”\n\n***\n\n☎️ 🎉!", &[]),
            ("One.<!-- draft -->\n\n![A cat](x.png)", &["draft", "A cat"]),
        ] {
            assert_eq!(sentences(script, "en").left_out, left_out, "{script:?}");
        }
    }

    /// What a script may begin with, and what may follow again and again.
    #[rustfmt::skip]
    const REPEATED: [(&str, &[&str]); 8] = [
        // Ends of sentences, and of lines.
        ("", &[". ", ". (", "a. ", "a.", "A. ", "… ", "! ", "? (", "\"a.\" ", "A.B.", ". “"]),
        ("", &["A.\n", "ab\n", "a-\n", "Ab\n", "果\n", "a:\n", "ab,\n", "a\n\n", "a\u{ad}\n", "\u{ad}", "\n"]),
        // HTML.
        ("", &["<", "<!--", "<a ", "<script>", "</b", "<sup>", "<?", "<br>", " <td>", "<s>", "<a \"", "<a \"'",
            "<a x=\"", "<a '\"'", "<a b=\"c\"", "<![CDATA[", "<del>a</del>", "<sup>2</sup>", "<li>", "&", "&amp;"]),
        ("   |", &["<br>", "<s>", "<a \"'"]),
        // Markdown.
        ("", &["[", "*a ", "_a ", "~~a ", "![", "`", "`` ` ", "[a](", "> ", ">", "- ", "[^", "~a ", "***a *", "**a",
            "*_", "([", "[a][", "[a]: b\n", "1. a\n", "1. a\n\n", "---\n", "a\n=\n", "a\n-\n", "# a\n", "#", "  - a\n",
            "    a\n", "- [ ] a\n", "\\", "| a ", "|a|\n", "|-|\n"]),
        ("| a |\n|---|\n| a.", &["|)", "|🎉", "|a\n"]),
        ("---\na: b\n", &["a: b\n", "-\n", "---\n"]),
        // Words, numbers and URLs.
        ("", &["a", "word ", "a, ", "字", "🎉", "a 🎉", "1,000", "1,000 ", "a-b-", "a\u{301}", "👩\u{200d}", "a@b.c ",
            "http://a.b/", "www.", "1-", "555-1234 ", "+1 ", "(", ")", "-- ", "—", "5 ≥ ", "@a", "½"]),
    ];

    #[test]
    fn repeated_text_takes_linear_time() {
        /// With so many bytes, quadratic work takes many times as long as all other patterns.
        const LENGTH: usize = 60_000;
        for (start, parts) in REPEATED {
            for part in parts {
                let script = format!("{start}{}", part.repeat(LENGTH / part.len()));
                for sentence in sentences(&script, "en").sentences {
                    assert!(sentence.text.chars().count() <= MAX_SENTENCE_CHARS, "{part:?}");
                }
            }
        }
    }

    /// Reads a script up to its captions.
    fn read(script: &[u8], language: &str) {
        let script = String::from_utf8_lossy(script);
        for sentence in sentences(&script, language).sentences {
            let text = spoken(&sentence.text, language);
            let end = text.pieces.last().map(|piece| piece.source.end);
            assert_eq!(end, Some(sentence.text.len()), "{script:?}");
            let shown = captions(&sentence.text, Duration::ZERO, Duration::from_secs(3));
            assert!(!shown.is_empty(), "{script:?}");
        }
    }

    #[test]
    fn truncated_and_damaged_scripts_are_read() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/cases/speech");
        let (mut scripts, mut lines) = (0, 0);
        for file in std::fs::read_dir(directory).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            if path.extension().is_some_and(|extension| extension == "tsv") {
                // A table of sentences, each of which is a script of its own.
                for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
                    (index % 3..line.len()).step_by(3).for_each(|at| read(&line[..at], "de"));
                    lines += 1;
                }
                continue;
            }
            for at in 0..bytes.len() {
                read(&bytes[..at], "de");
                for damage in [0, b'\n', b' ', b'<', b'*', b'.', b'9', 0xe2] {
                    let mut damaged = bytes.clone();
                    damaged[at] = damage;
                    read(&damaged, "en");
                }
            }
            scripts += 1;
        }
        assert!(scripts > 10 && lines > 100, "{scripts} {lines}");
    }
}
