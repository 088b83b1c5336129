//! A receiver of webhooks, and alerts for it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use traceward_detect::verdict::Word;
use traceward_guard::{Alert, Extent, Kind, ModelId, Origin};

/// An alarm of which little is known.
pub(crate) fn alert(id: String) -> Alert {
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

/// A receiver of webhooks that takes every `nth` request and hangs up on the others, after reading them. Notes
/// the ids that it took, in order.
pub(crate) fn receiver(nth: usize) -> (String, Arc<Mutex<Vec<String>>>) {
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
                if n % nth == 0 {
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

/// Waits until something is so. No test that passes waits for long.
pub(crate) fn wait(until: impl Fn() -> bool) {
    let start = Instant::now();
    while !until() {
        assert!(start.elapsed() < Duration::from_secs(60), "it never came");
        thread::sleep(Duration::from_millis(2));
    }
}
