//! Renders and their queue: a session renders one video at a time, and all sessions together as many
//! as there are workers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use tokio_util::sync::CancellationToken;

use super::engine::{EngineError, VideoPlan, frame_size};
use super::faults::Fault;
use super::library::StoredFile;
use super::response::Rejected;
use super::server::{Service, SharedService};
use super::sessions::LocalSession;
use super::store::{Change, FileRole, Store, StoreError};
use super::watch::WatchedSubtitles;
use crate::protocol::{
    Aspect, FileFormat, RenderCodec, RenderFormat, RenderId, RenderJob, RenderOutput, RenderState,
    RenderStatus, SessionId, UserId,
};
use crate::sync::lock;

/// The frame rate of every video.
const FPS: u32 = 30;
/// The longest time for a render. One of six hours, the longest video, takes a fraction of it.
const MAX_RENDER_TIME: Duration = Duration::from_secs(60 * 60);
/// The largest rate factor of H.264.
const MAX_CRF: u8 = 51;

/// All renders, by account and id. The id alone is not unique across accounts, because clients choose
/// it.
#[derive(Debug, Default)]
pub(crate) struct Renders(Mutex<HashMap<(UserId, RenderId), Arc<Render>>>);

#[derive(Debug)]
pub(crate) struct Render {
    user: UserId,
    id: RenderId,
    record: Mutex<RenderRecord>,
    cancelled: CancellationToken,
    fails: bool,
    store: Arc<Store>,
    pub(crate) session: SessionId,
    pub(crate) format: RenderFormat,
    /// For the page, if there is one, once the work has begun.
    pub(crate) subtitles: OnceLock<WatchedSubtitles>,
}

#[derive(Clone, Debug)]
struct RenderRecord {
    state: RenderState,
    file: Option<Arc<StoredFile>>,
    /// Polls that still report `processing` although the render may have ended.
    hidden_polls: u32,
}

impl Renders {
    pub(crate) fn all(&self) -> Vec<Arc<Render>> {
        lock(&self.0).values().cloned().collect()
    }

    pub(crate) fn find(&self, user: &UserId, id: &RenderId) -> Option<Arc<Render>> {
        lock(&self.0).get(&(user.clone(), id.clone())).cloned()
    }
}

/// Accepts a render. An id that is used already starts nothing and is an error, as documented by
/// some revisions of the service; their error response is not, so it is a 409.
pub(crate) fn submit(
    service: &SharedService,
    session: &Arc<LocalSession>,
    request: RenderJob,
    fault: Option<&Fault>,
) -> Result<Arc<Render>, Rejected> {
    match lock(&service.renders.0).entry((session.user.clone(), request.id.clone())) {
        Entry::Occupied(_) => {
            let message = format!("Render id already used: {}", request.id);
            Err(Rejected::detail(StatusCode::CONFLICT, message))
        }
        Entry::Vacant(new) => {
            let format = request.output.format.clone();
            let render = Render::new(service, session, request.id.clone(), format, fault);
            let state = render.state();
            service.store.write(&[
                Change::Render { user: &session.user, job: &request, state: &state },
                Change::Count("renders_started"),
            ])?;
            new.insert(Arc::clone(&render));
            service.count(|counters| counters.renders_started += 1);
            let (shared, session) = (Arc::clone(service), Arc::clone(session));
            service.jobs.spawn(run(shared, session, Arc::clone(&render), request));
            Ok(render)
        }
    }
}

/// A render of a process that has ended.
#[cfg(feature = "persistence")]
#[derive(Debug)]
pub(crate) struct KeptRender {
    pub(crate) session: Arc<LocalSession>,
    pub(crate) state: RenderState,
    pub(crate) file: Option<Arc<StoredFile>>,
    /// What is to be rendered again, because it had not ended.
    pub(crate) job: Option<RenderJob>,
    pub(crate) subtitles: Option<WatchedSubtitles>,
}

/// Continues with the renders of a process that has ended.
#[cfg(feature = "persistence")]
pub(crate) fn restore(service: &SharedService, kept: Vec<KeptRender>) {
    for KeptRender { session, state, file, job, subtitles } in kept {
        let Some(id) = state.id.clone() else { continue };
        let format = match (&job, &file) {
            (Some(job), _) => job.output.format.clone(),
            (None, Some(file)) => RenderFormat::from(&*file.format.to_string()),
            (None, None) => RenderFormat::Mp4,
        };
        let render = Render::new(service, &session, id.clone(), format, None);
        if let Some(subtitles) = subtitles {
            let _ = render.subtitles.set(subtitles);
        }
        {
            let mut record = lock(&render.record);
            record.state = state;
            if let Some(file) = file {
                record.set_file(file, &service.url);
            }
        }
        lock(&service.renders.0).insert((session.user.clone(), id), Arc::clone(&render));
        if let Some(job) = job {
            service.jobs.spawn(run(Arc::clone(service), session, render, job));
        }
    }
}

async fn run(
    service: SharedService,
    session: Arc<LocalSession>,
    render: Arc<Render>,
    request: RenderJob,
) {
    // A cancelled render leaves the queue at once, so that others do not wait for it.
    let turn = async {
        let lock = session.render_lock.lock().await;
        (lock, service.render_workers.worker(&session.user).await)
    };
    let Some((_lock, _worker)) = render.cancelled.run_until_cancelled(turn).await else { return };
    if !render.begin() {
        return;
    }
    let id = session.id.clone();
    let (shared, rendering) = (Arc::clone(&service), Arc::clone(&render));
    let mut job = service.jobs.spawn_blocking(move || make(&shared, &rendering, id, &request));
    let result = match tokio::time::timeout(MAX_RENDER_TIME, &mut job).await {
        Ok(result) => result,
        Err(_) => {
            render.cancelled.cancel();
            // One that has ended just then is as good as any.
            let late = |_| EngineError::new("TIMEOUT", "the render takes too long");
            job.await.map(|result| result.map_err(late))
        }
    };
    let result = result.unwrap_or_else(|panic| Err(EngineError::new("CRASHED", panic.to_string())));
    // The disk may take a while to have a long video.
    let shared = Arc::clone(&service);
    let finished = service.jobs.spawn_blocking(move || render.finish(result, &shared));
    if let Err(error) = finished.await {
        tracing::error!(%error, "a render could not be finished");
    }
}

fn make(
    service: &SharedService,
    render: &Render,
    session: SessionId,
    request: &RenderJob,
) -> Result<Arc<StoredFile>, EngineError> {
    if service.watch.is_some()
        && let Some(subtitles) = WatchedSubtitles::of(&request.draft)
    {
        let _ = render.subtitles.set(subtitles);
    }
    if render.fails {
        return Err(EngineError::new("FAULT", "the render failed because of an injected fault"));
    }
    let find = |id: &str| service.library.find(id).filter(|file| file.session == session);
    let video = VideoPlan::from_draft(&request.draft, &request.output, find)
        .map_err(|message| EngineError::new("BAD_DRAFT", message))?;
    let format = format_of(&request.output)
        .ok_or_else(|| EngineError::new("BAD_FORMAT", "this format cannot be rendered"))?;
    let path = service.library.new_path(format);
    let progress = |share| render.advance(share);
    let output = service.engine.render(&video, &path.path, &progress, &render.cancelled);
    let output =
        output.map_err(|error| service.library.not_written([path.path.as_path()], error))?;
    let mut file = path.stored(session, format!("{}.{format}", output.name));
    file.info.duration = Some(output.duration);
    Ok(service.library.add(file))
}

/// Checks that an output can be rendered. The error is the field that cannot be honoured and why:
/// nothing that was requested is ignored.
pub(crate) fn check_output(output: &RenderOutput) -> Result<(), (&'static str, String)> {
    if format_of(output).is_none() {
        let message =
            format!("the format `{}` is not one of mp4, m4a, wav, jpg, png", output.format);
        return Err(("format", message));
    }
    let is_image = matches!(output.format, RenderFormat::Jpg | RenderFormat::Png);
    if output.format != RenderFormat::Mp4 {
        let of_videos = [
            ("resolution", output.resolution.is_some() && !is_image),
            ("fps", output.fps.is_some()),
            ("codec", output.codec.is_some()),
            ("crf", output.crf.is_some()),
        ];
        let found = of_videos.into_iter().find(|(_, is_set)| *is_set);
        if let Some((field, _)) = found {
            return Err((field, format!("a file in the format `{}` has no video", output.format)));
        }
    }
    if let Some(resolution) = &output.resolution
        && frame_size(Aspect::default(), Some(resolution)).is_none()
    {
        let message = format!("the resolution `{resolution}` is not one of 1080p, 720p, 480p");
        return Err(("resolution", message));
    }
    match (output.fps, &output.codec, output.crf) {
        (Some(fps), ..) if fps != FPS => {
            Err(("fps", format!("videos have {FPS} frames per second, not {fps}")))
        }
        (_, Some(codec), _) if *codec != RenderCodec::H264 => {
            Err(("codec", format!("the codec `{codec}` is not h264")))
        }
        (.., Some(crf)) if crf > MAX_CRF => {
            Err(("crf", format!("the rate factor {crf} is not one from 0 to {MAX_CRF}")))
        }
        _ => Ok(()),
    }
}

/// Returns the file format of an output; `None` if it cannot be rendered.
pub(crate) fn format_of(output: &RenderOutput) -> Option<FileFormat> {
    match &output.format {
        RenderFormat::Other(_) => None,
        known => FileFormat::of(format!("video.{known}")),
    }
}

impl Render {
    fn new(
        service: &Service,
        session: &LocalSession,
        id: RenderId,
        format: RenderFormat,
        fault: Option<&Fault>,
    ) -> Arc<Self> {
        let mut state = RenderState::new(id.clone(), RenderStatus::Pending);
        state.progress = Some(0.0);
        state.created_at = Some(SystemTime::now());
        let hidden_polls = match fault {
            Some(Fault::SlowRender { polls }) => *polls,
            _ => 0,
        };
        let fails = matches!(fault, Some(Fault::FailedRender));
        let record = Mutex::new(RenderRecord { state, file: None, hidden_polls });
        let cancelled = service.stopping.child_token();
        let store = Arc::clone(&service.store);
        Arc::new(Self {
            user: session.user.clone(),
            id,
            record,
            cancelled,
            fails,
            store,
            session: session.id.clone(),
            format,
            subtitles: OnceLock::new(),
        })
    }

    pub(crate) fn state(&self) -> RenderState {
        lock(&self.record).reported()
    }

    /// Returns the state for a poll, and counts the poll.
    pub(crate) fn poll(&self) -> RenderState {
        let mut record = lock(&self.record);
        let state = record.reported();
        record.hidden_polls = record.hidden_polls.saturating_sub(1);
        state
    }

    /// Returns the finished file.
    pub(crate) fn file(&self) -> Option<Arc<StoredFile>> {
        let record = lock(&self.record);
        record.file.clone().filter(|_| record.hidden_polls == 0)
    }

    /// Cancels the render; one that has ended stays as it is.
    pub(crate) fn cancel(&self) -> Result<RenderState, StoreError> {
        let mut record = lock(&self.record);
        if !record.state.status.is_final() {
            let mut state = record.state.clone();
            state.status = RenderStatus::Cancelled;
            state.completed_at = Some(SystemTime::now());
            self.store.write(&[self.end(&state, None)])?;
            record.state = state;
        }
        record.hidden_polls = 0;
        self.cancelled.cancel();
        Ok(record.state.clone())
    }

    fn end<'c>(&'c self, state: &'c RenderState, file: Option<&'c StoredFile>) -> Change<'c> {
        let subtitles = self.subtitles.get();
        Change::RenderEnd { user: &self.user, id: &self.id, state, file, subtitles }
    }

    /// Begins the work; `false` if the render was cancelled while it waited.
    fn begin(&self) -> bool {
        let mut record = lock(&self.record);
        if record.state.status.is_final() {
            return false;
        }
        record.state.status = RenderStatus::Processing;
        true
    }

    fn advance(&self, share: f32) {
        // 100 is reported only when the file exists.
        lock(&self.record).state.progress = Some((share * 100.0).floor().clamp(0.0, 99.0));
    }

    /// Ends the render, and counts its video before any poll can report it. One that cannot be kept
    /// has failed in this process, and the next one renders it again.
    fn finish(&self, result: Result<Arc<StoredFile>, EngineError>, service: &Service) {
        let unkept = |error: StoreError| EngineError::new("IO", error.to_string());
        let mut made = result.as_ref().ok().cloned();
        let result = result.and_then(|file| {
            self.store.sync([&*file.path]).map_err(unkept)?;
            Ok(file)
        });
        let mut record = lock(&self.record);
        // Unless it was cancelled just after its file was made, which nobody can ask for.
        if !record.state.status.is_final() {
            let mut ended = RenderRecord { file: None, ..record.clone() };
            ended.state.completed_at = Some(SystemTime::now());
            let result = result.and_then(|file| {
                ended.set_file(Arc::clone(&file), &service.url);
                let row = Change::File { file: &file, role: FileRole::Render, text: None };
                let changes =
                    [row, self.end(&ended.state, Some(&file)), Change::Count("renders_finished")];
                self.store.write(&changes).map_err(unkept)
            });
            match result {
                Ok(()) => {
                    service.count(|counters| counters.renders_finished += 1);
                    made = None;
                    *record = ended;
                }
                Err(error) => {
                    record.state.completed_at = ended.state.completed_at;
                    record.state.status = RenderStatus::Failed;
                    record.state.error = Some(error.message);
                    // Of a backend that stops, it has not ended: the next one begins it again.
                    if !service.stopping.is_cancelled()
                        && let Err(error) = self.store.write(&[self.end(&record.state, None)])
                    {
                        tracing::warn!(%error, "a failed render is rendered again by the next process");
                    }
                }
            }
        }
        drop(record);
        if let Some(file) = made {
            service.library.remove(&file);
        }
    }
}

impl RenderRecord {
    /// Ends the render with a file.
    fn set_file(&mut self, file: Arc<StoredFile>, base: &str) {
        self.state.url = Some(file.url(base));
        self.state.duration = file.info.duration;
        self.state.size = Some(file.size);
        self.state.status = RenderStatus::Completed;
        self.state.progress = Some(100.0);
        self.file = Some(file);
    }

    /// Returns the state as it is reported: `processing` while the end is hidden.
    fn reported(&self) -> RenderState {
        if self.hidden_polls == 0 {
            return self.state.clone();
        }
        let mut state = self.state.clone();
        state.status = RenderStatus::Processing;
        state.progress = state.progress.map(|progress| progress.min(99.0));
        (state.url, state.duration, state.size) = (None, None, None);
        (state.error, state.completed_at) = (None, None);
        state
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, Mutex};

    use tokio_util::sync::CancellationToken;

    use super::{Render, submit};
    use crate::local::builder::Settings;
    use crate::local::engine::{
        Delivery, Engine, EngineError, EngineOutput, SpokenLine, VideoPlan,
    };
    use crate::local::library::Library;
    use crate::local::server::{Service, SharedService, WorkerPool};
    use crate::local::sessions::LocalSession;
    use crate::local::store::Kept;
    use crate::protocol::{CreateSession, RenderJob, RenderOutput, RenderStatus};

    /// Reports the beginning of each video, and waits for a signal to render it.
    #[derive(Debug)]
    struct GatedEngine {
        begun: Mutex<Sender<String>>,
        go: Mutex<Receiver<()>>,
    }

    impl Engine for GatedEngine {
        fn languages(&self) -> Vec<String> {
            Vec::new()
        }

        fn speak(
            &self,
            _: &str,
            _: &Delivery,
            _: &mut dyn FnMut() -> PathBuf,
            _: &CancellationToken,
        ) -> Result<Vec<SpokenLine>, EngineError> {
            Err(EngineError::empty_script())
        }

        fn render(
            &self,
            video: &VideoPlan,
            to: &Path,
            progress: &(dyn Fn(f32) + Sync),
            cancel: &CancellationToken,
        ) -> Result<EngineOutput, EngineError> {
            self.begun.lock().unwrap().send(video.texts[0].text.clone()).unwrap();
            self.go.lock().unwrap().recv().unwrap();
            progress(0.42);
            if cancel.is_cancelled() && video.texts[0].text != MADE {
                return Err(EngineError::new("CANCELLED", "the render was cancelled"));
            }
            std::fs::write(to, "file").unwrap();
            Ok(EngineOutput { duration: video.duration, name: "video" })
        }
    }

    /// Returns a backend with this many render workers, one less for each account, and an engine that waits.
    async fn gated(workers: usize) -> (SharedService, Receiver<String>, Sender<()>) {
        let (begun, beginnings) = channel();
        let (go, gate) = channel();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let engine = GatedEngine { begun: Mutex::new(begun), go: Mutex::new(gate) };
        let gate = crate::local::faults::Gate::new(address, listener);
        let library = Library::open(None).unwrap();
        let workers = WorkerPool::new(workers);
        let service = Service::new(
            gate,
            Settings::default(),
            library,
            Arc::new(engine),
            workers,
            Kept::default(),
        );
        (Arc::new(service), beginnings, go)
    }

    async fn reach(render: &Render, status: RenderStatus) {
        while render.state().status != status {
            tokio::task::yield_now().await;
        }
    }

    const USER: &str = "u";
    /// The title of a video that is made although it was cancelled, as if that came just after.
    const MADE: &str = "made";

    /// Submits a video whose title is its id.
    fn start(service: &SharedService, session: &Arc<LocalSession>, id: &str) -> Arc<Render> {
        let draft = format!(r#"{{"t":[{{"tt":7,"sg":[{{"d":1000,"m":{{"text":"{id}"}}}}]}}]}}"#);
        let request = RenderJob {
            id: id.into(),
            session_id: session.id.clone(),
            draft: draft.parse().unwrap(),
            output: RenderOutput::mp4(),
            replaces: None,
        };
        submit(service, session, request, None).expect("a new id")
    }

    #[tokio::test]
    async fn renders_of_all_sessions_share_the_workers_in_their_order() {
        let (service, beginnings, go) = gated(3).await;
        let sessions: Vec<_> = (0..6)
            .map(|_| service.sessions.create(USER.into(), CreateSession::default()).unwrap())
            .collect();
        let mut renders = Vec::new();
        for (session, id) in sessions.iter().zip(["a", "b", "c", "d", "e", "f"]) {
            renders.push(start(&service, session, id));
            // Each joins the queue before the next is submitted.
            tokio::task::yield_now().await;
        }
        let [a, b, c, d, e, f] = renders.try_into().unwrap();
        reach(&a, RenderStatus::Processing).await;
        reach(&b, RenderStatus::Processing).await;
        let mut begun = [beginnings.recv().unwrap(), beginnings.recv().unwrap()];
        begun.sort();
        assert_eq!(begun, ["a", "b"]);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let waiting = [&c, &d, &e, &f].map(|render| render.state().status.clone());
        assert!(waiting.iter().all(|status| *status == RenderStatus::Pending), "{waiting:?}");

        assert_eq!(c.cancel().unwrap().status, RenderStatus::Cancelled);
        go.send(()).unwrap();
        reach(&d, RenderStatus::Processing).await;
        assert_eq!(beginnings.recv().unwrap(), "d", "c was cancelled, and d was next");
        // A render that waits for a worker can be cancelled like one that waits for its session.
        assert_eq!(e.cancel().unwrap().status, RenderStatus::Cancelled);
        for _ in 0..3 {
            go.send(()).unwrap();
        }
        for render in [&a, &b, &d, &f] {
            reach(render, RenderStatus::Completed).await;
        }
        assert!(beginnings.try_iter().eq(["f"]), "e never began");
    }

    #[tokio::test]
    async fn a_render_never_waits_for_all_renders_of_another_account() {
        let (service, beginnings, go) = gated(2).await;
        let sessions =
            |user: &str| service.sessions.create(user.into(), CreateSession::default()).unwrap();
        let bombs = ["a", "b", "c"].map(|id| start(&service, &sessions(USER), id));
        reach(&bombs[0], RenderStatus::Processing).await;
        assert_eq!(beginnings.recv().unwrap(), "a");
        let other = start(&service, &sessions("other"), "d");
        reach(&other, RenderStatus::Processing).await;
        assert_eq!(beginnings.recv().unwrap(), "d", "b and c wait for a");
        for _ in 0..4 {
            go.send(()).unwrap();
        }
        for render in bombs.iter().chain([&other]) {
            reach(render, RenderStatus::Completed).await;
        }
    }

    #[tokio::test]
    async fn a_render_that_is_cancelled_after_its_file_was_made_leaves_none() {
        let (service, beginnings, go) = gated(2).await;
        let session = service.sessions.create(USER.into(), CreateSession::default()).unwrap();
        let (_, own) = service.library.count();
        let render = start(&service, &session, MADE);
        reach(&render, RenderStatus::Processing).await;
        assert_eq!(beginnings.recv().unwrap(), MADE);
        assert_eq!(render.cancel().unwrap().status, RenderStatus::Cancelled);
        go.send(()).unwrap();
        // The next one begins once this one has ended.
        let next = start(&service, &session, "next");
        reach(&next, RenderStatus::Processing).await;
        assert_eq!(service.library.count(), (0, own));
        go.send(()).unwrap();
        reach(&next, RenderStatus::Completed).await;
        assert_eq!(service.library.count(), (1, own + 1));
        assert!(render.file().is_none());
    }

    #[tokio::test]
    async fn renders_of_a_session_wait_for_each_other_and_can_be_cancelled() {
        let (service, beginnings, go) = gated(2).await;
        let session = service.sessions.create(USER.into(), CreateSession::default()).unwrap();
        let renders = ["a", "b", "c", "d"].map(|id| start(&service, &session, id));
        let [a, b, c, d] = renders.each_ref();
        reach(a, RenderStatus::Processing).await;
        assert_eq!(beginnings.recv().unwrap(), "a");
        assert!([b, c, d].iter().all(|render| render.state().status == RenderStatus::Pending));

        assert_eq!(b.cancel().unwrap().status, RenderStatus::Cancelled);
        go.send(()).unwrap();
        reach(a, RenderStatus::Completed).await;
        assert_eq!(a.state().progress, Some(100.0));
        assert_eq!(a.state().size, Some(4));
        assert_eq!(a.cancel().unwrap().status, RenderStatus::Completed, "it stays completed");

        reach(c, RenderStatus::Processing).await;
        assert_eq!(beginnings.recv().unwrap(), "c", "b never began");
        assert_eq!(c.cancel().unwrap().status, RenderStatus::Cancelled);
        go.send(()).unwrap();
        reach(d, RenderStatus::Processing).await;
        go.send(()).unwrap();
        reach(d, RenderStatus::Completed).await;
        assert_eq!(c.state().status, RenderStatus::Cancelled);
        assert!(c.file().is_none() && d.file().is_some());
        assert_eq!(service.counters().renders_started, 4);
    }
}
