//! What pages say, in English and Hindi.

use domain::messaging::Channel;

/// Everything a page says in a language.
pub struct Texts {
    /// Its code.
    pub language: &'static str,
    pub brand: &'static str,
    pub email: &'static str,
    pub whatsapp: &'static str,
    pub sms: &'static str,
    pub broken_title: &'static str,
    pub broken: &'static str,
    pub unsubscribe_title: &'static str,
    /// `{address}` stands for the address.
    pub unsubscribe: &'static str,
    pub which: &'static str,
    pub only_offers: &'static str,
    pub everything: &'static str,
    pub stop: &'static str,
    pub stopped_title: &'static str,
    pub stopped: &'static str,
    pub stopped_offers: &'static str,
    pub by_mistake: &'static str,
    pub preferences_title: &'static str,
    pub preferences: &'static str,
    pub service: &'static str,
    pub offers: &'static str,
    pub topics: &'static str,
    pub save: &'static str,
    pub saved_title: &'static str,
    pub saved: &'static str,
}

pub static ENGLISH: Texts = Texts {
    language: "en",
    brand: "Intelipro Renewals",
    email: "Email",
    whatsapp: "WhatsApp",
    sms: "SMS",
    broken_title: "This link does not work",
    broken: "It may have been cut off. Please open it from the message again, or answer the message.",
    unsubscribe_title: "Stop messages",
    unsubscribe: "Shall we stop writing to {address}?",
    which: "What shall we stop?",
    only_offers: "Offers only",
    everything: "All messages, reminders about your policies included",
    stop: "Stop messages",
    stopped_title: "Done",
    stopped: "We will not write to {address} any more.",
    stopped_offers: "We will not send offers to {address} any more. You still get reminders about your policies.",
    by_mistake: "Was this a mistake? Answer START to a message of ours, or change your preferences.",
    preferences_title: "Your preferences",
    preferences: "Choose what we may write to you about, and how.",
    service: "Reminders and news about my policies",
    offers: "Offers",
    topics: "Topics that interest me",
    save: "Save",
    saved_title: "Saved",
    saved: "Your preferences are kept.",
};

pub static HINDI: Texts = Texts {
    language: "hi",
    brand: "Intelipro Renewals",
    email: "ईमेल",
    whatsapp: "व्हाट्सऐप",
    sms: "एसएमएस",
    broken_title: "यह लिंक काम नहीं करता",
    broken: "शायद लिंक अधूरा है। कृपया संदेश से इसे फिर खोलें, या संदेश का उत्तर दें।",
    unsubscribe_title: "संदेश बंद करें",
    unsubscribe: "क्या हम {address} पर संदेश भेजना बंद कर दें?",
    which: "क्या बंद करें?",
    only_offers: "केवल ऑफ़र",
    everything: "सभी संदेश, आपकी पॉलिसी के रिमाइंडर भी",
    stop: "संदेश बंद करें",
    stopped_title: "हो गया",
    stopped: "अब हम {address} पर संदेश नहीं भेजेंगे।",
    stopped_offers: "अब हम {address} पर ऑफ़र नहीं भेजेंगे। पॉलिसी के रिमाइंडर मिलते रहेंगे।",
    by_mistake: "गलती से हुआ? हमारे किसी संदेश पर START लिखें, या अपनी पसंद बदलें।",
    preferences_title: "आपकी पसंद",
    preferences: "चुनें कि हम आपको किस बारे में और कैसे लिखें।",
    service: "मेरी पॉलिसी के रिमाइंडर और सूचनाएँ",
    offers: "ऑफ़र",
    topics: "मेरी रुचि के विषय",
    save: "सहेजें",
    saved_title: "सहेजा गया",
    saved: "आपकी पसंद सहेज ली गई है।",
};

impl Texts {
    /// Those that a browser asks for first, of the two: `hi-IN,hi;q=0.9,en;q=0.8`.
    pub fn of(accept_language: Option<&str>) -> &'static Self {
        let first = accept_language.unwrap_or_default().split(',').find_map(|part| {
            let language = part.split([';', '-', '_']).next().unwrap_or_default().trim();
            [&ENGLISH, &HINDI].into_iter().find(|texts| texts.language.eq_ignore_ascii_case(language))
        });
        first.unwrap_or(&ENGLISH)
    }

    /// What a channel is called.
    pub const fn channel(&self, channel: Channel) -> &'static str {
        match channel {
            Channel::Email => self.email,
            Channel::Whatsapp => self.whatsapp,
            Channel::Sms => self.sms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_says_which() {
        for (asked, language) in [
            (None, "en"),
            (Some("hi-IN,hi;q=0.9,en;q=0.8"), "hi"),
            (Some("ta, HI;q=0.9"), "hi"),
            (Some("en-GB"), "en"),
            (Some("fr"), "en"),
            (Some(";;,"), "en"),
        ] {
            assert_eq!(Texts::of(asked).language, language, "{asked:?}");
        }
    }
}
