//! A batch, written down.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::BatchItem;
use crate::client::PendingTurn;
use crate::protocol::{CreateSession, RenderJob, Session};

/// A batch, written down: enough for another process to go on with it, with
/// [`NemoClient::resume_batch`](crate::NemoClient::resume_batch).
///
/// It holds the drafts of what is under way and no secret. Paths must be UTF-8 to be written down,
/// and relative ones mean another place in another folder.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use nemovideo::{NemoClient, local::LocalBackend};
/// # let backend = LocalBackend::builder().placeholder_videos().start().await?;
/// # let client = NemoClient::builder().base_url(backend.url());
/// # let client = client.in_memory_credentials().build()?;
/// use nemovideo::project::{BatchItem, BatchStage, BatchState};
///
/// let project = client.project("demo").language("en").await?;
/// let batch = project.batch([BatchItem::new("narrate: Good morning.", "morning.mp4")]);
/// let written_down = serde_json::to_string_pretty(&batch.state())?;
///
/// let state: BatchState = serde_json::from_str(&written_down)?;
/// assert_eq!(state, batch.state());
/// assert_eq!(state.project.language.as_deref(), Some("en"));
/// assert_eq!(state.session, Some(project.session()));
/// assert_eq!(state.items[0].stage, BatchStage::Waiting);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchState {
    /// What a session of it is opened with: its name, and its language where that is known.
    #[serde(default)]
    pub project: CreateSession,
    /// The session. `None` after a message of which it is not known what became: the next item
    /// opens another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// The items, in their order.
    pub items: Vec<BatchItemState>,
}

/// An item of a batch, and how far it is.
///
/// ```
/// use nemovideo::project::{BatchItemState, BatchStage};
///
/// let written_down = r#"{"item":{"instruction":"narrate: Hi.","save_to":"hi.mp4"},
///     "stage":"waiting","error":"out of credits"}"#;
/// let item: BatchItemState = serde_json::from_str(written_down)?;
/// assert_eq!(item.stage, BatchStage::Waiting); // nothing was paid, so it may be tried again
/// assert!(item.error.is_some());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchItemState {
    /// What is to be made.
    pub item: BatchItem,
    /// How far it is.
    #[serde(default)]
    pub stage: BatchStage,
    /// The error that it ended with, in words. Unless it has
    /// [failed](BatchStage::Failed), there is something to go on with all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl BatchItemState {
    pub(super) fn new(item: BatchItem) -> Self {
        Self { item, stage: BatchStage::Waiting, error: None }
    }
}

/// How far an item of a batch is.
///
/// ```
/// use nemovideo::project::BatchStage;
///
/// let stage: BatchStage = serde_json::from_str(r#"{"finished":{"path":"1.mp4","bytes":9}}"#)?;
/// assert!(matches!(stage, BatchStage::Finished { bytes: 9, .. }));
/// assert_eq!(serde_json::to_string(&BatchStage::Uploading)?, r#""uploading""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BatchStage {
    /// Nothing of it was sent, or nothing that counts.
    #[default]
    Waiting,
    /// Its file may have been taken.
    Uploading,
    /// Its file was taken.
    Uploaded,
    /// Its message may have been taken, and paid.
    Message(Box<PendingTurn>),
    /// Its message was done, and its render may have been submitted.
    Rendering(Box<RenderJob>),
    /// Its file is there.
    Finished {
        /// Where.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// Nothing came of it, and there is nothing to go on with.
    Failed,
}

impl BatchStage {
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Failed)
    }

    /// Whether it can be finished without another message.
    pub(super) fn is_paid(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Rendering(_))
    }
}
