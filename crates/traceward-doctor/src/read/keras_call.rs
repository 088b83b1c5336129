//! What calls of Keras mean: layers, models, compile, fit.
//!
//! Keras 1, 2 and 3, `tf.keras` and the old stand-alone package are one vocabulary here; arguments are
//! found by name, by an older name, or by position.

use std::rc::Rc;

use serde_json::{Map, Value as Json, json};

use super::interpret::{FitCall, Interpreter, collect_tensors, network_of, tensors};
use super::keras_object::is_activation_layer;
use super::python::Span;
use super::value::{Array, Object, Passed, Split, Value, find, last};
use crate::facts::{Argument, Compile, Fit, Framework, Layer, Placed, Stated, Validation};
use crate::{Place, names};

/// Names that older versions had for arguments.
const OLDER_NAMES: [(&str, &str); 16] = [
    ("output_dim", "units"),
    ("nb_filter", "filters"),
    ("init", "kernel_initializer"),
    ("p", "rate"),
    ("border_mode", "padding"),
    ("subsample", "strides"),
    ("W_regularizer", "kernel_regularizer"),
    ("b_regularizer", "bias_regularizer"),
    ("bias", "use_bias"),
    ("inner_activation", "recurrent_activation"),
    ("dropout_W", "dropout"),
    ("dropout_U", "recurrent_dropout"),
    ("alpha", "negative_slope"),
    ("batch_input_shape", "batch_shape"),
    ("lr", "learning_rate"),
    ("nb_epoch", "epochs"),
];

/// Arguments by position.
fn positions(class: &str) -> &'static [&'static str] {
    match class {
        "Dense" => &["units", "activation", "use_bias", "kernel_initializer"],
        "LSTM" | "GRU" | "SimpleRNN" | "CuDNNLSTM" | "CuDNNGRU" => {
            &["units", "activation", "recurrent_activation"]
        }
        "Embedding" => &["input_dim", "output_dim", "embeddings_initializer"],
        "Activation" => &["activation"],
        "Bidirectional" | "TimeDistributed" => &["layer"],
        "Reshape" => &["target_shape"],
        "RepeatVector" => &["n"],
        "MultiHeadAttention" => &["num_heads", "key_dim"],
        "Rescaling" => &["scale", "offset"],
        "LeakyReLU" | "ELU" => &["negative_slope"],
        "GaussianNoise" => &["stddev"],
        class if class.contains("Dropout") => &["rate"],
        class if class.contains("Conv") => &["filters", "kernel_size", "strides", "padding"],
        class if class.contains("Pool") => &["pool_size", "strides", "padding"],
        _ => &[],
    }
}

/// Keras' present name for a class that has had another.
fn present_class(class: &str) -> &str {
    match class {
        "Convolution1D" => "Conv1D",
        "Convolution2D" => "Conv2D",
        "Convolution3D" => "Conv3D",
        "Deconvolution2D" | "Convolution2DTranspose" => "Conv2DTranspose",
        "SeparableConvolution2D" => "SeparableConv2D",
        "MaxPool1D" => "MaxPooling1D",
        "MaxPool2D" => "MaxPooling2D",
        "MaxPool3D" => "MaxPooling3D",
        "AvgPool1D" => "AveragePooling1D",
        "AvgPool2D" => "AveragePooling2D",
        "AvgPool3D" => "AveragePooling3D",
        "GlobalMaxPool1D" => "GlobalMaxPooling1D",
        "GlobalMaxPool2D" => "GlobalMaxPooling2D",
        "GlobalAvgPool1D" => "GlobalAveragePooling1D",
        "GlobalAvgPool2D" => "GlobalAveragePooling2D",
        class => class,
    }
}

/// Whether a function of a name that is defined nowhere shows that the name is a model.
pub(super) fn is_model_call(name: &str, passed: &[Passed]) -> bool {
    let has = |names: &[&str]| find(passed, None, names).is_some();
    match name {
        "add" => passed.first().is_some_and(|passed| {
            passed
                .value
                .as_object()
                .is_some_and(|object| names::is_layer(object.class()) || object.path.contains("layers."))
        }),
        "compile" => has(&["loss", "optimizer", "metrics"]),
        "fit" | "fit_generator" => {
            has(&["epochs", "nb_epoch", "validation_data", "validation_split", "steps_per_epoch"])
        }
        _ => false,
    }
}

/// Functions and classes of Keras that are more than an object.
pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    path: &str,
    passed: &[Passed],
    span: &Span,
) -> Option<Value> {
    let name = last(path);
    match name {
        "Sequential" => {
            let model = interpreter.new_model(Framework::Keras);
            let Value::Model(index) = model else { return Some(model) };
            if let Some(Value::List(layers)) = find(passed, Some(0), &["layers"]).map(|passed| &passed.value)
            {
                for layer in Rc::clone(layers).iter() {
                    add(interpreter, index, layer);
                }
            }
            Some(model)
        }
        "Model" | "Functional" => {
            let outputs = find(passed, Some(1), &["outputs", "output"])?;
            let mut ends = Vec::new();
            collect_tensors(&outputs.value, &mut ends);
            if ends.is_empty() {
                return None;
            }
            let model = interpreter.new_model(Framework::Keras);
            if let Value::Model(index) = model {
                let (layers, branched) = network_of(&ends);
                let network = interpreter.model_mut(index);
                network.layers = layers;
                network.branched = branched;
            }
            Some(model)
        }
        "Input" | "InputLayer" | "placeholder" => {
            Some(Value::Tensor(interpreter.node(Vec::new(), Vec::new(), false)))
        }
        "load_model" | "model_from_json" | "clone_model" => {
            if let Some(Value::Model(index)) = passed.first().map(|passed| &passed.value) {
                return Some(Value::Model(*index));
            }
            let model = interpreter.new_model(Framework::Keras);
            if let Value::Model(index) = model {
                interpreter.model_mut(index).branched = true;
            }
            Some(model)
        }
        "KerasClassifier" | "KerasRegressor" => {
            let build = find(passed, Some(0), &["build_fn", "model"])?;
            if let Value::Function(function) = build.value
                && let Value::Model(index) = interpreter.call_function(function, None, &[])
            {
                push_fit(interpreter, index, passed, span, "KerasClassifier");
            }
            None
        }
        _ => {
            let inputs = tensors(passed);
            if inputs.is_empty() {
                return None;
            }
            // `tf.nn.relu(x)`, `keras.activations.softmax(x)`.
            if matches!(names::activation(name), names::Spelling::Known) {
                let layer = activation_layer(name, span);
                return Some(Value::Tensor(interpreter.node(vec![layer], inputs, false)));
            }
            None
        }
    }
}

/// A layer that only applies an activation.
pub(super) fn activation_layer(name: &str, span: &Span) -> Layer {
    let place = Some(Place::Span(span.clone()));
    Layer {
        class_name: "Activation".into(),
        written: name.into(),
        place: place.clone(),
        activation: Placed { value: Argument::Given(names::canonical_activation(name)), place },
        ..Layer::default()
    }
}

/// Appends to a Sequential model.
fn add(interpreter: &mut Interpreter<'_>, index: usize, value: &Value) {
    match value {
        Value::Tensor(_) | Value::None => {}
        Value::Unknown | Value::Path(_) => interpreter.model_mut(index).branched = true,
        Value::Model(inner) if *inner == index => {}
        value => {
            let branched = matches!(value, Value::Model(inner) if interpreter.models()[*inner].branched);
            let layers = interpreter.layers_of(value);
            let model = interpreter.model_mut(index);
            model.branched |= branched;
            model.layers.extend(layers);
        }
    }
}

/// The layer that an object of Keras is; `None` for inputs.
pub(super) fn layer(interpreter: &mut Interpreter<'_>, object: &Object) -> Option<Layer> {
    let written = object.class();
    let class = present_class(written);
    if matches!(class, "Input" | "InputLayer") {
        return None;
    }
    let mut layer = Layer {
        class_name: class.into(),
        written: written.into(),
        place: Some(Place::Span(object.span.clone())),
        ..Layer::default()
    };
    let mut position = 0;
    for passed in &object.arguments {
        let name = match &passed.keyword {
            Some(keyword) => {
                let renamed = OLDER_NAMES.iter().find(|(older, _)| older == keyword).map(|(_, newer)| *newer);
                match renamed {
                    // An Embedding's `output_dim` is its own.
                    Some("units") if class == "Embedding" => "output_dim".to_owned(),
                    Some(newer) => newer.to_owned(),
                    None => keyword.clone(),
                }
            }
            None => {
                position += 1;
                match positions(class).get(position - 1) {
                    Some(name) => (*name).to_owned(),
                    None => continue,
                }
            }
        };
        read_argument(interpreter, &mut layer, &name, passed);
    }
    // `Convolution2D(32, 3, 3)` has no strides.
    if written.starts_with("Convolution") {
        layer.config.remove("strides");
        layer.config.remove("padding");
    }
    if is_activation_layer(class) && class != "Activation" {
        let name = names::canonical_activation(class);
        layer.activation.value = Argument::Given(name);
    }
    if layer.activation.place.is_none() {
        layer.activation.place.clone_from(&layer.place);
    }
    Some(layer)
}

fn read_argument(interpreter: &mut Interpreter<'_>, layer: &mut Layer, name: &str, passed: &Passed) {
    match name {
        "name" => {
            if let Some(text) = passed.value.as_str() {
                layer.name = text.into();
            }
        }
        "activation" => {
            layer.activation = Placed {
                value: activation(interpreter, passed),
                place: Some(Place::Span(passed.span.clone())),
            };
        }
        "layer" => {
            layer.inner = interpreter.layers_of(&passed.value).into_iter().next().map(Box::new);
        }
        _ => {
            let sized = matches!(name, "units" | "filters")
                || name == "output_dim" && layer.class_name == "Embedding";
            if sized {
                layer.units = size(interpreter, passed);
            }
            if let Some(value) = plain(&passed.value) {
                layer.config.insert(name.to_owned(), value);
            }
            // How widely an initializer draws, which its name does not say.
            if let (Some(object), true) = (passed.value.as_object(), name.ends_with("initializer")) {
                let spread = object.argument(None, &["stddev", "maxval", "value"]);
                if let Some(number) = spread.and_then(|passed| passed.value.as_float()) {
                    layer.config.insert(format!("{name}.spread"), json!(number));
                }
            }
        }
    }
}

/// The name of an activation, however it is given.
fn activation(interpreter: &Interpreter<'_>, passed: &Passed) -> Argument<String> {
    match &passed.value {
        Value::None => Argument::Absent,
        Value::Str(name) => Argument::Given(names::canonical_activation(name)),
        Value::Path(path) if path.contains('.') || names::activation(path) == names::Spelling::Known => {
            Argument::Given(names::canonical_activation(last(path)))
        }
        Value::Object(object) if names::activation(object.class()) == names::Spelling::Known => {
            Argument::Given(names::canonical_activation(object.class()))
        }
        _ => Argument::Unknown(interpreter.text_at(&passed.span)),
    }
}

/// A size.
pub(super) fn size(interpreter: &Interpreter<'_>, passed: &Passed) -> Argument<usize> {
    match &passed.value {
        Value::None => Argument::Absent,
        value => value
            .as_size()
            .map_or_else(|| Argument::Unknown(interpreter.text_at(&passed.span)), Argument::Given),
    }
}

/// A number.
pub(super) fn float(interpreter: &Interpreter<'_>, passed: &Passed) -> Argument<f64> {
    match &passed.value {
        Value::None => Argument::Absent,
        value => value
            .as_float()
            .map_or_else(|| Argument::Unknown(interpreter.text_at(&passed.span)), Argument::Given),
    }
}

/// A value that can be kept as it is; objects by their class' name.
fn plain(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::Str(text) => json!(text),
        Value::List(values) if values.len() <= 16 => {
            Json::Array(values.iter().map(|value| plain(value).unwrap_or(Json::Null)).collect())
        }
        Value::Object(object) => json!(names::snake_case(object.class())),
        Value::Path(path) if path.contains('.') => json!(last(path)),
        _ => return None,
    })
}

/// Whether it is a loss of Keras.
pub(super) fn is_loss(object: &Object) -> bool {
    object.path.contains("losses.") && names::known_loss(object.class()).is_some()
        || matches!(
            object.class(),
            "CategoricalCrossentropy"
                | "BinaryCrossentropy"
                | "SparseCategoricalCrossentropy"
                | "MeanSquaredError"
        )
}

/// A function of a model.
pub(super) fn method(
    interpreter: &mut Interpreter<'_>,
    index: usize,
    name: &str,
    passed: &[Passed],
    span: &Span,
) -> Value {
    match name {
        "add" => {
            if let Some(layer) = passed.first() {
                add(interpreter, index, &layer.value);
            }
            Value::None
        }
        "pop" => {
            interpreter.model_mut(index).layers.pop();
            Value::None
        }
        "compile" => {
            let compile = read_compile(interpreter, passed, span);
            interpreter.set_aside(index);
            interpreter.model_mut(index).compile = Some(compile);
            Value::None
        }
        "fit" | "fit_generator" | "train_on_batch" => {
            push_fit(interpreter, index, passed, span, name);
            Value::Object(Rc::new(Object {
                path: "keras.callbacks.History".into(),
                arguments: Vec::new(),
                span: span.clone(),
            }))
        }
        "get_layer" => Value::Tensor(interpreter.node(Vec::new(), Vec::new(), true)),
        "call" | "__call__" => interpreter.apply(&Value::Model(index), passed, span),
        _ => Value::Unknown,
    }
}

/// A function of an object of Keras: an optimizer in a loop of the script's own.
pub(super) fn object_method(
    interpreter: &mut Interpreter<'_>,
    object: &Rc<Object>,
    name: &str,
    span: &Span,
) -> Option<Value> {
    if !matches!(name, "apply_gradients" | "minimize")
        || names::optimizer(object.class()) != names::Spelling::Known
    {
        return None;
    }
    let mut compile = Compile { place: Some(Place::Span(span.clone())), ..Compile::default() };
    read_optimizer(interpreter, &Value::Object(Rc::clone(object)), &object.span, &mut compile);
    let used = interpreter.seen.losses.iter().find(|(_, used)| *used).map(|(loss, _)| Rc::clone(loss));
    if let Some(loss) = used {
        read_loss(interpreter, &Value::Object(Rc::clone(&loss)), &loss.span, &mut compile);
    }
    let last =
        interpreter.models().iter().rposition(|model| model.compile.is_none() && !model.layers.is_empty())?;
    interpreter.model_mut(last).compile = Some(compile);
    push_fit(interpreter, last, &[], span, "train_on_batch");
    Some(Value::None)
}

pub(super) fn read_compile(interpreter: &mut Interpreter<'_>, passed: &[Passed], span: &Span) -> Compile {
    let mut compile = Compile { place: Some(Place::Span(span.clone())), ..Compile::default() };
    if let Some(optimizer) = find(passed, Some(0), &["optimizer"]) {
        read_optimizer(interpreter, &optimizer.value, &optimizer.span, &mut compile);
    }
    if let Some(loss) = find(passed, Some(1), &["loss"]) {
        read_loss(interpreter, &loss.value, &loss.span, &mut compile);
    }
    if let Some(metrics) = find(passed, Some(2), &["metrics"]) {
        read_metrics(&metrics.value, &metrics.span, &mut compile.metrics);
    }
    compile
}

fn read_loss(interpreter: &Interpreter<'_>, value: &Value, span: &Span, compile: &mut Compile) {
    compile.loss.place = Some(Place::Span(span.clone()));
    let unknown = || Argument::Unknown(interpreter.text_at(span));
    compile.loss.value = match value {
        Value::None => Argument::Absent,
        Value::Str(name) => Argument::Given(names::canonical_loss(name)),
        Value::Path(path) => match names::known_loss(last(path)) {
            Some(name) => Argument::Given(name.into()),
            None if path.contains("losses.") || path.contains("objectives.") => {
                Argument::Given(last(path).into())
            }
            None => unknown(),
        },
        Value::Object(object) => match names::known_loss(object.class()) {
            Some(name) => {
                let logits = object.argument(from_logits_position(name), &["from_logits"]);
                compile.from_logits = match logits.map(|logits| (logits.value.as_bool(), logits)) {
                    None => Argument::Absent,
                    Some((Some(value), _)) => Argument::Given(value),
                    Some((None, logits)) => Argument::Unknown(interpreter.text_at(&logits.span)),
                };
                Argument::Given(name.into())
            }
            None => unknown(),
        },
        Value::List(values) if values.len() == 1 => {
            read_loss(interpreter, &values[0], span, compile);
            return;
        }
        Value::Dict(pairs) if pairs.len() == 1 => {
            read_loss(interpreter, &pairs[0].1, span, compile);
            return;
        }
        _ => unknown(),
    };
}

/// Where `from_logits` stands among the arguments of a loss' class.
fn from_logits_position(loss: &str) -> Option<usize> {
    loss.ends_with("crossentropy").then_some(0)
}

pub(super) fn read_optimizer(
    interpreter: &Interpreter<'_>,
    value: &Value,
    span: &Span,
    compile: &mut Compile,
) {
    compile.optimizer.place = Some(Place::Span(span.clone()));
    let unknown = || Argument::Unknown(interpreter.text_at(span));
    compile.optimizer.value = match value {
        Value::None => Argument::Absent,
        Value::Str(name) => Argument::Given(names::canonical_optimizer(name)),
        Value::Path(path) if names::optimizer(last(path)) == names::Spelling::Known => {
            Argument::Given(names::canonical_optimizer(last(path)))
        }
        Value::Path(path) if path.contains("optimizers.") => Argument::Given(last(path).into()),
        Value::Object(object) => {
            if names::optimizer(object.class()) != names::Spelling::Known && !object.path.contains("optim") {
                compile.optimizer.value = unknown();
                return;
            }
            // Wrappers: `LossScaleOptimizer(inner)`, `Lookahead(inner)`.
            if let Some(Passed { value: inner @ Value::Object(wrapped), span, .. }) =
                object.argument(Some(0), &["inner_optimizer", "optimizer"])
                && names::optimizer(wrapped.class()) == names::Spelling::Known
            {
                read_optimizer(interpreter, inner, span, compile);
                return;
            }
            let torch = object.path.starts_with("torch");
            let rate = object.argument(Some(usize::from(torch)), &["learning_rate", "lr"]);
            if let Some(rate) = rate {
                read_rate(interpreter, rate, compile);
            }
            if let Some(momentum) = object.argument(None, &["momentum"]) {
                compile.momentum = float(interpreter, momentum);
            } else if object.class() == "SGD"
                && let Some(momentum) = object.argument(Some(1 + usize::from(torch)), &[])
            {
                compile.momentum = float(interpreter, momentum);
            }
            if let Some(clip) = object.argument(None, &["clipnorm", "global_clipnorm", "clipvalue"]) {
                compile.clip = float(interpreter, clip);
            }
            Argument::Given(names::canonical_optimizer(object.class()))
        }
        _ => unknown(),
    };
}

fn read_rate(interpreter: &Interpreter<'_>, rate: &Passed, compile: &mut Compile) {
    compile.learning_rate.place = Some(Place::Span(rate.span.clone()));
    compile.learning_rate.value = match &rate.value {
        Value::Object(schedule) => {
            compile.schedule = Some(schedule.class().to_owned());
            let start = schedule.argument(Some(0), &["initial_learning_rate", "learning_rate"]);
            let start = start.and_then(|start| start.value.as_float());
            // Piecewise: boundaries, then values.
            let first = || schedule.argument(Some(1), &["values"])?.value.as_list()?.first()?.as_float();
            start
                .or_else(first)
                .map_or_else(|| Argument::Unknown(interpreter.text_at(&rate.span)), Argument::Given)
        }
        _ => float(interpreter, rate),
    };
}

fn read_metrics(value: &Value, span: &Span, metrics: &mut Vec<Placed<String>>) {
    let name = match value {
        Value::List(values) => {
            for value in values.iter() {
                read_metrics(value, span, metrics);
            }
            return;
        }
        Value::Dict(pairs) => {
            for (_, value) in pairs.iter() {
                read_metrics(value, span, metrics);
            }
            return;
        }
        Value::Str(name) => name.clone(),
        Value::Path(path) => last(path).to_owned(),
        Value::Object(object) => names::snake_case(object.class()),
        _ => return,
    };
    metrics.push(Placed { value: name, place: Some(Place::Span(span.clone())) });
}

/// Reads a call to fit.
fn push_fit(interpreter: &mut Interpreter<'_>, index: usize, passed: &[Passed], span: &Span, call: &str) {
    if interpreter.models()[index].fits.iter().any(|fit| fit.span == *span) {
        return;
    }
    let fit_call = read_fit(interpreter, passed, span, call);
    let model = interpreter.model_mut(index);
    model.fits.push(fit_call);
}

fn read_fit(interpreter: &Interpreter<'_>, passed: &[Passed], span: &Span, call: &str) -> FitCall {
    let whole = call == "fit" || call == "KerasClassifier";
    let generator = call == "fit_generator";
    let at = |position: usize| whole.then_some(position);
    let inputs = find(passed, Some(0), &["x", "generator"]).filter(|_| call != "KerasClassifier");
    let labels = find(passed, Some(1), &["y"]).filter(|_| !generator && call != "KerasClassifier");
    let nothing = Rc::new(Array::default());
    let x = array_of(inputs).unwrap_or_else(|| Rc::clone(&nothing));
    // Batches from one source carry their labels: of these only what is said of labels is known.
    let carried = || {
        Rc::new(Array { range: None, scaled: None, whole: false, rows: x.rows, set: None, ..(*x).clone() })
    };
    let y = array_of(labels).unwrap_or_else(|| if x.loader.is_some() { carried() } else { nothing });

    let placed = |argument: Option<&Passed>| Placed {
        value: argument.map_or(Argument::Absent, |argument| size(interpreter, argument)),
        place: Some(Place::Span(argument.map_or_else(|| span.clone(), |argument| argument.span.clone()))),
    };
    let mut epochs = placed(find(
        passed,
        if generator { Some(2) } else { at(3).filter(|_| call == "fit") },
        &["epochs", "nb_epoch"],
    ));
    let mut batch_size = placed(find(passed, at(2).filter(|_| call == "fit"), &["batch_size"]));
    if call == "train_on_batch"
        && let Some(each) = interpreter.epoch_loop()
    {
        epochs = Placed { value: each.epochs, place: Some(Place::Span(each.span)) };
        batch_size.value = Argument::Unknown("as the script cuts them".into());
    }
    if let Some(loader) = &x.loader
        && let Some(size_of_batch) =
            loader.argument(if last(&loader.path) == "batch" { Some(0) } else { None }, &["batch_size"])
    {
        batch_size = placed(Some(size_of_batch));
    }

    let data =
        find(passed, if generator { Some(5) } else { at(7).filter(|_| call == "fit") }, &["validation_data"]);
    let share = find(passed, at(6).filter(|_| call == "fit"), &["validation_split"]);
    let validation = match (data, share) {
        (Some(data), _) if !matches!(data.value, Value::None) => Placed {
            value: match x.split {
                Some(Split::Random(Some(share))) => Validation::Random(share),
                Some(Split::InOrder(Some(share))) => Validation::Tail(share),
                _ => Validation::Given,
            },
            place: Some(Place::Span(data.span.clone())),
        },
        (_, Some(share)) => Placed {
            value: match share.value.as_float() {
                Some(0.0) => Validation::None,
                Some(share) => Validation::Tail(share),
                None => Validation::Unknown,
            },
            place: Some(Place::Span(share.span.clone())),
        },
        _ => Placed { value: Validation::None, place: Some(Place::Span(span.clone())) },
    };
    let shuffle = find(passed, at(8).filter(|_| call == "fit"), &["shuffle"]);
    let shuffle = Placed {
        value: match shuffle.map(|shuffle| (&shuffle.value, shuffle)) {
            None => Argument::Absent,
            Some((Value::Str(_), _)) => Argument::Given(true),
            Some((value, shuffle)) => value
                .as_bool()
                .map_or_else(|| Argument::Unknown(interpreter.text_at(&shuffle.span)), Argument::Given),
        },
        place: shuffle.map(|shuffle| Place::Span(shuffle.span.clone())),
    };
    let class_weight = find(passed, None, &["class_weight"]);
    let callbacks = find(passed, at(5).filter(|_| call == "fit"), &["callbacks"]);
    let callbacks = match callbacks.map(|callbacks| &callbacks.value) {
        Some(Value::List(values)) => values
            .iter()
            .filter_map(|value| match value {
                Value::Object(object) => Some(object.class().to_owned()),
                _ => None,
            })
            .collect(),
        Some(Value::Object(object)) => vec![object.class().to_owned()],
        _ => Vec::new(),
    };
    let by_class = y.by_class.clone();
    let fit = Fit {
        place: Some(Place::Span(span.clone())),
        epochs,
        batch_size,
        validation,
        shuffle,
        shuffled_before_split: if x.shuffled || y.shuffled {
            Some(true)
        } else if by_class.is_some() {
            Some(false)
        } else {
            None
        },
        class_weight: class_weight.map_or(Argument::Absent, |given| match given.value {
            Value::None => Argument::Absent,
            _ => Argument::Given(interpreter.text_at(&given.span)),
        }),
        callbacks,
        scaling: match &x.scaled {
            Some((what, span)) => {
                vec![Placed { value: what.clone(), place: Some(Place::Span(span.clone())) }]
            }
            None => steps(&interpreter.seen.scalings),
        },
        label_steps: steps(&interpreter.seen.label_steps),
        ..Fit::default()
    };
    FitCall { fit, stated: stated(&x, &y), span: span.clone() }
}

fn array_of(passed: Option<&Passed>) -> Option<Rc<Array>> {
    match &passed?.value {
        Value::Data(data) => Some(Rc::clone(data)),
        Value::List(_) => Some(Rc::new(super::arrays::literal_of(&passed?.value))),
        _ => None,
    }
}

fn steps(seen: &[(String, Span)]) -> Vec<Placed<String>> {
    seen.iter()
        .map(|(what, span)| Placed { value: what.clone(), place: Some(Place::Span(span.clone())) })
        .collect()
}

/// What is known of inputs and labels where they are fitted.
pub(super) fn stated(x: &Array, y: &Array) -> Stated {
    let by_set = x.set.or(y.set);
    let quantities = matches!(by_set, Some("boston_housing" | "california_housing"));
    let many_levels = y.levels.zip(y.rows).is_some_and(|(levels, rows)| levels == rows && rows > 3)
        || y.levels.is_some_and(|levels| levels > 64 && y.set.is_none() && !y.one_hot);
    let fractions = y.range.is_some() && !y.whole && !y.one_hot && y.levels.is_none();
    let regression = if quantities || fractions || many_levels && !y.one_hot {
        Some(true)
    } else if y.one_hot || y.levels.is_some_and(|levels| levels > 0) {
        Some(false)
    } else {
        None
    };
    let classes = if regression == Some(true) { None } else { y.levels.or(y.columns.filter(|_| y.one_hot)) };
    Stated {
        set: by_set.map(str::to_owned),
        items: x.rows.or(y.rows),
        held_out: x.split.is_some() || y.split.is_some(),
        classes: Placed { value: classes.filter(|classes| *classes > 1), place: None },
        one_hot: if y.one_hot { Some(true) } else { (y.whole && y.levels.is_some()).then_some(false) },
        regression,
        targets: Placed { value: y.range, place: None },
        inputs: Placed { value: x.range, place: None },
        images: x.images.then_some(true),
        sorted: y.by_class.clone().filter(|_| !y.shuffled && !x.shuffled).map(Place::Span),
        labels_scaled: y
            .scaled
            .clone()
            .filter(|_| regression != Some(true))
            .map(|(_, span)| Place::Span(span)),
        vocabulary: Placed {
            value: x.vocabulary.as_ref().map(|(size, _)| *size),
            place: x.vocabulary.clone().map(|(_, span)| Place::Span(span)),
        },
    }
}

/// Nothing known of a layer but its class.
pub(super) fn bare_layer(class: &str, written: &str, span: &Span, config: Map<String, Json>) -> Layer {
    let place = Some(Place::Span(span.clone()));
    Layer {
        class_name: class.into(),
        written: written.into(),
        place: place.clone(),
        activation: Placed { value: Argument::Absent, place },
        config,
        ..Layer::default()
    }
}
