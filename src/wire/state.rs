//! `GET /api/state/nemo_agent/me/<sid>/latest`: what a session holds.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{SessionId, TaskId, UserId};
use crate::draft::Draft;

/// The newest state of a session, and whose it is.
///
/// ```
/// use nemovideo::wire::{StateAnswer, decode};
///
/// let body = br#"{"code":0,"data":{"session_id":"s","state":{"draft":{"t":[]},"mood":"warm"}}}"#;
/// let answer: StateAnswer = decode(body)?.expect("a state");
/// assert!(answer.state.draft.is_some());
/// assert_eq!(answer.state.extra["mood"], "warm");
/// # Ok::<(), nemovideo::wire::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StateAnswer {
    /// The state itself.
    #[serde(default, deserialize_with = "super::null_as_default")]
    pub state: SessionState,
    /// The session.
    #[serde(default, alias = "sessionId", skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The task around it.
    #[serde(default, alias = "taskId", skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// What the task is called.
    #[serde(default, alias = "taskName", skip_serializing_if = "Option::is_none")]
    pub task_name: Option<String>,
    /// Whose it is.
    #[serde(default, alias = "userId", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
}

/// What a session holds: the draft, and the media around it.
///
/// Only the draft's keys are documented; the rest is kept as the JSON that came.
///
/// ```
/// use nemovideo::SessionState;
///
/// let state: SessionState = serde_json::from_str(r#"{"draft":null,"video_infos":[{"fps":30}]}"#)?;
/// assert_eq!(state.draft, None);
/// assert_eq!(state.video_infos[0]["fps"], 30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionState {
    /// The timeline, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
    /// What is known of uploaded videos.
    #[serde(default, alias = "videoInfos", skip_serializing_if = "Value::is_null")]
    pub video_infos: Value,
    /// What the agent has made.
    #[serde(default, alias = "generatedMedia", skip_serializing_if = "Value::is_null")]
    pub generated_media: Value,
    /// The size of the picture.
    #[serde(default, alias = "canvasConfig", skip_serializing_if = "Value::is_null")]
    pub canvas_config: Value,
    /// What the agent saw in uploaded videos.
    #[serde(default, alias = "videoAnalyses", skip_serializing_if = "Value::is_null")]
    pub video_analyses: Value,
    /// Every other key that came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::StateAnswer;
    use crate::wire::decode;

    #[test]
    fn the_draft_survives_the_state_around_it() {
        let draft = r#"{"b":1.10,"a":[12345678901234567890123],"t":[]}"#;
        let body = format!(
            r#"{{"code":0,"data":{{"state":{{"draft":{draft},"video_infos":[],"colour":"warm"}},"session_id":"s"}}}}"#
        );
        let answer: StateAnswer = decode(body.as_bytes()).unwrap().unwrap();
        let state = &answer.state;
        assert_eq!(serde_json::to_string(state.draft.as_ref().unwrap()).unwrap(), draft);
        assert_eq!(state.extra["colour"], "warm");
        let again = serde_json::to_string(state).unwrap();
        assert!(again.contains(draft) && again.contains("warm"), "{again}");
    }

    #[test]
    fn a_session_without_anything_in_it_is_not_an_error() {
        for body in [r#"{"state":null}"#, r#"{"state":{}}"#, r#"{"state":{"draft":null}}"#, "{}"] {
            let answer: StateAnswer = serde_json::from_str(body).unwrap();
            assert_eq!(answer.state.draft, None, "{body}");
        }
    }
}
