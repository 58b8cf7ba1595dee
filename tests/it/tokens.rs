//! All calls share one token, and all calls that need a new one share one request for it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::raw::{RawResponse, RawServer};
use futures::future::join_all;
use nemovideo::mock::wiremock::matchers::header;
use nemovideo::mock::wiremock::{Mock, ResponseTemplate};
use nemovideo::mock::{NemoMock, respond};
use nemovideo::protocol::Endpoint;
use nemovideo::{ClientId, Error, ErrorCode, ExponentialRetry, NemoClient, Timeouts};
use serde_json::json;

/// Longer than any test of this file takes: a test that waits for this long hangs.
const HANG: Duration = Duration::from_secs(30);

/// Longer than `HANG`, and not longer than the delays that the retry policy accepts.
const ENDLESS_DELAY: Duration = Duration::from_secs(90);

fn token(name: &str, lifetime: Duration) -> ResponseTemplate {
    let body = token_body(name, lifetime);
    ResponseTemplate::new(200).set_body_json(body)
}

fn token_body(name: &str, lifetime: Duration) -> serde_json::Value {
    let expires_at = (SystemTime::now() + lifetime).duration_since(UNIX_EPOCH).expect("a date");
    json!({ "code": 0, "data": { "token": name, "expires_at": expires_at.as_secs_f64() } })
}

/// Starts a service that issues one token, and none after it.
async fn issuing_once(token: ResponseTemplate) -> NemoMock {
    let nemo = NemoMock::start().await;
    nemo.respond(Endpoint::Token, token).times(1);
    nemo.fails(Endpoint::Token, ErrorCode::RateLimited);
    nemo.credits(1.0, 0);
    nemo
}

/// Makes the service reject this token.
async fn reject(nemo: &NemoMock, token: &str) {
    let error = json!({ "code": 1001, "message": "expired" });
    Mock::given(header("authorization", format!("Bearer {token}").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(error))
        .with_priority(1)
        .mount(nemo.wiremock())
        .await;
}

/// Returns the tokens of the credits requests, in order.
async fn used_tokens(nemo: &NemoMock) -> Vec<String> {
    let requests = nemo.requests(Endpoint::Credits);
    let bearer = |value: &str| value.trim_start_matches("Bearer ").to_owned();
    requests
        .iter()
        .map(|request| bearer(request.headers["authorization"].to_str().expect("text")))
        .collect()
}

/// Returns the path of the only stored token.
fn token_file(dir: &Path) -> PathBuf {
    let mut files = fs::read_dir(dir.join("tokens")).expect("a directory");
    files.next().expect("a file").expect("its name").path()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_callers_with_an_expired_token_request_one_token() {
    let nemo = NemoMock::start().await;
    nemo.token("old").times(1);
    nemo.token("new");
    reject(&nemo, "old").await;
    nemo.credits(1.0, 0);
    let client = nemo.client();
    client.authenticate().await.unwrap();
    assert_eq!(nemo.requests(Endpoint::Token).len(), 1);

    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.credits().await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(nemo.requests(Endpoint::Token).len(), 2);
}

#[tokio::test]
async fn a_token_that_expires_soon_is_replaced_before_it_is_rejected() {
    let nemo = NemoMock::start().await;
    nemo.respond(Endpoint::Token, token("short", Duration::from_secs(60))).times(1);
    nemo.respond(Endpoint::Token, token("long", Duration::from_secs(3_600)));
    nemo.credits(1.0, 0);
    let client = nemo.client();
    for _ in 0..3 {
        client.credits().await.unwrap();
    }
    assert_eq!(used_tokens(&nemo).await, ["short", "long", "long"]);
    assert_eq!(nemo.requests(Endpoint::Token).len(), 2);
}

#[tokio::test]
async fn a_token_that_expires_soon_is_used_while_no_new_one_is_issued() {
    let dir = tempfile::tempdir().unwrap();
    let nemo = issuing_once(token("short", Duration::from_secs(60))).await;
    let process = || nemo.client_builder().credentials_dir(dir.path()).build().unwrap();
    let first = process();
    for _ in 0..2 {
        first.credits().await.unwrap();
    }
    // Another process finds the stored token.
    process().credits().await.unwrap();
    assert_eq!(used_tokens(&nemo).await, ["short"; 3]);
}

#[tokio::test]
async fn no_call_waits_for_the_rate_limit_of_an_early_refresh() {
    let dir = tempfile::tempdir().unwrap();
    for stored in [false, true] {
        let nemo = issuing_once(token("short", Duration::from_secs(200))).await;
        let patient = ExponentialRetry::default().with_rate_limit_delay(ENDLESS_DELAY);
        let builder = nemo.client_builder().retry(patient);
        let builder = if stored { builder.credentials_dir(dir.path()) } else { builder };
        let client = builder.build().unwrap();
        client.credits().await.unwrap();

        for _ in 0..2 {
            let calls = join_all((0..8).map(|_| client.credits()));
            for credits in tokio::time::timeout(HANG, calls).await.expect("no call waits") {
                credits.unwrap();
            }
        }
        assert_eq!(nemo.requests(Endpoint::Token).len(), 2, "one attempt, not one per call");
        assert_eq!(used_tokens(&nemo).await, ["short"; 17]);
    }
}

#[tokio::test]
async fn calls_use_the_old_token_while_one_of_them_requests_a_new_one() {
    let server = RawServer::start(|request| match request.path() {
        "/api/auth/anonymous-token" if request.index_on_path() == 0 => {
            RawResponse::json(token_body("short", Duration::from_secs(200)).to_string())
        }
        "/api/auth/anonymous-token" => RawResponse::stalled(),
        _ => RawResponse::json(r#"{"available":1,"frozen":0,"total":1}"#),
    })
    .await;
    let client =
        NemoClient::builder().base_url(server.url()).in_memory_credentials().build().unwrap();
    client.authenticate().await.unwrap();
    let refreshing = tokio::spawn({
        let client = client.clone();
        async move { client.credits().await }
    });
    while server.requests("/api/auth/anonymous-token") < 2 {
        tokio::task::yield_now().await;
    }
    let others = join_all((0..8).map(|_| client.credits()));
    for credits in tokio::time::timeout(HANG, others).await.expect("no call waits") {
        credits.unwrap();
    }
    refreshing.abort();
}

#[tokio::test]
async fn calls_that_wait_for_one_token_share_its_failure() {
    let server = RawServer::start(|_| RawResponse::stalled()).await;
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
        // A later call requests a token again.
        assert_eq!(server.requests("/api/auth/anonymous-token"), round);
    }
}

#[tokio::test]
async fn a_token_that_was_just_issued_is_used_whatever_its_expiry() {
    // An expiry in the past, as on a machine whose clock is ahead; one in seconds; and numbers that
    // are no dates.
    for expiry in [
        r#""2020-01-01T00:00:00Z""#,
        "1795351293",
        "1795351293000000",
        "1795351293000000000",
        "18446744073709551615",
        r#""2099-01-01T00:00:00""#,
    ] {
        for stored in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let body = format!(r#"{{"code":0,"data":{{"token":"t","expires_at":{expiry}}}}}"#);
            let body = ResponseTemplate::new(200).set_body_string(body);
            let nemo = issuing_once(body).await;
            let process = || match stored {
                true => nemo.client_builder().credentials_dir(dir.path()).build().unwrap(),
                false => nemo.client(),
            };
            let client = process();
            for _ in 0..3 {
                client.credits().await.unwrap();
            }
            if stored {
                process().credits().await.unwrap();
            }
            let requests = nemo.requests(Endpoint::Token).len();
            assert_eq!(requests, 1, "{expiry}, stored: {stored}");
        }
    }
}

#[tokio::test]
async fn an_expired_stored_token_is_used_if_no_other_is_issued() {
    let dir = tempfile::tempdir().unwrap();
    let nemo = issuing_once(respond::token("stored")).await;
    let patient = ExponentialRetry::default().with_rate_limit_delay(ENDLESS_DELAY);
    let process =
        || nemo.client_builder().retry(patient).credentials_dir(dir.path()).build().unwrap();
    process().authenticate().await.unwrap();
    // As if the machine's clock had been set ahead since.
    let file = token_file(dir.path());
    let mut stored: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    stored["token"]["expires_at"] = "2001-01-01T00:00:00Z".into();
    fs::write(&file, stored.to_string()).unwrap();

    let second = process();
    for _ in 0..3 {
        second.credits().await.unwrap();
    }
    assert_eq!(used_tokens(&nemo).await, ["stored"; 3]);
    assert_eq!(nemo.requests(Endpoint::Token).len(), 2, "another is requested only once");
}

#[tokio::test]
async fn a_rejected_token_is_not_read_from_the_disk_again() {
    let dir = tempfile::tempdir().unwrap();
    let nemo = NemoMock::start().await;
    nemo.token("old").times(1);
    nemo.token("new");
    nemo.credits(1.0, 0);
    reject(&nemo, "old").await;
    let client = nemo.client_builder().credentials_dir(dir.path()).build().unwrap();
    client.authenticate().await.unwrap();
    let file = token_file(dir.path());
    let old = fs::read(&file).unwrap();

    // Another process has locked the directory, so this one waits before it requests a token.
    let lock = File::options().write(true).open(dir.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.credits().await }
    });
    while used_tokens(&nemo).await.is_empty() {
        tokio::task::yield_now().await;
    }
    // Enough for all that the call does before it waits.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(file.exists(), "nothing is removed while another process has the lock");
    // As if the file could not be removed.
    fs::write(&file, old).unwrap();
    lock.unlock().unwrap();
    call.await.unwrap().unwrap();
    assert_eq!(used_tokens(&nemo).await, ["old", "new"]);
    assert_eq!(nemo.requests(Endpoint::Token).len(), 2);
}

#[tokio::test]
async fn a_rejected_token_whose_file_cannot_be_removed_is_replaced_nevertheless() {
    let dir = tempfile::tempdir().unwrap();
    let nemo = NemoMock::start().await;
    nemo.token("old").times(1);
    nemo.token("new");
    nemo.credits(1.0, 0);
    reject(&nemo, "old").await;
    let client = nemo.client_builder().credentials_dir(dir.path()).build().unwrap();
    client.authenticate().await.unwrap();
    let file = token_file(dir.path());
    let locked = Immutable::new(&file);
    for _ in 0..2 {
        client.credits().await.unwrap();
    }
    assert_eq!(used_tokens(&nemo).await, ["old", "new", "new"]);
    assert_eq!(nemo.requests(Endpoint::Token).len(), 2);
    drop(locked);
}

/// A file that cannot be changed or removed, as far as the machine allows a test to create one. If
/// it does not, the promise of the test holds trivially.
struct Immutable(PathBuf);

impl Immutable {
    fn new(file: &Path) -> Self {
        Self::set(file, "+i");
        Self(file.to_owned())
    }

    /// Sets the attribute, which binds the superuser too, and the mode of the directory, which
    /// binds everybody else.
    fn set(file: &Path, attribute: &str) {
        let _done = std::process::Command::new("chattr").arg(attribute).arg(file).output();
        let directory = file.parent().expect("a directory");
        let mut permissions = fs::metadata(directory).expect("modes").permissions();
        permissions.set_readonly(attribute == "+i");
        fs::set_permissions(directory, permissions).expect("a directory of the test");
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        Self::set(&self.0, "-i");
    }
}

#[tokio::test]
async fn a_token_that_another_process_stored_meanwhile_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let nemo = NemoMock::start().await;
    nemo.respond(Endpoint::Token, token("old", Duration::from_secs(60))).times(1);
    nemo.token("new").times(1);
    nemo.fails(Endpoint::Token, ErrorCode::RateLimited);
    nemo.credits(1.0, 0);
    let process = || nemo.client_builder().credentials_dir(dir.path()).build().unwrap();
    let (first, second) = (process(), process());
    first.authenticate().await.unwrap();
    second.credits().await.unwrap();
    first.credits().await.unwrap();
    assert_eq!(used_tokens(&nemo).await, ["new", "new"]);
    assert_eq!(nemo.requests(Endpoint::Token).len(), 2);
}

#[tokio::test]
async fn a_stored_client_id_is_read_with_a_byte_order_mark_and_any_line_ends() {
    let id = "5ec2e7c1-1d00-4000-8000-000000000000";
    let with_mark = format!("\u{feff}{id}\r\n");
    for content in [with_mark.into_bytes(), format!("\n{id}\n").into_bytes()] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("client_id"), content).unwrap();
        let nemo = NemoMock::start().await;
        let client = nemo.client_builder().credentials_dir(dir.path()).build().unwrap();
        client.authenticate().await.unwrap();
        assert_eq!(nemo.requests(Endpoint::Token)[0].headers["x-client-id"], id);
    }
}

#[tokio::test]
async fn a_blank_token_is_never_sent() {
    let nemo = NemoMock::start().await;
    nemo.credits(1.0, 0);
    for blank in ["", " ", "\n"] {
        let built = nemo.client_builder().token(blank).build();
        let Ok(client) = built else { continue };
        let error = client.credits().await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error}");
        client.authenticate().await.unwrap_err();
    }
    assert!(nemo.requests(Endpoint::Credits).is_empty());
}

#[tokio::test]
async fn a_client_id_that_did_not_arrive_is_replaced_once() {
    let dir = tempfile::tempdir().unwrap();
    for stored in [true, false] {
        let nemo = NemoMock::start().await;
        let missing = ErrorCode::ClientIdMissing;
        nemo.fails(Endpoint::Token, missing).times(1);
        nemo.credits(1.0, 0);
        let mut builder = NemoClient::builder().base_url(nemo.url());
        builder = match stored {
            true => builder.credentials_dir(dir.path()),
            false => builder.in_memory_credentials(),
        };
        builder.build().unwrap().credits().await.unwrap();
        let requests = nemo.requests(Endpoint::Token);
        assert_eq!(requests.len(), 2);
        assert_ne!(requests[0].headers["x-client-id"], requests[1].headers["x-client-id"]);
    }

    let nemo = NemoMock::start().await;
    nemo.fails(Endpoint::Token, ErrorCode::ClientIdMissing);
    let error = nemo.client().credits().await.unwrap_err();
    assert!(matches!(error, Error::ClientIdMissing(_)), "{error}");
    assert_eq!(nemo.requests(Endpoint::Token).len(), 2);
}

#[tokio::test]
async fn an_error_response_that_repeats_the_client_id_does_not_reveal_it() {
    let nemo = NemoMock::start().await;
    let body = json!({ "code": 429, "message": "client-4711 has its token of the week" });
    let response = ResponseTemplate::new(429).set_body_json(body);
    nemo.respond(Endpoint::Token, response);
    let builder = nemo.client_builder().client_id(ClientId::new("client-4711"));
    let error = builder.build().unwrap().authenticate().await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("its token of the week") && !shown.contains("client-4711"), "{shown}");
}

#[tokio::test]
async fn a_token_that_its_process_had_not_renamed_yet_is_used_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let nemo = issuing_once(respond::token("received")).await;
    let process = || nemo.client_builder().credentials_dir(dir.path()).build().unwrap();
    assert!(process().authenticate().await.unwrap().stored);
    // As if the process had been killed before the rename.
    let file = token_file(dir.path());
    let left = file.with_file_name(".nemovideo-0123456789abcdef.part");
    fs::rename(&file, &left).unwrap();
    assert!(process().authenticate().await.unwrap().stored);
    process().credits().await.unwrap();
    assert_eq!(used_tokens(&nemo).await, ["received"]);
    assert!(file.exists() && !left.exists());
}

#[tokio::test]
async fn an_account_that_cannot_be_stored_says_so_and_a_lost_token_has_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "no directory").unwrap();
    let nemo = NemoMock::start().await;
    nemo.token("t").times(2);
    nemo.fails(Endpoint::Token, ErrorCode::RateLimited);
    let below_a_file = nemo.client_builder().credentials_dir(file.join("nemovideo"));
    for builder in [below_a_file, nemo.client_builder()] {
        let account = builder.build().unwrap().authenticate().await.unwrap();
        assert!(account.anonymous && !account.stored, "{account:?}");
    }
    // Where the client has its id from a file, that file is named.
    let stored = || nemo.client_builder().credentials_dir(dir.path());
    let own = ClientId::generate();
    let path = dir.path().join("client_id").display().to_string();
    for (builder, is_named) in
        [(nemo.client_builder(), false), (stored(), true), (stored().client_id(own), false)]
    {
        let client = builder.retry(ExponentialRetry::never()).build().unwrap();
        let advice = client.authenticate().await.unwrap_err().advice();
        for word in ["NEMO_TOKEN", "NEMO_CLIENT_ID", "another anonymous account"] {
            assert!(advice.contains(word), "{advice}");
        }
        assert_eq!(advice.contains(&path), is_named, "{advice}");
        assert_eq!(advice.contains("remove the file"), is_named, "{advice}");
    }
}
