//! Responses that break, stall, trickle or never end: how much of them arrives, how that ends, and
//! what was done by then.

use std::io::ErrorKind;
use std::time::Duration;

use crate::support::stage::{CREDITS, SESSION, Stage, body, events, io_kind};
use futures::FutureExt as _;
use nemovideo::local::{Cut, Ending, Fault, FaultyResponse};
use nemovideo::protocol::Endpoint;

#[tokio::test]
async fn endless_responses_continue_until_the_caller_disconnects() {
    let stage = Stage::set().await;
    for (trouble, content_type, stop) in [
        (FaultyResponse::EndlessJson, "application/json", b'}'),
        (FaultyResponse::EndlessLine, "text/event-stream; charset=utf-8", b'\n'),
    ] {
        stage.backend.faults().inject(Fault::ReplaceResponse(trouble)).on(Endpoint::Message).once();
        let mut response = stage.say().send().await.unwrap();
        assert_eq!(response.headers()["content-type"], content_type);
        let mut taken = 0;
        while taken < 4_000_000 {
            let chunk = response.chunk().await.unwrap().unwrap();
            assert!(!chunk.contains(&stop));
            taken += chunk.len();
        }
    }
    assert_eq!(stage.counters().messages_run, 0);
}

#[tokio::test]
async fn a_response_is_cut_at_the_byte() {
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
            let declared = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            assert!(declared.unwrap().parse::<u64>().unwrap() > 50, "{head}");
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
        let response = stage.say().send().await.unwrap();
        let taken = stage.counters().credits_taken - before.credits_taken;
        assert_eq!(taken.get(), 1.0, "paid for when the first byte comes");
        let (bytes, broken) = body(response).await;
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
async fn late_work_is_done_when_the_state_has_been_read_often_enough() {
    let stage = Stage::set().await;
    let faults = stage.backend.faults();
    for (reads, ending) in [(0, Ending::Close), (2, Ending::Reset)] {
        let (draft, before) = (stage.caller.draft(&stage.session).await, stage.counters());
        let (credits, _) = stage.caller.credits().await;
        faults.inject(Fault::LateWork { reads, ending }).once();
        let script = format!("Make a voiceover of this script. Script: After {reads} reads.");
        let (bytes, broken) = body(stage.say_this(&script).send().await.unwrap()).await;
        assert!(events(&bytes) == 0 && broken.is_some(), "{ending:?}");
        for _ in 0..reads {
            assert_eq!(stage.caller.draft(&stage.session).await, draft);
            assert_eq!(stage.caller.credits().await, (credits - 1.0, 1.0));
            assert_eq!(stage.counters().credits_taken, before.credits_taken);
        }
        assert!(stage.caller.draft(&stage.session).await != draft, "{reads} reads");
        assert_eq!(stage.caller.credits().await, (credits - 1.0, 0.0));
        assert_eq!(stage.counters().messages_run - before.messages_run, 1);
    }

    // Another message does not wait for it, and it is not forgotten.
    faults.inject(Fault::LateWork { reads: 1000, ending: Ending::Close }).once();
    for is_late in [true, false] {
        let (bytes, _) = body(stage.say().send().await.unwrap()).await;
        assert_eq!(events(&bytes) == 0, is_late);
    }
    assert_eq!(stage.counters().credits_taken.get(), 3.0);
    faults.clear();
    while stage.counters().credits_taken.get() < 4.0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stream_is_cut_inside_a_character() {
    let stage = Stage::set().await;
    // The second message gets a response in plain ASCII.
    for say in [stage.say(), stage.say_this("remove the title")] {
        stage.backend.faults().inject(Fault::Cut(Cut::Character, Ending::Reset)).once();
        let (bytes, broken) = body(say.send().await.unwrap()).await;
        let error = std::str::from_utf8(&bytes).unwrap_err();
        assert_eq!((error.valid_up_to(), error.error_len()), (bytes.len() - 1, None));
        assert_eq!(io_kind(&broken.unwrap()), Some(ErrorKind::ConnectionReset));
    }
    assert_eq!(stage.counters().messages_run, 2);
}

#[tokio::test]
async fn a_stream_stalls_after_its_nth_event() {
    let stage = Stage::set().await;
    stage.backend.faults().inject(Fault::Cut(Cut::Events(2), Ending::Stall)).once();
    let mut response = stage.say().send().await.unwrap();
    let mut bytes = Vec::new();
    while events(&bytes) < 2 || !bytes.ends_with(b"\n\n") {
        bytes.extend(response.chunk().await.unwrap().unwrap());
    }
    assert_eq!(stage.caller.credits().await, (99.0, 0.0));
    assert!(response.chunk().now_or_never().is_none());
    // A backend that is stopped does not wait for it.
    let Stage { backend, .. } = stage;
    backend.shutdown().await;
    assert_eq!(io_kind(&response.chunk().await.unwrap_err()), Some(ErrorKind::ConnectionReset));
    assert_eq!(events(&bytes), 2);
}

#[tokio::test]
async fn heartbeats_are_all_that_comes() {
    let stage = Stage::set().await;
    let every = Duration::from_millis(1);
    for (fault, real) in [
        (Fault::ReplaceResponse(FaultyResponse::Heartbeats { every }), 0),
        (Fault::DropResponse(FaultyResponse::Heartbeats { every }), 0),
        (Fault::Cut(Cut::Events(1), Ending::Heartbeats { every }), 1),
    ] {
        let before = stage.counters().messages_run;
        stage.backend.faults().inject(fault.clone()).once();
        let mut response = stage.say().send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        let mut bytes = Vec::new();
        while events(&bytes) < 20 {
            bytes.extend(response.chunk().await.unwrap().unwrap());
        }
        let text = String::from_utf8(bytes).unwrap();
        let beats = text.lines().filter(|line| *line == r#"data: {"type":"heartbeat"}"#).count();
        assert_eq!(events(text.as_bytes()) - beats, real, "{fault:?}");
        let run = stage.counters().messages_run - before;
        assert_eq!(run, u64::from(fault.does_the_work()), "{fault:?}");
    }
}

#[tokio::test]
async fn a_trickle_is_received_byte_by_byte_and_affects_one_response() {
    let stage = Stage::set().await;
    let pause = Duration::from_millis(1);
    stage.backend.faults().inject(Fault::Trickle { pause }).on(Endpoint::Credits).once();
    let start = std::time::Instant::now();
    let (bytes, end) = stage.bare("GET", CREDITS, "").await;
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with('}'), "{text}");
    assert_eq!(end, None);
    let pauses = u32::try_from(text.len()).unwrap() - 1;
    assert!(start.elapsed() >= pause * pauses, "{:?} for {} bytes", start.elapsed(), text.len());

    let response = stage.credits().send().await.unwrap();
    assert!(!response.headers().contains_key("connection"));
}
