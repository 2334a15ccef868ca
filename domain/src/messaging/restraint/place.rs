//! Where somebody lives and which clocks they live by, from what is known of them.
//!
//! What is known best goes first: what was recorded, then what the phone number tells, then the branch. A country of
//! several zones is taken by its largest: the guess is for people of whom nothing better is known.

use super::Rules;
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// What is known of somebody's whereabouts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// An IANA zone that was recorded for them.
    pub time_zone: Option<&'a str>,
    /// A country that was recorded for them.
    pub country: Option<&'a str>,
    /// Their number in E.164.
    pub phone: Option<&'a str>,
    /// The IANA zone of the branch that looks after them.
    pub branch_time_zone: Option<&'a str>,
}

/// Where somebody lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// ISO 3166 alpha-2.
    pub country: String,
    /// Whose clocks they live by.
    pub time_zone: Tz,
}

impl Rules {
    /// Where somebody lives, as far as it is known.
    pub fn place(&self, known: &Known<'_>) -> Place {
        let read = |zone: Option<&str>| zone.and_then(|zone| zone.parse::<Tz>().ok());
        let told = known.country.map(str::to_owned).or_else(|| known.phone.and_then(country_of));
        let country = told.clone().unwrap_or_else(|| self.country.clone());
        // a branch is in the insurer's own country: it says nothing of those who live elsewhere
        let abroad = told.filter(|told| *told != self.country);
        let time_zone = read(known.time_zone)
            .or_else(|| abroad.as_deref().and_then(zone_of))
            .or_else(|| read(known.branch_time_zone))
            .unwrap_or(self.time_zone);
        Place { country, time_zone }
    }
}

/// The country of a number in E.164.
pub fn country_of(phone: &str) -> Option<String> {
    // most numbers by far, and a code of one country only
    if phone.starts_with("+91") {
        return Some("IN".to_owned());
    }
    let number = phonenumber::parse(None, phone).ok()?;
    number.country().id().map(|id| id.as_ref().to_owned())
}

/// The zones that are taken for whole countries, by ISO 3166 alpha-2.
pub fn zones() -> BTreeMap<&'static str, &'static str> {
    ZONES.iter().map(|(country, zone)| (*country, zone.name())).collect()
}

/// The countries of [`zones`] by calling code, such as `91`; of several with one code the one it is named after.
pub fn calling_codes() -> BTreeMap<String, &'static str> {
    let known = ZONES.iter().filter_map(|(country, _)| {
        let metadata = phonenumber::metadata::DATABASE.by_id(*country)?;
        Some((metadata.country_code(), metadata.is_main_country_for_code(), *country))
    });
    let mut codes: BTreeMap<String, &'static str> = BTreeMap::new();
    for (code, is_main, country) in known {
        let entry = codes.entry(code.to_string()).or_insert(country);
        if is_main {
            *entry = country;
        }
    }
    codes
}

/// The zone in which most people of the country live.
pub fn zone_of(country: &str) -> Option<Tz> {
    ZONES.iter().find(|(code, _)| *code == country).map(|(_, zone)| *zone)
}

const ZONES: [(&str, Tz); 76] = [
    ("AE", Tz::Asia__Dubai),
    ("AF", Tz::Asia__Kabul),
    ("AR", Tz::America__Argentina__Buenos_Aires),
    ("AT", Tz::Europe__Vienna),
    ("AU", Tz::Australia__Sydney),
    ("BD", Tz::Asia__Dhaka),
    ("BE", Tz::Europe__Brussels),
    ("BG", Tz::Europe__Sofia),
    ("BH", Tz::Asia__Bahrain),
    ("BR", Tz::America__Sao_Paulo),
    ("BT", Tz::Asia__Thimphu),
    ("CA", Tz::America__Toronto),
    ("CH", Tz::Europe__Zurich),
    ("CL", Tz::America__Santiago),
    ("CN", Tz::Asia__Shanghai),
    ("CO", Tz::America__Bogota),
    ("CZ", Tz::Europe__Prague),
    ("DE", Tz::Europe__Berlin),
    ("DK", Tz::Europe__Copenhagen),
    ("EG", Tz::Africa__Cairo),
    ("ES", Tz::Europe__Madrid),
    ("ET", Tz::Africa__Addis_Ababa),
    ("FI", Tz::Europe__Helsinki),
    ("FJ", Tz::Pacific__Fiji),
    ("FR", Tz::Europe__Paris),
    ("GB", Tz::Europe__London),
    ("GH", Tz::Africa__Accra),
    ("GR", Tz::Europe__Athens),
    ("HK", Tz::Asia__Hong_Kong),
    ("HU", Tz::Europe__Budapest),
    ("ID", Tz::Asia__Jakarta),
    ("IE", Tz::Europe__Dublin),
    ("IL", Tz::Asia__Jerusalem),
    ("IN", Tz::Asia__Kolkata),
    ("IQ", Tz::Asia__Baghdad),
    ("IR", Tz::Asia__Tehran),
    ("IT", Tz::Europe__Rome),
    ("JO", Tz::Asia__Amman),
    ("JP", Tz::Asia__Tokyo),
    ("KE", Tz::Africa__Nairobi),
    ("KR", Tz::Asia__Seoul),
    ("KW", Tz::Asia__Kuwait),
    ("LK", Tz::Asia__Colombo),
    ("MA", Tz::Africa__Casablanca),
    ("MM", Tz::Asia__Yangon),
    ("MU", Tz::Indian__Mauritius),
    ("MV", Tz::Indian__Maldives),
    ("MX", Tz::America__Mexico_City),
    ("MY", Tz::Asia__Kuala_Lumpur),
    ("NG", Tz::Africa__Lagos),
    ("NL", Tz::Europe__Amsterdam),
    ("NO", Tz::Europe__Oslo),
    ("NP", Tz::Asia__Kathmandu),
    ("NZ", Tz::Pacific__Auckland),
    ("OM", Tz::Asia__Muscat),
    ("PE", Tz::America__Lima),
    ("PH", Tz::Asia__Manila),
    ("PK", Tz::Asia__Karachi),
    ("PL", Tz::Europe__Warsaw),
    ("PT", Tz::Europe__Lisbon),
    ("QA", Tz::Asia__Qatar),
    ("RO", Tz::Europe__Bucharest),
    ("RU", Tz::Europe__Moscow),
    ("SA", Tz::Asia__Riyadh),
    ("SE", Tz::Europe__Stockholm),
    ("SG", Tz::Asia__Singapore),
    ("TH", Tz::Asia__Bangkok),
    ("TR", Tz::Europe__Istanbul),
    ("TW", Tz::Asia__Taipei),
    ("TZ", Tz::Africa__Dar_es_Salaam),
    ("UA", Tz::Europe__Kyiv),
    ("UG", Tz::Africa__Kampala),
    ("US", Tz::America__New_York),
    ("UZ", Tz::Asia__Tashkent),
    ("VN", Tz::Asia__Ho_Chi_Minh),
    ("ZA", Tz::Africa__Johannesburg),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_tell_the_country() {
        for (phone, country) in [
            ("+919876543210", "IN"),
            ("+971501234567", "AE"),
            ("+14158675309", "US"),
            ("+442071838750", "GB"),
            ("+6591234567", "SG"),
        ] {
            assert_eq!(country_of(phone).as_deref(), Some(country), "{phone}");
        }
        assert_eq!(country_of("nobody"), None);
    }

    #[test]
    fn what_is_known_best_goes_first() {
        let rules = Rules::default();
        let zone = |known: Known<'_>| rules.place(&known).time_zone;
        let abroad = Known { phone: Some("+971501234567"), branch_time_zone: Some("Asia/Kolkata"), ..Known::default() };
        assert_eq!(zone(abroad), Tz::Asia__Dubai);
        assert_eq!(zone(Known { time_zone: Some("Europe/London"), ..abroad }), Tz::Europe__London);
        assert_eq!(zone(Known { time_zone: Some("Nowhere"), ..abroad }), Tz::Asia__Dubai);
        let home = Known { phone: Some("+919876543210"), branch_time_zone: Some("Asia/Dubai"), ..Known::default() };
        assert_eq!(zone(home), Tz::Asia__Dubai);
        assert_eq!(rules.place(&Known::default()), Place { country: "IN".to_owned(), time_zone: Tz::Asia__Kolkata });
        assert_eq!(rules.place(&Known { country: Some("SG"), ..home }).time_zone, Tz::Asia__Singapore);
    }

    #[test]
    fn the_table_has_each_country_once() {
        assert!(ZONES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
