//! Every fault at every call, once and always: the outcome is the one that the design's table
//! names, the requests are as many as it allows, and nothing is done twice.

mod calls;
mod faults;

use std::time::{Duration, Instant};

use calls::{Call, Scene, name_of};
use faults::{Cause, Class, Trial, trials};
use futures::StreamExt as _;
use nemovideo::local::{Counters, Fault, FaultyResponse, LocalBackend, Refusal, Route};
use nemovideo::{ErrorCode, Result};
use url::Url;

/// As many cells are under way at once: most of them wait for a clock.
const AT_ONCE: usize = 48;
/// How long a client waits where nothing will come: long enough for a busy machine to answer the
/// calls of the same cell that go well.
const SHORT: Duration = Duration::from_secs(1);
/// And where no clock is to run out, so that none does on a machine that is busier still.
const LONG: Duration = Duration::from_secs(30);
/// Longer than all the clocks of a cell.
const FOREVER: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Often {
    Once,
    Always,
}

/// What a cell must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Expected {
    outcome: String,
    /// Requests of the call's own route.
    requests: u64,
}

fn end(outcome: impl Into<String>, requests: u64) -> Expected {
    Expected { outcome: outcome.into(), requests }
}

/// The table of the design: effect × fault × how often → outcome and requests.
fn by_effect(call: Call, class: Class, often: Often) -> Expected {
    use Often::{Always, Once};
    let repeatable = call.effect().is_repeatable();
    match (class, repeatable, often) {
        (Class::Unreachable, ..) => end("Unreachable", 0),
        (Class::Broken | Class::Stalled | Class::ServerError(_), true, Once) => end("Ok", 2),
        (Class::Broken, true, Always) => end("Disconnected", 4),
        (Class::Stalled, true, Always) => end("Timeout", 4),
        (Class::ServerError(status), true, Always) => end(format!("Refused({status})"), 4),
        (Class::Broken | Class::Stalled | Class::ServerError(_) | Class::TooLarge, false, _)
        | (Class::LostStream, ..) => end("OutcomeUnknown", 1),
        (Class::RateLimited | Class::TokenExpired, _, Once) => end("Ok", 2),
        (Class::RateLimited, _, Always) => end("RateLimited", 2),
        (Class::TokenExpired, _, Always) => end("TokenInvalid", 2),
        (Class::Says(code), ..) => end(variant(code), 1),
        (Class::Redirect, ..) => end("Refused(307)", 1),
        (Class::Unreadable, ..) => end("Decode", 1),
        (Class::TooLarge, true, _) => end("LimitExceeded", 1),
        (Class::WrongType | Class::ShortStream, ..) => end("Ok", 1),
        // Whether the request had begun is not known beforehand: `check` looks.
        (Class::TurnedAway, ..) => end("Ok", 1),
    }
}

/// The table, and what some calls do beyond sending a request.
fn expected(call: Call, trial: &Trial, often: Often) -> Expected {
    use Often::{Always, Once};
    let done = trial.does_the_work();
    let plain = by_effect(call, trial.class, often);
    match (call, trial.class, often) {
        // The id that did not arrive is made anew, once.
        (Call::Authenticate, Class::Says(ErrorCode::ClientIdMissing), Once) => end("Ok", 2),
        (Call::Authenticate, Class::Says(ErrorCode::ClientIdMissing), Always) => {
            end("ClientIdMissing", 2)
        }
        // The token was given out and lost: the service gives no second one for a week.
        (Call::Authenticate, _, Once) if done && plain == end("Ok", 2) => end("RateLimited", 2),

        // An answer that is no stream.
        (Call::SendMessage, Class::Unreadable | Class::WrongType, _) => end("NotAStream", 1),
        // The token was renewed for the baseline already; the service gives no other for a week.
        (Call::Watch, Class::TokenExpired, Once) => end("Ok", 1),
        (Call::Watch, Class::TokenExpired, Always) => end("RateLimited", 1),
        // A watched message is observed instead: what was done is seen in the session's state.
        (
            Call::Watch,
            Class::Broken
            | Class::Stalled
            | Class::ServerError(_)
            | Class::Unreadable
            | Class::WrongType
            | Class::TooLarge
            | Class::LostStream,
            _,
        ) => end(if done { "Ok" } else { "OutcomeUnknown" }, 1),

        // A submit is looked for by its id, and sent again when the service does not know it.
        (Call::SubmitRender, ..)
            if matches!(plain.outcome.as_str(), "OutcomeUnknown" | "Decode") =>
        {
            match (done, often) {
                (true, _) => end("Ok", 1),
                (false, Once) => end("Ok", 2),
                // With the job in it, to go on with.
                (false, Always) => end("OutcomeUnknown", 2),
            }
        }

        // What a service says to a cancel is not documented: all but a refusal is a yes.
        (Call::CancelRender, Class::Unreadable, _) => end("Ok", 1),

        // Where the file's own address has nothing to give, the API is asked at once.
        (Call::Download, Class::Unreachable, _) => plain,
        (Call::Download, Class::TurnedAway, _) => end("Ok", 0),
        (Call::Download, Class::Broken | Class::Stalled, _) => match &trial.cause {
            Cause::Fault(Fault::Cut(..)) if often == Once => end("Ok", 2),
            // Ten bytes at a time, until the client's budget of ten retries is used up.
            Cause::Fault(Fault::Cut(..)) => end("Ok", 11),
            _ => end("Ok", 1),
        },
        (Call::Download, ..) => end("Ok", 1),
        (Call::DownloadFromApi, Class::Broken | Class::Stalled, Always)
            if matches!(trial.cause, Cause::Fault(Fault::Cut(..))) =>
        {
            // One more: the answers that do begin earn a retry back.
            end(if trial.class == Class::Stalled { "Timeout" } else { "Disconnected" }, 12)
        }
        (Call::DownloadFromApi, Class::Unreachable, _) => plain,
        (Call::DownloadFromApi, Class::WrongType, _) => plain,
        // Asked once more for the address that it names, which here has no file.
        (Call::DownloadFromApi, Class::Redirect, Once) => end("Ok", 2),
        (Call::DownloadFromApi, Class::Redirect, Always) => end("Refused(404)", 2),
        (Call::DownloadFromApi, Class::Unreadable, _) => match &trial.cause {
            Cause::Fault(
                Fault::ReplaceResponse(FaultyResponse::Html)
                | Fault::DropResponse(FaultyResponse::Html),
            ) => end("Refused(404)", plain.requests),
            _ => end("Disconnected", plain.requests),
        },
        // The API was asked because the file's own address has no file: that is what is reported,
        // unless the API may have it later.
        (
            Call::DownloadFromApi,
            Class::Broken | Class::Stalled | Class::ServerError(_) | Class::RateLimited,
            _,
        ) => plain,
        (Call::DownloadFromApi, ..) if plain.outcome != "Ok" => end("Refused(404)", plain.requests),
        _ => plain,
    }
}

/// The variant that a code stands for.
fn variant(code: ErrorCode) -> String {
    match code {
        ErrorCode::Other(number) => format!("Refused({number})"),
        known => format!("{known:?}"),
    }
}

/// One fault at one call.
struct Cell {
    call: Call,
    trial: Trial,
    often: Often,
}

/// What became of a cell.
struct Seen {
    outcome: Result<()>,
    before: Counters,
    after: Counters,
}

impl Cell {
    fn name(&self) -> String {
        format!("{:?} × {} × {:?}", self.call, self.trial.name, self.often)
    }

    async fn run(&self) -> Seen {
        let backend =
            LocalBackend::builder().placeholder_videos().start().await.expect("a backend");
        let patience = match self.trial.class {
            Class::Stalled | Class::LostStream => SHORT,
            _ => LONG,
        };
        let scene = Scene::set(self.call, &backend, patience).await;
        let scene = scene.expect("nothing goes wrong yet");
        if self.call == Call::DownloadFromApi {
            let gone = Fault::ReplaceResponse(Refusal::status(404).into());
            backend.faults().inject(gone).on(Route::File).always();
        }
        let before = backend.counters();
        let met = self.spoil(&backend);
        let outcome = tokio::time::timeout(FOREVER, scene.play()).await;
        let outcome = outcome.unwrap_or_else(|_| panic!("{}: it never ends", self.name()));
        if let Some(met) = met {
            assert!(met.hits() > 0, "{}: the fault was never met", self.name());
        }
        if matches!(self.trial.cause, Cause::Fault(Fault::LateWork { .. })) {
            backend.faults().clear();
            scene.settled().await.expect("nothing goes wrong any more");
        }
        Seen { outcome, before, after: backend.counters() }
    }

    fn spoil(&self, backend: &LocalBackend) -> Option<nemovideo::local::FaultHandle> {
        let faults = backend.faults();
        match (&self.trial.cause, self.often) {
            (Cause::Fault(fault), often) => {
                let planned = faults.inject(fault.clone()).on(self.call.route());
                return Some(match often {
                    Often::Once => planned.once(),
                    Often::Always => planned.always(),
                });
            }
            (Cause::Refuses, _) => faults.refuse_connections(),
            (Cause::TurnsAway, _) => faults.drop_connections(1),
            (Cause::TokenEnds, Often::Once) => faults.expire_tokens(),
            (Cause::TokenEnds, Often::Always) => {
                faults.expire_tokens();
                let refused = FaultyResponse::from(Refusal::code(ErrorCode::TokenInvalid));
                return Some(
                    faults.inject(Fault::ReplaceResponse(refused)).on(self.call.route()).always(),
                );
            }
        }
        None
    }

    /// What is wrong with what was seen; nothing, if all is well.
    fn check(&self, seen: &Seen) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut hold = |holds: bool, what: String| {
            if !holds {
                wrong.push(format!("{}: {what}", self.name()));
            }
        };
        let got = Expected {
            outcome: name_of(&seen.outcome),
            requests: seen.after.requests(self.call.route())
                - seen.before.requests(self.call.route()),
        };
        let effects = self.effects(seen);
        let ok = seen.outcome.is_ok();
        let expected = expected(self.call, &self.trial, self.often);
        // A connection that was open broke as the request went out: only its end is known.
        let begun = matches!(self.trial.class, Class::Unreachable | Class::TurnedAway)
            && got.outcome == "OutcomeUnknown"
            && !self.call.effect().is_repeatable();
        let met = expected == got || begun;
        hold(met, format!("expected {expected:?}, got {got:?}: {:?}", seen.outcome));

        let taken = seen.after.credits_taken - seen.before.credits_taken;
        let charged = u64::from(taken > nemovideo::Credits::ZERO);
        let charges = matches!(self.call, Call::SendMessage | Call::Watch);
        if self.call.is_counted() {
            // It was done by the fault's own word, or because the call went well.
            let done = u64::from(ok || self.trial.does_the_work());
            hold(effects == done, format!("{effects} effects in place of {done}"));
            hold(charged == if charges { done } else { 0 }, format!("{taken} was taken"));
            hold(taken <= nemovideo::Credits::new(20.0), format!("{taken} was taken"));
        } else {
            hold(taken == nemovideo::Credits::ZERO, format!("{taken} was taken"));
        }
        if let Err(error) = &seen.outcome {
            let hidden = effects > 0
                && !error.may_have_taken_effect()
                && !self.call.effect().is_repeatable()
                // A redirect says that the work is to be asked for elsewhere.
                && self.trial.class != Class::Redirect;
            hold(!hidden, format!("it was done, and this denies it: {error:?}"));
            let again = error.is_retryable() && !self.call.effect().is_repeatable() && effects > 0;
            hold(!again, format!("it was done, and this invites to do it again: {error:?}"));
        }
        wrong
    }

    fn effects(&self, seen: &Seen) -> u64 {
        self.call.effects(&seen.after) - self.call.effects(&seen.before)
    }
}

fn cells(elsewhere: &Url) -> Vec<Cell> {
    let mut cells = Vec::new();
    for call in Call::ALL {
        for trial in trials(call.route(), elsewhere) {
            for often in [Often::Once, Often::Always] {
                // A door is shut or open; it turns away one connection here.
                let once = matches!(trial.cause, Cause::TurnsAway);
                let always = matches!(trial.cause, Cause::Refuses);
                if (once && often == Often::Always) || (always && often == Often::Once) {
                    continue;
                }
                cells.push(Cell { call, trial: trial.clone(), often });
            }
        }
    }
    cells
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_done_twice_whatever_goes_wrong() {
    let began = Instant::now();
    let elsewhere = LocalBackend::builder().placeholder_videos().start().await.expect("a backend");
    let url = Url::parse(elsewhere.url()).expect("an address").join("/elsewhere").expect("one");
    let only = std::env::var("NEMOVIDEO_CELL").unwrap_or_default();
    let cells = cells(&url).into_iter().filter(|cell| cell.name().contains(&only));
    let runs = cells.map(|cell| async move {
        let seen = tokio::spawn(async move {
            let seen = cell.run().await;
            let wrong = cell.check(&seen);
            (cell.effects(&seen), wrong)
        });
        seen.await.unwrap_or_else(|_| (0, vec!["a cell panicked, see above".to_owned()]))
    });
    let seen: Vec<(u64, Vec<String>)> =
        futures::stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
    let doubled = seen.iter().filter(|(effects, _)| *effects > 1).count();
    let wrong: Vec<&str> = seen.iter().flat_map(|(_, wrong)| wrong).map(String::as_str).collect();
    println!("{} cells, {doubled} double effects, {:.1?}", seen.len(), began.elapsed());
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(!only.is_empty() || seen.len() >= 300, "{} cells are too few", seen.len());
    assert_eq!(doubled, 0);
    assert_eq!(elsewhere.counters().all_requests(), 0, "no redirect is followed");
}
