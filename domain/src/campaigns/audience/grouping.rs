//! What a campaign's recipient is: who gets one message.

use crate::text_enum::text_enum;

text_enum! {
    /// What gets one message. Of several policies the one that expires first is what the message is about.
    pub enum Grouping {
        /// An address: two customers with the same phone number get one message.
        Address = "address",
        /// A customer.
        Customer = "customer",
        /// A household: customers who share a phone number or an e-mail address, or have the same last name at the same
        /// postal address (line, city and postal code without regard to case, spaces and signs). Who is linked over one
        /// other customer of the target belongs to it too; longer chains may come apart.
        Household = "household",
        /// A policy: several policies of one customer are several messages.
        Policy = "policy",
        /// A customer, in one message about all their policies, up to [`Grouping::TOGETHER_LIMIT`].
        Together = "together",
    }
}

impl Grouping {
    /// The most policies that one message is about.
    pub const TOGETHER_LIMIT: i64 = 50;
}
