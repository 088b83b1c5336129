//! `score`: the verdict on each trace, one line a trace, in the order of the input.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;
use traceward_detect::calibrate::{Calibration, Moments};
use traceward_detect::drift::Drift;
use traceward_detect::reasons::{Effort, Names, Question, Reasons, explain};
use traceward_detect::verdict::{How, Judge, Rules, UNCALIBRATED, Verdict, Word};
use traceward_report::terminal::printable;
use traceward_trace::{Dataset, Trace, Vocabulary, normal_class};

use crate::classifier::AnyModel;
use crate::cli::{self, ScoreArgs, WhatToExplain};
use crate::error::{ExitStatus, Failure, Outcome};
use crate::input;
use crate::output::{Output, counted};

/// Traces that are judged before their lines are written: bounds memory beside the input itself.
const CHUNK: usize = 1024;

/// One line of the output.
#[derive(Serialize)]
struct Line<'a> {
    /// Where the trace was read.
    source: String,
    #[serde(flatten)]
    verdict: &'a Verdict,
    /// The calls behind it, with their places, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Reasons>,
}

/// What was seen, for the summary.
#[derive(Default)]
struct Tally {
    traces: u64,
    calls: u64,
    unknown: f64,
    words: [u64; Word::ALL.len()],
    seconds: f64,
}

/// Runs the command.
pub(super) fn run(args: &ScoreArgs, format: Option<cli::Format>, output: Output) -> Outcome {
    super::set_threads(args.threads)?;
    let model = AnyModel::load(&args.model)?;
    let calibration =
        model.about.calibration.as_ref().map(Calibration::from_json).transpose().map_err(Failure::new)?;
    let how = How {
        far: args.far.map(|rate| rate.0),
        threshold: args.threshold,
        at_end: !args.life,
        rules: Rules::default(),
    };
    let judge = Judge::new(model.classifier(), &model.about.classes, calibration.as_ref(), how)
        .map_err(Failure::new)?;
    say(&args.model, &judge, calibration.as_ref(), args, output)?;
    // For pipes, JSON Lines are the default here; people ask for text.
    let text = format == Some(cli::Format::Text);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut tally = Tally::default();
    // Beginnings are held against nothing: what is usual was learnt from whole traces.
    let usual = calibration.as_ref().filter(|_| args.prefix.is_none()).and_then(|known| known.usual.as_ref());
    let mut drift = usual.and_then(Drift::new);
    for path in &args.input {
        let data = input::load(&input::source(std::slice::from_ref(path), &args.read)?, output)?;
        let table = encode(&model, &data, output);
        for chunk in data.traces.chunks(CHUNK) {
            let start = Instant::now();
            let rows: Vec<Vec<u32>> = chunk
                .iter()
                .map(|trace| {
                    let mut row = tokens(trace, &table);
                    row.truncate(args.prefix.map_or(usize::MAX, std::num::NonZero::get));
                    row
                })
                .collect();
            let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
            let mut verdicts = judge.judge(&rows).map_err(|error| {
                Failure::new(format_args!("{}: {}", chunk[error.trace].source, error.reason))
            })?;
            tally.seconds += start.elapsed().as_secs_f64();
            let evidence: Vec<Option<Reasons>> = rows
                .par_iter()
                .zip(&mut verdicts)
                .map(|(row, verdict)| explained(&model, row, verdict, args.reasons))
                .collect();
            for (trace, verdict) in chunk.iter().zip(&mut verdicts) {
                verdict.tainted = trace.lost > 0;
            }
            for (((trace, row), verdict), evidence) in chunk.iter().zip(&rows).zip(&verdicts).zip(evidence) {
                tally.count(verdict);
                if let Some(drift) = &mut drift {
                    drift.add(&data.name, row, verdict.p_attack);
                }
                let source = trace.source.to_string();
                if text {
                    writeln!(out, "{}", line(&source, verdict))?;
                } else {
                    serde_json::to_writer(&mut out, &Line { source, verdict, evidence })?;
                    out.write_all(b"\n")?;
                }
            }
        }
    }
    out.flush()?;
    tally.say(output);
    for source in drift.iter().flat_map(|drift| drift.report(&model.about.vocabulary).sources) {
        if let Some(hint) = &source.hint {
            output.warning(hint);
        }
    }
    Ok(if args.fail_on_attack && tally.attacks() > 0 { ExitStatus::Findings } else { ExitStatus::Fine })
}

/// Adds to a verdict the calls that moved it, if they are wanted.
fn explained(
    model: &AnyModel,
    trace: &[u32],
    verdict: &mut Verdict,
    wanted: WhatToExplain,
) -> Option<Reasons> {
    let all = wanted == WhatToExplain::All;
    let normal = normal_class(&model.about.classes).map(usize::from);
    let question = match (verdict.word, verdict.family, normal) {
        _ if wanted == WhatToExplain::None => return None,
        (Word::Attack, Some(family), None) if all => Question::Class(family.into()),
        (Word::Attack | Word::UnknownAttack, _, Some(normal)) => Question::Not(normal),
        (Word::Novel, ..) => Question::Novelty,
        (Word::Normal | Word::Abstain, _, Some(normal)) if all => Question::Not(normal),
        _ => return None,
    };
    // An alarm is explained by the calls that it was raised on.
    let upto = match verdict.score_at {
        Some(calls) if question != Question::Novelty => trace.len().min(calls as usize),
        _ => trace.len(),
    };
    let names = Names { vocabulary: &model.about.vocabulary, classes: &model.about.classes, sources: &[] };
    let reasons = explain(model.classifier(), &trace[..upto], question, names, Effort::default()).ok()?;
    verdict.reasons.extend(reasons.sentences());
    Some(reasons)
}

/// What stands behind the verdicts, said before them.
fn say(
    model: &Path,
    judge: &Judge<'_>,
    calibration: Option<&Calibration>,
    args: &ScoreArgs,
    output: Output,
) -> Result<(), Failure> {
    let Some(calibration) = calibration else {
        if let Some(far) = args.far {
            return Err(Failure::new(format_args!(
                "{} is not calibrated, so nothing is known of a false-alarm rate of {}",
                model.display(),
                far.0
            ))
            .hint(format!("traceward calibrate {} NORMALS", model.display()))
            .hint("or name a threshold of P(attack): --threshold 0.9"));
        }
        if args.threshold.is_none() && judge.watch().is_some() {
            output.warning(format_args!(
                "the model is not calibrated: P(attack) above {UNCALIBRATED} counts as an attack, and how many normals that flags is not known; traceward calibrate {} NORMALS finds out",
                model.display()
            ));
        }
        return Ok(());
    };
    let Some(threshold) = judge.attack_threshold() else { return Ok(()) };
    if !threshold.enough {
        output.warning(format_args!(
            "the model was calibrated on {} normals, too few for a false-alarm rate of {}: a normal is called an attack with a chance of {:.5} at most",
            threshold.normals, threshold.far, threshold.guaranteed
        ));
    }
    if output.verbose > 0 {
        output.note(format_args!(
            "P(attack) above {} {} counts as an attack: calibrated on {} normals of {} for a false-alarm rate of {}",
            judge.above(),
            if judge.moments() == Moments::End { "of the whole trace" } else { "at any moment of its life" },
            threshold.normals,
            calibration.data,
            threshold.far
        ));
    }
    Ok(())
}

/// A line for people: verdict, P(attack), source, why.
fn line(source: &str, verdict: &Verdict) -> String {
    let word = match verdict.family_name() {
        Some(family) => format!("{} {family}", verdict.word.name()),
        None => verdict.word.name().to_owned(),
    };
    let score = verdict.score.map_or("-".to_owned(), |score| format!("{score:.4}"));
    let mut line = format!("{word:<24} {score:>6}  {}", printable(source));
    for reason in &verdict.reasons {
        line.push_str("  ");
        line.push_str(reason);
    }
    line
}

impl Tally {
    fn count(&mut self, verdict: &Verdict) {
        self.traces += 1;
        self.calls += u64::from(verdict.calls);
        self.unknown += verdict.unknown_share * f64::from(verdict.calls);
        if let Some(place) = Word::ALL.iter().position(|word| *word == verdict.word) {
            self.words[place] += 1;
        }
    }

    fn attacks(&self) -> u64 {
        Word::ALL.iter().zip(self.words).filter(|(word, _)| word.is_attack()).map(|(_, n)| n).sum()
    }

    fn say(&self, output: Output) {
        let calls = self.calls.max(1) as f64;
        output.note(format_args!(
            "{}, {}: {}; {:.2} % of the calls are unknown to the model",
            counted(self.traces, "trace", "traces"),
            counted(self.calls, "call", "calls"),
            Word::tally(&self.words),
            100.0 * self.unknown / calls,
        ));
        if output.verbose > 0 {
            output.note(format_args!(
                "judged in {:.2} s: {:.0} calls/s",
                self.seconds,
                self.calls as f64 / self.seconds.max(1e-9)
            ));
        }
    }
}

/// A trace as the model's tokens; `table` is what [`encode`] made.
pub(super) fn tokens(trace: &Trace, table: &[u32]) -> Vec<u32> {
    trace.calls.iter().map(|&call| table[usize::from(call)]).collect()
}

/// The model's token for each call of `data`; says on stderr how many calls found none.
pub(super) fn encode(model: &AnyModel, data: &Dataset, output: Output) -> Vec<u32> {
    let vocabulary: &Vocabulary = &model.about.vocabulary;
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
