//! Every channel, from the request to the provider and back: single messages, campaigns, and bad days.

#[path = "channels/chaos.rs"]
mod chaos;
#[path = "channels/failover.rs"]
mod failover;
#[path = "channels/ground.rs"]
mod ground;
#[path = "channels/replies.rs"]
mod replies;
#[path = "channels/singles.rs"]
mod singles;
