//! Patterns for LIKE of which no character of the given text is a wildcard.

/// What begins with the text, in lower case.
pub(crate) fn beginning(text: &str) -> String {
    format!("{}%", plain(&text.to_lowercase()))
}

/// What contains the text.
pub(crate) fn containing(text: &str) -> String {
    format!("%{}%", plain(text))
}

fn plain(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::{beginning, containing};

    #[test]
    fn nothing_in_a_name_is_a_wildcard() {
        assert_eq!(beginning("Asha"), "asha%");
        assert_eq!(beginning(r"50%_\"), r"50\%\_\\%");
        assert_eq!(containing(r"50%_\"), r"%50\%\_\\%");
    }
}
