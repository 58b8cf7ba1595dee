//! The style of captions. Drawing them in it is left to [`canvas`](super::canvas).

/// Look and position of a caption. The default is plain: white with a soft black outline, medium, in
/// the lower third.
///
/// ```
/// use nemovideo::media::{CaptionMode, CaptionPosition, CaptionStyle};
///
/// let mut style = CaptionStyle::default();
/// style.mode = CaptionMode::Boxed;
/// style.position = CaptionPosition::Top;
/// style.color = [255, 240, 200];
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CaptionStyle {
    /// What is drawn with the text.
    pub mode: CaptionMode,
    /// Size of the text.
    pub size: CaptionSize,
    /// Color of the text: red, green and blue.
    pub color: [u8; 3],
    /// Color of the soft outline, or of the box.
    pub outline: [u8; 3],
    /// Position in the frame.
    pub position: CaptionPosition,
}

impl Default for CaptionStyle {
    fn default() -> Self {
        Self {
            mode: CaptionMode::default(),
            size: CaptionSize::default(),
            color: [255; 3],
            outline: [0; 3],
            position: CaptionPosition::default(),
        }
    }
}

/// What is drawn with the text of a caption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum CaptionMode {
    /// A soft outline.
    #[default]
    Plain,
    /// A half-transparent box behind the lines.
    Boxed,
    /// A soft outline, and a bright box behind the word that is spoken, which moves with the words
    /// of the clip.
    Words,
}

/// Size of a caption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum CaptionSize {
    /// Four fifths of the usual size.
    Small,
    /// The usual size of subtitles.
    #[default]
    Medium,
    /// Five fourths of the usual size.
    Large,
}

/// Position of a caption. One that would cover a title or another caption is moved beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum CaptionPosition {
    /// Near the upper edge.
    Top,
    /// In the middle.
    Middle,
    /// In the lower third.
    #[default]
    Bottom,
}

impl CaptionSize {
    /// Returns the size in relation to the usual one.
    pub(crate) const fn factor(self) -> f32 {
        match self {
            Self::Small => 0.8,
            Self::Medium => 1.0,
            Self::Large => 1.25,
        }
    }
}
