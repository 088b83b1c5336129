//! The ways to a syslog daemon.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use super::{Failure, Syslog};

/// A daemon that does not answer is given up after this long, and tried again.
const PATIENCE: Duration = Duration::from_secs(5);

/// A way, opened when it is needed and again after a failure: daemons restart.
#[derive(Debug)]
pub(super) struct Socket {
    to: Syslog,
    open: Option<Open>,
}

#[derive(Debug)]
enum Open {
    Local(UnixDatagram),
    Udp(UdpSocket),
    Tcp(TcpStream),
}

impl Socket {
    pub(super) fn new(to: Syslog) -> Self {
        Self { to, open: None }
    }

    /// Sends a message, framed as the way wants it.
    pub(super) fn send(&mut self, message: &str) -> Result<(), Failure> {
        self.try_send(message).map_err(|error| {
            self.open = None;
            // A datagram has a largest size, and trying again does not change the alert's.
            if error.raw_os_error() == Some(nix::errno::Errno::EMSGSIZE as i32) {
                Failure::Refused(format!("an alert of {} bytes is too long for a datagram", message.len()))
            } else {
                Failure::Retry(format!("cannot be reached: {error}"))
            }
        })
    }

    fn try_send(&mut self, message: &str) -> io::Result<()> {
        if let Some(Open::Tcp(stream)) = &self.open
            && closed(stream)?
        {
            self.open = None;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(open(&self.to)?),
        };
        match open {
            Open::Local(socket) => socket.send(message.as_bytes()).map(drop),
            Open::Udp(socket) => socket.send(message.as_bytes()).map(drop),
            Open::Tcp(stream) => stream.write_all(format!("{} {message}", message.len()).as_bytes()),
        }
    }
}

fn open(to: &Syslog) -> io::Result<Open> {
    Ok(match to {
        Syslog::Local(path) | Syslog::Bsd(path) => {
            let socket = UnixDatagram::unbound()?;
            socket.connect(path)?;
            socket.set_write_timeout(Some(PATIENCE))?;
            Open::Local(socket)
        }
        Syslog::Udp(address) => {
            let to = resolved(address)?;
            let any = if to.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
            let socket = UdpSocket::bind(any)?;
            socket.connect(to)?;
            Open::Udp(socket)
        }
        Syslog::Tcp(address) => {
            let stream = TcpStream::connect_timeout(&resolved(address)?, PATIENCE)?;
            stream.set_write_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            Open::Tcp(stream)
        }
    })
}

fn resolved(address: &str) -> io::Result<SocketAddr> {
    let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    address.to_socket_addrs()?.next().ok_or_else(none)
}

/// Whether the other end has closed the stream. Syslog's receivers say nothing, so there is nothing to read but
/// the end; a write into a stream that is closed succeeds once, and its alert is lost.
fn closed(stream: &TcpStream) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    let mut stream = stream;
    let read = stream.read(&mut [0; 64]);
    stream.set_nonblocking(false)?;
    match read {
        Ok(bytes) => Ok(bytes == 0),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(_) => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_local_daemon_that_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut socket = Socket::new(Syslog::Local(path.clone()));
        assert!(matches!(socket.send("nobody"), Err(Failure::Retry(_))));
        for message in ["one", "two"] {
            let daemon = UnixDatagram::bind(&path).unwrap();
            while socket.send(message).is_err() {}
            let mut buffer = [0; 16];
            let bytes = daemon.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..bytes], message.as_bytes());
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_datagram_each() {
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut socket = Socket::new(Syslog::Udp(daemon.local_addr().unwrap().to_string()));
        socket.send("one").unwrap();
        let mut buffer = [0; 16];
        assert_eq!(daemon.recv(&mut buffer).unwrap(), 3);
        let long = socket.send(&"x".repeat(70_000));
        assert!(matches!(long, Err(Failure::Refused(_))), "{long:?}");
        socket.send("after").unwrap();
    }

    #[test]
    fn octets_are_counted_and_a_closed_stream_is_noticed() {
        let daemon = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut socket = Socket::new(Syslog::Tcp(daemon.local_addr().unwrap().to_string()));
        socket.send("süß").unwrap();
        let (mut stream, _) = daemon.accept().unwrap();
        let mut frame = [0; 7];
        stream.read_exact(&mut frame).unwrap();
        assert_eq!(&frame, "5 süß".as_bytes());
        drop(stream);
        // The end arrives through the loopback in its own time.
        let Some(Open::Tcp(own)) = &socket.open else { panic!("it is open") };
        own.peek(&mut [0]).unwrap();
        socket.send("again").unwrap();
        let (mut stream, _) = daemon.accept().unwrap();
        stream.read_exact(&mut frame).unwrap();
        assert_eq!(&frame, b"5 again");
    }
}
