//! The kernel's tables, number to name and back, read from the checked-in files when first asked.

use std::collections::HashMap;
use std::sync::LazyLock;

pub(super) static I386: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("../../abi/i386.tsv")));
pub(super) static X86_64: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("../../abi/x86_64.tsv")));
pub(super) static AARCH64: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("../../abi/aarch64.tsv")));

/// One architecture's calls.
pub(super) struct Table {
    /// `names[number]`; the numbers are dense enough for a vector.
    names: Vec<Option<&'static str>>,
    numbers: HashMap<&'static str, u32>,
}

impl Table {
    /// Reads `NUMBER<TAB>NAME` lines. A line of another shape is left out, which a test would see: the
    /// text is part of the program.
    fn parse(text: &'static str) -> Self {
        let mut table = Self { names: Vec::new(), numbers: HashMap::new() };
        for (number, name) in text.lines().filter_map(|line| line.split_once('\t')) {
            let Ok(number) = number.parse::<u16>() else { continue };
            let slot = usize::from(number);
            if table.names.len() <= slot {
                table.names.resize(slot + 1, None);
            }
            table.names[slot] = Some(name);
            table.numbers.insert(name, number.into());
        }
        table
    }

    pub(super) fn name_of(&self, number: u32) -> Option<&'static str> {
        *self.names.get(usize::try_from(number).ok()?)?
    }

    pub(super) fn number_of(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = (u32, &'static str)> + use<'_> {
        (0u32..).zip(&self.names).filter_map(|(number, name)| Some((number, (*name)?)))
    }
}
