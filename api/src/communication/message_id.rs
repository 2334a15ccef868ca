//! A message's id outside: `wa-msg-1`, `sms-msg-1` or `email-msg-1`, by its channel.

use crate::error::{ApiError, ApiResult};
use domain::{
    ids::{EmailMessageId, MessageId, SmsMessageId, WhatsappMessageId},
    messaging::Channel,
};

/// How a message is called.
pub fn shown(channel: Channel, id: i64) -> String {
    match channel {
        Channel::Whatsapp => WhatsappMessageId(id).to_string(),
        Channel::Sms => SmsMessageId(id).to_string(),
        Channel::Email => EmailMessageId(id).to_string(),
    }
}

/// The message that is called so; the channel is for people and not looked at.
pub fn read(text: &str) -> ApiResult<i64> {
    let whatsapp = || text.parse::<WhatsappMessageId>().map(i64::from);
    let sms = || text.parse::<SmsMessageId>().map(i64::from);
    let email = || text.parse::<EmailMessageId>().map(i64::from);
    let any = || text.parse::<MessageId>().map(i64::from);
    whatsapp().or_else(|_| sms()).or_else(|_| email()).or_else(|_| any()).map_err(|_| ApiError::not_found("message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_called_by_its_channel_and_read_whatever_it_is_called() {
        let called = Channel::ALL.iter().map(|channel| shown(*channel, 12)).collect::<Vec<_>>();
        assert_eq!(called, ["email-msg-12", "wa-msg-12", "sms-msg-12"]);
        assert!(called.iter().all(|text| read(text).is_ok_and(|id| id == 12)));
        assert_eq!(read("message-12").unwrap(), 12);
        assert!(read("wamid.X").is_err());
    }
}
