//! Whether two trees mean the same: numbers by their value, not by how they are written.

use std::hash::{Hash, Hasher};

use super::{Json, Number};

impl Json {
    /// As `==`, but `1000.0` is `1e3`.
    pub(in crate::draft) fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.means(b),
            (Self::Array(a), Self::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.means(b))
            }
            (Self::Object(a), Self::Object(b)) => {
                let (a, b) = (a.entries(), b.entries());
                let means = |(a, b): (&(_, Self), &(_, Self))| a.0 == b.0 && a.1.means(&b.1);
                a.len() == b.len() && a.iter().zip(b).all(means)
            }
            _ => self == other,
        }
    }

    /// A hash that is the same for all that [`means`](Self::means) the same.
    pub(in crate::draft) fn hash_meaning(&self, state: &mut impl Hasher) {
        match self {
            // The nearest `f64` of equal numbers is the same one; -0 is 0.
            Self::Number(number) => (number.as_f64() + 0.0).to_bits().hash(state),
            Self::Array(items) => {
                items.len().hash(state);
                items.iter().for_each(|item| item.hash_meaning(state));
            }
            Self::Object(object) => {
                object.len().hash(state);
                for (key, value) in object.entries() {
                    key.hash(state);
                    value.hash_meaning(state);
                }
            }
            plain => plain.hash(state),
        }
    }
}

impl Number {
    fn means(&self, other: &Self) -> bool {
        self == other || self.meaning() == other.meaning()
    }

    /// The sign, the digits from the first to the last that is not 0, and the power of ten behind
    /// them: exact, however long the number is.
    fn meaning(&self) -> Result<(bool, Vec<u8>, i64), &str> {
        let text = self.as_str();
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        // Nobody writes a power beyond this; then the text is the value.
        let exponent: i64 = exponent.parse::<i32>().map_err(|_| text)?.into();
        let negative = mantissa.starts_with('-');
        let mantissa = mantissa.trim_start_matches('-');
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let behind = digits.iter().rev().take_while(|digit| **digit == b'0').count();
        digits.truncate(digits.len() - behind);
        let before = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..before);
        if digits.is_empty() {
            return Ok((false, digits, 0));
        }
        let (behind, fraction) = (behind.cast_signed() as i64, fraction.len().cast_signed() as i64);
        Ok((negative, digits, exponent + behind - fraction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_large_as_they_are_however_they_are_written() {
        let json = |text: &str| text.parse::<Json>().unwrap();
        for (a, b) in [
            ("1000.0", "1000"),
            ("1e3", "1000"),
            ("0.00150", "15E-4"),
            ("-0.0", "0"),
            (r#"{"a":[1.10,"x"]}"#, r#"{"a":[1.1,"x"]}"#),
            ("1e99999999999", "1e99999999999"),
        ] {
            assert!(json(a).means(&json(b)), "{a} {b}");
        }
        for (a, b) in [
            ("12345678901234567890123", "12345678901234567890124"),
            ("10", "1"),
            ("0.1", "0.01"),
            ("-1", "1"),
            ("1", "\"1\""),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#),
            ("[1]", "[1,1]"),
        ] {
            assert!(!json(a).means(&json(b)), "{a} {b}");
        }
    }
}
