//! Every channel, from the request to the provider and back: single messages, campaigns, and bad days.

#[path = "channels/any_order.rs"]
mod any_order;
#[path = "channels/chaos.rs"]
mod chaos;
#[path = "channels/failover.rs"]
mod failover;
#[path = "channels/ground.rs"]
mod ground;
#[path = "channels/kept.rs"]
mod kept;
#[path = "channels/numbers.rs"]
mod numbers;
#[path = "channels/registered.rs"]
mod registered;
#[path = "channels/replies.rs"]
mod replies;
#[path = "channels/senders.rs"]
mod senders;
#[path = "channels/singles.rs"]
mod singles;
#[path = "channels/unconfirmed.rs"]
mod unconfirmed;
