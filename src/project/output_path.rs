//! Where a video is to be written: found out before anything is asked, not after it was paid for.

use std::path::Path;

use crate::error::{Error, Result};
use crate::fs::ensure_writable;
use crate::protocol::{RenderFormat, RenderOutput};

/// The kind of file that a name asks for, in a place where it can be written. The place is tried
/// as the download will write there, and nothing is left behind.
pub(super) fn output_for(path: &Path) -> Result<RenderOutput> {
    let output = named_by(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(refused(
            path,
            format!("there is no folder {:?}", folder.display().to_string()),
        ));
    }
    ensure_writable(path).map_err(|error| refused(path, error.to_string()))?;
    Ok(output)
}

/// The kind of file that a name asks for.
pub(super) fn named_by(path: &Path) -> Result<RenderOutput> {
    let extension = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "mp4" => Ok(RenderOutput::new(RenderFormat::Mp4)),
        "m4a" => Ok(RenderOutput::new(RenderFormat::M4a)),
        "wav" => Ok(RenderOutput::new(RenderFormat::Wav)),
        _ => Err(refused(path, "it ends in none of .mp4, .m4a and .wav".to_owned())),
    }
}

fn refused(path: &Path, why: String) -> Error {
    // A name may hold anything, also what a terminal would obey.
    Error::InvalidInput(format!("{:?} cannot be written: {why}", path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::output_for;
    use crate::error::Error;
    use crate::protocol::RenderFormat;

    #[test]
    fn a_place_is_tried_and_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.WAV");
        assert_eq!(output_for(&path).unwrap().format, RenderFormat::Wav);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

        std::fs::write(&path, "what is there stays").unwrap();
        output_for(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"what is there stays");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_bad_input() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir(path("folder.mp4")).unwrap();
        let long = "a".repeat(300) + ".mp4";
        for (name, word) in [
            ("film.avi", ".mp4"),
            ("film", ".mp4"),
            ("no/film.mp4", "no folder"),
            ("folder.mp4", "folder"),
            (long.as_str(), "long"),
            ("a\0b.mp4", "cannot be written"),
        ] {
            let error = output_for(&path(name)).unwrap_err();
            assert!(matches!(error, Error::InvalidInput(_)), "{name}: {error}");
            assert!(error.to_string().contains(word), "{name}: {error}");
        }
        #[cfg(target_os = "linux")]
        assert!(matches!(output_for("/proc/film.mp4".as_ref()), Err(Error::InvalidInput(_))));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
