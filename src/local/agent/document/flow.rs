//! Paragraphs in sequence: where one ends, and what stands in front of it or beside it.

use std::mem;

use super::numbering::{ListCounters, ListPosition, ListReference};

/// The mark at the end of a paragraph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mark {
    #[default]
    Shown,
    /// The next paragraph continues this one.
    Hidden,
    /// As hidden, but within a word.
    Deleted,
}

/// Paragraphs in sequence: those of the document, or of a text box.
#[derive(Debug, Default)]
pub(super) struct TextFlow {
    pub(super) paragraphs: String,
    pub(super) paragraph: String,
    /// The text boxes anchored in the paragraph. They stand beside it, so they are read after it.
    pub(super) boxes: String,
    pub(super) style: Option<String>,
    pub(super) list: ListReference,
    pub(super) mark: Mark,
    /// The list position of the paragraph that the current one continues.
    continued: Option<Option<ListPosition>>,
}

impl TextFlow {
    pub(super) fn begin_paragraph(&mut self) {
        self.style = None;
        self.list = ListReference::default();
        self.mark = Mark::Shown;
    }

    pub(super) fn end_paragraph(&mut self, lists: &mut ListCounters<'_>) {
        let position = lists.position(self.list, self.style.as_deref());
        if self.mark == Mark::Shown {
            self.flush(self.continued.unwrap_or(position), lists);
        } else if !self.paragraph.trim().is_empty() {
            self.continued.get_or_insert(position);
            if self.mark == Mark::Hidden && !self.paragraph.ends_with(char::is_whitespace) {
                self.paragraph.push(' ');
            }
        }
        self.begin_paragraph();
    }

    /// Ends a sequence of paragraphs, the last of which continues in nothing.
    pub(super) fn end(&mut self, lists: &mut ListCounters<'_>) {
        if let Some(position) = self.continued {
            self.flush(position, lists);
        }
        self.flush(None, lists);
    }

    fn flush(&mut self, position: Option<ListPosition>, lists: &mut ListCounters<'_>) {
        self.continued = None;
        let text = mem::take(&mut self.paragraph);
        let text = text.trim();
        let label = position.and_then(|position| lists.next(position, !text.is_empty()));
        if !text.is_empty() {
            if let Some(label) = label {
                self.paragraphs.push_str(&label);
                self.paragraphs.push(' ');
            }
            self.push_paragraph(text);
        }
        let boxes = mem::take(&mut self.boxes);
        self.push_paragraph(boxes.trim());
    }

    pub(super) fn push_paragraph(&mut self, text: &str) {
        if !text.is_empty() {
            self.paragraphs.push_str(text);
            self.paragraphs.push_str("\n\n");
        }
    }
}
