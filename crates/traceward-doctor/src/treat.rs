//! Applies a change to a plan: pure, so that what a treatment does can be read, tested and shown as a diff
//! before anything is trained.
//!
//! A change that a plan already has, or that does not fit it, is an error and never a silent nothing: a
//! trial of nothing would be accepted or rejected by noise alone.

use traceward_run::config::Input;
use traceward_run::config::{ClassWeight, EarlyStopping, Loss, Monitor, Optimizer, Schedule};
use traceward_run::spec::{Activation, Layer, LayerSpec, Weights};
use traceward_trace::split::Method;

use crate::plan::{Plan, PlanFacts};
use crate::{CauseKind, Change};

/// Why a change cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotApplicable {
    /// The plan is already so.
    #[error("the training is already so")]
    Already,
    /// There is no such layer, or it has nothing to change.
    #[error("layer {layer} {why}")]
    Layer {
        /// Its place, from 0.
        layer: usize,
        /// What it lacks.
        why: &'static str,
    },
    /// The network has no layer of the kind.
    #[error("the network has no {0}")]
    NoSuchLayer(&'static str),
    /// A name that traceward does not know.
    #[error("traceward knows no {what} {name:?}")]
    Name {
        /// Of what.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// It rests on something that is not known.
    #[error("it needs {0}")]
    Unknown(&'static str),
    /// What it asks for is out of range.
    #[error("{0}")]
    Range(String),
    /// There is nothing in a plan that it would change.
    #[error("{0}")]
    NotInPlan(&'static str),
}

/// The plan with the change made.
///
/// # Errors
/// If the change does not fit, the plan is already so, or the changed plan could not be trained.
pub fn apply(change: &Change, plan: &Plan, facts: &PlanFacts) -> Result<Plan, NotApplicable> {
    let mut after = plan.clone();
    make(change, &mut after, facts)?;
    if after == *plan {
        return Err(NotApplicable::Already);
    }
    after.config.check_values().map_err(|error| NotApplicable::Range(error.to_string()))?;
    Ok(after)
}

/// Whether a change concerns how the training is judged rather than how well it does: which traces
/// validate, and in which order they come. Its worth cannot be read off the validation figures, since it
/// changes what those are figures of.
pub fn changes_evaluation(change: &Change) -> bool {
    matches!(change, Change::Shuffle | Change::GroupedSplit | Change::ValidationShare { .. })
}

/// The cause that a change removes, where it is the same for every use of the change.
pub fn removes(change: &Change) -> Option<CauseKind> {
    Some(match change {
        Change::OutputActivation { .. } => CauseKind::OutputActivation,
        Change::HiddenActivation { .. } | Change::HiddenActivations { .. } => CauseKind::HiddenLinear,
        Change::SaturatingActivations { .. } => CauseKind::HiddenActivation,
        Change::Loss { .. } => CauseKind::Loss,
        Change::OutputUnits => CauseKind::OutputUnits,
        Change::Dropout { .. } => CauseKind::TooLittleRegularization,
        Change::DropoutAtMost { .. } => CauseKind::TooMuchRegularization,
        Change::ScaleUnits { .. } => CauseKind::Capacity,
        Change::Initializers => CauseKind::Initialization,
        Change::Unfreeze => CauseKind::FrozenLayer,
        Change::ConstantLearningRate => CauseKind::Schedule,
        Change::Optimizer { .. } => CauseKind::Optimizer,
        Change::ClipNorm { .. } => CauseKind::ExplodingGradient,
        Change::BatchSize { .. } => CauseKind::BatchSize,
        Change::EarlyStopping { .. } => CauseKind::TooManyEpochs,
        Change::Shuffle => CauseKind::SortedData,
        Change::GroupedSplit => CauseKind::Leak,
        Change::ValidationShare { .. } => CauseKind::NoValidation,
        Change::ClassWeight => CauseKind::Imbalance,
        Change::MaxLen { .. } => CauseKind::Truncation,
        Change::DropBadRows => CauseKind::BadValues,
        Change::Vocabulary => CauseKind::Vocabulary,
        _ => return None,
    })
}

fn make(change: &Change, plan: &mut Plan, facts: &PlanFacts) -> Result<(), NotApplicable> {
    let config = &mut plan.config;
    let layers = &mut config.model.layers;
    match change {
        Change::OutputActivation { activation } => set_output_activation(layers, known(activation)?)?,
        Change::HiddenActivation { layer, activation } => set_activation(layers, *layer, known(activation)?)?,
        Change::HiddenActivations { activation } => {
            let activation = known(activation)?;
            let linear: Vec<usize> = (0..layers.len()).filter(|&at| is_hidden_linear(layers, at)).collect();
            for at in linear {
                set_activation(layers, at, activation)?;
            }
        }
        Change::SaturatingActivations { activation } => {
            let activation = known(activation)?;
            let output = last_dense(layers).ok_or(NotApplicable::NoSuchLayer("Dense"))?;
            for spec in &mut layers[..output] {
                if let Layer::Dense { activation: own, .. }
                | Layer::Conv1D { activation: own, .. }
                | Layer::Activation { activation: own } = &mut spec.layer
                    && matches!(own, Activation::Sigmoid | Activation::Tanh)
                {
                    *own = activation;
                }
            }
        }
        Change::Loss { loss } => config.compile.loss = known_loss(loss)?,
        Change::OutputUnits => {
            let last = last_dense(layers).ok_or(NotApplicable::NoSuchLayer("Dense"))?;
            if let Layer::Dense { units, .. } = &mut layers[last].layer {
                *units = 0;
            }
        }
        Change::RemoveLayer { layer } => {
            let carries = layers.get(*layer).ok_or(missing(*layer))?;
            if matches!(carries.layer, Layer::Embedding { .. }) || last_dense(layers) == Some(*layer) {
                return Err(NotApplicable::Layer { layer: *layer, why: "is one that the network needs" });
            }
            layers.remove(*layer);
        }
        Change::Dropout { after, rate } => add_dropout(layers, *after, *rate as f32)?,
        Change::DropoutAtMost { rate } => {
            for spec in layers.iter_mut() {
                lower_dropout(&mut spec.layer, *rate as f32);
            }
        }
        Change::ScaleUnits { factor } => {
            let output = last_dense(layers);
            for (at, spec) in layers.iter_mut().enumerate() {
                if Some(at) != output {
                    scale_units(&mut spec.layer, *factor);
                }
            }
        }
        Change::Initializers => {
            for spec in layers.iter_mut() {
                spec.weights = Weights { trainable: spec.weights.trainable, ..Weights::default() };
            }
        }
        Change::Unfreeze => layers.iter_mut().for_each(|spec| spec.weights.trainable = true),
        Change::LearningRate { learning_rate } => set_rate(&mut config.compile.optimizer, *learning_rate)?,
        Change::ScaleLearningRate { factor } => {
            let rate = f64::from(config.compile.optimizer.learning_rate()) * factor;
            set_rate(&mut config.compile.optimizer, rounded(rate))?;
        }
        Change::LearningRateFromRangeTest => {
            let rate =
                facts.suggested_rate.ok_or(NotApplicable::Unknown("a range test that found a rate"))?;
            set_rate(&mut config.compile.optimizer, rounded(rate))?;
        }
        Change::ConstantLearningRate => config.fit.schedule = Schedule::Constant,
        Change::Optimizer { name } => config.compile.optimizer = known_optimizer(name)?,
        Change::ClipNorm { norm } => {
            if config.compile.clip_norm.is_some_and(|now| f64::from(now) <= *norm) {
                return Err(NotApplicable::Already);
            }
            config.compile.clip_norm = Some(*norm as f32);
        }
        Change::BatchSize { batch_size } => config.fit.batch_size = *batch_size,
        Change::Epochs { epochs } => config.fit.epochs = epochs_of(*epochs as f64)?,
        Change::ScaleEpochs { factor } => {
            config.fit.epochs = epochs_of((f64::from(config.fit.epochs) * factor).ceil())?;
        }
        Change::EarlyStopping { patience } => {
            if !plan.validates() {
                return Err(NotApplicable::Unknown("validation data to watch"));
            }
            // A run that stops early already gives back its best epoch; another patience is no new idea.
            if plan.config.fit.early_stopping.is_some_and(|now| now.restore_best_weights) {
                return Err(NotApplicable::Already);
            }
            plan.config.fit.early_stopping = Some(EarlyStopping {
                monitor: Monitor::ValLoss,
                patience: u32::try_from(*patience).unwrap_or(u32::MAX).max(1),
                min_delta: 0.0,
                restore_best_weights: true,
            });
        }
        Change::Shuffle => {
            config.fit.shuffle = true;
            if config.split.method == Method::Tail {
                config.split.shuffle_first = true;
            }
        }
        Change::GroupedSplit => {
            config.split.method = Method::Grouped;
            config.split.shuffle_first = false;
        }
        Change::ValidationShare { share } => {
            if config.split.method == Method::Given {
                return Err(NotApplicable::Already);
            }
            // What was the tail of nothing becomes the tail of the file: not a share to judge by.
            if config.split.validation_share == 0.0 && config.split.method == Method::Tail {
                config.split.method = Method::Grouped;
            }
            config.split.validation_share = *share;
        }
        Change::ClassWeight => config.fit.class_weight = ClassWeight::Balanced,
        Change::MaxLen { max_len } => {
            config.input = Input { max_len: max_len.map(|len| len.max(1)), ..config.input.clone() };
        }
        Change::DropBadRows => {
            return Err(NotApplicable::NotInPlan("bad rows are left out when the data is read"));
        }
        Change::Vocabulary => {
            let mut found = false;
            for spec in layers.iter_mut() {
                if let Layer::Embedding { input_dim, .. } = &mut spec.layer {
                    (*input_dim, found) = (0, true);
                }
            }
            if !found {
                return Err(NotApplicable::NoSuchLayer("Embedding"));
            }
        }
    }
    Ok(())
}

fn missing(layer: usize) -> NotApplicable {
    NotApplicable::Layer { layer, why: "is not there" }
}

fn known(activation: &str) -> Result<Activation, NotApplicable> {
    Activation::ALL
        .into_iter()
        .find(|known| known.name() == activation)
        .ok_or_else(|| NotApplicable::Name { what: "activation", name: activation.into() })
}

fn known_loss(name: &str) -> Result<Loss, NotApplicable> {
    Ok(match name {
        "categorical_crossentropy" => Loss::CategoricalCrossentropy,
        "sparse_categorical_crossentropy" => Loss::SparseCategoricalCrossentropy,
        "binary_crossentropy" => Loss::BinaryCrossentropy,
        "mean_squared_error" | "mse" => Loss::MeanSquaredError,
        _ => return Err(NotApplicable::Name { what: "loss", name: name.into() }),
    })
}

/// An optimizer with Keras' defaults, its learning rate among them: a rate that was chosen for one
/// optimizer says nothing of another.
fn known_optimizer(name: &str) -> Result<Optimizer, NotApplicable> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "sgd" => Optimizer::sgd(0.01),
        "adam" => Optimizer::adam(0.001),
        "adamw" => Optimizer::adamw(0.001),
        "rmsprop" => Optimizer::rmsprop(0.001),
        _ => return Err(NotApplicable::Name { what: "optimizer", name: name.into() }),
    })
}

fn set_rate(optimizer: &mut Optimizer, rate: f64) -> Result<(), NotApplicable> {
    let rate = rate as f32;
    if rate.is_normal() && rate > 0.0 {
        optimizer.set_learning_rate(rate);
        return Ok(());
    }
    Err(NotApplicable::Range(format!("a learning rate of {rate} is none")))
}

/// To two digits: a tenth of 0.01 is 0.001, not what f32 makes of it, and no range test knows a third.
fn rounded(rate: f64) -> f64 {
    format!("{rate:.1e}").parse().unwrap_or(rate)
}

fn epochs_of(epochs: f64) -> Result<u32, NotApplicable> {
    if (1.0..=1e6).contains(&epochs) {
        return Ok(epochs as u32);
    }
    Err(NotApplicable::Range(format!("{epochs} epochs are none")))
}

fn last_dense(layers: &[LayerSpec]) -> Option<usize> {
    layers.iter().rposition(|spec| matches!(spec.layer, Layer::Dense { .. }))
}

/// The network's last word gets this activation, whether it is an argument of the last Dense or a layer
/// after it. Where it is both, both become one: a softmax of a softmax is no softmax.
fn set_output_activation(layers: &mut Vec<LayerSpec>, wanted: Activation) -> Result<(), NotApplicable> {
    let last = last_dense(layers).ok_or(NotApplicable::NoSuchLayer("Dense"))?;
    let is_activation = |spec: &LayerSpec| matches!(spec.layer, Layer::Activation { .. });
    if let Some(own) = layers[last + 1..].iter().rposition(is_activation).map(|at| last + 1 + at) {
        let mut at = 0;
        layers.retain(|spec| {
            at += 1;
            at - 1 <= last || at - 1 == own || !is_activation(spec)
        });
        if let Some(spec) = layers[last + 1..].iter_mut().find(|spec| is_activation(spec)) {
            spec.layer = Layer::Activation { activation: wanted };
        }
        if let Layer::Dense { activation, .. } = &mut layers[last].layer {
            *activation = Activation::Linear;
        }
    } else if let Layer::Dense { activation, .. } = &mut layers[last].layer {
        *activation = wanted;
    }
    Ok(())
}

fn set_activation(layers: &mut [LayerSpec], at: usize, wanted: Activation) -> Result<(), NotApplicable> {
    let spec = layers.get_mut(at).ok_or(missing(at))?;
    match &mut spec.layer {
        Layer::Dense { activation, .. }
        | Layer::Conv1D { activation, .. }
        | Layer::Activation { activation } => *activation = wanted,
        _ => return Err(NotApplicable::Layer { layer: at, why: "has no activation to set" }),
    }
    Ok(())
}

/// A Dense or Conv1D before the last Dense, after which no activation comes until the next layer with
/// weights.
fn is_hidden_linear(layers: &[LayerSpec], at: usize) -> bool {
    let linear = matches!(
        layers[at].layer,
        Layer::Dense { activation: Activation::Linear, .. }
            | Layer::Conv1D { activation: Activation::Linear, .. }
    );
    let bends = |spec: &LayerSpec| matches!(spec.layer, Layer::Activation { activation } if activation != Activation::Linear);
    let weighs = |spec: &LayerSpec| {
        matches!(
            spec.layer,
            Layer::Dense { .. }
                | Layer::Conv1D { .. }
                | Layer::Lstm(_)
                | Layer::Gru(_)
                | Layer::Bidirectional { .. }
        )
    };
    let activated = layers[at + 1..].iter().take_while(|spec| !weighs(spec)).any(bends);
    linear && !activated && last_dense(layers).is_some_and(|last| at < last)
}

fn add_dropout(layers: &mut Vec<LayerSpec>, after: usize, wanted: f32) -> Result<(), NotApplicable> {
    let last = last_dense(layers).unwrap_or(layers.len());
    if after >= layers.len() {
        return Err(missing(after));
    }
    if after >= last {
        return Err(NotApplicable::Layer { layer: after, why: "is the output, which no dropout may follow" });
    }
    if let Layer::Dropout { rate } = &mut layers[after + 1].layer {
        if *rate >= wanted {
            return Err(NotApplicable::Already);
        }
        *rate = wanted;
        return Ok(());
    }
    if matches!(layers[after].layer, Layer::Dropout { .. }) {
        return Err(NotApplicable::Already);
    }
    layers.insert(after + 1, Layer::Dropout { rate: wanted }.into());
    Ok(())
}

fn lower_dropout(layer: &mut Layer, most: f32) {
    match layer {
        Layer::Dropout { rate } | Layer::SpatialDropout1D { rate } => *rate = rate.min(most),
        Layer::Lstm(recurrent) | Layer::Gru(recurrent) => {
            recurrent.dropout = recurrent.dropout.min(most);
            recurrent.recurrent_dropout = recurrent.recurrent_dropout.min(most);
        }
        Layer::Bidirectional { layer, .. } => lower_dropout(layer, most),
        _ => {}
    }
}

fn scale_units(layer: &mut Layer, factor: f64) {
    let scaled = |units: &mut usize| *units = ((*units as f64 * factor).round() as usize).max(1);
    match layer {
        Layer::Embedding { output_dim, .. } => scaled(output_dim),
        Layer::Lstm(recurrent) | Layer::Gru(recurrent) => scaled(&mut recurrent.units),
        Layer::Bidirectional { layer, .. } => scale_units(layer, factor),
        Layer::Conv1D { filters, .. } => scaled(filters),
        Layer::Dense { units, .. } => scaled(units),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use traceward_run::Preset;
    use traceward_run::spec::{Initializer, Recurrent};

    use super::*;

    fn article(preset: Preset) -> Plan {
        preset.config().into()
    }

    fn with(layers: impl IntoIterator<Item = Layer>) -> Plan {
        let mut plan = article(Preset::Article5);
        plan.config.model.layers = layers.into_iter().map(LayerSpec::from).collect();
        plan
    }

    #[expect(clippy::needless_pass_by_value, reason = "a change is written where it is made")]
    fn changed(change: Change, plan: &Plan) -> Plan {
        apply(&change, plan, &PlanFacts::default()).unwrap()
    }

    #[expect(clippy::needless_pass_by_value, reason = "a change is written where it is made")]
    fn refused(change: Change, plan: &Plan) -> NotApplicable {
        apply(&change, plan, &PlanFacts::default()).unwrap_err()
    }

    fn layers(plan: &Plan) -> Vec<&Layer> {
        plan.config.model.layers.iter().map(|spec| &spec.layer).collect()
    }

    /// The diary's five treatments lead from its first network to its last.
    #[test]
    fn the_diary_from_its_first_page_to_its_last() {
        let mut plan = article(Preset::Article1);
        for change in [
            Change::OutputActivation { activation: "softmax".into() },
            Change::HiddenActivations { activation: "relu".into() },
            Change::ScaleLearningRate { factor: 0.01 },
            Change::Shuffle,
            Change::ScaleEpochs { factor: 10.0 },
            Change::Dropout { after: 1, rate: 0.25 },
        ] {
            plan = changed(change, &plan);
        }
        let mut last = article(Preset::Article5);
        last.config.preset = plan.config.preset.clone();
        last.config.model.name.clone_from(&plan.config.model.name);
        assert_eq!(plan, last);
    }

    #[test]
    fn the_output_activation_is_set_where_it_stands() {
        let softmax = || Change::OutputActivation { activation: "softmax".into() };
        let inside = with([Layer::dense(4, Activation::Relu), Layer::dense(0, Activation::Sigmoid)]);
        assert_eq!(layers(&changed(softmax(), &inside))[1], &Layer::dense(0, Activation::Softmax));
        let both = with([
            Layer::dense(0, Activation::Sigmoid),
            Layer::Activation { activation: Activation::Relu },
            Layer::Activation { activation: Activation::Sigmoid },
        ]);
        assert_eq!(
            layers(&changed(softmax(), &both)),
            [&Layer::dense(0, Activation::Linear), &Layer::Activation { activation: Activation::Softmax }]
        );
        assert_eq!(refused(softmax(), &article(Preset::Article5)), NotApplicable::Already);
        let unknown = refused(Change::OutputActivation { activation: "sigmond".into() }, &inside);
        assert_eq!(unknown.to_string(), "traceward knows no activation \"sigmond\"");
    }

    #[test]
    fn hidden_layers_that_are_activated_later_are_left_alone() {
        let plan = with([
            Layer::conv1d(8, 3, Activation::Linear),
            Layer::batch_normalization(),
            Layer::Activation { activation: Activation::Relu },
            Layer::dense(4, Activation::Linear),
            Layer::dense(0, Activation::Softmax),
        ]);
        let after = changed(Change::HiddenActivations { activation: "relu".into() }, &plan);
        assert_eq!(layers(&after)[0], layers(&plan)[0]);
        assert_eq!(layers(&after)[3], &Layer::dense(4, Activation::Relu));
        assert_eq!(layers(&after)[4], layers(&plan)[4]);
        let one = Change::HiddenActivation { layer: 1, activation: "relu".into() };
        assert!(matches!(refused(one, &plan), NotApplicable::Layer { layer: 1, .. }));
        let far = Change::HiddenActivation { layer: 9, activation: "relu".into() };
        assert!(matches!(refused(far, &plan), NotApplicable::Layer { layer: 9, .. }));
    }

    #[test]
    fn saturating_layers_are_all_replaced_but_the_output_and_what_recurs() {
        let plan = with([
            Layer::bidirectional(Layer::Lstm(Recurrent::new(4))),
            Layer::dense(4, Activation::Sigmoid),
            Layer::dense(4, Activation::Linear),
            Layer::Activation { activation: Activation::Tanh },
            Layer::dense(0, Activation::Sigmoid),
        ]);
        let change = Change::SaturatingActivations { activation: "relu".into() };
        let after = changed(change.clone(), &plan);
        assert_eq!(
            layers(&after)[1..],
            [
                &Layer::dense(4, Activation::Relu),
                &Layer::dense(4, Activation::Linear),
                &Layer::Activation { activation: Activation::Relu },
                &Layer::dense(0, Activation::Sigmoid),
            ]
        );
        assert_eq!(refused(change, &after), NotApplicable::Already);
    }

    #[test]
    fn losses_and_optimizers_go_by_keras_names() {
        let plan = article(Preset::Article5);
        let after = changed(Change::Loss { loss: "mean_squared_error".into() }, &plan);
        assert_eq!(after.config.compile.loss, Loss::MeanSquaredError);
        assert!(matches!(refused(Change::Loss { loss: "hinge".into() }, &plan), NotApplicable::Name { .. }));
        let sgd = changed(Change::Optimizer { name: "SGD".into() }, &plan);
        assert_eq!(sgd.config.compile.optimizer, Optimizer::sgd(0.01));
        assert!(matches!(
            refused(Change::Optimizer { name: "lion".into() }, &plan),
            NotApplicable::Name { .. }
        ));
    }

    #[test]
    fn outputs_and_vocabulary_become_those_of_the_data() {
        let plan = with([
            Layer::Embedding { input_dim: 100, output_dim: 8 },
            Layer::dense(5, Activation::Relu),
            Layer::dense(3, Activation::Softmax),
        ]);
        assert_eq!(layers(&changed(Change::OutputUnits, &plan))[2], &Layer::dense(0, Activation::Softmax));
        assert_eq!(
            layers(&changed(Change::Vocabulary, &plan))[0],
            &Layer::Embedding { input_dim: 0, output_dim: 8 }
        );
        let none = with([Layer::GlobalMaxPooling1D]);
        assert_eq!(refused(Change::Vocabulary, &none), NotApplicable::NoSuchLayer("Embedding"));
        assert_eq!(refused(Change::OutputUnits, &none), NotApplicable::NoSuchLayer("Dense"));
    }

    #[test]
    fn first_weights_and_frozen_layers() {
        let mut plan = article(Preset::Article5);
        assert_eq!(refused(Change::Initializers, &plan), NotApplicable::Already);
        assert_eq!(refused(Change::Unfreeze, &plan), NotApplicable::Already);
        let frozen = Weights { trainable: false, kernel: Some(Initializer::Zeros), ..Weights::default() };
        plan.config.model.layers[3].weights = frozen;
        let begun = changed(Change::Initializers, &plan);
        let weights = &begun.config.model.layers[3].weights;
        assert_eq!((weights.trainable, weights.kernel), (false, None));
        assert_eq!(changed(Change::Unfreeze, &begun), article(Preset::Article5));
    }

    #[test]
    fn a_layer_goes_unless_the_network_needs_it() {
        let plan = article(Preset::Article5);
        let after = changed(Change::RemoveLayer { layer: 2 }, &plan);
        assert_eq!(layers(&after), layers(&article(Preset::Article4)));
        for layer in [0, 4, 9] {
            assert!(matches!(refused(Change::RemoveLayer { layer }, &plan), NotApplicable::Layer { .. }));
        }
    }

    #[test]
    fn dropout_comes_once_and_never_after_the_output() {
        let plan = article(Preset::Article4);
        let once = changed(Change::Dropout { after: 1, rate: 0.25 }, &plan);
        assert_eq!(layers(&once), layers(&article(Preset::Article5)));
        assert_eq!(refused(Change::Dropout { after: 1, rate: 0.25 }, &once), NotApplicable::Already);
        assert_eq!(refused(Change::Dropout { after: 2, rate: 0.5 }, &once), NotApplicable::Already);
        let more = changed(Change::Dropout { after: 1, rate: 0.5 }, &once);
        assert_eq!(layers(&more)[2], &Layer::Dropout { rate: 0.5 });
        for after in [3, 4, 99] {
            let change = Change::Dropout { after, rate: 0.5 };
            assert!(matches!(refused(change, &plan), NotApplicable::Layer { .. }));
        }
    }

    #[test]
    fn too_much_dropout_is_lowered_everywhere() {
        let plan = with([
            Layer::bidirectional(Layer::Lstm(Recurrent::new(4).dropout(0.9).recurrent_dropout(0.1))),
            Layer::Dropout { rate: 0.9 },
            Layer::SpatialDropout1D { rate: 0.2 },
        ]);
        let after = changed(Change::DropoutAtMost { rate: 0.3 }, &plan);
        assert_eq!(
            layers(&after),
            [
                &Layer::bidirectional(Layer::Lstm(Recurrent::new(4).dropout(0.3).recurrent_dropout(0.1))),
                &Layer::Dropout { rate: 0.3 },
                &Layer::SpatialDropout1D { rate: 0.2 },
            ]
        );
        assert_eq!(refused(Change::DropoutAtMost { rate: 0.3 }, &after), NotApplicable::Already);
    }

    #[test]
    fn units_scale_in_all_layers_but_the_output() {
        let plan = with([
            Layer::Embedding { input_dim: 0, output_dim: 8 },
            Layer::bidirectional(Layer::Gru(Recurrent::new(6))),
            Layer::dense(5, Activation::Relu),
            Layer::dense(0, Activation::Softmax),
        ]);
        assert_eq!(
            layers(&changed(Change::ScaleUnits { factor: 0.5 }, &plan)),
            [
                &Layer::Embedding { input_dim: 0, output_dim: 4 },
                &Layer::bidirectional(Layer::Gru(Recurrent::new(3))),
                &Layer::dense(3, Activation::Relu),
                &Layer::dense(0, Activation::Softmax),
            ]
        );
    }

    #[test]
    fn learning_rates_are_set_scaled_and_taken_from_the_range_test() {
        let plan = article(Preset::Article1);
        let rate = |plan: &Plan| plan.config.compile.optimizer.learning_rate();
        let tenth = changed(Change::ScaleLearningRate { factor: 0.1 }, &plan);
        assert!((rate(&tenth) - 0.001).abs() < f32::EPSILON);
        assert!(tenth.text().contains("learning_rate = 0.001\n"), "{}", tenth.text());
        let set = changed(Change::LearningRate { learning_rate: 0.02 }, &plan);
        assert!((rate(&set) - 0.02).abs() < f32::EPSILON);
        assert!(matches!(
            refused(Change::LearningRate { learning_rate: 0.0 }, &plan),
            NotApplicable::Range(_)
        ));
        assert!(matches!(refused(Change::LearningRateFromRangeTest, &plan), NotApplicable::Unknown(_)));
        let facts = PlanFacts { suggested_rate: Some(0.003_333) };
        let found = apply(&Change::LearningRateFromRangeTest, &plan, &facts).unwrap();
        assert!((rate(&found) - 0.0033).abs() < 1e-7);
    }

    #[test]
    fn schedule_clipping_batch_and_weights() {
        let mut plan = article(Preset::Article5);
        plan.config.fit.schedule = Schedule::StepDecay { every: 1, factor: 0.1 };
        let constant = changed(Change::ConstantLearningRate, &plan);
        assert_eq!(constant.config.fit.schedule, Schedule::Constant);
        let clipped = changed(Change::ClipNorm { norm: 1.0 }, &plan);
        assert_eq!(clipped.config.compile.clip_norm, Some(1.0));
        assert_eq!(refused(Change::ClipNorm { norm: 5.0 }, &clipped), NotApplicable::Already);
        let batch = changed(Change::BatchSize { batch_size: 64 }, &plan);
        assert_eq!(batch.config.fit.batch_size, 64);
        assert!(matches!(refused(Change::BatchSize { batch_size: 0 }, &plan), NotApplicable::Range(_)));
        let weighted = changed(Change::ClassWeight, &plan);
        assert_eq!(weighted.config.fit.class_weight, ClassWeight::Balanced);
    }

    #[test]
    fn lengths_of_runs() {
        let plan = article(Preset::Article3);
        assert_eq!(changed(Change::ScaleEpochs { factor: 2.5 }, &plan).config.fit.epochs, 50);
        assert_eq!(changed(Change::Epochs { epochs: 7 }, &plan).config.fit.epochs, 7);
        assert!(matches!(refused(Change::Epochs { epochs: 0 }, &plan), NotApplicable::Range(_)));
        let stopping = changed(Change::EarlyStopping { patience: 10 }, &plan);
        assert!(stopping.config.fit.early_stopping.unwrap().restore_best_weights);
        assert_eq!(refused(Change::EarlyStopping { patience: 20 }, &stopping), NotApplicable::Already);
        let mut blind = plan;
        blind.config.split.validation_share = 0.0;
        assert!(matches!(refused(Change::EarlyStopping { patience: 1 }, &blind), NotApplicable::Unknown(_)));
    }

    #[test]
    fn splits() {
        let plan = article(Preset::Article1);
        let shuffled = changed(Change::Shuffle, &plan);
        assert!(shuffled.config.split.shuffle_first && shuffled.config.fit.shuffle);
        assert_eq!(refused(Change::Shuffle, &shuffled), NotApplicable::Already);
        let grouped = changed(Change::GroupedSplit, &shuffled);
        assert_eq!(grouped.config.split.method, Method::Grouped);
        let mut blind = plan;
        blind.config.split.validation_share = 0.0;
        let seeing = changed(Change::ValidationShare { share: 0.2 }, &blind);
        assert!(seeing.validates());
        assert_eq!(seeing.config.split.method, Method::Grouped);
        assert!(changes_evaluation(&Change::GroupedSplit));
        assert!(!changes_evaluation(&Change::ClassWeight));
    }

    #[test]
    fn sequences_and_rows() {
        let plan = article(Preset::Article1);
        assert_eq!(changed(Change::MaxLen { max_len: None }, &plan).config.input.max_len, None);
        assert_eq!(changed(Change::MaxLen { max_len: Some(900) }, &plan).config.input.max_len, Some(900));
        assert!(matches!(refused(Change::DropBadRows, &plan), NotApplicable::NotInPlan(_)));
    }
}
