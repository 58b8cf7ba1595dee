//! Whether an English clause tells the user to use the screen. Orders are known by the base form
//! of a verb at their head, so "the intro opens with a click" is none; by what follows it, so "tap
//! water" is none; and most verbs need a part of the screen as well, so "open on a sunrise" is
//! none. What a verb needs is in `order`, what a part of the screen is in `screen`.

mod order;
mod screen;

use super::clause::{Kind, Read};
use screen::{Word, first, has, has_place, has_sure_button, without, words};

/// Before the verb. The first that fits is taken away, again and again.
const LEADS: &[&str] = &[
    "you can",
    "you could",
    "you may",
    "you might",
    "you should",
    "you must",
    "you need to",
    "you have to",
    "you just need to",
    "you only need to",
    "you just have to",
    "you will need to",
    "you'll need to",
    "you'll have to",
    "you'll want to",
    "you will want to",
    "you want to",
    "you are able to",
    "you're able to",
    "feel free to",
    "make sure to",
    "make sure you",
    "be sure to",
    "don't forget to",
    "remember to",
    "all you need to do is",
    "all you have to do is",
    "all that's left is to",
    "all that is left is to",
    "the last step is to",
    "the next step is to",
    "it's just a matter of",
    "it's a matter of",
    "i recommend you",
    "i suggest you",
    "we recommend you",
    "i recommend",
    "i suggest",
    "use your mouse to",
    "use the mouse to",
    "want to",
    "try",
    "please",
    "kindly",
];
/// The same, without speaking to anyone.
const FILLERS: &[&str] = &[
    "just",
    "simply",
    "now",
    "then",
    "next",
    "finally",
    "lastly",
    "also",
    "and",
    "or",
    "so",
    "but",
    "first",
    "second",
    "third",
    "afterwards",
    "alternatively",
    "otherwise",
    "easily",
    "always",
    "directly",
    "either",
    "go ahead and",
    "try to",
    "at any time",
    "anytime",
    "once ready",
    "to",
];

pub(super) fn classify(clause: &str) -> Read {
    let words = words(clause);
    let mut addressed = false;
    let mut rest = words.as_slice();
    let is_list_number = |word: &Word| word.as_str().bytes().all(|b| b.is_ascii_digit());
    while rest.first().is_some_and(is_list_number) {
        rest = &rest[1..];
    }
    let opening = rest;
    loop {
        if let Some(after) = without(rest, LEADS) {
            addressed = true;
            rest = after;
        } else if let Some(after) = without(rest, FILLERS) {
            rest = after;
        } else {
            break;
        }
    }
    let to_do = has(first(opening, 1), &["to"]) && rest.len() < opening.len();
    let order = || {
        let order = order::instruction(rest, addressed).or_else(|| order::clicking(rest));
        order.filter(|_| !to_do)
    };
    let kind = if is_quoted(clause) || opening.is_empty() {
        Kind::Content
    } else if rest.is_empty() {
        Kind::Lead
    } else if let Some(act) = order() {
        Kind::Instruction(act)
    } else {
        other(opening, rest, to_do)
    };
    Read { kind, addressed }
}

/// "ready *to preview in the timeline*": an infinitive that speaks of the screen.
pub(super) fn is_ready_to(clause: &str) -> bool {
    let words = words(clause);
    words.get(1).is_some_and(|verb| verb.is(&["preview", "view", "watch"])) && has_place(&words)
}

/// "it can be saved *by clicking Export*": how, where somebody else than the user did it before.
pub(super) fn is_by_hand(before: &str, clause: &str) -> bool {
    const DOES: &[&str] =
        &["clicking", "pressing", "tapping", "hitting", "dragging", "opening", "selecting"];
    const OTHERS: &[&str] = &["i", "i've", "we", "we've", "he", "she", "they", "who", "user"];
    let words = words(clause);
    let does = has(first(&words, 2), DOES)
        || (has(first(&words, 1), &["via", "using"]) && has_place(&words));
    let is_on_screen = has_sure_button(words.get(2..).unwrap_or_default()) || has_place(&words);
    does && is_on_screen && !has(&self::words(before), OTHERS)
}

/// "or tell me what to change": what is said to the agent, or by it.
pub(super) fn is_talk(clause: &str) -> bool {
    let words = words(clause);
    let rest = without(&words, FILLERS).unwrap_or(&words);
    without(rest, &["tell me", "let me", "ask me", "i can", "i'll", "i've", "i"]).is_some()
}

/// Whether a clause names what only the screen of the service has, whatever film it is.
pub(super) fn names_the_service(clause: &str) -> bool {
    const NAMES: &[&str] =
        &["export", "render", "timeline", "panel", "tab", "sidebar", "workspace"];
    has(&words(clause), NAMES)
}

fn is_quoted(clause: &str) -> bool {
    clause.trim_start().starts_with(['"', '“', '\'', '‘', '«', '「', '『', '`'])
}

fn other(opening: &[Word], rest: &[Word], to_do: bool) -> Kind {
    match () {
        () if is_lead(opening, to_do) => Kind::Lead,
        () if is_said(opening, rest) => Kind::Content,
        () if is_step(rest) => Kind::Step,
        () if has(first(opening, 1), &["which", "where"]) => Kind::Outcome,
        () if is_outcome(opening, rest) && !is_telling(rest) => Kind::Outcome,
        () if opening.len() <= 4 && opening.iter().all(is_setting) => Kind::Detail,
        () => Kind::Content,
    }
}

fn is_lead(opening: &[Word], to_do: bool) -> bool {
    const WHEN: &[&str] = &[
        "if", "when", "once", "whenever", "after", "before", "for", "as", "until", "should", "in",
        "at", "from", "on", "happy",
    ];
    let second = opening.get(1).map_or("", Word::as_str);
    let is_tip = has(first(opening, 1), &["tip", "hint"])
        || (has(first(opening, 1), &["next"]) && second.starts_with("step"))
        // A label; `script` has seen that an order is behind it.
        || (opening.len() <= 3 && opening.last().is_some_and(|word| word.is(COVERS)));
    let is_place = !has(first(opening, 1), &["in", "at", "from", "on"]) || has_place(opening);
    // "For the intro I used jazz"
    let is_mine = has(opening, &["i", "i've", "we", "we've"]);
    to_do || is_tip || (has(first(opening, 1), WHEN) && is_place && !is_mine)
}

/// Labels that stand before what is said in a film, and before what is to be done as well.
pub(super) const COVERS: &[&str] = &["action", "cta", "message"];

fn is_said(opening: &[Word], rest: &[Word]) -> bool {
    const TALK: &[&str] =
        &["let", "tell", "ask", "say", "i", "i'll", "i've", "i'm", "we", "we'll", "we've"];
    has(first(rest, 1), TALK) || has(first(opening, 1), &["i", "we"])
}

fn is_step(rest: &[Word]) -> bool {
    const STEPS: &[&str] = &[
        "select", "choose", "pick", "use", "adjust", "set", "resize", "move", "enter", "type",
        "open", "go", "wait", "confirm", "save", "name", "find", "locate", "export", "download",
        "upload", "scroll", "hold", "release", "close", "check", "review",
    ];
    has(first(rest, 1), STEPS)
}

fn is_outcome(opening: &[Word], rest: &[Word]) -> bool {
    const IT: &[&str] = &["it", "it'll", "this", "that"];
    const MADE: &[&str] =
        &["video", "file", "clip", "film", "export", "download", "render", "project", "browser"];
    let will =
        first(rest, 4).iter().any(|word| word.is(&["will"]) || word.as_str().ends_with("'ll"));
    let is_made = has(first(rest, 1), &["your", "the"]) && has(first(rest, 4), MADE);
    let gets = without(rest, &["you'll", "you will", "you get", "you're", "you receive"]).is_some();
    ((has(first(rest, 1), IT) || is_made) && will)
        || gets
        || (has(first(opening, 1), &["and", "then", "so"])
            && !has(first(rest, 1), &["the", "there"]))
}

/// Whether a clause tells more than that it works: a number, the name of a file. It is kept then,
/// with all that follows.
fn is_telling(rest: &[Word]) -> bool {
    rest.iter().any(|word| {
        let text = word.as_str();
        text.starts_with(|c: char| c.is_ascii_digit()) || text.contains('.')
    })
}

/// "1080p", "MP4": a word that tells nothing by itself.
fn is_setting(word: &Word) -> bool {
    const SETTINGS: &[&str] = &[
        "hd",
        "full",
        "uhd",
        "mov",
        "gif",
        "webm",
        "fps",
        "high",
        "quality",
        "resolution",
        "format",
        "and",
        "or",
        "in",
        "at",
    ];
    let text = word.as_str();
    word.is(SETTINGS) || (text.is_ascii() && text.contains(|c: char| c.is_ascii_digit()))
}
