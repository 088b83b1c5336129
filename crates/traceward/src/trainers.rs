//! Everything that can be trained, by name, as a protocol wants it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::Ordering;

use traceward_detect::Trainer;
use traceward_model::Network;
use traceward_ngram::Recipe;
use traceward_run::config::TrainConfig;
use traceward_run::{Classifier, Labelled, Preset};
use traceward_trace::rng::Rng;
use traceward_train::{Control, Examples, Stopped, Traces, fit};

use crate::classifier::WholeTraces;
use crate::error::Failure;
use crate::interrupt::StopFlag;

/// The share of groups in each class that early stopping watches.
const WATCHED: f64 = 0.15;

/// The names that [`trainer`] knows.
pub fn names() -> Vec<&'static str> {
    let networks = Preset::ALL.iter().map(|preset| preset.name());
    Recipe::names().into_iter().chain(networks).collect()
}

/// What trains the model of this name: a preset or a recipe.
///
/// # Errors
/// If nothing is called so; the hint names what there is.
pub fn trainer(name: &str, classes: &[String], stop: &StopFlag) -> Result<Box<dyn Trainer>, Failure> {
    if let Some(recipe) = Recipe::named(name) {
        return Ok(Box::new(RecipeTrainer { name: name.to_owned(), recipe }));
    }
    if let Ok(preset) = name.parse::<Preset>() {
        return Ok(network(name, preset.config(), classes, stop));
    }
    Err(Failure::new(format_args!("no model is called {name:?}"))
        .hint(format!("there are {}", names().join(", "))))
}

/// What trains the network of a configuration file.
///
/// # Errors
/// If it cannot be read.
pub fn of_config(path: &Path, classes: &[String], stop: &StopFlag) -> Result<Box<dyn Trainer>, Failure> {
    let config = TrainConfig::load(path)?;
    let name = path.file_stem().map_or("network".into(), |stem| stem.to_string_lossy().into_owned());
    Ok(network(&name, config, classes, stop))
}

/// What trains a network of this configuration.
pub fn network(name: &str, config: TrainConfig, classes: &[String], stop: &StopFlag) -> Box<dyn Trainer> {
    Box::new(NetworkTrainer { name: name.to_owned(), config, classes: classes.to_vec(), stop: stop.clone() })
}

/// Fits a recipe.
struct RecipeTrainer {
    name: String,
    recipe: Recipe,
}

impl Trainer for RecipeTrainer {
    fn name(&self) -> &str {
        &self.name
    }

    fn seeded(&self) -> bool {
        self.recipe.seeded()
    }

    fn train(&self, data: &Labelled<'_>, seed: u64) -> Result<Box<dyn Classifier>, String> {
        let model = self.recipe.fit(data, seed, &|_| ()).map_err(|error| error.to_string())?;
        Ok(Box::new(model))
    }
}

/// Trains a network; its configuration's split and seed give way to the protocol's.
struct NetworkTrainer {
    name: String,
    config: TrainConfig,
    classes: Vec<String>,
    stop: StopFlag,
}

impl Trainer for NetworkTrainer {
    fn name(&self) -> &str {
        &self.name
    }

    fn train(&self, data: &Labelled<'_>, seed: u64) -> Result<Box<dyn Classifier>, String> {
        let config = TrainConfig { seed, ..self.config.clone() };
        let watched = match config.fit.early_stopping {
            Some(_) => watched(data, seed),
            None => vec![false; data.len()],
        };
        let side = |validation: bool| {
            let mut traces = Traces::new();
            for (place, trace) in data.traces.iter().enumerate() {
                if watched[place] == validation {
                    traces.push(config.input.cut(trace).iter().copied(), data.labels[place].into());
                }
            }
            traces
        };
        let examples = Examples {
            train: side(false),
            validation: side(true),
            classes: self.classes.clone(),
            fingerprint: String::new(),
        };
        let spec = config.model.resolve(data.vocabulary, data.classes);
        let mut network =
            Network::build(&spec, data.vocabulary, data.classes, seed).map_err(|error| error.to_string())?;
        let control = Control { stop: self.stop.clone(), ..Control::default() };
        let fitted =
            fit(&mut network, &examples, &config, &mut [], &control).map_err(|error| error.to_string())?;
        if matches!(fitted.stopped, Stopped::Interrupted) || self.stop.load(Ordering::SeqCst) {
            return Err("stopped".into());
        }
        Ok(Box::new(WholeTraces { network, input: config.input }))
    }
}

/// The traces that early stopping watches: whole groups, the same share of each class.
fn watched(data: &Labelled<'_>, seed: u64) -> Vec<bool> {
    let mut groups_of_class: Vec<Vec<u32>> = vec![Vec::new(); data.classes];
    for (&label, &group) in data.labels.iter().zip(&data.groups) {
        let groups = &mut groups_of_class[usize::from(label)];
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    let mut chosen: HashSet<u32> = HashSet::new();
    for (class, groups) in groups_of_class.iter_mut().enumerate() {
        Rng::stream(seed, class as u64).shuffle(groups);
        chosen.extend(groups.iter().take((WATCHED * groups.len() as f64).round() as usize));
    }
    data.groups.iter().map(|group| chosen.contains(group)).collect()
}
