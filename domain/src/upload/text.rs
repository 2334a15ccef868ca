//! Text in cells: what counts as blank, and what is taken out or refused.
//!
//! Invisible format characters (direction marks and the like, pasted along from chats) and control characters are
//! taken out, runs of white space become one space. NUL is refused, since PostgreSQL keeps none, and so is U+FFFD,
//! the mark of text read in a wrong encoding.

/// Why a text cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Holds NUL.
    #[error("holds a NUL character; type the text anew")]
    Nul,
    /// Holds U+FFFD.
    #[error("holds unreadable characters (\u{fffd}); save the file as UTF-8 or .xlsx and correct the text")]
    Unreadable,
    /// Longer than the column.
    #[error("has {length} characters; at most {limit} can be kept")]
    TooLong {
        /// Characters it has.
        length: usize,
        /// Characters that can be kept.
        limit: usize,
    },
}

/// Whether the text stands for nothing: blank, a dash, "N/A", "nil", "null", "none" …, in any case.
pub fn is_blank(text: &str) -> bool {
    let text = text.trim();
    is_dashes(text)
        || ["n/a", "na", "n.a.", "n.a", "#n/a", "nil", "null", "none", "(blank)"]
            .iter()
            .any(|blank| text.eq_ignore_ascii_case(blank))
}

/// [`is_blank`] for a person's name: "Na", "Nil" and "None" are names, so words count only in capitals.
pub fn is_blank_name(text: &str) -> bool {
    let text = text.trim();
    is_dashes(text)
        || ["NA", "N.A.", "NIL", "NULL", "NONE"].contains(&text)
        || ["n/a", "#n/a", "(blank)"].iter().any(|blank| text.eq_ignore_ascii_case(blank))
}

fn is_dashes(text: &str) -> bool {
    text.chars().all(|character| matches!(character, '-' | '–' | '—' | '.'))
}

/// One line of text, at most `limit` characters.
pub fn clean_line(text: &str, limit: usize) -> Result<String, TextError> {
    check(text)?;
    if is_clean_line(text) {
        return bounded(text.to_owned(), limit);
    }
    let visible: String =
        text.chars().filter(|character| character.is_whitespace() || is_visible(*character)).collect();
    bounded(visible.split_whitespace().collect::<Vec<_>>().join(" "), limit)
}

/// Text that may have several lines, at most `limit` characters.
pub fn clean_notes(text: &str, limit: usize) -> Result<String, TextError> {
    check(text)?;
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            line.chars()
                .map(|character| if character.is_whitespace() { ' ' } else { character })
                .filter(|character| is_visible(*character))
                .collect::<String>()
                .trim_end()
                .to_owned()
        })
        .collect();
    bounded(lines.join("\n").trim().to_owned(), limit)
}

/// Whether cleaning would change nothing: the case of almost every cell.
fn is_clean_line(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.contains("  ")
}

fn check(text: &str) -> Result<(), TextError> {
    if text.contains('\0') {
        Err(TextError::Nul)
    } else if text.contains('\u{fffd}') {
        Err(TextError::Unreadable)
    } else {
        Ok(())
    }
}

fn bounded(text: String, limit: usize) -> Result<String, TextError> {
    let length = text.chars().count();
    if length > limit { Err(TextError::TooLong { length, limit }) } else { Ok(text) }
}

/// Neither a control character nor an invisible format character. The joiners U+200C and U+200D stay: Indic and
/// Persian spelling needs them.
pub(super) fn is_visible(character: char) -> bool {
    !(character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'))
}

/// Whether a number was written as 1.23457E+15, the way sheets show one that is too long: its digits are lost.
pub(super) fn is_scientific(text: &str) -> bool {
    let Some((number, exponent)) = text.trim().split_once(['E', 'e']) else { return false };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(exponent)
        && match number.split_once(['.', ',']) {
            Some((whole, fraction)) => whole.len() == 1 && is_digits(whole) && is_digits(fraction),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_nothing() {
        for text in ["", "  ", "\u{a0}", "N/A", "n/a", "NA", "-", "--", "—", "nil", "NULL", "none", "#N/A", "."] {
            assert!(is_blank(text), "{text:?}");
        }
        assert!(!is_blank("0") && !is_blank("Nanda"));
    }

    #[test]
    fn people_may_be_called_na() {
        assert!(!is_blank_name("Na") && !is_blank_name("Nil") && !is_blank_name("null"));
        assert!(is_blank_name("NA") && is_blank_name("n/a") && is_blank_name("-") && is_blank_name(""));
    }

    #[test]
    fn invisible_characters_go_and_spaces_close_up() {
        assert_eq!(clean_line("\u{202a}+91 98765\u{202c}\t\n x\u{7}", 50).unwrap(), "+91 98765 x");
        assert_eq!(clean_line("क्\u{200d}ष", 50).unwrap(), "क्\u{200d}ष");
        assert_eq!(clean_notes(" a \u{b}\r\n\r\nb\tc ", 50).unwrap(), "a\n\nb c");
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        assert_eq!(clean_line("a\0b", 5), Err(TextError::Nul));
        assert_eq!(clean_line("Jos\u{fffd}", 5), Err(TextError::Unreadable));
        assert_eq!(clean_line("héllo!", 5), Err(TextError::TooLong { length: 6, limit: 5 }));
        assert_eq!(clean_notes("a\0", 5), Err(TextError::Nul));
    }
}
