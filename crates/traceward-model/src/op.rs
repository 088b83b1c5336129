//! The one door between burn and code that works on slices.
//!
//! A [`SliceOp`] maps a few row-major `f32` matrices to one, and maps the gradient of its output back to
//! its inputs. burn sees it as an ordinary differentiable operation: a backend extension registers the
//! node in the autodiff graph, hands the slices over and takes the gradients back. Everything that burn
//! lacks (the fused recurrent kernel, ragged windows and pooling) or would compute differently from
//! batch to batch (masks, elementwise functions whose SIMD tail rounds differently) goes through here;
//! matrix products, sums and the graph itself are burn's.
//!
//! burn's macro knows fixed numbers of tensors only, so there is one entry a number of inputs: 1, 2
//! (attention), 3 (normalisation), 4 (a recurrent layer) and 7 (both directions).

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Tensor, TensorData};

/// What an operation keeps from its forward for its backward pass.
pub(crate) type Kept = Box<dyn Any + Send>;

/// An operation on row-major `f32` matrices, with its derivative.
pub(crate) trait SliceOp: fmt::Debug + Send + Sync {
    /// Rows and columns of the output.
    fn shape(&self) -> [usize; 2];

    /// Fills `out` (all zeros, of [`SliceOp::shape`]) from `inputs`. With `keep`, returns what
    /// [`SliceOp::backward`] needs beside the inputs themselves.
    fn forward(&self, inputs: &[&[f32]], out: &mut [f32], keep: bool) -> Option<Kept>;

    /// The gradient of every input, given that of the output. An input whose `wanted` is false may be
    /// left out.
    fn backward(
        &self,
        inputs: &[&[f32]],
        kept: Option<Kept>,
        d_out: &[f32],
        wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>>;
}

/// The operation as burn's dispatch passes it on.
pub(crate) type SharedOp = Arc<dyn SliceOp>;

#[backend_extension(Flex, Autodiff)]
pub(crate) trait SliceOps: Backend {
    fn slice_op_1(op: SharedOp, a: FloatTensor<Self>) -> FloatTensor<Self>;
    fn slice_op_2(op: SharedOp, a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
    fn slice_op_3(
        op: SharedOp,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    fn slice_op_4(
        op: SharedOp,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    // Not `expect`: the attribute macro writes the signature more than once, and only one copy is linted.
    #[allow(clippy::too_many_arguments, reason = "burn's macro knows no lists of tensors")]
    fn slice_op_7(
        op: SharedOp,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        g: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// Applies an operation of one input.
pub(crate) fn apply_1(op: impl SliceOp + 'static, a: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::slice_op_1(Arc::new(op), a.into_dispatch()))
}

/// Applies an operation of two inputs.
pub(crate) fn apply_2(op: impl SliceOp + 'static, [a, b]: [Tensor<2>; 2]) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::slice_op_2(Arc::new(op), a.into_dispatch(), b.into_dispatch()))
}

/// Applies an operation of three inputs.
pub(crate) fn apply_3(op: impl SliceOp + 'static, [a, b, c]: [Tensor<2>; 3]) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::slice_op_3(
        Arc::new(op),
        a.into_dispatch(),
        b.into_dispatch(),
        c.into_dispatch(),
    ))
}

/// Applies an operation of four inputs.
pub(crate) fn apply_4(op: impl SliceOp + 'static, [a, b, c, d]: [Tensor<2>; 4]) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::slice_op_4(
        Arc::new(op),
        a.into_dispatch(),
        b.into_dispatch(),
        c.into_dispatch(),
        d.into_dispatch(),
    ))
}

/// Applies an operation of seven inputs.
pub(crate) fn apply_7(op: impl SliceOp + 'static, inputs: [Tensor<2>; 7]) -> Tensor<2> {
    let [a, b, c, d, e, f, g] = inputs.map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::slice_op_7(Arc::new(op), a, b, c, d, e, f, g))
}

/// The numbers of a tensor, row by row.
pub(crate) fn numbers(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("all tensors of this crate are f32")
}

/// Row-major values of a tensor of ours: always `f32`, made contiguous before.
fn slice(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice::<f32>().expect("tensors of this crate are f32, and contiguous once they come here")
}

fn tensor(values: Vec<f32>, shape: [usize; 2]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

fn run<const N: usize>(op: &dyn SliceOp, inputs: &[FlexTensor; N], keep: bool) -> (FlexTensor, Option<Kept>) {
    let shape = op.shape();
    let mut out = vec![0.0; shape[0] * shape[1]];
    let kept = op.forward(&inputs.each_ref().map(slice), &mut out, keep);
    (tensor(out, shape), kept)
}

/// What burn keeps of an operation between the passes. burn wants it to be `Clone`; the kept value moves
/// out of the shared cell when the backward pass, which runs once, asks for it.
#[derive(Clone)]
struct Saved<const N: usize> {
    op: SharedOp,
    inputs: [FlexTensor; N],
    kept: Arc<Mutex<Option<Kept>>>,
}

impl<const N: usize> fmt::Debug for Saved<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saved").field("op", &self.op).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct SliceBackward;

impl<const N: usize> Backward<Flex, N> for SliceBackward {
    type State = Saved<N>;

    fn backward(self, ops: Ops<Saved<N>, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d_out = grads.consume::<Flex>(&ops.node).to_contiguous();
        let Saved { op, inputs, kept } = ops.state;
        let kept = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let gradients = op.backward(&inputs.each_ref().map(slice), kept, slice(&d_out), &wanted);
        for ((parent, gradient), input) in ops.parents.into_iter().zip(gradients).zip(&inputs) {
            if let (Some(node), Some(values)) = (parent, gradient) {
                grads.register::<Flex>(node.id, tensor(values, input.layout().shape().dims()));
            }
        }
    }
}

fn track<C: CheckpointStrategy, const N: usize>(
    op: SharedOp,
    inputs: [FloatTensor<Autodiff<Flex, C>>; N],
) -> FloatTensor<Autodiff<Flex, C>> {
    let parts = inputs.map(|input| {
        let (tensor, node) = input.into_parts();
        (tensor.to_contiguous(), node)
    });
    let inputs = parts.each_ref().map(|(tensor, _)| tensor.clone());
    let nodes = parts.map(|(_, node)| node);
    match SliceBackward.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let (out, kept) = run(&*op, &inputs, true);
            prep.finish(Saved { op, inputs, kept: Arc::new(Mutex::new(kept)) }, out)
        }
        OpsKind::UnTracked(prep) => prep.finish(run(&*op, &inputs, false).0),
    }
}

fn plain<const N: usize>(op: &SharedOp, inputs: [FlexTensor; N]) -> FlexTensor {
    run(&**op, &inputs.map(|t| t.to_contiguous()), false).0
}

type F = FloatTensor<Flex>;

impl SliceOps for Flex {
    fn slice_op_1(op: SharedOp, a: F) -> F {
        plain(&op, [a])
    }

    fn slice_op_2(op: SharedOp, a: F, b: F) -> F {
        plain(&op, [a, b])
    }

    fn slice_op_3(op: SharedOp, a: F, b: F, c: F) -> F {
        plain(&op, [a, b, c])
    }

    fn slice_op_4(op: SharedOp, a: F, b: F, c: F, d: F) -> F {
        plain(&op, [a, b, c, d])
    }

    fn slice_op_7(op: SharedOp, a: F, b: F, c: F, d: F, e: F, f: F, g: F) -> F {
        plain(&op, [a, b, c, d, e, f, g])
    }
}

type T<C> = FloatTensor<Autodiff<Flex, C>>;

impl<C: CheckpointStrategy> SliceOps for Autodiff<Flex, C> {
    fn slice_op_1(op: SharedOp, a: T<C>) -> T<C> {
        track::<C, 1>(op, [a])
    }

    fn slice_op_2(op: SharedOp, a: T<C>, b: T<C>) -> T<C> {
        track::<C, 2>(op, [a, b])
    }

    fn slice_op_3(op: SharedOp, a: T<C>, b: T<C>, c: T<C>) -> T<C> {
        track::<C, 3>(op, [a, b, c])
    }

    fn slice_op_4(op: SharedOp, a: T<C>, b: T<C>, c: T<C>, d: T<C>) -> T<C> {
        track::<C, 4>(op, [a, b, c, d])
    }

    fn slice_op_7(op: SharedOp, a: T<C>, b: T<C>, c: T<C>, d: T<C>, e: T<C>, f: T<C>, g: T<C>) -> T<C> {
        track::<C, 7>(op, [a, b, c, d, e, f, g])
    }
}
