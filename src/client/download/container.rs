//! Whether a file is whole by its own structure: the end of a response that does not declare its
//! length may be that of a broken connection, and a source may have only a part of the file.

/// The structure of an MP4 or WAV file, as far as it was received. Any other file has none here.
#[derive(Debug, Default)]
pub(super) struct Container {
    bytes: u64,
    layout: Layout,
    /// The offset of the header that is read next.
    at: u64,
    /// The received part of that header.
    header: Vec<u8>,
    has_index: bool,
    has_media: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Layout {
    #[default]
    Undecided,
    /// The top-level boxes of an MP4 or QuickTime file (ISO/IEC 14496-12, section 4.2), one after
    /// the other.
    Boxes,
    /// A WAV file, with the size that it declares.
    Riff(u64),
    /// Another format, or one whose end is not declared.
    Unknown,
}

/// The types of the boxes with which an MP4 or QuickTime file may begin.
const FIRST_BOXES: [&[u8]; 7] = [b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide"];
/// Sizes from here on stand for an unknown one in a RIFF file: programs that write to a pipe use
/// the largest signed or unsigned number, rounded down.
const UNKNOWN_RIFF_SIZE: u32 = 0x7fff_0000;
/// The header of a WAV file of 64 bits (RF64, EBU Tech 3306), up to its size.
const RF64_HEADER: usize = 28;

impl Container {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let first = self.bytes;
        self.bytes += bytes.len() as u64;
        while matches!(self.layout, Layout::Undecided | Layout::Boxes) {
            let next = self.at.saturating_add(self.header.len() as u64);
            let start = usize::try_from(next.saturating_sub(first)).ok();
            let Some(byte) = start.and_then(|start| bytes.get(start)) else { return };
            self.header.push(*byte);
            self.read_header();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the name of the format if the file lacks its end.
    ///
    /// If the length of the file was declared, only what no player could play is taken for cut: an
    /// MP4 file with a box that is longer than the rest, or without index or media. Programs write
    /// inexact sizes into WAV files, and other data after the last box.
    pub(super) fn cut_format(&self, is_length_declared: bool) -> Option<&'static str> {
        match self.layout {
            Layout::Boxes => {
                let is_at_end = match is_length_declared {
                    true => self.at <= self.bytes,
                    false => self.header.is_empty() && self.at == self.bytes,
                };
                (!is_at_end || !self.has_index || !self.has_media).then_some("MP4")
            }
            Layout::Riff(size) => (self.bytes < size && !is_length_declared).then_some("WAV"),
            Layout::Undecided | Layout::Unknown => None,
        }
    }

    /// Reads the header received so far, if it is complete.
    fn read_header(&mut self) {
        let Some((head, rest)) = self.header.split_first_chunk::<8>() else { return };
        let [a, b, c, d, kind @ ..] = *head;
        let size = [a, b, c, d];
        if self.layout == Layout::Undecided {
            self.layout = match &size {
                _ if FIRST_BOXES.contains(&kind.as_slice()) => Layout::Boxes,
                b"RIFF" => match u32::from_le_bytes(kind) {
                    0 | UNKNOWN_RIFF_SIZE.. => Layout::Unknown,
                    size => Layout::Riff(u64::from(size) + 8),
                },
                b"RF64" | b"BW64" if self.header.len() < RF64_HEADER => return,
                b"RF64" | b"BW64" => match rest {
                    [_, _, _, _, b'd', b's', b'6', b'4', _, _, _, _, size @ ..] => {
                        let size = size.first_chunk().map_or(0, |size| u64::from_le_bytes(*size));
                        Layout::Riff(size.saturating_add(8))
                    }
                    _ => Layout::Unknown,
                },
                _ => Layout::Unknown,
            };
        }
        if self.layout != Layout::Boxes {
            return;
        }
        let size = match (u32::from_be_bytes(size), rest.first_chunk::<8>()) {
            (1, None) => return,
            (1, Some(size)) => u64::from_be_bytes(*size),
            (size, _) => u64::from(size),
        };
        if size < self.header.len() as u64 {
            // A size of zero stands for the rest of the file, and a smaller one is not valid.
            self.layout = Layout::Unknown;
            return;
        }
        self.has_index |= kind == *b"moov";
        self.has_media |= kind == *b"mdat";
        self.at = self.at.saturating_add(size);
        self.header.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes()[..], kind, content].concat()
    }

    fn long_box(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = content.len() as u64 + 16;
        [&1u32.to_be_bytes()[..], kind, &size.to_be_bytes(), content].concat()
    }

    fn riff(content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 4).unwrap();
        [&b"RIFF"[..], &size.to_le_bytes(), b"WAVE", content].concat()
    }

    fn rf64(content: &[u8]) -> Vec<u8> {
        let size = content.len() as u64 + 28;
        let head = &b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0"[..];
        [head, &size.to_le_bytes(), &[0; 8], content].concat()
    }

    /// Reads a file in chunks of this size.
    fn cut_format(file: &[u8], chunk: usize) -> Option<&'static str> {
        let mut container = Container::default();
        file.chunks(chunk).for_each(|bytes| container.push(bytes));
        let damaged = container.cut_format(true);
        let cut = container.cut_format(false);
        // Nothing is damaged that is not cut, and an MP4 file is only with another end.
        assert!(damaged.is_none() || damaged == cut, "{damaged:?} {cut:?}");
        cut
    }

    #[test]
    fn a_file_that_lacks_its_end_is_cut_wherever_that_is() {
        let (start, index) = (boxed(b"ftyp", b"isom\0\0\0\0"), boxed(b"moov", &[7; 90]));
        let media = boxed(b"mdat", &[1; 200]);
        let fragment = boxed(b"moof", &[3; 20]);
        for (format, file) in [
            ("MP4", [&start[..], &index, &media].concat()),
            ("MP4", [&start[..], &boxed(b"free", b""), &media, &index].concat()),
            ("MP4", [&start[..], &long_box(b"mdat", &[1; 200]), &index].concat()),
            ("MP4", [&index[..], &fragment, &media].concat()),
            ("WAV", riff(&[9; 100])),
            ("WAV", rf64(&[9; 100])),
        ] {
            for chunk in [1, 7, 64, file.len()] {
                assert_eq!(cut_format(&file, chunk), None, "{format} {chunk}");
                // Before its first header is complete, a file is not recognized.
                let from = if file.starts_with(b"RF64") { RF64_HEADER } else { 8 };
                for length in from..file.len() {
                    let cut = cut_format(&file[..length], chunk);
                    assert_eq!(cut, Some(format), "{length} in chunks of {chunk}");
                }
            }
        }
    }

    #[test]
    fn a_file_without_a_declared_end_is_not_judged() {
        let start = boxed(b"ftyp", b"isom\0\0\0\0");
        let open = [&boxed(b"moov", b"")[..], b"\0\0\0\0mdat", &[1; 50]].concat();
        for file in [
            &open[..],
            &[&start[..], b"\0\0\0\x05bad!", &[0; 9]].concat(),
            b"RIFF\0\0\0\0WAVE",
            b"RIFF\xff\xff\xff\xffWAVE",
            b"RIFF\x24\xf0\xff\x7fWAVE",
            b"RF64\xff\xff\xff\xffWAVEfmt \x10\0\0\0\0\0\0\0\0\0\0\0",
            b"ID3\x04\0\0\0\0\0\0 and so on",
            b"the video",
            b"",
        ] {
            assert_eq!(cut_format(file, 3), None, "{file:?}");
        }
        // What follows the declared end is no reason to reject a WAV file.
        assert_eq!(cut_format(&[&riff(&[9; 10])[..], b"\0"].concat(), 5), None);
    }

    #[test]
    fn a_file_of_the_declared_length_is_damaged_if_its_boxes_do_not_fit() {
        let (start, index) = (boxed(b"ftyp", b"isom\0\0\0\0"), boxed(b"moov", &[7; 90]));
        let media = boxed(b"mdat", &[1; 200]);
        let damaged = |parts: &[&[u8]]| {
            let mut container = Container::default();
            parts.iter().for_each(|part| container.push(part));
            container.cut_format(true)
        };
        assert_eq!(damaged(&[&start, &index, &media]), None);
        assert_eq!(damaged(&[&start, &index, &media, b"\0\0\0"]), None, "data after the end");
        assert_eq!(damaged(&[&start, &index, &media[..150]]), Some("MP4"));
        assert_eq!(damaged(&[&start, &media]), Some("MP4"));
        assert_eq!(damaged(&[&start, &index]), Some("MP4"));
        assert_eq!(damaged(&[&riff(&[9; 100])[..50]]), None, "players play it");
    }

    #[test]
    fn a_restarted_file_is_read_anew() {
        let mut container = Container::default();
        container.push(&boxed(b"ftyp", b"isom")[..9]);
        assert_eq!(container.cut_format(false), Some("MP4"));
        container.clear();
        container.push(b"the video");
        assert_eq!(container.cut_format(false), None);
    }
}
