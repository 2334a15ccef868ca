//! The kinds of policy that are known, and the many names people give them.
//!
//! Reading fails on a name that fits no kind or more than one.

use super::words::words;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A kind of policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyType {
    Motor,
    Health,
    Life,
    Home,
    Travel,
    PersonalAccident,
    Marine,
    Fire,
    Commercial,
    Liability,
    Engineering,
    Crop,
    Pet,
    Cyber,
    Other,
}

/// The name fits no kind of policy, or more than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a known policy type; write one of motor, health, life, home, travel, personal accident, marine, fire, \
     commercial, liability, engineering, crop, pet, cyber, other"
)]
pub struct UnknownPolicyType;

impl PolicyType {
    /// Every kind, in the order of the template's drop-down.
    pub const ALL: [Self; 15] = [
        Self::Motor,
        Self::Health,
        Self::Life,
        Self::Home,
        Self::Travel,
        Self::PersonalAccident,
        Self::Marine,
        Self::Fire,
        Self::Commercial,
        Self::Liability,
        Self::Engineering,
        Self::Crop,
        Self::Pet,
        Self::Cyber,
        Self::Other,
    ];

    /// The name in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Motor => "motor",
            Self::Health => "health",
            Self::Life => "life",
            Self::Home => "home",
            Self::Travel => "travel",
            Self::PersonalAccident => "personal_accident",
            Self::Marine => "marine",
            Self::Fire => "fire",
            Self::Commercial => "commercial",
            Self::Liability => "liability",
            Self::Engineering => "engineering",
            Self::Crop => "crop",
            Self::Pet => "pet",
            Self::Cyber => "cyber",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for PolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for PolicyType {
    type Err = UnknownPolicyType;

    /// Reads a kind by its name, or by the words of a product's name: "Private Car Package" is motor.
    ///
    /// Longer phrases go first, so that "commercial vehicle" is motor and not commercial; words that speak for two
    /// kinds are refused.
    fn from_str(text: &str) -> Result<Self, UnknownPolicyType> {
        const LONGEST: usize = 200;
        if text.len() > LONGEST {
            return Err(UnknownPolicyType);
        }
        if let Some(kind) = Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text.trim())) {
            return Ok(kind);
        }
        let mut rest = words(text);
        let mut found = None;
        for (phrase, kind) in PHRASES {
            if take_phrase(&mut rest, phrase) {
                match found {
                    Some(other) if other != *kind => return Err(UnknownPolicyType),
                    _ => found = Some(*kind),
                }
            }
        }
        found.ok_or(UnknownPolicyType)
    }
}

/// Blanks the phrase out of the words, if it is there, so that its words speak only once.
fn take_phrase(words: &mut [String], phrase: &[&str]) -> bool {
    let Some(start) = words.windows(phrase.len()).position(|window| window == phrase) else { return false };
    words[start..start + phrase.len()].iter_mut().for_each(String::clear);
    true
}

/// Longer phrases first.
const PHRASES: &[(&[&str], PolicyType)] = &[
    (&["standard", "fire", "special", "perils"], PolicyType::Fire),
    (&["goods", "carrying", "vehicle"], PolicyType::Motor),
    (&["passenger", "carrying", "vehicle"], PolicyType::Motor),
    (&["contractors", "all", "risk"], PolicyType::Engineering),
    (&["directors", "and", "officers"], PolicyType::Liability),
    (&["personal", "accident"], PolicyType::PersonalAccident),
    (&["accidental", "death"], PolicyType::PersonalAccident),
    (&["commercial", "vehicle"], PolicyType::Motor),
    (&["commercial", "vehicles"], PolicyType::Motor),
    (&["private", "car"], PolicyType::Motor),
    (&["two", "wheeler"], PolicyType::Motor),
    (&["2", "wheeler"], PolicyType::Motor),
    (&["four", "wheeler"], PolicyType::Motor),
    (&["4", "wheeler"], PolicyType::Motor),
    (&["three", "wheeler"], PolicyType::Motor),
    (&["own", "damage"], PolicyType::Motor),
    (&["critical", "illness"], PolicyType::Health),
    (&["family", "floater"], PolicyType::Health),
    (&["top", "up"], PolicyType::Health),
    (&["hospital", "cash"], PolicyType::Health),
    (&["term", "plan"], PolicyType::Life),
    (&["term", "insurance"], PolicyType::Life),
    (&["term", "life"], PolicyType::Life),
    (&["money", "back"], PolicyType::Life),
    (&["whole", "life"], PolicyType::Life),
    (&["house", "holder"], PolicyType::Home),
    (&["house", "holders"], PolicyType::Home),
    (&["shop", "keeper"], PolicyType::Commercial),
    (&["shop", "keepers"], PolicyType::Commercial),
    (&["machinery", "breakdown"], PolicyType::Engineering),
    (&["all", "risk"], PolicyType::Engineering),
    (&["professional", "indemnity"], PolicyType::Liability),
    (&["workmen", "compensation"], PolicyType::Liability),
    (&["workmens", "compensation"], PolicyType::Liability),
    (&["public", "liability"], PolicyType::Liability),
    (&["third", "party"], PolicyType::Motor),
    (&["fire", "burglary"], PolicyType::Fire),
    (&["fire", "perils"], PolicyType::Fire),
    (&["motor"], PolicyType::Motor),
    (&["auto"], PolicyType::Motor),
    (&["automobile"], PolicyType::Motor),
    (&["car"], PolicyType::Motor),
    (&["bike"], PolicyType::Motor),
    (&["scooter"], PolicyType::Motor),
    (&["motorcycle"], PolicyType::Motor),
    (&["vehicle"], PolicyType::Motor),
    (&["truck"], PolicyType::Motor),
    (&["taxi"], PolicyType::Motor),
    (&["tw"], PolicyType::Motor),
    (&["2w"], PolicyType::Motor),
    (&["4w"], PolicyType::Motor),
    (&["gcv"], PolicyType::Motor),
    (&["pcv"], PolicyType::Motor),
    (&["health"], PolicyType::Health),
    (&["medical"], PolicyType::Health),
    (&["mediclaim"], PolicyType::Health),
    (&["hospitalisation"], PolicyType::Health),
    (&["hospitalization"], PolicyType::Health),
    (&["gmc"], PolicyType::Health),
    (&["life"], PolicyType::Life),
    (&["term"], PolicyType::Life),
    (&["ulip"], PolicyType::Life),
    (&["endowment"], PolicyType::Life),
    (&["annuity"], PolicyType::Life),
    (&["pension"], PolicyType::Life),
    (&["home"], PolicyType::Home),
    (&["house"], PolicyType::Home),
    (&["householder"], PolicyType::Home),
    (&["householders"], PolicyType::Home),
    (&["homeowner"], PolicyType::Home),
    (&["homeowners"], PolicyType::Home),
    (&["travel"], PolicyType::Travel),
    (&["overseas"], PolicyType::Travel),
    (&["pa"], PolicyType::PersonalAccident),
    (&["gpa"], PolicyType::PersonalAccident),
    (&["marine"], PolicyType::Marine),
    (&["cargo"], PolicyType::Marine),
    (&["transit"], PolicyType::Marine),
    (&["hull"], PolicyType::Marine),
    (&["fire"], PolicyType::Fire),
    (&["sfsp"], PolicyType::Fire),
    (&["commercial"], PolicyType::Commercial),
    (&["business"], PolicyType::Commercial),
    (&["office"], PolicyType::Commercial),
    (&["shop"], PolicyType::Commercial),
    (&["shopkeeper"], PolicyType::Commercial),
    (&["shopkeepers"], PolicyType::Commercial),
    (&["sme"], PolicyType::Commercial),
    (&["property"], PolicyType::Commercial),
    (&["burglary"], PolicyType::Commercial),
    (&["liability"], PolicyType::Liability),
    (&["indemnity"], PolicyType::Liability),
    (&["engineering"], PolicyType::Engineering),
    (&["crop"], PolicyType::Crop),
    (&["agriculture"], PolicyType::Crop),
    (&["pet"], PolicyType::Pet),
    (&["cyber"], PolicyType::Cyber),
    (&["other"], PolicyType::Other),
    (&["others"], PolicyType::Other),
    (&["misc"], PolicyType::Other),
    (&["miscellaneous"], PolicyType::Other),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_people_give_them() {
        for (text, kind) in [
            ("motor", PolicyType::Motor),
            ("Two Wheeler", PolicyType::Motor),
            ("2-Wheeler", PolicyType::Motor),
            ("Car Insurance", PolicyType::Motor),
            ("PRIVATE CAR PACKAGE POLICY", PolicyType::Motor),
            ("Commercial Vehicle", PolicyType::Motor),
            ("Mediclaim", PolicyType::Health),
            ("Health - Family Floater", PolicyType::Health),
            ("Term Life", PolicyType::Life),
            ("ULIP", PolicyType::Life),
            ("Householder's Package", PolicyType::Home),
            ("Personal Accident", PolicyType::PersonalAccident),
            ("personal_accident", PolicyType::PersonalAccident),
            ("Marine Cargo", PolicyType::Marine),
            ("Fire Insurance", PolicyType::Fire),
            ("Fire & Burglary", PolicyType::Fire),
            ("Shopkeeper's Package", PolicyType::Commercial),
            ("Others", PolicyType::Other),
        ] {
            assert_eq!(text.parse(), Ok(kind), "{text}");
        }
    }

    #[test]
    fn unknown_and_doubtful_names_are_refused() {
        for text in ["", "Gold Plan", "Motor + Health", "Fire & Marine", "XYZ"] {
            assert_eq!(text.parse::<PolicyType>(), Err(UnknownPolicyType), "{text}");
        }
    }

    #[test]
    fn the_name_is_what_serde_writes_and_what_is_read_back() {
        for kind in PolicyType::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
    }

    #[test]
    fn longer_phrases_stand_first() {
        assert!(PHRASES.windows(2).all(|pair| pair[0].0.len() >= pair[1].0.len()));
    }
}
