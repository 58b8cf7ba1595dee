//! Writes MP4 and M4A files (ISO/IEC 14496-12, 14, 15) with their index first, so that they play
//! while they are downloaded. The media data is written as it comes, behind room for the index, whose
//! size follows from the number of frames: what is kept of a frame is its size. What the index says is
//! left to [`tracks`].

mod boxes;
mod chapters;
mod language;
mod tracks;

use std::io::{self, Seek, SeekFrom, Write};

use super::audio::encode::{AacSegment, SEGMENT_FRAMES};
use super::h264::skip::{PICTURE_PARAMETERS, SEQUENCE_PARAMETERS, nal_units};
use super::{Chapter, FrameSize, MediaError};
use boxes::{HEADER, Piece, atom, length_of};
use tracks::Tracks;

/// Room for everything in the index but its tables and chapters, and for the headers behind it.
const FIXED: u64 = 4096;
/// Bytes of a chunk in the tables: its position, and the number of its samples.
const CHUNK: u64 = 8 + 12;
/// Bytes of a cross-fade: delays of the frame before it, of its own, and of what follows.
const FADE: u64 = 3 * 8;

/// The content of a file, as far as it is known beforehand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mp4Content<'a> {
    /// The video; without it, the file is an M4A.
    pub(crate) video: Option<VideoTrack>,
    /// Number of AAC frames, with the one that primes the decoder.
    pub(crate) audio_frames: u64,
    /// Number of samples of the audio, behind that frame.
    pub(crate) samples: u64,
    pub(crate) chapters: &'a [Chapter],
    /// A BCP 47 tag.
    pub(crate) language: Option<&'a str>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct VideoTrack {
    pub(crate) size: FrameSize,
    pub(crate) frames: u32,
    pub(crate) key_frames: usize,
    /// The number of cross-fades, whose frames are not in the order in which they are shown.
    pub(crate) fades: usize,
}

/// Writes an MP4, or an M4A if it has no video.
pub(crate) struct Mp4Writer<W> {
    file: W,
    /// Position of the room for the index, and of the media data behind it.
    index: u64,
    data: u64,
    position: u64,
    tracks: Tracks,
    /// What was written last.
    last: Option<Medium>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Medium {
    Video,
    Audio,
}

impl<W: Write + Seek> Mp4Writer<W> {
    /// Begins a file.
    pub(crate) fn new(mut file: W, content: Mp4Content<'_>) -> Result<Self, MediaError> {
        let Mp4Content { video, audio_frames, .. } = content;
        let (brand, others) = match video {
            Some(_) => (b"isom", &b"isomiso2avc1mp41"[..]),
            None => (b"M4A ", &b"M4A isommp42"[..]),
        };
        let kind = atom(b"ftyp", &[&brand[..], &[0, 0, 2, 0], others]);
        let index = kind.len() as u64;
        // Between two chunks of the video, there is one of the audio.
        let chunks = 2 * audio_frames.div_ceil(SEGMENT_FRAMES) + 1;
        let of_video = video.map_or(0, |video| u64::from(video.frames) + video.key_frames as u64);
        let fades = FADE * video.map_or(0, |video| video.fades as u64);
        let tracks = Tracks::new(content);
        let tables = CHUNK * chunks + 4 * (audio_frames + of_video) + fades + tracks.chapter_room();
        let data = index + FIXED + tables;
        file.write_all(&kind).map_err(failed())?;
        file.seek(SeekFrom::Start(data)).map_err(failed())?;
        let mut writer = Self { file, index, data, position: data, tracks, last: None };
        let titles = writer.tracks.place_titles(data).to_vec();
        writer.write(&titles)?;
        Ok(writer)
    }

    /// Appends a frame of the video, an Annex B access unit, which is shown by `late` frames later than
    /// those that come in their order; -1 if one such frame precedes it.
    pub(crate) fn video(&mut self, data: &[u8], is_key: bool, late: i32) -> Result<(), MediaError> {
        let position = self.position;
        let mut size = 0;
        for unit in nal_units(data) {
            let kind = unit.first().map_or(0, |header| header & 31);
            if [SEQUENCE_PARAMETERS, PICTURE_PARAMETERS].contains(&kind) {
                // They are the same in all key frames, and belong into the index.
                if !self.tracks.parameters.iter().any(|known| known == unit) {
                    self.tracks.parameters.push(unit.to_vec());
                }
                continue;
            }
            let length = unit.len() as u32;
            self.write(&length.to_be_bytes())?;
            self.write(unit)?;
            size += 4 + length;
        }
        let continues = self.last.replace(Medium::Video) == Some(Medium::Video);
        self.tracks.frames.push(position, &[size], continues);
        self.tracks.push_delay(late);
        if is_key {
            self.tracks.key_frames.push(self.tracks.frames.count());
        }
        Ok(())
    }

    /// Appends a segment of the audio.
    pub(crate) fn audio(&mut self, segment: &AacSegment) -> Result<(), MediaError> {
        let position = self.position;
        self.write(segment.data())?;
        let continues = self.last.replace(Medium::Audio) == Some(Medium::Audio);
        self.tracks.audio.push(position, segment.sizes(), continues);
        Ok(())
    }

    /// Writes the index.
    pub(crate) fn finish(mut self) -> Result<(), MediaError> {
        let size = self.position - self.data;
        let header = match u32::try_from(size + HEADER) {
            Ok(size) => [&size.to_be_bytes()[..], b"mdat"].concat(),
            // A size of 1 says that it is behind the kind, in 64 bits.
            Err(_) => {
                let size = size + HEADER + 8;
                [&1_u32.to_be_bytes()[..], b"mdat", &size.to_be_bytes()].concat()
            }
        };
        let index = self.tracks.index_box();
        let used = length_of(&index) + HEADER + header.len() as u64;
        let free = (self.data - self.index).checked_sub(used);
        let Some(free) = free.and_then(|free| usize::try_from(free).ok()) else {
            return Err(MediaError::Encode("MP4: the index is larger than expected".to_owned()));
        };
        let free = atom(b"free", &[&vec![0; free]]);
        let file = &mut self.file;
        file.seek(SeekFrom::Start(self.index)).map_err(failed())?;
        for piece in &index {
            match piece {
                Piece::Bytes(bytes) => file.write_all(bytes).map_err(failed())?,
                Piece::Numbers(numbers) => {
                    for number in *numbers {
                        file.write_all(&number.to_be_bytes()).map_err(failed())?;
                    }
                }
            }
        }
        for bytes in [&free[..], &header] {
            file.write_all(bytes).map_err(failed())?;
        }
        file.flush().map_err(failed())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        self.position += bytes.len() as u64;
        self.file.write_all(bytes).map_err(failed())
    }
}

fn failed() -> impl FnOnce(io::Error) -> MediaError {
    MediaError::io("write the video")
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::time::Duration;

    use super::*;
    use crate::media::Cancel;
    use crate::media::audio::encode::{frame_count, segment, segment_count};
    use crate::media::audio::mix::AudioMix;

    const SIZE: FrameSize = FrameSize { width: 64, height: 64 };
    const KEY_FRAME: &[u8] = b"\0\0\0\x01\x65\x88";

    fn number(bytes: &[u8]) -> usize {
        usize::try_from(u32::from_be_bytes(bytes[..4].try_into().unwrap())).unwrap()
    }

    /// Returns the boxes of a file or a box, which must fill it.
    fn boxes(mut file: &[u8]) -> Vec<(&[u8], &[u8])> {
        let mut boxes = Vec::new();
        while !file.is_empty() {
            let size = number(file);
            boxes.push((&file[4..8], &file[8..size]));
            file = &file[size..];
        }
        boxes
    }

    /// Returns the content of each box with this path.
    fn find<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Vec<&'a [u8]> {
        let [kind, deeper @ ..] = path else { return vec![bytes] };
        let found = boxes(bytes).into_iter().filter(|(found, _)| found == *kind);
        found.flat_map(|(_, content)| find(content, deeper)).collect()
    }

    fn content(video: Option<VideoTrack>, mix: &AudioMix<'_>) -> Mp4Content<'static> {
        let (audio_frames, samples) = (frame_count(mix), mix.length());
        Mp4Content { video, audio_frames, samples, chapters: &[], language: None }
    }

    fn silence(mix: &AudioMix<'_>, index: u64) -> AacSegment {
        segment(mix, 5, index, |_| {}, &Cancel::new()).unwrap()
    }

    #[test]
    fn the_index_fits_its_room_whatever_the_content() {
        let track = |frames: u32| VideoTrack {
            size: SIZE,
            frames,
            key_frames: frames as usize,
            fades: frames.div_ceil(3) as usize,
        };
        let chapter = |n: u64| Chapter::new("第 1 章".repeat(40), Duration::from_millis(n));
        let chapters: Vec<Chapter> = (0..400).map(chapter).collect();
        for (video, millis, count) in [
            (None, 100, 0),
            // A whole number of segments: 2 × 245,760 samples.
            (None, 10_240, 0),
            (None, 1000, 400),
            (Some(track(1)), 100, 0),
            (Some(track(20_000)), 5000, 1),
            (Some(track(30)), 21_000, 400),
        ] {
            let mix = AudioMix::new(&[], Duration::from_millis(millis), &Cancel::new()).unwrap();
            let segments = segment_count(&mix);
            let frames = video.map_or(0, |video| video.frames);
            // All of the video first, or as many chunks as possible.
            for is_mixed in [false, true] {
                let mut file = Cursor::new(Vec::new());
                let language = Some("zh-Hant-TW-x-as-long-as-a-language-tag-may-well-be");
                let chapters = &chapters[..count];
                let content = Mp4Content { chapters, language, ..content(video, &mix) };
                let mut mp4 = Mp4Writer::new(&mut file, content).unwrap();
                let early = if is_mixed { frames.min(segments as u32) } else { 0 };
                // A fade of a frame in each three.
                let mut delays = [0, 1, -1].into_iter().cycle();
                let mut add = |mp4: &mut Mp4Writer<_>| {
                    mp4.video(KEY_FRAME, true, delays.next().unwrap_or_default()).unwrap();
                };
                (early..frames).for_each(|_| add(&mut mp4));
                for index in 0..segments {
                    mp4.audio(&silence(&mix, index)).unwrap();
                    if index < u64::from(early) {
                        add(&mut mp4);
                    }
                }
                mp4.finish().unwrap();
                let file = file.into_inner();
                let kinds: Vec<&[u8]> = boxes(&file).iter().map(|(kind, _)| *kind).collect();
                let expected: [&[u8]; 4] = [b"ftyp", b"moov", b"free", b"mdat"];
                assert_eq!(kinds, expected, "{video:?}, {millis} ms");
            }
        }
    }

    #[test]
    fn a_file_larger_than_four_gigabytes_has_wide_positions() {
        const FAR: u64 = 5 << 30;
        let mix = AudioMix::new(&[], Duration::from_millis(100), &Cancel::new()).unwrap();
        let track = VideoTrack { size: SIZE, frames: 2, key_frames: 2, fades: 0 };
        let mut file = Cursor::new(Vec::new());
        let mut mp4 = Mp4Writer::new(&mut file, content(Some(track), &mix)).unwrap();
        let start = mp4.position;
        mp4.video(KEY_FRAME, true, 0).unwrap();
        mp4.audio(&silence(&mix, 0)).unwrap();
        // As if as much had been written.
        mp4.position += FAR;
        let (far, data) = (mp4.position, mp4.data);
        mp4.video(KEY_FRAME, true, 0).unwrap();
        let end = mp4.position;
        mp4.finish().unwrap();
        let file = file.into_inner();
        let header = &file[usize::try_from(data).unwrap() - 16..];
        let wide = |bytes: &[u8]| u64::from_be_bytes(bytes[..8].try_into().unwrap());
        assert_eq!((&header[..8], wide(&header[8..])), (&b"\0\0\0\x01mdat"[..], end - data + 16));
        let before = &file[..usize::try_from(data).unwrap() - 16];
        assert_eq!(boxes(before).len(), 3, "the file is whole up to the media data");
        let tables = find(before, &[b"moov", b"trak", b"mdia", b"minf", b"stbl"]);
        let [video, audio] = &tables[..] else { panic!("{} tracks", tables.len()) };
        let chunks = find(video, &[b"co64"])[0];
        let positions = [wide(&chunks[8..]), wide(&chunks[16..])];
        assert_eq!((number(&chunks[4..]), positions), (2, [start, far]));
        // All of the audio is near.
        assert_eq!(find(audio, &[b"stco"]).len(), 1);
    }

    #[test]
    fn the_tracks_say_how_they_are_shown() {
        let mix = AudioMix::new(&[], Duration::from_secs(1), &Cancel::new()).unwrap();
        for (video, count) in
            [(Some(VideoTrack { size: SIZE, frames: 30, key_frames: 30, fades: 0 }), 3), (None, 2)]
        {
            let mut file = Cursor::new(Vec::new());
            let chapters = [
                Chapter::new(" Zwei\n🎉 ", Duration::from_millis(500)),
                Chapter::new("", Duration::ZERO),
            ];
            let language = Some("de-AT");
            let content = Mp4Content { chapters: &chapters, language, ..content(video, &mix) };
            let mut mp4 = Mp4Writer::new(&mut file, content).unwrap();
            for _ in 0..video.map_or(0, |video| video.frames) {
                mp4.video(KEY_FRAME, true, 0).unwrap();
            }
            mp4.audio(&silence(&mix, 0)).unwrap();
            mp4.finish().unwrap();
            let file = file.into_inner();
            let tracks = find(&file, &[b"moov", b"trak"]);
            assert_eq!(tracks.len(), count);
            for track in &tracks {
                // `deu` in five bits a letter, and the whole tag.
                assert_eq!(find(track, &[b"mdia", b"mdhd"])[0][20..22], [0x10, 0xB5]);
                assert_eq!(find(track, &[b"mdia", b"elng"])[0], b"\0\0\0\0de-AT\0");
            }
            let [.., audio, titles] = &tracks[..] else { unreachable!() };
            // One edit, from behind the frame that primes the decoder.
            let edits = find(audio, &[b"edts", b"elst"])[0];
            assert_eq!([4, 8, 12].map(|at| number(&edits[at..])), [1, 48_000, 1024]);
            let table: [&[u8; 4]; 3] = [b"mdia", b"minf", b"stbl"];
            let table = find(audio, &table)[0];
            assert_eq!(find(table, &[b"sgpd"])[0][12..], [0, 0, 0, 1, 0xFF, 0xFF]);
            let frames = number(&find(table, &[b"stsz"])[0][8..]);
            assert_eq!(number(&find(table, &[b"sbgp"])[0][12..]), frames);
            // The chapter is half a second late, and not shown itself.
            assert_eq!(find(titles, &[b"tkhd"])[0][..4], [0, 0, 0, 2]);
            let edits = find(titles, &[b"edts", b"elst"])[0];
            let edits = [4, 8, 12, 20, 24].map(|at| number(&edits[at..]));
            assert_eq!(edits, [2, 24_000, u32::MAX as usize, 24_000, 0]);
            assert_eq!(find(audio, &[b"tref", b"chap"])[0], (count as u32).to_be_bytes());
            let table = find(titles, &[b"mdia", b"minf", b"stbl"])[0];
            let position = number(&find(table, &[b"stco"])[0][8..]);
            let title = b"\0\x09Zwei \xF0\x9F\x8E\x89\0\0\0\x0Cencd\0\0\x01\0";
            assert_eq!(file[position..][..title.len()], title[..]);
            let list = find(&file, &[b"moov", b"udta", b"chpl"])[0];
            let time = 5_000_000_u64.to_be_bytes();
            assert_eq!(list[8..], [&[1], &time[..], &title[1..11]].concat());
            if video.is_some() {
                let entry = &find(tracks[0], &[b"mdia", b"minf", b"stbl", b"stsd"])[0][8..];
                let color = find(&entry[86..], &[b"colr"])[0];
                assert_eq!(color, b"nclx\0\x01\0\x01\0\x01\0");
                assert!(find(tracks[0], &[b"edts"]).is_empty());
            }
        }
    }

    #[test]
    fn the_frames_of_a_fade_are_shown_in_their_order() {
        let mix = AudioMix::new(&[], Duration::from_millis(200), &Cancel::new()).unwrap();
        let track = VideoTrack { size: SIZE, frames: 6, key_frames: 1, fades: 1 };
        let mut file = Cursor::new(Vec::new());
        let mut mp4 = Mp4Writer::new(&mut file, content(Some(track), &mix)).unwrap();
        for (frame, late) in [0, 0, 2, -1, -1, 0].into_iter().enumerate() {
            mp4.video(KEY_FRAME, frame == 0, late).unwrap();
        }
        mp4.finish().unwrap();
        let file = file.into_inner();
        let track = find(&file, &[b"moov", b"trak"])[0];
        let delays = find(track, &[b"mdia", b"minf", b"stbl", b"ctts"])[0];
        let delays: Vec<usize> = delays[4..].chunks(4).map(number).collect();
        assert_eq!(delays, [4, 2, 1000, 1, 3000, 2, 0, 1, 1000]);
        // From the first frame on, all of the 200 ms.
        let edits = find(track, &[b"edts", b"elst"])[0];
        assert_eq!([4, 8, 12].map(|at| number(&edits[at..])), [1, 9600, 1000]);
    }
}
