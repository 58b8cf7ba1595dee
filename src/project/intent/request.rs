//! What a sentence says of the order that it gives. How it was said is left to the lexicon.

use std::path::PathBuf;

use crate::protocol::{Aspect, RenderFormat, RenderOutput, RenderQuality};

/// What the user said of the file to be made; what was not said is `None`.
///
/// ```
/// use nemovideo::project::Intent;
/// use nemovideo::{Aspect, RenderFormat};
///
/// let Intent::Export(asked) = Intent::of("export a vertical video in 720p") else { panic!() };
/// assert_eq!((asked.aspect, asked.resolution), (Some(Aspect::Portrait), Some(720)));
/// assert_eq!(asked.format, None); // nothing was said of it
/// assert_eq!(asked.output().format, RenderFormat::Mp4);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportRequest {
    /// The kind of file. One that the service does not name is kept, not replaced.
    pub format: Option<RenderFormat>,
    /// How good.
    pub quality: Option<RenderQuality>,
    /// The shape of the picture.
    pub aspect: Option<Aspect>,
    /// The short side in pixels: 1080 for "1080p". The wire has no word for it and the service
    /// goes no further than 1080, so [`output`](Self::output) can only choose a quality by it.
    pub resolution: Option<u32>,
}

impl ExportRequest {
    /// What to ask of the service: what was said, and the documented defaults for the rest.
    ///
    /// A quality that was said wins over the one that a resolution stands for: high from 1080
    /// up, medium from 720 up, low below.
    ///
    /// ```
    /// use nemovideo::project::Intent;
    /// use nemovideo::{Aspect, RenderOutput, RenderQuality};
    ///
    /// let Intent::Export(export) = Intent::of("导出720p竖屏视频") else { panic!("an order") };
    /// let expected = RenderOutput::mp4().quality(RenderQuality::Medium).aspect(Aspect::Portrait);
    /// assert_eq!(export.output(), expected);
    /// ```
    #[must_use]
    pub fn output(&self) -> RenderOutput {
        let quality = self.quality.clone().or_else(|| {
            self.resolution.map(|lines| match lines {
                1080.. => RenderQuality::High,
                720.. => RenderQuality::Medium,
                _ => RenderQuality::Low,
            })
        });
        let mut output = RenderOutput::new(self.format.clone().unwrap_or(RenderFormat::Mp4));
        if let Some(quality) = quality {
            output = output.quality(quality);
        }
        if let Some(aspect) = self.aspect {
            output = output.aspect(aspect);
        }
        output
    }
}

/// The files that the user named; none when they only said that they want to upload.
///
/// They are names, not promises: whether they are there and of a kind that the service takes is
/// for the upload to find out.
///
/// ```
/// use nemovideo::project::Intent;
///
/// let Intent::Upload(hint) = Intent::of("upload ~/clips/beach.mp4") else { panic!() };
/// assert_eq!(hint.files, [std::path::PathBuf::from("~/clips/beach.mp4")]);
/// let Intent::Upload(hint) = Intent::of("upload") else { panic!() };
/// assert!(hint.is_empty()); // which files is not said
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadHint {
    /// On this machine. A `~` is left for the caller, who knows whose home it is.
    pub files: Vec<PathBuf>,
    /// For the service to fetch; as written, since a signed address must not change.
    pub urls: Vec<String>,
}

impl UploadHint {
    /// Whether no file was named.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.files.is_empty() && self.urls.is_empty()
    }
}
