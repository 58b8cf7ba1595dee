//! The index of a file: its tracks, how they are shown, and where their samples are.

use super::boxes::{MATRIX, Piece, Pieces, atom, be, container, head, list, table};
use super::chapters::ChapterTrack;
use super::language::TrackLanguage;
use super::{Mp4Content, VideoTrack};
use crate::media::FrameSize;
use crate::media::audio::encode::AAC_FRAME;
use crate::media::audio::mix::SAMPLE_RATE;
use crate::media::h264::FRAME_RATE;
use crate::media::h264::skip::{PICTURE_PARAMETERS, SEQUENCE_PARAMETERS};

/// Time units of the file, the same as those of the audio. 32 bits count a day of them.
pub(crate) const TIME_SCALE: u32 = SAMPLE_RATE;
/// Time units of a frame of the video, in its own scale.
const FRAME_TIME: u32 = 1000;

/// What the index says.
pub(crate) struct Tracks {
    video: Option<VideoTrack>,
    /// Number of samples of the audio, behind the frame that primes the decoder.
    length: u32,
    language: TrackLanguage,
    chapters: Option<ChapterTrack>,
    /// Position of the titles of the chapters.
    titles: u64,
    /// The parameter sets of the video.
    pub(crate) parameters: Vec<Vec<u8>>,
    pub(crate) frames: SampleTable,
    /// Numbers of the key frames, from 1.
    pub(crate) key_frames: Vec<u32>,
    /// By how many frames those of the video are shown late, each with the number of frames.
    delays: Vec<(u32, i32)>,
    pub(crate) audio: SampleTable,
}

/// Sizes of the samples of a track, and positions of its chunks.
#[derive(Debug, Default)]
pub(crate) struct SampleTable {
    sizes: Vec<u32>,
    /// Each with the number of its samples.
    chunks: Vec<(u64, u32)>,
}

/// A track by its number.
#[derive(Debug, Clone, Copy)]
struct TrackHeader {
    id: u32,
    duration: u32,
    volume: u16,
    size: (u32, u32),
    flags: u8,
}

impl TrackHeader {
    /// Enabled, in the movie, in its preview.
    const SHOWN: u8 = 7;
    /// In the movie, but not enabled.
    const HIDDEN: u8 = 2;

    fn atom(self) -> Vec<u8> {
        atom(
            b"tkhd",
            &[
                &[0, 0, 0, self.flags],
                &[0; 8],
                &be(&[self.id, 0, self.duration]),
                &[0; 12],
                &self.volume.to_be_bytes(),
                &[0; 2],
                &be(&MATRIX),
                &be(&[self.size.0, self.size.1]),
            ],
        )
    }
}

impl Tracks {
    pub(crate) fn new(content: Mp4Content<'_>) -> Self {
        let Mp4Content { video, audio_frames, samples, chapters, language } = content;
        let frames = video.map_or(0, |video| video.frames);
        let mut tracks = Self {
            video,
            length: samples as u32,
            language: TrackLanguage::of(language),
            chapters: None,
            titles: 0,
            parameters: Vec::new(),
            frames: SampleTable::with_capacity(frames as usize),
            key_frames: Vec::new(),
            delays: Vec::new(),
            audio: SampleTable::with_capacity(audio_frames as usize),
        };
        let duration = tracks.length.max(frames_in_file_units(frames));
        tracks.chapters = ChapterTrack::new(chapters, duration);
        tracks
    }

    /// Adds the delay of a frame of the video.
    pub(crate) fn push_delay(&mut self, late: i32) {
        match self.delays.last_mut() {
            Some((count, known)) if *known == late => *count += 1,
            _ => self.delays.push((1, late)),
        }
    }

    /// Returns the room that the chapters take in the index.
    pub(crate) fn chapter_room(&self) -> u64 {
        let Some(chapters) = &self.chapters else { return 0 };
        (chapters.tables(0).len() + chapters.user_data.len()) as u64
    }

    /// Returns the titles of the chapters, which are at a position.
    pub(crate) fn place_titles(&mut self, position: u64) -> &[u8] {
        self.titles = position;
        self.chapters.as_ref().map_or(&[], ChapterTrack::samples)
    }

    pub(crate) fn index_box(&self) -> Pieces<'_> {
        let of_video = frames_in_file_units(self.frames.count());
        let duration = of_video.max(self.length);
        let audio_id = if self.video.is_some() { 2 } else { 1 };
        let chapters_id = self.chapters.as_ref().map(|_| audio_id + 1);
        let header = atom(
            b"mvhd",
            &[
                &[0; 12],
                &be(&[TIME_SCALE, duration, 0x1_0000]),
                &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                &be(&MATRIX),
                &[0; 24],
                &be(&[chapters_id.unwrap_or(audio_id) + 1]),
            ],
        );
        let reference =
            chapters_id.map_or_else(Vec::new, |id| atom(b"tref", &[&atom(b"chap", &[&be(&[id])])]));
        let mut boxes = vec![vec![Piece::Bytes(header)]];
        if let Some(video) = &self.video {
            boxes.push(self.video_track(video, of_video, &reference));
        }
        boxes.push(self.audio_track(audio_id, &reference));
        if let (Some(chapters), Some(id)) = (&self.chapters, chapters_id) {
            boxes.push(self.chapter_track(id, duration, chapters));
            boxes.push(vec![Piece::Bytes(chapters.user_data.clone())]);
        }
        container(b"moov", boxes)
    }

    fn video_track(&self, video: &VideoTrack, duration: u32, reference: &[u8]) -> Pieces<'_> {
        let FrameSize { width, height } = video.size;
        let parameters = |kind: u8| -> Vec<&Vec<u8>> {
            self.parameters.iter().filter(|unit| unit[0] & 31 == kind).collect()
        };
        let set = |unit: &Vec<u8>| [&(unit.len() as u16).to_be_bytes()[..], unit].concat();
        let sets = |kind: u8| parameters(kind).into_iter().flat_map(set).collect::<Vec<u8>>();
        let count = |kind: u8| parameters(kind).len() as u8;
        let profile = parameters(SEQUENCE_PARAMETERS)
            .first()
            .and_then(|unit| unit.get(1..4))
            .unwrap_or(&[66, 0, 40]);
        let config = atom(
            b"avcC",
            &[
                &[1],
                profile,
                // Sizes of four bytes.
                &[0xFF, 0xE0 | count(SEQUENCE_PARAMETERS)],
                &sets(SEQUENCE_PARAMETERS),
                &[count(PICTURE_PARAMETERS)],
                &sets(PICTURE_PARAMETERS),
            ],
        );
        // Primaries, transfer and matrix of BT.709, in limited range, as in the parameter sets.
        let color = atom(b"colr", &[b"nclx", &[0, 1, 0, 1, 0, 1, 0]]);
        let entry = atom(
            b"avc1",
            &[
                &[0, 0, 0, 0, 0, 0, 0, 1],
                &[0; 16],
                &(width as u16).to_be_bytes(),
                &(height as u16).to_be_bytes(),
                // 72 dpi in both directions.
                &be(&[0x48_0000, 0x48_0000, 0]),
                &[0, 1],
                &[0; 32],
                &[0, 24, 0xFF, 0xFF],
                &config,
                &color,
            ],
        );
        let frames = self.frames.count();
        let times = vec![Piece::Bytes(list(b"stts", 1, &[frames, FRAME_TIME]))];
        let keys = table(b"stss", &self.key_frames);
        let (mut delays, mut edits) = (Vec::new(), Vec::new());
        if self.delays.len() > 1 {
            // None is negative: all are shown a frame later, and the edit begins with the first.
            let late = |(count, late): &(u32, i32)| [*count, (late + 1) as u32 * FRAME_TIME];
            let late: Vec<u32> = self.delays.iter().flat_map(late).collect();
            delays.push(vec![Piece::Bytes(list(b"ctts", self.delays.len(), &late))]);
            edits = atom(b"edts", &[&list(b"elst", 1, &[duration, FRAME_TIME, 0x1_0000])]);
        }
        let samples = [vec![times], delays, vec![keys], self.frames.boxes()];
        let samples = samples.into_iter().flatten().collect();
        let media = MediaBoxes {
            handler: b"vide",
            name: b"VideoHandler\0",
            header: atom(b"vmhd", &[&[0, 0, 0, 1], &[0; 8]]),
            scale: FRAME_RATE * FRAME_TIME,
            duration: frames * FRAME_TIME,
            language: &self.language,
        };
        let size = (width << 16, height << 16);
        let flags = TrackHeader::SHOWN;
        let track = TrackHeader { id: 1, duration, volume: 0, size, flags }.atom();
        let track = Piece::Bytes([&track, &edits, reference].concat());
        container(b"trak", vec![vec![track], media.boxes(&entry, samples)])
    }

    fn audio_track(&self, id: u32, reference: &[u8]) -> Pieces<'_> {
        let descriptor = |tag: u8, content: &[&[u8]]| {
            let content = content.concat();
            [&[tag, content.len() as u8][..], &content].concat()
        };
        let bytes: u64 = self.audio.sizes.iter().map(|size| u64::from(*size)).sum();
        let rate = bytes * 8 * u64::from(SAMPLE_RATE) / u64::from(self.length.max(1));
        let largest = self.audio.sizes.iter().max().copied().unwrap_or(0);
        // AAC-LC, 48 kHz, one channel.
        let specific = descriptor(5, &[&[0x11, 0x88]]);
        let decoder = descriptor(
            4,
            &[&[0x40, 0x15], &largest.to_be_bytes()[1..], &be(&[rate as u32; 2]), &specific],
        );
        let stream = descriptor(3, &[&[0, 0, 0], &decoder, &descriptor(6, &[&[2]])]);
        let entry = atom(
            b"mp4a",
            &[
                &[0, 0, 0, 0, 0, 0, 0, 1],
                &[0; 8],
                &[0, 1, 0, 16, 0, 0, 0, 0],
                &be(&[SAMPLE_RATE << 16]),
                &atom(b"esds", &[&[0; 4], &stream]),
            ],
        );
        let frames = self.audio.count();
        let times = list(b"stts", 1, &[frames, AAC_FRAME as u32]);
        // Each frame is decoded with the one before it. Apple's players take the edit list for that
        // of the first frame only where a file says so; otherwise they skip 44 ms.
        let distance = (-1_i16).to_be_bytes();
        let roll = atom(b"sgpd", &[&[1, 0, 0, 0], b"roll", &be(&[2, 1]), &distance]);
        let all = atom(b"sbgp", &[&[0; 4], b"roll", &be(&[1, frames, 1])]);
        let samples = [
            vec![vec![Piece::Bytes(times)]],
            self.audio.boxes(),
            vec![vec![Piece::Bytes([roll, all].concat())]],
        ];
        let media = MediaBoxes {
            handler: b"soun",
            name: b"SoundHandler\0",
            header: atom(b"smhd", &[&[0; 8]]),
            scale: SAMPLE_RATE,
            duration: frames * AAC_FRAME as u32,
            language: &self.language,
        };
        let (duration, flags) = (self.length, TrackHeader::SHOWN);
        let track = TrackHeader { id, duration, volume: 0x100, size: (0, 0), flags }.atom();
        // Skips the frame that primes the decoder, and what follows the last sample.
        let edit = [self.length, AAC_FRAME as u32, 0x1_0000];
        let edits = atom(b"edts", &[&list(b"elst", 1, &edit)]);
        let track = Piece::Bytes([&track, &edits, reference].concat());
        let samples = samples.into_iter().flatten().collect();
        container(b"trak", vec![vec![track], media.boxes(&entry, samples)])
    }

    fn chapter_track(&self, id: u32, duration: u32, chapters: &ChapterTrack) -> Pieces<'_> {
        let media = MediaBoxes {
            handler: b"text",
            name: b"ChapterHandler\0",
            header: ChapterTrack::header(),
            scale: TIME_SCALE,
            duration: chapters.duration(),
            language: &self.language,
        };
        let flags = TrackHeader::HIDDEN;
        let track = TrackHeader { id, duration, volume: 0, size: (0, 0), flags }.atom();
        let track = Piece::Bytes([track, chapters.edits()].concat());
        let samples = vec![vec![Piece::Bytes(chapters.tables(self.titles))]];
        container(b"trak", vec![vec![track], media.boxes(&ChapterTrack::entry(), samples)])
    }
}

const fn frames_in_file_units(frames: u32) -> u32 {
    frames * (TIME_SCALE / FRAME_RATE)
}

impl SampleTable {
    fn with_capacity(samples: usize) -> Self {
        Self { sizes: Vec::with_capacity(samples), ..Self::default() }
    }

    pub(crate) const fn count(&self) -> u32 {
        self.sizes.len() as u32
    }

    /// Adds samples at a position: to the last chunk if they continue it, or as a new one.
    pub(crate) fn push(&mut self, position: u64, sizes: &[u32], continues: bool) {
        self.sizes.extend_from_slice(sizes);
        let added = sizes.len() as u32;
        match self.chunks.last_mut() {
            Some((_, count)) if continues => *count += added,
            _ => self.chunks.push((position, added)),
        }
    }

    fn boxes(&self) -> Vec<Pieces<'_>> {
        // For chunks from a number on, from 1: how many samples each has.
        let mut groups: Vec<[u32; 3]> = Vec::new();
        for ((_, count), number) in self.chunks.iter().zip(1..) {
            if groups.last().is_none_or(|[_, last, _]| last != count) {
                groups.push([number, *count, 1]);
            }
        }
        let mut sizes = table(b"stsz", &self.sizes);
        // A size of all samples, 0, precedes their number.
        let count = [0, 0, self.count()];
        sizes[0] = Piece::Bytes(head(b"stsz", 4 * self.sizes.len(), &be(&count)));
        let positions = self.chunks.iter().map(|(position, _)| *position);
        let narrow: Result<Vec<u32>, _> = positions.clone().map(u32::try_from).collect();
        let chunks = match narrow {
            Ok(narrow) => list(b"stco", narrow.len(), &narrow),
            Err(_) => {
                let wide: Vec<u8> = positions.flat_map(u64::to_be_bytes).collect();
                atom(b"co64", &[&be(&[0, self.chunks.len() as u32]), &wide])
            }
        };
        let groups = list(b"stsc", groups.len(), groups.as_flattened());
        vec![vec![Piece::Bytes(groups)], sizes, vec![Piece::Bytes(chunks)]]
    }
}

/// What the boxes `mdia` of the tracks differ in.
struct MediaBoxes<'a> {
    handler: &'static [u8; 4],
    name: &'static [u8],
    header: Vec<u8>,
    scale: u32,
    duration: u32,
    language: &'a TrackLanguage,
}

impl MediaBoxes<'_> {
    fn boxes<'n>(&self, entry: &[u8], samples: Vec<Pieces<'n>>) -> Pieces<'n> {
        let times = be(&[self.scale, self.duration]);
        let header = atom(b"mdhd", &[&[0; 12], &times, &self.language.packed, &[0, 0]]);
        let handler = atom(b"hdlr", &[&[0; 8], self.handler, &[0; 12], self.name]);
        let one = [0, 0, 0, 0, 0, 0, 0, 1];
        // The data is in this file.
        let reference = atom(b"dref", &[&one, &atom(b"url ", &[&[0, 0, 0, 1]])]);
        let description = atom(b"stsd", &[&one, entry]);
        let leaf = |bytes: Vec<u8>| vec![Piece::Bytes(bytes)];
        let table = [vec![leaf(description)], samples].into_iter().flatten().collect();
        let table = container(b"stbl", table);
        let data = atom(b"dinf", &[&reference]);
        let info = leaf([self.header.clone(), data].concat());
        let info = container(b"minf", vec![info, table]);
        let header = [header, self.language.extended(), handler].concat();
        container(b"mdia", vec![leaf(header), info])
    }
}
