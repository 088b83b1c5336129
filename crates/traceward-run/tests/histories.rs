//! The histories of the article's five stages show what the article saw.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use traceward_run::History;

fn column(name: &str, column: &str) -> Vec<f64> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories").join(name).with_extension("csv");
    let history = History::load(&path).unwrap();
    history.column(column).unwrap().iter().map(|value| value.unwrap()).collect()
}

fn least(values: &[f64]) -> (usize, f64) {
    values.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
}

/// Saturated sigmoids, clipped at 1e-7: every trace of another class costs -ln 1e-7, and no gradient is left.
#[test]
fn stage_1_is_stuck_at_the_clip() {
    for name in ["article-1", "article-1-stratified"] {
        let (loss, accuracy) = (column(name, "loss"), column(name, "accuracy"));
        for (loss, accuracy) in loss.iter().zip(&accuracy).skip(1) {
            assert!((loss - 1e7_f64.ln() * (1.0 - accuracy)).abs() < 1e-3, "{name}: {loss}, {accuracy}");
        }
        assert!((loss[1] - loss[loss.len() - 1]).abs() < 1e-6, "{name} moved");
    }
    assert!(column("article-1", "val_accuracy").iter().all(|&a| a == 0.0));
}

#[test]
fn stage_2_moves_and_jitters_on_sorted_rows() {
    let accuracy = column("article-2", "accuracy");
    assert!(accuracy.windows(2).any(|pair| pair[1] < pair[0] - 0.05), "no jitter: {accuracy:?}");
    for name in ["article-2", "article-2-small-step"] {
        let loss = column(name, "loss");
        assert!(loss[loss.len() - 1] < 0.5 * loss[0], "{name} does not learn");
        let validation = column(name, "val_loss");
        assert!(validation[validation.len() - 1] > 2.0 * validation[0], "{name}: sorted rows do not show");
    }
}

#[test]
fn stage_3_still_falls_when_it_ends() {
    for name in ["loss", "val_loss"] {
        let values = column("article-3", name);
        assert!(values[19] < 0.9 * values[9] && values[19] < values[14], "{name}: {values:?}");
    }
}

#[test]
fn stage_4_overfits_and_stage_5_less() {
    let overfitting = |name: &str| {
        let validation = column(name, "val_loss");
        let (epoch, best) = least(&validation);
        (epoch, best, validation[validation.len() - 1] / best)
    };
    let (epoch_4, best_4, rise_4) = overfitting("article-4-large-step");
    let (epoch_5, best_5, rise_5) = overfitting("article-5-large-step");
    assert!(rise_4 > 2.0 && epoch_4 < 50, "{rise_4} at {epoch_4}");
    assert!(column("article-4-large-step", "accuracy")[199] > 0.97);
    assert!(epoch_5 > epoch_4 && best_5 < best_4 && rise_5 < rise_4);
    assert!(overfitting("article-5").2 < 1.05);
}
