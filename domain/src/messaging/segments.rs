//! How a text travels as SMS: its encoding, and in how many parts it is charged (3GPP TS 23.038 and 23.040).
//!
//! A text of GSM 7-bit characters alone has 160 units, or 153 in each of several parts; any other character makes the
//! whole text UCS-2, with 70 or 67. A character of two units is never cut by the end of a part. Nothing here fails:
//! every text has an encoding. Limits on the number of parts are the provider's and are told when it is sent.

use crate::text_enum::text_enum;
use serde::Serialize;

text_enum! {
    /// How the characters of a text message are written.
    pub enum SmsEncoding {
        /// The GSM 7-bit alphabet with its extension.
        Gsm7 = "gsm7",
        /// UTF-16.
        Ucs2 = "ucs2",
    }
}

impl SmsEncoding {
    /// Units of a message that is one part.
    const fn alone(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Units of each part when there are several: six bytes go to their header.
    const fn together(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    fn units(self, character: char) -> usize {
        match self {
            Self::Gsm7 => gsm7_units(character).unwrap_or(1),
            Self::Ucs2 => character.len_utf16(),
        }
    }
}

/// The characters of one unit, besides the letters and digits of ASCII.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// The characters of two units: an escape comes before them.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// The units of a character in the GSM 7-bit alphabet; `None` when it is not in it.
fn gsm7_units(character: char) -> Option<usize> {
    if character.is_ascii_alphanumeric() || BASIC.contains(character) {
        Some(1)
    } else {
        EXTENSION.contains(character).then_some(2)
    }
}

/// What a text takes as SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Segments {
    /// How it is written.
    pub encoding: SmsEncoding,
    /// Its length in units of the encoding, before it is cut into parts.
    pub units: usize,
    /// In how many parts it travels and is charged; none for an empty text.
    pub count: usize,
    /// How many units still fit into the last part.
    pub left: usize,
}

impl Segments {
    /// Of a text.
    pub fn of(text: &str) -> Self {
        let plain = text.chars().all(|character| gsm7_units(character).is_some());
        let encoding = if plain { SmsEncoding::Gsm7 } else { SmsEncoding::Ucs2 };
        let units = text.chars().map(|character| encoding.units(character)).sum();
        let (count, left) = if units <= encoding.alone() {
            (usize::from(units > 0), encoding.alone() - units)
        } else {
            cut(text, encoding)
        };
        Self { encoding, units, count, left }
    }
}

/// The number of parts of a long text, and the units left in the last one.
fn cut(text: &str, encoding: SmsEncoding) -> (usize, usize) {
    let (mut parts, mut left) = (0, 0);
    for character in text.chars() {
        let units = encoding.units(character);
        if units > left {
            parts += 1;
            left = encoding.together();
        }
        left -= units;
    }
    (parts, left)
}

/// A character for which a whole text is written in UCS-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Costly {
    /// The character.
    pub character: char,
    /// What could stand there instead without the cost; `None` when nothing says the same.
    pub instead: Option<&'static str>,
}

/// The characters that keep a text out of the GSM 7-bit alphabet, each once, in order: for whoever writes it.
pub fn costly(text: &str) -> Vec<Costly> {
    let mut found: Vec<Costly> = Vec::new();
    for character in text.chars().filter(|character| gsm7_units(*character).is_none()) {
        if !found.iter().any(|known| known.character == character) {
            found.push(Costly { character, instead: instead(character) });
        }
    }
    found
}

/// Typography that people do not notice they have typed, and the rupee sign.
const fn instead(character: char) -> Option<&'static str> {
    Some(match character {
        '\u{2018}' | '\u{2019}' | '\u{201A}' | '\u{201B}' | '`' | '´' | '\u{2032}' => "'",
        '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{201F}' | '«' | '»' | '\u{2033}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '•' => "-",
        '…' => "...",
        '₹' => "Rs.",
        '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\t' => " ",
        '\u{00AD}' | '\u{200B}'..='\u{200D}' | '\u{FEFF}' | '\u{FE0F}' => "",
        '×' => "x",
        '©' => "(c)",
        '®' => "(R)",
        '™' => "(TM)",
        '½' => "1/2",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> (SmsEncoding, usize, usize) {
        let segments = Segments::of(text);
        (segments.encoding, segments.units, segments.count)
    }

    #[test]
    fn the_published_lengths() {
        use SmsEncoding::{Gsm7, Ucs2};
        for (character, units, encoding, count) in [
            ("a", 0, Gsm7, 0),
            ("a", 1, Gsm7, 1),
            ("a", 160, Gsm7, 1),
            ("a", 161, Gsm7, 2),
            ("a", 306, Gsm7, 2),
            ("a", 307, Gsm7, 3),
            ("अ", 70, Ucs2, 1),
            ("अ", 71, Ucs2, 2),
            ("अ", 134, Ucs2, 2),
            ("अ", 135, Ucs2, 3),
        ] {
            assert_eq!(of(&character.repeat(units)), (encoding, units, count), "{units} × {character}");
        }
        assert_eq!(of("€"), (Gsm7, 2, 1));
        assert_eq!(of("😀"), (Ucs2, 2, 1));
        for text in ["₹500", "“quoted”", "it’s"] {
            assert_eq!(Segments::of(text).encoding, Ucs2, "{text}");
        }
        assert_eq!(of(&format!("{}₹", "a".repeat(70))), (Ucs2, 71, 2));
    }

    #[test]
    fn the_end_of_a_part_cuts_no_character() {
        // 152 + an escape would leave half a euro in the first part
        assert_eq!(of(&format!("{}€{}", "a".repeat(152), "a".repeat(152))).2, 3);
        assert_eq!(of(&"€".repeat(80)), (SmsEncoding::Gsm7, 160, 1));
        // 76 to a part, and a unit of each stays empty
        assert_eq!(of(&"€".repeat(153)).2, 3);
        assert_eq!(of(&"😀".repeat(35)).2, 1);
        assert_eq!(of(&"😀".repeat(66)).2, 2);
        assert_eq!(of(&"😀".repeat(67)).2, 3);
    }

    #[test]
    fn the_alphabet_is_complete() {
        let basic = BASIC.chars().count() + 26 * 2 + 10;
        // of 128 places one is the escape
        assert_eq!(basic, 127);
        assert_eq!(EXTENSION.chars().count(), 10);
    }

    #[test]
    fn whoever_writes_is_told_what_costs() {
        let found = costly("Pay ₹500 – it’s due… ₹ now नमस्ते");
        let texts: Vec<_> = found.iter().map(|costly| (costly.character, costly.instead)).take(4).collect();
        assert_eq!(texts, [('₹', Some("Rs.")), ('–', Some("-")), ('’', Some("'")), ('…', Some("..."))]);
        assert_eq!(found[4], Costly { character: 'न', instead: None });
        assert!(costly("Plain [text] at €5").is_empty());
    }

    proptest! {
        #[test]
        fn parts_hold_what_they_may(text in "[a-z€\\[अ-ह😀 ]{0,400}") {
            let whole = Segments::of(&text);
            let (alone, together) = (whole.encoding.alone(), whole.encoding.together());
            if whole.units <= alone {
                prop_assert_eq!(whole.count, usize::from(whole.units > 0));
            } else {
                // a part loses at most one unit to a character that does not fit
                prop_assert!(whole.count >= whole.units.div_ceil(together));
                prop_assert!(whole.count <= whole.units.div_ceil(together - 1));
                prop_assert!(whole.left < together);
            }
        }

        #[test]
        fn more_text_is_never_less(text in "[a-z€अ😀]{0,200}", more in "[a-z€अ😀]{0,20}") {
            let (short, long) = (Segments::of(&text), Segments::of(&format!("{text}{more}")));
            prop_assert!(long.count >= short.count && long.units >= short.units);
        }

        #[test]
        fn what_replaces_a_costly_character_costs_nothing(text in "\\PC{0,100}") {
            let plain = costly(&text).is_empty();
            prop_assert_eq!(plain, Segments::of(&text).encoding == SmsEncoding::Gsm7);
            for costly in costly(&text) {
                prop_assert!(costly.instead.is_none_or(|instead| super::costly(instead).is_empty()));
            }
        }
    }
}
