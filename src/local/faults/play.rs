//! Plays the fault that a call meets: around its handler, on its answer, on its connection.

use std::pin::pin;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::{Stream, StreamExt as _};

use super::answers;
use super::fault::{Cut, Ending, Fault, FaultyResponse};
use super::plans::Release;
use super::socket::{Line, Over};
use crate::local::route::Route;
use crate::local::service::Shared;

/// The words of somebody who takes this port for another service's.
const NOT_HTTP: &[u8] = b"220 mail.example.com ESMTP ready\r\n\x00\xff\xfe not a line of HTTP\r\n";

/// Around every call of the protocol: counts it, and spoils it when its turn has come.
pub(in crate::local) async fn play(
    State((service, route)): State<(Shared, Route)>,
    ConnectInfo(Over(line)): ConnectInfo<Over>,
    mut request: Request,
    next: Next,
) -> Response {
    service.tally.requests[route as usize].raise();
    if route == Route::State {
        service.plans.state_is_read().await;
    }
    let Some((fault, release)) = service.plans.take(route) else { return next.run(request).await };
    // Not the fault itself: a redirect may hold an address with a secret in it.
    tracing::debug!(?route, "a call meets a fault");
    let stage = Stage { release, route, line };
    match fault {
        Fault::StopReading { bytes, ending } => {
            take(request, bytes).await;
            stage.break_off(ending).await
        }
        Fault::ReplaceResponse(trouble) => {
            take(request, u64::MAX).await;
            stage.trouble(trouble).await
        }
        Fault::DropResponse(trouble) => {
            let answer = next.run(request).await;
            if !crate::local::route::serves_files(route) {
                finished(answer.into_body()).await;
            }
            stage.trouble(trouble).await
        }
        Fault::Cut(cut, ending) => {
            let answer = stage.done(next.run(request).await).await;
            stage.cut(answer, cut, ending)
        }
        Fault::LateWork { ending, .. } => {
            request.extensions_mut().insert(fault);
            stage.cut(next.run(request).await, Cut::Events(0), ending)
        }
        Fault::Trickle { pause } => {
            let mut answer = stage.done(next.run(request).await).await;
            // The next call must not come over a connection that is spoilt.
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            stage.line.trickle(pause);
            answer
        }
        Fault::WrongContentType => {
            let mut answer = stage.done(next.run(request).await).await;
            let wrong = HeaderValue::from_static("application/octet-stream");
            answer.headers_mut().insert(header::CONTENT_TYPE, wrong);
            answer
        }
        Fault::IgnoredRange => {
            request.headers_mut().remove(header::RANGE);
            next.run(request).await
        }
        // The handlers of renders and files look for these.
        Fault::FailedRender
        | Fault::SlowRender { .. }
        | Fault::CorruptFile
        | Fault::ShortFile
        | Fault::ChangedFile => {
            request.extensions_mut().insert(fault);
            next.run(request).await
        }
    }
}

/// A call that is being spoilt.
struct Stage {
    release: Release,
    route: Route,
    line: Arc<Line>,
}

impl Stage {
    async fn trouble(&self, trouble: FaultyResponse) -> Response {
        match trouble {
            FaultyResponse::Reset => self.break_off(Ending::Reset).await,
            FaultyResponse::Close => self.break_off(Ending::Close).await,
            FaultyResponse::Stall => self.break_off(Ending::Stall).await,
            FaultyResponse::NotHttp => {
                self.line.say(NOT_HTTP);
                Response::default()
            }
            FaultyResponse::Refusal(refusal) => answers::refusal(refusal),
            FaultyResponse::Redirect(to) => answers::redirect(&to),
            FaultyResponse::Html => answers::html(),
            FaultyResponse::BrokenJson => answers::broken_json(),
            FaultyResponse::EndlessJson => answers::endless_json(),
            FaultyResponse::EndlessLine => answers::endless_line(),
            FaultyResponse::Heartbeats { every } => {
                let beats = answers::heartbeats(every, self.release.given());
                answers::event_stream(Body::from_stream(beats.map(std::io::Result::Ok)))
            }
        }
    }

    /// Breaks a connection over which no answer has begun. What is returned is never seen: the
    /// server finds the connection gone when it wants to write.
    async fn break_off(&self, ending: Ending) -> Response {
        match ending {
            Ending::Reset => self.line.reset(),
            Ending::Close | Ending::End | Ending::Heartbeats { .. } => self.line.close(),
            Ending::Stall => {
                self.release.given().await;
                self.line.reset();
            }
        }
        Response::default()
    }

    /// The answer once its work has ended. The one of a message is still being written while the
    /// agent works; files are not work, and too large to hold.
    async fn done(&self, answer: Response) -> Response {
        if self.route != Route::Message {
            return answer;
        }
        let (parts, body) = answer.into_parts();
        let length = body.size_hint().exact();
        let pieces =
            futures::stream::iter(finished(body).await.into_iter().map(std::io::Result::Ok));
        let mut answer = Response::from_parts(parts, Body::from_stream(pieces));
        tell_length(&mut answer, length);
        answer
    }

    fn cut(self, answer: Response, cut: Cut, ending: Ending) -> Response {
        let (parts, body) = answer.into_parts();
        let length = body.size_hint().exact();
        let release = self.release.given();
        let line = self.line;
        let body = async_stream::stream! {
            {
                let mut pieces = pin!(cut_off(body, cut));
                while let Some(piece) = pieces.next().await {
                    yield Ok(piece);
                }
            }
            line.flushed().await;
            match ending {
                Ending::End => return,
                Ending::Close => {}
                Ending::Reset => line.reset(),
                Ending::Stall => {
                    release.await;
                    line.reset();
                }
                Ending::Heartbeats { every } => {
                    let mut beats = pin!(answers::heartbeats(every, release));
                    while let Some(beat) = beats.next().await {
                        yield Ok(beat);
                    }
                    return;
                }
            }
            yield Err(std::io::Error::other("a fault ended the answer"));
        };
        let mut answer = Response::from_parts(parts, Body::from_stream(body));
        tell_length(&mut answer, length);
        answer
    }
}

/// A body that is made into a stream forgets its length, which the caller is still to hear.
fn tell_length(answer: &mut Response, length: Option<u64>) {
    if let Some(length) = length {
        answer.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
}

/// Reads a request's body, up to a number of bytes, and throws it away.
async fn take(request: Request, bytes: u64) {
    let mut body = request.into_body().into_data_stream();
    let mut taken = 0;
    while taken < bytes {
        let Some(Ok(piece)) = body.next().await else { return };
        taken += piece.len() as u64;
    }
}

/// All pieces of an answer, each as its handler wrote it: an event is one of them.
async fn finished(body: Body) -> Vec<Bytes> {
    body.into_data_stream().filter_map(async |piece| piece.ok()).collect().await
}

/// The part of a body that arrives.
fn cut_off(body: Body, cut: Cut) -> impl Stream<Item = Bytes> {
    async_stream::stream! {
        let mut left = cut;
        let mut pieces = body.into_data_stream();
        while let Some(Ok(mut piece)) = pieces.next().await {
            match &mut left {
                Cut::Bytes(0) | Cut::Events(0) => return,
                Cut::Bytes(bytes) => {
                    piece.truncate(usize::try_from(*bytes).unwrap_or(usize::MAX));
                    *bytes -= piece.len() as u64;
                }
                Cut::Events(events) => *events -= u32::from(piece.starts_with(b"data:")),
                Cut::Character => {
                    if let Some(inside) = inside_a_character(&piece) {
                        piece.truncate(inside);
                        yield piece;
                        return;
                    }
                }
            }
            yield piece;
        }
        if left == Cut::Character {
            let mut event = Bytes::from_static("data: {\"type\":\"text\",\"content\":\"…\"}\n\n".as_bytes());
            if let Some(inside) = inside_a_character(&event) {
                event.truncate(inside);
            }
            yield event;
        }
    }
}

/// Where the first byte of the first long character ends.
fn inside_a_character(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| !byte.is_ascii()).map(|first| first + 1)
}
