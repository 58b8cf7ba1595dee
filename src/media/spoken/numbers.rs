//! Numbers as words: cardinals, ordinals, years, decimals.

use super::tables::{Language, Tongue};

/// Numbers with more digits are read digit by digit.
const MAX_DIGITS: usize = 15;

/// A number as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    /// Length of what was read.
    pub(super) len: usize,
    /// The digits before the decimal sign, without separators; may be empty.
    pub(super) whole: String,
    /// The digits after the decimal sign, and the sign.
    pub(super) fraction: Option<(char, String)>,
    /// Whether there were separators between groups of digits.
    pub(super) grouped: bool,
}

impl Number {
    /// Reads a number at the start of a text.
    pub(super) fn parse(text: &str, tongue: Tongue) -> Option<Self> {
        let digits = leading_digits(text);
        let mut this =
            Self { len: digits, whole: text[..digits].to_owned(), fraction: None, grouped: false };
        let english = tongue == Tongue::English;
        if (1..=3).contains(&digits) && !text.starts_with('0') {
            this.groups(text, english);
        }
        let rest = &text[this.len..];
        let (point, other) = if english { ('.', '\0') } else { (',', '.') };
        if let Some(sign) = rest.chars().next().filter(|&c| c == point || c == other) {
            let decimals = leading_digits(&rest[1..]);
            if decimals > 0 {
                this.fraction = Some((sign, rest[1..=decimals].to_owned()));
                this.len += 1 + decimals;
            }
        }
        (this.len > 0 && (digits > 0 || this.fraction.is_some())).then_some(this)
    }

    fn groups(&mut self, text: &str, english: bool) {
        if english && self.indian_groups(text) {
            return;
        }
        for separator in [',', '.', '\'', '\u{a0}', ' '] {
            let mut end = self.len;
            let mut whole = self.whole.clone();
            let mut count = 0;
            while let Some(rest) = text[end..].strip_prefix(separator)
                && leading_digits(rest) == 3
                && whole.len() < MAX_DIGITS
            {
                whole.push_str(&rest[..3]);
                end += separator.len_utf8() + 3;
                count += 1;
            }
            let rest = &text[end..];
            let decimal_point = rest.starts_with('.') && leading_digits(&rest[1..]) > 0;
            let enough = match separator {
                // "1,500" is 1.5 where the comma is the decimal sign, but "1,000,000" is not.
                ',' if english => 1,
                ',' => {
                    if decimal_point {
                        1
                    } else {
                        2
                    }
                }
                '.' if english => 2,
                // "212 555 1234" has no groups of thousands.
                ' ' if english && rest.strip_prefix(' ').is_some_and(|r| leading_digits(r) > 0) => {
                    usize::MAX
                }
                _ => 1,
            };
            if count >= enough {
                (self.len, self.whole, self.grouped) = (end, whole, true);
                return;
            }
        }
    }

    /// Reads "1,00,000", which is how thousands are grouped in India.
    fn indian_groups(&mut self, text: &str) -> bool {
        let (mut end, mut whole) = (self.len, self.whole.clone());
        while let Some(rest) = text[end..].strip_prefix(',')
            && leading_digits(rest) == 2
            && whole.len() < MAX_DIGITS
        {
            whole.push_str(&rest[..2]);
            end += 3;
        }
        let Some(rest) = text[end..].strip_prefix(',').filter(|rest| leading_digits(rest) == 3)
        else {
            return false;
        };
        if end == self.len || self.len > 2 {
            return false;
        }
        whole.push_str(&rest[..3]);
        (self.len, self.whole, self.grouped) = (end + 4, whole, true);
        true
    }

    /// Returns the whole number, if there is nothing after it.
    pub(super) fn integer(&self) -> Option<u64> {
        let plain = self.fraction.is_none() && self.whole.len() <= MAX_DIGITS;
        self.whole.parse().ok().filter(|_| plain)
    }

    /// Returns whether the number is read digit by digit, such as "007".
    pub(super) fn is_code(&self) -> bool {
        self.fraction.is_none() && self.whole.len() > 1 && self.whole.starts_with('0')
    }
}

pub(super) fn leading_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Says numbers in a language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speller {
    pub(super) language: &'static Language,
    /// Whether "and" follows the hundreds: "one hundred and one".
    pub(super) british: bool,
}

impl Speller {
    fn number(self, key: u64) -> &'static str {
        self.language.get("number", &key.to_string()).unwrap_or_default()
    }

    pub(super) fn say(self, number: &Number) -> String {
        let Some((sign, decimals)) = &number.fraction else {
            return match number.integer() {
                Some(value) if !number.is_code() => self.cardinal(value),
                _ => self.digits(&number.whole),
            };
        };
        let whole = match number.whole.parse() {
            Ok(value) if number.whole.len() <= MAX_DIGITS => self.cardinal(value),
            _ if number.whole.is_empty() => self.cardinal(0),
            _ => self.digits(&number.whole),
        };
        let language = self.language;
        let other = if *sign == '.' { language.get("word", "version") } else { None };
        let point = other.unwrap_or_else(|| language.word("point"));
        let apart = matches!(language.tongue, Tongue::English | Tongue::German);
        let decimals = match decimals.parse() {
            Ok(value) if !apart && decimals.len() <= 2 && !decimals.starts_with('0') => {
                self.cardinal(value)
            }
            _ => self.digits(decimals),
        };
        format!("{whole} {point} {decimals}")
    }

    /// Says each digit.
    pub(super) fn digits(self, digits: &str) -> String {
        let words: Vec<_> = digits
            .bytes()
            .filter(u8::is_ascii_digit)
            .map(|d| self.number(u64::from(d - b'0')))
            .collect();
        words.join(" ")
    }

    pub(super) fn cardinal(self, value: u64) -> String {
        if value < 1_000 {
            return self.below_thousand(value);
        }
        let (scale, size) = match value {
            1_000_000_000_000.. => ("billion", 1_000_000_000_000),
            1_000_000_000.. => ("milliard", 1_000_000_000),
            1_000_000.. => ("million", 1_000_000),
            _ => ("thousand", 1_000),
        };
        let (count, rest) = (value / size, value % size);
        let forms = self.language.get("number", scale).unwrap_or_default();
        let (one, many) = forms.split_once('|').unwrap_or((forms, forms));
        let mut said = match count {
            1 => one.to_owned(),
            count => many.replace("{}", &self.before_scale(count)),
        };
        if rest > 0 {
            let joined =
                size == 1_000 && matches!(self.language.tongue, Tongue::German | Tongue::Italian);
            said.push_str(if joined {
                ""
            } else if self.british && rest < 100 {
                " and "
            } else {
                " "
            });
            said.push_str(&self.cardinal(rest));
        }
        said
    }

    /// Says the number of thousands or millions: "veintiún mil", not "veintiuno mil".
    fn before_scale(self, count: u64) -> String {
        let said = self.cardinal(count);
        match self.language.tongue {
            Tongue::Spanish => self.before_noun(&said, false),
            Tongue::German if count % 100 == 1 => {
                said.strip_suffix('s').unwrap_or(&said).to_owned()
            }
            _ => said,
        }
    }

    fn below_thousand(self, value: u64) -> String {
        if value < 100 {
            return self.number(value).to_owned();
        }
        let (hundreds, rest) = (value / 100 * 100, value % 100);
        if rest == 0 {
            let exact = self.language.get("number", &format!("={hundreds}"));
            return exact.unwrap_or_else(|| self.number(hundreds)).to_owned();
        }
        let join = match self.language.tongue {
            Tongue::English if self.british => " and ",
            Tongue::German | Tongue::Italian => "",
            _ => " ",
        };
        format!("{}{join}{}", self.number(hundreds), self.number(rest))
    }

    /// Returns a spoken number in the form that stands before a noun: "ein Haus", "una casa".
    pub(super) fn before_noun(self, said: &str, feminine: bool) -> String {
        let one = if feminine { self.language.get("word", "one f") } else { None };
        let one = one.unwrap_or_else(|| self.language.word("one"));
        if said == self.number(1) {
            return one.to_owned();
        }
        // "doscientas casas", "vingt et une heures"
        let said = match self.language.tongue {
            Tongue::Spanish if feminine => said.replace("ientos", "ientas"),
            Tongue::French if feminine && (said.ends_with(" un") || said.ends_with("-un")) => {
                format!("{said}e")
            }
            _ => said.to_owned(),
        };
        match (self.language.tongue, said.strip_suffix("uno")) {
            (Tongue::Spanish, Some("veinti")) if !feminine => "veintiún".to_owned(),
            (Tongue::Spanish, Some(start)) => format!("{start}{one}"),
            _ => said,
        }
    }

    /// Says a year, which English and German speakers read in hundreds.
    pub(super) fn year(self, year: u64) -> String {
        let (century, rest) = (year / 100, year % 100);
        match self.language.tongue {
            Tongue::English if (1_100..2_000).contains(&year) || (2_010..2_100).contains(&year) => {
                let century = self.number(century);
                match rest {
                    0 => format!("{century} hundred"),
                    1..=9 => format!("{century} oh {}", self.number(rest)),
                    _ => format!("{century} {}", self.number(rest)),
                }
            }
            Tongue::German if (1_100..2_000).contains(&year) => {
                let rest = if rest == 0 { "" } else { self.number(rest) };
                format!("{}hundert{rest}", self.number(century))
            }
            _ => self.cardinal(year),
        }
    }

    /// Says an ordinal; `ending` is the German or feminine one, where the language has such.
    pub(super) fn ordinal(self, value: u64, ending: Ending) -> String {
        let listed = |value: u64| self.language.get("ordinal", &value.to_string());
        let feminine = ending == Ending::Feminine;
        match self.language.tongue {
            Tongue::English => {
                let said = self.cardinal(value);
                let cut = said.rfind([' ', '-']).map_or(0, |at| at + 1);
                let (start, last) = said.split_at(cut);
                let small = (0..20).find(|&n| self.number(n) == last);
                match small.and_then(listed) {
                    Some(last) => format!("{start}{last}"),
                    None => match last.strip_suffix('y') {
                        Some(last) => format!("{start}{last}ieth"),
                        None => format!("{start}{last}th"),
                    },
                }
            }
            Tongue::German => {
                let last = value % 100;
                let stem = match listed(last) {
                    Some(stem) if value == last => stem.to_owned(),
                    Some(stem) => format!("{}{stem}", self.cardinal(value - last)),
                    None if (1..20).contains(&last) => format!("{}t", self.cardinal(value)),
                    None => format!("{}st", self.cardinal(value)),
                };
                let ending = match ending {
                    Ending::Ten => "en",
                    Ending::Ter => "er",
                    _ => "e",
                };
                format!("{stem}{ending}")
            }
            Tongue::French => match listed(value) {
                Some(first) if feminine => first.replace("ier", "ière"),
                Some(first) => first.to_owned(),
                None => {
                    let said = self.cardinal(value);
                    let stem = match said.as_bytes() {
                        [.., b'c', b'i', b'n', b'q'] => format!("{said}u"),
                        [.., b'n', b'e', b'u', b'f'] => format!("{}v", &said[..said.len() - 1]),
                        _ => said.trim_end_matches(['e', 's']).to_owned(),
                    };
                    // "trois" keeps its s, the plural "cents" does not.
                    let stem =
                        if said.ends_with("trois") || said.ends_with("six") { said } else { stem };
                    format!("{stem}ième")
                }
            },
            Tongue::Spanish | Tongue::Italian => {
                let said = listed(value).map(str::to_owned);
                let italian = self.language.tongue == Tongue::Italian;
                let said = said.unwrap_or_else(|| {
                    let cardinal = self.cardinal(value);
                    if !italian {
                        return cardinal;
                    }
                    // "ventitré" and "ventisei" keep their last vowel.
                    let kept = cardinal.ends_with("tré") || cardinal.ends_with("sei");
                    let stem = if kept {
                        cardinal.as_str()
                    } else {
                        cardinal.trim_end_matches(['a', 'e', 'i', 'o'])
                    };
                    format!("{}esimo", stem.replace('é', "e"))
                });
                let cut = said.strip_suffix('o').filter(|_| listed(value).is_some() || italian);
                match (cut, ending) {
                    (Some(stem), Ending::Feminine) => format!("{stem}a"),
                    (Some(stem), Ending::Short) if stem.ends_with("er") => stem.to_owned(),
                    _ => said,
                }
            }
        }
    }

    /// Says "05" as "oh five" and "24" as "twenty-four".
    pub(super) fn digits_or_pair(self, year: &str) -> String {
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

/// Ending of an ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Masculine,
    Feminine,
    /// "primer", "tercer"
    Short,
    /// "dritten"
    Ten,
    /// "dritter"
    Ter,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speller(tag: &str) -> Speller {
        Speller { language: Language::of(tag).unwrap(), british: false }
    }

    #[test]
    fn numbers_are_said_in_each_language() {
        for (tag, value, said) in [
            ("en", 0, "zero"),
            ("en", 1_000_001, "one million one"),
            (
                "en",
                2_345_678_901,
                "two billion three hundred forty-five million six hundred seventy-eight thousand nine hundred one",
            ),
            ("de", 1_001, "eintausendeins"),
            ("de", 121_000, "einhunderteinundzwanzigtausend"),
            ("de", 2_000_016, "zwei Millionen sechzehn"),
            ("es", 1_016, "mil dieciséis"),
            ("es", 31_000, "treinta y un mil"),
            ("es", 1_000_000_000, "mil millones"),
            ("fr", 1_080, "mille quatre-vingts"),
            ("fr", 77_000, "soixante-dix-sept mille"),
            ("it", 2_023, "duemilaventitré"),
            ("it", 1_000_100, "un milione cento"),
        ] {
            assert_eq!(speller(tag).cardinal(value), said, "{tag} {value}");
        }
    }

    #[test]
    fn ordinals_are_said_in_each_language() {
        for (tag, value, ending, said) in [
            ("en", 22, Ending::Masculine, "twenty-second"),
            ("en", 40, Ending::Masculine, "fortieth"),
            ("en", 100, Ending::Masculine, "one hundredth"),
            ("de", 7, Ending::Ten, "siebten"),
            ("de", 21, Ending::Masculine, "einundzwanzigste"),
            ("de", 103, Ending::Ter, "einhundertdritter"),
            ("es", 3, Ending::Short, "tercer"),
            ("es", 2, Ending::Feminine, "segunda"),
            ("fr", 4, Ending::Masculine, "quatrième"),
            ("fr", 5, Ending::Masculine, "cinquième"),
            ("fr", 9, Ending::Masculine, "neuvième"),
            ("fr", 3, Ending::Masculine, "troisième"),
            ("fr", 80, Ending::Masculine, "quatre-vingtième"),
            ("it", 11, Ending::Masculine, "undicesimo"),
            ("it", 23, Ending::Feminine, "ventitreesima"),
        ] {
            assert_eq!(speller(tag).ordinal(value, ending), said, "{tag} {value}");
        }
    }

    #[test]
    fn separators_are_those_of_the_language() {
        for (text, tongue, whole, fraction, len) in [
            ("1,000.5 x", Tongue::English, "1000", Some("5"), 7),
            ("1.000,5", Tongue::German, "1000", Some("5"), 7),
            ("1,000", Tongue::German, "1", Some("000"), 5),
            ("1.000", Tongue::English, "1", Some("000"), 5),
            ("1,000,000", Tongue::Spanish, "1000000", None, 9),
            ("1\u{a0}000 000", Tongue::French, "1000", None, 6),
            ("1 200,5", Tongue::French, "1200", Some("5"), 7),
            ("12 3456", Tongue::French, "12", None, 2),
            ("1'000", Tongue::German, "1000", None, 5),
            ("5.", Tongue::English, "5", None, 1),
            ("10 000 x", Tongue::English, "10000", None, 6),
            ("212 555 1234", Tongue::English, "212", None, 3),
            ("1,00,000", Tongue::English, "100000", None, 8),
            (".5", Tongue::English, "", Some("5"), 2),
        ] {
            let number = Number::parse(text, tongue).unwrap();
            let found = number.fraction.as_ref().map(|(_, digits)| digits.as_str());
            assert_eq!(
                (number.whole.as_str(), found, number.len),
                (whole, fraction, len),
                "{text}"
            );
        }
        assert_eq!(Number::parse("x", Tongue::English), None);
    }
}
