//! The texts for people that neither the agent nor the timeline supplies, in both languages.

use super::Suggestion;
use crate::draft::{Change, Diff, Json, Language};
use crate::protocol::{SessionState, StatePart};

/// The key of a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Text {
    OutcomeUnknown,
    StateUnreadable,
    AgentFailed,
    AgentWaits,
    CanExport,
    CanShowTimeline,
    CanShowCredits,
    CanUpload,
    CanSend,
    MediaChanged,
    VideosChanged,
    VideosAnalyzed,
    CanvasSize,
    CanvasChanged,
    OtherChange,
}

impl Text {
    /// Returns the text; where it has a gap, that is `{}`.
    pub(super) fn in_language(self, language: Language) -> &'static str {
        let [english, chinese] = match self {
            Self::OutcomeUnknown => [
                "The connection broke, and it is unknown whether this was done. The message was \
                 not sent again: look at the timeline in a minute before you repeat it.",
                "连接中断了，尚不清楚这一步是否已完成。没有重复发送：请一分钟后先查看时间线，再决定是否重发。",
            ],
            Self::StateUnreadable => [
                "The agent said nothing, and the state of the project could not be read: it is \
                 unknown whether anything changed. Look at the timeline before you repeat it.",
                "助手没有回复，项目状态也未能读取：尚不清楚是否有改动。重发之前请先查看时间线。",
            ],
            Self::AgentFailed => [
                "The agent failed and gave no reason. Look at the timeline for what changed, \
                     then say it in other words.",
                "助手出错了，没有说明原因。请先查看时间线有无改动，再换个说法试试。",
            ],
            Self::AgentWaits => [
                "The agent waits for a reply: answer its question.",
                "助手正在等待回复：请回答它的问题。",
            ],
            Self::CanExport => ["The video can be exported now.", "现在可以导出视频了。"],
            Self::CanShowTimeline => ["See the timeline for details.", "可以查看时间线了解内容。"],
            Self::CanShowCredits => ["See how many credits are left.", "可以查询剩余积分。"],
            Self::CanUpload => ["A file can be uploaded.", "可以上传文件。"],
            Self::CanSend => [
                "The agent suggests: “{}”. Send it as a message.",
                "助手建议：“{}”。把它作为消息发送即可。",
            ],
            Self::MediaChanged => ["The generated media changed.", "生成的素材有变化。"],
            Self::VideosChanged => ["The list of videos changed.", "视频列表有变化。"],
            Self::VideosAnalyzed => ["The videos were analyzed.", "视频已分析。"],
            Self::CanvasSize => ["Canvas: {}", "画布：{}"],
            Self::CanvasChanged => ["The canvas changed.", "画布设置有变化。"],
            Self::OtherChange => [
                "The timeline is unchanged; something else in the session changed.",
                "时间线没有变化，会话中的其他内容有变化。",
            ],
        };
        if language == Language::Chinese { chinese } else { english }
    }

    fn with(self, language: Language, value: &str) -> String {
        self.in_language(language).replace("{}", value)
    }
}

/// Returns what a suggestion means to a user without a screen of buttons.
pub(super) fn suggestion(suggestion: &Suggestion, language: Language) -> String {
    let text = match suggestion {
        Suggestion::Export => Text::CanExport,
        Suggestion::ShowState => Text::CanShowTimeline,
        Suggestion::ShowCredits => Text::CanShowCredits,
        Suggestion::Upload => Text::CanUpload,
        Suggestion::SendEdit(edit) => return Text::CanSend.with(language, edit),
    };
    text.in_language(language).to_owned()
}

/// Returns what changed in the state around the timeline, a line each. Media on the timeline and
/// the canvas of the draft are left to the diff.
pub(super) fn changes_around(
    before: &SessionState,
    after: &SessionState,
    changes: &Diff,
    language: Language,
) -> Vec<String> {
    let is_canvas = |change: &Change| matches!(change, Change::CanvasChanged { .. });
    let has_canvas = changes.changes().iter().any(is_canvas);
    let line = |part| {
        let text = match part {
            StatePart::Canvas if !has_canvas => {
                return Some(canvas(&before.canvas_config, &after.canvas_config, language));
            }
            StatePart::GeneratedMedia if changes.is_empty() => Text::MediaChanged,
            StatePart::Videos if changes.is_empty() => Text::VideosChanged,
            StatePart::Analyses if changes.is_empty() => Text::VideosAnalyzed,
            _ => return None,
        };
        Some(text.in_language(language).to_owned())
    };
    after.parts_changed_since(before).into_iter().filter_map(line).collect()
}

fn canvas(before: &Json, after: &Json, language: Language) -> String {
    let size = |canvas: &Json| {
        let side = |name| canvas.get(name).and_then(Json::as_u64);
        Some(format!("{}×{}", side("width")?, side("height")?))
    };
    let size = match (size(before), size(after)) {
        (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
        (None, Some(after)) => after,
        _ => return Text::CanvasChanged.in_language(language).to_owned(),
    };
    Text::CanvasSize.with(language, &size)
}
