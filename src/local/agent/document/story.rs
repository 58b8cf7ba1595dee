//! The XML of a DOCX as what a reader of the page sees: its paragraphs, without what is hidden,
//! deleted, moved away or there twice.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{MAX_TEXT_BYTES, MAX_XML_BYTES, Unreadable, other};

/// What is not read, with all that is in it: what was deleted or moved away with changes tracked
/// (what was moved here is in `moveTo`), how a paragraph looks, and the small letters beside a
/// Chinese or Japanese word that say how it sounds.
const NOT_READ: [&str; 4] = ["del", "moveFrom", "pPr", "rt"];

/// A chain of paragraphs: the document's, or that of a text box.
#[derive(Debug, Default)]
struct Flow {
    paragraphs: String,
    paragraph: String,
    /// The text boxes anchored in the paragraph: read after it, for they stand beside it.
    boxes: String,
}

impl Flow {
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
struct Story {
    flow: Flow,
    /// The flows around the text box that is being read.
    outer: Vec<Flow>,
    /// Whether each run that is open is hidden.
    runs: Vec<bool>,
    /// Whether one of each open set of alternatives has been read: the others say the same again,
    /// for older programs.
    alternatives: Vec<bool>,
    /// How deep within something that is not read.
    skipped: usize,
    within_text: bool,
    bytes: u64,
}

pub(super) fn read(xml: impl BufRead) -> Result<String, Unreadable> {
    let mut reader = Reader::from_reader(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut story = Story::default();
    loop {
        match reader.read_event_into(&mut buffer).map_err(other)? {
            Event::Start(_) if story.skipped > 0 => story.skipped += 1,
            Event::End(_) if story.skipped > 0 => story.skipped -= 1,
            Event::Eof => break,
            _ if story.skipped > 0 => {}
            Event::Start(tag) => story.start(&tag),
            Event::End(tag) => story.end(tag.local_name().as_ref()),
            Event::Text(text) if story.within_text => story.say(&text),
            Event::CData(text) if story.within_text => story.say(&text),
            Event::GeneralRef(entity) if story.within_text => {
                let known = entity.resolve_char_ref().map_err(other)?;
                match (known, entity.as_ref()) {
                    (Some(c), _) => story.say(c.encode_utf8(&mut [0; 4])),
                    (None, "amp") => story.say("&"),
                    (None, "lt") => story.say("<"),
                    (None, "gt") => story.say(">"),
                    (None, "quot") => story.say("\""),
                    (None, "apos") => story.say("'"),
                    (None, _) => {}
                }
            }
            _ => {}
        }
        if story.bytes > MAX_TEXT_BYTES || reader.buffer_position() > MAX_XML_BYTES {
            return Err(Unreadable::TooLong);
        }
        buffer.clear();
    }
    story.flow.end_paragraph();
    Ok(story.flow.paragraphs.trim().to_owned())
}

impl Story {
    fn start(&mut self, tag: &BytesStart<'_>) {
        let name = tag.local_name();
        self.within_text = name.as_ref() == "t";
        match name.as_ref() {
            name if NOT_READ.contains(&name) => self.skipped = 1,
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
            "br" | "cr" => self.say("\n"),
            "tab" | "ptab" => self.say(" "),
            // Only how lines may break makes it another hyphen.
            "noBreakHyphen" => self.say("-"),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        self.within_text = false;
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

    fn say(&mut self, text: &str) {
        if !self.runs.contains(&true) {
            self.flow.paragraph.push_str(text);
            self.bytes += text.len() as u64;
        }
    }
}

/// Whether a switch such as `w:vanish` is on: it is unless it says otherwise.
fn is_on(tag: &BytesStart<'_>) -> bool {
    let value =
        tag.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == "val");
    !value.is_some_and(|value| ["0", "false", "off"].contains(&value.value.as_ref()))
}

#[cfg(test)]
mod tests {
    fn read(body: &str) -> String {
        let xml =
            format!(r#"<?xml version="1.0"?><w:document><w:body>{body}</w:body></w:document>"#);
        super::read(xml.as_bytes()).unwrap()
    }

    fn paragraph(content: &str) -> String {
        read(&format!("<w:p>{content}</w:p>"))
    }

    #[test]
    fn a_document_is_its_paragraphs() {
        let body = r#"
            <w:p><w:r><w:t>Salt &amp; pep</w:t></w:r><w:r><w:t xml:space="preserve">per &#8212; </w:t></w:r>
                <w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:br/><w:t>next</w:t></w:r></w:p>
            <w:p/><w:p><w:r><w:instrText>PAGE</w:instrText><w:t>End.</w:t></w:r></w:p>"#;
        assert_eq!(read(body), "Salt & pepper — \nnext\n\nEnd.");
    }

    #[test]
    fn a_text_box_is_read_once_and_after_its_paragraph() {
        let text_box = "<w:txbxContent><w:p><w:r><w:t>Inside the box.</w:t></w:r></w:p>\
                        <w:p><w:r><w:t>Still inside.</w:t></w:r></w:p></w:txbxContent>";
        let body = format!(
            "<w:p><w:r><w:t>Before box.</w:t></w:r>\
             <w:r><mc:AlternateContent>\
             <mc:Choice Requires=\"wps\"><w:drawing><wps:txbx>{text_box}</wps:txbx></w:drawing></mc:Choice>\
             <mc:Fallback><w:pict><v:textbox>{text_box}</v:textbox></w:pict></mc:Fallback>\
             </mc:AlternateContent></w:r><w:r><w:t> After it.</w:t></w:r></w:p>\
             <w:p><w:r><w:t>Next.</w:t></w:r></w:p>"
        );
        let expected = "Before box. After it.\n\nInside the box.\n\nStill inside.\n\nNext.";
        assert_eq!(read(&body), expected);
        let only =
            "<mc:AlternateContent><mc:Fallback><w:t>old</w:t></mc:Fallback></mc:AlternateContent>";
        assert_eq!(paragraph(&format!("<w:r>{only}</w:r>")), "old");
    }

    #[test]
    fn hyphens_that_steer_line_breaks_are_what_they_look_like() {
        let word = "<w:r><w:t>well</w:t><w:noBreakHyphen/><w:t>known</w:t></w:r>";
        assert_eq!(paragraph(word), "well-known");
        let soft = "<w:r><w:t>well</w:t><w:softHyphen/><w:t>known</w:t></w:r>";
        assert_eq!(paragraph(soft), "wellknown");
    }

    #[test]
    fn what_was_moved_is_read_where_it_is_now() {
        let content = "<w:moveFrom><w:r><w:t>Moved. </w:t></w:r></w:moveFrom>\
                       <w:r><w:t>First. </w:t></w:r>\
                       <w:moveTo><w:r><w:t>Moved.</w:t></w:r></w:moveTo>";
        assert_eq!(paragraph(content), "First. Moved.");
    }

    #[test]
    fn hidden_text_is_not_read() {
        let run = |properties: &str, text: &str| {
            format!("<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>")
        };
        let content = [
            // The mark at the end of a paragraph may be hidden and its text not.
            "<w:pPr><w:tabs><w:tab/></w:tabs><w:rPr><w:vanish/></w:rPr></w:pPr>".to_owned(),
            run("", "Seen"),
            run("<w:b/><w:vanish/>", " hidden"),
            run(r#"<w:vanish w:val="1"/>"#, " hidden"),
            run(r#"<w:vanish w:val="0"/>"#, " and"),
            run(r#"<w:vanish w:val="false"/>"#, " seen."),
        ];
        assert_eq!(paragraph(&content.concat()), "Seen and seen.");
    }

    #[test]
    fn character_data_is_text_and_how_a_word_sounds_is_not_read_with_it() {
        assert_eq!(
            paragraph("<w:r><w:t><![CDATA[Salt & <pepper>]]></w:t></w:r>"),
            "Salt & <pepper>"
        );
        let ruby = "<w:r><w:ruby><w:rt><w:r><w:t>kan</w:t></w:r></w:rt>\
                    <w:rubyBase><w:r><w:t>漢</w:t></w:r></w:rubyBase></w:ruby></w:r>";
        assert_eq!(paragraph(ruby), "漢");
    }
}
