use std::collections::{HashSet, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use tempfile::TempDir;

use super::*;
use crate::example::of;

/// Enough for a busy machine; no test that passes waits for it.
const ENOUGH: Duration = Duration::from_secs(60);

/// What a receiver does with a request.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Status(u16),
    After(u16, &'static str),
    /// Reads it, and hangs up.
    HangUp,
    /// Reads it, and says nothing until the sender gives up.
    Silence,
    /// Refuses arrays that hold this alert, and the alert.
    RefuseHolding(&'static str),
}

#[derive(Debug, Default)]
struct Got {
    /// Ids in the order of coming, of requests that were taken.
    taken: Vec<String>,
    /// And of all.
    all: Vec<String>,
    keys: Vec<String>,
    authorizations: HashSet<String>,
    arrays: usize,
}

/// Speaks as much HTTP as it takes. Answers by the script, then 200.
struct Receiver {
    address: SocketAddr,
    got: Arc<Mutex<Got>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    fn new(script: &[Answer]) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), script, Arc::default())
    }

    fn at(address: SocketAddr, script: &[Answer], got: Arc<Mutex<Got>>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let mut script: VecDeque<Answer> = script.iter().copied().collect();
        let (to, ends) = (Arc::clone(&got), Arc::clone(&over));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                serve(&stream.unwrap(), &mut script, &to);
            }
        });
        Self { address, got, over, thread: Some(thread) }
    }

    fn target(&self) -> Target {
        format!("webhook:http://{}/alerts", self.address).parse().unwrap()
    }

    /// Closes its port, and leaves what it got.
    fn kill(mut self) -> (SocketAddr, Arc<Mutex<Got>>) {
        self.over.store(true, Ordering::SeqCst);
        TcpStream::connect(self.address).ok();
        self.thread.take().unwrap().join().unwrap();
        (self.address, Arc::clone(&self.got))
    }

    fn taken(&self) -> Vec<String> {
        self.got.lock().unwrap().taken.clone()
    }
}

fn serve(stream: &TcpStream, script: &mut VecDeque<Answer>, got: &Mutex<Got>) {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        let (name, value) = line.trim_end().split_once(": ").unwrap_or((line.trim_end(), ""));
        let name = name.to_ascii_lowercase();
        if name == "content-length" {
            length = value.parse().unwrap();
        }
        headers.push((name, value.to_owned()));
    }
    let mut body = vec![0; length];
    if headers.is_empty() || reader.read_exact(&mut body).is_err() {
        return;
    }
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let alerts = body.as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
    let ids: Vec<String> = alerts.iter().map(|alert| alert["id"].as_str().unwrap().to_owned()).collect();
    let answer = match script.front().copied() {
        Some(Answer::RefuseHolding(id)) if ids.iter().any(|one| one == id) => Answer::Status(400),
        Some(Answer::RefuseHolding(_)) | None => Answer::Status(200),
        Some(answer) => {
            script.pop_front();
            answer
        }
    };
    {
        let mut got = got.lock().unwrap();
        let value = |name: &str| headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        got.keys.extend(value("idempotency-key"));
        got.authorizations.extend(value("authorization"));
        got.arrays += usize::from(body.is_array());
        got.all.extend(ids.clone());
        if let Answer::Status(200..300) = answer {
            got.taken.extend(ids);
        }
    }
    let (status, more) = match answer {
        Answer::Status(status) => (status, String::new()),
        Answer::After(status, after) => (status, format!("Retry-After: {after}\r\n")),
        Answer::HangUp | Answer::RefuseHolding(_) => return,
        Answer::Silence => {
            reader.read_to_end(&mut Vec::new()).ok();
            return;
        }
    };
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status} so\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n").ok();
}

fn token() -> Token {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a secret of some length".replace(' ', "-")).unwrap();
    Token::from_file(file.path()).unwrap()
}

fn options(folder: &TempDir) -> Options {
    let webhook = WebhookOptions {
        spool: Some(folder.path().to_owned()),
        token: Some(token()),
        timeout: ENOUGH,
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(20),
        ..WebhookOptions::default()
    };
    Options { webhook, ..Options::default() }
}

fn send(outputs: &Outputs, ids: std::ops::Range<usize>) {
    for n in ids {
        outputs.send(&Told::Alert(Box::new(of(&format!("host-{n}"), "/x"))));
    }
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("host-{n}")).collect()
}

/// In the order of first coming.
fn distinct(ids: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    ids.iter().filter(|id| seen.insert((*id).clone())).cloned().collect()
}

fn wait(until: impl Fn() -> bool) {
    let start = Instant::now();
    while !until() {
        assert!(start.elapsed() < ENOUGH, "it never came");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_receiver_that_fails_gets_all_in_the_end_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::new(&[
        Answer::Status(500),
        Answer::HangUp,
        Answer::After(429, "0"),
        Answer::Status(200),
        Answer::After(503, "Mon, 23 Nov 2020 00:00:00 GMT"),
        Answer::Status(408),
    ]);
    let outputs = Outputs::open(&[receiver.target()], &options(&folder)).unwrap();
    send(&outputs, 0..5);
    let status = outputs.statuses().remove(0);
    wait(|| status.count(Fate::Sent) == 5);
    assert_eq!(outputs.finish(ENOUGH), []);
    assert_eq!(distinct(&receiver.taken()), ids(0..5));
    assert_eq!(receiver.taken().len(), 5, "once each: no answer was lost");
    let got = receiver.got.lock().unwrap();
    assert_eq!(got.keys, got.all, "the key of a request is the alert's id, also the next time");
    assert_eq!(got.authorizations, HashSet::from(["Bearer a-secret-of-some-length".to_owned()]));
    assert_eq!((status.count(Fate::Sent), status.count(Fate::Retried), status.spool_alerts()), (5, 5, 0));
    assert_eq!(status.trouble(), None);
}

#[test]
fn a_receiver_that_says_nothing_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::new(&[Answer::Status(200), Answer::Silence]);
    let mut options = options(&folder);
    options.webhook.timeout = Duration::from_millis(300);
    let outputs = Outputs::open(&[receiver.target()], &options).unwrap();
    let status = outputs.statuses().remove(0);
    send(&outputs, 0..3);
    wait(|| status.count(Fate::Sent) == 3);
    assert_eq!(outputs.finish(ENOUGH), []);
    // On a machine that is slow an answer may come too late, and its alert is sent again.
    assert_eq!(distinct(&receiver.taken()), ids(0..3));
    assert!(status.count(Fate::Retried) > 0);
}

#[test]
fn a_receiver_that_is_killed_and_comes_back_has_each_alert() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::new(&[]);
    let target = receiver.target();
    let outputs = Outputs::open(&[target], &options(&folder)).unwrap();
    let status = outputs.statuses().remove(0);
    send(&outputs, 0..3);
    wait(|| status.count(Fate::Sent) == 3);
    let (address, got) = receiver.kill();
    send(&outputs, 3..10);
    wait(|| status.trouble().is_some() && status.spool_alerts() == 7);
    let receiver = Receiver::at(address, &[Answer::HangUp], got);
    wait(|| status.count(Fate::Sent) == 10);
    assert_eq!(outputs.finish(ENOUGH), []);
    assert_eq!(receiver.taken(), ids(0..10));
}

#[test]
fn a_guard_that_ends_sends_the_rest_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::new(&[]);
    let target = receiver.target();
    let (address, got) = receiver.kill();
    let outputs = Outputs::open(std::slice::from_ref(&target), &options(&folder)).unwrap();
    let again = Outputs::open(std::slice::from_ref(&target), &options(&folder));
    assert!(matches!(again, Err(OutputError::Spool(SpoolError::InUse(_)))));
    let status = outputs.statuses().remove(0);
    send(&outputs, 0..4);
    wait(|| status.count(Fate::Spooled) == 4);
    let left = outputs.finish(Duration::from_millis(300));
    assert_eq!(left, [Left { output: target.to_string(), queued: 0, spooled: 4, in_memory: 0 }]);
    let receiver = Receiver::at(address, &[], got);
    let outputs = Outputs::open(&[target], &options(&folder)).unwrap();
    send(&outputs, 4..6);
    assert_eq!(outputs.finish(ENOUGH), []);
    assert_eq!(receiver.taken(), ids(0..6));
}

#[test]
fn what_is_refused_is_kept_for_people() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::new(&[Answer::Status(200), Answer::Status(422), Answer::Status(302)]);
    let outputs = Outputs::open(&[receiver.target()], &options(&folder)).unwrap();
    let status = outputs.statuses().remove(0);
    send(&outputs, 0..4);
    wait(|| status.count(Fate::Sent) == 2);
    assert_eq!(outputs.finish(ENOUGH), []);
    assert_eq!(receiver.taken(), ["host-0", "host-3"]);
    assert_eq!(status.count(Fate::Failed), 2);
    let Target::Webhook(url) = receiver.target() else { panic!("it is a webhook") };
    let letters =
        std::fs::read_to_string(folder.path().join(url.folder()).join("dead-letters.jsonl")).unwrap();
    let letters: Vec<serde_json::Value> =
        letters.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<_> = letters.iter().map(|l| (l["status"].as_u64(), l["alert"]["id"].as_str())).collect();
    assert_eq!(said, [(Some(422), Some("host-1")), (Some(302), Some("host-2"))]);
}

#[test]
fn an_array_with_one_bad_alert_is_sent_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    // The first is answered late, so that the others gather behind it.
    let receiver = Receiver::new(&[Answer::Silence, Answer::RefuseHolding("host-3")]);
    let mut options = options(&folder);
    options.webhook.batch = 4;
    options.webhook.timeout = Duration::from_millis(500);
    let outputs = Outputs::open(&[receiver.target()], &options).unwrap();
    let status = outputs.statuses().remove(0);
    send(&outputs, 0..9);
    wait(|| status.count(Fate::Sent) + status.count(Fate::Failed) == 9);
    assert_eq!(outputs.finish(ENOUGH), []);
    let mut expected = ids(0..9);
    expected.remove(3);
    assert_eq!(distinct(&receiver.taken()), expected);
    let got = receiver.got.lock().unwrap();
    assert!(got.arrays >= 3);
    assert!(got.keys.iter().any(|key| key.contains('+')), "{:?}", got.keys);
}

#[test]
fn several_outputs_at_once_and_in_ecs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    let daemon = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let targets = [
        format!("file:{}", path.display()).parse().unwrap(),
        format!("syslog:udp://{}", daemon.local_addr().unwrap()).parse().unwrap(),
    ];
    let options = Options { format: Format::Ecs, ..Options::default() };
    let outputs = Outputs::open(&targets, &options).unwrap();
    send(&outputs, 0..2);
    assert_eq!(outputs.finish(ENOUGH), []);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2);
    let mut datagram = [0; 65_536];
    for line in text.lines() {
        let bytes = daemon.recv(&mut datagram).unwrap();
        let message = std::str::from_utf8(&datagram[..bytes]).unwrap();
        assert_eq!(message.split_once('\u{feff}').unwrap().1, line);
        assert_eq!(serde_json::from_str::<serde_json::Value>(line).unwrap()["event"]["kind"], "alert");
    }
}

/// An output that waits until it is let go.
struct Stuck(std::sync::mpsc::Receiver<()>);

impl Output for Stuck {
    fn send(&mut self, _: &Line) -> Result<Fate, Failure> {
        self.0.recv().ok();
        Ok(Fate::Sent)
    }
}

#[test]
fn a_slow_output_stalls_nobody_and_what_it_costs_is_counted() {
    let (go, stuck) = std::sync::mpsc::channel();
    let status = Arc::new(Status::new("slow".into()));
    let worker = Worker::start(Box::new(Stuck(stuck)), Arc::clone(&status), 2, Arc::new(|_| {})).unwrap();
    let outputs = Outputs { workers: vec![(Format::Json, worker)] };
    send(&outputs, 0..10);
    let lost = status.count(Fate::QueueFull);
    assert!((7..=8).contains(&lost), "{lost}: two are queued, and one may be with the output");
    let left = Outputs::finish(outputs, Duration::ZERO);
    assert_eq!(left[0].queued, 10 - lost);
    drop(go);
}

#[test]
fn wrong_options_are_told_before_anything_starts() {
    let open = |targets: &[&str], options: &Options| {
        let targets: Vec<Target> = targets.iter().map(|target| target.parse().unwrap()).collect();
        Outputs::open(&targets, options).unwrap_err().to_string()
    };
    let folder = tempfile::tempdir().unwrap();
    let none = Options::default();
    let pem = folder.path().join("ca.pem");
    std::fs::write(&pem, "nothing\n").unwrap();
    let mut authorities = options(&folder);
    authorities.webhook.authorities = Some(pem);
    let said = [
        open(&["webhook:https://siem.example/T0/secret"], &none),
        open(&["file:/nowhere/at/all.jsonl"], &none),
        open(&["syslog", "syslog"], &none),
        open(&["webhook:https://siem.example/x"], &authorities).replace(folder.path().to_str().unwrap(), ""),
    ];
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn trouble_is_told_once_and_its_end_once() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::new(&[Answer::Status(500), Answer::Status(500), Answer::Status(500)]);
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let mut options = options(&folder);
    let to = Arc::clone(&said);
    options.notice = Arc::new(move |what| to.lock().unwrap().push(what.to_owned()));
    let outputs = Outputs::open(&[receiver.target()], &options).unwrap();
    send(&outputs, 0..3);
    assert_eq!(outputs.finish(ENOUGH), []);
    let said = said.lock().unwrap().join("\n").replace(&receiver.address.to_string(), "HOST");
    assert_eq!(
        said,
        "alerts to webhook:http://HOST: the receiver answers 500; they are kept and tried again\n\
         alerts to webhook:http://HOST: pass again"
    );
}

#[test]
fn a_file_that_was_renamed_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("alerts.jsonl"), folder.path().join("alerts.jsonl.1"));
    let outputs = Outputs::open(&[Target::File(path.clone())], &Options::default()).unwrap();
    let status = outputs.statuses().remove(0);
    send(&outputs, 0..1);
    wait(|| status.count(Fate::Sent) == 1);
    std::fs::rename(&path, &old).unwrap();
    outputs.reopen();
    wait(|| path.exists());
    send(&outputs, 1..3);
    assert_eq!(outputs.finish(ENOUGH), []);
    let lines = |path| std::fs::read_to_string(path).unwrap().lines().count();
    assert_eq!((lines(&old), lines(&path)), (1, 2));
}

/// Runs `openssl` in a folder; false if it is not there or cannot do it.
fn openssl(folder: &TempDir, arguments: &str) -> bool {
    let mut command = std::process::Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(folder.path()).stderr(std::process::Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn over_tls_with_an_authority_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2";
    let made = openssl(&folder, &format!("req -x509 {key} -subj /CN=ca -keyout ca.key -out ca.pem"))
        && openssl(
            &folder,
            &format!(
                "req -x509 {key} -subj /CN=localhost -CA ca.pem -CAkey ca.key -keyout own.key -out own.pem \
                 -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE"
            ),
        );
    if !made {
        println!("skipped: there is no openssl that makes certificates");
        return;
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut server = std::process::Command::new("openssl")
        .args(["s_server", "-quiet", "-naccept", "1", "-key", "own.key", "-cert", "own.pem", "-accept"])
        .arg(format!("127.0.0.1:{port}"))
        .current_dir(folder.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let target: Target = format!("webhook:https://127.0.0.1:{port}/alerts").parse().unwrap();
    let mut options = options(&folder);
    options.webhook.authorities = Some(folder.path().join("ca.pem"));
    let outputs = Outputs::open(&[target], &options).unwrap();
    send(&outputs, 0..1);
    // The server says what it is given, to whoever connects, once it has heard something.
    let mut heard = BufReader::new(server.stdout.take().unwrap());
    let mut first = String::new();
    heard.read_line(&mut first).unwrap();
    let mut say = server.stdin.take().unwrap();
    say.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    say.flush().unwrap();
    let status = outputs.statuses().remove(0);
    wait(|| status.count(Fate::Sent) == 1);
    assert_eq!(first, "POST /alerts HTTP/1.1\r\n");
    assert_eq!(outputs.finish(ENOUGH), []);
    server.kill().ok();
    server.wait().unwrap();
}
