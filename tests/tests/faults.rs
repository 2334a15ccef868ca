//! A campaign of 20,000 recipients, sent by processes that are killed over servers that break.
//!
//! Whatever happens: nobody is sent a message twice, nobody is forgotten, every job ends, and the campaign completes.

#[path = "faults/campaign.rs"]
mod campaign;
#[path = "faults/processes.rs"]
mod processes;
#[path = "faults/servers.rs"]
mod servers;
