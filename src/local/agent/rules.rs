//! The meaning of a single phrase: an edit, or options of a voiceover, labelled (`Voice: male.`) or
//! in prose (`in a male voice`). A phrase that fits no rule has no meaning here; nothing is guessed.

use std::time::Duration;

use super::edit::{AudioTarget, Edit, PaceChange, VoiceChange, VolumeChange};
use super::phrase::{MessagePhrase, is_han, is_in, phrases};
use super::words::*;
use crate::draft::TrackRole;
use crate::local::engine::{Gender, PALETTES};
use crate::protocol::Aspect;

/// The duration of a title for which none is given.
pub(crate) const TITLE_TIME: Duration = Duration::from_secs(3);
/// The factor of one step louder or quieter.
const VOLUME_STEP: f64 = 1.4;
/// The factor of one step faster or slower.
const PACE_STEP: f32 = 1.2;

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
}

/// An option that a label names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptionLabel {
    Voice,
    Language,
    Aspect,
    Captions,
    Pace,
    Title,
    Background,
    Music,
}

/// The option that a text names, if the whole text is a label.
pub(crate) fn label(text: &str) -> Option<OptionLabel> {
    use OptionLabel::{Aspect, Background, Captions, Language, Music, Pace, Title, Voice};
    const LABELS: [(OptionLabel, &str); 8] = [
        (Voice, "voice narrator speaker gender 声音 音色 配音员"),
        (Language, "language lang 语言"),
        (Aspect, "aspect aspect_ratio ratio format shape orientation 比例 画幅 画面比例"),
        (Captions, "captions subtitles 字幕"),
        (Pace, "pace speed rate 语速"),
        (Title, "title heading 标题"),
        (Background, "background 背景"),
        (Music, "music background_music 音乐 配乐 背景音乐"),
    ];
    let text = text.trim().to_lowercase().replace(' ', "_");
    LABELS.iter().find(|(_, names)| is_in(names, &text)).map(|(label, _)| *label)
}

impl VoiceoverOptions {
    pub(crate) fn parse(order: &str) -> Self {
        let mut options = Self::default();
        for phrase in phrases(order) {
            let labelled = phrase.raw.split_once([':', '：']);
            match labelled.and_then(|(name, value)| Some((label(name)?, value.trim()))) {
                Some((label, value)) => options.set(label, value),
                None => options.read(&phrase),
            }
        }
        options
    }

    fn set(&mut self, label: OptionLabel, value: &str) {
        let phrase = MessagePhrase::new(value);
        match label {
            OptionLabel::Voice => {
                self.gender = gender(&phrase).or(self.gender);
                self.language = language(&phrase).or_else(|| self.language.take());
            }
            OptionLabel::Language => {
                let named =
                    |(tag, names): &(&str, &str)| phrase.is(names).then(|| (*tag).to_owned());
                let tag = VOICE_LANGUAGES.iter().find_map(named);
                self.language = Some(tag.unwrap_or_else(|| value.to_owned()));
            }
            OptionLabel::Aspect => self.aspect = aspect(&phrase).or(self.aspect),
            OptionLabel::Captions => self.captions = Some(!is_off(&phrase)),
            OptionLabel::Pace => self.pace = pace(&phrase).or(self.pace),
            OptionLabel::Title => {
                let title = phrase.quoted.unwrap_or(phrase.raw);
                self.title = Some(title).filter(|title| !title.is_empty());
            }
            OptionLabel::Background => {
                self.background = palette(&phrase).or(self.background.take())
            }
            // Uploaded audio is played whether it is named or not.
            OptionLabel::Music => {}
        }
    }

    fn read(&mut self, phrase: &MessagePhrase) {
        self.gender = gender(phrase).or(self.gender);
        self.language = language(phrase).or_else(|| self.language.take());
        self.aspect = aspect(phrase).or(self.aspect);
        self.pace = pace(phrase).or(self.pace);
        if phrase.has(CAPTIONS) {
            self.captions = Some(!is_off(phrase));
        }
        if phrase.has(TITLES) || phrase.has("called") {
            self.title = phrase.quoted.clone().or_else(|| self.title.take());
        }
        if phrase.has(BACKGROUND) {
            self.background = palette(phrase).or_else(|| self.background.take());
        }
    }
}

fn is_off(phrase: &MessagePhrase) -> bool {
    phrase.has(OFF) || phrase.is("关 无")
}

fn gender(phrase: &MessagePhrase) -> Option<Gender> {
    if phrase.has(FEMALE) || phrase.is("女") {
        Some(Gender::Female)
    } else if phrase.has(MALE) || phrase.is("男") {
        Some(Gender::Male)
    } else {
        None
    }
}

fn aspect(phrase: &MessagePhrase) -> Option<Aspect> {
    let aspects =
        [(PORTRAIT, Aspect::Portrait), (SQUARE, Aspect::Square), (LANDSCAPE, Aspect::Landscape)];
    aspects.into_iter().find(|(words, _)| phrase.has(words)).map(|(_, aspect)| aspect)
}

fn palette(phrase: &MessagePhrase) -> Option<String> {
    let known = PALETTES.iter().find(|name| phrase.has(name));
    let mood = || PALETTE_MOODS.iter().find(|(_, words)| phrase.has(words)).map(|(name, _)| name);
    known.or_else(mood).map(|name| (*name).to_owned())
}

/// A language that the phrase makes that of a voice: `in German`, `用德语`, `a French voice`,
/// `en-GB`. One that is only mentioned, as in a script *about* German cars, does not count.
fn language(phrase: &MessagePhrase) -> Option<String> {
    const BEFORE: &str = "in into auf speak language to";
    const AFTER: &str = "voice voiceover voice-over narration narrator accent speaker male_voice \
        female_voice";
    const HAN_BEFORE: &str = "用 说 讲 成 为 语言 语言: 语言是";
    const HAN_AFTER: &str = "配音 朗读 解说 旁白 男声 女声 的男声 的女声";
    let tag = phrase.raw.split_whitespace().find_map(|word| {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let (language, region) = word.split_once(['-', '_'])?;
        let is_tag = language.len() == 2
            && language.bytes().all(|b| b.is_ascii_lowercase())
            && region.len() == 2
            && region.bytes().all(|b| b.is_ascii_uppercase());
        is_tag.then(|| format!("{language}-{region}"))
    });
    let text = format!(" {} ", phrase.words.join(" "));
    let beside = |text: &str, name: &str, before: &str, after: &str, gap: &str| {
        let joined = |a: &str, b: &str| text.contains(&format!("{gap}{a}{gap}{b}{gap}"));
        before.split(' ').any(|word| joined(word, name))
            || after.split_ascii_whitespace().any(|word| joined(name, &word.replace('_', " ")))
    };
    let is_meant = |name: &str| {
        if name.contains(is_han) {
            return phrase.is(name) || beside(&phrase.plain, name, HAN_BEFORE, HAN_AFTER, "");
        }
        let name = name.replace('_', " ");
        text.trim_end().trim_end_matches(" please").trim() == name
            || beside(&text, &name, BEFORE, AFTER, " ")
    };
    let meant =
        |(tag, names): &(&str, &str)| names.split(' ').any(is_meant).then(|| (*tag).to_owned());
    tag.or_else(|| VOICE_LANGUAGES.iter().find_map(meant))
}

/// The pace of a new voice. `slower` and `faster` are steps for one that speaks already; see
/// [`voice_change`].
fn pace(phrase: &MessagePhrase) -> Option<f32> {
    let number = |word: &str| -> Option<f32> {
        if let Some(percent) = word.strip_suffix('%') {
            return percent.parse::<f32>().ok().map(|percent| percent / 100.0);
        }
        word.strip_suffix('x').unwrap_or(word).parse().ok()
    };
    let named = phrase.has(PACE_VALUE);
    let alone = phrase.words.len() == 1;
    let given = phrase.words.iter().enumerate().find_map(|(at, word)| {
        let times =
            word.ends_with('x') || phrase.words.get(at + 1).is_some_and(|next| next == "倍");
        number(word).filter(|_| named || alone || times)
    });
    match given {
        Some(pace) => Some(pace).filter(|pace| pace.is_finite() && *pace > 0.0),
        None if phrase.has(SLOW) => Some(0.85),
        None if phrase.has(FAST) || phrase.is("快") => Some(1.2),
        None if named && phrase.has("normal 正常") || phrase.is("正常") => Some(1.0),
        None => None,
    }
}

/// The edit that a phrase asks for.
pub(crate) fn edit(phrase: &MessagePhrase) -> Option<Edit> {
    let edit = captions(phrase)
        .or_else(|| title(phrase))
        .or_else(|| volume(phrase))
        .or_else(|| track(phrase))
        .or_else(|| music(phrase))
        .or_else(|| length(phrase))
        .or_else(|| aspect(phrase).map(Edit::SetAspect))
        .or_else(|| background(phrase))
        .or_else(|| voice_change(phrase).map(Edit::ChangeVoice))?;
    Some(phrase.negative().map_or(edit, Edit::Negative))
}

fn captions(phrase: &MessagePhrase) -> Option<Edit> {
    let is_meant = phrase.has(CAPTIONS) && !phrase.has(LOOKS);
    is_meant.then(|| Edit::SetCaptions(!is_off(phrase)))
}

fn title(phrase: &MessagePhrase) -> Option<Edit> {
    let is_card = phrase.quoted.is_some() && phrase.has(TEXT_CARDS);
    if !phrase.has(TITLES) && !is_card {
        return None;
    }
    let text = phrase.quoted.clone().or_else(|| unquoted_title(phrase));
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return phrase.has(REMOVE).then_some(Edit::Remove(TrackRole::Title));
    };
    if phrase.has(CHANGE) {
        return Some(Edit::ChangeTitle(text));
    }
    let times = if phrase.quoted.is_some() { phrase.times() } else { Vec::new() };
    let (from, to) = match times.as_slice() {
        [from, to, ..] if from < to => (*from, *to),
        [length] if phrase.has(LASTING) => (Duration::ZERO, *length),
        [start] if phrase.has(STARTING) => (*start, *start + TITLE_TIME),
        _ => (Duration::ZERO, TITLE_TIME),
    };
    Some(Edit::AddTitle { text, from, to })
}

/// `title: Morning Brew`, `change the title to Morning Brew`, `标题改成早晨`. Where nothing is done
/// with a title, what follows the word is no text.
fn unquoted_title(phrase: &MessagePhrase) -> Option<String> {
    const FILLERS: [&str; 14] = [
        "改成", "改为", "改", "换成", "换为", "设为", "设成", "叫做", "叫", "写着", "内容", "为",
        "是", "：",
    ];
    if phrase.has(REMOVE) || phrase.has(LOOKS) {
        return None;
    }
    let given = phrase.has(GIVE_TITLE);
    if let Some((before, text)) = phrase.raw.split_once("标题") {
        let mut text = text.trim();
        while let Some(rest) = FILLERS.iter().find_map(|filler| text.strip_prefix(filler)) {
            text = rest.trim();
        }
        let given = given || (before.is_empty() && phrase.plain.contains("标题:"));
        return (given && !text.is_empty()).then(|| text.to_owned());
    }
    let words: Vec<&str> = phrase.raw.split_whitespace().collect();
    let is_name = |word: &&str| MessagePhrase::new(word.trim_end_matches([':', '：'])).is(TITLES);
    let at = words.iter().position(is_name)?;
    let is_filler = |word: &&&str| {
        MessagePhrase::new(word).is("to saying that says reading with the text of card")
    };
    let text: Vec<&str> = words[at + 1..].iter().skip_while(is_filler).copied().collect();
    let given = given || words[at].ends_with([':', '：']);
    (given && !text.is_empty()).then(|| text.join(" "))
}

fn volume(phrase: &MessagePhrase) -> Option<Edit> {
    use VolumeChange::{By, To};
    let of = audio(phrase);
    let share = phrase.share();
    // "Lower it by 30 %" and "lower it to 30 %": in Chinese only "to" has a word.
    let by = phrase.has("by") || (phrase.plain.contains(is_han) && !phrase.has(TO));
    let by_share = share.filter(|_| by);
    let down = |share: Option<f64>| By(share.map_or(1.0 / VOLUME_STEP, |s| (1.0 - s).max(0.0)));
    let up = |share: Option<f64>| By(share.map_or(VOLUME_STEP, |share| 1.0 + share));
    let change = if phrase.has(UNMUTE) {
        To(1.0)
    } else if phrase.has(MUTE) {
        To(0.0)
    } else if phrase.has(LOUDER) {
        up(share)
    } else if phrase.has(QUIETER) {
        down(share)
    } else if (of.is_none() && !phrase.has(AUDIO)) || phrase.has(PACE) {
        return None;
    } else if phrase.has(DOWN) && (share.is_none() || by) {
        down(by_share)
    } else if phrase.has(UP) && (share.is_none() || by) {
        up(by_share)
    } else {
        To(share?)
    };
    Some(Edit::SetVolume { of: of.unwrap_or(AudioTarget::All), change })
}

fn audio(phrase: &MessagePhrase) -> Option<AudioTarget> {
    if phrase.has(MUSIC) {
        Some(AudioTarget::Music)
    } else {
        phrase.has(VOICE).then_some(AudioTarget::Voiceover)
    }
}

fn track(phrase: &MessagePhrase) -> Option<Edit> {
    if !phrase.has(REMOVE) {
        return None;
    }
    if phrase.has("track 轨")
        && let Some(number) = phrase.ordinal()
    {
        return Some(Edit::RemoveTrack(number));
    }
    // "Cut the last 5 s of the music" is about time.
    if !phrase.times().is_empty() {
        return None;
    }
    Some(Edit::Remove(match audio(phrase)? {
        AudioTarget::Music => TrackRole::Music,
        _ => TrackRole::Voiceover,
    }))
}

fn music(phrase: &MessagePhrase) -> Option<Edit> {
    (phrase.has(MUSIC) && phrase.has(ADD_MUSIC)).then_some(Edit::AddMusic)
}

fn length(phrase: &MessagePhrase) -> Option<Edit> {
    // Two times are a range, and only the ends of a video can be cut off.
    let &[time] = phrase.times().as_slice() else { return None };
    let (cuts, to) = (phrase.has(CUT), phrase.has(TO));
    if cuts && !to && phrase.has(AT_END) {
        Some(Edit::CutEnd(time))
    } else if cuts && !to && phrase.has(AT_START) {
        Some(Edit::CutStart(time))
    } else if (cuts && (to || phrase.has("at after"))) || phrase.has(LENGTH) {
        Some(Edit::TrimTo(time))
    } else {
        // "Cut 5 seconds" does not say which ones.
        None
    }
}

fn background(phrase: &MessagePhrase) -> Option<Edit> {
    let is_meant = phrase.has(BACKGROUND);
    if phrase.has(IMAGES) && (is_meant || phrase.has(SHOW_IMAGE)) {
        return Some(Edit::SetImage);
    }
    let palette = palette(phrase).filter(|_| is_meant || phrase.has(MOODS));
    palette.map(Edit::SetPalette)
}

fn voice_change(phrase: &MessagePhrase) -> Option<VoiceChange> {
    let slows_down = phrase.has("slow") && phrase.has("down");
    let speeds_up = phrase.has("speed") && phrase.has("up");
    // Whether "fast" may describe speech: "set up quickly" does not, nor does a number alone.
    let other = phrase.has(NOT_SPOKEN) || (phrase.has("up down") && !slows_down && !speeds_up);
    let number = matches!(phrase.words.as_slice(), [word] if word.parse::<f32>().is_ok());
    let of_speech = !number && (phrase.has(PACE) || phrase.has(VOICE) || !other);
    let pace = if !of_speech {
        None
    } else if phrase.has(SLOWER) || slows_down {
        Some(PaceChange::By(1.0 / PACE_STEP))
    } else if phrase.has(FASTER) || speeds_up {
        Some(PaceChange::By(PACE_STEP))
    } else {
        pace(phrase).map(PaceChange::To)
    };
    let change = VoiceChange { gender: gender(phrase), language: language(phrase), pace };
    (change != VoiceChange::default()).then_some(change)
}

/// The language of a script by its characters, which identify those of East Asia.
pub(crate) fn language_of_characters(script: &str) -> Option<&'static str> {
    let count = |is: fn(char) -> bool| script.chars().filter(|c| is(*c)).count();
    let kana = count(|c| matches!(c, '\u{3040}'..='\u{30ff}'));
    let hangul = count(|c| matches!(c, '\u{ac00}'..='\u{d7a3}'));
    let letters = count(char::is_alphabetic);
    let is_eastern = letters > 0 && (kana + hangul + count(is_han)) * 3 > letters;
    is_eastern.then_some(match (kana, hangul) {
        (0, 0) => "zh-CN",
        (_, 0) => "ja-JP",
        _ => "ko-KR",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_music_sets_no_other_option() {
        for name in ["rain.mp3", "male, slow. Captions: off.mp3", "ocean background 9:16.wav"] {
            let order = format!("Background music: the uploaded file \"{name}\".");
            assert_eq!(VoiceoverOptions::parse(&order), VoiceoverOptions::default(), "{name}");
        }
        let options = VoiceoverOptions::parse("背景音乐：上传的“慢.mp3”。背景：海洋。");
        assert_eq!(options.background.as_deref(), Some("ocean"));
    }

    #[test]
    fn options_in_prose_are_read() {
        let options = VoiceoverOptions::parse(
            "Create a vertical video in German, in a male voice, slowly, titled 'Hallo' and without captions on an ocean background",
        );
        let expected = VoiceoverOptions {
            gender: Some(Gender::Male),
            language: Some("de-DE".to_owned()),
            pace: Some(0.85),
            aspect: Some(Aspect::Portrait),
            captions: Some(false),
            title: Some("Hallo".to_owned()),
            background: Some("ocean".to_owned()),
        };
        assert_eq!(options, expected);
        let language = |order| VoiceoverOptions::parse(order).language;
        assert_eq!(language("Narrate this script about German cars"), None);
        assert_eq!(language("Language: Klingon").as_deref(), Some("Klingon"));
        let options = VoiceoverOptions::parse("a French female voice at 1.5x");
        assert_eq!(options.pace, Some(1.5));
        assert_eq!(options.language.as_deref(), Some("fr-FR"));
    }

    #[test]
    fn options_in_chinese_are_read() {
        let expected = VoiceoverOptions {
            gender: Some(Gender::Female),
            language: Some("de-DE".to_owned()),
            pace: Some(1.2),
            aspect: Some(Aspect::Portrait),
            captions: Some(false),
            title: Some("天空：为什么，怎么会".to_owned()),
            background: Some("ocean".to_owned()),
        };
        for order in [
            "给这段文字配音，用女声，用德语，竖屏，语速1.2倍，标题“天空：为什么，怎么会”，不要字幕，蓝色背景",
            "声音：女。语言：德语。比例：9：16。语速：1.2。字幕：关。标题：“天空：为什么，怎么会”。背景：海洋。",
        ] {
            assert_eq!(VoiceoverOptions::parse(order), expected, "{order}");
        }
        let options = VoiceoverOptions::parse("语速慢一点，字幕开");
        assert_eq!((options.pace, options.captions), (Some(0.85), Some(true)));
        for prose in ["尽快做一个快乐的视频", "做一个介绍德语和女王的视频"] {
            assert_eq!(VoiceoverOptions::parse(prose), VoiceoverOptions::default(), "{prose}");
        }
    }
}
