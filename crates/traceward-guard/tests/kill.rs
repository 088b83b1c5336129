//! A guard that is killed at any moment loses no alert that it has put into its spool.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::HashSet;
use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use traceward_detect::verdict::Word;
use traceward_guard::desk::Told;
use traceward_guard::outputs::{Fate, Options, Outputs, WebhookOptions};
use traceward_guard::{Alert, Extent, Kind, ModelId, Origin};

/// Set for the process that is killed: the webhook's address, and the folder of the spool.
const CHILD: &str = "TRACEWARD_TEST_KILLED";

fn alert(id: String) -> Alert {
    Alert {
        alarm: id.clone(),
        id,
        kind: Kind::Alarm,
        time: "2026-11-23T15:40:12.345Z".into(),
        host: "web-1".into(),
        verdict: Word::Attack,
        family: None,
        technique: None,
        p_attack: None,
        score: None,
        score_at: None,
        first_alarm: None,
        threshold: None,
        p_value: None,
        novelty: None,
        reasons: Vec::new(),
        tainted: false,
        unknown_share: 0.0,
        foreign_abi: false,
        process: Origin::default(),
        trace: Extent { task: 1, first: 0, calls: 1, joined: false, lost: 0 },
        model: ModelId { name: "m".into(), id: "0".into() },
        folded: 0,
        incident: None,
    }
}

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

/// Takes every third request; hangs up on the others, after reading them. Notes ids, in order.
fn receiver() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let got: Arc<Mutex<Vec<String>>> = Arc::default();
    let to = Arc::clone(&got);
    thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let stream = stream.unwrap();
            // Who was killed may have said half of it.
            if let Some(id) = read(&stream) {
                // What is noted before the answer may be sent again, if the answer does not arrive.
                if n % 3 == 0 {
                    to.lock().unwrap().push(id);
                    (&stream).write_all(b"HTTP/1.1 204 Taken\r\nConnection: close\r\n\r\n").ok();
                }
            }
        }
    });
    (address, got)
}

fn read(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut key) = (0, None);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        match line.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().ok()?,
            Some(("idempotency-key", value)) => key = Some(value.to_owned()),
            None if line.is_empty() => break,
            _ => {}
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    key
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
        while status.count(Fate::Spooled) <= (n - first) as u64 {
            thread::yield_now();
        }
        writeln!(out, "spooled {n}").unwrap();
    }
}

#[test]
fn killed_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let (address, got) = receiver();
    let mut spooled = Vec::new();
    for (round, lines) in [1, 7, 40, 23, 90].into_iter().enumerate() {
        let place = format!("{address} {} {}", round * 100_000, folder.path().display());
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
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
