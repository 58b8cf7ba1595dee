//! Audio that stays in its file and is read as it is mixed: the narration of a long video takes no
//! memory.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::wav;

/// A WAV file as [`AudioBuffer::to_wav`](super::AudioBuffer::to_wav) makes it.
#[derive(Debug, Clone)]
pub(crate) struct StoredAudio {
    path: PathBuf,
    sample_rate: u32,
    length: usize,
}

impl StoredAudio {
    /// Looks at a file; `None` if it is any other one, which must be decoded.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut file = File::open(path)?;
        let mut header = [0; wav::HEADER];
        let length = file.metadata()?.len();
        let Some(data) = length.checked_sub(wav::HEADER as u64).filter(|data| *data > 0) else {
            return Ok(None);
        };
        file.read_exact(&mut header)?;
        let rate = u32::from_le_bytes([header[24], header[25], header[26], header[27]]);
        let is_known = super::Limits::check_rate(rate).is_ok() && data % 2 == 0;
        let length = data / 2;
        if !is_known || header != wav::header(rate, length) {
            return Ok(None);
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(Some(Self { path: path.to_owned(), sample_rate: rate, length }))
    }

    pub(crate) const fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Returns the number of samples.
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    /// Reads some samples. The file is open meanwhile only: a video has hundreds of them.
    pub(crate) fn read(&self, range: Range<usize>) -> io::Result<Vec<i16>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start((wav::HEADER + 2 * range.start) as u64))?;
        let mut bytes = vec![0; 2 * range.len()];
        file.read_exact(&mut bytes)?;
        Ok(bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::AudioBuffer;

    #[test]
    fn a_file_that_was_cut_or_removed_meanwhile_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audio.wav");
        let wav = AudioBuffer::new(16_000, vec![7_i16; 100]).to_wav();
        std::fs::write(&path, &wav).unwrap();
        let stored = StoredAudio::open(&path).unwrap().unwrap();
        std::fs::write(&path, &wav[..wav::HEADER + 2 * 8]).unwrap();
        assert_eq!(stored.read(0..8).unwrap(), [7; 8]);
        assert_eq!(stored.read(0..9).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(stored.read(0..8).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn only_a_file_of_this_crate_is_left_on_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audio.wav");
        let open = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            StoredAudio::open(&path).unwrap()
        };
        let wav = AudioBuffer::new(14_000, (0..100).collect::<Vec<_>>()).to_wav();
        let stored = open(&wav).unwrap();
        assert_eq!((stored.sample_rate(), stored.len()), (14_000, 100));
        assert_eq!(stored.read(40..43).unwrap(), [40, 41, 42]);
        assert!(open(&wav[..wav.len() - 2]).is_none());
        assert!(open(&[&wav[..], b"more"].concat()).is_none());
        assert!(open(b"RIFF").is_none());
        for at in 0..wav::HEADER {
            let mut other = wav.clone();
            other[at] ^= 1;
            assert!(open(&other).is_none(), "{at}");
        }
    }
}
