//! What programs test themselves with: the clients of the embedded backend and of the mock are ready
//! to use, and no fault takes minutes.

use std::time::{Duration, Instant};

use nemovideo::draft::Draft;
use nemovideo::local::{Cut, Ending, Fault, FaultyResponse, LocalBackend, LocalBackendBuilder};
use nemovideo::mock::wiremock::{Mock, MockServer};
use nemovideo::mock::{NemoMock, event, matchers, respond};
use nemovideo::project::{Script, Voiceover};
use nemovideo::protocol::Endpoint;
use nemovideo::{CreateSession, Error, ErrorCode, NemoClient, RenderOutput};

fn placeholder() -> LocalBackendBuilder {
    LocalBackend::builder().placeholder_videos()
}

fn tea(client: &NemoClient, directory: &tempfile::TempDir) -> Voiceover {
    let script = Script::text("Tea is made of leaves.").expect("a script");
    client.voiceover(script).save_to(directory.path().join("tea.mp4"))
}

#[tokio::test]
async fn a_client_of_the_embedded_backend_survives_each_fault_within_seconds() {
    let stall = || Fault::ReplaceResponse(FaultyResponse::Stall);
    let limited = || Fault::ReplaceResponse(FaultyResponse::Error(code(ErrorCode::RateLimited)));
    for (fault, endpoint) in [
        (stall(), Endpoint::Token),
        (stall(), Endpoint::State),
        (stall(), Endpoint::RenderStatus),
        (limited(), Endpoint::Message),
        (limited(), Endpoint::RenderSubmit),
        (Fault::DropResponse(FaultyResponse::Reset), Endpoint::Message),
        (Fault::Cut(Cut::Events(1), Ending::Stall), Endpoint::Message),
        (Fault::LateWork { reads: 3, ending: Ending::Reset }, Endpoint::Message),
        (Fault::FailedRender, Endpoint::RenderSubmit),
        (Fault::SlowRender { polls: 20 }, Endpoint::RenderSubmit),
        (Fault::ShortFile, Endpoint::File),
    ] {
        let backend = placeholder().start().await.unwrap();
        let injected = backend.faults().inject(fault.clone()).on(endpoint).once();
        let directory = tempfile::tempdir().unwrap();
        let started = Instant::now();
        let outcome = tea(&backend.client(), &directory).await;
        assert!(outcome.is_ok(), "{fault:?}: {outcome:?}");
        assert_eq!((injected.hits(), backend.counters().messages_run), (1, 1), "{fault:?}");
        assert!(started.elapsed() < Duration::from_secs(60), "{fault:?}: {:?}", started.elapsed());
    }
}

fn code(code: ErrorCode) -> nemovideo::local::ErrorReply {
    nemovideo::local::ErrorReply::code(code)
}

#[tokio::test]
async fn an_account_has_ten_thousand_credits_or_as_many_as_a_test_says() {
    let backend = placeholder().start().await.unwrap();
    let client = backend.client();
    assert_eq!(client.credits().await.unwrap().available.get(), 10_000.0);
    let other = backend.client().authenticate().await.unwrap().user_id;
    assert_ne!(client.authenticate().await.unwrap().user_id, other, "an account of its own");

    let backend = placeholder().credits(0).start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let error = tea(&backend.client(), &directory).await.unwrap_err();
    assert!(matches!(error, Error::OutOfCredits(_)), "{error}");
}

#[tokio::test]
async fn any_backend_renders_the_sample_draft() {
    for builder in [placeholder(), LocalBackend::builder()] {
        let backend = builder.start().await.unwrap();
        let client = backend.client();
        let session = client.create_session(CreateSession::default()).await.unwrap().session_id;
        let (draft, output) = (Draft::sample(), RenderOutput::mp4());
        let job = client.submit_render(&session, &draft, output).await.unwrap();
        let video = client.wait_for_render(&job).await.unwrap();
        assert!(video.size.is_some_and(|size| size > 0));
    }
}

#[tokio::test]
async fn a_mock_makes_as_many_voiceovers_as_a_program_wants() {
    let mock = NemoMock::start().await;
    mock.given_voiceover("the video");
    let directory = tempfile::tempdir().unwrap();
    for messages in 1..=2 {
        let video = tea(&mock.client(), &directory).await.unwrap();
        assert_eq!(std::fs::read(&video.path).unwrap(), b"the video");
        assert_eq!(video.draft, Draft::sample());
        mock.verify_messages_sent(messages);
        mock.verify_renders_submitted(messages);
    }
    assert!(mock.messages()[0].1.contains("Tea is made of leaves."));
}

#[tokio::test]
async fn a_voiceover_of_a_mock_is_broken_by_what_was_given_before() {
    let mock = NemoMock::start().await;
    mock.fails(Endpoint::Message, ErrorCode::OutOfCredits).times(1);
    mock.given_voiceover("the video");
    let directory = tempfile::tempdir().unwrap();
    let error = tea(&mock.client(), &directory).await.unwrap_err();
    assert!(matches!(error, Error::OutOfCredits(_)), "{error}");
    tea(&mock.client(), &directory).await.unwrap();
}

#[tokio::test]
async fn what_is_mounted_on_the_server_takes_precedence_over_what_was_given() {
    let mock = NemoMock::start().await;
    mock.credits(1, 0);
    Mock::given(matchers::endpoint(Endpoint::Credits))
        .respond_with(respond::error(ErrorCode::ExportBlocked))
        .up_to_n_times(1)
        .mount(mock.wiremock())
        .await;
    let client = mock.client();
    assert!(matches!(client.credits().await, Err(Error::ExportBlocked(_))));
    assert_eq!(client.credits().await.unwrap().available.get(), 1.0);
    mock.verify_requests(Endpoint::Credits, 2);
}

#[tokio::test]
async fn matchers_tell_sessions_apart_on_any_server() {
    let server = MockServer::start().await;
    for (session, text) in [("a", "of a"), ("b", "of b")] {
        for endpoint in [Endpoint::Message, Endpoint::State] {
            let response = match endpoint {
                Endpoint::Message => respond::stream([event::text(text)]),
                _ => respond::state(Draft::sample()),
            };
            let given = Mock::given(matchers::endpoint(endpoint)).and(matchers::session(session));
            given.respond_with(response).expect(1).mount(&server).await;
        }
    }
    let client = NemoClient::builder().base_url(server.uri()).token("t").build().unwrap();
    for session in ["a", "b"] {
        drop(client.send_message(&session.into(), "hi").await.unwrap());
        client.session_state(&session.into()).await.unwrap();
    }
}
