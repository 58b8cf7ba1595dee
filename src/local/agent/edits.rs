//! One clause, one edit. What is not understood here is said so, never guessed.

use std::time::Duration;

use super::phrase::Clause;
use super::settings;
use crate::draft::TrackRole;
use crate::local::studio::Gender;
use crate::wire::Aspect;

#[derive(Clone, Debug, PartialEq)]
pub(in crate::local) enum Edit {
    AddTitle {
        text: String,
        from: Duration,
        to: Duration,
    },
    ChangeTitle(String),
    Captions(bool),
    AddMusic,
    Volume {
        of: Heard,
        level: Level,
    },
    TrimTo(Duration),
    CutStart(Duration),
    CutEnd(Duration),
    /// By its number in the timeline, from 1.
    RemoveTrack(usize),
    Remove(TrackRole),
    Aspect(Aspect),
    /// The uploaded picture.
    Picture,
    /// A palette by name.
    Palette(String),
    Speak(Speech),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::local) enum Heard {
    Voiceover,
    Music,
    Everything,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::local) enum Level {
    To(f64),
    By(f64),
}

/// The script, spoken again in another way.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::local) struct Speech {
    pub(super) gender: Option<Gender>,
    pub(super) language: Option<String>,
    pub(super) pace: Option<Pace>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::local) enum Pace {
    To(f32),
    By(f32),
}

/// How long a title stays when nobody says.
const TITLE_TIME: Duration = Duration::from_secs(3);
/// One step of louder or quieter, of faster or slower.
const VOLUME_STEP: f64 = 1.4;
const PACE_STEP: f32 = 1.2;

const MUSIC: &[&str] = &["music", "bgm", "soundtrack", "song", "tune"];
const VOICE: &[&str] =
    &["voice", "voiceover", "voice-over", "narration", "narrator", "speech", "speaker"];
const REMOVE: &[&str] = &["remove", "delete", "drop", "lose", "without", "no", "off", "clear"];
const PICTURE: &[&str] = &["picture", "image", "photo", "photograph", "upload", "uploaded"];

pub(super) fn edit(clause: &Clause) -> Option<Edit> {
    captions(clause)
        .or_else(|| title(clause))
        .or_else(|| volume(clause))
        .or_else(|| track(clause))
        .or_else(|| music(clause))
        .or_else(|| length(clause))
        .or_else(|| settings::aspect(clause).map(Edit::Aspect))
        .or_else(|| background(clause))
        .or_else(|| speech(clause).map(Edit::Speak))
}

fn captions(clause: &Clause) -> Option<Edit> {
    const NAMES: &[&str] = &["caption", "captions", "subtitle", "subtitles", "subs"];
    let meant = clause.has(NAMES) || clause.contains(&["字幕"]);
    meant.then(|| Edit::Captions(!settings::is_off(clause)))
}

fn title(clause: &Clause) -> Option<Edit> {
    const NAMES: &[&str] = &["title", "titles", "heading", "headline", "titled"];
    let named = clause.has(NAMES) || clause.contains(&["标题"]);
    let text_card = clause.quoted.is_some() && clause.has(&["text", "card", "words"]);
    if !named && !text_card {
        return None;
    }
    let text = clause.quoted.clone().or_else(|| unquoted_title(clause));
    match text.filter(|text| !text.is_empty()) {
        None if clause.has(REMOVE) || clause.contains(&["去掉", "删"]) => {
            Some(Edit::Remove(TrackRole::Title))
        }
        None => None,
        Some(text)
            if clause.has(&["change", "rename", "replace", "set", "make", "改"])
                || clause.contains(&["改"]) =>
        {
            Some(Edit::ChangeTitle(text))
        }
        Some(text) => {
            let times = if clause.quoted.is_some() { clause.times() } else { Vec::new() };
            let (from, to) = match times.as_slice() {
                [from, to, ..] if from < to => (*from, *to),
                [length] if clause.has(&["for"]) => (Duration::ZERO, *length),
                [start] if clause.has(&["at", "from", "after"]) => (*start, *start + TITLE_TIME),
                _ => (Duration::ZERO, TITLE_TIME),
            };
            Some(Edit::AddTitle { text, from, to })
        }
    }
}

/// `title: Morning Brew`, `change the title to Morning Brew`, `a title saying Morning Brew`.
fn unquoted_title(clause: &Clause) -> Option<String> {
    if clause.has(REMOVE) {
        return None;
    }
    let words: Vec<&str> = clause.raw.split_whitespace().collect();
    let at = words.iter().position(|word| {
        let word = word.trim_end_matches([':', '：']).to_lowercase();
        ["title", "heading", "headline", "titled"].contains(&word.as_str())
    })?;
    let mut rest = &words[at + 1..];
    while let Some(word) = rest.first()
        && ["to", "saying", "that", "says", "reading", "with", "the", "text", "of", "card"]
            .contains(&word.to_lowercase().as_str())
    {
        rest = &rest[1..];
    }
    (!rest.is_empty()).then(|| rest.join(" "))
}

fn volume(clause: &Clause) -> Option<Edit> {
    let of = heard(clause);
    let about_sound =
        clause.has(&["volume", "loud", "loudness", "sound", "audio"]) || clause.contains(&["音量"]);
    let level = if clause.has(&["mute", "silence", "silent"]) || clause.contains(&["静音"]) {
        Level::To(0.0)
    } else if clause.has(&["unmute"]) {
        Level::To(1.0)
    } else if clause.has(&["louder"]) || clause.contains(&["大声"]) {
        clause.share().map_or(Level::By(VOLUME_STEP), |share| Level::By(1.0 + share))
    } else if clause.has(&["quieter", "softer"]) || clause.contains(&["小声"]) {
        clause.share().map_or(Level::By(1.0 / VOLUME_STEP), |share| Level::By(1.0 - share))
    } else if of.is_none() && !about_sound {
        return None;
    } else if let Some(share) = clause.share().filter(|_| !is_pace(clause)) {
        if clause.has(&["by"]) && clause.has(&["lower", "reduce", "decrease", "down"]) {
            Level::By(1.0 - share)
        } else if clause.has(&["by"]) && clause.has(&["raise", "increase", "up"]) {
            Level::By(1.0 + share)
        } else {
            Level::To(share)
        }
    } else if clause.has(&["lower", "reduce", "decrease", "down"]) && !is_pace(clause) {
        Level::By(1.0 / VOLUME_STEP)
    } else if clause.has(&["raise", "increase", "up"]) && !is_pace(clause) {
        Level::By(VOLUME_STEP)
    } else {
        return None;
    };
    Some(Edit::Volume { of: of.unwrap_or(Heard::Everything), level })
}

fn heard(clause: &Clause) -> Option<Heard> {
    if clause.has(MUSIC) || clause.contains(&["音乐", "配乐"]) {
        Some(Heard::Music)
    } else if clause.has(VOICE) || clause.contains(&["配音", "旁白", "人声"]) {
        Some(Heard::Voiceover)
    } else {
        None
    }
}

fn is_pace(clause: &Clause) -> bool {
    clause.has(&["pace", "speed", "rate", "tempo"])
}

fn track(clause: &Clause) -> Option<Edit> {
    if !clause.has(REMOVE) && !clause.contains(&["去掉", "删"]) {
        return None;
    }
    if clause.has(&["track"]) || clause.contains(&["轨道", "音轨"]) {
        return clause.count().map(Edit::RemoveTrack);
    }
    match heard(clause)? {
        Heard::Music => Some(Edit::Remove(TrackRole::Music)),
        _ => Some(Edit::Remove(TrackRole::Voiceover)),
    }
}

fn music(clause: &Clause) -> Option<Edit> {
    const ADD: &[&str] =
        &["add", "use", "put", "play", "insert", "with", "include", "set", "background"];
    let asked = clause.has(ADD) || clause.contains(&["加", "添", "用"]);
    (heard(clause) == Some(Heard::Music) && asked).then_some(Edit::AddMusic)
}

fn length(clause: &Clause) -> Option<Edit> {
    let time = *clause.times().first()?;
    let cuts = clause.has(&["cut", "trim", "shorten", "remove", "delete", "crop", "drop"])
        || clause.contains(&["剪", "裁", "去掉", "删"]);
    if cuts && (clause.has(&["last", "end"]) || clause.contains(&["最后"])) && !clause.has(&["to"])
    {
        Some(Edit::CutEnd(time))
    } else if cuts
        && (clause.has(&["first", "start", "beginning"]) || clause.contains(&["开头", "前"]))
        && !clause.has(&["to"])
    {
        Some(Edit::CutStart(time))
    } else if cuts || clause.has(&["long", "length"]) {
        Some(Edit::TrimTo(time))
    } else {
        None
    }
}

fn background(clause: &Clause) -> Option<Edit> {
    let meant = clause.has(&["background", "backdrop", "gradient", "palette"])
        || clause.contains(&["背景"]);
    let mood = clause.has(&["warmer", "cooler", "colder", "darker"]);
    if clause.has(PICTURE) && (meant || clause.has(&["use", "show", "put", "add"]))
        || (meant && clause.contains(&["图"]))
    {
        return Some(Edit::Picture);
    }
    if meant || mood { settings::palette(clause).map(Edit::Palette) } else { None }
}

fn speech(clause: &Clause) -> Option<Speech> {
    let pace = if clause.has(&["slower"]) || clause.contains(&["慢一点", "慢点"]) {
        Some(Pace::By(1.0 / PACE_STEP))
    } else if clause.has(&["faster", "quicker"]) || clause.contains(&["快一点", "快点"]) {
        Some(Pace::By(PACE_STEP))
    } else {
        settings::pace(clause).map(Pace::To)
    };
    let speech =
        Speech { gender: settings::gender(clause), language: settings::language_in(clause), pace };
    (speech != Speech::default()).then_some(speech)
}
