//! Everything that the agent says: one table of messages in English and Chinese, the values in
//! them, and remarks about a screen that the user may not have. The service's agent assumes a
//! screen, so this one does too.

use std::time::Duration;

use super::words::section;
use crate::draft::Language;
use crate::local::engine::EngineError;

/// The texts of the messages, in English and Chinese.
const MESSAGES: &str = include_str!("agent.messages");

/// A message in English and in Chinese. `{}` stands for the next value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Template(&'static str, &'static str);

macro_rules! messages {
    ($($name:ident)*) => {
        $(pub(crate) const $name: Template = Template::named(stringify!($name));)*

        #[cfg(test)]
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

messages! {
    SPEAKING ON_IT GOING_BACK RAW_CLIP ASK_TITLE ASKING WHICH_SCRIPT WHICH_VOICE WHICH_ASPECT
    WITH_CAPTIONS READY CLIP_READY NOT_SPOKEN SPOKEN_AGAIN TITLE_ADDED TITLE_CHANGED
    TITLE_TIMED TITLE_MISSING CAPTIONS_ON CAPTIONS_OFF CAPTIONS_STYLED OUTLINED SAME_STYLE DUCKED UNDUCKED FADED
    UNFADED POSTER_SET CHAPTER_ADDED SCENE_SET SCENES_STYLED CROSS_FADE NARRATED NARRATED_ONLY MUSIC_PLAYS MUSIC_PLAYS_AT MUTED VOLUME_SET LOUDER QUIETER
    FULL_VOLUME ENDS_AFTER END_CUT START_CUT TRACK_REMOVED REMOVED ASPECT_CHANGED IMAGE_SHOWN
    PALETTE_SHOWN UNDONE UNDONE_SOME UNDONE_ONLY UNDONE_ALL VIDEO_OVER VIDEO_SHORT NEGATIVE
    NO_TIME_OF_MUSIC NO_TIME_OF_CAPTIONS NO_TIME_OF_IMAGES NO_TIME_OF_SPEECH
    NOTHING_LEFT NOTHING_FOR_CAPTIONS NO_MUSIC NO_IMAGE NO_SCENES DUCKED_ALREADY UNDUCKED_ALREADY
    NO_SUCH_FILE NO_PARAGRAPH NO_RECORDING NO_TRACK NONE_OF NO_AUDIO
    FULL_VOLUME_ALREADY MUTED_ALREADY SAME_VOLUME SILENT_ALREADY EDIT_FAILED SPEAK_AGAIN_FIRST
    NOTHING_SPOKEN NOTHING_TO_EDIT NOTHING_TO_UNDO NO_SCRIPT NO_UPLOADED_SCRIPT EMPTY_SCRIPT
    NO_GLYPHS NO_VOICE FAILED UNREADABLE TEXT_TOO_LONG NOT_TEXT OTHER_FORMAT OTHER_ENCODING
    NOT_DOCX NO_TEXT TOO_DEEP CHUNK_MISSING CHUNK_UNREAD LEFT_OUT PHRASE_UNKNOWN
    UNKNOWN EXPORT_APART NOTHING_CHARGED NOTHING_CHANGED NOISE EXPORT PREVIEW DRAG_TITLE MEDIA_PANEL BILLING
    HELP
}

impl Template {
    /// Reads a section of the file: the English text, and the Chinese one behind `= `. A section
    /// that is missing or has one language only is an error when this is compiled.
    const fn named(name: &str) -> Self {
        let section = section(MESSAGES, name);
        let (bytes, mut at) = (section.as_bytes(), 0);
        while bytes[at] != b'\n' || bytes[at + 1] != b'=' || bytes[at + 2] != b' ' {
            at += 1;
        }
        Self(section.split_at(at).0, section.split_at(at + 3).1)
    }

    const fn text(self, language: Language) -> &'static str {
        match language {
            Language::English => self.0,
            Language::Chinese => self.1,
        }
    }

    pub(crate) fn with<const N: usize>(self, values: [MessageValue; N]) -> Reply {
        Reply { template: self, values: values.into(), next: None }
    }
}

/// A message with its values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    template: Template,
    values: Vec<MessageValue>,
    /// A reply of its own behind this one.
    next: Option<Box<Self>>,
}

impl From<Template> for Reply {
    fn from(template: Template) -> Self {
        template.with([])
    }
}

impl Reply {
    /// The failure of an engine, whose own messages are English.
    pub(crate) fn failed(failure: &EngineError) -> Self {
        match failure.code {
            "EMPTY_SCRIPT" => EMPTY_SCRIPT.into(),
            // The engine quotes the missing characters.
            "UNSUPPORTED_CHARACTERS" => {
                let missing = failure.message.split(['“', '”']).nth(1).unwrap_or_default();
                NO_GLYPHS.with([missing.into()])
            }
            _ => FAILED.with([failure.message.as_str().into()]),
        }
    }

    pub(crate) fn text(&self, language: Language) -> String {
        let mut parts = self.template.text(language).split("{}");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for (value, part) in self.values.iter().zip(parts) {
            text.push_str(&value.text(language));
            text.push_str(part);
        }
        let next = self.next.as_ref().map(|next| next.text(language));
        joined(&text, next.as_deref(), language)
    }

    pub(crate) fn followed_by(self, next: Option<Self>) -> Self {
        Self { next: next.map(Box::new), ..self }
    }
}

/// What of a script is not spoken, or `None` if there is nothing.
pub(crate) fn not_spoken<'t>(parts: impl Iterator<Item = &'t String>) -> Option<Reply> {
    const MAX_PARTS: usize = 10;
    const MAX_CHARS: usize = 40;
    let mut named: Vec<String> = Vec::new();
    for part in parts {
        let short: String = part.split_whitespace().collect::<Vec<_>>().join(" ");
        let short = if short.chars().count() > MAX_CHARS {
            format!("{}…", short.chars().take(MAX_CHARS).collect::<String>())
        } else {
            short
        };
        if named.len() == MAX_PARTS {
            named.push("…".to_owned());
            break;
        }
        if !named.contains(&short) {
            named.push(short);
        }
    }
    (!named.is_empty()).then(|| NOT_SPOKEN.with([MessageValue::List(named)]))
}

/// A text, followed by another one if there is one.
pub(crate) fn joined(text: &str, next: Option<&str>, language: Language) -> String {
    let Some(next) = next else { return text.to_owned() };
    [text, next].join(Template(" ", "").text(language))
}

/// The texts of several replies, one after the other.
pub(crate) fn join<'r>(replies: impl IntoIterator<Item = &'r Reply>, language: Language) -> String {
    let texts: Vec<String> = replies.into_iter().map(|reply| reply.text(language)).collect();
    texts.join(Template(" ", "").text(language))
}

/// A value in a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum MessageValue {
    Text(String),
    Term(Template),
    Time(Duration),
    Percent(f64),
    Sentences(usize),
    List(Vec<String>),
    Series(Vec<Self>),
    /// A part of a sentence with values of its own.
    Clause(Reply),
}

/// The words that are values of messages, each in English and in Chinese.
const TERMS: &str = section(MESSAGES, "TERMS");

impl MessageValue {
    /// A word in the language of the message, or as it is if it is not one of [`TERMS`].
    pub(crate) fn term(english: &str) -> Self {
        let mut terms = TERMS.lines().filter_map(|row| row.split_once(" = "));
        let known = terms.find(|(term, _)| *term == english);
        known.map_or_else(|| english.into(), |(term, other)| Self::Term(Template(term, other)))
    }

    pub(crate) fn text(&self, language: Language) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Term(term) => term.text(language).to_owned(),
            Self::Time(time) => {
                let tenths = (time.as_secs_f64() * 10.0).round() / 10.0;
                format!("{tenths} {}", Template("s", "秒").text(language))
            }
            Self::Percent(share) => format!("{:.0}%", share * 100.0),
            Self::Sentences(1) => Template("1 sentence", "1 句").text(language).to_owned(),
            Self::Sentences(count) => {
                format!("{count} {}", Template("sentences", "句").text(language))
            }
            Self::List(items) => items.join(Template(", ", "、").text(language)),
            Self::Series(items) => {
                let items: Vec<_> = items.iter().map(|item| item.text(language)).collect();
                items.join(Template(", ", "、").text(language))
            }
            Self::Clause(clause) => clause.text(language),
        }
    }
}

impl From<&str> for MessageValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for MessageValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for MessageValue {
    fn from(number: usize) -> Self {
        Self::Text(number.to_string())
    }
}

impl From<Duration> for MessageValue {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

/// A remark about the screen: a sentence of its own, or joined to the last one by a comma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remark {
    Sentence(Template),
    Joined(Template),
}

pub(crate) const AFTER_A_VIDEO: &[Remark] = &[
    Remark::Sentence(EXPORT),
    Remark::Joined(EXPORT),
    Remark::Sentence(MEDIA_PANEL),
    Remark::Sentence(PREVIEW),
    Remark::Joined(PREVIEW),
    Remark::Sentence(BILLING),
];
pub(crate) const AFTER_AN_EDIT: &[Remark] = &[
    Remark::Sentence(PREVIEW),
    Remark::Sentence(DRAG_TITLE),
    Remark::Joined(EXPORT),
    Remark::Sentence(MEDIA_PANEL),
    Remark::Joined(PREVIEW),
    Remark::Sentence(EXPORT),
    Remark::Sentence(BILLING),
];

/// The remark of the nth turn of a session, from 1, or the next one that fits. Remarks rotate with
/// the turns, so that a test sees the same text each time.
pub(crate) fn remark(remarks: &[Remark], nth: u64, fits: impl Fn(Template) -> bool) -> Remark {
    let first = (nth.saturating_sub(1) % remarks.len() as u64) as usize;
    let mut round = remarks.iter().cycle().skip(first).take(remarks.len());
    *round.find(|remark| fits(remark.template())).unwrap_or(&remarks[0])
}

impl Remark {
    const fn template(self) -> Template {
        let (Self::Sentence(template) | Self::Joined(template)) = self;
        template
    }

    /// A text that ends with a full stop, followed by the remark.
    pub(crate) fn append_to(self, text: &str, language: Language) -> String {
        let remark = self.template().text(language);
        match (self, language) {
            (Self::Sentence(_), Language::English) => format!("{text} {remark}"),
            (Self::Sentence(_), Language::Chinese) => format!("{text}{remark}"),
            (Self::Joined(_), Language::English) => {
                let (first, rest) = remark.split_at(1);
                let first = first.to_ascii_lowercase();
                // "Click the Export button" is "click Export" within a sentence.
                let rest = rest.replace("the Export button", "Export");
                format!("{}, {first}{rest}", text.trim_end_matches('.'))
            }
            (Self::Joined(_), Language::Chinese) => {
                format!("{}，{remark}", text.trim_end_matches('。'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_spoken_is_named_once_and_shortly() {
        let parts = ["☃", "☃", &"long ".repeat(20)].map(str::to_owned);
        let reply = not_spoken(parts.iter()).unwrap();
        assert_eq!(
            reply.text(Language::English),
            "Not spoken: ☃, long long long long long long long long …."
        );
        assert_eq!(not_spoken([].iter()), None);
        let again = Reply::from(CAPTIONS_ON).followed_by(not_spoken(parts[..1].iter()));
        assert_eq!(again.text(Language::English), "The captions are on. Not spoken: ☃.");
        assert_eq!(again.text(Language::Chinese), "字幕已开启。未朗读：☃。");
    }

    #[test]
    fn each_message_of_the_file_is_used_and_complete_in_both_languages() {
        let headers = MESSAGES.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
        assert!(
            headers.eq(NAMES.iter().copied().chain(["SAMPLE_SCRIPTS", "TERMS"])),
            "a section has no constant"
        );
        for name in NAMES {
            let Template(english, chinese) = Template::named(name);
            let values = english.matches("{}").count();
            assert_eq!(chinese.matches("{}").count(), values, "{name}");
            assert!(!english.is_empty() && !chinese.trim().is_empty(), "{name}");
            assert!(!chinese.contains("\n= "), "{name} has a third language");
        }
        assert!(TERMS.lines().all(|row| row.split(" = ").count() == 2), "{TERMS}");
    }
}
