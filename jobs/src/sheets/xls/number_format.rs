//! Whether a number format shows a date (MS-XLS 2.4.126, ECMA-376 part 1, 18.8.30 and 18.8.31).
//!
//! Nothing fails; a format that is not understood shows a number.

/// Whether one of the formats every workbook has is a date.
pub(super) fn is_builtin_date(id: u16) -> bool {
    matches!(id, 14..=22 | 27..=36 | 45..=47 | 50..=58)
}

/// Whether a format written out has a day, month, year or hour in its first section, outside quotes and brackets.
pub(super) fn is_date(code: &str) -> bool {
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => while characters.next().is_some_and(|next| next != '"') {},
            // the next character stands for itself, for its width or for filling
            '\\' | '_' | '*' => {
                characters.next();
            }
            '[' => {
                let inside: String = characters.by_ref().take_while(|next| *next != ']').collect();
                if matches!(inside.to_ascii_lowercase().as_str(), "h" | "hh" | "m" | "mm" | "s" | "ss") {
                    return false;
                }
            }
            ';' => return false,
            // "General", and the exponent of 0.00E+00
            'g' | 'G' => return false,
            'd' | 'D' | 'm' | 'M' | 'y' | 'Y' | 'h' | 'H' | 's' | 'S' => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_numbers() {
        for code in ["dd/mm/yyyy", "D-MMM-YY", "[$-409]d\\-mmm\\-yy;@", "yyyy\"/\"mm", "h:mm AM/PM", "[Red]yyyy"] {
            assert!(is_date(code), "{code}");
        }
        for code in [
            "General",
            "0.00",
            "#,##0.00_);[Red](#,##0.00)",
            "\"days \"0",
            "0\\d",
            "[h]:mm",
            "0.00E+00",
            "@",
            "0;dd",
            "[Red]0",
        ] {
            assert!(!is_date(code), "{code}");
        }
        assert!(is_builtin_date(14) && !is_builtin_date(0) && !is_builtin_date(44));
    }
}
