//! Which traces come together in a step, and in which order.

use traceward_trace::rng::Rng;

use crate::Traces;

/// How many batches' worth of traces are sorted by length together.
///
/// Few, because length goes with class: the more are sorted together, the more alike a batch's classes,
/// and the slower a network learns. On ADFA-LD the loss after five epochs is a twentieth higher with 16
/// batches than unsorted, and a sixtieth with 4. There is little to gain either way, since batches are not
/// padded: sorting 16 batches together saves a twentieth of the processor's time on whole traces.
const POOL: usize = 4;

/// What tells the orders of epochs from other uses of the run's seed.
const SALT: u64 = 0x6f72_6465_7200_0000;

/// The batches of one epoch, as places in `traces`; a function of its arguments alone. The last batch
/// may be smaller.
///
/// Shuffled traces are bucketed: pools of [`POOL`] batches are sorted by length before they are cut into
/// batches, and the batches come in random order. Unshuffled, the rows come as they stand, as in Keras.
pub(crate) fn batches(
    traces: &Traces,
    batch_size: usize,
    shuffle: bool,
    seed: u64,
    epoch: u32,
) -> Vec<Vec<u32>> {
    let mut order: Vec<u32> = (0..traces.len() as u32).collect();
    if !shuffle {
        return order.chunks(batch_size).map(<[u32]>::to_vec).collect();
    }
    let mut rng = Rng::stream(seed ^ SALT, u64::from(epoch));
    rng.shuffle(&mut order);
    for pool in order.chunks_mut(POOL * batch_size) {
        pool.sort_by_key(|&trace| traces.get(trace as usize).len());
    }
    let mut batches: Vec<Vec<u32>> = order.chunks(batch_size).map(<[u32]>::to_vec).collect();
    rng.shuffle(&mut batches);
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces(count: u32) -> Traces {
        let mut traces = Traces::new();
        for i in 0..count {
            traces.push((0..1 + i * 7919 % 100).map(|_| 2), 0);
        }
        traces
    }

    #[test]
    fn every_trace_comes_once_an_epoch_and_epochs_differ() {
        let traces = traces(333);
        let epoch = |seed, epoch| batches(&traces, 8, true, seed, epoch);
        let mut all = epoch(1, 0).concat();
        assert_eq!(epoch(1, 0), epoch(1, 0));
        assert_ne!(all, epoch(1, 1).concat());
        assert_ne!(all, epoch(2, 0).concat());
        assert_eq!(epoch(1, 0).iter().filter(|b| b.len() != 8).count(), 1);
        all.sort_unstable();
        assert_eq!(all, (0..333).collect::<Vec<_>>());
    }

    #[test]
    fn traces_of_a_batch_are_about_equally_long() {
        let traces = traces(512);
        let spread: usize = batches(&traces, 8, true, 1, 0)
            .iter()
            .map(|batch| {
                let lengths = || batch.iter().map(|&t| traces.get(t as usize).len());
                lengths().max().unwrap() - lengths().min().unwrap()
            })
            .sum();
        assert!(spread / 64 < 30, "{spread}");
    }

    #[test]
    fn unshuffled_rows_stand_as_they_are() {
        assert_eq!(batches(&traces(5), 2, false, 1, 3), [vec![0, 1], vec![2, 3], vec![4]]);
    }
}
