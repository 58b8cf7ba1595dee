//! Who speaks, and whether it is written.

/// Who speaks, and in which language.
///
/// ```
/// use nemovideo::project::Voice;
///
/// assert_ne!(Voice::female("en-US"), Voice::male("en-US"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    pub(super) kind: &'static str,
    pub(super) language: String,
}

impl Voice {
    /// A woman's voice in a language, a BCP-47 tag.
    pub fn female(language: impl Into<String>) -> Self {
        Self { kind: "female", language: language.into() }
    }

    /// A man's voice in a language, a BCP-47 tag.
    pub fn male(language: impl Into<String>) -> Self {
        Self { kind: "male", language: language.into() }
    }
}

/// Whether what is spoken is written below the picture.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
/// #     .build()?;
/// # let folder = tempfile::tempdir()?;
/// # let out = folder.path().join("out.mp4");
/// use nemovideo::draft::TrackRole;
/// use nemovideo::project::{Captions, Script};
///
/// for captions in [Captions::On, Captions::Off] {
///     let voiceover = client.voiceover(Script::text("Good morning.")?).captions(captions);
///     let draft = voiceover.save_to(&out).await?.draft;
///     let written = draft.tracks().any(|track| track.role() == Some(TrackRole::Captions));
///     assert_eq!(written, captions == Captions::On);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Captions {
    /// Written.
    #[default]
    On,
    /// Not written.
    Off,
}
