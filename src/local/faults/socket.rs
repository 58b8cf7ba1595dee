//! A connection that can be spoilt while it is in use. The server owns the [`Socket`]; the calls
//! that come over it get its [`Line`], by which they tell it what to do.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::door::Entrance;

#[derive(Debug)]
pub(in crate::local) struct Socket {
    stream: TcpStream,
    line: Arc<Line>,
    /// The pause before the next byte of a trickle.
    pause: Option<Pin<Box<Sleep>>>,
}

/// The other end of the string that a connection hangs on.
#[derive(Debug, Default)]
pub(in crate::local) struct Line(Mutex<Strings>);

#[derive(Debug, Default)]
struct Strings {
    mode: Mode,
    flush: Flush,
    /// The server, when it waits for the caller to say something.
    reader: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Fine,
    /// One byte, a pause, one byte.
    Trickle(Duration),
    /// These bytes whatever the server wants to say, then the end.
    Say(&'static [u8]),
    /// Nothing goes through; the server drops the socket at the next touch.
    Closed,
    /// The same, and the caller gets a reset.
    Reset,
}

/// Whether everything that was said has been handed to the system.
#[derive(Debug, Default)]
enum Flush {
    #[default]
    Unasked,
    Asked(Waker),
    Done,
}

impl Line {
    pub(super) fn reset(&self) {
        self.set(Mode::Reset);
    }

    pub(super) fn close(&self) {
        self.set(Mode::Closed);
    }

    pub(super) fn trickle(&self, pause: Duration) {
        self.set(Mode::Trickle(pause));
    }

    pub(super) fn say(&self, bytes: &'static [u8]) {
        self.set(Mode::Say(bytes));
    }

    /// Until what was said so far is on its way. To be awaited by the body of an answer: the
    /// server flushes when a body has nothing to say.
    pub(super) async fn flushed(&self) {
        std::future::poll_fn(|context| {
            let flush = &mut self.strings().flush;
            if matches!(flush, Flush::Done) {
                *flush = Flush::Unasked;
                return Poll::Ready(());
            }
            *flush = Flush::Asked(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn set(&self, mode: Mode) {
        let mut strings = self.strings();
        strings.mode = mode;
        if let Some(reader) = strings.reader.take() {
            reader.wake();
        }
    }

    fn strings(&self) -> MutexGuard<'_, Strings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, line: Arc::default(), pause: None }
    }

    pub(super) fn line(&self) -> &Arc<Line> {
        &self.line
    }

    fn poll_say(
        &mut self,
        context: &mut Context<'_>,
        mut bytes: &'static [u8],
    ) -> Poll<io::Result<usize>> {
        while !bytes.is_empty() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
            bytes = &bytes[count..];
            self.line.set(Mode::Say(bytes));
        }
        self.line.close();
        Poll::Ready(Err(over()))
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

fn over() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "a fault ended the connection")
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.line.strings().mode == Mode::Reset {
            // Closed without lingering, a connection is reset. A caller that is gone minds neither.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        {
            let mut strings = self.line.strings();
            if matches!(strings.mode, Mode::Closed | Mode::Reset) {
                return Poll::Ready(Err(over()));
            }
            strings.reader = Some(context.waker().clone());
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mode = self.line.strings().mode;
        match mode {
            Mode::Fine => Pin::new(&mut self.stream).poll_write(context, bytes),
            Mode::Trickle(pause) => self.poll_trickle(context, pause, bytes),
            Mode::Say(words) => self.poll_say(context, words),
            Mode::Closed | Mode::Reset => Poll::Ready(Err(over())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mode = self.line.strings().mode;
        if mode == Mode::Fine {
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
        let mut strings = self.line.strings();
        if let Flush::Asked(waker) = &strings.flush {
            waker.wake_by_ref();
            strings.flush = Flush::Done;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.line.strings().mode == Mode::Reset {
            // A polite end would be taken for the end.
            return Poll::Ready(Err(over()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What a call knows of the connection that it came over.
#[derive(Clone, Debug)]
pub(in crate::local) struct Over(pub(super) Arc<Line>);

impl Connected<IncomingStream<'_, Entrance>> for Over {
    fn connect_info(stream: IncomingStream<'_, Entrance>) -> Self {
        Self(Arc::clone(stream.io().line()))
    }
}
