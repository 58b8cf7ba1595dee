//! The embedded backend as a server for any client: `curl`, an ADK client, another program.
//!
//! ```sh
//! cargo run --release --example local_server -- --port 8787
//! curl -X POST http://127.0.0.1:8787/api/auth/anonymous-token -H "X-Client-Id: $(uuidgen)"
//! ```

mod support;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use nemovideo::local::LocalBackend;

use support::Result;

/// Serves the NemoVideo protocol on this machine.
#[derive(Debug, Parser)]
struct Args {
    /// The port on loopback; 0 lets the system choose.
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Where uploads and films are kept; a temporary folder unless given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A font for captions that the built-in one cannot draw, such as Chinese.
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match serve(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => support::fail(false, &failure),
    }
}

async fn serve(args: Args) -> Result<()> {
    let mut builder = LocalBackend::builder().port(args.port);
    if let Some(dir) = args.data {
        builder = builder.data_dir(dir);
    }
    if let Some(font) = args.font {
        builder = builder.font(font);
    }
    let backend = builder.start().await?;
    support::say(&format!("listening on {}", backend.url().trim_end_matches('/')));
    support::note("Ctrl-C to stop");
    support::stopped().await;
    // Answers under way are finished; whoever is in a hurry asks again.
    tokio::select! {
        () = backend.shutdown() => Ok(()),
        () = support::stopped() => std::process::exit(130),
    }
}
