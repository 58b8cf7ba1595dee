//! The listener and the connections of the embedded backend, both of which can be disturbed: the
//! [`Gate`] refuses or drops connections, as a service that is down; a [`FaultySocket`] is owned
//! by the server, and the calls that arrive over it get its [`ConnectionHandle`], with which they
//! reset, close or slow it down.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Sleep;

use crate::sync::lock;

/// Pending connections, as many as Tokio's own listeners allow.
const BACKLOG: u32 = 1024;
/// Pause after a failed `accept`: it fails for want of file descriptors usually, and trying again
/// at once would only use up the processor.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// The listener behind a switch: it can be closed so that the system itself refuses connections.
#[derive(Debug)]
pub(crate) struct Gate {
    address: SocketAddr,
    state: Mutex<GateState>,
}

#[derive(Debug)]
struct GateState {
    listener: ListenerState,
    /// Waker of the server task, which waits for the next connection.
    server: Option<Waker>,
    /// Connections still to be closed before a byte is read.
    to_drop: u64,
    /// Connections accepted, dropped ones included.
    accepted: u64,
    connections: Vec<Weak<ConnectionHandle>>,
}

#[derive(Debug)]
enum ListenerState {
    Open(TcpListener),
    /// A bound socket that does not listen keeps the port from other programs. `None` when the
    /// system refused it; then the port is requested again on opening.
    Closed(Option<TcpSocket>),
    /// The server has ended.
    Gone,
}

impl Gate {
    pub(crate) fn new(address: SocketAddr, listener: TcpListener) -> Arc<Self> {
        let state = GateState {
            listener: ListenerState::Open(listener),
            server: None,
            to_drop: 0,
            accepted: 0,
            connections: Vec::new(),
        };
        Arc::new(Self { address, state: Mutex::new(state) })
    }

    /// Returns the base URL of the listener.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Refuses connections from now on, and resets open ones.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        if matches!(state.listener, ListenerState::Open(_)) {
            // The port is free for a moment in between: two sockets cannot hold it at once.
            state.listener = ListenerState::Closed(None);
            state.listener = ListenerState::Closed(self.bind().ok());
        }
        state.reset_all();
    }

    /// Listens again.
    pub(super) fn open(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        let ListenerState::Closed(socket) = &mut state.listener else { return Ok(()) };
        let socket = socket.take().map_or_else(|| self.bind(), Ok)?;
        state.listener = ListenerState::Open(socket.listen(BACKLOG)?);
        if let Some(server) = state.server.take() {
            server.wake();
        }
        Ok(())
    }

    /// Closes the next connections as they arrive, and resets open ones.
    pub(super) fn drop_next(&self, connections: u64) {
        let mut state = lock(&self.state);
        state.to_drop = connections;
        if connections > 0 {
            state.reset_all();
        }
    }

    /// Resets all open connections.
    pub(crate) fn reset_all(&self) {
        lock(&self.state).reset_all();
    }

    pub(crate) fn accepted(&self) -> u64 {
        lock(&self.state).accepted
    }

    fn bind(&self) -> io::Result<TcpSocket> {
        let socket = TcpSocket::new_v4()?;
        // Connections that have just ended hold the port. On Windows they do not, and there the
        // option would let any program share it.
        #[cfg(not(windows))]
        socket.set_reuseaddr(true)?;
        socket.bind(self.address)?;
        Ok(socket)
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Option<FaultySocket>>> {
        let mut state = lock(&self.state);
        state.server = Some(context.waker().clone());
        let ListenerState::Open(listener) = &state.listener else { return Poll::Pending };
        let Poll::Ready(accepted) = listener.poll_accept(context) else { return Poll::Pending };
        Poll::Ready(accepted.map(|(stream, _)| state.admit(stream)))
    }
}

impl GateState {
    fn admit(&mut self, stream: TcpStream) -> Option<FaultySocket> {
        self.accepted += 1;
        if self.to_drop > 0 {
            self.to_drop -= 1;
            return None;
        }
        // Small events must not wait for further data; without the option they only arrive late.
        let _ = stream.set_nodelay(true);
        let socket = FaultySocket { stream, handle: Arc::default(), pause: None };
        self.connections.retain(|connection| connection.strong_count() > 0);
        self.connections.push(Arc::downgrade(&socket.handle));
        Some(socket)
    }

    fn reset_all(&mut self) {
        for connection in self.connections.drain(..).filter_map(|connection| connection.upgrade()) {
            connection.set(Mode::Reset);
        }
    }
}

/// The listener that the server owns. When the server ends and drops it, it closes the gate's
/// listener; the gate itself lives as long as a call is under way.
#[derive(Debug)]
pub(crate) struct GateListener(pub(crate) Arc<Gate>);

impl Drop for GateListener {
    fn drop(&mut self) {
        lock(&self.0.state).listener = ListenerState::Gone;
    }
}

impl GateListener {
    /// Waits for the next connection.
    pub(crate) async fn accept(&mut self) -> FaultySocket {
        loop {
            match std::future::poll_fn(|context| self.0.poll_accept(context)).await {
                Ok(Some(socket)) => return socket,
                Ok(None) => {}
                // Caused by the peer, not by the system.
                Err(error) if is_peer_error(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

fn is_peer_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A connection, passed through unless a call has disturbed it.
#[derive(Debug)]
pub(crate) struct FaultySocket {
    stream: TcpStream,
    handle: Arc<ConnectionHandle>,
    /// The pause before the next byte of a trickle.
    pause: Option<Pin<Box<Sleep>>>,
}

/// Controls a connection from within the calls that arrive over it.
#[derive(Debug, Default)]
pub(crate) struct ConnectionHandle(Mutex<HandleState>);

#[derive(Debug, Default)]
struct HandleState {
    mode: Mode,
    flush: Flush,
    /// Waker of the server task, which waits to read or for the end.
    reader: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Normal,
    /// One byte, a pause, one byte.
    Trickle(Duration),
    /// These bytes instead of whatever the server writes, then the end of the connection.
    Replace(&'static [u8]),
    /// Reads and writes fail, upon which the server drops the socket.
    Closed,
    /// The same, and the peer gets a reset.
    Reset,
}

/// Whether everything written so far was passed to the system.
#[derive(Debug, Default)]
enum Flush {
    #[default]
    NotRequested,
    Requested(Waker),
    Done,
}

impl ConnectionHandle {
    /// Waits until everything written so far was flushed. Awaited within the body of a response,
    /// because the server flushes when a body is pending.
    pub(super) async fn flushed(&self) {
        std::future::poll_fn(|context| {
            let flush = &mut lock(&self.0).flush;
            if matches!(flush, Flush::Done) {
                *flush = Flush::NotRequested;
                return Poll::Ready(());
            }
            *flush = Flush::Requested(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Waits until the connection was closed or reset. Awaited by the server task that also reads.
    async fn ended(&self) {
        std::future::poll_fn(|context| {
            let mut state = lock(&self.0);
            if matches!(state.mode, Mode::Closed | Mode::Reset) {
                return Poll::Ready(());
            }
            state.reader = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    pub(super) fn set(&self, mode: Mode) {
        let mut state = lock(&self.0);
        state.mode = mode;
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }
}

impl FaultySocket {
    pub(crate) fn connection(&self) -> Connection {
        Connection(Arc::clone(&self.handle))
    }

    fn poll_replace(
        &mut self,
        context: &mut Context<'_>,
        mut bytes: &'static [u8],
    ) -> Poll<io::Result<usize>> {
        while !bytes.is_empty() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
            bytes = &bytes[count..];
            self.handle.set(Mode::Replace(bytes));
        }
        self.handle.set(Mode::Closed);
        Poll::Ready(Err(ended_by_fault()))
    }

    fn poll_trickle(
        &mut self,
        context: &mut Context<'_>,
        pause: Duration,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        let byte = &bytes[..bytes.len().min(1)];
        let count = ready!(Pin::new(&mut self.stream).poll_write(context, byte))?;
        self.pause = Some(Box::pin(tokio::time::sleep(pause)));
        Poll::Ready(Ok(count))
    }
}

fn ended_by_fault() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "a fault ended the connection")
}

impl Drop for FaultySocket {
    fn drop(&mut self) {
        if lock(&self.handle.0).mode == Mode::Reset {
            // Closing without lingering resets a connection. It fails when the peer has gone already.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for FaultySocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        {
            let mut state = lock(&self.handle.0);
            if matches!(state.mode, Mode::Closed | Mode::Reset) {
                return Poll::Ready(Err(ended_by_fault()));
            }
            state.reader = Some(context.waker().clone());
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for FaultySocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mode = lock(&self.handle.0).mode;
        match mode {
            Mode::Normal => Pin::new(&mut self.stream).poll_write(context, bytes),
            Mode::Trickle(pause) => self.poll_trickle(context, pause, bytes),
            Mode::Replace(output) => self.poll_replace(context, output),
            Mode::Closed | Mode::Reset => Poll::Ready(Err(ended_by_fault())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mode = lock(&self.handle.0).mode;
        if mode == Mode::Normal {
            return Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        }
        let first = parts.iter().find(|part| !part.is_empty());
        self.poll_write(context, first.map_or(&[], |part| part))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        let mut state = lock(&self.handle.0);
        if let Flush::Requested(waker) = &state.flush {
            waker.wake_by_ref();
            state.flush = Flush::Done;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if lock(&self.handle.0).mode == Mode::Reset {
            // An orderly end would look like the end of the response.
            return Poll::Ready(Err(ended_by_fault()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The connection over which a call arrived, as an extension of its request.
#[derive(Clone, Debug)]
pub(crate) struct Connection(pub(super) Arc<ConnectionHandle>);

impl Connection {
    /// Waits until the connection was closed or reset from within. A server that neither reads nor
    /// writes does not notice by itself.
    pub(crate) async fn ended(&self) {
        self.0.ended().await;
    }
}
