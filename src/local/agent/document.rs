//! Uploaded TXT and DOCX files as scripts. Both may come from anyone, so what they unpack to is
//! bounded. A DOCX is read as the page shows it: its paragraphs, without text that is hidden,
//! deleted, moved away or present twice.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

use super::speak::{self, MessageValue};
use super::turn::VoiceoverError;
use crate::language::encoding::decode;

/// Far more than a video of six hours says.
const MAX_TEXT_BYTES: u64 = 4 * 1024 * 1024;
/// The XML of a document is several times its text.
const MAX_XML_BYTES: u64 = 64 * 1024 * 1024;

/// Elements that are skipped with their content: what was deleted or moved away with changes
/// tracked (`moveTo` holds the text at its new position), the properties of a paragraph, and the
/// phonetic guide beside a Chinese or Japanese word.
const SKIPPED: [&str; 4] = ["del", "moveFrom", "pPr", "rt"];

pub(crate) fn read(path: &Path, name: &str) -> Result<String, VoiceoverError> {
    let is_docx = path.extension().is_some_and(|extension| extension == "docx");
    let text = if is_docx { docx(path) } else { txt(path) };
    text.map_err(|reason| {
        VoiceoverError::new("UNREADABLE_SCRIPT", speak::UNREADABLE.with([name.into(), reason]))
    })
}

fn other(error: impl std::fmt::Display) -> MessageValue {
    MessageValue::Text(error.to_string())
}

fn txt(path: &Path) -> Result<String, MessageValue> {
    let file = File::open(path).map_err(other)?;
    let mut bytes = Vec::new();
    file.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes).map_err(other)?;
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        return Err(MessageValue::Term(speak::TEXT_TOO_LONG));
    }
    decode(&bytes).map_err(|_| MessageValue::Term(speak::NOT_TEXT))
}

fn docx(path: &Path) -> Result<String, MessageValue> {
    let file = BufReader::new(File::open(path).map_err(other)?);
    let mut archive =
        zip::ZipArchive::new(file).map_err(|_| MessageValue::Term(speak::NOT_DOCX))?;
    let document =
        archive.by_name("word/document.xml").map_err(|_| MessageValue::Term(speak::NO_TEXT))?;
    text_of(BufReader::new(document.take(MAX_XML_BYTES + 1)))
}

/// Paragraphs in sequence: those of the document, or of a text box.
#[derive(Debug, Default)]
struct TextFlow {
    paragraphs: String,
    paragraph: String,
    /// The text boxes anchored in the paragraph. They stand beside it, so they are read after it.
    boxes: String,
}

impl TextFlow {
    fn end_paragraph(&mut self) {
        for text in [std::mem::take(&mut self.paragraph), std::mem::take(&mut self.boxes)] {
            let text = text.trim();
            if !text.is_empty() {
                self.paragraphs.push_str(text);
                self.paragraphs.push_str("\n\n");
            }
        }
    }
}

#[derive(Debug, Default)]
struct DocxText {
    flow: TextFlow,
    /// The flows around the current text box.
    outer: Vec<TextFlow>,
    /// Whether each open run is hidden.
    runs: Vec<bool>,
    /// Whether one of each open set of alternatives has been read. The others repeat it for older
    /// programs.
    alternatives: Vec<bool>,
    /// The depth within a skipped element.
    skipped: usize,
    in_text: bool,
    bytes: u64,
}

/// The text of a WordprocessingML document in UTF-8.
fn text_of(xml: impl BufRead) -> Result<String, MessageValue> {
    let mut reader = Reader::from_reader(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut docx = DocxText::default();
    loop {
        match reader.read_event_into(&mut buffer).map_err(other)? {
            Event::Start(_) if docx.skipped > 0 => docx.skipped += 1,
            Event::End(_) if docx.skipped > 0 => docx.skipped -= 1,
            Event::Eof => break,
            _ if docx.skipped > 0 => {}
            Event::Start(tag) => docx.start(&tag),
            Event::End(tag) => docx.end(tag.local_name().as_ref()),
            Event::Text(text) if docx.in_text => docx.push(&text),
            Event::CData(text) if docx.in_text => docx.push(&text),
            Event::GeneralRef(entity) if docx.in_text => {
                match entity.resolve_char_ref().map_err(other)? {
                    Some(c) => docx.push(c.encode_utf8(&mut [0; 4])),
                    None => docx.push(resolve_xml_entity(entity.as_ref()).unwrap_or_default()),
                }
            }
            _ => {}
        }
        if docx.bytes > MAX_TEXT_BYTES || reader.buffer_position() > MAX_XML_BYTES {
            return Err(MessageValue::Term(speak::TEXT_TOO_LONG));
        }
        buffer.clear();
    }
    docx.flow.end_paragraph();
    Ok(docx.flow.paragraphs.trim().to_owned())
}

impl DocxText {
    fn start(&mut self, tag: &BytesStart<'_>) {
        let name = tag.local_name();
        self.in_text = name.as_ref() == "t";
        match name.as_ref() {
            name if SKIPPED.contains(&name) => self.skipped = 1,
            "AlternateContent" => self.alternatives.push(false),
            "Choice" | "Fallback" => match self.alternatives.last_mut() {
                Some(read) if *read => self.skipped = 1,
                Some(read) => *read = true,
                None => {}
            },
            "txbxContent" => self.outer.push(std::mem::take(&mut self.flow)),
            "r" => self.runs.push(false),
            "vanish" if is_on(tag) => {
                if let Some(hidden) = self.runs.last_mut() {
                    *hidden = true;
                }
            }
            "br" | "cr" => self.push("\n"),
            "tab" | "ptab" => self.push(" "),
            // It differs from a hyphen only in how lines break.
            "noBreakHyphen" => self.push("-"),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        self.in_text = false;
        match name {
            "p" => self.flow.end_paragraph(),
            "r" => {
                self.runs.pop();
            }
            "AlternateContent" => {
                self.alternatives.pop();
            }
            "txbxContent" => {
                self.flow.end_paragraph();
                if let Some(outer) = self.outer.pop() {
                    let inner = std::mem::replace(&mut self.flow, outer);
                    self.flow.boxes.push_str(&inner.paragraphs);
                }
            }
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        if !self.runs.contains(&true) {
            self.flow.paragraph.push_str(text);
            self.bytes += text.len() as u64;
        }
    }
}

/// Whether a switch such as `w:vanish` is on, which is its default.
fn is_on(tag: &BytesStart<'_>) -> bool {
    let value =
        tag.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == "val");
    !value.is_some_and(|value| ["0", "false", "off"].contains(&value.value.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::{text_of, txt};

    const TEXT_BOX: &str = "<w:txbxContent><w:p><w:r><w:t>Inside the box.</w:t></w:r></w:p>\
        <w:p><w:r><w:t>Still inside.</w:t></w:r></w:p></w:txbxContent>";

    #[test]
    fn a_document_is_read_as_its_page_shows_it() {
        let boxes = format!(
            "<w:r><w:t>Before box.</w:t></w:r><w:r><mc:AlternateContent>\
             <mc:Choice Requires=\"wps\"><w:drawing><wps:txbx>{TEXT_BOX}</wps:txbx></w:drawing></mc:Choice>\
             <mc:Fallback><w:pict><v:textbox>{TEXT_BOX}</v:textbox></w:pict></mc:Fallback>\
             </mc:AlternateContent></w:r><w:r><w:t> After it.</w:t></w:r></w:p>\
             <w:p><w:r><w:t>Next.</w:t></w:r>"
        );
        let hidden = |mark: &str| format!("<w:r><w:rPr>{mark}</w:rPr><w:t> hidden</w:t></w:r>");
        let shown = |mark: &str| format!("<w:r><w:rPr>{mark}</w:rPr><w:t> seen</w:t></w:r>");
        // The mark at the end of a paragraph may be hidden and its text not.
        let visibility = [
            "<w:pPr><w:tabs><w:tab/></w:tabs><w:rPr><w:vanish/></w:rPr></w:pPr>",
            &shown(""),
            &hidden("<w:b/><w:vanish/>"),
            &hidden(r#"<w:vanish w:val="1"/>"#),
            &shown(r#"<w:vanish w:val="0"/>"#),
            &shown(r#"<w:vanish w:val="false"/>"#),
        ];
        for (body, expected) in [
            (
                r#"<w:r><w:t>Salt &amp; pep</w:t></w:r><w:r><w:t xml:space="preserve">per &#8212; </w:t></w:r>
                <w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:br/><w:t>next</w:t></w:r></w:p>
                <w:p/><w:p><w:r><w:instrText>PAGE</w:instrText><w:t>End.</w:t></w:r>"#,
                "Salt & pepper — \nnext\n\nEnd.",
            ),
            // A text box is read once and after its paragraph.
            (&boxes, "Before box. After it.\n\nInside the box.\n\nStill inside.\n\nNext."),
            (
                "<w:r><mc:AlternateContent><mc:Fallback><w:t>old</w:t></mc:Fallback>\
                 </mc:AlternateContent></w:r>",
                "old",
            ),
            ("<w:r><w:t>well</w:t><w:noBreakHyphen/><w:t>known</w:t></w:r>", "well-known"),
            ("<w:r><w:t>well</w:t><w:softHyphen/><w:t>known</w:t></w:r>", "wellknown"),
            (
                "<w:moveFrom><w:r><w:t>Moved. </w:t></w:r></w:moveFrom><w:r><w:t>First. </w:t></w:r>\
                 <w:moveTo><w:r><w:t>Moved.</w:t></w:r></w:moveTo>",
                "First. Moved.",
            ),
            (&visibility.concat(), "seen seen seen"),
            ("<w:r><w:t><![CDATA[Salt & <pepper>]]></w:t></w:r>", "Salt & <pepper>"),
            (
                "<w:r><w:ruby><w:rt><w:r><w:t>kan</w:t></w:r></w:rt>\
                 <w:rubyBase><w:r><w:t>漢</w:t></w:r></w:rubyBase></w:ruby></w:r>",
                "漢",
            ),
        ] {
            let document = format!(
                r#"<?xml version="1.0"?><w:document><w:body><w:p>{body}</w:p></w:body></w:document>"#
            );
            assert_eq!(text_of(document.as_bytes()).unwrap(), expected, "{body}");
        }
    }

    #[test]
    fn a_text_is_read_in_utf_8_and_utf_16() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("script.txt");
        let utf_16: Vec<u8> =
            "\u{feff}早安 Tea".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, text) in [
            (utf_16.as_slice(), Some("早安 Tea")),
            ("\u{feff}早安 Tea".as_bytes(), Some("早安 Tea")),
            (b"\xE9t\xE9", None),
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(txt(&path).ok().as_deref(), text, "{bytes:?}");
        }
    }
}
