//! What `/proc` says of processes.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;

use super::container;

/// The longest command line that is kept, in bytes.
const LONGEST: usize = 4096;

/// Control groups whose container is remembered; all are asked again once there were more.
const GROUPS: usize = 4096;

/// The proc file system, and what was asked of it about control groups.
#[derive(Debug)]
pub(crate) struct Host {
    proc: PathBuf,
    /// Whether other users' processes are shown; `hidepid` hides even that they live.
    shown: bool,
    containers: HashMap<u64, Option<String>>,
}

/// The part of `/proc/PID/status` that is wanted.
#[derive(Debug, PartialEq)]
pub(crate) struct Status {
    pub(crate) comm: String,
    /// The process of a thread.
    pub(crate) tgid: u32,
    pub(crate) ppid: u32,
    pub(crate) uid: Option<u32>,
}

impl Host {
    pub(crate) fn new(proc: PathBuf) -> Self {
        let shown = proc.join("1").exists();
        Self { proc, shown, containers: HashMap::new() }
    }

    pub(crate) fn alive(&self, pid: u32, tid: u32) -> bool {
        !self.shown || self.proc.join(format!("{pid}/task/{tid}")).exists()
    }

    pub(crate) fn status(&self, pid: u32) -> Option<Status> {
        status(&fs::read(self.proc.join(format!("{pid}/status"))).ok()?)
    }

    /// The file that a process executes. One that was deleted or replaced since keeps its name.
    pub(crate) fn exe(&self, pid: u32) -> Option<String> {
        let link = fs::read_link(self.proc.join(format!("{pid}/exe"))).ok()?;
        let name = link.to_string_lossy();
        Some(name.strip_suffix(" (deleted)").unwrap_or(&name).to_owned())
    }

    pub(crate) fn cmdline(&self, pid: u32) -> Option<String> {
        joined(&self.args(pid)?)
    }

    /// The first arguments, each ended by NUL.
    pub(crate) fn args(&self, pid: u32) -> Option<Vec<u8>> {
        let mut args = Vec::new();
        let file = File::open(self.proc.join(format!("{pid}/cmdline"))).ok()?;
        file.take(LONGEST as u64).read_to_end(&mut args).ok()?;
        Some(args)
    }

    /// The container of a control group that `pid` is in, asked once a group. `None`: nobody knows, since the
    /// process is gone.
    pub(crate) fn container(&mut self, pid: u32, cgroup: u64) -> Option<Option<String>> {
        if let Some(container) = self.containers.get(&cgroup).filter(|_| cgroup != 0) {
            return Some(container.clone());
        }
        let lines = fs::read(self.proc.join(format!("{pid}/cgroup"))).ok()?;
        let container = container::of_lines(&String::from_utf8_lossy(&lines));
        if cgroup != 0 {
            if self.containers.len() >= GROUPS {
                self.containers.clear();
            }
            self.containers.insert(cgroup, container.clone());
        }
        Some(container)
    }
}

/// Reads `/proc/PID/status`: the name, `PPid:` and the first (real) id of `Uid:`.
fn status(text: &[u8]) -> Option<Status> {
    let text = String::from_utf8_lossy(text);
    let of =
        |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim);
    Some(Status {
        comm: of("Name")?.to_owned(),
        tgid: of("Tgid")?.parse().ok()?,
        ppid: of("PPid")?.parse().ok()?,
        uid: of("Uid").and_then(|ids| ids.split_whitespace().next()?.parse().ok()),
    })
}

/// Arguments with blanks between them; `None` for a kernel thread, which has none.
pub(crate) fn joined(args: &[u8]) -> Option<String> {
    let args = &args[..args.len().min(LONGEST)];
    let end = args.iter().rposition(|&byte| byte != 0)? + 1;
    let args: Vec<_> = args[..end].split(|&byte| byte == 0).map(String::from_utf8_lossy).collect();
    Some(args.join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn status_is_read() {
        let text = b"Name:\ta b\nUmask:\t0022\nTgid:\t7\nPPid:\t3\nUid:\t1000\t0\t0\t0\n";
        let expected = Status { comm: "a b".into(), tgid: 7, ppid: 3, uid: Some(1000) };
        assert_eq!(status(text), Some(expected));
        assert_eq!(status(b""), None);
    }

    #[test]
    fn arguments_are_joined() {
        assert_eq!(joined(b"ls\0-l\0/tmp\0").as_deref(), Some("ls -l /tmp"));
        assert_eq!(joined(b"a\0\0b\0").as_deref(), Some("a  b"), "an empty argument is one");
        assert_eq!(joined(b"cut sho").as_deref(), Some("cut sho"));
        assert_eq!(joined(b""), None);
        assert_eq!(joined(b"\0\0"), None);
        assert_eq!(joined(&[b'x'; 10_000]).map(|text| text.len()), Some(LONGEST));
    }

    proptest! {
        #[test]
        fn nothing_in_proc_is_too_strange(bytes: Vec<u8>) {
            status(&bytes);
            joined(&bytes);
        }
    }
}
