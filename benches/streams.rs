//! Messages over loopback: from the bytes of the connection to typed events, beside `reqwest` with
//! `sse-stream` and `serde_json`; and very many open streams in one process.
//!
//! `cargo bench --bench streams`

mod agent;
mod compare;
mod server;

use std::hint::black_box;
use std::time::{Duration, Instant};

use agent::TypedEvent;
use compare::{Amount, Row, is_brief, is_selected, memory};
use futures::StreamExt as _;
use nemovideo::NemoClient;
use nemovideo::local::{Fault, FaultyResponse, LocalBackend};
use nemovideo::protocol::event::AgentEvent;
use nemovideo::protocol::{Endpoint, SessionId};
use server::{Route, Server};

const EVENTS: usize = 100_000;

fn client(url: &str) -> NemoClient {
    NemoClient::builder().base_url(url).token("t").build().expect("a client")
}

async fn ours(client: &NemoClient) -> usize {
    let session = SessionId::from("s");
    let mut events = client.send_message(&session, "hello").await.expect("a stream");
    let mut count = 0;
    while let Some(event) = events.next().await {
        count += usize::from(matches!(black_box(event), Ok(AgentEvent::Text(_))));
    }
    count
}

async fn by_hand(client: &reqwest::Client, url: &str) -> usize {
    let response = client.post(format!("{url}/run_sse")).body("{}").send().await;
    let bytes = response.expect("a response").bytes_stream();
    let mut events = sse_stream::SseStream::from_bytes_stream(bytes);
    let mut count = 0;
    while let Some(event) = events.next().await {
        let data = event.expect("an event").data.expect("data");
        let event: TypedEvent = serde_json::from_str(&data).expect("an event of the agent");
        let parts = black_box(event).content.expect("a content").parts;
        count += parts.iter().filter(|part| part.text.is_some()).count();
    }
    count
}

fn end_to_end(title: &str, url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (ours_client, by_hand_client) = (client(url), reqwest::Client::new());
    let with_timeout = reqwest::Client::builder().read_timeout(Duration::from_secs(60)).build();
    let with_timeout = with_timeout.expect("a client");
    Row::new(title)
        .run("nemovideo", || runtime.block_on(ours(&ours_client)))
        .run("reqwest, sse-stream, serde_json", || runtime.block_on(by_hand(&by_hand_client, url)))
        .run("the same with a read timeout", || runtime.block_on(by_hand(&with_timeout, url)))
        .measure(Amount::Events(EVENTS));
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// Opens streams of the embedded backend, each with a heartbeat in every interval, and prints what
/// they take and how late the heartbeats arrive.
fn many_streams(count: usize, every: Duration) {
    let interval = every.as_millis().to_string();
    let server = Server::start(&interval);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = client(&server.url);
        let session = SessionId::from("s");
        let before = memory("VmRSS");
        let mut streams = Vec::with_capacity(count);
        let opened = futures::stream::iter(0..count)
            .map(|_| client.send_message(&session, "hello").into_future())
            .buffer_unordered(64);
        streams.extend(opened.map(|stream| stream.expect("a stream")).collect::<Vec<_>>().await);
        let mut tasks = Vec::with_capacity(count);
        let until = Instant::now() + 10 * every;
        for mut stream in streams {
            tasks.push(tokio::spawn(async move {
                let mut late = Vec::new();
                let mut last = None;
                while Instant::now() < until
                    && let Some(event) = stream.next().await
                {
                    event.expect("a heartbeat");
                    let now = Instant::now();
                    if let Some(last) = last.replace(now) {
                        late.push((now - last).saturating_sub(every));
                    }
                }
                late
            }));
        }
        tokio::time::sleep_until((until - every).into()).await;
        // The memory of a process may also shrink, when the allocator returns what was freed before.
        let (each, threads) = (memory("VmRSS").saturating_sub(before) / count, threads());
        let mut late = Vec::new();
        for task in tasks {
            late.extend(task.await.expect("a stream is read"));
        }
        late.sort_unstable();
        let p99 = late.get(late.len() * 99 / 100).map_or(f64::NAN, |p99| p99.as_secs_f64() * 1e3);
        println!(
            "| {count} open streams, a heartbeat every {interval} ms | {:.1} KiB each | \
             {threads} threads | p99 of the delay {p99:.1} ms |",
            each as f64 / 1024.0,
        );
    });
}

/// The embedded backend, which responds to messages with heartbeats alone.
fn serve_heartbeats(every: Duration) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let backend =
        runtime.block_on(LocalBackend::builder().placeholder_videos().start()).expect("a backend");
    let heartbeats = Fault::ReplaceResponse(FaultyResponse::Heartbeats { every });
    backend.faults().inject(heartbeats).on(Endpoint::Message).always();
    server::announce(backend.url());
}

fn main() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).expect("a limit");

    let events: Vec<String> = (0..EVENTS).map(agent::generated).collect();
    match server::kind().as_deref() {
        Some("16 KiB frames") => {
            let stream = events.concat().into_bytes();
            return server::serve(|_| {
                vec![Route::in_frames("POST /run_sse", stream.chunks(16 * 1024))]
            });
        }
        Some("one event a frame") => {
            return server::serve(|_| {
                vec![Route::in_frames("POST /run_sse", events.iter().map(String::as_bytes))]
            });
        }
        Some(interval) => {
            return serve_heartbeats(Duration::from_millis(interval.parse().expect("a number")));
        }
        None => {}
    }
    rustls::crypto::ring::default_provider().install_default().expect("no other cryptography");
    for kind in ["16 KiB frames", "one event a frame"] {
        end_to_end(kind, &Server::start(kind).url);
    }
    if !is_selected("open streams") {
        return;
    }
    let few: u32 = if is_brief() { 100 } else { 1 };
    many_streams(10_000 / few as usize, Duration::from_secs(5) / few);
    many_streams(1000 / few as usize, Duration::from_millis(100));
}
