//! Whether a file is a DOCX at all: a ZIP archive with a document in it.
//!
//! What the document says is for the service to read. To unpack it here would take a ZIP and an
//! XML reader, which the client alone does not have; the archive's own list of contents can be
//! read without them, and is enough to tell a document from a file that is merely called one.

use std::io::{self, Read, Seek, SeekFrom};

/// The part that holds the words.
const DOCUMENT: &[u8] = b"word/document.xml";
/// A document has a dozen parts, and one for each picture.
const MAX_LIST: u64 = 4 * 1024 * 1024;
/// An end record is followed by a comment of at most 65 535 bytes.
const END: usize = 22;
const MAX_TAIL: u64 = END as u64 + 65_535;

/// Whether the file is an archive that lists a document with something in it. Reads its end and
/// its list, neither of them whatever length the file claims.
pub(super) fn is_docx(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    let tail_at = length.saturating_sub(MAX_TAIL);
    let tail = read(file, tail_at, length - tail_at)?;
    let whole = tail.len().saturating_sub(END - 4);
    let Some(end) = tail[..whole].windows(4).rposition(|four| four == b"PK\x05\x06") else {
        return Ok(false);
    };
    let Some((size, at)) = list_of(file, &tail, end)? else { return Ok(false) };
    if size > MAX_LIST || at.checked_add(size).is_none_or(|end| end > length) {
        return Ok(false);
    }
    let list = read(file, at, size)?;
    let Some(document) = document_of(&list) else { return Ok(false) };
    // The list may say anything; the part must be there.
    let header = read(file, document, 4)?;
    Ok(header == b"PK\x03\x04")
}

/// The size of the list of contents and where it begins.
fn list_of(
    file: &mut (impl Read + Seek),
    tail: &[u8],
    end: usize,
) -> io::Result<Option<(u64, u64)>> {
    let (Some(size), Some(at)) = (u32_at(tail, end + 12), u32_at(tail, end + 16)) else {
        return Ok(None);
    };
    if size != u32::MAX && at != u32::MAX {
        return Ok(Some((size.into(), at.into())));
    }
    // ZIP64: an end record of its own, to which the 20 bytes before this one point.
    let Some(locator) = end.checked_sub(20).filter(|at| tail[*at..].starts_with(b"PK\x06\x07"))
    else {
        return Ok(None);
    };
    let Some(at) = u64_at(tail, locator + 8) else { return Ok(None) };
    let record = read(file, at, 56)?;
    let found = record.starts_with(b"PK\x06\x06");
    Ok(found.then(|| Some((u64_at(&record, 40)?, u64_at(&record, 48)?))).flatten())
}

/// Where the document begins, by the list of contents.
fn document_of(list: &[u8]) -> Option<u64> {
    let mut entry = list;
    while entry.starts_with(b"PK\x01\x02") {
        let size = u32_at(entry, 24)?;
        let [name, extra, comment] = [28, 30, 32].map(|at| u16_at(entry, at));
        let (name, extra, comment) = (name?.into(), usize::from(extra?), usize::from(comment?));
        let at = u32_at(entry, 42)?;
        let named = entry.get(46..46_usize.checked_add(name)?)?;
        if named == DOCUMENT {
            return (size > 0).then_some(at.into());
        }
        entry = entry.get(46 + name + extra + comment..)?;
    }
    None
}

/// As many of these bytes as there are.
fn read(file: &mut (impl Read + Seek), at: u64, size: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::is_docx;

    /// An archive of stored parts, by hand, so that this needs no feature.
    fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
        let (mut file, mut list) = (Vec::new(), Vec::new());
        for (name, text) in parts {
            let at = file.len() as u32;
            let (size, named) = ((text.len() as u32).to_le_bytes(), name.len() as u16);
            file.extend([&b"PK\x03\x04"[..], &[0; 14], &size, &size].concat());
            file.extend([&named.to_le_bytes()[..], &[0; 2], name.as_bytes()].concat());
            file.extend(text.as_bytes());
            list.extend([&b"PK\x01\x02"[..], &[0; 16], &size, &size].concat());
            list.extend([&named.to_le_bytes()[..], &[0; 12], &at.to_le_bytes()].concat());
            list.extend(name.as_bytes());
        }
        let (at, size) = (file.len() as u32, list.len() as u32);
        file.extend(list);
        file.extend([&b"PK\x05\x06"[..], &[0; 8], &size.to_le_bytes()].concat());
        file.extend([&at.to_le_bytes()[..], &[0; 2]].concat());
        file
    }

    fn check(bytes: &[u8]) -> bool {
        is_docx(&mut Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn an_archive_with_a_document_in_it_is_one() {
        let types = ("[Content_Types].xml", "<Types/>");
        let document = ("word/document.xml", "<w:t>Tea</w:t>");
        assert!(check(&archive(&[types, document])));
        assert!(!check(&archive(&[types])));
        assert!(!check(&archive(&[types, ("word/document.xml", "")])));
        assert!(!check(&archive(&[])));
        let mut commented = archive(&[document]);
        *commented.last_mut().unwrap() = 1; // a comment's length, high byte
        commented.extend([b'x'; 256]);
        assert!(check(&commented));
    }

    #[test]
    fn a_broken_archive_is_refused_and_never_a_panic() {
        let whole = archive(&[("word/document.xml", "<w:t>Tea</w:t>")]);
        for end in 0..whole.len() {
            assert!(!check(&whole[..end]), "{end}");
        }
        for at in 0..whole.len() {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut spoilt = whole.clone();
                spoilt[at] = value;
                let _ = check(&spoilt);
            }
        }
        assert!(!check(b"PKgarbage") && !check(b""));
        assert!(!check(&[b'P', b'K', 5, 6].repeat(40_000)));
    }

    #[cfg(feature = "local")]
    #[test]
    fn an_archive_that_another_program_wrote_is_read() {
        use std::io::Write as _;
        for large in [false, true] {
            let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
            let options = zip::write::SimpleFileOptions::default().large_file(large);
            for name in ["[Content_Types].xml", "word/document.xml", "word/media/1.png"] {
                writer.start_file(name, options).unwrap();
                writer.write_all(b"<w:t>Tea</w:t>").unwrap();
            }
            assert!(check(writer.finish().unwrap().get_ref()), "{large}");
        }
    }
}
