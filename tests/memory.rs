//! A transfer of 200 MB costs no more memory than a small one. A test binary of its own, since it
//! looks at the peak of the whole process.
#![cfg(target_os = "linux")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use nemovideo::protocol::{RenderState, RenderStatus};
use nemovideo::{NemoClient, RenderOutput};

const SIZE: u64 = 200_000_000;
const ALLOWED: u64 = 20_000_000;

/// A line of the process's own status, in bytes.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("the process's status");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("the line");
    let kilobytes: u64 = line.trim_matches([':', '\t', ' ', 'k', 'B']).parse().expect("a number");
    kilobytes * 1_024
}

/// Answers on bare threads with one small buffer each, so that what is measured is the client's.
fn serve(mut stream: TcpStream, address: &str) -> std::io::Result<()> {
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
        if head.starts_with("get /film.mp4") {
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
                r#"{{"status":"completed","output":{{"url":"{address}/film.mp4","size":{SIZE}}}}}"#
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
async fn two_hundred_megabytes_up_and_down_stay_under_twenty_of_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let own = address.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let address = own.clone();
            std::thread::spawn(move || serve(stream, &address));
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let large = dir.path().join("large.mp4");
    std::fs::File::create(&large).unwrap().set_len(SIZE).unwrap();
    let client = NemoClient::builder().base_url(&address).token("t").build().unwrap();
    let draft = r#"{"t":[{"sg":[{}]}]}"#.parse().unwrap();
    let job = client.submit_render(&"s".into(), &draft, RenderOutput::mp4()).await.unwrap();
    let state: RenderState = client.render_status(&job.id).await.unwrap();
    assert_eq!(state.status, RenderStatus::Completed);
    let video = client.wait_for_render(&job).await.unwrap();
    let idle = status("VmRSS");

    client.upload_file(&"s".into(), &large).await.unwrap();
    let up = status("VmHWM").saturating_sub(idle);
    let downloaded = client.download(&video, dir.path().join("film.mp4")).await.unwrap();
    let down = status("VmHWM").saturating_sub(idle);
    assert_eq!(downloaded, SIZE);
    println!("peak above idle: {up} bytes up, {down} bytes down");
    assert!(up < ALLOWED && down < ALLOWED, "{up} up, {down} down");
}
