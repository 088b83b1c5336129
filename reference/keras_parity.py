"""Writes keras/*.json: what Keras computes for small networks, so that a test can compare ours with it.

A case is a network, fixed weights, a fixed batch of traces of different lengths, a loss and an optimizer. Its file
holds Keras' outputs, loss, gradients, the losses of a few steps on that batch and the weights after them.

Keras runs here as two workers, one per backend: the reference values come from the backend that follows Keras'
documented formulas for that case (see README.md, "Which Keras"), and both must agree wherever no disagreement is
declared. A third run in float64 measures how much of each number is float32 rounding. No padding reaches a layer
unless the case says so: every trace runs alone, and that this equals a padded and masked batch under Keras' own
`train_on_batch` is asserted for every case that Keras can mask.

    python keras_parity.py              all cases, all checks
    python keras_parity.py gru conv     only cases whose name holds one of these words
"""

import argparse
import json
import math
import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
FORMAT = 1
TOLERANCE = 2e-5  # between backends and between ways of running Keras
SPARSE_CASE = "article_2"  # where the effect of TensorFlow's sparse embedding gradients is measured


# ---------------------------------------------------------------------------------------------- cases


def layer(class_name, **config):
    return {"class_name": class_name, "config": config} if config else {"class_name": class_name}


def embedding(vocabulary=9, width=4):
    return layer("Embedding", input_dim=vocabulary, output_dim=width)


def lstm(units=3, **config):
    return layer("LSTM", units=units, **config)


def gru(units=3, **config):
    return layer("GRU", units=units, **config)


def both_ways(inner, merge_mode="concat"):
    return layer("Bidirectional", layer=inner, merge_mode=merge_mode)


def dense(units, activation="linear", **config):
    return layer("Dense", units=units, activation=activation, **config)


def sgd(learning_rate=0.5, **rest):
    return {"name": "SGD", "learning_rate": learning_rate, **rest}


def adam(learning_rate=0.01, **rest):
    return {"name": "Adam", "learning_rate": learning_rate, **rest}


CE = "categorical_crossentropy"


@dataclass
class Case:
    name: str
    what: str
    layers: list
    optimizer: dict = field(default_factory=sgd)
    loss: str = CE
    clip_norm: float | None = None
    lengths: tuple = (5, 2, 7, 1, 4)
    classes: int = 4
    sample_weight: list | None = None
    class_weight: list | None = None
    # "each": every trace alone. "masked": padded in front, padding masked (BatchNormalization needs the batch).
    # "equal": all of one length, one batch.
    feed: str = "each"
    # Multiplies the last kernel, to saturate the outputs.
    last_kernel_scale: float = 1.0
    steps: int = 5
    # None: no dropout. "gates": a mask per gate, Keras' own way. "shared": one mask for all gates.
    masks: str | None = None
    # Whether Keras' TensorFlow backend is known to give other values.
    backends_differ: bool = False
    backend: str = "torch"
    # Weights come from the formula of README.md; outputs, losses and gradient digests are kept.
    compact: bool = False
    vocabulary: int = 9


def article(stage, embed=(12, 8), units=6, hidden=8, classes=4, recurrent_dropout=0.0, dropout=0.0):
    """The article's network at one of its stages; the true sizes are (400, 64), 32, 64, 7."""
    first = stage == 1
    inner = lstm(units, **({"recurrent_dropout": recurrent_dropout} if recurrent_dropout else {}))
    layers = [embedding(*embed), both_ways(inner)]
    if dropout:
        layers.append(layer("Dropout", rate=dropout))
    layers += [
        dense(hidden, "linear" if first else "relu"),
        dense(classes),
        layer("Activation", activation="sigmoid" if first else "softmax"),
    ]
    return layers


def head(*layers, hidden=None):
    """Layers between an embedding and a softmax over four classes."""
    return [embedding(), *layers, *([dense(hidden, "relu")] if hidden else []), dense(4, "softmax")]


def cases():
    small = dict(lengths=(6, 3, 9, 1, 5, 4), vocabulary=12)
    yield Case(
        "article_1",
        "Stage 1: sigmoid outputs, linear hidden layer, Adam 0.01. Outputs are divided by their sum, then clipped.",
        article(1),
        adam(0.01),
        backends_differ=True,
        **small,
    )
    less = dict(embed=(12, 4), units=4, hidden=6)
    yield Case("article_2", "Stage 2: relu and softmax, Adam 0.01.", article(2, **less), adam(0.01), **small)
    yield Case("article_3", "Stage 3: the same network, Adam 1e-4.", article(3, **less), adam(0.0001), **small)
    yield Case("article_4", "Stage 4: the same network, more steps.", article(4, **less), adam(0.01), steps=20, **small)
    yield Case(
        "article_5",
        "Stage 5 as it trains: recurrent dropout 0.1 (one mask for all gates) and Dropout 0.25, masks given.",
        article(5, recurrent_dropout=0.1, dropout=0.25),
        adam(0.0001),
        masks="shared",
        **small,
    )
    full = dict(lengths=(150, 75, 12, 100), vocabulary=400, classes=7, compact=True)
    wide = dict(embed=(400, 64), units=32, hidden=64, classes=7)
    yield Case(
        "full_size_stage_1",
        "Stage 1's network in its true size; weights from the formula.",
        article(1, **wide),
        adam(0.01),
        backends_differ=True,
        **full,
    )
    yield Case(
        "full_size_stage_2", "Stage 2's network in its true size; weights from the formula.", article(2, **wide), adam(0.0001), **full
    )

    # Recurrent layers.
    yield Case("lstm", "One LSTM.", head(lstm()))
    yield Case("lstm_backwards", "LSTM, go_backwards: the last output is that after the first call.", head(lstm(go_backwards=True)))
    yield Case(
        "lstm_sequences_backwards",
        "go_backwards with return_sequences: outputs stand in reversed order, as Keras leaves them.",
        head(lstm(return_sequences=True, go_backwards=True), lstm(2)),
    )
    yield Case("gru", "One GRU, reset_after.", head(gru()))
    yield Case("gru_bidirectional", "GRU both ways.", head(both_ways(gru())))
    yield Case("gru_stacked", "A GRU on a GRU's sequence.", head(gru(return_sequences=True), gru(2)))
    for mode in ("sum", "ave", "mul"):
        yield Case(f"bilstm_merge_{mode}", f"BiLSTM, merge_mode {mode}.", head(both_ways(lstm(), mode)))
    yield Case(
        "bilstm_stacked",
        "BiLSTM on a BiLSTM's sequence: the backward outputs are put in order of time before they are joined.",
        head(both_ways(lstm(return_sequences=True)), both_ways(lstm(2))),
    )
    yield Case(
        "bilstm_sequences_sum",
        "BiLSTM with sequences, summed, averaged over time.",
        head(both_ways(lstm(return_sequences=True), "sum"), layer("GlobalAveragePooling1D")),
    )

    # Layers over time.
    conv = dict(filters=3, kernel_size=3)
    longer = dict(lengths=(8, 5, 11, 6, 9))
    yield Case(
        "conv_valid", "Conv1D, valid, then LSTM.", head(layer("Conv1D", padding="valid", activation="relu", **conv), lstm()), **longer
    )
    yield Case(
        "conv_same",
        "Conv1D, same, even kernel: the odd zero goes behind.",
        head(layer("Conv1D", filters=3, kernel_size=4, padding="same", activation="tanh"), lstm()),
        **longer,
    )
    yield Case("conv_causal", "Conv1D, causal.", head(layer("Conv1D", padding="causal", **conv), lstm()), **longer)
    for padding in ("valid", "same", "causal"):
        yield Case(
            f"conv_{padding}_stride_2",
            f"Conv1D, {padding}, stride 2, odd and even lengths.",
            head(layer("Conv1D", padding=padding, strides=2, **conv), lstm()),
            **longer,
        )
    yield Case(
        "conv_no_bias",
        "Conv1D and Dense without bias.",
        [embedding(), layer("Conv1D", use_bias=False, **conv), layer("GlobalMaxPooling1D"), dense(4, "softmax", use_bias=False)],
        **longer,
    )
    yield Case(
        "max_pooling",
        "MaxPooling1D(2): strides of the same size, a rest is left out.",
        head(layer("MaxPooling1D", pool_size=2), lstm()),
        **longer,
    )
    yield Case(
        "average_pooling", "AveragePooling1D(3): a rest is left out.", head(layer("AveragePooling1D", pool_size=3), lstm()), **longer
    )
    yield Case(
        "conv_pool_bilstm",
        "Conv1D, MaxPooling1D, BiLSTM: the usual stack.",
        head(layer("Conv1D", padding="same", activation="relu", **conv), layer("MaxPooling1D", pool_size=2), both_ways(lstm())),
        **longer,
    )
    yield Case(
        "global_max_pooling", "GlobalMaxPooling1D over an LSTM's sequence.", head(lstm(return_sequences=True), layer("GlobalMaxPooling1D"))
    )
    yield Case(
        "global_average_pooling",
        "GlobalAveragePooling1D over an LSTM's sequence.",
        head(lstm(return_sequences=True), layer("GlobalAveragePooling1D")),
    )

    # BatchNormalization: statistics are the batch's, so the batch runs as one. No bias before it: its gradient is 0 but
    # for rounding, which no relative measure can compare.
    bn = dict(momentum=0.9)
    yield Case(
        "batch_normalization",
        "BatchNormalization between dense layers: batch statistics in training, moving ones in outputs.",
        [
            embedding(),
            lstm(),
            dense(5, use_bias=False),
            layer("BatchNormalization", **bn),
            layer("Activation", activation="relu"),
            dense(4, "softmax"),
        ],
        feed="masked",
    )
    yield Case(
        "batch_normalization_time",
        "BatchNormalization over a sequence: mean and variance over all true steps of the batch.",
        head(layer("BatchNormalization", **bn), lstm()),
        feed="masked",
    )
    yield Case(
        "batch_normalization_conv",
        "BatchNormalization after Conv1D, equal lengths.",
        head(
            layer("Conv1D", padding="same", use_bias=False, **conv),
            layer("BatchNormalization", momentum=0.99, epsilon=0.01),
            layer("Activation", activation="relu"),
            layer("GlobalMaxPooling1D"),
        ),
        lengths=(6,) * 5,
        feed="equal",
    )

    # Activations.
    for name in ("sigmoid", "tanh", "elu", "selu", "gelu", "softplus"):
        yield Case(
            f"activation_{name}",
            f"Dense 5, {name}{' (exact, with erf)' if name == 'gelu' else ''}.",
            [embedding(), lstm(), dense(5, name), dense(4, "softmax")],
        )
    yield Case(
        "activation_softmax_hidden",
        "Softmax in a hidden layer, and as a layer at the end.",
        [embedding(), lstm(), dense(5, "softmax"), dense(4), layer("Activation", activation="softmax")],
    )

    # Dropout with given masks.
    yield Case(
        "dropout_recurrent_gates",
        "LSTM, dropout and recurrent_dropout: Keras draws one mask a gate, constant over the steps.",
        head(lstm(4, dropout=0.25, recurrent_dropout=0.25)),
        masks="gates",
    )
    yield Case(
        "dropout_recurrent_shared",
        "The same with one mask for all four gates.",
        head(lstm(4, dropout=0.25, recurrent_dropout=0.25)),
        masks="shared",
    )
    yield Case(
        "dropout_input_only", "LSTM, dropout alone: Keras draws one mask for all gates.", head(lstm(4, dropout=0.25)), masks="shared"
    )
    yield Case(
        "dropout_gru_gates",
        "GRU: a mask a gate; the old state that the update gate mixes in is not masked.",
        head(gru(4, dropout=0.25, recurrent_dropout=0.25)),
        masks="gates",
    )
    yield Case(
        "dropout_gru_shared", "GRU with one mask for all three gates.", head(gru(4, dropout=0.25, recurrent_dropout=0.25)), masks="shared"
    )
    yield Case(
        "dropout_bilstm_stacked",
        "BiLSTM on BiLSTM, every direction with its own masks, SpatialDropout1D and Dropout.",
        head(
            layer("SpatialDropout1D", rate=0.25),
            both_ways(lstm(recurrent_dropout=0.25, return_sequences=True)),
            both_ways(lstm(recurrent_dropout=0.25)),
            layer("Dropout", rate=0.25),
        ),
        masks="shared",
    )

    # Optimizers.
    net = head(both_ways(lstm()), hidden=5)
    for name, optimizer in (
        ("sgd_momentum", sgd(0.1, momentum=0.9)),
        ("sgd_nesterov", sgd(0.1, momentum=0.9, nesterov=True)),
        ("adam", adam(0.02, beta_1=0.8, beta_2=0.95, epsilon=1e-5)),
        ("adamw", {"name": "AdamW", "learning_rate": 0.02, "weight_decay": 0.1}),
        ("rmsprop", {"name": "RMSprop", "learning_rate": 0.01, "rho": 0.8}),
        ("rmsprop_momentum", {"name": "RMSprop", "learning_rate": 0.01, "momentum": 0.9}),
    ):
        decay = " Decay is applied to every weight, biases too, before the step." if name == "adamw" else ""
        yield Case(f"optimizer_{name}", f"Optimizer {name}.{decay}", net, optimizer)
    yield Case(
        "clip_norm", "global_clipnorm 0.05 on every step; gradients in the file are those before clipping.", net, sgd(0.5), clip_norm=0.05
    )
    yield Case("clip_norm_adam", "global_clipnorm 0.3 with Adam.", net, adam(0.02), clip_norm=0.3)

    # Losses.
    yield Case("loss_sparse", "Sparse categorical cross-entropy.", net, loss="sparse_categorical_crossentropy")
    yield Case(
        "loss_binary",
        "Binary cross-entropy, sigmoid: mean over classes.",
        [embedding(), lstm(), dense(4, "sigmoid")],
        loss="binary_crossentropy",
    )
    yield Case("loss_mse", "Mean squared error against one-hot rows, softmax.", net, loss="mean_squared_error")
    yield Case("loss_mse_linear", "Mean squared error, linear outputs.", [embedding(), lstm(), dense(4)], loss="mean_squared_error")
    yield Case(
        "loss_categorical_sigmoid",
        "Categorical cross-entropy on sigmoid outputs, layer Dense: divided by their sum.",
        [embedding(), lstm(), dense(4, "sigmoid")],
        backends_differ=True,
    )
    yield Case(
        "loss_sparse_sigmoid",
        "Sparse categorical cross-entropy on sigmoid outputs: divided by their sum, as the categorical one.",
        [embedding(), lstm(), dense(4, "sigmoid")],
        loss="sparse_categorical_crossentropy",
        backends_differ=True,
    )
    yield Case(
        "weights_sample",
        "Sample weights: weighted losses are added and divided by the number of traces, not by the sum of weights.",
        net,
        sample_weight=[2.0, 0.5, 0.0, 1.0, 3.0],
    )
    yield Case("weights_class", "Class weights: the weight of a trace is that of its class.", net, class_weight=[0.5, 2.0, 1.0, 4.0])

    # Saturated outputs: the loss meets its clip and gradients vanish.
    # Between logits of 13 and 17, 1 - p is rounding and no more; scales that keep clear of that.
    for name, loss, scale in (
        ("categorical", CE, 200.0),
        ("sparse", "sparse_categorical_crossentropy", 200.0),
        ("binary", "binary_crossentropy", 700.0),
    ):
        yield Case(
            f"saturated_sigmoid_{name}",
            f"Sigmoid outputs at 0 and 1, {loss}: clipped at 1e-7.",
            [embedding(), lstm(), dense(4, "sigmoid")],
            loss=loss,
            last_kernel_scale=scale,
            backends_differ=True,
        )
    for name, loss in (("categorical", CE), ("sparse", "sparse_categorical_crossentropy")):
        yield Case(
            f"saturated_softmax_{name}",
            f"Softmax outputs at 0 and 1, {loss}: from the logits, no clip, as the TensorFlow backend does.",
            [embedding(), lstm(), dense(4, "softmax")],
            loss=loss,
            last_kernel_scale=200.0,
            backends_differ=True,
            backend="tensorflow",
        )


# ---------------------------------------------------------------------------------------------- inputs


def batch_of(case, seed):
    """Tokens from 1 up (0 is padding), labels, one-hot rows, weights of the traces."""
    import numpy as np

    rng = np.random.default_rng(seed)
    tokens = [rng.integers(1, case.vocabulary, n).tolist() for n in case.lengths]
    labels = [(i * 3 + 1) % case.classes for i in range(len(tokens))]
    weight = case.sample_weight
    if case.class_weight:
        weight = [case.class_weight[c] for c in labels]
    return tokens, labels, weight


def lcg(seed, count):
    """The generator of README.md: `count` values in [-1, 1)."""
    import numpy as np

    out, x = np.empty(count, np.float64), seed
    for k in range(count):
        x = (1664525 * x + 1013904223) % 2**32
        out[k] = x / 2**31 - 1.0
    return out


def initial_weight(name, shape, rng):
    """Uniform values, four decimals, biases not zero: a mixed-up gate or a lost bias must show."""
    import numpy as np

    kind = name.rsplit(".", 1)[1]
    low, high = {
        "embeddings": (-1.0, 1.0),
        "bias": (-0.5, 0.5),
        "gamma": (0.5, 1.5),
        "beta": (-0.5, 0.5),
        "moving_mean": (-0.5, 0.5),
        "moving_variance": (0.5, 1.5),
    }.get(kind, (-((3.0 / np.prod(shape[:-1])) ** 0.5), (3.0 / np.prod(shape[:-1])) ** 0.5))
    return np.round(rng.uniform(low, high, shape), 4).astype("float32")


def formula_weight(name, shape, index):
    """Weights of the compact cases: (seed, scale) and the values that they stand for."""
    import numpy as np

    kind = name.rsplit(".", 1)[1]
    scale = {"embeddings": 0.5, "bias": 0.25}.get(kind) or float(np.round((3.0 / np.prod(shape[:-1])) ** 0.5, 4))
    seed = 1000 + index
    return seed, scale, (lcg(seed, int(np.prod(shape))) * scale).astype("float32").reshape(shape)


def mask_plan(case, seed):
    """Dropout masks by name, each (traces, rows, values): 0 or 1/(1 - rate)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    traces, plan, width = len(case.lengths), {}, 0

    def draw(rate, rows, values):
        keep = rng.random((traces, rows, values)) >= rate
        return np.where(keep, np.float32(1.0 / (1.0 - rate)), np.float32(0.0)).astype("float32")

    def recurrent(name, spec, width):
        config, gates = spec["config"], {"LSTM": 4, "GRU": 3}[spec["class_name"]]
        rows = gates if case.masks == "gates" else 1
        if config.get("dropout"):
            plan[f"{name}.input"] = draw(config["dropout"], rows, width)
        if config.get("recurrent_dropout"):
            plan[f"{name}.recurrent"] = draw(config["recurrent_dropout"], rows, config["units"])
        return config["units"]

    for i, spec in enumerate(case.layers):
        config = spec.get("config", {})
        match spec["class_name"]:
            case "Embedding":
                width = config["output_dim"]
            case "LSTM" | "GRU":
                width = recurrent(str(i), spec, width)
            case "Bidirectional":
                forward = recurrent(f"{i}.forward", config["layer"], width)
                width = recurrent(f"{i}.backward", config["layer"], width)
                width += forward if config["merge_mode"] == "concat" else 0
            case "Dense":
                width = config["units"]
            case "Conv1D":
                width = config["filters"]
            case "Dropout" | "SpatialDropout1D":
                plan[str(i)] = draw(config["rate"], 1, width)
    return plan


# ---------------------------------------------------------------------------------------------- worker: Keras itself


class Runner:
    """One case in one backend and float type. Keras is imported by workers only, after the backend is chosen."""

    def __init__(self, case, seed, padded=False, sparse=False):
        import keras
        import numpy as np

        self.keras, self.np, self.case = keras, np, case
        self.sparse = sparse  # leave TensorFlow's embedding gradients as slices, as its trainer does
        self.tokens, self.labels, self.weight = batch_of(case, seed)
        self.padded = padded or case.feed == "masked"
        specs = json.loads(json.dumps(case.layers))
        if self.padded:
            specs[0]["config"]["mask_zero"] = True
        self.layers = [self.built(spec) for spec in specs]
        self.model = keras.Sequential([keras.Input((None,), dtype="int32"), *self.layers])
        self.names = dict(self.named_weights())
        self.trainable = {name: w for name, w in self.names.items() if w.trainable}
        self.formula = self.set_weights(np.random.default_rng(seed + 1))

        losses = keras.losses
        self.loss = {
            CE: losses.CategoricalCrossentropy,
            "sparse_categorical_crossentropy": losses.SparseCategoricalCrossentropy,
            "binary_crossentropy": losses.BinaryCrossentropy,
            "mean_squared_error": losses.MeanSquaredError,
        }[case.loss]()
        onehot = np.eye(case.classes, dtype=keras.config.floatx())[self.labels]
        self.targets = np.array(self.labels) if case.loss.startswith("sparse") else onehot
        config = {key: value for key, value in case.optimizer.items() if key != "name"}
        if case.clip_norm:
            config["global_clipnorm"] = case.clip_norm
        self.optimizer = getattr(keras.optimizers, case.optimizer["name"])(**config)

        self.masks = mask_plan(case, seed + 2) if case.masks else {}
        self.current = 0
        self.inject_masks()

    def built(self, spec):
        config = dict(spec.get("config", {}))
        if "layer" in config:
            config["layer"] = self.built(config["layer"])
        return getattr(self.keras.layers, spec["class_name"])(**config)

    def named_weights(self):
        for i, layer_ in enumerate(self.layers):
            parts = [("", layer_)]
            if hasattr(layer_, "forward_layer"):
                parts = [("forward.", layer_.forward_layer), ("backward.", layer_.backward_layer)]
            for prefix, part in parts:
                for w in part.weights:
                    if "seed_generator" not in w.path:
                        yield f"{i}.{prefix}{w.name}", w

    def set_weights(self, rng):
        formula = {}
        last = max(i for i, spec in enumerate(self.case.layers) if spec["class_name"] == "Dense")
        for index, (name, w) in enumerate(self.names.items()):
            shape = tuple(w.shape)
            if self.case.compact:
                seed, scale, value = formula_weight(name, shape, index)
                formula[name] = {"shape": list(shape), "lcg": {"seed": seed, "scale": scale}}
            else:
                value = initial_weight(name, shape, rng)
            if name == f"{last}.kernel":
                value = value * self.np.float32(self.case.last_kernel_scale)
            w.assign(value)
        return formula

    # Dropout: Keras' own layers and cells, with the draw replaced by the rows of the plan.

    def inject_masks(self):
        for i, layer_ in enumerate(self.layers):
            if str(i) in self.masks:
                layer_.call = self.dropout_call(str(i))
            elif hasattr(layer_, "forward_layer"):
                self.inject_cell(layer_.forward_layer.cell, f"{i}.forward")
                self.inject_cell(layer_.backward_layer.cell, f"{i}.backward")
            elif hasattr(layer_, "cell"):
                self.inject_cell(layer_.cell, str(i))

    def rows_of(self, name):
        ops = self.keras.ops
        return [ops.convert_to_tensor(row[None].astype(self.keras.config.floatx())) for row in self.masks[name][self.current]]

    def dropout_call(self, name):
        def call(inputs, training=False):
            return inputs * self.rows_of(name)[0] if training else inputs

        return call

    def inject_cell(self, cell, name):
        gates = getattr(cell, "dropout_mask_count", None)

        def getter(key):
            def get(_step_input):
                if key not in self.masks:
                    return None
                rows = self.rows_of(key)
                if gates is None:
                    (only,) = rows
                    return only
                return rows if len(rows) == gates else rows * gates

            return get

        cell.get_dropout_mask = getter(f"{name}.input")
        cell.get_recurrent_dropout_mask = getter(f"{name}.recurrent")

    # Running.

    def padded_tokens(self, side):
        longest = max(map(len, self.tokens))
        rows = [[0] * (longest - len(t)) + t if side == "pre" else t + [0] * (longest - len(t)) for t in self.tokens]
        return self.np.array(rows, "int32")

    def feeds(self):
        """(tokens, targets, weights) of each call: one call a trace, or one for the batch."""
        np, weight = self.np, self.np.array(self.weight, self.keras.config.floatx()) if self.weight else None
        if self.case.feed == "each" and not self.padded:
            for i, t in enumerate(self.tokens):
                self.current = i
                yield np.array([t], "int32"), self.targets[i : i + 1], None if weight is None else weight[i : i + 1]
        else:
            tokens = self.padded_tokens("pre") if self.padded else np.array(self.tokens, "int32")
            yield tokens, self.targets, weight

    def outputs(self, training=False):
        calls = [self.keras.ops.convert_to_numpy(self.model(x, training=training)) for x, _, _ in self.feeds()]
        return self.np.concatenate(calls)

    def mean_loss(self):
        calls = [self.loss(y, self.model(x, training=True), sample_weight=w) for x, y, w in self.feeds()]
        return sum(calls) / len(calls)

    def loss_and_gradients(self):
        weights = list(self.trainable.values())
        if self.keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            with tf.GradientTape() as tape:
                loss = self.mean_loss()
            gradients = tape.gradient(loss, [w.value for w in weights])
            if not self.sparse:
                gradients = [tf.convert_to_tensor(g) for g in gradients]
            arrays = [tf.convert_to_tensor(g).numpy() for g in gradients]
        else:
            self.model.zero_grad()
            loss = self.mean_loss()
            loss.backward()
            gradients = [w.value.grad for w in weights]
            arrays = [g.detach().numpy().copy() for g in gradients]
        return float(self.keras.ops.convert_to_numpy(loss)), gradients, dict(zip(self.trainable, arrays))

    def step(self, gradients):
        weights = list(self.trainable.values())
        if self.keras.backend.backend() == "tensorflow":
            self.optimizer.apply(gradients, weights)
        else:
            import torch

            with torch.no_grad():
                self.optimizer.apply(gradients, weights)

    def values(self):
        return {name: self.keras.ops.convert_to_numpy(w.value).copy() for name, w in self.names.items()}

    def run(self):
        weights, moving = self.values(), [w for name, w in self.names.items() if name not in self.trainable]
        result = {"weights": weights, "outputs": self.outputs()}
        stateful = self.masks or moving
        if stateful:
            result["training_outputs"] = self.outputs(training=True)
            for name, w in self.names.items():  # that call moved BatchNormalization's averages
                w.assign(weights[name])
        result["losses"] = []
        for k in range(self.case.steps):
            loss, gradients, arrays = self.loss_and_gradients()
            if k == 0:
                result["gradients"] = arrays
            result["losses"].append(loss)
            self.step(gradients)
        result["final_weights"] = self.values()
        result["final_outputs"] = self.outputs()
        result["losses"].append(float(self.keras.ops.convert_to_numpy(self.mean_loss())))
        return result


def maskable(case):
    """Whether Keras gives the same for a padded, masked batch: windows over time ignore masks."""
    names = {spec["class_name"] for spec in case.layers}
    reversed_sequences = any(spec.get("config", {}).get("go_backwards") and spec["config"].get("return_sequences") for spec in case.layers)
    windows = {"Conv1D", "MaxPooling1D", "AveragePooling1D", "GlobalMaxPooling1D"}
    return not (case.masks or reversed_sequences or names & windows or case.feed == "equal")


def train_on_batch(case, seed, side):
    """The same steps by Keras' own compile and train_on_batch, on a padded and masked batch."""
    runner = Runner(case, seed, padded=True)
    runner.model.compile(loss=runner.loss, optimizer=runner.optimizer)
    tokens, losses = runner.padded_tokens(side), []
    weights = {"class_weight": dict(enumerate(case.class_weight))} if case.class_weight else {}
    if case.sample_weight:
        weights = {"sample_weight": runner.np.array(case.sample_weight, "float32")}
    for _ in range(case.steps):
        runner.model.reset_metrics()
        losses.append(float(runner.model.train_on_batch(tokens, runner.targets, **weights)))
    return {"losses": losses, "final_weights": runner.values()}


def worker(floatx, names, path):
    import keras

    keras.config.set_floatx(floatx)
    versions = {"keras": keras.__version__, "backend": keras.backend.backend()}
    versions["version"] = __import__(versions["backend"]).__version__
    results = {"versions": versions}
    for seed, case in numbered_cases():
        if case.name not in names:
            continue
        keras.utils.set_random_seed(seed)
        # The other backend only confirms: a padded batch is several times faster than trace by trace.
        runner = Runner(case, seed, padded=versions["backend"] != case.backend and maskable(case))
        results[case.name] = {
            **runner.run(),
            "masks": runner.masks,
            "formula": runner.formula,
            "batch": (runner.tokens, runner.labels, runner.weight),
        }
        if versions["backend"] == case.backend and floatx == "float32" and maskable(case):
            results[case.name]["trained"] = {side: train_on_batch(case, seed, side) for side in ("pre", "post")}
        if versions["backend"] == "tensorflow" and case.name == SPARSE_CASE:
            results[case.name]["sparse"] = Runner(case, seed, sparse=True).run()["losses"]
        keras.backend.clear_session()
        print(f"{versions['backend']} {floatx} {case.name}", file=sys.stderr, flush=True)
    with open(path, "wb") as file:
        pickle.dump(results, file)


# ---------------------------------------------------------------------------------------------- checks and files


def distance(a, b):
    """Largest difference, relative to the largest value of `b`."""
    import numpy as np

    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if b.size == 0:
        return 0.0
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-6))


def distances(one, other):
    """Distance by kind of value; weights and gradients by their worst array."""
    out = {}
    for key, value in one.items():
        if key in ("outputs", "training_outputs", "losses", "final_outputs"):
            out[key] = distance(value, other[key])
        elif key in ("gradients", "final_weights"):
            out[key] = max(distance(value[name], other[key][name]) for name in value)
    return out


def short(x):
    """Seven digits of a result."""
    assert math.isfinite(x), "Keras gave a value that is not finite"
    return f"{float(x):.7g}"


def exact(x):
    """The shortest decimal that gives the same float32: for what a test must start from."""
    import numpy as np

    text = str(np.float32(x))
    return text[:-2] if text.endswith(".0") else text


def array_text(array, text=short):
    import numpy as np

    array = np.asarray(array)
    return '{"shape": %s, "data": [%s]}' % (list(array.shape), ", ".join(text(x) for x in array.ravel()))


def exact_text(array):
    return array_text(array, exact)


def rows_text(rows):
    return "[%s]" % ", ".join("[%s]" % ", ".join(short(x) for x in row) for row in rows)


def mapping_text(mapping, text):
    return "{\n%s\n  }" % ",\n".join(f"    {json.dumps(name)}: {text(value)}" for name, value in mapping.items())


def digest_text(array):
    """A large array by its norm and its eight largest values, with their places."""
    import numpy as np

    flat = np.asarray(array, np.float64).ravel()
    places = np.sort(np.argsort(-np.abs(flat), kind="stable")[:8])
    largest = ", ".join(f"[{i}, {short(flat[i])}]" for i in places)
    return '{"shape": %s, "norm": %s, "largest": [%s]}' % (list(np.shape(array)), short(np.linalg.norm(flat)), largest)


def file_text(case, result, versions, rounding, others):
    tokens, labels, weight = result["batch"]
    compile_ = {"loss": case.loss, "optimizer": case.optimizer}
    if case.clip_norm:
        compile_["clip_norm"] = case.clip_norm
    batch = {"feed": case.feed, "classes": case.classes, "tokens": tokens, "labels": labels}
    if weight:
        batch["sample_weight"] = weight
    if case.class_weight:
        batch["class_weight"] = case.class_weight
    arrays = digest_text if case.compact else array_text
    fields = {
        "format": FORMAT,
        "name": case.name,
        "what": case.what,
        "made_with": versions,
        "model": {"name": case.name, "layers": case.layers},
        "compile": compile_,
        "batch": batch,
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in fields.items()]
    weights = mapping_text(result["formula"], json.dumps) if case.compact else mapping_text(result["weights"], exact_text)
    lines.append(f'  "weights": {weights}')
    if result["masks"]:
        lines.append(f'  "masks": {mapping_text(result["masks"], exact_text)}')
    lines.append(f'  "outputs": {rows_text(result["outputs"])}')
    if "training_outputs" in result:
        lines.append(f'  "training_outputs": {rows_text(result["training_outputs"])}')
    lines.append(f'  "losses": [{", ".join(map(short, result["losses"]))}]')
    lines.append(f'  "gradients": {mapping_text(result["gradients"], arrays)}')
    lines.append(f'  "final_weights": {mapping_text(result["final_weights"], arrays)}')
    lines.append(f'  "final_outputs": {rows_text(result["final_outputs"])}')
    for backend, other in others.items():
        lines.append(f'  "losses_{backend}": [{", ".join(map(short, other["losses"]))}]')
    lines.append(f'  "float32_rounding": {json.dumps({key: float(f"{value:.1e}") for key, value in rounding.items()})}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def numbered_cases():
    """Cases with their seeds, which hang on the name so that a new case changes no other file."""
    for case in cases():
        yield sum(ord(c) * (i + 1) for i, c in enumerate(case.name)) * 10, case


def run_worker(backend, floatx, names):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "results")
        environment = {
            **os.environ,
            "KERAS_BACKEND": backend,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
        }
        subprocess.run([sys.executable, __file__, "--worker", floatx, path, *names], env=environment, check=True)
        with open(path, "rb") as file:
            return pickle.load(file)


def main(words):
    chosen = [case for _, case in numbered_cases() if not words or any(word in case.name for word in words)]
    names = [case.name for case in chosen]
    assert len(set(names)) == len(names), "two cases have one name"
    runs = {backend: run_worker(backend, "float32", names) for backend in ("torch", "tensorflow")}
    wide = {
        backend: run_worker(backend, "float64", [c.name for c in chosen if c.backend == backend])
        for backend in sorted({c.backend for c in chosen})
    }
    (HERE / "keras").mkdir(exist_ok=True)
    if not words:
        for old in (HERE / "keras").glob("*.json"):
            old.unlink()
    wrong = []
    for case in chosen:
        result = runs[case.backend][case.name]
        (other_backend,) = set(runs) - {case.backend}
        other = runs[other_backend][case.name]
        apart = distances(result, other)
        if (max(apart.values()) > TOLERANCE) != case.backends_differ:
            wrong.append(f"{case.name}: backends {'agree' if case.backends_differ else 'differ'}: {apart}")
        for side, trained in result.get("trained", {}).items():
            apart = distances(trained, {**result, "losses": result["losses"][:-1]})
            if max(apart.values()) > TOLERANCE:
                wrong.append(f"{case.name}: train_on_batch, padding {side}: {apart}")
        rounding = distances(result, wide[case.backend][case.name])
        versions = runs[case.backend]["versions"]
        text = file_text(case, result, versions, rounding, {other_backend: other} if case.backends_differ else {})
        json.loads(text)
        (HERE / "keras" / f"{case.name}.json").write_text(text)
        print(f"{case.name:28} loss {result['losses'][0]:.5f} -> {result['losses'][-1]:.5f}  rounding {max(rounding.values()):.0e}")
    size = sum(path.stat().st_size for path in (HERE / "keras").glob("*.json"))
    print(f"{len(chosen)} cases, {size / 1024:.0f} KiB in keras/")
    if SPARSE_CASE in names:
        dense_losses, sparse_losses = runs["torch"][SPARSE_CASE]["losses"], runs["tensorflow"][SPARSE_CASE]["sparse"]
        print(
            f"{SPARSE_CASE} as TensorFlow trains it, with sparse embedding gradients: "
            f"loss {sparse_losses[-1]:.5f}, not {dense_losses[-1]:.5f}"
        )
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="only cases whose name holds one of these")
    parser.add_argument("--worker", nargs=2, metavar=("FLOATX", "PATH"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments.worker[0], set(arguments.words), arguments.worker[1])
    else:
        main(arguments.words)
