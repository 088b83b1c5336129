"""Makes the model files beside this script. Needs keras 3 and h5py; run it in this directory."""

import json
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import h5py
import keras
from keras import layers

sequential = keras.Sequential(
    [
        keras.Input((8,)),
        layers.Dense(4, activation=keras.activations.relu),
        layers.Dropout(0.3),
        layers.Dense(3, name="out", kernel_initializer="zeros"),
        layers.Activation("softmax"),
    ],
    name="sequential",
)
sequential.compile(
    optimizer=keras.optimizers.SGD(0.05, momentum=0.9, clipnorm=1.0),
    loss=keras.losses.CategoricalCrossentropy(from_logits=True),
    metrics=["accuracy", keras.metrics.AUC()],
)
sequential.save("sequential.keras")
sequential.save("sequential.h5")

tokens = keras.Input((20,))
embedded = layers.Embedding(100, 8)(tokens)
both_ways = layers.Bidirectional(layers.LSTM(4))(embedded)
largest = layers.GlobalMaxPooling1D()(embedded)
answer = layers.Dense(1, activation="sigmoid")(layers.concatenate([both_ways, largest]))
functional = keras.Model(tokens, answer)
functional.compile(
    optimizer=keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 100, 0.9)),
    loss="binary_crossentropy",
    metrics=["accuracy"],
)
functional.save("functional.keras")
with open("functional.json", "w") as file:
    file.write(functional.to_json())

chain_in = keras.Input((8,))
chain = keras.Model(chain_in, layers.Dense(2)(layers.ReLU()(layers.Dense(4)(chain_in))))
with open("chain.json", "w") as file:
    json.dump(chain.to_json(), file)

# As Keras 2 wrote it: byte strings, `lr`, a Sequential whose config is a list.
with h5py.File("keras2.h5", "w") as file:
    file.attrs["keras_version"] = b"2.1.6"
    file.attrs["backend"] = b"tensorflow"
    file.attrs["model_config"] = json.dumps(
        {
            "class_name": "Sequential",
            "config": [
                {
                    "class_name": "Dense",
                    "config": {"name": "dense_1", "units": 30, "activation": "linear", "batch_input_shape": [None, 4]},
                },
                {"class_name": "Activation", "config": {"name": "activation_1", "activation": "sigmoid"}},
                {"class_name": "Dense", "config": {"name": "dense_2", "units": 10, "activation": "linear"}},
            ],
        }
    ).encode()
    file.attrs["training_config"] = json.dumps(
        {
            "optimizer_config": {
                "class_name": "SGD",
                "config": {"lr": 3.0, "momentum": 0.0, "decay": 0.0, "nesterov": False},
            },
            "loss": "mean_squared_error",
            "metrics": ["accuracy"],
            "sample_weight_mode": None,
            "loss_weights": None,
        }
    ).encode()

with h5py.File("weights.h5", "w") as file:
    file.attrs["keras_version"] = b"2.1.6"
    file.create_dataset("kernel", data=[1.0, 2.0])
