//! `GET /api/state/nemo_agent/me/<sid>/latest`: what a session holds.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::tolerant::{Fields, id, text};
use super::{SessionId, TaskId, UserId};
use crate::draft::Draft;

/// The newest state of a session, and whose it is.
///
/// ```
/// use nemovideo::protocol::{StateAnswer, decode};
///
/// let body = br#"{"code":0,"data":{"session_id":"s","state":{"draft":{"t":[]},"mood":"warm"}}}"#;
/// let answer: StateAnswer = decode(body)?.expect("a state");
/// assert!(answer.state.draft.is_some());
/// assert_eq!(answer.state.extra["mood"], "warm");
/// # Ok::<(), nemovideo::protocol::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Answer")]
#[non_exhaustive]
pub struct StateAnswer {
    /// The state itself.
    pub state: SessionState,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The task around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// What the task is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_name: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
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
#[serde(from = "State")]
#[non_exhaustive]
pub struct SessionState {
    /// The timeline, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
    /// What is known of uploaded videos.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub video_infos: Value,
    /// What the agent has made.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub generated_media: Value,
    /// The size of the picture.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub canvas_config: Value,
    /// What the agent saw in uploaded videos.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub video_analyses: Value,
    /// Every other key that came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A part of the state that the agent's work is seen in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatePart {
    Draft,
    Canvas,
    GeneratedMedia,
    Videos,
    Analyses,
}

impl SessionState {
    /// The parts that differ from an earlier state. Keys that nobody knows are not looked at: one
    /// may move by itself, when the session is looked at for one.
    pub(crate) fn parts_changed_since(&self, before: &Self) -> Vec<StatePart> {
        let draft = (!is_same_draft(before.draft.as_ref(), self.draft.as_ref()))
            .then_some(StatePart::Draft);
        let around = [
            (StatePart::Canvas, &before.canvas_config, &self.canvas_config),
            (StatePart::GeneratedMedia, &before.generated_media, &self.generated_media),
            (StatePart::Videos, &before.video_infos, &self.video_infos),
            (StatePart::Analyses, &before.video_analyses, &self.video_analyses),
        ];
        let differs = |(part, before, now): (_, &Value, &Value)| {
            let is_same = before == now || (is_nothing(before) && is_nothing(now));
            (!is_same).then_some(part)
        };
        draft.into_iter().chain(around.into_iter().filter_map(differs)).collect()
    }
}

/// No draft, and one with nothing in it, are the same.
fn is_same_draft(a: Option<&Draft>, b: Option<&Draft>) -> bool {
    let is_nothing = |draft: Option<&Draft>| {
        draft.is_none_or(|draft| {
            let json = draft.as_json();
            json.is_null() || json.as_object().is_some_and(crate::draft::Object::is_empty)
        })
    };
    a == b || (is_nothing(a) && is_nothing(b))
}

/// Nothing is written in several ways.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(keys) => keys.is_empty(),
        _ => false,
    }
}

/// As it comes. `state` may be `null` and must be there: an answer without it is about something
/// else, and taking it for an empty session would report a draft as gone.
#[derive(Deserialize)]
struct Answer {
    #[serde(deserialize_with = "Option::deserialize")]
    state: Option<SessionState>,
    #[serde(flatten)]
    rest: Fields,
}

impl From<Answer> for StateAnswer {
    fn from(Answer { state, mut rest }: Answer) -> Self {
        Self {
            state: state.unwrap_or_default(),
            session_id: rest.read(&["session_id"], id),
            task_id: rest.read(&["task_id"], id),
            task_name: rest.read(&["task_name"], text),
            user_id: rest.read(&["user_id"], id),
        }
    }
}

/// The draft is read by itself, digit by digit.
#[derive(Deserialize)]
struct State {
    #[serde(default)]
    draft: Option<Draft>,
    #[serde(flatten)]
    rest: Fields,
}

impl From<State> for SessionState {
    fn from(State { draft, mut rest }: State) -> Self {
        Self {
            draft,
            video_infos: rest.value("video_infos").unwrap_or_default(),
            generated_media: rest.value("generated_media").unwrap_or_default(),
            canvas_config: rest.value("canvas_config").unwrap_or_default(),
            video_analyses: rest.value("video_analyses").unwrap_or_default(),
            extra: rest.rest(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SessionState, StateAnswer, StatePart};
    use crate::protocol::decode;

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
        for state in ["null", "{}", r#"{"draft":null}"#] {
            for body in [
                format!(r#"{{"state":{state}}}"#),
                format!(r#"{{"code":0,"data":{{"state":{state},"session_id":17}}}}"#),
                format!(r#"{{"success":true,"data":{{"state":{state},"task_name":null}}}}"#),
            ] {
                let answer: StateAnswer = decode(body.as_bytes()).unwrap().unwrap();
                assert_eq!(answer.state, SessionState::default(), "{body}");
            }
        }
    }

    #[test]
    fn only_what_the_agents_work_is_seen_in_counts_as_changed() {
        let state = |json: &str| serde_json::from_str::<SessionState>(json).unwrap();
        let changed = |before, after| state(after).parts_changed_since(&state(before));
        let nothing: [StatePart; 0] = [];
        assert_eq!(changed(r#"{"draft":null,"seen":1}"#, r#"{"draft":{},"seen":2}"#), nothing);
        assert_eq!(changed("{}", r#"{"generated_media":[],"canvas_config":{}}"#), nothing);
        assert_eq!(changed("{}", r#"{"draft":{"t":[]}}"#), [StatePart::Draft]);
        let canvas = [r#"{"canvas_config":{"width":1}}"#, r#"{"canvas_config":{"width":2}}"#];
        assert_eq!(changed(canvas[0], canvas[1]), [StatePart::Canvas]);
    }

    #[test]
    fn an_answer_without_a_state_is_no_empty_session() {
        for said in [
            r#"{"message":"Unauthorized"}"#,
            r#"{"error":"upstream timeout"}"#,
            r#"{"error":{"message":"upstream timeout"},"data":null}"#,
            r#"{"detail":"Not Found"}"#,
            r#"{"code":"E_DB","message":"down"}"#,
        ] {
            let refusal = decode::<StateAnswer>(said.as_bytes()).unwrap().unwrap_err();
            assert!(!refusal.message.is_empty(), "{said}");
        }
        for broken in [
            "{}",
            "null",
            "[]",
            r#"{"data":{}}"#,
            r#"{"code":0,"data":{}}"#,
            r#"{"code":0,"message":"ok","data":null}"#,
            r#"{"success":true}"#,
            r#"{"code":0,"data":{"message":"Unauthorized"}}"#,
        ] {
            assert!(decode::<StateAnswer>(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn both_spellings_of_a_key_at_once_are_read() {
        let body = r#"{"state":{"video_infos":[1],"videoInfos":[1],"mood":"warm"},
            "session_id":"s","sessionId":"s","taskName":null,"task_name":"demo"}"#;
        let answer: StateAnswer = decode(body.as_bytes()).unwrap().unwrap();
        assert_eq!(answer.state.video_infos[0], 1);
        assert_eq!(answer.state.extra.keys().collect::<Vec<_>>(), ["mood"]);
        assert_eq!(answer.task_name.as_deref(), Some("demo"));
    }
}
