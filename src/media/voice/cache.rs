//! What a voice has spoken, on the disk, so that a sentence is not spoken again.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use sha2::{Digest as _, Sha256};

use crate::fs::write_whole;
use crate::media::{AudioBuffer, Cancel, lock};
use crate::scratch::ScratchDir;

/// The most that the files take together. An hour of speech at 22 kHz has 160 MB.
const MAX_BYTES: u64 = 1 << 30;

/// Spoken sentences as WAV files in a temporary directory, which is removed with this. The oldest
/// ones are removed when they take too much of the disk.
#[derive(Debug)]
pub(crate) struct SpeechCache {
    files: Mutex<Files>,
    max_bytes: u64,
}

#[derive(Debug, Default)]
struct Files {
    /// Created for the first sentence.
    directory: Option<ScratchDir>,
    /// The files with their sizes, the oldest one first.
    written: VecDeque<(PathBuf, u64)>,
    bytes: u64,
}

impl Default for SpeechCache {
    fn default() -> Self {
        Self { files: Mutex::default(), max_bytes: MAX_BYTES }
    }
}

/// Identifies a sentence and how it is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpeechKey(String);

impl SpeechKey {
    /// Returns the key for all that the audio depends on.
    pub(crate) fn new<'p>(parts: impl IntoIterator<Item = &'p str>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // With its length, so that two lists of parts are never the same bytes.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl SpeechCache {
    /// Returns the audio of a sentence that was spoken.
    pub(crate) fn get(&self, key: &SpeechKey) -> Option<AudioBuffer> {
        let path = lock(&self.files).directory.as_ref()?.path().join(&key.0);
        let wav = fs::read(path).ok()?;
        AudioBuffer::from_file(&wav, &Cancel::new()).ok()
    }

    /// Keeps the audio of a sentence.
    pub(crate) fn put(&self, key: &SpeechKey, audio: &AudioBuffer) -> io::Result<()> {
        let mut files = lock(&self.files);
        let directory = match &mut files.directory {
            Some(directory) => directory,
            none => none.insert(ScratchDir::create()?),
        };
        let path = directory.path().join(&key.0);
        // Another thread may have spoken the same sentence meanwhile.
        if path.exists() {
            return Ok(());
        }
        let wav = audio.to_wav();
        write_whole(&path, &wav)?;
        files.written.push_back((path, wav.len() as u64));
        files.bytes += wav.len() as u64;
        while files.bytes > self.max_bytes {
            let Some((path, bytes)) = files.written.pop_front() else { break };
            fs::remove_file(path)?;
            files.bytes -= bytes;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_found_with_its_key_alone() {
        let cache = SpeechCache::default();
        let key = SpeechKey::new(["ab", "c"]);
        assert_eq!(cache.get(&key), None);
        let audio = AudioBuffer::new(22_050, [1, -2, 3]);
        cache.put(&key, &audio).unwrap();
        cache.put(&key, &AudioBuffer::new(8000, [7])).unwrap();
        assert_eq!(cache.get(&key), Some(audio));
        assert_eq!(cache.get(&SpeechKey::new(["a", "bc"])), None);
    }

    #[test]
    fn the_oldest_sentences_are_removed() {
        // Each file has 44 bytes of header and 6 of samples.
        let cache = SpeechCache { max_bytes: 100, ..SpeechCache::default() };
        let keys = ["a", "b", "c"].map(|text| SpeechKey::new([text]));
        for key in &keys {
            cache.put(key, &AudioBuffer::new(8000, [1, 2, 3])).unwrap();
        }
        let kept = keys.each_ref().map(|key| cache.get(key).is_some());
        assert_eq!(kept, [false, true, true]);
        // One that alone takes too much.
        cache.put(&SpeechKey::new(["d"]), &AudioBuffer::new(8000, [1; 100])).unwrap();
        let directory = lock(&cache.files).directory.as_ref().unwrap().path().to_owned();
        let files = || fs::read_dir(&directory).unwrap().flatten();
        assert_eq!(files().filter(|file| file.file_name().len() == 64).count(), 0);
        drop(cache);
        assert!(!directory.exists());
    }
}
