//! What a voiceover is ordered with, labelled (`Voice: male.`) or in prose (`in a male voice`), in
//! any order.

use super::phrase::{Clause, clauses};
use crate::local::studio::{Gender, PALETTES};
use crate::wire::Aspect;

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::local) struct Settings {
    pub(super) gender: Option<Gender>,
    /// A BCP-47 tag.
    pub(super) language: Option<String>,
    pub(super) pace: Option<f32>,
    pub(super) aspect: Option<Aspect>,
    pub(super) captions: Option<bool>,
    pub(super) title: Option<String>,
    /// The name of a palette.
    pub(super) background: Option<String>,
}

/// Labels that stand before a colon, and are not the beginning of a script.
const LABELS: &[(&str, Label)] = &[
    ("voice", Label::Voice),
    ("narrator", Label::Voice),
    ("speaker", Label::Voice),
    ("gender", Label::Voice),
    ("声音", Label::Voice),
    ("音色", Label::Voice),
    ("language", Label::Language),
    ("lang", Label::Language),
    ("语言", Label::Language),
    ("aspect", Label::Aspect),
    ("aspect ratio", Label::Aspect),
    ("ratio", Label::Aspect),
    ("format", Label::Aspect),
    ("shape", Label::Aspect),
    ("orientation", Label::Aspect),
    ("比例", Label::Aspect),
    ("画幅", Label::Aspect),
    ("captions", Label::Captions),
    ("subtitles", Label::Captions),
    ("字幕", Label::Captions),
    ("pace", Label::Pace),
    ("speed", Label::Pace),
    ("rate", Label::Pace),
    ("语速", Label::Pace),
    ("title", Label::Title),
    ("heading", Label::Title),
    ("标题", Label::Title),
    ("background", Label::Background),
    ("背景", Label::Background),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Voice,
    Language,
    Aspect,
    Captions,
    Pace,
    Title,
    Background,
}

/// The label that this is, all of it.
pub(super) fn label(text: &str) -> Option<Label> {
    let text = text.trim().to_lowercase();
    LABELS.iter().find(|(name, _)| *name == text).map(|(_, label)| *label)
}

pub(super) fn settings(head: &str) -> Settings {
    let mut settings = Settings::default();
    for clause in clauses(head) {
        let labelled = clause.raw.split_once([':', '：']);
        match labelled.and_then(|(name, value)| Some((label(name)?, value.trim()))) {
            Some((label, value)) => settings.take(label, value),
            None => settings.read(&clause),
        }
    }
    settings
}

impl Settings {
    fn take(&mut self, label: Label, value: &str) {
        let clause = Clause::new(value);
        match label {
            Label::Voice => {
                self.gender = gender(&clause).or(self.gender);
                self.language = language_in(&clause).or_else(|| self.language.take());
            }
            Label::Language => {
                self.language = named_language(&clause.plain).or_else(|| Some(value.to_owned()));
            }
            Label::Aspect => self.aspect = aspect(&clause).or(self.aspect),
            Label::Captions => self.captions = Some(!is_off(&clause)),
            Label::Pace => self.pace = pace(&clause).or(self.pace),
            Label::Title => {
                let title = clause.quoted.unwrap_or(clause.raw);
                self.title = Some(title).filter(|title| !title.is_empty());
            }
            Label::Background => self.background = palette(&clause).or(self.background.take()),
        }
    }

    fn read(&mut self, clause: &Clause) {
        self.gender = gender(clause).or(self.gender);
        self.language = language_in(clause).or_else(|| self.language.take());
        self.aspect = aspect(clause).or(self.aspect);
        self.pace = pace(clause).or(self.pace);
        if clause.has(&["captions", "caption", "subtitles"]) || clause.contains(&["字幕"]) {
            self.captions = Some(!is_off(clause));
        }
        if clause.has(&["title", "titled", "called", "heading"]) || clause.contains(&["标题"]) {
            self.title = clause.quoted.clone().or_else(|| self.title.take());
        }
        if clause.has(&["background", "backdrop", "gradient"]) || clause.contains(&["背景"]) {
            self.background = palette(clause).or_else(|| self.background.take());
        }
    }
}

pub(super) fn is_off(clause: &Clause) -> bool {
    const OFF: &[&str] = &[
        "off", "no", "none", "without", "remove", "delete", "hide", "disable", "drop", "false",
        "don't", "lose",
    ];
    clause.has(OFF) || clause.contains(&["不要", "去掉", "删", "关", "无", "没有"])
}

pub(super) fn gender(clause: &Clause) -> Option<Gender> {
    const MALE: &[&str] = &["male", "man", "man's", "masculine", "men"];
    const FEMALE: &[&str] = &["female", "woman", "woman's", "feminine", "lady"];
    if clause.has(FEMALE) || clause.contains(&["女声", "女性", "女"]) {
        Some(Gender::Female)
    } else if clause.has(MALE) || clause.contains(&["男声", "男性", "男"]) {
        Some(Gender::Male)
    } else {
        None
    }
}

pub(super) fn aspect(clause: &Clause) -> Option<Aspect> {
    const LANDSCAPE: &[&str] = &["16:9", "landscape", "horizontal", "widescreen"];
    const PORTRAIT: &[&str] =
        &["9:16", "portrait", "vertical", "tiktok", "reel", "reels", "shorts"];
    const SQUARE: &[&str] = &["1:1", "square"];
    if clause.has(PORTRAIT) || clause.contains(&["竖屏", "竖版", "9：16"]) {
        Some(Aspect::Portrait)
    } else if clause.has(SQUARE) || clause.contains(&["方形", "正方", "1：1"]) {
        Some(Aspect::Square)
    } else if clause.has(LANDSCAPE) || clause.contains(&["横屏", "横版", "16：9"]) {
        Some(Aspect::Landscape)
    } else {
        None
    }
}

/// A pace that is told outright; `slower` and `faster` are left to the edits.
pub(super) fn pace(clause: &Clause) -> Option<f32> {
    let number = |word: &str| -> Option<f32> {
        if let Some(percent) = word.strip_suffix('%') {
            return percent.parse::<f32>().ok().map(|percent| percent / 100.0);
        }
        let factor = word.strip_suffix('x');
        if let Some(factor) = factor {
            return factor.parse().ok();
        }
        word.parse().ok()
    };
    let told = clause.has(&["pace", "speed", "rate", "x"]) || clause.contains(&["语速"]);
    let bare = clause.words.len() == 1;
    let times = clause
        .words
        .iter()
        .any(|word| word.strip_suffix('x').is_some_and(|number| number.parse::<f32>().is_ok()));
    if (told || bare || times)
        && let Some(pace) = clause.words.iter().find_map(|word| number(word))
    {
        return Some(pace).filter(|pace| pace.is_finite() && *pace > 0.0);
    }
    if clause.has(&["slow", "slowly"]) || clause.contains(&["慢"]) {
        Some(0.85)
    } else if clause.has(&["fast", "quick", "quickly"]) || clause.contains(&["快"]) {
        Some(1.2)
    } else if told && clause.has(&["normal"]) {
        Some(1.0)
    } else {
        None
    }
}

pub(super) fn palette(clause: &Clause) -> Option<String> {
    let known = PALETTES.iter().find(|name| clause.has(&[name])).copied();
    // What people say for the moods of the palettes.
    const MOODS: &[(&[&str], &str)] = &[
        (&["warm", "warmer", "brown", "red", "orange", "fire"], "ember"),
        (&["cool", "cooler", "cold", "colder", "blue", "teal", "sea"], "ocean"),
        (&["green", "nature", "moss"], "forest"),
        (&["grey", "gray", "neutral", "plain", "dark", "darker"], "slate"),
        (&["purple", "indigo", "sunset", "evening"], "dusk"),
    ];
    let mood = || MOODS.iter().find(|(words, _)| clause.has(words)).map(|(_, name)| *name);
    known.or_else(mood).map(str::to_owned)
}

const LANGUAGES: &[(&str, &str)] = &[
    ("american english", "en-US"),
    ("us english", "en-US"),
    ("british english", "en-GB"),
    ("uk english", "en-GB"),
    ("american", "en-US"),
    ("british", "en-GB"),
    ("english", "en-US"),
    ("german", "de-DE"),
    ("deutsch", "de-DE"),
    ("spanish", "es-ES"),
    ("español", "es-ES"),
    ("french", "fr-FR"),
    ("français", "fr-FR"),
    ("italian", "it-IT"),
    ("italiano", "it-IT"),
    ("chinese", "zh-CN"),
    ("mandarin", "zh-CN"),
    ("cantonese", "yue"),
    ("japanese", "ja-JP"),
    ("korean", "ko-KR"),
    ("portuguese", "pt-PT"),
    ("dutch", "nl-NL"),
    ("polish", "pl-PL"),
    ("russian", "ru-RU"),
    ("arabic", "ar"),
    ("hindi", "hi-IN"),
    ("turkish", "tr-TR"),
    ("英语", "en-US"),
    ("英文", "en-US"),
    ("德语", "de-DE"),
    ("法语", "fr-FR"),
    ("西班牙语", "es-ES"),
    ("意大利语", "it-IT"),
    ("中文", "zh-CN"),
    ("普通话", "zh-CN"),
    ("日语", "ja-JP"),
];

/// A language by its name, all of the text.
fn named_language(text: &str) -> Option<String> {
    let text = text.trim();
    LANGUAGES.iter().find(|(name, _)| *name == text).map(|(_, tag)| (*tag).to_owned())
}

/// A language where the sentence makes it one: `in German`, `a French voice`, `en-GB`. One that
/// is merely mentioned, as in a script *about* German cars, is not meant.
pub(super) fn language_in(clause: &Clause) -> Option<String> {
    let tag = clause.raw.split_whitespace().find_map(|word| {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let (language, region) = word.split_once(['-', '_'])?;
        let is_tag = language.len() == 2
            && language.bytes().all(|b| b.is_ascii_lowercase())
            && region.len() == 2
            && region.bytes().all(|b| b.is_ascii_uppercase());
        is_tag.then(|| format!("{language}-{region}"))
    });
    if tag.is_some() {
        return tag;
    }
    let text = format!(" {} ", clause.words.join(" "));
    let meant = |name: &str| {
        let before = ["in", "into", "auf", "speak", "language", "to"];
        let after =
            ["voice", "voiceover", "voice-over", "narration", "narrator", "accent", "speaker"];
        before.iter().any(|word| text.contains(&format!(" {word} {name} ")))
            || after.iter().any(|word| text.contains(&format!(" {name} {word} ")))
            || (!name.is_ascii() && text.contains(&format!("用{name}")))
            || text.contains(&format!(" {name} male voice "))
            || text.contains(&format!(" {name} female voice "))
    };
    LANGUAGES.iter().find(|(name, _)| meant(name)).map(|(_, tag)| (*tag).to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Settings, settings};
    use crate::local::studio::Gender;
    use crate::wire::Aspect;

    #[test]
    fn labelled_settings_are_taken_in_any_order() {
        let read = settings(
            r#"Make a voiceover of this script. Captions: off. Title: "Sky: why, and how?". Pace: 1.2. Aspect ratio: 9:16. Language: en-US. Voice: male."#,
        );
        assert_eq!(
            read,
            Settings {
                gender: Some(Gender::Male),
                language: Some("en-US".to_owned()),
                pace: Some(1.2),
                aspect: Some(Aspect::Portrait),
                captions: Some(false),
                title: Some("Sky: why, and how?".to_owned()),
                background: None,
            }
        );
    }

    #[test]
    fn settings_in_prose_are_understood() {
        let read = settings(
            "Create a vertical video in German, in a male voice, slowly, titled 'Hallo' and without captions on an ocean background",
        );
        assert_eq!(read.language.as_deref(), Some("de-DE"));
        assert_eq!(read.gender, Some(Gender::Male));
        assert_eq!(read.aspect, Some(Aspect::Portrait));
        assert_eq!(read.pace, Some(0.85));
        assert_eq!(read.captions, Some(false));
        assert_eq!(read.title.as_deref(), Some("Hallo"));
        assert_eq!(read.background.as_deref(), Some("ocean"));
        assert_eq!(settings("用女声，竖屏，不要字幕").gender, Some(Gender::Female));
        assert_eq!(settings("Narrate this script about German cars").language, None);
        assert_eq!(settings("Language: Klingon").language.as_deref(), Some("Klingon"));
        assert_eq!(settings("a French female voice at 1.5x").pace, Some(1.5));
        assert_eq!(settings("a French female voice").language.as_deref(), Some("fr-FR"));
    }
}
