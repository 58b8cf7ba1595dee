//! Character classes for speech, captions and line breaking.

use std::ops::Range;

/// Digits and signs, and their raised and lowered forms in the same order.
pub(crate) const PLAIN: &str = "0123456789+-n";
pub(crate) const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ";
pub(crate) const LOWERED: &str = "₀₁₂₃₄₅₆₇₈₉₊₋";

/// Returns whether a character is an emoji or combines emoji. Voices skip these; captions show
/// those that the font has.
pub(crate) const fn is_emoji(c: char) -> bool {
    matches!(c as u32,
        0x200D | 0x20E3 | 0xFE0E | 0xFE0F
        | 0x2300..=0x23FF | 0x2600..=0x27BF | 0x2B00..=0x2BFF
        | 0x1F000..=0x1FAFF | 0xE0000..=0xE007F)
}

/// Returns whether a character changes the emoji before it, which is drawn without it: the colors of
/// the skin, and the frame of a key.
pub(crate) const fn is_emoji_modifier(c: char) -> bool {
    matches!(c as u32, 0x20E3 | 0x1F3FB..=0x1F3FF)
}

/// Returns whether a text is decoration only: white space and emoji that are shown in color. A sign
/// in black, such as `⌘`, has a meaning, unless a variation selector makes it an emoji.
pub(crate) fn is_decoration(text: &str) -> bool {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_selected = chars.peek() == Some(&'\u{fe0f}');
        if !c.is_whitespace() && !is_invisible(c) && !is_color_emoji(c) && !is_selected {
            return false;
        }
    }
    true
}

/// Returns whether a character is shown in color without a variation selector: those of the Basic
/// Multilingual Plane with the Unicode property `Emoji_Presentation`, and all others that
/// [`is_emoji`] accepts.
pub(crate) const fn is_color_emoji(c: char) -> bool {
    matches!(c as u32,
        0x20E3 | 0x231A..=0x231B | 0x23E9..=0x23EC | 0x23F0 | 0x23F3 | 0x25FD..=0x25FE
        | 0x2614..=0x2615 | 0x2648..=0x2653 | 0x267F | 0x2693 | 0x26A1 | 0x26AA..=0x26AB
        | 0x26BD..=0x26BE | 0x26C4..=0x26C5 | 0x26CE | 0x26D4 | 0x26EA | 0x26F2..=0x26F3 | 0x26F5
        | 0x26FA | 0x26FD | 0x2705 | 0x270A..=0x270B | 0x2728 | 0x274C | 0x274E | 0x2753..=0x2755
        | 0x2757 | 0x2795..=0x2797 | 0x27B0 | 0x27BF | 0x2B1B..=0x2B1C | 0x2B50 | 0x2B55
        | 0x1F000..=0x1FAFF | 0xE0000..=0xE007F)
}

/// Returns whether a character is default-ignorable in Unicode: joiners, direction marks,
/// variation selectors. They must not be drawn, though many fonts have a glyph for them.
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c as u32,
        0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F
        | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F
        | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFF8 | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A
        | 0xE0000..=0xE0FFF)
}

/// Returns whether a character is full-width, so that a line may break beside it: Chinese,
/// Japanese, Korean.
pub(crate) const fn is_wide(c: char) -> bool {
    matches!(c as u32,
        0x1100..=0x115F | 0x2E80..=0x303E | 0x3041..=0xA4CF | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD)
}

/// Returns whether a punctuation mark must not begin a line.
pub(crate) fn is_closing_mark(c: char) -> bool {
    const MARKS: &str =
        "。、，．！？：；」』）】》〉…ー々ァィゥェォッャュョヮぁぃぅぇぉっゃゅょゎ”’,.!?:;)]";
    MARKS.contains(c)
}

/// Returns whether a punctuation mark must not end a line.
pub(crate) const fn is_opening_mark(c: char) -> bool {
    matches!(c, '「' | '『' | '（' | '【' | '《' | '〈' | '“' | '‘' | '(' | '[')
}

/// Returns whether a line may break between two adjacent characters.
pub(crate) fn breaks_between(before: char, after: char) -> bool {
    (is_wide(before) || is_wide(after)) && !is_opening_mark(before) && !is_closing_mark(after)
}

/// Returns whether a word may be broken after `before`, which must end in a hyphen: in
/// "well-known", but not in "-5", "e-mail" or "2020-21".
pub(crate) fn breaks_after_hyphen(before: &str, after: char) -> bool {
    let mut characters = before.chars().rev();
    let hyphen = matches!(characters.next(), Some('-' | '\u{2010}'));
    hyphen && after.is_alphabetic() && characters.take_while(|c| c.is_alphabetic()).nth(1).is_some()
}

/// Returns the byte ranges of the words of a text: what stands between white space and has a letter
/// or digit. A full-width character, as in Chinese, is a word of its own, with the punctuation that a
/// line cannot break it from.
pub(crate) fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut finish = |range: Range<usize>| {
        if text[range.clone()].contains(char::is_alphanumeric) {
            words.push(range);
        }
    };
    let mut before = None;
    for (at, c) in text.char_indices() {
        // A number such as `10 000` may have fixed spaces.
        let is_space = c.is_whitespace() && c != '\u{a0}';
        if is_space || before.is_some_and(|before| breaks_between(before, c)) {
            finish(start..at);
            start = if is_space { at + c.len_utf8() } else { at };
        }
        before = (!is_space).then_some(c);
    }
    finish(start..text.len());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_between_spaces_and_full_width_characters_alone() {
        let found = |text: &'static str| {
            words(text).into_iter().map(|range| &text[range]).collect::<Vec<_>>()
        };
        assert_eq!(
            found(" “It’s — well-known”,\nat 10\u{a0}000 🎉 "),
            ["“It’s", "well-known”,", "at", "10\u{a0}000"]
        );
        assert_eq!(
            found("咖啡，「好」 iPhone很贵。"),
            ["咖", "啡，", "「好」", "iPhone", "很", "贵。"]
        );
        assert!(found("— 🎉").is_empty());
    }

    #[test]
    fn emoji_are_decoration_and_signs_are_not() {
        for text in ["", " ", "🎉", "👍🏽", "👩‍💻", "🇩🇪", "☎️", "❤\u{fe0f} ⭐", "✅"]
        {
            assert!(is_decoration(text), "{text}");
        }
        for text in ["⌘", "⌥", "⌀", "★", "♀", "☎", "☃", "♪", "⭐ ★", "a", "🎉!"]
        {
            assert!(!is_decoration(text), "{text}");
        }
    }
}
