//! Reads what begins with a number: money, quantities with units, ranges, fractions, years.
//! Dates and times are left to `calendar`, telephone numbers to `phone`.

use regex::{Captures, Regex};

use super::normal::{ends_word, next_word, previous_word, skip_space};
use super::normal::{fraction, superscript};
use super::numbers::{Ending, Number, Speller, leading_digits};
use super::tables::{Currency, Language, Noun, Place, Tongue};

/// A part of a text and what is said for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) len: usize,
    pub(super) words: String,
    /// Where the parts of it after the first begin in the text and in the words: those of a URL or
    /// of a telephone number. A caption begins inside only if it is too long for one.
    pub(super) parts: Vec<(usize, usize)>,
}

impl Reading {
    pub(super) const fn new(len: usize, words: String) -> Self {
        Self { len, words, parts: Vec::new() }
    }

    /// Returns the reading of parts, each of which begins at an offset of the text.
    pub(super) fn of_parts(len: usize, said: &[(usize, String)], separator: &str) -> Self {
        let mut reading = Self::new(len, String::new());
        for (at, words) in said {
            if !reading.words.is_empty() {
                reading.words.push_str(separator);
                reading.parts.push((*at, reading.words.len()));
            }
            reading.words.push_str(words);
        }
        reading
    }
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
    pub(super) const fn language(&self) -> &'static Language {
        self.speller.language
    }

    pub(super) fn tongue(&self) -> Tongue {
        self.language().tongue
    }

    pub(super) fn read(&self) -> Option<Reading> {
        if let Some(mut point) = self.point() {
            // "9:00–17:00", "25th–27th"
            if let Some(sign) = range_sign(&self.text[point.len..]) {
                let text = &self.text[point.len + sign.len()..];
                let to = self.language().word("range");
                let next = Amounts { before: to, text, ..*self };
                if let Some(end) = next.point().or_else(|| next.end_of_range(sign)) {
                    point.words = format!("{} {to} {}", point.words, end.words);
                    point.len += sign.len() + end.len;
                }
            }
            return Some(point);
        }
        self.phone()
            .or_else(|| self.version())
            .or_else(|| self.written_fraction())
            .or_else(|| self.feet())
            .or_else(|| self.quantity())
    }

    /// Reads the number after a time or ordinal and a sign without spaces: "10:30–11", "9am-5".
    fn end_of_range(&self, sign: &str) -> Option<Reading> {
        let end = self.amount(0, false).filter(|_| matches!(sign, "-" | "–"))?;
        let is_small = end.number.integer().is_some_and(|number| number < 60);
        let fits = is_small && !end.negative && end.currency.is_none();
        fits.then(|| Reading::new(end.len, self.say(&end)))
    }

    /// Reads hours of which only the second is written as a time: "9–10:30", "9-10am".
    fn hours(&self, first: &Amount) -> Option<Reading> {
        let number = &first.number;
        let is_hour = first.len == number.len
            && number.integer().is_some_and(|hour| hour <= 24)
            && !number.is_code()
            && !self.before.ends_with('-');
        let sign = range_sign(&self.text[first.len..]).filter(|_| is_hour)?;
        let start = first.len + sign.len();
        let to = self.language().word("range");
        let end = (Amounts { before: to, text: &self.text[start..], ..*self }).time()?;
        let words = format!("{} {to} {}", self.speller.say(number), end.words);
        Some(Reading::new(start + end.len, words))
    }

    /// Returns the match of a pattern that ends where a word or number ends. `separators` may follow
    /// the first digits: looking for them first is much faster than the pattern.
    pub(super) fn matched(
        &self,
        separators: &[char],
        pattern: &Regex,
    ) -> Option<(usize, Captures<'_>)> {
        let digits = leading_digits(self.text);
        if digits == 0 || !self.text[digits..].starts_with(separators) {
            return None;
        }
        self.matched_anywhere(pattern)
    }

    pub(super) fn matched_anywhere(&self, pattern: &Regex) -> Option<(usize, Captures<'_>)> {
        let found = pattern.captures(self.text)?;
        let end = found.get(0)?.end();
        ends_word(&self.text[..end], &self.text[end..]).then_some((end, found))
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
        Some(Reading::new(len, parts.join(&format!(" {point} "))))
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
        Some(Reading::new(len, words))
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
        Some(Reading::new(found[0].len(), words))
    }

    /// Reads an amount, or two of them with "to" between.
    fn quantity(&self) -> Option<Reading> {
        let first = self.amount(0, false)?;
        if let Some(hours) = self.hours(&first) {
            return Some(hours);
        }
        let money = first.currency.is_some() && first.currency_first;
        let rest = &self.text[first.len..];
        if let Some(sign) = range_sign(rest)
            && let Some(second) =
                self.amount(first.len + sign.len(), money).filter(|next| !next.negative)
            && self.is_range(&first, sign, &second)
        {
            let to = self.language().word("range");
            // "1990–95" is a range of years, "350–1200" is none.
            let years = is_year(&first.number)
                && (is_year(&second.number) || second.number.whole.len() == 2);
            let number = |amount: &Amount| self.range_number(amount, years);
            let words = match (&first, &second) {
                // "$5–10", "5–10 km": what is written once is said once, after the second number.
                (Amount { currency: None, unit: None, scale: None, .. }, _) => {
                    format!("{} {to} {}", number(&first), self.say_range_end(&second, years))
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
            return Some(self.with_rate(Reading::new(len, words)));
        }
        let mut reading = Reading::new(first.len, self.say(&first));
        if let Some(len) = self.minus_of_equation(rest) {
            let words = format!("{} {}", reading.words, self.language().word("minus"));
            return Some(Reading::new(first.len + len, words));
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
            return Some(Reading::new(first.len + 1, format!("{} {times}", reading.words)));
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

    fn range_number(&self, amount: &Amount, years: bool) -> String {
        match amount.number.integer() {
            Some(year)
                if years
                    && amount.unit.is_none()
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

    fn say_range_end(&self, amount: &Amount, years: bool) -> String {
        if amount.unit.is_none() && amount.currency.is_none() && amount.scale.is_none() {
            return self.range_number(amount, years);
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
            // "5 l/100 km": the second amount is read by itself. "20 °C/68 °F" is no rate.
            if matches!(&rest[..leading_digits(rest)], "10" | "100" | "1000") {
                reading.words = format!("{} {}", reading.words, self.language().word("per"));
                reading.len += 1;
            }
            return reading;
        }
        // "$10/MONTH" in a heading
        let lower = word.to_lowercase();
        let shouted = !word.contains(char::is_lowercase) && word.chars().count() > 2;
        let plain = if shouted { lower.as_str() } else { word };
        let noun = self.language().unit(word).map_or(plain, |unit| unit.noun.one);
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
        let is_month = |word: &str| language.named("month", word).is_some();
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
            let may = next.eq_ignore_ascii_case("may");
            if is_month(&next) && !(may && rest.contains(" be ")) {
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
                let ending = FEMININE.iter().any(|end| next.ends_with(end));
                let feminine = language.listed("feminine", &next)
                    || ending && !language.listed("not feminine", &next);
                self.speller.before_noun(&said, feminine)
            }
            Tongue::Spanish | Tongue::Italian if noun_follows && next.chars().count() > 2 => {
                self.speller.before_noun(&said, next.ends_with('a') || next.ends_with("as"))
            }
            _ => said,
        }
    }

    /// Reads an amount. `money` is set where a currency before it counts for it, too.
    fn amount(&self, at: usize, money: bool) -> Option<Amount> {
        let mut rest = &self.text[at..];
        let mut negative = ['-', '−', '–'].iter().find_map(|sign| rest.strip_prefix(*sign));
        rest = negative.unwrap_or(rest);
        let prefix = self.currency(rest, true);
        if let Some((len, _)) = prefix {
            rest = skip_space(&rest[len..]);
            if negative.is_none() {
                negative = rest.strip_prefix(['-', '−']);
                rest = negative.unwrap_or(rest);
            }
        }
        let money = money || prefix.is_some();
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
        let scale = self.scale(rest, money, Some(&number));
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
            } else if !money && let Some((len, noun)) = self.unit(rest, Some(&number)) {
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
    pub(super) fn currency(&self, text: &str, first: bool) -> Option<(usize, Currency)> {
        let end = text.char_indices().take(7).map(|(at, c)| at + c.len_utf8());
        let ends: Vec<usize> = end.collect();
        for &end in ends.iter().rev() {
            let (written, rest) = text.split_at(end);
            let Some(currency) = self.language().currency(written) else { continue };
            let fits = if first {
                let rest = skip_space(rest);
                rest.strip_prefix(['-', '−'])
                    .unwrap_or(rest)
                    .starts_with(|c: char| c.is_ascii_digit() || c == '.')
            } else {
                ends_word(written, rest)
            };
            return fits.then_some((end, currency));
        }
        None
    }

    /// Reads the scale after a number, such as "k" and "million".
    pub(super) fn scale(
        &self,
        text: &str,
        money: bool,
        number: Option<&Number>,
    ) -> Option<(usize, &'static str)> {
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
            // "Gate 12B" has a letter, "1.5B" a scale.
            let letter = matches!(written, "M" | "B");
            let decimal = number.is_some_and(|number| number.fraction.is_some());
            if (after_money || joined && (written == "k" || letter && decimal))
                && let Some(scale) = language.get("scale", written)
            {
                return Some((space + end, scale));
            }
        }
        None
    }

    /// Reads the unit after a number.
    pub(super) fn unit(&self, text: &str, number: Option<&Number>) -> Option<(usize, Noun)> {
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
                // "Seat 12A" has a letter, "1.5 A" and "a fuse of 16 A" a unit.
                let is_capital = |word: &str| word.starts_with(char::is_uppercase);
                let decimal = number.is_some_and(|number| number.fraction.is_some());
                let fits = match unit.place {
                    Place::Any => true,
                    Place::Joined => space == 0,
                    Place::Letter => {
                        decimal
                            || space > 0
                                && !is_capital(next_word(rest))
                                && !is_capital(previous_word(self.before))
                    }
                };
                return fits.then_some((space + end, noun));
            }
        }
        None
    }

    fn say(&self, amount: &Amount) -> String {
        let Amount { number, scale, currency, unit, .. } = amount;
        debug_assert!(currency.is_none() || unit.is_none(), "{amount:?}");
        let language = self.language();
        let is_one = match amount.fraction {
            None => number.integer() == Some(1),
            // "½ km"
            Some(_) => number.whole.is_empty(),
        };
        let one = is_one && scale.is_none();
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
        let language = self.language();
        // "uno per cento"
        let percent = language.tongue == Tongue::Italian && noun.many == language.word("percent");
        let said = if !percent && one || matches!(language.tongue, Tongue::Spanish | Tongue::French)
        {
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
