//! What can be said in one language can be said in the other: sentences side by side, and what
//! both ask for.

use std::time::Duration;

use proptest::prelude::*;

use super::super::answers::Tongue;
use super::super::edits::{Heard, Level, Pace, Speech};
use super::*;
use crate::draft::TrackRole;
use crate::local::engine::Gender;
use crate::protocol::Aspect;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn one(edit: Edit) -> Wish {
    some(vec![edit])
}

fn some(edits: Vec<Edit>) -> Wish {
    Wish::Edits { edits, not_understood: Vec::new() }
}

fn title(from: u64, to: u64) -> Edit {
    Edit::AddTitle { text: "T".to_owned(), from: seconds(from), to: seconds(to) }
}

fn level(of: Heard, level: Level) -> Edit {
    Edit::Volume { of, level }
}

fn speak(gender: Option<Gender>, language: Option<&str>, pace: Option<Pace>) -> Edit {
    Edit::Speak(Speech { gender, language: language.map(str::to_owned), pace })
}

fn voiceover(script: Option<&str>, settings: Settings) -> Wish {
    let script = script.map_or(Script::Known, |script| Script::Told(script.to_owned()));
    Wish::Voiceover { script, settings }
}

fn uploaded(settings: Settings) -> Wish {
    Wish::Voiceover { script: Script::Uploaded, settings }
}

/// English, Chinese, what is meant.
fn edits() -> Vec<(&'static str, &'static str, Wish)> {
    use Heard::{Everything, Music, Voiceover};
    use Level::{By, To};
    let gradient = |name: &str| one(Edit::Palette(name.to_owned()));
    let changed = || one(Edit::ChangeTitle("T".to_owned()));
    vec![
        ("add a title 'T'", "加标题“T”", one(title(0, 3))),
        ("Add the title \"T\".", "添加一个标题「T」。", one(title(0, 3))),
        ("add a title T", "加个标题叫T", one(title(0, 3))),
        ("add a title 'T' from 2 to 5 seconds", "从2秒到5秒加标题“T”", one(title(2, 5))),
        ("add a title 'T', from 2 to 5 seconds", "加标题“T”，从2秒到5秒", one(title(2, 5))),
        ("make the sound louder", "声音大一点", one(level(Everything, By(1.4)))),
        ("make the volume 80%", "把音量调到80%", one(level(Everything, To(0.8)))),
        ("turn on captions", "打开字幕", one(Edit::Captions(true))),
        ("no music", "不要音乐", one(Edit::Remove(TrackRole::Music))),
        ("pace 0.8", "语速0.8", one(speak(None, None, Some(Pace::To(0.8))))),
        ("add a title 'T' at 4 s", "在4秒加标题“T”", one(title(4, 7))),
        ("add a title 'T' for 6 seconds", "加标题“T”持续六秒", one(title(0, 6))),
        ("change the title to 'T'", "把标题改成“T”", changed()),
        ("rename the title to T", "标题改为T", changed()),
        ("remove the title", "删标题", one(Edit::Remove(TrackRole::Title))),
        ("delete the title", "把标题去掉", one(Edit::Remove(TrackRole::Title))),
        ("captions on", "字幕开", one(Edit::Captions(true))),
        ("show the subtitles", "显示字幕", one(Edit::Captions(true))),
        ("add captions", "加字幕", one(Edit::Captions(true))),
        ("captions off", "字幕关", one(Edit::Captions(false))),
        ("turn the captions off", "关闭字幕", one(Edit::Captions(false))),
        ("captions: off", "字幕：关", one(Edit::Captions(false))),
        ("no subtitles", "不要字幕", one(Edit::Captions(false))),
        ("add background music", "加背景音乐", one(Edit::AddMusic)),
        ("use the uploaded song as music", "用上传的歌做背景音乐", one(Edit::AddMusic)),
        ("set the volume to 20%", "音量20%", one(level(Everything, To(0.2)))),
        ("set the music to 35 percent", "音乐音量调到百分之三十五", one(level(Music, To(0.35)))),
        ("set the voiceover to half", "配音音量调到一半", one(level(Voiceover, To(0.5)))),
        ("mute", "静音", one(level(Everything, To(0.0)))),
        ("mute the music", "把音乐静音", one(level(Music, To(0.0)))),
        ("unmute the voiceover", "取消静音配音", one(level(Voiceover, To(1.0)))),
        ("louder", "大声一点", one(level(Everything, By(1.4)))),
        ("make the music louder", "音乐大声一点", one(level(Music, By(1.4)))),
        ("raise the music", "把音乐调大", one(level(Music, By(1.4)))),
        ("make the voice quieter", "旁白小声一点", one(level(Voiceover, By(1.0 / 1.4)))),
        ("lower the music by 50%", "音乐降低50%", one(level(Music, By(0.5)))),
        ("lower the music to 50%", "音乐降低到50%", one(level(Music, To(0.5)))),
        ("trim to 30 seconds", "裁剪到30秒", one(Edit::TrimTo(seconds(30)))),
        ("shorten it to 1:30", "缩短到1分30秒", one(Edit::TrimTo(seconds(90)))),
        ("cut the last 5 seconds", "剪掉最后5秒", one(Edit::CutEnd(seconds(5)))),
        ("remove the last five seconds", "去掉最后五秒", one(Edit::CutEnd(seconds(5)))),
        ("cut the first 2s", "剪掉开头2秒", one(Edit::CutStart(seconds(2)))),
        ("remove track 3", "删除第3轨", one(Edit::RemoveTrack(3))),
        ("delete the second track", "删除第二条音轨", one(Edit::RemoveTrack(2))),
        ("remove the music track", "删除音乐轨道", one(Edit::Remove(TrackRole::Music))),
        ("remove the music", "删除音乐", one(Edit::Remove(TrackRole::Music))),
        ("remove the voiceover", "去掉配音", one(Edit::Remove(TrackRole::Voiceover))),
        ("make it portrait", "换成竖屏", one(Edit::Aspect(Aspect::Portrait))),
        ("make it landscape", "改成横屏", one(Edit::Aspect(Aspect::Landscape))),
        ("change the aspect ratio to 1:1", "比例改成1：1", one(Edit::Aspect(Aspect::Square))),
        ("make it square", "换成方形", one(Edit::Aspect(Aspect::Square))),
        ("use my picture as the background", "用我上传的图片做背景", one(Edit::Picture)),
        ("make the background ocean", "背景换成海洋", gradient("ocean")),
        ("make it warmer", "让画面暖和一点", gradient("ember")),
        ("a male voice", "把声音换成男声", one(speak(Some(Gender::Male), None, None))),
        ("use a female voice", "换成女声", one(speak(Some(Gender::Female), None, None))),
        ("in German", "用德语", one(speak(None, Some("de-DE"), None))),
        ("slower", "语速慢一点", one(speak(None, None, Some(Pace::By(1.0 / 1.2))))),
        ("speak faster", "说快一点", one(speak(None, None, Some(Pace::By(1.2))))),
        ("set the pace to 1.2", "语速1.2倍", one(speak(None, None, Some(Pace::To(1.2))))),
        (
            "a male voice, in French and slower",
            "换成男声，用法语，慢一点",
            one(speak(Some(Gender::Male), Some("fr-FR"), Some(Pace::By(1.0 / 1.2)))),
        ),
        (
            "remove the title and the captions",
            "删除标题和字幕",
            some(vec![Edit::Remove(TrackRole::Title), Edit::Captions(false)]),
        ),
        (
            "mute the music and the voiceover",
            "把音乐和配音静音",
            some(vec![level(Music, To(0.0)), level(Voiceover, To(0.0))]),
        ),
        (
            "make it portrait, add a title 'T' and then mute the music",
            "换成竖屏，加标题“T”，然后把音乐静音",
            some(vec![Edit::Aspect(Aspect::Portrait), title(0, 3), level(Music, To(0.0))]),
        ),
        ("undo", "撤销", Wish::Undo(1)),
        ("undo the last change", "撤销上一步", Wish::Undo(1)),
        ("undo the last two changes", "撤销两步", Wish::Undo(2)),
        ("undo everything", "撤销全部修改", Wish::Undo(usize::MAX)),
        ("undo 3 changes", "撤销最近3次修改", Wish::Undo(3)),
        ("help", "帮助", Wish::Help),
        ("What can you do?", "你能做什么？", Wish::Help),
        // What is not understood is not guessed, in either language.
        ("what is the weather like?", "今天天气怎么样？", Wish::Unknown),
        ("make me a video about cats", "做一个关于猫的视频", Wish::Unknown),
        ("I love it", "我很喜欢", Wish::Unknown),
        ("the title is nice", "标题很好看", Wish::Unknown),
        ("make the captions bigger", "字幕大一点", Wish::Unknown),
        ("cut from 2 to 5 seconds", "剪掉2秒到5秒", Wish::Unknown),
        ("remove two tracks", "删除两条音轨", Wish::Unknown),
        ("cut 5 seconds", "剪掉5秒", Wish::Unknown),
        ("shorten it by 5 seconds", "缩短5秒", Wish::Unknown),
    ]
}

fn voiceovers() -> Vec<(&'static str, &'static str, Wish)> {
    let none = Settings::default;
    let male = || Settings { gender: Some(Gender::Male), ..none() };
    let portrait = || Settings { aspect: Some(Aspect::Portrait), ..none() };
    let slow = || Settings { pace: Some(0.85), ..none() };
    let german = || Settings { language: Some("de-DE".to_owned()), ..none() };
    let all = || Settings {
        gender: Some(Gender::Female),
        language: Some("fr-FR".to_owned()),
        pace: Some(1.2),
        aspect: Some(Aspect::Square),
        captions: Some(false),
        title: Some("T".to_owned()),
        background: Some("forest".to_owned()),
    };
    vec![
        ("Give this text a voiceover: S", "给这段文字配音：S", voiceover(Some("S"), none())),
        ("Read aloud: S", "朗读：S", voiceover(Some("S"), none())),
        ("Turn this text into a video: S", "把这段文字做成视频：S", voiceover(Some("S"), none())),
        ("Narrate this in a male voice: S", "用男声朗读：S", voiceover(Some("S"), male())),
        ("Read \"S\" in a male voice", "用男声朗读“S”", voiceover(Some("S"), male())),
        ("Narrate this in German: S", "用德语给这段文字配音：S", voiceover(Some("S"), german())),
        ("narrate, portrait: S", "配音，竖屏：S", voiceover(Some("S"), portrait())),
        ("narrate slowly: S", "给这段文字配音，语速慢一点：S", voiceover(Some("S"), slow())),
        (
            "Make a voiceover. Voice: female. Language: French. Pace: 1.2. Aspect: square. \
             Captions: off. Title: “T”. Background: forest.\n\nScript:\nS",
            "给这段文字配音。声音：女声。语言：法语。语速：1.2倍。比例：方形。字幕：关。标题：“T”。\
             背景：森林。\n\n脚本：\nS",
            voiceover(Some("S"), all()),
        ),
        (
            "Make a voiceover in a female voice, in French, at 1.2x, square, without captions, \
             titled “T”, on a forest background: S",
            "给这段文字配音，女声，用法语，1.2倍速，方形，不要字幕，标题“T”，森林背景：S",
            voiceover(Some("S"), all()),
        ),
        ("Turn the uploaded script into a video", "把上传的文稿做成视频", uploaded(none())),
        (
            "Turn the uploaded document into a portrait video",
            "用上传的文档生成竖屏视频",
            uploaded(portrait()),
        ),
        ("make a film of the file I uploaded", "把我上传的文件做成影片", uploaded(none())),
        ("Read the script again in German", "用德语再读一遍脚本", voiceover(None, german())),
        ("create a voiceover", "生成配音", voiceover(None, none())),
        ("Please narrate this: S", "请给下面的文字配音：S", voiceover(Some("S"), none())),
        (
            "Turn my script into a video with a male voice",
            "用男声把我的脚本做成视频",
            voiceover(None, male()),
        ),
    ]
}

#[test]
fn each_sentence_asks_for_the_same_in_both_languages() {
    let rows: Vec<_> = edits().into_iter().chain(voiceovers()).collect();
    assert!(rows.len() >= 80, "{} pairs", rows.len());
    let mut wrong = Vec::new();
    for (english, chinese, wish) in &rows {
        for (message, tongue) in [(english, Tongue::English), (chinese, Tongue::Chinese)] {
            let asked = understand(message);
            let meant = Asked { wish: wish.clone(), tongue };
            if asked != meant {
                wrong.push(format!("{message}\n  understood {asked:?}\n  meant {meant:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_chinese_script_comes_through_whole() {
    let script = "他说：“导出吧。”\n\n脚本：一个有故事的词。\n撤销？把音乐静音！";
    for order in [
        "给这段文字配音：",
        "给这段文字配音。声音：男声。标题：“为什么”。\n\n脚本：\n",
        "用女声朗读，竖屏：",
        "旁白：\n",
        "文稿：",
        "请把下面这段文字做成视频：",
        "给这段文字配音\n\n",
        "给这段文字配音。\n声音：男声\n字幕：关\n\n",
        "narrate: ",
    ] {
        let Wish::Voiceover { script: Script::Told(read), .. } =
            understand(&format!("{order}{script}")).wish
        else {
            panic!("no script after {order}");
        };
        assert_eq!(read, script, "{order}");
    }
}

#[test]
fn a_chinese_edit_with_a_quote_is_no_script() {
    for message in [
        "删掉配音，加标题“早安”",
        "把配音换成男声，标题改成“早安”",
        "配音静音，加标题叫“早安”",
        "加标题“给这段文字配音：你好”",
    ] {
        let wish = understand(message).wish;
        assert!(matches!(wish, Wish::Edits { .. }), "{message}: {wish:?}");
    }
}

#[test]
fn clauses_that_are_not_understood_are_named() {
    let Wish::Edits { edits, not_understood } = understand("把音乐静音，加烟花").wish
    else {
        panic!("nothing understood");
    };
    assert_eq!(edits, [level(Heard::Music, Level::To(0.0))]);
    assert_eq!(not_understood, ["加烟花"]);
}

proptest! {
    #[test]
    fn any_message_is_read_and_any_script_is_whole(
        text in "[a-c0-9%:.,!“”'\"\n：，。把和第标题字幕音乐静秒分一两十脚本 ]{0,40}",
    ) {
        let script = text.trim();
        understand(script);
        prop_assume!(!script.is_empty());
        let asked = understand(&format!("给这段文字配音：{text}"));
        let Wish::Voiceover { script: Script::Told(read), .. } = asked.wish else {
            panic!("no script in {text:?}");
        };
        prop_assert_eq!(read, script);
        prop_assert_eq!(asked.tongue, Tongue::Chinese);
    }
}
