//! The corpus that comes with the program, so that every command works at once.
//!
//! It is part of the binary: `corpus/corpus.parquet`, as `corpus/record.sh` recorded it and the data card
//! beside it describes it. It is there to learn the program with and to test it, and is no benchmark. It
//! is read by the reader of every other Parquet file, so what is shown with it holds for data of one's own.

use crate::{Dataset, Error, ReadOptions, read};

/// What the corpus is called wherever a data set is named.
pub const NAME: &str = "built-in corpus";

static PARQUET: &[u8] = include_bytes!("../../../corpus/corpus.parquet");

/// Reads the built-in corpus.
///
/// # Errors
/// None in a program that was built from a good checkout; the corpus is read by the same reader as any file.
pub fn corpus() -> Result<Dataset, Error> {
    read::bytes(NAME, PARQUET, &ReadOptions { strict: true, ..ReadOptions::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Abi;
    use crate::profile::Profile;
    use crate::split::{Method, check_folds, folds};

    #[test]
    fn the_corpus_is_what_its_card_says() {
        let data = corpus().unwrap();
        let p = Profile::of(&data);
        assert_eq!((p.name.as_str(), &p.abi, &p.abi_doubt), (NAME, &Abi::X86_64, &None));
        assert!(PARQUET.len() <= 1 << 20, "{} bytes", PARQUET.len());
        assert!(p.traces >= 500, "{} traces", p.traces);
        assert_eq!(p.outside_table, [], "names, not numbers");
        assert_eq!(p.unlabelled, 0);
        let classes: Vec<&str> = p.classes.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(classes[0], "normal");
        for family in ["adduser", "hydra_ftp", "hydra_ssh", "java_meterpreter", "meterpreter", "web_shell"] {
            let class = p.per_class.iter().find(|c| c.name == family).expect(family);
            assert!(class.groups >= 6, "{family} has {} groups", class.groups);
        }
        assert_eq!(p.classes.0.len(), 7);
    }

    #[test]
    fn the_corpus_can_be_cut_honestly() {
        let data = corpus().unwrap();
        assert_eq!(Method::default_for(&data), Method::Grouped);
        let folds = folds(&data, 5, 0).unwrap();
        check_folds(&data, &folds).unwrap();
    }
}
