//! Putting policies on a ladder when its campaign begins, and once a day while newcomers are looked for.

use crate::{
    Decision, JobContext, JobError,
    campaigns::{
        audience::{self, Broken},
        job, news,
    },
    kinds::{advance_sequence::AdvanceSequence, compute_analytics::ComputeAnalytics, enrol_sequence::EnrolSequence},
    sending::work,
};
use domain::{local_day::local_day, permissions::Reach};
use schema::{
    AsyncConnection, DbError, QueryError,
    campaigns::{self, Campaign, Target},
    consent,
    sequences::{self, Enrolled, Enrolling, Ladder},
};
use serde_json::json;

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
    let enrolled = if begins || ladder.enrol_until.is_some_and(|until| until > context.now()) {
        let target = match check(campaign, context).await? {
            Ok(target) => target,
            Err(broken) => return news::fail(context, campaign.id, &broken).await,
        };
        enrol(campaign.id, Some(&target), context).await?
    } else {
        enrol(campaign.id, None, context).await?
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
    // few: at most as many as there are channels
    for channel in campaigns::channels(&mut connection, campaign.id).await? {
        let versions = campaigns::texts(&mut connection, campaign.id, channel).await?;
        if let Some(inactive) = versions.iter().find(|version| !version.is_active) {
            return Ok(Err(Broken::Text(crate::campaigns::texts::TextError::Inactive(inactive.name.clone()))));
        }
        if let Err(error) = work::letters(&context.services, channel, versions, today) {
            return Ok(Err(error.into()));
        }
    }
    Ok(audience::target(&mut connection, campaign, today).await?)
}

/// `None`, and nothing written, when the campaign was stopped meanwhile.
async fn enrol(campaign: i64, target: Option<&Target>, context: &JobContext) -> Result<Option<Enrolled>, DbError> {
    let now = context.now();
    let mut connection = context.services.db.get().await?;
    let rules = consent::rules::get(&mut connection).await?;
    let enrolled = connection
        .transaction::<_, DbError, _>(async |connection| {
            let enrolled = match target {
                Some(target) => {
                    sequences::enrol(connection, &Enrolling { campaign, target, rules: &rules }, now).await?
                }
                None => Enrolled { enrolled: 0, excluded: 0 },
            };
            match sequences::settle(connection, campaign, now).await? {
                true => Ok(enrolled),
                false => Err(DbError::Query(QueryError::RollbackTransaction)),
            }
        })
        .await;
    match enrolled {
        Ok(enrolled) => Ok(Some(enrolled)),
        Err(DbError::Query(QueryError::RollbackTransaction)) => Ok(None),
        Err(error) => Err(error),
    }
}
