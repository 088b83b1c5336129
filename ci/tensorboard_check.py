"""Reads a run directory with the programs its files are meant for: TensorBoard and pandas.

    python ci/tensorboard_check.py RUN

Both must show the same history. Needs the packages tensorboard and pandas; ends with status 1 if something differs.
"""

import pathlib
import sys

import numpy as np
import pandas as pd
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

TAGS = {
    "train": {"epoch_loss": "loss", "epoch_accuracy": "accuracy", "epoch_learning_rate": "learning_rate"},
    "validation": {"epoch_loss": "val_loss", "epoch_accuracy": "val_accuracy"},
}


def same(what, got, expected):
    if len(got) != len(expected) or not np.allclose(got, expected, rtol=1e-6, equal_nan=True):
        sys.exit(f"{what}: TensorBoard has\n{list(got)}\nhistory.csv has\n{list(expected)}")


run = pathlib.Path(sys.argv[1])
history = pd.read_csv(run / "history.csv")
expected = ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]
if list(history.columns[:5]) != expected:
    sys.exit(f"history.csv has the columns {list(history.columns)}; Keras' are {expected}")
if list(history["epoch"]) != list(range(len(history))):
    sys.exit(f"history.csv counts its epochs {list(history['epoch'])}")
if not all(dtype.kind in "fi" for dtype in history.dtypes):
    sys.exit(f"pandas takes a column of history.csv for text:\n{history.dtypes}")

compared = 0
for part, tags in TAGS.items():
    # As scripts read them.
    accumulator = EventAccumulator(str(run / "tensorboard" / part))
    accumulator.Reload()
    for tag, column in tags.items():
        events = accumulator.Scalars(tag)
        same(f"{part}/{tag}, epochs", [event.step for event in events], history["epoch"])
        same(f"{part}/{tag}", [event.value for event in events], history[column])
        compared += len(events)

# As the program itself reads them: it turns scalars into tensors of its scalars plugin.
multiplexer = EventMultiplexer().AddRunsFromDirectory(str(run / "tensorboard"))
multiplexer.Reload()
if sorted(multiplexer.Runs()) != sorted(TAGS):
    sys.exit(f"TensorBoard sees the runs {sorted(multiplexer.Runs())}")
for part, tags in TAGS.items():
    for tag, column in tags.items():
        plugin = multiplexer.SummaryMetadata(part, tag).plugin_data.plugin_name
        if plugin != "scalars":
            sys.exit(f"TensorBoard shows {part}/{tag} under {plugin}, not scalars")
        values = [float(np.array(event.tensor_proto.float_val)[0]) for event in multiplexer.Tensors(part, tag)]
        same(f"{part}/{tag}, as the program reads it", values, history[column])

print(f"{compared} scalars of {len(history)} epochs: TensorBoard, pandas and history.csv agree.")
