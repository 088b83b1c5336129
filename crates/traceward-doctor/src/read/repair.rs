//! Makes a broken script readable, and says what was broken.
//!
//! A parser that recovers says where it gave up, not what is wrong: after a forgotten bracket it complains
//! about the next line. So repairs are tried, the likely ones first, and what counts is how many errors
//! are left when the whole text is parsed again. A repair that is found is reported once, with its place
//! and the letters to write there; reading goes on with the repaired text, while every span still points
//! into the text as the user has it.
//!
//! Python 2 and notebooks are dialects, not faults: they are read without repair, and noted.

use super::python::{self, ErrorKind, Span, Stmt, SyntaxError};
use crate::{Cause, CauseKind, Finding, Level, Place, Treatment};

/// A script has at most this many repairs; with more it is no script.
const MOST_REPAIRS: usize = 12;

/// How many lines above an error its cause is looked for.
const LINES_BACK: usize = 40;

/// Errors that no repair was found for are reported up to this many.
const MOST_REPORTED: usize = 3;

/// Parses a script. What was wrong with it comes as findings.
pub(super) fn parse(text: &str) -> (Vec<Stmt>, Vec<Finding>) {
    let mut draft = Draft::new(text);
    let mut findings = Vec::new();
    let mut errors = python::errors(&draft.text, false);
    let mut notebook = false;
    if !errors.is_empty() {
        notebook = take_dialects(&mut draft, &mut errors, &mut findings);
    }
    for _ in 0..MOST_REPAIRS {
        let Some(error) = errors.first() else { break };
        let Some((repair, left)) = best_repair(&draft, error, errors.len(), notebook) else { break };
        findings.push(repair.finding(&draft));
        draft.replace(repair.at.clone(), &repair.text);
        errors = left;
    }
    findings.extend(errors.iter().take(MOST_REPORTED).map(|error| unrepaired(error, &draft)));
    let (statements, _) = python::parse(&draft.text, notebook, &|offset| draft.origin(offset));
    (statements, findings)
}

/// Tries to read the text as a notebook's and as Python 2's. Returns whether it is a notebook's.
fn take_dialects(draft: &mut Draft, errors: &mut Vec<SyntaxError>, findings: &mut Vec<Finding>) -> bool {
    let mut notebook = false;
    if draft.text.lines().any(|line| line.trim_start().starts_with(['%', '!', '?'])) {
        let as_notebook = python::errors(&draft.text, true);
        if as_notebook.len() < errors.len() {
            notebook = true;
            *errors = as_notebook;
        }
    }
    if let Some((modern, first)) = without_python_2(&draft.text) {
        let left = python::errors(&modern, notebook);
        if left.len() < errors.len() {
            draft.text = modern;
            *errors = left;
            findings.push(
                Finding::new(
                    "S00",
                    Level::Note,
                    "the script is written in Python 2, which no current framework runs on",
                )
                .at(Some(Place::Span(draft.origin(first.start)..draft.origin(first.end))))
                .treat(Treatment::advice("run `2to3 -w` on it: `print(…)` needs its brackets")),
            );
        }
    }
    if errors.iter().any(|error| error.kind == ErrorKind::Indentation) && draft.text.contains('\t') {
        let mut expanded = draft.clone();
        expanded.expand_tabs();
        let left = python::errors(&expanded.text, notebook);
        if left.len() < errors.len() {
            *draft = expanded;
            *errors = left;
        }
    }
    notebook
}

/// The text with Python 2's statements turned into Python 3's, of the same length, so that no offset
/// moves; and where the first stood. `None` if there is none.
fn without_python_2(text: &str) -> Option<(String, Span)> {
    let mut modern = text.as_bytes().to_vec();
    let mut first = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let body = line[indent..].trim_end();
        let at = start + indent;
        if let Some(rest) = body.strip_prefix("print").filter(|rest| rest.starts_with([' ', '\t', '"', '\'']))
        {
            let argument = rest.trim_start();
            // `print (x)` is a call in both; `print = x` and `print.x` are names.
            let call = argument.starts_with('(') && !needs_statement(argument);
            if !argument.is_empty() && !call && !argument.starts_with(['=', '.', ',']) {
                // `print x` becomes `None; x`, near enough: two statements.
                modern[at..at + 5].copy_from_slice(b"None;");
                if argument.starts_with(">>") {
                    let offset = at + 5 + (rest.len() - argument.len());
                    modern[offset..offset + 2].fill(b' ');
                }
                first.get_or_insert(at..at + body.len());
            }
        } else if let Some(rest) = body.strip_prefix("except ")
            && let (Some(comma), true) = (rest.find(','), rest.ends_with(':'))
            && !rest.contains('(')
        {
            // `except Error, name:` loses the name.
            let from = at + "except ".len() + comma;
            let to = at + body.len() - 1;
            modern[from..to].fill(b' ');
            first.get_or_insert(at..at + body.len());
        }
        start += line.len();
    }
    let first = first?;
    String::from_utf8(modern).ok().map(|modern| (modern, first))
}

/// Whether `(…)` after `print` is followed by more, so that it cannot be a call: `print ("%d") % n`.
fn needs_statement(argument: &str) -> bool {
    let mut depth = 0_i32;
    for (i, letter) in argument.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    let after = argument[i + 1..].trim_start();
                    return after.starts_with(',');
                }
            }
            _ => {}
        }
    }
    false
}

/// A text under repair, and where each of its bytes was at first.
#[derive(Clone)]
struct Draft {
    text: String,
    origins: Vec<usize>,
}

impl Draft {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), origins: (0..=text.len()).collect() }
    }

    /// Where a byte was at first. Within a letter it is where the letter begins.
    fn origin(&self, offset: usize) -> usize {
        self.origins[self.text.floor_char_boundary(offset)]
    }

    fn replace(&mut self, at: Span, with: &str) {
        let origin = self.origins[at.start];
        self.text.replace_range(at.clone(), with);
        self.origins.splice(at, std::iter::repeat_n(origin, with.len()));
    }

    /// Tabs that indent become blanks up to the next eighth column, as Python 2 counted them.
    fn expand_tabs(&mut self) {
        let mut starts: Vec<usize> = self.text.match_indices('\n').map(|(at, _)| at + 1).collect();
        starts.insert(0, 0);
        for start in starts.into_iter().rev() {
            let indent = self.text[start..].find(|letter: char| letter != ' ' && letter != '\t').unwrap_or(0);
            let tabbed = &self.text[start..start + indent];
            if tabbed.contains('\t') {
                let columns = tabbed.chars().fold(0, |column, letter| match letter {
                    '\t' => (column / 8 + 1) * 8,
                    _ => column + 1,
                });
                self.replace(start..start + indent, &" ".repeat(columns));
            }
        }
    }
}

/// A change that may make the text readable. Offsets are the draft's.
struct Repair {
    at: Span,
    text: String,
    /// What is wrong: a sentence without its line.
    what: String,
    /// What to underline.
    place: Span,
}

impl Repair {
    fn finding(&self, draft: &Draft) -> Finding {
        let line = |offset: usize| draft.text[..offset].matches('\n').count() + 1;
        let place = draft.origin(self.place.start)..draft.origin(self.place.end);
        let at = draft.origin(self.at.start)..draft.origin(self.at.end);
        let number = line(self.at.start);
        let advice = match (self.at.is_empty(), self.text.is_empty()) {
            (true, _) => format!("write `{}` at the end of line {number}", self.text),
            (false, true) => format!("take `{}` out of line {number}", &draft.text[self.at.clone()]),
            (false, false) => format!("write `{}` there", self.text),
        };
        let advice = if self.text.trim() == "," { format!("write a comma in line {number}") } else { advice };
        Finding::new("S00", Level::Error, format!("line {number}: {}", self.what))
            .at(Some(Place::Span(place)))
            .cause(Cause::new(CauseKind::Syntax, 1.0, "Python refuses to run the script"))
            .treat(Treatment::advice(advice).replacing(at, self.text.clone()))
    }
}

fn unrepaired(error: &SyntaxError, draft: &Draft) -> Finding {
    let number = draft.text[..draft.text.floor_char_boundary(error.span.start)].matches('\n').count() + 1;
    let place = draft.origin(error.span.start)..draft.origin(error.span.end);
    Finding::new("S00", Level::Error, format!("line {number}: {}", lower_first(&error.message)))
        .at(Some(Place::Span(place)))
        .cause(Cause::new(CauseKind::Syntax, 1.0, "Python refuses to run the script"))
}

fn lower_first(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// The repair after which the fewest errors are left, fewer than now; of equals the first tried.
fn best_repair(
    draft: &Draft,
    error: &SyntaxError,
    count: usize,
    notebook: bool,
) -> Option<(Repair, Vec<SyntaxError>)> {
    let mut best: Option<(Repair, Vec<SyntaxError>)> = None;
    for repair in candidates(&draft.text, error) {
        let mut tried = draft.text.clone();
        tried.replace_range(repair.at.clone(), &repair.text);
        let left = python::errors(&tried, notebook);
        let fewest = best.as_ref().map_or(count, |(_, left)| left.len());
        if left.len() < fewest {
            let done = left.is_empty();
            best = Some((repair, left));
            if done {
                break;
            }
        }
    }
    best
}

/// What may be wrong at `error`, the likely first.
fn candidates(text: &str, error: &SyntaxError) -> Vec<Repair> {
    let lines = lines(text);
    let start = text.floor_char_boundary(error.span.start);
    let number = lines.partition_point(|line| line.start <= start).saturating_sub(1);
    let first = number.saturating_sub(LINES_BACK);
    let mut repairs = Vec::new();
    let brackets = Brackets::scan(text);

    // A bracket that is not closed: at the end of each line on which one is open.
    for line in &lines[first..=number.min(lines.len() - 1)] {
        let open = brackets.open_at(line.code_end);
        for depth in 1..=open.len().min(3) {
            let openers = &open[open.len() - depth..];
            let closers: String = openers.iter().rev().map(|opener| closer(opener.1)).collect();
            let (at, opener) = openers[0];
            repairs.push(Repair {
                at: line.code_end..line.code_end,
                what: format!("`{opener}` is never closed"),
                place: at.max(line.start)..line.code_end.max(at + 1),
                text: closers,
            });
        }
    }
    // One too many, or one of the wrong kind.
    for (at, found, expected) in brackets.wrong.iter().filter(|(at, ..)| *at <= error.span.end + 1) {
        if let Some(expected) = expected {
            let expected = closer(*expected);
            repairs.push(Repair {
                at: *at..at + 1,
                what: format!("`{found}` closes nothing that is open; `{expected}` would"),
                place: *at..at + 1,
                text: expected.to_string(),
            });
        }
        repairs.push(Repair {
            at: *at..at + 1,
            what: format!("`{found}` closes nothing"),
            place: *at..at + 1,
            text: String::new(),
        });
    }
    for line in lines[first..=number.min(lines.len() - 1)].iter().rev().take(3) {
        let code = text[line.start..line.code_end].trim();
        let word = code.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
        let begins_block = matches!(
            word,
            "def"
                | "class"
                | "if"
                | "elif"
                | "else"
                | "for"
                | "while"
                | "try"
                | "except"
                | "finally"
                | "with"
        );
        if begins_block && !code.ends_with(':') {
            repairs.push(Repair {
                at: line.code_end..line.code_end,
                text: ":".into(),
                what: format!("`{word}` needs a colon at its end"),
                place: line.start..line.code_end,
            });
        }
        for quote in ['"', '\''] {
            if code.matches(quote).count() % 2 == 1 {
                let whole = &text[line.start..line.code_end];
                let open = brackets_before_quote(whole, quote);
                // Most texts have no brackets in them, so those at the end are the code's.
                let inner = line.start + whole.trim_end_matches([')', ']', '}', ',', ':']).len();
                let place = line.start + whole.rfind(quote).unwrap_or(0)..line.code_end;
                for (at, closers) in [(inner, ""), (line.code_end, ""), (line.code_end, &open)] {
                    repairs.push(Repair {
                        at: at..at,
                        text: format!("{quote}{closers}"),
                        what: "a text is never closed".into(),
                        place: place.clone(),
                    });
                }
            }
        }
    }
    // A comma between two things: before the error, after the token before it.
    let before = text[..start].trim_end().len();
    for at in [before, lines[number.saturating_sub(1)].code_end] {
        repairs.push(Repair {
            at: at..at,
            text: ",".into(),
            what: "a comma is missing".into(),
            place: text.floor_char_boundary(at.saturating_sub(1))..at,
        });
    }
    if error.kind == ErrorKind::Indentation {
        let line = &lines[number];
        let above =
            lines[..number].iter().rev().find(|line| !text[line.start..line.code_end].trim().is_empty());
        if let Some(above) = above {
            let indent = |line: &Line| {
                let code = &text[line.start..line.end];
                code.len() - code.trim_start_matches([' ', '\t']).len()
            };
            let wanted = &text[above.start..above.start + indent(above)];
            repairs.push(Repair {
                at: line.start..line.start + indent(line),
                text: wanted.to_owned(),
                what: "it is indented otherwise than the lines around it".into(),
                place: line.start..line.code_end,
            });
        }
    }
    let whole = |span: &Span| text.get(span.clone()).is_some();
    repairs.retain(|repair| whole(&repair.at) && whole(&repair.place));
    repairs
}

/// The closers that a line needs after a text that runs to its end, `Dense(3, activation="relu`.
fn brackets_before_quote(line: &str, quote: char) -> String {
    let code = &line[..line.rfind(quote).unwrap_or(0)];
    let brackets = Brackets::scan(code);
    brackets.open_at(code.len()).iter().rev().map(|(_, opener)| closer(*opener)).collect()
}

fn closer(opener: char) -> char {
    match opener {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// A line: where it starts, where it ends, and where its code ends, before blanks and a comment.
struct Line {
    start: usize,
    end: usize,
    code_end: usize,
}

fn lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches(['\n', '\r']);
        let code = code_of(body).trim_end();
        lines.push(Line { start, end: start + body.len(), code_end: start + code.len() });
        start += line.len();
    }
    if lines.is_empty() {
        lines.push(Line { start: 0, end: 0, code_end: 0 });
    }
    lines
}

/// The line without its comment. A `#` within quotes is none.
fn code_of(line: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), letter) if letter == open => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '#') => return &line[..at],
            _ => {}
        }
    }
    line
}

/// Which brackets are open where.
struct Brackets {
    /// After which offset which are open: offsets rise.
    states: Vec<(usize, Vec<(usize, char)>)>,
    /// Closers that close nothing, or something of another kind: where, what, and what was open.
    wrong: Vec<(usize, char, Option<char>)>,
}

impl Brackets {
    /// Goes through the text once. A text in quotes ends with its line, unless it is tripled; so one
    /// forgotten quote spoils one line.
    fn scan(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut open: Vec<(usize, char)> = Vec::new();
        let mut states = vec![(0, Vec::new())];
        let mut wrong = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'#' => {
                    at += text[at..].find('\n').unwrap_or(text.len() - at);
                    continue;
                }
                quote @ (b'"' | b'\'') => {
                    at = end_of_string(bytes, at, quote);
                    continue;
                }
                opener @ (b'(' | b'[' | b'{') => {
                    open.push((at, char::from(opener)));
                    states.push((at + 1, open.clone()));
                }
                found @ (b')' | b']' | b'}') => {
                    match open.last() {
                        Some((_, opener)) if closer(*opener) == char::from(found) => {
                            open.pop();
                        }
                        other => wrong.push((at, char::from(found), other.map(|(_, opener)| *opener))),
                    }
                    states.push((at + 1, open.clone()));
                }
                _ => {}
            }
            at += 1;
        }
        Self { states, wrong }
    }

    /// What is open before `offset`, outermost first.
    fn open_at(&self, offset: usize) -> &[(usize, char)] {
        let index = self.states.partition_point(|(at, _)| *at <= offset);
        index.checked_sub(1).map_or(&[], |index| &self.states[index].1)
    }
}

/// Just after the text in quotes that begins at `at`.
fn end_of_string(bytes: &[u8], at: usize, quote: u8) -> usize {
    let triple = [quote; 3];
    if bytes[at..].starts_with(&triple) {
        let inner = at + 3;
        let end = bytes[inner..].windows(3).position(|window| window == triple);
        return end.map_or(bytes.len(), |end| inner + end + 3);
    }
    let mut end = at + 1;
    while end < bytes.len() {
        match bytes[end] {
            b'\\' => end += 1,
            b'\n' => return end,
            byte if byte == quote => return end + 1,
            _ => {}
        }
        end += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The findings' lines and symptoms, and the text with all repairs applied.
    fn repaired(text: &str) -> (Vec<String>, String) {
        let (_, findings) = parse(text);
        let mut fixed = text.to_owned();
        let mut repairs: Vec<_> = findings
            .iter()
            .flat_map(|finding| &finding.treatments)
            .filter_map(|treatment| treatment.repair.clone())
            .collect();
        repairs.sort_by_key(|repair| std::cmp::Reverse(repair.span.start));
        for repair in repairs {
            fixed.replace_range(repair.span, &repair.text);
        }
        (findings.into_iter().map(|finding| finding.symptom).collect(), fixed)
    }

    #[test]
    fn a_forgotten_bracket_is_found_on_its_own_line() {
        let text = "model.add(LSTM(32))\nmodel.add(Dense(64)\nmodel.add(Dense(7))\nmodel.summary()\n";
        let (symptoms, fixed) = repaired(text);
        assert_eq!(symptoms, ["line 2: `(` is never closed"]);
        assert_eq!(fixed, text.replace("Dense(64)", "Dense(64))"));
    }

    #[test]
    fn brackets_of_many_lines() {
        let text = "model = Sequential([\n    Dense(64),\n    Dense(7)\n]\nmodel.compile(loss='mse')\n";
        let (symptoms, fixed) = repaired(text);
        assert_eq!(symptoms.len(), 1, "{symptoms:?}");
        assert_eq!(fixed, text.replace("\n]\n", "\n])\n"));

        let text =
            "model.compile(\n    loss='mse',  # mean\n    optimizer='adam'  # default\nmodel.fit(x, y)\n";
        let (symptoms, fixed) = repaired(text);
        assert_eq!(symptoms, ["line 3: `(` is never closed"]);
        assert_eq!(fixed, text.replace("'adam'  #", "'adam')  #"));
    }

    #[test]
    fn other_slips() {
        let cases = [
            ("x = Dense(64 activation='relu')\n", "comma", "x = Dense(64, activation='relu')\n"),
            ("def build()\n    return 1\n", "colon", "def build():\n    return 1\n"),
            ("x = f(1))\ny = 2\n", "closes nothing", "x = f(1)\ny = 2\n"),
            ("x = [1, 2)\ny = 2\n", "would", "x = [1, 2]\ny = 2\n"),
            (
                "x = Dense(3, activation='relu)\ny = 2\n",
                "text is never closed",
                "x = Dense(3, activation='relu')\ny = 2\n",
            ),
        ];
        for (text, said, wanted) in cases {
            let (symptoms, fixed) = repaired(text);
            assert_eq!(symptoms.len(), 1, "{text}: {symptoms:?}");
            assert!(symptoms[0].contains(said), "{text}: {symptoms:?}");
            assert_eq!(fixed, wanted);
        }
    }

    #[test]
    fn dialects_are_no_faults() {
        let (_, findings) = parse("%matplotlib inline\n!pip install keras\nx = 1\nif x:\n    !ls\n");
        assert_eq!(findings, []);
        let (statements, findings) = parse("import sys\nprint \"loss\", 3\nprint >>sys.stderr, 'x'\nx = 1\n");
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].level, Level::Note);
        assert_eq!(findings[0].place, Some(Place::Span(11..26)));
        assert!(statements.len() >= 4);
        let (_, findings) = parse("if True:\n\tx = 1\n        y = 2\n");
        assert_eq!(findings, []);
        assert_eq!(parse("print ('x')\nprint()\n").1, []);
    }

    #[test]
    fn spans_point_into_the_user_s_text() {
        let text = "f(1\nmodel.add(Dense(7))\n";
        let (statements, _) = parse(text);
        let last = statements.last().unwrap();
        assert_eq!(&text[last.span.clone()], "model.add(Dense(7))");
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(\\PC|\n|\t|\\(|\\)|\\[|'|\"|:){0,60}") {
            let (_, findings) = parse(&text);
            for finding in findings {
                if let Some(Place::Span(span)) = finding.place {
                    prop_assert!(span.start <= span.end && span.end <= text.len());
                    prop_assert!(text.is_char_boundary(span.start));
                }
            }
        }

        #[test]
        fn one_bracket_less_is_one_finding(line in 0_usize..4, layers in prop::collection::vec(1_usize..99, 4)) {
            let mut lines: Vec<String> = layers.iter().map(|units| format!("model.add(Dense({units}))")).collect();
            lines[line].pop();
            let text = lines.join("\n") + "\n";
            let (_, findings) = parse(&text);
            prop_assert_eq!(findings.len(), 1);
            prop_assert!(findings[0].symptom.starts_with(&format!("line {}:", line + 1)), "{}", findings[0].symptom);
        }
    }
}
