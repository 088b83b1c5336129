//! Which networks can be read call by call, and what is wrong with the others.

use traceward_run::ModelSpec;
use traceward_run::spec::{Layer, LayerSpec, Padding, branch_names};

use crate::error::StreamError;

/// Whether a session can carry all of the network's layers. Whether they fit together is another question;
/// see [`ModelSpec::check`].
///
/// # Errors
/// The first layer that cannot be carried, and why.
pub fn carries(spec: &ModelSpec) -> Result<(), StreamError> {
    all(&spec.layers, &spec.names())
}

fn all(layers: &[LayerSpec], names: &[String]) -> Result<(), StreamError> {
    for (spec, name) in layers.iter().zip(names) {
        if let Layer::Concatenate { branches } = &spec.layer {
            for (branch, names) in branches.iter().zip(branch_names(name, branches)) {
                all(branch, &names)?;
            }
        } else if let Some(why) = refusal(&spec.layer) {
            let (name, class_name) = (name.clone(), spec.layer.class_name().into());
            return Err(StreamError::Layer { name, class_name, why });
        }
    }
    Ok(())
}

/// Why a layer cannot be carried.
fn refusal(layer: &Layer) -> Option<&'static str> {
    match layer {
        Layer::Lstm(config) | Layer::Gru(config) => {
            config.go_backwards.then_some("it begins with the last call")
        }
        Layer::Bidirectional { .. } => Some("its backward half begins with the last call"),
        Layer::Conv1D { padding: Padding::Same, .. } => {
            Some("with padding \"same\" it looks ahead; \"causal\" does not")
        }
        Layer::Conv1D { padding: Padding::Valid, kernel_size: 2.., .. } => {
            Some("with padding \"valid\" it has no answer before its first whole window; \"causal\" has")
        }
        Layer::MaxPooling1D { .. } | Layer::AveragePooling1D { .. } => {
            Some("it has no answer before its first whole window")
        }
        Layer::NgramEmbedding(_) => {
            Some("it weighs every n-gram by how often the trace holds it, which grows with the trace")
        }
        Layer::Embedding { .. }
        | Layer::Conv1D { .. }
        | Layer::GlobalMaxPooling1D
        | Layer::GlobalAveragePooling1D
        | Layer::GlobalAttentionPooling1D { .. }
        | Layer::NgramSketch(_)
        | Layer::Concatenate { .. }
        | Layer::Dropout { .. }
        | Layer::SpatialDropout1D { .. }
        | Layer::Dense { .. }
        | Layer::Activation { .. }
        | Layer::BatchNormalization { .. } => None,
        Layer::Other(_) => Some("it is no layer of ours"),
    }
}
