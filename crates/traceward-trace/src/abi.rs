//! Whose system-call numbers these are.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Error;

/// A table of system calls: the kernel's for one architecture, or one that a data set brought along.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Abi {
    /// 32-bit x86: what ADFA-LD was recorded on.
    I386,
    /// 64-bit x86.
    X86_64,
    /// 64-bit ARM.
    Aarch64,
    /// A data set's own table, by name (`unm-sendmail`); its calls are known by name only.
    Custom(Arc<str>),
}

impl fmt::Display for Abi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I386 => "i386",
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Custom(name) => name,
        })
    }
}

impl FromStr for Abi {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Ok(match name {
            "i386" | "x86" | "i686" => Self::I386,
            "x86_64" | "amd64" => Self::X86_64,
            "aarch64" | "arm64" => Self::Aarch64,
            "" => return Err(Error::UnknownAbi(String::new())),
            other => Self::Custom(other.into()),
        })
    }
}

impl TryFrom<String> for Abi {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        name.parse()
    }
}

impl From<Abi> for String {
    fn from(abi: Abi) -> Self {
        abi.to_string()
    }
}
