"""Makes the logs in this folder with the programs whose logs they are.

    pip install keras tensorflow-cpu torch tensorboard lightning wandb mlflow-skinny
    python make_logs.py FOLDER [keras] [tensorflow] [torch] [lightning] [wandb] [mlflow]

Each trains something tiny, or logs made-up numbers where only the format matters. What a program writes of the
machine it runs on (host names, users, paths) is left out: event files are renamed, of a W&B run only history,
settings and exit code are kept, and of MLflow's meta.yaml the lines that name places go.
"""

import contextlib
import io
import json
import os
import pathlib
import shutil
import struct
import sys
import zlib

os.makedirs("scratch", exist_ok=True)
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
FOLDER = pathlib.Path(sys.argv[1])


def rename_events(folder):
    for path in pathlib.Path(folder).rglob("*tfevents*"):
        suffix = ".v2" if path.name.endswith(".v2") else ""
        path.rename(path.with_name("events.out.tfevents.0000000001.host" + suffix))


def small_model():
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def small_data():
    import numpy as np

    x = np.random.default_rng(0).random((200, 4))
    return x, (x.sum(1) > 2).astype(int)


def make_keras():
    import keras

    x, y = small_data()
    for verbose in (1, 2):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            model = small_model()
            model.summary()
            stop = keras.callbacks.EarlyStopping(patience=0, min_delta=1, verbose=1)
            history = model.fit(
                x, y, epochs=3, validation_split=0.2, verbose=verbose,
                callbacks=[keras.callbacks.CSVLogger(FOLDER / "keras_csvlogger.csv")])
            model.evaluate(x, y, verbose=verbose)
            model.fit(x, y, epochs=9, validation_split=0.2, verbose=verbose, callbacks=[stop])
        (FOLDER / f"keras_verbose_{verbose}.txt").write_text(printed.getvalue())
    (FOLDER / "keras_history.json").write_text(json.dumps(history.history))


def make_tensorflow():
    import keras

    x, y = small_data()
    shutil.rmtree(FOLDER / "tensorflow", ignore_errors=True)
    board = keras.callbacks.TensorBoard(FOLDER / "tensorflow", write_graph=False)
    small_model().fit(x, y, epochs=3, validation_split=0.2, verbose=0, callbacks=[board])
    rename_events(FOLDER / "tensorflow")


def make_torch():
    from torch.utils.tensorboard import SummaryWriter

    for name, new_style in (("torch", False), ("torch_new_style", True)):
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        with SummaryWriter(FOLDER / name) as writer:
            for epoch in range(3):
                writer.add_scalar("Loss/train", 1 / (epoch + 1), epoch, new_style=new_style)
                writer.add_scalar("Loss/val", 2 / (epoch + 1), epoch, new_style=new_style, double_precision=new_style)
    shutil.rmtree(FOLDER / "torch_add_scalars", ignore_errors=True)
    with SummaryWriter(FOLDER / "torch_add_scalars") as writer:
        for epoch in range(3):
            writer.add_scalars("Loss", {"train": 1 / (epoch + 1), "val": 2 / (epoch + 1)}, epoch)
    for name in ("torch", "torch_new_style", "torch_add_scalars"):
        rename_events(FOLDER / name)


def make_lightning():
    import lightning
    import torch
    from lightning.pytorch.loggers import CSVLogger
    from torch.utils.data import DataLoader, TensorDataset

    class Module(lightning.LightningModule):
        def __init__(self, lr=0.01, hidden=4):
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(4, 2)

        def training_step(self, batch, _):
            loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch, _):
            output = self.layer(batch[0])
            self.log("val_loss", torch.nn.functional.cross_entropy(output, batch[1]))
            self.log("val_acc", (output.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)

    torch.manual_seed(1)
    x = torch.rand(128, 4)
    data = TensorDataset(x, (x.sum(1) > 2).long())
    logger = CSVLogger("scratch", name="", version="")
    trainer = lightning.Trainer(
        max_epochs=3, logger=logger, log_every_n_steps=10, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, accelerator="cpu")
    trainer.fit(Module(), DataLoader(data, batch_size=8), DataLoader(data, batch_size=64))
    (FOLDER / "lightning").mkdir(exist_ok=True)
    for name in ("metrics.csv", "hparams.yaml"):
        shutil.copy(pathlib.Path(logger.log_dir) / name, FOLDER / "lightning" / name)


BLOCK = 32 << 10
HEADER = b":W&B\xe1\xbe\x00"


def wandb_records(file):
    """The records of a .wandb file: LevelDB's log format after a header of 7 bytes."""
    at, record = len(HEADER), b""
    while True:
        left = BLOCK - at % BLOCK
        if left < 7:
            at += left
            continue
        if at + 7 > len(file):
            return
        length, kind = struct.unpack("<HB", file[at + 4 : at + 7])
        data = file[at + 7 : at + 7 + length]
        record = data if kind in (1, 2) else record + data
        at += 7 + length
        if kind in (1, 4):
            yield record


def wandb_file(records):
    """Records as a .wandb file; none of them spans blocks."""
    file = HEADER
    for record in records:
        assert BLOCK - len(file) % BLOCK > 7 + len(record)
        crc = zlib.crc32(b"\x01" + record)
        file += struct.pack("<IHB", crc, len(record), 1) + record
    return file


def make_wandb():
    import wandb
    from wandb.proto import wandb_internal_pb2 as pb

    os.environ["WANDB_MODE"] = "offline"
    run = wandb.init(project="p", config={"lr": 0.001, "optimizer": "adam"}, dir="scratch")
    for epoch in range(3):
        run.log({"epoch": epoch, "loss": 1 / (epoch + 1), "val_loss": 2 / (epoch + 1), "nested": {"acc": 0.5}})
    folder = pathlib.Path(run.dir).parent
    run.finish()
    kept = []
    for data in wandb_records(next(folder.glob("*.wandb")).read_bytes()):
        record, clean = pb.Record(), pb.Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "history":
            clean.history.CopyFrom(record.history)
        elif kind == "exit":
            clean.exit.exit_code = record.exit.exit_code
        elif kind == "run":
            for item in record.run.config.update:
                if item.key != "_wandb":
                    clean.run.config.update.add().CopyFrom(item)
        else:
            continue
        kept.append(clean.SerializeToString())
    (FOLDER / "wandb").mkdir(exist_ok=True)
    (FOLDER / "wandb" / "run-made.wandb").write_bytes(wandb_file(kept))


def make_mlflow():
    import mlflow

    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    shutil.rmtree("scratch/mlruns", ignore_errors=True)
    mlflow.set_tracking_uri(pathlib.Path("scratch/mlruns").absolute().as_uri())
    with mlflow.start_run(run_name="first"):
        mlflow.log_params({"lr": 0.1, "optimizer": "sgd"})
        for epoch in range(3):
            mlflow.log_metrics({"train_loss": 1 / (epoch + 1), "val/loss": 2 / (epoch + 1)}, step=epoch)
    run = next(pathlib.Path("scratch/mlruns").glob("0/*/meta.yaml")).parent
    target = FOLDER / "mlflow" / "0" / "run"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for part in ("metrics", "params"):
        shutil.copytree(run / part, target / part)
    lines = (run / "meta.yaml").read_text().splitlines()
    places = ("artifact_uri", "user_id", "source_name", "entry_point_name")
    (target / "meta.yaml").write_text("".join(f"{line}\n" for line in lines if not line.startswith(places)))


if __name__ == "__main__":
    wanted = sys.argv[2:] or ["keras", "tensorflow", "torch", "lightning", "wandb", "mlflow"]
    FOLDER = FOLDER.absolute()
    for name in wanted:
        globals()[f"make_{name}"]()
