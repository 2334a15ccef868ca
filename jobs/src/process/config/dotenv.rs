//! The `.env` file: `NAME=value` lines as shells and compose read them, without expansion.
//!
//! Fails with the number of the first line that is not an assignment.

/// The assignments of a file's text, in order. `Err` is the 1-based number of the line at fault.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, usize> {
    let mut found = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').ok_or(index + 1)?;
        let name = name.trim();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(index + 1);
        }
        found.push((name.to_owned(), unquote(value.trim()).ok_or(index + 1)?));
    }
    Ok(found)
}

/// Single quotes keep everything, double quotes know `\n`, `\"` and `\\`, bare text ends at ` #`.
fn unquote(value: &str) -> Option<String> {
    if let Some(rest) = value.strip_prefix('\'') {
        let (inside, after) = rest.split_once('\'')?;
        return is_comment(after).then(|| inside.to_owned());
    }
    let Some(rest) = value.strip_prefix('"') else {
        let bare = if value.starts_with('#') { "" } else { value.split(" #").next().unwrap_or(value) };
        return Some(bare.trim_end().to_owned());
    };
    let mut inside = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return is_comment(characters.as_str()).then_some(inside),
            '\\' => match characters.next()? {
                'n' => inside.push('\n'),
                escaped @ ('"' | '\\' | '$') => inside.push(escaped),
                other => inside.extend(['\\', other]),
            },
            other => inside.push(other),
        }
    }
}

fn is_comment(after: &str) -> bool {
    let after = after.trim_start();
    after.is_empty() || after.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_exports_are_read_as_a_shell_would() {
        let text = "\u{feff}# first\nA=1\n export B = two words # note\nC='a # b' # c\nD=\"x\\n\\\"y\\\"\"\nE=\nF=a#b\nG= # none\n";
        let pairs = parse(text).unwrap();
        let values: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected =
            [("A", "1"), ("B", "two words"), ("C", "a # b"), ("D", "x\n\"y\""), ("E", ""), ("F", "a#b"), ("G", "")];
        assert_eq!(values, expected);
    }

    #[test]
    fn a_line_that_is_no_assignment_is_named() {
        assert_eq!(parse("A=1\nnonsense\n"), Err(2));
        assert_eq!(parse("A B=1\n"), Err(1));
        assert_eq!(parse("\nA=\"open\n"), Err(2));
        assert_eq!(parse("A='x' y\n"), Err(1));
    }
}
