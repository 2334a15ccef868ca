//! What mail servers and mail services say, without the people they like to name.

use crate::whatsapp_cloud;

/// The text without addresses, tokens and long numbers.
pub(crate) fn masked(text: &str) -> String {
    let words =
        text.split(' ').map(|word| if word.contains('@') { "…".to_owned() } else { whatsapp_cloud::masked(word) });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn addresses_and_tokens_are_left_out() {
        let said = "5.1.1 <asha@example.com>: 550 no mailbox for +919876543210 (SG.abcdefghijklmnopqrstuvwx)";
        assert_eq!(super::masked(said), "5.1.1 … 550 no mailbox for … (SG.…)");
    }
}
