//! Programs are killed at each call, at each step on the disk, in the middle of a write, and at
//! random moments: nothing is charged twice, no file is half written, what was paid for is saved by
//! the next run, and nothing else is left.
//!
//! Three mechanisms, none of which needs privileges. The relay holds an exchange, and the program is
//! killed meanwhile: before the backend has the request, once it has done the work, or once the
//! program has the response. The kernel reports each step in the program's directories (inotify);
//! an fsync shows no event of its own, and lies between the last write and the rename. And a limit
//! on the size of files ends the program within a write.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::{self, Either};
use nemovideo::protocol::Endpoint;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::dice::{self, Dice};
#[cfg(unix)]
use crate::examples::limited;
use crate::place::{Ended, HANG, Place, SHORT};
use crate::relay::{Act, At, Plan, Side};
#[cfg(target_os = "linux")]
use crate::steps::Steps;
use crate::{is_limited, is_long, run_all, selected, variant};

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Voiceover,
    Batch,
    Edit,
    /// With the job of a `voiceover` that was killed once its message had been sent.
    ResumeMessage,
    /// With the job of a `voiceover` that was killed before its render was submitted.
    ResumeRender,
}

/// When it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Exchange(Plan),
    /// At the nth step on the disk.
    #[cfg(target_os = "linux")]
    Step(usize),
    /// In the write that makes a file longer than this many blocks of 512 bytes.
    #[cfg(unix)]
    Write(u32),
    After(Duration),
}

/// The backend never has the request of a message.
const REQUEST: Plan = Plan {
    endpoint: Endpoint::Message,
    nth: 0,
    side: Side::Request,
    at: At::Start,
    act: Act::Stall,
};

impl Job {
    fn program(self) -> &'static str {
        match self {
            Self::Voiceover => "voiceover",
            Self::Batch => "batch",
            Self::Edit => "edit",
            Self::ResumeMessage | Self::ResumeRender => "resume",
        }
    }

    fn command(self, place: &Place) -> Command {
        place.program(
            self.program(),
            match self {
                Self::Voiceover => &["--text", SHORT[0], "--out", "a.wav"],
                Self::Batch => &["scripts", "--out", "videos"],
                Self::Edit => &[],
                Self::ResumeMessage | Self::ResumeRender => &["a.wav.job.json", "--out", "a.wav"],
            },
        )
    }

    fn input(self) -> &'static str {
        match self {
            Self::Edit => "narrate: The sky is blue.\nexport wav\n",
            _ => "",
        }
    }

    /// Returns the file with which the next run continues.
    fn state(self) -> &'static str {
        match self {
            Self::Batch => "videos/batch.json",
            Self::Edit => "edit.session.json",
            _ => "a.wav.job.json",
        }
    }

    /// Returns how many messages were sent according to the state file.
    fn messages(self, place: &Place) -> u64 {
        let state = std::fs::read(place.work().join(self.state())).unwrap_or_default();
        let state: Value = serde_json::from_slice(&state).unwrap_or_default();
        let is_sent = |stage: &Value| {
            ["message", "rendering", "render", "finished"]
                .iter()
                .any(|sent| stage[sent].is_object())
        };
        match state["items"].as_array() {
            Some(items) => items.iter().filter(|item| is_sent(&item["stage"])).count() as u64,
            None => u64::from(is_sent(&state)),
        }
    }

    fn videos(self) -> &'static [&'static str] {
        match self {
            Self::Batch => &["videos/1.mp4", "videos/2.mp4"],
            Self::Edit => &["video.wav"],
            _ => &["a.wav"],
        }
    }

    /// The endpoints that the program calls, in their order.
    fn endpoints(self) -> &'static [Endpoint] {
        use Endpoint::*;
        match self {
            Self::Voiceover | Self::Edit => {
                &[Token, Session, State, Message, RenderSubmit, RenderStatus, File]
            }
            Self::Batch => {
                &[Token, Session, Upload, State, Message, RenderSubmit, RenderStatus, File]
            }
            Self::ResumeMessage => &[State, RenderSubmit, RenderStatus, File],
            Self::ResumeRender => &[RenderStatus, RenderSubmit, File],
        }
    }

    /// The number of steps on the disk that a run takes, or a few more.
    #[cfg(target_os = "linux")]
    fn steps(self) -> usize {
        match self {
            Self::Voiceover => 40,
            Self::Batch => 80,
            Self::Edit => 30,
            Self::ResumeMessage | Self::ResumeRender => 20,
        }
    }

    async fn prepare(self, place: &Place) {
        match self {
            Self::Batch => {
                std::fs::create_dir_all(place.work().join("scripts")).expect("a directory");
                std::fs::create_dir_all(place.work().join("videos")).expect("a directory");
                for (number, text) in (1..).zip(SHORT) {
                    let path = place.work().join(format!("scripts/{number}.txt"));
                    std::fs::write(path, text).expect("a script");
                }
            }
            Self::ResumeMessage | Self::ResumeRender => {
                let plan = match self {
                    Self::ResumeMessage => Plan { side: Side::Response, ..REQUEST },
                    _ => Plan { endpoint: Endpoint::RenderSubmit, ..REQUEST },
                };
                kill(place, Self::Voiceover, Moment::Exchange(plan)).await;
                assert!(place.work().join(self.state()).exists());
            }
            Self::Voiceover | Self::Edit => {}
        }
    }
}

/// Starts the program and kills it. Returns false if it ended first.
async fn kill(place: &Place, job: Job, moment: Moment) -> bool {
    let mut command = job.command(place);
    #[cfg(unix)]
    if let Moment::Write(blocks) = moment {
        let limits = format!("ulimit -c 0; ulimit -f {blocks}");
        command = Command::from(limited(&limits, command.as_std()));
        command.kill_on_drop(true).stdin(std::process::Stdio::piped());
    }
    #[cfg(target_os = "linux")]
    let mut steps = Steps::watch(&[
        place.work(),
        place.work().join("videos"),
        place.credentials(),
        place.tokens(),
    ]);
    if let Moment::Exchange(plan) = moment {
        place.relay.plan(Some(plan));
    }
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut process = command.spawn().expect("the program starts");
    let mut stdin = process.stdin.take().expect("a pipe");
    _ = tokio::io::AsyncWriteExt::write_all(&mut stdin, job.input().as_bytes()).await;
    drop(stdin);
    let due = async {
        match moment {
            Moment::Exchange(_) => place.relay.hit().await,
            #[cfg(target_os = "linux")]
            Moment::Step(nth) => steps.nth(nth).await,
            #[cfg(unix)]
            Moment::Write(_) => future::pending().await,
            Moment::After(time) => tokio::time::sleep(time).await,
        }
    };
    let is_killed = ended_before(&mut process, due).await;
    place.relay.plan(None);
    is_killed
}

/// Kills the process when it is due. Returns whether a signal has ended it.
async fn ended_before(process: &mut Child, due: impl Future<Output = ()>) -> bool {
    let due = std::pin::pin!(due);
    let ended = {
        let wait = std::pin::pin!(process.wait());
        match tokio::time::timeout(HANG, future::select(wait, due)).await.expect("it hangs") {
            Either::Left((status, _)) => Some(status),
            Either::Right(_) => None,
        }
    };
    let status = match ended {
        Some(status) => status,
        None => {
            process.start_kill().expect("it can be killed");
            process.wait().await
        }
    };
    status.expect("its status").code().is_none()
}

/// Kills a program, runs it again, and checks what is there after each run. Returns whether it was
/// killed.
async fn cell(job: Job, moment: Moment) -> bool {
    let name = format!("{job:?}, {moment:?}");
    let place = Place::new().await;
    job.prepare(&place).await;
    let is_killed = kill(&place, job, moment).await;
    place.check_files(&name);
    place.settle().await;
    let is_there = |video: &&str| place.work().join(video).exists();
    let has_state = || place.work().join(job.state()).exists();
    let videos = job.videos();
    let mut payments = videos.len() as u64;
    if job == Job::Edit {
        continue_conversation(&name, &place).await;
    } else if !has_state() && videos.iter().all(&is_there) {
        // Nothing is to be done again, so no next run removes what is left.
        return is_killed;
    } else {
        if job.messages(&place) > place.counters().messages_run {
            // The program was killed before the message. The next run does not know that: it looks
            // what became of it, and sends nothing. Only the user can decide to send it anew.
            let sent = place.counters().messages_run;
            let observed = Plan { endpoint: Endpoint::State, nth: 0, ..REQUEST };
            assert!(kill(&place, job, Moment::Exchange(observed)).await, "{name}");
            place.check_files(&name);
            assert_eq!((place.counters().messages_run, place.payments()), (sent, sent), "{name}");
            std::fs::remove_file(place.work().join(job.state())).expect("a state file");
            payments += sent;
        }
        let is_resumed = matches!(job, Job::ResumeMessage | Job::ResumeRender);
        if has_state() || !is_resumed {
            let Ended { code, shown } = place.run(job.command(&place), "").await;
            assert_eq!(code, Some(0), "{name}: {shown}");
        }
    }
    place.check_files(&name);
    assert!(videos.iter().all(is_there), "{name}");
    assert_eq!(place.payments(), payments, "{name}");
    assert_eq!(place.counters().messages_run, payments, "{name}");
    let own: &[&str] = match job {
        Job::Batch => &["scripts/1.txt", "scripts/2.txt", job.state()],
        Job::Edit => &[job.state()],
        _ => &[],
    };
    place.check_nothing_else_is_left(&name, &[own, videos].concat());
    is_killed
}

/// Continues a conversation: what was said already is not said again.
async fn continue_conversation(name: &str, place: &Place) {
    let is_said = place.counters().messages_run > 0;
    let input = match (is_said, place.work().join(Job::Edit.videos()[0]).exists()) {
        (false, _) => Job::Edit.input(),
        (true, false) => "export wav\n",
        (true, true) => "credits?\n",
    };
    let Ended { code, shown } = place.run(Job::Edit.command(place), input).await;
    assert_eq!(code, Some(0), "{name}: {shown}");
    assert!(!is_said || shown.contains("Continuing"), "{name}: {shown}");
}

/// Returns all moments of a job: at its calls, at its steps on the disk, and at random.
fn moments(job: Job, dice: &mut Dice) -> Vec<Moment> {
    let mut moments = Vec::new();
    for (index, &endpoint) in job.endpoints().iter().enumerate() {
        // The second video of a batch repeats all but the first two.
        for nth in 0..=u64::from(job == Job::Batch && index > 1) {
            for (side, at, act) in [
                (Side::Request, At::Start, Act::Stall),
                (Side::Response, At::Start, Act::Stall),
                (Side::Response, At::Last, Act::Stall),
                (Side::Response, At::Last, Act::Report),
            ] {
                moments.push(Moment::Exchange(Plan { endpoint, nth, side, at, act }));
            }
        }
    }
    #[cfg(target_os = "linux")]
    moments.extend((1..=job.steps()).map(Moment::Step));
    #[cfg(unix)]
    moments.extend([0, 1, 2, 4, 8, 16, 64, 200].map(Moment::Write));
    moments.extend((0..12).map(|_| Moment::After(Duration::from_millis(dice.below(700)))));
    moments
}

/// The kinds of moments that every run has: at each call and at each point of a call, at a step, in
/// a write, and at random.
fn kinds((job, moment): &(Job, Moment)) -> Vec<String> {
    match moment {
        Moment::Exchange(Plan { endpoint, side, at, act, .. }) => {
            vec![format!("{job:?} {endpoint:?}"), format!("{job:?} {side:?} {at:?} {act:?}")]
        }
        moment => vec![format!("{job:?} {}", variant(moment))],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_programs_pay_once_and_lose_nothing() {
    let began = Instant::now();
    let seed = dice::seed();
    println!("NEMOVIDEO_SEED={seed}");
    let mut dice = Dice::new(seed);
    let jobs = [Job::Voiceover, Job::Batch, Job::Edit, Job::ResumeMessage, Job::ResumeRender];
    let cells: Vec<_> = jobs
        .into_iter()
        .flat_map(|job| moments(job, &mut dice).into_iter().map(move |moment| (job, moment)))
        .collect();
    let all = cells.len();
    let cells = selected(cells, if is_long() { all } else { 70 }, kinds);
    let (count, killed) = (cells.len(), Arc::new(AtomicUsize::new(0)));
    // Each waits for its programs most of the time.
    run_all(
        8,
        cells.into_iter().map(|(job, moment)| {
            let killed = Arc::clone(&killed);
            async move {
                killed.fetch_add(usize::from(cell(job, moment).await), Ordering::Relaxed);
            }
        }),
    )
    .await;
    let killed = killed.load(Ordering::Relaxed);
    println!("{killed} kills in {count} of {all} runs, {:.1?}", began.elapsed());
    assert!(killed >= 60 || is_limited(), "{killed} of {count}");
}
