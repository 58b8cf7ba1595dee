//! Where a word may be broken that is too long for a line: URLs behind their marks, words between
//! syllables. When it is broken is left to [`layout`](super::layout).

use hypher::Lang;

use super::primary_language;

/// How the words of a language are broken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hyphenator(Option<Lang>);

/// Where a word may be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WordBreak {
    pub(crate) offset: usize,
    /// Whether a line that ends there needs a hyphen.
    pub(crate) hyphen: bool,
}

impl Hyphenator {
    /// Returns the rules for a language; those of English for none.
    pub(crate) fn of(language: Option<&str>) -> Self {
        let primary = primary_language(language.unwrap_or("en")).to_ascii_lowercase();
        let code: Option<[u8; 2]> = primary.as_bytes().try_into().ok();
        Self(code.and_then(Lang::from_iso))
    }

    /// Returns where a word may be broken, in order. In a language without rules, that is between
    /// any two letters.
    pub(crate) fn breaks(self, word: &str) -> Vec<WordBreak> {
        let mut breaks = Vec::new();
        if is_address(word) {
            let (mut start, mut before) = (0, None);
            for (at, c) in word.char_indices() {
                // Not within `://`, and not behind a mark at the start.
                let is_end = before.is_some_and(is_mark) && !is_mark(c);
                if is_end && word[start..at].contains(char::is_alphanumeric) {
                    breaks.push(WordBreak { offset: at, hyphen: false });
                    start = at;
                }
                before = Some(c);
            }
            return breaks;
        }
        let is_other = |c: char| !c.is_alphabetic();
        let mut at = 0;
        for run in word.split_inclusive(is_other) {
            let letters = run.trim_end_matches(is_other);
            let mut offset = at;
            let mut add = |part: &str| {
                offset += part.len();
                if offset < at + letters.len() {
                    breaks.push(WordBreak { offset, hyphen: true });
                }
            };
            match self.0 {
                Some(language) => hypher::hyphenate(letters, language).for_each(&mut add),
                None => letters.split_inclusive(|_| true).for_each(&mut add),
            }
            at += run.len();
        }
        breaks
    }
}

/// Returns whether a line may end behind a character of an address.
const fn is_mark(c: char) -> bool {
    matches!(c, '/' | '?' | '&' | '.' | '=' | '#' | '-' | '_' | '@' | ':' | '+' | '%' | ',')
}

/// Returns whether a word is an address or a path: a hyphen in it would be read as a part of it.
pub(crate) fn is_address(word: &str) -> bool {
    let inner = word.trim_matches(|c: char| !c.is_alphanumeric());
    let is_ascii = inner.chars().filter(|c| c.is_alphabetic()).all(|c| c.is_ascii());
    inner.contains("://")
        || inner.contains(['/', '@', '?', '&', '=', '_'])
        || (is_ascii && inner.contains('.') && inner.split('.').all(|part| !part.is_empty()))
        || inner.contains(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(word: &str, language: Option<&str>) -> String {
        let mut shown = word.to_owned();
        for WordBreak { offset, hyphen } in Hyphenator::of(language).breaks(word).iter().rev() {
            shown.insert_str(*offset, if *hyphen { "-|" } else { "|" });
        }
        shown
    }

    #[test]
    fn words_are_broken_between_the_syllables_of_their_language() {
        let word = "Rechtsschutzversicherung";
        assert_eq!(parts(word, Some("de-DE")), "Rechts-|schutz-|ver-|si-|che-|rung");
        assert_eq!(parts("“internationalization”,", None), "“in-|ter-|na-|tion-|al-|iza-|tion”,");
        assert_eq!(parts("Kfz-Versicherung", Some("de")), "Kfz-Ver-|si-|che-|rung");
        assert_eq!(parts("Конституция", Some("en")), "Конституция");
        assert_eq!(parts("zażółć", Some("pl")), "z-|a-|ż-|ó-|ł-|ć");
        assert_eq!(parts("", None), "");
    }

    #[test]
    fn addresses_are_broken_behind_their_marks_without_a_hyphen() {
        assert_eq!(
            parts("https://www.example.com/path?x=1&y=2", None),
            "https://|www.|example.|com/|path?|x=|1&|y=|2"
        );
        assert_eq!(parts("(first.last@example.org).", None), "(first.|last@|example.|org).");
        assert_eq!(parts("AB12345678CD", None), "AB12345678CD");
        assert_eq!(parts("example.com…", None), "example.|com…");
    }
}
