//! Keras' initial weights.

use traceward_run::spec;
use traceward_trace::rng::Rng;

/// How a weight starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Initializer {
    Zeros,
    Ones,
    Constant {
        value: f32,
    },
    /// Uniform from `from` to `to`.
    Uniform {
        from: f32,
        to: f32,
    },
    Normal {
        mean: f32,
        deviation: f32,
    },
    /// Normal without what lies beyond two standard deviations, as Keras' scaling initializers draw; of
    /// this variance.
    TruncatedNormal {
        variance: f64,
    },
    /// Uniform in ±sqrt(3 · variance).
    UniformOfVariance {
        variance: f64,
    },
    /// Uniform in ±sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010).
    GlorotUniform {
        fan_in: usize,
        fan_out: usize,
    },
    /// A random matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2014).
    Orthogonal,
    /// Zeros, with the second of four gates at 1 (Jozefowicz et al. 2015).
    UnitForget {
        units: usize,
    },
}

/// Inputs and outputs of one unit, as Keras counts them: a convolution's window counts with both.
fn fans(shape: &[usize]) -> (f64, f64) {
    match *shape {
        [] => (1.0, 1.0),
        [n] => (n as f64, n as f64),
        [ref window @ .., fan_in, fan_out] => {
            let window = window.iter().product::<usize>() as f64;
            (fan_in as f64 * window, fan_out as f64 * window)
        }
    }
}

impl Initializer {
    /// What a spec asks for, for an array of this shape. Variances: 2 / (in + out) (Glorot & Bengio 2010),
    /// 2 / in (He et al. 2015), 1 / in (LeCun et al. 1998).
    pub(crate) fn of_spec(asked: spec::Initializer, shape: &[usize]) -> Self {
        let (fan_in, fan_out) = fans(shape);
        let glorot = 2.0 / (fan_in + fan_out).max(1.0);
        let (he, lecun) = (2.0 / fan_in.max(1.0), 1.0 / fan_in.max(1.0));
        match asked {
            spec::Initializer::Zeros => Self::Zeros,
            spec::Initializer::Ones => Self::Ones,
            spec::Initializer::Constant { value } => Self::Constant { value },
            spec::Initializer::RandomUniform { minval, maxval } => Self::Uniform { from: minval, to: maxval },
            spec::Initializer::RandomNormal { mean, stddev } => Self::Normal { mean, deviation: stddev },
            spec::Initializer::GlorotUniform => Self::UniformOfVariance { variance: glorot },
            spec::Initializer::HeUniform => Self::UniformOfVariance { variance: he },
            spec::Initializer::LecunUniform => Self::UniformOfVariance { variance: lecun },
            spec::Initializer::GlorotNormal => Self::TruncatedNormal { variance: glorot },
            spec::Initializer::HeNormal => Self::TruncatedNormal { variance: he },
            spec::Initializer::LecunNormal => Self::TruncatedNormal { variance: lecun },
            spec::Initializer::Orthogonal => Self::Orthogonal,
        }
    }

    /// Row-major values of a `rows` × `columns` matrix.
    pub(crate) fn draw(self, rows: usize, columns: usize, rng: &mut Rng) -> Vec<f32> {
        let count = rows * columns;
        let mut uniform =
            |limit: f64| (0..count).map(|_| ((rng.uniform() * 2.0 - 1.0) * limit) as f32).collect();
        match self {
            Self::Zeros => vec![0.0; count],
            Self::Ones => vec![1.0; count],
            Self::Constant { value } => vec![value; count],
            Self::Uniform { from, to } if from == -to => uniform(f64::from(to)),
            Self::Uniform { from, to } => {
                let (from, to) = (f64::from(from), f64::from(to));
                (0..count).map(|_| (from + rng.uniform() * (to - from)) as f32).collect()
            }
            Self::Normal { mean, deviation } => {
                (0..count).map(|_| (f64::from(mean) + f64::from(deviation) * normal(rng)) as f32).collect()
            }
            Self::TruncatedNormal { variance } => {
                // The deviation of a standard normal cut at ±2.
                let deviation = variance.sqrt() / 0.879_625_661_034_239_8;
                let draw = |rng: &mut Rng| loop {
                    let value = normal(rng);
                    if value.abs() < 2.0 {
                        return value;
                    }
                };
                (0..count).map(|_| (deviation * draw(rng)) as f32).collect()
            }
            Self::UniformOfVariance { variance } => uniform((3.0 * variance).sqrt()),
            Self::GlorotUniform { fan_in, fan_out } => {
                uniform((6.0 / (fan_in + fan_out).max(1) as f64).sqrt())
            }
            Self::Orthogonal => orthogonal(rows, columns, rng),
            Self::UnitForget { units } => {
                (0..count).map(|i| if (units..2 * units).contains(&i) { 1.0 } else { 0.0 }).collect()
            }
        }
    }
}

/// A normally distributed number with mean 0 and variance 1 (Box & Muller 1958).
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.uniform()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.uniform()).cos()
}

/// Gram-Schmidt, twice over for accuracy, on normally distributed vectors: the same distribution as the
/// QR decomposition that Keras takes, sign fixed as there.
fn orthogonal(rows: usize, columns: usize, rng: &mut Rng) -> Vec<f32> {
    let (vectors, length) = (rows.min(columns), rows.max(columns));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(vectors);
    while basis.len() < vectors {
        let mut vector: Vec<f64> = (0..length).map(|_| normal(rng)).collect();
        for _ in 0..2 {
            for other in &basis {
                let overlap: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(other).for_each(|(a, b)| *a -= overlap * b);
            }
        }
        let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm > 1e-6 {
            vector.iter_mut().for_each(|x| *x /= norm);
            basis.push(vector);
        }
    }
    let at = |row: usize, column: usize| {
        if rows <= columns { basis[row][column] } else { basis[column][row] }
    };
    (0..rows * columns).map(|i| at(i / columns, i % columns) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orthogonal_rows_or_columns_are_orthonormal() {
        for (rows, columns) in [(5, 20), (20, 5), (7, 7), (1, 4)] {
            let values = Initializer::Orthogonal.draw(rows, columns, &mut Rng::new(1));
            let at = |r: usize, c: usize| f64::from(values[r * columns + c]);
            let few = rows.min(columns);
            for a in 0..few {
                for b in 0..few {
                    let dot: f64 = (0..rows.max(columns))
                        .map(|k| if rows <= columns { at(a, k) * at(b, k) } else { at(k, a) * at(k, b) })
                        .sum();
                    assert!(
                        (dot - f64::from(u8::from(a == b))).abs() < 1e-6,
                        "{rows}x{columns}: {a}·{b} = {dot}"
                    );
                }
            }
        }
    }

    #[test]
    fn glorot_fills_its_range() {
        let values = Initializer::GlorotUniform { fan_in: 30, fan_out: 70 }.draw(30, 70, &mut Rng::new(1));
        let limit = (6.0f32 / 100.0).sqrt();
        let largest = values.iter().fold(0f32, |m, v| m.max(v.abs()));
        assert!(largest <= limit && largest > 0.99 * limit, "{largest} of {limit}");
    }

    #[test]
    fn only_the_forget_gate_starts_at_one() {
        let values = Initializer::UnitForget { units: 2 }.draw(1, 8, &mut Rng::new(1));
        assert_eq!(values, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
