//! Whether a Chinese clause tells the user to use the screen. As in English an order is known by
//! the verb at its head, behind courtesies and the place where it is to be carried out. What is
//! done already (`调整了…`, `…已添加`) is none. What a verb needs is in `order`, what a part of the
//! screen is in `screen`.

mod order;
mod screen;

use super::clause::{Kind, Read};
use order::instruction;
use screen::{has, is_done, without};

const ADDRESS: &[&str] = &[
    "请您",
    "请",
    "您可以",
    "你可以",
    "您也可以",
    "你也可以",
    "您还可以",
    "你还可以",
    "您只需",
    "你只需",
    "您需要",
    "你需要",
    "也可以",
    "可以",
    "只需要",
    "只需",
    "只要",
    "建议您",
    "建议你",
    "建议",
    "欢迎",
    "您可",
    "你可",
    "可",
    "您",
    "你",
];
const FILLERS: &[&str] = &[
    "现在",
    "然后",
    "接着",
    "接下来",
    "最后",
    "首先",
    "随时",
    "直接",
    "立即",
    "马上",
    "同时",
    "或者",
    "需要",
    "就能",
    "再",
    "先",
    "并",
    "或",
    "也",
    "就",
    "来",
    "并且",
    "随后",
    "之后",
    "则",
    "快",
    "用鼠标",
    "鼠标",
];
/// As far as a clause is looked into, in characters.
const MAX_CHARS: usize = 80;

pub(super) fn classify(clause: &str) -> Read {
    let end = clause.char_indices().nth(MAX_CHARS).map_or(clause.len(), |(at, _)| at);
    let clause = &clause[..end];
    let is_around = |c: char| !c.is_alphanumeric() && !is_opening(c);
    let opening = clause.trim_start_matches(is_around);
    let opening =
        opening.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(is_around);
    let mut rest = opening;
    let mut addressed = false;
    loop {
        rest = rest.trim_start();
        if let Some(after) = without(rest, ADDRESS) {
            addressed = true;
            rest = after;
        } else if let Some(after) = without(rest, FILLERS) {
            rest = after;
        } else {
            break;
        }
    }
    // `满意后点击“导出”`: when, without a comma.
    let after = ["后", "时", "的话"].iter().find_map(|end| rest.split_once(end));
    let after = after.filter(|(when, _)| when.chars().count() <= 8 && !is_told(opening));
    let found = instruction(rest, addressed)
        .or_else(|| after.and_then(|(_, rest)| instruction(rest, addressed)));
    let kind = if opening.starts_with(is_opening) || opening.is_empty() {
        Kind::Content
    } else if let Some(act) = found {
        Kind::Instruction(act)
    } else {
        other(opening, rest)
    };
    Read { kind, addressed }
}

/// Whether the agent tells what it did.
fn is_told(opening: &str) -> bool {
    opening.starts_with(['我', '已'])
}

fn is_opening(c: char) -> bool {
    matches!(c, '“' | '「' | '『' | '"' | '《' | '`')
}

fn other(opening: &str, rest: &str) -> Kind {
    const WHEN: &[&str] = &[
        "如果",
        "如需",
        "若",
        "要是",
        "想要",
        "想",
        "要",
        "当",
        "等",
        "为了",
        "一旦",
        "满意",
        "准备好",
        "确认无误",
        "完成后",
        "提示",
        "小提示",
        "下一步",
    ];
    const OUTCOME: &[&str] = &[
        "即可",
        "就可以",
        "就能",
        "便可",
        "系统会",
        "系统将",
        "它会",
        "视频会",
        "视频将",
        "文件会",
        "就会",
        "将会",
        "并",
        "然后",
        "以便",
    ];
    const STEPS: &[&str] = &[
        "选择", "调整", "设置", "勾选", "输入", "找到", "保存", "等待", "确认", "查看", "下载",
        "导出", "充值", "升级",
    ];
    let ends_when =
        ["后", "时", "的话", "之前", "之后"].iter().any(|end| opening.trim_end().ends_with(end));
    match () {
        () if without(opening, &["告诉我", "或者告诉我", "或告诉我"]).is_some() => {
            Kind::Content
        }
        // `想象力的画面已添加`
        () if is_done(opening, false) && !has(opening, &["如果", "满意", "一旦"]) => {
            Kind::Content
        }
        () if without(opening, WHEN).is_some() || (ends_when && !is_told(opening)) => Kind::Lead,
        () if without(opening, OUTCOME).is_some() => Kind::Outcome,
        () if without(rest, STEPS).is_some() => Kind::Step,
        () => Kind::Content,
    }
}
