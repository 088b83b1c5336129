//! Why the kernel would not have the programs, in words, and what to do about it.

use std::error::Error;
use std::{fs, io};

use aya::EbpfError;
use aya::programs::ProgramError;

use crate::CaptureError;

/// What is refused, in every refusal of this module.
const WHAT: &str = "capturing by eBPF";
/// Task storage for tracing programs came with 5.11, atomic exchange with 5.12.
const OLDEST: (u32, u32) = (5, 12);
/// See capability.h.
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;
/// How much of the verifier's log is worth showing: its last lines say what it stumbled over.
const LOG_LINES: usize = 12;

fn refused(why: impl Into<String>, hint: impl Into<String>) -> CaptureError {
    CaptureError::Refused { what: WHAT, why: why.into(), hint: hint.into() }
}

/// What a check of the host reads; tests make it up.
struct Host {
    btf: bool,
    release: String,
    status: String,
    lockdown: String,
}

impl Host {
    fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            btf: fs::exists("/sys/kernel/btf/vmlinux").unwrap_or(false),
            release: read("/proc/sys/kernel/osrelease"),
            // Capabilities are a thread's own.
            status: read("/proc/thread-self/status"),
            lockdown: read("/sys/kernel/security/lockdown"),
        }
    }

    fn check(&self) -> Result<(), CaptureError> {
        let mut numbers = self.release.split(['.', '-']).map_while(|number| number.parse().ok());
        if let (Some(major), Some(minor)) = (numbers.next(), numbers.next())
            && (major, minor) < OLDEST
        {
            let why = format!(
                "the kernel is {}, and {}.{} is the oldest that can",
                self.release.trim(),
                OLDEST.0,
                OLDEST.1
            );
            return Err(refused(why, "use a newer kernel, or capture by ptrace"));
        }
        if !self.btf {
            return Err(refused(
                "the kernel does not describe its types: /sys/kernel/btf/vmlinux is missing",
                "use a kernel with CONFIG_DEBUG_INFO_BTF, as the large distributions ship, and mount /sys",
            ));
        }
        let effective = self.status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let effective = effective.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0);
        let has = |capability: u32| effective & (1u64 << capability) != 0;
        let missing = match (has(CAP_BPF), has(CAP_PERFMON)) {
            _ if has(CAP_SYS_ADMIN) => None,
            (true, true) => None,
            (false, true) => Some("CAP_BPF is missing"),
            (true, false) => Some("CAP_PERFMON is missing"),
            (false, false) => Some("this is not root, and CAP_BPF and CAP_PERFMON are missing"),
        };
        if let Some(missing) = missing {
            return Err(refused(
                missing,
                "run it as root, or give the program what it needs: setcap cap_bpf,cap_perfmon+ep PROGRAM",
            ));
        }
        if self.lockdown.contains("[confidentiality]") {
            return Err(refused(
                "the kernel is locked down for confidentiality, and eBPF programs may not read its memory",
                "boot with lockdown=integrity, or without; see kernel_lockdown(7)",
            ));
        }
        Ok(())
    }
}

/// Whether the programs could be loaded, as far as can be told without loading them.
pub(super) fn check() -> Result<(), CaptureError> {
    if !cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        return Err(refused("it is written for x86_64 and aarch64", "capture by ptrace"));
    }
    Host::here().check()?;
    may_call_bpf().map_err(|_| {
        refused(
            "the bpf system call is forbidden here in spite of the capabilities",
            "a container's seccomp filter, a user namespace or a security module forbids it: run it on the host, or \
             allow it there (docker: --privileged, or --cap-add BPF,PERFMON,SYS_ADMIN)",
        )
    })
}

/// Asks for a map of no kind: an invalid argument where maps may be made, a lack of rights where not.
fn may_call_bpf() -> io::Result<()> {
    const BPF_MAP_CREATE: libc::c_int = 0;
    let attributes = [0u64; 16];
    // SAFETY: the kernel reads as many bytes as it is told the attributes have, and writes none for this command.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, BPF_MAP_CREATE, attributes.as_ptr(), size_of_val(&attributes))
    };
    match io::Error::last_os_error() {
        error
            if result < 0
                && matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES | libc::ENOSYS)) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// What a failure to load or attach means.
pub(super) fn explain(error: &(dyn Error + 'static)) -> CaptureError {
    let mut why = String::new();
    let mut denied = false;
    let mut next = Some(error);
    while let Some(error) = next {
        let verifier = match error.downcast_ref() {
            Some(EbpfError::ProgramError(ProgramError::LoadError { io_error, verifier_log })) => {
                Some((io_error, verifier_log))
            }
            _ => None,
        }
        .or(match error.downcast_ref() {
            Some(ProgramError::LoadError { io_error, verifier_log }) => Some((io_error, verifier_log)),
            _ => None,
        });
        let said = match verifier {
            Some((io_error, log)) => format!("{io_error}{}", end_of(&log.to_string())),
            None => error.to_string(),
        };
        let io = verifier.map(|(io_error, _)| io_error).or(error.downcast_ref::<io::Error>());
        denied |= io.is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
        // Errors that say what their source says.
        if !why.contains(&said) {
            why += if why.is_empty() { "" } else { ": " };
            why += &said;
        }
        next = if verifier.is_some() { None } else { error.source() };
    }
    let hint = if denied {
        "run it as root or with CAP_BPF and CAP_PERFMON; in a container, on the host or with --privileged"
    } else {
        "this kernel may be too old or too new for the programs; capture by ptrace, and report it with `uname -r`"
    };
    refused(why, hint)
}

/// The end of the verifier's log, on lines of its own.
fn end_of(log: &str) -> String {
    let lines: Vec<&str> = log.trim().lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].iter().map(|line| format!("\n  {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        Host {
            btf: true,
            release: "6.1.0-18-amd64\n".into(),
            status: "Uid:\t0\nCapEff:\t000001ffffffffff\n".into(),
            lockdown: "[none] integrity confidentiality\n".into(),
        }
    }

    fn why(host: &Host) -> String {
        host.check().unwrap_err().to_string()
    }

    #[test]
    fn what_is_missing_is_said() {
        assert!(host().check().is_ok());
        let capabilities = |set: u64| Host { status: format!("CapEff:\t{set:016x}\n"), ..host() };
        assert!(capabilities(1 << CAP_SYS_ADMIN).check().is_ok());
        assert!(capabilities(1 << CAP_BPF | 1 << CAP_PERFMON).check().is_ok());
        assert_eq!(
            why(&capabilities(1 << CAP_BPF)),
            "capturing by eBPF cannot be done: CAP_PERFMON is missing"
        );
        assert_eq!(
            why(&capabilities(1 << CAP_PERFMON)),
            "capturing by eBPF cannot be done: CAP_BPF is missing"
        );
        assert!(why(&capabilities(0)).contains("not root"));
        assert!(why(&Host { btf: false, ..host() }).contains("/sys/kernel/btf/vmlinux"));
        assert!(why(&Host { release: "5.10.0-28-amd64\n".into(), ..host() }).contains("5.12"));
        assert!(Host { release: "5.12.0\n".into(), ..host() }.check().is_ok());
        assert!(Host { release: "unheard of".into(), ..host() }.check().is_ok(), "no reason to refuse");
        let locked = Host { lockdown: "none integrity [confidentiality]\n".into(), ..host() };
        assert!(why(&locked).contains("locked down"));
    }

    #[test]
    fn the_verifier_has_the_last_word() {
        let log: String = (0..100).map(|line| format!("line {line}\n")).collect();
        let text = end_of(&log);
        assert!(text.starts_with("\n  line 88\n") && text.ends_with("\n  line 98\n  line 99"), "{text}");
        assert_eq!(end_of(""), "");
    }

    #[test]
    fn a_lack_of_rights_is_told_from_other_failures() {
        let denied = ProgramError::SyscallError(aya::sys::SyscallError {
            call: "bpf_link_create",
            io_error: io::Error::from_raw_os_error(libc::EPERM),
        });
        let CaptureError::Refused { why, hint, .. } = explain(&denied) else { panic!("{denied}") };
        assert!(why.contains("Operation not permitted") && hint.contains("CAP_PERFMON"), "{why} {hint}");
        let invalid = aya::EbpfError::NoBTF;
        let CaptureError::Refused { hint, .. } = explain(&invalid) else { panic!("{invalid}") };
        assert!(hint.contains("too old"), "{hint}");
    }
}
