//! Every fault of the embedded backend is real on the socket, and its counters tell what was done
//! all the same: seen with plain HTTP and with bare connections. Faults of renders and files are in
//! `local_faults_films.rs`.

#[path = "support/local.rs"]
mod support;

use std::error::Error as _;
use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use futures::FutureExt as _;
use nemovideo::local::{
    Counters, Cut, Ending, Fault, LocalBackend, Prices, Refusal, Route, Trouble,
};
use nemovideo::wire::{Credits, ErrorCode};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::json;
use support::{Answer, Caller, SCRIPT, client, message};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const CREDITS: &str = "/api/credits/balance/simple";
const SESSION: &str = "/api/tasks/me/with-session/nemo_agent";

struct Stage {
    backend: LocalBackend,
    caller: Caller,
    session: String,
}

impl Stage {
    async fn set() -> Self {
        let prices = Prices { voiceover: Credits::new(1.0), edit: Credits::new(1.0) };
        let backend = LocalBackend::builder().placeholder_films().prices(prices);
        let backend = backend.start().await.unwrap();
        let caller = Caller::new(&backend, "one").await;
        let session = caller.session().await;
        Self { backend, caller, session }
    }

    fn counters(&self) -> Counters {
        self.backend.counters()
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.caller.request(method, path)
    }

    fn credits(&self) -> RequestBuilder {
        self.call(Method::GET, CREDITS)
    }

    fn say(&self) -> RequestBuilder {
        let script = format!("Make a voiceover of this script. Script: {SCRIPT}");
        self.call(Method::POST, "/run_sse").body(message(&self.session, &script).to_string())
    }

    fn upload(&self, bytes: usize) -> RequestBuilder {
        let part = Part::bytes(vec![b'x'; bytes]).file_name("notes.txt");
        let path = format!("/api/upload-video/nemo_agent/me/{}", self.session);
        self.call(Method::POST, &path).multipart(Form::new().part("files", part))
    }

    /// A call of each route that leaves something behind, and how often it has.
    fn works(&self, id: u32) -> Vec<(Route, RequestBuilder, fn(&Counters) -> u64)> {
        let token = self.call(Method::POST, "/api/auth/anonymous-token");
        let render = json!({"id": format!("render_{id}"), "sessionId": self.session,
            "draft": {"t": [{"tt": 7, "sg": [{"d": 1000, "m": {"text": "Sky"}}]}]},
            "output": {"format": "mp4", "quality": "high"}});
        vec![
            (Route::Token, token.header("X-Client-Id", format!("client-{id}")), |c| {
                c.tokens_issued
            }),
            (Route::Session, self.call(Method::POST, SESSION).body("{}"), |c| c.sessions_created),
            (Route::Message, self.say(), |c| c.messages_run),
            (Route::Upload, self.upload(100), |c| c.uploads_taken),
            (
                Route::RenderSubmit,
                self.call(Method::POST, "/api/render/proxy/lambda").body(render.to_string()),
                |c| c.renders_started,
            ),
        ]
    }

    /// What a bare connection gets, and how that ends.
    async fn bare(&self, method: &str, path: &str, body: &str) -> (Vec<u8>, Option<ErrorKind>) {
        let mut connection = self.connect().await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: local\r\nAuthorization: Bearer {}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.caller.token,
            body.len()
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let end = connection.read_to_end(&mut bytes).await;
        (bytes, end.err().map(|error| error.kind()))
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(self.backend.url().strip_prefix("http://").unwrap()).await
    }
}

/// The kind of the input-output error at the root of another.
fn io_kind(error: &reqwest::Error) -> Option<ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

/// The body until it breaks or ends.
async fn body(mut response: Response) -> (Vec<u8>, Option<reqwest::Error>) {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend(chunk),
            Ok(None) => return (bytes, None),
            Err(error) => return (bytes, Some(error)),
        }
    }
}

fn events(body: &[u8]) -> usize {
    String::from_utf8_lossy(body).lines().filter(|line| line.starts_with("data:")).count()
}

async fn met(injected: &nemovideo::local::Injected) {
    while injected.hits() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_work_of_a_spoilt_call_is_done_exactly_when_its_fault_says_so() {
    let stage = Stage::set().await;
    let elsewhere = url::Url::parse("http://127.0.0.1:1/elsewhere").unwrap();
    let http = |status| Some(reqwest::StatusCode::from_u16(status).unwrap());
    let troubles = [
        (Trouble::Reset, None),
        (Trouble::Close, None),
        (Trouble::NotHttp, None),
        (Trouble::Html, http(200)),
        (Trouble::BrokenJson, http(200)),
        (Trouble::EndlessJson, http(200)),
        (Trouble::EndlessLine, http(200)),
        (Trouble::Redirect(elsewhere), http(307)),
        (Refusal::status(503).into(), http(503)),
        (Refusal::code(ErrorCode::OutOfCredits).into(), http(200)),
    ];
    let http = client_that_stays();
    let mut id = 0;
    for (trouble, status) in troubles {
        for fault in [Fault::Instead(trouble.clone()), Fault::Lost(trouble)] {
            id += 1;
            for (route, call, done) in stage.works(id) {
                let before = stage.counters();
                let planned = stage.backend.faults().inject(fault.clone()).on(route).once();
                let answer = http.execute(call.build().unwrap()).await;
                assert_eq!(answer.ok().map(|answer| answer.status()), status, "{fault:?}");
                assert_eq!(planned.hits(), 1);
                let after = stage.counters();
                let works = u64::from(fault.does_the_work());
                assert_eq!(done(&after) - done(&before), works, "{fault:?} on {route:?}");
                assert_eq!(after.requests(route) - before.requests(route), 1);
                assert_eq!(after.all_requests() - before.all_requests(), 1);
                // A lost message has been paid for by the time its caller learns of the loss.
                let paid = (after.credits_taken - before.credits_taken).get();
                let price = f64::from(fault.does_the_work() && route == Route::Message);
                assert_eq!(paid, price, "{fault:?} on {route:?}");
            }
        }
    }
}

fn client_that_stays() -> reqwest::Client {
    let stays = reqwest::redirect::Policy::none();
    reqwest::Client::builder().no_proxy().redirect(stays).build().unwrap()
}

#[tokio::test]
async fn a_connection_is_reset_or_closed_as_asked() {
    let stage = Stage::set().await;
    for (trouble, end) in
        [(Trouble::Reset, Some(ErrorKind::ConnectionReset)), (Trouble::Close, None)]
    {
        for fault in [Fault::Instead(trouble.clone()), Fault::Lost(trouble)] {
            stage.backend.faults().inject(fault.clone()).on(Route::Session).once();
            let seen = stage.bare("POST", SESSION, "{}").await;
            assert_eq!(seen, (Vec::new(), end), "{fault:?}");
        }
    }
    assert_eq!(stage.counters().sessions_created, 1 + 2);
}

#[tokio::test]
async fn garbage_is_garbage() {
    let stage = Stage::set().await;
    let faults = stage.backend.faults();

    faults.inject(Fault::Lost(Trouble::NotHttp)).on(Route::Session).once();
    let (bytes, end) = stage.bare("POST", SESSION, "{}").await;
    assert!(bytes.starts_with(b"220 mail.example.com"), "{bytes:?}");
    assert!(std::str::from_utf8(&bytes).is_err());
    assert_eq!((end, stage.counters().sessions_created), (None, 2));

    faults.inject(Fault::Instead(Trouble::Html)).once();
    let page = stage.credits().send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(page.text().await.unwrap().starts_with("<!DOCTYPE html>"));

    faults.inject(Fault::Instead(Trouble::BrokenJson)).once();
    let answer = stage.credits().send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let broken = serde_json::from_slice::<serde_json::Value>(&answer.bytes().await.unwrap());
    assert!(broken.unwrap_err().is_eof());

    faults.inject(Fault::WrongContentType).on(Route::Message).once();
    let answer = stage.say().send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/octet-stream");
    let (whole, broken) = body(answer).await;
    assert!(broken.is_none() && events(&whole) > 3, "the stream itself is as it should be");
    assert_eq!(stage.counters().messages_run, 1);

    let elsewhere = url::Url::parse("http://files.example.com/a?b=c").unwrap();
    faults.inject(Fault::Instead(Trouble::Redirect(elsewhere))).on(Route::Credits).once();
    let (head, _) = stage.bare("GET", CREDITS, "").await;
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 307 "), "{head}");
    assert!(head.contains("location: http://files.example.com/a?b=c\r\n"), "{head}");
}

#[tokio::test]
async fn endless_answers_go_on_until_the_caller_hangs_up() {
    let stage = Stage::set().await;
    for (trouble, content_type, stop) in [
        (Trouble::EndlessJson, "application/json", b'}'),
        (Trouble::EndlessLine, "text/event-stream; charset=utf-8", b'\n'),
    ] {
        stage.backend.faults().inject(Fault::Instead(trouble)).on(Route::Message).once();
        let mut answer = stage.say().send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], content_type);
        let mut taken = 0;
        while taken < 4_000_000 {
            let chunk = answer.chunk().await.unwrap().unwrap();
            assert!(!chunk.contains(&stop));
            taken += chunk.len();
        }
    }
    assert_eq!(stage.counters().messages_run, 0);
}

#[tokio::test]
async fn a_refusal_says_what_it_was_told_to() {
    let stage = Stage::set().await;
    let faults = stage.backend.faults();
    let refused = async |refusal: Refusal| {
        faults.inject(Fault::Instead(refusal.into())).on(Route::Credits).once();
        let answer = stage.credits().send().await.unwrap();
        let wait = answer.headers().get("retry-after");
        let wait = wait.map(|wait| wait.to_str().unwrap().to_owned());
        (wait, Answer::of(answer).await)
    };
    for code in [1001, 1002, 2001, 4001, 4002, 5003] {
        let (wait, answer) = refused(Refusal::code(code.into())).await;
        assert_eq!((answer.status, answer.code(), wait), (200, code, None));
    }
    for code in [400, 402, 429] {
        let (_, answer) = refused(Refusal::code(code.into())).await;
        assert_eq!((i64::from(answer.status), answer.code()), (code, code));
        let (_, answer) = refused(Refusal::code(code.into()).under(200)).await;
        assert_eq!((answer.status, answer.code()), (200, code));
    }
    let limited = Refusal::code(ErrorCode::RateLimited);
    let (wait, _) = refused(limited.retry_after(Duration::from_millis(1500))).await;
    assert_eq!(wait.as_deref(), Some("2"));
    let when = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let (wait, answer) = refused(Refusal::status(503).retry_at(when)).await;
    assert_eq!(wait.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!((answer.status, &answer.body["detail"]), (503, &json!("Service Unavailable")));
}

#[tokio::test]
async fn a_fault_meets_the_calls_that_it_was_planned_for() {
    let stage = Stage::set().await;
    let faults = stage.backend.faults();
    let status = async || stage.credits().send().await.unwrap().status().as_u16();
    let fault = |status| Fault::Instead(Refusal::status(status).into());

    let planned = faults.inject(fault(500)).on(Route::Credits).after(1).times(2);
    assert_eq!(stage.call(Method::POST, SESSION).body("{}").send().await.unwrap().status(), 200);
    assert_eq!(
        [status().await, status().await, status().await, status().await],
        [200, 500, 500, 200]
    );
    assert_eq!((planned.hits(), stage.counters().requests(Route::Credits)), (2, 4));

    // One at a time, the oldest first.
    faults.inject(fault(501)).once();
    faults.inject(fault(502)).always();
    assert_eq!([status().await, status().await, status().await], [501, 502, 502]);
    faults.clone().clear();
    assert_eq!(status().await, 200);

    // A fault of renders never meets another call.
    let planned = faults.inject(Fault::FailedRender).always();
    assert_eq!((status().await, planned.hits()), (200, 0));
}

#[tokio::test]
async fn an_answer_is_cut_at_the_byte() {
    let stage = Stage::set().await;
    let cases = [
        (Ending::Close, None),
        (Ending::End, None),
        (Ending::Reset, Some(ErrorKind::ConnectionReset)),
    ];
    for (ending, end) in cases {
        for length in [0, 7] {
            stage.backend.faults().inject(Fault::Cut(Cut::Bytes(length), ending)).once();
            let (seen, how) = stage.bare("POST", SESSION, "{}").await;
            let seen = String::from_utf8(seen).unwrap();
            let (head, body) = seen.split_once("\r\n\r\n").unwrap();
            assert_eq!(body, &r#"{"code":0"#[..length as usize], "{ending:?}");
            assert_eq!(how, end, "{ending:?}");
            let told = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            assert!(told.unwrap().parse::<u64>().unwrap() > 50, "{head}");
        }
    }
    assert_eq!(stage.counters().sessions_created, 1 + 6);
}

#[tokio::test]
async fn a_stream_breaks_after_its_nth_event_with_the_work_done() {
    let stage = Stage::set().await;
    for (count, ending) in [
        (0, Ending::Reset),
        (2, Ending::Reset),
        (2, Ending::Close),
        (2, Ending::End),
        // More than there are: it breaks at its end.
        (99, Ending::Reset),
    ] {
        let before = stage.counters();
        stage.backend.faults().inject(Fault::Cut(Cut::Events(count), ending)).once();
        let answer = stage.say().send().await.unwrap();
        let taken = stage.counters().credits_taken - before.credits_taken;
        assert_eq!(taken.get(), 1.0, "paid for when the first byte comes");
        let (bytes, broken) = body(answer).await;
        let whole = 5;
        assert_eq!(events(&bytes), whole.min(count as usize), "{ending:?}");
        match ending {
            Ending::End => assert!(broken.is_none(), "{broken:?}"),
            Ending::Reset => {
                assert_eq!(io_kind(&broken.unwrap()), Some(ErrorKind::ConnectionReset));
            }
            _ => assert_ne!(io_kind(&broken.unwrap()), Some(ErrorKind::ConnectionReset)),
        }
        assert_eq!(stage.counters().messages_run - before.messages_run, 1);
    }
}

#[tokio::test]
async fn a_stream_is_cut_inside_a_character() {
    let stage = Stage::set().await;
    // The second message is answered in plain ASCII.
    for say in [stage.say(), {
        let body = message(&stage.session, "remove the title").to_string();
        stage.call(Method::POST, "/run_sse").body(body)
    }] {
        stage.backend.faults().inject(Fault::Cut(Cut::Character, Ending::Reset)).once();
        let (bytes, broken) = body(say.send().await.unwrap()).await;
        let error = std::str::from_utf8(&bytes).unwrap_err();
        assert_eq!((error.valid_up_to(), error.error_len()), (bytes.len() - 1, None));
        assert_eq!(io_kind(&broken.unwrap()), Some(ErrorKind::ConnectionReset));
    }
    assert_eq!(stage.counters().messages_run, 2);
}

#[tokio::test]
async fn a_stalled_call_hears_nothing_until_it_is_let_go() {
    let stage = Stage::set().await;
    let faults = stage.backend.faults();
    for fault in [Fault::Instead(Trouble::Stall), Fault::Lost(Trouble::Stall)] {
        let before = stage.counters().sessions_created;
        let planned = faults.inject(fault.clone()).on(Route::Session).once();
        let mut call = std::pin::pin!(stage.bare("POST", SESSION, "{}"));
        tokio::select! {
            biased;
            seen = &mut call => panic!("{fault:?}: {seen:?}"),
            () = met(&planned) => {}
        }
        // A call that follows is served, whole: the stalled one had all the time that this took.
        assert_eq!(stage.caller.credits().await, (100.0, 0.0));
        assert!((&mut call).now_or_never().is_none(), "{fault:?}");
        faults.clear();
        assert_eq!(call.await, (Vec::new(), Some(ErrorKind::ConnectionReset)));
        let done = stage.counters().sessions_created - before;
        assert_eq!(done, u64::from(fault.does_the_work()));
    }
}

#[tokio::test]
async fn a_stream_stalls_after_its_nth_event() {
    let stage = Stage::set().await;
    stage.backend.faults().inject(Fault::Cut(Cut::Events(2), Ending::Stall)).once();
    let mut answer = stage.say().send().await.unwrap();
    let mut bytes = Vec::new();
    while events(&bytes) < 2 || !bytes.ends_with(b"\n\n") {
        bytes.extend(answer.chunk().await.unwrap().unwrap());
    }
    assert_eq!(stage.caller.credits().await, (99.0, 0.0));
    assert!(answer.chunk().now_or_never().is_none());
    // A backend that is stopped does not wait for it.
    let Stage { backend, .. } = stage;
    backend.shutdown().await;
    assert_eq!(io_kind(&answer.chunk().await.unwrap_err()), Some(ErrorKind::ConnectionReset));
    assert_eq!(events(&bytes), 2);
}

#[tokio::test]
async fn heartbeats_are_all_that_comes() {
    let stage = Stage::set().await;
    let every = Duration::from_millis(1);
    for (fault, real) in [
        (Fault::Instead(Trouble::Heartbeats { every }), 0),
        (Fault::Lost(Trouble::Heartbeats { every }), 0),
        (Fault::Cut(Cut::Events(1), Ending::Heartbeats { every }), 1),
    ] {
        let before = stage.counters().messages_run;
        stage.backend.faults().inject(fault.clone()).once();
        let mut answer = stage.say().send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
        let mut bytes = Vec::new();
        while events(&bytes) < 20 {
            bytes.extend(answer.chunk().await.unwrap().unwrap());
        }
        let text = String::from_utf8(bytes).unwrap();
        let beats = text.lines().filter(|line| *line == r#"data: {"type":"heartbeat"}"#).count();
        assert_eq!(events(text.as_bytes()) - beats, real, "{fault:?}");
        let run = stage.counters().messages_run - before;
        assert_eq!(run, u64::from(fault.does_the_work()), "{fault:?}");
    }
}

#[tokio::test]
async fn a_trickle_comes_byte_by_byte_and_spoils_one_answer() {
    let stage = Stage::set().await;
    let pause = Duration::from_millis(1);
    stage.backend.faults().inject(Fault::Trickle { pause }).on(Route::Credits).once();
    let start = std::time::Instant::now();
    let (bytes, end) = stage.bare("GET", CREDITS, "").await;
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with('}'), "{text}");
    assert_eq!(end, None);
    let pauses = u32::try_from(text.len()).unwrap() - 1;
    assert!(start.elapsed() >= pause * pauses, "{:?} for {} bytes", start.elapsed(), text.len());

    let answer = stage.credits().send().await.unwrap();
    assert!(!answer.headers().contains_key("connection"));
}

#[tokio::test]
async fn an_upload_is_broken_off_while_it_is_sent() {
    let stage = Stage::set().await;
    let faults = stage.backend.faults();
    // More than all buffers on the way hold.
    let large = 64 << 20;
    for ending in [Ending::Reset, Ending::Close] {
        faults.inject(Fault::Unread { bytes: 100_000, ending }).on(Route::Upload).once();
        assert!(stage.upload(large).send().await.is_err(), "{ending:?}");
    }
    let fault = Fault::Unread { bytes: 100_000, ending: Ending::Stall };
    let planned = faults.inject(fault).on(Route::Upload).once();
    let mut call = std::pin::pin!(stage.upload(large).send());
    tokio::select! {
        biased;
        _ = &mut call => panic!("a stalled upload ended"),
        () = met(&planned) => {}
    }
    faults.clear();
    assert!(call.await.is_err());
    assert_eq!((stage.counters().uploads_taken, stage.counters().requests(Route::Upload)), (0, 3));

    assert_eq!(stage.upload(100).send().await.unwrap().status(), 200);
    assert_eq!(stage.counters().uploads_taken, 1);
}

#[tokio::test]
async fn tokens_end_when_they_are_told_to() {
    let stage = Stage::set().await;
    stage.backend.faults().expire_tokens();
    let refused = stage.caller.get(CREDITS).await;
    assert_eq!((refused.status, refused.code()), (200, 1001));
    let renewed = Caller::new(&stage.backend, "one").await;
    assert_eq!(renewed.user, stage.caller.user);
    assert_eq!(renewed.credits().await, (100.0, 0.0));
    assert_eq!(stage.caller.get(CREDITS).await.code(), 1001, "the old one stays ended");
    assert_eq!(stage.counters().tokens_issued, 2);
}

#[tokio::test]
async fn a_backend_that_refuses_is_not_there_until_it_listens_again() {
    let stage = Stage::set().await;
    let mut open = stage.connect().await.unwrap();
    // It is let in before the door shuts.
    open.write_all(b"GET / HTTP/1.1\r\nHost: local\r\n\r\n").await.unwrap();
    assert_ne!(open.read(&mut [0; 9]).await.unwrap(), 0);
    let before = stage.counters();

    for _ in 0..2 {
        stage.backend.faults().refuse_connections();
        assert_eq!(stage.connect().await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let error = stage.credits().send().await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        assert_eq!(io_kind(&error), Some(ErrorKind::ConnectionRefused));
    }
    let end = open.read_to_end(&mut Vec::new()).await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(stage.counters(), before);

    stage.backend.faults().accept_connections().unwrap();
    assert_eq!(stage.caller.credits().await, (100.0, 0.0));
    assert_eq!(stage.counters().requests(Route::Credits), 1);
}

#[tokio::test]
async fn connections_are_dropped_before_a_byte_is_read() {
    let stage = Stage::set().await;
    let before = stage.counters();
    stage.backend.faults().drop_connections(2);
    let mut bytes = Vec::new();
    // Closed or reset, as the system has it: nothing comes either way.
    let _ = stage.connect().await.unwrap().read_to_end(&mut bytes).await;
    assert!(bytes.is_empty());
    let error = client().execute(stage.credits().build().unwrap()).await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
    assert_eq!(stage.counters().all_requests(), before.all_requests());
    assert_eq!(stage.counters().connections - before.connections, 2);
    assert_eq!(stage.caller.credits().await, (100.0, 0.0));
    assert_eq!(stage.counters().connections - before.connections, 3);
}

#[tokio::test]
async fn a_handle_outlives_its_backend_and_does_nothing() {
    let stage = Stage::set().await;
    let faults = stage.backend.faults().clone();
    let Stage { backend, .. } = stage;
    let address = backend.url().strip_prefix("http://").unwrap().to_owned();
    backend.shutdown().await;
    faults.expire_tokens();
    assert_eq!(faults.inject(Fault::Instead(Trouble::Reset)).always().hits(), 0);
    faults.accept_connections().unwrap();
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
