//! What recipients reach without signing in: links that are watched, stopping messages, preferences.
//!
//! A signed token in the path says whose it is; nothing else is asked. Looking never changes anything: mail programs look
//! at links before people do. Pages work without script, load nothing, and are in English or Hindi as the browser asks.

mod form;
mod page;
mod preferences;
mod texts;
mod track;
mod unsubscribe;
mod view;

use poem_openapi::OpenApi;

/// Every part of the resource.
pub fn api() -> impl OpenApi + 'static {
    (track::TrackingApi, unsubscribe::UnsubscribeApi, preferences::PreferencesApi, view::ViewApi)
}
