use proptest::prelude::*;

use super::*;
use crate::sample::{Row, dataset, datasets, datasets_of_runs};

fn config(method: Method, validation_share: f64, seed: u64) -> SplitConfig {
    SplitConfig { method, validation_share, seed, shuffle_first: false }
}

/// Ten runs of two attacks with two traces each, and twelve normals without groups.
fn attacks() -> Dataset {
    let mut rows: Vec<(String, &str, String, &str)> = Vec::new();
    for i in 0..12 {
        rows.push((format!("open n{i}"), "normal", String::new(), "training"));
    }
    for class in ["adduser", "web"] {
        for run in 0..10 {
            for i in 0..2 {
                rows.push((format!("{class} r{run} t{i}"), class, format!("{class}_{run}"), "attack"));
            }
        }
    }
    let rows: Vec<Row<'_>> = rows.iter().map(|(a, b, c, d)| (a.as_str(), *b, c.as_str(), *d)).collect();
    dataset(&rows)
}

fn names<'d>(data: &'d Dataset, rows: &[u32]) -> Vec<&'d str> {
    rows.iter().map(|&r| data.classes[usize::from(data.traces[r as usize].class.unwrap())].as_str()).collect()
}

#[test]
fn grouped_keeps_a_fifth_of_the_runs_of_each_class() {
    let data = attacks();
    let cut = split(&data, &config(Method::Grouped, 0.2, 3)).unwrap();
    let of = |class| names(&data, &cut.validation).iter().filter(|&&c| c == class).count();
    assert_eq!((of("normal"), of("adduser"), of("web")), (2, 4, 4));
    assert!(cut.dropped.is_empty());
    cut.check(&data, &config(Method::Grouped, 0.2, 3)).unwrap();
}

#[test]
fn grouped_drops_copies_and_what_training_has_under_another_label() {
    let data = dataset(&[
        ("open", "normal", "a", ""),
        ("open", "normal", "b", ""), // a copy, and all of its group
        ("read", "normal", "c", ""),
        ("open", "web", "w1", ""), // equal to a normal
        ("kill", "web", "w2", ""),
        ("kill", "web", "w2", ""),
    ]);
    for seed in 0..20 {
        let wanted = config(Method::Grouped, 0.5, seed);
        let cut = split(&data, &wanted).unwrap();
        cut.check(&data, &wanted).unwrap();
        assert!(cut.dropped.contains(&1) && cut.dropped.contains(&5), "{cut:?}");
        let normal_open_trains = cut.train.contains(&0);
        assert_eq!(cut.dropped.contains(&3), normal_open_trains && !cut.train.contains(&3), "{cut:?}");
    }
}

#[test]
fn a_group_of_several_classes_stays_whole() {
    let mut rows = Vec::new();
    let text: Vec<(String, String)> = (0..40).map(|i| (format!("c{i}"), format!("host{}", i % 8))).collect();
    for (i, (calls, host)) in text.iter().enumerate() {
        rows.push((calls.as_str(), if i % 3 == 0 { "web" } else { "normal" }, host.as_str(), ""));
    }
    let data = dataset(&rows);
    let cut = split(&data, &config(Method::Grouped, 0.25, 1)).unwrap();
    cut.check(&data, &config(Method::Grouped, 0.25, 1)).unwrap();
    assert_eq!(cut.validation.len(), 10, "two of eight hosts");
}

#[test]
fn a_class_with_one_group_trains() {
    let data = dataset(&[
        ("a", "normal", "", ""),
        ("b", "normal", "", ""),
        ("c", "web", "w", ""),
        ("d", "web", "w", ""),
    ]);
    let cut = split(&data, &config(Method::Grouped, 0.5, 0)).unwrap();
    assert_eq!(names(&data, &cut.validation), ["normal"]);
    let alone = dataset(&[("c", "web", "w", ""), ("d", "web", "w", "")]);
    let error = split(&alone, &config(Method::Grouped, 0.5, 0)).unwrap_err().to_string();
    assert!(error.contains("validation side of 2 traces would be empty"), "{error}");
}

/// The order of Keras: `floor(n (1 - share))` of the rows train, the last ones validate.
#[test]
fn tail_cuts_where_keras_cuts() {
    let data = attacks();
    for (share, trains) in [(0.2, 41), (0.1, 46), (0.33, 34), (0.5, 26)] {
        let cut = split(&data, &config(Method::Tail, share, 0)).unwrap();
        assert_eq!(cut.train, (0..trains).collect::<Vec<u32>>(), "share {share}");
        assert_eq!(cut.validation, (trains..52).collect::<Vec<u32>>());
    }
    let cut = split(&data, &config(Method::Tail, 0.2, 0)).unwrap();
    assert!(names(&data, &cut.validation).iter().all(|&c| c == "web"), "the last class alone validates");
}

#[test]
fn tail_shuffles_first_when_asked() {
    let data = attacks();
    let wanted = SplitConfig { shuffle_first: true, ..config(Method::Tail, 0.2, 5) };
    let cut = split(&data, &wanted).unwrap();
    cut.check(&data, &wanted).unwrap();
    assert_eq!(cut.train.len(), 41);
    assert!(!cut.train.is_sorted());
    assert!(names(&data, &cut.validation).contains(&"normal"));
}

#[test]
fn given_follows_the_parts() {
    let data = dataset(&[
        ("a", "normal", "", "train"),
        ("b", "web", "", "Validation"),
        ("c", "web", "", "test"),
        ("d", "", "", "train"),
    ]);
    let cut = split(&data, &config(Method::Given, 0.0, 0)).unwrap();
    assert_eq!((cut.train, cut.validation, cut.dropped), (vec![0], vec![1], vec![2, 3]));
    let two = dataset(&[("a", "normal", "", "train"), ("b", "web", "", "test")]);
    assert_eq!(
        split(&two, &config(Method::Given, 0.0, 0)).unwrap().validation,
        [1],
        "test stands in for validation"
    );
}

#[test]
fn given_says_which_traces_the_parts_leave_out() {
    let error = split(&attacks(), &config(Method::Given, 0.0, 0)).unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot split: the data set's own parts put 40 of its 52 traces (part attack) on neither side, and with \
         them every trace of adduser and web; try the grouped or the random split"
    );
    let error = split(&dataset(&[("a", "normal", "", "")]), &config(Method::Given, 0.0, 0)).unwrap_err();
    assert!(error.to_string().contains("no parts of its own"));
}

#[test]
fn the_default_fits_the_data() {
    assert_eq!(Method::default_for(&attacks()), Method::Grouped);
    let two_files = dataset(&[("a", "normal", "", "train"), ("b", "normal", "", "validation")]);
    assert_eq!(Method::default_for(&two_files), Method::Given);
    let plain = dataset(&[("a", "normal", "", ""), ("b", "normal", "", "")]);
    assert_eq!(Method::default_for(&plain), Method::Random);
    let one_group_each =
        dataset(&[("a", "normal", "n", ""), ("b", "normal", "n", ""), ("c", "web", "w", "")]);
    assert_eq!(Method::default_for(&one_group_each), Method::Random);
}

#[test]
fn a_share_of_0_holds_nothing_back() {
    let mut data = attacks();
    data.traces[2].class = None;
    for method in [Method::Random, Method::Grouped, Method::Tail] {
        let cut = split(&data, &config(method, 0.0, 0)).unwrap();
        assert_eq!(
            (cut.train.len(), cut.validation.len(), &cut.dropped[..]),
            (data.traces.len() - 1, 0, &[2][..])
        );
    }
}

#[test]
fn what_cannot_be_cut_is_refused_in_words() {
    let unlabelled = dataset(&[("a", "", "", ""), ("b", "", "", "")]);
    for method in [Method::Random, Method::Grouped, Method::Tail] {
        let error = split(&unlabelled, &config(method, 0.5, 0)).unwrap_err().to_string();
        assert_eq!(error, "cannot split: none of its 2 traces has a label");
    }
    for share in [1.0, -0.1, f64::NAN] {
        assert!(split(&attacks(), &config(Method::Random, share, 0)).is_err(), "{share}");
    }
    assert!(folds(&attacks(), 1, 0).is_err());
    assert!(folds(&attacks(), 60, 0).is_err(), "more folds than groups");
}

/// Seeds in run directories must keep their meaning: this test may never be changed.
#[test]
fn seeds_are_pinned() {
    let data = attacks();
    let validation = |method, seed| split(&data, &config(method, 0.2, seed)).unwrap().validation;
    assert_eq!(validation(Method::Random, 0), PINNED_RANDOM);
    assert_eq!(validation(Method::Grouped, 0), PINNED_GROUPED);
    assert_eq!(folds(&data, 5, 0).unwrap()[1].validation, PINNED_FOLD);
    assert_ne!(validation(Method::Random, 1), PINNED_RANDOM);
}

const PINNED_RANDOM: [u32; 10] = [0, 4, 13, 16, 17, 21, 37, 38, 48, 50];
const PINNED_GROUPED: [u32; 10] = [0, 10, 14, 15, 28, 29, 32, 33, 50, 51];
const PINNED_FOLD: [u32; 11] = [5, 7, 8, 20, 21, 24, 25, 34, 35, 38, 39];

/// The check must be able to fail: each tampering breaks the promise that it should.
#[test]
fn the_check_finds_what_was_tampered_with() {
    let data = attacks();
    let grouped = config(Method::Grouped, 0.2, 0);
    let good = split(&data, &grouped).unwrap();
    let tampered = |change: &dyn Fn(&mut Split)| {
        let mut cut = good.clone();
        change(&mut cut);
        cut.check(&data, &grouped).unwrap_err()
    };
    assert!(matches!(tampered(&|s| s.train.push(s.validation[0])), BrokenPromise::NotOnce { times: 2, .. }));
    assert!(matches!(tampered(&|s| s.train.push(99)), BrokenPromise::NotOnce { trace: 99, .. }));
    assert!(matches!(
        tampered(&|s| {
            s.train.pop();
        }),
        BrokenPromise::NotOnce { times: 0, .. }
    ));
    assert!(matches!(tampered(&|s| s.train.reverse()), BrokenPromise::Order("training")));
    assert!(matches!(tampered(&|s| s.dropped.push(s.train.pop().unwrap())), BrokenPromise::Dropped(_)));
    assert!(matches!(
        tampered(&|s| {
            s.dropped.append(&mut s.validation);
            s.dropped.sort_unstable();
        }),
        BrokenPromise::Empty("validation")
    ));
    let moved = |from: &mut Vec<u32>, to: &mut Vec<u32>, row: u32| {
        from.retain(|&r| r != row);
        to.push(row);
        to.sort_unstable();
    };
    let run = *good.validation.last().unwrap();
    assert!(matches!(
        tampered(&|s| moved(&mut s.validation, &mut s.train, run)),
        BrokenPromise::Straddles(_)
    ));
    let normal = good.train[0];
    assert!(matches!(
        tampered(&|s| moved(&mut s.train, &mut s.validation, normal)),
        BrokenPromise::Share { .. }
    ));

    let copied = dataset(&[
        ("a", "normal", "", ""),
        ("a", "normal", "", ""),
        ("a", "web", "", ""),
        ("b", "web", "", ""),
    ]);
    let check = |train: &[u32], validation: &[u32], dropped: &[u32]| {
        Split { train: train.into(), validation: validation.into(), dropped: dropped.into() }
            .check(&copied, &config(Method::Grouped, 0.5, 0))
            .unwrap_err()
    };
    assert_eq!(check(&[1, 2], &[3], &[0]), BrokenPromise::Copy { kept: 1, first: 0 });
    assert_eq!(check(&[0, 3], &[2], &[1]), BrokenPromise::BothSides { validation: 2, train: 0 });
}

proptest! {
    #[test]
    fn splits_keep_their_promises(data in datasets(), share in 0.05f64..0.95, seed: u64, shuffle_first: bool) {
        for method in Method::ALL {
            let config = SplitConfig { method, validation_share: share, seed, shuffle_first };
            if let Ok(cut) = split(&data, &config) {
                prop_assert_eq!(cut.check(&data, &config), Ok(()), "{:?}", method);
                prop_assert_eq!(split(&data, &config).ok(), Some(cut), "same seed, same split");
            }
        }
    }

    #[test]
    fn splits_of_runs_keep_their_promises(data in datasets_of_runs(), share in 0.05f64..0.95, seed: u64) {
        let config = SplitConfig { method: Method::Grouped, validation_share: share, seed, shuffle_first: false };
        if let Ok(cut) = split(&data, &config) {
            prop_assert_eq!(cut.check(&data, &config), Ok(()));
        }
    }

    #[test]
    fn folds_keep_their_promises(data in datasets_of_runs(), k in 2usize..7, seed: u64) {
        if let Ok(folds) = folds(&data, k, seed) {
            prop_assert_eq!(folds.len(), k);
            prop_assert_eq!(check_folds(&data, &folds), Ok(()));
        }
    }

    /// A data set that can be cut, is: nothing but missing labels, parts, or a second trace or group is a
    /// reason to refuse.
    #[test]
    fn random_refuses_only_what_has_no_second_trace(data in datasets(), seed: u64) {
        let can = (0u16..).zip(&data.classes).any(|(c, _)| data.traces.iter().filter(|t| t.class == Some(c)).count() > 1);
        prop_assert_eq!(split(&data, &config(Method::Random, 0.3, seed)).is_ok(), can);
    }
}
