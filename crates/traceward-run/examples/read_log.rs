//! Prints what a log of any framework is read as: `cargo run --example read_log -- PATH...`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints")]

use std::path::Path;
use std::time::Instant;

use traceward_run::foreign;

fn main() {
    for path in std::env::args().skip(1) {
        let begun = Instant::now();
        let log = match foreign::read(Path::new(&path)) {
            Ok(log) => log,
            Err(error) => {
                eprintln!("{error}");
                continue;
            }
        };
        let took = begun.elapsed();
        println!("# {path}: {}, {} runs, read in {took:.1?}", log.kind, log.runs.len());
        for note in &log.notes {
            println!("# {note}");
        }
        for run in &log.runs {
            let unit = run.columns.accuracy_unit;
            println!(
                "# {:?}: by step {}, accuracy in {unit:?}, planned {:?}",
                run.name, run.by_step, run.planned_epochs
            );
            println!("# {:?}", run.columns);
            println!("# stopped early {}, interrupted {:?}", run.stopped_early, run.interrupted);
            println!("# settings {:?}, results {:?}", run.hyperparameters, run.results);
            println!("{}", run.history.to_csv());
            if let Some(steps) = &run.steps {
                println!("# steps: {} rows, {:?}", steps.history.len(), steps.columns);
            }
        }
    }
}
