//! One token for all calls, one refresh for all that need it.

use std::time::{Duration, SystemTime};

use nemovideo::mock::wiremock::matchers::header;
use nemovideo::mock::wiremock::{Mock, ResponseTemplate};
use nemovideo::mock::{Answer, Endpoint, MockNemo};
use nemovideo::wire::{AnonymousToken, Envelope};
use nemovideo::{Error, ErrorCode, NemoClient};

fn token(name: &str, lives: Duration) -> Answer {
    let mut token = AnonymousToken::new(name);
    token.expires_at = Some(SystemTime::now() + lives);
    let body = Envelope::success(token);
    Answer::raw(Endpoint::Token, ResponseTemplate::new(200).set_body_json(body))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_tasks_that_meet_an_expired_token_cause_one_token_request() {
    let nemo = MockNemo::start().await;
    nemo.given(Answer::token("old").times(1)).await;
    nemo.given(Answer::token("new")).await;
    let refusal = Envelope::refusal(ErrorCode::TokenInvalid, "expired");
    Mock::given(header("authorization", "Bearer old"))
        .respond_with(ResponseTemplate::new(200).set_body_json(refusal))
        .with_priority(1)
        .mount(nemo.wiremock())
        .await;
    nemo.given(Answer::credits(1.0)).await;
    let client = nemo.client();
    client.authenticate().await.unwrap();
    assert_eq!(nemo.requests(Endpoint::Token).await.len(), 1);

    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.credits().await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(nemo.requests(Endpoint::Token).await.len(), 2);
}

#[tokio::test]
async fn a_token_that_ends_soon_is_replaced_before_it_is_refused() {
    let nemo = MockNemo::start().await;
    nemo.given(token("short", Duration::from_secs(60)).times(1)).await;
    nemo.given(token("long", Duration::from_secs(3_600))).await;
    nemo.given(Answer::credits(1.0)).await;
    let client = nemo.client();
    for _ in 0..3 {
        client.credits().await.unwrap();
    }
    let used: Vec<String> = nemo
        .requests(Endpoint::Credits)
        .await
        .iter()
        .map(|request| request.headers["authorization"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(used, ["Bearer short", "Bearer long", "Bearer long"]);
    assert_eq!(nemo.requests(Endpoint::Token).await.len(), 2);
}

#[tokio::test]
async fn a_token_that_ends_soon_serves_while_no_new_one_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let nemo = MockNemo::start().await;
    nemo.given(token("short", Duration::from_secs(60)).times(1)).await;
    nemo.given(Answer::refusal(Endpoint::Token, ErrorCode::RateLimited)).await;
    nemo.given(Answer::credits(1.0)).await;
    let process = || nemo.client_builder().credentials_dir(dir.path()).build().unwrap();
    let first = process();
    for _ in 0..2 {
        first.credits().await.unwrap();
    }
    // Another process finds the kept one.
    process().credits().await.unwrap();
    for request in nemo.requests(Endpoint::Credits).await {
        assert_eq!(request.headers["authorization"], "Bearer short");
    }
}

#[tokio::test]
async fn a_client_id_that_did_not_arrive_is_made_anew_once() {
    let dir = tempfile::tempdir().unwrap();
    for kept in [true, false] {
        let nemo = MockNemo::start().await;
        let missing = ErrorCode::ClientIdMissing;
        nemo.given(Answer::refusal(Endpoint::Token, missing).times(1)).await;
        nemo.given(Answer::credits(1.0)).await;
        let mut builder = NemoClient::builder().base_url(nemo.url());
        builder = match kept {
            true => builder.credentials_dir(dir.path()),
            false => builder.in_memory_credentials(),
        };
        builder.build().unwrap().credits().await.unwrap();
        let asked = nemo.requests(Endpoint::Token).await;
        assert_eq!(asked.len(), 2);
        assert_ne!(asked[0].headers["x-client-id"], asked[1].headers["x-client-id"]);
    }

    let nemo = MockNemo::start().await;
    nemo.given(Answer::refusal(Endpoint::Token, ErrorCode::ClientIdMissing)).await;
    let error = nemo.client().credits().await.unwrap_err();
    assert!(matches!(error, Error::ClientIdMissing(_)), "{error}");
    assert_eq!(nemo.requests(Endpoint::Token).await.len(), 2);
}
