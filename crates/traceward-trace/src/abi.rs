//! Whose system-call numbers these are.
//!
//! A number says nothing without its table: 3 is `read` on i386, `close` on x86_64, `io_cancel` on
//! aarch64. So every data set and every model carries an [`Abi`], numbers become names as they are read,
//! and what crosses from one ABI to another crosses by name: [`canonical`] where two names mean the same
//! call in another width, [`candidates`] where the other table has a near relative at best. [`guess`]
//! finds the table that numbers without one most likely belong to, and says why.
//!
//! The tables are the kernel's own (`abi/*.tsv`, written by `abi/make_tables.sh`). Lists that come with
//! data sets are never read by themselves: the one in ADFA-LD's archive is `asm-generic`'s, while its
//! traces are i386, and no number means the same in both.

mod families;
mod guess;
mod table;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Error;

pub use families::{candidates, canonical, modern};
pub use guess::{AbiGuess, Candidate, guess, guess_by_name};

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

impl Abi {
    /// The kernel's tables: the ABIs whose numbers we know.
    pub const KERNEL: [Self; 3] = [Self::I386, Self::X86_64, Self::Aarch64];

    /// The name of call `number`; `None` if the table has no such number, or there is no table.
    pub fn name_of(&self, number: u32) -> Option<&'static str> {
        self.table()?.name_of(number)
    }

    /// The number of the call `name`; `None` if the table has no such name, or there is no table.
    pub fn number_of(&self, name: &str) -> Option<u32> {
        self.table()?.number_of(name)
    }

    /// All calls of the table as `(number, name)`, by number; nothing for [`Abi::Custom`].
    pub fn calls(&self) -> impl Iterator<Item = (u32, &'static str)> {
        self.table().into_iter().flat_map(table::Table::calls)
    }

    fn table(&self) -> Option<&'static table::Table> {
        match self {
            Self::I386 => Some(&table::I386),
            Self::X86_64 => Some(&table::X86_64),
            Self::Aarch64 => Some(&table::AARCH64),
            Self::Custom(_) => None,
        }
    }
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

#[cfg(test)]
mod tests;
