//! Documents as whole files: the collected ones, others of their kinds, and hostile ones.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::draft::Language;

#[cfg(target_os = "linux")]
mod hostile;

const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const STRICT: &str = "http://purl.oclc.org/ooxml/officeDocument/relationships";

/// A DOCX file under construction: the names of its parts and their contents.
#[derive(Clone)]
struct Docx(Vec<(String, Vec<u8>)>);

impl Docx {
    /// A document with this content of its body.
    fn new(body: &str) -> Self {
        let document = format!(
            r#"<?xml version="1.0"?><w:document><w:body>{body}<w:sectPr/></w:body></w:document>"#
        );
        Self(Vec::new())
            .with("_rels/.rels", rels(&[(OFFICE, "officeDocument", "word/document.xml")]))
            .with("word/document.xml", &document)
    }

    fn with(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.0.retain(|(part, _)| part != name);
        self.0.push((name.to_owned(), content.as_ref().to_vec()));
        self
    }

    fn with_styles(self, styles: &str) -> Self {
        self.with("word/_rels/document.xml.rels", rels(&[(OFFICE, "styles", "styles.xml")]))
            .with("word/styles.xml", format!("<w:styles>{styles}</w:styles>"))
    }

    /// A document with a file inserted after its text.
    fn with_chunk(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.with("word/_rels/document.xml.rels", rels(&[(OFFICE, "aFChunk", name)]))
            .with(&format!("word/{name}"), content)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        // Faster than compression.
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for (name, content) in &self.0 {
            archive.start_file(name.as_str(), options).unwrap();
            archive.write_all(content).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn read(&self) -> Reading<(String, Omitted)> {
        read_bytes(&self.bytes())
    }

    fn text(&self) -> String {
        self.read().unwrap().0
    }

    fn omitted(&self) -> Vec<Omission> {
        self.read().unwrap().1.into_iter().collect()
    }

    fn error(&self) -> String {
        error_text(self.read().unwrap_err())
    }
}

fn rels(relationships: &[(&str, &str, &str)]) -> String {
    let relationships = relationships.iter().enumerate().map(|(index, (base, kind, target))| {
        format!(r#"<Relationship Id="r{index}" Type="{base}/{kind}" Target="{target}"/>"#)
    });
    format!("<Relationships>{}</Relationships>", relationships.collect::<String>())
}

fn read_bytes(bytes: &[u8]) -> Reading<(String, Omitted)> {
    document(Cursor::new(bytes), &mut UnpackLimit::default())
}

fn error_text(reason: MessageValue) -> String {
    speak::UNREADABLE.with(["x".into(), reason]).text(Language::English)
}

fn p(text: &str) -> String {
    format!(r#"<w:p><w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>"#)
}

fn run(properties: &str, text: &str) -> String {
    format!("<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>")
}

fn text_of(body: &str) -> String {
    Docx::new(body).text()
}

fn cases(group: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases").join(group)
}

#[test]
fn each_collected_document_is_read_as_its_page_shows_it() {
    let right = [
        ("alt-chunk", "Before.\n\nThe words in the chunk.\n\nAfter."),
        (
            "auto-numbers",
            "Three steps.\n\n1: Boil the water.\n\n2: Add the tea.\n\n3: As in step 1, wait.",
        ),
        ("backslash-parts", "Coffee is grown on mountains."),
        ("caps", "welcome to our sale\n\nPlain end."),
        ("del-block", "Keep.\n\nStay."),
        ("dropdown", "Size: Small."),
        ("fields", "May 4 was warm. Ann wrote it."),
        ("footnote", "Coffee is old."),
        ("hidden-by-style", "Seen words.\n\nLast words."),
        ("leading-slash", "Coffee is grown on mountains."),
        ("placeholder", "Dear reader.\n\nThe end."),
        (
            "soft-break",
            "Roses are red,\nviolets are blue,\n1. sugar is sweet.\n\nEnd of page.\nNext page.",
        ),
        ("super", "Water is H2O and the field is 10⁶ wide."),
        ("sym", "The dose must be ≥ 5 grams, or 3 × 2 drops at 20°C."),
        ("table", "Name\n\nPrice\n\nTea\n\n3 euros\n\nAfter the table."),
        ("word-online", "Coffee is grown on mountains."),
    ];
    let dir = cases("docx");
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), right.len());
    for (name, text) in right {
        let file = read(&dir.join(name).with_extension("docx"), name).unwrap();
        assert_eq!(file.text, text, "{name}");
        assert_eq!(file.note.is_some(), name == "placeholder", "{name}");
    }
}

#[test]
fn what_is_left_out_is_reported_in_the_language_of_the_user() {
    let file = read(&cases("docx").join("placeholder.docx"), "letter.docx").unwrap();
    let note = file.note.unwrap();
    let english = "Not spoken from `letter.docx`: fields that nobody filled in.";
    assert_eq!(note.text(Language::English), english);
    assert_eq!(note.text(Language::Chinese), "“letter.docx”中没有读出的内容：未填写的内容。");
}

#[test]
fn the_main_part_is_the_one_that_the_package_names() {
    let right = Docx::new(&p("Right."));
    let wrong = right.clone().with("word/document.xml", "<w:document/>");
    let document = &right.0[1].1;
    for (base, target, part) in [
        (OFFICE, "word/document2.xml", "word/document2.xml"),
        (STRICT, "/word/document2.xml", "word/document2.xml"),
        (OFFICE, "word\\document2.xml", "WORD\\Document2.xml"),
        (OFFICE, "./custom/%64oc.xml", "/custom/doc.xml"),
    ] {
        let root = rels(&[(base, "officeDocument", target)]);
        let docx = wrong.clone().with("_rels/.rels", root).with(part, document);
        assert_eq!(docx.text(), "Right.", "{target}");
    }
    // A package without relationships, or with one that leads nowhere, has its usual part.
    for root in ["<Relationships/>", &rels(&[(OFFICE, "officeDocument", "none.xml")])] {
        assert_eq!(right.clone().with("_rels/.rels", root).text(), "Right.");
    }
    let sheet = rels(&[(OFFICE, "officeDocument", "xl/workbook.xml")]);
    let sheet = Docx(Vec::new()).with("_rels/.rels", sheet).with("xl/workbook.xml", "<workbook/>");
    assert!(sheet.error().contains("it is no DOCX"), "{}", sheet.error());
    assert!(Docx(Vec::new()).with("a.txt", "a").error().contains("there is no text in it"));
}

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
    let hidden = |mark: &str| run(mark, " hidden");
    let shown = |mark: &str| run(mark, " seen");
    // The mark at the end of a paragraph may be hidden and its text not.
    let visibility = [
        "<w:pPr><w:tabs><w:tab/></w:tabs><w:rPr><w:vanish/></w:rPr></w:pPr>",
        &shown(""),
        &hidden("<w:b/><w:vanish/>"),
        &hidden(r#"<w:vanish w:val="1"/>"#),
        &shown(r#"<w:vanish w:val="0"/>"#),
        &shown(r#"<w:vanish w:val="false"/>"#),
        &shown("<w:webHidden/>"),
        &shown("<w:rPrChange><w:rPr><w:vanish/></w:rPr></w:rPrChange>"),
    ];
    let hidden_box =
        format!("<w:r><w:rPr><w:vanish/></w:rPr>{TEXT_BOX}</w:r><w:r><w:t>Seen.</w:t></w:r>");
    for (body, expected) in [
        (
            r#"<w:r><w:t>Salt &amp; pep</w:t></w:r><w:r><w:t xml:space="preserve">per &#8212; </w:t></w:r>
            <w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:br/><w:t>next</w:t></w:r></w:p>
            <w:p/><w:p><w:r><w:instrText>PAGE</w:instrText><w:t>End.</w:t></w:r>"#,
            "Salt & pepper — \nnext\n\nEnd.",
        ),
        // A text box is read once and after its paragraph.
        (&boxes, "Before box. After it.\n\nInside the box.\n\nStill inside.\n\nNext."),
        (&hidden_box, "Seen."),
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
        (&visibility.concat(), "seen seen seen seen seen"),
        ("<w:r><w:t><![CDATA[Salt & <pepper>]]></w:t></w:r>", "Salt & <pepper>"),
        (
            "<w:r><w:ruby><w:rt><w:r><w:t>kan</w:t></w:r></w:rt>\
             <w:rubyBase><w:r><w:t>漢</w:t></w:r></w:rubyBase></w:ruby></w:r>",
            "漢",
        ),
    ] {
        assert_eq!(text_of(&format!("<w:p>{body}</w:p>")), expected, "{body}");
    }
}

#[test]
fn text_that_a_style_hides_is_not_read() {
    let styles = r#"<w:style w:type="character" w:styleId="S"><w:rPr><w:vanish/></w:rPr></w:style>
        <w:style w:type="paragraph" w:styleId="N"><w:rPr><w:vanish/></w:rPr></w:style>
        <w:style w:type="paragraph" w:styleId="M"><w:basedOn w:val="N"/></w:style>
        <w:style w:type="table" w:styleId="T"><w:rPr><w:vanish/></w:rPr></w:style>"#;
    let styled = |id: &str, runs: &str| {
        format!(r#"<w:p><w:pPr><w:pStyle w:val="{id}"/></w:pPr>{runs}</w:p>"#)
    };
    let body = [
        styled("N", &run("", "Hidden.")),
        styled("M", &(run("", "Hidden.") + &run(r#"<w:vanish w:val="0"/>"#, "Seen."))),
        format!(
            "<w:p>{}{}</w:p>",
            run(r#"<w:rStyle w:val="S"/>"#, "Hidden. "),
            run("", "And seen.")
        ),
        format!(
            r#"<w:tbl><w:tblPr><w:tblStyle w:val="T"/></w:tblPr><w:tr><w:tc>{}</w:tc></w:tr></w:tbl>"#,
            p("Hidden.")
        ),
        p("Last."),
    ];
    assert_eq!(Docx::new(&body.concat()).with_styles(styles).text(), "Seen. And seen.\n\nLast.");
    let defaults =
        "<w:docDefaults><w:rPrDefault><w:rPr><w:vanish/></w:rPr></w:rPrDefault></w:docDefaults>";
    let body = p("Hidden.") + &format!("<w:p>{}</w:p>", run(r#"<w:vanish w:val="0"/>"#, "Seen."));
    assert_eq!(Docx::new(&body).with_styles(defaults).text(), "Seen.");
}

#[test]
fn a_paragraph_whose_mark_is_deleted_or_hidden_goes_on() {
    let marked = |mark: &str, text: &str| {
        format!("<w:p><w:pPr><w:rPr>{mark}</w:rPr></w:pPr>{}</w:p>", run("", text))
    };
    for (mark, text) in [
        (r#"<w:del w:id="1"/>"#, "headline.\n\nNext."),
        (r#"<w:moveFrom w:id="1"/>"#, "headline.\n\nNext."),
        ("<w:vanish/><w:specVanish/>", "head line.\n\nNext."),
        (r#"<w:ins w:id="1"/>"#, "head\n\nline.\n\nNext."),
    ] {
        assert_eq!(text_of(&(marked(mark, "head") + &p("line.") + &p("Next."))), text, "{mark}");
    }
    assert_eq!(text_of(&marked("<w:del/>", "Last.")), "Last.");
    let row = |mark: &str| {
        format!("<w:tbl><w:tr><w:trPr>{mark}</w:trPr><w:tc>{}</w:tc></w:tr></w:tbl>", p("Row."))
    };
    for (mark, text) in [("<w:del/>", ""), ("<w:hidden/>", ""), ("<w:ins/>", "Row.\n\n")] {
        assert_eq!(text_of(&(row(mark) + &p("After."))), format!("{text}After."), "{mark}");
    }
    let cell = format!(
        "<w:tbl><w:tr><w:tc><w:tcPr><w:cellDel/></w:tcPr>{}</w:tc><w:tc>{}</w:tc></w:tr></w:tbl>",
        p("Gone."),
        p("Cell.")
    );
    assert_eq!(text_of(&cell), "Cell.");
}

#[test]
fn placeholders_are_left_out_and_choices_kept() {
    let control = |properties: &str, text: &str| {
        format!("<w:sdt><w:sdtPr>{properties}</w:sdtPr><w:sdtContent>{text}</w:sdtContent></w:sdt>")
    };
    let prompt = control("<w:showingPlcHdr/><w:text/>", &run("", "Click here."));
    let docx = Docx::new(&format!("<w:p>{}{prompt}{}</w:p>", run("", "Dear "), run("", "reader.")));
    assert_eq!(docx.text(), "Dear reader.");
    assert_eq!(docx.omitted(), [Omission::Placeholders]);
    let filled = control(r#"<w:showingPlcHdr w:val="0"/>"#, &p("Ann"));
    assert_eq!(text_of(&filled), "Ann");
    let list = r#"<w:p><w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList><w:result w:val="1"/>
        <w:listEntry w:val="Tea"/><w:listEntry w:val="Coffee"/></w:ddList></w:ffData></w:fldChar></w:r>
        <w:r><w:instrText>FORMDROPDOWN</w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>"#;
    assert_eq!(text_of(list), "Coffee");
}

fn field(instruction: &str, result: &str) -> String {
    let mark = |kind: &str| format!(r#"<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>"#);
    let instruction = format!("<w:r><w:instrText>{instruction}</w:instrText></w:r>");
    [&mark("begin"), instruction.as_str(), &mark("separate"), result, &mark("end")].concat()
}

#[test]
fn the_results_of_fields_are_read_but_not_a_table_of_contents() {
    let nested = field(" IF 1 = 1 ", &field("PAGEREF _1", &run("", "12")));
    assert_eq!(text_of(&format!("<w:p>{nested}</w:p>")), "12");
    let line = "</w:p><w:p>".to_owned() + &field("PAGEREF _1", &run("", "3")) + "</w:p><w:p>";
    let contents = field(r#"TOC \o "1-3""#, &(run("", "One") + &line + &run("", "Two")));
    let docx = Docx::new(&format!("<w:p>{contents}</w:p>{}", p("One.")));
    assert_eq!(docx.text(), "One.");
    assert_eq!(docx.omitted(), [Omission::Contents]);
    let gallery = r#"<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/>
        </w:docPartObj></w:sdtPr><w:sdtContent><w:p><w:r><w:t>Contents</w:t></w:r></w:p></w:sdtContent></w:sdt>"#;
    assert_eq!(text_of(&(gallery.to_owned() + &p("One."))), "One.");
    let simple =
        r#"<w:p><w:fldSimple w:instr="TOC \o"><w:r><w:t>One 3</w:t></w:r></w:fldSimple></w:p>"#;
    assert_eq!(text_of(&(simple.to_owned() + &p("One."))), "One.");
    let symbol = field(r#"SYMBOL 179 \f "Symbol""#, &run("", "\u{f0b3}"));
    assert_eq!(text_of(&format!("<w:p>{symbol}{}</w:p>", run("", " 5"))), "≥ 5");
    // A field that never ends hides nothing.
    let open = r#"<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r></w:p>"#.to_owned();
    assert_eq!(text_of(&(open + &p("Seen."))), "Seen.");
}

#[test]
fn a_merge_field_that_nobody_filled_in_is_a_placeholder() {
    let simple = |result: &str| {
        let run = run("", result);
        format!(r#"<w:fldSimple w:instr=" MERGEFIELD Name ">{run}</w:fldSimple>"#)
    };
    let split = run("", "«First") + &run("", "_Name»");
    for (name, is_filled) in [
        (field("MERGEFIELD First_Name", &split), false),
        (field("mergefield First_Name", &run("", "Ann")), true),
        (simple("«Name»"), false),
        (simple("Ann"), true),
    ] {
        let docx =
            Docx::new(&format!("<w:p>{}{name}{}</w:p>", run("", "Dear"), run("", ", hello.")));
        assert_eq!(
            docx.text(),
            if is_filled { "DearAnn, hello." } else { "Dear, hello." },
            "{name}"
        );
        let omitted = if is_filled { vec![] } else { vec![Omission::Placeholders] };
        assert_eq!(docx.omitted(), omitted, "{name}");
    }
    // A quotation is no placeholder.
    assert_eq!(text_of(&p("«Bonjour»")), "«Bonjour»");
}

#[test]
fn a_document_that_is_read_twice_has_the_limit_of_one() {
    let open = r#"<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r></w:p>"#.to_owned();
    let bytes = Docx::new(&(open + &"<w:p></w:p>".repeat(8_000) + &p("Seen."))).bytes();
    let mut limit = UnpackLimit { bytes: 100_000, ..UnpackLimit::default() };
    let (text, _) = document(Cursor::new(bytes), &mut limit).unwrap();
    assert_eq!(text, "Seen.");
}

#[test]
fn an_archive_that_claims_too_many_entries_is_not_opened() {
    let whole = Docx::new(&p("Seen.")).bytes();
    let record = whole.len() - 22;
    assert_eq!(whole[record..][..4], *b"PK\x05\x06");
    // The number of entries; the length and the position of their list, which stand elsewhere.
    for (at, bytes) in
        [(8, &[0x40, 0x9C, 0x40, 0x9C][..]), (8, &[0xFF; 4]), (12, &[0xFF; 4]), (16, &[0xFF; 4])]
    {
        let mut changed = whole.clone();
        changed[record + at..][..4].copy_from_slice(bytes);
        let error = read_bytes(&changed).unwrap_err();
        assert_eq!(error, MessageValue::Term(speak::NOT_DOCX), "{at}");
    }
    for bytes in [&b""[..], b"P", b"PK\x05\x06"] {
        assert!(read_bytes(bytes).is_err());
    }
}

#[test]
fn symbols_are_characters_and_unknown_ones_are_reported() {
    let symbol =
        |font: &str, code: &str| format!(r#"<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>"#);
    let paragraph = |runs: &str| Docx::new(&format!("<w:p>{runs}</w:p>"));
    for (runs, text) in [
        (symbol("Symbol", "F061") + &run("", " = ") + &symbol("Symbol", "F0B1"), "α = ±"),
        (symbol("Wingdings", "F0E0") + &symbol("Wingdings", "FC"), "→✓"),
        (symbol("Calibri", "2022"), "•"),
        (run(r#"<w:rFonts w:ascii="Wingdings"/>"#, "\u{f0e0}"), "→"),
        (run("", "20 \u{f0b0}C"), "20 °C"),
    ] {
        assert_eq!(paragraph(&runs).text(), text, "{runs}");
        assert!(paragraph(&runs).omitted().is_empty(), "{runs}");
    }
    let unknown = paragraph(&(run("", "Our logo ") + &symbol("Company", "F041")));
    assert_eq!((unknown.text().as_str(), unknown.omitted()), ("Our logo", vec![Omission::Symbols]));
}

#[test]
fn raised_numbers_are_powers_and_raised_letters_plain() {
    let raised = |text: &str| run(r#"<w:vertAlign w:val="superscript"/>"#, text);
    for (before, up, text) in [
        ("10", "6", "10⁶"),
        ("10", "-3", "10⁻³"),
        ("10", "\u{2212}12", "10⁻¹²"),
        ("x", "n", "xⁿ"),
        ("5 m", "2", "5 m²"),
        ("the 1", "st", "the 1st"),
        ("la 2", "a", "la 2ª"),
        ("Nemo", "TM", "Nemo™"),
        ("10", "(2)", "10⁽²⁾"),
        ("5 mol", "-1", "5 mol⁻¹"),
        ("sin", "2", "sin²"),
        ("O", "2-", "O²⁻"),
        ("20", "oC", "20°C"),
        // The number of a note.
        ("Coffee is old.", "3", "Coffee is old."),
        ("”", "12", "”"),
        ("old.", "1,2", "old."),
        ("old.", "[3]", "old."),
        ("old.", "1–3", "old."),
        ("old", "*", "old"),
        ("in 1999", "1, 2", "in 1999"),
        ("Smith", "1", "Smith"),
    ] {
        let body = format!("<w:p>{}{}</w:p>", run("", before), raised(up));
        assert_eq!(text_of(&body), text);
    }
    let degrees = [run("", "20"), raised("o"), run("", "C, the 1"), raised("o"), run("", " Cup")];
    assert_eq!(text_of(&format!("<w:p>{}</w:p>", degrees.concat())), "20°C, the 1º Cup");
    let lowered = run(r#"<w:vertAlign w:val="subscript"/>"#, "2");
    for (before, text) in [("5", "5 1/2"), ("add ", "add 1/2")] {
        let body = [run("", before), raised("1"), run("", "/"), lowered.clone(), run("", " cup")];
        assert_eq!(text_of(&format!("<w:p>{}</w:p>", body.concat())), format!("{text} cup"));
    }
    let style = r#"<w:style w:type="character" w:styleId="Up"><w:rPr><w:vertAlign w:val="superscript"/></w:rPr></w:style>"#;
    let body = format!("<w:p>{}{}</w:p>", run("", "2"), run(r#"<w:rStyle w:val="Up"/>"#, "8"));
    assert_eq!(Docx::new(&body).with_styles(style).text(), "2⁸");
}

#[test]
fn what_cannot_be_spoken_is_left_out_and_reported() {
    let math =
        "<w:p><m:oMathPara><m:oMath><m:r><m:t>E=mc</m:t></m:r></m:oMath></m:oMathPara></w:p>";
    let ole = |program: &str| {
        format!(r#"<w:p><w:r><w:object><o:OLEObject ProgID="{program}"/></w:object></w:r></w:p>"#)
    };
    let chart = "<w:p><w:r><w:drawing><c:chart r:id=\"r9\"/></w:drawing></w:r></w:p>";
    for (body, omission) in [
        (math, Omission::Equations),
        (&ole("Equation.DSMT4"), Omission::Equations),
        (&ole("Excel.Sheet.12"), Omission::Objects),
        (chart, Omission::Objects),
        (&format!("<w:p>{}</w:p>", run("<w:strike/>", "old")), Omission::StruckText),
        (&format!("<w:p>{}</w:p>", run("<w:dstrike/>", "old")), Omission::StruckText),
    ] {
        let docx = Docx::new(&(p("Seen.") + body));
        assert_eq!((docx.text().as_str(), docx.omitted()), ("Seen.", vec![omission]), "{body}");
    }
    let kept = format!("<w:p>{}</w:p>", run(r#"<w:strike w:val="0"/>"#, "kept"));
    assert_eq!(text_of(&kept), "kept");
}

#[test]
fn an_inserted_file_is_read_or_named_in_the_error() {
    let docx = Docx::new(&format!(r#"{}<w:altChunk r:id="r0"/>{}"#, p("Before."), p("After.")));
    let inner = Docx::new(&(p("Inside.") + "<w:p><m:oMath/></w:p>"));
    let utf16: Vec<u8> =
        "\u{feff}<html><p>Inside.".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, content) in [
        ("a.html", &b"<html><p>Inside.</p></html>"[..]),
        ("a.htm", b"<p>In<b>side</b>.</p>"),
        ("a.xhtml", b"<?xml version=\"1.0\"?><html><body>Inside.</body></html>"),
        ("a.dat", &utf16),
        ("a.txt", b"Inside."),
        ("a.docx", &inner.bytes()),
    ] {
        let docx = docx.clone().with_chunk(name, content);
        assert_eq!(docx.text(), "Before.\n\nInside.\n\nAfter.", "{name}");
        assert_eq!(docx.omitted().len(), usize::from(name == "a.docx"), "{name}");
    }
    for (name, content, reason) in [
        ("a.rtf", &b"{\\rtf1 Inside.}"[..], "an RTF document"),
        ("a.mht", b"MIME-Version: 1.0", "an MHT web archive"),
        ("a.dat", b"From: Word\r\nmime-version: 1.0\r\n\r\n<html>", "an MHT web archive"),
        ("a.bin", b"Hello.", "a file of an unknown format"),
        ("a.xml", b"<?xml version=\"1.0\"?><pkg:package/>", "an XML document"),
        ("a.html", b"caf\xE9", "windows-1252"),
    ] {
        let error = docx.clone().with_chunk(name, content).error();
        assert!(error.contains(reason), "{name}: {error}");
    }
    assert!(docx.error().contains("missing"), "{}", docx.error());
    let external = r#"<Relationships><Relationship Id="r0" TargetMode="External" Target="a.docx"
        Type="http://purl.oclc.org/ooxml/officeDocument/relationships/subDocument"/></Relationships>"#;
    let master = Docx::new(r#"<w:p><w:subDoc r:id="r0"/></w:p>"#)
        .with("word/_rels/document.xml.rels", external);
    assert!(master.error().contains("missing"), "{}", master.error());
    // A file that the text does not use is no reason for an error.
    assert_eq!(Docx::new(&p("Seen.")).with_chunk("a.rtf", "{\\rtf1 x}").text(), "Seen.");
}

#[test]
fn headings_are_those_of_markdown() {
    let paragraph = |properties: &str, text: &str| {
        format!("<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
    };
    let styled = |id: &str, more: &str| format!(r#"<w:pStyle w:val="{id}"/>{more}"#);
    let level = |level: u8| format!(r#"<w:outlineLvl w:val="{level}"/>"#);
    let styles = r#"<w:style w:type="paragraph" w:styleId="1"><w:name w:val="heading 1"/></w:style>
        <w:style w:type="paragraph" w:styleId="8"><w:pPr><w:outlineLvl w:val="7"/></w:pPr></w:style>
        <w:style w:type="paragraph" w:styleId="T"><w:name w:val="Title"/></w:style>"#;
    let body = [
        paragraph(&styled("T", ""), "The book"),
        paragraph(&styled("1", ""), "The sky</w:t><w:br/><w:t>at last"),
        paragraph("", "It is blue."),
        paragraph(&styled("8", ""), "Deep"),
        paragraph(&level(1), "Alone"),
        paragraph(&styled("1", &level(9)), "Text"),
        paragraph(&format!("<w:pPrChange><w:pPr>{}</w:pPr></w:pPrChange>", level(1)), "Text"),
        paragraph(&styled("1", ""), ""),
        paragraph(&styled("Heading2", ""), "Built in"),
        // A run-in heading is part of its paragraph.
        paragraph(&styled("1", "<w:rPr><w:specVanish/></w:rPr>"), "Run in."),
        paragraph("", "More."),
    ];
    let docx = Docx::new(&body.concat()).with_styles(styles);
    let right = "The book\n\n# The sky at last\n\nIt is blue.\n\n###### Deep\n\n## Alone\n\nText\n\n\
                 Text\n\n## Built in\n\nRun in. More.";
    assert_eq!(docx.text(), right);
    let html =
        "<h1>One<br>two</h1><p>Text<h2><p>Three</p><p>Four</p></h2><h3> </h3>Five<h1>Six<p>Seven";
    let html = Docx::new(r#"<w:altChunk r:id="r0"/>"#).with_chunk("a.html", html);
    assert_eq!(html.text(), "# One two\n\nText\n\n## Three\n\nFour\n\nFive\n\n# Six\n\nSeven");
}

#[test]
fn numbers_follow_the_lists_of_the_document() {
    let numbering = r#"<w:numbering><w:abstractNum w:abstractNumId="3">
        <w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:pStyle w:val="H"/><w:lvlText w:val="%1."/></w:lvl>
        <w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%2)"/></w:lvl>
        <w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="bullet"/><w:lvlText w:val="•"/></w:lvl>
        </w:abstractNum><w:num w:numId="4"><w:abstractNumId w:val="3"/></w:num></w:numbering>"#;
    let styles = r#"<w:styles><w:style w:type="paragraph" w:styleId="H"><w:pPr><w:numPr><w:numId w:val="4"/></w:numPr></w:pPr></w:style>
        <w:style w:type="paragraph" w:styleId="K"><w:basedOn w:val="H"/></w:style></w:styles>"#;
    let relationships =
        rels(&[(STRICT, "styles", "styles.xml"), (STRICT, "numbering", "numbering.xml")]);
    let item = |properties: &str, text: &str| {
        format!("<w:p><w:pPr>{properties}</w:pPr>{}</w:p>", run("", text))
    };
    let level =
        |level: u8| format!(r#"<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="4"/></w:numPr>"#);
    let deleted = "<w:rPr><w:del/></w:rPr>";
    let body = [
        item(r#"<w:pStyle w:val="H"/>"#, "Heading"),
        item(&level(1), "item"),
        // An empty item counts, and a deleted one does not.
        item(&level(1), ""),
        item(&(level(1) + deleted), ""),
        item(&(level(1) + deleted), "joi"),
        item(&level(1), "ned"),
        item(&level(2), "bullet"),
        item(r#"<w:pStyle w:val="K"/>"#, "Heading"),
        item(&level(1), "item"),
        item(r#"<w:pStyle w:val="H"/><w:numPr><w:numId w:val="0"/></w:numPr>"#, "none"),
    ];
    let docx = Docx::new(&body.concat())
        .with("word/_rels/document.xml.rels", relationships)
        .with("word/styles.xml", styles)
        .with("word/numbering.xml", numbering);
    let right = "I: Heading\n\na: item\n\nc: joined\n\nbullet\n\nII: Heading\n\na: item\n\nnone";
    assert_eq!(docx.text(), right);
}

#[test]
fn hostile_documents_are_errors_within_the_limits() {
    let long = "x".repeat(1 << 20);
    let company = r#"<w:r><w:rPr><w:rFonts w:ascii="Company"/></w:rPr>"#;
    let many = |content: &str, times: usize| Docx::new(&content.repeat(times));
    let entries = (0..5_000).fold(Docx(Vec::new()), |mut docx, index| {
        docx.0.push((format!("word/{index}"), Vec::new()));
        docx
    });
    for (name, docx) in [
        ("text", many(&p(&long), 5)),
        ("depth", many("<w:r>", 300)),
        ("fields", many(r#"<w:r><w:fldChar w:fldCharType="begin"/></w:r>"#, 200)),
        ("tag", many(&format!("<w:p a=\"{}\"/>", long.repeat(5)), 1)),
        ("chunks", many(r#"<w:altChunk r:id="r0"/>"#, 9).with_chunk("a.txt", &long)),
        ("entries", entries),
        // Each character is looked up, though none is spoken.
        ("symbols", many(&p(&"\u{f041}".repeat(350_000)).replace("<w:r>", company), 5)),
    ] {
        assert!(docx.read().is_err(), "{name}");
    }
    let mut limit = UnpackLimit { bytes: 100_000, ..UnpackLimit::default() };
    let markup = many("<w:p></w:p>", 20_000).bytes();
    let error = document(Cursor::new(markup), &mut limit).unwrap_err();
    assert_eq!(error, MessageValue::Term(speak::TEXT_TOO_LONG));
    assert_eq!(limit.bytes, 0);
    // A document within itself ends at some depth.
    let mut inner = Docx::new(&p("Inside."));
    for _ in 0..5 {
        inner = Docx::new(r#"<w:altChunk r:id="r0"/>"#).with_chunk("a.docx", inner.bytes());
    }
    assert!(inner.error().contains("ZIP"), "{}", inner.error());
}

#[test]
fn a_document_cut_or_changed_anywhere_gives_a_result_or_an_error() {
    for entry in std::fs::read_dir(cases("docx")).unwrap() {
        let mut bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for end in 0..bytes.len() {
            let _ = read_bytes(&bytes[..end]);
        }
        for at in 0..bytes.len() {
            let byte = bytes[at];
            bytes[at] = byte ^ 1 << (at % 8);
            let _ = read_bytes(&bytes);
            bytes[at] = byte;
        }
    }
}

#[test]
fn the_parts_of_a_document_changed_anywhere_give_a_result_or_an_error() {
    let lists = std::fs::read(cases("docx").join("auto-numbers.docx")).unwrap();
    let hidden = std::fs::read(cases("docx").join("hidden-by-style.docx")).unwrap();
    for case in [lists, hidden] {
        let mut archive = zip::ZipArchive::new(Cursor::new(case)).unwrap();
        let mut docx = Docx(Vec::new());
        for index in 0..archive.len() {
            let mut part = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            part.read_to_end(&mut content).unwrap();
            docx.0.push((part.name().unwrap().into_owned(), content));
        }
        for part in 0..docx.0.len() {
            for at in 0..docx.0[part].1.len() {
                let byte = docx.0[part].1[at];
                docx.0[part].1[at] = byte ^ 1 << (at % 7);
                let _ = docx.read();
                docx.0[part].1[at] = byte;
            }
        }
    }
}

#[test]
fn each_text_file_is_read_or_its_error_says_why() {
    let right = [
        ("UPPER.TXT", "Hello there."),
        ("utf16le-nobom-ascii.txt", "Hello there.\n"),
        ("utf8-bom.txt", "It’s a café — “naïve” façade for €5.\r\nSecond line.\r\n"),
    ];
    for (name, text) in right {
        assert_eq!(read(&cases("txt").join(name), name).unwrap().text, text, "{name}");
    }
    for (name, english, chinese) in [
        ("gbk.txt", "looks like gbk", "看起来是 gbk 编码"),
        ("rtf-named.txt", "it is an RTF document", "它是RTF 文档"),
        ("html-named.txt", "it is an HTML document", "它是HTML 文档"),
        ("nul-end.txt", "neither UTF-8 nor UTF-16", "不是 UTF-8"),
        ("ansi.txt", "neither UTF-8 nor UTF-16", "不是 UTF-8"),
    ] {
        let error = read(&cases("txt").join(name), name).unwrap_err();
        let text = |language| error.reply.text(language);
        assert!(text(Language::English).contains(english), "{}", text(Language::English));
        assert!(text(Language::Chinese).contains(chinese), "{}", text(Language::Chinese));
        assert!(text(Language::English).contains(name));
    }
}

#[test]
fn another_format_under_the_name_of_a_document_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stored.docx");
    for (bytes, format) in [
        (&b"%PDF-1.7"[..], "it is a PDF document"),
        (b"{\\rtf1 Hello}", "it is an RTF document"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "old or encrypted Office document"),
        (b"Hello there.", "it is no DOCX"),
        (b"", "it is no DOCX"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let text = read(&path, "talk.docx").unwrap_err().reply.text(Language::English);
        assert!(text.contains(format) && text.contains("talk.docx"), "{text}");
        assert!(!text.contains("stored"), "{text}");
    }
}
