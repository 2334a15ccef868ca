//! Splitting a header or a product name into comparable words.
//!
//! "Policy No.", "policyNo", "POLICY_NO" and "Policy #" all read `policy no`; dots and apostrophes inside initials
//! and possessives join, so D.O.B. is `dob` and "Insured's" is `insureds`. Nothing fails.

/// Words of `text` in lower case: split at anything that is no letter or digit and where camelCase turns.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut since_dot = 0usize;
    let mut characters = text.chars().peekable();
    let mut previous = ' ';
    while let Some(character) = characters.next() {
        let joins = matches!(character, '\'' | '’') || (character == '.' && since_dot <= 1);
        if character == '#' || character == '№' {
            flush(&mut words, &mut word);
            words.push("no".to_owned());
        } else if character.is_alphanumeric() {
            let next_is_lower = characters.peek().is_some_and(|next| next.is_lowercase());
            let turns =
                character.is_uppercase() && (previous.is_lowercase() || (previous.is_uppercase() && next_is_lower));
            if turns {
                flush(&mut words, &mut word);
            }
            word.extend(character.to_lowercase());
            since_dot += 1;
        } else if !joins {
            flush(&mut words, &mut word);
        }
        if !character.is_alphanumeric() {
            since_dot = 0;
        }
        previous = character;
    }
    flush(&mut words, &mut word);
    words
}

/// `text` without what stands in round, square or curly brackets.
pub(super) fn without_brackets(text: &str) -> String {
    let mut depth = 0usize;
    let mut kept = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '(' | '[' | '{' | '（' => depth += 1,
            ')' | ']' | '}' | '）' => {
                depth = depth.saturating_sub(1);
                kept.push(' ');
            }
            other if depth == 0 => kept.push(other),
            _ => {}
        }
    }
    kept
}

fn flush(words: &mut Vec<String>, word: &mut String) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_header_in_many_spellings() {
        for text in ["Policy No.", "policyNo", "POLICY_NO", " policy-no ", "Policy #", "Policy\nNo", "PolicyNo:"] {
            assert_eq!(words(text).join(" "), "policy no", "{text}");
        }
    }

    #[test]
    fn initials_stay_one_word() {
        assert_eq!(words("D.O.B."), ["dob"]);
        assert_eq!(words("DOBDate"), ["dob", "date"]);
        assert_eq!(words("Insured's Name"), ["insureds", "name"]);
    }

    #[test]
    fn brackets_go_with_what_they_hold() {
        assert_eq!(without_brackets("Premium (₹) [incl. GST]").trim(), "Premium");
        assert_eq!(without_brackets("a) b").trim(), "a  b");
    }
}
