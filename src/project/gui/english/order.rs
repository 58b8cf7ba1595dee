//! What an English order at the head of a clause asks to use the screen for, where it does.

use super::super::clause::{Act, about};
use super::screen::{
    BILLING, BUTTONS, FILM, THINGS, Word, ends_at, first, goes_on, has, has_billing, has_button,
    has_place, has_sure_button, is_of_the_film, tells_of_a_button, without,
};

/// Forms of the verbs of a hand.
const CLICKING: &[&str] = &["clicking", "pressing", "tapping", "hitting", "selecting", "choosing"];
const CLICK: &[&str] = &["click", "press", "tap", "hit", "clicked", "pressed", "tapped", "select"];

/// What the order asks for. `addressed` says that it speaks to the user, which makes it surer.
pub(super) fn instruction(words: &[Word], addressed: bool) -> Option<Act> {
    let (verb, object) = verb_and_object(words)?;
    act(verb, object, words, addressed).map(|act| named(act, verb, object))
}

/// "once you click Export", "after clicking Export", "clicking the Export button saves it": only
/// with a button that is hardly ever part of a film.
pub(super) fn clicking(words: &[Word]) -> Option<Act> {
    const WHEN: &[&str] =
        &["once", "when", "whenever", "after", "if", "as soon as", "by", "upon", "until"];
    let rest = without(words, WHEN).unwrap_or(words);
    let is_timed = rest.len() < words.len();
    let rest = match without(rest, &["you've", "you have", "you"]) {
        Some(rest) if is_timed => rest.split_first().filter(|(verb, _)| verb.is(CLICK))?.1,
        _ => rest.split_first().filter(|(verb, _)| verb.is(CLICKING))?.1,
    };
    let does = has_sure_button(rest) && !is_of_the_film(rest);
    does.then(|| about(&text(rest)).unwrap_or(Act::Edit))
}

fn text(words: &[Word]) -> String {
    words.iter().map(Word::as_str).collect::<Vec<_>>().join(" ")
}

/// "right click" and "long press" are one verb.
fn verb_and_object(words: &[Word]) -> Option<(&str, &[Word])> {
    let (verb, object) = words.split_first()?;
    let is_pair = verb.is(&["double", "right", "left", "single", "long"]);
    match object.split_first() {
        Some((second, rest)) if is_pair && second.is(&["click", "tap", "press"]) => {
            Some(("click", rest))
        }
        _ => Some((verb.as_str(), object)),
    }
}

fn act(verb: &str, object: &[Word], words: &[Word], addressed: bool) -> Option<Act> {
    let near = first(object, 4);
    let goes_on = |is_verb: bool| goes_on(object, is_verb);
    // A film has menus and panels, too.
    let is_on_screen = || has_place(object) && !is_of_the_film(object);
    let is_yours = addressed || has(object, &["your"]);
    match verb {
        "click" | "double-click" | "right-click" | "left-click" | "double-tap" | "long-press"
        | "click/tap" | "click-and-drag" => {
            let is_sound =
                has(first(object, 1), &["sound", "sounds", "noise", "track", "tracks", "rate"]);
            // What a film says: the screen has no links.
            let is_link = has(near, &["link"])
                && matches!(about(&text(object)), None | Some(Act::Edit | Act::State));
            (goes_on(true) && !is_sound && !is_link).then_some(Act::Edit)
        }
        "tap" => {
            let is_shown = has(first(object, 1), &["on", "here"])
                || has(first(object, 3), THINGS)
                || has_button(object)
                || has_place(object);
            (goes_on(false) || has(first(object, 1), BUTTONS))
                .then_some(Act::Edit)
                .filter(|_| is_shown)
        }
        "press" | "hit" | "push" => {
            let is_about = matches!(about(&text(object)), Some(Act::Export | Act::Upload));
            let is_button = has(near, &["button"]) && (addressed || is_about);
            (has_button(object) || is_button).then_some(Act::Edit)
        }
        "clicking" | "pressing" | "tapping" | "hitting" if addressed => {
            has_button(object).then_some(Act::Edit)
        }
        "give" => (has_button(object) && has(object, &["click", "press", "tap", "hit"]))
            .then_some(Act::Edit),
        "drag" | "drag-and-drop" => {
            let is_thing = has(first(object, 6), THINGS) || has_place(object);
            (goes_on(true) && is_thing).then_some(Act::Edit)
        }
        "drop" => {
            let is_there = has(object, &["here"])
                || (has(object, &["into", "onto", "in", "on"]) && has_place(object));
            (goes_on(true) && is_there).then_some(Act::Edit)
        }
        "open" | "visit" | "navigate" | "expand" | "close" | "launch" => {
            let is_account = verb != "open" && is_yours && has_billing(object);
            (goes_on(true) && (is_on_screen() || is_account)).then_some(Act::State)
        }
        "go" | "head" | "hop" | "switch" | "access" | "return" | "scroll" | "scrub" | "jump"
        | "hover" | "look" | "peek" | "glance" | "zoom" => {
            let is_account = is_yours && has_billing(object);
            (goes_on(false) && (is_on_screen() || is_account)).then_some(Act::State)
        }
        "take" | "have" | "get" => {
            (has(near, &["look", "peek", "glance"]) && is_on_screen()).then_some(Act::State)
        }
        "pop" | "pull" | "bring" => {
            (has(near, &["open", "up"]) && is_on_screen()).then_some(Act::State)
        }
        "log" | "sign" => {
            let is_in = has(first(object, 1), &["in", "into", "on"]);
            (is_in && has(near, &["account"])).then_some(Act::Credits)
        }
        "preview" => {
            let is_film = has(object, FILM) || has_place(object);
            let is_order = addressed || (goes_on(false) && is_film);
            (is_order && !is_of_the_film(object)).then_some(Act::State)
        }
        "view" | "watch" | "see" | "review" | "find" | "check" | "inspect" | "play" | "manage"
        | "upgrade" | "verify" | "locate" => {
            let is_verb = ["manage", "verify", "inspect", "locate"].contains(&verb);
            let is_bare = has(first(object, 1), BILLING) && addressed;
            if !(goes_on(is_verb) || is_bare) {
                return None;
            }
            if verb != "find" && has_billing(object) && is_yours && !has_place(object) {
                return Some(Act::Credits);
            }
            is_on_screen().then_some(Act::State)
        }
        "select" | "choose" | "pick" => {
            let is_button = object.first().is_some_and(|_| is_label(object));
            let is_free = has(first(object, 1), &["to"]); // "choose to put it there"
            (goes_on(true) && !is_free && (is_on_screen() || is_button)).then_some(Act::Edit)
        }
        "use" | "adjust" | "resize" | "move" | "set" | "change" | "edit" | "rename" | "trim"
        | "split" => (goes_on(verb == "adjust") && is_on_screen()).then_some(Act::Edit),
        "toggle" | "enable" | "disable" | "mute" | "unmute" | "turn" => {
            is_on_screen().then_some(Act::Edit)
        }
        "export" | "download" | "render" | "save" => {
            let is_film = goes_on(false) && is_film_to_save(verb, near, object, addressed);
            (is_film || (addressed && object.is_empty())).then_some(Act::Export)
        }
        "refresh" | "reload" => is_page(object).then_some(Act::State),
        "top" | "buy" | "purchase" | "renew" => {
            (has(object, BILLING) && has_place(object)).then_some(Act::Credits)
        }
        "upload" | "import" => {
            (goes_on(false) && (is_on_screen() || has(object, &["here"]))).then_some(Act::Upload)
        }
        "you'll" | "you" => {
            let sees = has(first(object, 2), &["find", "see"]);
            (sees && is_on_screen()).then_some(Act::State)
        }
        "a" | "one" if has(near, &["click", "tap", "press"]) => {
            has_sure_button(&near[1..]).then_some(Act::Edit)
        }
        "the" | "your" | "there's" | "there" | "a" => {
            (tells_of_a_button(words) && !is_of_the_film(words)).then_some(Act::Edit)
        }
        _ => None,
    }
}

/// "Select Export", which is not "Choose Play as the title".
fn is_label(object: &[Word]) -> bool {
    has_sure_button(first(object, 1)) && ends_at(object, 0)
}

/// What the user would save on the screen. "Save this video for your next trip!" is what a film
/// says to those who watch it.
fn is_film_to_save(verb: &str, near: &[Word], object: &[Word], addressed: bool) -> bool {
    let Some(at) = near.iter().position(|word| word.is(FILM) && !word.is(&["this"])) else {
        return near.first().is_some_and(|word| word.is(&["this"]))
            && ends_at(object, 0)
            && addressed;
    };
    let is_call = verb == "save"
        && !addressed
        && (has(first(near, 1), &["this"]) || object.get(at + 1).is_some_and(|w| w.is(&["for"])));
    ends_at(object, at) && !is_call
}

fn is_page(object: &[Word]) -> bool {
    const PAGES: &[&str] = &[
        "page", "browser", "screen", "window", "tab", "app", "player", "view", "timeline", "panel",
    ];
    let near = first(object, 3);
    let page = near.iter().position(|word| word.is(PAGES));
    page.is_some_and(|at| ends_at(object, at)) && has(first(object, 1), &["the", "your", "this"])
}

/// What the object names, else what the verb stands for.
fn named(act: Act, verb: &str, object: &[Word]) -> Act {
    let words = text(object);
    match (verb, act) {
        (_, Act::Credits | Act::Export | Act::Upload) => act,
        ("drag" | "drag-and-drop" | "drop", _) => {
            let is_file = about(&words) == Some(Act::Upload)
                || has(object, &["file", "files", "upload", "here"]);
            if is_file { Act::Upload } else { Act::Edit }
        }
        ("preview", _) => Act::State,
        (
            "double-click" | "right-click" | "double-tap" | "long-press" | "toggle" | "enable"
            | "disable" | "mute" | "unmute" | "turn" | "trim" | "split" | "edit" | "rename",
            _,
        ) => Act::Edit,
        (_, Act::State) => match about(&words) {
            Some(Act::Edit) | None => Act::State,
            Some(other) => other,
        },
        _ => about(&words).unwrap_or(Act::Edit),
    }
}
