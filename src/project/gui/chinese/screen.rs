//! The words of a screen in Chinese, and what tells that a clause is about the film or about what
//! is done already.

/// Parts of a screen whoever speaks of them.
const SURE: &[&str] = &[
    "面板",
    "时间轴",
    "时间线",
    "工具栏",
    "侧边栏",
    "编辑器",
    "工作区",
    "对话框",
    "播放器",
    "素材库",
    "媒体库",
    "预览区",
    "账户中心",
    "个人中心",
    "会员中心",
    "用户中心",
    "素材中心",
];
/// What shops, houses and films have as well: part of a screen beside one of `NAMES`, or where the
/// user is spoken to.
const MAYBE: &[&str] =
    &["菜单", "窗口", "页面", "标签", "选项", "设置", "按钮", "图标", "界面", "右上角", "左上角"];
const NAMES: &[&str] = &[
    "导出", "预览", "媒体", "下拉", "右键", "文件", "播放", "上传", "下载", "保存", "渲染", "账户",
    "账号", "账单", "套餐", "素材", "属性", "编辑", "右侧", "左侧", "顶部", "”", "」",
];
/// What is written on buttons.
pub(super) const BUTTONS: &[&str] = &[
    "导出", "下载", "保存", "播放", "上传", "渲染", "应用", "确定", "确认", "完成", "重试", "生成",
    "预览", "分享", "发布", "删除", "撤销", "提交",
];
pub(super) const KEYS: &[&str] = &[
    "空格",
    "回车",
    "删除键",
    "退格",
    "方向键",
    "快捷键",
    "Delete",
    "Enter",
    "Ctrl",
    "Cmd",
    "Command",
    "Shift",
    "Alt",
    "Esc",
    "Tab",
];
pub(super) const BILLING: &[&str] = &["账户", "账号", "账单", "余额", "订阅", "套餐", "积分"];
pub(super) const FILM: &[&str] = &["视频", "成片", "效果", "影片", "作品", "结果", "文件"];
/// What is worked on with a mouse.
const THINGS: &[&str] =
    &["标题", "片段", "字幕", "轨道", "素材", "图层", "滑块", "音乐", "边缘", "内容", "变化"];

pub(super) fn without<'a>(text: &'a str, starts: &[&str]) -> Option<&'a str> {
    starts.iter().filter_map(|start| text.strip_prefix(start)).min_by_key(|rest| rest.len())
}

pub(super) fn has(text: &str, names: &[&str]) -> bool {
    names.iter().any(|name| text.contains(name))
}

/// Whether the text names a part of the screen.
pub(super) fn has_place(text: &str, addressed: bool) -> bool {
    let is_named = |at: usize| {
        let before = text[..at].trim_end_matches(['的', ' ']);
        NAMES.iter().any(|name| before.ends_with(name))
    };
    has(text, SURE)
        || MAYBE
            .iter()
            .flat_map(|place| text.match_indices(place))
            .any(|(at, _)| addressed || is_named(at))
}

/// Whether the text begins with a part of the screen, and what follows it.
pub(super) fn behind_place(text: &str) -> Option<&str> {
    let ends = SURE.iter().filter_map(|place| Some(text.find(place)? + place.len()));
    let at = ends.min().filter(|at| text[..*at].chars().count() <= 8)?;
    Some(&text[at..])
}

/// Whether the text has something that is clicked.
pub(super) fn has_target(text: &str) -> bool {
    [SURE, MAYBE, THINGS, BUTTONS, BILLING].iter().any(|names| has(text, names))
        || has(text, &["这里", "此处", "下方", "“", "「", "\"", "【"])
        || text.contains(|c: char| c.is_ascii_alphabetic())
        // A label that is not known: `点击分割`.
        || (text.chars().count() <= 4 && !text.contains('的'))
}

/// Whether the agent tells what is done already: `调整了…`, `…已添加`, `…加好了`.
pub(super) fn is_done(clause: &str, addressed: bool) -> bool {
    let clause = clause.trim_end_matches(|c: char| !c.is_alphanumeric());
    // `查看已添加的字幕`: which, not that.
    let has_already = clause.match_indices('已').any(|(at, _)| !clause[at..].contains('的'));
    if has_already {
        return true;
    }
    let has_past = clause.match_indices('了').any(|(at, le)| {
        let (before, after) = (&clause[..at], &clause[at + le.len()..]);
        let is_word = ["为", "除"].iter().any(|word| before.ends_with(word))
            || after.starts_with('解')
            || after.starts_with('吧');
        // `点击导出就可以了` says that it will be.
        let will_be = after.is_empty() && (addressed || has(clause, &["就", "可以", "即可", "便"]));
        !is_word && !will_be
    });
    has_past && !(addressed && clause.ends_with('了'))
}

/// Whether an order is but what a noun is called by: `打开菜单的顾客微笑着`, `点击按钮的画面`.
pub(super) fn is_of_a_noun(object: &str) -> bool {
    const SHOWN: &[&str] = &[
        "镜头", "画面", "特写", "场景", "声音", "音效", "动画", "特效", "转场", "演示", "过程",
        "瞬间", "位置", "颜色",
    ];
    object.match_indices('的').any(|(at, of)| {
        let (before, after) = (&object[..at], &object[at + of.len()..]);
        let shown = without(after, SHOWN).or_else(|| {
            SHOWN.iter().find_map(|noun| {
                let at = after.find(noun).filter(|at| after[..*at].chars().count() <= 3)?;
                Some(&after[at + noun.len()..])
            })
        });
        let is_shown = shown.is_some_and(|rest| without(rest, MAYBE).is_none());
        let before = without_inside(before);
        let is_place = [SURE, MAYBE].concat().iter().any(|place| before.ends_with(place));
        is_shown || (is_place && !has_target(after) && !has(after, FILM))
    })
}

fn without_inside(text: &str) -> &str {
    text.trim_end_matches(['上', '里', '中', '内'])
}
