//! A DOCX file as a package: its parts, found by any spelling of their names, and the relationships
//! between them. What a package unpacks to is bounded, whoever made it. The meaning of the parts is
//! left to the other files of this directory.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::ZipArchive;

use super::{MessageValue, Reading, other};
use crate::local::agent::speak;
use crate::protocol::percent_decoded;

/// The most that the parts of a document with its text unpack to together. Ten hours of speech have
/// 600 KB of text, and the XML of a document is about ten times its text.
const MAX_UNPACKED_BYTES: u64 = 16 * 1024 * 1024;
/// The longest tag or text between two tags: the attributes of an old drawing may hold an image.
const MAX_EVENT_BYTES: u64 = 4 * 1024 * 1024;
/// The deepest nesting of elements. A text box within a table in a text box is 50 deep.
const MAX_DEPTH: usize = 256;
/// The most relationships of interest that a part has.
const MAX_RELATIONSHIPS: usize = 1000;
/// The most entries of an archive.
const MAX_ENTRIES: u16 = 10_000;
/// Where the record at the end of an archive is: before a comment of at most 64 KiB.
const MAX_END_BYTES: u64 = (1 << 16) + 64;
/// The longest name of a part, and of a style, that a document may use.
const MAX_NAME_BYTES: usize = 1024;

/// The relationships of a part that matter to its text.
const RELATIONSHIPS: [&str; 5] =
    ["officeDocument", "styles", "numbering", "aFChunk", "subDocument"];

/// How much more may be unpacked. A document shares it with the documents within it.
#[derive(Debug)]
pub(super) struct UnpackLimit {
    pub(super) bytes: u64,
    /// How many documents the current one is within.
    pub(super) embedded: usize,
}

impl Default for UnpackLimit {
    fn default() -> Self {
        Self { bytes: MAX_UNPACKED_BYTES, embedded: 0 }
    }
}

/// A relationship of one part to another.
#[derive(Debug)]
pub(super) struct Relationship {
    pub(super) id: String,
    /// The last segment of its type, which is the same in the transitional and the strict form.
    pub(super) kind: &'static str,
    /// The normalized name of the other part; `None` if it is not in the package.
    pub(super) part: Option<String>,
}

#[derive(Debug)]
pub(super) struct Package<R> {
    archive: ZipArchive<R>,
    /// The entries of the archive by their normalized names.
    parts: HashMap<String, usize>,
}

impl<R: Read + Seek> Package<R> {
    pub(super) fn open(mut file: R) -> Reading<Self> {
        check_entries(&mut file)?;
        let archive = ZipArchive::new(file).map_err(|_| MessageValue::Term(speak::NOT_DOCX))?;
        let mut parts = HashMap::with_capacity(archive.len());
        for (index, name) in archive.file_names_raw().enumerate() {
            if name.len() <= MAX_NAME_BYTES {
                parts.entry(normalized(&String::from_utf8_lossy(name))).or_insert(index);
            }
        }
        Ok(Self { archive, parts })
    }

    /// The name of the part that holds the document: the one that the package names, else the one
    /// that it has in almost all documents.
    pub(super) fn main_part(&mut self, limit: &mut UnpackLimit) -> Reading<String> {
        let relationships = self.relationships("", limit)?.into_iter();
        let named = relationships.filter(|to| to.kind == "officeDocument").find_map(|to| to.part);
        [named, Some("word/document.xml".to_owned())]
            .into_iter()
            .flatten()
            .find(|name| self.parts.contains_key(name))
            .ok_or(MessageValue::Term(speak::NO_TEXT))
    }

    /// The relationships of a part, or of the package itself, whose name is empty.
    pub(super) fn relationships(
        &mut self,
        part: &str,
        limit: &mut UnpackLimit,
    ) -> Reading<Vec<Relationship>> {
        let (directory, name) = part.rsplit_once('/').unwrap_or(("", part));
        let rels = resolved(directory, &format!("_rels/{name}.rels"));
        let mut found = Vec::new();
        self.read_xml(&rels, limit, |event| {
            if let Event::Start(tag) = event
                && tag.local_name().as_ref() == "Relationship"
                && found.len() < MAX_RELATIONSHIPS
            {
                let kind = attribute(tag, "Type").unwrap_or_default();
                let kind = kind.rsplit('/').next().unwrap_or_default();
                if let Some(&kind) = RELATIONSHIPS.iter().find(|known| **known == kind) {
                    let is_inside = attribute(tag, "TargetMode").as_deref() != Some("External");
                    let part = attribute(tag, "Target").filter(|_| is_inside);
                    found.push(Relationship {
                        id: attribute(tag, "Id").unwrap_or_default(),
                        kind,
                        part: part.map(|target| resolved(directory, &target)),
                    });
                }
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The bytes of a part, if there is one of this name.
    pub(super) fn bytes(
        &mut self,
        part: &str,
        limit: &mut UnpackLimit,
    ) -> Reading<Option<Vec<u8>>> {
        let Some(&index) = self.parts.get(part) else { return Ok(None) };
        let entry = self.archive.by_index(index).map_err(other)?;
        let mut bytes = Vec::new();
        entry.take(limit.bytes.min(MAX_EVENT_BYTES) + 1).read_to_end(&mut bytes).map_err(other)?;
        let length = bytes.len() as u64;
        if length > limit.bytes.min(MAX_EVENT_BYTES) {
            return Err(MessageValue::Term(speak::TEXT_TOO_LONG));
        }
        limit.bytes -= length;
        Ok(Some(bytes))
    }

    /// Passes each event of an XML part to `handle`. An empty element has a start and an end.
    pub(super) fn read_xml(
        &mut self,
        part: &str,
        limit: &mut UnpackLimit,
        handle: impl FnMut(&Event<'_>) -> Reading<()>,
    ) -> Reading<()> {
        let Some(&index) = self.parts.get(part) else { return Ok(()) };
        let entry = BufReader::new(self.archive.by_index(index).map_err(other)?);
        read_events(entry, limit, handle)
    }
}

/// Fails if an archive claims more entries than any document has: they would all be kept in memory.
/// The record at the end of an archive says how many there are. What only resembles one may be
/// taken for it, so each is checked.
fn check_entries(file: &mut (impl Read + Seek)) -> Reading<()> {
    let length = file.seek(SeekFrom::End(0)).map_err(other)?;
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_END_BYTES))).map_err(other)?;
    let mut end = Vec::new();
    file.take(MAX_END_BYTES).read_to_end(&mut end).map_err(other)?;
    file.rewind().map_err(other)?;
    // The number of entries, and the length and the position of their list. The highest values say
    // that another record has them, as no document needs.
    let is_too_large = |record: &[u8]| {
        u16::from_le_bytes([record[10], record[11]]) > MAX_ENTRIES
            || record[12..16] == [0xFF; 4]
            || record[16..20] == [0xFF; 4]
    };
    let mut records = end.windows(20).filter(|record| record.starts_with(b"PK\x05\x06"));
    match records.any(is_too_large) {
        true => Err(MessageValue::Term(speak::NOT_DOCX)),
        false => Ok(()),
    }
}

/// Passes each event of an XML document in UTF-8 to `handle`, within the limits.
pub(super) fn read_events(
    xml: impl BufRead,
    limit: &mut UnpackLimit,
    mut handle: impl FnMut(&Event<'_>) -> Reading<()>,
) -> Reading<()> {
    let source = LimitedRead { inner: xml, total: &mut limit.bytes, event: 0 };
    let mut reader = Reader::from_reader(source);
    reader.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut depth = 0_usize;
    loop {
        reader.get_mut().event = MAX_EVENT_BYTES;
        let event = reader.read_event_into(&mut buffer).map_err(unreadable)?;
        match event {
            Event::Eof => return Ok(()),
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(MessageValue::Term(speak::TOO_DEEP));
        }
        handle(&event)?;
        buffer.clear();
    }
}

fn unreadable(error: quick_xml::Error) -> MessageValue {
    match &error {
        quick_xml::Error::Io(cause) if cause.kind() == io::ErrorKind::FileTooLarge => {
            MessageValue::Term(speak::TEXT_TOO_LONG)
        }
        _ => other(error),
    }
}

/// A source that fails once it has given more than it may, in total or for one event.
struct LimitedRead<'l, R> {
    inner: R,
    total: &'l mut u64,
    event: u64,
}

impl<R: BufRead> Read for LimitedRead<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for LimitedRead<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let available = self.inner.fill_buf()?;
        if !available.is_empty() && (*self.total == 0 || self.event == 0) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(available)
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
        *self.total = self.total.saturating_sub(amount as u64);
        self.event = self.event.saturating_sub(amount as u64);
    }
}

/// The value of an attribute, whatever the prefix of its name.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    // Without checks for duplicates, which take quadratic time.
    let attribute = tag
        .attributes()
        .with_checks(false)
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)?;
    if attribute.value.len() > MAX_NAME_BYTES {
        return None;
    }
    Some(attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
}

/// A part's name as it is looked up: with slashes, without one in front, without percent escapes and
/// in lower case. Archives are made with any of these.
fn normalized(name: &str) -> String {
    let name = percent_decoded(&name.replace('\\', "/")).to_lowercase();
    resolved_segments("", &name)
}

/// The normalized name of the target of a relationship of a part in `directory`.
fn resolved(directory: &str, target: &str) -> String {
    let target = target.split(['#', '?']).next().unwrap_or_default().replace('\\', "/");
    let target = percent_decoded(&target).to_lowercase();
    resolved_segments(if target.starts_with('/') { "" } else { directory }, &target)
}

fn resolved_segments(directory: &str, name: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in directory.split('/').chain(name.split('/')) {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_by_any_spelling_of_its_name() {
        for name in [
            "word/document.xml",
            "/word/document.xml",
            "word\\document.xml",
            "\\Word\\Document.XML",
            "./word/%64ocument.xml",
            "word/x/../document.xml",
        ] {
            assert_eq!(normalized(name), "word/document.xml", "{name}");
        }
        assert_eq!(normalized("100%/a%2"), "100%/a%2");
    }

    #[test]
    fn a_target_is_relative_to_its_part_or_absolute() {
        for (directory, target, part) in [
            ("word", "chunk.html", "word/chunk.html"),
            ("word", "/word/chunk.html", "word/chunk.html"),
            ("word", "../custom/Chunk.html#top", "custom/chunk.html"),
            ("", "word\\document.xml", "word/document.xml"),
            ("word", "../../../x.xml", "x.xml"),
        ] {
            assert_eq!(resolved(directory, target), part, "{directory} {target}");
        }
    }

    #[test]
    fn deep_and_long_xml_is_an_error() {
        let read = |xml: &str| {
            read_events(BufReader::new(xml.as_bytes()), &mut UnpackLimit::default(), |_| Ok(()))
        };
        assert_eq!(read(&"<a>".repeat(MAX_DEPTH)), Ok(()), "an unclosed element is no error");
        let deep = read(&"<a>".repeat(MAX_DEPTH + 1));
        assert_eq!(deep, Err(MessageValue::Term(speak::TOO_DEEP)));
        // More than the buffer of the reader beside it.
        let text = "x".repeat(MAX_EVENT_BYTES as usize + (1 << 14));
        assert_eq!(read(&format!("<a>{}</a>", &text[1 << 15..])), Ok(()));
        for long in [format!("<a>{text}x</a>"), format!("<a b=\"{text}\"/>")] {
            assert_eq!(read(&long), Err(MessageValue::Term(speak::TEXT_TOO_LONG)));
        }
    }
}
