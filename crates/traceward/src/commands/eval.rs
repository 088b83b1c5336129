//! `eval`: what a kept model is worth on traces, or what models are worth on data.
//!
//! Which of the two is asked follows from the first argument: a model file or run directory is judged as
//! it is ([`kept`]); data is cut by a protocol, and models are trained and judged on it ([`protocol`]).

mod kept;
mod progress;
mod protocol;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::cli::EvalArgs;
use crate::error::{Failure, Outcome};
use crate::output::Output;

/// Runs the command.
pub(super) fn run(args: &EvalArgs, output: Output) -> Outcome {
    super::set_threads(args.threads)?;
    match &args.subject {
        Some(path) if is_model(path) => {
            if let Some(flag) = args.protocol_flag() {
                return Err(Failure::new(format_args!(
                    "{flag} is about training and judging models on data, and {} is a model that is kept",
                    path.display()
                ))
                .hint(format!("without {flag} the model is judged as it is"))
                .hint(format!("traceward eval DATA {flag} … judges models by a protocol")));
            }
            kept::run(path, args, output)
        }
        _ if args.early => {
            Err(Failure::new("--early is about a model that is kept: what it says as calls come in")
                .hint("traceward eval MODEL DATA --early"))
        }
        _ => protocol::run(args, output),
    }
}

/// Whether a path is a model rather than data: a run directory, or a safetensors file, by its name or its
/// beginning. What is not there counts by its name, so that the message is about the right thing.
fn is_model(path: &Path) -> bool {
    if path.is_dir() {
        return ["model.safetensors", "traceward.toml"].iter().any(|name| path.join(name).exists());
    }
    path.extension().is_some_and(|extension| extension == "safetensors") || starts_as_safetensors(path)
}

/// Eight bytes of a length, then JSON: what no format of traces begins with.
fn starts_as_safetensors(path: &Path) -> bool {
    /// The longest header that the format allows.
    const LONGEST: u64 = 100_000_000;
    let mut head = [0; 9];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    let [length @ .., brace] = head;
    read.is_ok() && brace == b'{' && u64::from_le_bytes(length) <= LONGEST
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_model_is_told_from_data() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            path
        };
        assert!(is_model(&file("any.name", b"\x10\0\0\0\0\0\0\0{\"a\":{}")));
        assert!(is_model(Path::new("nowhere.safetensors")));
        assert!(is_model(file("run/traceward.toml", b"").parent().unwrap()));
        assert!(!is_model(&file("data/attack/web_1/a.txt", b"6 5 11")));
        assert!(!is_model(dir.path().join("data").as_path()));
        assert!(!is_model(&file("rows.jsonl", b"{\"calls\": [\"open\"]}")));
        assert!(!is_model(Path::new("nowhere.csv")));
    }
}
