//! Every fault of the embedded backend is real on the socket, and its counters report what was done
//! all the same: observed with plain HTTP and with bare connections. Responses that break off are
//! in `local_faults_responses.rs`, renders and files in `local_faults_videos.rs`.

use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use crate::support::caller::{ApiResponse, Caller, client, client_builder};
use crate::support::stage::{CREDITS, SESSION, Stage, Work, body, events, io_kind, met};
use futures::FutureExt as _;
use nemovideo::local::{Ending, ErrorReply, Fault, Faults, FaultyResponse};
use nemovideo::protocol::Endpoint;
use nemovideo::protocol::ErrorCode;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn the_work_of_a_spoilt_call_is_done_exactly_when_its_fault_says_so() {
    let stage = Stage::set().await;
    let elsewhere = url::Url::parse("http://127.0.0.1:1/elsewhere").unwrap();
    let http = |status| Some(reqwest::StatusCode::from_u16(status).unwrap());
    let troubles = [
        (FaultyResponse::Reset, None),
        (FaultyResponse::Close, None),
        (FaultyResponse::NotHttp, None),
        (FaultyResponse::Html, http(200)),
        (FaultyResponse::BrokenJson, http(200)),
        (FaultyResponse::EndlessJson, http(200)),
        (FaultyResponse::EndlessLine, http(200)),
        (FaultyResponse::Redirect(elsewhere), http(307)),
        (ErrorReply::status(503).into(), http(503)),
        (ErrorReply::code(ErrorCode::OutOfCredits).into(), http(200)),
    ];
    let stays = reqwest::redirect::Policy::none();
    let http = client_builder().redirect(stays).build().unwrap();
    let mut id = 0;
    for (trouble, status) in troubles {
        for fault in [Fault::ReplaceResponse(trouble.clone()), Fault::DropResponse(trouble)] {
            id += 1;
            for Work { route, call, done } in stage.works(id) {
                let before = stage.counters();
                let planned = stage.backend.faults().inject(fault.clone()).on(route).once();
                let response = http.execute(call.build().unwrap()).await;
                assert_eq!(response.ok().map(|response| response.status()), status, "{fault:?}");
                assert_eq!(planned.hits(), 1);
                let after = stage.counters();
                let works = u64::from(fault.does_the_work());
                assert_eq!(done(&after) - done(&before), works, "{fault:?} on {route:?}");
                assert_eq!(after.requests(route) - before.requests(route), 1);
                assert_eq!(after.all_requests() - before.all_requests(), 1);
                // A lost message has been paid for by the time its caller learns of the loss.
                let paid = (after.credits_taken - before.credits_taken).get();
                let price = f64::from(fault.does_the_work() && route == Endpoint::Message);
                assert_eq!(paid, price, "{fault:?} on {route:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_connection_is_reset_or_closed_as_asked() {
    let stage = Stage::set().await;
    for (trouble, end) in
        [(FaultyResponse::Reset, Some(ErrorKind::ConnectionReset)), (FaultyResponse::Close, None)]
    {
        for fault in [Fault::ReplaceResponse(trouble.clone()), Fault::DropResponse(trouble)] {
            stage.backend.faults().inject(fault.clone()).on(Endpoint::Session).once();
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

    faults.inject(Fault::DropResponse(FaultyResponse::NotHttp)).on(Endpoint::Session).once();
    let (bytes, end) = stage.bare("POST", SESSION, "{}").await;
    assert!(bytes.starts_with(b"220 mail.example.com"), "{bytes:?}");
    assert!(std::str::from_utf8(&bytes).is_err());
    assert_eq!((end, stage.counters().sessions_created), (None, 2));

    faults.inject(Fault::ReplaceResponse(FaultyResponse::Html)).once();
    let page = stage.credits().send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(page.text().await.unwrap().starts_with("<!DOCTYPE html>"));

    faults.inject(Fault::ReplaceResponse(FaultyResponse::BrokenJson)).once();
    let response = stage.credits().send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    let broken = serde_json::from_slice::<serde_json::Value>(&response.bytes().await.unwrap());
    assert!(broken.unwrap_err().is_eof());

    faults.inject(Fault::WrongContentType).on(Endpoint::Message).once();
    let response = stage.say().send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/octet-stream");
    let (whole, broken) = body(response).await;
    assert!(broken.is_none() && events(&whole) > 3, "the stream itself is as it should be");
    assert_eq!(stage.counters().messages_run, 1);

    let elsewhere = url::Url::parse("http://files.example.com/a?b=c").unwrap();
    faults
        .inject(Fault::ReplaceResponse(FaultyResponse::Redirect(elsewhere)))
        .on(Endpoint::Credits)
        .once();
    let (head, _) = stage.bare("GET", CREDITS, "").await;
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 307 "), "{head}");
    assert!(head.contains("location: http://files.example.com/a?b=c\r\n"), "{head}");
}

#[tokio::test]
async fn an_error_reply_has_the_requested_content() {
    let stage = Stage::set().await;
    let faults = stage.backend.faults();
    let rejected = async |reply: ErrorReply| {
        faults.inject(Fault::ReplaceResponse(reply.into())).on(Endpoint::Credits).once();
        let response = stage.credits().send().await.unwrap();
        let wait = response.headers().get("retry-after");
        let wait = wait.map(|wait| wait.to_str().unwrap().to_owned());
        (wait, ApiResponse::of(response).await)
    };
    for code in [1001, 1002, 2001, 4001, 4002, 5003] {
        let (wait, response) = rejected(ErrorReply::code(code.into())).await;
        assert_eq!((response.status, response.code(), wait), (200, code, None));
    }
    for code in [400, 402, 429] {
        let (_, response) = rejected(ErrorReply::code(code.into())).await;
        assert_eq!((i64::from(response.status), response.code()), (code, code));
        let (_, response) = rejected(ErrorReply::code(code.into()).under(200)).await;
        assert_eq!((response.status, response.code()), (200, code));
    }
    let limited = ErrorReply::code(ErrorCode::RateLimited);
    let (wait, _) = rejected(limited.retry_after(Duration::from_millis(1500))).await;
    assert_eq!(wait.as_deref(), Some("2"));
    let when = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let (wait, response) = rejected(ErrorReply::status(503).retry_at(when)).await;
    assert_eq!(wait.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!((response.status, &response.body["detail"]), (503, &json!("Service Unavailable")));
}

#[tokio::test]
async fn a_fault_meets_the_calls_that_it_was_planned_for() {
    let stage = Stage::set().await;
    let faults = stage.backend.faults();
    let status = async || stage.credits().send().await.unwrap().status().as_u16();
    let fault = |status| Fault::ReplaceResponse(ErrorReply::status(status).into());

    let planned = faults.inject(fault(500)).on(Endpoint::Credits).after(1).times(2);
    assert_eq!(stage.call(Method::POST, SESSION).body("{}").send().await.unwrap().status(), 200);
    assert_eq!(
        [status().await, status().await, status().await, status().await],
        [200, 500, 500, 200]
    );
    assert_eq!((planned.hits(), stage.counters().requests(Endpoint::Credits)), (2, 4));

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
async fn a_stalled_call_hears_nothing_until_it_is_let_go() {
    let stage = Stage::set().await;
    let faults = stage.backend.faults();
    for fault in
        [Fault::ReplaceResponse(FaultyResponse::Stall), Fault::DropResponse(FaultyResponse::Stall)]
    {
        let before = stage.counters().sessions_created;
        let planned = faults.inject(fault.clone()).on(Endpoint::Session).once();
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
async fn an_upload_is_broken_off_while_it_is_sent() {
    let stage = Stage::set().await;
    let faults = stage.backend.faults();
    // More than all buffers on the way hold.
    let large = 64 << 20;
    for ending in [Ending::Reset, Ending::Close] {
        faults.inject(Fault::StopReading { bytes: 100_000, ending }).on(Endpoint::Upload).once();
        assert!(stage.upload(large).send().await.is_err(), "{ending:?}");
    }
    let fault = Fault::StopReading { bytes: 100_000, ending: Ending::Stall };
    let planned = faults.inject(fault).on(Endpoint::Upload).once();
    let mut call = std::pin::pin!(stage.upload(large).send());
    tokio::select! {
        biased;
        _ = &mut call => panic!("a stalled upload ended"),
        () = met(&planned) => {}
    }
    faults.clear();
    assert!(call.await.is_err());
    assert_eq!(
        (stage.counters().uploads_taken, stage.counters().requests(Endpoint::Upload)),
        (0, 3)
    );

    assert_eq!(stage.upload(100).send().await.unwrap().status(), 200);
    assert_eq!(stage.counters().uploads_taken, 1);
}

#[tokio::test]
async fn tokens_expire_on_demand() {
    let stage = Stage::set().await;
    stage.backend.faults().expire_tokens();
    let rejected = stage.caller.get(CREDITS).await;
    assert_eq!((rejected.status, rejected.code()), (200, 1001));
    let renewed = Caller::new(&stage.backend, "one").await;
    assert_eq!(renewed.user, stage.caller.user);
    assert_eq!(renewed.credits().await, (100.0, 0.0));
    assert_eq!(stage.caller.get(CREDITS).await.code(), 1001, "the old one stays ended");
    assert_eq!(stage.counters().tokens_issued, 2);
}

#[tokio::test]
async fn a_backend_that_refuses_connections_is_unreachable_until_it_listens_again() {
    let stage = Stage::set().await;
    let mut open = stage.connect().await.unwrap();
    // It is let in before the door shuts.
    open.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
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
    assert_eq!(stage.counters().requests(Endpoint::Credits), 1);
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

const _: () = {
    const fn shared_by_all<T: Clone + Send + Sync + 'static>() {}
    shared_by_all::<Faults>();
};

#[tokio::test]
async fn a_handle_outlives_its_backend_and_does_nothing() {
    let stage = Stage::set().await;
    let faults = stage.backend.faults().clone();
    let Stage { backend, .. } = stage;
    let address = backend.url().strip_prefix("http://").unwrap().to_owned();
    backend.shutdown().await;
    faults.expire_tokens();
    assert_eq!(faults.inject(Fault::ReplaceResponse(FaultyResponse::Reset)).always().hits(), 0);
    faults.accept_connections().unwrap();
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
