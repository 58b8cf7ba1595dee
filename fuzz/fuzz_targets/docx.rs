//! Any DOCX file is a script or an error.
//!
//! An input that is a ZIP file is read as it is. Any other is the parts of a document, separated by
//! NUL bytes, which are packed here: changes of compressed data would rarely reach the reader.
//!
//! `cargo fuzz run docx`
#![no_main]

use std::io::{Cursor, Write as _};

use libfuzzer_sys::fuzz_target;
use nemovideo::local::document_text;
use zip::write::{SimpleFileOptions, ZipWriter};

/// The seeds have the parts in this order, too.
const PARTS: [&str; 4] =
    ["word/document.xml", "word/styles.xml", "word/numbering.xml", "word/_rels/document.xml.rels"];

fn packed(parts: &[u8]) -> Vec<u8> {
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, part) in PARTS.iter().zip(parts.split(|byte| *byte == 0)) {
        zip.start_file(*name, stored).expect("a part can be started");
        zip.write_all(part).expect("a part can be written");
    }
    zip.finish().expect("the file can be finished").into_inner()
}

fuzz_target!(|data: &[u8]| {
    let packed = if data.starts_with(b"PK\x03\x04") { data.to_vec() } else { packed(data) };
    std::hint::black_box(document_text(&packed));
});
