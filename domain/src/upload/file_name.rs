//! The name a file is shown and downloaded under, made of whatever its uploader called it.
//!
//! Nothing fails: a name of which nothing is left gets a plain one.

use super::text::is_visible;

/// As many characters as a table keeps of a name.
const LONGEST: usize = 255;

/// The name without folders and without what does not show.
pub fn shown_file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = last.chars().filter(|c| *c == ' ' || (is_visible(*c) && !c.is_control())).collect();
    let name = visible.trim().trim_start_matches('.').trim_start();
    if name.is_empty() {
        return "upload".to_owned();
    }
    shortened(name)
}

/// The name as it was given, cut to what the table keeps.
pub fn given_file_name(given: &str) -> String {
    let text: String = given.chars().filter(|c| *c != '\0').take(LONGEST).collect();
    if text.is_empty() { "upload".to_owned() } else { text }
}

/// Cut in the middle of a long name, so that its ending stays.
fn shortened(name: &str) -> String {
    const ENDING: usize = 16;
    let length = name.chars().count();
    if length <= LONGEST {
        return name.to_owned();
    }
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let ending = if ending.chars().count() < ENDING { format!(".{ending}") } else { String::new() };
    let kept = LONGEST - ending.chars().count();
    name.chars().take(kept).chain(ending.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_what_does_not_show_are_dropped() {
        for (given, shown) in [
            ("policies.xlsx", "policies.xlsx"),
            ("../../etc/passwd", "passwd"),
            (r"C:\Users\me\May renewals.xlsx", "May renewals.xlsx"),
            ("a\r\nSet-Cookie: x=1.csv", "aSet-Cookie: x=1.csv"),
            ("नवीनीकरण.xlsx", "नवीनीकरण.xlsx"),
            (".hidden", "hidden"),
            ("invoice\u{202e}xslx.exe", "invoicexslx.exe"),
            ("", "upload"),
            ("...", "upload"),
            ("folder/", "upload"),
        ] {
            assert_eq!(shown_file_name(given), shown, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let name = shown_file_name(&format!("{}.xlsx", "न".repeat(400)));
        assert_eq!(name.chars().count(), 255);
        assert!(name.ends_with("न.xlsx"));
        assert_eq!(given_file_name(&"x".repeat(300)).len(), 255);
    }
}
