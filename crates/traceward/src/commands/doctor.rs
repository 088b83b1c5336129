//! `doctor`: what is wrong with a training run, of any framework, and what would cure it.

use crate::cli::{DoctorArgs, Format};
use crate::error::{ExitStatus, Failure, Outcome};
use crate::output::Output;
use traceward_doctor::rules;

/// Runs the command.
pub(super) fn run(args: &DoctorArgs, format: Format, output: Output) -> Outcome {
    if let Some(rule) = &args.explain {
        return explain(rule.as_deref(), output);
    }
    let _ = format;
    Ok(ExitStatus::Fine)
}

fn explain(rule: Option<&str>, output: Output) -> Outcome {
    let Some(id) = rule else {
        for rule in rules::all() {
            output.text(&format!("{}  {}\n", rule.id, rule.name))?;
        }
        return Ok(ExitStatus::Fine);
    };
    let rule = rules::by_id(id).ok_or_else(|| {
        Failure::new(format_args!("there is no rule {id:?}"))
            .hint("list them with: traceward doctor --explain")
    })?;
    output.text(&rule.page())?;
    Ok(ExitStatus::Fine)
}
