//! `GET /api/state/nemo_agent/me/<session>/latest`: the state of a session.

use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::tolerant::{FieldError, Fields, id, text};
use super::{SessionId, TaskId, UserId};
use crate::draft::{Draft, Json, Object};

/// The latest state of a session, and the session it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct StateResponse {
    /// The state.
    pub(crate) state: SessionState,
    /// The id of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session_id: Option<SessionId>,
    /// The id of the task that the session belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task_id: Option<TaskId>,
    /// The name of the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task_name: Option<String>,
    /// The account that owns the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<UserId>,
}

/// The state of a session: the draft and the media around it.
///
/// The service documents only the keys of the draft; other values are kept as the JSON that came.
///
/// ```
/// use nemovideo::SessionState;
///
/// let body = r#"{"draft":{"t":[]},"video_infos":[{"fps":29.970}],"mood":"warm"}"#;
/// let state: SessionState = serde_json::from_str(body)?;
/// assert_eq!(state.video_infos.to_string(), r#"[{"fps":29.970}]"#);
/// assert_eq!(state.extra.get("mood").and_then(|mood| mood.as_str()), Some("warm"));
/// assert_eq!(serde_json::to_string(&state)?, body);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SessionState {
    /// The draft; `None` when there is none yet.
    pub draft: Option<Draft>,
    /// Information about uploaded videos; `null` when there is none.
    pub video_infos: Json,
    /// The media that the agent generated; `null` when there is none.
    pub generated_media: Json,
    /// The size of the canvas; `null` when there is none.
    pub canvas_config: Json,
    /// The agent's analyses of uploaded videos; `null` when there is none.
    pub video_analyses: Json,
    /// All other entries.
    pub extra: Object,
}

/// A message that may have been accepted, in serializable form: enough for another process to
/// find out its outcome with [`NemoClient::resume_turn`](crate::NemoClient::resume_turn).
///
/// It holds the whole state of the session before the message, and no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PendingTurn {
    /// The session that the message was sent to.
    pub session_id: SessionId,
    /// The time at which the message was sent.
    pub sent_at: SystemTime,
    /// The session's state before the message.
    pub baseline: SessionState,
    /// The agent's text received so far.
    #[serde(default)]
    pub text: String,
}

/// A part of the state that the agent's work changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatePart {
    Draft,
    Canvas,
    GeneratedMedia,
    Videos,
    Analyses,
}

impl SessionState {
    /// Returns the parts that differ from an earlier state.
    ///
    /// Undocumented entries are ignored: one may change without any work of the agent, for example
    /// whenever the session is read.
    pub(crate) fn parts_changed_since(&self, before: &Self) -> Vec<StatePart> {
        let none = Json::default();
        let [draft_before, draft] =
            [before, self].map(|state| state.draft.as_ref().map_or(&none, Draft::as_json));
        let parts = [
            (StatePart::Draft, draft_before, draft),
            (StatePart::Canvas, &before.canvas_config, &self.canvas_config),
            (StatePart::GeneratedMedia, &before.generated_media, &self.generated_media),
            (StatePart::Videos, &before.video_infos, &self.video_infos),
            (StatePart::Analyses, &before.video_analyses, &self.video_analyses),
        ];
        let changed = |(part, before, now): (_, &Json, &Json)| {
            let is_same = before == now || (is_empty(before) && is_empty(now));
            (!is_same).then_some(part)
        };
        parts.into_iter().filter_map(changed).collect()
    }

    fn entries(&self) -> impl Iterator<Item = (&str, &Json)> {
        let known = [
            ("draft", self.draft.as_ref().map(Draft::as_json)),
            ("video_infos", Some(&self.video_infos)),
            ("generated_media", Some(&self.generated_media)),
            ("canvas_config", Some(&self.canvas_config)),
            ("video_analyses", Some(&self.video_analyses)),
        ];
        let known = known.into_iter().filter_map(|(key, value)| Some((key, value?)));
        known.filter(|(_, value)| !value.is_null()).chain(self.extra.iter())
    }
}

/// Whether a value holds nothing: an empty list or object means the same as `null`.
fn is_empty(json: &Json) -> bool {
    json.is_null()
        || json.as_array().is_some_and(<[Json]>::is_empty)
        || json.as_object().is_some_and(Object::is_empty)
}

impl From<Fields<'_>> for SessionState {
    fn from(fields: Fields<'_>) -> Self {
        let value = |name| fields.get(name).cloned().unwrap_or_default();
        const NAMED: [&str; 5] =
            ["draft", "video_infos", "generated_media", "canvas_config", "video_analyses"];
        Self {
            draft: fields.get("draft").cloned().map(Draft::from),
            video_infos: value("video_infos"),
            generated_media: value("generated_media"),
            canvas_config: value("canvas_config"),
            video_analyses: value("video_analyses"),
            extra: fields.except(&NAMED),
        }
    }
}

impl TryFrom<Fields<'_>> for StateResponse {
    type Error = FieldError;

    /// `state` may be `null`, but must be present: a response without it is about something else,
    /// and reading it as an empty session would report the draft as lost.
    fn try_from(mut fields: Fields<'_>) -> Result<Self, FieldError> {
        let state = |json: &Json| Some(SessionState::from(Fields::of(json.as_object()?)));
        Ok(Self {
            state: fields.require_nullable("state", state)?,
            session_id: fields.read("session_id", id),
            task_id: fields.read("task_id", id),
            task_name: fields.read("task_name", text),
            user_id: fields.read("user_id", id),
        })
    }
}

impl Serialize for SessionState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries())
    }
}

// Exact, so that drafts keep every digit.
impl<'de> Deserialize<'de> for SessionState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fields::exact(deserializer).map(Self::from)
    }
}

impl<'de> Deserialize<'de> for StateResponse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(Fields::exact(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{SessionState, StatePart, StateResponse};
    use crate::protocol::decode;

    #[test]
    fn the_draft_survives_the_state_around_it() {
        let draft = r#"{"b":1.10,"a":[12345678901234567890123],"t":[]}"#;
        let body = format!(
            r#"{{"code":0,"data":{{"state":{{"draft":{draft},"video_infos":[],"colour":"warm"}},"session_id":"s"}}}}"#
        );
        let response: StateResponse = decode(body.as_bytes()).unwrap().unwrap();
        let state = &response.state;
        assert_eq!(serde_json::to_string(state.draft.as_ref().unwrap()).unwrap(), draft);
        assert_eq!(state.extra.to_string(), r#"{"colour":"warm"}"#);
        let again = serde_json::to_string(state).unwrap();
        assert!(again.contains(draft) && again.contains("warm"), "{again}");
        assert_eq!(serde_json::from_str::<SessionState>(&again).unwrap(), *state);
    }

    #[test]
    fn a_broken_detail_beside_the_draft_costs_itself_alone() {
        let draft = r#"{"zz":1.10,"t":[{"tt":0,"sg":[{"d":1E3}]}],"n":"caf\u00e9 \ud83d"}"#;
        for beside in [
            br#""video_analyses":{"loudness":NaN,"peak":-Infinity}"#.as_slice(),
            br#""video_infos":undefined,"generated_media":[nan,+inf]"#,
            br#""task_note":"cut \ud83d","\udc00":1"#,
            b"\"note\":\"caf\xe9\",\"caf\xe9\":\"\x80\"",
            b"\"note\":\"tab\tnewline\n\"",
            br#""note":"\x41 \u12""#,
            format!(r#""x":{}{}"#, r#"{"a":["#.repeat(500), "]}".repeat(500)).as_bytes(),
            br#""video_infos":"none","generated_media":7,"canvas_config":[],"videoAnalyses":true"#,
        ] {
            for (before, after) in [(r#"{"code":0,"data":"#, "}"), ("", "")] {
                let state = [br#"{"state":{"draft":"#, draft.as_bytes(), b",", beside].concat();
                let end = format!("}},\"session_id\":[]}}{after}");
                let body = [before.as_bytes(), &state, end.as_bytes()].concat();
                let response: StateResponse = decode(&body).unwrap().unwrap();
                assert_eq!(response.state.draft.unwrap().to_json(), draft);
            }
        }
    }

    #[test]
    fn a_draft_that_cannot_be_kept_exactly_is_an_error() {
        for draft in [
            br#"{"t":[{"sg":[{"d":NaN}]}]}"#.as_slice(),
            b"{\"t\":[],\"n\":\"caf\xe9\"}",
            br#"{"t":[],"n":"\x41"}"#,
            b"Infinity",
        ] {
            let body = [br#"{"code":0,"data":{"state":{"draft":"#, draft, b"}}}"].concat();
            let error = decode::<StateResponse>(&body).unwrap_err();
            assert_eq!(error.path, "draft", "{}", String::from_utf8_lossy(draft));
            assert!(error.source.to_string().contains("draft"), "{}", error.source);
        }
    }

    #[test]
    fn an_empty_session_is_not_an_error() {
        for state in ["null", "{}", r#"{"draft":null}"#] {
            for body in [
                format!(r#"{{"state":{state}}}"#),
                format!(r#"{{"code":0,"data":{{"state":{state},"session_id":17}}}}"#),
                format!(r#"{{"success":true,"data":{{"state":{state},"task_name":null}}}}"#),
            ] {
                let response: StateResponse = decode(body.as_bytes()).unwrap().unwrap();
                assert_eq!(response.state, SessionState::default(), "{body}");
            }
        }
    }

    #[test]
    fn only_parts_that_show_the_agents_work_count_as_changed() {
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
    fn both_spellings_of_a_key_at_once_are_read() {
        let body = r#"{"state":{"video_infos":[1],"videoInfos":[1],"mood":"warm"},
            "session_id":"s","sessionId":"s","taskName":null,"task_name":"demo"}"#;
        let response: StateResponse = decode(body.as_bytes()).unwrap().unwrap();
        assert_eq!(response.state.video_infos.to_string(), "[1]");
        assert_eq!(response.state.extra.keys().collect::<Vec<_>>(), ["mood"]);
        assert_eq!(response.task_name.as_deref(), Some("demo"));
    }
}
