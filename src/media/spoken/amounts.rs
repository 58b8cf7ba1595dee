//! Reads what begins with a number: telephone numbers, dates, times, money, quantities with units,
//! ranges, fractions, ordinals, years.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::normal::{fraction, superscript};
use super::numbers::{Ending, Number, Speller, leading_digits};
use super::tables::{Currency, Language, Noun, Tongue};
use super::text::{ends_word, previous_word, skip_space};

/// A part of a text and what is said for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) len: usize,
    pub(super) words: String,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Amounts<'a> {
    pub(super) speller: Speller,
    pub(super) american: bool,
    /// The text before the number.
    pub(super) before: &'a str,
    /// The text from the number on, as far as any rule looks.
    pub(super) text: &'a str,
}

macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($pattern).expect("a valid pattern"));
    };
}

pattern!(
    PHONE,
    r"^(?:\+[0-9]{1,3}(?:[ .\-/\x{a0}]?(?:\([0-9]{1,5}\)|[0-9]{1,11})){1,7}|(?:\+?1[ \-])?\([0-9]{2,5}\)[ \-]?[0-9]{3,}(?:[ \-.][0-9]{2,})*|0[0-9]{1,5}(?:[ /\-.\x{a0}]{1,3}[0-9]{2,})+|(?:1[ \-.])?[0-9]{3}[\-.][0-9]{3}[\-.][0-9]{4}|[0-9]{3}-[0-9]{4})"
);
pattern!(ISO_DATE, r"^([0-9]{4})-([0-9]{2})-([0-9]{2})");
pattern!(DATE, r"^([0-9]{1,2})([./])([0-9]{1,2})[./]([0-9]{4}|[0-9]{2})");
pattern!(DAY_MONTH, r"^([0-9]{1,2})\.([0-9]{1,2})\.");
pattern!(TIME, r"^([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?");
pattern!(GERMAN_TIME, r"^([01]?[0-9]|2[0-4])[.:]([0-5][0-9])[ \x{a0}]Uhr");
pattern!(FRENCH_TIME, r"^([01]?[0-9]|2[0-4])[ \x{a0}]?h[ \x{a0}]?([0-5][0-9])");
pattern!(HALF_DAY, r"^[ \x{a0}]?(?:([ap])\.[ ]?m\.|([ap]|[AP])[mM])");
pattern!(VERSION, r"^[0-9]+(?:\.[0-9]+){2,8}");
pattern!(FRACTION, r"^([0-9]{1,3})/([0-9]{1,3})");
pattern!(FEET, r#"^([0-9])'([0-9]{1,2})(?:"|'')"#);

/// A number with its sign, scale, currency or unit.
#[derive(Debug)]
struct Amount {
    len: usize,
    number: Number,
    negative: bool,
    fraction: Option<(u64, u64)>,
    scale: Option<&'static str>,
    currency: Option<Currency>,
    currency_first: bool,
    unit: Option<Noun>,
}

impl Amounts<'_> {
    const fn language(&self) -> &'static Language {
        self.speller.language
    }

    fn tongue(&self) -> Tongue {
        self.language().tongue
    }

    pub(super) fn read(&self) -> Option<Reading> {
        if let Some(phone) = self.phone() {
            return Some(phone);
        }
        if let Some(mut point) = self.point() {
            // "9:00–17:00", "25th–27th"
            if let Some(sign) = range_sign(&self.text[point.len..]) {
                let (before, text) = self.text.split_at(point.len + sign.len());
                if let Some(end) = (Amounts { before, text, ..*self }).point() {
                    let to = self.language().word("range");
                    point.words = format!("{} {to} {}", point.words, end.words);
                    point.len += sign.len() + end.len;
                }
            }
            return Some(point);
        }
        self.version()
            .or_else(|| self.written_fraction())
            .or_else(|| self.feet())
            .or_else(|| self.quantity())
    }

    /// Reads a date, a time, an ordinal or a decade.
    fn point(&self) -> Option<Reading> {
        self.date().or_else(|| self.time()).or_else(|| self.special())
    }

    /// Returns the match of a pattern that ends where a word or number ends. `separators` may follow
    /// the first digits: looking for them first is much faster than the pattern.
    fn matched(&self, separators: &[char], pattern: &Regex) -> Option<(usize, Captures<'_>)> {
        let digits = leading_digits(self.text);
        if digits == 0 || !self.text[digits..].starts_with(separators) {
            return None;
        }
        self.matched_anywhere(pattern)
    }

    fn matched_anywhere(&self, pattern: &Regex) -> Option<(usize, Captures<'_>)> {
        let found = pattern.captures(self.text)?;
        let end = found.get(0)?.end();
        ends_word(&self.text[..end], &self.text[end..]).then_some((end, found))
    }

    fn phone(&self) -> Option<Reading> {
        let is_part = |c: char| c.is_ascii_digit() || " +-./()\u{a0}".contains(c);
        let shape = self.text.chars().take(40).take_while(|&c| is_part(c));
        if shape.filter(char::is_ascii_digit).count() < 7 {
            return None;
        }
        let (len, found) = self.matched_anywhere(&PHONE)?;
        let written = &found[0];
        let digits = written.bytes().filter(u8::is_ascii_digit).count();
        let rest = &self.text[len..];
        if digits < 7
            || DATE.is_match(self.text)
            || rest.starts_with("-") && leading_digits(&rest[1..]) > 0
        {
            return None;
        }
        let pairs = self.tongue() == Tongue::French;
        let mut said = Vec::new();
        for group in written.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty())
        {
            said.push(match group.parse() {
                Ok(value) if pairs && group.len() == 2 && !group.starts_with('0') => {
                    self.speller.cardinal(value)
                }
                _ => self.speller.digits(group),
            });
        }
        let plus = if written.starts_with('+') { self.language().word("plus") } else { "" };
        Some(Reading { len, words: format!("{plus} {}", said.join(", ")).trim().to_owned() })
    }

    fn date(&self) -> Option<Reading> {
        if let Some((len, found)) = self.matched(&['-'], &ISO_DATE) {
            let words = self.say_date(&found[3], &found[2], Some(&found[1]))?;
            return Some(Reading { len, words });
        }
        if let Some((len, found)) = self.matched(&['.', '/'], &DATE) {
            // "1.2.34" is a version where dates have slashes.
            if &found[2] == "." && self.tongue() == Tongue::English && found[4].len() == 2 {
                return None;
            }
            let month_first = self.american && &found[2] == "/";
            let (day, month) =
                if month_first { (&found[3], &found[1]) } else { (&found[1], &found[3]) };
            let words = self
                .say_date(day, month, Some(&found[4]))
                .or_else(|| self.say_date(month, day, Some(&found[4])))?;
            return Some(Reading { len, words });
        }
        if self.tongue() == Tongue::German {
            self.text[leading_digits(self.text)..].strip_prefix('.')?;
            let found = DAY_MONTH.captures(self.text)?;
            let words = self.say_date(&found[1], &found[2], None)?;
            return Some(Reading { len: found[0].len(), words });
        }
        None
    }

    fn say_date(&self, day: &str, month: &str, year: Option<&str>) -> Option<String> {
        let day = day.parse().ok().filter(|day| (1..=31).contains(day))?;
        let month: u64 = month.parse().ok().filter(|month| (1..=12).contains(month))?;
        let month = self.language().get("month", &month.to_string())?;
        let year = match year {
            Some(year) if year.len() == 2 && self.tongue() == Tongue::English => {
                format!(" {}", self.speller.digits_or_pair(year))
            }
            Some(year) => format!(" {}", self.speller.year(year.parse().ok()?)),
            None => String::new(),
        };
        let ordinal = |ending| self.speller.ordinal(day, ending);
        let day = match self.tongue() {
            Tongue::English if self.american => {
                return Some(format!("{month} {},{year}", ordinal(Ending::Masculine)));
            }
            Tongue::English => format!("{}{} of", self.article(), ordinal(Ending::Masculine)),
            Tongue::German => ordinal(self.german_ending()),
            Tongue::Spanish => format!("{} de", self.speller.cardinal(day)),
            Tongue::French | Tongue::Italian if day == 1 => ordinal(Ending::Masculine),
            _ => self.speller.cardinal(day),
        };
        let of = if self.tongue() == Tongue::Spanish && !year.is_empty() { " de" } else { "" };
        Some(format!("{day} {month}{of}{year}"))
    }

    fn article(&self) -> &'static str {
        if previous_word(self.before).eq_ignore_ascii_case("the") { "" } else { "the " }
    }

    /// Returns the ending of a German ordinal after the word before it.
    fn german_ending(&self) -> Ending {
        let before = previous_word(self.before).to_lowercase();
        if self.language().listed("ten", &before) {
            Ending::Ten
        } else if self.language().listed("te", &before) {
            Ending::Masculine
        } else {
            Ending::Ter
        }
    }

    fn time(&self) -> Option<Reading> {
        let tongue = self.tongue();
        if tongue == Tongue::English
            && let Some(reading) = self.hour_of_half_day()
        {
            return Some(reading);
        }
        let (len, found) = match tongue {
            Tongue::German => self.matched(&['.', ':'], &GERMAN_TIME),
            Tongue::French => self.matched(&['h', ' ', '\u{a0}'], &FRENCH_TIME),
            _ => None,
        }
        .or_else(|| self.matched(&[':'], &TIME))?;
        let hour: u64 = found[1].parse().ok()?;
        let minute: u64 = found[2].parse().ok()?;
        let said_hour = self.speller.cardinal(hour);
        let said_minute = self.speller.cardinal(minute);
        let zero = self.speller.cardinal(0);
        let mut len = len;
        let mut words = match tongue {
            Tongue::English => {
                let half = self.half_day(len);
                let said = match (minute, hour) {
                    (0, _) if half.is_some() => said_hour,
                    (0, 1..=12) => format!("{said_hour} o'clock"),
                    (0, 0) => "midnight".to_owned(),
                    (0, _) => format!("{said_hour} hundred"),
                    (1..=9, _) => format!("{said_hour} oh {said_minute}"),
                    _ => format!("{said_hour} {said_minute}"),
                };
                match half {
                    Some((end, half)) => {
                        len = end;
                        format!("{said} {half}")
                    }
                    None => said,
                }
            }
            Tongue::German => {
                if let Some(rest) =
                    self.text[len..].trim_start_matches([' ', '\u{a0}']).strip_prefix("Uhr")
                {
                    len = self.text.len() - rest.len();
                }
                let hour = self.speller.before_noun(&said_hour, false);
                if minute == 0 {
                    format!("{hour} Uhr")
                } else {
                    format!("{hour} Uhr {said_minute}")
                }
            }
            Tongue::French => {
                let hour_noun = if hour < 2 { "heure" } else { "heures" };
                let hour = self.speller.before_noun(&said_hour, true);
                if minute == 0 {
                    format!("{hour} {hour_noun}")
                } else {
                    format!("{hour} {hour_noun} {said_minute}")
                }
            }
            Tongue::Spanish => match minute {
                0 => self.speller.before_noun(&said_hour, true),
                1..=9 => format!("{said_hour} {zero} {said_minute}"),
                _ => format!("{} {said_minute}", self.speller.before_noun(&said_hour, true)),
            },
            Tongue::Italian if minute == 0 => said_hour,
            Tongue::Italian => format!("{said_hour} e {said_minute}"),
        };
        if let Some(second) = found.get(3).and_then(|second| second.as_str().parse().ok()) {
            words = format!("{words} {}", self.speller.cardinal(second));
        }
        Some(Reading { len, words })
    }

    /// "9 a.m.", "5pm"
    fn hour_of_half_day(&self) -> Option<Reading> {
        let digits = leading_digits(self.text);
        let hour: u64 = self.text[..digits].parse().ok().filter(|hour| (1..=12).contains(hour))?;
        let (len, half) = self.half_day(digits)?;
        Some(Reading { len, words: format!("{} {half}", self.speller.cardinal(hour)) })
    }

    fn half_day(&self, at: usize) -> Option<(usize, String)> {
        let rest = &self.text[at..];
        if !skip_space(rest).starts_with(['a', 'p', 'A', 'P']) {
            return None;
        }
        let found = HALF_DAY.captures(rest)?;
        let end = at + found[0].len();
        let letter = found.get(1).or_else(|| found.get(2))?.as_str().to_uppercase();
        let said = self.language().get("letter", &letter).unwrap_or(&letter);
        ends_word(&self.text[..end], &self.text[end..]).then(|| (end, format!("{said} M")))
    }

    fn version(&self) -> Option<Reading> {
        let (len, found) = self.matched(&['.'], &VERSION)?;
        // "1.234.567" has groups of thousands.
        let number = Number::parse(self.text, self.tongue())?;
        if number.grouped && number.len >= len {
            return None;
        }
        let language = self.language();
        let point = language.get("word", "version").unwrap_or_else(|| language.word("point"));
        let parts: Vec<_> = found[0].split('.').map(|part| self.speller.say_digits(part)).collect();
        Some(Reading { len, words: parts.join(&format!(" {point} ")) })
    }

    fn written_fraction(&self) -> Option<Reading> {
        let (len, found) = self.matched(&['/'], &FRACTION)?;
        if self.text[len..].starts_with('/') {
            return None;
        }
        let (over, under) = (found[1].parse().ok()?, found[2].parse().ok()?);
        let words = self.say_fraction(over, under).filter(|_| over < under).unwrap_or_else(|| {
            let number = |value| self.speller.cardinal(value);
            format!("{} {} {}", number(over), self.language().word("out of"), number(under))
        });
        Some(Reading { len, words })
    }

    fn say_fraction(&self, over: u64, under: u64) -> Option<String> {
        let forms = self.language().get("fraction", &under.to_string())?;
        let (one, many) = forms.split_once('|')?;
        Some(match over {
            1 => one.to_owned(),
            _ => many.replace("{}", &self.speller.cardinal(over)),
        })
    }

    fn feet(&self) -> Option<Reading> {
        self.text[leading_digits(self.text)..].strip_prefix('\'')?;
        let found = FEET.captures(self.text)?;
        let (feet, inches) = (found[1].parse().ok()?, found[2].parse().ok()?);
        let (feet, inches) = (self.speller.cardinal(feet), self.speller.cardinal(inches));
        let words = format!("{feet} {} {inches}", self.language().word("feet"));
        Some(Reading { len: found[0].len(), words })
    }

    /// Reads an ordinal or a decade.
    fn special(&self) -> Option<Reading> {
        let number = Number::parse(self.text, self.tongue())?;
        let value = number.integer()?;
        let rest = &self.text[number.len..];
        let suffix = |suffixes: &[&str]| {
            let found = suffixes.iter().find(|suffix| {
                rest.starts_with(**suffix) && ends_word(suffix, &rest[suffix.len()..])
            });
            found.map(|suffix| number.len + suffix.len())
        };
        let reading = |len, words| Some(Reading { len, words });
        let decade = |ending: &str| {
            let said = if number.whole.len() == 4 {
                self.speller.year(value)
            } else {
                self.speller.cardinal(value)
            };
            match said.strip_suffix('y') {
                Some(stem) if ending == "s" => format!("{stem}ies"),
                _ => format!("{said}{ending}"),
            }
        };
        match self.tongue() {
            Tongue::English => {
                if let Some(len) = suffix(&["st", "nd", "rd", "th"]) {
                    return reading(len, self.speller.ordinal(value, Ending::Masculine));
                }
                if number.whole.ends_with('0')
                    && let Some(len) = suffix(&["s", "'s"])
                {
                    return reading(len, decade("s"));
                }
                None
            }
            Tongue::German => {
                if number.whole.ends_with('0')
                    && let Some(len) = suffix(&["er"])
                {
                    return reading(len, decade("er"));
                }
                let next = rest.strip_prefix(". ")?.chars().next()?;
                (number.whole.len() <= 3 && next.is_alphabetic()).then(|| Reading {
                    len: number.len + 1,
                    words: self.speller.ordinal(value, self.german_ending()),
                })
            }
            Tongue::French => {
                if value == 1
                    && let Some(len) = suffix(&["re", "ère"])
                {
                    return reading(len, self.speller.ordinal(value, Ending::Feminine));
                }
                if value == 1
                    && let Some(len) = suffix(&["er"])
                {
                    return reading(len, self.speller.ordinal(value, Ending::Masculine));
                }
                let len = suffix(&["e", "ème", "eme", "ième", "nd", "nde"])?;
                reading(len, self.speller.ordinal(value, Ending::Masculine))
            }
            Tongue::Spanish | Tongue::Italian => {
                for (suffixes, ending) in [
                    (&["º", ".º", "°", ".°"][..], Ending::Masculine),
                    (&["ª", ".ª"], Ending::Feminine),
                    (&[".er", "er"], Ending::Short),
                ] {
                    // "20 °C" and "20°" are degrees.
                    let degrees = suffixes[0] == "º" && rest.starts_with('°') && value > 10;
                    if !degrees && let Some(len) = suffix(suffixes) {
                        return reading(len, self.speller.ordinal(value, ending));
                    }
                }
                None
            }
        }
    }

    /// Reads an amount, or two of them with "to" between.
    fn quantity(&self) -> Option<Reading> {
        let first = self.amount(0)?;
        let rest = &self.text[first.len..];
        if let Some(sign) = range_sign(rest)
            && let Some(second) = self.amount(first.len + sign.len()).filter(|next| !next.negative)
            && self.is_range(&first, sign, &second)
        {
            let to = self.language().word("range");
            let number = |amount: &Amount| self.range_number(amount);
            let words = match (&first, &second) {
                // "$5–10", "5–10 km": what is written once is said once, after the second number.
                (Amount { currency: None, unit: None, scale: None, .. }, _) => {
                    format!("{} {to} {}", number(&first), self.say_range_end(&second))
                }
                (
                    Amount { currency: Some(_), currency_first: true, .. },
                    Amount { currency: None, .. },
                ) => {
                    let scaled = first.scale.map(|scale| format!(" {scale}")).unwrap_or_default();
                    let end = Amount { currency: first.currency, ..second };
                    format!("{}{scaled} {to} {}", number(&first), self.say(&end))
                }
                _ => format!("{} {to} {}", self.say(&first), self.say(&second)),
            };
            let len = second.len;
            return Some(self.with_rate(Reading { len, words }));
        }
        let mut reading = Reading { len: first.len, words: self.say(&first) };
        if let Some(len) = self.minus_of_equation(rest) {
            let words = format!("{} {}", reading.words, self.language().word("minus"));
            return Some(Reading { len: first.len + len, words });
        }
        // "5 x 4" and "5x4" are sizes; "5x" is how often.
        let sign = skip_space(rest);
        if sign.starts_with(['x', 'X', '*'])
            && skip_space(&sign[1..]).starts_with(|c: char| c.is_ascii_digit())
        {
            let (key, len) = match sign.starts_with('*') {
                true => ("times", 1),
                false => ("by", 1),
            };
            reading.len = self.text.len() - sign.len() + len;
            reading.words = format!("{} {}", reading.words, self.language().word(key));
            return Some(reading);
        }
        if rest.starts_with('x') && ends_word("x", &rest[1..]) {
            let times = self.language().word("times");
            return Some(Reading {
                len: first.len + 1,
                words: format!("{} {times}", reading.words),
            });
        }
        if first.currency.is_some() || first.unit.is_some() {
            return Some(self.with_rate(reading));
        }
        if first.fraction.is_none() && first.scale.is_none() && !first.negative {
            reading.words = self.plain(&first.number, reading.words, first.len);
        }
        Some(reading)
    }

    /// Returns the length of the sign in "10 - 4 = 6", where it is no range.
    fn minus_of_equation(&self, rest: &str) -> Option<usize> {
        let sign = range_sign(rest)?;
        let second = Number::parse(&rest[sign.len()..], self.tongue())?;
        skip_space(&rest[sign.len() + second.len..]).starts_with('=').then_some(sign.len())
    }

    /// Returns whether the sign between two amounts stands for "to".
    fn is_range(&self, first: &Amount, sign: &str, second: &Amount) -> bool {
        let rest = &self.text[second.len..];
        let codes = first.number.is_code() || second.number.is_code();
        let chain = rest.starts_with('-') && leading_digits(&rest[1..]) > 0;
        let equation = skip_space(rest).starts_with('=');
        let in_chain = self.before.ends_with('-');
        !(codes && sign == "-" || chain || in_chain || equation)
    }

    fn range_number(&self, amount: &Amount) -> String {
        match amount.number.integer() {
            Some(year)
                if amount.unit.is_none()
                    && amount.currency.is_none()
                    && is_year(&amount.number) =>
            {
                self.speller.year(year)
            }
            _ => {
                let said = self.speller.say(&amount.number);
                if amount.negative {
                    format!("{} {said}", self.language().word("minus"))
                } else {
                    said
                }
            }
        }
    }

    fn say_range_end(&self, amount: &Amount) -> String {
        if amount.unit.is_none() && amount.currency.is_none() && amount.scale.is_none() {
            return self.range_number(amount);
        }
        self.say(amount)
    }

    /// Adds what a rate counts: "per month" in "$5/month", "per kilogram" in "€2/kg".
    fn with_rate(&self, mut reading: Reading) -> Reading {
        let Some(rest) = self.text[reading.len..].strip_prefix('/') else { return reading };
        let end = rest
            .find(|c: char| !c.is_alphabetic() && superscript(c).is_none())
            .unwrap_or(rest.len());
        let word = &rest[..end];
        if word.is_empty() {
            return reading;
        }
        let noun = self.language().unit(word).map_or(word, |unit| unit.noun.one);
        reading.words = format!("{} {} {noun}", reading.words, self.language().word("per"));
        reading.len += 1 + end;
        reading
    }

    /// Says a number without unit: as a year, as an ordinal in a date, or before a noun.
    fn plain(&self, number: &Number, said: String, len: usize) -> String {
        let Some(value) = number.integer().filter(|_| !number.is_code()) else { return said };
        let rest = &self.text[len..];
        let before = previous_word(self.before);
        let next: String = skip_space(rest).chars().take_while(|c| c.is_alphabetic()).collect();
        let language = self.language();
        let is_month = |word: &str| language.get("month", word).is_some() && !word.is_empty();
        if is_year(number) {
            let lower = before.to_lowercase();
            let counted = next.starts_with(char::is_lowercase);
            if value >= 1_900 || language.listed("year", &lower) || !counted {
                return self.speller.year(value);
            }
        }
        if language.tongue == Tongue::English && (1..=31).contains(&value) && !number.grouped {
            if is_month(before.trim_end_matches('.')) {
                return self.speller.ordinal(value, Ending::Masculine);
            }
            if is_month(&next) && next != "May"
                || next == "May" && !self.text[len..].contains(" be ") && self.american
            {
                return format!(
                    "{}{} of",
                    self.article(),
                    self.speller.ordinal(value, Ending::Masculine)
                );
            }
        }
        let noun_follows = rest.starts_with([' ', '\u{a0}']) && !next.is_empty();
        match language.tongue {
            Tongue::German
                if value == 1 && noun_follows && next.starts_with(char::is_uppercase) =>
            {
                const FEMININE: [&str; 6] = ["e", "ung", "heit", "keit", "schaft", "ion"];
                self.speller.before_noun(&said, FEMININE.iter().any(|end| next.ends_with(end)))
            }
            Tongue::Spanish | Tongue::Italian if noun_follows && next.chars().count() > 2 => {
                self.speller.before_noun(&said, next.ends_with('a') || next.ends_with("as"))
            }
            _ => said,
        }
    }

    fn amount(&self, at: usize) -> Option<Amount> {
        let mut rest = &self.text[at..];
        let negative = ['-', '−', '–'].iter().find_map(|sign| rest.strip_prefix(*sign));
        rest = negative.unwrap_or(rest);
        let prefix = self.currency(rest, true);
        if let Some((len, _)) = prefix {
            rest = skip_space(&rest[len..]);
        }
        let tongue = self.tongue();
        let mut glyph = rest.chars().next().and_then(fraction);
        let number = match Number::parse(rest, tongue) {
            Some(number) => number,
            None if glyph.is_some() => {
                Number { len: 0, whole: String::new(), fraction: None, grouped: false }
            }
            None => return None,
        };
        rest = &rest[number.len..];
        if number.fraction.is_none() {
            let after = rest.trim_start_matches(['\u{a0}', ' ', '\u{2044}']);
            glyph = after.chars().next().and_then(fraction);
            if glyph.is_some() {
                rest = &after[after.chars().next()?.len_utf8()..];
            }
        }
        let scale = self.scale(rest, prefix.is_some());
        if let Some((len, _)) = scale {
            rest = &rest[len..];
        }
        let mut currency = prefix.map(|(_, currency)| currency);
        let currency_first = currency.is_some();
        let mut unit = None;
        if currency.is_none() {
            let spaced = skip_space(rest);
            if let Some((len, found)) = self.currency(spaced, false) {
                (currency, rest) = (Some(found), &spaced[len..]);
            } else if let Some((len, noun)) = self.unit(rest) {
                (unit, rest) = (Some(noun), &rest[len..]);
            }
        }
        Some(Amount {
            len: self.text.len() - rest.len(),
            number,
            negative: negative.is_some(),
            fraction: glyph,
            scale: scale.map(|(_, scale)| scale),
            currency,
            currency_first,
            unit,
        })
    }

    /// Reads the sign or code of a currency at the start of a text.
    fn currency(&self, text: &str, first: bool) -> Option<(usize, Currency)> {
        let end = text.char_indices().take(7).map(|(at, c)| at + c.len_utf8());
        let ends: Vec<usize> = end.collect();
        for &end in ends.iter().rev() {
            let (written, rest) = text.split_at(end);
            let Some(currency) = self.language().currency(written) else { continue };
            let fits = if first {
                skip_space(rest).starts_with(|c: char| c.is_ascii_digit() || c == '.')
            } else {
                ends_word(written, rest)
            };
            return fits.then_some((end, currency));
        }
        None
    }

    fn scale(&self, text: &str, money: bool) -> Option<(usize, &'static str)> {
        let spaced = skip_space(text);
        let joined = spaced.len() == text.len();
        let space = text.len() - spaced.len();
        let word = spaced.find(|c: char| !c.is_alphabetic() && c != '€').unwrap_or(spaced.len());
        let language = self.language();
        let before_euro = spaced[..word].trim_end_matches('€').len();
        for end in [word + 1, word, before_euro] {
            let Some(written) = spaced.get(..end).filter(|written| !written.is_empty()) else {
                continue;
            };
            if !ends_word(written, &spaced[end..]) && self.currency(&spaced[end..], false).is_none()
            {
                continue;
            }
            if let Some(scale) = language.get("scale", &format!("={written}")) {
                return Some((space + end, scale));
            }
            let after_money = money || self.currency(skip_space(&spaced[end..]), false).is_some();
            if (after_money || joined && matches!(written, "k" | "M" | "B"))
                && let Some(scale) = language.get("scale", written)
            {
                return Some((space + end, scale));
            }
        }
        None
    }

    fn unit(&self, text: &str) -> Option<(usize, Noun)> {
        let spaced = skip_space(text);
        // "a 5-km run"
        let hyphen = spaced.strip_prefix('-').filter(|_| spaced.len() == text.len());
        let spaced = hyphen.unwrap_or(spaced);
        let space = text.len() - spaced.len();
        let ends: Vec<usize> =
            spaced.char_indices().take(6).map(|(at, c)| at + c.len_utf8()).collect();
        for &end in ends.iter().rev() {
            let (written, rest) = spaced.split_at(end);
            if !ends_word(written, rest) || rest.starts_with('\'') || rest.starts_with(['²', '³'])
            {
                continue;
            }
            // "m2" is written for "m²".
            let square = written.strip_suffix('2').map(|unit| format!("{unit}²"));
            let cube = written.strip_suffix('3').map(|unit| format!("{unit}³"));
            let power = square.or(cube);
            let written = power.as_deref().unwrap_or(written);
            if let Some(unit) = self.language().unit(written) {
                let many = if hyphen.is_some() { unit.noun.one } else { unit.noun.many };
                let noun = Noun { many, ..unit.noun };
                return (!unit.joined || space == 0).then_some((space + end, noun));
            }
        }
        None
    }

    fn say(&self, amount: &Amount) -> String {
        let Amount { number, scale, currency, unit, .. } = amount;
        let language = self.language();
        let one = number.integer() == Some(1) && scale.is_none() && amount.fraction.is_none();
        let mut said = match amount.fraction {
            None => self.speller.say(number),
            Some((over, under)) => self.mixed(number, over, under),
        };
        if let Some(scale) = scale {
            let single = number.integer() == Some(1);
            said = match self.one_of_scale(scale) {
                Some(one) if single => one,
                _ => format!(
                    "{} {scale}",
                    self.speller.before_noun(&said, false).replace("einss", "eins")
                ),
            };
        }
        if let Some(Currency { main, part }) = currency {
            said = self.money(number, said, scale.is_some(), one, *main, *part);
        } else if let Some(noun) = unit {
            said = self.counted(&said, one, *noun);
        }
        if amount.negative { format!("{} {said}", language.word("minus")) } else { said }
    }

    /// Returns "eine Million", "un millón" for a scale.
    fn one_of_scale(&self, scale: &str) -> Option<String> {
        ["thousand", "million", "milliard", "billion"].iter().find_map(|key| {
            let (one, many) = self.language().get("number", key)?.split_once('|')?;
            let word = many.trim_start_matches("{}").trim_start();
            (word == scale).then(|| one.to_owned())
        })
    }

    fn mixed(&self, number: &Number, over: u64, under: u64) -> String {
        let part = self.say_fraction(over, under).unwrap_or_default();
        let Some(whole) = number.integer() else { return part };
        let whole = self.speller.cardinal(whole);
        let language = self.language();
        let short = match (over, under) {
            (1, 2) => language.get("fraction", "half"),
            (1, 4) => language.get("fraction", "quarter"),
            _ => None,
        };
        match (language.tongue, short) {
            (Tongue::German, Some("einhalb")) => {
                format!("{whole}einhalb").replace("einseinhalb", "eineinhalb")
            }
            (Tongue::German, _) => format!("{whole} {part}"),
            (_, Some(short)) => format!("{whole} {short}"),
            _ => format!("{whole} {} {part}", language.word("and")),
        }
    }

    fn counted(&self, said: &str, one: bool, noun: Noun) -> String {
        let said = if one || self.tongue() == Tongue::Spanish {
            self.speller.before_noun(said, noun.feminine)
        } else {
            said.to_owned()
        };
        format!("{said} {}", if one { noun.one } else { noun.many })
    }

    fn money(
        &self,
        number: &Number,
        said: String,
        scaled: bool,
        one: bool,
        main: Noun,
        part: Noun,
    ) -> String {
        let language = self.language();
        if scaled {
            // "millones de euros", "millions d'euros"
            let millions = said.rsplit(' ').next().is_some_and(|last| last.chars().count() > 5);
            let of = match language.tongue {
                Tongue::Spanish | Tongue::Italian if millions => language.word("of"),
                Tongue::French if millions && main.many.starts_with(['a', 'e', 'i', 'o', 'u']) => {
                    "d'"
                }
                Tongue::French if millions => language.word("of"),
                _ => "",
            };
            let join = if of.is_empty() || of == "d'" { "" } else { " " };
            return format!("{said} {of}{join}{}", main.many);
        }
        let Some((_, decimals)) =
            number.fraction.as_ref().filter(|(_, decimals)| decimals.len() == 2)
        else {
            return self.counted(&said, one, main);
        };
        let whole: u64 = match number.whole.as_str() {
            "" => 0,
            digits => match digits.parse() {
                Ok(whole) => whole,
                Err(_) => return self.counted(&said, one, main),
            },
        };
        let parts: u64 = decimals.parse().unwrap_or_default();
        let counted =
            |value: u64, noun| self.counted(&self.speller.cardinal(value), value == 1, noun);
        let and = language.get("word", "cents").unwrap_or_else(|| language.word("and"));
        match (whole, parts) {
            (_, 0) => counted(whole, main),
            (0, _) => counted(parts, part),
            _ => format!("{} {and} {}", counted(whole, main), counted(parts, part)),
        }
    }
}

/// Returns the sign at the start of a text that may stand for "to", with the spaces around it.
fn range_sign(text: &str) -> Option<&str> {
    let rest = skip_space(text);
    let sign = rest.chars().next().filter(|c| matches!(c, '-' | '–'))?;
    let after = &rest[sign.len_utf8()..];
    let end = skip_space(after);
    let spaced = [text.len() - rest.len(), after.len() - end.len()];
    // A hyphen has spaces on both sides or on none.
    (sign == '–' || spaced[0] == spaced[1]).then(|| &text[..text.len() - end.len()])
}

/// Returns whether a number may be a year: four digits without separators.
fn is_year(number: &Number) -> bool {
    number.whole.len() == 4
        && !number.grouped
        && number.integer().is_some_and(|year| (1_100..2_100).contains(&year))
}

impl Speller {
    /// Says "05" as "oh five" and "24" as "twenty-four".
    fn digits_or_pair(self, year: &str) -> String {
        match year.parse() {
            Ok(value @ 10..) => self.cardinal(value),
            Ok(value) => format!("oh {}", self.cardinal(value)),
            Err(_) => self.digits(year),
        }
    }

    /// Says a whole number, or its digits when it is none.
    pub(super) fn say_digits(self, digits: &str) -> String {
        match digits.parse() {
            Ok(value) if digits.len() <= 4 && (digits.len() == 1 || !digits.starts_with('0')) => {
                self.cardinal(value)
            }
            _ => self.digits(digits),
        }
    }
}
