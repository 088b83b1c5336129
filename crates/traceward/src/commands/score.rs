//! `score`: what a model says of each trace, one JSON line a trace, in the order of the input.

use std::io::Write;

use serde::Serialize;
use serde_json::{Map, Value};
use traceward_model::ModelFile;
use traceward_trace::{Dataset, normal_class};

use super::model;
use crate::cli::ScoreArgs;
use crate::error::{ExitStatus, Outcome};
use crate::input;
use crate::output::Output;

/// Traces that are scored before their lines are written.
const CHUNK: usize = 1024;

/// One line of the output.
#[derive(Serialize)]
struct Verdict<'a> {
    /// Where the trace was read.
    source: String,
    /// `normal`, or `attack` for any other class.
    verdict: &'static str,
    /// The most likely class, if it is not `normal`.
    family: Option<&'a str>,
    /// 1 - the probability of `normal`; null for a model without that class.
    p_attack: Option<f32>,
    probabilities: Map<String, Value>,
    /// How unlike anything seen in training: not computed by a network of this kind.
    novelty: Option<f32>,
    reasons: [(); 0],
    /// Whether calls were lost inside the trace; a file loses none.
    tainted: bool,
}

/// Runs the command.
pub(super) fn run(args: &ScoreArgs, output: Output) -> Outcome {
    super::set_threads(args.threads)?;
    let model = model::load(&args.model)?;
    let normal = normal_class(&model.about.classes);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for path in &args.input {
        let data = input::load(&input::source(std::slice::from_ref(path), &args.read)?, output)?;
        let tokens = encode(&model, &data, output);
        for chunk in data.traces.chunks(CHUNK) {
            let rows: Vec<Vec<u32>> = chunk
                .iter()
                .map(|trace| {
                    let calls = model.about.input.cut(&trace.calls);
                    calls.iter().map(|&call| tokens[usize::from(call)]).collect()
                })
                .collect();
            let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
            let answers = model.network.predict(&rows)?;
            for (trace, row) in chunk.iter().zip(answers.rows()) {
                let verdict = verdict(trace.source.to_string(), row, &model.about.classes, normal);
                serde_json::to_writer(&mut out, &verdict)?;
                out.write_all(b"\n")?;
            }
        }
    }
    out.flush()?;
    Ok(ExitStatus::Fine)
}

/// The verdict on one row of outputs; rows that do not sum to 1 (sigmoid) are divided by their sum.
fn verdict<'a>(source: String, row: &[f32], classes: &'a [String], normal: Option<u16>) -> Verdict<'a> {
    let sum: f32 = row.iter().sum();
    let shares: Vec<f32> = row.iter().map(|p| if sum > 0.0 { p / sum } else { f32::NAN }).collect();
    let best = shares.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i);
    let is_normal = normal.map(usize::from) == Some(best);
    Verdict {
        source,
        verdict: if is_normal { "normal" } else { "attack" },
        family: (!is_normal).then(|| classes[best].as_str()),
        p_attack: normal.map(|normal| 1.0 - shares[usize::from(normal)]),
        probabilities: classes
            .iter()
            .zip(&shares)
            .map(|(class, p)| (class.clone(), Value::from(*p)))
            .collect(),
        novelty: None,
        reasons: [],
        tainted: false,
    }
}

/// The model's token for each call of `data`; says on stderr how many calls found none.
pub(super) fn encode(model: &ModelFile, data: &Dataset, output: Output) -> Vec<u32> {
    let vocabulary = &model.about.vocabulary;
    let encoding = vocabulary.encode(data);
    if data.abi != vocabulary.abi {
        output.warning(format_args!(
            "{} is {}, the model was trained on {}: {:.1} % of its calls were found by another name, {:.1} % have no counterpart",
            data.name,
            data.abi,
            vocabulary.abi,
            100.0 * encoding.translated_share,
            100.0 * encoding.unknown_share,
        ));
    } else if encoding.unknown_share > 0.01 {
        output.warning(format_args!(
            "{:.1} % of the calls in {} were never seen in training",
            100.0 * encoding.unknown_share,
            data.name
        ));
    }
    if encoding.unknown_share > 0.01 || (encoding.unknown_share > 0.0 && output.verbose > 0) {
        let calls: Vec<String> =
            encoding.unknown_calls.iter().take(5).map(|(name, n)| format!("{name} ({n})")).collect();
        output.note(format_args!("calls without a token: {}", calls.join(", ")));
    }
    encoding.tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sigmoid_row_is_shared_out() {
        let classes = ["normal".to_owned(), "a".to_owned(), "b".to_owned()];
        let verdict = verdict(String::new(), &[0.5, 1.0, 0.5], &classes, Some(0));
        assert_eq!(verdict.family, Some("a"));
        assert_eq!(verdict.verdict, "attack");
        assert_eq!(verdict.p_attack, Some(0.75));
    }

    #[test]
    fn without_a_normal_class_every_trace_is_of_a_family() {
        let classes = ["a".to_owned(), "b".to_owned()];
        let verdict = verdict(String::new(), &[0.9, 0.1], &classes, None);
        assert_eq!((verdict.family, verdict.p_attack), (Some("a"), None));
    }
}
