//! What a script says of its data: where they come from, what range they have, what is done to them.
//!
//! NumPy, pandas, scikit-learn and the data sets that come with Keras, as far as they decide what a network
//! is given. Nothing is loaded; ranges are followed through arithmetic as intervals.

use std::rc::Rc;

use super::interpret::Interpreter;
use super::python::{Argument as Written, ExprKind, Operator, Span};
use super::value::{Array, Object, Passed, Split, Value, find, last};
use crate::facts::Range;

/// A data set that comes with a framework.
struct Known {
    name: &'static str,
    /// Training items.
    items: usize,
    /// Classes; 0: the targets are quantities.
    classes: usize,
    inputs: (f64, f64),
    targets: (f64, f64),
    images: bool,
}

const KNOWN: [Known; 12] = [
    Known {
        name: "mnist",
        items: 60_000,
        classes: 10,
        inputs: (0.0, 255.0),
        targets: (0.0, 9.0),
        images: true,
    },
    Known {
        name: "fashion_mnist",
        items: 60_000,
        classes: 10,
        inputs: (0.0, 255.0),
        targets: (0.0, 9.0),
        images: true,
    },
    Known {
        name: "cifar10",
        items: 50_000,
        classes: 10,
        inputs: (0.0, 255.0),
        targets: (0.0, 9.0),
        images: true,
    },
    Known {
        name: "cifar100",
        items: 50_000,
        classes: 100,
        inputs: (0.0, 255.0),
        targets: (0.0, 99.0),
        images: true,
    },
    Known {
        name: "imdb",
        items: 25_000,
        classes: 2,
        inputs: (0.0, 88_586.0),
        targets: (0.0, 1.0),
        images: false,
    },
    Known {
        name: "reuters",
        items: 8_982,
        classes: 46,
        inputs: (0.0, 30_980.0),
        targets: (0.0, 45.0),
        images: false,
    },
    Known {
        name: "boston_housing",
        items: 404,
        classes: 0,
        inputs: (0.0, 711.0),
        targets: (5.0, 50.0),
        images: false,
    },
    Known {
        name: "california_housing",
        items: 16_512,
        classes: 0,
        inputs: (-124.0, 39_320.0),
        targets: (14_999.0, 500_001.0),
        images: false,
    },
    Known { name: "iris", items: 150, classes: 3, inputs: (0.1, 7.9), targets: (0.0, 2.0), images: false },
    Known {
        name: "digits",
        items: 1_797,
        classes: 10,
        inputs: (0.0, 16.0),
        targets: (0.0, 9.0),
        images: false,
    },
    Known {
        name: "wine",
        items: 178,
        classes: 3,
        inputs: (0.13, 1_680.0),
        targets: (0.0, 2.0),
        images: false,
    },
    Known {
        name: "breast_cancer",
        items: 569,
        classes: 2,
        inputs: (0.0, 4_254.0),
        targets: (0.0, 1.0),
        images: false,
    },
];

impl Known {
    fn inputs(&self) -> Array {
        Array {
            set: Some(self.name),
            range: Some(Range { min: self.inputs.0, max: self.inputs.1 }),
            rows: Some(self.items),
            images: self.images,
            ..Array::default()
        }
    }

    fn targets(&self) -> Array {
        Array {
            set: Some(self.name),
            range: Some(Range { min: self.targets.0, max: self.targets.1 }),
            rows: Some(self.items),
            whole: self.classes > 0,
            levels: (self.classes > 0).then_some(self.classes),
            ..Array::default()
        }
    }
}

fn known(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// Dividing by this or more scales pixels.
const PIXELS: f64 = 100.0;

/// `numpy`, `pandas`, `sklearn`, data sets and what Keras has for data; `None` if it is none of them.
pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    path: &str,
    passed: &[Passed],
    written: &[Written],
    span: &Span,
) -> Option<Value> {
    let name = last(path);
    let module = path.strip_suffix(name).map(|module| module.trim_end_matches('.')).unwrap_or_default();
    let first = passed.first().map(|passed| &passed.value);

    if name == "load_data"
        && let Some(known) = known(last(module))
    {
        let mut inputs = known.inputs();
        let words = find(passed, None, &["num_words", "nb_words"]);
        if let Some((words, at)) = words.and_then(|words| Some((words.value.as_size()?, words.span.clone())))
        {
            inputs.vocabulary = Some((words, at));
        }
        let pair = Value::list(vec![Value::data(inputs), Value::data(known.targets())]);
        return Some(Value::list(vec![pair.clone(), pair]));
    }
    if path.starts_with("sklearn.datasets") || name.starts_with("load_") || name.starts_with("make_") {
        return set_of_sklearn(name, passed);
    }
    match name {
        "seed"
        | "set_seed"
        | "set_random_seed"
        | "manual_seed"
        | "seed_everything"
        | "manual_seed_all"
        | "enable_op_determinism" => {
            interpreter.seen.seeded = true;
            return Some(Value::None);
        }
        "train_test_split" => return Some(train_test_split(interpreter, passed)),
        "to_categorical" | "one_hot" | "get_dummies" | "label_binarize" => {
            return one_hot(interpreter, name, passed, span);
        }
        "pad_sequences" => {
            return Some(
                first?
                    .as_data()
                    .map_or_else(|| Value::data(Array::default()), |data| Value::Data(Rc::clone(data))),
            );
        }
        _ => {}
    }
    if path.starts_with("numpy") || path.starts_with("jax.numpy") || path.starts_with("cupy") {
        return numpy(interpreter, path, name, passed, written, span);
    }
    if path.starts_with("pandas") {
        return pandas(name, passed, span);
    }
    if path.starts_with("sklearn") || matches!(name, "shuffle" | "scale" | "minmax_scale" | "normalize") {
        return sklearn(interpreter, name, passed, span);
    }
    match name {
        "random_shuffle" | "shuffle" if !passed.is_empty() => {
            if let Some(argument) = written.first() {
                interpreter.change_in_place(argument, |array| array.shuffled = true);
            }
            Some(Value::None)
        }
        "image_dataset_from_directory" | "text_dataset_from_directory" => {
            Some(from_directory(passed, span, path))
        }
        _ => None,
    }
}

fn set_of_sklearn(name: &str, passed: &[Passed]) -> Option<Value> {
    let name = name.strip_prefix("fetch_").or_else(|| name.strip_prefix("load_")).unwrap_or(name);
    if let Some(known) = known(name) {
        let split =
            find(passed, None, &["return_X_y"]).is_some_and(|passed| passed.value.as_bool() == Some(true));
        if split {
            return Some(Value::list(vec![Value::data(known.inputs()), Value::data(known.targets())]));
        }
        return Some(Value::Dict(Rc::new(vec![
            (Value::Str("data".into()), Value::data(known.inputs())),
            (Value::Str("target".into()), Value::data(known.targets())),
        ])));
    }
    let rows = find(passed, Some(0), &["n_samples"]).and_then(|passed| passed.value.as_size()).or(Some(100));
    let classes = match name {
        "make_moons" | "make_circles" => 2,
        "make_classification" => number(passed, None, "n_classes").unwrap_or(2),
        "make_blobs" => number(passed, None, "centers").unwrap_or(3),
        "make_regression" => 0,
        _ => return None,
    };
    let inputs = Array { rows, ..Array::default() };
    let targets = Array {
        rows,
        whole: classes > 0,
        levels: (classes > 0).then_some(classes),
        range: (classes > 0).then_some(Range { min: 0.0, max: classes as f64 - 1.0 }),
        ..Array::default()
    };
    Some(Value::list(vec![Value::data(inputs), Value::data(targets)]))
}

fn number(passed: &[Passed], position: Option<usize>, name: &str) -> Option<usize> {
    find(passed, position, &[name])?.value.as_size()
}

fn train_test_split(interpreter: &mut Interpreter<'_>, passed: &[Passed]) -> Value {
    let share = find(passed, None, &["test_size"]).and_then(|passed| passed.value.as_float());
    let share = share.or(Some(0.25));
    let in_order =
        find(passed, None, &["shuffle"]).is_some_and(|passed| passed.value.as_bool() == Some(false));
    if find(passed, None, &["random_state"]).is_some() {
        interpreter.seen.seeded = true;
    }
    let split = if in_order { Split::InOrder(share) } else { Split::Random(share) };
    let sides = passed.iter().filter(|passed| passed.keyword.is_none()).flat_map(|passed| {
        let mut array = passed.value.as_data().map(|data| (**data).clone()).unwrap_or_default();
        array.split = Some(split);
        array.shuffled |= !in_order;
        let share = share.filter(|share| *share < 1.0).unwrap_or(0.25);
        let train =
            Array { rows: array.rows.map(|rows| (rows as f64 * (1.0 - share)) as usize), ..array.clone() };
        let test = Array { rows: array.rows.map(|rows| (rows as f64 * share) as usize), ..array };
        [Value::data(train), Value::data(test)]
    });
    Value::list(sides.collect())
}

fn one_hot(interpreter: &mut Interpreter<'_>, name: &str, passed: &[Passed], span: &Span) -> Option<Value> {
    let given = find(passed, Some(1), &["num_classes", "nb_classes", "depth", "classes"]);
    let array = passed.first().and_then(|passed| passed.value.as_data()).cloned().unwrap_or_default();
    // `pd.get_dummies(frame, columns=…)` is for inputs.
    if name == "get_dummies" && passed.len() > 1 {
        return Some(Value::data(Array { range: None, ..(*array).clone() }));
    }
    interpreter.seen.label_steps.push((name.to_owned(), span.clone()));
    let columns = given.and_then(|given| given.value.as_size()).or(array.levels);
    Some(Value::data(Array {
        one_hot: true,
        columns,
        levels: columns.or(array.levels),
        range: Some(Range { min: 0.0, max: 1.0 }),
        whole: true,
        ..(*array).clone()
    }))
}

fn numpy(
    interpreter: &mut Interpreter<'_>,
    path: &str,
    name: &str,
    passed: &[Passed],
    written: &[Written],
    span: &Span,
) -> Option<Value> {
    let first = passed.first().map(|passed| &passed.value);
    let data = first.and_then(Value::as_data);
    let rows = || match first? {
        Value::List(shape) => shape.first()?.as_size(),
        value => value.as_size(),
    };
    let between = |min: f64, max: f64, rows: Option<usize>| {
        Value::data(Array { range: Some(Range { min, max }), rows, shuffled: true, ..Array::default() })
    };
    let array = match name {
        "array" | "asarray" | "asmatrix" | "matrix" | "float32" | "float64" | "mat" => match first? {
            Value::List(values) => Value::data(literal(values)),
            value @ Value::Data(_) => value.clone(),
            _ => return None,
        },
        "zeros" | "ones" | "zeros_like" | "ones_like" | "full" => {
            let value = match name {
                "full" => passed.get(1)?.value.as_float()?,
                name => f64::from(u8::from(name.starts_with("ones"))),
            };
            Value::data(Array {
                range: Some(Range { min: value, max: value }),
                whole: value.fract() == 0.0,
                levels: Some(1),
                rows: rows().or_else(|| data?.rows),
                ..Array::default()
            })
        }
        "eye" | "identity" => {
            let size = first?.as_size();
            Value::data(Array {
                one_hot: true,
                columns: size,
                levels: size,
                range: Some(Range { min: 0.0, max: 1.0 }),
                whole: true,
                rows: size,
                ..Array::default()
            })
        }
        "rand" | "random" | "random_sample" | "ranf" if path.contains(".random") => between(0.0, 1.0, rows()),
        "uniform" => {
            let low =
                find(passed, Some(0), &["low"]).and_then(|passed| passed.value.as_float()).unwrap_or(0.0);
            let high =
                find(passed, Some(1), &["high"]).and_then(|passed| passed.value.as_float()).unwrap_or(1.0);
            let size = find(passed, Some(2), &["size"]).and_then(|passed| match &passed.value {
                Value::List(shape) => shape.first()?.as_size(),
                value => value.as_size(),
            });
            between(low.min(high), high.max(low), size)
        }
        "randn" | "normal" | "standard_normal" => Value::data(Array {
            rows: rows().filter(|_| name == "randn"),
            shuffled: true,
            ..Array::default()
        }),
        "randint" | "random_integers" | "integers" => {
            let low = find(passed, Some(0), &["low"]).and_then(|passed| passed.value.as_int())?;
            let high = find(passed, Some(1), &["high"]).and_then(|passed| passed.value.as_int());
            let (low, high) = high.map_or((0, low), |high| (low, high));
            let size = find(passed, Some(2), &["size"]).and_then(|passed| match &passed.value {
                Value::List(shape) => shape.first()?.as_size(),
                value => value.as_size(),
            });
            Value::data(Array {
                range: Some(Range { min: low as f64, max: (high - 1).max(low) as f64 }),
                whole: true,
                levels: usize::try_from(high - low).ok().filter(|levels| *levels > 0),
                rows: size,
                shuffled: true,
                ..Array::default()
            })
        }
        "linspace" => {
            let (from, to) = (first?.as_float()?, passed.get(1)?.value.as_float()?);
            let count =
                find(passed, Some(2), &["num"]).and_then(|passed| passed.value.as_size()).or(Some(50));
            Value::data(Array {
                range: Some(Range { min: from.min(to), max: to.max(from) }),
                rows: count,
                ..Array::default()
            })
        }
        "arange" => {
            let bounds: Vec<f64> = passed
                .iter()
                .filter(|passed| passed.keyword.is_none())
                .filter_map(|passed| passed.value.as_float())
                .collect();
            let (from, to, step) = match bounds[..] {
                [to] => (0.0, to, 1.0),
                [from, to] => (from, to, 1.0),
                [from, to, step] => (from, to, step),
                _ => return Some(Value::data(Array::default())),
            };
            let count = ((to - from) / step).ceil();
            Value::data(Array {
                range: Some(Range { min: from.min(to), max: from.max(to) }),
                whole: bounds.iter().all(|bound| bound.fract() == 0.0),
                rows: (count > 0.0 && count < 1e9).then_some(count as usize),
                ..Array::default()
            })
        }
        "sin" | "cos" | "tanh" => changed(data?, Some(Range { min: -1.0, max: 1.0 })),
        "abs" | "absolute" | "fabs" => {
            let range = data?.range.map(|range| {
                let far = range.min.abs().max(range.max.abs());
                let near = if range.min <= 0.0 && range.max >= 0.0 {
                    0.0
                } else {
                    range.min.abs().min(range.max.abs())
                };
                Range { min: near, max: far }
            });
            changed(data?, range)
        }
        "sqrt" | "exp" | "log1p" | "square" => {
            let function = |value: f64| match name {
                "sqrt" => value.max(0.0).sqrt(),
                "exp" => value.exp(),
                "log1p" => value.max(0.0).ln_1p(),
                _ => value * value,
            };
            let range = data?.range.filter(|range| name != "square" || range.min >= 0.0);
            changed(data?, range.map(|range| Range { min: function(range.min), max: function(range.max) }))
        }
        "power" => {
            let exponent = passed.get(1)?.value.clone();
            return binary(interpreter, first?, Operator::Pow, &exponent, span);
        }
        "concatenate" | "vstack" | "hstack" | "append" | "stack" | "row_stack" | "column_stack"
        | "dstack" | "r_" | "c_" => {
            let parts: Vec<&Value> = match first? {
                Value::List(values) => values.iter().collect(),
                _ => passed
                    .iter()
                    .filter(|passed| passed.keyword.is_none())
                    .map(|passed| &passed.value)
                    .collect(),
            };
            let across = matches!(name, "hstack" | "column_stack" | "dstack")
                || find(passed, Some(if name == "append" { 2 } else { 1 }), &["axis"])
                    .is_some_and(|axis| axis.value.as_int().is_some_and(|axis| axis != 0));
            Value::data(joined(&parts, if across { None } else { Some(span) }))
        }
        "loadtxt" | "genfromtxt" | "load" | "fromfile" | "recfromcsv" => Value::data(Array::default()),
        "shuffle" => {
            if let Some(argument) = written.first() {
                interpreter.change_in_place(argument, |array| array.shuffled = true);
            }
            Value::None
        }
        "permutation" => match data {
            Some(data) => Value::data(Array { shuffled: true, ..(**data).clone() }),
            None => {
                Value::data(Array { shuffled: true, whole: true, rows: first?.as_size(), ..Array::default() })
            }
        },
        "expand_dims" | "reshape" | "squeeze" | "ravel" | "transpose" | "copy" | "ascontiguousarray"
        | "atleast_2d" | "moveaxis" | "swapaxes" | "nan_to_num" | "repeat" | "tile" | "flip" | "pad"
        | "roll" | "delete" | "sort" => Value::Data(Rc::clone(data?)),
        "argmax" => {
            changed(data?, data?.columns.map(|columns| Range { min: 0.0, max: columns as f64 - 1.0 }))
        }
        "where" | "sign" | "heaviside" | "round" | "floor" | "clip" | "mean" | "std" | "log" | "dot"
        | "matmul" => Value::data(Array { rows: data.and_then(|data| data.rows), ..Array::default() }),
        _ => return None,
    };
    Some(array)
}

fn changed(data: &Rc<Array>, range: Option<Range>) -> Value {
    Value::data(Array { range, whole: false, levels: None, one_hot: false, ..(**data).clone() })
}

/// Parts put one after another, at `span`; side by side without one.
fn joined(parts: &[&Value], span: Option<&Span>) -> Array {
    let arrays: Vec<Array> = parts
        .iter()
        .map(|part| match part {
            Value::Data(data) => (**data).clone(),
            Value::List(values) => literal(values),
            _ => Array::default(),
        })
        .collect();
    let first = arrays.first().cloned().unwrap_or_default();
    let range = arrays.iter().map(|array| array.range).reduce(|a, b| {
        let (a, b) = (a?, b?);
        Some(Range { min: a.min.min(b.min), max: a.max.max(b.max) })
    });
    let constant = !arrays.is_empty() && arrays.iter().all(|array| array.levels == Some(1));
    let rows = arrays.iter().map(|array| array.rows).sum::<Option<usize>>();
    let mut values: Vec<u64> = arrays.iter().filter_map(|array| Some(array.range?.min.to_bits())).collect();
    values.sort_unstable();
    values.dedup();
    Array {
        range: range.flatten(),
        whole: arrays.iter().all(|array| array.whole),
        levels: if constant {
            Some(values.len())
        } else {
            arrays.iter().filter_map(|array| array.levels).max()
        },
        rows: if span.is_some() { rows } else { first.rows },
        shuffled: span.is_none() && first.shuffled,
        by_class: span.filter(|_| constant && values.len() > 1).cloned(),
        scaled: arrays.iter().find_map(|array| array.scaled.clone()),
        one_hot: arrays.iter().all(|array| array.one_hot) && !arrays.is_empty(),
        columns: first.columns,
        images: first.images,
        set: first.set,
        ..Array::default()
    }
}

/// A list that is given where an array is expected.
pub(super) fn literal_of(value: &Value) -> Array {
    value.as_list().map(literal).unwrap_or_default()
}

/// Numbers written into the script.
fn literal(values: &[Value]) -> Array {
    let mut flat = Vec::new();
    let mut known = true;
    flatten(values, &mut flat, &mut known, 0);
    if flat.is_empty() {
        let arrays: Vec<&Value> = values.iter().collect();
        return if values.iter().any(|value| value.as_data().is_some()) {
            joined(&arrays, None)
        } else {
            Array::default()
        };
    }
    let range = flat.iter().fold(Range { min: f64::INFINITY, max: f64::NEG_INFINITY }, |range, value| {
        Range { min: range.min.min(*value), max: range.max.max(*value) }
    });
    let rows: Vec<&[Value]> = values.iter().filter_map(Value::as_list).collect();
    let width = rows.first().map(|row| row.len());
    let one_hot = rows.len() == values.len()
        && rows.len() > 1
        && width.is_some_and(|width| width > 1)
        && rows.iter().all(|row| {
            let numbers: Vec<_> = row.iter().filter_map(Value::as_float).collect();
            numbers.len() == row.len()
                && numbers.iter().filter(|number| **number == 1.0).count() == 1
                && numbers.iter().filter(|number| **number == 0.0).count() == numbers.len() - 1
        });
    let mut levels: Vec<u64> = flat.iter().map(|value| value.to_bits()).collect();
    levels.sort_unstable();
    levels.dedup();
    let single = rows.is_empty() || width == Some(1);
    Array {
        range: known.then_some(range),
        whole: known && flat.iter().all(|value| value.fract() == 0.0),
        rows: Some(values.len()),
        levels: if one_hot { width } else { (known && single).then_some(levels.len()) },
        one_hot,
        columns: width,
        ..Array::default()
    }
}

fn flatten(values: &[Value], flat: &mut Vec<f64>, known: &mut bool, depth: usize) {
    for value in values {
        match value {
            Value::List(inner) if depth < 8 => flatten(inner, flat, known, depth + 1),
            value => {
                match value.as_float().or_else(|| value.as_bool().map(|value| f64::from(u8::from(value)))) {
                    Some(value) => flat.push(value),
                    None => *known = false,
                }
            }
        }
    }
}

fn pandas(name: &str, passed: &[Passed], span: &Span) -> Option<Value> {
    let first = passed.first().map(|passed| &passed.value);
    match name {
        "concat" => {
            let parts: Vec<&Value> = first?.as_list()?.iter().collect();
            let across = find(passed, Some(1), &["axis"]).is_some_and(|axis| axis.value.as_int() == Some(1));
            Some(Value::data(joined(&parts, if across { None } else { Some(span) })))
        }
        name if name.starts_with("read_") => Some(Value::data(Array::default())),
        "DataFrame" | "Series" => match first {
            Some(value @ Value::Data(_)) => Some(value.clone()),
            Some(Value::List(values)) => Some(Value::data(literal(values))),
            _ => Some(Value::data(Array::default())),
        },
        "factorize" | "to_numeric" | "merge" => Some(Value::data(Array::default())),
        _ => None,
    }
}

fn sklearn(interpreter: &mut Interpreter<'_>, name: &str, passed: &[Passed], span: &Span) -> Option<Value> {
    let data = passed.first().and_then(|passed| passed.value.as_data());
    match name {
        "shuffle" => {
            let shuffled = |passed: &Passed| {
                let array = passed.value.as_data().map(|data| (**data).clone()).unwrap_or_default();
                Value::data(Array { shuffled: true, ..array })
            };
            let mut arrays: Vec<Value> =
                passed.iter().filter(|passed| passed.keyword.is_none()).map(shuffled).collect();
            Some(if arrays.len() == 1 { arrays.remove(0) } else { Value::list(arrays) })
        }
        "scale" | "minmax_scale" | "normalize" | "robust_scale" | "maxabs_scale" => {
            interpreter.seen.scalings.push((name.to_owned(), span.clone()));
            let range = matches!(name, "minmax_scale").then_some(Range { min: 0.0, max: 1.0 });
            let array = data.map(|data| (**data).clone()).unwrap_or_default();
            Some(Value::data(Array {
                range,
                scaled: Some((name.to_owned(), span.clone())),
                whole: false,
                levels: None,
                ..array
            }))
        }
        _ => None,
    }
}

fn from_directory(passed: &[Passed], span: &Span, path: &str) -> Value {
    let mode = find(passed, None, &["label_mode", "class_mode"]);
    let mode = mode.and_then(|mode| mode.value.as_str().map(str::to_owned));
    let mode = mode.unwrap_or_else(|| "int".to_owned());
    let loader = Object { path: path.to_owned(), arguments: passed.to_vec(), span: span.clone() };
    Value::data(Array {
        images: path.ends_with("image_dataset_from_directory"),
        range: Some(Range { min: 0.0, max: 255.0 }),
        one_hot: mode == "categorical",
        levels: (mode == "binary").then_some(2),
        shuffled: true,
        loader: Some(Rc::new(loader)),
        ..Array::default()
    })
}

/// A function of an array. `None`: not known.
pub(super) fn method(
    interpreter: &mut Interpreter<'_>,
    data: &Rc<Array>,
    name: &str,
    passed: &[Passed],
    span: &Span,
) -> Option<Value> {
    let same = || Some(Value::Data(Rc::clone(data)));
    match name {
        "astype" | "reshape" | "copy" | "flatten" | "ravel" | "squeeze" | "transpose" | "to_numpy"
        | "as_matrix" | "values" | "dropna" | "drop" | "reset_index" | "fillna" | "head" | "tail"
        | "batch" | "prefetch" | "cache" | "float" | "double" | "long" | "int" | "to" | "cuda" | "cpu"
        | "view" | "unsqueeze" | "numpy" | "detach" | "replace" | "apply" | "pop" | "toarray" | "todense"
        | "get" | "unbatch" | "take" | "skip" | "requires_grad_" | "swapaxes" | "tolist" => {
            if name == "batch" {
                let object = Object {
                    path: "tensorflow.data.Dataset.batch".into(),
                    arguments: passed.to_vec(),
                    span: span.clone(),
                };
                return Some(Value::data(Array { loader: Some(Rc::new(object)), ..(**data).clone() }));
            }
            same()
        }
        "sample" | "shuffle" => Some(Value::data(Array { shuffled: true, ..(**data).clone() })),
        "map" => Some(Value::data(Array { range: None, ..(**data).clone() })),
        "append" => {
            let mut parts = vec![Value::Data(Rc::clone(data))];
            match passed.first().map(|passed| &passed.value) {
                Some(Value::List(values)) => parts.extend(values.iter().cloned()),
                Some(value) => parts.push(value.clone()),
                None => {}
            }
            let parts: Vec<&Value> = parts.iter().collect();
            Some(Value::data(joined(&parts, Some(span))))
        }
        "div" | "div_" => {
            binary(interpreter, &Value::Data(Rc::clone(data)), Operator::Div, &passed.first()?.value, span)
        }
        "mean" | "std" | "max" | "min" | "sum" | "unique" | "value_counts" | "nunique" | "size" => None,
        _ => None,
    }
}

/// What hangs on an array.
pub(super) fn attribute(data: &Rc<Array>, name: &str) -> Option<Value> {
    match name {
        "shape" | "size" | "ndim" | "columns" | "dtype" | "index" => None,
        // A column of a table: which, is not known.
        _ if data.set.is_none()
            && !matches!(name, "values" | "T" | "iloc" | "loc" | "ix" | "data" | "ravel") =>
        {
            Some(Value::data(Array { range: None, levels: None, whole: false, ..(**data).clone() }))
        }
        _ => Some(Value::Data(Rc::clone(data))),
    }
}

/// Rows or columns of an array.
pub(super) fn rows(data: &Rc<Array>, by: &Value, index: &ExprKind) -> Value {
    if let Value::Data(order) = by {
        // `x[order]`, with an `order` drawn at random.
        return Value::data(Array { shuffled: data.shuffled || order.shuffled, ..(**data).clone() });
    }
    let all_rows = match index {
        ExprKind::Tuple(parts) => {
            matches!(parts.first().map(|part| &part.kind), Some(ExprKind::Slice { lower: None, upper: None }))
        }
        _ => false,
    };
    // Of a table with several columns, one may have any range.
    let columns = matches!(index, ExprKind::Tuple(_) | ExprKind::Str(_) | ExprKind::List(_));
    let narrowed = Array { rows: data.rows.filter(|_| all_rows), ..(**data).clone() };
    Value::data(if columns && data.set.is_none() { Array { levels: None, ..narrowed } } else { narrowed })
}

/// `-x`.
pub(super) fn negated(data: &Rc<Array>) -> Value {
    changed(data, data.range.map(|range| Range { min: -range.max, max: -range.min }))
}

/// Arithmetic with arrays. `None` if neither side is one, or may be one.
pub(super) fn binary(
    interpreter: &mut Interpreter<'_>,
    left: &Value,
    operator: Operator,
    right: &Value,
    span: &Span,
) -> Option<Value> {
    let nothing = Rc::new(Array::default());
    match (left, right) {
        (Value::Data(a), Value::Data(b)) => {
            let range = interval(operator, a.range, b.range);
            let scaled = centred(interpreter, a, operator, span);
            Some(Value::data(Array {
                range,
                whole: a.whole && b.whole && operator != Operator::Div,
                levels: None,
                scaled,
                ..(**a).clone()
            }))
        }
        (Value::Data(data), other) => Some(with_number(interpreter, data, operator, other, span)),
        // `x / 255` of something that was loaded in ways not followed.
        (Value::Unknown, other)
            if operator == Operator::Div && other.as_float().is_some_and(|by| by >= PIXELS) =>
        {
            Some(with_number(interpreter, &nothing, operator, other, span))
        }
        (other, Value::Data(data)) => {
            let number = other.as_float().map(|value| Range { min: value, max: value });
            let range = interval(operator, number, data.range);
            Some(changed(data, range))
        }
        _ => None,
    }
}

fn with_number(
    interpreter: &mut Interpreter<'_>,
    data: &Rc<Array>,
    operator: Operator,
    other: &Value,
    span: &Span,
) -> Value {
    let Some(number) = other.as_float() else {
        // `(x - mean) / deviation`, `x / x.max()`.
        let scaled = centred(interpreter, data, operator, span);
        return Value::data(Array { range: None, whole: false, levels: None, scaled, ..(**data).clone() });
    };
    let mut range = interval(operator, data.range, Some(Range { min: number, max: number }));
    let mut scaled = data.scaled.clone();
    if operator == Operator::Div && number >= PIXELS
        || operator == Operator::Mul && number > 0.0 && number <= 1.0 / PIXELS
    {
        let what = interpreter.text_at(span);
        interpreter.seen.scalings.push((what.clone(), span.clone()));
        scaled = Some((what, span.clone()));
        if (250.0..=256.0).contains(&number) {
            range = range.or(Some(Range { min: 0.0, max: 1.0 }));
        }
    }
    let whole = data.whole && number.fract() == 0.0 && operator != Operator::Div;
    Value::data(Array { range, whole, levels: data.levels.filter(|_| whole), scaled, ..(**data).clone() })
}

/// Dividing by what is not a number in the script is scaling of some kind.
fn centred(
    interpreter: &mut Interpreter<'_>,
    data: &Rc<Array>,
    operator: Operator,
    span: &Span,
) -> Option<(String, Span)> {
    if operator == Operator::Div {
        let what = interpreter.text_at(span);
        interpreter.seen.scalings.push((what.clone(), span.clone()));
        return Some((what, span.clone()));
    }
    data.scaled.clone()
}

/// The interval that two intervals make.
fn interval(operator: Operator, a: Option<Range>, b: Option<Range>) -> Option<Range> {
    let (a, b) = (a?, b?);
    let all = |function: fn(f64, f64) -> f64| {
        let corners =
            [function(a.min, b.min), function(a.min, b.max), function(a.max, b.min), function(a.max, b.max)];
        Range {
            min: corners.iter().copied().fold(f64::INFINITY, f64::min),
            max: corners.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    };
    let range = match operator {
        Operator::Add => Range { min: a.min + b.min, max: a.max + b.max },
        Operator::Sub => Range { min: a.min - b.max, max: a.max - b.min },
        Operator::Mul => all(|a, b| a * b),
        Operator::Div if b.min > 0.0 || b.max < 0.0 => all(|a, b| a / b),
        Operator::Pow if b.min == b.max && b.min.fract() == 0.0 && b.min > 0.0 => {
            let (low, high) = (a.min.powf(b.min), a.max.powf(b.min));
            let even = b.min.rem_euclid(2.0) == 0.0;
            if even && a.min <= 0.0 && a.max >= 0.0 {
                Range { min: 0.0, max: low.max(high) }
            } else {
                Range { min: low.min(high), max: low.max(high) }
            }
        }
        Operator::Mod if b.min == b.max && b.min > 0.0 => Range { min: 0.0, max: b.min },
        _ => return None,
    };
    (range.min.is_finite() && range.max.is_finite()).then_some(range)
}

/// A function of an object of scikit-learn, of Keras' preprocessing, or of a data set.
pub(super) fn object_method(
    interpreter: &mut Interpreter<'_>,
    object: &Rc<Object>,
    name: &str,
    passed: &[Passed],
    span: &Span,
) -> Option<Value> {
    let class = object.class();
    let first = passed.first().map(|passed| &passed.value);
    let array = first.and_then(Value::as_data).map(|data| (**data).clone()).unwrap_or_default();
    let transforms = matches!(name, "fit_transform" | "transform");
    match class {
        "StandardScaler"
        | "MinMaxScaler"
        | "RobustScaler"
        | "MaxAbsScaler"
        | "Normalizer"
        | "QuantileTransformer"
        | "PowerTransformer" => {
            if name == "inverse_transform" {
                return Some(Value::data(Array::default()));
            }
            if !transforms {
                return Some(Value::Object(Rc::clone(object)));
            }
            interpreter.seen.scalings.push((class.to_owned(), span.clone()));
            let range = match (class, object.argument(Some(0), &["feature_range"])) {
                ("MinMaxScaler", None) => Some(Range { min: 0.0, max: 1.0 }),
                ("MinMaxScaler", Some(given)) => match given.value.as_list() {
                    Some([low, high]) => {
                        low.as_float().zip(high.as_float()).map(|(min, max)| Range { min, max })
                    }
                    _ => None,
                },
                ("MaxAbsScaler" | "Normalizer", _) => Some(Range { min: -1.0, max: 1.0 }),
                _ => None,
            };
            Some(Value::data(Array {
                range,
                whole: false,
                levels: None,
                scaled: Some((class.to_owned(), span.clone())),
                ..array
            }))
        }
        "LabelEncoder" | "OrdinalEncoder" if transforms => {
            interpreter.seen.label_steps.push((class.to_owned(), span.clone()));
            let range = array.levels.map(|levels| Range { min: 0.0, max: levels as f64 - 1.0 });
            Some(Value::data(Array { whole: true, range, ..array }))
        }
        "OneHotEncoder" | "LabelBinarizer" | "MultiLabelBinarizer" if transforms => {
            interpreter.seen.label_steps.push((class.to_owned(), span.clone()));
            let one_hot = class == "OneHotEncoder" || (class == "LabelBinarizer" && array.levels != Some(2));
            Some(Value::data(Array {
                one_hot,
                columns: array.levels.filter(|_| one_hot),
                range: Some(Range { min: 0.0, max: 1.0 }),
                whole: true,
                ..array
            }))
        }
        "Tokenizer" | "TextVectorization" if matches!(name, "texts_to_sequences" | "texts_to_matrix") => {
            let words = object.argument(Some(0), &["num_words", "nb_words", "max_tokens"]);
            let vocabulary = words.and_then(|words| Some((words.value.as_size()?, words.span.clone())));
            Some(Value::data(Array { vocabulary, whole: true, ..Array::default() }))
        }
        "ImageDataGenerator" if name.starts_with("flow") => {
            let rescale = object.argument(None, &["rescale"]);
            let mode = find(passed, None, &["class_mode"]);
            let mode =
                mode.map_or(Some("categorical".to_owned()), |mode| mode.value.as_str().map(str::to_owned));
            let scaled = rescale.map(|rescale| (interpreter.text_at(&rescale.span), rescale.span.clone()));
            if let Some(scaled) = &scaled {
                interpreter.seen.scalings.push(scaled.clone());
            }
            let factor = rescale.and_then(|rescale| rescale.value.as_float());
            let range = match (rescale, factor) {
                (None, _) => object
                    .argument(
                        None,
                        &[
                            "preprocessing_function",
                            "samplewise_center",
                            "featurewise_center",
                            "featurewise_std_normalization",
                        ],
                    )
                    .is_none()
                    .then_some(Range { min: 0.0, max: 255.0 }),
                (Some(_), factor) => factor.map(|factor| Range { min: 0.0, max: 255.0 * factor }),
            };
            let directory = name.contains("directory") || name.contains("dataframe");
            let from_labels = passed.get(1).and_then(|passed| passed.value.as_data());
            Some(Value::data(Array {
                images: true,
                range: range.or(array.range).filter(|_| directory || array.range.is_some()),
                scaled: scaled.or(array.scaled),
                one_hot: if directory {
                    mode.as_deref() == Some("categorical")
                } else {
                    from_labels.is_some_and(|labels| labels.one_hot)
                },
                levels: if directory {
                    (mode.as_deref() == Some("binary")).then_some(2)
                } else {
                    from_labels.and_then(|labels| labels.levels)
                },
                shuffled: find(passed, None, &["shuffle"])
                    .is_none_or(|shuffle| shuffle.value.as_bool() != Some(false)),
                loader: Some(Rc::new(Object {
                    path: format!("{}.{name}", object.path),
                    arguments: passed.to_vec(),
                    span: span.clone(),
                })),
                ..Array::default()
            }))
        }
        _ => None,
    }
}
