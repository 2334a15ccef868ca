//! `/api/communication` (and `/api/communications`): single messages on every channel, what became of each message and
//! why, what was said to and by a customer, and the accounts that send.

mod accounts;
mod email;
mod explain;
mod given;
mod history;
mod media;
mod message_id;
mod sms;
mod status;
mod whatsapp;

use poem_openapi::OpenApi;

/// Everything about single messages.
pub fn api() -> impl OpenApi + 'static {
    (
        whatsapp::SendWhatsappApi,
        sms::SendSmsApi,
        email::SendEmailApi,
        status::DeliveryApi,
        history::HistoryApi,
        explain::ExplainApi,
        accounts::AccountsApi,
        media::WhatsappMediaApi,
    )
}
