use traceward_trace::split::{Method, SplitConfig, split};
use traceward_trace::{Abi, CallTable, Dataset, ReadReport, Source, Trace};

use super::*;

/// Normals in two parts, two attacks in runs, with copies, a conflict and a name that would speak to the
/// terminal.
fn data() -> Dataset {
    let mut data = Dataset {
        name: "sample\x1b[2J.zip".into(),
        abi: Abi::I386,
        calls: CallTable::default(),
        classes: ["normal", "java_meterpreter", "web_shell"].map(String::from).into(),
        traces: Vec::new(),
        report: ReadReport::default(),
    };
    let mut add = |calls: &str, class: u16, group: Option<String>, part: &str| {
        data.traces.push(Trace {
            calls: calls.split_whitespace().map(|name| data.calls.intern(name).unwrap()).collect(),
            class: Some(class),
            group: group.map(Into::into),
            part: Some(part.into()),
            source: Source { file: "sample.zip!trace".into(), line: None },
            lost: 0,
        });
    };
    for i in 0..40 {
        let loops = "read write ".repeat(i % 13 + 1);
        add(
            &format!("open fstat64 mmap2 {loops} close"),
            0,
            None,
            if i < 15 { "training" } else { "validation" },
        );
    }
    for run in 1..=3 {
        for i in 0..3 {
            let polls = "poll futex clock_gettime ".repeat(run * 3 + i);
            add(&format!("execve {polls} exit_group"), 1, Some(format!("Java_{run}")), "attack");
            add(&format!("socketcall {polls} #999"), 2, Some(format!("Web_{run}")), "attack");
        }
    }
    add("open fstat64 mmap2 read write close", 2, Some("Web_3".into()), "attack");
    data.report.skip(Source { file: "sample.zip!notes.txt".into(), line: Some(1) }, "`Read` is no number.");
    data.report.notes.push("The archive's own list of calls was not used: it is another ABI's.".into());
    data
}

#[test]
fn a_profile_on_a_wide_terminal() {
    insta::assert_snapshot!(plain(&Profile::of(&data()), 110));
}

#[test]
fn a_profile_on_a_narrow_terminal() {
    insta::assert_snapshot!(plain(&Profile::of(&data()), 48));
}

#[test]
fn the_evidence_for_the_abi_is_given_once() {
    let mut profile = Profile::of(&data());
    assert!(plain(&profile, 200).contains("whose calls"));
    profile.notes.push(format!("The numbers were read as i386's. {}", profile.abi_evidence.join(" ")));
    let page = plain(&profile, 2000);
    assert_eq!(page.matches(&profile.abi_evidence[0]).count(), 1, "{page}");
}

#[test]
fn colour_changes_no_letter() {
    let profile = Profile::of(&data());
    let coloured = text(&profile, 80);
    assert!(coloured.contains("\x1b[1mclass\x1b[0m"), "{coloured:?}");
    let mut bare = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\x1b') {
        bare.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    bare.push_str(rest);
    assert_eq!(bare, plain(&profile, 80));
}

#[test]
fn no_line_is_too_wide() {
    let profile = Profile::of(&data());
    for width in [44, 60, 80, 120] {
        for line in plain(&profile, width).lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
            assert_eq!(line, line.trim_end(), "blanks at the end");
        }
    }
}

#[test]
fn a_split_and_its_flaws() {
    let data = data();
    let config = |method| SplitConfig { method, validation_share: 0.34, seed: 1, shuffle_first: false };
    let tail = split(&data, &config(Method::Tail)).unwrap();
    insta::assert_snapshot!("tail", split_plain(&SplitProfile::of(&data, &tail), 80));
    let grouped = split(&data, &config(Method::Grouped)).unwrap();
    insta::assert_snapshot!("grouped", split_plain(&SplitProfile::of(&data, &grouped), 80));
    assert!(split_text(&SplitProfile::of(&data, &tail), 80).contains("\x1b[33m0\x1b[0m"));
}

#[test]
fn an_empty_data_set_has_a_page() {
    let empty = Dataset { traces: Vec::new(), report: ReadReport::default(), ..data() };
    let page = plain(&Profile::of(&empty), 80);
    assert!(page.contains("traces     0, 0 distinct"), "{page}");
}
