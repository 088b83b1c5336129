//! Curves: the losses and metrics of a run over its rows, and what can be computed of them.
//!
//! A [`Curve`] is one column without its gaps: an empty cell is not a value, NaN is one. [`Curve::shape`]
//! gives the numbers that rules speak of, in the catalogue's notation: running median, minimum, end, rise,
//! trend, noise. Rules never do arithmetic on raw columns, so that "the loss rose by 40 %" means the same
//! in all of them.
//!
//! A log of steps may have a million rows. A curve keeps at most [`MOST_POINTS`] of them: longer columns
//! are cut into equal stretches, each of which gives its mean, as an epoch's loss is the mean of its
//! batches'. Everything after that costs the same however long the log is.

mod losses;
mod shape;
mod turning;
mod words;

use traceward_run::History;
use traceward_run::foreign::{Columns, LoggedRun};

pub use losses::{Losses, POOR, SATURATED, least_constant_loss};
pub(crate) use shape::median;
pub use shape::{Shape, Trend, median_step, swings};
pub use turning::{Turning, turning};
pub use words::{figure, percent};

/// More values than this are reduced to their means over equal stretches.
pub const MOST_POINTS: usize = 2048;

/// One column of a history, without the rows that have no value in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Which row of the history each value stands in, from 0.
    pub rows: Vec<usize>,
    /// The values; NaN and infinities are kept, gaps are not values.
    pub values: Vec<f64>,
}

/// The curves of one run. `accuracy` stands for whatever metric is better when larger and lies in 0..=1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// Rows in the history.
    pub rows: usize,
    /// Training loss.
    pub loss: Option<Curve>,
    /// Validation loss.
    pub val_loss: Option<Curve>,
    /// Training accuracy.
    pub accuracy: Option<Curve>,
    /// Validation accuracy.
    pub val_accuracy: Option<Curve>,
    /// Step size.
    pub learning_rate: Option<Curve>,
    /// Norm of the gradient.
    pub gradient_norm: Option<Curve>,
    /// Seconds a row.
    pub seconds: Option<Curve>,
    /// Whether a row is a step rather than an epoch.
    pub steps: bool,
}

/// Which column of a history is which curve, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names<'a> {
    /// Training loss.
    pub loss: Option<&'a str>,
    /// Validation loss.
    pub val_loss: Option<&'a str>,
    /// Training accuracy.
    pub accuracy: Option<&'a str>,
    /// Validation accuracy.
    pub val_accuracy: Option<&'a str>,
    /// Step size.
    pub learning_rate: Option<&'a str>,
    /// Norm of the gradient.
    pub gradient_norm: Option<&'a str>,
    /// Seconds a row.
    pub seconds: Option<&'a str>,
}

impl Names<'static> {
    /// The names that Keras' CSVLogger and our own runs write.
    pub const KERAS: Self = Self {
        loss: Some("loss"),
        val_loss: Some("val_loss"),
        accuracy: Some("accuracy"),
        val_accuracy: Some("val_accuracy"),
        learning_rate: Some("learning_rate"),
        gradient_norm: Some("gradient_norm"),
        seconds: Some("seconds"),
    };
}

impl Curves {
    /// The curves of a history whose columns have these names. A column that is missing, or has no value,
    /// gives no curve.
    pub fn of(history: &History, names: &Names<'_>) -> Self {
        let curve = |name: Option<&str>| {
            let curve = Curve::of(history.column(name?)?);
            (!curve.is_empty()).then_some(curve)
        };
        Self {
            rows: history.len(),
            loss: curve(names.loss),
            val_loss: curve(names.val_loss),
            accuracy: curve(names.accuracy),
            val_accuracy: curve(names.val_accuracy),
            learning_rate: curve(names.learning_rate),
            gradient_norm: curve(names.gradient_norm),
            seconds: curve(names.seconds),
            steps: history.counter() == "step",
        }
    }
}

impl From<&History> for Curves {
    /// The curves of a history with Keras' names.
    fn from(history: &History) -> Self {
        Self::of(history, &Names::KERAS)
    }
}

/// Fewer epochs than this tell less than the steps within them.
const FEW_EPOCHS: usize = 5;

impl From<&LoggedRun> for Curves {
    /// The curves of a log of any framework. Percentages become shares; a measure that is no share is left out.
    ///
    /// Where a run of fewer than five epochs is logged by steps too, its training loss is that of the steps:
    /// two epochs have no shape, and a thousand batches do. Their rows are those of the epochs they belong to.
    fn from(run: &LoggedRun) -> Self {
        let mut curves = Self { steps: run.by_step, ..Self::of(&run.history, &Names::from(&run.columns)) };
        let whole = run.columns.accuracy_unit.whole();
        for accuracy in [&mut curves.accuracy, &mut curves.val_accuracy] {
            let share = accuracy.take().map(|curve| curve.divided_by(whole));
            *accuracy = share.filter(Curve::is_share);
        }
        let by_step = run
            .steps
            .as_ref()
            .and_then(|steps| Some(Curve::of(steps.history.column(steps.columns.loss.as_deref()?)?)));
        let few = curves.loss.as_ref().map_or(0, Curve::len);
        if let Some(by_step) =
            by_step.filter(|steps| few < FEW_EPOCHS && steps.len() >= 2 * FEW_EPOCHS.max(few))
        {
            curves.loss = Some(by_step.over(curves.rows));
            curves.steps = true;
        }
        curves
    }
}

impl<'a> From<&'a Columns> for Names<'a> {
    fn from(columns: &'a Columns) -> Self {
        Self {
            loss: columns.loss.as_deref(),
            val_loss: columns.val_loss.as_deref(),
            accuracy: columns.accuracy.as_deref(),
            val_accuracy: columns.val_accuracy.as_deref(),
            learning_rate: columns.learning_rate.as_deref(),
            gradient_norm: columns.gradient_norm.as_deref(),
            seconds: columns.seconds.as_deref(),
        }
    }
}

impl Curve {
    /// The curve of a column: one value a row, `None` where the row has none.
    pub fn of(column: &[Option<f64>]) -> Self {
        let (rows, values) =
            column.iter().enumerate().filter_map(|(row, value)| Some((row, (*value)?))).unzip();
        Self { rows, values }.reduced()
    }

    /// How many values it has.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The first value that is NaN or infinite: its row.
    pub fn first_not_finite(&self) -> Option<usize> {
        let index = self.values.iter().position(|value| !value.is_finite())?;
        Some(self.rows[index])
    }

    /// The numbers that rules speak of, over the finite values; `None` if there is none.
    pub fn shape(&self) -> Option<Shape> {
        let finite = self.rows.iter().zip(&self.values).filter(|(_, value)| value.is_finite());
        let (rows, values): (Vec<usize>, Vec<f64>) = finite.unzip();
        Shape::new(rows, values)
    }

    fn divided_by(mut self, whole: f64) -> Self {
        self.values.iter_mut().for_each(|value| *value /= whole);
        self
    }

    /// Whether all values could be accuracies. Rounding may leave one a little above 1.
    fn is_share(&self) -> bool {
        self.values.iter().all(|value| value.is_nan() || (-1e-6..=1.0 + 1e-3).contains(value))
    }

    /// Its rows spread evenly over those of a history of `rows`.
    fn over(mut self, rows: usize) -> Self {
        let span = self.rows.last().map_or(1, |last| last + 1);
        self.rows.iter_mut().for_each(|row| *row = *row * rows / span);
        self
    }

    /// A stretch with a value that is not finite becomes that value, at its row: a mean must not hide it.
    fn reduced(self) -> Self {
        let stretch = self.len().div_ceil(MOST_POINTS);
        if stretch <= 1 {
            return self;
        }
        let stretches = self.rows.chunks(stretch).zip(self.values.chunks(stretch));
        let (rows, values) = stretches
            .map(|(rows, values)| match values.iter().position(|value| !value.is_finite()) {
                Some(bad) => (rows[bad], values[bad]),
                None => (rows[rows.len() / 2], values.iter().sum::<f64>() / values.len() as f64),
            })
            .unzip();
        Self { rows, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_not_values_and_nan_is_one() {
        let curve = Curve::of(&[Some(1.0), None, Some(f64::NAN), Some(3.0)]);
        assert_eq!(curve.rows, [0, 2, 3]);
        assert_eq!(curve.first_not_finite(), Some(2));
        let shape = curve.shape().expect("two finite values");
        assert_eq!((shape.first(), shape.last(), shape.len()), (1.0, 3.0, 2));
    }

    #[test]
    fn a_long_column_is_reduced_to_means_and_keeps_what_is_not_finite() {
        let mut column: Vec<Option<f64>> = (0..10_000).map(|i| Some(f64::from(i))).collect();
        column[7_001] = Some(f64::INFINITY);
        let curve = Curve::of(&column);
        assert!(curve.len() <= MOST_POINTS, "{}", curve.len());
        assert_eq!(curve.first_not_finite(), Some(7_001));
        assert_eq!(curve.values[0], 2.0, "mean of 0..5");
        assert_eq!(curve.rows[0], 2);
    }

    #[test]
    fn percentages_become_shares_and_scores_of_another_kind_are_left_out() {
        let text = "epoch,loss,acc,val_loss,val_acc\n0,2.0,41,2.1,40\n1,1.0,63,1.5,58\n2,0.9,66,1.4,61\n";
        let log = traceward_run::foreign::read_text("log.csv", text).expect("it is a log");
        let curves = Curves::from(&log.runs[0]);
        assert_eq!(curves.accuracy.map(|curve| curve.values), Some(vec![0.41, 0.63, 0.66]));
        assert_eq!(curves.val_loss.map(|curve| curve.values), Some(vec![2.1, 1.5, 1.4]));
        assert!(!Curve::of(&[Some(0.2), Some(7.0)]).is_share());
    }

    #[test]
    fn few_epochs_with_many_steps_give_the_steps() {
        let rows = |n: u32| (0..n).map(|i| format!("{i},{}\n", 10 - i % 3)).collect::<String>();
        let history = |n| History::parse(&format!("epoch,loss\n{}", rows(n))).expect("it is well formed");
        let columns = Columns { loss: Some("loss".into()), ..Default::default() };
        let steps = traceward_run::foreign::StepLog { history: history(60), columns: columns.clone() };
        let mut run = LoggedRun { history: history(3), columns, steps: Some(steps), ..Default::default() };
        let curves = Curves::from(&run);
        let loss = curves.loss.expect("it has one");
        assert_eq!((loss.len(), loss.rows[0], loss.rows[59]), (60, 0, 2));
        assert!(curves.steps);
        run.history = history(30);
        assert_eq!(Curves::from(&run).loss.map(|curve| curve.len()), Some(30));
    }

    #[test]
    fn a_history_gives_the_curves_it_has() {
        let history = History::parse("epoch,loss,val_loss,val_accuracy\n0,2.0,NA,\n1,1.0,1.5,\n");
        let curves = Curves::from(&history.expect("it is well formed"));
        assert_eq!(curves.rows, 2);
        assert_eq!(curves.loss.map(|curve| curve.values), Some(vec![2.0, 1.0]));
        assert_eq!(curves.val_loss.map(|curve| curve.rows), Some(vec![1]));
        assert_eq!(curves.val_accuracy, None, "no value in it");
        assert_eq!(curves.accuracy, None);
    }
}
