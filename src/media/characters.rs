//! What kind of character one is, as far as speaking and setting a script asks.

/// Pictographs and the signs that combine them. Voices skip them; captions show those that the
/// font can draw.
pub(super) const fn is_emoji(c: char) -> bool {
    matches!(c as u32,
        0x200D | 0x20E3 | 0xFE0E | 0xFE0F
        | 0x2300..=0x23FF | 0x2600..=0x27BF | 0x2B00..=0x2BFF
        | 0x1F000..=0x1FAFF | 0xE0000..=0xE007F)
}

/// Characters that are never seen: they join, part or direct others, or choose how one looks. Many
/// fonts have a sign for them all the same. Unicode calls them default ignorable.
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(c as u32,
        0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F
        | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F
        | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFF8 | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A
        | 0xE0000..=0xE0FFF)
}

/// Characters as wide as high, which a line may break between: Chinese, Japanese, Korean.
pub(super) const fn is_wide(c: char) -> bool {
    matches!(c as u32,
        0x1100..=0x115F | 0x2E80..=0x303E | 0x3041..=0xA4CF | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD)
}

/// Marks that must not begin a line.
pub(super) const fn is_closing_mark(c: char) -> bool {
    matches!(
        c,
        '。' | '、'
            | '，'
            | '．'
            | '！'
            | '？'
            | '：'
            | '；'
            | '」'
            | '』'
            | '）'
            | '】'
            | '》'
            | '〉'
            | '…'
            | 'ー'
            | '々'
            | 'ァ'
            | 'ィ'
            | 'ゥ'
            | 'ェ'
            | 'ォ'
            | 'ッ'
            | 'ャ'
            | 'ュ'
            | 'ョ'
            | 'ヮ'
            | 'ぁ'
            | 'ぃ'
            | 'ぅ'
            | 'ぇ'
            | 'ぉ'
            | 'っ'
            | 'ゃ'
            | 'ゅ'
            | 'ょ'
            | 'ゎ'
            | '”'
            | '’'
            | ','
            | '.'
            | '!'
            | '?'
            | ':'
            | ';'
            | ')'
            | ']'
    )
}

/// Marks that must not end a line.
pub(super) const fn is_opening_mark(c: char) -> bool {
    matches!(c, '「' | '『' | '（' | '【' | '《' | '〈' | '“' | '‘' | '(' | '[')
}

/// Whether a line may break between two characters that no space divides.
pub(super) const fn breaks_between(before: char, after: char) -> bool {
    (is_wide(before) || is_wide(after)) && !is_opening_mark(before) && !is_closing_mark(after)
}

/// Whether a word may be broken at its end, because it ends in a hyphen that more follows on:
/// "well-known", not "-5", "e-mail" or "2020-21".
pub(super) fn breaks_after_hyphen(before: &str, after: char) -> bool {
    let mut characters = before.chars().rev();
    let hyphen = matches!(characters.next(), Some('-' | '\u{2010}'));
    hyphen && after.is_alphabetic() && characters.take_while(|c| c.is_alphabetic()).nth(1).is_some()
}

/// The text without its emoji, and with the gaps that they leave closed.
pub(super) fn without_emoji(text: &str) -> String {
    if !text.chars().any(|c| is_emoji(c) || is_invisible(c)) {
        return text.to_owned();
    }
    // What is invisible leaves no gap: it may stand within a word.
    let seen = text.chars().filter(|&c| !is_invisible(c));
    let plain: String = seen.map(|c| if is_emoji(c) { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
