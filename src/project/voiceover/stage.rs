//! How far a voiceover is, and what to go on with where it ends.

use crate::client::PendingTurn;
use crate::protocol::{RenderJob, Session};

/// How far a voiceover is.
///
/// Three of the stages hold what another process, or this one after an error, needs to go on
/// without paying again. Each is told *before* the step that it names, so write it down when it
/// comes, in place of the one before:
///
/// | last told | what is known | go on with |
/// |---|---|---|
/// | nothing | nothing was asked | the voiceover, again |
/// | [`Opened`](Self::Opened) | nothing was paid | the voiceover, again; or [`Project::resume`](super::super::Project::resume) in the session |
/// | [`Sent`](Self::Sent) | the message may be paid | [`resume_turn`](crate::NemoClient::resume_turn), whose last update holds the draft; then [`submit_render`](crate::NemoClient::submit_render) |
/// | [`Submitted`](Self::Submitted) | the film is paid | [`ensure_submitted`](crate::NemoClient::ensure_submitted), [`render`](crate::NemoClient::render), [`download`](crate::NemoClient::download); all free |
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
/// use nemovideo::local::{Fault, ErrorReply, Route};
/// use nemovideo::project::{Script, VoiceoverStage};
///
/// // The service does not answer when it is asked how far the film is.
/// let down = Fault::Instead(ErrorReply::status(403).into());
/// backend.faults().inject(down).on(Route::RenderStatus).always();
/// let (tell, told) = std::sync::mpsc::channel();
/// let voiceover = client
///     .voiceover(Script::text("Good morning.")?)
///     .on_progress(move |stage| drop(tell.send(stage)))
///     .save_to(&out);
/// assert!(voiceover.await.is_err());
///
/// // Later, or elsewhere: the film is fetched, and nothing is paid twice.
/// backend.faults().clear();
/// let job = told.try_iter().filter_map(|stage| match stage {
///     VoiceoverStage::Submitted(job) => Some(job),
///     _ => None,
/// });
/// let job = job.last().ok_or("no job")?;
/// client.ensure_submitted(&job).await?;
/// let video = client.wait_for_render(&job).await?;
/// client.download(&video, &out).await?;
/// assert_eq!(backend.counters().messages_run, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum VoiceoverStage {
    /// A session is open for it. Told again where the service lost it and another took its place.
    Opened(Session),
    /// Files of the user's go to the service.
    Uploading,
    /// The message is about to be sent: from now on it may have been taken, and paid.
    Sent(Box<PendingTurn>),
    /// The script is spoken.
    Speaking,
    /// Nothing else was heard for a while; the service is at it all the same.
    StillWorking {
        /// Since the message was sent.
        elapsed: std::time::Duration,
    },
    /// Pictures and voice are there.
    RawClipReady,
    /// Captions, title and music are there.
    PostProductionDone,
    /// The draft is there, and its render about to be submitted. Told again where a render failed
    /// and another takes its place.
    Submitted(Box<RenderJob>),
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
