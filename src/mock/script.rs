//! What a mock sends: the planned responses in their order, the renders, and the requests so far.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use wiremock::{Match, Request, ResponseTemplate};

use super::{endpoint_of, respond};
use crate::protocol::{Endpoint, ErrorCode, RenderState, RenderStatus};
use crate::sync::lock;

/// The plans of a mock and what it has received, shared with its server.
pub(super) struct Script {
    /// The base URL.
    pub(super) url: String,
    pub(super) plans: Mutex<Plans>,
    pub(super) requests: Mutex<Vec<Request>>,
}

#[derive(Default)]
pub(super) struct Plans {
    pub(super) responses: Vec<PlannedResponse>,
    pub(super) renders: Vec<PlannedRender>,
    /// The renders by their ids.
    known: HashMap<String, KnownRender>,
}

/// A response to calls of one endpoint.
pub(super) struct PlannedResponse {
    endpoint: Endpoint,
    pub(super) response: ResponseTemplate,
    pub(super) when: Vec<Box<dyn Match>>,
    /// How often it is sent; without a limit, until the next one is due.
    pub(super) times: Option<u64>,
    sent: u64,
    /// The errors that are sent before it.
    pub(super) failures: VecDeque<ErrorCode>,
}

impl PlannedResponse {
    pub(super) fn new(endpoint: Endpoint, response: ResponseTemplate) -> Self {
        let (when, failures) = (Vec::new(), VecDeque::new());
        Self { endpoint, response, when, times: None, sent: 0, failures }
    }
}

/// What becomes of one render.
#[derive(Clone, Default)]
pub(super) struct PlannedRender {
    /// The number of polls that find it in progress.
    pub(super) polls: u32,
    /// The reason of its failure.
    pub(super) failure: Option<String>,
    /// Its URL, in place of one of the mock.
    pub(super) url: Option<String>,
    pub(super) file: Option<Vec<u8>>,
    /// The errors that its first submits get.
    pub(super) failures: VecDeque<ErrorCode>,
}

struct KnownRender {
    /// Its position among the planned ones.
    plan: usize,
    polls: u32,
    is_cancelled: bool,
}

impl Script {
    pub(super) fn new(url: String) -> Self {
        Self { url, plans: Mutex::default(), requests: Mutex::default() }
    }

    /// Returns the response that is due.
    pub(super) fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut plans = lock(&self.plans);
        let response = endpoint_of(request).and_then(|endpoint| {
            // What is for certain requests comes before what is for all.
            let due = plans.due(endpoint, request, true);
            due.or_else(|| plans.due(endpoint, request, false))
                .or_else(|| plans.render(endpoint, request, &self.url))
                .or_else(|| (endpoint == Endpoint::Token).then(|| respond::token("nmv_usr_mock")))
        });
        response.unwrap_or_else(|| {
            let (method, path) = (&request.method, request.url.path());
            let message = format!("NemoMock has no response for {method} {path}");
            ResponseTemplate::new(404).set_body_string(message)
        })
    }
}

impl Plans {
    /// Returns the first response that was not sent as often as planned; after all of them, the last
    /// one without a limit.
    fn due(
        &mut self,
        endpoint: Endpoint,
        request: &Request,
        has_condition: bool,
    ) -> Option<ResponseTemplate> {
        let mut last = None;
        for planned in &mut self.responses {
            let is_meant = planned.endpoint == endpoint
                && planned.when.is_empty() != has_condition
                && planned.when.iter().all(|matcher| matcher.matches(request));
            if !is_meant {
                continue;
            }
            if let Some(code) = planned.failures.pop_front() {
                return Some(respond::error(code));
            }
            if planned.sent < planned.times.unwrap_or(1) {
                planned.sent += 1;
                return Some(planned.response.clone());
            }
            if planned.times.is_none() {
                last = Some(&*planned);
            }
        }
        last.map(|planned| planned.response.clone())
    }

    /// Returns the response to a call about a planned render.
    fn render(
        &mut self,
        endpoint: Endpoint,
        request: &Request,
        url: &str,
    ) -> Option<ResponseTemplate> {
        let segment = |at| request.url.path_segments()?.nth(at).map(str::to_owned);
        let id = match endpoint {
            Endpoint::RenderSubmit => {
                let body: serde_json::Value = request.body_json().ok()?;
                body["id"].as_str()?.to_owned()
            }
            Endpoint::RenderStatus | Endpoint::RenderCancel => segment(4)?,
            Endpoint::RenderDownload => segment(3)?,
            Endpoint::File => segment(1)?,
            _ => return None,
        };
        let next = self.known.len().min(self.renders.len().checked_sub(1)?);
        let plan = match self.known.get(&id) {
            Some(known) => known.plan,
            None if matches!(endpoint, Endpoint::RenderSubmit | Endpoint::File) => next,
            // The first render may have been submitted by another process.
            None if self.known.is_empty() => next,
            None => return None,
        };
        if matches!(endpoint, Endpoint::RenderDownload | Endpoint::File) {
            return self.renders[plan].file.as_ref().map(|bytes| respond::file(bytes.clone()));
        }
        if endpoint == Endpoint::RenderSubmit
            && let Some(code) = self.renders[plan].failures.pop_front()
        {
            return Some(respond::error(code));
        }
        let known = self.known.entry(id.clone());
        let known = known.or_insert(KnownRender { plan, polls: 0, is_cancelled: false });
        let planned = &self.renders[plan];
        match endpoint {
            Endpoint::RenderSubmit => {
                Some(respond::render(&RenderState::new(id.into(), RenderStatus::Pending)))
            }
            Endpoint::RenderCancel => {
                known.is_cancelled = true;
                Some(respond::data(serde_json::json!({})))
            }
            _ => {
                known.polls = known.polls.saturating_add(1);
                Some(respond::render(&planned.state(&id, known, url)))
            }
        }
    }
}

impl PlannedRender {
    fn state(&self, id: &str, known: &KnownRender, base: &str) -> RenderState {
        let state = |status| RenderState::new(id.into(), status);
        if known.is_cancelled {
            return state(RenderStatus::Cancelled);
        }
        if known.polls <= self.polls {
            let share = f64::from(known.polls - 1) / f64::from(self.polls);
            let progress = Some((share * 100.0) as f32);
            return RenderState { progress, ..state(RenderStatus::Processing) };
        }
        if let Some(reason) = &self.failure {
            return RenderState { error: Some(reason.clone()), ..state(RenderStatus::Failed) };
        }
        let url = self.url.clone().unwrap_or_else(|| format!("{base}/files/{id}/video.mp4"));
        RenderState { url: Some(url), progress: Some(100.0), ..state(RenderStatus::Completed) }
    }
}
