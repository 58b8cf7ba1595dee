//! What the agent says, in Chinese.

use std::time::Duration;

use super::{Said, Unreadable, hundredths, percent, tenths};
use crate::draft::TrackRole;
use crate::local::agent::edits::{Heard, Level};
use crate::local::engine::{Failure, Gender};
use crate::protocol::Aspect;

pub(super) fn words(said: &Said) -> String {
    match said {
        Said::Speaking => "正在为您配音……".to_owned(),
        Said::OnIt => "正在处理……".to_owned(),
        Said::GoingBack => "正在撤销……".to_owned(),
        Said::RawClip(length) => {
            format!("初版视频已生成（{}），正在做后期……", seconds(*length))
        }

        Said::Ready { sentences, length } => {
            format!("您的配音视频已完成：{sentences} 句，{}。", seconds(*length))
        }
        Said::ClipReady { sentences, length } => {
            format!("您的 {}视频（{sentences} 句）已完成。", seconds(*length))
        }
        Said::SpokenAgain { delivery, length } => format!(
            "已重新配音：{}，{}，语速 {} 倍，{}。",
            delivery.language,
            gender(delivery.gender),
            hundredths(delivery.pace),
            seconds(*length)
        ),
        Said::TitleAdded { text, from, to } => {
            format!("已添加标题“{text}”（{} 到 {}）。", seconds(*from), seconds(*to))
        }
        Said::TitleChanged(text) => format!("标题已改为“{text}”。"),
        Said::TitleMissed(text) => format!("原来没有标题，已添加“{text}”。"),
        Said::Captions(true) => "字幕已开启。".to_owned(),
        Said::Captions(false) => "字幕已关闭。".to_owned(),
        Said::MusicPlays(name) => format!("“{name}”已设为背景音乐。"),
        Said::Volume { of, level } => {
            let name = heard(*of);
            match level {
                Level::To(0.0) => format!("{name}已静音。"),
                Level::To(volume) => format!("{name}音量已调到 {}。", percent(*volume)),
                Level::By(factor) if *factor > 1.0 => format!("{name}已调大。"),
                Level::By(_) => format!("{name}已调小。"),
            }
        }
        Said::FullVolume { of, asked } => {
            format!("{}音量已调到 100%：最大就是 100%，没有 {}。", heard(*of), percent(*asked))
        }
        Said::EndsAfter(time) => format!("视频已裁剪到 {}。", seconds(*time)),
        Said::EndCut { cut, left } => {
            format!("已剪掉最后 {}，还剩 {}。", seconds(*cut), seconds(*left))
        }
        Said::StartCut { cut, left } => {
            format!("已剪掉开头 {}，还剩 {}。", seconds(*cut), seconds(*left))
        }
        Said::TrackRemoved(number) => format!("已删除第 {number} 轨。"),
        Said::Removed(role) => format!("已删除{}。", track(role)),
        Said::Shape(aspect) => format!("视频已换成{}。", shape(*aspect)),
        Said::PictureShown(name) => format!("“{name}”已设为背景。"),
        Said::Palette(name) => format!("背景已换成{}渐变。", palette(name)),
        Said::Undone { steps: 1, all: false } => "已撤销。".to_owned(),
        Said::Undone { steps, all: false } => format!("已撤销最近 {steps} 步。"),
        Said::Undone { steps, all: true } => format!("已撤销全部 {steps} 步，没有更多了。"),

        Said::FilmOver(length) => format!("视频只到 {}为止。", seconds(*length)),
        Said::FilmShort(length) => format!("视频总共只有 {}。", seconds(*length)),
        Said::Negative(number) => format!("“{number}”小于零，请去掉负号。"),
        Said::NothingLeft => "那样视频就什么都不剩了。".to_owned(),
        Said::NothingForCaptions => "还没有配音，没有可显示的字幕。".to_owned(),
        Said::NoMusic => {
            "我没有自带的音乐：请先把声音文件（MP3、WAV、M4A 或 AAC）拖拽到素材面板。".to_owned()
        }
        Said::NoPicture => {
            "还没有图片：请先把图片（JPG、PNG、GIF 或 WebP）拖拽到素材面板。".to_owned()
        }
        Said::NoTrack { number, tracks } => {
            format!("没有第 {number} 轨，时间轴上共有 {tracks} 轨。")
        }
        Said::NoneOf(role) => format!("时间轴上没有{}。", track(role)),
        Said::NoSound(of) => format!("时间轴上没有{}。", heard(*of)),
        Said::AsLoudAsItGets(of) => format!("{}已经是最大音量。", heard(*of)),
        Said::SameVolume { of, volume: 0.0 } => format!("{}已经是静音。", heard(*of)),
        Said::SameVolume { of, volume } => {
            format!("{}音量已经是 {}。", heard(*of), percent(*volume))
        }
        Said::Silent(of) => format!("{}已经没有声音。", heard(*of)),
        Said::SpeakAgainFirst => "这需要重新配音。".to_owned(),
        Said::NothingSpoken => "还没有配音。".to_owned(),
        Said::NothingToEdit => "还没有可编辑的视频：请先给我文稿，写在“脚本：”后面。".to_owned(),
        Said::NothingToUndo => "没有可撤销的修改。".to_owned(),
        Said::NoScript => {
            "还没有文稿：请写在“脚本：”后面，或把 TXT、DOCX 文件拖拽到素材面板。".to_owned()
        }
        Said::NoUploadedScript => {
            "还没有文稿上传：请先把 TXT、DOCX 文件拖拽到素材面板，或写在“脚本：”后面。".to_owned()
        }
        Said::Unreadable { name, why } => {
            let why = match why {
                Unreadable::TooLong => "文字超过 4 MB",
                Unreadable::NotUtf8 => "不是 UTF-8 文本，请另存为 UTF-8",
                Unreadable::NotDocx => "不是 DOCX 文件",
                Unreadable::NoText => "里面没有文字，它是 DOCX 吗？",
                Unreadable::Other(reason) => reason,
            };
            format!("无法读取文稿“{name}”：{why}。")
        }
        Said::NoVoice { language, languages, .. } => {
            format!("没有语言“{language}”的配音。可用的语言：{}。", languages.join("、"))
        }
        Said::Failed(failure) => failed(failure),
        Said::ClauseNotUnderstood(clause) => format!("我没听懂“{clause}”。"),
        Said::NothingCharged => "没有扣除积分。".to_owned(),
        Said::NothingChangedOrCharged => "没有做任何改动，也没有扣除积分。".to_owned(),

        Said::NotUnderstood => "我没听懂：我只是一段懂几句话的程序，不是模型。没有做任何改动，\
                                也没有扣除积分。"
            .to_owned(),
        Said::Help => HELP.join("\n"),
        Said::Noise => "我遇到了一个临时问题。".to_owned(),
    }
}

const HELP: [&str; 9] = [
    "我能听懂：",
    "- 给这段文字配音。声音：男声。语言：英语。比例：9:16。字幕：关。语速：1.2。标题：“……”。\
     然后写“脚本：”和文稿；也可以上传 TXT 或 DOCX，再说：把上传的文稿做成视频。",
    "- 从2秒到5秒加标题“早晨咖啡”，改标题，删标题",
    "- 打开字幕，关闭字幕",
    "- 加背景音乐（您上传的声音），音乐音量20%，配音静音",
    "- 裁剪到30秒，剪掉最后5秒，删除第3轨",
    "- 换成竖屏、横屏或方形",
    "- 用我上传的图片做背景，或换成这些背景：黄昏、海洋、森林、余烬、石板",
    "- 换成男声，用德语，语速慢一点；撤销",
];

/// What the engine says of itself is English; what a user can do something about is not.
fn failed(failure: &Failure) -> String {
    match failure.code {
        "EMPTY_SCRIPT" => "没有可朗读的内容：文稿里没有文字。".to_owned(),
        "UNSUPPORTED_CHARACTERS" => {
            // The characters are what the engine quotes.
            let missing = failure.message.split(['“', '”']).nth(1).unwrap_or_default();
            format!(
                "字体里没有“{missing}”，无法显示：请换一个包含这些字符的字体文件（TTF 或 OTF）。"
            )
        }
        _ => format!("制作失败：{}", failure.message),
    }
}

fn heard(of: Heard) -> &'static str {
    match of {
        Heard::Music => "音乐",
        Heard::Voiceover => "配音",
        Heard::Everything => "声音",
    }
}

fn track(role: &TrackRole) -> &str {
    match role {
        TrackRole::Title => "标题",
        TrackRole::Captions => "字幕",
        TrackRole::Music => "音乐",
        TrackRole::Voiceover => "配音",
        TrackRole::Background => "背景",
        other => other.as_str(),
    }
}

fn gender(gender: Gender) -> &'static str {
    match gender {
        Gender::Female => "女声",
        Gender::Male => "男声",
    }
}

fn shape(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::Landscape => "横屏",
        Aspect::Portrait => "竖屏",
        Aspect::Square => "方形",
    }
}

fn palette(name: &str) -> &str {
    match name {
        "dusk" => "黄昏",
        "ocean" => "海洋",
        "forest" => "森林",
        "ember" => "余烬",
        "slate" => "石板",
        other => other,
    }
}

fn seconds(time: Duration) -> String {
    format!("{} 秒", tenths(time))
}
