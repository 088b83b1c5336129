//! Binary decision trees as flat arrays: what boosting and forests walk down, and what is saved of them.
//!
//! A tree's nodes stand in preorder, so that the left child is the next node and only the right one is
//! written down. Children stand after their parent: a walk ends whatever the file said, as long as no
//! child lies outside its tree, and that is checked when a tree is read.

use crate::Sparse;
use crate::parts::{LARGEST_INTEGER, PartsError, Reader, Writer};

/// Why no trees could be learnt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TreesError {
    /// There is nothing to learn from, or more than a tree can name.
    #[error("{rows} rows of {columns} columns: trees learn from 1 to 16,777,215 of each")]
    Size {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// Labels or weights do not fit the matrix.
    #[error("{found} {what} for {rows} rows")]
    Length {
        /// `labels` or `weights`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        rows: usize,
    },
    /// A row has a class that there is not.
    #[error("row {row} has class {label} of {classes}")]
    Label {
        /// The row.
        row: usize,
        /// Its class.
        label: u16,
        /// How many classes there are.
        classes: usize,
    },
    /// A value that cannot be compared, or a weight that cannot be added.
    #[error("row {row} has a value or weight that is no finite number, or a weight below 0")]
    Value {
        /// The row.
        row: usize,
    },
    /// The configuration makes no sense.
    #[error("{0}")]
    Config(&'static str),
}

/// Whether trees can be learnt from this.
pub(crate) fn check(
    matrix: &Sparse,
    labels: &[u16],
    classes: usize,
    weights: Option<&[f32]>,
) -> Result<(), TreesError> {
    let (rows, columns) = (matrix.rows(), matrix.columns());
    let most = LARGEST_INTEGER as usize;
    if !(1..most).contains(&rows) || !(1..most).contains(&columns) {
        return Err(TreesError::Size { rows, columns });
    }
    for (what, found) in [("labels", labels.len()), ("weights", weights.map_or(rows, <[f32]>::len))] {
        if found != rows {
            return Err(TreesError::Length { what, found, rows });
        }
    }
    if let Some(row) = labels.iter().position(|&label| usize::from(label) >= classes) {
        return Err(TreesError::Label { row, label: labels[row], classes });
    }
    let countable = |row: &usize| {
        let weight = weights.map_or(1.0, |weights| weights[*row]);
        weight >= 0.0 && weight.is_finite() && matrix.row(*row).1.iter().all(|value| value.is_finite())
    };
    match (0..rows).find(|row| !countable(row)) {
        Some(row) => Err(TreesError::Value { row }),
        None if weights.is_some_and(|weights| weights.iter().all(|&w| w == 0.0)) => {
            Err(TreesError::Value { row: 0 })
        }
        None => Ok(()),
    }
}

/// How much each row counts: `weights`, times rows / (classes with rows × rows of the class) if `balanced`.
pub(crate) fn weights(labels: &[u16], classes: usize, weights: Option<&[f32]>, balanced: bool) -> Vec<f64> {
    let mut counts = vec![0usize; classes];
    labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
    let present = counts.iter().filter(|&&count| count > 0).count();
    let of_class = |label: u16| match counts[usize::from(label)] {
        count if balanced => labels.len() as f64 / (present * count) as f64,
        _ => 1.0,
    };
    let own = |row: usize| weights.map_or(1.0, |weights| f64::from(weights[row]));
    labels.iter().enumerate().map(|(row, &label)| own(row) * of_class(label)).collect()
}

/// What each column adds to a score: with the bias they add up to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributions {
    /// The score before any column was asked.
    pub bias: f32,
    /// Columns that add something, ascending, and what they add.
    pub columns: Vec<(u32, f32)>,
}

impl Contributions {
    pub(crate) fn new(bias: f32, columns: &[u32], by_slot: &[f32]) -> Self {
        let added = columns.iter().copied().zip(by_slot.iter().copied());
        Self { bias, columns: added.filter(|&(_, added)| added != 0.0).collect() }
    }
}

/// A node: where to go from here, or, where `right` is 0, a leaf.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Node {
    /// The slot that is asked (see [`Trees::columns`]). In a leaf: what the owner of the tree keeps there.
    pub(crate) slot: u32,
    /// Values up to this go left.
    pub(crate) threshold: f32,
    /// How many nodes further the right child is; 0 in a leaf.
    pub(crate) right: u32,
}

impl Node {
    /// A leaf that refers to entry `slot` of its owner.
    pub(crate) fn leaf(slot: u32) -> Self {
        Self { slot, threshold: 0.0, right: 0 }
    }

    /// Whether it is a leaf.
    pub(crate) fn is_leaf(self) -> bool {
        self.right == 0
    }
}

/// Trees, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trees {
    /// The columns that the trees ask, ascending: slot -> column.
    columns: Vec<u32>,
    /// Column -> slot, or [`NO_SLOT`].
    slots: Vec<u32>,
    /// Where each tree starts; one more than there are trees.
    starts: Vec<u32>,
    nodes: Vec<Node>,
}

/// What [`Trees::slots`] has for a column that no tree asks.
const NO_SLOT: u32 = u32::MAX;

/// No model has more nodes.
const MOST_NODES: usize = 1 << 28;

impl Trees {
    /// Trees over a matrix of `columns` columns; their nodes name columns where they are to name slots.
    pub(crate) fn new(columns: usize, trees: impl IntoIterator<Item = Vec<Node>>) -> Self {
        let mut made = Self { columns: Vec::new(), slots: Vec::new(), starts: vec![0], nodes: Vec::new() };
        for tree in trees {
            made.nodes.extend(tree);
            made.starts.push(made.nodes.len() as u32);
        }
        made.find_slots(columns);
        made
    }

    /// From nodes that name columns to nodes that name slots.
    fn find_slots(&mut self, columns: usize) {
        self.slots = vec![NO_SLOT; columns];
        for node in self.nodes.iter().filter(|node| !node.is_leaf()) {
            self.slots[node.slot as usize] = 0;
        }
        self.columns = (0..columns as u32).filter(|&c| self.slots[c as usize] == 0).collect();
        for (slot, &column) in self.columns.iter().enumerate() {
            self.slots[column as usize] = slot as u32;
        }
        for node in self.nodes.iter_mut().filter(|node| !node.is_leaf()) {
            node.slot = self.slots[node.slot as usize];
        }
    }

    /// The same trees over a matrix that has only the columns that they ask.
    pub(crate) fn narrowed(mut self) -> Self {
        self.columns = (0..self.columns.len() as u32).collect();
        self.slots.clone_from(&self.columns);
        self
    }

    /// How many trees there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many nodes there are in all.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The columns that are asked, ascending; a node's slot is a place in it.
    pub(crate) fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// The nodes of a tree.
    pub(crate) fn tree(&self, tree: usize) -> &[Node] {
        &self.nodes[self.span(tree)]
    }

    /// Where the nodes of a tree stand among all.
    pub(crate) fn span(&self, tree: usize) -> std::ops::Range<usize> {
        self.starts[tree] as usize..self.starts[tree + 1] as usize
    }

    /// A row's values by slot.
    pub(crate) fn gather(&self, columns: &[u32], values: &[f32]) -> Vec<f32> {
        let mut gathered = vec![0.0; self.columns.len()];
        for (&column, &value) in columns.iter().zip(values) {
            let slot = self.slots.get(column as usize).copied().unwrap_or(NO_SLOT);
            if slot != NO_SLOT {
                gathered[slot as usize] = value;
            }
        }
        gathered
    }

    /// The nodes of a tree from its root to the leaf of a row, as places among all nodes.
    pub(crate) fn path<'a>(&'a self, tree: usize, gathered: &'a [f32]) -> impl Iterator<Item = usize> + 'a {
        let mut next = Some(self.starts[tree] as usize);
        std::iter::from_fn(move || {
            let at = next?;
            let node = self.nodes[at];
            next = (!node.is_leaf()).then(|| at + step(node, gathered));
            Some(at)
        })
    }

    /// The node at a place among all nodes.
    pub(crate) fn node(&self, at: usize) -> Node {
        self.nodes[at]
    }

    /// The place of a row's leaf among all nodes.
    pub(crate) fn leaf(&self, tree: usize, gathered: &[f32]) -> usize {
        let mut at = self.starts[tree] as usize;
        loop {
            let node = self.nodes[at];
            if node.is_leaf() {
                return at;
            }
            at += step(node, gathered);
        }
    }

    /// Writes `sizes` (nodes of each tree), `columns` (of each node; of a leaf its owner's entry),
    /// `thresholds` and `rights`.
    pub(crate) fn write(&self, into: &mut Writer<'_>) {
        into.integers("sizes", self.starts.windows(2).map(|pair| pair[1] - pair[0]));
        let column = |node: &Node| if node.is_leaf() { node.slot } else { self.columns[node.slot as usize] };
        into.integers("columns", self.nodes.iter().map(column));
        into.integers("rights", self.nodes.iter().map(|node| node.right));
        let thresholds: Vec<f32> = self.nodes.iter().map(|node| node.threshold).collect();
        into.tensor("thresholds", &[thresholds.len()], thresholds);
    }

    /// Back from [`Trees::write`], for rows of `columns` columns and leaves that refer to less than
    /// `entries` entries.
    pub(crate) fn read(from: &Reader<'_>, columns: usize, entries: u32) -> Result<Self, PartsError> {
        let sizes = from.integers("sizes", None, LARGEST_INTEGER)?;
        let total: usize = sizes.iter().map(|&size| size as usize).sum();
        if total > MOST_NODES || sizes.contains(&0) {
            return Err(from.damaged("a tree without nodes, or too many"));
        }
        let asked = from.integers("columns", Some(total), u32::MAX)?;
        let rights = from.integers("rights", Some(total), LARGEST_INTEGER)?;
        let thresholds = from.vector("thresholds", Some(total))?;
        let mut trees = Vec::with_capacity(sizes.len());
        let mut at = 0;
        for size in sizes {
            let span = at..at + size as usize;
            at = span.end;
            let tree: Vec<Node> =
                span.map(|i| Node { slot: asked[i], threshold: thresholds[i], right: rights[i] }).collect();
            if !sound(&tree, columns, entries) {
                return Err(from.damaged("a tree that refers to what is not there"));
            }
            trees.push(tree);
        }
        Ok(Self::new(columns, trees))
    }
}

/// How far the next node is.
#[inline]
fn step(node: Node, gathered: &[f32]) -> usize {
    if gathered[node.slot as usize] <= node.threshold { 1 } else { node.right as usize }
}

/// Whether every node's children are in the tree and every leaf's entry and node's column exist, and the
/// tree is one in preorder: the left subtree ends where the right one begins.
fn sound(tree: &[Node], columns: usize, entries: u32) -> bool {
    let mut ends = vec![0; tree.len()];
    for at in (0..tree.len()).rev() {
        let node = tree[at];
        ends[at] = if node.is_leaf() {
            if node.slot >= entries {
                return false;
            }
            at + 1
        } else {
            let right = at + node.right as usize;
            if node.slot as usize >= columns || right >= tree.len() || ends[at + 1] != right {
                return false;
            }
            ends[right]
        };
    }
    ends.first() == Some(&tree.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use traceward_run::tensors::Tensor;

    /// Column 4 up to 1.5, then column 2 up to 0.5.
    fn small() -> Trees {
        let split = |slot, threshold, right| Node { slot, threshold, right };
        let tree = vec![split(4, 1.5, 4), split(2, 0.5, 2), Node::leaf(0), Node::leaf(1), Node::leaf(2)];
        Trees::new(6, [vec![Node::leaf(3)], tree])
    }

    fn written(trees: &Trees) -> Vec<Tensor> {
        let mut tensors = Vec::new();
        trees.write(&mut Writer::new(&mut tensors));
        tensors
    }

    #[test]
    fn rows_go_left_up_to_the_threshold() {
        let trees = small();
        let entry = |columns: &[u32], values: &[f32]| {
            let gathered = trees.gather(columns, values);
            let at = trees.leaf(1, &gathered);
            assert_eq!(trees.path(1, &gathered).last(), Some(at));
            trees.node(at).slot
        };
        assert_eq!(trees.columns(), [2, 4]);
        assert_eq!(entry(&[], &[]), 0);
        assert_eq!(entry(&[2, 4], &[1.0, 1.5]), 1);
        assert_eq!(entry(&[2, 4, 5], &[1.0, 1.75, 1.0]), 2);
        assert_eq!(trees.node(trees.leaf(0, &trees.gather(&[], &[]))).slot, 3);
        assert_eq!(trees.path(1, &trees.gather(&[], &[])).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn what_is_written_comes_back() {
        let tensors = written(&small());
        assert_eq!(Trees::read(&Reader::new(&tensors), 6, 4), Ok(small()));
    }

    #[test]
    fn trees_that_refer_to_what_is_not_there_are_refused() {
        let tensors = written(&small());
        for (columns, entries) in [(4, 4), (6, 3)] {
            assert!(Trees::read(&Reader::new(&tensors), columns, entries).is_err());
        }
        for (array, place, value) in [
            ("rights", 1, 1.0),
            ("rights", 1, 3.0),
            ("rights", 1, 5.0),
            ("rights", 2, 1.0),
            ("rights", 3, 1.0),
            ("sizes", 0, 0.0),
            ("sizes", 1, 4.0),
            ("columns", 1, 6.0),
            ("thresholds", 1, f32::NAN),
        ] {
            let mut damaged = tensors.clone();
            damaged.iter_mut().find(|t| t.0 == array).unwrap().2[place] = value;
            assert!(Trees::read(&Reader::new(&damaged), 6, 4).is_err(), "{array}[{place}] = {value}");
        }
    }
}
