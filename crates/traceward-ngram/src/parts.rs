//! A model in pieces: a JSON document and named arrays of `f32`, as one safetensors file holds them.
//!
//! A file comes from anywhere. Whatever is read back is checked here for its shape and for being numbers,
//! and by each model for what its own arithmetic relies on, so that a damaged file is an error and never a
//! panic or a score that means nothing.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::Value;
use traceward_run::tensors::Tensor;

/// Parts that are no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartsError {
    /// An array is not there.
    #[error("no array {0:?}")]
    Missing(String),
    /// An array has another shape than it must have.
    #[error("array {name:?} is {found:?}, and must be {expected}")]
    Shape {
        /// The array.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// What it must be, as text.
        expected: String,
    },
    /// An array holds what no such array may hold.
    #[error("array {name:?} holds {what}")]
    Values {
        /// The array.
        name: String,
        /// A phrase: what it holds.
        what: &'static str,
    },
    /// The document, or how parts fit together.
    #[error("{place}: {reason}")]
    Damaged {
        /// Which part of the model.
        place: String,
        /// A phrase: what is wrong.
        reason: String,
    },
}

/// Integers up to this are exact in `f32`.
pub const LARGEST_INTEGER: u32 = 1 << 24;

/// Collects the arrays of a model, each part's under its own prefix.
#[derive(Debug)]
pub struct Writer<'a> {
    prefix: String,
    tensors: &'a mut Vec<Tensor>,
}

impl<'a> Writer<'a> {
    /// A writer without prefix.
    pub fn new(tensors: &'a mut Vec<Tensor>) -> Self {
        Self { prefix: String::new(), tensors }
    }

    /// A writer for the part `name` of this part.
    pub fn part(&mut self, name: &str) -> Writer<'_> {
        Writer { prefix: format!("{}{name}.", self.prefix), tensors: self.tensors }
    }

    /// Adds an array.
    ///
    /// # Panics
    /// If it has not as many numbers as its shape says (debug builds).
    pub fn tensor(&mut self, name: &str, shape: &[usize], values: Vec<f32>) {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len(), "{name}");
        self.tensors.push((format!("{}{name}", self.prefix), shape.to_vec(), values));
    }

    /// Adds an array of integers, each at most [`LARGEST_INTEGER`].
    ///
    /// # Panics
    /// If one is larger (debug builds).
    pub fn integers(&mut self, name: &str, values: impl IntoIterator<Item = u32>) {
        let values: Vec<f32> = values
            .into_iter()
            .inspect(|v| debug_assert!(*v <= LARGEST_INTEGER, "{name}: {v}"))
            .map(|v| v as f32)
            .collect();
        self.tensor(name, &[values.len()], values);
    }

    /// Adds whole numbers of any size as bytes, small ones in few: seven bits a byte, the lowest first, all but
    /// the last byte of a number with the eighth bit set (LEB128); three bytes make one `f32`, which is exact.
    pub fn bytes(&mut self, name: &str, numbers: impl IntoIterator<Item = u32>) {
        let mut bytes = Vec::new();
        for mut number in numbers {
            while number >= 1 << 7 {
                bytes.push((number & 0x7f) as u8 | 0x80);
                number >>= 7;
            }
            bytes.push(number as u8);
        }
        // An unfinished number at the end is none.
        bytes.resize(bytes.len().next_multiple_of(3), 0x80);
        let values: Vec<f32> = bytes
            .as_chunks::<3>()
            .0
            .iter()
            .map(|&[a, b, c]| u32::from_le_bytes([a, b, c, 0]) as f32)
            .collect();
        self.tensor(name, &[values.len()], values);
    }
}

/// Finds the arrays of a model by name, each part's under its own prefix.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    prefix: String,
    tensors: std::sync::Arc<HashMap<&'a str, &'a Tensor>>,
}

impl<'a> Reader<'a> {
    /// A reader of these arrays, without prefix.
    pub fn new(tensors: &'a [Tensor]) -> Self {
        let tensors = tensors.iter().map(|t| (t.0.as_str(), t)).collect();
        Self { prefix: String::new(), tensors: std::sync::Arc::new(tensors) }
    }

    /// A reader of the part `name` of this part.
    #[must_use]
    pub fn part(&self, name: &str) -> Self {
        Self { prefix: format!("{}{name}.", self.prefix), tensors: self.tensors.clone() }
    }

    /// An error about this part.
    pub fn damaged(&self, reason: &str) -> PartsError {
        let place = self.prefix.trim_end_matches('.');
        let place = if place.is_empty() { "model" } else { place };
        PartsError::Damaged { place: place.to_owned(), reason: reason.to_owned() }
    }

    /// A part's document as what it must be.
    ///
    /// # Errors
    /// If it is not.
    pub fn document<T: DeserializeOwned>(&self, document: &Value) -> Result<T, PartsError> {
        T::deserialize(document).map_err(|error| self.damaged(&error.to_string()))
    }

    fn find(&self, name: &str) -> Result<(String, &'a Tensor), PartsError> {
        let name = format!("{}{name}", self.prefix);
        let Some(&tensor) = self.tensors.get(name.as_str()) else { return Err(PartsError::Missing(name)) };
        if tensor.1.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) != Some(tensor.2.len()) {
            let expected = format!("the shape of {} numbers", tensor.2.len());
            return Err(PartsError::Shape { name, found: tensor.1.clone(), expected });
        }
        if !tensor.2.iter().all(|v| v.is_finite()) {
            return Err(PartsError::Values { name, what: "what is no number" });
        }
        Ok((name, tensor))
    }

    /// The finite numbers of an array of one dimension, of this length if one is given.
    ///
    /// # Errors
    /// If it is missing or something else.
    pub fn vector(&self, name: &str, length: Option<usize>) -> Result<&'a [f32], PartsError> {
        let (name, (_, shape, values)) = self.find(name)?;
        if shape.len() != 1 || length.is_some_and(|n| shape[0] != n) {
            let expected = length.map_or("of one dimension".to_owned(), |n| format!("[{n}]"));
            return Err(PartsError::Shape { name, found: shape.clone(), expected });
        }
        Ok(values)
    }

    /// The finite numbers of an array of rows of `columns` numbers, of this many rows if that is given.
    ///
    /// # Errors
    /// If it is missing or something else.
    pub fn matrix(&self, name: &str, rows: Option<usize>, columns: usize) -> Result<&'a [f32], PartsError> {
        let (name, (_, shape, values)) = self.find(name)?;
        if shape.len() != 2 || shape[1] != columns || rows.is_some_and(|n| shape[0] != n) {
            let rows = rows.map_or("any".to_owned(), |n| n.to_string());
            let expected = format!("[{rows}, {columns}]");
            return Err(PartsError::Shape { name, found: shape.clone(), expected });
        }
        Ok(values)
    }

    /// The whole numbers of an array of one dimension, each less than `bound`.
    ///
    /// # Errors
    /// If it is missing or something else.
    pub fn integers(&self, name: &str, length: Option<usize>, bound: u32) -> Result<Vec<u32>, PartsError> {
        let values = self.vector(name, length)?;
        let whole = |&value: &f32| {
            let integer = value as u32;
            (integer as f32 == value && integer < bound && integer <= LARGEST_INTEGER).then_some(integer)
        };
        values.iter().map(whole).collect::<Option<Vec<u32>>>().ok_or_else(|| PartsError::Values {
            name: format!("{}{name}", self.prefix),
            what: "other numbers than the whole ones that it may hold",
        })
    }

    /// The whole numbers of an array that [`Writer::bytes`] made.
    ///
    /// # Errors
    /// If it is missing or something else.
    pub fn bytes(&self, name: &str) -> Result<Vec<u32>, PartsError> {
        let pieces = self.integers(name, None, LARGEST_INTEGER)?;
        let mut numbers = Vec::with_capacity(pieces.len());
        let (mut number, mut bits) = (0u32, 0);
        for byte in pieces.iter().flat_map(|piece| piece.to_le_bytes().into_iter().take(3)) {
            if bits > 28 || bits == 28 && byte & 0x7f > 0xf {
                return Err(self.damaged("a number larger than any"));
            }
            number |= u32::from(byte & 0x7f) << bits;
            bits += 7;
            if byte & 0x80 == 0 {
                numbers.push(number);
                (number, bits) = (0, 0);
            }
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_under_their_prefixes_and_checked() {
        let mut tensors = Vec::new();
        let mut writer = Writer::new(&mut tensors);
        writer.tensor("a", &[2, 1], vec![1.0, f32::NAN]);
        writer.part("member-0").integers("columns", [0, 7, LARGEST_INTEGER]);
        let reader = Reader::new(&tensors);
        assert!(matches!(reader.matrix("a", None, 1), Err(PartsError::Values { .. })));
        assert_eq!(reader.vector("columns", None), Err(PartsError::Missing("columns".into())));
        let part = reader.part("member-0");
        assert_eq!(part.integers("columns", Some(3), u32::MAX), Ok(vec![0, 7, LARGEST_INTEGER]));
        assert!(matches!(part.integers("columns", None, 7), Err(PartsError::Values { .. })));
        assert!(matches!(part.vector("columns", Some(2)), Err(PartsError::Shape { .. })));
        assert!(matches!(part.matrix("columns", None, 3), Err(PartsError::Shape { .. })));
        assert_eq!(part.damaged("torn").to_string(), "member-0: torn");
    }

    proptest::proptest! {
        #[test]
        fn numbers_come_back_from_their_bytes(numbers: Vec<u32>, small in proptest::collection::vec(0u32..300, 0..9)) {
            let all: Vec<u32> = numbers.into_iter().chain(small).collect();
            let mut tensors = Vec::new();
            Writer::new(&mut tensors).bytes("n", all.iter().copied());
            proptest::prop_assert_eq!(Reader::new(&tensors).bytes("n"), Ok(all));
        }

        #[test]
        fn any_bytes_are_numbers_or_an_error(pieces in proptest::collection::vec(0u32..1 << 24, 0..9)) {
            let tensors = [("n".to_owned(), vec![pieces.len()], pieces.iter().map(|&p| p as f32).collect())];
            let _ = Reader::new(&tensors).bytes("n");
        }
    }

    #[test]
    fn a_shape_that_its_numbers_do_not_fill_is_refused() {
        let tensors =
            [("a".to_owned(), vec![usize::MAX, 2], vec![1.0]), ("b".to_owned(), vec![3], vec![1.0])];
        let reader = Reader::new(&tensors);
        assert!(matches!(reader.matrix("a", None, 2), Err(PartsError::Shape { .. })));
        assert!(matches!(reader.vector("b", None), Err(PartsError::Shape { .. })));
    }
}
