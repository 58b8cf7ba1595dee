//! The main job in one call: a script in, a narrated video out.

use std::fmt;
use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use futures::StreamExt as _;

use super::script::Kind;
use super::{Script, TurnEvent, TurnReport};
use crate::NemoClient;
use crate::client::{RenderProgress, RenderedVideo};
use crate::draft::Draft;
use crate::error::{Error, Result};
use crate::wire::{Aspect, FileFormat, FileType, RenderFormat, RenderOutput};

type Progress = Arc<dyn Fn(VoiceoverStage) + Send + Sync>;

/// Who speaks, and in which language.
///
/// ```
/// use nemovideo::project::Voice;
///
/// assert_ne!(Voice::female("en-US"), Voice::male("en-US"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    kind: &'static str,
    language: String,
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
/// # let backend = LocalBackend::builder().placeholder_films().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::Polling::new(std::time::Duration::from_millis(20), 500))
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

/// How far a voiceover is.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_films().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::Polling::new(std::time::Duration::from_millis(20), 500))
/// #     .build()?;
/// # let folder = tempfile::tempdir()?;
/// # let out = folder.path().join("out.mp4");
/// use nemovideo::project::{Script, VoiceoverStage};
///
/// let (tell, told) = std::sync::mpsc::channel();
/// let video = client
///     .voiceover(Script::text("Good morning.")?)
///     .on_progress(move |stage| drop(tell.send(stage))) // to whoever draws the progress
///     .save_to(&out)
///     .await?;
/// let stages: Vec<VoiceoverStage> = told.try_iter().collect();
/// assert_eq!(stages.first(), Some(&VoiceoverStage::Speaking));
/// let whole = VoiceoverStage::Downloading { bytes: video.bytes, total: Some(video.bytes) };
/// assert_eq!(stages.last(), Some(&whole));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum VoiceoverStage {
    /// Files of the user's go to the service.
    Uploading,
    /// The script is spoken.
    Speaking,
    /// Pictures and voice are there.
    RawClipReady,
    /// Captions, title and music are there.
    PostProductionDone,
    /// The file is made; 0 to 100 where the service told it.
    Rendering {
        /// How far.
        percent: Option<f32>,
    },
    /// The file is fetched.
    Downloading {
        /// So many bytes are there.
        bytes: u64,
        /// So many there will be.
        total: Option<u64>,
    },
}

/// A voiceover that is about to be made; `.await` makes it.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_films().start().await?;
/// # let client = NemoClient::builder()
/// #     .base_url(backend.url())
/// #     .in_memory_credentials()
/// #     .polling(nemovideo::Polling::new(std::time::Duration::from_millis(20), 500))
/// #     .build()?;
/// # let project = client.project("demo").await?;
/// use nemovideo::project::{Captions, Script, Voice, VoiceoverStage};
/// use nemovideo::Error;
///
/// let voiceover = || client.voiceover(Script::text("Good morning.").expect("a script"));
/// // What is wrong is told before anything is asked or charged.
/// let refused = voiceover().save_to("out.avi").await;
/// assert!(matches!(refused, Err(Error::InvalidInput(_))));
/// assert!(voiceover().pace(9.0).await.is_err());
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
/// #     .polling(nemovideo::Polling::new(std::time::Duration::from_millis(20), 500))
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
    /// use nemovideo::{Aspect, NemoClient, Polling, local::LocalBackend};
    /// use std::time::Duration;
    ///
    /// let backend = LocalBackend::start().await?;
    /// let client = NemoClient::builder()
    ///     .base_url(backend.url())
    ///     .in_memory_credentials()
    ///     .polling(Polling::new(Duration::from_millis(50), 600))
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
    /// asked or charged; [`Error::AgentFailed`] when nothing came of it; those of
    /// [`Project::say`], [`Project::export`] and [`NemoClient::download`].
    ///
    /// # Cancel safety
    /// Dropping the future stops waiting; what was asked of the service is done and charged all
    /// the same.
    ///
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
    /// # let backend = LocalBackend::builder().placeholder_films().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::Polling::new(std::time::Duration::from_millis(20), 500))
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

    /// A file of sound to lie under the voice.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_films().start().await?;
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::Polling::new(std::time::Duration::from_millis(20), 500))
    /// #     .build()?;
    /// # let folder = tempfile::tempdir()?;
    /// # let out = folder.path().join("out.mp4");
    /// # let rain = folder.path().join("rain.mp3");
    /// # std::fs::write(&rain, "sound")?;
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

    /// Calls back as the work goes on.
    pub fn on_progress(
        mut self,
        progress: impl Fn(VoiceoverStage) + Send + Sync + 'static,
    ) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    fn tell(&self, stage: VoiceoverStage) {
        if let Some(progress) = &self.progress {
            progress(stage);
        }
    }

    /// The message, in the words that a person would use.
    fn message(&self) -> String {
        let Voice { kind, language } = &self.voice;
        let captions = match self.captions {
            Captions::On => "on",
            Captions::Off => "off",
        };
        let mut options = format!(
            "Voice: {kind}. Language: {language}. Aspect ratio: {}. Captions: {captions}.",
            self.aspect
        );
        if self.pace != 1.0 {
            options.push_str(&format!(" Pace: {}.", self.pace));
        }
        if let Some(title) = &self.title {
            let title = title.replace('\\', "\\\\").replace('"', "\\\"").replace(['\r', '\n'], " ");
            options.push_str(&format!(" Title: \"{title}\"."));
        }
        match &self.script.0 {
            Kind::Text(text) => {
                format!("Make a voiceover video of this script. {options}\n\nScript:\n{text}")
            }
            Kind::Document(_) => {
                format!("Make a voiceover video of the uploaded script. {options}")
            }
        }
    }

    /// Everything that can be wrong on this side, before anything is asked or charged.
    fn checked(&self) -> Result<RenderOutput> {
        if !(0.5..=2.0).contains(&self.pace) {
            return Err(Error::InvalidInput(format!("the pace {} is not in 0.5 to 2", self.pace)));
        }
        if let Some(music) = &self.music {
            let format = FileFormat::of(music);
            if format.is_none_or(|format| format.file_type != FileType::Audio) {
                let what = format!("the music {} is no file of sound", music.display());
                return Err(Error::InvalidInput(what));
            }
            std::fs::File::open(music).map_err(|source| Error::io("read", music, source))?;
        }
        output_for(&self.save_to)
    }

    async fn make(self) -> Result<VoiceoverVideo> {
        let output = self.checked()?;
        let client = self.client.clone();
        let project = client.project("voiceover").language(&self.voice.language).await?;
        let document = match &self.script.0 {
            Kind::Document(path) => Some(path),
            Kind::Text(_) => None,
        };
        for path in document.into_iter().chain(&self.music) {
            self.tell(VoiceoverStage::Uploading);
            project.upload(path).await?;
        }
        self.tell(VoiceoverStage::Speaking);
        let mut turn = project.say(self.message()).await?;
        let mut report = None;
        while let Some(event) = turn.next().await {
            match event? {
                TurnEvent::RawClipReady => self.tell(VoiceoverStage::RawClipReady),
                TurnEvent::PostProductionDone => self.tell(VoiceoverStage::PostProductionDone),
                TurnEvent::Finished(finished) => report = Some(*finished),
                _ => {}
            }
        }
        let Some(report) = report else {
            return Err(Error::AgentFailed("the turn ended without a word".to_owned()));
        };
        let draft = match (&report.failure, &report.draft) {
            (Some(failure), _) => return Err(Error::AgentFailed(failure.message.clone())),
            (None, Some(draft)) if draft.is_ready_to_export() => draft.clone(),
            _ => return Err(Error::AgentFailed(report.summary())),
        };
        self.tell(VoiceoverStage::Rendering { percent: None });
        let mut export = project.export().output(output).draft(draft.clone());
        if let Some(progress) = self.progress.clone() {
            export = export.on_progress(move |step| {
                if let RenderProgress::Processing { percent } = step {
                    progress(VoiceoverStage::Rendering { percent: *percent });
                }
            });
        }
        let exported = export.await?;
        let mut download = exported.download(&self.save_to);
        if let Some(progress) = self.progress.clone() {
            download = download.on_progress(move |bytes, total| {
                progress(VoiceoverStage::Downloading { bytes, total });
            });
        }
        let file = download.await?;
        Ok(VoiceoverVideo {
            path: file.path,
            bytes: file.bytes,
            video: exported.video,
            draft,
            report,
        })
    }
}

/// The kind of file that a name asks for, in a folder that is there.
pub(super) fn output_for(path: &Path) -> Result<RenderOutput> {
    let extension = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
    let format = match extension.to_ascii_lowercase().as_str() {
        "mp4" => RenderFormat::Mp4,
        "m4a" => RenderFormat::M4a,
        "wav" => RenderFormat::Wav,
        _ => {
            let what = format!("{} ends in none of .mp4, .m4a and .wav", path.display());
            return Err(Error::InvalidInput(what));
        }
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) || path.is_dir() {
        return Err(Error::InvalidInput(format!("{} cannot be written", path.display())));
    }
    Ok(RenderOutput::new(format))
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
