//! An uploaded TXT or DOCX as the script that is in it. Both may come from anyone, so what they
//! unpack to is bounded.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::local::studio::Failure;

/// Far more than a film of six hours says.
const MAX_TEXT_BYTES: u64 = 4 * 1024 * 1024;
/// The XML of a document is several times its text.
const MAX_XML_BYTES: u64 = 64 * 1024 * 1024;

pub(super) fn read(path: &Path, name: &str) -> Result<String, Failure> {
    let is_docx = path.extension().is_some_and(|extension| extension == "docx");
    let text = if is_docx { docx(path) } else { txt(path) };
    text.map_err(|reason| {
        Failure::new("UNREADABLE_SCRIPT", format!("The script `{name}` cannot be read: {reason}."))
    })
}

fn txt(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        return Err("it is longer than 4 MB of text".to_owned());
    }
    decode(&bytes)
}

/// UTF-8, or UTF-16 where a byte order mark says so.
fn decode(bytes: &[u8]) -> Result<String, String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).collect::<Result<String, _>>().map_err(|error| error.to_string())
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] | rest => std::str::from_utf8(rest)
            .map(str::to_owned)
            .map_err(|_| "it is not UTF-8 text; save it as UTF-8".to_owned()),
    }
}

fn docx(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut archive =
        zip::ZipArchive::new(BufReader::new(file)).map_err(|_| "it is no DOCX".to_owned())?;
    let document = archive
        .by_name("word/document.xml")
        .map_err(|_| "there is no text in it; is it a DOCX?".to_owned())?;
    text_of(BufReader::new(document.take(MAX_XML_BYTES)))
}

/// The runs of text of a WordprocessingML document; what was deleted with changes tracked is not
/// in `w:t`, and neither are the instructions of fields.
fn text_of(xml: impl BufRead) -> Result<String, String> {
    let mut reader = Reader::from_reader(xml);
    let mut buffer = Vec::new();
    let mut text = String::new();
    let mut within_text = false;
    loop {
        let event = reader.read_event_into(&mut buffer).map_err(|error| error.to_string())?;
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
                let known = entity.resolve_char_ref().map_err(|error| error.to_string())?;
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
            return Err("it is longer than 4 MB of text".to_owned());
        }
        buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, text_of};

    #[test]
    fn a_text_is_read_by_its_byte_order_mark() {
        assert_eq!(decode(b"plain \xC3\xA9").unwrap(), "plain é");
        assert_eq!(decode(b"\xEF\xBB\xBFmarked").unwrap(), "marked");
        assert_eq!(decode(b"\xFF\xFEh\0i\0=\xD8\x00\xDE").unwrap(), "hi😀");
        assert_eq!(decode(b"\xFE\xFF\0h\0i").unwrap(), "hi");
        assert!(decode(b"\xE9t\xE9").unwrap_err().contains("UTF-8"));
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
