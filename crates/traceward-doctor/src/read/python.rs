//! Python's syntax, as far as reading a training script needs it.
//!
//! The only module that sees the parser's own crates, whose interfaces change with every release: it turns
//! their tree into [`Stmt`] and [`Expr`], small enough to match on, with spans that point into the text as
//! the user has it. The parser recovers from errors; what it cannot make sense of is left out, the rest
//! stands.

use std::ops::Range;

use ruff_python_ast as ast;
use ruff_python_parser::{Mode, ParseErrorType, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextRange};

/// A stretch of the user's text, in bytes.
pub(super) type Span = Range<usize>;

/// Something that has a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expr {
    pub(super) kind: ExprKind,
    pub(super) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum ExprKind {
    Name(String),
    Int(i64),
    Float(f64),
    Str(String),
    Bool(bool),
    None,
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    /// Pairs; a key of `None` is `**other`.
    Dict(Vec<(Option<Expr>, Expr)>),
    Call {
        function: Box<Expr>,
        arguments: Vec<Argument>,
    },
    Attribute {
        value: Box<Expr>,
        name: String,
    },
    Subscript {
        value: Box<Expr>,
        index: Box<Expr>,
    },
    Slice {
        lower: Option<Box<Expr>>,
        upper: Option<Box<Expr>>,
    },
    Binary {
        left: Box<Expr>,
        operator: Operator,
        right: Box<Expr>,
    },
    Negative(Box<Expr>),
    Not(Box<Expr>),
    /// `a < b`, of a chain its first link only when it is alone; the text of the operator.
    Compare {
        left: Box<Expr>,
        operator: &'static str,
        right: Box<Expr>,
    },
    /// `a and b`, `a or b`.
    Logical {
        and: bool,
        values: Vec<Expr>,
    },
    IfElse {
        test: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    Starred(Box<Expr>),
    /// `lambda x: …`.
    Lambda {
        parameters: Vec<Parameter>,
        body: Box<Expr>,
    },
    /// `[element for target in iter]`, of one loop only; also of sets and generators.
    Comprehension {
        element: Box<Expr>,
        target: Box<Expr>,
        iter: Box<Expr>,
    },
    /// `target := value`.
    Named {
        target: Box<Expr>,
        value: Box<Expr>,
    },
    /// A text with `{holes}`: `None` if its parts are not plain.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
    Other,
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Argument {
    /// Its keyword; `**other` has none and is `spread`.
    pub(super) keyword: Option<String>,
    pub(super) value: Expr,
    /// `**other`.
    pub(super) spread: bool,
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) default: Option<Expr>,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stmt {
    pub(super) kind: StmtKind,
    pub(super) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum StmtKind {
    Assign {
        targets: Vec<Expr>,
        value: Expr,
    },
    AugAssign {
        target: Expr,
        operator: Operator,
        value: Expr,
    },
    Expr(Expr),
    /// `if`, its `elif`s and `else` (whose test is `None`).
    If(Vec<(Option<Expr>, Vec<Stmt>)>),
    For {
        target: Expr,
        iter: Expr,
        body: Vec<Stmt>,
    },
    While {
        body: Vec<Stmt>,
    },
    With {
        items: Vec<(Expr, Option<Expr>)>,
        body: Vec<Stmt>,
    },
    /// What is tried and what comes after it; what catches stands apart.
    Try {
        body: Vec<Stmt>,
        handlers: Vec<Stmt>,
    },
    Function(Function),
    Class {
        name: String,
        bases: Vec<Expr>,
        body: Vec<Stmt>,
    },
    Return(Option<Expr>),
    /// Module, alias.
    Import(Vec<(String, Option<String>)>),
    /// From module: name, alias. `*` stands as a name.
    ImportFrom {
        module: String,
        names: Vec<(String, Option<String>)>,
    },
    /// `break`, `continue`, `raise`: what follows in the block is not reached.
    Leave,
    Other,
}

/// A function with a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Vec<Stmt>,
}

/// Something that the parser could not take.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SyntaxError {
    /// What it says.
    pub(super) message: String,
    /// Where, in the text that was parsed.
    pub(super) span: Span,
    /// What is wrong, as far as it decides what repair to try.
    pub(super) kind: ErrorKind,
}

/// Kinds of errors that different repairs are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorKind {
    /// Two statements on one line: Python 2's `print "x"`, or a forgotten comma or operator.
    TwoStatements,
    /// A `:` is missing.
    MissingColon,
    /// An escape command of a notebook.
    Escape,
    /// A line's indentation does not fit.
    Indentation,
    /// A text is not closed.
    String,
    /// Anything else.
    Other,
}

/// Parses `text`, in a notebook's dialect if `notebook`, and returns what could be read, and what not.
/// Spans in the tree go through `original`; those of errors do not.
pub(super) fn parse(
    text: &str,
    notebook: bool,
    original: &dyn Fn(usize) -> usize,
) -> (Vec<Stmt>, Vec<SyntaxError>) {
    let mode = if notebook { Mode::Ipython } else { Mode::Module };
    let parsed = parse_unchecked(text, ParseOptions::from(mode));
    let errors = parsed.errors().iter().map(error).collect();
    let body = match parsed.syntax() {
        ast::Mod::Module(module) => Converter { original }.block(&module.body),
        ast::Mod::Expression(_) => Vec::new(),
    };
    (body, errors)
}

/// How many errors the parser sees in `text`, and the first.
pub(super) fn errors(text: &str, notebook: bool) -> Vec<SyntaxError> {
    let mode = if notebook { Mode::Ipython } else { Mode::Module };
    parse_unchecked(text, ParseOptions::from(mode)).errors().iter().map(error).collect()
}

fn error(error: &ruff_python_parser::ParseError) -> SyntaxError {
    let kind = match &error.error {
        ParseErrorType::SimpleStatementsOnSameLine | ParseErrorType::SimpleAndCompoundStatementOnSameLine => {
            ErrorKind::TwoStatements
        }
        ParseErrorType::ExpectedToken { expected: ast::token::TokenKind::Colon, .. } => {
            ErrorKind::MissingColon
        }
        ParseErrorType::UnexpectedIpythonEscapeCommand => ErrorKind::Escape,
        ParseErrorType::UnexpectedIndentation => ErrorKind::Indentation,
        ParseErrorType::Lexical(lexical) => {
            let text = lexical.to_string().to_lowercase();
            if text.contains("indent") {
                ErrorKind::Indentation
            } else if text.contains("string") || text.contains("quote") {
                ErrorKind::String
            } else {
                ErrorKind::Other
            }
        }
        _ => ErrorKind::Other,
    };
    SyntaxError { message: error.error.to_string(), span: span(error.location), kind }
}

fn span(range: TextRange) -> Span {
    range.start().to_usize()..range.end().to_usize()
}

struct Converter<'a> {
    original: &'a dyn Fn(usize) -> usize,
}

impl Converter<'_> {
    fn span(&self, range: TextRange) -> Span {
        let start = (self.original)(range.start().to_usize());
        start..(self.original)(range.end().to_usize()).max(start)
    }

    fn block(&self, statements: &[ast::Stmt]) -> Vec<Stmt> {
        statements.iter().map(|statement| self.statement(statement)).collect()
    }

    fn statement(&self, statement: &ast::Stmt) -> Stmt {
        let kind = match statement {
            ast::Stmt::Assign(assign) => StmtKind::Assign {
                targets: self.expressions(&assign.targets),
                value: self.expression(&assign.value),
            },
            ast::Stmt::AnnAssign(assign) => match &assign.value {
                Some(value) => StmtKind::Assign {
                    targets: vec![self.expression(&assign.target)],
                    value: self.expression(value),
                },
                None => StmtKind::Other,
            },
            ast::Stmt::AugAssign(assign) => StmtKind::AugAssign {
                target: self.expression(&assign.target),
                operator: operator(assign.op),
                value: self.expression(&assign.value),
            },
            ast::Stmt::Expr(expression) => StmtKind::Expr(self.expression(&expression.value)),
            ast::Stmt::If(branches) => {
                let first = (Some(self.expression(&branches.test)), self.block(&branches.body));
                let rest = branches.elif_else_clauses.iter();
                let rest = rest.map(|clause| {
                    (clause.test.as_ref().map(|test| self.expression(test)), self.block(&clause.body))
                });
                StmtKind::If(std::iter::once(first).chain(rest).collect())
            }
            ast::Stmt::For(each) => StmtKind::For {
                target: self.expression(&each.target),
                iter: self.expression(&each.iter),
                body: self.block(&each.body),
            },
            ast::Stmt::While(each) => StmtKind::While { body: self.block(&each.body) },
            ast::Stmt::With(with) => StmtKind::With {
                items: with
                    .items
                    .iter()
                    .map(|item| {
                        let target = item.optional_vars.as_ref().map(|target| self.expression(target));
                        (self.expression(&item.context_expr), target)
                    })
                    .collect(),
                body: self.block(&with.body),
            },
            ast::Stmt::Try(attempt) => {
                let mut body = self.block(&attempt.body);
                body.extend(self.block(&attempt.orelse));
                body.extend(self.block(&attempt.finalbody));
                let handlers = attempt.handlers.iter().flat_map(|handler| {
                    let ast::ExceptHandler::ExceptHandler(handler) = handler;
                    self.block(&handler.body)
                });
                StmtKind::Try { body, handlers: handlers.collect() }
            }
            ast::Stmt::FunctionDef(function) => StmtKind::Function(Function {
                name: function.name.to_string(),
                parameters: self.parameters(&function.parameters),
                body: self.block(&function.body),
            }),
            ast::Stmt::ClassDef(class) => StmtKind::Class {
                name: class.name.to_string(),
                bases: class
                    .arguments
                    .as_ref()
                    .map(|arguments| self.expressions(&arguments.args))
                    .unwrap_or_default(),
                body: self.block(&class.body),
            },
            ast::Stmt::Return(value) => {
                StmtKind::Return(value.value.as_ref().map(|value| self.expression(value)))
            }
            ast::Stmt::Import(import) => StmtKind::Import(import.names.iter().map(alias).collect()),
            ast::Stmt::ImportFrom(import) => StmtKind::ImportFrom {
                module: import.module.as_ref().map(ToString::to_string).unwrap_or_default(),
                names: import.names.iter().map(alias).collect(),
            },
            ast::Stmt::Break(_) | ast::Stmt::Continue(_) | ast::Stmt::Raise(_) => StmtKind::Leave,
            _ => StmtKind::Other,
        };
        Stmt { kind, span: self.span(statement.range()) }
    }

    fn parameters(&self, parameters: &ast::Parameters) -> Vec<Parameter> {
        let all = parameters.posonlyargs.iter().chain(&parameters.args).chain(&parameters.kwonlyargs);
        all.map(|parameter| Parameter {
            name: parameter.parameter.name.to_string(),
            default: parameter.default.as_ref().map(|value| self.expression(value)),
        })
        .collect()
    }

    fn expressions(&self, expressions: &[ast::Expr]) -> Vec<Expr> {
        expressions.iter().map(|expression| self.expression(expression)).collect()
    }

    fn boxed(&self, expression: &ast::Expr) -> Box<Expr> {
        Box::new(self.expression(expression))
    }

    fn expression(&self, expression: &ast::Expr) -> Expr {
        let kind = match expression {
            ast::Expr::Name(name) => ExprKind::Name(name.id.to_string()),
            ast::Expr::NumberLiteral(number) => match &number.value {
                ast::Number::Int(value) => value.as_i64().map_or(ExprKind::Other, ExprKind::Int),
                ast::Number::Float(value) => ExprKind::Float(*value),
                ast::Number::Complex { .. } => ExprKind::Other,
            },
            ast::Expr::StringLiteral(text) => ExprKind::Str(text.value.to_str().to_owned()),
            ast::Expr::BooleanLiteral(value) => ExprKind::Bool(value.value),
            ast::Expr::NoneLiteral(_) => ExprKind::None,
            ast::Expr::List(list) => ExprKind::List(self.expressions(&list.elts)),
            ast::Expr::Set(set) => ExprKind::List(self.expressions(&set.elts)),
            ast::Expr::Tuple(tuple) => ExprKind::Tuple(self.expressions(&tuple.elts)),
            ast::Expr::Dict(dict) => ExprKind::Dict(
                dict.items
                    .iter()
                    .map(|item| {
                        (item.key.as_ref().map(|key| self.expression(key)), self.expression(&item.value))
                    })
                    .collect(),
            ),
            ast::Expr::Call(call) => ExprKind::Call {
                function: self.boxed(&call.func),
                arguments: self.arguments(&call.arguments),
            },
            ast::Expr::Attribute(attribute) => {
                ExprKind::Attribute { value: self.boxed(&attribute.value), name: attribute.attr.to_string() }
            }
            ast::Expr::Subscript(subscript) => ExprKind::Subscript {
                value: self.boxed(&subscript.value),
                index: self.boxed(&subscript.slice),
            },
            ast::Expr::Slice(slice) => ExprKind::Slice {
                lower: slice.lower.as_ref().map(|bound| self.boxed(bound)),
                upper: slice.upper.as_ref().map(|bound| self.boxed(bound)),
            },
            ast::Expr::BinOp(binary) => ExprKind::Binary {
                left: self.boxed(&binary.left),
                operator: operator(binary.op),
                right: self.boxed(&binary.right),
            },
            ast::Expr::UnaryOp(unary) => match unary.op {
                ast::UnaryOp::USub => ExprKind::Negative(self.boxed(&unary.operand)),
                ast::UnaryOp::UAdd => return self.expression(&unary.operand),
                ast::UnaryOp::Not => ExprKind::Not(self.boxed(&unary.operand)),
                ast::UnaryOp::Invert => ExprKind::Other,
            },
            ast::Expr::Compare(compare) => match (&*compare.ops, &*compare.comparators) {
                ([operator], [right]) => ExprKind::Compare {
                    left: self.boxed(&compare.left),
                    operator: operator.as_str(),
                    right: self.boxed(right),
                },
                _ => ExprKind::Other,
            },
            ast::Expr::BoolOp(logical) => ExprKind::Logical {
                and: matches!(logical.op, ast::BoolOp::And),
                values: self.expressions(&logical.values),
            },
            ast::Expr::If(choice) => ExprKind::IfElse {
                test: self.boxed(&choice.test),
                then: self.boxed(&choice.body),
                otherwise: self.boxed(&choice.orelse),
            },
            ast::Expr::Starred(starred) => ExprKind::Starred(self.boxed(&starred.value)),
            ast::Expr::Lambda(lambda) => ExprKind::Lambda {
                parameters: lambda
                    .parameters
                    .as_ref()
                    .map(|parameters| self.parameters(parameters))
                    .unwrap_or_default(),
                body: self.boxed(&lambda.body),
            },
            ast::Expr::ListComp(list) => self.comprehension(&list.elt, &list.generators),
            ast::Expr::SetComp(set) => self.comprehension(&set.elt, &set.generators),
            ast::Expr::Generator(generator) => self.comprehension(&generator.elt, &generator.generators),
            ast::Expr::Named(named) => {
                ExprKind::Named { target: self.boxed(&named.target), value: self.boxed(&named.value) }
            }
            _ => ExprKind::Other,
        };
        Expr { kind, span: self.span(expression.range()) }
    }

    fn comprehension(&self, element: &ast::Expr, loops: &[ast::Comprehension]) -> ExprKind {
        match loops {
            [each] if each.ifs.is_empty() => ExprKind::Comprehension {
                element: self.boxed(element),
                target: self.boxed(&each.target),
                iter: self.boxed(&each.iter),
            },
            _ => ExprKind::Other,
        }
    }

    fn arguments(&self, arguments: &ast::Arguments) -> Vec<Argument> {
        let positional = arguments.args.iter().map(|value| Argument {
            keyword: None,
            value: self.expression(value),
            spread: false,
        });
        let keywords = arguments.keywords.iter().map(|keyword| Argument {
            keyword: keyword.arg.as_ref().map(ToString::to_string),
            value: self.expression(&keyword.value),
            spread: keyword.arg.is_none(),
        });
        positional.chain(keywords).collect()
    }
}

fn alias(alias: &ast::Alias) -> (String, Option<String>) {
    (alias.name.to_string(), alias.asname.as_ref().map(ToString::to_string))
}

fn operator(operator: ast::Operator) -> Operator {
    match operator {
        ast::Operator::Add => Operator::Add,
        ast::Operator::Sub => Operator::Sub,
        ast::Operator::Mult => Operator::Mul,
        ast::Operator::Div => Operator::Div,
        ast::Operator::FloorDiv => Operator::FloorDiv,
        ast::Operator::Mod => Operator::Mod,
        ast::Operator::Pow => Operator::Pow,
        _ => Operator::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Stmt> {
        parse(text, false, &|offset| offset).0
    }

    #[test]
    fn a_call_keeps_names_values_and_spans() {
        let text = "model.add(Dense(64, activation=\"relu\"))";
        let [Stmt { kind: StmtKind::Expr(Expr { kind: ExprKind::Call { arguments, .. }, .. }), .. }] =
            &read(text)[..]
        else {
            panic!("{:?}", read(text));
        };
        let ExprKind::Call { arguments, .. } = &arguments[0].value.kind else { panic!() };
        assert_eq!(arguments[0].value.kind, ExprKind::Int(64));
        assert_eq!(arguments[1].keyword.as_deref(), Some("activation"));
        assert_eq!(&text[arguments[1].value.span.clone()], "\"relu\"");
    }

    #[test]
    fn what_cannot_be_read_leaves_the_rest() {
        let (statements, errors) = parse("x = (1\ny = 2\n", false, &|offset| offset);
        assert!(!errors.is_empty());
        assert!(!statements.is_empty());
    }
}
