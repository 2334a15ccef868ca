//! Figures equal a recount of the messages at any moment: after random changes, in the middle of folding, and when
//! transactions are given up or the connection that makes them is cut.

use crate::{
    book::{self, Entry},
    http_create::Ground,
};
use schema::campaigns::{self, Followed};
use std::collections::BTreeMap;
use tokio_postgres::Client;

const CAMPAIGNS: i64 = 3;
const CUSTOMERS: i64 = 12;
const STEPS: usize = 120;

/// The counters by dimension and key, in the order of `COUNTERS`.
type Counted = BTreeMap<(i64, String, String), Vec<i64>>;

const COUNTERS: &str = "total, pending, sending, suppressed, unconfirmed, failed, sent, delivered, opened, clicked, replied, \
                        converted, unsubscribed, complained, share, (amount * 10000)::BIGINT";
/// The places in it of what conversions are counted in.
const TOTAL: usize = 0;
const CLICKED: usize = 9;
const CONVERTED: usize = 11;
const SHARE: usize = 14;
const AMOUNT: usize = 15;

fn read(rows: &[tokio_postgres::Row]) -> Counted {
    let row = |row: &tokio_postgres::Row| {
        let key = (row.get::<_, i64>(0), row.get::<_, String>(1), row.get::<_, String>(2));
        (key, (3..row.len()).map(|at| row.get::<_, i64>(at)).collect::<Vec<_>>())
    };
    let all = rows.iter().map(row);
    all.filter(|(_, counts)| counts.iter().any(|count| *count != 0)).collect()
}

/// What is kept.
async fn kept(client: &Client) -> Counted {
    let sums: Vec<String> = COUNTERS
        .split(", ")
        .map(|counter| {
            if counter.starts_with('(') {
                "(sum(amount) * 10000)::BIGINT".into()
            } else {
                format!("sum({counter})::BIGINT")
            }
        })
        .collect();
    let query = format!(
        "SELECT campaign_id, dimension::TEXT, key, {} FROM ( \
            SELECT campaign_id, dimension, key, total, pending, sending, suppressed, unconfirmed, failed, sent, delivered, \
                opened, clicked, replied, converted, unsubscribed, complained, share, amount FROM campaign_figures \
            UNION ALL SELECT campaign_id, dimension, key, total, pending, sending, suppressed, unconfirmed, failed, sent, \
                delivered, opened, clicked, replied, converted, unsubscribed, complained, share, amount \
                FROM campaign_figure_deltas) AS parts \
         WHERE dimension <> 'quarter' \
         GROUP BY 1, 2, 3",
        sums.join(", ")
    );
    read(&client.query(&query, &[]).await.unwrap())
}

/// The same, counted from the messages, one dimension at a time.
async fn recounted(client: &Client) -> Counted {
    let counts = |waiting: bool, amount: bool| {
        let of = |condition: &str| format!("count(*) FILTER (WHERE {condition})");
        let waits = |status: &str| if waiting { of(&format!("status = '{status}'")) } else { "0::BIGINT".to_owned() };
        [
            "count(*)".to_owned(),
            waits("pending"),
            waits("sending"),
            of("status = 'suppressed'"),
            of("status = 'unconfirmed'"),
            of("status = 'failed'"),
            of("status IN ('sent', 'delivered', 'read')"),
            of("status IN ('delivered', 'read')"),
            of("opened_at IS NOT NULL OR status = 'read'"),
            of("clicked_at IS NOT NULL"),
            of("replied_at IS NOT NULL"),
            of("converted_at IS NOT NULL"),
            of("unsubscribed_at IS NOT NULL"),
            of("complained_at IS NOT NULL"),
            "0::BIGINT".to_owned(),
            if amount { "(sum(cost) * 10000)::BIGINT".to_owned() } else { "0::BIGINT".to_owned() },
        ]
        .join(", ")
    };
    let quarter = "(floor(extract(epoch FROM sent_at) / 900) * 900)::BIGINT::TEXT";
    let dimensions = [
        ("step", "step || ':' || channel", "TRUE"),
        ("variant", "variant_id::TEXT", "variant_id IS NOT NULL"),
        ("branch", "branch_id::TEXT", "branch_id IS NOT NULL"),
        ("domain", "split_part(lower(address), '@', 2)", "channel = 'email'"),
        ("template", "template_id || ':' || COALESCE(template_version_id::TEXT, '')", "template_id IS NOT NULL"),
        ("reason", "status || ':' || COALESCE(error_code, '')", "status IN ('failed', 'suppressed', 'unconfirmed')"),
        ("slot", quarter, "status IN ('sent', 'delivered', 'read') AND sent_at IS NOT NULL"),
        (
            "cost",
            "cost_currency || ':' || step || ':' || channel || ':' || COALESCE(variant_id::TEXT, '')",
            "cost IS NOT NULL AND cost_currency IS NOT NULL",
        ),
    ];
    let mut all = Counted::new();
    for (dimension, key, which) in dimensions {
        let query = format!(
            "SELECT campaign_id, '{dimension}', {key}, {} FROM messages WHERE campaign_id IS NOT NULL AND {which} \
             GROUP BY 1, 2, 3",
            counts(dimension == "step", dimension == "cost")
        );
        all.extend(read(&client.query(&query, &[]).await.unwrap_or_else(|error| panic!("{dimension}: {error}"))));
    }
    let excluded = "SELECT campaign_id, 'excluded', reason::TEXT, count(*), 0::BIGINT, 0::BIGINT, 0::BIGINT, 0::BIGINT, \
                    0::BIGINT, 0::BIGINT, 0::BIGINT, 0::BIGINT, 0::BIGINT, 0::BIGINT, 0::BIGINT, 0::BIGINT, 0::BIGINT, \
                    0::BIGINT, 0::BIGINT FROM campaign_exclusions GROUP BY 1, 2, 3";
    all.extend(read(&client.query(excluded, &[]).await.unwrap()));
    let happened = [
        (6, "sent_at", "status IN ('sent', 'delivered', 'read')"),
        (7, "delivered_at", "status IN ('delivered', 'read')"),
        (8, "opened_at", "TRUE"),
        (9, "clicked_at", "TRUE"),
        (10, "replied_at", "TRUE"),
        (5, "failed_at", "status = 'failed'"),
        (12, "unsubscribed_at", "TRUE"),
        (13, "complained_at", "TRUE"),
    ];
    for (place, column, which) in happened {
        let query = format!(
            "SELECT campaign_id, (floor(extract(epoch FROM {column}) / 60) * 60)::BIGINT::TEXT, count(*) FROM messages \
             WHERE campaign_id IS NOT NULL AND {column} IS NOT NULL AND {which} GROUP BY 1, 2"
        );
        for row in client.query(&query, &[]).await.unwrap() {
            let key = (row.get(0), "minute".to_owned(), row.get(1));
            all.entry(key).or_insert_with(|| vec![0; 16])[place] = row.get(2);
        }
    }
    let converted = [
        (
            "arm",
            TOTAL,
            "'treated', sum(COALESCE(cardinality(policies), 1)) FROM messages WHERE campaign_id IS NOT NULL",
        ),
        ("arm", CONVERTED, "arm::TEXT, count(*) FROM conversion_credits WHERE TRUE"),
        ("revenue", CONVERTED, "{parts}, count(*) FROM conversion_credits WHERE message_id IS NOT NULL"),
        (
            "revenue",
            AMOUNT,
            "{parts}, (sum(amount) * 10000)::BIGINT FROM conversion_credits WHERE message_id IS NOT NULL",
        ),
        ("last_touch", CONVERTED, "currency::TEXT, count(*) FROM conversion_credits WHERE is_last"),
        ("last_touch", AMOUNT, "currency::TEXT, (sum(amount) * 10000)::BIGINT FROM conversion_credits WHERE is_last"),
        ("position", SHARE, "currency::TEXT, sum(position_share) FROM conversion_credits WHERE position_share > 0"),
        (
            "position",
            AMOUNT,
            "currency::TEXT, (sum(position_amount) * 10000)::BIGINT FROM conversion_credits WHERE position_share > 0",
        ),
    ];
    for (dimension, place, what) in converted {
        let parts = "concat(currency, ':', step, ':', channel, ':', variant_id)";
        let query = format!("SELECT campaign_id, {} GROUP BY 1, 2", what.replace("{parts}", parts));
        for row in client.query(&query, &[]).await.unwrap() {
            let key = (row.get(0), dimension.to_owned(), row.get(1));
            all.entry(key).or_insert_with(|| vec![0; 16])[place] = row.get(2);
        }
    }
    all.retain(|_, counts| counts.iter().any(|count| *count != 0));
    all
}

/// One change, as SQL; what it needs of chance is drawn from `dice`.
fn change(mut dice: impl FnMut(i64) -> i64, branches: &[i64], variants: &[i64]) -> String {
    let some = format!("id % {} = {}", 1 + dice(5), dice(2));
    let campaign = 1 + dice(CAMPAIGNS);
    let at = format!("TIMESTAMPTZ '2026-05-01 10:00:00+00' + interval '1 second' * {}", dice(40_000));
    let held = "CASE WHEN status = 'sending' THEN NULL ELSE send_job END";
    match dice(19) {
        0 | 1 => format!(
            "INSERT INTO messages (campaign_id, customer_id, policy_id, channel, step, template_id, address, unit, variant_id, \
                policies) \
             SELECT {}, c.id, p.id, v.channel, {}, (SELECT min(id) FROM templates), v.address, {}, {}, \
                CASE WHEN c.id % 3 = 0 THEN ARRAY[p.id, p.id + 1, p.id + 2] END \
             FROM (SELECT * FROM customers ORDER BY id OFFSET {} LIMIT 4) AS c JOIN policies p ON p.customer_id = c.id \
             CROSS JOIN (VALUES ('email', 'Somebody@Mail' || {} || '.example'), ('sms', '+919800000001')) AS v (channel, address) \
             ON CONFLICT DO NOTHING",
            if dice(8) == 0 { "NULL".to_owned() } else { campaign.to_string() },
            dice(3),
            dice(4),
            if dice(2) == 0 { "NULL".to_owned() } else { variants[usize::try_from(dice(2)).unwrap()].to_string() },
            dice(CUSTOMERS - 3),
            dice(3),
        ),
        2 => format!(
            "UPDATE messages SET status = 'sending', send_job = gen_random_uuid() WHERE status = 'pending' AND {some}"
        ),
        3 => format!("UPDATE messages SET status = 'pending', send_job = NULL WHERE status = 'sending' AND {some}"),
        4 | 5 => format!(
            "UPDATE messages SET status = 'sent', send_job = NULL, sent_at = {at}, cost = 0.{:04}, cost_currency = '{}' \
             WHERE status = 'sending' AND {some}",
            dice(10_000),
            if dice(4) == 0 { "USD" } else { "INR" },
        ),
        6 => format!("UPDATE messages SET status = 'delivered', delivered_at = {at} WHERE status = 'sent' AND {some}"),
        7 => format!(
            "UPDATE messages SET status = 'read', opened_at = COALESCE(opened_at, {at}) WHERE status = 'delivered' AND {some}"
        ),
        8 => format!(
            "UPDATE messages SET status = 'failed', send_job = NULL, failed_at = {at}, error_code = 'E{}' WHERE {some} \
             AND status IN ('sending', 'unconfirmed', 'sent')",
            dice(3)
        ),
        9 => format!("UPDATE messages SET status = 'unconfirmed', send_job = NULL WHERE status = 'sending' AND {some}"),
        10 => format!(
            "UPDATE messages SET status = 'suppressed', send_job = NULL, error_code = 'stopped' WHERE status = 'pending' AND {some}"
        ),
        11 => format!(
            "UPDATE messages SET clicked_at = {at}, replied_at = CASE WHEN id % 2 = 0 THEN {at} END WHERE {some}"
        ),
        12 => format!(
            "UPDATE messages SET converted_at = CASE WHEN converted_at IS NULL THEN {at} END, complained_at = {at} WHERE {some}"
        ),
        // both at once, which the short way of taking messages up must not overlook
        13 => format!(
            "UPDATE messages SET variant_id = {}, status = 'sending', send_job = gen_random_uuid() WHERE status = 'pending' AND {some}",
            variants[0]
        ),
        14 => match dice(3) {
            0 => format!("DELETE FROM messages WHERE {some} AND id % 7 = 0"),
            1 => format!("DELETE FROM campaign_exclusions WHERE id % 3 = {}", dice(3)),
            _ => {
                format!("UPDATE policies SET branch_id = {} WHERE {some}", branches[usize::try_from(dice(2)).unwrap()])
            }
        },
        15 | 16 => format!(
            "INSERT INTO conversion_credits (case_id, campaign_id, arm, message_id, step, channel, variant_id, currency, \
                amount, is_last, position_share, position_amount) \
             SELECT DISTINCT ON (r.id) r.id, m.campaign_id, v.arm, CASE WHEN v.arm = 'treated' THEN m.id END, m.step, \
                m.channel, m.variant_id, '{}', {}, m.id % 2 = 0, {} * (m.id % 3), {} \
             FROM (SELECT * FROM messages WHERE campaign_id IS NOT NULL AND {some}) AS m \
             JOIN renewal_cases r ON r.policy_id = m.policy_id \
             CROSS JOIN (VALUES ('treated'), ('holdout')) AS v (arm) ORDER BY r.id, (m.id + {}) % 5 \
             ON CONFLICT DO NOTHING",
            if dice(4) == 0 { "USD" } else { "INR" },
            dice(9_000),
            dice(300_000),
            dice(5_000),
            dice(5),
        ),
        17 => match dice(2) {
            0 => format!("DELETE FROM conversion_credits WHERE case_id % 3 = {}", dice(3)),
            _ => format!("UPDATE conversion_credits SET amount = {}, is_last = NOT is_last", dice(9_000)),
        },
        _ => {
            format!(
                "INSERT INTO campaign_exclusions (campaign_id, customer_id, reason) SELECT {campaign}, id, '{}' FROM customers LIMIT {}",
                if dice(2) == 0 { "holdout" } else { "no_phone" },
                dice(5)
            ) + &format!("; UPDATE messages SET updated_at = now(), send_job = {held} WHERE status <> 'sending'")
        }
    }
}

#[tokio::test]
async fn figures_are_what_a_recount_finds() {
    let entries: Vec<Entry> = (1..=CUSTOMERS).map(Entry::new).collect();
    let ground = Ground::new(&entries).await;
    let client = &ground.client;
    client
        .batch_execute(&format!(
            "UPDATE renewal_cases SET payment_status = 'paid'; \
             INSERT INTO campaigns (id, group_id, name, campaign_type, status) \
             SELECT n, gen_random_uuid(), 'C' || n, 'email', 'active' FROM generate_series(1, {CAMPAIGNS}) n; \
             INSERT INTO branches (name, code) VALUES ('North', 'N'), ('South', 'S'); \
             INSERT INTO campaign_variants (campaign_id, label, weight, channel, template_id, template_version) \
             SELECT 1, label, 1, 'email', (SELECT min(id) FROM templates), 1 FROM (VALUES ('A'), ('B')) AS v (label)"
        ))
        .await
        .unwrap();
    let ids = |query: &'static str| async {
        client.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect::<Vec<i64>>()
    };
    let branches = ids("SELECT id FROM branches ORDER BY id").await;
    let variants = ids("SELECT id FROM campaign_variants ORDER BY id").await;
    let mut state = 7_u64;
    let mut connection = ground.api.connection().await;
    let mut links = Counted::new();
    for step in 0..STEPS {
        // numbers that look random, the same every time
        let mut dice = |sides: i64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::from(u32::try_from(state >> 33).unwrap()) % sides
        };
        let statement = change(&mut dice, &branches, &variants);
        match dice(6) {
            // given up
            0 => client.batch_execute(&format!("BEGIN; {statement}; ROLLBACK")).await.unwrap(),
            // cut off before it was committed
            1 => {
                let doomed = book::connect(&ground.api.base).await;
                doomed.batch_execute(&format!("BEGIN; {statement}")).await.unwrap();
                drop(doomed);
            }
            _ => client.batch_execute(&statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}")),
        }
        if dice(4) == 0 {
            let (campaign, limit) = (1 + dice(CAMPAIGNS), 1 + dice(30));
            campaigns::fold(&mut connection, campaign, limit).await.unwrap();
        }
        if dice(4) == 0 {
            let (campaign, first) = (1 + dice(CAMPAIGNS), dice(2) == 0);
            let link = format!("https://example.com/{}", dice(3));
            let followed = Followed { campaign, link: link.clone(), is_named: true, first };
            campaigns::count_followed(&mut connection, &[followed]).await.unwrap();
            let counts = links.entry((campaign, "link".to_owned(), link)).or_insert_with(|| vec![0; 16]);
            counts[TOTAL] += 1;
            counts[CLICKED] += i64::from(first);
        }
        if step % 4 == 0 || step + 1 == STEPS {
            let (kept, mut recounted) = (kept(client).await, recounted(client).await);
            recounted.extend(links.clone());
            let wrong: Vec<_> = recounted.iter().filter(|(key, counts)| kept.get(*key) != Some(*counts)).collect();
            assert!(
                wrong.is_empty(),
                "after {step}, {statement}: {wrong:?}, not {:?}",
                wrong.iter().map(|(key, _)| kept.get(*key)).collect::<Vec<_>>()
            );
            assert_eq!(kept.len(), recounted.len(), "after {step}, {statement}");
        }
    }
    assert!(book::number(client, "SELECT count(*) FROM messages").await > 20);
    assert!(book::number(client, "SELECT count(*) FROM conversion_credits").await > 3);
    // folded to the last, nothing is left over and nothing has changed
    let before = kept(client).await;
    for campaign in campaigns::unfolded(&mut connection, 10).await.unwrap() {
        while campaigns::fold(&mut connection, campaign, 50).await.unwrap() > 0 {}
    }
    assert_eq!(book::number(client, "SELECT count(*) FROM campaign_figure_deltas").await, 0);
    assert_eq!(kept(client).await, before);
    // the quarters that folding makes are the minutes
    let apart = "SELECT count(*) FROM (SELECT campaign_id, key::BIGINT / 900 * 900 AS at, sum(sent) AS sent, sum(failed) AS failed \
                 FROM campaign_figures WHERE dimension = 'minute' GROUP BY 1, 2) AS m \
                 FULL JOIN (SELECT campaign_id, key::BIGINT AS at, sent, failed FROM campaign_figures WHERE dimension = 'quarter') AS q \
                 USING (campaign_id, at) WHERE m.sent IS DISTINCT FROM q.sent OR m.failed IS DISTINCT FROM q.failed";
    assert_eq!(book::number(client, apart).await, 0);
}
