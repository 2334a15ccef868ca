//! Where a request comes from, for the audit log and security events. Never fails: what is not known is left out.

use crate::edge::{ClientAddress, RequestId};
use poem::{Request, http::header};
use schema::audit::Actor;
use std::{net::IpAddr, sync::Arc};

/// As much as is kept of a program's name for itself, in bytes.
const LONGEST_AGENT: usize = 500;

/// Where a request comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The request, as the logs know it.
    pub request_id: Option<Arc<str>>,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The client's program.
    pub user_agent: Option<String>,
}

impl Origin {
    /// Of a request.
    pub fn of(request: &Request) -> Self {
        let agent = request.header(header::USER_AGENT).map(|agent| {
            let end = agent.floor_char_boundary(LONGEST_AGENT);
            agent[..end].to_owned()
        });
        Self {
            request_id: request.data::<RequestId>().map(|id| Arc::clone(&id.0)),
            address: request.data::<ClientAddress>().and_then(|client| client.0),
            user_agent: agent.filter(|agent| !agent.is_empty()),
        }
    }

    /// Nobody who is known, from there.
    pub fn anonymous(&self) -> Actor {
        Actor {
            user: None,
            api_key: None,
            request_id: self.request_id.as_deref().map(str::to_owned),
            address: self.address,
            user_agent: self.user_agent.clone(),
        }
    }
}
