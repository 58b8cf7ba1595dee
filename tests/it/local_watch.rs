//! The page to watch the embedded backend shows what goes on, to a browser of this machine alone, and
//! changes nothing.

use nemovideo::local::{Fault, LocalBackend, LocalBackendBuilder};
use nemovideo::protocol::{Credits, Endpoint};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::caller::{Caller, SCRIPT, client};

const HOSTILE: &str = "</script><img src=x onerror=alert(1)>";

fn watched() -> LocalBackendBuilder {
    LocalBackend::builder().placeholder_videos().watch_page()
}

struct Watched {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn get(backend: &LocalBackend, path: &str, headers: &[(&str, &str)]) -> Watched {
    send(backend, Method::GET, path, headers).await
}

async fn send(
    backend: &LocalBackend,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Watched {
    let mut request = client().request(method, format!("{}{path}", backend.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
    Watched { status, headers, body }
}

async fn data(backend: &LocalBackend) -> Value {
    let watched = get(backend, "/watch/data", &[]).await;
    assert_eq!(watched.status, 200, "{}", watched.body);
    serde_json::from_str(&watched.body).unwrap()
}

fn texts(data: &Value, kind: &str) -> Vec<String> {
    let entries = data["shown"]["entries"].as_array().unwrap().iter();
    let entries = entries.filter(|entry| entry["kind"] == kind);
    entries.map(|entry| entry["text"].as_str().unwrap().to_owned()).collect()
}

/// Makes a video, and returns the paths of all that the page reads.
async fn video(backend: &LocalBackend, caller: &Caller) -> (String, Vec<String>) {
    let session = caller.session().await;
    caller.say(&session, &format!("narrate: {SCRIPT}")).await;
    let render = json!({"id": "r1", "sessionId": session, "draft": caller.draft(&session).await,
        "output": {"format": "mp4", "quality": "high"}});
    assert_eq!(caller.post("/api/render/proxy/lambda", &render).await.code(), 0);
    assert_eq!(caller.rendered("r1").await["status"], "completed");
    let id = data(backend).await["shown"]["id"].as_str().unwrap().to_owned();
    let mut paths = ["/", "/watch/page.css", "/watch/page.js", "/watch/icon.svg", "/watch/data"]
        .map(str::to_owned)
        .to_vec();
    for own in ["timeline.svg?width=480&theme=dark", "0/file", "0/subtitles.vtt"] {
        paths.push(format!("/watch/{id}/{own}"));
    }
    (session, paths)
}

#[tokio::test]
async fn there_is_no_page_unless_it_is_turned_on() {
    let backend = LocalBackend::builder().placeholder_videos().start().await.unwrap();
    for path in ["/", "/watch/page.js", "/watch/data"] {
        assert_eq!(get(&backend, path, &[]).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn all_of_the_page_is_for_browsers_of_this_machine() {
    let backend = watched().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let (_, paths) = video(&backend, &caller).await;
    let port = backend.url().rsplit(':').next().unwrap();
    for path in &paths {
        let own = get(&backend, path, &[("Sec-Fetch-Site", "same-origin")]).await;
        assert_eq!(own.status, 200, "{path}: {}", own.body);
        let header = |name: &str| own.headers[name].to_str().unwrap();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        // Only an image has styles of its own, and it runs nothing.
        assert_eq!(policy.contains("unsafe"), path.contains(".svg"), "{path}: {policy}");
        assert_eq!(policy.contains("sandbox"), path.contains(".svg"), "{path}: {policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(header(name), value, "{path}");
        }
        assert!(!own.headers.contains_key("access-control-allow-origin"), "{path}");

        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1"]
        {
            let host = format!("{host}:{port}");
            let foreign = get(&backend, path, &[("Host", &host)]).await;
            assert_eq!(foreign.status, 403, "{path} for {host}");
            let origin = format!("http://{host}");
            let foreign = get(&backend, path, &[("Origin", &origin)]).await;
            assert_eq!(foreign.status, 403, "{path} from {origin}");
        }
        assert_eq!(get(&backend, path, &[("Origin", "null")]).await.status, 403, "{path}");
        let two = [("Host", "localhost"), ("Host", "evil.example")];
        assert_eq!(get(&backend, path, &two).await.status, 403, "{path} for two hosts");
        for site in ["cross-site", "same-site"] {
            let embedded = [("Sec-Fetch-Site", site), ("Sec-Fetch-Dest", "iframe")];
            let embedded = get(&backend, path, &embedded).await;
            assert_eq!(embedded.status, 403, "{path} in a page, {site}");
            assert!(!embedded.body.contains("sky"), "{}", embedded.body);
            let link = [("Sec-Fetch-Site", site), ("Sec-Fetch-Dest", "document")];
            let status = get(&backend, path, &link).await.status;
            assert_eq!(status == 200, path == "/", "{path} by a link, {site}");
        }

        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let response = send(&backend, method.clone(), path, &[]).await;
            assert_eq!(response.status, 405, "{method} {path}");
            assert_eq!(response.headers["allow"], "GET,HEAD", "{method} {path}");
        }
        let head = send(&backend, Method::HEAD, path, &[]).await;
        assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""), "{path}");
    }
}

#[tokio::test]
async fn the_data_is_what_was_said_and_made_and_has_no_secret() {
    let backend = watched().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    assert_eq!(data(&backend).await["shown"], Value::Null);
    let (session, _) = video(&backend, &caller).await;
    caller.say(&session, &format!("add a title '{HOSTILE}'")).await;

    let data = data(&backend).await;
    assert_eq!(texts(&data, "user")[0], format!("narrate: {SCRIPT}"));
    assert_eq!(texts(&data, "tool"), ["generate_voiceover", "finish_video", "edit_draft"]);
    assert!(texts(&data, "user")[1].contains(HOSTILE), "it stays text");
    let shown = &data["shown"];
    let tools = shown["entries"].as_array().unwrap().iter().filter(|it| it["kind"] == "tool");
    assert!(tools.clone().all(|it| it["ok"] == true), "{shown}");
    assert_eq!(shown["is_open"], false);
    assert!(shown["timeline"]["summary"].as_str().unwrap().starts_with("Timeline ("), "{shown}");
    let render = &shown["renders"][0];
    assert_eq!((&render["status"], &render["progress"]), (&json!("completed"), &json!(100.0)));
    assert_eq!((&render["format"], &render["has_subtitles"]), (&json!("mp4"), &json!(true)));
    let account = &data["accounts"][0];
    assert_eq!(account["available"], 10_000 - 22);
    assert_eq!((&account["frozen"], &account["taken"]), (&json!(0), &json!(22)));

    let id = shown["id"].as_str().unwrap();
    let all = data.to_string();
    for secret in [caller.token.as_str(), "nmv_usr_", &session, &caller.user] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    assert!(session.starts_with(id) && id.len() == 8, "{id}");

    let image = get(&backend, &format!("/watch/{id}/timeline.svg"), &[]).await;
    assert_eq!(image.headers["content-type"], "image/svg+xml");
    assert!(image.body.contains("&lt;img src=x") && !image.body.contains("<img"), "{}", image.body);
    let subtitles = get(&backend, &format!("/watch/{id}/0/subtitles.vtt"), &[]).await;
    assert_eq!(subtitles.headers["content-type"], "text/vtt; charset=utf-8");
    assert!(subtitles.body.starts_with("WEBVTT\n\n"), "{}", subtitles.body);
    assert!(subtitles.body.contains("The sky is blue"), "{}", subtitles.body);
    for unknown in
        ["/watch/none/timeline.svg", &format!("/watch/{id}/1/file"), "/watch/none/0/file"]
    {
        assert_eq!(get(&backend, unknown, &[]).await.status, 404, "{unknown}");
    }
}

#[tokio::test]
async fn data_that_has_not_changed_is_not_sent_again() {
    let backend = watched().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let first = get(&backend, "/watch/data", &[]).await;
    let known = [("If-None-Match", first.headers["etag"].to_str().unwrap())];
    let same = get(&backend, "/watch/data", &known).await;
    assert_eq!((same.status.as_u16(), same.body.as_str()), (304, ""));
    caller.say(&session, "help").await;
    assert_eq!(get(&backend, "/watch/data", &known).await.status, 200);
}

#[tokio::test]
async fn watching_meets_no_fault_and_changes_no_counter() {
    let backend = watched().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let (_, paths) = video(&backend, &caller).await;
    let fault = backend.faults().inject(Fault::CorruptFile).on(Endpoint::File).always();
    let before = backend.counters();
    for path in &paths {
        assert_eq!(get(&backend, path, &[]).await.status, 200, "{path}");
    }
    let range = [("Range", "bytes=4-7")];
    let part = get(&backend, &paths[6], &range).await;
    assert_eq!((part.status.as_u16(), part.body.as_str()), (206, "ftyp"));
    let mut after = backend.counters();
    after.connections = before.connections;
    assert_eq!(after, before);
    assert_eq!(fault.hits(), 0);
}

#[tokio::test]
async fn the_log_of_a_session_is_bounded() {
    let backend = watched().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let long = "好".repeat(8_000);
    for _ in 0..20 {
        caller.say(&session, &long).await;
    }
    let full = data(&backend).await;
    let bytes: usize =
        ["user", "agent"].iter().flat_map(|kind| texts(&full, kind)).map(|text| text.len()).sum();
    assert!((100_000..=256 * 1024).contains(&bytes), "{bytes}");
    let text = texts(&full, "user").pop().unwrap();
    assert!(text.ends_with("好… (7617 bytes more)"), "{}", &text[text.len() - 60..]);
    for _ in 0..150 {
        caller.say(&session, "help").await;
    }
    let full = data(&backend).await;
    let entries = full["shown"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 200);
    let first = entries[0]["n"].as_u64().unwrap();
    assert_eq!(full["shown"]["omitted"].as_u64(), Some(first));
    assert_eq!(first, 2 * (20 + 150) - 200);

    for _ in 0..110 {
        caller.session().await;
    }
    let full = data(&backend).await;
    assert_eq!(full["sessions"].as_array().unwrap().len(), 100);
    assert_eq!(full["more_sessions"], 11);
}

#[tokio::test]
async fn a_message_without_the_credits_for_it_is_shown_with_the_reason() {
    let backend = watched().credits(Credits::new(1.0)).start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let refused = crate::support::caller::message(&session, &format!("narrate: {SCRIPT}"));
    caller.post("/run_sse", &refused).await;
    let data = data(&backend).await;
    assert_eq!(texts(&data, "error"), ["out of credits: this costs 20, and 1 are left"]);
    assert_eq!(data["shown"]["is_open"], false);
}
