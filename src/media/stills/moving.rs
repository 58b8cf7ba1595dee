//! Frames of a scene that grows slowly: a key frame, and pictures in which the image is displaced.
//! Texts stay where they are: the macroblocks with them are drawn and encoded a few times a second.

use std::ops::Range;

use super::{GroupText, Still, StillRenderer, TextGroup};
use crate::media::canvas::TextDrawing;
use crate::media::h264::{EncodedStill, Fixed, MACROBLOCK, MovingPicture, SliceHeader};
use crate::media::scenes::view;
use crate::media::{Cancel, MediaError};

/// The background behind a text is drawn again after as many frames, in which it moves by less than
/// a pixel or two.
const TEXT_INTERVAL: u32 = 5;

/// A text, or a marked word, changes nothing outside of its rows and columns.
pub(super) fn columns_of(
    drawings: &[&TextDrawing],
    row: usize,
    width: usize,
) -> Option<Range<usize>> {
    /// The columns are a multiple of this, so that an encoder can be used again.
    const COLUMNS: usize = 8 * MACROBLOCK as usize;
    const ROW: usize = MACROBLOCK as usize;
    let is_here = |text: &&&TextDrawing| text.rows().start < row + ROW && text.rows().end > row;
    let columns = drawings.iter().filter(is_here).map(|text| text.columns());
    let columns = columns.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))?;
    let whole = width.next_multiple_of(ROW);
    let start = columns.start / ROW * ROW;
    let width = (columns.end - start).next_multiple_of(COLUMNS).min(whole);
    let start = start.min(whole - width);
    Some(start..start + width)
}

impl StillRenderer<'_> {
    /// Draws and encodes the frames of a still whose scene grows, of which the first is the `first`
    /// of the scene.
    pub(super) fn moving(
        &self,
        still: &Still,
        frames: u32,
        first: u32,
        group: &TextGroup,
        header: &SliceHeader,
        cancel: &Cancel,
    ) -> Result<Option<EncodedStill>, MediaError> {
        const ROW: usize = MACROBLOCK as usize;
        let Some(zoom) = self.plan.zoom(still.scene) else { return Ok(None) };
        let size = self.timeline.frame;
        let plate = self.backdrop(still.scene)?;
        let texts: Vec<&TextDrawing> =
            group.texts.iter().map(|GroupText { drawing, .. }| drawing).collect();
        // The words that are marked from a frame on.
        let mut steps = Vec::new();
        for (at, shown) in &still.steps {
            steps.push((*at, self.marks(group, shown)));
        }
        let words = |frame: u32| {
            let step = steps.iter().rev().find(|(at, _)| *at <= frame);
            step.map_or(&[][..], |(_, marks)| &marks[..])
        };
        let draw = |frame: u32, rows: Range<usize>| {
            let mut canvas = view(&plate, zoom, first + frame, size, rows.clone());
            for text in texts.iter().copied().chain(words(frame)) {
                text.draw(&mut canvas, rows.start);
            }
            canvas
        };
        let height = size.height as usize;
        let Some(rows) = header.encode_rows(&self.encoder, &draw(0, 0..height))? else {
            return Ok(None);
        };
        let key = header.moving_key([(0, &rows)]);
        let all: Vec<&TextDrawing> =
            texts.iter().copied().chain(steps.iter().flat_map(|(_, marks)| marks)).collect();
        let band = self.whole_rows(all.iter().map(|text| text.rows())).unwrap_or(0..0);
        let mut pictures = Vec::new();
        for frame in 1..frames {
            cancel.check()?;
            let is_drawn = !band.is_empty()
                && (frame % TEXT_INTERVAL == 0 || steps.iter().any(|(at, _)| *at == frame));
            let canvas = is_drawn.then(|| draw(frame, band.clone()));
            let mut fixed = Vec::new();
            for row in band.clone().step_by(ROW) {
                let Some(columns) = columns_of(&all, row, size.width as usize) else { continue };
                let part = match &canvas {
                    None => Fixed::Repeated(columns.len() as u32 / MACROBLOCK),
                    Some(canvas) => {
                        let top = row - band.start;
                        let area = canvas.area(columns.clone(), top..top + ROW);
                        let encoded = header.encode_rows(&self.encoder, &area)?;
                        Fixed::Encoded(encoded.ok_or_else(super::several_slices)?)
                    }
                };
                fixed.push((columns.start, row, part));
            }
            let picture = MovingPicture { glide: zoom.glide(first, first + frame), fixed };
            pictures.push(header.moving(&picture, frame));
        }
        Ok(Some(EncodedStill::of_frames(key, pictures)))
    }
}
