//! Everything that the agent says: one table of messages in English and Chinese, the values in
//! them, and remarks about a screen that the user may not have. The service's agent assumes a
//! screen, so this one does too.

use std::time::Duration;

use crate::draft::Language;
use crate::local::engine::EngineError;

/// A message in English and in Chinese. `{}` stands for the next value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Template(&'static str, &'static str);

macro_rules! messages {
    ($($name:ident: $english:literal, $chinese:literal;)*) => {
        $(pub(crate) const $name: Template = Template($english, $chinese);)*
    };
}

// Progress.
messages! {
    SPEAKING: "Working on your voiceover…", "正在为您配音……";
    ON_IT: "On it…", "正在处理……";
    GOING_BACK: "Going back…", "正在撤销……";
    RAW_CLIP: "The raw clip is ready ({}). Now the finishing touches…",
        "初版视频已生成（{}），正在做后期……";
}

// Results.
messages! {
    READY: "Your voiceover is ready: {}, {}.", "您的配音视频已完成：{}，{}。";
    // As one clause, which a remark can follow after a comma.
    CLIP_READY: "Your {} clip of {} is ready.", "您的 {}视频（{}）已完成。";
    SPOKEN_AGAIN: "I spoke it again: {}, {}, pace {}, {}.", "已重新配音：{}，{}，语速 {} 倍，{}。";
    TITLE_ADDED: "I added the title “{}” ({}-{}).", "已添加标题“{}”（{} 到 {}）。";
    TITLE_CHANGED: "The title is now “{}”.", "标题已改为“{}”。";
    TITLE_MISSING: "There was no title, so I added “{}”.", "原来没有标题，已添加“{}”。";
    CAPTIONS_ON: "The captions are on.", "字幕已开启。";
    CAPTIONS_OFF: "The captions are off.", "字幕已关闭。";
    MUSIC_PLAYS: "“{}” plays in the background now.", "“{}”已设为背景音乐。";
    MUTED: "The {} is muted.", "{}已静音。";
    VOLUME_SET: "The {} is at {} now.", "{}音量已调到 {}。";
    LOUDER: "The {} is louder now.", "{}已调大。";
    QUIETER: "The {} is quieter now.", "{}已调小。";
    FULL_VOLUME: "The {} is at 100% now: {} would be louder than it can get.",
        "{}音量已调到 100%：最大就是 100%，没有 {}。";
    ENDS_AFTER: "The video ends after {} now.", "视频已裁剪到 {}。";
    END_CUT: "I cut the last {}; {} are left.", "已剪掉最后 {}，还剩 {}。";
    START_CUT: "I cut the first {}; {} are left.", "已剪掉开头 {}，还剩 {}。";
    TRACK_REMOVED: "I removed track {}.", "已删除第 {} 轨。";
    REMOVED: "I removed the {}.", "已删除{}。";
    ASPECT_CHANGED: "The video is {} now.", "视频已换成{}。";
    IMAGE_SHOWN: "“{}” is the background now.", "“{}”已设为背景。";
    PALETTE_SHOWN: "The background is the {} gradient now.", "背景已换成{}渐变。";
    UNDONE: "That is undone.", "已撤销。";
    UNDONE_SOME: "The last {} changes are undone.", "已撤销最近 {} 步。";
    UNDONE_ONLY: "That is undone; there was one change to take back.",
        "已撤销全部 1 步，没有更多了。";
    UNDONE_ALL: "All {} changes are undone; there were no more.",
        "已撤销全部 {} 步，没有更多了。";
}

// Reasons why something is not done.
messages! {
    VIDEO_OVER: "The video is over after {}.", "视频只到 {}为止。";
    VIDEO_SHORT: "The video is only {} long.", "视频总共只有 {}。";
    NEGATIVE: "“{}” is below zero; leave out the minus.", "“{}”小于零，请去掉负号。";
    NOTHING_LEFT: "Nothing of the video would be left.", "那样视频就什么都不剩了。";
    NOTHING_FOR_CAPTIONS: "Nothing is spoken yet that captions could show.",
        "还没有配音，没有可显示的字幕。";
    NO_MUSIC: "I have no music of my own: drag and drop an audio file (MP3, WAV, M4A or AAC) into \
        the media panel first.",
        "我没有自带的音乐：请先把声音文件（MP3、WAV、M4A 或 AAC）拖拽到素材面板。";
    NO_IMAGE: "There is no image yet: drag and drop one (JPG, PNG, GIF or WebP) into the media \
        panel first.",
        "还没有图片：请先把图片（JPG、PNG、GIF 或 WebP）拖拽到素材面板。";
    NO_TRACK: "There is no track {}; the timeline has {}.", "没有第 {} 轨，时间轴上共有 {} 轨。";
    NONE_OF: "There is no track with {} in the timeline.", "时间轴上没有{}。";
    NO_AUDIO: "There is no {} in the timeline.", "时间轴上没有{}。";
    FULL_VOLUME_ALREADY: "The {} is as loud as it gets.", "{}已经是最大音量。";
    MUTED_ALREADY: "The {} is muted already.", "{}已经是静音。";
    SAME_VOLUME: "The {} is at {} already.", "{}音量已经是 {}。";
    SILENT_ALREADY: "The {} is silent already.", "{}已经没有声音。";
    EDIT_FAILED: "The edit is not possible: {}.", "无法修改：{}。";
    SPEAK_AGAIN_FIRST: "The script has to be spoken again for that.", "这需要重新配音。";
    NOTHING_SPOKEN: "Nothing is spoken yet.", "还没有配音。";
    NOTHING_TO_EDIT: "There is nothing to edit yet: give me a script first, after “Script:”.",
        "还没有可编辑的视频：请先给我文稿，写在“脚本：”后面。";
    NOTHING_TO_UNDO: "There is nothing to undo.", "没有可撤销的修改。";
    NO_SCRIPT: "There is no script yet: put it after “Script:”, or drag and drop a TXT or DOCX \
        into the media panel.",
        "还没有文稿：请写在“脚本：”后面，或把 TXT、DOCX 文件拖拽到素材面板。";
    NO_UPLOADED_SCRIPT: "There is no uploaded script: drag and drop a TXT or DOCX into the media \
        panel first, or put the script after “Script:”.",
        "还没有文稿上传：请先把 TXT、DOCX 文件拖拽到素材面板，或写在“脚本：”后面。";
    EMPTY_SCRIPT: "There is nothing to say: the script has no words in it.",
        "没有可朗读的内容：文稿里没有文字。";
    NO_GLYPHS: "The font has no glyphs for “{}”; name a font file (TTF or OTF) that covers this \
        script.",
        "字体里没有“{}”，无法显示：请换一个包含这些字符的字体文件（TTF 或 OTF）。";
    NO_VOICE: "There is no voice for the language `{}`. There are voices for {}.",
        "没有语言“{}”的配音。可用的语言：{}。";
    FAILED: "{}", "制作失败：{}";
    UNREADABLE: "The script `{}` cannot be read: {}.", "无法读取文稿“{}”：{}。";
    TEXT_TOO_LONG: "it is longer than 4 MB of text", "文字超过 4 MB";
    NOT_TEXT: "it is neither UTF-8 nor UTF-16 text; save it as UTF-8",
        "不是 UTF-8 或 UTF-16 文本，请另存为 UTF-8";
    NOT_DOCX: "it is no DOCX", "不是 DOCX 文件";
    NO_TEXT: "there is no text in it; is it a DOCX?", "里面没有文字，它是 DOCX 吗？";
    PHRASE_UNKNOWN: "I did not understand “{}”.", "我没听懂“{}”。";
    UNKNOWN: "I did not understand that: I am plain code that knows a few sentences, not a model. \
        Nothing was changed and nothing was charged.",
        "我没听懂：我只是一段懂几句话的程序，不是模型。没有做任何改动，也没有扣除积分。";
    NOTHING_CHARGED: "Nothing was charged.", "没有扣除积分。";
    NOTHING_CHANGED: "Nothing was changed and nothing was charged.",
        "没有做任何改动，也没有扣除积分。";
}

// Remarks at the end of a reply.
messages! {
    // A meaningless sentence that the service's agent sometimes adds.
    NOISE: "I encountered a temporary issue.", "我遇到了一个临时问题。";
    EXPORT: "Click the Export button to save it.", "点击“导出”按钮保存。";
    PREVIEW: "Preview it in the timeline.", "可在时间轴中预览。";
    DRAG_TITLE: "Drag the title on the timeline to move it.", "拖拽时间轴上的标题即可移动。";
    MEDIA_PANEL: "Open the media panel to see your uploads.", "打开素材面板查看。";
    BILLING: "Check your account's billing page for credits.", "积分请到账户的账单页面查看。";
}

messages! {
    HELP: "What I understand:\n\
        - Make a voiceover of this script. Voice: male. Language: en-US. Aspect ratio: 9:16. \
        Captions: off. Pace: 1.2. Title: \"…\". Then “Script:” and the script; or upload a TXT or \
        DOCX and say: Turn the uploaded script into a video.\n\
        - add a title \"Morning Brew\" from 2 to 5 seconds, change it, remove it\n\
        - captions on, captions off\n\
        - add music (the audio you uploaded), set the music to 20%, mute the voiceover\n\
        - trim to 30 seconds, cut the last 5 seconds, remove track 3\n\
        - make it portrait, landscape or square\n\
        - use my image as the background, or one of these: dusk, ocean, forest, ember, slate\n\
        - a male voice, in German, slower; undo",
        "我能听懂：\n\
        - 给这段文字配音。声音：男声。语言：英语。比例：9:16。字幕：关。语速：1.2。标题：“……”。\
        然后写“脚本：”和文稿；也可以上传 TXT 或 DOCX，再说：把上传的文稿做成视频。\n\
        - 从2秒到5秒加标题“早晨咖啡”，改标题，删标题\n\
        - 打开字幕，关闭字幕\n\
        - 加背景音乐（您上传的声音），音乐音量20%，配音静音\n\
        - 裁剪到30秒，剪掉最后5秒，删除第3轨\n\
        - 换成竖屏、横屏或方形\n\
        - 用我上传的图片做背景，或换成这些背景：黄昏、海洋、森林、余烬、石板\n\
        - 换成男声，用德语，语速慢一点；撤销";
}

impl Template {
    const fn text(self, language: Language) -> &'static str {
        match language {
            Language::English => self.0,
            Language::Chinese => self.1,
        }
    }

    pub(crate) fn with<const N: usize>(self, values: [MessageValue; N]) -> Reply {
        Reply { template: self, values: values.into() }
    }
}

/// A message with its values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    template: Template,
    values: Vec<MessageValue>,
}

impl From<Template> for Reply {
    fn from(template: Template) -> Self {
        template.with([])
    }
}

impl Reply {
    /// The failure of an engine, whose own messages are English.
    pub(crate) fn failed(failure: &EngineError) -> Self {
        match failure.code {
            "EMPTY_SCRIPT" => EMPTY_SCRIPT.into(),
            // The engine quotes the missing characters.
            "UNSUPPORTED_CHARACTERS" => {
                let missing = failure.message.split(['“', '”']).nth(1).unwrap_or_default();
                NO_GLYPHS.with([missing.into()])
            }
            _ => FAILED.with([failure.message.as_str().into()]),
        }
    }

    pub(crate) fn text(&self, language: Language) -> String {
        let mut parts = self.template.text(language).split("{}");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for (value, part) in self.values.iter().zip(parts) {
            text.push_str(&value.text(language));
            text.push_str(part);
        }
        text
    }
}

/// The texts of several replies, one after the other.
pub(crate) fn join<'r>(replies: impl IntoIterator<Item = &'r Reply>, language: Language) -> String {
    let texts: Vec<String> = replies.into_iter().map(|reply| reply.text(language)).collect();
    texts.join(Template(" ", "").text(language))
}

/// A value in a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum MessageValue {
    Text(String),
    Term(Template),
    Time(Duration),
    Percent(f64),
    Sentences(usize),
    List(Vec<String>),
}

/// The words that are values of messages.
const TERMS: [Template; 16] = [
    Template("audio", "声音"),
    Template("music", "音乐"),
    Template("voiceover", "配音"),
    Template("title", "标题"),
    Template("captions", "字幕"),
    Template("background", "背景"),
    Template("a female voice", "女声"),
    Template("a male voice", "男声"),
    Template("16:9", "横屏"),
    Template("9:16", "竖屏"),
    Template("1:1", "方形"),
    Template("dusk", "黄昏"),
    Template("ocean", "海洋"),
    Template("forest", "森林"),
    Template("ember", "余烬"),
    Template("slate", "石板"),
];

impl MessageValue {
    /// A word in the language of the message, or as it is if it is not one of [`TERMS`].
    pub(crate) fn term(english: &str) -> Self {
        let known = TERMS.into_iter().find(|term| term.0 == english);
        known.map_or_else(|| english.into(), Self::Term)
    }

    fn text(&self, language: Language) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Term(term) => term.text(language).to_owned(),
            Self::Time(time) => {
                let tenths = (time.as_secs_f64() * 10.0).round() / 10.0;
                format!("{tenths} {}", Template("s", "秒").text(language))
            }
            Self::Percent(share) => format!("{:.0}%", share * 100.0),
            Self::Sentences(1) => Template("1 sentence", "1 句").text(language).to_owned(),
            Self::Sentences(count) => {
                format!("{count} {}", Template("sentences", "句").text(language))
            }
            Self::List(items) => items.join(Template(", ", "、").text(language)),
        }
    }
}

impl From<&str> for MessageValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for MessageValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for MessageValue {
    fn from(number: usize) -> Self {
        Self::Text(number.to_string())
    }
}

impl From<Duration> for MessageValue {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

/// A remark about the screen: a sentence of its own, or joined to the last one by a comma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) template: Template,
    pub(crate) is_joined: bool,
}

const fn sentence(template: Template) -> Remark {
    Remark { template, is_joined: false }
}

const fn joined(template: Template) -> Remark {
    Remark { template, is_joined: true }
}

pub(crate) const AFTER_A_VIDEO: &[Remark] = &[
    sentence(EXPORT),
    joined(EXPORT),
    sentence(MEDIA_PANEL),
    sentence(PREVIEW),
    joined(PREVIEW),
    sentence(BILLING),
];
pub(crate) const AFTER_AN_EDIT: &[Remark] = &[
    sentence(PREVIEW),
    sentence(DRAG_TITLE),
    joined(EXPORT),
    sentence(MEDIA_PANEL),
    joined(PREVIEW),
    sentence(EXPORT),
    sentence(BILLING),
];

/// The remark of the nth turn of a session, from 1, or the next one that fits. Remarks rotate with
/// the turns, so that a test sees the same text each time.
pub(crate) fn remark(remarks: &[Remark], nth: u64, fits: impl Fn(Template) -> bool) -> Remark {
    let first = (nth.saturating_sub(1) % remarks.len() as u64) as usize;
    let mut round = remarks.iter().cycle().skip(first).take(remarks.len());
    *round.find(|remark| fits(remark.template)).unwrap_or(&remarks[0])
}

impl Remark {
    /// A text that ends with a full stop, followed by the remark.
    pub(crate) fn append_to(self, text: &str, language: Language) -> String {
        let remark = self.template.text(language);
        match (self.is_joined, language) {
            (false, Language::English) => format!("{text} {remark}"),
            (false, Language::Chinese) => format!("{text}{remark}"),
            (true, Language::English) => {
                let (first, rest) = remark.split_at(1);
                let first = first.to_ascii_lowercase();
                // "Click the Export button" is "click Export" within a sentence.
                let rest = rest.replace("the Export button", "Export");
                format!("{}, {first}{rest}", text.trim_end_matches('.'))
            }
            (true, Language::Chinese) => format!("{}，{remark}", text.trim_end_matches('。')),
        }
    }
}
