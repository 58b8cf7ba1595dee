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

/// The codes of languages of two letters, by ISO 639-1; also those that were withdrawn.
const LANGUAGE_CODES: &str = "\
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv \
    cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr \
    ht hu hy hz ia id ie ig ii ik in io is it iu iw ja ji jv ka kg ki kj kk kl km kn ko kr ks \
    ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mo mr ms mt my na nb nd ne ng nl \
    nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl \
    sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi \
    vo wa wo xh yi yo za zh zu";

/// Whether a text can be the tag of a language (BCP 47): subtags of 1 to 8 letters and digits, at
/// most 35 characters, the first of which is a language. A code of two letters is one of ISO 639-1;
/// of those of three letters there are thousands, and no longer one is registered.
pub(crate) fn is_tag(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    let primary = subtags.next().unwrap_or_default().to_ascii_lowercase();
    let is_subtag = |subtag: &str| {
        (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let is_language = match primary.len() {
        1 => matches!(&*primary, "x" | "i") && subtags.clone().next().is_some(),
        2 => LANGUAGE_CODES.split(' ').any(|code| code == primary),
        3 => primary.bytes().all(|b| b.is_ascii_lowercase()),
        _ => false,
    };
    tag.len() <= 35 && is_language && subtags.all(is_subtag)
}

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

#[cfg(test)]
mod tests {
    use super::is_tag;

    #[test]
    fn a_language_is_a_tag_and_nothing_else() {
        for tag in
            ["en", "en-US", "EN-us", "zh-Hans-CN", "de-CH-1901", "es-419", "tlh", "x-private"]
        {
            assert!(is_tag(tag), "{tag}");
        }
        let long = format!("en{}", "-abcdefgh".repeat(4));
        let injected = ["en-US. Captions: off. Title: \"Hacked\"", "en\n\nScript:\nPwned"];
        let malformed = "|-|en-|-US|en--US|en_US|en US|1en|English, please|languages|日本語";
        let unknown = "xx-YY|klingon|english|jp|x|q-x";
        let rest = malformed.split('|').chain(unknown.split('|'));
        for tag in rest.chain(injected).chain([long.as_str()]) {
            assert!(!is_tag(tag), "{tag:?}");
        }
    }
}
