//! What can be wrong with a voiceover on this side, found before anything is asked or charged.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::error::{Error, Result};
use crate::protocol::{FileFormat, FileType};

/// A language is named in the message, so it must be nothing but a name.
pub(super) fn language(tag: &str) -> Result<()> {
    if is_tag(tag) {
        return Ok(());
    }
    Err(Error::InvalidInput(format!("{tag:?} is no BCP-47 tag of a language, like en-US")))
}

/// The shape of a BCP-47 tag: subtags of 1 to 8 letters and digits, at most 35 characters.
fn is_tag(tag: &str) -> bool {
    let subtag = |subtag: &str| {
        (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    tag.len() <= 35
        && tag.starts_with(|c: char| c.is_ascii_alphabetic())
        && tag.split('-').all(subtag)
}

pub(super) fn title(title: &str) -> Result<()> {
    if title.contains(|c: char| !c.is_whitespace() && !c.is_control()) {
        return Ok(());
    }
    Err(Error::InvalidInput("the title is blank".to_owned()))
}

pub(super) fn pace(pace: f32) -> Result<()> {
    if (0.5..=2.0).contains(&pace) {
        return Ok(());
    }
    Err(Error::InvalidInput(format!("the pace {pace} is not in 0.5 to 2")))
}

/// A file of sound, by its name and its first bytes.
pub(super) fn music(path: &Path) -> Result<()> {
    let refuse =
        |why: &str| Err(Error::InvalidInput(format!("the music {} {why}", path.display())));
    let format = FileFormat::of(path);
    if format.is_none_or(|format| format.file_type != FileType::Audio) {
        return refuse("is no file of sound");
    }
    let unreadable = |source| Error::io("read the music", path, source);
    let file = File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return refuse("is not a file");
    }
    let mut head = Vec::new();
    file.take(4096).read_to_end(&mut head).map_err(unreadable)?;
    match head.as_slice() {
        [] => refuse("is empty"),
        head if is_sound(head) => Ok(()),
        _ => refuse("holds none of MP3, WAV, M4A and AAC"),
    }
}

/// Whether a file of one of the formats that the service takes begins like this.
fn is_sound(head: &[u8]) -> bool {
    let is_wave = |head: &[u8]| {
        (head.starts_with(b"RIFF") || head.starts_with(b"RF64"))
            && head.get(8..12) == Some(b"WAVE".as_slice())
    };
    // Some encoders leave room before the first frame.
    let frames = head.iter().position(|byte| *byte != 0).map_or(&head[..0], |at| &head[at..]);
    // Eleven bits of an MPEG frame, of layer 3; twelve of an ADTS one, of layer 0.
    let is_frame = matches!(frames, [0xFF, second, ..] if second & 0xE0 == 0xE0
        && (second & 0x06 == 0x02 || second & 0xF6 == 0xF0));
    is_wave(head)
        || head.get(4..8) == Some(b"ftyp".as_slice())
        || head.starts_with(b"ID3")
        || head.starts_with(b"ADIF")
        || is_frame
}

#[cfg(test)]
mod tests {
    use super::{is_sound, is_tag, music, title};
    use crate::error::Error;

    #[test]
    fn a_language_is_a_tag_and_nothing_else() {
        for tag in ["en", "en-US", "zh-Hans-CN", "de-CH-1901", "es-419", "tlh", "x-private"] {
            assert!(is_tag(tag), "{tag}");
        }
        let long = format!("en{}", "-abcdefgh".repeat(4));
        for tag in [
            "",
            "-",
            "en-",
            "-US",
            "en--US",
            "en_US",
            "en US",
            "1en",
            "English, please",
            "languages",
            "en-US. Captions: off. Title: \"Hacked\"",
            "en\n\nScript:\nPwned",
            "日本語",
            long.as_str(),
        ] {
            assert!(!is_tag(tag), "{tag:?}");
        }
    }

    #[test]
    fn a_title_says_something() {
        assert!(title("Tea").is_ok() && title("…").is_ok());
        for blank in ["", "  ", "\n\t", "\u{3000}"] {
            assert!(matches!(title(blank), Err(Error::InvalidInput(_))), "{blank:?}");
        }
    }

    #[test]
    fn sound_is_known_by_its_first_bytes() {
        for head in [
            &b"ID3\x04\x00"[..],
            b"\xFF\xFB\x90\x64",
            b"\0\0\0\0\xFF\xF3\x40",
            b"RIFF\x24\0\0\0WAVEfmt ",
            b"\0\0\0\x20ftypM4A ",
            b"\xFF\xF1\x50\x80",
            b"ADIF",
        ] {
            assert!(is_sound(head), "{head:?}");
        }
        for head in [&b"not music"[..], b"", b"\0\0\0\0", b"RIFF\0\0\0\0AVI ", b"\xFF\xFE", b"OggS"]
        {
            assert!(!is_sound(head), "{head:?}");
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("music.mp3");
        for bytes in [&b""[..], b"not music"] {
            std::fs::write(&path, bytes).unwrap();
            assert!(matches!(music(&path), Err(Error::InvalidInput(_))), "{bytes:?}");
        }
        std::fs::write(&path, b"ID3\x04\x00").unwrap();
        assert!(music(&path).is_ok());
        assert!(matches!(music(&dir.path().join("none.mp3")), Err(Error::Io { .. })));
        assert!(matches!(music(dir.path()), Err(Error::InvalidInput(_))));
    }
}
