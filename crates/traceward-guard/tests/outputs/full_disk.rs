//! A disk that fills up and is emptied again: nothing half-written, nothing lost, all in order.
//!
//! It needs a disk that may be filled: a small one in memory, which only this process sees. That takes root.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::receiver::{alert, receiver, wait};
use traceward_guard::desk::Told;
use traceward_guard::outputs::{Fate, Options, Outputs, WebhookOptions};

/// Set for the process that has a small disk: where.
const SMALL: &str = "TRACEWARD_TEST_SMALL_DISK";

#[test]
fn a_disk_fills_up() {
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=512k small \"$0\" || exit 77; exec \"$1\" --exact full_disk::on_a_small_disk --nocapture";
    let ran = Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .arg(folder.path())
        .arg(env::current_exe().unwrap())
        .env(SMALL, folder.path())
        .output();
    let Ok(ran) = ran else {
        println!("skipped: there is no unshare");
        return;
    };
    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(77) || said.contains("unshare failed") {
        println!("skipped: no disk could be mounted: {said}");
        return;
    }
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("the disk was full"), "{said}");
}

/// Takes all that is left of the disk.
fn fill(disk: &Path) {
    let mut size = 1 << 19;
    let mut n = 0;
    while size > 0 {
        match fs::write(disk.join(format!("ballast-{n}")), vec![0; size]) {
            Ok(()) => n += 1,
            Err(_) => size /= 2,
        }
    }
}

fn empty(disk: &Path) {
    for file in fs::read_dir(disk).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("ballast") {
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn on_a_small_disk() {
    let Ok(disk) = env::var(SMALL) else { return };
    let disk = Path::new(&disk);
    let file = disk.join("alerts.jsonl");
    let (address, got) = receiver(1);
    let webhook = WebhookOptions {
        spool: Some(disk.join("spool")),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
        ..WebhookOptions::default()
    };
    let targets = [
        format!("file:{}", file.display()).parse().unwrap(),
        format!("webhook:http://{address}/").parse().unwrap(),
    ];
    let outputs = Outputs::open(&targets, &Options { webhook, ..Options::default() }).unwrap();
    let [to_file, to_webhook] = &outputs.statuses()[..] else { panic!("there are two") };
    let send = |ids: std::ops::Range<usize>| {
        for n in ids {
            outputs.send(&Told::Alert(Box::new(alert(format!("web-1-{n}")))));
        }
    };
    let lines = || fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let whole = |line: &String| serde_json::from_str::<serde_json::Value>(line).is_ok();

    send(0..5);
    wait(|| to_file.count(Fate::Sent) == 5 && to_webhook.count(Fate::Sent) == 5);
    fill(disk);
    // What is left of the page that is open is used up on the way.
    send(5..60);
    wait(|| to_file.count(Fate::Retried) > 0 && to_file.trouble().is_some());
    wait(|| to_webhook.count(Fate::Sent) == 60);
    println!("the disk was full: {} alerts were written before", lines().len());
    assert!(lines().len() < 60 && lines().iter().all(whole), "a line is whole or not there");
    empty(disk);
    wait(|| to_file.count(Fate::Sent) == 60);
    assert_eq!(outputs.finish(Duration::from_secs(60)), []);
    let ids: Vec<String> = lines()
        .iter()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_owned()
        })
        .collect();
    let expected: Vec<String> = (0..60).map(|n| format!("web-1-{n}")).collect();
    assert_eq!(ids, expected);
    assert_eq!(*got.lock().unwrap(), expected);
}
