//! The rows as text for a terminal.

use unicode_width::UnicodeWidthStr;

use super::axis;
use super::columns::cut;
use super::rows::{self, Block, Least, Rows, Scale};
use crate::draft::language::Language;
use crate::draft::model::{Draft, Track};
use crate::draft::summary::Label;

/// No narrower, where there is no telling anything, and no wider than any screen.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=1000;
/// The most columns for what a track is; the names of tracks are in their segments.
const LABEL: usize = 18;
/// Columns for one mark and the space to the next.
const MARK: u32 = 9;

/// What is narrower than its two ends is drawn with neighbours like it.
const LEAST: Least = Least { alone: 2, mark: 1 };

pub(super) fn draw(draft: &Draft, width: usize, language: Language) -> String {
    let width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
    let labels: Vec<String> = draft.tracks().map(|track| label(track, language)).collect();
    let margin = labels.iter().map(|label| label.width()).max().unwrap_or_default() + 2;
    let margin = margin.min(LABEL);
    let cells = u32::try_from(width - margin).unwrap_or(u32::MAX);
    let rows = Rows::of(draft, cells, LEAST);
    let mut out = axis(Scale { length: rows.length, cells }, margin);
    for (row, label) in rows.rows.iter().zip(labels) {
        let label = cut(&label, margin - 1);
        let mut line = blank(margin - label.width());
        line.insert_str(0, &label);
        let mut at = 0;
        for block in &row.blocks {
            line += &blank((block.from - at) as usize);
            line += &bar(block, language);
            at = block.to;
        }
        if row.blocks.is_empty() {
            line += language.aside(language.empty()).trim_start();
        }
        out += line.trim_end();
        out.push('\n');
    }
    if rows.more > 0 {
        out += &language.more_tracks(rows.more);
        out.push('\n');
    }
    out
}

fn label(track: Track<'_>, language: Language) -> String {
    let label = Label::of(track);
    let name = language.track(label);
    match rows::volume(track, label) {
        Some(volume) => format!("{name} {}", language.percent(volume)),
        None => name,
    }
}

fn axis(scale: Scale, margin: usize) -> String {
    let mut line = blank(margin);
    let room = MARK.max(axis::widest(scale.length) + 1);
    for mark in axis::marks(scale.length, scale.cells / room) {
        let label = axis::label(mark, scale.length);
        // The one at the very end has no room behind it.
        let at =
            (scale.cell(mark) as usize).min((scale.cells as usize).saturating_sub(label.len()));
        if mark.is_zero() || margin + at > line.len() {
            line += &blank((margin + at).saturating_sub(line.len()));
            line += &label;
        }
    }
    line + "\n"
}

fn blank(columns: usize) -> String {
    " ".repeat(columns)
}

/// `┣ Hello ━━━━━┫`, `┣━┫`, `■`.
fn bar(block: &Block, language: Language) -> String {
    let cells = (block.to - block.from) as usize;
    let words = block.told(language);
    let (open, close, fill) =
        if block.is_many() { ("▐", "▌", "▒") } else { ("┣", "┫", "━") };
    let bare = |inside: &str, left: usize| format!("{open}{inside}{}{close}", fill.repeat(left));
    match cells {
        1 if block.is_many() => "▒".to_owned(),
        1 => "■".to_owned(),
        // Fewer would not show a word.
        2..=5 => bare("", cells - 2),
        _ if words.is_empty() => bare("", cells - 2),
        // Every column counts.
        6..=11 => {
            let words = cut(&words, cells - 2);
            bare(&words, cells - 2 - words.width())
        }
        _ => {
            let words = cut(&words, cells - 4);
            bare(&format!(" {words} "), cells - 4 - words.width())
        }
    }
}
