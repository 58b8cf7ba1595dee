//! Brings a displayed text into the one form that the rules know: composed accents, no ligatures,
//! one kind of quotes and dashes. Superscripts, fractions and signs stay, because their
//! compatibility form has another meaning (`m²` is not `m2`). Also looks around in such a text.

use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use super::tables::is_sign;
use crate::media::characters::{PLAIN, RAISED, is_emoji, is_invisible};

/// A text in normal form, with the place of each of its bytes in the displayed text.
#[derive(Debug)]
pub(super) struct Normal {
    pub(super) text: String,
    places: Vec<usize>,
}

impl Normal {
    pub(super) fn of(source: &str) -> Self {
        let mut this = Self {
            text: String::with_capacity(source.len()),
            places: Vec::with_capacity(source.len() + 1),
        };
        let mut chars = source.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c.is_ascii() && chars.peek().is_none_or(|(_, next)| next.is_ascii()) {
                this.push(at, if c.is_control() { ' ' } else { c });
                continue;
            }
            // "20 ºC": keyboards for Spanish and Italian have a sign for ordinals.
            let mut next = source[at + c.len_utf8()..].chars();
            if c == 'º'
                && matches!(next.next(), Some('C' | 'F'))
                && !next.next().is_some_and(char::is_alphanumeric)
            {
                this.push(at, '°');
                continue;
            }
            let mut end = at + c.len_utf8();
            while let Some((next, mark)) = chars.next_if(|(_, next)| combines(*next)) {
                end = next + mark.len_utf8();
            }
            this.push_cluster(at, c, &source[at..end]);
        }
        this.places.push(source.len());
        this
    }

    /// Returns the place in the displayed text of a byte of the normal text.
    pub(super) fn place(&self, at: usize) -> usize {
        self.places[at]
    }

    fn push(&mut self, at: usize, c: char) {
        self.text.push(c);
        self.places.resize(self.text.len(), at);
    }

    fn push_cluster(&mut self, at: usize, first: char, cluster: &str) {
        let alone = cluster.len() == first.len_utf8();
        if alone && let Some(plain) = plain(first) {
            plain.chars().for_each(|c| self.push(at, c));
        } else if alone && (is_kept(first) || is_emoji(first)) {
            self.push(at, first);
        } else {
            for c in ComposingNormalizerBorrowed::new_nfkc().normalize(cluster).chars() {
                match plain(c) {
                    Some(plain) => plain.chars().for_each(|c| self.push(at, c)),
                    // No engine reads a mark that does not compose with its letter.
                    None if combines(c) || (is_invisible(c) && !is_emoji(c)) => {}
                    None if c.is_control() => self.push(at, ' '),
                    None => self.push(at, c),
                }
            }
        }
    }
}

fn combines(c: char) -> bool {
    !c.is_ascii() && CanonicalCombiningClassMapBorrowed::new().get_u8(c) != 0
}

/// Returns whether a character loses its meaning in its compatibility form.
fn is_kept(c: char) -> bool {
    is_sign(c)
        || superscript(c).is_some()
        || subscript(c).is_some()
        || fraction(c).is_some()
        || matches!(c, 'ª' | 'º')
}

/// Returns the plain spelling of typographic punctuation.
const fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        '‘' | '’' | '‚' | '‛' | 'ʼ' | 'ʻ' | '′' | '‹' | '›' | '´' | '＇' => "'",
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' | '＂' => "\"",
        '‐' | '‑' | '⁃' | '﹣' | '－' => "-",
        '‒' | '–' => "–",
        '—' | '―' | '⸺' | '⸻' | '﹘' => "—",
        '\u{a0}' | '\u{202f}' | '\u{2007}' | '\u{2009}' => "\u{a0}",
        '。' | '｡' => ".",
        '、' => ",",
        '˚' => "°",
        '⁄' | '∕' => "/",
        '⨯' | '✕' | '✖' => "×",
        '➔' | '➜' | '➝' | '➞' | '➡' => "→",
        '㎡' => "m²",
        '㎢' => "km²",
        '㎠' => "cm²",
        '㎟' => "mm²",
        '㎥' => "m³",
        '㎤' => "cm³",
        '㏄' => "cm³",
        '㎧' => "m/s",
        _ => return None,
    })
}

/// Returns the digit or sign of a superscript.
pub(super) fn superscript(c: char) -> Option<char> {
    PLAIN.chars().nth(RAISED.chars().position(|raised| raised == c)?)
}

/// Returns the digit of a subscript.
pub(super) fn subscript(c: char) -> Option<char> {
    let digit = u32::from(c).checked_sub(0x2080)?;
    char::from_digit(digit, 10)
}

/// Returns numerator and denominator of a fraction that is one character.
pub(super) const fn fraction(c: char) -> Option<(u64, u64)> {
    Some(match c {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅐' => (1, 7),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        '⅑' => (1, 9),
        '⅒' => (1, 10),
        _ => return None,
    })
}

/// Returns whether a letter is of the Latin script.
pub(super) const fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | 'ª' | 'º' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

/// Appends a letter that the engine may not know without its accents.
pub(super) fn push_folded(out: &mut String, c: char) {
    match c {
        'ł' | 'Ł' => out.push('l'),
        'đ' | 'Đ' | 'ð' | 'Ð' => out.push('d'),
        'ø' | 'Ø' => out.push('o'),
        'æ' | 'Æ' => out.push_str("ae"),
        'œ' | 'Œ' => out.push_str("oe"),
        'þ' | 'Þ' => out.push_str("th"),
        'ß' | 'ẞ' => out.push_str("ss"),
        'ı' => out.push('i'),
        'ħ' | 'Ħ' => out.push('h'),
        'ŋ' | 'Ŋ' => out.push_str("ng"),
        'ŧ' | 'Ŧ' => out.push('t'),
        'ə' | 'Ə' => out.push('e'),
        c => {
            let mut buffer = [0; 4];
            let letter = c.encode_utf8(&mut buffer);
            let apart = DecomposingNormalizerBorrowed::new_nfd().normalize(letter);
            out.extend(apart.chars().filter(|&c| !combines(c)));
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatible_spellings_become_one_and_keep_their_places() {
        for (source, normal) in [
            ("oﬃcial ﬁgures ﬂoor", "official figures floor"),
            ("u\u{308}ber", "über"),
            ("Ｆｕｌｌ １２", "Full 12"),
            ("25 m² 10⁶ ½", "25 m² 10⁶ ½"),
            ("“a” ‘b’ —c", "\"a\" 'b' —c"),
            ("so\u{ad}ft\u{200b}ly", "softly"),
            ("x\u{304}", "x"),
            ("㎡", "m²"),
            ("Ⅷ ㎏ …", "VIII kg ..."),
            ("20 ºC, 3º", "20 °C, 3º"),
        ] {
            let found = Normal::of(source);
            assert_eq!(found.text, normal, "{source:?}");
            assert_eq!(found.places.len(), normal.len() + 1, "{source:?}");
            assert!(found.places.is_sorted());
            assert!(found.places.iter().all(|&at| source.is_char_boundary(at)), "{source:?}");
        }
    }
}
