//! What providers tell us: `/api/webhooks/…`. Nobody signs in here: whoever calls proves who they are by a signature
//! over the body.
//!
//! A delivery is kept as it came and answered at once; a job applies it. What cannot be kept is answered with an error,
//! and the provider delivers it again; keeping it twice changes nothing.

mod keep;
mod raw_body;
mod sendgrid;
mod ses;
mod textlocal;
mod twilio;
mod whatsapp;

use poem_openapi::OpenApi;

/// The webhook of every provider.
pub fn api() -> impl OpenApi + 'static {
    (
        whatsapp::WhatsappWebhookApi,
        sendgrid::SendgridWebhookApi,
        ses::SesWebhookApi,
        twilio::TwilioWebhookApi,
        textlocal::TextlocalWebhookApi,
    )
}
