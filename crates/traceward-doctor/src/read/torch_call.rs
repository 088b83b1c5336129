//! What calls of PyTorch mean: modules, losses, optimizers, loaders, and the training loop.
//!
//! Layers come under Keras' names, so that rules see one vocabulary; what PyTorch alone has keeps its own.
//! A network is what a tensor passes through in `forward`, not what `__init__` holds.

use std::rc::Rc;

use serde_json::{Map, json};

use super::interpret::{FitCall, Interpreter, Model, tensors};
use super::keras_call::{self, activation_layer, bare_layer};
use super::python::Span;
use super::value::{Array, Node, Object, Passed, Split, Value, find, last};
use crate::facts::{Argument, Compile, Fit, Framework, Layer, Placed, Range, TrainingLoop, Validation};
use crate::{Place, names};

/// Whether a dotted name is one of PyTorch or of what is built on it.
pub(super) fn is_torch(path: &str) -> bool {
    ["torch", "pytorch_lightning", "lightning", "pl.", "ignite", "accelerate"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

/// Whether it is a loss.
pub(super) fn is_loss(object: &Object) -> bool {
    is_torch(&object.path) && object.class().ends_with("Loss")
}

/// The losses that PyTorch has as functions, and the classes of the same.
const LOSS_FUNCTIONS: [(&str, &str); 11] = [
    ("cross_entropy", "CrossEntropyLoss"),
    ("nll_loss", "NLLLoss"),
    ("binary_cross_entropy", "BCELoss"),
    ("binary_cross_entropy_with_logits", "BCEWithLogitsLoss"),
    ("mse_loss", "MSELoss"),
    ("l1_loss", "L1Loss"),
    ("smooth_l1_loss", "SmoothL1Loss"),
    ("huber_loss", "HuberLoss"),
    ("kl_div", "KLDivLoss"),
    ("hinge_embedding_loss", "HingeEmbeddingLoss"),
    ("cosine_embedding_loss", "CosineEmbeddingLoss"),
];

/// Functions and classes of PyTorch that are more than an object.
pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    path: &str,
    passed: &[Passed],
    span: &Span,
) -> Option<Value> {
    let name = last(path);
    let object = || Rc::new(Object { path: path.to_owned(), arguments: passed.to_vec(), span: span.clone() });
    let functional = path.contains("functional") || path.matches('.').count() == 1;
    if functional {
        if let Some((_, class)) = LOSS_FUNCTIONS.iter().find(|(function, _)| *function == name) {
            let loss =
                Object { path: format!("torch.nn.{class}"), arguments: Vec::new(), span: span.clone() };
            interpreter.seen.losses.push((Rc::new(loss), true));
            return Some(Value::Unknown);
        }
        let inputs = tensors(passed);
        if !inputs.is_empty() {
            return Some(on_tensors(interpreter, name, passed, inputs, span));
        }
    }
    if path.starts_with("torch.optim.lr_scheduler") {
        interpreter.seen.schedulers.push(name.to_owned());
        return None;
    }
    if path.contains("optim.") && names::optimizer(name) != names::Spelling::Unknown {
        let optimizer = object();
        interpreter.seen.optimizers.push(Rc::clone(&optimizer));
        return Some(Value::Object(optimizer));
    }
    match name {
        "DataLoader" | "BucketIterator" => {
            let loader = object();
            interpreter.seen.loaders.push(Rc::clone(&loader));
            Some(Value::Object(loader))
        }
        "clip_grad_norm_" | "clip_grad_value_" | "clip_grad_norm" => {
            let limit =
                find(passed, Some(1), &["max_norm", "clip_value"]).and_then(|limit| limit.value.as_float());
            interpreter.seen.clip = Some(limit.unwrap_or(1.0));
            Some(Value::None)
        }
        "no_grad" | "inference_mode" => {
            interpreter.seen.no_grad.get_or_insert(span.clone());
            Some(Value::None)
        }
        "random_split" | "Subset" => {
            let array = Array { split: Some(Split::Random(None)), shuffled: true, ..Array::default() };
            let part = Value::data(array);
            Some(if name == "Subset" { part } else { Value::list(vec![part.clone(), part.clone(), part]) })
        }
        "tensor" | "Tensor" | "FloatTensor" | "LongTensor" | "from_numpy" | "as_tensor" => {
            let first = passed.first()?;
            match &first.value {
                Value::Data(data) => Some(Value::Data(Rc::clone(data))),
                Value::List(_) => Some(Value::data(super::arrays::literal_of(&first.value))),
                _ => None,
            }
        }
        "rand" => Some(Value::data(Array {
            range: Some(Range { min: 0.0, max: 1.0 }),
            shuffled: true,
            ..Array::default()
        })),
        "randn" | "empty" | "linspace" | "arange" | "load" => Some(Value::data(Array::default())),
        _ if is_loss(&object()) => {
            let loss = object();
            interpreter.seen.losses.push((Rc::clone(&loss), false));
            Some(Value::Object(loss))
        }
        _ => None,
    }
}

/// A function of tensors on their way through a network.
fn on_tensors(
    interpreter: &mut Interpreter<'_>,
    name: &str,
    passed: &[Passed],
    inputs: Vec<Rc<Node>>,
    span: &Span,
) -> Value {
    let plain = name.trim_end_matches('_');
    if names::activation(plain) == names::Spelling::Known && plain != "threshold" {
        let layer = activation_layer(plain, span);
        return Value::Tensor(interpreter.node(vec![layer], inputs.into_iter().take(1).collect(), false));
    }
    let layer = match plain {
        name if name.contains("dropout") => {
            let mut config = Map::new();
            let rate = find(passed, Some(1), &["p"]).map_or(Some(0.5), |rate| rate.value.as_float());
            if let Some(rate) = rate {
                config.insert("rate".into(), json!(rate));
            }
            Some(bare_layer("Dropout", name, span, config))
        }
        name if name.contains("max_pool") => {
            Some(bare_layer(&pool("MaxPooling", name), name, span, Map::new()))
        }
        name if name.contains("avg_pool") => {
            Some(bare_layer(&pool("AveragePooling", name), name, span, Map::new()))
        }
        "layer_norm" | "normalize" => Some(bare_layer("LayerNormalization", name, span, Map::new())),
        "batch_norm" => Some(bare_layer("BatchNormalization", name, span, Map::new())),
        _ => None,
    };
    match (layer, inputs.len()) {
        (None, 1) => Value::Tensor(Rc::clone(&inputs[0])),
        (layer, _) => Value::Tensor(interpreter.node(layer.into_iter().collect(), inputs, false)),
    }
}

/// A function of a tensor.
pub(super) fn tensor_method(
    interpreter: &mut Interpreter<'_>,
    tensor: &Rc<Node>,
    name: &str,
    passed: &[Passed],
    span: &Span,
) -> Value {
    if matches!(name, "size" | "dim" | "numel" | "item" | "get_shape") {
        return Value::Unknown;
    }
    let others = tensors(passed);
    let plain = name.trim_end_matches('_');
    if names::activation(plain) == names::Spelling::Known {
        let layer = activation_layer(plain, span);
        return Value::Tensor(interpreter.node(vec![layer], vec![Rc::clone(tensor)], false));
    }
    if others.is_empty() {
        return Value::Tensor(Rc::clone(tensor));
    }
    let inputs = std::iter::once(Rc::clone(tensor)).chain(others).collect();
    Value::Tensor(interpreter.node(Vec::new(), inputs, false))
}

/// A function of something that belongs to a training loop. `None`: nothing is known of it.
pub(super) fn method(
    interpreter: &mut Interpreter<'_>,
    receiver: &Value,
    name: &str,
    passed: &[Passed],
    span: &Span,
) -> Option<Value> {
    match name {
        "parameters" | "named_parameters" | "trainable_variables" => {
            Some(Value::Weights(Rc::new(receiver.clone())))
        }
        "backward" | "manual_backward" => {
            let each = interpreter.epoch_loop();
            interpreter.seen.backward.push((span.clone(), each));
            Some(Value::None)
        }
        "zero_grad" => {
            interpreter.seen.zero_grad.get_or_insert(span.clone());
            Some(Value::None)
        }
        "step" => {
            let scheduler = matches!(receiver, Value::Object(object) if object.path.contains("lr_scheduler"));
            if !scheduler {
                interpreter.seen.step.get_or_insert(span.clone());
            }
            Some(Value::None)
        }
        "eval" => {
            interpreter.seen.eval.get_or_insert(span.clone());
            Some(receiver.clone())
        }
        "train" => {
            // `model.train(False)` is `model.eval()`.
            if passed.first().is_some_and(|passed| passed.value.as_bool() == Some(false)) {
                interpreter.seen.eval.get_or_insert(span.clone());
            }
            Some(receiver.clone())
        }
        "to" | "cuda" | "cpu" | "double" | "float" | "half" | "type" | "scale" | "prepare" => {
            match receiver {
                Value::Unknown => None,
                receiver => Some(receiver.clone()),
            }
        }
        "forward" => Some(interpreter.apply(receiver, passed, span)),
        "fit" => {
            let Value::Object(trainer) = receiver else { return None };
            if trainer.class() != "Trainer" {
                return None;
            }
            let module = passed.first()?.value.clone();
            lightning(interpreter, trainer, &module, passed, span);
            Some(Value::None)
        }
        _ => None,
    }
}

/// Lightning runs the loop; the module says what a step is and what the optimizer.
fn lightning(
    interpreter: &mut Interpreter<'_>,
    trainer: &Rc<Object>,
    module: &Value,
    passed: &[Passed],
    span: &Span,
) {
    let Value::Instance(index) = module else { return };
    let class = interpreter.instances()[*index].class;
    for hook in ["configure_optimizers", "training_step", "train_dataloader", "val_dataloader"] {
        if let Some(function) = interpreter.find_method(class, hook) {
            let batch = Passed { keyword: None, value: Value::Unknown, span: span.clone() };
            interpreter.call_function(function, Some(module.clone()), &[batch]);
        }
    }
    let epochs = trainer.argument(None, &["max_epochs"]);
    let epochs = epochs.map_or(Argument::Absent, |epochs| keras_call::size(interpreter, epochs));
    let each = super::interpret::Loop { epochs, span: trainer.span.clone() };
    interpreter.seen.backward.push((span.clone(), Some(each)));
    interpreter.seen.zero_grad.get_or_insert(span.clone());
    interpreter.seen.step.get_or_insert(span.clone());
    interpreter.seen.eval.get_or_insert(span.clone());
    let validates = passed.len() > 2 || find(passed, None, &["val_dataloaders", "datamodule"]).is_some();
    if validates || interpreter.find_method(class, "val_dataloader").is_some() {
        interpreter.seen.no_grad.get_or_insert(span.clone());
    }
}

/// The modules within a container, in order.
pub(super) fn children(object: &Object) -> Vec<Value> {
    let mut children = Vec::new();
    for passed in &object.arguments {
        match &passed.value {
            Value::List(values) => children.extend(values.iter().map(|value| match value.as_list() {
                // `OrderedDict([("fc", nn.Linear(…))])`.
                Some([Value::Str(_), module]) => module.clone(),
                _ => value.clone(),
            })),
            Value::Dict(pairs) => children.extend(pairs.iter().map(|(_, value)| value.clone())),
            Value::Object(inner) if inner.class() == "OrderedDict" => children.extend(self::children(inner)),
            value => children.push(value.clone()),
        }
    }
    children
}

/// The layers that a module of PyTorch is, under Keras' names.
pub(super) fn layers(interpreter: &mut Interpreter<'_>, object: &Rc<Object>) -> Vec<Layer> {
    let written = object.class();
    let span = &object.span;
    let size_at = |interpreter: &Interpreter<'_>, position: usize, names: &[&str]| {
        object
            .argument(Some(position), names)
            .map_or(Argument::Absent, |passed| keras_call::size(interpreter, passed))
    };
    let mut config = Map::new();
    let mut note = |key: &str, position: Option<usize>, names: &[&str]| {
        let value = object.argument(position, names).map(|passed| &passed.value);
        let number = value
            .and_then(Value::as_float)
            .or_else(|| value.and_then(|value| value.as_bool().map(|value| f64::from(u8::from(value)))));
        if let Some(number) = number {
            config.insert(key.to_owned(), json!(number));
        }
    };
    match written {
        "Sequential" | "ModuleList" | "DataParallel" | "DistributedDataParallel" => {
            return children(object).iter().flat_map(|child| interpreter.layers_of(child)).collect();
        }
        "Identity" | "Flatten" | "Unflatten" => {
            let class = if written == "Unflatten" { "Reshape" } else { written };
            return vec![bare_layer(class, written, span, config)];
        }
        _ => {}
    }
    if is_loss(object) {
        return Vec::new();
    }
    let applies = !matches!(written, "Linear" | "Bilinear" | "Threshold");
    if applies && object.path.contains("nn.") && names::activation(written) == names::Spelling::Known {
        return vec![activation_layer(written, span)];
    }
    let (class, units) = match written {
        "Linear" | "LazyLinear" => {
            let position = usize::from(written == "Linear");
            note("input_dim", Some(0).filter(|_| position == 1), &["in_features"]);
            ("Dense".to_owned(), size_at(interpreter, position, &["out_features"]))
        }
        "Embedding" => {
            note("input_dim", Some(0), &["num_embeddings"]);
            note("output_dim", Some(1), &["embedding_dim"]);
            note("padding_idx", Some(2), &["padding_idx"]);
            ("Embedding".to_owned(), size_at(interpreter, 1, &["embedding_dim"]))
        }
        "LSTM" | "GRU" | "RNN" => {
            note("num_layers", Some(2), &["num_layers"]);
            note("dropout", None, &["dropout"]);
            note("bidirectional", None, &["bidirectional"]);
            let class = if written == "RNN" { "SimpleRNN" } else { written };
            (class.to_owned(), size_at(interpreter, 1, &["hidden_size"]))
        }
        name if name.starts_with("Conv") || name.starts_with("LazyConv") => {
            let class = match name.trim_start_matches("Lazy") {
                "Conv1d" => "Conv1D",
                "Conv2d" => "Conv2D",
                "Conv3d" => "Conv3D",
                "ConvTranspose1d" => "Conv1DTranspose",
                "ConvTranspose2d" => "Conv2DTranspose",
                other => other,
            };
            (class.to_owned(), size_at(interpreter, 1, &["out_channels"]))
        }
        name if name.contains("Dropout") => {
            let rate = object.argument(Some(0), &["p"]).map_or(Some(0.5), |rate| rate.value.as_float());
            if let Some(rate) = rate {
                config.insert("rate".into(), json!(rate));
            }
            ("Dropout".to_owned(), Argument::Absent)
        }
        name if name.contains("BatchNorm") || name.contains("InstanceNorm") => {
            ("BatchNormalization".to_owned(), Argument::Absent)
        }
        "LayerNorm" | "RMSNorm" => ("LayerNormalization".to_owned(), Argument::Absent),
        "GroupNorm" => ("GroupNormalization".to_owned(), Argument::Absent),
        name if name.contains("MaxPool") => (pool("MaxPooling", name), Argument::Absent),
        name if name.contains("AvgPool") => (pool("AveragePooling", name), Argument::Absent),
        "MultiheadAttention" => ("MultiHeadAttention".to_owned(), Argument::Absent),
        name => (name.to_owned(), Argument::Absent),
    };
    let mut layer = bare_layer(&class, written, span, config);
    layer.units = units;
    vec![layer]
}

fn pool(class: &str, written: &str) -> String {
    let dimension = written.chars().rev().find(char::is_ascii_digit);
    let global = if written.to_lowercase().contains("adaptive") { "Global" } else { "" };
    format!("{global}{class}{}D", dimension.unwrap_or('2'))
}

/// The trainings that a script of PyTorch holds: one an optimizer whose network is known, else one a
/// network.
pub(super) fn trainings(interpreter: &mut Interpreter<'_>) -> Vec<Model> {
    let mut models = Vec::new();
    let optimizers = interpreter.seen.optimizers.clone();
    let mut spans = Vec::new();
    for optimizer in optimizers {
        if spans.contains(&optimizer.span) {
            continue;
        }
        spans.push(optimizer.span.clone());
        let network = match optimizer.argument(Some(0), &["params"]).map(|passed| passed.value.clone()) {
            Some(Value::Weights(network)) => Some(network.as_ref().clone()),
            _ => None,
        };
        let (layers, branched) = match &network {
            Some(network @ (Value::Instance(_) | Value::Object(_))) => interpreter.trace(network),
            _ => (Vec::new(), true),
        };
        let compile = compile(interpreter, &optimizer);
        let fits = training_loop(interpreter).into_iter().collect();
        models.push(Model { framework: Framework::PyTorch, layers, branched, compile: Some(compile), fits });
    }
    // An optimizer whose network was not seen is of the only network that was.
    if let [model] = &mut models[..]
        && model.layers.is_empty()
        && let Some((layers, branched)) = only_module(interpreter)
    {
        model.layers = layers;
        model.branched = branched;
    }
    if models.is_empty()
        && let Some((layers, branched)) = only_module(interpreter)
    {
        models.push(Model {
            framework: Framework::PyTorch,
            layers,
            branched,
            compile: None,
            fits: Vec::new(),
        });
    }
    models
}

/// The network that the script defines, if all it defines are parts of one.
fn only_module(interpreter: &mut Interpreter<'_>) -> Option<(Vec<Layer>, bool)> {
    let modules: Vec<usize> = (0..interpreter.instances().len())
        .filter(|index| {
            let class = interpreter.instances()[*index].class;
            interpreter.is_module(class) && !interpreter.is_keras_model(class)
        })
        .collect();
    modules
        .into_iter()
        .map(|index| interpreter.trace(&Value::Instance(index)))
        .max_by_key(|(layers, _)| layers.len())
        .filter(|(layers, _)| !layers.is_empty())
}

fn compile(interpreter: &Interpreter<'_>, optimizer: &Rc<Object>) -> Compile {
    let place = Some(Place::Span(optimizer.span.clone()));
    let mut compile = Compile { place, ..Compile::default() };
    keras_call::read_optimizer(
        interpreter,
        &Value::Object(Rc::clone(optimizer)),
        &optimizer.span,
        &mut compile,
    );
    if let Some(clip) = interpreter.seen.clip {
        compile.clip = Argument::Given(clip);
    }
    compile.schedule = interpreter.seen.schedulers.first().cloned();
    let losses = &interpreter.seen.losses;
    let loss = losses.iter().find(|(_, used)| *used).or_else(|| losses.first());
    if let Some((loss, _)) = loss {
        compile.loss.place = Some(Place::Span(loss.span.clone()));
        let (name, logits) = match loss.class() {
            "CrossEntropyLoss" => ("sparse_categorical_crossentropy", Some(true)),
            "NLLLoss" => ("nll_loss", None),
            "BCELoss" => ("binary_crossentropy", Some(false)),
            "BCEWithLogitsLoss" => ("binary_crossentropy", Some(true)),
            "L1Loss" => ("mean_absolute_error", None),
            "SmoothL1Loss" | "HuberLoss" => ("huber", None),
            "KLDivLoss" => ("kl_divergence", None),
            class => (names::known_loss(class).unwrap_or_default(), None),
        };
        compile.loss.value = if name.is_empty() {
            Argument::Unknown(interpreter.text_at(&loss.span))
        } else {
            Argument::Given(name.into())
        };
        compile.from_logits = logits.map_or(Argument::Absent, Argument::Given);
    }
    compile
}

/// The loop, as far as it is in this file: where there is no loss called, it is elsewhere.
fn training_loop(interpreter: &Interpreter<'_>) -> Option<FitCall> {
    let seen = &interpreter.seen;
    let used = seen.losses.iter().any(|(_, used)| *used);
    if !used && seen.backward.is_empty() {
        return None;
    }
    let each = seen.backward.iter().find_map(|(_, each)| each.clone());
    let span = match (&each, seen.backward.first()) {
        (Some(each), _) => each.span.clone(),
        (None, Some((span, _))) => span.clone(),
        (None, None) => seen.losses.iter().find(|(_, used)| *used)?.0.span.clone(),
    };
    let place = Some(Place::Span(span.clone()));
    let training = seen.loaders.first().map(Rc::clone);
    let (mut batch_size, mut shuffle) = (
        Placed { value: Argument::Unknown("all rows at once".into()), place: place.clone() },
        Placed { value: Argument::Absent, place: None },
    );
    if let Some(loader) = &training {
        let at = Some(Place::Span(loader.span.clone()));
        let size = loader.argument(Some(1), &["batch_size"]);
        batch_size = match size {
            Some(size) => Placed {
                value: keras_call::size(interpreter, size),
                place: Some(Place::Span(size.span.clone())),
            },
            None => Placed { value: Argument::Given(1), place: at.clone() },
        };
        let given = loader.argument(Some(2), &["shuffle"]);
        shuffle = match given {
            Some(given) => Placed {
                value: given
                    .value
                    .as_bool()
                    .map_or_else(|| Argument::Unknown(interpreter.text_at(&given.span)), Argument::Given),
                place: Some(Place::Span(given.span.clone())),
            },
            None if loader.argument(None, &["sampler", "batch_sampler"]).is_some() => {
                Placed { value: Argument::Given(true), place: at }
            }
            None => Placed { value: Argument::Given(false), place: at },
        };
    }
    let validates = seen.no_grad.is_some() || seen.eval.is_some();
    let validation = if validates { Validation::Given } else { Validation::None };
    let fit = Fit {
        place: place.clone(),
        epochs: Placed { value: each.map_or(Argument::Absent, |each| each.epochs), place: place.clone() },
        batch_size,
        validation: Placed { value: validation, place: place.clone() },
        shuffle,
        scaling: seen
            .scalings
            .iter()
            .map(|(what, span)| Placed { value: what.clone(), place: Some(Place::Span(span.clone())) })
            .collect(),
        label_steps: Vec::new(),
        training_loop: Some(TrainingLoop {
            place: seen.backward.first().map(|(span, _)| Place::Span(span.clone())).or(place),
            zero_grad: seen.zero_grad.is_some(),
            backward: !seen.backward.is_empty(),
            step: seen.step.is_some(),
            eval: seen.eval.is_some(),
            evaluates: seen.no_grad.is_some(),
        }),
        ..Fit::default()
    };
    Some(FitCall { fit, stated: crate::facts::Stated::default(), span })
}
