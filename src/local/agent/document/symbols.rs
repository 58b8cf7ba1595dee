//! Characters that a document has by their look: those of symbol fonts such as Symbol and Wingdings,
//! as data, and raised ones.

use std::collections::HashMap;
use std::sync::LazyLock;

const TABLE: &str = include_str!("symbols.table");

/// The font whose characters a document uses without naming it.
pub(super) const DEFAULT_FONT: &str = "Symbol";

/// Word stores the codes of a symbol font in this area of Unicode, which has no meaning of its own.
const PRIVATE: std::ops::RangeInclusive<u32> = 0xF020..=0xF0FF;

/// Returns whether a character stands for a code of a symbol font.
pub(super) fn is_private(c: char) -> bool {
    PRIVATE.contains(&u32::from(c))
}

/// The characters of a symbol font by their codes.
type Characters = [Option<char>; 256];

static FONTS: LazyLock<HashMap<String, Characters>> = LazyLock::new(|| {
    let mut fonts = HashMap::new();
    let mut font = String::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            font = name.to_ascii_lowercase();
        } else if let Some((code, characters)) = line.split_at_checked(3)
            && let Ok(start) = usize::from_str_radix(code.trim_end(), 16)
        {
            let font = fonts.entry(font.clone()).or_insert([None; 256]);
            for (place, c) in font[start..].iter_mut().zip(characters.chars()) {
                *place = Some(c).filter(|c| *c != char::REPLACEMENT_CHARACTER);
            }
        }
    }
    fonts
});

/// A font as far as it gives a meaning to codes.
#[derive(Clone, Copy, Debug)]
pub(super) struct SymbolFont(Option<&'static Characters>);

impl SymbolFont {
    pub(super) fn named(font: &str) -> Self {
        let font = font.trim().to_ascii_lowercase();
        // Of several makers: Symbol MT, Symbol Std.
        Self(FONTS.get(if font.starts_with("symbol") { "symbol" } else { &font }))
    }

    /// Returns the character that a code shows. In a font that is not in the table, a code outside
    /// of the private area is a character of Unicode.
    pub(super) fn character(self, code: u32) -> Option<char> {
        let Some(characters) = self.0 else {
            let is_meaningful = |c: &char| !matches!(u32::from(*c), 0xE000..=0xF8FF | 0..=0x1F);
            return char::from_u32(code).filter(is_meaningful);
        };
        let code = if PRIVATE.contains(&code) { code - 0xF000 } else { code };
        *characters.get(code as usize)?
    }
}

const PLAIN: &str = "0123456789+-\u{2212}=()n";
const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ";

/// The signs of a reference to notes, beside numbers.
const NOTE_SIGNS: &str = ",;–—-[]()*†‡§¶ \u{a0}";

/// What ends a sentence or a part of one.
const ENDS: [char; 15] =
    ['.', ',', ';', ':', '!', '?', '…', '"', '”', '’', '»', '。', '，', '！', '？'];

/// Raised text as it stands in plain text after `before`. Numbers are powers, unless they refer to
/// a note; what Unicode has no raised characters for is written on the line, such as the letters of
/// an ordinal number.
pub(super) fn superscript(before: &str, text: String) -> String {
    let follows = |characters: &[char]| before.ends_with(characters);
    let word = text.trim();
    let is_raised = |c: char| PLAIN.contains(c);
    if is_note(before, word) {
        return String::new();
    }
    if word.is_empty() || !word.chars().all(is_raised) {
        // Ordinal numbers: `1.º`, `2ª`.
        let follows_number = follows(&['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '.']);
        return match word {
            "a" if follows_number => text.replace('a', "ª"),
            "o" if follows_number => text.replace('o', "º"),
            "oC" | "oF" if follows_number => text.replace('o', "°"),
            "TM" => text.replace("TM", "™"),
            _ => text,
        };
    }
    let raise = |c: char| {
        let at = PLAIN.chars().position(|plain| plain == c);
        at.and_then(|at| RAISED.chars().nth(at)).unwrap_or(c)
    };
    text.chars().map(raise).collect()
}

/// Whether raised text after `before` refers to notes. A single number does so after the end of a
/// sentence or after a word; a power stands after a number, a bracket or the sign of a quantity or
/// a unit. Anything else of numbers and signs is no power: several numbers, or one in brackets.
fn is_note(before: &str, raised: &str) -> bool {
    let is_sign = |c: char| NOTE_SIGNS.contains(c);
    let is_number = raised.contains(|c: char| c.is_ascii_digit());
    let has_mark = raised.contains(['*', '†', '‡', '§', '¶']);
    // An ion: `O²⁻`.
    let is_charge = raised.ends_with('-');
    if !(is_number || has_mark)
        || is_charge
        || !raised.chars().all(|c| c.is_ascii_digit() || is_sign(c))
    {
        return false;
    }
    let exponent = raised.strip_prefix('-').unwrap_or(raised);
    if !exponent.bytes().all(|byte| byte.is_ascii_digit()) {
        // `(2)` and `2-1` after a number may be powers.
        let ends_in_number = before.ends_with(|c: char| c.is_ascii_digit());
        return has_mark || !ends_in_number || raised.contains([',', ';', '[', '–', '—']);
    }
    let letters = before.chars().rev().take_while(|c| c.is_alphabetic()).take(3).count();
    let is_function = ["sin", "cos", "tan", "log"].iter().any(|name| {
        before.strip_suffix(name).is_some_and(|rest| !rest.ends_with(char::is_alphabetic))
    });
    before.ends_with(ENDS) || exponent == raised && letters == 3 && !is_function
}

/// Writes the degree sign that is a raised letter `o` or `º` before the unit of a temperature.
pub(super) fn degrees(before: &mut String, text: &str) {
    let mut letters = text.trim_start().chars();
    let is_unit = matches!(letters.next(), Some('C' | 'F'))
        && !letters.next().is_some_and(char::is_alphanumeric);
    if is_unit && before.ends_with('º') {
        before.pop();
        before.push('°');
    }
}

/// Writes the raised number before a fraction bar on the line, since a lowered one follows it:
/// `2¹/` becomes `2 1/`.
pub(super) fn lower_numerator(before: &mut String) {
    let Some(number) = before.strip_suffix(['/', '⁄']) else { return };
    let is_digit = |c: char| RAISED.chars().take(10).any(|raised| raised == c);
    let whole = number.trim_end_matches(is_digit);
    let numerator: String = number[whole.len()..]
        .chars()
        .filter_map(|c| RAISED.chars().zip(PLAIN.chars()).find(|(raised, _)| *raised == c))
        .map(|(_, plain)| plain)
        .collect();
    if numerator.is_empty() {
        return;
    }
    let space = if whole.ends_with(|c: char| c.is_ascii_digit()) { " " } else { "" };
    let end = whole.len();
    before.replace_range(end.., &format!("{space}{numerator}/"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_character_that_the_font_shows() {
        for (font, code, c) in [
            ("Symbol", 0xF0B3, Some('≥')),
            ("symbol", 0xB4, Some('×')),
            ("Symbol MT", 0xF0B4, Some('×')),
            ("Symbol", 0xF020, Some(' ')),
            ("Symbol", 0xF0B7, Some('•')),
            ("Symbol", 0xF061, Some('α')),
            ("Symbol", 0xF0F0, None),
            ("Wingdings", 0xF0E0, Some('→')),
            ("Wingdings", 0xF0FC, Some('✓')),
            ("Wingdings 3", 0xF070, Some('▲')),
            ("Times New Roman", 0x2265, Some('≥')),
            ("Company Logos", 0xF041, None),
            ("Symbol", 0x1_0000, None),
        ] {
            assert_eq!(SymbolFont::named(font).character(code), c, "{font} {code:X}");
        }
    }

    #[test]
    fn each_row_of_the_table_has_sixteen_characters() {
        let rows = TABLE.lines().filter(|line| {
            !line.is_empty() && !line.starts_with(['#', '[']) && !line.starts_with("# ")
        });
        for row in rows {
            assert_eq!(row.chars().count(), 19, "{row}");
        }
    }
}
