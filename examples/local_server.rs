//! The embedded backend as a server for any client: `curl`, an ADK client, another program.
//!
//! ```sh
//! cargo run --release --example local_server -- --port 8787
//! curl -X POST http://127.0.0.1:8787/api/auth/anonymous-token -H "X-Client-Id: $(uuidgen)"
//! ```
//!
//! With `--features persistence`, and `--data DIR`, a server that is killed continues there when it is
//! started again, on the same port.
//! A browser shows at its URL what goes on in it.
//!
//! Ctrl-C or SIGTERM stop it within eight seconds: calls in progress have five to end, and the work
//! that is then cancelled has two to notice. A second signal ends it at once, with exit code 130.

mod support;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use nemovideo::local::LocalBackend;

use support::output::{eprint_line, print_line};
use support::{Result, StopSignals};

/// Serves the NemoVideo protocol on this machine.
#[derive(Debug, Parser)]
struct Args {
    /// The port on loopback; 0 for any that is free.
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Keep everything in this directory, also when the server is killed: accounts, credits,
    /// sessions, uploads and videos. By default, all of it ends with the server. Needs a build with
    /// the Cargo flag `--features persistence`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A font for captions that the built-in one lacks, such as Chinese.
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
    /// A program that speaks a sentence in place of the built-in voices, as in `voiceover`.
    #[arg(long, value_name = "COMMAND")]
    voice_command: Option<String>,
    /// The languages of the voice command, BCP-47 tags.
    #[arg(long, value_name = "TAGS", value_delimiter = ',', default_value = "en-US")]
    language: Vec<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let result = tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| {
        let result = runtime.block_on(serve(args));
        // Work that has not noticed its end by now ends with the process.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => support::fail(false, &*error),
    }
}

async fn serve(args: Args) -> Result<()> {
    let mut builder = LocalBackend::builder().port(args.port).watch_page();
    if let Some(directory) = &args.data {
        #[cfg(feature = "persistence")]
        {
            builder = builder.persistent(directory);
        }
        #[cfg(not(feature = "persistence"))]
        return Err(format!(
            "this server was built without the feature that keeps data; use: cargo run --release \
             --example local_server --features persistence -- --data {}",
            directory.display()
        )
        .into());
    }
    if let Some(font) = args.font {
        builder = builder.font(font);
    }
    if let Some(command) = args.voice_command {
        builder = builder.voice(support::command_voice(&command, &args.language)?);
    }
    let mut signals = StopSignals::listen();
    let backend = builder.start().await?;
    print_line(&format!("listening on {}", backend.url().trim_end_matches('/')));
    eprint_line("open it in a browser to watch it; Ctrl-C to stop");
    signals.next().await;
    // Requests in progress are finished, unless a second signal ends the process.
    tokio::select! {
        () = backend.shutdown() => Ok(()),
        () = signals.next() => std::process::exit(130),
    }
}
