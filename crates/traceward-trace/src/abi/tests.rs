use super::*;

#[test]
fn tables_hold_every_line_of_their_files() {
    for (abi, text) in [
        (Abi::I386, include_str!("../../abi/i386.tsv")),
        (Abi::X86_64, include_str!("../../abi/x86_64.tsv")),
        (Abi::Aarch64, include_str!("../../abi/aarch64.tsv")),
    ] {
        let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
        let back: Vec<String> = abi.calls().map(|(number, name)| format!("{number}\t{name}")).collect();
        assert_eq!(back, lines, "{abi}");
        for (number, name) in abi.calls() {
            assert_eq!(abi.number_of(name), Some(number));
            assert_eq!(abi.name_of(number), Some(name));
        }
    }
}

#[test]
fn well_known_numbers() {
    assert_eq!(Abi::I386.name_of(3), Some("read"));
    assert_eq!(Abi::I386.name_of(265), Some("clock_gettime"));
    assert_eq!(Abi::I386.name_of(102), Some("socketcall"));
    assert_eq!(Abi::X86_64.name_of(0), Some("read"));
    assert_eq!(Abi::X86_64.name_of(257), Some("openat"));
    assert_eq!(Abi::Aarch64.name_of(63), Some("read"));
    assert_eq!(Abi::Aarch64.name_of(79), Some("newfstatat"));
    assert_eq!(Abi::X86_64.name_of(340), None);
    assert_eq!(Abi::X86_64.name_of(u32::MAX), None);
    assert_eq!(Abi::Custom("unm".into()).name_of(3), None);
}

/// A second opinion on the tables. The crate was generated from another kernel, by other means; every
/// difference is listed, so that a new one is looked at.
#[test]
fn tables_agree_with_the_crate_syscalls_but_for_known_differences() {
    let mut differences = Vec::new();
    let mut compare = |abi: Abi, theirs: &dyn Fn(usize) -> Option<&'static str>| {
        for number in 0..1000 {
            let (ours, theirs) = (abi.name_of(number as u32), theirs(number));
            if ours != theirs {
                differences.push(format!(
                    "{abi} {number}: ours {}, theirs {}",
                    ours.unwrap_or("-"),
                    theirs.unwrap_or("-")
                ));
            }
        }
    };
    compare(Abi::I386, &|n| syscalls::x86::Sysno::new(n).map(|s| s.name()));
    compare(Abi::X86_64, &|n| syscalls::x86_64::Sysno::new(n).map(|s| s.name()));
    compare(Abi::Aarch64, &|n| syscalls::aarch64::Sysno::new(n).map(|s| s.name()));
    insta::assert_snapshot!(differences.join("\n"));
}

#[test]
fn abi_names_come_back() {
    for abi in [Abi::I386, Abi::X86_64, Abi::Aarch64, Abi::Custom("unm-sendmail".into())] {
        assert_eq!(abi.to_string().parse::<Abi>().unwrap(), abi);
    }
    assert!("".parse::<Abi>().is_err());
}

#[test]
fn numbers_are_guessed_by_what_they_would_mean() {
    // The beginning of any dynamically linked program, on each architecture.
    let i386 = [11, 45, 33, 192, 33, 5, 197, 192, 6, 5, 3, 197, 192, 192, 6, 243, 125, 91, 4, 252];
    let x86_64 = [59, 12, 21, 9, 257, 5, 9, 3, 257, 0, 262, 9, 9, 3, 158, 10, 11, 1, 1, 231];
    let aarch64 = [221, 214, 48, 222, 56, 80, 222, 57, 56, 63, 80, 222, 222, 57, 226, 215, 64, 64, 94];
    for (numbers, abi) in [(&i386[..], Abi::I386), (&x86_64[..], Abi::X86_64), (&aarch64[..], Abi::Aarch64)] {
        let found = guess(numbers.iter().map(|&n| (n, 1)));
        assert_eq!(found.abi, abi, "{:#?}", found.evidence);
        assert!(found.margin() > 0.2, "{:#?}", found.candidates);
    }
}

#[test]
fn an_even_guess_says_that_it_is_an_assumption() {
    let nothing = guess([]);
    assert_eq!(nothing.abi, Abi::X86_64);
    assert!(nothing.evidence[0].contains("assumption"), "{:?}", nothing.evidence);
    let outside = guess([(100_000, 5)]);
    assert!(outside.evidence[0].contains("assumption"), "{:?}", outside.evidence);
}

#[test]
fn names_are_guessed_by_the_table_that_has_them() {
    assert_eq!(guess_by_name([("stat64", 3), ("read", 9), ("mmap2", 2)]).abi, Abi::I386);
    assert_eq!(guess_by_name([("open", 3), ("arch_prctl", 1), ("read", 9)]).abi, Abi::X86_64);
    assert_eq!(guess_by_name([("read", 1)]).abi, Abi::X86_64);
}
