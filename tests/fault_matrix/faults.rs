//! What can go wrong in a cell of the matrix, and which class of failure a client sees in it.

use std::time::Duration;

use nemovideo::ErrorCode;
use nemovideo::local::{Cut, Ending, ErrorReply, Fault, FaultyResponse};
use nemovideo::protocol::Endpoint;
use url::Url;

/// What a client can tell of a fault: the columns of the table in `fault_matrix.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// No connection is made.
    Unreachable,
    /// The connection is made, and ends before a byte is read: whether the request had begun by
    /// then is a race.
    TurnedAway,
    /// The connection breaks before the answer is whole.
    Broken,
    /// Nothing more comes before the answer is whole.
    Stalled,
    /// 5xx.
    ServerError(u16),
    /// 429.
    RateLimited,
    /// 1001, and a new token helps.
    TokenExpired,
    /// Any other refusal.
    Says(ErrorCode),
    /// An answer to another address.
    Redirect,
    /// A whole answer that is not the one to this call.
    Unreadable,
    /// The right answer under the wrong type.
    WrongType,
    /// An answer past every limit.
    TooLarge,
    /// An event stream that breaks, stalls or says nothing after it began.
    LostStream,
    /// An event stream that ends early, as if that were all.
    ShortStream,
}

/// What makes a call go wrong.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// A fault of the call itself.
    Fault(Fault),
    /// The service is down.
    Refuses,
    /// Connections end as they are made.
    TurnsAway,
    /// The token ends before the call.
    TokenEnds,
}

#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) name: String,
    pub(crate) cause: Cause,
    pub(crate) class: Class,
}

impl Trial {
    /// Whether the work of the call is done though the caller does not hear of it.
    pub(crate) fn does_the_work(&self) -> bool {
        matches!(&self.cause, Cause::Fault(fault) if fault.does_the_work())
    }

    fn of(fault: Fault, class: Class) -> Self {
        Self { name: format!("{fault:?}"), cause: Cause::Fault(fault), class }
    }
}

/// Everything that can happen to a call of a route.
pub(crate) fn trials(route: Endpoint, elsewhere: &Url) -> Vec<Trial> {
    use Class::*;
    let mut all = vec![
        Trial { name: "Refuses".to_owned(), cause: Cause::Refuses, class: Unreachable },
        Trial { name: "TurnsAway".to_owned(), cause: Cause::TurnsAway, class: TurnedAway },
    ];
    if route != Endpoint::Token {
        let name = "TokenEnds".to_owned();
        all.push(Trial { name, cause: Cause::TokenEnds, class: TokenExpired });
    }
    let mut add = |fault: Fault, class: Class| {
        if fault.applies_to(route) {
            all.push(Trial::of(fault, class));
        }
    };

    // Before the request was read.
    for (ending, class) in
        [(Ending::Reset, Broken), (Ending::Close, Broken), (Ending::Stall, Stalled)]
    {
        add(Fault::StopReading { bytes: 0, ending }, class);
        add(Fault::StopReading { bytes: 1000, ending }, class);
    }
    // In place of the answer, the work not done and done.
    let beats = FaultyResponse::Heartbeats { every: Duration::from_millis(20) };
    for (trouble, class) in [
        (FaultyResponse::Reset, Broken),
        (FaultyResponse::Close, Broken),
        (FaultyResponse::NotHttp, Broken),
        (FaultyResponse::Stall, Stalled),
        (ErrorReply::status(500).into(), ServerError(500)),
        (ErrorReply::status(503).into(), ServerError(503)),
        (FaultyResponse::Redirect(elsewhere.clone()), Redirect),
        (FaultyResponse::Html, Unreadable),
        (FaultyResponse::BrokenJson, Unreadable),
        (FaultyResponse::EndlessJson, TooLarge),
        (
            FaultyResponse::EndlessLine,
            if route == Endpoint::Message { LostStream } else { TooLarge },
        ),
        (beats.clone(), LostStream),
    ] {
        add(Fault::ReplaceResponse(trouble.clone()), class);
        add(Fault::DropResponse(trouble), class);
    }
    // A refusal says that nothing was done, so none comes after the work.
    let limited = ErrorReply::code(ErrorCode::RateLimited);
    for refusal in [limited, limited.under(200), limited.retry_after(Duration::ZERO)] {
        add(Fault::ReplaceResponse(refusal.into()), RateLimited);
    }
    for code in [
        ErrorCode::SessionNotFound,
        ErrorCode::OutOfCredits,
        ErrorCode::UnsupportedFileType,
        ErrorCode::FileTooLarge,
        ErrorCode::ClientIdMissing,
        ErrorCode::ExportBlocked,
        ErrorCode::Other(5003),
    ] {
        add(Fault::ReplaceResponse(ErrorReply::code(code).into()), Says(code));
    }
    for status in [403, 404] {
        let code = ErrorCode::Other(status.into());
        add(Fault::ReplaceResponse(ErrorReply::status(status).into()), Says(code));
    }
    // In the middle of the answer.
    add(Fault::Trickle { pause: Duration::from_millis(10) }, Stalled);
    add(Fault::WrongContentType, WrongType);
    let endings = [(Ending::Reset, Broken), (Ending::Close, Broken), (Ending::Stall, Stalled)];
    for (ending, class) in endings {
        let class = if route == Endpoint::Message { LostStream } else { class };
        for cut in [Cut::Bytes(10), Cut::Events(2), Cut::Character] {
            add(Fault::Cut(cut, ending), class);
        }
    }
    // The work is done after the state was looked at once in vain.
    add(Fault::LateWork { reads: 1, ending: Ending::Reset }, LostStream);
    let every = Duration::from_millis(20);
    add(Fault::Cut(Cut::Events(1), Ending::Heartbeats { every }), LostStream);
    if route == Endpoint::Message {
        for cut in [Cut::Bytes(10), Cut::Events(2)] {
            add(Fault::Cut(cut, Ending::End), ShortStream);
        }
        // No stream of the service ends within an event.
        add(Fault::Cut(Cut::Character, Ending::End), LostStream);
    }
    all
}
