//! Stand-ins for the vendors of text messages and e-mail, in the test's own process, each on a free port.
//!
//! Each takes only what its vendor's description allows, misbehaves as told by a seed ([`Behaviour`] is the one of the
//! stand-in for Meta), tells what became of messages as its vendor does, and counts every message that it accepted by
//! correlation, so that a double send is seen. What a message meets depends on the seed and its correlation alone.

mod sendgrid;
mod ses;
mod smtp;
mod sns;
mod stage;
mod teller;
mod textlocal;
mod topic;
mod twilio;

pub use crate::meta::{AcceptedMessage, Behaviour, Latency, WebhookBehaviour, WebhookCounts};
pub use sendgrid::{Sendgrid, SendgridServer};
pub use ses::{Ses, SesServer};
pub use smtp::SmtpSink;
pub use sns::{Sns, SnsServer};
pub use stage::StandIn;
pub use textlocal::{RECEIPT_SECRET as TEXTLOCAL_RECEIPT_SECRET, Textlocal, TextlocalServer};
pub use twilio::{
    ACCOUNT_SID as TWILIO_ACCOUNT_SID, AUTH_TOKEN as TWILIO_AUTH_TOKEN, FROM as TWILIO_FROM, Twilio, TwilioServer,
};
