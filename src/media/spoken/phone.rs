//! Reads telephone numbers.

use super::amounts::{Amounts, Reading};
use super::normal::{previous_word, skip_space};
use super::numbers::{Number, leading_digits};
use super::tables::Tongue;

pattern!(
    PHONE,
    r"^(?:\+[0-9]{1,3}(?:[ .\-/\x{a0}]?(?:\([0-9]{1,5}\)|[0-9]{1,11})){1,7}|(?:\+?1[ \-])?\([0-9]{2,5}\)[ \-]?[0-9]{3,}(?:[ \-.][0-9]{2,})*|0[0-9]{1,5}(?:[ /\-.\x{a0}]{1,3}[0-9]{2,})+|(?:1[ \-.])?[0-9]{3}[ \-.][0-9]{3}[ \-.][0-9]{4}|[2-9][0-9]{2}-[0-9]{4})"
);

impl Amounts<'_> {
    pub(super) fn phone(&self) -> Option<Reading> {
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
            || rest.starts_with("-") && leading_digits(&rest[1..]) > 0
            || !self.is_phone(written, digits, rest)
        {
            return None;
        }
        let pairs = self.tongue() == Tongue::French;
        let mut said = Vec::new();
        let mut at = 0;
        for group in written.split(|c: char| !c.is_ascii_digit()) {
            let mut words = match group.parse() {
                Ok(value) if pairs && group.len() == 2 && !group.starts_with('0') => {
                    self.speller.cardinal(value)
                }
                _ => self.speller.digits(group),
            };
            if said.is_empty() && written.starts_with('+') {
                words = format!("{} {words}", self.language().word("plus"));
            }
            if !group.is_empty() {
                said.push((at, words));
            }
            // Each separator has one byte, but for the fixed space.
            at += group.len();
            at += written[at..].chars().next().map_or(0, char::len_utf8);
        }
        Some(Reading::of_parts(len, &said, ", "))
    }

    /// Returns whether digits in the form of a telephone number are one: ranges, dates and times
    /// look alike.
    fn is_phone(&self, written: &str, digits: usize, rest: &str) -> bool {
        let is_separator = |c: char| !c.is_ascii_digit();
        if let Some(number) = written.strip_prefix('+') {
            // "+1.000.000" has groups of thousands.
            let grouped = number.contains('.')
                && Number::parse(number, self.tongue())
                    .is_some_and(|parsed| parsed.grouped && parsed.len == number.len());
            return !grouped && (digits >= 9 || digits == 8 && number.contains(is_separator));
        }
        if written.starts_with('0') {
            let area = leading_digits(written);
            let mut separators = written.chars().filter(|&c| is_separator(c));
            let first = separators.next();
            let uniform = separators.all(|c| Some(c) == first);
            // A short area code looks like a day or an hour.
            return if area <= 2 {
                uniform && digits >= 9
            } else {
                uniform || !written.contains('.')
            };
        }
        // "555-1234" has the form of a range.
        if written.len() == "555-1234".len() && leading_digits(written) == 3 {
            let previous = previous_word(self.before.trim_end().trim_end_matches([':', '.']));
            let called = self.language().listed("phone", &previous.to_lowercase());
            let counted = self.unit(rest, None).is_some()
                || self.scale(rest, false, None).is_some()
                || self.currency(skip_space(rest), false).is_some();
            return self.tongue() == Tongue::English
                && !counted
                && (called || written.starts_with("555"));
        }
        true
    }
}
