//! Curves of every kind, drawn at random: what a rule says must follow from the kind, not from its numbers.

use traceward_doctor::Label;
use traceward_doctor::curve::{Curve, Curves};

use crate::random::Random;

/// Draws that only kinds of curves need.
trait Draw {
    fn between(&mut self, low: f64, high: f64) -> f64;
    /// Log-uniform.
    fn scale(&mut self, low: f64, high: f64) -> f64;
    fn count(&mut self, low: usize, high: usize) -> usize;
    fn coin(&mut self) -> bool;
}

impl Draw for Random {
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn scale(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    fn count(&mut self, low: usize, high: usize) -> usize {
        self.scale(low as f64, high as f64 + 0.999).floor() as usize
    }

    fn coin(&mut self) -> bool {
        self.unit() < 0.5
    }
}

/// A kind of curve.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// The words that are right for it; the first is the best.
    pub(crate) right: &'static [Label],
    /// Whether nothing above a note may be found.
    pub(crate) harmless: bool,
    pub(crate) draw: fn(&mut Random) -> Curves,
}

pub(crate) const KINDS: &[Kind] = &[
    Kind { name: "healthy", right: &[Label::Healthy, Label::StillImproving], harmless: true, draw: healthy },
    Kind {
        name: "healthy, training only",
        right: &[Label::Healthy, Label::StillImproving],
        harmless: true,
        draw: training_only,
    },
    Kind {
        name: "healthy regression",
        right: &[Label::Healthy, Label::StillImproving],
        harmless: true,
        draw: regression,
    },
    Kind {
        name: "shoulder",
        right: &[Label::Healthy, Label::StillImproving],
        harmless: true,
        draw: shoulder,
    },
    Kind {
        name: "steps in the rate",
        right: &[Label::Healthy, Label::StillImproving],
        harmless: true,
        draw: stairs,
    },
    Kind { name: "still improving", right: &[Label::StillImproving], harmless: true, draw: still_improving },
    Kind { name: "stuck at ln K", right: &[Label::Stuck], harmless: false, draw: stuck_uniform },
    Kind { name: "stuck, saturated", right: &[Label::Stuck], harmless: false, draw: stuck_saturated },
    Kind { name: "stuck after one epoch", right: &[Label::Stuck], harmless: false, draw: stuck_later },
    Kind { name: "diverging", right: &[Label::Diverge], harmless: false, draw: diverging },
    Kind { name: "collapse", right: &[Label::Collapse, Label::Stuck], harmless: false, draw: collapse },
    Kind { name: "overfitting", right: &[Label::Overfit], harmless: false, draw: overfitting },
    Kind { name: "overfitting, long", right: &[Label::Overfit], harmless: false, draw: overfitting_long },
    Kind {
        name: "validation stands",
        right: &[Label::ValPlateau, Label::Gap, Label::Overfit],
        harmless: false,
        draw: val_plateau,
    },
    Kind {
        name: "oscillating",
        right: &[Label::Oscillate, Label::Spike],
        harmless: false,
        draw: oscillating,
    },
    Kind { name: "severe peak", right: &[Label::Spike, Label::Oscillate], harmless: false, draw: spike },
    Kind { name: "not a number", right: &[Label::Nan], harmless: false, draw: not_a_number },
    Kind { name: "negative", right: &[Label::NegLoss], harmless: false, draw: negative },
    Kind { name: "unmoved accuracy", right: &[Label::MetricMismatch], harmless: false, draw: unmoved },
    Kind { name: "penalty", right: &[Label::PenaltyDominated], harmless: false, draw: penalty },
    Kind { name: "rebound", right: &[Label::Diverge, Label::Rebound], harmless: false, draw: rebound },
    Kind { name: "plateau", right: &[Label::Plateau], harmless: true, draw: plateau },
    Kind { name: "guessing", right: &[Label::Underfit, Label::Stuck], harmless: false, draw: guessing },
    Kind { name: "too short", right: &[Label::TooShort], harmless: true, draw: too_short },
];

fn curve(n: usize, mut value: impl FnMut(usize) -> f64) -> Option<Curve> {
    Some(Curve { rows: (0..n).collect(), values: (0..n).map(&mut value).collect() })
}

fn of(n: usize, parts: [Option<Curve>; 4]) -> Curves {
    let [loss, val_loss, accuracy, val_accuracy] = parts;
    Curves { rows: n, loss, val_loss, accuracy, val_accuracy, ..Default::default() }
}

/// A fall from `start` to `floor` with the time constant `tau`, times noise.
fn decay(random: &mut Random, n: usize, start: f64, floor: f64, tau: f64, noise: f64) -> Option<Curve> {
    curve(n, |i| {
        (floor + (start - floor) * (-(i as f64) / tau).exp()) * (1.0 + noise * random.gauss()).max(0.05)
    })
}

/// An accuracy that rises from chance to `best`, measured on `items` items.
fn climb(random: &mut Random, n: usize, chance: f64, best: f64, tau: f64, items: f64) -> Option<Curve> {
    curve(n, |i| {
        let mean = best - (best - chance) * (-(i as f64) / tau).exp();
        let spread = (mean * (1.0 - mean) / items).sqrt();
        ((mean + spread * random.gauss()) * items).round().clamp(0.0, items) / items
    })
}

/// A classification that goes well.
fn healthy_of(random: &mut Random, n: usize, tau: f64, noise: f64) -> Curves {
    let classes = random.count(2, 100) as f64;
    let best = random.between(0.83, 0.97);
    let start = classes.ln() * random.between(0.85, 1.1);
    let floor = start * random.between(0.08, 0.3);
    let items = random.scale(300.0, 20_000.0);
    let gap = random.between(1.0, 1.25);
    let loss = decay(random, n, start, floor, tau, noise);
    let val = decay(random, n, start * 0.93, floor * gap, tau, noise * 1.3);
    let accuracy = climb(random, n, 1.0 / classes, best, tau, items * 4.0);
    let val_accuracy = climb(random, n, 1.0 / classes, best - 0.01, tau, items);
    of(n, [loss, val, accuracy, val_accuracy])
}

fn healthy(random: &mut Random) -> Curves {
    let n = random.count(12, 300);
    let tau = n as f64 * random.between(0.08, 0.3);
    let noise = random.between(0.0, 0.04);
    healthy_of(random, n, tau, noise)
}

fn training_only(random: &mut Random) -> Curves {
    let curves = healthy(random);
    Curves { val_loss: None, val_accuracy: None, ..curves }
}

fn regression(random: &mut Random) -> Curves {
    let n = random.count(12, 400);
    let (start, tau) = (random.scale(0.05, 1e4), n as f64 * random.between(0.06, 0.25));
    let floor = start * random.between(0.01, 0.15);
    let noise = random.between(0.0, 0.05);
    let loss = decay(random, n, start, floor, tau, noise);
    let val = random.coin().then(|| decay(random, n, start, floor * 1.1, tau, noise)).flatten();
    of(n, [loss, val, None, None])
}

/// At ln K for a third of the run, and then it learns.
fn shoulder(random: &mut Random) -> Curves {
    let n = random.count(40, 300);
    let until = n as f64 * random.between(0.15, 0.4);
    let width = n as f64 * random.between(0.05, 0.12);
    let level = std::f64::consts::LN_2;
    let floor = level * random.between(0.2, 0.5);
    let noise = random.between(0.0, 0.02);
    let learned = move |i: usize| 1.0 / (1.0 + (-(i as f64 - until - 2.0 * width) / width).exp());
    let mut loss =
        |noise: f64| curve(n, |i| (level - (level - floor) * learned(i)) * (1.0 + noise * random.gauss()));
    let (train, val) = (loss(noise), loss(noise * 1.2));
    let mut accuracy = || curve(n, |i| (0.5 + 0.38 * learned(i) + 0.01 * random.gauss()).clamp(0.0, 1.0));
    let (accuracy, val_accuracy) = (accuracy(), accuracy());
    of(n, [train, val, accuracy, val_accuracy])
}

/// A learning rate divided by ten twice: each time the loss falls at once and stands.
fn stairs(random: &mut Random) -> Curves {
    let n = random.count(30, 200);
    let (first, second) = (n * 2 / 5, n * 7 / 10);
    let start = random.between(2.0, 5.0);
    let noise = random.between(0.005, 0.03);
    let level = move |i: usize| {
        let before = 0.35 + 0.65 * (-(i as f64) / (0.08 * n as f64)).exp();
        before
            * if i < first {
                1.0
            } else if i < second {
                0.55
            } else {
                0.45
            }
    };
    let mut loss = |scale: f64| curve(n, |i| start * scale * level(i) * (1.0 + noise * random.gauss()));
    let (train, val) = (loss(1.0), loss(1.1));
    let mut accuracy = || curve(n, |i| (1.0 - 0.9 * level(i) + 0.005 * random.gauss()).clamp(0.0, 0.97));
    let (accuracy, val_accuracy) = (accuracy(), accuracy());
    of(n, [train, val, accuracy, val_accuracy])
}

fn still_improving(random: &mut Random) -> Curves {
    let n = random.count(10, 100);
    let tau = n as f64 * random.between(0.6, 1.5);
    let noise = random.between(0.0, 0.01);
    healthy_of(random, n, tau, noise)
}

fn stuck_uniform(random: &mut Random) -> Curves {
    let n = random.count(6, 200);
    let classes = random.count(2, 100) as f64;
    let noise = random.between(0.0, 0.003);
    let mut loss = || curve(n, |_| classes.ln() * (1.0 + noise * random.gauss()));
    let (train, val) = (loss(), loss());
    let mut accuracy = || curve(n, |_| (1.0 / classes + 0.004 * random.gauss()).clamp(0.0, 1.0));
    let accuracy = accuracy();
    let val_accuracy = curve(n, |_| 1.0 / classes);
    if random.coin() {
        of(n, [train, val, accuracy, val_accuracy])
    } else {
        of(n, [train, None, accuracy, None])
    }
}

fn stuck_saturated(random: &mut Random) -> Curves {
    let n = random.count(8, 60);
    let share = random.between(0.1, 0.8);
    let level = 16.118 * (1.0 - share);
    let first = level * random.between(0.7, 1.3);
    let loss = curve(n, |i| if i == 0 { first } else { level });
    let accuracy = curve(n, |i| if i == 0 { share * 0.9 } else { share });
    of(n, [loss, None, accuracy, None])
}

/// A wrong start is corrected in the first epochs, to the class shares, and nothing follows.
fn stuck_later(random: &mut Random) -> Curves {
    let n = random.count(20, 200);
    let (share, level) = (random.between(0.2, 0.6), random.between(0.65, 2.5));
    let start = level * random.between(1.05, 8.0);
    let noise = random.between(0.0, 0.001);
    let mut loss = || {
        curve(n, |i| (level + (start - level) * (-(i as f64) * 2.0).exp()) * (1.0 + noise * random.gauss()))
    };
    let (train, val) = (loss(), loss());
    let accuracy = curve(n, |i| share * if i == 0 { 0.93 } else { 1.0 });
    let val_accuracy = curve(n, |_| share);
    of(n, [train, val, accuracy, val_accuracy])
}

fn diverging(random: &mut Random) -> Curves {
    let n = random.count(8, 150);
    let turn = random.between(0.05, 0.5) * n as f64;
    let end = random.between(2.0, 50.0);
    let noise = random.between(0.0, 0.05);
    let start = random.between(1.0, 5.0);
    let mut loss = || {
        curve(n, |i| {
            let fallen = start * (1.0 - 0.4 * (i as f64 / turn).min(1.0));
            let climbed = (end.ln() * ((i as f64 - turn).max(0.0) / (n as f64 - turn))).exp();
            fallen * climbed * (1.0 + noise * random.gauss())
        })
    };
    let (train, val) = (loss(), loss());
    let accuracy = curve(n, |_| (0.3 + 0.02 * random.gauss()).clamp(0.0, 1.0));
    let val = if random.coin() { val } else { None };
    of(n, [train, val, accuracy, None])
}

fn collapse(random: &mut Random) -> Curves {
    let n = random.count(30, 400);
    let died = (random.between(0.2, 0.55) * n as f64) as usize;
    let classes = random.count(2, 20) as f64;
    let level = classes.ln();
    let learned = random.between(0.1, 0.4);
    let peak = random.between(1.0, 10.0);
    let mut loss = || {
        curve(n, |i| {
            let value = if i < died {
                level * (learned + (1.0 - learned) * (-(i as f64) / (0.3 * died as f64)).exp())
            } else if i == died {
                level * peak
            } else {
                level
            };
            value * (1.0 + 0.004 * random.gauss())
        })
    };
    let (train, val) = (loss(), loss());
    let accuracy = curve(n, |i| {
        let best = if i < died {
            0.9 - (0.9 - 1.0 / classes) * (-(i as f64) / (0.3 * died as f64)).exp()
        } else {
            1.0 / classes
        };
        (best + 0.005 * random.gauss()).clamp(0.0, 1.0)
    });
    of(n, [train, val, accuracy, None])
}

/// The validation loss turns at `turn` and rises by `rise` until the end.
fn overfit_of(random: &mut Random, n: usize, turn: f64, rise: f64, noise: f64) -> Curves {
    let start = random.between(0.6, 4.0);
    let least = start * random.between(0.25, 0.7);
    let tau = n as f64 * random.between(0.15, 0.4);
    let train = decay(random, n, start, start * 0.02, tau, noise);
    let val = curve(n, |i| {
        let t = i as f64 / (n - 1) as f64;
        let value = if t < turn {
            least + (start - least) * (1.0 - t / turn).powi(2)
        } else {
            least * (1.0 + rise * ((t - turn) / (1.0 - turn)))
        };
        value * (1.0 + noise * random.gauss())
    });
    let accuracy = climb(random, n, 0.3, 0.98, tau, 5000.0);
    let val_accuracy = climb(random, n, 0.3, 0.8, turn * n as f64 * 0.3, 1000.0);
    of(n, [train, val, accuracy, val_accuracy])
}

fn overfitting(random: &mut Random) -> Curves {
    let n = random.count(8, 60);
    let (turn, rise) = (random.between(0.1, 0.6), random.between(0.15, 2.0));
    let noise = random.between(0.0, 0.03);
    overfit_of(random, n, turn, rise, noise)
}

fn overfitting_long(random: &mut Random) -> Curves {
    let n = random.count(60, 1000);
    let (turn, rise) = (random.between(0.05, 0.7), random.between(0.08, 3.0));
    let noise = random.between(0.0, 0.03);
    overfit_of(random, n, turn, rise, noise)
}

fn val_plateau(random: &mut Random) -> Curves {
    let n = random.count(25, 300);
    let turn = random.between(0.2, 0.5);
    let noise = random.between(0.002, 0.02);
    let tau = n as f64 * random.between(0.2, 0.4);
    let start = random.between(0.6, 3.0);
    let train = decay(random, n, start, start * 0.02, tau, noise);
    let val = curve(n, |i| {
        let t = i as f64 / (n - 1) as f64;
        let value = if t < turn { 0.5 + 0.5 * (1.0 - t / turn).powi(2) } else { 0.5 };
        start * value * (1.0 + noise * random.gauss())
    });
    let val_accuracy = climb(random, n, 0.3, 0.8, turn * n as f64 * 0.3, 1000.0);
    of(n, [train, val, None, val_accuracy])
}

fn oscillating(random: &mut Random) -> Curves {
    let n = random.count(16, 300);
    let amplitude = random.between(0.3, 0.9);
    let start = random.between(1.0, 10.0);
    let level = start * random.between(0.3, 0.9);
    let period = random.between(2.0, 6.0);
    let tau = n as f64 * 0.2;
    let loss = curve(n, |i| {
        let base = level + (start - level) * (-(i as f64) / tau).exp();
        let swing = (std::f64::consts::TAU * i as f64 / period + random.between(-0.8, 0.8)).sin();
        base * (1.0 + amplitude * swing).max(0.05)
    });
    let accuracy = curve(n, |_| (0.45 + 0.06 * random.gauss()).clamp(0.0, 0.85));
    of(n, [loss, None, accuracy, None])
}

fn spike(random: &mut Random) -> Curves {
    let n = random.count(20, 200);
    let at = (random.between(0.2, 0.7) * n as f64) as usize;
    let height = random.scale(30.0, 1e4);
    let mut curves = healthy(random);
    while curves.rows < n {
        curves = healthy(random);
    }
    for loss in [&mut curves.loss, &mut curves.val_loss].into_iter().flatten() {
        let top = loss.values[0] * height;
        for (values, k) in loss.values[at..].iter_mut().zip(0..) {
            *values += top * (-1.5 * f64::from(k)).exp();
        }
    }
    curves
}

fn not_a_number(random: &mut Random) -> Curves {
    let mut curves = healthy(random);
    let from = (random.between(0.0, 0.9) * curves.rows as f64) as usize;
    let bad = if random.coin() { f64::NAN } else { f64::INFINITY };
    for loss in [&mut curves.loss, &mut curves.val_loss].into_iter().flatten() {
        loss.values[from..].fill(bad);
    }
    curves
}

fn negative(random: &mut Random) -> Curves {
    let n = random.count(5, 60);
    let scale = random.scale(0.1, 1e6);
    let loss = curve(n, |i| 0.5 - scale * (i as f64).powf(1.5) * (1.0 + 0.05 * random.gauss()));
    let accuracy = curve(n, |_| 0.33 + 0.003 * random.gauss());
    of(n, [loss, None, accuracy, None])
}

fn unmoved(random: &mut Random) -> Curves {
    let n = random.count(5, 80);
    let start = random.scale(0.003, 2.0);
    let share = random.between(0.05, 0.6);
    let loss = curve(n, |i| start * (-(i as f64) * 20.0 / n as f64).exp());
    let accuracy = curve(n, |_| share);
    of(n, [loss, None, accuracy, None])
}

fn penalty(random: &mut Random) -> Curves {
    let n = random.count(12, 200);
    let most = random.scale(10.0, 1000.0);
    let level = random.between(0.3, 1.0);
    let loss =
        curve(n, |i| level + most * (2.0 * i as f64 / n as f64).min(1.0) * (1.0 + 0.01 * random.gauss()));
    let val = curve(n, |_| level * (1.0 + 0.02 * random.gauss()));
    let accuracy = curve(n, |_| (0.7 + 0.01 * random.gauss()).clamp(0.0, 1.0));
    of(n, [loss, val, accuracy, None])
}

fn rebound(random: &mut Random) -> Curves {
    let n = random.count(16, 100);
    let length = random.count(3, 5);
    let back = random.between(0.5, 0.95);
    let noise = random.between(0.0, 0.01);
    let mut loss = || {
        let mut fallen = decay(random, n, 1.2, 0.5, n as f64 * 0.4, noise)?;
        let low = fallen.values[n - length - 1];
        for value in &mut fallen.values[n - length..] {
            *value = low + back * (1.2 - low) * (1.0 + 0.05 * random.gauss());
        }
        Some(fallen)
    };
    let (train, val) = (loss(), loss());
    of(n, [train, val, None, None])
}

fn plateau(random: &mut Random) -> Curves {
    let n = random.count(20, 300);
    let start = random.between(0.7, 3.0);
    let floor = start * random.between(0.55, 0.85);
    let tau = n as f64 * random.between(0.02, 0.1);
    let noise = random.between(0.001, 0.01);
    let best = random.between(0.4, 0.75);
    let train = decay(random, n, start, floor, tau, noise);
    let val = decay(random, n, start, floor * 1.02, tau, noise);
    let accuracy = climb(random, n, 0.2, best, tau, 4000.0);
    let val_accuracy = climb(random, n, 0.2, best - 0.01, tau, 1000.0);
    of(n, [train, val, accuracy, val_accuracy])
}

fn guessing(random: &mut Random) -> Curves {
    let n = random.count(15, 100);
    let classes = random.between(8.0, 100.0).floor();
    let chance = 1.0 / classes;
    let mut loss =
        || curve(n, |i| classes.ln() * (1.0 - 0.06 * i as f64 / n as f64) * (1.0 + 0.002 * random.gauss()));
    let (train, val) = (loss(), loss());
    let accuracy = curve(n, |i| (chance + 0.04 * i as f64 / n as f64 + 0.003 * random.gauss()).max(0.0));
    let val_accuracy = curve(n, |_| (chance + 0.01 * random.gauss()).max(0.0));
    of(n, [train, val, accuracy, val_accuracy])
}

fn too_short(random: &mut Random) -> Curves {
    let n = 1 + usize::from(random.coin());
    let tau = random.between(0.5, 3.0);
    healthy_of(random, n, tau, 0.01)
}
