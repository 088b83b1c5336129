//! What passes between the layers: shapes, parameter counts, default names, and what does not fit.

use std::collections::HashMap;
use std::fmt;

use super::{Layer, LayerSpec, MergeMode, ModelSpec, Padding, Recurrent};

/// What a layer gives, for a batch of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Call tokens, `[batch, time]`.
    Tokens,
    /// A vector for each call, `[batch, time, features]`.
    Sequence {
        /// Length of the vectors.
        features: usize,
    },
    /// A vector for each trace, `[batch, features]`.
    Row {
        /// Length of the vector.
        features: usize,
    },
}

impl Shape {
    /// Length of the vectors; 1 for tokens.
    pub fn features(self) -> usize {
        match self {
            Self::Tokens => 1,
            Self::Sequence { features } | Self::Row { features } => features,
        }
    }

    fn with(self, features: usize) -> Self {
        match self {
            Self::Tokens => Self::Tokens,
            Self::Sequence { .. } => Self::Sequence { features },
            Self::Row { .. } => Self::Row { features },
        }
    }
}

/// As Keras writes it, batch and time being `None`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens => f.write_str("(None, None)"),
            Self::Sequence { features } => write!(f, "(None, None, {features})"),
            Self::Row { features } => write!(f, "(None, {features})"),
        }
    }
}

/// One layer of a network, with what can be said of it once the layers before it are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerFacts {
    /// Its name: its own, or Keras' default.
    pub name: String,
    /// Its class.
    pub class_name: String,
    /// What goes in.
    pub input: Shape,
    /// What comes out.
    pub output: Shape,
    /// Weights that training changes.
    pub trainable: usize,
    /// Weights that it does not: a normalisation's moving mean and variance.
    pub non_trainable: usize,
    /// The same of a Concatenate's layers, branch by branch; their weights are counted above too.
    pub branches: Vec<Vec<LayerFacts>>,
}

/// Why a network cannot be built. Layers are counted from 1.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// There is nothing.
    #[error("the network has no layers")]
    Empty,
    /// A layer that we do not run.
    #[error("layer {number} ({name}): {class_name} cannot be run: {why}")]
    NotRun {
        /// Which layer.
        number: usize,
        /// Its name.
        name: String,
        /// Its class.
        class_name: String,
        /// The end of the sentence.
        why: String,
    },
    /// A layer met a shape it cannot take.
    #[error("layer {number} ({name}): {class_name} takes {wants}, but gets {got}{hint}")]
    Input {
        /// Which layer.
        number: usize,
        /// Its name.
        name: String,
        /// Its class.
        class_name: String,
        /// What it takes.
        wants: &'static str,
        /// What the layer before it gives.
        got: Shape,
        /// What to try, after a semicolon, or nothing.
        hint: &'static str,
    },
    /// An argument outside its range.
    #[error("layer {number} ({name}): {class_name} has {argument} = {value}; it must be {must}")]
    Argument {
        /// Which layer.
        number: usize,
        /// Its name.
        name: String,
        /// Its class.
        class_name: String,
        /// Which argument.
        argument: &'static str,
        /// Its value.
        value: String,
        /// The range.
        must: &'static str,
    },
    /// Two layers of one name: their weights could not be told apart in a file.
    #[error("layers {first} and {second} are both named {name:?}")]
    DuplicateName {
        /// The earlier layer.
        first: usize,
        /// The later one.
        second: usize,
        /// Their name.
        name: String,
    },
    /// An Embedding that has no row for some tokens.
    #[error(
        "layer {number} ({name}): Embedding has input_dim = {input_dim}, but the vocabulary has {vocabulary} tokens; leave input_dim at 0 to take that of the data"
    )]
    Vocabulary {
        /// Which layer.
        number: usize,
        /// Its name.
        name: String,
        /// Its rows.
        input_dim: usize,
        /// The rows needed.
        vocabulary: usize,
    },
    /// A classifier of one class.
    #[error("the data has {0} class; a classifier needs two or more")]
    Classes(usize),
    /// The network's end is no row of class scores.
    #[error(
        "the network ends in {got}, but {classes} classes need (None, {classes}); end with a Dense of {classes} units, or of 0, which means one a class"
    )]
    Output {
        /// What the last layer gives.
        got: Shape,
        /// How many classes there are.
        classes: usize,
    },
}

impl ModelSpec {
    /// The layers' names: their own, or those that Keras gives in a fresh session.
    ///
    /// A default is the class in snake case, numbered from the second on (`dense`, `dense_1`). A layer
    /// within a Bidirectional takes a number too.
    ///
    /// The layers in the branches of a Concatenate are not counted here; see [`branch_names`].
    pub fn names(&self) -> Vec<String> {
        names(&self.layers)
    }

    /// What each layer gives.
    ///
    /// # Errors
    /// At the first layer that cannot be run or does not fit the one before. Sizes must be
    /// [resolved](Self::resolve).
    pub fn shapes(&self) -> Result<Vec<Shape>, SpecError> {
        Ok(self.facts()?.into_iter().map(|facts| facts.output).collect())
    }

    /// Names, shapes and parameter counts of all layers.
    ///
    /// # Errors
    /// As [`Self::shapes`].
    pub fn facts(&self) -> Result<Vec<LayerFacts>, SpecError> {
        let (facts, error) = self.facts_so_far();
        error.map_or(Ok(facts), Err)
    }

    /// [`Self::facts`] up to the first layer that does not work, and what is wrong there.
    pub(crate) fn facts_so_far(&self) -> (Vec<LayerFacts>, Option<SpecError>) {
        let mut facts = Vec::with_capacity(self.layers.len());
        let mut shape = Shape::Tokens;
        for (index, (spec, name)) in self.layers.iter().zip(self.names()).enumerate() {
            let place = Place { number: index + 1, name, class_name: spec.layer.class_name().into() };
            match place.facts(spec, shape) {
                Ok(found) => {
                    shape = found.output;
                    facts.push(found);
                }
                Err(error) => return (facts, Some(error)),
            }
        }
        (facts, None)
    }

    /// Checks that this network can be built and trained on a vocabulary of this size (padding and
    /// unknown included) and this many classes. Sizes left open as 0 are taken from these.
    ///
    /// # Errors
    /// The first thing that does not fit, with the layer's place and name.
    pub fn check(&self, vocabulary_size: usize, classes: usize) -> Result<(), SpecError> {
        if classes < 2 {
            return Err(SpecError::Classes(classes));
        }
        let resolved = self.resolve(vocabulary_size, classes);
        let facts = resolved.facts()?;
        let Some(last) = facts.last() else { return Err(SpecError::Empty) };
        if last.output != (Shape::Row { features: classes }) {
            return Err(SpecError::Output { got: last.output, classes });
        }
        for (second, facts_here) in facts.iter().enumerate() {
            if let Some(first) = facts[..second].iter().position(|earlier| earlier.name == facts_here.name) {
                let name = facts_here.name.clone();
                return Err(SpecError::DuplicateName { first: first + 1, second: second + 1, name });
            }
            if let Some(input_dim) = fewest_rows(std::slice::from_ref(&resolved.layers[second]))
                && input_dim < vocabulary_size
            {
                return Err(SpecError::Vocabulary {
                    number: second + 1,
                    name: facts_here.name.clone(),
                    input_dim,
                    vocabulary: vocabulary_size,
                });
            }
        }
        Ok(())
    }

    /// How many tokens the network knows: the rows of its smallest Embedding. `None` without one: hashed
    /// n-grams take any token.
    pub fn tokens_known(&self) -> Option<usize> {
        fewest_rows(&self.layers)
    }

    /// The shortest trace, in calls, of which every layer still gives at least one step.
    ///
    /// Convolutions without padding and pooling windows swallow the ends of a trace; a shorter one would
    /// leave nothing for the layers after them.
    pub fn shortest_trace(&self) -> usize {
        shortest_trace(&self.layers)
    }
}

fn shortest_trace(layers: &[LayerSpec]) -> usize {
    layers.iter().rev().fold(1, |steps, spec| match &spec.layer {
        &Layer::Conv1D { kernel_size, strides, padding, .. } => {
            let between = (steps - 1).saturating_mul(strides);
            between.saturating_add(if padding == Padding::Valid { kernel_size.max(1) } else { 1 })
        }
        &Layer::MaxPooling1D { pool_size } | &Layer::AveragePooling1D { pool_size } => {
            steps.saturating_mul(pool_size.max(1))
        }
        Layer::Concatenate { branches } => {
            branches.iter().map(|branch| shortest_trace(branch)).max().unwrap_or(steps)
        }
        _ => steps,
    })
}

fn fewest_rows(layers: &[LayerSpec]) -> Option<usize> {
    let rows = |spec: &LayerSpec| match &spec.layer {
        Layer::Embedding { input_dim, .. } => Some(*input_dim),
        Layer::Concatenate { branches } => branches.iter().filter_map(|branch| fewest_rows(branch)).min(),
        _ => None,
    };
    layers.iter().filter_map(rows).min()
}

/// A layer's place in the network, for messages.
struct Place {
    number: usize,
    name: String,
    class_name: String,
}

impl Place {
    /// What can be said of this layer on `input`.
    fn facts(self, spec: &LayerSpec, input: Shape) -> Result<LayerFacts, SpecError> {
        let (mut branches, mut output) = (Vec::new(), input);
        let (mut trainable, mut non_trainable) = parameters(&spec.layer, input.features());
        if let Layer::Concatenate { branches: written } = &spec.layer {
            branches = self.side_by_side(written, input)?;
            let mut features = 0usize;
            for branch in &branches {
                features =
                    features.saturating_add(branch.last().map_or(input, |last| last.output).features());
                for facts in branch {
                    trainable = trainable.saturating_add(facts.trainable);
                    non_trainable = non_trainable.saturating_add(facts.non_trainable);
                }
            }
            output = Shape::Row { features };
        } else {
            output = self.output(&spec.layer, output)?;
        }
        if !spec.weights.trainable {
            (trainable, non_trainable) = (0, trainable + non_trainable);
        }
        let Self { name, class_name, .. } = self;
        Ok(LayerFacts { name, class_name, input, output, trainable, non_trainable, branches })
    }

    /// What can be said of branches side by side: each gives one row a trace.
    fn side_by_side(
        &self,
        branches: &[Vec<LayerSpec>],
        input: Shape,
    ) -> Result<Vec<Vec<LayerFacts>>, SpecError> {
        self.at_least_one("branches", branches.len())?;
        let mut found = Vec::with_capacity(branches.len());
        for (branch, names) in branches.iter().zip(branch_names(&self.name, branches)) {
            let (mut shape, mut facts) = (input, Vec::with_capacity(branch.len()));
            for (index, (spec, name)) in branch.iter().zip(&names).enumerate() {
                if let Some(first) = names[..index].iter().position(|earlier| earlier == name) {
                    let (first, second, name) = (first + 1, index + 1, name.clone());
                    return Err(SpecError::DuplicateName { first, second, name });
                }
                let class_name = spec.layer.class_name().into();
                let here = Self { number: self.number, name: name.clone(), class_name }.facts(spec, shape)?;
                shape = here.output;
                facts.push(here);
            }
            if !matches!(shape, Shape::Row { .. }) {
                let hint = "; end each branch with a pooling over time";
                return Err(self.input("one row a trace (None, n) from each branch", shape, hint));
            }
            found.push(facts);
        }
        Ok(found)
    }

    /// What `layer` gives for `input`. Branches are looked at in [`Self::facts`].
    fn output(&self, layer: &Layer, input: Shape) -> Result<Shape, SpecError> {
        self.check_arguments(layer)?;
        match (layer, input) {
            (Layer::Other(other), _) => Err(self.not_run(other.why())),
            (Layer::Embedding { output_dim, .. }, Shape::Tokens) => {
                Ok(Shape::Sequence { features: *output_dim })
            }
            (Layer::NgramEmbedding(ngrams), Shape::Tokens) => Ok(Shape::Row { features: ngrams.output_dim }),
            (Layer::NgramSketch(sketch), Shape::Tokens) => Ok(Shape::Row { features: sketch.output_dim }),
            (Layer::Embedding { .. } | Layer::NgramEmbedding(_) | Layer::NgramSketch(_), _) => {
                Err(self.input("call tokens (None, None)", input, ""))
            }
            // Only its branches can say; `facts` asks them.
            (Layer::Concatenate { .. }, _) => Ok(input),
            (_, Shape::Tokens) => Err(self.input("vectors", input, "; begin with an Embedding")),
            (Layer::Lstm(recurrent) | Layer::Gru(recurrent), Shape::Sequence { .. }) => {
                Ok(recurrent_output(recurrent))
            }
            (Layer::Bidirectional { layer, merge_mode }, Shape::Sequence { .. }) => match &**layer {
                Layer::Lstm(recurrent) | Layer::Gru(recurrent) => {
                    let one = recurrent_output(recurrent);
                    Ok(match merge_mode {
                        MergeMode::Concat => one.with(one.features().saturating_mul(2)),
                        MergeMode::Sum | MergeMode::Ave | MergeMode::Mul => one,
                    })
                }
                Layer::Other(other) => {
                    Err(self.not_run(format!("of the {} in it: {}", other.class_name, other.why())))
                }
                other => Err(self.not_run(format!("it holds LSTM or GRU, not {}", other.class_name()))),
            },
            (Layer::Conv1D { filters, .. }, Shape::Sequence { .. }) => {
                Ok(Shape::Sequence { features: *filters })
            }
            (
                Layer::MaxPooling1D { .. } | Layer::AveragePooling1D { .. } | Layer::SpatialDropout1D { .. },
                Shape::Sequence { .. },
            ) => Ok(input),
            (
                Layer::GlobalMaxPooling1D
                | Layer::GlobalAveragePooling1D
                | Layer::GlobalAttentionPooling1D { .. },
                Shape::Sequence { features },
            ) => Ok(Shape::Row { features }),
            (
                Layer::Lstm(_)
                | Layer::Gru(_)
                | Layer::Bidirectional { .. }
                | Layer::Conv1D { .. }
                | Layer::MaxPooling1D { .. }
                | Layer::AveragePooling1D { .. }
                | Layer::SpatialDropout1D { .. }
                | Layer::GlobalMaxPooling1D
                | Layer::GlobalAveragePooling1D
                | Layer::GlobalAttentionPooling1D { .. },
                Shape::Row { .. },
            ) => Err(self.input(
                "a sequence (None, None, n)",
                input,
                "; the recurrent layer before it may lack return_sequences = true",
            )),
            (Layer::Dense { units, .. }, _) => Ok(input.with(*units)),
            (Layer::Dropout { .. } | Layer::Activation { .. } | Layer::BatchNormalization { .. }, _) => {
                Ok(input)
            }
        }
    }

    fn check_arguments(&self, layer: &Layer) -> Result<(), SpecError> {
        match *layer {
            Layer::Embedding { input_dim, output_dim } => {
                self.at_least_one("input_dim", input_dim)?;
                self.at_least_one("output_dim", output_dim)
            }
            Layer::Lstm(ref recurrent) | Layer::Gru(ref recurrent) => {
                self.at_least_one("units", recurrent.units)?;
                self.rate("dropout", recurrent.dropout)?;
                self.rate("recurrent_dropout", recurrent.recurrent_dropout)
            }
            Layer::Bidirectional { ref layer, .. } => match **layer {
                Layer::Lstm(_) | Layer::Gru(_) => self.check_arguments(layer),
                _ => Ok(()),
            },
            Layer::Conv1D { filters, kernel_size, strides, .. } => {
                self.at_least_one("filters", filters)?;
                self.at_least_one("kernel_size", kernel_size)?;
                self.at_least_one("strides", strides)
            }
            Layer::MaxPooling1D { pool_size } | Layer::AveragePooling1D { pool_size } => {
                self.at_least_one("pool_size", pool_size)
            }
            Layer::Dropout { rate } | Layer::SpatialDropout1D { rate } => self.rate("rate", rate),
            Layer::Dense { units, .. } => self.at_least_one("units", units),
            Layer::BatchNormalization { momentum, epsilon } => {
                if !(0.0..=1.0).contains(&momentum) {
                    return Err(self.argument("momentum", momentum, "from 0 to 1"));
                }
                if epsilon.is_nan() || epsilon <= 0.0 {
                    return Err(self.argument("epsilon", epsilon, "greater than 0"));
                }
                Ok(())
            }
            Layer::GlobalAttentionPooling1D { units } => self.at_least_one("units", units),
            Layer::NgramSketch(ref sketch) => {
                self.at_least_one("output_dim", sketch.output_dim)?;
                self.at_least_one("buckets", sketch.buckets)?;
                self.at_least_one("ngrams", sketch.ngrams)?;
                self.at_most("ngrams", sketch.ngrams, 32, "32 at most")?;
                self.at_most("skips", sketch.skips, 32, "32 at most")?;
                self.at_least_one("counters", sketch.counters)?;
                self.at_most("counters", sketch.counters, 1 << 24, "2^24 at most")
            }
            Layer::NgramEmbedding(ref ngrams) => {
                self.at_least_one("output_dim", ngrams.output_dim)?;
                self.at_least_one("buckets", ngrams.buckets)?;
                self.at_least_one("ngrams", ngrams.ngrams)?;
                ngrams.ends.iter().try_for_each(|&end| self.at_least_one("ends", end))
            }
            Layer::GlobalMaxPooling1D
            | Layer::GlobalAveragePooling1D
            | Layer::Concatenate { .. }
            | Layer::Activation { .. }
            | Layer::Other(_) => Ok(()),
        }
    }

    fn at_least_one(&self, argument: &'static str, value: usize) -> Result<(), SpecError> {
        if value == 0 { Err(self.argument(argument, value, "1 or more")) } else { Ok(()) }
    }

    fn at_most(
        &self,
        argument: &'static str,
        value: usize,
        most: usize,
        must: &'static str,
    ) -> Result<(), SpecError> {
        if value > most { Err(self.argument(argument, value, must)) } else { Ok(()) }
    }

    fn rate(&self, argument: &'static str, rate: f32) -> Result<(), SpecError> {
        if (0.0..1.0).contains(&rate) {
            Ok(())
        } else {
            Err(self.argument(argument, rate, "a share, from 0 to less than 1"))
        }
    }

    fn argument(&self, argument: &'static str, value: impl fmt::Display, must: &'static str) -> SpecError {
        SpecError::Argument {
            number: self.number,
            name: self.name.clone(),
            class_name: self.class_name.clone(),
            argument,
            value: value.to_string(),
            must,
        }
    }

    fn input(&self, wants: &'static str, got: Shape, hint: &'static str) -> SpecError {
        SpecError::Input {
            number: self.number,
            name: self.name.clone(),
            class_name: self.class_name.clone(),
            wants,
            got,
            hint,
        }
    }

    fn not_run(&self, why: String) -> SpecError {
        SpecError::NotRun {
            number: self.number,
            name: self.name.clone(),
            class_name: self.class_name.clone(),
            why,
        }
    }
}

fn recurrent_output(recurrent: &Recurrent) -> Shape {
    let features = recurrent.units;
    if recurrent.return_sequences { Shape::Sequence { features } } else { Shape::Row { features } }
}

/// Weights of `layer` on an input of `inputs` features: those that training changes, and the others.
///
/// A foreign spec may hold any number, so counts saturate rather than overflow.
fn parameters(layer: &Layer, inputs: usize) -> (usize, usize) {
    let rows =
        |units: usize, inputs: usize, biases: usize| units.saturating_mul(inputs.saturating_add(biases));
    let gates = |count: usize, units: usize, biases: usize| {
        count.saturating_mul(rows(units, inputs.saturating_add(units), biases))
    };
    match *layer {
        Layer::Embedding { input_dim, output_dim } => (rows(input_dim, output_dim, 0), 0),
        Layer::Lstm(ref lstm) => (gates(4, lstm.units, 1), 0),
        Layer::Gru(ref gru) => (gates(3, gru.units, 2), 0),
        Layer::Bidirectional { ref layer, .. } => {
            let (trainable, non_trainable) = parameters(layer, inputs);
            (trainable.saturating_mul(2), non_trainable.saturating_mul(2))
        }
        Layer::Conv1D { filters, kernel_size, use_bias, .. } => {
            (rows(filters, kernel_size.saturating_mul(inputs), usize::from(use_bias)), 0)
        }
        Layer::Dense { units, use_bias, .. } => (rows(units, inputs, usize::from(use_bias)), 0),
        Layer::BatchNormalization { .. } => (inputs.saturating_mul(2), inputs.saturating_mul(2)),
        Layer::GlobalAttentionPooling1D { units } => (units.saturating_mul(inputs.saturating_add(2)), 0),
        // The table, and the inverse document frequencies that no gradient changes.
        Layer::NgramSketch(ref sketch) => (rows(sketch.buckets, sketch.output_dim, 0), sketch.buckets),
        Layer::NgramEmbedding(ref ngrams) => (rows(ngrams.buckets, ngrams.output_dim, 0), ngrams.buckets),
        Layer::Concatenate { .. }
        | Layer::MaxPooling1D { .. }
        | Layer::AveragePooling1D { .. }
        | Layer::GlobalMaxPooling1D
        | Layer::GlobalAveragePooling1D
        | Layer::Dropout { .. }
        | Layer::SpatialDropout1D { .. }
        | Layer::Activation { .. }
        | Layer::Other(_) => (0, 0),
    }
}

fn names(layers: &[LayerSpec]) -> Vec<String> {
    let mut counts = HashMap::new();
    let name = |spec: &LayerSpec| {
        if let Layer::Bidirectional { layer, .. } = &spec.layer {
            next_name(&mut counts, layer.class_name());
        }
        if spec.name.is_empty() { next_name(&mut counts, spec.layer.class_name()) } else { spec.name.clone() }
    };
    layers.iter().map(name).collect()
}

/// The names of the layers of a [`Layer::Concatenate`] called `name`, branch by branch:
/// `concatenate/1/lstm` is the LSTM of the second branch.
pub fn branch_names(name: &str, branches: &[Vec<LayerSpec>]) -> Vec<Vec<String>> {
    let of = |(number, branch): (usize, &Vec<LayerSpec>)| {
        names(branch).into_iter().map(|inner| format!("{name}/{number}/{inner}")).collect()
    };
    branches.iter().enumerate().map(of).collect()
}

/// Keras' `auto_name`: the class in snake case, numbered from the second on.
fn next_name(counts: &mut HashMap<String, usize>, class_name: &str) -> String {
    let snake = snake_case(class_name);
    let count = counts.entry(snake.clone()).or_insert(0);
    *count += 1;
    if *count == 1 { snake } else { format!("{snake}_{}", *count - 1) }
}

/// Keras' `to_snake_case`: an underscore before a capital that begins a word; digits join what is before
/// them (`MaxPooling1D` is `max_pooling1d`, `LSTM` is `lstm`).
fn snake_case(class_name: &str) -> String {
    let letters: Vec<char> = class_name.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut snake = String::with_capacity(letters.len() + 4);
    for (i, letter) in letters.iter().enumerate() {
        let after_lowercase = i > 0 && letters[i - 1].is_ascii_lowercase();
        let before_lowercase = i > 0 && letters.get(i + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && (after_lowercase || before_lowercase) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Activation, LayerSpec, NgramEmbedding};

    fn embedding() -> Layer {
        Layer::Embedding { input_dim: 0, output_dim: 8 }
    }

    fn softmax(units: usize) -> Layer {
        Layer::dense(units, Activation::Softmax)
    }

    fn conv(kernel_size: usize, strides: usize, padding: Padding) -> Layer {
        Layer::Conv1D {
            filters: 4,
            kernel_size,
            strides,
            padding,
            activation: Activation::Linear,
            use_bias: true,
        }
    }

    #[test]
    fn what_does_not_fit_is_said_with_its_place() {
        let lstm = || Layer::Lstm(Recurrent::new(4));
        let other = || serde_json::from_str::<Layer>(r#"{"class_name": "Flatten"}"#);
        let named = |layers: [Layer; 3]| {
            let mut spec = ModelSpec::new("", layers);
            spec.layers[2] = LayerSpec::named("lstm", spec.layers[2].layer.clone());
            spec
        };
        let networks = [
            ModelSpec::new("", []),
            ModelSpec::new("", [lstm(), softmax(7)]),
            ModelSpec::new("", [embedding(), embedding(), softmax(7)]),
            ModelSpec::new("", [embedding(), lstm(), lstm(), softmax(7)]),
            ModelSpec::new("", [embedding(), softmax(7)]),
            ModelSpec::new("", [embedding(), lstm(), softmax(6)]),
            ModelSpec::new("", [embedding(), lstm(), softmax(0), softmax(7)]),
            ModelSpec::new("", [embedding(), lstm(), Layer::Dropout { rate: 1.0 }, softmax(7)]),
            ModelSpec::new("", [embedding(), Layer::bidirectional(softmax(3)), softmax(7)]),
            ModelSpec::new("", [embedding(), other().unwrap(), softmax(7)]),
            ModelSpec::new("", [embedding(), Layer::bidirectional(other().unwrap()), softmax(7)]),
            ModelSpec::new("", [Layer::Embedding { input_dim: 100, output_dim: 8 }, lstm(), softmax(7)]),
            named([embedding(), lstm(), softmax(7)]),
        ];
        let errors: Vec<String> =
            networks.iter().map(|spec| spec.check(177, 7).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(errors.join("\n"));
        let one = ModelSpec::new("", [embedding(), lstm(), softmax(0)]).check(177, 1);
        assert_eq!(one, Err(SpecError::Classes(1)));
    }

    #[test]
    fn branches_are_checked_like_layers_in_a_row() {
        let sequences = || Layer::Lstm(Recurrent::new(4).return_sequences());
        let branches = |branches: Vec<Vec<LayerSpec>>| Layer::Concatenate { branches };
        let twice = || LayerSpec::named("a", Layer::Dropout { rate: 0.1 });
        let networks = [
            ModelSpec::new("", [embedding(), branches(vec![]), softmax(7)]),
            ModelSpec::new("", [embedding(), Layer::concatenate([vec![sequences()]]), softmax(7)]),
            ModelSpec::new("", [Layer::concatenate([vec![sequences()]]), softmax(7)]),
            ModelSpec::new("", [embedding(), Layer::concatenate([vec![softmax(0)]]), softmax(7)]),
            ModelSpec::new("", [branches(vec![vec![embedding().into(), twice(), twice()]]), softmax(7)]),
            ModelSpec::new(
                "",
                [
                    Layer::concatenate([vec![
                        Layer::Embedding { input_dim: 9, output_dim: 4 },
                        Layer::GlobalMaxPooling1D,
                    ]]),
                    softmax(7),
                ],
            ),
            ModelSpec::new("", [embedding(), Layer::NgramEmbedding(NgramEmbedding::new(4, 8)), softmax(7)]),
            ModelSpec::new("", [Layer::NgramEmbedding(NgramEmbedding::new(4, 0)), softmax(7)]),
            ModelSpec::new("", [Layer::GlobalAttentionPooling1D { units: 4 }, softmax(7)]),
        ];
        let errors: Vec<String> =
            networks.iter().map(|spec| spec.check(177, 7).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn branches_know_what_their_embeddings_know_and_need_what_their_windows_need() {
        let spec = ModelSpec::new(
            "",
            [
                Layer::concatenate([
                    vec![Layer::NgramEmbedding(NgramEmbedding::new(4, 8))],
                    vec![embedding(), conv(5, 1, Padding::Valid), Layer::GlobalMaxPooling1D],
                ]),
                softmax(7),
            ],
        );
        assert_eq!(spec.resolve(177, 7).tokens_known(), Some(177));
        assert_eq!(spec.shortest_trace(), 5);
        let facts = spec.resolve(177, 7).facts().unwrap();
        assert_eq!(facts[0].output, Shape::Row { features: 8 });
        assert_eq!(facts[0].trainable, 8 * 4 + 177 * 8 + (5 * 8 + 1) * 4);
        assert_eq!(facts[0].non_trainable, 8);
        assert_eq!(facts[0].branches[1][1].name, "concatenate/1/conv1d");
        let only_ngrams = ModelSpec::new("", [Layer::NgramEmbedding(NgramEmbedding::new(4, 8)), softmax(7)]);
        assert_eq!(only_ngrams.tokens_known(), None);
    }

    #[test]
    fn names_are_those_of_a_fresh_session() {
        let spec = ModelSpec {
            name: String::new(),
            layers: vec![
                embedding().into(),
                Layer::bidirectional(Layer::Lstm(Recurrent::new(4).return_sequences())).into(),
                LayerSpec::named("mine", Layer::dense(3, Activation::Relu)),
                Layer::Lstm(Recurrent::new(4)).into(),
                Layer::dense(3, Activation::Relu).into(),
                Layer::dense(3, Activation::Relu).into(),
            ],
        };
        assert_eq!(spec.names(), ["embedding", "bidirectional", "mine", "lstm_1", "dense", "dense_1"]);
    }

    /// `keras.src.utils.naming.to_snake_case`.
    #[test]
    fn snake_case_is_that_of_keras() {
        for (class, expected) in [
            ("LSTM", "lstm"),
            ("MaxPooling1D", "max_pooling1d"),
            ("GlobalAveragePooling1D", "global_average_pooling1d"),
            ("SpatialDropout1D", "spatial_dropout1d"),
            ("Conv1DTranspose", "conv1d_transpose"),
            ("LSTMCell", "lstm_cell"),
            ("ReLU", "re_lu"),
        ] {
            assert_eq!(snake_case(class), expected);
        }
    }

    /// By trying each length.
    #[test]
    fn the_shortest_trace_leaves_one_step() {
        let pool = |pool_size| Layer::MaxPooling1D { pool_size };
        let stacks = [
            vec![conv(5, 1, Padding::Valid)],
            vec![conv(5, 3, Padding::Same), conv(2, 2, Padding::Valid)],
            vec![conv(3, 2, Padding::Causal), pool(4), conv(3, 1, Padding::Valid)],
            vec![pool(2), pool(3)],
            vec![],
        ];
        for stack in stacks {
            let steps_left = |length: usize| {
                stack.iter().fold(length, |steps, layer| match *layer {
                    Layer::Conv1D { kernel_size, strides, padding: Padding::Valid, .. } => {
                        (steps + strides).saturating_sub(kernel_size) / strides
                    }
                    Layer::Conv1D { strides, .. } => steps.div_ceil(strides),
                    Layer::MaxPooling1D { pool_size } => steps / pool_size,
                    _ => steps,
                })
            };
            let expected = (1..500).find(|length| steps_left(*length) >= 1).unwrap();
            assert_eq!(ModelSpec::new("", stack.clone()).shortest_trace(), expected, "{stack:?}");
        }
    }
}
