//! Whether both sides of a split look alike: the population stability index of call frequencies.
//!
//! PSI is the sum over calls of `(p - q) ln(p / q)`, where `p` and `q` are a call's shares on both sides;
//! by custom, below 0.1 is no shift, and above 0.2 one to look into. A trace counts as one whatever its
//! length, so that one long trace does not make a side. Different class shares would show as different
//! calls, so it is taken class by class and weighted by the classes' size in validation: the classes' own
//! shift has a rule of its own. Rare calls count as one: a call in three traces of four hundred has no
//! share worth comparing.

use traceward_trace::split::Split;

use super::Reads;

/// Fewer traces of a class on a side say nothing of it.
const FEWEST_TRACES: usize = 20;
/// Calls of a smaller share on both sides are thrown together.
const RARE: f64 = 0.005;

/// The index; `None` if no class has enough traces on both sides.
pub(super) fn between(read: &Reads<'_>, split: &Split) -> Option<f64> {
    let classes = read.dataset.classes.len();
    let distinct = read.dataset.calls.len();
    let side = |rows: &[u32]| -> Vec<(usize, Vec<f64>)> {
        let mut sides = vec![(0usize, vec![0.0f64; distinct]); classes];
        for &row in rows {
            let Some(class) = read.class(row) else { continue };
            let calls = read.calls(row);
            let (traces, shares) = &mut sides[usize::from(class)];
            *traces += 1;
            for &call in calls {
                shares[usize::from(call)] += 1.0 / calls.len() as f64;
            }
        }
        sides
    };
    let (train, validation) = (side(&split.train), side(&split.validation));
    let (mut sum, mut weight) = (0.0, 0.0);
    for ((trained, p), (validated, q)) in train.iter().zip(&validation) {
        if *trained >= FEWEST_TRACES && *validated >= FEWEST_TRACES {
            sum += *validated as f64 * stability(p, *trained, q, *validated);
            weight += *validated as f64;
        }
    }
    (weight > 0.0).then(|| sum / weight)
}

/// PSI of two sums of shares over so many traces.
fn stability(p: &[f64], traces_p: usize, q: &[f64], traces_q: usize) -> f64 {
    // Half a trace's worth of every other call, so that a share is never zero.
    let share = |sum: f64, traces: usize| (sum + 0.5 * RARE) / (traces as f64 + 0.5);
    let term = |p: f64, q: f64| (p - q) * (p / q).ln();
    let (mut rare_p, mut rare_q, mut index) = (0.0, 0.0, 0.0);
    for (&p, &q) in p.iter().zip(q) {
        if p / (traces_p as f64) < RARE && q / (traces_q as f64) < RARE {
            rare_p += p;
            rare_q += q;
        } else {
            index += term(share(p, traces_p), share(q, traces_q));
        }
    }
    index + term(share(rare_p, traces_p), share(rare_q, traces_q))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sides_have_no_shift_and_different_ones_have() {
        assert!(stability(&[50.0, 50.0], 100, &[25.0, 25.0], 50).abs() < 1e-4);
        let index = stability(&[80.0, 20.0], 100, &[20.0, 80.0], 100);
        assert!((index - 2.0 * 0.6 * 4.0_f64.ln()).abs() < 0.02, "{index}");
        let rare = stability(&[99.9, 0.1, 0.0], 100, &[99.8, 0.0, 0.2], 100);
        assert!(rare < 0.01, "three traces prove nothing: {rare}");
    }
}
