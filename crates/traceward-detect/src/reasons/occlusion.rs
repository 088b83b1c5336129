//! Stretches that are missed most when they are left out, from coarse to fine.

use traceward_run::classifier::Unreadable;

use super::{Asked, Effort, Stretch};

/// Pieces into which the whole trace is cut, and into which the most missed piece is cut again.
const COARSE: usize = 16;
const FINE: usize = 4;
/// A piece of a piece must carry this share of what the whole piece does, or the piece is the reason: what it
/// says, it says as a whole.
const CARRIES: f64 = 0.5;
/// The longest stretch that may be a reason as a whole, in units of what is asked for.
const WHOLE: usize = 4;
/// A stretch that moves the score by less is no reason.
const LEAST_WEIGHT: f64 = 0.01;

/// Finds stretches one after the other. Where P(attack) stands so near 1 that no stretch alone moves it, there
/// is none.
pub(super) fn find(asked: &Asked<'_>, score: f64, effort: Effort) -> Result<Vec<Stretch>, Unreadable> {
    // The places of the calls that are still there.
    let mut kept: Vec<usize> = (0..asked.trace.len()).collect();
    let (mut found, mut before, mut left) = (Vec::new(), score, effort.predictions);
    while found.len() < effort.reasons && kept.len() > 1 {
        let Some((start, end, after)) = narrow(asked, &kept, before, effort, &mut left)? else { break };
        found.push(Stretch { from: kept[start], to: kept[end - 1] + 1, score_after: after });
        kept.drain(start..end);
        before = after;
    }
    Ok(found)
}

/// The stretch of what is kept that is missed most: its places in `kept`, and the score without it.
fn narrow(
    asked: &Asked<'_>,
    kept: &[usize],
    before: f64,
    effort: Effort,
    left: &mut usize,
) -> Result<Option<(usize, usize, f64)>, Unreadable> {
    let mut best: Option<(usize, usize, f64)> = None;
    loop {
        let (start, end) = best.map_or((0, kept.len()), |(start, end, _)| (start, end));
        let pieces = pieces(kept, start, end, if best.is_none() { COARSE } else { FINE });
        if pieces.len() > *left {
            return Ok(best.filter(|(start, end, _)| end - start <= WHOLE * effort.calls));
        }
        *left -= pieces.len();
        let without: Vec<Vec<u32>> = pieces
            .iter()
            .map(|&(start, end)| {
                let rest = kept[..start].iter().chain(&kept[end..]);
                rest.map(|&place| asked.trace[place]).collect()
            })
            .collect();
        let scores = asked.scores(&without)?;
        let lowest = pieces.into_iter().zip(scores).min_by(|a, b| a.1.total_cmp(&b.1));
        let Some(((start, end), after)) = lowest else { return Ok(best) };
        let weight = before - after;
        match best {
            None if weight < LEAST_WEIGHT => return Ok(None),
            Some((s, e, whole)) if weight < CARRIES * (before - whole) && e - s <= WHOLE * effort.calls => {
                return Ok(best);
            }
            _ => best = Some((start, end, after)),
        }
        if end - start <= effort.calls {
            // A long piece may have been cut down to where nothing is left of what it carried.
            return Ok(best.filter(|_| weight >= LEAST_WEIGHT));
        }
    }
}

/// About `count` pieces of the same length, cut where calls were left out between; never the whole of `kept`.
fn pieces(kept: &[usize], start: usize, end: usize, count: usize) -> Vec<(usize, usize)> {
    let length = (end - start).div_ceil(count).max(1);
    let mut pieces = Vec::with_capacity(count + 3);
    let mut from = start;
    for at in start..end {
        let last = at + 1 == end || at + 1 - from == length || kept[at + 1] != kept[at] + 1;
        if last {
            pieces.push((from, at + 1));
            from = at + 1;
        }
    }
    pieces.retain(|&(start, end)| end - start < kept.len());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_where_calls_are_missing() {
        let kept: Vec<usize> = (0..10).chain(14..20).collect();
        assert_eq!(pieces(&kept, 0, 16, 4), [(0, 4), (4, 8), (8, 10), (10, 14), (14, 16)]);
        assert_eq!(pieces(&kept, 0, 3, 16), [(0, 1), (1, 2), (2, 3)]);
        assert_eq!(pieces(&[7], 0, 1, 4), []);
    }
}
