//! The end of a campaign's test: the better variant is told, and everybody who waits gets it.
//!
//! The time counts from when every variant had begun to go out, each in its hour or on its channel. What was found is kept with the figures it was found from. An
//! automatic test gives the rest the best variant even where no test is sure of it; otherwise a person decides. Naming
//! is one compare-and-set, so the job and a person cannot both decide; giving goes on where an attempt was cut short.

use super::{job, lanes, news, texts};
use crate::{Decision, JobContext, JobError, NewJob, kinds::decide_winner::DecideWinner};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    campaigns::{
        Grouping,
        plan::{Metric, Pace, Test},
    },
    ids::CampaignId,
    permissions::Reach,
    statistics::{Arm, Judgement, judge},
};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    audit::{self, Actor, Entity},
    campaigns::{self, Campaign, Prize, Tried, Variant, Win},
    consent::rules,
};
use serde_json::{Value, json};

/// Messages that get the winner in one statement.
const PIECE: i64 = 5_000;
/// While nothing of a variant has gone out, and something still may, it is looked again after this.
const NOT_BEGUN: TimeDelta = TimeDelta::minutes(5);

/// Decides when the time has come, and gives the winner to those who wait.
pub async fn run(this: DecideWinner, context: &JobContext) -> Result<Decision, JobError> {
    let mut connection = context.services.db.get().await?;
    let Some(campaign) = campaigns::find(&mut connection, Reach::All, this.campaign).await? else {
        return Err(JobError::discard("there is no such campaign"));
    };
    let variants = campaigns::variants(&mut connection, campaign.id).await?;
    let Some(test) = campaign.plan().test else { return Ok(Decision::done()) };
    if variants.is_empty() || campaign.status.is_final() || !campaign.audience_ready {
        return Ok(Decision::done());
    }
    let winner = match campaign.winner_id {
        Some(winner) => variants.iter().find(|variant| variant.id == winner),
        None => {
            let begun = campaigns::begun(&mut connection, campaign.id).await?;
            let due = match begun.at {
                _ if begun.waits => context.now() + NOT_BEGUN,
                Some(last) => last + test.lasts(),
                // nobody it was to be tried on can be reached: no time will tell, and the rest must not wait for ever
                None => context.now(),
            };
            if due > context.now() {
                return Ok(Decision::Snooze { until: due, reason: "it is still being tried".to_owned() });
            }
            decide(&mut connection, &campaign, &variants, &test, context.now()).await?
        }
    };
    let Some(winner) = winner else {
        if campaign.winner_basis.is_none() {
            let kind = ("campaign_test_ended", "has been tried: choose what the rest gets");
            news::tell_creator(&mut connection, campaign.id, kind, "The test has run its time.").await?;
        }
        return Ok(Decision::done());
    };
    let given = give(context, &mut connection, &campaign, winner).await?;
    for lane in lanes::jobs(&mut connection, &campaign).await? {
        context.then(lane);
    }
    Ok(Decision::done_with(&json!({"winner": winner.label, "messages": given})))
}

/// The job that decides, when the test's time is over at the earliest.
pub fn after_start(campaign: &Campaign, now: DateTime<Utc>) -> Result<Option<NewJob>, DbError> {
    let Some(test) = campaign.plan().test else { return Ok(None) };
    Ok(Some(job(&DecideWinner { campaign: campaign.id })?.at(now + test.lasts())))
}

/// Names the best variant, or keeps what was found for a person to decide on.
async fn decide<'a>(
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
    variants: &'a [Variant],
    test: &Test,
    now: DateTime<Utc>,
) -> Result<Option<&'a Variant>, DbError> {
    let tried = campaigns::tried(connection, campaign.id).await?;
    let (arms, judgement) = judged(variants, &tried, test);
    let basis = basis(&arms, &judgement, test);
    let best = judgement.winner.or(judgement.leader).and_then(|place| variants.get(place));
    let named = best.or(variants.first()).filter(|_| test.automatic);
    match named {
        Some(variant) => {
            let win = Win { variant, basis: &basis };
            let named = connection
                .transaction::<_, DbError, _>(async |connection| {
                    if !campaigns::name_winner(connection, campaign.id, &win, now).await? {
                        return Ok(false);
                    }
                    let entry = Actor::default().entry("campaign.winner_named", Entity::of(CampaignId(campaign.id)));
                    audit::record(connection, &[entry.after(json!({"variant": variant.label}))]).await?;
                    Ok(true)
                })
                .await?;
            if named {
                tracing::info!(campaign = campaign.id, variant = variant.label, "it won");
            }
            Ok(named.then_some(variant))
        }
        None => {
            campaigns::keep_basis(connection, campaign.id, &basis).await?;
            Ok(None)
        }
    }
}

/// What the figures say by now.
pub fn judged(variants: &[Variant], tried: &[Tried], test: &Test) -> (Vec<Arm>, Judgement) {
    let count = |count: i64| u64::try_from(count).unwrap_or_default();
    let arm = |variant: &Variant| {
        let found = tried.iter().find(|tried| tried.variant == variant.id);
        let successes = found.map_or(0, |tried| match test.metric {
            Metric::Opened => tried.opened,
            Metric::Clicked => tried.clicked,
            Metric::Replied => tried.replied,
            Metric::Converted => tried.converted,
            Metric::Paid => tried.paid,
        });
        Arm::new(variant.label.clone(), count(found.map_or(0, |tried| tried.sent)), count(successes))
    };
    let arms: Vec<Arm> = variants.iter().map(arm).collect();
    let judgement = judge(&arms, test.method, f64::from(test.confidence_percent) / 100.0);
    (arms, judgement)
}

/// What was found, for whoever asks later.
pub fn basis(arms: &[Arm], judgement: &Judgement, test: &Test) -> Value {
    let arm = |(arm, probability): (&Arm, &f64)| json!({"label": arm.label, "sent": arm.trials, "successes": arm.successes(), "probabilityBest": probability});
    json!({
        "metric": test.metric,
        "method": test.method,
        "confidencePercent": test.confidence_percent,
        "isSure": judgement.winner.is_some(),
        "pValue": judgement.p_value,
        "lack": judgement.lack,
        "arms": arms.iter().zip(&judgement.probability_best).map(arm).collect::<Vec<_>>(),
    })
}

/// Gives the winner to everybody who waits, at the campaign's pace; how many.
async fn give(
    context: &JobContext,
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
    winner: &Variant,
) -> Result<i64, JobError> {
    let versions = campaigns::texts(connection, campaign.id, winner.channel).await?;
    let texts = match texts::of_variant(winner, &versions) {
        Ok(texts) => texts,
        Err(error) => {
            // nothing would tell of those who wait for it for ever
            news::hold(context, campaign.id, &error.to_string()).await?;
            return Err(JobError::discard(error));
        }
    };
    let content = texts::content(winner);
    let waiting = campaigns::waiting(connection, campaign.id).await?;
    let plan = campaign.plan();
    let gap = plan.pace.map_or(TimeDelta::zero(), |pace: Pace| pace.gap(waiting));
    let (from, rules) = (context.now(), rules::get(connection).await?);
    let timing = plan.timing;
    let prize = Prize {
        variant: winner,
        texts: &texts,
        content: content.as_ref(),
        from,
        gap,
        timing,
        rules: &rules,
        once_an_address: plan.grouping == Grouping::Address && winner.channel != campaign.channel,
    };
    let (mut given, mut after) = (0, 0);
    loop {
        let piece = campaigns::award(connection, campaign.id, &prize, (given, after), PIECE, context.now()).await?;
        given += piece.messages;
        match piece.last {
            Some(last) if !context.stopping.is_cancelled() => after = last,
            _ => return Ok(given),
        }
        context.report(given, Some(waiting), None);
    }
}
