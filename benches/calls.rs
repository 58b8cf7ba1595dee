//! Calls of the client over loopback, beside the same done with `reqwest` alone.
//!
//! `cargo bench --bench calls`

mod compare;
mod server;

use std::path::Path;

use compare::{Amount, Row, is_selected, memory};
use futures::StreamExt as _;
use nemovideo::draft::Draft;
use nemovideo::protocol::SessionId;
use nemovideo::{NemoClient, RenderJob, RenderOutput};
use server::{Route, Server};
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;

const CALLS: usize = 200;
const FILE: usize = 200_000_000;
const CREDITS: &str = "/api/credits/balance/simple";
const UPLOAD: &str = "/api/upload-video/nemo_agent/me/s";

fn routes(url: &str) -> Vec<Route> {
    let json = |prefix, body: &str| Route::with_length(prefix, "application/json", body.as_bytes());
    let video =
        format!(r#"{{"id":"r","status":"completed","output":{{"url":"{url}/files/1/v.mp4"}}}}"#);
    vec![
        json("GET /api/credits", r#"{"code":0,"data":{"available":100,"frozen":0,"total":100}}"#),
        json("POST /api/upload", r#"{"code":0,"data":{"files":[{"filename":"v.mp4"}]}}"#),
        json("GET /api/render", &video),
        Route::with_length("GET /files", "video/mp4", &vec![7; FILE]),
    ]
}

async fn json(response: reqwest::Response) -> serde_json::Value {
    serde_json::from_slice(&response.bytes().await.expect("a body")).expect("JSON")
}

async fn credits_by_hand(client: &reqwest::Client, url: &str) -> usize {
    let response = client.get(format!("{url}{CREDITS}")).bearer_auth("t").send().await;
    let balance = json(response.expect("a response")).await;
    balance["data"]["available"].as_u64().map_or(0, |credits| credits as usize)
}

async fn upload_by_hand(client: &reqwest::Client, url: &str, path: &Path) -> usize {
    let file = tokio::fs::File::open(path).await.expect("a file");
    let size = file.metadata().await.expect("a size").len();
    let body = reqwest::Body::wrap_stream(ReaderStream::with_capacity(file, 64 * 1024));
    let part = reqwest::multipart::Part::stream_with_length(body, size).file_name("v.mp4");
    let form = reqwest::multipart::Form::new().part("files", part);
    let response = client.post(format!("{url}{UPLOAD}")).bearer_auth("t").multipart(form).send();
    let response = json(response.await.expect("a response")).await;
    response["data"]["files"].as_array().map_or(0, Vec::len)
}

/// Saves a file, on the disk itself if it is `synced`, as this crate does before it gives a file its
/// name.
async fn download_by_hand(client: &reqwest::Client, url: &str, path: &Path, synced: bool) -> usize {
    let response = client.get(format!("{url}/files/1/v.mp4")).send().await.expect("a response");
    let mut bytes = response.bytes_stream();
    let mut file = tokio::fs::File::create(path).await.expect("a file");
    let mut size = 0;
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk.expect("bytes");
        size += chunk.len();
        file.write_all(&chunk).await.expect("space on the disk");
    }
    file.flush().await.expect("space on the disk");
    if synced {
        file.sync_all().await.expect("space on the disk");
    }
    size
}

/// Forgets the most memory that this process has held so far.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn memory_of(what: &str, contenders: &mut [(&str, &mut dyn FnMut() -> usize)]) {
    print!("| memory, {what} |");
    for (name, run) in contenders {
        forget_peak();
        run();
        print!(" {name} {:.1} MiB |", memory("VmHWM") as f64 / f64::from(1 << 20));
    }
    println!();
}

fn main() {
    if server::kind().is_some() {
        return server::serve(routes);
    }
    let server = Server::start("files");
    let url = &*server.url;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let client = NemoClient::builder().base_url(url).token("t").build().expect("a client");
    rustls::crypto::ring::default_provider().install_default().expect("no other cryptography");
    let by_hand = reqwest::Client::new();

    Row::new("credits")
        .run("nemovideo", || {
            let calls = (0..CALLS).map(|_| runtime.block_on(client.credits()));
            calls.map(|credits| credits.expect("credits").available.get() as usize).sum()
        })
        .run("reqwest", || {
            (0..CALLS).map(|_| runtime.block_on(credits_by_hand(&by_hand, url))).sum()
        })
        .measure(Amount::Calls(CALLS));

    if !is_selected("upload and download of 200 MB") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let source = directory.path().join("v.mp4");
    std::fs::write(&source, vec![7; FILE]).expect("space on the disk");
    let session = SessionId::from("s");
    let mut upload = || {
        let upload = runtime.block_on(client.upload_file(&session, &source).into_future());
        upload.expect("an upload").len()
    };
    let mut upload_by_hand = || runtime.block_on(upload_by_hand(&by_hand, url, &source));
    memory_of(
        "upload of 200 MB",
        &mut [("reqwest", &mut upload_by_hand), ("nemovideo", &mut upload)],
    );
    Row::new("upload of 200 MB")
        .run("nemovideo", upload)
        .run("reqwest", upload_by_hand)
        .measure(Amount::Bytes(FILE));

    let target = directory.path().join("saved.mp4");
    let job = RenderJob::new(session.clone(), Draft::new(), RenderOutput::default());
    let video = runtime.block_on(async { client.wait_for_render(&job).await });
    let video = video.expect("a video");
    let mut download = || {
        let size = runtime.block_on(client.download(&video, &target).into_future());
        size.expect("a file") as usize
    };
    let download_by_hand =
        |synced| runtime.block_on(download_by_hand(&by_hand, url, &target, synced));
    memory_of(
        "download of 200 MB",
        &mut [("reqwest", &mut || download_by_hand(false)), ("nemovideo", &mut download)],
    );
    Row::new("download of 200 MB")
        .run("nemovideo", download)
        .run("reqwest, synced", || download_by_hand(true))
        .run("reqwest", || download_by_hand(false))
        .measure(Amount::Bytes(FILE));
}
