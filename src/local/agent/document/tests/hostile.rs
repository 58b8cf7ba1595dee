//! Documents of up to 2 MB that are made to exhaust their reader, each read in a process of its own.

use std::fmt::Write as _;

use super::*;

#[path = "../../../../../tests/memory/measured.rs"]
mod measured;

use measured::HostileFile;

const THIS: &str = "local::agent::document::tests::hostile::hostile_documents_are_cheap";

/// A little less than what a document may unpack to.
const XML: usize = 15_500_000;

fn fill(piece: &str) -> String {
    piece.repeat(XML / piece.len())
}

fn compressed(docx: &Docx) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1));
    for (name, content) in &docx.0 {
        archive.start_file(name.as_str(), options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn in_one_paragraph(runs: &str) -> Docx {
    Docx::new(&format!("<w:p>{runs}</w:p>"))
}

/// A document of empty paragraphs in a list with these definitions.
fn listed(numbering: &str) -> Docx {
    let item = r#"<w:p><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>x</w:t></w:r></w:p>"#;
    Docx::new(&item.repeat(100_000))
        .with("word/_rels/document.xml.rels", rels(&[(OFFICE, "numbering", "numbering.xml")]))
        .with("word/numbering.xml", format!("<w:numbering>{numbering}</w:numbering>"))
}

fn list(format: &str, start: &str, text: &str) -> String {
    format!(
        r#"<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:start w:val="{start}"/><w:numFmt w:val="{format}"/><w:lvlText w:val="{text}"/></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>"#
    )
}

/// Many copies of something, each with a number.
fn numbered(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let _ = write!(text, "{}", piece(number));
        text
    })
}

fn with_chunks(count: usize, name: &str, content: &[u8]) -> Docx {
    let chunks = vec![(OFFICE, "aFChunk", name); count];
    let body = numbered(count, |number| format!(r#"<w:altChunk r:id="r{number}"/>"#));
    Docx::new(&body)
        .with("word/_rels/document.xml.rels", rels(&chunks))
        .with(&format!("word/{name}"), content)
}

fn files() -> Vec<HostileFile> {
    let long = "x".repeat(1_000_000);
    let word = "x".repeat(900);
    let raised = |text: &str| run(r#"<w:vertAlign w:val="superscript"/>"#, text);
    let lowered = run(r#"<w:vertAlign w:val="subscript"/>"#, "2");
    let attributes = numbered(200_000, |number| format!(r#" a{number}="""#));
    let field = r#"<w:fldChar w:fldCharType="begin"/><w:instrText>MERGEFIELD a</w:instrText><w:fldChar w:fldCharType="separate"/>"#;
    let ended = r#"<w:fldChar w:fldCharType="end"/>"#;
    let html = |piece: &str| {
        let text = format!("<html>{}", piece.repeat(3_900_000 / piece.len()));
        with_chunks(1, "c.html", text.as_bytes())
    };
    let style = |id: &str, inside: &str| format!(r#"<w:style w:styleId="{id}">{inside}</w:style>"#);
    let base = |id: &str| format!(r#"<w:basedOn w:val="{id}"/>"#);
    let font = format!(r#"<w:rPr><w:rFonts w:ascii="{word}"/></w:rPr>"#);
    let inner = compressed(&Docx::new(&p("x").repeat(8000)));
    let many = |count: usize| {
        let parts = (0..count).map(|part| (format!("w/{part}"), Vec::new()));
        Docx(Docx::new("").0.into_iter().chain(parts).collect())
    };
    let documents: &[(&str, &dyn Fn() -> Docx)] = &[
        ("paragraphs", &|| Docx::new(&fill("<w:p/>"))),
        ("runs", &|| in_one_paragraph(&fill("<w:r><w:t>a</w:t></w:r>"))),
        ("cells", &|| Docx::new(&fill("<w:tc/>"))),
        ("boxes", &|| in_one_paragraph(&fill("<w:r><w:txbxContent><w:p/></w:txbxContent></w:r>"))),
        ("deep", &|| Docx::new(&["<w:txbxContent>".repeat(200), p(&long.repeat(3))].concat())),
        ("attributes", &|| Docx::new(&format!("<w:p{attributes}><w:r{attributes}/></w:p>"))),
        ("comments", &|| Docx::new(&fill("<!---->"))),
        ("references", &|| in_one_paragraph(&format!("<w:r><w:t>{}", fill("&#xF070;")))),
        ("symbols", &|| in_one_paragraph(&fill(r#"<w:sym w:font="Wingdings 3" w:char="F070"/>"#))),
        ("unknown-symbols", &|| in_one_paragraph(&fill(r#"<w:sym w:font="Q" w:char="F070"/>"#))),
        ("raised", &|| in_one_paragraph(&fill(&raised("2")))),
        ("raised-after-word", &|| {
            in_one_paragraph(&(run("", &long) + &raised("1").repeat(100_000)))
        }),
        ("lowered-after-numbers", &|| {
            in_one_paragraph(
                &(raised(&"1".repeat(1_000_000)) + &(run("", "/") + &lowered).repeat(60_000)),
            )
        }),
        ("open-fields", &|| Docx::new(&(field.repeat(99) + &p("x").repeat(300_000)))),
        ("merge-fields", &|| {
            in_one_paragraph(&(field.repeat(99) + &run("", &long) + &ended.repeat(99)))
        }),
        ("styles-of-long-names", &|| {
            Docx::new(&p("x")).with_styles(&numbered(7000, |number| {
                style(&format!("{word}{number}"), &base(&format!("{word}{}", number + 1)))
            }))
        }),
        ("inherited-font", &|| {
            Docx::new(&p("x")).with_styles(
                &(style("s", &font)
                    + &numbered(100_000, |number| style(&format!("s{number}"), &base("s")))),
            )
        }),
        ("circle-of-styles", &|| {
            Docx::new(&p("x").repeat(200_000)).with_styles(&numbered(9000, |number| {
                style(&format!("s{number}"), &base(&format!("s{}", (number + 1) % 9000)))
            }))
        }),
        ("long-labels", &|| listed(&list("decimal", "999999999", &"%1".repeat(50)))),
        ("roman", &|| listed(&list("upperRoman", "4000000000", "%1."))),
        ("letters", &|| listed(&list("lowerLetter", "4000000000", "%1."))),
        ("lists", &|| {
            listed(&numbered(12_000, |number| {
                list("decimal", "1", &word).replace(r#"Id="0""#, &format!(r#"Id="{number}""#))
            }))
        }),
        ("html-text", &|| html("x ")),
        ("html-tags", &|| html("<b>")),
        ("html-lists", &|| html("<ol><li>a")),
        ("html-comments", &|| html("<!--")),
        ("html-references", &|| html("&lt")),
        ("html-attributes", &|| html("<a b='")),
        ("html-quotes", &|| html("<a b=\">\" b='")),
        ("html-letters", &|| html(&format!("<ol type=a start=3000>{}</ol>", "<li>a".repeat(999)))),
        ("html-hidden", &|| html("<p style='display:none'>a")),
        ("html-often", &|| {
            with_chunks(900, "c.html", format!("<html>{}", "<b>".repeat(5000)).as_bytes())
        }),
        ("documents", &|| with_chunks(900, "c.docx", &inner)),
        ("entries", &|| many(9_900)),
        ("too-many-entries", &|| many(20_000)),
        ("bomb", &|| Docx(vec![("word/document.xml".to_owned(), vec![b' '; 50_000_000])])),
    ];
    documents.iter().map(|(name, docx)| ((*name).to_owned(), compressed(&docx()))).collect()
}

#[test]
fn hostile_documents_are_cheap() {
    measured::each(THIS, files, |name, bytes| {
        if let Ok((text, _)) = read_bytes(bytes) {
            assert!(text.len() <= MAX_TEXT_BYTES, "{name}");
        }
    });
}
