//! Characters that a document has by their look: those of symbol fonts such as Symbol and Wingdings,
//! as data, and raised ones.

const TABLE: &str = include_str!("symbols.table");

/// The font whose characters a document uses without naming it.
pub(super) const DEFAULT_FONT: &str = "Symbol";

/// Word stores the codes of a symbol font in this area of Unicode, which has no meaning of its own.
const PRIVATE: std::ops::RangeInclusive<u32> = 0xF020..=0xF0FF;

/// Returns whether a character stands for a code of a symbol font.
pub(super) fn is_private(c: char) -> bool {
    PRIVATE.contains(&u32::from(c))
}

/// Returns the character that a code shows in a font. In a font that is not in the table, a code
/// outside of the private area is a character of Unicode.
pub(super) fn symbol(font: &str, code: u32) -> Option<char> {
    // Of several makers: Symbol MT, Symbol Std.
    let font = match font.trim() {
        font if font.get(..6).is_some_and(|name| name.eq_ignore_ascii_case("Symbol")) => "Symbol",
        font => font,
    };
    let mut lines = TABLE.lines().skip_while(|line| {
        let name = line.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        name.is_none_or(|name| !name.eq_ignore_ascii_case(font))
    });
    if lines.next().is_none() {
        let is_meaningful = |c: &char| !matches!(u32::from(*c), 0xE000..=0xF8FF | 0..=0x1F);
        return char::from_u32(code).filter(is_meaningful);
    }
    let code = if PRIVATE.contains(&code) { code - 0xF000 } else { code };
    let row = format!("{:02X} ", code & !0xF);
    let characters =
        lines.take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix(&row))?;
    characters.chars().nth((code & 0xF) as usize).filter(|c| *c != char::REPLACEMENT_CHARACTER)
}

const PLAIN: &str = "0123456789+-\u{2212}=()n";
const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ";

/// Raised text as it stands in plain text after `before`. Numbers are powers, unless they refer to
/// a note; what Unicode has no raised characters for is written on the line, such as the letters of
/// an ordinal number.
pub(super) fn superscript(before: &str, text: String) -> String {
    let follows = |characters: &[char]| before.ends_with(characters);
    let word = text.trim();
    let is_raised = |c: char| PLAIN.contains(c);
    if word.is_empty() || !word.chars().all(is_raised) {
        // Ordinal numbers: `1.º`, `2ª`.
        let follows_number = before.ends_with(|c: char| c.is_ascii_digit() || c == '.');
        return match word {
            "a" if follows_number => text.replace('a', "ª"),
            "o" if follows_number => text.replace('o', "º"),
            "TM" => text.replace("TM", "™"),
            _ => text,
        };
    }
    if follows(&['.', ',', ';', ':', '!', '?', '…', '"', '”', '’', '»', '。', '，', '！', '？'])
    {
        return String::new();
    }
    let raise = |c: char| {
        let at = PLAIN.chars().position(|plain| plain == c);
        at.and_then(|at| RAISED.chars().nth(at)).unwrap_or(c)
    };
    text.chars().map(raise).collect()
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
    use super::symbol;

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
        ] {
            assert_eq!(symbol(font, code), c, "{font} {code:X}");
        }
    }

    #[test]
    fn each_row_of_the_table_has_sixteen_characters() {
        let rows = super::TABLE.lines().filter(|line| {
            !line.is_empty() && !line.starts_with(['#', '[']) && !line.starts_with("# ")
        });
        for row in rows {
            assert_eq!(row.chars().count(), 19, "{row}");
        }
    }
}
