//! Putting policies on a ladder when its campaign begins, and once a day while newcomers are looked for.

use super::{forecast, texts};
use crate::{
    Decision, JobContext, JobError,
    campaigns::{
        approval::agreed,
        audience::{self, Broken},
        forecast::ForecastError,
        job, news,
    },
    kinds::{advance_sequence::AdvanceSequence, compute_analytics::ComputeAnalytics, enrol_sequence::EnrolSequence},
};
use domain::{local_day::local_day, permissions::Reach};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError, QueryError,
    campaigns::{self, Campaign, Target},
    consent,
    sequences::{self, Enrolled, Enrolling, Ladder},
};
use serde_json::json;
use std::error::Error;

/// Enrolments looked at in one statement.
const PAGE: i64 = 5_000;

/// Looks at a ladder again, if it is one that is climbed.
pub async fn again(this: EnrolSequence, context: &JobContext) -> Result<Decision, JobError> {
    let mut connection = context.services.db.get().await?;
    let Some(campaign) = campaigns::find(&mut connection, Reach::All, this.campaign).await? else {
        return Err(JobError::discard("there is no such campaign"));
    };
    let ladder = sequences::ladder(&mut connection, campaign.id).await?;
    drop(connection);
    match ladder {
        Some(ladder) if campaign.audience_ready => run(&campaign, ladder, context).await,
        _ => Ok(Decision::done()),
    }
}

/// Takes off whose way is over, and puts on whom the target names, while they are looked for.
pub async fn run(campaign: &Campaign, ladder: Ladder, context: &JobContext) -> Result<Decision, JobError> {
    if !audience::is_wanted(campaign.status) {
        return Ok(Decision::done());
    }
    let stopped = stop_over(campaign.id, context).await?;
    let begins = !campaign.audience_ready;
    let target = if begins || ladder.enrol_until.is_some_and(|until| until > context.now()) {
        match check(campaign, context).await? {
            Ok(target) => Some(target),
            Err(broken) => return cannot_go_on(campaign, &broken, context).await,
        }
    } else {
        None
    };
    let enrolled = match enrol(campaign, target.as_ref(), begins, context).await {
        Ok(enrolled) => enrolled,
        Err(ForecastError::Database(error)) => return Err(error.into()),
        Err(broken @ ForecastError::Broken(_)) => return cannot_go_on(campaign, &broken, context).await,
    };
    let Some(enrolled) = enrolled else { return Ok(Decision::done()) };
    tracing::info!(
        campaign = campaign.id,
        enrolled = enrolled.enrolled,
        excluded = enrolled.excluded,
        stopped,
        "the ladder was looked at"
    );
    context.then(job(&AdvanceSequence { campaign: campaign.id })?);
    if begins {
        context.then(job(&ComputeAnalytics::of(campaign.id))?);
    }
    Ok(Decision::done_with(
        &json!({"enrolled": enrolled.enrolled, "exclusions": enrolled.excluded, "stopped": stopped}),
    ))
}

/// One that was to begin ends; one that is climbed is held, since a person can mend it, and those on it keep their places.
async fn cannot_go_on(
    campaign: &Campaign,
    broken: &(dyn Error + Sync),
    context: &JobContext,
) -> Result<Decision, JobError> {
    if !campaign.audience_ready {
        return news::fail(context, campaign.id, broken).await;
    }
    news::hold(context, campaign.id, &broken.to_string()).await?;
    Ok(Decision::done())
}

async fn stop_over(campaign: i64, context: &JobContext) -> Result<i64, DbError> {
    let (mut after, mut stopped) = (0, 0);
    loop {
        let mut connection = context.services.db.get().await?;
        let looked = sequences::stop_over(&mut connection, campaign, after, context.now(), PAGE).await?;
        stopped += looked.stopped;
        match looked.last {
            Some(last) if !context.stopping.is_cancelled() => after = last,
            _ => return Ok(stopped),
        }
    }
}

/// Whom it means, once every text of it could be read.
async fn check(campaign: &Campaign, context: &JobContext) -> Result<Result<Target, Broken>, JobError> {
    let today = local_day(context.now(), campaign.time_zone.as_deref());
    let mut connection = context.services.db.get().await?;
    match texts::of_ladder(&context.services, &mut connection, campaign, today).await? {
        Some(problems) => Ok(Err(Broken::Ladder(problems))),
        None => Ok(audience::target(&mut connection, campaign, today).await?),
    }
}

/// `None`, and nothing written, when the campaign was stopped meanwhile.
async fn enrol(
    campaign: &Campaign,
    target: Option<&Target>,
    begins: bool,
    context: &JobContext,
) -> Result<Option<Enrolled>, ForecastError> {
    let now = context.now();
    let mut connection = context.services.db.get().await?;
    let rules = consent::rules::get(&mut connection).await?;
    let enrolled = connection
        .transaction::<_, ForecastError, _>(async |connection| {
            let enrolled = match target {
                Some(target) => {
                    let enrolling = Enrolling { campaign: campaign.id, target, rules: &rules };
                    sequences::enrol(connection, &enrolling, now).await?
                }
                None => Enrolled { enrolled: 0, excluded: 0 },
            };
            let grown = begins || enrolled.enrolled > 0;
            if grown && asked(campaign, enrolled.enrolled, connection, context).await? {
                return Ok(enrolled);
            }
            match sequences::settle(connection, campaign.id, now).await? {
                true => Ok(enrolled),
                false => Err(QueryError::RollbackTransaction.into()),
            }
        })
        .await;
    match enrolled {
        Ok(enrolled) => Ok(Some(enrolled)),
        Err(ForecastError::Database(DbError::Query(QueryError::RollbackTransaction))) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Keeps what it comes to with those who are on it now; whether it waits for a second person's word, because those who
/// were put on are more than one may send to. A word that was given was of those it began with: newcomers are judged as
/// a campaign of their own would be.
async fn asked(
    campaign: &Campaign,
    enrolled: i64,
    connection: &mut AsyncPgConnection,
    context: &JobContext,
) -> Result<bool, ForecastError> {
    let services = &context.services;
    let (counted, newcomers) = forecast::counted(services, connection, campaign, enrolled).await?;
    campaigns::keep_forecast(connection, campaign.id, &counted).await?;
    let (judged, agreed) = match &newcomers {
        Some(newcomers) => (newcomers, false),
        None => (&counted, agreed(campaign, &counted)),
    };
    let too_much = services.security.approval.exceeded(judged).filter(|_| !campaign.rehearsal && !agreed);
    let Some(why) = too_much else { return Ok(false) };
    let why = newcomers.map_or_else(|| why.to_string(), |_| format!("with its newcomers alone {why}"));
    if !campaigns::ask_for_approval(connection, campaign, &why, context.now()).await? {
        return Ok(false);
    }
    let kind = ("campaign_awaits_approval", "waits for a second person's word");
    news::tell_creator(connection, campaign.id, kind, &why).await?;
    tracing::info!(campaign = campaign.id, "the ladder waits for a second person's word");
    Ok(true)
}
