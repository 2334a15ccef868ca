//! Answers that mean "write no more" and "write again", in English and Hindi, and in the insurer's own words.
//!
//! A whole answer is such a word or it is not: "please don't stop" is for people to read.

use super::Rules;
use crate::text_enum::text_enum;

/// Longer answers are no words; they are not looked at.
const LONGEST: usize = 200;

// What carriers and the FCC's rule of 2025 count as revoking, and how it is said in Hindi in either script.
const STOP: [&str; 27] = [
    "stop",
    "stop all",
    "stopall",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "revoke",
    "opt out",
    "optout",
    "opt-out",
    "remove",
    "remove me",
    "dnd",
    "बंद",
    "बन्द",
    "बंद करो",
    "बंद करें",
    "बंद कीजिए",
    "रोको",
    "रोकें",
    "स्टॉप",
    "band",
    "band karo",
    "band kare",
    "band karen",
    "roko",
];
const START: [&str; 13] = [
    "start",
    "unstop",
    "subscribe",
    "resume",
    "opt in",
    "optin",
    "opt-in",
    "शुरू",
    "शुरू करो",
    "शुरू करें",
    "स्टार्ट",
    "shuru",
    "shuru karo",
];

text_enum! {
    /// What an answer asks for.
    pub enum Keyword {
        /// Write no more.
        Stop = "stop",
        /// Write again.
        Start = "start",
    }
}

/// What the answer asks for, if it is such a word: in any case, with anything around it that is no letter or digit.
pub fn keyword(text: &str, rules: &Rules) -> Option<Keyword> {
    if text.len() > LONGEST {
        return None;
    }
    let word = normal(text);
    if word.is_empty() {
        return None;
    }
    let among = |words: &[String]| words.iter().any(|own| normal(own) == word);
    // what stops goes first: restraint is the safe side
    if is_known_stop(&word) || among(&rules.opt_out_words) {
        Some(Keyword::Stop)
    } else if is_known_start(&word) || among(&rules.opt_in_words) {
        Some(Keyword::Start)
    } else {
        None
    }
}

pub(super) fn is_known_stop(word: &str) -> bool {
    STOP.contains(&word)
}

pub(super) fn is_known_start(word: &str) -> bool {
    START.contains(&word)
}

/// In small letters, one space between words, nothing at the ends that is no part of a word.
pub(super) fn normal(text: &str) -> String {
    // first, for small letters may come with signs that are no part of a word
    let small = text.to_lowercase();
    small.trim_matches(|c: char| !is_of_word(c)).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Letters and digits, and the signs that Devanagari writes over, under and behind its letters; not its full stops.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || (matches!(c, '\u{900}'..='\u{97f}') && !matches!(c, '\u{964}' | '\u{965}' | '\u{970}'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_known_however_they_are_written() {
        let rules = Rules::default();
        for text in [
            "STOP",
            " stop. ",
            "Stop!!",
            "\"STOP\"",
            "opt  out",
            "UNSUBSCRIBE",
            "बंद।",
            "बंद करो",
            "Band Karo",
            "🛑 stop",
        ] {
            assert_eq!(keyword(text, &rules), Some(Keyword::Stop), "{text}");
        }
        for text in ["start", "UNSTOP", "शुरू करें", "Shuru!"] {
            assert_eq!(keyword(text, &rules), Some(Keyword::Start), "{text}");
        }
        for text in ["", " ", "...", "please do not stop", "stopp", "yes", "no", "renew", &"stop ".repeat(50)] {
            assert_eq!(keyword(text, &rules), None, "{text}");
        }
    }

    #[test]
    fn an_insurer_adds_its_own() {
        let rules = Rules {
            opt_out_words: vec!["नको".to_owned(), "Basta!".to_owned()],
            opt_in_words: vec!["Haan".to_owned()],
            ..Rules::default()
        };
        assert_eq!(keyword("नको", &rules), Some(Keyword::Stop));
        assert_eq!(keyword("¡BASTA!", &rules), Some(Keyword::Stop));
        assert_eq!(keyword("haan", &rules), Some(Keyword::Start));
    }

    #[test]
    fn what_is_known_is_written_as_it_is_compared() {
        for word in STOP.iter().chain(&START) {
            assert_eq!(normal(word), *word);
        }
        assert!(!STOP.iter().any(|word| START.contains(word)));
    }

    proptest! {
        #[test]
        fn what_stands_around_a_word_does_not_matter(before in "[ .!?*\"'-]{0,5}", after in "[ .!?*\"'-]{0,5}", index in 0..STOP.len(), upper: bool) {
            let word = if upper { STOP[index].to_uppercase() } else { STOP[index].to_owned() };
            prop_assert_eq!(keyword(&format!("{before}{word}{after}"), &Rules::default()), Some(Keyword::Stop));
        }

        #[test]
        fn nothing_breaks_it(text in any::<String>()) {
            let once = normal(&text);
            prop_assert_eq!(normal(&once), once.clone());
            let _ = keyword(&text, &Rules::default());
        }
    }
}
