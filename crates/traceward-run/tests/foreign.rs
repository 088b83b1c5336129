//! Logs as programs write them: `foreign/make_logs.py` made the files of `tests/foreign`.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use traceward_run::foreign::{self, ForeignError, Kind, Log, LoggedRun};

fn made(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign").join(name)
}

fn read(name: &str) -> Log {
    foreign::read(&made(name)).unwrap()
}

fn column(run: &LoggedRun, name: Option<&String>) -> Vec<f64> {
    run.history.column(name.unwrap()).unwrap().iter().map(|value| value.unwrap()).collect()
}

/// Whether values agree but for the decimals that a program leaves out.
fn close(left: &[f64], right: &[f64], within: f64) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| (left - right).abs() <= within)
}

#[test]
fn keras_says_the_same_in_every_log() {
    let csv = read("keras_csvlogger.csv");
    assert_eq!((csv.kind, csv.runs.len(), csv.notes.len()), (Kind::KerasCsv, 1, 0));
    let logs = [
        ("keras_history.json", Kind::HistoryJson, 0.0),
        ("keras_verbose_1.txt", Kind::Console, 6e-5),
        ("keras_verbose_2.txt", Kind::Console, 6e-5),
        ("tensorflow", Kind::TensorBoard, 1e-7),
    ];
    for (name, kind, within) in logs {
        let log = read(name);
        assert_eq!(log.kind, kind, "{name}");
        let (run, expected) = (&log.runs[0], &csv.runs[0]);
        let (names, of) = (&run.columns, &expected.columns);
        for (left, right) in [
            (&names.loss, &of.loss),
            (&names.val_loss, &of.val_loss),
            (&names.accuracy, &of.accuracy),
            (&names.val_accuracy, &of.val_accuracy),
        ] {
            let (left, right) = (column(run, left.as_ref()), column(expected, right.as_ref()));
            assert!(close(&left, &right, within), "{name}: {left:?} is not {right:?}");
        }
        assert!(!run.by_step, "{name}");
    }
}

#[test]
fn the_console_also_shows_the_model_and_why_it_stopped() {
    for name in ["keras_verbose_1.txt", "keras_verbose_2.txt"] {
        let log = read(name);
        assert_eq!(log.runs.len(), 2);
        let model = log.runs[0].model.as_ref().unwrap();
        let layers: Vec<_> =
            model.layers.iter().map(|layer| (layer.class_name.as_str(), layer.parameters)).collect();
        assert_eq!(layers, [("Dense", Some(20)), ("Dense", Some(5))]);
        let [first, second] = [0, 1].map(|run| (log.runs[run].planned_epochs, log.runs[run].stopped_early));
        assert_eq!((first, second), ((Some(3), false), (Some(9), true)));
    }
}

#[test]
fn pytorch_writes_scalars_in_three_ways() {
    for name in ["torch", "torch_new_style", "torch_add_scalars"] {
        let log = read(name);
        assert_eq!((log.kind, log.runs.len(), log.notes.len()), (Kind::TensorBoard, 1, 0), "{name}");
        let run = &log.runs[0];
        assert!(close(&column(run, run.columns.loss.as_ref()), &[1.0, 0.5, 1.0 / 3.0], 1e-7), "{name}");
        assert!(close(&column(run, run.columns.val_loss.as_ref()), &[2.0, 1.0, 2.0 / 3.0], 1e-7), "{name}");
    }
}

#[test]
fn lightning_has_a_history_by_epoch_its_steps_and_settings() {
    let log = read("lightning");
    assert_eq!(log.kind, Kind::LightningCsv);
    let run = &log.runs[0];
    assert_eq!(run.history.counters(), [0, 1, 2]);
    assert_eq!(run.columns.loss.as_deref(), Some("train_loss_epoch"));
    assert_eq!(run.columns.val_accuracy.as_deref(), Some("val_acc"));
    assert_eq!(run.steps.as_ref().unwrap().columns.loss.as_deref(), Some("train_loss_step"));
    assert_eq!(run.hyperparameters["lr"], 0.01);
}

#[test]
fn trackers_keep_their_runs_in_folders() {
    for (name, kind, loss, val_loss) in
        [("wandb", Kind::WandB, "loss", "val_loss"), ("mlflow", Kind::MLflow, "train_loss", "val/loss")]
    {
        let log = read(name);
        assert_eq!((log.kind, log.runs.len()), (kind, 1));
        let run = &log.runs[0];
        assert_eq!(
            (run.columns.loss.as_deref(), run.columns.val_loss.as_deref()),
            (Some(loss), Some(val_loss))
        );
        assert_eq!(column(run, run.columns.val_loss.as_ref()), [2.0, 1.0, 2.0 / 3.0]);
        assert!(run.hyperparameters.contains_key("lr") && run.hyperparameters.contains_key("optimizer"));
    }
}

#[test]
fn what_is_pasted_reads_as_what_is_in_the_file() {
    for name in ["keras_csvlogger.csv", "keras_history.json", "keras_verbose_1.txt", "wandb/run-made.wandb"] {
        let bytes = fs::read(made(name)).unwrap();
        let (pasted, file) = (foreign::read_bytes("-", &bytes).unwrap(), read(name));
        assert_eq!((pasted.kind, pasted.runs), (file.kind, file.runs), "{name}");
    }
}

#[test]
fn powershell_redirects_into_utf_16() {
    let text = fs::read_to_string(made("keras_verbose_2.txt")).unwrap();
    let wide: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(foreign::read_bytes("-", &wide).unwrap().runs, read("keras_verbose_2.txt").runs);
}

#[test]
fn kinds_are_told_by_content_not_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let kind_of = |bytes: &[u8]| {
        let path = folder.path().join("x.csv");
        fs::write(&path, bytes).unwrap();
        let kind = foreign::look(&path).unwrap();
        assert_eq!(kind, foreign::look_at(bytes));
        kind
    };
    let script = b"import keras\nfrom keras import layers\nmodel = keras.Sequential()\nmodel.add(layers.Dense(3))\nmodel.compile(loss='mse')\nmodel.fit(x, y, epochs=3)\nprint('Epoch 1: loss 0.5')\n";
    assert_eq!(kind_of(script), Kind::Script);
    assert_eq!(kind_of(b"\"\"\"Trains.\"\"\"\nimport torch\nfor epoch in range(3):\n    loss = f(epoch)\n    print('loss', loss)\n"), Kind::Script);
    assert_eq!(kind_of(b"\x89HDF\r\n\x1a\nrest"), Kind::KerasModel);
    assert_eq!(kind_of(b"PK\x03\x04 metadata.json config.json model.weights.h5"), Kind::KerasModel);
    assert_eq!(
        kind_of(b"{\"class_name\": \"Sequential\", \"config\": {\"layers\": []}, \"keras_version\": \"3\"}"),
        Kind::KerasModel
    );
    assert_eq!(kind_of(b"label,trace\nnormal,3 4 5 6\nattack,5 6 7 8\n"), Kind::DataSet);
    assert_eq!(kind_of(b"{\"calls\": [\"read\", \"write\"], \"class\": \"normal\"}\n"), Kind::DataSet);
    assert_eq!(kind_of(b"6 6 63 6 42 120 6 195 120 6 6 114 114 1 1 252\n"), Kind::DataSet);
    assert_eq!(kind_of(b"# Notes\n\nThe meeting is at 3.\n"), Kind::Unknown);
    assert_eq!(kind_of(b""), Kind::Unknown);
    assert_eq!(kind_of(&[0; 100]), Kind::Unknown);
    assert_eq!(kind_of(b"Epoch 1/3\n - 1s - loss: 0.5\n"), Kind::Console);
    assert_eq!(
        kind_of(b"step,epoch,accuracy,loss,learning_rate,gradient_norm\n0,0,0.5,0.7,0.001,1.0\n"),
        Kind::KerasCsv
    );
}

#[test]
fn a_long_log_is_told_by_its_ends() {
    let mut text = "starting\n".repeat(20_000);
    text.push_str("Epoch 1/2\n - 1s - loss: 0.5\nEpoch 2/2\n - 1s - loss: 0.25\n");
    assert_eq!(foreign::look_at(text.as_bytes()), Kind::Console);
    assert_eq!(foreign::read_text("-", &text).unwrap().runs[0].history.len(), 2);
}

#[test]
fn what_is_no_log_says_so() {
    let message = |text: &str| foreign::read_text("pasted text", text).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            message(""),
            message("What is this?\n"),
            message("import keras\nfrom keras import layers\nmodel = keras.Sequential()\n"),
            message("{\"loss\": []}"),
            message("epoch,loss\n0;1\n"),
            message("epoch,loss\n"),
        ]
        .join("\n")
    );
    let missing = foreign::read(Path::new("no such log"));
    assert!(matches!(missing, Err(ForeignError::Io { .. })));
}

#[test]
fn a_folder_is_its_best_log() {
    let folder = tempfile::tempdir().unwrap();
    let error = foreign::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("no file in the folder is a log"), "{error}");
    let inner = folder.path().join("lightning_logs");
    for version in [2, 10] {
        let version = inner.join(format!("version_{version}"));
        fs::create_dir_all(&version).unwrap();
        fs::copy(made("lightning/metrics.csv"), version.join("metrics.csv")).unwrap();
    }
    fs::write(inner.join("notes.md"), "nothing").unwrap();
    let log = foreign::read(folder.path()).unwrap();
    assert_eq!(log.kind, Kind::LightningCsv);
    assert!(log.notes[0].contains("version_10"), "{:?}", log.notes);
}

#[test]
fn names_of_kinds() {
    let all = [Kind::RunDirectory, Kind::WandB, Kind::MLflow, Kind::KerasCsv, Kind::TensorBoard];
    assert_eq!(
        serde_json::to_string(&all).unwrap(),
        r#"["run_directory","wandb","mlflow","keras_csv","tensor_board"]"#
    );
    assert_eq!(format!("{}", Kind::WandB), "W&B run");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens to a log on its way, reading it is no crash.
    #[test]
    fn damaged_logs_are_read_or_refused(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..6),
        which in 0..8_usize,
    ) {
        let names = [
            "keras_csvlogger.csv", "keras_history.json", "keras_verbose_1.txt", "keras_verbose_2.txt", "lightning/metrics.csv",
            "wandb/run-made.wandb", "torch/events.out.tfevents.0000000001.host", "make_logs.py",
        ];
        let mut bytes = fs::read(made(names[which])).unwrap();
        for (from, to, byte) in cuts {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            match byte % 4 {
                0 => bytes[from] = byte,
                1 => bytes[from] ^= 1 << (byte >> 5),
                2 => { bytes.drain(from.min(to)..from.min(to) + from.abs_diff(to).min(100).min(bytes.len() - 1)); }
                _ => {
                    let copy = bytes[from.min(to)..from.max(to)].to_vec();
                    bytes.splice(to..to, copy);
                }
            }
        }
        let _ = foreign::look_at(&bytes);
        if let Ok(log) = foreign::read_bytes("-", &bytes) {
            for run in &log.runs {
                let names = [&run.columns.loss, &run.columns.val_loss, &run.columns.accuracy, &run.columns.val_accuracy];
                for name in names.into_iter().flatten() {
                    prop_assert!(run.history.column(name).is_some(), "{name} of {:?}", run.history.names().collect::<Vec<_>>());
                }
            }
        }
    }
}
