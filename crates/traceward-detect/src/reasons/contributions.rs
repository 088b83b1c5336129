//! Stretches whose calls add most to the score, for a model whose score is a sum over calls.

use traceward_run::classifier::Unreadable;

use super::{Asked, Effort, Stretch};

/// A stretch must carry this share of what the first one does.
const LEAST_SHARE: f64 = 0.05;

/// Finds stretches by what the model says that their calls add, and measures them in one batch.
pub(super) fn find(
    asked: &Asked<'_>,
    score: f64,
    shares: &[f64],
    effort: Effort,
) -> Result<Vec<Stretch>, Unreadable> {
    let mut shares = shares.to_vec();
    let (mut stretches, mut first) = (Vec::new(), None);
    while stretches.len() < effort.reasons {
        let Some((from, to, sum)) = heaviest(&shares, effort.calls) else { break };
        if to - from == shares.len() || sum < LEAST_SHARE * *first.get_or_insert(sum) {
            break;
        }
        shares[from..to].fill(f64::NEG_INFINITY);
        stretches.push((from, to));
    }
    // Without the first, without the first two, and so on.
    let without: Vec<Vec<u32>> = (1..=stretches.len())
        .map(|count| {
            let named =
                |place: &usize| stretches[..count].iter().any(|&(from, to)| (from..to).contains(place));
            (0..shares.len()).filter(|place| !named(place)).map(|place| asked.trace[place]).collect()
        })
        .take_while(|rest: &Vec<u32>| !rest.is_empty())
        .collect();
    if without.is_empty() {
        return Ok(Vec::new());
    }
    let mut before = score;
    let measured = stretches.into_iter().zip(asked.scores(&without)?);
    // Sums are only near the score itself (probabilities are calibrated, counts have a logarithm): what does
    // not lower it ends the list.
    Ok(measured
        .map_while(|((from, to), score_after)| {
            (score_after < before).then(|| {
                before = score_after;
                Stretch { from, to, score_after }
            })
        })
        .collect())
}

/// The stretch of at most `longest` calls with the greatest positive sum, the first of equals.
fn heaviest(shares: &[f64], longest: usize) -> Option<(usize, usize, f64)> {
    let mut best: Option<(usize, usize, f64)> = None;
    for from in 0..shares.len() {
        let mut sum = 0.0;
        for to in from + 1..=(from + longest).min(shares.len()) {
            sum += shares[to - 1];
            if sum == f64::NEG_INFINITY {
                break;
            }
            if sum > best.map_or(0.0, |best| best.2) {
                best = Some((from, to, sum));
            }
        }
    }
    // Calls at its ends that add nothing are no part of it.
    let (mut from, mut to, sum) = best?;
    while shares[from] <= 0.0 {
        from += 1;
    }
    while shares[to - 1] <= 0.0 {
        to -= 1;
    }
    Some((from, to, sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_stretch_is_short_and_leaves_out_what_pulls_down() {
        let shares = [0.1, -1.0, 2.0, -0.5, 3.0, 0.0, -2.0, 4.0];
        assert_eq!(heaviest(&shares, 3), Some((2, 5, 4.5)));
        assert_eq!(heaviest(&shares, 2), Some((7, 8, 4.0)));
        assert_eq!(heaviest(&shares, 8), Some((2, 8, 6.5)));
        assert_eq!(heaviest(&[0.0, -1.0, f64::NEG_INFINITY], 2), None);
    }
}
