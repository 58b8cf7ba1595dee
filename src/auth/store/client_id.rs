//! The client id's file, which people write too: with editors that put a mark before the text, and
//! with shells that write UTF-16.

use std::path::Path;
use std::{fs, io};

use uuid::Uuid;

use crate::protocol::ClientId;

/// How many files may be set aside. Past them the last is replaced: a service that takes no id at
/// all must not fill the disk.
const MOST_ASIDE: u32 = 9;

/// The id in the first line that is not blank.
pub(super) fn read(bytes: &[u8]) -> Option<ClientId> {
    let text = text(bytes)?;
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let id = lines.find(|line| !line.is_empty())?;
    (Uuid::parse_str(id).is_ok() || is_word(id)).then(|| ClientId::new(id))
}

/// Whether it may be an id that is no UUID; the service has the last word on it. A word like
/// `null` or `undefined` is none: it would be everybody's account.
fn is_word(id: &str) -> bool {
    (8..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        && id.bytes().any(|byte| byte.is_ascii_digit())
}

/// UTF-8, or UTF-16 with or without its mark.
fn text(bytes: &[u8]) -> Option<String> {
    let number = match bytes {
        [0xff, 0xfe, ..] | [1..=255, 0, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] | [0, 1..=255, ..] => u16::from_be_bytes,
        _ => return String::from_utf8(bytes.to_vec()).ok(),
    };
    let units = bytes.chunks_exact(2).map(|pair| number([pair[0], pair[1]]));
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}

/// Gives a file another name, so that another can have its own.
pub(super) fn set_aside(path: &Path) -> io::Result<()> {
    let aside = |number| match number {
        1 => path.with_extension("old"),
        _ => path.with_extension(format!("old.{number}")),
    };
    let number = (1..MOST_ASIDE).find(|number| fs::symlink_metadata(aside(*number)).is_err());
    let aside = aside(number.unwrap_or(MOST_ASIDE));
    match fs::rename(path, &aside) {
        Ok(()) => {
            tracing::warn!(path = %aside.display(), "a client id was set aside for a new one");
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether a name is the file's, or one that was set aside.
pub(super) fn is_ours(name: &str) -> bool {
    name == "client_id" || name.starts_with("client_id.old")
}

#[cfg(test)]
mod tests {
    use super::{MOST_ASIDE, read, set_aside};

    const ID: &str = "5ec2e7c1-1d00-4000-8000-000000000000";

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn an_id_is_read_however_it_was_saved() {
        let marked = format!("\u{feff}{ID}\r\n");
        for bytes in [
            ID.as_bytes().to_vec(),
            format!("{ID}\n").into_bytes(),
            format!("\r\n \n\t{ID} \r\n").into_bytes(),
            format!("{ID}\nmade by hand\n").into_bytes(),
            marked.clone().into_bytes(),
            utf16(&marked, u16::to_le_bytes),
            utf16(&marked, u16::to_be_bytes),
            utf16(&marked[3..], u16::to_le_bytes),
            utf16(&marked[3..], u16::to_be_bytes),
        ] {
            assert_eq!(read(&bytes).unwrap().as_str(), ID, "{bytes:02x?}");
        }
        // Not of our making, and an account may hang on it.
        assert_eq!(read(b"client-4711\n").unwrap().as_str(), "client-4711");
    }

    #[test]
    fn what_cannot_be_an_id_is_none() {
        let long = "1".repeat(129);
        for text in [
            "",
            "\n\n",
            "not an id\r\nx-evil: 1",
            "null",
            "undefined",
            "4711",
            "<html>404</html>",
            "\"5ec2e7c1\"",
            "ä1234567",
            &long,
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(read(b"\xc3\x28\x99"), None);
        assert_eq!(read(&[0xff, 0xfe, 0x00, 0xd8]), None, "half a pair");
        assert_eq!(read(&[0; 36]), None);
    }

    #[test]
    fn the_first_id_set_aside_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("client_id");
        set_aside(&path).unwrap();
        for number in 0..30 {
            std::fs::write(&path, number.to_string()).unwrap();
            set_aside(&path).unwrap();
        }
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(read("client_id.old"), "0");
        assert_eq!(read("client_id.old.2"), "1");
        let files = std::fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(files, usize::try_from(MOST_ASIDE).unwrap());
    }
}
