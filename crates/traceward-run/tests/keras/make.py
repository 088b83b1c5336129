"""Writes what Keras says of a few networks: model.to_json() and model.summary(), for the tests beside this file.

    KERAS_BACKEND=tensorflow python make.py        (Keras 3.15.1, TensorFlow 2.21.0)

The JSON is cut to what differs between networks: Keras' own objects, without build_config.
"""

import json
import os
import pathlib

import keras
import numpy
from keras import layers as L

HERE = pathlib.Path(__file__).parent


def article(*output):
    return [
        L.Input((None,)),
        L.Embedding(177, 64),
        L.Bidirectional(L.LSTM(32, recurrent_dropout=0.1)),
        *output,
    ]


NETWORKS = {
    "article_1": lambda: article(L.Dense(64), L.Dense(7), L.Activation("sigmoid")),
    "article_5": lambda: article(L.Dropout(0.25), L.Dense(64, activation="relu"), L.Dense(7, activation="softmax")),
    "every_layer": lambda: [
        L.Input((None,)),
        L.Embedding(400, 64, mask_zero=True),
        L.SpatialDropout1D(0.1),
        L.Conv1D(32, 5, padding="causal", activation="relu"),
        L.MaxPooling1D(2),
        L.AveragePooling1D(2),
        L.GRU(32, return_sequences=True),
        L.BatchNormalization(),
        L.Bidirectional(L.GRU(16, return_sequences=True), merge_mode="sum"),
        L.Bidirectional(L.LSTM(16, return_sequences=True)),
        L.LSTM(8, return_sequences=True, name="a_layer_with_a_name_that_is_wider_than_its_column"),
        L.LSTM(8, return_sequences=True, go_backwards=True, dropout=0.5),
        L.Conv1D(3, 2, strides=2, use_bias=False),
        L.Dropout(0.5),
        L.GlobalMaxPooling1D(),
        L.Dense(12, use_bias=False),
        L.BatchNormalization(momentum=0.9, epsilon=1e-4),
        L.Dense(7, activation="softmax"),
    ],
    "average": lambda: [
        L.Input((None,)),
        L.Embedding(400, 16),
        L.GlobalAveragePooling1D(),
        L.Dense(3_000, activation="gelu"),
        L.Dense(2, activation="softmax"),
    ],
}

OPTIMIZERS = {
    "sgd": keras.optimizers.SGD(0.01),
    "sgd_momentum": keras.optimizers.SGD(0.01, momentum=0.9),
    "adam": keras.optimizers.Adam(0.01),
    "adamw": keras.optimizers.AdamW(0.01),
    "rmsprop": keras.optimizers.RMSprop(0.01),
    "rmsprop_momentum": keras.optimizers.RMSprop(0.01, momentum=0.9),
}


def without_build_config(value):
    if isinstance(value, dict):
        return {k: without_build_config(v) for k, v in value.items() if k not in ("build_config", "build_input_shape")}
    if isinstance(value, list):
        return [without_build_config(v) for v in value]
    return value


def summary(model, columns):
    os.environ["COLUMNS"] = str(columns)
    lines = []
    model.summary(print_fn=lines.append)
    return "\n".join(lines)


for name, layers in NETWORKS.items():
    keras.backend.clear_session()
    model = keras.Sequential(layers())
    (HERE / f"{name}.json").write_text(json.dumps(without_build_config(json.loads(model.to_json()))) + "\n")
    (HERE / f"{name}.txt").write_text(summary(model, 80))
    if name == "every_layer":
        (HERE / f"{name}_100_columns.txt").write_text(summary(model, 100))
        (HERE / f"{name}_44_columns.txt").write_text(summary(model, 44))

for name, optimizer in OPTIMIZERS.items():
    keras.backend.clear_session()
    model = keras.Sequential([L.Input((None,)), L.Embedding(10, 4), L.GlobalAveragePooling1D(), L.BatchNormalization(), L.Dense(2)])
    model.compile(optimizer, "mse")
    model.fit(numpy.zeros((2, 3)), numpy.zeros((2, 2)), verbose=0)
    (HERE / f"optimizer_{name}.txt").write_text(summary(model, 80))
