//! The commands, one file each: from what was typed to work done and results written.

mod calibrate;
mod check;
mod data;
mod debug;
mod doctor;
mod eval;
mod fetch;
mod model;
mod record;
mod runs;
mod score;
mod train;
mod train_recipe;
mod watch;

use clap::CommandFactory;

use crate::cli::{Cli, Command, DataCommand, Format, ModelCommand, RunsCommand};
use crate::error::{ExitStatus, Failure, Outcome};

/// Runs the command that was typed.
///
/// # Errors
/// Whatever keeps the command from doing its work, with a message for the user.
pub fn run(cli: Cli) -> Outcome {
    let output = cli.global.output();
    let typed = cli.global.format;
    let format = typed.unwrap_or_default();
    let own = match cli.command {
        Command::Doctor(_) => format != Format::Ecs,
        Command::Watch(_) => format == Format::Ecs,
        _ => false,
    };
    if !matches!(format, Format::Text | Format::Json) && !own {
        return Err(Failure::new(
            "this command writes text and json; sarif, html and markdown are the doctor's, ecs is watch's",
        ));
    }
    match cli.command {
        Command::Doctor(args) => doctor::run(&args, format, output),
        Command::Train(args) => train::run(*args, output),
        Command::Debug(args) => debug::run(&args, output),
        Command::Eval(args) => eval::run(&args, output),
        Command::Record(args) => record::run(&args, output),
        Command::Score(args) => score::run(&args, typed, output),
        Command::Calibrate(args) => calibrate::run(&args, output),
        Command::Watch(args) => watch::run(&args, typed, output),
        Command::Data(DataCommand::Inspect { data, read }) => data::inspect(&data, &read, output),
        Command::Data(DataCommand::Convert(args)) => data::convert(&args, output),
        Command::Data(DataCommand::Split(args)) => data::split(&args, output),
        Command::Data(DataCommand::Fetch(args)) => fetch::run(&args, output),
        Command::Model(ModelCommand::Inspect { model }) => model::inspect(&model, output),
        Command::Runs(RunsCommand::List { dir }) => runs::list(&dir, output),
        Command::Runs(RunsCommand::Show { run }) => runs::show(run.as_deref(), output),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "traceward", &mut std::io::stdout());
            Ok(ExitStatus::Fine)
        }
    }
}

/// Sets how many threads everything uses; the default is one a core.
fn set_threads(threads: Option<usize>) -> Result<(), Failure> {
    let Some(threads) = threads else { return Ok(()) };
    if threads == 0 {
        return Err(Failure::new("--threads 0: at least one thread is needed"));
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(Failure::new)
}
