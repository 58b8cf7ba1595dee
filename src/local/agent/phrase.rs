//! A phrase of a message: its quotations, words, numbers and times, and its meaning, which is an
//! edit, or options of a voiceover, labelled (`Voice: male.`) or in prose (`in a male voice`). A
//! phrase that fits no rule has no meaning here; nothing is guessed.

use std::iter::repeat_n;
use std::ops::Range;
use std::time::Duration;

use super::edit::{Adjustment, AudioTarget, Edit, UntimedPart, VoiceChange};
use super::looks::StyleChange;
use super::scenes::SceneStyle;
use super::words::*;
use crate::draft::{Language, TrackRole};
use crate::language::tokens::{self, Word, is_han, plain_text, quotations};
use crate::local::engine::{Gender, PALETTES};
use crate::protocol::{Aspect, FileFormat, FileType};

/// The duration of a title for which none is given.
pub(crate) const TITLE_TIME: Duration = Duration::from_secs(3);
/// The factor of one step louder or quieter.
const VOLUME_STEP: f64 = 1.4;
/// The factor of one step faster or slower.
const PACE_STEP: f32 = 1.2;
const MINUTE: f64 = 60.0;
/// A phrase with more words is no order.
pub(crate) const MAX_WORDS: usize = 40;

/// A part of a message between two punctuation marks or conjunctions.
#[derive(Clone, Debug)]
pub(crate) struct MessagePhrase {
    /// The text as written.
    pub(crate) raw: String,
    /// The text in plain spelling, with spaces in place of what is quoted and of the names of files.
    pub(crate) plain: String,
    /// The words of `plain`.
    words: Vec<Word>,
    /// How `plain` is divided, if it may be an order in Chinese.
    division: Option<Division>,
    /// The first quotation.
    pub(crate) quoted: Option<String>,
    /// The names of files outside of quotations, as written.
    files: Vec<String>,
}

impl MessagePhrase {
    pub(crate) fn new(raw: &str) -> Self {
        let plain = masked(raw);
        let names = file_names(&plain);
        let files = names.iter().map(|name| plain[name.clone()].to_owned()).collect();
        let plain = plain_text(&blanked(&plain, names)).replace("分钟", "分").replace("秒钟", "秒");
        let quoted = quotations(raw).first().map(|range| unquoted(&raw[range.clone()]));
        let words = words(&plain);
        let may_be_divided = words.len() <= MAX_WORDS && plain.contains(is_han);
        let division = may_be_divided.then(|| Division::of(&plain)).flatten();
        Self { raw: raw.trim().to_owned(), plain, words, division, quoted, files }
    }

    pub(crate) fn words(&self) -> Vec<&str> {
        self.words.iter().map(|word| word.text.as_str()).collect()
    }

    /// Whether one of the terms of a list (see `words`) occurs: an English word as a whole word, a
    /// term of several words anywhere, and one of Chinese, which has no spaces, wherever it does not
    /// cut a word in two.
    pub(crate) fn has(&self, terms: &str) -> bool {
        terms.split_ascii_whitespace().any(|term| match term.strip_prefix('=') {
            Some(whole) => self.is(whole),
            None if term.contains('_') => self.plain.contains(&term.replace('_', " ")),
            None if term.is_ascii() => self.words.iter().any(|word| word.text == term),
            None => self.plain.match_indices(term).any(|(at, _)| {
                let range = at..at + term.len();
                self.division.as_ref().is_none_or(|division| division.allows(range))
            }),
        })
    }

    /// Whether one of the terms is all of it, apart from spaces and punctuation.
    pub(crate) fn is(&self, terms: &str) -> bool {
        let text = self.plain.trim_matches(|c: char| !c.is_alphanumeric());
        is_in(terms, &text.replace(' ', "_"))
    }

    /// The choice whose terms occur first in the table.
    pub(super) fn choice<T: Copy>(&self, table: &[(T, &str)]) -> Option<T> {
        table.iter().find(|(_, terms)| self.has(terms)).map(|(choice, _)| *choice)
    }

    /// The language of a message, in which it is replied to. Quotations do not count.
    pub(crate) fn language(&self) -> Language {
        // Chinese begins with a Chinese word, or has some for each foreign one: "change the title
        // to 早晨" is English, "BGM 大声一点" is not.
        let han = self.plain.chars().filter(|c| is_han(*c)).count();
        let foreign = |word: &&Word| word.text.starts_with(char::is_alphabetic) && !word.is_han();
        let first = self.plain.chars().find(|c| c.is_alphabetic());
        let outweighs = || han > 0 && han >= 2 * self.words.iter().filter(foreign).count();
        let is_chinese = first.is_some_and(is_han) || outweighs();
        if is_chinese { Language::Chinese } else { Language::English }
    }

    /// The first number below zero, as written. A minus behind a word is a hyphen.
    fn negative(&self) -> Option<String> {
        let minus = |(at, _): &(usize, &str)| {
            let before = self.plain[..*at].chars().next_back();
            let after = self.plain[*at..].chars().nth(1);
            before.is_none_or(|c| c.is_whitespace() || is_han(c))
                && after.is_some_and(|c| c.is_ascii_digit())
        };
        let (at, _) = self.plain.match_indices(['-', '−']).find(minus)?;
        let number = self.plain[at..].split(char::is_whitespace).next()?;
        Some(number.trim_end_matches(['.', ',']).to_owned())
    }

    /// The first name of a file of a type, quoted or not.
    pub(super) fn file_name(&self, file_type: FileType) -> Option<String> {
        let is_file =
            |name: &&String| FileFormat::of(name).is_some_and(|it| it.file_type == file_type);
        self.quoted.iter().chain(&self.files).find(is_file).cloned()
    }

    /// Whether it names a file of any type.
    pub(super) fn has_file(&self) -> bool {
        !self.files.is_empty()
            || self.quoted.as_ref().is_some_and(|it| FileFormat::of(it).is_some())
    }

    /// Whether a time is stated: a number with its unit.
    fn has_time(&self) -> bool {
        self.words.iter().enumerate().any(|(at, word)| match word.number() {
            Some((_, "")) => unit(self.word(at + 1)).is_some(),
            Some((_, rest)) => unit(rest).is_some(),
            None => {
                let is_number = numeral(&word.text).or_else(|| position(NUMBERS, &word.text));
                is_number.is_some() && unit(self.word(at + 1)).is_some()
            }
        })
    }

    /// Whether a time is stated that is a moment, and no duration: `at 5 seconds`, `from 0:05`, `5秒后`.
    pub(super) fn has_moment(&self) -> bool {
        let is_number = |word: &Word| {
            word.number().is_some() || is_in(NUMBERS, &word.text) || numeral(&word.text).is_some()
        };
        self.words.iter().enumerate().any(|(at, word)| {
            let follows = at > 0 && is_in(MOMENT, self.word(at - 1));
            let (_, rest) = word.number().unwrap_or_default();
            let is_time = unit(rest).is_some() || unit(self.word(at + 1)).is_some();
            let is_clock = rest.starts_with(':')
                && ![PORTRAIT, SQUARE, LANDSCAPE]
                    .into_iter()
                    .any(|aspect| is_in(aspect, &word.text));
            let ends = || {
                let behind = self.plain[word.range.end..].trim_start();
                HAN_MOMENT.split_ascii_whitespace().any(|term| behind.starts_with(term))
            };
            (follows && is_number(word) && (is_time || is_clock))
                || (unit(&word.text).is_some() && ends())
        })
    }

    /// Whether a share is stated as one: `20%`, `百分之二十`.
    fn has_percent(&self) -> bool {
        let is_percent = |word: &Word| {
            word.text.starts_with("percent") || word.number().is_some_and(|(_, unit)| unit == "%")
        };
        self.plain.contains("百分之") || self.words.iter().any(is_percent)
    }

    /// A share, which may exceed 1: `20%`, `20 percent`, `half`, `0.2`, `百分之二十`.
    pub(super) fn share(&self) -> Option<f64> {
        if let Some((_, number)) = self.plain.split_once("百分之") {
            return words(number).first().and_then(number_of).map(|number| number / 100.0);
        }
        let found = self.words.iter().enumerate().find_map(|(at, word)| {
            let next = self.word(at + 1);
            match (word.text.as_str(), word.number()) {
                ("half", _) => Some(0.5),
                ("full" | "maximum", _) => Some(1.0),
                (_, Some((number, "%"))) => Some(number / 100.0),
                (_, Some((number, ""))) if next.starts_with("percent") => Some(number / 100.0),
                (_, Some((number, ""))) if number <= 1.0 => Some(number),
                // "At 20", "at 20 volume".
                (_, Some((number, "")))
                    if number <= 100.0 && (next.is_empty() || is_in(AUDIO, next)) =>
                {
                    Some(number / 100.0)
                }
                _ => None,
            }
        });
        found.or_else(|| self.choice(&[(0.5, "一半"), (1.0, "最大")]))
    }

    /// Every time: `30 seconds`, `30s`, `1:30`, `2 minutes`, `五秒`, `1分30秒`. A bare number has the
    /// unit of the time after it, or else seconds.
    pub(crate) fn times(&self) -> Vec<Duration> {
        // Each number with the seconds of its unit and the index of its word.
        let mut found: Vec<(f64, Option<f64>, usize)> = Vec::new();
        for (at, word) in self.words.iter().enumerate() {
            if let Some(unit) = unit(&word.text) {
                if let Some((_, seconds @ None, _)) = found.last_mut() {
                    *seconds = Some(unit);
                }
                continue;
            }
            // "一点" is "a little": a Chinese numeral alone is no time.
            let spelled = || position(NUMBERS, &word.text);
            let numeral = || numeral(&word.text).filter(|_| unit(self.word(at + 1)).is_some());
            let (number, rest) = match word.number() {
                Some(found) => found,
                None => match spelled().or_else(numeral) {
                    Some(number) => (number as f64, ""),
                    None => continue,
                },
            };
            let seconds = rest.strip_prefix(':').and_then(|rest| rest.parse::<f64>().ok());
            match (seconds, unit(rest)) {
                (Some(seconds), _) => found.push((number * MINUTE + seconds, Some(1.0), at)),
                (None, None) if !rest.is_empty() => {}
                (None, unit) => found.push((number, unit, at)),
            }
        }
        let mut next_unit = 1.0;
        let mut times: Vec<Duration> = Vec::new();
        let mut seconds_at = None;
        for (number, unit, at) in found.into_iter().rev() {
            next_unit = unit.unwrap_or(next_unit);
            let Ok(time) = Duration::try_from_secs_f64(number * next_unit) else { continue };
            match times.last_mut() {
                // "1 minute 30 seconds" is one time.
                Some(last) if unit == Some(MINUTE) && seconds_at == Some(at + 2) => {
                    *last = last.saturating_add(time);
                }
                _ => times.push(time),
            }
            seconds_at = (unit == Some(1.0)).then_some(at);
        }
        times.reverse();
        times
    }

    /// A count: `2`, `2nd`, `two`, `second`, `两步`.
    pub(crate) fn count(&self) -> Option<usize> {
        self.number(|before, after| before == "第" || ["步", "次", "个", "处"].contains(&after))
    }

    /// An ordinal number: `track 3`, `the second`, `第三条`.
    pub(super) fn ordinal(&self) -> Option<usize> {
        self.number(|before, after| {
            ["第", "轨", "道"].contains(&before) || ["号", "轨"].contains(&after)
        })
    }

    /// A whole number; beside Chinese words, `stands` decides by the words before and after it.
    fn number(&self, stands: impl Fn(&str, &str) -> bool) -> Option<usize> {
        self.words.iter().enumerate().find_map(|(at, word)| {
            let (before, after) = (if at > 0 { self.word(at - 1) } else { "" }, self.word(at + 1));
            let text = word.text.as_str();
            if [before, after].iter().any(|word| word.contains(is_han)) || numeral(text).is_some() {
                let number = number_of(word).filter(|_| stands(before, after));
                return number.map(|number| number as usize);
            }
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let spelled = || position(ORDINALS, text).or_else(|| position(NUMBERS, text));
            digits.parse().ok().or_else(spelled)
        })
    }

    /// A word, which is empty where there is none.
    fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| &word.text)
    }
}

/// The rows of a table of the vocabulary, each a value and its terms.
pub(super) fn rows(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    table.lines().filter_map(|row| row.split_once(' '))
}

/// Where the names of files stand in a text: `photo.jpg`, `下雨.mp3`.
fn file_names(text: &str) -> Vec<Range<usize>> {
    // No space stands before a name behind these, which are no part of a name in Chinese.
    const BEFORE: &[char] = &['用', '把', '将', '加', '放', '播', '为', '成', '以', '换', '和'];
    const OUTSIDE: &[char] =
        &[',', ';', ':', '!', '?', '/', '\\', '，', '；', '：', '！', '？', '、', '。', '“', '”'];
    /// The longest name that file systems take, which bounds the work.
    const MAX_NAME: usize = 255;
    let mut found: Vec<Range<usize>> = Vec::new();
    for (dot, _) in text.match_indices('.') {
        let extension = text[dot + 1..].find(|c: char| !c.is_ascii_alphanumeric());
        let end = extension.map_or(text.len(), |length| dot + 1 + length);
        let first = found.last().map_or(0, |name| name.end);
        let mut starts = first.max(dot.saturating_sub(MAX_NAME))..=dot;
        let before = starts.find_map(|start| text.get(start..dot)).unwrap_or_default();
        let is_chinese = before.ends_with(is_han);
        let is_outside = |c: char| match is_han(c) {
            true => !is_chinese || BEFORE.contains(&c),
            false => c.is_whitespace() || OUTSIDE.contains(&c),
        };
        let name = before.rsplit(is_outside).next().unwrap_or_default();
        let verb = HAN_BEFORE_FILE.split(' ').find(|verb| name.starts_with(verb));
        let name = &name[verb.map_or(0, str::len)..];
        let start = dot - name.trim_start_matches(['(', '（']).len();
        let goes_on = text[end..]
            .strip_prefix('.')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
        if start < dot && !goes_on && FileFormat::of(&text[start..end]).is_some() {
            found.push(start..end);
        }
    }
    found
}

/// Whether a list of terms contains this one.
pub(crate) fn is_in(terms: &str, text: &str) -> bool {
    position(terms, text).is_some()
}

fn position(terms: &str, text: &str) -> Option<usize> {
    terms.split_ascii_whitespace().position(|term| term == text)
}

/// The words of a text, in which a Chinese numeral, a compound (`voice-over`) and the name of a file
/// are one word each.
fn words(plain: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for word in tokens::words(plain) {
        let is_numeral = |word: &Word| word.text.chars().all(|c| NUMERALS.contains(c));
        if let Some(last) = words.last_mut()
            && let Some(gap) = plain.get(last.range.end..word.range.start)
            && match gap {
                "" => is_numeral(last) && is_numeral(&word),
                "-" | "." => !last.is_han() && !word.is_han(),
                _ => false,
            }
        {
            last.text = [&last.text, gap, &word.text].concat();
            last.range.end = word.range.end;
        } else {
            words.push(word);
        }
    }
    words
}

/// The seconds of a unit of time.
fn unit(word: &str) -> Option<f64> {
    match word {
        "s" | "sec" | "secs" | "second" | "seconds" | "秒" => Some(1.0),
        "ms" | "milliseconds" | "毫" => Some(0.001),
        "m" | "min" | "mins" | "minute" | "minutes" | "分" => Some(MINUTE),
        _ => None,
    }
}

/// A Chinese numeral below a hundred.
fn numeral(word: &str) -> Option<usize> {
    let digit = |text: &str| match text {
        "两" => Some(2),
        _ => NUMERALS.chars().take(10).position(|c| text.chars().eq([c])),
    };
    let Some((tens, ones)) = word.split_once('十') else { return digit(word) };
    let tens = if tens.is_empty() { 1 } else { digit(tens)? };
    Some(tens * 10 + if ones.is_empty() { 0 } else { digit(ones)? })
}

fn number_of(word: &Word) -> Option<f64> {
    let number = word.number().filter(|(_, unit)| unit.is_empty()).map(|(number, _)| number);
    number.or_else(|| numeral(&word.text).map(|number| number as f64))
}

/// Splits a message into phrases, never within a quotation.
pub(crate) fn phrases(message: &str) -> Vec<MessagePhrase> {
    const JOINTS: [&str; 10] =
        ["and then ", "and ", "then ", "also ", "然后", "并且", "以及", "还有", "同时", "和"];
    // After these, "和" is half of a word: warm, mild, gentle.
    const WARM: &str = "暖温柔缓";
    let plain = masked(message);
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(c) = plain[at..].chars().next() {
        let ends = ends_phrase(c, plain[at..].chars().nth(1));
        let before = plain[..at].chars().next_back();
        let joint = JOINTS.into_iter().find(|joint| match plain[at..].get(..joint.len()) {
            Some(text) if joint.is_ascii() => {
                text.eq_ignore_ascii_case(joint) && before.is_none_or(char::is_whitespace)
            }
            text => text == Some(joint) && !before.is_some_and(|c| WARM.contains(c)),
        });
        let skipped = if ends { c.len_utf8() } else { joint.map_or(0, str::len) };
        if skipped > 0 {
            pieces.push(&message[start..at]);
            start = at + skipped;
            at = start;
        } else {
            at += c.len_utf8();
        }
    }
    pieces.push(&message[start..]);
    let full = pieces.into_iter().filter(|piece| piece.contains(char::is_alphanumeric));
    full.map(MessagePhrase::new).collect()
}

/// Whether a character ends a phrase, given the one after it.
pub(crate) fn ends_phrase(c: char, after: Option<char>) -> bool {
    match c {
        '\n' | ';' | '；' | '。' | '，' | '、' | '！' | '？' => true,
        ',' | '.' | '!' | '?' => after.is_none_or(char::is_whitespace),
        _ => false,
    }
}

/// The text with spaces in place of its quotations, of the same length in bytes.
pub(crate) fn masked(text: &str) -> String {
    blanked(text, quotations(text))
}

/// The text with spaces in place of some ranges, which are in order.
fn blanked(text: &str, ranges: Vec<Range<usize>>) -> String {
    let mut plain = String::with_capacity(text.len());
    for range in ranges {
        plain.push_str(&text[plain.len()..range.start]);
        plain.extend(repeat_n(' ', range.len()));
    }
    plain.push_str(&text[plain.len()..]);
    plain
}

/// The text of a quotation without its marks.
pub(crate) fn unquoted(quotation: &str) -> String {
    let mut chars = quotation.chars();
    chars.next();
    chars.next_back();
    chars.as_str().replace("\\\"", "\"").trim().to_owned()
}

/// Options of a voiceover.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct VoiceoverOptions {
    pub(crate) gender: Option<Gender>,
    /// A BCP-47 tag.
    pub(crate) language: Option<String>,
    pub(crate) pace: Option<f32>,
    pub(crate) aspect: Option<Aspect>,
    pub(crate) captions: Option<bool>,
    pub(crate) title: Option<String>,
    /// The name of a palette.
    pub(crate) background: Option<String>,
    pub(crate) style: StyleChange,
    /// The names of uploaded files; an empty one for the last recording.
    pub(crate) music: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) narration: Option<String>,
    pub(crate) poster: Option<Duration>,
    /// How the images of the script are shown.
    pub(crate) scenes: SceneStyle,
}

/// The option that a text names, if the whole text is a label.
pub(crate) fn label(text: &str) -> Option<&'static str> {
    let text = plain_text(text.trim()).replace(' ', "_");
    rows(LABELS).find(|(_, names)| is_in(names, &text)).map(|(label, _)| label)
}

impl VoiceoverOptions {
    pub(crate) fn parse(order: &str) -> Self {
        let mut options = Self::default();
        for phrase in phrases(order) {
            let labelled = phrase.raw.split_once([':', '：']);
            match labelled.and_then(|(name, value)| Some((label(name)?, value))) {
                Some((label, value)) => options.read(Some(label), MessagePhrase::new(value)),
                None => options.read(None, phrase),
            }
        }
        options
    }

    /// Reads the value of a label, or any option in prose.
    fn read(&mut self, label: Option<&str>, phrase: MessagePhrase) {
        let may_be = |option| label.is_none_or(|label| label == option);
        let is = |option, terms| label.map_or_else(|| phrase.has(terms), |label| label == option);
        if may_be("voice") {
            self.gender = phrase.gender().or(self.gender);
            self.language = phrase.voice_language().or_else(|| self.language.take());
        }
        if label == Some("language") {
            let tag = rows(VOICE_LANGUAGES).find(|(_, names)| phrase.is(names));
            self.language = Some(tag.map_or(phrase.raw.as_str(), |(tag, _)| tag).to_owned());
        }
        if may_be("aspect") {
            self.aspect = phrase.aspect().or(self.aspect);
        }
        if may_be("pace") {
            self.pace = phrase.pace().or(self.pace);
        }
        if is("captions", CAPTIONS) {
            let style = phrase.caption_style();
            self.captions = Some(style.is_some() || !phrase.has(OFF));
            self.style = self.style.and(style.unwrap_or_default());
        }
        match label {
            Some("music") => self.music = phrase.quoted.clone().or_else(|| self.music.take()),
            Some("image") => self.image = phrase.quoted.clone().or_else(|| self.image.take()),
            Some("narration") => {
                let last = || (phrase.has(UPLOADED) || phrase.has(RECORDINGS)).then(String::new);
                self.narration =
                    phrase.quoted.clone().or_else(last).or_else(|| self.narration.take());
            }
            Some("motion") => {
                self.scenes.motion = phrase.image_motion().or(self.scenes.motion);
            }
            Some("fit") => self.scenes.fit = phrase.image_fit().or(self.scenes.fit),
            Some("fade") => self.scenes.fade = phrase.cross_fade().or(self.scenes.fade),
            Some("poster") => self.poster = phrase.times().first().copied().or(self.poster),
            _ => {}
        }
        if is("background", BACKGROUND) {
            self.background = phrase.palette().or_else(|| self.background.take());
        }
        if is("title", TITLES) || (label.is_none() && phrase.has("called")) {
            let title = phrase.quoted.or_else(|| label.map(|_| phrase.raw));
            self.title = title.filter(|title| !title.is_empty()).or_else(|| self.title.take());
        }
    }
}

/// The meaning of a phrase.
impl MessagePhrase {
    fn gender(&self) -> Option<Gender> {
        self.choice(&[(Gender::Female, FEMALE), (Gender::Male, MALE)])
    }

    fn aspect(&self) -> Option<Aspect> {
        self.choice(&[
            (Aspect::Portrait, PORTRAIT),
            (Aspect::Square, SQUARE),
            (Aspect::Landscape, LANDSCAPE),
        ])
    }

    fn palette(&self) -> Option<String> {
        let known = PALETTES.into_iter().find(|name| self.has(name));
        let mood = || rows(PALETTE_MOODS).find(|(_, moods)| self.has(moods)).map(|(name, _)| name);
        known.or_else(mood).map(str::to_owned)
    }

    /// A language that the phrase makes that of a voice: `in German`, `用德语`, `a French voice`,
    /// `en-GB`. One that is only mentioned, as in a script *about* German cars, does not count.
    fn voice_language(&self) -> Option<String> {
        let tag = self.raw.split_whitespace().find_map(|word| {
            let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            let (language, region) = word.split_once(['-', '_'])?;
            let is_tag = language.len() == 2
                && language.bytes().all(|b| b.is_ascii_lowercase())
                && region.len() == 2
                && region.bytes().all(|b| b.is_ascii_uppercase());
            is_tag.then(|| format!("{language}-{region}"))
        });
        let text = format!(" {} ", self.words().join(" "));
        let is_meant = |name: &str| {
            if name.contains(is_han) {
                return self.is(name)
                    || is_beside(&self.plain, name, (HAN_BEFORE_LANGUAGE, HAN_AFTER_LANGUAGE), "");
            }
            let name = name.replace('_', " ");
            text.trim_end().trim_end_matches(" please").trim() == name
                || is_beside(&text, &name, (BEFORE_LANGUAGE, AFTER_LANGUAGE), " ")
        };
        let mut languages = rows(VOICE_LANGUAGES);
        let meant = languages.find(|(_, names)| names.split(' ').any(is_meant));
        tag.or_else(|| meant.map(|(tag, _)| tag.to_owned()))
    }

    /// The pace of a new voice. `slower` and `faster` are steps for one that speaks already; see
    /// [`voice_change`](Self::voice_change).
    fn pace(&self) -> Option<f32> {
        let is_named = self.has(PACE_VALUE);
        let given = self.words.iter().enumerate().find_map(|(at, word)| {
            let is_meant = is_named || self.words.len() == 1 || self.word(at + 1) == "倍";
            match word.number()? {
                (number, "x") => Some(number),
                (number, "%") if is_meant => Some(number / 100.0),
                (number, "") if is_meant => Some(number),
                _ => None,
            }
        });
        match given {
            Some(pace) => Some(pace as f32).filter(|pace| *pace > 0.0),
            None => {
                let normal = if is_named { "normal 正常" } else { "=正常" };
                self.choice(&[(0.85, SLOW), (1.2, FAST), (1.0, normal)])
            }
        }
    }

    /// The edit that the phrase asks for. One that would leave out a time or a share that the phrase
    /// states is none.
    pub(crate) fn edit(&self) -> Option<Edit> {
        use Edit::{
            AddChapter, AddMusic, AddTitle, ChangeTitle, ChangeVoice, CutEnd, CutStart, FadeMusic,
            SetPoster, SetVolume, StyleScenes, TimeTitle, TrimTo,
        };
        let captions =
            (self.has(CAPTIONS) && !self.has(LOOKS) && !self.has(FADE)).then(|| !self.has(OFF));
        let edit = self
            .look()
            .or_else(|| captions.map(Edit::SetCaptions))
            .or_else(|| self.title_times())
            .or_else(|| self.title())
            .or_else(|| self.music())
            .or_else(|| self.volume())
            .or_else(|| self.track())
            .or_else(|| self.length())
            .or_else(|| self.aspect().map(Edit::SetAspect))
            .or_else(|| self.background())
            .or_else(|| self.voice_change().map(ChangeVoice))?;
        let takes_time = match &edit {
            // The text of a title may have a time in it.
            ChangeTitle(_) => self.quoted.is_none(),
            AddTitle { .. } | TimeTitle { .. } | FadeMusic { .. } | AddChapter { .. } => true,
            Edit::Untimed(_) => true,
            TrimTo(_) | CutStart(_) | CutEnd(_) | SetPoster(_) => true,
            StyleScenes(style) => style.fade.is_some(),
            _ => false,
        };
        let takes_share = match &edit {
            ChangeTitle(_) | AddTitle { .. } => self.quoted.is_none(),
            ChangeVoice(change) => change.pace.is_some(),
            AddMusic { volume, .. } => volume.is_some(),
            SetVolume { .. } => true,
            _ => false,
        };
        let is_timed = self.has_time() || self.has_moment();
        if (is_timed && !takes_time) || (self.has_percent() && !takes_share) {
            return None;
        }
        Some(self.negative().map_or(edit, Edit::Negative))
    }

    /// A time for a part of the video that has none of its own: "captions for 10 seconds".
    pub(super) fn untimed(&self) -> Option<Edit> {
        let timed = [TITLES, POSTER, CHAPTERS, CROSS_FADES, PARAGRAPHS];
        let is_timed = self.has_time() || self.has_moment();
        if !is_timed || timed.into_iter().any(|part| self.has(part)) {
            return None;
        }
        let part = match self.audio() {
            _ if self.has(CAPTIONS) => UntimedPart::Captions,
            Some(AudioTarget::Music) => UntimedPart::Music,
            _ if self.has(IMAGES) || self.file_name(FileType::Image).is_some() => {
                UntimedPart::Images
            }
            Some(_) => UntimedPart::Speech,
            None => return None,
        };
        Some(Edit::Untimed(part))
    }

    fn title(&self) -> Option<Edit> {
        let is_card = self.quoted.is_some() && self.has(TEXT_CARDS);
        if !self.has(TITLES) && !is_card {
            return None;
        }
        let text = self.quoted.clone().or_else(|| self.unquoted_title());
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return self.has(REMOVE).then_some(Edit::Remove(TrackRole::Title));
        };
        if self.has(CHANGE) {
            return Some(Edit::ChangeTitle(text));
        }
        let shown = self.shown().filter(|_| self.quoted.is_some());
        let (from, to) = match shown.unwrap_or_default() {
            (Some(from), Some(length)) => (from, from.saturating_add(length)),
            (Some(from), None) => (from, from.saturating_add(TITLE_TIME)),
            (None, Some(length)) if self.has(LASTING) || self.has(LENGTH) => {
                (Duration::ZERO, length)
            }
            (None, _) => (Duration::ZERO, TITLE_TIME),
        };
        Some(Edit::AddTitle { text, from, to })
    }

    /// `make the title 60 seconds`, `标题显示5秒`: how long the title is shown, or from when on.
    pub(super) fn title_times(&self) -> Option<Edit> {
        let (from, length) = self.shown().filter(|_| self.has_title_times())?;
        Some(Edit::TimeTitle { from, length })
    }

    /// Whether nothing but times stands behind the word for a title.
    fn has_title_times(&self) -> bool {
        let name = self.words.iter().find(|word| is_in(TITLES, &word.text));
        let han_end = self.plain.find("标题").map(|at| at + "标题".len());
        let Some(end) = han_end.or_else(|| name.map(|word| word.range.end)) else { return false };
        let rest = &self.plain[end..];
        let is_time = |word: &Word| match word.number() {
            Some((_, rest)) => rest.is_empty() || rest.starts_with(':') || unit(rest).is_some(),
            None => {
                let is_word = [NUMBERS, TITLE_TIMES].iter().any(|terms| is_in(terms, &word.text));
                is_word || numeral(&word.text).is_some() || unit(&word.text).is_some()
            }
        };
        // What follows a colon or stands in quotation marks is the text.
        let is_text = self.quoted.is_some() || rest.starts_with(':') || self.has("rename titled");
        let is_timed = self.has_time() || (self.has(LENGTH) && !self.times().is_empty());
        !is_text && !self.has(REMOVE) && is_timed && words(rest).iter().all(is_time)
    }

    /// From when on something is shown, and for how long, as far as it is stated.
    fn shown(&self) -> Option<(Option<Duration>, Option<Duration>)> {
        let first = |terms: &'static str| {
            terms.split_ascii_whitespace().filter_map(|term| self.plain.find(term)).min()
        };
        let lasts = self.has(LASTING) && self.has(TITLE_FROM) && !self.has("to until 到");
        Some(match self.times()[..] {
            // "At 5 seconds for 2 seconds", in any order.
            [start, length] if lasts && first(TITLE_FROM) <= first(LASTING) => {
                (Some(start), Some(length))
            }
            [length, start] if lasts => (Some(start), Some(length)),
            [from, to, ..] if from < to => (Some(from), Some(to - from)),
            [start] if self.has(TITLE_FROM) => (Some(start), None),
            [length] => (None, Some(length)),
            _ => return None,
        })
    }

    /// `title: Morning Brew`, `change the title to Morning Brew`, `标题改成早晨`. Where nothing is
    /// done with a title, what follows the word is no text.
    fn unquoted_title(&self) -> Option<String> {
        if self.has(REMOVE) || self.has(LOOKS) || self.has_title_times() {
            return None;
        }
        let (is_given, text) = if let Some((before, text)) = self.raw.split_once("标题") {
            let mut text = text.trim();
            let fillers = HAN_TITLE_FILLERS.split_ascii_whitespace();
            while let Some(rest) = fillers.clone().find_map(|filler| text.strip_prefix(filler)) {
                text = rest.trim();
            }
            (before.is_empty() && self.plain.contains("标题:"), text.to_owned())
        } else {
            let words: Vec<&str> = self.raw.split_whitespace().collect();
            let is_name = |word: &&str| Self::new(word).is(TITLES);
            let at = words.iter().position(is_name)?;
            let text = words[at + 1..].iter().skip_while(|word| Self::new(word).is(TITLE_FILLERS));
            let text: Vec<&str> = text.copied().collect();
            (words[at].ends_with([':', '：']), text.join(" "))
        };
        ((is_given || self.has(GIVE_TITLE)) && !text.is_empty()).then_some(text)
    }

    /// Music that is to be played: a file by its name, or the last upload, and how loud it is.
    fn music(&self) -> Option<Edit> {
        let name = self.file_name(FileType::Audio);
        let volume = match self.volume() {
            Some(Edit::SetVolume { change: Adjustment::To(volume), .. }) => Some(volume),
            Some(_) => return None,
            None => None,
        };
        let is_added = match (&name, volume) {
            (Some(_), Some(_)) => self.has(ADD_FILE) || self.has(AS) || self.is_labelled("music"),
            (Some(_), None) => [ADD_FILE, ADD_MUSIC, AS, CHANGE].into_iter().any(|it| self.has(it)),
            // "Set the music to 20%" is about the music that plays already.
            (None, Some(_)) => self.has(MUSIC) && self.has(ADD_LOUD) && !self.has(TO),
            (None, None) => self.has(MUSIC) && self.has(ADD_MUSIC),
        };
        let is_other = self.has(REMOVE) || self.has(SWITCH_OFF) || self.has(PARAGRAPHS);
        (is_added && !is_other).then_some(Edit::AddMusic { name, volume })
    }

    fn is_labelled(&self, option: &str) -> bool {
        self.raw.split_once([':', '：']).is_some_and(|(name, _)| label(name) == Some(option))
    }

    fn volume(&self) -> Option<Edit> {
        use Adjustment::{By, To};
        let of = self.audio();
        let share = self.share();
        // "Lower it by 30 %" and "lower it to 30 %": in Chinese only "to" has a word.
        let by = self.has("by") || (self.plain.contains(is_han) && !self.has(TO));
        let step = |share: Option<f64>, is_up: bool| match share {
            Some(share) if is_up => By(1.0 + share),
            Some(share) => By((1.0 - share).max(0.0)),
            None => By(if is_up { VOLUME_STEP } else { 1.0 / VOLUME_STEP }),
        };
        let is_up = self.choice(&[(false, DOWN), (true, UP)]);
        let change = if let Some(to) = self.choice(&[(1.0, UNMUTE), (0.0, MUTE)]) {
            To(to)
        } else if let Some(is_up) = self.choice(&[(true, LOUDER), (false, QUIETER)]) {
            step(share, is_up)
        } else if (of.is_none() && !self.has(AUDIO)) || self.has(PACE) {
            return None;
        } else {
            match is_up {
                Some(is_up) if share.is_none() || by => step(share, is_up),
                _ => To(share?),
            }
        };
        Some(Edit::SetVolume { of: of.unwrap_or(AudioTarget::All), change })
    }

    fn audio(&self) -> Option<AudioTarget> {
        let named = self.choice(&[(AudioTarget::Music, MUSIC), (AudioTarget::Voiceover, VOICE)]);
        // An uploaded file is the music, unless a phrase makes it the narration.
        named.or_else(|| self.file_name(FileType::Audio).map(|_| AudioTarget::Music))
    }

    fn track(&self) -> Option<Edit> {
        // "关闭字幕，配音慢一点": the verb before may be meant for the captions alone.
        let is_off = || self.has(SWITCH_OFF) && self.voice_change().is_none();
        if !self.has(REMOVE) && !is_off() {
            return None;
        }
        if self.has("track 轨")
            && let Some(number) = self.ordinal()
        {
            return Some(Edit::RemoveTrack(number));
        }
        // "Cut the last 5 s of the music" is about time.
        if !self.times().is_empty() {
            return None;
        }
        Some(Edit::Remove(match self.audio()? {
            AudioTarget::Music => TrackRole::Music,
            _ => TrackRole::Voiceover,
        }))
    }

    fn length(&self) -> Option<Edit> {
        // Two times are a range, and only the ends of a video can be cut off.
        let &[time] = self.times().as_slice() else { return None };
        // Those of its parts are other times.
        let parts = [TITLES, CAPTIONS, MUSIC, IMAGES, POSTER, CHAPTERS, CROSS_FADES, FADE];
        let is_new = self.has(VIDEOS) && self.has("a an another new");
        let is_speech = self.has(VOICE) && !self.has(VIDEOS);
        if parts.into_iter().any(|part| self.has(part)) || self.has_file() || is_new || is_speech {
            return None;
        }
        let (cuts, to) = (self.has(CUT), self.has(TO));
        // "Make it 60 seconds", and not "make the voice 60 seconds" or "make it 5 seconds shorter".
        let is_set = || {
            self.has(CHANGE)
                && self.has_time()
                && (self.has(VIDEOS) || self.has("it this"))
                && ![VOICE, AT_START, AT_END, STARTING, RELATIVE].into_iter().any(|it| self.has(it))
        };
        if cuts && !to && self.has(AT_END) {
            Some(Edit::CutEnd(time))
        } else if cuts && !to && self.has(AT_START) {
            Some(Edit::CutStart(time))
        } else if (cuts && (to || self.has("at after"))) || self.has(LENGTH) || is_set() {
            Some(Edit::TrimTo(time))
        } else {
            // "Cut 5 seconds" does not say which ones.
            None
        }
    }

    fn background(&self) -> Option<Edit> {
        let is_meant = self.has(BACKGROUND);
        let name = self.file_name(FileType::Image);
        let is_image = name.is_some() || self.has(IMAGES);
        let is_other = [REMOVE, POSTER, PARAGRAPHS].into_iter().any(|it| self.has(it));
        if is_image && (is_meant || self.has(SHOW_IMAGE)) && !is_other {
            return Some(Edit::SetImage(name));
        }
        self.palette().filter(|_| is_meant || self.has(MOODS)).map(Edit::SetPalette)
    }

    fn voice_change(&self) -> Option<VoiceChange> {
        let slows_down = self.has("slow") && self.has("down");
        let speeds_up = self.has("speed") && self.has("up");
        // Whether "fast" may describe speech: "set up quickly" does not, nor does a number alone.
        let other = self.has(NOT_SPOKEN) || (self.has("up down") && !slows_down && !speeds_up);
        let is_number = matches!(self.words.as_slice(), [word] if number_of(word).is_some());
        let of_speech = !is_number && (self.has(PACE) || self.has(VOICE) || !other);
        let pace = if !of_speech {
            None
        } else if self.has(SLOWER) || slows_down {
            Some(Adjustment::By(1.0 / PACE_STEP))
        } else if self.has(FASTER) || speeds_up {
            Some(Adjustment::By(PACE_STEP))
        } else {
            self.pace().map(Adjustment::To)
        };
        let change = VoiceChange { gender: self.gender(), language: self.voice_language(), pace };
        (change != VoiceChange::default()).then_some(change)
    }
}

/// Whether a name stands right behind a term of the first list, or before one of the second.
fn is_beside(text: &str, name: &str, (before, after): (&str, &str), gap: &str) -> bool {
    let joined = |a: &str, b: &str| text.contains(&[gap, a, gap, b, gap].concat());
    before.split_ascii_whitespace().any(|term| joined(term, name))
        || after.split_ascii_whitespace().any(|term| joined(name, &term.replace('_', " ")))
}
