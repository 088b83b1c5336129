//! A guard that is killed at any moment loses no alert that it has put into its spool.

use std::collections::HashSet;
use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::receiver::{alert, receiver, wait};
use traceward_guard::desk::Told;
use traceward_guard::outputs::{Fate, Options, Outputs, WebhookOptions};

/// Set for the process that is killed: the webhook's address, and the folder of the spool.
const CHILD: &str = "TRACEWARD_TEST_KILLED";

fn open(address: &str, spool: PathBuf) -> Outputs {
    let webhook = WebhookOptions {
        spool: Some(spool),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
        ..WebhookOptions::default()
    };
    let target = format!("webhook:http://{address}/").parse().unwrap();
    Outputs::open(&[target], &Options { webhook, ..Options::default() }).unwrap()
}

/// What the process that is killed does: tells every alert once it is in the spool.
#[test]
fn child() {
    let Ok(place) = env::var(CHILD) else { return };
    let (address, rest) = place.split_once(' ').unwrap();
    let (first, folder) = rest.split_once(' ').unwrap();
    let first: usize = first.parse().unwrap();
    let outputs = open(address, folder.into());
    let status = outputs.statuses().remove(0);
    let mut out = std::io::stdout();
    for n in first.. {
        outputs.send(&Told::Alert(Box::new(alert(format!("web-1-{n}")))));
        wait(|| status.count(Fate::Spooled) > (n - first) as u64);
        writeln!(out, "spooled {n}").unwrap();
    }
}

#[test]
fn killed_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let (address, got) = receiver(3);
    let mut spooled = Vec::new();
    for (round, lines) in [1, 7, 40, 23, 90].into_iter().enumerate() {
        let place = format!("{address} {} {}", round * 100_000, folder.path().display());
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture", "--test-threads=1"])
            .env(CHILD, place)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let number = |line: String| line.rsplit_once("spooled ").map(|(_, n)| n.parse::<usize>().unwrap());
        spooled.extend(told.by_ref().filter_map(number).take(lines));
        // SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died counts, too; its last line may be cut short.
        let rest: Vec<String> = told.collect();
        spooled.extend(rest.into_iter().filter_map(number).take_while(|n| n / 100_000 == round));
    }
    let outputs = open(&address, folder.path().into());
    assert_eq!(outputs.finish(Duration::from_secs(60)), []);
    let got = got.lock().unwrap();
    let seen: HashSet<&String> = got.iter().collect();
    let ids: Vec<String> = spooled.iter().map(|n| format!("web-1-{n}")).collect();
    assert!(ids.len() >= 161);
    let lost: Vec<&String> = ids.iter().filter(|id| !seen.contains(id)).collect();
    assert!(lost.is_empty(), "{lost:?} of {} are lost", ids.len());
    // In order, but for those that were sent again.
    let mut first = Vec::new();
    let mut again = HashSet::new();
    first.extend(got.iter().filter(|id| again.insert(*id)));
    let numbers: Vec<usize> = first.iter().map(|id| id["web-1-".len()..].parse().unwrap()).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    assert!(got.len() - first.len() <= 5, "at most the one in flight is sent again after a kill");
}
