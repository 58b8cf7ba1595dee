//! An uploaded TXT or DOCX as the script that is in it. Both may come from anyone, so what they
//! unpack to is bounded. What the XML of a DOCX says is left to `story`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::answers::{Refusal, Said, Unreadable};

mod story;

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
    text_of(BufReader::new(document.take(MAX_XML_BYTES + 1)))
}

/// The text of a WordprocessingML document, in UTF-8 or UTF-16.
fn text_of(mut xml: impl BufRead) -> Result<String, Unreadable> {
    if !matches!(xml.fill_buf().map_err(other)?, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) {
        return story::read(xml);
    }
    let mut bytes = Vec::new();
    xml.read_to_end(&mut bytes).map_err(other)?;
    if bytes.len() as u64 > MAX_XML_BYTES {
        return Err(Unreadable::TooLong);
    }
    story::read(decode(&bytes)?.as_bytes())
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
    fn a_document_may_be_in_utf_16() {
        let xml = r#"<?xml version="1.0" encoding="UTF-16"?><w:document xmlns:w="w"><w:p><w:r><w:t>Grüße 😀</w:t></w:r></w:p></w:document>"#;
        let units: Vec<u16> = xml.encode_utf16().collect();
        let little = [0xFF, 0xFE].into_iter().chain(units.iter().flat_map(|u| u.to_le_bytes()));
        let big = [0xFE, 0xFF].into_iter().chain(units.iter().flat_map(|u| u.to_be_bytes()));
        for bytes in [little.collect::<Vec<u8>>(), big.collect()] {
            assert_eq!(text_of(&*bytes).unwrap(), "Grüße 😀");
        }
    }
}
