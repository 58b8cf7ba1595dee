//! The rows as text for a terminal.

use unicode_width::UnicodeWidthStr;

use super::{
    Least, Rows, Scale, SegmentBlock, cut, mark_label, marks, more_tracks, volume, widest_label,
};
use crate::draft::model::{Draft, Track};
use crate::draft::summary::{Language, TrackLabel};

/// From the narrowest legible timeline to the width of any screen.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=1000;
/// Columns for the label of a track, at most; its name is in its segments.
const LABEL: usize = 18;
/// Columns for one mark and the space to the next.
const MARK: u32 = 9;

/// Segments narrower than their two ends are drawn with such neighbours.
const LEAST: Least = Least { alone: 2, mark: 1 };

pub(super) fn draw(draft: &Draft, width: usize, language: Language) -> String {
    let width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
    let labels: Vec<String> = draft.tracks().map(|track| label(track, language)).collect();
    let margin = labels.iter().map(|label| label.width()).max().unwrap_or_default() + 2;
    let margin = margin.min(LABEL);
    let cells = u32::try_from(width - margin).unwrap_or(u32::MAX);
    let rows = Rows::of(draft, cells, LEAST);
    let mut out = axis(rows.scale, margin);
    for (row, label) in rows.rows.iter().zip(labels) {
        let label = cut(&label, margin - 1);
        let mut line = label.clone() + &blank(margin - label.width());
        let mut at = 0;
        for block in &row.blocks {
            line += &blank((block.from - at) as usize);
            line += &bar(block, language);
            at = block.to;
        }
        if row.blocks.is_empty() {
            line += language.parenthesized(language.empty()).trim_start();
        }
        out += line.trim_end();
        out.push('\n');
    }
    if rows.more > 0 {
        out += &more_tracks(rows.more, language);
        out.push('\n');
    }
    out
}

fn label(track: Track<'_>, language: Language) -> String {
    let label = TrackLabel::of(track);
    let name = language.track_name(label);
    match volume(track, label) {
        Some(volume) => format!("{name} {}", language.percent(volume)),
        None => name,
    }
}

fn axis(scale: Scale, margin: usize) -> String {
    let mut line = blank(margin);
    let room = MARK.max(widest_label(scale.length) + 1);
    for mark in marks(scale.length, scale.cells / room) {
        let label = mark_label(mark, scale.length);
        // The label at the very end has no room behind its mark.
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

/// Draws `┣ Hello ━━━━━┫`, `┣━┫` or `■`.
fn bar(block: &SegmentBlock, language: Language) -> String {
    let cells = (block.to - block.from) as usize;
    let caption = block.describe(language);
    let (open, close, fill) =
        if block.is_many() { ("▐", "▌", "▒") } else { ("┣", "┫", "━") };
    let bar = |inside: &str, left: usize| format!("{open}{inside}{}{close}", fill.repeat(left));
    match cells {
        1 if block.is_many() => "▒".to_owned(),
        1 => "■".to_owned(),
        // Fewer columns would not show a word.
        2..=5 => bar("", cells - 2),
        _ if caption.is_empty() => bar("", cells - 2),
        // No column is left for spaces.
        6..=11 => {
            let caption = cut(&caption, cells - 2);
            bar(&caption, cells - 2 - caption.width())
        }
        _ => {
            let caption = cut(&caption, cells - 4);
            bar(&format!(" {caption} "), cells - 4 - caption.width())
        }
    }
}
