//! Reads what begins with a letter: abbreviations, words in capitals, names with digits, addresses.

use std::sync::LazyLock;

use regex::Regex;

use super::amounts::Reading;
use super::normal::{ends_word, next_word, previous_word, skip_space};
use super::normal::{is_latin, push_folded, subscript, superscript};
use super::numbers::{Ending, Speller};
use super::tables::{Abbreviation, Before, Language, Sign, Tongue};

#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    pub(super) speller: Speller,
    /// Whether the text has capital letters only.
    pub(super) shouted: bool,
}

impl Words {
    const fn language(self) -> &'static Language {
        self.speller.language
    }

    /// Reads an abbreviation of the table, or letters with a full stop after each.
    pub(super) fn abbreviation(self, before: &str, text: &str) -> Option<Reading> {
        let first = text.chars().next()?;
        let find = |first: char, accept: &dyn Fn(&Abbreviation, &str, &str) -> bool| {
            self.language().abbreviations(first).iter().find_map(|abbreviation| {
                let (start, rest) = text.split_at_checked(abbreviation.written.len())?;
                let next = skip_space(rest).chars().next();
                let fits = match abbreviation.before {
                    Before::Anything => true,
                    Before::Digit => next.is_some_and(|c| c.is_ascii_digit()),
                    Before::Capital => next.is_some_and(char::is_uppercase),
                };
                // The full stop after "Mr" belongs to "Mr.", which the table has as well.
                let fits = fits
                    && ends_word(abbreviation.written, rest)
                    && accept(abbreviation, start, rest);
                fits.then(|| Reading::new(start.len(), abbreviation.said.to_owned()))
            })
        };
        let exact = find(first, &|abbreviation, start, _| abbreviation.written == start);
        if exact.is_some() || !first.is_uppercase() {
            return exact.or_else(|| self.dotted(text));
        }
        let lower = first.to_lowercase().next().unwrap_or(first);
        let sentence_start = {
            let before =
                before.trim_end_matches(|c: char| !c.is_alphanumeric() && !".!?:".contains(c));
            before.is_empty() || before.ends_with(['.', '!', '?', ':'])
        };
        // "E.g. apples", "Pág. 5", but not the name in "I know Max."
        let capital = || {
            find(lower, &|abbreviation, start, rest| {
                let mut letters = abbreviation.written.chars();
                letters.next();
                let next = skip_space(rest).chars().next();
                let tail = &start[first.len_utf8().min(start.len())..];
                letters.as_str() == tail
                    && abbreviation.written.ends_with('.')
                    && tail.chars().any(char::is_alphabetic)
                    && (next.is_some_and(|c| c.is_ascii_digit())
                        || sentence_start && next.is_some_and(char::is_alphanumeric))
            })
        };
        // "MR. SMITH VS. DR. JONES"
        let shouted = |first| {
            find(first, &|abbreviation, start, _| {
                let lower = start.to_lowercase();
                self.shouted
                    && abbreviation.written.to_lowercase() == lower
                    && lower.chars().filter(|c| c.is_alphabetic()).count() > 1
                    && !self.language().listed("common", &lower)
            })
        };
        capital()
            .or_else(|| shouted(first))
            .or_else(|| shouted(lower))
            .or_else(|| self.dotted(text))
    }

    /// "U.S.", "J.R.R."
    fn dotted(self, text: &str) -> Option<Reading> {
        const MAX_LETTERS: usize = 6;
        let mut letters = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next().filter(|&c| c.is_alphabetic() && is_latin(c))
            && let Some(after) = rest[c.len_utf8()..].strip_prefix('.')
            && letters.chars().count() < MAX_LETTERS
        {
            letters.push(c);
            rest = after;
        }
        // "U.S.A" without the last full stop.
        if letters.chars().count() >= 1
            && let Some(c) = rest.chars().next().filter(|c| c.is_uppercase() && is_latin(*c))
            && !rest[c.len_utf8()..].starts_with(|c: char| c.is_alphanumeric() || c == '\'')
        {
            letters.push(c);
            rest = &rest[c.len_utf8()..];
        }
        let enough = letters.chars().count() >= 2 && !rest.starts_with(char::is_alphanumeric);
        enough.then(|| Reading::new(text.len() - rest.len(), self.letters(&letters)))
    }

    /// Reads a URL, a domain, an e-mail address, a hashtag or the name of an account.
    pub(super) fn address(self, before: &str, text: &str, window: &str) -> Option<Reading> {
        static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"^[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+")
                .expect("a valid pattern")
        });
        static DOMAIN: LazyLock<Regex> = LazyLock::new(|| {
            const TOP: &str = "com|org|net|edu|gov|info|io|ai|app|dev|tv|me|uk|us|eu|de|at|ch|fr|be|es|mx|it|nl|pl|ca|au|jp|cn|br|biz|shop|blog|online|site|tech|store|cloud|rs|ly|gg|be";
            Regex::new(&format!(
                r"^(?i)(?:(?:[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?\.)+(?:{TOP})(?:[/:?#][^ ]*)?|[a-z][a-z0-9\-]*(?:\.[a-z0-9\-]+){{0,4}}\.[a-z]{{2,24}}/[^ ]+)"
            ))
            .expect("a valid pattern")
        });
        let starts = |prefix: &str| {
            text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let scheme =
            ["https://", "http://", "ftp://", "mailto:"].into_iter().find(|scheme| starts(scheme));
        if let Some(scheme) = scheme {
            let end = self.end_of_address(text);
            let address = &text[scheme.len()..end];
            return address.contains(char::is_alphanumeric).then(|| {
                let parts = self.parts_of_address(scheme.len(), address);
                Reading::of_parts(end, &parts, " ")
            });
        }
        if starts("www.") {
            let end = self.end_of_address(text);
            return Some(self.read_address(&text[..end]));
        }
        // The patterns are slow, and most words cannot be addresses.
        let token = window.split([' ', '\u{a0}']).next().unwrap_or_default();
        if !token.contains(['.', '@']) || before.ends_with(['.', '-', '_']) {
            return None;
        }
        if let Some(found) = EMAIL.find(window) {
            let len = found.as_str().trim_end_matches(['.', '-']).len();
            return Some(self.read_address(&text[..len]));
        }
        if let Some(found) = DOMAIN.find(window)
            && ends_word(found.as_str(), &text[found.end()..])
            && !text[found.end()..].starts_with(['@', '-'])
            // "end.It" is a sentence without a space after it.
            && !has_sentence_end(found.as_str())
        {
            let has_path = found.as_str().contains(['/', ':', '?', '#']);
            let len = if has_path { self.end_of_address(text) } else { found.end() };
            return Some(self.read_address(&text[..len]));
        }
        None
    }

    /// "#ThrowbackThursday", "@name"
    pub(super) fn tag(self, text: &str) -> Option<Reading> {
        let key = match text.chars().next()? {
            '#' => "hashtag",
            '@' => "at",
            _ => return None,
        };
        let name = &text[1..];
        let end = name
            .find(|c: char| !is_latin(c) && !c.is_ascii_digit() && c != '_')
            .unwrap_or(name.len());
        let name = &name[..end];
        if !name.starts_with(is_latin) {
            return None;
        }
        let mut apart = String::new();
        let mut last = ' ';
        for c in name.chars() {
            if c.is_uppercase() && last.is_lowercase() {
                apart.push(' ');
            }
            apart.push(if c == '_' { ' ' } else { c });
            last = c;
        }
        let said: Vec<_> = apart.split_whitespace().map(|part| self.mixed(part, "", "")).collect();
        Some(Reading::new(1 + end, format!("{} {}", self.language().word(key), said.join(" "))))
    }

    fn end_of_address(self, text: &str) -> usize {
        let stops = |c: char| {
            c.is_whitespace() || matches!(c, '<' | '>' | '"') || !c.is_ascii() && !is_latin(c)
        };
        let whole = &text[..text.find(stops).unwrap_or(text.len())];
        let marks: &[char] = if whole.contains('(') {
            &['.', ',', ';', ':', '!', '?', '\'']
        } else {
            &['.', ',', ';', ':', '!', '?', '\'', ')', ']', '}']
        };
        whole.trim_end_matches(marks).len()
    }

    fn read_address(self, address: &str) -> Reading {
        Reading::of_parts(address.len(), &self.parts_of_address(0, address), " ")
    }

    /// Returns the words for the parts of an address that begins at an offset.
    fn parts_of_address(self, start: usize, address: &str) -> Vec<(usize, String)> {
        let address = address.strip_suffix('/').unwrap_or(address);
        let host_end = address.find(['/', '?', '#']).unwrap_or(address.len());
        let mut said: Vec<(usize, String)> = Vec::new();
        let mut rest = address;
        while let Some(c) = rest.chars().next() {
            let same =
                |next: char| next.is_ascii_digit() == c.is_ascii_digit() && next.is_alphanumeric();
            let end = if c.is_alphanumeric() {
                rest.find(|next| !same(next)).unwrap_or(rest.len())
            } else {
                c.len_utf8()
            };
            let (part, after) = rest.split_at(end);
            let key = match c {
                '.' => "dot",
                '/' => "slash",
                '-' => "dash",
                '_' => "underscore",
                '@' => "at",
                '#' => "hash",
                '?' => "question",
                '=' => "equals",
                '&' => "and",
                ':' => "colon",
                '+' => "plus",
                '%' => "percent",
                '~' => "tilde",
                _ => "",
            };
            let at = address.len() - rest.len();
            let last_label = at + end == host_end && address[..at].ends_with('.');
            let words = if c.is_ascii_digit() {
                self.speller.say_digits(part)
            } else if c.is_alphabetic() {
                self.part_of_address(part, last_label)
            } else if !key.is_empty() {
                self.language().word(key).to_owned()
            } else if let Some(Sign::Word(word)) = self.language().sign(c) {
                word.to_owned()
            } else {
                String::new()
            };
            if !words.is_empty() {
                said.push((start + at, words));
            }
            rest = after;
        }
        said
    }

    fn part_of_address(self, part: &str, last_label: bool) -> String {
        let upper = part.to_uppercase();
        let word_like = self.language().listed("common", &part.to_lowercase());
        // ".es" and ".it" are words in their own countries.
        let country = last_label
            && part.len() == 2
            && !matches!(self.language().tongue, Tongue::Spanish | Tongue::Italian);
        let spelled = self.language().listed("spell", &upper) && !word_like
            || part.chars().count() <= 5 && !has_vowel(part)
            || part.len() == 1;
        if country || spelled { self.letters(part) } else { self.folded(&part.to_lowercase()) }
    }

    /// Says letters one by one.
    fn letters(self, word: &str) -> String {
        let mut said: Vec<String> = Vec::new();
        for c in word.chars().filter(|c| c.is_alphabetic()) {
            let upper: String = c.to_uppercase().collect();
            let listed = self.language().get("letter", &upper).map(str::to_owned);
            said.push(listed.unwrap_or_else(|| self.folded(&upper)));
        }
        said.join(" ")
    }

    /// Returns a word in letters that the engine knows.
    fn folded(self, word: &str) -> String {
        let known = |c: char| c.is_ascii() || NATIVE.contains(c);
        if word.chars().all(known) {
            return word.to_owned();
        }
        let mut out = String::with_capacity(word.len());
        word.chars().for_each(|c| push_folded(&mut out, c));
        out
    }

    /// Reads the word at the start of a text, with what is joined to it by hyphens.
    pub(super) fn word(self, before: &str, text: &str) -> Reading {
        let mut end = 0;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let joins = matches!(c, '\'' | '-')
                && at > 0
                && chars.peek().is_some_and(|(_, next)| is_part(*next))
                && text[..at].ends_with(is_part);
            if !is_part(c) && !joins {
                break;
            }
            end = at + c.len_utf8();
        }
        let (word, rest) = text.split_at(end);
        if let Some(range) = self.named_range(word, rest) {
            return range;
        }
        let parts: Vec<&str> = word.split('-').collect();
        let plain = parts
            .iter()
            .all(|part| part.chars().all(|c| c.is_alphabetic() || c == '\'') && !is_upper(part));
        let mut said = Vec::with_capacity(parts.len());
        for (index, part) in parts.iter().enumerate() {
            let after = if index + 1 == parts.len() { rest } else { "" };
            said.push(self.mixed(part, if index == 0 { before } else { "" }, after));
        }
        let mut words = said.join(if plain && !self.shouted { "-" } else { " " });
        let mut len = end;
        if let Some(power) = self.power(rest).filter(|_| word.chars().count() <= 2) {
            words = format!("{words} {}", power.words);
            len += power.len;
        }
        Reading::new(len, words)
    }

    /// "Mon–Fri", "May-June", "A–Z"
    fn named_range(self, word: &str, rest: &str) -> Option<Reading> {
        let language = self.language();
        let full = |name: &str| {
            ["weekday", "month"].into_iter().find_map(|section| {
                let number = language.named(section, name)?;
                language.get(section, number).map(|full| (section, full))
            })
        };
        let (first, second, len) = match word.split_once('-') {
            Some((first, second)) => (first, second, word.len()),
            None => {
                let sign = skip_space(rest);
                let after = sign.strip_prefix(['–', '-'])?;
                // A hyphen between spaces is a pause, except between names of days and months.
                if sign.starts_with('-') && full(word).is_none() {
                    return None;
                }
                let second = next_word(after);
                let len = word.len() + rest.len() - skip_space(after).len() + second.len();
                (word, second, len)
            }
        };
        let to = language.word("range");
        let letter = |name: &str| name.chars().count() == 1 && is_upper(name);
        let words = match (full(first), full(second)) {
            (Some((section, first)), Some((other, second))) if section == other => {
                format!("{first} {to} {second}")
            }
            _ if letter(first) && letter(second) => {
                format!("{} {to} {}", self.letters(first), self.letters(second))
            }
            _ => return None,
        };
        Some(Reading::new(len, words))
    }

    /// Reads a word of letters and digits, such as "COVID", "MP3" or "don't".
    fn mixed(self, part: &str, before: &str, after: &str) -> String {
        let is_digit = |c: char| c.is_ascii_digit() || subscript(c).is_some();
        if !part.contains(is_digit) {
            return self.letters_word(part, before, after);
        }
        let mut said: Vec<String> = Vec::new();
        let mut rest = part;
        while let Some(c) = rest.chars().next() {
            let end = rest.find(|next: char| is_digit(next) != is_digit(c)).unwrap_or(rest.len());
            let (run, tail) = rest.split_at(end);
            if is_digit(c) {
                let digits: String = run.chars().map(|c| subscript(c).unwrap_or(c)).collect();
                said.push(self.speller.say_digits(&digits));
            } else if is_upper(run) && run.chars().count() <= 3 {
                said.push(self.letters(run));
            } else {
                said.push(self.letters_word(run.trim_matches('\''), "", ""));
            }
            rest = tail;
        }
        // An apostrophe between numbers is silent.
        said.retain(|words| !words.is_empty());
        said.join(" ")
    }

    fn letters_word(self, word: &str, before: &str, after: &str) -> String {
        if let Some(numeral) = self.roman(word, before, after) {
            return numeral;
        }
        // "FBI's", "URLs"
        for ending in ["'s", "s", "'S"] {
            if let Some(base) = word.strip_suffix(ending)
                && base.chars().count() >= 2
                && is_upper(base)
                && (ending != "'S" || !self.language().listed("common", &word.to_lowercase()))
            {
                let said = self.capitals(base, before, after);
                return format!("{said}'s");
            }
        }
        if word.chars().filter(|c| c.is_alphabetic()).count() < 2 || !is_upper(word) {
            // "Seat 12A"
            let numbered = is_upper(word) && before.ends_with(|c: char| c.is_ascii_digit());
            return if numbered { self.letters(word) } else { self.folded(word) };
        }
        // "L'UE" is an article and an abbreviation.
        if matches!(self.language().tongue, Tongue::French | Tongue::Italian)
            && let Some((article, name)) = word.split_once('\'')
            && name.chars().count() > 1
        {
            let name = self.capitals(name, before, after);
            return format!("{}'{name}", self.folded(&article.to_lowercase()));
        }
        self.capitals(word, before, after)
    }

    /// Decides whether capitals are a word or letters.
    fn capitals(self, word: &str, before: &str, after: &str) -> String {
        let language = self.language();
        let lower = word.to_lowercase();
        let (spelled, common) = (language.listed("spell", word), language.listed("common", &lower));
        let length = lower.chars().count();
        let as_word = if language.listed("read", word) || self.shouted && common {
            true
        } else if spelled && common {
            let previous = previous_word(before);
            let next = next_word(after);
            let emphasized = |word: &str| {
                word.chars().count() > 1
                    && is_upper(word)
                    && !language.listed("spell", word)
                    && (language.listed("common", &word.to_lowercase()) || word.chars().count() > 4)
            };
            language.listed("emphasis", &previous.to_lowercase())
                || emphasized(previous)
                || emphasized(next)
        } else {
            // Short words are known by the table; in a heading there are few abbreviations.
            let is_word = match length {
                // "I'M"
                _ if lower.contains('\'') => true,
                ..=2 => false,
                3 => self.shouted,
                4 => self.shouted || !has_cluster(&lower),
                _ => true,
            };
            !spelled && (common || is_word && has_vowel(&lower))
        };
        if as_word { self.folded(&lower) } else { self.letters(word) }
    }

    /// Reads a Roman numeral below forty, of two letters at least.
    fn roman(self, word: &str, before: &str, after: &str) -> Option<String> {
        let end = word.find(|c| !matches!(c, 'I' | 'V' | 'X')).unwrap_or(word.len());
        let (numeral, suffix) = word.split_at(end);
        let value = roman_value(numeral)?;
        let previous = previous_word(before);
        let king = self.language().listed("king", previous);
        let ordinal = |ending| Some(self.speller.ordinal(value, ending));
        let tongue = self.language().tongue;
        // "Isabel II"
        let queen = previous.starts_with(char::is_uppercase)
            && (previous.ends_with('a') || previous == "Isabel")
            && !matches!(previous, "Papa" | "Andrea" | "Luca");
        let regnal = if queen { Ending::Feminine } else { Ending::Masculine };
        if tongue == Tongue::French && matches!(suffix, "e" | "ème" | "er" | "ᵉ") {
            return ordinal(Ending::Masculine);
        }
        if !suffix.is_empty() || numeral.len() < 2 && !king {
            return None;
        }
        match tongue {
            Tongue::English if king => {
                Some(format!("the {}", self.speller.ordinal(value, Ending::Masculine)))
            }
            Tongue::German if after.starts_with('.') => {
                Some(format!("der {}", self.speller.ordinal(value, Ending::Masculine)))
            }
            Tongue::Spanish if previous != "siglo" && value <= 10 => ordinal(regnal),
            Tongue::Italian => ordinal(regnal),
            _ => Some(self.speller.cardinal(value)),
        }
    }

    /// Reads superscripts after a number or a letter: "squared", "to the sixth power".
    pub(super) fn power(self, text: &str) -> Option<Reading> {
        let (mut digits, mut len) = (String::new(), 0);
        for c in text.chars() {
            let Some(digit) = superscript(c) else { break };
            digits.push(digit);
            len += c.len_utf8();
        }
        if len == 0 {
            return None;
        }
        let language = self.language();
        let negative = digits.strip_prefix('-');
        let value: Option<u64> = negative.unwrap_or(&digits).parse().ok();
        let words = match (value, negative) {
            (Some(2), None) => language.word("squared").to_owned(),
            (Some(3), None) => language.word("cubed").to_owned(),
            (Some(value), None) if language.tongue == Tongue::English => {
                format!("to the {} power", self.speller.ordinal(value, Ending::Masculine))
            }
            (Some(value), negative) => {
                let to = match (language.tongue, language.sign('^')) {
                    (_, Some(Sign::Word(word))) => word,
                    _ => "",
                };
                let minus = if negative.is_some() { language.word("minus") } else { "" };
                let words = format!("{to} {minus} {}", self.speller.cardinal(value));
                words.split_whitespace().collect::<Vec<_>>().join(" ")
            }
            (None, _) => self.read_address(&digits).words,
        };
        Some(Reading::new(len, words))
    }
}

/// Accented letters that the engine knows in each of its languages.
const NATIVE: &str = "ÀÁÂÃÄÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝßàáâãäçèéêëìíîïñòóôõöùúûüýÿœŒ";

fn is_part(c: char) -> bool {
    is_latin(c) || c.is_ascii_digit() || subscript(c).is_some()
}

fn is_upper(word: &str) -> bool {
    word.contains(char::is_uppercase) && !word.contains(char::is_lowercase)
}

fn has_vowel(word: &str) -> bool {
    word.contains(is_vowel)
}

fn is_vowel(c: char) -> bool {
    "aeiouyäöüáéíóúàèìòùâêîôûëïœæøåAEIOUYÄÖÜÁÉÍÓÚÀÈÌÒÙÂÊÎÔÛËÏŒÆØÅ".contains(c)
}

/// Returns whether three consonants follow each other, which is rare in a word of four letters.
fn has_cluster(word: &str) -> bool {
    word.split(is_vowel).any(|run| run.chars().count() > 2)
}

/// Returns whether a name with full stops is rather the end of a sentence: "end.It".
fn has_sentence_end(name: &str) -> bool {
    name.split('.').skip(1).any(|label| {
        let mut chars = label.chars();
        chars.next().is_some_and(char::is_uppercase) && chars.next().is_some_and(char::is_lowercase)
    })
}

fn roman_value(numeral: &str) -> Option<u64> {
    const UNITS: [&str; 10] = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
    let tens = numeral.len() - numeral.trim_start_matches('X').len();
    let unit = UNITS.iter().position(|&unit| unit == &numeral[tens..])?;
    (tens <= 3 && !numeral.is_empty()).then(|| (tens * 10 + unit) as u64)
}
