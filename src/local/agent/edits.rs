//! One clause, one edit. What is not understood here is said so, never guessed.

use std::time::Duration;

use super::languages;
use super::phrase::{Clause, is_han};
use super::settings;
use crate::draft::TrackRole;
use crate::local::engine::Gender;
use crate::protocol::Aspect;

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
    /// Of a number below nothing, which none of the others takes.
    Negative(String),
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

const MUSIC: &[&str] =
    &["music", "bgm", "soundtrack", "song", "tune", "音乐", "配乐", "歌", "背景乐"];
const VOICE: &[&str] = &[
    "voice",
    "voiceover",
    "voice-over",
    "narration",
    "narrator",
    "speech",
    "speaker",
    "配音",
    "旁白",
    "人声",
    "解说",
];
const REMOVE: &[&str] = &[
    "remove", "delete", "drop", "lose", "without", "no", "off", "clear", "rid", "删", "去掉",
    "去除", "移除", "拿掉", "清除", "不要",
];
const PICTURE: &[&str] =
    &["picture", "image", "photo", "photograph", "upload", "uploaded", "图", "照片", "相片"];
/// How something looks is nobody's business here.
const LOOKS: &[&str] = &[
    "bigger", "smaller", "larger", "size", "font", "color", "colour", "move", "bold", "大", "小",
    "字体", "字号", "颜色", "位置", "移", "拖", "粗",
];

pub(super) fn edit(clause: &Clause) -> Option<Edit> {
    let edit = captions(clause)
        .or_else(|| title(clause))
        .or_else(|| volume(clause))
        .or_else(|| track(clause))
        .or_else(|| music(clause))
        .or_else(|| length(clause))
        .or_else(|| settings::aspect(clause).map(Edit::Aspect))
        .or_else(|| background(clause))
        .or_else(|| speech(clause).map(Edit::Speak))?;
    Some(clause.negative().map_or(edit, Edit::Negative))
}

fn captions(clause: &Clause) -> Option<Edit> {
    const NAMES: &[&str] = &["caption", "captions", "subtitle", "subtitles", "subs", "字幕"];
    let meant = clause.has(NAMES) && !clause.has(LOOKS);
    meant.then(|| Edit::Captions(!settings::is_off(clause)))
}

fn title(clause: &Clause) -> Option<Edit> {
    const NAMES: &[&str] = &["title", "titles", "heading", "headline", "titled", "标题"];
    const CHANGE: &[&str] =
        &["change", "rename", "replace", "set", "make", "改", "换成", "换为", "设为", "设成"];
    let named = clause.has(NAMES);
    let text_card =
        clause.quoted.is_some() && clause.has(&["text", "card", "words", "文字", "字卡"]);
    if !named && !text_card {
        return None;
    }
    let text = clause.quoted.clone().or_else(|| unquoted_title(clause));
    match text.filter(|text| !text.is_empty()) {
        None if clause.has(REMOVE) => Some(Edit::Remove(TrackRole::Title)),
        None => None,
        Some(text) if clause.has(CHANGE) => Some(Edit::ChangeTitle(text)),
        Some(text) => {
            let times = if clause.quoted.is_some() { clause.times() } else { Vec::new() };
            let (from, to) = match times.as_slice() {
                [from, to, ..] if from < to => (*from, *to),
                [length] if clause.has(&["for", "持续", "停留", "显示"]) => {
                    (Duration::ZERO, *length)
                }
                [start] if clause.has(&["at", "from", "after", "在", "从", "后"]) => {
                    (*start, *start + TITLE_TIME)
                }
                _ => (Duration::ZERO, TITLE_TIME),
            };
            Some(Edit::AddTitle { text, from, to })
        }
    }
}

/// `title: Morning Brew`, `change the title to Morning Brew`, `a title saying Morning Brew`,
/// `标题改成早晨`. Where nothing is done with a title, what follows it is no text.
fn unquoted_title(clause: &Clause) -> Option<String> {
    const DONE: &[&str] = &[
        "add", "put", "set", "change", "rename", "replace", "make", "use", "give", "insert",
        "with", "saying", "called", "titled", "加", "添", "改", "换", "设", "叫", "写",
    ];
    if clause.has(REMOVE) || clause.has(LOOKS) {
        return None;
    }
    if let Some((before, text)) = clause.raw.split_once("标题") {
        const FILLERS: [&str; 14] = [
            "改成", "改为", "改", "换成", "换为", "设为", "设成", "叫做", "叫", "写着", "内容",
            "为", "是", "：",
        ];
        let mut text = text.trim();
        while let Some(rest) = FILLERS.iter().find_map(|filler| text.strip_prefix(filler)) {
            text = rest.trim();
        }
        let told = clause.has(DONE) || (before.is_empty() && clause.plain.contains("标题:"));
        return (told && !text.is_empty()).then(|| text.to_owned());
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
    let told = clause.has(DONE) || words[at].ends_with([':', '：']);
    (told && !rest.is_empty()).then(|| rest.join(" "))
}

fn volume(clause: &Clause) -> Option<Edit> {
    const SOUND: &[&str] = &["volume", "loud", "loudness", "sound", "audio", "音量", "声音"];
    const MUTE: &[&str] = &["mute", "silence", "silent", "静音"];
    const UNMUTE: &[&str] = &["unmute", "取消静音", "恢复声音"];
    const LOUDER: &[&str] = &["louder", "大声", "大点声", "响一点", "响一些"];
    const QUIETER: &[&str] = &["quieter", "softer", "小声", "小点声", "轻一点", "安静一点"];
    const UP: &[&str] = &[
        "raise",
        "increase",
        "up",
        "调大",
        "调高",
        "提高",
        "增大",
        "加大",
        "大一点",
        "大一些",
        "大点",
        "高一点",
    ];
    const DOWN: &[&str] = &[
        "lower",
        "reduce",
        "decrease",
        "down",
        "调小",
        "调低",
        "降低",
        "减小",
        "小一点",
        "小一些",
        "小点",
        "低一点",
    ];
    let of = heard(clause);
    // "Lower it by 30 %" and "lower it to 30 %": in Chinese only "to" has a word.
    let by = clause.has(&["by"])
        || (clause.plain.contains(is_han) && !clause.has(&["到", "至", "成", "为"]));
    let level = if clause.has(UNMUTE) {
        Level::To(1.0)
    } else if clause.has(MUTE) {
        Level::To(0.0)
    } else if clause.has(LOUDER) {
        clause.share().map_or(Level::By(VOLUME_STEP), |share| Level::By(1.0 + share))
    } else if clause.has(QUIETER) {
        let share = clause.share();
        share.map_or(Level::By(1.0 / VOLUME_STEP), |share| Level::By((1.0 - share).max(0.0)))
    } else if (of.is_none() && !clause.has(SOUND)) || is_pace(clause) {
        return None;
    } else {
        match clause.share() {
            Some(share) if by && clause.has(DOWN) => Level::By((1.0 - share).max(0.0)),
            Some(share) if by && clause.has(UP) => Level::By(1.0 + share),
            Some(share) => Level::To(share),
            None if clause.has(DOWN) => Level::By(1.0 / VOLUME_STEP),
            None if clause.has(UP) => Level::By(VOLUME_STEP),
            None => return None,
        }
    };
    Some(Edit::Volume { of: of.unwrap_or(Heard::Everything), level })
}

fn heard(clause: &Clause) -> Option<Heard> {
    if clause.has(MUSIC) {
        Some(Heard::Music)
    } else if clause.has(VOICE) {
        Some(Heard::Voiceover)
    } else {
        None
    }
}

fn is_pace(clause: &Clause) -> bool {
    clause.has(&["pace", "speed", "slow", "rate", "tempo", "语速", "速度", "倍"])
}

fn track(clause: &Clause) -> Option<Edit> {
    if !clause.has(REMOVE) {
        return None;
    }
    if clause.has(&["track", "轨"])
        && let Some(number) = clause.ordinal()
    {
        return Some(Edit::RemoveTrack(number));
    }
    // "Cut the last 5 s of the music" is about time.
    if !clause.times().is_empty() {
        return None;
    }
    match heard(clause)? {
        Heard::Music => Some(Edit::Remove(TrackRole::Music)),
        _ => Some(Edit::Remove(TrackRole::Voiceover)),
    }
}

fn music(clause: &Clause) -> Option<Edit> {
    const ADD: &[&str] = &[
        "add",
        "use",
        "put",
        "play",
        "insert",
        "with",
        "include",
        "set",
        "background",
        "加",
        "添",
        "用",
        "配上",
        "放",
        "背景",
    ];
    (heard(clause) == Some(Heard::Music) && clause.has(ADD)).then_some(Edit::AddMusic)
}

fn length(clause: &Clause) -> Option<Edit> {
    const CUT: &[&str] = &[
        "cut", "trim", "shorten", "remove", "delete", "crop", "drop", "剪", "裁", "截", "去掉",
        "删", "缩短",
    ];
    const LENGTH: &[&str] = &["long", "length", "时长", "长度"];
    let times = clause.times();
    // From here to there: only the ends of a film can be cut off.
    let &[time] = times.as_slice() else { return None };
    let cuts = clause.has(CUT);
    let to = clause.has(&["to", "到", "至", "成", "为"]);
    if cuts && !to && clause.has(&["last", "end", "最后", "末尾", "结尾"]) {
        Some(Edit::CutEnd(time))
    } else if cuts && !to && clause.has(&["first", "start", "beginning", "开头", "前"]) {
        Some(Edit::CutStart(time))
    } else if (cuts && (to || clause.has(&["at", "after"]))) || clause.has(LENGTH) {
        // "Cut 5 seconds" does not say which ones.
        Some(Edit::TrimTo(time))
    } else {
        None
    }
}

fn background(clause: &Clause) -> Option<Edit> {
    const PLACE: &[&str] = &["background", "backdrop", "gradient", "palette", "背景"];
    const MOOD: &[&str] = &[
        "warmer",
        "cooler",
        "colder",
        "darker",
        "暖一点",
        "暖一些",
        "更暖",
        "暖和一点",
        "冷一点",
        "冷一些",
        "更冷",
        "暗一点",
        "暗一些",
        "更暗",
    ];
    const USE: &[&str] = &["use", "show", "put", "add", "用", "放", "加", "换", "显示"];
    let meant = clause.has(PLACE);
    if clause.has(PICTURE) && (meant || clause.has(USE)) {
        return Some(Edit::Picture);
    }
    if meant || clause.has(MOOD) { settings::palette(clause).map(Edit::Palette) } else { None }
}

fn speech(clause: &Clause) -> Option<Speech> {
    const SLOWER: &[&str] = &["slower", "慢一点", "慢一些", "慢点", "慢些", "放慢", "更慢"];
    const FASTER: &[&str] =
        &["faster", "quicker", "快一点", "快一些", "快点", "快些", "加快", "更快"];
    let pace = if !of_speech(clause) {
        None
    } else if clause.has(SLOWER) || slows_down(clause) {
        Some(Pace::By(1.0 / PACE_STEP))
    } else if clause.has(FASTER) || speeds_up(clause) {
        Some(Pace::By(PACE_STEP))
    } else {
        settings::pace(clause).map(Pace::To)
    };
    let speech =
        Speech { gender: settings::gender(clause), language: languages::meant_in(clause), pace };
    (speech != Speech::default()).then_some(speech)
}

/// Whether "fast" may be how the script is spoken: "set up quickly" is about something else, and a
/// number alone is about nothing.
fn of_speech(clause: &Clause) -> bool {
    const OTHER: &[&str] = &[
        "use", "add", "put", "show", "cut", "trim", "remove", "delete", "turn", "start", "end",
        "get", "try", "take", "play", "begin", "keep", "have", "place", "pick", "choose", "select",
    ];
    let named = is_pace(clause) || clause.has(VOICE);
    let up = clause.has(&["up", "down"]) && !slows_down(clause) && !speeds_up(clause);
    let number = matches!(clause.words.as_slice(), [word] if word.parse::<f32>().is_ok());
    !number && (named || !(clause.has(OTHER) || up))
}

/// "Slow it down", "slow the voice down".
fn slows_down(clause: &Clause) -> bool {
    clause.has(&["slow"]) && clause.has(&["down"])
}

fn speeds_up(clause: &Clause) -> bool {
    clause.has(&["speed"]) && clause.has(&["up"])
}
