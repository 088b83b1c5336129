//! Names that Keras and PyTorch know, what each means, and which of them a misspelt one was meant to be.
//!
//! One vocabulary for all readers: whatever a file says (`mse`, `MeanSquaredError`, `nn.MSELoss`), facts
//! hold Keras' snake-case name. A name outside these lists is not an error by itself, since scripts define
//! names of their own; a name that nearly is one of them is a typing error.

/// What a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// The frameworks know it.
    Known,
    /// They do not, but know this one, which differs by a letter or two.
    Misspelt(&'static str),
    /// They do not, nor one like it.
    Unknown,
}

/// Activations, the usual ones first: of two names equally near, the first is suggested.
const ACTIVATIONS: [&str; 37] = [
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
    "linear",
    "elu",
    "selu",
    "gelu",
    "swish",
    "silu",
    "softplus",
    "softsign",
    "exponential",
    "hard_sigmoid",
    "leaky_relu",
    "relu6",
    "log_softmax",
    "mish",
    "prelu",
    "celu",
    "glu",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "hard_shrink",
    "soft_shrink",
    "tanh_shrink",
    "log_sigmoid",
    "sparsemax",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "threshold",
    "thresholded_relu",
    "softmin",
    "rrelu",
    "identity",
];

/// Losses, and the short names and aliases that Keras takes for them.
const LOSSES: [(&str, &[&str]); 31] = [
    ("categorical_crossentropy", &[]),
    ("binary_crossentropy", &["bce"]),
    ("sparse_categorical_crossentropy", &[]),
    ("mean_squared_error", &["mse"]),
    ("mean_absolute_error", &["mae"]),
    ("mean_absolute_percentage_error", &["mape"]),
    ("mean_squared_logarithmic_error", &["msle"]),
    ("huber", &["huber_loss"]),
    ("log_cosh", &["logcosh"]),
    ("kl_divergence", &["kld", "kullback_leibler_divergence"]),
    ("hinge", &[]),
    ("squared_hinge", &[]),
    ("categorical_hinge", &[]),
    ("poisson", &[]),
    ("cosine_similarity", &["cosine_proximity", "cosine"]),
    ("binary_focal_crossentropy", &[]),
    ("categorical_focal_crossentropy", &[]),
    ("categorical_generalized_cross_entropy", &[]),
    ("sparse_categorical_focal_crossentropy", &[]),
    ("dice", &[]),
    ("tversky", &[]),
    ("circle", &[]),
    ("ctc", &["ctc_loss"]),
    ("nll_loss", &[]),
    ("smooth_l1", &[]),
    ("gaussian_nll", &[]),
    ("multi_margin", &[]),
    ("multi_label_margin", &[]),
    ("multi_label_soft_margin", &[]),
    ("triplet_margin", &[]),
    ("margin_ranking", &[]),
];

/// Optimizers.
const OPTIMIZERS: [(&str, &[&str]); 22] = [
    ("adam", &[]),
    ("sgd", &[]),
    ("rmsprop", &["rms_prop"]),
    ("adamw", &["adam_w"]),
    ("adagrad", &["ada_grad"]),
    ("adadelta", &["ada_delta"]),
    ("adamax", &["ada_max"]),
    ("nadam", &[]),
    ("ftrl", &[]),
    ("lion", &[]),
    ("lamb", &[]),
    ("muon", &[]),
    ("adafactor", &["ada_factor"]),
    ("loss_scale_optimizer", &[]),
    ("schedule_free_adamw", &[]),
    ("radam", &[]),
    ("asgd", &[]),
    ("lbfgs", &[]),
    ("rprop", &[]),
    ("sparse_adam", &[]),
    ("lazy_adam", &[]),
    ("tf_optimizer", &[]),
];

/// Metrics that are not losses too.
const METRICS: [&str; 34] = [
    "accuracy",
    "acc",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "top_k_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "auc",
    "precision",
    "recall",
    "f1_score",
    "fbeta_score",
    "r2_score",
    "root_mean_squared_error",
    "true_positives",
    "true_negatives",
    "false_positives",
    "false_negatives",
    "precision_at_recall",
    "recall_at_precision",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
    "mean_io_u",
    "io_u",
    "binary_io_u",
    "one_hot_io_u",
    "one_hot_mean_io_u",
    "cohen_kappa",
    "matthews_correlation_coefficient",
    "mean",
    "sum",
    "pearson_correlation",
    "concordance_correlation",
    "crossentropy",
];

/// Layers of Keras, the usual ones first.
const LAYERS: [&str; 118] = [
    "Dense",
    "Dropout",
    "Activation",
    "Flatten",
    "Embedding",
    "LSTM",
    "GRU",
    "SimpleRNN",
    "Bidirectional",
    "TimeDistributed",
    "Conv2D",
    "Conv1D",
    "Conv3D",
    "MaxPooling2D",
    "MaxPooling1D",
    "MaxPooling3D",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "BatchNormalization",
    "LayerNormalization",
    "GroupNormalization",
    "UnitNormalization",
    "SpectralNormalization",
    "RMSNormalization",
    "Normalization",
    "Input",
    "InputLayer",
    "Reshape",
    "Permute",
    "RepeatVector",
    "Lambda",
    "Masking",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "GaussianDropout",
    "GaussianNoise",
    "AlphaDropout",
    "ActivityRegularization",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "ReLU",
    "Softmax",
    "ThresholdedReLU",
    "Add",
    "Subtract",
    "Multiply",
    "Average",
    "Maximum",
    "Minimum",
    "Concatenate",
    "Dot",
    "Conv2DTranspose",
    "Conv1DTranspose",
    "Conv3DTranspose",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "Deconvolution2D",
    "AtrousConvolution1D",
    "AtrousConvolution2D",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution2D",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "LocallyConnected1D",
    "LocallyConnected2D",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "CuDNNLSTM",
    "CuDNNGRU",
    "RNN",
    "LSTMCell",
    "GRUCell",
    "SimpleRNNCell",
    "StackedRNNCells",
    "MultiHeadAttention",
    "GroupQueryAttention",
    "Attention",
    "AdditiveAttention",
    "EinsumDense",
    "TextVectorization",
    "StringLookup",
    "IntegerLookup",
    "Rescaling",
    "Resizing",
    "Discretization",
    "CategoryEncoding",
    "Hashing",
];

/// The letters that matter: `hard_sigmoid`, `HardSigmoid` and `hard-sigmoid` are one name.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// An activation's name in Keras' spelling; what is not known stays as it is, in lower case.
pub fn canonical_activation(name: &str) -> String {
    let wanted = plain(name);
    let known = ACTIVATIONS.iter().find(|known| plain(known) == wanted).copied();
    match known {
        Some("identity") => "linear".into(),
        Some("silu") => "swish".into(),
        Some(known) => known.into(),
        None => name.to_lowercase(),
    }
}

/// A loss' full name in Keras' spelling, or `None` if it is not known.
pub fn known_loss(name: &str) -> Option<&'static str> {
    let wanted = plain(name);
    let wanted = wanted.strip_suffix("loss").filter(|rest| rest.len() > 2).unwrap_or(&wanted);
    LOSSES
        .iter()
        .find(|(full, short)| {
            let full = plain(full);
            full == wanted
                || full.strip_suffix("loss") == Some(wanted)
                || short.iter().any(|name| plain(name) == wanted)
        })
        .map(|(full, _)| *full)
}

/// As [`known_loss`]; what is not known stays as it is.
pub fn canonical_loss(name: &str) -> String {
    known_loss(name).map_or_else(|| name.to_owned(), str::to_owned)
}

/// An optimizer's name in Keras' spelling; what is not known stays as it is.
pub fn canonical_optimizer(name: &str) -> String {
    let wanted = plain(name);
    let wanted = wanted.strip_suffix("optimizer").filter(|rest| !rest.is_empty()).unwrap_or(&wanted);
    // TensorFlow 1 calls plain descent `GradientDescentOptimizer`.
    if matches!(wanted, "gradientdescent" | "momentum") {
        return "sgd".into();
    }
    OPTIMIZERS
        .iter()
        .find(|(name, _)| plain(name) == wanted)
        .map_or_else(|| name.to_owned(), |(name, _)| (*name).to_owned())
}

/// Whether this is a layer of Keras, by its class name.
pub fn is_layer(name: &str) -> bool {
    LAYERS.contains(&name)
}

/// The shortest name of a layer that begins like this, if what is there already says which it is.
pub fn layer_begun(beginning: &str) -> Option<&'static str> {
    if beginning.len() < 6 {
        return None;
    }
    LAYERS.iter().copied().filter(|name| name.starts_with(beginning)).min_by_key(|name| name.len())
}

/// Whether an activation is known.
pub fn activation(name: &str) -> Spelling {
    spelling(name, ACTIVATIONS.iter().copied())
}

/// Whether a loss is known.
pub fn loss(name: &str) -> Spelling {
    if known_loss(name).is_some() {
        return Spelling::Known;
    }
    spelling(
        name,
        LOSSES.iter().flat_map(|(full, short)| std::iter::once(*full).chain(short.iter().copied())),
    )
}

/// Whether an optimizer is known.
pub fn optimizer(name: &str) -> Spelling {
    if OPTIMIZERS.iter().any(|(known, _)| *known == canonical_optimizer(name)) {
        return Spelling::Known;
    }
    spelling(name, OPTIMIZERS.iter().map(|(name, _)| *name))
}

/// Whether a metric is known; losses are metrics too.
pub fn metric(name: &str) -> Spelling {
    if known_loss(name).is_some() {
        return Spelling::Known;
    }
    spelling(name, METRICS.iter().copied().chain(LOSSES.iter().map(|(full, _)| *full)))
}

/// Whether a class of layers is known. Case matters here: it is an identifier.
pub fn layer(name: &str) -> Spelling {
    if is_layer(name) {
        return Spelling::Known;
    }
    nearest(&plain(name), LAYERS.iter().copied())
}

fn spelling(name: &str, known: impl Iterator<Item = &'static str> + Clone) -> Spelling {
    let wanted = plain(name);
    if known.clone().any(|known| plain(known) == wanted) {
        return Spelling::Known;
    }
    nearest(&wanted, known)
}

fn nearest(wanted: &str, known: impl Iterator<Item = &'static str>) -> Spelling {
    // A short name has too many neighbours: two letters of four are another word.
    let limit = match wanted.chars().count() {
        0..=2 => return Spelling::Unknown,
        3..=4 => 1,
        _ => 2,
    };
    known
        .map(|known| (edit_distance(wanted, &plain(known)), known))
        .filter(|(distance, known)| {
            *distance <= limit && *distance < plain(known).chars().count().div_ceil(2)
        })
        .min_by_key(|(distance, _)| *distance)
        .map_or(Spelling::Unknown, |(_, known)| Spelling::Misspelt(known))
}

/// Letters put in, left out, changed or swapped with their neighbour (Damerau–Levenshtein distance, in the
/// form in which no stretch is edited twice).
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

/// A class name as Keras turns it into a layer's default name: `GlobalMaxPooling1D` is
/// `global_max_pooling1d`.
pub fn snake_case(class_name: &str) -> String {
    let letters: Vec<char> =
        class_name.chars().filter(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    let mut name = String::with_capacity(letters.len() + 4);
    for (i, &letter) in letters.iter().enumerate() {
        let after_lower = i > 0 && letters[i - 1].is_lowercase();
        let starts_word = i > 0 && letters.get(i + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (after_lower || starts_word) && !name.ends_with('_') {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn typing_errors_are_led_back() {
        assert_eq!(activation("sigmond"), Spelling::Misspelt("sigmoid"));
        assert_eq!(activation("softmx"), Spelling::Misspelt("softmax"));
        assert_eq!(activation("rleu"), Spelling::Misspelt("relu"));
        assert_eq!(loss("categorical_cross_entropy"), Spelling::Known);
        assert_eq!(loss("catagorical_crossentropy"), Spelling::Misspelt("categorical_crossentropy"));
        assert_eq!(optimizer("adem"), Spelling::Misspelt("adam"));
        assert_eq!(metric("acuracy"), Spelling::Misspelt("accuracy"));
        assert_eq!(layer("Dens"), Spelling::Misspelt("Dense"));
        assert_eq!(layer("Droput"), Spelling::Misspelt("Dropout"));
    }

    #[test]
    fn names_of_ones_own_are_not_typing_errors() {
        assert_eq!(activation("snake"), Spelling::Unknown);
        assert_eq!(loss("my_dice_loss"), Spelling::Unknown);
        assert_eq!(layer("ResidualBlock"), Spelling::Unknown);
        assert_eq!(metric("f1"), Spelling::Unknown);
    }

    #[test]
    fn one_name_for_every_spelling() {
        for name in ["mse", "MSE", "MeanSquaredError", "mean_squared_error", "MSELoss"] {
            assert_eq!(canonical_loss(name), "mean_squared_error", "{name}");
        }
        assert_eq!(canonical_loss("focal_plus"), "focal_plus");
        assert_eq!(canonical_optimizer("RMSprop"), "rmsprop");
        assert_eq!(canonical_optimizer("AdamOptimizer"), "adam");
        assert_eq!(canonical_optimizer("GradientDescentOptimizer"), "sgd");
        assert_eq!(canonical_activation("LeakyReLU"), "leaky_relu");
        assert_eq!(canonical_activation("LogSoftmax"), "log_softmax");
    }

    #[test]
    fn default_names_are_those_of_keras() {
        let cases = [
            ("Dense", "dense"),
            ("LSTM", "lstm"),
            ("Conv2D", "conv2d"),
            ("GlobalMaxPooling1D", "global_max_pooling1d"),
            ("BatchNormalization", "batch_normalization"),
            ("SimpleRNN", "simple_rnn"),
            ("MultiHeadAttention", "multi_head_attention"),
        ];
        for (class_name, name) in cases {
            assert_eq!(snake_case(class_name), name);
        }
    }

    proptest! {
        #[test]
        fn distance_is_symmetric_and_nought_for_equals(a in "[a-d]{0,8}", b in "[a-d]{0,8}") {
            prop_assert_eq!(edit_distance(&a, &b), edit_distance(&b, &a));
            prop_assert_eq!(edit_distance(&a, &b) == 0, a == b);
        }

        #[test]
        fn any_name_gets_an_answer(name in "\\PC{0,24}") {
            let _ = (activation(&name), loss(&name), optimizer(&name), metric(&name), layer(&name), snake_case(&name));
        }

        #[test]
        fn a_known_name_less_one_letter_is_known_or_misspelt(index in 0..ACTIVATIONS.len(), at in 0_usize..20) {
            let name = ACTIVATIONS[index];
            prop_assume!(name.len() > 4);
            let at = at % name.len();
            let typed = format!("{}{}", &name[..at], &name[at + 1..]);
            prop_assert_ne!(activation(&typed), Spelling::Unknown);
        }
    }
}
