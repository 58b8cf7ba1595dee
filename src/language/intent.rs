//! The order that a sentence gives, by phrases that are data: `intent.phrases` lists them and says
//! how they are read. What an order does is left to the caller.
//!
//! A sentence is read once for each order, with the phrases that may be a part of that order. They
//! must cover all of it, so whatever an order would throw away makes the sentence a message.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::tokens::{Word, quotations, words};
use super::{keys, phrases, sections};

/// What is longer, in bytes, is a message: it takes a longest path or two, and bounds the work.
const MAX_ORDER: usize = 8 * 1024;
/// A sentence of more words, file names apart, is a message.
const MAX_WORDS: usize = 60;
/// A sentence with more words in need of correction is a message.
const MAX_UNKNOWN: usize = 4;

/// What a sentence asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Export(ExportDetails),
    /// The subtitles as a file, in this format if one is named.
    Subtitles(Option<&'static str>),
    Credits,
    State,
    Upload(NamedFiles),
    /// No order that is understood completely.
    Message,
}

/// What a sentence says of the file to be made, in the words of `intent.phrases`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExportDetails {
    pub(crate) format: Option<&'static str>,
    pub(crate) quality: Option<&'static str>,
    pub(crate) shape: Option<&'static str>,
    /// The short side in pixels.
    pub(crate) lines: Option<u32>,
    /// The format of subtitles in place of a video.
    pub(crate) subtitles: Option<&'static str>,
    /// The file to be made, as written.
    pub(crate) file: Option<PathBuf>,
}

/// The files that a sentence names, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NamedFiles {
    pub(crate) paths: Vec<PathBuf>,
    /// `http:`, `https:` and `file:` URLs.
    pub(crate) urls: Vec<String>,
}

/// Returns what a sentence asks for. `is_media` returns whether a name is that of a file which can be
/// uploaded; paths and URLs are recognised without it.
pub(crate) fn read(text: &str, is_media: impl Fn(&str) -> bool) -> Order {
    if text.len() > MAX_ORDER {
        return Order::Message;
    }
    let (named, text) = take_names(text.trim(), &is_media);
    // Quoted words are somebody else's, and several lines are a script.
    if text.trim().contains(['\n', '\r', '"', '“', '”', '„', '«', '»', '「', '」', '『', '』', '`'])
        || !quotations(&text).is_empty()
    {
        return Order::Message;
    }
    let mut words = words(&text);
    if words.len() > MAX_WORDS || !LEXICON.correct(&mut words) {
        return Order::Message;
    }
    let sentence = UserSentence::new(&text, &words);
    if named != NamedFiles::default() {
        if sentence.read(Kind::Upload).is_some() {
            return Order::Upload(named);
        }
        return sentence.export_to(named).unwrap_or(Order::Message);
    }
    // What is asked for outright, in the fewest phrases, wins: "give me the timeline" may mean a
    // file, and "导出了吗" begins as an order.
    let mut found: Vec<((bool, usize), Order)> =
        KINDS.iter().filter_map(|kind| sentence.read(*kind)?.order(*kind)).collect();
    found.sort_by_key(|(rank, _)| *rank);
    match &mut found[..] {
        [(first, _), (second, _), ..] if first == second => Order::Message,
        [(_, order), ..] => std::mem::replace(order, Order::Message),
        [] => Order::Message,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Export,
    Credits,
    State,
    Upload,
}

impl Kind {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

const KINDS: [Kind; 4] = [Kind::Export, Kind::Credits, Kind::State, Kind::Upload];

/// What a phrase does in a sentence; `intent.phrases` describes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Filler,
    Order,
    Look,
    Topic,
    Fetch,
    Wish,
    Video,
    Finished,
    Project,
    Audio,
    Subtitles,
    SubtitleFormat(&'static str),
    New,
    Praise,
    Noun,
    Modifier,
    Purpose,
    Format(&'static str),
    Quality(&'static str),
    Shape(&'static str),
    Lines(u32),
}

impl Role {
    fn named(name: &'static str, value: &'static str) -> Option<Self> {
        Some(match name {
            "filler" => Self::Filler,
            "order" => Self::Order,
            "look" => Self::Look,
            "topic" => Self::Topic,
            "fetch" => Self::Fetch,
            "wish" => Self::Wish,
            "video" => Self::Video,
            "finished" => Self::Finished,
            "project" => Self::Project,
            "audio" => Self::Audio,
            "subtitles" if value.is_empty() => Self::Subtitles,
            "subtitles" => Self::SubtitleFormat(value),
            "new" => Self::New,
            "praise" => Self::Praise,
            "noun" => Self::Noun,
            "modifier" => Self::Modifier,
            "purpose" => Self::Purpose,
            "format" => Self::Format(value),
            "quality" => Self::Quality(value),
            "shape" => Self::Shape(value),
            "lines" => Self::Lines(value.parse().ok()?),
            _ => return None,
        })
    }
}

/// The orders that a phrase may be a part of, as bits, and what it does there.
type Entry = (u8, Role);

#[derive(Debug, Default)]
struct Lexicon {
    phrases: HashMap<String, Vec<Entry>>,
    /// Every word of a phrase.
    words: HashSet<String>,
    /// The number of words of the longest phrase.
    longest: usize,
}

static LEXICON: LazyLock<Lexicon> =
    LazyLock::new(|| Lexicon::parse(include_str!("intent.phrases")));

impl Lexicon {
    fn parse(text: &'static str) -> Self {
        let mut lexicon = Self::default();
        for (header, lines) in sections(text) {
            let section = Self::section(header).expect("a section of orders and a role");
            for phrase in lines.iter().flat_map(|line| phrases(line)) {
                lexicon.longest = lexicon.longest.max(phrase.split(' ').count());
                lexicon.words.extend(phrase.split(' ').map(str::to_owned));
                let entries = lexicon.phrases.entry(phrase).or_default();
                if !entries.contains(&section) {
                    entries.push(section);
                }
            }
        }
        lexicon
    }

    /// `export upload: format mp4`
    fn section(header: &'static str) -> Option<Entry> {
        let (orders, role) = header.split_once(": ")?;
        let bits = orders.split(' ').map(|order| match order {
            "export" => Some(1),
            "credits" => Some(2),
            "state" => Some(4),
            "upload" => Some(8),
            "all" => Some(15),
            "none" => Some(0),
            _ => None,
        });
        let (name, value) = role.split_once(' ').unwrap_or((role, ""));
        Some((bits.sum::<Option<u8>>()?, Role::named(name, value)?))
    }

    fn knows(&self, word: &Word) -> bool {
        self.words.contains(&word.text)
    }

    /// Corrects words with a typing error. Returns whether few enough are unknown.
    fn correct(&self, words: &mut [Word]) -> bool {
        let is_unknown =
            |word: &&mut Word| !word.is_han() && !self.knows(word) && word.number().is_none();
        let unknown: Vec<&mut Word> = words.iter_mut().filter(is_unknown).collect();
        if unknown.len() > MAX_UNKNOWN {
            return false;
        }
        for word in unknown {
            let meant = self.words.iter().filter(|known| is_typo(&word.text, known)).min();
            if let Some(meant) = meant {
                word.text.clone_from(meant);
            }
        }
        true
    }
}

/// Whether `word` is `known` with two letters swapped, one left out, one doubled or, in a long
/// word, a wrong one. An ending is no error: "exports" and "balanced" are other words.
fn is_typo(word: &str, known: &str) -> bool {
    if !word.is_ascii() || !known.is_ascii() || known.len() < 5 {
        return false;
    }
    let (word, known) = (word.as_bytes(), known.as_bytes());
    let same = word.iter().zip(known).take_while(|(a, b)| a == b).count();
    let (rest, known_rest) = (&word[same..], &known[same..]);
    let is_long = known.len() >= 8;
    let is_typo = match (rest, known_rest) {
        ([a, b, rest @ ..], [c, d, known @ ..]) if (a, b, rest) == (d, c, known) => true,
        ([_, rest @ ..], [_, known @ ..]) if rest == known => is_long,
        // One left out, but not at the end.
        ([_, ..], [_, known @ ..]) if rest == known => true,
        ([twice, rest @ ..], [_, ..]) if rest == known_rest => {
            is_long || word[..same].last() == Some(twice)
        }
        _ => false,
    };
    is_typo && same > 0
}

/// A sentence that is being read.
#[derive(Debug)]
struct UserSentence<'a> {
    words: &'a [Word],
    /// Whether punctuation stands before each word.
    breaks: Vec<bool>,
    /// Whether the name of a file stands before each word, or at the end.
    names: Vec<bool>,
    /// The phrases that begin at each word, with the word behind each; a measure is one too.
    phrases: Vec<Vec<(usize, Vec<Entry>)>>,
    /// The end of the longest phrase at each word that is part of no order.
    barriers: Vec<usize>,
}

impl<'a> UserSentence<'a> {
    fn new(text: &str, words: &'a [Word]) -> Self {
        const MARKS: &[char] =
            &[',', ';', ':', '.', '!', '?', '，', '；', '：', '。', '！', '？', '、', '~', '…'];
        let gap = |at: usize| {
            let start = if at == 0 { 0 } else { words[at - 1].range.end };
            let end = words.get(at).map_or(text.len(), |word| word.range.start);
            text.get(start..end).unwrap_or_default()
        };
        let names: Vec<bool> = (0..=words.len()).map(|at| gap(at).contains(NAME)).collect();
        let breaks: Vec<bool> =
            (0..words.len()).map(|at| at > 0 && (names[at] || gap(at).contains(MARKS))).collect();
        let mut phrases = Vec::new();
        let mut barriers = Vec::new();
        for start in 0..words.len() {
            let mut found: Vec<(usize, Vec<Entry>)> = Vec::new();
            let mut barrier = start;
            let unbroken =
                1 + breaks[start + 1..].iter().take_while(|is_break| !**is_break).count();
            let ahead = &words[start..start + unbroken.min(LEXICON.longest)];
            for (count, key) in keys(ahead.iter().map(|word| word.text.as_str())) {
                let Some(entries) = LEXICON.phrases.get(&key) else { continue };
                found.push((start + count, entries.clone()));
                if entries.iter().any(|(orders, _)| *orders == 0) {
                    barrier = start + count;
                }
            }
            if let Some((end, roles)) = measure(text, words, start) {
                found.push((end, roles.into_iter().map(|role| (1, role)).collect()));
            }
            phrases.push(found);
            barriers.push(barrier);
        }
        Self { words, breaks, names, phrases, barriers }
    }

    /// Covers the sentence with the fewest phrases that may be a part of the order.
    fn read(&self, kind: Kind) -> Option<Reading> {
        let bit = kind.bit();
        let roles_of = |entries: &[Entry]| -> Vec<Role> {
            entries.iter().filter(|(orders, _)| orders & bit != 0).map(|(_, role)| *role).collect()
        };
        // From each word on: the cost of the cheapest cover and its first step.
        let mut best: Vec<Option<(usize, usize, Vec<Role>)>> = vec![None; self.words.len() + 1];
        best[self.words.len()] = Some((0, 0, Vec::new()));
        for start in (0..self.words.len()).rev() {
            for (end, entries) in &self.phrases[start] {
                let roles = roles_of(entries);
                if roles.is_empty()
                    || (self.barriers[start] > start && *end <= self.barriers[start])
                {
                    continue;
                }
                let skipped = if roles.contains(&Role::Modifier) {
                    self.modified(*end, kind)
                } else if roles.contains(&Role::Purpose) {
                    self.purpose(*end)
                } else {
                    None
                };
                for (next, cost) in [(*end, 1)].into_iter().chain(skipped.map(|next| (next, 4))) {
                    let Some((rest, ..)) = &best[next] else { continue };
                    let cost = cost + rest;
                    if best[start].as_ref().is_none_or(|(least, ..)| cost <= *least) {
                        best[start] = Some((cost, next, roles.clone()));
                    }
                }
            }
        }
        let mut reading = Reading::default();
        let mut at = 0;
        let (mut has_asked, mut has_praised, mut clause) = (false, false, 0);
        while at < self.words.len() {
            let (_, next, roles) = best[at].take()?;
            if self.breaks[at] {
                (has_asked, has_praised, clause) = (false, false, reading.roles.len());
            }
            has_praised |= roles.contains(&Role::Praise);
            // "The balance is perfect" asks for nothing.
            let is_opinion = roles.contains(&Role::Praise) && has_asked;
            if is_opinion && matches!(kind, Kind::Credits | Kind::State) {
                return None;
            }
            for role in &roles {
                reading.add(*role)?;
            }
            if has_praised {
                // "This is the final version" does not ask for it.
                for role in &mut reading.roles[clause..] {
                    if *role == Role::Finished {
                        *role = Role::Video;
                    }
                }
            }
            has_asked |= roles.contains(&Role::Order);
            at = next;
            reading.phrases += 1;
        }
        Some(reading)
    }

    /// "Export film.mp4", "导出为 film.mp4": an export to the file that is named.
    fn export_to(&self, named: NamedFiles) -> Option<Order> {
        // What stands before the name of a file to be made, and not of one that is used for it.
        const LINKS: &[&str] = &[
            "export", "download", "render", "output", "to", "as", "into", "named", "called", "为",
            "成", "到", "出", "载", "染", "存", "叫",
        ];
        let [file] = &named.paths[..] else { return None };
        let at = self.names.iter().position(|is_name| *is_name)?;
        let before = &self.words.get(at.checked_sub(1)?)?.text;
        if !named.urls.is_empty() || !LINKS.contains(&before.as_str()) {
            return None;
        }
        let extension = file.extension()?.to_str()?.to_ascii_lowercase();
        let reading = self.read(Kind::Export)?;
        let is_outright = reading.has(Role::Order);
        let ((..), Order::Export(mut details)) = reading.order(Kind::Export)? else { return None };
        let format = LEXICON.phrases.get(&extension)?.iter().find_map(|(_, role)| match role {
            Role::Format(format) => Some(*format),
            _ => None,
        })?;
        let is_one = details.format.is_none_or(|stated| stated == format);
        (is_outright && is_one).then(|| {
            details.format = Some(format);
            details.file = Some(file.clone());
            Order::Export(details)
        })
    }

    /// Where the sentence or its clause ends, behind a few unknown words at `from`.
    fn purpose(&self, from: usize) -> Option<usize> {
        let is_end = |at: usize| at == self.words.len() || self.breaks[at];
        let end = (from + 1..=self.words.len().min(from + 3)).find(|at| is_end(*at))?;
        let is_open = |word: &Word| !word.is_han() && !LEXICON.knows(word);
        self.words[from..end].iter().all(is_open).then_some(end)
    }

    /// Where a noun stands, or the name of a file to upload, behind words at `from` that only say
    /// which one is meant: "my *grandmother's* photo", "我女儿的照片".
    fn modified(&self, from: usize, kind: Kind) -> Option<usize> {
        // What is done to it is not which one.
        const OTHER_WORDS: &[&str] = &[
            "and", "then", "but", "or", "it", "them", "to", "with", "as", "再", "把", "然", "帮",
            "加", "改", "剪", "做", "配", "换", "删", "放", "用", "给", "让", "请", "调", "当",
        ];
        let is_noun = |at: usize| {
            let phrases = self.phrases.get(at).into_iter().flatten();
            phrases.flat_map(|(_, entries)| entries).any(|(orders, role)| {
                orders & kind.bit() != 0 && matches!(role, Role::Noun | Role::Video)
            })
        };
        for at in from..=self.words.len().min(from + 8) {
            if at > from && kind == Kind::Upload && self.names[at] {
                return Some(at);
            }
            let word = self.words.get(at)?;
            let is_known =
                self.words[from..at].iter().any(|word| !word.is_han() && LEXICON.knows(word));
            let is_behind = at > from && (word.is_han() || at - from <= 3) && !is_known;
            if is_behind && is_noun(at) {
                let last = &self.words[at - 1];
                if last.text == "的" || !last.is_han() {
                    return Some(at);
                }
            }
            if self.breaks[at] || OTHER_WORDS.contains(&word.text.as_str()) {
                return None;
            }
        }
        None
    }
}

/// `1080p`, `1920x1080`, `1280 × 720`: the short side and, where it is known, the shape. Returns
/// the word behind it as well. A size of another shape than the known ones is not understood.
fn measure(text: &str, words: &[Word], at: usize) -> Option<(usize, Vec<Role>)> {
    let short = |a: f64, b: f64| {
        let shape = match (a * 9.0, b * 9.0) {
            _ if a == b => "square",
            (wide, _) if wide == b * 16.0 => "landscape",
            (_, tall) if tall == a * 16.0 => "portrait",
            _ => return None,
        };
        Some(vec![Role::Lines(a.min(b) as u32), Role::Shape(shape)])
    };
    let is_known = |number: f64| number.fract() == 0.0 && (100.0..100_000.0).contains(&number);
    let (first, unit) = words[at].number().filter(|(number, _)| is_known(*number))?;
    if unit == "p" {
        return Some((at + 1, vec![Role::Lines(first as u32)]));
    }
    if let Some(second) = unit.strip_prefix(['x', '*']).and_then(|second| second.parse().ok()) {
        return Some((at + 1, short(first, second).filter(|_| is_known(second))?));
    }
    let is_times = |text: &str| matches!(text.trim(), "x" | "X" | "×" | "*");
    let behind = |other: usize| {
        let (second, unit) = words.get(other)?.number()?;
        let is_size =
            unit.is_empty() && is_times(text.get(words[at].range.end..words[other].range.start)?);
        Some((other + 1, short(first, second).filter(|_| is_size && is_known(second))?))
    };
    if unit.is_empty() { behind(at + 1).or_else(|| behind(at + 2)) } else { None }
}

/// What the phrases of a sentence say together.
#[derive(Clone, Debug, Default)]
struct Reading {
    roles: Vec<Role>,
    /// The number of phrases.
    phrases: usize,
    details: ExportDetails,
}

impl Reading {
    /// Adds what a phrase says; `None` when something else was said before, of which one would be
    /// lost.
    fn add(&mut self, role: Role) -> Option<()> {
        fn set<T: Copy + PartialEq>(slot: &mut Option<T>, value: T) -> Option<()> {
            (*slot.get_or_insert(value) == value).then_some(())
        }
        match role {
            Role::Format(word) => set(&mut self.details.format, word)?,
            Role::Quality(word) => set(&mut self.details.quality, word)?,
            Role::Shape(word) => set(&mut self.details.shape, word)?,
            Role::Lines(lines) => set(&mut self.details.lines, lines)?,
            Role::SubtitleFormat(word) => set(&mut self.details.subtitles, word)?,
            role => self.roles.push(role),
        }
        Some(())
    }

    fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The order that is given, and how sure it is: the least is the surest.
    fn order(mut self, kind: Kind) -> Option<((bool, usize), Order)> {
        let is_outright = self.has(Role::Order);
        let is_new = self.has(Role::New);
        let format = self.details.subtitles;
        if kind == Kind::Export && (format.is_some() || self.has(Role::Subtitles)) {
            // Of two files, one would be lost.
            let is_alone = ![Role::Video, Role::Finished, Role::Audio]
                .iter()
                .any(|it| self.has(*it))
                && self.details == ExportDetails { subtitles: format, ..ExportDetails::default() };
            let is_given = is_alone && !is_new && (is_outright || format.is_some());
            return is_given.then_some(((!is_outright, self.phrases), Order::Subtitles(format)));
        }
        let is_given = match kind {
            Kind::Upload => is_outright,
            Kind::Credits => {
                !is_new && (is_outright || (self.has(Role::Topic) && self.has(Role::Look)))
            }
            Kind::State => {
                let seen = [Role::Topic, Role::Look, Role::Project];
                let count = seen.into_iter().filter(|role| self.has(*role)).count();
                !is_new && (is_outright || count >= 2)
            }
            Kind::Export => {
                // "Send me the video"; but "send me a video" asks for a new one, and "I want the
                // video vertical" for another one.
                let is_fetched = self.has(Role::Fetch)
                    && [Role::Video, Role::Finished, Role::Audio]
                        .iter()
                        .any(|role| self.has(*role));
                let is_one = self.has(Role::Video) != self.has(Role::Audio);
                let is_wished = self.has(Role::Wish) && is_one && self.details.shape.is_none();
                let is_asked = !is_new && (is_fetched || is_wished || self.has(Role::Finished));
                is_outright || is_asked || self.details.format.is_some()
            }
        };
        if kind == Kind::Export && self.has(Role::Audio) {
            self.details.format.get_or_insert("m4a");
        }
        is_given.then(|| {
            let order = match kind {
                Kind::Export => Order::Export(self.details),
                Kind::Credits => Order::Credits,
                Kind::State => Order::State,
                Kind::Upload => Order::Upload(NamedFiles::default()),
            };
            ((!is_outright, self.phrases), order)
        })
    }
}

/// What may follow a name in the middle of a sentence.
const PUNCTUATION: &[char] =
    &[',', ';', ':', '.', '!', '?', ')', '>', '，', '。', '；', '：', '！', '？', '）', '、'];
/// What a terminal, a chat or a person puts around a name.
const NAME_QUOTES: &[(char, char)] =
    &[('"', '"'), ('\'', '\''), ('“', '”'), ('<', '>'), ('`', '`')];
/// A path has no more words and bytes than this; looking for its end takes bounded time.
const MAX_PATH_WORDS: usize = 16;
const MAX_PATH: usize = 4096;
/// What a name may follow without a space.
const BEFORE_NAME: [&str; 22] = [
    "上传",
    "上傳",
    "导入",
    "：",
    "，",
    "是",
    "文件",
    "传",
    "导出",
    "导出为",
    "导出成",
    "导出到",
    "另存为",
    "保存为",
    "保存到",
    "存为",
    "下载",
    "下载为",
    "下载到",
    "输出为",
    "渲染成",
    "渲染为",
];

/// Stands in the text for a name that was taken out.
const NAME: char = '\u{fffc}';

/// Takes the paths, URLs and names of media files out of a text. Returns what is left as well.
fn take_names(text: &str, is_media: &dyn Fn(&str) -> bool) -> (NamedFiles, String) {
    let mut named = NamedFiles::default();
    let mut words = String::new();
    let mut rest = text;
    loop {
        let next = rest.trim_start();
        if next.is_empty() {
            return (named, words);
        }
        if let Some((name, len)) = name_ahead(next, is_media) {
            match name {
                Name::Url(url) => named.urls.push(url),
                Name::Path(path) => named.paths.push(path),
            }
            words.push(NAME);
            rest = &next[len..];
        } else {
            let gap = &rest[..rest.len() - next.len()];
            let token = token(next);
            // The first of them, and of several there the longest.
            let before =
                BEFORE_NAME.iter().filter_map(|word| Some((token.find(word)?, word.len())));
            let before = before.min_by_key(|(at, len)| (*at, Reverse(*len)));
            let len = before.map_or(token.len(), |(at, len)| at + len);
            words.push_str(gap);
            words.push_str(&next[..len]);
            rest = &next[len..];
        }
    }
}

enum Name {
    Url(String),
    Path(PathBuf),
}

/// The name that the text begins with, and how much of the text it takes.
fn name_ahead(text: &str, is_media: &dyn Fn(&str) -> bool) -> Option<(Name, usize)> {
    let first = text.chars().next()?;
    let is_whole_file = |name: &str| is_rooted(name) || is_media(name);
    if let Some((_, close)) = NAME_QUOTES.iter().find(|(open, _)| *open == first) {
        let inner = &text[first.len_utf8()..];
        let inner = &inner[..inner.find(*close)?];
        let len = first.len_utf8() + inner.len() + close.len_utf8();
        let path = || is_whole_file(inner).then(|| Name::Path(PathBuf::from(inner)));
        return Some((url(inner).or_else(path)?, len));
    }
    let token = token(text);
    let bare = token.trim_end_matches(PUNCTUATION);
    if let Some(name) = url(bare) {
        return Some((name, bare.len()));
    }
    if is_rooted(token) {
        let len = path_len(text, is_media);
        let path = text[..len].trim_end_matches(PUNCTUATION);
        // As a user of a shell writes it: `My\ Movie.mp4`. On Windows a backslash divides.
        return Some((Name::Path(path.replace(r"\ ", " ").into()), len));
    }
    let is_file = is_media(bare) && !BEFORE_NAME.iter().any(|word| bare.contains(word));
    is_file.then(|| (Name::Path(PathBuf::from(bare)), bare.len()))
}

fn token(text: &str) -> &str {
    text.split(char::is_whitespace).next().unwrap_or_default()
}

fn url(text: &str) -> Option<Name> {
    let (scheme, rest) = text.split_once("://")?;
    let is_known = ["http", "https", "file"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    (is_known && rest.contains(char::is_alphanumeric)).then(|| Name::Url(text.to_owned()))
}

/// Whether the text begins as only a path does. A slash alone does not: chats have `/export`.
fn is_rooted(text: &str) -> bool {
    if ["~/", "./", "../", r"\\", r"~\", r".\"].iter().any(|root| text.starts_with(root)) {
        return true;
    }
    match text.as_bytes() {
        [b'/', ..] => {
            text.trim_matches('/').contains('/')
                || Path::new(text.trim_end_matches(PUNCTUATION)).extension().is_some()
        }
        [drive, b':', b'\\' | b'/', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    }
}

/// The length of the path at the start of the text. A path with bare spaces goes on up to the first
/// word that ends as a media file does; where none does, it ends with its first word.
fn path_len(text: &str, is_media: &dyn Fn(&str) -> bool) -> usize {
    let bound = (0..=text.len().min(MAX_PATH)).rev().find(|&at| text.is_char_boundary(at));
    let line = text[..bound.unwrap_or(0)].split(['\r', '\n']).next().unwrap_or_default();
    let ends = || {
        let is_end = |&(at, c): &(usize, char)| c.is_whitespace() && !line[..at].ends_with('\\');
        line.char_indices().filter(is_end).map(|(at, _)| at).chain([line.len()])
    };
    let first = ends().next().unwrap_or(line.len());
    if Path::new(&line[..first]).extension().is_some() {
        return first;
    }
    let is_file = |&end: &usize| is_media(line[..end].trim_end_matches(PUNCTUATION));
    let end = ends().take(MAX_PATH_WORDS).find(is_file).unwrap_or(first);
    let holds_another = line[first..end].split_whitespace().any(is_rooted);
    if holds_another { first } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_media(name: &str) -> bool {
        [".mp4", ".png", ".mov"].iter().any(|end| name.to_lowercase().ends_with(end))
    }

    #[test]
    fn a_name_is_found_however_it_is_written() {
        let expect = |text: &str, paths: &[&str], urls: &[&str], words: &str| {
            let (named, left) = take_names(text, &is_media);
            let found: Vec<_> = named.paths.iter().map(|path| path.to_string_lossy()).collect();
            assert_eq!(found, paths, "{text}");
            assert_eq!(named.urls, urls, "{text}");
            assert_eq!(left.replace(NAME, "").trim(), words, "{text}");
        };
        expect("clip.mp4", &["clip.mp4"], &[], "");
        expect("upload a.mp4, b.PNG.", &["a.mp4", "b.PNG"], &[], "upload,.");
        expect("/tmp/x ./y", &["/tmp/x", "./y"], &[], "");
        expect("~/My Holiday.mov please", &["~/My Holiday.mov"], &[], "please");
        expect(r"/me/My\ Movie.mp4", &["/me/My Movie.mp4"], &[], "");
        expect(r#""C:\My Videos\a b.mp4""#, &[r"C:\My Videos\a b.mp4"], &[], "");
        expect("请上传logo.png", &["logo.png"], &[], "请上传");
        expect("<https://a.io/?v=1>", &[], &["https://a.io/?v=1"], "");
        expect("see https://a.io/b.mp4, ok", &[], &["https://a.io/b.mp4"], "see, ok");
        for words in ["/export", "//", "and/or", "say \"hi\"", "3.5 s", "e.g. it's", ""] {
            expect(words, &[], &[], words);
        }
    }

    #[test]
    fn a_size_of_a_known_shape_is_understood() {
        let lines_of = |text: &str| measure(text, &words(text), 0).map(|(_, roles)| roles);
        assert_eq!(lines_of("1080p mp4"), Some(vec![Role::Lines(1080)]));
        let portrait = vec![Role::Lines(1080), Role::Shape("portrait")];
        assert_eq!(lines_of("1080x1920"), Some(portrait));
        let landscape = vec![Role::Lines(720), Role::Shape("landscape")];
        assert_eq!(lines_of("1280 × 720,"), Some(landscape));
        for not in ["800x600", "30fps", "1080pixels", "9p", "1x", "99999999999p", "p"] {
            assert_eq!(lines_of(not), None, "{not}");
        }
    }

    #[test]
    fn a_typing_error_is_distinguished_from_another_word() {
        for (word, known) in [("exprot", "export"), ("creits", "credits"), ("dowmload", "download")]
        {
            assert!(is_typo(word, known), "{word}");
        }
        for (word, known) in [("expert", "export"), ("exports", "export"), ("balanced", "balance")]
        {
            assert!(!is_typo(word, known), "{word}");
        }
    }
}
