//! Uploaded TXT and DOCX files as scripts. Both may come from anyone, so what they unpack to is
//! bounded. A DOCX is read as its page shows it, without headers, notes and comments. Text that is
//! struck out is not spoken either; that, and what cannot be spoken, is reported to the user.
//!
//! | file | holds |
//! |---|---|
//! | `package` | a DOCX file → its parts and their relationships, within limits |
//! | `body` | the main part → the text that its page shows |
//! | `styles` | what styles hide, strike out or raise, and which are headings |
//! | `numbering` | the automatic numbers of paragraphs |
//! | `fields` | what a field adds to the text |
//! | `symbols` | the characters of symbol fonts, as data, and raised ones |
//! | `html` | an inserted HTML file → its text |

mod body;
mod fields;
mod html;
mod numbering;
mod package;
mod styles;
mod symbols;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

use quick_xml::events::BytesStart;

use self::body::BodyReader;
use self::numbering::{ListCounters, NumberingReader};
use self::package::{Package, UnpackLimit, attribute};
use self::styles::{HeadingLevel, Styles, StylesReader};
use super::speak::{self, MessageValue, Reply};
use super::turn::VoiceoverError;
use crate::language::encoding::{self, DecodeError, decode};

/// Far more than a video of six hours says.
const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;
/// Documents within documents.
const MAX_EMBEDDED: usize = 3;

/// Content of a document that is not spoken, and that a listener would miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Omission {
    Equations,
    StruckText,
    Symbols,
    Placeholders,
    Contents,
    Objects,
}

impl Omission {
    /// Its name, one of the terms of the messages.
    const fn term(self) -> &'static str {
        match self {
            Self::Equations => "equations",
            Self::StruckText => "struck-out text",
            Self::Symbols => "symbols of an unknown font",
            Self::Placeholders => "fields that nobody filled in",
            Self::Contents => "the table of contents",
            Self::Objects => "charts and embedded objects",
        }
    }
}

type Omitted = BTreeSet<Omission>;
/// A value, or the reason why the file cannot be read.
type Reading<T> = Result<T, MessageValue>;

/// What a document has beside its main part.
#[derive(Clone, Copy, Debug)]
struct Surroundings<'d> {
    styles: &'d Styles,
    /// The texts of the files that are inserted into the document, by their relationships.
    chunks: &'d HashMap<String, Reading<(String, Omitted)>>,
    /// Whether text within the instructions of fields is hidden. In a document with a field that
    /// never ends, all that follows would be.
    obeys_fields: bool,
}

/// The text of an uploaded file, with its headings as those of Markdown.
#[derive(Debug)]
pub(crate) struct ScriptFile {
    pub(crate) text: String,
    /// What the file has beside the text.
    pub(crate) note: Option<Reply>,
}

impl From<String> for ScriptFile {
    fn from(text: String) -> Self {
        Self { text, note: None }
    }
}

pub(crate) fn read(path: &Path, name: &str) -> Result<ScriptFile, VoiceoverError> {
    let is_docx = path.extension().is_some_and(|extension| extension == "docx");
    let read = if is_docx { docx(path) } else { txt(path).map(|text| (text, Omitted::new())) };
    let (text, omitted) = read.map_err(|reason| {
        VoiceoverError::new("UNREADABLE_SCRIPT", speak::UNREADABLE.with([name.into(), reason]))
    })?;
    let terms: Vec<_> = omitted.into_iter().map(|of| MessageValue::term(of.term())).collect();
    let note = (!terms.is_empty())
        .then(|| speak::LEFT_OUT.with([name.into(), MessageValue::Series(terms)]));
    Ok(ScriptFile { text, note })
}

fn other(error: impl std::fmt::Display) -> MessageValue {
    MessageValue::Text(error.to_string())
}

fn not_text(error: DecodeError) -> MessageValue {
    match error {
        DecodeError::Format(format) => {
            MessageValue::Clause(speak::OTHER_FORMAT.with([MessageValue::term(format)]))
        }
        DecodeError::Encoding(Some(likely)) => {
            MessageValue::Clause(speak::OTHER_ENCODING.with([likely.into()]))
        }
        _ => MessageValue::Term(speak::NOT_TEXT),
    }
}

fn txt(path: &Path) -> Reading<String> {
    let file = File::open(path).map_err(other)?;
    let mut bytes = Vec::new();
    file.take(MAX_TEXT_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(other)?;
    if bytes.len() > MAX_TEXT_BYTES {
        return Err(MessageValue::Term(speak::TEXT_TOO_LONG));
    }
    decode(&bytes).map_err(not_text)
}

fn docx(path: &Path) -> Reading<(String, Omitted)> {
    let mut file = File::open(path).map_err(other)?;
    let mut start = Vec::new();
    file.by_ref().take(encoding::SIGNATURE_BYTES as u64).read_to_end(&mut start).map_err(other)?;
    match encoding::format_of(&start) {
        None | Some(encoding::ZIP) => {}
        Some(format) => return Err(not_text(DecodeError::Format(format))),
    }
    file.rewind().map_err(other)?;
    document(BufReader::new(file), &mut UnpackLimit::default())
}

/// Returns the text of a DOCX file, for the fuzz target.
#[cfg(fuzzing)]
pub fn document_text(bytes: &[u8]) -> Option<String> {
    let (text, _) = document(Cursor::new(bytes), &mut UnpackLimit::default()).ok()?;
    Some(text)
}

fn document(file: impl Read + Seek, limit: &mut UnpackLimit) -> Reading<(String, Omitted)> {
    let mut package = Package::open(file)?;
    let main = package.main_part(limit)?;
    let (mut styles, mut numbering) = (StylesReader::default(), NumberingReader::default());
    let mut chunks = HashMap::new();
    for to in package.relationships(&main, limit)? {
        match (to.kind, &to.part) {
            ("styles", Some(part)) => package.read_xml(part, limit, |event| styles.event(event))?,
            ("numbering", Some(part)) => {
                package.read_xml(part, limit, |event| numbering.event(event))?;
            }
            ("aFChunk" | "subDocument", part) => {
                let text = match part {
                    Some(part) => chunk(&mut package, part, limit),
                    None => Err(MessageValue::Term(speak::CHUNK_MISSING)),
                };
                chunks.insert(to.id, text);
            }
            _ => {}
        }
    }
    let (styles, numbering) = (styles.finish(), numbering.finish());
    let before = limit.bytes;
    for obeys_fields in [true, false] {
        // The second reading replaces the first.
        limit.bytes = before;
        let around = Surroundings { styles: &styles, chunks: &chunks, obeys_fields };
        let mut body = BodyReader::new(ListCounters::new(&numbering, &styles), around);
        package.read_xml(&main, limit, |event| body.event(event))?;
        if !(obeys_fields && body.has_open_field()) {
            return body.finish();
        }
    }
    Err(MessageValue::Term(speak::NO_TEXT))
}

/// The text of a file that is inserted into a document as a whole: HTML, plain text or another
/// document.
fn chunk<R: Read + Seek>(
    package: &mut Package<R>,
    part: &str,
    limit: &mut UnpackLimit,
) -> Reading<(String, Omitted)> {
    let missing = MessageValue::Term(speak::CHUNK_MISSING);
    let bytes = package.bytes(part, limit)?.ok_or(missing)?;
    let unreadable =
        |format| MessageValue::Clause(speak::CHUNK_UNREAD.with([MessageValue::term(format)]));
    match encoding::format_of(&bytes) {
        Some(encoding::ZIP) if limit.embedded < MAX_EMBEDDED => {
            limit.embedded += 1;
            let text = document(Cursor::new(bytes), limit);
            limit.embedded -= 1;
            return text;
        }
        Some(encoding::HTML) | None => {}
        Some(format) => return Err(unreadable(format)),
    }
    let text = encoding::decode_unicode(&bytes).map_err(not_text)?;
    // Word and some converters insert a web page with its images as one file.
    if encoding::is_web_archive(&text) {
        return Err(unreadable("an MHT web archive"));
    }
    let extension = part.rsplit_once('.').map_or("", |(_, extension)| extension);
    match (encoding::format_of(text.as_bytes()), extension) {
        (Some(encoding::HTML), _) | (None, "htm" | "html" | "xhtml") => {
            Ok(html::text_of_html(&text))
        }
        (None, "txt") => Ok((text, Omitted::new())),
        (format, _) => Err(unreadable(format.unwrap_or("a file of an unknown format"))),
    }
}

/// The text of a paragraph as Markdown, which the agent reads: a heading begins a chapter.
fn heading(level: HeadingLevel, text: String) -> String {
    match level {
        // Markdown has six levels, and headings of one line.
        Some(level) => format!("{} {}", "#".repeat(level.min(6)), text.replace('\n', " ")),
        None => text,
    }
}

/// Whether a switch such as `w:vanish` is on, which is its default.
fn is_on(tag: &BytesStart<'_>) -> bool {
    let value = attribute(tag, "val");
    !value.is_some_and(|value| ["0", "false", "off"].contains(&value.as_str()))
}

#[cfg(test)]
mod tests;
