use proptest::prelude::*;
use traceward_run::tensors::Tensor;
use traceward_trace::rng::Rng;

use super::*;

/// Rows of a matrix and their labels: column 0 counts 0 to 3 with one or two of them of class 1 and three
/// of class 2, column 1 is noise, column 2 a real number that is negative for class 2.
fn three_classes(rows: usize, seed: u64) -> (Sparse, Vec<u16>) {
    let mut rng = Rng::new(seed);
    let mut matrix = Sparse::new(4);
    let mut labels = Vec::new();
    for _ in 0..rows {
        let count = rng.below(4) as u16;
        let label = count.div_ceil(2);
        let noise = rng.below(3) as f32;
        let real = rng.uniform() as f32 + if label == 2 { -1.5 } else { 0.25 };
        matrix.push([(0, f32::from(count)), (1, noise), (2, real)]);
        labels.push(label);
    }
    (matrix, labels)
}

fn quick() -> BoostConfig {
    BoostConfig { num_iterations: 8, min_data_in_leaf: 3, learning_rate: 0.3, ..BoostConfig::default() }
}

fn fitted(config: &BoostConfig) -> (Boosted, Sparse, Vec<u16>) {
    let (matrix, labels) = three_classes(60, 1);
    (Boosted::fit(&matrix, &labels, 3, None, config, 5).unwrap(), matrix, labels)
}

fn probabilities(model: &Boosted, matrix: &Sparse) -> Vec<f32> {
    let mut all = Vec::new();
    let mut row = vec![0.0; model.classes()];
    for at in 0..matrix.rows() {
        let (columns, values) = matrix.row(at);
        model.predict_into(columns, values, &mut row);
        all.extend(&row);
    }
    all
}

fn parts(model: &Boosted) -> (Value, Vec<Tensor>) {
    let mut tensors = Vec::new();
    let document = model.write(&mut Writer::new(&mut tensors));
    (document, tensors)
}

/// Four rows of two classes, parted by one column: with one round and no shrinkage every number can be
/// worked out. All start at probability 1/2; a row's derivatives are -+1/2 and 2 * 1/4, so a leaf of two
/// rows of class 0 has gradients -1 and hessians 1 and puts out 1.
#[test]
fn one_cut_is_what_it_is_by_hand() {
    let mut matrix = Sparse::new(3);
    for value in [0.0, 1.0, 3.0, 5.0] {
        matrix.push([(2, value)]);
    }
    let config = BoostConfig {
        num_iterations: 1,
        learning_rate: 1.0,
        min_data_in_leaf: 1,
        min_data_in_bin: 1,
        ..BoostConfig::default()
    };
    let model = Boosted::fit(&matrix, &[0, 0, 1, 1], 2, None, &config, 0).unwrap();
    let score = |value: f32| {
        let mut out = [0.0; 2];
        model.scores_into(&[2], &[value], &mut out);
        out.map(|score| score - 0.5f32.ln())
    };
    assert_eq!((model.rounds(), model.columns()), (1, &[2][..]));
    for (value, expected) in [(0.0, [1.0, -1.0]), (2.0, [1.0, -1.0]), (2.01, [-1.0, 1.0]), (9.0, [-1.0, 1.0])]
    {
        let found = score(value);
        assert!((found[0] - expected[0]).abs() < 1e-5 && (found[1] - expected[1]).abs() < 1e-5, "{found:?}");
    }
    // Each side scores 1²/1 twice over, uncut it is 0.
    let importance = model.importance();
    assert!((importance[0].1 - 4.0).abs() < 1e-5, "{importance:?}");
    let shares = model.contributions(&[2], &[5.0], 1);
    assert!((shares.bias - 0.5f32.ln()).abs() < 1e-6 && (shares.columns[0].1 - 1.0).abs() < 1e-5);
}

#[test]
fn classes_are_learnt_from_counts_and_from_real_numbers() {
    let (model, _, _) = fitted(&quick());
    let (matrix, labels) = three_classes(300, 2);
    let found = probabilities(&model, &matrix);
    let right = found.chunks(3).zip(&labels).filter(|(p, l)| p[usize::from(**l)] > 0.5).count();
    assert!(right > 290, "{right} of 300");
    assert!(found.iter().all(|p| p.is_finite()));
    let asked: Vec<u32> = model.importance().iter().map(|&(column, _)| column).take(2).collect();
    assert!(asked.contains(&0) && asked.contains(&2), "{asked:?}");
}

#[test]
fn contributions_add_up_to_the_score() {
    let (model, matrix, _) = fitted(&quick());
    let mut scores = vec![0.0; 3];
    for row in 0..matrix.rows() {
        let (columns, values) = matrix.row(row);
        model.scores_into(columns, values, &mut scores);
        for (class, score) in scores.iter().enumerate() {
            let shares = model.contributions(columns, values, class);
            let sum = shares.bias + shares.columns.iter().map(|c| c.1).sum::<f32>();
            assert!((sum - score).abs() < 1e-4, "{sum} {score}");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_trees() {
    let config = BoostConfig { feature_fraction: 0.7, bagging_fraction: 0.8, ..quick() };
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| fitted(&config).0)
    };
    let one = with(1);
    assert_eq!(one, with(3));
    assert_eq!(one, with(2));
}

#[test]
fn the_seed_draws_rows_and_columns() {
    let (matrix, labels) = three_classes(60, 1);
    let config = BoostConfig { feature_fraction: 0.5, ..quick() };
    let fit = |config: &BoostConfig, seed| Boosted::fit(&matrix, &labels, 3, None, config, seed).unwrap();
    assert_ne!(fit(&config, 1), fit(&config, 2));
    assert_eq!(fit(&quick(), 1), fit(&quick(), 2));
}

#[test]
fn a_class_without_rows_is_never_likely() {
    let (matrix, labels) = three_classes(60, 1);
    let model = Boosted::fit(&matrix, &labels, 5, None, &quick(), 0).unwrap();
    let found = probabilities(&model, &matrix);
    assert!(found.chunks(5).all(|p| p[3] < 1e-6 && p[4] < 1e-6));
    let one = Boosted::fit(&matrix, &[1; 60], 2, None, &quick(), 0).unwrap();
    assert!(probabilities(&one, &matrix).chunks(2).all(|p| p[1] > 0.999));
}

#[test]
fn weights_and_balance_move_the_scores() {
    let mut matrix = Sparse::new(1);
    (0..40).for_each(|row| matrix.push([(0, (row % 2) as f32)]));
    let labels: Vec<u16> = (0..40).map(|row| u16::from(row < 8)).collect();
    let chance = |weights: Option<&[f32]>, balanced| {
        let config = BoostConfig { balanced, ..quick() };
        let model = Boosted::fit(&matrix, &labels, 2, weights, &config, 0).unwrap();
        probabilities(&model, &matrix)[1]
    };
    assert!((chance(None, false) - 0.2).abs() < 1e-3);
    assert!((chance(None, true) - 0.5).abs() < 1e-3);
    let weights: Vec<f32> = labels.iter().map(|&label| if label == 1 { 4.0 } else { 1.0 }).collect();
    assert!((chance(Some(&weights), false) - 0.5).abs() < 1e-3);
}

#[test]
fn what_cannot_be_learnt_from_is_refused() {
    let (matrix, labels) = three_classes(10, 1);
    let fit = |matrix: &Sparse, labels: &[u16], weights: Option<&[f32]>, config: &BoostConfig| {
        Boosted::fit(matrix, labels, 3, weights, config, 0).unwrap_err()
    };
    assert!(matches!(fit(&Sparse::new(4), &[], None, &quick()), TreesError::Size { rows: 0, .. }));
    assert!(matches!(fit(&matrix, &labels[1..], None, &quick()), TreesError::Length { found: 9, .. }));
    assert!(matches!(fit(&matrix, &[7; 10], None, &quick()), TreesError::Label { label: 7, .. }));
    assert!(matches!(fit(&matrix, &labels, Some(&[-1.0; 10]), &quick()), TreesError::Value { row: 0 }));
    let mut broken = matrix.clone();
    broken.push([(1, f32::NAN)]);
    let labels: Vec<u16> = labels.iter().copied().chain([0]).collect();
    assert!(matches!(fit(&broken, &labels, None, &quick()), TreesError::Value { row: 10 }));
    let config = BoostConfig { feature_fraction: 0.0, ..quick() };
    assert!(matches!(fit(&matrix, &[0; 10], None, &config), TreesError::Config(_)));
}

#[test]
fn narrowed_trees_read_only_their_columns() {
    let (matrix, labels) = three_classes(60, 1);
    let mut wide = Sparse::new(40);
    for row in 0..matrix.rows() {
        let (columns, values) = matrix.row(row);
        wide.push(columns.iter().map(|c| c * 10 + 3).zip(values.iter().copied()));
    }
    let model = Boosted::fit(&wide, &labels, 3, None, &quick(), 0).unwrap();
    let own = model.columns().to_vec();
    let narrow = model.clone().narrowed();
    assert!(!own.is_empty() && own.iter().all(|c| c % 10 == 3));
    let (mut before, mut after) = (vec![0.0; 3], vec![0.0; 3]);
    for row in 0..wide.rows() {
        let (columns, values) = wide.row(row);
        model.scores_into(columns, values, &mut before);
        let kept =
            || columns.iter().zip(values).filter_map(|(c, v)| Some((own.binary_search(c).ok()? as u32, *v)));
        let (columns, values): (Vec<u32>, Vec<f32>) = kept().unzip();
        narrow.scores_into(&columns, &values, &mut after);
        assert_eq!(before, after);
    }
}

/// LightGBM on the same rows and settings, from the script beside the file. It draws nothing, so that trees
/// differ only where two cuts gain the same.
#[test]
fn scores_agree_with_light_gbm() {
    let text = include_str!("tests/lightgbm.json");
    let known: Known = serde_json::from_str(text).unwrap();
    let mut matrix = Sparse::new(known.columns);
    for row in &known.rows {
        matrix.push(row.iter().copied());
    }
    let config = BoostConfig {
        num_iterations: 20,
        min_data_in_leaf: 1,
        min_sum_hessian_in_leaf: 2.0,
        ..BoostConfig::default()
    };
    let learnt = known.learnt;
    let mut learn = Sparse::new(known.columns);
    known.rows[..learnt].iter().for_each(|row| learn.push(row.iter().copied()));
    let model = Boosted::fit(&learn, &known.labels[..learnt], 3, None, &config, 0).unwrap();
    let found = probabilities(&model, &matrix);
    let apart = found.iter().zip(&known.probabilities).map(|(a, b)| (a - b).abs());
    let mean = apart.clone().sum::<f32>() / found.len() as f32;
    let close = apart.filter(|&apart| apart < 1e-3).count();
    assert!(mean < 5e-3 && close * 10 > found.len() * 9, "{mean}, {close} of {}", found.len());
}

#[derive(Deserialize)]
struct Known {
    columns: usize,
    learnt: usize,
    rows: Vec<Vec<(u32, f32)>>,
    labels: Vec<u16>,
    probabilities: Vec<f32>,
}

#[test]
fn what_is_written_comes_back() {
    let (model, matrix, _) = fitted(&quick());
    let (document, tensors) = parts(&model);
    let back = Boosted::read(&document, &Reader::new(&tensors), matrix.columns(), 3).unwrap();
    assert_eq!(model, back);
    for classes in [0, 2, 4] {
        assert!(Boosted::read(&document, &Reader::new(&tensors), matrix.columns(), classes).is_err());
    }
    assert!(Boosted::read(&document, &Reader::new(&tensors), 2, 3).is_err());
    assert!(Boosted::read(&json!({ "rounds": u64::MAX }), &Reader::new(&tensors), 4, 3).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever one number of the arrays becomes, reading ends in an error or in trees that can be asked.
    #[test]
    fn damaged_arrays_do_not_panic(array in 0usize..6, at in any::<prop::sample::Index>(), bits in any::<u32>()) {
        let config = BoostConfig { num_iterations: 3, ..quick() };
        let (model, matrix, _) = fitted(&config);
        let (document, mut tensors) = parts(&model);
        let array = array % tensors.len();
        let values = &mut tensors[array].2;
        let at = at.index(values.len());
        for value in [f32::from_bits(bits), (bits % 9) as f32] {
            tensors[array].2[at] = value;
            if let Ok(model) = Boosted::read(&document, &Reader::new(&tensors), matrix.columns(), 3) {
                probabilities(&model, &matrix);
                model.contributions(matrix.row(0).0, matrix.row(0).1, 2);
                model.importance();
            }
        }
    }

    /// Trees of any small matrix say what adds up to 1.
    #[test]
    fn any_small_matrix_gives_probabilities(
        rows in prop::collection::vec((prop::collection::vec(-3i8..4, 3), 0u16..3), 1..24),
        leaves in 2u32..6,
    ) {
        let mut matrix = Sparse::new(3);
        for (row, _) in &rows {
            matrix.push(row.iter().enumerate().map(|(c, &v)| (c as u32, f32::from(v) / 2.0)));
        }
        let labels: Vec<u16> = rows.iter().map(|row| row.1).collect();
        let config = BoostConfig { num_leaves: leaves, min_data_in_leaf: 1, num_iterations: 4, ..quick() };
        let model = Boosted::fit(&matrix, &labels, 3, None, &config, 1).unwrap();
        for row in probabilities(&model, &matrix).chunks(3) {
            prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-4 && row.iter().all(|p| (0.0..=1.0).contains(p)));
        }
    }
}
