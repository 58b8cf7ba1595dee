//! The main job in one call: a script in, a narrated video out.

use std::fmt;
use std::future::IntoFuture;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tokio_util::sync::CancellationToken;

use super::Script;
use super::export::SavedVideo;
use super::files::{ExtraFiles, ScratchVideo};
use super::handle::{Control, JobHandle};
use super::pipeline::{self, JobStream, OnProgress};
use super::plan::{self, VoiceoverPlan};
use super::progress::{JobProgress, JobStage};
use super::script::{ScriptPart, ScriptSource};
use super::uploads::{IMAGE, MUSIC, RECORDING, SceneImage, Uploads};
use crate::client::NemoClient;
use crate::draft::{CaptionMode, CaptionStyle, ImageFit, ImageMotion};
use crate::error::{Error, Result};
use crate::language::is_tag;
use crate::protocol::{Aspect, Credits};

/// The cross-fade between images where none is set, and the longest one.
const SCENE_FADE: Duration = Duration::from_millis(500);
const MAX_SCENE_FADE: Duration = Duration::from_secs(10);

/// The voice of a voiceover, and its language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoiceChoice {
    gender: &'static str,
    language: String,
}

impl VoiceChoice {
    /// Creates a female voice for a language, a BCP-47 tag.
    pub fn female(language: impl Into<String>) -> Self {
        Self { gender: "female", language: language.into() }
    }

    /// Creates a male voice for a language, a BCP-47 tag.
    pub fn male(language: impl Into<String>) -> Self {
        Self { gender: "male", language: language.into() }
    }
}

/// Whether the video shows what is spoken, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Captions {
    /// Captions are shown, in the usual style of the service.
    #[default]
    On,
    /// Captions are shown in a style of their own.
    Styled(CaptionStyle),
    /// No captions are shown. [Subtitles](Voiceover::subtitles) are written all the same.
    Off,
}

impl From<CaptionStyle> for Captions {
    fn from(style: CaptionStyle) -> Self {
        Self::Styled(style)
    }
}

/// A voiceover that is about to be made; `.await` makes it and saves the file.
///
/// Local problems are reported before anything is sent.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use nemovideo::local::LocalBackend;
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = backend.client();
/// # let dir = tempfile::tempdir()?;
/// # let out = dir.path().join("out.mp4");
/// use nemovideo::Aspect;
/// use nemovideo::project::{JobProgress, Script, VoiceChoice};
///
/// let saved = client
///     .voiceover(Script::text("Good morning.")?)
///     .voice(VoiceChoice::male("en-GB"))
///     .aspect(Aspect::Portrait)
///     .title("Morning Brew")
///     .on_progress(|progress: JobProgress| println!("{progress:?}"))
///     .save_to(&out)
///     .await?;
/// assert_eq!(std::fs::metadata(&out)?.len(), saved.bytes);
/// assert!(saved.draft.summary().contains("Morning Brew"));
/// # Ok(()) }
/// ```
///
/// To change the video afterwards in a conversation, keep the session of
/// [`JobProgress::SessionOpened`] and pass it to [`NemoClient::resume_project`].
#[derive(Clone)]
#[must_use = "a voiceover is made when it is awaited"]
pub struct Voiceover {
    client: NemoClient,
    /// Or why a scene could not be appended to it.
    script: Result<Script>,
    voice: VoiceChoice,
    pace: f32,
    aspect: Aspect,
    captions: Captions,
    title: Option<String>,
    music: Option<PathBuf>,
    image: Option<PathBuf>,
    narration: Option<PathBuf>,
    scene_motion: ImageMotion,
    scene_fit: ImageFit,
    scene_fade: Duration,
    files: ExtraFiles,
    save_to: PathBuf,
    on_progress: Option<OnProgress>,
    control: Control,
    stage: JobStage,
}

impl NemoClient {
    /// Makes a narrated video of a script: opens a session, has the script spoken, renders the
    /// video and downloads it.
    ///
    /// The script is a [`Script`], a text, or the path of a file as
    /// [`from_path`](Script::from_path) reads it. It is checked when the voiceover is awaited.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] and [`Error::Io`] for local problems, before anything is sent;
    /// [`Error::AgentFailed`] if no video was made; [`Error::OutcomeUnknown`] if the stream broke
    /// and the state did not show what became of the message; those of
    /// [`Project::say`](super::Project::say), [`Project::export`](super::Project::export) and
    /// [`NemoClient::download`]; [`Error::Interrupted`] after a [deadline](Voiceover::deadline), or
    /// when it was [cancelled](Voiceover::cancel_with).
    ///
    /// # Cancel safety
    /// Dropping the future stops waiting; what was requested from the service is done, and
    /// charged, all the same. The last [`JobProgress`] that was reported holds what to continue
    /// from, also after an error.
    pub fn voiceover(&self, script: impl Into<Script>) -> Voiceover {
        Voiceover {
            client: self.clone(),
            script: Ok(script.into()),
            voice: VoiceChoice::female("en-US"),
            pace: 1.0,
            aspect: Aspect::default(),
            captions: Captions::default(),
            title: None,
            music: None,
            image: None,
            narration: None,
            scene_motion: ImageMotion::Zoom,
            scene_fit: ImageFit::default(),
            scene_fade: SCENE_FADE,
            files: ExtraFiles::default(),
            save_to: PathBuf::from("voiceover.mp4"),
            on_progress: None,
            control: Control::default(),
            stage: JobStage::Waiting,
        }
    }
}

impl Voiceover {
    /// Sets the voice. The default is a female one in American English.
    pub fn voice(mut self, voice: VoiceChoice) -> Self {
        self.voice = voice;
        self
    }

    /// Sets the language of the script, a BCP-47 tag, and keeps the gender of the voice.
    pub fn language(mut self, tag: impl Into<String>) -> Self {
        self.voice.language = tag.into();
        self
    }

    /// Sets the pace, from 0.5 (half) to 2.0 (double). The default is 1.0.
    pub fn pace(mut self, pace: f32) -> Self {
        self.pace = pace;
        self
    }

    /// Sets the aspect ratio. The default is landscape.
    pub fn aspect(mut self, aspect: Aspect) -> Self {
        self.aspect = aspect;
        self
    }

    /// Sets whether captions are shown, and their style. The default is on.
    ///
    /// ```
    /// # use nemovideo::{NemoClient, project::Script};
    /// # fn make(client: &NemoClient, script: Script) {
    /// use nemovideo::draft::{CaptionPosition, CaptionStyle};
    ///
    /// let style = CaptionStyle::boxed().position(CaptionPosition::Top);
    /// let _voiceover = client.voiceover(script).captions(style).subtitles("out.srt");
    /// # }
    /// ```
    pub fn captions(mut self, captions: impl Into<Captions>) -> Self {
        self.captions = captions.into();
        self
    }

    /// Writes the subtitles to a file as well: `.srt` or `.vtt`. See [`Draft::to_srt`] for which
    /// text they have; where captions are shown word by word, a `.vtt` has the time of each word.
    ///
    /// [`Draft::to_srt`]: crate::draft::Draft::to_srt
    pub fn subtitles(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.subtitles = Some(path.into());
        self
    }

    /// Saves a poster as well, `.jpg` or `.png`: the moment that the draft states, or else an early
    /// one.
    pub fn poster(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.poster = Some(path.into());
        self
    }

    /// Saves a [poster](Self::poster) that shows the video at a time; past its end, the last moment.
    /// The time is part of the message, so that the draft states it.
    pub fn poster_at(mut self, path: impl Into<PathBuf>, time: Duration) -> Self {
        self.files.poster_time = Some(time);
        self.poster(path)
    }

    /// Shows an image, JPG, PNG, GIF or WebP, behind everything else. It is uploaded, and named in
    /// the message to the agent.
    pub fn image(mut self, path: impl Into<PathBuf>) -> Self {
        self.image = Some(path.into());
        self
    }

    /// Appends a scene to the script: an image, and the text that is spoken while it is shown. Each
    /// image is uploaded once, and stands in the script of the message to the agent.
    ///
    /// ```
    /// # use nemovideo::{NemoClient, project::Script};
    /// # fn make(client: &NemoClient) -> nemovideo::Result<()> {
    /// let _voiceover = client
    ///     .voiceover(Script::text("Two photos of the sky.")?)
    ///     .scene("This is the sky in the morning.", "morning.jpg")
    ///     .scene("And this in the evening.", "https://example.com/evening.jpg");
    /// # Ok(()) }
    /// ```
    ///
    /// A script in a Markdown file has scenes of its own: see [`Script::markdown`]. A scene that
    /// cannot be appended is an error of the voiceover.
    pub fn scene(mut self, text: impl Into<String>, image: impl Into<SceneImage>) -> Self {
        let scene = Script::scene(text, image);
        self.script = self.script.and_then(|script| script.then(scene?));
        self
    }

    /// Sets how the images of scenes move. The default is a slow zoom.
    pub fn scene_motion(mut self, motion: ImageMotion) -> Self {
        self.scene_motion = motion;
        self
    }

    /// Sets how the images of scenes fill a frame of another shape. By default, they cover it.
    pub fn scene_fit(mut self, fit: ImageFit) -> Self {
        self.scene_fit = fit;
        self
    }

    /// Sets the cross-fade between the images of scenes, up to 10 s; zero for none. The default is
    /// half a second.
    pub fn scene_fade(mut self, fade: Duration) -> Self {
        self.scene_fade = fade;
        self
    }

    /// Plays a recording of the script, MP3, WAV, M4A or AAC, in place of a voice. It is uploaded,
    /// and named in the message to the agent.
    pub fn narration(mut self, path: impl Into<PathBuf>) -> Self {
        self.narration = Some(path.into());
        self
    }

    /// Shows a title at the beginning.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Plays an audio file, MP3, WAV, M4A or AAC, under the voice. It is uploaded, and named in
    /// the message to the agent.
    pub fn music(mut self, path: impl Into<PathBuf>) -> Self {
        self.music = Some(path.into());
        self
    }

    /// Sets the path of the file: `.mp4`, or `.m4a` and `.wav` for audio only. The default is
    /// `voiceover.mp4`.
    pub fn save_to(mut self, path: impl Into<PathBuf>) -> Self {
        self.save_to = path.into();
        self
    }

    /// Ends the work with [`Error::Interrupted`] when it has taken so long, from its first step on.
    /// The error holds what to continue from: see [`resume`](Self::resume). A video that was saved by
    /// then is returned, without its poster.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.control.deadline = Some(deadline);
        self
    }

    /// Ends the work with [`Error::Interrupted`] when `token` is cancelled, as
    /// [`JobHandle::cancel`] does.
    pub fn cancel_with(mut self, token: CancellationToken) -> Self {
        self.control.token = Some(token);
        self
    }

    /// Also cancels the render at the service when the work ends by its deadline or is cancelled. The
    /// default is to let it continue. The draft is paid for all the same, and another render of it,
    /// with which the error continues, is free.
    pub fn cancel_render(mut self) -> Self {
        self.control.cancels_render = true;
        self
    }

    /// Connects a handle, which shows the progress to other tasks and cancels the work.
    pub fn handle(mut self, handle: &JobHandle) -> Self {
        self.control.handle = Some(handle.clone());
        self
    }

    /// Requires that so many credits are available right before the message is sent. Otherwise the
    /// work ends with [`Error::OutOfCredits`], and nothing is charged.
    pub fn require_credits(mut self, credits: Credits) -> Self {
        self.control.required = Some(credits);
        self
    }

    /// Continues a voiceover from the stage that an earlier one had reached: see
    /// [`JobProgress::stage`], [`JobStage::after`] and [`JobHandle::stage`]. A message that may have
    /// been sent is observed and never sent again, and a render is looked up before it is submitted.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use nemovideo::{NemoClient, local::LocalBackend};
    /// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
    /// # let soon = std::time::Duration::from_millis(20);
    /// # let client = NemoClient::builder()
    /// #     .base_url(backend.url())
    /// #     .in_memory_credentials()
    /// #     .polling(nemovideo::RenderPolling::new(soon, 500))
    /// #     .recovery(nemovideo::TurnRecovery::new(soon, soon, 500))
    /// #     .build()?;
    /// # let dir = tempfile::tempdir()?;
    /// # let out = dir.path().join("out.mp4");
    /// use nemovideo::project::{JobHandle, JobProgress, JobStage};
    ///
    /// let voiceover = client.voiceover("Good morning.").save_to(&out);
    /// let handle = JobHandle::new();
    /// let cancel = handle.clone();
    /// let ended = voiceover.clone().handle(&handle).on_progress(move |progress| {
    ///     if matches!(progress, JobProgress::Sent(_)) {
    ///         cancel.cancel();
    ///     }
    /// });
    /// let stage = JobStage::after(&ended.await.unwrap_err()).ok_or("no stage")?;
    /// let persisted = serde_json::to_string(&stage)?;
    ///
    /// let stage: JobStage = serde_json::from_str(&persisted)?; // in any process
    /// voiceover.resume(stage).await?;
    /// assert!(out.exists() && backend.counters().messages_run == 1);
    /// # Ok(()) }
    /// ```
    pub fn resume(mut self, stage: JobStage) -> Self {
        self.stage = stage;
        self
    }

    /// Calls `on_progress` with the progress of the work, and before each step that may be charged
    /// or that another process could continue from: see [`JobProgress`].
    pub fn on_progress(
        mut self,
        on_progress: impl Fn(JobProgress) + Send + Sync + 'static,
    ) -> Self {
        self.on_progress = Some(Arc::new(on_progress));
        self
    }

    /// Returns the progress as a stream, in place of [`on_progress`](Self::on_progress) and of
    /// awaiting the voiceover. The work proceeds only while the stream is polled.
    pub fn into_stream(self) -> JobStream {
        let (client, control, stage) =
            (self.client.clone(), self.control.clone(), self.stage.clone());
        plan::run(client, control, stage, move |is_paid| self.plan(is_paid))
    }

    /// Makes the video and writes it to `writer`, such as the body of a response or an upload, in
    /// place of a file. The path that was set determines only the format, and the name in the result.
    ///
    /// The video is complete, in a private temporary file, before its first byte is written.
    ///
    /// # Errors
    /// As for the voiceover itself; [`Error::Io`] if it cannot be written, after which the
    /// [stage](JobHandle::stage) of the handle continues for free.
    ///
    /// # Cancel safety
    /// As for the voiceover itself. The writer may have got a part.
    pub async fn write_to(self, writer: impl AsyncWrite + Unpin + Send) -> Result<SavedVideo> {
        self.in_scratch().await?.write_to(writer).await
    }

    /// Makes the video and returns its bytes, in place of a file: see [`write_to`](Self::write_to).
    ///
    /// # Errors
    /// As for [`write_to`](Self::write_to).
    ///
    /// # Cancel safety
    /// As for the voiceover itself.
    pub async fn bytes(self) -> Result<(SavedVideo, Bytes)> {
        self.in_scratch().await?.bytes().await
    }

    async fn in_scratch(self) -> Result<ScratchVideo> {
        let path = self.save_to.clone();
        ScratchVideo::make(&path, |path| self.save_to(path).into_future()).await
    }

    /// Returns what is sent, and where the files go. A script whose message is paid for already is
    /// not looked at.
    pub(super) fn plan(&self, is_paid: bool) -> Result<VoiceoverPlan> {
        let (message, uploads) = match is_paid {
            true => Default::default(),
            false => {
                let (script, message, uploads) = self.prepare()?;
                let script = script.into_iter().map(Into::into);
                (message, script.chain(uploads.into_files()).collect())
            }
        };
        Ok(VoiceoverPlan {
            language: self.voice.language.clone(),
            message,
            uploads,
            save_to: self.save_to.clone(),
            files: self.files.clone(),
        })
    }

    /// Returns the deadline, and the credits that must be available.
    #[cfg(feature = "queue")]
    pub(super) fn limits(&self) -> (Option<Duration>, Option<Credits>) {
        (self.control.deadline, self.control.required)
    }

    /// Checks what can be wrong locally; the path of the file is checked by the job. Returns the
    /// message, the document that is its script, and the other files.
    fn prepare(&self) -> Result<(Option<PathBuf>, String, Uploads)> {
        let Self { voice: VoiceChoice { language, .. }, pace, title, scene_fade, .. } = self;
        let script = self.script.clone()?.checked()?;
        if !is_tag(language) {
            let what = format!(
                "{language:?} is not the tag of a language: write it like en-US, zh-CN or de (BCP 47)"
            );
            return Err(Error::InvalidInput(what));
        }
        if !(0.5..=2.0).contains(pace) {
            return Err(Error::InvalidInput(format!("the pace {pace} is not in 0.5 to 2")));
        }
        if *scene_fade > MAX_SCENE_FADE {
            let what = format!("a cross-fade of {scene_fade:?} is longer than 10 s");
            return Err(Error::InvalidInput(what));
        }
        title.as_deref().map_or(Ok(()), check_title)?;
        self.files.check()?;
        let mut uploads = Uploads::default();
        let mut named = Vec::new();
        for (label, path, kind) in [
            ("Background music", &self.music, MUSIC),
            ("Background image", &self.image, IMAGE),
            ("Narration", &self.narration, RECORDING),
        ] {
            if let Some(path) = path {
                named.push((label, uploads.add(path, &kind)?));
            }
        }
        let (document, text) = match &script.0 {
            ScriptSource::Text(text) => (None, Some(text.clone())),
            ScriptSource::Scenes(parts) => (None, Some(markdown(parts, &mut uploads)?)),
            ScriptSource::Document(path) => (Some(path.clone()), None),
            // It was checked.
            ScriptSource::Unread(_) | ScriptSource::Invalid(_) => (None, None),
        };
        let mut options = self.options();
        if matches!(script.0, ScriptSource::Scenes(_)) {
            options.push_str(&self.scenes());
        }
        // The names are known now: a file that is also the image of a scene may have another one.
        for (label, file) in named {
            let name = quoted(uploads.name(file));
            options.push_str(&format!(" {label}: the uploaded file {name}."));
        }
        let message = match text {
            Some(text) => {
                format!("Make a voiceover video of this script. {options}\n\nScript:\n{text}")
            }
            None => format!("Make a voiceover video of the uploaded script. {options}"),
        };
        Ok((document, message, uploads))
    }

    /// The options of the message, as a person would write them.
    fn options(&self) -> String {
        let VoiceChoice { gender, language } = &self.voice;
        let captions = match self.captions {
            Captions::On => "on".to_owned(),
            Captions::Styled(style) => in_words(style),
            Captions::Off => "off".to_owned(),
        };
        let mut options = format!(
            "Voice: {gender}. Language: {language}. Aspect ratio: {}. Captions: {captions}.",
            self.aspect
        );
        if self.pace != 1.0 {
            options.push_str(&format!(" Pace: {}.", self.pace));
        }
        if let Some(title) = &self.title {
            options.push_str(&format!(" Title: {}.", quoted(title)));
        }
        if let Some(time) = self.files.poster_time {
            options.push_str(&format!(" Poster: {} seconds.", time.as_secs_f64()));
        }
        options
    }

    /// The options of scenes. All are stated, because nobody knows the defaults of the service.
    fn scenes(&self) -> String {
        format!(
            " Each Markdown image in the script is an uploaded file to show from there until the \
             next one, without reading its name aloud. Image motion: {}. Image fit: {}. \
             Cross-fade: {} s.",
            self.scene_motion,
            self.scene_fit,
            self.scene_fade.as_secs_f64()
        )
    }
}

/// Returns the text of a script with the images of its scenes as Markdown, and adds them to the
/// files to upload.
fn markdown(parts: &[ScriptPart], uploads: &mut Uploads) -> Result<String> {
    // The service names what it downloads, so the others get their names later.
    for part in parts {
        if let ScriptPart::Image(image) = part
            && image.is_downloaded()
        {
            uploads.add_image(image)?;
        }
    }
    let mut text = String::new();
    for part in parts {
        match part {
            ScriptPart::Text(part) => text.push_str(part),
            ScriptPart::Image(image) => {
                let image = uploads.add_image(image)?;
                text.push_str(&format!("![]({})", uploads.name(image)));
            }
        }
    }
    Ok(text.trim().to_owned())
}

impl IntoFuture for Voiceover {
    type Output = Result<SavedVideo>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let on_progress = self.on_progress.clone();
        Box::pin(pipeline::finish(self.into_stream(), on_progress))
    }
}

impl fmt::Debug for Voiceover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Voiceover").field("save_to", &self.save_to).finish_non_exhaustive()
    }
}

/// Describes a style: `boxed large at the top`, without what is the default, and with the outline in
/// a sentence of its own, since it has a color as well.
fn in_words(style: CaptionStyle) -> String {
    let default = CaptionStyle::default();
    let mut words = match style.mode {
        CaptionMode::Words => "word by word".to_owned(),
        mode => mode.to_string(),
    };
    if style.size != default.size {
        words.push_str(&format!(" {}", style.size));
    }
    if style.color != default.color {
        words.push_str(&format!(" in {}", style.color));
    }
    if style.position != default.position {
        words.push_str(&format!(" at the {}", style.position));
    }
    if style.outline != default.outline {
        words.push_str(&format!(". Captions: outlined in {}", style.outline));
    }
    words
}

/// Quotes a text for a sentence of the message: on one line, with its own quotes escaped.
fn quoted(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("\"{}\"", line.replace('\\', "\\\\").replace('"', "\\\""))
}

fn check_title(title: &str) -> Result<()> {
    match title.contains(|c: char| !c.is_whitespace() && !c.is_control()) {
        true => Ok(()),
        false => Err(Error::InvalidInput("the title is blank".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::check_title;
    use crate::error::Error;

    #[test]
    fn a_title_has_text() {
        assert!(check_title("Tea").is_ok() && check_title("…").is_ok());
        for blank in ["", "  ", "\n\t", "\u{3000}"] {
            assert!(matches!(check_title(blank), Err(Error::InvalidInput(_))), "{blank:?}");
        }
    }
}
