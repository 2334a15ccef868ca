//! What a running job may use: made once a process, shared by all its jobs.

use crate::queue::{
    dispatch::{Dispatcher, Enqueued},
    events::JobEvents,
    figures::FiguresEvents,
    ledger,
    new_job::NewJob,
    redis::Redis,
};
use crate::sending::line::Lines;
use crate::{Clock, process::config::SecurityConfig};
use providers::{
    email::EmailProvider, imap::Mailbox, rate_limit::RateLimiter, recipient_limits::RecipientLimits, storage::Storage,
    whatsapp_cloud::WhatsappManager,
};
use schema::{AsyncConnection, Db, DbError};
use std::sync::Arc;

/// The services of one process.
pub struct Services {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Redis.
    pub redis: Redis,
    /// Tells workers of new jobs, after commit.
    pub dispatcher: Dispatcher,
    /// Word of jobs that changed state.
    pub events: JobEvents,
    /// Word of campaigns whose figures changed.
    pub figures: FiguresEvents,
    /// Uploaded and made files.
    pub storage: Storage,
    /// The accounts that send to customers; the sandbox where none is configured.
    pub lines: Lines,
    /// Sends mail to account holders; into the storage without a mail server.
    pub email: Arc<dyn EmailProvider>,
    /// Where mails that did not arrive come back to, if it is read.
    pub bounce_mailbox: Option<Arc<Mailbox>>,
    /// Templates and flows at WhatsApp; without a business account they stay here.
    pub whatsapp_manager: Option<Arc<WhatsappManager>>,
    /// What links in mails begin with.
    pub public_url: String,
    /// How fast a sending account may go, over all processes.
    pub rate_limiter: RateLimiter,
    /// How much one recipient gets from one account, over all processes.
    pub recipient_limits: RecipientLimits,
    /// The application's own secrets.
    pub security: SecurityConfig,
}

/// What sends, and what its links begin with.
pub struct Senders {
    /// To customers.
    pub lines: Lines,
    /// To account holders.
    pub email: Arc<dyn EmailProvider>,
    /// Where mails that did not arrive come back to.
    pub bounce_mailbox: Option<Arc<Mailbox>>,
    /// Templates and flows at WhatsApp; without a business account they stay here.
    pub whatsapp_manager: Option<Arc<WhatsappManager>>,
    /// What links begin with.
    pub public_url: String,
}

/// Services as jobs hold them.
pub type SharedServices = Arc<Services>;

impl Services {
    /// The services over these servers.
    pub fn new(
        db: Db,
        clock: Clock,
        redis: Redis,
        storage: Storage,
        senders: Senders,
        security: SecurityConfig,
    ) -> Self {
        let (dispatcher, events) = (Dispatcher::new(redis.clone()), JobEvents::new(redis.clone()));
        let figures = FiguresEvents::new(redis.clone());
        let rate_limiter = RateLimiter::new(redis.connection());
        let recipient_limits = RecipientLimits::new(redis.connection());
        let Senders { lines, email, bounce_mailbox, whatsapp_manager, public_url } = senders;
        Self {
            db,
            clock,
            redis,
            dispatcher,
            events,
            figures,
            storage,
            lines,
            email,
            bounce_mailbox,
            whatsapp_manager,
            public_url,
            rate_limiter,
            recipient_limits,
            security,
        }
    }

    /// Enqueues jobs in a transaction of their own and tells the workers.
    pub async fn enqueue_now(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, DbError> {
        let mut connection = self.db.get().await?;
        let enqueued = connection
            .transaction::<_, DbError, _>(async |connection| ledger::enqueue(connection, self.clock.now(), jobs).await)
            .await?;
        drop(connection);
        self.dispatcher.push(&enqueued).await;
        Ok(enqueued)
    }
}
