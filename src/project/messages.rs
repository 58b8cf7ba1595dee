//! What a report says in its own words, where neither the agent nor the timeline tells enough.

use super::Suggestion;
use crate::draft::{Change, Diff, Json, Language};
use crate::protocol::{SessionState, StatePart};

fn pick<'a>(language: Language, english: &'a str, chinese: &'a str) -> &'a str {
    if language == Language::Chinese { chinese } else { english }
}

/// Nothing tells what became of the message.
pub(super) fn unknown(language: Language) -> String {
    pick(
        language,
        "The connection broke, and it is not known whether this was done. It was not sent again; \
         look at the state later.",
        "连接中断了，尚不清楚这一步是否已完成。没有重复发送；请稍后再查看状态。",
    )
    .to_owned()
}

/// The agent said nothing, and what it did could not be looked up.
pub(super) fn unread(language: Language) -> String {
    pick(
        language,
        "The agent said nothing, and the state of the project could not be read: it is not known \
         whether anything changed.",
        "助手没有回复，项目状态也未能读取：尚不清楚是否有改动。",
    )
    .to_owned()
}

/// The agent failed without a word.
pub(super) fn failed(language: Language) -> String {
    pick(language, "The agent failed and did not say why.", "助手出错了，没有说明原因。").to_owned()
}

/// What a suggestion means to somebody without a screen of buttons.
pub(super) fn suggestion(suggestion: &Suggestion, language: Language) -> String {
    let (english, chinese) = match suggestion {
        Suggestion::Export => ("The video can be exported now.", "现在可以导出视频了。"),
        Suggestion::ShowState => ("Look at the timeline to see it.", "可以查看时间线了解内容。"),
        Suggestion::ShowCredits => ("Look at how many credits are left.", "可以查询剩余积分。"),
        Suggestion::Upload => ("A file can be uploaded.", "可以上传文件。"),
        Suggestion::SendEdit(edit) => {
            return match language {
                Language::Chinese => format!("助手建议：“{edit}”。把它作为消息发送即可。"),
                _ => format!("The agent suggests: “{edit}”. Send it as a message."),
            };
        }
    };
    pick(language, english, chinese).to_owned()
}

/// What changed in the state around the timeline, a line each. Media that is on the timeline is
/// told of there, and so is a canvas that the draft tells of.
pub(super) fn around(
    before: &SessionState,
    after: &SessionState,
    changes: &Diff,
    language: Language,
) -> Vec<String> {
    let is_canvas = |change: &Change| matches!(change, Change::CanvasChanged { .. });
    let has_canvas = changes.changes().iter().any(is_canvas);
    let (media, videos, analyses) = (
        pick(language, "The generated media changed.", "生成的素材有变化。"),
        pick(language, "The list of videos changed.", "视频列表有变化。"),
        pick(language, "The videos were analysed.", "视频已分析。"),
    );
    let line = |part| match part {
        StatePart::Canvas if !has_canvas => {
            Some(canvas(&before.canvas_config, &after.canvas_config, language))
        }
        StatePart::GeneratedMedia if changes.is_empty() => Some(media.to_owned()),
        StatePart::Videos if changes.is_empty() => Some(videos.to_owned()),
        StatePart::Analyses if changes.is_empty() => Some(analyses.to_owned()),
        _ => None,
    };
    after.parts_changed_since(before).into_iter().filter_map(line).collect()
}

fn canvas(before: &Json, after: &Json, language: Language) -> String {
    let size = |canvas: &Json| {
        let side = |name| canvas.get(name).and_then(Json::as_u64);
        Some(format!("{}×{}", side("width")?, side("height")?))
    };
    let name = pick(language, "Canvas: ", "画布：");
    match (size(before), size(after)) {
        (Some(before), Some(after)) if before != after => format!("{name}{before} → {after}"),
        (None, Some(after)) => format!("{name}{after}"),
        _ => pick(language, "The canvas changed.", "画布设置有变化。").to_owned(),
    }
}

/// Something of the state changed that has no name here.
pub(super) fn elsewhere(language: Language) -> String {
    pick(
        language,
        "The timeline is as it was; something else in the session changed.",
        "时间线没有变化，会话中的其他内容有变化。",
    )
    .to_owned()
}
