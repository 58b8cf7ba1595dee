//! What transfers and hostile files take. This is a binary of its own because it measures the peak
//! memory of whole processes.
//!
//! | module | holds |
//! |---|---|
//! | `hostile` | files and bodies that are made to exhaust their reader |
//! | `cases` | the collected files, cut and changed anywhere |
//! | `measured` | processes whose memory and time are measured; unit tests use it, too |
//!
//! A transfer of 200 MB needs no more memory than a small one.
#![cfg(target_os = "linux")]
// Clippy exempts test functions but not their helpers. A helper that panics fails its test.
#![allow(clippy::unwrap_used)]

mod cases;
mod hostile;
mod measured;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use nemovideo::protocol::{RenderState, RenderStatus};
use nemovideo::{NemoClient, RenderOutput};

const SIZE: u64 = 200_000_000;
const ALLOWED: u64 = 20_000_000;

/// Serves one connection with a single small buffer, so that the measured memory is the client's.
fn serve(mut stream: TcpStream, url: &str) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte)? == 0 {
                return Ok(());
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let mut left: u64 = length.map_or(0, |length| length.trim().parse().expect("a length"));
        while left > 0 {
            let take = buffer.len().min(usize::try_from(left).expect("it fits"));
            let read = stream.read(&mut buffer[..take])?;
            left -= read as u64;
        }
        if head.starts_with("get /video.mp4") {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n")?;
            let mut left = SIZE;
            while left > 0 {
                let take = buffer.len().min(usize::try_from(left).expect("it fits"));
                stream.write_all(&buffer[..take])?;
                left -= take as u64;
            }
            continue;
        }
        let body = if head.contains("lambda") {
            format!(
                r#"{{"status":"completed","output":{{"url":"{url}/video.mp4","size":{SIZE}}}}}"#
            )
        } else {
            r#"{"code":0,"data":{"files":[],"available":1}}"#.to_owned()
        };
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}

#[tokio::test]
async fn two_hundred_megabytes_are_uploaded_and_downloaded_in_twenty_of_memory() {
    const THIS: &str = "two_hundred_megabytes_are_uploaded_and_downloaded_in_twenty_of_memory";
    if !measured::is_alone(THIS) {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server_url = url.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let url = server_url.clone();
            std::thread::spawn(move || serve(stream, &url));
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let large = dir.path().join("large.mp4");
    std::fs::File::create(&large).unwrap().set_len(SIZE).unwrap();
    let client = NemoClient::builder().base_url(&url).token("t").build().unwrap();
    let draft = r#"{"t":[{"sg":[{}]}]}"#.parse().unwrap();
    let job = client.submit_render(&"s".into(), &draft, RenderOutput::mp4()).await.unwrap();
    let state: RenderState = client.render_status(&job.id).await.unwrap();
    assert_eq!(state.status, RenderStatus::Completed);
    let video = client.wait_for_render(&job).await.unwrap();
    let idle = measured::status("VmRSS");

    client.upload_file(&"s".into(), &large).await.unwrap();
    let up = measured::status("VmHWM").saturating_sub(idle);
    let bytes = client.download(&video, dir.path().join("video.mp4")).await.unwrap();
    let down = measured::status("VmHWM").saturating_sub(idle);
    assert_eq!(bytes, SIZE);
    println!("peak memory above idle: {up} bytes for the upload, {down} bytes for the download");
    assert!(up < ALLOWED && down < ALLOWED, "{up} up, {down} down");
}
