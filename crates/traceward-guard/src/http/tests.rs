use std::io::Read as _;
use std::net::TcpStream;
use std::time::SystemTime;

use super::*;

fn server(address: &str, token: Option<Token>) -> Result<(Server, Arc<Health>), HttpError> {
    let health = Arc::new(Health::new(Instant::now(), Duration::from_secs(3600)));
    let metrics = Arc::new(Metrics::new(SystemTime::now()));
    let server = Server::start(address.parse().unwrap(), token, metrics, Arc::clone(&health))?;
    Ok((server, health))
}

fn token() -> Token {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "0123456789abcdef").unwrap();
    Token::from_file(file.path()).unwrap()
}

fn ask(server: &Server, path: &str, authorization: Option<&str>) -> (u16, String) {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
    let agent: ureq::Agent = config.into();
    let mut request = agent.get(format!("http://{}{path}", server.address()));
    if let Some(value) = authorization {
        request = request.header("Authorization", value);
    }
    let mut response = request.call().unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

#[test]
fn numbers_and_health() {
    let (server, health) = server("127.0.0.1:0", None).unwrap();
    let (status, page) = ask(&server, "/metrics", None);
    assert_eq!(status, 200);
    assert!(page.contains("traceward_calls_total 0") && page.ends_with("# EOF\n"), "{page}");
    assert_eq!(ask(&server, "/healthz", None), (200, "ok\n".into()));
    assert_eq!(ask(&server, "/readyz", None).0, 503);
    health.model(true);
    health.capture(true);
    assert_eq!(ask(&server, "/readyz", None), (200, "ok\n".into()));
    assert_eq!(ask(&server, "/", None).0, 404);
}

#[test]
fn a_loop_that_hangs_is_told() {
    let health = Arc::new(Health::new(Instant::now(), Duration::ZERO));
    let server = Server::start("[::1]:0".parse().unwrap(), None, Arc::default(), health);
    let Ok(server) = server else {
        println!("skipped: this host has no IPv6 loopback");
        return;
    };
    std::thread::sleep(Duration::from_millis(2));
    let (status, why) = ask(&server, "/healthz", None);
    assert_eq!((status, why.as_str()), (503, "the scoring loop has made no round for 0 s\n"));
}

#[test]
fn a_token_opens_the_door_and_nothing_else() {
    let (server, _) = server("127.0.0.1:0", Some(token())).unwrap();
    for path in ["/metrics", "/healthz", "/readyz", "/other"] {
        assert_eq!(ask(&server, path, None).0, 401, "{path}");
    }
    for wrong in ["Bearer 0123456789abcdeg", "Bearer ", "Basic 0123456789abcdef", "0123456789abcdef"] {
        assert_eq!(ask(&server, "/healthz", Some(wrong)).0, 401, "{wrong}");
    }
    assert_eq!(ask(&server, "/healthz", Some("bearer 0123456789abcdef")).0, 200);
}

#[test]
fn elsewhere_than_on_the_loopback_a_token_is_needed() {
    for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = server(open, None).unwrap_err();
        assert!(matches!(refused, HttpError::NoToken(_)), "{open}");
    }
    let (server, _) = server("0.0.0.0:0", Some(token())).unwrap();
    assert_ne!(server.address().port(), 0);
}

#[test]
fn a_port_that_is_taken_is_told() {
    let (first, _) = server("127.0.0.1:0", None).unwrap();
    let taken = server(&first.address().to_string(), None).unwrap_err();
    let said = taken.to_string();
    assert!(matches!(taken, HttpError::Taken(address) if address == first.address()), "{said}");
}

#[test]
fn it_ends_though_somebody_holds_a_connection() {
    let (server, _) = server("127.0.0.1:0", None).unwrap();
    let mut held = TcpStream::connect(server.address()).unwrap();
    let address = server.address();
    ask(&server, "/healthz", None);
    drop(server);
    assert_eq!(held.read(&mut [0; 16]).unwrap_or(0), 0);
    drop(TcpListener::bind(address).unwrap());
}

#[test]
fn more_connections_than_it_bears_do_not_stop_it() {
    let (server, _) = server("127.0.0.1:0", None).unwrap();
    let mut held: Vec<TcpStream> = (0..80).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    // Those beyond the bound are hung up on, which is how it is known that the others are held.
    assert_eq!(held.last_mut().unwrap().read(&mut [0; 16]).unwrap_or(0), 0);
    held.clear();
    let ask_again = |_: &u32| ureq::get(format!("http://{}/healthz", server.address())).call().is_ok();
    assert!((0..1000).any(|n| {
        std::thread::sleep(Duration::from_millis(u64::from(n > 0)));
        ask_again(&n)
    }));
}
