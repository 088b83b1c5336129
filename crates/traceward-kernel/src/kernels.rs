//! The inner loops: everything that touches each row of a batch, written once over
//! [`Simd`](crate::simd::Simd).
//!
//! Each file holds one operation: a struct of slices whose `run` first checks every length it relies on, then
//! works on pointers. The callers in `train` and `infer` are ordinary safe code that decides in what order to
//! call them.
//!
//! **A row's arithmetic depends on that row alone.** Sums over the inner dimension start from the bias or
//! from zero and go up one product at a time, whatever number of rows shares a register tile, so a trace's
//! output has the same bits in any batch.

mod backward;
mod cell;
mod forward;
mod gradient;
mod product;
mod tile;

pub(crate) use backward::{BackwardStep, Scatter};
pub(crate) use forward::{ForwardStep, Projected, State, TapeRows};
pub(crate) use gradient::{ColumnSums, OuterProducts};
pub(crate) use product::{PanelProduct, Projection};
