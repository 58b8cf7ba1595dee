//! A voiceover as it is sent: checked, and without the client that makes it.

use std::path::PathBuf;
#[cfg(feature = "queue")]
use std::path::{Path, absolute};
#[cfg(feature = "queue")]
use std::time::Duration;

use futures::StreamExt as _;
use serde::{Deserialize, Serialize};

#[cfg(feature = "queue")]
use super::export::output_of;
use super::files::ExtraFiles;
#[cfg(feature = "queue")]
use super::handle::JobHandle;
use super::handle::{Control, RunControl};
use super::pipeline::{self, Job, JobStream};
use super::progress::JobStage;
use super::uploads::UploadFile;
#[cfg(feature = "queue")]
use super::voiceover::Voiceover;
use crate::client::NemoClient;
use crate::error::{Error, Result};
use crate::protocol::CreateSession;
#[cfg(feature = "queue")]
use crate::protocol::Credits;

/// What a voiceover sends, and where its files go.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct VoiceoverPlan {
    pub(super) language: String,
    pub(super) message: String,
    pub(super) uploads: Vec<UploadFile>,
    pub(super) save_to: PathBuf,
    pub(super) files: ExtraFiles,
}

impl VoiceoverPlan {
    fn into_job(self, client: NemoClient, control: RunControl) -> Job {
        Job {
            new: CreateSession::named("voiceover").language(&self.language),
            message: self.message,
            uploads: self.uploads,
            client,
            save_to: self.save_to,
            files: self.files,
            control,
        }
    }
}

/// Makes a video, from the stage that it had reached. The plan is made when the stream is polled; its
/// argument is whether the message is paid for already, and not sent again.
pub(super) fn run(
    client: NemoClient,
    control: Control,
    stage: JobStage,
    plan: impl FnOnce(bool) -> Result<VoiceoverPlan> + Send + 'static,
) -> JobStream {
    let handle = control.handle.clone();
    let steps = async_stream::try_stream! {
        let control = control.begin();
        let stage = match stage {
            JobStage::Finished { job: Some(job), .. } => JobStage::Rendering(job),
            stage if stage.is_paid() => stage,
            stage if stage.is_final() => {
                // To make it anew would be charged again.
                let what = "the voiceover has ended, and there is nothing to continue from";
                Err(Error::InvalidInput(what.to_owned()))?
            }
            // Uploads are repeated in a session of its own; they are free.
            _ => JobStage::Waiting,
        };
        let job = plan(stage.is_paid())?.into_job(client, control);
        let mut project = None;
        let mut progress = Box::pin(job.run(&mut project, stage));
        while let Some(step) = progress.next().await {
            yield step?;
        }
    };
    JobStream::new(pipeline::reported(steps, handle, 0.0))
}

/// A voiceover that a queue keeps, and that another process makes.
#[cfg(feature = "queue")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct QueuedVoiceover {
    plan: VoiceoverPlan,
    deadline: Option<Duration>,
    required: Option<Credits>,
}

#[cfg(feature = "queue")]
impl QueuedVoiceover {
    /// Checks a voiceover as it is checked before anything is sent. Its paths become absolute.
    pub(crate) fn of(voiceover: &Voiceover) -> Result<Self> {
        let mut plan = voiceover.plan(false)?;
        output_of(&plan.save_to)?;
        if let Some(UploadFile::Bytes { name, .. }) =
            plan.uploads.iter().find(|file| matches!(file, UploadFile::Bytes { .. }))
        {
            let what = format!("the image {name} is in memory: a queue needs a file or a URL");
            return Err(Error::InvalidInput(what));
        }
        let read = plan.uploads.iter_mut().filter_map(UploadFile::path_mut);
        let ExtraFiles { subtitles, poster, .. } = &mut plan.files;
        for path in [subtitles, poster].into_iter().flatten().chain(read).chain([&mut plan.save_to])
        {
            *path = absolute(&*path).map_err(|error| Error::io("find", &*path, error))?;
            if path.to_str().is_none() {
                let what = format!("the path {} is not in Unicode", path.display());
                return Err(Error::InvalidInput(what));
            }
        }
        let read = plan.uploads.iter().filter_map(UploadFile::path);
        plan.files.check_apart(&plan.save_to, read)?;
        let (deadline, required) = voiceover.limits();
        Ok(Self { plan, deadline, required })
    }

    /// Returns the path of the video.
    pub(crate) fn save_to(&self) -> &Path {
        &self.plan.save_to
    }

    /// Makes it, from the stage that it had reached. What the handle cancels continues at the
    /// service.
    pub(crate) fn run(self, client: NemoClient, stage: JobStage, handle: &JobHandle) -> JobStream {
        let control = Control {
            deadline: self.deadline,
            required: self.required,
            handle: Some(handle.clone()),
            ..Control::default()
        };
        run(client, control, stage, move |_| Ok(self.plan))
    }
}
