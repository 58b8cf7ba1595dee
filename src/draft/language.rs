//! The words that tell of a draft, in the languages they can be told in. What is told is left to
//! `diff` and `picture`.

use std::time::Duration;

use super::summary::{Label, seconds, shorten};

/// A language to tell people about a draft in.
///
/// ```
/// use nemovideo::draft::{Draft, Language};
///
/// let older: Draft = r#"{"d":9000,"t":[]}"#.parse()?;
/// let newer: Draft = r#"{"d":5000,"t":[]}"#.parse()?;
/// let diff = older.diff(&newer);
/// assert_eq!(diff.summary(Language::English), "Length: 9 s → 5 s");
/// assert!(diff.summary(Language::Chinese).contains("9 秒 → 5 秒"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// The one of two that is meant.
    pub(super) fn pick<T>(self, english: T, chinese: T) -> T {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    /// A track.
    pub(super) fn track(self, label: Label) -> String {
        let (english, chinese) = match label {
            Label::Video => ("Video", "视频"),
            Label::Voiceover => ("Voiceover", "旁白"),
            Label::Music => ("Music", "音乐"),
            Label::Audio => ("Audio", "音频"),
            Label::Captions => ("Captions", "字幕"),
            Label::Title => ("Title", "标题"),
            Label::Text => ("Text", "文字"),
            Label::Type(number) => {
                return self.pick(format!("Track type {number}"), format!("类型 {number} 轨道"));
            }
            Label::Untold => ("Track", "轨道"),
        };
        self.pick(english, chinese).to_owned()
    }

    /// One segment of a track.
    pub(super) fn segment(self, label: Label) -> String {
        let (english, chinese) = match label {
            Label::Video => ("Video clip", "视频片段"),
            Label::Voiceover => ("Voiceover sentence", "旁白句子"),
            Label::Music => ("Music clip", "音乐片段"),
            Label::Audio => ("Audio clip", "音频片段"),
            Label::Captions => ("Caption", "字幕"),
            Label::Title | Label::Text => return self.track(label),
            Label::Type(number) => {
                let english = format!("Segment of track type {number}");
                return self.pick(english, format!("类型 {number} 轨道片段"));
            }
            Label::Untold => ("Segment", "片段"),
        };
        self.pick(english, chinese).to_owned()
    }

    pub(super) fn segments(self, count: usize) -> String {
        match self {
            Self::English if count == 1 => "1 segment".to_owned(),
            Self::English => format!("{count} segments"),
            Self::Chinese => format!("{count} 段"),
        }
    }

    /// What is said of a track with nothing on it.
    pub(super) fn empty(self) -> &'static str {
        self.pick("empty", "空")
    }

    /// Tracks that there is no room for.
    pub(super) fn more_tracks(self, count: usize) -> String {
        let plural = if count == 1 { "" } else { "s" };
        let english = format!("… and {count} more track{plural}");
        self.pick(english, format!("……另有 {count} 条轨道"))
    }

    pub(super) fn time(self, time: Duration) -> String {
        format!("{} {}", seconds(time), self.pick("s", "秒"))
    }

    pub(super) fn times(self, start: Duration, end: Duration) -> String {
        format!("{}–{}", seconds(start), self.time(end))
    }

    pub(super) fn percent(self, share: f64) -> String {
        format!("{}{}", (share * 100.0).round(), self.pick(" %", "%"))
    }

    pub(super) fn colon(self) -> &'static str {
        self.pick(": ", "：")
    }

    pub(super) fn aside(self, text: &str) -> String {
        self.pick(format!(" ({text})"), format!("（{text}）"))
    }

    pub(super) fn list(self, items: &[String]) -> String {
        items.join(self.pick(", ", "、"))
    }

    pub(super) fn quote(self, text: &str) -> String {
        format!("“{}”", shorten(text))
    }
}
