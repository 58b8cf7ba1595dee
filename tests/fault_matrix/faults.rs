//! The faults of the matrix, and the class of failure that a client observes for each.

use std::time::Duration;

use nemovideo::ErrorCode;
use nemovideo::local::{Cut, Ending, ErrorReply, Fault, FaultyResponse};
use nemovideo::protocol::Endpoint;
use url::Url;

/// The failure that a client observes: the columns of the table in `main.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// No connection is established.
    Unreachable,
    /// The connection is closed before the service reads a byte. Whether the client has started to
    /// send the request by then is a race.
    Dropped,
    /// The connection breaks before the response is complete.
    Broken,
    /// The connection stalls before the response is complete.
    Stalled,
    /// 5xx.
    ServerError(u16),
    /// 429.
    RateLimited,
    /// 1001, and a new token is accepted.
    TokenExpired,
    /// Any other error response.
    ErrorResponse(ErrorCode),
    /// A redirect to another URL.
    Redirect,
    /// A complete response that cannot be decoded as the one to this call.
    Undecodable,
    /// The correct response with the wrong content type.
    WrongType,
    /// A response beyond every limit.
    TooLarge,
    /// An event stream that breaks, stalls or has only heartbeats after it began.
    LostStream,
    /// An event stream that ends early, as if it were complete.
    ShortStream,
}

/// The cause of a failure.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// A fault of the call itself.
    Fault(Fault),
    /// The service refuses connections.
    RefusedConnections,
    /// The service closes one connection before it reads from it.
    DroppedConnection,
    /// The token expires before the call.
    ExpiredToken,
}

/// A cause, and the failure that it leads to.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) name: String,
    pub(crate) cause: Cause,
    pub(crate) class: Class,
}

impl Trial {
    /// Returns true if the service does the work of the call although the call fails.
    pub(crate) fn does_the_work(&self) -> bool {
        matches!(&self.cause, Cause::Fault(fault) if fault.does_the_work())
    }

    fn of(fault: Fault, class: Class) -> Self {
        Self { name: format!("{fault:?}"), cause: Cause::Fault(fault), class }
    }
}

/// Returns every trial of an endpoint. Redirects lead to the URL `elsewhere`.
pub(crate) fn trials(endpoint: Endpoint, elsewhere: &Url) -> Vec<Trial> {
    use Class::*;
    let named = |cause: Cause, class| Trial { name: format!("{cause:?}"), cause, class };
    let mut all = vec![
        named(Cause::RefusedConnections, Unreachable),
        named(Cause::DroppedConnection, Dropped),
    ];
    if endpoint != Endpoint::Token {
        all.push(named(Cause::ExpiredToken, TokenExpired));
    }
    let mut add = |fault: Fault, class: Class| {
        if fault.applies_to(endpoint) {
            all.push(Trial::of(fault, class));
        }
    };

    // Before the request is read.
    for (ending, class) in
        [(Ending::Reset, Broken), (Ending::Close, Broken), (Ending::Stall, Stalled)]
    {
        add(Fault::StopReading { bytes: 0, ending }, class);
        add(Fault::StopReading { bytes: 1000, ending }, class);
    }
    // In place of the response, with the work not done and done.
    let heartbeats = FaultyResponse::Heartbeats { every: Duration::from_millis(20) };
    for (response, class) in [
        (FaultyResponse::Reset, Broken),
        (FaultyResponse::Close, Broken),
        (FaultyResponse::NotHttp, Broken),
        (FaultyResponse::Stall, Stalled),
        (ErrorReply::status(500).into(), ServerError(500)),
        (ErrorReply::status(503).into(), ServerError(503)),
        (FaultyResponse::Redirect(elsewhere.clone()), Redirect),
        (FaultyResponse::Html, Undecodable),
        (FaultyResponse::BrokenJson, Undecodable),
        (FaultyResponse::EndlessJson, TooLarge),
        (
            FaultyResponse::EndlessLine,
            if endpoint == Endpoint::Message { LostStream } else { TooLarge },
        ),
        (heartbeats, LostStream),
    ] {
        add(Fault::ReplaceResponse(response.clone()), class);
        add(Fault::DropResponse(response), class);
    }
    // An error response with a code means that nothing was done, so none follows the work.
    let limited = ErrorReply::code(ErrorCode::RateLimited);
    for error in [limited, limited.under(200), limited.retry_after(Duration::ZERO)] {
        add(Fault::ReplaceResponse(error.into()), RateLimited);
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
        add(Fault::ReplaceResponse(ErrorReply::code(code).into()), ErrorResponse(code));
    }
    for status in [403, 404] {
        let code = ErrorCode::Other(status.into());
        add(Fault::ReplaceResponse(ErrorReply::status(status).into()), ErrorResponse(code));
    }
    // In the middle of the response.
    add(Fault::Trickle { pause: Duration::from_millis(10) }, Stalled);
    add(Fault::WrongContentType, WrongType);
    let endings = [(Ending::Reset, Broken), (Ending::Close, Broken), (Ending::Stall, Stalled)];
    for (ending, class) in endings {
        let class = if endpoint == Endpoint::Message { LostStream } else { class };
        for cut in [Cut::Bytes(10), Cut::Events(2), Cut::Character] {
            add(Fault::Cut(cut, ending), class);
        }
    }
    // The work is done after one read of the state.
    add(Fault::LateWork { reads: 1, ending: Ending::Reset }, LostStream);
    let every = Duration::from_millis(20);
    add(Fault::Cut(Cut::Events(1), Ending::Heartbeats { every }), LostStream);
    if endpoint == Endpoint::Message {
        for cut in [Cut::Bytes(10), Cut::Events(2)] {
            add(Fault::Cut(cut, Ending::End), ShortStream);
        }
        // A complete stream never ends within an event.
        add(Fault::Cut(Cut::Character, Ending::End), LostStream);
    }
    all
}
