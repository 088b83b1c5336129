//! What a column is, by its name: `Loss/val`, `valid_loss` and `testLoss` are the validation loss.
//!
//! A name is cut into words. Some say *when* (`train`, `val`, `test`), some *what* (`loss`, `acc`, `lr`), some
//! nothing (`epoch`, `avg`); words left over make a name a worse candidate (`box_loss` is a loss, but `loss`
//! is a better one).
//!
//! The words are listed at [`Columns`].

use serde::Serialize;

/// Which side of the split a number was measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Train,
    Validation,
    Test,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    Loss,
    Accuracy,
    LearningRate,
    GradientNorm,
    Seconds,
}

/// A name, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) side: Option<Side>,
    pub(super) quantity: Option<Quantity>,
    /// Whether the quantity is only a stand-in, such as `mse` for the loss.
    pub(super) stand_in: bool,
    /// Whether it is one step's value.
    pub(super) of_a_step: bool,
    /// Small words that change nothing.
    fillers: usize,
    /// Words that are left over.
    rest: Vec<String>,
}

impl Meaning {
    /// Whether no word is left over.
    pub(super) fn is_plain(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Chinese is written without blanks between words.
const CHINESE: [(&str, &str); 9] = [
    ("训练", " train "),
    ("验证", " val "),
    ("测试", " test "),
    ("损失", " loss "),
    ("准确率", " accuracy "),
    ("正确率", " accuracy "),
    ("学习率", " learning rate "),
    ("平均", " average "),
    ("集", " set "),
];

/// The words of a name, in lower case: cut at signs, and between a small and a capital letter.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    let translated;
    let name = if name.is_ascii() {
        name
    } else {
        translated =
            CHINESE.iter().fold(name.to_owned(), |name, (word, english)| name.replace(word, english));
        &translated
    };
    for letter in name.chars().take(200) {
        let capital = letter.is_uppercase() && before.is_lowercase();
        let long = words.last().is_some_and(|word| word.chars().nth(1).is_some());
        if !letter.is_alphanumeric() || (capital && long) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

fn side(word: &str) -> Option<Side> {
    Some(match word {
        "train" | "training" | "trained" | "trn" | "tr" => Side::Train,
        "val" | "valid" | "validation" | "validate" | "validating" | "eval" | "evaluation" | "evaluate"
        | "evaluating" | "dev" | "holdout" | "vld" | "metrics" => Side::Validation,
        "test" | "testing" | "tst" => Side::Test,
        _ => return None,
    })
}

fn quantity(word: &str) -> Option<(Quantity, bool)> {
    Some(match word {
        "loss" | "losses" | "cost" | "objective" | "logloss" | "mlogloss" => (Quantity::Loss, false),
        "error" | "err" | "nll" | "crossentropy" | "xent" | "ce" | "bce" | "mse" | "rmse" | "mae"
        | "perplexity" | "ppl" | "elbo" | "deviance" => (Quantity::Loss, true),
        "acc" | "accuracy" | "accuracies" | "acc1" | "top1" | "prec1" => (Quantity::Accuracy, false),
        "f1" | "auc" | "auroc" | "iou" | "miou" | "dice" | "map" | "map50" | "precision" | "prec"
        | "recall" | "kappa" | "mcc" | "r2" | "score" => (Quantity::Accuracy, true),
        "lr" | "lrs" => (Quantity::LearningRate, false),
        "gnorm" | "gradnorm" => (Quantity::GradientNorm, false),
        "seconds" | "secs" | "sec" | "time" | "duration" | "elapsed" | "dur" | "runtime" => {
            (Quantity::Seconds, false)
        }
        _ => return None,
    })
}

/// Understands a name.
pub(super) fn meaning(name: &str) -> Meaning {
    let mut found = Meaning::default();
    let mut pending = words(name);
    pending.reverse();
    let mut before = String::new();
    while let Some(word) = pending.pop() {
        let next = pending.last().map(String::as_str);
        let two = match (word.as_str(), next) {
            ("learning", Some("rate")) | ("step", Some("size")) => Some(Quantity::LearningRate),
            ("grad" | "gradient" | "gradients", Some("norm")) => Some(Quantity::GradientNorm),
            ("wall", Some("time")) => Some(Quantity::Seconds),
            _ => None,
        };
        if let Some(quantity) = two {
            pending.pop();
            found.quantity = Some(quantity);
        } else if (word == "cross" && next == Some("entropy")) || (word == "log" && next == Some("loss")) {
            pending.pop();
            let stand_in = word == "cross";
            if found.quantity.is_none() {
                (found.quantity, found.stand_in) = (Some(Quantity::Loss), stand_in);
            } else {
                found.fillers += 1;
            }
        } else if let Some(new) = side(&word).filter(|_| found.side.is_none()) {
            found.side = Some(new);
        } else if let Some((quantity, stand_in)) = quantity(&word) {
            match found.quantity {
                // `mse_loss`, `f1_accuracy`: the plain word says what it is, the other which.
                Some(had) if had == quantity && found.stand_in && !stand_in => {
                    found.stand_in = false;
                    found.rest.push(before.clone());
                }
                Some(_) => found.rest.push(word.clone()),
                None => (found.quantity, found.stand_in) = (Some(quantity), stand_in),
            }
        } else if matches!(word.as_str(), "step" | "batch" | "iter" | "iteration" | "iterations") {
            found.of_a_step = true;
        } else if matches!(
            word.as_str(),
            "epoch"
                | "avg"
                | "average"
                | "mean"
                | "total"
                | "overall"
                | "running"
                | "main"
                | "value"
                | "metric"
                | "s"
                | "the"
                | "of"
                | "on"
                | "set"
                | "model"
                | "global"
                | "this"
                | "per"
                | "binary"
                | "categorical"
                | "sparse"
                | "classification"
                | "percent"
                | "pct"
        ) {
            found.fillers += 1;
        } else if word == "1" && found.quantity == Some(Quantity::Accuracy) {
            found.stand_in &= before != "prec";
        } else if word == "gradient" || word == "grad" {
            // Lightning's `grad_2.0_norm_total`.
            found.rest.push(word.clone());
            if pending.iter().any(|word| word == "norm") {
                found.quantity = Some(Quantity::GradientNorm);
                found.rest.clear();
                pending.retain(|word| word.parse::<u32>().is_err() && word != "norm");
            }
        } else if let Some((side, rest)) = glued(&word).filter(|_| found.side.is_none()) {
            found.side = Some(side);
            pending.push(rest.to_owned());
        } else {
            found.rest.push(word.clone());
        }
        before = word;
    }
    // The best value so far is not the value now.
    if found
        .rest
        .iter()
        .any(|word| matches!(word.as_str(), "best" | "min" | "max" | "lowest" | "highest" | "patience"))
    {
        found.quantity = None;
    }
    found
}

/// `trainloss`, `valacc`, `vloss`.
fn glued(word: &str) -> Option<(Side, &str)> {
    let sides = [
        ("train", Side::Train),
        ("valid", Side::Validation),
        ("val", Side::Validation),
        ("test", Side::Test),
        ("dev", Side::Validation),
        ("v", Side::Validation),
    ];
    sides.into_iter().find_map(|(prefix, side)| {
        let rest = word.strip_prefix(prefix)?;
        matches!(quantity(rest), Some((Quantity::Loss | Quantity::Accuracy, _))).then_some((side, rest))
    })
}

/// Whether a word or phrase names a counter of epochs.
pub(super) fn counts_epochs(name: &str) -> bool {
    matches!(
        name.trim().to_lowercase().as_str(),
        "epoch" | "epochs" | "ep" | "epoch_num" | "epoch number" | "epoch_number" | "epoch#" | "round"
    )
}

/// Whether a word or phrase names a counter of steps.
pub(super) fn counts_steps(name: &str) -> bool {
    matches!(
        name.trim().to_lowercase().as_str(),
        "step"
            | "steps"
            | "global_step"
            | "global step"
            | "_step"
            | "iter"
            | "iters"
            | "iteration"
            | "iterations"
            | "it"
            | "batch"
            | "num_updates"
            | "update"
            | "trainer/global_step"
            | "n_iter"
            | "num_batches"
            | "minibatch"
            | "训练次数"
            | "步数"
    )
}

/// Whether a name is that of something a training is judged by.
pub(super) fn is_metric(name: &str) -> bool {
    matches!(meaning(name).quantity, Some(Quantity::Loss | Quantity::Accuracy))
}

/// Which column of a history is which standard quantity, by name.
///
/// | quantity | words | used only where nothing better is |
/// |---|---|---|
/// | loss | `loss`, `losses`, `cost`, `objective`, `logloss`, `mlogloss` | `error`, `nll`, `crossentropy`, `ce`, `bce`, `mse`, `rmse`, `mae`, `perplexity`, `ppl`, `elbo`, `deviance` |
/// | accuracy | `acc`, `accuracy`, `acc1`, `top1`, `prec@1` | `f1`, `auc`, `auroc`, `iou`, `miou`, `dice`, `map`, `precision`, `recall`, `kappa`, `mcc`, `r2`, `score` |
/// | learning rate | `lr`, `learning rate`, `step size` | |
/// | gradient norm | `grad norm`, `gradient norm`, `gnorm` | |
/// | seconds | `seconds`, `sec`, `time`, `duration`, `elapsed`, `dur` | |
///
/// | side | words |
/// |---|---|
/// | training | `train`, `training`, `trn`, `tr` |
/// | validation | `val`, `valid`, `validation`, `eval`, `evaluation`, `dev`, `holdout`; `metrics/` of YOLO |
/// | test | `test`, `testing`, `tst`: stands for validation where there is none |
///
/// Where several columns fit, fewer words left over win, then names of an epoch's value over a step's, then more
/// values, then the order of the log. Both losses and both accuracies are the same measure where that can be.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Columns {
    /// Training loss.
    pub loss: Option<String>,
    /// Validation loss; the test loss where there is no other.
    pub val_loss: Option<String>,
    /// Training accuracy, or what stands in for it: larger is better.
    pub accuracy: Option<String>,
    /// Validation accuracy, the same measure as `accuracy` where both are logged.
    pub val_accuracy: Option<String>,
    /// Step size.
    pub learning_rate: Option<String>,
    /// Norm of the gradient.
    pub gradient_norm: Option<String>,
    /// How long a row took.
    pub seconds: Option<String>,
    /// What 1 is in the accuracies: 100 where they are percentages.
    pub accuracy_unit: AccuracyUnit,
}

/// What accuracies are counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccuracyUnit {
    /// 0 to 1.
    #[default]
    Share,
    /// 0 to 100.
    Percent,
}

impl AccuracyUnit {
    /// What a value is divided by to become a share.
    pub fn whole(self) -> f64 {
        match self {
            Self::Share => 1.0,
            Self::Percent => 100.0,
        }
    }
}

struct Candidate<'a> {
    name: &'a str,
    meaning: Meaning,
    values: usize,
}

impl Candidate<'_> {
    /// The smaller the better.
    fn distance(&self, most_values: usize) -> usize {
        let sparse = self.values * 5 < most_values;
        self.meaning.fillers
            + 10 * self.meaning.rest.len()
            + 100 * usize::from(self.meaning.stand_in)
            + 25 * usize::from(self.meaning.of_a_step)
            + 30 * usize::from(sparse)
            + 20 * self
                .meaning
                .rest
                .iter()
                .filter(|word| matches!(word.as_str(), "top" | "k" | "5" | "top5" | "acc5"))
                .count()
    }
}

impl Columns {
    /// Finds the columns by their names; a column that never has a value is none. `columns`: each name, and
    /// how many values it has.
    pub(super) fn find(columns: &[(&str, usize)]) -> Self {
        let candidates: Vec<Candidate<'_>> = columns
            .iter()
            .filter(|(_, values)| *values > 0)
            .map(|&(name, values)| Candidate { name, meaning: meaning(name), values })
            .collect();
        let best = |quantity: Quantity, sides: &[Option<Side>], like: Option<&Candidate<'_>>| {
            let of_kind = |candidate: &&Candidate<'_>| {
                candidate.meaning.quantity == Some(quantity) && sides.contains(&candidate.meaning.side)
            };
            let most = candidates.iter().filter(of_kind).map(|candidate| candidate.values).max()?;
            candidates.iter().filter(of_kind).min_by_key(|candidate| {
                let unlike = like.is_some_and(|like| {
                    like.meaning.rest != candidate.meaning.rest
                        || like.meaning.stand_in != candidate.meaning.stand_in
                });
                let side = sides.iter().position(|side| *side == candidate.meaning.side).unwrap_or(0);
                // Two that fit equally well stand in the order of the log.
                candidate.distance(most) + 8 * side + 35 * usize::from(unlike)
            })
        };
        let (train, validation) = ([None, Some(Side::Train)], [Some(Side::Validation), Some(Side::Test)]);
        let name = |candidate: Option<&Candidate<'_>>| candidate.map(|candidate| candidate.name.to_owned());
        let of_train = |quantity| {
            // With `train_` names about, a name without a side is rather not the training's.
            let sided = best(quantity, &[Some(Side::Train)], None);
            let any = best(quantity, &train, None);
            match (sided, any) {
                (Some(sided), Some(any))
                    if sided.meaning.stand_in == any.meaning.stand_in
                        && sided.meaning.rest.len() <= any.meaning.rest.len()
                        && sided.values * 2 >= any.values =>
                {
                    Some(sided)
                }
                (_, any) => any,
            }
        };
        let loss = of_train(Quantity::Loss);
        let val_loss = best(Quantity::Loss, &validation, loss);
        let mut accuracy = of_train(Quantity::Accuracy);
        let mut val_accuracy = best(Quantity::Accuracy, &validation, accuracy);
        // A stand-in on one side, the thing itself on the other: only the latter.
        if let (Some(train), Some(other)) = (accuracy, val_accuracy)
            && train.meaning.stand_in != other.meaning.stand_in
        {
            if train.meaning.stand_in { accuracy = None } else { val_accuracy = None }
        }
        // fastai's and many a print's `train_loss, valid_loss, accuracy`: measured where the losses were last.
        let sides_are_named =
            loss.is_some_and(|loss| loss.meaning.side == Some(Side::Train)) && val_loss.is_some();
        if sides_are_named
            && val_accuracy.is_none()
            && accuracy.is_some_and(|found| found.meaning.side.is_none())
        {
            val_accuracy = accuracy.take();
        }
        Self {
            loss: name(loss),
            val_loss: name(val_loss),
            accuracy: name(accuracy),
            val_accuracy: name(val_accuracy),
            learning_rate: name(best(Quantity::LearningRate, &train, None)),
            gradient_norm: name(best(Quantity::GradientNorm, &train, None)),
            seconds: name(best(Quantity::Seconds, &train, None)),
            accuracy_unit: AccuracyUnit::Share,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(names: &[&str]) -> Columns {
        let columns: Vec<(&str, usize)> = names.iter().map(|name| (*name, 10)).collect();
        Columns::find(&columns)
    }

    fn losses(names: &[&str]) -> (Option<String>, Option<String>, Option<String>, Option<String>) {
        let Columns { loss, val_loss, accuracy, val_accuracy, .. } = found(names);
        (loss, val_loss, accuracy, val_accuracy)
    }

    fn some(names: [&str; 4]) -> (Option<String>, Option<String>, Option<String>, Option<String>) {
        let [a, b, c, d] = names.map(|name| (!name.is_empty()).then(|| name.to_owned()));
        (a, b, c, d)
    }

    #[test]
    fn the_four_curves_of_many_frameworks() {
        let cases: &[(&[&str], [&str; 4])] = &[
            (
                &["accuracy", "loss", "val_accuracy", "val_loss"],
                ["loss", "val_loss", "accuracy", "val_accuracy"],
            ),
            (&["acc", "loss", "val_acc", "val_loss"], ["loss", "val_loss", "acc", "val_acc"]),
            (
                &["loss", "sparse_categorical_accuracy", "val_loss", "val_sparse_categorical_accuracy"],
                ["loss", "val_loss", "sparse_categorical_accuracy", "val_sparse_categorical_accuracy"],
            ),
            (&["accuracy", "top_k_categorical_accuracy", "loss"], ["loss", "", "accuracy", ""]),
            (&["top_k_categorical_accuracy", "accuracy", "loss"], ["loss", "", "accuracy", ""]),
            (&["Loss/train", "Loss/val", "Accuracy/val"], ["Loss/train", "Loss/val", "", "Accuracy/val"]),
            (
                &["Train Loss", "Train Robust Loss", "Test Loss", "Test Acc"],
                ["Train Loss", "Test Loss", "", "Test Acc"],
            ),
            (&["train_loss_epoch", "train_loss_step", "val_loss"], ["train_loss_epoch", "val_loss", "", ""]),
            (&["train_loss_step", "train_loss_epoch", "val_loss"], ["train_loss_epoch", "val_loss", "", ""]),
            (&["data_loss", "mean_loss"], ["mean_loss", "", "", ""]),
            (&["loss", "eval_loss", "eval_runtime", "grad_norm"], ["loss", "eval_loss", "", ""]),
            (&["train_loss", "valid_loss", "accuracy", "time"], ["train_loss", "valid_loss", "", "accuracy"]),
            (&["trainLoss", "testAcc", "testLoss"], ["trainLoss", "testLoss", "", "testAcc"]),
            (&["trainloss", "valloss", "vacc"], ["trainloss", "valloss", "", "vacc"]),
            (&["mse", "val_mse"], ["mse", "val_mse", "", ""]),
            (&["loss", "mse", "val_loss", "val_mse"], ["loss", "val_loss", "", ""]),
            (&["train-mlogloss", "eval-mlogloss"], ["train-mlogloss", "eval-mlogloss", "", ""]),
            (&["acc@1", "acc@5", "loss"], ["loss", "", "acc@1", ""]),
            (&["acc@5", "acc@1", "loss"], ["loss", "", "acc@1", ""]),
            (
                &["train/box_loss", "train/cls_loss", "val/cls_loss", "val/box_loss", "metrics/mAP50(B)"],
                ["train/box_loss", "val/box_loss", "", "metrics/mAP50(B)"],
            ),
            (&["loss", "best_val_loss"], ["loss", "", "", ""]),
            (&["train_loss", "test_loss", "val_loss"], ["train_loss", "val_loss", "", ""]),
            (&["train_loss", "test_loss"], ["train_loss", "test_loss", "", ""]),
        ];
        for (names, expected) in cases {
            assert_eq!(losses(names), some(*expected), "{names:?}");
        }
    }

    #[test]
    fn the_other_curves() {
        let columns = found(&["learning_rate", "grad_norm", "seconds"]);
        assert_eq!(columns.learning_rate.as_deref(), Some("learning_rate"));
        assert_eq!(columns.gradient_norm.as_deref(), Some("grad_norm"));
        assert_eq!(columns.seconds.as_deref(), Some("seconds"));
        let columns = found(&["lr-Adam", "grad_2.0_norm_total", "epoch_time"]);
        assert_eq!(columns.learning_rate.as_deref(), Some("lr-Adam"));
        assert_eq!(columns.gradient_norm.as_deref(), Some("grad_2.0_norm_total"));
        assert_eq!(columns.seconds.as_deref(), Some("epoch_time"));
    }

    #[test]
    fn a_column_without_values_is_none() {
        assert_eq!(Columns::find(&[("loss", 0)]), Columns::default());
        let columns = Columns::find(&[("train_loss", 1), ("loss", 100), ("eval_loss", 5)]);
        assert_eq!(columns.loss.as_deref(), Some("loss"));
    }

    proptest! {
        #[test]
        fn any_name_is_understood_or_not(name in ".{0,40}") {
            let _ = meaning(&name);
            let _ = Columns::find(&[(&name, 3), ("loss", 2)]);
        }
    }
}
