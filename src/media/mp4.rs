//! Writes MP4 and M4A files (ISO/IEC 14496-12, 14, 15) with their index first, so that they play
//! while they are downloaded. The media data is written as it comes, behind room for the index, whose
//! size follows from the number of frames: what is kept of a frame is its size and position.

use std::io::{self, Seek, SeekFrom, Write};

use super::audio::encode::{AAC_FRAME, AacSegment, SEGMENT_FRAMES};
use super::audio::mix::SAMPLE_RATE;
use super::h264::FRAME_RATE;
use super::h264::skip::{PICTURE_PARAMETERS, SEQUENCE_PARAMETERS, nal_units};
use super::{FrameSize, MediaError};

/// Time units of the file, the same as those of the audio.
const TIME_SCALE: u32 = SAMPLE_RATE;
/// Time units of a frame of the video, in its own scale.
const FRAME_TIME: u32 = 1000;
/// Room for everything in the index but its tables.
const FIXED: u64 = 4096;
/// Size of the header of a box.
const HEADER: u64 = 8;

/// The video of a file, as far as it is known beforehand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VideoTrack {
    pub(crate) size: FrameSize,
    pub(crate) frames: u32,
    pub(crate) key_frames: usize,
}

/// Writes an MP4, or an M4A if it has no video.
pub(crate) struct Mp4Writer<W> {
    file: W,
    /// Position of the room for the index, and of the media data behind it.
    index: u64,
    data: u64,
    position: u64,
    tracks: Tracks,
}

/// What the index says.
struct Tracks {
    video: Option<VideoTrack>,
    /// The parameter sets of the video.
    parameters: Vec<Vec<u8>>,
    frames: SampleTable,
    /// Numbers of the key frames, from 1.
    key_frames: Vec<u32>,
    audio: SampleTable,
}

/// Sizes of the samples of a track and positions of its chunks.
#[derive(Debug, Default)]
struct SampleTable {
    sizes: Vec<u32>,
    chunks: Vec<u32>,
    /// For chunks from a number on, from 1: how many samples each has.
    counts: Vec<[u32; 2]>,
}

impl<W: Write + Seek> Mp4Writer<W> {
    /// Begins a file with a number of AAC frames.
    pub(crate) fn new(
        mut file: W,
        video: Option<VideoTrack>,
        audio_frames: u64,
    ) -> Result<Self, MediaError> {
        let (brand, others) = match video {
            Some(_) => (b"isom", &b"isomiso2avc1mp41"[..]),
            None => (b"M4A ", &b"M4A isommp42"[..]),
        };
        let kind = atom(b"ftyp", &[&brand[..], &[0, 0, 2, 0], others]);
        let index = kind.len() as u64;
        let entries = audio_frames + audio_frames.div_ceil(SEGMENT_FRAMES) + 1;
        let of_video =
            video.map_or(0, |video| 2 * u64::from(video.frames) + video.key_frames as u64);
        let data = index + FIXED + 4 * (entries + of_video);
        let position = data + HEADER;
        file.write_all(&kind).map_err(failed())?;
        file.seek(SeekFrom::Start(position)).map_err(failed())?;
        let frames = SampleTable::with_capacity(video.map_or(0, |video| video.frames as usize));
        let audio = SampleTable::with_capacity(audio_frames as usize);
        let (parameters, key_frames) = (Vec::new(), Vec::new());
        let tracks = Tracks { video, parameters, frames, key_frames, audio };
        Ok(Self { file, index, data, position, tracks })
    }

    /// Appends a frame of the video, an Annex B access unit.
    pub(crate) fn video(&mut self, data: &[u8], is_key: bool) -> Result<(), MediaError> {
        let chunk = self.chunk()?;
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
        self.tracks.frames.push(chunk, &[size]);
        if is_key {
            self.tracks.key_frames.push(self.tracks.frames.sizes.len() as u32);
        }
        Ok(())
    }

    /// Appends a segment of the audio.
    pub(crate) fn audio(&mut self, segment: &AacSegment) -> Result<(), MediaError> {
        let chunk = self.chunk()?;
        self.write(segment.data())?;
        self.tracks.audio.push(chunk, segment.sizes());
        Ok(())
    }

    /// Writes the index. `length` is the number of samples of the audio, behind the first frame in a
    /// file without video.
    pub(crate) fn finish(mut self, length: u64) -> Result<(), MediaError> {
        let end = self.position;
        let size = u32::try_from(end - self.data).map_err(|_| too_large())?;
        let index = self.tracks.index_box(length)?;
        let room = self.data - self.index;
        let free = room.checked_sub(length_of(&index) + HEADER);
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
        for bytes in [&free[..], &size.to_be_bytes(), b"mdat"] {
            file.write_all(bytes).map_err(failed())?;
        }
        file.flush().map_err(failed())
    }

    fn chunk(&self) -> Result<u32, MediaError> {
        u32::try_from(self.position).map_err(|_| too_large())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        self.position += bytes.len() as u64;
        self.file.write_all(bytes).map_err(failed())
    }
}

impl Tracks {
    fn index_box(&self, length: u64) -> Result<Pieces<'_>, MediaError> {
        let length = u32::try_from(length).map_err(|_| too_large())?;
        let scale = u64::from(TIME_SCALE) / u64::from(FRAME_RATE);
        let of_video = (self.frames.sizes.len() as u64 * scale) as u32;
        let of_audio = match self.video {
            Some(_) => self.audio.sizes.len() as u32 * AAC_FRAME as u32,
            None => length,
        };
        let mut tracks = Vec::new();
        if let Some(video) = &self.video {
            tracks.push(self.video_track(video, of_video));
        }
        let id = tracks.len() as u32 + 1;
        tracks.push(self.audio_track(id, of_audio, length));
        let header = atom(
            b"mvhd",
            &[
                &[0; 12],
                &be(&[TIME_SCALE, of_video.max(of_audio), 0x1_0000]),
                &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                &be(&MATRIX),
                &[0; 24],
                &be(&[id + 1]),
            ],
        );
        tracks.insert(0, vec![Piece::Bytes(header)]);
        Ok(container(b"moov", tracks))
    }

    fn video_track(&self, video: &VideoTrack, duration: u32) -> Pieces<'_> {
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
            ],
        );
        let frames = self.frames.sizes.len() as u32;
        let times = vec![Piece::Bytes(list(b"stts", 1, &[frames, FRAME_TIME]))];
        let keys = table(b"stss", &self.key_frames);
        let samples = [vec![times, keys], self.frames.boxes()].into_iter().flatten().collect();
        let media = MediaBoxes {
            handler: b"vide",
            name: b"VideoHandler\0",
            header: atom(b"vmhd", &[&[0, 0, 0, 1], &[0; 8]]),
            scale: FRAME_RATE * FRAME_TIME,
            duration: frames * FRAME_TIME,
        };
        let track = track_header(1, duration, 0, (width << 16, height << 16));
        container(b"trak", vec![vec![Piece::Bytes(track)], media.boxes(&entry, samples)])
    }

    fn audio_track(&self, id: u32, duration: u32, length: u32) -> Pieces<'_> {
        let descriptor = |tag: u8, content: &[&[u8]]| {
            let content = content.concat();
            [&[tag, content.len() as u8][..], &content].concat()
        };
        let bytes: u64 = self.audio.sizes.iter().map(|size| u64::from(*size)).sum();
        let rate = bytes * 8 * u64::from(SAMPLE_RATE) / u64::from(duration.max(1));
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
        let frames = self.audio.sizes.len() as u32;
        let times = vec![Piece::Bytes(list(b"stts", 1, &[frames, AAC_FRAME as u32]))];
        let samples = [vec![times], self.audio.boxes()].into_iter().flatten().collect();
        let media = MediaBoxes {
            handler: b"soun",
            name: b"SoundHandler\0",
            header: atom(b"smhd", &[&[0; 8]]),
            scale: SAMPLE_RATE,
            duration: frames * AAC_FRAME as u32,
        };
        let track = track_header(id, duration, 0x100, (0, 0));
        let edits = match self.video {
            Some(_) => Vec::new(),
            // Skips the frame that primes the decoder, and what follows the last sample.
            None => {
                let edit = [length, AAC_FRAME as u32, 0x1_0000];
                atom(b"edts", &[&list(b"elst", 1, &edit)])
            }
        };
        let edited = Piece::Bytes([track, edits].concat());
        container(b"trak", vec![vec![edited], media.boxes(&entry, samples)])
    }
}

impl SampleTable {
    fn with_capacity(samples: usize) -> Self {
        Self { sizes: Vec::with_capacity(samples), ..Self::default() }
    }

    /// Adds a chunk of samples at a position.
    fn push(&mut self, position: u32, sizes: &[u32]) {
        self.sizes.extend_from_slice(sizes);
        self.chunks.push(position);
        let count = sizes.len() as u32;
        if self.counts.last().is_none_or(|[_, last]| *last != count) {
            self.counts.push([self.chunks.len() as u32, count]);
        }
    }

    fn boxes(&self) -> Vec<Pieces<'_>> {
        let groups: Vec<u32> =
            self.counts.iter().flat_map(|[first, count]| [*first, *count, 1]).collect();
        let mut sizes = table(b"stsz", &self.sizes);
        // A size of all samples, 0, precedes their number.
        let count = [0, 0, self.sizes.len() as u32];
        sizes[0] = Piece::Bytes(head(b"stsz", 4 * self.sizes.len(), &be(&count)));
        let chunks = table(b"stco", &self.chunks);
        vec![vec![Piece::Bytes(list(b"stsc", self.counts.len(), &groups))], sizes, chunks]
    }
}

/// What the boxes `mdia` of two tracks differ in.
struct MediaBoxes {
    handler: &'static [u8; 4],
    name: &'static [u8],
    header: Vec<u8>,
    scale: u32,
    duration: u32,
}

impl MediaBoxes {
    fn boxes<'n>(&self, entry: &[u8], samples: Vec<Pieces<'n>>) -> Pieces<'n> {
        // The language is undetermined: `und` in five bits a letter.
        let header =
            atom(b"mdhd", &[&[0; 12], &be(&[self.scale, self.duration]), &[0x55, 0xC4, 0, 0]]);
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
        container(b"mdia", vec![leaf([header, handler].concat()), info])
    }
}

/// The identity, as a matrix of 16.16 and 2.30 numbers.
const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

fn track_header(id: u32, duration: u32, volume: u16, (width, height): (u32, u32)) -> Vec<u8> {
    atom(
        b"tkhd",
        &[
            // Enabled, in the movie, in its preview.
            &[0, 0, 0, 7],
            &[0; 8],
            &be(&[id, 0, duration]),
            &[0; 12],
            &volume.to_be_bytes(),
            &[0; 2],
            &be(&MATRIX),
            &be(&[width, height]),
        ],
    )
}

/// Returns a box.
fn atom(kind: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let size = HEADER as usize + content.iter().map(|part| part.len()).sum::<usize>();
    let mut atom = Vec::with_capacity(size);
    atom.extend((size as u32).to_be_bytes());
    atom.extend(kind);
    content.iter().for_each(|part| atom.extend(*part));
    atom
}

/// Returns a box with a version, flags, and a number of entries.
fn list(kind: &[u8; 4], entries: usize, numbers: &[u32]) -> Vec<u8> {
    atom(kind, &[&[0; 4], &be(&[entries as u32]), &be(numbers)])
}

/// The index in parts: its long tables are not copied from box to box.
type Pieces<'n> = Vec<Piece<'n>>;

enum Piece<'n> {
    Bytes(Vec<u8>),
    Numbers(&'n [u32]),
}

fn length_of(pieces: &[Piece<'_>]) -> u64 {
    let length = |piece: &Piece<'_>| match piece {
        Piece::Bytes(bytes) => bytes.len(),
        Piece::Numbers(numbers) => 4 * numbers.len(),
    };
    pieces.iter().map(length).sum::<usize>() as u64
}

/// Returns a box like [`list`], with an entry for each number.
fn table<'n>(kind: &[u8; 4], numbers: &'n [u32]) -> Pieces<'n> {
    let count = be(&[0, numbers.len() as u32]);
    vec![Piece::Bytes(head(kind, 4 * numbers.len(), &count)), Piece::Numbers(numbers)]
}

/// Returns a box of boxes.
fn container<'n>(kind: &[u8; 4], boxes: Vec<Pieces<'n>>) -> Pieces<'n> {
    let content: Pieces<'n> = boxes.into_iter().flatten().collect();
    let mut pieces = vec![Piece::Bytes(head(kind, length_of(&content) as usize, &[]))];
    pieces.extend(content);
    pieces
}

/// Returns the start of a box that has `more` bytes behind it.
fn head(kind: &[u8; 4], more: usize, start: &[u8]) -> Vec<u8> {
    let size = HEADER as usize + start.len() + more;
    [&(size as u32).to_be_bytes()[..], kind, start].concat()
}

fn be(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn failed() -> impl FnOnce(io::Error) -> MediaError {
    MediaError::io("write the video")
}

fn too_large() -> MediaError {
    MediaError::Encode(
        "MP4: the file is larger than 4 GB; choose a lower quality, or make several videos"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::time::Duration;

    use super::*;
    use crate::media::Cancel;
    use crate::media::audio::encode::{frame_count, segment, segment_count};
    use crate::media::audio::mix::AudioMix;

    /// Returns the kinds of the boxes of a file, which must fill it.
    fn kinds(mut file: &[u8]) -> Vec<[u8; 4]> {
        let mut kinds = Vec::new();
        while !file.is_empty() {
            let size = u32::from_be_bytes([file[0], file[1], file[2], file[3]]) as usize;
            kinds.push([file[4], file[5], file[6], file[7]]);
            file = &file[size.max(8)..];
        }
        kinds
    }

    #[test]
    fn the_index_fits_its_room_whatever_the_number_of_frames() {
        let size = FrameSize { width: 64, height: 64 };
        let track = |frames: u32| VideoTrack { size, frames, key_frames: frames as usize };
        for (video, millis) in [
            (None, 100),
            // A whole number of segments: 2 × 245,760 samples.
            (None, 10_240),
            (Some(track(1)), 100),
            (Some(track(20_000)), 5000),
            (Some(track(30)), 21_000),
        ] {
            let mix = AudioMix::new(&[], Duration::from_millis(millis), &Cancel::new()).unwrap();
            let mut file = Cursor::new(Vec::new());
            let mut mp4 = Mp4Writer::new(&mut file, video, frame_count(&mix)).unwrap();
            for _ in 0..video.map_or(0, |video| video.frames) {
                mp4.video(b"\0\0\0\x01\x65\x88", true).unwrap();
            }
            for index in 0..segment_count(&mix) {
                let segment = segment(&mix, 5, index, |_| {}, &Cancel::new()).unwrap();
                mp4.audio(&segment).unwrap();
            }
            mp4.finish(mix.length()).unwrap();
            let expected = [*b"ftyp", *b"moov", *b"free", *b"mdat"];
            assert_eq!(kinds(&file.into_inner()), expected, "{video:?}, {millis} ms");
        }
    }

    #[test]
    fn positions_that_a_file_cannot_express_are_an_error() {
        let mut mp4 = Mp4Writer::new(Cursor::new(Vec::new()), None, 0).unwrap();
        mp4.position = 2 * u64::from(u32::MAX);
        let errors = [
            mp4.video(b"\0\0\0\x01\x65\x88", true),
            mp4.audio(&AacSegment::default()),
            mp4.finish(0),
        ];
        for error in errors {
            assert!(error.unwrap_err().to_string().contains("larger than 4 GB"));
        }
    }
}
