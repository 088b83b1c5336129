//! Logs in folders and archives, and what stands beside them.

use std::io::Write;

use super::*;

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, data) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Class, part and group of every trace, and its calls.
fn shown(name: &str, file: &[u8]) -> Vec<String> {
    let data =
        crate::read::bytes(name, file, &ReadOptions { strict: true, ..ReadOptions::default() }).unwrap();
    let word = |word: &Option<std::sync::Arc<str>>| word.as_deref().unwrap_or("-").to_owned();
    let show = |(trace, calls): (&crate::Trace, Vec<&str>)| {
        let class = trace.class.map_or("-", |class| &data.classes[usize::from(class)]);
        format!("{class} {} {}: {}", word(&trace.part), word(&trace.group), calls.join(" "))
    };
    data.traces.iter().zip(named(&data)).map(show).collect()
}

#[test]
fn lid_ds_2021_tells_parts_by_folder_and_attacks_by_description() {
    let line = |time: u64, thread: u32, call: &str| format!("{time} 33 900 apache2 {thread} {call} > fd=9\n");
    let recording = [
        line(1_631_000_000_000_000_000, 41, "open"),
        line(1_631_000_009_000_000_000, 42, "accept"),
        line(1_631_000_005_000_000_000, 42, "read"),
    ]
    .concat();
    let packed = |description: &str| {
        zipped(&[
            ("r.sc", recording.as_bytes()),
            ("r.json", description.as_bytes()),
            ("r.res", b"cpu 1\n"),
            ("r.pcap", b"\xd4\xc3"),
        ])
    };
    let normal = packed(r#"{"exploit": false, "time": {"exploit": []}}"#);
    let attack = packed(r#"{"exploit": true, "time": {"exploit": [{"absolute": 1631000006.5}]}}"#);
    let set = zipped(&[
        ("CVE-1/training/a.zip", &normal),
        ("CVE-1/validation/b.zip", &normal),
        ("CVE-1/test/normal_and_attack/c.zip", &attack),
    ]);
    assert_eq!(
        shown("CVE-1.zip", &set),
        [
            "normal test CVE-1/test/normal_and_attack/c.zip!r.sc: open",
            "attack test CVE-1/test/normal_and_attack/c.zip!r.sc: read accept",
            "normal training CVE-1/training/a.zip!r.sc: open",
            "normal training CVE-1/training/a.zip!r.sc: read accept",
            "normal validation CVE-1/validation/b.zip!r.sc: open",
            "normal validation CVE-1/validation/b.zip!r.sc: read accept",
        ]
    );
}

#[test]
fn lid_ds_2019_tells_attacks_in_its_list_of_runs() {
    let line =
        |clock: &str, thread: u32, call: &str| format!("1 {clock} 3 33 apache2 {thread} > {call} fd=9\n");
    // The exploit starts 24 seconds after the first call, give or take two; midnight passes meanwhile.
    let recording = [
        line("23:59:50.000000001", 41, "open"),
        line("23:59:50.000000002", 42, "read"),
        line("00:00:11.000000000", 41, "close"),
        line("00:00:13.000000000", 42, "close"),
    ]
    .concat();
    let runs = "image_name, scenario_name, is_executing_exploit, warmup_time, recording_time, exploit_start_time\n\
                v, sweet_greider_4408, False, 10, 50, -1\n\
                v, ripe_faraday_5596, True, 10, 35, 24\n";
    let set = zipped(&[
        ("B/sweet_greider_4408.txt", recording.as_bytes()),
        ("B/ripe_faraday_5596.txt", recording.as_bytes()),
        ("B/runs.csv", runs.as_bytes()),
    ]);
    assert_eq!(
        shown("B.zip", &set),
        [
            "normal - B/ripe_faraday_5596.txt: open close",
            "attack - B/ripe_faraday_5596.txt: read close",
            "normal - B/sweet_greider_4408.txt: open close",
            "normal - B/sweet_greider_4408.txt: read close",
        ]
    );
}

#[test]
fn plaids_files_are_classed_by_folder_and_grouped_by_trial() {
    let set = zipped(&[
        ("PLAID_raw/attack_raw/php-cve.trial1.txt.77", b"execve(\"/bin/sh\") = 0\n+++ exited with 0 +++\n"),
        ("PLAID_raw/attack_raw/php-cve.trial1.txt.78", b"read(3, \"\", 1) = 0\n) = 0\n--- SIGCHLD {} ---\n"),
        ("PLAID_raw/attack_raw/php-cve.trial2.txt.77", b"brk(NULL) = 0\n"),
        ("PLAID_raw/baseline_raw/nginx.txt.9", b"accept4(3, NULL) = 5\n"),
    ]);
    assert_eq!(
        shown("PLAID_raw.zip", &set),
        [
            "attack - PLAID_raw/attack_raw/php-cve.trial1.txt: execve",
            "attack - PLAID_raw/attack_raw/php-cve.trial1.txt: read",
            "attack - PLAID_raw/attack_raw/php-cve.trial2.txt: brk",
            "normal - PLAID_raw/baseline_raw/nginx.txt: accept4",
        ]
    );
}
