//! A matrix that is mostly zeros, by rows: what n-gram counts are.

/// Rows of (column, value), compressed. Columns of a row are ascending, and no value is 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sparse {
    columns: usize,
    /// Where each row starts in `index` and `values`; one more than there are rows.
    starts: Vec<usize>,
    index: Vec<u32>,
    values: Vec<f32>,
}

impl Sparse {
    /// A matrix of this width without a row.
    pub fn new(columns: usize) -> Self {
        Self { columns, starts: vec![0], index: Vec::new(), values: Vec::new() }
    }

    /// Appends a row.
    ///
    /// # Panics
    /// If columns are not ascending or lie outside the matrix (debug builds).
    pub fn push(&mut self, row: impl IntoIterator<Item = (u32, f32)>) {
        let start = self.index.len();
        for (column, value) in row {
            debug_assert!((column as usize) < self.columns, "column {column} of {}", self.columns);
            debug_assert!(self.index[start..].last().is_none_or(|&last| last < column), "columns ascend");
            if value != 0.0 {
                self.index.push(column);
                self.values.push(value);
            }
        }
        self.starts.push(self.index.len());
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many values are not 0.
    pub fn stored(&self) -> usize {
        self.index.len()
    }

    /// The columns and values of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let span = self.starts[row]..self.starts[row + 1];
        (&self.index[span.clone()], &self.values[span])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_without_their_zeros() {
        let mut matrix = Sparse::new(4);
        matrix.push([(0, 1.0), (1, 0.0), (3, 2.0)]);
        matrix.push([]);
        assert_eq!((matrix.rows(), matrix.columns(), matrix.stored()), (2, 4, 2));
        assert_eq!(matrix.row(0), (&[0, 3][..], &[1.0, 2.0][..]));
        assert_eq!(matrix.row(1), (&[][..], &[][..]));
    }
}
