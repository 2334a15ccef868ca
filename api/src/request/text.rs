//! Texts that people type.

/// The text without the blanks around it; a blank one counts as not given.
pub(crate) fn blank_is_none(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
