//! Splits a paragraph after each mark that ends a sentence. Whether a full stop does is a matter of
//! the language: abbreviations, ordinal numbers and initials have one as well.
//!
//! `unicode-segmentation` knows no abbreviations, `srx` has no rules of a permissive licence, and
//! `sentencex` takes `M. Dupont`, `n. 5` and `EE. UU. Véase` apart otherwise than people do.

use super::language::{LanguageTable, WordList};
use crate::media::characters::{is_emoji, is_wide};

/// Splits a paragraph after each terminator that ends a sentence.
pub(super) fn split<'p>(paragraph: &'p str, table: &LanguageTable) -> Vec<&'p str> {
    let mut found = Vec::new();
    let is_lower = is_lower_case(paragraph);
    let mut start = 0;
    let mut chars = paragraph.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !is_terminator(c) {
            continue;
        }
        let mut end = at + c.len_utf8();
        let mut last = c;
        // `?!`, `...`, and the quotes and brackets that the sentence closes.
        while let Some(&(next, c)) = chars.peek() {
            if !is_terminator(c) && !is_closing(c) {
                break;
            }
            if is_terminator(c) {
                last = c;
            }
            end = next + c.len_utf8();
            chars.next();
        }
        let (before, after) = (&paragraph[start..at], &paragraph[end..]);
        if ends_sentence(before, last, after, table)
            || is_lower && &paragraph[at..end] == "." && ends_lower_sentence(before, after, table)
        {
            end += emoji_ahead(&paragraph[end..]);
            found.push(paragraph[start..end].trim());
            start = end;
            while chars.next_if(|(next, _)| *next < end).is_some() {}
        }
    }
    found.push(paragraph[start..].trim());
    found.retain(|sentence| !sentence.is_empty());
    found
}

/// Returns whether the sentences of a paragraph begin in lower case, as some people write.
fn is_lower_case(paragraph: &str) -> bool {
    let begins_upper =
        |text: &str| text.chars().find(|&c| !is_opening(c)).is_some_and(char::is_uppercase);
    let first = paragraph.chars().find(|c| c.is_alphanumeric());
    first.is_some_and(char::is_lowercase)
        && !paragraph
            .match_indices(". ")
            .any(|(at, stop)| begins_upper(&paragraph[at + stop.len()..]))
}

/// Returns whether a full stop ends a sentence where sentences begin in lower case: that behind a
/// word that is no abbreviation.
fn ends_lower_sentence(before: &str, after: &str, table: &LanguageTable) -> bool {
    /// Shorter words may be abbreviations that are in no list.
    const MIN_WORD: usize = 3;
    if !after.starts_with(' ') {
        return false;
    }
    let word = before.rsplit(|c: char| c.is_whitespace() || is_opening(c)).next();
    let word = word.unwrap_or_default().trim_end_matches(is_closing);
    let lists = [WordList::Title, WordList::Number, WordList::Open, WordList::End];
    word.chars().count() >= MIN_WORD
        && word.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '’' | '-'))
        && !lists.into_iter().any(|list| table.has(list, word))
        && !table.has_number_suffix(word)
}

/// Returns the length of the emoji that directly follow a terminator: they belong to its sentence.
fn emoji_ahead(rest: &str) -> usize {
    let other = rest.find(|c: char| !is_emoji(c) && !c.is_whitespace()).unwrap_or(rest.len());
    rest[..other].trim_end().len()
}

/// Returns whether the terminator between `before` and `after` ends a sentence.
fn ends_sentence(before: &str, terminator: char, after: &str, table: &LanguageTable) -> bool {
    if matches!(terminator, '。' | '！' | '？' | '．' | '｡') {
        return true;
    }
    let rest = after.trim_start();
    let Some(next) = rest.chars().find(|c| !is_opening(*c)) else {
        return true;
    };
    if rest.len() == after.len() {
        // Without a space: `3.5`, `example.com`, `U.S.`. Chinese text has no spaces.
        return is_wide(next) || is_emoji(next);
    }
    if next.is_lowercase() {
        // `“Why?” he asked.`, `well … maybe`, `approx. five`.
        return false;
    }
    terminator != '.' || rest.starts_with(['¿', '¡']) || !goes_on(before, rest, table)
}

/// Returns whether the full stop after `before` is one of an abbreviation, an ordinal number or an
/// initial, and the sentence goes on with `rest`.
fn goes_on(before: &str, rest: &str, table: &LanguageTable) -> bool {
    /// Limits the search for the next word, so that many full stops do not take quadratic time.
    const MAX_AHEAD: usize = 40;
    let mut words = before.rsplit(|c: char| c.is_whitespace() || is_opening(c));
    let word = words.next().unwrap_or_default();
    let previous = words.next().unwrap_or_default();
    let window = rest.char_indices().nth(MAX_AHEAD).map_or(rest.len(), |(at, _)| at);
    let next = rest[..window]
        .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .find(|word| !word.is_empty())
        .unwrap_or_default();
    let next_starts = table.has(WordList::Starts, next.split(['\'', '’']).next().unwrap_or(next));
    let next_is_number = next.starts_with(|c: char| c.is_ascii_digit()) || is_roman(next);
    // `z. B.` is one abbreviation, as is `z.B.`.
    let pair = format!("{}_{word}", previous);
    let is = |list| table.has(list, word) || table.has(list, &pair);
    if is(WordList::End) {
        return next_is_number;
    }
    if is(WordList::Title) {
        // `He is 6 ft. The door is low.`, but `Ft. Worth`.
        return !previous.ends_with(|c: char| c.is_ascii_digit()) || !next_starts;
    }
    // `No. 5`, but `He said no. Then …`.
    if is(WordList::Number) || table.has_number_suffix(word) {
        return next_is_number;
    }
    if is(WordList::Open) {
        return !next_starts;
    }
    if word.bytes().all(|c| c.is_ascii_digit()) || is_roman(word) {
        return table.has_dotted_ordinals() && is_ordinal(word, previous, next, table);
    }
    // Initials: `J. R. R. Tolkien`, `the U.S. Army`, `S. 5`. “I” alone is a word of its own.
    let mut letters = word.split('.');
    let initials = !word.is_empty()
        && letters.all(|part| {
            let mut chars = part.chars();
            chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
        });
    initials && word != "I" && (next_is_number || !next_starts)
}

/// Returns whether a number with a full stop between two words is an ordinal: `3. Oktober`,
/// `am 3. Spieltag`, `Ludwig XIV. Bild`.
fn is_ordinal(number: &str, previous: &str, next: &str, table: &LanguageTable) -> bool {
    /// Larger ordinal numbers are years, which end a sentence.
    const MAX_DIGITS: usize = 3;
    if number.is_empty() || number.len() > MAX_DIGITS && !is_roman(number) {
        return false;
    }
    if table.has(WordList::Ordinal, next) {
        return true;
    }
    let is_name = is_roman(number) && previous.starts_with(char::is_uppercase);
    let follows = previous.is_empty() || is_name || table.has(WordList::BeforeOrdinal, previous);
    follows && !table.has(WordList::Starts, next)
}

/// Returns whether a word is a Roman number; “I” is more often a word of its own.
fn is_roman(word: &str) -> bool {
    word != "I" && !word.is_empty() && word.bytes().all(|c| b"IVXLC".contains(&c))
}

const fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？' | '．' | '｡' | '‽')
}

pub(super) const fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | '›' | ')' | ']' | '」' | '』' | '）' | '】' | '》')
}

pub(super) fn is_opening(c: char) -> bool {
    const MARKS: &str = "\"'“‘„«‹([¿¡「『（【《";
    MARKS.contains(c)
}

/// Returns whether a text ends with a mark that ends a sentence, ignoring quotes and brackets.
pub(super) fn is_terminated(text: &str) -> bool {
    let text = text.trim_end_matches(|c| is_closing(c) || is_emoji(c) || c == ' ');
    text.ends_with(is_terminator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(language: &str, text: &str) -> Vec<String> {
        let found = split(text, LanguageTable::of(language));
        found.into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_full_stop_inside_a_sentence_does_not_end_it() {
        for (language, whole) in [
            ("en", "Dr. Smith met Mrs. Jones at 3.5 km."),
            ("en", "Fruit, e.g. apples, i.e. what grows on trees, vs. Meat."),
            ("en", "J. R. R. Tolkien visited the U.S. Army."),
            ("en", "She works at Example.com every day."),
            ("en", "“Why?” he asked."),
            ("en", "Well... maybe."),
            ("en", "Use the misc. folder."),
            ("en", "well... maybe."),
            ("en", "we met approx. five of them, e.g. the U.S. Army."),
            ("en", "He went to Ft. Worth."),
            ("en", "It is No. 5 of approx. five."),
            ("en", "Acme Inc. makes 1.000 things."),
            ("en", "See Fig. 3 and pp. 12 to 15 of vol. IV."),
            ("de", "Er kam am 3. Oktober an."),
            ("de", "Es kostet 3 Mio. Euro."),
            ("de", "Das 19. Jahrhundert und der 2. Weltkrieg."),
            ("de", "Siehe Abb. 3, S. 5 und Bd. 2."),
            ("de", "Obst, z. B. Birnen, d. h. Früchte, usw. gibt es."),
            ("de", "Die Goethestr. 12, Nr. 5, kostet ca. 5 Mrd. Dollar."),
            ("de", "Am 3. Spieltag gewann der 1. FC Köln bei König Ludwig XIV. Besuch."),
            ("de", "Prof. Dr. Müller, geb. Meier, wohnt in St. Pölten."),
            ("es", "El Sr. Gómez y la Dra. Ruiz viven en la Av. América."),
            ("es", "Fruta, p. ej. Manzanas, en la pág. 10, núm. 3."),
            ("es", "Los EE. UU. son grandes."),
            ("fr", "M. Dupont et Mme Martin voient le Dr. Petit, n. 5, p. 12."),
            ("fr", "Le 5 janv. 2024, J.-C. Simon, cf. Paris, av. J.-C. Simon."),
            ("it", "Il Sig. Rossi e la dott.ssa Bianchi abitano al n. 5."),
            ("it", "Frutta, p. es. Mele, a pag. 10, in S. Pietro."),
        ] {
            assert_eq!(parts(language, whole), [whole], "{language}");
        }
    }

    #[test]
    fn full_stops_between_sentences_end_them() {
        for (language, sentences) in [
            ("en", &["He left the U.S.", "The end."][..]),
            ("en", &["It was 1683.", "Then what?!", "Ha!"]),
            ("en", &["He is 6 ft.", "The door is low."]),
            ("en", &["we sell tea.", "come and visit.", "ask for dr. smith."]),
            ("de", &["wir haben tee.", "kommt vorbei, ca. um 5."]),
            ("en", &["Apples, pears, etc.", "They grow."]),
            ("en", &["So did I.", "Then he left."]),
            ("en", &["(It rained.)", "“No!”", "It did…", "Yes."]),
            ("en", &["He said no.", "Nobody came."]),
            ("en", &["It ends at 5 p.m.", "Then we go."]),
            ("en", &["The score was 12.", "Nobody scored again."]),
            ("en", &["Go to https://example.com/a.b?c=d.", "Then pay $3.50."]),
            ("es", &["¿Qué?", "¡Sí!", "Bueno."]),
            ("es", &["El Sr. Gómez vive en EE. UU.", "Véase la pág. 10."]),
            ("es", &["Vive en EE. UU.", "¿Y usted?"]),
            ("de", &["Es kostet 3 Mio. Euro.", "Das 19. Jahrhundert war lang.", "Siehe Abb. 3."]),
            ("de", &["Es stand 12.", "Keiner traf.", "Im Jahr 1989.", "Danach kam er."]),
            ("de", &["Es waren 3 Mio.", "Das ist viel.", "Birnen usw.", "Alles da."]),
            ("fr", &["Il a dit non, etc.", "Puis il part.", "C’est M. Petit."]),
            ("it", &["Mele, pere, ecc.", "Poi va via.", "È tardi."]),
        ] {
            assert_eq!(parts(language, &sentences.join(" ")), sentences, "{language}");
        }
    }

    #[test]
    fn chinese_and_japanese_need_no_spaces() {
        assert_eq!(
            parts("zh", "今天天气很好。我们去公园！「好吗？」好。"),
            ["今天天气很好。", "我们去公园！", "「好吗？」", "好。"]
        );
    }
}
