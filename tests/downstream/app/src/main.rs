//! Makes a video of a script in the cloud: `downstream-app SCRIPT VIDEO`.

use std::process::ExitCode;

use futures::StreamExt as _;
use nemovideo::project::{JobProgress, Script};
use nemovideo::{Error, NemoClient};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [script, video] = arguments.as_slice() else {
        eprintln!("usage: downstream-app SCRIPT VIDEO");
        return ExitCode::from(2);
    };
    match make(script, video).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", describe(&error));
            ExitCode::FAILURE
        }
    }
}

async fn make(script: &str, video: &str) -> Result<(), Error> {
    let script = Script::from_path(script)?;
    let client = NemoClient::from_env()?;
    let mut progress = client.voiceover(script).save_to(video).into_stream();
    while let Some(step) = progress.next().await {
        let step = step?;
        if let Some(percent) = step.percent() {
            println!("{percent:.0} %");
        }
        if let JobProgress::Finished(saved) = step {
            println!("{}", saved.draft.summary());
        }
    }
    Ok(())
}

fn describe(error: &Error) -> String {
    let cost = if error.may_have_taken_effect() { "it may have cost credits" } else { "free" };
    format!("{error} ({cost}). {}", error.advice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_script_costs_nothing() {
        let error = make("no-such-file.txt", "out.mp4").await.unwrap_err();
        assert!(matches!(error, Error::Io { .. }));
        assert!(describe(&error).contains("(free)"));
    }
}
