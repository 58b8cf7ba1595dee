//! The vocabulary of the agent. `agent.words` holds the terms, and `MessagePhrase::has` says how they
//! match.

const WORDS: &str = include_str!("agent.words");

macro_rules! vocabulary {
    ($($name:ident)*) => { $(pub(crate) const $name: &str = section(WORDS, stringify!($name));)* };
}

macro_rules! known {
    ($($name:ident)*) => {
        vocabulary! { $($name)* }
        /// The concepts whose words an order may contain.
        pub(crate) const KNOWN: &[&str] = &[$($name),*];
    };
}

known! {
    CAPTIONS TITLES TEXT_CARDS MUSIC VOICE AUDIO BACKGROUND IMAGES LENGTH PACE VIDEOS VOICEOVERS
    REMOVE OFF CHANGE GIVE_TITLE ADD_MUSIC SHOW_IMAGE CUT MUTE UNMUTE LOUDER QUIETER UP DOWN
    PACE_VALUE SLOW FAST SLOWER FASTER NOT_SPOKEN TO AT_END AT_START LASTING STARTING MALE FEMALE
    LANDSCAPE PORTRAIT SQUARE MOODS UPLOADED SCRIPTS FILES NON_SCRIPT POINTERS MAKE SPEAK
    EDIT_VERBS HAN_MAKE HAN_SPEECH HAN_SPEAK HAN_EDITS HAN_REWORK HAN_ASKING VERBS NOUNS
    OTHER_WORDS OTHER_HAN
}
vocabulary! {
    UNDO HELP LOOKS MAKE_AGAIN HAN_MAKE_AGAIN NEUTRAL LEADS TRAILS COURTESY SHARED_VERBS
    HAN_SHARED_VERBS TITLE_FILLERS HAN_TITLE_FILLERS NUMBERS ORDINALS NUMERALS
    PALETTE_MOODS VOICE_LANGUAGES
}

/// The text between a header in brackets and the next empty line. A section that is missing is an
/// error when this is compiled.
const fn section(text: &'static str, name: &str) -> &'static str {
    let (bytes, name) = (text.as_bytes(), name.as_bytes());
    let mut at = 0;
    loop {
        let mut length = 0;
        while length < name.len() && bytes[at + 1 + length] == name[length] {
            length += 1;
        }
        if bytes[at] == b'[' && length == name.len() && bytes[at + 1 + length] == b']' {
            break;
        }
        at += 1;
    }
    let start = at + name.len() + 3;
    let mut end = start;
    while end + 1 < bytes.len() && (bytes[end] != b'\n' || bytes[end + 1] != b'\n') {
        end += 1;
    }
    text.split_at(start).1.split_at(end - start).0
}

/// What stands before and behind a language that is that of a voice.
pub(crate) const OF_VOICE: (&str, &str) = (
    "in into auf speak language to",
    "voice voiceover voice-over narration narrator accent speaker male_voice female_voice",
);
pub(crate) const HAN_OF_VOICE: (&str, &str) =
    ("用 说 讲 成 为 语言 语言: 语言是", "配音 朗读 解说 旁白 男声 女声 的男声 的女声");

/// An option of a voiceover that a label names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptionLabel {
    Voice,
    Language,
    Aspect,
    Captions,
    Pace,
    Title,
    Background,
    /// Sets nothing: uploaded audio is played whether it is named or not.
    Music,
}

pub(crate) const LABELS: [(OptionLabel, &str); 8] = [
    (OptionLabel::Voice, "voice narrator speaker gender 声音 音色 配音员"),
    (OptionLabel::Language, "language lang 语言"),
    (OptionLabel::Aspect, "aspect aspect_ratio ratio format shape orientation 比例 画幅 画面比例"),
    (OptionLabel::Captions, "captions subtitles 字幕"),
    (OptionLabel::Pace, "pace speed rate 语速"),
    (OptionLabel::Title, "title heading 标题"),
    (OptionLabel::Background, "background 背景"),
    (OptionLabel::Music, "music background_music 音乐 配乐 背景音乐"),
];
