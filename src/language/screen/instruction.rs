//! Whether a clause directs the user to a screen, by the table of `screen.patterns`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use crate::language::tokens::{Word, quotations, words};
use crate::language::{joined, keys, phrases, sections};

/// What the screen would have been used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Export,
    Upload,
    Credits,
    State,
    Edit,
    /// Opens a part of the screen, whatever for.
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartKind {
    /// Directs the user to the screen.
    Instruction(Act),
    /// An order that is an instruction beside a sure one: "choose MP4".
    Step,
    /// What an instruction is for, or when: "to save it", "如果满意".
    Lead,
    /// What an instruction brings about: "and it will be saved", "即可保存".
    Outcome,
    /// A word that belongs to what stands before it: "1080p".
    Detail,
    Content,
}

pub(crate) fn is_telling(text: &str) -> bool {
    let is_file = |word: &str| {
        word.trim_end_matches(|c: char| !c.is_alphanumeric())
            .split_once('.')
            .is_some_and(|(_, end)| end.len() > 1)
    };
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    text.split_whitespace().any(|word| is_number(word) || is_file(word))
}

/// "Ready *to preview in the timeline*", "it can be saved *by clicking Export*": an instruction in
/// the middle of a clause.
pub(crate) fn hinted(before: &[Unit], rest: &[Unit]) -> Option<Act> {
    let object = rest.get(2..)?;
    let is_button = object.first().is_some_and(|unit| unit.is(BUTTON) && unit.is_name);
    let is_on_screen = is_button || has_sure_button(object) || has_place(rest);
    let does = match rest[0].text.as_str() {
        "to" => rest[1].is(READY) && has_place(rest),
        "by" => rest[1].is(CLICKING) && is_on_screen && !has(before, OTHERS),
        _ => has_place(rest) && !has(before, OTHERS),
    };
    does.then(|| about(&rest[1..]).unwrap_or(Act::State))
}

/// A set of classes of words, a bit for each.
pub(crate) type Classes = u128;

/// Defines a constant for each class of `screen.patterns`; `WHEN_END` is `[when-end]` there.
macro_rules! classes {
    ($($name:ident)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum ClassIndex { $($name),* }
        const CLASSES: &[(&str, Classes)] = &[$((stringify!($name), $name)),*];
        $(pub(crate) const $name: Classes = 1 << ClassIndex::$name as u32;)*
    };
}

classes! {
    ACCOUNT ADDING AGAIN ARTICLE AT BA BILLING BUTTON CAN CLICK CLICKING COVER CREDITS EDIT
    EDITING ENDER EXPORT FILLER VIDEO FOOTAGE GETS GOING HAS HERE HINT_JOINT INSIDE ISSUE IT
    JOINED JOINT KEY KEYBOARD LABEL LABEL_HERE LABEL_SCENE LABEL_STEP LE LEAD LINK LOOK MADE MAYBE MEDIA
    MINE NAME OF ON OTHER OTHERS OUTCOME PAGE PART PARTICLE PARTLY PLACE PLACED PREPOSITION
    PREPOSITION_ZH READY RETRY SEEING SERVICE SETTING SHOWN SOUND STATE STEP SURE TALK
    TALK_START TEMPORARY THING TO TROUBLE UP UPLOAD UPLOADED WHEN WHENEVER WHEN_END WHERE YOU
    YOUR
}

/// A word that begins a rule.
const VERB: Classes = 1 << CLASSES.len();
/// A word that begins a phrase of several words.
const HEAD: Classes = 1 << (CLASSES.len() + 1);

/// The class with a name of the data file.
fn class(name: &str) -> Option<Classes> {
    let name = name.to_uppercase().replace('-', "_");
    CLASSES.iter().find(|(known, _)| *known == name).map(|(_, class)| *class)
}

/// What may stand before the verb of a Chinese instruction.
const BEFORE_VERB_ZH: Classes = LEAD
    | FILLER
    | PREPOSITION_ZH
    | PLACE
    | MAYBE
    | NAME
    | THING
    | PARTICLE
    | WHEN
    | WHEN_END
    | VIDEO
    | BILLING
    | HERE
    | BUTTON
    | CAN
    | YOUR;

/// An instruction of the table: what must follow its verb, and what it asks for.
#[derive(Clone, Debug)]
struct Rule {
    needs: Vec<Vec<(bool, Need)>>,
    act: RuleAct,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RuleAct {
    Is(Act),
    /// What the object names first, else this.
    About(Act),
    /// An edit, unless the object names an export, an upload or credits.
    EditVerb,
    /// An upload where it is a file that is dragged, else an edit.
    Drag,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Need {
    /// A word that [`Clause::has`] explains.
    Is(String),
    First(Classes),
    Near(Classes),
    Any(Classes),
    About(Act),
}

#[derive(Debug, Default)]
struct Patterns {
    classes: HashMap<String, Classes>,
    rules: HashMap<String, Vec<Rule>>,
}

static PATTERNS: LazyLock<Patterns> =
    LazyLock::new(|| Patterns::parse(include_str!("../screen.patterns")));

impl Patterns {
    fn parse(text: &'static str) -> Self {
        let mut patterns = Self::default();
        let mut add = |phrase: &str, class: Classes| {
            *patterns.classes.entry(phrase.to_owned()).or_default() |= class;
            if let Some((head, _)) = phrase.split_once(' ') {
                *patterns.classes.entry(head.to_owned()).or_default() |= HEAD;
            }
        };
        for (header, lines) in sections(text) {
            for line in lines {
                if header != "rules" {
                    let class = class(header).expect("a class");
                    phrases(&line).iter().for_each(|phrase| add(phrase, class));
                    continue;
                }
                let (verbs, rule) = Self::rule(&line).unwrap_or_else(|| panic!("no rule: {line}"));
                for verb in phrases(verbs) {
                    add(&verb, VERB);
                    patterns.rules.entry(verb).or_default().push(rule.clone());
                }
            }
        }
        patterns
    }

    fn rule(line: &str) -> Option<(&str, Rule)> {
        let (verbs, rest) = line.split_once(": ")?;
        let (needs, act) = rest.rsplit_once(": ")?;
        let need = |need: &str| {
            let (is_met, need) = need.strip_prefix('!').map_or((true, need), |need| (false, need));
            Some((is_met, Self::need(need)?))
        };
        let needs = needs.split_whitespace().map(|needs| needs.split('|').map(need).collect());
        let act = match act.split_once(' ') {
            Some(("about", act)) => RuleAct::About(Self::act(act)?),
            Some(("edit", "verb")) => RuleAct::EditVerb,
            _ if act == "drag" => RuleAct::Drag,
            _ => RuleAct::Is(Self::act(act)?),
        };
        Some((verbs, Rule { needs: needs.collect::<Option<_>>()?, act }))
    }

    fn act(name: &str) -> Option<Act> {
        ACTS.iter().find(|(known, ..)| *known == name).map(|(_, act, _)| *act)
    }

    fn need(name: &str) -> Option<Need> {
        Some(match name.split_once(':') {
            Some(("first", name)) => Need::First(class(name)?),
            Some(("near", name)) => Need::Near(class(name)?),
            Some(("any", name)) => Need::Any(class(name)?),
            Some(("about", name)) => Need::About(Self::act(name)?),
            Some(_) => return None,
            None => Need::Is(name.to_owned()),
        })
    }
}

const ACTS: [(&str, Act, Classes); 5] = [
    ("export", Act::Export, EXPORT),
    ("upload", Act::Upload, UPLOAD),
    ("credits", Act::Credits, CREDITS),
    ("state", Act::State, STATE),
    ("edit", Act::Edit, EDIT),
];

/// A word of a clause, a Chinese word of several characters, or a quotation.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) text: String,
    pub(crate) range: Range<usize>,
    classes: Classes,
    /// Whether it is written as a name: with a capital, in quotes or bold.
    is_name: bool,
    pub(crate) is_quoted: bool,
    /// Whether a hyphen joins it to the unit before.
    pub(crate) is_joined: bool,
    /// Whether an arrow stands before it: `File > Export`.
    is_behind_arrow: bool,
}

impl Unit {
    pub(crate) const fn is(&self, classes: Classes) -> bool {
        self.classes & classes != 0
    }

    /// Whether it is one of some words, divided by spaces.
    fn reads(&self, words: &str) -> bool {
        words.split(' ').any(|word| word == self.text)
    }

    fn is_han(&self) -> bool {
        self.text.starts_with(|c| c >= '\u{2E80}')
    }
}

pub(crate) fn has(units: &[Unit], classes: Classes) -> bool {
    units.iter().any(|unit| unit.is(classes))
}

/// The first so many units.
fn first(units: &[Unit], count: usize) -> &[Unit] {
    &units[..units.len().min(count)]
}

/// Whether the units begin with a phrase of the class, and what follows the longest.
fn behind(units: &[Unit], class: Classes) -> Option<&[Unit]> {
    let first = units.first()?;
    if !first.is(HEAD) {
        return first.is(class).then(|| &units[1..]);
    }
    let has_class = |key: &str| PATTERNS.classes.get(key).is_some_and(|own| own & class != 0);
    let ends = keys(units.iter().map(|unit| unit.text.as_str()).take(7));
    let end = ends.filter(|(_, key)| has_class(key)).last()?.0;
    Some(&units[end..])
}

/// As far as a clause is looked into, which bounds the work.
const MAX_UNITS: usize = 40;

/// Divides a clause into units, at most [`MAX_UNITS`].
pub(crate) fn units(text: &str) -> Vec<Unit> {
    let quotations = quotations(text);
    let words = words(text);
    let mut units: Vec<Unit> = Vec::new();
    let mut at = 0;
    while at < words.len() && units.len() < MAX_UNITS {
        let start = words[at].range.start;
        let quotation = quotations.iter().find(|range| range.contains(&start));
        let is_open =
            |word: &Word| quotation.is_some_and(|range| range.contains(&word.range.start));
        let quoted = words[at..].iter().take_while(|word| is_open(word)).count();
        let count = if quoted > 0 { quoted } else { han_word(&words[at..]) };
        let own = &words[at..at + count];
        let range = start..own[count - 1].range.end;
        let mut key = joined(own);
        // "Your account's billing page" is one of the screen, "the client's" of the video.
        if let Some(owner) =
            key.strip_suffix("'s").filter(|owner| class_of(owner) & (NAME | PLACE) != 0)
        {
            key = owner.to_owned();
        }
        let before =
            text.get(units.last().map_or(0, |unit| unit.range.end)..start).unwrap_or_default();
        let is_capital = text[start..].starts_with(char::is_uppercase);
        units.push(Unit {
            classes: if quoted > 0 { quoted_classes(own, &key) } else { class_of(&key) },
            text: key,
            is_name: quoted > 0 || is_capital || before.ends_with(['*', '`', '[', '“', '"', '【']),
            is_quoted: quoted > 0,
            is_joined: words[at].is_joined,
            is_behind_arrow: before.contains(['>', '→', '›']) && !units.is_empty(),
            range,
        });
        at += count;
    }
    units
}

fn class_of(key: &str) -> Classes {
    PATTERNS.classes.get(key).copied().unwrap_or_default()
}

/// The classes of what is in quotes; of a short label those of its words.
fn quoted_classes(words: &[Word], key: &str) -> Classes {
    let mut classes = class_of(key);
    let mut rest = words;
    while classes & !(VERB | HEAD) == 0 && words.len() <= 6 && !rest.is_empty() {
        let (word, behind) = rest.split_at(han_word(rest));
        classes |= class_of(&joined(word)) & (BUTTON | BILLING | EXPORT | UPLOAD | NAME | PLACE);
        rest = behind;
    }
    classes
}

/// The number of words that make up the longest Chinese word at the start.
fn han_word(words: &[Word]) -> usize {
    let joined =
        words.windows(2).take_while(|pair| pair[0].range.end == pair[1].range.start).count();
    let joined = if words[0].is_han() { joined + 1 } else { 1 };
    let keys = keys(words[..joined.min(8)].iter().map(|word| word.text.as_str()));
    keys.filter(|(_, key)| class_of(key) != 0).last().map_or(1, |(count, _)| count)
}

/// Removes the phrases of the class at the start, again and again.
pub(crate) fn strip(units: &[Unit], class: Classes) -> &[Unit] {
    let mut rest = units;
    while let Some(behind) = behind(rest, class) {
        rest = behind;
    }
    rest
}

pub(crate) fn starts(units: &[Unit], class: Classes) -> bool {
    behind(units, class).is_some()
}

/// What a clause is, and whether it speaks to the user.
pub(crate) fn classify(units: &[Unit], text: &str) -> (PartKind, bool) {
    if units.iter().any(Unit::is_han) {
        classify_chinese(units, text)
    } else {
        classify_english(units, text)
    }
}

/// The units without the number of an item in a list.
fn behind_number(units: &[Unit]) -> &[Unit] {
    let is_number = |unit: &&Unit| unit.text.bytes().all(|b| b.is_ascii_digit());
    &units[units.iter().take_while(is_number).count()..]
}

fn classify_english(units: &[Unit], text: &str) -> (PartKind, bool) {
    let opening = behind_number(units);
    let (mut rest, mut is_spoken) = (opening, false);
    loop {
        if let Some(after) = behind(rest, LEAD) {
            (rest, is_spoken) = (after, true);
        } else if let Some(after) = behind(rest, FILLER) {
            rest = after;
        } else {
            break;
        }
    }
    let is_quoted = text.trim_start().starts_with(['"', '“', '\'', '‘', '«', '`']);
    let is_to_do = has(first(opening, 1), TO) && rest.len() < opening.len();
    let kind = if is_quoted || opening.is_empty() {
        PartKind::Content
    } else if rest.is_empty() {
        PartKind::Lead
    } else if let Some(act) = english_instruction(rest, is_spoken).filter(|_| !is_to_do) {
        PartKind::Instruction(act)
    } else {
        other_english(opening, rest, is_to_do, text)
    };
    (kind, is_spoken)
}

fn english_instruction(rest: &[Unit], is_spoken: bool) -> Option<Act> {
    instruction(rest, &[], is_spoken)
        .or_else(|| clicking(rest))
        .or_else(|| done_in_place(rest, is_spoken))
}

/// "You can *compare both in the preview panel*", "captions *can be edited in the text panel*":
/// whatever is done, it is done on the screen.
fn done_in_place(units: &[Unit], is_spoken: bool) -> Option<Act> {
    let is_passive = |pair: &[Unit]| pair[0].reads("can may could") && pair[1].text == "be";
    let passive = first(units, 8).windows(2).position(is_passive);
    let passive = passive.filter(|at| !has(&units[..*at], OTHERS));
    let verb = match passive {
        Some(at) => at + 2,
        None if is_spoken && !units.first()?.is(ARTICLE | PREPOSITION | GOING) => 0,
        None => return None,
    };
    let object = units.get(verb + 1..)?;
    let is_key = is_spoken && object.iter().any(|unit| unit.is(KEYBOARD) && unit.is_name);
    let place = object.iter().position(|unit| unit.reads("in on from at via through"));
    let is_in_place = place.is_some_and(|at| has_place(&object[at..])) && !is_of_the_video(object);
    let subject = || about(&units[..verb]).filter(|_| passive.is_some());
    let act = || match subject().or_else(|| about(object)) {
        Some(act @ (Act::Upload | Act::Credits)) => act,
        _ if units[verb].is(SEEING) => Act::State,
        Some(Act::Export) => Act::Export,
        _ => Act::Edit,
    };
    (is_key || is_in_place).then(act)
}

fn other_english(opening: &[Unit], rest: &[Unit], is_to_do: bool, text: &str) -> PartKind {
    let is_tip = starts(opening, LABEL_STEP)
        || opening.get(1).is_some_and(|unit| unit.is(LABEL_STEP))
        || (opening.len() <= 3 && opening.last().is_some_and(|unit| unit.is(COVER)));
    let is_here = !has(first(opening, 1), PLACED) || has_place(opening);
    // "For the intro I used jazz"
    let is_when = starts(opening, WHEN) && is_here && !has(opening, MINE);
    let is_made = has(first(rest, 1), ARTICLE) && has(first(rest, 4), MADE);
    let will = first(rest, 4).iter().any(|unit| unit.text == "will");
    let is_outcome = ((has(first(rest, 1), IT) || is_made) && will)
        || starts(rest, GETS)
        || (has(first(opening, 1), JOINED) && !rest[0].reads("the there"));
    let is_detail = |unit: &Unit| {
        unit.is(SETTING)
            || (unit.text.is_ascii() && unit.text.contains(|c: char| c.is_ascii_digit()))
    };
    // "Preview is ready" describes the video.
    let goes_on = |object: &[Unit]| {
        let known = ARTICLE | PREPOSITION | GOING | NAME | BUTTON | THING | VIDEO | MEDIA | SETTING;
        object.first().is_none_or(|unit| {
            unit.is_name || unit.is(known) || unit.text.starts_with(|c: char| c.is_ascii_digit())
        })
    };
    match () {
        () if is_to_do || is_tip || is_when => PartKind::Lead,
        () if has(first(rest, 1), TALK) || has(first(opening, 1), MINE) => PartKind::Content,
        () if behind(rest, STEP).is_some_and(goes_on) => PartKind::Step,
        () if opening[0].reads("which where") => PartKind::Outcome,
        () if is_outcome && !is_telling(text) => PartKind::Outcome,
        () if opening.len() <= 4 && opening.iter().all(is_detail) => PartKind::Detail,
        () => PartKind::Content,
    }
}

/// What an instruction at the head of the units asks for. `before` is what stands before its verb
/// in Chinese.
fn instruction(units: &[Unit], before: &[Unit], is_spoken: bool) -> Option<Act> {
    // "Click-clack of needles"
    let is_verb =
        |end: usize| !units[end - 1].is_quoted && units.get(end).is_none_or(|next| !next.is_joined);
    let verbs = keys(units.iter().map(|unit| unit.text.as_str()).take(4));
    let rules = |(end, key): (usize, String)| Some((end, PATTERNS.rules.get(&key)?));
    // The longest verb decides.
    let found = verbs.filter(|(end, _)| is_verb(*end)).filter_map(rules).last();
    let act = found.and_then(|(end, rules)| {
        let clause = Clause { before, object: &units[end..], is_spoken };
        Some(clause.act(rules.iter().find(|rule| clause.fits(rule))?.act, units))
    });
    act.or_else(|| where_it_is(units).filter(|_| before.is_empty()))
}

/// The object of a verb, and how it is said.
#[derive(Clone, Copy)]
struct Clause<'a> {
    before: &'a [Unit],
    object: &'a [Unit],
    is_spoken: bool,
}

impl Clause<'_> {
    fn is_chinese(&self) -> bool {
        self.before.iter().chain(self.object).any(Unit::is_han)
    }

    fn act(&self, act: RuleAct, units: &[Unit]) -> Act {
        // `时间轴上的片段` is a clip, `时间轴下方的加号` an unknown button.
        let of = self.object.iter().position(|unit| unit.is_han() && unit.text.ends_with('的'));
        let inner = of.map(|of| &self.object[of + 1..]).filter(|inner| !inner.is_empty());
        if let (Some(inner), RuleAct::About(Act::Edit)) = (inner, act) {
            let outer = || about(self.object).filter(|act| *act != Act::State);
            return about(inner).or_else(outer).unwrap_or(Act::Edit);
        }
        let in_clause =
            || about(units).or_else(|| about(self.before)).filter(|_| self.is_chinese());
        let named = || about(self.object).or_else(in_clause);
        match act {
            RuleAct::Is(act) => act,
            RuleAct::About(Act::State) => {
                named().filter(|act| *act != Act::Edit).unwrap_or(Act::Open)
            }
            RuleAct::About(act) => named().unwrap_or(act),
            RuleAct::EditVerb => named().filter(|act| *act != Act::State).unwrap_or(Act::Edit),
            RuleAct::Drag => {
                let is_uploaded = |units: &[Unit]| {
                    (0..units.len())
                        .any(|at| behind(&units[at..], UPLOAD | UPLOADED | HERE).is_some())
                };
                let is_upload = is_uploaded(self.object) || is_uploaded(self.before);
                if is_upload { Act::Upload } else { Act::Edit }
            }
        }
    }

    fn fits(&self, rule: &Rule) -> bool {
        let is_met = |(is_met, need): &(bool, Need)| self.meets(need) == *is_met;
        rule.needs.iter().all(|needs| needs.iter().any(is_met))
    }

    fn meets(&self, need: &Need) -> bool {
        let object = self.object;
        match need {
            Need::Is(need) => self.has(need).unwrap_or_else(|| panic!("no need: {need}")),
            Need::First(classes) => has(first(object, 1), *classes),
            Need::Near(classes) => {
                has(first(object, 4), *classes) || has(first(object, 6), classes & THING)
            }
            Need::Any(classes) => has(object, *classes),
            Need::About(act) => about(object) == Some(*act),
        }
    }

    /// Whether a need of the table is met; the table describes each.
    fn has(&self, need: &str) -> Option<bool> {
        let (before, object, is_spoken) = (self.before, self.object, self.is_spoken);
        let goes_on = |of: Classes| {
            let goes_on = |unit: &Unit| unit.is_name || unit.is(ARTICLE | PREPOSITION | GOING | of);
            object.first().is_some_and(goes_on)
        };
        Some(match need {
            "follows" => goes_on(NAME | BUTTON | PLACE | BILLING | THING | MEDIA),
            "goes" => goes_on(0),
            "place" if self.is_chinese() => {
                has_place_zh(before, false) || has_place_zh(object, is_spoken)
            }
            "place" => has_place(object) && !is_of_the_video(object),
            "button" if self.is_chinese() => is_button_zh(object, is_spoken),
            "button" => has_button(object),
            "sure" => has_sure_button(object),
            "target" => is_target_zh(object),
            "billing" => has_billing(object),
            "video" => is_video_to_save(object, is_spoken),
            "of-video" => is_of_the_video(object),
            "of-noun" => !is_spoken && is_of_a_noun(object),
            "spoken" => is_spoken,
            "inside" => !before.is_empty() && has_place_zh(before, true),
            "subject" => has(before, VIDEO) && !has(before, BA),
            "reported" => !is_spoken && has(before, AT),
            "page" if self.is_chinese() => has(first(object, 2), PAGE),
            "page" => {
                let page = first(object, 3).iter().position(|unit| unit.is(PAGE));
                page.is_some_and(|at| ends_at(object, at)) && has(first(object, 1), ARTICLE)
            }
            "label" => has_sure_button(first(object, 1)) && ends_at(object, 0),
            "whole" => {
                let known = VIDEO | BILLING | PARTICLE | FILLER | YOUR | OUTCOME | LEAD;
                object.iter().all(|unit| unit.is(known))
            }
            "end" => object.is_empty(),
            _ => return None,
        })
    }
}

/// What the units name first.
pub(crate) fn about(units: &[Unit]) -> Option<Act> {
    (0..units.len()).find_map(|at| {
        let named = |(_, act, class): &(&str, Act, Classes)| {
            let own = units[at].is(*class).then_some(units.len() - at - 1);
            Some((behind(&units[at..], *class).map(<[Unit]>::len).or(own)?, *act))
        };
        ACTS.iter().filter_map(named).min_by_key(|(rest, _)| *rest).map(|(_, act)| act)
    })
}

/// Whether nothing behind the unit belongs to it.
fn ends_at(units: &[Unit], at: usize) -> bool {
    units.get(at + 1).is_none_or(|next| next.is(ENDER) || next.is_behind_arrow)
}

/// Whether the units, those behind a verb, name a part of the screen. A coffee menu, a window and
/// the dashboard of a car are none, so a noun counts only with the article and the names that go
/// with a screen, and only where it ends what it belongs to.
fn has_place(units: &[Unit]) -> bool {
    (0..units.len()).any(|at| {
        let unit = &units[at];
        if unit.is_behind_arrow {
            return unit.is_name && at > 0 && units[at - 1].is_name;
        }
        let is_sure = unit.is(PLACE);
        if !(is_sure || unit.is(MAYBE)) || !ends_at(units, at) {
            return false;
        }
        let is_name =
            |unit: &&Unit| unit.is_name || unit.is(NAME | BUTTON | PLACE | MAYBE | BILLING);
        let names = units[..at].iter().rev().take_while(is_name).count();
        let before = &units[..at - names];
        let (article, rest) = match before.split_last() {
            Some((last, rest)) if last.is(ARTICLE) => (Some(last), rest),
            _ => (None, before),
        };
        let is_behind = rest.last().is_some_and(|unit| unit.is(PREPOSITION));
        let is_bounded = article.is_some() || rest.is_empty() || is_behind;
        let is_yours = article.is_some_and(|unit| unit.is(YOUR));
        is_bounded && (is_sure || names > 0 || is_yours || (is_behind && unit.is(INSIDE)))
    })
}

/// Whether the units are about the video: "in the second scene", "as the opening shot".
fn is_of_the_video(units: &[Unit]) -> bool {
    let is_part = |at: usize| {
        units[at].is(PART) && units[..at].iter().rev().take(4).any(|unit| unit.is(PARTLY))
    };
    // "Check the panel *to see the order of the scenes*" is not.
    let purpose = units
        .windows(2)
        .position(|pair| pair[0].is(TO) && !pair[1].is(ARTICLE) && !pair[1].is_name);
    let end = purpose.unwrap_or(units.len());
    (0..end).any(|at| behind(&units[at..end], FOOTAGE).is_some() || is_part(at))
}

/// Whether the units name what is paid with: "your account", not "your balance with yoga".
fn has_billing(units: &[Unit]) -> bool {
    (0..units.len()).any(|at| {
        let is_mood = units.get(at + 1).is_some_and(|next| next.text == "with");
        units[at].is(BILLING) && ends_at(units, at) && !is_mood
    })
}

/// Whether the first of the units name a button or a key.
fn has_button(units: &[Unit]) -> bool {
    let near = first(units, 4);
    near.iter().enumerate().any(|(at, unit)| {
        let ends = ends_at(units, at) || units[at + 1].is(KEY);
        // "Press play on your dreams!"
        let is_there = !near[at + 1..].iter().any(|next| next.reads("on for with from"))
            || (unit.is_name && unit.is(SURE))
            || has_place(units);
        // Whatever is written on it: `the "Create" button`.
        let is_labelled = unit.is_name && units.get(at + 1).is_some_and(|next| next.is(KEY));
        is_labelled || (unit.is(KEYBOARD) && unit.is_name) || (unit.is(BUTTON) && ends && is_there)
    })
}

/// Whether they name one that is hardly ever part of a video.
fn has_sure_button(units: &[Unit]) -> bool {
    first(units, 4).iter().enumerate().any(|(at, unit)| {
        let ends = || ends_at(units, at) || units[at + 1].is(KEY);
        unit.is(SURE) && (unit.is_name || ends())
    })
}

/// Whether the object is what a user would save on the screen. "Save this video for your next
/// trip!" is what a video says to those who watch it.
fn is_video_to_save(object: &[Unit], is_spoken: bool) -> bool {
    let near = first(object, 4);
    let is_this = near.first().is_some_and(|unit| unit.text == "this");
    let Some(at) = near.iter().position(|unit| unit.is(VIDEO) && unit.text != "this") else {
        return is_this && ends_at(object, 0) && is_spoken;
    };
    let is_call =
        !is_spoken && (is_this || object.get(at + 1).is_some_and(|unit| unit.text == "for"));
    ends_at(object, at) && !is_call
}

/// "Once you click Export", "after clicking Export", "clicking the Export button saves it": only
/// with a button that is hardly ever part of a video.
fn clicking(units: &[Unit]) -> Option<Act> {
    let rest = behind(units, WHEN).unwrap_or(units);
    let by = rest.iter().take(1).filter(|unit| unit.reads("by upon")).count();
    let you = rest[by..].iter().take_while(|unit| unit.reads("you have")).count();
    let (verb, object) = rest[by + you..].split_first()?;
    let is_timed = by > 0 || rest.len() < units.len();
    let does = if you > 0 { is_timed && verb.is(CLICK) } else { verb.is(CLICKING) };
    let is_on_screen = has_sure_button(object) && !is_of_the_video(object);
    (does && is_on_screen).then(|| about(object).unwrap_or(Act::Edit))
}

/// "The Export button is in the upper-right corner", "右上角有导出按钮", "导出按钮在右上角": where a
/// button is, not that it was drawn.
fn where_it_is(units: &[Unit]) -> Option<Act> {
    let is_named = |pair: &[Unit]| (pair[0].is(SURE) || pair[0].is(EXPORT)) && pair[1].is(KEY);
    let at = first(units, 8).windows(2).position(is_named)?;
    let (before, after) = (&units[..at], &units[at + 2..]);
    if units[at].is_han() {
        let is_corner = |units: &[Unit]| has_place_zh(units, true) || has(units, WHERE);
        let has_it = before.last().is_some_and(|unit| unit.is(HAS | PARTICLE));
        let is_there = before.is_empty()
            && has(first(strip(after, FILLER | CAN), 1), HAS | AT)
            && is_corner(after);
        let is_here = has_it && is_corner(before) && after.is_empty();
        return ((is_here || is_there) && !has(units, SHOWN))
            .then(|| about(&units[at..]).unwrap_or(Act::State));
    }
    let is_subject =
        before.iter().all(|unit| unit.is_name || unit.is(ARTICLE) || unit.reads("there is"));
    let is_there = after.first().is_some_and(|verb| {
        verb.reads("lets will appears")
            || (verb.reads("is at in on under") && has(&after[1..], WHERE))
    });
    (is_subject && is_there && !is_of_the_video(units))
        .then(|| about(&units[at..]).unwrap_or(Act::Edit))
}

/// In Chinese an instruction is known by a verb with nothing but known words before it: courtesies,
/// places, and what is worked on (`在右侧面板调整…`, `将标题拖到…`, `满意后点击…`).
fn classify_chinese(units: &[Unit], text: &str) -> (PartKind, bool) {
    let opening = behind_number(units);
    if opening.is_empty() || text.trim_start().starts_with(['“', '「', '『', '"', '《', '`']) {
        return (PartKind::Content, false);
    }
    let is_statement = opening[0].text == "我" || opening[0].text.starts_with('已');
    // `满意后点击“导出”`: when, without a comma.
    let when = opening.iter().take(8).position(|unit| unit.is(WHEN_END)).filter(|_| !is_statement);
    let mut is_spoken = false;
    let mut act = None;
    let mut at = 0;
    let mut is_head = true;
    while at < opening.len() && act.is_none() {
        let unit = &opening[at];
        is_spoken |= unit.is(LEAD);
        if unit.is(VERB) && !unit.is_quoted {
            act = instruction(&opening[at..], &opening[..at], is_spoken)
                .filter(|_| !is_done(&opening[at..], is_spoken));
        }
        // Behind 把 stands what the verb is done to, whatever it is.
        let is_moved = opening[..at].iter().any(|unit| unit.reads("把 将"));
        let is_known = unit.is_quoted || !unit.is_han() || unit.is(BEFORE_VERB_ZH) || is_moved;
        let is_known = is_known && !unit.is(OTHER);
        is_head &= is_known;
        at += 1;
        if !is_head {
            match when.filter(|when| *when >= at - 1 && act.is_none()) {
                Some(when) => (at, is_head) = (when + 1, true),
                None => break,
            }
        }
    }
    // `可以在预览窗口对比两个版本`: whatever is done, it is done on the screen.
    if let Some(at) =
        opening.iter().position(|unit| unit.is(AT)).filter(|_| act.is_none() && is_spoken)
    {
        let is_known = |unit: &Unit| unit.is(LEAD | FILLER | THING | VIDEO);
        let is_in_place =
            opening[..at].iter().all(is_known) && has(first(&opening[at..], 4), PLACE);
        if is_in_place && !is_done(opening, is_spoken) {
            act = Some(if has(opening, SEEING) { Act::State } else { Act::Edit });
        }
    }
    if act.is_none() {
        act = where_it_is(opening).filter(|_| !is_done(opening, is_spoken));
    }
    let is_of_noun = !is_spoken && is_of_a_noun(opening);
    let ends_when = opening.last().is_some_and(|unit| unit.is(WHEN_END) && unit.text != "了");
    let rest = strip(opening, LEAD | FILLER);
    let kind = match act {
        Some(act) if !is_of_noun => PartKind::Instruction(act),
        _ if starts(rest, TALK_START) => PartKind::Content,
        _ if is_done(opening, false) && !has(opening, WHEN) => PartKind::Content,
        _ if starts(opening, WHEN) || (ends_when && !is_statement) => PartKind::Lead,
        _ if starts(opening, OUTCOME)
            || when.is_some_and(|at| starts(&opening[at + 1..], OUTCOME)) =>
        {
            PartKind::Outcome
        }
        _ if starts(rest, STEP) && !is_done(rest, false) => PartKind::Step,
        _ if opening.iter().all(|unit| unit.is(LEAD | FILLER | OUTCOME)) => PartKind::Lead,
        _ => PartKind::Content,
    };
    (kind, is_spoken)
}

fn has_place_zh(units: &[Unit], is_spoken: bool) -> bool {
    (0..units.len()).any(|at| {
        let is_named = || {
            units[..at]
                .iter()
                .rev()
                .find(|unit| unit.text != "的")
                .is_some_and(|unit| unit.is(NAME | BUTTON | BILLING) || unit.is_quoted)
        };
        let is_spoken = is_spoken || has(&units[..at], LEAD);
        units[at].is(PLACE) || (units[at].is(MAYBE) && (is_spoken || is_named()))
    })
}

/// Whether the object is something that is clicked.
fn is_target_zh(object: &[Unit]) -> bool {
    let is_label = |unit: &Unit| {
        unit.is_quoted
            || unit.is(PLACE | MAYBE | THING | BUTTON | BILLING | HERE | VERB)
            || unit.text.contains(|c: char| c.is_ascii_alphabetic())
    };
    let length: usize =
        object.iter().map(|unit| unit.text.chars().filter(|c| *c != ' ').count()).sum();
    // A label that is not known: `点击分割`.
    object.iter().any(is_label) || (length <= 4 && !has(object, OF))
}

/// A named key or button right behind 按; 按照, 按键音 and 按播放顺序 are none.
fn is_button_zh(object: &[Unit], is_spoken: bool) -> bool {
    let Some((button, rest)) = object.split_first() else { return false };
    let ends = rest.first().is_none_or(|next| {
        let is_key = next.is(KEY) && (is_spoken || next.text == "按 钮");
        is_key || (!next.is(KEY) && next.is(OUTCOME | FILLER | CAN | VERB))
    });
    let is_placed =
        |three: &[Unit]| three[0].is(PLACE | MAYBE | OF) && three[1].is(BUTTON) && three[2].is(KEY);
    let is_named = button.is(BUTTON) && (ends || button.is_quoted);
    let is_any = is_spoken && button.is(KEY);
    button.is(KEYBOARD) || is_named || is_any || object.windows(3).any(is_placed)
}

/// Whether the agent reports what is done already: `调整了…`, `…已添加`, `…加好了`.
fn is_done(units: &[Unit], is_spoken: bool) -> bool {
    let has_of =
        |at: usize| units[at..].iter().any(|unit| unit.is(OF) || unit.text.ends_with('的'));
    // `查看已添加的字幕`: which, not that.
    let is_already = |at: usize| units[at].text.starts_with('已') && !has_of(at);
    if (0..units.len()).any(is_already) {
        return true;
    }
    let is_past = |at: usize| {
        let is_last = at + 1 == units.len();
        let next = units.get(at + 1).map_or("", |unit| unit.text.as_str());
        // `点击导出就可以了` says that it will be.
        let will_be = is_last && (is_spoken || has(units, CAN));
        units[at].text == "了" && !will_be && next != "吧" && next != "后"
    };
    (0..units.len()).any(is_past)
        && !(is_spoken && units.last().is_some_and(|unit| unit.text == "了"))
}

/// Whether a verb is but what a noun is called by: `打开菜单的顾客微笑着`, `点击按钮的画面`.
fn is_of_a_noun(units: &[Unit]) -> bool {
    (0..units.len()).any(|at| {
        let of = units[at].text.as_str();
        if !of.ends_with('的') || units[at].is_quoted {
            return false;
        }
        let after = &units[at + 1..];
        let shown = first(after, 4).iter().position(|unit| unit.is(SHOWN));
        let is_shown =
            shown.is_some_and(|noun| !after.get(noun + 1).is_some_and(|unit| unit.is(MAYBE)));
        let is_behind_place = units[..at]
            .iter()
            .rev()
            .find(|unit| !unit.is(PARTICLE))
            .is_some_and(|unit| unit.is(PLACE | MAYBE));
        let is_thing = after.iter().any(|unit| {
            unit.is_quoted || unit.is(THING | VIDEO | BUTTON | PLACE | MAYBE | BILLING | HERE)
        });
        is_shown || (is_behind_place && !is_thing)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_need_of_the_table_is_known() {
        let units = units("点击 Export");
        for rule in PATTERNS.rules.values().flatten() {
            for object in [&units[..], &[]] {
                let clause = Clause { before: &[], object, is_spoken: false };
                for (_, need) in rule.needs.iter().flatten() {
                    let _ = clause.meets(need);
                }
            }
        }
    }
}
