//! Where alerts go, as it is written on a command line.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use traceward_run::crc;
use ureq::http::Uri;

/// Where alerts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `stdout`: a line each.
    Stdout,
    /// `file:PATH`: a line each, appended.
    File(PathBuf),
    /// `syslog`, `syslog:bsd`, `syslog:udp://HOST:PORT`, `syslog:tcp://HOST:PORT`.
    Syslog(Syslog),
    /// `webhook:URL`: posted.
    Webhook(Url),
}

/// Where a syslog daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Syslog {
    /// A datagram socket of this host, `/dev/log`.
    Local(PathBuf),
    /// The same, in the form of syslog(3), which is all that journald and rsyslog understand there unless they
    /// are told otherwise (rsyslog: `UseSpecialParser="off"`).
    Bsd(PathBuf),
    /// One datagram an alert (RFC 5426).
    Udp(String),
    /// A stream with octet counts (RFC 6587).
    Tcp(String),
}

/// An address of HTTP, seen to have a scheme and a host. What else is in it may be secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// All of it, secrets included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Scheme, host and port: what may be shown.
    pub fn origin(&self) -> String {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        format!("{scheme}://{host}")
    }

    /// A name for a folder: the host for people, and a checksum of all, so that another address has another.
    pub(super) fn folder(&self) -> String {
        let origin = self.origin();
        let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host);
        let host: String =
            host.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
        let sum = crc::checksum(&crc::table(0x82f6_3b78), self.0.as_bytes());
        format!("webhook-{host}-{sum:08x}")
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({:?})", self.origin())
    }
}

/// Why words are no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// They begin with nothing that is known.
    #[error(
        "{0:?} is no output; there are stdout, file:PATH, syslog, syslog:bsd, syslog:udp://HOST:PORT, syslog:tcp://HOST:PORT, \
         webhook:https://HOST/PATH"
    )]
    Unknown(String),
    /// `file:` and nothing after it.
    #[error("file: names no file; write file:PATH, as in file:/var/log/traceward/alerts.jsonl")]
    NoPath,
    /// A syslog daemon nowhere.
    #[error(
        "{0:?} is no syslog daemon; write syslog (this host's, by RFC 5424), syslog:bsd (by syslog(3), which journald reads), syslog:udp://HOST:514 or syslog:tcp://HOST:601"
    )]
    Syslog(String),
    /// A webhook nowhere. The address is not repeated: it may hold a secret.
    #[error(
        "a webhook's address begins with http:// or https:// and names a host, as in webhook:https://siem.example/alerts"
    )]
    Webhook,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, Some(rest)),
            None => (text, None),
        };
        match (kind, rest) {
            ("stdout" | "-", None) => Ok(Self::Stdout),
            ("file", Some("") | None) => Err(TargetError::NoPath),
            ("file", Some(path)) => Ok(Self::File(path.into())),
            ("syslog", None) => Ok(Self::Syslog(Syslog::Local("/dev/log".into()))),
            ("syslog", Some(rest)) => syslog(rest).map(Self::Syslog),
            ("webhook", rest) => webhook(rest.unwrap_or_default()).map(Self::Webhook),
            _ => Err(TargetError::Unknown(text.into())),
        }
    }
}

fn syslog(rest: &str) -> Result<Syslog, TargetError> {
    let wrong = || TargetError::Syslog(rest.into());
    if rest == "bsd" {
        return Ok(Syslog::Bsd("/dev/log".into()));
    }
    if rest.starts_with('/') {
        return Ok(Syslog::Local(rest.into()));
    }
    let (scheme, address) = rest.split_once("://").ok_or_else(wrong)?;
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    if host.is_empty() || port.parse::<u16>().is_err() {
        return Err(wrong());
    }
    match scheme {
        "udp" => Ok(Syslog::Udp(address.into())),
        "tcp" => Ok(Syslog::Tcp(address.into())),
        _ => Err(wrong()),
    }
}

fn webhook(address: &str) -> Result<Url, TargetError> {
    let uri: Uri = address.parse().map_err(|_| TargetError::Webhook)?;
    let known =
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty());
    if known { Ok(Url(address.into())) } else { Err(TargetError::Webhook) }
}

/// As a person may be shown it: no secrets of an address.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("stdout"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Syslog(Syslog::Local(path)) if path.as_os_str() == "/dev/log" => f.write_str("syslog"),
            Self::Syslog(Syslog::Bsd(_)) => f.write_str("syslog:bsd"),
            Self::Syslog(Syslog::Local(path)) => write!(f, "syslog:{}", path.display()),
            Self::Syslog(Syslog::Udp(address)) => write!(f, "syslog:udp://{address}"),
            Self::Syslog(Syslog::Tcp(address)) => write!(f, "syslog:tcp://{address}"),
            Self::Webhook(url) => write!(f, "webhook:{}", url.origin()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> TargetError {
        text.parse::<Target>().unwrap_err()
    }

    #[test]
    fn all_targets_are_read_and_shown() {
        for text in [
            "stdout",
            "file:/var/log/a:b",
            "syslog",
            "syslog:bsd",
            "syslog:/run/log",
            "syslog:udp://[::1]:514",
            "syslog:tcp://siem.example:601",
            "webhook:https://siem.example:8443",
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_target_is_told_what_is() {
        assert_eq!(error("kafka:x"), TargetError::Unknown("kafka:x".into()));
        assert_eq!(error("stdout:x"), TargetError::Unknown("stdout:x".into()));
        assert_eq!(error("file:"), TargetError::NoPath);
        assert_eq!(error("file"), TargetError::NoPath);
        for text in
            ["syslog:", "syslog:udp://host", "syslog:udp://:514", "syslog:tls://host:1", "syslog:tcp://h:x"]
        {
            assert!(matches!(error(text), TargetError::Syslog(_)), "{text}");
        }
        for text in [
            "webhook",
            "webhook:",
            "webhook:ftp://a",
            "webhook:https://",
            "webhook:http://:80/",
            "webhook:http://a b",
        ] {
            assert_eq!(error(text), TargetError::Webhook, "{text}");
        }
    }

    #[test]
    fn secrets_of_an_address_are_not_shown() {
        let target: Target =
            "webhook:https://me:pass@hooks.example/services/T0/secret?token=x".parse().unwrap();
        assert_eq!(target.to_string(), "webhook:https://hooks.example");
        assert!(!format!("{target:?}").contains("secret"));
        let Target::Webhook(url) = target else { panic!("it is a webhook") };
        assert_eq!(url.folder(), "webhook-hooks.example-a76ea746");
    }
}
