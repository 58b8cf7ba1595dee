//! How the text of a run looks, as far as it matters to a listener: whether it is hidden, struck
//! out, or raised. It follows from the run's own properties and from the styles of the document. So
//! does whether a paragraph is a heading.

use std::collections::HashMap;

use quick_xml::events::{BytesStart, Event};

use super::numbering::ListReference;
use super::package::attribute;
use super::{Reading, is_on};

/// More styles than any document has; the rest is ignored.
const MAX_STYLES: usize = 10_000;
/// Styles are based on each other at most ten deep in Word; a cycle ends here.
const MAX_ANCESTORS: usize = 32;

/// Text above or below the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raise {
    Super,
    Sub,
    Baseline,
}

/// Properties as they are written, in a run or in a style. `None` where nothing is.
#[derive(Clone, Debug, Default)]
pub(super) struct RunFormat {
    pub(super) style: Option<String>,
    pub(super) font: Option<String>,
    hidden: Option<bool>,
    struck: Option<bool>,
    double_struck: Option<bool>,
    raise: Option<Raise>,
}

impl RunFormat {
    /// Takes over a child of `w:rPr`.
    pub(super) fn set(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            "rStyle" => self.style = attribute(tag, "val"),
            "rFonts" => self.font = attribute(tag, "ascii").or_else(|| attribute(tag, "hAnsi")),
            "vanish" => self.hidden = Some(is_on(tag)),
            "strike" => self.struck = Some(is_on(tag)),
            "dstrike" => self.double_struck = Some(is_on(tag)),
            "vertAlign" => {
                self.raise = match attribute(tag, "val").as_deref() {
                    Some("superscript") => Some(Raise::Super),
                    Some("subscript") => Some(Raise::Sub),
                    _ => Some(Raise::Baseline),
                }
            }
            _ => {}
        }
    }

    /// Takes over what is not stated here.
    fn fill(&mut self, base: &Self) {
        if self.font.is_none() {
            self.font.clone_from(&base.font);
        }
        self.hidden = self.hidden.or(base.hidden);
        self.struck = self.struck.or(base.struck);
        self.double_struck = self.double_struck.or(base.double_struck);
        self.raise = self.raise.or(base.raise);
    }
}

/// The level of a heading in the outline of a document, from 1; `None` for text.
pub(super) type HeadingLevel = Option<usize>;

/// Returns the level that `w:outlineLvl` states. The tenth is that of text.
pub(super) fn outline_level(tag: &BytesStart<'_>) -> HeadingLevel {
    let level: usize = attribute(tag, "val")?.parse().ok()?;
    (level < 9).then_some(level + 1)
}

/// Returns the level of a built-in style. Its name is English in every language of Word.
fn built_in_level(name: &str) -> HeadingLevel {
    let name = name.to_ascii_lowercase();
    let level = name.strip_prefix("heading")?.trim_start();
    (level.len() == 1).then(|| level.parse().ok().filter(|level| *level > 0))?
}

/// How a run looks in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextFormat {
    pub(super) is_hidden: bool,
    pub(super) is_struck: bool,
    pub(super) raise: Raise,
}

#[derive(Clone, Debug, Default)]
struct Style {
    format: RunFormat,
    based_on: Option<String>,
    list: ListReference,
    /// The style that states the list.
    listed_as: String,
    /// Stated by an outline level, or else by the name of a built-in style.
    heading: Option<HeadingLevel>,
}

/// The styles of a document, each with what it takes over from those that it is based on.
#[derive(Debug, Default)]
pub(super) struct Styles {
    defaults: RunFormat,
    styles: HashMap<String, Style>,
    default_paragraph: Option<String>,
}

/// Reads `styles.xml` event by event.
#[derive(Debug, Default)]
pub(super) struct StylesReader {
    styles: Styles,
    /// The identifier of the current style, and the style.
    style: Option<(String, Style)>,
    in_defaults: bool,
    /// The depth of `w:rPr` and `w:pPr`; 0 outside of one.
    run_properties: usize,
    paragraph_properties: usize,
    depth: usize,
    skipped: usize,
}

impl StylesReader {
    pub(super) fn event(&mut self, event: &Event<'_>) -> Reading<()> {
        match event {
            Event::Start(_) if self.skipped > 0 => self.skipped += 1,
            Event::End(_) if self.skipped > 0 => self.skipped -= 1,
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => {
                match tag.local_name().as_ref() {
                    "style" => self.end_style(),
                    "docDefaults" => self.in_defaults = false,
                    "rPr" => self.run_properties = 0,
                    "pPr" => self.paragraph_properties = 0,
                    _ => {}
                }
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>) {
        let name = tag.local_name();
        match name.as_ref() {
            // The properties of a part of a table, and those before a tracked change.
            "tblStylePr" | "rPrChange" | "pPrChange" => {
                self.skipped = 1;
                return;
            }
            "docDefaults" => self.in_defaults = true,
            "style" => {
                let id = attribute(tag, "styleId").unwrap_or_default();
                let is_default =
                    attribute(tag, "default").is_some_and(|value| value == "1" || value == "true");
                if is_default && attribute(tag, "type").as_deref() == Some("paragraph") {
                    self.styles.default_paragraph = Some(id.clone());
                }
                self.style = Some((id, Style::default()));
            }
            // Those of the mark at the end of a paragraph are not those of its text.
            "rPr" if self.paragraph_properties == 0 => self.run_properties = self.depth + 1,
            "pPr" => self.paragraph_properties = self.depth + 1,
            name => {
                if self.run_properties > 0 && self.run_properties == self.depth {
                    if let Some((_, style)) = &mut self.style {
                        style.format.set(tag);
                    } else if self.in_defaults {
                        self.styles.defaults.set(tag);
                    }
                } else if let Some((_, style)) = &mut self.style {
                    match name {
                        "basedOn" => style.based_on = attribute(tag, "val"),
                        "name" => {
                            let name = attribute(tag, "val").unwrap_or_default();
                            let level = built_in_level(&name).map(Some);
                            style.heading = style.heading.or(level);
                        }
                        "outlineLvl" if self.paragraph_properties > 0 => {
                            style.heading = Some(outline_level(tag));
                        }
                        "numId" | "ilvl" if self.paragraph_properties > 0 => style.list.set(tag),
                        _ => {}
                    }
                }
            }
        }
        self.depth += 1;
    }

    fn end_style(&mut self) {
        if let Some((id, style)) = self.style.take()
            && self.styles.styles.len() < MAX_STYLES
        {
            self.styles.styles.insert(id, style);
        }
    }

    pub(super) fn finish(mut self) -> Styles {
        let own = &self.styles.styles;
        let resolved = own.iter().map(|(id, style)| (id.clone(), style.resolved(id, own)));
        self.styles.styles = resolved.collect();
        self.styles
    }
}

impl Style {
    /// The style with what it takes over from those that it is based on.
    fn resolved(&self, id: &str, styles: &HashMap<String, Self>) -> Self {
        let mut resolved = Self { listed_as: id.to_owned(), ..self.clone() };
        let mut next = self.based_on.as_ref();
        for _ in 0..MAX_ANCESTORS {
            let Some((id, base)) = next.and_then(|id| Some((id, styles.get(id)?))) else { break };
            resolved.format.fill(&base.format);
            resolved.heading = resolved.heading.or(base.heading);
            if resolved.list.number.is_none() && base.list.number.is_some() {
                resolved.list = base.list;
                resolved.listed_as.clone_from(id);
            }
            next = base.based_on.as_ref();
        }
        resolved
    }
}

impl Styles {
    /// The style of a paragraph; the default one where `id` names none that exists.
    fn paragraph_style(&self, id: Option<&str>) -> Option<&Style> {
        let named = id.and_then(|id| self.styles.get(id));
        named.or_else(|| self.styles.get(self.default_paragraph.as_deref()?))
    }

    /// The level of paragraphs of a style that state none themselves.
    pub(super) fn heading(&self, paragraph: Option<&str>) -> HeadingLevel {
        match (self.paragraph_style(paragraph), paragraph) {
            (Some(style), _) if style.heading.is_some() => style.heading.flatten(),
            // A document may use the built-in styles without defining them.
            (_, Some(id)) if !self.styles.contains_key(id) => built_in_level(id),
            _ => None,
        }
    }

    /// The numbering of the paragraphs of a style, with the style that states it.
    pub(super) fn list(&self, paragraph: Option<&str>) -> Option<(&str, &ListReference)> {
        let style = self.paragraph_style(paragraph)?;
        style.list.number.map(|_| (style.listed_as.as_str(), &style.list))
    }

    /// The look of a run with these properties in a paragraph and a table of these styles.
    pub(super) fn resolve(
        &self,
        run: &RunFormat,
        paragraph: Option<&str>,
        table: Option<&str>,
    ) -> TextFormat {
        let levels = [
            run.style.as_ref().and_then(|id| self.styles.get(id)),
            self.paragraph_style(paragraph),
            table.and_then(|id| self.styles.get(id)),
        ];
        let levels = || levels.iter().flatten().map(|style| &style.format);
        // Office Open XML, part 1, 17.7.3: a toggle property is switched by each level of styles
        // that has it, unless the defaults or the run itself decide.
        let toggle = |property: fn(&RunFormat) -> Option<bool>| {
            let by_styles = || levels().filter(|level| property(level) == Some(true)).count();
            property(run)
                .or_else(|| property(&self.defaults).filter(|on| *on))
                .unwrap_or_else(|| by_styles() % 2 == 1)
        };
        let all = || std::iter::once(run).chain(levels()).chain([&self.defaults]);
        TextFormat {
            is_hidden: toggle(|format| format.hidden),
            is_struck: toggle(|format| format.struck)
                || all().find_map(|format| format.double_struck) == Some(true),
            raise: all().find_map(|format| format.raise).unwrap_or(Raise::Baseline),
        }
    }

    /// The font of a run with these properties.
    pub(super) fn font<'s>(
        &'s self,
        run: &'s RunFormat,
        paragraph: Option<&str>,
    ) -> Option<&'s str> {
        let character = run.style.as_ref().and_then(|id| self.styles.get(id));
        let styles = [character, self.paragraph_style(paragraph)].into_iter().flatten();
        let font = run.font.as_ref().or_else(|| styles.flat_map(|style| &style.format.font).next());
        font.map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::super::package::{UnpackLimit, read_events};
    use super::*;

    fn styles(xml: &str) -> Styles {
        let mut reader = StylesReader::default();
        let xml = format!("<w:styles>{xml}</w:styles>");
        read_events(xml.as_bytes(), &mut UnpackLimit::default(), |event| reader.event(event))
            .unwrap();
        reader.finish()
    }

    fn style(kind: &str, id: &str, content: &str) -> String {
        format!(r#"<w:style w:type="{kind}" w:styleId="{id}">{content}</w:style>"#)
    }

    const VANISH: &str = "<w:rPr><w:vanish/></w:rPr>";

    #[test]
    fn a_style_hides_what_it_applies_to_and_what_is_based_on_it() {
        let styles = styles(
            &[
                style("character", "Secret", VANISH),
                style("character", "Deeper", r#"<w:basedOn w:val="Secret"/>"#),
                style(
                    "character",
                    "Shown",
                    r#"<w:basedOn w:val="Secret"/><w:rPr><w:vanish w:val="0"/></w:rPr>"#,
                ),
                style("paragraph", "Note", VANISH),
                style("table", "Grid", VANISH),
                style("table", "Head", &format!("<w:tblStylePr>{VANISH}</w:tblStylePr>")),
                style("character", "Circle", r#"<w:basedOn w:val="Circle"/>"#),
                style("paragraph", "Mark", &format!("<w:pPr>{VANISH}</w:pPr>")),
            ]
            .concat(),
        );
        let hidden = |run: Option<&str>, paragraph, table| {
            let run = RunFormat { style: run.map(str::to_owned), ..RunFormat::default() };
            styles.resolve(&run, paragraph, table).is_hidden
        };
        assert!(hidden(Some("Secret"), None, None));
        assert!(hidden(Some("Deeper"), None, None));
        assert!(!hidden(Some("Shown"), None, None));
        assert!(hidden(None, Some("Note"), None));
        assert!(hidden(None, None, Some("Grid")));
        assert!(!hidden(None, None, Some("Head")));
        assert!(!hidden(Some("Circle"), Some("Unknown"), None));
        // Two levels cancel each other out.
        assert!(!hidden(Some("Secret"), Some("Note"), None));
        let own = RunFormat { hidden: Some(false), ..RunFormat::default() };
        assert!(!styles.resolve(&own, Some("Note"), None).is_hidden);
    }

    #[test]
    fn a_heading_is_known_by_its_outline_level_or_its_built_in_style() {
        let level = |level: &str| format!(r#"<w:pPr><w:outlineLvl w:val="{level}"/></w:pPr>"#);
        let name = |name: &str| format!(r#"<w:name w:val="{name}"/>"#);
        let based = |on: &str| format!(r#"<w:basedOn w:val="{on}"/>"#);
        let styles = styles(
            &[
                // As German and Chinese versions of Word write them.
                style("paragraph", "berschrift1", &(name("heading 1") + &level("0"))),
                style("paragraph", "2", &name("Heading 2")),
                style("paragraph", "Own", &based("berschrift1")),
                style("paragraph", "Deeper", &(based("Own") + &level("3"))),
                style("paragraph", "TOCHeading", &(based("berschrift1") + &level("9"))),
                style("paragraph", "Part", &level("0")),
                style("paragraph", "Named", &(level("9") + &name("heading 3"))),
                style("paragraph", "Loop", &based("Loop")),
                style("paragraph", "Bad", &level("x")),
                style("paragraph", "Ten", &name("heading 10")),
                style("paragraph", "Char", &name("heading 1 Char")),
                style("paragraph", "Heading5", &name("My own")),
            ]
            .concat(),
        );
        for (id, level) in [
            ("berschrift1", Some(1)),
            ("2", Some(2)),
            ("Own", Some(1)),
            ("Deeper", Some(4)),
            ("TOCHeading", None),
            ("Part", Some(1)),
            ("Named", None),
            ("Loop", None),
            ("Bad", None),
            ("Ten", None),
            ("Char", None),
            ("Heading5", None),
            ("Heading6", Some(6)),
            ("Heading0", None),
            ("Unknown", None),
        ] {
            assert_eq!(styles.heading(Some(id)), level, "{id}");
        }
        assert_eq!(styles.heading(None), None);
    }

    #[test]
    fn the_defaults_and_the_default_style_apply_to_all_paragraphs() {
        let defaults = styles(&format!(
            "<w:docDefaults><w:rPrDefault>{VANISH}</w:rPrDefault></w:docDefaults>"
        ));
        assert!(defaults.resolve(&RunFormat::default(), None, None).is_hidden);
        let shown = RunFormat { hidden: Some(false), ..RunFormat::default() };
        assert!(!defaults.resolve(&shown, None, None).is_hidden);
        let normal = styles(
            r#"<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:rPr><w:dstrike/>
            <w:vertAlign w:val="superscript"/></w:rPr></w:style>"#,
        );
        let format = normal.resolve(&RunFormat::default(), None, None);
        assert!(format.is_struck && format.raise == Raise::Super);
    }
}
