//! What kind of character one is, as far as speaking and setting a script asks.

/// Pictographs and the invisible characters that combine them. Voices skip them; captions show
/// those that the font can draw.
pub(super) const fn is_emoji(c: char) -> bool {
    matches!(c as u32,
        0x200D | 0x20E3 | 0xFE0E | 0xFE0F
        | 0x2300..=0x23FF | 0x2600..=0x27BF | 0x2B00..=0x2BFF
        | 0x1F000..=0x1FAFF | 0xE0000..=0xE007F)
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

/// The text without its emoji, and with the gaps that they leave closed.
pub(super) fn without_emoji(text: &str) -> String {
    if !text.chars().any(is_emoji) {
        return text.to_owned();
    }
    let plain: String = text.chars().map(|c| if is_emoji(c) { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
