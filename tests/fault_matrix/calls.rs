//! The calls of the matrix: how each is prepared, made and counted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use nemovideo::local::{Counters, LocalBackend};
use nemovideo::protocol::Endpoint;
use nemovideo::protocol::FileType;
use nemovideo::{
    CreateSession, CreateToken, Effect, Error, ExponentialRetry, Limits, NemoClient, RenderJob,
    RenderOutput, RenderPolling, RenderedVideo, Result, Session, Timeouts, TokenId, TurnRecovery,
};

const SOON: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// The most polls of a render, which take longer than the render.
pub(crate) const POLLS: u32 = 12;
const SCRIPT: &str =
    "Make a voiceover of this script: The sky is blue, and there is a reason — air.";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Authenticate,
    CreateSession,
    SendMessage,
    Watch,
    UploadFile,
    UploadBytes,
    UploadUrls,
    Credits,
    SessionState,
    SubmitRender,
    RenderStatus,
    Render,
    CancelRender,
    Download,
    DownloadFromApi,
    ClaimLink,
    CreateToken,
    ListTokens,
    RevokeToken,
}

impl Call {
    pub(crate) const ALL: [Self; 19] = [
        Self::Authenticate,
        Self::CreateSession,
        Self::SendMessage,
        Self::Watch,
        Self::UploadFile,
        Self::UploadBytes,
        Self::UploadUrls,
        Self::Credits,
        Self::SessionState,
        Self::SubmitRender,
        Self::RenderStatus,
        Self::Render,
        Self::CancelRender,
        Self::Download,
        Self::DownloadFromApi,
        Self::ClaimLink,
        Self::CreateToken,
        Self::ListTokens,
        Self::RevokeToken,
    ];

    pub(crate) const fn endpoint(self) -> Endpoint {
        match self {
            Self::Authenticate => Endpoint::Token,
            Self::CreateSession => Endpoint::Session,
            Self::SendMessage | Self::Watch => Endpoint::Message,
            Self::UploadFile | Self::UploadBytes | Self::UploadUrls => Endpoint::Upload,
            Self::Credits => Endpoint::Credits,
            Self::SessionState => Endpoint::State,
            Self::SubmitRender => Endpoint::RenderSubmit,
            Self::RenderStatus | Self::Render => Endpoint::RenderStatus,
            Self::CancelRender => Endpoint::RenderCancel,
            Self::Download => Endpoint::File,
            Self::DownloadFromApi => Endpoint::RenderDownload,
            Self::ClaimLink => Endpoint::Claim,
            Self::CreateToken => Endpoint::TokenCreate,
            Self::ListTokens => Endpoint::TokenList,
            Self::RevokeToken => Endpoint::TokenRevoke,
        }
    }

    /// Returns the effect of the call by the design. It is stated here again to check the crate's
    /// own table.
    pub(crate) const fn effect(self) -> Effect {
        match self {
            Self::Authenticate | Self::CancelRender | Self::ClaimLink | Self::RevokeToken => {
                Effect::Idempotent
            }
            Self::CreateSession
            | Self::CreateToken
            | Self::UploadFile
            | Self::UploadBytes
            | Self::UploadUrls
            | Self::SubmitRender => Effect::Creates,
            Self::SendMessage | Self::Watch => Effect::Billable,
            Self::Credits
            | Self::ListTokens
            | Self::SessionState
            | Self::RenderStatus
            | Self::Render
            | Self::Download
            | Self::DownloadFromApi => Effect::ReadOnly,
        }
    }

    /// Returns how often the effect of the call has occurred.
    pub(crate) const fn effects(self, counters: &Counters) -> u64 {
        match self {
            Self::Authenticate => counters.tokens_issued,
            Self::CreateSession => counters.sessions_created,
            Self::CreateToken => counters.tokens_created,
            Self::RevokeToken => counters.tokens_revoked,
            Self::SendMessage | Self::Watch => counters.messages_run,
            Self::UploadFile | Self::UploadBytes | Self::UploadUrls => counters.uploads_taken,
            Self::SubmitRender => counters.renders_started,
            _ => 0,
        }
    }

    /// Returns true if the backend counts the effects of the call.
    pub(crate) const fn is_counted(self) -> bool {
        !matches!(self.effect(), Effect::ReadOnly)
            && !matches!(self, Self::CancelRender | Self::ClaimLink)
    }
}

/// A client and what its call needs.
pub(crate) struct Fixture {
    pub(crate) client: NemoClient,
    call: Call,
    session: Option<Session>,
    job: Option<RenderJob>,
    video: Option<RenderedVideo>,
    upload: Option<String>,
    token: Option<TokenId>,
    directory: tempfile::TempDir,
    _credentials: tempfile::TempDir,
}

/// Returns a client with this response, idle and silence timeout, which keeps its token in
/// `credentials`.
fn client_of(backend: &LocalBackend, credentials: &Path, timeout: Duration) -> NemoClient {
    let retry = ExponentialRetry::default()
        .with_initial_delay(Duration::ZERO)
        .with_rate_limit_delay(Duration::ZERO);
    let timeouts =
        Timeouts::default().with_response(timeout).with_idle(timeout).with_silence(timeout);
    let limits = Limits::default().with_body(256 * 1024).with_event(256 * 1024);
    NemoClient::builder()
        .base_url(backend.url())
        .credentials_dir(credentials)
        .retry(retry)
        .timeouts(timeouts)
        .limits(limits)
        .polling(RenderPolling::growing(SOON, 200, MAX_PAUSE).with_max_polls(POLLS))
        .recovery(TurnRecovery::new(SOON, SOON, 3))
        .build()
        .expect("a client")
}

impl Fixture {
    /// Creates all that the call needs. No fault is active yet.
    pub(crate) async fn prepare(
        call: Call,
        backend: &LocalBackend,
        timeout: Duration,
    ) -> Result<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let credentials = tempfile::tempdir().expect("a directory");
        let patient = client_of(backend, credentials.path(), super::LONG_TIMEOUT);
        let mut fixture = Self {
            client: client_of(backend, credentials.path(), timeout),
            call,
            session: None,
            job: None,
            video: None,
            upload: None,
            token: None,
            directory,
            _credentials: credentials,
        };
        if call == Call::Authenticate {
            return Ok(fixture);
        }
        // No timeout may elapse before the fault, however busy the machine is.
        let client = patient;
        client.authenticate().await?;
        fixture.client.authenticate().await?;
        if matches!(
            call,
            Call::CreateSession | Call::Credits | Call::CreateToken | Call::ListTokens
        ) {
            return Ok(fixture);
        }
        if call == Call::RevokeToken {
            let created = client.create_token(CreateToken::named("a cell")).await?;
            fixture.token = Some(created.info.id);
            return Ok(fixture);
        }
        let session = client.create_session(CreateSession::named("a cell")).await?;
        let id = session.session_id.clone();
        fixture.session = Some(session);
        match call {
            Call::UploadFile => {
                std::fs::write(fixture.audio_path(), audio(300_000)).expect("a file to upload");
            }
            Call::UploadUrls => {
                let response = client.upload_bytes(&id, "hum.wav", audio(3000)).await?;
                assert_eq!(response[0].file_type, Some(FileType::Audio));
                fixture.upload.clone_from(&response[0].cdn_url);
            }
            Call::SubmitRender
            | Call::RenderStatus
            | Call::Render
            | Call::CancelRender
            | Call::Download
            | Call::DownloadFromApi => {
                let draft: nemovideo::draft::Draft =
                    r#"{"t":[{"tt":7,"sg":[{"d":1000,"m":{"text":"hi"}}]}]}"#
                        .parse()
                        .expect("a draft");
                if call == Call::SubmitRender {
                    fixture.job = Some(RenderJob::new(id, draft, RenderOutput::mp4()));
                } else {
                    let job = client.submit_render(&id, &draft, RenderOutput::mp4()).await?;
                    fixture.video = Some(client.wait_for_render(&job).await?);
                    fixture.job = Some(job);
                }
            }
            _ => {}
        }
        Ok(fixture)
    }

    /// Makes the call.
    pub(crate) async fn make_call(&self) -> Result<()> {
        let client = &self.client;
        match self.call {
            Call::Authenticate => client.authenticate().await.map(drop),
            Call::CreateSession => client.create_session(CreateSession::named("x")).await.map(drop),
            Call::SendMessage => {
                let events = client.send_message(self.session(), SCRIPT).await?;
                events.try_for_each(async |_| Ok(())).await
            }
            Call::Watch => {
                let turn = client.send_message(self.session(), SCRIPT).watch();
                turn.try_for_each(async |_| Ok(())).await
            }
            Call::UploadFile => {
                client.upload_file(self.session(), self.audio_path()).await.map(drop)
            }
            Call::UploadBytes => {
                client.upload_bytes(self.session(), "hum.wav", audio(3000)).await.map(drop)
            }
            Call::UploadUrls => {
                client.upload_urls(self.session(), self.upload.clone()).await.map(drop)
            }
            Call::Credits => client.credits().await.map(drop),
            Call::SessionState => client.session_state(self.session()).await.map(drop),
            Call::SubmitRender => {
                let job = self.job();
                client
                    .submit_render(&job.session_id, &job.draft, job.output.clone())
                    .await
                    .map(drop)
            }
            Call::RenderStatus => client.render_status(&self.job().id).await.map(drop),
            Call::Render => {
                let mut steps = client.wait_for_render(self.job());
                while let Some(step) = steps.next().await {
                    step?;
                }
                Ok(())
            }
            Call::CancelRender => client.cancel_render(&self.job().id).await,
            Call::Download | Call::DownloadFromApi => {
                let video = self.video.as_ref().expect("the fixture has a video");
                let path = self.directory.path().join("out.mp4");
                let outcome = client.download(video, &path).await;
                let is_complete =
                    std::fs::metadata(&path).ok().map(|meta| meta.len()) == video.size;
                assert_eq!(outcome.is_ok(), is_complete, "only a complete file is saved");
                let files = std::fs::read_dir(self.directory.path()).expect("a directory").count();
                assert_eq!(files, usize::from(is_complete), "no partial file is left behind");
                outcome.map(drop)
            }
            Call::ClaimLink => {
                let session = self.session.as_ref().expect("the fixture has a session");
                client.claim_link(session).await.map(drop)
            }
            Call::CreateToken => client.create_token(CreateToken::named("x")).await.map(drop),
            Call::ListTokens => client.tokens().await.map(drop),
            Call::RevokeToken => {
                let token = self.token.as_ref().expect("the fixture has a token");
                client.revoke_token(token).await
            }
        }
    }

    /// Waits until no work is in progress.
    pub(crate) async fn wait_until_idle(&self) -> Result<()> {
        while self.client.credits().await?.frozen > nemovideo::Credits::ZERO {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn session(&self) -> &nemovideo::SessionId {
        &self.session.as_ref().expect("the fixture has a session").session_id
    }

    fn job(&self) -> &RenderJob {
        self.job.as_ref().expect("the fixture has a job")
    }

    fn audio_path(&self) -> PathBuf {
        self.directory.path().join("hum.wav")
    }
}

/// Returns a WAV file with this many bytes of samples.
fn audio(bytes: usize) -> Vec<u8> {
    let header =
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3E\0\0\0\x7D\0\0\x02\0\x10\0data\0\0\0\0";
    [header, &vec![7; bytes][..]].concat()
}

/// Returns the name of an outcome's variant, with the code of an [`Error::Api`].
pub(crate) fn name_of(outcome: &Result<()>) -> String {
    let name = match outcome {
        Ok(()) => "Ok",
        Err(Error::Api(api)) => return format!("Api({})", api.code.number()),
        Err(Error::TokenInvalid(_)) => "TokenInvalid",
        Err(Error::SessionNotFound(_)) => "SessionNotFound",
        Err(Error::OutOfCredits(_)) => "OutOfCredits",
        Err(Error::UnsupportedFileType(_)) => "UnsupportedFileType",
        Err(Error::FileTooLarge(_)) => "FileTooLarge",
        Err(Error::ClientIdMissing(_)) => "ClientIdMissing",
        Err(Error::ExportBlocked(_)) => "ExportBlocked",
        Err(Error::RateLimited(_)) => "RateLimited",
        Err(Error::Unreachable(_)) => "Unreachable",
        Err(Error::Disconnected(_)) => "Disconnected",
        Err(Error::Timeout { .. }) => "Timeout",
        Err(Error::OutcomeUnknown(_)) => "OutcomeUnknown",
        Err(Error::Decode { .. }) => "Decode",
        Err(Error::NotAStream { .. }) => "NotAStream",
        Err(Error::LimitExceeded { .. }) => "LimitExceeded",
        Err(error) => return format!("{error:?}"),
    };
    name.to_owned()
}
