//! Writes a table of calls out as a script, each call on its line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

/// One file of a program.
#[derive(Deserialize)]
pub(crate) struct Program {
    pub(crate) file: String,
    pub(crate) layers: Vec<LayerCall>,
    pub(crate) compile: Vec<Call>,
    pub(crate) fit: Vec<FitCall>,
    pub(crate) optimizers: Vec<OptimizerCall>,
    pub(crate) preprocess: Vec<Step>,
}

#[derive(Deserialize)]
pub(crate) struct LayerCall {
    line: usize,
    pub(crate) layer: String,
    pub(crate) args: Vec<Value>,
    pub(crate) kw: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
pub(crate) struct Call {
    line: usize,
    pub(crate) args: Vec<Value>,
    pub(crate) kw: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
pub(crate) struct FitCall {
    line: usize,
    pub(crate) call: String,
    n_args: usize,
    pub(crate) kw: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
pub(crate) struct OptimizerCall {
    line: usize,
    pub(crate) opt: String,
    pub(crate) args: Vec<Value>,
    pub(crate) kw: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
pub(crate) struct Step {
    line: usize,
    pub(crate) call: String,
}

/// Arguments whose plain words are texts; all other words are names of variables.
const TEXTS: [&str; 8] = [
    "activation",
    "init",
    "kernel_initializer",
    "padding",
    "border_mode",
    "loss",
    "optimizer",
    "data_format",
];

impl Program {
    /// The layers, without what is a function of arrays.
    pub(crate) fn network(&self) -> impl Iterator<Item = &LayerCall> {
        self.layers.iter().filter(|layer| layer.layer != "concatenate")
    }

    /// The call that trains the network.
    pub(crate) fn training(&self) -> Option<&FitCall> {
        self.fit.iter().find(|fit| fit.is_training())
    }
}

impl FitCall {
    /// Scalers and encoders are fitted too, with one argument and no more.
    fn is_training(&self) -> bool {
        self.n_args > 1 || !self.kw.is_empty() || self.call != "fit"
    }
}

/// What a table of calls does not say, and the question that the program comes from does: whose second
/// division by 255 is one of the labels.
const LABELS_DIVIDED: [&str; 1] = ["59325381"];

/// The program as a script.
pub(crate) fn script(program: &Program) -> String {
    let mut lines: BTreeMap<usize, String> = BTreeMap::new();
    let mut put = |line: usize, text: String| {
        let at = lines.entry(line).or_default();
        if !at.is_empty() {
            at.push_str("; ");
        }
        at.push_str(&text);
    };
    let layer_lines: Vec<usize> = program.network().map(|layer| layer.line).collect();
    let mut made = None;
    for layer in program.network() {
        // A second network begins where the first has been compiled.
        let model = program.compile.iter().filter(|compile| compile.line < layer.line).count();
        if made != Some(model) {
            put(layer.line, "model = Sequential()".into());
            made = Some(model);
        }
        put(
            layer.line,
            format!(
                "model.add({}({}))",
                layer.layer,
                arguments(&layer.args, &layer.kw, layer.layer == "Activation")
            ),
        );
    }
    for optimizer in &program.optimizers {
        let inline = program.compile.iter().any(|compile| compile.line == optimizer.line);
        if !inline {
            let name = program
                .compile
                .iter()
                .find(|compile| compile.line > optimizer.line)
                .and_then(|compile| compile.kw.get("optimizer").or(compile.args.first()))
                .and_then(Value::as_str)
                .unwrap_or("optimizer");
            put(
                optimizer.line,
                format!("{name} = {}({})", optimizer.opt, arguments(&optimizer.args, &optimizer.kw, false)),
            );
        }
    }
    for compile in &program.compile {
        let variable = program.optimizers.iter().any(|optimizer| optimizer.line < compile.line);
        let mut arguments: Vec<String> = compile.args.iter().map(|value| value_text(value, true)).collect();
        for (key, value) in &compile.kw {
            let text = match value.as_str() {
                Some(word) if key == "optimizer" && variable || word == key => word.to_owned(),
                _ => value_text(value, TEXTS.contains(&key.as_str())),
            };
            arguments.push(format!("{key}={text}"));
        }
        put(compile.line, format!("model.compile({})", arguments.join(", ")));
    }
    for fit in program.fit.iter().filter(|fit| fit.is_training()) {
        let mut arguments: Vec<String> = match fit.call.as_str() {
            "fit_generator" => vec!["generator".into()],
            _ => vec!["x".into(), "y".into()],
        };
        for (key, value) in fit.kw.iter().filter(|(key, _)| *key != "callbacks") {
            arguments.push(format!("{key}={}", value_text(value, key == "shuffle")));
        }
        put(fit.line, format!("model.{}({})", fit.call, arguments.join(", ")));
    }
    // The repair makes them one-hot rows instead.
    let one_hot = program.preprocess.iter().any(|step| step.call == "to_categorical");
    let divided = !one_hot && LABELS_DIVIDED.iter().any(|name| program.file.contains(name));
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for step in program.preprocess.iter().filter(|step| !layer_lines.contains(&step.line)) {
        let count = seen.entry(step.call.as_str()).or_default();
        let side = if *count == 0 { "" } else { "_test" };
        *count += 1;
        put(
            step.line,
            match step.call.as_str() {
                "/255" if side == "_test" && divided => "y = y / 255".into(),
                "/255" => format!("x{side} = x{side} / 255"),
                "to_categorical" => format!("y{side} = to_categorical(y{side})"),
                "scale" => format!("x{side} = preprocessing.scale(x{side})"),
                "shuffle" => "x, y = sklearn.utils.shuffle(x, y)".into(),
                "train_test_split" => "x, x_test, y, y_test = train_test_split(x, y)".into(),
                "LabelEncoder" | "OneHotEncoder" => {
                    format!("y{side} = {}().fit_transform(y{side})", step.call)
                }
                scaler => format!("x{side} = {scaler}().fit_transform(x{side})"),
            },
        );
    }
    // What a spec does not hold, a script has somewhere: where its data come from.
    let mut text = String::from("import sklearn, keras; from sklearn import preprocessing; ");
    match images(program) {
        Some(set) => {
            let _ = write!(text, "(x, y), (x_test, y_test) = keras.datasets.{set}.load_data()");
        }
        None => text.push_str("x, y, x_test, y_test = load()"),
    }
    let mut at = 1;
    for (line, code) in lines {
        while at < line {
            text.push('\n');
            at += 1;
        }
        let _ = write!(text, "{}{code}", if text.ends_with('\n') { "" } else { "; " });
    }
    text.push('\n');
    text
}

/// The data set that a network for its images is made for: the first layer says their size, the last one
/// how many classes they have. Who feeds batches by hand has them from elsewhere.
fn images(program: &Program) -> Option<&'static str> {
    program.training().filter(|fit| fit.call == "fit")?;
    let first = program.network().next()?.kw.get("input_shape")?.to_string();
    let last = program.network().filter(|layer| layer.layer == "Dense").last()?;
    let classes = last.args.first().or(last.kw.get("units"))?.as_u64()?;
    match (first.as_str(), classes) {
        ("[28,28,1]" | "[784]", 10) => Some("mnist"),
        ("[32,32,3]", 10) => Some("cifar10"),
        _ => None,
    }
}

fn arguments(args: &[Value], kw: &BTreeMap<String, Value>, texts: bool) -> String {
    let positional = args.iter().map(|value| value_text(value, texts));
    let named =
        kw.iter().map(|(key, value)| format!("{key}={}", value_text(value, TEXTS.contains(&key.as_str()))));
    positional.chain(named).collect::<Vec<_>>().join(", ")
}

/// A value as Python writes it. A word is a text where `text` says so, and an expression elsewhere.
fn value_text(value: &Value, text: bool) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(value) => if *value { "True" } else { "False" }.into(),
        Value::Number(number) => number.to_string(),
        Value::String(word) => {
            let plain = word.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
            if text && plain { format!("'{word}'") } else { word.clone() }
        }
        Value::Array(values) => {
            format!("[{}]", values.iter().map(|value| value_text(value, true)).collect::<Vec<_>>().join(", "))
        }
        Value::Object(_) => "{}".into(),
    }
}
