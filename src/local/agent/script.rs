//! Where in a message the script begins. What comes before is the order; what comes after is the
//! script, whole, whatever it says.

use super::order::{self, Manner};
use super::phrase::{Clause, Quote, is_han, masked, quotes};
use super::settings::label;

/// The order, and the script that came with it; the script may be empty.
pub(super) fn split(message: &str) -> Option<(String, String)> {
    let message = message.trim();
    let found = match after_marker(message) {
        Some(marked) => Some(earlier(message, &marked).unwrap_or(marked.split)),
        None => after_colon(message).or_else(|| after_first_line(message)),
    };
    found
        .map(|(order, script)| (order.trim().to_owned(), script.trim().to_owned()))
        .or_else(|| in_quotes(message))
}

type Split<'m> = (&'m str, &'m str);

struct Marked<'m> {
    split: Split<'m>,
    /// Whether the marker is all of its line.
    alone: bool,
}

/// The split before a marker, where the marker turns out to be a line of the script itself.
fn earlier<'m>(message: &'m str, marked: &Marked<'m>) -> Option<Split<'m>> {
    let before = |split: &Split<'_>| split.0.len() < marked.split.0.len();
    let at_colon = after_colon(message).filter(before).filter(|(order, _)| {
        // "Narrate this: …", and not a label that is unknown here.
        let sentence = order.rsplit(['.', '\n', '!', '。']).next();
        sentence.is_some_and(is_order)
    });
    at_colon.or_else(|| if marked.alone { None } else { after_first_line(message).filter(before) })
}

/// What follows `Script:` at the beginning of a line.
fn marked(line: &str) -> Option<&str> {
    const MARKERS: [&str; 6] = ["script", "脚本", "文案", "文稿", "正文", "台词"];
    let begin = line.trim_start();
    MARKERS.iter().find_map(|marker| {
        let word = begin.get(..marker.len())?;
        let rest = begin[marker.len()..].trim_start();
        let script = rest.strip_prefix([':', '：'])?;
        word.eq_ignore_ascii_case(marker).then_some(script)
    })
}

/// A line that begins with `Script:`, the first one. Those after it belong to the script.
fn after_marker(message: &str) -> Option<Marked<'_>> {
    let mut start = 0;
    for line in message.split_inclusive('\n') {
        if let Some(script) = marked(line) {
            let order = &message[..start];
            let from = start + line.len() - script.len();
            let split = (order, &message[from..]);
            let alone = script.trim().is_empty();
            return (order.trim().is_empty() || is_order(order)).then_some(Marked { split, alone });
        }
        start += line.len();
    }
    None
}

/// `Narrate this in a male voice: …`. The colons of labels (`Voice: male`), of ratios (`9:16`)
/// and in quotes are not the one.
fn after_colon(message: &str) -> Option<Split<'_>> {
    let plain = masked(message, &quotes(message));
    let mut clause = 0;
    let mut within_label = false;
    let mut before: Option<char> = None;
    for (at, c) in plain.char_indices() {
        let after = plain[at + c.len_utf8()..].chars().next();
        match c {
            '\n' | ';' | '；' | '。' | '，' => {
                (clause, within_label) = (at + c.len_utf8(), false)
            }
            ',' | '.' | '!' | '?' if after.is_none_or(char::is_whitespace) => {
                (clause, within_label) = (at + 1, false);
            }
            ':' | '：' if !within_label => {
                let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
                if digit(before) && digit(after) {
                    // A ratio or a time.
                } else if label(&message[clause..at]).is_some() {
                    within_label = true;
                } else {
                    let order = &plain[..at];
                    let script = &message[at + c.len_utf8()..];
                    return (is_order(order) && script.contains(|c: char| !c.is_whitespace()))
                        .then(|| (&message[..at], script));
                }
            }
            _ => {}
        }
        before = Some(c);
    }
    None
}

/// An order on a line of its own, labels on the lines after it, then the script.
fn after_first_line(message: &str) -> Option<Split<'_>> {
    let (first, _) = message.split_once('\n')?;
    if !is_order(first) {
        return None;
    }
    let mut end = first.len() + 1;
    for line in message[end..].split_inclusive('\n') {
        let is_label = line.split_once([':', '：']).is_some_and(|(name, _)| label(name).is_some());
        if !is_label && !line.trim().is_empty() {
            break;
        }
        end += line.len();
    }
    let (order, script) = message.split_at(end);
    (!script.trim().is_empty() && marked(script).is_none()).then_some((order, script))
}

/// `Read "Good morning." in a male voice`; what is quoted as a title, or after a label, is none.
fn in_quotes(message: &str) -> Option<(String, String)> {
    const NAMES: [&str; 6] = ["title", "titled", "called", "named", "heading", "title:"];
    const CHINESE_NAMES: [&str; 3] = ["标题", "名为", "叫"];
    let quotes = quotes(message);
    let plain = masked(message, &quotes);
    if !is_order(&plain) {
        return None;
    }
    let Quote { range, text } = quotes.iter().find(|quote| {
        let before = plain[..quote.range.start].split_whitespace().next_back();
        let word = before.unwrap_or_default().to_lowercase();
        let clause = word.rsplit(['，', '。', '、', '；']).next().unwrap_or_default();
        let named = NAMES.contains(&word.as_str())
            || CHINESE_NAMES.iter().any(|name| clause.contains(name));
        !named && !is_labelled(&plain[..quote.range.start])
    })?;
    let order = format!("{} {}", &message[..range.start], &message[range.end..]);
    Some((order, text.clone()))
}

/// Whether what follows belongs to a label: `Background music: the uploaded file "rain.mp3"`.
fn is_labelled(before: &str) -> bool {
    let sentence = before.rsplit(['.', '\n', ';', '。', '；']).next().unwrap_or_default();
    let name = sentence.split_once([':', '：']).map(|(name, _)| name);
    name.is_some_and(|name| label(name).is_some())
}

/// Whether this asks for something to be spoken: one of its sentences does.
fn is_order(text: &str) -> bool {
    if text.contains(is_han) {
        return is_chinese_order(&text.to_lowercase());
    }
    let plain = text.replace(": ", ". ");
    let sentences = plain.split(['\n', ';', '!', '?']).flat_map(|line| line.split(". "));
    sentences.map(|sentence| Clause::new(sentence.trim())).any(|sentence| asks_to_speak(&sentence))
}

/// A sentence in which a voiceover is ordered: "narrate this", "a portrait voiceover", "make a
/// video of the text below". One that merely mentions a narrator, or makes a film *about*
/// something that would have to be written first, is none.
fn asks_to_speak(sentence: &Clause) -> bool {
    const OTHER_WORK: &[&str] = &[
        "remove", "delete", "mute", "unmute", "set", "change", "lower", "raise", "trim", "cut",
        "undo", "add",
    ];
    const MADE: &[&str] = &["make", "create", "generate", "produce", "turn", "convert", "do"];
    const SPOKEN: &[&str] = &["narrate", "read", "speak", "say", "dub", "record", "voice"];
    const FILMS: &[&str] = &["video", "film", "clip", "movie"];
    const VOICEOVERS: &[&str] =
        &["voiceover", "voice-over", "voice over", "narration", "narrated", "script"];
    /// What the script is called that comes with the order.
    const POINTERS: &[&str] =
        &["this", "these", "following", "below", "it", "aloud", "script", "text"];
    let first = order::first_word(sentence);
    let voiceover = sentence.has(VOICEOVERS);
    if OTHER_WORK.contains(&first.as_str()) && !sentence.has(&["script"]) {
        return false;
    }
    let points = sentence.has(POINTERS);
    let known = || Manner::of(sentence).asks();
    match first.as_str() {
        // Nobody says this of anything else.
        "narrate" => true,
        first if MADE.contains(&first) => {
            let film = sentence.has(FILMS) && (points || known());
            (voiceover || film) && (points || !sentence.has(&["about"]))
        }
        first if SPOKEN.contains(&first) => known() || (points && voiceover),
        _ => voiceover && known(),
    }
}

/// In Chinese the verb need not come first; what belongs to the first clause does.
fn is_chinese_order(text: &str) -> bool {
    const OTHER_WORK: [&str; 24] = [
        "删",
        "去掉",
        "移除",
        "静音",
        "撤销",
        "换成",
        "换个",
        "改成",
        "改为",
        "设为",
        "调",
        "剪",
        "裁",
        "加标题",
        "加个",
        "加上",
        "加一个",
        "添加",
        "加字幕",
        "加音乐",
        "音量",
        "大声",
        "小声",
        "提高",
    ];
    const SPOKEN: [&str; 15] = [
        "配音", "旁白", "朗读", "解说", "口播", "播报", "念这", "念一", "念出", "读这", "读一",
        "读出", "脚本", "文案", "文稿",
    ];
    const MADE: [&str; 7] = ["做", "制作", "生成", "转成", "转换成", "变成", "创建"];
    const FILMS: [&str; 4] = ["视频", "短片", "影片", "片子"];
    /// How a request begins, whatever it is about.
    const ASKING: [&str; 6] = ["请", "给", "把", "将", "帮", "麻烦"];
    let contains = |list: &[&str]| list.iter().any(|word| text.contains(word));
    let clause = text.split(['，', '。', '：', ',', '\n']).find(|clause| !clause.trim().is_empty());
    let clause = clause.unwrap_or_default().trim();
    let scripted = contains(&["script", "脚本", "文案", "文稿"]);
    if OTHER_WORK.iter().any(|word| clause.contains(word)) && !scripted {
        return false;
    }
    let spoken = contains(&SPOKEN) || clause.starts_with(['念', '读']);
    let made = contains(&MADE) && contains(&FILMS) && !contains(&["关于", "介绍"]);
    let asked = ASKING.iter().any(|word| clause.starts_with(word))
        || Manner::of(&Clause::new(clause)).asks();
    (spoken || made) && asked
}
