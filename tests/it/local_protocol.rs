//! The embedded backend speaks the whole protocol: every call with plain HTTP, in the order of its
//! description, failures included. Videos are placeholders here; `local_videos.rs` makes real ones.

use crate::support::caller::{ApiResponse, Caller, SCRIPT, client};
use nemovideo::local::{LocalBackend, LocalBackendBuilder, LocalError, Prices};
use nemovideo::protocol::Credits;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::time::Duration;

fn quick() -> LocalBackendBuilder {
    LocalBackend::builder().placeholder_videos().credits(100)
}

#[tokio::test]
async fn a_token_is_for_one_client_and_one_at_a_time() {
    let backend = quick().start().await.unwrap();
    let url = format!("{}/api/auth/anonymous-token", backend.url());
    let http = client();

    let nameless = ApiResponse::of(http.post(&url).send().await.unwrap()).await;
    assert_eq!((nameless.status, nameless.code()), (400, 400));

    let first = http.post(&url).header("X-Client-Id", "one").send().await.unwrap();
    let first = ApiResponse::of(first).await.body;
    assert_eq!(first["code"], 0);
    assert!(first["data"]["token"].as_str().unwrap().starts_with("nmv_usr_"));
    assert!(first["data"]["user_id"].as_str().unwrap().starts_with("anon_"));
    assert_eq!(first["data"]["credits"], 100.0);
    assert!(first["data"]["expires_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(first["data"]["scopes"], json!(["read", "write", "upload", "render"]));

    let second = http.post(&url).header("X-Client-Id", "one").send().await.unwrap();
    assert_eq!(second.status(), 429);
    let wait: u64 = second.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((604_000..=604_801).contains(&wait), "{wait}");
    assert_eq!(ApiResponse::of(second).await.code(), 429);
    assert_eq!(backend.counters().tokens_issued, 1);
}

#[tokio::test]
async fn a_token_that_ended_opens_nothing_and_its_client_gets_another() {
    let backend = quick().token_lifetime(Duration::ZERO).start().await.unwrap();
    let first = Caller::new(&backend, "one").await;
    let rejected = first.get("/api/credits/balance/simple").await;
    assert_eq!((rejected.status, rejected.code()), (200, 1001));
    let second = Caller::new(&backend, "one").await;
    assert_eq!(first.user, second.user);
    assert_ne!(first.token, second.token);
}

#[tokio::test]
async fn every_call_but_the_first_needs_a_token() {
    let backend = quick().start().await.unwrap();
    let stranger = Caller::with_token(&backend, "nmv_usr_guess");
    for path in [
        "/api/credits/balance/simple",
        "/api/state/nemo_agent/me/s/latest",
        "/api/render/proxy/lambda/r",
        "/api/tokens",
    ] {
        let response = stranger.get(path).await;
        assert_eq!((response.status, response.code()), (200, 1001), "{path}");
    }
    for path in [
        "/api/auth/claim-token",
        "/api/tokens",
        "/api/tokens/t/revoke",
        "/api/tasks/me/with-session/nemo_agent",
        "/run_sse",
        "/api/upload-video/nemo_agent/me/s",
        "/api/render/proxy/lambda",
        "/api/render/proxy/lambda/r/cancel",
    ] {
        let response = stranger.post(path, &json!({})).await;
        assert_eq!((response.status, response.code()), (200, 1001), "{path}");
    }
}

#[tokio::test]
async fn a_session_is_opened_claimed_and_closed_to_others() {
    let backend = quick().start().await.unwrap();
    let owner = Caller::new(&backend, "owner").await;
    let opened = owner
        .post(
            "/api/tasks/me/with-session/nemo_agent",
            &json!({"task_name": "project", "language": "en"}),
        )
        .await;
    let (task, session) = (opened.data("task_id"), opened.data("session_id"));
    assert_eq!(backend.counters().sessions_created, 1);

    let claim = json!({"task_id": task, "session_id": session});
    let claimed = owner.post("/api/auth/claim-token", &claim).await;
    assert!(claimed.data("claim_token").starts_with("clm_"));
    assert_eq!(claimed.body["data"]["expires_in"], 604_800);

    let other = Caller::new(&backend, "other").await;
    assert_eq!(other.post("/api/auth/claim-token", &claim).await.code(), 1002);
    assert_eq!(other.get(&format!("/api/state/nemo_agent/me/{session}/latest")).await.code(), 1002);
    let said = other.post("/run_sse", &crate::support::caller::message(&session, "help")).await;
    assert_eq!((said.status, said.code()), (200, 1002));
    assert!(said.content_type.starts_with("application/json"), "{}", said.content_type);
    assert_eq!(backend.counters().messages_run, 0);
}

#[tokio::test]
async fn malformed_calls_get_the_error_responses_of_the_agent_server() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    for (body, place) in [("{", "body"), ("{}", "app_name"), (r#"{"app_name":1}"#, "app_name")] {
        let response = caller.post_text("/run_sse", body).await;
        assert_eq!(response.status, 422, "{body}");
        let loc = response.body["detail"][0]["loc"].as_array().unwrap();
        assert_eq!(loc.last().unwrap(), place, "{body}");
    }
    let unknown = caller.get("/api/nothing").await;
    assert_eq!((unknown.status, &unknown.body), (404, &json!({"detail": "Not Found"})));
    let wrong = caller.get("/run_sse").await;
    assert_eq!((wrong.status, &wrong.body), (405, &json!({"detail": "Method Not Allowed"})));
}

#[tokio::test]
async fn a_message_streams_its_stages_and_ends() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let stream = caller
        .say(
            &session,
            &format!("Make a voiceover of this script. Title: \"Sky\".\n\nScript:\n{SCRIPT}"),
        )
        .await;
    assert!(stream.raw.starts_with(": heartbeat\n\n"), "{}", stream.raw);
    assert_eq!(stream.calls(), ["generate_voiceover", "finish_video"]);
    assert!(stream.texts().last().unwrap().contains("2 sentences"), "{:?}", stream.texts());
    assert!(stream.texts().last().unwrap().contains("Export button"));

    let drafts = stream.drafts();
    let tracks = |draft: &Value| draft["t"].as_array().unwrap().len();
    assert_eq!(drafts.iter().map(tracks).collect::<Vec<_>>(), [2, 4]);
    let state = caller.get(&format!("/api/state/nemo_agent/me/{session}/latest")).await;
    assert_eq!(state.body["data"]["state"]["draft"], drafts[1]);
    assert_eq!(state.body["data"]["session_id"], session.as_str());
    assert_eq!(state.body["data"]["state"]["canvas_config"]["ratio"], "16:9");

    for event in &stream.events {
        assert_eq!(event["author"], "nemo_agent");
        assert_eq!(event["invocationId"], stream.events[0]["invocationId"]);
        for key in
            ["stateDelta", "artifactDelta", "requestedAuthConfigs", "requestedToolConfirmations"]
        {
            assert!(event["actions"][key].is_object(), "{event}");
        }
        assert!(event["id"].is_string() && event["timestamp"].is_number());
    }
}

#[tokio::test]
async fn partial_text_is_repeated_whole_under_its_id() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let mut request = crate::support::caller::message(&session, &format!("narrate: {SCRIPT}"));
    request["streaming"] = json!(true);
    let stream = caller.stream(&request).await;
    let mut pieces = String::new();
    let mut finals = 0;
    for (index, event) in stream.events.iter().enumerate() {
        let text = event["content"]["parts"][0]["text"].as_str().unwrap_or_default();
        if event["partial"] == true {
            assert_eq!(event["id"], stream.events[index + 1]["id"]);
            pieces.push_str(text);
        } else if !text.is_empty() {
            assert_eq!(std::mem::take(&mut pieces), text);
            finals += 1;
        }
    }
    assert_eq!(finals, 3);
}

#[tokio::test]
async fn what_cannot_be_spoken_is_said_and_not_charged() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    for (message, code, words) in [
        (
            "Make a voiceover. Language: tlh.\n\nScript:\nnuqneH",
            "UNSUPPORTED_LANGUAGE",
            "en-US, en-GB",
        ),
        ("Narrate this: 今天天气很好。", "UNSUPPORTED_LANGUAGE", "zh-CN"),
        ("Make a voiceover of this script.\n\nScript:\n", "EMPTY_SCRIPT", "no words"),
        ("narrate: … !?", "EMPTY_SCRIPT", "no words"),
        ("Turn the uploaded script into a video", "NO_SCRIPT", "no uploaded script"),
    ] {
        let stream = caller.say(&session, message).await;
        let error = stream.events.iter().find(|event| event["errorCode"].is_string()).unwrap();
        assert_eq!(error["errorCode"], code, "{message}");
        assert!(error["errorMessage"].as_str().unwrap().contains(words), "{error}");
        assert!(stream.texts().last().unwrap().contains("Nothing was charged"), "{message}");
    }
    for message in ["what can you do?", "sing me a song about the sea", "mute the music"] {
        assert_eq!(caller.say(&session, message).await.texts().len(), 1, "{message}");
    }
    assert_eq!(caller.credits().await, (100.0, 0.0));
    assert_eq!(backend.counters().credits_taken, Credits::ZERO);
}

#[tokio::test]
async fn work_costs_what_it_costs_and_stops_when_nothing_is_left() {
    let prices = Prices::default();
    let backend = quick().credits(Credits::new(23.0)).prices(prices).start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    caller.say(&session, &format!("narrate: {SCRIPT}")).await;
    assert_eq!(caller.credits().await, (3.0, 0.0));
    caller.say(&session, "captions off").await;
    assert_eq!(caller.credits().await, (1.0, 0.0));

    let broke =
        caller.post("/run_sse", &crate::support::caller::message(&session, "captions on")).await;
    assert_eq!((broke.status, broke.code()), (200, 2001));
    assert!(broke.content_type.starts_with("application/json"));
    assert_eq!(caller.say(&session, "help").await.texts().len(), 1, "questions are free");
    assert_eq!(backend.counters().credits_taken, Credits::new(22.0));
    assert_eq!(backend.counters().messages_run, 3);
}

#[tokio::test]
async fn a_caller_that_hangs_up_still_gets_what_was_charged() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let response = caller
        .open(&crate::support::caller::message(&session, &format!("narrate: {SCRIPT}")))
        .await;
    drop(response);
    // The next message of the session waits its turn, so its end is after the first one's.
    caller.say(&session, "help").await;
    let state = caller.get(&format!("/api/state/nemo_agent/me/{session}/latest")).await;
    assert_eq!(state.body["data"]["state"]["draft"]["t"].as_array().unwrap().len(), 3);
    assert_eq!(caller.credits().await, (80.0, 0.0));
}

#[tokio::test]
async fn every_third_edit_is_silent_and_still_done() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    caller.say(&session, &format!("narrate: {SCRIPT}")).await;
    let mut silent = Vec::new();
    for n in 1..=6 {
        let stream = caller.say(&session, &format!("add a title 'Number {n}'")).await;
        assert_eq!(stream.drafts().len(), 1);
        assert!(stream.drafts()[0].to_string().contains(&format!("Number {n}")));
        silent.push(stream.texts().is_empty());
    }
    assert_eq!(silent, [false, false, true, false, false, true]);
}

#[tokio::test]
async fn edits_can_be_taken_back_one_after_the_other() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    caller.say(&session, &format!("narrate: {SCRIPT}")).await;
    let mut drafts = vec![caller.draft(&session).await];
    for edit in ["add a title 'One'", "captions off", "make it portrait", "cut the last 1 second"] {
        caller.say(&session, edit).await;
        let draft = caller.draft(&session).await;
        assert_ne!(Some(&draft), drafts.last(), "{edit}");
        drafts.push(draft);
    }
    drafts.pop();
    caller.say(&session, "undo").await;
    assert_eq!(caller.draft(&session).await, drafts.pop().unwrap());
    drafts.pop();
    caller.say(&session, "undo the last two changes").await;
    assert_eq!(caller.draft(&session).await, drafts.pop().unwrap());
}

#[tokio::test]
async fn uploads_are_stored_described_and_served() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let part = |bytes: &'static [u8], name: &'static str| Part::bytes(bytes).file_name(name);
    let form = Form::new()
        .part("files", part(b"One. Two.", "C:\\my scripts\\a script.txt"))
        .part("files", part(b"not really a video", "b.MP4"));
    let response = caller.upload(&session, form).await;
    let files = response.body["data"]["files"].as_array().unwrap();
    assert_eq!(response.body["data"]["session_state_applied"], true);
    assert_eq!(files[0]["filename"], "a script.txt");
    assert_eq!(files[0]["file_type"], "document");
    assert_eq!(files[1]["file_type"], "video");
    assert_eq!(files[0]["hash"].as_str().unwrap().len(), 64);
    assert_eq!(backend.counters().uploads_taken, 2);

    let url = files[0]["cdn_url"].as_str().unwrap();
    assert!(url.ends_with("/a%20script.txt"), "{url}");
    let served = client().get(url).send().await.unwrap();
    assert_eq!(served.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(served.text().await.unwrap(), "One. Two.");

    let state = caller.get(&format!("/api/state/nemo_agent/me/{session}/latest")).await;
    assert_eq!(state.body["data"]["state"]["video_infos"].as_array().unwrap().len(), 1);

    // By URL, from this machine.
    let other = caller.session().await;
    let path = format!("/api/upload-video/nemo_agent/me/{other}");
    let fetched = caller.post(&path, &json!({"urls": [url], "source_type": "url"})).await;
    assert_eq!(fetched.body["data"]["files"][0]["hash"], files[0]["hash"]);
    let stream = caller.say(&other, "Turn the uploaded script into a video").await;
    assert!(stream.texts().last().unwrap().contains("2 sentences"));

    for (source, status) in [
        ("http://192.0.2.1/a.mp4", 403),
        ("http://169.254.169.254/a.mp4", 403),
        ("http://localhost:1/a.mp4", 403),
        ("http://[::ffff:127.0.0.1]:1/a.mp4", 403),
        ("file:///etc/passwd.txt", 422),
        ("nonsense", 422),
        ("http://127.0.0.1:1/a.mp4", 403),
    ] {
        let rejected = caller.post(&path, &json!({"urls": [source], "source_type": "url"})).await;
        assert_eq!(rejected.status, status, "{source}");
        assert!(rejected.body["detail"].to_string().contains(source), "{}", rejected.body);
    }
    let typed = format!("{}/files/x/setup.exe", backend.url());
    assert_eq!(
        caller.post(&path, &json!({"urls": [typed], "source_type": "url"})).await.code(),
        4001
    );
}

#[tokio::test]
async fn files_that_are_not_accepted_are_rejected_whole() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let exe = Form::new()
        .part("files", Part::bytes(&b"fine"[..]).file_name("a.txt"))
        .part("files", Part::bytes(vec![0; 3_000_000]).file_name("setup.exe"));
    let rejected = caller.upload(&session, exe).await;
    assert_eq!((rejected.status, rejected.code()), (200, 4001));
    assert!(rejected.body["message"].as_str().unwrap().contains("mp4, mov"));

    let pieces =
        futures::stream::iter((0..201).map(|_| Ok::<_, std::io::Error>(vec![7; 1_000_000])));
    let large = Part::stream(reqwest::Body::wrap_stream(pieces)).file_name("large.mp4");
    let rejected = caller.upload(&session, Form::new().part("files", large)).await;
    assert_eq!((rejected.status, rejected.code()), (200, 4002));

    let empty = caller.upload(&session, Form::new().text("other", "x")).await;
    assert_eq!(empty.status, 422);
    assert_eq!(backend.counters().uploads_taken, 0);
    let state = caller.get(&format!("/api/state/nemo_agent/me/{session}/latest")).await;
    assert_eq!(state.body["data"]["state"]["uploaded_files"], json!([]));
}

#[tokio::test]
async fn a_render_is_submitted_polled_and_downloaded_in_ranges() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let draft = json!({"t": [{"tt": 7, "sg": [{"d": 3000, "m": {"text": "Hi"}}]}]});
    let body = json!({"id": "render_1", "sessionId": session, "draft": draft,
        "output": {"format": "mp4", "quality": "high"}});

    let unattributed = caller.without_attribution().post("/api/render/proxy/lambda", &body).await;
    assert_eq!((unattributed.status, unattributed.code()), (402, 402));

    let submitted = caller.post("/api/render/proxy/lambda", &body).await;
    assert_eq!(submitted.code(), 0);
    assert_eq!(submitted.body["id"], "render_1");
    let done = caller.rendered("render_1").await;
    assert_eq!((&done["status"], &done["progress"]), (&json!("completed"), &json!(100.0)));
    let again = caller.post("/api/render/proxy/lambda", &body).await;
    assert_eq!(again.status, 409, "an id is used once");
    assert!(again.body["detail"].as_str().unwrap().contains("render_1"), "{}", again.body);
    assert_eq!(backend.counters().renders_started, 1);

    let url = done["output"]["url"].as_str().unwrap();
    assert!(url.ends_with("/placeholder.mp4"), "{url}");
    let whole = client().get(url).send().await.unwrap();
    let etag = whole.headers()["etag"].clone();
    let whole = whole.bytes().await.unwrap();
    assert_eq!(done["output"]["size"], whole.len());
    let range = |range: &'static str| client().get(url).header("Range", range);
    let tail = range("bytes=100-").header("If-Range", &etag).send().await.unwrap();
    assert_eq!(tail.status(), 206);
    let expected = format!("bytes 100-{}/{}", whole.len() - 1, whole.len());
    assert_eq!(tail.headers()["content-range"], expected.as_str());
    assert_eq!(tail.bytes().await.unwrap(), whole.slice(100..));
    let changed = range("bytes=100-").header("If-Range", "\"old\"").send().await.unwrap();
    assert_eq!((changed.status().as_u16(), changed.bytes().await.unwrap()), (200, whole.clone()));
    assert_eq!(range("bytes=999999-").send().await.unwrap().status(), 416);
    let known = client().get(url).header("If-None-Match", &etag).send().await.unwrap();
    assert_eq!(known.status(), 304);

    let path = "/api/render/proxy/render_1/download";
    assert_eq!(Caller::with_token(&backend, "x").get(path).await.code(), 1001);
    let download = caller.request(reqwest::Method::GET, path).send().await.unwrap();
    assert_eq!(download.bytes().await.unwrap(), whole);
    let other = Caller::new(&backend, "other").await;
    assert_eq!(other.get("/api/render/proxy/lambda/render_1").await.status, 404);
    assert_eq!(caller.credits().await, (100.0, 0.0), "exports are free");
}

#[tokio::test]
async fn an_output_option_is_honoured_or_rejected_and_never_ignored() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let draft = json!({"t": [{"tt": 7, "sg": [{"d": 3000, "m": {"text": "Hi"}}]}]});
    let submit = async |id: String, output: Value| {
        let mut body = json!({"id": id, "sessionId": session, "draft": draft});
        if !output.is_null() {
            body["output"] = output;
        }
        caller.post("/api/render/proxy/lambda", &body).await
    };
    let uuid = "render_0b3a1c5e-6f0e-4c56-9d0f-0a7a4a6d4b11".to_owned();
    assert_eq!(submit(uuid.clone(), Value::Null).await.body["id"], uuid.as_str());
    assert_eq!(caller.rendered(&uuid).await["status"], "completed");
    for (at, output) in [
        json!({}),
        json!({"resolution": "720p", "fps": 30, "codec": "h264", "crf": 23}),
        json!({"format": "mp4", "quality": "high", "resolution": "1080p"}),
        json!({"format": "wav"}),
    ]
    .into_iter()
    .enumerate()
    {
        let accepted = submit(format!("ok{at}"), output.clone()).await;
        assert_eq!(accepted.code(), 0, "{output}");
        assert_eq!(caller.rendered(&format!("ok{at}")).await["status"], "completed", "{output}");
    }
    for (output, field) in [
        (json!({"resolution": "4k"}), "resolution"),
        (json!({"fps": 60}), "fps"),
        (json!({"codec": "av1"}), "codec"),
        (json!({"crf": 52}), "crf"),
        (json!({"format": "m4a", "resolution": "720p"}), "resolution"),
        (json!({"format": "wav", "fps": 30}), "fps"),
        (json!({"format": "gif"}), "format"),
    ] {
        let rejected = submit("rejected".to_owned(), output.clone()).await;
        assert_eq!(rejected.status, 422, "{output}");
        let loc = &rejected.body["detail"][0]["loc"];
        assert_eq!(loc, &json!(["body", "output", field]), "{output}");
    }
    assert_eq!(backend.counters().renders_started, 5);
}

#[tokio::test]
async fn a_render_that_cannot_be_made_says_why() {
    let backend = quick().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let submit = |id: &str, session: &str, draft: Value, format: &str| {
        let body = json!({"id": id, "sessionId": session, "draft": draft,
            "output": {"format": format, "quality": "high"}});
        let caller = caller.clone();
        async move { caller.post("/api/render/proxy/lambda", &body).await }
    };
    let ready = json!({"t": [{"tt": 1, "sg": [{"d": 3000, "m": {"media": "gone"}}]}]});
    assert_eq!(submit("a", "nowhere", ready.clone(), "mp4").await.code(), 1002);
    let unready = submit("a", &session, json!({"t": [{"tt": 0, "sg": []}]}), "mp4").await;
    assert_eq!(unready.status, 422);
    assert!(unready.body["detail"][0]["msg"].as_str().unwrap().contains("not ready"));
    let gif = submit("a", &session, ready.clone(), "gif").await;
    assert_eq!(
        (gif.status, &gif.body["detail"][0]["loc"]),
        (422, &json!(["body", "output", "format"]))
    );
    assert_eq!(backend.counters().renders_started, 0);

    submit("a", &session, ready, "mp4").await;
    let failed = caller.rendered("a").await;
    assert_eq!(failed["status"], "failed");
    assert!(failed["error"].as_str().unwrap().contains("no media `gone`"), "{failed}");
    let download = caller.get("/api/render/proxy/a/download").await;
    assert_eq!(download.status, 409);
    assert_eq!(caller.get("/api/render/proxy/lambda/b").await.status, 404);
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let first = quick().start().await.unwrap();
    let port: u16 = first.url().rsplit(':').next().unwrap().parse().unwrap();
    let error = quick().port(port).start().await.unwrap_err();
    assert!(matches!(error, LocalError::PortInUse { .. }), "{error}");
    assert!(error.to_string().contains(&port.to_string()));

    let file = tempfile::NamedTempFile::new().unwrap();
    let error = quick().data_dir(file.path()).start().await.unwrap_err();
    assert!(matches!(error, LocalError::DataDir { .. }), "{error}");

    let url = first.url().to_owned();
    first.shutdown().await;
    client().get(url).send().await.unwrap_err();
}

#[tokio::test]
async fn a_dropped_backend_stops() {
    let backend = quick().start().await.unwrap();
    let url = backend.url().to_owned();
    assert_eq!(client().get(&url).send().await.unwrap().status(), 404);
    drop(backend);
    // Each try gives the server a turn to see that it is to stop.
    while client().get(&url).send().await.is_ok() {}
}
