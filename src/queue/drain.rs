//! A backend of apalis that fetches nothing more once its worker is to end.
//!
//! A worker of apalis that is stopped no longer polls its backend until its tasks have ended. A fetch
//! that was in progress then keeps its transaction open, and with SQLite nobody can write, these tasks
//! included; and no heartbeat is sent, so that other workers take the tasks over. Therefore apalis
//! hears of the end only when the tasks have ended, and this fetches nothing meanwhile.

use std::task::{Context, Poll, ready};

use apalis_core::backend::{Backend, BackendConfig, WireFormatBackend};
use apalis_core::worker::context::WorkerContext;
use tokio_util::sync::CancellationToken;

/// A backend that fetches nothing more once the token is cancelled.
pub(super) struct Drain<B> {
    backend: B,
    stop: CancellationToken,
    /// The last fetch has been dropped.
    is_closed: bool,
}

impl<B> Drain<B> {
    pub(super) const fn new(backend: B, stop: CancellationToken) -> Self {
        Self { backend, stop, is_closed: false }
    }
}

impl<B: Backend> Backend for Drain<B> {
    type Task = B::Task;
    type Error = B::Error;

    /// Heartbeats and acknowledgements, which go on.
    fn poll_ready(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Result<(), Self::Error>> {
        self.backend.poll_ready(cx, worker)
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Self::Error>>> {
        if !self.stop.is_cancelled() {
            return self.backend.poll_next(cx, worker);
        }
        if !self.is_closed {
            if let Err(error) = ready!(self.backend.poll_close(cx, worker)) {
                return Poll::Ready(Some(Err(error)));
            }
            self.is_closed = true;
        }
        Poll::Pending
    }

    fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Result<(), Self::Error>> {
        self.backend.poll_close(cx, worker)
    }
}

impl<B: BackendConfig> BackendConfig for Drain<B> {
    type Args = B::Args;
    type Id = B::Id;
    type Kind = B::Kind;
    type Config = B::Config;
    type Layer = B::Layer;

    fn config(&self) -> &Self::Config {
        self.backend.config()
    }

    fn middleware(&mut self, worker: &mut WorkerContext) -> Self::Layer {
        self.backend.middleware(worker)
    }
}

impl<B: WireFormatBackend> WireFormatBackend for Drain<B> {
    type Codec = B::Codec;
    type Compact = B::Compact;

    fn codec(&self) -> &Self::Codec {
        self.backend.codec()
    }
}
