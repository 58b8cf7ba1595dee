//! Fields: parts of a document that a program fills in, such as a date or a table of contents. The
//! page shows their result; a few have none in the text, or one that is not read.

use quick_xml::events::BytesStart;

use super::Omission;
use super::package::attribute;

/// The longest instruction that is looked at.
const MAX_INSTRUCTION_BYTES: usize = 1000;
/// The entries of a drop-down list; Word allows 25.
const MAX_ENTRIES: usize = 100;

/// What a field adds to the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FieldResult {
    /// Its content, which is part of the document.
    Content,
    /// A character of a symbol font.
    Symbol { font: String, code: u32 },
    /// A text that is no content.
    Text(String),
    /// Nothing, for a reason that matters to the user or not.
    Omitted(Option<Omission>),
}

impl FieldResult {
    pub(super) fn of(instruction: &str) -> Self {
        let mut words = instruction.split_whitespace();
        match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "TOC" | "TOA" | "INDEX" => Self::Omitted(Some(Omission::Contents)),
            "EQ" => Self::Omitted(Some(Omission::Equations)),
            "MACROBUTTON" | "GOTOBUTTON" => Self::Omitted(Some(Omission::Placeholders)),
            // The number of a note.
            "NOTEREF" => Self::Omitted(None),
            "SYMBOL" => {
                let code = words.next().unwrap_or_default();
                let code = match code.strip_prefix("0x") {
                    Some(digits) => u32::from_str_radix(digits, 16),
                    None => code.parse(),
                };
                let font = instruction.split("\\f").nth(1).unwrap_or_default().trim_start();
                let font = match font.strip_prefix('"') {
                    Some(quoted) => quoted.split('"').next(),
                    None => font.split_whitespace().next(),
                };
                let font = font.unwrap_or_default().to_owned();
                Self::Symbol { font, code: code.unwrap_or_default() }
            }
            _ => Self::Content,
        }
    }
}

/// Returns whether a field is to be filled in from a list of recipients.
pub(super) fn is_merge_field(instruction: &str) -> bool {
    let name = instruction.split_whitespace().next().unwrap_or_default();
    let fields = ["MERGEFIELD", "ADDRESSBLOCK", "GREETINGLINE"];
    fields.iter().any(|field| field.eq_ignore_ascii_case(name))
}

/// Returns whether the result of such a field is only its name, within the marks of Word or of
/// LibreOffice: nobody has filled it in.
pub(super) fn is_unfilled(result: &str) -> bool {
    let result = result.trim();
    let is_within = |start: char, end: char| result.starts_with(start) && result.ends_with(end);
    result.chars().count() > 2 && (is_within('«', '»') || is_within('<', '>'))
}

/// A field that has begun.
#[derive(Debug, Default)]
pub(super) struct Field {
    instruction: String,
    /// Set once the instruction is complete.
    result: Option<FieldResult>,
    /// The entries of a drop-down list.
    entries: Vec<String>,
    entry: usize,
    /// Where its result begins in the paragraph, if it is to be filled in from a list.
    pub(super) merged_at: Option<usize>,
}

impl Field {
    pub(super) fn push_instruction(&mut self, text: &str) {
        if self.result.is_none() && self.instruction.len() + text.len() <= MAX_INSTRUCTION_BYTES {
            self.instruction.push_str(text);
        }
    }

    /// Takes over a child of `w:ffData`.
    pub(super) fn set(&mut self, tag: &BytesStart<'_>) {
        let Some(value) = attribute(tag, "val") else { return };
        match tag.local_name().as_ref() {
            "listEntry" if self.entries.len() < MAX_ENTRIES => self.entries.push(value),
            "result" | "default" => self.entry = value.parse().unwrap_or(0),
            _ => {}
        }
    }

    /// Ends the instruction, and returns what the text is without for it. The result begins at a
    /// position in the paragraph.
    pub(super) fn separate(&mut self, at: usize) -> Option<Omission> {
        if self.result.is_some() {
            return None;
        }
        self.merged_at = is_merge_field(&self.instruction).then_some(at);
        let result = FieldResult::of(&self.instruction);
        let omission = match &result {
            FieldResult::Omitted(omission) => *omission,
            _ => None,
        };
        self.result = Some(result);
        omission
    }

    /// Whether what is within the field at this point is on the page.
    pub(super) fn shows_content(&self) -> bool {
        self.result == Some(FieldResult::Content)
    }

    pub(super) fn into_result(mut self) -> FieldResult {
        let is_list = self.instruction.trim_start().starts_with("FORMDROPDOWN");
        if is_list && self.entry < self.entries.len() {
            return FieldResult::Text(self.entries.swap_remove(self.entry));
        }
        self.result.unwrap_or(FieldResult::Content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instruction_decides_what_is_read() {
        let symbol = |font: &str, code| FieldResult::Symbol { font: font.to_owned(), code };
        for (instruction, result) in [
            (" DATE \\@ \"d\" ", FieldResult::Content),
            ("PAGEREF _Toc1 \\h", FieldResult::Content),
            ("toc \\o \"1-3\"", FieldResult::Omitted(Some(Omission::Contents))),
            ("EQ \\f(1,2)", FieldResult::Omitted(Some(Omission::Equations))),
            ("SYMBOL 179 \\f \"Symbol\" \\s 11", symbol("Symbol", 179)),
            ("SYMBOL 0xE0 \\f Wingdings", symbol("Wingdings", 0xE0)),
            ("", FieldResult::Content),
        ] {
            assert_eq!(FieldResult::of(instruction), result, "{instruction}");
        }
    }

    #[test]
    fn a_merge_field_that_shows_its_name_is_not_filled_in() {
        assert!(is_merge_field(" mergefield First_Name \\* MERGEFORMAT"));
        assert!(!is_merge_field("REF MERGEFIELD") && !is_merge_field(""));
        for (result, expected) in [
            ("«First_Name»", true),
            (" <City> ", true),
            ("Ann", false),
            ("«Ann» Lee", false),
            ("»", false),
            ("", false),
        ] {
            assert_eq!(is_unfilled(result), expected, "{result}");
        }
    }
}
