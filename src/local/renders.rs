//! Drafts on their way to files: one at a time in each session, and of all sessions as many as there
//! are workers; the others wait their turn.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;

use super::accounts::Account;
use super::engine::{Failure, Film};
use super::faults::Fault;
use super::library::StoredFile;
use super::service::Shared;
use super::sessions::Session;
use crate::protocol::{
    FileFormat, RenderFile, RenderId, RenderJob, RenderOutput, RenderState, RenderStatus,
    SessionId, UserId,
};

/// Under their owner as well as their id, which is the client's own choice: two clients with one
/// idea do not meet.
#[derive(Debug, Default)]
pub(super) struct Renders(Mutex<HashMap<(UserId, RenderId), Arc<Render>>>);

#[derive(Debug)]
pub(super) struct Render {
    progress: Mutex<Progress>,
    cancelled: CancellationToken,
    fails: bool,
}

#[derive(Debug)]
struct Progress {
    state: RenderState,
    file: Option<Arc<StoredFile>>,
    /// As many times the end is still kept back.
    kept_back: u32,
}

impl Renders {
    pub(super) fn find(&self, user: &UserId, id: &RenderId) -> Option<Arc<Render>> {
        self.map().get(&(user.clone(), id.clone())).cloned()
    }

    /// The render of this id, and whether it is a new one.
    fn enter(&self, user: &UserId, id: &RenderId, fault: Option<&Fault>) -> (Arc<Render>, bool) {
        let mut map = self.map();
        let mut is_new = false;
        let render = map.entry((user.clone(), id.clone())).or_insert_with(|| {
            is_new = true;
            Arc::new(Render::new(id.clone(), fault))
        });
        (Arc::clone(render), is_new)
    }

    fn map(&self) -> MutexGuard<'_, HashMap<(UserId, RenderId), Arc<Render>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a render in. An id that was taken in before starts nothing: its render is the answer.
pub(super) fn submit(
    service: &Shared,
    account: &Account,
    session: &Arc<Session>,
    request: RenderJob,
    fault: Option<&Fault>,
) -> Arc<Render> {
    let (render, is_new) = service.renders.enter(&account.user, &request.id, fault);
    if is_new {
        service.tally.renders_started.raise();
        tokio::spawn(run(Arc::clone(service), Arc::clone(session), Arc::clone(&render), request));
    }
    render
}

async fn run(service: Shared, session: Arc<Session>, render: Arc<Render>, request: RenderJob) {
    // Called off while it waits, it waits no longer: it would keep others from their turn.
    let turn = async { (session.render_turn.lock().await, service.renderers.place().await) };
    let Some((_turn, place)) = render.cancelled.run_until_cancelled(turn).await else { return };
    if !render.begin() {
        return;
    }
    let id = session.id.clone();
    let (worker, working) = (Arc::clone(&service), Arc::clone(&render));
    let made = place.work(move || make(&worker, &working, id, &request)).await;
    let made = made.unwrap_or_else(|crash| Err(Failure::new("CRASHED", crash.to_string())));
    if render.finish(made, &service.url) {
        service.tally.renders_finished.raise();
    }
}

fn make(
    service: &Shared,
    render: &Render,
    session: SessionId,
    request: &RenderJob,
) -> Result<Arc<StoredFile>, Failure> {
    if render.fails {
        return Err(Failure::new("FAULT", "the render failed, as a fault asked for"));
    }
    let find = |id: &str| service.library.find(id).filter(|file| file.session == session);
    let film = Film::from_draft(&request.draft, &request.output, find)
        .map_err(|message| Failure::new("BAD_DRAFT", message))?;
    let format = format_of(&request.output)
        .ok_or_else(|| Failure::new("BAD_FORMAT", "this format cannot be made"))?;
    let place = service.library.place(format);
    let made = service.engine.render(&film, &place.path, &|share| render.advance(share))?;
    let mut file = place.stored(session, format!("{}.{format}", made.name));
    file.facts.duration = Some(made.duration);
    Ok(service.library.add(file))
}

/// The file format of an output; `None` for one that cannot be made.
pub(super) fn format_of(output: &RenderOutput) -> Option<FileFormat> {
    use crate::protocol::RenderFormat::{M4a, Mp4, Wav};
    match &output.format {
        known @ (Mp4 | M4a | Wav) => FileFormat::of(format!("film.{known}")),
        _ => None,
    }
}

impl Render {
    fn new(id: RenderId, fault: Option<&Fault>) -> Self {
        let mut state = RenderState::new(id, RenderStatus::Pending);
        state.progress = Some(0.0);
        state.created_at = Some(SystemTime::now());
        let kept_back = match fault {
            Some(Fault::SlowRender { polls }) => *polls,
            _ => 0,
        };
        let fails = matches!(fault, Some(Fault::FailedRender));
        let progress = Mutex::new(Progress { state, file: None, kept_back });
        Self { progress, cancelled: CancellationToken::new(), fails }
    }

    pub(super) fn state(&self) -> RenderState {
        self.progress().told()
    }

    /// The state for somebody who waits for the end, which is kept back once less.
    pub(super) fn polled(&self) -> RenderState {
        let mut progress = self.progress();
        let state = progress.told();
        progress.kept_back = progress.kept_back.saturating_sub(1);
        state
    }

    /// The finished file.
    pub(super) fn file(&self) -> Option<Arc<StoredFile>> {
        let progress = self.progress();
        progress.file.clone().filter(|_| progress.kept_back == 0)
    }

    /// Calls the render off; one that has ended stays as it is.
    pub(super) fn cancel(&self) -> RenderState {
        let mut progress = self.progress();
        progress.kept_back = 0;
        if !progress.state.status.is_final() {
            progress.state.status = RenderStatus::Cancelled;
            progress.state.completed_at = Some(SystemTime::now());
        }
        self.cancelled.cancel();
        progress.state.clone()
    }

    /// `false` when it was called off while it waited.
    fn begin(&self) -> bool {
        let mut progress = self.progress();
        if progress.state.status.is_final() {
            return false;
        }
        progress.state.status = RenderStatus::Processing;
        true
    }

    fn advance(&self, share: f32) -> ControlFlow<()> {
        if self.cancelled.is_cancelled() {
            return ControlFlow::Break(());
        }
        // 100 is kept for a file that is there.
        self.progress().state.progress = Some((share * 100.0).floor().clamp(0.0, 99.0));
        ControlFlow::Continue(())
    }

    /// `true` when there is a film now.
    fn finish(&self, made: Result<Arc<StoredFile>, Failure>, base: &str) -> bool {
        let mut progress = self.progress();
        if progress.state.status.is_final() {
            return false;
        }
        let is_made = made.is_ok();
        progress.state.completed_at = Some(SystemTime::now());
        match made {
            Ok(file) => {
                let mut output = RenderFile::new(file.url(base));
                output.duration = file.facts.duration.map(|duration| duration.as_secs_f64());
                output.size = Some(file.size);
                progress.state.status = RenderStatus::Completed;
                progress.state.progress = Some(100.0);
                progress.state.output = Some(output);
                progress.file = Some(file);
            }
            Err(failure) => {
                progress.state.status = RenderStatus::Failed;
                progress.state.error = Some(failure.message);
            }
        }
        is_made
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    /// The state as it is told: under way for as long as the end is kept back.
    fn told(&self) -> RenderState {
        if self.kept_back == 0 {
            return self.state.clone();
        }
        let mut state = self.state.clone();
        state.status = RenderStatus::Processing;
        state.progress = state.progress.map(|progress| progress.min(99.0));
        (state.output, state.error, state.completed_at) = (None, None, None);
        state
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::{Render, submit};
    use crate::local::accounts::Account;
    use crate::local::engine::{Caption, Delivery, Engine, Failure, Film, Line, Made};
    use crate::local::library::{Facts, Library, StoredFile};
    use crate::local::service::{Service, Shared};
    use crate::local::sessions::Session;
    use crate::local::workers::Workers;
    use crate::protocol::{CreateSession, RenderJob, RenderOutput, RenderStatus};

    /// Tells of each film that it begins, and makes it when it is told to.
    #[derive(Debug)]
    struct Gate {
        begun: Mutex<Sender<String>>,
        go: Mutex<Receiver<()>>,
    }

    impl Engine for Gate {
        fn languages(&self) -> Vec<String> {
            Vec::new()
        }

        fn can_write(&self, _: &str) -> Result<(), Failure> {
            Ok(())
        }

        fn captions(&self, _: &str, _: Duration, _: Duration) -> Vec<Caption> {
            Vec::new()
        }

        fn speak(
            &self,
            _: &str,
            _: &Delivery,
            _: &mut dyn FnMut() -> PathBuf,
        ) -> Result<Vec<Line>, Failure> {
            Err(Failure::empty_script())
        }

        fn look(&self, _: &StoredFile) -> Facts {
            Facts::default()
        }

        fn render(
            &self,
            film: &Film,
            to: &Path,
            progress: &(dyn Fn(f32) -> ControlFlow<()> + Sync),
        ) -> Result<Made, Failure> {
            self.begun.lock().unwrap().send(film.texts[0].text.clone()).unwrap();
            self.go.lock().unwrap().recv().unwrap();
            if progress(0.42).is_break() {
                return Err(Failure::new("CANCELLED", "it was called off"));
            }
            std::fs::write(to, "film").unwrap();
            Ok(Made { duration: film.duration, name: "film" })
        }
    }

    /// A backend that renders so many films at once, all of them held up at the gate.
    async fn gated(renderers: usize) -> (Shared, Receiver<String>, Sender<()>) {
        let (begun, beginnings) = channel();
        let (go, gate) = channel();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let engine = Gate { begun: Mutex::new(begun), go: Mutex::new(gate) };
        let service = Service {
            url: "http://127.0.0.1:1".to_owned(),
            settings: crate::local::settings::Settings::default(),
            accounts: crate::local::accounts::Accounts::default(),
            sessions: crate::local::sessions::Sessions::default(),
            library: Library::open(None).unwrap(),
            renders: super::Renders::default(),
            renderers: Workers::new(renderers),
            speakers: Workers::default(),
            engine: Arc::new(engine),
            tally: crate::local::counters::Tally::default(),
            plans: crate::local::faults::FaultPlans::default(),
            gate: crate::local::faults::Gate::new(address, listener),
        };
        (Arc::new(service), beginnings, go)
    }

    async fn status(render: &Render, wanted: RenderStatus) {
        while render.state().status != wanted {
            tokio::task::yield_now().await;
        }
    }

    fn account(service: &Service) -> Arc<Account> {
        let token = service.accounts.issue(
            "c".into(),
            crate::protocol::Credits::ZERO,
            Duration::from_secs(60),
        );
        let token = token.unwrap_or_else(|_| panic!("a first token is given"));
        service.accounts.by_token(&token.token).unwrap()
    }

    /// Submits a film of one title, which is its id.
    fn start(service: &Shared, account: &Account, session: &Arc<Session>, id: &str) -> Arc<Render> {
        let draft = format!(r#"{{"t":[{{"tt":7,"sg":[{{"d":1000,"m":{{"text":"{id}"}}}}]}}]}}"#);
        let request = RenderJob {
            id: id.into(),
            session_id: session.id.clone(),
            draft: draft.parse().unwrap(),
            output: RenderOutput::mp4(),
            replaces: None,
        };
        submit(service, account, session, request, None)
    }

    #[tokio::test]
    async fn renders_of_all_sessions_share_the_workers_in_the_order_of_their_coming() {
        let (service, beginnings, go) = gated(2).await;
        let account = account(&service);
        let sessions: Vec<_> = (0..6)
            .map(|_| service.sessions.open(account.user.clone(), CreateSession::default()))
            .collect();
        let mut renders = Vec::new();
        for (session, id) in sessions.iter().zip(["a", "b", "c", "d", "e", "f"]) {
            renders.push(start(&service, &account, session, id));
            // Each takes its place in the queue before the next comes.
            tokio::task::yield_now().await;
        }
        let [a, b, c, d, e, f] = renders.try_into().unwrap();
        status(&a, RenderStatus::Processing).await;
        status(&b, RenderStatus::Processing).await;
        let mut begun = [beginnings.recv().unwrap(), beginnings.recv().unwrap()];
        begun.sort();
        assert_eq!(begun, ["a", "b"]);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let waiting = [&c, &d, &e, &f].map(|render| render.state().status.clone());
        assert!(waiting.iter().all(|status| *status == RenderStatus::Pending), "{waiting:?}");

        assert_eq!(c.cancel().status, RenderStatus::Cancelled);
        go.send(()).unwrap();
        status(&d, RenderStatus::Processing).await;
        assert_eq!(beginnings.recv().unwrap(), "d", "c was called off, and d came next");
        // What waits for a worker is called off as well as what waits for its session.
        assert_eq!(e.cancel().status, RenderStatus::Cancelled);
        for _ in 0..3 {
            go.send(()).unwrap();
        }
        for render in [&a, &b, &d, &f] {
            status(render, RenderStatus::Completed).await;
        }
        assert!(beginnings.try_iter().eq(["f"]), "e was never begun");
    }

    #[tokio::test]
    async fn renders_of_a_session_wait_for_each_other_and_can_be_called_off() {
        let (service, beginnings, go) = gated(2).await;
        let account = account(&service);
        let session = service.sessions.open(account.user.clone(), CreateSession::default());
        let renders = ["a", "b", "c", "d"].map(|id| start(&service, &account, &session, id));
        let [a, b, c, d] = renders.each_ref();
        status(a, RenderStatus::Processing).await;
        assert_eq!(beginnings.recv().unwrap(), "a");
        assert!([b, c, d].iter().all(|render| render.state().status == RenderStatus::Pending));

        assert_eq!(b.cancel().status, RenderStatus::Cancelled);
        go.send(()).unwrap();
        status(a, RenderStatus::Completed).await;
        assert_eq!(a.state().progress, Some(100.0));
        assert_eq!(a.state().output.unwrap().size, Some(4));
        assert_eq!(a.cancel().status, RenderStatus::Completed, "what is done stays done");

        status(c, RenderStatus::Processing).await;
        assert_eq!(beginnings.recv().unwrap(), "c", "b was never begun");
        assert_eq!(c.cancel().status, RenderStatus::Cancelled);
        go.send(()).unwrap();
        status(d, RenderStatus::Processing).await;
        go.send(()).unwrap();
        status(d, RenderStatus::Completed).await;
        assert_eq!(c.state().status, RenderStatus::Cancelled);
        assert!(c.file().is_none() && d.file().is_some());
        assert_eq!(service.counters().renders_started, 4);
    }
}
