//! The responses of a mock, one method each, and what can be changed about them.

use std::time::Duration;

use wiremock::{Match, ResponseTemplate};

use super::event::{self, Event};
use super::script::{PlannedRender, PlannedResponse};
use super::{NemoMock, respond};
use crate::draft::{Draft, Json};
use crate::protocol::{
    ApiToken, ClaimToken, CreditBalance, Credits, Endpoint, ErrorCode, RenderState, Session,
    SessionState, TokenCreated, TokenList, TokenScope, UploadResponse, UploadedFile,
};
use crate::sync::lock;

/// # Responses
/// Each is sent from now on. Several responses to a call are a sequence: each is sent once, in the
/// order in which they were given, and the last one again and again. [`Reply::times`] changes that.
impl NemoMock {
    /// Gives an anonymous token of the user `anon_mock`. Without it, the token is `nmv_usr_mock`.
    pub fn token(&self, token: &str) -> Reply<'_> {
        self.respond(Endpoint::Token, respond::token(token))
    }

    /// Gives an anonymous token that may be used for these scopes only.
    pub fn scoped_token(
        &self,
        token: &str,
        scopes: impl IntoIterator<Item = TokenScope>,
    ) -> Reply<'_> {
        let mut token = respond::anonymous(token);
        token.scopes = Some(scopes.into_iter().collect());
        self.respond(Endpoint::Token, respond::data(token))
    }

    /// Gives the response to the creation of one of a user's own tokens.
    pub fn created_token(&self, token: &str, info: ApiToken) -> Reply<'_> {
        self.respond(Endpoint::TokenCreate, respond::data(TokenCreated::new(token, info)))
    }

    /// Gives the list of a user's own tokens.
    pub fn tokens(&self, tokens: impl IntoIterator<Item = ApiToken>) -> Reply<'_> {
        let list = TokenList(tokens.into_iter().collect());
        self.respond(Endpoint::TokenList, respond::data(list))
    }

    /// Gives the response to the revocation of one of a user's own tokens.
    pub fn revoked_token(&self) -> Reply<'_> {
        self.respond(Endpoint::TokenRevoke, respond::data(serde_json::json!({})))
    }

    /// Gives a claim token, `clm_…`, from which the client makes the claim link.
    pub fn claim_token(&self, token: &str) -> Reply<'_> {
        self.respond(Endpoint::Claim, respond::data(ClaimToken::new(token, 604_800)))
    }

    /// Gives a new session.
    pub fn session(&self, task_id: &str, session_id: &str) -> Reply<'_> {
        self.respond(Endpoint::Session, respond::data(Session::new(task_id, session_id)))
    }

    /// Gives a balance: the credits that can be spent, and those held by work in progress.
    pub fn credits(&self, available: impl Into<Credits>, frozen: impl Into<Credits>) -> Reply<'_> {
        let balance = CreditBalance::new(available.into(), frozen.into());
        self.respond(Endpoint::Credits, respond::data(balance))
    }

    /// Gives a session state with this draft; `None` is the state of a new session.
    pub fn state(&self, draft: impl Into<Option<Draft>>) -> Reply<'_> {
        self.respond(Endpoint::State, respond::state(draft))
    }

    /// Gives a session state.
    pub fn session_state(&self, state: SessionState) -> Reply<'_> {
        self.respond(Endpoint::State, respond::session_state(state))
    }

    /// Gives the response to an upload: `["tea.mp3".into()]`, or with all that the service finds out
    /// about a file.
    pub fn upload(&self, files: impl IntoIterator<Item = UploadedFile>) -> Reply<'_> {
        let files = files.into_iter().collect();
        let data = UploadResponse { files, session_state_applied: true };
        self.respond(Endpoint::Upload, respond::data(data))
    }

    /// Gives the event stream of a message; one without events is a silent edit.
    pub fn stream(&self, events: impl IntoIterator<Item = Event>) -> Reply<'_> {
        self.respond(Endpoint::Message, respond::stream(events))
    }

    /// Plans a render: the responses to its submit, its polls and its cancellation. It is completed
    /// at the first poll, and its file is at a URL of the mock.
    ///
    /// Of several planned renders, the first is for the first id that is submitted, and so on; the
    /// last one is for all others. If none was submitted, a poll finds the first one, as if another
    /// process had submitted it.
    pub fn render(&self) -> RenderReply<'_> {
        let renders = &mut lock(&self.script.plans).renders;
        renders.push(PlannedRender::default());
        RenderReply { mock: self, index: renders.len() - 1 }
    }

    /// Gives exactly this response to the submit of a render, in place of that of
    /// [`render`](Self::render).
    pub fn render_submitted(&self, state: &RenderState) -> Reply<'_> {
        self.respond(Endpoint::RenderSubmit, respond::render(state))
    }

    /// Gives exactly this response to a poll, in place of that of [`render`](Self::render).
    pub fn render_polled(&self, state: &RenderState) -> Reply<'_> {
        self.respond(Endpoint::RenderStatus, respond::render(state))
    }

    /// Gives the response to the cancellation of a render.
    pub fn render_cancelled(&self) -> Reply<'_> {
        self.respond(Endpoint::RenderCancel, respond::data(serde_json::json!({})))
    }

    /// Gives a file at each URL below `/files/`, such as [`file_url`](Self::file_url).
    pub fn file(&self, bytes: impl Into<Vec<u8>>) -> Reply<'_> {
        self.respond(Endpoint::File, respond::file(bytes))
    }

    /// Gives a file through the API, from where a client downloads it when its own URL fails.
    pub fn api_file(&self, bytes: impl Into<Vec<u8>>) -> Reply<'_> {
        self.respond(Endpoint::RenderDownload, respond::file(bytes))
    }

    /// Gives an error response to a call.
    pub fn fails(&self, endpoint: Endpoint, code: ErrorCode) -> Reply<'_> {
        self.respond(endpoint, respond::error(code))
    }

    /// Gives any response to a call.
    pub fn respond(&self, endpoint: Endpoint, response: ResponseTemplate) -> Reply<'_> {
        let responses = &mut lock(&self.script.plans).responses;
        responses.push(PlannedResponse::new(endpoint, response));
        Reply { mock: self, index: responses.len() - 1 }
    }

    /// Gives all responses that [`NemoClient::voiceover`](crate::NemoClient::voiceover) requests: the
    /// session, its state before and after the message, the stream, the render, and `bytes` as its
    /// file. The draft is [`Draft::sample`].
    ///
    /// ```
    /// use nemovideo::mock::NemoMock;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// let mock = NemoMock::start().await;
    /// mock.given_voiceover("the video");
    ///
    /// let script = nemovideo::project::Script::text("Tea is made of leaves.")?;
    /// let video = mock.client().voiceover(script).save_to(dir.path().join("tea.mp4")).await?;
    /// assert_eq!(std::fs::read_to_string(video.path)?, "the video");
    /// mock.verify_messages_sent(1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn given_voiceover(&self, bytes: impl Into<Vec<u8>>) {
        let draft = Draft::sample();
        self.session("task_mock", "session_mock");
        for is_done in [false, true] {
            let script = std::sync::Arc::clone(&self.script);
            let is_due = move |_: &wiremock::Request| {
                lock(&script.requests).iter().any(super::is(Endpoint::Message)) == is_done
            };
            self.state(is_done.then(|| draft.clone())).when(is_due);
        }
        let none = || Json::from(crate::draft::Object::new());
        self.stream([
            event::tool("generate_voiceover", none(), none()),
            event::draft(&draft),
            event::text("Your video is ready."),
        ]);
        self.render().file(bytes);
    }
}

/// A response that was given to a mock. Its methods change it.
#[derive(Debug)]
pub struct Reply<'m> {
    mock: &'m NemoMock,
    index: usize,
}

impl Reply<'_> {
    /// Limits how many times it is sent. Then the next response to the call is due; after the last
    /// one, the last one without a limit.
    pub fn times(self, times: u64) -> Self {
        self.change(|planned| planned.times = Some(times))
    }

    /// Lets one call fail with this code before the response is sent.
    pub fn fails_once(self, code: ErrorCode) -> Self {
        self.change(|planned| planned.failures.push_back(code))
    }

    /// Sends it only to requests that match, such as those of
    /// [`matchers::session`](super::matchers::session). For these it takes precedence over responses
    /// without a condition.
    pub fn when(self, matcher: impl Match + 'static) -> Self {
        self.change(|planned| planned.when.push(Box::new(matcher)))
    }

    /// Adds a header, such as `Retry-After`.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.change_response(|response| response.insert_header(name, value))
    }

    /// Sends it after a delay, for tests of timeouts.
    pub fn delayed(self, delay: Duration) -> Self {
        self.change_response(|response| response.set_delay(delay))
    }

    fn change_response(self, change: impl FnOnce(ResponseTemplate) -> ResponseTemplate) -> Self {
        self.change(|planned| planned.response = change(planned.response.clone()))
    }

    fn change(self, change: impl FnOnce(&mut PlannedResponse)) -> Self {
        change(&mut lock(&self.mock.script.plans).responses[self.index]);
        self
    }
}

/// A render that was planned by [`NemoMock::render`]. Its methods change it.
#[derive(Debug)]
pub struct RenderReply<'m> {
    mock: &'m NemoMock,
    index: usize,
}

impl RenderReply<'_> {
    /// Reports the render as in progress for this many polls; [`u32::MAX`] never ends it.
    pub fn completes_after(self, polls: u32) -> Self {
        self.change(|render| render.polls = polls)
    }

    /// Fails the render at its end, with this reason.
    pub fn fails(self, reason: &str) -> Self {
        self.change(|render| render.failure = Some(reason.to_owned()))
    }

    /// Lets one submit fail with this code before the render is accepted.
    pub fn fails_once(self, code: ErrorCode) -> Self {
        self.change(|render| render.failures.push_back(code))
    }

    /// Sets the URL of its file, in place of one of the mock.
    pub fn url(self, url: &str) -> Self {
        self.change(|render| render.url = Some(url.to_owned()))
    }

    /// Sets its file, which the mock serves at its URL and through the API.
    pub fn file(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.change(|render| render.file = Some(bytes.into()))
    }

    fn change(self, change: impl FnOnce(&mut PlannedRender)) -> Self {
        change(&mut lock(&self.mock.script.plans).renders[self.index]);
        self
    }
}
