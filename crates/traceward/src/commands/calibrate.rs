//! `calibrate`: thresholds from the user's own normal traces, written into the model file.

use std::path::Path;

use serde::Serialize;
use traceward_detect::calibrate::conformal::{Halves, halves, normals_for};
use traceward_detect::calibrate::{
    Calibration, FALSE_ALARM_RATES, Moments, Options, Threshold, Watch, follow_all,
};
use traceward_trace::{normal_class, split};

use super::score::{encode, tokens};
use crate::classifier::{AnyModel, file_of};
use crate::cli::CalibrateArgs;
use crate::error::{ExitStatus, Failure, Outcome};
use crate::input;
use crate::output::{Format, Output, counted};

/// What the command says: what was asked, what it rests on, and the thresholds.
#[derive(Serialize)]
struct Report<'a> {
    model: &'a Path,
    data: &'a str,
    normals: u64,
    far: f64,
    /// P(attack) above this is an alarm, at any moment of a process's life.
    threshold: f64,
    /// P(attack) above this is an alarm, for a finished trace that is judged once.
    threshold_at_end: f64,
    /// A normal process alarms with at most this probability.
    guaranteed: f64,
    /// Whether the normals were enough for the rate that was asked for.
    enough: bool,
    /// How many would be.
    normals_needed: u64,
    /// When a live process is looked at.
    moments: Moments,
    /// The thresholds at the usual rates and the one that was asked for.
    levels: Vec<Level>,
    /// The later half of the normals judged by the earlier one.
    halves: Vec<Halves>,
}

#[derive(Serialize)]
struct Level {
    far: f64,
    life: Pair,
    end: Pair,
}

#[derive(Serialize)]
struct Pair {
    attack: Threshold,
    novelty: Option<Threshold>,
}

/// Runs the command.
pub(super) fn run(args: &CalibrateArgs, output: Output) -> Outcome {
    super::set_threads(args.threads)?;
    let mut model = AnyModel::load(&args.model)?;
    let file = file_of(&args.model)?;
    let normal = normal_class(&model.about.classes).ok_or_else(|| {
        Failure::new(format_args!(
            "{} has no normal class (it has {}), so it has no P(attack) to be calibrated",
            file.display(),
            model.about.classes.join(", ")
        ))
    })?;
    let (normals, data) = read_normals(args, &model, output)?;
    let previous = model.about.calibration.as_ref().map(Calibration::from_json);
    let temperature = match previous {
        Some(Ok(calibration)) => calibration.temperature,
        // What does not read is about to be replaced.
        Some(Err(_)) | None => Default::default(),
    };
    let watch = Watch::to_calibrate(model.classifier(), normal, temperature);
    let traces: Vec<&[u32]> = normals.iter().map(Vec::as_slice).collect();
    let lives = follow_all(&watch, &traces).map_err(Failure::new)?;
    let options = Options { far: args.far.0, data, temperature, vocabulary: model.about.vocabulary.size() };
    let calibration =
        Calibration::of_lives(&traces, &lives, watch.moments, &options).map_err(Failure::new)?;

    let rates = rates(options.far);
    let peaks: Vec<f64> = lives.iter().map(|life| life.course.peak).collect();
    let report = Report {
        levels: rates.iter().map(|&far| level(&calibration, far)).collect(),
        halves: rates.iter().filter_map(|&far| halves(&peaks, far)).collect(),
        ..report(&calibration, args.out.as_deref().unwrap_or(&file))
    };
    model.about.calibration = Some(calibration.to_json());
    model.save(report.model)?;
    say(&report, output);
    match output.format {
        Format::Json => output.json(&report)?,
        Format::Text => output.text(&text(&report))?,
    }
    Ok(ExitStatus::Fine)
}

/// The normal traces of all that was typed, as tokens, and what to call them.
fn read_normals(
    args: &CalibrateArgs,
    model: &AnyModel,
    output: Output,
) -> Result<(Vec<Vec<u32>>, String), Failure> {
    let (mut normals, mut names) = (Vec::new(), Vec::new());
    for path in &args.normals {
        let data = input::load(&input::source(std::slice::from_ref(path), &args.read)?, output)?;
        let indices: Vec<u32> = match &model.about.split {
            Some(config) if data.fingerprint().to_string() == model.about.fingerprint => {
                output.note(format_args!(
                    "{} is what the model was trained on: only its validation side is used",
                    data.name
                ));
                split::split(&data, config)?.validation
            }
            _ => (0..data.traces.len() as u32).collect(),
        };
        let wanted = data.normal_class();
        let (all, before) = (indices.len(), normals.len());
        let table = encode(model, &data, output);
        for index in indices {
            let trace = &data.traces[index as usize];
            if trace.class.is_none() || trace.class == wanted {
                normals.push(tokens(trace, &table));
            }
        }
        let left_out = (all - (normals.len() - before)) as u64;
        if left_out == all as u64 {
            return Err(Failure::new(format_args!(
                "{} has no normal traces to calibrate on: all are labelled {}",
                data.name,
                data.classes.join(", ")
            ))
            .hint("traces count as normal if they are labelled normal or benign, or not labelled at all"));
        }
        if left_out > 0 {
            output.warning(format_args!(
                "{} of {} labelled as no normals left out",
                counted(left_out, "trace", "traces"),
                data.name
            ));
        }
        names.push(data.name);
    }
    Ok((normals, names.join(", ")))
}

/// The usual rates and the one that was asked for, from the least up.
fn rates(far: f64) -> Vec<f64> {
    let mut rates = FALSE_ALARM_RATES.to_vec();
    if !rates.contains(&far) {
        rates.push(far);
    }
    rates.sort_by(f64::total_cmp);
    rates
}

fn level(calibration: &Calibration, far: f64) -> Level {
    let pair = |at_end| {
        let table = calibration.table(at_end);
        Pair {
            attack: table.attack.threshold(far),
            novelty: table.novelty.as_ref().map(|tail| tail.threshold(far)),
        }
    };
    Level { far, life: pair(false), end: pair(true) }
}

fn report<'a>(calibration: &'a Calibration, model: &'a Path) -> Report<'a> {
    let asked = calibration.life.attack.threshold(calibration.far);
    Report {
        model,
        data: &calibration.data,
        normals: calibration.normals(),
        far: calibration.far,
        threshold: asked.above,
        threshold_at_end: calibration.end.attack.threshold(calibration.far).above,
        guaranteed: asked.guaranteed,
        enough: asked.enough,
        normals_needed: normals_for(calibration.far),
        moments: calibration.life.moments,
        levels: Vec::new(),
        halves: Vec::new(),
    }
}

/// What the user may have to act on.
fn say(report: &Report<'_>, output: Output) {
    if !report.enough {
        output.warning(format_args!(
            "{} normals cannot hold false alarms to {}: that takes {}. The threshold is the highest score of all; a normal process passes it with a chance of {} at most",
            report.normals,
            percent(report.far),
            report.normals_needed,
            percent(report.guaranteed)
        ));
    }
    for halves in report.halves.iter().filter(|halves| !halves.alike()) {
        output.warning(format_args!(
            "the later half of these normals scores unlike the earlier one: by its threshold for {}, {} of {} would alarm, and {} to {} were expected. The promise holds only for processes like all of these",
            percent(halves.far),
            halves.flagged,
            halves.judged,
            halves.expected[0],
            halves.expected[1],
        ));
    }
}

fn text(report: &Report<'_>) -> String {
    let mut text = format!(
        "{} calibrated on {} of {}.\nAlarm: P(attack) above {:.4} at any moment of a live process's life, above {:.4} for a finished trace that is judged once. At most {} of normal processes ever alarm, {:.1} of 1,000.\n\n",
        report.model.display(),
        counted(report.normals, "normal trace", "normal traces"),
        report.data,
        report.threshold,
        report.threshold_at_end,
        percent(report.guaranteed),
        1000.0 * report.guaranteed,
    );
    let novelty = report.levels.iter().any(|level| level.life.novelty.is_some());
    text.push_str("  false alarms    P(attack) above           ");
    text.push_str(if novelty { "novelty above\n" } else { "\n" });
    text.push_str("  at most         over life   at the end    ");
    text.push_str(if novelty { "over life   at the end\n" } else { "\n" });
    for level in &report.levels {
        let guaranteed = level.life.attack.guaranteed;
        let mark = if level.life.attack.enough { " " } else { "*" };
        text.push_str(&format!(
            "  {:<8}{mark}       {:<9.6}   {:<9.6}     ",
            percent(guaranteed.max(level.far)),
            level.life.attack.above,
            level.end.attack.above
        ));
        if let (Some(life), Some(end)) = (level.life.novelty, level.end.novelty) {
            text.push_str(&format!("{:<9.6}   {:<9.6}", life.above, end.above));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    if report.levels.iter().any(|level| !level.life.attack.enough) {
        text.push_str("  * the least that so few normals can promise\n");
    }
    text
}

/// `0.1 %`, with as many digits as it takes.
fn percent(share: f64) -> String {
    let text = format!("{:.3}", 100.0 * share);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}
