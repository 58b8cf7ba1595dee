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
    ///
    /// ```
    /// use nemovideo::RenderFormat;
    ///
    /// assert_eq!(RenderFormat::from("MP4"), RenderFormat::Mp4);
    /// assert_eq!(RenderFormat::from("prores").as_str(), "prores"); // kept, not refused
    /// ```
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
    ///
    /// ```
    /// use nemovideo::{RenderOutput, RenderQuality};
    ///
    /// assert_eq!(RenderOutput::mp4().quality, RenderQuality::High);
    /// ```
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
    ///
    /// ```
    /// use nemovideo::protocol::RenderStatus;
    ///
    /// assert!(RenderStatus::Failed.is_final() && !RenderStatus::Processing.is_final());
    /// assert!(!RenderStatus::from("queued").is_final()); // a new word: asked again
    /// ```
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
