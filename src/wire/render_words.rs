//! The words that renders are described with: known ones named, unknown ones kept.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A word of the wire that may be new one day: the known ones named, the others kept.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A word that this version does not know, as it came.
            Other(String),
        }

        impl $name {
            /// The word on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word.to_ascii_lowercase().as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other(word.to_owned()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(String::deserialize(deserializer)?.as_str()))
            }
        }
    };
}

word! {
    /// What kind of file.
    RenderFormat {
        /// Picture and sound: H.264 and AAC.
        Mp4 = "mp4",
        /// Sound alone, AAC.
        M4a = "m4a",
        /// Sound alone, uncompressed.
        Wav = "wav",
    }
}

word! {
    /// How good against how large.
    RenderQuality {
        /// The documented value.
        High = "high",
        /// Smaller.
        Medium = "medium",
        /// Smaller still.
        Low = "low",
    }
}

word! {
    /// How far a render is.
    RenderStatus {
        /// Waiting its turn.
        Pending = "pending",
        /// Under way.
        Processing = "processing",
        /// The file is there.
        Completed = "completed",
        /// There will be no file.
        Failed = "failed",
        /// Called off.
        Cancelled = "cancelled",
    }
}

impl RenderStatus {
    /// Whether this is the last word on the render.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// The shape of the picture, up to 1080 × 1920 as documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Aspect {
    /// 16:9, 1920 × 1080.
    #[default]
    #[serde(rename = "16:9", alias = "landscape")]
    Landscape,
    /// 9:16, 1080 × 1920.
    #[serde(rename = "9:16", alias = "portrait")]
    Portrait,
    /// 1:1, 1080 × 1080.
    #[serde(rename = "1:1", alias = "square")]
    Square,
}

impl Aspect {
    /// The ratio as text, `16:9`.
    #[must_use]
    pub const fn ratio(self) -> &'static str {
        match self {
            Self::Landscape => "16:9",
            Self::Portrait => "9:16",
            Self::Square => "1:1",
        }
    }

    /// Width and height in pixels.
    #[must_use]
    pub const fn size(self) -> (u32, u32) {
        match self {
            Self::Landscape => (1920, 1080),
            Self::Portrait => (1080, 1920),
            Self::Square => (1080, 1080),
        }
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ratio())
    }
}
