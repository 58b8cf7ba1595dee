//! The words of a screen, and which of them name a part of it where they stand. A coffee menu, a
//! window and the dashboard of a car are none, so a noun counts only with the article and the
//! names that go with a screen, and only where it ends what it belongs to.

/// As far as a clause is looked into.
const MAX_WORDS: usize = 40;

/// Parts of a screen.
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
    "window",
    "page",
    "library",
    "player",
    "viewer",
    "browser",
    "canvas",
    "area",
    "box",
    "bar",
    "view",
    "section",
    "option",
    "dashboard",
];
/// The same, known by "in the" and "to the" as well.
const INSIDE: &[&str] = &["player", "viewer", "library", "canvas", "browser"];
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
    "main",
    "side",
    "top",
    "upper-right",
    "top-right",
    "right",
    "left",
    "captions",
    "speaker",
    "gear",
    "search",
];
/// What is written on buttons and keys.
pub(super) const BUTTONS: &[&str] = &[
    "export",
    "download",
    "render",
    "save",
    "play",
    "preview",
    "upload",
    "import",
    "apply",
    "generate",
    "ok",
    "done",
    "confirm",
    "start",
    "share",
    "publish",
    "upgrade",
    "submit",
    "undo",
    "redo",
    "retry",
    "delete",
    "backspace",
    "enter",
    "escape",
    "esc",
    "space",
    "spacebar",
];
/// Buttons that are hardly ever part of a film.
const SURE_BUTTONS: &[&str] = &["export", "download", "render", "upload", "generate", "publish"];
const BUTTON: &[&str] = &["button", "key", "icon", "option", "bar"];
pub(super) const BILLING: &[&str] =
    &["account", "billing", "subscription", "plan", "plans", "balance", "credits", "payment"];
/// What is moved with a mouse.
pub(super) const THINGS: &[&str] = &[
    "clip", "clips", "track", "title", "segment", "edge", "edges", "handle", "handles", "playhead",
    "file", "files", "text", "layer", "slider", "music", "video", "image", "scene", "it", "them",
    "drop", "element", "caption", "captions", "media",
];
pub(super) const FILM: &[&str] = &[
    "it", "this", "video", "clip", "film", "movie", "file", "result", "project", "changes", "edit",
    "work",
];
const ARTICLES: &[&str] = &["the", "your", "this", "that", "a", "an", "its", "our"];
const PREPOSITIONS: &[&str] = &[
    "to", "in", "on", "at", "from", "via", "into", "onto", "under", "with", "through", "using",
    "over", "near", "above", "below", "by", "and", "or", "inside",
];
/// What may stand behind a noun that ends what it belongs to. "Of" and "as" are missing: "the
/// timeline of the war", "the dashboard as it lights up".
const ENDERS: &[&str] = &[
    "to", "in", "on", "at", "for", "from", "and", "or", "then", "by", "with", "when", "if", "once",
    "under", "above", "below", "next", "near", "beside", "you", "where", "which", "that", "so",
    "again", "now", "here", "there", "until", "after", "before", "using", "via", "called",
    "labelled", "labeled", "right", "left", "first", "while", "instead", "any", "directly",
];
/// What an order may go on with besides an article, where a noun goes on with another noun: "tap
/// on it", but "tap water".
const GO_ON: &[&str] = &[
    "back", "down", "up", "out", "around", "off", "again", "here", "there", "any", "each", "all",
    "both", "it", "them", "one", "these", "those", "twice", "once", "for", "which", "what",
    "until",
];

/// A word in lower case, without what stands around it.
#[derive(Debug)]
pub(super) struct Word {
    text: String,
    /// Whether it is written as a name: with a capital, in quotes or bold.
    is_name: bool,
}

impl Word {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.as_str())
    }
}

/// The first words of a clause. The arrow of `File > Export` is one.
pub(super) fn words(clause: &str) -> Vec<Word> {
    let word = |raw: &str| {
        if matches!(raw, ">" | "→" | "›") {
            return Word { text: ">".to_owned(), is_name: false };
        }
        let bare = raw.trim_matches(|c: char| !c.is_alphanumeric());
        let is_marked = raw.starts_with(['"', '“', '\'', '‘', '*', '`', '[']);
        let mut text = bare.to_lowercase().replace('’', "'");
        // "Your account's billing page" is one of the screen, "the client's" of the film.
        if text.strip_suffix("'s").is_some_and(|owner| [NAMES, PLACES].concat().contains(&owner)) {
            text.truncate(text.len() - 2);
        }
        Word { text, is_name: is_marked || bare.starts_with(char::is_uppercase) }
    };
    let words = clause.split_whitespace().map(word);
    words.filter(|word| !word.text.is_empty()).take(MAX_WORDS).collect()
}

pub(super) fn without<'a>(words: &'a [Word], phrases: &[&str]) -> Option<&'a [Word]> {
    phrases.iter().find_map(|phrase| {
        let mut rest = words;
        for word in phrase.split(' ') {
            rest = rest.split_first().filter(|(first, _)| first.as_str() == word)?.1;
        }
        Some(rest)
    })
}

pub(super) fn has(words: &[Word], names: &[&str]) -> bool {
    words.iter().any(|word| word.is(names))
}

/// The first so many words.
pub(super) fn first(words: &[Word], count: usize) -> &[Word] {
    &words[..words.len().min(count)]
}

/// Whether nothing behind the word belongs to it.
pub(super) fn ends_at(words: &[Word], at: usize) -> bool {
    words.get(at + 1).is_none_or(|next| next.is(ENDERS))
}

/// Whether the words, those behind a verb, name a part of the screen.
pub(super) fn has_place(words: &[Word]) -> bool {
    (0..words.len()).any(|at| is_place(words, at))
}

fn is_place(words: &[Word], at: usize) -> bool {
    let word = &words[at];
    if word.as_str() == ">" {
        let is_name =
            |at: Option<usize>| at.and_then(|at| words.get(at)).is_some_and(|w| w.is_name);
        return is_name(at.checked_sub(1)) && is_name(Some(at + 1));
    }
    let is_sure = word.is(PLACES);
    if !(is_sure || word.is(MAYBE_PLACES)) || !ends_at(words, at) {
        return false;
    }
    let is_name = |word: &Word| {
        word.is_name || [NAMES, BUTTONS, PLACES, MAYBE_PLACES, BILLING].iter().any(|of| word.is(of))
    };
    let names = words[..at].iter().rev().take_while(|word| is_name(word)).count();
    let before = &words[..at - names];
    let (article, rest) = match before.split_last() {
        Some((last, rest)) if last.is(ARTICLES) => (Some(last), rest),
        _ => (None, before),
    };
    let is_behind = rest.last().is_some_and(|word| word.is(PREPOSITIONS));
    let is_bounded = article.is_some() || rest.is_empty() || is_behind;
    let is_yours = article.is_some_and(|word| word.as_str() == "your");
    let is_known = is_sure || names > 0 || is_yours || (is_behind && word.is(INSIDE));
    is_bounded && is_known
}

/// Whether the words behind a verb go on as an order does. With a verb that is hardly ever a noun
/// the name of something on the screen may follow at once.
pub(super) fn goes_on(object: &[Word], is_verb: bool) -> bool {
    let names = [NAMES, BUTTONS, PLACES, BILLING, THINGS];
    object.first().is_some_and(|word| {
        word.is_name
            || [ARTICLES, PREPOSITIONS, GO_ON].iter().any(|of| word.is(of))
            || (is_verb && names.iter().any(|of| word.is(of)))
    })
}

/// Whether the words name what is paid with: "your account", not "your balance with yoga".
pub(super) fn has_billing(words: &[Word]) -> bool {
    let is_mood = |at: usize| words.get(at + 1).is_some_and(|next| next.is(&["with"]));
    let is_billing = |at: usize| words[at].is(BILLING) && ends_at(words, at) && !is_mood(at);
    (0..words.len()).any(is_billing)
}

/// Whether the first of the words name a button or a key.
pub(super) fn has_button(words: &[Word]) -> bool {
    let near = first(words, 4);
    near.iter().enumerate().any(|(at, word)| {
        let is_key = word.as_str().contains('+') && word.is_name;
        let ends = ends_at(words, at) || words[at + 1].is(BUTTON);
        // "Press play on your dreams!"
        let is_there = !near[at + 1..].iter().any(|next| next.is(&["on", "for", "with", "from"]))
            || word.is_name && word.is(SURE_BUTTONS)
            || has_place(words);
        is_key || (word.is(BUTTONS) && ends && is_there)
    })
}

/// Whether they name one that is hardly ever part of a film.
pub(super) fn has_sure_button(words: &[Word]) -> bool {
    first(words, 4).iter().enumerate().any(|(at, word)| {
        let ends = || ends_at(words, at) || words[at + 1].is(BUTTON);
        word.is(SURE_BUTTONS) && (word.is_name || ends())
    })
}

/// "The Export button is in the upper-right corner": where it is, not that it was drawn.
pub(super) fn tells_of_a_button(words: &[Word]) -> bool {
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
    let is_named =
        |pair: &[Word]| pair[0].is(&["save"]) | pair[0].is(SURE_BUTTONS) && pair[1].is(BUTTON);
    let Some(at) = first(words, 5).windows(2).position(is_named) else { return false };
    match words.get(at + 2).map(Word::as_str) {
        Some("lets" | "will" | "appears") => true,
        Some("is" | "at" | "in" | "on" | "under") => words[at + 3..].iter().any(|word| {
            // `upper-right`
            word.as_str().split('-').any(|part| WHERE.contains(&part))
        }),
        _ => false,
    }
}

/// Whether the words tell of the film: "in the second scene", "as the opening shot".
pub(super) fn is_of_the_film(words: &[Word]) -> bool {
    const ALWAYS: &[&str] = &["close-up", "close-ups", "closeup", "footage", "b-roll", "montage"];
    const PARTS: &[&str] =
        &["scene", "scenes", "shot", "shots", "frame", "intro", "outro", "sequence", "act"];
    let behind = |at: usize| words[..at].iter().rev().take(4);
    has(words, ALWAYS)
        || words.iter().enumerate().any(|(at, word)| {
            word.is(PARTS)
                && behind(at).any(|word| word.is(&["in", "at", "of", "during", "as", "with"]))
        })
}
