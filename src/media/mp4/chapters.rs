//! The chapters of a file, in the two ways that players read: a track of titles that is not shown
//! itself, to which the others refer (QuickTime File Format, "Chapter lists"), and the list of Nero's
//! players, box `chpl`.

use super::boxes::{MATRIX, atom, be, list};
use super::tracks::TIME_SCALE;
use crate::media::Chapter;

/// The titles of the chapters and their times.
#[derive(Debug)]
pub(crate) struct ChapterTrack {
    /// Time of the first chapter, in units of the file.
    start: u32,
    /// The samples of the track, one behind the other.
    samples: Vec<u8>,
    sizes: Vec<u32>,
    durations: Vec<u32>,
    /// The box `udta` with the list.
    pub(crate) user_data: Vec<u8>,
}

/// The list has its number of chapters, and the length of each title, in a byte.
const MAX_IN_BYTE: usize = 255;

impl ChapterTrack {
    /// Reads the chapters of a file, in any order. Those without a title or behind its end are left
    /// out, and each lasts until the next. Returns `None` if none is left.
    pub(crate) fn new(chapters: &[Chapter], duration: u32) -> Option<Self> {
        let time = |chapter: &Chapter| {
            let scaled = chapter.start.as_nanos() * u128::from(TIME_SCALE) + 500_000_000;
            u32::try_from(scaled / 1_000_000_000).unwrap_or(u32::MAX)
        };
        let titled = chapters.iter().map(|chapter| (time(chapter), title(chapter), chapter.start));
        let mut chapters: Vec<_> =
            titled.filter(|(time, title, _)| *time < duration && !title.is_empty()).collect();
        chapters.sort_by_key(|(time, ..)| *time);
        chapters.dedup_by_key(|(time, ..)| *time);
        let (start, ..) = *chapters.first()?;
        let ends = chapters.iter().skip(1).map(|(time, ..)| *time).chain([duration]);
        let durations = chapters.iter().zip(ends).map(|((time, ..), end)| end - time).collect();
        let (mut samples, mut sizes) = (Vec::new(), Vec::new());
        for (_, title, _) in &chapters {
            let length = (title.len() as u16).to_be_bytes();
            // Says that the text is UTF-8.
            let encoding = atom(b"encd", &[&be(&[0x100])]);
            let sample = [&length[..], title.as_bytes(), &encoding].concat();
            sizes.push(sample.len() as u32);
            samples.extend(sample);
        }
        let mut entries = Vec::new();
        for (_, title, start) in chapters.iter().take(MAX_IN_BYTE) {
            // In units of 100 ns.
            entries.extend(((start.as_nanos() / 100) as u64).to_be_bytes());
            entries.push(title.len() as u8);
            entries.extend(title.as_bytes());
        }
        let count = chapters.len().min(MAX_IN_BYTE) as u8;
        let chapter_list = atom(b"chpl", &[&[1, 0, 0, 0], &[0; 4], &[count], &entries]);
        let user_data = atom(b"udta", &[&chapter_list]);
        Some(Self { start, samples, sizes, durations, user_data })
    }

    /// Returns the samples of the track.
    pub(crate) fn samples(&self) -> &[u8] {
        &self.samples
    }

    /// Returns the duration of the samples.
    pub(crate) fn duration(&self) -> u32 {
        self.durations.iter().sum()
    }

    /// Returns the box that delays the track by the time before its first chapter.
    pub(crate) fn edits(&self) -> Vec<u8> {
        const NOTHING: u32 = u32::MAX;
        const RATE: u32 = 0x1_0000;
        if self.start == 0 {
            return Vec::new();
        }
        let edits = [self.start, NOTHING, RATE, self.duration(), 0, RATE];
        atom(b"edts", &[&list(b"elst", 2, &edits)])
    }

    /// Returns the description of the samples: text of QuickTime, black on nothing.
    pub(crate) fn entry() -> Vec<u8> {
        // The index of the data, then flags, alignment, colors, a box, a font and its name.
        atom(b"text", &[&[0, 0, 0, 0, 0, 0, 0, 1], &[0; 44]])
    }

    /// Returns the header of the media, which has no clock, no audio and no pixels.
    pub(crate) fn header() -> Vec<u8> {
        // A mode of drawing and its color, half gray.
        let mode = [0, 0x40, 0x80, 0, 0x80, 0, 0x80, 0, 0, 0, 0, 0];
        atom(b"gmhd", &[&atom(b"gmin", &[&[0; 4], &mode]), &atom(b"text", &[&be(&MATRIX)])])
    }

    /// Returns the tables of the samples, which are at a position.
    pub(crate) fn tables(&self, position: u64) -> Vec<u8> {
        let count = self.sizes.len() as u32;
        let times: Vec<u32> = self.durations.iter().flat_map(|time| [1, *time]).collect();
        [
            list(b"stts", self.durations.len(), &times),
            list(b"stsc", 1, &[1, count, 1]),
            // A size of all samples, 0, precedes their number.
            atom(b"stsz", &[&be(&[0, 0, count]), &be(&self.sizes)]),
            // The titles are the first of the media data, right behind the index.
            list(b"stco", 1, &[position as u32]),
        ]
        .concat()
    }
}

/// Returns the title of a chapter on one line, as long as players read.
fn title(chapter: &Chapter) -> String {
    let words: Vec<&str> = chapter.title.split_whitespace().collect();
    let mut title = words.join(" ");
    while title.len() > MAX_IN_BYTE {
        title.pop();
    }
    title
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn chapters_are_sorted_and_last_until_the_next() {
        let millis = |title: &str, millis| Chapter::new(title, Duration::from_millis(millis));
        let late = "é".repeat(200);
        let chapters = [
            millis("Third", 3000),
            millis("First", 0),
            millis("  ", 1000),
            millis("First again", 0),
            millis(&late, 2000),
            millis("After the end", 4000),
        ];
        let track = ChapterTrack::new(&chapters, 4 * TIME_SCALE).unwrap();
        assert_eq!(track.durations, [2 * TIME_SCALE, TIME_SCALE, TIME_SCALE]);
        assert_eq!(track.start, 0);
        assert!(track.edits().is_empty());
        // As many whole letters as fit.
        assert_eq!(track.sizes, [2 + 5 + 12, 2 + 254 + 12, 2 + 5 + 12]);
        assert!(ChapterTrack::new(&chapters[2..3], TIME_SCALE).is_none());
        assert!(ChapterTrack::new(&[], TIME_SCALE).is_none());
        let many: Vec<Chapter> = (0..300).map(|n| millis("x", n)).collect();
        let track = ChapterTrack::new(&many, TIME_SCALE).unwrap();
        assert_eq!(track.sizes.len(), 300);
        // The list is shorter: `udta`, `chpl`, and nine bytes and a letter for each of 255.
        assert_eq!(track.user_data.len(), 8 + 8 + 9 + 255 * 10);
    }
}
