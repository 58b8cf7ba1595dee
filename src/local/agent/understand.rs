//! A message → what is asked for. The order of the questions matters: a script may hold any
//! sentence, so it is looked for first.

use super::answers::Tongue;
use super::edits::{Edit, edit};
use super::order::Manner;
use super::phrase::{Clause, clauses, is_han};
use super::script;
use super::settings::{Settings, settings};

/// What a message asks for, and the language in which it asks.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::local) struct Asked {
    pub(super) wish: Wish,
    pub(super) tongue: Tongue,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::local) enum Wish {
    /// Speak a script.
    Voiceover { script: Script, settings: Settings },
    /// Change the draft. Clauses that were not understood are named to the user.
    Edits { edits: Vec<Edit>, not_understood: Vec<String> },
    /// Take back the last turns.
    Undo(usize),
    /// Say what can be done.
    Help,
    /// None of these.
    Unknown,
}

/// Where the script of a voiceover is.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::local) enum Script {
    /// In the message.
    Told(String),
    /// In a file, so it is said: another script is not meant.
    Uploaded,
    /// Nobody says: the uploaded one, or the one spoken before.
    Known,
}

pub(in crate::local) fn understand(message: &str) -> Asked {
    if let Some((order, script)) = script::split(message) {
        // A script may be in any language; what is before it is how the user speaks.
        let before = message.trim().strip_suffix(script.as_str()).unwrap_or(message);
        let wish = Wish::Voiceover { script: Script::Told(script), settings: settings(&order) };
        return Asked { wish, tongue: Tongue::of(&Clause::new(before)) };
    }
    let whole = Clause::new(message);
    Asked { wish: wish(message, &whole), tongue: Tongue::of(&whole) }
}

fn wish(message: &str, whole: &Clause) -> Wish {
    const UPLOADED: &[&str] = &[
        "upload", "uploaded", "attached", "file", "document", "docx", "txt", "上传", "文件", "文档",
    ];
    const UNDO: &[&str] = &[
        "undo",
        "revert",
        "take that back",
        "撤销",
        "取消上一步",
        "撤消",
        "撤回",
        "回退",
        "回到上一步",
    ];
    const HELP: &[&str] = &[
        "what can you",
        "what do you understand",
        "你能做什么",
        "你会做什么",
        "你会什么",
        "能帮我做什么",
        "怎么用",
    ];
    let clauses = clauses(message);
    let manners: Vec<Manner> = clauses.iter().map(Manner::of).collect();
    if whole.has(UNDO) && !manners.contains(&Manner::Prose) {
        return Wish::Undo(match whole.count() {
            Some(times) => times.max(1),
            None if whole.has(&["twice"]) => 2,
            None if whole.has(&["everything", "all", "全部", "所有"]) => usize::MAX,
            None => 1,
        });
    }
    if whole.has(HELP) || whole.is(&["help", "帮助", "使用帮助"]) {
        return Wish::Help;
    }
    // The order is what it begins with; what follows are settings, and some may be unknown here.
    let first = manners.iter().find(|manner| **manner != Manner::Courtesy);
    if is_voiceover(whole) && first.is_some_and(|manner| manner.asks()) {
        let script = if whole.has(UPLOADED) { Script::Uploaded } else { Script::Known };
        return Wish::Voiceover { script, settings: settings(message) };
    }
    let meant = meant(&clauses, &manners);
    let mut edits = Vec::new();
    let mut not_understood = Vec::new();
    let mut verb = "";
    for (at, clause) in clauses.iter().enumerate() {
        if manners[at] == Manner::Courtesy {
            continue;
        }
        if !meant[at] {
            not_understood.push(clause.raw.clone());
            continue;
        }
        let understood = match verb_of(clause) {
            Some(own) => {
                verb = own;
                edit(clause)
            }
            None => {
                // "把标题和字幕删掉": the verb comes last, and is that of the next clause.
                let next = clauses.get(at + 1).and_then(verb_of);
                let first = clause.plain.trim_start().starts_with(['把', '将']);
                let borrowed = if first { next.unwrap_or(verb) } else { verb };
                edit(&Clause::new(&format!("{borrowed} {}", clause.raw))).or_else(|| edit(clause))
            }
        };
        match understood {
            Some(Edit::Speak(speech)) => merge_speech(&mut edits, speech),
            Some(edit) => edits.push(edit),
            None => match retimed(&clauses[..at], clause, edits.last()) {
                Some(title) => {
                    edits.pop();
                    edits.push(title);
                }
                None => not_understood.push(clause.raw.clone()),
            },
        }
    }
    let told = manners.iter().filter(|manner| **manner == Manner::Prose).count();
    // A text in which something sounds like an order is a text.
    let is_prose = told > clauses.len() - told;
    if edits.is_empty() || is_prose { Wish::Unknown } else { Wish::Edits { edits, not_understood } }
}

/// Which clauses may be acted on. A setting alone is an order where nothing but orders stands beside
/// it, or where it goes on with one: "remove the title and the captions".
fn meant(clauses: &[Clause], manners: &[Manner]) -> Vec<bool> {
    let prose = manners.contains(&Manner::Prose);
    let mut after_order = false;
    let each = clauses.iter().zip(manners).map(|(clause, manner)| {
        let meant = match manner {
            Manner::Order => true,
            Manner::Setting => !prose || after_order || verb_of(clause).is_some(),
            Manner::Courtesy => return false,
            Manner::Prose => false,
        };
        after_order = meant;
        meant
    });
    each.collect()
}

/// "Add a title 'T', from 2 to 5 seconds": the times belong to the title before.
fn retimed(before: &[Clause], clause: &Clause, last: Option<&Edit>) -> Option<Edit> {
    let title = before.last().filter(|_| matches!(last, Some(Edit::AddTitle { .. })))?;
    let both = Clause::new(&format!("{} {}", title.raw, clause.raw));
    edit(&both).filter(|edit| {
        matches!(edit, Edit::AddTitle { .. }) && !clause.times().is_empty() && Some(edit) != last
    })
}

/// The verb that a clause has of its own. A clause without one has that of the clause before:
/// "remove the title and the captions".
fn verb_of(clause: &Clause) -> Option<&'static str> {
    const VERBS: &[&str] = &[
        "add", "remove", "delete", "drop", "mute", "make", "set", "change", "turn", "use", "put",
        "trim", "cut", "show", "hide",
    ];
    const CHINESE_VERBS: &[&str] = &[
        "删除", "删掉", "删", "去掉", "移除", "不要", "静音", "添加", "加上", "加", "改成", "改为",
        "换成", "改", "换", "设", "调", "用", "剪掉", "裁剪", "剪", "裁", "显示", "隐藏", "打开",
        "关闭", "关掉", "关", "开",
    ];
    let first = clause.words.first()?;
    let english = VERBS.iter().find(|verb| *verb == first);
    let chinese = || CHINESE_VERBS.iter().find(|verb| clause.plain.contains(**verb));
    english.or_else(chinese).copied()
}

/// "In German and slower" is spoken once.
fn merge_speech(edits: &mut Vec<Edit>, speech: super::edits::Speech) {
    let known = edits.iter_mut().find_map(|edit| match edit {
        Edit::Speak(speech) => Some(speech),
        _ => None,
    });
    match known {
        Some(known) => {
            known.gender = speech.gender.or(known.gender);
            known.pace = speech.pace.or(known.pace);
            known.language = speech.language.or_else(|| known.language.take());
        }
        None => edits.push(Edit::Speak(speech)),
    }
}

/// A voiceover is asked for, and the script is elsewhere.
fn is_voiceover(message: &Clause) -> bool {
    const MAKE: &[&str] = &[
        "make", "create", "generate", "produce", "turn", "convert", "narrate", "read", "record",
        "speak", "redo", "voice", "please", "can", "could",
    ];
    const SCRIPTS: &[&str] =
        &["script", "document", "docx", "txt", "文稿", "脚本", "文档", "文案", "稿子"];
    const FILES: &[&str] = &["file", "upload", "uploaded", "text", "文件", "上传", "文字", "文本"];
    const FILMS: &[&str] =
        &["video", "film", "clip", "movie", "voiceover", "narration", "视频", "短片", "影片"];
    const OTHER_FILES: &[&str] =
        &["picture", "image", "photo", "music", "song", "图", "照片", "音乐", "歌"];
    const CHINESE_MAKE: &[&str] = &[
        "做",
        "制作",
        "生成",
        "转成",
        "转换",
        "变成",
        "创建",
        "重新",
        "再配",
        "再朗",
        "再读",
        "再念",
        "来一段",
        "来个",
        "录",
    ];
    const SPEECH: &[&str] = &["配音", "朗读", "解说", "旁白", "读", "念"];
    const OTHER_WORK: &[&str] = &[
        "删",
        "去掉",
        "移除",
        "不要",
        "静音",
        "音量",
        "大声",
        "小声",
        "换成",
        "改成",
        "调",
        "大一点",
        "小一点",
    ];
    let text = message.words.join(" ");
    let new = ["a", "an", "another", "new"].iter().any(|article| {
        text.contains(&format!("{article} voiceover"))
            || text.contains(&format!("{article} narrat"))
    });
    let starts = message.words.first().is_some_and(|word| MAKE.contains(&word.as_str()));
    let file = message.has(FILES) && message.has(FILMS) && !message.has(OTHER_FILES);
    let narrate = matches!(message.words.as_slice(), [verb, ..] if verb == "narrate")
        || text.starts_with("read it aloud");
    let english = narrate
        || (starts && new)
        || (starts && (message.has(SCRIPTS) || file))
        || ["voiceover", "voice-over", "voice over"].contains(&text.as_str());
    let make = message.has(CHINESE_MAKE) && !message.has(OTHER_WORK);
    let speech = message.has(SPEECH);
    let chinese = (make && (speech || message.has(SCRIPTS) || file))
        || (speech && message.has(SCRIPTS) && !message.has(OTHER_WORK))
        || message.is(&["配音", "朗读"]);
    english || (message.plain.contains(is_han) && chinese)
}

#[cfg(test)]
mod both_tongues;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::edits::{Heard, Level, Pace, Speech};
    use super::*;
    use crate::draft::TrackRole;
    use crate::local::engine::Gender;
    use crate::protocol::Aspect;

    fn script_of(message: &str) -> Option<String> {
        match understand(message).wish {
            Wish::Voiceover { script: Script::Told(script), .. } => Some(script),
            Wish::Voiceover { .. } => None,
            other => panic!("{message}: {other:?}"),
        }
    }

    #[test]
    fn a_script_comes_through_whole() {
        let script =
            "He said: \"Export it.\"\n\nScript: a word with a past.\nUndo? Mute the music!";
        for order in [
            "Make a voiceover of this script. Voice: male. Language: en-US. Title: \"Why\".\n\nScript:\n",
            "Create a narrated video from this script: ",
            "Please create a narrated 9:16 video in German from this script, slowly: ",
            "narrate: ",
            "narrate, title 'Sky': ",
            "Narrate this in a male voice: ",
            "voiceover: ",
            "Voice over:\n",
            "Read this aloud, portrait: ",
            "Make a voiceover of this script\n\n",
            "Make a voiceover.\nVoice: male\nCaptions: off\n\n",
            "给这段文字配音：",
            "Script:\n",
            "Turn this text into a video: ",
        ] {
            assert_eq!(script_of(&format!("{order}{script}")).as_deref(), Some(script), "{order}");
        }
        assert_eq!(script_of("narrate: download our app").as_deref(), Some("download our app"));
        assert_eq!(
            script_of(r#"Read "Good morning." in a male voice"#).as_deref(),
            Some("Good morning.")
        );
        assert_eq!(script_of("Make a voiceover of this script.\n\nScript:\n").as_deref(), Some(""));
    }

    #[test]
    fn the_order_around_a_script_is_read() {
        let Wish::Voiceover { settings, .. } =
            understand("Narrate this in a male voice, portrait, at 1.2x: In German, slowly.").wish
        else {
            panic!("no voiceover");
        };
        assert_eq!(settings.gender, Some(Gender::Male));
        assert_eq!(settings.aspect, Some(Aspect::Portrait));
        assert_eq!(settings.pace, Some(1.2));
        assert_eq!(settings.language, None);
    }

    #[test]
    fn an_order_with_music_is_read_whole() {
        let order = "Voice: male. Language: en-US. Aspect ratio: 9:16. Captions: off. Pace: 1.5. \
            Background music: the uploaded file \"Undo? Script: no.mp3\". Title: \"Why\".";
        let spoken =
            format!("Make a voiceover video of this script. {order}\n\nScript:\nTea, \"hot\".");
        let uploaded = format!("Make a voiceover video of the uploaded script. {order}");
        let told = Script::Told("Tea, \"hot\".".to_owned());
        for (message, expected) in [(spoken, told), (uploaded, Script::Uploaded)] {
            let Wish::Voiceover { script, settings } = understand(&message).wish else {
                panic!("{message}");
            };
            assert_eq!(script, expected, "{message}");
            assert_eq!(settings.gender, Some(Gender::Male));
            assert_eq!(settings.language.as_deref(), Some("en-US"));
            assert_eq!(settings.aspect, Some(Aspect::Portrait));
            assert_eq!(settings.captions, Some(false));
            assert_eq!(settings.pace, Some(1.5));
            assert_eq!(settings.title.as_deref(), Some("Why"));
        }
    }

    #[test]
    fn the_script_may_be_elsewhere() {
        for message in [
            "Turn the uploaded script into a video",
            "Turn the uploaded script into a square video. Title: \"Sky\".",
            "make a film of the file I uploaded",
            "Make a portrait voiceover of the uploaded document. Voice: male.",
            "create a voiceover",
            "narrate it slowly",
            "Read the script again in German",
        ] {
            assert_eq!(script_of(message), None, "{message}");
        }
    }

    #[test]
    fn edits_are_understood() {
        let seconds = Duration::from_secs;
        let title = |text: &str, from, to| Edit::AddTitle {
            text: text.to_owned(),
            from: seconds(from),
            to: seconds(to),
        };
        let speak = |gender, pace| Edit::Speak(Speech { gender, pace, language: None });
        let level = |of, level| Edit::Volume { of, level };
        for (message, edits) in [
            ("add a title 'Morning Brew'", vec![title("Morning Brew", 0, 3)]),
            (
                "Add the title \"Cut: the end\" from 2 to 5 seconds.",
                vec![title("Cut: the end", 2, 5)],
            ),
            ("add a title Morning Brew", vec![title("Morning Brew", 0, 3)]),
            ("change the title to 'New'", vec![Edit::ChangeTitle("New".to_owned())]),
            (
                "remove the title and the captions",
                vec![Edit::Remove(TrackRole::Title), Edit::Captions(false)],
            ),
            ("turn captions off", vec![Edit::Captions(false)]),
            ("show the subtitles", vec![Edit::Captions(true)]),
            ("add background music", vec![Edit::AddMusic]),
            ("use the uploaded song as music", vec![Edit::AddMusic]),
            ("set the music to 20%", vec![level(Heard::Music, Level::To(0.2))]),
            ("mute the music", vec![level(Heard::Music, Level::To(0.0))]),
            (
                "set the voiceover volume to 80 percent",
                vec![level(Heard::Voiceover, Level::To(0.8))],
            ),
            ("trim to 30 seconds", vec![Edit::TrimTo(seconds(30))]),
            ("make it 1:30 long", vec![Edit::TrimTo(seconds(90))]),
            ("cut the last 5 seconds", vec![Edit::CutEnd(seconds(5))]),
            ("cut the first 2s", vec![Edit::CutStart(seconds(2))]),
            ("remove the music", vec![Edit::Remove(TrackRole::Music)]),
            ("remove track 3", vec![Edit::RemoveTrack(3)]),
            ("make it portrait", vec![Edit::Aspect(Aspect::Portrait)]),
            ("Change the aspect ratio to 1:1", vec![Edit::Aspect(Aspect::Square)]),
            ("use the uploaded picture as the background", vec![Edit::Picture]),
            ("make the background ocean", vec![Edit::Palette("ocean".to_owned())]),
            (
                "make it warmer, add a title 'Morning Brew'",
                vec![Edit::Palette("ember".to_owned()), title("Morning Brew", 0, 3)],
            ),
            ("use a male voice", vec![speak(Some(Gender::Male), None)]),
            ("make the voiceover slower", vec![speak(None, Some(Pace::By(1.0 / 1.2)))]),
            ("set the pace to 1.5", vec![speak(None, Some(Pace::To(1.5)))]),
            ("a male voice and pace 1.5", vec![speak(Some(Gender::Male), Some(Pace::To(1.5)))]),
            ("不要字幕", vec![Edit::Captions(false)]),
            ("加标题「早晨」", vec![title("早晨", 0, 3)]),
        ] {
            let wish = Wish::Edits { edits, not_understood: Vec::new() };
            assert_eq!(understand(message).wish, wish, "{message}");
        }
    }

    #[test]
    fn an_undo_says_how_far() {
        for (message, steps) in
            [("undo", 1), ("Undo that", 1), ("undo the last 3 changes", 3), ("撤销", 1)]
        {
            assert_eq!(understand(message).wish, Wish::Undo(steps), "{message}");
        }
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        assert_eq!(understand("what can you do?").wish, Wish::Help);
        for message in [
            "",
            "…",
            "What is the weather like?",
            "make me a video about cats",
            "add a status bar graphic",
            "I love it",
            "make it pop",
        ] {
            assert_eq!(understand(message).wish, Wish::Unknown, "{message}");
        }
        let Wish::Edits { edits, not_understood } =
            understand("mute the music, add fireworks").wish
        else {
            panic!("nothing understood");
        };
        assert_eq!(edits.len(), 1);
        assert_eq!(not_understood, ["add fireworks"]);
    }
}
