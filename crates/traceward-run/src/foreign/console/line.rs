//! One line of console output: which epoch and step it speaks of, and which numbers stand under which names.
//!
//! No grammar is assumed. A number belongs to the words right before it (`val loss 0.5`, `Acc@1: 71.2`,
//! `'loss': 0.4`); `3/10` counts; `4s` and `375us/step` are times; `6.9 (7.0)` is a value and its mean so far,
//! of which the mean is taken; `9806/10000 (98%)` is a share.

use crate::foreign::names::{self, Quantity, Side, meaning};
use crate::foreign::number;

/// A line, understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Line {
    /// The epoch it names, and of how many.
    pub(super) epoch: Option<(u64, Option<u64>)>,
    /// How far within the epoch it was written: `45/100`, or a step's number alone.
    pub(super) progress: Option<Progress>,
    /// Names and values, in order; a name as it is written, its words joined by `_`.
    pub(super) values: Vec<(String, f64)>,
    /// Whether a progress bar or Keras' way of writing a summary is in it.
    pub(super) bar: bool,
    /// Whether it is in Keras' manner: ` - name: value` after a count or a time.
    pub(super) keras: bool,
    /// How long it took.
    pub(super) seconds: Option<f64>,
    /// The side that the line's first word says.
    pub(super) side: Option<Side>,
    /// The side that an earlier line says of those below it.
    heading: Option<Side>,
    /// Words in it, those that are names of values included.
    pub(super) words: usize,
}

/// A count within an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Progress {
    pub(super) at: u64,
    pub(super) of: Option<u64>,
    /// Whether a word before it says that it counts steps.
    pub(super) named: bool,
}

impl Progress {
    pub(super) fn is_complete(self) -> bool {
        self.of.is_none_or(|of| self.at >= of)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Number(f64),
    /// A number with `%`.
    Percent(f64),
    /// A number and its unit: `4s`, `64ms/step`.
    Measure(f64, &'a str),
    /// `3/10`.
    Ratio(u64, u64),
    /// Times of day, dates, versions: nothing for us.
    Other,
    /// Part of a drawn bar.
    Bar,
    Sign(char),
}

fn is_bar(sign: char) -> bool {
    matches!(
        sign,
        '━' | '█'
            | '▏'
            | '▎'
            | '▍'
            | '▌'
            | '▋'
            | '▊'
            | '▉'
            | '╸'
            | '╺'
            | '░'
            | '▒'
            | '▓'
            | '■'
            | '#'
    )
}

/// Cuts a line into tokens, at most `MOST` of them: no line of metrics is longer.
fn tokens(text: &str) -> Vec<Token<'_>> {
    const MOST: usize = 400;
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        if tokens.len() >= MOST {
            break;
        }
        let (token, length) = if sign.is_whitespace() {
            (None, sign.len_utf8())
        } else if sign.is_ascii_digit()
            || ((sign == '.' || sign == '-' || sign == '+') && begins_number(rest))
        {
            let free = sign.is_ascii_digit() || !matches!(tokens.last(), Some(Token::Number(_)));
            if free { numeric(rest) } else { (Some(Token::Sign(sign)), 1) }
        } else if sign.is_alphabetic() || sign == '_' {
            word(rest)
        } else if is_bar(sign)
            || rest.starts_with("===")
            || rest.starts_with("...")
            || rest.starts_with("[=")
            || rest.starts_with("[>")
        {
            let end = rest
                .find(|sign: char| !is_bar(sign) && !matches!(sign, '=' | '>' | '.' | '[' | ']'))
                .unwrap_or(rest.len());
            (Some(Token::Bar), end.max(sign.len_utf8()))
        } else {
            (Some(Token::Sign(sign)), sign.len_utf8())
        };
        tokens.extend(token);
        rest = &rest[length..];
    }
    tokens
}

/// Whether a sign or point begins a number, or `-nan`, `-inf`.
fn begins_number(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = rest.strip_prefix('.').unwrap_or(rest);
    digits.starts_with(|sign: char| sign.is_ascii_digit())
        || (rest.len() < text.len() && ["nan", "inf"].iter().any(|word| rest.starts_with(word)))
}

/// The end of the digits, letters and what holds numbers together.
fn numeric(text: &str) -> (Option<Token<'_>>, usize) {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign = text.len() - unsigned.len();
    let digits = |text: &str| text.len() - text.trim_start_matches(|sign: char| sign.is_ascii_digit()).len();
    let mut end = sign + digits(unsigned);
    let whole = end;
    if text[end..].starts_with('.') {
        end += 1 + digits(&text[end + 1..]);
    }
    if let Some(after) = text[end..].strip_prefix(['e', 'E']) {
        let signed = after.strip_prefix(['-', '+']).unwrap_or(after);
        if digits(signed) > 0 {
            end += 1 + (after.len() - signed.len()) + digits(signed);
        }
    }
    let rest = &text[end..];
    let followed = |sign: char| {
        rest.strip_prefix(sign).is_some_and(|rest| rest.starts_with(|sign: char| sign.is_ascii_digit()))
    };
    // Versions and addresses, dates, times of day.
    let date = whole == 4 && end == 4 && date_like(rest);
    if followed('.') && end > whole
        || date
        || (followed(':') && !rest[1..].contains("loss")) && clock_like(&text[..end], rest)
    {
        let stop = rest
            .find(|sign: char| !sign.is_ascii_alphanumeric() && !matches!(sign, '.' | '-' | '/' | ':' | '+'))
            .unwrap_or(rest.len());
        return (Some(Token::Other), end + stop);
    }
    if text.starts_with("-nan") || text.starts_with("-inf") || text.starts_with("+inf") {
        let value = if text[1..].starts_with("nan") {
            f64::NAN
        } else if sign > 0 && text.starts_with('-') {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
        let stop = text[1..].find(|sign: char| !sign.is_ascii_alphabetic()).unwrap_or(text.len() - 1);
        return (Some(Token::Number(value)), 1 + stop);
    }
    let Some(value) = number::parse(&text[..end]) else { return (Some(Token::Other), end.max(1)) };
    if let (Some(over), Some(at)) = (rest.strip_prefix('/'), number::counter(value)) {
        let length = digits(over);
        if let (true, Ok(of)) = (length > 0 && end == whole, over[..length].parse()) {
            return (Some(Token::Ratio(at, of)), end + 1 + length);
        }
    }
    if rest.starts_with('%') {
        return (Some(Token::Percent(value)), end + 1);
    }
    let unit = rest.find(|sign: char| !sign.is_alphabetic() && sign != '/').unwrap_or(rest.len());
    if rest.starts_with(|sign: char| sign.is_alphabetic()) {
        return (Some(Token::Measure(value, &rest[..unit])), end + unit);
    }
    (Some(Token::Number(value)), end)
}

/// The rest of `2026-11-23`.
fn date_like(after: &str) -> bool {
    let bytes = after.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    matches!(bytes.first(), Some(b'-' | b'/'))
        && digits(1..3)
        && bytes.get(3) == bytes.first()
        && digits(4..6)
}

/// `12:34`, but not the line number of `12:5/5 [===`.
fn clock_like(before: &str, after: &str) -> bool {
    let digits = after[1..].len() - after[1..].trim_start_matches(|sign: char| sign.is_ascii_digit()).len();
    before.len() <= 2 && digits == 2 && !after[3..].starts_with('/')
}

fn word(text: &str) -> (Option<Token<'_>>, usize) {
    let mut end = 0;
    let mut signs = text.char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        let next = signs.peek().map(|(_, sign)| *sign);
        let joins = match sign {
            '_' | '@' => true,
            '/' => next.is_some_and(char::is_alphabetic),
            '-' => next.is_some_and(char::is_alphabetic),
            '.' => next.is_some_and(char::is_alphanumeric),
            sign => sign.is_alphanumeric(),
        };
        if !joins {
            break;
        }
        end = at + sign.len_utf8();
    }
    let word = &text[..end];
    let token = match word {
        "nan" | "NaN" | "NAN" => Token::Number(f64::NAN),
        "inf" | "Inf" | "Infinity" => Token::Number(f64::INFINITY),
        // `tensor(0.5, device='cuda:0')`, `np.float64(0.5)`: the number is what counts.
        "tensor" | "array" | "np.float64" | "np.float32" | "numpy.float64" | "Tensor" => return (None, end),
        word => Token::Word(word),
    };
    (Some(token), end.max(1))
}

/// Words that may stand between a name and its value, or before a name, and are not part of it.
fn says_nothing(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "is" | "was"
            | "of"
            | "the"
            | "at"
            | "with"
            | "for"
            | "on"
            | "and"
            | "a"
            | "in"
            | "after"
            | "done"
            | "finished"
            | "complete"
            | "completed"
            | "summary"
            | "result"
            | "results"
            | "end"
            | "ended"
            | "current"
            | "now"
            | "got"
            | "info"
            | "debug"
            | "root"
            | "then"
            | "took"
            | "phase"
            | "set"
            | "error:"
            | "my"
            | "this"
            | "its"
            | "has"
            | "had"
            | "gives"
    )
}

/// Understands a line. `side` is what an earlier line says of it: `Validation:`, and the numbers below.
pub(super) fn read(text: &str, side: Option<Side>) -> Line {
    let tokens = tokens(text);
    let is_bar = |token: &Token<'_>| matches!(token, Token::Bar | Token::Measure(_, "it/s" | "s/it"));
    let mut line = Line { bar: tokens.iter().any(is_bar), heading: side, ..Line::default() };
    let mut name: Vec<&str> = Vec::new();
    // Whether `:` or `=` stands between the name and what comes.
    let mut separated = false;
    let mut after_dash = false;
    let mut sides: Option<Side> = None;
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let next = tokens.get(index + 1);
        match *token {
            Token::Word(word) => {
                line.words += 1;
                if line.words == 1 && line.values.is_empty()
                    || line.side.is_none() && line.values.is_empty() && line.epoch.is_some()
                {
                    line.side = line.side.or(meaning(word).side.filter(|_| meaning(word).quantity.is_none()));
                }
                if separated {
                    // `device: cuda loss: 0.5`
                    name.clear();
                    separated = false;
                }
                if !says_nothing(word) {
                    name.push(word);
                }
            }
            Token::Number(value) | Token::Percent(value) => {
                // `Epoch 3 / 10` and `Epoch 3 of 10`, written apart.
                let of = match (next, tokens.get(index + 2)) {
                    (Some(Token::Sign('/') | Token::Word("of")), Some(Token::Number(of))) => {
                        number::counter(*of)
                    }
                    _ => None,
                };
                if let (Some(of), Some(at)) = (of, number::counter(value)) {
                    index += 2;
                    line.count(&name, at, Some(of));
                } else if name.is_empty() {
                    line.lone_number(value, index, &tokens);
                } else {
                    let mut value = value;
                    // `6.9 (7.0)`: the mean so far.
                    if let (
                        Some(Token::Sign('(')),
                        Some(Token::Number(mean) | Token::Percent(mean)),
                        Some(Token::Sign(')')),
                    ) = (next, tokens.get(index + 2), tokens.get(index + 3))
                    {
                        value = *mean;
                        index += 3;
                    }
                    line.take(&name, value, separated, &mut sides, after_dash);
                }
                (separated, after_dash) = (false, false);
                name.clear();
            }
            Token::Ratio(at, of) => {
                let counted =
                    name.last().is_some_and(|last| names::counts_epochs(last) || names::counts_steps(last));
                if !counted && !name.is_empty() && of > 0 && names::is_metric(&name.join(" ")) {
                    // `Accuracy: 9806/10000 (98%)`
                    let percent =
                        tokens[index..].iter().take(3).any(|token| matches!(token, Token::Percent(_)));
                    let share = at as f64 / of as f64 * if percent { 100.0 } else { 1.0 };
                    line.take(&name, share, separated, &mut sides, after_dash);
                    while matches!(tokens.get(index + 1), Some(Token::Sign('(' | ')') | Token::Percent(_))) {
                        index += 1;
                    }
                } else {
                    line.count(&name, at, Some(of));
                }
                (separated, after_dash) = (false, false);
                name.clear();
            }
            Token::Measure(value, unit) => {
                line.measure(&name, value, unit, separated, &mut sides, after_dash);
                (separated, after_dash) = (false, false);
                name.clear();
            }
            Token::Other | Token::Bar => {
                (separated, after_dash) = (false, false);
                name.clear();
            }
            Token::Sign(':' | '=' | '：') => separated = !name.is_empty(),
            // Quotes, brackets and arrows within a name or between it and its value.
            Token::Sign('\'' | '"' | '(' | ')' | '[' | '#' | '`' | '*' | '~') => {}
            Token::Sign(']') if separated => {}
            Token::Sign('-' | '–' | '—') => {
                after_dash = true;
                separated = false;
                name.clear();
            }
            Token::Sign(_) => {
                separated = false;
                name.clear();
            }
        }
        index += 1;
    }
    line.keras = line.keras || (line.bar && line.values.iter().any(|(name, _)| names::is_metric(name)));
    line
}

impl Line {
    /// `3/10` or a number under a name that counts.
    fn count(&mut self, name: &[&str], at: u64, of: Option<u64>) {
        let counts = |test: fn(&str) -> bool| {
            name.last().is_some_and(|last| test(last))
                || test(&name.join(" "))
                || name.len() > 1 && test(&name[name.len() - 2..].join(" "))
        };
        if counts(names::counts_epochs) {
            if self.epoch.is_none() && self.values.is_empty() {
                self.epoch = Some((at, of));
            }
        } else if (counts(names::counts_steps) || of.is_some()) && self.progress.is_none() {
            self.progress =
                Some(Progress { at, of, named: name.iter().any(|word| names::counts_steps(word)) });
        }
    }

    /// A number without a name: `[1,  2000]` at the beginning, or `333 154 Loss=`.
    fn lone_number(&mut self, value: f64, index: usize, tokens: &[Token<'_>]) {
        let Some(value) = number::counter(value) else { return };
        match (index, tokens) {
            (1, [Token::Sign('['), _, Token::Sign(',' | ']'), ..]) => {
                self.epoch = self.epoch.or(Some((value, None)));
            }
            (3, [Token::Sign('['), _, Token::Sign(','), _, Token::Sign(']'), ..])
                if self.progress.is_none() =>
            {
                self.progress = Some(Progress { at: value, of: None, named: true });
            }
            (0, [_, Token::Number(second), Token::Word(_), ..]) if number::counter(*second).is_some() => {
                self.epoch = Some((value, None));
            }
            (1, [Token::Number(_), _, Token::Word(_), ..]) if self.epoch.is_some() => {
                self.progress = Some(Progress { at: value, of: None, named: true });
            }
            _ => {}
        }
    }

    /// A number and its unit.
    fn measure(
        &mut self,
        name: &[&str],
        value: f64,
        unit: &str,
        separated: bool,
        sides: &mut Option<Side>,
        after_dash: bool,
    ) {
        let unit = unit.trim_end_matches('/');
        let scale = match unit {
            "s" | "sec" | "secs" | "seconds" | "s/epoch" => Some(1.0),
            "ms" | "ms/epoch" => Some(1e-3),
            "us" | "µs" => Some(1e-6),
            "m" | "min" => Some(60.0),
            "h" => Some(3600.0),
            "M" | "K" | "k" | "G" | "GB" | "MB" | "GiB" | "MiB" | "B" => None,
            _ => {
                // `12.9it/s`, `64ms/step`.
                let per_step = [
                    ("ms/step", 1e-3),
                    ("us/step", 1e-6),
                    ("s/step", 1.0),
                    ("ms/sample", 1e-3),
                    ("us/sample", 1e-6),
                    ("s/sample", 1.0),
                ];
                if let Some((_, scale)) = per_step.iter().find(|(name, _)| *name == unit) {
                    self.keras = true;
                    if let Some(steps) = self.progress.and_then(|progress| progress.of) {
                        // Finer than the whole seconds that Keras prints beside it.
                        let fine = value * scale * steps as f64;
                        self.seconds = Some(self.seconds.map_or(fine, |coarse| {
                            if (fine - coarse).abs() <= 1.0 + coarse * 0.1 { fine } else { coarse }
                        }));
                    }
                }
                None
            }
        };
        let Some(scale) = scale else { return };
        let named = name.join(" ");
        if !named.is_empty()
            && meaning(&named).quantity != Some(Quantity::Seconds)
            && unit.len() == 1
            && names::is_metric(&named)
        {
            self.take(name, value, separated, sides, after_dash);
        } else if !named.to_lowercase().contains("eta") && !named.to_lowercase().contains("remaining") {
            self.seconds = self.seconds.or(Some(value * scale));
        }
    }

    /// A value under a name.
    fn take(
        &mut self,
        name: &[&str],
        value: f64,
        separated: bool,
        sides: &mut Option<Side>,
        after_dash: bool,
    ) {
        let counter = number::counter(value);
        let tail = |count: usize| name[name.len().saturating_sub(count)..].join(" ");
        if let Some(at) = counter
            && (names::counts_epochs(&tail(1)) || names::counts_steps(&tail(1)) || names::counts_steps(&tail(2)))
            // `epochs: 10` is a setting.
            && !tail(1).eq_ignore_ascii_case("epochs")
        {
            self.count(name, at, None);
            return;
        }
        // A sentence is no name; its last words may be.
        let mut words: Vec<&str> = name[name.len().saturating_sub(5)..].to_vec();
        let known = |word: &&str| {
            let meaning = meaning(word);
            meaning.quantity.is_some() || meaning.side.is_some() || meaning.is_plain()
        };
        if words.len() > 1
            && let Some(first) = words.iter().position(known)
        {
            // `Epoch 3 done train loss`: what stands before the first word that means something.
            let unknown_is_name =
                separated && words.len() <= 3 && self.epoch.is_some() && self.values.iter().any(|_| true);
            if !unknown_is_name {
                words.drain(..first);
            }
        }
        let mut joined = words.join("_");
        let mut found = meaning(&joined);
        // `LOSS train 0.5 valid 0.75`: the second is a loss, too.
        if found.quantity.is_none() && found.side.is_some() && found.is_plain() {
            let before =
                self.values.last().map(|(name, _)| meaning(name)).filter(|before| before.side.is_some());
            let word = match before.and_then(|before| before.quantity) {
                Some(Quantity::Loss) => "_loss",
                Some(Quantity::Accuracy) => "_accuracy",
                _ => "",
            };
            joined.push_str(word);
            found = meaning(&joined);
        }
        let measured = matches!(found.quantity, Some(Quantity::Loss | Quantity::Accuracy));
        // What stands before the epoch is the logger's: `train.py:99]`.
        let begun = self.epoch.is_some()
            || self.progress.is_some()
            || self.seconds.is_some()
            || !self.values.is_empty();
        if !measured && !(separated && (begun || found.quantity.is_some())) {
            return;
        }
        if let Some(side) = found.side {
            *sides = Some(side);
        }
        if measured && found.side.is_none() && !self.keras {
            match self
                .side
                .filter(|_| self.values.is_empty())
                .or(*sides)
                .or(self.side)
                .or(self.heading.filter(|_| self.epoch.is_none()))
            {
                Some(Side::Train) => joined = format!("train_{joined}"),
                Some(Side::Validation) => joined = format!("val_{joined}"),
                Some(Side::Test) => joined = format!("test_{joined}"),
                None => {}
            }
        }
        self.keras |= after_dash
            && separated
            && (self.progress.is_some() || self.seconds.is_some())
            && self.epoch.is_none();
        let joined = if joined.chars().any(char::is_uppercase) { joined.to_lowercase() } else { joined };
        if !joined.is_empty() && !self.values.iter().any(|(name, _)| *name == joined) {
            self.values.push((joined, value));
        }
    }

    /// Whether it holds something that a training is judged by. Words such as `error` and `score` have other
    /// uses, too; they count where an epoch or a count stands beside them.
    pub(super) fn has_metric(&self) -> bool {
        let counted = self.is_counted();
        self.values.iter().map(|(name, _)| meaning(name)).any(|found| {
            matches!(found.quantity, Some(Quantity::Loss | Quantity::Accuracy))
                && (counted || !found.stand_in)
        })
    }

    /// Whether it says when in the training it was printed.
    pub(super) fn is_counted(&self) -> bool {
        self.keras || self.epoch.is_some() || self.progress.is_some()
    }
}
