//! The steps that programs take in their directories, as the kernel reports them: a file is created,
//! written, closed, renamed or removed.

use std::mem::MaybeUninit;
use std::path::PathBuf;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::sync::watch;

pub(crate) struct Steps(watch::Receiver<usize>);

impl Steps {
    /// Counts the steps in directories until the last of them is removed.
    pub(crate) fn watch(dirs: &[PathBuf]) -> Self {
        let inotify = inotify::init(CreateFlags::CLOEXEC).expect("inotify");
        let steps = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE;
        for dir in dirs.iter().filter(|dir| dir.exists()) {
            inotify::add_watch(&inotify, dir, steps).expect("a watch");
        }
        let (sender, receiver) = watch::channel(0);
        std::thread::spawn(move || {
            let mut buffer = [MaybeUninit::<u8>::uninit(); 512];
            let mut reader = inotify::Reader::new(inotify, &mut buffer);
            // The removal of a directory is an event, too: by then there is no receiver.
            while reader.next().is_ok() && !sender.is_closed() {
                sender.send_modify(|count| *count += 1);
            }
        });
        Self(receiver)
    }

    /// Waits for the nth step, from 1.
    pub(crate) async fn nth(&mut self, nth: usize) {
        if self.0.wait_for(|&count| count >= nth).await.is_err() {
            // The directories are gone.
            std::future::pending().await
        }
    }
}
