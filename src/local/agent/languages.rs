//! Languages by their names, in sentences, and by the characters of a script.

use super::phrase::{Clause, is_han};

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
    ("美式英语", "en-US"),
    ("英式英语", "en-GB"),
    ("英语", "en-US"),
    ("英文", "en-US"),
    ("德语", "de-DE"),
    ("德文", "de-DE"),
    ("法语", "fr-FR"),
    ("法文", "fr-FR"),
    ("西班牙语", "es-ES"),
    ("西语", "es-ES"),
    ("意大利语", "it-IT"),
    ("粤语", "yue"),
    ("中文", "zh-CN"),
    ("汉语", "zh-CN"),
    ("普通话", "zh-CN"),
    ("日语", "ja-JP"),
    ("日文", "ja-JP"),
    ("韩语", "ko-KR"),
    ("葡萄牙语", "pt-PT"),
    ("荷兰语", "nl-NL"),
    ("波兰语", "pl-PL"),
    ("俄语", "ru-RU"),
    ("阿拉伯语", "ar"),
    ("印地语", "hi-IN"),
    ("土耳其语", "tr-TR"),
];

/// A language by its name, all of the text.
pub(super) fn named(text: &str) -> Option<String> {
    let text = text.trim();
    LANGUAGES.iter().find(|(name, _)| *name == text).map(|(_, tag)| (*tag).to_owned())
}

/// Whether an English word is a language, part of the name of one, or a tag in lower case.
pub(super) fn is_named_with(word: &str) -> bool {
    let is_tag = || {
        let parts = word.split_once('-');
        parts.is_some_and(|(language, region)| {
            [language, region].iter().all(|part| part.len() == 2 && part.is_ascii())
        })
    };
    LANGUAGES.iter().any(|(name, _)| name.split(' ').any(|part| part == word)) || is_tag()
}

/// How many bytes of a Chinese text are the name of a language that it begins with.
pub(super) fn prefix(text: &str) -> Option<usize> {
    let names = LANGUAGES.iter().map(|(name, _)| name).filter(|name| name.contains(is_han));
    names.filter(|name| text.starts_with(**name)).map(|name| name.len()).max()
}

/// A language where the sentence makes it one: `in German`, `用德语`, `a French voice`, `en-GB`.
/// One that is merely mentioned, as in a script *about* German cars, is not meant.
pub(super) fn meant_in(clause: &Clause) -> Option<String> {
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
        if name.contains(is_han) {
            let before = ["用", "说", "讲", "成", "为", "语言", "语言:", "语言是"];
            let after = ["配音", "朗读", "解说", "旁白", "男声", "女声", "的男声", "的女声"];
            return before.iter().any(|word| clause.plain.contains(&format!("{word}{name}")))
                || after.iter().any(|word| clause.plain.contains(&format!("{name}{word}")))
                || clause.is(&[name]);
        }
        text.trim_end().trim_end_matches(" please").trim() == name
            || before.iter().any(|word| text.contains(&format!(" {word} {name} ")))
            || after.iter().any(|word| text.contains(&format!(" {name} {word} ")))
            || text.contains(&format!(" {name} male voice "))
            || text.contains(&format!(" {name} female voice "))
    };
    LANGUAGES.iter().find(|(name, _)| meant(name)).map(|(_, tag)| (*tag).to_owned())
}

/// The language of a script that its characters tell: those of the far east do.
pub(super) fn of_characters(script: &str) -> Option<&'static str> {
    let count = |is: fn(char) -> bool| script.chars().filter(|c| is(*c)).count();
    let kana = count(|c| matches!(c, '\u{3040}'..='\u{30ff}'));
    let hangul = count(|c| matches!(c, '\u{ac00}'..='\u{d7a3}'));
    let letters = count(char::is_alphabetic);
    let tells = (kana + hangul + count(is_han)) * 3 > letters;
    (tells && letters > 0).then_some(match (kana, hangul) {
        (0, 0) => "zh-CN",
        (_, 0) => "ja-JP",
        _ => "ko-KR",
    })
}
