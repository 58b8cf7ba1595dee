//! What the sentences of a language look like: its abbreviations, the words that begin a sentence,
//! and those around an ordinal number or a hyphen, read from `abbreviations.*`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::media::primary_language;

/// The tables by primary language subtag. The first one is used for every other language.
static TABLES: LazyLock<[(&str, LanguageTable); 5]> = LazyLock::new(|| {
    [
        ("en", LanguageTable::read(include_str!("abbreviations.en"))),
        ("de", LanguageTable::read(include_str!("abbreviations.de"))),
        ("es", LanguageTable::read(include_str!("abbreviations.es"))),
        ("fr", LanguageTable::read(include_str!("abbreviations.fr"))),
        ("it", LanguageTable::read(include_str!("abbreviations.it"))),
    ]
});

/// A list of words in a table; `abbreviations.en` explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum WordList {
    Title,
    Number,
    Open,
    End,
    Suffix,
    Starts,
    Joins,
    Ordinal,
    BeforeOrdinal,
    Compounds,
    Tails,
    Pairs,
}

impl WordList {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "title" => Self::Title,
            "number" => Self::Number,
            "open" => Self::Open,
            "end" => Self::End,
            "suffix" => Self::Suffix,
            "starts" => Self::Starts,
            "joins" => Self::Joins,
            "ordinal" => Self::Ordinal,
            "before-ordinal" => Self::BeforeOrdinal,
            "compounds" => Self::Compounds,
            "tails" => Self::Tails,
            "pairs" => Self::Pairs,
            _ => return None,
        })
    }
}

/// The word lists of a language.
#[derive(Debug)]
pub(super) struct LanguageTable {
    lists: HashMap<WordList, HashSet<&'static str>>,
}

impl LanguageTable {
    /// Returns the table for a BCP 47 tag.
    pub(super) fn of(language: &str) -> &'static Self {
        let primary = primary_language(language);
        let tables = &*TABLES;
        let found = tables.iter().find(|(code, _)| primary.eq_ignore_ascii_case(code));
        &found.unwrap_or(&tables[0]).1
    }

    fn read(text: &'static str) -> Self {
        let mut lists: HashMap<WordList, HashSet<&str>> = HashMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let list = line.split_once(" = ");
            if let Some((list, words)) =
                list.and_then(|(n, words)| Some((WordList::named(n)?, words)))
            {
                lists.entry(list).or_default().extend(words.split_whitespace());
            }
        }
        Self { lists }
    }

    /// Returns whether a word is in a list, ignoring case.
    pub(super) fn has(&self, list: WordList, word: &str) -> bool {
        self.lists.get(&list).is_some_and(|words| words.contains(word.to_lowercase().as_str()))
    }

    /// Returns whether an ordinal number is written with a full stop, as in German.
    pub(super) fn has_dotted_ordinals(&self) -> bool {
        self.lists.contains_key(&WordList::Ordinal)
    }

    /// Returns whether a word ends like an abbreviation before a number, such as `Goethestr`.
    pub(super) fn has_number_suffix(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let suffixes = self.lists.get(&WordList::Suffix);
        suffixes.is_some_and(|ends| ends.iter().any(|end| word.ends_with(end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_every_table_is_a_list_in_lower_case() {
        for (code, text) in [
            ("en", include_str!("abbreviations.en")),
            ("de", include_str!("abbreviations.de")),
            ("es", include_str!("abbreviations.es")),
            ("fr", include_str!("abbreviations.fr")),
            ("it", include_str!("abbreviations.it")),
        ] {
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                let (name, words) =
                    line.split_once(" = ").unwrap_or_else(|| panic!("{code}: {line}"));
                assert!(WordList::named(name).is_some(), "{code}: {line}");
                assert_eq!(words, words.to_lowercase(), "{code}: {line}");
            }
        }
    }

    #[test]
    fn a_table_is_found_by_any_spelling_of_its_tag() {
        assert!(LanguageTable::of("de-AT").has(WordList::Open, "Mio"));
        assert!(LanguageTable::of("ES_mx").has(WordList::Title, "Sr"));
        assert!(LanguageTable::of("pl").has(WordList::Title, "Dr"));
        assert!(LanguageTable::of("de").has_dotted_ordinals());
        assert!(!LanguageTable::of("en").has_dotted_ordinals());
    }
}
