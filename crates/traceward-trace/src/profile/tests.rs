use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::rng::Rng;
use crate::sample::{dataset, datasets};
use crate::split::{Method, SplitConfig, split};
use crate::{ReadOptions, Source, read};

/// Two normals that training and validation share, a conflict, a copy, an attack of one run.
fn small() -> Dataset {
    let mut data = dataset(&[
        ("open read close", "normal", "", "training"),
        ("open read read close", "normal", "", "training"),
        ("open read close", "normal", "", "validation"),
        ("open mmap2 close", "normal", "", "validation"),
        ("open read close", "web", "web_1", "attack"),
        ("execve #999", "web", "web_1", "attack"),
        ("execve #999", "web", "web_1", "attack"),
        ("getpid", "", "", ""),
    ]);
    let source = Source { file: "set.zip!bad.txt".into(), line: Some(3) };
    data.report.skip(source, "`12x` is not a number.");
    data.report.notes.push("README was not read: not a trace.".into());
    data
}

#[test]
fn the_json_of_a_small_data_set() {
    insta::assert_json_snapshot!(Profile::of(&small()));
}

#[test]
fn the_json_of_a_split() {
    let data = small();
    let config = SplitConfig { method: Method::Tail, validation_share: 0.4, seed: 0, shuffle_first: false };
    insta::assert_json_snapshot!(SplitProfile::of(&data, &split(&data, &config).unwrap()));
}

#[test]
fn a_clean_data_set_has_no_flaws() {
    let mut calls: Vec<String> = (0..200).map(|i| format!("open read c{i}")).collect();
    Rng::new(1).shuffle(&mut calls);
    let mut rng = Rng::new(2);
    let rows: Vec<_> = calls
        .iter()
        .map(|c| (c.as_str(), if rng.below(2) == 0 { "normal" } else { "web" }, "", ""))
        .collect();
    let mut data = dataset(&rows);
    data.abi = Abi::Custom("c".into());
    assert_eq!(Profile::of(&data).flaws, Vec::<String>::new());
}

#[test]
fn numbers_read_by_the_wrong_table_are_doubted() {
    // What i386 writes as read, write, open, close, stat64, mmap2, fstat64, clock_gettime.
    let read_wrongly: Vec<&str> =
        [3, 4, 5, 6, 195, 192, 197, 265].iter().map(|&n| Abi::X86_64.name_of(n).unwrap()).collect();
    let row = read_wrongly.join(" ");
    let mut data = dataset(&[(&row, "normal", "", ""), (&row, "web", "", "")]);
    data.abi = Abi::X86_64;
    let profile = Profile::of(&data);
    assert_eq!(profile.abi_doubt, Some(Abi::I386), "{:?}", profile.abi_evidence);
    assert!(profile.flaws[0].contains("look like i386, but were read as x86_64"), "{:?}", profile.flaws);
    assert_eq!(profile.numbers, Some(Numbers { min: 3, max: 265 }));
}

#[test]
fn nothing_is_profiled_without_panic() {
    let profile = Profile::of(&dataset(&[]));
    assert_eq!((profile.traces, profile.calls, profile.lengths), (0, 0, Lengths::default()));
    assert_eq!(profile.conflicts.accuracy_ceiling, 1.0);
    assert!(profile.copies.biggest.is_none() && profile.imbalance.is_none());
}

proptest! {
    /// The figures, counted again the slow way.
    #[test]
    fn figures_agree_with_a_plain_count(data in datasets()) {
        let p = Profile::of(&data);
        let n = data.traces.len();
        let distinct: std::collections::BTreeSet<_> = data.traces.iter().map(|t| &t.calls).collect();
        prop_assert_eq!(p.distinct_traces, distinct.len());
        prop_assert_eq!(p.copies.traces, n - distinct.len());
        let conflicting = distinct.iter().filter(|calls| {
            let labels: std::collections::BTreeSet<_> =
                data.traces.iter().filter(|t| &t.calls == **calls).filter_map(|t| t.class).collect();
            labels.len() > 1
        });
        prop_assert_eq!(p.conflicting_groups, conflicting.count());
        let biggest = distinct.iter().map(|calls| data.traces.iter().filter(|t| &t.calls == *calls).count()).max();
        prop_assert_eq!(p.copies.biggest.map_or(1, |b| b.traces), biggest.unwrap_or(1));
        prop_assert_eq!(p.classes.0.iter().map(|(_, n)| n).sum::<usize>() + p.unlabelled, n);
        prop_assert_eq!(p.per_class.iter().map(|c| c.calls).sum::<usize>() <= p.calls, true);
        let in_parts: usize = p.parts.iter().map(|part| part.traces).sum();
        prop_assert_eq!(in_parts, data.traces.iter().filter(|t| t.part.is_some()).count());
        prop_assert!((0.0..=1.0).contains(&p.conflicts.accuracy_ceiling));
        prop_assert!((0.0..=1.0).contains(&p.neighbours.equal_share));
    }

    #[test]
    fn grouped_splits_leave_nothing_on_both_sides(data in datasets(), seed: u64) {
        let config = SplitConfig { method: Method::Grouped, validation_share: 0.3, seed, shuffle_first: false };
        if let Ok(cut) = split(&data, &config) {
            let seen = SplitProfile::of(&data, &cut);
            prop_assert_eq!((seen.copies_across, seen.conflicts_across, seen.groups_across), (0, 0, 0));
            prop_assert_eq!(seen.train + seen.validation + seen.dropped, data.traces.len());
        }
    }
}

/// ADFA-LD, where the machine has it.
fn adfa() -> Option<Dataset> {
    let given = std::env::var_os("TRACEWARD_DATA").map(std::path::PathBuf::from);
    let folder = given.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let zip = folder.join(Path::new("adfa-ld/ADFA-LD.zip"));
    if !zip.exists() {
        println!("skipped: no {}", zip.display());
        return None;
    }
    Some(read(&zip, &ReadOptions::default()).unwrap())
}

/// The published figures of ADFA-LD, and those that anyone can count in its files.
#[test]
fn adfa_ld_has_its_known_figures() {
    let Some(data) = adfa() else { return };
    let p = Profile::of(&data);
    assert_eq!((p.traces, p.calls, p.distinct_calls, p.distinct_traces), (5951, 2_747_550, 175, 3852));
    assert_eq!(p.abi, Abi::I386);
    assert_eq!(p.abi_doubt, None);
    assert_eq!(p.numbers, Some(Numbers { min: 1, max: 340 }));
    assert_eq!(p.lengths, Lengths { min: 75, median: 343, p95: 1580, max: 4494 });
    for (class, traces) in [
        ("normal", 5205),
        ("adduser", 91),
        ("hydra_ftp", 162),
        ("hydra_ssh", 176),
        ("java_meterpreter", 124),
        ("meterpreter", 75),
        ("web_shell", 118),
    ] {
        let found = p.per_class.iter().find(|c| c.name.eq_ignore_ascii_case(class)).unwrap();
        assert_eq!(found.traces, traces, "{class}");
        assert_eq!(found.groups, if class == "normal" { 0 } else { 10 }, "{class}");
    }
    let parts: Vec<(&str, usize)> = p.parts.iter().map(|part| (part.name.as_str(), part.traces)).collect();
    assert_eq!(parts, [("training", 833), ("validation", 4372), ("attack", 746)]);
    assert_eq!((p.conflicting_groups, p.conflicts.traces), (7, 19));
    assert_eq!(p.conflicts.accuracy_ceiling, 5941.0 / 5951.0);
    assert_eq!(p.copies.traces, 2099);
    assert_eq!(p.copies.biggest.as_ref().unwrap().traces, 968);
    let overlap = &p.copies.across_parts[0];
    assert_eq!(
        (overlap.part.as_str(), overlap.also_in.as_str(), overlap.traces),
        ("validation", "training", 422)
    );
    assert!(p.neighbours.is_sorted());
    assert!(p.outside_table.is_empty(), "{:?}", p.outside_table);
}

/// The protocol's own figures: 3,862 traces are kept, two of ten runs of each family validate a fold.
#[test]
fn adfa_ld_is_cut_by_runs() {
    let Some(data) = adfa() else { return };
    assert_eq!(Method::default_for(&data), Method::Grouped);
    let config =
        SplitConfig { method: Method::Grouped, validation_share: 0.2, seed: 0, shuffle_first: false };
    let cut = split(&data, &config).unwrap();
    cut.check(&data, &config).unwrap();
    let runs: std::collections::BTreeSet<&str> =
        cut.validation.iter().filter_map(|&i| data.traces[i as usize].group.as_deref()).collect();
    assert_eq!(runs.len(), 12);
    let folds = crate::split::folds(&data, 5, 0).unwrap();
    crate::split::check_folds(&data, &folds).unwrap();
    // 3,862 distinct pairs of calls and class; a fold drops the few that also train under another label.
    for fold in &folds {
        let kept = fold.train.len() + fold.validation.len();
        assert!((3852..=3862).contains(&kept), "{kept}");
    }
    let given = SplitConfig { method: Method::Given, ..config };
    let error = split(&data, &given).unwrap_err().to_string();
    assert!(error.contains("746 of its 5,951 traces (part attack) on neither side"), "{error}");
}
