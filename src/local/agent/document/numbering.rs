//! Automatic numbers of paragraphs: the labels that a page shows and that its text refers to.
//! Bullets have none.

use std::collections::{HashMap, HashSet};

use quick_xml::events::{BytesStart, Event};

use super::package::attribute;
use super::styles::Styles;
use super::{Reading, is_on};

/// More lists than any document has; the rest is ignored.
const MAX_LISTS: usize = 10_000;
const LEVELS: usize = 9;
/// The longest text of a label.
const MAX_LABEL_BYTES: usize = 100;

/// A paragraph's or a style's reference to a list: `w:numPr`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ListReference {
    /// Zero for a paragraph that is taken out of a list.
    pub(super) number: Option<u32>,
    pub(super) level: Option<usize>,
}

impl ListReference {
    /// Takes over a child of `w:numPr`.
    pub(super) fn set(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            "numId" => self.number = number(tag),
            "ilvl" => self.level = number(tag).map(|level| level as usize),
            _ => {}
        }
    }
}

fn number(tag: &BytesStart<'_>) -> Option<u32> {
    attribute(tag, "val")?.trim().parse().ok()
}

#[derive(Clone, Debug)]
struct Level {
    start: u32,
    format: String,
    text: String,
    /// The number of the level after which this one starts anew; 0 for never.
    restart: Option<u32>,
    /// All numbers in the label are decimal.
    is_legal: bool,
    is_hidden: bool,
    /// The paragraph style that is on this level.
    style: Option<String>,
}

impl Default for Level {
    fn default() -> Self {
        Self {
            start: 0,
            format: "decimal".to_owned(),
            text: String::new(),
            restart: None,
            is_legal: false,
            is_hidden: false,
            style: None,
        }
    }
}

/// The definition of a list.
#[derive(Debug, Default)]
struct ListDefinition {
    levels: Vec<Level>,
    /// The list style that has the levels in place of this definition.
    style: Option<String>,
}

/// A list that paragraphs refer to.
#[derive(Debug, Default)]
struct List {
    definition: u32,
    starts: Vec<(usize, u32)>,
    levels: Vec<(usize, Level)>,
}

/// The lists of a document, from `numbering.xml`.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    definitions: HashMap<u32, ListDefinition>,
    lists: HashMap<u32, List>,
}

/// Reads `numbering.xml` event by event.
#[derive(Debug, Default)]
pub(super) struct NumberingReader {
    numbering: Numbering,
    definition: Option<(u32, ListDefinition)>,
    list: Option<(u32, List)>,
    level: Option<(usize, Level)>,
    /// The level of the current `w:lvlOverride`.
    overridden: usize,
}

impl NumberingReader {
    pub(super) fn event(&mut self, event: &Event<'_>) -> Reading<()> {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag.local_name().as_ref()),
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>) {
        let numbered = |name| attribute(tag, name)?.parse().ok();
        let name = tag.local_name();
        match (name.as_ref(), &mut self.level) {
            ("abstractNum", _) => {
                self.definition =
                    numbered("abstractNumId").map(|id| (id, ListDefinition::default()));
            }
            ("num", _) => self.list = numbered("numId").map(|id| (id, List::default())),
            ("lvl", _) => {
                let index = numbered("ilvl").map_or(LEVELS, |index: u32| index as usize);
                self.level = Some((index, Level::default()));
            }
            ("lvlOverride", _) => {
                self.overridden = numbered("ilvl").map_or(LEVELS, |index: u32| index as usize);
            }
            ("start", Some((_, level))) => level.start = number(tag).unwrap_or(0),
            ("numFmt", Some((_, level))) => {
                level.format = attribute(tag, "val").unwrap_or_default();
            }
            ("lvlText", Some((_, level))) => {
                let text = attribute(tag, "val").unwrap_or_default();
                level.text =
                    Some(text).filter(|text| text.len() <= MAX_LABEL_BYTES).unwrap_or_default();
            }
            ("lvlRestart", Some((_, level))) => level.restart = number(tag),
            ("isLgl", Some((_, level))) => level.is_legal = is_on(tag),
            ("vanish", Some((_, level))) => level.is_hidden = is_on(tag),
            ("pStyle", Some((_, level))) => level.style = attribute(tag, "val"),
            ("numStyleLink", None) => {
                if let Some((_, definition)) = &mut self.definition {
                    definition.style = attribute(tag, "val");
                }
            }
            ("abstractNumId", None) => {
                if let Some((_, list)) = &mut self.list {
                    list.definition = number(tag).unwrap_or(0);
                }
            }
            ("startOverride", None) => {
                if let Some((_, list)) = &mut self.list
                    && list.starts.len() < LEVELS
                {
                    list.starts.push((self.overridden, number(tag).unwrap_or(0)));
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "lvl" => {
                let Some((index, level)) = self.level.take().filter(|(index, _)| *index < LEVELS)
                else {
                    return;
                };
                if let Some((_, list)) = &mut self.list {
                    if list.levels.len() < LEVELS {
                        list.levels.push((index, level));
                    }
                } else if let Some((_, definition)) = &mut self.definition {
                    let count = definition.levels.len().max(index + 1);
                    definition.levels.resize_with(count, Level::default);
                    definition.levels[index] = level;
                }
            }
            "abstractNum" if self.numbering.definitions.len() < MAX_LISTS => {
                self.numbering.definitions.extend(self.definition.take());
            }
            "num" if self.numbering.lists.len() < MAX_LISTS => {
                self.numbering.lists.extend(self.list.take());
            }
            _ => {}
        }
    }

    pub(super) fn finish(self) -> Numbering {
        self.numbering
    }
}

/// The position of a paragraph in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ListPosition {
    list: u32,
    level: usize,
}

/// A list with the levels that apply to it.
#[derive(Debug)]
struct ResolvedList<'d> {
    /// The definition that it shares its numbers with.
    definition: u32,
    levels: [Option<&'d Level>; LEVELS],
    starts: &'d [(usize, u32)],
}

/// The lists of a document while its paragraphs are counted.
#[derive(Debug)]
pub(super) struct ListCounters<'d> {
    numbering: &'d Numbering,
    styles: &'d Styles,
    /// The lists that were used, or `None` for one that does not exist.
    resolved: HashMap<u32, Option<ResolvedList<'d>>>,
    /// The number of the last paragraph on each level of each definition. Lists of one definition
    /// continue each other.
    counts: HashMap<u32, [Option<u32>; LEVELS]>,
    /// The lists and levels whose own start has been used.
    started: HashSet<(u32, usize)>,
    /// The length of all labels, which a document of few bytes can make long.
    pub(super) label_bytes: usize,
}

impl<'d> ListCounters<'d> {
    pub(super) fn new(numbering: &'d Numbering, styles: &'d Styles) -> Self {
        let (resolved, counts) = (HashMap::new(), HashMap::new());
        Self { numbering, styles, resolved, counts, started: HashSet::new(), label_bytes: 0 }
    }

    /// The list that a paragraph is in by its own reference and by its style.
    pub(super) fn position(
        &mut self,
        own: ListReference,
        style: Option<&str>,
    ) -> Option<ListPosition> {
        let styles = self.styles;
        let by_style = styles.list(style);
        let list = own.number.or_else(|| by_style?.1.number).filter(|list| *list != 0)?;
        let level_of_style = || {
            let (id, reference) = by_style.filter(|_| own.number.is_none())?;
            let is_linked = |level: &Option<&Level>| {
                level.is_some_and(|level| level.style.as_deref() == Some(id))
            };
            let linked = self.list(list)?.levels.iter().position(is_linked);
            linked.or(reference.level)
        };
        let level = own.level.or_else(level_of_style).unwrap_or(0);
        (level < LEVELS).then_some(ListPosition { list, level })
    }

    fn list(&mut self, list: u32) -> Option<&ResolvedList<'d>> {
        let (numbering, styles) = (self.numbering, self.styles);
        self.resolved.entry(list).or_insert_with(|| numbering.resolve(list, styles)).as_ref()
    }

    /// Counts a paragraph, and returns its label if it has text and a label.
    pub(super) fn next(&mut self, position: ListPosition, has_text: bool) -> Option<String> {
        let ListPosition { list: number, level: index } = position;
        self.list(number)?;
        let list = self.resolved.get(&number)?.as_ref()?;
        let level = list.levels[index]?;
        let own_start = list.starts.iter().find(|(level, _)| *level == index);
        let own_start = own_start.map(|(_, start)| *start);
        let restarts = own_start.is_some() && self.started.insert((number, index));
        let counts = self.counts.entry(list.definition).or_default();
        counts[index] = Some(match counts[index] {
            Some(count) if !restarts => count.saturating_add(1),
            _ => own_start.unwrap_or(level.start),
        });
        for (count, deeper) in counts.iter_mut().zip(&list.levels).skip(index + 1) {
            let restart = deeper.and_then(|level| level.restart);
            if restart.is_none_or(|after| (index as u32) < after) {
                *count = None;
            }
        }
        if !has_text || level.is_hidden || level.format == "bullet" {
            return None;
        }
        let mut label = String::new();
        let mut text = level.text.chars().peekable();
        while let Some(c) = text.next() {
            let digit = text.peek().and_then(|digit| digit.to_digit(10)).filter(|_| c == '%');
            let Some(shown @ 1..=9) = digit else {
                label.push(c);
                continue;
            };
            text.next();
            let shown = shown as usize - 1;
            if let Some(of) = list.levels[shown] {
                let format = if level.is_legal { "decimal" } else { &of.format };
                label.push_str(&formatted(counts[shown].unwrap_or(of.start), format));
            }
        }
        let label = Some(spoken(label.trim()));
        let label = label.filter(|label| label.contains(char::is_alphanumeric))?;
        self.label_bytes += label.len();
        Some(label)
    }
}

impl Numbering {
    fn resolve<'d>(&'d self, list: u32, styles: &Styles) -> Option<ResolvedList<'d>> {
        let list = self.lists.get(&list)?;
        let (mut id, mut definition) = (list.definition, self.definitions.get(&list.definition)?);
        if let Some(style) = &definition.style {
            // The levels are those of the list that the style is made of.
            let (_, reference) = styles.list(Some(style))?;
            id = self.lists.get(&reference.number?)?.definition;
            definition = self.definitions.get(&id)?;
        }
        let own = |index| list.levels.iter().find(|(level, _)| *level == index);
        let levels = std::array::from_fn(|index| {
            own(index).map(|(_, level)| level).or_else(|| definition.levels.get(index))
        });
        Some(ResolvedList { definition: id, levels, starts: &list.starts })
    }
}

/// A label as it stands before its paragraph. A full stop after it would end a sentence, and the
/// number and its full stop or bracket would be taken for the mark of a Markdown list, which is not
/// spoken.
pub(super) fn spoken(label: &str) -> String {
    match label.strip_suffix(['.', ')']) {
        Some(number) if !number.contains('(') => format!("{number}:"),
        _ => label.to_owned(),
    }
}

pub(super) fn formatted(count: u32, format: &str) -> String {
    let small = usize::try_from(count).ok().filter(|count| (1..=3999).contains(count));
    match (format, small) {
        ("none", _) => String::new(),
        ("decimalZero", _) => format!("{count:02}"),
        ("lowerLetter", Some(count)) => letters(count),
        ("upperLetter", Some(count)) => letters(count).to_uppercase(),
        ("lowerRoman", Some(count)) => roman(count),
        ("upperRoman", Some(count)) => roman(count).to_uppercase(),
        ("ordinal", _) => {
            let ending = match (count % 10, count % 100) {
                (_, 11..=13) => "th",
                (1, _) => "st",
                (2, _) => "nd",
                (3, _) => "rd",
                _ => "th",
            };
            format!("{count}{ending}")
        }
        (
            "chineseCounting"
            | "chineseCountingThousand"
            | "japaneseCounting"
            | "taiwaneseCounting"
            | "taiwaneseCountingThousand",
            Some(count @ 1..=99),
        ) => chinese(count),
        _ => count.to_string(),
    }
}

/// a, b … z, aa, bb … as Word counts.
fn letters(count: usize) -> String {
    let letter = b'a' + ((count - 1) % 26) as u8;
    char::from(letter).to_string().repeat((count - 1) / 26 + 1)
}

fn roman(mut count: usize) -> String {
    const SIGNS: [(usize, &str); 13] = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    let mut text = String::new();
    for (value, sign) in SIGNS {
        while count >= value {
            text.push_str(sign);
            count -= value;
        }
    }
    text
}

/// 一, 二 … 十, 十一 … 九十九.
fn chinese(count: usize) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let (tens, ones) = (count / 10, DIGITS[count % 10]);
    match tens {
        0 => ones.to_owned(),
        1 => format!("十{ones}"),
        _ => format!("{}十{ones}", DIGITS[tens]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::package::{UnpackLimit, read_events};
    use super::*;

    fn numbering(xml: &str) -> Numbering {
        let mut reader = NumberingReader::default();
        let xml = format!("<w:numbering>{xml}</w:numbering>");
        read_events(xml.as_bytes(), &mut UnpackLimit::default(), |event| reader.event(event))
            .unwrap();
        reader.finish()
    }

    fn level(index: usize, format: &str, text: &str, more: &str) -> String {
        format!(
            r#"<w:lvl w:ilvl="{index}"><w:start w:val="1"/><w:numFmt w:val="{format}"/>{more}
            <w:lvlText w:val="{text}"/></w:lvl>"#
        )
    }

    fn list(levels: &[String]) -> String {
        format!(
            r#"<w:abstractNum w:abstractNumId="5">{}</w:abstractNum>
            <w:num w:numId="1"><w:abstractNumId w:val="5"/></w:num>
            <w:num w:numId="2"><w:abstractNumId w:val="5"/><w:lvlOverride w:ilvl="0">
            <w:startOverride w:val="7"/></w:lvlOverride></w:num>"#,
            levels.concat()
        )
    }

    fn labels(numbering: &Numbering, paragraphs: &[(u32, usize)]) -> Vec<String> {
        let styles = Styles::default();
        let mut counters = ListCounters::new(numbering, &styles);
        let labels = paragraphs.iter().map(|&(list, level)| {
            let own = ListReference { number: Some(list), level: Some(level) };
            let position = counters.position(own, None);
            position.and_then(|at| counters.next(at, true)).unwrap_or_default()
        });
        labels.collect()
    }

    #[test]
    fn levels_count_and_start_anew_below_their_parents() {
        let numbering = numbering(&list(&[
            level(0, "decimal", "%1.", ""),
            level(1, "lowerLetter", "(%2)", ""),
            level(2, "upperRoman", "%1.%3", r#"<w:lvlRestart w:val="1"/>"#),
            level(3, "bullet", "•", ""),
            level(4, "upperRoman", "Article %5)", ""),
            level(5, "decimal", "%1-%5", "<w:isLgl/>"),
        ]));
        let shown = labels(
            &numbering,
            &[
                (1, 0),
                (1, 1),
                (1, 1),
                (1, 2),
                (1, 1),
                (1, 2),
                (1, 0),
                (1, 2),
                (1, 3),
                (1, 4),
                (1, 5),
            ],
        );
        let right =
            ["1:", "(a)", "(b)", "1.I", "(c)", "1.II", "2:", "2.I", "", "Article I:", "2-1"];
        assert_eq!(shown, right);
    }

    #[test]
    fn a_list_may_start_anew_or_continue_another() {
        let numbering = numbering(&list(&[level(0, "decimal", "%1.", "")]));
        let shown = labels(&numbering, &[(1, 0), (1, 0), (2, 0), (2, 0), (1, 0), (9, 0), (0, 0)]);
        assert_eq!(shown, ["1:", "2:", "7:", "8:", "9:", "", ""]);
    }

    #[test]
    fn a_number_is_written_in_the_format_of_its_level() {
        for (count, format, text) in [
            (3, "decimal", "3"),
            (3, "decimalZero", "03"),
            (28, "lowerLetter", "bb"),
            (14, "upperRoman", "XIV"),
            (22, "ordinal", "22nd"),
            (12, "ordinal", "12th"),
            (25, "chineseCounting", "二十五"),
            (10, "japaneseCounting", "十"),
            (4_000_000_000, "lowerLetter", "4000000000"),
            (0, "upperRoman", "0"),
            (5, "hindiVowels", "5"),
            (5, "none", ""),
        ] {
            assert_eq!(formatted(count, format), text, "{count} {format}");
        }
    }
}
