//! The main job in one call: a script in, a narrated video out.
//!
//! | file | holds |
//! |---|---|
//! | `voice` | who speaks, and whether it is written |
//! | `stage` | how far it is, and what to go on with |
//! | `checks` | what can be wrong on this side |
//! | `make` | the work |

mod checks;
mod make;
mod stage;
mod voice;

use std::fmt;
use std::future::IntoFuture;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use super::{Script, TurnReport};
use crate::NemoClient;
use crate::client::RenderedVideo;
use crate::draft::Draft;
use crate::error::Result;
use crate::protocol::Aspect;

pub use stage::VoiceoverStage;
pub use voice::{Captions, Voice};

type Progress = Arc<dyn Fn(VoiceoverStage) + Send + Sync>;

/// A voiceover that is about to be made; `.await` makes it.
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
/// # let project = client.project("demo").await?;
/// use nemovideo::project::{Captions, Script, Voice, VoiceoverStage};
/// use nemovideo::Error;
///
/// let voiceover = || client.voiceover(Script::text("Good morning.").expect("a script"));
/// // What is wrong is told before anything is asked or charged.
/// let refused = voiceover().save_to("out.avi").await;
/// assert!(matches!(refused, Err(Error::InvalidInput(_))));
/// assert!(voiceover().save_to("/no/such/folder/out.mp4").await.is_err());
/// assert!(voiceover().pace(9.0).await.is_err() && voiceover().title(" ").await.is_err());
/// assert!(voiceover().language("English, please").await.is_err());
/// assert_eq!(backend.counters().messages_run, 0);
///
/// # let folder = tempfile::tempdir()?;
/// let video = voiceover()
///     .voice(Voice::male("en-GB"))
///     .pace(1.25)
///     .captions(Captions::Off)
///     .title("Morning Brew")
///     .on_progress(|stage: VoiceoverStage| println!("{stage:?}"))
///     .save_to(folder.path().join("out.mp4"))
///     .await?;
/// assert!(video.draft.summary().contains("Morning Brew"));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone)]
#[must_use = "a voiceover is made when it is awaited"]
pub struct Voiceover {
    client: NemoClient,
    script: Script,
    voice: Voice,
    pace: f32,
    aspect: Aspect,
    captions: Captions,
    title: Option<String>,
    music: Option<PathBuf>,
    save_to: PathBuf,
    progress: Option<Progress>,
}

/// A narrated video that was made.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::RenderPolling::new(std::time::Duration::from_millis(20), 500))
/// #     .build()?;
/// # let folder = tempfile::tempdir()?;
/// # let out = folder.path().join("out.mp4");
/// use nemovideo::{Credits, project::Script};
///
/// let video = client.voiceover(Script::text("Good morning.")?).save_to(&out).await?;
/// assert_eq!(std::fs::metadata(&video.path)?.len(), video.bytes);
/// assert_eq!(video.report.spent, Some(Credits::new(20.0)));
/// // The film is as long as its timeline, to a frame or so.
/// let length = video.video.duration.ok_or("no length")?;
/// assert!(length.abs_diff(video.draft.duration()).as_millis() < 100);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VoiceoverVideo {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The render behind it.
    pub video: RenderedVideo,
    /// Its timeline.
    pub draft: Draft,
    /// What the agent said and what it cost.
    pub report: TurnReport,
}

impl NemoClient {
    /// Makes a narrated video of a script: opens a session, has it spoken, renders and downloads.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use nemovideo::project::{Script, Voice};
    /// use nemovideo::{Aspect, NemoClient, RenderPolling, local::LocalBackend};
    /// use std::time::Duration;
    ///
    /// let backend = LocalBackend::start().await?;
    /// let client = NemoClient::builder()
    ///     .base_url(backend.url())
    ///     .in_memory_credentials()
    ///     .polling(RenderPolling::new(Duration::from_millis(50), 600))
    ///     .build()?;
    /// # let folder = tempfile::tempdir()?;
    /// let out = "out.mp4";
    /// # let out = folder.path().join(out);
    /// let video = client
    ///     .voiceover(Script::text("Hello there.")?)
    ///     .voice(Voice::female("en-US"))
    ///     .aspect(Aspect::Portrait)
    ///     .save_to(&out)
    ///     .await?;
    /// assert!(video.bytes > 1_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidInput`] and [`Error::Io`] for what is wrong on this side, before anything is
    /// asked or charged; [`Error::AgentFailed`] when nothing came of it;
    /// [`Error::OutcomeUnknown`] when the stream broke and the state told nothing; those of
    /// [`Project::say`], [`Project::export`] and [`NemoClient::download`].
    ///
    /// # Cancel safety
    /// Dropping the future stops waiting; what was asked of the service is done and charged all
    /// the same. The last [`VoiceoverStage`] that was told holds what to go on with, also after an
    /// error.
    ///
    /// [`Error::InvalidInput`]: crate::Error::InvalidInput
    /// [`Error::Io`]: crate::Error::Io
    /// [`Error::AgentFailed`]: crate::Error::AgentFailed
    /// [`Error::OutcomeUnknown`]: crate::Error::OutcomeUnknown
    /// [`Project::say`]: super::Project::say
    /// [`Project::export`]: super::Project::export
    pub fn voiceover(&self, script: Script) -> Voiceover {
        Voiceover {
            client: self.clone(),
            script,
            voice: Voice::female("en-US"),
            pace: 1.0,
            aspect: Aspect::default(),
            captions: Captions::default(),
            title: None,
            music: None,
            save_to: PathBuf::from("voiceover.mp4"),
            progress: None,
        }
    }
}

impl Voiceover {
    /// Who speaks. Default: a woman, in American English.
    pub fn voice(mut self, voice: Voice) -> Self {
        self.voice = voice;
        self
    }

    /// The language of the script, a BCP-47 tag, with the voice that was chosen.
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
    /// use nemovideo::project::{Script, Voice};
    ///
    /// let german = client.voiceover(Script::text("Guten Morgen.")?).voice(Voice::male("en-GB"));
    /// let draft = german.language("de-DE").save_to(&out).await?.draft;
    /// let spoken = draft.metadata().and_then(|metadata| metadata.get("language"));
    /// assert_eq!(spoken.and_then(|tag| tag.as_str()), Some("de-DE"));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn language(mut self, tag: impl Into<String>) -> Self {
        self.voice.language = tag.into();
        self
    }

    /// How fast: 1.0 is normal, 0.5 half, 2.0 double.
    pub fn pace(mut self, pace: f32) -> Self {
        self.pace = pace;
        self
    }

    /// The shape of the picture. Default landscape.
    pub fn aspect(mut self, aspect: Aspect) -> Self {
        self.aspect = aspect;
        self
    }

    /// Whether what is spoken is written below the picture. Default on.
    pub fn captions(mut self, captions: Captions) -> Self {
        self.captions = captions;
        self
    }

    /// A title at the beginning.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// A file of sound to lie under the voice: MP3, WAV, M4A or AAC. It is uploaded, and the agent
    /// told to use it.
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
    /// # let rain = folder.path().join("rain.mp3");
    /// # std::fs::write(&rain, "ID3 and sound")?;
    /// use nemovideo::draft::TrackRole;
    /// use nemovideo::project::Script;
    ///
    /// let voiceover = client.voiceover(Script::text("Good morning.")?).music(&rain);
    /// let draft = voiceover.save_to(&out).await?.draft;
    /// assert!(draft.tracks().any(|track| track.role() == Some(TrackRole::Music)));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn music(mut self, path: impl Into<PathBuf>) -> Self {
        self.music = Some(path.into());
        self
    }

    /// Where to write it: `.mp4`, or `.m4a` and `.wav` for the sound alone. Default
    /// `voiceover.mp4`.
    pub fn save_to(mut self, path: impl Into<PathBuf>) -> Self {
        self.save_to = path.into();
        self
    }

    /// Calls back as the work goes on, and before each step that costs something or that another
    /// process could go on with: see [`VoiceoverStage`].
    pub fn on_progress(
        mut self,
        progress: impl Fn(VoiceoverStage) + Send + Sync + 'static,
    ) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }
}

impl IntoFuture for Voiceover {
    type Output = Result<VoiceoverVideo>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}

impl fmt::Debug for Voiceover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Voiceover").field("save_to", &self.save_to).finish_non_exhaustive()
    }
}
