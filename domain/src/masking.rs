//! Contact data as those see it who may not see it in clear: enough to tell people apart, not enough to reach them.
//!
//! Nothing fails.

/// `a***@example.com`.
pub fn email(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}***@{domain}", local.chars().next().unwrap_or_default()),
        None => "***".to_owned(),
    }
}

/// `+91******3210`: the first two digits and the last four.
pub fn phone(number: &str) -> String {
    const SHOWN: usize = 2 + 4;
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    if digits.len() <= SHOWN {
        return "***".to_owned();
    }
    let hidden = digits.len() - SHOWN;
    let first: String = digits.iter().take(2).collect();
    let last: String = digits.iter().skip(2 + hidden).collect();
    format!("+{first}{}{last}", "*".repeat(hidden))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_can_be_told_apart_and_not_reached() {
        assert_eq!(email("asha.rao@example.com"), "a***@example.com");
        assert_eq!(email("nobody"), "***");
        assert_eq!(phone("+919876543210"), "+91******3210");
        assert_eq!(phone("+123456"), "***");
    }
}
