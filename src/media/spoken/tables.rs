//! The tables of a language: numbers, units, currencies, signs and abbreviations. They are data
//! files beside this module, embedded and parsed at the first use.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::media::primary_language;

/// A language with tables of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tongue {
    English,
    German,
    Spanish,
    French,
    Italian,
}

const TONGUES: [(Tongue, &str, &str); 5] = [
    (Tongue::English, "en", include_str!("data/en.tsv")),
    (Tongue::German, "de", include_str!("data/de.tsv")),
    (Tongue::Spanish, "es", include_str!("data/es.tsv")),
    (Tongue::French, "fr", include_str!("data/fr.tsv")),
    (Tongue::Italian, "it", include_str!("data/it.tsv")),
];
const SIGNS: &str = include_str!("data/signs.tsv");
const UNITS: &str = include_str!("data/units.tsv");
const MONEY: &str = include_str!("data/money.tsv");

/// What is said for a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Word(&'static str),
    Pause,
    Silent,
}

/// A noun that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Noun {
    pub(crate) one: &'static str,
    pub(crate) many: &'static str,
    pub(crate) feminine: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit {
    pub(crate) noun: Noun,
    /// Also a unit without a number before it.
    pub(crate) alone: bool,
    pub(crate) place: Place,
}

/// Where a unit stands after its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Any,
    /// Only joined to the number.
    Joined,
    /// Only where the letter cannot be part of a name, such as "12A".
    Letter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Currency {
    pub(crate) main: Noun,
    pub(crate) part: Noun,
}

/// An abbreviation and what is said for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Abbreviation {
    pub(crate) written: &'static str,
    pub(crate) said: &'static str,
    pub(crate) before: Before,
}

/// What must follow an abbreviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    Anything,
    Digit,
    Capital,
}

#[derive(Debug)]
pub(crate) struct Language {
    pub(crate) tongue: Tongue,
    sections: HashMap<(&'static str, &'static str), &'static str>,
    lists: HashMap<&'static str, HashSet<&'static str>>,
    abbreviations: HashMap<char, Vec<Abbreviation>>,
    signs: HashMap<char, Sign>,
    units: HashMap<&'static str, Unit>,
    currencies: HashMap<&'static str, Currency>,
}

impl Language {
    /// Returns the tables for a BCP 47 tag, if there are any.
    pub(crate) fn of(tag: &str) -> Option<&'static Self> {
        static ALL: LazyLock<[Language; TONGUES.len()]> =
            LazyLock::new(|| std::array::from_fn(Language::parse));
        let primary = primary_language(tag);
        let index = TONGUES.iter().position(|(_, name, _)| name.eq_ignore_ascii_case(primary))?;
        Some(&ALL[index])
    }

    fn parse(index: usize) -> Self {
        let (tongue, _, text) = TONGUES[index];
        let mut this = Self {
            tongue,
            sections: HashMap::new(),
            lists: HashMap::new(),
            abbreviations: HashMap::new(),
            signs: HashMap::new(),
            units: HashMap::new(),
            currencies: HashMap::new(),
        };
        for row in rows(text) {
            let [section, key, value] = row[..] else { continue };
            match section {
                "list" => {
                    this.lists.insert(key, value.split(' ').collect());
                }
                "say" => this.add_abbreviation(key, value),
                "month" | "weekday" => {
                    for name in value.split(' ') {
                        this.sections.insert((section, name), key);
                    }
                    this.sections.insert((section, key), value.split(' ').next().unwrap_or(""));
                }
                _ => {
                    this.sections.insert((section, key), value);
                }
            }
        }
        for row in rows(SIGNS) {
            let Some(sign) = row[0].chars().next() else { continue };
            let said = match row[1] {
                "word" => Sign::Word(row[2 + index]),
                "pause" => Sign::Pause,
                _ => Sign::Silent,
            };
            this.signs.insert(sign, said);
        }
        for row in rows(UNITS) {
            let Some(noun) = noun(row[2 + index]) else { continue };
            let alone = row[1].contains('a');
            let place = match row[1] {
                flags if flags.contains('j') => Place::Joined,
                flags if flags.contains('l') => Place::Letter,
                _ => Place::Any,
            };
            this.units.insert(row[0], Unit { noun, alone, place });
        }
        for row in rows(MONEY) {
            let Some((main, part)) = row[1 + index].split_once(';') else { continue };
            let (Some(main), Some(part)) = (noun(main), noun(part)) else { continue };
            for written in row[0].split(' ') {
                this.currencies.insert(written, Currency { main, part });
            }
        }
        this
    }

    fn add_abbreviation(&mut self, key: &'static str, said: &'static str) {
        let (written, before) = match key.as_bytes().last() {
            // `C#` is a name.
            Some(b'#') if key != "C#" => (&key[..key.len() - 1], Before::Digit),
            Some(b'^') => (&key[..key.len() - 1], Before::Capital),
            _ => (key, Before::Anything),
        };
        let Some(first) = written.chars().next() else { return };
        let same = self.abbreviations.entry(first).or_default();
        same.push(Abbreviation { written, said, before });
        same.sort_by_key(|abbreviation| std::cmp::Reverse(abbreviation.written.len()));
    }

    pub(crate) fn get(&self, section: &'static str, key: &str) -> Option<&'static str> {
        // The map's keys are `'static`, but a lookup needs no such key.
        let sections: &HashMap<(&str, &str), &'static str> = &self.sections;
        sections.get(&(section, key)).copied()
    }

    /// Returns the number of a month or weekday, whose name may be in capitals: "MAY" for "May".
    pub(crate) fn named(&self, section: &'static str, name: &str) -> Option<&'static str> {
        let first = name.chars().next().filter(|c| c.is_alphabetic())?;
        let lower = name.to_lowercase();
        let capital = || -> String { first.to_uppercase().chain(lower.chars().skip(1)).collect() };
        let shouted = !name.contains(char::is_lowercase) && name.chars().nth(1).is_some();
        self.get(section, name)
            .or_else(|| self.get(section, &lower).filter(|_| first.is_uppercase()))
            .or_else(|| self.get(section, &capital()).filter(|_| shouted))
    }

    /// Returns a word that rules put between others, such as "minus"; every language has all.
    pub(crate) fn word(&self, key: &str) -> &'static str {
        self.get("word", key).unwrap_or_default()
    }

    pub(crate) fn listed(&self, list: &str, word: &str) -> bool {
        self.lists.get(list).is_some_and(|words| words.contains(word))
    }

    /// Returns the abbreviations that begin with a character, the longest first.
    pub(crate) fn abbreviations(&self, first: char) -> &[Abbreviation] {
        self.abbreviations.get(&first).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn sign(&self, sign: char) -> Option<Sign> {
        self.signs.get(&sign).copied()
    }

    pub(crate) fn unit(&self, written: &str) -> Option<Unit> {
        self.units.get(written).copied()
    }

    pub(crate) fn currency(&self, written: &str) -> Option<Currency> {
        self.currencies.get(written).copied()
    }
}

/// Returns whether a character is in the table of signs, and so must be kept as it is.
pub(crate) fn is_sign(c: char) -> bool {
    static ALL: LazyLock<HashSet<char>> =
        LazyLock::new(|| rows(SIGNS).filter_map(|row| row[0].chars().next()).collect());
    !c.is_ascii() && ALL.contains(&c)
}

fn noun(cell: &'static str) -> Option<Noun> {
    let mut parts = cell.split('|');
    let (one, many) = (parts.next()?, parts.next()?);
    Some(Noun { one, many, feminine: parts.next() == Some("f") })
}

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines()
        .filter(|line| line.contains('\t') && !line.starts_with("# "))
        .map(|line| line.split('\t').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_complete() {
        let english = Language::of("en").unwrap();
        let optional = [("word", "version"), ("word", "cents"), ("word", "one f")];
        for (tongue, tag, text) in TONGUES {
            let language = Language::of(tag).unwrap();
            assert_eq!(language.tongue, tongue);
            for row in rows(text) {
                assert_eq!(row.len(), 3, "{tag}: {row:?}");
            }
            for (section, key) in english.sections.keys() {
                if matches!(*section, "word" | "number") && !optional.contains(&(section, key)) {
                    assert!(language.get(section, key).is_some(), "{tag}: {section} {key}");
                }
            }
            for number in 1..=12 {
                assert!(language.get("month", &number.to_string()).is_some());
            }
        }
        for row in rows(SIGNS) {
            assert!(row[0].chars().count() == 1 && (row[1] != "word" || row.len() == 7), "{row:?}");
        }
        for row in rows(UNITS) {
            assert_eq!(row.len(), 7, "{row:?}");
            assert!(row[2..].iter().all(|cell| *cell == "-" || noun(cell).is_some()), "{row:?}");
        }
        for row in rows(MONEY) {
            assert_eq!(row.len(), 6, "{row:?}");
            assert!(row[1..].iter().all(|cell| cell.contains(';')), "{row:?}");
        }
    }
}
