//! Whatever the evidence, no rule panics, and what is said keeps to its own rules.

use proptest::prelude::*;

use traceward_doctor::curve::{Curve, Curves};
use traceward_doctor::facts::{
    Argument, Compile, Conflicts, Data, Feature, Fit, Framework, LabelCheck, LabelOrder, Layer, MissingClass,
    Network, Placed, Range, SequenceFacts, SplitFacts, Validation,
};
use traceward_doctor::{Evidence, Level, Place, diagnose, rules};

fn argument<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Argument<T>> {
    prop_oneof![
        1 => Just(Argument::Absent),
        4 => value.prop_map(Argument::Given),
        1 => Just(Argument::Unknown("args.x".to_owned()))
    ]
}

fn placed<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Placed<T>> {
    let place = prop_oneof![Just(None), (0usize..50).prop_map(|at| Some(Place::Span(at..at + 4)))];
    (value, place).prop_map(|(value, place)| Placed { value, place })
}

/// Numbers as files hold them, the impossible ones included.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -2.0..3.0f64,
        1 => Just(0.0),
        1 => Just(1e-9),
        1 => Just(1e9),
        1 => Just(-1e300),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY)
    ]
}

/// Numbers as scripts write them: any.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), Just(1), Just(2), 3usize..2000, Just(usize::MAX)]
}

/// Numbers of items that were counted, and so exist.
fn counted() -> impl Strategy<Value = usize> {
    prop_oneof![0usize..4, 4usize..100_000]
}

fn leaf() -> impl Strategy<Value = Layer> {
    let class = prop::sample::select(vec![
        "Dense",
        "Dense",
        "Dense",
        "Conv2D",
        "LSTM",
        "GRU",
        "Bidirectional",
        "Embedding",
        "Dropout",
        "Activation",
        "BatchNormalization",
        "MaxPooling2D",
        "Flatten",
        "Lambda",
        "TransformerBlock",
        "Softmax",
        "",
    ]);
    let activation = prop::sample::select(vec![
        "relu",
        "sigmoid",
        "softmax",
        "tanh",
        "linear",
        "sigmond",
        "snake",
        "log_softmax",
        "leaky_relu",
        "",
    ]);
    let config = prop::collection::vec(
        (
            prop::sample::select(vec![
                "rate",
                "dropout",
                "recurrent_dropout",
                "input_dim",
                "kernel_size",
                "use_bias",
                "trainable",
                "return_sequences",
                "kernel_initializer",
                "mask_zero",
            ]),
            prop_oneof![
                number().prop_map(|n| serde_json::json!(n)),
                Just(serde_json::json!("zeros")),
                Just(serde_json::json!(false)),
                Just(serde_json::json!([1, 1])),
                Just(serde_json::Value::Null)
            ],
        ),
        0..3,
    );
    (class, argument(size()), placed(argument(activation.prop_map(str::to_owned))), config).prop_map(
        |(class, units, activation, config)| Layer {
            class_name: class.into(),
            written: class.into(),
            name: class.to_lowercase(),
            units,
            activation,
            config: config.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            ..Layer::default()
        },
    )
}

fn layer() -> impl Strategy<Value = Layer> {
    (leaf(), prop::option::weighted(0.2, leaf()))
        .prop_map(|(outer, inner)| Layer { inner: inner.map(Box::new), ..outer })
}

fn network() -> impl Strategy<Value = Network> {
    let loss = prop::sample::select(vec![
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "binary_crossentropy",
        "mean_squared_error",
        "mean_absolute_error",
        "nll_loss",
        "hinge",
        "categorical_crosentropy",
        "my_loss",
        "",
    ]);
    let optimizer = prop::sample::select(vec!["adam", "sgd", "rmsprop", "adagrad", "adem", "mine"]);
    let compile = (
        placed(argument(loss.prop_map(str::to_owned))),
        argument(any::<bool>()),
        placed(argument(optimizer.prop_map(str::to_owned))),
        placed(argument(number())),
        argument(number()),
        prop::collection::vec(
            placed(prop::sample::select(vec!["accuracy", "mae", "acuracy", "f1"]).prop_map(str::to_owned)),
            0..3,
        ),
    )
        .prop_map(|(loss, from_logits, optimizer, learning_rate, momentum, metrics)| Compile {
            loss,
            from_logits,
            optimizer,
            learning_rate,
            momentum,
            metrics,
            ..Compile::default()
        });
    let framework = prop::sample::select(vec![Framework::Traceward, Framework::Keras, Framework::PyTorch]);
    (framework, prop::collection::vec(layer(), 0..8), any::<bool>(), prop::option::of(compile))
        .prop_map(|(framework, layers, branched, compile)| Network { framework, layers, branched, compile })
}

fn fit() -> impl Strategy<Value = Fit> {
    let validation = prop_oneof![
        Just(Validation::None),
        number().prop_map(Validation::Tail),
        number().prop_map(Validation::Random),
        Just(Validation::Given),
        Just(Validation::Unknown)
    ];
    let steps = prop::collection::vec(
        placed(
            prop::sample::select(vec!["to_categorical", "y / 255", "y / n", "MultiLabelBinarizer"])
                .prop_map(str::to_owned),
        ),
        0..3,
    );
    (
        placed(argument(size())),
        placed(argument(size())),
        placed(validation),
        placed(argument(any::<bool>())),
        prop::option::of(any::<bool>()),
        steps,
        prop::option::of(any::<bool>()),
    )
        .prop_map(
            |(epochs, batch_size, validation, shuffle, shuffled_before_split, label_steps, seeded)| Fit {
                epochs,
                batch_size,
                validation,
                shuffle,
                shuffled_before_split,
                label_steps,
                seeded,
                ..Fit::default()
            },
        )
}

fn data() -> impl Strategy<Value = Data> {
    let classes = prop::collection::vec((0usize..2000).prop_map(|items| ("class".to_owned(), items)), 0..5);
    let order =
        (number(), number(), number()).prop_map(|(equal, expected, z)| LabelOrder { equal, expected, z });
    let missing = prop::collection::vec(
        any::<bool>().prop_map(|from_training| MissingClass { name: "class".into(), from_training }),
        0..3,
    );
    let split = (
        prop::sample::select(vec!["tail", "random", "grouped", "given", ""]),
        number(),
        missing,
        counted(),
        0usize..9,
        prop::option::of(number()),
        prop::option::of(number()),
    )
        .prop_map(
            |(method, label_shift, missing, copies_across, groups_across, unknown_tokens, shift)| {
                SplitFacts {
                    method: method.into(),
                    label_shift,
                    missing,
                    copies_across,
                    groups_across,
                    unknown_tokens,
                    shift,
                    ..SplitFacts::default()
                }
            },
        );
    let conflicts = (counted(), number(), counted(), 0usize..100).prop_map(
        |(items, accuracy_ceiling, twins, outvoted)| Conflicts { items, accuracy_ceiling, twins, outvoted },
    );
    let lengths = (
        counted(),
        counted(),
        prop::option::of(counted()),
        number(),
        number(),
        0usize..500,
        prop::option::of(counted()),
    )
        .prop_map(|(median, p95, max_len, truncated, tokens_lost, conflicts_by_cutting, vocabulary)| {
            SequenceFacts {
                median,
                p95,
                max_len,
                truncated,
                tokens_lost,
                conflicts_by_cutting,
                vocabulary,
                padding: tokens_lost,
                ..SequenceFacts::default()
            }
        });
    let feature = (number(), number(), number(), 0usize..3).prop_map(|(min, max, deviation, not_finite)| {
        Feature { name: "input".into(), range: Range { min, max }, deviation, not_finite }
    });
    let labels =
        (counted(), number(), number(), 0usize..100).prop_map(|(items, explained, wrong, doubted_count)| {
            LabelCheck { items, explained, wrong, doubted_count, ..LabelCheck::default() }
        });
    let counts = (counted(), prop::option::of(counted()), prop::option::of(counted()), 0usize..9, 0u64..9);
    let facts = (
        prop::option::of(order),
        prop::option::of(split),
        prop::option::of(conflicts),
        prop::option::of(lengths),
        prop::collection::vec(feature, 0..3),
        prop::option::of((number(), number()).prop_map(|(min, max)| Range { min, max })),
        prop::option::of(labels),
    );
    (counts, classes, facts, any::<bool>()).prop_map(|(counts, classes, facts, temporal)| {
        let (items, training_items, validation_items, unlabelled, bad_row_count) = counts;
        let (order, split, conflicts, lengths, features, targets, labels) = facts;
        Data {
            items,
            training_items,
            validation_items,
            unlabelled,
            bad_row_count,
            classes,
            order,
            split,
            conflicts,
            lengths,
            features,
            targets,
            labels,
            temporal,
            ..Data::default()
        }
    })
}

fn curves() -> impl Strategy<Value = Curves> {
    let curve = || {
        prop::option::of(
            prop::collection::vec(number(), 0..30)
                .prop_map(|values| Curve { rows: (0..values.len()).collect(), values }),
        )
    };
    (curve(), curve(), curve(), curve(), curve()).prop_map(
        |(loss, val_loss, accuracy, val_accuracy, learning_rate)| Curves {
            rows: 30,
            loss,
            val_loss,
            accuracy,
            val_accuracy,
            learning_rate,
            ..Curves::default()
        },
    )
}

fn evidence() -> impl Strategy<Value = Evidence> {
    (
        prop::option::of(network()),
        prop::option::of(fit()),
        prop::option::of(data()),
        prop::option::of(curves()),
    )
        .prop_map(|(network, fit, data, curves)| Evidence {
            network,
            fit,
            data,
            curves,
            ..Evidence::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_rule_panics(evidence in evidence()) {
        let diagnosis = diagnose(&evidence);
        prop_assert!(diagnosis.findings.is_sorted_by(|a, b| a.level >= b.level), "gravest first");
        for finding in &diagnosis.findings {
            prop_assert!(rules::by_id(finding.rule).is_some(), "{}", finding.rule);
            prop_assert!(!finding.symptom.is_empty());
            for cause in &finding.causes {
                prop_assert!((0.0..=1.0).contains(&cause.weight), "{} {:?}", finding.rule, cause);
            }
            let acts = finding.treatments.iter().all(|treatment| treatment.change.is_some() || !treatment.automatic);
            prop_assert!(acts, "{} is automatic, and changes nothing", finding.rule);
        }
        let causes = diagnosis.causes();
        prop_assert!(causes.is_sorted_by(|a, b| a.weight >= b.weight));
        for cause in &causes {
            prop_assert!((0.0..=1.0).contains(&cause.weight), "{cause:?}");
            prop_assert!(cause.findings.iter().all(|&index| index < diagnosis.findings.len()));
        }
        let treatments = diagnosis.treatments();
        for (index, (_, treatment)) in treatments.iter().enumerate() {
            if treatment.change.is_some() {
                prop_assert!(treatments[..index].iter().all(|(_, other)| other.change != treatment.change));
            }
        }
        prop_assert!(serde_json::to_string(&diagnosis).is_ok());
    }

    #[test]
    fn a_rule_found_or_lacked_but_not_both(evidence in evidence()) {
        let diagnosis = diagnose(&evidence);
        for lacking in &diagnosis.not_checked {
            prop_assert!(diagnosis.findings.iter().all(|finding| finding.rule != lacking.rule));
        }
    }

    #[test]
    fn what_is_unknown_is_no_error(mut evidence in evidence()) {
        // Everything that is written, but not known.
        let unknown = || "args.x".to_owned();
        if let Some(network) = &mut evidence.network {
            for layer in &mut network.layers {
                layer.activation.value = Argument::Unknown(unknown());
                layer.units = Argument::Unknown(unknown());
                layer.class_name = "Dense".into();
                layer.config.clear();
                layer.inner = None;
            }
            if let Some(compile) = &mut network.compile {
                compile.loss.value = Argument::Unknown(unknown());
                compile.optimizer.value = Argument::Unknown(unknown());
                compile.learning_rate.value = Argument::Unknown(unknown());
                compile.metrics.clear();
            }
        }
        evidence.fit = None;
        evidence.data = None;
        evidence.curves = None;
        let loud = diagnose(&evidence).findings.into_iter().find(|finding| finding.level > Level::Note);
        prop_assert_eq!(loud, None);
    }
}
