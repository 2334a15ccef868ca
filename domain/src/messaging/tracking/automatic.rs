//! Telling people from programs: proxies that load everything beforehand, scanners that follow every link, previews.
//!
//! It errs on the side of people: what is not known to be a program counts as a person.

use crate::messaging::Feedback;
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

/// Parts of names that programs go by.
const PROGRAMS: [&str; 44] = [
    "bot",
    "crawl",
    "spider",
    "preview",
    "scanner",
    "monitor",
    "headless",
    "phantomjs",
    "curl/",
    "wget",
    "python",
    "go-http-client",
    "java/",
    "okhttp",
    "libwww",
    "httpclient",
    "http_client",
    "axios",
    "node-fetch",
    "undici",
    "ruby",
    "perl",
    "php/",
    "guzzle",
    "postman",
    "barracuda",
    "proofpoint",
    "mimecast",
    "symantec",
    "messagelabs",
    "trendmicro",
    "forcepoint",
    "fireeye",
    "ironport",
    "sophos",
    "safelinks",
    "urldefense",
    "facebookexternalhit",
    "whatsapp/",
    "slack",
    "telegram",
    "skypeuri",
    "bingpreview",
    "google-read-aloud",
];

/// Pictures that a mail service loads when somebody opens a mail: the opening is a person's.
const LOADED_ON_OPENING: [&str; 2] = ["googleimageproxy", "yahoomailproxy"];

/// The whole name that Apple's privacy proxy goes by, which loads pictures whether or not a mail is opened.
const APPLE_PRIVACY: &str = "Mozilla/5.0";

/// Networks of programs: Apple's own, behind which its privacy proxy stands, and Exchange Online Protection, whose
/// machines follow links to look at them.
const NETWORKS: [(Ipv4Addr, u32); 6] = [
    (Ipv4Addr::new(17, 0, 0, 0), 8),
    (Ipv4Addr::new(40, 92, 0, 0), 15),
    (Ipv4Addr::new(40, 94, 0, 0), 16),
    (Ipv4Addr::new(40, 107, 0, 0), 16),
    (Ipv4Addr::new(52, 100, 0, 0), 14),
    (Ipv4Addr::new(104, 47, 0, 0), 17),
];

/// A request for a picture, or for where a link leads.
#[derive(Debug, Clone, Copy, Default)]
pub struct Visit<'a> {
    /// The program's name for itself.
    pub agent: Option<&'a str>,
    /// Where it comes from.
    pub address: Option<IpAddr>,
    /// Only what would be answered was asked for, as people never do.
    pub is_head: bool,
    /// What `Purpose`, `Sec-Purpose` or `X-Moz` say.
    pub purpose: Option<&'a str>,
}

impl Visit<'_> {
    /// Whether a program did it, and no person.
    pub fn is_automatic(&self, feedback: Feedback) -> bool {
        let agent = self.agent.map(str::trim).unwrap_or_default();
        let small = agent.to_ascii_lowercase();
        let holds = |parts: &[&str]| parts.iter().any(|part| small.contains(part));
        let purpose = self.purpose.map(str::to_ascii_lowercase).unwrap_or_default();
        if self.is_head || ["prefetch", "preview", "prerender"].iter().any(|early| purpose.contains(early)) {
            return true;
        }
        if feedback == Feedback::Opened && holds(&LOADED_ON_OPENING) {
            return false;
        }
        agent.is_empty() || agent == APPLE_PRIVACY || holds(&PROGRAMS) || self.address.is_some_and(is_of_programs)
    }
}

fn is_of_programs(address: IpAddr) -> bool {
    let IpAddr::V4(address) = address.to_canonical() else { return false };
    let within = |(network, bits): &(Ipv4Addr, u32)| {
        let shift = 32 - bits;
        address.to_bits() >> shift == network.to_bits() >> shift
    };
    NETWORKS.iter().any(within)
}

/// A link of one message that was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click<'a> {
    /// When.
    pub at: DateTime<Utc>,
    /// Where it leads.
    pub url: &'a str,
}

/// Different links within a second that no person follows, where it is not known how many the message has.
const TOO_MANY: usize = 3;

/// Which clicks of one message were a scanner's: those of a second in which every link was followed. `links`: how many
/// different ones the message has, if that is known; of one link nothing can be told.
pub fn automatic_clicks(clicks: &[Click<'_>], links: Option<usize>) -> Vec<bool> {
    let enough = links.map_or(TOO_MANY, |links| links.max(2));
    let mut order: Vec<usize> = (0..clicks.len()).collect();
    order.sort_by_key(|index| clicks[*index].at);
    let mut automatic = vec![false; clicks.len()];
    for (start, first) in order.iter().enumerate() {
        let ends = clicks[*first].at + TimeDelta::seconds(1);
        let burst = order[start..].iter().take_while(|index| clicks[**index].at <= ends);
        let different: BTreeSet<&str> = burst.clone().map(|index| clicks[*index].url).collect();
        if different.len() >= enough {
            burst.for_each(|index| automatic[*index] = true);
        }
    }
    automatic
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str =
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";
    const GMAIL: &str = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";

    fn by(agent: &str) -> Visit<'_> {
        Visit { agent: Some(agent), ..Visit::default() }
    }

    #[test]
    fn people_are_told_from_programs() {
        for (agent, opened, clicked) in [
            (CHROME, false, false),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", false, false),
            (GMAIL, false, false),
            ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", false, false),
            ("Mozilla/5.0", true, true),
            ("", true, true),
            ("Mozilla/5.0 (compatible; Googlebot/2.1)", true, true),
            ("WhatsApp/2.23.20.0 A", true, true),
            ("python-requests/2.32", true, true),
            ("Mozilla/5.0 (compatible; BarracudaCentral)", true, true),
        ] {
            assert_eq!(by(agent).is_automatic(Feedback::Opened), opened, "{agent} opened");
            assert_eq!(by(agent).is_automatic(Feedback::Clicked), clicked, "{agent} clicked");
        }
    }

    #[test]
    fn what_is_asked_for_early_is_a_programs() {
        assert!(Visit { is_head: true, ..by(CHROME) }.is_automatic(Feedback::Clicked));
        assert!(Visit { purpose: Some("prefetch;prerender"), ..by(CHROME) }.is_automatic(Feedback::Clicked));
        for (address, expected) in [
            ("17.58.1.1", true),
            ("40.94.20.7", true),
            ("::ffff:40.94.20.7", true),
            ("203.0.113.7", false),
            ("2001:db8::1", false),
        ] {
            let visit = Visit { address: Some(address.parse().unwrap()), ..by(CHROME) };
            assert_eq!(visit.is_automatic(Feedback::Opened), expected, "{address}");
        }
        // pictures are loaded through Gmail from wherever Gmail is
        assert!(!Visit { address: Some("17.58.1.1".parse().unwrap()), ..by(GMAIL) }.is_automatic(Feedback::Opened));
    }

    fn clicks(given: &[(i64, &'static str)]) -> Vec<Click<'static>> {
        given
            .iter()
            .map(|(millis, url)| Click { at: DateTime::UNIX_EPOCH + TimeDelta::milliseconds(*millis), url })
            .collect()
    }

    #[test]
    fn every_link_within_a_second_is_a_scanner() {
        let scanned = clicks(&[(9_000, "a"), (0, "a"), (400, "c"), (900, "b")]);
        assert_eq!(automatic_clicks(&scanned, Some(3)), [false, true, true, true]);
        assert_eq!(automatic_clicks(&scanned, None), [false, true, true, true]);
        assert_eq!(automatic_clicks(&scanned, Some(4)), [false; 4], "one link was left");
        assert_eq!(automatic_clicks(&clicks(&[(0, "a"), (600, "b"), (1_200, "c")]), Some(3)), [false; 3]);
        assert_eq!(automatic_clicks(&clicks(&[(0, "a"), (1, "a"), (2, "a")]), Some(1)), [false; 3]);
        assert_eq!(automatic_clicks(&[], Some(1)), [false; 0]);
    }
}
