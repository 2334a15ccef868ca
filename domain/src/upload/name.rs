//! Splitting a full name into first and last.
//!
//! A firm keeps its whole name as the first; titles are dropped, since a greeting uses the first name. Nothing fails.

/// Titles before a name, compared in lower case without a dot.
const TITLES: [&str; 15] =
    ["mr", "mrs", "ms", "miss", "mx", "dr", "prof", "shri", "sri", "smt", "kum", "kumari", "master", "mstr", "adv"];

/// Words only a firm's name has.
const FIRM_WORDS: [&str; 22] = [
    "ltd",
    "limited",
    "llp",
    "llc",
    "pvt",
    "private",
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "company",
    "co",
    "enterprises",
    "enterprise",
    "traders",
    "industries",
    "associates",
    "trust",
    "society",
    "foundation",
    "sons",
    "bros",
];

/// First and last name; the last is empty for a single word and for a firm.
///
/// "Dr. Asha Rao" is Asha, Rao; "Rao, Asha" too; "M/s Acme Traders" stays whole.
pub fn split_name(full: &str) -> (String, String) {
    let full = full.trim();
    if is_firm(full) {
        return (full.to_owned(), String::new());
    }
    if let Some((last, first)) = full.split_once(',')
        && !first.contains(',')
        && !first.trim().is_empty()
        && !last.trim().is_empty()
    {
        return (without_titles(first.trim()).to_owned(), without_titles(last.trim()).to_owned());
    }
    let name = without_titles(full);
    match name.rsplit_once(char::is_whitespace) {
        Some((first, last)) => (first.trim_end().to_owned(), last.to_owned()),
        None => (name.to_owned(), String::new()),
    }
}

fn is_firm(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.starts_with("m/s") || lower.split(|c: char| !c.is_alphanumeric()).any(|word| FIRM_WORDS.contains(&word))
}

/// The name without leading titles, unless nothing else is there.
fn without_titles(name: &str) -> &str {
    let mut rest = name;
    while let Some((word, after)) = rest.split_once([' ', '.']) {
        let after = after.trim_start_matches(['.', ' ']);
        if after.is_empty() || !TITLES.contains(&word.to_lowercase().as_str()) {
            break;
        }
        rest = after;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_people_write_them() {
        for (full, first, last) in [
            ("Asha Rao", "Asha", "Rao"),
            ("Mr. Asha Rao", "Asha", "Rao"),
            ("MR.ASHA RAO", "ASHA", "RAO"),
            ("Mr Dr Asha Rao", "Asha", "Rao"),
            ("Asha Kumari Devi Rao", "Asha Kumari Devi", "Rao"),
            ("Rao, Asha", "Asha", "Rao"),
            ("Rajinikanth", "Rajinikanth", ""),
            ("Dr", "Dr", ""),
            ("Mr.", "Mr.", ""),
            ("Acme Traders Pvt. Ltd.", "Acme Traders Pvt. Ltd.", ""),
            ("M/s Rao", "M/s Rao", ""),
            ("A. R. Rahman", "A. R.", "Rahman"),
        ] {
            assert_eq!(split_name(full), (first.to_owned(), last.to_owned()), "{full}");
        }
    }
}
