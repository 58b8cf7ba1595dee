//! The work of a voiceover, and the message that asks for it.

use std::path::Path;

use futures::StreamExt as _;

use super::{Captions, Voice, Voiceover, VoiceoverStage, VoiceoverVideo, checks};
use crate::client::{RenderProgress, RenderedVideo};
use crate::error::{Error, Result};
use crate::project::pipeline::{self, Evidence};
use crate::project::script::Kind;
use crate::project::{Project, TurnEvent, TurnReport, output_path};
use crate::protocol::{RenderJob, RenderOutput};

impl Voiceover {
    pub(super) async fn make(self) -> Result<VoiceoverVideo> {
        let output = self.checked()?;
        let project = self.client.project("voiceover").language(&self.voice.language).await?;
        self.tell(VoiceoverStage::Opened(project.session()));
        let opened = project.session_id();
        let document = match &self.script.0 {
            Kind::Document(path) => Some(path),
            Kind::Text(_) => None,
        };
        for path in document.into_iter().chain(&self.music) {
            self.tell(VoiceoverStage::Uploading);
            project.upload(path).await?;
        }
        let pending = pipeline::prepare(&project).await?;
        if project.session_id() != opened {
            self.tell(VoiceoverStage::Opened(project.session()));
        }
        self.tell(VoiceoverStage::Sent(Box::new(pending.clone())));
        self.tell(VoiceoverStage::Speaking);
        let (mut report, evidence) = self.speak(&project).await?;
        pipeline::settle(&self.client, &mut report, &pending).await;
        let draft = evidence.film(&report, &pending)?;

        let job = RenderJob::new(pending.session_id.clone(), draft.clone(), output);
        let video = self.render(&job).await?;
        let mut download = self.client.download(&video, &self.save_to);
        if let Some(progress) = self.progress.clone() {
            download = download.on_progress(move |bytes, total| {
                progress(VoiceoverStage::Downloading { bytes, total });
            });
        }
        let file = download.await?;
        Ok(VoiceoverVideo { path: file.path, bytes: file.bytes, video, draft, report })
    }

    async fn speak(&self, project: &Project) -> Result<(TurnReport, Evidence)> {
        let mut evidence = Evidence::default();
        let mut turn = project.say(self.message()).await?;
        while let Some(event) = turn.next().await {
            let event = event?;
            evidence.hear(&event);
            match event {
                TurnEvent::RawClipReady => self.tell(VoiceoverStage::RawClipReady),
                TurnEvent::PostProductionDone => self.tell(VoiceoverStage::PostProductionDone),
                TurnEvent::StillWorking { elapsed } => {
                    self.tell(VoiceoverStage::StillWorking { elapsed });
                }
                TurnEvent::Finished(report) => return Ok((*report, evidence)),
                _ => {}
            }
        }
        // A turn ends with its report or an error; this is for the type.
        Err(Error::AgentFailed("the turn ended without a word".to_owned()))
    }

    async fn render(&self, job: &RenderJob) -> Result<RenderedVideo> {
        self.tell(VoiceoverStage::Submitted(Box::new(job.clone())));
        self.tell(VoiceoverStage::Rendering { percent: None });
        self.client.submit(job).await?;
        let mut steps = self.client.wait_for_render(job);
        while let Some(step) = steps.next().await {
            match step? {
                RenderProgress::Processing { percent } => {
                    self.tell(VoiceoverStage::Rendering { percent });
                }
                RenderProgress::Replaced(job) => self.tell(VoiceoverStage::Submitted(job)),
                RenderProgress::Completed(video) => return Ok(video),
                RenderProgress::Pending => {}
            }
        }
        // The steps end with a video or an error; this is for the type.
        let reason = "it ended without a file".to_owned();
        Err(Error::RenderFailed { id: job.id.clone(), reason })
    }

    fn tell(&self, stage: VoiceoverStage) {
        if let Some(progress) = &self.progress {
            progress(stage);
        }
    }

    /// Everything that can be wrong on this side, before anything is asked or charged.
    fn checked(&self) -> Result<RenderOutput> {
        checks::language(&self.voice.language)?;
        checks::pace(self.pace)?;
        if let Some(title) = &self.title {
            checks::title(title)?;
        }
        if let Some(music) = &self.music {
            checks::music(music)?;
        }
        output_path::output_for(&self.save_to)
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
            options.push_str(&format!(" Title: {}.", quoted(title)));
        }
        if let Some(name) = self.music.as_deref().and_then(Path::file_name) {
            let name = quoted(&name.to_string_lossy());
            options.push_str(&format!(" Background music: the uploaded file {name}."));
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
}

/// Words of the user's inside of a sentence of ours: on one line, and to be told from it.
fn quoted(words: &str) -> String {
    let words: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("\"{}\"", words.replace('\\', "\\\\").replace('"', "\\\""))
}
