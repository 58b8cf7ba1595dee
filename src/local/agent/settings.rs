//! What a voiceover is ordered with, labelled (`Voice: male.`) or in prose (`in a male voice`), in
//! any order.

use super::languages;
use super::phrase::{Clause, clauses};
use crate::local::engine::{Gender, PALETTES};
use crate::protocol::Aspect;

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
    ("配音员", Label::Voice),
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
    ("画面比例", Label::Aspect),
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
    ("music", Label::Music),
    ("background music", Label::Music),
    ("音乐", Label::Music),
    ("配乐", Label::Music),
    ("背景音乐", Label::Music),
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
    Music,
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
                self.language = languages::meant_in(&clause).or_else(|| self.language.take());
            }
            Label::Language => {
                self.language = languages::named(&clause.plain).or_else(|| Some(value.to_owned()));
            }
            Label::Aspect => self.aspect = aspect(&clause).or(self.aspect),
            Label::Captions => self.captions = Some(!is_off(&clause)),
            Label::Pace => self.pace = pace(&clause).or(self.pace),
            Label::Title => {
                let title = clause.quoted.unwrap_or(clause.raw);
                self.title = Some(title).filter(|title| !title.is_empty());
            }
            Label::Background => self.background = palette(&clause).or(self.background.take()),
            // Uploaded sound is played whether it is named or not.
            Label::Music => {}
        }
    }

    fn read(&mut self, clause: &Clause) {
        self.gender = gender(clause).or(self.gender);
        self.language = languages::meant_in(clause).or_else(|| self.language.take());
        self.aspect = aspect(clause).or(self.aspect);
        self.pace = pace(clause).or(self.pace);
        if clause.has(&["captions", "caption", "subtitles", "字幕"]) {
            self.captions = Some(!is_off(clause));
        }
        if clause.has(&["title", "titled", "called", "heading", "标题"]) {
            self.title = clause.quoted.clone().or_else(|| self.title.take());
        }
        if clause.has(&["background", "backdrop", "gradient", "背景"]) {
            self.background = palette(clause).or_else(|| self.background.take());
        }
    }
}

pub(super) fn is_off(clause: &Clause) -> bool {
    const OFF: &[&str] = &[
        "off",
        "no",
        "none",
        "without",
        "remove",
        "delete",
        "hide",
        "disable",
        "drop",
        "false",
        "don't",
        "lose",
        "rid",
        "不要",
        "不用",
        "不带",
        "不加",
        "去掉",
        "去除",
        "移除",
        "删",
        "关闭",
        "关掉",
        "关了",
        "字幕关",
        "字幕:关",
        "关字幕",
        "无字幕",
        "没有",
        "隐藏",
    ];
    clause.has(OFF) || clause.is(&["关", "无"])
}

pub(super) fn gender(clause: &Clause) -> Option<Gender> {
    const MALE: &[&str] = &[
        "male",
        "man",
        "man's",
        "masculine",
        "men",
        "男声",
        "男性",
        "男生",
        "男音",
        "男的",
        "男人",
    ];
    const FEMALE: &[&str] = &[
        "female", "woman", "woman's", "feminine", "lady", "女声", "女性", "女生", "女音", "女的",
        "女人",
    ];
    if clause.has(FEMALE) || clause.is(&["女"]) {
        Some(Gender::Female)
    } else if clause.has(MALE) || clause.is(&["男"]) {
        Some(Gender::Male)
    } else {
        None
    }
}

pub(super) fn aspect(clause: &Clause) -> Option<Aspect> {
    const LANDSCAPE: &[&str] =
        &["16:9", "landscape", "horizontal", "widescreen", "横屏", "横版", "横向", "宽屏"];
    const PORTRAIT: &[&str] = &[
        "9:16", "portrait", "vertical", "tiktok", "reel", "reels", "shorts", "竖屏", "竖版",
        "竖向", "抖音",
    ];
    const SQUARE: &[&str] = &["1:1", "square", "方形", "方屏", "正方"];
    if clause.has(PORTRAIT) {
        Some(Aspect::Portrait)
    } else if clause.has(SQUARE) {
        Some(Aspect::Square)
    } else if clause.has(LANDSCAPE) {
        Some(Aspect::Landscape)
    } else {
        None
    }
}

/// A pace that is told, of a voice that does not speak yet: beside one that does, `slower` and
/// `faster` are steps, which the edits know.
pub(super) fn pace(clause: &Clause) -> Option<f32> {
    const TOLD: &[&str] = &["pace", "speed", "rate", "x", "语速", "倍速", "速度"];
    const SLOW: &[&str] = &["slow", "slowly", "slower", "慢"];
    // Not a mere "快": that is also in "happy" and "as soon as possible".
    const FAST: &[&str] = &[
        "fast",
        "quick",
        "quickly",
        "faster",
        "快一点",
        "快一些",
        "快点",
        "快些",
        "语速快",
        "语速要快",
        "加快",
        "快速",
    ];
    let number = |word: &str| -> Option<f32> {
        if let Some(percent) = word.strip_suffix('%') {
            return percent.parse::<f32>().ok().map(|percent| percent / 100.0);
        }
        word.strip_suffix('x').unwrap_or(word).parse().ok()
    };
    let told = clause.has(TOLD);
    let bare = clause.words.len() == 1;
    let times = |word: &str, next: Option<&String>| {
        next.is_some_and(|next| next == "倍") || word.ends_with('x')
    };
    let mut words = clause.words.iter().enumerate();
    let pace = words.find_map(|(at, word)| {
        number(word).filter(|_| told || bare || times(word, clause.words.get(at + 1)))
    });
    if pace.is_some() {
        return pace.filter(|pace| pace.is_finite() && *pace > 0.0);
    }
    if clause.has(SLOW) {
        Some(0.85)
    } else if clause.has(FAST) || clause.is(&["快"]) {
        Some(1.2)
    } else if told && clause.has(&["normal", "正常"]) || clause.is(&["正常"]) {
        Some(1.0)
    } else {
        None
    }
}

pub(super) fn palette(clause: &Clause) -> Option<String> {
    let known = PALETTES.iter().find(|name| clause.has(&[name])).copied();
    // What people say for the moods of the palettes.
    const MOODS: &[(&[&str], &str)] = &[
        (
            &[
                "warm", "warmer", "brown", "red", "orange", "fire", "暖", "余烬", "红", "橙", "棕",
                "火",
            ],
            "ember",
        ),
        (&["cool", "cooler", "cold", "colder", "blue", "teal", "sea", "冷", "蓝", "海"], "ocean"),
        (&["green", "nature", "moss", "绿", "森林", "自然"], "forest"),
        (
            &["grey", "gray", "neutral", "plain", "dark", "darker", "灰", "暗", "深色", "石板"],
            "slate",
        ),
        (&["purple", "indigo", "sunset", "evening", "紫", "黄昏", "日落", "傍晚"], "dusk"),
    ];
    let mood = || MOODS.iter().find(|(words, _)| clause.has(words)).map(|(_, name)| *name);
    known.or_else(mood).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{Settings, settings};
    use crate::local::engine::Gender;
    use crate::protocol::Aspect;

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
    fn music_is_no_other_setting_whatever_it_is_called() {
        for name in ["rain.mp3", "male, slow. Captions: off.mp3", "ocean background 9:16.wav"] {
            let read = settings(&format!("Background music: the uploaded file \"{name}\"."));
            assert_eq!(read, Settings::default(), "{name}");
        }
        assert_eq!(
            settings("背景音乐：上传的“慢.mp3”。背景：海洋。").background.as_deref(),
            Some("ocean")
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

    #[test]
    fn settings_in_chinese_are_understood() {
        let read = settings(
            "给这段文字配音，用女声，用德语，竖屏，语速1.2倍，标题“天空：为什么，怎么会”，不要字幕，蓝色背景",
        );
        let expected = Settings {
            gender: Some(Gender::Female),
            language: Some("de-DE".to_owned()),
            pace: Some(1.2),
            aspect: Some(Aspect::Portrait),
            captions: Some(false),
            title: Some("天空：为什么，怎么会".to_owned()),
            background: Some("ocean".to_owned()),
        };
        assert_eq!(read, expected);
        let labelled = "声音：女。语言：德语。比例：9：16。语速：1.2。字幕：关。标题：“天空：为什么，怎么会”。背景：海洋。";
        assert_eq!(settings(labelled), expected);
        assert_eq!(settings("语速慢一点，字幕开").pace, Some(0.85));
        assert_eq!(settings("语速慢一点，字幕开").captions, Some(true));
        assert_eq!(settings("尽快做一个快乐的视频"), Settings::default());
        assert_eq!(settings("做一个介绍德语和女王的视频"), Settings::default());
    }
}
