//! What a script's expressions stand for, as far as reading goes without running it.
//!
//! A [`Value`] is known (a number, a list), or a thing that the doctor cares about (a layer, a network, a
//! stretch of data), or unknown.

use std::rc::Rc;

use super::python::Span;
use crate::facts::{Layer, Range};

/// What an expression stands for.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Not known without running the script.
    Unknown,
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    /// A list or a tuple.
    List(Rc<Vec<Value>>),
    Dict(Rc<Vec<(Value, Value)>>),
    /// `range(n)`.
    Range(Option<i64>),
    /// Something imported, built in, or not defined in the script: its dotted name.
    Path(String),
    /// What comes of calling such a thing: a layer, an optimizer, a loss, a scaler.
    Object(Rc<Object>),
    /// A Keras model, by its index.
    Model(usize),
    /// A symbolic tensor on its way through a network.
    Tensor(Rc<Node>),
    /// An instance of a class of the script, by its index.
    Instance(usize),
    /// A function of the script, by its index.
    Function(usize),
    /// A class of the script, by its index.
    Class(usize),
    /// A function of some other value, not yet called.
    Method(Rc<Value>, String),
    /// `model.parameters()`: what an optimizer is given.
    Weights(Rc<Value>),
    /// Inputs or labels.
    Data(Rc<Array>),
}

/// What comes of calling something that is not the script's own.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// The dotted name of what was called.
    pub(super) path: String,
    /// What it was called with.
    pub(super) arguments: Vec<Passed>,
    /// The call.
    pub(super) span: Span,
}

/// An argument that was passed.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    pub(super) keyword: Option<String>,
    pub(super) value: Value,
    pub(super) span: Span,
}

impl Object {
    /// The last part of its name: the class.
    pub(super) fn class(&self) -> &str {
        last(&self.path)
    }

    /// The argument of one of these names, or else at this position.
    pub(super) fn argument(&self, position: Option<usize>, names: &[&str]) -> Option<&Passed> {
        find(&self.arguments, position, names)
    }
}

/// The argument of one of these names, or else at this position.
pub(super) fn find<'a>(
    arguments: &'a [Passed],
    position: Option<usize>,
    names: &[&str],
) -> Option<&'a Passed> {
    let named = arguments
        .iter()
        .find(|passed| passed.keyword.as_deref().is_some_and(|keyword| names.contains(&keyword)));
    named.or_else(|| arguments.iter().filter(|passed| passed.keyword.is_none()).nth(position?))
}

/// The last part of a dotted name.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// A step on the way of a tensor through a network.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The layers that are applied here, in order; none where branches only meet.
    pub(super) layers: Vec<Layer>,
    /// What comes in.
    pub(super) inputs: Vec<Rc<Node>>,
    /// In what order nodes were made.
    pub(super) number: usize,
    /// Whether the layers applied here are branched among themselves.
    pub(super) branched: bool,
}

/// Inputs or labels, and what is known of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Array {
    /// A well-known data set.
    pub(super) set: Option<&'static str>,
    /// Smallest and largest value.
    pub(super) range: Option<Range>,
    /// Whether all values are whole numbers.
    pub(super) whole: bool,
    /// How many rows.
    pub(super) rows: Option<usize>,
    /// How many different values, as far as they are known.
    pub(super) levels: Option<usize>,
    /// Whether the rows are one-hot.
    pub(super) one_hot: bool,
    /// Columns of one-hot rows.
    pub(super) columns: Option<usize>,
    /// Where it was scaled, and how.
    pub(super) scaled: Option<(String, Span)>,
    /// Whether its rows are in random order.
    pub(super) shuffled: bool,
    /// Where it was put together from parts that hold one class each.
    pub(super) by_class: Option<Span>,
    /// Whether it came from a split, and of which kind.
    pub(super) split: Option<Split>,
    /// The vocabulary's size that was asked for.
    pub(super) vocabulary: Option<(usize, Span)>,
    /// Whether it holds images.
    pub(super) images: bool,
    /// A `DataLoader` or another source of batches: how many items a batch, whether shuffled, and where.
    pub(super) loader: Option<Rc<Object>>,
}

/// How training and validation were parted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Split {
    /// At random, this share held back.
    Random(Option<f64>),
    /// In order, this share held back.
    InOrder(Option<f64>),
}

impl Value {
    /// A whole number, also when it is written with a point.
    pub(super) fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Float(value) if value.fract() == 0.0 && value.abs() < 1e15 => Some(*value as i64),
            Self::Bool(value) => Some(i64::from(*value)),
            _ => None,
        }
    }

    pub(super) fn as_size(&self) -> Option<usize> {
        usize::try_from(self.as_int()?).ok()
    }

    pub(super) fn as_float(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Int(value) => Some(*value != 0),
            Self::None => Some(false),
            Self::Str(text) => Some(!text.is_empty()),
            Self::List(values) => Some(!values.is_empty()),
            _ => None,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    pub(super) fn as_object(&self) -> Option<&Rc<Object>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    pub(super) fn as_data(&self) -> Option<&Rc<Array>> {
        match self {
            Self::Data(data) => Some(data),
            _ => None,
        }
    }

    pub(super) fn list(values: Vec<Self>) -> Self {
        Self::List(Rc::new(values))
    }

    pub(super) fn data(array: Array) -> Self {
        Self::Data(Rc::new(array))
    }

    /// Whether a test of it comes out the same whatever the data are; `None` if that is not known.
    pub(super) fn truth(&self) -> Option<bool> {
        self.as_bool()
    }
}
