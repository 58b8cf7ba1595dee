//! One token for all calls, one refresh for all that need it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::raw::{RawServer, Reply};
use futures::future::join_all;
use nemovideo::mock::wiremock::matchers::header;
use nemovideo::mock::wiremock::{Mock, ResponseTemplate};
use nemovideo::mock::{MockNemo, MockResponse};
use nemovideo::protocol::Endpoint;
use nemovideo::{ClientId, Error, ErrorCode, ExponentialRetry, NemoClient, Timeouts};
use serde_json::json;

/// Longer than any test of this file may take.
const FOR_EVER: Duration = Duration::from_secs(30);

fn token(name: &str, lives: Duration) -> MockResponse {
    let body = token_body(name, lives);
    MockResponse::raw(Endpoint::Token, ResponseTemplate::new(200).set_body_json(body))
}

fn token_body(name: &str, lives: Duration) -> serde_json::Value {
    let expires_at = (SystemTime::now() + lives).duration_since(UNIX_EPOCH).expect("a date");
    json!({ "code": 0, "data": { "token": name, "expires_at": expires_at.as_secs_f64() } })
}

/// The service takes this token no more.
async fn refuse(nemo: &MockNemo, token: &str) {
    let refusal = json!({ "code": 1001, "message": "expired" });
    Mock::given(header("authorization", format!("Bearer {token}").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(refusal))
        .with_priority(1)
        .mount(nemo.wiremock())
        .await;
}

/// The tokens that calls for the credits used, in their order.
async fn used(nemo: &MockNemo) -> Vec<String> {
    let requests = nemo.requests(Endpoint::Credits).await;
    let bearer = |value: &str| value.trim_start_matches("Bearer ").to_owned();
    requests
        .iter()
        .map(|request| bearer(request.headers["authorization"].to_str().expect("text")))
        .collect()
}

/// The one file that holds a token.
fn token_file(dir: &Path) -> PathBuf {
    let mut files = fs::read_dir(dir.join("tokens")).expect("a folder");
    files.next().expect("a file").expect("its name").path()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_tasks_that_meet_an_expired_token_cause_one_token_request() {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::token("old").times(1)).await;
    nemo.given(MockResponse::token("new")).await;
    refuse(&nemo, "old").await;
    nemo.given(MockResponse::credits(1.0)).await;
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
    nemo.given(MockResponse::credits(1.0)).await;
    let client = nemo.client();
    for _ in 0..3 {
        client.credits().await.unwrap();
    }
    assert_eq!(used(&nemo).await, ["short", "long", "long"]);
    assert_eq!(nemo.requests(Endpoint::Token).await.len(), 2);
}

#[tokio::test]
async fn a_token_that_ends_soon_serves_while_no_new_one_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let nemo = MockNemo::start().await;
    nemo.given(token("short", Duration::from_secs(60)).times(1)).await;
    nemo.given(MockResponse::error(Endpoint::Token, ErrorCode::RateLimited)).await;
    nemo.given(MockResponse::credits(1.0)).await;
    let process = || nemo.client_builder().credentials_dir(dir.path()).build().unwrap();
    let first = process();
    for _ in 0..2 {
        first.credits().await.unwrap();
    }
    // Another process finds the kept one.
    process().credits().await.unwrap();
    assert_eq!(used(&nemo).await, ["short"; 3]);
}

#[tokio::test]
async fn no_call_waits_out_the_refusal_of_a_refresh_that_came_early() {
    let dir = tempfile::tempdir().unwrap();
    for kept in [false, true] {
        let nemo = MockNemo::start().await;
        nemo.given(token("short", Duration::from_secs(200)).times(1)).await;
        nemo.given(MockResponse::error(Endpoint::Token, ErrorCode::RateLimited)).await;
        nemo.given(MockResponse::credits(1.0)).await;
        let patient = ExponentialRetry::default().with_rate_limit_delay(FOR_EVER);
        let builder = nemo.client_builder().retry(patient);
        let builder = if kept { builder.credentials_dir(dir.path()) } else { builder };
        let client = builder.build().unwrap();
        client.credits().await.unwrap();

        let began = Instant::now();
        for _ in 0..2 {
            for credits in join_all((0..8).map(|_| client.credits())).await {
                credits.unwrap();
            }
        }
        assert!(began.elapsed() < FOR_EVER);
        assert_eq!(nemo.requests(Endpoint::Token).await.len(), 2, "one attempt, not one a call");
        assert_eq!(used(&nemo).await, ["short"; 17]);
    }
}

#[tokio::test]
async fn calls_go_on_with_the_old_token_while_one_asks_for_a_new_one() {
    let server = RawServer::start(|request| match request.path() {
        "/api/auth/anonymous-token" if request.number_on_route() == 0 => {
            Reply::json(token_body("short", Duration::from_secs(200)).to_string())
        }
        "/api/auth/anonymous-token" => Reply::stalled(),
        _ => Reply::json(r#"{"available":1,"frozen":0,"total":1}"#.to_owned()),
    })
    .await;
    let client =
        NemoClient::builder().base_url(server.url()).in_memory_credentials().build().unwrap();
    client.authenticate().await.unwrap();
    let asks = tokio::spawn({
        let client = client.clone();
        async move { client.credits().await }
    });
    while server.requests("/api/auth/anonymous-token") < 2 {
        tokio::task::yield_now().await;
    }
    let others = join_all((0..8).map(|_| client.credits()));
    for credits in tokio::time::timeout(FOR_EVER, others).await.expect("nobody waits") {
        credits.unwrap();
    }
    asks.abort();
}

#[tokio::test]
async fn calls_that_waited_for_one_token_share_its_failure() {
    let server = RawServer::start(|_| Reply::stalled()).await;
    let timeouts = Timeouts::default().with_response(Duration::from_millis(300));
    let client = NemoClient::builder()
        .base_url(server.url())
        .in_memory_credentials()
        .retry(ExponentialRetry::never())
        .timeouts(timeouts)
        .build()
        .unwrap();
    for round in 1..=2 {
        for credits in join_all((0..8).map(|_| client.credits())).await {
            let error = credits.unwrap_err();
            assert!(matches!(error, Error::Timeout { .. }), "{error}");
            assert!(error.is_retryable(), "{error}");
        }
        // Whoever comes later asks anew.
        assert_eq!(server.requests("/api/auth/anonymous-token"), round);
    }
}

#[tokio::test]
async fn a_token_that_was_just_given_out_is_used_whatever_its_end_says() {
    // As a machine whose clock is ahead sees it; in seconds; and numbers that are no date at all.
    for end in [
        r#""2020-01-01T00:00:00Z""#,
        "1795351293",
        "1795351293000000",
        "1795351293000000000",
        "18446744073709551615",
        r#""2099-01-01T00:00:00""#,
    ] {
        for kept in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let nemo = MockNemo::start().await;
            let body = format!(r#"{{"code":0,"data":{{"token":"t","expires_at":{end}}}}}"#);
            let body = ResponseTemplate::new(200).set_body_string(body);
            nemo.given(MockResponse::raw(Endpoint::Token, body).times(1)).await;
            nemo.given(MockResponse::error(Endpoint::Token, ErrorCode::RateLimited)).await;
            nemo.given(MockResponse::credits(1.0)).await;
            let process = || match kept {
                true => nemo.client_builder().credentials_dir(dir.path()).build().unwrap(),
                false => nemo.client(),
            };
            let client = process();
            for _ in 0..3 {
                client.credits().await.unwrap();
            }
            if kept {
                process().credits().await.unwrap();
            }
            assert_eq!(nemo.requests(Endpoint::Token).await.len(), 1, "{end}, kept: {kept}");
        }
    }
}

#[tokio::test]
async fn a_kept_token_past_its_end_serves_where_no_other_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::token("kept").times(1)).await;
    nemo.given(MockResponse::error(Endpoint::Token, ErrorCode::RateLimited)).await;
    nemo.given(MockResponse::credits(1.0)).await;
    let patient = ExponentialRetry::default().with_rate_limit_delay(FOR_EVER);
    let process =
        || nemo.client_builder().retry(patient).credentials_dir(dir.path()).build().unwrap();
    process().authenticate().await.unwrap();
    // This machine's clock has been put a century ahead since.
    let file = token_file(dir.path());
    let mut kept: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    kept["token"]["expires_at"] = "2001-01-01T00:00:00Z".into();
    fs::write(&file, kept.to_string()).unwrap();

    let second = process();
    for _ in 0..3 {
        second.credits().await.unwrap();
    }
    assert_eq!(used(&nemo).await, ["kept"; 3]);
    assert_eq!(nemo.requests(Endpoint::Token).await.len(), 2, "and is asked for once only");
}

#[tokio::test]
async fn a_refused_token_is_not_taken_from_the_disk_again() {
    let dir = tempfile::tempdir().unwrap();
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::token("old").times(1)).await;
    nemo.given(MockResponse::token("new")).await;
    nemo.given(MockResponse::credits(1.0)).await;
    refuse(&nemo, "old").await;
    let client = nemo.client_builder().credentials_dir(dir.path()).build().unwrap();
    client.authenticate().await.unwrap();
    let file = token_file(dir.path());
    let old = fs::read(&file).unwrap();

    // Another process has the folder, so this one waits before it asks for another token.
    let lock = File::options().write(true).open(dir.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.credits().await }
    });
    while used(&nemo).await.is_empty() {
        tokio::task::yield_now().await;
    }
    // Long enough for all that it does before it waits.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(file.exists(), "nothing is removed while another process has the folder");
    // As if it could not be removed.
    fs::write(&file, old).unwrap();
    lock.unlock().unwrap();
    call.await.unwrap().unwrap();
    assert_eq!(used(&nemo).await, ["old", "new"]);
    assert_eq!(nemo.requests(Endpoint::Token).await.len(), 2);
}

#[tokio::test]
async fn a_refused_token_whose_file_cannot_be_changed_locks_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::token("old").times(1)).await;
    nemo.given(MockResponse::token("new")).await;
    nemo.given(MockResponse::credits(1.0)).await;
    refuse(&nemo, "old").await;
    let client = nemo.client_builder().credentials_dir(dir.path()).build().unwrap();
    client.authenticate().await.unwrap();
    let file = token_file(dir.path());
    let locked = Immutable::new(&file);
    for _ in 0..2 {
        client.credits().await.unwrap();
    }
    assert_eq!(used(&nemo).await, ["old", "new", "new"]);
    assert_eq!(nemo.requests(Endpoint::Token).await.len(), 2);
    drop(locked);
}

/// A file that nobody can change or remove, as far as this machine lets a test have one; without,
/// what the test promises holds all the more.
struct Immutable(PathBuf);

impl Immutable {
    fn new(file: &Path) -> Self {
        Self::set(file, "+i");
        Self(file.to_owned())
    }

    /// The superuser ignores a folder's mode, but not this; nobody else may set it.
    fn set(file: &Path, attribute: &str) {
        let _done = std::process::Command::new("chattr").arg(attribute).arg(file).output();
        let folder = file.parent().expect("a folder");
        let mut permissions = fs::metadata(folder).expect("modes").permissions();
        permissions.set_readonly(attribute == "+i");
        fs::set_permissions(folder, permissions).expect("one's own folder");
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        Self::set(&self.0, "-i");
    }
}

#[tokio::test]
async fn a_token_that_another_process_kept_meanwhile_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let nemo = MockNemo::start().await;
    nemo.given(token("old", Duration::from_secs(60)).times(1)).await;
    nemo.given(MockResponse::token("new").times(1)).await;
    nemo.given(MockResponse::error(Endpoint::Token, ErrorCode::RateLimited)).await;
    nemo.given(MockResponse::credits(1.0)).await;
    let process = || nemo.client_builder().credentials_dir(dir.path()).build().unwrap();
    let (first, second) = (process(), process());
    first.authenticate().await.unwrap();
    second.credits().await.unwrap();
    first.credits().await.unwrap();
    assert_eq!(used(&nemo).await, ["new", "new"]);
    assert_eq!(nemo.requests(Endpoint::Token).await.len(), 2);
}

#[tokio::test]
async fn an_account_outlives_whatever_saved_its_id() {
    let id = "5ec2e7c1-1d00-4000-8000-000000000000";
    let marked = format!("\u{feff}{id}\r\n");
    for content in [marked.into_bytes(), format!("\n{id}\n").into_bytes()] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("client_id"), content).unwrap();
        let nemo = MockNemo::start().await;
        let client = nemo.client_builder().credentials_dir(dir.path()).build().unwrap();
        client.authenticate().await.unwrap();
        assert_eq!(nemo.requests(Endpoint::Token).await[0].headers["x-client-id"], id);
    }
}

#[tokio::test]
async fn a_token_that_is_none_is_never_sent() {
    let nemo = MockNemo::start().await;
    nemo.given(MockResponse::credits(1.0)).await;
    for nothing in ["", " ", "\n"] {
        let built = nemo.client_builder().token(nothing).build();
        let Ok(client) = built else { continue };
        let error = client.credits().await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error}");
        client.authenticate().await.unwrap_err();
    }
    assert!(nemo.requests(Endpoint::Credits).await.is_empty());
}

#[tokio::test]
async fn a_client_id_that_did_not_arrive_is_made_anew_once() {
    let dir = tempfile::tempdir().unwrap();
    for kept in [true, false] {
        let nemo = MockNemo::start().await;
        let missing = ErrorCode::ClientIdMissing;
        nemo.given(MockResponse::error(Endpoint::Token, missing).times(1)).await;
        nemo.given(MockResponse::credits(1.0)).await;
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
    nemo.given(MockResponse::error(Endpoint::Token, ErrorCode::ClientIdMissing)).await;
    let error = nemo.client().credits().await.unwrap_err();
    assert!(matches!(error, Error::ClientIdMissing(_)), "{error}");
    assert_eq!(nemo.requests(Endpoint::Token).await.len(), 2);
}

#[tokio::test]
async fn an_error_response_that_repeats_the_client_id_does_not_reveal_it() {
    let nemo = MockNemo::start().await;
    let body = json!({ "code": 429, "message": "client-4711 has its token of the week" });
    let response = ResponseTemplate::new(429).set_body_json(body);
    nemo.given(MockResponse::raw(Endpoint::Token, response)).await;
    let builder = nemo.client_builder().client_id(ClientId::new("client-4711"));
    let error = builder.build().unwrap().authenticate().await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("its token of the week") && !shown.contains("client-4711"), "{shown}");
}
