//! One extremely randomised tree.

use std::ops::Range;

use traceward_trace::rng::Rng;

use crate::Sparse;
use crate::trees::Node;

/// A sparse matrix by columns: which rows have which values.
#[derive(Debug)]
pub(super) struct ByColumn {
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl ByColumn {
    pub(super) fn new(matrix: &Sparse) -> Self {
        let mut starts = vec![0; matrix.columns() + 1];
        let rows = || (0..matrix.rows()).map(|row| (row as u32, matrix.row(row)));
        for (_, (columns, _)) in rows() {
            columns.iter().for_each(|&column| starts[column as usize + 1] += 1);
        }
        for column in 0..matrix.columns() {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0.0); matrix.stored()];
        for (row, (columns, values)) in rows() {
            for (&column, &value) in columns.iter().zip(values) {
                entries[next[column as usize]] = (row, value);
                next[column as usize] += 1;
            }
        }
        Self { starts, entries }
    }

    /// The rows of a column that are not zero, ascending, and their values.
    fn column(&self, column: u32) -> &[(u32, f32)] {
        &self.entries[self.starts[column as usize]..self.starts[column as usize + 1]]
    }
}

/// Grows trees on one matrix.
pub(super) struct Grower<'a> {
    pub(super) matrix: &'a Sparse,
    pub(super) by_column: &'a ByColumn,
    pub(super) labels: &'a [u16],
    pub(super) classes: usize,
    pub(super) weights: &'a [f64],
    /// Columns that are drawn for a cut.
    pub(super) drawn: u32,
    pub(super) min_leaf: usize,
}

/// A cut that was tried.
#[derive(Clone, Copy)]
struct Cut {
    column: u32,
    threshold: f32,
    purity: f64,
}

/// What a tree grows in.
struct Plot {
    /// Every row that counts, once; a node's rows are a span of it.
    order: Vec<u32>,
    /// Where each row stands in `order`.
    place: Vec<u32>,
    /// Every column once, in an order that drawing changes.
    columns: Vec<u32>,
    /// The values that a node's rows have in the column that is looked at.
    found: Vec<(u32, f32)>,
    /// Room for the class weights on one side of a cut.
    side: Vec<f64>,
}

impl Grower<'_> {
    /// A tree in preorder; its nodes name columns of the matrix, its leaves rows of the class shares that
    /// come with it.
    pub(super) fn grow(&self, rng: &mut Rng) -> (Vec<Node>, Vec<f32>) {
        let order: Vec<u32> =
            (0..self.matrix.rows() as u32).filter(|&row| self.weights[row as usize] > 0.0).collect();
        let rows = order.len();
        let mut place = vec![u32::MAX; self.matrix.rows()];
        order.iter().enumerate().for_each(|(at, &row)| place[row as usize] = at as u32);
        let mut plot = Plot {
            order,
            place,
            columns: (0..self.matrix.columns() as u32).collect(),
            found: Vec::new(),
            side: vec![0.0; self.classes],
        };
        let (mut nodes, mut shares): (Vec<Node>, Vec<f32>) = (Vec::new(), Vec::new());
        let mut waiting: Vec<(Range<usize>, Option<usize>)> = vec![(0..rows, None)];
        while let Some((span, parent)) = waiting.pop() {
            let at = nodes.len();
            if let Some(parent) = parent {
                nodes[parent].right = (at - parent) as u32;
            }
            let weights = self.class_weights(&plot.order[span.clone()]);
            let pure = weights.iter().filter(|&&weight| weight > 0.0).count() < 2;
            let cut = if pure || span.len() < 2 * self.min_leaf {
                None
            } else {
                self.choose(&mut plot, span.clone(), &weights, rng)
            };
            if let Some(cut) = cut {
                let middle = self.part(&mut plot, span.clone(), cut);
                nodes.push(Node { slot: cut.column, threshold: cut.threshold, right: 0 });
                waiting.push((middle..span.end, Some(at)));
                waiting.push((span.start..middle, None));
            } else {
                let total: f64 = weights.iter().sum();
                let entry = (shares.len() / self.classes) as u32;
                nodes.push(Node { threshold: (total as f32).max(f32::MIN_POSITIVE), ..Node::leaf(entry) });
                shares.extend(weights.iter().map(|weight| (weight / total) as f32));
            }
        }
        (nodes, shares)
    }

    fn class_weights(&self, rows: &[u32]) -> Vec<f64> {
        let mut weights = vec![0.0; self.classes];
        for &row in rows {
            weights[usize::from(self.labels[row as usize])] += self.weights[row as usize];
        }
        weights
    }

    /// The best of the cuts that are drawn for a node; `None` if no column varies among its rows.
    fn choose(&self, plot: &mut Plot, span: Range<usize>, whole: &[f64], rng: &mut Rng) -> Option<Cut> {
        let mut best: Option<Cut> = None;
        let mut varied = false;
        for drawn in 0..plot.columns.len().min(self.drawn as usize) {
            let other = drawn + rng.below((plot.columns.len() - drawn) as u64) as usize;
            plot.columns.swap(drawn, other);
            let column = plot.columns[drawn];
            self.find(plot, column, &span);
            let Some(threshold) = place(&plot.found, span.len(), rng) else { continue };
            varied = true;
            if let Some(purity) = self.purity(plot, span.len(), whole, threshold)
                && best.is_none_or(|known| purity > known.purity)
            {
                best = Some(Cut { column, threshold, purity });
            }
        }
        if varied {
            return best;
        }
        // Drawing goes on until a column varies: of those that do, each is as likely to come first.
        let varying = self.varying(&plot.order[span.clone()]);
        if varying.is_empty() {
            return None;
        }
        let column = varying[rng.below(varying.len() as u64) as usize];
        self.find(plot, column, &span);
        let threshold = place(&plot.found, span.len(), rng)?;
        let purity = self.purity(plot, span.len(), whole, threshold)?;
        Some(Cut { column, threshold, purity })
    }

    /// Finds the values that are not zero of a node's rows in a column.
    fn find(&self, plot: &mut Plot, column: u32, span: &Range<usize>) {
        let entries = self.by_column.column(column);
        plot.found.clear();
        let one_search = entries.len().checked_ilog2().unwrap_or(0) as usize + 1;
        if span.len() * one_search < entries.len() {
            for &row in &plot.order[span.clone()] {
                if let Ok(at) = entries.binary_search_by_key(&row, |entry| entry.0) {
                    plot.found.push(entries[at]);
                }
            }
        } else {
            let within = |entry: &&(u32, f32)| span.contains(&(plot.place[entry.0 as usize] as usize));
            plot.found.extend(entries.iter().filter(within));
        }
    }

    /// How pure the two sides of a cut are: the sum of squared class weights over the weight of each.
    /// `None` if a side has too few rows.
    fn purity(&self, plot: &mut Plot, rows: usize, whole: &[f64], threshold: f32) -> Option<f64> {
        // Zeros stand on one side together; the other has only values that were found.
        let zeros_left = threshold >= 0.0;
        plot.side.fill(0.0);
        let mut count = 0;
        for &(row, value) in &plot.found {
            if (value <= threshold) != zeros_left {
                plot.side[usize::from(self.labels[row as usize])] += self.weights[row as usize];
                count += 1;
            }
        }
        if count.min(rows - count) < self.min_leaf {
            return None;
        }
        let (mut one, mut other) = ((0.0, 0.0), (0.0, 0.0));
        for (&side, &whole) in plot.side.iter().zip(whole) {
            let rest = whole - side;
            one = (one.0 + side, one.1 + side * side);
            other = (other.0 + rest, other.1 + rest * rest);
        }
        let over = |(total, squares): (f64, f64)| if total > 0.0 { squares / total } else { 0.0 };
        Some(over(one) + over(other))
    }

    /// The columns that vary among some rows, ascending.
    fn varying(&self, rows: &[u32]) -> Vec<u32> {
        let mut entries: Vec<(u32, f32)> = Vec::new();
        for &row in rows {
            let (columns, values) = self.matrix.row(row as usize);
            entries.extend(columns.iter().copied().zip(values.iter().copied()));
        }
        entries.sort_unstable_by_key(|entry| entry.0);
        let varies = |of: &&[(u32, f32)]| of.len() < rows.len() || of.iter().any(|entry| entry.1 != of[0].1);
        entries.chunk_by(|a, b| a.0 == b.0).filter(varies).map(|of| of[0].0).collect()
    }

    /// Puts a node's rows that go left first; where the right ones begin.
    fn part(&self, plot: &mut Plot, span: Range<usize>, cut: Cut) -> usize {
        self.find(plot, cut.column, &span);
        let Plot { order, place, found, .. } = plot;
        found.sort_unstable_by_key(|entry| entry.0);
        let value =
            |row: u32| found.binary_search_by_key(&row, |entry| entry.0).map_or(0.0, |at| found[at].1);
        let (left, right): (Vec<u32>, Vec<u32>) =
            order[span.clone()].iter().partition(|&&row| value(row) <= cut.threshold);
        let middle = span.start + left.len();
        for (at, row) in span.zip(left.into_iter().chain(right)) {
            order[at] = row;
            place[row as usize] = at as u32;
        }
        middle
    }
}

/// A random place between the least and the greatest value of a node's `rows` rows, of which those `found`
/// are not zero; `None` if all are the same.
fn place(found: &[(u32, f32)], rows: usize, rng: &mut Rng) -> Option<f32> {
    let start = if found.len() < rows { (0.0, 0.0) } else { (f32::INFINITY, f32::NEG_INFINITY) };
    let (least, greatest) =
        found.iter().fold(start, |(least, greatest), &(_, value)| (least.min(value), greatest.max(value)));
    if least >= greatest {
        return None;
    }
    let (low, high) = (f64::from(least), f64::from(greatest));
    let drawn = (low + rng.uniform() * (high - low)) as f32;
    Some(if drawn < greatest { drawn.max(least) } else { least })
}
