//! What a Chinese order at the head of a clause asks to use the screen for, where it does.

use super::super::clause::{Act, about};
use super::screen::{
    BILLING, BUTTONS, FILM, KEYS, behind_place, has, has_place, has_target, is_done, is_of_a_noun,
    without,
};

const CLICK: &[&str] = &[
    "点击",
    "单击",
    "双击",
    "点按",
    "轻点",
    "轻触",
    "点一下",
    "点选",
    "点开",
    "右键点击",
    "右键单击",
    "长按",
];
/// Not 拖 alone: 拖鞋, 拖慢, 拖尾.
const DRAG: &[&str] = &["拖拽", "拖动", "拖放", "拖到", "拖入", "拖进", "拖至"];
const OPEN: &[&str] = &["打开", "进入", "前往", "转到", "切换到", "访问", "展开", "移步", "滚动到"];
const SEE: &[&str] = &["查看", "检查", "观看", "找到", "核对", "确认", "看到", "看看"];
const CHOOSE: &[&str] = &["选择", "调整", "勾选", "使用", "移动", "开启", "关闭"];
const SAVE: &[&str] = &["导出", "下载", "保存"];

/// What the order asks for. `addressed` says that it speaks to the user, which makes it surer.
pub(super) fn instruction(text: &str, addressed: bool) -> Option<Act> {
    if is_done(text, addressed) || (!addressed && is_of_a_noun(text)) {
        return None;
    }
    // `在右上角点击…`, `将标题拖到…`: the verb comes later.
    if without(text, &["在", "从", "通过"]).is_some() {
        let verbs = [CLICK, DRAG, SEE, CHOOSE, SAVE, &["预览", "打开"]].concat();
        let mut at: Vec<_> = verbs.iter().flat_map(|verb| text.match_indices(verb)).collect();
        at.sort_unstable();
        // The first may be a name: `在预览窗口中查看`.
        return at.into_iter().find_map(|(at, verb)| {
            let is_there = has_place(&text[..at], addressed) || CLICK.contains(&verb);
            // `在时间轴上移动标题至第3秒` is what the agent does.
            let is_told = !addressed
                && text.starts_with('在')
                && ["调整", "移动", "使用"].contains(&verb)
                && !text[..at].contains('可');
            (is_there && !is_told).then(|| order(&text[at..], text, true)).flatten()
        });
    }
    if without(text, &["将", "把"]).is_some() && has(text, DRAG) {
        return Some(dragged(text));
    }
    where_it_is(text, addressed).or_else(|| order(text, text, addressed))
}

/// `时间轴上可以看到效果`, `右上角有导出按钮`, `导出按钮在右上角`.
fn where_it_is(text: &str, addressed: bool) -> Option<Act> {
    let can = behind_place(text).and_then(|rest| {
        let rest = without(rest, &["上", "里", "中", "内"]).unwrap_or(rest);
        without(rest, &["就可以", "可以", "即可", "可", "就能", "能"])
    });
    if let Some(act) = can.and_then(|rest| order(rest, text, true)) {
        return Some(act);
    }
    let button = SAVE.iter().chain(&["渲染", "上传"]).find_map(|name| {
        let at = text.find(&format!("{name}按钮"))?;
        Some((&text[..at], &text[at + name.len() + "按钮".len()..]))
    });
    let (before, after) = button?;
    let is_corner = |text: &str| has_place(text, true);
    let is_there = without(after, &["在", "位于"]).is_some_and(is_corner);
    let has_it = ["有", "有一个", "有个", "的", "是"].iter().any(|has| before.ends_with(has));
    let is_all = after.chars().all(|c| !c.is_alphanumeric());
    let is_film = has(text, &["画面", "镜头", "屏幕", "封面", "片头", "片尾", "视频里"]);
    let is_here = (before.is_empty() && is_there) || (has_it && is_corner(before) && is_all);
    (is_here && !is_film && (addressed || without(text, OPEN).is_none()))
        .then(|| about(text).unwrap_or(Act::State))
}

/// What the order at the start of `text` asks for; `clause` is all that is said with it.
fn order(text: &str, clause: &str, addressed: bool) -> Option<Act> {
    // `时间轴上的片段` is a clip.
    let of = ["上的", "里的", "中的"].iter().find_map(|of| Some(text.split_once(of)?.1));
    let named = |other: Act| {
        of.and_then(about).or_else(|| about(text)).or_else(|| about(clause)).unwrap_or(other)
    };
    let shown = |object: &str| {
        about(object)
            .or_else(|| about(clause))
            .filter(|act| *act != Act::Edit)
            .unwrap_or(Act::State)
    };
    let is_whole = |object: &str| !object.contains(char::is_alphanumeric);
    // `上传后的画面`, `调整后的字幕`
    let is_noun = |object: &str| {
        ["声", "音效", "率", "量", "动画", "效果", "后的", "过的"]
            .iter()
            .any(|end| object.starts_with(end))
    };
    if let Some(object) = without(text, CLICK) {
        // What a film says: the screen has no links.
        let is_link = object.contains("链接") && named(Act::Edit) == Act::Edit;
        let is_target = !is_link && (addressed || has_target(object));
        return (!object.is_empty() && !is_noun(object) && is_target).then(|| named(Act::Edit));
    }
    if let Some(object) = text.strip_prefix('点') {
        let object = object.trim_start_matches(['“', '「', '"', ' ']);
        return without(object, BUTTONS).is_some().then(|| named(Act::Edit));
    }
    if let Some(object) = without(text, &["按下", "按住", "按一下", "按"]) {
        return is_button(object, addressed).then(|| named(Act::Edit));
    }
    if let Some(object) = without(text, DRAG) {
        return (!is_noun(object)).then(|| dragged(text));
    }
    if let Some(object) = without(text, OPEN) {
        let is_account = addressed && has(object, BILLING);
        return (has_place(object, addressed) || is_account).then(|| shown(object));
    }
    // `到时间轴末尾淡出` goes nowhere.
    if let Some(object) = without(text, &["到", "去"]) {
        if let Some(act) = order(object, clause, addressed) {
            return Some(act);
        }
        let does =
            addressed || has(object, &["查看", "看看", "点击", "充值", "预览", "调整", "下载"]);
        let is_there = has_place(object, addressed) || (addressed && has(object, BILLING));
        return (does && is_there).then(|| shown(object));
    }
    if let Some(object) = without(text, &["登录"]) {
        return has(object, &["账户", "账号"]).then_some(Act::Credits);
    }
    if let Some(object) = without(text, &["预览"]) {
        let is_film = has(object, FILM) && is_whole(behind_film(object));
        return (addressed || is_film || has_place(object, false)).then_some(Act::State);
    }
    if let Some(object) = without(text, SEE) {
        // `看到工人在面板上焊接`: somebody else is there.
        if object.find('在').is_some_and(|at| at > 0) {
            return None;
        }
        let is_balance = has(object, BILLING)
            && (addressed || has(object, &["您的", "你的"]) || is_whole(behind_billing(object)));
        if is_balance {
            return Some(Act::Credits);
        }
        return has_place(clause, addressed).then(|| shown(clause));
    }
    if let Some(object) = without(text, CHOOSE) {
        // `使用时间轴讲述…` is what the agent does.
        if !addressed && text.starts_with("使用") {
            return None;
        }
        // `选择竖屏设置` as well.
        let is_option = addressed || without(text, &["勾选"]).is_some();
        // A corner is one of the picture, too.
        let place = clause.replace("右上角", "").replace("左上角", "");
        let on_screen = has_place(&place, is_option) && (is_option || !object.contains("设置"));
        let is_free = without(object, &["把", "将"]).is_some();
        return (on_screen && !is_free && !is_noun(object)).then(|| named(Act::Edit));
    }
    if let Some(object) = without(text, &["刷新", "重新加载"]) {
        let rest = without(object, &["浏览器页面", "页面", "网页", "浏览器", "界面"])?;
        let is_order = addressed
            || is_whole(rest)
            || without(rest, &["后", "即可", "再", "查看", "以"]).is_some();
        return is_order.then_some(Act::State);
    }
    if let Some(object) = without(text, &["升级", "充值"]) {
        return has(object, &["套餐", "账户", "页面"]).then_some(Act::Credits);
    }
    if let Some(object) = without(text, &["上传"]) {
        let is_here =
            has(object, &["这里", "此处", "区域"]) || (addressed && object.contains("按钮"));
        return is_here.then_some(Act::Upload);
    }
    if let Some(object) = without(text, SAVE) {
        let is_film = is_whole(object) || has(object, FILM) || object.starts_with(['了', '按']);
        return (addressed && is_film).then_some(Act::Export);
    }
    None
}

/// A named key or button right behind 按; 按照, 按键音 and 按播放顺序 are none.
fn is_button(object: &str, addressed: bool) -> bool {
    let object = object.trim_start_matches(['“', '「', '"', ' ']);
    let ends = |rest: &str| {
        // `按下播放键` is of a film as well.
        without(rest, &["按钮", "即可", "就", "来", "”", "」", "\""]).is_some()
            || (addressed && rest.starts_with('键'))
            || !rest.contains(char::is_alphanumeric)
    };
    without(object, KEYS).is_some()
        || without(object, BUTTONS).is_some_and(ends)
        || (addressed && object.starts_with("按钮"))
        || BUTTONS.iter().any(|name| {
            let at = object.find(&format!("的{name}按钮"));
            at.is_some_and(|at| has_place(&object[..at], true))
        })
}

fn behind_film(mut object: &str) -> &str {
    let words =
        [FILM, &["一下", "您的", "你的", "的", "最终", "整体", "新", "吧", "即可"]].concat();
    while let Some(rest) = without(object, &words) {
        object = rest;
    }
    object
}

fn behind_billing(mut object: &str) -> &str {
    let words =
        [BILLING, &["剩余", "当前", "的", "详情", "明细", "信息", "和", "吧", "即可"]].concat();
    while let Some(rest) = without(object, &words) {
        object = rest;
    }
    object
}

fn dragged(text: &str) -> Act {
    if has(text, &["文件", "上传", "这里", "此处"]) { Act::Upload } else { Act::Edit }
}
