//! An uploaded TXT or DOCX as the script that is in it. Both may come from anyone, so what they
//! unpack to is bounded.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::answers::{Refusal, Said, Unreadable};

/// Far more than a film of six hours says.
const MAX_TEXT_BYTES: u64 = 4 * 1024 * 1024;
/// The XML of a document is several times its text.
const MAX_XML_BYTES: u64 = 64 * 1024 * 1024;

pub(super) fn read(path: &Path, name: &str) -> Result<String, Refusal> {
    let is_docx = path.extension().is_some_and(|extension| extension == "docx");
    let text = if is_docx { docx(path) } else { txt(path) };
    text.map_err(|why| Refusal {
        code: "UNREADABLE_SCRIPT",
        why: Said::Unreadable { name: name.to_owned(), why },
    })
}

fn other(error: impl std::fmt::Display) -> Unreadable {
    Unreadable::Other(error.to_string())
}

fn txt(path: &Path) -> Result<String, Unreadable> {
    let file = File::open(path).map_err(other)?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(other)?;
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        return Err(Unreadable::TooLong);
    }
    decode(&bytes)
}

/// UTF-8, or UTF-16 where a byte order mark says so.
fn decode(bytes: &[u8]) -> Result<String, Unreadable> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).collect::<Result<String, _>>().map_err(other)
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] | rest => {
            std::str::from_utf8(rest).map(str::to_owned).map_err(|_| Unreadable::NotUtf8)
        }
    }
}

fn docx(path: &Path) -> Result<String, Unreadable> {
    let file = File::open(path).map_err(other)?;
    let mut archive =
        zip::ZipArchive::new(BufReader::new(file)).map_err(|_| Unreadable::NotDocx)?;
    let document = archive.by_name("word/document.xml").map_err(|_| Unreadable::NoText)?;
    text_of(BufReader::new(document.take(MAX_XML_BYTES)))
}

/// The runs of text of a WordprocessingML document; what was deleted with changes tracked is not
/// in `w:t`, and neither are the instructions of fields.
fn text_of(xml: impl BufRead) -> Result<String, Unreadable> {
    let mut reader = Reader::from_reader(xml);
    let mut buffer = Vec::new();
    let mut text = String::new();
    let mut within_text = false;
    loop {
        let event = reader.read_event_into(&mut buffer).map_err(other)?;
        match event {
            Event::Start(tag) => within_text = tag.local_name().as_ref() == "t",
            Event::End(tag) => {
                within_text = false;
                if tag.local_name().as_ref() == "p" {
                    text.push_str("\n\n");
                }
            }
            Event::Empty(tag) => match tag.local_name().as_ref() {
                "br" | "cr" => text.push('\n'),
                "tab" => text.push(' '),
                _ => {}
            },
            Event::Text(run) if within_text => {
                text.push_str(&run);
            }
            Event::GeneralRef(entity) if within_text => {
                let known = entity.resolve_char_ref().map_err(other)?;
                match (known, entity.as_ref()) {
                    (Some(c), _) => text.push(c),
                    (None, "amp") => text.push('&'),
                    (None, "lt") => text.push('<'),
                    (None, "gt") => text.push('>'),
                    (None, "quot") => text.push('"'),
                    (None, "apos") => text.push('\''),
                    (None, _) => {}
                }
            }
            Event::Eof => return Ok(text.trim().to_owned()),
            _ => {}
        }
        if text.len() as u64 > MAX_TEXT_BYTES {
            return Err(Unreadable::TooLong);
        }
        buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{Unreadable, decode, text_of};

    #[test]
    fn a_text_is_read_by_its_byte_order_mark() {
        assert_eq!(decode(b"plain \xC3\xA9").unwrap(), "plain é");
        assert_eq!(decode(b"\xEF\xBB\xBFmarked").unwrap(), "marked");
        assert_eq!(decode(b"\xFF\xFEh\0i\0=\xD8\x00\xDE").unwrap(), "hi😀");
        assert_eq!(decode(b"\xFE\xFF\0h\0i").unwrap(), "hi");
        assert_eq!(decode(b"\xE9t\xE9"), Err(Unreadable::NotUtf8));
    }

    #[test]
    fn a_document_is_its_paragraphs() {
        let xml = r#"<?xml version="1.0"?><w:document xmlns:w="w"><w:body>
            <w:p><w:r><w:t>Salt &amp; pep</w:t></w:r><w:r><w:t xml:space="preserve">per &#8212; </w:t></w:r>
                <w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:br/><w:t>next</w:t></w:r></w:p>
            <w:p/><w:p><w:r><w:instrText>PAGE</w:instrText><w:t>End.</w:t></w:r></w:p></w:body></w:document>"#;
        assert_eq!(text_of(xml.as_bytes()).unwrap(), "Salt & pepper — \nnext\n\nEnd.");
    }
}
