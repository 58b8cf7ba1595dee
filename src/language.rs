//! English and Chinese, read by rules that are data. Knows nothing of the rest of the crate.
//!
//! | file | holds |
//! |---|---|
//! | `encoding` | text files in UTF-8 and UTF-16, and what other files are |
//! | `tokens` | words, quotations, clauses and sentences, in one spelling |
//! | `intent`, `intent.phrases` | the order that a sentence gives |
//! | `screen`, `screen.patterns` | what an agent says of a screen that its user may not have |

pub(crate) mod encoding;
pub(crate) mod intent;
mod screen;
pub(crate) mod tokens;

pub use screen::{FilteredMessage, FilteredText, GuiFilter, Suggestion, filter_gui};

/// The sections of a data file: the text between the brackets of each header, with its lines.
/// `@name = a|b` stands for `a|b` in all lines behind it; a line that is indented goes on with the
/// one before.
fn sections(text: &'static str) -> Vec<(&'static str, Vec<String>)> {
    let mut lines: Vec<(&'static str, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        match lines.last_mut().filter(|_| line.starts_with(' ')) {
            Some((_, last)) => {
                last.push_str(if last.ends_with(['|', '{']) { "" } else { " " });
                last.push_str(line.trim_start());
            }
            None => lines.push((line, line.to_owned())),
        }
    }
    let mut names: Vec<(String, String)> = Vec::new();
    let mut sections: Vec<(&str, Vec<String>)> = Vec::new();
    for (first, line) in lines {
        if let Some((name, choices)) = line.split_once(" = ").filter(|_| line.starts_with('@')) {
            names.push((name.to_owned(), choices.to_owned()));
        } else if let Some(header) = first.strip_prefix('[').and_then(|line| line.strip_suffix(']'))
        {
            sections.push((header, Vec::new()));
        } else {
            let line = names.iter().fold(line, |line, (name, choices)| line.replace(name, choices));
            sections.last_mut().expect("a header before the first line").1.push(line);
        }
    }
    sections
}

/// The phrases of a line, divided by commas, with their choices written out, each as its words with
/// spaces between.
fn phrases(line: &str) -> Vec<String> {
    let spelled = |phrase: String| joined(&tokens::words(&phrase));
    let phrases = outside_braces(line, ',').into_iter().flat_map(expand).map(spelled);
    phrases.filter(|phrase| !phrase.is_empty()).collect()
}

/// The words with spaces between.
fn joined(words: &[tokens::Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// The first so many words, joined, for each number of them.
fn keys<'a>(words: impl Iterator<Item = &'a str>) -> impl Iterator<Item = (usize, String)> {
    words.enumerate().scan(String::new(), |key, (at, word)| {
        if at > 0 {
            key.push(' ');
        }
        key.push_str(word);
        Some((at + 1, key.clone()))
    })
}

/// Writes out the choices of a phrase: `{save|get} {it|}`.
fn expand(phrase: &str) -> Vec<String> {
    let Some(open) = phrase.find('{') else { return vec![phrase.to_owned()] };
    let mut depth = 0;
    let close = phrase[open..].find(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0
    });
    let close = open + close.expect("a brace that is closed");
    let (before, after) = (&phrase[..open], expand(&phrase[close + 1..]));
    let choices = outside_braces(&phrase[open + 1..close], '|').into_iter().flat_map(expand);
    choices
        .flat_map(|choice| after.iter().map(move |after| format!("{before}{choice}{after}")))
        .collect()
}

/// Divides at a mark that is not in braces.
fn outside_braces(text: &str, mark: char) -> Vec<&str> {
    let mut depth = 0;
    let is_mark = |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == mark && depth == 0
    };
    text.split(is_mark).collect()
}
