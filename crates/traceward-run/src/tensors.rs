//! A safetensors file of ours: `f32` arrays and one JSON document, with a checksum over both.
//!
//! Model files and checkpoints are this. The crate `safetensors` reads (it checks the header); writing is
//! done here, since the crate keeps metadata in a hash map and the same model would give different bytes
//! each time. The checksum stands in the metadata beside the document: a flipped bit in a weight is as
//! silent as it is harmful. Nothing is executed on load, and no allocation is larger than the file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::run_dir::write_atomically;

/// Name, shape and numbers of an array.
pub type Tensor = (String, Vec<usize>, Vec<f32>);

/// The largest file that is read.
const LARGEST_FILE: u64 = 4 << 30;

/// The metadata key of the document.
const DOCUMENT: &str = "traceward";
/// The metadata key of the checksum.
const CHECKSUM: &str = "sha256";

/// Why a file could not be written, or not be believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It could not be read or written.
    #[error("cannot {action} {}: {error}", path.display())]
    Io {
        /// What was tried: `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// It is not a whole, sound file of ours.
    #[error("{}: not a traceward model: {reason}", path.display())]
    NotAModel {
        /// The file.
        path: PathBuf,
        /// A phrase: what is wrong with it.
        reason: String,
    },
}

/// An array to be written: name, shape, numbers.
#[derive(Clone, Copy, Debug)]
pub struct TensorRef<'a> {
    /// Its name; no two may be the same.
    pub name: &'a str,
    /// Its shape, row-major.
    pub shape: &'a [usize],
    /// Its numbers.
    pub values: &'a [f32],
}

/// Writes `document` (JSON) and `tensors` to `path`, all or nothing.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, document: &str, tensors: &[TensorRef<'_>]) -> Result<(), FileError> {
    write_atomically(path, &encode(document, tensors)).map_err(|error| FileError::Io {
        action: "write",
        path: path.to_owned(),
        error,
    })
}

fn encode(document: &str, tensors: &[TensorRef<'_>]) -> Vec<u8> {
    let checksum = checksum(document, tensors.iter().map(|t| (t.name, t.shape, t.values)));
    let mut header = Map::new();
    header.insert("__metadata__".into(), json!({ DOCUMENT: document, CHECKSUM: checksum }));
    let mut end = 0;
    for tensor in tensors {
        let start = end;
        end += 4 * tensor.values.len();
        let info = json!({ "dtype": "F32", "shape": tensor.shape, "data_offsets": [start, end] });
        header.insert(tensor.name.to_owned(), info);
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = Vec::with_capacity(8 + header.len() + end);
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.extend(header);
    bytes.extend(tensors.iter().flat_map(|t| t.values).flat_map(|v| v.to_le_bytes()));
    bytes
}

/// Reads what [`write()`] wrote: the document and the arrays, in their order.
///
/// # Errors
/// If the file cannot be read, is not such a file, is cut off, or differs in any bit from what was written.
pub fn read(path: &Path) -> Result<(String, Vec<Tensor>), FileError> {
    let io = |error| FileError::Io { action: "read", path: path.to_owned(), error };
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    if length > LARGEST_FILE {
        let reason = format!("it is larger than {} GiB", LARGEST_FILE >> 30);
        return Err(FileError::NotAModel { path: path.to_owned(), reason });
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE).read_to_end(&mut bytes).map_err(|error: io::Error| io(error))?;
    decode(&bytes).map_err(|reason| FileError::NotAModel { path: path.to_owned(), reason })
}

fn decode(bytes: &[u8]) -> Result<(String, Vec<Tensor>), String> {
    let sound = |error| format!("no safetensors file, or a damaged one ({error})");
    let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(sound)?;
    let known = metadata.metadata().as_ref();
    let of = |key: &str| known.and_then(|m| m.get(key)).ok_or_else(|| format!("its metadata has no {key:?}"));
    let (document, written) = (of(DOCUMENT)?.clone(), of(CHECKSUM)?);
    let data = &bytes[8 + header..];
    let mut tensors = Vec::new();
    for name in metadata.offset_keys() {
        let info = metadata.info(&name).ok_or("its header contradicts itself")?;
        if info.dtype != Dtype::F32 {
            return Err(format!("{name} is {:?}, and must be F32", info.dtype));
        }
        let raw =
            data.get(info.data_offsets.0..info.data_offsets.1).ok_or("its header contradicts itself")?;
        let values: Vec<f32> = raw.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
        tensors.push((name, info.shape.clone(), values));
    }
    if checksum(&document, tensors.iter().map(|(n, s, v)| (n.as_str(), s.as_slice(), v.as_slice())))
        != *written
    {
        return Err("its checksum is wrong: it was damaged or changed since it was written".into());
    }
    Ok((document, tensors))
}

fn checksum<'a>(document: &str, tensors: impl Iterator<Item = (&'a str, &'a [usize], &'a [f32])>) -> String {
    let mut hash = Sha256::new();
    let text = |text: &str, hash: &mut Sha256| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    text(document, &mut hash);
    for (name, shape, values) in tensors {
        text(name, &mut hash);
        shape.iter().for_each(|&n| hash.update((n as u64).to_le_bytes()));
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        hash.update(bytes);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
