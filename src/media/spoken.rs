//! The text that a voice reads for a text that is displayed: numbers, signs, dates, addresses and
//! capitals as words of the language, dashes as pauses. Displaying, splitting and speaking are left
//! to [`captions`](super::captions), [`script`](super::script) and [`narration`](super::narration).
//!
//! The text is brought into a normal form and read from left to right. Each rule that fits yields
//! the words for a part of it; what no rule can read is collected.

/// Declares a regular expression that is compiled at its first use.
macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| regex::Regex::new($pattern).expect("a valid pattern"));
    };
}

mod amounts;
mod calendar;
mod normal;
mod numbers;
mod phone;
mod tables;
mod words;

use std::collections::HashSet;
use std::ops::Range;

use icu_normalizer::ComposingNormalizerBorrowed;

use self::amounts::{Amounts, Reading};
use self::normal::{
    Normal, ends_word, is_latin, previous_word, skip_space, subscript, superscript,
};
use self::numbers::Speller;
use self::tables::{Language, Sign, Tongue};
use self::words::Words;
use super::characters::{is_emoji, is_invisible};

/// What a voice reads for a text that is displayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpokenText {
    /// The text to speak: plain words and ASCII punctuation of the language.
    pub(crate) text: String,
    /// Which part of the displayed text is spoken by which part of `text`, in order. The pieces
    /// cover both texts without gaps.
    pub(crate) pieces: Vec<SpokenPiece>,
    /// Parts of the displayed text that cannot be spoken, each once: signs without a name, letters
    /// of a foreign script, and emoji, which begin with a character that
    /// [`is_emoji`] accepts.
    pub(crate) unspoken: Vec<String>,
}

/// Byte ranges of a word or sign that is displayed, and of the words that are spoken for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpokenPiece {
    pub(crate) source: Range<usize>,
    pub(crate) spoken: Range<usize>,
    /// Whether it is a part of a URL or telephone number, but not the first.
    pub(crate) is_inner: bool,
}

/// No rule looks further ahead, so that reading takes linear time.
const WINDOW: usize = 256;

/// Returns what a voice reads for a text that is displayed.
///
/// `language` is a BCP 47 tag. In languages without tables, only signs and emoji that no engine
/// reads are left out.
pub(crate) fn spoken(text: &str, language: &str) -> SpokenText {
    let Some(tables) = Language::of(language) else { return unchanged(text) };
    // The script may stand between the language and the region: "en-Latn-US".
    let is_region = |part: &&str| match part.len() {
        2 => part.bytes().all(|c| c.is_ascii_alphabetic()),
        3 => part.bytes().all(|c| c.is_ascii_digit()),
        _ => false,
    };
    let region = language.trim().split(['-', '_']).skip(1).find(is_region);
    let british = region.is_some_and(|region| !region.eq_ignore_ascii_case("us"));
    let normal = Normal::of(text);
    let english = tables.tongue == Tongue::English;
    let speller = Speller { language: tables, british: british && english };
    let letters = || normal.text.chars().filter(|c| c.is_alphabetic());
    let shouted = !letters().any(char::is_lowercase) && letters().count() > 3;
    let mut reader = Reader {
        speller,
        words: Words { speller, shouted },
        out: Output::new(&normal),
        american: !british,
    };
    reader.read(&normal.text);
    reader.out.finish(text)
}

/// Collects the spoken text.
#[derive(Debug)]
struct Output<'a> {
    normal: &'a Normal,
    text: String,
    /// Where each piece begins in the displayed and in the spoken text, and whether it is a part
    /// of a word, but not the first.
    starts: Vec<(usize, usize, bool)>,
    /// Punctuation before the next word.
    pending: Option<char>,
    unspoken: Vec<String>,
    seen: HashSet<String>,
}

impl<'a> Output<'a> {
    fn new(normal: &'a Normal) -> Self {
        Self {
            normal,
            text: String::with_capacity(normal.text.len()),
            starts: Vec::new(),
            pending: None,
            unspoken: Vec::new(),
            seen: HashSet::new(),
        }
    }

    fn say(&mut self, at: usize, words: &str) {
        if words.is_empty() {
            return;
        }
        // Punctuation before the first word is dropped.
        if let Some(mark) = self.pending.take()
            && !self.text.is_empty()
        {
            self.text.push(mark);
        }
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.starts.push((self.normal.place(at), self.text.len(), false));
        self.text.push_str(words);
    }

    fn say_reading(&mut self, at: usize, reading: &Reading) {
        self.say(at, &reading.words);
        let start = self.text.len() - reading.words.len();
        let parts = reading.parts.iter();
        self.starts.extend(
            parts.map(|(place, words)| (self.normal.place(at + place), start + words, true)),
        );
    }

    /// Notes punctuation. Only the strongest mark before a word is kept.
    fn pause(&mut self, mark: char) {
        const BY_STRENGTH: &str = ",;:.!?";
        let strength = |mark| BY_STRENGTH.find(mark);
        if self.pending.is_none_or(|pending| strength(pending) < strength(mark)) {
            self.pending = Some(mark);
        }
    }

    fn lose(&mut self, part: &str) {
        if self.seen.insert(part.to_owned()) {
            self.unspoken.push(part.to_owned());
        }
    }

    fn finish(mut self, source: &str) -> SpokenText {
        if let Some(mark @ ('.' | '!' | '?')) = self.pending
            && !self.text.is_empty()
        {
            self.text.push(mark);
        }
        if let Some(first) = self.starts.first_mut() {
            first.0 = 0;
        } else if !source.is_empty() {
            self.starts.push((0, 0, false));
        }
        let ends =
            self.starts.iter().copied().skip(1).chain([(source.len(), self.text.len(), false)]);
        let pieces = self.starts.iter().zip(ends).map(|(&(source, spoken, is_inner), end)| {
            SpokenPiece { source: source..end.0, spoken: spoken..end.1, is_inner }
        });
        SpokenText { pieces: pieces.collect(), text: self.text, unspoken: self.unspoken }
    }
}

#[derive(Debug)]
struct Reader<'a> {
    speller: Speller,
    words: Words,
    american: bool,
    out: Output<'a>,
}

impl Reader<'_> {
    fn read(&mut self, text: &str) {
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let (before, rest) = text.split_at(at);
            at += match self.reading(before, rest, c) {
                Some(reading) if reading.len > 0 => {
                    self.out.say_reading(at, &reading);
                    reading.len
                }
                _ => self.sign(at, before, rest, c),
            };
        }
    }

    /// Returns the reading of a word, number or address at the start of a text.
    fn reading(&self, before: &str, rest: &str, c: char) -> Option<Reading> {
        let end = rest.char_indices().map(|(at, _)| at).find(|at| *at >= WINDOW);
        let window = &rest[..end.unwrap_or(rest.len())];
        let inside = before.ends_with(char::is_alphanumeric);
        if !inside && (c.is_alphanumeric() || matches!(c, '@' | '#')) && c.is_ascii() {
            let found = self.words.address(before, rest, window).or_else(|| self.words.tag(window));
            if found.is_some() {
                return found;
            }
        }
        if !inside && let Some(found) = self.words.abbreviation(before, window) {
            return Some(found);
        }
        let signed = matches!(c, '-' | '−' | '–' | '.') && !inside && !before.ends_with(')');
        if c.is_ascii_digit()
            || (signed || matches!(c, '+' | '('))
            || normal::fraction(c).is_some()
            || self.speller.language.sign(c).is_some()
            || !inside && c.is_ascii_uppercase()
            || !inside && self.speller.language.currency(&window[..c.len_utf8()]).is_some()
        {
            let amounts =
                Amounts { speller: self.speller, american: self.american, before, text: window };
            if let Some(found) = amounts.read() {
                return Some(found);
            }
        }
        if !inside && let Some((len, noun)) = self.lone_unit(window) {
            return Some(Reading::new(len, noun.to_owned()));
        }
        if is_latin(c) && c.is_alphabetic() && !matches!(c, 'ª' | 'º') {
            return Some(self.words.word(before, rest));
        }
        if superscript(c).is_some() {
            return self.words.power(rest);
        }
        let digit = subscript(c)?;
        Some(Reading::new(c.len_utf8(), self.speller.digits(&digit.to_string())))
    }

    /// Reads a unit without a number, such as "km/h".
    fn lone_unit(&self, text: &str) -> Option<(usize, &'static str)> {
        let ends = text.char_indices().take(5).map(|(at, c)| at + c.len_utf8());
        let ends: Vec<usize> = ends.collect();
        ends.into_iter().rev().find_map(|end| {
            let unit = self.speller.language.unit(&text[..end]).filter(|unit| unit.alone)?;
            ends_word(&text[..end], &text[end..]).then_some((end, unit.noun.many))
        })
    }

    /// Reads anything else and returns its length.
    fn sign(&mut self, at: usize, before: &str, rest: &str, c: char) -> usize {
        let len = c.len_utf8();
        // The length of a run is only taken where the whole run is read, so that time stays linear.
        let run = || rest.len() - rest.trim_start_matches(c).len();
        let after = &rest[len..];
        let spaced = before.is_empty() || before.ends_with([' ', '\u{a0}']);
        match c {
            c if c.is_whitespace() => {}
            ',' | ';' => self.out.pause(c),
            ':' if before.ends_with(|c: char| c.is_ascii_digit())
                && after.starts_with(|c: char| c.is_ascii_digit()) =>
            {
                self.out.say(at, self.speller.language.word("range"));
            }
            ':' => self.out.pause(c),
            '!' | '?' => self.out.pause(c),
            '.' if after.starts_with('.') => {
                self.out.pause(',');
                return run();
            }
            '.' => self.full_stop(at, before, after),
            '-' if after.starts_with('-') || spaced && after.starts_with([' ', '\u{a0}']) => {
                self.out.pause(',');
                return run();
            }
            '-' | '/' => {}
            '–' if !spaced && after.starts_with(char::is_alphanumeric) => {}
            // A rule of signs, such as "=====".
            c if self.speller.language.sign(c).is_some()
                && rest.chars().take_while(|&next| next == c).nth(2).is_some() =>
            {
                self.out.pause(',');
                return run();
            }
            c => return self.named_sign(at, before, rest, c),
        }
        len
    }

    fn named_sign(&mut self, at: usize, before: &str, rest: &str, c: char) -> usize {
        let after = &rest[c.len_utf8()..];
        // "x>y"
        let between_words = before.ends_with(char::is_alphanumeric)
            && after.starts_with(char::is_alphanumeric)
            && c != '\\';
        let digit_next = skip_space(after).starts_with(|c: char| c.is_ascii_digit());
        match self.speller.language.sign(c) {
            // An emphasis mark or quote: `>` and `~` have a meaning only before what they compare.
            Some(Sign::Word(_))
                if matches!(c, '~' | '\\' | '^' | '<' | '>')
                    && !digit_next
                    && !after.starts_with(' ')
                    && !between_words => {}
            Some(Sign::Silent)
                if c == '*'
                    && digit_next
                    && before.trim_end().ends_with(|c: char| c.is_ascii_digit()) =>
            {
                self.out.say(at, self.speller.language.word("times"));
            }
            // "α" alone is a sign; "Αθήνα" is a word of another script.
            Some(Sign::Word(word))
                if !(c.is_alphabetic() && foreign_run(rest).chars().nth(2).is_some()) =>
            {
                self.out.say(at, word);
            }
            Some(Sign::Pause) => self.out.pause(','),
            Some(Sign::Silent) => {}
            _ if is_emoji(c) => {
                let emoji = emoji(rest);
                if emoji.chars().any(|c| !is_invisible(c) && c != '\u{20e3}') {
                    self.out.lose(emoji);
                }
                return emoji.len();
            }
            _ if c.is_alphanumeric() => {
                let word = foreign_run(rest);
                self.out.lose(word);
                return word.len();
            }
            _ if c.is_control() || is_invisible(c) || is_punctuation(c) => {}
            _ => self.out.lose(&rest[..c.len_utf8()]),
        }
        c.len_utf8()
    }

    fn full_stop(&mut self, at: usize, before: &str, after: &str) {
        let closing = |c: char| matches!(c, '"' | '\'' | ')' | ']' | ' ' | '\u{a0}');
        let next = after.trim_start_matches(closing).chars().next();
        let word = previous_word(before);
        let joined = after.starts_with(char::is_alphanumeric);
        if joined && before.ends_with(char::is_alphanumeric) {
            if before.ends_with(char::is_lowercase) && after.starts_with(char::is_uppercase) {
                self.out.pause('.');
            } else {
                let digits = before.ends_with(|c: char| c.is_ascii_digit())
                    && after.starts_with(|c: char| c.is_ascii_digit());
                self.out.say(at, self.speller.language.word(if digits { "point" } else { "dot" }));
            }
            return;
        }
        // A stop after an initial, or before a word that continues the sentence, is no pause.
        let is_initial = word.chars().count() == 1 && word.starts_with(char::is_uppercase);
        if next.is_none_or(|c| !c.is_lowercase() && !is_initial) {
            self.out.pause('.');
        }
    }
}

/// Returns the letters and digits at the start of a text that are of no Latin script.
fn foreign_run(text: &str) -> &str {
    let end = text.find(|c: char| c.is_ascii() || is_latin(c) || !c.is_alphanumeric());
    match end {
        Some(end) if end > 0 => &text[..end],
        Some(_) => &text[..text.chars().next().map_or(0, char::len_utf8)],
        None => text,
    }
}

/// Returns the emoji at the start of a text, with what is combined with it.
fn emoji(text: &str) -> &str {
    let mut joined = true;
    let mut flag = false;
    for (at, c) in text.char_indices() {
        let combines = matches!(c as u32, 0x200d | 0x20e3 | 0xfe0e | 0xfe0f | 0x1f3fb..=0x1f3ff | 0xe0000..=0xe007f);
        let regional = matches!(c as u32, 0x1f1e6..=0x1f1ff);
        if !(combines || joined || flag && regional) {
            return &text[..at];
        }
        flag = regional && !flag;
        joined = c == '\u{200d}';
    }
    text
}

/// Returns whether a character is punctuation that is never read.
const fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c as u32, 0x2010..=0x2027 | 0x2030..=0x205e | 0x3000..=0x303f | 0xfe10..=0xfe6f)
}

/// Returns a text without what no engine reads.
fn unchanged(source: &str) -> SpokenText {
    let mut text = String::with_capacity(source.len());
    let mut pieces: Vec<SpokenPiece> = Vec::new();
    let mut lost: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    let mut at = 0;
    // A piece ends after the spaces that follow its word.
    let mut ends = source
        .char_indices()
        .zip(source.chars().skip(1))
        .filter_map(|((at, c), next)| {
            (c.is_whitespace() && !next.is_whitespace()).then_some(at + c.len_utf8())
        })
        .collect::<Vec<_>>();
    ends.push(source.len());
    for end in ends {
        let start = text.len();
        let mut rest = &source[at..end];
        while let Some(c) = rest.chars().next() {
            let part =
                if is_emoji(c) && !is_invisible(c) { emoji(rest) } else { &rest[..c.len_utf8()] };
            if is_emoji(c) && !is_invisible(c) || is_unreadable(c) {
                if seen.insert(part.to_owned()) {
                    lost.push(part.to_owned());
                }
            } else {
                text.push(if c.is_control() { ' ' } else { c });
            }
            rest = &rest[part.len()..];
        }
        // Engines know letters with their accents in one character.
        let composed =
            ComposingNormalizerBorrowed::new_nfc().normalize(&text[start..]).into_owned();
        text.replace_range(start.., &composed);
        if end > at {
            pieces.push(SpokenPiece {
                source: at..end,
                spoken: start..text.len(),
                is_inner: false,
            });
        }
        at = end;
    }
    SpokenText { text, pieces, unspoken: lost }
}

/// Returns whether no engine reads a character: lines and boxes, private use.
const fn is_unreadable(c: char) -> bool {
    matches!(c as u32, 0x2500..=0x25ff | 0xe000..=0xf8ff | 0xfffd | 0xf0000..=0x10fffd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Dice;

    macro_rules! case {
        ($name:literal) => {
            include_str!(concat!("../../tests/data/cases/speech/", $name, ".txt"))
        };
    }

    fn english(text: &str) -> String {
        spoken(text, "en-US").text
    }

    #[test]
    fn every_kind_of_token_is_spoken_as_people_read_it() {
        let table = include_str!("../../tests/data/cases/speech/spoken.tsv");
        let mut count = 0;
        for line in table.lines().filter(|line| !line.starts_with("# ")) {
            let mut cells = line.split('\t');
            let mut cell = || cells.next().unwrap_or_default();
            let (language, displayed, expected, unspoken) = (cell(), cell(), cell(), cell());
            let found = spoken(displayed, language);
            assert_eq!(found.text, expected, "{language}: {displayed}");
            assert_eq!(found.unspoken.join(" "), unspoken, "{language}: {displayed}");
            count += 1;
        }
        assert!(count > 140, "{count}");
    }

    #[test]
    fn reported_scripts_are_spoken_right() {
        assert_eq!(
            english(case!("em-dash")),
            "Our company, founded in nineteen ninety, makes tea."
        );
        assert_eq!(english(case!("double-hyphen")), "Let us go, now.");
        let capitals: Vec<String> = case!("all-caps").lines().map(english).collect();
        assert_eq!(capitals, ["how to make tea", "", "about us", "", "Do it now."]);
        assert_eq!(
            english(case!("ligatures")),
            "The official figures show profit on the first floor."
        );
        assert_eq!(
            english(case!("symbols")),
            "We need five greater than or equal to three. The room has twenty-five square meters. \
             It is five times four centimeters at one hundred degrees Celsius. The alpha particles \
             hit pi."
        );
    }

    #[test]
    fn times_ordinals_and_fractions_are_read_with_what_follows_them() {
        for (language, displayed, text) in [
            (
                "en-US",
                "9–10:30, 9-10am, 5–6 p.m.",
                "nine to ten thirty, nine to ten ay M, five to six P M",
            ),
            (
                "en-US",
                "10:30–11, 9am–5, 25th-27 May",
                "ten thirty to eleven, nine ay M to five, twenty-fifth to twenty-seven May",
            ),
            ("en-GB", "from 9–10.30am", "from nine to ten thirty ay M"),
            ("de-DE", "von 8–10:30 Uhr", "von acht bis zehn Uhr dreißig"),
            ("fr-FR", "de 9–10h30", "de neuf à dix heures trente"),
            ("es-ES", "14:30–15 h", "catorce treinta a quince horas"),
            ("en-US", "at 9:05:30 am", "at nine oh five thirty ay M"),
            (
                "en-US",
                "the 21ST of the 1990S, a 100S",
                "the twenty-first of the nineteen nineties, a one hundred S",
            ),
            (
                "en-US",
                "½ km, 2½ km, ½ €",
                "one half kilometer, two and a half kilometers, one half euro",
            ),
        ] {
            assert_eq!(spoken(displayed, language).text, text, "{displayed}");
        }
    }

    #[test]
    fn composed_and_decomposed_accents_are_spoken_alike() {
        let composed = spoken(case!("nfc-de"), "de-DE");
        assert_eq!(spoken(case!("nfd-de"), "de").text, composed.text);
        assert!(composed.text.contains("Müllerin grüßt schöne Bücher über Öl"), "{composed:?}");
    }

    #[test]
    fn the_torture_script_is_spoken_as_expected() {
        let words = |text: &str| {
            let lower = text.to_lowercase();
            let words = lower.split(|c: char| !c.is_alphanumeric() && c != '\'');
            // The name of the letter A is spelled so that it is not read as the article.
            let plain = words.filter(|word| !word.is_empty()).map(|word| word.replace("ay", "a"));
            plain.collect::<Vec<_>>().join(" ")
        };
        let script = include_str!("../../tests/data/cases/torture.txt");
        let expected = include_str!("../../tests/data/cases/torture.expected.txt");
        assert_eq!((script.lines().count(), expected.lines().count()), (60, 60));
        for (line, expected) in script.lines().zip(expected.lines()) {
            assert_eq!(words(&english(line)), words(expected), "{line}");
        }
    }

    #[test]
    fn pieces_name_the_words_of_each_displayed_word() {
        let displayed = "It cost $1,200—or 5–10 km…";
        let found = spoken(displayed, "en-US");
        let pairs: Vec<(&str, &str)> = found
            .pieces
            .iter()
            .map(|piece| (&displayed[piece.source.clone()], &found.text[piece.spoken.clone()]))
            .collect();
        assert_eq!(
            pairs,
            [
                ("It ", "It "),
                ("cost ", "cost "),
                ("$1,200—", "one thousand two hundred dollars, "),
                ("or ", "or "),
                ("5–10 km…", "five to ten kilometers"),
            ]
        );
    }

    #[test]
    fn signs_without_words_are_reported_once_and_silence_is_no_error() {
        for (displayed, text, unspoken) in [
            ("", "", &[][..]),
            (" … — !", "", &[]),
            ("😀😀 👩‍👩‍👧 🇩🇪🇫🇷", "", &["😀", "👩‍👩‍👧", "🇩🇪", "🇫🇷"]),
            ("Привет ⌘ Привет ok ⌘", "okay", &["Привет", "⌘"]),
            ("5\u{fe0f}\u{20e3} a\u{ad}b", "five ab", &[]),
        ] {
            let found = spoken(displayed, "en");
            assert_eq!(
                (found.text.as_str(), found.unspoken.as_slice()),
                (text, &unspoken.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..]),
                "{displayed}"
            );
            check(displayed, &found);
        }
    }

    /// Checks what holds for any text.
    fn check(displayed: &str, found: &SpokenText) {
        let (mut source, mut at) = (0, 0);
        for piece in &found.pieces {
            assert_eq!((piece.source.start, piece.spoken.start), (source, at), "{displayed:?}");
            assert!(displayed.is_char_boundary(piece.source.end), "{displayed:?}");
            assert!(found.text.get(piece.spoken.clone()).is_some(), "{displayed:?}");
            (source, at) = (piece.source.end, piece.spoken.end);
            let silent = piece.spoken.is_empty();
            let lost = |c: char| found.unspoken.iter().any(|part| part.contains(c));
            let words = Normal::of(&displayed[piece.source.clone()]).text;
            for c in words.chars().filter(|c| c.is_alphanumeric()) {
                assert!(!silent || lost(c), "{c} of {displayed:?} is lost: {found:?}");
            }
        }
        assert_eq!((source, at), (displayed.len(), found.text.len()), "{displayed:?}");
        for doubled in [",,", ", ,", "  "] {
            assert!(!found.text.contains(doubled), "{doubled:?} for {displayed:?}: {found:?}");
        }
    }

    #[test]
    fn any_text_is_covered_by_its_pieces() {
        const PARTS: &str = "a B é ß ﬁ ü x1 FBI US it 1 23 1990 3.5 1,000 007 1/2 555-1234 2024-05-03 14:30 9 am $5 €3bn 5€ kg m² ² ½ % - -- – — … . , : ; ! ? ( ) [ ] / \\ & @ # * _ ~ ^ < > = + ' \" ’ “ ” ™ ° ℃ α Ω Привет 日本 ⌘ 😀 👍🏽 🇩🇪 \u{301} \u{200d} \u{ad} \u{fe0f} \u{0} \u{a0} www. http:// a.de i@b.com e.g. z.B. Mr. Mon Fri VIII st th º";
        let parts: Vec<&str> = PARTS.split(' ').collect();
        let mut dice = Dice(1);
        let mut random = |below: usize| dice.roll(below);
        for round in 0..6_000 {
            let mut text = String::new();
            for _ in 0..=random(12) {
                match random(8) {
                    0 => text.extend(char::from_u32(random(0x3_0000) as u32)),
                    1 => text.extend(char::from_u32(random(0x80) as u32)),
                    _ => text.push_str(parts[random(parts.len())]),
                }
                if random(3) == 0 {
                    text.push(' ');
                }
            }
            let language = ["en-US", "en-GB", "de", "es", "fr", "it"][round % 6];
            check(&text, &spoken(&text, language));
        }
    }

    #[test]
    fn another_language_is_left_as_it_is() {
        let found = spoken("Det är 5 ≥ 3 – “ja”! 😀 \u{e000}", "sv");
        assert_eq!(found.text, "Det är 5 ≥ 3 – “ja”!  ");
        assert_eq!(found.unspoken, ["😀", "\u{e000}"]);
        let pieces: Vec<_> = found.pieces.iter().map(|piece| piece.spoken.len()).collect();
        assert_eq!(pieces, [4, 4, 2, 4, 2, 4, 10, 1, 0]);
    }
}
