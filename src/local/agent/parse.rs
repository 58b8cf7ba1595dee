//! Parsing a message: what it asks for, and the script in it. Prose is full of words that mean
//! something here ("quick", "portrait", "the captions were off"), and what is done costs credits; so
//! a phrase is an order only when each of its words is known and none of them makes a statement of
//! it. A quotation, the text of a title and a script may say anything.

use std::time::Duration;

use super::edit::{Adjustment, AudioTarget, Edit, VoiceChange};
use super::phrase::{
    MAX_WORDS, MessagePhrase, VoiceoverOptions, ends_phrase, is_in, label, masked, phrases,
    unquoted,
};
use super::words::*;
use crate::draft::Language;
use crate::language::tokens::{is_han, plain_text, quotations};
use crate::protocol::{FileFormat, FileType};

/// What a message asks for, and the language in which it asks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instruction {
    pub(crate) action: Action,
    pub(crate) language: Language,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Voiceover {
        script: RequestedScript,
        options: VoiceoverOptions,
    },
    /// Changes of the draft, and the phrases that were not understood.
    Edits {
        edits: Vec<Edit>,
        unknown: Vec<String>,
    },
    /// Questions about a video, before it is made of this script, if the message holds one.
    Ask {
        script: Option<String>,
        options: VoiceoverOptions,
    },
    /// Taking back the last turns.
    Undo(usize),
    /// A file of the video, which no message makes.
    Export,
    Help,
    Unknown,
}

/// Where the script of a voiceover is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RequestedScript {
    Message(String),
    /// An uploaded file, as the message says: no other script will do.
    Upload,
    /// The uploaded file of this name.
    File(String),
    /// The uploaded script, or else the one spoken before.
    Latest,
}

pub(crate) fn parse(message: &str) -> Instruction {
    /// Nobody gives longer instructions, and understanding a text takes much longer than reading it.
    const MAX_INSTRUCTION_BYTES: usize = 16 * 1024;
    // A script may contain any sentence, so it is looked for first.
    if let Some((order, script)) = split_script(message) {
        // A script may be in any language; the user's own is that of the order.
        let before = message.trim().strip_suffix(script.as_str()).unwrap_or(message);
        let language = MessagePhrase::new(before).language();
        let options = VoiceoverOptions::parse(&order);
        let action = if MessagePhrase::new(&order).has(ASK_FIRST) {
            Action::Ask { script: Some(script), options }
        } else {
            // "Narrate: talk.docx" is about a file, whose name nobody wants to hear.
            let script = match is_document(&script) {
                true => RequestedScript::File(script),
                false => RequestedScript::Message(script),
            };
            Action::Voiceover { script, options }
        };
        return Instruction { action, language };
    }
    if message.len() > MAX_INSTRUCTION_BYTES {
        let start: String = message.chars().take(1000).collect();
        let language = MessagePhrase::new(&start).language();
        return Instruction { action: Action::Unknown, language };
    }
    let whole = MessagePhrase::new(message);
    Instruction { action: action(message, &whole), language: whole.language() }
}

fn action(message: &str, whole: &MessagePhrase) -> Action {
    let phrases = phrases(message);
    let kinds: Vec<PhraseKind> = phrases.iter().map(PhraseKind::of).collect();
    if whole.has(UNDO) && !kinds.contains(&PhraseKind::Statement) {
        return Action::Undo(match whole.count() {
            Some(times) => times.max(1),
            None if whole.has("twice") => 2,
            None if whole.has("everything all 全部 所有") => usize::MAX,
            None => 1,
        });
    }
    if whole.has(HELP) {
        return Action::Help;
    }
    let first = kinds.iter().find(|kind| **kind != PhraseKind::Courtesy);
    let is_request = first.is_some_and(|kind| kind.is_request());
    if whole.has(ASK_FIRST) && !kinds.contains(&PhraseKind::Statement) {
        return Action::Ask { script: None, options: VoiceoverOptions::parse(message) };
    }
    // The order is what the message begins with; options follow, and some may be unknown.
    if is_voiceover(whole) && is_request && whole.recording().is_none() {
        let script = match whole.file_name(FileType::Document) {
            Some(name) => RequestedScript::File(name),
            None if whole.has(UPLOADED) => RequestedScript::Upload,
            None => RequestedScript::Latest,
        };
        return Action::Voiceover { script, options: VoiceoverOptions::parse(message) };
    }
    let (edits, unknown) = edits(&phrases, &kinds);
    // A text in which something sounds like an order is a text.
    let statements = kinds.iter().filter(|kind| **kind == PhraseKind::Statement).count();
    let is_prose = statements > phrases.len() - statements;
    let is_edited = edits.iter().any(|edit| !matches!(edit, Edit::Untimed(_)));
    if !is_edited && is_request && makes_new_video(whole) {
        return Action::Ask { script: None, options: VoiceoverOptions::parse(message) };
    }
    let mut requests =
        phrases.iter().zip(&kinds).filter(|(_, kind)| **kind != PhraseKind::Courtesy);
    if edits.is_empty() && requests.next().is_some_and(|(phrase, _)| is_export(phrase)) {
        return Action::Export;
    }
    if edits.is_empty() || is_prose { Action::Unknown } else { Action::Edits { edits, unknown } }
}

/// Whether a phrase asks for a file of the video: `export film.mp4`, `导出视频`.
pub(crate) fn is_export(phrase: &MessagePhrase) -> bool {
    /// Nobody needs more words for it, and a text may begin with "Download" as well.
    const MAX_WORDS: usize = 12;
    let words = phrase.words();
    let (text, _) = without_courtesy(&words);
    let mut text = text.split_whitespace();
    let mut is_english =
        || text.next().is_some_and(|it| is_in(EXPORT_VERBS, it)) && text.all(is_known);
    let is_chinese = HAN_EXPORT.split(' ').any(|verb| phrase.plain.contains(verb));
    let is_done = phrase.plain.contains('了');
    words.len() <= MAX_WORDS && ((is_chinese && !is_done) || is_english())
}

/// Whether a text is the name of a file that can be a script, and nothing else.
fn is_document(text: &str) -> bool {
    let is_name = !text.contains(char::is_whitespace);
    is_name && FileFormat::of(text).is_some_and(|it| it.file_type == FileType::Document)
}

/// The edits of a message, and the phrases that were not understood.
fn edits(phrases: &[MessagePhrase], kinds: &[PhraseKind]) -> (Vec<Edit>, Vec<String>) {
    let (mut edits, mut unknown) = (Vec::new(), Vec::new());
    let is_mixed = kinds.contains(&PhraseKind::Statement);
    let mut after_order = false;
    let mut verb = "";
    for (at, phrase) in phrases.iter().enumerate() {
        // A fragment is an order where nothing but orders stands beside it, or where it continues
        // one: "remove the title and the captions".
        let own = verb_of(phrase);
        after_order = match kinds[at] {
            PhraseKind::Courtesy => {
                after_order = false;
                continue;
            }
            PhraseKind::Order => true,
            PhraseKind::Fragment => !is_mixed || after_order || own.is_some(),
            PhraseKind::Statement => false,
        };
        if !after_order {
            unknown.push(phrase.raw.clone());
            continue;
        }
        if retimed(phrase, &mut edits) {
            continue;
        }
        let found = match own {
            Some(own) => {
                verb = own;
                phrase.edit()
            }
            None => {
                // "把标题和字幕删掉": the verb comes last, and is that of the next phrase.
                let next = phrases.get(at + 1).and_then(verb_of);
                let is_first = phrase.plain.trim_start().starts_with(['把', '将']);
                let borrowed = if is_first { next.unwrap_or(verb) } else { verb };
                let with_verb = MessagePhrase::new(&format!("{borrowed} {}", phrase.raw));
                with_verb.edit().or_else(|| phrase.edit())
            }
        };
        if levelled(phrase, found.as_ref(), &mut edits) {
            continue;
        }
        let found = found.or_else(|| restyled(phrase, &mut edits));
        let before = at.checked_sub(1).and_then(|before| phrases.get(before));
        let found = found.or_else(|| refaded(phrase, before, &mut edits));
        match found.or_else(|| phrase.untimed()) {
            Some(Edit::ChangeVoice(change)) => merge_voice(&mut edits, change),
            Some(edit) => edits.push(edit),
            None => unknown.push(phrase.raw.clone()),
        }
    }
    (edits, unknown)
}

/// "Add a title 'T', from 2 to 5 seconds": the times are those of the title before. Returns whether
/// they are.
fn retimed(phrase: &MessagePhrase, edits: &mut Vec<Edit>) -> bool {
    let title = MessagePhrase::new(&format!("title {}", phrase.raw)).title_times();
    let Some(Edit::TimeTitle { from, length }) = title else { return false };
    match edits.last_mut() {
        Some(Edit::AddTitle { from: start, to, .. }) => {
            let shown = length.unwrap_or(to.saturating_sub(*start));
            *start = from.unwrap_or(*start);
            *to = start.saturating_add(shown);
        }
        Some(Edit::ChangeTitle(_)) => edits.push(Edit::TimeTitle { from, length }),
        _ => return false,
    }
    true
}

/// "Add music, at 20%": the level is that of the music before. Returns whether it is.
fn levelled(phrase: &MessagePhrase, found: Option<&Edit>, edits: &mut [Edit]) -> bool {
    let Some(Edit::AddMusic { volume: volume @ None, .. }) = edits.last_mut() else { return false };
    let of = |target| matches!(target, AudioTarget::All | AudioTarget::Music);
    *volume = match found {
        Some(Edit::SetVolume { of: target, change: Adjustment::To(level) }) if of(*target) => {
            Some(*level)
        }
        None => phrase.share(),
        Some(_) => None,
    };
    volume.is_some()
}

/// "Make the captions boxed and yellow": the second look is added to the first.
fn restyled(phrase: &MessagePhrase, edits: &mut Vec<Edit>) -> Option<Edit> {
    let &Edit::StyleCaptions(before) = edits.last()? else { return None };
    let style = phrase.caption_style()?;
    edits.pop();
    Some(Edit::StyleCaptions(before.and(style)))
}

/// "Fade the music in and out over 2 seconds": the second fade is added to the first, which has its
/// time if it states none.
fn refaded(
    phrase: &MessagePhrase,
    before: Option<&MessagePhrase>,
    edits: &mut Vec<Edit>,
) -> Option<Edit> {
    let &Edit::FadeMusic { fade_in, fade_out } = edits.last()? else { return None };
    if !phrase.has("in out") && !phrase.has(FADE) {
        return None;
    }
    let added = MessagePhrase::new(&format!("fade music {}", phrase.raw)).look();
    let Some(Edit::FadeMusic { fade_in: later_in, fade_out: later_out }) = added else {
        return added;
    };
    let is_shared = before.is_some_and(|before| before.times().is_empty());
    let time = phrase.times().first().copied().filter(|_| is_shared);
    let shared = |fade: Option<Duration>| fade.map(|fade| time.unwrap_or(fade));
    edits.pop();
    Some(Edit::FadeMusic {
        fade_in: later_in.or(shared(fade_in)),
        fade_out: later_out.or(shared(fade_out)),
    })
}

/// "In German and slower" is one change.
fn merge_voice(edits: &mut Vec<Edit>, change: VoiceChange) {
    let known = edits.iter_mut().find_map(|edit| match edit {
        Edit::ChangeVoice(known) => Some(known),
        _ => None,
    });
    match known {
        Some(known) => {
            known.gender = change.gender.or(known.gender);
            known.pace = change.pace.or(known.pace);
            known.language = change.language.or_else(|| known.language.take());
        }
        None => edits.push(Edit::ChangeVoice(change)),
    }
}

/// The verb of a phrase. One without a verb has that of the phrase before.
fn verb_of(phrase: &MessagePhrase) -> Option<&'static str> {
    let first = *phrase.words().first()?;
    let english = SHARED_VERBS.split_ascii_whitespace().find(|verb| *verb == first);
    let chinese =
        || HAN_SHARED_VERBS.split_ascii_whitespace().find(|verb| phrase.plain.contains(verb));
    english.or_else(chinese)
}

/// How a phrase is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PhraseKind {
    /// A request: "make it faster", "can we have captions", "faster, please".
    Order,
    /// An option alone, all of whose words are known: "faster", "the captions", "a male voice".
    Fragment,
    /// "Hello", "thank you".
    Courtesy,
    /// Anything else.
    Statement,
}

impl PhraseKind {
    fn of(phrase: &MessagePhrase) -> Self {
        let words = phrase.words();
        if words.len() > MAX_WORDS {
            return Self::Statement;
        }
        if words.is_empty() && phrase.has_file() {
            return Self::Fragment;
        }
        if phrase.plain.contains(is_han) {
            return Self::of_chinese(phrase);
        }
        Self::of_english(&words[..title_end(phrase, &words).unwrap_or(words.len())])
    }

    /// Whether the words alone allow to act on it.
    fn is_request(self) -> bool {
        matches!(self, Self::Order | Self::Fragment)
    }

    fn of_english(words: &[&str]) -> Self {
        let (text, is_asked) = without_courtesy(words);
        let words: Vec<&str> = text.split_whitespace().collect();
        let Some(first) = words.first() else { return Self::Courtesy };
        let is_order = is_in(VERBS, first) || is_asked;
        // "The boring title": in an order, a word that describes a thing may be any.
        let describes = |at: usize| {
            is_order
                && at > 0
                && is_known(words[at - 1])
                && !is_in(VERBS, words[at - 1])
                && words.get(at + 1).is_some_and(|next| is_in(NOUNS, next))
        };
        if !(0..words.len()).all(|at| is_known(words[at]) || describes(at)) {
            Self::Statement
        } else if is_order {
            Self::Order
        } else {
            Self::Fragment
        }
    }

    fn of_chinese(phrase: &MessagePhrase) -> Self {
        let all = phrase.plain.as_str();
        // What follows the word is the text of the title.
        let text = match (&phrase.quoted, all.find("标题")) {
            (None, Some(at)) => &all[..at + "标题".len()],
            _ => all,
        };
        let is_foreign_known = |run| MessagePhrase::new(run).words().into_iter().all(is_known);
        if !text.split(is_han).all(is_foreign_known) || Division::of(text).is_none() {
            Self::Statement
        } else if phrase.is("谢谢 您好 你好 好的 多谢") {
            Self::Courtesy
        } else if starts_with(text, HAN_ASKING) || starts_with(text, "让 我要 我想") {
            Self::Order
        } else {
            Self::Fragment
        }
    }
}

fn starts_with(text: &str, terms: &str) -> bool {
    terms.split_ascii_whitespace().any(|term| text.trim_start().starts_with(term))
}

/// Where the text of an unquoted title begins.
fn title_end(phrase: &MessagePhrase, words: &[&str]) -> Option<usize> {
    const NAMES: [&str; 4] = ["title", "heading", "headline", "titled"];
    if phrase.quoted.is_some() {
        return None;
    }
    let end = words.iter().position(|word| NAMES.contains(word))? + 1;
    let next = words.get(end).copied().unwrap_or_default();
    let is_labelled = NAMES.iter().any(|name| phrase.plain.contains(&format!("{name}:")));
    let is_named = is_in("saying called reading to", next);
    let is_ordered = || PhraseKind::of_english(&words[..end]) == PhraseKind::Order;
    (is_labelled || is_named || is_ordered()).then_some(end)
}

/// The words without those around a request, and whether these make it one.
fn without_courtesy(words: &[&str]) -> (String, bool) {
    let terms =
        |list: &'static str| list.split_ascii_whitespace().map(|term| term.replace('_', " "));
    let mut text = format!(" {} ", words.join(" "));
    let mut is_asked = false;
    for phrase in terms(NEUTRAL) {
        text = text.replace(&format!(" {phrase} "), " ");
    }
    while let Some(end) = terms(TRAILS).find(|term| text.ends_with(&format!(" {term} "))) {
        is_asked |= !terms(COURTESY).any(|term| term == end);
        text.truncate(text.len() - end.len() - 1);
    }
    while let Some((lead, asks)) = terms(LEADS)
        .map(|term| (term, true))
        .chain(terms(COURTESY).map(|term| (term, false)))
        .find(|(term, _)| text.starts_with(&format!(" {term} ")))
    {
        is_asked |= asks;
        text.replace_range(..=lead.len(), "");
    }
    (text, is_asked)
}

/// Whether an English word is in the vocabulary, or a number, a language or a file.
fn is_known(word: &str) -> bool {
    let is_tag = || {
        let parts = word.split_once('-');
        parts.is_some_and(|(a, b)| [a, b].iter().all(|part| part.len() == 2 && part.is_ascii()))
    };
    let mut languages = VOICE_LANGUAGES.split([' ', '_', '\n']);
    KNOWN.iter().any(|list| is_in(list, word))
        || is_in(PALETTE_MOODS, word)
        || word.starts_with(|c: char| c.is_ascii_digit())
        || languages.any(|name| name == word)
        || is_tag()
        || FileFormat::of(word).is_some()
}

/// Whether a message asks for a voiceover whose script is elsewhere.
fn is_voiceover(message: &MessagePhrase) -> bool {
    let words = message.words();
    let text = words.join(" ");
    let is_file = message.has(FILES) && message.has(VIDEOS) && !message.has(NON_SCRIPT);
    let is_named = message.file_name(FileType::Document).is_some();
    let has_source = message.has(SCRIPTS) || is_file || is_named;
    if message.plain.contains(is_han) {
        let makes = message.has(HAN_MAKE) || message.has(HAN_MAKE_AGAIN);
        let edits = message.has(HAN_EDITS) || message.has("不要 大一点 小一点");
        let speaks = message.has(HAN_SPEECH);
        return message.is("配音 朗读")
            || (!edits && makes && (speaks || has_source))
            || (!edits && speaks && message.has(SCRIPTS));
    }
    let starts = |verbs: &str| words.first().is_some_and(|word| is_in(verbs, word));
    let is_new = ["a", "an", "another", "new"].iter().any(|article| {
        text.contains(&format!("{article} voiceover"))
            || text.contains(&format!("{article} narrat"))
    });
    starts("narrate")
        || text.starts_with("read it aloud")
        || (starts(MAKE_AGAIN) && (is_new || has_source))
        || ["voiceover", "voice-over", "voice over"].contains(&text.as_str())
}

/// Whether a message requests a new video, and not an edit: "make me a short video", "做个视频". What
/// it is to show is open.
fn makes_new_video(message: &MessagePhrase) -> bool {
    if is_voiceover(message) || message.has(SCRIPTS) || message.has(UPLOADED) {
        return false;
    }
    if message.plain.contains(is_han) {
        return message.has(HAN_MAKE_NEW) && message.has(VIDEOS) && !message.has(TITLES);
    }
    let (text, is_asked) = without_courtesy(&message.words());
    let mut words = text.split_whitespace().peekable();
    let is_made = words.next_if(|word| is_in(MAKE_NEW, word)).is_some();
    let _ = words.next_if(|word| *word == "me" || *word == "us");
    let is_new = words.next_if(|word| ["a", "an", "another", "some"].contains(word)).is_some();
    // "Make a title for the video" is about a title.
    let noun = words.find(|word| is_in(NOUNS, word));
    (is_made || is_asked) && is_new && noun.is_some_and(|noun| is_in(VIDEOS, noun))
}

/// The order and the script that follows it, which may be empty.
fn split_script(message: &str) -> Option<(String, String)> {
    let message = message.trim();
    let found = match after_marker(message) {
        // The marker may be a line of the script of an earlier order.
        Some((marked, is_alone)) => {
            let is_before = |split: &Split<'_>| split.0.len() < marked.0.len();
            // "Narrate this: …", and not a label that is unknown here.
            let at_colon = after_colon(message).filter(is_before).filter(|(order, _)| {
                // A full stop within "1.2x" ends no sentence.
                let line = order.rsplit(['\n', '!', '。']).next();
                line.and_then(|line| line.rsplit(". ").next()).is_some_and(is_order)
            });
            let at_line =
                || after_first_line(message).filter(|split| !is_alone && is_before(split));
            Some(at_colon.or_else(at_line).unwrap_or(marked))
        }
        None => after_colon(message).or_else(|| after_first_line(message)),
    };
    found
        .map(|(order, script)| (order.trim().to_owned(), script.trim().to_owned()))
        .or_else(|| in_quotes(message))
}

type Split<'m> = (&'m str, &'m str);

/// What follows `Script:` at the beginning of a line.
fn marked(line: &str) -> Option<&str> {
    let (marker, script) = line.split_once([':', '：'])?;
    let marker = plain_text(marker.trim());
    is_in("script 脚本 文案 文稿 正文 台词", &marker).then_some(script)
}

/// A message split at its first line that begins with `Script:`, and whether the line ends there.
fn after_marker(message: &str) -> Option<(Split<'_>, bool)> {
    let mut start = 0;
    for line in message.split_inclusive('\n') {
        if let Some(script) = marked(line) {
            let order = &message[..start];
            let split = (order, &message[start + line.len() - script.len()..]);
            let is_marker = order.trim().is_empty() || is_order(order);
            return is_marker.then_some((split, script.trim().is_empty()));
        }
        start += line.len();
    }
    None
}

/// `Narrate this in a male voice: …`, split at the first colon that belongs to no label
/// (`Voice: male`), ratio (`9:16`) or quotation.
fn after_colon(message: &str) -> Option<Split<'_>> {
    let plain = masked(message);
    let mut start = 0;
    let mut in_label = false;
    let mut before: Option<char> = None;
    for (at, c) in plain.char_indices() {
        let rest = at + c.len_utf8();
        let after = plain[rest..].chars().next();
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        if ends_phrase(c, after) {
            (start, in_label) = (rest, false);
        } else if matches!(c, ':' | '：') && !in_label && !(is_digit(before) && is_digit(after)) {
            if label(&message[start..at]).is_none() {
                let (order, script) = (&message[..at], &message[rest..]);
                return (is_order(&plain[..at]) && !script.trim().is_empty())
                    .then_some((order, script));
            }
            in_label = true;
        }
        before = Some(c);
    }
    None
}

/// An order on a line of its own, labels on the lines after it, then the script.
fn after_first_line(message: &str) -> Option<Split<'_>> {
    let (first, _) = message.split_once('\n')?;
    if !is_order(first) {
        return None;
    }
    let mut end = first.len() + 1;
    for line in message[end..].split_inclusive('\n') {
        let is_label = line.split_once([':', '：']).is_some_and(|(name, _)| label(name).is_some());
        if !is_label && !line.trim().is_empty() {
            break;
        }
        end += line.len();
    }
    let (order, script) = message.split_at(end);
    (!script.trim().is_empty() && marked(script).is_none()).then_some((order, script))
}

/// `Read "Good morning." in a male voice`. A title in quotes and the value of a label are no script.
fn in_quotes(message: &str) -> Option<(String, String)> {
    let plain = masked(message);
    if !is_order(&plain) {
        return None;
    }
    let range = quotations(message).into_iter().find(|range| {
        let before = &plain[..range.start];
        let word = before.split_whitespace().next_back().unwrap_or_default().to_lowercase();
        let clause = word.rsplit(['，', '。', '、', '；']).next().unwrap_or_default();
        let is_title = is_in("title titled called named heading title:", &word)
            || ["标题", "名为", "叫"].iter().any(|name| clause.contains(name));
        // `Background music: the uploaded file "rain.mp3"`
        let sentence = before.rsplit(['.', '\n', ';', '。', '；']).next().unwrap_or_default();
        let name = sentence.split_once([':', '：']).map(|(name, _)| name);
        let is_file = is_document(&unquoted(&message[range.start..range.end]));
        !is_title && !is_file && name.is_none_or(|name| label(name).is_none())
    })?;
    let order = format!("{} {}", &message[..range.start], &message[range.end..]);
    Some((order, unquoted(&message[range])))
}

/// Whether one of the sentences orders a voiceover.
fn is_order(text: &str) -> bool {
    if text.contains(is_han) {
        return is_chinese_order(text);
    }
    let plain = text.replace(": ", ". ");
    let sentences = plain.split(['\n', ';', '!', '?']).flat_map(|line| line.split(". "));
    sentences
        .map(|sentence| MessagePhrase::new(sentence.trim()))
        .any(|sentence| is_english_order(&sentence))
}

/// "Narrate this", "a portrait voiceover", "make a video of the text below". A sentence that only
/// mentions a narrator, or a video *about* something that has yet to be written, is no order.
fn is_english_order(sentence: &MessagePhrase) -> bool {
    let (text, _) = without_courtesy(&sentence.words());
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_voiceover = sentence.has(VOICEOVERS);
    let points = sentence.has(POINTERS);
    let is_request = || PhraseKind::of(sentence).is_request();
    if is_in(EDIT_VERBS, first) && !sentence.has("script") {
        false
    } else if first == "narrate" {
        true
    } else if is_in(MAKE, first) {
        let is_video = || sentence.has(VIDEOS) && (points || is_request());
        (is_voiceover || is_video()) && (points || !sentence.has("about"))
    } else if is_in(SPEAK, first) {
        is_request() || (points && is_voiceover)
    } else {
        is_voiceover && is_request()
    }
}

/// In Chinese the verb need not come first; the first clause decides what the order is about.
fn is_chinese_order(text: &str) -> bool {
    let whole = MessagePhrase::new(text);
    let clause = text.split(['，', '。', '：', ',', '\n']).find(|clause| !clause.trim().is_empty());
    let clause = MessagePhrase::new(clause.unwrap_or_default().trim());
    let is_scripted = whole.has("script 脚本 文案 文稿");
    if (clause.has(HAN_EDITS) || clause.has(HAN_REWORK)) && !is_scripted {
        return false;
    }
    let speaks = whole.has(HAN_SPEAK) || starts_with(&clause.raw, "念 读");
    let makes = whole.has(HAN_MAKE) && whole.has(VIDEOS) && !whole.has("关于 介绍");
    let is_asked = starts_with(&clause.raw, HAN_ASKING);
    (speaks || makes) && (is_asked || PhraseKind::of(&clause).is_request())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::looks::StyleChange;
    use super::super::scenes::SceneStyle;
    use super::*;

    /// Sentences in English, in Chinese or in both, and what they ask for. The rules were tuned on
    /// them.
    const REGRESSION: &str = include_str!("parse.regression.tsv");

    #[test]
    fn each_sentence_of_the_regression_table_asks_for_the_same_in_both_languages() {
        assert!(REGRESSION.lines().count() >= 80);
        let mut wrong = Vec::new();
        for row in REGRESSION.lines() {
            let cells: Vec<&str> = row.split('\t').collect();
            let [english, chinese, action] = cells[..] else { panic!("{row}") };
            let both = [(english, Language::English), (chinese, Language::Chinese)];
            for (message, language) in both.into_iter().filter(|(message, _)| !message.is_empty()) {
                let parsed = parse(&message.replace("\\n", "\n"));
                // The rows leave out the looks and sounds that are not asked for.
                let mut found = format!("{:?}", parsed.action);
                let plain = format!("style: {:?}", StyleChange::default());
                let still = format!("scenes: {:?}", SceneStyle::default());
                for absent in [
                    plain.as_str(),
                    still.as_str(),
                    "music: None",
                    "image: None",
                    "narration: None",
                    "poster: None",
                ] {
                    found = found.replace(&format!(", {absent}"), "");
                }
                if found != action || parsed.language != language {
                    wrong.push(format!("{message}\n  parsed {parsed:?}\n  expected {action}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }

    fn script_of(message: &str) -> Option<String> {
        match parse(message).action {
            Action::Voiceover { script: RequestedScript::Message(script), .. } => Some(script),
            Action::Voiceover { .. } => None,
            other => panic!("{message}: {other:?}"),
        }
    }

    #[test]
    fn images_are_shown_as_a_message_says_in_both_languages() {
        use crate::draft::{ImageFit, ImageMotion};
        let style = |fit, motion, fade: Option<u64>| SceneStyle {
            fit,
            motion,
            fade: fade.map(Duration::from_millis),
        };
        let (cover, contain) = (Some(ImageFit::Cover), Some(ImageFit::Contain));
        let (zoom, still) = (Some(ImageMotion::Zoom), Some(ImageMotion::Still));
        let mut wrong = Vec::new();
        for (message, expected) in [
            ("no zoom", style(None, still, None)),
            ("make the images zoom", style(None, zoom, None)),
            ("keep the pictures still", style(None, still, None)),
            ("show the whole image", style(contain, None, None)),
            ("a cross-fade of 1.5 seconds", style(None, None, Some(1500))),
            ("no transitions", style(None, None, Some(0))),
            ("图片不要缩放", style(None, still, None)),
            ("让图片缩放", style(None, zoom, None)),
            ("图片铺满画面", style(cover, None, None)),
            ("转场1秒", style(None, None, Some(1000))),
            ("不要转场", style(None, None, Some(0))),
            ("keep the images whole", style(contain, None, None)),
            ("make the images fill the whole frame", style(cover, None, None)),
            ("别缩放图片", style(None, still, None)),
            ("图片别缩放", style(None, still, None)),
            ("转场时间改成两秒", style(None, None, Some(2000))),
        ] {
            let edits = vec![Edit::StyleScenes(expected)];
            let action = parse(message).action;
            if action != (Action::Edits { edits, unknown: Vec::new() }) {
                wrong.push(format!("{message}: {action:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        for message in [
            "change the title to Zoom call",
            "标题改成转场",
            "crossfade the music",
            "use this picture for the whole video",
            "use the still image as the background",
            "set the cover image to 3 seconds",
        ] {
            let action = parse(message).action;
            let is_style = |edit: &Edit| matches!(edit, Edit::StyleScenes(_));
            let is_taken =
                matches!(&action, Action::Edits { edits, .. } if edits.iter().any(is_style));
            assert!(!is_taken, "{message}: {action:?}");
        }
        // As the client writes it.
        let message = "Make a voiceover video of this script. Voice: female. Each Markdown image in the \
             script is an uploaded file to show from there until the next one, without reading its \
             name aloud. Image motion: none. Image fit: contain. Cross-fade: 0.5 s.\n\nScript:\n\
             ![](a.png)\n\nHi.";
        let chinese = "给这段文字配音。图片动效：无。图片填充：完整。图片转场：0.5 秒。\n\n脚本：\n![](a.png)\n\nHi.";
        for message in [message, chinese] {
            let Action::Voiceover { script, options } = parse(message).action else {
                panic!("{message}");
            };
            assert_eq!(script, RequestedScript::Message("![](a.png)\n\nHi.".to_owned()));
            assert_eq!(options.scenes, style(contain, still, Some(500)), "{message}");
            assert_eq!((options.title, options.captions, options.pace), (None, None, None));
        }
    }

    #[test]
    fn a_time_may_be_as_long_as_can_be_written() {
        let most = Duration::MAX;
        let long = "300000000000000000 minutes 18000000000000000000 seconds";
        let edits = vec![Edit::SetPoster(most)];
        let expected = Action::Edits { edits, unknown: Vec::new() };
        assert_eq!(parse(&format!("poster at {long}")).action, expected);
    }

    #[test]
    fn an_image_is_shown_for_a_paragraph_in_other_words() {
        for (message, name, paragraph) in [
            ("第二段用这张图", None, 2),
            ("第二段换成这张图", None, 2),
            ("use x.png for paragraph 9", Some("x.png".to_owned()), 9),
        ] {
            let edits = vec![Edit::SetScene { name, paragraph }];
            let expected = Action::Edits { edits, unknown: Vec::new() };
            assert_eq!(parse(message).action, expected, "{message}");
        }
    }

    #[test]
    fn a_text_that_is_too_long_for_an_instruction_is_none() {
        let message = "add a title 'x' and ".repeat(1000);
        assert_eq!(parse(&message).action, Action::Unknown);
    }

    #[test]
    fn a_script_is_read_whole_behind_every_order_of_the_table() {
        let english =
            "He said: \"Export it.\"\n\nScript: a word with a past.\nUndo? Mute the music!";
        let chinese = "他说：“导出吧。”\n\n脚本：一个有故事的词。\n撤销？把音乐静音！";
        let rows = REGRESSION.lines().map(|row| row.replace("\\n", "\n"));
        let messages: Vec<_> =
            rows.flat_map(|row| row.split('\t').map(str::to_owned).collect::<Vec<_>>()).collect();
        let orders: Vec<_> =
            messages.iter().filter_map(|message| message.strip_suffix('S')).collect();
        assert!(orders.len() >= 40);
        for (order, script) in orders.into_iter().flat_map(|o| [(o, english), (o, chinese)]) {
            let read = script_of(&format!("{order}{script}"));
            assert_eq!(read.as_deref(), Some(script), "{order}");
        }
        let empty = script_of("Make a voiceover of this script.\n\nScript:\n");
        assert_eq!(empty.as_deref(), Some(""));
    }

    #[test]
    fn orders_are_distinguished_from_statements() {
        let rows = include_str!("parse.kinds.tsv").lines().filter_map(|row| row.split_once('\t'));
        let mut kinds = BTreeSet::new();
        for (kind, phrase) in rows {
            assert_eq!(
                format!("{:?}", PhraseKind::of(&MessagePhrase::new(phrase))),
                kind,
                "{phrase}"
            );
            kinds.insert(kind);
        }
        assert!(kinds.into_iter().eq(["Courtesy", "Fragment", "Order", "Statement"]));
    }

    proptest! {
        #[test]
        fn any_message_is_parsed_and_any_script_is_read_whole(
            text in "[a-c0-9%:.,!“”'\"\n：，。把和第标题字幕音乐静秒分一两十脚本 ]{0,40}",
        ) {
            let script = text.trim();
            parse(script);
            prop_assume!(!script.is_empty());
            let message = format!("给这段文字配音：{text}");
            let read = script_of(&message);
            prop_assert_eq!(read.as_deref(), Some(script));
            prop_assert_eq!(parse(&message).language, Language::Chinese);
        }
    }
}
