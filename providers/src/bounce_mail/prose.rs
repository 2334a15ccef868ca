//! Reports that are written for people: where the words end and the returned message begins, what is said of an address.

use super::addresses;

/// Lines that stand above a returned message, in small letters.
const COPY_MARKS: &[&str] = &[
    "--- below this line is a copy",
    "--- below the next line is a copy",
    "--- enclosed are the original headers",
    "--- the header of the original message",
    "------ this is a copy of",
    "----- original message -----",
    "-----original message-----",
    "----- original message header",
    "--- original message follows",
    "----- unsent message follows",
    "----- message header follows",
    "----- message headers follow",
    "----- text of message follows",
    "original message headers:",
    "original message follows",
    "the original message headers",
    "the headers of the original message",
    "the following is a copy of the",
    "--- undelivered message follows",
    "--- message from yahoo",
    "--- original email message follows",
    "message header follows:",
    "the body of the message is",
    "------ message header",
];
/// So much is shown of what a server said, in bytes.
const EXCERPT: usize = 700;

/// What stands above the returned message.
pub(super) fn words(text: &str) -> &str {
    text.get(..mark(text)).unwrap_or(text)
}

/// What was returned, without the marks of a quotation.
pub(super) fn copy(text: &str) -> String {
    let copy = text.get(mark(text)..).unwrap_or_default();
    let mut lines = String::with_capacity(copy.len());
    // headers may follow the mark without an empty line, and the mark itself may look like one
    for line in copy.lines().skip(1) {
        lines.push_str(line.strip_prefix("> ").or_else(|| line.strip_prefix('>')).unwrap_or(line));
        lines.push('\n');
    }
    lines
}

fn mark(text: &str) -> usize {
    let mut at = 0;
    let mut before_headers = None;
    for line in text.split_inclusive('\n') {
        let small = line.trim().to_lowercase();
        if COPY_MARKS.iter().any(|mark| small.starts_with(mark)) {
            return at;
        }
        // without a mark, a message begins where its headers do
        let is_header = small.starts_with("received: ") || small.starts_with("return-path: <");
        if is_header && before_headers.is_none() {
            before_headers = Some(at.saturating_sub(1));
        }
        at += line.len();
    }
    let headers = before_headers.unwrap_or(text.len());
    (0..=headers).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// What is said of an address: from where it is named to where another one is, or to the end of the matter.
pub(super) fn about<'a>(words: &'a str, address: &str) -> &'a str {
    let mentions = addresses::in_text(words);
    let Some(first) = mentions.iter().position(|(_, found)| found == address) else { return "" };
    let start = mentions.get(first).map_or(0, |(at, _)| *at);
    let next = mentions.iter().skip(first).find(|(_, found)| found != address).map_or(words.len(), |(at, _)| *at);
    let end = next.min(start + EXCERPT);
    let end = (start..=end).rev().find(|at| words.is_char_boundary(*at)).unwrap_or(start);
    words.get(start..end).unwrap_or_default()
}

/// Whether a text says that a message waits and is not given up.
pub(super) fn is_delay(subject: &str, words: &str) -> bool {
    const FAILED: &[&str] = &["fail", "undeliver", "returned", "not delivered", "rejected"];
    const LATE: &[&str] = &["delay", "incomplete", "warning", "still trying", "retrying"];
    const WAITS: &[&str] = &[
        "warning message only",
        "no action is required on your part",
        "delivery attempts will continue",
        "will be retried",
        "will continue to",
        "will keep trying",
        "has not yet been delivered",
        "has not been delivered yet",
        "not yet been delivered",
        "has been delayed",
        "still being retried",
        "do not need to resend",
        "will retry",
    ];
    let has = |text: &str, words: &[&str]| words.iter().any(|word| text.contains(word));
    let subject = subject.to_lowercase();
    if has(&subject, LATE) {
        return true;
    }
    !has(&subject, FAILED) && has(&words.to_lowercase(), WAITS)
}
