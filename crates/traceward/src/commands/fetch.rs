//! `data fetch`: a public data set, after its licence has been shown and agreed to.
//!
//! The download goes to a temporary file beside its destination and takes its name only once its SHA-256
//! is the one written here, so a half or a wrong file never stands where a right one is expected.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::cli::FetchArgs;
use crate::error::{ExitStatus, Failure, Outcome};
use crate::output::{Format, Output};

/// A data set that the public can download.
struct Published {
    title: &'static str,
    file: &'static str,
    url: &'static str,
    bytes: u64,
    sha256: &'static str,
    licence: &'static str,
}

/// The labelled copy of ADFA-LD on GitHub, pinned to one commit.
const ADFA_LD: Published = Published {
    title: "ADFA-LD, the ADFA Linux Dataset (Creech & Hu 2013): 5,951 traces of i386 system calls",
    file: "ADFA-LD.zip",
    url: "https://raw.githubusercontent.com/verazuo/a-labelled-version-of-the-ADFA-LD-dataset/58332c8d7dfbecb9f3e746c9f691623b91f51dfd/ADFA-LD.zip",
    bytes: 2_381_193,
    sha256: "58d625470749344843a7f730b0875ce9b8769f6fa48f18dc4a92bd07c342ead5",
    licence: "\
Licence: free for academic research, granted by its authors in perpetuity. Any publication that uses it
must cite
    G. Creech and J. Hu. Generation of a new IDS test dataset: time to retire the KDD collection.
    IEEE Wireless Communications and Networking Conference (WCNC), 2013.
Commercial use needs the authors' consent. traceward does not redistribute it.",
};

#[derive(Serialize)]
struct Fetched<'a> {
    file: &'a Path,
    bytes: u64,
    sha256: &'a str,
    already_there: bool,
}

/// Runs the command.
pub(super) fn run(args: &FetchArgs, output: Output) -> Outcome {
    let set = &ADFA_LD;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(set.file));
    let already_there = out.exists();
    if already_there {
        if file_sha256(&out)? != set.sha256 {
            return Err(Failure::new(format_args!(
                "{} is there already and is not this data set; nothing was overwritten",
                out.display()
            ))
            .hint("choose another file with --out"));
        }
    } else {
        agree(set, args.yes, output)?;
        download(set, args.url.as_deref().unwrap_or(set.url), &out, output)?;
    }
    match output.format {
        Format::Json => {
            output.json(&Fetched { file: &out, bytes: set.bytes, sha256: set.sha256, already_there })?;
        }
        Format::Text => output.text(&format!(
            "{} {}, SHA-256 as expected.\nNext: traceward data inspect {}\n",
            out.display(),
            if already_there { "is there already" } else { "downloaded" },
            out.display()
        ))?,
    }
    Ok(ExitStatus::Fine)
}

/// Shows the licence, always, and asks unless `--yes` was given.
fn agree(set: &Published, yes: bool, output: Output) -> Result<(), Failure> {
    let mut err = anstream::stderr().lock();
    writeln!(err, "{}\n\n{}\n", set.title, set.licence)?;
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() || output.quiet {
        return Err(
            Failure::new("the licence must be agreed to before the download").hint("add --yes if you agree")
        );
    }
    write!(err, "Download it under these terms? [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::new("not agreed; nothing was downloaded"))
}

fn download(set: &Published, url: &str, out: &Path, output: Output) -> Result<(), Failure> {
    let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".fetch-")
        .tempfile_in(folder)
        .map_err(|e| Failure::new(format_args!("cannot write in {}: {e}", folder.display())))?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_body(Some(Duration::from_secs(600)))
        .build()
        .into();
    let unreachable = |e: &dyn std::fmt::Display| {
        Failure::new(format_args!("cannot download {url}: {e}"))
            .hint("download it by other means and pass the file to traceward; any copy will be read")
    };
    let response = agent.get(url).call().map_err(|e| unreachable(&e))?;
    let mut body = response.into_body().into_reader();

    let bar = ProgressBar::with_draw_target(
        Some(set.bytes),
        if output.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() },
    );
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
        bar.set_style(style);
    }
    let mut hasher = Sha256::new();
    let mut buffer = [0_u8; 1 << 16];
    let mut bytes = 0_u64;
    loop {
        let n = body.read(&mut buffer).map_err(|e| unreachable(&e))?;
        if n == 0 {
            break;
        }
        bytes += n as u64;
        // Whatever is longer is not the file, and need not fill the disk to be refused.
        if bytes > set.bytes {
            break;
        }
        hasher.update(&buffer[..n]);
        file.write_all(&buffer[..n])?;
        bar.set_position(bytes);
    }
    bar.finish_and_clear();
    let found = hex(&hasher.finalize());
    if bytes != set.bytes || found != set.sha256 {
        return Err(Failure::new(format_args!(
            "{url} is not the expected file: {} bytes with SHA-256 {found}, not {} with {}; nothing was kept",
            if bytes > set.bytes { format!("over {}", set.bytes) } else { bytes.to_string() },
            set.bytes,
            set.sha256
        )));
    }
    file.as_file().sync_all()?;
    file.persist_noclobber(out)
        .map_err(|e| Failure::new(format_args!("cannot write {}: {}", out.display(), e.error)))?;
    Ok(())
}

fn file_sha256(path: &Path) -> Result<String, Failure> {
    let cannot = |e: io::Error| Failure::new(format_args!("cannot read {}: {e}", path.display()));
    Ok(hex(&Sha256::digest(fs::read(path).map_err(cannot)?)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
