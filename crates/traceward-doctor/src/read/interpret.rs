//! Goes through a script the way Python would, without computing anything but what decides the network.
//!
//! Statements are taken in order; functions and classes of the script are followed where they are called,
//! with the arguments of the call; loops over few known things are gone through thing by thing, others
//! once. Where a test decides and its outcome is not known, each way is tried from the same state and the
//! one that builds more is kept. A budget of steps ends every script, however it recurses.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::arrays;
use super::keras_call;
use super::python::{
    Argument as Written, Expr, ExprKind, Function, Operator, Parameter, Span, Stmt, StmtKind,
};
use super::torch_call;
use super::value::{Array, Node, Object, Passed, Value, last};
use crate::facts::{Argument, Compile, Fit, Framework, Layer, Stated};

/// Statements and expressions that one script may cost.
const BUDGET: usize = 200_000;

/// How deep calls are followed.
const DEEPEST: usize = 24;

/// Loops over more things than this are gone through once.
const LONGEST_UNROLLED: usize = 16;

/// A list that is multiplied or joined stays below this.
const LONGEST_LIST: usize = 100_000;

/// A Keras model, or a module of PyTorch that an optimizer was made for.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) framework: Framework,
    pub(super) layers: Vec<Layer>,
    pub(super) branched: bool,
    pub(super) compile: Option<Compile>,
    pub(super) fits: Vec<FitCall>,
}

/// A call to fit, or what stands for one.
#[derive(Clone, Debug)]
pub(super) struct FitCall {
    pub(super) fit: Fit,
    pub(super) stated: Stated,
    pub(super) span: Span,
}

/// Things that happened, in the order in which they did. Nothing is taken back when a branch is dropped.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) scalings: Vec<(String, Span)>,
    pub(super) label_steps: Vec<(String, Span)>,
    pub(super) seeded: bool,
    /// Losses of PyTorch and of custom loops: made, and then called.
    pub(super) losses: Vec<(Rc<Object>, bool)>,
    /// Optimizers of PyTorch.
    pub(super) optimizers: Vec<Rc<Object>>,
    /// `loss.backward()`: where, and in which loop.
    pub(super) backward: Vec<(Span, Option<Loop>)>,
    /// `optimizer.zero_grad()` and its like.
    pub(super) zero_grad: Option<Span>,
    /// `optimizer.step()`.
    pub(super) step: Option<Span>,
    /// `model.eval()`.
    pub(super) eval: Option<Span>,
    /// `torch.no_grad()` and its like.
    pub(super) no_grad: Option<Span>,
    /// Loaders of batches.
    pub(super) loaders: Vec<Rc<Object>>,
    /// `clip_grad_norm_` and its like.
    pub(super) clip: Option<f64>,
    /// Learning-rate schedulers by class.
    pub(super) schedulers: Vec<String>,
}

/// The loop that counts epochs.
#[derive(Clone, Debug)]
pub(super) struct Loop {
    pub(super) epochs: Argument<usize>,
    pub(super) span: Span,
}

/// An instance of a class of the script.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) class: usize,
    pub(super) attributes: HashMap<String, Value>,
    /// Attributes in the order in which they were set.
    pub(super) order: Vec<String>,
    pub(super) model: Option<usize>,
}

/// A class of the script.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) name: String,
    /// Dotted names of its bases.
    pub(super) bases: Vec<String>,
    /// Its functions, by index.
    methods: HashMap<String, usize>,
    /// Bases that are classes of the script.
    parents: Vec<usize>,
    pub(super) span: Span,
}

/// All that branches can undo. What a branch leaves alone is shared with the state before it.
#[derive(Clone, Debug)]
struct State {
    scopes: Vec<Rc<HashMap<String, Value>>>,
    models: Vec<Rc<Model>>,
    instances: Vec<Rc<Instance>>,
}

/// How a block ended.
enum Flow {
    Next,
    Return(Value),
    Leave,
}

/// Reads one script.
pub(super) struct Interpreter<'a> {
    pub(super) text: &'a str,
    state: State,
    functions: Vec<&'a Function>,
    called: HashSet<usize>,
    active: Vec<usize>,
    pub(super) classes: Vec<Class>,
    instantiated: HashSet<usize>,
    pub(super) seen: Seen,
    loops: Vec<(Option<String>, Loop)>,
    nodes: usize,
    steps: usize,
    /// Models of ways not taken that were trained there.
    pub(super) elsewhere: Vec<Rc<Model>>,
}

impl<'a> Interpreter<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            state: State { scopes: vec![Rc::default()], models: Vec::new(), instances: Vec::new() },
            functions: Vec::new(),
            called: HashSet::new(),
            active: Vec::new(),
            classes: Vec::new(),
            instantiated: HashSet::new(),
            seen: Seen::default(),
            loops: Vec::new(),
            nodes: 0,
            steps: 0,
            elsewhere: Vec::new(),
        }
    }

    /// Goes through the script, then through what it defines and never uses: a file may be made to be
    /// imported.
    pub(super) fn run(&mut self, statements: &'a [Stmt]) {
        self.block(statements);
        let methods: HashSet<usize> =
            self.classes.iter().flat_map(|class| class.methods.values().copied()).collect();
        for function in 0..self.functions.len() {
            if !self.called.contains(&function) && !methods.contains(&function) {
                self.call_function(function, None, &[]);
            }
        }
        for class in 0..self.classes.len() {
            if self.instantiated.contains(&class) {
                continue;
            }
            let instance = self.instantiate(class, &[]);
            if self.is_module(class) {
                continue;
            }
            self.call_the_rest(class, &instance);
        }
        // Methods of objects that were made, but are called from elsewhere.
        for index in 0..self.state.instances.len() {
            let class = self.state.instances[index].class;
            if self.is_module(class) {
                continue;
            }
            self.call_the_rest(class, &Value::Instance(index));
        }
    }

    /// Calls the methods of an object that nothing has called.
    fn call_the_rest(&mut self, class: usize, object: &Value) {
        let mut methods: Vec<usize> = self.classes[class].methods.values().copied().collect();
        methods.sort_unstable();
        for method in methods {
            if !self.called.contains(&method) {
                self.call_function(method, Some(object.clone()), &[]);
            }
        }
    }

    pub(super) fn models(&self) -> &[Rc<Model>] {
        &self.state.models
    }

    pub(super) fn instances(&self) -> &[Rc<Instance>] {
        &self.state.instances
    }

    pub(super) fn model_mut(&mut self, index: usize) -> &mut Model {
        Rc::make_mut(&mut self.state.models[index])
    }

    /// The text of a stretch.
    pub(super) fn text_at(&self, span: &Span) -> String {
        self.text.get(span.clone()).unwrap_or_default().to_owned()
    }

    /// Whether instances of this class are networks.
    pub(super) fn is_module(&self, class: usize) -> bool {
        self.derives(class, &["Module", "Model", "LightningModule", "Layer", "Sequential", "PreTrainedModel"])
    }

    /// Whether it is a whole model of Keras.
    pub(super) fn is_keras_model(&self, class: usize) -> bool {
        self.derives(class, &["Model", "Sequential"])
    }

    fn derives(&self, class: usize, names: &[&str]) -> bool {
        let class = &self.classes[class];
        class.bases.iter().any(|base| names.contains(&last(base)))
            || class.parents.iter().any(|parent| self.derives(*parent, names))
    }

    fn spend(&mut self) -> bool {
        self.steps += 1;
        self.steps < BUDGET
    }

    // Statements.

    fn block(&mut self, statements: &'a [Stmt]) -> Flow {
        for statement in statements {
            if !self.spend() {
                return Flow::Leave;
            }
            match self.statement(statement) {
                Flow::Next => {}
                flow => return flow,
            }
        }
        Flow::Next
    }

    fn statement(&mut self, statement: &'a Stmt) -> Flow {
        match &statement.kind {
            StmtKind::Assign { targets, value } => {
                let value = self.eval(value);
                for target in targets {
                    self.assign(target, value.clone());
                }
            }
            StmtKind::AugAssign { target, operator, value } => {
                let before = self.eval(target);
                let value = self.eval(value);
                let after = self.binary(&before, *operator, &value, &statement.span);
                self.assign(target, after);
            }
            StmtKind::Expr(expression) => {
                self.eval(expression);
            }
            StmtKind::If(branches) => return self.branches(branches),
            StmtKind::For { target, iter, body } => return self.each(target, iter, body, &statement.span),
            StmtKind::While { body } => {
                let flow = self.block(body);
                return if let Flow::Return(value) = flow { Flow::Return(value) } else { Flow::Next };
            }
            StmtKind::With { items, body } => {
                for (value, target) in items {
                    let value = self.eval(value);
                    if let Some(target) = target {
                        self.assign(target, value);
                    }
                }
                return self.block(body);
            }
            StmtKind::Try { body, handlers } => {
                let known: HashSet<String> = self.scope().keys().cloned().collect();
                let flow = self.block(body);
                // What catches an import that fails names the same things from elsewhere.
                if !matches!(flow, Flow::Return(_)) {
                    let before = self.state.clone();
                    self.block(handlers);
                    let after = std::mem::replace(&mut self.state, before);
                    let caught = after.scopes.last().map(Rc::clone).unwrap_or_default();
                    for (name, value) in caught.iter().filter(|(name, _)| !known.contains(*name)) {
                        self.scope().entry(name.clone()).or_insert_with(|| value.clone());
                    }
                }
                return flow;
            }
            StmtKind::Function(function) => {
                let index = self.define(function);
                self.scope().insert(function.name.clone(), Value::Function(index));
            }
            StmtKind::Class { name, bases, body } => self.class(name, bases, body, &statement.span),
            StmtKind::Return(value) => {
                let value = value.as_ref().map_or(Value::None, |value| self.eval(value));
                return Flow::Return(value);
            }
            StmtKind::Import(modules) => {
                for (module, alias) in modules {
                    match alias {
                        Some(alias) => self.scope().insert(alias.clone(), Value::Path(module.clone())),
                        None => {
                            let first = module.split('.').next().unwrap_or(module);
                            self.scope().insert(first.to_owned(), Value::Path(first.to_owned()))
                        }
                    };
                }
            }
            StmtKind::ImportFrom { module, names } => {
                for (name, alias) in names {
                    if name != "*" {
                        let path = Value::Path(format!("{module}.{name}"));
                        self.scope().insert(alias.as_ref().unwrap_or(name).clone(), path);
                    }
                }
            }
            StmtKind::Leave => return Flow::Leave,
            StmtKind::Other => {}
        }
        Flow::Next
    }

    fn define(&mut self, function: &'a Function) -> usize {
        if let Some(index) = self.functions.iter().position(|known| std::ptr::eq(*known, function)) {
            return index;
        }
        self.functions.push(function);
        self.functions.len() - 1
    }

    fn class(&mut self, name: &str, bases: &'a [Expr], body: &'a [Stmt], span: &Span) {
        let mut paths = Vec::new();
        let mut parents = Vec::new();
        for base in bases {
            match self.eval(base) {
                Value::Path(path) => paths.push(path),
                Value::Class(index) => parents.push(index),
                _ => {}
            }
        }
        let mut methods = HashMap::new();
        for statement in body {
            if let StmtKind::Function(function) = &statement.kind {
                let index = self.define(function);
                methods.insert(function.name.clone(), index);
            }
        }
        let known = self.classes.iter().position(|class| class.span == *span);
        let class = Class { name: name.to_owned(), bases: paths, methods, parents, span: span.clone() };
        let index = match known {
            Some(index) => index,
            None => {
                self.classes.push(class);
                self.classes.len() - 1
            }
        };
        self.scope().insert(name.to_owned(), Value::Class(index));
    }

    fn branches(&mut self, branches: &'a [(Option<Expr>, Vec<Stmt>)]) -> Flow {
        let mut ways: Vec<&'a [Stmt]> = Vec::new();
        let mut complete = false;
        for (test, body) in branches {
            let outcome = match test {
                Some(test) => self.eval(test).truth(),
                None => Some(true),
            };
            match outcome {
                Some(false) => {}
                Some(true) => {
                    ways.push(body);
                    complete = true;
                    break;
                }
                None => ways.push(body),
            }
        }
        if let ([only], true) = (&ways[..], complete) {
            return self.block(only);
        }
        // No `else`: nothing may happen at all. That way is last, so that others win.
        if !complete {
            ways.push(&[]);
        }
        let before = self.state.clone();
        let mut best: Option<(usize, State, Flow)> = None;
        for way in ways {
            self.state = before.clone();
            let flow = self.block(way);
            let mut score = 2 * self.built();
            // A way that raises or skips is a guard, and a way that goes on is the rule.
            score += usize::from(!matches!(flow, Flow::Leave));
            let state = std::mem::replace(&mut self.state, before.clone());
            match &best {
                Some((found, ..)) if *found >= score => self.keep_trained(&state, before.models.len()),
                _ => {
                    if let Some((_, dropped, _)) = best.replace((score, state, flow)) {
                        self.keep_trained(&dropped, before.models.len());
                    }
                }
            }
        }
        match best {
            Some((_, state, flow)) => {
                self.state = state;
                match flow {
                    Flow::Leave => Flow::Next,
                    flow => flow,
                }
            }
            None => Flow::Next,
        }
    }

    /// How much has been built so far.
    fn built(&self) -> usize {
        self.state
            .models
            .iter()
            .map(|model| model.layers.len() + 4 * usize::from(model.compile.is_some()) + 4 * model.fits.len())
            .sum()
    }

    fn keep_trained(&mut self, dropped: &State, known: usize) {
        let trained = dropped.models.iter().skip(known).filter(|model| model.compile.is_some());
        self.elsewhere.extend(trained.cloned());
    }

    fn each(&mut self, target: &'a Expr, iter: &'a Expr, body: &'a [Stmt], span: &Span) -> Flow {
        let things = self.eval(iter);
        let epochs = match &things {
            Value::Range(Some(count)) => usize::try_from(*count).map_or(Argument::Absent, Argument::Given),
            Value::List(values) if !values.is_empty() => Argument::Given(values.len()),
            Value::Range(None) => Argument::Unknown(self.text_at(&iter.span)),
            _ => Argument::Absent,
        };
        let name = match &target.kind {
            ExprKind::Name(name) => Some(name.clone()),
            _ => None,
        };
        self.loops.push((name, Loop { epochs, span: span.start..iter.span.end.max(span.start) }));
        let items: Vec<Value> = match &things {
            Value::List(values) if values.len() <= LONGEST_UNROLLED => values.to_vec(),
            Value::Range(Some(count)) if (0..=LONGEST_UNROLLED as i64).contains(count) => {
                (0..*count).map(Value::Int).collect()
            }
            Value::Object(object) if last(&object.path) == "ModuleList" => torch_call::children(object),
            Value::Object(object) => vec![self.batch(object)],
            Value::Data(data) => vec![Value::Data(Rc::clone(data))],
            _ => vec![Value::Unknown],
        };
        let mut flow = Flow::Next;
        for item in items {
            self.assign(target, item);
            flow = self.block(body);
            if matches!(flow, Flow::Return(_)) {
                break;
            }
        }
        self.loops.pop();
        if let Flow::Return(value) = flow { Flow::Return(value) } else { Flow::Next }
    }

    /// What a loop over a loader gives: a batch, which remembers its loader.
    fn batch(&mut self, object: &Rc<Object>) -> Value {
        if object.class().contains("Loader") || object.class() == "BucketIterator" {
            return Value::data(Array { loader: Some(Rc::clone(object)), ..Array::default() });
        }
        // `tqdm(loader)` and `enumerate(loader)` give what they are given.
        match object.arguments.first().map(|passed| passed.value.clone()) {
            Some(Value::Object(inner)) => self.batch(&inner),
            Some(Value::Data(data)) => Value::Data(data),
            _ => Value::Unknown,
        }
    }

    // Names.

    fn scope(&mut self) -> &mut HashMap<String, Value> {
        if self.state.scopes.is_empty() {
            self.state.scopes.push(Rc::default());
        }
        let last = self.state.scopes.len() - 1;
        Rc::make_mut(&mut self.state.scopes[last])
    }

    fn lookup(&self, name: &str) -> Option<&Value> {
        self.state.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    pub(super) fn assign(&mut self, target: &Expr, value: Value) {
        match &target.kind {
            ExprKind::Name(name) => {
                self.scope().insert(name.clone(), value);
            }
            ExprKind::Tuple(targets) | ExprKind::List(targets) => {
                for (index, target) in targets.iter().enumerate() {
                    let part = match &value {
                        Value::List(values) => values.get(index).cloned(),
                        Value::Data(_) | Value::Tensor(_) => Some(value.clone()),
                        _ => None,
                    };
                    let part = part.unwrap_or(Value::Unknown);
                    self.assign(target, part);
                }
            }
            ExprKind::Starred(target) => self.assign(target, value),
            ExprKind::Attribute { value: base, name } => {
                if let Value::Instance(index) = self.eval(base) {
                    let instance = Rc::make_mut(&mut self.state.instances[index]);
                    if instance.attributes.insert(name.clone(), value).is_none() {
                        instance.order.push(name.clone());
                    }
                }
            }
            ExprKind::Subscript { value: base, .. } => {
                // Rows that are written one by one: nothing is known of them any more but what they are.
                if let (Value::Data(data), ExprKind::Name(name)) = (self.eval(base), &base.kind) {
                    let changed = Array { range: None, levels: None, whole: false, ..(*data).clone() };
                    self.scope().insert(name.clone(), Value::data(changed));
                }
            }
            _ => {}
        }
    }

    // Expressions.

    pub(super) fn eval(&mut self, expression: &Expr) -> Value {
        if !self.spend() {
            return Value::Unknown;
        }
        match &expression.kind {
            ExprKind::Name(name) => match self.lookup(name) {
                Some(value) => value.clone(),
                None => Value::Path(usual_module(name).to_owned()),
            },
            ExprKind::Int(value) => Value::Int(*value),
            ExprKind::Float(value) => Value::Float(*value),
            ExprKind::Str(text) => Value::Str(text.clone()),
            ExprKind::Bool(value) => Value::Bool(*value),
            ExprKind::None => Value::None,
            ExprKind::List(items) | ExprKind::Tuple(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    if let ExprKind::Starred(inner) = &item.kind {
                        match self.eval(inner) {
                            Value::List(inner) => values.extend(inner.iter().cloned()),
                            other => values.push(other),
                        }
                    } else {
                        values.push(self.eval(item));
                    }
                }
                Value::list(values)
            }
            ExprKind::Dict(pairs) => {
                let mut values = Vec::with_capacity(pairs.len());
                for (key, value) in pairs {
                    let value = self.eval(value);
                    match key {
                        Some(key) => values.push((self.eval(key), value)),
                        None => {
                            if let Value::Dict(inner) = value {
                                values.extend(inner.iter().cloned());
                            }
                        }
                    }
                }
                Value::Dict(Rc::new(values))
            }
            ExprKind::Call { function, arguments } => self.call(function, arguments, expression),
            ExprKind::Attribute { value, name } => {
                let value = self.eval(value);
                self.attribute(&value, name, expression)
            }
            ExprKind::Subscript { value, index } => self.subscript(value, index),
            ExprKind::Binary { left, operator, right } => {
                let left = self.eval(left);
                let right = self.eval(right);
                self.binary(&left, *operator, &right, &expression.span)
            }
            ExprKind::Negative(value) => match self.eval(value) {
                Value::Int(value) => Value::Int(value.wrapping_neg()),
                Value::Float(value) => Value::Float(-value),
                Value::Data(data) => arrays::negated(&data),
                tensor @ Value::Tensor(_) => tensor,
                _ => Value::Unknown,
            },
            ExprKind::Not(value) => match self.eval(value).truth() {
                Some(value) => Value::Bool(!value),
                None => Value::Unknown,
            },
            ExprKind::Compare { left, operator, right } => self.compare(left, operator, right),
            ExprKind::Logical { and, values } => {
                let mut known = true;
                for value in values {
                    match self.eval(value).truth() {
                        Some(value) if value != *and => return Value::Bool(value),
                        Some(_) => {}
                        None => known = false,
                    }
                }
                if known { Value::Bool(*and) } else { Value::Unknown }
            }
            ExprKind::IfElse { test, then, otherwise } => match self.eval(test).truth() {
                Some(true) => self.eval(then),
                Some(false) => self.eval(otherwise),
                None => {
                    let then = self.eval(then);
                    match then {
                        // A layer or nothing: one of both is built, the text decides which.
                        Value::Object(_) | Value::Model(_) | Value::Tensor(_) => then,
                        _ => Value::Unknown,
                    }
                }
            },
            ExprKind::Starred(value) => self.eval(value),
            ExprKind::Comprehension { element, target, iter } => {
                let items: Vec<Value> = match self.eval(iter) {
                    Value::List(values) if values.len() <= LONGEST_UNROLLED * 4 => values.to_vec(),
                    Value::Range(Some(count)) if (0..=LONGEST_UNROLLED as i64).contains(&count) => {
                        (0..count).map(Value::Int).collect()
                    }
                    _ => return Value::Unknown,
                };
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    self.assign(target, item);
                    values.push(self.eval(element));
                }
                Value::list(values)
            }
            ExprKind::Named { target, value } => {
                let value = self.eval(value);
                self.assign(target, value.clone());
                value
            }
            ExprKind::Lambda { .. } | ExprKind::Slice { .. } | ExprKind::Other => Value::Unknown,
        }
    }

    fn attribute(&mut self, value: &Value, name: &str, expression: &Expr) -> Value {
        match value {
            Value::Path(path) => Value::Path(format!("{path}.{name}")),
            Value::Instance(index) => {
                let instance = &self.state.instances[*index];
                match instance.attributes.get(name) {
                    Some(value) => value.clone(),
                    None => Value::Method(Rc::new(value.clone()), name.to_owned()),
                }
            }
            Value::Data(data) => arrays::attribute(data, name).unwrap_or(Value::Unknown),
            Value::Model(index) => match name {
                "output" | "outputs" => {
                    let model = &self.state.models[*index];
                    let (layers, branched) = (model.layers.clone(), model.branched);
                    Value::Tensor(self.node(layers, Vec::new(), branched))
                }
                "input" | "inputs" => Value::Tensor(self.node(Vec::new(), Vec::new(), false)),
                _ => Value::Method(Rc::new(value.clone()), name.to_owned()),
            },
            Value::Object(_) => match name {
                "output" | "outputs" => self.apply(value, &[], &expression.span),
                "input" | "inputs" => Value::Tensor(self.node(Vec::new(), Vec::new(), false)),
                _ => Value::Method(Rc::new(value.clone()), name.to_owned()),
            },
            Value::Tensor(_) => match name {
                "shape" | "size" => Value::Unknown,
                _ => value.clone(),
            },
            _ => Value::Unknown,
        }
    }

    fn subscript(&mut self, value: &Expr, index: &Expr) -> Value {
        // Columns of one-hot rows are their classes: `y_train.shape[1]`.
        if let ExprKind::Attribute { value: base, name } = &value.kind
            && name == "shape"
            && let Value::Data(data) = self.eval(base)
        {
            let size = match index.kind {
                ExprKind::Int(0) => data.rows,
                ExprKind::Int(1) => data.columns,
                _ => None,
            };
            return size.map_or(Value::Unknown, |size| Value::Int(size as i64));
        }
        let value = self.eval(value);
        match &value {
            Value::List(values) => {
                if let ExprKind::Slice { lower, upper } = &index.kind {
                    let bound = |bound: &Option<Box<Expr>>, this: &mut Self| {
                        bound.as_ref().map(|bound| this.eval(bound).as_int())
                    };
                    let (lower, upper) = (bound(lower, self), bound(upper, self));
                    let length = values.len() as i64;
                    let place = |bound: i64| {
                        (if bound < 0 { bound + length } else { bound }).clamp(0, length) as usize
                    };
                    if let (Some(lower), Some(upper)) =
                        (lower.unwrap_or(Some(0)), upper.unwrap_or(Some(length)))
                    {
                        let (from, to) = (place(lower), place(upper));
                        return Value::list(values.get(from..to.max(from)).unwrap_or_default().to_vec());
                    }
                    return Value::Unknown;
                }
                match self.eval(index).as_int() {
                    Some(index) => {
                        let index = if index < 0 { index + values.len() as i64 } else { index };
                        let found = usize::try_from(index).ok().and_then(|index| values.get(index)).cloned();
                        found.unwrap_or(Value::Unknown)
                    }
                    None => Value::Unknown,
                }
            }
            Value::Dict(pairs) => {
                let key = self.eval(index);
                let wanted = key.as_str().map(str::to_owned);
                let found =
                    pairs.iter().find(|(key, _)| wanted.is_some() && key.as_str() == wanted.as_deref());
                found.map_or(Value::Unknown, |(_, value)| value.clone())
            }
            Value::Data(data) => {
                let by = self.eval(index);
                arrays::rows(data, &by, &index.kind)
            }
            Value::Tensor(_) => value.clone(),
            Value::Object(object) => match last(&object.path) {
                "ModuleList" | "Sequential" => {
                    let children = torch_call::children(object);
                    let at = self.eval(index).as_size();
                    at.and_then(|at| children.get(at).cloned()).unwrap_or(Value::Unknown)
                }
                _ => Value::Unknown,
            },
            _ => Value::Unknown,
        }
    }

    fn compare(&mut self, left: &Expr, operator: &str, right: &Expr) -> Value {
        // The script is run, not imported.
        if let (ExprKind::Name(name), ExprKind::Str(main)) = (&left.kind, &right.kind)
            && name == "__name__"
            && main == "__main__"
        {
            return Value::Bool(operator == "==");
        }
        let (left, right) = (self.eval(left), self.eval(right));
        if let (Value::None, Value::None) = (&left, &right) {
            return Value::Bool(matches!(operator, "is" | "=="));
        }
        let ordering = match (&left, &right) {
            (Value::Str(left), Value::Str(right)) => Some(left.cmp(right)),
            _ => match (left.as_float(), right.as_float()) {
                (Some(left), Some(right)) => left.partial_cmp(&right),
                _ => None,
            },
        };
        match ordering {
            Some(ordering) => Value::Bool(match operator {
                "==" | "is" => ordering.is_eq(),
                "!=" | "is not" => ordering.is_ne(),
                "<" => ordering.is_lt(),
                "<=" => ordering.is_le(),
                ">" => ordering.is_gt(),
                ">=" => ordering.is_ge(),
                _ => return Value::Unknown,
            }),
            None => Value::Unknown,
        }
    }

    fn binary(&mut self, left: &Value, operator: Operator, right: &Value, span: &Span) -> Value {
        use Operator::{Add, Div, FloorDiv, Mod, Mul, Pow, Sub};
        if let (Value::Int(a), Value::Int(b)) = (left, right) {
            let exact = match operator {
                Add => a.checked_add(*b),
                Sub => a.checked_sub(*b),
                Mul => a.checked_mul(*b),
                FloorDiv => a.checked_div_euclid(*b),
                Mod => a.checked_rem_euclid(*b),
                Pow => u32::try_from(*b).ok().and_then(|b| a.checked_pow(b)),
                _ => None,
            };
            if let Some(value) = exact {
                return Value::Int(value);
            }
        }
        if let (Some(a), Some(b)) = (left.as_float(), right.as_float()) {
            let value = match operator {
                Add => a + b,
                Sub => a - b,
                Mul => a * b,
                Div => a / b,
                FloorDiv => (a / b).floor(),
                Mod => a.rem_euclid(b),
                Pow => a.powf(b),
                Operator::Other => f64::NAN,
            };
            return if value.is_finite() { Value::Float(value) } else { Value::Unknown };
        }
        match (left, operator, right) {
            (Value::Str(a), Add, Value::Str(b)) => return Value::Str(format!("{a}{b}")),
            (Value::List(a), Add, Value::List(b)) if a.len() + b.len() < LONGEST_LIST => {
                return Value::list(a.iter().chain(b.iter()).cloned().collect());
            }
            (Value::List(items), Mul, Value::Int(count)) | (Value::Int(count), Mul, Value::List(items)) => {
                let count = usize::try_from(*count).unwrap_or(0);
                if items.len().saturating_mul(count) < LONGEST_LIST {
                    return Value::list((0..count).flat_map(|_| items.iter().cloned()).collect());
                }
            }
            (Value::Tensor(a), _, Value::Tensor(b)) => {
                let inputs = vec![Rc::clone(a), Rc::clone(b)];
                return Value::Tensor(self.node(Vec::new(), inputs, false));
            }
            (tensor @ Value::Tensor(_), ..) | (_, _, tensor @ Value::Tensor(_)) => return tensor.clone(),
            _ => {}
        }
        arrays::binary(self, left, operator, right, span).unwrap_or(Value::Unknown)
    }

    // Calls.

    fn passed(&mut self, arguments: &[Written]) -> Vec<Passed> {
        let mut passed = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let span = argument.value.span.clone();
            if let ExprKind::Starred(inner) = &argument.value.kind {
                match self.eval(inner) {
                    Value::List(values) => passed.extend(values.iter().map(|value| Passed {
                        keyword: None,
                        value: value.clone(),
                        span: span.clone(),
                    })),
                    value => passed.push(Passed { keyword: None, value, span }),
                }
                continue;
            }
            let value = self.eval(&argument.value);
            if argument.spread {
                if let Value::Dict(pairs) = &value {
                    for (key, value) in pairs.iter() {
                        if let Some(key) = key.as_str() {
                            let keyword = Some(key.to_owned());
                            passed.push(Passed { keyword, value: value.clone(), span: span.clone() });
                        }
                    }
                }
                continue;
            }
            passed.push(Passed { keyword: argument.keyword.clone(), value, span });
        }
        passed
    }

    fn call(&mut self, function: &Expr, arguments: &[Written], expression: &Expr) -> Value {
        if let ExprKind::Attribute { value: base, name } = &function.kind {
            let receiver = self.eval(base);
            let passed = self.passed(arguments);
            return match &receiver {
                Value::Path(path) => {
                    // A name that is defined nowhere, used as a model: the script is a fragment.
                    if !path.contains('.') && keras_call::is_model_call(name, &passed) {
                        let model = self.new_model(Framework::Keras);
                        self.assign(base, model.clone());
                        return self.method(&model, name, &passed, base, expression);
                    }
                    let path = format!("{path}.{name}");
                    self.call_path(&path, passed, arguments, expression)
                }
                Value::Unknown if keras_call::is_model_call(name, &passed) => {
                    let model = self.new_model(Framework::Keras);
                    self.assign(base, model.clone());
                    self.method(&model, name, &passed, base, expression)
                }
                _ => self.method(&receiver, name, &passed, base, expression),
            };
        }
        let callee = self.eval(function);
        let passed = self.passed(arguments);
        match &callee {
            Value::Path(path) => {
                let path = path.clone();
                self.call_path(&path, passed, arguments, expression)
            }
            Value::Function(index) => self.call_function(*index, None, &passed),
            Value::Class(index) => self.instantiate(*index, &passed),
            Value::Method(receiver, name) => {
                let (receiver, name) = (receiver.as_ref().clone(), name.clone());
                self.method(&receiver, &name, &passed, function, expression)
            }
            Value::Object(_) | Value::Model(_) | Value::Instance(_) => {
                self.apply(&callee, &passed, &expression.span)
            }
            _ => {
                // A function that is not known, of a tensor: the tensor goes on.
                let tensors = tensors(&passed);
                match tensors.first() {
                    Some(tensor) => Value::Tensor(Rc::clone(tensor)),
                    None => Value::Unknown,
                }
            }
        }
    }

    /// Follows a function of the script.
    pub(super) fn call_function(
        &mut self,
        index: usize,
        receiver: Option<Value>,
        passed: &[Passed],
    ) -> Value {
        self.called.insert(index);
        let function = self.functions[index];
        if self.active.len() >= DEEPEST || self.active.contains(&index) {
            return Value::Unknown;
        }
        let mut scope = HashMap::new();
        let mut parameters: &[Parameter] = &function.parameters;
        if let Some(receiver) = receiver
            && let Some((first, rest)) = parameters.split_first()
        {
            scope.insert(first.name.clone(), receiver);
            parameters = rest;
        }
        let mut positional = passed.iter().filter(|passed| passed.keyword.is_none());
        for parameter in parameters {
            let named = passed.iter().find(|passed| passed.keyword.as_deref() == Some(&parameter.name));
            let value = match named.or_else(|| positional.next()) {
                Some(passed) => passed.value.clone(),
                None => match &parameter.default {
                    Some(default) => self.eval(default),
                    None => Value::Unknown,
                },
            };
            scope.insert(parameter.name.clone(), value);
        }
        self.active.push(index);
        self.state.scopes.push(Rc::new(scope));
        let depth = self.state.scopes.len();
        let flow = self.block(&function.body);
        self.state.scopes.truncate(depth - 1);
        self.active.pop();
        match flow {
            Flow::Return(value) => value,
            Flow::Next | Flow::Leave => Value::None,
        }
    }

    fn instantiate(&mut self, class: usize, passed: &[Passed]) -> Value {
        self.instantiated.insert(class);
        let index = self.state.instances.len();
        self.state.instances.push(Rc::new(Instance {
            class,
            attributes: HashMap::new(),
            order: Vec::new(),
            model: None,
        }));
        let instance = Value::Instance(index);
        if let Some(init) = self.find_method(class, "__init__") {
            self.call_function(init, Some(instance.clone()), passed);
        }
        instance
    }

    pub(super) fn find_method(&self, class: usize, name: &str) -> Option<usize> {
        let class = &self.classes[class];
        let own = class.methods.get(name).copied();
        own.or_else(|| class.parents.iter().find_map(|parent| self.find_method(*parent, name)))
    }

    /// Calls something that is not the script's own, by its dotted name.
    fn call_path(
        &mut self,
        path: &str,
        passed: Vec<Passed>,
        written: &[Written],
        expression: &Expr,
    ) -> Value {
        let span = &expression.span;
        if let Some(value) = self.builtin(path, &passed) {
            return value;
        }
        if let Some(value) = arrays::call(self, path, &passed, written, span) {
            return value;
        }
        if torch_call::is_torch(path) {
            if let Some(value) = torch_call::call(self, path, &passed, span) {
                return value;
            }
        } else if let Some(value) = keras_call::call(self, path, &passed, span) {
            return value;
        }
        let tensors = tensors(&passed);
        match tensors.len() {
            0 => Value::Object(Rc::new(Object {
                path: path.to_owned(),
                arguments: passed,
                span: span.clone(),
            })),
            1 => Value::Tensor(Rc::clone(&tensors[0])),
            _ => Value::Tensor(self.node(Vec::new(), tensors, false)),
        }
    }

    fn builtin(&mut self, path: &str, passed: &[Passed]) -> Option<Value> {
        let first = passed.first().map(|passed| &passed.value);
        let value = match path {
            "range" | "xrange" | "trange" | "tqdm.trange" | "tqdm.auto.trange" | "tqdm.notebook.trange" => {
                let bounds: Vec<&Passed> = passed.iter().filter(|passed| passed.keyword.is_none()).collect();
                let count = match bounds[..] {
                    [count] => count.value.as_int(),
                    [from, to] => to.value.as_int().zip(from.value.as_int()).map(|(to, from)| to - from),
                    _ => None,
                };
                Value::Range(count.map(|count| count.max(0)))
            }
            "len" => match first? {
                Value::List(values) => Value::Int(values.len() as i64),
                Value::Str(text) => Value::Int(text.chars().count() as i64),
                Value::Data(data) => Value::Int(data.rows? as i64),
                _ => return None,
            },
            "int" | "round" => match first? {
                Value::Str(text) => Value::Int(text.trim().parse().ok()?),
                value => Value::Int(value.as_float()?.trunc() as i64),
            },
            "float" => match first? {
                Value::Str(text) => Value::Float(text.trim().parse().ok()?),
                value => Value::Float(value.as_float()?),
            },
            "abs" => Value::Float(first?.as_float()?.abs()),
            "max" | "min" if passed.len() == 2 => {
                let (a, b) = (passed[0].value.as_int()?, passed[1].value.as_int()?);
                Value::Int(if path == "max" { a.max(b) } else { a.min(b) })
            }
            "list" | "tuple" | "sorted" | "reversed" | "iter" | "set" => match first {
                None => Value::list(Vec::new()),
                Some(Value::List(values)) if path == "reversed" => {
                    Value::list(values.iter().rev().cloned().collect())
                }
                Some(value @ (Value::List(_) | Value::Data(_))) => value.clone(),
                Some(Value::Range(Some(count))) if (0..=256).contains(count) => {
                    Value::list((0..*count).map(Value::Int).collect())
                }
                Some(_) => return None,
            },
            "dict" => Value::Dict(Rc::new(
                passed
                    .iter()
                    .filter_map(|passed| Some((Value::Str(passed.keyword.clone()?), passed.value.clone())))
                    .collect(),
            )),
            "enumerate" => match first? {
                Value::List(values) => Value::list(
                    values
                        .iter()
                        .enumerate()
                        .map(|(index, value)| Value::list(vec![Value::Int(index as i64), value.clone()]))
                        .collect(),
                ),
                Value::Object(object) => {
                    let batch = self.batch(&Rc::clone(object));
                    Value::list(vec![Value::list(vec![Value::Unknown, batch])])
                }
                value @ Value::Data(_) => Value::list(vec![Value::list(vec![Value::Unknown, value.clone()])]),
                _ => return None,
            },
            "zip" => {
                let lists: Option<Vec<&[Value]>> =
                    passed.iter().map(|passed| passed.value.as_list()).collect();
                let lists = lists?;
                let length = lists.iter().map(|list| list.len()).min()?;
                Value::list(
                    (0..length)
                        .map(|row| Value::list(lists.iter().map(|list| list[row].clone()).collect()))
                        .collect(),
                )
            }
            "tqdm" | "tqdm.tqdm" | "tqdm.auto.tqdm" | "tqdm.notebook.tqdm" | "tqdm.tqdm_notebook" => {
                first?.clone()
            }
            "super" => Value::Unknown,
            "print" | "isinstance" | "hasattr" => Value::Unknown,
            _ => return None,
        };
        Some(value)
    }

    /// A function of a value.
    fn method(
        &mut self,
        receiver: &Value,
        name: &str,
        passed: &[Passed],
        base: &Expr,
        expression: &Expr,
    ) -> Value {
        match receiver {
            Value::Instance(index) => {
                let class = self.state.instances[*index].class;
                if let Some(value) = self.state.instances[*index].attributes.get(name).cloned() {
                    return match value {
                        Value::Function(function) => self.call_function(function, None, passed),
                        value => self.apply(&value, passed, &expression.span),
                    };
                }
                if let Some(method) = self.find_method(class, name) {
                    return self.call_function(method, Some(receiver.clone()), passed);
                }
                if self.is_keras_model(class) {
                    let model = self.model_of_instance(*index);
                    return self.method(&model, name, passed, base, expression);
                }
                torch_call::method(self, receiver, name, passed, &expression.span).unwrap_or(Value::Unknown)
            }
            Value::Model(index) => keras_call::method(self, *index, name, passed, &expression.span),
            Value::List(values) => {
                let mut values = values.to_vec();
                match name {
                    "append" | "add" => values.extend(passed.first().map(|passed| passed.value.clone())),
                    "extend" => {
                        if let Some(Value::List(more)) = passed.first().map(|passed| &passed.value) {
                            values.extend(more.iter().cloned());
                        }
                    }
                    "pop" => {
                        let last = values.pop();
                        self.assign(base, Value::list(values));
                        return last.unwrap_or(Value::Unknown);
                    }
                    "reverse" => values.reverse(),
                    _ => return Value::Unknown,
                }
                if values.len() < LONGEST_LIST {
                    self.assign(base, Value::list(values));
                }
                Value::None
            }
            Value::Dict(pairs) => {
                let wanted = passed.first().and_then(|passed| passed.value.as_str().map(str::to_owned));
                match name {
                    "get" | "pop" => {
                        let found = pairs
                            .iter()
                            .find(|(key, _)| wanted.is_some() && key.as_str() == wanted.as_deref());
                        found.map_or(Value::Unknown, |(_, value)| value.clone())
                    }
                    "values" => Value::list(pairs.iter().map(|(_, value)| value.clone()).collect()),
                    "keys" => Value::list(pairs.iter().map(|(key, _)| key.clone()).collect()),
                    "items" => Value::list(
                        pairs
                            .iter()
                            .map(|(key, value)| Value::list(vec![key.clone(), value.clone()]))
                            .collect(),
                    ),
                    _ => Value::Unknown,
                }
            }
            Value::Tensor(tensor) => torch_call::tensor_method(self, tensor, name, passed, &expression.span),
            Value::Data(data) => {
                arrays::method(self, data, name, passed, &expression.span).unwrap_or(Value::Unknown)
            }
            Value::Object(object) => {
                let object = Rc::clone(object);
                if name == "append" && last(&object.path) == "ModuleList" {
                    let mut arguments = object.arguments.clone();
                    let mut children = torch_call::children(&object);
                    children.extend(passed.first().map(|passed| passed.value.clone()));
                    arguments.truncate(0);
                    arguments.push(Passed {
                        keyword: None,
                        value: Value::list(children),
                        span: object.span.clone(),
                    });
                    let grown = Object { path: object.path.clone(), arguments, span: object.span.clone() };
                    self.assign(base, Value::Object(Rc::new(grown)));
                    return Value::None;
                }
                if let Some(value) = arrays::object_method(self, &object, name, passed, &expression.span) {
                    return value;
                }
                if let Some(value) = keras_call::object_method(self, &object, name, &expression.span) {
                    return value;
                }
                torch_call::method(self, receiver, name, passed, &expression.span).unwrap_or(Value::Unknown)
            }
            _ => torch_call::method(self, receiver, name, passed, &expression.span).unwrap_or(Value::Unknown),
        }
    }

    // Networks.

    pub(super) fn new_model(&mut self, framework: Framework) -> Value {
        self.state.models.push(Rc::new(Model {
            framework,
            layers: Vec::new(),
            branched: false,
            compile: None,
            fits: Vec::new(),
        }));
        Value::Model(self.state.models.len() - 1)
    }

    /// The Keras model that an instance of a class of the script is. Its layers are those that `call`
    /// passes through, or, if that cannot be followed, those that it holds.
    fn model_of_instance(&mut self, instance: usize) -> Value {
        if let Some(model) = self.state.instances[instance].model {
            return Value::Model(model);
        }
        let value = self.new_model(Framework::Keras);
        let Value::Model(index) = value else { return value };
        Rc::make_mut(&mut self.state.instances[instance]).model = Some(index);
        let (layers, branched) = self.trace(&Value::Instance(instance));
        let model = self.model_mut(index);
        model.layers = layers;
        model.branched = branched;
        value
    }

    /// The layers that a tensor passes through in a network, in order, and whether its way branches.
    pub(super) fn trace(&mut self, network: &Value) -> (Vec<Layer>, bool) {
        let input = self.node(Vec::new(), Vec::new(), false);
        let passed = [Passed { keyword: None, value: Value::Tensor(input), span: 0..0 }];
        let result = self.apply(network, &passed, &(0..0));
        let mut ends = Vec::new();
        collect_tensors(&result, &mut ends);
        let (layers, branched) = network_of(&ends);
        if !layers.is_empty() {
            return (layers, branched);
        }
        let Value::Instance(index) = network else { return (layers, branched) };
        let held = self.held(*index);
        (held, true)
    }

    /// The layers that an instance holds, in the order in which it was given them.
    fn held(&mut self, instance: usize) -> Vec<Layer> {
        let order = self.state.instances[instance].order.clone();
        let mut layers = Vec::new();
        for name in order {
            let Some(value) = self.state.instances[instance].attributes.get(&name).cloned() else { continue };
            match value {
                Value::Object(_) => layers.extend(self.layers_of(&value)),
                Value::Instance(inner) if inner != instance && self.active.len() < DEEPEST => {
                    self.active.push(usize::MAX);
                    layers.extend(self.held(inner));
                    self.active.pop();
                }
                _ => {}
            }
        }
        layers
    }

    /// The layers that a value stands for.
    pub(super) fn layers_of(&mut self, value: &Value) -> Vec<Layer> {
        match value {
            Value::Object(object) => {
                if torch_call::is_torch(&object.path) {
                    torch_call::layers(self, object)
                } else {
                    keras_call::layer(self, object).into_iter().collect()
                }
            }
            Value::Model(index) => self.state.models[*index].layers.clone(),
            Value::Instance(index) => {
                let class = self.state.instances[*index].class;
                if self.is_module(class) {
                    let (layers, _) = self.trace(value);
                    if !layers.is_empty() {
                        return layers;
                    }
                }
                let name = self.classes[class].name.clone();
                vec![Layer { class_name: name.clone(), written: name, ..Layer::default() }]
            }
            Value::List(values) => {
                let values = Rc::clone(values);
                values.iter().flat_map(|value| self.layers_of(value)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A node of a network.
    pub(super) fn node(&mut self, layers: Vec<Layer>, inputs: Vec<Rc<Node>>, branched: bool) -> Rc<Node> {
        self.nodes += 1;
        Rc::new(Node { layers, inputs, number: self.nodes, branched })
    }

    /// Calls a layer, a network or a loss.
    pub(super) fn apply(&mut self, callee: &Value, passed: &[Passed], span: &Span) -> Value {
        let inputs = tensors(passed);
        match callee {
            Value::Function(index) => self.call_function(*index, None, passed),
            Value::Instance(index) => {
                let class = self.state.instances[*index].class;
                let forward =
                    ["forward", "call", "__call__"].iter().find_map(|name| self.find_method(class, name));
                match forward {
                    Some(forward) if self.active.len() < DEEPEST => {
                        // Every further argument is as good as a tensor: a mask, a second input.
                        let result = self.call_function(forward, Some(callee.clone()), passed);
                        match result {
                            Value::Unknown | Value::None if !inputs.is_empty() => {
                                Value::Tensor(Rc::clone(&inputs[0]))
                            }
                            result => result,
                        }
                    }
                    _ => {
                        let layers = self.layers_of_instance_as_one(*index);
                        Value::Tensor(self.node(layers, inputs, false))
                    }
                }
            }
            Value::Model(index) => {
                let model = &self.state.models[*index];
                let (layers, branched) = (model.layers.clone(), model.branched);
                Value::Tensor(self.node(layers, inputs, branched))
            }
            Value::Object(object) => {
                if torch_call::is_loss(object) || keras_call::is_loss(object) {
                    self.seen.losses.push((Rc::clone(object), true));
                    return Value::Unknown;
                }
                if last(&object.path) == "Sequential" || last(&object.path) == "DataParallel" {
                    let mut through = passed.to_vec();
                    for child in torch_call::children(object) {
                        let result = self.apply(&child, &through, span);
                        through = vec![Passed { keyword: None, value: result, span: span.clone() }];
                    }
                    return through.into_iter().next().map_or(Value::None, |passed| passed.value);
                }
                let layers = self.layers_of(callee);
                if inputs.is_empty() && layers.is_empty() {
                    return Value::Unknown;
                }
                Value::Tensor(self.node(layers, inputs, false))
            }
            Value::Method(receiver, name) => {
                let (receiver, name) = (receiver.as_ref().clone(), name.clone());
                let nowhere = Expr { kind: ExprKind::Other, span: span.clone() };
                self.method(&receiver, &name, passed, &nowhere, &nowhere)
            }
            _ => match inputs.first() {
                Some(tensor) => Value::Tensor(Rc::clone(tensor)),
                None => Value::Unknown,
            },
        }
    }

    fn layers_of_instance_as_one(&mut self, index: usize) -> Vec<Layer> {
        let class = self.state.instances[index].class;
        let name = self.classes[class].name.clone();
        vec![Layer { class_name: name.clone(), written: name, ..Layer::default() }]
    }

    /// The loop that counts epochs around the present statement: the outermost one whose variable says so,
    /// else the outermost that counts.
    pub(super) fn epoch_loop(&self) -> Option<Loop> {
        let named = self
            .loops
            .iter()
            .find(|(name, _)| name.as_ref().is_some_and(|name| name.to_lowercase().contains("epoch")));
        let counting = || self.loops.iter().find(|(_, each)| each.epochs.is_written());
        named.or_else(counting).map(|(_, each)| each.clone())
    }

    /// Marks an array that is named in an argument as changed in place (`np.random.shuffle(x)`).
    pub(super) fn change_in_place(&mut self, written: &Written, change: impl FnOnce(&mut Array)) {
        if let Value::Data(data) = self.eval(&written.value) {
            let mut changed = (*data).clone();
            change(&mut changed);
            self.assign(&written.value, Value::data(changed));
        }
    }

    /// Puts a finished training aside when its model is compiled anew.
    pub(super) fn set_aside(&mut self, index: usize) {
        let model = &self.state.models[index];
        if model.compile.is_some() && !model.fits.is_empty() {
            self.elsewhere.push(model.clone());
            self.model_mut(index).fits.clear();
        }
    }
}

/// The tensors among arguments, also within lists.
pub(super) fn tensors(passed: &[Passed]) -> Vec<Rc<Node>> {
    let mut tensors = Vec::new();
    for passed in passed {
        collect_tensors(&passed.value, &mut tensors);
    }
    tensors
}

pub(super) fn collect_tensors(value: &Value, tensors: &mut Vec<Rc<Node>>) {
    match value {
        Value::Tensor(node) => tensors.push(Rc::clone(node)),
        Value::List(values) => values.iter().for_each(|value| collect_tensors(value, tensors)),
        Value::Dict(pairs) => pairs.iter().for_each(|(_, value)| collect_tensors(value, tensors)),
        _ => {}
    }
}

/// All layers before these nodes, in the order in which they were made, and whether they are no chain.
pub(super) fn network_of(ends: &[Rc<Node>]) -> (Vec<Layer>, bool) {
    let mut nodes = HashMap::<usize, Rc<Node>>::new();
    let mut feeds = HashMap::<usize, usize>::new();
    let mut waiting: Vec<Rc<Node>> = ends.to_vec();
    while let Some(node) = waiting.pop() {
        if nodes.insert(node.number, Rc::clone(&node)).is_some() {
            continue;
        }
        for input in &node.inputs {
            *feeds.entry(input.number).or_default() += 1;
            waiting.push(Rc::clone(input));
        }
    }
    let mut numbers: Vec<usize> = nodes.keys().copied().collect();
    numbers.sort_unstable();
    let different_ends: HashSet<usize> = ends.iter().map(|end| end.number).collect();
    let branched = different_ends.len() > 1
        || nodes.values().any(|node| node.branched || node.inputs.len() > 1)
        || feeds.values().any(|count| *count > 1);
    let layers = numbers.iter().flat_map(|number| nodes[number].layers.clone()).collect();
    (layers, branched)
}

/// What a name that the script does not define usually stands for.
fn usual_module(name: &str) -> &str {
    match name {
        "np" => "numpy",
        "pd" => "pandas",
        "tf" => "tensorflow",
        "nn" => "torch.nn",
        "F" => "torch.nn.functional",
        "optim" => "torch.optim",
        "layers" => "keras.layers",
        "optimizers" => "keras.optimizers",
        "models" => "keras.models",
        name => name,
    }
}
