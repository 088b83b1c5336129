//! Names of captured calls.

use traceward_trace::{Abi, CallTable};

use crate::Call;

/// The names of all calls that this machine's kernel takes: its own, and i386's on x86_64. A number that no
/// table has is called `#NUMBER`, as in a data set; what is no call, and numbers beyond all tables, `#32767`.
#[derive(Clone, Debug)]
pub struct Names {
    abi: Abi,
    table: CallTable,
    /// Ids in the table of the machine's own numbers.
    own: Vec<u16>,
    /// The same for i386's.
    i386: Vec<u16>,
    none: u16,
}

/// Numbers below this have an entry; the tables end well before.
const NUMBERS: u16 = 1024;

/// The name of [`Call`]s without a number. It must be one that data sets may hold, or a whole trace could not be
/// read because of one call.
const NONE: &str = "#32767";

impl Names {
    /// The names on this machine.
    pub fn here() -> Self {
        Self::of(if cfg!(target_arch = "aarch64") { Abi::Aarch64 } else { Abi::X86_64 })
    }

    /// The names of a machine with this ABI.
    pub fn of(abi: Abi) -> Self {
        let mut table = CallTable::default();
        // Far fewer names than a table holds.
        let mut ids = |abi: &Abi| -> Vec<u16> {
            let name = |number| abi.name_of(number).map_or(format!("#{number}"), str::to_owned);
            (0..NUMBERS).filter_map(|number| table.intern(&name(number.into()))).collect()
        };
        let (own, i386) = (ids(&abi), ids(&Abi::I386));
        let none = table.intern(NONE).unwrap_or_default();
        Self { abi, table, own, i386, none }
    }

    /// Whose names they are.
    pub fn abi(&self) -> &Abi {
        &self.abi
    }

    /// The table of names.
    pub fn table(&self) -> &CallTable {
        &self.table
    }

    /// A call's place in the table.
    pub fn id(&self, call: Call) -> u16 {
        let ids = if call.is_i386() { &self.i386 } else { &self.own };
        ids.get(usize::from(call.number())).copied().unwrap_or(self.none)
    }

    /// A call's name.
    pub fn name(&self, call: Call) -> &str {
        self.table.name(self.id(call))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_named_by_its_own_table() {
        let names = Names::of(Abi::X86_64);
        assert_eq!(names.name(Call::new(59)), "execve");
        assert_eq!(names.name(Call::i386(11)), "execve");
        assert_eq!(names.id(Call::new(59)), names.id(Call::i386(11)), "one name, one place");
        assert_eq!(names.name(Call::i386(102)), "socketcall");
        assert_eq!(names.name(Call::new(1000)), "#1000");
        assert_eq!(names.name(Call::new(u64::MAX)), "#32767");
        assert_eq!(names.name(Call::i386(u64::MAX)), NONE);
    }
}
