//! A server in a process of its own, which costs as little as it can: the responses are ready
//! before the first request, so that what is measured is the client.

#![allow(dead_code, reason = "each benchmark uses a part")]

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

/// Names the variable that makes a benchmark's process a server, and says which one.
const KIND: &str = "NEMOVIDEO_BENCH_SERVER";

/// A response to every request whose first line begins with a prefix, and to no other.
pub(crate) struct Route {
    pub(crate) prefix: &'static str,
    pub(crate) response: Vec<u8>,
}

impl Route {
    /// A body of known length.
    pub(crate) fn with_length(prefix: &'static str, content_type: &str, body: &[u8]) -> Self {
        let mut response = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        response.extend_from_slice(body);
        Self { prefix, response }
    }

    /// An event stream in these frames, each of which the client reads as one piece.
    pub(crate) fn in_frames<'a>(
        prefix: &'static str,
        frames: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let mut response = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
            transfer-encoding: chunked\r\n\r\n"
            .to_vec();
        for frame in frames {
            response.extend_from_slice(format!("{:x}\r\n", frame.len()).as_bytes());
            response.extend_from_slice(frame);
            response.extend_from_slice(b"\r\n");
        }
        response.extend_from_slice(b"0\r\n\r\n");
        Self { prefix, response }
    }
}

/// The server's process, which ends with this value.
pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
}

impl Server {
    /// Starts this very program again, as a server of this kind.
    pub(crate) fn start(kind: &str) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program)
            .env(KIND, kind)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut url = String::new();
        let output = process.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut url).expect("the server prints its URL");
        Self { process, url: url.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The kind of server that this process is to be, if any.
pub(crate) fn kind() -> Option<String> {
    std::env::var(KIND).ok()
}

/// Prints the URL and ends when the process that started this one has ended.
pub(crate) fn announce(url: &str) {
    println!("{url}");
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

/// Serves the routes until the process that started this one has ended. A response is made from the
/// URL of the server.
pub(crate) fn serve(routes: impl FnOnce(&str) -> Vec<Route>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let routes = Arc::new(routes(&url));
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let routes = Arc::clone(&routes);
            std::thread::spawn(move || respond(connection, &routes));
        }
    });
    announce(&url);
}

/// Responds to the requests of one connection.
fn respond(connection: TcpStream, routes: &[Route]) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut writer = connection.try_clone()?;
    let mut reader = BufReader::with_capacity(256 * 1024, connection);
    loop {
        let mut request = String::new();
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line.trim().is_empty() {
                break;
            }
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            is_chunked |= header.starts_with("transfer-encoding: chunked");
            if request.is_empty() {
                request = line;
            }
        }
        if is_chunked {
            loop {
                let mut size = String::new();
                reader.read_line(&mut size)?;
                let size = u64::from_str_radix(size.trim(), 16).unwrap_or(0);
                skip(&mut reader, size + 2)?;
                if size == 0 {
                    break;
                }
            }
        } else {
            skip(&mut reader, length)?;
        }
        let route = routes.iter().find(|route| request.starts_with(route.prefix));
        match route {
            Some(route) => writer.write_all(&route.response)?,
            None => writer.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")?,
        }
    }
}

fn skip(reader: &mut impl Read, bytes: u64) -> io::Result<()> {
    io::copy(&mut reader.take(bytes), &mut io::sink()).map(drop)
}
