//! Looks around in a text in normal form.

use super::normal::is_latin;

/// Returns whether a word or number ends between two parts of a text.
pub(super) fn ends_word(written: &str, rest: &str) -> bool {
    !(written.ends_with(char::is_alphanumeric) && rest.starts_with(char::is_alphanumeric))
}

/// Returns the text without the spaces before it.
pub(super) fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\u{a0}'])
}

/// Returns the last word of a text that ends before another word.
pub(super) fn previous_word(before: &str) -> &str {
    /// Longer words are of no interest, and every rule must take constant time.
    const MAX_CHARS: usize = 24;
    let mut chars = before.char_indices().rev().take(MAX_CHARS).peekable();
    while chars.next_if(|(_, c)| c.is_whitespace() || matches!(c, '"' | '(')).is_some() {}
    let Some(&(last, c)) = chars.peek() else { return "" };
    let end = last + c.len_utf8();
    let mut start = end;
    for (at, c) in chars {
        if !c.is_alphabetic() && !matches!(c, '.' | '\'') {
            break;
        }
        start = at;
    }
    &before[start..end]
}

/// Returns the next word of a text, which may begin with spaces.
pub(super) fn next_word(text: &str) -> &str {
    let text = skip_space(text);
    let end = text.find(|c: char| !is_latin(c) && c != '\'').unwrap_or(text.len());
    &text[..end]
}
