//! burn's matrix product, made independent of how many rows come together.

use burn::tensor::Tensor;

/// Rows of a product while predicting.
const BLOCK: usize = 64;

/// `values · kernel`.
///
/// The product behind burn cuts its work into blocks by the size of both matrices and adds in another
/// order when there are more rows, so a trace's output would differ in its last bits from batch to batch.
/// While predicting, products are therefore made of blocks of one fixed size, the last filled with zeros;
/// while training, where a batch is what it is, in one piece.
pub(super) fn product(values: Tensor<2>, kernel: &Tensor<2>, training: bool) -> Tensor<2> {
    let [rows, width] = values.dims();
    if training || rows == 0 {
        return values.matmul(kernel.clone());
    }
    let blocks = (0..rows).step_by(BLOCK).map(|start| {
        let present = BLOCK.min(rows - start);
        let mut block = values.clone().narrow(0, start, present);
        if present < BLOCK {
            block = Tensor::cat(vec![block, Tensor::zeros([BLOCK - present, width], &values.device())], 0);
        }
        block.matmul(kernel.clone()).narrow(0, 0, present)
    });
    let blocks: Vec<Tensor<2>> = blocks.collect();
    Tensor::cat(blocks, 0)
}
