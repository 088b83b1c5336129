//! Finding a control group: by its folder, or by the id of a container that runs in it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::CaptureError;

/// A control group of the second version, as the kernel side looks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Its folder.
    pub(super) folder: PathBuf,
    /// The folder's inode, which is the group's id.
    pub(super) id: u64,
    /// The id of the topmost group that is mounted.
    pub(super) mount: u64,
    /// How far the one is below the other.
    pub(super) depth: u32,
}

/// The least that is taken for a container's id: what `docker ps` shows.
const SHORT_ID: usize = 12;

impl Group {
    /// The group that somebody means: an absolute path, a path below the mount, or a container's id, at least
    /// 12 digits of it.
    pub(super) fn find(name: &str) -> Result<Self, CaptureError> {
        let none = || CaptureError::NoGroup(name.to_owned());
        let mounts = fs::read_to_string("/proc/self/mountinfo").map_err(|_| none())?;
        let mount = mounts.lines().find_map(mount_of_groups).ok_or_else(none)?;
        Self::below(&mount, name).ok_or_else(none)
    }

    fn below(mount: &Path, name: &str) -> Option<Self> {
        if name.is_empty() {
            return None;
        }
        let path = Path::new(name);
        let folder =
            if path.starts_with(mount) { path.to_owned() } else { mount.join(name.trim_start_matches('/')) };
        let folder = match folder.canonicalize() {
            Ok(folder) if folder.is_dir() && folder.starts_with(mount) => folder,
            _ if is_container_id(name) => folder_of(mount, name)?,
            _ => return None,
        };
        let depth = folder.strip_prefix(mount).ok()?.components().count() as u32;
        Some(Self {
            id: fs::metadata(&folder).ok()?.ino(),
            mount: fs::metadata(mount).ok()?.ino(),
            depth,
            folder,
        })
    }
}

/// The folder where a line of `mountinfo` says that the cgroup2 tree is; see proc_pid_mountinfo(5).
fn mount_of_groups(line: &str) -> Option<PathBuf> {
    let (mount, system) = line.split_once(" - ")?;
    let folder = mount.split(' ').nth(4)?;
    (system.split(' ').next()? == "cgroup2").then(|| folder.replace("\\040", " ").into())
}

fn is_container_id(name: &str) -> bool {
    name.len() >= SHORT_ID && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The topmost folder named after the container: `docker-ID.scope`, `cri-containerd-ID.scope`, `ID`.
fn folder_of(mount: &Path, id: &str) -> Option<PathBuf> {
    let mut level = vec![mount.to_owned()];
    while !level.is_empty() {
        let below = level.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        level = below
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .collect();
        level.sort();
        let named = |folder: &&PathBuf| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            name.split(['-', '.', ':']).any(|part| is_container_id(part) && part.starts_with(id))
        };
        if let Some(folder) = level.iter().find(named) {
            return Some(folder.clone());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_is_found_by_its_kind() {
        let line = "35 24 0:30 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw";
        assert_eq!(mount_of_groups(line), Some("/sys/fs/cgroup/unified".into()));
        assert_eq!(mount_of_groups("25 24 0:21 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu"), None);
        assert_eq!(mount_of_groups("nonsense"), None);
    }

    #[test]
    fn a_group_is_found_by_path_and_by_container() {
        let mount = tempfile::tempdir().unwrap();
        let mount = mount.path().canonicalize().unwrap();
        let id = "0123456789ab".to_owned() + &"c".repeat(52);
        let folder = mount.join(format!("system.slice/docker-{id}.scope"));
        fs::create_dir_all(folder.join("inner")).unwrap();
        let found = |name: &str| Group::below(&mount, name).map(|group| (group.folder, group.depth));
        assert_eq!(found(&id[..12]), Some((folder.clone(), 2)));
        assert_eq!(found(&id), Some((folder.clone(), 2)));
        assert_eq!(found("system.slice"), Some((mount.join("system.slice"), 1)));
        assert_eq!(found("/system.slice"), Some((mount.join("system.slice"), 1)));
        assert_eq!(found(folder.to_str().unwrap()), Some((folder, 2)));
        assert_eq!(found("0123456789ff"), None);
        assert_eq!(found("system.slice/none"), None);
        assert_eq!(found("../.."), None, "nothing outside of the tree");
        assert_eq!(found(""), None);
        let group = Group::below(&mount, "system.slice").unwrap();
        assert_eq!(group.id, fs::metadata(mount.join("system.slice")).unwrap().ino());
        assert_eq!(group.mount, fs::metadata(&mount).unwrap().ino());
    }
}
