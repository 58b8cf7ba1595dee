//! The rows as SVG.

use std::fmt::{self, Write};

use super::{
    Least, PictureStyle, PictureTheme, Row, Rows, Scale, SegmentBlock, cut, mark_label, marks,
    more_tracks, widest_label,
};
use crate::draft::model::Draft;
use crate::draft::summary::TrackLabel;

const MARGIN: u32 = 24;
/// Room for the labels of the tracks.
const LABELS: u32 = 132;
const LABEL_GAP: u32 = 8;
/// The heading and the axis.
const HEAD: u32 = 84;
const ROW: u32 = 38;
const GAP: u32 = 10;
/// Room for one mark of the axis.
const MARK: u32 = 72;
/// Narrower segments are drawn as one with such neighbours; a mark is two pixels and a gap.
const LEAST: Least = Least { alone: 4, mark: 3 };
/// A caption cut to fewer letters is useless.
const LEGIBLE: usize = 4;
/// Between the edge of a segment and its caption.
const PADDING: u32 = 7;
/// Average width of a letter, in tenths of a pixel: of captions, and of the larger names of tracks.
/// Wider text is clipped.
const LETTER: u32 = 64;
const LARGE_LETTER: u32 = 80;
/// Greatest width of a digit, in pixels.
const DIGIT: u32 = 7;

/// Colours of both themes; white on any of these has a contrast of at least 4.5.
const KINDS: &str = ".nv-video{fill:#2563eb}.nv-voice{fill:#0f766e}.nv-music{fill:#7c3aed}\
.nv-audio{fill:#0369a1}.nv-captions{fill:#b45309}.nv-title{fill:#be185d}.nv-text{fill:#9f1239}\
.nv-other{fill:#475569}.nv-words{fill:#fff;font-size:11px}\
.nv-name{font-size:13px;font-weight:600}.nv-small{font-size:11px}.nv-head{font-size:17px;font-weight:700}";
const LIGHT: &str = ".nv-page{fill:#fff;stroke:#e2e8f0}.nv-lane{fill:#f1f5f9}.nv-grid{stroke:#dbe2ea}\
.nv-head,.nv-name{fill:#0f172a}.nv-small{fill:#64748b}";
const DARK: &str = ".nv-page{fill:#0f172a;stroke:#273449}.nv-lane{fill:#1a2539}.nv-grid{stroke:#2c3a52}\
.nv-head,.nv-name{fill:#f1f5f9}.nv-small{fill:#94a3b8}";
const FONT: &str = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Noto Sans CJK SC','PingFang SC',\
'Microsoft YaHei',sans-serif";

pub(super) fn draw(draft: &Draft, style: &PictureStyle) -> String {
    let mut out = String::new();
    // Writing to a `String` never fails.
    let _ = Drawing::of(draft, style).write(&mut out);
    out
}

struct Drawing<'s> {
    style: &'s PictureStyle,
    rows: Rows,
    /// Duration and aspect ratio of the video.
    facts: String,
}

impl<'s> Drawing<'s> {
    fn of(draft: &Draft, style: &'s PictureStyle) -> Self {
        let cells = style.width - 2 * MARGIN - LABELS;
        let rows = Rows::of(draft, cells, LEAST);
        let mut facts = style.language.time(draft.duration());
        if let Some(aspect) = draft.aspect() {
            facts = format!("{facts} · {aspect}");
        }
        Self { style, rows, facts }
    }

    fn write(&self, out: &mut impl Write) -> fmt::Result {
        let language = self.style.language;
        let width = self.style.width;
        let lines = u32::try_from(self.rows.rows.len()).unwrap_or(u32::MAX);
        let bottom = HEAD + lines * (ROW + GAP);
        let height = bottom + MARGIN - GAP + if self.rows.more > 0 { 24 } else { 0 };
        let tops = || (HEAD..bottom).step_by((ROW + GAP) as usize);
        let heading = language.pick("Timeline", "时间线");
        write!(
            out,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" font-family="{FONT}">"#
        )?;
        write!(out, "<title>{heading}{}{}</title>", language.colon(), Escaped(&self.facts))?;
        write!(out, "<desc>{}</desc><style>{}</style>", Escaped(&self.describe()), self.css())?;
        if self.rows.rows.iter().flat_map(|row| &row.blocks).any(SegmentBlock::is_many) {
            out.write_str(r##"<defs><pattern id="nv-many" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0V5" stroke="#fff" stroke-opacity=".16" stroke-width="3"/></pattern></defs>"##)?;
        }
        let (inner_width, inner_height) = (width - 1, height - 1);
        write!(
            out,
            r#"<rect class="nv-page" x=".5" y=".5" width="{inner_width}" height="{inner_height}" rx="14"/>"#
        )?;
        write!(out, r#"<text class="nv-head" x="{MARGIN}" y="38">{heading}</text>"#)?;
        let right = width - MARGIN;
        write!(
            out,
            r#"<text class="nv-small" x="{right}" y="37" text-anchor="end" style="font-size:13px">{}</text>"#,
            Escaped(&self.facts)
        )?;
        for y in tops() {
            let (x, cells) = (MARGIN + LABELS, self.rows.scale.cells);
            write_bar(out, r#"class="nv-lane""#, x, y, cells, 7)?;
        }
        self.write_axis(bottom - GAP, out)?;
        for (row, y) in self.rows.rows.iter().zip(tops()) {
            self.write_row(row, y, out)?;
        }
        if self.rows.more > 0 {
            let more = more_tracks(self.rows.more, language);
            write!(
                out,
                r#"<text class="nv-small" x="{MARGIN}" y="{}">{more}</text>"#,
                bottom + 12
            )?;
        }
        out.write_str("</svg>\n")
    }

    fn css(&self) -> String {
        match self.style.theme {
            PictureTheme::Light => format!("{KINDS}{LIGHT}"),
            PictureTheme::Dark => format!("{KINDS}{DARK}"),
            PictureTheme::Auto => {
                format!("{KINDS}{LIGHT}@media (prefers-color-scheme:dark){{{DARK}}}")
            }
        }
    }

    /// Describes the image for those who cannot see it.
    fn describe(&self) -> String {
        let language = self.style.language;
        let rows = self.rows.rows.iter().map(|row| {
            let mut out = format!("{}{}", language.track_name(row.label), language.colon());
            match &row.blocks[..] {
                [one] if !one.describe(language).is_empty() => out += &one.describe(language),
                _ => out += &language.segment_count(row.segment_count()),
            }
            if let (Some(first), Some(end)) =
                (row.blocks.first(), row.blocks.iter().map(|block| block.end).max())
            {
                out += &language.parenthesized(&language.time_range(first.start, end));
            }
            out
        });
        rows.collect::<Vec<_>>().join(language.pick("; ", "；"))
    }

    fn write_axis(&self, bottom: u32, out: &mut impl Write) -> fmt::Result {
        let scale @ Scale { length, cells } = self.rows.scale;
        // Half as much again: the last label may be moved, to where the page ends.
        let room = MARK.max(widest_label(length) * DIGIT * 3 / 2);
        for mark in marks(length, cells / room) {
            let x = MARGIN + LABELS + scale.cell(mark);
            let label = mark_label(mark, length);
            let top = HEAD - 8;
            write!(out, r#"<path class="nv-grid" d="M{x}.5 {top}V{bottom}"/>"#)?;
            let anchor = if mark.is_zero() { "start" } else { "middle" };
            let y = HEAD - 15;
            let half = u32::try_from(label.len()).unwrap_or(u32::MAX).saturating_mul(DIGIT) / 2;
            // A wide label at the end stays on the page.
            let x = x.min((self.style.width - LABEL_GAP).saturating_sub(half));
            write!(
                out,
                r#"<text class="nv-small" x="{x}" y="{y}" text-anchor="{anchor}">{label}</text>"#
            )?;
        }
        Ok(())
    }

    fn write_row(&self, row: &Row, y: u32, out: &mut impl Write) -> fmt::Result {
        let language = self.style.language;
        let name = language.track_name(row.label);
        let room = LABELS - LABEL_GAP;
        // "Voiceover" below "Voiceover" would add nothing.
        let own = row.name.as_ref().filter(|own| !own.eq_ignore_ascii_case(&name));
        let below = match (row.volume, own) {
            (Some(volume), _) => language.percent(volume),
            (None, Some(own)) => cut(own, letters(room)),
            (None, None) => language.segment_count(row.segment_count()),
        };
        let name = cut(&name, (room * 10 / LARGE_LETTER) as usize);
        // A nested `svg` clips what a wide font makes wider than expected.
        write!(
            out,
            r#"<svg x="{MARGIN}" y="{y}" width="{room}" height="{ROW}"><text class="nv-name" y="16">{}</text><text class="nv-small" y="31">{}</text></svg>"#,
            Escaped(&name),
            Escaped(&below)
        )?;
        for block in &row.blocks {
            self.write_block(block, row, y, out)?;
        }
        Ok(())
    }

    fn write_block(
        &self,
        block: &SegmentBlock,
        row: &Row,
        y: u32,
        out: &mut impl Write,
    ) -> fmt::Result {
        let language = self.style.language;
        let x = MARGIN + LABELS + block.from;
        // A pixel between neighbours, where there is one to spare.
        let width = block.to - block.from;
        let width = if width >= LEAST.mark { width - 1 } else { width };
        let radius = (width / 3).min(6);
        let caption = block.describe(language);
        let kind = class(row.label);
        let times = language.time_range(block.start, block.end);
        let title =
            if caption.is_empty() { language.track_name(row.label) } else { caption.clone() };
        let title = title + &language.parenthesized(&times);
        write!(out, "<g><title>{}</title>", Escaped(&title))?;
        write_bar(out, &format!(r#"class="{kind}""#), x, y, width, radius)?;
        if block.is_many() {
            write_bar(out, r#"fill="url(#nv-many)""#, x, y, width, radius)?;
        }
        let letters = letters(width.saturating_sub(2 * PADDING - 2));
        let shown = cut(&caption, letters);
        if !caption.is_empty() && (letters >= LEGIBLE || shown == caption) {
            // Clipped likewise.
            write!(
                out,
                r#"<svg x="{x}" y="{y}" width="{}" height="{ROW}"><text class="nv-words" x="{PADDING}" y="{}">{}</text></svg>"#,
                width.saturating_sub(2),
                ROW / 2 + 4,
                Escaped(&shown)
            )?;
        }
        out.write_str("</g>")
    }
}

fn write_bar(
    out: &mut impl Write,
    look: &str,
    x: u32,
    y: u32,
    width: u32,
    radius: u32,
) -> fmt::Result {
    write!(out, r#"<rect {look} x="{x}" y="{y}" width="{width}" height="{ROW}" rx="{radius}"/>"#)
}

fn letters(pixels: u32) -> usize {
    (pixels * 10 / LETTER) as usize
}

fn class(label: TrackLabel) -> &'static str {
    match label {
        TrackLabel::Video => "nv-video",
        TrackLabel::Voiceover => "nv-voice",
        TrackLabel::Music => "nv-music",
        TrackLabel::Audio => "nv-audio",
        TrackLabel::Captions => "nv-captions",
        TrackLabel::Title => "nv-title",
        TrackLabel::Chapters | TrackLabel::Text => "nv-text",
        TrackLabel::Type(_) | TrackLabel::Unknown => "nv-other",
    }
}

/// Text escaped for XML. Characters that XML cannot express are omitted.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\u{fffe}' | '\u{ffff}' => {}
                char if char.is_control() => {}
                char => f.write_char(char)?,
            }
        }
        Ok(())
    }
}
