//! Every fault at every call, once and always: the outcome is the one in the design's table, the
//! number of requests is the one that it allows, and no effect occurs twice.
//!
//! `NEMOVIDEO_CELL` restricts a run to the cells whose name contains its value.

mod calls;
mod faults;

use std::time::{Duration, Instant};

use calls::{Call, Fixture, POLLS, name_of};
use faults::{Cause, Class, Trial, trials};
use futures::StreamExt as _;
use nemovideo::local::{Counters, ErrorReply, Fault, FaultyResponse, LocalBackend};
use nemovideo::protocol::Endpoint;
use nemovideo::{ErrorCode, Result};
use url::Url;

/// The number of cells that run at the same time. Most of them wait for a timeout.
const CONCURRENCY: usize = 48;
/// The timeouts of cells in which one elapses: long enough for the successful calls of the cell on
/// a busy machine.
const SHORT_TIMEOUT: Duration = Duration::from_secs(1);
/// The timeouts of cells in which none elapses, not even on a busier machine.
const LONG_TIMEOUT: Duration = Duration::from_secs(30);
/// Longer than all timeouts of a cell together: a call that takes this long hangs.
const HANG: Duration = Duration::from_secs(120);

/// How many requests of the endpoint a fault applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frequency {
    Once,
    Always,
}

/// The result of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CellResult {
    /// The outcome of the call by [`name_of`].
    outcome: String,
    /// The number of requests to the call's endpoint.
    requests: u64,
}

fn end(outcome: impl Into<String>, requests: u64) -> CellResult {
    CellResult { outcome: outcome.into(), requests }
}

/// The table of the design: effect × failure × frequency → outcome and requests.
fn by_effect(call: Call, class: Class, frequency: Frequency) -> CellResult {
    use Frequency::{Always, Once};
    let is_repeatable = call.effect().is_repeatable();
    match (class, is_repeatable, frequency) {
        (Class::Unreachable, ..) => end("Unreachable", 0),
        (Class::Broken | Class::Stalled | Class::ServerError(_), true, Once) => end("Ok", 2),
        (Class::Broken, true, Always) => end("Disconnected", 4),
        (Class::Stalled, true, Always) => end("Timeout", 4),
        (Class::ServerError(status), true, Always) => end(format!("Api({status})"), 4),
        (
            Class::Broken
            | Class::Stalled
            | Class::ServerError(_)
            | Class::TooLarge
            | Class::Redirect,
            false,
            _,
        )
        | (Class::LostStream, ..) => end("OutcomeUnknown", 1),
        (Class::RateLimited | Class::TokenExpired, _, Once) => end("Ok", 2),
        (Class::RateLimited, _, Always) => end("RateLimited", 2),
        (Class::TokenExpired, _, Always) => end("TokenInvalid", 2),
        (Class::ErrorResponse(code), ..) => end(variant(code), 1),
        (Class::Redirect, true, _) => end("Api(307)", 1),
        (Class::Undecodable, ..) => end("Decode", 1),
        (Class::TooLarge, true, _) => end("LimitExceeded", 1),
        (Class::WrongType | Class::ShortStream, ..) => end("Ok", 1),
        // Whether the request had started is not known in advance: see `Cell::check`.
        (Class::Dropped, ..) => end("Ok", 1),
    }
}

/// The table, and what some calls do beyond sending a request.
fn expected(call: Call, trial: &Trial, frequency: Frequency) -> CellResult {
    use Frequency::{Always, Once};
    let is_done = trial.does_the_work();
    let by_table = by_effect(call, trial.class, frequency);
    match (call, trial.class, frequency) {
        // An id that did not arrive is replaced once.
        (Call::Authenticate, Class::ErrorResponse(ErrorCode::ClientIdMissing), Once) => {
            end("Ok", 2)
        }
        (Call::Authenticate, Class::ErrorResponse(ErrorCode::ClientIdMissing), Always) => {
            end("ClientIdMissing", 2)
        }
        // The token was issued and lost: the service issues no second one for a week.
        (Call::Authenticate, _, Once) if is_done && by_table == end("Ok", 2) => {
            end("RateLimited", 2)
        }

        // A response that is not a stream.
        (Call::SendMessage, Class::Undecodable, _) => end("NotAStream", 1),
        // The token was replaced for the baseline already: the service issues no other for a week.
        (Call::Watch, Class::TokenExpired, Once) => end("Ok", 1),
        (Call::Watch, Class::TokenExpired, Always) => end("RateLimited", 1),
        // A watched message is observed instead: the session's state shows the work.
        (
            Call::Watch,
            Class::Broken
            | Class::Stalled
            | Class::ServerError(_)
            | Class::Undecodable
            | Class::TooLarge
            | Class::Redirect
            | Class::LostStream,
            _,
        ) => end(if is_done { "Ok" } else { "OutcomeUnknown" }, 1),

        // A submit is looked up by its id, and sent again if the service does not know it.
        (Call::SubmitRender, ..)
            if matches!(by_table.outcome.as_str(), "OutcomeUnknown" | "Decode") =>
        {
            match (is_done, frequency) {
                (true, _) => end("Ok", 1),
                (false, Once) => end("Ok", 2),
                // The error contains the job to continue with.
                (false, Always) => end("OutcomeUnknown", 2),
            }
        }

        // A service that does not know the render is asked three times more.
        (Call::Render, Class::ErrorResponse(ErrorCode::Other(404)), Always) => {
            end(by_table.outcome, 4)
        }
        (Call::Render, Class::ErrorResponse(ErrorCode::Other(404)), Once) => end("Ok", 2),
        // An outage, and any other poll that shows nothing about the render, costs a poll.
        (
            Call::Render,
            Class::Undecodable
            | Class::Broken
            | Class::Stalled
            | Class::ServerError(_)
            | Class::Redirect
            | Class::RateLimited,
            _,
        ) => match frequency {
            Once => end("Ok", 2),
            Always => end(by_table.outcome, u64::from(POLLS)),
        },

        // The response to a cancel is not documented: all but an error response is a success.
        (Call::CancelRender, Class::Undecodable, _) => end("Ok", 1),
        // Nor is that to a revocation, but the list of tokens confirms it.
        (Call::RevokeToken, Class::Undecodable, _) if is_done => end("Ok", 1),
        // The id is looked up after a redirect, too.
        (Call::SubmitRender, Class::Redirect, _) if is_done => end("Ok", 1),

        // If the file's URL fails, the API is asked at once.
        (Call::Download, Class::Unreachable, _) => by_table,
        (Call::Download, Class::Dropped, _) => end("Ok", 0),
        (Call::Download, Class::Broken | Class::Stalled, _) => match &trial.cause {
            Cause::Fault(Fault::Cut(..)) if frequency == Once => end("Ok", 2),
            // Ten bytes per request, until the client's budget of ten retries is used up.
            Cause::Fault(Fault::Cut(..)) => end("Ok", 11),
            _ => end("Ok", 1),
        },
        (Call::Download, ..) => end("Ok", 1),
        (Call::DownloadFromApi, Class::Broken | Class::Stalled, Always)
            if matches!(trial.cause, Cause::Fault(Fault::Cut(..))) =>
        {
            // One more: the responses that do begin refill the budget by one retry.
            end(if trial.class == Class::Stalled { "Timeout" } else { "Disconnected" }, 12)
        }
        (Call::DownloadFromApi, Class::Unreachable | Class::WrongType, _) => by_table,
        // The URL of the redirect has no file here, so the API is asked once more.
        (Call::DownloadFromApi, Class::Redirect, Once) => end("Ok", 2),
        (Call::DownloadFromApi, Class::Redirect, Always) => end("Api(404)", 2),
        (Call::DownloadFromApi, Class::Undecodable, _) => match &trial.cause {
            Cause::Fault(
                Fault::ReplaceResponse(FaultyResponse::Html)
                | Fault::DropResponse(FaultyResponse::Html),
            ) => end("Api(404)", by_table.requests),
            _ => end("Disconnected", by_table.requests),
        },
        // The API was asked because the file's URL has no file: this error is reported, unless the
        // API may have the file later.
        (
            Call::DownloadFromApi,
            Class::Broken | Class::Stalled | Class::ServerError(_) | Class::RateLimited,
            _,
        ) => by_table,
        (Call::DownloadFromApi, ..) if by_table.outcome != "Ok" => {
            end("Api(404)", by_table.requests)
        }
        _ => by_table,
    }
}

/// Returns the name of the variant that a code is mapped to.
fn variant(code: ErrorCode) -> String {
    match code {
        ErrorCode::Other(number) => format!("Api({number})"),
        known => format!("{known:?}"),
    }
}

/// One fault at one call.
struct Cell {
    call: Call,
    trial: Trial,
    frequency: Frequency,
}

/// What was observed in a cell.
struct Observed {
    outcome: Result<()>,
    before: Counters,
    after: Counters,
}

impl Cell {
    fn name(&self) -> String {
        format!("{:?} × {} × {:?}", self.call, self.trial.name, self.frequency)
    }

    /// Returns true if a timeout elapses in the cell.
    fn waits(&self) -> bool {
        matches!(self.trial.class, Class::Stalled | Class::LostStream)
    }

    async fn run(&self) -> Observed {
        let backend =
            LocalBackend::builder().placeholder_videos().start().await.expect("a backend");
        let timeout = if self.waits() { SHORT_TIMEOUT } else { LONG_TIMEOUT };
        let fixture = Fixture::prepare(self.call, &backend, timeout).await;
        let fixture = fixture.expect("no fault is active yet");
        if self.call == Call::DownloadFromApi {
            let not_found = Fault::ReplaceResponse(ErrorReply::status(404).into());
            backend.faults().inject(not_found).on(Endpoint::File).always();
        }
        let before = backend.counters();
        let injected = self.inject(&backend);
        let outcome = tokio::time::timeout(HANG, fixture.make_call()).await;
        let outcome = outcome.unwrap_or_else(|_| panic!("{}: the call hangs", self.name()));
        if let Some(injected) = injected {
            assert!(injected.hits() > 0, "{}: the fault never occurred", self.name());
        }
        if matches!(self.trial.cause, Cause::Fault(Fault::LateWork { .. })) {
            backend.faults().clear();
            fixture.wait_until_idle().await.expect("no fault is active any more");
        }
        Observed { outcome, before, after: backend.counters() }
    }

    fn inject(&self, backend: &LocalBackend) -> Option<nemovideo::local::FaultHandle> {
        let faults = backend.faults();
        let endpoint = self.call.endpoint();
        match (&self.trial.cause, self.frequency) {
            (Cause::Fault(fault), frequency) => {
                let fault = faults.inject(fault.clone()).on(endpoint);
                return Some(match frequency {
                    Frequency::Once => fault.once(),
                    Frequency::Always => fault.always(),
                });
            }
            (Cause::RefusedConnections, _) => faults.refuse_connections(),
            (Cause::DroppedConnection, _) => faults.drop_connections(1),
            (Cause::ExpiredToken, Frequency::Once) => faults.expire_tokens(),
            (Cause::ExpiredToken, Frequency::Always) => {
                faults.expire_tokens();
                let rejection = FaultyResponse::from(ErrorReply::code(ErrorCode::TokenInvalid));
                let rejection = Fault::ReplaceResponse(rejection);
                return Some(faults.inject(rejection).on(endpoint).always());
            }
        }
        None
    }

    /// Returns a description of everything that differs from what is expected.
    fn check(&self, observed: &Observed) -> Vec<String> {
        let mut mistakes = Vec::new();
        let mut check = |holds: bool, mistake: String| {
            if !holds {
                mistakes.push(format!("{}: {mistake}", self.name()));
            }
        };
        let endpoint = self.call.endpoint();
        let is_repeatable = self.call.effect().is_repeatable();
        let actual = CellResult {
            outcome: name_of(&observed.outcome),
            requests: observed.after.requests(endpoint) - observed.before.requests(endpoint),
        };
        let effects = self.effects(observed);
        let is_ok = observed.outcome.is_ok();
        let expected = expected(self.call, &self.trial, self.frequency);
        // An open connection broke while the request was sent, so the outcome is unknown.
        let is_begun = matches!(self.trial.class, Class::Unreachable | Class::Dropped)
            && actual.outcome == "OutcomeUnknown"
            && !is_repeatable;
        // On a busy machine a timeout takes longer than it says, and a few of many attempts do not
        // fit into the time for all of them.
        let fewest = (expected.requests * 3).div_ceil(4);
        let is_slow = self.waits()
            && actual.outcome == expected.outcome
            && (fewest..expected.requests).contains(&actual.requests);
        let is_expected = expected == actual || is_begun || is_slow;
        check(
            is_expected,
            format!("expected {expected:?}, but was {actual:?}: {:?}", observed.outcome),
        );

        let credits = observed.after.credits_taken - observed.before.credits_taken;
        let charges = u64::from(credits > nemovideo::Credits::ZERO);
        let is_billable = matches!(self.call, Call::SendMessage | Call::Watch);
        if self.call.is_counted() {
            // The work is done if the fault includes it, or if the call succeeds.
            let done = u64::from(is_ok || self.trial.does_the_work());
            check(effects == done, format!("{effects} effects instead of {done}"));
            check(
                charges == if is_billable { done } else { 0 },
                format!("{credits} credits were charged"),
            );
            let price = nemovideo::Credits::new(20.0);
            check(credits <= price, format!("{credits} credits were charged"));
        } else {
            let none = nemovideo::Credits::ZERO;
            check(credits == none, format!("{credits} credits were charged"));
        }
        if let Err(error) = &observed.outcome {
            let is_denied = effects > 0 && !error.may_have_taken_effect() && !is_repeatable;
            check(!is_denied, format!("the effect occurred, but the error denies it: {error:?}"));
            let is_repeated = error.is_retryable() && !is_repeatable && effects > 0;
            check(!is_repeated, format!("the effect occurred, but may be retried: {error:?}"));
        }
        mistakes
    }

    fn effects(&self, observed: &Observed) -> u64 {
        self.call.effects(&observed.after) - self.call.effects(&observed.before)
    }
}

fn cells(elsewhere: &Url) -> Vec<Cell> {
    let mut cells = Vec::new();
    for call in Call::ALL {
        for trial in trials(call.endpoint(), elsewhere) {
            for frequency in [Frequency::Once, Frequency::Always] {
                // Connections are refused always, and one is dropped.
                let is_possible = match trial.cause {
                    Cause::DroppedConnection => frequency == Frequency::Once,
                    Cause::RefusedConnections => frequency == Frequency::Always,
                    Cause::Fault(_) | Cause::ExpiredToken => true,
                };
                if is_possible {
                    cells.push(Cell { call, trial: trial.clone(), frequency });
                }
            }
        }
    }
    cells
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_effect_occurs_twice_under_any_fault() {
    let began = Instant::now();
    let elsewhere = LocalBackend::builder().placeholder_videos().start().await.expect("a backend");
    let url = Url::parse(elsewhere.url()).expect("a URL").join("/elsewhere").expect("a path");
    let only = std::env::var("NEMOVIDEO_CELL").unwrap_or_default();
    let mut cells = cells(&url);
    cells.retain(|cell| cell.name().contains(&only));
    // The cells that wait for timeouts begin first, so that the others run while they wait.
    cells.sort_by_key(|cell| !cell.waits());
    let runs = cells.into_iter().map(|cell| async move {
        let run = tokio::spawn(async move {
            let observed = cell.run().await;
            let mistakes = cell.check(&observed);
            (cell.effects(&observed), mistakes)
        });
        run.await.unwrap_or_else(|_| (0, vec!["a cell panicked, see above".to_owned()]))
    });
    let results: Vec<(u64, Vec<String>)> =
        futures::stream::iter(runs).buffer_unordered(CONCURRENCY).collect().await;
    let doubled = results.iter().filter(|(effects, _)| *effects > 1).count();
    let mistakes: Vec<&str> =
        results.iter().flat_map(|(_, mistakes)| mistakes).map(String::as_str).collect();
    println!("{} cells, {doubled} double effects, {:.1?}", results.len(), began.elapsed());
    assert!(mistakes.is_empty(), "{} mistakes:\n{}", mistakes.len(), mistakes.join("\n"));
    assert!(!only.is_empty() || results.len() >= 1554, "{} cells are too few", results.len());
    assert_eq!(doubled, 0);
    assert_eq!(elsewhere.counters().all_requests(), 0, "no redirect is followed");
}
