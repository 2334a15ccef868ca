//! What a password has to be, as far as it can be told without guessing at it.
//!
//! A password that will not do is a [`Weakness`], whose text says what would be right.

/// Fewer characters are guessed too soon (NIST SP 800-63B).
pub const SHORTEST: usize = 12;
/// Longer passwords are refused: hashing them costs time, and nobody types them (bytes).
pub const LONGEST: usize = 1024;
/// So many passwords, the present one included, cannot be chosen again.
pub const HISTORY: usize = 5;
/// Shorter parts of names and addresses say nothing about a person.
const SHORTEST_PART: usize = 3;
/// What everybody would try first here.
const PRODUCT: [&str; 4] = ["intelipro", "renewals", "renewal", "insurance"];

/// Why a password will not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Fewer than [`SHORTEST`] characters.
    #[error("must have at least {SHORTEST} characters")]
    TooShort,
    /// More than [`LONGEST`] bytes.
    #[error("must have at most {LONGEST} bytes")]
    TooLong,
    /// Found within few guesses; why, if it can be told.
    #[error("is too easy to guess{}; several uncommon words, or what a password manager makes up, would do", reason(.0))]
    Guessable(Option<String>),
    /// One of the last [`HISTORY`].
    #[error("was used before; choose one that differs from the last {HISTORY}")]
    UsedBefore,
}

fn reason(told: &Option<String>) -> String {
    told.as_ref().map(|told| format!(": {}", told.trim_end_matches('.'))).unwrap_or_default()
}

/// Whose password it is to be; what is known of them is tried first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Person<'a> {
    /// Their address.
    pub email: &'a str,
    /// Their first name.
    pub first_name: &'a str,
    /// Their last name.
    pub last_name: &'a str,
}

impl Person<'_> {
    /// What somebody who knows them would try: names, the address and its parts, and what the platform is called.
    pub fn guesses(&self) -> Vec<String> {
        let mut all: Vec<String> = PRODUCT.map(str::to_owned).to_vec();
        for text in [self.email, self.first_name, self.last_name] {
            let text = text.to_lowercase();
            let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() >= SHORTEST_PART);
            all.extend(parts.map(str::to_owned));
            if !text.is_empty() {
                all.push(text);
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Whether the length will do.
pub fn check_length(password: &str) -> Result<(), Weakness> {
    if password.len() > LONGEST {
        return Err(Weakness::TooLong);
    }
    if password.chars().count() < SHORTEST { Err(Weakness::TooShort) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_characters_below_and_in_bytes_above() {
        assert_eq!(check_length("eleven char"), Err(Weakness::TooShort));
        assert_eq!(check_length("द्वादश अक्षर"), Ok(()));
        assert_eq!(check_length(&"x".repeat(1024)), Ok(()));
        assert_eq!(check_length(&"ñ".repeat(513)), Err(Weakness::TooLong));
    }

    #[test]
    fn a_weakness_says_what_would_be_right() {
        assert_eq!(Weakness::TooShort.to_string(), "must have at least 12 characters");
        let told = Weakness::Guessable(Some("This is a very common password.".to_owned())).to_string();
        assert!(told.starts_with("is too easy to guess: This is a very common password; several"), "{told}");
    }

    #[test]
    fn what_is_known_of_a_person_is_tried() {
        let person = Person { email: "asha.rao@example.com", first_name: "Asha", last_name: "Al-Rao" };
        let guesses = person.guesses();
        for part in ["asha", "rao", "asha.rao@example.com", "example", "al-rao", "intelipro"] {
            assert!(guesses.iter().any(|guess| guess == part), "{part}: {guesses:?}");
        }
        assert!(!guesses.iter().any(|guess| guess == "al"));
    }
}
