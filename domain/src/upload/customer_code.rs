//! A code for a customer whose file gives none: the same person gets the same code in every file.
//!
//! Nothing fails. Two people collide only if both name and contact agree; by chance, one pair in some 10^18.

use super::row::PolicyRow;
use sha2::{Digest, Sha256};

/// Crockford's base 32: no I, L, O or U to misread.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// `CUS-` and twelve characters: a hash over the normalised name and the phone, or else the email, or else the date of
/// birth, or else the policy number.
pub fn customer_code(row: &PolicyRow) -> String {
    let contact = if let Some(phone) = &row.phone {
        format!("phone:{phone}")
    } else if let Some(email) = &row.email {
        format!("email:{}", email.as_str().to_lowercase())
    } else if let Some(born) = row.date_of_birth {
        format!("born:{born}")
    } else {
        format!("policy:{}", row.policy_number.to_uppercase())
    };
    let name = normal_name(&row.first_name, &row.last_name);
    let hash = Sha256::digest(format!("{name}\n{contact}"));
    let number = hash.iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    let code: String = (0..12)
        .map(|place| {
            let index = number >> (59 - 5 * place) & 31;
            char::from(ALPHABET[usize::try_from(index).unwrap_or_default()])
        })
        .collect();
    format!("CUS-{code}")
}

/// Letters and digits of the name's words in order of the alphabet: "Rao, Asha" and "ASHA RAO" are one person.
fn normal_name(first: &str, last: &str) -> String {
    let name = format!("{first} {last}").to_lowercase();
    let mut words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_make_another_person() {
        assert_eq!(normal_name("ASHA  k.", "Rao"), normal_name("Rao Asha", "K"));
        assert_ne!(normal_name("Asha", "Rao"), normal_name("Usha", "Rao"));
    }
}
