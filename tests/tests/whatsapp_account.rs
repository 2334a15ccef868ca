//! Templates and flows of a WhatsApp business account, through HTTP, against a stand-in that refuses what Meta refuses.

#[path = "whatsapp_account/flows.rs"]
mod flows;
#[path = "whatsapp_account/ground.rs"]
mod ground;
#[path = "whatsapp_account/templates.rs"]
mod templates;
