//! What MITRE ATT&CK (enterprise, v17) calls the families that models of public data sets know.

use crate::Technique;

/// Families, as [`plain`] has them, with id and name of their technique. Meterpreter is a payload that takes
/// commands, in Java or not: what it is seen doing is executing them.
const KNOWN: [(&str, Technique); 6] = [
    ("adduser", Technique { id: "T1136.001", name: "Create Account: Local Account" }),
    ("hydrassh", Technique { id: "T1110.001", name: "Brute Force: Password Guessing" }),
    ("hydraftp", Technique { id: "T1110.001", name: "Brute Force: Password Guessing" }),
    ("webshell", Technique { id: "T1505.003", name: "Server Software Component: Web Shell" }),
    ("meterpreter", Technique { id: "T1059", name: "Command and Scripting Interpreter" }),
    ("javameterpreter", Technique { id: "T1059", name: "Command and Scripting Interpreter" }),
];

/// The technique of a family, whose name is compared without case and punctuation: `Hydra_SSH`, `hydra-ssh`.
/// `None` for one that nobody has assigned.
pub fn technique(family: &str) -> Option<Technique> {
    let family = plain(family);
    KNOWN.iter().find(|(known, _)| *known == family).map(|&(_, technique)| technique)
}

fn plain(family: &str) -> String {
    family.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_loosely() {
        let id = |family| technique(family).map(|technique| technique.id);
        for family in ["Hydra_SSH", "hydra-ssh", "hydra ssh", "HYDRASSH"] {
            assert_eq!(id(family), Some("T1110.001"));
        }
        assert_eq!(id("Adduser"), Some("T1136.001"));
        assert_eq!(id("Web_Shell"), Some("T1505.003"));
        assert_eq!((id("Java_Meterpreter"), id("meterpreter")), (Some("T1059"), Some("T1059")));
        assert_eq!((id("normal"), id("hydra"), id("")), (None, None, None));
    }
}
