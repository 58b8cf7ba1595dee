//! Whether an English clause tells the user to use the screen. Orders are known by the base form
//! of a verb at their head, so "the intro opens with a click" is none, and most verbs need a
//! part of the screen as well, so "open on a sunrise" is none.

use super::clause::{Act, Kind, Read, about};

/// As far as a clause is looked into.
const MAX_WORDS: usize = 40;
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
    "i recommend you",
    "i suggest you",
    "we recommend you",
    "want to",
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
/// Sure parts of a screen.
const PLACES: &[&str] = &[
    "panel",
    "tab",
    "menu",
    "button",
    "buttons",
    "icon",
    "toolbar",
    "sidebar",
    "dropdown",
    "drop-down",
    "timeline",
    "editor",
    "workspace",
    "dashboard",
    "settings",
    "slider",
    "pane",
    "dialog",
    "popup",
    "playhead",
    "interface",
];
/// Parts of a screen beside a name of one.
const MAYBE_PLACES: &[&str] = &[
    "window", "screen", "page", "library", "player", "browser", "canvas", "area", "corner", "bar",
    "view", "section", "option",
];
const NAMES: &[&str] = &[
    "export",
    "preview",
    "media",
    "video",
    "account",
    "billing",
    "asset",
    "assets",
    "project",
    "upload",
    "music",
    "track",
    "tracks",
    "properties",
    "style",
    "text",
    "audio",
    "download",
    "render",
    "your",
    "the",
    "top",
    "upper-right",
    "top-right",
    "right",
    "left",
];
const BUTTONS: &[&str] = &[
    "export", "download", "render", "save", "play", "preview", "upload", "import", "apply",
    "generate", "ok", "done", "confirm", "start", "share", "publish", "upgrade", "submit", "undo",
    "redo", "button", "key", "icon",
];
const BILLING: &[&str] =
    &["account", "billing", "subscription", "plan", "plans", "balance", "credits", "payment"];
/// What is moved with a mouse.
const THINGS: &[&str] = &[
    "clip", "clips", "track", "title", "segment", "edge", "edges", "handle", "handles", "playhead",
    "file", "files", "text", "layer", "slider", "music", "video", "image", "scene", "it", "them",
    "drop", "element", "caption", "media",
];
const FILM: &[&str] = &[
    "it", "this", "video", "clip", "film", "movie", "file", "result", "project", "changes", "edit",
];

pub(super) fn classify(clause: &str) -> Read {
    let words = words(clause);
    let mut addressed = false;
    let mut rest = words.as_slice();
    let is_list_number = |word: &String| word.bytes().all(|b| b.is_ascii_digit());
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
    let to_do = opening.first().is_some_and(|word| word == "to") && rest.len() < opening.len();
    let kind = if is_quoted(clause) || opening.is_empty() {
        Kind::Content
    } else if rest.is_empty() {
        Kind::Lead
    } else if let Some(act) = instruction(rest, addressed).filter(|_| !to_do) {
        Kind::Instruction(about_or(act, rest))
    } else {
        other(opening, rest, to_do)
    };
    Read { kind, addressed }
}

/// "ready *to preview in the timeline*": an infinitive that speaks of the screen.
pub(super) fn is_ready_to(clause: &str) -> bool {
    let words = words(clause);
    words.get(1).is_some_and(|verb| ["preview", "view", "watch"].contains(&verb.as_str()))
        && has_place(&words)
}

/// "it can be saved *by clicking Export*": how, where somebody else than the user did it before.
pub(super) fn is_by_hand(before: &str, clause: &str) -> bool {
    const DOES: &[&str] =
        &["clicking", "pressing", "tapping", "hitting", "dragging", "opening", "selecting"];
    const OTHERS: &[&str] = &["i", "i've", "we", "we've", "he", "she", "they", "who", "user"];
    let words = words(clause);
    let does = has(&words[..words.len().min(2)], DOES)
        || (has(&words[..words.len().min(1)], &["via", "using"]) && has_place(&words));
    does && (has(&words, BUTTONS) || has_place(&words)) && !has(&self::words(before), OTHERS)
}

/// The words in lower case, without what stands around them.
fn words(clause: &str) -> Vec<String> {
    clause
        .split_whitespace()
        .map(|word| {
            word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase().replace('’', "'")
        })
        .filter(|word| !word.is_empty())
        .take(MAX_WORDS)
        .collect()
}

fn is_quoted(clause: &str) -> bool {
    clause.trim_start().starts_with(['"', '“', '\'', '‘', '«', '「', '『', '`'])
}

fn without<'a>(words: &'a [String], phrases: &[&str]) -> Option<&'a [String]> {
    phrases.iter().find_map(|phrase| {
        let mut rest = words;
        for word in phrase.split(' ') {
            rest = rest.split_first().filter(|(first, _)| *first == word)?.1;
        }
        Some(rest)
    })
}

fn has(words: &[String], names: &[&str]) -> bool {
    words.iter().any(|word| names.contains(&word.as_str()))
}

fn has_place(words: &[String]) -> bool {
    has(words, PLACES) || (has(words, MAYBE_PLACES) && has(words, NAMES))
}

/// What an order at the head of the words asks to use the screen for, where it does.
fn instruction(words: &[String], addressed: bool) -> Option<Act> {
    let (verb, object) = words.split_first()?;
    let near = &object[..object.len().min(4)];
    let is_theirs = addressed || has(object, &["your", "account", "billing", "subscription"]);
    match verb.as_str() {
        "click" | "tap" | "double-click" | "right-click" | "click/tap" => {
            let is_sound =
                has(&near[..near.len().min(1)], &["sound", "sounds", "noise", "track", "rate"]);
            (!object.is_empty() && !is_sound).then_some(Act::Edit)
        }
        "press" | "hit" | "push" => has(near, BUTTONS).then_some(Act::Edit),
        "drag" | "drag-and-drop" => (has(object, THINGS) || has_place(object)).then_some(Act::Edit),
        "drop" => (has(object, &["into", "onto", "here", "in", "on"])
            && (has_place(object) || has(object, &["here"])))
        .then_some(Act::Edit),
        "open" | "launch" | "expand" | "close" | "go" | "navigate" | "head" | "switch"
        | "visit" | "access" | "return" | "scroll" | "scrub" | "jump" | "hover" | "look" => {
            let is_account = is_theirs && has(object, BILLING);
            (has_place(object) || is_account).then_some(Act::State)
        }
        "preview" => (addressed || has(object, FILM) || has_place(object)).then_some(Act::State),
        "view" | "watch" | "see" | "review" | "find" | "check" | "inspect" | "play" | "manage"
        | "upgrade" | "verify" | "locate" => {
            if has(object, BILLING) && is_theirs && !has_place(object) {
                return Some(Act::Credits);
            }
            has_place(object).then_some(Act::State)
        }
        "select" | "choose" | "pick" | "use" | "adjust" | "resize" | "move" | "set" => {
            has_place(object).then_some(Act::Edit)
        }
        "export" | "download" | "render" | "save" => {
            let is_film = has(near, FILM);
            (is_film || (addressed && object.is_empty())).then_some(Act::Export)
        }
        "refresh" | "reload" => {
            (has_place(object) || has(object, MAYBE_PLACES)).then_some(Act::State)
        }
        "top" | "buy" | "purchase" | "renew" | "change" => {
            (has(object, BILLING) && has_place(object)).then_some(Act::Credits)
        }
        "upload" | "import" => (has_place(object) || has(object, &["here"])).then_some(Act::Upload),
        "you'll" | "you" => {
            let sees = has(&object[..object.len().min(2)], &["find", "see"]);
            (sees && has_place(object)).then_some(Act::State)
        }
        "the" | "your" | "there's" | "there" => is_about_a_button(words).then_some(Act::Edit),
        _ => None,
    }
}

/// "The Export button is in the upper-right corner": where it is, not that it was drawn.
fn is_about_a_button(words: &[String]) -> bool {
    const WHERE: &[&str] = &[
        "top",
        "bottom",
        "corner",
        "right",
        "left",
        "toolbar",
        "menu",
        "panel",
        "here",
        "above",
        "below",
        "active",
        "enabled",
        "available",
        "visible",
    ];
    let is_named = |pair: &[String]| BUTTONS.contains(&pair[0].as_str()) && pair[1] == "button";
    let near = &words[..words.len().min(5)];
    let Some(at) = near.windows(2).position(is_named) else { return false };
    match words.get(at + 2).map(String::as_str) {
        Some("lets" | "will" | "appears") => true,
        Some("is" | "at" | "in" | "on") => words[at + 3..].iter().any(|word| {
            // `upper-right`
            word.split('-').any(|part| WHERE.contains(&part))
        }),
        _ => false,
    }
}

/// What the object names, else what the verb stands for.
fn about_or(act: Act, words: &[String]) -> Act {
    let object = words.get(1..).unwrap_or_default().join(" ");
    match (words.first().map(String::as_str), act) {
        (_, Act::Credits | Act::Export | Act::Upload) => act,
        (Some("drag" | "drag-and-drop" | "drop"), _) => {
            let is_file = about(&object) == Some(Act::Upload)
                || has(words, &["file", "files", "upload", "here"]);
            if is_file { Act::Upload } else { Act::Edit }
        }
        (Some("preview"), _) => Act::State,
        (_, Act::State) => match about(&object) {
            Some(Act::Edit) | None => Act::State,
            Some(other) => other,
        },
        _ => about(&object).unwrap_or(Act::Edit),
    }
}

fn other(opening: &[String], rest: &[String], to_do: bool) -> Kind {
    let word = |words: &[String], at: usize| words.get(at).cloned().unwrap_or_default();
    let first = word(opening, 0);
    let is_tip = has(&opening[..1], &["tip", "hint"])
        || (first == "next" && word(opening, 1).starts_with("step"));
    let is_when = [
        "if", "when", "once", "whenever", "after", "before", "for", "as", "until", "should", "in",
        "at", "from", "on", "happy",
    ];
    let is_place = !["in", "at", "from", "on"].contains(&first.as_str()) || has_place(opening);
    if to_do || is_tip || (is_when.contains(&first.as_str()) && is_place) {
        return Kind::Lead;
    }
    let is_talk = ["let", "tell", "ask", "say", "i", "i'll", "i've", "i'm", "we", "we'll", "we've"]
        .contains(&word(rest, 0).as_str());
    let will = rest.iter().take(4).any(|word| word == "will" || word.ends_with("'ll"));
    let is_outcome = first == "which"
        || first == "where"
        || (has(&rest[..1], &["it", "it'll", "this", "that", "your", "the"]) && will)
        || (["and", "then", "so"].contains(&first.as_str()) && !has(&rest[..1], &["the", "there"]));
    let is_step = [
        "select", "choose", "pick", "use", "adjust", "set", "resize", "move", "enter", "type",
        "open", "go", "wait", "confirm", "save", "name", "find", "locate", "export", "download",
        "upload", "scroll", "hold", "release", "close", "check", "review",
    ]
    .contains(&word(rest, 0).as_str());
    match () {
        () if is_talk => Kind::Content,
        () if is_step => Kind::Step,
        () if is_outcome => Kind::Outcome,
        () => Kind::Content,
    }
}
