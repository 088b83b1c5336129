//! One tree, grown leaf by leaf: always the cut that gains most next, whatever its depth (LightGBM's way;
//! Shi, "Best-first decision tree learning", 2007).

use super::bins::Binned;
use super::histogram::{Cut, Derivatives, Histogram, Limits, Sums, best_cut};
use crate::trees::Node;

/// How far a tree grows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growth {
    pub(crate) limits: Limits,
    pub(crate) num_leaves: usize,
    pub(crate) max_depth: u32,
    pub(crate) learning_rate: f64,
}

/// A tree that was grown: nodes in preorder that name columns of the matrix, and of each its output and
/// what its cut gained.
#[derive(Debug, Default)]
pub(crate) struct Grown {
    pub(crate) nodes: Vec<Node>,
    pub(crate) values: Vec<f32>,
    pub(crate) gains: Vec<f32>,
}

/// Room that one tree after the other grows in.
#[derive(Debug, Default)]
pub(crate) struct Room {
    pub(crate) derivatives: Derivatives,
    /// Histograms that no leaf needs now.
    free: Vec<Histogram>,
}

/// A leaf that may yet be cut.
struct Leaf {
    /// Its place among the made nodes.
    node: usize,
    /// Its rows, as a span of the row order.
    rows: std::ops::Range<usize>,
    sums: Sums,
    depth: u32,
    histogram: Option<Histogram>,
    cut: Option<Cut>,
    /// The columns that can be cut here, as far as is known.
    columns: Vec<u32>,
}

/// A node as it was made, with its children by place.
struct Made {
    sums: Sums,
    split: Option<(Cut, usize, usize)>,
}

/// Grows trees of one shape on one matrix.
#[derive(Clone, Copy)]
pub(crate) struct Grower<'a> {
    pub(crate) binned: &'a Binned,
    /// Places in [`Binned::columns`] that may be asked.
    pub(crate) columns: &'a [u32],
    pub(crate) growth: Growth,
}

impl Grower<'_> {
    /// Grows a tree for the derivatives in `room` of `rows`; `None` if no cut gains anything.
    pub(crate) fn grow(&self, room: &mut Room, rows: &mut [u32]) -> Option<Grown> {
        let sums = room.derivatives.sum(rows);
        let mut root = Leaf {
            node: 0,
            rows: 0..rows.len(),
            sums,
            depth: 0,
            histogram: None,
            cut: None,
            columns: self.columns.to_vec(),
        };
        if self.can_be_cut(&root) {
            let mut histogram = room.free.pop().unwrap_or_default();
            histogram.fill(self.binned, self.columns, &room.derivatives, rows);
            root.histogram = Some(histogram);
            self.look(room, &mut root);
        }
        let mut made = vec![Made { sums, split: None }];
        let mut leaves = vec![root];
        while leaves.len() < self.growth.num_leaves {
            let Some((chosen, cut)) = most_gain(&leaves) else { break };
            let last = leaves.len() + 1 == self.growth.num_leaves;
            let parent = &mut leaves[chosen];
            let middle = partition(&mut rows[parent.rows.clone()], |row| cut.is_left(self.binned, row));
            let split = parent.rows.start + middle;
            let child = |rows: std::ops::Range<usize>, node: usize, order: &[u32]| {
                let sums = room.derivatives.sum(&order[rows.clone()]);
                Leaf {
                    node,
                    rows,
                    sums,
                    depth: parent.depth + 1,
                    histogram: None,
                    cut: None,
                    columns: Vec::new(),
                }
            };
            let mut left = child(parent.rows.start..split, made.len(), rows);
            let mut right = child(split..parent.rows.end, made.len() + 1, rows);
            made[parent.node].split = Some((cut, left.node, right.node));
            made.extend([&left, &right].map(|leaf| Made { sums: leaf.sums, split: None }));
            if let Some(histogram) = parent.histogram.take() {
                if last {
                    room.free.push(histogram);
                } else {
                    let columns = std::mem::take(&mut parent.columns);
                    self.share(room, (histogram, columns), (&mut left, &mut right), rows);
                }
            }
            leaves[chosen] = left;
            leaves.push(right);
        }
        room.free.extend(leaves.into_iter().filter_map(|leaf| leaf.histogram));
        (made.len() > 1).then(|| self.flatten(room, &made))
    }

    fn can_be_cut(&self, leaf: &Leaf) -> bool {
        leaf.depth < self.growth.max_depth && leaf.rows.len() as f64 >= 2.0 * self.growth.limits.min_rows
    }

    /// Gives two children their histograms: the smaller is summed up, the larger is the parent less that.
    fn share(
        &self,
        room: &mut Room,
        (parent, columns): (Histogram, Vec<u32>),
        (left, right): (&mut Leaf, &mut Leaf),
        rows: &[u32],
    ) {
        let (small, large) = if left.rows.len() <= right.rows.len() { (left, right) } else { (right, left) };
        if !self.can_be_cut(large) {
            room.free.push(parent);
            return;
        }
        let mut of_small = room.free.pop().unwrap_or_default();
        of_small.fill(self.binned, &columns, &room.derivatives, &rows[small.rows.clone()]);
        let mut of_large = parent;
        of_large.take_away(self.binned, &columns, &of_small);
        small.columns.clone_from(&columns);
        large.columns = columns;
        large.histogram = Some(of_large);
        self.look(room, large);
        small.histogram = Some(of_small);
        if self.can_be_cut(small) {
            self.look(room, small);
        } else {
            room.free.extend(small.histogram.take());
        }
    }

    /// Looks for a leaf's best cut; without one it needs no histogram.
    fn look(&self, room: &mut Room, leaf: &mut Leaf) {
        let Some(histogram) = &leaf.histogram else { return };
        let (limits, of_leaf) = (self.growth.limits, (leaf.sums, leaf.rows.len()));
        (leaf.cut, leaf.columns) =
            best_cut(self.binned, &leaf.columns, histogram, &room.derivatives, of_leaf, limits);
        if leaf.cut.is_none() {
            room.free.extend(leaf.histogram.take());
        }
    }

    /// The made nodes in preorder.
    fn flatten(&self, room: &Room, made: &[Made]) -> Grown {
        let mut grown = Grown::default();
        // A right child is told how far it stands from its parent once it gets its place.
        let mut waiting = vec![(0, None)];
        while let Some((place, parent)) = waiting.pop() {
            let at = grown.nodes.len();
            if let Some(parent) = parent {
                let parent: usize = parent;
                grown.nodes[parent].right = (at - parent) as u32;
            }
            let Made { sums, split } = &made[place];
            grown.values.push(self.output(&room.derivatives, *sums) as f32);
            match split {
                None => {
                    grown.nodes.push(Node::leaf(0));
                    grown.gains.push(0.0);
                }
                Some((cut, left, right)) => {
                    let column = &self.binned.columns[cut.column as usize];
                    let threshold = self.binned.cuts[cut.bin as usize];
                    grown.nodes.push(Node { slot: column.column, threshold, right: 0 });
                    grown.gains.push(cut.gain as f32);
                    waiting.push((*right, Some(at)));
                    waiting.push((*left, None));
                }
            }
        }
        grown
    }

    /// What a leaf adds to the scores of its rows: a Newton step, shortened.
    fn output(&self, derivatives: &Derivatives, sums: Sums) -> f64 {
        let curvature = derivatives.hessian(sums) + self.growth.limits.lambda;
        if curvature <= 0.0 {
            return 0.0;
        }
        -derivatives.gradient(sums) / curvature * self.growth.learning_rate
    }
}

/// The leaf whose cut gains most, the first of equals.
fn most_gain(leaves: &[Leaf]) -> Option<(usize, Cut)> {
    let mut best: Option<(usize, Cut)> = None;
    for (place, leaf) in leaves.iter().enumerate() {
        if let Some(cut) = leaf.cut
            && best.is_none_or(|(_, known)| cut.gain > known.gain)
        {
            best = Some((place, cut));
        }
    }
    best
}

/// Puts the rows that go left first, both sides in the order that they had; how many go left.
fn partition(rows: &mut [u32], is_left: impl Fn(u32) -> bool) -> usize {
    let (left, right): (Vec<u32>, Vec<u32>) = rows.iter().partition(|&&row| is_left(row));
    rows[..left.len()].copy_from_slice(&left);
    rows[left.len()..].copy_from_slice(&right);
    left.len()
}
