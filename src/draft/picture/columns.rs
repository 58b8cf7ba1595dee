//! How much room text takes: a Chinese character or an emoji is as wide as two letters, a letter
//! with an accent or an emoji of several characters is no wider for it.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// At most so many columns, with a sign that there was more.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut end = 0;
    for (at, char) in text.char_indices() {
        // What has no width of its own, or is joined, belongs to the character before.
        if char.width() != Some(0) && !text[..at].ends_with('\u{200d}') {
            end = at;
        }
        if text[..at + char.len_utf8()].width() >= columns {
            break;
        }
    }
    format!("{}…", text[..end].trim_end())
}

/// Without what would steer a terminal or turn the line around rather than be shown.
pub(super) fn visible(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|c| !steers(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_fits_and_is_whole() {
        assert_eq!(cut("Hello", 5), "Hello");
        assert_eq!(cut("Hello", 4), "Hel…");
        assert_eq!(cut("你好世界", 6), "你好…");
        assert_eq!(cut("你好世界", 5), "你好…");
        assert_eq!(cut("a👩‍👩‍👧‍👦b", 4), "a👩‍👩‍👧‍👦b");
        assert_eq!(cut("a👩‍👩‍👧‍👦bc", 3), "a…");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        for text in ["你a好b世c界", "👩‍👩‍👧‍👦👍🏽❤️✈️🇩🇪x", "ก็ดี\u{301}\u{302}ab", ""]
        {
            for columns in 1..12 {
                assert!(cut(text, columns).width() <= columns, "{text} in {columns}");
            }
        }
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(visible("\u{1b}[31mred\u{7}\u{202e}"), "[31mred");
    }
}
