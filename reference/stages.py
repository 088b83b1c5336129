"""Reruns the article's five stages in Keras on ADFA-LD and writes each stage's history as Keras' CSVLogger does.

For the shape of the curves: what a stage shows (a loss that sticks, one that jitters, overfitting), not its exact numbers.
The 833 training normals and the 746 attacks in the order of their files; each trace is cut to its last calls, zeros in
front. What the article leaves open (sizes, length, batch) is set by flags.

Keras runs on JAX unless KERAS_BACKEND says otherwise: on TensorFlow the sigmoid of stage 1 is bypassed and its symptom
does not show (README.md, "Which Keras").

    python reference/stages.py ADFA-LD.zip                                  all five, at the article's epochs
    python reference/stages.py ADFA-LD.zip --stages 4 --learning-rate 0.001 --epochs 100
    python reference/stages.py ADFA-LD.zip --stages 1 2 --split stratified --out histories
"""

import argparse
import csv
import os
import re
import sys
import time
import zipfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CLASSES = ["Normal", "Adduser", "Hydra_FTP", "Hydra_SSH", "Java_Meterpreter", "Meterpreter", "Web_Shell"]

# stage -> output activation, hidden activation, learning rate, epochs, split, dropout
STAGES = {
    "1": ("sigmoid", "linear", 0.01, 20, "tail", 0.0),
    "2": ("softmax", "relu", 0.01, 20, "tail", 0.0),
    "3": ("softmax", "relu", 0.0001, 20, "shuffled", 0.0),
    "4": ("softmax", "relu", 0.0001, 200, "shuffled", 0.0),
    "5": ("softmax", "relu", 0.0001, 200, "shuffled", 0.25),
}


def rows_of(path, length):
    """Tokens padded in front, labels; normals first, then the attacks family by family."""
    import numpy as np

    places = re.compile(r"(?:^|/)(?:Training_Data_Master/[^/]+|Attack_Data_Master/(\w+?)_\d+/[^/]+)\.txt$")
    traces, labels = [], []
    with zipfile.ZipFile(path) as archive:
        found = [(place[1] or "", name) for name in archive.namelist() if (place := places.search(name))]
        for family, name in sorted(found):
            traces.append([int(word) for word in archive.read(name).split()][-length:])
            labels.append(CLASSES.index(family) if family else 0)
    if not traces:
        sys.exit(f"{path}: no ADFA-LD traces in it")
    x = np.zeros((len(traces), length), "int32")
    for row, trace in zip(x, traces):
        row[length - len(trace) :] = trace
    return x, np.array(labels)


def cut(y, split, share, rng):
    """Indices of training and validation. `tail` takes the last rows as they stand, as Keras' validation_split does."""
    import numpy as np

    order = np.arange(len(y))
    if split == "shuffled":
        order = rng.permutation(order)
    if split == "stratified":
        parts = [rng.permutation(order[y == c]) for c in range(len(CLASSES))]
        held = [round(len(part) * share) for part in parts]
        return np.concatenate([p[n:] for p, n in zip(parts, held)]), np.concatenate([p[:n] for p, n in zip(parts, held)])
    at = int(len(y) * (1 - share))
    return order[:at], order[at:]


def run(stage, options, x, y):
    import keras
    import numpy as np

    output, hidden, learning_rate, epochs, split, dropout = STAGES[stage]
    learning_rate = options.learning_rate or learning_rate
    epochs = options.epochs or epochs
    split = options.split or split
    keras.utils.set_random_seed(options.seed)
    training, validation = cut(y, split, options.validation_share, np.random.default_rng(options.seed))
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((x.shape[1],), dtype="int32"),
            layers.Embedding(400, options.embedding),
            layers.Bidirectional(layers.LSTM(32, recurrent_dropout=0.1)),
            *([layers.Dropout(dropout)] if dropout else []),
            layers.Dense(64, activation=hidden),
            layers.Dense(len(CLASSES)),
            layers.Activation(output),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss="categorical_crossentropy", metrics=["accuracy"])
    onehot = np.eye(len(CLASSES), dtype="float32")[y]
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"stage-{stage}-{split}-lr{learning_rate:g}.csv"
    start = time.perf_counter()
    model.fit(
        x[training],
        onehot[training],
        validation_data=(x[validation], onehot[validation]),
        batch_size=options.batch_size,
        epochs=epochs,
        verbose=0,
        callbacks=[keras.callbacks.CSVLogger(str(path))],
    )
    seconds = time.perf_counter() - start
    with path.open() as file:
        history = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    print(f"\nstage {stage}: {output}, {hidden}, Adam {learning_rate:g}, {split} split, dropout {dropout:g}")
    print(f"{len(training)} + {len(validation)} traces, {seconds:.0f} s, {path}")
    print("| epoch | loss / accuracy | validation loss / accuracy |\n|---|---|---|")
    for number in sorted({1, 2, 5, 10, 20, 50, 100, 200, epochs} & set(range(1, epochs + 1))):
        row = history[number - 1]
        print(f"| {number} | {row['loss']:.3f} / {row['accuracy']:.3f} | {row['val_loss']:.3f} / {row['val_accuracy']:.3f} |")
    best = min(history, key=lambda row: row["val_loss"])
    print(f"least validation loss {best['val_loss']:.3f} at epoch {int(best['epoch']) + 1}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="ADFA-LD.zip")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--epochs", type=int, help="instead of the stage's own")
    parser.add_argument("--learning-rate", type=float, help="instead of the stage's own")
    parser.add_argument("--split", choices=["tail", "shuffled", "stratified"], help="instead of the stage's own")
    parser.add_argument("--validation-share", type=float, default=0.2)
    parser.add_argument("--max-len", type=int, default=200, help="last calls of each trace that are kept")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--embedding", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/keras-stages"), help="folder for the histories")
    options = parser.parse_args()
    x, y = rows_of(options.data, options.max_len)
    print(f"{len(x)} traces: {dict(zip(CLASSES, [int((y == c).sum()) for c in range(len(CLASSES))]))}")
    for stage in options.stages:
        run(stage, options, x, y)


if __name__ == "__main__":
    main()
