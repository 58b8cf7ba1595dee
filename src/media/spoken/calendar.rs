//! Reads dates, times, ordinals and decades.

use regex::{Captures, Regex};

use super::amounts::{Amounts, Reading};
use super::normal::{ends_word, previous_word, skip_space};
use super::numbers::{Ending, Number, leading_digits};
use super::tables::Tongue;

pattern!(ISO_DATE, r"^([1-9][0-9]{3})-([0-9]{2})-([0-9]{2})");
pattern!(DATE, r"^([0-9]{1,2})([./\-])([0-9]{1,2})([./\-])([0-9]{4}|[0-9]{2})");
pattern!(DAY_MONTH, r"^([0-9]{1,2})\.([0-9]{1,2})\.");
pattern!(TIME, r"^([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?");
// "Uhr" stands once after the hours of a range: "8.00–17.00 Uhr".
pattern!(
    GERMAN_TIME,
    r"^([01]?[0-9]|2[0-4])[.:]([0-5][0-9])(?:[ \x{a0}]?(?:[\-–]|bis)[ \x{a0}]?[0-9]{1,2}(?:[.:][0-9]{2})?)?[ \x{a0}]Uhr"
);
pattern!(DOTTED_TIME, r"^([01]?[0-9]|2[0-4])\.([0-5][0-9])");
pattern!(FRENCH_TIME, r"^([01]?[0-9]|2[0-4])[ \x{a0}]?h[ \x{a0}]?([0-5][0-9])");
pattern!(HALF_DAY, r"^[ \x{a0}]?(?:([ap])\.[ ]?m\.|([ap]|[AP])[mM])");

impl Amounts<'_> {
    /// Reads a date, a time, an ordinal or a decade.
    pub(super) fn point(&self) -> Option<Reading> {
        self.date().or_else(|| self.time()).or_else(|| self.special())
    }

    fn date(&self) -> Option<Reading> {
        if let Some((len, found)) = self.matched(&['-'], &ISO_DATE) {
            let words = self.say_date(&found[3], &found[2], Some(&found[1]))?;
            return Some(Reading::new(len, words));
        }
        if let Some((len, found)) = self.matched(&['.', '/', '-'], &DATE) {
            let separator = &found[2];
            let short = found[5].len() == 2;
            // "1.2.34" is a version where dates have slashes, and "1-2-34" is no date anywhere.
            // More groups of digits are a version or a telephone number.
            let goes_on = self.text[len..].strip_prefix(separator);
            if &found[4] != separator
                || short && separator == "-"
                || short && separator == "." && self.tongue() == Tongue::English
                || goes_on.is_some_and(|rest| leading_digits(rest) > 0)
            {
                return None;
            }
            let month_first = self.american && separator != ".";
            let (day, month) =
                if month_first { (&found[3], &found[1]) } else { (&found[1], &found[3]) };
            let words = self
                .say_date(day, month, Some(&found[5]))
                .or_else(|| self.say_date(month, day, Some(&found[5])))?;
            return Some(Reading::new(len, words));
        }
        if self.tongue() == Tongue::German {
            self.text[leading_digits(self.text)..].strip_prefix('.')?;
            let found = DAY_MONTH.captures(self.text)?;
            if leading_digits(&self.text[found[0].len()..]) > 0 {
                return None;
            }
            let words = self.say_date(&found[1], &found[2], None)?;
            return Some(Reading::new(found[0].len(), words));
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

    pub(super) fn article(&self) -> &'static str {
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

    pub(super) fn time(&self) -> Option<Reading> {
        let tongue = self.tongue();
        if tongue == Tongue::English
            && let Some(reading) = self.hour_of_half_day()
        {
            return Some(reading);
        }
        let (_, found) = match tongue {
            Tongue::German => self.matched(&['.', ':'], &GERMAN_TIME),
            // "9.30 am"
            Tongue::English => {
                self.clock(&['.'], &DOTTED_TIME).filter(|(len, _)| self.half_day(*len).is_some())
            }
            // "a las 14.30 h"
            Tongue::Spanish => {
                self.clock(&['.'], &DOTTED_TIME).filter(|(len, _)| self.hour_sign(*len).is_some())
            }
            Tongue::Italian => self.clock(&['.'], &DOTTED_TIME).filter(|_| {
                let before = previous_word(self.before).to_lowercase();
                self.language().listed("time", &before)
            }),
            Tongue::French => self.matched(&['h', ' ', '\u{a0}'], &FRENCH_TIME),
        }
        .or_else(|| self.clock(&[':'], &TIME))?;
        // The German pattern looks further than the time.
        let mut len = found.get(3).or_else(|| found.get(2))?.end();
        let hour: u64 = found[1].parse().ok()?;
        let minute: u64 = found[2].parse().ok()?;
        let said_hour = self.speller.cardinal(hour);
        let said_minute = self.speller.cardinal(minute);
        let zero = self.speller.cardinal(0);
        let with_minute = |hour: String| match minute {
            0 => hour,
            _ => format!("{hour} {said_minute}"),
        };
        let half = if tongue == Tongue::English { self.half_day(len) } else { None };
        let second: Option<u64> = found.get(3).and_then(|second| second.as_str().parse().ok());
        let mut words = match tongue {
            Tongue::English => match (minute, hour) {
                (0, _) if half.is_some() && second.is_none() => said_hour,
                (0, 1..=12) => format!("{said_hour} o'clock"),
                (0, 0) => "midnight".to_owned(),
                (0, _) => format!("{said_hour} hundred"),
                (1..=9, _) => format!("{said_hour} oh {said_minute}"),
                _ => with_minute(said_hour),
            },
            Tongue::German => {
                if let Some(rest) =
                    self.text[len..].trim_start_matches([' ', '\u{a0}']).strip_prefix("Uhr")
                {
                    len = self.text.len() - rest.len();
                }
                with_minute(format!("{} Uhr", self.speller.before_noun(&said_hour, false)))
            }
            Tongue::French => {
                let hour_noun = if hour < 2 { "heure" } else { "heures" };
                with_minute(format!("{} {hour_noun}", self.speller.before_noun(&said_hour, true)))
            }
            Tongue::Spanish => {
                len = self.hour_sign(len).unwrap_or(len);
                match minute {
                    1..=9 => format!("{said_hour} {zero} {said_minute}"),
                    _ => with_minute(self.speller.before_noun(&said_hour, true)),
                }
            }
            Tongue::Italian if minute == 0 => said_hour,
            Tongue::Italian => format!("{said_hour} e {said_minute}"),
        };
        if let Some(second) = second {
            words = format!("{words} {}", self.speller.cardinal(second));
        }
        if let Some((end, half)) = half {
            len = end;
            words = format!("{words} {half}");
        }
        Some(Reading::new(len, words))
    }

    /// Returns the match of a time, which "am" or "h" may follow at once.
    fn clock(&self, separators: &[char], pattern: &Regex) -> Option<(usize, Captures<'_>)> {
        if !self.text[leading_digits(self.text)..].starts_with(separators) {
            return None;
        }
        let found = pattern.captures(self.text)?;
        let end = found.get(0)?.end();
        let ends = match self.tongue() {
            Tongue::English if self.half_day(end).is_some() => true,
            Tongue::Spanish if self.hour_sign(end).is_some() => true,
            _ => ends_word(&self.text[..end], &self.text[end..]),
        };
        ends.then_some((end, found))
    }

    /// Returns the end of the "h" after a time.
    fn hour_sign(&self, at: usize) -> Option<usize> {
        let rest = skip_space(&self.text[at..]).strip_prefix('h')?;
        ends_word("h", rest).then(|| self.text.len() - rest.len())
    }

    /// "9 a.m.", "5pm"
    fn hour_of_half_day(&self) -> Option<Reading> {
        let digits = leading_digits(self.text);
        let hour: u64 = self.text[..digits].parse().ok().filter(|hour| (1..=12).contains(hour))?;
        let (len, half) = self.half_day(digits)?;
        Some(Reading::new(len, format!("{} {half}", self.speller.cardinal(hour))))
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
        let reading = |len, words| Some(Reading::new(len, words));
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
        let plural = |said: &str| format!("{said}{}", if said.ends_with('x') { "es" } else { "s" });
        match self.tongue() {
            Tongue::English => {
                if let Some(len) = suffix(&["st", "nd", "rd", "th", "ST", "ND", "RD", "TH"]) {
                    return reading(len, self.speller.ordinal(value, Ending::Masculine));
                }
                // "THE 80S", but "a 100S" may be the name of a product.
                let may_be_decade = number.whole.len() == 4 || (20..=90).contains(&value);
                let is_capital = rest.trim_start_matches('\'').starts_with('S');
                if number.whole.ends_with('0')
                    && (may_be_decade || !is_capital)
                    && let Some(len) = suffix(&["s", "'s", "S", "'S"])
                {
                    return reading(len, decade("s"));
                }
                // "two 747s"; no more than 59 are seconds.
                if value >= 60
                    && let Some(len) = suffix(&["s"])
                {
                    return reading(len, plural(&self.speller.cardinal(value)));
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
                (number.whole.len() <= 3 && next.is_alphabetic()).then(|| {
                    let words = self.speller.ordinal(value, self.german_ending());
                    Reading::new(number.len + 1, words)
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
                    let degrees = suffixes[0] == "º"
                        && rest
                            .strip_prefix('°')
                            .is_some_and(|after| value > 10 || after.starts_with(['C', 'F']));
                    if !degrees && let Some(len) = suffix(suffixes) {
                        return reading(len, self.speller.ordinal(value, ending));
                    }
                }
                None
            }
        }
    }
}
