use super::*;
use crate::desk::Options;
use crate::example::of;
use crate::outputs::{Outputs, Target};
use crate::suppress::Suppressions;

fn filled() -> Arc<Metrics> {
    let metrics = Metrics::new(UNIX_EPOCH + Duration::from_secs(1_795_409_772));
    metrics.model(ModelId { name: "live \"a\".safetensors".into(), id: "0123456789abcdef".into() });
    metrics.events.set(12);
    metrics.calls.set(1_000_000);
    metrics.threads.set(321);
    metrics.ring[0].set(4096);
    metrics.ring[1].set(16 << 20);
    metrics.calibrated.set(1);
    metrics.losses(Losses { ring_full: 7, events: 1, no_memory: 2 });
    metrics.guard(&Counts {
        traces: 40,
        calls: 999_991,
        verdicts: [30, 1, 2, 3, 4],
        alarms: 3,
        ..Counts::default()
    });
    metrics.score.observe(250_000, 3);
    metrics.lag.observe(20_000_000, 1);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        "[[suppress]]\nuid = 7\nreason = 'a'\n[[suppress]]\ncomm = 'sshd'\nexe = '/y'\nreason = 'a'\n",
    )
    .unwrap();
    let mut desk = Desk::new(Options::default(), Suppressions::load(file.path()).unwrap());
    for (id, exe) in [("1", "/x"), ("2", "/x"), ("3", "/y")] {
        desk.alert(of(id, exe), Duration::ZERO, &mut |_| {});
    }
    metrics.desk(&desk);
    let folder = tempfile::tempdir().unwrap();
    let target = Target::File(folder.path().join("alerts.jsonl"));
    let outputs = Outputs::open(&[target], &Default::default()).unwrap();
    metrics.outputs(outputs.statuses());
    outputs.finish(Duration::from_secs(10));
    Arc::new(metrics)
}

/// What differs from run to run is made the same.
fn steady(text: &str) -> String {
    let line = |line: &str| match (line.rsplit_once(' '), line.split_once("output=\"file:")) {
        (_, Some((before, after))) => {
            let rest = after.split_once('"').map_or("", |(_, rest)| rest);
            format!("{before}output=\"file:F\"{rest}\n")
        }
        (Some((name, _)), _)
            if ["traceward_process_cpu_seconds_total", "traceward_process_resident_memory_bytes"]
                .contains(&name) =>
        {
            format!("{name} N\n")
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn the_page_as_prometheus_reads_it() {
    insta::assert_snapshot!(steady(&filled().render()));
}

#[test]
fn names_keep_prometheus_rules() {
    let page = filled().render();
    assert!(page.ends_with("# EOF\n"));
    let mut types = std::collections::HashMap::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(types.insert(name.to_owned(), kind.to_owned()), None, "{name} twice");
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(name.starts_with("traceward_"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            let base = ["_total", "_bucket", "_sum", "_count", "_info"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix).filter(|base| types.contains_key(*base)));
            let kind = types.get(base.unwrap_or(name)).unwrap_or_else(|| panic!("{name} has no type"));
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
            let value = line.rsplit_once(' ').unwrap().1;
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    assert!(types.len() > 30);
}
