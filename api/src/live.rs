//! Figures of campaigns as they change: `/api/live`, a WebSocket.
//!
//! A caller comes with their token, as everywhere, or, since browsers cannot send headers here, with the subprotocols
//! `bearer` and the token. They say what they watch, `{"watch": ["campaign-1"]}`, and are told the figures at once and
//! then as they change, status and money among them, at most once a second a campaign. Only what is in their reach is told; whose session has ended is
//! closed. A word that is lost is made good by the next; a slow reader misses what is in between.

use crate::{
    auth::{guard::authenticate, principals::Principal},
    campaigns::analytics::shown,
    edge::ClientAddress,
    error::ApiError,
    state::SharedState,
};
use chrono::TimeDelta;
use domain::{
    campaigns::report::Metrics,
    ids::CampaignId,
    permissions::{Permission, Reach},
};
use futures_util::{SinkExt, StreamExt};
use jobs::queue::figures::FiguresEvent;
use jobs::security::secret_token;
use poem::{
    FromRequest, IntoResponse, Request, Response, Result,
    http::{HeaderValue, header},
    web::websocket::{Message, WebSocket, WebSocketStream},
};
use schema::{DbError, campaigns};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{MissedTickBehavior, interval},
};

/// The subprotocol that a token comes after.
const PROTOCOL: &str = "bearer";
/// How often what has changed is told.
const TELL: Duration = Duration::from_secs(1);
/// How often it is looked up whether the caller may still listen, and whether the line still holds.
const CHECK: TimeDelta = TimeDelta::seconds(15);
/// Campaigns that one caller watches at most.
const WATCHED: usize = 100;
/// The longest message of a caller, in bytes.
const LONGEST: usize = 16 * 1024;

/// What a caller says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    /// From now on these, and no others.
    watch: Vec<String>,
}

/// What a caller came in with, to be looked at again.
enum Ticket {
    Session(uuid::Uuid, Option<IpAddr>),
    Key([u8; 32]),
}

/// Answers the request that opens the line.
pub async fn open(mut request: Request) -> Result<Response> {
    if let Some(token) = offered(&request) {
        request.headers_mut().insert(header::AUTHORIZATION, token);
    }
    let caller = authenticate(&request).await?;
    may_look(&caller)?;
    let state = request.data::<SharedState>().ok_or_else(|| ApiError::internal("the state is not installed"))?;
    let state = Arc::clone(state);
    let ticket = ticket(&request, &caller);
    let (request, mut body) = request.split();
    let websocket = WebSocket::from_request(&request, &mut body).await?.protocols([PROTOCOL]);
    let upgraded = websocket.on_upgrade(move |line| async move {
        let mut watcher = Watcher { state, caller, ticket, watched: BTreeSet::new(), changed: BTreeMap::new() };
        if let Err(error) = watcher.serve(line).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a line was given up");
        }
    });
    Ok(upgraded.into_response())
}

/// The token among the subprotocols.
fn offered(request: &Request) -> Option<HeaderValue> {
    if request.headers().contains_key(header::AUTHORIZATION) {
        return None;
    }
    let offered = request.headers().get(header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    let mut names = offered.split(',').map(str::trim);
    let token = names.next().filter(|name| *name == PROTOCOL).and(names.next())?;
    HeaderValue::from_str(&format!("Bearer {token}")).ok()
}

fn may_look(caller: &Principal) -> Result<(), ApiError> {
    match !caller.owes_mfa && caller.may(Permission::CampaignsView) {
        true => Ok(()),
        false => Err(ApiError::forbidden("permission_denied", "this needs the permission to see campaigns")),
    }
}

fn ticket(request: &Request, caller: &Principal) -> Ticket {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.split_once(' ')).map(|(_, token)| token.trim());
    match (caller.session(), token) {
        (Some(session), _) => Ticket::Session(session, request.data::<ClientAddress>().and_then(|client| client.0)),
        (None, token) => Ticket::Key(secret_token::hash(token.unwrap_or_default())),
    }
}

/// The line cannot go on.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the caller is gone")]
    Gone(#[from] std::io::Error),
    #[error("the database does not answer")]
    Database(#[from] DbError),
}

struct Watcher {
    state: SharedState,
    caller: Arc<Principal>,
    ticket: Ticket,
    watched: BTreeSet<i64>,
    /// To be told at the next tick.
    changed: BTreeMap<i64, FiguresEvent>,
}

impl Watcher {
    async fn serve(&mut self, mut line: WebSocketStream) -> Result<(), Broken> {
        let mut heard = self.state.services.figures.subscribe();
        let mut tick = interval(TELL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut checked = self.state.services.clock.now();
        loop {
            tokio::select! {
                () = self.state.stopping.cancelled() => return Ok(line.close().await?),
                said = line.next() => match said {
                    Some(Ok(Message::Text(text))) => self.hear(&mut line, &text).await?,
                    Some(Ok(Message::Binary(_))) => tell(&mut line, &refused("text is expected")).await?,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_))) | None => return Ok(()),
                    Some(Err(error)) => return Err(error.into()),
                },
                event = heard.recv() => match event {
                    Ok(event) if self.watched.contains(&event.campaign) => {
                        self.changed.insert(event.campaign, event);
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => self.read(&mut line).await?,
                    Err(RecvError::Closed) => return Ok(()),
                },
                _ = tick.tick() => {
                    for event in std::mem::take(&mut self.changed).into_values() {
                        tell(&mut line, &figures(&event)).await?;
                    }
                    let now = self.state.services.clock.now();
                    if now - checked >= CHECK {
                        checked = now;
                        if !self.may_stay().await? {
                            return Ok(line.close().await?);
                        }
                        line.send(Message::Ping(Vec::new())).await?;
                    }
                }
            }
        }
    }

    async fn may_stay(&mut self) -> Result<bool, DbError> {
        let principals = &self.state.principals;
        let found = match &self.ticket {
            Ticket::Session(session, address) => principals.find(*session, *address).await?,
            Ticket::Key(hash) => principals.find_key(hash).await?,
        };
        let Some(caller) = found.filter(|caller| may_look(caller).is_ok()) else { return Ok(false) };
        if caller.reach != self.caller.reach {
            let wanted = std::mem::take(&mut self.watched);
            self.watched = self.in_reach(caller.reach, wanted).await?;
        }
        self.caller = caller;
        Ok(true)
    }

    async fn in_reach(&self, reach: Reach, wanted: BTreeSet<i64>) -> Result<BTreeSet<i64>, DbError> {
        let wanted: Vec<i64> = wanted.into_iter().collect();
        let mut connection = self.state.services.db.get().await?;
        campaigns::in_reach(&mut connection, reach, &wanted).await.map(|ids| ids.into_iter().collect())
    }

    /// Takes what they want to watch, and tells them its figures.
    async fn hear(&mut self, line: &mut WebSocketStream, text: &str) -> Result<(), Broken> {
        let said =
            Some(text).filter(|text| text.len() <= LONGEST).and_then(|text| serde_json::from_str::<Said>(text).ok());
        let Some(said) = said.filter(|said| said.watch.len() <= WATCHED) else {
            let expected = format!("expected {{\"watch\": [\"campaign-1\", …]}} with at most {WATCHED} campaigns");
            return Ok(tell(line, &refused(&expected)).await?);
        };
        let mut wanted = BTreeSet::new();
        for name in &said.watch {
            match name.parse::<CampaignId>() {
                Ok(id) => drop(wanted.insert(id.0)),
                Err(_) => tell(line, &refused(&format!("{name} is no campaign"))).await?,
            }
        }
        self.watched = self.in_reach(self.caller.reach, wanted.clone()).await?;
        for id in wanted.difference(&self.watched) {
            let message = json!({"type": "error", "code": "not_found", "campaignId": CampaignId(*id).to_string()});
            tell(line, &message).await?;
        }
        self.read(line).await
    }

    /// Tells the figures of everything that is watched.
    async fn read(&mut self, line: &mut WebSocketStream) -> Result<(), Broken> {
        self.changed.clear();
        let ids: Vec<i64> = self.watched.iter().copied().collect();
        let at = self.state.services.clock.now();
        let found = {
            let mut connection = self.state.services.db.get().await?;
            campaigns::totals(&mut connection, &ids).await?
        };
        for (campaign, status, found) in found {
            tell(line, &figures(&FiguresEvent::of(campaign, status, found, at))).await?;
        }
        Ok(())
    }
}

async fn tell(line: &mut WebSocketStream, message: &Value) -> std::io::Result<()> {
    line.send(Message::Text(message.to_string())).await
}

fn refused(message: &str) -> Value {
    json!({"type": "error", "code": "bad_request", "message": message})
}

/// As `GET /api/campaigns/{id}/analytics` names them.
fn figures(event: &FiguresEvent) -> Value {
    let (counts, rates): (&Metrics, _) = (&event.metrics, event.metrics.rates());
    let mut metrics = json!(counts);
    if let (Some(metrics), Value::Object(rates)) = (metrics.as_object_mut(), json!(rates)) {
        metrics.extend(rates);
    }
    json!({
        "type": "campaign.figures",
        "campaignId": CampaignId(event.campaign).to_string(),
        "status": event.status,
        "metrics": metrics,
        "failures": event.failures,
        "cost": shown(&event.cost),
        "revenue": shown(&event.revenue),
        "measuredAt": event.at,
    })
}
