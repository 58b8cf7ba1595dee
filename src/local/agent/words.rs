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
    REMOVE SWITCH_OFF OFF CHANGE GIVE_TITLE ADD_MUSIC SHOW_IMAGE CUT MUTE UNMUTE LOUDER QUIETER UP DOWN
    PACE_VALUE SLOW FAST SLOWER FASTER NOT_SPOKEN TO AT_END AT_START LASTING STARTING MALE FEMALE
    CAPTION_BOXED CAPTION_WORDS CAPTION_PLAIN CAPTION_BIGGER CAPTION_SMALLER CAPTION_OUTLINE
    CAPTION_TOP CAPTION_BOTTOM CAPTION_MIDDLE LOOK_WORDS DUCK FADE FADE_OUT_WORDS POSTER CHAPTERS PARAGRAPHS
    RECORDINGS AS
    LANDSCAPE PORTRAIT SQUARE MOODS UPLOADED SCRIPTS FILES NON_SCRIPT POINTERS MAKE SPEAK
    EDIT_VERBS HAN_MAKE HAN_SPEECH HAN_SPEAK HAN_EDITS HAN_REWORK HAN_ASKING VERBS NOUNS
    OTHER_WORDS OTHER_HAN
}
vocabulary! {
    ASK_FIRST MAKE_NEW HAN_MAKE_NEW UNDO HELP LOOKS MAKE_AGAIN HAN_MAKE_AGAIN NEUTRAL LEADS TRAILS COURTESY SHARED_VERBS
    HAN_SHARED_VERBS TITLE_FILLERS HAN_TITLE_FILLERS NUMBERS ORDINALS NUMERALS
    DO_NOT COLORS PALETTE_MOODS VOICE_LANGUAGES LABELS BEFORE_LANGUAGE AFTER_LANGUAGE HAN_BEFORE_LANGUAGE
    HAN_AFTER_LANGUAGE
}

/// The text between a header in brackets and the next empty line. A section that is missing is an
/// error when this is compiled.
pub(crate) const fn section(text: &'static str, name: &str) -> &'static str {
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
