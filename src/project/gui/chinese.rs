//! Whether a Chinese clause tells the user to use the screen. As in English an order is known by
//! the verb at its head, behind courtesies and the place where it is to be carried out.

use super::clause::{Act, Kind, Read, about};

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
    "去",
    "并且",
    "随后",
    "之后",
    "则",
];
const PLACES: &[&str] = &[
    "面板",
    "菜单",
    "窗口",
    "页面",
    "标签",
    "选项",
    "设置",
    "时间轴",
    "时间线",
    "工具栏",
    "侧边栏",
    "编辑器",
    "工作区",
    "按钮",
    "中心",
    "界面",
    "对话框",
    "右上角",
    "左上角",
    "播放器",
    "素材库",
    "媒体库",
    "图标",
];
const BILLING: &[&str] = &["账户", "账号", "账单", "余额", "订阅", "套餐"];
const FILM: &[&str] = &["视频", "成片", "效果", "影片", "作品", "结果", "文件"];

pub(super) fn classify(clause: &str) -> Read {
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

fn without<'a>(text: &'a str, starts: &[&str]) -> Option<&'a str> {
    starts.iter().filter_map(|start| text.strip_prefix(start)).min_by_key(|rest| rest.len())
}

fn has(text: &str, names: &[&str]) -> bool {
    names.iter().any(|name| text.contains(name))
}

fn instruction(text: &str, addressed: bool) -> Option<Act> {
    // `在右上角点击…`, `将标题拖到…`: the verb comes later.
    if without(text, &["在", "从", "通过"]).is_some() && has(text, PLACES) {
        let verbs = [
            "点击", "单击", "双击", "点按", "预览", "查看", "打开", "观看", "拖", "选择", "导出",
            "下载",
        ];
        let verb = verbs.iter().filter_map(|verb| text.find(verb)).min();
        return verb.and_then(|at| order(&text[at..], text, true));
    }
    if without(text, &["将", "把"]).is_some() && text.contains('拖') {
        return Some(dragged(text));
    }
    order(text, text, addressed)
}

/// What the order at the start of `text` asks for; `clause` is all that is said with it.
fn order(text: &str, clause: &str, addressed: bool) -> Option<Act> {
    let named = |other: Act| about(text).unwrap_or(other);
    if let Some(object) =
        without(text, &["点击", "单击", "双击", "点按", "轻点", "点一下", "右键点击"])
    {
        let is_content =
            ["声", "音效", "率", "量", "动画", "效果"].iter().any(|end| object.starts_with(end));
        return (!object.is_empty() && !is_content).then(|| named(Act::Edit));
    }
    if let Some(object) = without(text, &["按下", "按"]) {
        return has(object, &["按钮", "键"]).then(|| named(Act::Edit));
    }
    if without(text, &["拖拽", "拖动", "拖放", "拖到", "拖入", "拖"]).is_some() {
        return Some(dragged(text));
    }
    if let Some(object) =
        without(text, &["打开", "进入", "前往", "转到", "切换到", "访问", "展开", "到", "去"])
    {
        let act = about(object).filter(|act| *act != Act::Edit).unwrap_or(Act::State);
        return (has(object, PLACES) || (addressed && has(object, BILLING))).then_some(act);
    }
    if let Some(object) = without(text, &["预览"]) {
        return (addressed || has(object, FILM) || has(object, PLACES)).then_some(Act::State);
    }
    if let Some(object) = without(text, &["查看", "检查", "观看", "找到", "核对", "确认"])
    {
        if has(object, BILLING) && (addressed || has(object, &["您的", "你的"])) {
            return Some(Act::Credits);
        }
        let named = about(clause).filter(|act| *act != Act::Edit).unwrap_or(Act::State);
        return has(clause, PLACES).then_some(named);
    }
    if let Some(object) = without(text, &["选择", "调整", "勾选", "使用", "移动"]) {
        return has(object, PLACES).then(|| named(Act::Edit));
    }
    if let Some(object) = without(text, &["升级", "充值"]) {
        return has(object, &["套餐", "账户", "页面"]).then_some(Act::Credits);
    }
    if let Some(object) = without(text, &["上传"]) {
        return has(object, &["按钮", "这里", "此处", "区域"]).then_some(Act::Upload);
    }
    if let Some(object) = without(text, &["导出", "下载", "保存"]) {
        let is_button = object.starts_with("按钮") || object.starts_with("”按钮");
        let is_film = object.is_empty() || has(object, FILM) || object.starts_with('了');
        return (is_button || (addressed && is_film)).then_some(Act::Export);
    }
    None
}

fn dragged(text: &str) -> Act {
    if has(text, &["文件", "上传", "这里", "此处"]) { Act::Upload } else { Act::Edit }
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
        "导出",
    ];
    let ends_when =
        ["后", "时", "的话", "之前", "之后"].iter().any(|end| opening.trim_end().ends_with(end));
    match () {
        () if without(opening, &["告诉我", "或者告诉我", "或告诉我"]).is_some() => {
            Kind::Content
        }
        () if without(opening, WHEN).is_some() || (ends_when && !is_told(opening)) => Kind::Lead,
        () if without(opening, OUTCOME).is_some() => Kind::Outcome,
        () if without(rest, STEPS).is_some() => Kind::Step,
        () => Kind::Content,
    }
}
