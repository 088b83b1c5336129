//! The program: parse the command line, run one command, say how it ended.

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use traceward::cli::Cli;
use traceward::commands;
use traceward::error::ExitStatus;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe under `--help | head` is no reason to complain.
            let _ = error.print();
            let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked_for { ExitStatus::Fine } else { ExitStatus::Failure }.into();
        }
    };
    let output = cli.global.output();
    match commands::run(cli) {
        Ok(status) => status.into(),
        Err(failure) if failure.broken_pipe => ExitStatus::Fine.into(),
        Err(failure) => {
            output.failure(&failure);
            ExitStatus::Failure.into()
        }
    }
}
