//! The door of the backend: it listens, and can be shut so that the system itself refuses
//! connections, as it does for a service that is down.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::socket::{Line, Socket};

/// As many connections may wait to be let in as Tokio's own listeners allow.
const BACKLOG: u32 = 1024;
/// When no connection can be taken at all, for want of file handles usually, trying again at once
/// would only burn the processor.
const BREATHER: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(in crate::local) struct Door {
    address: SocketAddr,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    /// The server, which waits for the next caller.
    server: Option<Waker>,
    /// Connections that are to be cut off before a byte of them is read.
    turned_away: u64,
    /// As many as were let in, those that were cut off included.
    accepted: u64,
    lines: Vec<Weak<Line>>,
}

#[derive(Debug)]
enum State {
    Open(TcpListener),
    /// A socket that is bound and does not listen: it keeps the port from others. There is none
    /// when the system would not have it, and the port is asked for again.
    Shut(Option<TcpSocket>),
    /// The server has ended.
    Gone,
}

impl Door {
    pub(in crate::local) fn new(address: SocketAddr, listener: TcpListener) -> Arc<Self> {
        let inner = Inner {
            state: State::Open(listener),
            server: None,
            turned_away: 0,
            accepted: 0,
            lines: Vec::new(),
        };
        Arc::new(Self { address, inner: Mutex::new(inner) })
    }

    /// Refuses connections from now on, and resets those that are there.
    pub(super) fn shut(&self) {
        let mut inner = self.inner();
        if matches!(inner.state, State::Open(_)) {
            // The port is free for a moment in between: two sockets cannot hold it at once.
            inner.state = State::Shut(None);
            inner.state = State::Shut(self.bind().ok());
        }
        inner.hang_up();
    }

    /// Listens again.
    pub(super) fn open(&self) -> io::Result<()> {
        let mut inner = self.inner();
        let State::Shut(socket) = &mut inner.state else { return Ok(()) };
        let socket = socket.take().map_or_else(|| self.bind(), Ok)?;
        inner.state = State::Open(socket.listen(BACKLOG)?);
        if let Some(server) = inner.server.take() {
            server.wake();
        }
        Ok(())
    }

    /// Cuts off the next connections as they come, and those that are there now.
    pub(super) fn turn_away(&self, connections: u64) {
        let mut inner = self.inner();
        inner.turned_away = connections;
        if connections > 0 {
            inner.hang_up();
        }
    }

    /// Resets the connections that are there.
    pub(in crate::local) fn hang_up(&self) {
        self.inner().hang_up();
    }

    pub(in crate::local) fn accepted(&self) -> u64 {
        self.inner().accepted
    }

    fn bind(&self) -> io::Result<TcpSocket> {
        let socket = TcpSocket::new_v4()?;
        // Connections that have just ended hold the port; on Windows they do not, and there the
        // option would let any program share it.
        #[cfg(not(windows))]
        socket.set_reuseaddr(true)?;
        socket.bind(self.address)?;
        Ok(socket)
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Option<Socket>>> {
        let mut inner = self.inner();
        inner.server = Some(context.waker().clone());
        let State::Open(listener) = &inner.state else { return Poll::Pending };
        let Poll::Ready(accepted) = listener.poll_accept(context) else { return Poll::Pending };
        Poll::Ready(accepted.map(|(stream, _)| inner.admit(stream)))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn admit(&mut self, stream: TcpStream) -> Option<Socket> {
        self.accepted += 1;
        if self.turned_away > 0 {
            self.turned_away -= 1;
            return None;
        }
        // Small events must not wait for more of them. Without it they come late, no worse.
        let _ = stream.set_nodelay(true);
        let socket = Socket::new(stream);
        self.lines.retain(|line| line.strong_count() > 0);
        self.lines.push(Arc::downgrade(socket.line()));
        Some(socket)
    }

    fn hang_up(&mut self) {
        for line in self.lines.drain(..).filter_map(|line| line.upgrade()) {
            line.reset();
        }
    }
}

/// What the server listens at. Dropped by a server that ends, it takes the listener with it: the
/// door itself stays for as long as a call is under way.
#[derive(Debug)]
pub(in crate::local) struct Entrance(pub(in crate::local) Arc<Door>);

impl Drop for Entrance {
    fn drop(&mut self) {
        self.0.inner().state = State::Gone;
    }
}

impl Listener for Entrance {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        loop {
            match std::future::poll_fn(|context| self.0.poll_accept(context)).await {
                Ok(Some(socket)) => return (socket, self.0.address),
                Ok(None) => {}
                // The caller's doing, not the system's.
                Err(error) if is_gone(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "no connection was accepted");
                    tokio::time::sleep(BREATHER).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.0.address)
    }
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
