//! The text of a document as its page shows it: its paragraphs, without text that is hidden,
//! struck out, deleted, moved away or present twice.

use std::mem;

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

use super::fields::{Field, FieldResult, is_merge_field, is_unfilled};
use super::numbering::{ListCounters, ListPosition, ListReference};
use super::package::attribute;
use super::styles::{HeadingLevel, Raise, RunFormat, Styles, TextFormat, outline_level};
use super::symbols::{self, SymbolFont};
use super::{
    MAX_TEXT_BYTES, MessageValue, Omission, Omitted, Reading, Surroundings, heading, is_on, other,
};
use crate::local::agent::speak;

/// Fields within fields; more than any document has.
const MAX_FIELDS: usize = 100;

/// The elements whose position matters to what is within them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Cell,
    CellProperties,
    Control,
    ControlProperties,
    FieldMark,
    Instruction,
    Other,
    ParagraphProperties,
    Row,
    RowProperties,
    Run,
    RunProperties,
    Text,
}

impl Element {
    fn named(name: &str) -> Self {
        match name {
            "tc" => Self::Cell,
            "tcPr" => Self::CellProperties,
            "sdt" => Self::Control,
            "sdtPr" => Self::ControlProperties,
            "fldChar" => Self::FieldMark,
            "instrText" => Self::Instruction,
            "pPr" => Self::ParagraphProperties,
            "tr" => Self::Row,
            "trPr" => Self::RowProperties,
            "r" => Self::Run,
            "rPr" => Self::RunProperties,
            "t" => Self::Text,
            _ => Self::Other,
        }
    }
}

#[derive(Debug, Default)]
struct Run {
    format: RunFormat,
    /// Whether the run around it is hidden.
    is_in_hidden: bool,
}

/// The mark at the end of a paragraph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mark {
    #[default]
    Shown,
    /// The next paragraph continues this one.
    Hidden,
    /// As hidden, but within a word.
    Deleted,
}

/// Paragraphs in sequence: those of the document, or of a text box.
#[derive(Debug, Default)]
struct TextFlow {
    paragraphs: String,
    paragraph: String,
    /// The text boxes anchored in the paragraph. They stand beside it, so they are read after it.
    boxes: String,
    style: Option<String>,
    list: ListReference,
    /// The level of the heading, where the paragraph states it.
    level: Option<HeadingLevel>,
    mark: Mark,
    /// The list position of the paragraph that the current one continues.
    continued: Option<Option<ListPosition>>,
}

impl TextFlow {
    fn begin_paragraph(&mut self) {
        self.style = None;
        self.list = ListReference::default();
        self.level = None;
        self.mark = Mark::Shown;
    }

    fn end_paragraph(&mut self, lists: &mut ListCounters<'_>, styles: &Styles) {
        let position = lists.position(self.list, self.style.as_deref());
        if self.mark == Mark::Shown {
            // What continues another paragraph is no heading, or not alone.
            let level = self.level.unwrap_or_else(|| styles.heading(self.style.as_deref()));
            let level = level.filter(|_| self.continued.is_none());
            self.flush(self.continued.unwrap_or(position), level, lists);
        } else if !self.paragraph.trim().is_empty() {
            self.continued.get_or_insert(position);
            if self.mark == Mark::Hidden && !self.paragraph.ends_with(char::is_whitespace) {
                self.paragraph.push(' ');
            }
        }
        self.begin_paragraph();
    }

    /// Ends a sequence of paragraphs, the last of which continues in nothing.
    fn end(&mut self, lists: &mut ListCounters<'_>) {
        if let Some(position) = self.continued {
            self.flush(position, None, lists);
        }
        self.flush(None, None, lists);
    }

    fn flush(
        &mut self,
        position: Option<ListPosition>,
        level: HeadingLevel,
        lists: &mut ListCounters<'_>,
    ) {
        self.continued = None;
        let text = mem::take(&mut self.paragraph);
        let text = text.trim();
        let label = position.and_then(|position| lists.next(position, !text.is_empty()));
        if !text.is_empty() {
            let text = match label {
                Some(label) => format!("{label} {text}"),
                None => text.to_owned(),
            };
            self.push_paragraph(&heading(level, text));
        }
        let boxes = mem::take(&mut self.boxes);
        self.push_paragraph(boxes.trim());
    }

    fn push_paragraph(&mut self, text: &str) {
        if !text.is_empty() {
            self.paragraphs.push_str(text);
            self.paragraphs.push_str("\n\n");
        }
    }
}

/// Reads the main part event by event.
#[derive(Debug)]
pub(super) struct BodyReader<'d> {
    around: Surroundings<'d>,
    lists: ListCounters<'d>,
    omitted: Omitted,
    flow: TextFlow,
    /// The flows around the current text box.
    outer: Vec<TextFlow>,
    open: Vec<Element>,
    /// The open runs: one, or one within another that has a phonetic guide.
    runs: Vec<Run>,
    /// The style of each open table.
    tables: Vec<Option<String>>,
    fields: Vec<Field>,
    /// Where the result of each open field without marks begins in the paragraph, if it is to be
    /// filled in from a list.
    simple_fields: Vec<Option<usize>>,
    /// Whether one of each open set of alternatives has been read. The others repeat it for older
    /// programs.
    alternatives: Vec<bool>,
    /// The number of elements around what is hidden, if something is.
    hidden: Option<usize>,
    /// The depth within a skipped element.
    skipped: usize,
    is_document: bool,
    bytes: usize,
}

impl<'d> BodyReader<'d> {
    pub(super) fn new(lists: ListCounters<'d>, around: Surroundings<'d>) -> Self {
        Self {
            around,
            lists,
            omitted: Omitted::default(),
            flow: TextFlow::default(),
            outer: Vec::new(),
            open: Vec::new(),
            runs: Vec::new(),
            tables: Vec::new(),
            fields: Vec::new(),
            simple_fields: Vec::new(),
            alternatives: Vec::new(),
            hidden: None,
            skipped: 0,
            is_document: false,
            bytes: 0,
        }
    }

    /// Whether a field has begun and never ended.
    pub(super) fn has_open_field(&self) -> bool {
        !self.fields.is_empty()
    }

    pub(super) fn finish(mut self) -> Reading<(String, Omitted)> {
        if !self.is_document {
            return Err(MessageValue::Term(speak::NOT_DOCX));
        }
        self.flow.end(&mut self.lists);
        Ok((self.flow.paragraphs.trim().to_owned(), self.omitted))
    }

    pub(super) fn event(&mut self, event: &Event<'_>) -> Reading<()> {
        match event {
            Event::Start(_) if self.skipped > 0 => self.skipped += 1,
            Event::End(_) if self.skipped > 0 => self.skipped -= 1,
            _ if self.skipped > 0 => {}
            Event::Start(tag) => self.start(tag)?,
            Event::End(tag) => self.end(tag.local_name().as_ref()),
            Event::Text(text) => self.text(text),
            Event::CData(text) => self.text(text),
            Event::GeneralRef(entity) => match entity.resolve_char_ref().map_err(other)? {
                Some(c) => self.text(c.encode_utf8(&mut [0; 4])),
                None => self.text(resolve_xml_entity(entity.as_ref()).unwrap_or_default()),
            },
            _ => {}
        }
        if self.bytes + self.lists.label_bytes > MAX_TEXT_BYTES {
            return Err(MessageValue::Term(speak::TEXT_TOO_LONG));
        }
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Reading<()> {
        let name = tag.local_name();
        let name = name.as_ref();
        let parent = self.open.last().copied().unwrap_or(Element::Other);
        let around_parent = self.open.iter().rev().nth(1).copied();
        match (name, parent) {
            // Marks of a change, which have no content.
            ("del" | "moveFrom", Element::RunProperties)
                if around_parent == Some(Element::ParagraphProperties) =>
            {
                self.flow.mark = Mark::Deleted;
            }
            ("del", Element::RowProperties) => self.hide(Element::Row),
            ("hidden", Element::RowProperties) if is_on(tag) => self.hide(Element::Row),
            ("cellDel", Element::CellProperties) => self.hide(Element::Cell),
            // What was deleted or moved away with changes tracked, and the phonetic guide beside a
            // Chinese or Japanese word. `moveTo` holds the text at its new position.
            ("del" | "moveFrom" | "rt", _) => return self.skip(None),
            ("oMath" | "oMathPara", _) => return self.skip(Some(Omission::Equations)),
            // The properties before a change.
            _ if name.ends_with("Change") => return self.skip(None),

            ("vanish" | "specVanish", Element::RunProperties)
                if around_parent == Some(Element::ParagraphProperties)
                    && is_on(tag)
                    && self.flow.mark == Mark::Shown =>
            {
                self.flow.mark = Mark::Hidden;
            }
            (_, Element::RunProperties) if around_parent == Some(Element::Run) => {
                if let Some(run) = self.runs.last_mut() {
                    run.format.set(tag);
                }
            }
            ("pStyle", Element::ParagraphProperties) => self.flow.style = attribute(tag, "val"),
            ("outlineLvl", Element::ParagraphProperties) => {
                self.flow.level = Some(outline_level(tag));
            }
            ("numId" | "ilvl", _) if around_parent == Some(Element::ParagraphProperties) => {
                self.flow.list.set(tag);
            }
            ("tblStyle", _) => {
                if let Some(style) = self.tables.last_mut() {
                    *style = attribute(tag, "val");
                }
            }
            ("showingPlcHdr", Element::ControlProperties) if is_on(tag) => {
                self.omit(Omission::Placeholders);
                self.hide(Element::Control);
            }
            ("docPartGallery", _)
                if attribute(tag, "val").as_deref() == Some("Table of Contents") =>
            {
                self.omit(Omission::Contents);
                self.hide(Element::Control);
            }

            ("fldChar", _) => self.field_mark(tag)?,
            ("fldSimple", _) => {
                let instruction = attribute(tag, "instr").unwrap_or_default();
                if let FieldResult::Omitted(omission) = FieldResult::of(&instruction) {
                    self.omitted.extend(omission.filter(|_| self.is_shown()));
                    self.hidden.get_or_insert(self.open.len());
                }
                let at = self.flow.paragraph.len();
                self.simple_fields.push(is_merge_field(&instruction).then_some(at));
            }
            ("result" | "default" | "listEntry", _) => {
                if let Some(field) = self.fields.last_mut()
                    && self.open.contains(&Element::FieldMark)
                {
                    field.set(tag);
                }
            }

            ("document", _) => self.is_document = true,
            ("p", _) => self.flow.begin_paragraph(),
            ("r", _) => {
                let is_in_hidden = !self.runs.is_empty() && self.run().1;
                self.runs.push(Run { is_in_hidden, ..Run::default() });
            }
            ("tbl", _) => self.tables.push(None),
            ("txbxContent", _) => {
                if self.run().1 {
                    self.hidden.get_or_insert(self.open.len());
                }
                self.outer.push(mem::take(&mut self.flow));
            }
            ("AlternateContent", _) => self.alternatives.push(false),
            ("Choice" | "Fallback", _) => match self.alternatives.last_mut() {
                Some(read) if *read => return self.skip(None),
                Some(read) => *read = true,
                None => {}
            },
            ("altChunk" | "subDoc", _) => self.chunk(tag)?,

            ("br" | "cr", _) => self.push("\n"),
            ("tab" | "ptab", Element::Run) => self.push(" "),
            // It differs from a hyphen only in how lines break.
            ("noBreakHyphen", _) => self.push("-"),
            ("sym", _) => {
                let code =
                    attribute(tag, "char").and_then(|code| u32::from_str_radix(&code, 16).ok());
                let font = attribute(tag, "font").unwrap_or_default();
                self.symbol(&font, code.unwrap_or_default());
            }
            ("chart" | "relIds", _) => self.omit(Omission::Objects),
            ("OLEObject", _) => {
                let program = attribute(tag, "ProgID").unwrap_or_default();
                let is_equation = program.starts_with("Equation");
                self.omit(if is_equation { Omission::Equations } else { Omission::Objects });
            }
            _ => {}
        }
        self.open.push(Element::named(name));
        Ok(())
    }

    fn end(&mut self, name: &str) {
        self.open.pop();
        if self.hidden.is_some_and(|around| around >= self.open.len()) {
            self.hidden = None;
        }
        match name {
            "p" => {
                let style = self.flow.style.as_deref();
                let table = self.tables.last().and_then(Option::as_deref);
                let format = self.around.styles.resolve(&RunFormat::default(), style, table);
                if format.is_hidden && self.flow.mark == Mark::Shown {
                    self.flow.mark = Mark::Hidden;
                }
                self.flow.end_paragraph(&mut self.lists, self.around.styles);
            }
            "r" => {
                self.runs.pop();
            }
            "tc" => self.flow.end(&mut self.lists),
            "fldSimple" => {
                let merged_at = self.simple_fields.pop().flatten();
                self.omit_unfilled(merged_at);
            }
            "tbl" => {
                self.tables.pop();
            }
            "AlternateContent" => {
                self.alternatives.pop();
            }
            "txbxContent" => {
                self.flow.end(&mut self.lists);
                if let Some(outer) = self.outer.pop() {
                    let inner = mem::replace(&mut self.flow, outer);
                    self.flow.boxes.push_str(&inner.paragraphs);
                }
            }
            _ => {}
        }
    }

    /// Skips the element that starts, with its content.
    fn skip(&mut self, omission: Option<Omission>) -> Reading<()> {
        self.skipped = 1;
        if let Some(omission) = omission {
            self.omit(omission);
        }
        Ok(())
    }

    /// Hides the rest of the innermost open element of a kind.
    fn hide(&mut self, element: Element) {
        if let Some(around) = self.open.iter().rposition(|open| *open == element) {
            self.hidden.get_or_insert(around);
        }
    }

    fn is_shown(&self) -> bool {
        self.hidden.is_none()
            && (!self.around.obeys_fields || self.fields.iter().all(Field::shows_content))
    }

    fn omit(&mut self, omission: Omission) {
        if self.is_shown() {
            self.omitted.insert(omission);
        }
    }

    fn field_mark(&mut self, tag: &BytesStart<'_>) -> Reading<()> {
        match attribute(tag, "fldCharType").as_deref() {
            Some("begin") if self.fields.len() >= MAX_FIELDS => {
                return Err(MessageValue::Term(speak::TOO_DEEP));
            }
            Some("begin") => self.fields.push(Field::default()),
            Some("separate") => {
                let is_shown = self.is_shown_around_field();
                let at = self.flow.paragraph.len();
                if let Some(field) = self.fields.last_mut() {
                    self.omitted.extend(field.separate(at).filter(|_| is_shown));
                }
            }
            Some("end") => {
                let is_shown = self.is_shown_around_field();
                if let Some(mut field) = self.fields.pop() {
                    let at = self.flow.paragraph.len();
                    self.omitted.extend(field.separate(at).filter(|_| is_shown));
                    self.omit_unfilled(field.merged_at);
                    match field.into_result() {
                        FieldResult::Symbol { font, code } => self.symbol(&font, code),
                        FieldResult::Text(text) => self.push(&text),
                        FieldResult::Content | FieldResult::Omitted(_) => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Leaves out the result of a field that nobody has filled in.
    fn omit_unfilled(&mut self, merged_at: Option<usize>) {
        if let Some(at) = merged_at
            && self.flow.paragraph.get(at..).is_some_and(is_unfilled)
        {
            self.flow.paragraph.truncate(at);
            self.omit(Omission::Placeholders);
        }
    }

    fn is_shown_around_field(&self) -> bool {
        let (_, around) = self.fields.split_last().unzip();
        self.hidden.is_none() && around.unwrap_or(&[]).iter().all(Field::shows_content)
    }

    /// A file that is inserted as a whole.
    fn chunk(&mut self, tag: &BytesStart<'_>) -> Reading<()> {
        if !self.is_shown() {
            return Ok(());
        }
        let id = attribute(tag, "id").unwrap_or_default();
        let chunk = self.around.chunks.get(&id);
        let missing = Err(MessageValue::Term(speak::CHUNK_MISSING));
        let (text, omitted) = chunk.cloned().unwrap_or(missing)?;
        self.omitted.extend(omitted);
        self.bytes += text.len();
        self.flow.end(&mut self.lists);
        self.flow.push_paragraph(&text);
        Ok(())
    }

    fn text(&mut self, text: &str) {
        match self.open.last() {
            Some(Element::Text) => self.push(text),
            Some(Element::Instruction) => {
                if let Some(field) = self.fields.last_mut() {
                    field.push_instruction(text);
                }
            }
            _ => {}
        }
    }

    fn symbol(&mut self, font: &str, code: u32) {
        match SymbolFont::named(font).character(code) {
            Some(c) => self.push(c.encode_utf8(&mut [0; 4])),
            None => self.omit(Omission::Symbols),
        }
    }

    /// The look of the current run, and whether it is hidden by itself or by a run around it.
    fn run(&self) -> (TextFormat, bool) {
        let none = Run::default();
        let run = self.runs.last().unwrap_or(&none);
        let table = self.tables.last().and_then(Option::as_deref);
        let format = self.around.styles.resolve(&run.format, self.flow.style.as_deref(), table);
        (format, format.is_hidden || run.is_in_hidden)
    }

    fn font(&self) -> &str {
        let paragraph = self.flow.style.as_deref();
        let run = self.runs.last();
        let font = run.and_then(|run| self.around.styles.font(&run.format, paragraph));
        font.unwrap_or(symbols::DEFAULT_FONT)
    }

    fn push(&mut self, text: &str) {
        if !self.is_shown() {
            return;
        }
        let (format, is_hidden) = self.run();
        if is_hidden {
            return;
        }
        if format.is_struck {
            if !text.trim().is_empty() {
                self.omitted.insert(Omission::StruckText);
            }
            return;
        }
        // Counted even if it is left out: it takes time, too.
        self.bytes += text.len();
        let mut font = None;
        let mut is_incomplete = false;
        let mut clean = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\n' | '\t' | '\r' => clean.push(c),
                _ if c.is_control() => {}
                _ if symbols::is_private(c) => {
                    let font = *font.get_or_insert_with(|| SymbolFont::named(self.font()));
                    match font.character(c.into()) {
                        Some(c) => clean.push(c),
                        None => is_incomplete = true,
                    }
                }
                _ => clean.push(c),
            }
        }
        if is_incomplete {
            self.omitted.insert(Omission::Symbols);
        }
        if format.raise == Raise::Super {
            clean = symbols::superscript(&self.flow.paragraph, clean);
        }
        if format.raise == Raise::Sub && clean.starts_with(|c: char| c.is_ascii_digit()) {
            symbols::lower_numerator(&mut self.flow.paragraph);
        }
        symbols::degrees(&mut self.flow.paragraph, &clean);
        self.flow.paragraph.push_str(&clean);
    }
}
