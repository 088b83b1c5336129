//! The container that a control group belongs to, by its path.

/// What a container's control group looks like, by who made it:
///
/// | runtime | path |
/// |---|---|
/// | Docker | `/docker/ID`, `/system.slice/docker-ID.scope` |
/// | containerd, CRI-O | `…/cri-containerd-ID.scope`, `…/crio-ID.scope`, `/kubepods/…/ID` |
/// | Podman | `…/libpod-ID.scope/container` |
/// | LXC | `/lxc/NAME`, `/lxc.payload.NAME`, `/lxc.payload/NAME` |
/// | systemd-nspawn | `/machine.slice/systemd-nspawn@NAME.service`, `/machine.slice/machine-NAME.scope` |
///
/// An ID is 64 hexadecimal digits. The innermost one counts, for containers within containers. What watches
/// over a container from outside (`conmon`) is not in it.
pub(super) fn of_path(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.iter().enumerate().rev().find_map(|(place, part)| {
        let above = place.checked_sub(1).map(|above| parts[above]);
        id(part).or_else(|| lxc(above, part)).or_else(|| machine(part))
    })
}

/// The container that the lines of `/proc/PID/cgroup` speak of: `0::/path` of the one tree of version 2, or
/// `4:memory:/path` of the trees of version 1.
pub(super) fn of_lines(lines: &str) -> Option<String> {
    lines.lines().filter_map(|line| line.splitn(3, ':').nth(2)).find_map(of_path)
}

fn id(part: &str) -> Option<String> {
    let name = part.strip_suffix(".scope").unwrap_or(part);
    let (runtime, id) = name.rsplit_once('-').unwrap_or(("", name));
    let hex = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hex && !runtime.ends_with("conmon")).then(|| id.to_ascii_lowercase())
}

fn lxc(above: Option<&str>, part: &str) -> Option<String> {
    let name = match above {
        Some("lxc" | "lxc.payload") => part,
        _ => part.strip_prefix("lxc.payload.")?,
    };
    Some(name.to_owned())
}

fn machine(part: &str) -> Option<String> {
    let nspawn = || part.strip_prefix("systemd-nspawn@")?.strip_suffix(".service");
    let scope = || part.strip_prefix("machine-")?.strip_suffix(".scope");
    let name = unescaped(nspawn().or_else(scope)?);
    Some(name.strip_prefix("lxc-").map_or(name.clone(), str::to_owned)).filter(|name| !name.is_empty())
}

/// A name as systemd escapes it: `\x2d` is a hyphen.
fn unescaped(name: &str) -> String {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.strip_prefix(b"x").filter(|_| *first == b'\\').and_then(|digits| digits.get(..2));
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        plain.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "3f29a0c2d1b84e5f6a7b8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b";

    #[test]
    fn every_runtime_is_known() {
        for path in [
            format!("/docker/{ID}"),
            format!("/system.slice/docker-{ID}.scope"),
            format!("/system.slice/docker-{ID}.scope/init.scope"),
            format!("/kubepods/burstable/pod8a5c9b1e-1b2c/{ID}"),
            format!("/kubepods.slice/kubepods-pod8a5c.slice/cri-containerd-{ID}.scope"),
            format!("/kubepods.slice/kubepods-pod8a5c.slice/crio-{ID}.scope"),
            format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container"),
            format!("/machine.slice/libpod-{ID}.scope"),
            format!("/docker/{}/docker/{ID}", ID.replace('3', "4")),
        ] {
            assert_eq!(of_path(&path).as_deref(), Some(ID), "{path}");
        }
        for (path, name) in [
            ("/lxc/web", "web"),
            ("/lxc.payload/web/system.slice/cron.service", "web"),
            ("/lxc.payload.web-1/init.scope", "web-1"),
            ("/machine.slice/systemd-nspawn@db.service/payload", "db"),
            (r"/machine.slice/machine-build\x2dhost.scope", "build-host"),
        ] {
            assert_eq!(of_path(path).as_deref(), Some(name), "{path}");
        }
    }

    #[test]
    fn a_plain_host_is_no_container() {
        for path in
            ["/", "/init.scope", "/system.slice/sshd.service", "/user.slice/user-1000.slice/session-3.scope"]
        {
            assert_eq!(of_path(path), None, "{path}");
        }
        assert_eq!(
            of_path(&format!("/machine.slice/libpod-conmon-{ID}.scope")),
            None,
            "the watcher is outside"
        );
        assert_eq!(of_path(&format!("/docker/{}", &ID[1..])), None, "63 digits are no id");
        assert_eq!(of_lines("9:name=systemd:/\n4:memory:/\n0::/"), None);
    }

    #[test]
    fn both_versions_of_control_groups_are_read() {
        assert_eq!(of_lines(&format!("0::/docker/{ID}\n")).as_deref(), Some(ID));
        assert_eq!(
            of_lines(&format!("12:pids:/docker/{ID}\n11:cpu,cpuacct:/docker/{ID}\n")).as_deref(),
            Some(ID)
        );
        assert_eq!(of_lines("0::/a:b/lxc.payload.x").as_deref(), Some("x"), "paths may hold colons");
    }

    proptest! {
        #[test]
        fn no_path_is_too_strange(path in ".*", escaped in r"[\\x0-9a-f-]*") {
            of_path(&path);
            of_lines(&path);
            of_path(&format!("/machine-{escaped}.scope"));
        }
    }
}
