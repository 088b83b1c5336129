//! A folder of its own for each test, and the binary in it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A temporary folder in which commands run.
pub(crate) struct Dir(TempDir);

impl Dir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// The program with these arguments, run in this folder.
    pub(crate) fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_traceward"));
        command
            .args(args)
            .current_dir(self.path())
            .stdin(Stdio::null())
            .env("NO_COLOR", "1")
            .env_remove("COLUMNS");
        command
    }

    /// Runs it and returns what it said; the exit code is the test's business.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        let Output { status, stdout, stderr } = self.command(args).output().unwrap();
        Said {
            code: status.code(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Runs it, expects exit code 0, and returns its stdout as JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.extend(["--format", "json"]);
        let said = self.run(&all);
        assert_eq!(said.code, Some(0), "{said:?}");
        serde_json::from_str(&said.stdout).unwrap_or_else(|e| panic!("{e}: {said:?}"))
    }

    /// Two small classes that a network learns in a few epochs: `open read close` against `socket
    /// connect sendto`, in 8 groups each, with enough noise that traces differ.
    pub(crate) fn small_data(&self) -> PathBuf {
        let mut lines = String::new();
        let mut noise = 12_345_u32;
        for (class, calls) in
            [("normal", ["openat", "read", "close"]), ("probe", ["socket", "connect", "sendto"])]
        {
            for i in 0..40 {
                let mut trace = Vec::new();
                for step in 0..(8 + i % 13) {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    trace.push(if noise >> 29 == 0 { "brk" } else { calls[(step + i) % 3] });
                }
                let row = serde_json::json!({
                    "calls": trace, "class": class, "group": format!("{class}_{}", i % 8), "abi": "x86_64",
                });
                lines.push_str(&row.to_string());
                lines.push('\n');
            }
        }
        self.write("small.jsonl", lines)
    }
}

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A real data set, or `None` (saying so) where this machine does not have it.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn real_data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TRACEWARD_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {name} is not here (set TRACEWARD_DATA to a folder that has it)");
    None
}
