//! Faults of renders and files: videos that are late, missing, corrupt or partial.

use crate::support::stage::{Stage, render};
use nemovideo::local::{Cut, Ending, Fault, FaultyResponse};
use nemovideo::protocol::Endpoint;
use reqwest::{Method, Response};
use serde_json::{Value, json};

impl Stage {
    async fn submit(&self, id: &str) -> Value {
        let render = render(id, &self.session);
        self.caller.post("/api/render/proxy/lambda", &render).await.body
    }

    async fn poll(&self, id: &str) -> Value {
        self.caller.get(&format!("/api/render/proxy/lambda/{id}")).await.body
    }

    /// A finished video by its URL: its bytes and its entity tag.
    async fn rendered_video(&self) -> ServedVideo {
        self.submit("video").await;
        let state = self.caller.rendered("video").await;
        let url = state["output"]["url"].as_str().unwrap();
        let path = url.strip_prefix(self.backend.url()).unwrap().to_owned();
        let response = self.caller.request(Method::GET, &path).send().await.unwrap();
        let etag = header(&response, "etag");
        ServedVideo { path, etag, bytes: response.bytes().await.unwrap().into() }
    }

    async fn fetch(&self, video: &ServedVideo, headers: &[(&str, &str)]) -> Response {
        let request = self.caller.request(Method::GET, &video.path);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap()
    }
}

struct ServedVideo {
    path: String,
    etag: String,
    bytes: Vec<u8>,
}

fn header(response: &Response, name: &str) -> String {
    response.headers()[name].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_slow_render_is_under_way_for_as_many_questions() {
    let stage = Stage::set().await;
    stage.backend.faults().inject(Fault::SlowRender { polls: 3 }).once();
    assert_eq!(stage.submit("slow").await["status"], "processing");
    while stage.backend.counters().renders_finished == 0 {
        tokio::task::yield_now().await;
    }
    let download = "/api/render/proxy/slow/download";
    for _ in 0..3 {
        assert_eq!(stage.caller.get(download).await.status, 409);
        let state = stage.poll("slow").await;
        assert_eq!(state["status"], "processing");
        assert!(state["progress"].as_f64().unwrap() < 100.0);
        assert!(state.get("output").is_none() && state.get("completedAt").is_none(), "{state}");
    }
    assert_eq!(stage.poll("slow").await["status"], "completed");
    let file = stage.caller.request(Method::GET, download).send().await.unwrap();
    assert_eq!(file.status(), 200);
    assert_eq!(stage.backend.counters().renders_started, 1);
}

#[tokio::test]
async fn a_slow_render_that_is_cancelled_is_reported_as_cancelled() {
    let stage = Stage::set().await;
    stage.backend.faults().inject(Fault::SlowRender { polls: 1000 }).once();
    stage.submit("slow").await;
    let cancelled =
        stage.caller.post("/api/render/proxy/lambda/slow/cancel", &json!({})).await.body;
    assert!(matches!(cancelled["status"].as_str(), Some("cancelled" | "completed")), "{cancelled}");
    assert_eq!(stage.poll("slow").await["status"], cancelled["status"]);
}

#[tokio::test]
async fn a_render_fails_as_often_as_planned() {
    let stage = Stage::set().await;
    stage.backend.faults().inject(Fault::FailedRender).times(2);
    for id in ["first", "second", "third"] {
        stage.submit(id).await;
    }
    for (id, status) in [("first", "failed"), ("second", "failed"), ("third", "completed")] {
        let state = stage.caller.rendered(id).await;
        assert_eq!(state["status"], status, "{id}");
        assert_eq!(state.get("error").is_some(), status == "failed", "{state}");
        assert_eq!(state.get("output").is_some(), status == "completed", "{state}");
    }
    let counters = stage.backend.counters();
    assert_eq!((counters.renders_started, counters.renders_finished), (3, 1));
}

#[tokio::test]
async fn a_submit_whose_response_is_lost_can_be_looked_up() {
    let stage = Stage::set().await;
    stage
        .backend
        .faults()
        .inject(Fault::DropResponse(FaultyResponse::Reset))
        .on(Endpoint::RenderSubmit)
        .once();
    let render = render("lost", &stage.session);
    let call = stage.caller.request(Method::POST, "/api/render/proxy/lambda");
    assert!(call.body(render.to_string()).send().await.is_err());
    assert_eq!(stage.caller.rendered("lost").await["status"], "completed");
    assert_eq!(stage.backend.counters().renders_started, 1);
}

#[tokio::test]
async fn a_download_that_breaks_is_resumed_by_range() {
    let stage = Stage::set().await;
    let video = stage.rendered_video().await;
    let whole = video.bytes.len();
    let (first, second) = (whole / 3, whole / 4);
    let faults = stage.backend.faults();
    faults.inject(Fault::Cut(Cut::Bytes(first as u64), Ending::Reset)).on(Endpoint::File).once();
    faults.inject(Fault::Cut(Cut::Bytes(second as u64), Ending::Close)).on(Endpoint::File).once();

    let mut bytes = Vec::new();
    let mut breaks = Vec::new();
    while bytes.len() < whole {
        let range = format!("bytes={}-", bytes.len());
        let mut response =
            stage.fetch(&video, &[("range", &range), ("if-range", &video.etag)]).await;
        assert_eq!(response.status(), 206);
        assert_eq!(response.content_length(), Some((whole - bytes.len()) as u64));
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => bytes.extend(chunk),
                Ok(None) => break,
                Err(_) => {
                    breaks.push(bytes.len());
                    break;
                }
            }
        }
    }
    assert_eq!(breaks, [first, first + second]);
    assert!(bytes == video.bytes);
    assert_eq!(stage.backend.counters().files_served, 1 + 3);
}

#[tokio::test]
async fn a_corrupt_file_differs_in_one_byte_however_it_is_fetched() {
    let stage = Stage::set().await;
    let video = stage.rendered_video().await;
    stage.backend.faults().inject(Fault::CorruptFile).always();
    let response = stage.fetch(&video, &[]).await;
    assert_eq!(header(&response, "etag"), video.etag);
    let bytes = response.bytes().await.unwrap();
    let differs = |place: &usize| bytes[*place] != video.bytes[*place];
    let middle = video.bytes.len() / 2;
    assert_eq!((0..video.bytes.len()).filter(differs).collect::<Vec<_>>(), [middle]);

    let range = format!("bytes={}-{}", middle - 1, middle + 1);
    let part = stage.fetch(&video, &[("range", &range)]).await.bytes().await.unwrap();
    assert_eq!(part, bytes[middle - 1..=middle + 1]);
}

#[tokio::test]
async fn a_short_file_says_that_it_is_whole() {
    let stage = Stage::set().await;
    let video = stage.rendered_video().await;
    stage.backend.faults().inject(Fault::ShortFile).on(Endpoint::RenderDownload).once();
    let path = "/api/render/proxy/video/download";
    let response = stage.caller.request(Method::GET, path).send().await.unwrap();
    let half = video.bytes.len() / 2;
    assert_eq!((response.status().as_u16(), response.content_length()), (200, Some(half as u64)));
    assert_eq!(response.bytes().await.unwrap(), video.bytes[..half]);
}

#[tokio::test]
async fn a_file_that_changed_between_two_parts_is_sent_whole() {
    let stage = Stage::set().await;
    let video = stage.rendered_video().await;
    stage.backend.faults().inject(Fault::ChangedFile).after(1).always();
    let resume = [("range", "bytes=5-"), ("if-range", video.etag.as_str())];
    assert_eq!(stage.fetch(&video, &resume).await.status(), 206);

    let response = stage.fetch(&video, &resume).await;
    assert_eq!(response.status(), 200);
    let etag = header(&response, "etag");
    assert_ne!(etag, video.etag);
    let changed = response.bytes().await.unwrap();
    assert_eq!(changed.len(), video.bytes.len());
    assert!(changed.iter().zip(&video.bytes).all(|(new, old)| new != old));

    // Whoever goes on with the new one gets its rest.
    let rest = stage.fetch(&video, &[("range", "bytes=5-"), ("if-range", &etag)]).await;
    assert_eq!((rest.status().as_u16(), rest.bytes().await.unwrap()), (206, changed.slice(5..)));
}

#[tokio::test]
async fn a_range_is_overlooked_as_asked() {
    let stage = Stage::set().await;
    let video = stage.rendered_video().await;
    stage.backend.faults().inject(Fault::IgnoredRange).once();
    let response = stage.fetch(&video, &[("range", "bytes=5-9")]).await;
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.unwrap() == video.bytes);
    assert_eq!(stage.fetch(&video, &[("range", "bytes=5-9")]).await.status(), 206);
}
